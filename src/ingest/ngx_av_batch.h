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
#include "ngx_av_time.h"
#include "ngx_av_uuid.h"


#define NGX_AV_BATCH_MAX_SPANS   100        /* agentvista.md 4.2 */
#define NGX_AV_BATCH_MAX_TRACES  1000


typedef struct {
    size_t          attribute_limit;    /* bytes of one text */
    size_t          span_limit;         /* bytes of all texts of a span, or of
                                           a header */
    ngx_uint_t      depth;              /* levels of nesting in a value */
    size_t          memory_limit;       /* of the parsed document */
    ngx_av_time_t   earliest;           /* starts outside these are refused: */
    ngx_av_time_t   latest;             /* there is no partition for them */
} ngx_av_batch_limits_t;


/*
 * A part of a trace: a header and spans with distinct ids.  Ordinarily an
 * element of "traces" is one part; if it has a span both running and ended,
 * those that come second make another part with the same header, so that
 * merging happens between parts only.  A part's rows start at these offsets of
 * the column buffers and end where the next part's start (or the buffer ends).
 */
typedef struct {
    ngx_uint_t      element;            /* index in the request's "traces" */
    ngx_av_uuid_t   trace;
    ngx_uint_t      nspans;
    uint32_t        trace_start[NGX_AV_TRACE_NCOLUMNS];
    uint32_t        span_start[NGX_AV_SPAN_NCOLUMNS];
    unsigned        settled:1;          /* the writer's: stored or rejected */
} ngx_av_batch_part_t;


typedef struct {
    ngx_uint_t      element;
    ngx_str_t       trace_id;           /* JSON: a quoted string or null */
    ngx_str_t       detail;             /* plain text */
} ngx_av_batch_error_t;


typedef struct {
    ngx_av_uuid_t   id;
    ngx_str_t       name;
} ngx_av_batch_agent_t;


typedef struct {
    ngx_pool_t     *pool;
    ngx_av_uuid_t   account;

    ngx_uint_t      ntraces;            /* elements of "traces" */
    ngx_uint_t      nspans;             /* in all parts, no duplicates */
    ngx_uint_t      nrejected;          /* of traces that did not decode */
    ngx_array_t     parts;              /* of ngx_av_batch_part_t */
    ngx_array_t     errors;             /* of ngx_av_batch_error_t */
    ngx_array_t     agents;             /* of ngx_av_batch_agent_t, distinct */

    ngx_av_buf_t    traces[NGX_AV_TRACE_NCOLUMNS];
    ngx_av_buf_t    spans[NGX_AV_SPAN_NCOLUMNS];
} ngx_av_batch_t;


/* With a pool of its own; NULL without memory. */
ngx_av_batch_t *ngx_av_batch_create(ngx_av_uuid_t *account, ngx_log_t *log);
void ngx_av_batch_destroy(ngx_av_batch_t *batch);

/*
 * Decodes the body of POST /traces/batch (agentvista.md 4.1).  A trace that is
 * not valid becomes an error of the batch, with all its spans; its neighbours
 * are kept.  now is the time of arrival.
 *
 * NGX_OK; NGX_DECLINED if the request is refused as a whole, with the reason
 * in detail (batch's pool); NGX_ABORT: its document needs more memory than the
 * limit; NGX_ERROR without memory.
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
