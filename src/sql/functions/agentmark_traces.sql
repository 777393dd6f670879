-- Traces as AgentMark sums them up (agentmark.md 3.3, 3.4), from the spans of
-- the given traces and the days that some of those live in.
--
-- A span's tokens and cost count unless one of its ancestors reports some.
-- hidden finds the descendants of spans that report; where only leaves do, as
-- in most traces, that is nothing.  Traces may be large and chains deep, so
-- joins must be hashed, and nothing wide is read.  A day at a time: its plan is
-- made once, and leaves out the other partitions all the same.

create or replace function agentvista.agentmark_traces(account uuid,
    traces uuid[], days date[])
returns table (trace_id uuid, id text, name text, status integer,
    message text, start_ns bigint, end_ns bigint, tokens bigint, cost numeric,
    span_count bigint)
language plpgsql stable rows 100
set plan_cache_mode = force_generic_plan
set enable_nestloop = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    day     date;
begin
    for day in select distinct d from unnest(days) d loop
        return query
        with recursive s as materialized (
            select s.trace_id, s.span_id, s.parent_span_id as parent_id,
                   agentvista.agentmark_name(s.type, s.name, s.details)
                       as name,
                   s.details ->> 'trace_name' as trace_name,
                   s.details ->> 'trace_text' as trace_text,
                   agentvista.agentmark_status(s.otlp_status, s.status)
                       as status,
                   s.error_message as message,
                   agentvista.agentmark_ns(s.started_at, s.started_nanos)
                       as start_ns,
                   agentvista.agentmark_ns(coalesce(s.ended_at, s.started_at),
                       case when s.ended_at is null then s.started_nanos
                       else s.ended_nanos end) as end_ns,
                   agentvista.agentmark_tokens(s.input_tokens,
                       s.output_tokens, s.total_tokens) as tokens,
                   s.cost_usd as cost
            from agentvista.spans s
            where s.account_id = account and s.home_day = day
                  and s.trace_id = any(traces)),
        hidden (trace_id, span_id, tokens, cost) as (
            select c.trace_id, c.span_id, p.tokens is not null,
                   p.cost is not null
            from s p
                 join s c
                 on c.trace_id = p.trace_id and c.parent_id = p.span_id
            where p.tokens is not null or p.cost is not null
            union
            select c.trace_id, c.span_id, h.tokens, h.cost
            from hidden h
                 join s c
                 on c.trace_id = h.trace_id and c.parent_id = h.span_id),
        top as (
            select s.*, p.span_id is null as root,
                   case when h.tokens then null else s.tokens end
                       as top_tokens,
                   case when h.cost then null else s.cost end as top_cost
            from s
                 left join s p
                 on p.trace_id = s.trace_id and p.span_id = s.parent_id
                 left join (
                     select trace_id, span_id, bool_or(tokens) as tokens,
                            bool_or(cost) as cost
                     from hidden
                     group by trace_id, span_id) h
                 on h.trace_id = s.trace_id and h.span_id = s.span_id)
        select trace_id,
               agentvista.agentmark_trace_id(trace_id, min(trace_text)),
               coalesce(
                   (array_agg(trace_name order by start_ns, span_id)
                        filter (where root and trace_name <> ''))[1],
                   (array_agg(name order by start_ns, span_id)
                        filter (where root))[1],
                   ''),
               coalesce(max(status) filter (where parent_id is null),
                        max(status)),
               (array_agg(message order by status desc, start_ns, span_id)
                    filter (where root and message is not null))[1],
               min(start_ns), max(end_ns),
               coalesce(sum(top_tokens), 0)::bigint,
               coalesce(sum(top_cost), 0),
               count(*)
        from top
        group by trace_id;
    end loop;
end;
$$;

-- The object "data" of a trace, and of a list's element.
create or replace function agentvista.agentmark_trace_data(id text, name text,
    status integer, message text, start_ns bigint, end_ns bigint,
    tokens bigint, cost numeric)
returns text language sql stable parallel safe as $$
    select concat(
        '{"id":', to_json(id),
        ',"name":', to_json(name),
        ',"status":"', status, '"',
        ',"latency":', agentvista.agentmark_ms(end_ns - start_ns),
        ',"cost":', trim_scale(cost),
        ',"tokens":', tokens,
        ',"start":', floor(start_ns / 1000000::numeric),
        ',"end":', floor(end_ns / 1000000::numeric),
        ',"status_message":' || to_json(message),
        '}')
$$;
