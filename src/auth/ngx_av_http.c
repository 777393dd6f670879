#include "ngx_av_http.h"
#include "ngx_av_text.h"


/* a detail is for people: longer ones are cut */
#define NGX_AV_HTTP_DETAIL  1024


static ngx_int_t ngx_av_http_retry_args(ngx_http_request_t *r,
    ngx_int_t status, ngx_uint_t seconds, const char *fmt, va_list args);
static void ngx_av_http_note_detail(ngx_http_request_t *r, ngx_int_t status,
    const char *fmt, va_list args);
static void ngx_av_http_refuse_body(ngx_http_request_t *r);


ngx_av_http_ctx_t *
ngx_av_http_ctx(ngx_http_request_t *r)
{
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_av_http_ctx_t));
        if (ctx == NULL) {
            return NULL;
        }

        ngx_http_set_ctx(r, ctx, ngx_agentvista_module);
    }

    return ctx;
}


ngx_int_t
ngx_av_http_error(ngx_http_request_t *r, ngx_int_t status, const char *fmt,
    ...)
{
    va_list  args;

    if (r->header_sent) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    ngx_av_http_note_detail(r, status, fmt, args);
    va_end(args);

    ngx_av_http_refuse_body(r);

    return status;
}


ngx_int_t
ngx_av_http_retry(ngx_http_request_t *r, ngx_int_t status, ngx_uint_t seconds,
    const char *fmt, ...)
{
    va_list    args;
    ngx_int_t  rc;

    va_start(args, fmt);
    rc = ngx_av_http_retry_args(r, status, seconds, fmt, args);
    va_end(args);

    return rc;
}


ngx_int_t
ngx_av_http_unavailable(ngx_http_request_t *r, ngx_uint_t seconds,
    const char *fmt, ...)
{
    va_list    args;
    ngx_int_t  rc;

    va_start(args, fmt);
    rc = ngx_av_http_retry_args(r, NGX_HTTP_SERVICE_UNAVAILABLE, seconds, fmt,
                                args);
    va_end(args);

    return rc;
}


static ngx_int_t
ngx_av_http_retry_args(ngx_http_request_t *r, ngx_int_t status,
    ngx_uint_t seconds, const char *fmt, va_list args)
{
    ngx_av_http_ctx_t  *ctx;

    if (r->header_sent) {
        return NGX_ERROR;
    }

    ctx = ngx_av_http_ctx(r);

    if (ctx) {
        ctx->retry_after = seconds;
    }

    ngx_av_http_note_detail(r, status, fmt, args);
    ngx_av_http_refuse_body(r);

    return status;
}


/* Without memory the error goes out with the text of its status. */

static void
ngx_av_http_note_detail(ngx_http_request_t *r, ngx_int_t status,
    const char *fmt, va_list args)
{
    u_char             *p;
    ngx_str_t           value;
    ngx_av_http_ctx_t  *ctx;
    u_char              buf[NGX_AV_HTTP_DETAIL];

    static ngx_str_t  retry_after = ngx_string("Retry-After");

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return;
    }

    p = ngx_vslprintf(buf, buf + NGX_AV_HTTP_DETAIL, fmt, args);

    if (p == buf + NGX_AV_HTTP_DETAIL) {
        p = buf + ngx_av_text_cut(buf, p - buf, NGX_AV_HTTP_DETAIL - 1);
    }

    ctx->detail.data = ngx_pnalloc(r->pool, p - buf);
    if (ctx->detail.data == NULL) {
        ctx->detail.len = 0;
        return;
    }

    ctx->detail.len = p - buf;
    ngx_memcpy(ctx->detail.data, buf, ctx->detail.len);

    ctx->status = status;

    if (ctx->retry_after == 0) {
        return;
    }

    /* now, since the context does not live through an error_page */

    value.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (value.data == NULL) {
        return;
    }

    value.len = ngx_sprintf(value.data, "%ui", ctx->retry_after) - value.data;

    if (ngx_av_http_add_header(r, &retry_after, &value) == NGX_OK) {
        ctx->retry_sent = ctx->retry_after;
        ctx->retry_after = 0;
    }
}


/*
 * A client that waits for "100 Continue" before it sends the body must not be
 * told to; nginx does so wherever an error page discards the body.  Nor can it
 * be known whether the client sends the body all the same, so the connection
 * is of no more use.
 */

static void
ngx_av_http_refuse_body(ngx_http_request_t *r)
{
    ngx_av_http_loc_conf_t    *lcf;
    ngx_http_core_loc_conf_t  *clcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!lcf->api && clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        /* our refusal may not be the last word */
        return;
    }

    if (r->headers_in.expect == NULL
        || r->expect_tested
        || r->request_body
        || r->discard_body
        || r->http_version != NGX_HTTP_VERSION_11)
    {
        return;
    }

    r->expect_tested = 1;
    r->keepalive = 0;
}


ngx_int_t
ngx_av_http_send(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *json)
{
    static ngx_str_t  type = ngx_string("application/json");

    return ngx_av_http_send_text(r, status, &type, json);
}


ngx_int_t
ngx_av_http_send_text(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *text)
{
    ngx_buf_t    *b;
    ngx_chain_t  *out;

    b = ngx_calloc_buf(r->pool);
    out = ngx_alloc_chain_link(r->pool);

    if (b == NULL || out == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->start = text->data;
    b->pos = text->data;
    b->last = text->data + text->len;
    b->end = b->last;
    b->memory = (text->len != 0);

    out->buf = b;
    out->next = NULL;

    return ngx_av_http_send_chain(r, status, type, out);
}


ngx_int_t
ngx_av_http_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_chain_t *out)
{
    off_t               size;
    ngx_int_t           rc;
    ngx_chain_t        *cl;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->answered = 1;

    /* what has been stored must not be answered 412 for its If-Match */
    r->disable_not_modified = 1;

    size = 0;

    for (cl = out; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);

        if (cl->next == NULL) {
            cl->buf->last_buf = (r == r->main);
            cl->buf->last_in_chain = 1;
        }
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = r->expect_trailers ? -1 : size;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, out);
}


ngx_int_t
ngx_av_http_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key = *name;
    h->value = *value;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


ngx_uint_t
ngx_av_http_header(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    size_t            len;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != len
                || ngx_strncasecmp(h[i].key.data, (u_char *) name, len) != 0)
            {
                continue;
            }

            if (n++ == 0) {
                *value = h[i].value;
            }
        }
    }

    return n;
}


ngx_uint_t
ngx_av_http_is_type(const ngx_str_t *value, const ngx_str_t *type)
{
    return value->len >= type->len
           && ngx_strncasecmp(value->data, type->data, type->len) == 0
           && (value->len == type->len
               || ngx_strchr("; \t", value->data[type->len]));
}


void
ngx_av_http_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_av_http_resume_log(r);

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


void
ngx_av_http_resume_log(ngx_http_request_t *r)
{
    ngx_http_set_log_request(r->connection->log, r);
}


/* By name and not by index, which a reload that fails may leave wrong. */

ngx_str_t
ngx_av_http_request_id(ngx_http_request_t *r)
{
    ngx_str_t                   id;
    ngx_uint_t                  key;
    ngx_http_variable_value_t  *vv;

    static ngx_str_t  name = ngx_string("request_id");

    key = ngx_hash_key(name.data, name.len);

    vv = ngx_http_get_variable(r, &name, key);

    if (vv == NULL || vv->not_found) {
        ngx_str_null(&id);
        return id;
    }

    id.data = vv->data;
    id.len = vv->len;

    return id;
}
