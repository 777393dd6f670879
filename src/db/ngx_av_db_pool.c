#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <libpq-fe.h>

#include "ngx_av_db.h"
#include "ngx_av_db_conn.h"
#include "ngx_av_db_result.h"


/* beyond statement_timeout, for its error to arrive */
#define NGX_AV_DB_POOL_GRACE  1000

/*
 * libpq keeps the memory for the most that a connection ever sent: after so
 * many bytes, few of which are ever sent at once, another takes its place.
 */
#define NGX_AV_DB_POOL_LARGE  (16 * 1024 * 1024)


typedef struct {
    ngx_av_db_conn_t        conn;
    ngx_av_db_pool_t       *pool;

    ngx_av_db_op_t         *op;         /* in flight */
    size_t                  sent;       /* bytes of its parameters */

    unsigned                error:1;    /* op has its sqlstate */
    unsigned                fatal:1;    /* and with it the session ended */
} ngx_av_db_member_t;


struct ngx_av_db_pool_s {
    ngx_av_db_pool_conf_t   conf;

    ngx_av_db_member_t     *members;
    int                    *formats;    /* of parameters: all binary */
    ngx_queue_t             queue;      /* of operations */
    ngx_uint_t              nqueued;

    ngx_log_t              *log;
    ngx_connection_t        dumb;       /* of deadlines */

    u_char                  trouble[NGX_AV_DB_TROUBLE_LEN];
    size_t                  trouble_len;

    unsigned                stopped:1;
};


static ngx_int_t ngx_av_db_pool_session(ngx_av_db_conn_t *conn);
static void ngx_av_db_pool_connected(ngx_av_db_conn_t *conn);
static ngx_int_t ngx_av_db_pool_input(ngx_av_db_conn_t *conn);
static void ngx_av_db_pool_lost(ngx_av_db_conn_t *conn);
static ngx_uint_t ngx_av_db_pool_wanted(ngx_av_db_conn_t *conn);

static ngx_int_t ngx_av_db_pool_result(ngx_av_db_member_t *member,
    PGresult *res);
static ngx_int_t ngx_av_db_pool_error(ngx_av_db_member_t *member,
    PGresult *res);
static ngx_int_t ngx_av_db_pool_complete(ngx_av_db_member_t *member);
static ngx_uint_t ngx_av_db_pool_spoilt(const char *sqlstate);
static void ngx_av_db_pool_offer(ngx_av_db_member_t *member);
static ngx_av_db_member_t *ngx_av_db_pool_idle_member(ngx_av_db_pool_t *pool);
static void ngx_av_db_pool_send(ngx_av_db_member_t *member,
    ngx_av_db_op_t *op);
static void ngx_av_db_pool_extend(ngx_av_db_pool_t *pool,
    ngx_av_db_op_t *op);
static ngx_int_t ngx_av_db_pool_send_calls(ngx_av_db_member_t *member,
    ngx_av_db_op_t *op);
static ngx_av_db_op_t *ngx_av_db_pool_dequeue(ngx_av_db_pool_t *pool);
static void ngx_av_db_pool_wake(ngx_av_db_pool_t *pool);
static void ngx_av_db_pool_deadline(ngx_event_t *ev);
static void ngx_av_db_pool_refused(ngx_event_t *ev);
static void ngx_av_db_pool_done(ngx_av_db_op_t *op,
    ngx_av_db_status_e status);


static const ngx_av_db_conn_owner_t  ngx_av_db_pool_owner = {
    ngx_av_db_pool_session,
    ngx_av_db_pool_connected,
    ngx_av_db_pool_input,
    ngx_av_db_pool_lost,
    ngx_av_db_pool_wanted
};


