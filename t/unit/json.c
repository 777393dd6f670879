#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_json.h"


#define NGX_AV_TEST_MEMORY  ((size_t) 1 << 30)
#define NGX_AV_TEST_DEEP    2000000

#define R  "\xef\xbf\xbd"


typedef struct {
    const char  *text;
    size_t       len;
    size_t       offset;
} ngx_av_test_error_t;

#define ngx_av_test_error(text, offset)  { text, sizeof(text) - 1, offset }


typedef struct {
    const char  *text;
    const char  *written;
} ngx_av_test_pair_t;


typedef struct {
    const char  *text;
    ngx_int_t    rc;
    int64_t      n;
} ngx_av_test_int64_t;


static ngx_pool_t  *ngx_av_test_pool;


/* Parses a block of exactly len bytes, which must stay as they are. */
static ngx_int_t
ngx_av_test_parse(ngx_av_json_t *json, const void *text, size_t len,
    size_t limit)
{
    u_char     *copy;
    ngx_int_t   rc;

    copy = ngx_pnalloc(ngx_av_test_pool, len);
    if (copy == NULL) {
        abort();
    }

    ngx_memcpy(copy, text, len);

    rc = ngx_av_json_parse(json, copy, len, limit);

    if (ngx_memcmp(copy, text, len) != 0) {
        ok(0, "the text stays untouched");
    }

    return rc;
}


/* Parses and appends what is written; -100 if it cannot be parsed. */
static ngx_int_t
ngx_av_test_rewrite(ngx_av_buf_t *b, const void *text, size_t len,
    ngx_av_json_style_t *style)
{
    ngx_int_t      rc;
    ngx_av_json_t  json;

    rc = ngx_av_test_parse(&json, text, len, NGX_AV_TEST_MEMORY);

    if (rc == NGX_OK) {
        rc = ngx_av_json_write(b, json.root, style);

    } else {
        ngx_av_tap_diag("%.*s at %lu", (int) json.error.len, json.error.data,
                        (unsigned long) json.offset);
        rc = -100;
    }

    ngx_av_json_free(&json);

    return rc;
}


static ngx_int_t
ngx_av_test_text(ngx_av_buf_t *b, const char *text,
    ngx_av_json_style_t *style)
{
    return ngx_av_test_rewrite(b, text, strlen(text), style);
}


static void
ngx_av_test_style(ngx_av_json_style_t *style, size_t limit, ngx_uint_t depth)
{
    style->string_limit = limit;
    style->depth = depth;
    style->cut = 0;
}


static void
ngx_av_test_errors(void)
{
    ngx_int_t       rc;
    ngx_uint_t      i;
    ngx_av_json_t   json;

    static const ngx_av_test_error_t  errors[] = {
        ngx_av_test_error("", 0),
        ngx_av_test_error(" \t\r\n", 0),
        ngx_av_test_error("[1,]", 2),
        ngx_av_test_error("{\"a\":1,}", 6),
        ngx_av_test_error("[1] x", 4),
        ngx_av_test_error("[1][2]", 3),
        ngx_av_test_error("[1]\0", 3),
        ngx_av_test_error("[1\0]", 2),
        ngx_av_test_error("\0", 0),
        ngx_av_test_error("1 2", 2),
        ngx_av_test_error("[1 2]", 3),
        ngx_av_test_error("[", 1),
        ngx_av_test_error("[1", 2),
        ngx_av_test_error("[1}", 2),
        ngx_av_test_error("{\"a\"}", 4),
        ngx_av_test_error("{\"a\":}", 5),
        ngx_av_test_error("{a:1}", 1),
        ngx_av_test_error("{1:1}", 1),
        ngx_av_test_error("['a']", 1),
        ngx_av_test_error("\"a", 2),
        ngx_av_test_error("[\"a\tb\"]", 3),
        ngx_av_test_error("[\"a\nb\"]", 3),
        ngx_av_test_error("[\"a\0b\"]", 3),
        ngx_av_test_error("[\"\\x\"]", 3),
        ngx_av_test_error("[\"\\u12g4\"]", 2),
        ngx_av_test_error("[\"\\", 3),
        ngx_av_test_error("[nul]", 1),
        ngx_av_test_error("[True]", 1),
        ngx_av_test_error("[NaN]", 1),
        ngx_av_test_error("[Infinity]", 1),
        ngx_av_test_error("[-Infinity]", 2),
        ngx_av_test_error("[01]", 1),
        ngx_av_test_error("[+1]", 1),
        ngx_av_test_error("[.5]", 1),
        ngx_av_test_error("[1.]", 4),
        ngx_av_test_error("[1e]", 4),
        ngx_av_test_error("[-]", 2),
        ngx_av_test_error("[0x10]", 2),
        ngx_av_test_error("[1,//\n2]", 3),
        ngx_av_test_error("[1/**/]", 2),
        ngx_av_test_error("\xef\xbb\xbf[1]", 0),
        ngx_av_test_error("\xff\xfe[\0", 0),
        ngx_av_test_error("[\xff]", 1),
        ngx_av_test_error("[\xc2\xa0]", 1),

        /* damaged in two ways: counted in the repaired text */
        ngx_av_test_error("[\"\xff\", 1,]", 9),
        ngx_av_test_error("[\"\\ud800\", x]", 11),
        ngx_av_test_error("[\"\xff\\x\"]", 6)
    };

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {

        rc = ngx_av_test_parse(&json, errors[i].text, errors[i].len,
                               NGX_AV_TEST_MEMORY);

        ok(rc == NGX_DECLINED
           && json.error.len > 5
           && json.offset == errors[i].offset
           && json.root == NULL,
           "error %lu: %.*s at %lu", (unsigned long) i,
           (int) json.error.len, json.error.data,
           (unsigned long) json.offset);

        ngx_av_json_free(&json);
    }

    (void) ngx_av_test_parse(&json, "", 0, NGX_AV_TEST_MEMORY);
    is_text(json.error.data, json.error.len, "the document is empty",
            "nothing has a message of its own");
    ngx_av_json_free(&json);

    (void) ngx_av_test_parse(&json, "  ", 2, NGX_AV_TEST_MEMORY);
    is_text(json.error.data, json.error.len, "the document is empty",
            "and so have blanks");
    ngx_av_json_free(&json);
    ngx_av_json_free(&json);
    ok(json.doc == NULL, "freed twice");
}


