/*
 * One element of "traces" (agentvista.md 4.1): a header and its spans, from
 * JSON to rows.
 */

#ifndef _NGX_AV_BATCH_TRACE_H_INCLUDED_
#define _NGX_AV_BATCH_TRACE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_batch.h"
#include "ngx_av_batch_fields.h"
#include "ngx_av_batch_rows.h"


/* A span id of the element, and which of its states were seen. */
typedef struct {
    ngx_av_uuid_t                 id;
    ngx_uint_t                    running;      /* unsigned running:1 */
    ngx_uint_t                    ended;        /* unsigned ended:1 */
} ngx_av_batch_seen_t;


/* A span that repeats an id of the first part. */
typedef struct {
    ngx_int_t                     span;         /* its index */
    int64_t                       ordinal;
    ngx_av_value_t                values[NGX_AV_SPAN_NFIELDS];
} ngx_av_batch_later_t;


/* State that lives as long as one request is being decoded. */
typedef struct {
    ngx_av_batch_t               *batch;
    ngx_av_batch_rows_t           rows;
    ngx_av_place_t                place;
    int64_t                       ordinal;      /* of the next span */

    /* the agent before; the name belongs to the batch */
    ngx_av_batch_ref_t            agent;
    ngx_uint_t                    agent_added;  /* unsigned agent_added:1 */

    /* of the element */
    ngx_uint_t                    nseen;
    ngx_uint_t                    nlater;
    ngx_av_value_t                header[NGX_AV_HEADER_NFIELDS];
    ngx_av_value_t                span[NGX_AV_SPAN_NFIELDS];
    ngx_av_batch_seen_t           seen[NGX_AV_BATCH_MAX_SPANS];
    ngx_av_batch_later_t         *later[NGX_AV_BATCH_MAX_SPANS];
} ngx_av_batch_reader_t;


/*
 * Decodes an element into parts.  header and spans are its members, NULL if
 * absent.  NGX_OK; NGX_DECLINED if it is not valid, with place.detail, and
 * nothing of it is left in the batch; NGX_ERROR without memory.
 */
ngx_int_t ngx_av_batch_trace(ngx_av_batch_reader_t *reader,
    yyjson_val *header, yyjson_val *spans);


#endif /* _NGX_AV_BATCH_TRACE_H_INCLUDED_ */
