#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_inflate.h"


typedef struct {
    const ngx_av_coding_t  *coding;
    u_char                 *data;
    size_t                  len;
} ngx_av_test_coded_t;


static const char  ngx_av_test_hello[] = "hello, hello, hello, world";


/* Room for so many bytes more. */
static u_char *
ngx_av_test_room(ngx_av_test_coded_t *c, size_t n)
{
    c->data = realloc(c->data, c->len + n);
    if (c->data == NULL) {
        abort();
    }

    return c->data + c->len;
}


static void
ngx_av_test_gzip(ngx_av_test_coded_t *c, const void *p, size_t len)
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

    z.next_in = (Bytef *) p;
    z.avail_in = len;
    z.next_out = ngx_av_test_room(c, bound);
    z.avail_out = bound;

    if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
        abort();
    }

    c->len += bound - z.avail_out;
    (void) deflateEnd(&z);
}


/* Its size is stated if it is known at first, as it is not in a stream. */
static void
ngx_av_test_zstd(ngx_av_test_coded_t *c, const void *p, size_t len,
    ngx_uint_t stated)
{
    size_t           bound;
    ZSTD_CCtx       *z;
    ZSTD_inBuffer    in;
    ZSTD_outBuffer   out;

    z = ZSTD_createCCtx();
    if (z == NULL) {
        abort();
    }

    (void) ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);

    bound = ZSTD_compressBound(len) + 64;

    in.src = p;
    in.size = len;
    in.pos = 0;

    out.dst = ngx_av_test_room(c, bound);
    out.size = bound;
    out.pos = 0;

    if (!stated && ZSTD_compressStream2(z, &out, &in, ZSTD_e_flush) != 0) {
        abort();
    }

    if (ZSTD_compressStream2(z, &out, &in, ZSTD_e_end) != 0) {
        abort();
    }

    c->len += out.pos;
    (void) ZSTD_freeCCtx(z);
}


/* Appends a member. */
static void
ngx_av_test_member(ngx_av_test_coded_t *c, const void *p, size_t len)
{
    static ngx_uint_t  stated;

    if (c->coding == &ngx_av_coding_gzip) {
        ngx_av_test_gzip(c, p, len);

    } else {
        stated = !stated;
        ngx_av_test_zstd(c, p, len, stated);
    }
}


static void
ngx_av_test_append(ngx_av_test_coded_t *c, const void *p, size_t len)
{
    ngx_memcpy(ngx_av_test_room(c, len), p, len);
    c->len += len;
}


/* By steps of a size; the input is a block of its own. */
static ngx_int_t
ngx_av_test_inflate(const ngx_av_coding_t *coding, const void *p, size_t len,
    size_t step, size_t limit, ngx_av_buf_t *out)
{
    size_t             before;
    u_char            *copy;
    ngx_int_t          rc;
    ngx_av_inflate_t   inf;

    copy = ngx_av_stub_copy(p, len);

    if (ngx_av_inflate_init(&inf, coding, copy, len, limit) != NGX_OK) {
        abort();
    }

    do {
        before = ngx_av_buf_len(out);
        rc = ngx_av_inflate_step(&inf, out, step);

        if (ngx_av_buf_len(out) - before > step) {
            abort();
        }

    } while (rc == NGX_AGAIN);

    ngx_av_inflate_end(&inf);
    free(copy);

    return rc;
}


/* The same of what has been compressed. */
static ngx_int_t
ngx_av_test_undo(const ngx_av_test_coded_t *c, size_t step, size_t limit,
    ngx_av_buf_t *out)
{
    return ngx_av_test_inflate(c->coding, c->data, c->len, step, limit, out);
}


