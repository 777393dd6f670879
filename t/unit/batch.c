/* Decoding POST /traces/batch: fields, errors, parts. */

#include "ngx_av_batch_check.h"
#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


#define ACCOUNT   "01020304-0000-0000-0000-000000000000"

/* UUIDv5 of the account and the name, by another implementation */
#define BOT       "support-bot"
#define BOT_ID    "057ef4f4-0177-5a42-886b-cb645f2e11c0"
#define AB_ID     "877d00e6-ef87-5e8d-8584-fbb24921025e"
#define BUERO_ID  "b8f8a440-7185-58ce-a289-dada1395be96"

#define T1        "11111111-1111-4111-8111-111111111111"
#define T2        "22222222-2222-4222-8222-222222222222"
#define T3        "33333333-3333-4333-8333-333333333333"
#define S1        "aaaaaaaa-0000-4000-8000-000000000001"
#define S2        "aaaaaaaa-0000-4000-8000-000000000002"
#define S3        "aaaaaaaa-0000-4000-8000-000000000003"
#define S4        "aaaaaaaa-0000-4000-8000-000000000004"

#define START     "2026-10-23T12:00:00Z"
#define DAY       "9792"

/* what a header and a span must have; more comes after a comma */
#define HEAD(id)  "\"trace_id\":\"" id "\",\"agent\":\"" BOT "\","           \
                  "\"started_at\":\"" START "\""
#define SPAN(id)  "\"span_id\":\"" id "\",\"name\":\"n\","                   \
                  "\"started_at\":\"" START "\""

#define TRACE(head, spans)                                                    \
    "{\"trace\":{" head "},\"spans\":[" spans "]}"

#define BODY(traces)  "{\"traces\":[" traces "]}"

#define COUNT(a)      (sizeof(a) / sizeof(a[0]))


typedef struct {
    const char  *json;
    ngx_uint_t   column;
    const char  *expected;
} batch_field_t;


typedef struct {
    const char  *json;
    const char  *detail;
} batch_error_t;


static ngx_av_batch_limits_t  limits;
static ngx_av_time_t          now;
static ngx_str_t              detail;
static ngx_int_t              decoded;


static void
batch_setup(void)
{
    ngx_str_t  earliest = ngx_string("2026-10-01T00:00:00Z");
    ngx_str_t  latest = ngx_string("2026-11-01T00:00:00Z");
    ngx_str_t  arrival = ngx_string("2026-10-23T12:00:01.000001999Z");

    limits.attribute_limit = 1024;
    limits.span_limit = 4096;
    limits.depth = 4;
    limits.memory_limit = 64 * 1024 * 1024;

    if (ngx_av_time_parse(earliest.data, earliest.len, &limits.earliest)
        != NGX_OK
        || ngx_av_time_parse(latest.data, latest.len, &limits.latest) != NGX_OK
        || ngx_av_time_parse(arrival.data, arrival.len, &now) != NGX_OK)
    {
        abort();
    }
}


static ngx_av_batch_t *
batch_decode_bytes(const char *body, size_t len)
{
    u_char          *copy;
    const char      *error;
    ngx_str_t        text = ngx_string(ACCOUNT);
    ngx_av_uuid_t    account;
    ngx_av_batch_t  *batch;

    (void) ngx_av_uuid_parse(text.data, text.len, &account);

    batch = ngx_av_batch_create(NGX_AV_BATCH_TRACES, &account, NULL);
    if (batch == NULL) {
        abort();
    }

    copy = ngx_av_stub_copy(body, len);

    ngx_str_null(&detail);
    decoded = ngx_av_batch_decode(batch, copy, len, &limits, now, &detail);

    free(copy);

    if (decoded == NGX_OK) {
        error = ngx_av_batch_check(batch, &limits);

        if (error) {
            ok(0, "the batch is sound: %s", error);
        }
    }

    return batch;
}


static ngx_av_batch_t *
batch_decode(const char *body)
{
    return batch_decode_bytes(body, strlen(body));
}


static char *
batch_format(const char *fmt, ...)
{
    char     *text;
    va_list   args;

    va_start(args, fmt);

    if (vasprintf(&text, fmt, args) < 0) {
        abort();
    }

    va_end(args);

    return text;
}


/* One trace with one span; fields of both replace those they repeat. */

static ngx_av_batch_t *
batch_decode_fields(const char *header, const char *span)
{
    char            *body;
    ngx_av_batch_t  *batch;

    body = batch_format(BODY(TRACE(HEAD(T1) "%s%s", "{" SPAN(S1) "%s%s}")),
                        *header ? "," : "", header, *span ? "," : "", span);

    batch = batch_decode(body);
    free(body);

    return batch;
}


static void
batch_is_error(ngx_av_batch_t *batch, ngx_uint_t i, ngx_uint_t element,
    const char *trace_id, const char *text, const char *name)
{
    ngx_av_batch_error_t  *error;

    if (decoded != NGX_OK || i >= batch->errors.nelts) {
        ok(0, "%s: is rejected", name);
        return;
    }

    error = batch->errors.elts;
    error += i;

    is(error->element, element, "%s: the element", name);
    is_text(error->trace_id.data, error->trace_id.len, trace_id,
            "%s: trace_id", name);
    is_text(error->detail.data, error->detail.len, text, "%s: detail", name);
}


