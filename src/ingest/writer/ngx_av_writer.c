#include "ngx_av_writer.h"
#include "ngx_av_flush.h"
#include "ngx_av_fold.h"
#include "ngx_av_notify.h"
#include "ngx_av_stats.h"


/*
 * A flush takes writes from the queue and stores their items.  It first takes
 * the traces to be new, which is cheapest; if Postgres finds that one is not,
 * the same items are merged instead.  Data that Postgres refuses is searched
 * for by halves until it is alone.  Trouble of the server's puts the writes
 * back into the queue, where they wait for their deadlines.
 */

#define NGX_AV_WRITER_MAX_ROWS   5000
#define NGX_AV_WRITER_MAX_BYTES  (4 * 1024 * 1024)

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

/* check_violation, which nothing else in the schema can cause for good data */
#define NGX_AV_WRITER_NO_PARTITION  "23514"

/* after trouble that is the server's: it may be starting up */
#define NGX_AV_WRITER_PAUSE      100

/* the server's own time-out comes first; this is for a dead connection */
#define NGX_AV_WRITER_GRACE      1000

/* "in halves" of 2^32 items at the most */
#define NGX_AV_WRITER_RANGES     34

#define NGX_AV_WRITER_SEEN       65536


typedef struct {
    ngx_uint_t              first;
    ngx_uint_t              last;       /* one past */
} ngx_av_writer_range_t;


typedef struct {
    ngx_av_db_op_t          op;
    ngx_av_flush_plan_t     plan;
    ngx_queue_t             writes;     /* taken from the queue */
    ngx_av_flush_item_t    *items;      /* of theirs; malloc()ed */
    ngx_uint_t              nitems;
    ngx_uint_t              allocated;
    ngx_av_writer_range_t   ranges[NGX_AV_WRITER_RANGES];
    ngx_uint_t              nranges;    /* the last is being stored */
    ngx_uint_t              merge;
    ngx_uint_t              slot;
    uint64_t                started;    /* microseconds */
    unsigned                busy:1;
} ngx_av_writer_flush_t;


typedef struct {
    ngx_av_db_pool_t             *pool;
    const ngx_av_db_statement_t  *sql;
    ngx_queue_t                   queue;    /* of ngx_av_write_t */
    ngx_uint_t                    nqueued;
    ngx_uint_t                    nrows;    /* of those */
    ngx_uint_t                    nflying;  /* flushes under way */
    ngx_uint_t                    nlast;    /* batches in the last of them */
    ngx_av_writer_flush_t        *flushes;
    ngx_uint_t                    nflushes;
    ngx_msec_t                    timeout;  /* of one flush */
    ngx_event_t                   work;     /* posted: look at the queue */
    ngx_event_t                   pause;    /* timer: not before */
    ngx_event_t                   patience; /* timer: not later */
    ngx_connection_t              dumb;
    ngx_log_t                    *log;

    /*
     * Traces that lately passed through this worker, so that the later parts
     * of one are merged at once.  Forgetful and never wrong: only a guess.
     */
    uint32_t                      seen[NGX_AV_WRITER_SEEN];
} ngx_av_writer_t;


static void ngx_av_writer_wake(ngx_av_writer_t *w);
static void ngx_av_writer_queued(ngx_av_writer_t *w, ngx_av_write_t *write);
static void ngx_av_writer_dequeue(ngx_av_writer_t *w, ngx_av_write_t *write);
static void ngx_av_writer_idle(ngx_av_db_pool_t *pool, void *data);
static void ngx_av_writer_timer(ngx_event_t *ev);
static void ngx_av_writer_work(ngx_event_t *ev);
static ngx_uint_t ngx_av_writer_waits(ngx_av_writer_t *w);
static void ngx_av_writer_take(ngx_av_writer_flush_t *flush);
static void ngx_av_writer_begin(ngx_av_writer_flush_t *flush);
static void ngx_av_writer_run(ngx_av_writer_flush_t *flush);
static void ngx_av_writer_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_writer_done(ngx_av_db_op_t *op);
static void ngx_av_writer_failed(ngx_av_writer_flush_t *flush);
static void ngx_av_writer_give_back(ngx_av_writer_flush_t *flush,
    ngx_uint_t doubtful, ngx_uint_t hopeless);