static void
ngx_av_test_members(const ngx_av_coding_t *coding, ngx_pool_t *pool)
{
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { coding, NULL, 0 };

    (void) ngx_av_buf_init(&out, pool, 0);
    ngx_av_test_member(&c, ngx_av_test_hello, 26);

    is(ngx_av_test_undo(&c, 5000, 1000, &out), NGX_OK, "one member");
    is_text(out.start, ngx_av_buf_len(&out), ngx_av_test_hello, "its text");

    ngx_av_test_member(&c, "", 0);
    ngx_av_test_member(&c, " and more", 9);
    (void) ngx_av_buf_init(&out, pool, 3);

    is(ngx_av_test_undo(&c, 5000, 1000, &out), NGX_OK,
       "three members, one empty");
    is_text(out.start, ngx_av_buf_len(&out),
            "hello, hello, hello, world and more", "their text");

    (void) ngx_av_buf_init(&out, pool, 0);

    is(ngx_av_test_undo(&c, 1, 1000, &out), NGX_OK, "byte by byte");
    is_text(out.start, ngx_av_buf_len(&out),
            "hello, hello, hello, world and more", "the same text");

    (void) ngx_av_buf_init(&out, pool, 0);
    (void) ngx_av_buf_append(&out, "> ", 2);

    is(ngx_av_test_undo(&c, 7, 35, &out), NGX_OK,
       "the limit, exactly met, is of what comes out");
    is_text(out.start, ngx_av_buf_len(&out),
            "> hello, hello, hello, world and more", "it is appended");

    is(ngx_av_test_undo(&c, 7, 34, &out), NGX_ABORT,
       "one byte over it, in the last member");

    c.len = 0;
    ngx_av_test_member(&c, "", 0);
    ngx_av_test_member(&c, "", 0);
    is(ngx_av_test_undo(&c, 1, 0, &out), NGX_OK,
       "nothing fits into a limit of 0");

    free(c.data);
}


static void
ngx_av_test_rest(const ngx_av_coding_t *coding, ngx_pool_t *pool)
{
    size_t               len;
    u_char               head[4];
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { coding, NULL, 0 };

    (void) ngx_av_buf_init(&out, pool, 0);

    ngx_av_test_member(&c, ngx_av_test_hello, 26);
    len = c.len;
    ngx_memcpy(head, c.data, 4);
    ngx_av_test_append(&c, "\n", 1);
    is(ngx_av_test_undo(&c, 5000, 26, &out), NGX_DECLINED,
       "a byte of garbage after a member");

    ngx_av_test_append(&c, "garbage", 7);
    is(ngx_av_test_undo(&c, 5000, 26, &out), NGX_DECLINED, "more garbage");
    is(ngx_av_test_undo(&c, 1, 26, &out), NGX_DECLINED, "byte by byte");

    c.len = len;
    ngx_av_test_append(&c, head, 4);
    is(ngx_av_test_undo(&c, 5000, 26, &out), NGX_DECLINED,
       "the beginning of another member");

    is(ngx_av_test_inflate(coding, "", 0, 1, 26, &out), NGX_DECLINED,
       "nothing at all");
    is(ngx_av_test_inflate(coding, "{\"a\":1}", 7, 7, 26, &out), NGX_DECLINED,
       "JSON");

    free(c.data);
}


static void
ngx_av_test_padding(ngx_pool_t *pool)
{
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { &ngx_av_coding_gzip, NULL, 0 };

    static const u_char  zeros[600];

    (void) ngx_av_buf_init(&out, pool, 0);

    ngx_av_test_member(&c, ngx_av_test_hello, 26);
    ngx_av_test_append(&c, zeros, 600);

    is(ngx_av_test_undo(&c, 5000, 26, &out), NGX_OK, "zeros after a member");

    ngx_av_test_append(&c, "x", 1);
    is(ngx_av_test_undo(&c, 5000, 26, &out), NGX_DECLINED,
       "garbage after the zeros");

    is(ngx_av_test_inflate(c.coding, zeros, 600, 600, 26, &out), NGX_DECLINED,
       "zeros alone");
    is(ngx_av_test_inflate(c.coding, "\x78\x9c\x03\x00\x00\x00\x00\x01", 8,
                           8, 26, &out),
       NGX_DECLINED, "zlib's own format");

    c.coding = &ngx_av_coding_zstd;
    c.len = 0;
    ngx_av_test_member(&c, ngx_av_test_hello, 26);
    ngx_av_test_append(&c, zeros, 600);
    is(ngx_av_test_undo(&c, 5000, 26, &out), NGX_DECLINED,
       "zstd has no padding");

    free(c.data);
}


