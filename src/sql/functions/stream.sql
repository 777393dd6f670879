-- The live stream of traces.
--
-- Writers tell of what they changed only if somebody watches the account:
-- NOTIFY takes a lock that all committing sessions of a database share. So a
-- worker with a listener says "watch" on channel agentvista, which every host
-- hears and remembers for a while; hosts that have missed it ask for it by
-- "watchers". Changes go through agentvista_traces: an account and ids, or an
-- account alone if there were too many.
--
-- A cursor is 16 digits of a time, in microseconds since 2000, and 16 of the
-- oldest transaction that may not have been seen then. What changed since is
-- found by the xmin that each row has anyway: nothing is written for it, and
-- nothing is indexed.

create or replace function agentvista.stream_cursor()
returns text language sql stable as $$
    select lpad(to_hex(((extract(epoch from statement_timestamp())
                         - 946684800) * 1000000)::bigint), 16, '0')
           || lpad(to_hex(pg_snapshot_xmin(pg_current_snapshot())
                              ::text::bigint), 16, '0')
$$;

-- Asks all hosts to tell of changes of the accounts for so many seconds.
-- Returns the cursor of the moment before. Whoever is told is asked again, so
-- that this need not survive a crash.
create or replace function agentvista.watch(accounts uuid[], seconds integer)
returns text language plpgsql as $$
declare
    before  constant text := agentvista.stream_cursor();
begin
    perform set_config('synchronous_commit', 'off', true);

    perform pg_notify('agentvista', 'watch ' || a.id || ' ' || seconds)
    from unnest(accounts) as a (id);

    return before;
end;
$$;

-- Tells of traces; one that is null stands for any of the account. A payload
-- is shorter than 8000 bytes.
create or replace function agentvista.notify_traces(accounts uuid[],
    traces uuid[])
returns void language plpgsql as $$
begin
    perform pg_notify('agentvista_traces', p.payload)
    from (select n.account
                 || coalesce(string_agg(' ' || replace(n.trace::text, '-', ''),
                                        ''), '') as payload
          from (select d.account, d.trace, d.trace is null as any_of_them,
                       row_number() over (partition by d.account,
                                                       d.trace is null) / 200
                           as part
                from (select distinct c.account, c.trace
                      from unnest(accounts, traces) as c (account, trace)) d
               ) n
          group by n.account, n.any_of_them, n.part) p;
end;
$$;

-- The traces that have changed since, the latest change last, and whether
-- there may be more. It looks at traces that started no more than an hour
-- before the cursor, of those at the newest 20,000, and takes the 1,000 that
-- changed last.
create or replace function agentvista.stream_changed(account uuid, since text,
    out ids uuid[], out gap boolean)
returns record language plpgsql stable as $$
declare
    since_at   constant timestamptz :=
        timestamptz '2000-01-01 00:00:00+00'
        + greatest(least(('x' || left(since, 16))::bit(64)::bigint,
                       4000000000000000), 0)
          * interval '1 microsecond';
    since_xid  constant bigint := ('x' || right(since, 16))::bit(64)::bigint;
    behind     constant bigint :=
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint - since_xid;
    oldest     integer := 2147483647;
    changed    bigint;
    seen       bigint;
begin
    -- A cursor of another server, or a very old one, says nothing of
    -- transactions.
    if since_xid > 0 and behind between 0 and 2000000000 then
        oldest := age(since_xid::text::xid8::xid);
    end if;

    select array_agg(c.trace_id order by c.years desc)
               filter (where c.n <= 1000),
           count(*), max(c.seen)
    into ids, changed, seen
    from (select s.trace_id, s.years, s.seen,
                 row_number() over (order by s.years) as n
          from (select t.trace_id, age(t.xmin) as years,
                       row_number() over () as seen
                from (select r.trace_id, r.xmin
                      from agentvista.traces r
                      where r.account_id = account
                            and r.started_at >= since_at - interval '1 hour'
                      order by r.started_at desc, r.trace_id desc
                      limit 20000) t) s
          where s.years <= oldest) c;

    ids := coalesce(ids, '{}');
    gap := changed > 1000 or seen = 20000;
end;
$$;

