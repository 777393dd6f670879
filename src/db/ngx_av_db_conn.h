/*
 * One connection: a PGconn whose socket nginx watches.  It connects, starts
 * its session, tells its owner when it is ready, when there is input and when
 * it is lost, and comes back by itself.  Private to src/db.
 */

#ifndef _NGX_AV_DB_CONN_H_INCLUDED_
#define _NGX_AV_DB_CONN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <libpq-fe.h>

#include "ngx_av_db.h"
#include "ngx_av_db_lookup.h"


#define NGX_AV_DB_TROUBLE_LEN   256
#define NGX_AV_DB_PROBLEMS_LEN  1024


typedef struct ngx_av_db_conn_s  ngx_av_db_conn_t;


typedef enum {
    NGX_AV_DB_CONN_DOWN = 0,    /* waits for its timer, or is not wanted */
    NGX_AV_DB_CONN_LOOKUP,      /* waits for the resolver */
    NGX_AV_DB_CONN_CONNECTING,  /* PQconnectPoll() */
    NGX_AV_DB_CONN_SESSION,     /* connected; settings, version, statements */
    NGX_AV_DB_CONN_READY
} ngx_av_db_conn_state_e;


/* What its owner does, a pool or the listener. */

typedef struct {
    /* sends what the session needs on top, before its sync */
    ngx_int_t   (*session)(ngx_av_db_conn_t *conn);

    void        (*ready)(ngx_av_db_conn_t *conn);

    /*
     * Takes what has arrived: results while PQisBusy() says no.  Also called
     * when the connection is broken, for what came before.  NGX_ERROR if it
     * has to be closed; the owner may have said why.
     */
    ngx_int_t   (*input)(ngx_av_db_conn_t *conn);

    /* closed, after having been ready or not; comes back if wanted */
    void        (*lost)(ngx_av_db_conn_t *conn);

    /* a quitting worker still needs it */
    ngx_uint_t  (*wanted)(ngx_av_db_conn_t *conn);
} ngx_av_db_conn_owner_t;


struct ngx_av_db_conn_s {
    /* set by the owner */
    const char                    *name;
    ngx_av_db_conf_t              *conf;
    ngx_msec_t                     statement_timeout;
    const ngx_av_db_conn_owner_t  *owner;
    void                          *data;

    ngx_av_db_conn_state_e         state;
    PGconn                        *pg;
    ngx_connection_t              *c;           /* its fd is libpq's */
    ngx_log_t                      log;

    ngx_event_t                    timer;       /* connecting or waiting */
    ngx_connection_t               dumb;        /* of the timer */
    ngx_msec_t                     backoff;

    ngx_av_db_lookup_t             lookup;
    ngx_uint_t                     first;       /* address to start with */

    ngx_uint_t                     step;        /* of the session */

    /* what agentvista.health() said last; terminated */
    u_char                         problems[NGX_AV_DB_PROBLEMS_LEN];
    size_t                         problems_len;

    /* why it is going to be lost, or was */
    u_char                         trouble[NGX_AV_DB_TROUBLE_LEN];
    size_t                         trouble_len;

    unsigned                       told:1;      /* trouble is this loss's */
    unsigned                       failed:1;    /* to be closed soon */
    unsigned                       cut:1;       /* by the shutdown timer */
};


void ngx_av_db_conn_init(ngx_av_db_conn_t *conn, ngx_cycle_t *cycle);

/*
 * It does what its owner wants: when it is lost it is made again soon.  Merely
 * to connect proves nothing, a standby lets anybody in.
 */
void ngx_av_db_conn_proved(ngx_av_db_conn_t *conn);

/* Down, and it will not come back by itself. */
ngx_uint_t ngx_av_db_conn_parked(ngx_av_db_conn_t *conn);

/* Connects now; only if it is down. */
void ngx_av_db_conn_connect(ngx_av_db_conn_t *conn);

/* Usable: ready, and nothing is known against it. */
ngx_uint_t ngx_av_db_conn_ok(ngx_av_db_conn_t *conn);

/*
 * Sends what libpq holds, now and by events.  A failure comes up later as a
 * loss, never from within.
 */
void ngx_av_db_conn_send(ngx_av_db_conn_t *conn);

/* The same for a failure of the owner's: closed by the next posted event. */
void ngx_av_db_conn_abandon(ngx_av_db_conn_t *conn);

/* Notes why the connection will be lost, unless something did already. */
void ngx_av_db_conn_tell(ngx_av_db_conn_t *conn, const char *text);

/* Logs what was told, or text; closes; comes back after a while. */
void ngx_av_db_conn_fail(ngx_av_db_conn_t *conn, const char *text);

/* Closes it, as it is idle and not needed any more. */
void ngx_av_db_conn_retire(ngx_av_db_conn_t *conn);

/* Closes it, as it is idle, and connects anew at once. */
void ngx_av_db_conn_renew(ngx_av_db_conn_t *conn);

/* Closes it without a word to the owner, for good. */
void ngx_av_db_conn_stop(ngx_av_db_conn_t *conn);


/* The session: its input() until the connection is ready. */

ngx_int_t ngx_av_db_session_start(ngx_av_db_conn_t *conn);
ngx_int_t ngx_av_db_session_input(ngx_av_db_conn_t *conn);

/*
 * Sends the question, and reads the answer into conn->problems: NGX_DECLINED
 * if the schema is not this module's.
 */
ngx_int_t ngx_av_db_session_ask(ngx_av_db_conn_t *conn);
ngx_int_t ngx_av_db_session_health(ngx_av_db_conn_t *conn,
    const PGresult *res);


#endif /* _NGX_AV_DB_CONN_H_INCLUDED_ */
