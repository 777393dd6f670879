#include "bodies.h"


static void
batch_span(template_t *t, size_t trace_ids, unsigned i)
{
    unsigned  ms;

    ms = i * BENCH_SPAN_STEP_MS % (1000 - BENCH_SPAN_MS);

    template_literal(t, "{\"span_id\":\"");
    template_mark(t, TEMPLATE_UUID, trace_ids + i);
    template_literal(t, "\",\"parent_span_id\":");

    if (i == 0) {
        template_literal(t, "null");

    } else {
        template_literal(t, "\"");
        template_mark(t, TEMPLATE_UUID, trace_ids + bench_parent(i));
        template_literal(t, "\"");
    }

    template_print(t, ",\"type\":\"%s\",\"name\":\"%s\""
                   ",\"status\":\"completed\",\"started_at\":\"",
                   bench_span_type(i), bench_span_name(i));
    template_mark(t, TEMPLATE_SECOND, 0);
    template_print(t, ".%03uZ\",\"ended_at\":\"", ms);
    template_mark(t, TEMPLATE_SECOND, 0);
    template_print(t, ".%03uZ\",\"duration_ms\":%u", ms + BENCH_SPAN_MS,
                   BENCH_SPAN_MS);

    if (bench_is_llm(i)) {
        template_print(t, ",\"model\":\"%s\",\"input_tokens\":%u"
                       ",\"output_tokens\":%u,\"total_tokens\":%u"
                       ",\"cost_usd\":\"%s\"",
                       BENCH_MODEL, BENCH_INPUT_TOKENS, BENCH_OUTPUT_TOKENS,
                       BENCH_INPUT_TOKENS + BENCH_OUTPUT_TOKENS, BENCH_COST);
    }

    template_literal(t, ",\"metadata\":" BENCH_METADATA "}");
}


static void
batch_trace(template_t *t, size_t trace, unsigned spans)
{
    size_t    first;
    unsigned  i;

    first = t->nids;

    for (i = 0; i < spans; i++) {
        (void) template_new_id(t);
    }

    template_literal(t, "{\"trace\":{\"trace_id\":\"");
    template_mark(t, TEMPLATE_UUID, trace);
    template_literal(t, "\",\"agent\":\"support-agent-");
    template_mark(t, TEMPLATE_AGENT, 0);
    template_literal(t, "\",\"status\":\"completed\",\"started_at\":\"");
    template_mark(t, TEMPLATE_SECOND, 0);
    template_literal(t, ".000Z\",\"ended_at\":\"");
    template_mark(t, TEMPLATE_SECOND, 0);
    template_print(t, ".999Z\",\"duration_ms\":999,\"success\":true"
                   ",\"outcome\":\"resolved\",\"total_tokens\":%u"
                   ",\"total_cost_usd\":\"0.%06u\",\"metadata\":%s}"
                   ",\"spans\":[",
                   spans / 2 * (BENCH_INPUT_TOKENS + BENCH_OUTPUT_TOKENS),
                   spans / 2 * 3200, BENCH_TRACE_METADATA);

    for (i = 0; i < spans; i++) {
        if (i != 0) {
            template_literal(t, ",");
        }

        batch_span(t, first, i);
    }

    template_literal(t, "]}");
}


/* The ids of the traces are the first ones. */

void
bodies_batch(template_t *t, unsigned traces, unsigned spans)
{
    unsigned  n;

    for (n = 0; n < traces; n++) {
        (void) template_new_id(t);
    }

    template_literal(t, "{\"traces\":[");

    for (n = 0; n < traces; n++) {
        if (n != 0) {
            template_literal(t, ",");
        }

        batch_trace(t, n, spans);
    }

    template_literal(t, "]}");

    t->items = (size_t) traces * spans;
}
