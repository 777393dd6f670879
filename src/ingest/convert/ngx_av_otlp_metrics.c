#include "ngx_av_otlp_metrics.h"


/* a row without its texts, and its place among the points */
#define NGX_AV_OTLP_POINT_MEMORY  256


static ngx_int_t ngx_av_otlp_metrics_init(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_sink_t *sink);
static ngx_int_t ngx_av_otlp_metrics_metric(void *data,
    const ngx_av_otlp_scope_t *scope, const ngx_av_otlp_metric_t *metric);
static ngx_int_t ngx_av_otlp_metrics_point(void *data,
    const ngx_av_otlp_scope_t *scope, const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_point_t *point);
static ngx_int_t ngx_av_otlp_metrics_take(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_scope_t *scope, ngx_av_otlp_sample_t *sample);
static ngx_int_t ngx_av_otlp_metrics_times(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_sample_t *sample);
static ngx_int_t ngx_av_otlp_metrics_seen(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_sample_t *sample);


const ngx_av_otlp_kind_t  ngx_av_otlp_kind_metrics = {
    ngx_av_otlp_metrics_init,
    ngx_av_otlp_one_part
};


static ngx_int_t
ngx_av_otlp_metrics_init(ngx_av_otlp_rows_t *rows, ngx_av_otlp_sink_t *sink)
{
    ngx_av_otlp_metrics_t  *metrics;

    metrics = ngx_pcalloc(rows->pool, sizeof(ngx_av_otlp_metrics_t));
    if (metrics == NULL) {
        return NGX_ERROR;
    }

    ngx_av_otlp_new_map(rows, &metrics->series);
    ngx_av_otlp_new_map(rows, &metrics->points);

    /* of size 0: cannot fail */

    (void) ngx_av_buf_init(&metrics->key, rows->pool, 0);
    (void) ngx_av_buf_init(&metrics->buckets, rows->pool, 0);
    (void) ngx_av_buf_init(&metrics->bounds, rows->pool, 0);
    (void) ngx_av_buf_init(&metrics->bounds_text, rows->pool, 0);

    rows->u.metrics = metrics;
    rows->table.columns = rows->batch->rows;

    sink->metric = ngx_av_otlp_metrics_metric;
    sink->point = ngx_av_otlp_metrics_point;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_metrics_metric(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_metric_t *metric)
{
    ngx_av_otlp_rows_t  *rows = data;

    (void) scope;
    (void) metric;

    rows->u.metrics->entered = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_metrics_point(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_metric_t *metric, const ngx_av_otlp_point_t *point)
{
    ngx_int_t              rc;
    ngx_av_otlp_rows_t    *rows = data;
    ngx_av_otlp_sample_t   sample;

    sample.metric = metric;
    sample.point = point;

    rc = ngx_av_otlp_metrics_take(rows, scope, &sample);

    rows->index++;

    return ngx_av_otlp_next(rc);
}


static ngx_int_t
ngx_av_otlp_metrics_take(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_scope_t *scope, ngx_av_otlp_sample_t *sample)
{
    ngx_int_t    rc;
    const char  *reason;

    reason = ngx_av_otlp_point_reason(sample->metric, sample->point);

    if (reason) {
        return ngx_av_otlp_refuse(rows, NULL, "%s", reason);
    }

    rc = ngx_av_otlp_metrics_times(rows, sample);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_otlp_write_buckets(rows, sample);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_otlp_enter(rows, scope);
    if (rc != NGX_OK) {
        return rc;
    }

    sample->series = ngx_av_otlp_find_series(rows, sample->metric,
                                             sample->point);
    if (sample->series == NULL) {
        return NGX_ERROR;
    }

    if (sample->series->refused) {
        return ngx_av_otlp_refuse(rows, NULL, "attributes: larger than is "
                                  "allowed");
    }

    rc = ngx_av_otlp_metrics_seen(rows, sample);
    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    return ngx_av_otlp_put_point(rows, sample);
}


static ngx_int_t
ngx_av_otlp_metrics_times(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_sample_t *sample)
{
    uint64_t   time;
    ngx_int_t  rc;

    rc = ngx_av_otlp_check_time(rows, NULL, "startTimeUnixNano",
                                sample->point->start);
    if (rc != NGX_OK) {
        return rc;
    }

    time = sample->point->time ? sample->point->time
                               : (uint64_t) rows->options->now;

    sample->time = (ngx_av_time_t) time;

    return ngx_av_otlp_check_window(rows, NULL, "timeUnixNano", time);
}


/* NGX_DONE if the series has a point of that time already. */

static ngx_int_t
ngx_av_otlp_metrics_seen(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_sample_t *sample)
{
    void    **value;
    u_char    key[sizeof(ngx_av_uuid_t) + sizeof(ngx_av_time_t)];

    ngx_memcpy(key, &sample->series->id, sizeof(ngx_av_uuid_t));
    ngx_memcpy(key + sizeof(ngx_av_uuid_t), &sample->time,
               sizeof(ngx_av_time_t));

    value = ngx_av_otlp_map_get(&rows->u.metrics->points, key, sizeof(key));
    if (value == NULL) {
        return NGX_ERROR;
    }

    if (*value) {
        return NGX_DONE;
    }

    *value = rows;

    return ngx_av_otlp_charge(rows, NGX_AV_OTLP_POINT_MEMORY);
}
