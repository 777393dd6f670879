/* Columns of a statement: name, type, value of a trace or span. */

const TRACE_COLUMNS = [
    ['trace_id', 'uuid', (t) => t.traceId],
    ['home_day', 'date', (t) => t.homeDay],
    ['agent_id', 'uuid', (t) => t.agentId],
    ['status', 'int2', (t) => t.status],
    ['started_at', 'timestamptz', (t) => t.startedAt],
    ['ended_at', 'timestamptz', (t) => t.endedAt],
    ['duration_ns', 'int8', (t) => t.durationNs],
    ['success', 'bool', (t) => t.success],
    ['outcome', 'text', (t) => t.outcome],
    ['total_tokens', 'int8', (t) => t.totalTokens],
    ['total_cost_usd', 'numeric', (t) => t.totalCostUsd],
    ['error_message', 'text', (t) => t.errorMessage],
    ['metadata', 'jsonb', (t) => t.metadata],
    ['span_count', 'int4', (t) => t.spans.length],
    ['span_tokens', 'int8', (t) => sum(t.spans, (s) => s.totalTokens)],
    ['span_cost_usd', 'numeric', (t) => cost(t.spans)],
];

const SPAN_COLUMNS = [
    ['home_day', 'date', (s) => s.homeDay],
    ['trace_id', 'uuid', (s) => s.traceId],
    ['span_id', 'uuid', (s) => s.spanId],
    ['parent_span_id', 'uuid', (s) => s.parentSpanId],
    ['ordinal', 'int8', (s) => s.ordinal],
    ['type', 'int2', (s) => s.type],
    ['status', 'int2', (s) => s.status],
    ['name', 'text', (s) => s.name],
    ['started_at', 'timestamptz', (s) => s.startedAt],
    ['ended_at', 'timestamptz', (s) => s.endedAt],
    ['duration_ns', 'int8', (s) => s.durationNs],
    ['model', 'text', (s) => s.model],
    ['input_tokens', 'int8', (s) => s.inputTokens],
    ['output_tokens', 'int8', (s) => s.outputTokens],
    ['total_tokens', 'int8', (s) => s.totalTokens],
    ['cost_usd', 'numeric', (s) => s.costUsd],
    ['error_message', 'text', (s) => s.errorMessage],
    ['input', 'json', (s) => s.input],
    ['output', 'json', (s) => s.output],
    ['metadata', 'json', (s) => s.metadata],
];

/* null without a value */
function sum(spans, get) {
    let total = null;

    for (const span of spans) {
        const value = get(span);

        if (value !== null) {
            total = (total ?? 0) + value;
        }
    }

    return total;
}

/* In millionths: money is no binary float. */
function cost(spans) {
    const millionths = sum(spans, ({ costUsd }) => (
        costUsd === null ? null : Math.round(Number(costUsd) * 1e6)
    ));

    return millionths === null ? null : (millionths / 1e6).toFixed(6);
}

const names = (columns) => columns.map(([name]) => name).join(', ');

/* $2 and on: $1 is the account. */
const unnest = (columns) => columns
    .map(([, type], i) => `unnest($${i + 2}::${type}[])`)
    .join(', ');

const arrays = (columns, rows) => columns.map(([, , get]) => rows.map(get));

const INSERT_AGENTS = {
    name: 'insert-agents',
    text: `insert into agentvista.agents (account_id, id, name)
           select $1::uuid, unnest($2::uuid[]), unnest($3::text[])
           on conflict do nothing`,
};

/*
 * The first header wins, but what has ended takes the place of what was
 * running.
 */
const UPSERT_TRACES = {
    name: 'upsert-traces',
    text: `insert into agentvista.traces as t
               (account_id, ${names(TRACE_COLUMNS)})
           select $1::uuid, ${unnest(TRACE_COLUMNS)}
           on conflict (account_id, trace_id) do update set
               status = excluded.status,
               ended_at = coalesce(excluded.ended_at, t.ended_at),
               duration_ns = coalesce(excluded.duration_ns, t.duration_ns),
               success = coalesce(excluded.success, t.success),
               outcome = coalesce(excluded.outcome, t.outcome),
               total_tokens = coalesce(excluded.total_tokens, t.total_tokens),
               total_cost_usd = coalesce(excluded.total_cost_usd,
                                         t.total_cost_usd),
               error_message = coalesce(excluded.error_message,
                                        t.error_message)
           where t.status = 0 and excluded.status <> 0
           returning xmax = 0 as inserted`,
};

const HOME_DAYS = {
    name: 'home-days',
    text: `select trace_id, home_day::text
           from agentvista.traces
           where account_id = $1 and trace_id = any($2)`,
};

