-- GET /v1/traces/export (agentmark.md 4.1): spans, the newest traces first and
-- each in its own order.  A cursor is where its page ended: the start of a
-- trace, and of a page that ended within traces of that start, the last span.

create or replace function agentvista.agentmark_export(account uuid,
    format smallint, max_spans bigint, lightweight boolean,
    start_date timestamptz, end_date timestamptz, type smallint, model text,
    status smallint, name text, min_score numeric, max_score numeric,
    user_id text, tag text, metadata_key text, metadata_value text,
    after_time timestamptz, after_span uuid)
returns setof agentvista.span_row language plpgsql stable as $$
declare
    last_day    timestamptz := coalesce(end_date, now());
    first_day   timestamptz := coalesce(start_date,
                                        last_day - interval '30 days');
    first_ns    constant bigint := agentvista.agentmark_ns(
                                       greatest(first_day, 'epoch'), null);
    resume      uuid := after_span;     -- still to be found
    place       integer;
    batch       uuid[];
    batch_days  date[];
    batch_last  timestamptz;
    batch_id    uuid;
    batch_size  integer := 300;
    enough      bigint := max_spans;    -- spans to look through
    looked      bigint;
    latest      timestamptz := least(last_day, after_time);
    days        date[] := '{}';
    traces      uuid[] := '{}';
    spans       uuid[] := '{}';
    starts      timestamptz[] := '{}';
    sizes       bigint[] := '{}';
    more        record;
    cursor      text;
begin
    while cardinality(spans) <= max_spans loop
        -- No more traces than are needed if as many of their spans match as of
        -- the last ones; of the first all may.
        select array_agg(t.trace_id), array_agg(t.home_day), min(t.started_at),
               sum(t.span_count)
               into batch, batch_days, batch_last, looked
        from (select t.trace_id, t.home_day, t.started_at, t.span_count,
                     sum(t.span_count) over (order by t.started_at desc,
                                                      t.trace_id desc)
                         - t.span_count as before
              from agentvista.traces t
              where t.account_id = account and t.span_count > 0
                    and t.started_at <= latest
                    and t.started_at >= first_day - interval '1 day'
                    and (t.span_end_ns >= first_ns) is not false
                    and (after_time is null or after_span is not null
                         or t.started_at < after_time)
                    and (batch_last is null
                         or (t.started_at, t.trace_id)
                            < (batch_last, batch_id))
              order by t.started_at desc, t.trace_id desc
              limit batch_size) t
        where t.before <= enough;

        exit when batch is null;

        latest := batch_last;
        batch_id := batch[cardinality(batch)];
        batch_size := least(2 * batch_size, 2000);

        select * into more
        from agentvista.agentmark_export_keys(account, batch, batch_days,
                 first_day, last_day,
                 case when format = 2 then least(type, 1::smallint)
                 else type end,
                 format = 2, model, status, name, min_score, max_score,
                 user_id, tag, metadata_key, metadata_value);

        enough := greatest((max_spans - cardinality(spans)
                            - coalesce(cardinality(more.spans), 0))
                           * looked / greatest(cardinality(more.spans), 1),
                           500);

        if resume is not null then
            place := array_position(more.spans, resume);

            if place is null then
                place := cardinality(array_positions(more.starts,
                                                     after_time));
            end if;

            if place = array_position(more.spans, resume)
               or batch_last < after_time
            then
                resume := null;
            end if;

            more.days := more.days[place + 1 :];
            more.traces := more.traces[place + 1 :];
            more.spans := more.spans[place + 1 :];
            more.starts := more.starts[place + 1 :];
            more.sizes := more.sizes[place + 1 :];
        end if;

        days := days || more.days;
        traces := traces || more.traces;
        spans := spans || more.spans;
        starts := starts || more.starts;
        sizes := sizes || more.sizes;
    end loop;

    if cardinality(spans) > max_spans then
        cursor := agentvista.iso8601(starts[max_spans]);

        if starts[max_spans + 1] = starts[max_spans] then
            cursor := cursor || '~' || spans[max_spans];
        end if;

        days := days[: max_spans];
        traces := traces[: max_spans];
        spans := spans[: max_spans];
    end if;

    return query
    select * from agentvista.agentmark_chunk(account,
        (array['jsonl', 'csv', 'openai'])[format + 1],
        coalesce(lightweight, false),
        case when format = 1 then agentvista.agentmark_export_head() else ''
        end,
        case when format = 0 then
            json_build_object('_export_meta', json_build_object(
                'count', cardinality(spans),
                'has_more', cursor is not null,
                'next_cursor', cursor))::text || e'\n'
        else '' end,
        days, traces, spans, sizes, null,
        case when format = 1 then 'text/csv; charset=utf-8'
        else 'application/x-ndjson' end,
        coalesce(cursor, ''));
