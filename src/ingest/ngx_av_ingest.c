#include "ngx_av_ingest.h"
#include "ngx_av_batch.h"
#include "ngx_av_body.h"
#include "ngx_av_http.h"
#include "ngx_av_json.h"
#include "ngx_av_quota.h"
#include "ngx_av_stats.h"
#include "ngx_av_writer.h"


/*
 * A batch on its way lives in the batch's pool and not in the request's, which
 * nginx frees as soon as the client leaves: what is queued is stored all the
 * same, and only nobody hears of it.
 */

#define NGX_AV_INGEST_QUOTA_RETRY   10      /* milliseconds */

/* until the length of a chunked body is known */
#define NGX_AV_INGEST_UNKNOWN_SIZE  65536

/* memory for a byte of text: itself and the columns made of it */
#define NGX_AV_INGEST_FACTOR        2

/* of the parsed document, while it is decoded: 2 to 4 ordinarily */
#define NGX_AV_INGEST_DOCUMENT      8

#define NGX_AV_INGEST_QUOTA   "Monthly event limit exceeded."
#define NGX_AV_INGEST_MEMORY                                                  \
    "Too much data is in flight: send this again."


typedef struct {
    ngx_http_request_t       *request;      /* NULL: the client has left */
    void                    **cleanup;      /* points to the cleanup's data */
    ngx_av_batch_t           *batch;
    ngx_av_quota_hold_t      *hold;
    ngx_uint_t                events;       /* spans to reserve quota for */
    ngx_msec_t                deadline;     /* as ngx_current_msec */
    size_t                    taken;        /* from the budget */
    ngx_event_t               retry;        /* timer: ask for quota again */
    ngx_connection_t          dumb;
    ngx_av_db_op_t            count;        /* of spans that are new */
    ngx_av_db_call_t          call;
    const char               *values[3];
    int                       lengths[3];
    ngx_av_write_t            write;
    unsigned                  counted:1;
    unsigned                  busy:1;       /* an operation has it */
} ngx_av_ingest_t;


static ngx_int_t ngx_av_ingest_check_type(ngx_http_request_t *r);
static ngx_av_ingest_t *ngx_av_ingest_create(ngx_http_request_t *r,
    ngx_av_http_ctx_t *ctx, size_t taken);
static void ngx_av_ingest_destroy(ngx_av_ingest_t *in);
static void ngx_av_ingest_detach(void *data);
static void ngx_av_ingest_body(ngx_http_request_t *r);
static void ngx_av_ingest_watch_client(ngx_http_request_t *r);
static ngx_int_t ngx_av_ingest_take(ngx_av_ingest_t *in, size_t len);
static ngx_int_t ngx_av_ingest_decode(ngx_av_ingest_t *in);
static ngx_int_t ngx_av_ingest_reserve(ngx_av_ingest_t *in);
static void ngx_av_ingest_resume(ngx_av_ingest_t *in);
static void ngx_av_ingest_retry(ngx_event_t *ev);
static ngx_int_t ngx_av_ingest_count(ngx_av_ingest_t *in);
static void ngx_av_ingest_count_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_ingest_count_done(ngx_av_db_op_t *op);
static void ngx_av_ingest_write(ngx_av_ingest_t *in, int32_t month);
static void ngx_av_ingest_written(ngx_av_write_t *write);
static ngx_int_t ngx_av_ingest_refuse(ngx_av_ingest_t *in,
    ngx_uint_t status);
static ngx_int_t ngx_av_ingest_answer(ngx_av_ingest_t *in);


const ngx_av_db_statement_t  ngx_av_ingest_count_statement = {
    "count_new_spans",
    "select agentvista.count_new_spans($1::uuid, $2::uuid[], $3::uuid[])",
    NULL,
    3
};


static ngx_av_ingest_conf_t  *ngx_av_ingest_conf;
static ngx_av_db_pool_t      *ngx_av_ingest_readers;


ngx_int_t
ngx_av_ingest_init_process(ngx_cycle_t *cycle, ngx_av_ingest_conf_t *conf,
    ngx_av_db_pool_t *readers)
{
    ngx_av_ingest_conf = conf;
    ngx_av_ingest_readers = readers;

    ngx_av_budget_init(conf->queue_memory);

    return NGX_OK;
}


