#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_buf.h"


static void
ngx_av_test_init(ngx_pool_t *pool)
{
    u_char        *start;
    ngx_av_buf_t   b;

    ngx_av_stub_fail_never();

    is(ngx_av_buf_init(&b, pool, 0), NGX_OK, "init with no size");
    is(ngx_av_stub_allocations(), 0, "allocates nothing");
    is(ngx_av_buf_len(&b), 0, "and is empty");
    is(ngx_av_buf_reserve(&b, 0), NGX_OK, "room for nothing");
    is(ngx_av_buf_append(&b, NULL, 0), NGX_OK, "nothing appended");
    is(ngx_av_stub_allocations(), 0, "still nothing allocated");

    is(ngx_av_buf_init(&b, pool, 10), NGX_OK, "init with a size");
    is(b.end - b.start, 10, "of just that size");

    start = b.start;

    is(ngx_av_buf_append(&b, "0123456789", 10), NGX_OK, "filled");
    ok(b.start == start && b.last == b.end, "without growth");
    is_text(b.start, ngx_av_buf_len(&b), "0123456789", "what was written");
}


static void
ngx_av_test_growth(ngx_pool_t *pool)
{
    size_t         size;
    ngx_uint_t     i, n, bad;
    ngx_av_buf_t   b;
    static u_char  expected[100000];

    for (i = 0; i < sizeof(expected); i++) {
        expected[i] = (u_char) ngx_av_stub_random();
    }

    ngx_av_stub_fail_never();
    (void) ngx_av_buf_init(&b, pool, 1);

    bad = 0;

    for (i = 0; i < sizeof(expected); i += n) {
        n = ngx_av_stub_random() % 7;
        n = ngx_min(n, sizeof(expected) - i);
        bad += (ngx_av_buf_append(&b, &expected[i], n) != NGX_OK);
    }

    is(bad, 0, "100000 bytes in small pieces");
    ok(ngx_av_buf_len(&b) == sizeof(expected)
       && ngx_memcmp(b.start, expected, sizeof(expected)) == 0,
       "are all there");
    ok(ngx_av_stub_allocations() <= 13, "it grew %lu times by doubling",
       (unsigned long) ngx_av_stub_allocations());

    size = b.end - b.start;
    is(ngx_av_buf_reserve(&b, 10 * size), NGX_OK, "a large reservation");
    is(b.end - b.last, 10 * size, "gets what it asks for");
    ok(ngx_memcmp(b.start, expected, sizeof(expected)) == 0,
       "and keeps what there was");
}


static void
ngx_av_test_failures(ngx_pool_t *pool)
{
    ngx_av_buf_t  b, before;

    ngx_av_stub_fail_after(0);
    is(ngx_av_buf_init(&b, pool, 10), NGX_ERROR, "init without memory");
    ngx_av_stub_fail_never();

    (void) ngx_av_buf_init(&b, pool, 4);
    (void) ngx_av_buf_append(&b, "abcd", 4);
    before = b;

    ngx_av_stub_fail_after(0);
    is(ngx_av_buf_append(&b, "e", 1), NGX_ERROR, "append without memory");
    is(ngx_av_stub_allocations(), 1, "which it asked for");

    ngx_av_stub_fail_never();
    is(ngx_av_buf_reserve(&b, (size_t) -1), NGX_ERROR, "SIZE_MAX bytes");
    is(ngx_av_buf_reserve(&b, (size_t) -4), NGX_ERROR, "the sum wraps to 0");
    is(ngx_av_buf_reserve(&b, (size_t) -3), NGX_ERROR, "the sum wraps to 1");
    is(ngx_av_stub_allocations(), 0, "too large is told beforehand");

    ok(ngx_memcmp(&b, &before, sizeof(b)) == 0, "the buffer is as it was");
    is_text(b.start, ngx_av_buf_len(&b), "abcd", "and so are its bytes");
    is(ngx_av_buf_append(&b, "e", 1), NGX_OK, "it can still grow");
    is_text(b.start, ngx_av_buf_len(&b), "abcde", "and has all");
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, NULL);
    if (pool == NULL) {
        return 1;
    }

    ngx_av_test_init(pool);
    ngx_av_test_growth(pool);
    ngx_av_test_failures(pool);

    ngx_destroy_pool(pool);

    return ngx_av_tap_done();
}
