#include "ngx_av_prices_table.h"


#define NGX_AV_PRICES_SHORTEST_PREFIX  4

/* units of ngx_av_decimal_t in a dollar */
#define NGX_AV_PRICES_ONE              1000000000000000000ULL

/* what ngx_av_decimal_t does not hold: 10^12 */
#define NGX_AV_PRICES_MOST             ((ngx_av_int128_t) 1000000000000LL     \
                                        * NGX_AV_PRICES_ONE)


static ngx_uint_t ngx_av_prices_scale(ngx_av_int128_t units);
static const ngx_av_price_t *ngx_av_prices_exact(
    const ngx_av_prices_t *prices, const ngx_str_t *model,
    ngx_uint_t any_case);
static const ngx_av_price_t *ngx_av_prices_prefix(
    const ngx_av_prices_t *prices, const ngx_str_t *model);
static ngx_str_t ngx_av_prices_bare(const ngx_str_t *model);
static void ngx_av_prices_drop_before(ngx_str_t *model);
static ngx_uint_t ngx_av_prices_drop_suffix(ngx_str_t *model);
static size_t ngx_av_prices_version(const ngx_str_t *model);
static ngx_uint_t ngx_av_prices_ends(const ngx_str_t *model,
    const ngx_str_t *version);


/* Regions of Bedrock's inference profiles, and who makes its models. */
static const ngx_str_t  ngx_av_prices_regions[] = {
    ngx_string("us-gov."),
    ngx_string("us."),
    ngx_string("eu."),
    ngx_string("apac."),
    ngx_string("ap."),
    ngx_string("au."),
    ngx_string("ca."),
    ngx_string("jp."),
    ngx_string("global."),
    ngx_null_string
};

static const ngx_str_t  ngx_av_prices_makers[] = {
    ngx_string("anthropic."),
    ngx_string("amazon."),
    ngx_string("meta."),
    ngx_string("mistral."),
    ngx_string("cohere."),
    ngx_string("ai21."),
    ngx_string("deepseek."),
    ngx_string("openai."),
    ngx_null_string
};

/* each # stands for a digit; besides there is @ and any digits */
static const ngx_str_t  ngx_av_prices_versions[] = {
    ngx_string("-####-##-##"),
    ngx_string("-########"),
    ngx_string("-latest"),
    ngx_null_string
};


ngx_int_t
ngx_av_prices_cost(const ngx_av_price_t *price, int64_t input, int64_t output,
    ngx_av_decimal_t *cost)
{
    ngx_av_int128_t  units;

    if (price == NULL) {
        return NGX_DECLINED;
    }

    /* at most 2^63 * 10^18 each: together they fit */

    units = input * price->input + output * price->output;

    if (units >= NGX_AV_PRICES_MOST) {
        return NGX_DECLINED;
    }

    cost->units = units;
    cost->scale = ngx_av_prices_scale(units);

    return NGX_OK;
}


/* The decimal places that are needed to show so many units. */
static ngx_uint_t
ngx_av_prices_scale(ngx_av_int128_t units)
{
    uint64_t    fraction;
    ngx_uint_t  scale;

    /* the fraction fits 64 bits, whose division is much the faster */

    fraction = (units <= UINT64_MAX)
               ? (uint64_t) units % NGX_AV_PRICES_ONE
               : (uint64_t) (units % NGX_AV_PRICES_ONE);

    if (fraction == 0) {
        return 0;
    }

    for (scale = NGX_AV_DECIMAL_FRAC_DIGITS; fraction % 10 == 0; scale--) {
        fraction /= 10;
    }

    return scale;
}


const ngx_str_t *
ngx_av_prices_match(const ngx_av_prices_t *prices, const ngx_str_t *model)
{
    const ngx_av_price_t  *price;

    price = ngx_av_prices_lookup(prices, model);

    return price ? &price->model : NULL;
}


/* agentmark.md 8 */
const ngx_av_price_t *
ngx_av_prices_lookup(const ngx_av_prices_t *prices, const ngx_str_t *model)
{
    ngx_str_t              bare;
    const ngx_av_price_t  *price;

    if (model->len == 0 || model->len > NGX_AV_PRICES_NAME_LIMIT) {
        return NULL;
    }

    price = ngx_av_prices_exact(prices, model, 0);
    if (price) {
        return price;
    }

    bare = ngx_av_prices_bare(model);

    price = ngx_av_prices_exact(prices, &bare, 0);

    if (price == NULL) {
        price = ngx_av_prices_exact(prices, model, 1);
    }

    if (price == NULL) {
        price = ngx_av_prices_exact(prices, &bare, 1);
    }

    if (price) {
        return price;
    }

    price = ngx_av_prices_prefix(prices, &bare);

    return price ? price : ngx_av_prices_prefix(prices, model);
}


