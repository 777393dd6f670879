/*
 * Summaries of traces, fetched once for all the streams of an account in this
 * worker, or for one that resumes.
 */

#include "ngx_av_stream.h"
#include "ngx_av_router.h"


/* streams that resume at the same time in one worker */
#define NGX_AV_STREAM_RESUMING  2

/* account, ids, since, numbers, filters */
#define NGX_AV_STREAM_PARAMS    (4 + NGX_AV_STREAM_FILTERS)

#define NGX_AV_STREAM_ID        "id: "
#define NGX_AV_STREAM_EVENT     "\nevent: trace\ndata: "
#define NGX_AV_STREAM_GAP                                                     \
    "event: gap\ndata: {\"detail\":\"More has changed than is shown: "        \
    "read the list again.\"}\n\n"


/* In a pool of its own: nobody may be left when it ends. */
struct ngx_av_stream_fetch_s {
    ngx_av_db_op_t             op;
    ngx_av_db_call_t           call;
    const char                *values[NGX_AV_STREAM_PARAMS];
    int                        lengths[NGX_AV_STREAM_PARAMS];
    ngx_pool_t                *pool;

    /* for which of the two; NULL: the stream is over */
    ngx_av_stream_account_t   *account;
    ngx_av_stream_t           *stream;

    ngx_av_uuid_t              id;
    ngx_av_stream_cursor_t     since;
    ngx_av_stream_cursor_t     cursor;
    ngx_av_stream_text_t      *texts[NGX_AV_STREAM_MAX_FILTERS];
    ngx_uint_t                 nfilters;
    unsigned                   changed:1;   /* since: not the ids */
    unsigned                   failed:1;
};


static ngx_av_stream_fetch_t *ngx_av_stream_fetch_create(
    ngx_av_stream_account_t *account);
static ngx_int_t ngx_av_stream_fetch_ids(ngx_av_stream_fetch_t *fetch,
    ngx_av_stream_account_t *account);
static ngx_int_t ngx_av_stream_fetch_filters(ngx_av_stream_fetch_t *fetch,
    ngx_av_stream_filter_t **filters);
static ngx_int_t ngx_av_stream_fetch_column(ngx_av_stream_fetch_t *fetch,
    ngx_av_stream_filter_t **filters, ngx_uint_t column);
static void ngx_av_stream_fetch_submit(ngx_av_stream_fetch_t *fetch);
static void ngx_av_stream_fetch_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static ngx_int_t ngx_av_stream_fetch_texts(ngx_av_stream_fetch_t *fetch,
    const ngx_av_db_result_t *res, ngx_uint_t gap);
static ngx_uint_t ngx_av_stream_fetch_matched(const ngx_av_db_result_t *res,
    ngx_uint_t row, u_char **p);
static void ngx_av_stream_fetch_done(ngx_av_db_op_t *op);
static void ngx_av_stream_fetch_account_done(ngx_av_stream_fetch_t *fetch);
static void ngx_av_stream_fetch_stream_done(ngx_av_stream_fetch_t *fetch);
static void ngx_av_stream_fetch_destroy(ngx_av_stream_fetch_t *fetch);
static ngx_int_t ngx_av_stream_resume_send(ngx_av_stream_t *stream);


static const ngx_av_param_t  ngx_av_stream_fetch_params[] = {
    NGX_AV_TRACE_FILTERS
    NGX_AV_PARAM_LAST
};

_Static_assert(sizeof(ngx_av_stream_fetch_params) / sizeof(ngx_av_param_t)
               == NGX_AV_STREAM_FILTERS + 1,
               "agentvista.stream_traces() has other filters");


static const uint32_t  ngx_av_stream_watch_types[] = {
    2951, /* uuid[] */ NGX_AV_DB_INT4
};