/*
 * All that can be told before the body is there is checked before it is asked
 * for.
 */

ngx_int_t
ngx_av_ingest_traces_batch(ngx_http_request_t *r)
{
    size_t                     size, unread;
    ngx_int_t                  rc;
    ngx_av_http_ctx_t         *ctx;
    ngx_http_core_loc_conf_t  *clcf;

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_av_ingest_check_type(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_body_check_encoding(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_quota_is_spent(&ctx->identity.account)) {
        ngx_av_stats_add(NGX_AV_STATS_QUOTA_REFUSALS, 1);
        return ngx_av_http_error(r, NGX_HTTP_TOO_MANY_REQUESTS, "%s",
                                 NGX_AV_INGEST_QUOTA);
    }

    size = r->headers_in.content_length_n >= 0
           ? (size_t) r->headers_in.content_length_n
           : NGX_AV_INGEST_UNKNOWN_SIZE;

    size *= NGX_AV_INGEST_FACTOR;

    if (ngx_av_budget_take(size) != NGX_OK) {
        return ngx_av_http_unavailable(r, 1, "%s", NGX_AV_INGEST_MEMORY);
    }

    /*
     * A client that sends slowly must not keep the budget from the others:
     * while the body is read, nginx's buffer is all it has, the rest is in a
     * file.
     */

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    unread = ngx_min(size, clcf->client_body_buffer_size);
    ngx_av_budget_give(size - unread);

    ctx->data = ngx_av_ingest_create(r, ctx, unread);

    if (ctx->data == NULL) {
        ngx_av_budget_give(unread);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_av_ingest_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_av_ingest_check_type(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *type;

    if (r->headers_in.content_type == NULL
        || r->headers_in.content_type->value.len == 0)
    {
        return NGX_OK;
    }

    type = &r->headers_in.content_type->value;
    len = sizeof("application/json") - 1;

    if (type->len >= len
        && ngx_strncasecmp(type->data, (u_char *) "application/json", len)
           == 0
        && (type->len == len || ngx_strchr("; \t", type->data[len])))
    {
        return NGX_OK;
    }

    return ngx_av_http_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                             "Content-Type must be application/json.");
}


static ngx_av_ingest_t *
ngx_av_ingest_create(ngx_http_request_t *r, ngx_av_http_ctx_t *ctx,
    size_t taken)
{
    ngx_av_batch_t      *batch;
    ngx_av_ingest_t     *in;
    ngx_http_cleanup_t  *cln;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    batch = ngx_av_batch_create(NGX_AV_BATCH_TRACES, &ctx->identity.account,
                                ngx_cycle->log);
    if (batch == NULL) {
        return NULL;
    }

    in = ngx_pcalloc(batch->pool, sizeof(ngx_av_ingest_t));
    if (in == NULL) {
        ngx_av_batch_destroy(batch);
        return NULL;
    }

    in->request = r;
    in->batch = batch;
    in->taken = taken;

    cln->handler = ngx_av_ingest_detach;
    cln->data = in;
    in->cleanup = &cln->data;

    return in;
}


static void
ngx_av_ingest_destroy(ngx_av_ingest_t *in)
{
    if (in->retry.timer_set) {
        ngx_del_timer(&in->retry);
    }

    ngx_av_budget_give(in->taken);
    ngx_av_batch_destroy(in->batch);
}


static void
ngx_av_ingest_detach(void *data)
{
    ngx_av_ingest_t  *in = data;

    if (in == NULL) {
        return;
    }

    if (in->busy) {
        in->request = NULL;
        return;
    }

    ngx_av_ingest_destroy(in);
}


/* Ends the request with rc, which has been prepared, and frees the batch. */

static void
ngx_av_ingest_finish(ngx_av_ingest_t *in, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = in->request;

    *in->cleanup = NULL;
    ngx_av_ingest_destroy(in);

    ngx_av_http_finish(r, rc);
}


static void
ngx_av_ingest_body(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_av_ingest_t         *in;
    ngx_av_http_ctx_t       *ctx;
    ngx_av_http_loc_conf_t  *lcf;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    in = ctx->data;

    rc = ngx_av_ingest_decode(in);

    if (rc == NGX_OK && in->batch->parts.nelts == 0) {
        rc = ngx_av_ingest_answer(in);

    } else if (rc == NGX_OK) {
        ngx_av_ingest_watch_client(r);

        in->events = in->batch->nrows;
        in->deadline = ngx_current_msec + lcf->timeout;

        rc = ngx_av_ingest_reserve(in);

        if (rc == NGX_AGAIN) {
            return;
        }
    }

    ngx_http_finalize_request(r, rc);
}


/* From now on a client that leaves is noticed. */

static void
ngx_av_ingest_watch_client(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    rev = r->connection->read;
    r->read_event_handler = ngx_http_test_reading;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);
    }
}


