/* Log records of OTLP into rows (agentvista.md 7.4). */

#include "ngx_av_otlp_case.h"
#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


#define TRACE     "11111111111111111111111111111111"
#define SPAN      "aaaaaaaaaaaaaaaa"

#define LOGS(list)                                                            \
    ENVELOPE("resourceLogs", "scopeLogs", "logRecords", "svc", list)

#define TIME      "'timeUnixNano':'" T0 "'"
#define BODY(v)   ",'body':{" v "}"
#define ATTR(a)   ",'attributes':[" a "]"


typedef struct {
    const char  *what;
    const char  *record;
    ngx_uint_t   column;
    const char  *expected;
} logs_case_t;


static const logs_case_t  logs_cases[] = {
    { "account", TIME, NGX_AV_LOG_ACCOUNT, ACCOUNT },
    { "day", TIME, NGX_AV_LOG_DAY, T0_DAY },
    { "time", TIME, NGX_AV_LOG_LOGGED_AT, T0_TEXT },
    { "whole microseconds", TIME, NGX_AV_LOG_LOGGED_NANOS, "NULL" },
    { "nanoseconds", "'timeUnixNano':'1792756800000001234'",
      NGX_AV_LOG_LOGGED_NANOS, "234" },
    { "not observed", TIME, NGX_AV_LOG_OBSERVED_AT, "NULL" },
    { "observed", TIME ",'observedTimeUnixNano':'1792756800500000000'",
      NGX_AV_LOG_OBSERVED_AT, "2026-10-23T12:00:00.500Z" },
    { "without a time: when it was observed",
      "'observedTimeUnixNano':'1792756800500000000'", NGX_AV_LOG_LOGGED_AT,
      "2026-10-23T12:00:00.500Z" },
    { "without both: arrival", "", NGX_AV_LOG_LOGGED_AT,
      "2026-10-23T12:00:01.000001Z" },

    { "severity 1", TIME ",'severityNumber':1", NGX_AV_LOG_SEVERITY, "1" },
    { "severity 4", TIME ",'severityNumber':4", NGX_AV_LOG_SEVERITY, "1" },
    { "severity 5", TIME ",'severityNumber':5", NGX_AV_LOG_SEVERITY, "2" },
    { "severity 9", TIME ",'severityNumber':9", NGX_AV_LOG_SEVERITY, "3" },
    { "severity 12", TIME ",'severityNumber':12", NGX_AV_LOG_SEVERITY, "3" },
    { "severity 13", TIME ",'severityNumber':13", NGX_AV_LOG_SEVERITY, "4" },
    { "severity 17", TIME ",'severityNumber':17", NGX_AV_LOG_SEVERITY, "5" },
    { "severity 21", TIME ",'severityNumber':21", NGX_AV_LOG_SEVERITY, "6" },
    { "severity 24", TIME ",'severityNumber':24", NGX_AV_LOG_SEVERITY, "6" },
    { "severity 25", TIME ",'severityNumber':25", NGX_AV_LOG_SEVERITY, "3" },
    { "a number before a text",
      TIME ",'severityNumber':17,'severityText':'debug'",
      NGX_AV_LOG_SEVERITY, "5" },
    { "a text", TIME ",'severityText':'Warning'", NGX_AV_LOG_SEVERITY, "4" },
    { "another", TIME ",'severityText':'CRITICAL'", NGX_AV_LOG_SEVERITY,
      "6" },
    { "a text that says nothing", TIME ",'severityText':'loud'",
      NGX_AV_LOG_SEVERITY, "3" },
    { "neither", TIME, NGX_AV_LOG_SEVERITY, "3" },
    { "the number is kept", TIME ",'severityNumber':10",
      NGX_AV_LOG_SEVERITY_NUMBER, "10" },
    { "no number", TIME, NGX_AV_LOG_SEVERITY_NUMBER, "NULL" },
    { "the text is kept", TIME ",'severityText':'loud'",
      NGX_AV_LOG_SEVERITY_TEXT, "loud" },
    { "no text", TIME, NGX_AV_LOG_SEVERITY_TEXT, "NULL" },

    { "service", TIME, NGX_AV_LOG_SERVICE_NAME, "svc" },
    { "no event", TIME, NGX_AV_LOG_EVENT_NAME, "NULL" },
    { "event", TIME ",'eventName':'e'", NGX_AV_LOG_EVENT_NAME, "e" },
    { "event: of older senders", TIME ATTR(STR("event.name", "e")),
      NGX_AV_LOG_EVENT_NAME, "e" },
    { "event: the newer one first",
      TIME ",'eventName':'n'" ATTR(STR("event.name", "e")),
      NGX_AV_LOG_EVENT_NAME, "n" },

    { "no body", TIME, NGX_AV_LOG_BODY, "NULL" },
    { "an empty body", TIME BODY("'stringValue':''"), NGX_AV_LOG_BODY, "" },
    { "text", TIME BODY("'stringValue':'it\\u0000 is'"), NGX_AV_LOG_BODY,
      "it is" },
    { "text is not structured", TIME BODY("'stringValue':'{}'"),
      NGX_AV_LOG_STRUCTURED, "NULL" },
    { "a map", TIME BODY("'kvlistValue':{'values':[" STR("a", "b") "]}"),
      NGX_AV_LOG_BODY, "{'a':'b'}" },
    { "a map is structured",
      TIME BODY("'kvlistValue':{'values':[" STR("a", "b") "]}"),
      NGX_AV_LOG_STRUCTURED, "t" },
    { "an array",
      TIME BODY("'arrayValue':{'values':[{'intValue':1},{'stringValue':'x'}"
                "]}"), NGX_AV_LOG_BODY, "[1,'x']" },
    { "a number", TIME BODY("'intValue':'42'"), NGX_AV_LOG_BODY, "42" },
    { "a number is structured", TIME BODY("'intValue':'42'"),
      NGX_AV_LOG_STRUCTURED, "t" },
    { "bytes", TIME BODY("'bytesValue':'AQI='"), NGX_AV_LOG_BODY,
      "'AQI='" },

    { "attributes", TIME ATTR(STR("a", "b")), NGX_AV_LOG_ATTRIBUTES,
      "{'a':'b'}" },
    { "no attributes", TIME, NGX_AV_LOG_ATTRIBUTES, "NULL" },
    { "trace", TIME ",'traceId':'" TRACE "'", NGX_AV_LOG_TRACE_ID,
      "11111111-1111-1111-1111-111111111111" },
    { "span", TIME ",'spanId':'" SPAN "'", NGX_AV_LOG_SPAN_ID,
      "00000000-0000-0000-aaaa-aaaaaaaaaaaa" },
    { "no trace", TIME, NGX_AV_LOG_TRACE_ID, "NULL" },
    { "a trace that is not valid is none", TIME ",'traceId':'abcd'",
      NGX_AV_LOG_TRACE_ID, "NULL" },
    { "a span of zeros is none", TIME ",'spanId':'0000000000000000'",
      NGX_AV_LOG_SPAN_ID, "NULL" },
    { "flags", TIME ",'flags':4294967295", NGX_AV_LOG_FLAGS, "4294967295" },
    { "no flags", TIME, NGX_AV_LOG_FLAGS, "NULL" },
    { "nothing is cut", TIME, NGX_AV_LOG_TRUNCATED, "NULL" }
};


