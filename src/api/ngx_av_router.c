#include "ngx_av_router.h"
#include "ngx_av_agentmark_routes.h"
#include "ngx_av_api.h"
#include "ngx_av_chunks.h"
#include "ngx_av_columns.h"
#include "ngx_av_cors.h"
#include "ngx_av_stats.h"


/* index 0 of the counters: whatever no row of the table serves */
#define NGX_AV_ROUTER_OTHER  0


static const ngx_av_route_t *ngx_av_router_find(ngx_str_t *path,
    ngx_str_t *params, ngx_uint_t wide);
static ngx_uint_t ngx_av_router_is_text(const ngx_av_route_t *route);
static ngx_uint_t ngx_av_router_match(const ngx_str_t *pattern,
    ngx_str_t *path, ngx_str_t *params, ngx_uint_t wide);
static ngx_uint_t ngx_av_router_precedes(const ngx_str_t *one,
    const ngx_str_t *two);
static ngx_int_t ngx_av_router_not_found(ngx_http_request_t *r,
    ngx_str_t *path);
static ngx_int_t ngx_av_router_not_allowed(ngx_http_request_t *r,
    ngx_uint_t methods);
static ngx_int_t ngx_av_router_allow(ngx_http_request_t *r,
    ngx_uint_t methods, ngx_str_t *allow);
static ngx_int_t ngx_av_router_preflight(ngx_http_request_t *r);


/* Words of parameters. */

const ngx_av_param_word_t  ngx_av_words_status[] = {
    { ngx_string("running"), NGX_AV_STATUS_RUNNING },
    { ngx_string("completed"), NGX_AV_STATUS_COMPLETED },
    { ngx_string("failed"), NGX_AV_STATUS_FAILED },
    { ngx_string("timed_out"), NGX_AV_STATUS_TIMED_OUT },
    { ngx_null_string, 0 }
};

/* null: no signal was given */
const ngx_av_param_word_t  ngx_av_words_success[] = {
    { ngx_string("false"), 0 },
    { ngx_string("true"), 1 },
    { ngx_string("null"), 2 },
    { ngx_null_string, 0 }
};

const ngx_av_param_word_t  ngx_av_words_severity[] = {
    { ngx_string("trace"), NGX_AV_SEVERITY_TRACE },
    { ngx_string("debug"), NGX_AV_SEVERITY_DEBUG },
    { ngx_string("info"), NGX_AV_SEVERITY_INFO },
    { ngx_string("warn"), NGX_AV_SEVERITY_WARN },
    { ngx_string("error"), NGX_AV_SEVERITY_ERROR },
    { ngx_string("fatal"), NGX_AV_SEVERITY_FATAL },
    { ngx_null_string, 0 }
};

/* of agentvista.metrics_query() */
const ngx_av_param_word_t  ngx_av_words_aggregation[] = {
    { ngx_string("avg"), 0 },
    { ngx_string("sum"), 1 },
    { ngx_string("min"), 2 },
    { ngx_string("max"), 3 },
    { ngx_string("count"), 4 },
    { ngx_null_string, 0 }
};


/* The parameters of the queries, a table each. */

#define NGX_AV_ROUTER_NONE(...)

#define NGX_AV_ROUTER_PARAMS(method, path, scope, style, function, ...)       \
    static const ngx_av_param_t  ngx_av_router_##function##_params[] = {      \
        __VA_ARGS__ NGX_AV_PARAM_LAST                                         \
    };

#define NGX_AV_ROUTER_ROWS_PARAMS(method, path, scope, style, function, form, \
    ...)                                                                      \
    NGX_AV_ROUTER_PARAMS(method, path, scope, style, function, __VA_ARGS__)

NGX_AV_ROUTES(NGX_AV_ROUTER_NONE, NGX_AV_ROUTER_PARAMS, NGX_AV_ROUTER_PARAMS,
              NGX_AV_ROUTER_ROWS_PARAMS)

