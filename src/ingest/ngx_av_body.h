/*
 * A request's body as one piece of memory, inflated if need be, with every
 * byte of it charged to the worker's budget.
 */

#ifndef _NGX_AV_BODY_H_INCLUDED_
#define _NGX_AV_BODY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * Memory for telemetry on its way through this worker.  take() is NGX_BUSY
 * over the limit: the request is to be refused with 503.
 */
void ngx_av_budget_init(size_t limit);
ngx_int_t ngx_av_budget_take(size_t size);
void ngx_av_budget_give(size_t size);
size_t ngx_av_budget_left(void);


/*
 * After nginx has read the body: gives it in text, in r's pool.  Adds what it
 * takes from the budget to *taken, which the caller gives back.  NGX_OK, or
 * the status of an error answer that has been prepared.
 */
ngx_int_t ngx_av_body_get(ngx_http_request_t *r, ngx_str_t *text,
    size_t *taken);

/* Content-Encoding is one we can undo: NGX_OK or an error's status. */
ngx_int_t ngx_av_body_check_encoding(ngx_http_request_t *r);


#endif /* _NGX_AV_BODY_H_INCLUDED_ */
