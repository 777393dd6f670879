#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <libpq-fe.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "ngx_av_db.h"
#include "ngx_av_db_conn.h"


#define NGX_AV_DB_BACKOFF_MIN  100
#define NGX_AV_DB_BACKOFF_MAX  2000

#define NGX_AV_DB_SERVER_MIN   140000


static void ngx_av_db_conn_start(ngx_av_db_lookup_t *lookup);
static void ngx_av_db_conn_poll(ngx_av_db_conn_t *conn);
static void ngx_av_db_conn_connected(ngx_av_db_conn_t *conn);
static ngx_int_t ngx_av_db_conn_adopt(ngx_av_db_conn_t *conn);
static ngx_int_t ngx_av_db_conn_watch(ngx_av_db_conn_t *conn, ngx_uint_t read,
    ngx_uint_t write);
static void ngx_av_db_conn_read_handler(ngx_event_t *rev);
static void ngx_av_db_conn_write_handler(ngx_event_t *wev);
static void ngx_av_db_conn_input(ngx_av_db_conn_t *conn);
static void ngx_av_db_conn_ready(ngx_av_db_conn_t *conn);
static ngx_int_t ngx_av_db_conn_flush(ngx_av_db_conn_t *conn);
static void ngx_av_db_conn_timer_handler(ngx_event_t *ev);
static void ngx_av_db_conn_close(ngx_av_db_conn_t *conn);
static void ngx_av_db_conn_release(ngx_av_db_conn_t *conn);
static void ngx_av_db_conn_later(ngx_av_db_conn_t *conn);
static void ngx_av_db_conn_notice(void *arg, const PGresult *res);
static u_char *ngx_av_db_conn_log_error(ngx_log_t *log, u_char *buf,
    size_t len);


static const char  *ngx_av_db_conn_failure[] = {
    "not connected to Postgres",
    "could not connect to Postgres",
    "could not connect to Postgres",
    "could not use Postgres",
    "connection to Postgres lost"
};


void
ngx_av_db_conn_init(ngx_av_db_conn_t *conn, ngx_cycle_t *cycle)
{
    conn->log = *cycle->log;
    conn->log.handler = ngx_av_db_conn_log_error;
    conn->log.data = conn;
    conn->log.action = NULL;

    conn->dumb.fd = (ngx_socket_t) -1;

    conn->timer.handler = ngx_av_db_conn_timer_handler;
    conn->timer.data = &conn->dumb;
    conn->timer.log = &conn->log;
    conn->timer.cancelable = 1;

    conn->backoff = NGX_AV_DB_BACKOFF_MIN;

    conn->lookup.conf = conn->conf;
    conn->lookup.log = &conn->log;
    conn->lookup.handler = ngx_av_db_conn_start;
    conn->lookup.data = conn;
}


void
ngx_av_db_conn_connect(ngx_av_db_conn_t *conn)
{
    ngx_log_debug1(NGX_LOG_DEBUG_CORE, &conn->log, 0,
                   "agentvista db connect: \"%s\"", conn->name);

    conn->told = 0;
    conn->failed = 0;
    conn->cut = 0;

    conn->state = NGX_AV_DB_CONN_LOOKUP;

    ngx_add_timer(&conn->timer, conn->conf->connect_timeout);

    if (ngx_av_db_lookup_start(&conn->lookup) != NGX_OK) {
        ngx_av_db_conn_fail(conn, "no memory or no resolver");
    }
}


ngx_uint_t
ngx_av_db_conn_parked(ngx_av_db_conn_t *conn)
{
    return conn->state == NGX_AV_DB_CONN_DOWN && !conn->timer.timer_set;
}


ngx_uint_t
ngx_av_db_conn_ok(ngx_av_db_conn_t *conn)
{
    return conn->state == NGX_AV_DB_CONN_READY
           && !conn->failed
           && PQstatus(conn->pg) == CONNECTION_OK;
}


/* The addresses are there, or not. */

