-- Scores of traces and spans (agentmark.md 4.2).

-- POST /v1/score and /v1/scores
create or replace function agentvista.agentmark_add_score(account uuid,
    about text, name text, score numeric, label text, reason text,
    source text)
returns json language plpgsql as $$
declare
    id      uuid;
begin
    insert into agentvista.scores as s
        (account_id, resource, resource_id, name, score, label, reason,
         source)
    values (account, agentvista.agentmark_resource(account, about), about,
            name, score, coalesce(label, ''), coalesce(reason, ''),
            coalesce(source, ''))
    returning s.id into id;

    return json_build_object('message', 'Score created successfully',
                             'id', id);
end;
$$;

create or replace function agentvista.agentmark_add_scores(account uuid,
    about text, name text, score numeric, label text, reason text,
    source text)
returns json language sql as $$
    select agentvista.agentmark_add_score($1, $2, $3, $4, $5, $6, $7)
$$;

-- GET /v1/scores: newest first.
create or replace function agentvista.agentmark_scores(account uuid,
    resource_id text, max_scores bigint, first_score bigint)
returns json language plpgsql stable as $$
declare
    about   uuid := agentvista.agentmark_resource(account, resource_id);
begin
    return (
        select json_build_object('scores', coalesce(json_agg(
                   json_build_object(
                       'id', s.id,
                       'name', s.name,
                       'score', trim_scale(s.score),
                       'label', s.label,
                       'reason', s.reason,
                       'type', s.source,
                       'resourceId', s.resource_id,
                       'createdAt', agentvista.agentmark_iso(
                           agentvista.agentmark_ns(s.created_at, 0::smallint)))
                   order by s.created_at desc, s.id), '[]'))
        from (select *
              from agentvista.scores s
              where s.account_id = account and s.resource = about
              order by s.created_at desc, s.id
              limit max_scores offset first_score) s);
end;
$$;

-- GET /v1/scores/{scoreId}
create or replace function agentvista.agentmark_score(account uuid, score uuid)
returns json language plpgsql stable as $$
begin
    return (
        select json_build_object(
                   'id', s.id,
                   'resource_id', s.resource_id,
                   'name', s.name,
                   'score', trim_scale(s.score),
                   'label', s.label,
                   'reason', s.reason,
                   'source', s.source,
                   'user_id', null,
                   'created_at', agentvista.agentmark_iso(
                       agentvista.agentmark_ns(s.created_at, 0::smallint)))
        from agentvista.scores s
        where s.account_id = account and s.id = agentmark_score.score);
end;
$$;

-- DELETE /v1/scores/{scoreId}; null if there is none.
create or replace function agentvista.agentmark_delete_score(account uuid,
    score uuid)
returns json language plpgsql as $$
begin
    delete from agentvista.scores s
    where s.account_id = account and s.id = agentmark_delete_score.score;

    return case when found then '{}'::json end;
end;
$$;