static void ngx_av_writer_end(ngx_av_writer_flush_t *flush);
static void ngx_av_writer_deadline(ngx_event_t *ev);
static void ngx_av_writer_finish(ngx_av_write_t *write,
    ngx_av_write_status_e status);


static ngx_av_writer_t  *ngx_av_writer;


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


ngx_str_t
ngx_av_writer_trouble(void)
{
    return ngx_av_db_pool_trouble(ngx_av_writer->pool);
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
    ngx_av_writer_queued(w, write);

    ngx_av_writer_wake(w);
}


/* After the requests of this turn of the loop, and those ready in the next. */

static void
ngx_av_writer_wake(ngx_av_writer_t *w)
{
    if (!w->work.posted) {
        ngx_post_event(&w->work, &ngx_posted_next_events);
    }
}


static void
ngx_av_writer_queued(ngx_av_writer_t *w, ngx_av_write_t *write)
{
    write->queued = 1;
    w->nqueued++;
    w->nrows += write->batch->nrows;
}


static void
ngx_av_writer_dequeue(ngx_av_writer_t *w, ngx_av_write_t *write)
{
    ngx_queue_remove(&write->queue);
    write->queued = 0;
    w->nqueued--;
    w->nrows -= write->batch->nrows;
}


static void
ngx_av_writer_idle(ngx_av_db_pool_t *pool, void *data)
{
    ngx_av_writer_wake(ngx_av_writer);
}


static void
ngx_av_writer_timer(ngx_event_t *ev)
{
    ngx_av_writer_wake(ngx_av_writer);
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
            ngx_av_writer_take(flush);

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

    ngx_av_writer_run(flush);
}


/* The elements of a write that are neither stored nor rejected yet. */

static ngx_int_t
ngx_av_writer_add_items(ngx_av_writer_flush_t *flush, ngx_av_write_t *write)
{
    ngx_uint_t            i, n, allocated;
    ngx_av_batch_part_t  *part;
    ngx_av_flush_item_t  *item, *items;

    part = write->batch->parts.elts;
    n = write->batch->parts.nelts;

    if (flush->nitems + n > flush->allocated) {
        allocated = 2 * (flush->nitems + n);

        items = ngx_alloc(allocated * sizeof(ngx_av_flush_item_t),
                          ngx_av_writer->log);
        if (items == NULL) {
            return NGX_ERROR;
        }

        if (flush->items != NULL) {
            ngx_memcpy(items, flush->items,
                       flush->nitems * sizeof(ngx_av_flush_item_t));
            ngx_free(flush->items);
        }

        flush->items = items;
        flush->allocated = allocated;
    }

    item = NULL;

    for (i = 0; i < n; i++) {

        if (part[i].settled) {
            item = NULL;
            continue;
        }

        if (item != NULL && item->parts->element == part[i].element) {
            item->nparts++;
            continue;
        }

        item = &flush->items[flush->nitems++];
        item->write = write;
        item->parts = &part[i];
        item->nparts = 1;
    }

    return NGX_OK;
}


/*
 * Takes what is queued, up to the caps: writes of one kind of batch, all to be
 * merged or none, and of one month, from the head on.
 */

static void
ngx_av_writer_take(ngx_av_writer_flush_t *flush)
{
    size_t            bytes;
    int32_t           month;
    ngx_uint_t        rows, kind;
    ngx_queue_t      *q, *next;
    ngx_av_write_t   *write;
    ngx_av_writer_t  *w;

    w = ngx_av_writer;

    write = ngx_queue_data(ngx_queue_head(&w->queue), ngx_av_write_t, queue);
    month = write->month;
    kind = write->batch->kind;

    flush->merge = write->merge;
    flush->nitems = 0;
    w->nlast = 0;
    bytes = 0;
    rows = 0;

    for (q = ngx_queue_head(&w->queue);
         q != ngx_queue_sentinel(&w->queue);
         q = next)
    {
        next = ngx_queue_next(q);
        write = ngx_queue_data(q, ngx_av_write_t, queue);

        if (write->batch->kind != kind || write->merge != flush->merge
            || write->month != month)
        {
            continue;
        }

        if (flush->nitems > 0
            && (rows + write->batch->nrows > NGX_AV_WRITER_MAX_ROWS
                || bytes + write->size > NGX_AV_WRITER_MAX_BYTES))
        {
            break;
        }

        if (ngx_av_writer_add_items(flush, write) != NGX_OK) {
            break;
        }

        rows += write->batch->nrows;
        bytes += write->size;

        ngx_av_writer_dequeue(w, write);
        ngx_queue_insert_tail(&flush->writes, q);
        w->nlast++;
    }

    flush->ranges[0].first = 0;
    flush->ranges[0].last = flush->nitems;
    flush->nranges = 1;
}


