#include "ngx_av_http.h"


typedef struct {
    ngx_int_t  status;
    ngx_str_t  detail;
} ngx_av_http_status_t;


static ngx_int_t ngx_av_http_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_av_http_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_av_http_rewrite_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_av_http_is_nginx_page(ngx_http_request_t *r);
static ngx_uint_t ngx_av_http_is_early(ngx_http_request_t *r,
    ngx_av_http_loc_conf_t *lcf);
static ngx_int_t ngx_av_http_make_temporary(ngx_http_request_t *r,
    ngx_av_http_ctx_t *ctx);
static ngx_int_t ngx_av_http_make_page(ngx_http_request_t *r,
    ngx_av_http_ctx_t *ctx);
static ngx_int_t ngx_av_http_detail_page(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *detail, ngx_uint_t retry_after,
    ngx_av_http_page_t *page);
static ngx_str_t *ngx_av_http_status_detail(ngx_int_t status);


static ngx_http_output_header_filter_pt  ngx_av_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_av_http_next_body_filter;


/* Where no endpoint has another style. */

static const ngx_av_http_style_t  ngx_av_http_detail_style = {
    ngx_av_http_detail_page, 0, NULL, 0
};


/* For errors of nginx and of other modules; the last one is for the rest. */

static ngx_av_http_status_t  ngx_av_http_statuses[] = {
    { 400, ngx_string("Bad request.") },
    { 401, ngx_string("Invalid or missing API key.") },
    { 403, ngx_string("Access denied.") },
    { 404, ngx_string("Not found.") },
    { 405, ngx_string("Method not allowed.") },
    { 408, ngx_string("Request timed out.") },
    { 411, ngx_string("Content-Length is required.") },
    { 412, ngx_string("Precondition failed.") },
    { 413, ngx_string("Request body too large.") },
    { 414, ngx_string("Request URI too long.") },
    { 415, ngx_string("Unsupported media type.") },
    { 416, ngx_string("Range not satisfiable.") },
    { 421, ngx_string("Misdirected request.") },
    { 429, ngx_string("Too many requests.") },
    { 500, ngx_string("Internal server error.") },
    { 501, ngx_string("Not implemented.") },
    { 502, ngx_string("Bad gateway.") },
    { 503, ngx_string("Service temporarily unavailable.") },
    { 504, ngx_string("Gateway timed out.") },
    { 0, ngx_string("Request failed.") }
};


ngx_int_t
ngx_av_http_init_filters(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    static ngx_str_t  request_id = ngx_string("request_id");

    /* one value a request, also where no log_format has asked for it */

    if (ngx_http_get_variable_index(cf, &request_id) == NGX_ERROR) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_av_http_rewrite_handler;

    /*
     * The build script puts the module where both filters come before gzip's
     * and the header filter sees what every other module will.
     */

    ngx_av_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_av_http_header_filter;

    ngx_av_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_av_http_body_filter;

    return NGX_OK;
}


/*
 * A request that already has an error when it comes to its location was sent
 * here by error_page: what the location answers is the operator's page for
 * that error.  Internal redirects clear the context, and both they and named
 * locations pass this phase.
 */

