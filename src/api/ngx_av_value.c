#include "ngx_av_value.h"

#include "ngx_av_json.h"
#include "ngx_av_numeric.h"


static ngx_int_t ngx_av_value_write_uuid(ngx_av_buf_t *b,
    const ngx_str_t *value);


ngx_int_t
ngx_av_value_write(ngx_av_buf_t *b, const ngx_av_db_result_t *res,
    ngx_uint_t row, ngx_uint_t column)
{
    ngx_str_t  value;

    if (ngx_av_db_is_null(res, row, column)) {
        return NGX_DECLINED;
    }

    value = ngx_av_db_value(res, row, column);

    switch (ngx_av_db_column_type(res, column)) {

    case NGX_AV_DB_UUID:
        return ngx_av_value_write_uuid(b, &value);

    case NGX_AV_DB_TEXT:
        return ngx_av_json_write_string(b, value.data, value.len);

    case NGX_AV_DB_INT2:
    case NGX_AV_DB_INT4:
    case NGX_AV_DB_INT8:
        return ngx_av_json_write_int(b, ngx_av_db_int8(res, row, column));

    case NGX_AV_DB_NUMERIC:
        return ngx_av_numeric_write(b, value.data, value.len, 0);

    case NGX_AV_DB_BOOL:
        return value.data[0] ? ngx_av_buf_append(b, "true", 4)
                             : ngx_av_buf_append(b, "false", 5);

    case NGX_AV_DB_TIMESTAMPTZ:
        return ngx_av_value_write_time(b,
                           ngx_av_db_int8(res, row, column) * 1000
                           + NGX_AV_TIME_PG_EPOCH_DAYS * NGX_AV_TIME_DAY);

    case NGX_AV_DB_JSON:
        return ngx_av_buf_append(b, value.data, value.len);

    case NGX_AV_DB_JSONB:
        /* its text comes after a version */
        return ngx_av_buf_append(b, value.data + 1, value.len - 1);

    default:
        /* none of those that our functions return */
        return NGX_ERROR;
    }
}


ngx_int_t
ngx_av_value_write_time(ngx_av_buf_t *b, ngx_av_time_t t)
{
    if (ngx_av_buf_reserve(b, NGX_AV_TIME_TEXT_LEN + 2) != NGX_OK) {
        return NGX_ERROR;
    }

    *b->last++ = '"';
    b->last = ngx_av_time_format(b->last, t);
    *b->last++ = '"';

    return NGX_OK;
}


static ngx_int_t
ngx_av_value_write_uuid(ngx_av_buf_t *b, const ngx_str_t *value)
{
    if (ngx_av_buf_reserve(b, NGX_AV_UUID_TEXT_LEN + 2) != NGX_OK) {
        return NGX_ERROR;
    }

    *b->last++ = '"';
    b->last = ngx_av_uuid_format(b->last, (ngx_av_uuid_t *) value->data);
    *b->last++ = '"';

    return NGX_OK;
}