static void
ngx_av_test_truncated(const ngx_av_coding_t *coding, ngx_pool_t *pool)
{
    size_t               len;
    ngx_uint_t           bad, i;
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { coding, NULL, 0 };

    (void) ngx_av_buf_init(&out, pool, 1000);

    for (i = 0; i < 2; i++) {
        c.len = 0;
        ngx_av_test_member(&c, ngx_av_test_hello, 26);

        bad = 0;
        len = c.len;

        for (c.len = 0; c.len < len; c.len++) {
            out.last = out.start;
            bad += (ngx_av_test_undo(&c, 1000, 1000, &out) != NGX_DECLINED);
            bad += (ngx_av_test_undo(&c, 1, 52, &out) != NGX_DECLINED);
        }

        is(bad, 0, "truncated anywhere");
    }

    free(c.data);
}


/*
 * Flips each bit: from min to max flips pass, all of them within the first
 * bytes, and the text is as it was.
 */
static void
ngx_av_test_damage(const ngx_av_coding_t *coding, ngx_pool_t *pool,
    size_t first, ngx_uint_t min, ngx_uint_t max)
{
    size_t               i;
    ngx_int_t            rc;
    ngx_uint_t           bad, bit, taken;
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { coding, NULL, 0 };

    (void) ngx_av_buf_init(&out, pool, 1000);
    ngx_av_test_member(&c, ngx_av_test_hello, 26);

    bad = 0;
    taken = 0;

    for (i = 0; i < c.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            c.data[i] ^= 1 << bit;

            out.last = out.start;
            rc = ngx_av_test_undo(&c, 1000, 1000, &out);
            taken += (rc == NGX_OK);

            bad += (rc == NGX_OK
                    && (i >= first
                        || ngx_av_buf_len(&out) != 26
                        || ngx_memcmp(out.start, ngx_av_test_hello, 26) != 0));

            c.data[i] ^= 1 << bit;
        }
    }

    is(bad, 0, "any bit flipped that means something");
    ok(taken >= min && taken <= max, "only %lu flips pass",
       (unsigned long) taken);

    free(c.data);
}


static void
ngx_av_test_limits(const ngx_av_coding_t *coding, ngx_pool_t *pool)
{
    size_t               limit, n;
    u_char              *text;
    ngx_uint_t           i, bad;
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { coding, NULL, 0 };

    n = 4 * 1024 * 1024;

    text = calloc(1, n);
    if (text == NULL) {
        abort();
    }

    ngx_av_test_member(&c, text, n);
    ok(n / c.len >= 900, "a bomb of 1:%lu", (unsigned long) (n / c.len));

    (void) ngx_av_buf_init(&out, pool, 0);
    is(ngx_av_test_undo(&c, n, 100000, &out), NGX_ABORT, "meets its limit");
    ok(ngx_av_buf_len(&out) <= 100000 && out.end - out.start <= 300000,
       "and takes no more memory than that asks for");

    (void) ngx_av_buf_init(&out, pool, 0);
    is(ngx_av_test_undo(&c, n, n, &out), NGX_OK, "the limit exactly met");
    ok(ngx_av_buf_len(&out) == n && ngx_memcmp(out.start, text, n) == 0,
       "with all the text");

    is(ngx_av_test_undo(&c, n, n - 1, &out), NGX_ABORT, "one byte over");
    is(ngx_av_test_undo(&c, 1, n - 1, &out), NGX_ABORT,
       "one byte over, byte by byte");

    (void) ngx_av_buf_init(&out, pool, 0);
    is(ngx_av_test_undo(&c, 1000, (size_t) -1, &out), NGX_OK,
       "the largest limit there is");

    c.len = 0;

    for (i = 0; i < 3000; i++) {
        text[i] = (u_char) ngx_av_stub_random();
    }

    ngx_av_test_member(&c, text, 1500);
    ngx_av_test_member(&c, text + 1500, 1500);

    bad = 0;

    for (limit = 0; limit < 3010; limit += 1 + (limit > 10 && limit < 2900)) {

        /* a buffer with just the room that tells the limit is passed */
        (void) ngx_av_buf_init(&out, pool, limit + 1);

        bad += (ngx_av_test_undo(&c, 1 + limit % 50, limit, &out)
                != (limit < 3000 ? NGX_ABORT : NGX_OK));
        bad += (ngx_av_buf_len(&out) > limit);
    }

    is(bad, 0, "every limit up to the text's length");

    free(c.data);
    free(text);
}


