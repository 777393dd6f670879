/*
 * Refusals over HTTP/2 while the body is still being sent.  nginx answers and
 * resets the stream, as it may (RFC 9113, 8.1); but there are clients that
 * take the reset for a failure and lose the answer.
 */

#ifndef _NGX_AV_DRAIN_H_INCLUDED_
#define _NGX_AV_DRAIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * For a handler that is about to return rc, an error's status: reads the body
 * first, but no more than a megabyte, and drops it, where the request's style
 * wants that.  Returns rc if there is nothing to read, else NGX_DONE: the
 * request will be finalised with rc, for which it has been given a reference.
 */
ngx_int_t ngx_av_drain(ngx_http_request_t *r, ngx_int_t rc);


#endif /* _NGX_AV_DRAIN_H_INCLUDED_ */