const ngx_av_db_statement_t
    ngx_av_stream_statements[NGX_AV_STREAM_NSTATEMENTS] = {

    { "watch", "select agentvista.watch($1, $2)",
      ngx_av_stream_watch_types, 2 },

    { "stream_traces",
      "select summary, matched from agentvista.stream_traces($1, $2, $3, $4,"
      " $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,"
      " $20, $21, $22, $23)", NULL, NGX_AV_STREAM_PARAMS }
};


void
ngx_av_stream_fetch_account(ngx_av_stream_account_t *account,
    ngx_uint_t changed)
{
    ngx_uint_t               n;
    ngx_queue_t             *q;
    ngx_av_stream_fetch_t   *fetch;
    ngx_av_stream_filter_t  *filters[NGX_AV_STREAM_MAX_FILTERS];

    fetch = ngx_av_stream_fetch_create(account);
    if (fetch == NULL) {
        ngx_av_stream_account_behind(account, NGX_AV_STREAM_GRACE);
        return;
    }

    n = 0;

    for (q = ngx_queue_head(&account->filters);
         q != ngx_queue_sentinel(&account->filters);
         q = ngx_queue_next(q))
    {
        filters[n++] = ngx_queue_data(q, ngx_av_stream_filter_t, queue);
        filters[n - 1]->number = n;
    }

    fetch->account = account;
    fetch->nfilters = n;
    fetch->since = account->cursor;
    fetch->changed = changed;

    if ((changed ? NGX_OK : ngx_av_stream_fetch_ids(fetch, account)) != NGX_OK
        || ngx_av_stream_fetch_filters(fetch, filters) != NGX_OK)
    {
        ngx_destroy_pool(fetch->pool);
        ngx_av_stream_account_behind(account, NGX_AV_STREAM_GRACE);
        return;
    }

    account->fetching = 1;
    account->npending = 0;

    if (changed) {
        account->behind = 0;
    }

    ngx_av_stream_fetch_submit(fetch);
}


