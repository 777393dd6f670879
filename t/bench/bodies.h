/* The bodies of requests, as SDKs and exporters send them. */

#ifndef _BENCH_BODIES_H_INCLUDED_
#define _BENCH_BODIES_H_INCLUDED_


#include "template.h"


typedef enum {
    BODIES_BATCH,               /* POST /traces/batch */
    BODIES_JSON,                /* OTLP in JSON */
    BODIES_PROTOBUF
} bodies_encoding_e;


/* Of so many traces with so many spans. */
void bodies_batch(template_t *t, unsigned traces, unsigned spans);

/*
 * An OTLP request of one resource and scope, not BODIES_BATCH.  Spans by the
 * GenAI conventions: of each trace the first is an agent's, the others are
 * calls of a model and of tools.
 */
void bodies_traces(template_t *t, bodies_encoding_e encoding, unsigned traces,
    unsigned spans);

/* Series of gauges, sums and histograms with so many points each. */
void bodies_metrics(template_t *t, bodies_encoding_e encoding,
    unsigned series, unsigned points);

/* Log records of so many traces, so many of each. */
void bodies_logs(template_t *t, bodies_encoding_e encoding, unsigned traces,
    unsigned records);


#endif /* _BENCH_BODIES_H_INCLUDED_ */
