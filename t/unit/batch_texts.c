/* Texts over their limits (points: cut, noted, neighbours kept). */

#include "ngx_av_batch_check.h"
#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


#define TEXTS_HEAD                                                            \
    "\"trace_id\":\"11111111-1111-4111-8111-111111111111\","                  \
    "\"agent\":\"a\",\"started_at\":\"2026-10-23T12:00:00Z\""

#define TEXTS_SPAN                                                            \
    "\"span_id\":\"aaaaaaaa-0000-4000-8000-000000000001\","                   \
    "\"started_at\":\"2026-10-23T12:00:00Z\",\"name\":\"n\""

#define A8    "aaaaaaaa"
#define A16   A8 A8
#define A32   A16 A16
#define A64   A32 A32

#define COUNT(a)  (sizeof(a) / sizeof(a[0]))


typedef struct {
    size_t       attribute_limit;
    size_t       span_limit;
    const char  *json;
    ngx_uint_t   column;
    const char  *expected;
    const char  *truncated;
} texts_case_t;


static ngx_av_batch_limits_t  limits;
static ngx_int_t              decoded;


static ngx_av_batch_t *
texts_decode(const char *body, size_t len)
{
    u_char                *copy;
    ngx_str_t              detail;
    const char            *error;
    ngx_av_uuid_t          account;
    ngx_av_batch_t        *batch;
    static ngx_av_time_t   now = 1792756800 * NGX_AV_TIME_SECOND;

    limits.depth = 8;
    limits.memory_limit = 1024 * 1024 * 1024;
    limits.earliest = now - NGX_AV_TIME_DAY;
    limits.latest = now + NGX_AV_TIME_DAY;

    ngx_memzero(&account, sizeof(ngx_av_uuid_t));

    batch = ngx_av_batch_create(NGX_AV_BATCH_TRACES, &account, NULL);
    if (batch == NULL) {
        abort();
    }

    copy = ngx_av_stub_copy(body, len);
    decoded = ngx_av_batch_decode(batch, copy, len, &limits, now, &detail);
    free(copy);

    error = (decoded == NGX_OK) ? ngx_av_batch_check(batch, &limits) : NULL;

    if (error) {
        ok(0, "the batch is sound: %s", error);
    }

    return batch;
}


