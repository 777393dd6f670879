/*
 * The route table.  Private to src/api.
 */

#ifndef _NGX_AV_ROUTER_H_INCLUDED_
#define _NGX_AV_ROUTER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"
#include "ngx_av_http.h"
#include "ngx_av_ingest.h"
#include "ngx_av_openapi.h"
#include "ngx_av_otlp_http.h"
#include "ngx_av_params.h"
#include "ngx_av_span_row.h"
#include "ngx_av_stream.h"


/*
 * Every route, without the trailing slash that a client may add.  A segment
 * in braces is a parameter and matches any text; where a path matches more
 * than one row, static segments win over parameters.  If it matches none, a
 * parameter of kind TEXT also matches text with slashes.
 *
 * HANDLER(method, path, scopes, handler)
 *
 * QUERY(method, path, scope, style, function, parameters): is answered by
 * agentvista.function of src/sql/functions.  It takes the account, then the
 * parameters (ngx_av_params.h) in their order, and returns the answer as json:
 * null means 404.  A GET or PATCH is answered 200, a POST 201, a DELETE 204.
 * style says how errors look: VISTA or MARK.
 *
 * OBJECTS(method, path, scope, style, function, parameters): the same, but the
 * function returns rows, of which the answer is made (ngx_av_objects.h); no
 * rows mean 404.
 *
 * ROWS(method, path, scope, style, function, form, parameters): likewise, of
 * rows of spans, of which form makes the answer (ngx_av_span_row.h).
 */
