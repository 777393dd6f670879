-- Scores, and what AgentMark's reads need besides.

-- resource is what resource_id names: agentvista.agentmark_resource() of it,
-- so that an id matches in each of its spellings.
create table agentvista.scores (
    account_id  uuid        not null,
    id          uuid        not null default gen_random_uuid(),
    resource    uuid        not null,
    resource_id text        not null,
    name        text        not null,
    score       numeric     not null,
    label       text        not null,
    reason      text        not null,
    source      text        not null,
    created_at  timestamptz not null default clock_timestamp(),
    primary key (account_id, id)
);

create index scores_resource_idx
    on agentvista.scores (account_id, resource, created_at);

-- For the traces of an experiment's run: few spans have one.
create index spans_run_idx on agentvista.spans
    (account_id, (details #>> '{dataset,run_id}'))
    where details ? 'dataset'
          and octet_length(details #>> '{dataset,run_id}') <= 1024;
