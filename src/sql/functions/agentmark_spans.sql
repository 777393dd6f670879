-- GET /v1/spans (agentmark.md 4): newest first.
--
-- A span lives in the day its trace began, with no index by its own time; so
-- days are read from the newest on, until those that are left can hold nothing
-- newer than the page: no trace is expected to go on for a whole day.

create or replace function agentvista.agentmark_spans(account uuid,
    trace text, type smallint, status smallint, name text, model text,
    min_duration bigint, max_duration bigint, max_spans bigint,
    first_span bigint)
returns setof agentvista.span_row language plpgsql stable as $$
declare
    near    constant bigint := 10000;   -- pages that are put together by day
    wanted  bigint := max_spans + first_span;
    ids     uuid[];
    day     date;
    days    date[] := '{}';
    traces  uuid[] := '{}';
    spans   uuid[] := '{}';
    starts  bigint[] := '{}';
begin
    if trace is not null then
        ids := agentvista.agentmark_trace_ids(account, trace);
    end if;

    for day in
        select d from agentvista.agentmark_days(account, ids) d
        where first_span <= near
        union all
        select null where first_span > near
        order by 1 desc nulls last
    loop
        execute $sql$
        select array_agg(home_day), array_agg(trace_id), array_agg(span_id),
               array_agg(start_ns)
        from (select *
              from (select s.home_day, s.trace_id, s.span_id,
                           agentvista.agentmark_ns(s.started_at,
                                                   s.started_nanos)
                               as start_ns
                    from agentvista.spans s
                    where s.account_id = $1
                          and ($2 is null or s.home_day = $2)
                          and ($3 is null or s.trace_id = any($3))
                          and agentvista.agentmark_matches(s, $4, $5, $6, $7,
                                                           $8, $9)
                    union all
                    select * from unnest($10, $11, $12, $13)) s
              order by start_ns desc, span_id desc
              limit $14 offset $15) s
        $sql$
        into days, traces, spans, starts
        using account, day, ids, type, status,
              agentvista.agentmark_pattern(name),
              agentvista.agentmark_pattern(model),
              min_duration, max_duration, days, traces, spans, starts,
              case when day is null then max_spans else wanted end,
              case when day is null then first_span else 0 end;

        exit when cardinality(spans) = wanted
                  and starts[wanted] >= agentvista.agentmark_ns(
                          (day + 1)::timestamp at time zone 'UTC',
                          0::smallint);
    end loop;

    if first_span <= near then
        days := days[first_span + 1 :];
        traces := traces[first_span + 1 :];
        spans := spans[first_span + 1 :];
    end if;

    return query
    select * from agentvista.agentmark_chunk(account, 'span', false,
                 '{"spans":[', ']}', days, traces, spans,
                 agentvista.agentmark_sizes(account, days, traces, spans),
                 null);
end;
$$;

-- The days that have spans: of these traces, or all there are.
create or replace function agentvista.agentmark_days(account uuid,
    traces uuid[])
returns setof date language plpgsql stable as $$
begin
    if traces is not null then
        return query
        select distinct t.home_day
        from agentvista.traces t
        where t.account_id = account and t.trace_id = any(traces);

        return;
    end if;

    return query
    select substr(c.relname, 7)::date
    from pg_inherits i
         join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'agentvista.spans'::regclass
          and c.relname ~ '^spans_[0-9]{8}$';
end;
$$;
