/*
 * The description of the API: src/api/openapi.json, which the build script
 * makes into a text of C.  Private to src/api.
 */

#ifndef _NGX_AV_OPENAPI_H_INCLUDED_
#define _NGX_AV_OPENAPI_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* Handler of GET /openapi.json, and of /v1/openapi.json (agentmark.md 2.1). */
ngx_int_t ngx_av_openapi(ngx_http_request_t *r);


/* of ngx_av_openapi_text.c, which is made: the text, without its indents */
extern const char    ngx_av_openapi_text[];
extern const size_t  ngx_av_openapi_size;


#endif /* _NGX_AV_OPENAPI_H_INCLUDED_ */
