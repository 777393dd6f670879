/* Spans of OTLP into rows, and the headers made of them (agentvista.md 7.2). */

#include "ngx_av_otlp_case.h"
#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


#define ID1       "11111111111111111111111111111111"
#define ID2       "22222222222222222222222222222222"
#define ID3       "33333333333333333333333333333333"
#define UUID1     "11111111-1111-1111-1111-111111111111"
#define UUID2     "22222222-2222-2222-2222-222222222222"
#define UUID3     "33333333-3333-3333-3333-333333333333"

#define A         "aaaaaaaaaaaaaaaa"
#define B         "bbbbbbbbbbbbbbbb"
#define C         "cccccccccccccccc"
#define UUID_A    "00000000-0000-0000-aaaa-aaaaaaaaaaaa"
#define UUID_B    "00000000-0000-0000-bbbb-bbbbbbbbbbbb"

#define SPANS(list)                                                           \
    ENVELOPE("resourceSpans", "scopeSpans", "spans", "svc", list)

/* more comes after a comma; times and a parent are left to it */
#define SPAN(trace, id, more)                                                 \
    "{'traceId':'" trace "','spanId':'" id "'" more "}"

#define START(t)  ",'startTimeUnixNano':'" t "'"
#define END(t)    ",'endTimeUnixNano':'" t "'"
#define TIMES     START(T0) END("1792756800500000000")
#define PARENT(p) ",'parentSpanId':'" p "'"
#define NAME(n)   ",'name':'" n "'"
#define ATTR(a)   ",'attributes':[" a "]"
#define INT(k, n) "{'key':'" k "','value':{'intValue':'" n "'}}"

/* UUIDv5 of the account and the name, by another implementation */
#define SVC_ID    "5ca8d86f-1bfd-5628-97f3-c62643ae1366"


typedef struct {
    const char  *what;
    const char  *span;              /* what it has besides its ids */
    ngx_uint_t   column;
    const char  *expected;
} traces_span_t;


typedef struct {
    const char  *what;
    const char  *spans;
    ngx_uint_t   column;
    const char  *expected;
} traces_header_t;


