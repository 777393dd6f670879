/*
 * What a worker with streams does at intervals, and what it hears: it says
 * which accounts are watched, and collects the traces that it is told of.
 */

#include "ngx_av_stream.h"
#include "ngx_av_db_listen.h"
#include "ngx_av_stats.h"
#include "ngx_av_watch.h"


/* accounts in one statement */
#define NGX_AV_STREAM_WATCH_MAX  1000

/* without streams, the connection is kept for a while */
#define NGX_AV_STREAM_IDLE       30000

#define NGX_AV_STREAM_HEARTBEAT  3000


typedef struct {
    ngx_av_db_listener_t    *listener;
    ngx_event_t              tick;
    ngx_connection_t         dumb;          /* of the tick */
    ngx_uint_t               asked;
    ngx_msec_t               idle_since;

    ngx_av_db_op_t           op;
    ngx_av_db_call_t         call;
    const char              *values[2];
    int                      lengths[2];
    u_char                   seconds[4];
    ngx_pool_t              *pool;          /* of the values; NULL: idle */
    ngx_av_stream_cursor_t   cursor;
    unsigned                 answered:1;

    unsigned                 listening:1;
    unsigned                 stopped:1;
} ngx_av_stream_watch_t;


static void ngx_av_stream_watch_connected(void *data);
static void ngx_av_stream_watch_notified(void *data, ngx_str_t *payload);
static void ngx_av_stream_watch_alive(void *data, ngx_str_t *problems);
static void ngx_av_stream_watch_lost(void *data);
static void ngx_av_stream_watch_pending(ngx_av_stream_account_t *account,
    u_char *p, u_char *last);
static void ngx_av_stream_watch_tick(ngx_event_t *ev);
static void ngx_av_stream_watch_kick(ngx_event_t *ev);
static void ngx_av_stream_watch_fetch(void);
static void ngx_av_stream_watch_behind(ngx_msec_t delay);
static ngx_int_t ngx_av_stream_watch_values(void);
static void ngx_av_stream_watch_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_stream_watch_done(ngx_av_db_op_t *op);
static void ngx_av_stream_watch_answered(ngx_av_stream_account_t *account);


static ngx_av_stream_watch_t  ngx_av_stream_watcher;


ngx_int_t
ngx_av_stream_init_process(ngx_cycle_t *cycle, ngx_av_db_conf_t *db,
    ngx_av_db_pool_t *readers)
{
    ngx_av_stream_watch_t  *w;

    ngx_av_stream_worker.cycle = cycle;
    ngx_av_stream_worker.db = db;
    ngx_av_stream_worker.readers = readers;
    ngx_queue_init(&ngx_av_stream_worker.accounts);
    ngx_queue_init(&ngx_av_stream_worker.streams);
    ngx_queue_init(&ngx_av_stream_worker.dirty);
    ngx_queue_init(&ngx_av_stream_worker.resuming);

    ngx_av_stream_worker.kick.handler = ngx_av_stream_watch_kick;
    ngx_av_stream_worker.kick.log = cycle->log;

    w = &ngx_av_stream_watcher;

    w->dumb.fd = (ngx_socket_t) -1;
    ngx_av_stream_worker.kick.data = &w->dumb;
    w->tick.handler = ngx_av_stream_watch_tick;
    w->tick.data = &w->dumb;
    w->tick.log = cycle->log;

    (void) ngx_av_db_put32(w->seconds, NGX_AV_STREAM_WATCH);

    return NGX_OK;
}


void
ngx_av_stream_exit_process(void)
{
    ngx_av_stream_watch_t  *w;

    w = &ngx_av_stream_watcher;

    if (w->tick.timer_set) {
        ngx_del_timer(&w->tick);
    }

    if (w->listener) {
        ngx_av_db_listen_stop(w->listener);
        w->listener = NULL;
    }
}


void
ngx_av_stream_watch_start(void)
{
    ngx_av_stream_watch_t    *w;
    ngx_av_db_listen_conf_t   conf;

    w = &ngx_av_stream_watcher;

    if (w->listener == NULL) {
        ngx_memzero(&conf, sizeof(ngx_av_db_listen_conf_t));

        conf.listen = "listen agentvista_traces";
        conf.connected = ngx_av_stream_watch_connected;
        conf.notified = ngx_av_stream_watch_notified;
        conf.alive = ngx_av_stream_watch_alive;
        conf.lost = ngx_av_stream_watch_lost;
        conf.heartbeat = NGX_AV_STREAM_HEARTBEAT;

        /* without memory, streams catch up never and end with their life */

        w->listener = ngx_av_db_listen_start(ngx_av_stream_worker.cycle,
                                             ngx_av_stream_worker.db, &conf);

    } else if (w->stopped) {
        ngx_av_db_listen_resume(w->listener);
    }

    w->stopped = 0;
    w->asked = ngx_av_watch_asked();

    /* not cancelable: a worker that quits must not go before its streams */

    w->tick.cancelable = 0;

    if (w->tick.timer_set) {
        ngx_del_timer(&w->tick);
    }

    ngx_add_timer(&w->tick, NGX_AV_STREAM_TICK);
}