/* From the budget, what so much text needs and was not taken before. */

static ngx_int_t
ngx_av_ingest_take(ngx_av_ingest_t *in, size_t len)
{
    size_t  size;

    size = NGX_AV_INGEST_FACTOR * len;

    if (size <= in->taken) {
        return NGX_OK;
    }

    if (ngx_av_budget_take(size - in->taken) != NGX_OK) {
        return NGX_BUSY;
    }

    in->taken = size;

    return NGX_OK;
}


static ngx_int_t
ngx_av_ingest_decode(ngx_av_ingest_t *in)
{
    ngx_int_t                rc;
    ngx_str_t                text, detail;
    ngx_av_time_t            now;
    ngx_http_request_t      *r;
    ngx_av_batch_limits_t    limits;
    ngx_av_http_loc_conf_t  *lcf;

    r = in->request;
    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    if (r->headers_in.content_length_n > 0
        && ngx_av_ingest_take(in, (size_t) r->headers_in.content_length_n)
           != NGX_OK)
    {
        return ngx_av_http_unavailable(r, 1, "%s", NGX_AV_INGEST_MEMORY);
    }

    rc = ngx_av_body_get(r, &text, &in->taken);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_ingest_take(in, text.len) != NGX_OK) {
        return ngx_av_http_unavailable(r, 1, "%s", NGX_AV_INGEST_MEMORY);
    }

    now = (ngx_av_time_t) ngx_time() * NGX_AV_TIME_SECOND
          + (ngx_av_time_t) ngx_timeofday()->msec * 1000000;

    limits.attribute_limit = lcf->attribute_limit;
    limits.span_limit = lcf->span_limit;
    limits.depth = lcf->depth;
    limits.memory_limit = NGX_AV_INGEST_DOCUMENT * text.len + 65536;
    limits.earliest = now / NGX_AV_TIME_DAY * NGX_AV_TIME_DAY
                      - (ngx_av_time_t) ngx_av_ingest_conf->retention_days
                        * NGX_AV_TIME_DAY;
    limits.latest = now + (ngx_av_time_t) ngx_av_ingest_conf->ahead_days
                          * NGX_AV_TIME_DAY;

    rc = ngx_av_batch_decode(in->batch, text.data, text.len, &limits, now,
                             &detail);

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_av_http_error(r, NGX_HTTP_BAD_REQUEST, "%V", &detail);

    case NGX_ABORT:
        return ngx_av_http_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 "The body has too many values for its"
                                 " size: send fewer at once.");

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* NGX_AGAIN: the batch is on its way; or what the request is to end with. */

static ngx_int_t
ngx_av_ingest_reserve(ngx_av_ingest_t *in)
{
    int32_t    month;
    ngx_int_t  rc;

    rc = ngx_av_quota_reserve(&in->batch->account, in->events, &in->hold,
                              &month);

    if (rc == NGX_DECLINED && !in->counted) {

        /* perhaps some of the spans are stored: those are free */

        rc = ngx_av_ingest_count(in);
        if (rc == NGX_OK) {
            return NGX_AGAIN;
        }
    }

    switch (rc) {

    case NGX_OK:
        ngx_av_ingest_write(in, month);
        return NGX_AGAIN;

    case NGX_DECLINED:
        return ngx_av_ingest_refuse(in, NGX_HTTP_TOO_MANY_REQUESTS);

    case NGX_BUSY:
        if ((ngx_msec_int_t) (in->deadline - ngx_current_msec) > 0) {
            in->dumb.fd = (ngx_socket_t) -1;
            in->retry.data = &in->dumb;
            in->dumb.data = in;
            in->retry.handler = ngx_av_ingest_retry;
            in->retry.log = ngx_cycle->log;

            ngx_add_timer(&in->retry, NGX_AV_INGEST_QUOTA_RETRY);
            return NGX_AGAIN;
        }

        /* fall through */

    default:
        return ngx_av_ingest_refuse(in, NGX_HTTP_SERVICE_UNAVAILABLE);
    }
}


