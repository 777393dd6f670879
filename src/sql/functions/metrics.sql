-- Metrics (agentvista.md 8).

create or replace function agentvista.metric_type_name(type smallint)
returns text language sql immutable parallel safe as $$
    select (array['gauge', 'sum', 'histogram', 'exponential_histogram',
                  'summary'])[type]
$$;

-- GET /dashboard/metrics/ (agentvista.md 8.1).
create or replace function agentvista.metrics_list(account uuid)
returns json language plpgsql stable as $$
begin
    return (
        select coalesce(json_agg(json_build_object(
                   'name', m.name,
                   'metric_type', agentvista.metric_type_name(m.type),
                   'unit', m.unit,
                   'description', m.description,
                   'data_point_count', coalesce(c.points, 0))
                   order by m.name), '[]')
        from agentvista.metrics m
             left join (select n.name, sum(n.points) as points
                        from agentvista.metric_counts n
                        where n.account_id = account
                        group by n.name) as c on c.name = m.name
        where m.account_id = account);
end;
$$;

-- What a point shows; counts, sums and buckets of those that have them.
create or replace function agentvista.metric_point(
    p agentvista.metric_points, labels json)
returns json language sql stable as $$
    select case when p.count is null then
        json_build_object(
            'value', coalesce(to_json(p.integer_value), to_json(p.value)),
            'timestamp', agentvista.iso8601(p.recorded_at, p.recorded_nanos),
            'labels', labels)
    else
        json_build_object(
            'value', p.value,
            'timestamp', agentvista.iso8601(p.recorded_at, p.recorded_nanos),
            'labels', labels,
            'count', p.count,
            'sum', p.sum,
            'min', p.min,
            'max', p.max,
            'buckets', p.buckets)
    end
$$;

-- The newest points of some series, oldest first. The plan is made once: to
-- plan for all days takes longer than to read the points of one.
create or replace function agentvista.metric_points_of(account uuid,
    chosen uuid[], since timestamptz, until timestamptz, most bigint)
returns json language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off set enable_seqscan = off as $$
declare
    first  constant date := (since at time zone 'UTC')::date;
    last   constant date := (until at time zone 'UTC')::date;
begin
    return (
        select coalesce(json_agg(agentvista.metric_point(n, s.labels)
                        order by n.recorded_at, n.recorded_nanos, s.id), '[]')
        from (select q.*
              from unnest(chosen) as i (id)
                   cross join lateral (
                       select p.*
                       from agentvista.metric_points p
                       where p.account_id = account and p.series_id = i.id
                             and p.recorded_at between since and until
                             and p.day between first and last
                       order by p.recorded_at desc, p.recorded_nanos desc
                       limit most) as q
              order by q.recorded_at desc, q.recorded_nanos desc,
                       q.series_id desc
              limit most) as n
             -- rendered once, not with each point
             join (select s.id, s.labels::text::json as labels
                   from agentvista.series s
                   where s.account_id = account and s.id = any (chosen)
                   offset 0) as s
             on s.id = n.series_id);
end;
$$;

-- GET /dashboard/metrics/query (agentvista.md 8.2): the newest points, oldest
-- first. With step, in seconds, a value for each span of that length instead:
-- how is 0 avg, 1 sum, 2 min, 3 max, 4 count; histograms have p50, p95 and p99
-- besides.
create or replace function agentvista.metrics_query(
    account    uuid,
    metric     text,
    first      timestamptz,
    last       timestamptz,
    most       bigint,
    wanted     jsonb,
    step       bigint,
    how        smallint)
returns json language plpgsql stable as $$
declare
    m         agentvista.metrics;
    chosen    uuid[];
    such_that text;
    points    json;