static const texts_case_t  texts_span_cases[] = {

    /* text: the limit itself, one more, characters, NULs */

    { 16, 64, "\"name\":\"" A16 "\"", NGX_AV_SPAN_NAME, A16, "NULL" },
    { 16, 64, "\"name\":\"" A16 "b\"", NGX_AV_SPAN_NAME, A16,
      "{\"name\":17}" },
    { 16, 64, "\"name\":\"aaaaaaaaaaaaaaa\xc3\xbc\"", NGX_AV_SPAN_NAME,
      "aaaaaaaaaaaaaaa", "{\"name\":17}" },
    { 16, 64, "\"name\":\"aaaaaaaaaaaaa\xf0\x9f\x98\x80\"", NGX_AV_SPAN_NAME,
      "aaaaaaaaaaaaa", "{\"name\":17}" },
    { 16, 64, "\"name\":\"\\u0000" A8 "\\u0000" A8 "\\u0000\"",
      NGX_AV_SPAN_NAME, A16, "NULL" },
    { 16, 64, "\"name\":\"\\u0000" A8 "\\u0000" A8 "b\\u0000\"",
      NGX_AV_SPAN_NAME, A16, "{\"name\":17}" },
    { 16, 64, "\"model\":\"" A32 "\"", NGX_AV_SPAN_MODEL, A16,
      "{\"model\":32}" },
    { 16, 64, "\"error_message\":\"" A64 "\",\"model\":\"" A32 "\"",
      NGX_AV_SPAN_ERROR_MESSAGE, A16, "{\"model\":32,\"error_message\":64}" },

    /* all texts together: later ones get what is left */

    { 16, 24, "\"name\":\"" A16 "\",\"model\":\"" A16 "\"", NGX_AV_SPAN_MODEL,
      A8, "{\"model\":16}" },
    { 16, 16, "\"name\":\"" A16 "\",\"model\":\"" A16 "\"", NGX_AV_SPAN_MODEL,
      "", "{\"model\":16}" },
    { 16, 16, "\"name\":\"" A16 "\",\"input\":\"x\"", NGX_AV_SPAN_INPUT,
      "\"\"", "{\"input\":1}" },
    { 16, 16, "\"name\":\"" A16 "\",\"input\":[7]", NGX_AV_SPAN_INPUT,
      "\"\"", "{\"input\":3}" },
    { 16, 16, "\"name\":\"" A16 "\",\"input\":false", NGX_AV_SPAN_INPUT,
      "\"\"", "{\"input\":5}" },
    { 16, 16, "\"name\":\"" A16 "\",\"metadata\":{\"a\":1}",
      NGX_AV_SPAN_METADATA, "{}", "{\"metadata\":7}" },
    { 16, 16, "\"name\":\"" A16 "\",\"metadata\":{}",
      NGX_AV_SPAN_METADATA, "{}", "NULL" },
    { 16, 16, "\"name\":\"" A16 "\",\"type\":\"odd\"",
      NGX_AV_SPAN_METADATA, "{}", "{\"metadata\":5}" },

    /* strings in JSON: what is counted is the text with its escapes */

    { 16, 64, "\"input\":\"" A16 "\"", NGX_AV_SPAN_INPUT, "\"" A16 "\"",
      "NULL" },
    { 16, 64, "\"input\":\"" A16 "b\"", NGX_AV_SPAN_INPUT, "\"" A16 "\"",
      "{\"input\":17}" },
    { 64, 17, "\"output\":\"" A32 "\"", NGX_AV_SPAN_OUTPUT, "\"" A16 "\"",
      "{\"output\":32}" },
    { 64, 17, "\"output\":\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"",
      NGX_AV_SPAN_OUTPUT, "\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"",
      "{\"output\":9}" },
    { 64, 18, "\"output\":\"\\u0001\\u0001\\u0001\"",
      NGX_AV_SPAN_OUTPUT, "\"\\u0001\\u0001\"", "{\"output\":3}" },

    /* strings inside arrays and objects are cut each by itself */

    { 8, 64, "\"input\":{\"k\":\"0123456789\",\"l\":[\"" A8 "b\",1]}",
      NGX_AV_SPAN_INPUT, "{\"k\":\"01234567\",\"l\":[\"" A8 "\",1]}",
      "{\"input\":10}" },

    /* and if that is not enough, the beginning of the text is kept */

    { 64, 21, "\"input\":[100,200,300,400,500,600]", NGX_AV_SPAN_INPUT,
      "\"[100,200,300,400,500\"", "{\"input\":25}" },
    { 64, 26, "\"input\":[100,200,300,400,500,600]", NGX_AV_SPAN_INPUT,
      "[100,200,300,400,500,600]", "NULL" },
    { 64, 21, "\"input\":[\"aaaa\",\"bbbb\",\"cccc\"]", NGX_AV_SPAN_INPUT,
      "\"[\\\"aaaa\\\",\\\"bbbb\\\",\"", "{\"input\":22}" },
    { 64, 18, "\"input\":[\"aaaa\",\"bbbb\",\"cccc\"]", NGX_AV_SPAN_INPUT,
      "\"[\\\"aaaa\\\",\\\"bbbb\"", "{\"input\":22}" },
    { 64, 13, "\"input\":[\"aaaaaaa\xc3\xbc!!!!\"]", NGX_AV_SPAN_INPUT,
      "\"[\\\"aaaaaaa\xc3\xbc\"", "{\"input\":17}" },
    { 64, 12, "\"input\":[\"aaaaaaa\xc3\xbc!!!!\"]", NGX_AV_SPAN_INPUT,
      "\"[\\\"aaaaaaa\"", "{\"input\":17}" },

    { 8, 20, "\"input\":[\"" A16 "\",\"" A16 "\",\"" A16 "\"]",
      NGX_AV_SPAN_INPUT, "\"[\\\"" A8 "\\\",\\\"aaa\"", "{\"input\":58}" },

    /* escapes alone may put it over: found after it was written */

    { 64, 16, "\"input\":[\"\\n\\n\\n\\n\\n\\n\\n\\n\"]", NGX_AV_SPAN_INPUT,
      "\"[\\\"\\\\n\\\\n\\\\n\\\\n\"", "{\"input\":20}" },

    /* members of metadata: cut, or left out */

    { 8, 64, "\"metadata\":{\"a\":\"" A8 "bb\",\"b\":1}",
      NGX_AV_SPAN_METADATA, "{\"a\":\"" A8 "\",\"b\":1}",
      "{\"metadata.a\":10}" },
    { 8, 64, "\"metadata\":{\"a\":[\"" A8 "bb\",\"" A16 "\"],\"b\":1}",
      NGX_AV_SPAN_METADATA, "{\"a\":[\"" A8 "\",\"" A8 "\"],\"b\":1}",
      "{\"metadata.a\":16}" },
    { 64, 32, "\"metadata\":{\"a\":\"" A16 "\",\"b\":\"" A16 "\",\"c\":1}",
      NGX_AV_SPAN_METADATA, "{\"a\":\"" A16 "\",\"c\":1}",
      "{\"metadata\":53}" },
    { 8, 64, "\"metadata\":{\"" A8 "\":1,\"" A8 "b\":2,\"c\":3}",
      NGX_AV_SPAN_METADATA, "{\"" A8 "\":1,\"c\":3}", "{\"metadata\":34}" },
    { 8, 32, "\"metadata\":{\"a\":\"" A16 "\",\"b\":\"" A16 "\",\"c\":1}",
      NGX_AV_SPAN_METADATA, "{\"a\":\"" A8 "\",\"b\":\"" A8 "\"}",
      "{\"metadata.a\":16,\"metadata.b\":16,\"metadata\":53}" },
    { 64, 32, "\"metadata\":{\"a\\u0000\\\"\":\"" A64 "b\"},\"model\":\"x\"",
      NGX_AV_SPAN_METADATA, "{}", "{\"metadata\":75}" },
    { 64, 80, "\"metadata\":{\"a\\u0000\\\"\":\"" A64 "b\"}",
      NGX_AV_SPAN_METADATA, "{\"a\\\"\":\"" A64 "\"}",
      "{\"metadata.a\\\"\":65}" },
    { 64, 24, "\"metadata\":{\"a\":\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\","
              "\"b\":7}",
      NGX_AV_SPAN_METADATA, "{\"b\":7}", "{\"metadata\":24}" },

    /* the type that metadata keeps is one of the members */

    { 32, 128, "\"type\":\"" A32 "b\",\"metadata\":{\"a\":1}",
      NGX_AV_SPAN_METADATA,
      "{\"agentvista.original_type\":\"" A32 "\",\"a\":1}",
      "{\"metadata.agentvista.original_type\":33}" },
    { 32, 30, "\"type\":\"odd\",\"metadata\":{\"a\":1}",
      NGX_AV_SPAN_METADATA, "{\"a\":1}", "{\"metadata\":7}" },

    /* the sender's fields are noted by their documented names */

    { 8, 64, "\"attributes\":{\"a\":\"" A16 "\"}",
      NGX_AV_SPAN_METADATA, "{\"a\":\"" A8 "\"}", "{\"metadata.a\":16}" }
};