static uint64_t
ngx_av_writer_now(void)
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);

    return (uint64_t) tv.tv_sec * 1000000 + tv.tv_usec;
}


/* Sends the items of the last range. */

static void
ngx_av_writer_run(ngx_av_writer_flush_t *flush)
{
    ngx_av_db_op_t         *op;
    ngx_av_writer_t        *w;
    ngx_av_writer_range_t  *range;

    w = ngx_av_writer;

    range = &flush->ranges[flush->nranges - 1];

    if (ngx_av_flush_plan(&flush->plan, w->sql, &flush->items[range->first],
                          range->last - range->first, flush->slot,
                          &flush->merge, w->log)
        != NGX_OK)
    {
        ngx_add_timer(&w->pause, NGX_AV_WRITER_PAUSE);
        ngx_av_writer_give_back(flush, 0, 0);
        return;
    }

    op = &flush->op;

    ngx_memzero(op, sizeof(ngx_av_db_op_t));

    op->calls = flush->plan.calls.elts;
    op->ncalls = flush->plan.calls.nelts;
    op->result = ngx_av_writer_result;
    op->done = ngx_av_writer_done;
    op->data = flush;
    op->timeout = w->timeout;
    op->log = w->log;

    flush->started = ngx_av_writer_now();

    ngx_log_debug4(NGX_LOG_DEBUG_CORE, w->log, 0,
                   "agentvista writer: flush of %ui items, %ui rows,"
                   " %ui calls, merge:%ui", range->last - range->first,
                   flush->plan.nrows, op->ncalls, flush->merge);

    ngx_av_db_submit(w->pool, op);
}


static void
ngx_av_writer_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_av_writer_flush_t  *flush;

    flush = op->data;

    ngx_av_flush_result(&flush->plan, call, res);
}


/* The items of the last range need no more work. */

static void
ngx_av_writer_settle(ngx_av_writer_flush_t *flush)
{
    ngx_uint_t              i, j;
    ngx_av_flush_item_t    *item;
    ngx_av_writer_range_t  *range;

    range = &flush->ranges[--flush->nranges];

    for (i = range->first; i < range->last; i++) {
        item = &flush->items[i];

        for (j = 0; j < item->nparts; j++) {
            item->parts[j].settled = 1;
        }

        item->write->left -= item->nparts;
    }
}


static void
ngx_av_writer_committed(ngx_av_writer_flush_t *flush)
{
    ngx_uint_t            i;
    ngx_av_flush_part_t  *part;

    ngx_av_flush_committed(&flush->plan);

    for (i = 0; i < flush->plan.nparts; i++) {
        part = &flush->plan.parts[i];
        part->write->stored += part->stored;
    }

    ngx_av_notify_flush(&flush->plan);
    ngx_av_fold_flush(&flush->plan);

    ngx_av_stats_add(NGX_AV_STATS_FLUSHES, 1);
    ngx_av_stats_observe(NGX_AV_STATS_FLUSH_SPANS, flush->plan.nrows);
    ngx_av_stats_observe(NGX_AV_STATS_FLUSH_TIME,
                         ngx_av_writer_now() - flush->started);

    ngx_av_writer_settle(flush);
}


