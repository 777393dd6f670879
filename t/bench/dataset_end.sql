-- What is kept beside the rows, and what autovacuum would do. Variable:
-- account.

\set ON_ERROR_STOP on

insert into agentvista.metric_counts (account_id, name, slot, points)
select p.account_id, s.metric, 0, count(*)
from agentvista.metric_points p
     join agentvista.series s
     on s.account_id = p.account_id and s.id = p.series_id
where p.account_id = :'account'
group by p.account_id, s.metric;

select agentvista.count_traces(:'account') \g /dev/null
select agentvista.fold_statistics() \g /dev/null

vacuum analyze;
checkpoint;
