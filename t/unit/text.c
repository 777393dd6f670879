#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_text.h"


#define NGX_AV_TEST_NONE    0
#define NGX_AV_TEST_CHAR    1
#define NGX_AV_TEST_PREFIX  2

/* what two and three bytes are, told by encoding every character there is */
static u_char  ngx_av_test_two[1 << 16];
static u_char  ngx_av_test_three[1 << 24];


typedef struct {
    const char  *text;
    const char  *repaired;
} ngx_av_test_repair_t;

#define R  "\xef\xbf\xbd"

/* of bytes, as Python's decode("utf-8", "replace") has them */
static const ngx_av_test_repair_t  ngx_av_test_repairs[] = {
    { "", "" },
    { "plain", "plain" },
    { "\x7f", "\x7f" },
    { "é€😀", "é€😀" },

    /* single bytes, alone and before others */
    { "\x80", R },
    { "\xbf\xbf", R R },
    { "\xc0", R },
    { "\xff\xfe", R R },
    { "a\x80z", "a" R "z" },

    /* overlong */
    { "\xc0\x80", R R },
    { "\xc1\xbf", R R },
    { "\xe0\x80\x80", R R R },
    { "\xe0\x9f\xbf", R R R },
    { "\xe0\xa0\x80", "\xe0\xa0\x80" },
    { "\xf0\x80\x80\x80", R R R R },
    { "\xf0\x8f\xbf\xbf", R R R R },
    { "\xf0\x90\x80\x80", "\xf0\x90\x80\x80" },

    /* surrogates */
    { "\xed\x9f\xbf", "\xed\x9f\xbf" },
    { "\xed\xa0\x80", R R R },
    { "\xed\xbf\xbf", R R R },
    { "\xed\xa0\xbd\xed\xb8\x80", R R R R R R },
    { "\xee\x80\x80", "\xee\x80\x80" },

    /* past U+10FFFF */
    { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
    { "\xf4\x90\x80\x80", R R R R },
    { "\xf5\x80\x80\x80", R R R R },
    { "\xf8\x88\x80\x80\x80", R R R R R },
    { "\xfc\x84\x80\x80\x80\x80", R R R R R R },

    /* truncated, at the end and before others: one for what is there */
    { "\xc3", R },
    { "\xc3" "a", R "a" },
    { "\xc3\xc3\xa9", R "\xc3\xa9" },
    { "\xe2\x82", R },
    { "\xe2\x82" "a", R "a" },
    { "\xe2", R },
    { "\xf0\x9f\x98", R },
    { "\xf0\x9f\x98" "a", R "a" },
    { "\xf0\x9f", R },
    { "\xf0\x9f\xf0\x9f\x98\x80", R "\xf0\x9f\x98\x80" },
    { "\xf1\x80\x80\xe1\x80\xc2", R R R },
    { "\xef\xbf", R },

    /* non-characters are characters */
    { "\xef\xbf\xbe\xef\xbf\xbf\xf4\x8f\xbf\xbe",
      "\xef\xbf\xbe\xef\xbf\xbf\xf4\x8f\xbf\xbe" },

    /* escapes */
    { "\\u0000\\uabcd\\uABCD", "\\u0000\\uabcd\\uABCD" },
    { "\\ud7ff\\ue000\\uffff", "\\ud7ff\\ue000\\uffff" },
    { "\\ud83d\\ude00", "\\ud83d\\ude00" },
    { "\\uD83D\\uDE00", "\\uD83D\\uDE00" },
    { "\\ud800\\udc00\\udbff\\udfff", "\\ud800\\udc00\\udbff\\udfff" },
    { "\\ud83d", "\\ufffd" },
    { "\\ude00", "\\ufffd" },
    { "\\uDFFF", "\\ufffd" },
    { "\\ude00\\ud83d", "\\ufffd\\ufffd" },
    { "\\ud83d\\ud83d\\ude00", "\\ufffd\\ud83d\\ude00" },
    { "\\ud83d\\ude00\\ude00", "\\ud83d\\ude00\\ufffd" },
    { "\\ud83d \\ude00", "\\ufffd \\ufffd" },
    { "\\ud83d\\n\\ude00", "\\ufffd\\n\\ufffd" },
    { "\\ud83dx", "\\ufffdx" },
    { "\\ud83d\\u0041", "\\ufffd\\u0041" },
    { "\\ud83d\xf0\x9f\x98", "\\ufffd" R },

    /* an escaped backslash is no start of an escape */
    { "\\\\ud83d", "\\\\ud83d" },
    { "\\\\\\ud83d", "\\\\\\ufffd" },
    { "\\\\\\\\ud83d", "\\\\\\\\ud83d" },
    { "\\\"\\ud83d\\\"", "\\\"\\ufffd\\\"" },
    { "\\ud83d\\\\ude00", "\\ufffd\\\\ude00" },

    /* what is no escape is left to the parser */
    { "\\", "\\" },
    { "\\u", "\\u" },
    { "\\ud83", "\\ud83" },
    { "\\ud83g", "\\ud83g" },
    { "\\uD8 0", "\\uD8 0" },
    { "\\u\\ud83d", "\\u\\ufffd" },
    { "\\ud83d\\", "\\ufffd\\" },
    { "\\ud83d\\ude0", "\\ufffd\\ude0" },
    { "\\U+d83d", "\\U+d83d" },
    { "\\\x80", "\\" R }
};


static size_t
ngx_av_test_encode(u_char *p, ngx_uint_t c)
{
    if (c < 0x80) {
        p[0] = c;
        return 1;
    }

    if (c < 0x800) {
        p[0] = 0xc0 | c >> 6;
        p[1] = 0x80 | (c & 0x3f);
        return 2;
    }

    if (c < 0x10000) {
        p[0] = 0xe0 | c >> 12;
        p[1] = 0x80 | (c >> 6 & 0x3f);
        p[2] = 0x80 | (c & 0x3f);
        return 3;
    }

    p[0] = 0xf0 | c >> 18;
    p[1] = 0x80 | (c >> 12 & 0x3f);
    p[2] = 0x80 | (c >> 6 & 0x3f);
    p[3] = 0x80 | (c & 0x3f);

    return 4;
}


static ngx_uint_t
ngx_av_test_scalar(ngx_uint_t c)
{
    return c < 0xd800 || (c > 0xdfff && c < 0x110000);
}


/* Into a block of exactly the size promised, from one of exactly len. */
static u_char *
ngx_av_test_repair(const void *p, size_t len, size_t *n)
{
    u_char  *out, *copy, *end;

    copy = ngx_av_stub_copy(p, len);
    out = malloc(3 * len + 1);

    if (out == NULL) {
        abort();
    }

    end = out + 3 * len;
    *end = 0x5a;
    *n = ngx_av_text_repair_json(out, copy, len);

    if (*n > 3 * len || *end != 0x5a) {
        ngx_av_tap_diag("%lu bytes became %lu", (unsigned long) len,
                        (unsigned long) *n);
        *n = 3 * len + 1;
    }

    free(copy);

    return out;
}


static void
ngx_av_test_repair_table(void)
{
    size_t       n;
    u_char      *out;
    ngx_uint_t   i, k;
    char         name[64];

    for (i = 0; i < sizeof(ngx_av_test_repairs)
                    / sizeof(ngx_av_test_repairs[0]); i++)
    {
        out = ngx_av_test_repair(ngx_av_test_repairs[i].text,
                                 strlen(ngx_av_test_repairs[i].text), &n);

        for (k = 0; ngx_av_test_repairs[i].text[k] && k < 15; k++) {
            sprintf(&name[2 * k], "%02x",
                    (u_char) ngx_av_test_repairs[i].text[k]);
        }

        name[2 * k] = '\0';

        is_text(out, n, ngx_av_test_repairs[i].repaired, "repair %s", name);
        free(out);
    }

    out = ngx_av_test_repair("a\0\xff\0", 4, &n);
    ok(n == 6 && ngx_memcmp(out, "a\0" R "\0", 6) == 0,
       "NULs are left alone");
    free(out);
}


static void
ngx_av_test_learn(void)
{
    u_char      p[4];
    size_t      n;
    ngx_uint_t  c;

    for (c = 0x80; c < 0x110000; c++) {

        if (!ngx_av_test_scalar(c)) {
            continue;
        }

        n = ngx_av_test_encode(p, c);

        ngx_av_test_two[p[0] << 8 | p[1]] = (n == 2) ? NGX_AV_TEST_CHAR
                                                     : NGX_AV_TEST_PREFIX;

        if (n > 2) {
            ngx_av_test_three[p[0] << 16 | p[1] << 8 | p[2]] =
                              (n == 3) ? NGX_AV_TEST_CHAR : NGX_AV_TEST_PREFIX;
        }
    }
}


/* The same by what was learnt. */
static size_t
ngx_av_test_reference(u_char *out, const u_char *p, size_t len)
{
    size_t       i, n;
    u_char      *last, two, three;
    ngx_uint_t   valid;

    last = out;

    for (i = 0; i < len; i += n) {

        two = (i + 1 < len) ? ngx_av_test_two[p[i] << 8 | p[i + 1]] : 0;
        three = (i + 2 < len) ? ngx_av_test_three[p[i] << 16 | p[i + 1] << 8
                                                  | p[i + 2]]
                              : 0;

        if (three == NGX_AV_TEST_PREFIX) {
            valid = (i + 3 < len && p[i + 3] >> 6 == 2);
            n = valid ? 4 : 3;

        } else if (three == NGX_AV_TEST_CHAR) {
            valid = 1;
            n = 3;

        } else if (two != NGX_AV_TEST_NONE) {
            valid = (two == NGX_AV_TEST_CHAR);
            n = 2;

        } else {
            valid = (p[i] < 0x80);
            n = 1;
        }

        last = valid ? ngx_cpymem(last, &p[i], n) : ngx_cpymem(last, R, 3);
    }

    return last - out;
}


static ngx_uint_t
ngx_av_test_compare(const u_char *p, size_t len)
{
    size_t       n, m;
    u_char      *out, expected[256];
    ngx_uint_t   bad;

    out = ngx_av_test_repair(p, len, &n);
    m = ngx_av_test_reference(expected, p, len);

    bad = (n != m || ngx_memcmp(out, expected, n) != 0);

    if (bad) {
        ngx_av_tap_diag("%02x %02x %02x %02x: %lu bytes, expected %lu",
                        p[0], p[1], p[2], p[3], (unsigned long) n,
                        (unsigned long) m);
    }

    free(out);

    return bad;
}


static void
ngx_av_test_repair_bytes(void)
{
    u_char      p[64];
    size_t      n;
    ngx_uint_t  c, i, k, bad;

    static const u_char  lead[] =
        "\x41\x80\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4"
        "\xf5\xf8\xff";
    static const u_char  tail[] =
        "\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xff";

    ngx_av_test_learn();

    bad = 0;

    for (c = 0; c < 0x110000; c++) {
        n = ngx_av_test_encode(p, c == '\\' ? 'a' : c);
        bad += ngx_av_test_compare(p, n);
        bad += (ngx_av_test_scalar(c)
                && ngx_av_test_reference(p + 32, p, n) != n);
    }

    is(bad, 0, "every code point");

    bad = 0;

    for (i = 0; i < 20 * 256 * 100; i++) {
        p[0] = lead[i / 25600];
        p[1] = (u_char) (i / 100);
        p[2] = tail[i / 10 % 10];
        p[3] = tail[i % 10];

        if (p[1] != '\\') {
            bad += ngx_av_test_compare(p, 4);
        }
    }

    is(bad, 0, "every second byte, and the ends of all ranges");

    bad = 0;

    for (i = 0; i < 100000; i++) {
        n = ngx_av_stub_random() % 40;

        for (k = 0; k < n; k++) {
            c = ngx_av_stub_random();
            p[k] = (c & 0x100) ? lead[(u_char) c % 20] : tail[(u_char) c % 10];
        }

        bad += ngx_av_test_compare(p, n);
    }

    is(bad, 0, "random bytes");
}


/* Random escapes, whose right treatment is known while they are made. */
static void
ngx_av_test_repair_escapes(void)
{
    char         text[1024], expected[1024];
    size_t       len, last, n;
    u_char      *out;
    ngx_uint_t   i, k, c, high, bad;

    bad = 0;

    for (i = 0; i < 50000; i++) {
        len = 0;
        last = 0;
        high = 0;

        for (k = 0; k < 30; k++) {
            c = ngx_av_stub_random();

            switch (c >> 32 & 7) {

            case 0:
            case 1:
                c = 0xd800 | (c & 0x3ff);
                len += sprintf(&text[len], "\\u%04x", (unsigned) c);
                last += sprintf(&expected[last], "\\ufffd");
                high = c;
                continue;

            case 2:
            case 3:
                c = 0xdc00 | (c & 0x3ff);
                len += sprintf(&text[len], "\\u%04X", (unsigned) c);

                if (high) {
                    last += sprintf(&expected[last - 6], "\\u%04x\\u%04X",
                                    (unsigned) high, (unsigned) c) - 6;

                } else {
                    last += sprintf(&expected[last], "\\ufffd");
                }

                break;

            case 4:
                c &= 0xd7ff;
                len += sprintf(&text[len], "\\u%04x", (unsigned) c);
                last += sprintf(&expected[last], "\\u%04x", (unsigned) c);
                break;

            case 5:
                len += sprintf(&text[len], "\\\\");
                last += sprintf(&expected[last], "\\\\");
                break;

            case 6:
                len += sprintf(&text[len], "u%04x", (unsigned) c & 0xffff);
                last += sprintf(&expected[last], "u%04x",
                                (unsigned) c & 0xffff);
                break;

            default:
                len += sprintf(&text[len], "\xf0\x9f");
                last += sprintf(&expected[last], R);
                break;
            }

            high = 0;
        }

        out = ngx_av_test_repair(text, len, &n);
        bad += (n != last || ngx_memcmp(out, expected, n) != 0);
        free(out);
    }

    is(bad, 0, "random escapes");
}


static void
ngx_av_test_cut(void)
{
    size_t      len, limit, expected, n, k;
    u_char      text[256], *copy;
    ngx_uint_t  i, bad, ends[64];

    static const ngx_uint_t  chars[] = {
        'a', 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff, 0
    };

    bad = 0;

    for (i = 0; i < 2000; i++) {
        len = 0;

        for (n = 0; n < i % 40; n++) {
            ends[n] = len;
            len += ngx_av_test_encode(&text[len],
                                      chars[ngx_av_stub_random() % 9]);
        }

        ends[n] = len;
        copy = ngx_av_stub_copy(text, len);

        for (limit = 0; limit <= len + 3; limit++) {

            for (expected = 0, k = 0; k <= n; k++) {
                expected = (ends[k] <= limit) ? ends[k] : expected;
            }

            bad += (ngx_av_text_cut(copy, len, limit) != expected);
        }

        bad += (ngx_av_text_cut(copy, len, (size_t) -1) != len);
        bad += (ngx_av_text_chars(copy, len) != n);

        free(copy);
    }

    is(bad, 0, "random texts, cut at every limit and counted");
    is(ngx_av_text_cut((u_char *) "a😀b", 6, 4), 1, "within a character");
    is(ngx_av_text_cut((u_char *) "a😀b", 6, 5), 5, "after it");
    is(ngx_av_text_cut((u_char *) "😀", 4, 3), 0, "no room for any");
    is(ngx_av_text_chars((u_char *) "aé€😀", 10), 4, "four characters");
    is(ngx_av_text_chars((u_char *) "", 0), 0, "no character");
}


static void
ngx_av_test_append(ngx_pool_t *pool)
{
    size_t         len, n, i;
    u_char         text[100], expected[100], *copy;
    ngx_uint_t     k, bad;
    ngx_av_buf_t   b;

    bad = 0;

    for (k = 0; k < 2000; k++) {
        (void) ngx_av_buf_init(&b, pool, k % 3);
        (void) ngx_av_buf_append(&b, "> ", 2);

        len = ngx_av_stub_random() % sizeof(text);

        for (i = 0, n = 0; i < len; i++) {
            text[i] = (ngx_av_stub_random() % (1 + k % 5)) ? 'a' + i % 26 : 0;

            if (text[i]) {
                expected[n++] = text[i];
            }
        }

        copy = ngx_av_stub_copy(text, len);

        bad += (ngx_av_text_append(&b, copy, len) != NGX_OK
                || ngx_av_buf_len(&b) != n + 2
                || ngx_memcmp(b.start, "> ", 2) != 0
                || (n && ngx_memcmp(b.start + 2, expected, n) != 0));

        free(copy);
    }

    is(bad, 0, "random texts with NULs, appended without them");

    (void) ngx_av_buf_init(&b, pool, 1);
    ngx_av_stub_fail_after(0);
    is(ngx_av_text_append(&b, (u_char *) "text", 4), NGX_ERROR, "no memory");
    ngx_av_stub_fail_never();
}


static void
ngx_av_test_blank(void)
{
    u_char      text[3];
    ngx_uint_t  c, bad;

    ok(ngx_av_text_is_blank(NULL, 0), "nothing is blank");
    ok(ngx_av_text_is_blank((u_char *) " \t\r\n\v\f", 6), "blanks are");
    ok(ngx_av_text_is_blank((u_char *) " \0 ", 3), "a NUL makes no text");
    ok(!ngx_av_text_is_blank((u_char *) "  .", 3), "text at the end");
    ok(!ngx_av_text_is_blank((u_char *) ".  ", 3), "text at the start");

    bad = 0;

    for (c = 1; c < 256; c++) {
        text[0] = ' ';
        text[1] = (u_char) c;
        text[2] = ' ';

        bad += (ngx_av_text_is_blank(text, 3)
                != (c < 128 && isspace((int) c)));
    }

    is(bad, 0, "every byte, as by isspace()");
}


/* Every byte at every place of texts of some lengths. */

static void
ngx_av_test_plain(void)
{
    u_char      *text;
    size_t       len, i;
    ngx_uint_t   c, wrong;

    ok(ngx_av_text_is_plain(NULL, 0), "no text is plain");

    wrong = 0;

    for (len = 1; len <= 27; len++) {

        text = ngx_av_stub_copy("abcdefghijklmnopqrstuvwxyz{", len);
        wrong += !ngx_av_text_is_plain(text, len);

        for (i = 0; i < len; i++) {

            for (c = 0; c < 256; c++) {
                text[i] = (u_char) c;
                wrong += (ngx_av_text_is_plain(text, len)
                          != (c > 0 && c < 128));
            }

            text[i] = 'a';
        }

        free(text);
    }

    is(wrong, 0, "plain is what has neither NULs nor high bits");
}


static void
ngx_av_test_numbers(void)
{
    char        expected[NGX_INT64_LEN + 1];
    u_char      text[NGX_INT64_LEN];
    int64_t     n;
    size_t      len;
    ngx_uint_t  i, wrong;

    static const int64_t  edges[] = {
        0, 1, 9, 10, 99, 100, -1, -9, -10, INT64_MAX, INT64_MIN
    };

    wrong = 0;

    for (i = 0; i < 10000; i++) {
        n = (i < sizeof(edges) / sizeof(edges[0]))
            ? edges[i]
            : (int64_t) (ngx_av_stub_random() >> (i % 64));

        len = ngx_av_text_int64(text, n) - text;
        wrong += (len != (size_t) sprintf(expected, "%lld", (long long) n)
                  || ngx_memcmp(text, expected, len) != 0);

        len = ngx_av_text_uint64(text, (uint64_t) n) - text;
        wrong += (len != (size_t) sprintf(expected, "%llu",
                                          (unsigned long long) n)
                  || ngx_memcmp(text, expected, len) != 0);
    }

    is(wrong, 0, "numbers, as by sprintf()");
}


static void
ngx_av_test_unknown_encoding(ngx_pool_t *pool)
{
    u_char        *copy, *out;
    size_t         i, j, n, len, bad;
    ngx_uint_t     wrong;
    ngx_av_buf_t   b;

    static const struct {
        ngx_str_t    text;
        size_t       valid;
        size_t       bad;
        const char  *repaired;
    } tests[] = {
        { ngx_string(""), 0, 0, "" },
        { ngx_string("plain text, long enough"), 23, 0,
          "plain text, long enough" },
        { ngx_string("\xc3\xa9t\xc3\xa9"), 5, 0, "\xc3\xa9t\xc3\xa9" },
        { ngx_string("12345678\xff" "9"), 8, 1,
          "12345678\xef\xbf\xbd" "9" },
        { ngx_string("a\xe2\x82"), 1, 2, "a\xef\xbf\xbd" },
        { ngx_string("\xed\xa0\x80"), 0, 1,
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { ngx_string("a\0\xf0\x9f\x98\x80\0"), 7, 0,
          "a\xf0\x9f\x98\x80" }
    };

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {

        copy = ngx_av_stub_copy(tests[i].text.data, tests[i].text.len);
        n = ngx_av_text_valid(copy, tests[i].text.len, &bad);

        is(n, tests[i].valid, "text %d: what is valid", (int) i);
        is(bad, tests[i].bad, "text %d: what is not", (int) i);

        (void) ngx_av_buf_init(&b, pool, 0);
        is(ngx_av_text_append_repaired(&b, copy, tests[i].text.len), NGX_OK,
           "text %d: repaired", (int) i);
        is_text(b.start, ngx_av_buf_len(&b), tests[i].repaired,
                "text %d: is", (int) i);

        free(copy);
    }

    wrong = 0;

    for (i = 0; i < 20000; i++) {

        len = i % 40;
        copy = ngx_palloc(pool, len + 1);
        out = ngx_palloc(pool, 3 * len + 1);

        for (j = 0; j < len; j++) {
            copy[j] = (ngx_av_stub_random() & 0x300)
                      ? 'a' : (u_char) (ngx_av_stub_random() >> 20);
            copy[j] = (copy[j] == '\\' || copy[j] == 0) ? 'b' : copy[j];
        }

        /* there is another function that does it, but for backslashes */

        n = ngx_av_text_repair_json(out, copy, len);

        (void) ngx_av_buf_init(&b, pool, 0);
        (void) ngx_av_text_append_repaired(&b, copy, len);

        wrong += (ngx_av_buf_len(&b) != n
                  || (n && ngx_memcmp(b.start, out, n) != 0)
                  || (ngx_av_text_valid(out, n, &bad) != n || bad != 0));
    }

    is(wrong, 0, "random bytes, repaired as a document is");
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, NULL);
    if (pool == NULL) {
        return 1;
    }

    ngx_av_test_unknown_encoding(pool);
    ngx_av_test_repair_table();
    ngx_av_test_repair_bytes();
    ngx_av_test_repair_escapes();
    ngx_av_test_cut();
    ngx_av_test_append(pool);
    ngx_av_test_blank();
    ngx_av_test_plain();
    ngx_av_test_numbers();

    ngx_destroy_pool(pool);

    return ngx_av_tap_done();
}