static void
logs_table(void)
{
    char             json[4096];
    ngx_uint_t       i;
    const char      *cell;
    ngx_av_batch_t  *batch;

    for (i = 0; i < ngx_av_case_count(logs_cases); i++) {
        snprintf(json, sizeof(json), LOGS("{%s}"), logs_cases[i].record);

        batch = ngx_av_case_json(NGX_AV_OTLP_LOGS, json);

        if (ngx_av_case_rc != NGX_OK || batch->nrows != 1) {
            ok(0, "%s: decoded (%.*s)", logs_cases[i].what,
               (int) ngx_av_case_detail.len, ngx_av_case_detail.data);

        } else {
            cell = ngx_av_case_cell(batch, 0, logs_cases[i].column);
            is_text((u_char *) cell, strlen(cell), logs_cases[i].expected,
                    "%s", logs_cases[i].what);
        }

        ngx_av_batch_destroy(batch);
    }
}


/* The id of the first record, or of the one given. */

static void
logs_id(char *id, const char *record, ngx_uint_t row)
{
    char             json[4096];
    ngx_av_batch_t  *batch;

    snprintf(json, sizeof(json), LOGS("%s"), record);

    batch = ngx_av_case_json(NGX_AV_OTLP_LOGS, json);
    strcpy(id, ngx_av_case_cell(batch, row, NGX_AV_LOG_ID));

    ngx_av_batch_destroy(batch);
}


