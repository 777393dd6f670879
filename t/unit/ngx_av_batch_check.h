/*
 * What must hold for every batch, whatever it was decoded from; and the cells
 * of its columns as text.
 */

#ifndef _NGX_AV_BATCH_CHECK_H_INCLUDED_
#define _NGX_AV_BATCH_CHECK_H_INCLUDED_


#include "ngx_av_batch.h"


/*
 * NULL, or what does not hold.  In short: the columns are elements of their
 * types, as many as there are rows; the parts share them out; Postgres accepts
 * each; texts are within the limits; every element of "traces" is in parts or
 * in errors; the agents are those of the parts.
 */
const char *ngx_av_batch_check(const ngx_av_batch_t *batch,
    const ngx_av_batch_limits_t *limits);

/*
 * The same of a batch made of OTLP, of which less is known beforehand: parts,
 * columns and agents.
 */
const char *ngx_av_batch_check_otlp(const ngx_av_batch_t *batch);

/*
 * A cell as Postgres would print it (times as by ngx_av_time_format(), jsonb
 * as it was sent), "NULL" for null.  Terminated, valid until the next call but
 * seven; len may be NULL.
 */
const char *ngx_av_batch_trace_cell(const ngx_av_batch_t *batch,
    ngx_uint_t row, ngx_av_trace_column_e column, size_t *len);
const char *ngx_av_batch_span_cell(const ngx_av_batch_t *batch,
    ngx_uint_t row, ngx_av_span_column_e column, size_t *len);

const char *ngx_av_batch_log_cell(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_av_log_column_e column, size_t *len);
const char *ngx_av_batch_point_cell(const ngx_av_batch_t *batch,
    ngx_uint_t row, ngx_av_point_column_e column, size_t *len);

extern const char *const  ngx_av_batch_trace_names[NGX_AV_TRACE_NCOLUMNS];
extern const char *const  ngx_av_batch_span_names[NGX_AV_SPAN_NCOLUMNS];


#endif /* _NGX_AV_BATCH_CHECK_H_INCLUDED_ */
