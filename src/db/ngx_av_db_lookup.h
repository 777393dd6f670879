/*
 * The servers of a connection string and their addresses; private to src/db.
 * libpq only ever gets addresses, or it would ask the DNS itself and block.
 */

#ifndef _NGX_AV_DB_LOOKUP_H_INCLUDED_
#define _NGX_AV_DB_LOOKUP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <libpq-fe.h>

#include "ngx_av_db.h"


/* conf->values[] of these are set by ngx_av_db_lookup_connect() */
#define NGX_AV_DB_KEYWORD_HOST      0
#define NGX_AV_DB_KEYWORD_HOSTADDR  1
#define NGX_AV_DB_KEYWORD_PORT      2
#define NGX_AV_DB_KEYWORDS          3


/* An element of conf->hosts. */

typedef struct {
    ngx_str_t             name;         /* or the directory of a socket */
    ngx_str_t             port;
    ngx_array_t           addrs;        /* of ngx_str_t; empty: a socket */
    unsigned              resolve:1;    /* at each connecting */
} ngx_av_db_host_t;


typedef struct ngx_av_db_lookup_s  ngx_av_db_lookup_t;

typedef void (*ngx_av_db_lookup_pt)(ngx_av_db_lookup_t *lookup);

/* Zeroed before the first ngx_av_db_lookup_start(). */

struct ngx_av_db_lookup_s {
    ngx_av_db_conf_t     *conf;
    ngx_log_t            *log;
    ngx_av_db_lookup_pt   handler;
    void                 *data;

    ngx_pool_t           *pool;         /* from start() to end() */
    ngx_array_t           endpoints;
    ngx_uint_t            host;         /* being looked up */
    ngx_resolver_ctx_t   *ctx;
    ngx_str_t             unresolved;   /* the last name that failed, */
    ngx_int_t             state;        /* and how */
};


/*
 * Finds the addresses of every host and calls the handler, perhaps at once.
 * NGX_ERROR without memory, and the handler is not called.
 */
ngx_int_t ngx_av_db_lookup_start(ngx_av_db_lookup_t *lookup);

/* At least one address was found. */
ngx_uint_t ngx_av_db_lookup_found(ngx_av_db_lookup_t *lookup);

/*
 * PQconnectStartParams() with all addresses, starting with the given one
 * (modulo their number).  NULL without memory.
 */
PGconn *ngx_av_db_lookup_connect(ngx_av_db_lookup_t *lookup,
    ngx_uint_t first);

/* Gives up or cleans up; may be called at any time, and twice. */
void ngx_av_db_lookup_end(ngx_av_db_lookup_t *lookup);

/* The text of a socket address as "hostaddr" takes it. */
ngx_int_t ngx_av_db_lookup_text(ngx_pool_t *pool, struct sockaddr *sockaddr,
    socklen_t socklen, ngx_str_t *text);


#endif /* _NGX_AV_DB_LOOKUP_H_INCLUDED_ */