static void
ngx_av_test_pairs(void)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_av_buf_t          b;
    ngx_av_json_style_t   style;

    static const ngx_av_test_pair_t  pairs[] = {
        { "null", NULL },
        { " true\n", "true" },
        { "[false , null]", "[false,null]" },
        { "[]", NULL },
        { "{ }", "{}" },
        { "[[],{},[[]],{\"a\":{}}]", NULL },
        { "{\"a\":1,\"b\":[1,2,3],\"c\":\"d\"}", NULL },

        /* duplicate, empty and strange keys */
        { "{\"a\":1,\"a\":2,\"\":3,\"\":4}", NULL },
        { "{\"\\u0000\":1,\"a\\u0000b\":2,\"ab\":3}",
          "{\"\":1,\"ab\":2,\"ab\":3}" },
        { "{\"\\\"\":1,\"\\\\\":2,\"\\n\":3}", NULL },

        /* numbers as they were sent */
        { "0", NULL },
        { "-0", NULL },
        { "[-0.0,1.10,1E5,1e+5,1e-05,0.1e1]", NULL },
        { "18446744073709551616", NULL },
        { "123456789012345678901234567890.12345678901234567890", NULL },
        { "1e400", NULL },
        { "-1e-400", NULL },
        { "1e0000000000400", NULL },
        { "1e401", "\"1e401\"" },
        { "-1E+401", "\"-1E+401\"" },
        { "1e-401", "\"1e-401\"" },
        { "0e401", "\"0e401\"" },
        { "1e131071", "\"1e131071\"" },
        { "1e99999999999999999999", "\"1e99999999999999999999\"" },
        { "[1e9223372036854775808]", "[\"1e9223372036854775808\"]" },

        /* strings */
        { "\"\"", NULL },
        { "\"\\u0000\"", "\"\"" },
        { "\"a\\u0000\\u0000b\\u0000\"", "\"ab\"" },
        { "\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "\"/\\b\\f\\n\\r\\t\\\"\\\\\"" },
        { "\"\\u0001\\u001F\\u007f\\u0080\"",
          "\"\\u0001\\u001f\x7f\xc2\x80\"" },
        { "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "\"Aé€😀\"" },
        { "\"é€😀\"", NULL },
        { "\"\\u2028\\ufffe\\uffff\"",
          "\"\xe2\x80\xa8\xef\xbf\xbe\xef\xbf\xbf\"" },

        /* bad encoding */
        { "\"\\ud83d\"", "\"" R "\"" },
        { "\"\\ude00\\ud83d\"", "\"" R R "\"" },
        { "\"\\ud83d\\ud83d\\ude00\"", "\"" R "😀\"" },
        { "\"\\\\ud83d \\ud83d\"", "\"\\\\ud83d " R "\"" },
        { "\"\xff\"", "\"" R "\"" },
        { "[\"\x80\", \"\xc3\", \"\xed\xa0\x80\", 1e5, \"\\u0000\\ud800\"]",
          "[\"" R "\",\"" R "\",\"" R R R "\",1e5,\"" R "\"]" },
        { "{\"\xc0\x80\":{\"\\udfff\":1}}", "{\"" R R "\":{\"" R "\":1}}" },
        { "{\"\xf0\x9f\x98\":\"\xf4\x90\x80\x80\"}",
          "{\"" R "\":\"" R R R R "\"}" },
        { " \"\xe2\x82\\n\" ", "\"" R "\\n\"" }
    };

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {

        (void) ngx_av_buf_init(&b, ngx_av_test_pool, i % 2);
        (void) ngx_av_buf_append(&b, "> ", 2);
        ngx_av_test_style(&style, 1000, 10);

        rc = ngx_av_test_rewrite(&b, pairs[i].text, strlen(pairs[i].text),
                                 &style);

        if (rc != NGX_OK || style.cut) {
            ok(0, "%s: rc %d", pairs[i].text, (int) rc);
            continue;
        }

        is_text(b.start + 2, ngx_av_buf_len(&b) - 2,
                pairs[i].written ? pairs[i].written : pairs[i].text,
                "document %lu is written well", (unsigned long) i);
    }
}