static ngx_av_stream_fetch_t *
ngx_av_stream_fetch_create(ngx_av_stream_account_t *account)
{
    ngx_pool_t             *pool;
    ngx_av_stream_fetch_t  *fetch;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    fetch = ngx_pcalloc(pool, sizeof(ngx_av_stream_fetch_t));
    if (fetch == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    fetch->pool = pool;
    fetch->id = account->id;

    return fetch;
}


static ngx_int_t
ngx_av_stream_fetch_ids(ngx_av_stream_fetch_t *fetch,
    ngx_av_stream_account_t *account)
{
    ngx_uint_t    i;
    ngx_av_buf_t  b;

    if (ngx_av_buf_init(&b, fetch->pool,
                        NGX_AV_DB_ARRAY_HEADER + account->npending
                                             * (4 + sizeof(ngx_av_uuid_t)))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b.last = ngx_av_db_array_header(b.last, NGX_AV_DB_UUID, account->npending);

    for (i = 0; i < account->npending; i++) {
        if (ngx_av_db_array_uuid(&b, &account->pending[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    fetch->values[1] = (char *) b.start;
    fetch->lengths[1] = ngx_av_buf_len(&b);

    return NGX_OK;
}


/* Their numbers, and an array for each parameter that some of them have. */

static ngx_int_t
ngx_av_stream_fetch_filters(ngx_av_stream_fetch_t *fetch,
    ngx_av_stream_filter_t **filters)
{
    ngx_uint_t    i;
    ngx_av_buf_t  b;

    if (ngx_av_buf_init(&b, fetch->pool,
                        NGX_AV_DB_ARRAY_HEADER + 8 * fetch->nfilters)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b.last = ngx_av_db_array_header(b.last, NGX_AV_DB_INT4, fetch->nfilters);

    for (i = 0; i < fetch->nfilters; i++) {
        if (ngx_av_db_array_int4(&b, (int32_t) i + 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    fetch->values[3] = (char *) b.start;
    fetch->lengths[3] = ngx_av_buf_len(&b);

    for (i = 0; i < NGX_AV_STREAM_FILTERS; i++) {
        if (ngx_av_stream_fetch_column(fetch, filters, i) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_stream_fetch_column(ngx_av_stream_fetch_t *fetch,
    ngx_av_stream_filter_t **filters, ngx_uint_t column)
{
    uint32_t      types[NGX_AV_PARAM_MAX_TYPES];
    ngx_int_t     rc;
    ngx_uint_t    i, n;
    ngx_av_buf_t  b;

    n = 0;

    for (i = 0; i < fetch->nfilters; i++) {
        n += (filters[i]->values[column] != NULL);
    }

    if (n == 0) {
        return NGX_OK;
    }

    if (ngx_av_buf_init(&b, fetch->pool, 256) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_av_param_types(&ngx_av_stream_fetch_params[column], types);

    b.last = ngx_av_db_array_header(b.last, types[0], fetch->nfilters);

    for (i = 0; i < fetch->nfilters; i++) {

        if (filters[i]->values[column]) {
            rc = ngx_av_db_array_text(&b,
                                      (u_char *) filters[i]->values[column],
                                      filters[i]->lengths[column]);
        } else {
            rc = ngx_av_db_array_null(&b);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    fetch->values[4 + column] = (char *) b.start;
    fetch->lengths[4 + column] = ngx_av_buf_len(&b);

    return NGX_OK;
}


static void
ngx_av_stream_fetch_submit(ngx_av_stream_fetch_t *fetch)
{
    ngx_av_db_op_t  *op;

    fetch->values[0] = (char *) fetch->id.bytes;
    fetch->lengths[0] = sizeof(ngx_av_uuid_t);

    if (fetch->changed) {
        fetch->values[2] = (char *) fetch->since.text;
        fetch->lengths[2] = NGX_AV_STREAM_CURSOR;
    }

    fetch->call.statement = &ngx_av_stream_statements[1];
    fetch->call.values = fetch->values;
    fetch->call.lengths = fetch->lengths;

    op = &fetch->op;

    op->calls = &fetch->call;
    op->ncalls = 1;
    op->result = ngx_av_stream_fetch_result;
    op->done = ngx_av_stream_fetch_done;
    op->data = fetch;
    op->timeout = NGX_AV_STREAM_TIMEOUT;
    op->log = ngx_cycle->log;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, op->log, 0,
                   "agentvista stream fetch: %ui filters, changed:%d",
                   fetch->nfilters, fetch->changed);

    ngx_av_db_submit(ngx_av_stream_worker.readers, op);
}


/* The first row has the cursor, the others a trace each. */

static void
ngx_av_stream_fetch_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    u_char                 *p;
    ngx_str_t               value;
    ngx_uint_t              gap;
    ngx_av_stream_fetch_t  *fetch = op->data;

    if (ngx_av_db_nrows(res) == 0) {
        fetch->failed = 1;
        return;
    }

    value = ngx_av_db_value(res, 0, 0);

    if (value.len != NGX_AV_STREAM_CURSOR) {
        fetch->failed = 1;
        return;
    }

    ngx_memcpy(fetch->cursor.text, value.data, value.len);

    gap = ngx_av_stream_fetch_matched(res, 0, &p);

    if (ngx_av_stream_fetch_texts(fetch, res, gap) != NGX_OK) {
        fetch->failed = 1;
    }
}


/* One text for each filter: sized first, then written. */

static ngx_int_t
ngx_av_stream_fetch_texts(ngx_av_stream_fetch_t *fetch,
    const ngx_av_db_result_t *res, ngx_uint_t gap)
{
    u_char      *p, *ends[NGX_AV_STREAM_MAX_FILTERS];
    size_t       sizes[NGX_AV_STREAM_MAX_FILTERS], len;
    ngx_str_t    summary;
    ngx_uint_t   i, k, n, row;

    len = sizeof(NGX_AV_STREAM_ID) - 1 + NGX_AV_STREAM_CURSOR
          + sizeof(NGX_AV_STREAM_EVENT) - 1 + sizeof("\n\n") - 1;

    for (i = 0; i < fetch->nfilters; i++) {
        sizes[i] = gap ? sizeof(NGX_AV_STREAM_GAP) - 1 : 0;
    }

    for (row = 1; row < ngx_av_db_nrows(res); row++) {
        summary = ngx_av_db_value(res, row, 0);
        n = ngx_av_stream_fetch_matched(res, row, &p);

        for (i = 0; i < n; i++, p += 8) {
            k = ngx_av_db_get32(p + 4) - 1;

            if (k < fetch->nfilters) {
                sizes[k] += len + summary.len;
            }
        }
    }

    for (i = 0; i < fetch->nfilters; i++) {

        if (sizes[i] == 0) {
            continue;
        }

        fetch->texts[i] = ngx_av_stream_text(sizes[i]);
        if (fetch->texts[i] == NULL) {
            return NGX_ERROR;
        }

        ends[i] = fetch->texts[i]->data;

        if (gap) {
            ends[i] = ngx_cpymem(ends[i], NGX_AV_STREAM_GAP,
                                 sizeof(NGX_AV_STREAM_GAP) - 1);
        }
    }

    for (row = 1; row < ngx_av_db_nrows(res); row++) {
        summary = ngx_av_db_value(res, row, 0);
        n = ngx_av_stream_fetch_matched(res, row, &p);

        for (i = 0; i < n; i++, p += 8) {
            k = ngx_av_db_get32(p + 4) - 1;

            if (k < fetch->nfilters) {
                ends[k] = ngx_sprintf(ends[k], NGX_AV_STREAM_ID "%*s"
                                      NGX_AV_STREAM_EVENT "%V\n\n",
                                      (size_t) NGX_AV_STREAM_CURSOR,
                                      fetch->since.text, &summary);
            }
        }
    }

    return NGX_OK;
}


/* The elements of a binary int4[] without nulls: a length and a number each. */

static ngx_uint_t
ngx_av_stream_fetch_matched(const ngx_av_db_result_t *res, ngx_uint_t row,
    u_char **p)
{
    ngx_str_t   value;
    ngx_uint_t  n;

    value = ngx_av_db_value(res, row, 1);

    if (value.len < NGX_AV_DB_ARRAY_HEADER) {
        return 0;
    }

    n = ngx_av_db_get32(value.data + 12);
    *p = value.data + NGX_AV_DB_ARRAY_HEADER;

    return ngx_min(n, (value.len - NGX_AV_DB_ARRAY_HEADER) / 8);
}


static void
ngx_av_stream_fetch_done(ngx_av_db_op_t *op)
{
    ngx_av_stream_fetch_t  *fetch = op->data;

    if (op->status != NGX_AV_DB_OK) {
        fetch->failed = 1;

        if (op->status == NGX_AV_DB_FAILED) {
            ngx_log_error(NGX_LOG_ERR, op->log, 0,
                          "query \"%s\" failed with SQLSTATE %s",
                          fetch->call.statement->name, op->sqlstate);
        }
    }

    if (fetch->account) {
        ngx_av_stream_fetch_account_done(fetch);

    } else {
        ngx_av_stream_fetch_stream_done(fetch);
    }

    ngx_av_stream_fetch_destroy(fetch);

    ngx_av_stream_send_dirty();
}


static void
ngx_av_stream_fetch_account_done(ngx_av_stream_fetch_t *fetch)
{
    ngx_queue_t              *q, *s;
    ngx_av_stream_t          *stream;
    ngx_av_stream_text_t     *text;
    ngx_av_stream_filter_t   *filter;
    ngx_av_stream_account_t  *account;

    account = fetch->account;
    account->fetching = 0;

    if (fetch->failed) {
        ngx_av_stream_account_behind(account, NGX_AV_STREAM_GRACE);

    } else {
        ngx_av_stream_account_advance(account, &fetch->cursor);
    }

    for (q = ngx_queue_head(&account->filters);
         q != ngx_queue_sentinel(&account->filters);
         q = ngx_queue_next(q))
    {
        filter = ngx_queue_data(q, ngx_av_stream_filter_t, queue);

        /* one that is newer has streams that begin after this */

        if (filter->number == 0) {
            continue;
        }

        text = fetch->texts[filter->number - 1];
        filter->number = 0;

        if (text == NULL || fetch->failed) {
            continue;
        }

        for (s = ngx_queue_head(&filter->streams);
             s != ngx_queue_sentinel(&filter->streams);
             s = ngx_queue_next(s))
        {
            stream = ngx_queue_data(s, ngx_av_stream_t, queue);

            if (stream->open) {
                ngx_av_stream_push(stream, text, 0);
            }
        }
    }

    ngx_av_stream_account_done(account);
}


/* Its events say what it resumed with, until it has them all. */

static void
ngx_av_stream_fetch_stream_done(ngx_av_stream_fetch_t *fetch)
{
    ngx_av_stream_t  *stream;

    ngx_av_stream_worker.nresuming--;

    stream = fetch->stream;

    if (stream == NULL) {
        return;
    }

    stream->fetch = NULL;

    if (fetch->failed) {
        ngx_av_stream_cut(stream);
        return;
    }

    stream->held = 0;

    ngx_av_stream_push(stream, fetch->texts[0], 1);
}


static void
ngx_av_stream_fetch_destroy(ngx_av_stream_fetch_t *fetch)
{
    ngx_uint_t  i;

    for (i = 0; i < fetch->nfilters; i++) {
        if (fetch->texts[i]) {
            ngx_av_stream_release(fetch->texts[i]);
        }
    }

    ngx_destroy_pool(fetch->pool);
}


void
ngx_av_stream_fetch_detach(ngx_av_stream_t *stream)
{
    if (stream->fetch) {
        stream->fetch->stream = NULL;
        stream->fetch = NULL;
    }

    if (stream->is_waiting) {
        stream->is_waiting = 0;
        ngx_queue_remove(&stream->resuming);
    }
}


/*
 * After a reload all clients come back at once, and queries have to be
 * answered besides.
 */

void
ngx_av_stream_resume(ngx_av_stream_t *stream)
{
    stream->held = 1;
    stream->is_waiting = 1;
    ngx_queue_insert_tail(&ngx_av_stream_worker.resuming, &stream->resuming);
}


void
ngx_av_stream_resume_next(void)
{
    ngx_queue_t      *q;
    ngx_av_stream_t  *stream;

    while (ngx_av_stream_worker.nresuming < NGX_AV_STREAM_RESUMING
           && !ngx_queue_empty(&ngx_av_stream_worker.resuming))
    {
        q = ngx_queue_head(&ngx_av_stream_worker.resuming);
        stream = ngx_queue_data(q, ngx_av_stream_t, resuming);

        ngx_queue_remove(q);
        stream->is_waiting = 0;

        if (ngx_av_stream_resume_send(stream) != NGX_OK) {
            ngx_av_stream_cut(stream);
        }
    }
}


static ngx_int_t
ngx_av_stream_resume_send(ngx_av_stream_t *stream)
{
    ngx_av_stream_fetch_t  *fetch;

    fetch = ngx_av_stream_fetch_create(stream->filter->account);
    if (fetch == NULL) {
        return NGX_ERROR;
    }

    fetch->nfilters = 1;
    fetch->since = stream->since;
    fetch->changed = 1;

    if (ngx_av_stream_fetch_filters(fetch, &stream->filter) != NGX_OK) {
        ngx_destroy_pool(fetch->pool);
        return NGX_ERROR;
    }

    fetch->stream = stream;
    stream->fetch = fetch;
    ngx_av_stream_worker.nresuming++;

    ngx_av_stream_fetch_submit(fetch);

    return NGX_OK;
}
