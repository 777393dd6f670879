-- Spans on their way into an answer: the module writes their JSON, which takes
-- Postgres several times as long.

-- A row of an answer is some of its text, as it is; or a span, which a text
-- may precede.  Columns are in the order of src/api/ngx_av_span_row.h.
--
-- more goes with an answer's first row, and may be null or shorter: what
-- agentvista.agentmark_more() is to be given for what follows; the
-- Content-Type; where the next page begins.  What there is not is empty.
create type agentvista.span_row as (
    text            text,
    more            text[],
    trace_id        uuid,
    span_id         uuid,
    parent_span_id  uuid,
    type            smallint,
    kind            smallint,
    status          smallint,
    otlp_status     smallint,
    name            text,
    started_at      timestamptz,
    started_nanos   smallint,
    ended_at        timestamptz,
    ended_nanos     smallint,
    duration_ns     bigint,
    service_name    text,
    scope_id        uuid,
    session_id      text,
    user_id         text,
    model           text,
    input_tokens    bigint,
    output_tokens   bigint,
    total_tokens    bigint,
    cost_usd        numeric,
    error_message   text,
    input           json,
    output          json,
    metadata        jsonb,
    details         jsonb,
    events          json,
    links           json,
    truncated       jsonb
);

-- They return such rows now.
drop function if exists agentvista.trace_detail(uuid, uuid);
drop function if exists agentvista.log_trace(uuid, uuid);
drop function if exists agentvista.agentmark_start(uuid, text, boolean, text,
    text, date[], uuid[], uuid[], bigint[], text[]);
drop function if exists agentvista.agentmark_more(uuid, text);
drop function if exists agentvista.agentmark_trace(uuid, text, smallint,
    smallint, text, text, bigint, bigint, bigint, bigint);
drop function if exists agentvista.agentmark_spans(uuid, text, smallint,
    smallint, text, text, bigint, bigint, bigint, bigint);
drop function if exists agentvista.agentmark_session_traces(uuid, text,
    bigint, bigint);
drop function if exists agentvista.agentmark_export(uuid, smallint, bigint,
    boolean, timestamptz, timestamptz, smallint, text, smallint, text, numeric,
    numeric, text, text, text, text, timestamptz, uuid);
drop function if exists agentvista.agentmark_export_keys(uuid, uuid[], date[],
    timestamptz, timestamptz, smallint, boolean, text, smallint, text, numeric,
    numeric, text, text, text, text);

-- And these are gone.
drop function if exists agentvista.agentmark_span(agentvista.spans, text);
drop function if exists agentvista.agentmark_export_json(agentvista.spans,
    text, boolean);
drop function if exists agentvista.agentmark_text(json);
drop function if exists agentvista.agentmark_metadata(jsonb);
drop function if exists agentvista.span_kind_name(smallint);
drop function if exists agentvista.span_type_name(smallint, smallint);
drop function if exists agentvista.span_type_name(smallint);