static void
ngx_av_test_long_numbers(void)
{
    char                  text[602];
    ngx_av_buf_t          b;
    ngx_av_json_style_t   style;

    memset(text, '7', sizeof(text));

    ngx_av_test_style(&style, 1000, 1);
    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
    (void) ngx_av_test_rewrite(&b, text, 400, &style);
    ok(ngx_av_buf_len(&b) == 400 && ngx_memcmp(b.start, text, 400) == 0,
       "400 digits are a number");

    b.last = b.start;
    (void) ngx_av_test_rewrite(&b, text, 500, &style);
    ok(ngx_av_buf_len(&b) == 502
       && b.start[0] == '"'
       && ngx_memcmp(&b.start[1], text, 500) == 0
       && b.start[501] == '"',
       "500 digits are a string");

    b.last = b.start;
    (void) ngx_av_test_rewrite(&b, text, 401, &style);
    is(ngx_av_buf_len(&b), 403, "and 401 are");

    ngx_av_test_style(&style, 4, 1);
    b.last = b.start;
    (void) ngx_av_test_rewrite(&b, text, 500, &style);
    is_text(b.start, ngx_av_buf_len(&b), "\"7777\"", "cut like any");
    is(style.cut, 500, "and told so");
}


static void
ngx_av_test_cuts(void)
{
    u_char               *big;
    size_t                i, n;
    ngx_av_buf_t          b;
    ngx_av_json_style_t   style;

    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
    ngx_av_test_style(&style, 4, 3);

    is(ngx_av_test_text(&b, "[\"abcd\",\"abcde\",\"abc€\",\"😀😀\"]",
                        &style),
       NGX_OK, "strings about a limit");
    is_text(b.start, ngx_av_buf_len(&b),
            "[\"abcd\",\"abcd\",\"abc\",\"😀\"]", "cut between characters");
    is(style.cut, 8, "the longest is told");

    b.last = b.start;
    (void) ngx_av_test_text(&b, "\"abcde\"", &style);
    is(style.cut, 8, "a shorter one does not lower it");

    b.last = b.start;
    (void) ngx_av_test_text(&b, "{\"abcde\":1,\"abcdf\":{\"longer key\":2}}",
                            &style);
    is_text(b.start, ngx_av_buf_len(&b),
            "{\"abcd\":1,\"abcd\":{\"long\":2}}", "keys are cut");
    is(style.cut, 10, "and told");

    ngx_av_test_style(&style, 4, 3);
    b.last = b.start;
    (void) ngx_av_test_text(&b, "\"\\u0000a\\u0000b\\u0000cd\\u0000\"", &style);
    is_text(b.start, ngx_av_buf_len(&b), "\"abcd\"",
            "NULs do not count for the limit");
    is(style.cut, 0, "that is no cut");

    b.last = b.start;
    (void) ngx_av_test_text(&b, "\"\\u0000a\\u0000b\\u0000c😀\\u0000\"", &style);
    is_text(b.start, ngx_av_buf_len(&b), "\"abc\"", "a cut among NULs");
    is(style.cut, 7, "which do not count either");

    ngx_av_test_style(&style, 0, 3);
    b.last = b.start;
    (void) ngx_av_test_text(&b, "[\"\",\"€\",\"\\u0000\"]", &style);
    is_text(b.start, ngx_av_buf_len(&b), "[\"\",\"\",\"\"]", "a limit of 0");
    is(style.cut, 3, "with something cut");

    n = 3000002;

    big = malloc(n);
    if (big == NULL) {
        abort();
    }

    big[0] = '"';
    big[n - 1] = '"';

    for (i = 1; i < n - 1; i += 3) {
        ngx_memcpy(&big[i], "€", 3);
    }

    ngx_av_test_style(&style, 1000000, 1);
    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
    is(ngx_av_test_rewrite(&b, big, n, &style), NGX_OK, "a huge string");
    ok(ngx_av_buf_len(&b) == 999999 + 2
       && ngx_memcmp(b.start, big, 1000000) == 0
       && b.start[1000000] == '"',
       "cut within a character");
    is(style.cut, 3000000, "from its size");

    free(big);
}


/* n levels of arrays, or of objects whose key is a, or of both in turn. */
static u_char *
ngx_av_test_nest(size_t n, ngx_uint_t arrays, size_t *len)
{
    size_t   i;
    u_char  *text, *p;

    text = malloc(6 * n + 1);
    if (text == NULL) {
        abort();
    }

    p = text;

    for (i = 0; i < n; i++) {
        if (arrays == 1 || (arrays == 2 && i % 2)) {
            *p++ = '[';

        } else {
            p = ngx_cpymem(p, "{\"a\":", i + 1 < n ? 5 : 1);
        }
    }

    for (i = n; i > 0; i--) {
        *p++ = (arrays == 1 || (arrays == 2 && (i - 1) % 2)) ? ']' : '}';
    }

    *len = p - text;

    return text;
}


