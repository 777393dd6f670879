-- GET /v1/sessions, GET /v1/sessions/{id}/traces (agentmark.md 4).  Ids beyond
-- a kilobyte are in no index, and no session's.

-- The tokens and the cost of traces: kept with them if model calls reported
-- some, else of their topmost spans that did.
create or replace function agentvista.agentmark_totals(account uuid,
    traces uuid[])
returns table (trace_id uuid, tokens bigint, cost numeric)
language plpgsql stable as $$
declare
    unknown uuid[];
    days    date[];
begin
    select array_agg(t.trace_id), array_agg(distinct t.home_day)
           into unknown, days
    from agentvista.traces t
    where t.account_id = account and t.trace_id = any(traces)
          and (t.span_tokens is null or t.span_cost_usd is null);

    return query
    select t.trace_id, coalesce(t.span_tokens, s.tokens, 0),
           coalesce(t.span_cost_usd, s.cost, 0)
    from agentvista.traces t
         left join agentvista.agentmark_traces(account, unknown, days) s
         on s.trace_id = t.trace_id
    where t.account_id = account and t.trace_id = any(traces);
end;
$$;

-- The names of sessions, as one of their ten newest traces has it.
create or replace function agentvista.agentmark_session_names(account uuid,
    sessions text[])
returns table (session_id text, name text)
language plpgsql stable as $$
begin
    return query execute $sql$
    select distinct on (x.session_id)
           x.session_id, s.details ->> 'session_name'
    from unnest($2) as x (session_id)
         cross join lateral (
             select t.trace_id, t.home_day
             from agentvista.traces t
             where t.account_id = $1 and t.session_id = x.session_id
                   and octet_length(t.session_id) <= 1024
             order by t.started_at desc
             limit 10) t
         join agentvista.spans s
         on s.home_day = t.home_day and s.trace_id = t.trace_id
    where s.account_id = $1 and s.details ->> 'session_name' <> ''
    order by x.session_id, s.started_at desc, s.span_id
    $sql$
    using account, sessions;
end;
$$;

create or replace function agentvista.agentmark_session_list(account uuid,
    name text, user_id text, max_sessions bigint, first_session bigint)
returns text language plpgsql stable as $$
declare
    sessions    text[];
    traces      uuid[];
    answer      text;
begin
    if name is not null then
        select coalesce(array_agg(n.session_id), '{}') into sessions
        from agentvista.agentmark_session_names(account, array(
                 select distinct t.session_id
                 from agentvista.traces t
                 where t.account_id = account and t.span_count > 0
                       and t.session_id is not null
                       and octet_length(t.session_id) <= 1024)) n
        where n.name ilike agentvista.agentmark_pattern($2);
    end if;

    execute $sql$
    select array(
        select t.session_id
        from agentvista.traces t
        where t.account_id = $1 and t.span_count > 0
              and t.session_id is not null
              and octet_length(t.session_id) <= 1024
              and ($2 is null or t.session_id = any($2))
        group by t.session_id
        having $3 is null or bool_or(t.user_id = $3)
        order by max(t.span_start_ns) desc, t.session_id
        limit $4 offset $5)
    $sql$
    into sessions
    using account, sessions, user_id, max_sessions, first_session;

    select array_agg(t.trace_id) into traces
    from agentvista.traces t
    where t.account_id = account and t.session_id = any(sessions)
          and octet_length(t.session_id) <= 1024 and t.span_count > 0;

    select string_agg(concat(
               '{"id":', to_json(s.session_id),
               ',"name":', to_json(coalesce(n.name, '')),
               ',"traceCount":', s.traces,
               ',"totalTokens":', s.tokens,
               ',"totalCost":', trim_scale(s.cost),
               ',"totalDuration":', trim_scale(greatest(s.duration, 0)
                                                / 1000000),
               ',"firstTrace":', floor(s.first_ns / 1000000::numeric),
               ',"lastTrace":', floor(s.last_ns / 1000000::numeric), '}'),
               ',' order by s.last_ns desc, s.session_id) into answer
    from (select t.session_id, count(*) as traces, sum(m.tokens) as tokens,
                 sum(m.cost) as cost,
                 sum(t.span_end_ns - t.span_start_ns) as duration,
                 min(t.span_start_ns) as first_ns,
                 max(t.span_start_ns) as last_ns
          from agentvista.traces t
               join agentvista.agentmark_totals(account, traces) m
               on m.trace_id = t.trace_id
          where t.account_id = account and t.trace_id = any(traces)
          group by t.session_id) s
         left join agentvista.agentmark_session_names(account, sessions) n
         on n.session_id = s.session_id;

    return '{"sessions":[' || coalesce(answer, '') || ']}';
end;
$$;

-- The traces of a session, newest first, each with up to 500 of its spans, as
-- GET /v1/traces/{traceId} would show it; nothing if there is none.
create or replace function agentvista.agentmark_session_traces(account uuid,
    session text, max_traces bigint, first_trace bigint)
returns setof agentvista.span_row language plpgsql stable as $$
declare
    traces      uuid[];
    trace_days  date[];
    heads       text[];
    days        date[];
    of_traces   uuid[];
    spans       uuid[];
    before      text[];
begin
    if not exists (select 1 from agentvista.traces t
                   where t.account_id = account and t.session_id = session
                         and octet_length(t.session_id) <= 1024
                         and t.span_count > 0)
    then
        return;
    end if;

    select array_agg(t.trace_id order by t.started_at desc, t.trace_id desc),
           array_agg(t.home_day order by t.started_at desc, t.trace_id desc)
           into traces, trace_days
    from (select t.trace_id, t.home_day, t.started_at
          from agentvista.traces t
          where t.account_id = account and t.session_id = session
                and octet_length(t.session_id) <= 1024 and t.span_count > 0
          order by t.started_at desc, t.trace_id desc
          limit max_traces offset first_trace) t;

    select array_agg(concat('{"id":', to_json(t.id), ',"name":',
                            to_json(t.name), ',"data":',
                            agentvista.agentmark_trace_data(t.id, t.name,
                                t.status, t.message, t.start_ns, t.end_ns,
                                t.tokens, t.cost),
                            ',"spans":[')
                     order by array_position(traces, t.trace_id)) into heads
    from agentvista.agentmark_traces(account, traces, trace_days) t;

    execute $sql$
    select array_agg(home_day order by n, place),
           array_agg(trace_id order by n, place),
           array_agg(span_id order by n, place),
           array_agg(case when place = 1
                     then case when n > 1 then ']},' else '' end || head
                     end order by n, place)
    from (select k.n, k.head, s.home_day, s.trace_id, s.span_id,
                 row_number() over (
                     partition by k.n
                     order by agentvista.agentmark_ns(s.started_at,
                                                      s.started_nanos),
                              s.span_id) as place
          from unnest($2, $3, $4) with ordinality
                   as k (trace_id, home_day, head, n)
               join agentvista.spans s
               on s.home_day = k.home_day and s.trace_id = k.trace_id
          where s.account_id = $1 and s.home_day = any($5)) s
    where place <= 500
    $sql$
    into days, of_traces, spans, before
    using account, traces, trace_days, heads,
          array(select distinct unnest(trace_days));

    return query
    select * from agentvista.agentmark_chunk(account, 'span', false,
                 '{"traces":[', case when spans is null then ']}'
                 else ']}]}' end, days, of_traces, spans,
                 agentvista.agentmark_sizes(account, days, of_traces, spans),
                 before);
end;
$$;
