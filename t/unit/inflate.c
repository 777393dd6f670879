#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_inflate.h"


typedef struct {
    u_char  *data;
    size_t   len;
} ngx_av_test_gzip_t;


static const char  ngx_av_test_hello[] = "hello, hello, hello, world";


/* Appends a member. */
static void
ngx_av_test_gzip(ngx_av_test_gzip_t *gz, const void *p, size_t len)
{
    uLong      bound;
    z_stream   z;

    ngx_memzero(&z, sizeof(z));

    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        abort();
    }

    bound = deflateBound(&z, len);

    gz->data = realloc(gz->data, gz->len + bound);
    if (gz->data == NULL) {
        abort();
    }

    z.next_in = (Bytef *) p;
    z.avail_in = len;
    z.next_out = gz->data + gz->len;
    z.avail_out = bound;

    if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
        abort();
    }

    gz->len += bound - z.avail_out;
    (void) deflateEnd(&z);
}


static void
ngx_av_test_append(ngx_av_test_gzip_t *gz, const void *p, size_t len)
{
    gz->data = realloc(gz->data, gz->len + len);
    if (gz->data == NULL) {
        abort();
    }

    ngx_memcpy(gz->data + gz->len, p, len);
    gz->len += len;
}


/* Feeds pieces of a size, each a block of its own, then asks for the end. */
static ngx_int_t
ngx_av_test_inflate(const u_char *p, size_t len, size_t piece, size_t limit,
    ngx_av_buf_t *out)
{
    size_t             n;
    u_char            *copy;
    ngx_int_t          rc;
    ngx_av_inflate_t   inf;

    if (ngx_av_inflate_init(&inf, limit) != NGX_OK) {
        abort();
    }

    for (rc = NGX_OK; len && rc == NGX_OK; p += n, len -= n) {
        n = ngx_min(len, piece);
        copy = ngx_av_stub_copy(p, n);
        rc = ngx_av_inflate_feed(&inf, copy, n, out);
        free(copy);
    }

    if (rc == NGX_OK) {
        rc = ngx_av_inflate_done(&inf);
    }

    ngx_av_inflate_end(&inf);

    return rc;
}


static void
ngx_av_test_members(ngx_pool_t *pool)
{
    ngx_av_buf_t        out;
    ngx_av_test_gzip_t  gz = { NULL, 0 };

    (void) ngx_av_buf_init(&out, pool, 0);
    ngx_av_test_gzip(&gz, ngx_av_test_hello, 26);

    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, 1000, &out), NGX_OK,
       "one member");
    is_text(out.start, ngx_av_buf_len(&out), ngx_av_test_hello, "its text");

    ngx_av_test_gzip(&gz, "", 0);
    ngx_av_test_gzip(&gz, " and more", 9);
    (void) ngx_av_buf_init(&out, pool, 3);

    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, 1000, &out), NGX_OK,
       "three members, one empty");
    is_text(out.start, ngx_av_buf_len(&out),
            "hello, hello, hello, world and more", "their text");

    (void) ngx_av_buf_init(&out, pool, 0);

    is(ngx_av_test_inflate(gz.data, gz.len, 1, 1000, &out), NGX_OK,
       "byte by byte");
    is_text(out.start, ngx_av_buf_len(&out),
            "hello, hello, hello, world and more", "the same text");

    (void) ngx_av_buf_init(&out, pool, 0);
    (void) ngx_av_buf_append(&out, "> ", 2);

    is(ngx_av_test_inflate(gz.data, gz.len, 7, 35, &out), NGX_OK,
       "the limit, exactly met, is of what comes out");
    is_text(out.start, ngx_av_buf_len(&out),
            "> hello, hello, hello, world and more", "it is appended");

    is(ngx_av_test_inflate(gz.data, gz.len, 7, 34, &out), NGX_ABORT,
       "one byte over it, in the last member");

    free(gz.data);
}