static const traces_span_t  traces_spans[] = {
    { "trace id", TIMES, NGX_AV_SPAN_TRACE_ID, UUID1 },
    { "a span id is padded", TIMES, NGX_AV_SPAN_ID, UUID_A },
    { "account", TIMES, NGX_AV_SPAN_ACCOUNT, ACCOUNT },
    { "no parent", TIMES, NGX_AV_SPAN_PARENT_ID, "NULL" },
    { "parent", TIMES PARENT(B), NGX_AV_SPAN_PARENT_ID, UUID_B },
    { "an empty parent is none", TIMES PARENT(""), NGX_AV_SPAN_PARENT_ID,
      "NULL" },
    { "a parent of zeros is none", TIMES PARENT("0000000000000000"),
      NGX_AV_SPAN_PARENT_ID, "NULL" },
    { "home day", TIMES, NGX_AV_SPAN_HOME_DAY, T0_DAY },
    { "ordinal: microseconds of arrival", TIMES, NGX_AV_SPAN_ORDINAL,
      "1792756801000001" },

    { "start", TIMES, NGX_AV_SPAN_STARTED_AT, T0_TEXT },
    { "end", TIMES, NGX_AV_SPAN_ENDED_AT, "2026-10-23T12:00:00.500Z" },
    { "duration", TIMES, NGX_AV_SPAN_DURATION, "500000000" },
    { "whole microseconds", TIMES, NGX_AV_SPAN_STARTED_NANOS, "NULL" },
    { "nanoseconds of the start",
      START("1792756800000001234") END("1792756800000009999"),
      NGX_AV_SPAN_STARTED_NANOS, "234" },
    { "its microseconds",
      START("1792756800000001234") END("1792756800000009999"),
      NGX_AV_SPAN_STARTED_AT, "2026-10-23T12:00:00.000001Z" },
    { "nanoseconds of the end",
      START("1792756800000001234") END("1792756800000009999"),
      NGX_AV_SPAN_ENDED_NANOS, "999" },
    { "no digit of a duration is lost",
      START("1792756800000001234") END("1792756800000009999"),
      NGX_AV_SPAN_DURATION, "8765" },
    { "without a start: the end", END(T0), NGX_AV_SPAN_STARTED_AT, T0_TEXT },
    { "and no duration to speak of", END(T0), NGX_AV_SPAN_DURATION, "0" },
    { "without both: arrival", "", NGX_AV_SPAN_STARTED_AT,
      "2026-10-23T12:00:01.000001Z" },
    { "its nanoseconds", "", NGX_AV_SPAN_STARTED_NANOS, "999" },
    { "without an end: null", START(T0), NGX_AV_SPAN_ENDED_AT, "NULL" },
    { "without an end: no duration", START(T0), NGX_AV_SPAN_DURATION,
      "NULL" },
    { "end before start: kept",
      START("1792756800500000000") END(T0), NGX_AV_SPAN_ENDED_AT, T0_TEXT },
    { "end before start: duration 0",
      START("1792756800500000000") END(T0), NGX_AV_SPAN_DURATION, "0" },

    { "name", TIMES NAME("op"), NGX_AV_SPAN_NAME, "op" },
    { "no name", TIMES, NGX_AV_SPAN_NAME, "" },
    { "NULs are removed", TIMES NAME("a\\u0000b"), NGX_AV_SPAN_NAME, "ab" },
    { "lone surrogates are replaced", TIMES NAME("a\\ud800b"),
      NGX_AV_SPAN_NAME, "a\xef\xbf\xbd" "b" },
    { "a tool's span keeps its name",
      TIMES NAME("t") ATTR(STR("gen_ai.tool.name", "search")),
      NGX_AV_SPAN_NAME, "t" },

    { "kind", TIMES ",'kind':3", NGX_AV_SPAN_KIND, "3" },
    { "no kind", TIMES, NGX_AV_SPAN_KIND, "0" },
    { "an unknown kind is kept", TIMES ",'kind':77", NGX_AV_SPAN_KIND, "77" },
    { "a kind beyond all", TIMES ",'kind':70000", NGX_AV_SPAN_KIND, "NULL" },
    { "unset is completed", TIMES, NGX_AV_SPAN_STATUS, "1" },
    { "unset stays unset", TIMES, NGX_AV_SPAN_OTLP_STATUS, "0" },
    { "ok is completed", TIMES ",'status':{'code':1}", NGX_AV_SPAN_STATUS,
      "1" },
    { "ok stays ok", TIMES ",'status':{'code':1}", NGX_AV_SPAN_OTLP_STATUS,
      "1" },
    { "error is failed", TIMES ",'status':{'code':2}", NGX_AV_SPAN_STATUS,
      "2" },
    { "error message", TIMES ",'status':{'code':2,'message':'bad'}",
      NGX_AV_SPAN_ERROR_MESSAGE, "bad" },
    { "no error, no message", TIMES ",'status':{'code':1,'message':'x'}",
      NGX_AV_SPAN_ERROR_MESSAGE, "NULL" },

    { "type", TIMES ATTR(STR("gen_ai.operation.name", "chat")),
      NGX_AV_SPAN_TYPE, "2" },
    { "no sign of a type", TIMES, NGX_AV_SPAN_TYPE, "13" },
    { "model", TIMES ATTR(STR("gen_ai.request.model", "m")),
      NGX_AV_SPAN_MODEL, "m" },
    { "input tokens", TIMES ATTR(INT("gen_ai.usage.input_tokens", "7")),
      NGX_AV_SPAN_INPUT_TOKENS, "7" },
    { "output tokens", TIMES ATTR(INT("gen_ai.usage.output_tokens", "0")),
      NGX_AV_SPAN_OUTPUT_TOKENS, "0" },
    { "total tokens",
      TIMES ATTR(INT("gen_ai.usage.input_tokens", "7") ","
                 INT("gen_ai.usage.output_tokens", "5")),
      NGX_AV_SPAN_TOTAL_TOKENS, "12" },
    { "cost", TIMES ATTR(STR("llm.cost.total", "0.0042")), NGX_AV_SPAN_COST,
      "0.0042" },
    { "session", TIMES ATTR(STR("session.id", "s1")), NGX_AV_SPAN_SESSION_ID,
      "s1" },
    { "user", TIMES ATTR(STR("user.id", "u1")), NGX_AV_SPAN_USER_ID, "u1" },
    { "input is a string of text", TIMES ATTR(STR("input.value", "hi")),
      NGX_AV_SPAN_INPUT, "'hi'" },
    { "output", TIMES ATTR(STR("output.value", "ho")), NGX_AV_SPAN_OUTPUT,
      "'ho'" },
    { "details", TIMES ATTR(STR("gen_ai.system", "openai")),
      NGX_AV_SPAN_DETAILS, "{'provider':'openai'}" },
    { "no details", TIMES, NGX_AV_SPAN_DETAILS, "NULL" },
    { "details: what was dropped before",
      TIMES ",'droppedAttributesCount':1,'droppedEventsCount':2"
      ",'droppedLinksCount':3,'traceState':'k=v'",
      NGX_AV_SPAN_DETAILS,
      "{'trace_state':'k=v','dropped_attributes_count':1,"
      "'dropped_events_count':2,'dropped_links_count':3}" },
    { "details: both kinds",
      TIMES ",'traceState':'k=v'" ATTR(STR("gen_ai.system", "openai")),
      NGX_AV_SPAN_DETAILS, "{'provider':'openai','trace_state':'k=v'}" },

    { "no attributes", TIMES, NGX_AV_SPAN_METADATA, "NULL" },
    { "attributes of every kind",
      TIMES ATTR(STR("s", "x") "," INT("i", "-9223372036854775808")
      ",{'key':'b','value':{'boolValue':true}}"
      ",{'key':'d','value':{'doubleValue':0.5}}"
      ",{'key':'nan','value':{'doubleValue':'NaN'}}"
      ",{'key':'n','value':{}}"
      ",{'key':'by','value':{'bytesValue':'AQI='}}"
      ",{'key':'a','value':{'arrayValue':{'values':[{'intValue':1},{}]}}}"
      ",{'key':'k','value':{'kvlistValue':{'values':[" STR("x", "y") "]}}}"
      ",{'key':'ea','value':{'arrayValue':{}}}"
      ",{'key':'ek','value':{'kvlistValue':{}}}"),
      NGX_AV_SPAN_METADATA,
      "{'s':'x','i':-9223372036854775808,'b':true,'d':0.5,'nan':'NaN',"
      "'n':null,'by':'AQI=','a':[1,null],'k':{'x':'y'},'ea':[],'ek':{}}" },
    { "a repeated key: jsonb keeps the last",
      TIMES ATTR(STR("k", "1") "," STR("k", "2")), NGX_AV_SPAN_METADATA,
      "{'k':'1','k':'2'}" },
    { "NULs in attributes are removed",
      TIMES ATTR(STR("k\\u0000", "v\\u0000w")), NGX_AV_SPAN_METADATA,
      "{'k':'vw'}" },

    { "no events", TIMES ",'events':[]", NGX_AV_SPAN_EVENTS, "NULL" },
    { "events",
      TIMES ",'events':[{'timeUnixNano':'1792756800000000001','name':'e',"
      "'attributes':[" STR("k", "v") "," INT("n", "2") "],"
      "'droppedAttributesCount':4},{}]",
      NGX_AV_SPAN_EVENTS,
      "[{'time_unix_nano':'1792756800000000001','name':'e',"
      "'attributes':{'k':'v','n':2},'dropped_attributes_count':4},"
      "{'time_unix_nano':'0','name':'','attributes':{}}]" },
    { "links",
      TIMES ",'links':[{'traceId':'" ID2 "','spanId':'" B "','traceState':"
      "'a=b','attributes':[" STR("k", "v") "],'droppedAttributesCount':1,"
      "'flags':257},{'traceId':'zz','spanId':''}]",
      NGX_AV_SPAN_LINKS,
      "[{'trace_id':'" ID2 "','span_id':'" B "','trace_state':'a=b',"
      "'attributes':{'k':'v'},'dropped_attributes_count':1,'flags':257},"
      "{'trace_id':'zz','span_id':'','attributes':{}}]" },

    { "nothing is cut", TIMES, NGX_AV_SPAN_TRUNCATED, "NULL" }
};


