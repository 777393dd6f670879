-- Statistics of agents: how changes of traces come into the tables of
-- src/sql/migrations/0003_reads.sql and 0005_statistics.sql, and how readers
-- add them up. New traces are noted in agent_changes by who inserts them, in
-- the same transaction (src/ingest/writer); whatever happens to them later, by
-- triggers. From there fold_statistics() takes them.

-- The logarithmic bucket of a duration in nanoseconds, each a factor of 1.04
-- wide; -1 is for none at all.
create or replace function agentvista.duration_bucket(ns bigint)
returns smallint language sql immutable parallel safe as $$
    select case when ns < 1 then -1
                else ceil(ln(ns::double precision) / 0.039220713153281329)
           end::smallint
$$;

-- Notes what an update has changed in what is counted: what the rows were goes,
-- what they are comes. Rows in which that is the same cancel out.
create or replace function agentvista.count_changed_traces() returns trigger
language plpgsql as $$
begin
    insert into agentvista.agent_changes
        (account_id, agent_id, started_at, runs, status, success, outcome,
         total_cost_usd, total_tokens, duration_ns)
    select account_id, array_agg(agent_id), array_agg(started_at),
           array_agg(runs), array_agg(status), array_agg(success),
           array_agg(outcome), array_agg(cost), array_agg(spent), array_agg(ns)
    from (select account_id, agent_id, started_at,
                 sign(sum(run))::smallint as runs,
                 generate_series(1, abs(sum(run))), status, success, outcome,
                 cost, spent, ns
          from (select account_id, agent_id, started_at, 1 as run, status,
                       success, outcome,
                       coalesce(total_cost_usd, span_cost_usd) as cost,
                       coalesce(total_tokens, span_tokens) as spent,
                       case when status = 1 then duration_ns end as ns
                from new_traces
                union all
                select account_id, agent_id, started_at, -1, status, success,
                       outcome, coalesce(total_cost_usd, span_cost_usd),
                       coalesce(total_tokens, span_tokens),
                       case when status = 1 then duration_ns end
                from old_traces) as r
          group by account_id, agent_id, started_at, status, success, outcome,
                   cost, spent, ns
          having sum(run) <> 0) as c
    group by account_id;

    return null;
end;
$$;

create or replace function agentvista.count_retired_traces() returns trigger
language plpgsql as $$
begin
    insert into agentvista.agent_changes
        (account_id, agent_id, started_at, runs, retired)
    select account_id, array_agg(agent_id), array_agg(last_start),
           array_agg(0), array_agg(retired)
    from (select account_id, agent_id, max(started_at) as last_start,
                 count(*) as retired
          from old_traces
          group by account_id, agent_id,
                   date_trunc('hour', started_at, 'UTC')) as c
    group by account_id;

    return null;
end;
$$;

-- Notes all traces of an account as if they had just come: for who has stored
-- them by other means than the module's.
create or replace function agentvista.count_traces(account uuid)
returns void language sql as $$
    insert into agentvista.agent_changes
        (account_id, agent_id, started_at, status, success, outcome,
         total_cost_usd, span_cost_usd, total_tokens, span_tokens, duration_ns)
    select account_id, array_agg(agent_id), array_agg(started_at),
           array_agg(status), array_agg(success), array_agg(outcome),
           array_agg(total_cost_usd), array_agg(span_cost_usd),
           array_agg(total_tokens), array_agg(span_tokens),
           array_agg(duration_ns)
    from agentvista.traces
    where account_id = account
    group by account_id, home_day, get_byte(uuid_send(trace_id), 0) % 16
$$;

-- Each change that has not been folded yet. unnest() in the target list, since
-- in FROM it would fill a tuple store for each array of each row.
create or replace view agentvista.pending_runs as
    select account_id, agent_id, started_at, coalesce(runs, 1) as runs, status,
           success, outcome,
           coalesce(total_cost_usd, span_cost_usd) as cost_usd,
           coalesce(total_tokens, span_tokens) as tokens,
           case when status = 1 then duration_ns end as duration_ns, retired
    from (select account_id, unnest(agent_id) as agent_id,
                 unnest(started_at) as started_at, unnest(runs) as runs,
                 unnest(status) as status, unnest(success) as success,
                 unnest(outcome) as outcome,
                 unnest(total_cost_usd) as total_cost_usd,
                 unnest(span_cost_usd) as span_cost_usd,
                 unnest(total_tokens) as total_tokens,
                 unnest(span_tokens) as span_tokens,
                 unnest(duration_ns) as duration_ns, unnest(retired) as retired
          from agentvista.agent_changes) as c;

-- Runs by bucket, of two such rows, or in one that repeats buckets.
create or replace function agentvista.add_buckets(
    inout buckets smallint[], inout bucket_runs bigint[],
    more_buckets smallint[], more_runs bigint[])
