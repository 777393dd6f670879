#include "ngx_av_router.h"
#include "ngx_av_api.h"
#include "ngx_av_stats.h"


/* index 0 of the counters: whatever no row of the table serves */
#define NGX_AV_ROUTER_OTHER  0

#define NGX_AV_ROUTER_BASE  "/api/v1"


static void ngx_av_router_path(ngx_http_request_t *r, ngx_str_t *path);
static size_t ngx_av_router_base(ngx_http_request_t *r);
static ngx_uint_t ngx_av_router_has_base(u_char *p, size_t len);
static const ngx_av_route_t *ngx_av_router_find(ngx_str_t *path,
    ngx_str_t *params);
static ngx_uint_t ngx_av_router_match(const ngx_str_t *pattern,
    ngx_str_t *path, ngx_str_t *params);
static ngx_uint_t ngx_av_router_precedes(const ngx_str_t *one,
    const ngx_str_t *two);
static ngx_int_t ngx_av_router_not_found(ngx_http_request_t *r,
    ngx_str_t *path);
static ngx_int_t ngx_av_router_not_allowed(ngx_http_request_t *r,
    ngx_uint_t methods);


/* The statements of the reads. */

#define NGX_AV_ROUTER_NONE(...)

#define NGX_AV_ROUTER_TYPES(path, function, arguments, ...)                   \
    static const uint32_t  ngx_av_router_##function##_types[] = {             \
        NGX_AV_DB_UUID, __VA_ARGS__                                           \
    };

NGX_AV_ROUTES(NGX_AV_ROUTER_NONE, NGX_AV_ROUTER_TYPES)


typedef enum {
#define NGX_AV_ROUTER_ENUM(path, function, ...)  NGX_AV_ROUTER_##function,
    NGX_AV_ROUTES(NGX_AV_ROUTER_NONE, NGX_AV_ROUTER_ENUM)
    NGX_AV_ROUTER_NSTATEMENTS
} ngx_av_router_statement_e;