static const batch_field_t  batch_header_fields[] = {

    /* what stands in the required ones, and what is derived of them */

    { "", NGX_AV_TRACE_ACCOUNT, ACCOUNT },
    { "", NGX_AV_TRACE_ID, T1 },
    { "", NGX_AV_TRACE_HOME_DAY, DAY },
    { "", NGX_AV_TRACE_AGENT_ID, BOT_ID },
    { "", NGX_AV_TRACE_STATUS, "1" },
    { "", NGX_AV_TRACE_STARTED_AT, START },
    { "", NGX_AV_TRACE_ENDED_AT, "NULL" },
    { "", NGX_AV_TRACE_DURATION, "NULL" },
    { "", NGX_AV_TRACE_SUCCESS, "NULL" },
    { "", NGX_AV_TRACE_OUTCOME, "NULL" },
    { "", NGX_AV_TRACE_TOTAL_TOKENS, "NULL" },
    { "", NGX_AV_TRACE_TOTAL_COST, "NULL" },
    { "", NGX_AV_TRACE_ERROR_MESSAGE, "NULL" },
    { "", NGX_AV_TRACE_METADATA, "NULL" },
    { "", NGX_AV_TRACE_TRUNCATED, "NULL" },
    { "", NGX_AV_TRACE_SPAN_COUNT, "1" },
    { "", NGX_AV_TRACE_SPAN_TOKENS, "NULL" },
    { "", NGX_AV_TRACE_SPAN_COST, "NULL" },

    /* null is as good as absent */

    { "\"status\":null", NGX_AV_TRACE_STATUS, "1" },
    { "\"ended_at\":null", NGX_AV_TRACE_ENDED_AT, "NULL" },
    { "\"duration_ms\":null", NGX_AV_TRACE_DURATION, "NULL" },
    { "\"success\":null", NGX_AV_TRACE_SUCCESS, "NULL" },
    { "\"outcome\":null", NGX_AV_TRACE_OUTCOME, "NULL" },
    { "\"total_tokens\":null", NGX_AV_TRACE_TOTAL_TOKENS, "NULL" },
    { "\"total_cost_usd\":null", NGX_AV_TRACE_TOTAL_COST, "NULL" },
    { "\"error_message\":null", NGX_AV_TRACE_ERROR_MESSAGE, "NULL" },
    { "\"metadata\":null", NGX_AV_TRACE_METADATA, "NULL" },

    /* ids in every form */

    { "\"trace_id\":\"ABCDEF00-1111-4111-8111-111111111111\"",
      NGX_AV_TRACE_ID, "abcdef00-1111-4111-8111-111111111111" },
    { "\"trace_id\":\"abcdef0011114111811111111111111F\"",
      NGX_AV_TRACE_ID, "abcdef00-1111-4111-8111-11111111111f" },
    { "\"trace_id\":\"00000000-0000-0000-0000-000000000000\"",
      NGX_AV_TRACE_ID, "00000000-0000-0000-0000-000000000000" },

    /* agent: an alias, NULs, not only ASCII */

    { "\"agent\":\"ab\"", NGX_AV_TRACE_AGENT_ID, AB_ID },
    { "\"agent\":\"a\\u0000b\\u0000\"", NGX_AV_TRACE_AGENT_ID, AB_ID },
    { "\"agent\":\"b\\u00fcro\"", NGX_AV_TRACE_AGENT_ID, BUERO_ID },
    { "\"agent\":\"b\xc3\xbcro\"", NGX_AV_TRACE_AGENT_ID, BUERO_ID },
    { "\"agent\":null,\"agent_name\":\"ab\"", NGX_AV_TRACE_AGENT_ID, AB_ID },
    { "\"agent_name\":\"ab\",\"agent\":\"" BOT "\"",
      NGX_AV_TRACE_AGENT_ID, BOT_ID },
    { "\"agent_name\":17", NGX_AV_TRACE_AGENT_ID, BOT_ID },
    { "\"agent_name\":null", NGX_AV_TRACE_AGENT_ID, BOT_ID },

    { "\"status\":\"running\"", NGX_AV_TRACE_STATUS, "0" },
    { "\"status\":\"completed\"", NGX_AV_TRACE_STATUS, "1" },
    { "\"status\":\"failed\"", NGX_AV_TRACE_STATUS, "2" },
    { "\"status\":\"timed_out\"", NGX_AV_TRACE_STATUS, "3" },

    /* times */

    { "\"started_at\":\"2026-10-23T12:00:00\"",
      NGX_AV_TRACE_STARTED_AT, START },
    { "\"started_at\":\"2026-10-23T14:30:00+02:30\"",
      NGX_AV_TRACE_STARTED_AT, START },
    { "\"started_at\":\"2026-10-23T12:00:00.123456789Z\"",
      NGX_AV_TRACE_STARTED_AT, "2026-10-23T12:00:00.123456Z" },
    { "\"started_at\":\"2026-10-23T23:59:59.999999999Z\"",
      NGX_AV_TRACE_HOME_DAY, DAY },
    { "\"started_at\":\"2026-10-24T01:59:59+02:00\"",
      NGX_AV_TRACE_HOME_DAY, DAY },
    { "\"started_at\":\"2026-10-01T00:00:00Z\"",
      NGX_AV_TRACE_STARTED_AT, "2026-10-01T00:00:00Z" },
    { "\"started_at\":\"2026-11-01T00:00:00Z\"",
      NGX_AV_TRACE_STARTED_AT, "2026-11-01T00:00:00Z" },
    { "\"ended_at\":\"1900-01-01T00:00:00Z\"",
      NGX_AV_TRACE_ENDED_AT, "1900-01-01T00:00:00Z" },
    { "\"ended_at\":\"2200-01-01T00:00:00Z\"",
      NGX_AV_TRACE_ENDED_AT, "2200-01-01T00:00:00Z" },

    /* duration, sent or derived */

    { "\"duration_ms\":1500", NGX_AV_TRACE_DURATION, "1500000000" },
    { "\"duration_ms\":0", NGX_AV_TRACE_DURATION, "0" },
    { "\"duration_ms\":1e3", NGX_AV_TRACE_DURATION, "1000000000" },
    { "\"duration_ms\":9223372036854",
      NGX_AV_TRACE_DURATION, "9223372036854000000" },
    { "\"ended_at\":\"2026-10-23T12:00:01.5Z\"",
      NGX_AV_TRACE_DURATION, "1500000000" },
    { "\"ended_at\":\"2026-10-23T12:00:00.000000001Z\"",
      NGX_AV_TRACE_DURATION, "1" },
    { "\"ended_at\":\"" START "\"", NGX_AV_TRACE_DURATION, "0" },
    { "\"ended_at\":\"2026-10-23T11:00:00Z\"", NGX_AV_TRACE_DURATION, "0" },
    { "\"ended_at\":\"1700-01-01T00:00:00Z\"", NGX_AV_TRACE_DURATION, "0" },
    { "\"ended_at\":\"2026-10-23T12:00:01Z\",\"duration_ms\":7",
      NGX_AV_TRACE_DURATION, "7000000" },
    { "\"ended_at\":\"2026-10-23T12:00:01Z\",\"duration_ms\":null",
      NGX_AV_TRACE_DURATION, "1000000000" },

    { "\"success\":true", NGX_AV_TRACE_SUCCESS, "t" },
    { "\"success\":false", NGX_AV_TRACE_SUCCESS, "f" },
    { "\"status\":\"failed\"", NGX_AV_TRACE_SUCCESS, "NULL" },
    { "\"outcome\":\"resolved\"", NGX_AV_TRACE_OUTCOME, "resolved" },
    { "\"outcome\":\"\"", NGX_AV_TRACE_OUTCOME, "" },
    { "\"outcome\":\"a\\u0000b\"", NGX_AV_TRACE_OUTCOME, "ab" },
    { "\"outcome\":\"\\ud83d\\ude00\"",
      NGX_AV_TRACE_OUTCOME, "\xf0\x9f\x98\x80" },
    { "\"outcome\":\"\\ud83d!\"", NGX_AV_TRACE_OUTCOME, "\xef\xbf\xbd!" },
    { "\"outcome\":\"\xff!\"", NGX_AV_TRACE_OUTCOME, "\xef\xbf\xbd!" },
    { "\"error_message\":\"Traceback:\\n  \\\"x\\\"\"",
      NGX_AV_TRACE_ERROR_MESSAGE, "Traceback:\n  \"x\"" },

    { "\"total_tokens\":1500", NGX_AV_TRACE_TOTAL_TOKENS, "1500" },
    { "\"total_tokens\":0", NGX_AV_TRACE_TOTAL_TOKENS, "0" },
    { "\"total_tokens\":-0", NGX_AV_TRACE_TOTAL_TOKENS, "0" },
    { "\"total_tokens\":15.0", NGX_AV_TRACE_TOTAL_TOKENS, "15" },
    { "\"total_tokens\":9007199254740991",
      NGX_AV_TRACE_TOTAL_TOKENS, "9007199254740991" },

    /* money */

    { "\"total_cost_usd\":\"0.004500\"", NGX_AV_TRACE_TOTAL_COST, "0.004500" },
    { "\"total_cost_usd\":0.0045", NGX_AV_TRACE_TOTAL_COST, "0.0045" },
    { "\"total_cost_usd\":0", NGX_AV_TRACE_TOTAL_COST, "0" },
    { "\"total_cost_usd\":\"-0\"", NGX_AV_TRACE_TOTAL_COST, "0" },
    { "\"total_cost_usd\":1e-7", NGX_AV_TRACE_TOTAL_COST, "0.0000001" },
    { "\"total_cost_usd\":\"999999999999.999999999999999999\"",
      NGX_AV_TRACE_TOTAL_COST, "999999999999.999999999999999999" },

    /* metadata, and its alias */

    { "\"metadata\":{}", NGX_AV_TRACE_METADATA, "{}" },
    { "\"metadata\":{ \"a\" : [ 1, 2.50, null, true ], \"\": \"\\u0000\" }",
      NGX_AV_TRACE_METADATA, "{\"a\":[1,2.50,null,true],\"\":\"\"}" },
    { "\"metadata\":{\"a\\u0000b\":12345678901234567890123}",
      NGX_AV_TRACE_METADATA, "{\"ab\":12345678901234567890123}" },
    { "\"metadata\":{\"a\":1e999999999}",
      NGX_AV_TRACE_METADATA, "{\"a\":\"1e999999999\"}" },
    { "\"metadata\":{\"a\":1,\"a\":2}",
      NGX_AV_TRACE_METADATA, "{\"a\":1,\"a\":2}" },
    { "\"metadata\":[1],\"metadata\":{\"b\":2}",
      NGX_AV_TRACE_METADATA, "{\"b\":2}" },
    { "\"attributes\":{\"b\":2}", NGX_AV_TRACE_METADATA, "{\"b\":2}" },
    { "\"attributes\":{\"b\":2},\"metadata\":null",
      NGX_AV_TRACE_METADATA, "{\"b\":2}" },
    { "\"attributes\":{\"b\":2},\"metadata\":{\"a\":1}",
      NGX_AV_TRACE_METADATA, "{\"a\":1}" },
    { "\"metadata\":{\"a\":{\"b\":{\"c\":[]}}}",
      NGX_AV_TRACE_METADATA, "{\"a\":{\"b\":{\"c\":[]}}}" },

    /* unknown names, also as long as known ones, and empty */

    { "\"\":1,\"x\":{},\"agenT\":1,\"total_tokenz\":-1,"
      "\"an_unknown_and_very_long_name\":[[[[[[[[1]]]]]]]]",
      NGX_AV_TRACE_TOTAL_TOKENS, "NULL" },
    { "\"Outcome\":\"x\"", NGX_AV_TRACE_OUTCOME, "NULL" },
    { "\"outcome\\u0000\":\"x\"", NGX_AV_TRACE_OUTCOME, "NULL" },

    /* names may be escaped; the last of a name counts */

    { "\"\\u006futcome\":\"x\"", NGX_AV_TRACE_OUTCOME, "x" },
    { "\"outcome\":\"x\",\"outcome\":\"y\"", NGX_AV_TRACE_OUTCOME, "y" },
    { "\"outcome\":\"x\",\"outcome\":null", NGX_AV_TRACE_OUTCOME, "NULL" },
    { "\"outcome\":5,\"outcome\":\"x\"", NGX_AV_TRACE_OUTCOME, "x" }
};


