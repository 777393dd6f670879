#include "ngx_av_prices_table.h"

#include "ngx_av_json.h"


#define NGX_AV_PRICES_FILE_LIMIT    (1024 * 1024)
#define NGX_AV_PRICES_MEMORY_LIMIT  (32 * 1024 * 1024)

/* per 1,000,000 tokens */
#define NGX_AV_PRICES_TOKENS        1000000

/* and so many that the cost of all tokens there can be fits 128 bits */
#define NGX_AV_PRICES_MAX           ((ngx_av_int128_t) 1000000                \
                                     * 1000000000000000000LL)


typedef struct {
    ngx_pool_t             *pool;
    ngx_av_prices_t        *prices;
    ngx_av_prices_error_t  *error;
} ngx_av_prices_load_t;


static ngx_int_t ngx_av_prices_read(ngx_pool_t *pool, ngx_fd_t fd,
    ngx_str_t *text, ngx_av_prices_error_t *error);
static ngx_int_t ngx_av_prices_fill(ngx_av_prices_load_t *load,
    yyjson_val *root);
static ngx_int_t ngx_av_prices_add(ngx_av_prices_load_t *load,
    const ngx_str_t *model, yyjson_val *val);
static ngx_int_t ngx_av_prices_members(ngx_av_prices_load_t *load,
    const ngx_str_t *model, yyjson_val *val, ngx_av_price_t *price);
static ngx_int_t ngx_av_prices_price(ngx_av_prices_load_t *load,
    const ngx_str_t *model, const ngx_str_t *name, yyjson_val *val,
    ngx_av_int128_t *per_token);
static ngx_uint_t ngx_av_prices_line(const u_char *text, size_t len,
    size_t offset);
static ngx_int_t ngx_av_prices_error(ngx_av_prices_error_t *error,
    ngx_err_t err, const char *fmt, ...);


ngx_int_t
ngx_av_prices_load(ngx_pool_t *pool, const ngx_str_t *path,
    const ngx_av_prices_t **prices, ngx_av_prices_error_t *error)
{
    ngx_fd_t    fd;
    ngx_int_t   rc;
    ngx_str_t   text;

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return ngx_av_prices_error(error, ngx_errno, "cannot open \"%V\"",
                                   path);
    }

    ngx_str_null(&text);

    rc = ngx_av_prices_read(pool, fd, &text, error);

    (void) ngx_close_file(fd);

    if (rc == NGX_OK) {
        rc = ngx_av_prices_parse(pool, text.data, text.len, prices, error);
        (void) ngx_pfree(pool, text.data);
    }

    return rc;
}