static void
logs_ids(void)
{
    char        id[64], other[64];
    ngx_uint_t  i, bad;

    static const char  *const different[] = {
        "{" TIME ",'body':{'stringValue':'y'}}",
        "{" TIME ",'body':{'stringValue':'x'},'severityNumber':1}",
        "{" TIME ",'body':{'stringValue':'x'},'severityText':'x'}",
        "{" TIME ",'body':{'stringValue':'x'},'eventName':'x'}",
        "{" TIME ",'body':{'stringValue':'x'},'flags':1}",
        "{" TIME ",'body':{'stringValue':'x'},'traceId':'" TRACE "'}",
        "{" TIME ",'body':{'stringValue':'x'},'spanId':'" SPAN "'}",
        "{" TIME ",'body':{'stringValue':'x'},'observedTimeUnixNano':1}",
        "{" TIME ",'body':{'stringValue':'x'}" ATTR(STR("a", "b")) "}",
        "{" TIME ",'eventName':'x'}",
        "{" TIME "}",
        "{'timeUnixNano':'1792756800000000001','body':{'stringValue':'x'}}"
    };

    logs_id(id, "{" TIME ",'body':{'stringValue':'x'}}", 0);

    /* 1792756800000 ms is 0x1a168a1da00 */

    id[18] = '\0';
    is_text((u_char *) id, 18, "01a168a1-da00-8000", "an id begins with the "
            "time, in milliseconds");

    logs_id(id, "{'timeUnixNano':'1792756800000500000'}", 0);
    id[18] = '\0';
    is_text((u_char *) id, 18, "01a168a1-da00-8800", "and a fraction");

    logs_id(id, "{'timeUnixNano':'1792756800000999999'}", 0);
    id[18] = '\0';
    is_text((u_char *) id, 18, "01a168a1-da00-8fff", "of twelve bits");

    logs_id(id, "{" TIME ",'body':{'stringValue':'x'}}", 0);
    logs_id(other, "{" TIME ",'body':{'stringValue':'x'}}", 0);
    ok(strcmp(id, other) == 0, "the same record has the same id");

    logs_id(other, "{'timeUnixNano':'1792756800000001000','body':"
                   "{'stringValue':'y'}},"
                   "{" TIME ",'body':{'stringValue':'x'}}", 1);
    ok(strcmp(id, other) == 0, "whatever of another moment comes before it");

    logs_id(other, "{" TIME ",'body':{'stringValue':'x'}},"
                   "{" TIME ",'body':{'stringValue':'x'}}", 0);
    ok(strcmp(id, other) == 0, "or after it");

    logs_id(other, "{" TIME ",'body':{'stringValue':'x'}},"
                   "{" TIME ",'body':{'stringValue':'x'}}", 1);
    ok(strcmp(id, other) != 0, "but a second time it has another");

    logs_id(id, "{" TIME ",'body':{'stringValue':'x'}},"
                "{" TIME ",'body':{'stringValue':'x'}}", 1);
    ok(strcmp(id, other) == 0, "the same again in the same request again");

    logs_id(id, "{" TIME ",'body':{'stringValue':'x'}}", 0);

    bad = 0;

    for (i = 0; i < ngx_av_case_count(different); i++) {
        logs_id(other, different[i], 0);

        if (strcmp(id, other) == 0) {
            ngx_av_tap_diag("%s", different[i]);
            bad++;
        }
    }

    is(bad, 0, "whatever differs makes another id");
}


