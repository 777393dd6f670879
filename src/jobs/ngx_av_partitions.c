#include "ngx_av_partitions.h"


#define NGX_AV_PARTITIONS_SOON      500
#define NGX_AV_PARTITIONS_AGAIN     10000
#define NGX_AV_PARTITIONS_INTERVAL  3600000
#define NGX_AV_PARTITIONS_TIMEOUT   60000

/* clocks of hosts and of the database may differ around midnight */
#define NGX_AV_PARTITIONS_MARGIN    1

/* days that the job may fail in a row before there is no partition */
#define NGX_AV_PARTITIONS_RESERVE   7


typedef struct {
    ngx_av_db_op_t      op;
    ngx_av_db_call_t    call;
    const char         *values[2];
    int                 lengths[2];
    u_char              retention[4];
    u_char              ahead[4];
    ngx_av_db_pool_t   *pool;
    ngx_event_t         timer;
    ngx_connection_t    dumb;
    ngx_msec_t          next;
} ngx_av_partitions_t;


static void ngx_av_partitions_run(ngx_event_t *ev);
static void ngx_av_partitions_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_partitions_done(ngx_av_db_op_t *op);


const ngx_av_db_statement_t  ngx_av_partitions_statement = {
    "maintain_partitions",
    "select created, dropped, retired, more::integer"
    " from agentvista.maintain_partitions($1::integer, $2::integer)",
    NULL,
    2
};


ngx_int_t
ngx_av_partitions_init_process(ngx_cycle_t *cycle, ngx_av_db_pool_t *pool,
    ngx_uint_t retention_days, ngx_uint_t ahead_days)
{
    ngx_av_partitions_t  *job;

    if (ngx_worker != 0) {
        return NGX_OK;
    }

    job = ngx_pcalloc(cycle->pool, sizeof(ngx_av_partitions_t));
    if (job == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_av_db_put32(job->retention,
                           retention_days + NGX_AV_PARTITIONS_MARGIN);
    (void) ngx_av_db_put32(job->ahead,
                           ahead_days + NGX_AV_PARTITIONS_RESERVE);

    job->values[0] = (char *) job->retention;
    job->values[1] = (char *) job->ahead;
    job->lengths[0] = 4;
    job->lengths[1] = 4;

    job->call.statement = &ngx_av_partitions_statement;
    job->call.values = job->values;
    job->call.lengths = job->lengths;

    job->op.calls = &job->call;
    job->op.ncalls = 1;
    job->op.result = ngx_av_partitions_result;
    job->op.done = ngx_av_partitions_done;
    job->op.data = job;
    job->op.timeout = NGX_AV_PARTITIONS_TIMEOUT;
    job->op.log = cycle->log;
    job->op.background = 1;

    job->pool = pool;

    job->dumb.fd = (ngx_socket_t) -1;
    job->dumb.data = job;
    job->timer.handler = ngx_av_partitions_run;
    job->timer.data = &job->dumb;
    job->timer.log = cycle->log;
    job->timer.cancelable = 1;

    ngx_add_timer(&job->timer, NGX_AV_PARTITIONS_SOON);

    return NGX_OK;
}


static void
ngx_av_partitions_run(ngx_event_t *ev)
{
    ngx_connection_t     *dumb = ev->data;
    ngx_av_partitions_t  *job = dumb->data;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    job->next = NGX_AV_PARTITIONS_AGAIN;

    ngx_av_db_submit(job->pool, &job->op);
}


static void
ngx_av_partitions_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    int32_t               created, dropped, retired;
    ngx_av_partitions_t  *job = op->data;

    created = ngx_av_db_int4(res, 0, 0);
    dropped = ngx_av_db_int4(res, 0, 1);
    retired = ngx_av_db_int4(res, 0, 2);

    if (created || dropped || retired) {
        ngx_log_error(NGX_LOG_NOTICE, op->log, 0,
                      "agentvista: %D partitions of spans were created and"
                      " %D dropped, %D old traces were deleted",
                      created, dropped, retired);
    }

    if (!ngx_av_db_int4(res, 0, 3)) {
        job->next = NGX_AV_PARTITIONS_INTERVAL;
    }
}


static void
ngx_av_partitions_done(ngx_av_db_op_t *op)
{
    ngx_av_partitions_t  *job = op->data;

    if (op->status != NGX_AV_DB_OK) {
        ngx_log_error(NGX_LOG_ERR, op->log, 0,
                      "agentvista: partitions of spans could not be"
                      " maintained (%s%s), trying again",
                      op->status == NGX_AV_DB_FAILED ? "SQLSTATE "
                                                     : "no answer",
                      op->status == NGX_AV_DB_FAILED ? op->sqlstate : "");
        job->next = NGX_AV_PARTITIONS_AGAIN;
    }

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    ngx_add_timer(&job->timer, job->next + ngx_random() % 1000);
}
