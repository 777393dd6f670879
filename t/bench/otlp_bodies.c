#include "otlp_write.h"


#define OTLP_MS              1000000ll
/* Series that take turns in what they are. */
#define OTLP_METRICS         5
#define OTLP_POINT_STEP      (40 * 1000ll)

#define otlp_size(a)         (sizeof(a) / sizeof((a)[0]))


/* Field numbers of opentelemetry-proto: see contract/otlp.md 6.1. */

static const double  otlp_bounds[] = {
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48,
    40.96, 81.92
};

static const uint64_t  otlp_counts[] = {
    0, 0, 3, 17, 41, 60, 33, 12, 4, 1, 0, 0, 0, 0, 0
};

static const struct {
    unsigned     number;
    const char  *text;
    const char  *body;
} otlp_lines[] = {
    { 9, "INFO", "Retrieved 12 documents from index kb-main for request " },
    { 9, "INFO", "Model call finished: 812 tokens in, 108 out, request " },
    { 5, "DEBUG", "Cache miss on embedding lookup, searching for request " },
    { 9, "INFO", "Tool search_documents returned 4 results for request " },
    { 13, "WARN", "Rate limit of the provider is near, slowing request " },
    { 9, "INFO", "Customer asked for a refund of a damaged parcel, request " },
    { 17, "ERROR", "Payment gateway timed out after 3 attempts, request " },
    { 9, "INFO", "Conversation handed over to a human agent, request " }
};


static void
otlp_resource(otlp_writer_t *w)
{
    otlp_begin(w, "resource", 1);
    otlp_list(w, "attributes");
    otlp_attribute_marked(w, 1, "service.name", "support-agent-", 2,
                          TEMPLATE_AGENT, 0);
    otlp_attribute_marked(w, 1, "service.instance.id", "support-", 2,
                          TEMPLATE_INSTANCE, 0);
    otlp_attribute(w, 1, "service.version", "2.14.3");
    otlp_attribute(w, 1, "deployment.environment.name", "production");
    otlp_attribute(w, 1, "telemetry.sdk.language", "python");
    otlp_attribute(w, 1, "telemetry.sdk.name", "opentelemetry");
    otlp_attribute(w, 1, "telemetry.sdk.version", "1.37.0");
    otlp_end_list(w);
    otlp_end(w);
}


/* Opens the request down to its list of records. */

static void
otlp_begin_request(otlp_writer_t *w, const char *resources, const char *scopes,
    const char *records)
{
    otlp_begin(w, NULL, 0);
    otlp_list(w, resources);
    otlp_begin(w, NULL, 1);
    otlp_resource(w);
    otlp_list(w, scopes);
    otlp_begin(w, NULL, 2);
    otlp_begin(w, "scope", 1);
    otlp_text(w, "name", 1, "opentelemetry.instrumentation.openai_v2");
    otlp_text(w, "version", 2, "2.1.0");
    otlp_end(w);
    otlp_list(w, records);
}


static void
otlp_end_request(otlp_writer_t *w)
{
    otlp_end_list(w);
    otlp_end(w);
    otlp_end_list(w);
    otlp_end(w);
    otlp_end_list(w);
    otlp_end(w);
}


static void
otlp_conversation(otlp_writer_t *w, size_t trace)
{
    otlp_attribute_marked(w, 9, "gen_ai.conversation.id", "conv_", 16,
                          TEMPLATE_SHORT_HEX, trace);
}


static void
otlp_agent_attributes(otlp_writer_t *w, size_t trace)
{
    otlp_attribute(w, 9, "gen_ai.operation.name", "invoke_agent");
    otlp_attribute(w, 9, "gen_ai.provider.name", "openai");
    otlp_attribute_marked(w, 9, "gen_ai.agent.name", "support-agent-", 2,
                          TEMPLATE_AGENT, 0);
    otlp_attribute(w, 9, "gen_ai.agent.id", "asst_5j66UpCpwteGg4YSxUnt7lPY");
    otlp_attribute(w, 9, "gen_ai.request.model", BENCH_MODEL);
    otlp_attribute(w, 9, "user.id", "user-48213");
    otlp_attribute(w, 9, "app.customer", "acme-industries");
    otlp_attribute(w, 9, "app.channel", "web");
    otlp_conversation(w, trace);
}


static void
otlp_llm_attributes(otlp_writer_t *w, size_t trace)
{
    otlp_attribute(w, 9, "gen_ai.operation.name", "chat");
    otlp_attribute(w, 9, "gen_ai.provider.name", "openai");
    otlp_attribute(w, 9, "gen_ai.request.model", BENCH_MODEL);
    otlp_attribute(w, 9, "gen_ai.response.model", BENCH_MODEL "-2024-07-18");
    otlp_attribute(w, 9, "gen_ai.response.id",
                   "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l");
    otlp_attribute_array(w, 9, "gen_ai.response.finish_reasons", "stop");
    otlp_attribute_double(w, 9, "gen_ai.request.temperature", 0.2);
    otlp_attribute_integer(w, 9, "gen_ai.usage.input_tokens",
                           BENCH_INPUT_TOKENS);
    otlp_attribute_integer(w, 9, "gen_ai.usage.output_tokens",
                           BENCH_OUTPUT_TOKENS);
    otlp_attribute(w, 9, "server.address", "api.openai.com");
    otlp_attribute_integer(w, 9, "server.port", 443);
    otlp_conversation(w, trace);
}