/* So many records of one moment, of which some are the same. */

#define LOGS_MANY  16500

static void
logs_order(void)
{
    char            *json, *p, *before;
    char             id[64], other[64], last[64];
    ngx_uint_t       i, bad, same;
    ngx_av_batch_t  *batch;

    p = json = malloc(LOGS_MANY * 80 + 256);

    p += sprintf(p, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[");

    for (i = 0; i < LOGS_MANY; i++) {
        p += sprintf(p, "%s{\"timeUnixNano\":\"1792756800000000000\","
                     "\"body\":{\"stringValue\":\"%u\"}}", i ? "," : "",
                     (unsigned) (i * 7919 % 5));
    }

    strcpy(p, "]}]}]}");

    batch = ngx_av_case_json(NGX_AV_OTLP_LOGS, json);
    is(batch->nrows, LOGS_MANY, "many records of one moment");

    bad = 0;
    same = 0;
    last[0] = '\0';

    for (i = 0; i < LOGS_MANY; i++) {
        strcpy(id, ngx_av_case_cell(batch, i, NGX_AV_LOG_ID));

        if (i <= 0x3fff) {
            bad += (strcmp(last, id) >= 0);

        } else {
            same += (strcmp(last, id) == 0);
            bad += (strncmp(id + 19, "bfff", 4) != 0);
        }

        strcpy(last, id);
    }

    is(bad, 0, "ids are in the order of the request, as far as they can be");
    is(same, 0, "beyond that they still differ");

    ngx_av_batch_destroy(batch);
    free(json);

    /* as it is with clocks of milliseconds */

    before = "{" TIME ",'body':{'stringValue':'z'}},"
             "{" TIME ",'body':{'stringValue':'x'}},"
             "{" TIME ",'body':{'stringValue':'y'}}";

    logs_id(id, before, 0);
    logs_id(other, before, 2);
    ok(strcmp(id, other) < 0, "a record is before the one that follows it");
    logs_id(last, before, 2);
    ok(strcmp(last, other) == 0, "in a retried request, too");
}


static void
logs_refused(void)
{
    const char      *cell;
    ngx_av_batch_t  *batch;

    batch = ngx_av_case_json(NGX_AV_OTLP_LOGS, LOGS(
        "{'timeUnixNano':'1544712660000000000'},"
        "{" TIME BODY("'stringValue':'kept'") "},"
        "{" TIME ",'observedTimeUnixNano':'9223372036854775808'},"
        "{'timeUnixNano':'18446744073709551615'}"));

    ok(batch->nrows == 1 && batch->nrejected == 3 && batch->parts.nelts == 1,
       "records without a place in time are refused, their neighbour is not");

    cell = ngx_av_case_error(batch, 0);
    is_text((u_char *) cell, strlen(cell),
            "timeUnixNano: outside the time that is kept", "too old");

    cell = ngx_av_case_error(batch, 1);
    is_text((u_char *) cell, strlen(cell),
            "observedTimeUnixNano: out of range", "beyond all");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_LOG_BODY);
    is_text((u_char *) cell, strlen(cell), "kept", "the neighbour");

    ngx_av_batch_destroy(batch);
}


static void
logs_limits(void)
{
    char             json[16384];
    const char      *cell;
    ngx_av_batch_t  *batch;

    /* a string in a map is cut; a map over all limits becomes text */

    snprintf(json, sizeof(json), LOGS(
             "{" TIME BODY("'kvlistValue':{'values':[" STR("a", "%01500d")
             "]}") "},{" TIME BODY("'arrayValue':{'values':["
             "{'stringValue':'%01000d'},{'stringValue':'%01000d'},"
             "{'stringValue':'%01000d'},{'stringValue':'%01000d'},"
             "{'stringValue':'%01000d'}]}") "},{" TIME
             BODY("'stringValue':'%01500d'") "}"), 0, 0, 0, 0, 0, 0, 0);

    batch = ngx_av_case_json(NGX_AV_OTLP_LOGS, json);

    cell = ngx_av_case_cell(batch, 0, NGX_AV_LOG_BODY);
    is(strlen(cell), 1 + 4 + 1026 + 1, "a string in a map is cut");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_LOG_STRUCTURED);
    is_text((u_char *) cell, strlen(cell), "t", "it is still a map");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_LOG_TRUNCATED);
    is_text((u_char *) cell, strlen(cell), "{'body':1500}", "this is noted");

    cell = ngx_av_case_cell(batch, 1, NGX_AV_LOG_BODY);
    ok(strlen(cell) == 1024 && strncmp(cell, "['00", 4) == 0,
       "of an array over all limits the beginning is kept");

    cell = ngx_av_case_cell(batch, 1, NGX_AV_LOG_STRUCTURED);
    is_text((u_char *) cell, strlen(cell), "NULL", "which is text");

    cell = ngx_av_case_cell(batch, 1, NGX_AV_LOG_TRUNCATED);
    is_text((u_char *) cell, strlen(cell), "{'body':5016}", "and its size");

    cell = ngx_av_case_cell(batch, 2, NGX_AV_LOG_BODY);
    is(strlen(cell), 1024, "text is cut");

    ngx_av_batch_destroy(batch);
}


