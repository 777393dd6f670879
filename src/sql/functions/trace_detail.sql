-- GET /dashboard/traces/{trace_id} (agentvista.md 5.2); null if there is none.
--
-- The spans are fetched first and shown afterwards.  PL/pgSQL keeps a generic
-- plan for what is the same each time, the JSON; the little query for the
-- spans it plans anew with their day at hand, since a generic plan would lock
-- every partition at each call.

create or replace function agentvista.trace_detail(account uuid, trace uuid)
returns json language plpgsql stable as $$
declare
    t       agentvista.traces;
    agent   text;
    spans   agentvista.spans[];
begin
    select * into t
    from agentvista.traces
    where account_id = account and trace_id = trace;

    if not found then
        return null;
    end if;

    select name into agent
    from agentvista.agents
    where account_id = account and id = t.agent_id;

    select array_agg(s order by s.started_at, s.ordinal, s.span_id) into spans
    from agentvista.spans s
    where s.account_id = account
          and s.home_day = t.home_day
          and s.trace_id = trace;

    return json_build_object(
        'trace_id', t.trace_id,
        'agent_id', t.agent_id,
        'agent_name', agent,
        'status', agentvista.status_name(t.status),
        'started_at', agentvista.iso8601(t.started_at),
        'ended_at', agentvista.iso8601(t.ended_at),
        'duration_ms', t.duration_ns / 1000000,
        'success', t.success,
        'outcome', t.outcome,
        'error_message', t.error_message,
        'total_tokens', coalesce(t.total_tokens, t.span_tokens),
        'total_cost_usd', coalesce(t.total_cost_usd, t.span_cost_usd),
        'metadata', t.metadata,
        'truncated', t.truncated,
        'spans', (
            select coalesce(json_agg(span), '[]')
            from (
                select s.span_id,
                       s.trace_id,
                       s.parent_span_id,
                       agentvista.span_type_name(s.type) as type,
                       s.name,
                       agentvista.status_name(s.status) as status,
                       agentvista.iso8601(s.started_at) as started_at,
                       agentvista.iso8601(s.ended_at) as ended_at,
                       s.duration_ns / 1000000 as duration_ms,
                       null as service_name,
                       s.model,
                       s.input_tokens,
                       s.output_tokens,
                       s.total_tokens,
                       s.cost_usd,
                       s.error_message,
                       s.input,
                       s.output,
                       s.metadata,
                       s.truncated
                from unnest(spans) s) as span));
end;
$$;