static const batch_field_t  batch_span_fields[] = {

    { "", NGX_AV_SPAN_ACCOUNT, ACCOUNT },
    { "", NGX_AV_SPAN_HOME_DAY, DAY },
    { "", NGX_AV_SPAN_TRACE_ID, T1 },
    { "", NGX_AV_SPAN_ID, S1 },
    { "", NGX_AV_SPAN_PARENT_ID, "NULL" },
    { "", NGX_AV_SPAN_ORDINAL, "1792756801000001" },
    { "", NGX_AV_SPAN_TYPE, "0" },
    { "", NGX_AV_SPAN_STATUS, "1" },
    { "", NGX_AV_SPAN_NAME, "n" },
    { "", NGX_AV_SPAN_STARTED_AT, START },
    { "", NGX_AV_SPAN_ENDED_AT, "NULL" },
    { "", NGX_AV_SPAN_DURATION, "NULL" },
    { "", NGX_AV_SPAN_MODEL, "NULL" },
    { "", NGX_AV_SPAN_INPUT_TOKENS, "NULL" },
    { "", NGX_AV_SPAN_OUTPUT_TOKENS, "NULL" },
    { "", NGX_AV_SPAN_TOTAL_TOKENS, "NULL" },
    { "", NGX_AV_SPAN_COST, "NULL" },
    { "", NGX_AV_SPAN_ERROR_MESSAGE, "NULL" },
    { "", NGX_AV_SPAN_INPUT, "NULL" },
    { "", NGX_AV_SPAN_OUTPUT, "NULL" },
    { "", NGX_AV_SPAN_METADATA, "NULL" },
    { "", NGX_AV_SPAN_TRUNCATED, "NULL" },

    { "\"trace_id\":null", NGX_AV_SPAN_TRACE_ID, T1 },
    { "\"parent_span_id\":null", NGX_AV_SPAN_PARENT_ID, "NULL" },
    { "\"type\":null", NGX_AV_SPAN_TYPE, "0" },
    { "\"status\":null", NGX_AV_SPAN_STATUS, "1" },
    { "\"model\":null", NGX_AV_SPAN_MODEL, "NULL" },
    { "\"input_tokens\":null", NGX_AV_SPAN_INPUT_TOKENS, "NULL" },
    { "\"cost_usd\":null", NGX_AV_SPAN_COST, "NULL" },
    { "\"input\":null", NGX_AV_SPAN_INPUT, "NULL" },
    { "\"output\":null", NGX_AV_SPAN_OUTPUT, "NULL" },
    { "\"metadata\":null", NGX_AV_SPAN_METADATA, "NULL" },

    { "\"span_id\":\"AAAAAAAA000040008000000000000009\"",
      NGX_AV_SPAN_ID, "aaaaaaaa-0000-4000-8000-000000000009" },
    { "\"trace_id\":\"" T1 "\"", NGX_AV_SPAN_TRACE_ID, T1 },
    { "\"trace_id\":\"11111111111141118111111111111111\"",
      NGX_AV_SPAN_TRACE_ID, T1 },
    { "\"parent_span_id\":\"" S2 "\"", NGX_AV_SPAN_PARENT_ID, S2 },
    { "\"parent_span_id\":\"" S1 "\"", NGX_AV_SPAN_PARENT_ID, S1 },

    { "\"type\":\"custom\"", NGX_AV_SPAN_TYPE, "0" },
    { "\"type\":\"custom\"", NGX_AV_SPAN_METADATA, "NULL" },
    { "\"type\":\"agent\"", NGX_AV_SPAN_TYPE, "1" },
    { "\"type\":\"llm\"", NGX_AV_SPAN_TYPE, "2" },
    { "\"type\":\"tool\"", NGX_AV_SPAN_TYPE, "3" },
    { "\"type\":\"http\"", NGX_AV_SPAN_TYPE, "4" },
    { "\"type\":\"db\"", NGX_AV_SPAN_TYPE, "5" },

    /* an unknown type is kept in metadata */

    { "\"type\":\"retriever\"", NGX_AV_SPAN_TYPE, "0" },
    { "\"type\":\"retriever\"", NGX_AV_SPAN_METADATA,
      "{\"agentvista.original_type\":\"retriever\"}" },
    { "\"type\":\"LLM\",\"metadata\":{}", NGX_AV_SPAN_METADATA,
      "{\"agentvista.original_type\":\"LLM\"}" },
    { "\"type\":\"\",\"metadata\":{\"a\":1}", NGX_AV_SPAN_METADATA,
      "{\"agentvista.original_type\":\"\",\"a\":1}" },
    { "\"type\":\"x\",\"attributes\":{\"a\":{\"b\":[1,2]}}",
      NGX_AV_SPAN_METADATA,
      "{\"agentvista.original_type\":\"x\",\"a\":{\"b\":[1,2]}}" },
    { "\"type\":\"x\",\"metadata\":{\"agentvista.original_type\":null}",
      NGX_AV_SPAN_METADATA, "{\"agentvista.original_type\":null}" },

    { "\"status\":\"running\"", NGX_AV_SPAN_STATUS, "0" },
    { "\"status\":\"timed_out\"", NGX_AV_SPAN_STATUS, "3" },
    { "\"name\":\" a\\u0000 \"", NGX_AV_SPAN_NAME, " a " },
    { "\"started_at\":\"2026-10-05T00:00:00Z\"",
      NGX_AV_SPAN_STARTED_AT, "2026-10-05T00:00:00Z" },
    { "\"started_at\":\"2026-10-05T00:00:00Z\"", NGX_AV_SPAN_HOME_DAY, DAY },
    { "\"ended_at\":\"2026-10-23T12:00:00.25Z\"",
      NGX_AV_SPAN_ENDED_AT, "2026-10-23T12:00:00.250Z" },
    { "\"ended_at\":\"2026-10-23T12:00:00.25Z\"",
      NGX_AV_SPAN_DURATION, "250000000" },
    { "\"duration_ms\":12", NGX_AV_SPAN_DURATION, "12000000" },
    { "\"model\":\"gpt-4o\"", NGX_AV_SPAN_MODEL, "gpt-4o" },
    { "\"model\":\"\"", NGX_AV_SPAN_MODEL, "" },
    { "\"error_message\":\"boom\"", NGX_AV_SPAN_ERROR_MESSAGE, "boom" },

    /* the total is derived of what is known */

    { "\"input_tokens\":7", NGX_AV_SPAN_INPUT_TOKENS, "7" },
    { "\"output_tokens\":8", NGX_AV_SPAN_OUTPUT_TOKENS, "8" },
    { "\"input_tokens\":7", NGX_AV_SPAN_TOTAL_TOKENS, "7" },
    { "\"output_tokens\":8", NGX_AV_SPAN_TOTAL_TOKENS, "8" },
    { "\"input_tokens\":7,\"output_tokens\":8",
      NGX_AV_SPAN_TOTAL_TOKENS, "15" },
    { "\"input_tokens\":7,\"output_tokens\":8,\"total_tokens\":20",
      NGX_AV_SPAN_TOTAL_TOKENS, "20" },
    { "\"input_tokens\":9007199254740991,\"output_tokens\":9007199254740991",
      NGX_AV_SPAN_TOTAL_TOKENS, "18014398509481982" },

    { "\"cost_usd\":\"0.003200\"", NGX_AV_SPAN_COST, "0.003200" },
    { "\"cost_usd\":3", NGX_AV_SPAN_COST, "3" },

    /* input and output: any JSON */

    { "\"input\":\"\"", NGX_AV_SPAN_INPUT, "\"\"" },
    { "\"input\":\"a\\\"\\u0001\\u0000\\n\"",
      NGX_AV_SPAN_INPUT, "\"a\\\"\\u0001\\n\"" },
    { "\"input\":0", NGX_AV_SPAN_INPUT, "0" },
    { "\"input\":false", NGX_AV_SPAN_INPUT, "false" },
    { "\"input\":[ ]", NGX_AV_SPAN_INPUT, "[]" },
    { "\"input\":[null]", NGX_AV_SPAN_INPUT, "[null]" },
    { "\"input\":[[[[1]]]]", NGX_AV_SPAN_INPUT, "[[[[1]]]]" },
    { "\"output\":{\"b\": 1, \"a\": \"\xe2\x82\xac\"}",
      NGX_AV_SPAN_OUTPUT, "{\"b\":1,\"a\":\"\xe2\x82\xac\"}" },
    { "\"output\":1.000000000000000000000000000000000000000001",
      NGX_AV_SPAN_OUTPUT, "1.000000000000000000000000000000000000000001" },
    { "\"output\":-1E+4", NGX_AV_SPAN_OUTPUT, "-1E+4" },

    { "\"metadata\":{\"k\":\"v\"}", NGX_AV_SPAN_METADATA, "{\"k\":\"v\"}" },
    { "\"attributes\":{\"k\":\"v\"}", NGX_AV_SPAN_METADATA, "{\"k\":\"v\"}" }
};