#define NGX_AV_ROUTER_MARK_PARAMS(method, path, scope, function, handler,     \
    form, ...)                                                                \
    NGX_AV_ROUTER_PARAMS(method, path, scope, MARK, function, __VA_ARGS__)

NGX_AV_AGENTMARK_ROUTES(NGX_AV_ROUTER_MARK_PARAMS)

/* of agentvista.agentmark_more() */
static const ngx_av_param_t  ngx_av_router_more_params[] = {
    NGX_AV_PARAM(TEXT, "rest", 0)
    NGX_AV_PARAM_LAST
};


/* Their statements, made when a worker starts. */

typedef enum {
#define NGX_AV_ROUTER_ENUM(method, path, scope, style, function, ...)         \
    NGX_AV_ROUTER_##function,
    NGX_AV_ROUTES(NGX_AV_ROUTER_NONE, NGX_AV_ROUTER_ENUM, NGX_AV_ROUTER_ENUM,
                  NGX_AV_ROUTER_ENUM)
#define NGX_AV_ROUTER_MARK_ENUM(method, path, scope, function, ...)           \
    NGX_AV_ROUTER_##function,
    NGX_AV_AGENTMARK_ROUTES(NGX_AV_ROUTER_MARK_ENUM)
    NGX_AV_ROUTER_MORE,
    NGX_AV_ROUTER_NSTATEMENTS
} ngx_av_router_statement_e;

static ngx_av_db_statement_t
    ngx_av_router_statements[NGX_AV_ROUTER_NSTATEMENTS];


/* The routes. */

#define NGX_AV_ROUTER_HANDLER(method, path, scopes, handler)                  \
    { NGX_HTTP_##method, scopes, ngx_string(path), handler,                   \
      NULL, NULL, NULL, 0, 0, NULL },

#define NGX_AV_ROUTER_VISTA  &ngx_av_style_vista
#define NGX_AV_ROUTER_MARK   &ngx_av_style_mark

#define NGX_AV_ROUTER_ROW(method, path, scope, handler, style, function,      \
    objects, form)                                                            \
    { NGX_HTTP_##method, NGX_AV_SCOPE_##scope, ngx_string(path), handler,     \
      NGX_AV_ROUTER_##style, #function, ngx_av_router_##function##_params,    \
      NGX_AV_ROUTER_##function, objects, form },

#define NGX_AV_ROUTER_QUERY(method, path, scope, style, function, ...)        \
    NGX_AV_ROUTER_ROW(method, path, scope, ngx_av_query_handler, style,       \
                      function, 0, NULL)

#define NGX_AV_ROUTER_OBJECTS(method, path, scope, style, function, ...)      \
    NGX_AV_ROUTER_ROW(method, path, scope, ngx_av_query_handler, style,       \
                      function, 1, NULL)

#define NGX_AV_ROUTER_ROWS(method, path, scope, style, function, form, ...)   \
    NGX_AV_ROUTER_ROW(method, path, scope, ngx_av_query_handler, style,       \
                      function, 0, form)

#define NGX_AV_ROUTER_MARK_ROW(method, path, scope, function, handler, form,  \
    ...)                                                                      \
    NGX_AV_ROUTER_ROW(method, path, scope, handler, MARK, function, 0, form)

static const ngx_av_route_t  ngx_av_routes[] = {
    NGX_AV_ROUTES(NGX_AV_ROUTER_HANDLER, NGX_AV_ROUTER_QUERY,
                  NGX_AV_ROUTER_OBJECTS, NGX_AV_ROUTER_ROWS)
    NGX_AV_AGENTMARK_ROUTES(NGX_AV_ROUTER_MARK_ROW)
};

#define NGX_AV_NROUTES  (sizeof(ngx_av_routes) / sizeof(ngx_av_route_t))