end;
$$;

-- The spans of these traces that are asked for; whole: with input and output.
create or replace function agentvista.agentmark_export_keys(account uuid,
    batch uuid[], batch_days date[], first_day timestamptz,
    last_day timestamptz, type smallint, whole boolean, model text,
    status smallint, name text, min_score numeric, max_score numeric,
    user_id text, tag text, metadata_key text, metadata_value text,
    out days date[], out traces uuid[], out spans uuid[],
    out starts timestamptz[], out sizes bigint[])
language plpgsql stable as $$
begin
    execute $sql$
    select array_agg(home_day), array_agg(trace_id), array_agg(span_id),
           array_agg(trace_start), array_agg(size)
    from (
    select s.home_day, s.trace_id, s.span_id, t.started_at as trace_start,
           agentvista.agentmark_size(s) as size
    from unnest($2, $3) with ordinality as b (trace_id, home_day, n)
         join agentvista.traces t
         on t.account_id = $1 and t.trace_id = b.trace_id
         join agentvista.spans s
         on s.home_day = b.home_day and s.trace_id = b.trace_id
    where s.account_id = $1 and s.started_at between $4 and $5
          and s.home_day = any($17)
          and agentvista.agentmark_matches(s, case when $6 < 3 then $6 end,
                                           $9, $10, null, null, null)
          and (not $7 or (s.input is not null and s.output is not null))
          and ($8 is null or s.model = $8)
          and (($11 is null and $12 is null)
               or exists (
                   select 1
                   from agentvista.scores c
                   where c.account_id = $1
                         and c.resource in (s.span_id, s.trace_id)
                         and ($11 is null or c.score >= $11)
                         and ($12 is null or c.score <= $12)))
          and ($13 is null or s.user_id = $13 or t.user_id = $13)
          and ($14 is null
               or exists (
                   select 1
                   from agentvista.spans g
                   where g.account_id = $1 and g.home_day = s.home_day
                         and g.trace_id = s.trace_id
                         and g.details -> 'tags' ? $14))
          and ($15 is null or s.details -> 'metadata' ->> $15 = $16
               or s.metadata ->> $15 = $16)
    order by b.n, s.started_at, coalesce(s.started_nanos, 0), s.span_id) s
    $sql$
    into days, traces, spans, starts, sizes
    using account, batch, batch_days, first_day, last_day, type, whole, model,
          status, agentvista.agentmark_pattern(name), min_score, max_score,
          user_id, tag, metadata_key, metadata_value,
          array(select distinct unnest(batch_days));

    days := coalesce(days, '{}');
    traces := coalesce(traces, '{}');
    spans := coalesce(spans, '{}');
    starts := coalesce(starts, '{}');
    sizes := coalesce(sizes, '{}');
end;
$$;

-- RFC 4180; the columns of the other form, but for the nested ones. What a
-- spreadsheet would take for a formula, since anybody may have written it, has
-- an apostrophe in front.
create or replace function agentvista.agentmark_csv(value text)
returns text language sql immutable parallel safe as $$
    select case when value ~ '^[-=+@\t\r]'
           then '"''' || replace(value, '"', '""') || '"'
           when value ~ '[",\r\n]'
           then '"' || replace(value, '"', '""') || '"' else value end
$$;

create or replace function agentvista.agentmark_export_head()
returns text language sql immutable parallel safe as $$
    select 'id,traceId,parentId,name,type,status,statusMessage,timestamp,'
           'duration,model,inputTokens,outputTokens,totalTokens,cost,'
           'sessionId,userId,serviceName,promptName,tags,metadata,input,'
           'output,outputObject,toolCalls' || e'\r\n'