static const traces_header_t  traces_headers[] = {
    { "root", SPAN(ID1, A, TIMES), NGX_AV_TRACE_HEADER, "1" },
    { "no root", SPAN(ID1, A, TIMES PARENT(B)), NGX_AV_TRACE_HEADER, "2" },
    { "id", SPAN(ID1, A, TIMES), NGX_AV_TRACE_ID, UUID1 },
    { "home day", SPAN(ID1, A, TIMES), NGX_AV_TRACE_HOME_DAY, T0_DAY },
    { "home day: of the earliest start",
      SPAN(ID1, A, START("1792756800000000000")) ","
      SPAN(ID1, B, PARENT(A) START("1792670400000000000")),
      NGX_AV_TRACE_HOME_DAY, "9791" },
    { "agent", SPAN(ID1, A, TIMES), NGX_AV_TRACE_AGENT_ID, SVC_ID },
    { "the root's start, whoever comes first",
      SPAN(ID1, B, START("1792756799000000000") PARENT(A)) ","
      SPAN(ID1, A, START("1792756800000000123")),
      NGX_AV_TRACE_HEADER_NS, "1792756800000000123" },
    { "the root's id",
      SPAN(ID1, B, START("1792756799000000000") PARENT(A)) ","
      SPAN(ID1, A, START("1792756800000000123")),
      NGX_AV_TRACE_HEADER_SPAN, UUID_A },
    { "the earliest root",
      SPAN(ID1, A, START("1792756800000000001")) ","
      SPAN(ID1, B, START("1792756800000000000")),
      NGX_AV_TRACE_HEADER_SPAN, UUID_B },
    { "of two roots at once the smaller id",
      SPAN(ID1, B, START(T0)) "," SPAN(ID1, A, START(T0)),
      NGX_AV_TRACE_HEADER_SPAN, UUID_A },
    { "without a root the earliest",
      SPAN(ID1, A, START("1792756800000000001") PARENT(C)) ","
      SPAN(ID1, B, START("1792756800000000000") PARENT(C)),
      NGX_AV_TRACE_HEADER_SPAN, UUID_B },

    { "name: the root's", SPAN(ID1, A, TIMES NAME("n")), NGX_AV_TRACE_NAME,
      "n" },
    { "name: agentmark.trace_name",
      SPAN(ID1, A, TIMES NAME("n") ATTR(STR("agentmark.trace_name", "t"))),
      NGX_AV_TRACE_NAME, "t" },
    { "name: of any root",
      SPAN(ID1, A, START(T0) NAME("n")) ","
      SPAN(ID1, B, START("1792756800000000001") NAME("m")
                   ATTR(STR("agentmark.trace_name", "t"))),
      NGX_AV_TRACE_NAME, "t" },
    { "name: not of a child",
      SPAN(ID1, A, START(T0) NAME("n")) ","
      SPAN(ID1, B, START(T0) PARENT(A) NAME("m")
                   ATTR(STR("agentmark.trace_name", "t"))),
      NGX_AV_TRACE_NAME, "n" },
    { "name: none without a root",
      SPAN(ID1, B, START(T0) PARENT(A) NAME("m")), NGX_AV_TRACE_NAME,
      "NULL" },

    { "session: the root's",
      SPAN(ID1, B, START(T0) PARENT(A) ATTR(STR("session.id", "s2"))) ","
      SPAN(ID1, A, START("1792756800000000001")
                   ATTR(STR("session.id", "s1"))),
      NGX_AV_TRACE_SESSION_ID, "s1" },
    { "session: the first by start",
      SPAN(ID1, B, START("1792756800000000002") PARENT(A)
                   ATTR(STR("session.id", "s2"))) ","
      SPAN(ID1, C, START("1792756800000000001") PARENT(A)
                   ATTR(STR("session.id", "s3"))) ","
      SPAN(ID1, A, START(T0)),
      NGX_AV_TRACE_SESSION_ID, "s3" },
    { "no session", SPAN(ID1, A, TIMES), NGX_AV_TRACE_SESSION_ID, "NULL" },
    { "user", SPAN(ID1, A, TIMES ATTR(STR("user.id", "u"))),
      NGX_AV_TRACE_USER_ID, "u" },

    { "start: the earliest",
      SPAN(ID1, A, START("1792756800000000000")) ","
      SPAN(ID1, B, PARENT(A) START("1792756799000000000")),
      NGX_AV_TRACE_STARTED_AT, "2026-10-23T11:59:59Z" },
    { "end: the latest",
      SPAN(ID1, A, START(T0) END("1792756800100000000")) ","
      SPAN(ID1, B, PARENT(A) START(T0) END("1792756800200000000")),
      NGX_AV_TRACE_ENDED_AT, "2026-10-23T12:00:00.200Z" },
    { "no end", SPAN(ID1, A, START(T0)), NGX_AV_TRACE_ENDED_AT, "NULL" },
    { "duration",
      SPAN(ID1, A, START("1792756800000000001") END("1792756800000000005"))
      ","
      SPAN(ID1, B, PARENT(A) START(T0) END("1792756800000000003")),
      NGX_AV_TRACE_DURATION, "5" },
    { "reach: the start",
      SPAN(ID1, A, START("1792756800000000001") END("1792756800000000005")),
      NGX_AV_TRACE_SPAN_START, "1792756800000000001" },
    { "reach: the end",
      SPAN(ID1, A, START("1792756800000000001") END("1792756800000000005")),
      NGX_AV_TRACE_SPAN_END, "1792756800000000005" },
    { "reach: what has not ended counts with its start",
      SPAN(ID1, A, START("1792756800000000001") END("1792756800000000005"))
      "," SPAN(ID1, B, START("1792756800000000009")),
      NGX_AV_TRACE_SPAN_END, "1792756800000000009" },
    { "times mean nothing if they run backwards",
      SPAN(ID1, A, START("1792756800000000005") END(T0)),
      NGX_AV_TRACE_DURATION, "0" },

    { "status: the root's",
      SPAN(ID1, A, TIMES) ","
      SPAN(ID1, B, TIMES PARENT(A) ",'status':{'code':2}"),
      NGX_AV_TRACE_STATUS, "1" },
    { "status: the root failed",
      SPAN(ID1, A, TIMES ",'status':{'code':2,'message':'m'}"),
      NGX_AV_TRACE_STATUS, "2" },
    { "status: any without a root",
      SPAN(ID1, A, TIMES PARENT(C)) ","
      SPAN(ID1, B, TIMES PARENT(C) ",'status':{'code':2}"),
      NGX_AV_TRACE_STATUS, "2" },
    { "error: the root's",
      SPAN(ID1, A, TIMES ",'status':{'code':2,'message':'m'}"),
      NGX_AV_TRACE_ERROR_MESSAGE, "m" },
    { "error: not a child's",
      SPAN(ID1, A, TIMES) ","
      SPAN(ID1, B, TIMES PARENT(A) ",'status':{'code':2,'message':'m'}"),
      NGX_AV_TRACE_ERROR_MESSAGE, "NULL" },
    { "error: the first by start without a root",
      SPAN(ID1, A, START("1792756800000000002") PARENT(C)
                   ",'status':{'code':2,'message':'m'}") ","
      SPAN(ID1, B, START("1792756800000000001") PARENT(C)
                   ",'status':{'code':2,'message':'o'}"),
      NGX_AV_TRACE_ERROR_MESSAGE, "o" },

    { "spans", SPAN(ID1, A, TIMES) "," SPAN(ID1, B, TIMES),
      NGX_AV_TRACE_SPAN_COUNT, "2" },
    { "the same span counts once",
      SPAN(ID1, A, TIMES) "," SPAN(ID1, A, TIMES),
      NGX_AV_TRACE_SPAN_COUNT, "1" },
    { "tokens: llm and embedding, no others",
      SPAN(ID1, A, TIMES ATTR(STR("gen_ai.operation.name", "chat") ","
                              INT("gen_ai.usage.input_tokens", "1"))) ","
      SPAN(ID1, B, TIMES ATTR(STR("gen_ai.operation.name", "embeddings") ","
                              INT("gen_ai.usage.total_tokens", "10"))) ","
      SPAN(ID1, C, TIMES ATTR(STR("gen_ai.operation.name", "invoke_agent")
                              "," INT("gen_ai.usage.total_tokens", "100"))),
      NGX_AV_TRACE_SPAN_TOKENS, "10" },
    { "cost",
      SPAN(ID1, A, TIMES ATTR(STR("gen_ai.operation.name", "chat") ","
                              STR("llm.cost.total", "0.1"))) ","
      SPAN(ID1, B, TIMES ATTR(STR("gen_ai.operation.name", "chat") ","
                              STR("llm.cost.total", "0.25"))),
      NGX_AV_TRACE_SPAN_COST, "0.35" },
    { "no tokens", SPAN(ID1, A, TIMES), NGX_AV_TRACE_SPAN_TOKENS, "NULL" },
    { "no cost", SPAN(ID1, A, TIMES), NGX_AV_TRACE_SPAN_COST, "NULL" },
    { "nothing is said of success", SPAN(ID1, A, TIMES),
      NGX_AV_TRACE_SUCCESS, "NULL" },
    { "nothing is stated of tokens", SPAN(ID1, A, TIMES),
      NGX_AV_TRACE_TOTAL_TOKENS, "NULL" }
};


