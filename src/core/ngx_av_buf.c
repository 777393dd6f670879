#include "ngx_av_buf.h"


#define NGX_AV_BUF_MIN  64


ngx_int_t
ngx_av_buf_init(ngx_av_buf_t *b, ngx_pool_t *pool, size_t size)
{
    b->start = NULL;
    b->last = NULL;
    b->end = NULL;
    b->pool = pool;

    if (size == 0) {
        return NGX_OK;
    }

    b->start = ngx_pnalloc(pool, size);
    if (b->start == NULL) {
        return NGX_ERROR;
    }

    b->last = b->start;
    b->end = b->start + size;

    return NGX_OK;
}


ngx_int_t
ngx_av_buf_grow(ngx_av_buf_t *b, size_t n)
{
    size_t   len, size, need;
    u_char  *p;

    len = ngx_av_buf_len(b);

    if (n > NGX_MAX_SIZE_T_VALUE - len) {
        return NGX_ERROR;
    }

    need = len + n;
    size = b->end - b->start;
    size = (size > NGX_MAX_SIZE_T_VALUE / 2) ? need : size * 2;
    size = ngx_max(size, ngx_max(need, NGX_AV_BUF_MIN));

    p = ngx_pnalloc(b->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (len) {
        ngx_memcpy(p, b->start, len);
    }

    b->start = p;
    b->last = p + len;
    b->end = p + size;

    return NGX_OK;
}
