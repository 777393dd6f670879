-- How many of these spans are not stored yet, each counted once: what a batch
-- would add to the month's usage.

create or replace function agentvista.count_new_spans(account uuid,
    trace_ids uuid[], span_ids uuid[])
returns integer language sql stable as $$
    select count(*)::integer
    from (select distinct trace_id, span_id
          from unnest(trace_ids, span_ids) as u (trace_id, span_id)) as n
    where not exists (
        select 1
        from agentvista.traces t
             join agentvista.spans s
             on s.account_id = t.account_id and s.home_day = t.home_day
                and s.trace_id = t.trace_id and s.span_id = n.span_id
        where t.account_id = account and t.trace_id = n.trace_id)
$$;
