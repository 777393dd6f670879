-- Where the newest traces hardly have what a list asks for, it is looked up in
-- the indexes of src/sql/migrations/0007_facets.sql, a day after the other.

-- Facets that a trace has if it has a text as metadata: as a string, or as the
-- number or boolean that reads so. Null of what may be an object, or so many.
create or replace function agentvista.metadata_facets(meta jsonb)
returns jsonb[] language plpgsql immutable as $$
declare
    texts    jsonb;
    literal  record;
begin
    select jsonb_object_agg(m.key, m.value) into texts
    from jsonb_each_text(meta) m
    where m.value !~ '^(-?[0-9]|true$|false$|[[{])';

    if texts is not null then
        return array[texts];
    end if;

    select m.key, m.value into literal
    from jsonb_each_text(meta) m
    where m.value ~ '^(-?(0|[1-9][0-9]{0,99})(\.[0-9]{1,99})?|true|false)$'
    limit 1;

    if not found then
        return null;
    end if;

    return array[jsonb_build_object(literal.key, literal.value),
                 jsonb_build_object(literal.key, literal.value::jsonb)];
end;
$$;

-- Traces that may have the facets or, if error is given, that text in their
-- error: those of a day and of the days before it, until there are enough; day
-- is then the one to go on with. They may be others, and anybody's: whoever
-- asks has to look. (The keys of both indexes contain the account, and a
-- condition on account_id would only suggest other indexes.)
create or replace function agentvista.traces_by_facets(account uuid,
    facets jsonb[], label text, error text, oldest date, enough bigint,
    inout day date, out ids uuid[])
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_indexscan = off set enable_seqscan = off as $$
declare
    pattern  constant text := '%' || regexp_replace(lower(error), '([\\%_])',
                                                    '\\\1', 'g') || '%';
    key      text;
    labels   jsonb;
    asked    jsonb;
begin
    ids := '{}';

    while day >= oldest and cardinality(ids) < enough loop
        key := agentvista.facet_key(account, day);
        day := day - 1;

        if error is not null then
            ids := ids || array(
                select t.trace_id
                from agentvista.traces t
                where array[agentvista.facet_key(t.account_id,
                                (t.started_at at time zone 'UTC')::date)]
                      @> array[key]
                      and lower(t.error_message) like pattern
                      and t.error_message is not null);

            continue;
        end if;

        labels := case when label is null then '{}'
                       else jsonb_build_object(key || '/' || label, true) end;

        foreach asked in array coalesce(facets, array['{}'::jsonb]) loop
            asked := labels || jsonb_build_object(key, asked);
            ids := ids || array(
                select t.trace_id
                from agentvista.traces t
                where agentvista.trace_facets(t.account_id, t.started_at,
                                              t.metadata, t.outcome) @> asked);
        end loop;
    end loop;
end;
$$;