$$;

create or replace function agentvista.agentmark_export_csv(
    s agentvista.spans, service text, light boolean)
returns text language sql stable parallel safe as $$
    select array_to_string(array[
        agentvista.agentmark_csv(
            agentvista.agentmark_span_id(s.span_id,
                                         s.details ->> 'span_text')),
        agentvista.agentmark_csv(
            agentvista.agentmark_trace_id(s.trace_id,
                                          s.details ->> 'trace_text')),
        agentvista.agentmark_csv(
            agentvista.agentmark_span_id(s.parent_span_id,
                case when s.parent_span_id is not null
                then s.details ->> 'parent_text' end)),
        agentvista.agentmark_csv(
            agentvista.agentmark_name(s.type, s.name, s.details)),
        agentvista.agentmark_type(s.type),
        agentvista.agentmark_status(s.otlp_status, s.status)::text,
        agentvista.agentmark_csv(s.error_message),
        floor(extract(epoch from s.started_at) * 1000)::text,
        agentvista.agentmark_ms(coalesce(s.duration_ns, 0))::text,
        agentvista.agentmark_csv(s.model),
        s.input_tokens::text,
        s.output_tokens::text,
        s.total_tokens::text,
        trim_scale(s.cost_usd)::text,
        agentvista.agentmark_csv(s.session_id),
        agentvista.agentmark_csv(s.user_id),
        agentvista.agentmark_csv(service),
        agentvista.agentmark_csv(s.details ->> 'prompt_name'),
        agentvista.agentmark_csv(s.details ->> 'tags'),
        agentvista.agentmark_csv(coalesce(s.details ->> 'metadata',
            case when s.kind is null then s.metadata::text end)),
        case when not light then agentvista.agentmark_csv(s.input #>> '{}')
        end,
        case when not light then agentvista.agentmark_csv(s.output #>> '{}')
        end,
        case when not light then
            agentvista.agentmark_csv(s.details ->> 'output_object') end,
        case when not light then
            agentvista.agentmark_csv(s.details ->> 'tool_calls') end
        ], ',', '') || e'\r\n'
$$;

-- A model call as an example to learn from: its messages, then its answer's.
create or replace function agentvista.agentmark_export_openai(
    s agentvista.spans)
returns text language sql stable parallel safe as $$
    select json_build_object('messages', json_agg(m.message order by m.part,
                                                  m.n))::text || e'\n'
    from (select 1 as part, i.n, i.message
          from agentvista.agentmark_messages(s.input, 'user')
               with ordinality as i (message, n)
          union all
          select 2, o.n, o.message
          from agentvista.agentmark_messages(s.output, 'assistant')
               with ordinality as o (message, n)) m
$$;

-- Messages of what a span holds: an array of them, an object that has one, or
-- anything else as the content of a single one.
create or replace function agentvista.agentmark_messages(value json,
    default_role text)
returns setof json language plpgsql stable as $$
declare
    content text := value #>> '{}';
    parsed  json := case when content ~ '^\s*[[{]'
                    then agentvista.agentmark_json(content) end;
begin
    if json_typeof(parsed) = 'object'
       and json_typeof(parsed -> 'messages') = 'array'
    then
        parsed := parsed -> 'messages';
    end if;

    if json_typeof(parsed) is distinct from 'array'
       or json_array_length(parsed) = 0
       or exists (select 1 from json_array_elements(parsed) e
                  where json_typeof(e) <> 'object')
    then
        return next json_build_object('role', default_role,
                                      'content', content);
        return;
    end if;

    return query
    select json_strip_nulls(json_build_object(
               'role', coalesce(e ->> 'role', default_role),
               'content', coalesce(e -> 'content', p.parts),
               'name', e -> 'name',
               'tool_calls', e -> 'tool_calls',
               'tool_call_id', e -> 'tool_call_id'))
    from json_array_elements(parsed) e
         left join lateral (
             select to_json(string_agg(part ->> 'content', e'\n'))
             from json_array_elements(
                      case when json_typeof(e -> 'parts') = 'array'
                      then e -> 'parts' end) part
             where part ->> 'type' = 'text') p (parts) on true;
end;
$$;