static const texts_case_t  texts_header_cases[] = {
    { 16, 64, "\"outcome\":\"" A32 "\"", NGX_AV_TRACE_OUTCOME, A16,
      "{\"outcome\":32}" },
    { 16, 64, "\"error_message\":\"" A32 "\"", NGX_AV_TRACE_ERROR_MESSAGE, A16,
      "{\"error_message\":32}" },
    { 16, 20, "\"error_message\":\"" A32 "\",\"outcome\":\"" A16 "\"",
      NGX_AV_TRACE_ERROR_MESSAGE, "aaaa", "{\"error_message\":32}" },
    { 16, 64, "\"metadata\":{\"a\":\"" A32 "\"}", NGX_AV_TRACE_METADATA,
      "{\"a\":\"" A16 "\"}", "{\"metadata.a\":32}" },
    { 16, 64, "\"agent\":\"" A64 "\"", NGX_AV_TRACE_TRUNCATED, "NULL", "NULL" }
};


static const char *
texts_body(const char *header, const char *span)
{
    static char  *body;

    free(body);

    if (asprintf(&body, "{\"traces\":[{\"trace\":{" TEXTS_HEAD "%s%s},"
                 "\"spans\":[{" TEXTS_SPAN "%s%s}]}]}",
                 *header ? "," : "", header, *span ? "," : "", span) < 0)
    {
        abort();
    }

    return body;
}


