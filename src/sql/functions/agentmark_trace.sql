-- GET /v1/traces/{traceId} (agentmark.md 3); nothing if there is none.

create or replace function agentvista.agentmark_find(account uuid, id text,
    out trace uuid, out day date)
language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
    likely  uuid;
begin
    foreach likely in array agentvista.agentmark_trace_ids(account, id) loop
        select t.trace_id, t.home_day into trace, day
        from agentvista.traces t
        where t.account_id = account and t.trace_id = likely
              and t.span_count > 0;

        exit when found;
    end loop;
end;
$$;

-- The filters that reads of spans have in common; null: any.  type: 0 SPAN, 1
-- GENERATION, 2 EVENT, which no span is.
create or replace function agentvista.agentmark_matches(s agentvista.spans,
    type smallint, status smallint, name text, model text, min_ms bigint,
    max_ms bigint)
returns boolean language sql immutable parallel safe as $$
    select ($2 is null or $2 = (s.type in (2, 8))::integer)
           and ($3 is null
                or agentvista.agentmark_status(s.otlp_status, s.status) = $3)
           and ($4 is null
                or agentvista.agentmark_name(s.type, s.name, s.details)
                   ilike $4)
           and ($5 is null or s.model ilike $5)
           and ($6 is null
                or greatest(s.duration_ns, 0) >= $6 * 1000000::numeric)
           and ($7 is null
                or greatest(s.duration_ns, 0) <= $7 * 1000000::numeric)
$$;

create or replace function agentvista.agentmark_trace(account uuid,
    trace_id text, type smallint, status smallint, name text, model text,
    min_duration bigint, max_duration bigint, max_spans bigint,
    first_span bigint)
returns setof agentvista.span_row language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
    trace   uuid;
    day     date;
    head    text;
    spans   uuid[];
    sizes   bigint[];
begin
    select f.trace, f.day into trace, day
    from agentvista.agentmark_find(account, trace_id) f;

    if trace is null then
        return;
    end if;

    select concat('{"trace":{"id":', to_json(t.id), ',"name":',
                  to_json(t.name), ',"data":',
                  agentvista.agentmark_trace_data(t.id, t.name, t.status,
                      t.message, t.start_ns, t.end_ns, t.tokens, t.cost),
                  ',"spans":[') into head
    from agentvista.agentmark_traces(account, array[trace], array[day]) t;

    select coalesce(array_agg(p.span_id), '{}'), array_agg(p.size)
           into spans, sizes
    from (select s.span_id, agentvista.agentmark_size(s) as size
          from agentvista.spans s
          where s.account_id = account and s.home_day = day
                and s.trace_id = trace
                and agentvista.agentmark_matches(s, agentmark_trace.type,
                        agentmark_trace.status,
                        agentvista.agentmark_pattern(agentmark_trace.name),
                        agentvista.agentmark_pattern(agentmark_trace.model),
                        min_duration, max_duration)
          order by agentvista.agentmark_ns(s.started_at, s.started_nanos),
                   s.span_id
          limit max_spans offset first_span) p;

    return query
    select * from agentvista.agentmark_chunk(account, 'span', false, head,
                 ']}}', array_fill(day, array[cardinality(spans)]),
                 array_fill(trace, array[cardinality(spans)]), spans, sizes,
                 null);
end;
$$;
