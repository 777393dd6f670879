#include "ngx_av_drain.h"
#include "ngx_av_http.h"


#define NGX_AV_DRAIN_LIMIT  (1024 * 1024)


#if (NGX_HTTP_V2)
static void ngx_av_drain_read(ngx_http_request_t *r);
static ngx_uint_t ngx_av_drain_drop(ngx_http_request_t *r, size_t *left);
#endif


ngx_int_t
ngx_av_drain(ngx_http_request_t *r, ngx_int_t rc)
{
#if (NGX_HTTP_V2)
    ngx_int_t           n;
    ngx_av_http_ctx_t  *ctx;

    if (r->stream == NULL
        || r->stream->in_closed
        || r != r->main
        || r->request_body
        || r->discard_body
        || !ngx_av_http_style(r)->drains)
    {
        return rc;
    }

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return rc;
    }

    ctx->refusal = rc;
    ctx->drain = NGX_AV_DRAIN_LIMIT;

    r->request_body_no_buffering = 1;

    n = ngx_http_read_client_request_body(r, ngx_av_drain_read);

    return (n >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
#else
    return rc;
#endif
}


#if (NGX_HTTP_V2)

static void
ngx_av_drain_read(ngx_http_request_t *r)
{
    ngx_int_t           rc;
    ngx_uint_t          any;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    r->read_event_handler = ngx_av_drain_read;
    r->write_event_handler = ngx_http_request_empty_handler;

    for ( ;; ) {
        any = ngx_av_drain_drop(r, &ctx->drain);

        if (!r->reading_body || ctx->drain == 0) {
            break;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc != NGX_OK && rc != NGX_AGAIN) {
            break;
        }

        if (rc == NGX_AGAIN && !any && r->request_body->bufs == NULL) {
            return;
        }
    }

    r->read_event_handler = ngx_http_block_reading;

    ngx_http_finalize_request(r, ctx->refusal);
}


/* True if there was something. */

static ngx_uint_t
ngx_av_drain_drop(ngx_http_request_t *r, size_t *left)
{
    size_t        size;
    ngx_buf_t    *b;
    ngx_uint_t    any;
    ngx_chain_t  *cl;

    any = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;
        size = ngx_buf_size(b);

        *left -= ngx_min(*left, size);

        b->pos = b->last;
        b->file_pos = b->file_last;
        any = 1;
    }

    r->request_body->bufs = NULL;

    return any;
}

#endif
