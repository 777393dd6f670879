/*
 * OTLP over HTTP and gRPC (otlp.md 1-4, 7): content handlers, and how their
 * errors look.  Which of the three styles a request has decides how it is read
 * and answered.
 */

#ifndef _NGX_AV_OTLP_HTTP_H_INCLUDED_
#define _NGX_AV_OTLP_HTTP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_http.h"


/* /otlp/v1/..., AgentVista's own paths (agentvista.md 7) */
extern const ngx_av_http_style_t  ngx_av_otlp_native_style;

/* /v1/..., the standard ones, which are AgentMark's too (agentmark.md 5) */
extern const ngx_av_http_style_t  ngx_av_otlp_standard_style;

/* /opentelemetry.proto.collector... */
extern const ngx_av_http_style_t  ngx_av_otlp_grpc_style;


/* Content handlers of all three. */
ngx_int_t ngx_av_otlp_traces(ngx_http_request_t *r);
ngx_int_t ngx_av_otlp_metrics(ngx_http_request_t *r);
ngx_int_t ngx_av_otlp_logs(ngx_http_request_t *r);


#endif /* _NGX_AV_OTLP_HTTP_H_INCLUDED_ */
