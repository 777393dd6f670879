/* What a stream is sent, and how it gets to the client. */

#include "ngx_av_stream.h"


static void ngx_av_stream_dirty(ngx_av_stream_t *stream);
static void ngx_av_stream_append(ngx_av_stream_t *stream,
    ngx_av_stream_chain_t *chain, ngx_av_stream_text_t *text);
static void ngx_av_stream_overflow(ngx_av_stream_t *stream);
static ngx_int_t ngx_av_stream_output(ngx_av_stream_t *stream);
static void ngx_av_stream_free_link(ngx_av_stream_t *stream, ngx_chain_t *cl);
static void ngx_av_stream_free_chain(ngx_av_stream_t *stream,
    ngx_av_stream_chain_t *chain);


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


ngx_av_stream_text_t *
ngx_av_stream_text_of(const void *p, size_t len)
{
    ngx_av_stream_text_t  *text;

    text = ngx_av_stream_text(len);

    if (text) {
        ngx_memcpy(text->data, p, len);
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
ngx_av_stream_dirty(ngx_av_stream_t *stream)
{
    if (!stream->is_dirty) {
        stream->is_dirty = 1;
        ngx_queue_insert_tail(&ngx_av_stream_worker.dirty, &stream->dirty);
    }
}


void
ngx_av_stream_push(ngx_av_stream_t *stream, ngx_av_stream_text_t *text)
{
    ngx_av_stream_dirty(stream);

    if (text) {
        ngx_av_stream_append(stream, &stream->out, text);
    }
}


void
ngx_av_stream_push_new(ngx_av_stream_t *stream, ngx_av_stream_text_t *text)
{
    if (stream->behind) {

        /* it will be looked up later than this was */

        return;
    }

    if (stream->queued > stream->limit) {

        /* one text may be larger than that, but not one more */

        ngx_av_stream_overflow(stream);
        return;
    }

    if (stream->resuming) {
        ngx_av_stream_append(stream, &stream->held, text);
        return;
    }

    ngx_av_stream_push(stream, text);
}


/*
 * From now on the stream gets what its client has room for.  What nginx has
 * been given is sent all the same.
 */

static void
ngx_av_stream_overflow(ngx_av_stream_t *stream)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, stream->request->connection->log, 0,
                   "agentvista stream is behind, resuming:%d",
                   stream->resuming);

    if (stream->resuming) {
        stream->missed = 1;
        ngx_av_stream_free_chain(stream, &stream->held);
        return;
    }

    stream->since = *ngx_av_stream_cursor(stream);
    stream->behind = 1;
}


static void
ngx_av_stream_append(ngx_av_stream_t *stream, ngx_av_stream_chain_t *chain,
    ngx_av_stream_text_t *text)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ngx_chain_get_free_buf(stream->request->pool, &stream->free);

    if (cl == NULL) {
        stream->failed = 1;
        ngx_av_stream_dirty(stream);
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

    cl->next = NULL;
    *chain->last = cl;
    chain->last = &cl->next;
}


void
ngx_av_stream_unhold(ngx_av_stream_t *stream)
{
    if (stream->held.first) {
        *stream->out.last = stream->held.first;
        stream->out.last = stream->held.last;

        stream->held.first = NULL;
        stream->held.last = &stream->held.first;

        ngx_av_stream_dirty(stream);
    }
}


void
ngx_av_stream_send_dirty(void)
{
    ngx_int_t            rc;
    ngx_queue_t         *q;
    ngx_connection_t    *c;
    ngx_av_stream_t     *stream;

    while (!ngx_queue_empty(&ngx_av_stream_worker.dirty)) {
        q = ngx_queue_head(&ngx_av_stream_worker.dirty);
        stream = ngx_queue_data(q, ngx_av_stream_t, dirty);

        ngx_queue_remove(q);
        stream->is_dirty = 0;

        c = stream->request->connection;

        ngx_av_http_resume_log(stream->request);

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


/* NGX_ERROR: the request is to be finalised with it. */

ngx_int_t
ngx_av_stream_send(ngx_av_stream_t *stream)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = stream->request;
    wev = r->connection->write;

    if (stream->failed || ngx_av_stream_output(stream) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_av_stream_sent(stream);

    if (stream->busy == NULL) {

        if (wev->timer_set) {
            ngx_del_timer(wev);
        }

        ngx_av_stream_resume(stream);

        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->timer_set && !wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    return ngx_handle_write_event(wev, 0);
}


/* The filters keep the buffers, not the links, and so do we: in busy. */

static ngx_int_t
ngx_av_stream_output(ngx_av_stream_t *stream)
{
    ngx_int_t            rc;
    ngx_chain_t         *out, *cl, **ll;
    ngx_http_request_t  *r;

    r = stream->request;
    out = NULL;

    if (ngx_chain_add_copy(r->pool, &out, stream->out.first) != NGX_OK) {
        return NGX_ERROR;
    }

    for (ll = &stream->busy; *ll; ll = &(*ll)->next) { /* void */ }

    *ll = stream->out.first;

    stream->out.first = NULL;
    stream->out.last = &stream->out.first;

    if (out == NULL && !r->connection->buffered && !r->buffered) {
        return NGX_OK;
    }

    rc = ngx_http_output_filter(r, out);

    while (out) {
        cl = out;
        out = out->next;
        ngx_free_chain(r->pool, cl);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


void
ngx_av_stream_sent(ngx_av_stream_t *stream)
{
    ngx_chain_t  *cl;

    while (stream->busy && stream->busy->buf->pos == stream->busy->buf->last) {
        cl = stream->busy;
        stream->busy = cl->next;

        ngx_av_stream_free_link(stream, cl);
    }
}


static void
ngx_av_stream_free_link(ngx_av_stream_t *stream, ngx_chain_t *cl)
{
    ngx_av_stream_text_t  *text;

    text = (ngx_av_stream_text_t *)
               (cl->buf->start - offsetof(ngx_av_stream_text_t, data));

    stream->queued -= text->len;
    ngx_av_stream_release(text);

    cl->next = stream->free;
    stream->free = cl;
}


static void
ngx_av_stream_free_chain(ngx_av_stream_t *stream, ngx_av_stream_chain_t *chain)
{
    ngx_chain_t  *cl;

    while (chain->first) {
        cl = chain->first;
        chain->first = cl->next;

        ngx_av_stream_free_link(stream, cl);
    }

    chain->last = &chain->first;
}


void
ngx_av_stream_discard(ngx_av_stream_t *stream)
{
    ngx_chain_t  *cl;

    while (stream->busy) {
        cl = stream->busy;
        stream->busy = cl->next;

        ngx_av_stream_free_link(stream, cl);
    }

    ngx_av_stream_free_chain(stream, &stream->out);
    ngx_av_stream_free_chain(stream, &stream->held);
}


void
ngx_av_stream_writer(ngx_http_request_t *r)
{
    ngx_event_t      *wev;
    ngx_av_stream_t  *stream;

    wev = r->connection->write;
    stream = ngx_av_stream_of(r);

    if (stream == NULL) {
        return;
    }

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
        return;
    }

    ngx_av_stream_resume_next();
}
