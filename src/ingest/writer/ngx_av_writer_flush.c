#include "ngx_av_writer_work.h"
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

/* check_violation, which nothing else in the schema can cause for good data */
#define NGX_AV_WRITER_NO_PARTITION  "23514"


static void ngx_av_writer_flush_split(ngx_av_writer_flush_t *flush,
    size_t bytes);
static void ngx_av_writer_flush_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_writer_flush_done(ngx_av_db_op_t *op);
static void ngx_av_writer_flush_failed(ngx_av_writer_flush_t *flush);
static void ngx_av_writer_flush_give_back(ngx_av_writer_flush_t *flush,
    ngx_uint_t doubtful, ngx_uint_t hopeless);
static void ngx_av_writer_flush_end(ngx_av_writer_flush_t *flush);


/* The elements of a write that are neither stored nor rejected yet. */

static ngx_int_t
ngx_av_writer_flush_add_items(ngx_av_writer_flush_t *flush,
    ngx_av_write_t *write)
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


void
ngx_av_writer_flush_take(ngx_av_writer_flush_t *flush)
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

        if (ngx_av_writer_flush_add_items(flush, write) != NGX_OK) {
            break;
        }

        rows += write->batch->nrows;
        bytes += write->size;

        ngx_av_writer_dequeue(write);
        ngx_queue_insert_tail(&flush->writes, q);
        w->nlast++;
    }

    ngx_av_writer_flush_split(flush, bytes);
}


/* About: what its rows are of its batch's. */

static size_t
ngx_av_writer_flush_item_size(ngx_av_flush_item_t *item)
{
    ngx_uint_t       i, nrows;
    ngx_av_batch_t  *batch;

    batch = item->write->batch;

    if (batch->nrows == 0) {
        return item->write->size / batch->parts.nelts;
    }

    nrows = 0;

    for (i = 0; i < item->nparts; i++) {
        nrows += item->parts[i].nrows;
    }

    return (uint64_t) item->write->size * nrows / batch->nrows;
}


/*
 * Makes ranges of what was taken, the first one last.  A batch that is too
 * large for one transaction is stored by several: to copy and to send all of
 * it at once would keep the worker from everything else.
 */

static void
ngx_av_writer_flush_split(ngx_av_writer_flush_t *flush, size_t bytes)
{
    size_t                  size, most;
    ngx_uint_t              i;
    ngx_av_writer_range_t  *range;

    most = ngx_max(NGX_AV_WRITER_MAX_BYTES,
                   bytes / (NGX_AV_WRITER_PIECES / 2));

    range = flush->ranges;
    range->first = 0;
    range->last = flush->nitems;

    size = 0;

    for (i = flush->nitems; i > 0; i--) {
        size += ngx_av_writer_flush_item_size(&flush->items[i - 1]);

        if (size > most && i < range->last
            && range - flush->ranges + 1 < NGX_AV_WRITER_PIECES)
        {
            range[1].first = 0;
            range[1].last = i;
            range->first = i;
            range++;

            size = ngx_av_writer_flush_item_size(&flush->items[i - 1]);
        }
    }

    flush->nranges = range - flush->ranges + 1;
}


static uint64_t
ngx_av_writer_flush_now(void)
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);

    return (uint64_t) tv.tv_sec * 1000000 + tv.tv_usec;
}


/* Sends the items of the last range. */

void
ngx_av_writer_flush_run(ngx_av_writer_flush_t *flush)
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
        ngx_av_writer_flush_give_back(flush, 0, 0);
        return;
    }

    op = &flush->op;

    ngx_memzero(op, sizeof(ngx_av_db_op_t));

    op->calls = flush->plan.calls.elts;
    op->ncalls = flush->plan.calls.nelts;
    op->result = ngx_av_writer_flush_result;
    op->done = ngx_av_writer_flush_done;
    op->data = flush;
    op->timeout = w->timeout;
    op->log = w->log;

    flush->started = ngx_av_writer_flush_now();

    ngx_log_debug4(NGX_LOG_DEBUG_CORE, w->log, 0,
                   "agentvista writer: flush of %ui items, %ui rows,"
                   " %ui calls, merge:%ui", range->last - range->first,
                   flush->plan.nrows, op->ncalls, flush->merge);

    ngx_av_db_submit(w->pool, op);
}


static void
ngx_av_writer_flush_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_av_writer_flush_t  *flush;

    flush = op->data;

    ngx_av_flush_result(&flush->plan, call, res);
}


/* The items of the last range need no more work. */

static void
ngx_av_writer_flush_settle(ngx_av_writer_flush_t *flush)
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
ngx_av_writer_flush_committed(ngx_av_writer_flush_t *flush)
{
    ngx_uint_t            i;
    ngx_av_flush_part_t  *part;

    ngx_av_flush_committed(&flush->plan);
    ngx_av_writer->refused[0] = '\0';

    for (i = 0; i < flush->plan.nparts; i++) {
        part = &flush->plan.parts[i];
        part->write->stored += part->stored;
    }

    ngx_av_notify_flush(&flush->plan);
    ngx_av_fold_flush(&flush->plan);

    ngx_av_stats_add(NGX_AV_STATS_FLUSHES, 1);
    ngx_av_stats_observe(NGX_AV_STATS_FLUSH_SPANS, flush->plan.nrows);
    ngx_av_stats_observe(NGX_AV_STATS_FLUSH_TIME,
                         ngx_av_writer_flush_now() - flush->started);

    ngx_av_writer_flush_settle(flush);
}