static void
ngx_av_test_depth(void)
{
    size_t                len;
    u_char               *text;
    ngx_uint_t            depth, kind, bad;
    ngx_av_buf_t          b;
    ngx_av_json_style_t   style;

    bad = 0;

    for (kind = 0; kind < 3; kind++) {
        for (depth = 1; depth < 300; depth++) {
            text = ngx_av_test_nest(depth, kind, &len);

            (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
            ngx_av_test_style(&style, 10, depth);
            bad += (ngx_av_test_rewrite(&b, text, len, &style) != NGX_OK
                    || ngx_av_buf_len(&b) != len
                    || ngx_memcmp(b.start, text, len) != 0);

            b.last = b.start + depth % 2;
            style.depth = depth - 1;
            bad += (ngx_av_test_rewrite(&b, text, len, &style)
                    != NGX_DECLINED
                    || ngx_av_buf_len(&b) != depth % 2
                    || ngx_memcmp(b.start, text, depth % 2) != 0);

            free(text);
        }
    }

    is(bad, 0, "as deep as allowed, and one level deeper");

    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
    ngx_av_test_style(&style, 10, 0);
    is(ngx_av_test_text(&b, "\"a\"", &style), NGX_OK,
       "a depth of 0 allows scalars");
    is(ngx_av_test_text(&b, "[]", &style), NGX_DECLINED,
       "but not an empty array");
    is(ngx_av_test_text(&b, "{}", &style), NGX_DECLINED,
       "nor an empty object");

    style.depth = 2;
    is(ngx_av_test_text(&b, "[[1],[2],{\"a\":[3]}]", &style),
       NGX_DECLINED, "too deep at the end");
    is_text(b.start, ngx_av_buf_len(&b), "\"a\"", "what was there stays");
}


static void
ngx_av_test_very_deep(void)
{
    size_t                len;
    u_char               *text;
    ngx_int_t             rc;
    ngx_av_buf_t          b;
    ngx_av_json_t         json;
    ngx_av_json_style_t   style;

    text = ngx_av_test_nest(NGX_AV_TEST_DEEP, 1, &len);

    rc = ngx_av_json_parse(&json, text, NGX_AV_TEST_DEEP, NGX_AV_TEST_MEMORY);
    is(rc, NGX_DECLINED, "2000000 arrays not closed");
    is(json.offset, NGX_AV_TEST_DEEP, "the end is missed");
    ngx_av_json_free(&json);

    rc = ngx_av_json_parse(&json, text, NGX_AV_TEST_DEEP, 1000000);
    is(rc, NGX_ABORT, "nor may they take that much memory");
    ngx_av_json_free(&json);

    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
    ngx_av_test_style(&style, 10, 100);
    is(ngx_av_test_rewrite(&b, text, len, &style), NGX_DECLINED,
       "2000000 arrays closed are read, but not written");
    is(ngx_av_buf_len(&b), 0, "not even in part");

    free(text);

    text = ngx_av_test_nest(NGX_AV_TEST_DEEP, 0, &len);
    is(ngx_av_test_rewrite(&b, text, len, &style), NGX_DECLINED,
       "nor are as many objects");
    free(text);
}


/* What a document cannot do without: its values and its text. */
static size_t
ngx_av_test_memory_least(ngx_av_json_t *json)
{
    return yyjson_doc_get_val_count(json->doc) * sizeof(yyjson_val)
           + yyjson_doc_get_read_size(json->doc) + YYJSON_PADDING_SIZE;
}


static void
ngx_av_test_memory_one(const char *text, const char *name)
{
    size_t          limit, least;
    ngx_int_t       rc;
    ngx_uint_t      n, bad;
    ngx_av_json_t   json;

    bad = 0;
    least = 0;

    for (limit = 0; limit < 10000; limit += 1 + limit / 200) {
        rc = ngx_av_test_parse(&json, text, strlen(text), limit);

        if (rc == NGX_OK && least == 0) {
            least = limit;
            bad += (least < ngx_av_test_memory_least(&json));
        }

        bad += (rc != (least ? NGX_OK : NGX_ABORT));
        bad += (rc != NGX_OK && (json.doc || json.root || json.error.len));

        ngx_av_json_free(&json);
    }

    is(bad, 0, "%s: aborted below some limit, taken above", name);
    ok(least > strlen(text) && least < 40 * strlen(text),
       "%s: which is %lu for %lu bytes", name, (unsigned long) least,
       (unsigned long) strlen(text));

    rc = NGX_ERROR;
    bad = 0;

    for (n = 0; n < 100 && rc != NGX_OK; n++) {
        ngx_av_stub_fail_after(n);
        rc = ngx_av_json_parse(&json, (u_char *) text, strlen(text),
                               NGX_AV_TEST_MEMORY);
        ngx_av_stub_fail_never();

        bad += (rc != NGX_OK && (rc != NGX_ERROR || json.error.len));
        ngx_av_json_free(&json);
    }

    is(bad, 0, "%s: real lack of memory is an error", name);
    ok(rc == NGX_OK && n >= 3 && n < 20, "%s: at each of %lu allocations",
       name, (unsigned long) n - 1);
}


static void
ngx_av_test_memory(void)
{
    char                  many[400];
    ngx_int_t             rc;
    ngx_uint_t            n, bad;
    ngx_av_buf_t          b;
    ngx_av_json_t         json;
    ngx_av_json_style_t   style;

    static const char  text[] =
        "[1,2,3,[],{},[],{},[],{},[],{},[],{},[],{},\"abc\\n\\n\\n\\n\","
        "{\"a\":1,\"b\":[true,false,null]},1e500]";

    ngx_av_test_memory_one(text, "dense");
    ngx_av_test_memory_one("[ 1, 2, \"a string\", {\"a\": 1} ]", "sparse");
    ngx_av_test_memory_one("[\"\xff\", [], [], [], [], [], [], []]", "damaged");

    ngx_memset(many, ',', sizeof(many));

    for (n = 1; n < sizeof(many); n += 2) {
        many[n] = '0';
    }

    many[0] = '[';
    ngx_memcpy(&many[sizeof(many) - 2], "]", 2);
    ngx_av_test_memory_one(many, "many");

    ngx_memset(many, 0xff, sizeof(many));
    many[0] = '"';
    ngx_memcpy(&many[sizeof(many) - 2], "\"", 2);
    ngx_av_test_memory_one(many, "swelling");

    (void) ngx_av_test_parse(&json, text, sizeof(text) - 1,
                             NGX_AV_TEST_MEMORY);
    ngx_av_test_style(&style, 10, 3);

    rc = NGX_ERROR;
    bad = 0;

    for (n = 0; n < 100 && rc != NGX_OK; n++) {
        (void) ngx_av_buf_init(&b, ngx_av_test_pool, 1);

        ngx_av_stub_fail_after(n);
        rc = ngx_av_json_write(&b, json.root, &style);
        ngx_av_stub_fail_never();

        bad += (rc != NGX_OK && rc != NGX_ERROR);
    }

    is(bad, 0, "writing without memory is an error");
    ok(rc == NGX_OK && n > 2, "at each of %lu allocations",
       (unsigned long) n - 1);

    ngx_av_json_free(&json);
}


/*
 * Every code point as text of a string: what is written must be read by the
 * parser as what it was.
 */
static void
ngx_av_test_code_points(void)
{
    char            text[64];
    size_t          n;
    ngx_uint_t      c, bad;
    ngx_av_buf_t    b;
    ngx_av_json_t   json;

    bad = 0;
    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 64);

    for (c = 0; c < 0x110000; c += (c < 0x10000) ? 1 : 37) {

        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }

        n = (c < 0x10000)
            ? sprintf(text, "\"a\\u%04xz\"", (unsigned) c)
            : sprintf(text, "\"a\\u%04x\\u%04Xz\"",
                      (unsigned) (0xd800 + ((c - 0x10000) >> 10)),
                      (unsigned) (0xdc00 + ((c - 0x10000) & 0x3ff)));

        if (ngx_av_json_parse(&json, (u_char *) text, n, 10000) != NGX_OK) {
            bad++;
            ngx_av_json_free(&json);
            continue;
        }

        n = yyjson_get_len(json.root);
        ngx_memcpy(text, yyjson_get_str(json.root), n);
        ngx_av_json_free(&json);

        b.last = b.start;
        bad += (ngx_av_json_write_string(&b, (u_char *) text, n) != NGX_OK);

        if (ngx_av_json_parse(&json, b.start, ngx_av_buf_len(&b), 10000)
            != NGX_OK
            || json.repaired)
        {
            bad++;

        } else if (c == 0) {
            bad += (!yyjson_equals_strn(json.root, "az", 2));

        } else {
            bad += (!yyjson_equals_strn(json.root, text, n));
        }

        ngx_av_json_free(&json);
    }

    is(bad, 0, "code points, written and read again");

    b.last = b.start;
    is(ngx_av_json_write_string(&b, (u_char *) "", 0), NGX_OK, "no text");
    is(ngx_av_json_write_string(&b, (u_char *) "\"\\\0\n", 4), NGX_OK,
       "nothing but escapes");
    is_text(b.start, ngx_av_buf_len(&b), "\"\"\"\\\"\\\\\\n\"", "one by one");

    is(ngx_av_json_write_string(&b, (u_char *) "", (size_t) -1), NGX_ERROR,
       "a length out of all reason");
}


