-- GET /v1/traces/{traceId} (agentmark.md 3); null if there is none.

create or replace function agentvista.agentmark_find(account uuid, id text,
    out trace uuid, out day date)
language plpgsql stable as $$
declare
    ids     uuid[] := agentvista.agentmark_trace_ids(account, id);
begin
    select t.trace_id, t.home_day into trace, day
    from agentvista.traces t
    where t.account_id = account and t.trace_id = any(ids)
          and t.span_count > 0
    order by array_position(ids, t.trace_id)
    limit 1;
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
returns text[] language plpgsql stable as $$
declare
    trace   uuid;
    day     date;
    head    text;
    spans   uuid[];
    sizes   bigint[];
begin
    select f.trace, f.day into trace, day
    from agentvista.agentmark_find(account, trace_id) f;

    select concat('{"trace":{"id":', to_json(t.id), ',"name":',
                  to_json(t.name), ',"data":',
                  agentvista.agentmark_trace_data(t.id, t.name, t.status,
                      t.message, t.start_ns, t.end_ns, t.tokens, t.cost),
                  ',"spans":[') into head
    from agentvista.agentmark_traces(account, array[trace], array[day]) t;

    if not found then
        return null;
    end if;

    execute $sql$
    select array_agg(s.span_id order by s.start_ns, s.span_id),
           array_agg(agentvista.agentmark_size(s.input)
                     + agentvista.agentmark_size(s.output)
                     + agentvista.agentmark_size(s.metadata)
                     + agentvista.agentmark_size(s.details)
                     order by s.start_ns, s.span_id)
    from (select s.span_id, s.input, s.output, s.metadata, s.details,
                 agentvista.agentmark_ns(s.started_at, s.started_nanos)
                     as start_ns
          from agentvista.spans s
          where s.account_id = $1 and s.home_day = $2 and s.trace_id = $3
                and agentvista.agentmark_matches(s, $4, $5, $6, $7, $8, $9)
          order by start_ns, s.span_id
          limit $10 offset $11) s
    $sql$
    into spans, sizes
    using account, day, trace, type, status,
          agentvista.agentmark_pattern(name),
          agentvista.agentmark_pattern(model),
          min_duration, max_duration, max_spans, first_span;

    return agentvista.agentmark_start(account, 'span', false, head, ']}}',
               array_fill(day, array[coalesce(cardinality(spans), 0)]),
               array_fill(trace, array[coalesce(cardinality(spans), 0)]),
               spans, sizes, null);
end;
$$;
