/*
 * The writer: group commit across requests.  Whatever is queued when a writer
 * connection is idle becomes one transaction; what arrives meanwhile forms the
 * next.  So a batch waits for one commit at low load, and at high load the
 * groups grow by themselves.
 */

#ifndef _NGX_AV_WRITER_H_INCLUDED_
#define _NGX_AV_WRITER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_batch.h"
#include "ngx_av_db.h"


typedef struct ngx_av_write_s  ngx_av_write_t;


typedef enum {
    NGX_AV_WRITE_OK = 0,        /* committed, but for the parts that were
                                   rejected: those are the batch's errors */
    NGX_AV_WRITE_UNAVAILABLE,   /* nothing is known to be stored; to be sent
                                   again */
    NGX_AV_WRITE_UNKNOWN        /* as above, but it may have been stored */
} ngx_av_write_status_e;


/* Called once; the batch is the owner's again. */
typedef void (*ngx_av_write_done_pt)(ngx_av_write_t *write);


struct ngx_av_write_s {
    /* filled in by the owner */
    ngx_av_batch_t          *batch;
    int32_t                  month;     /* to charge; ngx_av_time_pg_month() */
    ngx_msec_t               timeout;
    ngx_av_write_done_pt     done;
    void                    *data;

    /* valid in done() */
    ngx_av_write_status_e    status;
    ngx_uint_t               stored;    /* spans that were new: charged */
    ngx_uint_t               rejected;  /* spans that Postgres refused */
    ngx_uint_t               doubtful;  /* a flush was lost, which may have
                                           stored more: unsigned doubtful:1 */

    /* the writer's own */
    ngx_queue_t              queue;
    ngx_event_t              deadline;
    size_t                   size;      /* of the batch */
    ngx_uint_t               left;      /* parts not settled yet */
    unsigned                 merge:1;   /* its traces may be stored already */
    unsigned                 queued:1;
    unsigned                 expired:1; /* the deadline came during a flush */
    unsigned                 hopeless:1;
};


/*
 * Starts the worker's writer: its pool, and as many flushes at once as the
 * pool has connections.
 */
ngx_int_t ngx_av_writer_init_process(ngx_cycle_t *cycle, ngx_av_db_conf_t *db,
    ngx_uint_t connections, ngx_msec_t statement_timeout);
void ngx_av_writer_exit_process(void);

/*
 * Queues a batch with at least one part.  done() is called when its
 * transaction has committed, or when it cannot be in time; never from within.
 */
void ngx_av_writer_submit(ngx_av_write_t *write);

/* Why nothing can be written now, for /readyz; empty if all is well. */
ngx_str_t ngx_av_writer_trouble(void);


#endif /* _NGX_AV_WRITER_H_INCLUDED_ */
