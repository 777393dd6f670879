/*
 * Postgres on nginx's event loop: pools of libpq connections in pipeline mode,
 * with prepared statements and binary parameters and results.  Nothing here
 * blocks, and nothing outside src/db sees libpq.
 *
 * The unit of work is an operation: a few statements between two syncs, hence
 * one transaction that commits or fails as a whole.
 */

#ifndef _NGX_AV_DB_H_INCLUDED_
#define _NGX_AV_DB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_av_db_array.h"


typedef struct ngx_av_db_conf_s    ngx_av_db_conf_t;
typedef struct ngx_av_db_pool_s    ngx_av_db_pool_t;
typedef struct ngx_av_db_op_s      ngx_av_db_op_t;
typedef struct ngx_av_db_result_s  ngx_av_db_result_t;


/* How an operation ended. */

typedef enum {
    NGX_AV_DB_OK = 0,       /* committed */
    NGX_AV_DB_FAILED,       /* rolled back by Postgres: sqlstate, message */
    NGX_AV_DB_LOST,         /* the connection broke, or no answer came in
                               time, after sending: it may have committed */
    NGX_AV_DB_TIMEOUT,      /* the deadline came while it was queued */
    NGX_AV_DB_BUSY,         /* the queue was full: never sent */
    NGX_AV_DB_CLOSED        /* the worker is ending: never sent */
} ngx_av_db_status_e;


typedef struct {
    const char          *name;      /* unique in its pool */
    const char          *text;      /* SQL; built before the workers start */
    const uint32_t      *types;     /* parameters' type oids */
    ngx_uint_t           nparams;
} ngx_av_db_statement_t;


typedef struct {
    const ngx_av_db_statement_t  *statement;

    /* one element a parameter, in binary format; a null value is NULL */
    const char * const           *values;
    const int                    *lengths;
} ngx_av_db_call_t;


/*
 * The answer to the call of that index, given when it has arrived whole; it
 * does not outlive the handler.  Rows seen here are not committed yet.
 */
typedef void (*ngx_av_db_result_pt)(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);

/*
 * Called exactly once, never from within ngx_av_db_submit(); the operation is
 * its owner's again and may be submitted anew or freed.
 */
typedef void (*ngx_av_db_done_pt)(ngx_av_db_op_t *op);


struct ngx_av_db_op_s {
    /* filled in by the owner; all memory is the owner's until done() */
    ngx_av_db_call_t      *calls;
    ngx_uint_t             ncalls;
    ngx_av_db_result_pt    result;      /* may be NULL */
    ngx_av_db_done_pt      done;
    void                  *data;
    ngx_msec_t             timeout;     /* queueing and execution, but once
                                           sent at least statement_timeout and
                                           a second; not 0 */
    ngx_log_t             *log;         /* outlives the operation, too */
    ngx_uint_t             background;  /* nobody waits for it, so a worker that
                                           quits does not: unsigned
                                           background:1 */

    /* valid in done() */
    ngx_av_db_status_e     status;
    char                   sqlstate[6]; /* FAILED */
    ngx_uint_t             failed_call; /* FAILED: which one; ncalls if it was
                                           the commit */

    /* src/db's own */
    ngx_av_db_pool_t      *pool;
    ngx_queue_t            queue;
    ngx_event_t            deadline;
    ngx_uint_t             call;        /* whose result comes next */
    unsigned               active:1;    /* submitted and not done */
};


typedef struct {
    const char                   *name;         /* for logs and metrics */
    ngx_uint_t                    connections;
    ngx_uint_t                    queue;        /* operations that may wait */
    ngx_msec_t                    statement_timeout;
    const char                   *settings;     /* SQL that a session starts
                                                   with, or NULL */
    const ngx_av_db_statement_t  *statements;   /* prepared on connecting */
    ngx_uint_t                    nstatements;

    /*
     * A connection has become idle and nothing is queued: the owner may
     * submit.  May be NULL.
     */
    void                        (*idle)(ngx_av_db_pool_t *pool, void *data);
    void                         *data;
} ngx_av_db_pool_conf_t;


/*
 * Configuration.  Checks a connection string, resolves nothing yet; the
 * message of an error never holds the string.  NGX_CONF_OK or the message.
 * Host names are resolved by the resolver, if http{} has one, at each
 * connecting, else once while the configuration is read.  parse() sets
 * connect_timeout if the string has it, finish() if it is still 0 or unset.
 */
