/* The access phase: bearer token, key, scopes. */

#ifndef _NGX_AV_ACCESS_H_INCLUDED_
#define _NGX_AV_ACCESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"
#include "ngx_av_key.h"


typedef struct {
    ngx_msec_t   key_ttl;       /* of a known key, while notifications work */
    ngx_msec_t   unheard_ttl;   /* while they do not */
    ngx_msec_t   unknown_ttl;   /* of "no such key" */
} ngx_av_auth_conf_t;


ngx_int_t ngx_av_access_handler(ngx_http_request_t *r);

/*
 * The hash of the API key that the request came with, for what outlives the
 * access phase and has to look again; NGX_DECLINED if it came without.
 */
ngx_int_t ngx_av_access_key(ngx_http_request_t *r, ngx_av_key_hash_t *hash);

/*
 * init_process, after the zone is attached: keeps the pool that keys and
 * quotas are read by, and starts listening for changes in worker 0.
 */
ngx_int_t ngx_av_auth_init_process(ngx_cycle_t *cycle,
    ngx_av_auth_conf_t *conf, ngx_av_db_conf_t *db, ngx_av_db_pool_t *readers);
void ngx_av_auth_exit_process(ngx_cycle_t *cycle);

/* $agentvista_account, $agentvista_key_prefix, $agentvista_spans */
ngx_int_t ngx_av_access_add_variables(ngx_conf_t *cf);


#endif /* _NGX_AV_ACCESS_H_INCLUDED_ */