static void
ngx_av_writer_flush_done(ngx_av_db_op_t *op)
{
    ngx_av_writer_flush_t  *flush;

    flush = op->data;

    switch (op->status) {

    case NGX_AV_DB_OK:
        ngx_av_writer_flush_committed(flush);
        break;

    case NGX_AV_DB_FAILED:
        ngx_av_writer_flush_failed(flush);
        return;

    case NGX_AV_DB_LOST:
        ngx_av_stats_add(NGX_AV_STATS_FLUSHES_LOST, 1);
        ngx_av_writer_flush_give_back(flush, 1, 0);
        return;

    case NGX_AV_DB_TIMEOUT:
    case NGX_AV_DB_BUSY:
        ngx_av_writer_flush_give_back(flush, 0, 0);
        return;

    default: /* NGX_AV_DB_CLOSED */
        ngx_av_writer_flush_give_back(flush, 0, 1);
        return;
    }

    ngx_destroy_pool(flush->plan.pool);
    flush->plan.pool = NULL;

    if (flush->nranges > 0) {
        ngx_av_writer_flush_run(flush);
        return;
    }

    ngx_av_writer_flush_end(flush);
}


/* Tells the batch's sender, and the log, what Postgres does not take. */

static ngx_int_t
ngx_av_writer_flush_explain(ngx_av_writer_flush_t *flush,
    ngx_av_flush_item_t *item)
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
ngx_av_writer_flush_reject(ngx_av_writer_flush_t *flush)
{
    ngx_uint_t              i;
    ngx_av_flush_item_t    *item;
    ngx_av_writer_range_t  *range;

    range = &flush->ranges[flush->nranges - 1];
    item = &flush->items[range->first];

    if (ngx_strcmp(flush->op.sqlstate, NGX_AV_WRITER_NO_PARTITION) == 0) {

        /* not the data's fault: its sender has to try again */

        item->write->hopeless = 1;

    } else if (ngx_av_writer_flush_explain(flush, item) != NGX_OK) {
        ngx_av_writer_flush_give_back(flush, 0, 1);
        return;
    }

    for (i = 0; i < item->nparts; i++) {
        item->write->rejected += item->parts[i].nrows;
    }

    ngx_av_writer_flush_settle(flush);

    if (flush->nranges > 0) {
        ngx_av_writer_flush_run(flush);
        return;
    }

    ngx_av_writer_flush_end(flush);
}


/* For /readyz; conflicts with other transactions are nothing to be told of. */

static void
ngx_av_writer_flush_refused(ngx_av_writer_flush_t *flush)
{
    if (ngx_strncmp(flush->op.sqlstate, "40", 2) == 0) {
        return;
    }

    ngx_memcpy(ngx_av_writer->refused, flush->op.sqlstate,
               sizeof(ngx_av_writer->refused));
    ngx_av_writer->refused_at = ngx_current_msec;
}


/* Rolled back: nothing of the range is stored. */

static void
ngx_av_writer_flush_failed(ngx_av_writer_flush_t *flush)
{
    ngx_uint_t              middle;
    ngx_av_writer_range_t  *range;

    range = &flush->ranges[flush->nranges - 1];

    switch (ngx_av_db_blame(flush->op.sqlstate)) {

    case NGX_AV_DB_BAD_DATA:
        break;

    case NGX_AV_DB_RETRY:
        ngx_av_stats_add(NGX_AV_STATS_FLUSHES_RETRIED, 1);
        ngx_av_writer_flush_refused(flush);
        ngx_add_timer(&ngx_av_writer->pause, NGX_AV_WRITER_PAUSE);
        ngx_av_writer_flush_give_back(flush, 0, 0);
        return;

    default: /* NGX_AV_DB_BROKEN */
        ngx_log_error(NGX_LOG_ALERT, flush->op.log, 0,
                      "agentvista: Postgres refuses to store anything,"
                      " SQLSTATE %s", flush->op.sqlstate);
        ngx_av_writer_flush_refused(flush);
        ngx_av_writer_flush_give_back(flush, 0, 1);
        return;
    }

    ngx_destroy_pool(flush->plan.pool);
    flush->plan.pool = NULL;

    if (!flush->merge
        && ngx_strcmp(flush->op.sqlstate, NGX_AV_DB_UNIQUE_VIOLATION) == 0)
    {
        ngx_av_stats_add(NGX_AV_STATS_FLUSHES_CONFLICT, 1);
        flush->merge = 1;
        ngx_av_writer_flush_run(flush);
        return;
    }

    ngx_av_stats_add(NGX_AV_STATS_FLUSHES_BAD_DATA, 1);

    if (range->last - range->first == 1) {
        ngx_av_writer_flush_reject(flush);
        return;
    }

    middle = range->first + (range->last - range->first) / 2;

    range[1].first = range->first;
    range[1].last = middle;
    range->first = middle;
    flush->nranges++;

    ngx_av_writer_flush_run(flush);
}


/*
 * Ends the flush; what is not settled waits in front of the queue, to be
 * merged, as it may be stored after all; or is given up if there is no hope.
 */

static void
ngx_av_writer_flush_give_back(ngx_av_writer_flush_t *flush, ngx_uint_t doubtful,
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
        ngx_av_writer_queued(write);
    }

    ngx_av_writer_flush_end(flush);
}


/* Tells the owners of the writes that the flush still has. */

static void
ngx_av_writer_flush_end(ngx_av_writer_flush_t *flush)
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

    ngx_av_writer_wake();

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