void
ngx_av_stream_watch_idle(void)
{
    ngx_av_stream_watcher.tick.cancelable = 1;
    ngx_av_stream_watcher.idle_since = ngx_current_msec;
}


static void
ngx_av_stream_watch_connected(void *data)
{
    ngx_av_stream_watcher.listening = 1;

    ngx_av_stream_watch_behind(0);
}


static void
ngx_av_stream_watch_alive(void *data, ngx_str_t *problems)
{
    /* worker 0 looks after the server's health */
}


static void
ngx_av_stream_watch_lost(void *data)
{
    ngx_av_stream_watcher.listening = 0;

    ngx_av_stream_watch_behind(0);
}


static void
ngx_av_stream_watch_behind(ngx_msec_t delay)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts);
         q = ngx_queue_next(q))
    {
        ngx_av_stream_account_behind(
            ngx_queue_data(q, ngx_av_stream_account_t, queue), delay);
    }
}


/* "<account>", or "<account> <trace> <trace>..." of 32 digits each */

static void
ngx_av_stream_watch_notified(void *data, ngx_str_t *payload)
{
    u_char                   *p;
    ngx_av_uuid_t             id;
    ngx_av_stream_account_t  *account;

    p = payload->data;

    if (payload->len < NGX_AV_UUID_TEXT_LEN
        || ngx_av_uuid_parse(p, NGX_AV_UUID_TEXT_LEN, &id) != NGX_OK)
    {
        return;
    }

    account = ngx_av_stream_account_find(&id);

    if (account == NULL || !account->open) {

        /* what comes before the cursor is not waited for */

        return;
    }

    if (payload->len == NGX_AV_UUID_TEXT_LEN) {
        ngx_av_stream_account_behind(account, 0);
        return;
    }

    ngx_av_stream_watch_pending(account, p + NGX_AV_UUID_TEXT_LEN,
                                p + payload->len);
}


static void
ngx_av_stream_watch_pending(ngx_av_stream_account_t *account, u_char *p,
    u_char *last)
{
    ngx_av_uuid_t  *id;

    if (account->pending == NULL) {
        account->pending = ngx_alloc(NGX_AV_STREAM_PENDING
                                     * sizeof(ngx_av_uuid_t), ngx_cycle->log);

        if (account->pending == NULL) {
            ngx_av_stream_account_behind(account, 0);
            return;
        }
    }

    for ( /* void */ ; last - p >= 33; p += 33) {

        if (account->npending == NGX_AV_STREAM_PENDING) {

            /* too many to remember: what has changed is read instead */

            ngx_av_stream_account_behind(account, 0);
            return;
        }

        id = &account->pending[account->npending];

        if (ngx_av_uuid_parse(p + 1, 32, id) == NGX_OK
            && (account->npending == 0
                || ngx_memcmp(id, id - 1, sizeof(ngx_av_uuid_t)) != 0))
        {
            account->npending++;
        }
    }
}


static void
ngx_av_stream_watch_tick(ngx_event_t *ev)
{
    ngx_av_stream_watch_t  *w;

    w = &ngx_av_stream_watcher;

    if (ngx_exiting || ngx_terminate) {
        ngx_av_stream_end_all();
        return;
    }

    if (ngx_av_stream_worker.nstreams == 0
        && ngx_current_msec - w->idle_since >= NGX_AV_STREAM_IDLE)
    {
        w->stopped = 1;
        w->listening = 0;

        if (w->listener) {
            ngx_av_db_listen_stop(w->listener);
        }

        return;
    }

    ngx_add_timer(ev, NGX_AV_STREAM_TICK);

    ngx_av_stats_set(NGX_AV_STATS_STREAMS, ngx_av_stream_worker.nstreams);

    if (w->asked != ngx_av_watch_asked()) {
        w->asked = ngx_av_watch_asked();

        /* some host does not know what is watched: all are told anew */

        ngx_av_stream_watch_fetch();
        ngx_av_stream_watch_behind(NGX_AV_STREAM_GRACE);
        ngx_av_stream_watch();
        return;
    }

    ngx_av_stream_watch_fetch();
    ngx_av_stream_watch();
}


static void
ngx_av_stream_watch_kick(ngx_event_t *ev)
{
    ngx_av_stream_send_dirty();
}


static void
ngx_av_stream_watch_fetch(void)
{
    ngx_queue_t              *q, *next;
    ngx_av_stream_account_t  *account;

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts);
         q = next)
    {
        next = ngx_queue_next(q);
        account = ngx_queue_data(q, ngx_av_stream_account_t, queue);

        if (account->fetching || !account->open || account->nfilters == 0) {
            continue;
        }

        if (account->behind && ngx_av_stream_watcher.listening
            && (ngx_msec_int_t) (ngx_current_msec - account->catch_at) >= 0)
        {
            ngx_av_stream_fetch_account(account, 1);

        } else if (account->npending) {
            ngx_av_stream_fetch_account(account, 0);
        }
    }
}


