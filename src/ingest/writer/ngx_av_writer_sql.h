/* The writer's statements; see ngx_av_writer.c for what they are for. */

#ifndef _NGX_AV_WRITER_SQL_H_INCLUDED_
#define _NGX_AV_WRITER_SQL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"


/* The columns of traces that their agents' statistics are made of. */
#define NGX_AV_COUNTED_COLUMNS(X)                                             \
    X(AGENT_ID, agent_id, uuid, NGX_AV_DB_UUID)                               \
    X(STARTED_AT, started_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)             \
    X(STATUS, status, int2, NGX_AV_DB_INT2)                                   \
    X(SUCCESS, success, bool, NGX_AV_DB_BOOL)                                 \
    X(OUTCOME, outcome, text, NGX_AV_DB_TEXT)                                 \
    X(TOTAL_COST, total_cost_usd, numeric, NGX_AV_DB_NUMERIC)                 \
    X(SPAN_COST, span_cost_usd, numeric, NGX_AV_DB_NUMERIC)                   \
    X(TOTAL_TOKENS, total_tokens, int8, NGX_AV_DB_INT8)                       \
    X(SPAN_TOKENS, span_tokens, int8, NGX_AV_DB_INT8)                         \
    X(DURATION, duration_ns, int8, NGX_AV_DB_INT8)

typedef enum {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_COUNTED_##name,
    NGX_AV_COUNTED_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
    NGX_AV_COUNTED_NCOLUMNS
} ngx_av_counted_column_e;


typedef enum {
    /*
     * account_id[], id[], doc[]: refs that may be new (see ngx_av_batch.h), in
     * the order of ngx_av_ref_e
     */
    NGX_AV_WRITER_AGENTS = 0,
    NGX_AV_WRITER_SCOPES,
    NGX_AV_WRITER_METRICS,
    NGX_AV_WRITER_SERIES,

    /* trace columns: headers of traces thought to be new */
    NGX_AV_WRITER_TRACES,

    /* counted columns, account_id: notes an account's for the statistics */
    NGX_AV_WRITER_COUNT_TRACES,

    /* span columns: spans of traces thought to be new */
    NGX_AV_WRITER_SPANS,

    /* account_id, month, slot, events: an account's usage of the month */
    NGX_AV_WRITER_CHARGE,

    /*
     * The same for traces that may be stored already, in this order; within
     * one run each trace occurs once, and each span once.  The first locks the
     * traces, so that the others see all that earlier transactions did.
     */
    NGX_AV_WRITER_MERGE_TRACES,     /* trace columns */
    NGX_AV_WRITER_MERGE_RUNNING,    /* span columns */
    NGX_AV_WRITER_MERGE_SPANS,      /* span columns, month, slot; gives
                                       account_id, trace_id, spans stored */

    /* Log records and metric points thought to be new, or perhaps stored. */
    NGX_AV_WRITER_LOGS,             /* log columns */
    NGX_AV_WRITER_MERGE_LOGS,
    NGX_AV_WRITER_POINTS,           /* point columns */
    NGX_AV_WRITER_COUNT_POINTS,     /* account_id[], series_id[], slot */
    NGX_AV_WRITER_MERGE_POINTS,     /* point columns, slot */

    /* account_id[], trace_id[] or null: tells those who watch */
    NGX_AV_WRITER_NOTIFY,

    /* none: folds the changes of statistics that have gathered */
    NGX_AV_WRITER_FOLD,

    NGX_AV_WRITER_NSTATEMENTS
} ngx_av_writer_statement_e;


/*
 * The statements, in the order above; made once, from the tables of columns.
 * NULL without memory.
 */
const ngx_av_db_statement_t *ngx_av_writer_sql(ngx_pool_t *pool);


#endif /* _NGX_AV_WRITER_SQL_H_INCLUDED_ */
