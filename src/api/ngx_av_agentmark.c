#include "ngx_av_agentmark.h"
#include "ngx_av_app.h"
#include "ngx_av_buf.h"
#include "ngx_av_json.h"
#include "ngx_av_router.h"
#include "ngx_av_time.h"


static ngx_int_t ngx_av_agentmark_page(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *detail, ngx_uint_t retry_after,
    ngx_av_http_page_t *page);
static ngx_int_t ngx_av_agentmark_nothing(ngx_http_request_t *r,
    ngx_str_t *detail);
static ngx_int_t ngx_av_agentmark_admit(ngx_http_request_t *r,
    const ngx_av_uuid_t *account);


const ngx_av_http_style_t  ngx_av_agentmark_style = {
    ngx_av_agentmark_page, 1, ngx_av_agentmark_admit, 0
};


static ngx_av_db_pool_t  *ngx_av_agentmark_readers;


/* agentmark.md 2.3 */

static ngx_int_t
ngx_av_agentmark_page(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *detail, ngx_uint_t retry_after, ngx_av_http_page_t *page)
{
    ngx_str_t           text;
    ngx_av_buf_t        b;
    ngx_av_http_ctx_t  *ctx;

    text = *detail;

    if (status == NGX_HTTP_NOT_FOUND
        && ngx_av_agentmark_nothing(r, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_buf_init(&b, r->pool, text.len + 32) != NGX_OK
        || ngx_av_buf_append(&b, "{\"error\":", sizeof("{\"error\":") - 1)
           != NGX_OK
        || ngx_av_json_write_string(&b, text.data, text.len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx && ctx->details.len && ctx->status == (ngx_int_t) status
        && (ngx_av_buf_append(&b, ",\"details\":",
                              sizeof(",\"details\":") - 1)
            != NGX_OK
            || ngx_av_buf_append(&b, ctx->details.data, ctx->details.len)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (ngx_av_buf_append(&b, "}", 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&page->type, "application/json");
    page->text.data = b.start;
    page->text.len = ngx_av_buf_len(&b);

    return NGX_OK;
}


/* Of /v1/traces/{traceId} and below it: "Trace not found". */

static ngx_int_t
ngx_av_agentmark_nothing(ngx_http_request_t *r, ngx_str_t *detail)
{
    u_char                *p, *name, *last;
    ngx_av_http_ctx_t     *ctx;
    const ngx_av_route_t  *route;

    static const char      text[] = " not found";

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);
    route = ctx ? ctx->route : NULL;

    if (route == NULL) {
        return NGX_OK;
    }

    last = route->path.data + route->path.len;
    name = ngx_strlchr(route->path.data, last, '{');
    last = name ? ngx_strlchr(name, last, 'I') : NULL;

    if (last == NULL) {
        return NGX_OK;
    }

    name++;

    p = ngx_pnalloc(r->pool, last - name + sizeof(text) - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    detail->data = p;

    p = ngx_cpymem(p, name, last - name);
    p = ngx_cpymem(p, text, sizeof(text) - 1);

    detail->data[0] = ngx_toupper(detail->data[0]);
    detail->len = p - detail->data;

    return NGX_OK;
}


/* agentmark.md 2.2: after the key, before what the key may do */

static ngx_int_t
ngx_av_agentmark_admit(ngx_http_request_t *r, const ngx_av_uuid_t *account)
{
    switch (ngx_av_app_check(r, account)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_av_http_error(r, NGX_HTTP_UNAUTHORIZED, "Missing app id");

    default:
        return ngx_av_http_error(r, NGX_HTTP_FORBIDDEN,
                                 "The key is not one of this app");
    }
}


/*
 * Without a database there is an answer all the same, which says so; with one
 * it is the database that says how it is.
 */

ngx_int_t
ngx_av_agentmark_health(ngx_http_request_t *r)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   json;

    static const char  fmt[] =
        "{\"status\":\"unhealthy\",\"timestamp\":\"%*s\","
        "\"service\":\"ingestion\",\"dependencies\":[{\"name\":\"postgres\","
        "\"status\":\"unhealthy\",\"latencyMs\":0}]}";

    u_char  now[NGX_AV_TIME_TEXT_LEN];

    if (ngx_av_db_pool_ready(ngx_av_agentmark_readers)) {
        return ngx_av_query_handler(r);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    p = ngx_av_time_format(now, (ngx_av_time_t) ngx_time()
                                * NGX_AV_TIME_SECOND);

    json.data = ngx_pnalloc(r->pool, sizeof(fmt) + sizeof(now));
    if (json.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json.len = ngx_sprintf(json.data, fmt, (size_t) (p - now), now)
               - json.data;

    return ngx_av_router_send(r, NGX_HTTP_SERVICE_UNAVAILABLE, &json);
}


void
ngx_av_agentmark_init_process(ngx_av_db_pool_t *readers)
{
    ngx_av_agentmark_readers = readers;
}
