-- What the query API reads: lists by index, statistics kept while writing.

-- Lists, newest first. Sessions and users are rarely sent, and cost nothing
-- where they are not.
create index traces_started_idx on agentvista.traces
    (account_id, started_at desc, trace_id desc);
create index traces_agent_idx on agentvista.traces
    (account_id, agent_id, started_at desc, trace_id desc);
create index traces_session_idx on agentvista.traces
    (account_id, session_id, started_at desc, trace_id desc)
    where session_id is not null and octet_length(session_id) <= 1024;
create index traces_sessions_idx on agentvista.traces
    (account_id, started_at desc, trace_id desc)
    where session_id is not null and octet_length(session_id) <= 1024;
create index traces_user_idx on agentvista.traces
    (account_id, user_id, started_at desc, trace_id desc)
    where user_id is not null and octet_length(user_id) <= 1024;

-- Statistics of agents, kept while writing. A trigger on traces notes each
-- change in agent_changes, in the transaction that makes it; now and then such
-- a transaction also folds what has gathered there into agent_hours, and what
-- is some hours old from there into agent_days. Each number is therefore the
-- sum over the three, at every moment (src/sql/functions/statistics.sql).
--
-- They count every run there ever was: what retention removes is counted in
-- retired, and its latest start is kept.

-- runs is 1 for a run that has come, -1 for one that has gone or is now
-- different; duration_ns is null unless it is completed. retired goes alone.
create table agentvista.agent_changes (
    account_id     uuid        not null,
    agent_id       uuid        not null,
    started_at     timestamptz not null,
    runs           bigint      not null,
    status         smallint,
    success        boolean,
    outcome        text,
    cost_usd       numeric,
    tokens         bigint,
    duration_ns    bigint,
    retired        bigint
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1,
        autovacuum_vacuum_cost_delay = 0);

create index agent_changes_account_id_idx
    on agentvista.agent_changes (account_id);

-- The duration in nanoseconds that stands for a bucket of runs (see
-- agentvista.duration_bucket): no member of it is more than 2 % away.
create function agentvista.bucket_duration(bucket integer)
returns double precision language sql immutable parallel safe as $$
    select case when bucket < 0 then 0
                else exp(bucket * 0.039220713153281329) * 2 / 2.04
           end
$$;

-- The 95th percentile of buckets in ascending order, in nanoseconds, with
-- linear interpolation between runs; null of none.
create function agentvista.bucket_p95(buckets smallint[], bucket_runs bigint[])
returns double precision language plpgsql immutable parallel safe as $$
declare
    rank  double precision := -1;
    seen  bigint := 0;
    low   double precision;
    runs  bigint;
begin
    foreach runs in array bucket_runs loop
        rank := rank + runs;
    end loop;

    rank := 0.95 * rank;

    for i in 1 .. coalesce(array_length(buckets, 1), 0) loop
        seen := seen + bucket_runs[i];

        if low is null and seen > floor(rank) then
            low := agentvista.bucket_duration(buckets[i]);
        end if;

        if seen > ceil(rank) then
            return low + (agentvista.bucket_duration(buckets[i]) - low)
                         * (rank - floor(rank));
        end if;
    end loop;

    return null;
end;
$$;

-- By the hour of a run's start. Completed runs by duration: buckets and
-- bucket_runs go in parallel; a bucket is a factor of 1.04 wide (see
-- agentvista.duration_bucket), so its middle is within 2 % of all in it.
create table agentvista.agent_hours (
    account_id     uuid        not null,
    agent_id       uuid        not null,
    hour           timestamptz not null,
    running        bigint      not null,    -- runs by their status
    completed      bigint      not null,
    failed         bigint      not null,
    timed_out      bigint      not null,
    succeeded      bigint      not null,    -- runs with success true
    unsucceeded    bigint      not null,    -- and false
    cost_usd       numeric     not null,    -- over costed runs
    costed         bigint      not null,
    tokens         numeric     not null,    -- over tokened runs
    tokened        bigint      not null,
    duration_ns    numeric     not null,    -- over completed runs that
    timed          bigint      not null,    -- have one
    buckets        smallint[]  not null,
    bucket_runs    bigint[]    not null,
    retired        bigint      not null,
    last_retired   timestamptz,
    primary key (account_id, agent_id, hour)
) with (fillfactor = 50);

create index agent_hours_hour_idx on agentvista.agent_hours (hour);

-- The same by day. '-infinity' is the sum of all days.
create table agentvista.agent_days (
    account_id     uuid        not null,
    agent_id       uuid        not null,
    day            date        not null,
    running        bigint      not null,
    completed      bigint      not null,
    failed         bigint      not null,
    timed_out      bigint      not null,
    succeeded      bigint      not null,
    unsucceeded    bigint      not null,
    cost_usd       numeric     not null,
    costed         bigint      not null,
    tokens         numeric     not null,
    tokened        bigint      not null,
    duration_ns    numeric     not null,
    timed          bigint      not null,
    buckets        smallint[]  not null,
    bucket_runs    bigint[]    not null,
    retired        bigint      not null,
    last_retired   timestamptz,
    p95_ns         double precision generated always as
                               (agentvista.bucket_p95(buckets, bucket_runs))
                               stored,
    primary key (account_id, agent_id, day)
);

-- Runs by their outcome, of those that have one. id is a hash of it: it may be
-- long.
create table agentvista.agent_outcomes (
    account_id     uuid        not null,
    agent_id       uuid        not null,
    id             uuid        not null,
    outcome        text        not null,
    runs           bigint      not null,
    succeeded      bigint      not null,
    unsucceeded    bigint      not null,
    cost_usd       numeric     not null,
    costed         bigint      not null,
    primary key (account_id, agent_id, id)
) with (fillfactor = 70);

-- What PATCH outcome has set, which ingestion never overwrites: 1 success,
-- 3 outcome as well.
alter table agentvista.traces
    add column feedback smallint;

-- Their bodies are in src/sql/functions/statistics.sql: until that has been
-- read, nothing is written that they would miss.
create function agentvista.count_new_traces() returns trigger
language plpgsql as $$
begin
    raise exception 'scripts/migrate has not come to an end';
end;
$$;

create function agentvista.count_changed_traces() returns trigger
language plpgsql as $$
begin
    raise exception 'scripts/migrate has not come to an end';
end;
$$;

create function agentvista.count_retired_traces() returns trigger
language plpgsql as $$
begin
    raise exception 'scripts/migrate has not come to an end';
end;
$$;

create trigger traces_inserted after insert on agentvista.traces
    referencing new table as new_traces
    for each statement execute function agentvista.count_new_traces();

create trigger traces_updated after update on agentvista.traces
    referencing old table as old_traces new table as new_traces
    for each statement execute function agentvista.count_changed_traces();

create trigger traces_deleted after delete on agentvista.traces
    referencing old table as old_traces
    for each statement execute function agentvista.count_retired_traces();

-- What is there already.
insert into agentvista.agent_changes
    (account_id, agent_id, started_at, runs, status, success, outcome,
     cost_usd, tokens, duration_ns)
select account_id, agent_id, started_at, 1, status, success, outcome,
       coalesce(total_cost_usd, span_cost_usd),
       coalesce(total_tokens, span_tokens),
       case when status = 1 then duration_ns end
from agentvista.traces;
