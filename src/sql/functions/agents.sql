-- Agents and their statistics (agentvista.md 5.3, 6, 15).

-- The sums of an account's agents, or of one, over all time; none for an agent
-- without runs. Mostly nothing waits to be folded, and there is nothing to add
-- up. A condition on agent_id goes through to the table.
create or replace function agentvista.agent_sums(account uuid, agent uuid)
returns setof agentvista.agent_sum language sql stable as $$
    select d.agent_id, d.running + d.completed + d.failed + d.timed_out,
           d.succeeded, d.unsucceeded, d.cost_usd, d.costed, d.tokens,
           d.tokened, d.duration_ns, d.timed, d.retired, d.last_run_at,
           d.p95_ns
    from agentvista.agent_days d
    where d.account_id = account and d.day = '-infinity'
          and not exists (select
                          from agentvista.agent_changes c
                          where c.account_id = account)
    union all
    select s.*
    from agentvista.agent_sums_added(account, agent) s
    where exists (select
                  from agentvista.agent_changes c
                  where c.account_id = account)
$$;

-- The same where some changes wait. They may have moved the start of the last
-- run, to either side; p95_ns is null then.
create or replace function agentvista.agent_sums_added(account uuid, agent uuid)
returns setof agentvista.agent_sum language plpgsql stable as $$
begin
    return query
    select s.agent_id,
           sum(s.running + s.completed + s.failed + s.timed_out)::bigint,
           sum(s.succeeded)::bigint, sum(s.unsucceeded)::bigint,
           sum(s.cost_usd), sum(s.costed)::bigint, sum(s.tokens),
           sum(s.tokened)::bigint, sum(s.duration_ns), sum(s.timed)::bigint,
           sum(s.retired)::bigint,
           case when bool_or(s.pending)
                then greatest(max(s.last_retired),
                              agentvista.last_run(account, s.agent_id))
                else max(s.last_run_at) end,
           case when not bool_or(s.pending) then max(s.p95_ns) end
    from (select d.agent_id, d.running, d.completed, d.failed, d.timed_out,
                 d.succeeded, d.unsucceeded, d.cost_usd, d.costed, d.tokens,
                 d.tokened, d.duration_ns, d.timed, d.retired, d.last_retired,
                 d.last_run_at, d.p95_ns, false as pending
          from agentvista.agent_days d
          where d.account_id = account and d.day = '-infinity'
          union all
          select p.agent_id, p.running, p.completed, p.failed, p.timed_out,
                 p.succeeded, p.unsucceeded, p.cost_usd, p.costed, p.tokens,
                 p.tokened, p.duration_ns, p.timed, p.retired, p.last_retired,
                 null, null, true
          from agentvista.agent_pending p
          where p.account_id = account) as s
    where agent is null or s.agent_id = agent
    group by s.agent_id;
end;
$$;

-- A share in percent, to one decimal; null of nothing.
create or replace function agentvista.percent(part numeric, whole numeric)
returns numeric language sql immutable parallel safe as $$
    select round(100 * part / nullif(whole, 0), 1)
$$;

-- GET /agents (agentvista.md 6.1). Where many changes wait to be folded, and
-- nobody writes who would do it, this does.
create or replace function agentvista.agents_list(account uuid)
returns setof agentvista.agent_row language plpgsql as $$
declare
    answer   agentvista.agent_row;
    waiting  integer;
begin
    select sum(cardinality(c.agent_id)) into waiting
    from agentvista.agent_changes c
    where c.account_id = account;

    if waiting > 1000 and current_setting('transaction_read_only') = 'off' then
        perform set_config('synchronous_commit', 'off', true);
        perform agentvista.fold_statistics();
    end if;

    answer.text := '[';
    return next answer;

    return query
    select null::text, a.id, a.name, coalesce(s.runs, 0),
           agentvista.percent(s.succeeded, s.succeeded + s.unsucceeded),
           case when s.costed > 0 then round(s.cost_usd, 6) end,
           round(s.cost_usd / nullif(s.costed, 0), 6),
           s.last_run_at, a.created_at
    from agentvista.agents a
         left join agentvista.agent_sums(account, null) s
         on s.agent_id = a.id
    where a.account_id = account
    order by a.name, a.id;

    answer.text := ']';
    return next answer;
