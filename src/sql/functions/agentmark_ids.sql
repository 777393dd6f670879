-- The ids of AgentMark's API: text that stands for a UUID, and back
-- (agentmark.md 3.1, 5.1).

-- SHA-1, which Postgres has not: only for names that are no ids themselves.
create or replace function agentvista.sha1(message bytea)
returns bytea language plpgsql immutable strict parallel safe as $$
declare
    m32     constant bigint := 4294967295;
    bytes   bytea;
    w       bigint[];
    a       bigint;
    b       bigint;
    c       bigint;
    d       bigint;
    e       bigint;
    f       bigint;
    k       bigint;
    t       bigint;
    h       bigint[] := array[1732584193, 4023233417, 2562383102, 271733878,
                              3285377520];
begin
    bytes := message || '\x80'
             || decode(repeat('00', (119 - octet_length(message) % 64) % 64),
                       'hex')
             || int8send(8 * octet_length(message)::bigint);

    for block in 0 .. octet_length(bytes) / 64 - 1 loop
        for i in 0 .. 15 loop
            w[i] := (get_byte(bytes, block * 64 + i * 4)::bigint << 24)
                    | (get_byte(bytes, block * 64 + i * 4 + 1) << 16)
                    | (get_byte(bytes, block * 64 + i * 4 + 2) << 8)
                    | get_byte(bytes, block * 64 + i * 4 + 3);
        end loop;

        for i in 16 .. 79 loop
            t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
            w[i] := ((t << 1) | (t >> 31)) & m32;
        end loop;

        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];

        for i in 0 .. 79 loop
            case i / 20
            when 0 then
                f := (b & c) | ((~b & m32) & d);
                k := 1518500249;
            when 1 then
                f := b # c # d;
                k := 1859775393;
            when 2 then
                f := ((b & c) | (b & d)) | (c & d);
                k := 2400959708;
            else
                f := b # c # d;
                k := 3395469782;
            end case;

            t := (((a << 5) | (a >> 27)) & m32) + f + e + k + w[i] & m32;
            e := d;
            d := c;
            c := ((b << 30) | (b >> 2)) & m32;
            b := a;
            a := t;
        end loop;

        h := array[h[1] + a & m32, h[2] + b & m32, h[3] + c & m32,
                   h[4] + d & m32, h[5] + e & m32];
    end loop;

    return substr(int8send(h[1]), 5) || substr(int8send(h[2]), 5)
           || substr(int8send(h[3]), 5) || substr(int8send(h[4]), 5)
           || substr(int8send(h[5]), 5);
end;
$$;

-- As ngx_av_uuid_v5(): RFC 4122, version 5.
create or replace function agentvista.uuid_v5(namespace uuid, name text)
returns uuid language plpgsql immutable strict parallel safe as $$
declare
    hash bytea := agentvista.sha1(uuid_send(namespace)
                                  || convert_to(name, 'UTF8'));
begin
    hash := set_byte(hash, 6, get_byte(hash, 6) & 15 | 80);
    hash := set_byte(hash, 8, get_byte(hash, 8) & 63 | 128);

    return encode(substr(hash, 1, 16), 'hex')::uuid;
end;
$$;

-- The traces that a text may name, likeliest first: 32 hexadecimal digits are
-- the id; a UUID with its hyphens may be a native trace's id or free text.
create or replace function agentvista.agentmark_trace_ids(account uuid,
    id text)
returns uuid[] language plpgsql immutable strict parallel safe as $$
begin
    if id ~* '^[0-9a-f]{32}$' then
        return array[id::uuid];
    end if;

    if id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        return array[id::uuid, agentvista.uuid_v5(account, id)];
    end if;

    return array[agentvista.uuid_v5(account, id)];
end;
$$;

-- What a score is about: a trace or a span.
create or replace function agentvista.agentmark_resource(account uuid, id text)
returns uuid language plpgsql immutable strict parallel safe as $$
begin
    if id ~* '^[0-9a-f]{16}$' then
        return lpad(id, 32, '0')::uuid;
    end if;

    return (agentvista.agentmark_trace_ids(account, id))[1];
end;
$$;

-- Ids as they are shown; sent is the free text that a sender used, or null.
create or replace function agentvista.agentmark_trace_id(id uuid, sent text)
returns text language sql immutable parallel safe as $$
    select coalesce(sent, replace(id::text, '-', ''))
$$;

create or replace function agentvista.agentmark_span_id(id uuid, sent text)
returns text language sql immutable parallel safe as $$
    select coalesce(sent,
                    case when id < '00000000-0000-0001-0000-000000000000'
                    then right(replace(id::text, '-', ''), 16)
                    else replace(id::text, '-', '') end)
$$;