static void
ngx_av_writer_done(ngx_av_db_op_t *op)
{
    ngx_av_writer_flush_t  *flush;

    flush = op->data;

    switch (op->status) {

    case NGX_AV_DB_OK:
        ngx_av_writer_committed(flush);
        break;

    case NGX_AV_DB_FAILED:
        ngx_av_writer_failed(flush);
        return;

    case NGX_AV_DB_LOST:
        ngx_av_stats_add(NGX_AV_STATS_FLUSHES_LOST, 1);
        ngx_av_writer_give_back(flush, 1, 0);
        return;

    case NGX_AV_DB_TIMEOUT:
    case NGX_AV_DB_BUSY:
        ngx_av_writer_give_back(flush, 0, 0);
        return;

    default: /* NGX_AV_DB_CLOSED */
        ngx_av_writer_give_back(flush, 0, 1);
        return;
    }

    ngx_destroy_pool(flush->plan.pool);
    flush->plan.pool = NULL;

    if (flush->nranges > 0) {
        ngx_av_writer_run(flush);
        return;
    }

    ngx_av_writer_end(flush);
}


/* Tells the batch's sender, and the log, what Postgres does not take. */

static ngx_int_t
ngx_av_writer_explain(ngx_av_writer_flush_t *flush, ngx_av_flush_item_t *item)
{
    u_char      detail[128], id[NGX_AV_UUID_TEXT_LEN + 2];
    ngx_str_t   trace_id;
    ngx_uint_t  is_trace;

    is_trace = (item->write->batch->kind == NGX_AV_BATCH_TRACES);

    id[0] = '"';
    *ngx_av_uuid_format(&id[1], &item->parts->trace) = '"';
    trace_id.data = id;
    trace_id.len = sizeof(id);

    if (is_trace) {
        *ngx_snprintf(detail, sizeof(detail) - 1,
                      "traces[%ui]: the database does not accept this data"
                      " (SQLSTATE %s)", item->parts->element,
                      flush->op.sqlstate)
            = '\0';

    } else {
        ngx_str_set(&trace_id, "null");
        *ngx_snprintf(detail, sizeof(detail) - 1,
                      "the database does not accept this data (SQLSTATE %s)",
                      flush->op.sqlstate)
            = '\0';
    }

    ngx_log_error(NGX_LOG_ERR, flush->op.log, 0,
                  "agentvista: data was rejected by Postgres, trace %V,"
                  " SQLSTATE %s", &trace_id, flush->op.sqlstate);

    return ngx_av_batch_reject(item->write->batch, item->parts->element,
                               is_trace ? &trace_id : NULL, (char *) detail);
}


/* An item that Postgres does not take, alone in its range. */

static void
ngx_av_writer_reject(ngx_av_writer_flush_t *flush)
{
    ngx_uint_t              i;
    ngx_av_flush_item_t    *item;
    ngx_av_writer_range_t  *range;

    range = &flush->ranges[flush->nranges - 1];
    item = &flush->items[range->first];

    if (ngx_strcmp(flush->op.sqlstate, NGX_AV_WRITER_NO_PARTITION) == 0) {

        /* not the data's fault: its sender has to try again */

        item->write->hopeless = 1;

    } else if (ngx_av_writer_explain(flush, item) != NGX_OK) {
        ngx_av_writer_give_back(flush, 0, 1);
        return;
    }

    for (i = 0; i < item->nparts; i++) {
        item->write->rejected += item->parts[i].nrows;
    }

    ngx_av_writer_settle(flush);

    if (flush->nranges > 0) {
        ngx_av_writer_run(flush);
        return;
    }

    ngx_av_writer_end(flush);
}


/* Rolled back: nothing of the range is stored. */

