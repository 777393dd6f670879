/* One listener: its request, what it is sent, and its end. */

#include "ngx_av_stream.h"
#include "ngx_av_access.h"
#include "ngx_av_router.h"


/* milliseconds after which a client comes back */
#define NGX_AV_STREAM_HELLO  "retry: 3000\n: connected\n\n"


static ngx_av_stream_t *ngx_av_stream_create(ngx_http_request_t *r);
static ngx_int_t ngx_av_stream_since(ngx_http_request_t *r,
    ngx_av_stream_t *stream);
static ngx_int_t ngx_av_stream_wait(ngx_http_request_t *r);
static ngx_int_t ngx_av_stream_header(ngx_http_request_t *r);
static ngx_int_t ngx_av_stream_hello(ngx_av_stream_t *stream);
static void ngx_av_stream_over(void *data);
static void ngx_av_stream_free(void *data);


static const ngx_av_param_t  ngx_av_stream_params[] = {
    NGX_AV_TRACE_FILTERS
    NGX_AV_PARAM_LAST
};

static const ngx_av_route_t  ngx_av_stream_route = {
    NGX_HTTP_GET, NGX_AV_SCOPE_READ, ngx_null_string, NULL,
    &ngx_av_style_vista, NULL, ngx_av_stream_params, 0, 0, NULL
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

        ngx_av_stream_push(stream, NULL);

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
    stream->out.last = &stream->out.first;
    stream->held.last = &stream->held.first;
    stream->period = lcf->stream_heartbeat;
    stream->limit = lcf->stream_buffer;
    stream->end = ngx_current_msec + NGX_AV_STREAM_LIFE
                  - ngx_random() % (NGX_AV_STREAM_LIFE / 8);

    stream->beat.handler = ngx_av_stream_beat;
    stream->beat.data = r->connection;
    stream->beat.log = r->connection->log;
    stream->beat.cancelable = 1;

    stream->keyed = (ngx_av_access_key(r, &stream->key) == NGX_OK);

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
    stream->behind = 1;

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
    static ngx_str_t  no_store = ngx_string("no-store, no-transform");
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


ngx_int_t
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

    return ngx_av_stream_hello(stream);
}


/* With an id, so that a client that comes back misses nothing from here on. */

static ngx_int_t
ngx_av_stream_hello(ngx_av_stream_t *stream)
{
    ngx_av_stream_text_t  *text;

    text = ngx_av_stream_text_of(NGX_AV_STREAM_HELLO,
                                 sizeof(NGX_AV_STREAM_HELLO) - 1);
    if (text == NULL) {
        return NGX_ERROR;
    }

    ngx_av_stream_push(stream, text);
    ngx_av_stream_release(text);

    if (!stream->behind) {
        ngx_av_stream_push_id(stream, ngx_av_stream_cursor(stream));
    }

    return ngx_av_stream_send(stream);
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

void
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

    rc = (stream->busy || stream->out.first)
             ? NGX_ERROR : ngx_http_send_special(r, NGX_HTTP_LAST);
    ngx_av_stream_finish(stream, rc);
}


void
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
    ngx_av_stream_resume_stop(stream);

    if (stream->filter) {
        ngx_av_stream_leave(stream);
    }
}


static void
ngx_av_stream_free(void *data)
{
    ngx_av_stream_discard(data);
}


ngx_av_stream_t *
ngx_av_stream_of(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *cln;

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_av_stream_over) {
            return cln->data;
        }
    }

    return NULL;
}
