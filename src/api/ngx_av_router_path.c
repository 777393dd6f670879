/*
 * Where the API begins in a URI, which is up to the operator's locations, and
 * the styles of its paths.
 */

#include "ngx_av_router.h"
#include "ngx_av_agentmark.h"
#include "ngx_av_api.h"


#define NGX_AV_ROUTER_BASE  "/api/v1"
#define NGX_AV_ROUTER_V1    "/v1"
#define NGX_AV_ROUTER_GRPC  "/opentelemetry.proto.collector."


static ngx_uint_t ngx_av_router_bases(ngx_http_request_t *r, size_t *bases);
static ngx_int_t ngx_av_router_prefix(ngx_http_request_t *r, ngx_str_t *name);
static ngx_int_t ngx_av_router_anchor(ngx_http_request_t *r, size_t len);
static ngx_uint_t ngx_av_router_has(u_char *p, size_t len, const char *base,
    size_t n);


/*
 * The first that fits; of other paths, none.  What reads below "/v1" is
 * AgentMark's, what it shares with OTLP is that one's else.
 */

static const struct {
    ngx_str_t                    prefix;
    ngx_uint_t                   methods;
    const ngx_av_http_style_t   *style;
} ngx_av_router_styles[] = {
    { ngx_string("/otlp"), 0, &ngx_av_otlp_native_style },
    { ngx_string("/v1/logs"), 0, &ngx_av_otlp_standard_style },
    { ngx_string("/v1"), NGX_HTTP_GET|NGX_HTTP_HEAD, &ngx_av_agentmark_style },
    { ngx_string("/v1/traces"), 0, &ngx_av_otlp_standard_style },
    { ngx_string("/v1/metrics"), 0, &ngx_av_otlp_standard_style },
    { ngx_string("/v1"), 0, &ngx_av_agentmark_style },
    { ngx_string(NGX_AV_ROUTER_GRPC), 0, &ngx_av_otlp_grpc_style }
};

#define NGX_AV_ROUTER_NSTYLES                                                 \
    (sizeof(ngx_av_router_styles) / sizeof(ngx_av_router_styles[0]))


ngx_uint_t
ngx_av_router_paths(ngx_http_request_t *r, ngx_str_t *paths)
{
    size_t      bases[NGX_AV_ROUTER_MAX_PATHS];
    ngx_uint_t  i, n;

    n = ngx_av_router_bases(r, bases);

    for (i = 0; i < n; i++) {
        paths[i].data = r->uri.data + bases[i];
        paths[i].len = r->uri.len - bases[i];

        if (paths[i].len && paths[i].data[paths[i].len - 1] == '/') {
            paths[i].len--;
        }
    }

    return n;
}


/*
 * The lengths of what may come before the API's own path.
 *
 * That is the prefix location's name, as far as its "/api/v1" if it has one,
 * and a "/api/v1" after it.  Where there is none, it may also be what comes
 * before a "/v1" in the name, which begins the standard paths of OTLP; where a
 * location is no prefix, before any "/v1".
 */

static ngx_uint_t
ngx_av_router_bases(ngx_http_request_t *r, size_t *bases)
{
    size_t      i, len;
    ngx_int_t   prefix, anchor;
    ngx_str_t   name;
    ngx_uint_t  n;

    n = sizeof(NGX_AV_ROUTER_BASE) - 1;
    len = 0;

    prefix = ngx_av_router_prefix(r, &name);

    if (prefix) {

        /* "location /api/v1/traces/" serves a part of the API */

        for (i = 0; i < name.len; i++) {
            if (ngx_av_router_has(name.data + i, name.len - i,
                                  NGX_AV_ROUTER_BASE, n))
            {
                bases[0] = i + n;
                return 1;
            }
        }

        len = name.len;

        if (len && name.data[len - 1] == '/') {
            len--;
        }
    }

    if (ngx_av_router_has(r->uri.data + len, r->uri.len - len,
                          NGX_AV_ROUTER_BASE, n))
    {
        bases[0] = len + n;
        return 1;
    }

    n = 0;
    anchor = ngx_av_router_anchor(r, prefix ? name.len : r->uri.len);

    if (anchor != NGX_ERROR) {
        bases[n++] = anchor;
    }

    bases[n++] = len;

    return n;
}


/* The request is in a location with a prefix as its name. */

static ngx_int_t
ngx_av_router_prefix(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    *name = clcf->name;

    return !clcf->exact_match && !clcf->named
#if (NGX_PCRE)
           && clcf->regex == NULL
#endif
           && r->uri.len >= name->len
           && ngx_filename_cmp(r->uri.data, name->data, name->len) == 0;
}


/*
 * The offset of the last "/v1" or gRPC service that begins in the first len
 * bytes of the URI; NGX_ERROR if there is none.
 */

static ngx_int_t
ngx_av_router_anchor(ngx_http_request_t *r, size_t len)
{
    size_t   left;
    u_char  *p;

    for (p = r->uri.data + len; p-- > r->uri.data; /* void */) {

        left = r->uri.data + r->uri.len - p;

        if (ngx_av_router_has(p, left, NGX_AV_ROUTER_V1,
                              sizeof(NGX_AV_ROUTER_V1) - 1)
            || ngx_av_router_has(p, left, NGX_AV_ROUTER_GRPC,
                                 sizeof(NGX_AV_ROUTER_GRPC) - 1))
        {
            return p - r->uri.data;
        }
    }

    return NGX_ERROR;
}


/* The text begins with base, and a segment ends there, or base ends in ".". */

static ngx_uint_t
ngx_av_router_has(u_char *p, size_t len, const char *base, size_t n)
{
    return len >= n
           && ngx_memcmp(p, base, n) == 0
           && (len == n || p[n] == '/' || base[n - 1] == '.');
}


const ngx_av_http_style_t *
ngx_av_api_style(ngx_http_request_t *r)
{
    ngx_str_t  paths[NGX_AV_ROUTER_MAX_PATHS];

    if (r->uri.len == 0) {
        /* the request line is malformed, or too long */
        return NULL;
    }

    (void) ngx_av_router_paths(r, paths);

    return ngx_av_router_style(r, &paths[0]);
}


const ngx_av_http_style_t *
ngx_av_router_style(ngx_http_request_t *r, ngx_str_t *path)
{
    ngx_uint_t  i;

    if (path->len == 0 && r->method == NGX_HTTP_POST) {
        /* an exporter that was given the API's base as its endpoint */
        return &ngx_av_otlp_native_style;
    }

    for (i = 0; i < NGX_AV_ROUTER_NSTYLES; i++) {

        if ((ngx_av_router_styles[i].methods == 0
             || (ngx_av_router_styles[i].methods & r->method))
            && ngx_av_router_has(path->data, path->len,
                              (char *) ngx_av_router_styles[i].prefix.data,
                              ngx_av_router_styles[i].prefix.len))
        {
            return ngx_av_router_styles[i].style;
        }
    }

    return NULL;
}
