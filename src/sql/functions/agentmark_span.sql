-- A span as AgentMark shows it (agentmark.md 3.3), and its parts.  concat()
-- leaves out what is null, which is how a member that is not known is omitted.
-- Nothing here is called more stable than what it calls: Postgres would not
-- inline it.

-- Nanoseconds since 1970.
create or replace function agentvista.agentmark_ns(t timestamptz,
    nanos smallint)
returns bigint language sql stable parallel safe as $$
    select (extract(epoch from t) * 1000000)::bigint * 1000
           + coalesce(nanos, 0)
$$;

-- Milliseconds with what is left of them, and money: no exponent, and no zeros
-- at the end.
create or replace function agentvista.agentmark_ms(ns bigint)
returns numeric language sql immutable parallel safe as $$
    select trim_scale(greatest(ns, 0) / 1000000::numeric)
$$;

create or replace function agentvista.agentmark_iso(ns bigint)
returns text language sql stable parallel safe as $$
    select to_char(to_timestamp(ns / 1000000 / 1000::numeric)
                   at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- 0 unset, 1 ok, 2 error: as sent by OTLP, else by our own status.
create or replace function agentvista.agentmark_status(otlp_status smallint,
    status smallint)
returns integer language sql immutable parallel safe as $$
    select coalesce(otlp_status::integer, (array[0, 1, 2, 2])[status + 1])
$$;

create or replace function agentvista.agentmark_type(type smallint)
returns text language sql immutable parallel safe as $$
    select case when type in (2, 8) then 'GENERATION' else 'SPAN' end
$$;

-- A tool's span is shown by the tool's name.
create or replace function agentvista.agentmark_name(type smallint, name text,
    details jsonb)
returns text language sql immutable parallel safe as $$
    select case when type = 3
           then coalesce(nullif(details ->> 'tool_name', ''), name)
           else name end
$$;

-- What a span reports, null if nothing.
create or replace function agentvista.agentmark_tokens(input bigint,
    output bigint, total bigint)
returns bigint language sql immutable parallel safe as $$
    select coalesce(input + output, input, output, total)
$$;

-- Text that is to be found anywhere, as a pattern of ilike.
create or replace function agentvista.agentmark_pattern(part text)
returns text language sql immutable parallel safe as $$
    select '%' || replace(replace(replace(part, '\', '\\'), '%', '\%'),
                          '_', '\_') || '%'
$$;

-- Input and output are strings on the wire, whatever they hold.
create or replace function agentvista.agentmark_text(value json)
returns text language sql stable parallel safe as $$
    select case json_typeof(value)
           when 'string' then value::text
           when 'null' then null
           else to_json(value::text)::text end
$$;

-- Custom metadata: every value as text.
create or replace function agentvista.agentmark_metadata(metadata jsonb)
returns json language sql stable strict parallel safe as $$
    select json_object_agg(key, value)
    from jsonb_each_text(case when jsonb_typeof(metadata) = 'object'
                         then metadata end)
    where value is not null
$$;

create or replace function agentvista.agentmark_span(s agentvista.spans,
    service text)
returns text language sql stable parallel safe as $$
    select concat(
        '{"id":',
            to_json(agentvista.agentmark_span_id(s.span_id,
                                                 s.details ->> 'span_text')),
        ',"name":',
            to_json(agentvista.agentmark_name(s.type, s.name, s.details)),
        ',"duration":',
            agentvista.agentmark_ms(coalesce(s.duration_ns, 0)),
        ',"parentId":'
            || to_json(agentvista.agentmark_span_id(s.parent_span_id,
                           case when s.parent_span_id is not null
                           then s.details ->> 'parent_text' end)),
        ',"timestamp":', floor(extract(epoch from s.started_at) * 1000),
        ',"traceId":',
            to_json(agentvista.agentmark_trace_id(s.trace_id,
                                                  s.details ->> 'trace_text')),
        ',"status":"', agentvista.agentmark_status(s.otlp_status, s.status),
        '","data":{"type":"', agentvista.agentmark_type(s.type), '"',
        ',"model":' || to_json(s.model),
        ',"inputTokens":' || s.input_tokens,
        ',"outputTokens":' || s.output_tokens,
        ',"totalTokens":' || s.total_tokens,
        ',"reasoningTokens":' || (s.details ->> 'reasoning_tokens'),
        ',"cost":' || trim_scale(s.cost_usd),
        ',"input":' || agentvista.agentmark_text(s.input),
        ',"output":' || agentvista.agentmark_text(s.output),
        ',"outputObject":' || to_json(s.details ->> 'output_object'),
        ',"toolCalls":' || to_json(s.details ->> 'tool_calls'),
        ',"settings":' || to_json(s.details ->> 'settings'),
        ',"props":' || to_json(s.details ->> 'props'),
        ',"finishReason":' || to_json(s.details ->> 'finish_reason'),
        ',"sessionId":' || to_json(s.session_id),
        ',"sessionName":' || to_json(s.details ->> 'session_name'),
        ',"userId":' || to_json(s.user_id),
        ',"traceName":' || to_json(s.details ->> 'trace_name'),
        ',"promptName":' || to_json(s.details ->> 'prompt_name'),
        ',"statusMessage":' || to_json(s.error_message),
        ',"status":"', agentvista.agentmark_status(s.otlp_status, s.status),
        '"',
        ',"spanKind":"' || nullif(s.kind, 0) || '"',
        ',"serviceName":' || to_json(service),
        ',"duration":', agentvista.agentmark_ms(coalesce(s.duration_ns, 0)),
        ',"attributes":' || to_json(s.metadata::text),
        ',"metadata":'
            || agentvista.agentmark_metadata(
                   coalesce(s.details -> 'metadata',
                            case when s.kind is null then s.metadata end)),
        '}}')
$$;