static void
ngx_av_test_padding(ngx_pool_t *pool)
{
    size_t              len;
    ngx_av_buf_t        out;
    ngx_av_test_gzip_t  gz = { NULL, 0 };

    static const u_char  zeros[600];

    (void) ngx_av_buf_init(&out, pool, 0);

    ngx_av_test_gzip(&gz, ngx_av_test_hello, 26);
    len = gz.len;
    ngx_av_test_append(&gz, zeros, 600);

    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, 26, &out), NGX_OK,
       "zeros after a member");
    is(ngx_av_test_inflate(gz.data, gz.len, 1, 26, &out), NGX_OK,
       "zeros byte by byte");

    ngx_av_test_append(&gz, "x", 1);
    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, 26, &out), NGX_DECLINED,
       "garbage after the zeros");

    gz.len = len;
    ngx_av_test_append(&gz, "\n", 1);
    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, 26, &out), NGX_DECLINED,
       "a byte of garbage after a member");

    ngx_av_test_append(&gz, "garbage", 7);
    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, 26, &out), NGX_DECLINED,
       "more garbage");
    is(ngx_av_test_inflate(gz.data, gz.len, 1, 26, &out), NGX_DECLINED,
       "byte by byte");

    is(ngx_av_test_inflate(zeros, 600, 600, 26, &out), NGX_DECLINED,
       "zeros alone");
    is(ngx_av_test_inflate(zeros, 0, 1, 26, &out), NGX_DECLINED,
       "nothing at all");
    is(ngx_av_test_inflate((u_char *) "{\"a\":1}", 7, 7, 26, &out),
       NGX_DECLINED, "JSON");
    is(ngx_av_test_inflate((u_char *) "\x78\x9c\x03\x00\x00\x00\x00\x01", 8,
                           8, 26, &out),
       NGX_DECLINED, "zlib's own format");

    free(gz.data);
}


static void
ngx_av_test_damage(ngx_pool_t *pool)
{
    size_t              i;
    ngx_int_t           rc;
    ngx_uint_t          bad, bit, taken;
    ngx_av_buf_t        out;
    ngx_av_test_gzip_t  gz = { NULL, 0 };

    (void) ngx_av_buf_init(&out, pool, 1000);
    ngx_av_test_gzip(&gz, ngx_av_test_hello, 26);

    bad = 0;

    for (i = 0; i < gz.len; i++) {
        out.last = out.start;
        bad += (ngx_av_test_inflate(gz.data, i, 1 + i / 2, 1000, &out)
                != NGX_DECLINED);
        bad += (ngx_av_test_inflate(gz.data, i, 1, 26, &out)
                != NGX_DECLINED);
    }

    is(bad, 0, "truncated anywhere");

    bad = 0;
    taken = 0;

    for (i = 0; i < gz.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            gz.data[i] ^= 1 << bit;

            out.last = out.start;
            rc = ngx_av_test_inflate(gz.data, gz.len, gz.len, 1000, &out);
            taken += (rc == NGX_OK);

            /* past the header, whose time and OS mean nothing here */

            bad += (rc == NGX_OK
                    && (i >= 10 || ngx_av_buf_len(&out) != 26));

            gz.data[i] ^= 1 << bit;
        }
    }

    is(bad, 0, "any bit flipped in the data, the CRC or the length");
    ok(taken >= 48 && taken <= 72, "only %lu flips in the header pass",
       (unsigned long) taken);

    free(gz.data);
}