-- A page of what streams show: those of the traces or, with a cursor, what has
-- changed since. The filters are columns of an array each, numbers beside them,
-- and mean what they mean to agentvista.traces_list(). Each row is a summary
-- and the numbers of the filters that it passes, but the last: that has the
-- cursor of this moment, a 1 if there may be more than is found, and the traces
-- left for another page. A page ends with the 200th trace, or with the one by
-- which it has 128 kB.
create or replace function agentvista.stream_page(
    account      uuid,
    ids          uuid[],
    since        text,
    numbers      integer[],
    agent_ids    uuid[],
    agent_names  text[],
    states       smallint[],
    signals      smallint[],
    labels       text[],
    firsts       timestamptz[],
    lasts        timestamptz[],
    words        text[],
    models       text[],
    errors       text[],
    metas        jsonb[],
    sessions     text[],
    visitors     text[],
    min_costs    numeric[],
    max_costs    numeric[],
    min_mss      numeric[],
    max_mss      numeric[],
    min_tokenss  numeric[],
    max_tokenss  numeric[],
    out summary  text,
    out matched  integer[],
    out rest     uuid[])
returns setof record language plpgsql stable as $$
declare
    at     constant text := agentvista.stream_cursor();
    gap    boolean := false;
    bytes  bigint := 0;
    taken  bigint := 200;
    found  record;
begin
    if since is not null then
        select c.ids, c.gap into ids, gap
        from agentvista.stream_changed(account, since) c;
    end if;

    for found in
        select t, a.name as agent, m.numbers, i.position
        from unnest(ids[: taken]) with ordinality as i (id, position)
             join agentvista.traces t
             on t.account_id = account and t.trace_id = i.id
             left join agentvista.agents a
             on a.account_id = account and a.id = t.agent_id
             cross join lateral (
                 select array_agg(f.n) as numbers
                 from unnest(numbers, agent_ids, agent_names, states, signals,
                             labels, firsts, lasts, words, models, errors,
                             metas, sessions, visitors, min_costs, max_costs,
                             min_mss, max_mss, min_tokenss, max_tokenss)
                          as f (n, agent_id, agent_name, state, signal, label,
                                first, last, words, model, error, meta, session,
                                visitor, min_cost, max_cost, min_ms, max_ms,
                                min_tokens, max_tokens)
                 where f.n is not null
                       and (f.agent_id is null or t.agent_id = f.agent_id)
                       and (f.agent_name is null or a.name = f.agent_name)
                       and (f.state is null or t.status = f.state)
                       and (f.signal is null
                            or coalesce(t.success::integer, 2) = f.signal)
                       and (f.label is null or t.outcome = f.label)
                       and (f.first is null or t.started_at >= f.first)
                       and (f.last is null or t.started_at <= f.last)
                       and (f.words is null
                            or strpos(lower(t.name), lower(f.words)) > 0
                            or strpos(lower(t.error_message),
                                      lower(f.words)) > 0
                            or strpos(lower(a.name), lower(f.words)) > 0)
                       and (f.error is null
                            or strpos(lower(t.error_message),
                                      lower(f.error)) > 0)
                       and (f.session is null or t.session_id = f.session)
                       and (f.visitor is null or t.user_id = f.visitor)
                       and (f.min_cost is null
                            or coalesce(t.total_cost_usd, t.span_cost_usd)
                               >= f.min_cost)
                       and (f.max_cost is null
                            or coalesce(t.total_cost_usd, t.span_cost_usd)
                               <= f.max_cost)
                       and (f.min_ms is null
                            or t.duration_ns >= f.min_ms * 1000000)
                       and (f.max_ms is null
                            or t.duration_ns <= f.max_ms * 1000000)
                       and (f.min_tokens is null
                            or coalesce(t.total_tokens, t.span_tokens)
                               >= f.min_tokens)
                       and (f.max_tokens is null
                            or coalesce(t.total_tokens, t.span_tokens)
                               <= f.max_tokens)
                       and (f.meta is null
                            or not exists (
                                select from jsonb_each_text(f.meta) e
                                where coalesce(t.metadata ->> e.key <> e.value,
                                               true)))
                       and (f.model is null
                            or exists (
                                select from agentvista.spans s
                                where s.account_id = account
                                      and s.home_day = t.home_day
                                      and s.trace_id = t.trace_id
                                      and s.model = f.model))) m
        where m.numbers is not null
        order by i.position
    loop
        if bytes >= 131072 then
            taken := found.position - 1;
            exit;
        end if;

        summary := agentvista.trace_summary(found.t, found.agent)::text;
        matched := found.numbers;
        bytes := bytes + octet_length(summary);
        return next;
    end loop;

    summary := at;
    matched := case when gap then '{1}' else '{}' end;
    rest := case when taken < cardinality(ids) then ids[taken + 1 :] end;
    return next;
end;
$$;
