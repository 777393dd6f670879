/*
 * What the queue and the flushes of a worker's writer share.  Private to
 * ngx_av_writer.c and ngx_av_writer_flush.c.
 */

#ifndef _NGX_AV_WRITER_WORK_H_INCLUDED_
#define _NGX_AV_WRITER_WORK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_flush.h"
#include "ngx_av_writer.h"


/* after trouble that is the server's: it may be starting up; milliseconds */
#define NGX_AV_WRITER_PAUSE   100

/* of what is too much for one transaction: at most so many, "in halves" of
   2^32 items */
#define NGX_AV_WRITER_PIECES  64
#define NGX_AV_WRITER_RANGES  (NGX_AV_WRITER_PIECES + 34)

#define NGX_AV_WRITER_SEEN    65536


typedef struct {
    ngx_uint_t              first;
    ngx_uint_t              last;       /* one past */
} ngx_av_writer_range_t;


typedef struct {
    ngx_av_db_op_t          op;
    ngx_av_flush_plan_t     plan;
    ngx_queue_t             writes;     /* taken from the queue */
    ngx_av_flush_item_t    *items;      /* of theirs; malloc()ed */
    ngx_uint_t              nitems;
    ngx_uint_t              allocated;
    ngx_av_writer_range_t   ranges[NGX_AV_WRITER_RANGES];
    ngx_uint_t              nranges;    /* the last is being stored */
    ngx_uint_t              merge;
    ngx_uint_t              slot;
    uint64_t                started;    /* microseconds */
    unsigned                busy:1;
} ngx_av_writer_flush_t;


typedef struct {
    ngx_av_db_pool_t             *pool;
    const ngx_av_db_statement_t  *sql;
    ngx_queue_t                   queue;    /* of ngx_av_write_t */
    ngx_uint_t                    nqueued;
    ngx_uint_t                    nrows;    /* of those */
    ngx_uint_t                    nflying;  /* flushes under way */
    ngx_uint_t                    nlast;    /* batches in the last of them */
    ngx_av_writer_flush_t        *flushes;
    ngx_uint_t                    nflushes;
    ngx_msec_t                    timeout;  /* of one flush */
    ngx_event_t                   work;     /* posted: look at the queue */
    ngx_event_t                   pause;    /* timer: not before */
    ngx_event_t                   patience; /* timer: not later */
    ngx_connection_t              dumb;
    ngx_log_t                    *log;
    char                          refused[6];   /* SQLSTATE of the last flush,
                                                   empty if it was stored */
    ngx_msec_t                    refused_at;

    /*
     * Traces that lately passed through this worker, so that the later parts
     * of one are merged at once.  Forgetful and never wrong: only a guess.
     */
    uint32_t                      seen[NGX_AV_WRITER_SEEN];
} ngx_av_writer_t;


/* The worker's. */
extern ngx_av_writer_t  *ngx_av_writer;


/* Looks at the queue soon: whether a flush can begin. */
void ngx_av_writer_wake(void);

/* Counts a write that has come to the queue; takes one off it. */
void ngx_av_writer_queued(ngx_av_write_t *write);
void ngx_av_writer_dequeue(ngx_av_write_t *write);

/* Tells the owner of a write, which is in no queue. */
void ngx_av_writer_finish(ngx_av_write_t *write, ngx_av_write_status_e status);

/*
 * Takes what is queued, up to the caps: writes of one kind of batch, all to be
 * merged or none, and of one month, from the head on.  No items: no memory.
 */
void ngx_av_writer_flush_take(ngx_av_writer_flush_t *flush);

/*
 * Stores what was taken, ends the flush, tells the owners of its writes, and
 * wakes the writer; what could not be stored is in the queue again.
 */
void ngx_av_writer_flush_run(ngx_av_writer_flush_t *flush);


#endif /* _NGX_AV_WRITER_WORK_H_INCLUDED_ */