static void
otlp_tool_attributes(otlp_writer_t *w, size_t trace)
{
    otlp_attribute(w, 9, "gen_ai.operation.name", "execute_tool");
    otlp_attribute(w, 9, "gen_ai.tool.name", "search_documents");
    otlp_attribute(w, 9, "gen_ai.tool.call.id",
                   "call_VSPygqKTWdrhaFErNvMV18Yl");
    otlp_attribute(w, 9, "gen_ai.tool.type", "function");
    otlp_attribute(w, 9, "gen_ai.tool.call.arguments",
                   "{\"query\":\"refund policy for damaged goods\""
                   ",\"top_k\":12}");
    otlp_attribute(w, 9, "app.index", "kb-main");
    otlp_attribute_integer(w, 9, "app.hits", 12);
    otlp_attribute_integer(w, 9, "thread.id", 139872);
    otlp_conversation(w, trace);
}


static void
otlp_span(otlp_writer_t *w, size_t trace, size_t first, unsigned i)
{
    int64_t      start;
    const char  *name;

    name = (i == 0) ? "invoke_agent support-agent"
           : bench_is_llm(i) ? "chat " BENCH_MODEL
           : "execute_tool search_documents";

    start = i * BENCH_SPAN_STEP_MS * OTLP_MS;

    otlp_begin(w, NULL, 2);
    otlp_id(w, "traceId", 1, 16, trace);
    otlp_id(w, "spanId", 2, 8, first + i);

    if (i != 0) {
        otlp_id(w, "parentSpanId", 4, 8, first + bench_parent(i));
    }

    otlp_text(w, "name", 5, name);
    otlp_number(w, "kind", 6, bench_is_llm(i) ? 3 : 1);
    otlp_time(w, "startTimeUnixNano", 7, start);
    otlp_time(w, "endTimeUnixNano", 8,
              start + BENCH_SPAN_MS * OTLP_MS + 123 * i);

    otlp_list(w, "attributes");

    if (i == 0) {
        otlp_agent_attributes(w, trace);

    } else if (bench_is_llm(i)) {
        otlp_llm_attributes(w, trace);

    } else {
        otlp_tool_attributes(w, trace);
    }

    otlp_end_list(w);

    otlp_begin(w, "status", 15);
    otlp_end(w);
    otlp_end(w);
}


static void
otlp_init(otlp_writer_t *w, template_t *t, bodies_encoding_e encoding)
{
    memset(w, 0, sizeof(*w));
    w->t = t;
    w->json = (encoding == BODIES_JSON);
}


void
bodies_traces(template_t *t, bodies_encoding_e encoding, unsigned traces,
    unsigned spans)
{
    size_t         trace, first;
    unsigned       n, i;
    otlp_writer_t  w;

    otlp_init(&w, t, encoding);
    otlp_begin_request(&w, "resourceSpans", "scopeSpans", "spans");

    for (n = 0; n < traces; n++) {
        trace = template_new_id(t);
        first = t->nids;

        for (i = 0; i < spans; i++) {
            (void) template_new_id(t);
        }

        for (i = 0; i < spans; i++) {
            otlp_span(&w, trace, first, i);
        }
    }

    otlp_end_request(&w);

    t->items = (size_t) traces * spans;
}


/* Attributes of a number point are field 7, of a histogram's 9. */

static void
otlp_begin_point(otlp_writer_t *w, unsigned attributes, unsigned series,
    unsigned i)
{
    static const char  *operations[] = {
        "chat", "embeddings", "execute_tool", "invoke_agent"
    };

    otlp_begin(w, NULL, 1);
    otlp_time(w, "startTimeUnixNano", 2, -60000 * OTLP_MS);
    otlp_time(w, "timeUnixNano", 3, i * OTLP_POINT_STEP);

    otlp_list(w, "attributes");
    otlp_attribute(w, attributes, "gen_ai.operation.name",
                   operations[series / OTLP_METRICS % 4]);
    otlp_attribute(w, attributes, "gen_ai.provider.name", "openai");
    otlp_attribute(w, attributes, "gen_ai.request.model", BENCH_MODEL);
    otlp_attribute_integer(w, attributes, "app.shard", series);
    otlp_end_list(w);
}


