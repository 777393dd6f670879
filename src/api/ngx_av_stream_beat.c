/* Heartbeats, and whether the stream may still go on. */

#include "ngx_av_stream.h"


#define NGX_AV_STREAM_BEAT  ": \nid: "


static ngx_uint_t ngx_av_stream_is_valid(ngx_av_stream_t *stream);
static void ngx_av_stream_checked(ngx_av_key_lookup_t *lookup, ngx_int_t rc,
    ngx_av_identity_t *id);


void
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

    if (stream->busy || stream->out.first) {
        return;
    }

    ngx_av_stream_push_id(stream, ngx_av_stream_cursor(stream));
    ngx_av_stream_send_dirty();
}


/* The later of two, which begin with a time. */

const ngx_av_stream_cursor_t *
ngx_av_stream_cursor(ngx_av_stream_t *stream)
{
    ngx_av_stream_cursor_t  *cursor;

    cursor = &stream->filter->account->cursor;

    if (stream->behind || stream->resuming
        || ngx_memcmp(&stream->since, cursor, NGX_AV_STREAM_CURSOR) > 0)
    {
        return &stream->since;
    }

    return cursor;
}


void
ngx_av_stream_push_id(ngx_av_stream_t *stream,
    const ngx_av_stream_cursor_t *cursor)
{
    u_char                *p;
    ngx_av_stream_text_t  *text;

    text = ngx_av_stream_text(sizeof(NGX_AV_STREAM_BEAT) - 1
                              + NGX_AV_STREAM_CURSOR + sizeof("\n\n") - 1);

    if (text == NULL) {

        /* it is not missed */

        return;
    }

    p = ngx_cpymem(text->data, NGX_AV_STREAM_BEAT,
                   sizeof(NGX_AV_STREAM_BEAT) - 1);
    p = ngx_cpymem(p, cursor->text, NGX_AV_STREAM_CURSOR);
    ngx_memcpy(p, "\n\n", sizeof("\n\n") - 1);

    ngx_av_stream_push(stream, text);
    ngx_av_stream_release(text);
}


/*
 * What the cache says of the stream's key or, when it knows no more, the
 * database.  A stream without a key ends with its life.
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

    stream->lookup.done = ngx_av_stream_checked;
    stream->lookup.data = stream;

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

        return;
    }

    if (rc != NGX_OK || !(id->scopes & NGX_AV_SCOPE_READ)) {
        ngx_av_stream_end(stream);
    }
}