/* Escapes in buffers of every size about theirs. */
static void
ngx_av_test_escapes(void)
{
    char          expected[200];
    u_char        text[20];
    size_t        len, n, size;
    ngx_uint_t    i, bad;
    ngx_av_buf_t  b;

    static const char  *escapes[] = {
        "a", "\\n", "\\\"", "\\u0001", "\\u001f", ""
    };
    static const u_char  chars[] = { 'a', '\n', '"', 1, 0x1f, 0 };

    bad = 0;

    for (size = 0; size < 80; size++) {
        for (i = 0; i < 30; i++) {
            n = sprintf(expected, "\"");

            for (len = 0; len < size % 20; len++) {
                text[len] = chars[ngx_av_stub_random() % 6];
                n += sprintf(expected + n, "%s",
                             escapes[strchr((char *) chars, text[len])
                                     - (char *) chars]);
            }

            n += sprintf(expected + n, "\"");

            (void) ngx_av_buf_init(&b, ngx_av_test_pool, size);
            bad += (ngx_av_json_write_string(&b, text, len) != NGX_OK
                    || ngx_av_buf_len(&b) != n
                    || ngx_memcmp(b.start, expected, n) != 0);
        }
    }

    is(bad, 0, "random escapes into buffers of many sizes");
}


/* Each special character at each place of texts of all lengths. */
static void
ngx_av_test_plain(void)
{
    u_char         text[70], copy[sizeof(text) + 3];
    size_t         len, at;
    ngx_uint_t     i, bad;
    const u_char  *end;

    static const u_char  chars[] = { 0, 1, 0x1f, '"', '\\', 0x80, 0xff };

    bad = 0;

    for (len = 0; len <= sizeof(text); len++) {
        for (at = 0; at < len; at++) {

            /* next to what is special in each way */
            text[at] = (u_char) " !#[]~\x7f"[at % 7];
        }

        copy[len + 2] = '.';

        end = ngx_av_json_put_plain(copy, text, len);

        bad += (end != copy + len + 2 || *end != '.' || copy[0] != '"'
                || end[-1] != '"' || ngx_memcmp(copy + 1, text, len) != 0);

        for (at = 0; at < len; at++) {
            for (i = 0; i < sizeof(chars); i++) {
                text[at] = chars[i];
                bad += (ngx_av_json_put_plain(copy, text, len) != NULL);
            }

            text[at] = 'a';
        }
    }

    is(bad, 0, "plain text, and what is none for one character");
}


