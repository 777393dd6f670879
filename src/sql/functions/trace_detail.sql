-- GET /dashboard/traces/{trace_id} (agentvista.md 5.2): the trace, then its
-- spans, as rows that the module writes; none if there is no such trace.
--
-- Generic plans: planning takes longer than reading a trace, and even to lock
-- every partition takes less.  The day is a parameter, so that the others are
-- left out before the plan starts.

create or replace function agentvista.trace_detail(account uuid, trace uuid)
returns setof agentvista.span_row language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
    t         agentvista.traces;
    agent     text;
    ids       uuid[];           -- of scopes, and their service names
    services  text[];
    scopes    json;
    mixed     boolean;          -- short parents, and long ids
    silent    boolean;          -- model calls without input or output
    spans     agentvista.spans[];
    contents  jsonb;
    parents   jsonb;
    answer    agentvista.span_row;
begin
    select * into t
    from agentvista.traces
    where account_id = account and trace_id = trace;

    if not found then
        return;
    end if;

    select name into agent
    from agentvista.agents
    where account_id = account and id = t.agent_id;

    select array_agg(distinct s.scope_id) filter (where s.scope_id is not null),
           bool_or(s.span_id >= '00000000-0000-0001-0000-000000000000')
           and bool_or(s.parent_span_id
                       < '00000000-0000-0001-0000-000000000000'),
           bool_or(s.type in (2, 8, 14) and s.scope_id is not null
                   and (s.input is null or s.output is null))
           into ids, mixed, silent
    from agentvista.spans s
    where s.account_id = account and s.home_day = t.home_day
          and s.trace_id = trace;

    -- Only spans by OTLP have what follows.
    if ids is not null then
        select array_agg(c.id), array_agg(c.service_name), json_agg(c)
               into ids, services, scopes
        from (select c.id, c.service_name, c.resource, c.name, c.version,
                     c.attributes
              from agentvista.scopes c
              where c.account_id = account and c.id = any(ids)
              order by c.service_name, c.name, c.id) c;

        if mixed or silent then
            select array_agg(s) into spans
            from agentvista.spans s
            where s.account_id = account and s.home_day = t.home_day
                  and s.trace_id = trace;

            contents := agentvista.span_contents(t, spans);
            parents := agentvista.span_parents(spans);
        end if;
    end if;

    answer.text := left(json_build_object(
        'trace_id', t.trace_id,
        'agent_id', t.agent_id,
        'agent_name', agent,
        'name', t.name,
        'status', agentvista.status_name(t.status),
        'started_at', agentvista.iso8601(t.started_at),
        'ended_at', agentvista.iso8601(t.ended_at),
        'duration_ms', t.duration_ns / 1000000,
        'success', t.success,
        'outcome', t.outcome,
        'error_message', t.error_message,
        'total_tokens', coalesce(t.total_tokens, t.span_tokens),
        'total_cost_usd', coalesce(t.total_cost_usd, t.span_cost_usd),
        'session_id', t.session_id,
        'user_id', t.user_id,
        'metadata', t.metadata,
        'truncated', t.truncated,
        'scopes', coalesce(scopes, '[]'))::text, -1) || ', "spans" : [';
    return next answer;

    return query
    select null::text, null::text[], s.trace_id, s.span_id,
           case when parents is null then s.parent_span_id
           else coalesce((parents ->> s.parent_span_id::text)::uuid,
                         s.parent_span_id) end,
           s.type, s.kind, s.status, s.otlp_status, s.name, s.started_at,
           s.started_nanos, s.ended_at, s.ended_nanos, s.duration_ns,
           services[array_position(ids, s.scope_id)], s.scope_id,
           s.session_id, s.user_id, s.model, s.input_tokens, s.output_tokens,
           s.total_tokens, s.cost_usd, s.error_message,
           case when contents is null then s.input
           else coalesce(s.input, to_json(contents -> s.span_id::text
                                                   ->> 'input')) end,
           case when contents is null then s.output
           else coalesce(s.output, to_json(contents -> s.span_id::text
                                                    ->> 'output')) end,
           s.metadata, s.details, s.events, s.links, s.truncated
    from agentvista.spans s
    where s.account_id = account and s.home_day = t.home_day
          and s.trace_id = trace
    order by s.started_at, s.started_nanos nulls first, s.ordinal, s.span_id;

    answer.text := ']}';
    return next answer;