#define NGX_AV_ROUTES(HANDLER, QUERY, OBJECTS, ROWS)                          \
    HANDLER(POST, "/traces/batch", NGX_AV_SCOPE_WRITE,                        \
            ngx_av_ingest_traces_batch)                                       \
                                                                              \
    HANDLER(POST, "/otlp/v1/traces", NGX_AV_SCOPE_WRITE, ngx_av_otlp_traces)  \
    HANDLER(POST, "/otlp/v1/metrics", NGX_AV_SCOPE_WRITE,                     \
            ngx_av_otlp_metrics)                                              \
    HANDLER(POST, "/otlp/v1/logs", NGX_AV_SCOPE_WRITE, ngx_av_otlp_logs)      \
    HANDLER(POST, "/v1/traces", NGX_AV_SCOPE_WRITE, ngx_av_otlp_traces)       \
    HANDLER(POST, "/v1/metrics", NGX_AV_SCOPE_WRITE, ngx_av_otlp_metrics)     \
    HANDLER(POST, "/v1/logs", NGX_AV_SCOPE_WRITE, ngx_av_otlp_logs)           \
    HANDLER(POST, "/opentelemetry.proto.collector.trace.v1.TraceService/"     \
            "Export", NGX_AV_SCOPE_WRITE, ngx_av_otlp_traces)                 \
    HANDLER(POST, "/opentelemetry.proto.collector.metrics.v1.MetricsService/" \
            "Export", NGX_AV_SCOPE_WRITE, ngx_av_otlp_metrics)                \
    HANDLER(POST, "/opentelemetry.proto.collector.logs.v1.LogsService/"       \
            "Export", NGX_AV_SCOPE_WRITE, ngx_av_otlp_logs)                   \
                                                                              \
    HANDLER(GET, "/openapi.json", NGX_AV_SCOPE_NONE, ngx_av_openapi)          \
    HANDLER(GET, "/v1/openapi.json", NGX_AV_SCOPE_NONE, ngx_av_openapi)       \
                                                                              \
    HANDLER(GET, "/me/api-keys/ping", NGX_AV_SCOPE_READ,                      \
            ngx_av_api_keys_ping)                                             \
    QUERY(GET, "/me/usage", READ, VISTA, usage_report, )                      \
                                                                              \
    OBJECTS(GET, "/dashboard/traces", READ, VISTA, traces_list,               \
          NGX_AV_TRACE_FILTERS                                                \
          NGX_AV_PAGES)                                                       \
    HANDLER(GET, "/dashboard/traces/stream", NGX_AV_SCOPE_READ,               \
            ngx_av_stream_handler)                                            \
    ROWS(GET, "/dashboard/traces/{trace_id}", READ, VISTA, trace_detail,      \
         &ngx_av_span_vista,                                                  \
         NGX_AV_PARAM(UUID, "trace_id", NGX_AV_PARAM_PATH))                   \
    QUERY(GET, "/dashboard/traces/compare-agents", READ, VISTA,               \
          compare_agents,                                                     \
          NGX_AV_PARAM(UUID, "agent_a", NGX_AV_PARAM_REQUIRED)                \
          NGX_AV_PARAM(UUID, "agent_b", NGX_AV_PARAM_REQUIRED))               \
    QUERY(PATCH, "/dashboard/traces/{trace_id}/outcome", WRITE, VISTA,        \
          set_outcome,                                                        \
          NGX_AV_PARAM(UUID, "trace_id", NGX_AV_PARAM_PATH)                   \
          NGX_AV_PARAM(BOOLEAN, "success",                                    \
                       NGX_AV_PARAM_BODY|NGX_AV_PARAM_REQUIRED)               \
          NGX_AV_PARAM(TEXT, "outcome",                                       \
                       NGX_AV_PARAM_BODY|NGX_AV_PARAM_TELL))                  \
                                                                              \
    OBJECTS(GET, "/agents", READ, VISTA, agents_list, )                       \
    QUERY(GET, "/agents/{agent_id}", READ, VISTA, agent_detail,               \
          NGX_AV_PARAM(UUID, "agent_id", NGX_AV_PARAM_PATH))                  \
    OBJECTS(GET, "/agents/{agent_id}/stats", READ, VISTA, agent_stats,        \
          NGX_AV_PARAM(UUID, "agent_id", NGX_AV_PARAM_PATH)                   \
          NGX_AV_INTEGER("days", NGX_AV_PARAM_DEFAULT|NGX_AV_PARAM_LENIENT,   \
                         7, 1, 90))                                           \
    OBJECTS(GET, "/agents/{agent_id}/runs", READ, VISTA, agent_runs,          \
          NGX_AV_PARAM(UUID, "agent_id", NGX_AV_PARAM_PATH)                   \
          NGX_AV_PAGES)                                                       \
    QUERY(GET, "/agents/{agent_id}/outcomes", READ, VISTA, agent_outcomes,    \
          NGX_AV_PARAM(UUID, "agent_id", NGX_AV_PARAM_PATH))                  \
                                                                              \
    QUERY(GET, "/dashboard/sessions", READ, VISTA, sessions_list,             \
          NGX_AV_PARAM(TEXT, "user_id", 0)                                    \
          NGX_AV_RANGE                                                        \
          NGX_AV_PAGES)                                                       \
    OBJECTS(GET, "/dashboard/sessions/{session_id}", READ, VISTA,             \
          session_detail,                                                     \
          NGX_AV_PARAM(TEXT, "session_id", NGX_AV_PARAM_PATH)                 \
          NGX_AV_PAGES)                                                       \
                                                                              \
    QUERY(GET, "/dashboard/metrics", READ, VISTA, metrics_list, )             \
    QUERY(GET, "/dashboard/metrics/query", READ, VISTA, metrics_query,        \
          NGX_AV_PARAM(TEXT, "name", NGX_AV_PARAM_REQUIRED)                   \
          NGX_AV_RANGE                                                        \
          NGX_AV_INTEGER("limit",                                             \
                         NGX_AV_PARAM_DEFAULT|NGX_AV_PARAM_CLAMP,             \
                         1000, 1, 10000)                                      \
          NGX_AV_PARAM(OBJECT, "labels", 0)                                   \
          NGX_AV_INTEGER("step", 0, 0, 1, 31536000)                           \
          NGX_AV_WORD("aggregation", NGX_AV_PARAM_DEFAULT,                    \
                      ngx_av_words_aggregation, 0))                           \
                                                                              \
    QUERY(GET, "/dashboard/logs/search", READ, VISTA, logs_search,            \
          NGX_AV_PARAM(TEXT, "q", 0)                                          \
          NGX_AV_PARAM(TEXT, "service_name", 0)                               \
          NGX_AV_WORD("severity", 0, ngx_av_words_severity, 0)                \
          NGX_AV_PARAM(UUID, "trace_id", 0)                                   \
          NGX_AV_RANGE                                                        \
          NGX_AV_INTEGER("limit",                                             \
                         NGX_AV_PARAM_DEFAULT|NGX_AV_PARAM_CLAMP,             \
                         100, 1, 1000)                                        \
          NGX_AV_INTEGER("offset",                                            \
                         NGX_AV_PARAM_DEFAULT|NGX_AV_PARAM_CLAMP,             \
                         0, 0, INT64_MAX)                                     \
          NGX_AV_PARAM(CURSOR, "cursor", 0))                                  \
    ROWS(GET, "/dashboard/logs/{log_id}/trace", READ, VISTA, log_trace,       \
         &ngx_av_span_vista,                                                  \
         NGX_AV_PARAM(UUID, "log_id", NGX_AV_PARAM_PATH))                     \
                                                                              \
    QUERY(GET, "/dashboard/service-map", READ, VISTA, service_map,            \
          NGX_AV_RANGE)


/* Parameters that several rows have in common. */

#define NGX_AV_PAGES                                                          \
    NGX_AV_INTEGER("page", NGX_AV_PARAM_DEFAULT|NGX_AV_PARAM_CLAMP,           \
                   1, 1, 1000000000)                                          \
    NGX_AV_INTEGER("page_size", NGX_AV_PARAM_DEFAULT|NGX_AV_PARAM_CLAMP,      \
                   20, 1, 100)                                                \
    NGX_AV_PARAM(CURSOR, "cursor", 0)

#define NGX_AV_RANGE                                                          \
    NGX_AV_PARAM(TIME, "start", 0)                                            \
    NGX_AV_PARAM(TIME, "end", 0)

