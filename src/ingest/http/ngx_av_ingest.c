#include "ngx_av_ingest_kind.h"
#include "ngx_av_drain.h"
#include "ngx_av_stats.h"


/*
 * A batch on its way lives in the batch's pool and not in the request's, which
 * nginx frees as soon as the client leaves: what is queued is stored all the
 * same, and only nobody hears of it.
 */

/* until the length of a chunked body is known */
#define NGX_AV_INGEST_UNKNOWN_SIZE  65536

#define NGX_AV_INGEST_QUOTA   "Monthly event limit exceeded."


static ngx_int_t ngx_av_ingest_admit(ngx_http_request_t *r,
    const ngx_av_ingest_kind_t *kind, ngx_av_ingest_form_t *form);
static ngx_int_t ngx_av_ingest_read(ngx_http_request_t *r,
    const ngx_av_ingest_kind_t *kind, ngx_av_ingest_form_t *form);
static ngx_av_ingest_t *ngx_av_ingest_create(ngx_http_request_t *r,
    const ngx_av_ingest_kind_t *kind, ngx_av_ingest_form_t *form,
    size_t taken);
static void ngx_av_ingest_detach(void *data);
static void ngx_av_ingest_body(ngx_http_request_t *r);
static ngx_int_t ngx_av_ingest_prepare(ngx_av_ingest_t *in);
static void ngx_av_ingest_limits(ngx_av_ingest_t *in,
    ngx_av_http_loc_conf_t *lcf);
static void ngx_av_ingest_watch_client(ngx_http_request_t *r);
static ngx_int_t ngx_av_ingest_failed(ngx_av_ingest_t *in);
static void ngx_av_ingest_written(ngx_av_write_t *write);
static void ngx_av_ingest_settle(ngx_av_ingest_t *in);
static void ngx_av_ingest_add_stats(ngx_av_ingest_t *in);


ngx_av_ingest_conf_t  *ngx_av_ingest_conf;
ngx_av_db_pool_t      *ngx_av_ingest_readers;


ngx_int_t
ngx_av_ingest_init_conf(ngx_conf_t *cf, ngx_av_ingest_conf_t *conf)
{
#if (NGX_THREADS)
    /* "default", which exists unless the operator has made another of it */

    conf->threads = ngx_thread_pool_add(cf, NULL);
    if (conf->threads == NULL) {
        return NGX_ERROR;
    }
#endif

    return NGX_OK;
}


ngx_int_t
ngx_av_ingest_init_process(ngx_cycle_t *cycle, ngx_av_ingest_conf_t *conf,
    ngx_av_db_pool_t *readers)
{
    ngx_av_ingest_conf = conf;
    ngx_av_ingest_readers = readers;

    ngx_av_budget_init(conf->queue_memory);
    ngx_av_otlp_batch_init_process();

    return NGX_OK;
}


/*
 * All that can be told before the body is there is checked before it is asked
 * for.
 */

ngx_int_t
ngx_av_ingest_receive(ngx_http_request_t *r, const ngx_av_ingest_kind_t *kind)
{
    ngx_int_t             rc;
    ngx_av_ingest_form_t  form;

    ngx_memzero(&form, sizeof(ngx_av_ingest_form_t));

    rc = ngx_av_ingest_admit(r, kind, &form);
    if (rc != NGX_OK) {
        return ngx_av_drain(r, rc);
    }

    return ngx_av_ingest_read(r, kind, &form);
}