static void
test_fields(void)
{
    ngx_uint_t            i;
    const char           *got;
    ngx_av_batch_t       *batch;
    const batch_field_t  *field;

    for (i = 0; i < COUNT(batch_header_fields); i++) {
        field = &batch_header_fields[i];
        batch = batch_decode_fields(field->json, "");

        got = (batch->parts.nelts == 1)
              ? ngx_av_batch_trace_cell(batch, 0, field->column, NULL)
              : "a rejection";

        is_text((u_char *) got, strlen(got), field->expected,
                "trace {%s}: %s", field->json,
                ngx_av_batch_trace_names[field->column]);

        ngx_av_batch_destroy(batch);
    }

    for (i = 0; i < COUNT(batch_span_fields); i++) {
        field = &batch_span_fields[i];
        batch = batch_decode_fields("", field->json);

        got = (batch->parts.nelts == 1)
              ? ngx_av_batch_span_cell(batch, 0, field->column, NULL)
              : "a rejection";

        is_text((u_char *) got, strlen(got), field->expected,
                "span {%s}: %s", field->json,
                ngx_av_batch_span_names[field->column]);

        ngx_av_batch_destroy(batch);
    }
}


#define STATUSES    "must be one of running, completed, failed, timed_out"
#define TIME        "must be an ISO 8601 date and time"
#define INTEGER     "must be an integer from 0 to 9007199254740991"
#define MSEC        "must be an integer from 0 to 9223372036854"
#define WINDOW(t)   t " is outside the window that is kept "                 \
                    "(2026-10-01T00:00:00Z to 2026-11-01T00:00:00Z)"


static const batch_error_t  batch_header_errors[] = {
    { "\"trace_id\":null", "trace_id: field required" },
    { "\"trace_id\":\"\"", "trace_id: must be a UUID" },
    { "\"trace_id\":7", "trace_id: must be a UUID" },
    { "\"trace_id\":\"11111111-1111-4111-8111-11111111111\"",
      "trace_id: must be a UUID" },
    { "\"agent\":null", "agent: field required" },
    { "\"agent\":null,\"agent_name\":null", "agent: field required" },
    { "\"agent\":17", "agent: must be a string" },
    { "\"agent\":\"\"", "agent: must not be blank" },
    { "\"agent\":\" \\t\\n\"", "agent: must not be blank" },
    { "\"agent\":\"\\u0000\\u0000\"", "agent: must not be blank" },
    { "\"agent\":null,\"agent_name\":\" \"", "agent_name: must not be blank" },
    { "\"agent\":\"" BOT "\",\"agent\":{}", "agent: must be a string" },
    { "\"status\":\"done\"", "status: " STATUSES },
    { "\"status\":\"Completed\"", "status: " STATUSES },
    { "\"status\":\"\"", "status: " STATUSES },
    { "\"status\":1", "status: " STATUSES },
    { "\"started_at\":null", "started_at: field required" },
    { "\"started_at\":\"yesterday\"", "started_at: " TIME },
    { "\"started_at\":\"2026-02-30T00:00:00Z\"", "started_at: " TIME },
    { "\"started_at\":1792756800", "started_at: " TIME },
    { "\"started_at\":\"2019-01-01T00:00:00Z\"",
      "started_at: " WINDOW("2019-01-01T00:00:00Z") },
    { "\"started_at\":\"2026-11-01T02:00:00.000000001+02:00\"",
      "started_at: " WINDOW("2026-11-01T00:00:00.000000001Z") },
    { "\"started_at\":\"2026-09-30T23:59:59.999999999\"",
      "started_at: " WINDOW("2026-09-30T23:59:59.999999999Z") },
    { "\"ended_at\":\"\"", "ended_at: " TIME },
    { "\"ended_at\":false", "ended_at: " TIME },
    { "\"duration_ms\":-1", "duration_ms: " MSEC },
    { "\"duration_ms\":1.5", "duration_ms: " MSEC },
    { "\"duration_ms\":\"15\"", "duration_ms: " MSEC },
    { "\"duration_ms\":9223372036855", "duration_ms: " MSEC },
    { "\"success\":1", "success: must be true or false" },
    { "\"success\":\"true\"", "success: must be true or false" },
    { "\"outcome\":[\"x\"]", "outcome: must be a string" },
    { "\"total_tokens\":-1", "total_tokens: " INTEGER },
    { "\"total_tokens\":true", "total_tokens: " INTEGER },
    { "\"total_tokens\":\"5\"", "total_tokens: " INTEGER },
    { "\"total_tokens\":0.5", "total_tokens: " INTEGER },
    { "\"total_tokens\":9007199254740992", "total_tokens: " INTEGER },
    { "\"total_tokens\":18446744073709551617", "total_tokens: " INTEGER },
    { "\"total_tokens\":1e400", "total_tokens: " INTEGER },
    { "\"total_cost_usd\":\"\"", "total_cost_usd: must be a decimal number" },
    { "\"total_cost_usd\":\"1,5\"",
      "total_cost_usd: must be a decimal number" },
    { "\"total_cost_usd\":\"NaN\"",
      "total_cost_usd: must be a decimal number" },
    { "\"total_cost_usd\":true", "total_cost_usd: must be a decimal number" },
    { "\"total_cost_usd\":{}", "total_cost_usd: must be a decimal number" },
    { "\"total_cost_usd\":\"-0.01\"", "total_cost_usd: must not be negative" },
    { "\"total_cost_usd\":1000000000000",
      "total_cost_usd: must have at most 12 integer digits" },
    { "\"total_cost_usd\":1e300",
      "total_cost_usd: must have at most 12 integer digits" },
    { "\"error_message\":7", "error_message: must be a string" },
    { "\"metadata\":\"x\"", "metadata: must be an object" },
    { "\"metadata\":[]", "metadata: must be an object" },
    { "\"attributes\":7", "attributes: must be an object" },
    { "\"metadata\":{\"a\":[[[[]]]]}",
      "metadata: nested deeper than 4 levels" },
    { "\"attributes\":{\"a\":[[[[]]]]}",
      "attributes: nested deeper than 4 levels" }
};