end;
$$;

-- GET /agents/{agent_id} (agentvista.md 6.2).
create or replace function agentvista.agent_detail(account uuid, agent uuid)
returns json language plpgsql stable as $$
declare
    answer  json;
begin
    select json_build_object(
               'id', a.id,
               'name', a.name,
               'total_runs', coalesce(s.runs, 0),
               'successful_runs', coalesce(s.succeeded, 0),
               'failed_runs', coalesce(s.unsucceeded, 0),
               'success_rate', agentvista.percent(s.succeeded,
                                                  s.succeeded + s.unsucceeded),
               'total_cost', case when s.costed > 0
                                  then round(s.cost_usd, 6) end,
               'avg_cost_per_run', round(s.cost_usd / nullif(s.costed, 0), 6),
               'last_run_at', agentvista.iso8601(s.last_run_at),
               'created_at', agentvista.iso8601(a.created_at)) into answer
    from agentvista.agents a
         left join agentvista.agent_sums(account, agent) s
         on s.agent_id = a.id and s.agent_id = agent
    where a.account_id = account and a.id = agent;

    return answer;
end;
$$;

-- The p95 of an agent's completed runs, in nanoseconds, over all time, with
-- linear interpolation: exact while there are few of them. folded is that of
-- agent_sums(). Where changes wait it is looked for from the top, in the
-- buckets from some below the p95 without them: they hardly ever move it
-- further.
create or replace function agentvista.agent_p95(account uuid, agent uuid,
    runs bigint, retired bigint, timed bigint, folded double precision)
returns double precision language plpgsql stable as $$
declare
    rank    constant double precision := 0.95 * (timed - 1);
    p95     double precision;
    lowest  integer;
    low     integer;
    high    integer;
begin
    if runs <= 500 and retired = 0 then
        select percentile_cont(0.95) within group (order by t.duration_ns)
            into p95
        from agentvista.traces t
        where t.account_id = account and t.agent_id = agent and t.status = 1
              and t.duration_ns is not null;

        return p95;
    end if;

    if folded is not null then
        return folded;
    end if;

    select agentvista.duration_bucket(d.p95_ns::bigint) - 12 into lowest
    from agentvista.agent_days d
    where d.account_id = account and d.agent_id = agent
          and d.day = '-infinity';

    loop
        select max(b.bucket) filter (where b.above >= timed - floor(rank)),
               max(b.bucket) filter (where b.above >= timed - ceil(rank))
            into low, high
        from (select u.bucket, sum(sum(u.runs)) over (order by u.bucket desc)
                         as above
              from (select unnest(s.buckets) as bucket,
                           unnest(s.bucket_runs) as runs
                    from (select d.buckets, d.bucket_runs
                          from agentvista.agent_days d
                          where d.account_id = account and d.agent_id = agent
                                and d.day = '-infinity'
                          union all
                          select p.buckets, p.bucket_runs
                          from agentvista.agent_pending p
                          where p.account_id = account
                                and p.agent_id = agent) as s) as u
              where u.bucket >= coalesce(lowest, -1)
              group by u.bucket) as b;

        exit when low is not null or lowest is null;

        lowest := null;
    end loop;

    p95 := agentvista.bucket_duration(low);

    return p95 + (agentvista.bucket_duration(high) - p95)
                 * (rank - floor(rank));
end;
$$;

-- GET /dashboard/traces/compare-agents (agentvista.md 5.3).
create or replace function agentvista.compare_agents(account uuid,
    agent_a uuid, agent_b uuid)
returns json language plpgsql stable as $$
declare
    a  json := agentvista.compared_agent(account, agent_a);
    b  json := agentvista.compared_agent(account, agent_b);
begin
    if a is null or b is null then
        return null;
    end if;

    return json_build_object('agents', json_build_array(a, b));
end;
$$;

create or replace function agentvista.compared_agent(account uuid, agent uuid)
returns json language plpgsql stable as $$
declare
    answer  json;