const INSERT_SPANS = {
    name: 'insert-spans',
    text: `insert into agentvista.spans (account_id, ${names(SPAN_COLUMNS)})
           select $1::uuid, ${unnest(SPAN_COLUMNS)}
           on conflict do nothing`,
};

/* Of traces some of whose spans were stored before. */
const RECOUNT = {
    name: 'recount',
    text: `update agentvista.traces t
           set (span_count, span_tokens, span_cost_usd) =
               (select count(*), sum(s.total_tokens), sum(s.cost_usd)
                from agentvista.spans s
                where s.account_id = t.account_id
                      and s.home_day = t.home_day
                      and s.trace_id = t.trace_id)
           where t.account_id = $1 and t.trace_id = any($2)`,
};

const CHARGE = {
    name: 'charge',
    text: `insert into agentvista.usage as u (account_id, month, slot, events)
           values ($1, date_trunc('month', now() at time zone 'UTC'), $2, $3)
           on conflict (account_id, month, slot)
           do update set events = u.events + excluded.events`,
};

const USED = {
    name: 'used',
    text: 'select agentvista.events_used($1,'
        + ` date_trunc('month', now() at time zone 'UTC')::date) as events`,
};

export class QuotaExceeded extends Error {
    constructor() {
        super('Monthly event limit reached. Upgrade your plan to continue.');
    }
}

export class Store {
    #pool;
    #slots;
    #ordinal = BigInt(Date.now()) << 20n;
    #agents = new Set();

    constructor(pool, slot) {
        this.#pool = pool;

        /* A slot per connection: they do not wait for each other's rows. */
        let next = slot * 100;
        this.#slots = new WeakMap();
        pool.on('connect', (client) => this.#slots.set(client, next++));
    }

    async write(key, batch) {
        await this.#insertAgents(key.accountId, batch.traces);

        const client = await this.#pool.connect();

        try {
            await client.query('begin');
            await this.#transaction(client, key, batch);
            await client.query('commit');

        } catch (error) {
            await client.query('rollback').catch(() => {});
            throw error;

        } finally {
            client.release();
        }
    }

    async #transaction(client, { accountId, eventsLimit }, { traces }) {
        const allNew = await this.#upsertTraces(client, accountId, traces);
        const spans = this.#spans(traces);

        if (spans.length === 0) {
            return;
        }

        const { rowCount } = await client.query({
            ...INSERT_SPANS,
            values: [accountId, ...arrays(SPAN_COLUMNS, spans)],
        });

        if (rowCount === 0) {
            return;
        }

        if (!allNew || rowCount < spans.length) {
            await client.query({
                ...RECOUNT,
                values: [accountId, traces.map((trace) => trace.traceId)],
            });
        }

        await client.query({
            ...CHARGE,
            values: [accountId, this.#slots.get(client), rowCount],
        });

        if (eventsLimit !== null) {
            const { rows } = await client.query({
                ...USED, values: [accountId],
            });

            if (BigInt(rows[0].events) > eventsLimit) {
                throw new QuotaExceeded();
            }
        }
    }

    /* By itself, and in one order everywhere: no deadlocks. */
    async #insertAgents(accountId, traces) {
        const agents = new Map();

        for (const { agentId, agentName } of traces) {
            if (!this.#agents.has(agentId)) {
                agents.set(agentId, agentName);
            }
        }

        if (agents.size === 0) {
            return;
        }

        const ids = [...agents.keys()].sort();

        await this.#pool.query({
            ...INSERT_AGENTS,
            values: [accountId, ids, ids.map((id) => agents.get(id))],
        });

        for (const id of ids) {
            this.#agents.add(id);
        }
    }

    /*
     * Also gives every trace the day that it is stored under.  Returns whether
     * none of them had been stored before.
     */
    async #upsertTraces(client, accountId, traces) {
        /* In one order everywhere: no deadlocks. */
        traces.sort((a, b) => (a.traceId < b.traceId ? -1 : 1));

        const { rows } = await client.query({
            ...UPSERT_TRACES,
            values: [accountId, ...arrays(TRACE_COLUMNS, traces)],
        });

        if (rows.length === traces.length
            && rows.every((row) => row.inserted))
        {
            return true;
        }

        const ids = traces.map((trace) => trace.traceId);
        const stored = await client.query({
            ...HOME_DAYS, values: [accountId, ids],
        });
        const days = new Map(stored.rows.map((r) => [r.trace_id, r.home_day]));

        for (const trace of traces) {
            trace.homeDay = days.get(trace.traceId);
        }

        return false;
    }

    #spans(traces) {
        const spans = [];

        for (const { traceId, homeDay, spans: own } of traces) {
            for (const span of own) {
                span.traceId = traceId;
                span.homeDay = homeDay;
                span.ordinal = String(this.#ordinal++);
                spans.push(span);
            }
        }

        return spans;
    }
}