end;
$$;

-- Parents that are 16 digits of an SDK span's 32, which a traceparent cannot
-- hold (agentvista.md 7.2): {"as stored": "the one span that is meant"}.
create or replace function agentvista.span_parents(spans agentvista.spans[])
returns jsonb language plpgsql stable as $$
begin
    return (
        with short as (
            select distinct s.parent_span_id as id,
                   substr(replace(s.parent_span_id::text, '-', ''), 17)
                       as digits
            from unnest(spans) s
                 left join unnest(spans) p on p.span_id = s.parent_span_id
            where s.parent_span_id < '00000000-0000-0001-0000-000000000000'
                  and p.span_id is null),
        long as (
            select s.span_id as id, replace(s.span_id::text, '-', '') as digits
            from unnest(spans) s
            where s.span_id >= '00000000-0000-0001-0000-000000000000'
                  and exists (select from short))
        select jsonb_object_agg(m.id, m.span_id)
        from (select h.id, min(l.id::text) as span_id
              from short h
                   join long l
                   on left(l.digits, 16) = h.digits
                      or right(l.digits, 16) = h.digits
              group by h.id
              having count(*) = 1) as m);
end;
$$;

-- What models were asked and answered, where it came in log records and not
-- with the span (otlp.md 10.4, rows 11 and 12), as messages:
-- {"span id": {"input": [...], "output": [...]}}. Shown it is text, as what is
-- stored with a span.
create or replace function agentvista.span_contents(t agentvista.traces,
    spans agentvista.spans[])
returns jsonb language plpgsql stable as $$
declare
    days    date[];
    lines   agentvista.logs[];
begin
    perform from unnest(spans) s
    where s.type in (2, 8, 14) and s.scope_id is not null
          and (s.input is null or s.output is null);

    if not found then
        return null;
    end if;

    -- They are as old as the trace, but for clocks that differ.
    select array[(min(s.started_at) at time zone 'UTC')::date - 1,
                 (max(coalesce(s.ended_at, s.started_at))
                  at time zone 'UTC')::date + 1] into days
    from unnest(spans) s;

    execute 'select array_agg(l) from (select * from agentvista.logs l'
            ' where l.account_id = $1 and l.trace_id = $2'
            ' and l.day between $3 and $4 and l.span_id is not null'
            ' and coalesce(l.event_name, l.attributes ->> ''event.name'')'
            ' like ''gen\_ai.%'' order by l.id limit 5000) as l'
        into lines
        using t.account_id, t.trace_id, days[1], days[2];

    if lines is null then
        return null;
    end if;

    return (
        select jsonb_object_agg(m.span_id, jsonb_strip_nulls(jsonb_build_object(
                   'input', m.input, 'output', m.output)))
        from (select c.span_id,
                     jsonb_agg(x.message order by c.at, c.id, x.place)
                         filter (where not x.answer) as input,
                     jsonb_agg(x.message order by c.at, c.id, x.place)
                         filter (where x.answer) as output
              from (select l.span_id, l.id, l.attributes::jsonb,
                           (l.logged_at, l.logged_nanos) as at,
                           coalesce(l.event_name,
                                    l.attributes ->> 'event.name') as event,
                           agentvista.jsonb_or_text(l.body, l.structured)
                               as body
                    from unnest(lines) l) as c,
                   lateral agentvista.event_messages(c.event, c.body,
                                                     c.attributes) x
              group by c.span_id) as m);
