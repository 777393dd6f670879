-- What the days of dataset.sql refer to. Variable: account.

\set ON_ERROR_STOP on
set client_min_messages = warning;

select agentvista.maintain_partitions(30, 3) \g /dev/null

insert into agentvista.agents (account_id, id, name)
select :'account', md5('bench-agent-' || n)::uuid, 'bench-agent-' || n
from generate_series(0, 49) n;

insert into agentvista.scopes
    (account_id, id, service_name, resource, name, version, attributes)
select :'account', md5('bench-scope-' || n)::uuid, 'bench-agent-' || n,
       jsonb_build_object('service.name', 'bench-agent-' || n,
                          'service.version', '2.14.3',
                          'deployment.environment.name', 'production',
                          'telemetry.sdk.language', 'python'),
       'opentelemetry.instrumentation.openai_v2', '2.1.0', '{}'
from generate_series(0, 49) n;

insert into agentvista.metrics (account_id, name, type, unit)
select :'account', 'bench.metric.' || m, case when m < 3 then m + 1 else 3 end,
       '1'
from generate_series(0, 4) m;

insert into agentvista.series
    (account_id, id, metric, type, temporality, monotonic, labels, scope_id)
select :'account', md5('bench-series-' || m || '-' || n)::uuid,
       'bench.metric.' || m, case when m < 3 then m + 1 else 3 end, 2, m = 1,
       jsonb_build_object('bench', n::text, 'gen_ai.operation.name', 'chat'),
       md5('bench-scope-' || n)::uuid
from generate_series(0, 4) m, generate_series(0, 49) n;
