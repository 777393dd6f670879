/*
 * A batch: what one request brings, decoded and validated, as column buffers
 * ready for Postgres.  It owns a pool of its own, since it may outlive the
 * request.  Knows no HTTP.
 */

#ifndef _NGX_AV_BATCH_H_INCLUDED_
#define _NGX_AV_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"
#include "ngx_av_columns.h"
#include "ngx_av_memory.h"
#include "ngx_av_time.h"
#include "ngx_av_uuid.h"


#define NGX_AV_BATCH_MAX_SPANS   100        /* agentvista.md 4.2 */
#define NGX_AV_BATCH_MAX_TRACES  1000


typedef struct {
    size_t            attribute_limit;  /* bytes of one text */
    size_t            span_limit;       /* bytes of all texts of a span, or of
                                           a header */
    ngx_uint_t        depth;            /* levels of nesting in a value */
    size_t            memory_limit;     /* of the parsed document */
    ngx_av_memory_t  *account;          /* where it counts, or NULL */
    ngx_av_time_t     earliest;         /* starts outside these are refused: */
    ngx_av_time_t     latest;           /* there is no partition for them */
} ngx_av_batch_limits_t;


typedef enum {
    NGX_AV_BATCH_TRACES = 0,
    NGX_AV_BATCH_LOGS,
    NGX_AV_BATCH_POINTS
} ngx_av_batch_kind_e;


/*
 * The smallest thing that is stored or rejected as a whole.  Of traces: a
 * header and spans with distinct ids.  Ordinarily an element of "traces" is
 * one part; if it has a span both running and ended, those that come second
 * make another part with the same header, so that merging happens between
 * parts only.  A part's rows start at these offsets of the column buffers and
 * end where the next part's start (or the buffer ends).
 *
 * Logs and points: all rows of the batch are one part.
 */
typedef struct {
    ngx_uint_t      element;            /* index in the request's "traces" */
    ngx_av_uuid_t   trace;
    ngx_uint_t      nrows;              /* spans, log records or points */
    uint32_t        trace_start[NGX_AV_TRACE_NCOLUMNS];
    uint32_t        span_start[NGX_AV_SPAN_NCOLUMNS];
    unsigned        settled:1;          /* the writer's: stored or rejected */
} ngx_av_batch_part_t;


typedef struct {
    ngx_uint_t      element;
    ngx_str_t       trace_id;           /* JSON: a quoted string or null */
    ngx_str_t       detail;             /* plain text */
} ngx_av_batch_error_t;


/*
 * What rows refer to by an id, and what is stored with the first of them; doc
 * is what it is made of.  Of an agent: its name.  Of the others: a JSON object
 * (scope: service_name, resource, resource_schema_url, name, version,
 * attributes, schema_url; metric: name, type, unit, description; series:
 * metric, type, temporality, monotonic, labels, scope_id).
 */

typedef enum {
    NGX_AV_REF_AGENT = 0,
    NGX_AV_REF_SCOPE,
    NGX_AV_REF_METRIC,
    NGX_AV_REF_SERIES,
    NGX_AV_NREFS
} ngx_av_ref_e;

typedef struct {
    ngx_av_uuid_t   id;
    ngx_str_t       doc;
} ngx_av_batch_ref_t;


#define NGX_AV_BATCH_NCOLUMNS                                                 \
    ngx_max((int) NGX_AV_LOG_NCOLUMNS, (int) NGX_AV_POINT_NCOLUMNS)


/*
 * Columns are array elements as ngx_av_db_array.h writes them.  A column
 * without a byte is null in all rows of the batch.
 */
typedef struct {
    ngx_pool_t     *pool;
    ngx_av_uuid_t   account;
    ngx_uint_t      kind;               /* ngx_av_batch_kind_e */

    ngx_uint_t      ntraces;            /* elements of "traces" */
    ngx_uint_t      nrows;              /* in all parts, no duplicates */
    ngx_uint_t      nrejected;          /* rows that were not valid */
    ngx_array_t     parts;              /* of ngx_av_batch_part_t */
    ngx_array_t     errors;             /* of ngx_av_batch_error_t */
    ngx_array_t     refs[NGX_AV_NREFS]; /* of ngx_av_batch_ref_t, distinct */

    /* of traces */
    ngx_av_buf_t    traces[NGX_AV_TRACE_NCOLUMNS];
    ngx_av_buf_t    spans[NGX_AV_SPAN_NCOLUMNS];

    /* of logs or points */
    ngx_av_buf_t    rows[NGX_AV_BATCH_NCOLUMNS];
} ngx_av_batch_t;


/* With a pool of its own, and no columns; NULL without memory. */
ngx_av_batch_t *ngx_av_batch_create(ngx_av_batch_kind_e kind,
    ngx_av_uuid_t *account, ngx_log_t *log);
void ngx_av_batch_destroy(ngx_av_batch_t *batch);

/*
 * Decodes the body of POST /traces/batch (agentvista.md 4.1).  A trace that is
 * not valid becomes an error of the batch, with all its spans; its neighbours
 * are kept.  now is the time of arrival.
 *
 * NGX_OK; NGX_DECLINED if the request is refused as a whole, with the reason
 * in detail (batch's pool); NGX_ABORT: its document needs more memory than the
 * limit, NGX_BUSY: than its account has now; NGX_ERROR without memory.
 */
ngx_int_t ngx_av_batch_decode(ngx_av_batch_t *batch, const u_char *body,
    size_t len, const ngx_av_batch_limits_t *limits, ngx_av_time_t now,
    ngx_str_t *detail);

/*
 * Adds an error for an element.  trace_id is JSON, as in the error, or NULL
 * for null; it and detail are copied.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_av_batch_reject(ngx_av_batch_t *batch, ngx_uint_t element,
    const ngx_str_t *trace_id, const char *detail);

/* Bytes of all column buffers: what the batch adds to a flush. */
size_t ngx_av_batch_size(const ngx_av_batch_t *batch);


#endif /* _NGX_AV_BATCH_H_INCLUDED_ */
