#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_numeric.h"


typedef struct {
    const char  *hex;
    const char  *text;
    const char  *trimmed;
} ngx_av_test_numeric_t;


/* numeric_send(), text and trim_scale() of it, as Postgres 15 answered them */
static const ngx_av_test_numeric_t  ngx_av_test_numerics[] = {
    { "0000000000000000", "0", "0" },
    { "0000000000000002", "0.00", "0" },
    { "00010000000000000001", "1", "1" },
    { "00010000400000000001", "-1", "-1" },
    { "0001ffff0000000103e8", "0.1", "0.1" },
    { "0001ffff0000000203e8", "0.10", "0.1" },
    { "00010000000000020005", "5.00", "5" },
    { "000200000000000200011388", "1.50", "1.5" },
    { "00010001000000000001", "10000", "10000" },
    { "000200010000000000010001", "10001", "10001" },
    { "00010002000000080001", "100000000.00000000", "100000000" },
    { "0008000200000012270f270f270f270f270f270f270f26ac",
      "999999999999.999999999999999999", "999999999999.999999999999999999" },
    { "0001fffb000000120064", "0.000000000000000001",
      "0.000000000000000001" },
    { "0001fffb400000120064", "-0.000000000000000001",
      "-0.000000000000000001" },
    { "0001fffe0000000503e8", "0.00001", "0.00001" },
    { "0001ffff000000080001", "0.00010000", "0.0001" },
    { "0003000100000004000109291a85", "12345.6789", "12345.6789" },
    { "0004000100000006000c0000000004b0", "120000.000012",
      "120000.000012" },
    { "0002ffff00000008270f0001", "0.99990001", "0.99990001" }
};

/* NaN, infinities; cut off, too long, none */
static const char  *ngx_av_test_no_numerics[] = {
    "00000000c0000000", "00000000d0000020", "00000000f0000020",
    "000100000000000000", "0001000000000000000100", "00000000000000", ""
};


static ngx_int_t
ngx_av_test_write(ngx_av_buf_t *b, const char *hex, ngx_uint_t trimmed)
{
    size_t       i, len;
    u_char       bytes[64];
    unsigned     byte;

    len = ngx_strlen(hex) / 2;

    for (i = 0; i < len; i++) {
        (void) sscanf(hex + 2 * i, "%2x", &byte);
        bytes[i] = byte;
    }

    b->last = b->start;

    return ngx_av_numeric_write(b, bytes, len, trimmed);
}


int
main(void)
{
    ngx_uint_t                    i;
    ngx_pool_t                   *pool;
    ngx_av_buf_t                  b;
    const ngx_av_test_numeric_t  *test;

    pool = ngx_create_pool(1024, NULL);
    if (pool == NULL) {
        return 1;
    }

    ok(ngx_av_buf_init(&b, pool, 0) == NGX_OK, "a buffer");

    for (i = 0; i < sizeof(ngx_av_test_numerics) / sizeof(*test); i++) {
        test = &ngx_av_test_numerics[i];

        is(ngx_av_test_write(&b, test->hex, 0), NGX_OK, "%s", test->text);
        is_text(b.start, ngx_av_buf_len(&b), test->text, "%s: text",
                test->text);

        is(ngx_av_test_write(&b, test->hex, 1), NGX_OK, "%s, trimmed",
           test->text);
        is_text(b.start, ngx_av_buf_len(&b), test->trimmed,
                "%s, trimmed: text", test->text);
    }

    for (i = 0;
         i < sizeof(ngx_av_test_no_numerics) / sizeof(char *);
         i++)
    {
        is(ngx_av_test_write(&b, ngx_av_test_no_numerics[i], 0), NGX_DECLINED,
           "no number: %s", ngx_av_test_no_numerics[i]);
    }

    ngx_destroy_pool(pool);

    return ngx_av_tap_done();
}
