/*
 * Connection strings.  Whatever libpq would take from the home directory, the
 * environment, the DNS or Kerberos when it connects, thereby blocking the
 * worker, is settled here.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <libpq-fe.h>
#include <pg_config_manual.h>

#include "ngx_av_db.h"
#include "ngx_av_db_lookup.h"


/* cannot exist, as /dev/null is no directory: a file that is never there */
#define NGX_AV_DB_NO_FILE              "/dev/null/none"

#define NGX_AV_DB_CONNECT_TIMEOUT      10000
#define NGX_AV_DB_CONNECT_TIMEOUT_MAX  86400


typedef struct {
    const char  *keyword;
    const char  *value;
} ngx_av_db_option_t;


static char *ngx_av_db_conf_read(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    PQconninfoOption *options);
static char *ngx_av_db_conf_required(PQconninfoOption *options);
static char *ngx_av_db_conf_options(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    PQconninfoOption *options);
static char *ngx_av_db_conf_timeout(ngx_av_db_conf_t *conf,
    PQconninfoOption *options);
static char *ngx_av_db_conf_hosts(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    PQconninfoOption *options);
static char *ngx_av_db_conf_host(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    ngx_str_t *name, ngx_str_t *addr, ngx_str_t *port);
static char *ngx_av_db_conf_try(ngx_conf_t *cf, ngx_av_db_conf_t *conf);
static char *ngx_av_db_conf_resolve(ngx_conf_t *cf, ngx_av_db_host_t *host);
static const char *ngx_av_db_conf_value(PQconninfoOption *options,
    const char *keyword);
static ngx_uint_t ngx_av_db_conf_is(const ngx_av_db_option_t *list,
    const char *keyword);
static ngx_int_t ngx_av_db_conf_push_list(ngx_conf_t *cf,
    ngx_array_t *keywords, ngx_array_t *values,
    const ngx_av_db_option_t *list, PQconninfoOption *options);
static ngx_int_t ngx_av_db_conf_push(ngx_conf_t *cf, ngx_array_t *keywords,
    ngx_array_t *values, const char *keyword, const char *value);
static ngx_uint_t ngx_av_db_conf_count(const char *list);
static ngx_str_t ngx_av_db_conf_element(const char *list, ngx_uint_t n);


static char  ngx_av_db_conf_no_memory[] = "no memory";


/* What holds unless the connection string says otherwise. */

static const ngx_av_db_option_t  ngx_av_db_conf_defaults[] = {
    { "fallback_application_name", "agentvista" },
    { "passfile", NGX_AV_DB_NO_FILE },
    { "sslcert", NGX_AV_DB_NO_FILE },
    { "sslkey", NGX_AV_DB_NO_FILE },
    { "sslrootcert", NGX_AV_DB_NO_FILE },
    { "sslcrl", NGX_AV_DB_NO_FILE },

    /* a peer that vanished is noticed by idle connections too */
    { "keepalives_idle", "30" },
    { "keepalives_interval", "10" },
    { "keepalives_count", "3" },
    { NULL, NULL }
};


/* What holds always. */

static const ngx_av_db_option_t  ngx_av_db_conf_fixed[] = {
    { "client_encoding", "UTF8" },
    { "gssencmode", "disable" },
    { NULL, NULL }
};


/* What each connecting fills in, in the order of NGX_AV_DB_KEYWORD_*. */

static const ngx_av_db_option_t  ngx_av_db_conf_addresses[] = {
    { "host", NULL },
    { "hostaddr", NULL },
    { "port", NULL },
    { NULL, NULL }
};


char *
ngx_av_db_conf_parse(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    ngx_str_t *conninfo)
{
    char              *text, *err, *rv;
    PQconninfoOption  *options;

    text = ngx_pnalloc(cf->temp_pool, conninfo->len + 1);
    if (text == NULL) {
        return ngx_av_db_conf_no_memory;
    }

    (void) ngx_cpystrn((u_char *) text, conninfo->data, conninfo->len + 1);

    err = NULL;
    options = PQconninfoParse(text, &err);

    ngx_explicit_memzero(text, conninfo->len);

    if (options == NULL) {

        /* libpq's message may quote the password */

        PQfreemem(err);

        return "it is neither a list of keyword=value pairs known to libpq "
               "nor a valid postgresql:// URI";
    }

    conf->conninfo = *conninfo;

    rv = ngx_av_db_conf_read(cf, conf, options);

    PQconninfoFree(options);

    return rv;
}


