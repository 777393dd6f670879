/* Values of OTLP as JSON text, and their children. */

#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_otlp.h"
#include "ngx_av_otlp_base64.h"

#include <math.h>


static ngx_pool_t  *ngx_av_test_pool;


static void
ngx_av_test_integers(void)
{
    size_t               i;
    ngx_av_buf_t         b;
    ngx_av_otlp_value_t  value;

    static const struct {
        int64_t          n;
        const char      *text;
    } tests[] = {
        { 0, "0" },
        { -1, "-1" },
        { 9007199254740993, "9007199254740993" },
        { INT64_MAX, "9223372036854775807" },
        { INT64_MIN, "-9223372036854775808" }
    };

    value.kind = NGX_AV_OTLP_INT;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
        value.u.integer = tests[i].n;

        is(ngx_av_otlp_value_json(&b, &value, 0), NGX_OK, "an integer");
        is_text(b.start, ngx_av_buf_len(&b), tests[i].text, "all its digits");
    }
}


static void
ngx_av_test_doubles(void)
{
    double               n;
    size_t               i;
    uint64_t             bits;
    ngx_uint_t           bad;
    ngx_av_buf_t         b;
    ngx_av_otlp_value_t  value;

    static const struct {
        double           n;
        const char      *text;
    } tests[] = {
        { 0, "0" },
        { 5, "5" },
        { -2.5, "-2.5" },
        { 0.1, "0.1" },
        { 637.704, "637.704" },
        { 1.0 / 3, "0.33333333333333331" },
        { 1e15, "1000000000000000" },
        { 1e22, "1e+22" },
        { 9007199254740992.0, "9007199254740992" },
        { 5e-324, "4.94065645841247e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { NAN, "\"NaN\"" },
        { INFINITY, "\"Infinity\"" },
        { -INFINITY, "\"-Infinity\"" }
    };

    value.kind = NGX_AV_OTLP_DOUBLE;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
        value.u.number = tests[i].n;

        is(ngx_av_otlp_value_json(&b, &value, 0), NGX_OK, "a double");
        is_text(b.start, ngx_av_buf_len(&b), tests[i].text, "as it is");
    }

    bad = 0;
    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 64);

    for (i = 0; i < 100000; i++) {
        bits = ngx_av_stub_random();
        ngx_memcpy(&n, &bits, sizeof(double));

        if (!isfinite(n)) {
            continue;
        }

        b.last = b.start;
        value.u.number = n;
        (void) ngx_av_otlp_value_json(&b, &value, 0);
        (void) ngx_av_buf_append(&b, "", 1);

        bad += (strtod((char *) b.start, NULL) != n);
    }

    is(bad, 0, "doubles are read back as they were");
}


static void
ngx_av_test_strings(void)
{
    ngx_av_buf_t         b;
    ngx_av_otlp_value_t  value;

    ngx_memzero(&value, sizeof(ngx_av_otlp_value_t));
    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);

    value.kind = NGX_AV_OTLP_STRING;
    ngx_str_set(&value.u.text, "a\0\"\xff\xe2\x82\xc3\xa9\n\xed\xa0\x80");

    (void) ngx_av_otlp_value_json(&b, &value, 0);
    is_text(b.start, ngx_av_buf_len(&b),
            "\"a\\\"\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\\n"
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "a string is repaired");

    b.last = b.start;
    value.kind = NGX_AV_OTLP_NONE;
    (void) ngx_av_otlp_value_json(&b, &value, 0);
    is_text(b.start, ngx_av_buf_len(&b), "null", "no value is null");

    b.last = b.start;
    value.kind = NGX_AV_OTLP_BYTES;
    value.encoding = NGX_AV_OTLP_PROTOBUF;
    ngx_str_set(&value.u.text, "\0\xfb\xff" "a");
    (void) ngx_av_otlp_value_json(&b, &value, 0);
    is_text(b.start, ngx_av_buf_len(&b), "\"APv/YQ==\"", "bytes are base64");
}