static const batch_error_t  batch_span_errors[] = {
    { "\"span_id\":null", "span_id: field required" },
    { "\"span_id\":\"x\"", "span_id: must be a UUID" },
    { "\"trace_id\":\"" T2 "\"", "trace_id: must be the trace's trace_id" },
    { "\"trace_id\":\"x\"", "trace_id: must be a UUID" },
    { "\"parent_span_id\":\"\"", "parent_span_id: must be a UUID" },
    { "\"parent_span_id\":[]", "parent_span_id: must be a UUID" },
    { "\"type\":5", "type: must be a string" },
    { "\"name\":null", "name: field required" },
    { "\"name\":\"\"", "name: must not be blank" },
    { "\"name\":\"\\u0000 \"", "name: must not be blank" },
    { "\"name\":[]", "name: must be a string" },
    { "\"status\":\"ok\"", "status: " STATUSES },
    { "\"started_at\":null", "started_at: field required" },
    { "\"started_at\":\"2027-01-01T00:00:00Z\"",
      "started_at: " WINDOW("2027-01-01T00:00:00Z") },
    { "\"ended_at\":\"3000-01-01T00:00:00Z\"", "ended_at: " TIME },
    { "\"duration_ms\":1e30", "duration_ms: " MSEC },
    { "\"model\":{}", "model: must be a string" },
    { "\"input_tokens\":-5", "input_tokens: " INTEGER },
    { "\"output_tokens\":\"x\"", "output_tokens: " INTEGER },
    { "\"total_tokens\":1.1", "total_tokens: " INTEGER },
    { "\"cost_usd\":\"-1\"", "cost_usd: must not be negative" },
    { "\"cost_usd\":\"$1\"", "cost_usd: must be a decimal number" },
    { "\"error_message\":{}", "error_message: must be a string" },
    { "\"input\":[[[[[]]]]]", "input: nested deeper than 4 levels" },
    { "\"output\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}",
      "output: nested deeper than 4 levels" },
    { "\"metadata\":\"\"", "metadata: must be an object" },
    { "\"type\":\"x\",\"metadata\":{\"a\":[[[[]]]]}",
      "metadata: nested deeper than 4 levels" },
    { "\"attributes\":[]", "attributes: must be an object" }
};


static void
test_errors(void)
{
    char                 *text;
    ngx_uint_t            i, id;
    ngx_av_batch_t       *batch;
    const batch_error_t  *error;

    for (i = 0; i < COUNT(batch_header_errors); i++) {
        error = &batch_header_errors[i];
        batch = batch_decode_fields(error->json, "");

        text = batch_format("traces[0].trace.%s", error->detail);

        id = (strncmp(error->json, "\"trace_id\"", 10) == 0);

        batch_is_error(batch, 0, 0,
                       !id ? "\"" T1 "\""
                       : strchr("n7", error->json[11]) ? "null"
                       : error->json + 11,
                       text, error->json);

        is(batch->nrows, 0, "%s: no span is left", error->json);

        free(text);
        ngx_av_batch_destroy(batch);
    }

    for (i = 0; i < COUNT(batch_span_errors); i++) {
        error = &batch_span_errors[i];
        batch = batch_decode_fields("", error->json);

        text = batch_format("traces[0].spans[0].%s", error->detail);

        batch_is_error(batch, 0, 0, "\"" T1 "\"", text, error->json);
        is(batch->nrows, 0, "%s: no span is left", error->json);

        free(text);
        ngx_av_batch_destroy(batch);
    }
}


static const batch_error_t  batch_element_errors[] = {
    { "7", "traces[0]: must be an object" },
    { "null", "traces[0]: must be an object" },
    { "[]", "traces[0]: must be an object" },
    { "{}", "traces[0].trace: field required" },
    { "{\"trace\":null}", "traces[0].trace: field required" },
    { "{\"trace\":[]}", "traces[0].trace: must be an object" },
    { "{\"trace\":\"x\"}", "traces[0].trace: must be an object" },
    { "{\"trace\":{}}", "traces[0].trace.trace_id: field required" },
    { "{\"trace\":{" HEAD(T1) "},\"spans\":{}}",
      "traces[0].spans: must be an array" },
    { "{\"trace\":{" HEAD(T1) "},\"spans\":\"\"}",
      "traces[0].spans: must be an array" },
    { TRACE(HEAD(T1), "{" SPAN(S1) "},7"),
      "traces[0].spans[1]: must be an object" },
    { TRACE(HEAD(T1), "{" SPAN(S1) "},null"),
      "traces[0].spans[1]: must be an object" },
    { TRACE(HEAD(T1), "{" SPAN(S1) "},[]"),
      "traces[0].spans[1]: must be an object" },
    { TRACE(HEAD(T1), "{}"), "traces[0].spans[0].span_id: field required" }
};


static void
test_elements(void)
{
    char            *body;
    ngx_uint_t       i;
    const char      *json;
    ngx_av_batch_t  *batch;

    for (i = 0; i < COUNT(batch_element_errors); i++) {
        json = batch_element_errors[i].json;

        body = batch_format(BODY("%s"), json);
        batch = batch_decode(body);

        batch_is_error(batch, 0, 0, strstr(json, T1) ? "\"" T1 "\"" : "null",
                       batch_element_errors[i].detail, json);
        is(batch->parts.nelts, 0, "%s: no part is left", json);

        free(body);
        ngx_av_batch_destroy(batch);
    }

    batch = batch_decode(BODY(""));
    is(decoded, NGX_OK, "no traces");
    is(batch->ntraces, 0, "no traces: none is counted");
    is(ngx_av_batch_size(batch), 0, "no traces: no bytes");
    ngx_av_batch_destroy(batch);

    batch = batch_decode(BODY("{\"trace\":{" HEAD(T1) "}},"
                              "{\"trace\":{" HEAD(T2) "},\"spans\":null},"
                              TRACE(HEAD(T3), "")));
    is(batch->parts.nelts, 3, "spans may be omitted, null, or empty");
    is(batch->errors.nelts, 0, "spans may be omitted: no errors");
    ngx_av_batch_destroy(batch);

    batch = batch_decode("{\"traces\":7,\"x\":[],\"traces\":["
                         "{\"trace\":8,\"spans\":9,\"more\":[[[[[[[]]]]]]],"
                         "\"trace\":{" HEAD(T1) "},\"spans\":[]}]}");
    is(batch->parts.nelts, 1, "of a repeated name the last value counts");
    ngx_av_batch_destroy(batch);
}


