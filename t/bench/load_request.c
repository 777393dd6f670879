#include "load.h"

#include <arpa/inet.h>


/* Two requests of a connection are so far apart in the times they name. */
#define LOAD_STEP         (2ull * 1000000)


const load_signal_t  load_signals[] = {
    { "traces", bodies_traces, 0 },
    { "metrics", bodies_metrics, 1 },
    { "logs", bodies_logs, 1 },
    { NULL, NULL, 0 }
};


static void
load_body(template_t *t, unsigned traces)
{
    memset(t, 0, sizeof(*t));

    if (load.encoding == BODIES_BATCH) {
        bodies_batch(t, traces, load.spans);
        return;
    }

    load.signal->body(t, load.encoding, traces, load.spans);
}


/* With --bytes: as many traces as make a body of nearly that size. */

void
load_make_body(template_t *t)
{
    size_t    one;
    unsigned  traces;

    load_body(t, load.traces);

    if (load.bytes == 0) {
        return;
    }

    one = t->len / load.traces;

    for (traces = load.bytes / one; traces > 0; traces -= 1 + traces / 1000) {
        load_body(t, traces);

        if (t->len <= load.bytes) {
            load.traces = traces;
            return;
        }
    }

    bench_die("a body of %zu bytes has no room for a trace", load.bytes);
}


/* The head of the request goes before its body. */

void
load_make_request(template_t *t)
{
    template_t  head;

    memset(&head, 0, sizeof(head));

    template_print(&head, "POST %s HTTP/1.1\r\nHost: %s\r\n", load.path,
                   load.host);
    template_print(&head, "Content-Type: application/%s\r\n"
                   "Content-Length: %zu\r\n",
                   load.encoding == BODIES_PROTOBUF ? "x-protobuf" : "json",
                   t->len);

    if (load.key != NULL) {
        template_print(&head, "Authorization: Bearer %s\r\n", load.key);
    }

    template_literal(&head, "\r\n");
    template_insert(t, 0, head.data, head.len);

    free(head.data);
}


/*
 * A trace takes less than a second: it began a second ago.  Of a connection's
 * requests no two have a time in common, or their points would be the same.
 */

void
load_fill(load_conn_t *c)
{
    uint64_t           now;
    template_values_t  values;

    now = bench_wall() - 1000000000;

    if (now < c->time + LOAD_STEP) {
        now = c->time + LOAD_STEP;
    }

    c->time = now;

    values.time = now;
    values.instance = c->number % 100;
    values.agent = (load.encoding != BODIES_BATCH && load.signal->settled)
                   ? c->number % BENCH_AGENTS
                   : bench_random(&load.random) % BENCH_AGENTS;

    template_fill(&load.template, c->request, &values, &load.random);

    if (load.ack != NULL) {
        memcpy(c->ids, load.template.ids, load.traces * sizeof(c->ids[0]));
    }
}


/* One a line; those of OTLP have their length, big-endian, before them. */

void
load_dump(void)
{
    long         i;
    uint32_t     len;
    load_conn_t  c;

    memset(&c, 0, sizeof(c));

    c.request = load.template.data;
    len = htonl(load.template.len);

    for (i = 0; i < load.dump; i++) {
        load_fill(&c);

        if (load.encoding != BODIES_BATCH) {
            fwrite(&len, 1, sizeof(len), stdout);
        }

        fwrite(load.template.data, 1, load.template.len, stdout);

        if (load.encoding == BODIES_BATCH) {
            putchar('\n');
        }
    }
}
