-- Statistics of agents: how changes of traces come into the tables of
-- src/sql/migrations/0005_statistics.sql and 0011_agent_days.sql, and how
-- readers add them up. New traces are noted in agent_changes by who inserts
-- them, in the same transaction (src/ingest/writer); whatever happens to them
-- later, by triggers. From there fold_statistics() takes them.

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
                   (started_at at time zone 'UTC')::date) as c
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

-- The same as rows of agent_days; a bucket may come more than once in a row.
create or replace view agentvista.agent_pending as
    select c.account_id, c.agent_id,
           (c.started_at at time zone 'UTC')::date as day,
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

-- The latest start of an agent's traces; null without any.
create or replace function agentvista.last_run(account uuid, agent uuid)
returns timestamptz language sql stable as $$
    select t.started_at
    from agentvista.traces t
    where t.account_id = account and t.agent_id = agent
    order by t.started_at desc, t.trace_id desc
    limit 1
$$;

-- Folds what has gathered in agent_changes into agent_days and agent_outcomes.
-- One transaction does so at a time, and does not wait for it: nobody else
-- changes these tables, and nobody else deletes changes. A statement has one
-- snapshot, so what it deletes is what it has counted. Writers' sessions, which
-- run it, have other settings of the planner.
create or replace function agentvista.fold_statistics()
returns void language plpgsql
set enable_seqscan = on set enable_hashjoin = on set enable_mergejoin = on
as $$
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
    -- also once more, for the sum of all days
    pending as materialized (
        select p.*, d.of_day
        from agentvista.agent_pending p,
             unnest(array[p.day, '-infinity']) as d (of_day)),
    spread as (
        select account_id, agent_id, day,
               array_agg(bucket order by bucket) as buckets,
               array_agg(runs order by bucket) as bucket_runs
        from (select account_id, agent_id, day, u.bucket,
                     sum(u.runs)::bigint as runs
              from (select account_id, agent_id, of_day as day, buckets,
                           bucket_runs
                    from pending
                    union all
                    select account_id, agent_id, d.day, d.buckets,
                           d.bucket_runs
                    from agentvista.agent_days d
                    where (account_id, agent_id, day) in (
                              select account_id, agent_id, of_day
                              from pending)) as p,
                   unnest(p.buckets, p.bucket_runs) as u (bucket, runs)
              group by account_id, agent_id, day, u.bucket
              having sum(u.runs) <> 0) as n
        group by account_id, agent_id, day)
    insert into agentvista.agent_days as d
        (account_id, agent_id, day, running, completed, failed, timed_out,
         succeeded, unsucceeded, cost_usd, costed, tokens, tokened,
         duration_ns, timed, retired, last_retired, last_run_at, buckets,
         bucket_runs)
    select p.account_id, p.agent_id, p.day, p.running, p.completed, p.failed,
           p.timed_out, p.succeeded, p.unsucceeded, p.cost_usd, p.costed,
           p.tokens, p.tokened, p.duration_ns, p.timed, p.retired,
           p.last_retired,
           case when p.day = '-infinity'
                then greatest(p.last_retired,
                              agentvista.last_run(p.account_id, p.agent_id))
           end,
           coalesce(s.buckets, '{}'), coalesce(s.bucket_runs, '{}')
    from (select account_id, agent_id, of_day as day, sum(running) as running,
                 sum(completed) as completed, sum(failed) as failed,
                 sum(timed_out) as timed_out, sum(succeeded) as succeeded,
                 sum(unsucceeded) as unsucceeded, sum(cost_usd) as cost_usd,
                 sum(costed) as costed, sum(tokens) as tokens,
                 sum(tokened) as tokened, sum(duration_ns) as duration_ns,
                 sum(timed) as timed, sum(retired) as retired,
                 max(last_retired) as last_retired
          from pending
          group by account_id, agent_id, of_day) as p
         left join spread s using (account_id, agent_id, day)
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
        retired = d.retired + excluded.retired,
        last_retired = greatest(d.last_retired, excluded.last_retired),
        last_run_at = case when d.day = '-infinity'
                           then greatest(d.last_retired, excluded.last_run_at)
                      end,
        buckets = excluded.buckets,
        bucket_runs = excluded.bucket_runs;
end;
$$;
