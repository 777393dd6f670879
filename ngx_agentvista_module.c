#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_access.h"
#include "ngx_av_api.h"
#include "ngx_av_cors.h"
#include "ngx_av_db.h"
#include "ngx_av_http.h"
#include "ngx_av_ingest.h"
#include "ngx_av_partitions.h"
#include "ngx_av_quota.h"
#include "ngx_av_stream.h"
#include "ngx_av_watch.h"
#include "ngx_av_writer.h"
#include "ngx_av_zone.h"


/* what the configuration file of a connection string may have */
#define NGX_AGENTVISTA_MAX_CONNINFO  4096

/* caches of keys: not worth a directive */
#define NGX_AGENTVISTA_KEY_TTL       300000
#define NGX_AGENTVISTA_UNHEARD_TTL   5000
#define NGX_AGENTVISTA_UNKNOWN_TTL   10000


typedef struct {
    ngx_av_db_conf_t      *db;
    ngx_shm_zone_t        *zone;
    ngx_uint_t             writers;
    ngx_uint_t             readers;
    ngx_uint_t             reader_queue;
    ngx_msec_t             connect_timeout;
    ngx_msec_t             statement_timeout;
    ngx_uint_t             used;            /* by a location */

    ngx_av_auth_conf_t     auth;
    ngx_av_ingest_conf_t   ingest;
} ngx_agentvista_main_conf_t;


static void *ngx_agentvista_create_main_conf(ngx_conf_t *cf);
static char *ngx_agentvista_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_agentvista_create_loc_conf(ngx_conf_t *cf);
static char *ngx_agentvista_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_agentvista_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_agentvista_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_agentvista_init_process(ngx_cycle_t *cycle);
static void ngx_agentvista_exit_process(ngx_cycle_t *cycle);