static void
ngx_av_db_conn_start(ngx_av_db_lookup_t *lookup)
{
    u_char             *p, text[NGX_AV_DB_TROUBLE_LEN];
    ngx_av_db_conn_t   *conn;

    conn = lookup->data;

    if (!ngx_av_db_lookup_found(lookup)) {
        p = ngx_snprintf(text, sizeof(text) - 1,
                         "host \"%V\" could not be resolved (%s)",
                         &lookup->unresolved,
                         ngx_resolver_strerror(lookup->state));
        *p = '\0';

        ngx_av_db_conn_fail(conn, (char *) text);
        return;
    }

    conn->pg = ngx_av_db_lookup_connect(lookup, conn->first);

    ngx_av_db_lookup_end(lookup);

    if (conn->pg == NULL) {
        ngx_av_db_conn_fail(conn, "no memory");
        return;
    }

    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        ngx_av_db_conn_fail(conn, PQerrorMessage(conn->pg));
        return;
    }

    (void) PQsetnonblocking(conn->pg, 1);
    (void) PQsetNoticeReceiver(conn->pg, ngx_av_db_conn_notice, conn);

    conn->state = NGX_AV_DB_CONN_CONNECTING;

    if (ngx_av_db_conn_adopt(conn) != NGX_OK
        || ngx_av_db_conn_watch(conn, 0, 1) != NGX_OK)
    {
        ngx_av_db_conn_fail(conn, "its socket could not be watched");
    }
}


static void
ngx_av_db_conn_poll(ngx_av_db_conn_t *conn)
{
    ngx_int_t                  rc;
    PostgresPollingStatusType  st;

    /*
     * PQconnectPoll() may close the socket and open another one, usually with
     * the same number, for the next address or without TLS: events have to be
     * forgotten while the old one is open.
     */

    if (ngx_av_db_conn_watch(conn, 0, 0) != NGX_OK) {
        ngx_av_db_conn_fail(conn, "its socket could not be watched");
        return;
    }

    st = PQconnectPoll(conn->pg);

    ERR_clear_error();

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, &conn->log, 0,
                   "agentvista db connect poll: %d fd:%d",
                   st, PQsocket(conn->pg));

    if (st == PGRES_POLLING_FAILED) {
        ngx_av_db_conn_fail(conn, PQerrorMessage(conn->pg));
        return;
    }

    rc = ngx_av_db_conn_adopt(conn);

    if (rc == NGX_OK) {
        rc = ngx_av_db_conn_watch(conn, st != PGRES_POLLING_WRITING,
                                  st == PGRES_POLLING_WRITING);
    }

    if (rc != NGX_OK) {
        ngx_av_db_conn_fail(conn, "its socket could not be watched");
        return;
    }

    if (st == PGRES_POLLING_OK) {
        ngx_av_db_conn_connected(conn);
    }
}


static void
ngx_av_db_conn_connected(ngx_av_db_conn_t *conn)
{
    int      version;
    u_char  *p, text[NGX_AV_DB_TROUBLE_LEN];

    conn->state = NGX_AV_DB_CONN_SESSION;

    version = PQserverVersion(conn->pg);

    if (version < NGX_AV_DB_SERVER_MIN) {
        p = ngx_snprintf(text, sizeof(text) - 1,
                         "its version is %d and this module needs %d or later",
                         version / 10000, NGX_AV_DB_SERVER_MIN / 10000);
        *p = '\0';

        ngx_av_db_conn_fail(conn, (char *) text);
        return;
    }

    if (PQenterPipelineMode(conn->pg) != 1
        || ngx_av_db_session_start(conn) != NGX_OK
        || ngx_av_db_conn_flush(conn) != NGX_OK)
    {
        ngx_av_db_conn_fail(conn, PQerrorMessage(conn->pg));
    }
}


/* An ngx_connection_t for the socket that libpq has now. */

