#include "ngx_av_openapi.h"
#include "ngx_av_http.h"
#include "ngx_av_router.h"

#include <ngx_md5.h>


/* "servers" of the document: below where it is asked for */
#define NGX_AV_OPENAPI_SERVER  "{\"url\": \"."

#define NGX_AV_OPENAPI_TAG_LEN  (sizeof("\"\"") - 1 + 2 * 16)


static ngx_chain_t *ngx_av_openapi_chain(ngx_http_request_t *r, off_t *size);
static ngx_chain_t *ngx_av_openapi_link(ngx_pool_t *pool, const char *start,
    const char *last);
static ngx_int_t ngx_av_openapi_headers(ngx_http_request_t *r);
static void ngx_av_openapi_tag(u_char *tag);


/*
 * It is the same for all, so clients and caches may keep it as long as they
 * ask whether it has changed.
 */

ngx_int_t
ngx_av_openapi(ngx_http_request_t *r)
{
    off_t         size;
    ngx_int_t     rc;
    ngx_chain_t  *out;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    out = ngx_av_openapi_chain(r, &size);

    if (out == NULL || ngx_av_openapi_headers(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = size;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, out);
}


/* Paths begin where "/openapi.json" does; of "/v1/openapi.json", one above. */

static ngx_chain_t *
ngx_av_openapi_chain(ngx_http_request_t *r, off_t *size)
{
    const char            *start, *last, *dot;
    ngx_chain_t           *out, *up;
    ngx_av_http_ctx_t     *ctx;
    const ngx_av_route_t  *route;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);
    route = ctx->route;

    start = ngx_av_openapi_text;
    last = start + ngx_av_openapi_size;
    *size = ngx_av_openapi_size;

    dot = strstr(start, NGX_AV_OPENAPI_SERVER);

    if (dot == NULL || ngx_strncmp(route->path.data, "/v1/", 4) != 0) {
        out = ngx_av_openapi_link(r->pool, start, last);

        if (out) {
            out->buf->last_buf = (r == r->main);
            out->buf->last_in_chain = 1;
        }

        return out;
    }

    dot += sizeof(NGX_AV_OPENAPI_SERVER) - 1;
    *size += 1;

    out = ngx_av_openapi_link(r->pool, start, dot);
    up = ngx_av_openapi_link(r->pool, dot - 1, last);

    if (out == NULL || up == NULL) {
        return NULL;
    }

    out->next = up;
    up->buf->last_buf = (r == r->main);
    up->buf->last_in_chain = 1;

    return out;
}


static ngx_chain_t *
ngx_av_openapi_link(ngx_pool_t *pool, const char *start, const char *last)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(pool);
    cl = ngx_alloc_chain_link(pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    b->start = (u_char *) start;
    b->pos = b->start;
    b->last = (u_char *) last;
    b->end = b->last;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;

    return cl;
}


static ngx_int_t
ngx_av_openapi_headers(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    static u_char     tag[NGX_AV_OPENAPI_TAG_LEN];
    static ngx_str_t  name = ngx_string("Cache-Control");
    static ngx_str_t  value = ngx_string("no-cache");

    if (tag[0] == '\0') {
        ngx_av_openapi_tag(tag);
    }

    if (ngx_av_http_add_header(r, &name, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "ETag");
    h->value.data = tag;
    h->value.len = NGX_AV_OPENAPI_TAG_LEN;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    r->headers_out.etag = h;

    return NGX_OK;
}


static void
ngx_av_openapi_tag(u_char *tag)
{
    u_char     digest[16], *p;
    ngx_md5_t  md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, ngx_av_openapi_text, ngx_av_openapi_size);
    ngx_md5_final(digest, &md5);

    p = ngx_hex_dump(tag + 1, digest, sizeof(digest));

    *p = '"';
    *tag = '"';
}