static const struct {
    const char  *what;
    const char  *span;
    const char  *reason;
    ngx_uint_t   ntraces;
} traces_refused[] = {
    { "no trace id", "{'spanId':'" A "'" TIMES "}",
      "traceId: must be 16 bytes, not all zero", 1 },
    { "a trace id of zeros",
      SPAN("00000000000000000000000000000000", A, TIMES),
      "traceId: must be 16 bytes, not all zero", 1 },
    { "a short trace id", SPAN("1111", A, TIMES),
      "traceId: must be 16 bytes, not all zero", 1 },
    { "a trace id that is no hex", SPAN("abc123-def456", A, TIMES),
      "traceId: must be 16 bytes, not all zero", 1 },
    { "no span id", "{'traceId':'" ID1 "'" TIMES "}",
      "spanId: must be 8 bytes, not all zero", 1 },
    { "a long span id", SPAN(ID1, ID2, TIMES),
      "spanId: must be 8 bytes, not all zero", 1 },
    { "a short parent", SPAN(ID1, A, TIMES PARENT("abcd")),
      "parentSpanId: must be 8 bytes", 1 },
    { "a start beyond all", SPAN(ID1, A, START("9223372036854775808")),
      "startTimeUnixNano: out of range", 1 },
    { "an end beyond all", SPAN(ID1, A, START(T0) END("9223372036854775808")),
      "endTimeUnixNano: out of range", 1 },
    { "a start before all that is kept",
      SPAN(ID1, A, START("1544712660000000000")),
      "startTimeUnixNano: outside the time that is kept", 1 },
    { "a start to come", SPAN(ID1, A, START("1893456000000000000")),
      "startTimeUnixNano: outside the time that is kept", 1 }
};


static void
traces_check(const char *what, const char *json, ngx_uint_t header,
    ngx_uint_t column, const char *expected)
{
    const char      *cell;
    ngx_av_batch_t  *batch;

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

    if (ngx_av_case_rc != NGX_OK || batch->nrejected) {
        ok(0, "%s: decoded (%.*s%s)", what, (int) ngx_av_case_detail.len,
           ngx_av_case_detail.data, ngx_av_case_error(batch, 0));

    } else {
        cell = header ? ngx_av_case_trace(batch, 0, column)
                      : ngx_av_case_cell(batch, 0, column);

        is_text((u_char *) cell, strlen(cell), expected, "%s", what);
    }

    ngx_av_batch_destroy(batch);
}


static void
traces_tables(void)
{
    char        json[8192];
    ngx_uint_t  i;

    for (i = 0; i < ngx_av_case_count(traces_spans); i++) {
        snprintf(json, sizeof(json), "%s%s%s",
                 "{'resourceSpans':[{'resource':{'attributes':["
                 STR("service.name", "svc") "]},'scopeSpans':[{'spans':["
                 "{'traceId':'" ID1 "','spanId':'" A "'",
                 traces_spans[i].span, "}]}]}]}");

        traces_check(traces_spans[i].what, json, 0, traces_spans[i].column,
                     traces_spans[i].expected);
    }

    for (i = 0; i < ngx_av_case_count(traces_headers); i++) {
        snprintf(json, sizeof(json), "%s%s%s",
                 "{'resourceSpans':[{'resource':{'attributes':["
                 STR("service.name", "svc") "]},'scopeSpans':[{'spans':[",
                 traces_headers[i].spans, "]}]}]}");

        traces_check(traces_headers[i].what, json, 1,
                     traces_headers[i].column, traces_headers[i].expected);
    }
}