static char *ngx_agentvista_database(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_agentvista_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_agentvista_prices(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_agentvista_days(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_agentvista_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_agentvista_access(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_agentvista_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_agentvista_cors(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_conf_num_bounds_t  ngx_agentvista_pool_bounds = {
    ngx_conf_check_num_bounds, 1, 64
};

static ngx_conf_num_bounds_t  ngx_agentvista_depth_bounds = {
    ngx_conf_check_num_bounds, 1, 512
};


static ngx_command_t  ngx_agentvista_commands[] = {

    { ngx_string("agentvista_database"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_agentvista_database,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("agentvista_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_agentvista_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("agentvista_writers"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, writers),
      &ngx_agentvista_pool_bounds },

    { ngx_string("agentvista_readers"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, readers),
      &ngx_agentvista_pool_bounds },

    { ngx_string("agentvista_reader_queue"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, reader_queue),
      NULL },

    { ngx_string("agentvista_connect_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, connect_timeout),
      NULL },

    { ngx_string("agentvista_statement_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, statement_timeout),
      NULL },

    { ngx_string("agentvista_queue_memory"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, ingest)
      + offsetof(ngx_av_ingest_conf_t, queue_memory),
      NULL },

    { ngx_string("agentvista_prices"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_agentvista_prices,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, ingest)
      + offsetof(ngx_av_ingest_conf_t, prices),
      NULL },

    { ngx_string("agentvista_retention"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_agentvista_days,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, ingest)
      + offsetof(ngx_av_ingest_conf_t, retention_days),
      NULL },

    { ngx_string("agentvista_ahead"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_agentvista_days,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_agentvista_main_conf_t, ingest)
      + offsetof(ngx_av_ingest_conf_t, ahead_days),
      NULL },

    { ngx_string("agentvista"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_agentvista_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("agentvista_access"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_agentvista_access,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("agentvista_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_agentvista_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("agentvista_cors"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_agentvista_cors,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("agentvista_body_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_av_http_loc_conf_t, body_limit),
      NULL },

    { ngx_string("agentvista_inflated_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_av_http_loc_conf_t, inflated_limit),
      NULL },

    { ngx_string("agentvista_attribute_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_av_http_loc_conf_t, attribute_limit),
      NULL },

    { ngx_string("agentvista_span_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_av_http_loc_conf_t, span_limit),
      NULL },

    { ngx_string("agentvista_depth"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_av_http_loc_conf_t, depth),
      &ngx_agentvista_depth_bounds },

    { ngx_string("agentvista_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_av_http_loc_conf_t, timeout),
      NULL },

    { ngx_string("agentvista_stream_heartbeat"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_av_http_loc_conf_t, stream_heartbeat),
      NULL },

    { ngx_string("agentvista_stream_buffer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_av_http_loc_conf_t, stream_buffer),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_agentvista_module_ctx = {
    ngx_agentvista_preconfiguration,       /* preconfiguration */
    ngx_agentvista_postconfiguration,      /* postconfiguration */

    ngx_agentvista_create_main_conf,       /* create main configuration */
    ngx_agentvista_init_main_conf,         /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_agentvista_create_loc_conf,        /* create location configuration */
    ngx_agentvista_merge_loc_conf          /* merge location configuration */
};


ngx_module_t  ngx_agentvista_module = {
    NGX_MODULE_V1,
    &ngx_agentvista_module_ctx,            /* module context */
    ngx_agentvista_commands,               /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_agentvista_init_process,           /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_agentvista_exit_process,           /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static const struct {
    ngx_str_t            name;
    ngx_http_handler_pt  handler;
} ngx_agentvista_statuses[] = {
    { ngx_string("healthz"), ngx_av_status_healthz },
    { ngx_string("readyz"), ngx_av_status_readyz },
    { ngx_string("metrics"), ngx_av_status_metrics }
};


static ngx_av_db_pool_t  *ngx_agentvista_readers;


static void *
ngx_agentvista_create_main_conf(ngx_conf_t *cf)
{
    ngx_agentvista_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_agentvista_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->writers = NGX_CONF_UNSET_UINT;
    mcf->readers = NGX_CONF_UNSET_UINT;
    mcf->reader_queue = NGX_CONF_UNSET_UINT;
    mcf->connect_timeout = NGX_CONF_UNSET_MSEC;
    mcf->statement_timeout = NGX_CONF_UNSET_MSEC;

    mcf->ingest.queue_memory = NGX_CONF_UNSET_SIZE;
    mcf->ingest.retention_days = NGX_CONF_UNSET_UINT;
    mcf->ingest.ahead_days = NGX_CONF_UNSET_UINT;

    mcf->auth.key_ttl = NGX_AGENTVISTA_KEY_TTL;
    mcf->auth.unheard_ttl = NGX_AGENTVISTA_UNHEARD_TTL;
    mcf->auth.unknown_ttl = NGX_AGENTVISTA_UNKNOWN_TTL;

    return mcf;
}


static char *
ngx_agentvista_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_agentvista_main_conf_t  *mcf = conf;

    ngx_conf_init_uint_value(mcf->writers, 2);
    ngx_conf_init_uint_value(mcf->readers, 4);
    ngx_conf_init_uint_value(mcf->reader_queue, 1024);
    ngx_conf_init_msec_value(mcf->connect_timeout, 5000);
    ngx_conf_init_msec_value(mcf->statement_timeout, 10000);

    ngx_conf_init_size_value(mcf->ingest.queue_memory, 512 * 1024 * 1024);
    ngx_conf_init_uint_value(mcf->ingest.retention_days, 30);
    ngx_conf_init_uint_value(mcf->ingest.ahead_days, 1);

    return NGX_CONF_OK;
}


static void *
ngx_agentvista_create_loc_conf(ngx_conf_t *cf)
{
    ngx_av_http_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_av_http_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->scopes = NGX_CONF_UNSET_UINT;
    lcf->body_limit = NGX_CONF_UNSET_SIZE;
    lcf->inflated_limit = NGX_CONF_UNSET_SIZE;
    lcf->attribute_limit = NGX_CONF_UNSET_SIZE;
    lcf->span_limit = NGX_CONF_UNSET_SIZE;
    lcf->depth = NGX_CONF_UNSET_UINT;
    lcf->timeout = NGX_CONF_UNSET_MSEC;
    lcf->cors = NGX_CONF_UNSET_PTR;
    lcf->stream_heartbeat = NGX_CONF_UNSET_MSEC;
    lcf->stream_buffer = NGX_CONF_UNSET_SIZE;

    return lcf;
}


static char *
ngx_agentvista_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_av_http_loc_conf_t      *prev = parent;
    ngx_av_http_loc_conf_t      *conf = child;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_agentvista_main_conf_t  *mcf;

    ngx_conf_merge_uint_value(conf->scopes, prev->scopes, 0);
    ngx_conf_merge_size_value(conf->body_limit, prev->body_limit,
                              NGX_CONF_UNSET_SIZE);
    ngx_conf_merge_size_value(conf->inflated_limit, prev->inflated_limit,
                              NGX_CONF_UNSET_SIZE);
    ngx_conf_merge_size_value(conf->attribute_limit, prev->attribute_limit,
                              1024 * 1024);
    ngx_conf_merge_size_value(conf->span_limit, prev->span_limit,
                              4 * 1024 * 1024);
    ngx_conf_merge_uint_value(conf->depth, prev->depth, 64);
    ngx_conf_merge_msec_value(conf->timeout, prev->timeout, 30000);
    ngx_conf_merge_ptr_value(conf->cors, prev->cors, NULL);
    ngx_conf_merge_msec_value(conf->stream_heartbeat, prev->stream_heartbeat,
                              15000);
    ngx_conf_merge_size_value(conf->stream_buffer, prev->stream_buffer,
                              256 * 1024);

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_agentvista_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->scopes) {
        mcf->used = 1;
    }

    /* "if" and "limit_except" are locations of their own */

    if (prev->api && clcf->noname && clcf->handler == NULL) {
        conf->api = 1;
        conf->route = prev->route;
        conf->style = prev->style;

        if (clcf->lmt_excpt) {
            clcf->handler = ngx_av_api_handler;
        }
    }

    if (!conf->api) {
        return NGX_CONF_OK;
    }

    if (conf->body_limit == 0) {
        return "has an agentvista_body_limit of 0, which would be none";
    }

    if (conf->stream_heartbeat < 100) {
        return "has an agentvista_stream_heartbeat under 100ms";
    }

    if (conf->attribute_limit < 64 || conf->span_limit < 1024) {
        return "has a limit that is too small: agentvista_attribute_limit"
               " must be at least 64 and agentvista_span_limit at least 1024"
               " bytes";
    }

    if (conf->body_limit != NGX_CONF_UNSET_SIZE
        && conf->body_limit > mcf->ingest.queue_memory / NGX_AV_INGEST_FACTOR)
    {
        return "has an agentvista_body_limit over a sixth of"
               " agentvista_queue_memory: such a body could never be taken";
    }

    /*
     * nginx's own check makes a page of 413 before the body is read; a batch
     * is read into memory, as it is decoded there.
     */

    if (conf->body_limit != NGX_CONF_UNSET_SIZE) {
        clcf->client_max_body_size = conf->body_limit;

    } else {
        clcf->client_max_body_size = ngx_min(NGX_AV_INGEST_MAX_BODY,
                                             mcf->ingest.queue_memory
                                             / NGX_AV_INGEST_FACTOR);
    }

    clcf->client_body_buffer_size = ngx_max(clcf->client_body_buffer_size,
                                            256 * 1024);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_agentvista_preconfiguration(ngx_conf_t *cf)
{
    return ngx_av_access_add_variables(cf);
}


static ngx_int_t
ngx_agentvista_postconfiguration(ngx_conf_t *cf)
{
    char                        *err;
    ngx_http_handler_pt         *h;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_core_main_conf_t   *cmcf;
    ngx_agentvista_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_agentvista_module);

    if (!mcf->used) {
        return NGX_OK;
    }

    if (mcf->db == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"agentvista_database\" is missing in \"http\"");
        return NGX_ERROR;
    }

    if (mcf->zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"agentvista_zone\" is missing in \"http\"");
        return NGX_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    mcf->db->connect_timeout = mcf->connect_timeout;

    err = ngx_av_db_conf_finish(cf, mcf->db,
                                clcf->resolver != NULL
                                && clcf->resolver->connections.nelts
                                ? clcf->resolver : NULL,
                                clcf->resolver_timeout);
    if (err != NGX_CONF_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"agentvista_database\" %s", err);
        return NGX_ERROR;
    }

    if (ngx_av_ingest_init_conf(cf, &mcf->ingest) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_av_access_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_av_api_log_handler;

    if (ngx_av_cors_init_filter(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_http_init_filters(cf);
}


static ngx_agentvista_main_conf_t *
ngx_agentvista_used_conf(ngx_cycle_t *cycle)
{
    ngx_agentvista_main_conf_t  *mcf;

    if ((ngx_process != NGX_PROCESS_WORKER
         && ngx_process != NGX_PROCESS_SINGLE)
        || ngx_get_conf(cycle->conf_ctx, ngx_http_module) == NULL)
    {
        return NULL;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_agentvista_module);

    return (mcf != NULL && mcf->used) ? mcf : NULL;
}


/* The statements of all rooms that read. */

static ngx_int_t
ngx_agentvista_start_readers(ngx_cycle_t *cycle,
    ngx_agentvista_main_conf_t *mcf)
{
    ngx_uint_t                    i, n;
    ngx_av_db_pool_conf_t         conf;
    ngx_av_db_statement_t        *st;
    const ngx_av_db_statement_t  *queries;

    queries = ngx_av_api_statements(cycle->pool, &n);
    if (queries == NULL) {
        return NGX_ERROR;
    }

    st = ngx_palloc(cycle->pool, (5 + NGX_AV_STREAM_NSTATEMENTS + n)
                                 * sizeof(ngx_av_db_statement_t));
    if (st == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&conf, sizeof(ngx_av_db_pool_conf_t));

    conf.statements = st;

    *st++ = ngx_av_key_statement;
    *st++ = ngx_av_quota_statement;
    *st++ = ngx_av_ingest_count_statement;
    *st++ = ngx_av_partitions_statement;
    *st++ = ngx_av_watch_statement;

    for (i = 0; i < NGX_AV_STREAM_NSTATEMENTS; i++) {
        *st++ = ngx_av_stream_statements[i];
    }

    for (i = 0; i < n; i++) {
        *st++ = queries[i];
    }

    conf.name = "reader";
    conf.connections = mcf->readers;
    conf.queue = mcf->reader_queue;
    conf.statement_timeout = mcf->statement_timeout;
    conf.nstatements = st - conf.statements;

    ngx_agentvista_readers = ngx_av_db_pool_start(cycle, mcf->db, &conf);

    return ngx_agentvista_readers != NULL ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_agentvista_init_process(ngx_cycle_t *cycle)
{
    ngx_agentvista_main_conf_t  *mcf;

    mcf = ngx_agentvista_used_conf(cycle);
    if (mcf == NULL) {
        return NGX_OK;
    }

    if (ngx_av_zone_attach(cycle, mcf->zone) != NGX_OK
        || ngx_agentvista_start_readers(cycle, mcf) != NGX_OK
        || ngx_av_writer_init_process(cycle, mcf->db, mcf->writers,
                                      mcf->statement_timeout)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_auth_init_process(cycle, &mcf->auth, mcf->db,
                                 ngx_agentvista_readers)
        != NGX_OK
        || ngx_av_ingest_init_process(cycle, &mcf->ingest,
                                      ngx_agentvista_readers)
           != NGX_OK
        || ngx_av_api_init_process(cycle, mcf->db, ngx_agentvista_readers)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_partitions_init_process(cycle, ngx_agentvista_readers,
                                          mcf->ingest.retention_days,
                                          mcf->ingest.ahead_days);
}


static void
ngx_agentvista_exit_process(ngx_cycle_t *cycle)
{
    if (ngx_agentvista_used_conf(cycle) == NULL) {
        return;
    }

    ngx_av_api_exit_process();
    ngx_av_auth_exit_process(cycle);
    ngx_av_writer_exit_process();

    if (ngx_agentvista_readers != NULL) {
        ngx_av_db_pool_stop(ngx_agentvista_readers);
    }

    ngx_av_zone_detach();
}


/* "env=NAME" and "file=PATH" keep the password out of the configuration. */

static char *
ngx_agentvista_conninfo(ngx_conf_t *cf, ngx_str_t *value, ngx_str_t *conninfo)
{
    char         *env;
    u_char       *buf;
    ssize_t       n;
    ngx_file_t    file;

    if (ngx_strncmp(value->data, "env=", 4) == 0) {
        env = getenv((char *) &value->data[4]);
        if (env == NULL) {
            return "names an environment variable that is not set";
        }

        conninfo->data = (u_char *) env;
        conninfo->len = ngx_strlen(env);
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "file=", 5) != 0) {
        *conninfo = *value;
        return NGX_CONF_OK;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name.data = value->data + 5;
    file.name.len = value->len - 5;
    file.log = cf->log;

    if (ngx_conf_full_name(cf->cycle, &file.name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    file.fd = ngx_open_file(file.name.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &file.name);
        return NGX_CONF_ERROR;
    }

    n = NGX_ERROR;

    buf = ngx_pnalloc(cf->pool, NGX_AGENTVISTA_MAX_CONNINFO + 1);
    if (buf != NULL) {
        n = ngx_read_file(&file, buf, NGX_AGENTVISTA_MAX_CONNINFO, 0);
    }

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", &file.name);
    }

    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'
                     || buf[n - 1] == ' '))
    {
        n--;
    }

    buf[n] = '\0';
    conninfo->data = buf;
    conninfo->len = n;

    return NGX_CONF_OK;
}


static char *
ngx_agentvista_database(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_agentvista_main_conf_t  *mcf = conf;

    char       *err;
    ngx_str_t  *value, conninfo;

    if (mcf->db != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    err = ngx_agentvista_conninfo(cf, &value[1], &conninfo);
    if (err != NGX_CONF_OK) {
        return err;
    }

    mcf->db = ngx_pcalloc(cf->pool, sizeof(ngx_av_db_conf_t));
    if (mcf->db == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_av_db_conf_parse(cf, mcf->db, &conninfo);
}


static char *
ngx_agentvista_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_agentvista_main_conf_t  *mcf = conf;

    ssize_t           size;
    ngx_str_t        *value;
    static ngx_str_t  name = ngx_string("agentvista");

    if (mcf->zone != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;
    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR) {
        return "has an invalid size";
    }

    if (size < NGX_AV_ZONE_MIN_SIZE) {
        return "is too small: 1m is the least";
    }

    mcf->zone = ngx_shared_memory_add(cf, &name, size, &ngx_agentvista_module);
    if (mcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    mcf->zone->init = ngx_av_zone_init;

    return NGX_CONF_OK;
}


/* Whole days, by nginx's syntax of times: "30d", "4w". */

static char *
ngx_agentvista_prices(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t               *value, path;
    const ngx_av_prices_t  **prices;
    ngx_av_prices_error_t    error;

    prices = (const ngx_av_prices_t **) (p + cmd->offset);

    if (*prices != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;
    path = value[1];

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_av_prices_load(cf->pool, &path, prices, &error) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, error.err, "%V: %V", &path,
                           &error.text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_agentvista_days(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    time_t       seconds;
    ngx_str_t   *value;
    ngx_uint_t  *days;

    days = (ngx_uint_t *) (p + cmd->offset);

    if (*days != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    seconds = ngx_parse_time(&value[1], 1);

    if (seconds == (time_t) NGX_ERROR || seconds % 86400 != 0
        || seconds < 86400 || seconds > 3660 * 86400LL)
    {
        return "must be whole days, from 1d to 3660d";
    }

    *days = seconds / 86400;

    return NGX_CONF_OK;
}


static char *
ngx_agentvista_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_av_http_loc_conf_t  *lcf = conf;

    ngx_av_http_loc_conf_t      *server;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_core_srv_conf_t    *cscf;
    ngx_agentvista_main_conf_t  *mcf;

    if (lcf->api) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_av_api_handler;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_agentvista_module);
    mcf->used = 1;

    lcf->api = 1;
    lcf->route = ngx_av_api_route;
    lcf->style = ngx_av_api_style;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    server = cscf->ctx->loc_conf[ngx_agentvista_module.ctx_index];
    server->style = lcf->style;

    return NGX_CONF_OK;
}


static char *
ngx_agentvista_access(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_av_http_loc_conf_t  *lcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (lcf->scopes != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    lcf->scopes = 0;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "read") == 0) {
            lcf->scopes |= NGX_AV_SCOPE_READ;

        } else if (ngx_strcmp(value[i].data, "write") == 0) {
            lcf->scopes |= NGX_AV_SCOPE_WRITE;

        } else if (ngx_strcmp(value[i].data, "off") != 0
                   || cf->args->nelts != 2)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid scope \"%V\": \"read\", \"write\","
                               " both, or \"off\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_agentvista_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_av_http_loc_conf_t  *lcf = conf;

    if (lcf->cors != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    return ngx_av_cors_parse(cf, &lcf->cors);
}


static char *
ngx_agentvista_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                   *value;
    ngx_uint_t                   i, n;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_agentvista_main_conf_t  *mcf;

    value = cf->args->elts;
    n = sizeof(ngx_agentvista_statuses) / sizeof(ngx_agentvista_statuses[0]);

    for (i = 0; i < n; i++) {

        if (ngx_strcmp(value[1].data, ngx_agentvista_statuses[i].name.data)
            == 0)
        {
            clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
            clcf->handler = ngx_agentvista_statuses[i].handler;

            mcf = ngx_http_conf_get_module_main_conf(cf,
                                                     ngx_agentvista_module);
            mcf->used = 1;

            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": \"healthz\", \"readyz\" or"
                       " \"metrics\"", &value[1]);
    return NGX_CONF_ERROR;
}
