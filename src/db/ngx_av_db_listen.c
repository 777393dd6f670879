#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <libpq-fe.h>

#include "ngx_av_db.h"
#include "ngx_av_db_conn.h"
#include "ngx_av_db_listen.h"


struct ngx_av_db_listener_s {
    ngx_av_db_conn_t         conn;
    ngx_av_db_listen_conf_t  conf;

    ngx_event_t              heartbeat;
    ngx_connection_t         dumb;          /* of the heartbeat */

    unsigned                 listening:1;
    unsigned                 asked:1;       /* for health, and not answered */
};


static ngx_int_t ngx_av_db_listen_session(ngx_av_db_conn_t *conn);
static void ngx_av_db_listen_ready(ngx_av_db_conn_t *conn);
static ngx_int_t ngx_av_db_listen_input(ngx_av_db_conn_t *conn);
static void ngx_av_db_listen_lost(ngx_av_db_conn_t *conn);
static ngx_uint_t ngx_av_db_listen_wanted(ngx_av_db_conn_t *conn);
static ngx_int_t ngx_av_db_listen_result(ngx_av_db_listener_t *listener,
    PGresult *res);
static void ngx_av_db_listen_notifications(ngx_av_db_listener_t *listener);
static void ngx_av_db_listen_alive(ngx_av_db_listener_t *listener);
static void ngx_av_db_listen_heartbeat(ngx_event_t *ev);
static void ngx_av_db_listen_arm(ngx_av_db_listener_t *listener);


static const ngx_av_db_conn_owner_t  ngx_av_db_listen_owner = {
    ngx_av_db_listen_session,
    ngx_av_db_listen_ready,
    ngx_av_db_listen_input,
    ngx_av_db_listen_lost,
    ngx_av_db_listen_wanted
};


ngx_av_db_listener_t *
ngx_av_db_listen_start(ngx_cycle_t *cycle, ngx_av_db_conf_t *conf,
    const ngx_av_db_listen_conf_t *listen_conf)
{
    ngx_av_db_listener_t  *listener;

    listener = ngx_pcalloc(cycle->pool, sizeof(ngx_av_db_listener_t));
    if (listener == NULL) {
        return NULL;
    }

    listener->conf = *listen_conf;

    listener->conn.name = "listen";
    listener->conn.conf = conf;
    listener->conn.statement_timeout = listen_conf->heartbeat;
    listener->conn.owner = &ngx_av_db_listen_owner;
    listener->conn.data = listener;

    listener->dumb.fd = (ngx_socket_t) -1;

    listener->heartbeat.handler = ngx_av_db_listen_heartbeat;
    listener->heartbeat.data = &listener->dumb;
    listener->heartbeat.log = cycle->log;
    listener->heartbeat.cancelable = 1;

    ngx_av_db_conn_init(&listener->conn, cycle);

    ngx_av_db_conn_connect(&listener->conn);

    return listener;
}


void
ngx_av_db_listen_resume(ngx_av_db_listener_t *listener)
{
    if (ngx_av_db_conn_parked(&listener->conn)) {
        ngx_av_db_conn_connect(&listener->conn);
    }
}


void
ngx_av_db_listen_stop(ngx_av_db_listener_t *listener)
{
    if (listener->heartbeat.timer_set) {
        ngx_del_timer(&listener->heartbeat);
    }

    listener->listening = 0;
    listener->asked = 0;

    ngx_av_db_conn_stop(&listener->conn);
}


/* LISTEN takes effect at the session's sync, which is a commit. */

