// The stock SDK with the exporters that OTEL_EXPORTER_OTLP_PROTOCOL names:
// http/json, http/protobuf or grpc. Endpoint, headers, compression and timeout
// are the SDK's own environment variables.

'use strict';

const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BatchSpanProcessor, NodeTracerProvider }
    = require('@opentelemetry/sdk-trace-node');
const { BatchLogRecordProcessor, LoggerProvider }
    = require('@opentelemetry/sdk-logs');
const { MeterProvider, PeriodicExportingMetricReader }
    = require('@opentelemetry/sdk-metrics');

const forms = { 'http/json': 'http', 'http/protobuf': 'proto', grpc: 'grpc' };

// What became of each export: {signal, items, code, error}; code 0 is success.
const outcomes = [];

// What flushes rejected with.
const failures = [];


function form() {
    return forms[process.env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf'];
}


function count(signal, batch) {
    if (signal !== 'metrics') {
        return batch.length;
    }

    return batch.scopeMetrics.flatMap((scope) => scope.metrics)
                             .flatMap((metric) => metric.dataPoints).length;
}


function describe(error) {
    return { name: error.name, code: error.code,
             message: String(error.message ?? error) };
}


// An exporter that also keeps a record of its results.
function watched(signal, exporter) {
    const send = exporter.export.bind(exporter);

    exporter.export = (batch, done) => send(batch, (result) => {
        const { error } = result;

        outcomes.push({
            signal,
            items: count(signal, batch),
            code: result.code,
            error: error && describe(error),
        });
        done(result);
    });

    return exporter;
}


function traceExporter() {
    const { OTLPTraceExporter }
        = require(`@opentelemetry/exporter-trace-otlp-${form()}`);

    return watched('traces', new OTLPTraceExporter());
}


function logExporter() {
    const { OTLPLogExporter }
        = require(`@opentelemetry/exporter-logs-otlp-${form()}`);

    return watched('logs', new OTLPLogExporter());
}


function metricExporter(temporality) {
    const { OTLPMetricExporter }
        = require(`@opentelemetry/exporter-metrics-otlp-${form()}`);

    return watched('metrics', new OTLPMetricExporter({
        temporalityPreference: temporality,
    }));
}


// options: resource (attributes), idGenerator, processors (before the batching
// one), batch (options of it), global: register it, for instrumentation.
function tracing(options) {
    const provider = new NodeTracerProvider({
        resource: resourceFromAttributes(options.resource || {}),
        idGenerator: options.idGenerator,
        spanProcessors: [
            ...(options.processors || []),
            new BatchSpanProcessor(traceExporter(), {
                scheduledDelayMillis: 60000, exportTimeoutMillis: 60000,
                ...options.batch,
            }),
        ],
    });

    if (options.global) {
        provider.register();
    }

    return provider;
}


function logging(options) {
    return new LoggerProvider({
        resource: resourceFromAttributes(options.resource || {}),
        processors: [
            new BatchLogRecordProcessor({
                exporter: logExporter(),
                scheduledDelayMillis: 60000, exportTimeoutMillis: 60000,
            }),
        ],
    });
}


// Nothing is sent before flush().
function metering(options) {
    return new MeterProvider({
        resource: resourceFromAttributes(options.resource || {}),
        views: options.views,
        readers: [
            new PeriodicExportingMetricReader({
                exporter: metricExporter(options.temporality),
                exportIntervalMillis: 3600000, exportTimeoutMillis: 60000,
            }),
        ],
    });
}


async function flush(provider) {
    try {
        await provider.forceFlush();

    } catch (error) {
        failures.push(...[error].flat().map(describe));
    }
}


// Prints what there is to say, as the program's only output, and ends it: what
// the SDK has running would keep it alive.
function finish(record) {
    const text = JSON.stringify({ ...record, exports: outcomes, failures },
                                plain);

    process.stdout.write(`${text}\n`, () => process.exit(0));
}


// Bytes as base64; half characters, which UTF-8 cannot hold, as U+FFFD.
function plain(key, value) {
    if (value instanceof Uint8Array) {
        return { bytes: Buffer.from(value).toString('base64') };
    }

    if (value instanceof Error) {
        return { 'exception.type': value.name,
                 'exception.message': value.message,
                 'exception.stacktrace': value.stack };
    }

    return typeof value === 'string' ? Buffer.from(value).toString() : value;
}


function run(main) {
    main().catch((error) => {
        console.error(error);
        process.exit(1);
    });
}


module.exports = { finish, flush, logging, metering, run, tracing };
