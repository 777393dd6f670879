/*
 * A byte buffer that grows by doubling inside a pool.  Growth leaves the old
 * block to the pool, so a buffer whose size can be told beforehand should be
 * given it.
 */

#ifndef _NGX_AV_BUF_H_INCLUDED_
#define _NGX_AV_BUF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    u_char      *start;
    u_char      *last;          /* end of what is written */
    u_char      *end;           /* end of what is allocated */
    ngx_pool_t  *pool;
} ngx_av_buf_t;


/* size may be 0: the first reservation allocates. */
ngx_int_t ngx_av_buf_init(ngx_av_buf_t *b, ngx_pool_t *pool, size_t size);

/* The slow part of the next function: makes room for n more bytes. */
ngx_int_t ngx_av_buf_grow(ngx_av_buf_t *b, size_t n);


/* Makes room for n more bytes at b->last; NGX_ERROR without memory. */
static ngx_inline ngx_int_t
ngx_av_buf_reserve(ngx_av_buf_t *b, size_t n)
{
    if ((size_t) (b->end - b->last) >= n) {
        return NGX_OK;
    }

    return ngx_av_buf_grow(b, n);
}


static ngx_inline size_t
ngx_av_buf_len(const ngx_av_buf_t *b)
{
    return b->last - b->start;
}


/* Appends len bytes; p may be NULL if there are none. */
static ngx_inline ngx_int_t
ngx_av_buf_append(ngx_av_buf_t *b, const void *p, size_t len)
{
    if (len == 0) {
        return NGX_OK;
    }

    if (ngx_av_buf_reserve(b, len) != NGX_OK) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->last, p, len);

    return NGX_OK;
}


#endif /* _NGX_AV_BUF_H_INCLUDED_ */
