/* One listener: its request, what it is sent, and its end. */

#include "ngx_av_stream.h"
#include "ngx_av_access.h"
#include "ngx_av_router.h"
#include "ngx_av_zone.h"


/* milliseconds after which a client comes back */
#define NGX_AV_STREAM_HELLO   "retry: 3000\n: connected\n\n"
#define NGX_AV_STREAM_BEAT    ": \n\n"

#define NGX_AV_STREAM_RETRY_AFTER  1


static ngx_int_t ngx_av_stream_since(ngx_http_request_t *r,
    ngx_av_stream_t *stream);
static ngx_av_stream_t *ngx_av_stream_create(ngx_http_request_t *r);
static ngx_int_t ngx_av_stream_wait(ngx_http_request_t *r);
static ngx_int_t ngx_av_stream_header(ngx_http_request_t *r);
static void ngx_av_stream_push_literal(ngx_av_stream_t *stream,
    const char *literal);
static ngx_int_t ngx_av_stream_begin(ngx_av_stream_t *stream);
static ngx_int_t ngx_av_stream_send(ngx_av_stream_t *stream);
static void ngx_av_stream_sent(ngx_av_stream_t *stream);
static void ngx_av_stream_writer(ngx_http_request_t *r);
static void ngx_av_stream_beat(ngx_event_t *ev);
static ngx_uint_t ngx_av_stream_is_valid(ngx_av_stream_t *stream);
static void ngx_av_stream_checked(ngx_av_key_lookup_t *lookup, ngx_int_t rc,
    ngx_av_identity_t *id);
static void ngx_av_stream_end(ngx_av_stream_t *stream);
static void ngx_av_stream_finish(ngx_av_stream_t *stream, ngx_int_t rc);
static void ngx_av_stream_over(void *data);
static void ngx_av_stream_free(void *data);


static const ngx_av_param_t  ngx_av_stream_params[] = {
    NGX_AV_TRACE_FILTERS
    NGX_AV_PARAM_LAST
};

static const ngx_av_route_t  ngx_av_stream_route = {
    NGX_HTTP_GET, NGX_AV_SCOPE_READ, ngx_null_string, NULL,
    &ngx_av_style_vista, NULL, ngx_av_stream_params, 0, NULL
};


ngx_int_t
ngx_av_stream_handler(ngx_http_request_t *r)
{
    int                       lengths[NGX_AV_STREAM_FILTERS];
    ngx_int_t                 rc;
    const char               *values[NGX_AV_STREAM_FILTERS];
    ngx_av_params_t           ps;
    ngx_av_stream_t          *stream;
    ngx_av_http_ctx_t        *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&ps, sizeof(ngx_av_params_t));

    ps.pool = r->pool;
    ps.values = values;
    ps.lengths = lengths;

    rc = ngx_av_query_params(r, &ps, &ngx_av_stream_route);
    if (rc != NGX_OK) {
        return rc;
    }

    stream = ngx_av_stream_create(r);
    if (stream == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_av_stream_since(r, stream);
    if (rc != NGX_OK) {
        return rc;
    }

    if (r->method == NGX_HTTP_HEAD) {
        return ngx_av_stream_header(r);
    }

    if (ngx_exiting || r != r->main) {
        return ngx_av_http_unavailable(r, NGX_AV_STREAM_RETRY_AFTER,
                                       "The server is shutting down.");
    }

    rc = ngx_av_stream_wait(r);
    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_av_stream_join(stream, &ctx->identity.account, values, lengths);

    if (rc == NGX_DECLINED) {
        return ngx_av_http_unavailable(r, NGX_AV_STREAM_RETRY_AFTER,
                                       "Too many streams with different "
                                       "filters.");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    if (stream->filter->account->open) {

        /* nothing may end a request in its handler */

        ngx_av_stream_push(stream, NULL, 0);

        if (!ngx_av_stream_worker.kick.posted) {
            ngx_post_event(&ngx_av_stream_worker.kick, &ngx_posted_events);
        }

    } else {
        ngx_av_stream_watch();
    }

    return NGX_DONE;
}


static ngx_av_stream_t *
ngx_av_stream_create(ngx_http_request_t *r)
{
    ngx_http_cleanup_t       *cln;
    ngx_pool_cleanup_t       *pcln;
    ngx_av_stream_t          *stream;
    ngx_av_http_loc_conf_t   *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    /* the one when the request ends, the other when all has been sent */

    pcln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_av_stream_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (pcln == NULL || cln == NULL) {
        return NULL;
    }

    stream = pcln->data;
    ngx_memzero(stream, sizeof(ngx_av_stream_t));

    stream->request = r;
    stream->last_out = &stream->out;
    stream->period = lcf->stream_heartbeat;
    stream->limit = lcf->stream_buffer;
    stream->end = ngx_current_msec + NGX_AV_STREAM_LIFE
                  - ngx_random() % (NGX_AV_STREAM_LIFE / 8);

    stream->beat.handler = ngx_av_stream_beat;
    stream->beat.data = r->connection;
    stream->beat.log = r->connection->log;
    stream->beat.cancelable = 1;

    stream->keyed = (ngx_av_access_key(r, &stream->key) == NGX_OK);
    stream->forgets = ngx_av_zone->forgets;
    stream->epoch = ngx_av_zone->epoch;

    cln->handler = ngx_av_stream_over;
    cln->data = stream;

    pcln->handler = ngx_av_stream_free;

    return stream;
}


static ngx_int_t
ngx_av_stream_since(ngx_http_request_t *r, ngx_av_stream_t *stream)
{
    ngx_str_t   value;
    ngx_uint_t  i;

    if (ngx_av_http_header(r, "Last-Event-ID", &value) == 0
        || value.len == 0)
    {
        return NGX_OK;
    }

    for (i = 0; i < value.len; i++) {
        if (ngx_hextoi(&value.data[i], 1) == NGX_ERROR) {
            break;
        }
    }

    if (i != value.len || value.len != NGX_AV_STREAM_CURSOR) {
        return ngx_av_http_error(r, NGX_HTTP_BAD_REQUEST, "Last-Event-ID: must"
                                 " be an id of this stream");
    }

    ngx_memcpy(stream->since.text, value.data, value.len);
    stream->resumes = 1;

    return NGX_OK;
}


/* Watches for the client leaving. */

static ngx_int_t
ngx_av_stream_wait(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    r->write_event_handler = ngx_http_request_empty_handler;

    if (r->discard_body) {
        return NGX_OK;
    }

    r->read_event_handler = ngx_http_test_reading;
    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);
        return NGX_OK;
    }

    return ngx_handle_read_event(rev, 0);
}


