import { createHash } from 'node:crypto';

const MAX_SPANS = 100;
const MAX_TRACES = 1000;

const STATUS = new Map([
    ['running', 0], ['completed', 1], ['failed', 2], ['timed_out', 3],
]);

const TYPE = new Map([
    ['custom', 0], ['agent', 1], ['llm', 2], ['tool', 3], ['http', 4],
    ['db', 5],
]);

const UUID = new RegExp('^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}'
    + '-?[0-9a-f]{12}$', 'i');
const TIME = new RegExp('^\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d'
    + '(\\.\\d{1,9})?(Z|[+-]\\d\\d:?\\d\\d)?$', 'i');
const DECIMAL = /^-?\d{1,20}(\.\d{1,20})?$/;

/* The request as a whole is refused. */
export class BatchError extends Error {}

/* One trace is refused. */
class TraceError extends Error {}

function fail(field, problem) {
    throw new TraceError(`${field} ${problem}.`);
}

function uuid(value, field) {
    if (typeof value !== 'string' || !UUID.test(value)) {
        fail(field, 'must be a UUID');
    }
    return value.toLowerCase();
}

function optionalUuid(value, field) {
    return value == null ? null : uuid(value, field);
}

function time(value, field) {
    const match = typeof value === 'string' && TIME.exec(value);

    if (!match || Number.isNaN(Date.parse(value))) {
        fail(field, 'must be an ISO 8601 time');
    }
    return match[2] ? value : `${value}Z`;
}

function optionalTime(value, field) {
    return value == null ? null : time(value, field);
}

function text(value, field) {
    if (typeof value !== 'string' || value === '') {
        fail(field, 'must be a string');
    }
    return value;
}

function optionalText(value, field) {
    if (value != null && typeof value !== 'string') {
        fail(field, 'must be a string');
    }
    return value ?? null;
}

function optionalInteger(value, field) {
    if (value == null) {
        return null;
    }
    if (!Number.isSafeInteger(value) || value < 0) {
        fail(field, 'must be an integer');
    }
    return value;
}

function optionalDecimal(value, field) {
    if (value == null) {
        return null;
    }
    const digits = typeof value === 'number' ? String(value) : value;
    if (typeof digits !== 'string' || !DECIMAL.test(digits)) {
        fail(field, 'must be a decimal number');
    }
    return digits;
}

function optionalBoolean(value, field) {
    if (value != null && typeof value !== 'boolean') {
        fail(field, 'must be a boolean');
    }
    return value ?? null;
}

function optionalObject(value, field) {
    if (value == null) {
        return null;
    }
    if (typeof value !== 'object' || Array.isArray(value)) {
        fail(field, 'must be an object');
    }
    return JSON.stringify(value);
}

function optionalJson(value) {
    return value == null ? null : JSON.stringify(value);
}

function status(value, field) {
    if (value == null) {
        return STATUS.get('completed');
    }
    return STATUS.get(value) ?? fail(field, 'is not a known status');
}

/* Nanoseconds, as text: they may pass 2^53. */
function duration(milliseconds, startedAt, endedAt, field) {
    let ms = optionalInteger(milliseconds, field);

    if (ms === null && endedAt !== null) {
        ms = Math.max(0, Date.parse(endedAt) - Date.parse(startedAt));
    }

    return ms === null ? null : `${ms}000000`;
}

/* UUIDv5 */
function agentId(accountId, name) {
    const hash = createHash('sha1')
        .update(Buffer.from(accountId.replaceAll('-', ''), 'hex'))
        .update(name)
        .digest();

    hash[6] = (hash[6] & 0x0f) | 0x50;
    hash[8] = (hash[8] & 0x3f) | 0x80;

    const hex = hash.toString('hex', 0, 16);

    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}`
        + `-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const agentIds = new Map();

function agent(accountId, name) {
    if (typeof name !== 'string' || name.trim() === '' || name.length > 255) {
        fail('trace.agent', 'must be a name of at most 255 characters');
    }

    const key = `${accountId} ${name}`;
    let id = agentIds.get(key);

    if (id === undefined) {
        id = agentId(accountId, name);
        agentIds.set(key, id);
    }

    return id;
}

