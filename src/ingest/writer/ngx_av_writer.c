#include "ngx_av_writer_work.h"
#include "ngx_av_fold.h"
#include "ngx_av_notify.h"
#include "ngx_av_stats.h"


/*
 * A flush beside another one begins only if it is worth a connection: a commit
 * costs Postgres as much as some forty spans.
 */
#define NGX_AV_WRITER_WORTH      48

/* or if the other one hangs: for this many milliseconds batches wait for it */
#define NGX_AV_WRITER_PATIENCE   50

/*
 * Clients that were answered send again soon: for so many milliseconds the
 * next flush waits to hold as many batches as the last one.
 */
#define NGX_AV_WRITER_GATHER     1

/* milliseconds for which a flush that was refused makes a host not ready */
#define NGX_AV_WRITER_REFUSED    10000

/* the server's own time-out comes first; this is for a dead connection */
#define NGX_AV_WRITER_GRACE      1000


static void ngx_av_writer_idle(ngx_av_db_pool_t *pool, void *data);
static void ngx_av_writer_timer(ngx_event_t *ev);
static void ngx_av_writer_work(ngx_event_t *ev);
static ngx_uint_t ngx_av_writer_waits(ngx_av_writer_t *w);
static void ngx_av_writer_begin(ngx_av_writer_flush_t *flush);
static void ngx_av_writer_deadline(ngx_event_t *ev);


ngx_av_writer_t  *ngx_av_writer;


