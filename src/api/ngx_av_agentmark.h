/*
 * AgentMark's reads (agentmark.md): the form of their errors, the application
 * header, answers in chunks.  Private to src/api.
 */

#ifndef _NGX_AV_AGENTMARK_H_INCLUDED_
#define _NGX_AV_AGENTMARK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"
#include "ngx_av_http.h"


/* Bare keys, {"error": ...}, and an application header that is checked. */
extern const ngx_av_http_style_t  ngx_av_agentmark_style;


/*
 * Sends what agentvista.agentmark_start() returned, a text[] in binary form:
 * the first chunk of the answer; what agentvista.agentmark_more() is to be
 * given to go on, or ""; the Content-Type, or ""; and where the next page
 * begins, or "".  Those at the end may be missing.  value lives as long as
 * the request.  Returns what ngx_http_finalize_request() is to be given;
 * NGX_DONE with a reference of its own if more chunks are to come.
 */
ngx_int_t ngx_av_agentmark_send(ngx_http_request_t *r, ngx_str_t *value);

/* GET /v1/health/ingestion */
ngx_int_t ngx_av_agentmark_health(ngx_http_request_t *r);


/* more: the statement of agentvista.agentmark_more() */
void ngx_av_agentmark_init_process(ngx_av_db_pool_t *readers,
    const ngx_av_db_statement_t *more);

/* of ngx_av_agentmark_chunks.c */
void ngx_av_agentmark_init_chunks(ngx_av_db_pool_t *readers,
    const ngx_av_db_statement_t *more);


#endif /* _NGX_AV_AGENTMARK_H_INCLUDED_ */