const ngx_av_price_t *
ngx_av_prices_find(const ngx_av_prices_t *prices, const u_char *name,
    size_t len, uint32_t hash, ngx_uint_t any_case)
{
    size_t                 i;
    ngx_uint_t             slot;
    const ngx_av_price_t  *price;

    slot = hash & prices->mask;

    for ( ;; ) {
        price = &prices->slots[slot];

        if (price->model.data == NULL) {
            return NULL;
        }

        slot = (slot + 1) & prices->mask;

        if (price->hash != hash || price->model.len != len) {
            continue;
        }

        for (i = 0; i < len; i++) {

            if (price->model.data[i] != name[i]
                && !(any_case
                     && ngx_tolower(price->model.data[i])
                        == ngx_tolower(name[i])))
            {
                break;
            }
        }

        if (i == len) {
            return price;
        }
    }
}


static const ngx_av_price_t *
ngx_av_prices_exact(const ngx_av_prices_t *prices, const ngx_str_t *model,
    ngx_uint_t any_case)
{
    size_t    i;
    uint32_t  hash;

    hash = NGX_AV_PRICES_HASH;

    for (i = 0; i < model->len; i++) {
        hash = ngx_av_prices_hash(hash, model->data[i]);
    }

    return ngx_av_prices_find(prices, model->data, model->len, hash, any_case);
}


/* The longest name in the table that ends where the model has a separator. */
static const ngx_av_price_t *
ngx_av_prices_prefix(const ngx_av_prices_t *prices, const ngx_str_t *model)
{
    u_char                 c;
    size_t                 i;
    uint32_t               hash;
    const ngx_av_price_t  *price, *longest;

    hash = NGX_AV_PRICES_HASH;
    longest = NULL;

    for (i = 0; i < model->len; i++) {

        c = model->data[i];

        if (i >= NGX_AV_PRICES_SHORTEST_PREFIX
            && (c == '-' || c == ':' || c == '@' || c == '.' || c == '/'
                || c == '_'))
        {
            price = ngx_av_prices_find(prices, model->data, i, hash, 1);

            if (price) {
                longest = price;
            }
        }

        hash = ngx_av_prices_hash(hash, c);
    }

    return longest;
}


/* The name without who serves it and without its version. */
static ngx_str_t
ngx_av_prices_bare(const ngx_str_t *model)
{
    ngx_str_t  bare;

    bare = *model;

    ngx_av_prices_drop_before(&bare);

    while (ngx_av_prices_drop_suffix(&bare)) { /* void */ }

    return bare.len ? bare : *model;
}


static ngx_inline ngx_uint_t
ngx_av_prices_drop(ngx_str_t *model, const ngx_str_t *prefix)
{
    size_t  i;

    if (model->len <= prefix->len) {
        return 0;
    }

    for (i = 0; i < prefix->len; i++) {
        if (ngx_tolower(model->data[i]) != prefix->data[i]) {
            return 0;
        }
    }

    model->data += prefix->len;
    model->len -= prefix->len;

    return 1;
}


/* openai/, models/, ft:base:..., us.anthropic. */
static void
ngx_av_prices_drop_before(ngx_str_t *model)
{
    size_t            n;
    u_char           *colon;
    const ngx_str_t  *prefix;

    static const ngx_str_t  tuned = ngx_string("ft:");

    for (n = model->len; n > 0; n--) {

        if (model->data[n - 1] == '/') {
            model->data += n;
            model->len -= n;
            break;
        }
    }

    if (ngx_av_prices_drop(model, &tuned)) {

        colon = memchr(model->data, ':', model->len);

        if (colon) {
            model->len = colon - model->data;
        }
    }

    for (prefix = ngx_av_prices_regions; prefix->len; prefix++) {
        if (ngx_av_prices_drop(model, prefix)) {
            break;
        }
    }

    for (prefix = ngx_av_prices_makers; prefix->len; prefix++) {
        if (ngx_av_prices_drop(model, prefix)) {
            break;
        }
    }
}


static ngx_uint_t
ngx_av_prices_drop_suffix(ngx_str_t *model)
{
    size_t  n;

    n = ngx_av_prices_version(model);

    if (n == 0 || n >= model->len) {
        return 0;
    }

    model->len -= n;

    return 1;
}


/* How long the version at its end is, with what precedes it. */
static size_t
ngx_av_prices_version(const ngx_str_t *model)
{
    size_t   n;
    u_char  *at;

    for (n = 0; ngx_av_prices_versions[n].len; n++) {
        if (ngx_av_prices_ends(model, &ngx_av_prices_versions[n])) {
            return ngx_av_prices_versions[n].len;
        }
    }

    at = memchr(model->data, '@', model->len);
    if (at == NULL) {
        return 0;
    }

    for (n = 1; at + n < model->data + model->len; n++) {
        if (at[n] < '0' || at[n] > '9') {
            return 0;
        }
    }

    return (n > 1) ? n : 0;
}


static ngx_uint_t
ngx_av_prices_ends(const ngx_str_t *model, const ngx_str_t *version)
{
    size_t         i;
    const u_char  *p;

    if (model->len < version->len) {
        return 0;
    }

    p = model->data + model->len - version->len;

    for (i = 0; i < version->len; i++) {

        if (version->data[i] == '#' && p[i] >= '0' && p[i] <= '9') {
            continue;
        }

        if (ngx_tolower(p[i]) != version->data[i]) {
            return 0;
        }
    }

    return 1;
}