ngx_int_t
ngx_av_writer_init_process(ngx_cycle_t *cycle, ngx_av_db_conf_t *db,
    ngx_uint_t connections, ngx_msec_t statement_timeout)
{
    ngx_uint_t              i;
    ngx_av_writer_t        *w;
    ngx_av_db_pool_conf_t   conf;

    w = ngx_pcalloc(cycle->pool, sizeof(ngx_av_writer_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    w->sql = ngx_av_writer_sql(cycle->pool);
    w->flushes = ngx_pcalloc(cycle->pool,
                             connections * sizeof(ngx_av_writer_flush_t));

    if (w->sql == NULL || w->flushes == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&w->queue);
    w->nflushes = connections;
    w->timeout = statement_timeout + NGX_AV_WRITER_GRACE;
    w->log = cycle->log;

    for (i = 0; i < connections; i++) {
        w->flushes[i].slot = (ngx_worker * connections + i) % 32768;
        ngx_queue_init(&w->flushes[i].writes);
    }

    w->work.handler = ngx_av_writer_work;
    w->work.log = cycle->log;

    w->dumb.fd = (ngx_socket_t) -1;
    w->pause.handler = ngx_av_writer_timer;
    w->pause.data = &w->dumb;
    w->pause.log = cycle->log;
    w->pause.cancelable = 1;

    w->patience = w->pause;

    ngx_av_writer = w;

    ngx_memzero(&conf, sizeof(ngx_av_db_pool_conf_t));

    conf.name = "writer";
    conf.connections = connections;
    conf.queue = connections + 1;
    conf.statement_timeout = statement_timeout;
    conf.statements = w->sql;
    conf.nstatements = NGX_AV_WRITER_NSTATEMENTS;
    conf.idle = ngx_av_writer_idle;

    /*
     * Statements that look up traces are planned when a connection is new,
     * perhaps on tables that are still empty, and kept: they must use the
     * indexes then, too.
     */
    conf.settings = "select set_config('enable_seqscan', 'off', false),"
                    " set_config('enable_hashjoin', 'off', false),"
                    " set_config('enable_mergejoin', 'off', false)";

    w->pool = ngx_av_db_pool_start(cycle, db, &conf);
    if (w->pool == NULL) {
        return NGX_ERROR;
    }

    ngx_av_notify_init_process(w->pool, &w->sql[NGX_AV_WRITER_NOTIFY],
                               w->timeout);
    ngx_av_fold_init_process(w->pool, &w->sql[NGX_AV_WRITER_FOLD],
                             w->timeout);

    return NGX_OK;
}


void
ngx_av_writer_exit_process(void)
{
    ngx_uint_t        i;
    ngx_av_writer_t  *w;

    w = ngx_av_writer;

    if (w == NULL || w->pool == NULL) {
        return;
    }

    ngx_av_db_pool_stop(w->pool);

    for (i = 0; i < w->nflushes; i++) {
        if (w->flushes[i].items != NULL) {
            ngx_free(w->flushes[i].items);
            w->flushes[i].items = NULL;
        }
    }
}


/*
 * A host that is taken out of service writes nothing that could show that it is
 * well again: so a refusal counts for a while.
 */

ngx_str_t
ngx_av_writer_trouble(void)
{
    ngx_str_t      trouble;
    static u_char  text[sizeof("Postgres refuses it, SQLSTATE 00000")];

    trouble = ngx_av_db_pool_trouble(ngx_av_writer->pool);

    if (trouble.len == 0 && ngx_av_writer->refused[0] != '\0'
        && ngx_current_msec - ngx_av_writer->refused_at
           < NGX_AV_WRITER_REFUSED)
    {
        trouble.data = text;
        trouble.len = ngx_sprintf(text, "Postgres refuses it, SQLSTATE %s",
                                  ngx_av_writer->refused)
                      - text;
    }

    return trouble;
}


static void
ngx_av_writer_gauges(ngx_av_writer_t *w)
{
    ngx_av_stats_set(NGX_AV_STATS_QUEUE_BATCHES, w->nqueued);
    ngx_av_stats_set(NGX_AV_STATS_WRITERS_READY,
                     ngx_av_db_pool_ready(w->pool));
    ngx_av_stats_set(NGX_AV_STATS_WRITERS_IDLE, ngx_av_db_pool_idle(w->pool));
}


/* Whether a trace of the batch has passed here before; remembers them all. */

static ngx_uint_t
ngx_av_writer_seen(ngx_av_writer_t *w, ngx_av_batch_t *batch)
{
    uint32_t              hash, *slot;
    ngx_uint_t            i, seen;
    ngx_av_batch_part_t  *part;

    if (batch->kind != NGX_AV_BATCH_TRACES) {
        return 0;
    }

    seen = 0;
    part = batch->parts.elts;

    for (i = 0; i < batch->parts.nelts; i++) {
        hash = ngx_murmur_hash2(part[i].trace.bytes, sizeof(ngx_av_uuid_t));
        slot = &w->seen[hash % NGX_AV_WRITER_SEEN];

        if (*slot == hash) {
            seen = 1;
        }

        *slot = hash;
    }

    return seen;
}


void
ngx_av_writer_submit(ngx_av_write_t *write)
{
    ngx_av_writer_t  *w;

    w = ngx_av_writer;

    write->size = ngx_av_batch_size(write->batch);
    write->left = write->batch->parts.nelts;
    write->stored = 0;
    write->rejected = 0;
    write->expired = 0;
    write->doubtful = 0;
    write->hopeless = 0;
    write->merge = ngx_av_writer_seen(w, write->batch);

    ngx_memzero(&write->deadline, sizeof(ngx_event_t));
    write->deadline.handler = ngx_av_writer_deadline;
    write->deadline.data = write;
    write->deadline.log = w->log;

    /* not cancelable: a worker that quits waits for it */
    ngx_add_timer(&write->deadline, write->timeout);

    ngx_queue_insert_tail(&w->queue, &write->queue);
    ngx_av_writer_queued(write);

    ngx_av_writer_wake();
}


/* After the requests of this turn of the loop, and those ready in the next. */

void
ngx_av_writer_wake(void)
{
    if (!ngx_av_writer->work.posted) {
        ngx_post_event(&ngx_av_writer->work, &ngx_posted_next_events);
    }
}


void
ngx_av_writer_queued(ngx_av_write_t *write)
{
    write->queued = 1;
    ngx_av_writer->nqueued++;
    ngx_av_writer->nrows += write->batch->nrows;
}


void
ngx_av_writer_dequeue(ngx_av_write_t *write)
{
    ngx_queue_remove(&write->queue);
    write->queued = 0;
    ngx_av_writer->nqueued--;
    ngx_av_writer->nrows -= write->batch->nrows;
}


static void
ngx_av_writer_idle(ngx_av_db_pool_t *pool, void *data)
{
    ngx_av_writer_wake();
}


static void
ngx_av_writer_timer(ngx_event_t *ev)
{
    ngx_av_writer_wake();
}


/* Whether it is better to begin no flush yet: then a timer ends the wait. */

static ngx_uint_t
ngx_av_writer_waits(ngx_av_writer_t *w)
{
    ngx_msec_t  patience;

    if (w->patience.timedout) {
        return 0;
    }

    if (w->nflying && w->nrows < NGX_AV_WRITER_WORTH) {
        patience = NGX_AV_WRITER_PATIENCE;

    } else if (!w->nflying && w->nqueued < w->nlast) {
        patience = NGX_AV_WRITER_GATHER;

    } else {
        return 0;
    }

    if (!w->patience.timer_set) {
        ngx_add_timer(&w->patience, patience);
    }

    return 1;
}


static void
ngx_av_writer_work(ngx_event_t *ev)
{
    ngx_uint_t              i, idle;
    ngx_av_writer_t        *w;
    ngx_av_writer_flush_t  *flush;

    w = ngx_av_writer;

    /*
     * A worker that quits closes connections as soon as they are idle: the
     * pool has to know that one is wanted.
     */

    idle = ngx_exiting ? w->nflushes : ngx_av_db_pool_idle(w->pool);

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, w->log, 0,
                   "agentvista writer: %ui queued, %ui idle",
                   w->nqueued, idle);

    for (i = 0; i < w->nflushes && idle > 0; i++) {

        if (ngx_queue_empty(&w->queue) || w->pause.timer_set
            || ngx_av_writer_waits(w))
        {
            break;
        }

        flush = &w->flushes[i];

        if (!flush->busy) {
            ngx_av_writer_flush_take(flush);

            if (flush->nitems == 0) {
                /* no memory */
                ngx_add_timer(&w->pause, NGX_AV_WRITER_PAUSE);
                break;
            }

            ngx_av_writer_begin(flush);
            idle--;
        }
    }

    w->patience.timedout = 0;

    ngx_av_writer_gauges(w);
}


static void
ngx_av_writer_begin(ngx_av_writer_flush_t *flush)
{
    ngx_av_writer_t  *w;

    w = ngx_av_writer;

    flush->busy = 1;
    w->nflying++;

    /* what it waited for has come, what comes next is another matter */

    if (w->patience.timer_set) {
        ngx_del_timer(&w->patience);
    }

    ngx_av_writer_flush_run(flush);
}


static void
ngx_av_writer_deadline(ngx_event_t *ev)
{
    ngx_av_write_t  *write;

    write = ev->data;

    if (!write->queued) {
        /* the flush that has it decides */
        write->expired = 1;
        return;
    }

    ngx_av_writer_dequeue(write);

    ngx_av_writer_finish(write, write->doubtful ? NGX_AV_WRITE_UNKNOWN
                                                : NGX_AV_WRITE_UNAVAILABLE);
}


void
ngx_av_writer_finish(ngx_av_write_t *write, ngx_av_write_status_e status)
{
    if (write->deadline.timer_set) {
        ngx_del_timer(&write->deadline);
    }

    if (status != NGX_AV_WRITE_OK && write->stored > 0) {
        /* some of its traces are stored: only a repetition can tell which */
        status = NGX_AV_WRITE_UNKNOWN;
    }

    write->status = status;
    write->done(write);
}
