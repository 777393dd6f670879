#include "ngx_av_notify.h"
#include "ngx_av_watch.h"


/*
 * Traces that wait while others are being told of, and for accounts with more
 * a mark each: those listeners look themselves.
 */
#define NGX_AV_NOTIFY_TRACES  2048
#define NGX_AV_NOTIFY_MARKS   256

/* until what could not be told is told again */
#define NGX_AV_NOTIFY_RETRY   1000


typedef struct {
    ngx_av_uuid_t                 account;
    ngx_av_uuid_t                 trace;
} ngx_av_notify_trace_t;

typedef struct {
    ngx_av_notify_trace_t         traces[NGX_AV_NOTIFY_TRACES];
    ngx_uint_t                    ntraces;
    ngx_av_uuid_t                 marks[NGX_AV_NOTIFY_MARKS];
    ngx_uint_t                    nmarks;
} ngx_av_notify_list_t;

typedef struct {
    ngx_av_db_pool_t             *db;
    const ngx_av_db_statement_t  *statement;
    ngx_msec_t                    timeout;

    ngx_av_notify_list_t          lists[2];
    ngx_av_notify_list_t         *waiting;
    ngx_av_notify_list_t         *told;

    ngx_av_db_op_t                op;
    ngx_av_db_call_t              call;
    const char                   *values[2];
    int                           lengths[2];
    ngx_pool_t                   *pool;     /* of the values; NULL: idle */

    ngx_event_t                   retry;
    ngx_connection_t              dumb;     /* of retry */
} ngx_av_notify_t;


static void ngx_av_notify_add(ngx_av_notify_list_t *list,
    ngx_av_uuid_t *account, ngx_av_uuid_t *trace);
static void ngx_av_notify_mark(ngx_av_notify_list_t *list,
    ngx_av_uuid_t *account);
static void ngx_av_notify_send(void);
static void ngx_av_notify_later(void);
static void ngx_av_notify_again(ngx_event_t *ev);
static ngx_int_t ngx_av_notify_values(ngx_av_notify_list_t *list);
static void ngx_av_notify_done(ngx_av_db_op_t *op);


static ngx_av_notify_t  ngx_av_notify;


void
ngx_av_notify_init_process(ngx_av_db_pool_t *pool,
    const ngx_av_db_statement_t *statement, ngx_msec_t timeout)
{
    ngx_av_notify.db = pool;
    ngx_av_notify.statement = statement;
    ngx_av_notify.timeout = timeout;
    ngx_av_notify.waiting = &ngx_av_notify.lists[0];
    ngx_av_notify.told = &ngx_av_notify.lists[1];

    ngx_av_notify.dumb.fd = (ngx_socket_t) -1;
    ngx_av_notify.retry.handler = ngx_av_notify_again;
    ngx_av_notify.retry.data = &ngx_av_notify.dumb;
    ngx_av_notify.retry.log = ngx_cycle->log;
    ngx_av_notify.retry.cancelable = 1;
}


void
ngx_av_notify_flush(ngx_av_flush_plan_t *plan)
{
    ngx_uint_t            i;
    ngx_av_uuid_t        *account;
    ngx_av_flush_part_t  *part;

    if (plan->parts->write->batch->kind != NGX_AV_BATCH_TRACES) {
        return;
    }

    for (i = 0; i < plan->nparts; i++) {
        part = &plan->parts[i];
        account = &part->write->batch->account;

        if (ngx_av_watch_is_on(account)) {
            ngx_av_notify_add(ngx_av_notify.waiting, account,
                              &part->part->trace);
        }
    }

    ngx_av_notify_send();
}


static void
ngx_av_notify_add(ngx_av_notify_list_t *list, ngx_av_uuid_t *account,
    ngx_av_uuid_t *trace)
{
    if (list->ntraces == NGX_AV_NOTIFY_TRACES) {
        ngx_av_notify_mark(list, account);
        return;
    }

    list->traces[list->ntraces].account = *account;
    list->traces[list->ntraces].trace = *trace;
    list->ntraces++;
}


/* Beyond the marks there is only what listeners find when they resume. */

static void
ngx_av_notify_mark(ngx_av_notify_list_t *list, ngx_av_uuid_t *account)
{
    ngx_uint_t  i;

    for (i = 0; i < list->nmarks; i++) {
        if (ngx_memcmp(&list->marks[i], account, sizeof(ngx_av_uuid_t)) == 0) {
            return;
        }
    }

    if (list->nmarks < NGX_AV_NOTIFY_MARKS) {
        list->marks[list->nmarks++] = *account;
    }
}


