// Sends the spans, measurements and log records of data.js by the transport
// that the environment says, and prints them and how the exports went.
//
// START is the time of the data, in seconds; ids depend on it alone, so that
// what two transports send can be compared. ONLY, if set, names the spans to
// be sent, and nothing else is.

'use strict';

const { createHash } = require('node:crypto');
const { setTimeout } = require('node:timers/promises');
const { ROOT_CONTEXT, TraceFlags, createTraceState, trace }
    = require('@opentelemetry/api');
const { AggregationTemporality, AggregationType }
    = require('@opentelemetry/sdk-metrics');
const data = require('./data');
const { finish, flush, logging, metering, run, tracing }
    = require('./telemetry');

const start = Number(process.env.START);
const only = process.env.ONLY && process.env.ONLY.split(',');


function id(name, length) {
    return createHash('sha256').update(`${start} ${name}`).digest('hex')
                               .slice(0, length);
}


// Seconds after the start, which may have nine digits, as the SDK's time.
function time(at) {
    const [seconds, fraction = ''] = at.split('.');

    return [start + Number(seconds), Number(fraction.padEnd(9, '0'))];
}


// The ids that a span's id in data.js stands for.
function reference(span) {
    return { traceId: id(span.split('/')[0], 32), spanId: id(span, 16) };
}


function context(span, extra) {
    const { traceId, spanId } = reference(span);

    return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, ...extra };
}


async function sendSpans() {
    const next = {};
    const provider = tracing({
        resource: data.resource,
        idGenerator: {
            generateTraceId: () => next.traceId,
            generateSpanId: () => next.spanId,
        },
    });

    const spans = data.spans.filter((span) => (
        !only || only.includes(span.id)
    ));

    for (const span of spans) {
        const { name, version, schemaUrl } = data.scopes[span.scope];
        const parent = span.parent
            ? trace.setSpanContext(ROOT_CONTEXT, context(span.parent, {
                isRemote: span.remote,
                traceState: span.traceState
                            && createTraceState(span.traceState),
            }))
            : ROOT_CONTEXT;

        Object.assign(next, reference(span.id));

        const started = provider.getTracer(name, version, { schemaUrl })
            .startSpan(span.name, {
                kind: span.kind,
                startTime: time(span.start),
                attributes: span.attributes,
                links: (span.links || []).map((link) => ({
                    context: context(link.to, {
                        traceState: link.traceState
                                    && createTraceState(link.traceState),
                    }),
                    attributes: link.attributes,
                })),
            }, parent);

        for (const event of span.events || []) {
            started.addEvent(event.name, event.attributes, time(event.at));
        }

        if (span.exception) {
            started.recordException(span.exception, time(span.end));
        }

        if (span.status) {
            started.setStatus(span.status);
        }

        started.end(time(span.end));
    }

    await flush(provider);
}


async function sendLogs() {
    const provider = logging({ resource: data.resource });

    for (const log of data.logs) {
        const { name, version, schemaUrl } = data.scopes[log.scope];

        provider.getLogger(name, version, { schemaUrl }).emit({
            timestamp: time(log.at),
            observedTimestamp: time(log.observed || log.at),
            severityNumber: log.severityNumber,
            severityText: log.severityText,
            eventName: log.eventName,
            body: log.body,
            attributes: log.attributes,
            exception: log.exception,
            context: log.span
                ? trace.setSpanContext(ROOT_CONTEXT, context(log.span))
                : ROOT_CONTEXT,
        });
    }

    await flush(provider);
}


async function sendMetrics(temporality) {
    const provider = metering({
        resource: data.resource,
        temporality,
        views: [{
            instrumentName: 'exponential.*',
            aggregation: {
                type: AggregationType.EXPONENTIAL_HISTOGRAM,
                options: { maxSize: 20, recordMinMax: true },
            },
        }],
    });

    for (const metric of data.metrics) {
        const { name, version, schemaUrl } = data.scopes[metric.scope];
        const meter = provider.getMeter(name, version, { schemaUrl });
        const instrument = meter[`create${metric.kind}`](metric.name,
                                                         metric.options);

        if (metric.kind.startsWith('Observable')) {
            instrument.addCallback((result) => {
                for (const [value, labels] of metric.values) {
                    result.observe(value, labels);
                }
            });
            continue;
        }

        const record = (instrument.add || instrument.record).bind(instrument);

        for (const [value, labels] of metric.values) {
            record(value, labels);
        }
    }

    await flush(provider);
}


run(async () => {
    await sendSpans();

    if (!only) {
        await sendLogs();

        // The SDK's clock has milliseconds: gauges are to differ in time.
        await sendMetrics(AggregationTemporality.CUMULATIVE);
        await setTimeout(5);
        await sendMetrics(AggregationTemporality.DELTA);
    }

    const names = data.spans.flatMap((span) => [
        span.id, span.parent || [], (span.links || []).map((link) => link.to),
    ]).flat();

    const ids = Object.fromEntries(names.map((name) => [name,
                                                        reference(name)]));

    finish({ ...data, ids });
});
