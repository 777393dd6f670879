/*
 * One group commit: elements of several batches as the statements of one
 * transaction.
 */

#ifndef _NGX_AV_FLUSH_H_INCLUDED_
#define _NGX_AV_FLUSH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_writer.h"
#include "ngx_av_writer_sql.h"


/*
 * An element of a request's "traces", with all its parts; of logs and points
 * the batch's one part: the smallest thing that is stored or rejected as a
 * whole.
 */
typedef struct {
    ngx_av_write_t         *write;
    ngx_av_batch_part_t    *parts;
    ngx_uint_t              nparts;
} ngx_av_flush_item_t;


/*
 * A part on its way.  Rows of one trace go in rounds, one after the other, so
 * that no statement meets a trace or a span twice.
 */
typedef struct {
    ngx_av_write_t         *write;
    ngx_av_batch_part_t    *part;
    ngx_uint_t              order;
    ngx_uint_t              round;
    ngx_uint_t              stored;     /* rows that were new */
} ngx_av_flush_part_t;


typedef struct {
    ngx_pool_t                   *pool;     /* of everything below */
    const ngx_av_db_statement_t  *sql;
    ngx_uint_t                    slot;
    ngx_av_flush_part_t          *parts;    /* by round, account, trace */
    ngx_uint_t                    nparts;
    ngx_uint_t                    nrows;
    ngx_array_t                   calls;    /* of ngx_av_db_call_t */
    ngx_array_t                   slices;   /* for each call, its parts */
    ngx_array_t                   created;  /* ids of the refs it stores */
} ngx_av_flush_plan_t;


/*
 * Plans the transaction that stores the items, which are of one kind: as rows
 * that are all new, or to be merged with what is stored.  Items in which a
 * trace occurs twice are merged in any case, and *merge is set.  NGX_ERROR
 * without memory; the pool is to be destroyed in either case.
 */
ngx_int_t ngx_av_flush_plan(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql, ngx_av_flush_item_t *items,
    ngx_uint_t nitems, ngx_uint_t slot, ngx_uint_t *merge, ngx_log_t *log);

/* Takes the answer to a call: which spans of a merge were new. */
void ngx_av_flush_result(ngx_av_flush_plan_t *plan, ngx_uint_t call,
    const ngx_av_db_result_t *res);

/* The transaction has committed: what it created is known from now on. */
void ngx_av_flush_committed(ngx_av_flush_plan_t *plan);


#endif /* _NGX_AV_FLUSH_H_INCLUDED_ */
