-- Logs (agentvista.md 9).

create or replace function agentvista.severity_name(severity smallint)
returns text language sql immutable parallel safe as $$
    select (array['trace', 'debug', 'info', 'warn', 'error', 'fatal'])[severity]
$$;

-- The least and the greatest id that a record of a millisecond can have: the
-- first 48 bits are its time, then come a version and a variant
-- (src/ingest/convert/ngx_av_otlp_logs.c). So id is the order of time, and an
-- index on it finds a range of time.
create or replace function agentvista.log_id_from(t timestamptz)
returns uuid language sql stable parallel safe as $$
    select (lpad(to_hex(floor(least(greatest(extract(epoch from t), 0),
                                    281474976710) * 1000)::bigint), 12, '0')
            || '80008000000000000000')::uuid
$$;

create or replace function agentvista.log_id_to(t timestamptz)
returns uuid language sql stable parallel safe as $$
    select (lpad(to_hex(floor(least(greatest(extract(epoch from t), 0),
                                    281474976710) * 1000)::bigint), 12, '0')
            || '8fffbfffffffffffffff')::uuid
$$;

-- The day of an id.
create or replace function agentvista.log_day(id uuid)
returns date language sql immutable parallel safe as $$
    select '1970-01-01'::date
           + (('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint
              / 86400000)::integer
$$;

create or replace function agentvista.log_record(l agentvista.logs)
returns json language sql stable as $$
    select json_build_object(
        'id', l.id,
        'timestamp', agentvista.iso8601(l.logged_at, l.logged_nanos),
        'severity', agentvista.severity_name(l.severity),
        'service_name', l.service_name,
        'body', coalesce(l.body, ''),
        'attributes', coalesce(l.attributes, '{}'),
        'event_name', l.event_name,
        'trace_id', l.trace_id,
        'span_id', l.span_id)
$$;

-- Words as a query; what is too complicated is taken word by word.
create or replace function agentvista.log_query(words text)
returns tsquery language plpgsql stable as $$
begin
    return websearch_to_tsquery('english', words);

exception
    when program_limit_exceeded or internal_error then
        return plainto_tsquery('english', words);
end;
$$;

-- Finding records: newest first, most of them after skip, as the answer shows
-- them, with their ids. Three ways, by what an index serves; each has a plan
-- that is made once, since to plan for all days takes longer than to look.

-- By time. Days are looked through in the order of their ids.
create or replace function agentvista.logs_by_time(account uuid,
    service text, level smallint, since timestamptz, until timestamptz,
    first date, last date, before uuid, most bigint, skip bigint,
    out lines json[], out ids uuid[])
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off set enable_seqscan = off set enable_sort = off as $$
declare
    lowest   constant uuid := agentvista.log_id_from(since);
    highest  constant uuid := least(agentvista.log_id_to(until), before);
begin
    select array_agg(agentvista.log_record(l)), array_agg(l.id)
        into lines, ids
    from (select l.*
          from agentvista.logs l
          where l.account_id = account and l.day between first and last
                and l.id between lowest and highest and l.id <> before
                and l.logged_at between since and until
                and (service is null or l.service_name = service)
                and (level is null or l.severity = level)
          order by l.id desc
          limit most offset skip) as l;
end;
$$;

-- By words: all that have them in those days are looked at. An index on ids
-- would only be in the way.
create or replace function agentvista.logs_by_words(account uuid,
    asked tsquery, service text, level smallint, since timestamptz,
    until timestamptz, first date, last date, before uuid, most bigint,
    skip bigint, out lines json[], out ids uuid[])
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_indexscan = off set enable_seqscan = off as $$
begin
    select array_agg(agentvista.log_record(l)), array_agg(l.id)
        into lines, ids
    from (select l.*
          from agentvista.logs l
          where l.account_id = account and l.day between first and last
                and agentvista.log_words(l.body) @@ asked
                and (l.id < before) is true
                and l.logged_at between since and until
                and (service is null or l.service_name = service)
                and (level is null or l.severity = level)
          order by l.id desc
          limit most offset skip) as l;
end;
$$;

-- By trace. What else is asked for is looked at afterwards ("offset 0" keeps it
-- so), not prepared for each day.
create or replace function agentvista.logs_by_trace(account uuid, trace uuid,
    asked tsquery, service text, level smallint, since timestamptz,
    until timestamptz, first date, last date, before uuid, most bigint,
    skip bigint, out lines json[], out ids uuid[])
language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
begin
    select array_agg(agentvista.log_record(l)), array_agg(l.id)
        into lines, ids
    from (select l.*
          from (select *
                from agentvista.logs l
                where l.account_id = account and l.trace_id = trace
                      and l.day between first and last
                offset 0) as l
          where (l.id < before) is true
                and l.logged_at between since and until
                and (service is null or l.service_name = service)
                and (level is null or l.severity = level)
                and (asked is null
                     or agentvista.log_words(l.body) @@ asked)
          order by l.id desc
          limit most offset skip) as l;
end;
$$;

-- The ids of the newest records.
create or replace function agentvista.logs_newest(account uuid, first date,
    last date, highest uuid, most integer)
returns uuid[] language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off set enable_seqscan = off set enable_sort = off as $$
begin
    return array(select l.id
                 from agentvista.logs l
                 where l.account_id = account
                       and l.day between first and last and l.id <= highest
                 order by l.id desc
                 limit most);
end;
$$;

-- By words, among the newest thousand: where many records have them, they are
-- soon found there. Which index is better, or both, depends on the words: so
-- this is planned for them, and for the day or two that it is about.
create or replace function agentvista.logs_by_words_lately(account uuid,
    asked tsquery, service text, level smallint, since timestamptz,
    until timestamptz, first date, last date, before uuid, most bigint,
    out lines json[], out ids uuid[])
language plpgsql stable as $$
declare
    highest  constant uuid := least(agentvista.log_id_to(until), before);
    newest   constant uuid[] := agentvista.logs_newest(account, first, last,
                                                       highest, 1000);
begin
    execute 'select array_agg(agentvista.log_record(l)), array_agg(l.id)'
        ' from (select l.* from agentvista.logs l where l.account_id = $1'
        ' and l.id between $2 and $3 and l.id <> $4'
        ' and l.day between $5 and $6 and l.logged_at between $7 and $8'
        ' and agentvista.log_words(l.body) @@ $9'
        ' and ($10 is null or l.service_name = $10)'
        ' and ($11 is null or l.severity = $11)'
        ' order by l.id desc limit $12) as l'
    into lines, ids
    using account, newest[cardinality(newest)], highest, before,
          agentvista.log_day(newest[cardinality(newest)]),
          agentvista.log_day(newest[1]), since, until, asked, service, level,
          most;
end;
$$;

-- Records of a time, or of a trace, up to a limit.
create or replace function agentvista.logs_counted(account uuid, trace uuid,
    since timestamptz, until timestamptz, first date, last date, most integer)
returns bigint language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_seqscan = off as $$
declare
    lowest   constant uuid := agentvista.log_id_from(since);
    highest  constant uuid := agentvista.log_id_to(until);
begin
    if trace is not null then
        return (select count(*)
                from (select
                      from agentvista.logs l
                      where l.account_id = account and l.trace_id = trace
                            and l.day between first and last
                            and l.logged_at between since and until
                      limit most) as l);
    end if;

    return (select count(*)
            from (select
                  from agentvista.logs l
                  where l.account_id = account and l.day between first and last
                        and l.id between lowest and highest
                        and l.logged_at between since and until
                  limit most) as l);
end;
$$;

-- GET /dashboard/logs/search (agentvista.md 9.1): newest first.
--
-- Days are searched a few at a time until the page is full. total is exact if
-- all that match are on the page; without words, service and severity it is
-- exact up to a limit. Otherwise it is a lower bound, and total_exact is false.
-- With a cursor it is null.
create or replace function agentvista.logs_search(
    account      uuid,
    words        text,
    service      text,
    level        smallint,
    trace        uuid,
    first        timestamptz,
    last         timestamptz,
    page_size    bigint,
    start        bigint,
    cursor_at    timestamptz,
    cursor_id    uuid)
returns json language plpgsql stable as $$
declare
    most       constant integer := 1000;
    asked      tsquery := agentvista.log_query(words);
    since      constant timestamptz := coalesce(first, '-infinity');
    until      constant timestamptz := coalesce(least(last, cursor_at),
                                                'infinity');
    before     constant uuid := coalesce(cursor_id,
                                   'ffffffff-ffff-ffff-ffff-ffffffffffff');
    skip       constant bigint := case when cursor_at is null
                                       then least(start, 1000000000)
                                       else 0 end;
    wanted     constant bigint := page_size + 1;
    oldest     constant date := greatest((since at time zone 'UTC')::date,
                                         '1970-01-01');
    upper      date := (until at time zone 'UTC')::date;
    lower      date := least(upper, (now() at time zone 'UTC')::date);
    width      integer := 1;
    lines      json[] := '{}';
    ids        uuid[] := '{}';
    part       record;
    more       boolean;
    total      bigint;
    exact      boolean;
begin
    -- Words that are all stop words, or odd syntax, ask for nothing.
    if numnode(asked) = 0 then
        asked := null;
    end if;

    if trace is not null then
        select * into part
        from agentvista.logs_by_trace(account, trace, asked, service, level,
                since, until, oldest, upper, before, wanted, skip);

        lines := part.lines;
        ids := part.ids;

    elsif asked is not null and skip = 0 then
        select * into part
        from agentvista.logs_by_words_lately(account, asked, service, level,
                since, until, greatest(lower - 1, oldest), upper, before,
                wanted);

        if cardinality(part.ids) = wanted then
            lines := part.lines;
            ids := part.ids;
        end if;
    end if;

    if skip > 0 then
        lower := oldest;
    end if;

    while trace is null and cardinality(ids) < wanted and upper >= oldest loop
        lower := greatest(lower, oldest);

        if asked is null then
            select * into part
            from agentvista.logs_by_time(account, service, level, since,
                    until, lower, upper, before, wanted - cardinality(ids),
                    skip);
        else
            select * into part
            from agentvista.logs_by_words(account, asked, service, level,
                    since, until, lower, upper, before,
                    wanted - cardinality(ids), skip);
        end if;

        lines := lines || part.lines;
        ids := ids || part.ids;
        width := 4 * width;
        upper := lower - 1;
        lower := upper - width + 1;
    end loop;

    more := coalesce(cardinality(ids), 0) = wanted;

    if cursor_at is null then
        total := skip + coalesce(cardinality(ids), 0);
        exact := not more;

        if service is null and level is null and asked is null
           and (more or skip > 0)
        then
            total := greatest(total, agentvista.logs_counted(account, trace,
                                         since, until, oldest,
                                         (until at time zone 'UTC')::date,
                                         most + 1));
            exact := total <= most;
        end if;
    end if;

    return json_build_object(
        'total', total,
        'total_exact', exact,
        'logs', array_to_json(coalesce(lines[:page_size], '{}')),
        'has_more', more,
        'next_cursor', case when more
            then agentvista.log_cursor(account, ids[page_size]) end);
end;
$$;

-- The cursor of a record. The id tells the day.
create or replace function agentvista.log_cursor(account uuid, log uuid)
returns text language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
begin
    return (select agentvista.cursor(l.logged_at, l.id)
            from agentvista.logs l
            where l.account_id = account and l.id = log
                  and l.day = agentvista.log_day(log));
end;
$$;

-- GET /dashboard/logs/{log_id}/trace (agentvista.md 9.2). The id tells the
-- day.
create or replace function agentvista.log_trace(account uuid, log uuid)
returns setof agentvista.span_row language plpgsql stable as $$
declare
    trace  uuid;
begin
    execute 'select l.trace_id from agentvista.logs l'
            ' where l.account_id = $1 and l.id = $2 and l.day = $3'
        into trace
        using account, log, agentvista.log_day(log);

    return query
    select * from agentvista.trace_detail(account, trace);
end;
$$;
