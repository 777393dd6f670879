/*
 * AgentMark's reads (agentmark.md): the form of their errors, the application
 * header.  Private to src/api.
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


/* GET /v1/health/ingestion */
ngx_int_t ngx_av_agentmark_health(ngx_http_request_t *r);


void ngx_av_agentmark_init_process(ngx_av_db_pool_t *readers);


#endif /* _NGX_AV_AGENTMARK_H_INCLUDED_ */
