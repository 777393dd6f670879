/*
 * A connection that LISTENs to a channel and looks at the server's health:
 * "agentvista" tells of other hosts' changes of keys and quotas and of accounts
 * that are watched, "agentvista_traces" of new traces of those.
 */

#ifndef _NGX_AV_DB_LISTEN_H_INCLUDED_
#define _NGX_AV_DB_LISTEN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"


typedef struct ngx_av_db_listener_s  ngx_av_db_listener_t;

typedef struct {
    const char   *listen;       /* the statement */

    /* LISTEN has just taken effect: earlier notifications may be lost */
    void        (*connected)(void *data);

    /* payload of one notification */
    void        (*notified)(void *data, ngx_str_t *payload);

    /*
     * The connection has just proved to be alive (at start and every
     * heartbeat), with the problems that agentvista.health() names, joined by
     * "; ", empty if there are none.
     */
    void        (*alive)(void *data, ngx_str_t *problems);

    /* the connection is gone; connected() follows when it is back */
    void        (*lost)(void *data);

    void         *data;
    ngx_msec_t    heartbeat;
} ngx_av_db_listen_conf_t;


/* Starts one in this worker, for as long as its cycle.  NULL without memory. */
ngx_av_db_listener_t *ngx_av_db_listen_start(ngx_cycle_t *cycle,
    ngx_av_db_conf_t *conf, const ngx_av_db_listen_conf_t *listen_conf);

/* Closes the connection, without lost(); and opens it again. */
void ngx_av_db_listen_stop(ngx_av_db_listener_t *listener);
void ngx_av_db_listen_resume(ngx_av_db_listener_t *listener);


#endif /* _NGX_AV_DB_LISTEN_H_INCLUDED_ */