/* Random texts by steps of every size, into buffers of every size. */
static void
ngx_av_test_steps(const ngx_av_coding_t *coding, ngx_pool_t *pool)
{
    size_t               n;
    u_char               text[20000];
    ngx_uint_t           i, k, bad;
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { coding, NULL, 0 };

    bad = 0;

    for (k = 0; k < 300; k++) {
        n = ngx_av_stub_random() % sizeof(text);

        for (i = 0; i < n; i++) {
            text[i] = (ngx_av_stub_random() % 4) ? 'a' + i % 7
                                    : (u_char) ngx_av_stub_random();
        }

        c.len = 0;
        ngx_av_test_member(&c, text, n / 3);
        ngx_av_test_member(&c, text + n / 3, n - n / 3);

        (void) ngx_av_buf_init(&out, pool, ngx_av_stub_random() % 30000);

        bad += (ngx_av_test_undo(&c, 1 + ngx_av_stub_random() % 5000, n, &out)
                != NGX_OK
                || ngx_av_buf_len(&out) != n
                || (n && ngx_memcmp(out.start, text, n) != 0));
    }

    is(bad, 0, "random texts by random steps");

    free(c.data);
}


static void
ngx_av_test_failures(const ngx_av_coding_t *coding, ngx_pool_t *pool)
{
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { coding, NULL, 0 };

    ngx_av_test_member(&c, ngx_av_test_hello, 26);

    (void) ngx_av_buf_init(&out, pool, 0);

    ngx_av_stub_fail_after(0);
    is(ngx_av_test_undo(&c, 1000, 1000, &out), NGX_ERROR, "no memory");
    ngx_av_stub_fail_never();

    free(c.data);
}


static void
ngx_av_test_sizes(void)
{
    ngx_av_test_coded_t  c = { &ngx_av_coding_gzip, NULL, 0 };

    static u_char  text[70000];

    ngx_av_test_gzip(&c, text, 70000);
    is(c.coding->size(c.data + c.len - 4, 4, c.len), 70000,
       "gzip says its size at its end");
    ok(c.coding->size(c.data, 3, c.len) == (size_t) -1,
       "of which all is needed");
    is(c.coding->size(c.data, 4, 17), 0, "there is nothing as short as that");

    c.coding = &ngx_av_coding_zstd;
    c.len = 0;
    ngx_av_test_zstd(&c, text, 70000, 1);
    is(c.coding->size(c.data, ngx_min(18, c.len), c.len), 70000,
       "zstd may say it at its start");
    is(c.coding->size(c.data, 4, 100), 800, "if that is there");

    c.len = 0;
    ngx_av_test_zstd(&c, text, 70000, 0);
    is(c.coding->size(c.data, ngx_min(18, c.len), 100), 800,
       "if not, it is what is usual");

    free(c.data);
}


static void
ngx_av_test_names(void)
{
    ngx_uint_t              i;
    ngx_str_t               name;
    const ngx_av_coding_t  *coding;

    static const struct {
        const char             *name;
        ngx_int_t               rc;
        const ngx_av_coding_t  *coding;
    } names[] = {
        { "gzip", NGX_OK, &ngx_av_coding_gzip },
        { "X-GZip", NGX_OK, &ngx_av_coding_gzip },
        { "ZSTD", NGX_OK, &ngx_av_coding_zstd },
        { "identity", NGX_OK, NULL },
        { "", NGX_OK, NULL },
        { "zst", NGX_DECLINED, NULL },
        { "zstd, gzip", NGX_DECLINED, NULL },
        { "deflate", NGX_DECLINED, NULL }
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        coding = NULL;
        name.data = (u_char *) names[i].name;
        name.len = ngx_strlen(names[i].name);

        ok(ngx_av_coding_find(&name, &coding) == names[i].rc
           && coding == names[i].coding, "coding \"%s\"", names[i].name);
    }
}