language sql immutable parallel safe as $$
    select coalesce(array_agg(b.bucket order by b.bucket), '{}'),
           coalesce(array_agg(b.runs order by b.bucket), '{}')
    from (select bucket, sum(runs)::bigint as runs
          from unnest(buckets || more_buckets, bucket_runs || more_runs)
               as u (bucket, runs)
          group by bucket
          having sum(runs) <> 0) as b
$$;

-- The same as rows of agent_hours; a bucket
-- may come more than once in a row.
create or replace view agentvista.agent_pending as
    select c.account_id, c.agent_id,
           date_trunc('hour', c.started_at, 'UTC') as hour,
           coalesce(sum(c.runs) filter (where c.status = 0), 0)::bigint
               as running,
           coalesce(sum(c.runs) filter (where c.status = 1), 0)::bigint
               as completed,
           coalesce(sum(c.runs) filter (where c.status = 2), 0)::bigint
               as failed,
           coalesce(sum(c.runs) filter (where c.status = 3), 0)::bigint
               as timed_out,
           coalesce(sum(c.runs) filter (where c.success), 0)::bigint
               as succeeded,
           coalesce(sum(c.runs) filter (where not c.success), 0)::bigint
               as unsucceeded,
           coalesce(sum(case when c.runs = 1 then c.cost_usd
                             else c.runs * c.cost_usd end), 0) as cost_usd,
           coalesce(sum(c.runs) filter (where c.cost_usd is not null), 0)
               ::bigint as costed,
           coalesce(sum(c.runs * c.tokens), 0) as tokens,
           coalesce(sum(c.runs) filter (where c.tokens is not null), 0)
               ::bigint as tokened,
           coalesce(sum(c.runs * c.duration_ns), 0) as duration_ns,
           coalesce(sum(c.runs) filter (where c.duration_ns is not null), 0)
               ::bigint as timed,
           coalesce(array_agg(agentvista.duration_bucket(c.duration_ns))
                        filter (where c.duration_ns is not null), '{}')
               as buckets,
           coalesce(array_agg(c.runs)
                        filter (where c.duration_ns is not null), '{}')
               as bucket_runs,
           coalesce(sum(c.retired), 0)::bigint as retired,
           max(c.started_at) filter (where c.retired is not null)
               as last_retired
    from agentvista.pending_runs c
    group by c.account_id, c.agent_id, 3;

-- Folds what has gathered in agent_changes into agent_hours and
-- agent_outcomes, and hours that are long over into agent_days. One
-- transaction does so at a time, and does not wait for it: nobody else changes
-- these tables, and nobody else deletes changes. Each statement has one
-- snapshot, so what it deletes is what it has counted. Writers' sessions,
-- which run it, have other settings of the planner.
create or replace function agentvista.fold_statistics()
returns void language plpgsql
set enable_seqscan = on set enable_hashjoin = on set enable_mergejoin = on
as $$
declare
    old constant timestamptz
        := date_trunc('hour', now() - interval '3 hours', 'UTC');
