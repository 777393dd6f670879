-- Logs (agentvista.md 9).

create or replace function agentvista.severity_name(severity smallint)
returns text language sql immutable parallel safe as $$
    select (array['trace', 'debug', 'info', 'warn', 'error', 'fatal'])[severity]
$$;

-- The least and the greatest id that a record of a millisecond can have: the
-- first 48 bits are its time, then come a version and a variant
-- (src/ingest/convert/ngx_av_otlp_logs.c). So id is the order of time, and an index on
-- it finds a range of time.
create or replace function agentvista.log_id_from(t timestamptz)
returns uuid language sql stable parallel safe as $$
    select (lpad(to_hex(floor(greatest(extract(epoch from t), 0) * 1000)
                            ::bigint), 12, '0')
            || '80008000000000000000')::uuid
$$;

create or replace function agentvista.log_id_to(t timestamptz)
returns uuid language sql stable parallel safe as $$
    select (lpad(to_hex(floor(greatest(extract(epoch from t), 0) * 1000)
                            ::bigint), 12, '0')
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
returns json language plpgsql stable as $$
begin
    return json_build_object(
        'id', l.id,
        'timestamp', agentvista.iso8601(l.logged_at, l.logged_nanos),
        'severity', agentvista.severity_name(l.severity),
        'service_name', l.service_name,
        'body', coalesce(l.body, ''),
        'attributes', coalesce(l.attributes, '{}'),
        'event_name', l.event_name,
        'trace_id', l.trace_id,
        'span_id', l.span_id);
end;
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

-- GET /dashboard/logs/search (agentvista.md 9.1): newest first.
--
-- Words go by the index of words, unless so many records have them that the
-- newest are found sooner by looking at them. total is exact up to a limit;
-- beyond it, it is a lower bound and total_exact is false. With a cursor it is
-- null.
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
    asked      constant tsquery := agentvista.log_query(words);
    -- Indexes serve found_by and of_words, but not such_that.
    found_by   text := 'l.account_id = $1';
    such_that  text := '';
    of_words   text := '';
    most       integer;
    early      timestamptz := first;
    late       timestamptz := least(last, cursor_at);
    rows       agentvista.logs[];
    ids        uuid[];
    days       date[];
    total      bigint;
    seen       bigint;
    exact      boolean;
    more       boolean;
    query      text;
begin
    -- Words that are all stop words, or odd syntax, ask for nothing.
    if numnode(asked) > 0 then
        of_words := ' and to_tsvector(''english'', l.body) @@ $2';
    end if;

    such_that :=
           case when service is not null then ' and l.service_name = $3'
                else '' end
        || case when level is not null then ' and l.severity = $4' else '' end;

    found_by := found_by
        || case when trace is not null then ' and l.trace_id = $5' else '' end
        || case when early is not null
                then ' and l.logged_at >= $6 and l.id >= $7 and l.day >= $8'
                else '' end
        || case when late is not null
                then ' and l.logged_at <= $9 and l.id <= $10 and l.day <= $11'
                else '' end;

    if cursor_at is null and of_words <> '' then

        -- Without an order, so that the index of words is what finds them.
        query := 'select count(*), count(*), array_agg(l.id) from (select l.id'
                 ' from agentvista.logs l where ' || found_by || such_that
                 || of_words || ' limit $12) as l';
        most := 3000;

    elsif cursor_at is null then
        query := 'select count(*) filter (where true' || such_that
                 || '), count(*), null::uuid[] from (select '
                 || case when such_that = '' then '1' else 'l.*' end
                 || ' from agentvista.logs l where ' || found_by
                 || ' order by l.id desc limit $12) as l';
        most := case when such_that = '' then 10000 else 5000 end;
    end if;

    if cursor_at is null then
        execute query into total, seen, ids
        using account, asked, service, level, trace, early,
              agentvista.log_id_from(early), (early at time zone 'UTC')::date,
              late, agentvista.log_id_to(late),
              (late at time zone 'UTC')::date, most + 1;

        exact := seen <= most;
    end if;

    if of_words <> '' and exact then

        -- All that have the words are known: the newest of them.
        ids := array(select i from unnest(ids) i order by i desc
                     limit page_size + 1 offset start);
        days := array(select distinct agentvista.log_day(i)
                      from unnest(ids) i);
        found_by := found_by || ' and l.id = any ($15) and l.day = any ($16)';
        of_words := '';
        start := 0;
    end if;

    query := 'select array_agg(l order by l.id desc)'
             ' from (select l.* from agentvista.logs l where '
             || found_by || such_that || of_words
             || case when cursor_at is not null then ' and l.id < $12'
                     else '' end
             || ' order by l.id desc limit $13 offset $14) as l';

    execute query into rows
    using account, asked, service, level, trace, early,
          agentvista.log_id_from(early), (early at time zone 'UTC')::date,
          late, agentvista.log_id_to(late), (late at time zone 'UTC')::date,
          cursor_id, page_size + 1,
          case when cursor_at is null then start else 0 end, ids, days;

    more := coalesce(array_length(rows, 1), 0) > page_size;
    rows := rows[:page_size];

    if not exact and rows is not null then
        total := greatest(total, start + array_length(rows, 1)
                                 + more::integer);
    end if;

    return json_build_object(
        'total', total,
        'total_exact', exact,
        'logs', (select coalesce(json_agg(agentvista.log_record(l)), '[]')
                 from unnest(rows) l),
        'has_more', more,
        'next_cursor', case when more
            then agentvista.cursor(rows[page_size].logged_at,
                                   rows[page_size].id) end);
end;
$$;

-- GET /dashboard/logs/{log_id}/trace (agentvista.md 9.2). The id tells the
-- day.
create or replace function agentvista.log_trace(account uuid, log uuid)
returns json language plpgsql stable as $$
declare
    trace  uuid;
begin
    execute 'select l.trace_id from agentvista.logs l'
            ' where l.account_id = $1 and l.id = $2 and l.day = $3'
        into trace
        using account, log, agentvista.log_day(log);

    return agentvista.trace_detail(account, trace);
end;
$$;