static ngx_int_t
ngx_av_db_listen_session(ngx_av_db_conn_t *conn)
{
    ngx_av_db_listener_t  *listener;

    listener = conn->data;

    if (PQsendQueryParams(conn->pg, listener->conf.listen, 0, NULL, NULL, NULL,
                          NULL, 0)
        != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_av_db_listen_ready(ngx_av_db_conn_t *conn)
{
    ngx_av_db_listener_t  *listener;

    listener = conn->data;

    if (ngx_exiting) {
        ngx_av_db_conn_retire(conn);
        return;
    }

    listener->listening = 1;
    listener->asked = 0;

    ngx_av_db_listen_arm(listener);

    listener->conf.connected(listener->conf.data);

    ngx_av_db_listen_notifications(listener);
    ngx_av_db_listen_alive(listener);
}


static ngx_int_t
ngx_av_db_listen_input(ngx_av_db_conn_t *conn)
{
    PGresult              *res;
    ngx_int_t              rc;
    ngx_av_db_listener_t  *listener;

    listener = conn->data;

    while (!PQisBusy(conn->pg) && listener->asked) {

        res = PQgetResult(conn->pg);

        if (res == NULL) {

            if (PQstatus(conn->pg) == CONNECTION_BAD) {
                return NGX_ERROR;
            }

            continue;
        }

        rc = ngx_av_db_listen_result(listener, res);

        PQclear(res);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_av_db_listen_notifications(listener);

    return NGX_OK;
}


static void
ngx_av_db_listen_lost(ngx_av_db_conn_t *conn)
{
    ngx_av_db_listener_t  *listener;

    listener = conn->data;

    if (!listener->listening) {
        return;
    }

    listener->listening = 0;

    if (listener->heartbeat.timer_set) {
        ngx_del_timer(&listener->heartbeat);
    }

    listener->conf.lost(listener->conf.data);
}


static ngx_uint_t
ngx_av_db_listen_wanted(ngx_av_db_conn_t *conn)
{
    return 0;
}


static ngx_int_t
ngx_av_db_listen_result(ngx_av_db_listener_t *listener, PGresult *res)
{
    const char  *message;

    switch (PQresultStatus(res)) {

    case PGRES_TUPLES_OK:

        /* of another version by now, it is a problem like others */

        (void) ngx_av_db_session_health(&listener->conn, res);
        return NGX_OK;

    case PGRES_PIPELINE_SYNC:
        listener->asked = 0;
        ngx_av_db_listen_alive(listener);
        return NGX_OK;

    default:
        message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

        if (message) {
            ngx_av_db_conn_tell(&listener->conn, message);
        }

        return NGX_ERROR;
    }
}


static void
ngx_av_db_listen_notifications(ngx_av_db_listener_t *listener)
{
    PGnotify   *notify;
    ngx_str_t   payload;

    for ( ;; ) {
        notify = PQnotifies(listener->conn.pg);

        if (notify == NULL) {
            return;
        }

        payload.len = ngx_strlen(notify->extra);
        payload.data = (u_char *) notify->extra;

        ngx_log_debug1(NGX_LOG_DEBUG_CORE, &listener->conn.log, 0,
                       "agentvista db notification: \"%V\"", &payload);

        listener->conf.notified(listener->conf.data, &payload);

        PQfreemem(notify);
    }
}


static void
ngx_av_db_listen_alive(ngx_av_db_listener_t *listener)
{
    ngx_str_t  problems;

    ngx_av_db_conn_proved(&listener->conn);

    problems.len = listener->conn.problems_len;
    problems.data = listener->conn.problems;

    listener->conf.alive(listener->conf.data, &problems);
}


static void
ngx_av_db_listen_heartbeat(ngx_event_t *ev)
{
    ngx_av_db_conn_t      *conn;
    ngx_av_db_listener_t  *listener;

    listener = ngx_queue_data(ev, ngx_av_db_listener_t, heartbeat);
    conn = &listener->conn;

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, ev->log, 0,
                   "agentvista db heartbeat: asked:%d", listener->asked);

    if (ngx_exiting) {
        return;
    }

    if (listener->asked) {
        ngx_av_db_conn_fail(conn, "no answer to a heartbeat");
        return;
    }

    ngx_av_db_listen_arm(listener);

    if (!ngx_av_db_conn_ok(conn)) {

        /* about to be lost */

        return;
    }

    if (ngx_av_db_session_ask(conn) != NGX_OK
        || PQpipelineSync(conn->pg) != 1)
    {
        ngx_av_db_conn_abandon(conn);
        return;
    }

    listener->asked = 1;

    ngx_av_db_conn_send(conn);
}


/* Every worker of every host has one of these: spread them. */

static void
ngx_av_db_listen_arm(ngx_av_db_listener_t *listener)
{
    ngx_msec_t  period;

    period = listener->conf.heartbeat;

    ngx_add_timer(&listener->heartbeat,
                  period - ngx_random() % (period / 8 + 1));
}