begin
    select json_build_object(
               'agent_id', a.id,
               'agent_name', a.name,
               'total_runs', coalesce(s.runs, 0),
               'successful_runs', coalesce(s.succeeded, 0),
               'failed_runs', coalesce(s.unsucceeded, 0),
               'success_rate', agentvista.percent(s.succeeded,
                                                  s.succeeded + s.unsucceeded),
               'total_cost', case when s.costed > 0
                                  then round(s.cost_usd, 6) end,
               'avg_cost_per_run', round(s.cost_usd / nullif(s.costed, 0), 6),
               'avg_duration_ms',
                   round(s.duration_ns / nullif(s.timed, 0) / 1000000),
               'p95_duration_ms',
                   round(agentvista.agent_p95(account, agent, s.runs,
                             s.retired, s.timed, s.p95_ns) / 1000000),
               'total_tokens', case when s.tokened > 0 then s.tokens end,
               'avg_tokens_per_run',
                   round(s.tokens / nullif(s.tokened, 0), 1),
               'last_run_at', agentvista.iso8601(s.last_run_at)) into answer
    from agentvista.agents a
         left join agentvista.agent_sums(account, agent) s
         on s.agent_id = a.id and s.agent_id = agent
    where a.account_id = account and a.id = agent;

    return answer;
end;
$$;

-- GET /agents/{agent_id}/stats (agentvista.md 6.3): any number of days but 7,
-- 30 and 90 is 7.
create or replace function agentvista.agent_stats(account uuid, agent uuid,
    days bigint)
returns setof agentvista.agent_day_row language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
    n        constant integer := case when days in (7, 30, 90) then days
                                      else 7 end;
    first    constant date := (now() at time zone 'UTC')::date - n + 1;
    answer   agentvista.agent_day_row;
begin
    select left(json_build_object('agent_id', agent,
                                  'agent_name', a.name,
                                  'period', n || 'd')::text, -1)
           || ', "data" : [' into answer.text
    from agentvista.agents a
    where a.account_id = account and a.id = agent;

    if not found then
        return;
    end if;

    return next answer;

    return query
    with summed as materialized (
        select * from agentvista.agent_days_since(account, agent, first)),
    -- exact while there are few, and all are stored
    exact as (
        select (t.started_at at time zone 'UTC')::date as day,
               percentile_cont(0.95) within group (order by t.duration_ns)
                   as p95,
               count(*) as runs
        from agentvista.traces t
        where t.account_id = account and t.agent_id = agent and t.status = 1
              and t.duration_ns is not null
              and t.started_at >= first::timestamp at time zone 'UTC'
              and (select sum(s.runs) from summed s) <= 500
        group by 1)
    select null::text, d.day::text, coalesce(s.runs, 0),
           coalesce(s.succeeded, 0), coalesce(s.unsucceeded, 0),
           agentvista.percent(s.succeeded, s.succeeded + s.unsucceeded),
           coalesce(round(s.cost_usd, 6), 0), coalesce(s.tokens, 0),
           round(s.duration_ns / nullif(s.timed, 0) / 1000000),
           round(case when e.runs = s.timed then e.p95 else s.p95_ns end
                 / 1000000)::numeric
    from (select first + i as day from generate_series(0, n - 1) i) as d
         left join summed s on s.day = d.day
         left join exact e on e.day = d.day
    order by d.day;

    answer.text := ']}';
    return next answer;
end;
$$;

-- The days of an agent from one on, with what has not been folded.
create or replace function agentvista.agent_days_since(account uuid,
    agent uuid, first date, out day date, out runs numeric,
    out succeeded numeric, out unsucceeded numeric, out cost_usd numeric,
    out tokens numeric, out duration_ns numeric, out timed numeric,
    out p95_ns double precision)