#define NGX_AV_ROUTER_NAME(method, path, ...)                                 \
    ngx_string(#method " " path),

const ngx_str_t  ngx_av_router_names[] = {
    ngx_string("other"),
    NGX_AV_ROUTES(NGX_AV_ROUTER_NAME, NGX_AV_ROUTER_NAME, NGX_AV_ROUTER_NAME,
                  NGX_AV_ROUTER_NAME)
    NGX_AV_AGENTMARK_ROUTES(NGX_AV_ROUTER_NAME)
};

const ngx_uint_t  ngx_av_router_nnames = NGX_AV_NROUTES + 1;

_Static_assert(NGX_AV_NROUTES + 1 <= NGX_AV_STATS_ROUTES,
               "NGX_AV_STATS_ROUTES is too small");


/* of a preflight, on any path that has a route */
static const ngx_av_route_t  ngx_av_router_cors = {
    NGX_HTTP_OPTIONS, NGX_AV_SCOPE_NONE, ngx_null_string,
    ngx_av_router_preflight, NULL, NULL, NULL, 0, 0, NULL
};


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


const ngx_av_db_statement_t *
ngx_av_api_statements(ngx_pool_t *pool, ngx_uint_t *n)
{
    ngx_uint_t             i;
    const ngx_av_route_t  *route;

    for (i = 0; i < NGX_AV_NROUTES; i++) {
        route = &ngx_av_routes[i];

        if (route->function
            && ngx_av_params_statement(pool,
                                  &ngx_av_router_statements[route->statement],
                                  route->function,
                                  route->objects || route->form,
                                  route->params)
               != NGX_OK)
        {
            return NULL;
        }
    }

    if (ngx_av_params_statement(pool,
                                &ngx_av_router_statements[NGX_AV_ROUTER_MORE],
                                "agentmark_more", 1,
                                ngx_av_router_more_params)
        != NGX_OK)
    {
        return NULL;
    }

    *n = NGX_AV_ROUTER_NSTATEMENTS;

    return ngx_av_router_statements;
}


const ngx_av_db_statement_t *
ngx_av_router_statement(const ngx_av_route_t *route)
{
    return &ngx_av_router_statements[route->statement];
}


ngx_int_t
ngx_av_api_init_process(ngx_cycle_t *cycle, ngx_av_db_conf_t *db,
    ngx_av_db_pool_t *readers)
{
    if (ngx_av_stream_init_process(cycle, db, readers) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_av_query_init_process(readers);
    ngx_av_agentmark_init_process(readers);
    ngx_av_chunks_init_process(readers,
                               &ngx_av_router_statements[NGX_AV_ROUTER_MORE]);

    return ngx_av_status_init_process(cycle, readers);
}


void
ngx_av_api_exit_process(void)
{
    ngx_av_stream_exit_process();
}


ngx_int_t
ngx_av_api_route(ngx_http_request_t *r, ngx_uint_t *scopes)
{
    ngx_str_t              paths[NGX_AV_ROUTER_MAX_PATHS], *path;
    ngx_uint_t             i, n, wide, method, methods;
    ngx_av_http_ctx_t     *ctx;
    const ngx_av_route_t  *route, *found;

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->counted = 1;
    ctx->route_index = NGX_AV_ROUTER_OTHER;

    n = ngx_av_router_paths(r, paths);

    found = NULL;
    path = paths;

    for (wide = 0; wide < 2 && found == NULL; wide++) {
        for (i = 0; i < n && found == NULL; i++) {
            path = &paths[i];
            found = ngx_av_router_find(path, ctx->params, wide);
        }
    }

    if (found == NULL) {
        path = paths;
    }

    ctx->style = ngx_av_router_style(r, path);

    if (found == NULL) {
        return ngx_av_router_not_found(r, path);
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

    if (ngx_av_cors_is_preflight(r)) {
        ctx->route = &ngx_av_router_cors;
        ctx->data = (void *) (uintptr_t) methods;
        *scopes = NGX_AV_SCOPE_NONE;

        return NGX_OK;
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
ngx_av_router_send(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *json)
{
    static ngx_str_t  name = ngx_string("Cache-Control");
    static ngx_str_t  value = ngx_string("no-store");

    if (ngx_av_http_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_send(r, status, json);
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


/* The first of the rows with the best pattern for the path, any method. */

static const ngx_av_route_t *
ngx_av_router_find(ngx_str_t *path, ngx_str_t *params, ngx_uint_t wide)
{
    ngx_uint_t             i;
    const ngx_av_route_t  *route, *best;

    best = NULL;

    for (i = 0; i < NGX_AV_NROUTES; i++) {
        route = &ngx_av_routes[i];

        if (wide && !ngx_av_router_is_text(route)) {
            continue;
        }

        if (ngx_av_router_match(&route->path, path, params, wide)
            && (best == NULL
                || ngx_av_router_precedes(&route->path, &best->path)))
        {
            best = route;
        }
    }

    if (best) {
        (void) ngx_av_router_match(&best->path, path, params, wide);
    }

    return best;
}


/* Its path has a parameter that may be any text, and so contain slashes. */

static ngx_uint_t
ngx_av_router_is_text(const ngx_av_route_t *route)
{
    return route->params
           && route->params->kind == NGX_AV_PARAM_TEXT
           && (route->params->flags & NGX_AV_PARAM_PATH);
}


/* wide: the parameter, of which there is one, is as long as it can be. */

static ngx_uint_t
ngx_av_router_match(const ngx_str_t *pattern, ngx_str_t *path,
    ngx_str_t *params, ngx_uint_t wide)
{
    u_char  *p, *last, *u, *end;

    p = pattern->data;
    last = p + pattern->len;
    u = path->data;
    end = u + path->len;

    while (p < last) {

        if (*p == '{') {
            while (*p++ != '}') { /* void */ }

            params->data = u;

            while (u < end && (wide ? end - u > last - p : *u != '/')) {
                u++;
            }

            params->len = u - params->data;

            if (params->len == 0) {
                return 0;
            }

            params++;
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
 * differ precedes, or else the longer.
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

    return one->len > two->len;
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
                                 "Not found. Post OpenTelemetry data to "
                                 "%V/otlp/v1/traces, metrics or logs, and "
                                 "batches of traces to %V/traces/batch.",
                                 &base, &base);
    }

    return ngx_av_http_error(r, NGX_HTTP_NOT_FOUND, "Not found.");
}


static ngx_int_t
ngx_av_router_not_allowed(ngx_http_request_t *r, ngx_uint_t methods)
{
    ngx_str_t         allow;
    static ngx_str_t  name = ngx_string("Allow");

    if (ngx_av_router_allow(r, methods, &allow) != NGX_OK
        || ngx_av_http_add_header(r, &name, &allow) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_error(r, NGX_HTTP_NOT_ALLOWED,
                             "Method not allowed. Allowed: %V.", &allow);
}


static ngx_int_t
ngx_av_router_allow(ngx_http_request_t *r, ngx_uint_t methods,
    ngx_str_t *allow)
{
    size_t       len;
    u_char      *p;
    ngx_uint_t   i;

    if (methods & NGX_HTTP_GET) {
        methods |= NGX_HTTP_HEAD;
    }

    len = 0;

    for (i = 0; i < NGX_AV_ROUTER_NMETHODS; i++) {
        len += ngx_av_router_methods[i].name.len + sizeof(", ") - 1;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    allow->data = p;

    for (i = 0; i < NGX_AV_ROUTER_NMETHODS; i++) {
        if (methods & ngx_av_router_methods[i].method) {
            if (p != allow->data) {
                *p++ = ',';
                *p++ = ' ';
            }

            p = ngx_cpymem(p, ngx_av_router_methods[i].name.data,
                           ngx_av_router_methods[i].name.len);
        }
    }

    allow->len = p - allow->data;

    return NGX_OK;
}


static ngx_int_t
ngx_av_router_preflight(ngx_http_request_t *r)
{
    ngx_str_t           methods;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ngx_av_router_allow(r, (uintptr_t) ctx->data, &methods) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_cors_preflight(r, &methods);
}
