// A part of a trace that several processes make: so many spans below the one
// of TRACEPARENT, or a root and its children without it.
//
// STEPS is their number, SERVICE the service, PIECE how many spans an export
// has. Prints the traceparent of its first span.

'use strict';

const { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, trace }
    = require('@opentelemetry/api');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const { finish, flush, run, tracing } = require('./telemetry');

const { TRACEPARENT, STEPS, SERVICE, PIECE } = process.env;


run(async () => {
    const propagator = new W3CTraceContextPropagator();
    const provider = tracing({
        resource: { 'service.name': SERVICE },
        batch: { maxExportBatchSize: Number(PIECE || 512),
                 maxQueueSize: 4096 },
    });
    const tracer = provider.getTracer('steps');

    const parent = TRACEPARENT
        ? propagator.extract(ROOT_CONTEXT, { traceparent: TRACEPARENT },
                             defaultTextMapGetter)
        : ROOT_CONTEXT;

    const first = tracer.startSpan(`${SERVICE} first`, {}, parent);
    const inner = trace.setSpan(parent, first);
    const carrier = {};

    propagator.inject(inner, carrier, defaultTextMapSetter);

    for (let i = 1; i < Number(STEPS); i++) {
        tracer.startSpan(`${SERVICE} ${i}`, {}, inner).end();
    }

    first.end();
    await flush(provider);

    finish({ traceparent: carrier.traceparent, ...first.spanContext() });
});
