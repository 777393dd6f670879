#include "ngx_av_otlp_json_types.h"

#include <math.h>

#include "ngx_av_json.h"
#include "ngx_av_otlp_base64.h"


#define NGX_AV_OTLP_JSON_FAST_DIGITS  19        /* always fit */


static ngx_uint_t ngx_av_otlp_json_number_text(yyjson_val *val,
    ngx_str_t *text);
static ngx_int_t ngx_av_otlp_json_uint64(yyjson_val *val, uint64_t max,
    uint64_t *n);
static ngx_int_t ngx_av_otlp_json_int64(yyjson_val *val, int64_t min,
    int64_t max, int64_t *n);
static ngx_int_t ngx_av_otlp_json_integer(yyjson_val *val, u_char *place);
static ngx_int_t ngx_av_otlp_json_double(yyjson_val *val, double *n);
static ngx_int_t ngx_av_otlp_json_enum(const ngx_av_otlp_enum_t *names,
    yyjson_val *val, int32_t *n);
static ngx_int_t ngx_av_otlp_json_string(yyjson_val *val, ngx_str_t *text);
static ngx_int_t ngx_av_otlp_json_bytes(yyjson_val *val, u_char *place);
static ngx_int_t ngx_av_otlp_json_id(yyjson_val *val, ngx_av_otlp_id_t *id);
static ngx_int_t ngx_av_otlp_json_hex(u_char c);


const char *
ngx_av_otlp_json_scalar(const ngx_av_otlp_field_t *field, yyjson_val *val,
    u_char *place)
{
    int64_t      i64;
    uint64_t     u64;
    ngx_int_t    rc;
    const char  *must;

    switch (field->type) {

    case NGX_AV_OTLP_BOOLEAN:

        must = "must be true or false";
        rc = yyjson_is_bool(val) ? NGX_OK : NGX_ERROR;
        *(ngx_uint_t *) place = yyjson_get_bool(val);
        break;

    case NGX_AV_OTLP_ENUM:

        must = "must be an integer or a name of the schema";
        rc = ngx_av_otlp_json_enum(field->names, val, (int32_t *) place);
        break;

    case NGX_AV_OTLP_UINT32:
    case NGX_AV_OTLP_FIXED32:

        must = "must be an unsigned 32-bit integer";
        rc = ngx_av_otlp_json_uint64(val, UINT32_MAX, &u64);
        *(uint32_t *) place = (uint32_t) u64;
        break;

    case NGX_AV_OTLP_SINT32:

        must = "must be a 32-bit integer";
        rc = ngx_av_otlp_json_int64(val, INT32_MIN, INT32_MAX, &i64);
        *(int32_t *) place = (int32_t) i64;
        break;

    case NGX_AV_OTLP_INT64:

        must = "must be a 64-bit integer";
        rc = ngx_av_otlp_json_integer(val, place);
        break;

    case NGX_AV_OTLP_SFIXED64:

        must = "must be a 64-bit integer";
        rc = ngx_av_otlp_json_int64(val, INT64_MIN, INT64_MAX,
                                    (int64_t *) place);
        break;

    case NGX_AV_OTLP_UINT64:
    case NGX_AV_OTLP_FIXED64:

        must = "must be an unsigned 64-bit integer";
        rc = ngx_av_otlp_json_uint64(val, UINT64_MAX, (uint64_t *) place);
        break;

    case NGX_AV_OTLP_FLOAT64:

        must = "must be a number";
        rc = ngx_av_otlp_json_double(val, (double *) place);
        break;

    case NGX_AV_OTLP_TEXT:

        must = "must be a string";
        rc = ngx_av_otlp_json_string(val, (ngx_str_t *) place);
        break;

    case NGX_AV_OTLP_BLOB:

        must = "must be a string of base64";
        rc = ngx_av_otlp_json_bytes(val, place);
        break;

    default: /* NGX_AV_OTLP_ID */

        must = "must be a string of hex digits";
        rc = ngx_av_otlp_json_id(val, (ngx_av_otlp_id_t *) place);
        break;
    }

    return (rc == NGX_OK) ? NULL : must;
}


/* numbers */


/* Both kinds are ended by a NUL. */
static ngx_uint_t
ngx_av_otlp_json_number_text(yyjson_val *val, ngx_str_t *text)
{
    if (!yyjson_is_raw(val) && !yyjson_is_str(val)) {
        return 0;
    }

    text->data = (u_char *) unsafe_yyjson_get_raw(val);
    text->len = unsafe_yyjson_get_len(val);

    return 1;
}