static ngx_int_t
ngx_av_stream_header(ngx_http_request_t *r)
{
    ngx_av_http_ctx_t  *ctx;

    static ngx_str_t  cache_control = ngx_string("Cache-Control");
    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  buffering = ngx_string("X-Accel-Buffering");
    static ngx_str_t  no = ngx_string("no");

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ngx_av_http_add_header(r, &cache_control, &no_store) != NGX_OK
        || ngx_av_http_add_header(r, &buffering, &no) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->answered = 1;
    r->disable_not_modified = 1;

#if (NGX_HTTP_GZIP)

    /* whatever gzip_types may say: it would hold events back */

    r->gzip_tested = 1;
    r->gzip_ok = 0;
#endif

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = -1;
    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    return ngx_http_send_header(r);
}


ngx_av_stream_text_t *
ngx_av_stream_text(size_t len)
{
    ngx_av_stream_text_t  *text;

    text = ngx_alloc(offsetof(ngx_av_stream_text_t, data) + len,
                     ngx_cycle->log);

    if (text) {
        text->refs = 1;
        text->len = len;
    }

    return text;
}


void
ngx_av_stream_release(ngx_av_stream_text_t *text)
{
    if (--text->refs == 0) {
        ngx_free(text);
    }
}


static void
ngx_av_stream_push_literal(ngx_av_stream_t *stream, const char *literal)
{
    ngx_av_stream_text_t  *text;

    text = ngx_av_stream_text(ngx_strlen(literal));

    if (text) {
        ngx_memcpy(text->data, literal, text->len);
        ngx_av_stream_push(stream, text, 0);
        ngx_av_stream_release(text);
    }
}


/*
 * A stream that is over its limit is cut off when it is its turn to be sent:
 * a stream may not end while others are being gone through.
 */

void
ngx_av_stream_push(ngx_av_stream_t *stream, ngx_av_stream_text_t *text,
    ngx_uint_t front)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (!stream->is_dirty) {
        stream->is_dirty = 1;
        ngx_queue_insert_tail(&ngx_av_stream_worker.dirty, &stream->dirty);
    }

    if (text == NULL) {
        return;
    }

    if (stream->queued > stream->limit) {

        /* one text may be larger than that, but not one more */

        stream->over = 1;
        return;
    }

    cl = ngx_chain_get_free_buf(stream->request->pool, &stream->free);

    if (cl == NULL) {
        stream->over = 1;
        return;
    }

    text->refs++;
    stream->queued += text->len;

    b = cl->buf;
    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = text->data;
    b->pos = text->data;
    b->last = text->data + text->len;
    b->end = b->last;
    b->memory = 1;
    b->flush = 1;
    b->tag = (ngx_buf_tag_t) &ngx_av_stream_handler;

    if (front) {
        cl->next = stream->out;
        stream->out = cl;

        if (cl->next == NULL) {
            stream->last_out = &cl->next;
        }

        return;
    }

    cl->next = NULL;
    *stream->last_out = cl;
    stream->last_out = &cl->next;
}


