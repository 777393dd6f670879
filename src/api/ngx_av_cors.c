#include "ngx_av_cors.h"
#include "ngx_av_http.h"


/* seconds: the most that any browser keeps to is a day, of most two hours */
#define NGX_AV_CORS_MAX_AGE  "7200"

/* what clients of the three APIs send */
#define NGX_AV_CORS_REQUEST_HEADERS                                           \
    "Authorization, Content-Type, Content-Encoding, X-Agentmark-App-Id, "     \
    "X-Puzzlet-App-Id, X-Agentmark-Environment, X-Agentmark-Pr-Number, "      \
    "X-Request-Id, If-None-Match, Last-Event-ID, Cache-Control, "             \
    "traceparent, tracestate, baggage"

/* what pages may read, besides what they always may */
#define NGX_AV_CORS_RESPONSE_HEADERS                                          \
    "Retry-After, X-Request-Id, ETag, X-Next-Cursor, WWW-Authenticate, Allow"


static char *ngx_av_cors_check(ngx_str_t *origin);
static char *ngx_av_cors_check_host(u_char *p, u_char *last);
static u_char *ngx_av_cors_skip(u_char *p, u_char *last, const char *more);
static ngx_uint_t ngx_av_cors_has(ngx_array_t *origins, ngx_str_t *origin);
static ngx_uint_t ngx_av_cors_any(ngx_array_t *origins);
static ngx_array_t *ngx_av_cors_origins(ngx_http_request_t *r);
static ngx_int_t ngx_av_cors_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_av_cors_add_headers(ngx_http_request_t *r,
    ngx_array_t *origins);
static ngx_int_t ngx_av_cors_add(ngx_http_request_t *r, const char *name,
    const char *value);


static ngx_http_output_header_filter_pt  ngx_av_cors_next_header_filter;


char *
ngx_av_cors_parse(ngx_conf_t *cf, ngx_array_t **origins)
{
    char        *err;
    ngx_str_t   *value, *origin;
    ngx_uint_t   i, n;

    value = cf->args->elts;
    n = cf->args->nelts;

    if (n == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        *origins = NULL;
        return NGX_CONF_OK;
    }

    *origins = ngx_array_create(cf->pool, n - 1, sizeof(ngx_str_t));
    if (*origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < n; i++) {

        err = ngx_av_cors_check(&value[i]);

        if (err == NULL && n > 2 && value[i].data[0] == '*') {
            err = "is every origin, and goes alone";
        }

        if (err == NULL && ngx_av_cors_has(*origins, &value[i])) {
            err = "is there twice";
        }

        if (err) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "origin \"%V\" %s", &value[i], err);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(*origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        *origin = value[i];
    }

    return NGX_CONF_OK;
}


/*
 * Origins are compared as they are, so one that no browser sends would allow
 * nothing, and nobody would know why.
 */

static char *
ngx_av_cors_check(ngx_str_t *origin)
{
    u_char  *p, *last;

    if (origin->len == 1 && origin->data[0] == '*') {
        return NULL;
    }

    if (origin->len == 3 && ngx_strncmp(origin->data, "off", 3) == 0) {
        return "goes alone";
    }

    last = origin->data + origin->len;

    p = ngx_av_cors_skip(origin->data, last, "+-.");

    if (p == origin->data || last - p < 3 || ngx_strncmp(p, "://", 3) != 0) {
        return "must be scheme://host or scheme://host:port in lower case,"
               " \"*\" or \"off\"";
    }

    p += 3;

    if ((ngx_strncmp(origin->data, "https://", 8) == 0
         && ngx_strncmp(last - 4, ":443", 4) == 0)
        || (ngx_strncmp(origin->data, "http://", 7) == 0
            && ngx_strncmp(last - 3, ":80", 3) == 0))
    {
        return "has its scheme's own port, which browsers leave out";
    }

    return ngx_av_cors_check_host(p, last);
}


static char *
ngx_av_cors_check_host(u_char *p, u_char *last)
{
    u_char     *start, *end;
    ngx_int_t   port;

    start = p;

    if (p < last && *p == '[') {
        end = ngx_av_cors_skip(p + 1, last, ":.");

        if (end == p + 1 || end == last || *end != ']') {
            return "has an invalid address";
        }

        p = end + 1;

    } else {
        p = ngx_av_cors_skip(p, last, "-._");
    }

    if (p == start) {
        return "has no valid host";
    }

    if (p == last) {
        return NULL;
    }

    if (*p == '/') {
        return "has a path, or a slash at its end, which browsers leave out";
    }

    port = (*p == ':') ? ngx_atoi(p + 1, last - p - 1) : NGX_ERROR;

    if (port < 1 || port > 65535) {
        return "has a character or a port that no origin has";
    }

    return NULL;
}


