-- Lists of traces. Pages are by number, or by a cursor: where the last page
-- ended, so that page 10,000 costs what page 1 does.

-- 16 digits of a time, in microseconds since 2000, and 32 of an id
-- (src/api/ngx_av_param_kinds.c reads them).
create or replace function agentvista.cursor(t timestamptz, id uuid)
returns text language sql stable parallel safe as $$
    select lpad(to_hex(((extract(epoch from t) - 946684800) * 1000000)
                           ::bigint), 16, '0')
           || replace(id::text, '-', '')
$$;

-- The summary of a trace (agentvista.md 6.4).
create or replace function agentvista.trace_summary(t agentvista.traces)
returns json language plpgsql stable as $$
begin
    return json_build_object(
        'trace_id', t.trace_id,
        'agent_id', t.agent_id,
        'agent_name', (select a.name
                       from agentvista.agents a
                       where a.account_id = t.account_id
                             and a.id = t.agent_id),
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
        'span_count', t.span_count);
end;
$$;

-- GET /dashboard/traces (agentvista.md 5.1).
--
-- total is exact where that is cheap: without filters, or for one agent, from
-- the statistics; else among the newest traces that an index finds. If there
-- are more, it is a lower bound, and total_exact is false. With a cursor it is
-- null.
create or replace function agentvista.traces_list(
    account       uuid,
    agent         uuid,
    agent_name    text,
    state         smallint,
    signal        smallint,         -- success: 0 false, 1 true, 2 null
    label         text,
    first         timestamptz,
    last          timestamptz,
    words         text,
    model_name    text,
    error         text,
    meta          jsonb,
    session       text,
    visitor       text,
    min_cost      numeric,
    max_cost      numeric,
    min_ms        numeric,
    max_ms        numeric,
    min_tokens    numeric,
    max_tokens    numeric,
    page          bigint,
    page_size     bigint,
    cursor_at     timestamptz,
    cursor_id     uuid)
returns json language plpgsql stable as $$
declare
    -- An index serves found_by, but not such_that.
    found_by   text := 't.account_id = $1';
    such_that  text := '';
    paged      text := '';
    ordered    constant text := ' order by t.started_at desc, t.trace_id desc';
    start      bigint := 0;
    most       integer;
    agents     uuid[];
    keys       text[];
    texts      text[];
    rows       agentvista.traces[];
    total      bigint;
    seen       bigint;
    exact      boolean;
    more       boolean;
    query      text;
