-- Parts of a span as AgentMark shows it (agentmark.md 3.3).  The module writes
-- the whole of it, and has these too (src/api/ngx_av_span_mark.c); here they
-- are for filters, for sums and for other forms.  Nothing is called more stable
-- than what it calls: Postgres would not inline it.

-- Nanoseconds since 1970.
create or replace function agentvista.agentmark_ns(t timestamptz,
    nanos smallint)
returns bigint language sql stable parallel safe as $$
    select (extract(epoch from t) * 1000000)::bigint * 1000
           + coalesce(nanos, 0)
$$;

-- Milliseconds with what is left of them, and money: no exponent, and no zeros
-- at the end.
create or replace function agentvista.agentmark_ms(ns bigint)
returns numeric language sql immutable parallel safe as $$
    select trim_scale(greatest(ns, 0) / 1000000::numeric)
$$;

create or replace function agentvista.agentmark_iso(ns bigint)
returns text language sql stable parallel safe as $$
    select to_char(to_timestamp(ns / 1000000 / 1000::numeric)
                   at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- 0 unset, 1 ok, 2 error: as sent by OTLP, else by our own status.
create or replace function agentvista.agentmark_status(otlp_status smallint,
    status smallint)
returns integer language sql immutable parallel safe as $$
    select coalesce(otlp_status::integer, (array[0, 1, 2, 2])[status + 1])
$$;

create or replace function agentvista.agentmark_type(type smallint)
returns text language sql immutable parallel safe as $$
    select case when type in (2, 8) then 'GENERATION' else 'SPAN' end
$$;

-- A tool's span is shown by the tool's name.
create or replace function agentvista.agentmark_name(type smallint, name text,
    details jsonb)
returns text language sql immutable parallel safe as $$
    select case when type = 3
           then coalesce(nullif(details ->> 'tool_name', ''), name)
           else name end
$$;

-- What a span reports, null if nothing.
create or replace function agentvista.agentmark_tokens(input bigint,
    output bigint, total bigint)
returns bigint language sql immutable parallel safe as $$
    select coalesce(input + output, input, output, total)
$$;

-- Text that is to be found anywhere, as a pattern of ilike.
create or replace function agentvista.agentmark_pattern(part text)
returns text language sql immutable parallel safe as $$
    select '%' || replace(replace(replace(part, '\', '\\'), '%', '\%'),
                          '_', '\_') || '%'
$$;
