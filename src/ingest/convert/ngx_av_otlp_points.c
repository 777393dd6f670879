#include "ngx_av_otlp_metrics.h"

#include "ngx_av_text.h"


/*
 * Names are indexed, and an index of Postgres takes no more than 2.7 kB; the
 * specification allows 255 characters.
 */
#define NGX_AV_OTLP_METRIC_NAME  1024


static double ngx_av_otlp_point_value(const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_point_t *point);
static ngx_int_t ngx_av_otlp_write_histogram(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_point_t *point);
static ngx_int_t ngx_av_otlp_write_bounds(ngx_av_otlp_metrics_t *metrics,
    const ngx_av_otlp_array_t *bounds);
static ngx_int_t ngx_av_otlp_write_exponential(ngx_av_buf_t *b,
    const ngx_av_otlp_point_t *point);
static ngx_int_t ngx_av_otlp_write_side(ngx_av_buf_t *b, const char *before,
    const ngx_av_otlp_buckets_t *buckets);
static ngx_int_t ngx_av_otlp_write_quantiles(ngx_av_buf_t *b,
    const ngx_av_otlp_point_t *point);
static ngx_int_t ngx_av_otlp_write_counts(ngx_av_buf_t *b,
    const ngx_av_otlp_array_t *counts);
static ngx_int_t ngx_av_otlp_write_double(ngx_av_buf_t *b, double number);
static ngx_int_t ngx_av_otlp_put_sides(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_sample_t *sample);
static ngx_int_t ngx_av_otlp_put_buckets(ngx_av_otlp_rows_t *rows);
static ngx_int_t ngx_av_otlp_put_exemplars(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_array_t *exemplars);


static ngx_inline ngx_uint_t
ngx_av_otlp_is_number(const ngx_av_otlp_metric_t *metric)
{
    return metric->type == NGX_AV_OTLP_GAUGE || metric->type == NGX_AV_OTLP_SUM;
}


const char *
ngx_av_otlp_point_reason(const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_point_t *point)
{
    if (metric->name.len == 0) {
        return "name: field required";
    }

    if (metric->name.len > NGX_AV_OTLP_METRIC_NAME) {
        return "name: longer than is allowed";
    }

    if (point->flags & NGX_AV_OTLP_NO_RECORDED_VALUE) {
        return "flags: no recorded value";
    }

    if (ngx_av_otlp_is_number(metric)
        && point->value.kind != NGX_AV_OTLP_INT
        && point->value.kind != NGX_AV_OTLP_DOUBLE)
    {
        return "asDouble or asInt: field required";
    }

    if (point->count > INT64_MAX) {
        return "count: out of range";
    }

    return NULL;
}


