-- What rare values in lists of traces are found by.

-- An account's day, as the first part of what its traces are found by: so an
-- account never looks through another's, and newer days can be looked through
-- first.
create function agentvista.facet_key(account uuid, day date)
returns text language sql immutable parallel safe as $$
    select account::text || (day - '2000-01-01'::date)::text
$$;

-- What a trace is found by: its metadata, its outcome.
create function agentvista.trace_facets(account uuid, started_at timestamptz,
    metadata jsonb, outcome text)
returns jsonb language sql immutable parallel safe as $$
    select jsonb_set(
        jsonb_set('{}',
            array[agentvista.facet_key(account,
                      (started_at at time zone 'UTC')::date)],
            coalesce(metadata, '{}')),
        array[agentvista.facet_key(account,
                  (started_at at time zone 'UTC')::date)
              || '/' || coalesce(outcome, '')],
        'true')
$$;

-- Costs a new trace 4 to 8 us, the less the more come together: what is pending
-- is merged a few hundred traces at a time, and common values are nearly free
-- then. A search has to look through what is pending, so that is little.
create index traces_facets_idx on agentvista.traces
    using gin (agentvista.trace_facets(account_id, started_at, metadata,
                                       outcome) jsonb_path_ops)
    with (gin_pending_list_limit = 256);

-- Parts of error messages. Only few traces have one.
create extension if not exists pg_trgm;

create index traces_error_idx on agentvista.traces
    using gin ((array[agentvista.facet_key(account_id,
                          (started_at at time zone 'UTC')::date)]),
               lower(error_message) gin_trgm_ops)
    with (gin_pending_list_limit = 256)
    where error_message is not null;

-- The sums over all days, without the days.
create unique index agent_days_total_idx on agentvista.agent_days
    (account_id, agent_id) where day = '-infinity';
