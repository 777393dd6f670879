/*
 * Inflates anything, by either coding: what is good by large steps must be the
 * same by small ones, and the limit must hold to the byte.
 */

#include "ngx_av_inflate.h"


#define LIMIT  65536


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* By steps of n bytes. */

static ngx_int_t
inflate_by(const ngx_av_coding_t *coding, const uint8_t *p, size_t len,
    size_t n, size_t limit, ngx_pool_t *pool, ngx_str_t *text)
{
    ngx_int_t         rc;
    ngx_av_buf_t      out;
    ngx_av_inflate_t  inf;

    if (ngx_av_buf_init(&out, pool, 0) != NGX_OK
        || ngx_av_inflate_init(&inf, coding, p, len, limit) != NGX_OK)
    {
        abort();
    }

    do {
        rc = ngx_av_inflate_step(&inf, &out, n);
    } while (rc == NGX_AGAIN);

    ngx_av_inflate_end(&inf);

    text->data = out.start;
    text->len = ngx_av_buf_len(&out);

    if (rc == NGX_ERROR || text->len > limit) {
        abort();
    }

    return rc;
}


static void
inflate_all_ways(const ngx_av_coding_t *coding, const uint8_t *p, size_t len,
    ngx_pool_t *pool)
{
    ngx_int_t  rc, by_steps;
    ngx_str_t  whole, steps;

    rc = inflate_by(coding, p, len, LIMIT, LIMIT, pool, &whole);

    /* some byte tells the size */

    by_steps = inflate_by(coding, p, len, len ? p[len / 2] % 16 + 1 : 1,
                          LIMIT, pool, &steps);

    /*
     * Which of several faults is met first depends on the steps.  And a frame
     * that does not fit into one is not held to the size that it states if its
     * last block is empty: zstd is stricter with those that do.
     */

    if (rc != NGX_OK) {

        if (by_steps == NGX_OK && coding != &ngx_av_coding_zstd) {
            abort();
        }

        return;
    }

    if (by_steps != NGX_OK
        || steps.len != whole.len
        || (whole.len && ngx_memcmp(steps.data, whole.data, whole.len)))
    {
        abort();
    }

    if (inflate_by(coding, p, len, LIMIT, whole.len, pool, &steps) != NGX_OK) {
        abort();
    }

    if (whole.len
        && inflate_by(coding, p, len, LIMIT, whole.len - 1, pool, &steps)
           == NGX_OK)
    {
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(4096, NULL);

    inflate_all_ways(&ngx_av_coding_gzip, data, size, pool);
    inflate_all_ways(&ngx_av_coding_zstd, data, size, pool);

    (void) ngx_av_coding_gzip.size(data, ngx_min(size, 4), size);
    (void) ngx_av_coding_zstd.size(data, ngx_min(size, NGX_AV_CODING_HINT), size);

    ngx_destroy_pool(pool);

    return 0;
}