begin
    select * into m
    from agentvista.metrics x
    where x.account_id = account and x.name = metric;

    if not found then
        return null;
    end if;

    select array_agg(s.id) into chosen
    from agentvista.series s
    where s.account_id = account and s.metric = metrics_query.metric
          and (wanted is null
               or not exists (select from jsonb_each_text(wanted) w
                              where s.labels ->> w.key
                                    is distinct from w.value));

    such_that := 'p.account_id = $1'
        || case when first is not null
                then ' and p.recorded_at >= $3 and p.day >= $4' else '' end
        || case when last is not null
                then ' and p.recorded_at <= $5 and p.day <= $6' else '' end;

    if chosen is null then
        points := '[]';

    elsif step is not null then
        points := agentvista.metric_steps(account, chosen, m.type, such_that,
                                          first, last, most, step, how);

    else
        points := agentvista.metric_points_of(account, chosen,
                      coalesce(first, '-infinity'),
                      coalesce(last, 'infinity'), most);
    end if;

    return json_build_object(
        'name', m.name,
        'metric_type', agentvista.metric_type_name(m.type),
        'unit', m.unit,
        'description', m.description,
        'data_points', points);
end;
$$;

-- The newest steps of some series together. labels are what all have in
-- common.
create or replace function agentvista.metric_steps(account uuid, chosen uuid[],
    type smallint, such_that text, first timestamptz, last timestamptz,
    most bigint, step bigint, how smallint)
returns json language plpgsql stable as $$
declare
    common  jsonb;
    points  json;
begin
    select coalesce(jsonb_object_agg(c.key, c.value), '{}') into common
    from (select l.key, l.value
          from agentvista.series s, jsonb_each(s.labels) l
          where s.account_id = account and s.id = any (chosen)
          group by l.key, l.value
          having count(*) = array_length(chosen, 1)) as c;

    execute 'with b as (select floor(extract(epoch from p.recorded_at) / $8)'
        '::bigint * $8 as at, sum(agentvista.addend(p.value)) as sum,'
        ' min(coalesce(p.min, p.value)) as min,'
        ' max(coalesce(p.max, p.value)) as max, sum(p.count) as observed,'
        ' sum(agentvista.addend(p.sum)) as total, count(*) as points'
        || case when type in (3, 4) then
            ', agentvista.merged_buckets(array_agg(p order by p.series_id,'
            ' p.recorded_at, p.recorded_nanos)) as buckets' else
            ', null::jsonb as buckets' end
        || ' from agentvista.metric_points p where ' || such_that
        || ' and p.series_id = any ($2) group by 1 order by 1 desc limit $7)'
        ' select coalesce(json_agg(agentvista.metric_step(b.at, case $9'
        ' when 0 then coalesce(b.total / nullif(b.observed, 0),'
        ' b.sum / b.points)'
        ' when 1 then coalesce(b.total, b.sum) when 2 then b.min'
        ' when 3 then b.max else coalesce(b.observed, b.points) end, b.points,'
        ' $10, b.buckets) order by b.at), ''[]'') from b'
    into points
    using account, chosen, first, (first at time zone 'UTC')::date, last,
          (last at time zone 'UTC')::date, most, step, how, common;

    return points;
end;
$$;

-- What sums may be made of: Postgres refuses to compute what a double does not
-- hold, and instead of an error the answer is infinite, or nothing.
create or replace function agentvista.addend(x double precision)
returns double precision language sql immutable parallel safe as $$
    select case when abs(x) > 1e290 then x * double precision 'infinity'
                when abs(x) < 1e-290 then 0
                else x end
$$;

create or replace function agentvista.metric_step(at bigint,
    value double precision, points bigint, labels jsonb, buckets jsonb)
returns json language plpgsql stable as $$
begin
    if buckets is null then
        return json_build_object(
            'value', value,
            'timestamp', agentvista.iso8601(to_timestamp(at)),
            'labels', labels,
            'point_count', points);
    end if;

    return json_build_object(
        'value', value,
        'timestamp', agentvista.iso8601(to_timestamp(at)),
        'labels', labels,
        'point_count', points,
        'p50', agentvista.buckets_quantile(buckets, 0.5),
        'p95', agentvista.buckets_quantile(buckets, 0.95),
        'p99', agentvista.buckets_quantile(buckets, 0.99));
end;
$$;