ngx_av_db_pool_t *
ngx_av_db_pool_start(ngx_cycle_t *cycle, ngx_av_db_conf_t *conf,
    const ngx_av_db_pool_conf_t *pool_conf)
{
    ngx_uint_t           i, n;
    ngx_av_db_pool_t    *pool;
    ngx_av_db_member_t  *member;

    pool = ngx_pcalloc(cycle->pool, sizeof(ngx_av_db_pool_t));
    if (pool == NULL) {
        return NULL;
    }

    pool->members = ngx_pcalloc(cycle->pool, pool_conf->connections
                                             * sizeof(ngx_av_db_member_t));
    if (pool->members == NULL) {
        return NULL;
    }

    n = 1;

    for (i = 0; i < pool_conf->nstatements; i++) {
        n = ngx_max(n, pool_conf->statements[i].nparams);
    }

    pool->formats = ngx_palloc(cycle->pool, n * sizeof(int));
    if (pool->formats == NULL) {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        pool->formats[i] = 1;
    }

    ngx_queue_init(&pool->queue);

    pool->conf = *pool_conf;
    pool->log = cycle->log;
    pool->dumb.fd = (ngx_socket_t) -1;

    pool->trouble_len = sizeof("connecting") - 1;
    ngx_memcpy(pool->trouble, "connecting", pool->trouble_len);

    for (i = 0; i < pool->conf.connections; i++) {
        member = &pool->members[i];
        member->pool = pool;

        member->conn.name = pool->conf.name;
        member->conn.conf = conf;
        member->conn.statement_timeout = pool->conf.statement_timeout;
        member->conn.owner = &ngx_av_db_pool_owner;
        member->conn.data = member;

        ngx_av_db_conn_init(&member->conn, cycle);
    }

    for (i = 0; i < pool->conf.connections; i++) {
        ngx_av_db_conn_connect(&pool->members[i].conn);
    }

    return pool;
}


void
ngx_av_db_pool_stop(ngx_av_db_pool_t *pool)
{
    ngx_uint_t           i;
    ngx_av_db_op_t      *op;
    ngx_av_db_member_t  *member;

    pool->stopped = 1;

    for (i = 0; i < pool->conf.connections; i++) {
        ngx_av_db_conn_stop(&pool->members[i].conn);
    }

    for (i = 0; i < pool->conf.connections; i++) {
        member = &pool->members[i];

        op = member->op;

        if (op) {
            member->op = NULL;
            ngx_av_db_pool_done(op, NGX_AV_DB_LOST);
        }
    }

    for ( ;; ) {
        op = ngx_av_db_pool_dequeue(pool);

        if (op == NULL) {
            break;
        }

        ngx_av_db_pool_done(op, NGX_AV_DB_CLOSED);
    }
}


void
ngx_av_db_submit(ngx_av_db_pool_t *pool, ngx_av_db_op_t *op)
{
    ngx_av_db_member_t  *member;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, pool->log, 0,
                   "agentvista db submit: %p, %ui queued", op, pool->nqueued);

    op->pool = pool;
    op->active = 1;
    op->call = 0;
    op->sqlstate[0] = '\0';
    op->failed_call = 0;

    ngx_memzero(&op->deadline, sizeof(ngx_event_t));

    op->deadline.data = &pool->dumb;
    op->deadline.log = pool->log;
    op->deadline.cancelable = op->background;

    member = ngx_av_db_pool_idle_member(pool);

    if (pool->stopped
        || (member == NULL && pool->nqueued >= pool->conf.queue))
    {
        op->status = pool->stopped ? NGX_AV_DB_CLOSED : NGX_AV_DB_BUSY;
        op->deadline.handler = ngx_av_db_pool_refused;

        ngx_post_event(&op->deadline, &ngx_posted_events);
        return;
    }

    op->deadline.handler = ngx_av_db_pool_deadline;
    ngx_add_timer(&op->deadline, op->timeout);

    if (member) {
        ngx_av_db_pool_send(member, op);
        return;
    }

    ngx_queue_insert_tail(&pool->queue, &op->queue);
    pool->nqueued++;

    ngx_av_db_pool_wake(pool);
}


