-- Makes the partitions of spans, one a UTC day, that are missing between two
-- days; returns how many.  Attaching takes a lock that lets writers go on;
-- creating a table as PARTITION OF would not.

create or replace function agentvista.create_partitions(first date, last date)
returns integer language plpgsql as $$
declare
    leaf     text;
    leaf_day date;
    created  integer := 0;
begin
    for leaf_day in
        select d::date from generate_series(first, last, interval '1 day') d
    loop
        leaf := 'spans_' || to_char(leaf_day, 'YYYYMMDD');

        continue when to_regclass('agentvista.' || leaf) is not null;

        execute format('create table agentvista.%I (like agentvista.spans)',
                       leaf);
        execute format('create unique index on agentvista.%I'
                       ' (account_id, trace_id, span_id)', leaf);
        execute format('alter table agentvista.spans attach partition'
                       ' agentvista.%I for values from (%L) to (%L)',
                       leaf, leaf_day, leaf_day + 1);
        created := created + 1;
    end loop;

    return created;
end;
$$;

-- Keeps one partition of spans a UTC day from retention_days ago to days_ahead
-- from now, and retires what is older: the partitions, and the traces whose
-- spans were in them (at most batch traces a call, so that no transaction is
-- long).  Returns what it did; more is true if there is more to retire at
-- once.  Safe to call from many hosts: one works, the others get nothing.

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
        from pg_inherits i
             join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'agentvista.spans'::regclass
              and c.relname ~ '^spans_[0-9]{8}$'
              and substr(c.relname, 7)::date < cutoff
        order by 1
    loop
        begin
            execute format('drop table agentvista.%I', leaf);
            dropped := dropped + 1;
        exception
            when lock_not_available then
                more := true;
                exit;
        end;
    end loop;
end;
$$;