begin
    if cursor_at is null then
        start := (page - 1) * page_size;
    else
        paged := ' and (t.started_at, t.trace_id) < ($17, $18)';
    end if;

    if agent is not null or agent_name is not null then
        found_by := found_by || ' and t.agent_id = ($2)[1]';

        -- A name is one agent's, so there is one or none.
        agents := array(select a.id
                        from agentvista.agents a
                        where a.account_id = account
                              and (agent is null or a.id = agent)
                              and (agent_name is null or a.name = agent_name));
    end if;

    found_by := found_by
        || case when first is not null then ' and t.started_at >= $3' else ''
           end
        || case when last is not null then ' and t.started_at <= $4' else ''
           end
        || case when session is not null
                then ' and t.session_id = $5'
                     ' and octet_length(t.session_id) <= 1024' else '' end
        || case when visitor is not null
                then ' and t.user_id = $6'
                     ' and octet_length(t.user_id) <= 1024' else '' end;

    such_that :=
           case when state is not null then ' and t.status = $7' else '' end
        || case signal when 0 then ' and not t.success'
                       when 1 then ' and t.success'
                       when 2 then ' and t.success is null' else '' end
        || case when label is not null then ' and t.outcome = $8' else '' end
        || case when min_cost is not null
                then ' and coalesce(t.total_cost_usd, t.span_cost_usd) >= $9'
                else '' end
        || case when max_cost is not null
                then ' and coalesce(t.total_cost_usd, t.span_cost_usd) <= $10'
                else '' end
        || case when min_ms is not null
                then ' and t.duration_ns >= $11' else '' end
        || case when max_ms is not null
                then ' and t.duration_ns <= $12' else '' end
        || case when min_tokens is not null
                then ' and coalesce(t.total_tokens, t.span_tokens) >= $13'
                else '' end
        || case when max_tokens is not null
                then ' and coalesce(t.total_tokens, t.span_tokens) <= $14'
                else '' end
        || case when error is not null
                then ' and strpos(lower(t.error_message), lower($15)) > 0'
                else '' end;

    if words is not null then
        such_that := such_that
            || ' and (strpos(lower(t.name), lower($16)) > 0'
               ' or strpos(lower(t.error_message), lower($16)) > 0'
               ' or t.agent_id = any (array(select a.id'
               ' from agentvista.agents a where a.account_id = $1'
               ' and strpos(lower(a.name), lower($16)) > 0)))';
    end if;

    if meta is not null then
        select array_agg(m.key), array_agg(m.value) into keys, texts
        from jsonb_each_text(meta) m;

        for i in 1 .. coalesce(array_length(keys, 1), 0) loop
            such_that := such_that
                || format(' and t.metadata ->> ($19)[%1$s] = ($20)[%1$s]', i);
        end loop;
    end if;

    if model_name is not null then
        return agentvista.traces_by_model(
            'select t.trace_id, t.started_at, t.home_day'
            ' from agentvista.traces t where ' || found_by || such_that
            || paged, account, agents, first, last, session, visitor, state,
            label, min_cost, max_cost, min_ms, max_ms, min_tokens, max_tokens,
            error, words, cursor_at, cursor_id, keys, texts, model_name, page,
            page_size);
    end if;

    query := 'select t.* from agentvista.traces t where ' || found_by
             || such_that || paged || ordered || ' limit $21 offset $22';

    if such_that = '' and start > 1000 then

        -- What comes before the page is counted in the index alone.
        query := 'select t.* from (select t.started_at, t.trace_id'
                 ' from agentvista.traces t where ' || found_by || ordered
                 || ' limit $21 offset $22) as k join agentvista.traces t'
                 ' on t.account_id = $1 and t.trace_id = k.trace_id';
    end if;

    execute 'select array_agg(t' || ordered || ') from (' || query || ') as t'
    into rows
    using account, agents, first, last, session, visitor, state, label,
          min_cost, max_cost, min_ms * 1000000, max_ms * 1000000, min_tokens,
          max_tokens, error, words, cursor_at, cursor_id, keys, texts,
          page_size + 1, start;

    more := coalesce(array_length(rows, 1), 0) > page_size;
    rows := rows[:page_size];

    if cursor_at is not null then
        null;

    elsif such_that = '' and found_by in ('t.account_id = $1',
                              't.account_id = $1 and t.agent_id = ($2)[1]')
    then
        total := agentvista.traces_stored(account, agents);
        exact := true;

    else
        most := case when such_that = '' then 20000 else 3000 end;

        execute 'select count(*) filter (where true' || such_that
            || '), count(*) from (select '
            || case when such_that = '' then '1' else 't.*' end
            || ' from agentvista.traces t where ' || found_by || ordered
            || ' limit $21) as t'
        into total, seen
        using account, agents, first, last, session, visitor, state, label,
              min_cost, max_cost, min_ms * 1000000, max_ms * 1000000,
              min_tokens, max_tokens, error, words, cursor_at, cursor_id, keys,
              texts, most + 1;

        exact := seen <= most;

        if not exact and rows is not null then
            total := greatest(total, start + array_length(rows, 1)
                                     + more::integer);
        end if;
    end if;

    return agentvista.traces_page(rows, total, exact, page, page_size, more);
end;
$$;

-- An answer with a page of traces.
create or replace function agentvista.traces_page(rows agentvista.traces[],
    total bigint, exact boolean, page bigint, page_size bigint, more boolean)
returns json language plpgsql stable as $$
begin
    return json_build_object(
        'traces', (select coalesce(json_agg(agentvista.trace_summary(t)),
                                   '[]')
                   from unnest(rows) t),
        'total', total,
        'total_exact', exact,
        'page', page,
        'page_size', page_size,
        'has_more', more,
        'next_cursor', case when more
            then agentvista.cursor(rows[page_size].started_at,
                                   rows[page_size].trace_id) end);
end;
$$;

