-- One day of what scripts/bench --reads reads, as the module would have written
-- it: a third of the traces by /traces/batch, the others by OTLP. Variables:
-- account, day, traces, large (traces of 1,000 spans), logs, points. Traces
-- have 10 spans; of the day that is not over, it fills what has been.

\set ON_ERROR_STOP on
set synchronous_commit = off;
set client_min_messages = warning;

select date_trunc('second', greatest(least(now() - (:'day')::timestamptz,
                                           interval '1 day'),
                                     interval '10 seconds'))
           - interval '5 seconds' as length \gset

create temp table made as
select n, gen_random_uuid() as trace_id, n % 3 <> 0 as otlp,
       md5('bench-agent-' || agent)::uuid as agent_id, agent,
       (:'day')::timestamptz + random() * (:'length')::interval as started_at,
       case when n > :traces then 1000 else 10 end as spans,
       (least(-ln(1 - random()) * 4, 300) * 1000000000)::bigint as duration_ns,
       400 + floor(random() * 2000)::bigint as tokens_in,
       50 + floor(random() * 400)::bigint as tokens_out,
       case when r < 0.90 then 1 when r < 0.96 then 2 when r < 0.97 then 3
            else 0 end::smallint as status,
       -- one in 10,000 is not like the others
       n % 10000 = 77 as rare,
       1 + floor(random() * 1000) as customer,
       floor(random() * :traces / 5)::bigint as session,
       floor(random() * 20000)::bigint as visitor,
       (array['gpt-4o-mini', 'gpt-4o', 'claude-sonnet-4', 'gemini-2.5-flash',
              'mistral-small'])[1 + floor(random() * 5)] as model
from (select n, floor(random() ^ 1.5 * 50)::integer as agent, random() as r
      from generate_series(1, :traces + :large) n) as s;

update made set model = 'o1-preview-2024-09-12' where rare;

create temp table priced as
select *, (tokens_in * 0.00000015 + tokens_out * 0.0000006)::numeric(18, 8)
              as cost,
       (extract(epoch from started_at) * 1000000)::bigint * 1000 as start_ns,
       (spans / 2) as calls
from made;

create index on priced (n);
analyze priced;

insert into agentvista.traces
    (account_id, trace_id, home_day, agent_id, status, started_at, ended_at,
     duration_ns, success, outcome, total_tokens, total_cost_usd,
     error_message, metadata, span_count, span_tokens, span_cost_usd, header,
     header_ns, header_span, name, session_id, user_id, span_start_ns,
     span_end_ns)
select :'account', trace_id, :'day', agent_id, status, started_at,
       case when status <> 0 then started_at
                                  + duration_ns / 1000 * interval '1 us' end,
       case when status <> 0 then duration_ns end,
       case when status = 2 then false when n % 7 <> 0 then true end,
       case when rare then 'chargeback' when n % 4 = 0 then 'escalated'
            when n % 4 < 3 then 'resolved' end,
       case when not otlp then calls * (tokens_in + tokens_out) end,
       case when not otlp then calls * cost end,
       case when rare then 'shard 17 has no connections left'
            when status = 2 then 'the model did not answer in time' end,
       jsonb_build_object('environment', 'production', 'release',
                          '2.14.' || n % 5, 'channel',
                          case when rare then 'fax' else 'web' end,
                          'customer', 'customer-' || customer),
       spans, calls * (tokens_in + tokens_out), calls * cost,
       otlp::integer, case when otlp then start_ns end,
       case when otlp then lpad(left(md5(trace_id || '-0'), 16), 32, '0')::uuid
       end,
       case when otlp then case when rare then 'invoke_agent sommelier'
                                else 'invoke_agent bench-agent-' || agent end
       end,
       case when n % 3 <> 1 then :'day' || '-session-' || session end,
       case when n % 2 = 0 then 'user-' || visitor end,
       start_ns, start_ns + duration_ns
from priced;

insert into agentvista.spans
    (account_id, home_day, trace_id, span_id, parent_span_id, ordinal, type,
     status, name, started_at, ended_at, duration_ns, model, input_tokens,
     output_tokens, total_tokens, cost_usd, error_message, input, output,
     metadata, started_nanos, ended_nanos, kind, otlp_status, scope_id,
     session_id, user_id, details)
