-- Lists as rows: the module writes their JSON, which takes Postgres several
-- times as long (src/api/ngx_av_objects.h).  A row is some of the answer's
-- text, or what the other columns tell.

create type agentvista.trace_row as (
    text            text,
    trace_id        uuid,
    agent_id        uuid,
    agent_name      text,
    name            text,
    status          text,
    started_at      timestamptz,
    ended_at        timestamptz,
    duration_ms     bigint,
    success         boolean,
    outcome         text,
    error_message   text,
    total_tokens    bigint,
    total_cost_usd  numeric,
    session_id      text,
    user_id         text,
    span_count      integer
);

create type agentvista.agent_row as (
    text              text,
    id                uuid,
    name              text,
    total_runs        bigint,
    success_rate      numeric,
    total_cost        numeric,
    avg_cost_per_run  numeric,
    last_run_at       timestamptz,
    created_at        timestamptz
);

create type agentvista.agent_day_row as (
    text              text,
    date              text,
    total_runs        numeric,
    successful_runs   numeric,
    failed_runs       numeric,
    success_rate      numeric,
    total_cost        numeric,
    total_tokens      numeric,
    avg_duration_ms   numeric,
    p95_duration_ms   numeric
);

-- They return such rows now.
drop function if exists agentvista.agents_list(uuid);
drop function if exists agentvista.agent_stats(uuid, uuid, bigint);
drop function if exists agentvista.traces_list(uuid, uuid, text, smallint,
    smallint, text, timestamptz, timestamptz, text, text, text, jsonb, text,
    text, numeric, numeric, numeric, numeric, numeric, numeric, bigint, bigint,
    timestamptz, uuid);
drop function if exists agentvista.traces_page(uuid, uuid[], bigint, boolean,
    bigint, bigint, text);
drop function if exists agentvista.agent_runs(uuid, uuid, bigint, bigint,
    timestamptz, uuid);
drop function if exists agentvista.session_detail(uuid, text, bigint, bigint,
    timestamptz, uuid);
