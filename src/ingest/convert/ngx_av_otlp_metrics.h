/* A request's points by series.  Private to ngx_av_otlp_metrics.c, _series.c
   and _points.c. */

#ifndef _NGX_AV_OTLP_METRICS_H_INCLUDED_
#define _NGX_AV_OTLP_METRICS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp_rows.h"


typedef struct {
    ngx_av_uuid_t               id;
    ngx_uint_t                  refused;    /* its labels are over the limits:
                                               unsigned refused:1 */
} ngx_av_otlp_series_t;


/* A point that was found valid. */
typedef struct {
    const ngx_av_otlp_metric_t *metric;
    const ngx_av_otlp_point_t  *point;
    const ngx_av_otlp_series_t *series;
    ngx_av_time_t               time;
} ngx_av_otlp_sample_t;


struct ngx_av_otlp_metrics_s {
    ngx_av_otlp_map_t           series;     /* ngx_av_otlp_series_t by all that
                                               makes one, as it was sent */
    ngx_av_otlp_map_t           points;     /* by series and time */

    /* of the metric we are at, once it has a point */
    ngx_uint_t                  entered;    /* unsigned entered:1 */
    size_t                      prefix;     /* its part of key */

    ngx_av_buf_t                key;
    ngx_av_buf_t                buckets;

    ngx_av_buf_t                bounds;     /* the doubles of the point before,
                                               and as JSON */
    ngx_av_buf_t                bounds_text;
};


/* ngx_av_otlp_series.c */

/* The series of a point, NULL without memory.  Adds what it refers to. */
const ngx_av_otlp_series_t *ngx_av_otlp_find_series(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric, const ngx_av_otlp_point_t *point);


/* ngx_av_otlp_points.c */

/* NULL, or why the point has nothing that can be stored. */
const char *ngx_av_otlp_point_reason(const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_point_t *point);

/*
 * Writes metrics->buckets, which is empty if the point has none.
 * NGX_DECLINED: they are larger than is allowed, and the point is refused.
 */
ngx_int_t ngx_av_otlp_write_buckets(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_sample_t *sample);

/* The row of a point. */
ngx_int_t ngx_av_otlp_put_point(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_sample_t *sample);


#endif /* _NGX_AV_OTLP_METRICS_H_INCLUDED_ */
