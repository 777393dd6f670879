/*
 * gRPC over HTTP/2 (otlp.md 7).  Private to ingestion.
 */

#ifndef _NGX_AV_OTLP_GRPC_H_INCLUDED_
#define _NGX_AV_OTLP_GRPC_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_ingest_kind.h"


/* The request is a call of gRPC, and so must the answer be. */
ngx_uint_t ngx_av_otlp_grpc_is_call(ngx_http_request_t *r);

/* The kinds' check() for a call. */
ngx_int_t ngx_av_otlp_grpc_check(ngx_http_request_t *r,
    ngx_av_ingest_form_t *form);

/* Sends an encoded message, with the status "ok" in trailers. */
ngx_int_t ngx_av_otlp_grpc_send(ngx_http_request_t *r, ngx_str_t *message);

/* The page of an error, as ngx_av_http_style_t: it is in the headers. */
ngx_int_t ngx_av_otlp_grpc_page(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *detail, ngx_uint_t retry_after, ngx_av_http_page_t *page);


#endif /* _NGX_AV_OTLP_GRPC_H_INCLUDED_ */