-- The same list of traces that have a span of a model. The spans are looked
-- up for a stretch of candidates at a time, of whose days the planner then
-- knows; query finds candidates by the parameters of traces_list.
create or replace function agentvista.traces_by_model(query text, account uuid,
    agents uuid[], first timestamptz, last timestamptz, session text,
    visitor text, state smallint, label text, min_cost numeric,
    max_cost numeric, min_ms numeric, max_ms numeric, min_tokens numeric,
    max_tokens numeric, error text, words text, cursor_at timestamptz,
    cursor_id uuid, keys text[], texts text[], model_name text, page bigint,
    page_size bigint)
returns json language plpgsql stable as $$
declare
    wanted  constant bigint := page_size + 1
                               + case when cursor_at is null
                                      then (page - 1) * page_size else 0 end;
    width   integer := 200;
    at      timestamptz := 'infinity';
    id      uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    ids     uuid[];
    days    date[];
    part    uuid[];
    matched uuid[] := '{}';
    rows    agentvista.traces[];
    more    boolean;
begin
    loop
        execute 'select array_agg(c.trace_id order by c.started_at desc,'
            ' c.trace_id desc), array_agg(distinct c.home_day),'
            ' min(c.started_at) from (' || query
            || ' and (t.started_at, t.trace_id) < ($22, $23)'
               ' order by t.started_at desc, t.trace_id desc limit $21) as c'
        into ids, days, at
        using account, agents, first, last, session, visitor, state, label,
              min_cost, max_cost, min_ms * 1000000, max_ms * 1000000,
              min_tokens, max_tokens, error, words, cursor_at, cursor_id, keys,
              texts, width, at, id;

        exit when ids is null;

        id := ids[array_length(ids, 1)];

        execute 'select array_agg(i.id order by i.n)'
            ' from unnest($2) with ordinality as i (id, n)'
            ' where exists (select from agentvista.spans s'
            ' where s.account_id = $1 and s.trace_id = i.id'
            ' and s.home_day = any ($3) and s.model = $4)'
        into part
        using account, ids, days, model_name;

        matched := matched || part;

        exit when array_length(ids, 1) < width
                  or array_length(matched, 1) >= wanted;

        width := least(4 * width, 2000);
    end loop;

    more := coalesce(array_length(matched, 1), 0) >= wanted;

    select array_agg(t order by t.started_at desc, t.trace_id desc) into rows
    from agentvista.traces t
    where t.account_id = account
          and t.trace_id = any (matched[wanted - page_size : wanted - 1]);

    return agentvista.traces_page(rows,
        case when cursor_at is null then coalesce(array_length(matched, 1), 0)
        end, case when cursor_at is null then not more end, page, page_size,
        more);
end;
$$;

-- Traces of an account, or of some of its agents, that retention has left.
create or replace function agentvista.traces_stored(account uuid,
    agents uuid[])
returns bigint language plpgsql stable as $$
begin
    if agents is null then
        return (select coalesce(sum(s.runs - s.retired), 0)
                from agentvista.agent_sums(account) s);
    end if;

    return (select coalesce(sum(s.runs - s.retired), 0)
            from agentvista.agent_sums(account) s
            where s.agent_id = any (agents));
end;
$$;

-- GET /agents/{agent_id}/runs (agentvista.md 6.4).
create or replace function agentvista.agent_runs(account uuid, agent uuid,
    page bigint, page_size bigint, cursor_at timestamptz, cursor_id uuid)
returns json language plpgsql stable as $$
begin
    perform from agentvista.agents a
    where a.account_id = account and a.id = agent;

    if not found then
        return null;
    end if;

    return agentvista.traces_list(account, agent, null, null, null, null, null,
        null, null, null, null, null, null, null, null, null, null, null, null,
        null, page, page_size, cursor_at, cursor_id);
end;
$$;

-- PATCH /dashboard/traces/{trace_id}/outcome (agentvista.md 5.4).
create or replace function agentvista.set_outcome(account uuid, trace uuid,
    succeeded boolean, label text, labelled boolean)
returns json language plpgsql as $$
declare
    answer  json;
begin
    update agentvista.traces t
    set success = succeeded,
        outcome = case when labelled then label else t.outcome end,
        feedback = coalesce(t.feedback, 0)::integer
                   | case when labelled then 3 else 1 end
    where t.account_id = account and t.trace_id = trace
    returning json_build_object('trace_id', t.trace_id, 'success', t.success,
                                'outcome', t.outcome) into answer;

    if answer is not null then
        perform agentvista.notify_traces(array[account], array[trace]);
    end if;

    return answer;
end;
$$;
