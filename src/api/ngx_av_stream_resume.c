/*
 * A stream that is behind: page by page, each when its client has read the one
 * before, and what is new is held until then.  After a reload all clients come
 * back at once, and queries have to be answered besides: so it has its turn.
 */

#include "ngx_av_stream_page.h"


static ngx_int_t ngx_av_stream_resume_fetch(ngx_av_stream_t *stream);
static void ngx_av_stream_resume_done(ngx_av_stream_page_t *page);
static void ngx_av_stream_resume_settle(ngx_av_stream_t *stream,
    ngx_av_stream_page_t *page);


void
ngx_av_stream_resume(ngx_av_stream_t *stream)
{
    if ((!stream->behind && stream->rest == NULL)
        || stream->page || stream->is_waiting)
    {
        return;
    }

    stream->is_waiting = 1;
    ngx_queue_insert_tail(&ngx_av_stream_worker.resuming, &stream->turn);
}


void
ngx_av_stream_resume_next(void)
{
    ngx_queue_t      *q;
    ngx_av_stream_t  *stream;

    while (ngx_av_stream_worker.nresuming < NGX_AV_STREAM_FETCHES
           && !ngx_queue_empty(&ngx_av_stream_worker.resuming))
    {
        q = ngx_queue_head(&ngx_av_stream_worker.resuming);
        stream = ngx_queue_data(q, ngx_av_stream_t, turn);

        ngx_queue_remove(q);
        stream->is_waiting = 0;

        if (ngx_av_stream_resume_fetch(stream) != NGX_OK) {
            ngx_av_stream_finish(stream, NGX_ERROR);
        }
    }
}


static ngx_int_t
ngx_av_stream_resume_fetch(ngx_av_stream_t *stream)
{
    ngx_av_stream_page_t  *page;

    page = ngx_av_stream_page_create(&stream->filter->account->id,
                                     &stream->since, &stream->filter, 1);
    if (page == NULL) {
        return NGX_ERROR;
    }

    if (stream->behind) {
        stream->behind = 0;
        stream->resuming = 1;

    } else {
        page->ids = stream->rest;
        stream->rest = NULL;
    }

    stream->page = page;
    ngx_av_stream_worker.nresuming++;

    ngx_av_stream_page_submit(page, ngx_av_stream_resume_done, stream);

    return NGX_OK;
}


static void
ngx_av_stream_resume_done(ngx_av_stream_page_t *page)
{
    ngx_av_stream_t  *stream = page->data;

    ngx_av_stream_worker.nresuming--;

    if (stream == NULL) {
        return;
    }

    stream->page = NULL;

    if (page->failed) {
        stream->failed = 1;
        ngx_av_stream_push(stream, NULL);
        return;
    }

    ngx_av_stream_push(stream, page->texts[0]);
    ngx_av_stream_resume_settle(stream, page);
}


/* Its events say what it resumed with, until it has them all. */

static void
ngx_av_stream_resume_settle(ngx_av_stream_t *stream,
    ngx_av_stream_page_t *page)
{
    if (page->ids == NULL) {
        stream->caught = page->cursor;
    }

    if (page->rest) {
        stream->rest = page->rest;
        page->rest = NULL;
        return;
    }

    stream->resuming = 0;
    stream->since = stream->caught;

    ngx_av_stream_push_id(stream, &stream->since);

    if (stream->missed) {
        stream->missed = 0;
        stream->behind = 1;
        return;
    }

    ngx_av_stream_unhold(stream);
}


void
ngx_av_stream_resume_stop(ngx_av_stream_t *stream)
{
    if (stream->page) {
        stream->page->data = NULL;
        stream->page = NULL;
    }

    if (stream->is_waiting) {
        stream->is_waiting = 0;
        ngx_queue_remove(&stream->turn);
    }

    if (stream->rest) {
        ngx_av_stream_release(stream->rest);
        stream->rest = NULL;
    }
}
