#include "ngx_av_fold.h"


/* at the latest so many milliseconds after a change */
#define NGX_AV_FOLD_DELAY    1000

/* or when a worker has noted so many traces */
#define NGX_AV_FOLD_CHANGES  5000


typedef struct {
    ngx_av_db_pool_t             *db;
    ngx_msec_t                    timeout;
    ngx_uint_t                    nchanges; /* noted since the last time */
    ngx_event_t                   timer;
    ngx_connection_t              dumb;
    ngx_av_db_op_t                op;
    ngx_av_db_call_t              call;
    ngx_uint_t                    busy;     /* unsigned busy:1 */
} ngx_av_fold_t;


static void ngx_av_fold_timer(ngx_event_t *ev);
static void ngx_av_fold_send(void);
static void ngx_av_fold_done(ngx_av_db_op_t *op);


static ngx_av_fold_t  ngx_av_fold;


void
ngx_av_fold_init_process(ngx_av_db_pool_t *pool,
    const ngx_av_db_statement_t *statement, ngx_msec_t timeout)
{
    ngx_av_fold.db = pool;
    ngx_av_fold.timeout = timeout;
    ngx_av_fold.call.statement = statement;

    ngx_av_fold.dumb.fd = (ngx_socket_t) -1;
    ngx_av_fold.timer.handler = ngx_av_fold_timer;
    ngx_av_fold.timer.data = &ngx_av_fold.dumb;
    ngx_av_fold.timer.log = ngx_cycle->log;
    ngx_av_fold.timer.cancelable = 1;
}


void
ngx_av_fold_flush(ngx_av_flush_plan_t *plan)
{
    if (plan->parts->write->batch->kind != NGX_AV_BATCH_TRACES) {
        return;
    }

    ngx_av_fold.nchanges += plan->nparts;

    if (ngx_av_fold.busy) {
        return;
    }

    if (ngx_av_fold.nchanges >= NGX_AV_FOLD_CHANGES) {
        ngx_av_fold_send();

    } else if (!ngx_av_fold.timer.timer_set) {
        ngx_add_timer(&ngx_av_fold.timer, NGX_AV_FOLD_DELAY);
    }
}


static void
ngx_av_fold_timer(ngx_event_t *ev)
{
    if (ngx_exiting || ngx_terminate || ngx_av_fold.busy) {
        return;
    }

    ngx_av_fold_send();
}


static void
ngx_av_fold_send(void)
{
    ngx_av_db_op_t  *op;

    if (ngx_av_fold.timer.timer_set) {
        ngx_del_timer(&ngx_av_fold.timer);
    }

    ngx_av_fold.nchanges = 0;
    ngx_av_fold.busy = 1;

    op = &ngx_av_fold.op;

    ngx_memzero(op, sizeof(ngx_av_db_op_t));

    op->calls = &ngx_av_fold.call;
    op->ncalls = 1;
    op->done = ngx_av_fold_done;
    op->timeout = ngx_av_fold.timeout;
    op->log = ngx_cycle->log;
    op->background = 1;

    ngx_av_db_submit(ngx_av_fold.db, op);
}


/* Whether it went well or not: what is left is folded next time. */

static void
ngx_av_fold_done(ngx_av_db_op_t *op)
{
    ngx_av_fold.busy = 0;

    if (ngx_av_fold.nchanges > 0 && !ngx_exiting && !ngx_terminate) {
        ngx_add_timer(&ngx_av_fold.timer, NGX_AV_FOLD_DELAY);
    }
}