/* Frames that no honest sender makes. */
static void
ngx_av_test_frames(ngx_pool_t *pool)
{
    ngx_uint_t    i;
    ngx_av_buf_t  out;

    static const struct {
        const char  *name;
        const char  *data;
        size_t       len;
        ngx_int_t    rc;
        const char  *text;
    } frames[] = {

#define frame(bytes)  "\x28\xb5\x2f\xfd" bytes, sizeof(bytes) + 3

        { "a window of 1 KiB, one block of 1 byte",
          frame("\x00\x00" "\x09\x00\x00" "x"), NGX_OK, "x" },
        { "a window of 8 MiB", frame("\x00\x68" "\x09\x00\x00" "x"),
          NGX_OK, "x" },
        { "a window of 9 MiB", frame("\x00\x69" "\x09\x00\x00" "x"),
          NGX_DECLINED, NULL },
        { "a window of 3.75 TiB", frame("\x00\xff" "\x09\x00\x00" "x"),
          NGX_DECLINED, NULL },
        { "a window of 3.75 TiB for a size of 256",
          frame("\x40\xff\x00\x00" "\x03\x08\x00" "x"), NGX_DECLINED, NULL },
        { "a single segment of 1 byte", frame("\x20\x01" "\x09\x00\x00" "x"),
          NGX_OK, "x" },
        { "a single segment of 2 GiB, with 1 byte",
          frame("\xa0\x00\x00\x00\x80" "\x09\x00\x00" "x"),
          NGX_DECLINED, NULL },
        { "a single segment of 16 EiB",
          frame("\xe0\xfe\xff\xff\xff\xff\xff\xff\xff" "\x09\x00\x00" "x"),
          NGX_DECLINED, NULL },
        { "less than the size that is stated",
          frame("\x20\x02" "\x09\x00\x00" "x"), NGX_DECLINED, NULL },
        { "more than the size that is stated",
          frame("\x20\x01" "\x11\x00\x00" "xx"), NGX_DECLINED, NULL },
        { "a dictionary's id", frame("\x01\x00\x07" "\x09\x00\x00" "x"),
          NGX_DECLINED, NULL },
        { "a dictionary's id in a single segment",
          frame("\x21\x07\x01" "\x09\x00\x00" "x"), NGX_DECLINED, NULL },
        { "the reserved bit", frame("\x08\x00" "\x09\x00\x00" "x"),
          NGX_DECLINED, NULL },
        { "the reserved kind of block", frame("\x00\x00" "\x0f\x00\x00" "x"),
          NGX_DECLINED, NULL },
        { "a block larger than the window",
          frame("\x00\x00" "\x0b\x20\x00" "x"), NGX_DECLINED, NULL },
        { "a wrong checksum",
          frame("\x04\x00" "\x09\x00\x00" "x" "\x00\x00\x00\x00"),
          NGX_DECLINED, NULL },
        { "no block", frame("\x00\x00"), NGX_DECLINED, NULL },

#undef frame
#define bytes(text)  text, sizeof(text) - 1

        { "a frame to skip, alone",
          bytes("\x50\x2a\x4d\x18\x03\x00\x00\x00" "abc"), NGX_OK, "" },
        { "a frame to skip, then one",
          bytes("\x5f\x2a\x4d\x18\x03\x00\x00\x00" "abc"
                "\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00" "x"), NGX_OK, "x" },
        { "one, then a frame to skip",
          bytes("\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00" "x"
                "\x50\x2a\x4d\x18\x00\x00\x00\x00"), NGX_OK, "x" },
        { "a frame to skip that breaks off",
          bytes("\x50\x2a\x4d\x18\x03\x00\x00\x00" "ab"), NGX_DECLINED, NULL },
        { "4 GiB to skip",
          bytes("\x50\x2a\x4d\x18\xff\xff\xff\xff" "ab"), NGX_DECLINED, NULL },
        { "not quite a frame to skip",
          bytes("\x60\x2a\x4d\x18\x00\x00\x00\x00"), NGX_DECLINED, NULL },
        { "the format of v0.1",
          bytes("\x1e\xb5\x2f\xfd\x00\x00\x00\x00"), NGX_DECLINED, NULL },
        { "the format of v0.5", bytes("\x25\xb5\x2f\xfd\x0f\xc0\x00\x00"),
          NGX_DECLINED, NULL },
        { "the format of v0.7, with nothing in it",
          bytes("\x27\xb5\x2f\xfd\x20\x00\xc0\x00\x00"), NGX_DECLINED, NULL },
        { "a dictionary", bytes("\x37\xa4\x30\xec\x00\x00\x00\x00"),
          NGX_DECLINED, NULL }

#undef bytes
    };

    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        (void) ngx_av_buf_init(&out, pool, 4096);

        is(ngx_av_test_inflate(&ngx_av_coding_zstd, frames[i].data,
                               frames[i].len, 4096, 4096, &out),
           frames[i].rc, frames[i].name);

        if (frames[i].text) {
            is_text(out.start, ngx_av_buf_len(&out), frames[i].text,
                    "its text");
        }

        out.last = out.start;

        ok(ngx_av_test_inflate(&ngx_av_coding_zstd, frames[i].data,
                               frames[i].len, 1, 4096, &out)
           == frames[i].rc, "byte by byte");
    }
}