static void
test_cases(void)
{
    ngx_uint_t           i;
    const char          *body, *got;
    ngx_av_batch_t      *batch;
    const texts_case_t  *c;

    for (i = 0; i < COUNT(texts_span_cases); i++) {
        c = &texts_span_cases[i];

        limits.attribute_limit = c->attribute_limit;
        limits.span_limit = c->span_limit;

        body = texts_body("", c->json);
        batch = texts_decode(body, strlen(body));

        if (is(batch->nrows, 1, "%s (%lu, %lu): is taken", c->json,
               c->attribute_limit, c->span_limit))
        {
            got = ngx_av_batch_span_cell(batch, 0, c->column, NULL);
            is_text((u_char *) got, strlen(got), c->expected, "text");

            got = ngx_av_batch_span_cell(batch, 0, NGX_AV_SPAN_TRUNCATED,
                                         NULL);
            is_text((u_char *) got, strlen(got), c->truncated, "truncated");
        }

        ngx_av_batch_destroy(batch);
    }

    for (i = 0; i < COUNT(texts_header_cases); i++) {
        c = &texts_header_cases[i];

        limits.attribute_limit = c->attribute_limit;
        limits.span_limit = c->span_limit;

        body = texts_body(c->json, "");
        batch = texts_decode(body, strlen(body));

        if (is(batch->parts.nelts, 1, "%s (%lu, %lu): is taken", c->json,
               c->attribute_limit, c->span_limit))
        {
            got = ngx_av_batch_trace_cell(batch, 0, c->column, NULL);
            is_text((u_char *) got, strlen(got), c->expected, "text");

            got = ngx_av_batch_trace_cell(batch, 0, NGX_AV_TRACE_TRUNCATED,
                                          NULL);
            is_text((u_char *) got, strlen(got), c->truncated, "truncated");
        }

        ngx_av_batch_destroy(batch);
    }
}


/* Each span and each header has its limit and its notes for itself. */

static void
test_neighbours(void)
{
    const char      *body, *got;
    ngx_uint_t       i;
    ngx_av_batch_t  *batch;

    static const char *const  expected[] = {
        "{\"model\":32}", "NULL", "{\"model\":64}"
    };

    limits.attribute_limit = 16;
    limits.span_limit = 17;

    body = texts_body("\"outcome\":\"" A16 "\"",
                      "\"model\":\"" A32 "\"},{" TEXTS_SPAN ",\"span_id\":"
                      "\"aaaaaaaa-0000-4000-8000-000000000002\",\"model\":\""
                      A16 "\"},{" TEXTS_SPAN ",\"span_id\":"
                      "\"aaaaaaaa-0000-4000-8000-000000000003\",\"model\":\""
                      A64 "\"");
    batch = texts_decode(body, strlen(body));

    is(batch->nrows, 3, "three spans");

    for (i = 0; i < batch->nrows; i++) {
        got = ngx_av_batch_span_cell(batch, i, NGX_AV_SPAN_MODEL, NULL);
        is_text((u_char *) got, strlen(got), A16, "three spans: model");

        got = ngx_av_batch_span_cell(batch, i, NGX_AV_SPAN_TRUNCATED, NULL);
        is_text((u_char *) got, strlen(got), expected[i],
                "three spans: truncated");
    }

    got = ngx_av_batch_trace_cell(batch, 0, NGX_AV_TRACE_TRUNCATED, NULL);
    is_text((u_char *) got, strlen(got), "NULL", "three spans: the header");

    ngx_av_batch_destroy(batch);
}