char *ngx_av_db_conf_parse(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    ngx_str_t *conninfo);
char *ngx_av_db_conf_finish(ngx_conf_t *cf, ngx_av_db_conf_t *conf,
    ngx_resolver_t *resolver, ngx_msec_t resolver_timeout);

struct ngx_av_db_conf_s {
    ngx_str_t          conninfo;        /* as given; for comparing only */
    ngx_array_t       *hosts;           /* of what src/db keeps of a host */
    const char       **keywords;        /* of libpq, NULL-terminated */
    const char       **values;
    ngx_msec_t         connect_timeout;
    ngx_resolver_t    *resolver;        /* NULL: addresses are fixed */
    ngx_msec_t         resolver_timeout;

    unsigned           failing:1;       /* in this worker, and logged */
};


/* What agentvista.health() must say. */
#define NGX_AV_DB_SCHEMA_VERSION  11


/*
 * Starts a pool in this worker: connects at once and keeps its connections,
 * coming back after losses with exponential back-off and jitter.  A
 * connection serves only after it has set its session, prepared the
 * statements and seen a schema version that it knows.  The pool lives as long
 * as the cycle.  NULL without memory.
 */
ngx_av_db_pool_t *ngx_av_db_pool_start(ngx_cycle_t *cycle,
    ngx_av_db_conf_t *conf, const ngx_av_db_pool_conf_t *pool_conf);

/* exit_process: closes every connection; operations end as CLOSED or LOST. */
void ngx_av_db_pool_stop(ngx_av_db_pool_t *pool);

/*
 * Sends the operation on an idle connection or queues it, and arms its
 * deadline (not cancelable unless it is in the background: a quitting worker
 * waits for it).  The outcome is only ever told by op->done, later.
 */
void ngx_av_db_submit(ngx_av_db_pool_t *pool, ngx_av_db_op_t *op);

/* Connections that are ready and have nothing in flight. */
ngx_uint_t ngx_av_db_pool_idle(ngx_av_db_pool_t *pool);

/* Connections that are ready, busy or idle. */
ngx_uint_t ngx_av_db_pool_ready(ngx_av_db_pool_t *pool);

/* Operations waiting for a connection. */
ngx_uint_t ngx_av_db_pool_queued(ngx_av_db_pool_t *pool);

/*
 * Why the pool has no ready connection, for /readyz: text without secrets,
 * empty if it has one.
 */
ngx_str_t ngx_av_db_pool_trouble(ngx_av_db_pool_t *pool);

/* Results: binary values, borrowed from the result. */

ngx_uint_t ngx_av_db_nrows(const ngx_av_db_result_t *res);

ngx_uint_t ngx_av_db_ncolumns(const ngx_av_db_result_t *res);
const char *ngx_av_db_column_name(const ngx_av_db_result_t *res,
    ngx_uint_t column);
uint32_t ngx_av_db_column_type(const ngx_av_db_result_t *res,
    ngx_uint_t column);

/* Memory that the result takes: what its values have, and 16 bytes for each. */
size_t ngx_av_db_size(const ngx_av_db_result_t *res);

ngx_uint_t ngx_av_db_is_null(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column);
ngx_str_t ngx_av_db_value(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column);
int64_t ngx_av_db_int8(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column);
int32_t ngx_av_db_int4(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column);

/* The elements of a one-dimensional text[], none of them null. */
ngx_int_t ngx_av_db_text_array(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column, ngx_str_t *elts, ngx_uint_t max, ngx_uint_t *n);

/* The same of a value that was kept. */
ngx_int_t ngx_av_db_parse_text_array(const ngx_str_t *value, ngx_str_t *elts,
    ngx_uint_t max, ngx_uint_t *n);


/* What an SQLSTATE means for the data that was sent with it. */

typedef enum {
    NGX_AV_DB_BAD_DATA,     /* classes 21, 22, 23, 54: the same data would
                               fail again */
    NGX_AV_DB_RETRY,        /* the server's state: again in a while */
    NGX_AV_DB_BROKEN        /* neither: schema or permissions; log it */
} ngx_av_db_blame_e;

ngx_av_db_blame_e ngx_av_db_blame(const char *sqlstate);

#define NGX_AV_DB_UNIQUE_VIOLATION  "23505"


#endif /* _NGX_AV_DB_H_INCLUDED_ */
