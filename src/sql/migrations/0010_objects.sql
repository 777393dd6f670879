-- Lists as rows: the module writes their JSON, which takes Postgres several
-- times as long (src/api/ngx_av_objects.h).  A row is some of the answer's text,
-- or what the other columns tell.

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

-- They return such rows now.
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