ngx_uint_t
ngx_av_db_pool_idle(ngx_av_db_pool_t *pool)
{
    ngx_uint_t           i, n;
    ngx_av_db_member_t  *member;

    n = 0;

    for (i = 0; i < pool->conf.connections; i++) {
        member = &pool->members[i];
        n += (member->op == NULL && ngx_av_db_conn_ok(&member->conn));
    }

    return n;
}


ngx_uint_t
ngx_av_db_pool_ready(ngx_av_db_pool_t *pool)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < pool->conf.connections; i++) {
        n += ngx_av_db_conn_ok(&pool->members[i].conn);
    }

    return n;
}


ngx_uint_t
ngx_av_db_pool_queued(ngx_av_db_pool_t *pool)
{
    return pool->nqueued;
}


ngx_str_t
ngx_av_db_pool_trouble(ngx_av_db_pool_t *pool)
{
    ngx_str_t  text = ngx_string("");

    if (ngx_av_db_pool_ready(pool) == 0) {
        text.len = pool->trouble_len;
        text.data = pool->trouble;
    }

    return text;
}


static ngx_int_t
ngx_av_db_pool_session(ngx_av_db_conn_t *conn)
{
    ngx_uint_t                    i;
    ngx_av_db_pool_t             *pool;
    ngx_av_db_member_t           *member;
    const ngx_av_db_statement_t  *statement;

    member = conn->data;
    pool = member->pool;

    if (pool->conf.settings
        && PQsendQueryParams(conn->pg, pool->conf.settings, 0, NULL, NULL,
                             NULL, NULL, 1)
           != 1)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < pool->conf.nstatements; i++) {
        statement = &pool->conf.statements[i];

        if (PQsendPrepare(conn->pg, statement->name, statement->text,
                          statement->nparams, statement->types)
            != 1)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_av_db_pool_connected(ngx_av_db_conn_t *conn)
{
    ngx_av_db_op_t      *op;
    ngx_av_db_member_t  *member;

    member = conn->data;

    op = ngx_av_db_pool_dequeue(member->pool);

    if (op) {
        ngx_av_db_pool_send(member, op);
        return;
    }

    ngx_av_db_pool_offer(member);
}


static ngx_int_t
ngx_av_db_pool_input(ngx_av_db_conn_t *conn)
{
    PGconn              *pg;
    PGresult            *res;
    ngx_int_t            rc;
    ngx_av_db_member_t  *member;

    member = conn->data;
    pg = conn->pg;

    /* PQisBusy() also lets libpq look at what came while nothing was asked */

    while (!PQisBusy(pg) && member->op) {

        res = PQgetResult(pg);

        if (res == NULL) {

            if (PQstatus(pg) == CONNECTION_BAD) {
                return NGX_ERROR;
            }

            /*
             * The end of one statement, or of the commit's error.  Past them
             * libpq has nothing for this operation, which was not sent whole.
             */

            if (member->op->call > member->op->ncalls) {
                return NGX_ERROR;
            }

            member->op->call++;
            continue;
        }

        rc = ngx_av_db_pool_result(member, res);

        PQclear(res);

        if (rc != NGX_OK || conn->pg != pg) {
            return rc;
        }
    }

    return NGX_OK;
}


static void
ngx_av_db_pool_lost(ngx_av_db_conn_t *conn)
{
    ngx_av_db_op_t      *op;
    ngx_av_db_pool_t    *pool;
    ngx_av_db_member_t  *member;

    member = conn->data;
    pool = member->pool;

    pool->trouble_len = conn->trouble_len;
    ngx_memcpy(pool->trouble, conn->trouble, conn->trouble_len);

    op = member->op;

    if (op) {
        member->op = NULL;

        /*
         * An error before the commit was sure to undo it.  But a session that
         * ends when only the commit's answer is missing may have committed.
         */

        if (member->error && !(member->fatal && op->failed_call == op->ncalls))
        {
            ngx_av_db_pool_done(op, NGX_AV_DB_FAILED);

        } else {
            ngx_av_db_pool_done(op, NGX_AV_DB_LOST);
        }
    }

    if (conn->cut) {

        /* nobody is left to wait */

        for ( ;; ) {
            op = ngx_av_db_pool_dequeue(pool);

            if (op == NULL) {
                break;
            }

            ngx_av_db_pool_done(op, NGX_AV_DB_CLOSED);
        }
    }
}


static ngx_uint_t
ngx_av_db_pool_wanted(ngx_av_db_conn_t *conn)
{
    ngx_av_db_member_t  *member;

    member = conn->data;

    return member->op != NULL || member->pool->nqueued != 0;
}


/* NGX_ERROR: the connection is of no more use. */

static ngx_int_t
ngx_av_db_pool_result(ngx_av_db_member_t *member, PGresult *res)
{
    ngx_av_db_op_t      *op;
    ngx_av_db_result_t   result;

    op = member->op;

    ngx_log_debug3(NGX_LOG_DEBUG_CORE, &member->conn.log, 0,
                   "agentvista db result: %p call:%ui %s",
                   op, op->call, PQresStatus(PQresultStatus(res)));

    switch (PQresultStatus(res)) {

    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:

        if (op->result && op->call < op->ncalls) {
            result.pg = res;
            op->result(op, op->call, &result);
        }

        return NGX_OK;

    case PGRES_PIPELINE_SYNC:
        return ngx_av_db_pool_complete(member);

    case PGRES_PIPELINE_ABORTED:
        return NGX_OK;

    case PGRES_FATAL_ERROR:
        return ngx_av_db_pool_error(member, res);

    default:
        /* COPY is not for pipelines: libpq would give this for ever */

        ngx_av_db_conn_tell(&member->conn, PQresStatus(PQresultStatus(res)));
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_av_db_pool_error(ngx_av_db_member_t *member, PGresult *res)
{
    ngx_uint_t       level;
    const char      *sqlstate, *severity, *message;
    ngx_av_db_op_t  *op;

    op = member->op;

    sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (sqlstate == NULL || message == NULL) {

        /* libpq's own words: the connection is gone, or memory */

        return NGX_ERROR;
    }

    if (severity && ngx_strcmp(severity, "ERROR") != 0) {
        member->fatal = 1;
    }

    if (member->fatal || ngx_av_db_pool_spoilt(sqlstate)) {
        ngx_av_db_conn_tell(&member->conn, message);
    }

    if (member->error) {
        return NGX_OK;
    }

    member->error = 1;

    op->failed_call = ngx_min(op->call, op->ncalls);
    (void) ngx_cpystrn((u_char *) op->sqlstate, (u_char *) sqlstate,
                       sizeof(op->sqlstate));

    /* about data only when debugging: the text may quote some */

    switch (ngx_av_db_blame(sqlstate)) {

    case NGX_AV_DB_BAD_DATA:
        ngx_log_debug2(NGX_LOG_DEBUG_CORE, op->log, 0,
                       "agentvista db bad data: %s %s", sqlstate, message);
        return NGX_OK;

    case NGX_AV_DB_RETRY:
        level = NGX_LOG_WARN;
        break;

    default:
        level = NGX_LOG_ERR;
    }

    ngx_log_error(level, op->log, 0,
                  "Postgres refused \"%s\" of pool \"%s\": %s (%s)",
                  op->call < op->ncalls ? op->calls[op->call].statement->name
                                        : "commit",
                  member->pool->conf.name, message, sqlstate);

    return NGX_OK;
}


/* The sync has come, so the outcome is certain. */

static ngx_int_t
ngx_av_db_pool_complete(ngx_av_db_member_t *member)
{
    PGconn              *pg;
    ngx_av_db_op_t      *op, *next;
    ngx_av_db_status_e   status;

    op = member->op;

    if (member->error && ngx_av_db_pool_spoilt(op->sqlstate)) {

        /* lost() tells the operation */

        return NGX_ERROR;
    }

    status = member->error ? NGX_AV_DB_FAILED : NGX_AV_DB_OK;

    if (status == NGX_AV_DB_OK) {
        ngx_av_db_conn_proved(&member->conn);
    }

    member->op = NULL;
    member->conn.c->idle = 1;

    if (member->sent > NGX_AV_DB_POOL_LARGE && !ngx_exiting) {
        ngx_av_db_conn_renew(&member->conn);
        ngx_av_db_pool_done(op, status);

        return NGX_OK;
    }

    /* what waits goes before what done() may submit */

    pg = member->conn.pg;
    next = ngx_av_db_pool_dequeue(member->pool);

    if (next) {
        ngx_av_db_pool_send(member, next);
    }

    ngx_av_db_pool_done(op, status);

    if (member->conn.pg == pg && member->op == NULL) {
        ngx_av_db_pool_offer(member);
    }

    return NGX_OK;
}


/* Errors that another session may not meet. */

static ngx_uint_t
ngx_av_db_pool_spoilt(const char *sqlstate)
{
    /* read-only after a failover; plans and statements that are gone */

    return ngx_strncmp(sqlstate, "57P", 3) == 0
           || ngx_strcmp(sqlstate, "25006") == 0
           || ngx_strcmp(sqlstate, "25P02") == 0
           || ngx_strcmp(sqlstate, "26000") == 0
           || ngx_strcmp(sqlstate, "0A000") == 0;
}


/* The connection is idle and nothing waits. */

static void
ngx_av_db_pool_offer(ngx_av_db_member_t *member)
{
    PGconn            *pg;
    ngx_av_db_pool_t  *pool;

    pool = member->pool;
    pg = member->conn.pg;

    if (pool->conf.idle) {
        pool->conf.idle(pool, pool->conf.data);
    }

    if (ngx_exiting && member->conn.pg == pg && member->op == NULL) {
        ngx_av_db_conn_retire(&member->conn);
    }
}


static ngx_av_db_member_t *
ngx_av_db_pool_idle_member(ngx_av_db_pool_t *pool)
{
    ngx_uint_t           i;
    ngx_av_db_member_t  *member;

    for (i = 0; i < pool->conf.connections; i++) {
        member = &pool->members[i];

        if (member->op == NULL && ngx_av_db_conn_ok(&member->conn)) {
            return member;
        }
    }

    return NULL;
}


static void
ngx_av_db_pool_send(ngx_av_db_member_t *member, ngx_av_db_op_t *op)
{
    ngx_log_debug2(NGX_LOG_DEBUG_CORE, &member->conn.log, 0,
                   "agentvista db send: %p, %ui calls", op, op->ncalls);

    member->op = op;
    member->error = 0;
    member->fatal = 0;
    member->conn.c->idle = 0;

    ngx_av_db_pool_extend(member->pool, op);

    if (ngx_av_db_pool_send_calls(member, op) != NGX_OK) {
        ngx_av_db_conn_abandon(&member->conn);
        return;
    }

    ngx_av_db_conn_send(&member->conn);
}


/*
 * An operation that has waited long would be cut off while the server works on
 * it: a lost connection each time, just when there is too much to do.  So what
 * is sent may use the whole statement_timeout, and only a server that keeps
 * silent after that is given up.
 */

static void
ngx_av_db_pool_extend(ngx_av_db_pool_t *pool, ngx_av_db_op_t *op)
{
    ngx_msec_t      need;
    ngx_msec_int_t  left;

    if (pool->conf.statement_timeout == 0) {
        return;
    }

    need = pool->conf.statement_timeout + NGX_AV_DB_POOL_GRACE;
    left = (ngx_msec_int_t) (op->deadline.timer.key - ngx_current_msec);

    if (left < (ngx_msec_int_t) need) {
        ngx_add_timer(&op->deadline, need);
    }
}


static ngx_int_t
ngx_av_db_pool_send_calls(ngx_av_db_member_t *member, ngx_av_db_op_t *op)
{
    PGconn                       *pg;
    ngx_uint_t                    i, n;
    ngx_av_db_call_t             *call;
    const ngx_av_db_statement_t  *statement;

    pg = member->conn.pg;

    member->sent = 0;

    for (i = 0; i < op->ncalls; i++) {
        call = &op->calls[i];
        statement = call->statement;

        for (n = 0; n < statement->nparams; n++) {
            member->sent += call->values[n] ? call->lengths[n] : 0;
        }

        if (PQsendQueryPrepared(pg, statement->name, statement->nparams,
                                call->values, call->lengths,
                                member->pool->formats, 1)
            != 1)
        {
            return NGX_ERROR;
        }
    }

    return PQpipelineSync(pg) == 1 ? NGX_OK : NGX_ERROR;
}


static ngx_av_db_op_t *
ngx_av_db_pool_dequeue(ngx_av_db_pool_t *pool)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&pool->queue)) {
        return NULL;
    }

    q = ngx_queue_head(&pool->queue);

    ngx_queue_remove(q);
    pool->nqueued--;

    return ngx_queue_data(q, ngx_av_db_op_t, queue);
}