/* Not from within the content handler: the request may be freed. */

static void
ngx_av_ingest_resume(ngx_av_ingest_t *in)
{
    ngx_int_t  rc;

    rc = ngx_av_ingest_reserve(in);

    if (rc != NGX_AGAIN) {
        ngx_av_ingest_finish(in, rc);
    }
}


static void
ngx_av_ingest_retry(ngx_event_t *ev)
{
    ngx_connection_t  *dumb = ev->data;
    ngx_av_ingest_t   *in = dumb->data;

    ngx_av_http_resume_log(in->request);
    ngx_av_ingest_resume(in);
}


static ngx_int_t
ngx_av_ingest_count(ngx_av_ingest_t *in)
{
    u_char               *p;
    size_t                len;
    ngx_uint_t            i;
    ngx_av_buf_t         *ids;
    static const uint8_t  columns[] = { NGX_AV_SPAN_TRACE_ID,
                                        NGX_AV_SPAN_ID };

    in->values[0] = (char *) in->batch->account.bytes;
    in->lengths[0] = sizeof(ngx_av_uuid_t);

    for (i = 0; i < 2; i++) {
        ids = &in->batch->spans[columns[i]];
        len = NGX_AV_DB_ARRAY_HEADER + ngx_av_buf_len(ids);

        p = ngx_pnalloc(in->batch->pool, len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        in->values[i + 1] = (char *) p;
        in->lengths[i + 1] = len;

        p = ngx_av_db_array_header(p, NGX_AV_DB_UUID, in->batch->nrows);
        ngx_memcpy(p, ids->start, ngx_av_buf_len(ids));
    }

    in->call.statement = &ngx_av_ingest_count_statement;
    in->call.values = in->values;
    in->call.lengths = in->lengths;

    in->count.calls = &in->call;
    in->count.ncalls = 1;
    in->count.result = ngx_av_ingest_count_result;
    in->count.done = ngx_av_ingest_count_done;
    in->count.data = in;
    in->count.timeout = ngx_max((ngx_msec_int_t) (in->deadline
                                                  - ngx_current_msec), 1);
    in->count.log = ngx_cycle->log;

    in->busy = 1;
    ngx_av_db_submit(ngx_av_ingest_readers, &in->count);

    return NGX_OK;
}


static void
ngx_av_ingest_count_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_av_ingest_t  *in = op->data;

    in->events = ngx_av_db_int4(res, 0, 0);
    in->counted = 1;
}


static void
ngx_av_ingest_count_done(ngx_av_db_op_t *op)
{
    ngx_av_ingest_t  *in = op->data;

    in->busy = 0;

    if (in->request == NULL) {
        ngx_av_ingest_destroy(in);
        return;
    }

    ngx_av_http_resume_log(in->request);

    if (op->status != NGX_AV_DB_OK) {
        ngx_av_ingest_finish(in,
                             ngx_av_ingest_refuse(in,
                                              NGX_HTTP_SERVICE_UNAVAILABLE));
        return;
    }

    ngx_av_ingest_resume(in);
}


static void
ngx_av_ingest_write(ngx_av_ingest_t *in, int32_t month)
{
    in->write.batch = in->batch;
    in->write.month = month;
    in->write.timeout = ngx_max((ngx_msec_int_t) (in->deadline
                                                  - ngx_current_msec), 1);
    in->write.done = ngx_av_ingest_written;
    in->write.data = in;

    in->busy = 1;
    ngx_av_writer_submit(&in->write);
}