end;
$$;

-- A text as JSON, if it is said to be, or looks so and is.
create or replace function agentvista.jsonb_or_text(body text,
    structured boolean)
returns jsonb language plpgsql immutable parallel safe as $$
begin
    if structured or body ~ '^\s*[\[{]' then
        return body::jsonb;
    end if;

    return to_jsonb(body);

exception
    when data_exception or program_limit_exceeded then
        return to_jsonb(body);
end;
$$;

-- The messages of one event.
create or replace function agentvista.event_messages(event text, body jsonb,
    attributes jsonb)
returns table (place bigint, answer boolean, message jsonb)
language plpgsql immutable parallel safe as $$
declare
    said  jsonb := case when jsonb_typeof(body) = 'object' then body
                        when body is null then '{}'
                        else jsonb_build_object('content', body) end;
begin
    if event = 'gen_ai.client.inference.operation.details' then
        return query
        select m.place, false, m.message
        from agentvista.part_messages(
                 attributes -> 'gen_ai.system_instructions', 'system') m
        union all
        select 1000 + m.place, false, m.message
        from agentvista.part_messages(
                 attributes -> 'gen_ai.input.messages', 'user') m
        union all
        select m.place, true, m.message
        from agentvista.part_messages(
                 attributes -> 'gen_ai.output.messages', 'assistant') m;

    elsif event = 'gen_ai.choice' then
        return query
        select coalesce(substring(said ->> 'index' from '^\d{1,9}')::bigint,
                        0), true,
               jsonb_build_object('role', 'assistant')
               || (said - 'index' - 'message')
               || case when jsonb_typeof(said -> 'message') = 'object'
                       then said -> 'message'
                       when said ? 'message'
                       then jsonb_build_object('content', said -> 'message')
                       else '{}' end;

    elsif event in ('gen_ai.system.message', 'gen_ai.user.message',
                    'gen_ai.assistant.message', 'gen_ai.tool.message')
    then
        return query
        select 0::bigint, false,
               jsonb_build_object('role', split_part(event, '.', 2)) || said;
    end if;

exception
    when data_exception then
        return;
end;
$$;

-- Messages in parts as {"role", "content"}; content is text where all parts
-- are.
create or replace function agentvista.part_messages(messages jsonb,
    default_role text)
returns table (place bigint, message jsonb)
language plpgsql immutable parallel safe as $$
declare
    list  jsonb := messages;
begin
    if jsonb_typeof(list) = 'string' then
        list := agentvista.jsonb_or_text(list #>> '{}', false);
    end if;

    if jsonb_typeof(list) = 'string' then
        list := jsonb_build_array(jsonb_build_object('content', list));
    elsif jsonb_typeof(list) = 'object' then
        list := jsonb_build_array(list);
    elsif jsonb_typeof(list) is distinct from 'array' then
        return;
    end if;

    -- System instructions are the parts of one message.
    if jsonb_typeof(list -> 0) = 'object' and list -> 0 ? 'type'
       and not list -> 0 ? 'role'
    then
        list := jsonb_build_array(jsonb_build_object('parts', list));
    end if;

    return query
    select m.ordinality,
           jsonb_build_object('role', default_role)
           || case when jsonb_typeof(m.value) = 'object'
                   then (m.value - 'parts')
                   else jsonb_build_object('content', m.value) end
           || case when jsonb_typeof(m.value -> 'parts') = 'array'
                   then jsonb_build_object('content', (
                       select case when bool_and(p ->> 'type' = 'text')
                                   then to_jsonb(string_agg(p ->> 'content',
                                                            e'\n' order by n))
                                   else m.value -> 'parts' end
                       from jsonb_array_elements(m.value -> 'parts')
                                with ordinality as e (p, n)))
                   else '{}' end
    from jsonb_array_elements(list) with ordinality m;
end;
$$;
