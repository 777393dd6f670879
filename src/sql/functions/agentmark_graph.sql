-- GET /v1/traces/{traceId}/graph (agentmark.md 4): a row for each parent of a
-- node; null if there is no such trace.

-- A JSON text that was sent as an attribute; null if it is none.
create or replace function agentvista.agentmark_json(value text)
returns json language plpgsql immutable strict parallel safe as $$
begin
    return value::json;

exception
    when data_exception or program_limit_exceeded then
        return null;
end;
$$;

create or replace function agentvista.agentmark_graph(account uuid,
    trace_id text)
returns text language plpgsql stable as $$
declare
    trace   uuid;
    day     date;
    answer  text;
begin
    select f.trace, f.day into trace, day
    from agentvista.agentmark_find(account, trace_id) f;

    if trace is null then
        return null;
    end if;

    execute $sql$
    select string_agg(concat(
               '{', '"parentNodeId":' || to_json(p.parent) || ',',
               '"nodeId":', to_json(n.id),
               ',"spanId":',
                   to_json(agentvista.agentmark_span_id(n.span_id, n.text)),
               ',"nodeType":', to_json(coalesce(n.type, '')),
               ',"displayName":', to_json(coalesce(n.title, n.name)),
               ',"spanName":', to_json(n.name), '}'),
               ',' order by n.start_ns, n.span_id, p.n)
    from (select s.span_id, s.details ->> 'span_text' as text,
                 agentvista.agentmark_name(s.type, s.name, s.details) as name,
                 agentvista.agentmark_ns(s.started_at, s.started_nanos)
                     as start_ns,
                 m.node ->> 'graph.node.id' as id,
                 m.node ->> 'graph.node.type' as type,
                 m.node ->> 'graph.node.display_name' as title,
                 m.node ->> 'graph.node.parent_id' as parent,
                 agentvista.agentmark_json(m.node ->> 'graph.node.parent_ids')
                     as parents
          from agentvista.spans s
               cross join lateral (
                   select case
                          when s.details -> 'metadata' ? 'graph.node.id'
                              then (s.details -> 'metadata')::json
                          else s.metadata end) m (node)
          where s.account_id = $1 and s.home_day = $2 and s.trace_id = $3
                and m.node ->> 'graph.node.id' <> '') n
         left join lateral (
             select e.parent, e.n
             from json_array_elements_text(
                      case when json_typeof(n.parents) = 'array'
                      then n.parents end) with ordinality as e (parent, n)
             where e.parent <> ''
             union all
             select n.parent, 1
             where n.parent <> '' and json_typeof(n.parents)
                                      is distinct from 'array') p on true
    $sql$
    into answer using account, day, trace;

    return '{"graphData":[' || coalesce(answer, '') || ']}';
end;
$$;