static void
ngx_av_ingest_written(ngx_av_write_t *write)
{
    ngx_int_t           stored;
    ngx_av_ingest_t    *in = write->data;
    ngx_av_http_ctx_t  *ctx;

    in->busy = 0;

    switch (write->status) {

    case NGX_AV_WRITE_OK:

        /* what a lost flush had stored is counted as duplicates by the next */

        stored = write->doubtful ? NGX_AV_QUOTA_UNKNOWN
                                 : (ngx_int_t) write->stored;
        break;

    case NGX_AV_WRITE_UNAVAILABLE:
        stored = 0;
        break;

    default: /* NGX_AV_WRITE_UNKNOWN */
        stored = NGX_AV_QUOTA_UNKNOWN;
    }

    ngx_av_quota_settle(in->hold, stored);

    if (write->status == NGX_AV_WRITE_OK) {
        ngx_av_stats_add(NGX_AV_STATS_SPANS_ACCEPTED, write->stored);
        ngx_av_stats_add(NGX_AV_STATS_SPANS_REJECTED, write->rejected);
        ngx_av_stats_add(NGX_AV_STATS_SPANS_DUPLICATE,
                         in->batch->nrows - write->stored - write->rejected);
    }

    if (in->request == NULL) {
        ngx_av_ingest_destroy(in);
        return;
    }

    ngx_av_http_resume_log(in->request);

    if (write->status != NGX_AV_WRITE_OK) {
        ngx_av_ingest_finish(in,
                             ngx_av_ingest_refuse(in,
                                              NGX_HTTP_SERVICE_UNAVAILABLE));
        return;
    }

    ctx = ngx_http_get_module_ctx(in->request, ngx_agentvista_module);
    ctx->spans = write->stored;

    ngx_av_ingest_finish(in, ngx_av_ingest_answer(in));
}


static ngx_int_t
ngx_av_ingest_refuse(ngx_av_ingest_t *in, ngx_uint_t status)
{
    if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        ngx_av_stats_add(NGX_AV_STATS_QUOTA_REFUSALS, 1);
        return ngx_av_http_error(in->request, status, "%s",
                                 NGX_AV_INGEST_QUOTA);
    }

    ngx_av_stats_add(NGX_AV_STATS_TIMEOUT_REFUSALS, 1);
    return ngx_av_http_unavailable(in->request, 1,
                                   "The database did not confirm this in"
                                   " time: send it again, nothing is stored"
                                   " twice.");
}


/* agentvista.md 4.3 */

static ngx_int_t
ngx_av_ingest_answer(ngx_av_ingest_t *in)
{
    ngx_str_t              json;
    ngx_uint_t             i, n;
    ngx_av_buf_t           b;
    ngx_av_batch_error_t  *error;

    n = in->batch->errors.nelts;
    error = in->batch->errors.elts;

    ngx_av_stats_add(NGX_AV_STATS_TRACES_ACCEPTED, in->batch->ntraces - n);
    ngx_av_stats_add(NGX_AV_STATS_TRACES_REJECTED, n);
    ngx_av_stats_add(NGX_AV_STATS_SPANS_REJECTED, in->batch->nrejected);

    if (ngx_av_buf_init(&b, in->request->pool, 128 + n * 256) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b.last = ngx_sprintf(b.last,
                         "{\"accepted\":%ui,\"rejected\":%ui,\"errors\":[",
                         in->batch->ntraces - n, n);

    for (i = 0; i < n; i++) {

        if (ngx_av_buf_reserve(&b, 64 + NGX_INT_T_LEN + error[i].trace_id.len)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        b.last = ngx_sprintf(b.last, "%s{\"index\":%ui,\"trace_id\":%V,"
                             "\"detail\":", i ? "," : "", error[i].element,
                             &error[i].trace_id);

        if (ngx_av_json_write_string(&b, error[i].detail.data,
                                     error[i].detail.len)
            != NGX_OK
            || ngx_av_buf_append(&b, "}", 1) != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (ngx_av_buf_append(&b, "]}", 2) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json.data = b.start;
    json.len = ngx_av_buf_len(&b);

    return ngx_av_http_send(in->request, NGX_HTTP_OK, &json);
}
