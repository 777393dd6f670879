#include "ngx_av_objects.h"

#include "ngx_av_value.h"


/* What the JSON of a value takes beyond its memory, but for its name. */
#define NGX_AV_OBJECTS_VALUE  16


static size_t ngx_av_objects_size(const ngx_av_db_result_t *res);
static ngx_int_t ngx_av_objects_row(ngx_av_buf_t *b,
    const ngx_av_db_result_t *res, ngx_uint_t row, ngx_uint_t *objects);
static ngx_int_t ngx_av_objects_member(ngx_av_buf_t *b,
    const ngx_av_db_result_t *res, ngx_uint_t row, ngx_uint_t column);


ngx_int_t
ngx_av_objects(ngx_pool_t *pool, const ngx_av_db_result_t *res,
    ngx_str_t *json)
{
    ngx_uint_t    row, n, objects;
    ngx_av_buf_t  b;

    n = ngx_av_db_nrows(res);

    if (n == 0) {
        return NGX_DECLINED;
    }

    if (ngx_av_buf_init(&b, pool, ngx_av_objects_size(res)) != NGX_OK) {
        return NGX_ERROR;
    }

    objects = 0;

    for (row = 0; row < n; row++) {
        if (ngx_av_objects_row(&b, res, row, &objects) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    json->data = b.start;
    json->len = ngx_av_buf_len(&b);

    return NGX_OK;
}


/* About; the buffer grows. */

static size_t
ngx_av_objects_size(const ngx_av_db_result_t *res)
{
    size_t      size;
    ngx_uint_t  column;

    size = 0;

    for (column = 1; column < ngx_av_db_ncolumns(res); column++) {
        size += ngx_strlen(ngx_av_db_column_name(res, column))
                + NGX_AV_OBJECTS_VALUE;
    }

    return ngx_av_db_size(res) + ngx_av_db_nrows(res) * size;
}


/* *objects: how many there were since the last text. */

static ngx_int_t
ngx_av_objects_row(ngx_av_buf_t *b, const ngx_av_db_result_t *res,
    ngx_uint_t row, ngx_uint_t *objects)
{
    ngx_str_t   text;
    ngx_uint_t  column;

    if (!ngx_av_db_is_null(res, row, 0)) {
        *objects = 0;
        text = ngx_av_db_value(res, row, 0);

        return ngx_av_buf_append(b, text.data, text.len);
    }

    if ((*objects)++ && ngx_av_buf_append(b, ",", 1) != NGX_OK) {
        return NGX_ERROR;
    }

    for (column = 1; column < ngx_av_db_ncolumns(res); column++) {
        if (ngx_av_buf_append(b, column == 1 ? "{" : ",", 1) != NGX_OK
            || ngx_av_objects_member(b, res, row, column) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_av_buf_append(b, "}", 1);
}


/* Names are our own, and need no escapes. */

static ngx_int_t
ngx_av_objects_member(ngx_av_buf_t *b, const ngx_av_db_result_t *res,
    ngx_uint_t row, ngx_uint_t column)
{
    size_t       len;
    ngx_int_t    rc;
    const char  *name;

    name = ngx_av_db_column_name(res, column);
    len = ngx_strlen(name);

    if (ngx_av_buf_append(b, "\"", 1) != NGX_OK
        || ngx_av_buf_append(b, name, len) != NGX_OK
        || ngx_av_buf_append(b, "\":", 2) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_value_write(b, res, row, column);

    return (rc == NGX_DECLINED) ? ngx_av_buf_append(b, "null", 4) : rc;
}
