-- Sessions: traces that name the same session.

-- What the traces of a session have together; null if there are none.
create or replace function agentvista.session_summary(account uuid,
    session text)
returns json language plpgsql stable as $$
declare
    summary  json;
begin
    select json_build_object(
               'session_id', session,
               'name', (array_agg(t.name order by t.started_at desc)
                            filter (where t.name is not null))[1],
               'user_id', (array_agg(t.user_id order by t.started_at desc)
                               filter (where t.user_id is not null))[1],
               'trace_count', count(*),
               'span_count', sum(t.span_count),
               'started_at', agentvista.iso8601(min(t.started_at)),
               'ended_at', agentvista.iso8601(max(t.ended_at)),
               'last_trace_at', agentvista.iso8601(max(t.started_at)),
               'duration_ms', (sum(t.duration_ns) / 1000000)::bigint,
               'failed_count', count(*) filter (where t.status in (2, 3)),
               'successful_count', count(*) filter (where t.success),
               'total_tokens', sum(coalesce(t.total_tokens, t.span_tokens)),
               'total_cost_usd', sum(coalesce(t.total_cost_usd,
                                              t.span_cost_usd)))
        into summary
    from agentvista.traces t
    where t.account_id = account and t.session_id = session
          and octet_length(t.session_id) <= 1024
    having count(*) > 0;

    return summary;
end;
$$;

-- GET /dashboard/sessions: those with the latest trace first. A session is
-- found at its latest trace, so no page has to look at all of them; with times
-- or a user, at the latest one that is meant.
create or replace function agentvista.sessions_list(
    account    uuid,
    visitor    text,
    first      timestamptz,
    last       timestamptz,
    page       bigint,
    page_size  bigint,
    cursor_at  timestamptz,
    cursor_id  uuid)
returns json language plpgsql stable as $$
declare
    most   constant integer := 1000;
    meant  text := '%1$s.account_id = $1 and %1$s.session_id is not null'
                   ' and octet_length(%1$s.session_id) <= 1024';
    q      text;
    rows   agentvista.traces[];
    more   boolean;
    total  bigint;
    seen   bigint;
begin
    meant := meant
        || case when visitor is not null then ' and %1$s.user_id = $2'
                else '' end
        || case when first is not null then ' and %1$s.started_at >= $3'
                else '' end
        || case when last is not null then ' and %1$s.started_at <= $4'
                else '' end;

    q := 'select array_agg(t order by t.started_at desc, t.trace_id desc)'
         ' from (select t.* from agentvista.traces t where '
         || format(meant, 't')
         || ' and not exists (select from agentvista.traces n where '
         || format(meant, 'n')
         || ' and n.session_id = t.session_id'
            ' and (n.started_at, n.trace_id) > (t.started_at, t.trace_id))'
         || case when cursor_at is not null
                 then ' and (t.started_at, t.trace_id) < ($5, $6)' else '' end
         || ' order by t.started_at desc, t.trace_id desc limit $7 offset $8)'
            ' as t';

    execute q into rows
    using account, visitor, first, last, cursor_at, cursor_id, page_size + 1,
          case when cursor_at is null then (page - 1) * page_size else 0 end;

    more := coalesce(array_length(rows, 1), 0) > page_size;
    rows := rows[:page_size];

    if cursor_at is null then
        q := 'select count(distinct n.session_id), count(*) from ('
             'select t.session_id from agentvista.traces t where '
             || format(meant, 't')
             || ' order by t.started_at desc, t.trace_id desc limit $5) as n';

        execute q into total, seen
        using account, visitor, first, last, most + 1;

        total := greatest(total, case when rows is not null
                                      then (page - 1) * page_size
                                           + array_length(rows, 1)
                                           + more::integer end);
    end if;

    return json_build_object(
        'sessions', (select coalesce(json_agg(agentvista.session_summary(
                                                  account, t.session_id)),
                                     '[]')
                     from unnest(rows) t),
        'total', total,
        'total_exact', case when total is not null then seen <= most end,
        'page', page,
        'page_size', page_size,
        'has_more', more,
        'next_cursor', case when more
            then agentvista.cursor(rows[page_size].started_at,
                                   rows[page_size].trace_id) end);
end;
$$;

-- GET /dashboard/sessions/{session_id}: the totals, and a page of the traces.
create or replace function agentvista.session_detail(account uuid,
    session text, page bigint, page_size bigint, cursor_at timestamptz,
    cursor_id uuid)
returns setof agentvista.trace_row language plpgsql stable as $$
declare
    summary  json := agentvista.session_summary(account, session);
begin
    if summary is null then
        return;
    end if;

    return query
    select * from agentvista.traces_list(account, null, null, null, null, null,
        null, null, null, null, null, null, session, null, null, null, null,
        null, null, null, page, page_size, cursor_at, cursor_id,
        left(summary::text, -1) || ', ');
end;
$$;
