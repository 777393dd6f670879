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
    X(NAME, name, text, NGX_AV_DB_TEXT)                                       \
    X(SESSION_ID, session_id, text, NGX_AV_DB_TEXT)                           \
    X(USER_ID, user_id, text, NGX_AV_DB_TEXT)                                 \
    X(HEADER, header, int2, NGX_AV_DB_INT2)                                   \
    X(HEADER_NS, header_ns, int8, NGX_AV_DB_INT8)                             \
    X(HEADER_SPAN, header_span, uuid, NGX_AV_DB_UUID)                         \
    X(SPAN_COUNT, span_count, int4, NGX_AV_DB_INT4)                           \
    X(SPAN_TOKENS, span_tokens, int8, NGX_AV_DB_INT8)                         \
    X(SPAN_COST, span_cost_usd, numeric, NGX_AV_DB_NUMERIC)                   \
    X(SPAN_START, span_start_ns, int8, NGX_AV_DB_INT8)                        \
    X(SPAN_END, span_end_ns, int8, NGX_AV_DB_INT8)

#define NGX_AV_SPAN_COLUMNS(X)                                                \
    X(ACCOUNT, account_id, uuid, NGX_AV_DB_UUID)                              \
    X(HOME_DAY, home_day, date, NGX_AV_DB_DATE)                               \
    X(TRACE_ID, trace_id, uuid, NGX_AV_DB_UUID)                               \
    X(ID, span_id, uuid, NGX_AV_DB_UUID)                                      \
    X(ORDINAL, ordinal, int8, NGX_AV_DB_INT8)                                 \
    X(PARENT_ID, parent_span_id, uuid, NGX_AV_DB_UUID)                        \
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
    X(METADATA, metadata, json, NGX_AV_DB_JSON)                               \
    X(TRUNCATED, truncated, jsonb, NGX_AV_DB_JSONB)                           \
    X(STARTED_NANOS, started_nanos, int2, NGX_AV_DB_INT2)                     \
    X(ENDED_NANOS, ended_nanos, int2, NGX_AV_DB_INT2)                         \
    X(KIND, kind, int2, NGX_AV_DB_INT2)                                       \
    X(OTLP_STATUS, otlp_status, int2, NGX_AV_DB_INT2)                         \
    X(SCOPE_ID, scope_id, uuid, NGX_AV_DB_UUID)                               \
    X(SESSION_ID, session_id, text, NGX_AV_DB_TEXT)                           \
    X(USER_ID, user_id, text, NGX_AV_DB_TEXT)                                 \
    X(DETAILS, details, jsonb, NGX_AV_DB_JSONB)                               \
    X(EVENTS, events, json, NGX_AV_DB_JSON)                                   \
    X(LINKS, links, json, NGX_AV_DB_JSON)

#define NGX_AV_LOG_COLUMNS(X)                                                 \
    X(ACCOUNT, account_id, uuid, NGX_AV_DB_UUID)                              \
    X(DAY, day, date, NGX_AV_DB_DATE)                                         \
    X(ID, id, uuid, NGX_AV_DB_UUID)                                           \
    X(LOGGED_AT, logged_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)               \
    X(LOGGED_NANOS, logged_nanos, int2, NGX_AV_DB_INT2)                       \
    X(OBSERVED_AT, observed_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)           \
    X(SEVERITY, severity, int2, NGX_AV_DB_INT2)                               \
    X(SEVERITY_NUMBER, severity_number, int2, NGX_AV_DB_INT2)                 \
    X(SEVERITY_TEXT, severity_text, text, NGX_AV_DB_TEXT)                     \
    X(SERVICE_NAME, service_name, text, NGX_AV_DB_TEXT)                       \
    X(EVENT_NAME, event_name, text, NGX_AV_DB_TEXT)                           \
    X(BODY, body, text, NGX_AV_DB_TEXT)                                       \
    X(STRUCTURED, structured, bool, NGX_AV_DB_BOOL)                           \
    X(ATTRIBUTES, attributes, json, NGX_AV_DB_JSON)                           \
    X(TRACE_ID, trace_id, uuid, NGX_AV_DB_UUID)                               \
    X(SPAN_ID, span_id, uuid, NGX_AV_DB_UUID)                                 \
    X(FLAGS, flags, int8, NGX_AV_DB_INT8)                                     \
    X(SCOPE_ID, scope_id, uuid, NGX_AV_DB_UUID)                               \
    X(TRUNCATED, truncated, jsonb, NGX_AV_DB_JSONB)

