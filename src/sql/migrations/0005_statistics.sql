-- Statistics of agents: what has changed is noted for a whole flush at once.
--
-- A trigger noted new traces one by one, which cost their flush as much as a
-- third of the traces themselves.  Now the writer notes them, with the arrays
-- that it has sent them in: a row for each account of a flush.  Changes of
-- stored traces are still the triggers' to note.

drop trigger traces_inserted on agentvista.traces;
drop function agentvista.count_new_traces();
drop view if exists agentvista.agent_pending;

alter table agentvista.agent_changes rename to agent_changes_before;
drop index agentvista.agent_changes_account_id_idx;

-- What has not been folded yet.  The arrays go in parallel, an element for each
-- trace, named as its columns; null stands for an array of nulls.  runs: null
-- or 1 of a trace that has come, -1 of one that has gone or is now different, 0
-- where so many were retired, of which the last started then.
create table agentvista.agent_changes (
    account_id     uuid           not null,
    agent_id       uuid[]         not null,
    started_at     timestamptz[]  not null,
    runs           smallint[],
    status         smallint[],
    success        boolean[],
    outcome        text[],
    total_cost_usd numeric[],
    span_cost_usd  numeric[],
    total_tokens   bigint[],
    span_tokens    bigint[],
    duration_ns    bigint[],
    retired        bigint[]
) with (toast_tuple_target = 8160,
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_insert_threshold = -1,
        autovacuum_vacuum_cost_delay = 0);

-- It lives for a second: not worth compressing.
alter table agentvista.agent_changes
    alter agent_id set storage external,
    alter started_at set storage external,
    alter outcome set storage external,
    alter total_cost_usd set storage external,
    alter span_cost_usd set storage external,
    alter total_tokens set storage external,
    alter span_tokens set storage external,
    alter duration_ns set storage external;

create index agent_changes_account_idx on agentvista.agent_changes (account_id);

insert into agentvista.agent_changes
    (account_id, agent_id, started_at, runs, status, success, outcome,
     total_cost_usd, total_tokens, duration_ns, retired)
select account_id, array_agg(agent_id), array_agg(started_at), array_agg(runs),
       array_agg(status), array_agg(success), array_agg(outcome),
       array_agg(cost_usd), array_agg(tokens), array_agg(duration_ns),
       array_agg(retired)
from agentvista.agent_changes_before
group by account_id;

drop table agentvista.agent_changes_before;

-- What arrives is newest, and goes to the end of an ascending index, whose
-- pages stay full; read backwards it is as good as a descending one, whose
-- pages are split in halves.
drop index agentvista.traces_started_idx;
drop index agentvista.traces_agent_idx;
drop index agentvista.traces_session_idx;
drop index agentvista.traces_sessions_idx;
drop index agentvista.traces_user_idx;

create index traces_started_idx on agentvista.traces
    (account_id, started_at, trace_id);
create index traces_agent_idx on agentvista.traces
    (account_id, agent_id, started_at, trace_id);
create index traces_session_idx on agentvista.traces
    (account_id, session_id, started_at, trace_id)
    where session_id is not null and octet_length(session_id) <= 1024;
create index traces_sessions_idx on agentvista.traces
    (account_id, started_at, trace_id)
    where session_id is not null and octet_length(session_id) <= 1024;
create index traces_user_idx on agentvista.traces
    (account_id, user_id, started_at, trace_id)
    where user_id is not null and octet_length(user_id) <= 1024;
