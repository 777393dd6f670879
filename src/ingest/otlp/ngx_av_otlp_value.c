#include "ngx_av_otlp.h"

#include <math.h>

#include "ngx_av_json.h"
#include "ngx_av_otlp_base64.h"
#include "ngx_av_otlp_json.h"
#include "ngx_av_otlp_proto.h"
#include "ngx_av_text.h"


#define NGX_AV_OTLP_VALUE_NUMBER_LEN  32
#define NGX_AV_OTLP_VALUE_DIGITS      17        /* name every double */
#define NGX_AV_OTLP_VALUE_FEW_DIGITS  15        /* are kept by every double */

/* between these, with so many digits after the point, all digits are few */
#define NGX_AV_OTLP_VALUE_MIN_FIXED   1e-4
#define NGX_AV_OTLP_VALUE_MAX_FIXED   1e6
#define NGX_AV_OTLP_VALUE_MAX_SCALE   9
#define NGX_AV_OTLP_VALUE_MAX_WHOLE   9007199254740992.0


static ngx_int_t ngx_av_otlp_value_write(ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth);
static ngx_int_t ngx_av_otlp_value_write_tree(ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth);
static ngx_int_t ngx_av_otlp_value_write_double(ngx_av_buf_t *b, double n);
static ngx_int_t ngx_av_otlp_value_write_decimal(ngx_av_buf_t *b, double n);
static ngx_int_t ngx_av_otlp_value_write_base64(ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value);
static ngx_uint_t ngx_av_otlp_iter_proto(ngx_av_otlp_iter_t *iter,
    ngx_av_otlp_reader_t *r, u_char *dst);
static ngx_uint_t ngx_av_otlp_iter_json(ngx_av_otlp_iter_t *iter,
    ngx_av_otlp_reader_t *r, u_char *dst);


static ngx_inline const ngx_av_otlp_message_t *
ngx_av_otlp_iter_message(const ngx_av_otlp_iter_t *iter)
{
    return (iter->kind == NGX_AV_OTLP_KVLIST) ? &ngx_av_otlp_key_value
                                              : &ngx_av_otlp_any_value;
}