returns setof record language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
begin
    perform from agentvista.agent_changes c
    where c.account_id = account
    limit 1;

    if not found then
        return query
        select d.day,
               (d.running + d.completed + d.failed + d.timed_out)::numeric,
               d.succeeded::numeric, d.unsucceeded::numeric, d.cost_usd,
               d.tokens, d.duration_ns, d.timed::numeric, d.p95_ns
        from agentvista.agent_days d
        where d.account_id = account and d.agent_id = agent and d.day >= first;

        return;
    end if;

    return query
    with part as (
        select d.day, d.running, d.completed, d.failed, d.timed_out,
               d.succeeded, d.unsucceeded, d.cost_usd, d.tokens,
               d.duration_ns, d.timed, d.buckets, d.bucket_runs
        from agentvista.agent_days d
        where d.account_id = account and d.agent_id = agent and d.day >= first
        union all
        select p.day, p.running, p.completed, p.failed, p.timed_out,
               p.succeeded, p.unsucceeded, p.cost_usd, p.tokens,
               p.duration_ns, p.timed, p.buckets, p.bucket_runs
        from agentvista.agent_pending p
        where p.account_id = account and p.agent_id = agent and p.day >= first),
    histogram as (
        select b.day, agentvista.bucket_p95(
                   array_agg(b.bucket order by b.bucket),
                   array_agg(b.runs order by b.bucket),
                   sum(b.runs)::bigint) as p95_ns
        from (select p.day, u.bucket, sum(u.runs)::bigint as runs
              from part p, unnest(p.buckets, p.bucket_runs)
                               as u (bucket, runs)
              group by p.day, u.bucket
              having sum(u.runs) > 0) as b
        group by b.day)
    select s.*, h.p95_ns
    from (select p.day,
                 sum(p.running + p.completed + p.failed + p.timed_out) as runs,
                 sum(p.succeeded), sum(p.unsucceeded), sum(p.cost_usd),
                 sum(p.tokens), sum(p.duration_ns), sum(p.timed)
          from part p
          group by p.day) as s
         left join histogram h on h.day = s.day;
end;
$$;

-- GET /agents/{agent_id}/outcomes (agentvista.md 15): the most frequent first;
-- runs without an outcome are what all runs have besides.
create or replace function agentvista.agent_outcomes(account uuid, agent uuid)
returns json language plpgsql stable as $$
declare
    answer  json;
begin
    perform from agentvista.agents a
    where a.account_id = account and a.id = agent;

    if not found then
        return null;
    end if;

    with labelled as (
        select o.outcome, sum(o.runs) as runs, sum(o.succeeded) as succeeded,
               sum(o.unsucceeded) as unsucceeded, sum(o.cost_usd) as cost_usd,
               sum(o.costed) as costed
        from (select a.outcome, a.runs, a.succeeded, a.unsucceeded, a.cost_usd,
                     a.costed
              from agentvista.agent_outcomes a
              where a.account_id = account and a.agent_id = agent
              union all
              select c.outcome, c.runs,
                     case when c.success then c.runs else 0 end,
                     case when not c.success then c.runs else 0 end,
                     coalesce(c.runs * c.cost_usd, 0),
                     case when c.cost_usd is not null then c.runs else 0 end
              from agentvista.pending_runs c
              where c.account_id = account and c.agent_id = agent
                    and c.outcome is not null) as o
        group by o.outcome),
    every as (
        select * from labelled
        union all
        select null, s.runs - coalesce(sum(l.runs), 0),
               s.succeeded - coalesce(sum(l.succeeded), 0),
               s.unsucceeded - coalesce(sum(l.unsucceeded), 0),
               s.cost_usd - coalesce(sum(l.cost_usd), 0),
               s.costed - coalesce(sum(l.costed), 0)
        from agentvista.agent_sums(account, agent) s
             left join labelled l on true
        where s.agent_id = agent
        group by s.runs, s.succeeded, s.unsucceeded, s.cost_usd, s.costed)
    select coalesce(json_agg(json_build_object(
               'outcome', e.outcome,
               'count', e.runs,
               'success_rate', agentvista.percent(e.succeeded,
                                                  e.succeeded + e.unsucceeded),
               'avg_cost', round(e.cost_usd / nullif(e.costed, 0), 6))
               order by e.runs desc, e.outcome), '[]') into answer
    from (select * from every
          where runs > 0
          order by runs desc, outcome
          limit 1000) as e;

    return answer;
end;
$$;