char *
ngx_av_db_conf_finish(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    ngx_resolver_t *resolver, ngx_msec_t resolver_timeout)
{
    char              *rv;
    ngx_uint_t         i;
    ngx_av_db_host_t  *host;

    if (conf->connect_timeout == 0
        || conf->connect_timeout == NGX_CONF_UNSET_MSEC)
    {
        conf->connect_timeout = NGX_AV_DB_CONNECT_TIMEOUT;
    }

    /* http{} without the directive has a resolver that knows no servers */

    if (resolver && resolver->connections.nelts) {
        conf->resolver = resolver;
        conf->resolver_timeout = resolver_timeout;
    }

    host = conf->hosts->elts;

    for (i = 0; i < conf->hosts->nelts; i++) {

        if (!host[i].resolve) {
            continue;
        }

        if (conf->resolver
            && ngx_strcasecmp(host[i].name.data, (u_char *) "localhost") != 0)
        {
            continue;
        }

        rv = ngx_av_db_conf_resolve(cf, &host[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_av_db_conf_read(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    PQconninfoOption *options)
{
    char  *rv;

    rv = ngx_av_db_conf_required(options);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_av_db_conf_options(cf, conf, options);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_av_db_conf_timeout(conf, options);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_av_db_conf_hosts(cf, conf, options);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_av_db_conf_try(cf, conf);
}


static char *
ngx_av_db_conf_required(PQconninfoOption *options)
{
    const char  *sslmode, *gssencmode;

    if (ngx_av_db_conf_value(options, "service")) {
        return "\"service\" is not supported";
    }

    if (ngx_av_db_conf_value(options, "user") == NULL) {
        return "\"user\" is missing: the name of the system's user that "
               "workers run as is not assumed";
    }

    gssencmode = ngx_av_db_conf_value(options, "gssencmode");

    if (gssencmode && ngx_strcmp(gssencmode, "require") == 0) {
        return "\"gssencmode=require\" is not supported";
    }

    sslmode = ngx_av_db_conf_value(options, "sslmode");

    if (sslmode && ngx_strncmp(sslmode, "verify-", 7) == 0
        && ngx_av_db_conf_value(options, "sslrootcert") == NULL)
    {
        return "\"sslrootcert\" is missing: \"sslmode\" asks for the "
               "verification of the server";
    }

    if (ngx_av_db_conf_value(options, "sslcert")
        && ngx_av_db_conf_value(options, "sslkey") == NULL)
    {
        return "\"sslkey\" is missing: there is an \"sslcert\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_av_db_conf_options(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    PQconninfoOption *options)
{
    ngx_array_t        keywords, values;
    PQconninfoOption  *o;

    if (ngx_array_init(&keywords, cf->pool, 32, sizeof(char *)) != NGX_OK
        || ngx_array_init(&values, cf->pool, 32, sizeof(char *)) != NGX_OK
        || ngx_av_db_conf_push_list(cf, &keywords, &values,
                                    ngx_av_db_conf_addresses, NULL)
           != NGX_OK)
    {
        return ngx_av_db_conf_no_memory;
    }

    for (o = options; o->keyword; o++) {

        /* the timer of a connecting is ours */

        if (o->val == NULL || o->val[0] == '\0'
            || ngx_strcmp(o->keyword, "connect_timeout") == 0
            || ngx_av_db_conf_is(ngx_av_db_conf_addresses, o->keyword)
            || ngx_av_db_conf_is(ngx_av_db_conf_fixed, o->keyword))
        {
            continue;
        }

        if (ngx_av_db_conf_push(cf, &keywords, &values, o->keyword, o->val)
            != NGX_OK)
        {
            return ngx_av_db_conf_no_memory;
        }
    }

    if (ngx_av_db_conf_push_list(cf, &keywords, &values,
                                 ngx_av_db_conf_defaults, options)
        != NGX_OK
        || ngx_av_db_conf_push_list(cf, &keywords, &values,
                                    ngx_av_db_conf_fixed, NULL)
           != NGX_OK
        || ngx_av_db_conf_push(cf, &keywords, &values, NULL, NULL) != NGX_OK)
    {
        return ngx_av_db_conf_no_memory;
    }

    conf->keywords = keywords.elts;
    conf->values = values.elts;

    return NGX_CONF_OK;
}


static char *
ngx_av_db_conf_timeout(ngx_av_db_conf_t *conf, PQconninfoOption *options)
{
    ngx_int_t    n;
    const char  *value;

    value = ngx_av_db_conf_value(options, "connect_timeout");

    if (value) {
        n = ngx_atoi((u_char *) value, ngx_strlen(value));
        if (n == NGX_ERROR || n > NGX_AV_DB_CONNECT_TIMEOUT_MAX) {
            return "\"connect_timeout\" is invalid";
        }

        conf->connect_timeout = n * 1000;
    }

    return NGX_CONF_OK;
}


/* Pairs hosts, addresses and ports as libpq does. */

static char *
ngx_av_db_conf_hosts(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    PQconninfoOption *options)
{
    char        *rv;
    ngx_str_t    name, addr, port;
    ngx_uint_t   i, n, nhosts, nports;
    const char  *hosts, *addrs, *ports;

    hosts = ngx_av_db_conf_value(options, "host");
    addrs = ngx_av_db_conf_value(options, "hostaddr");
    ports = ngx_av_db_conf_value(options, "port");

    nhosts = ngx_av_db_conf_count(hosts);
    nports = ngx_av_db_conf_count(ports);
    n = addrs ? ngx_av_db_conf_count(addrs) : nhosts;

    if (hosts && nhosts != n) {
        return "\"host\" and \"hostaddr\" have different numbers of elements";
    }

    if (nports != 1 && nports != n) {
        return "there are neither one nor as many ports as hosts";
    }

    conf->hosts = ngx_array_create(cf->pool, n, sizeof(ngx_av_db_host_t));
    if (conf->hosts == NULL) {
        return ngx_av_db_conf_no_memory;
    }

    for (i = 0; i < n; i++) {
        name = ngx_av_db_conf_element(hosts, i);
        addr = ngx_av_db_conf_element(addrs, i);
        port = ngx_av_db_conf_element(ports, (nports == 1) ? 0 : i);

        rv = ngx_av_db_conf_host(cf, conf, &name, &addr, &port);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_av_db_conf_host(ngx_conf_t *cf, ngx_av_db_conf_t *conf, ngx_str_t *name,
    ngx_str_t *addr, ngx_str_t *port)
{
    ngx_int_t          n;
    ngx_str_t         *text;
    ngx_addr_t         literal;
    ngx_av_db_host_t  *host;

    static ngx_str_t   default_host = ngx_string(DEFAULT_PGSOCKET_DIR);
    static ngx_str_t   default_port = ngx_string("5432");

    if (port->len == 0) {
        port = &default_port;
    }

    n = ngx_atoi(port->data, port->len);
    if (n < 1 || n > 65535) {
        return "a port is invalid";
    }

    if (name->len == 0) {
        name = addr->len ? addr : &default_host;
    }

    host = ngx_array_push(conf->hosts);
    if (host == NULL) {
        return ngx_av_db_conf_no_memory;
    }

    ngx_memzero(host, sizeof(ngx_av_db_host_t));

    /* terminated for ngx_strcasecmp() */

    host->name.len = name->len;
    host->name.data = ngx_pcalloc(cf->pool, name->len + 1);
    host->port.len = port->len;
    host->port.data = ngx_pstrdup(cf->pool, port);

    if (host->name.data == NULL || host->port.data == NULL) {
        return ngx_av_db_conf_no_memory;
    }

    ngx_memcpy(host->name.data, name->data, name->len);

    if (ngx_array_init(&host->addrs, cf->pool, 1, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return ngx_av_db_conf_no_memory;
    }

    if (addr->len == 0) {

        if (name->data[0] == '/' || name->data[0] == '@') {
            return NGX_CONF_OK;
        }

        if (ngx_parse_addr(cf->pool, &literal, host->name.data,
                           host->name.len)
            != NGX_OK)
        {
            host->resolve = 1;
            return NGX_CONF_OK;
        }

        addr = &host->name;
    }

    text = ngx_array_push(&host->addrs);
    if (text == NULL) {
        return ngx_av_db_conf_no_memory;
    }

    text->len = addr->len;
    text->data = ngx_pstrdup(cf->pool, addr);

    return text->data ? NGX_CONF_OK : ngx_av_db_conf_no_memory;
}


/*
 * Lets libpq judge the values of all options: it connects to a socket that
 * cannot exist, which fails at once, but only after the options are found
 * good.
 */

static char *
ngx_av_db_conf_try(ngx_conf_t *cf, ngx_av_db_conf_t *conf)
{
    char       *rv;
    size_t      len;
    PGconn     *pg;
    ngx_str_t   message;

    conf->values[NGX_AV_DB_KEYWORD_HOST] = NGX_AV_DB_NO_FILE;
    conf->values[NGX_AV_DB_KEYWORD_HOSTADDR] = NULL;
    conf->values[NGX_AV_DB_KEYWORD_PORT] = "5432";

    pg = PQconnectStartParams(conf->keywords, conf->values, 0);
    if (pg == NULL) {
        return ngx_av_db_conf_no_memory;
    }

    rv = PQerrorMessage(pg);

    if (ngx_strstr(rv, NGX_AV_DB_NO_FILE)) {
        rv = NGX_CONF_OK;

    } else {
        len = ngx_strlen(rv);

        while (len && rv[len - 1] == '\n') {
            len--;
        }

        message.len = len;
        message.data = (u_char *) rv;

        rv = ngx_pcalloc(cf->pool, len + 1);

        if (rv) {
            ngx_memcpy(rv, message.data, message.len);

        } else {
            rv = ngx_av_db_conf_no_memory;
        }
    }

    PQfinish(pg);

    return rv;
}


static char *
ngx_av_db_conf_resolve(ngx_conf_t *cf, ngx_av_db_host_t *host)
{
    u_char      *message;
    size_t       len;
    ngx_str_t   *addr;
    ngx_url_t    u;
    ngx_uint_t   i;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.host = host->name;
    u.port = (in_port_t) ngx_atoi(host->port.data, host->port.len);

    if (ngx_inet_resolve_host(cf->pool, &u) != NGX_OK) {

        if (u.err == NULL) {
            return ngx_av_db_conf_no_memory;
        }

        len = ngx_strlen(u.err) + sizeof(": \"\"") + host->name.len;

        message = ngx_pnalloc(cf->pool, len);
        if (message == NULL) {
            return ngx_av_db_conf_no_memory;
        }

        (void) ngx_sprintf(message, "%s: \"%V\"%Z", u.err, &host->name);

        return (char *) message;
    }

    for (i = 0; i < u.naddrs; i++) {
        addr = ngx_array_push(&host->addrs);
        if (addr == NULL) {
            return ngx_av_db_conf_no_memory;
        }

        if (ngx_av_db_lookup_text(cf->pool, u.addrs[i].sockaddr,
                                  u.addrs[i].socklen, addr)
            != NGX_OK)
        {
            return ngx_av_db_conf_no_memory;
        }
    }

    host->resolve = 0;

    return NGX_CONF_OK;
}


/* NULL if it is absent or empty, which is the same to libpq. */

static const char *
ngx_av_db_conf_value(PQconninfoOption *options, const char *keyword)
{
    PQconninfoOption  *o;

    for (o = options; o->keyword; o++) {
        if (ngx_strcmp(o->keyword, keyword) == 0) {
            return (o->val && o->val[0]) ? o->val : NULL;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_av_db_conf_is(const ngx_av_db_option_t *list, const char *keyword)
{
    for ( /* void */ ; list->keyword; list++) {
        if (ngx_strcmp(list->keyword, keyword) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Leaves out what the connection string has, if its options are given. */

static ngx_int_t
ngx_av_db_conf_push_list(ngx_conf_t *cf, ngx_array_t *keywords,
    ngx_array_t *values, const ngx_av_db_option_t *list,
    PQconninfoOption *options)
{
    for ( /* void */ ; list->keyword; list++) {

        if (options && ngx_av_db_conf_value(options, list->keyword)) {
            continue;
        }

        if (ngx_av_db_conf_push(cf, keywords, values, list->keyword,
                                list->value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Copies both, as they may be the connection string's. */

static ngx_int_t
ngx_av_db_conf_push(ngx_conf_t *cf, ngx_array_t *keywords,
    ngx_array_t *values, const char *keyword, const char *value)
{
    size_t        len;
    ngx_uint_t    i;
    const char  **slot[2], *text[2];

    text[0] = keyword;
    text[1] = value;

    slot[0] = ngx_array_push(keywords);
    slot[1] = ngx_array_push(values);

    for (i = 0; i < 2; i++) {

        if (slot[i] == NULL) {
            return NGX_ERROR;
        }

        *slot[i] = NULL;

        if (text[i] == NULL) {
            continue;
        }

        len = ngx_strlen(text[i]) + 1;

        *slot[i] = ngx_pnalloc(cf->pool, len);
        if (*slot[i] == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy((char *) *slot[i], text[i], len);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_av_db_conf_count(const char *list)
{
    ngx_uint_t  n;

    n = 1;

    while (list && *list) {
        n += (*list++ == ',');
    }

    return n;
}


/* Empty if there is no list. */

static ngx_str_t
ngx_av_db_conf_element(const char *list, ngx_uint_t n)
{
    ngx_str_t  element;

    ngx_str_null(&element);

    if (list == NULL) {
        return element;
    }

    while (n) {
        n -= (*list++ == ',');
    }

    element.data = (u_char *) list;
    element.len = strcspn(list, ",");

    return element;
}