static ngx_int_t
ngx_av_db_conn_adopt(ngx_av_db_conn_t *conn)
{
    ngx_socket_t       fd;
    ngx_connection_t  *c;

    fd = PQsocket(conn->pg);

    if (conn->c) {

        if (conn->c->fd == fd) {
            return NGX_OK;
        }

        /* some event modules look connections up by number */

        ngx_av_db_conn_release(conn);
    }

    if (fd == (ngx_socket_t) -1) {
        return NGX_ERROR;
    }

    c = ngx_get_connection(fd, &conn->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = conn;
    c->idle = 1;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    c->read->handler = ngx_av_db_conn_read_handler;
    c->read->log = &conn->log;
    c->write->handler = ngx_av_db_conn_write_handler;
    c->write->log = &conn->log;

    conn->log.connection = c->number;
    conn->c = c;

    return NGX_OK;
}


/*
 * Level-triggered: PQconsumeInput() reads once and hides EAGAIN, so the rest
 * must be reported again.
 */

static ngx_int_t
ngx_av_db_conn_watch(ngx_av_db_conn_t *conn, ngx_uint_t read,
    ngx_uint_t write)
{
    ngx_event_t  *rev, *wev;

    rev = conn->c->read;
    wev = conn->c->write;

    if (rev->active && !read
        && ngx_del_event(rev, NGX_READ_EVENT, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (wev->active && !write
        && ngx_del_event(wev, NGX_WRITE_EVENT, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!rev->active && read
        && ngx_add_event(rev, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!wev->active && write
        && ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_av_db_conn_read_handler(ngx_event_t *rev)
{
    ngx_connection_t  *c;
    ngx_av_db_conn_t  *conn;

    c = rev->data;
    conn = c->data;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, &conn->log, 0,
                   "agentvista db read handler: state:%d close:%d",
                   conn->state, c->close);

    if (c->close) {

        if (c->error) {
            conn->cut = 1;
            ngx_av_db_conn_fail(conn, "the worker's shutdown timed out");
            return;
        }

        c->close = 0;

        if (!conn->owner->wanted(conn)) {
            ngx_av_db_conn_retire(conn);
            return;
        }
    }

    if (conn->state == NGX_AV_DB_CONN_CONNECTING) {
        ngx_av_db_conn_poll(conn);
        return;
    }

    ngx_av_db_conn_input(conn);
}


static void
ngx_av_db_conn_write_handler(ngx_event_t *wev)
{
    ngx_connection_t  *c;
    ngx_av_db_conn_t  *conn;

    c = wev->data;
    conn = c->data;

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, &conn->log, 0,
                   "agentvista db write handler: state:%d", conn->state);

    if (conn->state == NGX_AV_DB_CONN_CONNECTING) {
        ngx_av_db_conn_poll(conn);
        return;
    }

    if (ngx_av_db_conn_flush(conn) != NGX_OK) {

        /* what the server said before it hung up is better than EPIPE */

        conn->failed = 1;
        ngx_av_db_conn_input(conn);
    }
}


static void
ngx_av_db_conn_input(ngx_av_db_conn_t *conn)
{
    SSL        *ssl;
    u_char      why[NGX_AV_DB_TROUBLE_LEN];
    PGconn     *pg;
    ngx_int_t   rc;

    pg = conn->pg;

    do {

        if (PQconsumeInput(pg) == 0) {
            conn->failed = 1;
        }

        ERR_clear_error();

        /* now, as each look at a broken connection adds to the message */

        (void) ngx_cpystrn(why, (u_char *) PQerrorMessage(pg), sizeof(why));

        if (conn->state == NGX_AV_DB_CONN_SESSION) {
            rc = ngx_av_db_session_input(conn);

            if (rc == NGX_OK && !conn->failed) {
                ngx_av_db_conn_ready(conn);
            }

        } else {
            rc = conn->owner->input(conn);
        }

        if (conn->pg != pg) {

            /* closed by what ran there */

            return;
        }

        if (rc == NGX_ERROR || conn->failed || PQstatus(pg) == CONNECTION_BAD)
        {
            ngx_av_db_conn_fail(conn, why[0] ? (char *) why
                                             : PQerrorMessage(pg));
            return;
        }

        /* bytes inside OpenSSL raise no event */

        ssl = PQgetssl(pg);

    } while (ssl && SSL_pending(ssl) > 0);
}


static void
ngx_av_db_conn_ready(ngx_av_db_conn_t *conn)
{
    ngx_uint_t  level;

    level = conn->conf->failing ? NGX_LOG_NOTICE : NGX_LOG_INFO;

    ngx_log_error(level, &conn->log, 0, "connected to Postgres %s",
                  PQparameterStatus(conn->pg, "server_version"));

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    conn->conf->failing = 0;
    conn->state = NGX_AV_DB_CONN_READY;

    conn->owner->ready(conn);
}


void
ngx_av_db_conn_proved(ngx_av_db_conn_t *conn)
{
    conn->backoff = NGX_AV_DB_BACKOFF_MIN;
}


static ngx_int_t
ngx_av_db_conn_flush(ngx_av_db_conn_t *conn)
{
    int  pending;

    pending = PQflush(conn->pg);

    ERR_clear_error();

    /* libpq may also have closed the socket without saying so */

    if (pending < 0 || PQsocket(conn->pg) != conn->c->fd) {
        return NGX_ERROR;
    }

    if (pending) {

        /* when it could not write, libpq has read what there was */

        ngx_post_event(conn->c->read, &ngx_posted_events);
    }

    return ngx_av_db_conn_watch(conn, 1, pending);
}


void
ngx_av_db_conn_send(ngx_av_db_conn_t *conn)
{
    if (ngx_av_db_conn_flush(conn) != NGX_OK) {
        ngx_av_db_conn_abandon(conn);
    }
}


void
ngx_av_db_conn_abandon(ngx_av_db_conn_t *conn)
{
    ERR_clear_error();

    conn->failed = 1;

    ngx_post_event(conn->c->read, &ngx_posted_events);
}


/* On one line, without libpq's hints: lines that start with a tab. */

void
ngx_av_db_conn_tell(ngx_av_db_conn_t *conn, const char *text)
{
    size_t   len;
    u_char  *p, *last;

    if (conn->told) {
        return;
    }

    conn->told = 1;

    p = conn->trouble;
    last = p + NGX_AV_DB_TROUBLE_LEN;

    while (*text) {
        len = strcspn(text, "\n");

        if (len && *text != '\t') {
            p = ngx_slprintf(p, last, "%s%*s", p > conn->trouble ? "; " : "",
                             len, text);
        }

        text += len;
        text += (*text == '\n');
    }

    conn->trouble_len = p - conn->trouble;
}


void
ngx_av_db_conn_fail(ngx_av_db_conn_t *conn, const char *text)
{
    ngx_uint_t  level;

    ngx_av_db_conn_tell(conn, text);

    /* one loud line for all connections of this worker, until one is back */

    level = conn->conf->failing ? NGX_LOG_INFO : NGX_LOG_ERR;
    conn->conf->failing = 1;

    ngx_log_error(level, &conn->log, 0, "%s: %*s",
                  ngx_av_db_conn_failure[conn->state],
                  conn->trouble_len, conn->trouble);

    ngx_av_db_conn_close(conn);

    /* first, as the owner may look for connections that have no timer */

    ngx_av_db_conn_later(conn);

    conn->owner->lost(conn);
}


void
ngx_av_db_conn_retire(ngx_av_db_conn_t *conn)
{
    ngx_av_db_conn_tell(conn, "closed, as the worker is ending");

    ngx_av_db_conn_stop(conn);

    conn->owner->lost(conn);
}


void
ngx_av_db_conn_renew(ngx_av_db_conn_t *conn)
{
    ngx_av_db_conn_stop(conn);

    /* by the timer: who called may still look whether it is the same PGconn */

    ngx_add_timer(&conn->timer, 1);
}


void
ngx_av_db_conn_stop(ngx_av_db_conn_t *conn)
{
    ngx_log_debug1(NGX_LOG_DEBUG_CORE, &conn->log, 0,
                   "agentvista db close: \"%s\"", conn->name);

    ngx_av_db_conn_close(conn);
}


static void
ngx_av_db_conn_close(ngx_av_db_conn_t *conn)
{
    ngx_av_db_lookup_end(&conn->lookup);

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    if (conn->c) {
        ngx_av_db_conn_release(conn);
    }

    if (conn->pg) {
        PQfinish(conn->pg);
        conn->pg = NULL;

        /* nginx would find what OpenSSL had to say to libpq and log it */

        ERR_clear_error();
    }

    conn->state = NGX_AV_DB_CONN_DOWN;
}


/* Never ngx_close_connection(): the socket is libpq's to close. */

static void
ngx_av_db_conn_release(ngx_av_db_conn_t *conn)
{
    ngx_event_t       *rev, *wev;
    ngx_connection_t  *c;

    c = conn->c;
    rev = c->read;
    wev = c->write;

    if (rev->active) {
        (void) ngx_del_event(rev, NGX_READ_EVENT, NGX_CLOSE_EVENT);
    }

    if (wev->active) {
        (void) ngx_del_event(wev, NGX_WRITE_EVENT, NGX_CLOSE_EVENT);
    }

    if (rev->posted) {
        ngx_delete_posted_event(rev);
    }

    if (wev->posted) {
        ngx_delete_posted_event(wev);
    }

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;

    conn->c = NULL;
    conn->log.connection = 0;
}


static void
ngx_av_db_conn_later(ngx_av_db_conn_t *conn)
{
    ngx_msec_t  delay;

    if (ngx_exiting && !conn->owner->wanted(conn)) {
        return;
    }

    delay = conn->backoff - conn->backoff / 4
            + ngx_random() % (conn->backoff / 2 + 1);

    conn->backoff = ngx_min(conn->backoff * 2, NGX_AV_DB_BACKOFF_MAX);

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, &conn->log, 0,
                   "agentvista db reconnect in %M", delay);

    ngx_add_timer(&conn->timer, delay);
}


static void
ngx_av_db_conn_timer_handler(ngx_event_t *ev)
{
    ngx_av_db_conn_t  *conn;

    conn = ngx_queue_data(ev, ngx_av_db_conn_t, timer);

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, ev->log, 0,
                   "agentvista db timer handler: state:%d", conn->state);

    if (conn->state != NGX_AV_DB_CONN_DOWN) {

        /* libpq would wait for a silent server for ever: try another first */

        conn->first++;

        ngx_av_db_conn_fail(conn, "no answer in time");
        return;
    }

    if (ngx_exiting && !conn->owner->wanted(conn)) {
        return;
    }

    ngx_av_db_conn_connect(conn);
}


static void
ngx_av_db_conn_notice(void *arg, const PGresult *res)
{
    ngx_av_db_conn_t *conn = arg;

    ngx_uint_t   level;
    const char  *severity, *sqlstate, *message;

    severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (severity == NULL || message == NULL) {
        return;
    }

    level = NGX_LOG_INFO;

    if (ngx_strcmp(severity, "WARNING") == 0) {
        level = NGX_LOG_WARN;
    }

    /*
     * A server that goes away says so to idle connections, as FATAL; to all of
     * them, as a warning, if it crashes or is shut down at once.
     */

    if (ngx_strcmp(severity, "FATAL") == 0
        || ngx_strcmp(severity, "PANIC") == 0
        || (sqlstate && ngx_strncmp(sqlstate, "57P", 3) == 0))
    {
        level = NGX_LOG_INFO;
        ngx_av_db_conn_tell(conn, message);
    }

    ngx_log_error(level, &conn->log, 0, "Postgres: %s: %s", severity, message);
}


static u_char *
ngx_av_db_conn_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char            *p;
    ngx_av_db_conn_t  *conn;

    conn = log->data;

    p = ngx_snprintf(buf, len, ", database connection \"%s\"", conn->name);

    if (conn->pg && PQhost(conn->pg)) {
        p = ngx_snprintf(p, buf + len - p, ", server: \"%s:%s\"",
                         PQhost(conn->pg), PQport(conn->pg));
    }

    return p;
}
