/*
 * Columns on their way into unnest(): the elements of one-dimensional arrays
 * in Postgres's binary format (array_recv), each a 32-bit length and its
 * bytes, the length -1 for null.  Knows no libpq.
 */

#ifndef _NGX_AV_DB_ARRAY_H_INCLUDED_
#define _NGX_AV_DB_ARRAY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"
#include "ngx_av_decimal.h"
#include "ngx_av_time.h"
#include "ngx_av_uuid.h"


/* ndim, has-null flag, element type, dimension, lower bound */
#define NGX_AV_DB_ARRAY_HEADER  20

/* the length that says null */
#define NGX_AV_DB_NULL_LEN      0xffffffff

/* pg_type.dat; these never change */
#define NGX_AV_DB_BOOL         16
#define NGX_AV_DB_BYTEA        17
#define NGX_AV_DB_INT8         20
#define NGX_AV_DB_INT2         21
#define NGX_AV_DB_INT4         23
#define NGX_AV_DB_TEXT         25
#define NGX_AV_DB_JSON         114
#define NGX_AV_DB_FLOAT8       701
#define NGX_AV_DB_DATE         1082
#define NGX_AV_DB_TIMESTAMPTZ  1184
#define NGX_AV_DB_NUMERIC      1700
#define NGX_AV_DB_UUID         2950
#define NGX_AV_DB_JSONB        3802


/*
 * Each appends one element to the elements in b; NGX_ERROR without memory.
 * Text must be valid UTF-8 without NUL; json and jsonb take JSON text.
 */
ngx_int_t ngx_av_db_array_bool(ngx_av_buf_t *b, ngx_uint_t value);
ngx_int_t ngx_av_db_array_int4(ngx_av_buf_t *b, int32_t value);
ngx_int_t ngx_av_db_array_float8(ngx_av_buf_t *b, double value);
ngx_int_t ngx_av_db_array_date(ngx_av_buf_t *b, int32_t days);
ngx_int_t ngx_av_db_array_timestamptz(ngx_av_buf_t *b, ngx_av_time_t t);
ngx_int_t ngx_av_db_array_numeric(ngx_av_buf_t *b, const ngx_av_decimal_t *d);
ngx_int_t ngx_av_db_array_text(ngx_av_buf_t *b, const u_char *p, size_t len);

/*
 * An element of text, json or jsonb whose text is written by the caller:
 * begin() leaves room for the length (and writes the version byte that comes
 * first in jsonb), the caller appends to b, end() fills the length in.
 */
ngx_int_t ngx_av_db_array_begin(ngx_av_buf_t *b, uint32_t type, size_t *mark);
void ngx_av_db_array_end(ngx_av_buf_t *b, size_t mark);

/* The end of the n elements that start at p. */
const u_char *ngx_av_db_array_skip(const u_char *p, ngx_uint_t n);

/*
 * Writes the header of an array of n elements of a type (n may be 0) and
 * returns its end.  It always says that there may be nulls, which costs
 * nothing.
 */
u_char *ngx_av_db_array_header(u_char *p, uint32_t type, ngx_uint_t n);


static ngx_inline u_char *
ngx_av_db_put16(u_char *p, uint16_t n)
{
    p[0] = (u_char) (n >> 8);
    p[1] = (u_char) n;

    return p + 2;
}


static ngx_inline u_char *
ngx_av_db_put32(u_char *p, uint32_t n)
{
    n = htonl(n);

    return ngx_cpymem(p, &n, 4);
}


static ngx_inline u_char *
ngx_av_db_put64(u_char *p, uint64_t n)
{
    p = ngx_av_db_put32(p, (uint32_t) (n >> 32));

    return ngx_av_db_put32(p, (uint32_t) n);
}


static ngx_inline uint32_t
ngx_av_db_get32(const u_char *p)
{
    uint32_t  n;

    ngx_memcpy(&n, p, 4);

    return ntohl(n);
}


static ngx_inline uint64_t
ngx_av_db_get64(const u_char *p)
{
    return ((uint64_t) ngx_av_db_get32(p) << 32) | ngx_av_db_get32(p + 4);
}


/*
 * Appends the length of an element and returns the room for it; NULL without
 * memory.
 */
static ngx_inline u_char *
ngx_av_db_array_element(ngx_av_buf_t *b, uint32_t len)
{
    u_char  *p;

    if (ngx_av_buf_reserve(b, 4 + (size_t) len) != NGX_OK) {
        return NULL;
    }

    p = ngx_av_db_put32(b->last, len);
    b->last = p + len;

    return p;
}


/* As above; inline, since they make up most columns. */

static ngx_inline ngx_int_t
ngx_av_db_array_null(ngx_av_buf_t *b)
{
    if (ngx_av_buf_reserve(b, 4) != NGX_OK) {
        return NGX_ERROR;
    }

    b->last = ngx_av_db_put32(b->last, NGX_AV_DB_NULL_LEN);

    return NGX_OK;
}


static ngx_inline ngx_int_t
ngx_av_db_array_int2(ngx_av_buf_t *b, int16_t value)
{
    u_char  *p;

    p = ngx_av_db_array_element(b, 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_av_db_put16(p, (uint16_t) value);

    return NGX_OK;
}


static ngx_inline ngx_int_t
ngx_av_db_array_int8(ngx_av_buf_t *b, int64_t value)
{
    u_char  *p;

    p = ngx_av_db_array_element(b, 8);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_av_db_put64(p, (uint64_t) value);

    return NGX_OK;
}


static ngx_inline ngx_int_t
ngx_av_db_array_uuid(ngx_av_buf_t *b, const ngx_av_uuid_t *uuid)
{
    u_char  *p;

    p = ngx_av_db_array_element(b, sizeof(uuid->bytes));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, uuid->bytes, sizeof(uuid->bytes));

    return NGX_OK;
}


#endif /* _NGX_AV_DB_ARRAY_H_INCLUDED_ */