/*
 * A quitting worker closes connections that fall idle and may need them again:
 * as many as there are operations.
 */

static void
ngx_av_db_pool_wake(ngx_av_db_pool_t *pool)
{
    ngx_uint_t         i, n;
    ngx_av_db_conn_t  *conn;

    if (!ngx_exiting) {
        return;
    }

    n = 0;

    for (i = 0; i < pool->conf.connections; i++) {
        n += !ngx_av_db_conn_parked(&pool->members[i].conn);
    }

    for (i = 0; i < pool->conf.connections && n < pool->nqueued; i++) {
        conn = &pool->members[i].conn;

        if (ngx_av_db_conn_parked(conn)) {
            ngx_av_db_conn_connect(conn);
            n++;
        }
    }
}


static void
ngx_av_db_pool_deadline(ngx_event_t *ev)
{
    ngx_uint_t           i;
    ngx_av_db_op_t      *op;
    ngx_av_db_pool_t    *pool;
    ngx_av_db_member_t  *member;

    op = ngx_queue_data(ev, ngx_av_db_op_t, deadline);
    pool = op->pool;

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, ev->log, 0,
                   "agentvista db deadline: %p", op);

    for (i = 0; i < pool->conf.connections; i++) {
        member = &pool->members[i];

        if (member->op == op) {

            /* statement_timeout would have come first: the server is gone */

            ngx_av_db_conn_fail(&member->conn, "no answer in time");
            return;
        }
    }

    ngx_queue_remove(&op->queue);
    pool->nqueued--;

    ngx_av_db_pool_done(op, NGX_AV_DB_TIMEOUT);
}


static void
ngx_av_db_pool_refused(ngx_event_t *ev)
{
    ngx_av_db_op_t  *op;

    op = ngx_queue_data(ev, ngx_av_db_op_t, deadline);

    ngx_av_db_pool_done(op, op->status);
}


static void
ngx_av_db_pool_done(ngx_av_db_op_t *op, ngx_av_db_status_e status)
{
    ngx_log_debug3(NGX_LOG_DEBUG_CORE, op->deadline.log, 0,
                   "agentvista db done: %p %d %s", op, status, op->sqlstate);

    if (op->deadline.timer_set) {
        ngx_del_timer(&op->deadline);
    }

    if (status != NGX_AV_DB_FAILED) {
        op->sqlstate[0] = '\0';
    }

    op->status = status;
    op->active = 0;

    op->done(op);
}