/* A document as it is to be written, and the same with blanks. */
typedef struct {
    char    *text;
    char    *spaced;
    size_t   len;
    size_t   spaced_len;
} ngx_av_test_document_t;


static void
ngx_av_test_put(ngx_av_test_document_t *d, const char *s)
{
    ngx_uint_t  n;

    static const char  *blanks[] = { "", " ", "\n\t", "\r\n  " };

    n = ngx_av_stub_random() % 16;

    d->len += sprintf(d->text + d->len, "%s", s);
    d->spaced_len += sprintf(d->spaced + d->spaced_len, "%s%s%s",
                             blanks[n % 4], s, blanks[n / 4]);
}


static void
ngx_av_test_put_string(ngx_av_test_document_t *d)
{
    char        s[128];
    size_t      len;
    ngx_uint_t  n;

    static const char  *parts[] = {
        "a", "bcd", "é", "😀", "\\n", "\\\"", "\\\\", "\\u001f", "/", "\x7f",
        "some longer text"
    };

    len = sprintf(s, "\"");

    for (n = ngx_av_stub_random() % 6; n > 0; n--) {
        len += sprintf(s + len, "%s", parts[ngx_av_stub_random() % 11]);
    }

    sprintf(s + len, "\"");
    ngx_av_test_put(d, s);
}


static void
ngx_av_test_make(ngx_av_test_document_t *d, ngx_uint_t depth)
{
    ngx_uint_t  n, kind, object;

    static const char  *scalars[] = {
        "null", "true", "false", "0", "-1", "1.50", "1e-7", "-0.0E+3",
        "12345678901234567890123"
    };

    kind = ngx_av_stub_random() % (depth ? 4 : 2);

    if (kind == 0) {
        ngx_av_test_put(d, scalars[ngx_av_stub_random() % 9]);
        return;
    }

    if (kind == 1) {
        ngx_av_test_put_string(d);
        return;
    }

    object = (kind == 2);
    ngx_av_test_put(d, object ? "{" : "[");

    for (n = ngx_av_stub_random() % 5; n > 0; n--) {

        if (object) {
            ngx_av_test_put_string(d);
            ngx_av_test_put(d, ":");
        }

        ngx_av_test_make(d, depth - 1);

        if (n > 1) {
            ngx_av_test_put(d, ",");
        }
    }

    ngx_av_test_put(d, object ? "}" : "]");
}


static void
ngx_av_test_round_trips(void)
{
    ngx_uint_t              i, bad, large;
    ngx_av_buf_t            b;
    ngx_av_json_style_t     style;
    ngx_av_test_document_t  d;

    d.text = malloc(1 << 20);
    d.spaced = malloc(1 << 20);

    if (d.text == NULL || d.spaced == NULL) {
        abort();
    }

    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);
    ngx_av_test_style(&style, 1000, 7);

    bad = 0;
    large = 0;

    for (i = 0; i < 20000; i++) {
        d.len = 0;
        d.spaced_len = 0;
        ngx_av_test_make(&d, i % 8);

        b.last = b.start;

        if (ngx_av_test_rewrite(&b, d.spaced, d.spaced_len, &style) != NGX_OK
            || ngx_av_buf_len(&b) != d.len
            || ngx_memcmp(b.start, d.text, d.len) != 0)
        {
            ngx_av_tap_diag("%.*s", (int) d.len, d.text);
            bad++;
        }

        large += (d.len > 200);
    }

    is(bad, 0, "random documents, blanks removed");
    ok(large > 500, "of which %lu are large", (unsigned long) large);

    free(d.text);
    free(d.spaced);
}