select :'account', :'day', t.trace_id,
       case when otlp then lpad(left(md5(trace_id || '-' || i), 16), 32, '0')
            else md5(trace_id || '-' || i) end::uuid,
       case when i = 0 then null
            when otlp then lpad(left(md5(trace_id || '-' || (i - 1) / 3), 16),
                                32, '0')
            else md5(trace_id || '-' || (i - 1) / 3) end::uuid,
       start_ns / 1000 + i,
       case when llm then 2 when i = 0 and otlp then 1 else 3 end,
       case when i = 0 then t.status else 1 end,
       case when i = 0 and otlp then 'invoke_agent bench-agent-' || agent
            when llm then 'chat ' || t.model
            else 'execute_tool search_documents' end,
       started_at + i * (duration_ns / 1000 / spans) * interval '1 us',
       started_at + (i + 1) * (duration_ns / 1000 / spans) * interval '1 us',
       duration_ns / spans,
       case when llm then t.model end,
       case when llm then tokens_in end, case when llm then tokens_out end,
       case when llm then tokens_in + tokens_out end,
       case when llm then cost end,
       case when i = 0 and t.status = 2
            then 'the model did not answer in time' end,
       case when llm then '"Where is the parcel that I ordered on Monday? The'
                          ' number is 48213-77."'::json end,
       case when llm then '"Your parcel left the warehouse this morning and'
                          ' should arrive tomorrow before noon."'::json end,
       case when llm
       then '{"gen_ai.operation.name": "chat", "gen_ai.provider.name":
              "openai", "gen_ai.response.id":
              "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l",
              "gen_ai.request.temperature": 0.2, "gen_ai.usage.input_tokens":
              812, "gen_ai.usage.output_tokens": 108, "server.address":
              "api.openai.com", "server.port": 443}'::jsonb
       else '{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name":
              "search_documents", "gen_ai.tool.call.id":
              "call_VSPygqKTWdrhaFErNvMV18Yl", "gen_ai.tool.type": "function",
              "app.index": "kb-main", "app.hits": 12}'::jsonb end,
       case when otlp then 123 end, case when otlp then 456 end,
       case when otlp then case when llm then 3 else 1 end end,
       case when otlp then case when i = 0 and t.status = 2 then 2 else 0 end
       end,
       case when otlp then md5('bench-scope-' || agent)::uuid end,
       case when otlp and n % 3 <> 1 then :'day' || '-session-' || session end,
       case when otlp and n % 2 = 0 then 'user-' || visitor end,
       case when otlp and llm
            then '{"provider": "openai", "finish_reason": "stop"}'::jsonb
            when otlp and i > 0
            then '{"tool_name": "search_documents"}'::jsonb end
from (select p.*, i, i % 2 = 1 as llm
      from priced p, generate_series(0, p.spans - 1) i) as t;

-- Half of them in traces, four in one.
insert into agentvista.logs
    (account_id, day, id, logged_at, observed_at, severity, severity_number,
     severity_text, service_name, body, attributes, trace_id, span_id,
     scope_id)
select :'account', :'day',
       (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0')
        || '8' || lpad(to_hex(floor(random() * 4096)::integer), 3, '0')
        || 'a' || left(md5(random()::text || i), 15))::uuid,
       at, at, (array[3, 3, 3, 2, 4, 5])[1 + k],
       (array[9, 9, 9, 5, 13, 17])[1 + k],
       (array['INFO', 'INFO', 'INFO', 'DEBUG', 'WARN', 'ERROR'])[1 + k],
       'bench-agent-' || agent,
       (array['Retrieved 12 documents from index kb-main',
              'Model call finished with reason stop',
              'Tool search_documents returned 4 results',
              'Cache miss on embedding lookup',
              'Rate limit of the provider is near',
              'Payment gateway timed out after 3 attempts'])[1 + k]
       || ' for customer-' || customer || ' in session-' || session
       || case when i % 5000 = 17 then ', parcel lost near Heidelberg'
               else '' end,
       '{"code.file.path": "/app/flow.py", "code.line.number": 120}',
       case when i % 2 = 0 then trace_id end, null,
       md5('bench-scope-' || agent)::uuid
from (select i, floor(random() * 6)::integer as k, p.agent, p.customer,
             p.session, p.trace_id,
             case when i % 2 = 0 then p.started_at + (i % 8) * interval '1 ms'
                  else (:'day')::timestamptz
                       + random() * (:'length')::interval end as at
      from generate_series(1, :logs) i
           join priced p on p.n = 1 + i / 8) as s;

-- The same time between a series' points.
insert into agentvista.metric_points
    (account_id, day, series_id, recorded_at, recorded_nanos, started_at,
     value, count, sum, min, max, buckets)
select :'account', :'day', s.id,
       (:'day')::timestamptz + (:'length')::interval * i / (:points / 250),
       123, (:'day')::timestamptz, 0.5 + random(),
       case when s.type = 3 then 171 end, case when s.type = 3 then 57.6 end,
       case when s.type = 3 then 0.03 end, case when s.type = 3 then 7.5 end,
       case when s.type = 3
            then '{"explicit_bounds": [0.01, 0.1, 1, 10], "bucket_counts":
                   ["3", "58", "93", "17", "0"]}'::json end
from agentvista.series s, generate_series(0, :points / 250 - 1) i
where s.account_id = :'account' and s.labels ? 'bench';