static void
traces_refusals(void)
{
    char             json[4096];
    ngx_uint_t       i;
    ngx_av_batch_t  *batch;

    for (i = 0; i < ngx_av_case_count(traces_refused); i++) {
        snprintf(json, sizeof(json), "%s%s%s",
                 "{'resourceSpans':[{'scopeSpans':[{'spans':[",
                 traces_refused[i].span, "," SPAN(ID2, B, TIMES) "]}]}]}");

        batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

        ok(ngx_av_case_rc == NGX_OK && batch->nrows == 1
           && batch->nrejected == 1 && batch->parts.nelts == 1
           && batch->ntraces == traces_refused[i].ntraces + 1,
           "%s: its neighbour is kept", traces_refused[i].what);

        is_text((u_char *) ngx_av_case_error(batch, 0),
                strlen(ngx_av_case_error(batch, 0)), traces_refused[i].reason,
                "%s: the reason", traces_refused[i].what);

        ngx_av_batch_destroy(batch);
    }
}


/* Three traces whose spans come mixed, one of them with a repeated span. */

static void
traces_mixed(void)
{
    ngx_uint_t                  i, bad;
    const char                 *cell;
    ngx_av_batch_t             *batch;
    const ngx_av_batch_part_t  *part;

    static const char  *const expected[][4] = {
        /* trace, name, parent, model */
        { UUID1, "a1", "NULL", "NULL" },
        { UUID1, "a2", UUID_A, "m" },
        { UUID1, "a3", UUID_A, "NULL" },
        { UUID2, "b1", "NULL", "NULL" },
        { UUID2, "b2", UUID_A, "NULL" },
        { UUID3, "c1", "NULL", "n" }
    };
    static const ngx_uint_t  columns[] = {
        NGX_AV_SPAN_TRACE_ID, NGX_AV_SPAN_NAME, NGX_AV_SPAN_PARENT_ID,
        NGX_AV_SPAN_MODEL
    };

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, SPANS(
        SPAN(ID1, A, START(T0) NAME("a1")) ","
        SPAN(ID2, A, START("1792670400000000000") NAME("b1")) ","
        SPAN(ID1, B, START(T0) NAME("a2") PARENT(A)
             ATTR(STR("gen_ai.request.model", "m"))) ","
        SPAN(ID1, B, START(T0) NAME("again") PARENT(A)) ","
        SPAN(ID3, A, START(T0) NAME("c1")
             ATTR(STR("gen_ai.request.model", "n"))) ","
        SPAN(ID2, B, START(T0) NAME("b2") PARENT(A)) ","
        SPAN(ID1, C, START(T0) NAME("a3") PARENT(A))));

    part = batch->parts.elts;

    ok(batch->nrows == 6 && batch->parts.nelts == 3 && batch->nrejected == 0
       && part[0].nrows == 3 && part[1].nrows == 2 && part[2].nrows == 1,
       "mixed: a part for each trace");

    bad = 0;

    for (i = 0; i < 24; i++) {
        cell = ngx_av_case_cell(batch, i / 4, columns[i % 4]);

        if (strcmp(cell, expected[i / 4][i % 4]) != 0) {
            ngx_av_tap_diag("row %lu: %s, not %s", i / 4, cell,
                            expected[i / 4][i % 4]);
            bad++;
        }
    }

    is(bad, 0, "mixed: rows by trace, in the order of arrival");

    cell = ngx_av_case_cell(batch, 4, NGX_AV_SPAN_HOME_DAY);
    is_text((u_char *) cell, strlen(cell), "9791",
            "mixed: a trace's spans share its home day");

    cell = ngx_av_case_cell(batch, 2, NGX_AV_SPAN_ORDINAL);
    is_text((u_char *) cell, strlen(cell), "1792756801000007",
            "mixed: ordinals are those of arrival");

    is(batch->refs[NGX_AV_REF_AGENT].nelts, 1, "mixed: one agent");
    is(batch->refs[NGX_AV_REF_SCOPE].nelts, 1, "mixed: one scope");

    ngx_av_batch_destroy(batch);
}


/* Spans in any order make the rows and headers of those that come by trace. */

#define RANDOM_SPANS   40
#define RANDOM_TRACES  5

static void
traces_random_span(char *span, ngx_uint_t trace, ngx_uint_t i, uint64_t what)
{
    span += sprintf(span, "{'traceId':'%032lx','spanId':'%016lx',"
                    "'startTimeUnixNano':'179275680000000%04lu','name':'%lu'",
                    trace + 1, i + 1, (ngx_uint_t) (what % 3 * 1001), i);

    if (what & 0x10) {
        span += sprintf(span, ",'parentSpanId':'%016lx'",
                        (ngx_uint_t) (what % 7 + 1));
    }

    if (what & 0x20) {
        span += sprintf(span, ",'endTimeUnixNano':'179275680000000%04lu'",
                        (ngx_uint_t) (2000 + what % 11));
    }

    if (what & 0x40) {
        span += sprintf(span, ",'status':{'code':2,'message':'e%lu'}", i);
    }

    if (what & 0x80) {
        span += sprintf(span, ",'events':[{'name':'x%lu'}]", i);
    }

    span += sprintf(span, ",'attributes':[" STR("k", "%lu"), i);

    if (what & 0x100) {
        span += sprintf(span, "," STR("session.id", "s%lu"), i);
    }

    if (what & 0x200) {
        span += sprintf(span, "," STR("gen_ai.operation.name", "chat") ","
                        INT("gen_ai.usage.input_tokens", "%lu"), i);
    }

    if (what & 0x400) {
        span += sprintf(span, "," STR("input.value", "i%lu"), i);
    }

    sprintf(span, "]}");
}


static ngx_av_batch_t *
traces_random_batch(char spans[][1024], const ngx_uint_t *order)
{
    char        *json, *p;
    ngx_uint_t   i;

    static char  text[RANDOM_SPANS * 1024 + 512];

    json = text;
    p = json + sprintf(json, "{'resourceSpans':[{'scopeSpans':[{'spans':[");

    for (i = 0; i < RANDOM_SPANS; i++) {
        p += sprintf(p, "%s%s", i ? "," : "", spans[order[i]]);
    }

    sprintf(p, "]}]}]}");

    return ngx_av_case_json(NGX_AV_OTLP_TRACES, json);
}