#define NGX_AV_ROUTER_STATEMENT(path, function, arguments, ...)               \
    { #function,                                                              \
      "select agentvista." #function "(" arguments ")",                       \
      ngx_av_router_##function##_types,                                       \
      sizeof(ngx_av_router_##function##_types) / sizeof(uint32_t) },

const ngx_av_db_statement_t  ngx_av_api_statements[] = {
    NGX_AV_ROUTES(NGX_AV_ROUTER_NONE, NGX_AV_ROUTER_STATEMENT)
};

const ngx_uint_t  ngx_av_api_nstatements = NGX_AV_ROUTER_NSTATEMENTS;


/* The routes. */

#define NGX_AV_ROUTER_HANDLER(method, path, scopes, handler)                  \
    { NGX_HTTP_##method, scopes, ngx_string(path), handler, NULL },

#define NGX_AV_ROUTER_READ(path, function, ...)                               \
    { NGX_HTTP_GET, NGX_AV_SCOPE_READ, ngx_string(path),                      \
      ngx_av_query_handler,                                                   \
      &ngx_av_api_statements[NGX_AV_ROUTER_##function] },

static const ngx_av_route_t  ngx_av_routes[] = {
    NGX_AV_ROUTES(NGX_AV_ROUTER_HANDLER, NGX_AV_ROUTER_READ)
};

#define NGX_AV_NROUTES  (sizeof(ngx_av_routes) / sizeof(ngx_av_route_t))


#define NGX_AV_ROUTER_HANDLER_NAME(method, path, ...)                         \
    ngx_string(#method " " path),

#define NGX_AV_ROUTER_READ_NAME(path, ...)  ngx_string("GET " path),

const ngx_str_t  ngx_av_router_names[] = {
    ngx_string("other"),
    NGX_AV_ROUTES(NGX_AV_ROUTER_HANDLER_NAME, NGX_AV_ROUTER_READ_NAME)
};

const ngx_uint_t  ngx_av_router_nnames = NGX_AV_NROUTES + 1;

_Static_assert(NGX_AV_NROUTES + 1 <= NGX_AV_STATS_ROUTES,
               "NGX_AV_STATS_ROUTES is too small");


static const struct {
    ngx_uint_t   method;
    ngx_str_t    name;
} ngx_av_router_methods[] = {
    { NGX_HTTP_GET, ngx_string("GET") },
    { NGX_HTTP_HEAD, ngx_string("HEAD") },
    { NGX_HTTP_POST, ngx_string("POST") },
    { NGX_HTTP_PUT, ngx_string("PUT") },
    { NGX_HTTP_PATCH, ngx_string("PATCH") },
    { NGX_HTTP_DELETE, ngx_string("DELETE") }
};

#define NGX_AV_ROUTER_NMETHODS                                                \
    (sizeof(ngx_av_router_methods) / sizeof(ngx_av_router_methods[0]))


ngx_int_t
ngx_av_api_init_process(ngx_cycle_t *cycle, ngx_av_db_pool_t *readers)
{
    ngx_av_query_init_process(readers);

    return ngx_av_status_init_process(cycle, readers);
}


ngx_int_t
ngx_av_api_route(ngx_http_request_t *r, ngx_uint_t *scopes)
{
    ngx_str_t              path;
    ngx_uint_t             i, method, methods;
    ngx_av_http_ctx_t     *ctx;
    const ngx_av_route_t  *route, *found;

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->counted = 1;
    ctx->route_index = NGX_AV_ROUTER_OTHER;

    ngx_av_router_path(r, &path);

    found = ngx_av_router_find(&path, ctx->params);

    if (found == NULL) {
        return ngx_av_router_not_found(r, &path);
    }

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;
    methods = 0;

    for (i = 0; i < NGX_AV_NROUTES; i++) {
        route = &ngx_av_routes[i];

        if (route->path.len != found->path.len
            || ngx_memcmp(route->path.data, found->path.data,
                          found->path.len)
               != 0)
        {
            continue;
        }

        if (route->method == method) {
            ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                           "agentvista route: \"%V\"",
                           &ngx_av_router_names[i + 1]);

            ctx->route = route;
            ctx->route_index = i + 1;
            *scopes = route->scopes;

            return NGX_OK;
        }

        methods |= route->method;
    }

    return ngx_av_router_not_allowed(r, methods);
}


ngx_int_t
ngx_av_api_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_uint_t             scopes;
    ngx_av_http_ctx_t     *ctx;
    const ngx_av_route_t  *route;

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->route == NULL) {

        /*
         * Our access handler was not asked: a subrequest, or "satisfy any"
         * and another module was content.
         */

        rc = ngx_av_api_route(r, &scopes);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    route = ctx->route;

    if (route->scopes && !ctx->known) {

        /* without a key there is no account whose data could be meant */

        return ngx_av_http_error(r, NGX_HTTP_UNAUTHORIZED,
                                 "Invalid or missing API key.");
    }

    return route->handler(r);
}


ngx_int_t
ngx_av_router_send(ngx_http_request_t *r, ngx_str_t *json)
{
    static ngx_str_t  name = ngx_string("Cache-Control");
    static ngx_str_t  value = ngx_string("no-store");

    if (ngx_av_http_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_send(r, NGX_HTTP_OK, json);
}


ngx_int_t
ngx_av_api_log_handler(ngx_http_request_t *r)
{
    ngx_uint_t          status;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx == NULL || !ctx->counted) {
        return NGX_OK;
    }

    /* as in $status */

    status = r->err_status ? r->err_status : r->headers_out.status;

    ngx_av_stats_request(ctx->route_index, status);

    return NGX_OK;
}


/*
 * The path within the API, without a trailing slash.
 *
 * It is cut out of r->uri, which nginx has decoded and normalised, and which
 * "rewrite" may have changed, so that routing, locations and access rules all
 * see the same path.  In there an encoded slash is a slash: a parameter that
 * may contain one will need a pattern that spans segments.
 */

static void
ngx_av_router_path(ngx_http_request_t *r, ngx_str_t *path)
{
    size_t  base;

    base = ngx_av_router_base(r);

    path->data = r->uri.data + base;
    path->len = r->uri.len - base;

    if (path->len && path->data[path->len - 1] == '/') {
        path->len--;
    }
}


/*
 * The length of what comes before the API's own path: the prefix location's
 * name, as far as its "/api/v1" if it has one, and a "/api/v1" after it.
 */

static size_t
ngx_av_router_base(ngx_http_request_t *r)
{
    u_char                    *p, *last;
    size_t                     len;
    ngx_str_t                  name;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    name = clcf->name;
    len = 0;

    if (!clcf->exact_match && !clcf->named
#if (NGX_PCRE)
        && clcf->regex == NULL
#endif
        && r->uri.len >= name.len
        && ngx_filename_cmp(r->uri.data, name.data, name.len) == 0)
    {
        last = name.data + name.len;

        /* "location /api/v1/traces/" serves a part of the API */

        for (p = name.data; p < last; p++) {
            if (ngx_av_router_has_base(p, last - p)) {
                return p - name.data + sizeof(NGX_AV_ROUTER_BASE) - 1;
            }
        }

        len = name.len;

        if (len && name.data[len - 1] == '/') {
            len--;
        }
    }

    if (ngx_av_router_has_base(r->uri.data + len, r->uri.len - len)) {
        len += sizeof(NGX_AV_ROUTER_BASE) - 1;
    }

    return len;
}


static ngx_uint_t
ngx_av_router_has_base(u_char *p, size_t len)
{
    size_t  n;

    n = sizeof(NGX_AV_ROUTER_BASE) - 1;

    return len >= n
           && ngx_memcmp(p, NGX_AV_ROUTER_BASE, n) == 0
           && (len == n || p[n] == '/');
}


/* The first of the rows with the best pattern for the path, any method. */

static const ngx_av_route_t *
ngx_av_router_find(ngx_str_t *path, ngx_str_t *params)
{
    ngx_uint_t             i;
    const ngx_av_route_t  *route, *best;

    best = NULL;

    for (i = 0; i < NGX_AV_NROUTES; i++) {
        route = &ngx_av_routes[i];

        if (ngx_av_router_match(&route->path, path, params)
            && (best == NULL
                || ngx_av_router_precedes(&route->path, &best->path)))
        {
            best = route;
        }
    }

    if (best) {
        (void) ngx_av_router_match(&best->path, path, params);
    }

    return best;
}


static ngx_uint_t
ngx_av_router_match(const ngx_str_t *pattern, ngx_str_t *path,
    ngx_str_t *params)
{
    u_char  *p, *last, *u, *end;

    p = pattern->data;
    last = p + pattern->len;
    u = path->data;
    end = u + path->len;

    while (p < last) {

        if (*p == '{') {
            params->data = u;

            while (u < end && *u != '/') {
                u++;
            }

            params->len = u - params->data;

            if (params->len == 0) {
                return 0;
            }

            params++;

            while (*p++ != '}') { /* void */ }

            continue;
        }

        if (u == end || *u != *p) {
            return 0;
        }

        u++;
        p++;
    }

    return u == end;
}


/*
 * Of two patterns for one path, the one that is static where they begin to
 * differ precedes.
 */

static ngx_uint_t
ngx_av_router_precedes(const ngx_str_t *one, const ngx_str_t *two)
{
    size_t  i;

    for (i = 0; i < one->len && i < two->len; i++) {
        if (one->data[i] != two->data[i]) {
            return two->data[i] == '{';
        }
    }

    return 0;
}


static ngx_int_t
ngx_av_router_not_found(ngx_http_request_t *r, ngx_str_t *path)
{
    ngx_str_t  base;

    if (path->len == 0 && r->method == NGX_HTTP_POST) {

        /* an exporter that was given the API's base as its endpoint */

        base.data = r->uri.data;
        base.len = path->data - r->uri.data;

        return ngx_av_http_error(r, NGX_HTTP_NOT_FOUND,
                                 "Not found. Post batches of traces to "
                                 "%V/traces/batch.", &base);
    }

    return ngx_av_http_error(r, NGX_HTTP_NOT_FOUND, "Not found.");
}


static ngx_int_t
ngx_av_router_not_allowed(ngx_http_request_t *r, ngx_uint_t methods)
{
    size_t            len;
    u_char           *p;
    ngx_str_t         allow;
    ngx_uint_t        i;
    static ngx_str_t  name = ngx_string("Allow");

    if (methods & NGX_HTTP_GET) {
        methods |= NGX_HTTP_HEAD;
    }

    len = 0;

    for (i = 0; i < NGX_AV_ROUTER_NMETHODS; i++) {
        len += ngx_av_router_methods[i].name.len + sizeof(", ") - 1;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    allow.data = p;

    for (i = 0; i < NGX_AV_ROUTER_NMETHODS; i++) {
        if (methods & ngx_av_router_methods[i].method) {
            if (p != allow.data) {
                *p++ = ',';
                *p++ = ' ';
            }

            p = ngx_cpymem(p, ngx_av_router_methods[i].name.data,
                           ngx_av_router_methods[i].name.len);
        }
    }

    allow.len = p - allow.data;

    if (ngx_av_http_add_header(r, &name, &allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_error(r, NGX_HTTP_NOT_ALLOWED,
                             "Method not allowed. Allowed: %V.", &allow);
}
