-- OpenTelemetry: what its spans have besides, logs, metrics.
--
-- Times are timestamptz, which ends at microseconds; *_nanos holds the 0 to
-- 999 nanoseconds beyond them.

-- What sent something: an instrumentation scope within a resource.  id is
-- UUIDv5 of the account and the scope's content, so that a resource is stored
-- once and not with every span.
create table agentvista.scopes (
    account_id          uuid   not null,
    id                  uuid   not null,
    service_name        text   not null,
    resource            jsonb  not null,    -- attributes
    resource_schema_url text,
    name                text,
    version             text,
    attributes          jsonb  not null,
    schema_url          text,
    primary key (account_id, id)
);

-- header: where a trace's header comes from.  0: /traces/batch; 1: made of its
-- root span; 2: made of its earliest span.  Of two that were made, the smaller
-- (header, header_ns, header_span) owns the trace; one from /traces/batch
-- always does (agentvista.md 7.2).  header_ns is that span's start.
--
-- span_start_ns and span_end_ns, nanoseconds since 1970, span all stored spans.
alter table agentvista.traces
    add column header        smallint not null default 0,
    add column header_ns     bigint,
    add column header_span   uuid,
    add column name          text,
    add column session_id    text,
    add column user_id       text,
    add column span_start_ns bigint,
    add column span_end_ns   bigint;

-- kind and otlp_status are OTLP's numbers, null for spans that did not come by
-- OTLP.  details holds what the semantic conventions know and no column does.
alter table agentvista.spans
    add column started_nanos smallint,
    add column ended_nanos   smallint,
    add column kind          smallint,
    add column otlp_status   smallint,
    add column scope_id      uuid,
    add column session_id    text,
    add column user_id       text,
    add column details       jsonb,
    add column events        json,
    add column links         json;

-- id begins with the record's time and ends with a hash of its content: the
-- same record sent twice is stored once, and id is the order of time.  day is
-- its UTC day.  severity: 1 trace to 6 fatal.  body is text, or JSON if
-- structured.
create table agentvista.logs (
    account_id      uuid        not null,
    day             date        not null,
    id              uuid        not null,
    logged_at       timestamptz not null,
    logged_nanos    smallint,
    observed_at     timestamptz,
    severity        smallint    not null,
    severity_number smallint,
    severity_text   text,
    service_name    text        not null,
    event_name      text,
    body            text,
    structured      boolean,
    attributes      jsonb,
    trace_id        uuid,
    span_id         uuid,
    flags           bigint,
    scope_id        uuid        not null,
    truncated       jsonb
) partition by range (day);

-- A metric stream: its type, unit and description follow the latest report.
-- type: 1 gauge, 2 sum, 3 histogram, 4 exponential histogram, 5 summary.
create table agentvista.metrics (
    account_id  uuid     not null,
    name        text     not null,
    type        smallint not null,
    unit        text     not null default '',
    description text     not null default '',
    primary key (account_id, name)
);

-- Points stored of a metric, in slots as usage is; the sum over them counts.
create table agentvista.metric_counts (
    account_id  uuid     not null,
    name        text     not null,
    slot        smallint not null,
    points      bigint   not null,
    primary key (account_id, name, slot)
);

-- id is UUIDv5 of the account and all of: metric, labels in order of their
-- names, temporality, monotonicity, scope.
-- temporality: 0 none, 1 delta, 2 cumulative.
create table agentvista.series (
    account_id  uuid     not null,
    id          uuid     not null,
    metric      text     not null,
    type        smallint not null,
    temporality smallint not null,
    monotonic   boolean  not null,
    labels      jsonb    not null,
    scope_id    uuid     not null,
    primary key (account_id, id)
);

create index series_metric_idx on agentvista.series (account_id, metric);

-- value is the number, or sum / count.  integer_value: its digits, where it
-- was sent as an integer that a double may not hold.  buckets: what histograms
-- and summaries have besides, by OTLP's names.
create table agentvista.metric_points (
    account_id      uuid             not null,
    day             date             not null,
    series_id       uuid             not null,
    recorded_at     timestamptz      not null,
    recorded_nanos  smallint         not null,
    started_at      timestamptz,
    started_nanos   smallint,
    value           double precision not null,
    integer_value   bigint,
    count           bigint,
    sum             double precision,
    min             double precision,
    max             double precision,
    buckets         json,
    exemplars       json,
    flags           bigint
) partition by range (day);
