-- Words for the small integers that rows hold.  The C side has the same lists
-- in src/ingest/batch/ngx_av_columns.h; the numbers never change.

create or replace function agentvista.status_name(status smallint)
returns text language sql immutable parallel safe as $$
    select (array['running', 'completed', 'failed', 'timed_out'])[status + 1]
$$;

-- Nanoseconds since 1970 of a time and the nanoseconds beside it.
create or replace function agentvista.unix_ns(t timestamptz, nanos smallint)
returns bigint language sql stable parallel safe as $$
    select (extract(epoch from t) * 1000000)::bigint * 1000
           + coalesce(nanos, 0)
$$;

-- ISO 8601 in UTC, with three or six digits of a fraction where there is one.
create or replace function agentvista.iso8601(t timestamptz)
returns text language sql stable parallel safe as $$
    select to_char(t at time zone 'UTC',
                   case
                   when t = date_trunc('second', t)
                       then 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
                   when t = date_trunc('milliseconds', t)
                       then 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
                   else 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
                   end)
$$;

-- The same with all nine digits, if the nanoseconds beside it are not 0.
create or replace function agentvista.iso8601(t timestamptz, nanos smallint)
returns text language sql stable parallel safe as $$
    select case
           when nanos > 0
               then to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
                    || lpad(nanos::text, 3, '0') || 'Z'
           else agentvista.iso8601(t)
           end
$$;