static ngx_uint_t
traces_same(const ngx_av_batch_t *a, const ngx_av_batch_t *b)
{
    size_t      len;
    ngx_uint_t  i;

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        len = ngx_av_buf_len(&a->spans[i]);

        if (i != NGX_AV_SPAN_ORDINAL
            && (len != ngx_av_buf_len(&b->spans[i])
                || (len && ngx_memcmp(a->spans[i].start, b->spans[i].start,
                                      len))))
        {
            ngx_av_tap_diag("%s", ngx_av_batch_span_names[i]);
            return 0;
        }
    }

    for (i = 0; i < NGX_AV_TRACE_NCOLUMNS; i++) {
        len = ngx_av_buf_len(&a->traces[i]);

        if (len != ngx_av_buf_len(&b->traces[i])
            || (len && ngx_memcmp(a->traces[i].start, b->traces[i].start,
                                  len)))
        {
            ngx_av_tap_diag("%s", ngx_av_batch_trace_names[i]);
            return 0;
        }
    }

    return ngx_memcmp(a->parts.elts, b->parts.elts,
                      a->parts.nelts * sizeof(ngx_av_batch_part_t)) == 0;
}


static void
traces_random_order(void)
{
    uint64_t         what;
    ngx_uint_t       n, i, j, k, bad, first;
    ngx_av_batch_t  *a, *b;
    ngx_uint_t       mixed[RANDOM_SPANS], sorted[RANDOM_SPANS];
    ngx_uint_t       traces[RANDOM_SPANS], seen[RANDOM_TRACES];

    static char  spans[RANDOM_SPANS][1024];

    bad = 0;

    for (n = 0; n < 500; n++) {

        for (i = 0; i < RANDOM_SPANS; i++) {
            what = ngx_av_stub_random() >> 7;
            traces[i] = what % RANDOM_TRACES;
            mixed[i] = i;
            traces_random_span(spans[i], traces[i], i, what >> 8);
        }

        /* by trace, each where its first span is */

        ngx_memzero(seen, sizeof(seen));
        k = 0;

        for (i = 0; i < RANDOM_SPANS; i++) {
            first = traces[i];

            if (seen[first]++) {
                continue;
            }

            for (j = i; j < RANDOM_SPANS; j++) {
                if (traces[j] == first) {
                    sorted[k++] = j;
                }
            }
        }

        a = traces_random_batch(spans, mixed);
        b = traces_random_batch(spans, sorted);

        bad += !traces_same(a, b);

        ngx_av_batch_destroy(a);
        ngx_av_batch_destroy(b);
    }

    is(bad, 0, "whatever the order of spans, the rows are by trace");
}


static void
traces_scopes(void)
{
    ngx_av_batch_t  *batch;

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES,
        "{'resourceSpans':[{'resource':{'attributes':["
        STR("service.name", "front") "," STR("host", "h1") "]},"
        "'schemaUrl':'u1','scopeSpans':["
        "{'scope':{'name':'l','version':'2','attributes':[" STR("k", "v")
        "]},'schemaUrl':'u2','spans':[" SPAN(ID1, A, TIMES) "]},"
        "{'spans':[]},"
        "{'scope':{'name':'m'},'spans':[" SPAN(ID1, B, TIMES PARENT(A)) "]}"
        "]},{'scopeSpans':[{'spans':[" SPAN(ID2, C, TIMES) "]}]},"
        "{'resource':{'attributes':[" STR("service.name", " ") "]},"
        "'scopeSpans':[{'spans':[" SPAN(ID3, C, TIMES) "]}]},"
        "{'resource':{'attributes':[" STR("service.name", "other") "]},"
        "'scopeSpans':[{'spans':[" SPAN(ID1, C, TIMES PARENT(A)) "]}]}]}");

    is(batch->refs[NGX_AV_REF_SCOPE].nelts, 5, "a scope without spans is none");
    is_text((u_char *) ngx_av_case_ref(batch, NGX_AV_REF_SCOPE, 0),
            strlen(ngx_av_case_ref(batch, NGX_AV_REF_SCOPE, 0)),
            "{'service_name':'front','name':'l','version':'2',"
            "'schema_url':'u2','resource_schema_url':'u1',"
            "'attributes':{'k':'v'},"
            "'resource':{'service.name':'front','host':'h1'}}",
            "a scope with all it can have");
    is_text((u_char *) ngx_av_case_ref(batch, NGX_AV_REF_SCOPE, 2),
            strlen(ngx_av_case_ref(batch, NGX_AV_REF_SCOPE, 2)),
            "{'service_name':'unknown_service','attributes':{},"
            "'resource':{}}", "a scope with nothing");

    is(batch->refs[NGX_AV_REF_AGENT].nelts, 2,
       "the services of roots are agents, others are not");
    is_text((u_char *) ngx_av_case_ref(batch, NGX_AV_REF_AGENT, 0),
            strlen(ngx_av_case_ref(batch, NGX_AV_REF_AGENT, 0)), "front",
            "an agent is a service");
    is_text((u_char *) ngx_av_case_ref(batch, NGX_AV_REF_AGENT, 1),
            strlen(ngx_av_case_ref(batch, NGX_AV_REF_AGENT, 1)),
            "unknown_service", "a service without a name, or a blank one");

    ngx_av_batch_destroy(batch);
}


/* A resource repeated with many scopes must not become gigabytes. */

