/*
 * Inflates anything: in one piece and in several the outcome must be the same,
 * and the limit must hold to the byte.
 */

#include "ngx_av_inflate.h"


#define LIMIT  65536


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* In pieces of n bytes; whether it is complete too, if it is good. */

static ngx_int_t
inflate_pieces(const u_char *p, size_t len, size_t n, size_t limit,
    ngx_pool_t *pool, ngx_str_t *text)
{
    ngx_int_t         rc;
    ngx_av_buf_t      out;
    ngx_av_inflate_t  inf;

    if (ngx_av_buf_init(&out, pool, 0) != NGX_OK
        || ngx_av_inflate_init(&inf, limit) != NGX_OK)
    {
        abort();
    }

    rc = NGX_OK;

    while (len && rc == NGX_OK) {
        n = ngx_min(n, len);
        rc = ngx_av_inflate_feed(&inf, p, n, &out);

        p += n;
        len -= n;
    }

    if (rc == NGX_OK) {
        rc = ngx_av_inflate_done(&inf);
    }

    ngx_av_inflate_end(&inf);

    text->data = out.start;
    text->len = ngx_av_buf_len(&out);

    if (rc == NGX_ERROR || text->len > limit) {
        abort();
    }

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_int_t    rc;
    ngx_str_t    whole, pieces;
    ngx_pool_t  *pool;

    if (size == 0) {
        return 0;
    }

    pool = ngx_create_pool(4096, NULL);

    rc = inflate_pieces(data, size, size, LIMIT, pool, &whole);

    /* the first byte of gzip never varies: its third tells the size */

    if (inflate_pieces(data, size, size > 10 ? data[9] % 16 + 1 : 1, LIMIT,
                       pool, &pieces)
        != rc)
    {
        abort();
    }

    if (rc == NGX_OK) {

        if (pieces.len != whole.len
            || (whole.len && ngx_memcmp(pieces.data, whole.data, whole.len)))
        {
            abort();
        }

        if (inflate_pieces(data, size, size, whole.len, pool, &pieces)
            != NGX_OK)
        {
            abort();
        }

        if (whole.len
            && inflate_pieces(data, size, size, whole.len - 1, pool, &pieces)
               != NGX_ABORT)
        {
            abort();
        }
    }

    ngx_destroy_pool(pool);

    return 0;
}
