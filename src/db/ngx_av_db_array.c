#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db_array.h"


/* the only version of jsonb's binary format */
#define NGX_AV_DB_JSONB_VERSION  1


ngx_int_t
ngx_av_db_array_bool(ngx_av_buf_t *b, ngx_uint_t value)
{
    u_char  *p;

    p = ngx_av_db_array_element(b, 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *p = value ? 1 : 0;

    return NGX_OK;
}


ngx_int_t
ngx_av_db_array_int4(ngx_av_buf_t *b, int32_t value)
{
    u_char  *p;

    p = ngx_av_db_array_element(b, 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_av_db_put32(p, (uint32_t) value);

    return NGX_OK;
}


ngx_int_t
ngx_av_db_array_float8(ngx_av_buf_t *b, double value)
{
    int64_t  bits;

    ngx_memcpy(&bits, &value, sizeof(int64_t));

    return ngx_av_db_array_int8(b, bits);
}


ngx_int_t
ngx_av_db_array_date(ngx_av_buf_t *b, int32_t days)
{
    return ngx_av_db_array_int4(b, days);
}


ngx_int_t
ngx_av_db_array_timestamptz(ngx_av_buf_t *b, ngx_av_time_t t)
{
    return ngx_av_db_array_int8(b, ngx_av_time_pg_timestamp(t));
}


ngx_int_t
ngx_av_db_array_numeric(ngx_av_buf_t *b, const ngx_av_decimal_t *d)
{
    u_char  *p;

    if (ngx_av_buf_reserve(b, 4 + NGX_AV_DECIMAL_PG_LEN) != NGX_OK) {
        return NGX_ERROR;
    }

    p = b->last;

    b->last = ngx_av_decimal_pg_numeric(p + 4, d);
    (void) ngx_av_db_put32(p, (uint32_t) (b->last - p - 4));

    return NGX_OK;
}


ngx_int_t
ngx_av_db_array_text(ngx_av_buf_t *b, const u_char *p, size_t len)
{
    u_char  *value;

    value = ngx_av_db_array_element(b, len);
    if (value == NULL) {
        return NGX_ERROR;
    }

    if (len) {
        ngx_memcpy(value, p, len);
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_db_array_begin(ngx_av_buf_t *b, uint32_t type, size_t *mark)
{
    if (ngx_av_buf_reserve(b, 4 + 1) != NGX_OK) {
        return NGX_ERROR;
    }

    /* an offset: the buffer may move before end() */
    *mark = ngx_av_buf_len(b);
    b->last += 4;

    if (type == NGX_AV_DB_JSONB) {
        *b->last++ = NGX_AV_DB_JSONB_VERSION;
    }

    return NGX_OK;
}


void
ngx_av_db_array_end(ngx_av_buf_t *b, size_t mark)
{
    size_t  len;

    len = ngx_av_buf_len(b) - mark - 4;

    (void) ngx_av_db_put32(b->start + mark, (uint32_t) len);
}


const u_char *
ngx_av_db_array_skip(const u_char *p, ngx_uint_t n)
{
    uint32_t  len;

    while (n--) {
        len = ngx_av_db_get32(p);
        p += 4;

        if (len != NGX_AV_DB_NULL_LEN) {
            p += len;
        }
    }

    return p;
}


u_char *
ngx_av_db_array_header(u_char *p, uint32_t type, ngx_uint_t n)
{
    p = ngx_av_db_put32(p, 1);
    p = ngx_av_db_put32(p, 1);
    p = ngx_av_db_put32(p, type);
    p = ngx_av_db_put32(p, (uint32_t) n);

    return ngx_av_db_put32(p, 1);
}