static void
traces_many_scopes(void)
{
    char            *json, *p;
    size_t           size;
    ngx_uint_t       i;
    ngx_av_batch_t  *batch;

    json = malloc(8 * 1024 * 1024);
    if (json == NULL) {
        abort();
    }

    ngx_av_case_options.limits.attribute_limit = 65536;
    ngx_av_case_options.limits.span_limit = 262144;

    p = json + sprintf(json, "{'resourceSpans':[{'resource':{'attributes':["
                       "{'key':'long','value':{'stringValue':'%060000d'}}"
                       "]},'scopeSpans':[", 1);

    for (i = 0; i < 5000; i++) {
        p += sprintf(p, "%s{'scope':{'name':'%lu'},'spans':["
                     "{'traceId':'" ID1 "','spanId':'%016lx'" START(T0) "}]}",
                     i ? "," : "", i, i + 1);
    }

    p += sprintf(p, "]}]}");

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

    size = 0;

    for (i = 0; i < batch->refs[NGX_AV_REF_SCOPE].nelts; i++) {
        size += ((ngx_av_batch_ref_t *)
                 batch->refs[NGX_AV_REF_SCOPE].elts)[i].doc.len;
    }

    ok(ngx_av_case_rc == NGX_OK && batch->nrows == 5000
       && batch->refs[NGX_AV_REF_SCOPE].nelts == 5000,
       "many scopes of one resource are kept");
    ok(size < 10 * (size_t) (p - json) + 1024 * 1024,
       "but not with all its attributes");

    ngx_av_batch_destroy(batch);
    ngx_av_case_reset();
    free(json);
}


static void
traces_any_ids(void)
{
    const char      *cell;
    ngx_av_uuid_t    account, id;
    ngx_av_batch_t  *batch;
    u_char           text[NGX_AV_UUID_TEXT_LEN + 1];

    static const char  *json =
        SPANS(SPAN("abc123-def456", "span_1", TIMES) ","
              SPAN("abc123-def456", "span_2", TIMES PARENT("span_1")) ","
              SPAN(ID1, ID2, TIMES) ","
              SPAN("", A, TIMES) ","
              SPAN("\\u0001", A, TIMES) ","
              SPAN("00000000000000000000000000000000", A, TIMES));

    ngx_av_case_options.any_ids = 1;

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

    ok(ngx_av_case_rc == NGX_OK && batch->nrows == 3 && batch->nrejected == 3
       && batch->parts.nelts == 2, "any ids: texts are ids");

    (void) ngx_av_uuid_parse((u_char *) ACCOUNT, 36, &account);
    ngx_av_uuid_v5(&id, &account, (u_char *) "abc123-def456", 13);
    *ngx_av_uuid_format(text, &id) = '\0';

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_TRACE_ID);
    is_text((u_char *) cell, strlen(cell), (char *) text,
            "any ids: UUIDv5 of the text");

    cell = ngx_av_case_cell(batch, 1, NGX_AV_SPAN_DETAILS);
    is_text((u_char *) cell, strlen(cell),
            "{'trace_text':'abc123-def456','span_text':'span_2',"
            "'parent_text':'span_1'}", "any ids: the texts are kept");

    cell = ngx_av_case_cell(batch, 2, NGX_AV_SPAN_ID);
    is_text((u_char *) cell, strlen(cell), UUID2,
            "any ids: 32 digits are an id");

    cell = ngx_av_case_cell(batch, 2, NGX_AV_SPAN_DETAILS);
    is_text((u_char *) cell, strlen(cell), "NULL",
            "any ids: and need no text");

    ngx_av_batch_destroy(batch);
    ngx_av_case_reset();

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);
    ok(ngx_av_case_rc == NGX_OK && batch->nrows == 0 && batch->nrejected == 6
       && batch->parts.nelts == 0 && batch->ntraces == 6,
       "otherwise they are refused");
    ngx_av_batch_destroy(batch);
}


/* What is over the limits, of 1024 bytes each and 4096 in all. */

static void
traces_limits(void)
{
    char             json[32768];
    const char      *cell;
    ngx_av_batch_t  *batch;

    snprintf(json, sizeof(json), SPANS(
             SPAN(ID1, A, TIMES NAME("%01500d") ATTR(STR("k", "%01100d") ","
             "{'key':'a','value':{'arrayValue':{'values':["
             "{'stringValue':'%02000d'}]}}}," STR("s", "x"))
             ",'events':[{'name':'e','attributes':[" STR("t", "%01200d")
             "]}]")), 0, 0, 0, 0);

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

    is(strlen(ngx_av_case_cell(batch, 0, NGX_AV_SPAN_NAME)), 1024,
       "a name is cut");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_METADATA);
    is(strlen(cell), 1 + 4 + 1026 + 1 + 4 + 1028 + 1 + 7 + 1,
       "attributes are cut, each by itself");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_EVENTS);
    is_text((u_char *) cell, strlen(cell), "[]",
            "what then does not fit is left out");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_TRUNCATED);
    is_text((u_char *) cell, strlen(cell),
            "{'name':1500,'metadata.k':1100,'metadata.a':2000,"
            "'events':1078}", "and it is noted");

    ngx_av_batch_destroy(batch);

    /* many attributes: the first ones fit, and short ones after them */

    snprintf(json, sizeof(json), SPANS(
             SPAN(ID1, A, TIMES ATTR(STR("a", "%0900d") "," STR("b", "%0900d")
             "," STR("c", "%0900d") "," STR("d", "%0900d") ","
             STR("e", "%0900d") "," STR("f", "short")))), 0, 0, 0, 0, 0);

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_METADATA);
    ok(strstr(cell, "'d':'") && !strstr(cell, "'e':'")
       && strstr(cell, "'f':'short'}"), "attributes that do not fit go");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_TRUNCATED);
    is_text((u_char *) cell, strlen(cell), "{'metadata':4548}",
            "the size of all of them is noted");

    ngx_av_batch_destroy(batch);

    /* a character is not cut in two, and what is cut is valid */

    snprintf(json, sizeof(json), SPANS(
             SPAN(ID1, A, TIMES NAME("%01023d\xc3\xa9") ATTR(
             STR("k", "%01023d\xc3\xa9")))), 0, 0);

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

    is(strlen(ngx_av_case_cell(batch, 0, NGX_AV_SPAN_NAME)), 1023,
       "a name is cut between characters");
    is(strlen(ngx_av_case_cell(batch, 0, NGX_AV_SPAN_METADATA)),
       1 + 4 + 1025 + 1, "an attribute is cut between characters");

    ngx_av_batch_destroy(batch);

    /* texts of NULs, quotes and bad bytes, which change their size */

    snprintf(json, sizeof(json), SPANS(
             SPAN(ID1, A, TIMES ATTR(STR("input.value", "%s") ","
             STR("output.value", "%01030d")))),
             "\\u0000\\\\\\\\\\n\\u0001\xff", 0);

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_INPUT);
    is_text((u_char *) cell, strlen(cell),
            "'\\\\\\\\\\n\\u0001\xef\xbf\xbd'", "input: what JSON escapes");
    is(strlen(ngx_av_case_cell(batch, 0, NGX_AV_SPAN_OUTPUT)), 1026,
       "output is cut");

    ngx_av_batch_destroy(batch);
}