static ngx_int_t
ngx_av_prices_read(ngx_pool_t *pool, ngx_fd_t fd, ngx_str_t *text,
    ngx_av_prices_error_t *error)
{
    size_t           size;
    ssize_t          n;
    ngx_file_info_t  info;

    if (ngx_fd_info(fd, &info) == NGX_FILE_ERROR) {
        return ngx_av_prices_error(error, ngx_errno,
                                   "cannot tell the file's size");
    }

    if (!ngx_is_file(&info)) {
        return ngx_av_prices_error(error, 0, "it is no regular file");
    }

    if (ngx_file_size(&info) > NGX_AV_PRICES_FILE_LIMIT) {
        return ngx_av_prices_error(error, 0,
                                   "the file is larger than %d bytes",
                                   NGX_AV_PRICES_FILE_LIMIT);
    }

    size = (size_t) ngx_file_size(&info);

    text->data = ngx_palloc(pool, size + 1);
    if (text->data == NULL) {
        return ngx_av_prices_error(error, 0, "no memory");
    }

    while (text->len < size) {

        n = ngx_read_fd(fd, text->data + text->len, size - text->len);

        if (n == -1) {
            return ngx_av_prices_error(error, ngx_errno,
                                       "cannot read the file");
        }

        if (n == 0) {
            break;
        }

        text->len += n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_prices_parse(ngx_pool_t *pool, const u_char *text, size_t len,
    const ngx_av_prices_t **prices, ngx_av_prices_error_t *error)
{
    ngx_int_t             rc;
    ngx_av_json_t         json;
    ngx_av_prices_load_t  load;

    load.pool = pool;
    load.error = error;
    load.prices = NULL;

    rc = ngx_av_json_parse(&json, text, len, NGX_AV_PRICES_MEMORY_LIMIT);

    switch (rc) {

    case NGX_OK:
        rc = ngx_av_prices_fill(&load, json.root);
        break;

    case NGX_DECLINED:
        rc = ngx_av_prices_error(error, 0, "line %ui: %V",
                                 ngx_av_prices_line(text, len, json.offset),
                                 &json.error);
        break;

    default:
        rc = ngx_av_prices_error(error, 0, "no memory");
    }

    ngx_av_json_free(&json);

    *prices = load.prices;

    return rc;
}


static ngx_int_t
ngx_av_prices_fill(ngx_av_prices_load_t *load, yyjson_val *root)
{
    size_t            n;
    ngx_str_t         model;
    ngx_uint_t        nslots;
    yyjson_val       *key;
    yyjson_obj_iter   iter;

    if (!yyjson_is_obj(root)) {
        return ngx_av_prices_error(load->error, 0,
                                   "the file is no JSON object");
    }

    n = yyjson_obj_size(root);

    for (nslots = 8; nslots < n * 2; nslots *= 2) { /* void */ }

    load->prices = ngx_palloc(load->pool, sizeof(ngx_av_prices_t));
    if (load->prices == NULL) {
        return ngx_av_prices_error(load->error, 0, "no memory");
    }

    load->prices->mask = nslots - 1;
    load->prices->slots = ngx_pcalloc(load->pool,
                                      nslots * sizeof(ngx_av_price_t));
    if (load->prices->slots == NULL) {
        return ngx_av_prices_error(load->error, 0, "no memory");
    }

    yyjson_obj_iter_init(root, &iter);

    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {

        model.data = (u_char *) yyjson_get_str(key);
        model.len = yyjson_get_len(key);

        if (model.len && model.data[0] == '_') {
            continue;
        }

        if (ngx_av_prices_add(load, &model, yyjson_obj_iter_get_val(key))
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_prices_add(ngx_av_prices_load_t *load, const ngx_str_t *model,
    yyjson_val *val)
{
    size_t           i;
    uint32_t         hash;
    ngx_uint_t       slot;
    ngx_av_price_t  *price;

    if (model->len == 0 || model->len > NGX_AV_PRICES_NAME_LIMIT) {
        return ngx_av_prices_error(load->error, 0,
                                   "a model's name must have 1 to %d bytes",
                                   NGX_AV_PRICES_NAME_LIMIT);
    }

    hash = NGX_AV_PRICES_HASH;

    for (i = 0; i < model->len; i++) {
        hash = ngx_av_prices_hash(hash, model->data[i]);
    }

    if (ngx_av_prices_find(load->prices, model->data, model->len, hash, 0)) {
        return ngx_av_prices_error(load->error, 0, "\"%V\" is duplicate",
                                   model);
    }

    slot = hash & load->prices->mask;

    while (load->prices->slots[slot].model.data) {
        slot = (slot + 1) & load->prices->mask;
    }

    price = &load->prices->slots[slot];

    if (ngx_av_prices_members(load, model, val, price) != NGX_OK) {
        return NGX_ERROR;
    }

    price->hash = hash;
    price->model.data = ngx_pnalloc(load->pool, model->len);

    if (price->model.data == NULL) {
        return ngx_av_prices_error(load->error, 0, "no memory");
    }

    ngx_memcpy(price->model.data, model->data, model->len);
    price->model.len = model->len;

    return NGX_OK;
}


static ngx_int_t
ngx_av_prices_members(ngx_av_prices_load_t *load, const ngx_str_t *model,
    yyjson_val *val, ngx_av_price_t *price)
{
    ngx_str_t         name;
    ngx_uint_t        i;
    yyjson_val       *key;
    yyjson_obj_iter   iter;
    ngx_av_int128_t   prices[4];

    static const ngx_str_t  names[] = {
        ngx_string("input"),
        ngx_string("output"),
        ngx_string("cache_read"),
        ngx_string("cache_write")
    };

    if (!yyjson_is_obj(val)) {
        return ngx_av_prices_error(load->error, 0,
                                   "the prices of \"%V\" are no object", model);
    }

    prices[0] = -1;
    prices[1] = -1;

    yyjson_obj_iter_init(val, &iter);

    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {

        name.data = (u_char *) yyjson_get_str(key);
        name.len = ngx_min(yyjson_get_len(key), NGX_AV_PRICES_NAME_LIMIT);

        for (i = 0; i < 4; i++) {
            if (name.len == names[i].len
                && ngx_memcmp(name.data, names[i].data, name.len) == 0)
            {
                break;
            }
        }

        if (i == 4) {
            return ngx_av_prices_error(load->error, 0,
                                       "unknown price \"%V\" of \"%V\"",
                                       &name, model);
        }

        if (ngx_av_prices_price(load, model, &name,
                                yyjson_obj_iter_get_val(key), &prices[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < 2; i++) {

        if (prices[i] < 0) {
            return ngx_av_prices_error(load->error, 0,
                                       "\"%V\" has no price \"%V\"", model,
                                       &names[i]);
        }
    }

    price->input = prices[0];
    price->output = prices[1];

    return NGX_OK;
}


/* The price of a token is exact: its last digit is one of the units. */
static ngx_int_t
ngx_av_prices_price(ngx_av_prices_load_t *load, const ngx_str_t *model,
    const ngx_str_t *name, yyjson_val *val, ngx_av_int128_t *per_token)
{
    const char        *text;
    ngx_av_decimal_t   price;

    text = yyjson_is_str(val) ? yyjson_get_str(val) : yyjson_get_raw(val);

    if (text == NULL
        || ngx_av_decimal_parse((const u_char *) text, yyjson_get_len(val),
                                &price) != NGX_OK
        || price.units < 0 || price.units > NGX_AV_PRICES_MAX)
    {
        return ngx_av_prices_error(load->error, 0,
                                   "the price \"%V\" of \"%V\" is no number "
                                   "from 0 to 1000000", name, model);
    }

    if (price.units % NGX_AV_PRICES_TOKENS != 0) {
        return ngx_av_prices_error(load->error, 0,
                                   "the price \"%V\" of \"%V\" has more than "
                                   "12 decimal places", name, model);
    }

    *per_token = price.units / NGX_AV_PRICES_TOKENS;

    return NGX_OK;
}


static ngx_uint_t
ngx_av_prices_line(const u_char *text, size_t len, size_t offset)
{
    size_t      i;
    ngx_uint_t  line;

    line = 1;

    for (i = 0; i < len && i < offset; i++) {
        line += (text[i] == LF);
    }

    return line;
}


static ngx_int_t
ngx_av_prices_error(ngx_av_prices_error_t *error, ngx_err_t err,
    const char *fmt, ...)
{
    u_char   *last;
    va_list   args;

    va_start(args, fmt);
    last = ngx_vslprintf(error->data, error->data + NGX_AV_PRICES_ERROR_LEN,
                         fmt, args);
    va_end(args);

    error->err = err;
    error->text.data = error->data;
    error->text.len = last - error->data;

    return NGX_ERROR;
}