static ngx_int_t
ngx_av_otlp_json_uint64(yyjson_val *val, uint64_t max, uint64_t *n)
{
    size_t      i;
    uint64_t    value;
    ngx_str_t   text;

    *n = 0;

    if (!ngx_av_otlp_json_number_text(val, &text)) {
        return NGX_ERROR;
    }

    value = 0;

    for (i = 0; i < text.len && i < NGX_AV_OTLP_JSON_FAST_DIGITS; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            break;
        }

        value = value * 10 + (text.data[i] - '0');
    }

    if (i != text.len || i == 0) {
        if (ngx_av_json_uint64(text.data, text.len, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (value > max) {
        return NGX_ERROR;
    }

    *n = value;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_json_int64(yyjson_val *val, int64_t min, int64_t max, int64_t *n)
{
    int64_t    value;
    ngx_str_t  text;

    *n = 0;

    if (!ngx_av_otlp_json_number_text(val, &text)
        || ngx_av_json_int64(text.data, text.len, &value) != NGX_OK
        || value < min
        || value > max)
    {
        return NGX_ERROR;
    }

    *n = value;

    return NGX_OK;
}


/*
 * JavaScript's SDK writes any number without a fraction as an intValue, 1e+300
 * too: one beyond 64 bits is a double.
 */

static ngx_int_t
ngx_av_otlp_json_integer(yyjson_val *val, u_char *place)
{
    double                n;
    ngx_av_otlp_value_t  *value;

    if (ngx_av_otlp_json_int64(val, INT64_MIN, INT64_MAX, (int64_t *) place)
        == NGX_OK)
    {
        return NGX_OK;
    }

    if (ngx_av_otlp_json_double(val, &n) != NGX_OK
        || !isfinite(n)
        || fabs(n) < 0x1p63)
    {
        return NGX_ERROR;
    }

    value = (ngx_av_otlp_value_t *) (place - offsetof(ngx_av_otlp_value_t, u));
    value->kind = NGX_AV_OTLP_DOUBLE;
    value->u.number = n;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_json_double(yyjson_val *val, double *n)
{
    size_t      i;
    ngx_str_t   text;
    yyjson_val  number;

    static const struct {
        ngx_str_t  name;
        double     value;
    }  names[] = {
        { ngx_string("NaN"), NAN },
        { ngx_string("Infinity"), INFINITY },
        { ngx_string("-Infinity"), -INFINITY }
    };

    *n = 0;

    if (!ngx_av_otlp_json_number_text(val, &text)) {
        return NGX_ERROR;
    }

    if (yyjson_is_str(val)) {

        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (text.len == names[i].name.len
                && ngx_memcmp(text.data, names[i].name.data, text.len) == 0)
            {
                *n = names[i].value;
                return NGX_OK;
            }
        }
    }

    /* in JSON's syntax, as numbers are, and faster than by strtod() */

    if (yyjson_read_number((char *) text.data, &number, 0, NULL, NULL)
        != (char *) text.data + text.len)
    {
        return NGX_ERROR;
    }

    *n = yyjson_get_num(&number);

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_json_enum(const ngx_av_otlp_enum_t *names, yyjson_val *val,
    int32_t *n)
{
    int64_t  value;

    if (yyjson_is_str(val)) {

        for ( /* void */ ; names->name.len; names++) {

            if (yyjson_equals_strn(val, (char *) names->name.data,
                                   names->name.len))
            {
                *n = names->number;
                return NGX_OK;
            }
        }

        return NGX_ERROR;
    }

    if (ngx_av_otlp_json_int64(val, INT32_MIN, INT32_MAX, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    *n = (int32_t) value;

    return NGX_OK;
}


/* strings */


static ngx_int_t
ngx_av_otlp_json_string(yyjson_val *val, ngx_str_t *text)
{
    if (!yyjson_is_str(val)) {
        return NGX_ERROR;
    }

    text->data = (u_char *) unsafe_yyjson_get_str(val);
    text->len = unsafe_yyjson_get_len(val);

    return NGX_OK;
}


/* Only checked: decoded by those who want the bytes. */
static ngx_int_t
ngx_av_otlp_json_bytes(yyjson_val *val, u_char *place)
{
    ngx_str_t            *text;
    ngx_av_otlp_value_t  *value;

    text = (ngx_str_t *) place;
    value = (ngx_av_otlp_value_t *) (place - offsetof(ngx_av_otlp_value_t, u));
    value->encoding = NGX_AV_OTLP_JSON;

    if (ngx_av_otlp_json_string(val, text) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_otlp_base64_check(text->data, text->len);
}


static ngx_int_t
ngx_av_otlp_json_id(yyjson_val *val, ngx_av_otlp_id_t *id)
{
    size_t     i;
    ngx_int_t  high, low;

    ngx_memzero(id->bytes, sizeof(id->bytes));

    if (ngx_av_otlp_json_string(val, &id->text) != NGX_OK) {
        return NGX_ERROR;
    }

    id->len = NGX_AV_OTLP_ID_TEXT;

    if (id->text.len % 2 != 0) {
        return NGX_OK;
    }

    for (i = 0; i < id->text.len; i += 2) {

        high = ngx_av_otlp_json_hex(id->text.data[i]);
        low = ngx_av_otlp_json_hex(id->text.data[i + 1]);

        if (high < 0 || low < 0) {
            ngx_memzero(id->bytes, sizeof(id->bytes));
            return NGX_OK;
        }

        if (i / 2 < sizeof(id->bytes)) {
            id->bytes[i / 2] = (u_char) (high << 4 | low);
        }
    }

    id->len = id->text.len / 2;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_json_hex(u_char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}