static void
traces_bodies(void)
{
    ngx_av_batch_t  *batch;

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, "{}");
    ok(ngx_av_case_rc == NGX_OK && batch->nrows == 0
       && batch->parts.nelts == 0, "an empty request is one");
    ngx_av_batch_destroy(batch);

    ngx_av_case_options.require_key = 1;

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, "{}");
    is(ngx_av_case_rc, NGX_DECLINED, "unless the key is required");
    is_text(ngx_av_case_detail.data, ngx_av_case_detail.len,
            "resourceSpans: field required", "which is said");
    ngx_av_batch_destroy(batch);

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, "{'resourceSpans':[]}");
    is(ngx_av_case_rc, NGX_OK, "an empty array is enough");
    ngx_av_batch_destroy(batch);

    batch = ngx_av_case_decode(NGX_AV_OTLP_TRACES, NGX_AV_OTLP_PROTOBUF, "",
                               0);
    is(ngx_av_case_rc, NGX_OK, "nothing is required of protobuf");
    ngx_av_batch_destroy(batch);

    ngx_av_case_reset();

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, "{'resourceSpans':");
    is(ngx_av_case_rc, NGX_DECLINED, "half a body is refused");
    is_text(ngx_av_case_detail.data, ngx_av_case_detail.len,
            "invalid JSON: unexpected end of data at byte 17",
            "with the reason and the place");
    ngx_av_batch_destroy(batch);

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, SPANS(
        SPAN(ID1, A, TIMES ATTR("{'key':'k','value':{'arrayValue':{'values':["
        "{'arrayValue':{'values':[{'arrayValue':{'values':[{'arrayValue':{"
        "'values':[{'arrayValue':{'values':[{}]}}]}}]}}]}}]}}}"))));
    is(ngx_av_case_rc, NGX_DECLINED, "nesting deeper than allowed is refused");
    ngx_av_batch_destroy(batch);

    ngx_av_case_reset();
}


/* Spans that say nothing are much smaller than their rows. */

static void
traces_memory_limit(void)
{
    u_char          *body, *p;
    size_t           len;
    ngx_uint_t       i;
    ngx_av_batch_t  *batch;

    /* resource spans and scope spans, with lengths of three bytes */

    len = 20000 * 30;
    body = malloc(len + 8);

    if (body == NULL) {
        abort();
    }

    p = body;

    *p++ = 0x0a;
    *p++ = ((len + 4) & 0x7f) | 0x80;
    *p++ = ((len + 4) >> 7 & 0x7f) | 0x80;
    *p++ = (len + 4) >> 14;
    *p++ = 0x12;
    *p++ = (len & 0x7f) | 0x80;
    *p++ = (len >> 7 & 0x7f) | 0x80;
    *p++ = len >> 14;

    for (i = 1; i <= 20000; i++) {
        ngx_memset(p, 0, 30);

        p[0] = 0x12;
        p[1] = 28;
        p[2] = 0x0a;
        p[3] = 16;
        p[4] = i >> 8;
        p[5] = i;
        p[20] = 0x12;
        p[21] = 8;
        p[22] = 1;
        p += 30;
    }

    ngx_av_case_options.limits.memory_limit = 13 * (len + 8);

    batch = ngx_av_case_decode(NGX_AV_OTLP_TRACES, NGX_AV_OTLP_PROTOBUF, body,
                               len + 8);
    is(ngx_av_case_rc, NGX_ABORT, "more memory than is allowed");
    ngx_av_batch_destroy(batch);

    ngx_av_case_options.limits.memory_limit = 100 * (len + 8);

    batch = ngx_av_case_decode(NGX_AV_OTLP_TRACES, NGX_AV_OTLP_PROTOBUF, body,
                               len + 8);
    ok(ngx_av_case_rc == NGX_OK && batch->nrows == 20000
       && batch->parts.nelts == 20000, "and not more");
    ngx_av_batch_destroy(batch);

    ngx_av_case_reset();
    free(body);
}


static void
traces_many_errors(void)
{
    char            *json, *p;
    ngx_uint_t       i;
    ngx_av_batch_t  *batch;

    json = malloc(64 * 1024);
    if (json == NULL) {
        abort();
    }

    p = json + sprintf(json, "{'resourceSpans':[{'scopeSpans':[{'spans':[");

    for (i = 0; i < 100; i++) {
        p += sprintf(p, "%s{}", i ? "," : "");
    }

    sprintf(p, "]}]}]}");

    batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, json);

    is(batch->nrejected, 100, "all that is refused is counted");
    is(batch->errors.nelts, NGX_AV_OTLP_MAX_ERRORS,
       "of the reasons only the first are kept");
    is(((ngx_av_batch_error_t *) batch->errors.elts)[7].element, 7,
       "each with its place");

    ngx_av_batch_destroy(batch);
    free(json);
}


/* Whatever allocation fails, it is said, and nothing is touched after. */

static void
traces_no_memory(void)
{
    ngx_uint_t       n, bad;
    ngx_av_batch_t  *batch;

    bad = 0;

    for (n = 0; n < 100000; n++) {
        ngx_av_stub_fail_after(n);

        batch = ngx_av_case_json(NGX_AV_OTLP_TRACES, SPANS(
            SPAN(ID1, A, TIMES NAME("a") ATTR(STR("session.id", "s"))) ","
            SPAN(ID2, A, TIMES NAME("b") ATTR(STR("k", "v"))) ","
            SPAN(ID1, B, TIMES NAME("c") ATTR(STR("input.value", "x"))
                 ",'events':[{}],'links':[{}],'traceState':'x'") ",{}"));

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


int
main(void)
{
    ngx_av_case_reset();

    traces_tables();
    traces_refusals();
    traces_mixed();
    traces_random_order();
    traces_scopes();
    traces_many_scopes();
    traces_any_ids();
    traces_limits();
    traces_bodies();
    traces_memory_limit();
    traces_many_errors();
    traces_no_memory();

    return ngx_av_tap_done();
}
