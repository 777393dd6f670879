#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_db_array.h"


#define NGX_AV_TEST_COUNT(a)  (sizeof(a) / sizeof((a)[0]))


/* 0 is good: calls joined by || stop at the first that fails */
typedef ngx_int_t (*ngx_av_test_build_pt)(ngx_av_buf_t *b);

typedef struct {
    const char            *name;
    uint32_t               type;
    ngx_uint_t             n;
    ngx_av_test_build_pt   build;
    const char            *hex;
} ngx_av_test_array_t;


static ngx_int_t ngx_av_test_bool(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_int2(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_int4(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_int8(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_date(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_timestamptz(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_uuid(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_numeric(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_text(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_json(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_jsonb(ngx_av_buf_t *b);
static ngx_int_t ngx_av_test_bytea(ngx_av_buf_t *b);


/* encode(array_send(array[...]), 'hex'), as Postgres 15 answered it */
static const ngx_av_test_array_t  ngx_av_test_arrays[] = {

    /* true, null, false */
    { "bool", NGX_AV_DB_BOOL, 3, ngx_av_test_bool,
      "000000010000000100000010000000030000000100000001"
      "01ffffffff0000000100" },

    /* 1, null, -2, 32767, -32768 */
    { "int2", NGX_AV_DB_INT2, 5, ngx_av_test_int2,
      "0000000100000001000000150000000500000001000000020001"
      "ffffffff00000002fffe000000027fff000000028000" },

    /* 1, null, -2, 2147483647, -2147483648 */
    { "int4", NGX_AV_DB_INT4, 5, ngx_av_test_int4,
      "00000001000000010000001700000005000000010000000400000001"
      "ffffffff00000004fffffffe000000047fffffff0000000480000000" },

    /* 1, null, -2, 9223372036854775807, -9223372036854775808 */
    { "int8", NGX_AV_DB_INT8, 5, ngx_av_test_int8,
      "0000000100000001000000140000000500000001000000080000000000000001"
      "ffffffff00000008fffffffffffffffe000000087fffffffffffffff"
      "000000088000000000000000" },

    /* 2000-01-01, null, 1999-12-31, 2026-02-28 */
    { "date", NGX_AV_DB_DATE, 4, ngx_av_test_date,
      "00000001000000010000043a00000004000000010000000400000000"
      "ffffffff00000004ffffffff0000000400002553" },

    /*
     * 2026-01-02 03:04:05.678901, null, 1970-01-01 00:00:00,
     * 1999-12-31 23:59:59.999999, all in UTC
     */
    { "timestamptz", NGX_AV_DB_TIMESTAMPTZ, 4, ngx_av_test_timestamptz,
      "0000000100000001000004a00000000400000001000000080002ea5dbb1f6f35"
      "ffffffff00000008fffca2fec4c8200000000008ffffffffffffffff" },

    /* 01234567-89ab-cdef-fedc-ba9876543210, null */
    { "uuid", NGX_AV_DB_UUID, 2, ngx_av_test_uuid,
      "000000010000000100000b860000000200000001"
      "000000100123456789abcdeffedcba9876543210ffffffff" },

    /*
     * 0, null, 0.000000000000000001, -12.50,
     * 123456789012.123456789012345678, 10000, 1000
     */
    { "numeric", NGX_AV_DB_NUMERIC, 7, ngx_av_test_numeric,
      "0000000100000001000006a40000000700000001000000080000000000000000"
      "ffffffff0000000a0001fffb0000001200640000000c0002000040000002000c1388"
      "00000018000800020000001204d2162e233404d2162e23340d801e78"
      "0000000a000100010000000000010000000a000100000000000003e8" },

    /* '', null, 'a', 'größe' */
    { "text", NGX_AV_DB_TEXT, 4, ngx_av_test_text,
      "00000001000000010000001900000004000000010000000"
      "0ffffffff0000000161000000076772c3b6c39f65" },

    /* '{"a": 1}', null, '[]' */
    { "json", NGX_AV_DB_JSON, 3, ngx_av_test_json,
      "0000000100000001000000720000000300000001000000087b2261223a20317d"
      "ffffffff000000025b5d" },

    { "jsonb", NGX_AV_DB_JSONB, 3, ngx_av_test_jsonb,
      "000000010000000100000eda000000030000000100000009017b2261223a20317d"
      "ffffffff00000003015b5d" },

    /* '\x00ff', '', null */
    { "bytea", NGX_AV_DB_BYTEA, 3, ngx_av_test_bytea,
      "00000001000000010000001100000003000000010000000200ff"
      "00000000ffffffff" }
};


static ngx_int_t
ngx_av_test_bool(ngx_av_buf_t *b)
{
    return ngx_av_db_array_bool(b, 8)
           || ngx_av_db_array_null(b)
           || ngx_av_db_array_bool(b, 0);
}


static ngx_int_t
ngx_av_test_int2(ngx_av_buf_t *b)
{
    return ngx_av_db_array_int2(b, 1)
           || ngx_av_db_array_null(b)
           || ngx_av_db_array_int2(b, -2)
           || ngx_av_db_array_int2(b, INT16_MAX)
           || ngx_av_db_array_int2(b, INT16_MIN);
}


static ngx_int_t
ngx_av_test_int4(ngx_av_buf_t *b)
{
    return ngx_av_db_array_int4(b, 1)
           || ngx_av_db_array_null(b)
           || ngx_av_db_array_int4(b, -2)
           || ngx_av_db_array_int4(b, INT32_MAX)
           || ngx_av_db_array_int4(b, INT32_MIN);
}


static ngx_int_t
ngx_av_test_int8(ngx_av_buf_t *b)
{
    return ngx_av_db_array_int8(b, 1)
           || ngx_av_db_array_null(b)
           || ngx_av_db_array_int8(b, -2)
           || ngx_av_db_array_int8(b, INT64_MAX)
           || ngx_av_db_array_int8(b, INT64_MIN);
}


static ngx_int_t
ngx_av_test_date(ngx_av_buf_t *b)
{
    return ngx_av_db_array_date(b, 0)
           || ngx_av_db_array_null(b)
           || ngx_av_db_array_date(b, -1)
           || ngx_av_db_array_date(b, 9555);
}


static ngx_int_t
ngx_av_test_timestamptz(ngx_av_buf_t *b)
{
    /* nanoseconds of a microsecond are dropped, towards the past */

    return ngx_av_db_array_timestamptz(b, 1767323045678901999)
           || ngx_av_db_array_null(b)
           || ngx_av_db_array_timestamptz(b, 0)
           || ngx_av_db_array_timestamptz(b, 946684799999999001);
}


static ngx_int_t
ngx_av_test_uuid(ngx_av_buf_t *b)
{
    static const ngx_av_uuid_t  uuid = { {
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
        0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10
    } };

    return ngx_av_db_array_uuid(b, &uuid)
           || ngx_av_db_array_null(b);
}


static ngx_int_t
ngx_av_test_numeric_text(ngx_av_buf_t *b, const char *text)
{
    ngx_av_decimal_t  d;

    if (ngx_av_decimal_parse((u_char *) text, ngx_strlen(text), &d)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_db_array_numeric(b, &d);
}


static ngx_int_t
ngx_av_test_numeric(ngx_av_buf_t *b)
{
    return ngx_av_test_numeric_text(b, "0")
           || ngx_av_db_array_null(b)
           || ngx_av_test_numeric_text(b, "0.000000000000000001")
           || ngx_av_test_numeric_text(b, "-12.50")
           || ngx_av_test_numeric_text(b, "123456789012.123456789012345678")
           || ngx_av_test_numeric_text(b, "10000")
           || ngx_av_test_numeric_text(b, "1e3");
}


static ngx_int_t
ngx_av_test_string(ngx_av_buf_t *b, const char *text)
{
    return ngx_av_db_array_text(b, (u_char *) text, ngx_strlen(text));
}


static ngx_int_t
ngx_av_test_text(ngx_av_buf_t *b)
{
    return ngx_av_test_string(b, "")
           || ngx_av_db_array_null(b)
           || ngx_av_test_string(b, "a")
           || ngx_av_test_string(b, "gr\xc3\xb6\xc3\x9f" "e");
}


static ngx_int_t
ngx_av_test_json(ngx_av_buf_t *b)
{
    size_t  mark;

    /* one element in pieces, across a growth of the buffer */

    if (ngx_av_db_array_begin(b, NGX_AV_DB_JSON, &mark) != NGX_OK
        || ngx_av_buf_append(b, "{\"a\"", 4) != NGX_OK
        || ngx_av_buf_append(b, ": 1}", 4) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_db_array_end(b, mark);

    return ngx_av_db_array_null(b)
           || ngx_av_test_string(b, "[]");
}


static ngx_int_t
ngx_av_test_jsonb_text(ngx_av_buf_t *b, const char *text)
{
    size_t  mark;

    if (ngx_av_db_array_begin(b, NGX_AV_DB_JSONB, &mark) != NGX_OK
        || ngx_av_buf_append(b, text, ngx_strlen(text)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_db_array_end(b, mark);

    return NGX_OK;
}


static ngx_int_t
ngx_av_test_jsonb(ngx_av_buf_t *b)
{
    return ngx_av_test_jsonb_text(b, "{\"a\": 1}")
           || ngx_av_db_array_null(b)
           || ngx_av_test_jsonb_text(b, "[]");
}


static ngx_int_t
ngx_av_test_bytea(ngx_av_buf_t *b)
{
    return ngx_av_db_array_text(b, (u_char *) "\x00\xff", 2)
           || ngx_av_test_string(b, "")
           || ngx_av_db_array_null(b);
}


static u_char *
ngx_av_test_hex(u_char *hex, const u_char *p, size_t len)
{
    static const char  digits[] = "0123456789abcdef";

    while (len--) {
        *hex++ = digits[*p >> 4];
        *hex++ = digits[*p++ & 15];
    }

    return hex;
}


static void
ngx_av_test_send(void)
{
    u_char                     *p, *hex, head[NGX_AV_DB_ARRAY_HEADER];
    ngx_uint_t                  i;
    ngx_pool_t                 *pool;
    ngx_av_buf_t                b;
    const ngx_av_test_array_t  *t;

    for (i = 0; i < NGX_AV_TEST_COUNT(ngx_av_test_arrays); i++) {
        t = &ngx_av_test_arrays[i];

        pool = ngx_create_pool(1024, NULL);

        is(ngx_av_buf_init(&b, pool, 0), NGX_OK, "a buffer for %s", t->name);
        is(t->build(&b), NGX_OK, "elements of %s", t->name);

        ok(ngx_av_db_array_header(head, t->type, t->n)
           == head + NGX_AV_DB_ARRAY_HEADER, "header of %s", t->name);

        hex = ngx_pnalloc(pool, 2 * (sizeof(head) + ngx_av_buf_len(&b)));

        p = ngx_av_test_hex(hex, head, sizeof(head));
        p = ngx_av_test_hex(p, b.start, ngx_av_buf_len(&b));

        is_text(hex, p - hex, t->hex, "array_send() of %s", t->name);

        ok(ngx_av_db_array_skip(b.start, 0) == b.start, "skip none");
        ok(ngx_av_db_array_skip(b.start, t->n) == b.last, "skip all of %s",
           t->name);

        ngx_destroy_pool(pool);
    }
}


static void
ngx_av_test_empty(void)
{
    u_char  hex[2 * NGX_AV_DB_ARRAY_HEADER], head[NGX_AV_DB_ARRAY_HEADER];

    (void) ngx_av_db_array_header(head, NGX_AV_DB_TEXT, 0);
    (void) ngx_av_test_hex(hex, head, sizeof(head));

    /* one dimension of no elements, which array_recv() takes for '{}' */

    is_text(hex, sizeof(hex), "0000000100000001000000190000000000000001",
            "an empty array");
}


static void
ngx_av_test_numbers(void)
{
    u_char  p[8];

    (void) ngx_av_db_put64(p, 0xfedcba9876543210ULL);

    ok(ngx_av_db_get64(p) == 0xfedcba9876543210ULL, "64 bits there and back");
    ok(ngx_av_db_get32(p) == 0xfedcba98, "in network order");

    (void) ngx_av_db_put16(p, 0xfedc);

    ok(p[0] == 0xfe && p[1] == 0xdc, "16 bits");
}


static void
ngx_av_test_memory(void)
{
    ngx_int_t      rc;
    ngx_uint_t     i, n, bad;
    ngx_pool_t    *pool;
    ngx_av_buf_t   b;

    bad = 0;

    for (i = 0; i < NGX_AV_TEST_COUNT(ngx_av_test_arrays); i++) {

        for (n = 0; n < 100; n++) {
            pool = ngx_create_pool(1024, NULL);

            (void) ngx_av_buf_init(&b, pool, 0);

            ngx_av_stub_fail_after(n);
            rc = ngx_av_test_arrays[i].build(&b);
            ngx_av_stub_fail_never();

            ngx_destroy_pool(pool);

            if (rc == NGX_OK) {
                break;
            }
        }

        bad += (n == 0 || n == 100);
    }

    is(bad, 0, "without memory it is an error, at whatever allocation");
}


int
main(void)
{
    ngx_av_test_send();
    ngx_av_test_empty();
    ngx_av_test_numbers();
    ngx_av_test_memory();

    return ngx_av_tap_done();
}
