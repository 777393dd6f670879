-- Answers with spans can be large: they are made and sent in chunks.  What is
-- listed is settled at once, by its keys; then each call renders as many spans
-- as fit into a chunk: the answer is an array of the chunk and, unless it is the
-- last one, of what agentmark_more() is to be given to go on.  An export adds
-- its Content-Type and where its next page begins.
--
-- The days are given to each statement once more, as an array: that is what its
-- plan can leave out partitions by.

-- What a value adds, roughly: only what is compressed has to be looked at.
create or replace function agentvista.agentmark_size(value anyelement)
returns bigint language sql stable parallel safe as $$
    select case
           when value is null then 0
           when pg_column_compression(value) is null then pg_column_size(value)
           else octet_length(value::text) end
$$;

create or replace function agentvista.agentmark_sizes(account uuid,
    days date[], traces uuid[], spans uuid[])
returns bigint[] language plpgsql stable as $$
declare
    sizes   bigint[];
begin
    execute $sql$
    select array_agg(coalesce(agentvista.agentmark_size(s.input), 0)
                     + agentvista.agentmark_size(s.output)
                     + agentvista.agentmark_size(s.metadata)
                     + agentvista.agentmark_size(s.details) order by k.n)
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

-- The first chunk of these spans, between head and tail.  form: span, jsonl,
-- csv or openai; before: what comes before a span instead of a comma.
create or replace function agentvista.agentmark_start(account uuid,
    form text, light boolean, head text, tail text, days date[],
    traces uuid[], spans uuid[], sizes bigint[], before text[])
returns text[] language plpgsql stable as $$
declare
    answer  text[];
begin
    answer := agentvista.agentmark_more(account, json_build_object(
        'form', form, 'light', light, 'tail', tail, 'first', 1,
        'days', days, 'traces', traces, 'spans', spans, 'sizes', sizes,
        'before', coalesce(before, '{}'))::text);

    answer[1] := head || answer[1];

    return answer;
end;
$$;

create or replace function agentvista.agentmark_more(account uuid, rest text)
returns text[] language plpgsql stable as $$
declare
    room    constant bigint := 1048576;
    state   json := rest::json;
    first   integer := state ->> 'first';
    sizes   bigint[];
    last    integer;
    total   bigint;
    chunk   text;
begin
    select array_agg(value::bigint order by n) into sizes
    from json_array_elements_text(
             case when json_typeof(state -> 'sizes') = 'array'
             then state -> 'sizes' end) with ordinality e (value, n);

    last := first;
    total := sizes[first];

    while last < cardinality(sizes) and total + sizes[last + 1] <= room loop
        last := last + 1;
        total := total + sizes[last];
    end loop;

    if sizes is null then
        return array[state ->> 'tail'];
    end if;

    execute format($sql$
    select string_agg(%s, '' order by k.n)
    from rows from (json_array_elements_text($2 -> 'days'),
                    json_array_elements_text($2 -> 'traces'),
                    json_array_elements_text($2 -> 'spans'),
                    json_array_elements_text($2 -> 'before'))
             with ordinality as k (day, trace, span, before, n)
         join agentvista.spans s
         on s.home_day = k.day::date and s.trace_id = k.trace::uuid
            and s.span_id = k.span::uuid
         left join agentvista.scopes c
         on c.account_id = s.account_id and c.id = s.scope_id
    where s.account_id = $1 and k.n between $3 and $4
          and s.home_day = any($6)
    $sql$,
    case state ->> 'form'
    when 'span' then
        'coalesce(k.before, case when k.n > 1 then '','' else '''' end)'
        ' || agentvista.agentmark_span(s, c.service_name)'
    when 'jsonl' then
        'agentvista.agentmark_export_json(s, c.service_name, $5)'
    when 'csv' then
        'agentvista.agentmark_export_csv(s, c.service_name, $5)'
    else
        'agentvista.agentmark_export_openai(s)'
    end)
    into chunk
    using account, state, first, last, (state ->> 'light')::boolean,
          array(select distinct d::date
                from json_array_elements_text(state -> 'days') d);

    chunk := coalesce(chunk, '');

    if last = cardinality(sizes) then
        return array[chunk || (state ->> 'tail')];
    end if;

    return array[chunk, jsonb_set(rest::jsonb, '{first}',
                                  to_jsonb(last + 1))::text];
end;
$$;