static void
ngx_av_notify_send(void)
{
    ngx_av_db_op_t        *op;
    ngx_av_notify_list_t  *list;

    list = ngx_av_notify.waiting;

    if (ngx_av_notify.pool || list->ntraces + list->nmarks == 0) {
        return;
    }

    if (ngx_av_notify_values(list) != NGX_OK) {
        ngx_av_notify_later();
        return;
    }

    ngx_av_notify.waiting = ngx_av_notify.told;
    ngx_av_notify.told = list;

    ngx_av_notify.call.statement = ngx_av_notify.statement;
    ngx_av_notify.call.values = ngx_av_notify.values;
    ngx_av_notify.call.lengths = ngx_av_notify.lengths;

    op = &ngx_av_notify.op;

    op->calls = &ngx_av_notify.call;
    op->ncalls = 1;
    op->done = ngx_av_notify_done;
    op->timeout = ngx_av_notify.timeout;
    op->log = ngx_cycle->log;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, op->log, 0,
                   "agentvista notify: %ui traces, %ui marks",
                   list->ntraces, list->nmarks);

    ngx_av_db_submit(ngx_av_notify.db, op);
}


/* Perhaps no flush comes for long. */

static void
ngx_av_notify_later(void)
{
    if (!ngx_av_notify.retry.timer_set) {
        ngx_add_timer(&ngx_av_notify.retry, NGX_AV_NOTIFY_RETRY);
    }
}


static void
ngx_av_notify_again(ngx_event_t *ev)
{
    ngx_av_notify_send();
}


static ngx_int_t
ngx_av_notify_values(ngx_av_notify_list_t *list)
{
    size_t        size;
    ngx_uint_t    i, n;
    ngx_pool_t   *pool;
    ngx_av_buf_t  accounts, traces;

    n = list->ntraces + list->nmarks;
    size = NGX_AV_DB_ARRAY_HEADER + n * (4 + sizeof(ngx_av_uuid_t));

    pool = ngx_create_pool(512, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_av_buf_init(&accounts, pool, size) != NGX_OK
        || ngx_av_buf_init(&traces, pool, size) != NGX_OK)
    {
        goto failed;
    }

    accounts.last = ngx_av_db_array_header(accounts.last, NGX_AV_DB_UUID, n);
    traces.last = ngx_av_db_array_header(traces.last, NGX_AV_DB_UUID, n);

    for (i = 0; i < list->ntraces; i++) {
        if (ngx_av_db_array_uuid(&accounts, &list->traces[i].account) != NGX_OK
            || ngx_av_db_array_uuid(&traces, &list->traces[i].trace) != NGX_OK)
        {
            goto failed;
        }
    }

    for (i = 0; i < list->nmarks; i++) {
        if (ngx_av_db_array_uuid(&accounts, &list->marks[i]) != NGX_OK
            || ngx_av_db_array_null(&traces) != NGX_OK)
        {
            goto failed;
        }
    }

    ngx_av_notify.values[0] = (char *) accounts.start;
    ngx_av_notify.lengths[0] = ngx_av_buf_len(&accounts);
    ngx_av_notify.values[1] = (char *) traces.start;
    ngx_av_notify.lengths[1] = ngx_av_buf_len(&traces);
    ngx_av_notify.pool = pool;

    return NGX_OK;

failed:

    ngx_destroy_pool(pool);

    return NGX_ERROR;
}


/* What could not be told is marked: those accounts are told to look. */

static void
ngx_av_notify_done(ngx_av_db_op_t *op)
{
    ngx_uint_t             i;
    ngx_av_notify_list_t  *list;

    list = ngx_av_notify.told;

    ngx_destroy_pool(ngx_av_notify.pool);
    ngx_av_notify.pool = NULL;

    if (op->status != NGX_AV_DB_OK) {

        for (i = 0; i < list->ntraces; i++) {
            ngx_av_notify_mark(ngx_av_notify.waiting,
                               &list->traces[i].account);
        }

        for (i = 0; i < list->nmarks; i++) {
            ngx_av_notify_mark(ngx_av_notify.waiting, &list->marks[i]);
        }
    }

    list->ntraces = 0;
    list->nmarks = 0;

    if (op->status == NGX_AV_DB_OK) {
        ngx_av_notify_send();

    } else {
        ngx_av_notify_later();
    }
}