#define NGX_AV_POINT_COLUMNS(X)                                               \
    X(ACCOUNT, account_id, uuid, NGX_AV_DB_UUID)                              \
    X(DAY, day, date, NGX_AV_DB_DATE)                                         \
    X(SERIES_ID, series_id, uuid, NGX_AV_DB_UUID)                             \
    X(RECORDED_AT, recorded_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)           \
    X(RECORDED_NANOS, recorded_nanos, int2, NGX_AV_DB_INT2)                   \
    X(STARTED_AT, started_at, timestamptz, NGX_AV_DB_TIMESTAMPTZ)             \
    X(STARTED_NANOS, started_nanos, int2, NGX_AV_DB_INT2)                     \
    X(VALUE, value, float8, NGX_AV_DB_FLOAT8)                                 \
    X(INTEGER_VALUE, integer_value, int8, NGX_AV_DB_INT8)                     \
    X(COUNT, count, int8, NGX_AV_DB_INT8)                                     \
    X(SUM, sum, float8, NGX_AV_DB_FLOAT8)                                     \
    X(MIN, min, float8, NGX_AV_DB_FLOAT8)                                     \
    X(MAX, max, float8, NGX_AV_DB_FLOAT8)                                     \
    X(BUCKETS, buckets, json, NGX_AV_DB_JSON)                                 \
    X(EXEMPLARS, exemplars, json, NGX_AV_DB_JSON)                             \
    X(FLAGS, flags, int8, NGX_AV_DB_INT8)


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

typedef enum {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_LOG_##name,
    NGX_AV_LOG_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
    NGX_AV_LOG_NCOLUMNS
} ngx_av_log_column_e;

typedef enum {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_POINT_##name,
    NGX_AV_POINT_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
    NGX_AV_POINT_NCOLUMNS
} ngx_av_point_column_e;


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
    NGX_AV_TYPE_DB,
    NGX_AV_TYPE_CHAIN,          /* from here on only by OTLP */
    NGX_AV_TYPE_RETRIEVAL,
    NGX_AV_TYPE_EMBEDDING,
    NGX_AV_TYPE_GUARDRAIL,
    NGX_AV_TYPE_EVALUATOR,
    NGX_AV_TYPE_MESSAGING,
    NGX_AV_TYPE_RPC,
    NGX_AV_TYPE_OTHER,
    NGX_AV_TYPE_LLM_WEAK        /* a model's name, and no other sign */
} ngx_av_type_e;

/* Where a trace's header comes from; the smaller one owns the trace. */
typedef enum {
    NGX_AV_HEADER_SENT = 0,     /* by POST /traces/batch */
    NGX_AV_HEADER_ROOT,         /* made of the root span */
    NGX_AV_HEADER_EARLIEST      /* made of the earliest span */
} ngx_av_header_e;

typedef enum {
    NGX_AV_SEVERITY_TRACE = 1,
    NGX_AV_SEVERITY_DEBUG,
    NGX_AV_SEVERITY_INFO,
    NGX_AV_SEVERITY_WARN,
    NGX_AV_SEVERITY_ERROR,
    NGX_AV_SEVERITY_FATAL
} ngx_av_severity_e;


#endif /* _NGX_AV_COLUMNS_H_INCLUDED_ */
