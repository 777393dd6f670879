#include "ngx_av_semconv_work.h"

#include "ngx_av_fields.h"
#include "ngx_av_text.h"


/* a decimal's units in 1 */
#define NGX_AV_SEMCONV_ONE  ((ngx_av_int128_t) 1000000000000000000LL)


static ngx_int_t ngx_av_semconv_read_label(ngx_av_semconv_work_t *w,
    ngx_av_semconv_slot_t *slot, const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_read_first(ngx_av_semconv_work_t *w,
    ngx_av_semconv_slot_t *slot, const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_read_count(ngx_av_semconv_slot_t *slot,
    const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_count_text(const ngx_str_t *text,
    int64_t *count);
static ngx_int_t ngx_av_semconv_read_money(ngx_av_semconv_work_t *w,
    ngx_av_semconv_slot_t *slot, const ngx_av_otlp_value_t *value,
    ngx_av_int128_t least);
static ngx_int_t ngx_av_semconv_scalar(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_value_t *value, ngx_str_t *text);
static ngx_str_t ngx_av_semconv_trim(const ngx_str_t *text);


ngx_int_t
ngx_av_semconv_read(ngx_av_semconv_work_t *w, ngx_av_semconv_slot_t *slot,
    ngx_av_semconv_kind_e kind, const ngx_av_otlp_value_t *value)
{
    ngx_int_t  rc;

    if (ngx_av_semconv_is_empty(value)) {
        return NGX_DECLINED;
    }

    switch (kind) {

    case NGX_AV_SEMCONV_AS_LABEL:
        rc = ngx_av_semconv_read_label(w, slot, value);
        break;

    case NGX_AV_SEMCONV_AS_FIRST:
        rc = ngx_av_semconv_read_first(w, slot, value);
        break;

    case NGX_AV_SEMCONV_AS_COUNT:
        rc = ngx_av_semconv_read_count(slot, value);
        break;

    case NGX_AV_SEMCONV_AS_MONEY:
        rc = ngx_av_semconv_read_money(w, slot, value, 0);
        break;

    case NGX_AV_SEMCONV_AS_PRICE:
        rc = ngx_av_semconv_read_money(w, slot, value, 1);
        break;

    default:
        rc = NGX_OK;
    }

    if (rc == NGX_OK) {
        slot->value = value;
    }

    return rc;
}


ngx_uint_t
ngx_av_semconv_is_empty(const ngx_av_otlp_value_t *value)
{
    return value->kind == NGX_AV_OTLP_NONE
           || (value->kind == NGX_AV_OTLP_STRING && value->u.text.len == 0);
}


static ngx_int_t
ngx_av_semconv_read_label(ngx_av_semconv_work_t *w,
    ngx_av_semconv_slot_t *slot, const ngx_av_otlp_value_t *value)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    switch (value->kind) {

    case NGX_AV_OTLP_STRING:
        slot->text = value->u.text;
        return NGX_OK;

    case NGX_AV_OTLP_BOOL:
    case NGX_AV_OTLP_INT:
    case NGX_AV_OTLP_DOUBLE:
        rc = ngx_av_semconv_scalar(w, value, &text);
        if (rc != NGX_OK) {
            return rc;
        }

        slot->text.data = slot->scalar;
        slot->text.len = ngx_min(text.len, NGX_AV_SEMCONV_SCALAR_LEN);
        ngx_memcpy(slot->scalar, text.data, slot->text.len);

        return NGX_OK;

    default:
        return NGX_DECLINED;
    }
}


/* Some send the array as the text of its JSON. */
static ngx_int_t
ngx_av_semconv_read_first(ngx_av_semconv_work_t *w,
    ngx_av_semconv_slot_t *slot, const ngx_av_otlp_value_t *value)
{
    u_char                   *text;
    ngx_int_t                 rc;
    yyjson_val               *first;
    ngx_av_json_t             json;
    ngx_av_otlp_iter_t        iter;
    ngx_av_otlp_attribute_t   child;

    if (value->kind == NGX_AV_OTLP_ARRAY) {
        ngx_av_otlp_iter_init(&iter, value);

        if (!ngx_av_otlp_iter_next(&iter, &child)
            || ngx_av_semconv_is_empty(&child.value))
        {
            return NGX_DECLINED;
        }

        return ngx_av_semconv_read_label(w, slot, &child.value);
    }

    if (value->kind != NGX_AV_OTLP_STRING) {
        return NGX_DECLINED;
    }

    rc = ngx_av_semconv_parse_tree(w, value, &json);

    if (rc == NGX_DECLINED) {
        return ngx_av_semconv_read_label(w, slot, value);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    first = yyjson_arr_get_first(json.root);
    text = (u_char *) yyjson_get_str(first);
    rc = NGX_DECLINED;

    if (text && yyjson_get_len(first)) {
        slot->text.data = slot->scalar;
        slot->text.len = ngx_av_text_cut(text, yyjson_get_len(first),
                                         NGX_AV_SEMCONV_SCALAR_LEN);
        ngx_memcpy(slot->scalar, text, slot->text.len);

        rc = NGX_OK;
    }

    ngx_av_json_free(&json);

    return rc;
}


static ngx_int_t
ngx_av_semconv_read_count(ngx_av_semconv_slot_t *slot,
    const ngx_av_otlp_value_t *value)
{
    int64_t  count;

    switch (value->kind) {

    case NGX_AV_OTLP_INT:
        count = value->u.integer;
        break;

    case NGX_AV_OTLP_DOUBLE:

        /* not so if it is NaN, too */

        if (!(value->u.number >= 0
              && value->u.number <= (double) NGX_AV_FIELDS_MAX_COUNT))
        {
            return NGX_DECLINED;
        }

        count = (int64_t) value->u.number;
        break;

    case NGX_AV_OTLP_STRING:
        if (ngx_av_semconv_count_text(&value->u.text, &count) != NGX_OK) {
            return NGX_DECLINED;
        }

        break;

    default:
        return NGX_DECLINED;
    }

    if (count < 0 || count > NGX_AV_FIELDS_MAX_COUNT) {
        return NGX_DECLINED;
    }

    slot->count = count;

    return NGX_OK;
}


/* Of a fraction, which means nothing here, the integer part. */
static ngx_int_t
ngx_av_semconv_count_text(const ngx_str_t *text, int64_t *count)
{
    ngx_str_t         number;
    ngx_av_decimal_t  decimal;

    number = ngx_av_semconv_trim(text);

    if (ngx_av_json_int64(number.data, number.len, count) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_av_decimal_parse(number.data, number.len, &decimal) != NGX_OK
        || decimal.units < 0)
    {
        return NGX_DECLINED;
    }

    *count = (int64_t) (decimal.units / NGX_AV_SEMCONV_ONE);

    return NGX_OK;
}


/* A double is the shortest decimal that reads as the same double. */
static ngx_int_t
ngx_av_semconv_read_money(ngx_av_semconv_work_t *w,
    ngx_av_semconv_slot_t *slot, const ngx_av_otlp_value_t *value,
    ngx_av_int128_t least)
{
    ngx_int_t         rc;
    ngx_str_t         text;
    ngx_av_decimal_t  money;

    switch (value->kind) {

    case NGX_AV_OTLP_STRING:
        text = ngx_av_semconv_trim(&value->u.text);
        break;

    case NGX_AV_OTLP_INT:
    case NGX_AV_OTLP_DOUBLE:
        rc = ngx_av_semconv_scalar(w, value, &text);
        if (rc != NGX_OK) {
            return rc;
        }

        break;

    default:
        return NGX_DECLINED;
    }

    if (ngx_av_decimal_parse(text.data, text.len, &money) != NGX_OK
        || money.units < least)
    {
        return NGX_DECLINED;
    }

    slot->money = money;

    return NGX_OK;
}


static ngx_int_t
ngx_av_semconv_scalar(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_value_t *value, ngx_str_t *text)
{
    ngx_int_t  rc;

    rc = ngx_av_semconv_text(w, &w->scalar, value, text);

    return (rc == NGX_OK && text->len == 0) ? NGX_DECLINED : rc;
}


static ngx_str_t
ngx_av_semconv_trim(const ngx_str_t *text)
{
    ngx_str_t  trimmed;

    trimmed = *text;

    while (trimmed.len && trimmed.data[0] <= ' ') {
        trimmed.data++;
        trimmed.len--;
    }

    while (trimmed.len && trimmed.data[trimmed.len - 1] <= ' ') {
        trimmed.len--;
    }

    return trimmed;
}


const ngx_av_otlp_value_t *
ngx_av_semconv_find(const ngx_av_otlp_attributes_t *attributes,
    const ngx_str_t *key)
{
    ngx_uint_t                      i;
    const ngx_av_otlp_attribute_t  *attribute;

    attribute = attributes->elts;

    for (i = attributes->nelts; i > 0; i--) {

        if (attribute[i - 1].key.len == key->len
            && ngx_memcmp(attribute[i - 1].key.data, key->data, key->len) == 0
            && !ngx_av_semconv_is_empty(&attribute[i - 1].value))
        {
            return &attribute[i - 1].value;
        }
    }

    return NULL;
}


ngx_int_t
ngx_av_semconv_clean(ngx_av_buf_t *b, const ngx_str_t *text, size_t limit,
    ngx_str_t *clean)
{
    size_t  bad;

    if (text->len == 0) {
        ngx_str_null(clean);
        return NGX_OK;
    }

    *clean = *text;

    if (limit) {
        clean->len = ngx_av_text_cut(text->data, text->len, limit);
    }

    if (ngx_av_text_is_plain(clean->data, clean->len)) {
        return NGX_OK;
    }

    (void) ngx_av_text_valid(clean->data, clean->len, &bad);

    if (bad || memchr(clean->data, '\0', clean->len)) {

        ngx_av_semconv_reset(b);

        if (ngx_av_text_append_repaired(b, clean->data, clean->len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        clean->data = b->start;
        clean->len = ngx_av_buf_len(b);

        if (limit) {
            clean->len = ngx_av_text_cut(clean->data, clean->len, limit);
        }
    }

    if (clean->len == 0) {
        ngx_str_null(clean);
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_semconv_text(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_str_t *text)
{
    ngx_int_t  rc;

    if (value->kind == NGX_AV_OTLP_STRING) {
        *text = value->u.text;
        return NGX_OK;
    }

    ngx_av_semconv_reset(b);

    rc = ngx_av_otlp_value_json(b, value, w->limits.depth);
    if (rc != NGX_OK) {
        return rc;
    }

    text->data = b->start;
    text->len = ngx_av_buf_len(b);

    /* NaN, infinities and bytes are strings, in which nothing is escaped */

    if (text->len >= 2 && text->data[0] == '"') {
        text->data++;
        text->len -= 2;
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_semconv_put_string(ngx_av_buf_t *b, const ngx_str_t *text, size_t limit)
{
    size_t  len;

    len = text->len;

    if (limit) {
        len = ngx_av_text_cut(text->data, len, limit);
    }

    return ngx_av_json_write_bytes(b, text->data, len);
}


ngx_int_t
ngx_av_semconv_put_value(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value)
{
    ngx_int_t      rc;
    ngx_av_json_t  json;

    if (value->kind == NGX_AV_OTLP_STRING) {

        rc = ngx_av_semconv_parse_tree(w, value, &json);

        if (rc == NGX_OK) {
            rc = ngx_av_semconv_put_json(w, b, json.root);
            ngx_av_json_free(&json);
        }

        if (rc != NGX_DECLINED) {
            return rc;
        }

        return ngx_av_semconv_put_string(b, &value->u.text, 0);
    }

    rc = ngx_av_otlp_value_json(b, value, w->limits.depth);

    return (rc == NGX_DECLINED) ? ngx_av_buf_append(b, "null", 4) : rc;
}


ngx_int_t
ngx_av_semconv_parse(ngx_av_semconv_work_t *w, const ngx_str_t *text,
    ngx_av_json_t *json)
{
    ngx_int_t  rc;

    if (text->len > NGX_AV_SEMCONV_PARSE_LIMIT) {
        return NGX_DECLINED;
    }

    rc = ngx_av_json_parse(json, text->data, text->len, w->limits.memory);

    if (rc != NGX_OK) {
        ngx_av_json_free(json);
    }

    return (rc == NGX_ABORT) ? NGX_DECLINED : rc;
}


ngx_int_t
ngx_av_semconv_parse_tree(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_value_t *value, ngx_av_json_t *json)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    if (value->kind != NGX_AV_OTLP_STRING
        && value->kind != NGX_AV_OTLP_ARRAY
        && value->kind != NGX_AV_OTLP_KVLIST)
    {
        return NGX_DECLINED;
    }

    rc = ngx_av_semconv_text(w, &w->json, value, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    text = ngx_av_semconv_trim(&text);

    if (text.len == 0 || (text.data[0] != '[' && text.data[0] != '{')) {
        return NGX_DECLINED;
    }

    return ngx_av_semconv_parse(w, &text, json);
}


ngx_int_t
ngx_av_semconv_put_json(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *val)
{
    ngx_av_json_style_t  style;

    style.string_limit = NGX_MAX_SIZE_T_VALUE;
    style.depth = w->limits.depth;
    style.cut = 0;

    return ngx_av_json_write(b, val, &style);
}
