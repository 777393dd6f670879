-- Accounts, API keys, usage, agents, traces, spans.
--
-- Every table that holds an account's data starts its key with account_id,
-- which is also the distribution column when Postgres is scaled out.

create table agentvista.accounts (
    id            uuid        not null default gen_random_uuid() primary key,
    name          text        not null unique check (name <> ''),
    events_limit  bigint      check (events_limit >= 0),  -- null: unlimited
    created_at    timestamptz not null default now()
);

-- A key is looked up by its hash before its account is known.
create table agentvista.api_keys (
    key_hash      bytea       not null primary key
                              check (octet_length(key_hash) = 32),
    id            uuid        not null default gen_random_uuid() unique,
    account_id    uuid        not null
                              references agentvista.accounts on delete cascade,
    prefix        text        not null,     -- "av_" and 8 digits, for lists
    name          text,
    scopes        text[]      not null
                              check (scopes <> '{}'
                                     and scopes <@ array['read', 'write']),
    expires_at    timestamptz,
    revoked_at    timestamptz,
    created_at    timestamptz not null default now()
);

create index api_keys_account_id_idx on agentvista.api_keys (account_id);

-- Events of a month, charged in the transaction that stores the spans.  Each
-- database connection of a worker adds to a slot of its own, so that flushes
-- do not queue for one row; the month's usage is the sum over the slots.
create table agentvista.usage (
    account_id    uuid        not null,
    month         date        not null,
    slot          smallint    not null,
    events        bigint      not null,
    primary key (account_id, month, slot)
);

-- id is UUIDv5(account_id, name): known without asking.
create table agentvista.agents (
    account_id    uuid        not null,
    id            uuid        not null,
    name          text        not null,
    created_at    timestamptz not null default now(),
    primary key (account_id, id)
);

-- status: 0 running, 1 completed, 2 failed, 3 timed_out (see
-- agentvista.status_name).  home_day is the UTC day of the trace's start as it
-- first arrived; all spans of the trace live in that day's partition, whenever
-- they start, so that a span is unique per trace, a trace is read from one
-- partition, and a trace and its spans are retired together.
--
-- total_* are what the sender stated; span_* are kept from the stored spans
-- and stand in for what it did not.
create table agentvista.traces (
    account_id     uuid        not null,
    trace_id       uuid        not null,
    home_day       date        not null,
    agent_id       uuid        not null,
    status         smallint    not null,
    started_at     timestamptz not null,
    ended_at       timestamptz,
    duration_ns    bigint,
    success        boolean,
    outcome        text,
    total_tokens   bigint,
    total_cost_usd numeric,
    error_message  text,
    metadata       jsonb,
    truncated      jsonb,
    span_count     integer     not null,
    span_tokens    bigint,
    span_cost_usd  numeric,
    primary key (account_id, trace_id)
);

-- For retiring old traces, which arrived together.
create index traces_home_day_idx on agentvista.traces using brin (home_day)
    with (autosummarize = on);

-- Partitions and their unique index (account_id, trace_id, span_id) are made
-- by agentvista.maintain_partitions().  ordinal orders spans that start at the
-- same time by their arrival.
create table agentvista.spans (
    account_id     uuid        not null,
    home_day       date        not null,
    trace_id       uuid        not null,
    span_id        uuid        not null,
    parent_span_id uuid,
    ordinal        bigint      not null,
    type           smallint    not null,
    status         smallint    not null,
    name           text        not null,
    started_at     timestamptz not null,
    ended_at       timestamptz,
    duration_ns    bigint,
    model          text,
    input_tokens   bigint,
    output_tokens  bigint,
    total_tokens   bigint,
    cost_usd       numeric,
    error_message  text,
    input          json,
    output         json,
    metadata       jsonb,
    truncated      jsonb
) partition by range (home_day);

-- Every host follows changes of keys and accounts by LISTEN agentvista:
-- "key <hash in hex>" and "account <uuid>".

create function agentvista.notify_api_key() returns trigger
language plpgsql as $$
begin
    perform pg_notify('agentvista',
                      'key ' || encode(coalesce(old.key_hash, new.key_hash),
                                       'hex'));
    return null;
end;
$$;

create trigger api_keys_notify
    after insert or update or delete on agentvista.api_keys
    for each row execute function agentvista.notify_api_key();

create function agentvista.notify_account() returns trigger
language plpgsql as $$
begin
    perform pg_notify('agentvista', 'account ' || old.id);
    return null;
end;
$$;

create trigger accounts_notify
    after update of events_limit or delete on agentvista.accounts
    for each row execute function agentvista.notify_account();