#define NGX_AV_TRACE_FILTERS                                                  \
    NGX_AV_PARAM(UUID, "agent_id", 0)                                         \
    NGX_AV_PARAM(TEXT, "agent", 0)                                            \
    NGX_AV_WORD("status", 0, ngx_av_words_status, 0)                          \
    NGX_AV_WORD("success", 0, ngx_av_words_success, 0)                        \
    NGX_AV_PARAM(TEXT, "outcome", 0)                                          \
    NGX_AV_RANGE                                                              \
    NGX_AV_PARAM(TEXT, "q", 0)                                                \
    NGX_AV_PARAM(TEXT, "model", 0)                                            \
    NGX_AV_PARAM(TEXT, "error", 0)                                            \
    NGX_AV_PARAM(OBJECT, "metadata", 0)                                       \
    NGX_AV_PARAM(TEXT, "session_id", 0)                                       \
    NGX_AV_PARAM(TEXT, "user_id", 0)                                          \
    NGX_AV_PARAM(NUMBER, "min_cost", 0)                                       \
    NGX_AV_PARAM(NUMBER, "max_cost", 0)                                       \
    NGX_AV_PARAM(NUMBER, "min_duration_ms", 0)                                \
    NGX_AV_PARAM(NUMBER, "max_duration_ms", 0)                                \
    NGX_AV_PARAM(NUMBER, "min_tokens", 0)                                     \
    NGX_AV_PARAM(NUMBER, "max_tokens", 0)


/* Words and the numbers that rows hold for them (ngx_av_columns.h). */

extern const ngx_av_param_word_t  ngx_av_words_status[];
extern const ngx_av_param_word_t  ngx_av_words_success[];
extern const ngx_av_param_word_t  ngx_av_words_severity[];
extern const ngx_av_param_word_t  ngx_av_words_aggregation[];


/* How the errors of a route look. */

typedef struct {
    /*
     * Empty numbers, words and times are malformed (agentmark.md 2.4), not
     * absent.
     */
    ngx_uint_t                     strict;

    /* Prepares a 400 for ps->errors; as ngx_av_http_error(). */
    ngx_int_t                    (*invalid)(ngx_http_request_t *r,
                                            const ngx_av_params_t *ps);
} ngx_av_style_t;

extern const ngx_av_style_t  ngx_av_style_vista;
extern const ngx_av_style_t  ngx_av_style_mark;


typedef struct {
    ngx_uint_t                     method;
    ngx_uint_t                     scopes;
    ngx_str_t                      path;
    ngx_int_t                    (*handler)(ngx_http_request_t *r);

    /* of a query, else NULL */
    const ngx_av_style_t          *style;
    const char                    *function;
    const ngx_av_param_t          *params;
    ngx_uint_t                     statement;   /* its index */

    ngx_uint_t                     objects;     /* it returns rows of them:
                                                   unsigned objects:1 */
    const ngx_av_span_form_t      *form;        /* or rows of spans, for this */
} ngx_av_route_t;


/* Labels of the counters; ngx_av_http_ctx_t.route_index is an index here. */
extern const ngx_str_t   ngx_av_router_names[];
extern const ngx_uint_t  ngx_av_router_nnames;


/*
 * The path within the API, without a trailing slash, or several that it may
 * be, the likeliest first.  Returns how many, at least 1.
 *
 * They are cut out of r->uri, which nginx has decoded and normalised, and which
 * "rewrite" may have changed, so that routing, locations and access rules all
 * see the same path.  In there an encoded slash is a slash.
 */
#define NGX_AV_ROUTER_MAX_PATHS  2

ngx_uint_t ngx_av_router_paths(ngx_http_request_t *r, ngx_str_t *paths);

/* How the errors of a path look; NULL: {"detail": ...}. */
const ngx_av_http_style_t *ngx_av_router_style(ngx_http_request_t *r,
    ngx_str_t *path);


/* Handlers: the context holds the route, its parameters and the account. */

/* of queries */
ngx_int_t ngx_av_query_handler(ngx_http_request_t *r);

ngx_int_t ngx_av_api_keys_ping(ngx_http_request_t *r);

/* Sends the answer of a route, which nobody may cache. */
ngx_int_t ngx_av_router_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *json);

/*
 * The parameters of a route as their tables say, answered as its style says:
 * what a handler of its own that needs them may call.  ps->values, lengths and
 * first are the caller's; the other fields are filled in.  NGX_OK, or what is
 * to be returned to nginx.
 */
ngx_int_t ngx_av_query_params(ngx_http_request_t *r, ngx_av_params_t *ps,
    const ngx_av_route_t *route);


/* The statement of a route's query, once the process has been initialised. */
const ngx_av_db_statement_t *ngx_av_router_statement(
    const ngx_av_route_t *route);

void ngx_av_query_init_process(ngx_av_db_pool_t *readers);
ngx_int_t ngx_av_status_init_process(ngx_cycle_t *cycle,
    ngx_av_db_pool_t *readers);


#endif /* _NGX_AV_ROUTER_H_INCLUDED_ */
