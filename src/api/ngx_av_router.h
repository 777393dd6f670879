/*
 * The route table.  Private to src/api.
 */

#ifndef _NGX_AV_ROUTER_H_INCLUDED_
#define _NGX_AV_ROUTER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"
#include "ngx_av_http.h"
#include "ngx_av_ingest.h"


/*
 * Every route, without the trailing slash that a client may add.  A segment
 * in braces is a parameter and matches any text; where a path matches more
 * than one row, static segments win over parameters.
 *
 * HANDLER(method, path, scopes, handler)
 *
 * READ(path, function, arguments, types): a GET with scope "read" that is
 * answered by agentvista.function of src/sql/functions.  It takes the account
 * as $1, then the parameters of the path, of those types, and returns the
 * answer as json: null means 404.
 */
#define NGX_AV_ROUTES(HANDLER, READ)                                          \
    HANDLER(POST, "/traces/batch", NGX_AV_SCOPE_WRITE,                        \
            ngx_av_ingest_traces_batch)                                       \
    READ("/dashboard/traces/{trace_id}", trace_detail, "$1, $2",              \
         NGX_AV_DB_UUID)                                                      \
    HANDLER(GET, "/me/api-keys/ping", NGX_AV_SCOPE_READ,                      \
            ngx_av_api_keys_ping)                                             \
    READ("/me/usage", usage_report, "$1")


typedef struct {
    ngx_uint_t                     method;
    ngx_uint_t                     scopes;
    ngx_str_t                      path;
    ngx_int_t                    (*handler)(ngx_http_request_t *r);
    const ngx_av_db_statement_t   *statement;   /* of a read, else NULL */
} ngx_av_route_t;


/* Labels of the counters; ngx_av_http_ctx_t.route_index is an index here. */
extern const ngx_str_t   ngx_av_router_names[];
extern const ngx_uint_t  ngx_av_router_nnames;


/* Handlers: the context holds the route, its parameters and the account. */

/* of reads */
ngx_int_t ngx_av_query_handler(ngx_http_request_t *r);

ngx_int_t ngx_av_api_keys_ping(ngx_http_request_t *r);

/* Sends the answer of a route, which nobody may cache. */
ngx_int_t ngx_av_router_send(ngx_http_request_t *r, ngx_str_t *json);


void ngx_av_query_init_process(ngx_av_db_pool_t *readers);
ngx_int_t ngx_av_status_init_process(ngx_cycle_t *cycle,
    ngx_av_db_pool_t *readers);


#endif /* _NGX_AV_ROUTER_H_INCLUDED_ */
