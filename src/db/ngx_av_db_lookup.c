#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_av_db.h"
#include "ngx_av_db_lookup.h"


typedef struct {
    ngx_str_t  *name;
    ngx_str_t  *port;
    ngx_str_t   addr;
} ngx_av_db_endpoint_t;


static ngx_int_t ngx_av_db_lookup_next(ngx_av_db_lookup_t *lookup);
static ngx_int_t ngx_av_db_lookup_add(ngx_av_db_lookup_t *lookup,
    ngx_av_db_host_t *host);
static ngx_int_t ngx_av_db_lookup_resolve(ngx_av_db_lookup_t *lookup,
    ngx_av_db_host_t *host);
static void ngx_av_db_lookup_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_av_db_lookup_lists(ngx_av_db_lookup_t *lookup,
    ngx_uint_t first);


ngx_int_t
ngx_av_db_lookup_start(ngx_av_db_lookup_t *lookup)
{
    lookup->pool = ngx_create_pool(1024, lookup->log);
    if (lookup->pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&lookup->endpoints, lookup->pool, 4,
                       sizeof(ngx_av_db_endpoint_t))
        != NGX_OK)
    {
        ngx_av_db_lookup_end(lookup);
        return NGX_ERROR;
    }

    lookup->host = 0;
    ngx_str_set(&lookup->unresolved, "");

    if (ngx_av_db_lookup_next(lookup) == NGX_ERROR) {
        ngx_av_db_lookup_end(lookup);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_av_db_lookup_found(ngx_av_db_lookup_t *lookup)
{
    return lookup->endpoints.nelts != 0;
}


PGconn *
ngx_av_db_lookup_connect(ngx_av_db_lookup_t *lookup, ngx_uint_t first)
{
    PGconn            *pg;
    ngx_uint_t         i;
    ngx_av_db_conf_t  *conf;

    conf = lookup->conf;

    if (ngx_av_db_lookup_lists(lookup, first) != NGX_OK) {
        return NULL;
    }

    pg = PQconnectStartParams(conf->keywords, conf->values, 0);

    /* libpq has copied them, and they live in the pool of this lookup */

    for (i = 0; i < NGX_AV_DB_KEYWORDS; i++) {
        conf->values[i] = NULL;
    }

    return pg;
}


void
ngx_av_db_lookup_end(ngx_av_db_lookup_t *lookup)
{
    if (lookup->ctx) {
        ngx_resolve_name_done(lookup->ctx);
        lookup->ctx = NULL;
    }

    if (lookup->pool) {
        ngx_destroy_pool(lookup->pool);
        lookup->pool = NULL;
    }
}


ngx_int_t
ngx_av_db_lookup_text(ngx_pool_t *pool, struct sockaddr *sockaddr,
    socklen_t socklen, ngx_str_t *text)
{
    text->data = ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_sock_ntop(sockaddr, socklen, text->data,
                              NGX_SOCKADDR_STRLEN, 0);

    return NGX_OK;
}


/* NGX_AGAIN: the resolver will say more; NGX_OK: the handler was called. */

static ngx_int_t
ngx_av_db_lookup_next(ngx_av_db_lookup_t *lookup)
{
    ngx_array_t       *hosts;
    ngx_av_db_host_t  *host;

    hosts = lookup->conf->hosts;
    host = hosts->elts;

    while (lookup->host < hosts->nelts) {

        if (host[lookup->host].resolve) {
            return ngx_av_db_lookup_resolve(lookup, &host[lookup->host]);
        }

        if (ngx_av_db_lookup_add(lookup, &host[lookup->host]) != NGX_OK) {
            return NGX_ERROR;
        }

        lookup->host++;
    }

    lookup->handler(lookup);

    return NGX_OK;
}


static ngx_int_t
ngx_av_db_lookup_add(ngx_av_db_lookup_t *lookup, ngx_av_db_host_t *host)
{
    ngx_str_t             *addr;
    ngx_uint_t             i, n;
    ngx_av_db_endpoint_t  *endpoint;

    addr = host->addrs.elts;
    n = ngx_max(host->addrs.nelts, 1);

    for (i = 0; i < n; i++) {
        endpoint = ngx_array_push(&lookup->endpoints);
        if (endpoint == NULL) {
            return NGX_ERROR;
        }

        endpoint->name = &host->name;
        endpoint->port = &host->port;

        if (host->addrs.nelts) {
            endpoint->addr = addr[i];

        } else {
            ngx_str_set(&endpoint->addr, "");
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_db_lookup_resolve(ngx_av_db_lookup_t *lookup, ngx_av_db_host_t *host)
{
    ngx_resolver_ctx_t  *ctx;

    ctx = ngx_resolve_start(lookup->conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        return NGX_ERROR;
    }

    ctx->name = host->name;
    ctx->handler = ngx_av_db_lookup_resolved;
    ctx->data = lookup;
    ctx->timeout = lookup->conf->resolver_timeout;
    ctx->cancelable = 1;

    lookup->ctx = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        lookup->ctx = NULL;
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


static void
ngx_av_db_lookup_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t             i;
    ngx_av_db_host_t      *host;
    ngx_av_db_lookup_t    *lookup;
    ngx_av_db_endpoint_t  *endpoint;

    lookup = ctx->data;

    host = lookup->conf->hosts->elts;
    host += lookup->host;

    ngx_log_debug3(NGX_LOG_DEBUG_CORE, lookup->log, 0,
                   "agentvista db resolved \"%V\": %i, %ui addresses",
                   &host->name, ctx->state, ctx->naddrs);

    if (ctx->state) {
        lookup->unresolved = host->name;
        lookup->state = ctx->state;

    } else {

        for (i = 0; i < ctx->naddrs; i++) {
            endpoint = ngx_array_push(&lookup->endpoints);
            if (endpoint == NULL) {
                break;
            }

            endpoint->name = &host->name;
            endpoint->port = &host->port;

            if (ngx_av_db_lookup_text(lookup->pool, ctx->addrs[i].sockaddr,
                                      ctx->addrs[i].socklen, &endpoint->addr)
                != NGX_OK)
            {
                lookup->endpoints.nelts--;
                break;
            }
        }
    }

    ngx_resolve_name_done(ctx);
    lookup->ctx = NULL;

    lookup->host++;

    if (ngx_av_db_lookup_next(lookup) == NGX_ERROR) {

        /* with what there is by now, perhaps nothing */

        lookup->handler(lookup);
    }
}


/* Sets the values of "host", "hostaddr" and "port": comma-separated lists. */

static ngx_int_t
ngx_av_db_lookup_lists(ngx_av_db_lookup_t *lookup, ngx_uint_t first)
{
    size_t                 len;
    u_char                *list, *hosts, *addrs, *ports;
    ngx_uint_t             i, n;
    const char           **values;
    ngx_av_db_endpoint_t  *endpoints, *endpoint;

    endpoints = lookup->endpoints.elts;
    n = lookup->endpoints.nelts;
    values = lookup->conf->values;

    len = 0;

    for (i = 0; i < n; i++) {
        len = ngx_max(len, endpoints[i].name->len);
        len = ngx_max(len, endpoints[i].addr.len);
        len = ngx_max(len, endpoints[i].port->len);
    }

    /* each element is followed by a comma or by the final NUL */

    len = (len + 1) * n;

    list = ngx_pnalloc(lookup->pool, 3 * len);
    if (list == NULL) {
        return NGX_ERROR;
    }

    hosts = list;
    addrs = list + len;
    ports = list + 2 * len;

    values[NGX_AV_DB_KEYWORD_HOST] = (char *) hosts;
    values[NGX_AV_DB_KEYWORD_HOSTADDR] = (char *) addrs;
    values[NGX_AV_DB_KEYWORD_PORT] = (char *) ports;

    for (i = 0; i < n; i++) {
        endpoint = &endpoints[(first + i) % n];

        hosts = ngx_sprintf(hosts, "%V,", endpoint->name);
        addrs = ngx_sprintf(addrs, "%V,", &endpoint->addr);
        ports = ngx_sprintf(ports, "%V,", endpoint->port);
    }

    hosts[-1] = '\0';
    addrs[-1] = '\0';
    ports[-1] = '\0';

    return NGX_OK;
}
