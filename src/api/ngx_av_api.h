/*
 * The API's routes: one table of methods, paths, scopes and handlers, and the
 * queries that the handlers of reads run.
 */

#ifndef _NGX_AV_API_H_INCLUDED_
#define _NGX_AV_API_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"
#include "ngx_av_http.h"


/* For ngx_av_http_loc_conf_t.route. */
ngx_int_t ngx_av_api_route(ngx_http_request_t *r, ngx_uint_t *scopes);

/* For ngx_av_http_loc_conf_t.style. */
const ngx_av_http_style_t *ngx_av_api_style(ngx_http_request_t *r);

/* The content handler of a location with "agentvista". */
ngx_int_t ngx_av_api_handler(ngx_http_request_t *r);

/* Log phase: counts a routed request by route and status. */
ngx_int_t ngx_av_api_log_handler(ngx_http_request_t *r);


/* Content handlers of locations with "agentvista_status". */
ngx_int_t ngx_av_status_healthz(ngx_http_request_t *r);
ngx_int_t ngx_av_status_readyz(ngx_http_request_t *r);
ngx_int_t ngx_av_status_metrics(ngx_http_request_t *r);


ngx_int_t ngx_av_api_init_process(ngx_cycle_t *cycle, ngx_av_db_conf_t *db,
    ngx_av_db_pool_t *readers);
void ngx_av_api_exit_process(void);


/*
 * Statements of the queries, for the reader pool: made in memory of the pool,
 * which lives as long as the worker.  NULL without memory.
 */
const ngx_av_db_statement_t *ngx_av_api_statements(ngx_pool_t *pool,
    ngx_uint_t *n);


#endif /* _NGX_AV_API_H_INCLUDED_ */
