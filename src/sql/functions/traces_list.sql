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

-- The summary of a trace (agentvista.md 6.4), for the stream; traces_page() has
-- the same. In SQL, so that it becomes a part of the queries that use it.
create or replace function agentvista.trace_summary(t agentvista.traces,
    agent_name text)
returns json language sql stable as $$
    select json_build_object(
        'trace_id', t.trace_id,
        'agent_id', t.agent_id,
        'agent_name', agent_name,
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
        'span_count', t.span_count)
$$;

-- GET /dashboard/traces (agentvista.md 5.1).
--
-- Where an index has all that is asked for, the page is read from it, and
-- nothing is planned: that takes longer. Other filters are held against the
-- newest traces that an index finds, a stretch after the other, until the page
-- is full; unless hardly any in a stretch is meant, and the indexes for that
-- (traces_rare.sql) know which are. A stretch ends early when the page is full:
-- it is no longer than it needs to be.
--
-- A walk that takes too long ends where it is: has_more is true then, however
-- few it has found, and next_cursor is where to go on.
--
-- total is exact where that is cheap: without filters, or for one agent, from
-- the statistics; else where all that match have been seen, or counted in an
-- index up to a limit. If there may be more, it is a lower bound, and
-- total_exact is false. With a cursor it is null.
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
    cursor_id     uuid,
    head          text default '{')
returns setof agentvista.trace_row language plpgsql stable as $$
declare
    most       constant integer := 1000;
    -- An index serves found_by, but not such_that.
    found_by   text := 't.account_id = $1';
    such_that  text := '';
    plain      boolean;
    start      constant bigint := case when cursor_at is null
                                       then (page - 1) * page_size else 0 end;
    wanted     bigint;
    -- A stretch, long enough for a page if one in 36 fits; to look for spans of
    -- a model takes longer.
    width      bigint := case when model_name is null then 750 else 100 end;
    agents     uuid[];
    keys       text[];
    texts      text[];
    walk       text;
    query      text;
    -- The page, and each stretch, begins below these.
    at         timestamptz := 'infinity';
    id         uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    candidates uuid[];
    fitting    uuid[];
    days       date[];
    matched    uuid[] := '{}';
    facets     jsonb[];
    rare       boolean := false;
    day        date;
    oldest     date;
    all_seen   boolean := false;
    late       constant timestamptz := clock_timestamp() + interval '1 second';
    resume     text;
    total      bigint;
    exact      boolean;