static void
logs_no_memory(void)
{
    ngx_uint_t       n, bad;
    ngx_av_batch_t  *batch;

    bad = 0;

    for (n = 0; n < 100000; n++) {
        ngx_av_stub_fail_after(n);

        batch = ngx_av_case_json(NGX_AV_OTLP_LOGS, LOGS(
            "{" TIME BODY("'stringValue':'x'") "},"
            "{" TIME BODY("'kvlistValue':{'values':[" STR("a", "b") "]}")
            ATTR(STR("a", "b")) ",'eventName':'e'},{" TIME "},{" TIME "},"
            "{'timeUnixNano':1}"));

        if (batch == NULL) {
            continue;
        }

        if (ngx_av_case_rc == NGX_OK) {
            ngx_av_batch_destroy(batch);
            break;
        }

        bad += (ngx_av_case_rc != NGX_ERROR);

        ngx_av_batch_destroy(batch);
    }

    ngx_av_stub_fail_never();

    ok(n > 20 && n < 100000, "every allocation failed once (%lu)", n);
    is(bad, 0, "which is an error each time");
}


/* A body of empty records is short, and its rows would not be. */

static void
logs_memory_limit(void)
{
    u_char          *body;
    size_t           i, len;
    ngx_av_batch_t  *batch;

    len = 4 + 4 + 2 * 100000;
    body = malloc(len + 2);

    if (body == NULL) {
        abort();
    }

    /* resource logs, scope logs: both 3-byte lengths; records of length 0 */

    body[0] = 0x0a;
    body[1] = ((len - 4) & 0x7f) | 0x80;
    body[2] = ((len - 4) >> 7 & 0x7f) | 0x80;
    body[3] = (len - 4) >> 14;
    body[4] = 0x12;
    body[5] = ((len - 8) & 0x7f) | 0x80;
    body[6] = ((len - 8) >> 7 & 0x7f) | 0x80;
    body[7] = (len - 8) >> 14;

    for (i = 8; i < len; i += 2) {
        body[i] = 0x12;
        body[i + 1] = 0;
    }

    ngx_av_case_options.limits.memory_limit = 8 * 1024 * 1024;

    batch = ngx_av_case_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                               len);
    is(ngx_av_case_rc, NGX_ABORT, "rows that need more memory than allowed");
    ngx_av_batch_destroy(batch);

    ngx_av_case_options.limits.memory_limit = 64 * 1024 * 1024;

    batch = ngx_av_case_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                               len);
    ok(ngx_av_case_rc == NGX_OK && batch->nrows == 100000,
       "and not more than that");
    ngx_av_batch_destroy(batch);

    ngx_av_case_reset();
    free(body);
}


int
main(void)
{
    ngx_av_case_reset();

    logs_table();
    logs_ids();
    logs_order();
    logs_refused();
    logs_limits();
    logs_memory_limit();
    logs_no_memory();

    return ngx_av_tap_done();
}