static const batch_error_t  batch_refusals[] = {
    { "", "malformed JSON at byte 0: the document is empty" },
    { " ", "malformed JSON at byte 0: the document is empty" },
    { "7", "body must be a JSON object" },
    { "[]", "body must be a JSON object" },
    { "null", "body must be a JSON object" },
    { "{}", "traces: field required" },
    { "{\"traces\":null}", "traces: field required" },
    { "{\"traces\":[],\"traces\":null}", "traces: field required" },
    { "{\"traces\":{}}", "traces: must be an array" },
    { "{\"traces\":\"\"}", "traces: must be an array" },
    { "{\"trace\":[]}", "traces: field required" }
};


static void
test_refusals(void)
{
    char            *body, *p;
    ngx_uint_t       i;
    ngx_av_batch_t  *batch;

    for (i = 0; i < COUNT(batch_refusals); i++) {
        batch = batch_decode(batch_refusals[i].json);

        is(decoded, NGX_DECLINED, "'%s': is refused", batch_refusals[i].json);
        is_text(detail.data, detail.len, batch_refusals[i].detail,
                "'%s': detail", batch_refusals[i].json);

        ngx_av_batch_destroy(batch);
    }

    batch = batch_decode("{\"traces\":[}");
    is(decoded, NGX_DECLINED, "malformed: is refused");
    ok(detail.len > 27
       && ngx_strncmp(detail.data, "malformed JSON at byte 11: ", 27) == 0,
       "malformed: detail tells where");
    ngx_av_batch_destroy(batch);

    batch = batch_decode(BODY(TRACE(HEAD(T1), "{" SPAN(S1))));
    is(decoded, NGX_DECLINED, "truncated: is refused");
    ngx_av_batch_destroy(batch);

    /* 1000 traces, and one more */

    body = malloc(1001 * 3 + 100);
    p = body + sprintf(body, "{\"traces\":[");

    for (i = 0; i < 1000; i++) {
        p += sprintf(p, "%s{}", i ? "," : "");
    }

    strcpy(p, "]}");
    batch = batch_decode(body);
    is(decoded, NGX_OK, "1000 traces: are taken");
    is(batch->errors.nelts, 1000, "1000 traces: each has an error");
    ngx_av_batch_destroy(batch);

    strcpy(p, ",{}]}");
    batch = batch_decode(body);
    is(decoded, NGX_DECLINED, "1001 traces: are refused");
    is_text(detail.data, detail.len,
            "traces: at most 1000 traces in one request, got 1001",
            "1001 traces: detail");
    ngx_av_batch_destroy(batch);

    /* 100 spans, of which the traces' being valid does not matter */

    p = body + sprintf(body, "{\"traces\":[{\"spans\":[1");

    for (i = 1; i < 99; i++) {
        p += sprintf(p, ",1");
    }

    strcpy(p, "]},{\"spans\":[1]}]}");
    batch = batch_decode(body);
    is(decoded, NGX_OK, "100 spans: are taken");
    is(batch->nrows, 0, "100 spans: in bad traces they do not count");
    is(batch->nrejected, 100, "100 spans: but as rejected ones");
    ngx_av_batch_destroy(batch);

    strcpy(p, "]},{\"spans\":[1,2]}]}");
    batch = batch_decode(body);
    is(decoded, NGX_DECLINED, "101 spans: are refused");
    is_text(detail.data, detail.len,
            "traces: at most 100 spans in one request, got 101",
            "101 spans: detail");
    ngx_av_batch_destroy(batch);

    free(body);
}


static void
is_trace_cell(ngx_av_batch_t *batch, ngx_uint_t row, ngx_uint_t column,
    const char *expected, const char *name)
{
    const char  *got;

    got = (row < batch->parts.nelts)
          ? ngx_av_batch_trace_cell(batch, row, column, NULL) : "no such row";

    is_text((u_char *) got, strlen(got), expected, "%s", name);
}


static void
is_span_cell(ngx_av_batch_t *batch, ngx_uint_t row, ngx_uint_t column,
    const char *expected, const char *name)
{
    const char  *got;

    got = (row < batch->nrows)
          ? ngx_av_batch_span_cell(batch, row, column, NULL) : "no such row";

    is_text((u_char *) got, strlen(got), expected, "%s", name);
}


static void
test_sums(void)
{
    ngx_av_batch_t  *batch;

    batch = batch_decode(BODY(TRACE(HEAD(T1),
        "{" SPAN(S1) ",\"type\":\"llm\",\"input_tokens\":3,"
                     "\"cost_usd\":\"0.10\"},"
        "{" SPAN(S2) ",\"type\":\"llm\",\"total_tokens\":4,"
                     "\"cost_usd\":2e-7},"
        "{" SPAN(S3) ",\"type\":\"llm\"},"
        "{" SPAN(S4) ",\"type\":\"tool\",\"total_tokens\":100,"
                     "\"cost_usd\":5}")
        ","
        TRACE(HEAD(T2) ",\"total_tokens\":1,\"total_cost_usd\":1",
        "{" SPAN(S1) ",\"type\":\"llm\",\"cost_usd\":0},"
        "{" SPAN(S2) ",\"total_tokens\":5}")
        ","
        TRACE(HEAD(T3), "")));

    is_trace_cell(batch, 0, NGX_AV_TRACE_SPAN_COUNT, "4", "spans, all types");
    is_trace_cell(batch, 0, NGX_AV_TRACE_SPAN_TOKENS, "7", "tokens of llm");
    is_trace_cell(batch, 0, NGX_AV_TRACE_SPAN_COST, "0.1000002",
                  "cost of llm");
    is_trace_cell(batch, 0, NGX_AV_TRACE_TOTAL_TOKENS, "NULL",
                  "the header's own total is not derived");
    is_trace_cell(batch, 1, NGX_AV_TRACE_SPAN_COUNT, "2", "spans of the next");
    is_trace_cell(batch, 1, NGX_AV_TRACE_SPAN_TOKENS, "NULL",
                  "no llm span with tokens");
    is_trace_cell(batch, 1, NGX_AV_TRACE_SPAN_COST, "0", "cost of nothing");
    is_trace_cell(batch, 1, NGX_AV_TRACE_TOTAL_TOKENS, "1",
                  "the header's own total stays");
    is_trace_cell(batch, 2, NGX_AV_TRACE_SPAN_COUNT, "0", "no spans");
    is_trace_cell(batch, 2, NGX_AV_TRACE_SPAN_COST, "NULL", "no spans: cost");

    ngx_av_batch_destroy(batch);
}


/* The window is the caller's: a duration may be longer than can be said. */

static void
test_window(void)
{
    ngx_av_batch_t  *batch;

    limits.earliest = INT64_MIN;
    limits.latest = INT64_MAX;

    batch = batch_decode_fields("\"started_at\":\"1700-01-01T00:00:00Z\","
                                "\"ended_at\":\"2262-01-01T00:00:00Z\"", "");
    is_trace_cell(batch, 0, NGX_AV_TRACE_DURATION, "9223372036854775807",
                  "five centuries");
    is_trace_cell(batch, 0, NGX_AV_TRACE_HOME_DAY, "-109572",
                  "a day before 2000");

    ngx_av_batch_destroy(batch);
    batch_setup();
}