void
ngx_av_stream_watch(void)
{
    ngx_av_db_op_t         *op;
    ngx_av_stream_watch_t  *w;

    w = &ngx_av_stream_watcher;

    if (w->pool || ngx_av_stream_watch_values() != NGX_OK) {
        return;
    }

    w->answered = 0;
    w->call.statement = &ngx_av_stream_statements[0];
    w->call.values = w->values;
    w->call.lengths = w->lengths;

    op = &w->op;

    op->calls = &w->call;
    op->ncalls = 1;
    op->result = ngx_av_stream_watch_result;
    op->done = ngx_av_stream_watch_done;
    op->timeout = NGX_AV_STREAM_TIMEOUT;
    op->log = ngx_cycle->log;

    ngx_av_db_submit(ngx_av_stream_worker.readers, op);
}


/* NGX_DECLINED: there is nothing to say. */

static ngx_int_t
ngx_av_stream_watch_values(void)
{
    ngx_uint_t                n;
    ngx_pool_t               *pool;
    ngx_queue_t              *q;
    ngx_av_buf_t              b;
    ngx_av_stream_watch_t    *w;
    ngx_av_stream_account_t  *account;

    w = &ngx_av_stream_watcher;
    pool = NULL;
    n = 0;

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts)
         && n < NGX_AV_STREAM_WATCH_MAX;
         q = ngx_queue_next(q))
    {
        account = ngx_queue_data(q, ngx_av_stream_account_t, queue);

        if ((ngx_msec_int_t) (ngx_current_msec - account->renew_at) < 0
            || account->nfilters == 0)
        {
            continue;
        }

        if (pool == NULL) {
            pool = ngx_create_pool(1024, ngx_cycle->log);

            if (pool == NULL || ngx_av_buf_init(&b, pool, 512) != NGX_OK) {
                break;
            }

            b.last += NGX_AV_DB_ARRAY_HEADER;
        }

        if (ngx_av_db_array_uuid(&b, &account->id) != NGX_OK) {
            break;
        }

        account->watching = 1;
        n++;
    }

    if (n == 0) {
        if (pool) {
            ngx_destroy_pool(pool);
        }

        return NGX_DECLINED;
    }

    (void) ngx_av_db_array_header(b.start, NGX_AV_DB_UUID, n);

    w->values[0] = (char *) b.start;
    w->lengths[0] = ngx_av_buf_len(&b);
    w->values[1] = (char *) w->seconds;
    w->lengths[1] = sizeof(w->seconds);
    w->pool = pool;

    return NGX_OK;
}


static void
ngx_av_stream_watch_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_str_t  value;

    if (ngx_av_db_nrows(res) == 0) {
        return;
    }

    value = ngx_av_db_value(res, 0, 0);

    if (value.len == NGX_AV_STREAM_CURSOR) {
        ngx_memcpy(ngx_av_stream_watcher.cursor.text, value.data, value.len);
        ngx_av_stream_watcher.answered = 1;
    }
}


static void
ngx_av_stream_watch_done(ngx_av_db_op_t *op)
{
    ngx_queue_t              *q, *next;
    ngx_av_stream_watch_t    *w;
    ngx_av_stream_account_t  *account;

    w = &ngx_av_stream_watcher;

    ngx_destroy_pool(w->pool);
    w->pool = NULL;

    if (op->status != NGX_AV_DB_OK) {
        w->answered = 0;
    }

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts);
         q = next)
    {
        account = ngx_queue_data(q, ngx_av_stream_account_t, queue);

        if (account->watching) {
            ngx_av_stream_watch_answered(account);
        }

        next = ngx_queue_next(q);

        if (account->watching) {
            account->watching = 0;
            ngx_av_stream_account_done(account);
        }
    }

    ngx_av_stream_send_dirty();

    if (op->status == NGX_AV_DB_OK) {
        ngx_av_stream_watch();
    }
}


/* The account itself stays, as it is still marked. */

static void
ngx_av_stream_watch_answered(ngx_av_stream_account_t *account)
{
    ngx_uint_t               first;
    ngx_queue_t             *q;
    ngx_av_stream_t         *stream;
    ngx_av_stream_watch_t   *w;

    w = &ngx_av_stream_watcher;
    first = !account->open;

    if (w->answered) {
        account->renew_at = ngx_current_msec + NGX_AV_STREAM_WATCH * 1000 / 2;

        if (first) {
            account->open = 1;
            account->cursor = w->cursor;
            ngx_av_stream_account_behind(account, NGX_AV_STREAM_GRACE);

        } else if (w->listening) {
            ngx_av_stream_account_advance(account, &w->cursor);
        }

    } else {
        account->renew_at = ngx_current_msec + NGX_AV_STREAM_GRACE;
    }

    if (!first) {
        return;
    }

    /* they begin or, without an answer, end */

    for (q = ngx_queue_head(&ngx_av_stream_worker.streams);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.streams);
         q = ngx_queue_next(q))
    {
        stream = ngx_queue_data(q, ngx_av_stream_t, all);

        if (stream->filter->account == account) {
            ngx_av_stream_push(stream, NULL, 0);
        }
    }
}