ngx_int_t
ngx_av_otlp_value_bytes(const ngx_av_otlp_value_t *value,
    ngx_av_buf_t *scratch, ngx_str_t *bytes)
{
    const ngx_str_t  *text;

    text = &value->u.text;

    if (value->encoding == NGX_AV_OTLP_PROTOBUF) {
        *bytes = *text;
        return NGX_OK;
    }

    if (ngx_av_buf_reserve(scratch, ngx_av_otlp_base64_bytes(text->len))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    bytes->data = scratch->last;
    scratch->last = ngx_av_otlp_base64_decode(scratch->last, text->data,
                                              text->len);
    bytes->len = scratch->last - bytes->data;

    return NGX_OK;
}


/* JSON text */


ngx_int_t
ngx_av_otlp_value_json(ngx_av_buf_t *b, const ngx_av_otlp_value_t *value,
    ngx_uint_t depth)
{
    size_t     len;
    ngx_int_t  rc;

    len = ngx_av_buf_len(b);

    rc = ngx_av_otlp_value_write(b, value, depth);

    if (rc == NGX_DECLINED) {
        b->last = b->start + len;
    }

    return rc;
}


static ngx_int_t
ngx_av_otlp_value_write(ngx_av_buf_t *b, const ngx_av_otlp_value_t *value,
    ngx_uint_t depth)
{
    switch (value->kind) {

    case NGX_AV_OTLP_STRING:
        return ngx_av_json_write_bytes(b, value->u.text.data,
                                       value->u.text.len);
    case NGX_AV_OTLP_BOOL:
        return value->u.boolean ? ngx_av_buf_append(b, "true", 4)
                                : ngx_av_buf_append(b, "false", 5);

    case NGX_AV_OTLP_INT:
        return ngx_av_json_write_int(b, value->u.integer);

    case NGX_AV_OTLP_DOUBLE:
        return ngx_av_otlp_value_write_double(b, value->u.number);

    case NGX_AV_OTLP_BYTES:
        return ngx_av_otlp_value_write_base64(b, value);

    case NGX_AV_OTLP_ARRAY:
    case NGX_AV_OTLP_KVLIST:
        return ngx_av_otlp_value_write_tree(b, value, depth);

    default: /* NGX_AV_OTLP_NONE */
        return ngx_av_buf_append(b, "null", 4);
    }
}


static ngx_int_t
ngx_av_otlp_value_write_tree(ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth)
{
    ngx_int_t                 rc;
    const char               *empty;
    ngx_uint_t                n;
    ngx_av_otlp_iter_t        iter;
    ngx_av_otlp_attribute_t   child;

    if (depth == 0) {
        return NGX_DECLINED;
    }

    empty = (value->kind == NGX_AV_OTLP_KVLIST) ? "{}" : "[]";

    ngx_av_otlp_iter_init(&iter, value);

    for (n = 0; ngx_av_otlp_iter_next(&iter, &child); n++) {

        if (ngx_av_buf_append(b, n ? "," : empty, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        if (value->kind == NGX_AV_OTLP_KVLIST
            && (ngx_av_json_write_bytes(b, child.key.data, child.key.len)
                != NGX_OK
                || ngx_av_buf_append(b, ":", 1) != NGX_OK))
        {
            return NGX_ERROR;
        }

        rc = ngx_av_otlp_value_write(b, &child.value, depth - 1);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return n ? ngx_av_buf_append(b, empty + 1, 1)
             : ngx_av_buf_append(b, empty, 2);
}


/* The fewest digits, of two choices, that are read back as the same number. */
static ngx_int_t
ngx_av_otlp_value_write_double(ngx_av_buf_t *b, double n)
{
    int   len;
    char  text[NGX_AV_OTLP_VALUE_NUMBER_LEN];

    if (isnan(n)) {
        return ngx_av_buf_append(b, "\"NaN\"", 5);
    }

    if (isinf(n)) {
        return (n > 0) ? ngx_av_buf_append(b, "\"Infinity\"", 10)
                       : ngx_av_buf_append(b, "\"-Infinity\"", 11);
    }

    if (fabs(n) < NGX_AV_OTLP_VALUE_MAX_WHOLE && n == (double) (int64_t) n) {
        return ngx_av_json_write_int(b, (int64_t) n);
    }

    if (ngx_av_otlp_value_write_decimal(b, n) == NGX_OK) {
        return NGX_OK;
    }

    len = snprintf(text, sizeof(text), "%.*g", NGX_AV_OTLP_VALUE_FEW_DIGITS,
                   n);

    if (strtod(text, NULL) != n) {
        len = snprintf(text, sizeof(text), "%.*g", NGX_AV_OTLP_VALUE_DIGITS,
                       n);
    }

    return ngx_av_buf_append(b, text, len);
}


/*
 * The same text, much faster, of a number with few digits after the point:
 * NGX_DECLINED if it is none.  A quotient of integers that doubles hold is the
 * double nearest to the decimal.
 */

static ngx_int_t
ngx_av_otlp_value_write_decimal(ngx_av_buf_t *b, double n)
{
    double       scale, scaled;
    ngx_uint_t   i;
    u_char      *p, digits[NGX_AV_OTLP_VALUE_NUMBER_LEN];

    if (fabs(n) < NGX_AV_OTLP_VALUE_MIN_FIXED
        || fabs(n) >= NGX_AV_OTLP_VALUE_MAX_FIXED)
    {
        return NGX_DECLINED;
    }

    scale = 1;

    for (i = 1; i <= NGX_AV_OTLP_VALUE_MAX_SCALE; i++) {
        scale *= 10;
        scaled = fabs(n) * scale;

        if (scaled == (double) (int64_t) scaled && scaled / scale == fabs(n)) {
            break;
        }
    }

    if (i > NGX_AV_OTLP_VALUE_MAX_SCALE
        || ngx_av_buf_reserve(b, NGX_AV_OTLP_VALUE_NUMBER_LEN) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p = ngx_av_text_uint64(digits, (uint64_t) scaled);

    if (n < 0) {
        *b->last++ = '-';
    }

    if ((size_t) (p - digits) > i) {
        b->last = ngx_cpymem(b->last, digits, p - digits - i);
        *b->last++ = '.';
        b->last = ngx_cpymem(b->last, p - i, i);

        return NGX_OK;
    }

    *b->last++ = '0';
    *b->last++ = '.';

    for (i -= p - digits; i; i--) {
        *b->last++ = '0';
    }

    b->last = ngx_cpymem(b->last, digits, p - digits);

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_value_write_base64(ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value)
{
    size_t            len;
    u_char           *p, *end;
    ngx_str_t         bytes;
    const ngx_str_t  *text;

    text = &value->u.text;

    len = ngx_av_otlp_base64_chars(text->len);

    if (ngx_av_buf_reserve(b, len + ngx_av_otlp_base64_bytes(text->len) + 2)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    *b->last++ = '"';

    bytes = *text;

    if (value->encoding == NGX_AV_OTLP_JSON) {

        /* decoded behind the place it is encoded to: spellings differ */

        p = b->last + len;
        end = ngx_av_otlp_base64_decode(p, text->data, text->len);

        bytes.data = p;
        bytes.len = end - p;
    }

    b->last = ngx_av_otlp_base64_encode(b->last, bytes.data, bytes.len);
    *b->last++ = '"';

    return NGX_OK;
}


/* children */


void
ngx_av_otlp_iter_init(ngx_av_otlp_iter_t *iter,
    const ngx_av_otlp_value_t *value)
{
    ngx_memzero(iter, sizeof(ngx_av_otlp_iter_t));

    if (value->kind != NGX_AV_OTLP_ARRAY && value->kind != NGX_AV_OTLP_KVLIST)
    {
        return;
    }

    iter->kind = value->kind;
    iter->encoding = value->encoding;

    if (value->encoding == NGX_AV_OTLP_JSON) {
        yyjson_arr_iter_init((yyjson_val *) value->u.tree.where, &iter->items);
        return;
    }

    iter->pos = value->u.tree.where;
    iter->end = iter->pos + value->u.tree.len;
}


ngx_uint_t
ngx_av_otlp_iter_next(ngx_av_otlp_iter_t *iter,
    ngx_av_otlp_attribute_t *child)
{
    u_char                *dst;
    ngx_av_otlp_reader_t   reader;
    ngx_av_otlp_result_t   ignored;

    /* it was checked before: there are no errors to be had */

    reader.result = &ignored;
    reader.body = iter->pos;
    reader.scratch = NULL;
    reader.depth = 0;
    reader.nlevels = 0;
    reader.shallow = 1;

    ngx_memzero(child, sizeof(ngx_av_otlp_attribute_t));

    dst = (iter->kind == NGX_AV_OTLP_KVLIST) ? (u_char *) child
                                             : (u_char *) &child->value;

    return (iter->encoding == NGX_AV_OTLP_JSON)
           ? ngx_av_otlp_iter_json(iter, &reader, dst)
           : ngx_av_otlp_iter_proto(iter, &reader, dst);
}


static ngx_uint_t
ngx_av_otlp_iter_proto(ngx_av_otlp_iter_t *iter, ngx_av_otlp_reader_t *r,
    u_char *dst)
{
    ngx_av_otlp_raw_t  item;

    while (iter->pos < iter->end) {

        iter->pos = ngx_av_otlp_proto_field(r, iter->pos, iter->end, &item);

        if (iter->pos == NULL) {
            iter->end = NULL;
            return 0;
        }

        if (item.number == 1 && item.wire == NGX_AV_OTLP_WIRE_LEN) {

            return ngx_av_otlp_proto_message(r, ngx_av_otlp_iter_message(iter),
                                             item.data, item.data + item.len,
                                             dst)
                   == NGX_OK;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_av_otlp_iter_json(ngx_av_otlp_iter_t *iter, ngx_av_otlp_reader_t *r,
    u_char *dst)
{
    yyjson_val  *item;

    item = yyjson_arr_iter_next(&iter->items);

    return item
           && ngx_av_otlp_json_message(r, ngx_av_otlp_iter_message(iter), item,
                                       dst)
              == NGX_OK;
}
