-- Statistics of agents by day alone, and the sum of all days as one row of an
-- agent: lists and comparisons read it where they added up days and hours, and
-- looked for the last run of each.

-- Nothing is folded meanwhile.
do $$
begin
    perform pg_advisory_xact_lock(hashtext('agentvista.fold_statistics'));
end;
$$;

-- The 95th percentile of so many runs in buckets in ascending order, in
-- nanoseconds, with linear interpolation between runs; null of none. It is
-- nearer to the end.
create function agentvista.bucket_p95(buckets smallint[], bucket_runs bigint[],
    runs bigint)
returns double precision language plpgsql immutable parallel safe as $$
declare
    rank   constant double precision := 0.95 * (runs - 1);
    above  bigint := 0;
    high   double precision;
begin
    for i in reverse coalesce(array_length(buckets, 1), 0) .. 1 loop
        above := above + bucket_runs[i];

        if high is null and above >= runs - ceil(rank) then
            high := agentvista.bucket_duration(buckets[i]);
        end if;

        if above >= runs - floor(rank) then
            return agentvista.bucket_duration(buckets[i])
                   + (high - agentvista.bucket_duration(buckets[i]))
                     * (rank - floor(rank));
        end if;
    end loop;

    return null;
end;
$$;

alter table agentvista.agent_days rename to agent_days_before;
alter index agentvista.agent_days_pkey rename to agent_days_before_pkey;
drop index agentvista.agent_days_total_idx;
drop view if exists agentvista.agent_pending;

-- '-infinity' is the sum of all days, and has last_run_at: the latest start of
-- a run there is, or was until retention took it.
create table agentvista.agent_days (
    account_id     uuid        not null,
    agent_id       uuid        not null,
    day            date        not null,
    running        bigint      not null,
    completed      bigint      not null,
    failed         bigint      not null,
    timed_out      bigint      not null,
    succeeded      bigint      not null,
    unsucceeded    bigint      not null,
    cost_usd       numeric     not null,
    costed         bigint      not null,
    tokens         numeric     not null,
    tokened        bigint      not null,
    duration_ns    numeric     not null,
    timed          bigint      not null,
    retired        bigint      not null,
    last_retired   timestamptz,
    last_run_at    timestamptz,
    p95_ns         double precision generated always as
                       (agentvista.bucket_p95(buckets, bucket_runs, timed))
                       stored,
    buckets        smallint[]  not null,
    bucket_runs    bigint[]    not null,
    primary key (account_id, agent_id, day)
) with (fillfactor = 50);

create unique index agent_days_total_idx on agentvista.agent_days
    (account_id, agent_id)
    where day = '-infinity';

with part as (
    select account_id, agent_id, day, running, completed, failed, timed_out,
           succeeded, unsucceeded, cost_usd, costed, tokens, tokened,
           duration_ns, timed, retired, last_retired, buckets, bucket_runs
    from agentvista.agent_days_before
    union all
    select h.account_id, h.agent_id, d.day, running, completed, failed,
           timed_out, succeeded, unsucceeded, cost_usd, costed, tokens, tokened,
           duration_ns, timed, retired, last_retired, buckets, bucket_runs
    from agentvista.agent_hours h,
         unnest(array[(h.hour at time zone 'UTC')::date, '-infinity'])
             as d (day)),
spread as (
    select account_id, agent_id, day,
           array_agg(bucket order by bucket) as buckets,
           array_agg(runs order by bucket) as bucket_runs
    from (select account_id, agent_id, day, u.bucket,
                 sum(u.runs)::bigint as runs
          from part p, unnest(p.buckets, p.bucket_runs) as u (bucket, runs)
          group by account_id, agent_id, day, u.bucket
          having sum(u.runs) <> 0) as n
    group by account_id, agent_id, day)
insert into agentvista.agent_days
    (account_id, agent_id, day, running, completed, failed, timed_out,
     succeeded, unsucceeded, cost_usd, costed, tokens, tokened, duration_ns,
     timed, retired, last_retired, last_run_at, buckets, bucket_runs)
select account_id, agent_id, day, sum(p.running), sum(p.completed),
       sum(p.failed), sum(p.timed_out), sum(p.succeeded), sum(p.unsucceeded),
       sum(p.cost_usd), sum(p.costed), sum(p.tokens), sum(p.tokened),
       sum(p.duration_ns), sum(p.timed), sum(p.retired), max(p.last_retired),
       case when day = '-infinity'
            then greatest(max(p.last_retired),
                          (select max(t.started_at)
                           from agentvista.traces t
                           where t.account_id = p.account_id
                                 and t.agent_id = p.agent_id)) end,
       coalesce(s.buckets, '{}'), coalesce(s.bucket_runs, '{}')
from part p left join spread s using (account_id, agent_id, day)
group by p.account_id, p.agent_id, account_id, agent_id, day, s.buckets,
         s.bucket_runs;

-- The sums of an agent over all time.
create type agentvista.agent_sum as (
    agent_id       uuid,
    runs           bigint,
    succeeded      bigint,
    unsucceeded    bigint,
    cost_usd       numeric,
    costed         bigint,
    tokens         numeric,
    tokened        bigint,
    duration_ns    numeric,
    timed          bigint,
    retired        bigint,
    last_run_at    timestamptz,
    p95_ns         double precision
);

drop table agentvista.agent_days_before, agentvista.agent_hours;
drop function agentvista.bucket_p95(smallint[], bigint[]);

-- They return and take other things now.
drop function if exists agentvista.agent_sums(uuid);
drop function if exists agentvista.agent_p95(uuid, uuid, bigint, bigint,
    bigint);
drop function if exists agentvista.fold_hours(timestamptz);
drop function if exists agentvista.add_buckets(smallint[], bigint[], smallint[],
    bigint[]);