static ngx_int_t
ngx_av_http_rewrite_handler(ngx_http_request_t *r)
{
    ngx_av_http_ctx_t       *ctx;
    ngx_av_http_loc_conf_t  *lcf;

    if (r->err_status == 0 || r != r->main) {
        return NGX_DECLINED;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    if (!lcf->api && lcf->scopes == 0) {
        return NGX_DECLINED;
    }

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->page_status = r->err_status;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_av_http_header_filter(ngx_http_request_t *r)
{
    ngx_av_http_ctx_t  *ctx;

    static ngx_str_t  cache_control = ngx_string("Cache-Control");
    static ngx_str_t  no_store = ngx_string("no-store");

    if (r->err_status < NGX_HTTP_BAD_REQUEST
        || !ngx_av_http_is_nginx_page(r))
    {
        return ngx_av_http_next_header_filter(r);
    }

    ctx = ngx_av_http_ctx(r);

    if (ctx == NULL
        || ngx_av_http_make_temporary(r, ctx) != NGX_OK
        || ngx_av_http_make_page(r, ctx) != NGX_OK
        || ngx_av_http_add_header(r, &cache_control, &no_store) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_http_next_header_filter(r);
}


/*
 * err_status is set by nginx when it makes an error page itself, and not when
 * an upstream or a handler answers with an error of its own.
 */

static ngx_uint_t
ngx_av_http_is_nginx_page(ngx_http_request_t *r)
{
    ngx_av_http_ctx_t       *ctx;
    ngx_av_http_loc_conf_t  *lcf;

    if (r != r->main) {
        return 0;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    if (!lcf->api && lcf->scopes == 0 && !ngx_av_http_is_early(r, lcf)) {
        return 0;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx == NULL) {
        return 1;
    }

    if (ctx->answered) {
        return 0;
    }

    /*
     * Where an operator's page is expected, only an error that is clearly
     * another one is nginx's.
     */

    return ctx->page_status != r->err_status
           || ctx->status == (ngx_int_t) r->err_status;
}


/*
 * A malformed or too long line or header, TRACE: such a request is refused
 * before the phases begin, by the server as a whole.
 */

static ngx_uint_t
ngx_av_http_is_early(ngx_http_request_t *r, ngx_av_http_loc_conf_t *lcf)
{
    return !lcf->api && lcf->style && r->write_event_handler == NULL;
}


/*
 * What ends the ingestion of a body with 500 is a lack of memory or of disk.
 * It may pass, but of all errors 500 makes a client drop its data.
 */

static ngx_int_t
ngx_av_http_make_temporary(ngx_http_request_t *r, ngx_av_http_ctx_t *ctx)
{
    static ngx_str_t  retry_after = ngx_string("Retry-After");
    static ngx_str_t  value = ngx_string("1");

    if (!ctx->ingests || r->err_status != NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return NGX_OK;
    }

    r->err_status = NGX_HTTP_SERVICE_UNAVAILABLE;
    r->headers_out.status = NGX_HTTP_SERVICE_UNAVAILABLE;
    ctx->retry_sent = 1;

    return ngx_av_http_add_header(r, &retry_after, &value);
}


static ngx_int_t
ngx_av_http_make_page(ngx_http_request_t *r, ngx_av_http_ctx_t *ctx)
{
    ngx_str_t           *detail;
    ngx_av_http_page_t   page;

    detail = &ctx->detail;

    if (detail->len == 0 || ctx->status != (ngx_int_t) r->err_status) {
        detail = ngx_av_http_status_detail(r->err_status);
    }

    /* of an answer that turned into an error */
    r->expect_trailers = 0;

    if (ngx_av_http_style(r)->page(r, r->err_status, detail, ctx->retry_sent,
                                   &page)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->page = page.text;

    r->headers_out.content_type = page.type;
    r->headers_out.content_type_len = page.type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);

    r->headers_out.content_length_n = page.text.len;

    return NGX_OK;
}


const ngx_av_http_style_t *
ngx_av_http_style(ngx_http_request_t *r)
{
    ngx_av_http_ctx_t          *ctx;
    ngx_av_http_loc_conf_t     *lcf;
    const ngx_av_http_style_t  *style;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx && ctx->style) {
        return ctx->style;
    }

    /* an error that came before the route was looked for */

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);
    style = lcf->style ? lcf->style(r) : NULL;

    return style ? style : &ngx_av_http_detail_style;
}


static ngx_int_t
ngx_av_http_detail_page(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *detail, ngx_uint_t retry_after, ngx_av_http_page_t *page)
{
    size_t   escape;
    u_char  *p;

    escape = ngx_escape_json(NULL, detail->data, detail->len);

    p = ngx_pnalloc(r->pool, sizeof("{\"detail\":\"\"}") - 1
                             + detail->len + escape);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&page->type, "application/json");
    page->text.data = p;

    p = ngx_cpymem(p, "{\"detail\":\"", sizeof("{\"detail\":\"") - 1);
    p = (u_char *) ngx_escape_json(p, detail->data, detail->len);
    p = ngx_cpymem(p, "\"}", sizeof("\"}") - 1);

    page->text.len = p - page->text.data;

    return NGX_OK;
}


static ngx_str_t *
ngx_av_http_status_detail(ngx_int_t status)
{
    ngx_av_http_status_t  *s;

    for (s = ngx_av_http_statuses; s->status != 0; s++) {
        if (s->status == status) {
            break;
        }
    }

    return &s->detail;
}


/* Sends our page when the last of nginx's has come. */

static ngx_int_t
ngx_av_http_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t          *b;
    ngx_uint_t          last;
    ngx_chain_t        *cl, out;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx == NULL || ctx->page.data == NULL || in == NULL) {
        return ngx_av_http_next_body_filter(r, in);
    }

    last = 0;

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;

        b->pos = b->last;
        b->file_pos = b->file_last;

        if (b->last_buf) {
            last = 1;
        }
    }

    if (!last || ctx->page.len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->start = ctx->page.data;
    b->pos = b->start;
    b->last = b->start + ctx->page.len;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    ctx->page.len = 0;

    out.buf = b;
    out.next = NULL;

    return ngx_av_http_next_body_filter(r, &out);
}
