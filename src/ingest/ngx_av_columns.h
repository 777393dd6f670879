/*
 * The columns that ingestion fills, in the order in which a batch holds them
 * and the writer's statements name them.  One list each for the decoders, the
 * SQL text and the array headers.
 */

#ifndef _NGX_AV_COLUMNS_H_INCLUDED_
#define _NGX_AV_COLUMNS_H_INCLUDED_


#include "ngx_av_db_array.h"


/* C name, column, type */
#define NGX_AV_TRACE_COLUMNS(X)                                               \
    X(ACCOUNT, account_id, uuid, NGX_AV_DB_UUID)                              \
    X(ID, trace_id, uuid, NGX_AV_DB_UUID)                                     \
    X(HOME_DAY, home_day, date, NGX_AV_DB_DATE)                               \
    X(AGENT_ID, agent_id, uuid, NGX_AV_DB_UUID)                               \
    X(STATUS, status, int2, NGX_AV_DB_INT2)                                   \
    X(STARTED_AT, started_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)             \
    X(ENDED_AT, ended_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)                 \
    X(DURATION, duration_ns, int8, NGX_AV_DB_INT8)                            \
    X(SUCCESS, success, bool, NGX_AV_DB_BOOL)                                 \
    X(OUTCOME, outcome, text, NGX_AV_DB_TEXT)                                 \
    X(TOTAL_TOKENS, total_tokens, int8, NGX_AV_DB_INT8)                       \
    X(TOTAL_COST, total_cost_usd, numeric, NGX_AV_DB_NUMERIC)                 \
    X(ERROR_MESSAGE, error_message, text, NGX_AV_DB_TEXT)                     \
    X(METADATA, metadata, jsonb, NGX_AV_DB_JSONB)                             \
    X(TRUNCATED, truncated, jsonb, NGX_AV_DB_JSONB)                           \
    X(SPAN_COUNT, span_count, int4, NGX_AV_DB_INT4)                           \
    X(SPAN_TOKENS, span_tokens, int8, NGX_AV_DB_INT8)                         \
    X(SPAN_COST, span_cost_usd, numeric, NGX_AV_DB_NUMERIC)

#define NGX_AV_SPAN_COLUMNS(X)                                                \
    X(ACCOUNT, account_id, uuid, NGX_AV_DB_UUID)                              \
    X(HOME_DAY, home_day, date, NGX_AV_DB_DATE)                               \
    X(TRACE_ID, trace_id, uuid, NGX_AV_DB_UUID)                               \
    X(ID, span_id, uuid, NGX_AV_DB_UUID)                                      \
    X(PARENT_ID, parent_span_id, uuid, NGX_AV_DB_UUID)                        \
    X(ORDINAL, ordinal, int8, NGX_AV_DB_INT8)                                 \
    X(TYPE, type, int2, NGX_AV_DB_INT2)                                       \
    X(STATUS, status, int2, NGX_AV_DB_INT2)                                   \
    X(NAME, name, text, NGX_AV_DB_TEXT)                                       \
    X(STARTED_AT, started_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)             \
    X(ENDED_AT, ended_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)                 \
    X(DURATION, duration_ns, int8, NGX_AV_DB_INT8)                            \
    X(MODEL, model, text, NGX_AV_DB_TEXT)                                     \
    X(INPUT_TOKENS, input_tokens, int8, NGX_AV_DB_INT8)                       \
    X(OUTPUT_TOKENS, output_tokens, int8, NGX_AV_DB_INT8)                     \
    X(TOTAL_TOKENS, total_tokens, int8, NGX_AV_DB_INT8)                       \
    X(COST, cost_usd, numeric, NGX_AV_DB_NUMERIC)                             \
    X(ERROR_MESSAGE, error_message, text, NGX_AV_DB_TEXT)                     \
    X(INPUT, input, json, NGX_AV_DB_JSON)                                     \
    X(OUTPUT, output, json, NGX_AV_DB_JSON)                                   \
    X(METADATA, metadata, jsonb, NGX_AV_DB_JSONB)                             \
    X(TRUNCATED, truncated, jsonb, NGX_AV_DB_JSONB)


typedef enum {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_TRACE_##name,
    NGX_AV_TRACE_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
    NGX_AV_TRACE_NCOLUMNS
} ngx_av_trace_column_e;

typedef enum {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_SPAN_##name,
    NGX_AV_SPAN_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
    NGX_AV_SPAN_NCOLUMNS
} ngx_av_span_column_e;


/* Numbers that rows hold for words; src/sql/functions/names.sql has them too */

typedef enum {
    NGX_AV_STATUS_RUNNING = 0,
    NGX_AV_STATUS_COMPLETED,
    NGX_AV_STATUS_FAILED,
    NGX_AV_STATUS_TIMED_OUT
} ngx_av_status_e;

typedef enum {
    NGX_AV_TYPE_CUSTOM = 0,
    NGX_AV_TYPE_AGENT,
    NGX_AV_TYPE_LLM,
    NGX_AV_TYPE_TOOL,
    NGX_AV_TYPE_HTTP,
    NGX_AV_TYPE_DB
} ngx_av_type_e;


#endif /* _NGX_AV_COLUMNS_H_INCLUDED_ */
