-- The tables that are kept a UTC day a partition, and the indexes of each
-- partition.  Unique indexes are on the leaves only, so that they need not
-- contain the day.

create or replace function agentvista.partitioned_tables(
    out name text, out indexes text[])
returns setof record language sql immutable as $$
    values
    ('spans', array[
        'create unique index on %s (account_id, trace_id, span_id)']),
    ('logs', array[
        'create unique index on %s (account_id, id)',
        'create index on %s (account_id, trace_id) where trace_id is not null',
        'create index on %s using gin (agentvista.log_words(body))']),
    ('metric_points', array[
        'create unique index on %s'
        ' (account_id, series_id, recorded_at, recorded_nanos)'])
$$;

-- Makes the partitions that are missing between two days; returns how many.
-- Attaching takes a lock that lets writers go on; creating a table as
-- PARTITION OF would not.

create or replace function agentvista.create_partitions(first date, last date)
returns integer language plpgsql as $$
declare
    leaf      text;
    parent    record;
    index     text;
    created   integer := 0;
begin
    for parent in
        select t.name, t.indexes, d::date as day
        from agentvista.partitioned_tables() t,
             generate_series(first, last, interval '1 day') d
    loop
        leaf := format('agentvista.%I',
                       parent.name || to_char(parent.day, '_YYYYMMDD'));

        continue when to_regclass(leaf) is not null;

        execute format('create table %s (like agentvista.%I)', leaf,
                       parent.name);

        foreach index in array parent.indexes loop
            execute format(index, leaf);
        end loop;

        execute format('alter table agentvista.%I attach partition %s'
                       ' for values from (%L) to (%L)',
                       parent.name, leaf, parent.day, parent.day + 1);
        created := created + 1;
    end loop;

    return created;
end;
$$;

-- Drops a partition; of points, with what they counted.
create or replace function agentvista.drop_partition(leaf text)
returns void language plpgsql as $$
begin
    if leaf like 'metric\_points\_%' then
        execute format(
            'update agentvista.metric_counts c set points = c.points - n.points'
            ' from (select p.account_id, s.metric, count(*) as points'
            '       from agentvista.%I p'
            '            join agentvista.series s'
            '            on s.account_id = p.account_id and s.id = p.series_id'
            '       group by p.account_id, s.metric) as n'
            ' where c.account_id = n.account_id and c.name = n.metric'
            '       and c.slot = (select min(m.slot)'
            '                     from agentvista.metric_counts m'
            '                     where m.account_id = n.account_id'
            '                           and m.name = n.metric)', leaf);
    end if;

    execute format('drop table agentvista.%I', leaf);
end;
$$;

-- Keeps one partition of each table a UTC day from retention_days ago to
-- days_ahead from now, and retires what is older: the partitions, and the
-- traces whose spans were in them (at most batch traces a call, so that no
-- transaction is long).  Returns what it did; more is true if there is more to
-- retire at once.  Safe to call from many hosts: one works, the others get
-- nothing.

create or replace function agentvista.maintain_partitions(
    retention_days  integer,
    days_ahead      integer,
    batch           integer default 10000,
    out created     integer,
    out dropped     integer,
    out retired     integer,
    out more        boolean)
language plpgsql as $$
declare
    today    date := (now() at time zone 'UTC')::date;
    cutoff   date := today - retention_days;
    leaf     text;
begin
    created := 0;
    dropped := 0;
    retired := 0;
    more := false;

    if not pg_try_advisory_xact_lock(hashtext('agentvista.maintain_partitions'))
    then
        return;
    end if;

    created := agentvista.create_partitions(cutoff, today + days_ahead);

    -- Readers add up what writers have not folded yet: let that be little.
    perform agentvista.fold_statistics();

    -- Traces first: a trace must never be without its partition.
    delete from agentvista.traces
    where (account_id, trace_id) in
          (select t.account_id, t.trace_id
           from agentvista.traces t
           where t.home_day < cutoff
           limit batch);

    get diagnostics retired = row_count;

    if retired = batch then
        more := true;
        return;
    end if;

    -- Dropping needs the parent for a moment: give up rather than hold back
    -- writers behind a long query, the next call tries again.
    perform set_config('lock_timeout', '200ms', true);

    for leaf in
        select c.relname
        from agentvista.partitioned_tables() t
             join pg_inherits i
             on i.inhparent = ('agentvista.' || t.name)::regclass
             join pg_class c on c.oid = i.inhrelid
        where case when c.relname ~ ('^' || t.name || '_[0-9]{8}$')
                   then right(c.relname, 8)::date < cutoff end
        order by 1
    loop
        begin
            perform agentvista.drop_partition(leaf);
            dropped := dropped + 1;
        exception
            when lock_not_available then
                more := true;
                exit;
        end;
    end loop;
end;
$$;