static void
ngx_av_writer_failed(ngx_av_writer_flush_t *flush)
{
    ngx_uint_t              middle;
    ngx_av_writer_range_t  *range;

    range = &flush->ranges[flush->nranges - 1];

    switch (ngx_av_db_blame(flush->op.sqlstate)) {

    case NGX_AV_DB_BAD_DATA:
        break;

    case NGX_AV_DB_RETRY:
        ngx_av_stats_add(NGX_AV_STATS_FLUSHES_RETRIED, 1);
        ngx_add_timer(&ngx_av_writer->pause, NGX_AV_WRITER_PAUSE);
        ngx_av_writer_give_back(flush, 0, 0);
        return;

    default: /* NGX_AV_DB_BROKEN */
        ngx_log_error(NGX_LOG_ALERT, flush->op.log, 0,
                      "agentvista: Postgres refuses to store anything,"
                      " SQLSTATE %s", flush->op.sqlstate);
        ngx_av_writer_give_back(flush, 0, 1);
        return;
    }

    ngx_destroy_pool(flush->plan.pool);
    flush->plan.pool = NULL;

    if (!flush->merge
        && ngx_strcmp(flush->op.sqlstate, NGX_AV_DB_UNIQUE_VIOLATION) == 0)
    {
        ngx_av_stats_add(NGX_AV_STATS_FLUSHES_CONFLICT, 1);
        flush->merge = 1;
        ngx_av_writer_run(flush);
        return;
    }

    ngx_av_stats_add(NGX_AV_STATS_FLUSHES_BAD_DATA, 1);

    if (range->last - range->first == 1) {
        ngx_av_writer_reject(flush);
        return;
    }

    middle = range->first + (range->last - range->first) / 2;

    range[1].first = range->first;
    range[1].last = middle;
    range->first = middle;
    flush->nranges++;

    ngx_av_writer_run(flush);
}


/*
 * Ends the flush; what is not settled waits in front of the queue, to be
 * merged, as it may be stored after all; or is given up if there is no hope.
 */

static void
ngx_av_writer_give_back(ngx_av_writer_flush_t *flush, ngx_uint_t doubtful,
    ngx_uint_t hopeless)
{
    ngx_queue_t      *q, *prev;
    ngx_av_write_t   *write;
    ngx_av_writer_t  *w;

    w = ngx_av_writer;

    for (q = ngx_queue_last(&flush->writes);
         q != ngx_queue_sentinel(&flush->writes);
         q = prev)
    {
        prev = ngx_queue_prev(q);
        write = ngx_queue_data(q, ngx_av_write_t, queue);

        if (write->left == 0) {
            continue;
        }

        write->doubtful |= doubtful;

        if (hopeless || write->hopeless || write->expired) {
            write->hopeless = 1;
            continue;
        }

        write->merge = 1;

        ngx_queue_remove(q);
        ngx_queue_insert_head(&w->queue, q);
        ngx_av_writer_queued(w, write);
    }

    ngx_av_writer_end(flush);
}


/* Tells the owners of the writes that the flush still has. */

static void
ngx_av_writer_end(ngx_av_writer_flush_t *flush)
{
    ngx_queue_t      writes, *q;
    ngx_av_write_t  *write;

    if (flush->plan.pool != NULL) {
        ngx_destroy_pool(flush->plan.pool);
        flush->plan.pool = NULL;
    }

    /* owners may submit again, and the next flush may begin meanwhile */

    ngx_queue_init(&writes);

    if (!ngx_queue_empty(&flush->writes)) {
        ngx_queue_add(&writes, &flush->writes);
        ngx_queue_init(&flush->writes);
    }

    flush->nranges = 0;
    flush->busy = 0;
    ngx_av_writer->nflying--;

    if (ngx_av_writer->patience.timer_set) {
        ngx_del_timer(&ngx_av_writer->patience);
    }

    ngx_av_writer_wake(ngx_av_writer);

    while (!ngx_queue_empty(&writes)) {
        q = ngx_queue_head(&writes);
        ngx_queue_remove(q);

        write = ngx_queue_data(q, ngx_av_write_t, queue);

        if (!write->hopeless) {
            ngx_av_writer_finish(write, NGX_AV_WRITE_OK);

        } else {
            ngx_av_writer_finish(write, write->doubtful
                                        ? NGX_AV_WRITE_UNKNOWN
                                        : NGX_AV_WRITE_UNAVAILABLE);
        }
    }
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

    ngx_av_writer_dequeue(ngx_av_writer, write);

    ngx_av_writer_finish(write, write->doubtful ? NGX_AV_WRITE_UNKNOWN
                                                : NGX_AV_WRITE_UNAVAILABLE);
}


static void
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
