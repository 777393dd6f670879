/*
 * What a worker with streams hears, and what it does at intervals: it collects
 * the traces that it is told of, and has them fetched.
 */

#include "ngx_av_stream.h"
#include "ngx_av_db_listen.h"
#include "ngx_av_stats.h"
#include "ngx_av_watch.h"


/* without streams, the connection is kept for a while */
#define NGX_AV_STREAM_IDLE       30000

#define NGX_AV_STREAM_HEARTBEAT  3000


typedef struct {
    ngx_av_db_listener_t    *listener;
    ngx_event_t              tick;
    ngx_connection_t         dumb;          /* of the tick */
    ngx_uint_t               asked;
    ngx_msec_t               idle_since;
    unsigned                 listening:1;
    unsigned                 stopped:1;
} ngx_av_stream_hear_t;


static void ngx_av_stream_hear_connected(void *data);
static void ngx_av_stream_hear_alive(void *data, ngx_str_t *problems);
static void ngx_av_stream_hear_lost(void *data);
static void ngx_av_stream_hear_behind(ngx_msec_t delay);
static void ngx_av_stream_hear_notified(void *data, ngx_str_t *payload);
static void ngx_av_stream_hear_pending(ngx_av_stream_account_t *account,
    u_char *p, u_char *last);
static void ngx_av_stream_hear_tick(ngx_event_t *ev);
static void ngx_av_stream_hear_kick(ngx_event_t *ev);


static ngx_av_stream_hear_t  ngx_av_stream_hearing;


ngx_int_t
ngx_av_stream_init_process(ngx_cycle_t *cycle, ngx_av_db_conf_t *db,
    ngx_av_db_pool_t *readers)
{
    ngx_av_stream_hear_t  *h;

    ngx_av_stream_worker.cycle = cycle;
    ngx_av_stream_worker.db = db;
    ngx_av_stream_worker.readers = readers;
    ngx_queue_init(&ngx_av_stream_worker.accounts);
    ngx_queue_init(&ngx_av_stream_worker.streams);
    ngx_queue_init(&ngx_av_stream_worker.dirty);
    ngx_queue_init(&ngx_av_stream_worker.due);
    ngx_queue_init(&ngx_av_stream_worker.resuming);

    ngx_av_stream_worker.kick.handler = ngx_av_stream_hear_kick;
    ngx_av_stream_worker.kick.log = cycle->log;

    h = &ngx_av_stream_hearing;

    h->dumb.fd = (ngx_socket_t) -1;
    ngx_av_stream_worker.kick.data = &h->dumb;
    h->tick.handler = ngx_av_stream_hear_tick;
    h->tick.data = &h->dumb;
    h->tick.log = cycle->log;

    return NGX_OK;
}


void
ngx_av_stream_exit_process(void)
{
    ngx_av_stream_hear_t  *h;

    h = &ngx_av_stream_hearing;

    if (h->tick.timer_set) {
        ngx_del_timer(&h->tick);
    }

    if (h->listener) {
        ngx_av_db_listen_stop(h->listener);
        h->listener = NULL;
    }
}


void
ngx_av_stream_hear_start(void)
{
    ngx_av_stream_hear_t     *h;
    ngx_av_db_listen_conf_t   conf;

    h = &ngx_av_stream_hearing;

    if (h->listener == NULL) {
        ngx_memzero(&conf, sizeof(ngx_av_db_listen_conf_t));

        conf.listen = "listen agentvista_traces";
        conf.connected = ngx_av_stream_hear_connected;
        conf.notified = ngx_av_stream_hear_notified;
        conf.alive = ngx_av_stream_hear_alive;
        conf.lost = ngx_av_stream_hear_lost;
        conf.heartbeat = NGX_AV_STREAM_HEARTBEAT;

        /* without memory, streams catch up never and end with their life */

        h->listener = ngx_av_db_listen_start(ngx_av_stream_worker.cycle,
                                             ngx_av_stream_worker.db, &conf);

    } else if (h->stopped) {
        ngx_av_db_listen_resume(h->listener);
    }

    h->stopped = 0;
    h->asked = ngx_av_watch_asked();

    /* not cancelable: a worker that quits must not go before its streams */

    h->tick.cancelable = 0;

    if (h->tick.timer_set) {
        ngx_del_timer(&h->tick);
    }

    ngx_add_timer(&h->tick, NGX_AV_STREAM_TICK);
}


void
ngx_av_stream_hear_idle(void)
{
    ngx_av_stream_hearing.tick.cancelable = 1;
    ngx_av_stream_hearing.idle_since = ngx_current_msec;
}


ngx_uint_t
ngx_av_stream_hears(void)
{
    return ngx_av_stream_hearing.listening;
}


static void
ngx_av_stream_hear_connected(void *data)
{
    ngx_av_stream_hearing.listening = 1;

    ngx_av_stream_hear_behind(0);
}


static void
ngx_av_stream_hear_alive(void *data, ngx_str_t *problems)
{
    /* worker 0 looks after the server's health */
}


static void
ngx_av_stream_hear_lost(void *data)
{
    ngx_av_stream_hearing.listening = 0;

    ngx_av_stream_hear_behind(0);
}


static void
ngx_av_stream_hear_behind(ngx_msec_t delay)
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
ngx_av_stream_hear_notified(void *data, ngx_str_t *payload)
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

    ngx_av_stream_hear_pending(account, p + NGX_AV_UUID_TEXT_LEN,
                               p + payload->len);
}


static void
ngx_av_stream_hear_pending(ngx_av_stream_account_t *account, u_char *p,
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
ngx_av_stream_hear_tick(ngx_event_t *ev)
{
    ngx_av_stream_hear_t  *h;

    h = &ngx_av_stream_hearing;

    if (ngx_exiting || ngx_terminate) {
        ngx_av_stream_end_all();
        return;
    }

    if (ngx_av_stream_worker.nstreams == 0
        && ngx_current_msec - h->idle_since >= NGX_AV_STREAM_IDLE)
    {
        h->stopped = 1;
        h->listening = 0;

        if (h->listener) {
            ngx_av_db_listen_stop(h->listener);
        }

        return;
    }

    ngx_add_timer(ev, NGX_AV_STREAM_TICK);

    ngx_av_stats_set(NGX_AV_STATS_STREAMS, ngx_av_stream_worker.nstreams);

    if (h->asked != ngx_av_watch_asked()) {
        h->asked = ngx_av_watch_asked();

        ngx_av_stream_hear_behind(NGX_AV_STREAM_GRACE);
        ngx_av_stream_watch_again();
    }

    ngx_av_stream_fetch_due();
    ngx_av_stream_watch();
}


static void
ngx_av_stream_hear_kick(ngx_event_t *ev)
{
    ngx_av_stream_send_dirty();
}
