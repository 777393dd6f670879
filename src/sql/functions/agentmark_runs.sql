-- GET /v1/runs/{runId}/traces (agentmark.md 4): newest first, in the form of
-- the API's next generation.

create or replace function agentvista.agentmark_run_traces(account uuid,
    run text, max_traces bigint, first_trace bigint)
returns text language plpgsql stable as $$
declare
    traces  uuid[];
    days    date[];
    total   bigint;
    answer  text;
begin
    execute $sql$
    with found as materialized (
        select distinct s.trace_id, s.home_day
        from agentvista.spans s
        where s.account_id = $1 and s.details ? 'dataset'
              and octet_length(s.details #>> '{dataset,run_id}') <= 1024
              and s.details #>> '{dataset,run_id}' = $2),
    page as (
        select t.trace_id, t.home_day, t.started_at
        from found f
             join agentvista.traces t
             on t.account_id = $1 and t.trace_id = f.trace_id
        order by t.started_at desc, t.trace_id desc
        limit $3 offset $4)
    select (select count(*) from found),
           array(select trace_id from page
                 order by started_at desc, trace_id desc),
           array(select distinct home_day from page)
    $sql$
    into total, traces, days using account, run, max_traces, first_trace;

    execute $sql$
    select string_agg(concat(
               '{"id":', to_json(t.id), ',"name":', to_json(t.name),
               ',"status":"', (array['UNSET', 'OK', 'ERROR'])[t.status + 1],
               '","start":"', agentvista.agentmark_iso(t.start_ns),
               '","end":"', agentvista.agentmark_iso(t.end_ns),
               '","latency_ms":',
                   agentvista.agentmark_ms(t.end_ns - t.start_ns),
               ',"cost":', trim_scale(t.cost),
               ',"tokens":', t.tokens,
               ',"span_count":', t.span_count,
               ',"tags":', coalesce(g.tags, '[]'), '}'),
               ',' order by array_position($2, t.trace_id))
    from agentvista.agentmark_traces($1, $2, $3) t
         left join (
             select s.trace_id, json_agg(distinct e.tag order by e.tag)
             from agentvista.spans s
                  cross join lateral jsonb_array_elements_text(
                      case when jsonb_typeof(s.details -> 'tags') = 'array'
                      then s.details -> 'tags' end) e (tag)
             where s.account_id = $1 and s.home_day = any($3)
                   and s.trace_id = any($2)
             group by s.trace_id) g (trace_id, tags)
         on g.trace_id = t.trace_id
    $sql$
    into answer using account, traces, days;

    return concat('{"data":[', answer, '],"pagination":{"total":', total,
                  ',"limit":', max_traces, ',"offset":', first_trace, '}}');
end;
$$;