static void
test_ordinals(void)
{
    ngx_av_batch_t  *batch;

    batch = batch_decode(BODY(
        TRACE(HEAD(T1), "{" SPAN(S1) "},{" SPAN(S2) "}") ","
        TRACE("", "{" SPAN(S1) "},{" SPAN(S2) "}") ","
        TRACE(HEAD(T2), "{" SPAN(S1) "}")));

    is_span_cell(batch, 0, NGX_AV_SPAN_ORDINAL, "1792756801000001",
                 "the first span has the time of arrival");
    is_span_cell(batch, 1, NGX_AV_SPAN_ORDINAL, "1792756801000002",
                 "the second comes after it");
    is_span_cell(batch, 2, NGX_AV_SPAN_ORDINAL, "1792756801000005",
                 "spans that were rejected are counted");

    ngx_av_batch_destroy(batch);
}


#define RUNNING  ",\"status\":\"running\""
#define FAILED   ",\"status\":\"failed\""


static void
test_repeated(void)
{
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part;

    /* of each id a running and an ended one stay */

    batch = batch_decode(BODY(TRACE(HEAD(T1) ",\"metadata\":{\"a\":1}",
        "{" SPAN(S1) RUNNING "},"
        "{" SPAN(S2) FAILED "},"
        "{" SPAN(S1) RUNNING ",\"model\":\"again\"},"
        "{" SPAN(S1) FAILED ",\"model\":\"ended\"},"
        "{" SPAN(S2) ",\"model\":\"again\"},"
        "{" SPAN(S3) "},"
        "{" SPAN(S2) RUNNING ",\"model\":\"late\"},"
        "{" SPAN(S1) ",\"model\":\"again\"}")
        "," TRACE(HEAD(T2), "{" SPAN(S1) "}")));

    part = batch->parts.elts;

    is(batch->parts.nelts, 3, "repeated: a part more");
    is(batch->nrows, 6, "repeated: duplicates are dropped");
    is(part[0].nrows, 3, "repeated: spans of the first part");
    is(part[1].nrows, 2, "repeated: spans of the second part");
    is(part[1].element, 0, "repeated: both parts are of one element");
    is(part[2].element, 1, "repeated: the next element");

    is_span_cell(batch, 0, NGX_AV_SPAN_ID, S1, "repeated: 1.1");
    is_span_cell(batch, 0, NGX_AV_SPAN_STATUS, "0", "repeated: 1.1 runs");
    is_span_cell(batch, 1, NGX_AV_SPAN_ID, S2, "repeated: 1.2");
    is_span_cell(batch, 2, NGX_AV_SPAN_ID, S3, "repeated: 1.3");
    is_span_cell(batch, 3, NGX_AV_SPAN_ID, S1, "repeated: 2.1");
    is_span_cell(batch, 3, NGX_AV_SPAN_MODEL, "ended", "repeated: 2.1 model");
    is_span_cell(batch, 3, NGX_AV_SPAN_ORDINAL, "1792756801000004",
                 "repeated: 2.1 keeps its place in the order");
    is_span_cell(batch, 4, NGX_AV_SPAN_MODEL, "late", "repeated: 2.2 model");
    is_trace_cell(batch, 0, NGX_AV_TRACE_SPAN_COUNT, "3", "repeated: count");
    is_trace_cell(batch, 1, NGX_AV_TRACE_SPAN_COUNT, "2", "repeated: count 2");
    is_trace_cell(batch, 1, NGX_AV_TRACE_ID, T1, "repeated: the same header");
    is_trace_cell(batch, 1, NGX_AV_TRACE_METADATA, "{\"a\":1}",
                  "repeated: the same header, to its end");

    ngx_av_batch_destroy(batch);

    /* errors in what is repeated count, and say where it was sent */

    batch = batch_decode(BODY(TRACE(HEAD(T1),
        "{" SPAN(S1) "},{" SPAN(S1) ",\"model\":5}")));
    batch_is_error(batch, 0, 0, "\"" T1 "\"",
                   "traces[0].spans[1].model: must be a string",
                   "repeated: bad");
    ngx_av_batch_destroy(batch);

    batch = batch_decode(BODY(TRACE(HEAD(T1),
        "{" SPAN(S1) "},{" SPAN(S2) "},"
        "{" SPAN(S1) RUNNING ",\"input\":[[[[[]]]]]}")));
    batch_is_error(batch, 0, 0, "\"" T1 "\"",
                   "traces[0].spans[2].input: nested deeper than 4 levels",
                   "repeated: too deep");
    is(batch->nrows, 0, "repeated: too deep: no span is left");
    ngx_av_batch_destroy(batch);

    /* the same trace twice is two elements */

    batch = batch_decode(BODY(TRACE(HEAD(T1), "{" SPAN(S1) "}") ","
                              TRACE(HEAD(T1), "{" SPAN(S1) "}")));
    is(batch->parts.nelts, 2, "a trace twice: two parts");
    is(batch->nrows, 2, "a trace twice: all spans");
    ngx_av_batch_destroy(batch);
}


static void
test_agents(void)
{
    char                  *body, name[256 * 4 + 1];
    ngx_uint_t             i;
    ngx_av_batch_t        *batch;
    ngx_av_batch_ref_t  *agent;

    batch = batch_decode(BODY(
        TRACE(HEAD(T1), "") ","
        TRACE(HEAD(T2) ",\"agent\":\"bad one\"", "7") ","
        TRACE(HEAD(T2) ",\"agent\":\"b\xc3\xbcro\"", "") ","
        TRACE(HEAD(T2) ",\"agent\":\"" BOT "\\u0000\"", "") ","
        TRACE(HEAD(T2) ",\"agent\":\"b\\u00fcro\"", "") ","
        TRACE(HEAD(T2) ",\"agent\":\"b\\u00fcro\"", "")));

    agent = batch->refs[NGX_AV_REF_AGENT].elts;

    is(batch->parts.nelts, 5, "agents: parts");
    is(batch->refs[NGX_AV_REF_AGENT].nelts, 2, "agents: distinct, of accepted traces");
    is_text(agent[0].doc.data, agent[0].doc.len, BOT, "agents: the first");
    is_text(agent[1].doc.data, agent[1].doc.len, "b\xc3\xbcro",
            "agents: the second");
    is_trace_cell(batch, 2, NGX_AV_TRACE_AGENT_ID, BOT_ID,
                  "agents: NULs do not make another");

    ngx_av_batch_destroy(batch);

    /* 255 characters of four bytes, and one more */

    for (i = 0; i < 256; i++) {
        ngx_memcpy(&name[4 * i], "\xf0\x9f\x98\x80", 4);
    }

    name[256 * 4] = '\0';

    body = batch_format(BODY(TRACE(HEAD(T1) ",\"agent\":\"%s\"", "") ","
                             TRACE(HEAD(T1) ",\"agent\":\"%s\"", "")),
                        &name[4], name);
    batch = batch_decode(body);
    is(batch->refs[NGX_AV_REF_AGENT].nelts, 1, "255 characters: are taken");

    agent = batch->refs[NGX_AV_REF_AGENT].elts;
    is(agent[0].doc.len, 1020, "255 characters: are kept");

    batch_is_error(batch, 0, 1, "\"" T1 "\"",
                   "traces[1].trace.agent: must have at most 255 characters",
                   "256 characters");

    free(body);
    ngx_av_batch_destroy(batch);

    /* NULs are none of them */

    body = batch_format(BODY(TRACE(HEAD(T1) ",\"agent\":\"%s\\u0000\\u0000\"",
                                   "")), &name[4]);
    batch = batch_decode(body);
    is(batch->refs[NGX_AV_REF_AGENT].nelts, 1, "255 characters and two NULs");

    free(body);
    ngx_av_batch_destroy(batch);

    /* and they need not be long */

    ngx_memset(name, 'a', 256);

    body = batch_format(BODY(TRACE(HEAD(T1) ",\"agent\":\"%.255s\"", "") ","
                             TRACE(HEAD(T1) ",\"agent\":\"%.256s\"", "")),
                        name, name);
    batch = batch_decode(body);
    is(batch->refs[NGX_AV_REF_AGENT].nelts, 1, "255 letters: are taken");
    is(batch->errors.nelts, 1, "256 letters: are not");

    free(body);
    ngx_av_batch_destroy(batch);
}