static void
ngx_av_test_limits(ngx_pool_t *pool)
{
    size_t              limit, n;
    u_char             *text;
    ngx_uint_t          i, bad;
    ngx_av_buf_t        out;
    ngx_av_test_gzip_t  gz = { NULL, 0 };

    n = 4 * 1024 * 1024;

    text = calloc(1, n);
    if (text == NULL) {
        abort();
    }

    ngx_av_test_gzip(&gz, text, n);
    ok(n / gz.len >= 900, "a bomb of 1:%lu", (unsigned long) (n / gz.len));

    (void) ngx_av_buf_init(&out, pool, 0);
    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, 100000, &out), NGX_ABORT,
       "meets its limit");
    ok(ngx_av_buf_len(&out) <= 100000 && out.end - out.start <= 300000,
       "and takes no more memory than that asks for");

    (void) ngx_av_buf_init(&out, pool, 0);
    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, n, &out), NGX_OK,
       "the limit exactly met");
    ok(ngx_av_buf_len(&out) == n && ngx_memcmp(out.start, text, n) == 0,
       "with all the text");

    is(ngx_av_test_inflate(gz.data, gz.len, gz.len, n - 1, &out), NGX_ABORT,
       "one byte over");
    is(ngx_av_test_inflate(gz.data, gz.len, 1, n - 1, &out), NGX_ABORT,
       "one byte over, byte by byte");

    (void) ngx_av_buf_init(&out, pool, 0);
    is(ngx_av_test_inflate(gz.data, gz.len, 1000, (size_t) -1, &out), NGX_OK,
       "the largest limit there is");

    gz.len = 0;

    for (i = 0; i < 3000; i++) {
        text[i] = (u_char) ngx_av_stub_random();
    }

    ngx_av_test_gzip(&gz, text, 1500);
    ngx_av_test_gzip(&gz, text + 1500, 1500);

    bad = 0;

    for (limit = 0; limit < 3010; limit += 1 + (limit > 10 && limit < 2900)) {

        /* a buffer with just the room that tells the limit is passed */
        (void) ngx_av_buf_init(&out, pool, limit + 1);

        bad += (ngx_av_test_inflate(gz.data, gz.len, 1 + limit % 50, limit,
                                    &out)
                != (limit < 3000 ? NGX_ABORT : NGX_OK));
        bad += (ngx_av_buf_len(&out) > limit);
    }

    is(bad, 0, "every limit up to the text's length");

    gz.len = 0;
    ngx_av_test_gzip(&gz, "", 0);
    is(ngx_av_test_inflate(gz.data, gz.len, 1, 0, &out), NGX_OK,
       "nothing fits into a limit of 0");

    free(gz.data);
    free(text);
}


/* Random texts of every size of buffer and piece. */
static void
ngx_av_test_pieces(ngx_pool_t *pool)
{
    size_t              n;
    u_char              text[20000];
    ngx_uint_t          i, k, bad;
    ngx_av_buf_t        out;
    ngx_av_test_gzip_t  gz = { NULL, 0 };

    bad = 0;

    for (k = 0; k < 300; k++) {
        n = ngx_av_stub_random() % sizeof(text);

        for (i = 0; i < n; i++) {
            text[i] = (ngx_av_stub_random() % 4) ? 'a' + i % 7
                                    : (u_char) ngx_av_stub_random();
        }

        gz.len = 0;
        ngx_av_test_gzip(&gz, text, n / 3);
        ngx_av_test_gzip(&gz, text + n / 3, n - n / 3);

        (void) ngx_av_buf_init(&out, pool, ngx_av_stub_random() % 30000);

        bad += (ngx_av_test_inflate(gz.data, gz.len,
                                    1 + ngx_av_stub_random() % 5000, n, &out)
                != NGX_OK
                || ngx_av_buf_len(&out) != n
                || (n && ngx_memcmp(out.start, text, n) != 0));
    }

    is(bad, 0, "random texts in random pieces");

    free(gz.data);
}


static void
ngx_av_test_failures(ngx_pool_t *pool)
{
    ngx_av_buf_t        out;
    ngx_av_inflate_t    inf;
    ngx_av_test_gzip_t  gz = { NULL, 0 };

    ngx_av_test_gzip(&gz, ngx_av_test_hello, 26);

    (void) ngx_av_buf_init(&out, pool, 0);
    (void) ngx_av_inflate_init(&inf, 1000);

    ngx_av_stub_fail_after(0);
    is(ngx_av_inflate_feed(&inf, gz.data, gz.len, &out), NGX_ERROR,
       "no memory");
    ngx_av_stub_fail_never();

    ngx_av_inflate_end(&inf);
    ngx_av_inflate_end(&inf);
    ok(!inf.ready, "ended twice");

    free(gz.data);
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, NULL);
    if (pool == NULL) {
        return 1;
    }

    ngx_av_test_members(pool);
    ngx_av_test_padding(pool);
    ngx_av_test_damage(pool);
    ngx_av_test_limits(pool);
    ngx_av_test_pieces(pool);
    ngx_av_test_failures(pool);

    ngx_destroy_pool(pool);

    return ngx_av_tap_done();
}
