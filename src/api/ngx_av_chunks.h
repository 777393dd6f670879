/*
 * Sends an answer of rows: at once, or in chunks where it is large.  Private
 * to src/api.
 */

#ifndef _NGX_AV_CHUNKS_H_INCLUDED_
#define _NGX_AV_CHUNKS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"
#include "ngx_av_span_row.h"


/*
 * Sends the first chunk, which lives as long as the request, and those that
 * its rest says will follow.  Returns what ngx_http_finalize_request() is to
 * be given; NGX_DONE with a reference of its own if more chunks are to come.
 */
ngx_int_t ngx_av_chunks_send(ngx_http_request_t *r,
    const ngx_av_span_form_t *form, ngx_av_span_chunk_t *chunk);


/* more: the statement of agentvista.agentmark_more() */
void ngx_av_chunks_init_process(ngx_av_db_pool_t *readers,
    const ngx_av_db_statement_t *more);


#endif /* _NGX_AV_CHUNKS_H_INCLUDED_ */