/* What a bad trace leaves behind: nothing, wherever it stands. */

static void
test_rollback(void)
{
    char            *body;
    size_t           i, j, row, bad;
    const char      *got, *expected;
    ngx_av_batch_t  *batch, *good;

    static const char *const  traces[] = {
        TRACE(HEAD(T1) ",\"outcome\":\"one\"",
              "{" SPAN(S1) ",\"input\":[1]},{" SPAN(S2) "}"),
        TRACE(HEAD(T2) ",\"agent\":\"ab\",\"metadata\":{\"x\":1}",
              "{" SPAN(S1) ",\"metadata\":{\"y\":2}}")
    };

    static const char *const  errors[] = {
        "7",
        TRACE("", "{" SPAN(S1) "}"),
        TRACE(HEAD(T3) ",\"agent\":\"never\"", "{" SPAN(S1) ",\"model\":1}"),
        TRACE(HEAD(T3) ",\"agent\":\"never\"",
              "{" SPAN(S1) ",\"model\":\"m\"},{" SPAN(S2) "},{}"),
        TRACE(HEAD(T3), "{" SPAN(S1) ",\"model\":\"m\","
              "\"input\":[[1],[[2]],[[[[3]]]]]}"),
        TRACE(HEAD(T3), "{" SPAN(S1) "},{" SPAN(S2)
              ",\"metadata\":{\"a\":1,\"b\":[[[[4]]]]}}"),
        TRACE(HEAD(T3) ",\"metadata\":{\"a\":1,\"b\":[[[[5]]]]}",
              "{" SPAN(S1) RUNNING "},{" SPAN(S1) "}"),
        TRACE(HEAD(T3), "{" SPAN(S1) RUNNING "},{" SPAN(S2) "},"
              "{" SPAN(S1) ",\"output\":{\"a\":[[[[6]]]]}}")
    };

    body = batch_format(BODY("%s,%s"), traces[0], traces[1]);
    good = batch_decode(body);
    free(body);

    for (i = 0; i < 3 * COUNT(errors); i++) {

        body = batch_format(BODY("%s,%s,%s"),
                            i % 3 == 0 ? errors[i / 3] : traces[0],
                            i % 3 == 1 ? errors[i / 3]
                            : i % 3 == 0 ? traces[0] : traces[1],
                            i % 3 == 2 ? errors[i / 3] : traces[1]);
        batch = batch_decode(body);
        free(body);

        if (!is(batch->errors.nelts, 1, "bad trace %lu: is rejected",
                (unsigned long) i)
            || !is(batch->parts.nelts, 2, "bad trace %lu: the others are not",
                   (unsigned long) i)
            || !is(batch->nrows, 3, "bad trace %lu: nor are their spans",
                   (unsigned long) i))
        {
            ngx_av_batch_destroy(batch);
            continue;
        }

        bad = (batch->refs[NGX_AV_REF_AGENT].nelts != 2);

        for (j = 0; j < NGX_AV_TRACE_NCOLUMNS; j++) {
            for (row = 0; row < 2; row++) {
                got = ngx_av_batch_trace_cell(batch, row, j, NULL);
                expected = ngx_av_batch_trace_cell(good, row, j, NULL);
                bad += (strcmp(got, expected) != 0);
            }
        }

        for (j = 0; j < NGX_AV_SPAN_NCOLUMNS; j++) {
            for (row = 0; row < 3 && j != NGX_AV_SPAN_ORDINAL; row++) {
                got = ngx_av_batch_span_cell(batch, row, j, NULL);
                expected = ngx_av_batch_span_cell(good, row, j, NULL);
                bad += (strcmp(got, expected) != 0);
            }
        }

        is(bad, 0, "bad trace %lu: the others are as without it",
           (unsigned long) i);

        ngx_av_batch_destroy(batch);
    }

    ngx_av_batch_destroy(good);
}


static void
test_reject(void)
{
    char            *body, id[1000], quoted[] = "\"" T1 "\"";
    ngx_str_t        trace_id;
    ngx_av_batch_t  *batch;

    /* the id comes back as it was sent, if not too long */

    batch = batch_decode(BODY("{\"trace\":{\"trace_id\":"
                              "\"a\\u0000\\\"\\n\"}}"));
    batch_is_error(batch, 0, 0, "\"a\\\"\\n\"",
                   "traces[0].trace.trace_id: must be a UUID", "an odd id");
    ngx_av_batch_destroy(batch);

    ngx_memset(id, 'x', sizeof(id));
    ngx_memcpy(&id[63], "\xc3\xbc\xc3\xbc", 4);
    id[sizeof(id) - 1] = '\0';

    body = batch_format(BODY("{\"trace\":{\"trace_id\":\"%s\"}}"), id);
    batch = batch_decode(body);
    free(body);

    body = batch_format("\"%.63s\"", id);
    batch_is_error(batch, 0, 0, body,
                   "traces[0].trace.trace_id: must be a UUID", "a long id");
    free(body);

    /* what the database refuses is added */

    trace_id.data = (u_char *) quoted;
    trace_id.len = sizeof(quoted) - 1;

    is(ngx_av_batch_reject(batch, 3, &trace_id, "so sorry"), NGX_OK,
       "an error more");
    quoted[1] = 'x';
    batch_is_error(batch, 1, 3, "\"" T1 "\"", "so sorry", "an error more");

    is(ngx_av_batch_reject(batch, 4, NULL, ""), NGX_OK, "without an id");
    batch_is_error(batch, 2, 4, "null", "", "without an id");

    ngx_av_batch_destroy(batch);
}


/* Whatever allocation fails, it is said, and nothing leaks or is half done. */

static void
test_memory(void)
{
    ngx_uint_t       n, bad;
    const char      *body;
    ngx_av_uuid_t    account;
    ngx_av_batch_t  *batch;

    body = BODY(TRACE(HEAD(T1) ",\"agent\":\"a\\u0000b\","
                               "\"metadata\":{\"x\":1}",
                "{" SPAN(S1) RUNNING ",\"input\":\"a\\u0000b\"},"
                "{" SPAN(S1) ",\"type\":\"odd\"},"
                "{" SPAN(S2) ",\"input\":[1,2,3,4,5,6,7,8,9,10]}")
                ",{}," TRACE(HEAD(T2), ""));

    limits.span_limit = 16;
    ngx_memzero(&account, sizeof(ngx_av_uuid_t));
    bad = 0;

    for (n = 0; /* void */ ; n++) {
        ngx_av_stub_fail_after(n);

        batch = ngx_av_batch_create(NGX_AV_BATCH_TRACES, &account, NULL);
        if (batch == NULL) {
            continue;
        }

        decoded = ngx_av_batch_decode(batch, (u_char *) body, strlen(body),
                                      &limits, now, &detail);

        ngx_av_stub_fail_never();
        ngx_av_batch_destroy(batch);

        if (decoded == NGX_OK) {
            break;
        }

        bad += (decoded != NGX_ERROR);
    }

    is(bad, 0, "every allocation that fails is an error (%lu of them)",
       (unsigned long) n);
    ok(n > 10, "some can fail");

    batch_setup();

    limits.memory_limit = 64;
    batch = batch_decode(body);
    is(decoded, NGX_ABORT, "a document over its memory limit");
    ngx_av_batch_destroy(batch);

    batch_setup();
}


int
main(void)
{
    batch_setup();

    test_fields();
    test_errors();
    test_elements();
    test_refusals();
    test_sums();
    test_window();
    test_ordinals();
    test_repeated();
    test_agents();
    test_rollback();
    test_reject();
    test_memory();

    return ngx_av_tap_done();
}