static void
otlp_numbers(otlp_writer_t *w, unsigned series, unsigned points,
    unsigned integers)
{
    unsigned  i;

    otlp_list(w, "dataPoints");

    for (i = 0; i < points; i++) {
        otlp_begin_point(w, 7, series, i);

        if (integers) {
            otlp_fixed64(w, "asInt", 6, 1000 + 17 * i);

        } else {
            otlp_double(w, "asDouble", 4, 0.25 + i / 64.0);
        }

        otlp_end(w);
    }

    otlp_end_list(w);
}


static void
otlp_histograms(otlp_writer_t *w, unsigned series, unsigned points)
{
    unsigned  i;

    otlp_list(w, "dataPoints");

    for (i = 0; i < points; i++) {
        otlp_begin_point(w, 9, series, i);
        otlp_fixed64(w, "count", 4, 171);
        otlp_double(w, "sum", 5, 57.625 + i);
        otlp_fixed64s(w, "bucketCounts", 6, otlp_counts,
                      otlp_size(otlp_counts));
        otlp_doubles(w, "explicitBounds", 7, otlp_bounds,
                     otlp_size(otlp_bounds));
        otlp_double(w, "min", 11, 0.03);
        otlp_double(w, "max", 12, 7.5);
        otlp_end(w);
    }

    otlp_end_list(w);
}


/* What series n is: a gauge 5, a sum 7, a histogram 9. */

static void
otlp_metric(otlp_writer_t *w, unsigned series, unsigned points)
{
    static const struct {
        const char  *name;
        const char  *unit;
        unsigned     number;
    } metrics[OTLP_METRICS] = {
        { "app.queue.depth", "{request}", 5 },
        { "app.cost", "USD", 7 },
        { "app.requests", "{request}", 7 },
        { "gen_ai.client.token.usage", "{token}", 9 },
        { "gen_ai.client.operation.duration", "s", 9 }
    };

    unsigned  kind, number;

    kind = series % OTLP_METRICS;
    number = metrics[kind].number;

    otlp_begin(w, NULL, 2);
    otlp_text(w, "name", 1, metrics[kind].name);
    otlp_text(w, "description", 2, "As the instrumentation describes it.");
    otlp_text(w, "unit", 3, metrics[kind].unit);

    otlp_begin(w, number == 5 ? "gauge" : number == 7 ? "sum" : "histogram",
               number);

    if (number == 9) {
        otlp_histograms(w, series, points);

    } else {
        otlp_numbers(w, series, points, kind == 2);
    }

    if (number != 5) {
        otlp_number(w, "aggregationTemporality", 2, 2);
    }

    if (number == 7) {
        otlp_bool(w, "isMonotonic", 3);
    }

    otlp_end(w);
    otlp_end(w);
}


void
bodies_metrics(template_t *t, bodies_encoding_e encoding, unsigned series,
    unsigned points)
{
    unsigned       n;
    otlp_writer_t  w;

    otlp_init(&w, t, encoding);
    otlp_begin_request(&w, "resourceMetrics", "scopeMetrics", "metrics");

    for (n = 0; n < series; n++) {
        otlp_metric(&w, n, points);
    }

    otlp_end_request(&w);

    t->items = (size_t) series * points;
}


static void
otlp_log(otlp_writer_t *w, size_t trace, size_t span, unsigned i)
{
    unsigned  line;

    line = i % otlp_size(otlp_lines);

    otlp_begin(w, NULL, 2);
    otlp_time(w, "timeUnixNano", 1, i * OTLP_MS);
    otlp_number(w, "severityNumber", 2, otlp_lines[line].number);
    otlp_text(w, "severityText", 3, otlp_lines[line].text);

    otlp_begin(w, "body", 5);
    otlp_marked_text(w, "stringValue", 1, otlp_lines[line].body, 16,
                     TEMPLATE_SHORT_HEX, span);
    otlp_end(w);

    otlp_list(w, "attributes");
    otlp_attribute(w, 6, "code.file.path", "/app/support/flow.py");
    otlp_attribute(w, 6, "code.function.name", "support.flow.handle_turn");
    otlp_attribute_integer(w, 6, "code.line.number", 120 + line);
    otlp_attribute(w, 6, "app.customer", "acme-industries");
    otlp_attribute(w, 6, "app.region", "eu-central-1");
    otlp_end_list(w);

    otlp_id(w, "traceId", 9, 16, trace);
    otlp_id(w, "spanId", 10, 8, span);
    otlp_time(w, "observedTimeUnixNano", 11, i * OTLP_MS + 20000);
    otlp_end(w);
}


void
bodies_logs(template_t *t, bodies_encoding_e encoding, unsigned traces,
    unsigned records)
{
    size_t         trace, span;
    unsigned       n, i;
    otlp_writer_t  w;

    otlp_init(&w, t, encoding);
    otlp_begin_request(&w, "resourceLogs", "scopeLogs", "logRecords");

    for (n = 0; n < traces; n++) {
        trace = template_new_id(t);

        for (i = 0; i < records; i++) {
            span = template_new_id(t);
            otlp_log(&w, trace, span, i);
        }
    }

    otlp_end_request(&w);

    t->items = (size_t) traces * records;
}