-- A histogram's buckets (src/ingest/convert/ngx_av_otlp_metrics.c) as ranges
-- with their counts: of bounds, where the outer ones end at min and max if
-- those are known, or of an exponential scale. None if they are something else.
create or replace function agentvista.bucket_ranges(
    p agentvista.metric_points)
returns table (low double precision, high double precision,
               n double precision)
language plpgsql stable as $$
declare
    b         constant json := p.buckets;
    base      double precision;
    positive  numeric;
    negative  numeric;
begin
    if json_typeof(b) is distinct from 'object' then
        return;
    end if;

    if b -> 'counts' is not null then
        return query
        with bounds as (
            select agentvista.addend(x.value::double precision) as bound,
                   x.ordinality as i
            from json_array_elements_text(b -> 'bounds') with ordinality x)
        select coalesce(l.bound, agentvista.addend(p.min), least(0, h.bound)),
               coalesce(h.bound, agentvista.addend(p.max), l.bound),
               c.value::double precision
        from json_array_elements_text(b -> 'counts') with ordinality c
             left join bounds l on l.i = c.ordinality - 1
             left join bounds h on h.i = c.ordinality
        where c.value::double precision > 0;

        return;
    end if;

    base := power(2::double precision,
                  power(2::double precision,
                        -least(greatest((b ->> 'scale')::numeric, -10), 20)));

    -- Taken out of the text once, and not for every bucket.
    positive := (b #>> '{positive,offset}')::numeric - 1;
    negative := (b #>> '{negative,offset}')::numeric - 1;

    return query
    select agentvista.bucket_edge(base, positive + c.ordinality),
           agentvista.bucket_edge(base, positive + c.ordinality + 1),
           c.value::double precision
    from json_array_elements_text(b #> '{positive,counts}') with ordinality c
    where c.value::double precision > 0
    union all
    select -agentvista.bucket_edge(base, negative + c.ordinality + 1),
           -agentvista.bucket_edge(base, negative + c.ordinality),
           c.value::double precision
    from json_array_elements_text(b #> '{negative,counts}') with ordinality c
    where c.value::double precision > 0
    union all
    select 0, 0, (b ->> 'zero_count')::double precision
    where (b ->> 'zero_count')::double precision > 0;

exception
    when data_exception then
        return;
end;
$$;

-- base to the power of i, within what a double holds.
create or replace function agentvista.bucket_edge(base double precision,
    i numeric)
returns double precision language sql immutable parallel safe as $$
    select exp(least(greatest(i::double precision * ln(base), -700), 700))
$$;

-- The ranges of some points together. Of cumulative series only the latest
-- point counts, since it contains those before it.
create or replace function agentvista.merged_buckets(
    points agentvista.metric_points[])
returns jsonb language sql stable as $$
    select jsonb_agg(jsonb_build_array(m.low, m.high, m.n) order by m.low,
                     m.high)
    from (select r.low, r.high, sum(r.n) as n
          from (select p as point, s.temporality,
                       row_number() over (partition by p.series_id
                                          order by p.recorded_at desc,
                                                   p.recorded_nanos desc)
                           as age
                from unnest(points) p
                     join agentvista.series s
                     on s.account_id = p.account_id and s.id = p.series_id)
                   as n,
               lateral agentvista.bucket_ranges(n.point) r
          where n.temporality <> 2 or n.age = 1
          group by r.low, r.high) as m
$$;

-- A quantile, interpolated within its range.
create or replace function agentvista.buckets_quantile(ranges jsonb,
    q double precision)
returns double precision language sql immutable parallel safe as $$
    with r as (
        select (e.value ->> 0)::double precision as low,
               (e.value ->> 1)::double precision as high,
               (e.value ->> 2)::double precision as n,
               sum((e.value ->> 2)::double precision)
                   over (order by e.ordinality) as upto
        from jsonb_array_elements(ranges) with ordinality e)
    select r.low + (r.high - r.low)
                   * (q * (select max(upto) from r) - (r.upto - r.n)) / r.n
    from r
    where r.upto >= q * (select max(upto) from r)
    order by r.upto
    limit 1
$$;