begin
    if cursor_at <= last or last is null then
        at := coalesce(cursor_at, at);
        id := coalesce(cursor_id, id);
    elsif last is not null then
        at := last + interval '1 microsecond';
        id := '00000000-0000-0000-0000-000000000000';
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
        || case when session is not null
                then ' and t.session_id = $5'
                     ' and octet_length(t.session_id) <= 1024' else '' end
        || case when visitor is not null
                then ' and t.user_id = $6'
                     ' and octet_length(t.user_id) <= 1024' else '' end;

    such_that :=
           case when state is not null then ' and t.status = $17' else '' end
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
        facets := agentvista.metadata_facets(meta);

        select array_agg(m.key), array_agg(m.value) into keys, texts
        from jsonb_each_text(meta) m;

        for i in 1 .. coalesce(array_length(keys, 1), 0) loop
            such_that := such_that
                || format(' and t.metadata ->> ($18)[%1$s] = ($19)[%1$s]', i);
        end loop;
    end if;

    plain := such_that = '' and model_name is null;
    wanted := case when plain then 0 else start end + page_size + 1;

    if plain and agents is distinct from '{}' then
        matched := agentvista.traces_newest(account, agents[1], session,
                       visitor, coalesce(first, '-infinity'), at, id, wanted,
                       start);
    end if;

    walk := ' from agentvista.traces t where ' || found_by
            || ' and (t.started_at, t.trace_id) < ($4, $7) %s'
               ' order by t.started_at desc, t.trace_id desc';

    query := 'select array_agg(f.trace_id), array_agg(distinct f.home_day)'
             ' from (select c.trace_id, c.home_day from (select t.trace_id,'
             || case when model_name is null then ' null::date as home_day'
                     else ' t.home_day' end
             || ', true' || such_that || ' as fits' || walk
             || ' limit $20) as c where c.fits limit $21) as f';

    while not (plain or all_seen) loop
        if rare then
            select f.day, f.ids, cardinality(f.ids) into day, candidates, width
            from agentvista.traces_by_facets(account, facets, label, error,
                     oldest, wanted - cardinality(matched), day) f;
        end if;

        execute format(query, case when rare
                                   then 'and t.trace_id = any ($22)' end)
        into fitting, days
        using account, agents, first, at, session, visitor, id, label,
              min_cost, max_cost, min_ms * 1000000, max_ms * 1000000,
              min_tokens, max_tokens, error, words, state, keys, texts, width,
              case when model_name is null
                   then wanted - cardinality(matched) end, candidates;

        if model_name is not null then
            fitting := agentvista.traces_of_model(account, fitting, days,
                                                  model_name);
        end if;

        matched := matched || fitting;

        exit when cardinality(matched) >= wanted;

        if rare then
            all_seen := day < oldest;
            continue;
        end if;

        -- So all of the stretch has been looked at. Where does it end?
        execute 'select t.started_at, t.trace_id' || format(walk, '')
                || ' limit 1 offset $8'
        into at, id
        using account, agents, first, at, session, visitor, id, width - 1;

        all_seen := at is null;

        exit when all_seen;

        if clock_timestamp() > late then
            resume := agentvista.cursor(at, id);
            exit;
        end if;

        rare := coalesce(cardinality(fitting), 0) < width / 100
                and (label is not null or facets is not null
                     or error is not null);

        if rare then
            day := (at at time zone 'UTC')::date;
            oldest := (greatest(first, (select min(t.started_at)
                                        from agentvista.traces t
                                        where t.account_id = account))
                           at time zone 'UTC')::date;
        end if;

        -- What the page still needs, if it goes on like that.
        width := least(coalesce(greatest(width * (wanted - cardinality(matched))
                                         * 3 / 2
                                         / nullif(cardinality(fitting), 0),
                                         60), 4 * width),
                       4 * width, 4000);
    end loop;

    if cursor_at is not null then
        null;

    elsif not plain then
        total := cardinality(matched);
        exact := all_seen;

    elsif agents = '{}' then
        total := 0;
        exact := true;

    elsif coalesce(first, last) is null
          and coalesce(session, visitor) is null
    then
        total := agentvista.traces_stored(account, agents[1]);
        exact := true;

    else
        total := cardinality(agentvista.traces_newest(account, agents[1],
                     session, visitor, coalesce(first, '-infinity'), at, id,
                     most + 1, 0));
        exact := total <= most;
        total := case when exact then total
                      else greatest(total, start + cardinality(matched)) end;
    end if;

    return query
    select * from agentvista.traces_page(account, head,
        matched[wanted - page_size : wanted], total, exact, page, page_size,
        resume);
end;
$$;

-- The newest traces of an account before one, most of them after skip; agent,
-- session and visitor may be null. Each statement has the index that it is for.
create or replace function agentvista.traces_newest(account uuid, agent uuid,
    session text, visitor text, first timestamptz, at timestamptz, before uuid,
    most bigint, skip bigint)
returns uuid[] language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off set enable_seqscan = off set enable_sort = off as $$
begin
    if session is not null then
        return array(
            select t.trace_id
            from agentvista.traces t
            where t.account_id = account
                  and t.session_id = session
                  and octet_length(t.session_id) <= 1024
                  and (visitor is null or t.user_id = visitor)
                  and (agent is null or t.agent_id = agent)
                  and t.started_at >= first
                  and (t.started_at, t.trace_id) < (at, before)
            order by t.started_at desc, t.trace_id desc
            limit most offset skip);

    elsif visitor is not null then
        return array(
            select t.trace_id
            from agentvista.traces t
            where t.account_id = account
                  and t.user_id = visitor
                  and octet_length(t.user_id) <= 1024
                  and (agent is null or t.agent_id = agent)
                  and t.started_at >= first
                  and (t.started_at, t.trace_id) < (at, before)
            order by t.started_at desc, t.trace_id desc
            limit most offset skip);

    elsif agent is not null then
        return array(
            select t.trace_id
            from agentvista.traces t
            where t.account_id = account and t.agent_id = agent
                  and t.started_at >= first
                  and (t.started_at, t.trace_id) < (at, before)
            order by t.started_at desc, t.trace_id desc
            limit most offset skip);

    else
        return array(
            select t.trace_id
            from agentvista.traces t
            where t.account_id = account
                  and t.started_at >= first
                  and (t.started_at, t.trace_id) < (at, before)
            order by t.started_at desc, t.trace_id desc
            limit most offset skip);
    end if;
