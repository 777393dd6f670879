-- Postgres refuses a tsvector of more than 1 MB, and with it the record: only
-- the beginning of a body is indexed.

create function agentvista.log_words(body text)
returns tsvector language sql immutable parallel safe as $$
    select to_tsvector('english', left(body, 100000))
$$;

do $$
declare
    old  record;
begin
    for old in
        select i.inhrelid::regclass as leaf, x.indexrelid::regclass as index
        from pg_inherits i
             join pg_index x on x.indrelid = i.inhrelid
        where i.inhparent = 'agentvista.logs'::regclass
              and pg_get_indexdef(x.indexrelid) like '%to_tsvector%'
    loop
        execute format('drop index %s', old.index);
        execute format('create index on %s using gin'
                       ' (agentvista.log_words(body))', old.leaf);
    end loop;
end;
$$;