/* Whatever is taken must be written as what is taken again, unchanged. */
static void
ngx_av_test_damage(void)
{
    size_t                  len;
    ngx_int_t               rc;
    ngx_uint_t              i, bad, taken;
    ngx_av_buf_t            first, second;
    ngx_av_json_t           json;
    ngx_av_json_style_t     style;
    ngx_av_test_document_t  d;

    d.text = malloc(1 << 20);
    d.spaced = malloc(1 << 20);

    if (d.text == NULL || d.spaced == NULL) {
        abort();
    }

    (void) ngx_av_buf_init(&first, ngx_av_test_pool, 0);
    (void) ngx_av_buf_init(&second, ngx_av_test_pool, 0);
    ngx_av_test_style(&style, 20, 5);

    bad = 0;
    taken = 0;

    for (i = 0; i < 50000; i++) {

        if (i % 5 == 0) {
            d.len = 0;
            d.spaced_len = 0;
            ngx_av_test_make(&d, 4);
        }

        d.spaced[ngx_av_stub_random() % d.spaced_len] =
                                                  (char) ngx_av_stub_random();
        len = (i % 2) ? d.spaced_len
                      : 1 + ngx_av_stub_random() % d.spaced_len;

        rc = ngx_av_test_parse(&json, d.spaced, len, NGX_AV_TEST_MEMORY);

        first.last = first.start;
        second.last = second.start;

        if (rc == NGX_OK) {
            taken++;
            bad += (ngx_av_json_write(&first, json.root, &style) != NGX_OK);
            bad += (ngx_av_test_rewrite(&second, first.start,
                                        ngx_av_buf_len(&first), &style)
                    != NGX_OK);
            bad += (ngx_av_buf_len(&first) != ngx_av_buf_len(&second)
                    || ngx_memcmp(first.start, second.start,
                                  ngx_av_buf_len(&first)) != 0);

        } else {
            bad += (rc != NGX_DECLINED || json.error.len == 0
                    || json.offset > 3 * len);
        }

        ngx_av_json_free(&json);
    }

    is(bad, 0, "random damage");
    ok(taken > 1000 && taken < 40000, "of which %lu are still JSON",
       (unsigned long) taken);

    free(d.text);
    free(d.spaced);
}


static void
ngx_av_test_int64_table(void)
{
    u_char      *copy;
    size_t       len;
    int64_t      n;
    ngx_int_t    rc;
    ngx_uint_t   i;

    static const ngx_av_test_int64_t  cases[] = {
        { "0", NGX_OK, 0 },
        { "-0", NGX_OK, 0 },
        { "-0.000e99999999999999999999", NGX_OK, 0 },
        { "0e-5", NGX_OK, 0 },
        { "1", NGX_OK, 1 },
        { "-1", NGX_OK, -1 },
        { "5.0", NGX_OK, 5 },
        { "5.000000000000000000000000000000000", NGX_OK, 5 },
        { "1e3", NGX_OK, 1000 },
        { "1.5e1", NGX_OK, 15 },
        { "150e-1", NGX_OK, 15 },
        { "1000000000000000000000000000000e-30", NGX_OK, 1 },
        { "0.000000000000000000000000000001e30", NGX_OK, 1 },
        { "1772366400123456789", NGX_OK, 1772366400123456789 },
        { "9223372036854775807", NGX_OK, INT64_MAX },
        { "9223372036854775807.00", NGX_OK, INT64_MAX },
        { "922337203685477580.7e1", NGX_OK, INT64_MAX },
        { "92233720368547758070e-1", NGX_OK, INT64_MAX },
        { "-9223372036854775808", NGX_OK, INT64_MIN },
        { "-9.223372036854775808e18", NGX_OK, INT64_MIN },
        { "1e18", NGX_OK, 1000000000000000000 },

        { "9223372036854775808", NGX_DECLINED, 0 },
        { "-9223372036854775809", NGX_DECLINED, 0 },
        { "18446744073709551615", NGX_DECLINED, 0 },
        { "18446744073709551616", NGX_DECLINED, 0 },
        { "18446744073709551617", NGX_DECLINED, 0 },
        { "36893488147419103233", NGX_DECLINED, 0 },
        { "1e19", NGX_DECLINED, 0 },
        { "1e400", NGX_DECLINED, 0 },
        { "1e131071", NGX_DECLINED, 0 },
        { "1e99999999999999999999", NGX_DECLINED, 0 },
        { "1e-99999999999999999999", NGX_DECLINED, 0 },
        { "1.5", NGX_DECLINED, 0 },
        { "15e-1", NGX_DECLINED, 0 },
        { "1e-1", NGX_DECLINED, 0 },
        { "0.0000000000000000000000000000001", NGX_DECLINED, 0 },
        { "1.0000000000000000000000000000001", NGX_DECLINED, 0 },
        { "9223372036854775807.5", NGX_DECLINED, 0 },
        { "", NGX_DECLINED, 0 },
        { "-", NGX_DECLINED, 0 },
        { "abc", NGX_DECLINED, 0 },
        { "1 ", NGX_DECLINED, 0 },
        { " 1", NGX_DECLINED, 0 },
        { "0x10", NGX_DECLINED, 0 },
        { "1e", NGX_DECLINED, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].text);
        copy = ngx_av_stub_copy(cases[i].text, len);

        n = 0;
        rc = ngx_av_json_int64(copy, len, &n);
        free(copy);

        ok(rc == cases[i].rc && n == cases[i].n, "\"%s\" as an integer: %lld",
           cases[i].text, (long long) n);
    }
}


