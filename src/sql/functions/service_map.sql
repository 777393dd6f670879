-- GET /dashboard/service-map (agentvista.md 15): who calls whom, in the newest
-- traces of a time, by default the last hour. A span belongs to its service,
-- or, if it came without one, to the agent of its trace.

create or replace function agentvista.service_map(account uuid,
    first timestamptz, last timestamptz)
returns json language plpgsql stable as $$
declare
    most    constant integer := 2000;
    traces  uuid[];
    days    date[];
    answer  json;
begin
    select array_agg(t.trace_id), array_agg(distinct t.home_day)
        into traces, days
    from (select t.trace_id, t.home_day
          from agentvista.traces t
          where t.account_id = account
                and t.started_at >= coalesce(first, coalesce(last, now())
                                                    - interval '1 hour')
                and t.started_at <= coalesce(last, 'infinity')
          order by t.started_at desc, t.trace_id desc
          limit most) as t;

    execute $q$
        with s as materialized (
            select s.trace_id, s.span_id, s.parent_span_id,
                   coalesce(c.service_name, a.name) as name,
                   c.service_name is null as agent,
                   s.status in (2, 3) as failed, s.duration_ns as ns
            from unnest($2) as n (trace_id)
                 join agentvista.traces t
                 on t.account_id = $1 and t.trace_id = n.trace_id
                 join agentvista.spans s
                 on s.account_id = $1 and s.home_day = t.home_day
                    and s.trace_id = t.trace_id and s.home_day = any ($3)
                 join agentvista.agents a
                 on a.account_id = $1 and a.id = t.agent_id
                 left join agentvista.scopes c
                 on c.account_id = $1 and c.id = s.scope_id),
        nodes as (
            select name, bool_or(agent) as agent, count(*) as spans,
                   count(*) filter (where failed) as failed,
                   percentile_cont(0.95) within group (order by ns) as p95
            from s
            group by name),
        -- A span and its children meet at its id. (A join would be planned
        -- for few rows.)
        calls as (
            select m.name as target, m.failed, m.ns, m.self,
                   max(m.name) filter (where m.self)
                       over (partition by m.trace_id, m.id) as source
            from (select trace_id, span_id as id, true as self, name, failed,
                         ns
                  from s
                  union all
                  select trace_id, parent_span_id, false, name, failed, ns
                  from s
                  where parent_span_id is not null) as m),
        edges as (
            select source, target, count(*) as calls,
                   count(*) filter (where failed) as failed,
                   percentile_cont(0.95) within group (order by ns) as p95
            from calls
            where not self and source <> target
            group by source, target)
        select json_build_object(
            'nodes', (select coalesce(json_agg(json_build_object(
                          'name', name,
                          'kind', case when agent then 'agent'
                                       else 'service' end,
                          'span_count', spans,
                          'error_rate', round(failed::numeric / spans, 4),
                          'p95_duration_ms', round(p95 / 1000000))
                          order by name), '[]')
                      from nodes),
            'edges', (select coalesce(json_agg(json_build_object(
                          'source', source,
                          'target', target,
                          'call_count', calls,
                          'error_count', failed,
                          'p95_duration_ms', round(p95 / 1000000))
                          order by source, target), '[]')
                      from edges),
            'trace_count', coalesce(array_length($2, 1), 0),
            'complete', coalesce(array_length($2, 1), 0) < $4)
        $q$
        into answer using account, traces, days, most;

    return answer;
end;
$$;
