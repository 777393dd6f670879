-- What the access phase must know of a key: no row if it is unknown or
-- revoked.  events is the usage of the given month over all slots.

create or replace function agentvista.api_key(hash bytea, this_month date,
    out account_id uuid, out prefix text, out scopes text[],
    out expires_at timestamptz, out events_limit bigint, out events bigint)
returns setof record language plpgsql stable as $$
begin
    return query
    select k.account_id, k.prefix, k.scopes, k.expires_at, a.events_limit,
           agentvista.events_used(k.account_id, this_month)
    from agentvista.api_keys k
         join agentvista.accounts a on a.id = k.account_id
    where k.key_hash = hash and k.revoked_at is null;
end;
$$;

create or replace function agentvista.events_used(account uuid,
    this_month date)
returns bigint language sql stable as $$
    select coalesce(sum(u.events), 0)::bigint
    from agentvista.usage u
    where u.account_id = account and u.month = this_month
$$;

-- The quota of an account as admission needs it: no row if it is gone.
create or replace function agentvista.account_quota(account uuid,
    this_month date, out events_limit bigint, out events bigint)
returns setof record language plpgsql stable as $$
begin
    return query
    select a.events_limit, agentvista.events_used(account, this_month)
    from agentvista.accounts a
    where a.id = account;
end;
$$;

-- GET /me/usage (agentvista.md 14).
create or replace function agentvista.usage_report(account uuid)
returns json language plpgsql stable as $$
declare
    month date := date_trunc('month', now() at time zone 'UTC')::date;
begin
    return json_build_object(
        'period_start', to_char(month, 'YYYY-MM-DD"T00:00:00Z"'),
        'period_end',
            to_char(month + interval '1 month', 'YYYY-MM-DD"T00:00:00Z"'),
        'events_used', agentvista.events_used(account, month),
        'events_limit', (select a.events_limit
                         from agentvista.accounts a
                         where a.id = account));
end;
$$;