/* Lower-case letters, digits, and some more. */

static u_char *
ngx_av_cors_skip(u_char *p, u_char *last, const char *more)
{
    while (p < last
           && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')
               || (*p && ngx_strchr(more, *p))))
    {
        p++;
    }

    return p;
}


static ngx_uint_t
ngx_av_cors_has(ngx_array_t *origins, ngx_str_t *origin)
{
    ngx_str_t   *elts;
    ngx_uint_t   i;

    elts = origins->elts;

    for (i = 0; i < origins->nelts; i++) {
        if (elts[i].len == origin->len
            && ngx_memcmp(elts[i].data, origin->data, origin->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_av_cors_any(ngx_array_t *origins)
{
    ngx_str_t  *elts;

    elts = origins->elts;

    return elts[0].data[0] == '*';
}


ngx_int_t
ngx_av_cors_init_filter(ngx_conf_t *cf)
{
    ngx_av_cors_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_av_cors_header_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_av_cors_header_filter(ngx_http_request_t *r)
{
    ngx_array_t  *origins;

    origins = ngx_av_cors_origins(r);

    if (origins && ngx_av_cors_add_headers(r, origins) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_cors_next_header_filter(r);
}


static ngx_array_t *
ngx_av_cors_origins(ngx_http_request_t *r)
{
    ngx_av_http_loc_conf_t  *lcf;

    if (r != r->main) {
        return NULL;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    return lcf->api ? lcf->cors : NULL;
}


/*
 * Where any origin will do the answer is the same for all of them.  A listed
 * one may also send what its browser knows, such as a client certificate; any
 * one must not.
 */

static ngx_int_t
ngx_av_cors_add_headers(ngx_http_request_t *r, ngx_array_t *origins)
{
    ngx_str_t         origin;
    static ngx_str_t  any = ngx_string("*");
    static ngx_str_t  name = ngx_string("Access-Control-Allow-Origin");

    if (ngx_av_cors_any(origins)) {
        origin = any;

    } else {
        if (ngx_av_cors_add(r, "Vary", "Origin") != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_av_http_header(r, "Origin", &origin) != 1
            || !ngx_av_cors_has(origins, &origin))
        {
            return NGX_OK;
        }

        if (ngx_av_cors_add(r, "Access-Control-Allow-Credentials", "true")
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (r->method != NGX_HTTP_OPTIONS
        && ngx_av_cors_add(r, "Access-Control-Expose-Headers",
                           NGX_AV_CORS_RESPONSE_HEADERS)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_http_add_header(r, &name, &origin);
}


static ngx_int_t
ngx_av_cors_add(ngx_http_request_t *r, const char *name, const char *value)
{
    ngx_str_t  n, v;

    n.data = (u_char *) name;
    n.len = ngx_strlen(name);

    v.data = (u_char *) value;
    v.len = ngx_strlen(value);

    return ngx_av_http_add_header(r, &n, &v);
}


ngx_uint_t
ngx_av_cors_is_preflight(ngx_http_request_t *r)
{
    ngx_str_t     origin, method;
    ngx_array_t  *origins;

    if (r->method != NGX_HTTP_OPTIONS) {
        return 0;
    }

    origins = ngx_av_cors_origins(r);

    return origins
           && ngx_av_http_header(r, "Origin", &origin) == 1
           && ngx_av_http_header(r, "Access-Control-Request-Method", &method)
           && (ngx_av_cors_any(origins) || ngx_av_cors_has(origins, &origin));
}


ngx_int_t
ngx_av_cors_preflight(ngx_http_request_t *r, ngx_str_t *methods)
{
    ngx_int_t         rc;
    static ngx_str_t  name = ngx_string("Access-Control-Allow-Methods");
    static ngx_str_t  nothing = ngx_string("");

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_http_add_header(r, &name, methods) != NGX_OK
        || ngx_av_cors_add(r, "Access-Control-Allow-Headers",
                           NGX_AV_CORS_REQUEST_HEADERS)
           != NGX_OK
        || ngx_av_cors_add(r, "Access-Control-Max-Age", NGX_AV_CORS_MAX_AGE)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_send_text(r, NGX_HTTP_NO_CONTENT, &nothing, &nothing);
}