/* What is cut away is not excused from being too deep. */

static void
test_depth(void)
{
    ngx_uint_t       i;
    const char      *body;
    ngx_av_batch_t  *batch;

    static const char *const  fields[] = {
        "\"input\":[\"" A64 "\",[[[[[[[[]]]]]]]]]",
        "\"metadata\":{\"a\":\"" A64 "\",\"b\":[[[[[[[[]]]]]]]]}",
        "\"metadata\":{\"" A64 "\":[[[[[[[[]]]]]]]]}",
        "\"type\":\"odd\",\"metadata\":{\"b\":[[[[[[[[]]]]]]]]}"
    };

    limits.attribute_limit = 16;
    limits.span_limit = 20;

    for (i = 0; i < COUNT(fields); i++) {
        body = texts_body("", fields[i]);
        batch = texts_decode(body, strlen(body));

        is(batch->errors.nelts, 1, "%s: is rejected", fields[i]);

        ngx_av_batch_destroy(batch);
    }
}


/* Large ones, with the limits that are usual. */

static void
test_large(void)
{
    char            *span;
    size_t           len;
    const char      *body, *got;
    ngx_av_batch_t  *batch;

    limits.attribute_limit = 64 * 1024;
    limits.span_limit = 256 * 1024;

    span = malloc(3 * 1024 * 1024 + 100);
    len = sprintf(span, "\"input\":\"");
    ngx_memset(span + len, 'x', 1024 * 1024);
    len += 1024 * 1024;
    len += sprintf(span + len, "\",\"output\":[1");

    while (len < 3 * 1024 * 1024) {
        len += sprintf(span + len, ",1");
    }

    strcpy(span + len, "]");

    body = texts_body("", span);
    batch = texts_decode(body, strlen(body));

    is(batch->nrows, 1, "large: is taken");

    (void) ngx_av_batch_span_cell(batch, 0, NGX_AV_SPAN_INPUT, &len);
    is(len, 64 * 1024 + 2, "large: input is cut");

    (void) ngx_av_batch_span_cell(batch, 0, NGX_AV_SPAN_OUTPUT, &len);
    is(len, 192 * 1024 - 1, "large: output gets the rest");

    got = ngx_av_batch_span_cell(batch, 0, NGX_AV_SPAN_TRUNCATED, NULL);
    is_text((u_char *) got, strlen(got),
            "{\"input\":1048576,\"output\":2097133}", "large: truncated");

    ok(ngx_av_batch_size(batch) < 300 * 1024, "large: only that is kept");

    ngx_av_batch_destroy(batch);
    free(span);
}


/* A name in "truncated" is not longer than 255 bytes. */

static void
test_long_key(void)
{
    char             key[301], *span;
    const char      *body, *got, *expected;
    ngx_av_batch_t  *batch;

    ngx_memset(key, 'k', 300);
    key[300] = '\0';

    limits.attribute_limit = 310;
    limits.span_limit = 4096;

    if (asprintf(&span, "\"metadata\":{\"%s\":\"" A64 A64 A64 A64 A64 "\"}",
                 key) < 0)
    {
        abort();
    }

    body = texts_body("", span);
    free(span);

    batch = texts_decode(body, strlen(body));
    got = ngx_av_batch_span_cell(batch, 0, NGX_AV_SPAN_TRUNCATED, NULL);

    if (asprintf(&span, "{\"metadata.%.255s\":320}", key) < 0) {
        abort();
    }

    expected = span;
    is_text((u_char *) got, strlen(got), expected, "a long key in truncated");

    free(span);
    ngx_av_batch_destroy(batch);
}


/* Hostile shapes are over soon, and take no memory to speak of. */