function decodeSpan(span, traceId, at) {
    if (span === null || typeof span !== 'object') {
        fail(at, 'must be an object');
    }

    if (span.trace_id != null
        && uuid(span.trace_id, `${at}.trace_id`) !== traceId)
    {
        fail(`${at}.trace_id`, 'must be the trace_id of the header');
    }

    const startedAt = time(span.started_at, `${at}.started_at`);
    const endedAt = optionalTime(span.ended_at, `${at}.ended_at`);
    const input = optionalInteger(span.input_tokens, `${at}.input_tokens`);
    const output = optionalInteger(span.output_tokens, `${at}.output_tokens`);
    let total = optionalInteger(span.total_tokens, `${at}.total_tokens`);

    if (total === null && (input !== null || output !== null)) {
        total = (input ?? 0) + (output ?? 0);
    }

    let type = TYPE.get('custom');
    let metadata = span.metadata ?? span.attributes;

    if (span.type != null) {
        type = TYPE.get(text(span.type, `${at}.type`));

        if (type === undefined) {
            type = TYPE.get('custom');
            metadata = { ...metadata, type: span.type };
        }
    }

    return {
        spanId: uuid(span.span_id, `${at}.span_id`),
        parentSpanId: optionalUuid(span.parent_span_id,
            `${at}.parent_span_id`),
        type,
        status: status(span.status, `${at}.status`),
        name: text(span.name, `${at}.name`),
        startedAt,
        endedAt,
        durationNs: duration(span.duration_ms, startedAt, endedAt,
            `${at}.duration_ms`),
        model: optionalText(span.model, `${at}.model`),
        inputTokens: input,
        outputTokens: output,
        totalTokens: total,
        costUsd: optionalDecimal(span.cost_usd, `${at}.cost_usd`),
        errorMessage: optionalText(span.error_message, `${at}.error_message`),
        input: optionalJson(span.input),
        output: optionalJson(span.output),
        metadata: optionalObject(metadata, `${at}.metadata`),
    };
}

function decodeTrace(element, accountId) {
    const header = element?.trace;

    if (header === null || typeof header !== 'object') {
        fail('trace', 'is required');
    }

    const traceId = uuid(header.trace_id, 'trace.trace_id');
    const agentName = header.agent;
    const startedAt = time(header.started_at, 'trace.started_at');
    const endedAt = optionalTime(header.ended_at, 'trace.ended_at');
    const spans = element.spans ?? [];

    if (!Array.isArray(spans)) {
        fail('spans', 'must be an array');
    }

    return {
        traceId,
        agentId: agent(accountId, agentName),
        agentName,
        homeDay: new Date(startedAt).toISOString().slice(0, 10),
        status: status(header.status, 'trace.status'),
        startedAt,
        endedAt,
        durationNs: duration(header.duration_ms, startedAt, endedAt,
            'trace.duration_ms'),
        success: optionalBoolean(header.success, 'trace.success'),
        outcome: optionalText(header.outcome, 'trace.outcome'),
        totalTokens: optionalInteger(header.total_tokens,
            'trace.total_tokens'),
        totalCostUsd: optionalDecimal(header.total_cost_usd,
            'trace.total_cost_usd'),
        errorMessage: optionalText(header.error_message,
            'trace.error_message'),
        metadata: optionalObject(header.metadata, 'trace.metadata'),
        spans: spans.map((span, i) => decodeSpan(span, traceId, `spans[${i}]`)),
    };
}

/* A trace that comes in several elements: the first header, all spans. */
function merge(traces) {
    const byId = new Map();

    for (const trace of traces) {
        const first = byId.get(trace.traceId);

        if (first === undefined) {
            byId.set(trace.traceId, trace);
        } else {
            first.spans.push(...trace.spans);
        }
    }

    return byId.size === traces.length ? traces : [...byId.values()];
}

/* Checks the body of a request; traces that are not valid become errors. */
export function decodeBatch(body, accountId) {
    if (body === null || typeof body !== 'object'
        || !Array.isArray(body.traces))
    {
        throw new BatchError('traces must be an array.');
    }

    if (body.traces.length > MAX_TRACES) {
        throw new BatchError(`At most ${MAX_TRACES} traces are allowed.`);
    }

    let spanCount = 0;

    for (const element of body.traces) {
        spanCount += Array.isArray(element?.spans) ? element.spans.length : 0;
    }

    if (spanCount > MAX_SPANS) {
        throw new BatchError(`At most ${MAX_SPANS} spans are allowed.`);
    }

    const traces = [];
    const errors = [];

    body.traces.forEach((element, index) => {
        try {
            traces.push(decodeTrace(element, accountId));

        } catch (error) {
            if (!(error instanceof TraceError)) {
                throw error;
            }

            errors.push({
                index,
                trace_id: typeof element?.trace?.trace_id === 'string'
                    ? element.trace.trace_id : null,
                detail: error.message,
            });
        }
    });

    return { accepted: traces.length, traces: merge(traces), errors };
}