begin
    if not pg_try_advisory_xact_lock(hashtext('agentvista.fold_statistics'))
    then
        return;
    end if;

    with gone as (
        delete from agentvista.agent_changes),
    outcomes as (
        insert into agentvista.agent_outcomes as o
        select account_id, agent_id, md5(outcome)::uuid, outcome, sum(runs),
               coalesce(sum(runs) filter (where success), 0),
               coalesce(sum(runs) filter (where not success), 0),
               coalesce(sum(runs * cost_usd), 0),
               coalesce(sum(runs) filter (where cost_usd is not null), 0)
        from agentvista.pending_runs
        where outcome is not null
        group by account_id, agent_id, outcome
        on conflict (account_id, agent_id, id) do update set
            runs = o.runs + excluded.runs,
            succeeded = o.succeeded + excluded.succeeded,
            unsucceeded = o.unsucceeded + excluded.unsucceeded,
            cost_usd = o.cost_usd + excluded.cost_usd,
            costed = o.costed + excluded.costed),
    pending as materialized (
        select * from agentvista.agent_pending),
    spread as (
        select account_id, agent_id, hour,
               array_agg(bucket order by bucket) as buckets,
               array_agg(runs order by bucket) as bucket_runs
        from (select account_id, agent_id, hour, u.bucket,
                     sum(u.runs)::bigint as runs
              from (select account_id, agent_id, hour, buckets, bucket_runs
                    from pending
                    union all
                    select account_id, agent_id, hour, h.buckets, h.bucket_runs
                    from agentvista.agent_hours h
                         join pending p using (account_id, agent_id, hour)
                   ) as b,
                   unnest(b.buckets, b.bucket_runs) as u (bucket, runs)
              group by account_id, agent_id, hour, u.bucket
              having sum(u.runs) <> 0) as n
        group by account_id, agent_id, hour)
    insert into agentvista.agent_hours as h
    select p.account_id, p.agent_id, p.hour, p.running, p.completed, p.failed,
           p.timed_out, p.succeeded, p.unsucceeded, p.cost_usd, p.costed,
           p.tokens, p.tokened, p.duration_ns, p.timed,
           coalesce(s.buckets, '{}'), coalesce(s.bucket_runs, '{}'),
           p.retired, p.last_retired
    from pending p left join spread s using (account_id, agent_id, hour)
    on conflict (account_id, agent_id, hour) do update set
        running = h.running + excluded.running,
        completed = h.completed + excluded.completed,
        failed = h.failed + excluded.failed,
        timed_out = h.timed_out + excluded.timed_out,
        succeeded = h.succeeded + excluded.succeeded,
        unsucceeded = h.unsucceeded + excluded.unsucceeded,
        cost_usd = h.cost_usd + excluded.cost_usd,
        costed = h.costed + excluded.costed,
        tokens = h.tokens + excluded.tokens,
        tokened = h.tokened + excluded.tokened,
        duration_ns = h.duration_ns + excluded.duration_ns,
        timed = h.timed + excluded.timed,
        buckets = excluded.buckets,
        bucket_runs = excluded.bucket_runs,
        retired = h.retired + excluded.retired,
        last_retired = greatest(h.last_retired, excluded.last_retired);

    if exists (select from agentvista.agent_hours where hour < old) then
        perform agentvista.fold_hours(old);
    end if;
end;
$$;

-- Moves hours before a time into their days, and into the sum of all days.
create or replace function agentvista.fold_hours(before timestamptz)
returns void language sql as $$
    with gone as (
        delete from agentvista.agent_hours
        where hour < before
        returning *)
    insert into agentvista.agent_days as d
    select s.account_id, s.agent_id, s.day, s.running, s.completed, s.failed,
           s.timed_out, s.succeeded, s.unsucceeded, s.cost_usd, s.costed,
           s.tokens, s.tokened, s.duration_ns, s.timed,
           coalesce(b.buckets, '{}'), coalesce(b.bucket_runs, '{}'),
           s.retired, s.last_retired
    from (select g.account_id, g.agent_id, days.day, sum(g.running) as running,
                 sum(g.completed) as completed, sum(g.failed) as failed,
                 sum(g.timed_out) as timed_out, sum(g.succeeded) as succeeded,
                 sum(g.unsucceeded) as unsucceeded,
                 sum(g.cost_usd) as cost_usd, sum(g.costed) as costed,
                 sum(g.tokens) as tokens, sum(g.tokened) as tokened,
                 sum(g.duration_ns) as duration_ns, sum(g.timed) as timed,
                 sum(g.retired) as retired,
                 max(g.last_retired) as last_retired
          from gone g,
               unnest(array[(g.hour at time zone 'UTC')::date, '-infinity'])
                   as days (day)
          group by g.account_id, g.agent_id, days.day) as s
         left join lateral (
             select array_agg(n.bucket order by n.bucket) as buckets,
                    array_agg(n.runs order by n.bucket) as bucket_runs
             from (select u.bucket, sum(u.runs)::bigint as runs
                   from gone g, unnest(g.buckets, g.bucket_runs)
                                    as u (bucket, runs)
                   where g.account_id = s.account_id
                         and g.agent_id = s.agent_id
                         and s.day in ((g.hour at time zone 'UTC')::date,
                                       '-infinity')
                   group by u.bucket
                   having sum(u.runs) <> 0) as n) as b on true
    on conflict (account_id, agent_id, day) do update set
        running = d.running + excluded.running,
        completed = d.completed + excluded.completed,
        failed = d.failed + excluded.failed,
        timed_out = d.timed_out + excluded.timed_out,
        succeeded = d.succeeded + excluded.succeeded,
        unsucceeded = d.unsucceeded + excluded.unsucceeded,
        cost_usd = d.cost_usd + excluded.cost_usd,
        costed = d.costed + excluded.costed,
        tokens = d.tokens + excluded.tokens,
        tokened = d.tokened + excluded.tokened,
        duration_ns = d.duration_ns + excluded.duration_ns,
        timed = d.timed + excluded.timed,
        (buckets, bucket_runs) = (
            select b.buckets, b.bucket_runs
            from agentvista.add_buckets(d.buckets, d.bucket_runs,
                                        excluded.buckets,
                                        excluded.bucket_runs) b),
        retired = d.retired + excluded.retired,
        last_retired = greatest(d.last_retired, excluded.last_retired)
$$;