static void
ngx_av_test_base64(void)
{
    u_char      bytes[100], text[200], back[200], *end;
    size_t      i, j, len, n;
    ngx_uint_t  bad;

    bad = 0;

    for (i = 0; i < 2000; i++) {

        len = i % sizeof(bytes);

        for (j = 0; j < len; j++) {
            bytes[j] = (u_char) (ngx_av_stub_random() >> 20);
        }

        n = ngx_av_otlp_base64_encode(text, bytes, len) - text;
        bad += (n != ngx_av_otlp_base64_chars(len));

        if (i & 1) {
            while (n && text[n - 1] == '=') {
                n--;
            }
        }

        bad += (ngx_av_otlp_base64_check(text, n) != NGX_OK);

        end = ngx_av_otlp_base64_decode(back, text, n);
        bad += ((size_t) (end - back) != len
                || (len && ngx_memcmp(back, bytes, len) != 0)
                || len > ngx_av_otlp_base64_bytes(n));
    }

    is(bad, 0, "base64 there and back");
}


/* {"a":[1,"x",[]],"":null} as a value in protobuf */
static void
ngx_av_test_children(void)
{
    ngx_int_t                 rc;
    ngx_av_buf_t              b;
    ngx_av_otlp_iter_t        iter, items;
    ngx_av_otlp_value_t       value;
    ngx_av_otlp_attribute_t   child, item;

    static const u_char  tree[] =
        "\x0a\x14\x0a\x01" "a\x12\x0f\x2a\x0d"
            "\x0a\x02\x18\x01" "\x0a\x03\x0a\x01x" "\x0a\x02\x2a\x00"
        "\x12\x01?"                             /* a field that is unknown */
        "\x0a\x00";

    ngx_memzero(&value, sizeof(ngx_av_otlp_value_t));

    value.kind = NGX_AV_OTLP_KVLIST;
    value.encoding = NGX_AV_OTLP_PROTOBUF;
    value.u.tree.where = tree;
    value.u.tree.len = sizeof(tree) - 1;

    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);

    rc = ngx_av_otlp_value_json(&b, &value, 3);
    is(rc, NGX_OK, "a kvlist");
    is_text(b.start, ngx_av_buf_len(&b), "{\"a\":[1,\"x\",[]],\"\":null}",
            "is an object");

    (void) ngx_av_buf_append(&b, "!", 1);

    rc = ngx_av_otlp_value_json(&b, &value, 2);
    is(rc, NGX_DECLINED, "one level less");
    is(b.last[-1], '!', "leaves the buffer as it was");

    ngx_av_otlp_iter_init(&iter, &value);

    ok(ngx_av_otlp_iter_next(&iter, &child) == 1, "there is a child");
    is_text(child.key.data, child.key.len, "a", "its key");
    is(child.value.kind, NGX_AV_OTLP_ARRAY, "its kind");

    ngx_av_otlp_iter_init(&items, &child.value);

    ok(ngx_av_otlp_iter_next(&items, &item) == 1
       && item.key.len == 0
       && item.value.kind == NGX_AV_OTLP_INT
       && item.value.u.integer == 1, "an integer in it");
    ok(ngx_av_otlp_iter_next(&items, &item) == 1
       && item.value.kind == NGX_AV_OTLP_STRING
       && item.value.u.text.len == 1, "a string in it");
    ok(ngx_av_otlp_iter_next(&items, &item) == 1
       && item.value.kind == NGX_AV_OTLP_ARRAY, "an array in it");
    ok(ngx_av_otlp_iter_next(&items, &item) == 0
       && ngx_av_otlp_iter_next(&items, &item) == 0, "and no more");

    ok(ngx_av_otlp_iter_next(&iter, &child) == 1
       && child.key.len == 0
       && child.value.kind == NGX_AV_OTLP_NONE, "another child");
    ok(ngx_av_otlp_iter_next(&iter, &child) == 0, "and no more");

    value.kind = NGX_AV_OTLP_STRING;
    ngx_av_otlp_iter_init(&iter, &value);
    ok(ngx_av_otlp_iter_next(&iter, &child) == 0, "a string has no children");
}


int
main(void)
{
    ngx_av_test_pool = ngx_create_pool(1024, NULL);

    ngx_av_test_integers();
    ngx_av_test_doubles();
    ngx_av_test_strings();
    ngx_av_test_base64();
    ngx_av_test_children();

    ngx_destroy_pool(ngx_av_test_pool);

    return ngx_av_tap_done();
}
