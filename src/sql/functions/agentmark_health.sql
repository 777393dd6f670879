-- GET /v1/health/ingestion (agentmark.md 4): that it answers is the half of it.
-- latencyMs is what the database took.

create or replace function agentvista.agentmark_health(account uuid)
returns json language plpgsql stable as $$
declare
    status  text;
begin
    select case when cardinality(h.problems) = 0 then 'healthy'
           else 'degraded' end into status
    from agentvista.health() h;

    return json_build_object(
        'status', status,
        'timestamp', agentvista.agentmark_iso(
            agentvista.agentmark_ns(now(), 0::smallint)),
        'service', 'ingestion',
        'dependencies', json_build_array(json_build_object(
            'name', 'postgres',
            'status', status,
            'latencyMs', round((extract(epoch from clock_timestamp()
                                        - statement_timestamp())
                                * 1000)::numeric, 3))));
end;
$$;