/* The account has a cursor, or cannot get one. */

static ngx_int_t
ngx_av_stream_begin(ngx_av_stream_t *stream)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = stream->request;

    if (!stream->filter->account->open) {
        return ngx_av_http_unavailable(r, NGX_AV_STREAM_RETRY_AFTER,
                                       "The database is not available.");
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r->stream == NULL && clcf->tcp_nodelay
        && ngx_tcp_nodelay(r->connection) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_av_stream_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc == NGX_OK ? NGX_ERROR : rc;
    }

    r->write_event_handler = ngx_av_stream_writer;

    stream->open = 1;
    ngx_add_timer(&stream->beat, stream->period);

    ngx_av_stream_push_literal(stream, NGX_AV_STREAM_HELLO);

    rc = ngx_av_stream_send(stream);

    if (rc == NGX_OK && stream->resumes) {
        ngx_av_stream_resume(stream);
    }

    return rc;
}


void
ngx_av_stream_send_dirty(void)
{
    ngx_int_t            rc;
    ngx_queue_t         *q;
    ngx_connection_t    *c;
    ngx_av_stream_t     *stream;
    ngx_http_request_t  *r;

    while (!ngx_queue_empty(&ngx_av_stream_worker.dirty)) {
        q = ngx_queue_head(&ngx_av_stream_worker.dirty);
        stream = ngx_queue_data(q, ngx_av_stream_t, dirty);

        ngx_queue_remove(q);
        stream->is_dirty = 0;

        r = stream->request;
        c = r->connection;

        ngx_av_http_resume_log(r);

        if (stream->over) {
            ngx_log_error(NGX_LOG_INFO, c->log, 0,
                          "a stream was cut off, as its client is too slow");
            ngx_av_stream_finish(stream, NGX_ERROR);
            continue;
        }

        rc = stream->open ? ngx_av_stream_send(stream)
                          : ngx_av_stream_begin(stream);

        if (rc != NGX_OK) {
            ngx_av_stream_finish(stream, rc);
            continue;
        }

        ngx_http_run_posted_requests(c);
    }

    ngx_av_stream_resume_next();
}