end;
$$;

-- An answer with a page of traces, which begins with head; one more of them
-- says that there are more, and so does resume, a cursor to go on from if there
-- are not enough.
create or replace function agentvista.traces_page(account uuid, head text,
    ids uuid[], total bigint, exact boolean, page bigint, page_size bigint,
    resume text)
returns setof agentvista.trace_row language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
    more    constant boolean := coalesce(cardinality(ids), 0) > page_size;
    answer  agentvista.trace_row;
begin
    answer.text := head || '"traces" : [';
    return next answer;

    return query
    select null::text, t.trace_id, t.agent_id, a.name, t.name,
           agentvista.status_name(t.status), t.started_at, t.ended_at,
           t.duration_ns / 1000000, t.success, t.outcome, t.error_message,
           coalesce(t.total_tokens, t.span_tokens),
           coalesce(t.total_cost_usd, t.span_cost_usd), t.session_id,
           t.user_id, t.span_count
    from unnest(ids[:page_size]) with ordinality as i (id, n)
         join agentvista.traces t
         on t.account_id = account and t.trace_id = i.id
         left join agentvista.agents a
         on a.account_id = account and a.id = t.agent_id
    order by i.n;

    if more then
        select agentvista.cursor(t.started_at, t.trace_id) into resume
        from agentvista.traces t
        where t.account_id = account and t.trace_id = ids[page_size];
    end if;

    answer.text := '], ' || substr(json_build_object(
        'total', total,
        'total_exact', exact,
        'page', page,
        'page_size', page_size,
        'has_more', resume is not null,
        'next_cursor', resume)::text, 2);
    return next answer;
end;
$$;

-- Those traces, of the days given, that have a span of a model; in their
-- order. The planner knows the days then.
create or replace function agentvista.traces_of_model(account uuid, ids uuid[],
    days date[], model_name text)
returns uuid[] language plpgsql stable as $$
declare
    matched  uuid[];
begin
    execute 'select array_agg(i.id order by i.n)'
        ' from unnest($2) with ordinality as i (id, n)'
        ' where exists (select from agentvista.spans s'
        ' where s.account_id = $1 and s.trace_id = i.id'
        ' and s.home_day = any ($3) and s.model = $4)'
    into matched
    using account, ids, days, model_name;

    return matched;
end;
$$;

-- Traces of an account, or of one of its agents, that retention has left.
create or replace function agentvista.traces_stored(account uuid, agent uuid)
returns bigint language plpgsql stable as $$
declare
    folded   bigint;
    pending  bigint;
begin
    select sum(d.running + d.completed + d.failed + d.timed_out - d.retired)
        into folded
    from agentvista.agent_days d
    where d.account_id = account and d.day = '-infinity'
          and (agent is null or d.agent_id = agent);

    select sum(coalesce(c.runs, 1) - coalesce(c.retired, 0)) into pending
    from (select unnest(p.agent_id) as agent_id, unnest(p.runs) as runs,
                 unnest(p.retired) as retired
          from agentvista.agent_changes p
          where p.account_id = account) as c
    where agent is null or c.agent_id = agent;

    return coalesce(folded, 0) + coalesce(pending, 0);
end;
$$;

-- GET /agents/{agent_id}/runs (agentvista.md 6.4).
create or replace function agentvista.agent_runs(account uuid, agent uuid,
    page bigint, page_size bigint, cursor_at timestamptz, cursor_id uuid)
returns setof agentvista.trace_row language plpgsql stable as $$
begin
    perform from agentvista.agents a
    where a.account_id = account and a.id = agent;

    if not found then
        return;
    end if;

    return query
    select * from agentvista.traces_list(account, agent, null, null, null, null,
        null, null, null, null, null, null, null, null, null, null, null, null,
        null, null, page, page_size, cursor_at, cursor_id);
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
