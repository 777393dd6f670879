/* How a flush is planned.  Private to ngx_av_flush*.c. */

#ifndef _NGX_AV_FLUSH_PLAN_H_INCLUDED_
#define _NGX_AV_FLUSH_PLAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_flush.h"


/* Which columns of a batch a statement takes. */
typedef enum {
    NGX_AV_FLUSH_TRACES = 0,
    NGX_AV_FLUSH_COUNTED,       /* some of those of traces */
    NGX_AV_FLUSH_SPANS,
    NGX_AV_FLUSH_LOGS,
    NGX_AV_FLUSH_POINTS
} ngx_av_flush_table_e;


/* the parts that a call is about: those of one round */
typedef struct {
    ngx_av_flush_part_t    *parts;
    ngx_uint_t              nparts;
    ngx_uint_t              counts;     /* its answer tells what was new:
                                           unsigned counts:1 */
} ngx_av_flush_slice_t;


/*
 * Adds a call without parameters yet: values and lengths have room for all.
 * NULL without memory.
 */
ngx_av_flush_slice_t *ngx_av_flush_call(ngx_av_flush_plan_t *plan,
    ngx_av_writer_statement_e statement, const char ***values, int **lengths);

/*
 * Adds a call whose first parameters are the columns of some parts.  Likewise.
 */
ngx_av_flush_slice_t *ngx_av_flush_columns(ngx_av_flush_plan_t *plan,
    ngx_av_writer_statement_e statement, ngx_av_flush_table_e table,
    ngx_av_flush_part_t *parts, ngx_uint_t nparts, const char ***values,
    int **lengths);

/* The order of keys in all statements, as memcmp() tells. */
ngx_int_t ngx_av_flush_compare_keys(const ngx_av_uuid_t *account1,
    const ngx_av_uuid_t *id1, const ngx_av_uuid_t *account2,
    const ngx_av_uuid_t *id2);


/*
 * Each adds the calls that store something of all parts; NGX_ERROR without
 * memory.
 */

/* Refs that may be new, each once. */
ngx_int_t ngx_av_flush_refs(ngx_av_flush_plan_t *plan);

ngx_int_t ngx_av_flush_new_traces(ngx_av_flush_plan_t *plan);
ngx_int_t ngx_av_flush_merge_traces(ngx_av_flush_plan_t *plan);


#endif /* _NGX_AV_FLUSH_PLAN_H_INCLUDED_ */
