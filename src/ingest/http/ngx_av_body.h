/*
 * A request's body once nginx has read it, and the budget of memory that
 * telemetry on its way takes.
 */

#ifndef _NGX_AV_BODY_H_INCLUDED_
#define _NGX_AV_BODY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_inflate.h"


/* What clients are told. */
#define NGX_AV_BODY_INFLATED                                                  \
    "The body has more than %uz bytes after decompression."


/*
 * Memory for telemetry on its way through this worker, also from threads.
 * take() is NGX_BUSY over the limit.  cover() takes what *taken lacks of size,
 * and adds it; settle() also gives back what it has beyond.
 */
void ngx_av_budget_init(size_t limit);
ngx_int_t ngx_av_budget_take(size_t size);
ngx_int_t ngx_av_budget_cover(size_t *taken, size_t size);
ngx_int_t ngx_av_budget_settle(size_t *taken, size_t size);
void ngx_av_budget_give(size_t size);

/* Prepares the 503 of a request there is no memory for. */
ngx_int_t ngx_av_budget_refuse(ngx_http_request_t *r);


/* Where the bytes of a body are. */
typedef struct {
    ngx_array_t   pieces;
    size_t        len;
} ngx_av_body_t;


/*
 * Content-Encoding is one we can undo: NGX_OK, and *coding is NULL if there is
 * nothing to undo; or the status of an error that has been prepared.
 */
ngx_int_t ngx_av_body_check_encoding(ngx_http_request_t *r,
    const ngx_av_coding_t **coding);

/*
 * A small body, inflated if need be, in r's pool: all of the following at
 * once.  Adds what it takes from the budget to *taken, which the caller gives
 * back.  NGX_OK, or the status of an error that has been prepared.
 */
ngx_int_t ngx_av_body_get(ngx_http_request_t *r, ngx_str_t *text,
    size_t *taken);

/*
 * Finds the body that nginx has read; the bytes stay where they are, which is
 * r's.  NGX_ERROR without memory.
 */
ngx_int_t ngx_av_body_find(ngx_http_request_t *r, ngx_pool_t *pool,
    ngx_av_body_t *body);

/* Makes it independent of the request, for as long as the pool lives. */
ngx_int_t ngx_av_body_detach(ngx_av_body_t *body, ngx_pool_t *pool);

/*
 * What a compressed body says that it inflates to, unless that is over the
 * limit or hard to believe.
 */
size_t ngx_av_body_inflated(ngx_av_body_t *body,
    const ngx_av_coding_t *coding, size_t limit);

/*
 * The body as one piece of memory, in pool unless it is one already.  This and
 * the next function may run in a thread.  NGX_ERROR: no memory, or a file that
 * cannot be read.
 */
ngx_int_t ngx_av_body_read(ngx_av_body_t *body, ngx_pool_t *pool,
    ngx_str_t *text);

/*
 * Inflates text into pool.  The budget is charged for each byte that comes out
 * factor times, and once for what went in; *taken says for how many in all.
 * NGX_OK; NGX_DECLINED: not in the coding, or truncated; NGX_ABORT: over the
 * limit; NGX_BUSY: over the budget; NGX_ERROR: no memory.
 */
ngx_int_t ngx_av_body_inflate(const ngx_av_coding_t *coding, ngx_pool_t *pool,
    size_t limit, ngx_uint_t factor, size_t *taken, ngx_str_t *text);


#endif /* _NGX_AV_BODY_H_INCLUDED_ */