/* 128 KiB for every 4 bytes, 32768 to 1. */
static void
ngx_av_test_worst_bomb(ngx_pool_t *pool)
{
    ngx_uint_t           i;
    ngx_av_buf_t         out;
    ngx_av_test_coded_t  c = { &ngx_av_coding_zstd, NULL, 0 };

    ngx_av_test_append(&c, "\x28\xb5\x2f\xfd\x00\x38", 6);

    for (i = 0; i < 1000; i++) {
        ngx_av_test_append(&c, "\x02\x00\x10 ", 4);
    }

    (void) ngx_av_buf_init(&out, pool, 0);
    is(ngx_av_test_undo(&c, 1 << 20, 1 << 20, &out), NGX_ABORT,
       "the worst bomb meets its limit");
    ok(out.end - out.start <= 4 << 20,
       "and takes no more memory than that asks for");
    is(ngx_av_test_undo(&c, 1 << 20, 1000 << 17, &out), NGX_DECLINED,
       "without a limit it has no end");

    free(c.data);
}


int
main(void)
{
    ngx_uint_t   i;
    ngx_pool_t  *pool;

    static const ngx_av_coding_t  *codings[] = {
        &ngx_av_coding_gzip, &ngx_av_coding_zstd
    };

    pool = ngx_create_pool(1024, NULL);
    if (pool == NULL) {
        return 1;
    }

    for (i = 0; i < 2; i++) {
        ngx_av_test_members(codings[i], pool);
        ngx_av_test_rest(codings[i], pool);
        ngx_av_test_truncated(codings[i], pool);
        ngx_av_test_limits(codings[i], pool);
        ngx_av_test_steps(codings[i], pool);
        ngx_av_test_failures(codings[i], pool);
    }

    /* time and OS mean nothing in gzip's header; zstd has a few unused bits */

    ngx_av_test_damage(&ngx_av_coding_gzip, pool, 10, 48, 72);
    ngx_av_test_damage(&ngx_av_coding_zstd, pool, 1000, 0, 16);

    ngx_av_test_padding(pool);
    ngx_av_test_frames(pool);
    ngx_av_test_worst_bomb(pool);
    ngx_av_test_sizes();
    ngx_av_test_names();

    ngx_destroy_pool(pool);

    return ngx_av_tap_done();
}