static void
test_hostile(void)
{
    char            *body, *p;
    size_t           i, n;
    ngx_av_batch_t  *batch;

    n = 16 * 1024 * 1024;
    body = malloc(n + 1000);

    limits.attribute_limit = 64 * 1024;
    limits.span_limit = 256 * 1024;

    ngx_memset(body, '[', n);
    batch = texts_decode(body, n);
    is(decoded, NGX_DECLINED, "16 MiB of brackets");
    ngx_av_batch_destroy(batch);

    p = body + sprintf(body, "{\"traces\":[{\"trace\":{" TEXTS_HEAD
                       ",\"metadata\":");
    ngx_memset(p, '[', n / 2);
    ngx_memset(p + n / 2, ']', n / 2);
    p += n;
    p += sprintf(p, "}}]}");
    batch = texts_decode(body, p - body);
    is(batch->errors.nelts, 1, "8 million levels: rejected by its kind");
    ngx_av_batch_destroy(batch);

    p = body + sprintf(body, "{\"traces\":[{\"trace\":{" TEXTS_HEAD
                       ",\"metadata\":{\"a\":");
    ngx_memset(p, '[', n / 2);
    ngx_memset(p + n / 2, ']', n / 2);
    p += n;
    p += sprintf(p, "}}}]}");
    batch = texts_decode(body, p - body);
    is(batch->errors.nelts, 1, "8 million levels: rejected by its depth");
    ngx_av_batch_destroy(batch);

    p = body + sprintf(body, "{\"traces\":[{\"trace\":{" TEXTS_HEAD
                       ",\"metadata\":{\"a\":0");
    for (i = 0; i < 1000000; i++) {
        p += sprintf(p, ",\"%lx\":%lu", i * 2654435761 % 999983, i);
    }
    p += sprintf(p, "}}}]}");
    batch = texts_decode(body, p - body);
    is(batch->parts.nelts, 1, "a million keys: taken");
    ok(ngx_av_batch_size(batch) < 257 * 1024,
       "a million keys: as many as fit");
    ngx_av_batch_destroy(batch);

    p = body + sprintf(body, "{\"traces\":[{\"trace\":{" TEXTS_HEAD);
    for (i = 0; i < 400000; i++) {
        p += sprintf(p, ",\"outcome\":\"%06lu\"", (unsigned long) i);
    }
    p += sprintf(p, "}}]}");
    batch = texts_decode(body, p - body);
    is(batch->parts.nelts, 1, "a field 400000 times: taken");
    p = (char *) ngx_av_batch_trace_cell(batch, 0, NGX_AV_TRACE_OUTCOME, NULL);
    is_text((u_char *) p, strlen(p), "399999",
            "a field 400000 times: the last");
    ngx_av_batch_destroy(batch);

    p = body + sprintf(body, "{\"traces\":[{\"trace\":{" TEXTS_HEAD
                       ",\"outcome\":\"");
    for (i = 0; i < 2000000; i++) {
        p += sprintf(p, "\\u0000");
    }
    p += sprintf(p, "x\",\"total_cost_usd\":0.");
    for (i = 0; i < 1000000; i++) {
        *p++ = '9';
    }
    p += sprintf(p, "}}]}");
    batch = texts_decode(body, p - body);
    p = (char *) ngx_av_batch_trace_cell(batch, 0, NGX_AV_TRACE_OUTCOME, NULL);
    is_text((u_char *) p, strlen(p), "x", "two million NULs");
    p = (char *) ngx_av_batch_trace_cell(batch, 0, NGX_AV_TRACE_TOTAL_COST,
                                         NULL);
    is_text((u_char *) p, strlen(p), "1.000000000000000000",
            "a million nines are rounded");
    ngx_av_batch_destroy(batch);

    p = body + sprintf(body, "{\"traces\":[{\"trace\":{" TEXTS_HEAD
                       ",\"duration_ms\":");
    ngx_memset(p, '9', n);
    p += n;
    p += sprintf(p, "}}]}");
    batch = texts_decode(body, p - body);
    is(batch->errors.nelts, 1, "a number of 16 MiB");
    ngx_av_batch_destroy(batch);

    free(body);
}


int
main(void)
{
    test_cases();
    test_neighbours();
    test_depth();
    test_large();
    test_long_key();
    test_hostile();

    return ngx_av_tap_done();
}