ngx_int_t
ngx_av_otlp_write_buckets(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_sample_t *sample)
{
    ngx_int_t                   rc;
    ngx_av_buf_t               *b;
    const ngx_av_otlp_point_t  *point;

    b = &rows->u.metrics->buckets;
    b->last = b->start;

    point = sample->point;

    switch (sample->metric->type) {

    case NGX_AV_OTLP_HISTOGRAM:
        rc = ngx_av_otlp_write_histogram(rows, point);
        break;

    case NGX_AV_OTLP_EXP_HISTOGRAM:
        rc = ngx_av_otlp_write_exponential(b, point);
        break;

    case NGX_AV_OTLP_SUMMARY:
        rc = ngx_av_otlp_write_quantiles(b, point);
        break;

    default:
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    /* half a histogram would be a wrong one */

    if (ngx_av_buf_len(b) > rows->texts.span_limit) {
        return ngx_av_otlp_refuse(rows, NULL, "buckets: larger than is "
                                  "allowed");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_write_histogram(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_point_t *point)
{
    ngx_av_buf_t           *b;
    ngx_av_otlp_metrics_t  *metrics;

    metrics = rows->u.metrics;
    b = &metrics->buckets;

    if (point->bucket_counts.nelts == 0 && point->explicit_bounds.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_av_otlp_write_bounds(metrics, &point->explicit_bounds) != NGX_OK
        || ngx_av_buf_append(b, "{\"bounds\":", 10) != NGX_OK
        || ngx_av_buf_append(b, metrics->bounds_text.start,
                             ngx_av_buf_len(&metrics->bounds_text))
           != NGX_OK
        || ngx_av_buf_append(b, ",\"counts\":", 10) != NGX_OK
        || ngx_av_otlp_write_counts(b, &point->bucket_counts) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_buf_append(b, "}", 1);
}


/* Points in a row have the same bounds, and doubles take long to print. */

static ngx_int_t
ngx_av_otlp_write_bounds(ngx_av_otlp_metrics_t *metrics,
    const ngx_av_otlp_array_t *bounds)
{
    size_t         size;
    double        *number;
    ngx_uint_t     i;
    ngx_av_buf_t  *b;

    number = bounds->elts;
    size = bounds->nelts * sizeof(double);

    b = &metrics->bounds_text;

    if (ngx_av_buf_len(b)
        && ngx_av_buf_len(&metrics->bounds) == size
        && (size == 0
            || ngx_memcmp(metrics->bounds.start, number, size) == 0))
    {
        return NGX_OK;
    }

    metrics->bounds.last = metrics->bounds.start;
    b->last = b->start;

    if (ngx_av_buf_append(&metrics->bounds, number, size) != NGX_OK
        || ngx_av_buf_append(b, "[", 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < bounds->nelts; i++) {
        if ((i && ngx_av_buf_append(b, ",", 1) != NGX_OK)
            || ngx_av_otlp_write_double(b, number[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_av_buf_append(b, "]", 1);
}


static ngx_int_t
ngx_av_otlp_write_exponential(ngx_av_buf_t *b,
    const ngx_av_otlp_point_t *point)
{
    static const char  format[] = "{\"scale\":%D,\"zero_count\":%uL,"
                                  "\"zero_threshold\":";

    if (ngx_av_buf_reserve(b, sizeof(format) + 2 * NGX_INT64_LEN) != NGX_OK) {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last, format, point->scale, point->zero_count);

    if (ngx_av_otlp_write_double(b, point->zero_threshold) != NGX_OK
        || ngx_av_otlp_write_side(b, ",\"positive\":", &point->positive)
           != NGX_OK
        || ngx_av_otlp_write_side(b, ",\"negative\":", &point->negative)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_buf_append(b, "}", 1);
}


static ngx_int_t
ngx_av_otlp_write_side(ngx_av_buf_t *b, const char *before,
    const ngx_av_otlp_buckets_t *buckets)
{
    static const char  format[] = "%s{\"offset\":%D,\"counts\":";

    if (ngx_av_buf_reserve(b, sizeof(format) + ngx_strlen(before)
                              + NGX_INT32_LEN)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last, format, before, buckets->offset);

    if (ngx_av_otlp_write_counts(b, &buckets->counts) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_buf_append(b, "}", 1);
}


static ngx_int_t
ngx_av_otlp_write_quantiles(ngx_av_buf_t *b, const ngx_av_otlp_point_t *point)
{
    const char              *before;
    ngx_uint_t               i;
    ngx_av_otlp_quantile_t  *quantile;

    quantile = point->quantiles.elts;

    if (point->quantiles.nelts == 0) {
        return NGX_OK;
    }

    before = "{\"quantiles\":[{\"quantile\":";

    for (i = 0; i < point->quantiles.nelts; i++) {
        if (ngx_av_buf_append(b, before, ngx_strlen(before)) != NGX_OK
            || ngx_av_otlp_write_double(b, quantile[i].quantile) != NGX_OK
            || ngx_av_buf_append(b, ",\"value\":", 9) != NGX_OK
            || ngx_av_otlp_write_double(b, quantile[i].value) != NGX_OK)
        {
            return NGX_ERROR;
        }

        before = "},{\"quantile\":";
    }

    return ngx_av_buf_append(b, "}]}", 3);
}


static ngx_int_t
ngx_av_otlp_write_counts(ngx_av_buf_t *b, const ngx_av_otlp_array_t *counts)
{
    u_char      *p;
    uint64_t    *count;
    ngx_uint_t   i;

    count = counts->elts;

    if (ngx_av_buf_reserve(b, 2 + counts->nelts * (NGX_INT64_LEN + 1))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = b->last;

    *p++ = '[';

    for (i = 0; i < counts->nelts; i++) {
        if (i) {
            *p++ = ',';
        }

        /* most buckets have few */

        if (count[i] < 10) {
            *p++ = '0' + (u_char) count[i];

        } else {
            p = ngx_av_text_uint64(p, count[i]);
        }
    }

    *p++ = ']';
    b->last = p;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_write_double(ngx_av_buf_t *b, double number)
{
    ngx_av_otlp_value_t  value;

    value.kind = NGX_AV_OTLP_DOUBLE;
    value.u.number = number;

    return ngx_av_otlp_value_json(b, &value, 0);
}


ngx_int_t
ngx_av_otlp_put_point(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_sample_t *sample)
{
    ngx_av_otlp_table_t        *table;
    const ngx_av_otlp_point_t  *point;

    table = &rows->table;
    point = sample->point;

    ngx_av_texts_begin(&rows->texts);

    if (ngx_av_otlp_put_uuid(table, NGX_AV_POINT_ACCOUNT,
                             &rows->batch->account)
        != NGX_OK
        || ngx_av_otlp_put_int4(table, NGX_AV_POINT_DAY,
                                ngx_av_time_pg_day(sample->time))
           != NGX_OK
        || ngx_av_otlp_put_uuid(table, NGX_AV_POINT_SERIES_ID,
                                &sample->series->id)
           != NGX_OK
        || ngx_av_otlp_put_int2(table, NGX_AV_POINT_RECORDED_NANOS,
                                sample->time % 1000)
           != NGX_OK
        || ngx_av_otlp_put_int8(table, NGX_AV_POINT_RECORDED_AT,
                                ngx_av_time_pg_timestamp(sample->time))
           != NGX_OK
        || ngx_av_otlp_put_float8(table, NGX_AV_POINT_VALUE,
                                  ngx_av_otlp_point_value(sample->metric,
                                                          point))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (point->start
        && ngx_av_otlp_put_time(table, NGX_AV_POINT_STARTED_AT,
                                NGX_AV_POINT_STARTED_NANOS, point->start)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (point->flags
        && ngx_av_otlp_put_int8(table, NGX_AV_POINT_FLAGS, point->flags)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_otlp_put_sides(rows, sample) != NGX_OK
        || ngx_av_otlp_put_buckets(rows) != NGX_OK
        || ngx_av_otlp_put_exemplars(rows, &point->exemplars) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_end_row(table);
}


/* agentvista.md 7.3 */

static double
ngx_av_otlp_point_value(const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_point_t *point)
{
    if (!ngx_av_otlp_is_number(metric)) {
        return point->count ? point->sum / (double) point->count : 0;
    }

    if (point->value.kind == NGX_AV_OTLP_INT) {
        return (double) point->value.u.integer;
    }

    return point->value.u.number;
}


/* What the value is made of, or the digits that it may not hold. */

static ngx_int_t
ngx_av_otlp_put_sides(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_sample_t *sample)
{
    ngx_av_otlp_table_t        *table;
    const ngx_av_otlp_point_t  *point;

    table = &rows->table;
    point = sample->point;

    if (ngx_av_otlp_is_number(sample->metric)) {

        if (point->value.kind != NGX_AV_OTLP_INT) {
            return NGX_OK;
        }

        return ngx_av_otlp_put_int8(table, NGX_AV_POINT_INTEGER_VALUE,
                                    point->value.u.integer);
    }

    if (ngx_av_otlp_put_int8(table, NGX_AV_POINT_COUNT, point->count)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (((point->present & NGX_AV_OTLP_HAS_SUM)
         || sample->metric->type == NGX_AV_OTLP_SUMMARY)
        && ngx_av_otlp_put_float8(table, NGX_AV_POINT_SUM, point->sum)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((point->present & NGX_AV_OTLP_HAS_MIN)
        && ngx_av_otlp_put_float8(table, NGX_AV_POINT_MIN, point->min)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!(point->present & NGX_AV_OTLP_HAS_MAX)) {
        return NGX_OK;
    }

    return ngx_av_otlp_put_float8(table, NGX_AV_POINT_MAX, point->max);
}


static ngx_int_t
ngx_av_otlp_put_buckets(ngx_av_otlp_rows_t *rows)
{
    ngx_av_buf_t  *b, *buckets;

    buckets = &rows->u.metrics->buckets;

    if (ngx_av_buf_len(buckets) == 0) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(&rows->table, NGX_AV_POINT_BUCKETS);

    return b ? ngx_av_db_array_text(b, buckets->start, ngx_av_buf_len(buckets))
             : NGX_ERROR;
}


/* Exemplars are there to lead to a trace. */

static ngx_int_t
ngx_av_otlp_put_exemplars(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_array_t *exemplars)
{
    size_t                   mark;
    ngx_uint_t               i;
    ngx_av_buf_t            *b;
    ngx_av_otlp_exemplar_t  *exemplar;

    exemplar = exemplars->elts;

    for (i = 0; i < exemplars->nelts && exemplar[i].trace_id.len == 0; i++) {
        /* void */
    }

    if (i == exemplars->nelts) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(&rows->table, NGX_AV_POINT_EXEMPLARS);

    if (b == NULL
        || ngx_av_db_array_begin(b, NGX_AV_DB_JSON, &mark) != NGX_OK
        || ngx_av_otlp_write_exemplars(&rows->texts, b, exemplars) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_db_array_end(b, mark);

    return NGX_OK;
}
