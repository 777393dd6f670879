-- Answers with spans can be large: they are made and sent in chunks.  What is
-- listed is settled at once, by its keys; then each call returns as many spans
-- as fit into a chunk, as rows that the module writes, and in more what
-- agentmark_more() is to be given to go on.

-- What a value adds, roughly: only what is compressed has to be looked at.
create or replace function agentvista.agentmark_size(value anyelement)
returns bigint language sql stable parallel safe as $$
    select case
           when value is null then 0
           when pg_column_compression(value) is null then pg_column_size(value)
           else octet_length(value::text) end
$$;

create or replace function agentvista.agentmark_size(s agentvista.spans)
returns bigint language sql stable parallel safe as $$
    select agentvista.agentmark_size(s.input)
           + agentvista.agentmark_size(s.output)
           + agentvista.agentmark_size(s.metadata)
           + agentvista.agentmark_size(s.details)
$$;

-- The days are given to the statement once more, as an array: that is what its
-- plan can leave out partitions by.
create or replace function agentvista.agentmark_sizes(account uuid,
    days date[], traces uuid[], spans uuid[])
returns bigint[] language plpgsql stable as $$
declare
    sizes   bigint[];
begin
    execute $sql$
    select array_agg(agentvista.agentmark_size(s) order by k.n)
    from unnest($2, $3, $4) with ordinality
             as k (home_day, trace_id, span_id, n)
         join agentvista.spans s
         on s.home_day = k.home_day and s.trace_id = k.trace_id
            and s.span_id = k.span_id
    where s.account_id = $1 and s.home_day = any($5)
    $sql$
    into sizes
    using account, days, traces, spans, array(select distinct unnest(days));

    return sizes;
end;
$$;

-- A chunk of these spans, which stand between head and tail: from the first one
-- on, as many as there is room for.  form: span, jsonl, csv or openai; before:
-- what comes before a span instead of a comma; type and page: as of
-- span_row.more.
--
-- Spans that follow one another are often of one day: a plan for a day serves
-- all, where one for several would be made each time.
create or replace function agentvista.agentmark_chunk(account uuid, form text,
    light boolean, head text, tail text, days date[], traces uuid[],
    spans uuid[], sizes bigint[], before text[], type text default '',
    page text default '', first integer default 1)
returns setof agentvista.span_row language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
    n       integer := coalesce(cardinality(spans), 0);
    last    integer := least(agentvista.agentmark_last(sizes, first), n);
    start   integer := first;
    stop    integer;
    day     date;
    other   date;
    answer  agentvista.span_row;
begin
    answer.text := head;
    answer.more := array['', type, page];

    if last < n then
        answer.more[1] := json_build_object(
            'form', form, 'light', light, 'tail', tail, 'first', last + 1,
            'days', days, 'traces', traces, 'spans', spans, 'sizes', sizes,
            'before', before);
    end if;

    return next answer;
    answer := null;

    while start <= last loop
        day := days[start];
        stop := start - 1;

        foreach other in array days[start : last] loop
            exit when other <> day;
            stop := stop + 1;
        end loop;

        if form in ('span', 'jsonl') then
            return query
            select * from agentvista.agentmark_span_rows(account, form = 'span',
                         light, day, traces[start : stop], spans[start : stop],
                         before[start : stop]);
        else
            answer.text := agentvista.agentmark_texts(account, form, light,
                               day, traces[start : stop], spans[start : stop]);
            return next answer;
        end if;

        start := stop + 1;
    end loop;

    if last = n then
        answer.text := tail;
        return next answer;
    end if;
end;
$$;

-- The next chunk.
create or replace function agentvista.agentmark_more(account uuid, rest text)
returns setof agentvista.span_row language sql stable as $$
    select c.*
    from json_to_record(rest::json) as s (form text, light boolean, tail text,
             first integer, days date[], traces uuid[], spans uuid[],
             sizes bigint[], before text[]),
         agentvista.agentmark_chunk(account, s.form, s.light,
             case when s.form = 'span' and s.before[s.first] is null then ','
             else '' end, s.tail, s.days, s.traces, s.spans, s.sizes, s.before,
             first => s.first) c
$$;

-- The last span of the chunk that begins with the first one.
create or replace function agentvista.agentmark_last(sizes bigint[],
    first integer)
returns integer language plpgsql immutable parallel safe as $$
declare
    room    bigint := 1048576;
    last    integer := first - 1;
    size    bigint;
begin
    foreach size in array coalesce(sizes[first :], '{}') loop
        room := room - size;

        exit when room < 0 and last >= first;

        last := last + 1;
    end loop;

    return last;
end;
$$;

-- Spans of a day.  whole: with all of their attributes.
--
-- Traces are read as a whole ("offset 0" keeps it so), since most of their
-- spans are wanted: to look each of them up takes twice as long. In SQL, so
-- that it becomes a part of the query that uses it.
create or replace function agentvista.agentmark_span_rows(account uuid,
    whole boolean, light boolean, day date, traces uuid[], spans uuid[],
    before text[])
returns setof agentvista.span_row language sql stable as $$
    select k.before, null::text[], s.trace_id, s.span_id, s.parent_span_id,
           s.type, s.kind, s.status, s.otlp_status, s.name, s.started_at,
           s.started_nanos, null::timestamptz, null::smallint, s.duration_ns,
           s.service_name, null::uuid, s.session_id, s.user_id, s.model,
           s.input_tokens, s.output_tokens, s.total_tokens, s.cost_usd,
           s.error_message,
           case when not light then s.input end,
           case when not light then s.output end,
           case when whole or s.kind is null then s.metadata end,
           case when light
           then s.details - '{output_object,tool_calls}'::text[]
           else s.details end,
           null::json, null::json, null::jsonb
    from unnest(traces, spans, before) with ordinality
             as k (trace_id, span_id, before, n)
         join (select s.*, c.service_name
               from agentvista.spans s
                    left join agentvista.scopes c
                    on c.account_id = s.account_id and c.id = s.scope_id
               where s.account_id = account and s.home_day = day
                     and s.trace_id = any(traces)
               offset 0) s
         on s.trace_id = k.trace_id and s.span_id = k.span_id
    order by k.n
$$;

-- The same as text, of the forms that the module does not write.
create or replace function agentvista.agentmark_texts(account uuid, form text,
    light boolean, day date, traces uuid[], spans uuid[])
returns text language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
begin
    return (
        select string_agg(
                   case form
                   when 'csv'
                   then agentvista.agentmark_export_csv(s, c.service_name,
                                                        light)
                   else agentvista.agentmark_export_openai(s) end,
                   '' order by k.n)
        from unnest(traces, spans) with ordinality
                 as k (trace_id, span_id, n)
             join agentvista.spans s
             on s.trace_id = k.trace_id and s.span_id = k.span_id
             left join agentvista.scopes c
             on c.account_id = s.account_id and c.id = s.scope_id
        where s.account_id = account and s.home_day = day);
end;
$$;