/* Integers times a power of ten, their point moved anywhere. */
static void
ngx_av_test_int64_random(void)
{
    int         power, point, len, zeros, k;
    char        digits[64], text[128];
    int64_t     value, n;
    uint64_t    size;
    __int128    expected;
    ngx_int_t   rc;
    ngx_uint_t  i, bad, taken;

    bad = 0;
    taken = 0;

    for (i = 0; i < 100000; i++) {
        value = (int64_t) ngx_av_stub_random() >> ngx_av_stub_random() % 64;
        value -= (i % 3) ? 0 : value % 1000;
        size = (value < 0) ? -(uint64_t) value : (uint64_t) value;

        zeros = ngx_av_stub_random() % 10;
        power = (i % 2) ? 0 : (int) (ngx_av_stub_random() % 9) - 4;

        len = sprintf(digits, "%llu%.*s", (unsigned long long) size, zeros,
                      "0000000000");
        point = 1 + ngx_av_stub_random() % len;

        sprintf(text, "%s%.*s%s%s%c%d", (value < 0) ? "-" : "", point, digits,
                (point < len) ? "." : "", &digits[point],
                (i % 5) ? 'e' : 'E', len - point - zeros + power);

        rc = ngx_av_json_int64((u_char *) text, strlen(text), &n);
        expected = value;

        for (k = power; k > 0; k--) {
            expected *= 10;
        }

        for (k = power; k < 0 && expected % 10 == 0; k++) {
            expected /= 10;
        }

        if ((k < 0 && expected != 0)
            || expected < INT64_MIN || expected > INT64_MAX)
        {
            bad += (rc != NGX_DECLINED);
            continue;
        }

        taken++;

        if (rc != NGX_OK || n != expected) {
            ngx_av_tap_diag("%s: %lld", text, (long long) n);
            bad++;
        }
    }

    is(bad, 0, "random integers in random forms");
    ok(taken > 50000 && taken < 90000, "of which %lu fit",
       (unsigned long) taken);
}


static void
ngx_av_test_bytes(void)
{
    ngx_int_t      rc;
    ngx_uint_t     i, bad;
    ngx_av_buf_t   b;

    static ngx_str_t  text = ngx_string("\xff\"\0a\xe2\x82");

    (void) ngx_av_buf_init(&b, ngx_av_test_pool, 0);

    is(ngx_av_json_write_bytes(&b, text.data, text.len), NGX_OK,
       "bytes of unknown encoding");
    is_text(b.start, ngx_av_buf_len(&b), "\"" R "\\\"a" R "\"",
            "are repaired and escaped");

    b.last = b.start;
    (void) ngx_av_json_write_bytes(&b, (u_char *) "\xc3\xa9", 2);
    is_text(b.start, ngx_av_buf_len(&b), "\"\xc3\xa9\"", "if need be");

    bad = 0;

    for (i = 0; i < 10; i++) {
        (void) ngx_av_buf_init(&b, ngx_av_test_pool, 1);
        ngx_av_stub_fail_after(i);
        rc = ngx_av_json_write_bytes(&b, text.data, text.len);
        ngx_av_stub_fail_never();

        if (rc == NGX_OK) {
            break;
        }

        bad += (rc != NGX_ERROR);
    }

    ok(bad == 0 && i > 0 && i < 10, "without memory it is an error");
}


static void
ngx_av_test_unsigned(void)
{
    size_t       i;
    uint64_t     n;
    ngx_int_t    rc;

    static const struct {
        const char  *text;
        ngx_int_t    rc;
        uint64_t     n;
    } tests[] = {
        { "0", NGX_OK, 0 },
        { "-0", NGX_OK, 0 },
        { "-0.0e5", NGX_OK, 0 },
        { "18446744073709551615", NGX_OK, UINT64_MAX },
        { "1844674407370955161500e-2", NGX_OK, UINT64_MAX },
        { "9223372036854775808", NGX_OK, (uint64_t) INT64_MAX + 1 },
        { "1e19", NGX_OK, 10000000000000000000ull },
        { "18446744073709551616", NGX_DECLINED, 0 },
        { "1e20", NGX_DECLINED, 0 },
        { "-1", NGX_DECLINED, 0 },
        { "0.5", NGX_DECLINED, 0 },
        { "", NGX_DECLINED, 0 },
        { "x", NGX_DECLINED, 0 }
    };

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        n = 0;
        rc = ngx_av_json_uint64((u_char *) tests[i].text,
                                strlen(tests[i].text), &n);
        is(rc, tests[i].rc, "unsigned %s", tests[i].text);
        ok(n == tests[i].n, "unsigned %s: its value", tests[i].text);
    }
}


int
main(void)
{
    ngx_av_test_pool = ngx_create_pool(1024, NULL);
    if (ngx_av_test_pool == NULL) {
        return 1;
    }

    ngx_av_test_errors();
    ngx_av_test_pairs();
    ngx_av_test_long_numbers();
    ngx_av_test_cuts();
    ngx_av_test_depth();
    ngx_av_test_very_deep();
    ngx_av_test_memory();
    ngx_av_test_code_points();
    ngx_av_test_escapes();
    ngx_av_test_plain();
    ngx_av_test_round_trips();
    ngx_av_test_damage();
    ngx_av_test_int64_table();
    ngx_av_test_int64_random();

    ngx_av_test_bytes();
    ngx_av_test_unsigned();

    ngx_destroy_pool(ngx_av_test_pool);

    return ngx_av_tap_done();
}
