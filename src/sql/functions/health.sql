-- What a connection must know before it serves: one row.  problems lists, for
-- people, whatever makes a 200 mean less than "durable and readable".

create or replace function agentvista.health(
    out version integer, out problems text[])
language plpgsql stable as $$
declare
    today date := (now() at time zone 'UTC')::date;
begin
    select coalesce(max(m.version), 0) into version
    from agentvista.schema_migrations m;

    problems := '{}';

    if current_setting('fsync') <> 'on' then
        problems := problems
            || 'Postgres runs with fsync off: a crash can lose '
               'acknowledged data'::text;
    end if;

    if current_setting('synchronous_commit') = 'off' then
        problems := problems
            || 'Postgres runs with synchronous_commit off: a crash can lose '
               'acknowledged data'::text;
    end if;

    if current_setting('full_page_writes') <> 'on' then
        problems := problems
            || 'Postgres runs with full_page_writes off: a crash can corrupt '
               'stored data'::text;
    end if;

    if current_setting('transaction_read_only') = 'on' then
        problems := problems
            || 'Postgres is read-only: nothing can be stored'::text;
    end if;

    problems := problems || array(
        select format('there is no partition of agentvista.%s for today or '
                      'tomorrow', t.name)
        from agentvista.partitioned_tables() t
        where exists (
            select from generate_series(today, today + 1, interval '1 day') d
            where to_regclass('agentvista.' || t.name
                              || to_char(d, '_YYYYMMDD')) is null));
end;
$$;