static ngx_int_t
ngx_av_stream_send(ngx_av_stream_t *stream)
{
    ngx_int_t                  rc;
    ngx_chain_t               *out, *cl, **ll;
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = stream->request;
    wev = r->connection->write;

    out = stream->held ? NULL : stream->out;

    if (out) {

        /* the filters keep the buffers, not the links */

        for (ll = &stream->busy; *ll; ll = &(*ll)->next) { /* void */ }

        for (cl = out; cl; cl = cl->next) {
            *ll = ngx_alloc_chain_link(r->pool);
            if (*ll == NULL) {
                return NGX_ERROR;
            }

            (*ll)->buf = cl->buf;
            (*ll)->next = NULL;
            ll = &(*ll)->next;
        }

        stream->out = NULL;
        stream->last_out = &stream->out;
    }

    if (out || r->connection->buffered || r->buffered) {
        rc = ngx_http_output_filter(r, out);

        while (out) {
            cl = out;
            out = out->next;
            ngx_free_chain(r->pool, cl);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    ngx_av_stream_sent(stream);

    if (stream->busy == NULL) {

        if (wev->timer_set) {
            ngx_del_timer(wev);
        }

        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->timer_set && !wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    return ngx_handle_write_event(wev, 0);
}


/* Gives back what nginx has sent. */

static void
ngx_av_stream_sent(ngx_av_stream_t *stream)
{
    ngx_chain_t           *cl;
    ngx_av_stream_text_t  *text;

    while (stream->busy && stream->busy->buf->pos == stream->busy->buf->last) {
        cl = stream->busy;
        stream->busy = cl->next;

        text = (ngx_av_stream_text_t *)
                   (cl->buf->start - offsetof(ngx_av_stream_text_t, data));

        stream->queued -= text->len;
        ngx_av_stream_release(text);

        cl->buf->start = NULL;
        cl->next = stream->free;
        stream->free = cl;
    }
}


static void
ngx_av_stream_writer(ngx_http_request_t *r)
{
    ngx_event_t         *wev;
    ngx_av_stream_t     *stream;
    ngx_http_cleanup_t  *cln;

    wev = r->connection->write;

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_av_stream_over) {
            break;
        }
    }

    if (cln == NULL) {
        return;
    }

    stream = cln->data;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;

        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (wev->delayed) {
        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }

    if (ngx_av_stream_send(stream) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}


static void
ngx_av_stream_beat(ngx_event_t *ev)
{
    ngx_av_stream_t  *stream;

    stream = ngx_queue_data(ev, ngx_av_stream_t, beat);

    if (!ngx_av_stream_is_valid(stream)
        || (ngx_msec_int_t) (ngx_current_msec - stream->end) >= 0)
    {
        ngx_av_stream_end(stream);
        return;
    }

    ngx_add_timer(ev, stream->period);

    /* a client that has not even taken the last one gets no more of them */

    if (stream->busy == NULL && stream->out == NULL) {
        ngx_av_stream_push_literal(stream, NGX_AV_STREAM_BEAT);
        ngx_av_stream_send_dirty();
    }
}


/*
 * The stream's key was changed, or perhaps was: ask the database.  A stream
 * without a key ends with its life.
 */

static ngx_uint_t
ngx_av_stream_is_valid(ngx_av_stream_t *stream)
{
    ngx_int_t          rc;
    ngx_av_identity_t  id;

    if (!stream->keyed || stream->lookup.waiting) {
        return 1;
    }

    rc = ngx_av_key_find(&stream->key, &id);

    if (rc != NGX_AGAIN) {
        return rc == NGX_OK && (id.scopes & NGX_AV_SCOPE_READ);
    }

    if (stream->forgets == ngx_av_zone->forgets
        && stream->epoch == ngx_av_zone->epoch)
    {
        return 1;
    }

    stream->lookup.done = ngx_av_stream_checked;
    stream->lookup.data = stream;
    stream->forgets = ngx_av_zone->forgets;
    stream->epoch = ngx_av_zone->epoch;

    return ngx_av_key_lookup(&stream->key, &stream->lookup, ngx_cycle->log)
           == NGX_OK;
}


static void
ngx_av_stream_checked(ngx_av_key_lookup_t *lookup, ngx_int_t rc,
    ngx_av_identity_t *id)
{
    ngx_av_stream_t  *stream;

    stream = lookup->data;

    if (rc == NGX_ERROR) {

        /* no answer: it is asked again with the next heartbeat */

        stream->forgets--;
        return;
    }

    if (rc != NGX_OK || !(id->scopes & NGX_AV_SCOPE_READ)) {
        ngx_av_stream_end(stream);
    }
}


void
ngx_av_stream_cut(ngx_av_stream_t *stream)
{
    ngx_av_http_resume_log(stream->request);

    ngx_av_stream_finish(stream, NGX_ERROR);
}


void
ngx_av_stream_end_all(void)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&ngx_av_stream_worker.streams)) {
        q = ngx_queue_head(&ngx_av_stream_worker.streams);

        ngx_av_stream_end(ngx_queue_data(q, ngx_av_stream_t, all));
    }
}


/* In order, but at once: a slow client would keep a worker that quits. */

static void
ngx_av_stream_end(ngx_av_stream_t *stream)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = stream->request;

    ngx_av_http_resume_log(r);

    if (!stream->open) {
        rc = ngx_av_http_unavailable(r, NGX_AV_STREAM_RETRY_AFTER,
                                     "The server is shutting down.");
        ngx_av_stream_finish(stream, rc);
        return;
    }

    ngx_av_stream_sent(stream);

    rc = (stream->busy || stream->out) ? NGX_ERROR
                                       : ngx_http_send_special(r,
                                                             NGX_HTTP_LAST);
    ngx_av_stream_finish(stream, rc);
}


/* The request may live on until nginx has sent what it has. */

static void
ngx_av_stream_finish(ngx_av_stream_t *stream, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = stream->request;

    ngx_av_stream_over(stream);
    ngx_av_http_finish(r, rc);
}


static void
ngx_av_stream_over(void *data)
{
    ngx_av_stream_t  *stream = data;

    if (stream->beat.timer_set) {
        ngx_del_timer(&stream->beat);
    }

    if (stream->is_dirty) {
        stream->is_dirty = 0;
        ngx_queue_remove(&stream->dirty);
    }

    ngx_av_key_lookup_cancel(&stream->lookup);
    ngx_av_stream_fetch_detach(stream);

    if (stream->filter) {
        ngx_av_stream_leave(stream);
    }
}


static void
ngx_av_stream_free(void *data)
{
    ngx_av_stream_t  *stream = data;

    ngx_chain_t           *cl, *list;
    ngx_uint_t             i;
    ngx_av_stream_text_t  *text;

    list = stream->busy;

    for (i = 0; i < 2; i++) {

        for (cl = list; cl; cl = cl->next) {
            text = (ngx_av_stream_text_t *)
                       (cl->buf->start - offsetof(ngx_av_stream_text_t, data));
            ngx_av_stream_release(text);
        }

        list = stream->out;
    }

    stream->busy = NULL;
    stream->out = NULL;
}