static ngx_int_t
ngx_av_ingest_admit(ngx_http_request_t *r, const ngx_av_ingest_kind_t *kind,
    ngx_av_ingest_form_t *form)
{
    ngx_int_t                rc;
    ngx_av_http_ctx_t       *ctx;
    ngx_av_http_loc_conf_t  *lcf;

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->ingests = 1;

    rc = kind->check(r, form);
    if (rc != NGX_OK) {
        return rc;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    if (r->headers_in.content_length_n
        > (off_t) ngx_av_ingest_limit(kind, lcf->body_limit))
    {
        return ngx_av_http_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 "Request body too large.");
    }

    if (ngx_av_quota_is_spent(&ctx->identity.account)) {
        return ngx_av_ingest_over_quota(r, kind);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_ingest_read(ngx_http_request_t *r, const ngx_av_ingest_kind_t *kind,
    ngx_av_ingest_form_t *form)
{
    size_t                     size, unread;
    ngx_int_t                  rc;
    ngx_av_http_ctx_t         *ctx;
    ngx_http_core_loc_conf_t  *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    size = r->headers_in.content_length_n >= 0
           ? (size_t) r->headers_in.content_length_n
           : NGX_AV_INGEST_UNKNOWN_SIZE;

    size *= NGX_AV_INGEST_FACTOR;

    if (ngx_av_budget_take(size) != NGX_OK) {
        return ngx_av_budget_refuse(r);
    }

    /*
     * A client that sends slowly must not keep the budget from the others:
     * while the body is read, nginx's buffer is all it has, the rest is in a
     * file.
     */

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    unread = ngx_min(size, clcf->client_body_buffer_size);
    ngx_av_budget_give(size - unread);

    ctx->data = ngx_av_ingest_create(r, kind, form, unread);

    if (ctx->data == NULL) {
        ngx_av_budget_give(unread);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->request_body_in_single_buf = 1;

    /* large bodies are nothing to be warned of */
    r->request_body_file_log_level = NGX_LOG_INFO;

    rc = ngx_http_read_client_request_body(r, ngx_av_ingest_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


size_t
ngx_av_ingest_limit(const ngx_av_ingest_kind_t *kind, size_t configured)
{
    size_t  limit;

    limit = (configured != NGX_CONF_UNSET_SIZE) ? configured : kind->limit;

    /* more could never be taken */

    return ngx_min(limit, ngx_av_ingest_conf->queue_memory
                          / NGX_AV_INGEST_FACTOR);
}


static ngx_av_ingest_t *
ngx_av_ingest_create(ngx_http_request_t *r, const ngx_av_ingest_kind_t *kind,
    ngx_av_ingest_form_t *form, size_t taken)
{
    ngx_av_batch_t      *batch;
    ngx_av_ingest_t     *in;
    ngx_av_http_ctx_t   *ctx;
    ngx_http_cleanup_t  *cln;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    batch = ngx_av_batch_create(kind->batch, &ctx->identity.account,
                                ngx_cycle->log);
    if (batch == NULL) {
        return NULL;
    }

    in = ngx_pcalloc(batch->pool, sizeof(ngx_av_ingest_t));
    if (in == NULL) {
        ngx_av_batch_destroy(batch);
        return NULL;
    }

    in->kind = kind;
    in->form = *form;
    in->request = r;
    in->batch = batch;
    in->taken = taken;

    in->dumb.fd = (ngx_socket_t) -1;
    in->dumb.data = in;

    cln->handler = ngx_av_ingest_detach;
    cln->data = in;
    in->cleanup = &cln->data;

    return in;
}


void
ngx_av_ingest_destroy(ngx_av_ingest_t *in)
{
    if (in->retry.timer_set) {
        ngx_del_timer(&in->retry);
    }

    if (in->guard.timer_set) {
        ngx_del_timer(&in->guard);
    }

    if (in->pool) {
        ngx_destroy_pool(in->pool);
    }

    ngx_av_budget_give(in->taken);
    ngx_av_batch_destroy(in->batch);

    ngx_av_ingest_next_task();
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

    if (in->queued) {
        ngx_av_ingest_dequeue(in);
    }

    ngx_av_ingest_destroy(in);
}


void
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
    ngx_int_t           rc;
    ngx_av_ingest_t    *in;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    in = ctx->data;

    rc = ngx_av_ingest_prepare(in);

    if (rc == NGX_OK) {
        ngx_av_ingest_watch_client(r);

        rc = ngx_av_ingest_decode(in);
    }

    if (rc == NGX_OK) {
        rc = ngx_av_ingest_decoded(in);
    }

    if (rc == NGX_AGAIN) {
        return;
    }

    ngx_http_finalize_request(r, rc);
}


/* All that decoding needs to know, since in a thread it cannot ask. */

static ngx_int_t
ngx_av_ingest_prepare(ngx_av_ingest_t *in)
{
    size_t                   limit;
    ngx_http_request_t      *r;
    ngx_av_http_loc_conf_t  *lcf;

    r = in->request;
    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    in->deadline = ngx_current_msec + lcf->timeout;

    if (in->form.timeout && in->form.timeout < lcf->timeout) {
        in->deadline = ngx_current_msec + in->form.timeout;
    }

    if (ngx_av_body_find(r, in->batch->pool, &in->body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    limit = ngx_av_ingest_limit(in->kind, lcf->body_limit);

    if (in->body.len > limit) {
        return ngx_av_http_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 "Request body too large.");
    }

    ngx_av_ingest_limits(in, lcf);

    in->need = in->body.len;

    if (in->form.coding) {
        in->need += ngx_av_body_inflated(&in->body, in->form.coding,
                                         in->inflated_limit)
                    * NGX_AV_INGEST_FACTOR;
    } else {
        in->need *= NGX_AV_INGEST_FACTOR;
    }

    return NGX_OK;
}


static void
ngx_av_ingest_limits(ngx_av_ingest_t *in, ngx_av_http_loc_conf_t *lcf)
{
    ngx_av_time_t  now;

    now = (ngx_av_time_t) ngx_time() * NGX_AV_TIME_SECOND
          + (ngx_av_time_t) ngx_timeofday()->msec * 1000000;

    in->now = now;
    in->prices = ngx_av_ingest_conf->prices;

    in->inflated_limit = ngx_av_ingest_limit(in->kind, lcf->inflated_limit);

    in->limits.attribute_limit = lcf->attribute_limit;
    in->limits.span_limit = lcf->span_limit;
    in->limits.depth = lcf->depth;
    in->limits.earliest = now / NGX_AV_TIME_DAY * NGX_AV_TIME_DAY
                          - (ngx_av_time_t) ngx_av_ingest_conf->retention_days
                            * NGX_AV_TIME_DAY;
    in->limits.latest = now + (ngx_av_time_t) ngx_av_ingest_conf->ahead_days
                              * NGX_AV_TIME_DAY;
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


ngx_int_t
ngx_av_ingest_decoded(ngx_av_ingest_t *in)
{
    size_t  size;

    if (in->status) {
        return ngx_av_ingest_failed(in);
    }

    in->nerrors = in->batch->errors.nelts;

    /* the text and the document are gone; the rows may be larger than both */

    size = NGX_AV_INGEST_ROWS * ngx_av_batch_size(in->batch);

    if (size > ngx_av_ingest_conf->queue_memory) {
        return ngx_av_http_error(in->request, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 "%s", NGX_AV_INGEST_TOO_MANY);
    }

    if (ngx_av_budget_settle(&in->taken, size) != NGX_OK) {
        return ngx_av_budget_refuse(in->request);
    }

    ngx_av_ingest_next_task();

    if (in->batch->parts.nelts == 0) {
        ngx_av_ingest_add_stats(in);
        return in->kind->answer(in);
    }

    if (in->kind->batch == NGX_AV_BATCH_TRACES) {
        in->events = in->batch->nrows;

    } else {
        /* no events, but where there is no room for one they are refused */

        in->events = 1;
        in->counted = 1;
    }

    return ngx_av_ingest_reserve(in);
}


static ngx_int_t
ngx_av_ingest_failed(ngx_av_ingest_t *in)
{
    switch (in->status) {

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return ngx_av_budget_refuse(in->request);

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    default:
        return ngx_av_http_error(in->request, in->status, "%V", &in->detail);
    }
}


ngx_msec_t
ngx_av_ingest_time_left(ngx_av_ingest_t *in)
{
    return ngx_max((ngx_msec_int_t) (in->deadline - ngx_current_msec), 1);
}


void
ngx_av_ingest_write(ngx_av_ingest_t *in, int32_t month)
{
    if (in->kind->batch != NGX_AV_BATCH_TRACES) {
        ngx_av_quota_settle(in->hold, 0);
        in->hold = NULL;
    }

    in->write.batch = in->batch;
    in->write.month = month;
    in->write.timeout = ngx_av_ingest_time_left(in);
    in->write.done = ngx_av_ingest_written;
    in->write.data = in;

    in->busy = 1;
    ngx_av_writer_submit(&in->write);
}


static void
ngx_av_ingest_written(ngx_av_write_t *write)
{
    ngx_av_ingest_t    *in = write->data;
    ngx_av_http_ctx_t  *ctx;

    in->busy = 0;

    ngx_av_ingest_settle(in);

    if (write->status == NGX_AV_WRITE_OK) {
        ngx_av_ingest_add_stats(in);
    }

    if (in->request == NULL) {
        ngx_av_ingest_destroy(in);
        return;
    }

    ngx_av_http_resume_log(in->request);

    if (write->status != NGX_AV_WRITE_OK) {
        ngx_av_ingest_finish(in, ngx_av_ingest_unavailable(in->request));
        return;
    }

    if (in->kind->batch == NGX_AV_BATCH_TRACES) {
        ctx = ngx_http_get_module_ctx(in->request, ngx_agentvista_module);
        ctx->spans = write->stored;
    }

    ngx_av_ingest_finish(in, in->kind->answer(in));
}


static void
ngx_av_ingest_settle(ngx_av_ingest_t *in)
{
    ngx_int_t        stored;
    ngx_av_write_t  *write;

    write = &in->write;

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
}


static void
ngx_av_ingest_add_stats(ngx_av_ingest_t *in)
{
    ngx_av_write_t           *write;
    ngx_av_stats_counter_e    first;

    /* accepted, duplicate and rejected, in this order */

    static const ngx_av_stats_counter_e  counters[] = {
        NGX_AV_STATS_SPANS_ACCEPTED,
        NGX_AV_STATS_LOGS_ACCEPTED,
        NGX_AV_STATS_POINTS_ACCEPTED
    };

    write = &in->write;
    first = counters[in->kind->batch];

    ngx_av_stats_add(first, write->stored);
    ngx_av_stats_add(first + 1, in->batch->nrows - write->stored
                                - write->rejected);
    ngx_av_stats_add(first + 2, write->rejected + in->batch->nrejected);
}


ngx_int_t
ngx_av_ingest_over_quota(ngx_http_request_t *r,
    const ngx_av_ingest_kind_t *kind)
{
    ngx_av_http_ctx_t  *ctx;

    ngx_av_stats_add(NGX_AV_STATS_QUOTA_REFUSALS, 1);

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);
    ctx->over_quota = 1;

    return ngx_av_http_retry(r, NGX_HTTP_TOO_MANY_REQUESTS, kind->quota_retry,
                             "%s", NGX_AV_INGEST_QUOTA);
}


ngx_int_t
ngx_av_ingest_unavailable(ngx_http_request_t *r)
{
    ngx_av_stats_add(NGX_AV_STATS_TIMEOUT_REFUSALS, 1);

    return ngx_av_http_unavailable(r, 1,
                                   "The database did not confirm this in"
                                   " time: send it again, nothing is stored"
                                   " twice.");
}
