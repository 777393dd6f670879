/*
 * AgentMark's rows of the route table (agentmark.md 3, 4).  Private to
 * src/api.
 */

#ifndef _NGX_AV_AGENTMARK_ROUTES_H_INCLUDED_
#define _NGX_AV_AGENTMARK_ROUTES_H_INCLUDED_


#include "ngx_av_agentmark.h"
#include "ngx_av_params.h"


/*
 * ROW(method, path, scope, function, handler, form, parameters): as ROWS of
 * ngx_av_router.h, with AgentMark's style, and with what answers a request; a
 * form of NULL makes it a QUERY.
 */
#define NGX_AV_AGENTMARK_ROUTES(ROW)                                          \
    ROW(GET, "/v1/traces", READ, agentmark_trace_list,                        \
        ngx_av_query_handler, NULL,                                           \
        NGX_AV_AGENTMARK_STATUS                                               \
        NGX_AV_TEXT("name", 0, 1, 500)                                        \
        NGX_AV_INTEGER("latency_gt", 0, 0, 0, INT64_MAX)                      \
        NGX_AV_INTEGER("latency_lt", 0, 0, 0, INT64_MAX)                      \
        NGX_AV_AGENTMARK_PAGE(50, 200))                                       \
    ROW(GET, "/v1/traces/export", READ, agentmark_export,                     \
        ngx_av_query_handler, &ngx_av_span_line,                              \
        NGX_AV_WORD("format", NGX_AV_PARAM_DEFAULT,                           \
                    ngx_av_agentmark_formats, 0)                              \
        NGX_AV_INTEGER("limit", NGX_AV_PARAM_DEFAULT, 500, 1, 2000)           \
        NGX_AV_PARAM(BOOLEAN, "lightweight", 0)                               \
        NGX_AV_AGENTMARK_DATES                                                \
        NGX_AV_WORD("type", 0, ngx_av_agentmark_export_types, 0)              \
        NGX_AV_PARAM(TEXT, "model", 0)                                        \
        NGX_AV_AGENTMARK_STATUS                                               \
        NGX_AV_PARAM(TEXT, "name", 0)                                         \
        NGX_AV_PARAM(NUMBER, "minScore", 0)                                   \
        NGX_AV_PARAM(NUMBER, "maxScore", 0)                                   \
        NGX_AV_PARAM(TEXT, "userId", 0)                                       \
        NGX_AV_PARAM(TEXT, "tag", 0)                                          \
        NGX_AV_PARAM(TEXT, "metadata_key", 0)                                 \
        NGX_AV_PARAM(TEXT, "metadata_value", NGX_AV_PARAM_PAIR)               \
        NGX_AV_PARAM(AFTER, "cursor", 0))                                     \
    ROW(GET, "/v1/traces/{traceId}", READ, agentmark_trace,                   \
        ngx_av_query_handler, &ngx_av_span_mark,                              \
        NGX_AV_PARAM(TEXT, "traceId", NGX_AV_PARAM_PATH)                      \
        NGX_AV_AGENTMARK_FILTERS                                              \
        NGX_AV_AGENTMARK_PAGE(100, 500))                                      \
    ROW(GET, "/v1/traces/{traceId}/graph", READ, agentmark_graph,             \
        ngx_av_query_handler, NULL,                                           \
        NGX_AV_PARAM(TEXT, "traceId", NGX_AV_PARAM_PATH))                     \
    ROW(GET, "/v1/spans", READ, agentmark_spans,                              \
        ngx_av_query_handler, &ngx_av_span_mark,                              \
        NGX_AV_PARAM(TEXT, "traceId", 0)                                      \
        NGX_AV_AGENTMARK_FILTERS                                              \
        NGX_AV_AGENTMARK_PAGE(100, 500))                                      \
    ROW(GET, "/v1/sessions", READ, agentmark_session_list,                    \
        ngx_av_query_handler, NULL,                                           \
        NGX_AV_PARAM(TEXT, "name", 0)                                         \
        NGX_AV_PARAM(TEXT, "userId", 0)                                       \
        NGX_AV_AGENTMARK_PAGE(50, 200))                                       \
    ROW(GET, "/v1/sessions/{sessionId}/traces", READ,                         \
        agentmark_session_traces,                                             \
        ngx_av_query_handler, &ngx_av_span_mark,                              \
        NGX_AV_PARAM(TEXT, "sessionId", NGX_AV_PARAM_PATH)                    \
        NGX_AV_AGENTMARK_PAGE(50, 200))                                       \
    ROW(POST, "/v1/score", WRITE, agentmark_add_score,                        \
        ngx_av_query_handler, NULL, NGX_AV_AGENTMARK_SCORE)                   \
    ROW(POST, "/v1/scores", WRITE, agentmark_add_scores,                      \
        ngx_av_query_handler, NULL, NGX_AV_AGENTMARK_SCORE)                   \
    ROW(GET, "/v1/scores", READ, agentmark_scores,                            \
        ngx_av_query_handler, NULL,                                           \
        NGX_AV_PARAM(TEXT, "resourceId", NGX_AV_PARAM_REQUIRED)               \
        NGX_AV_AGENTMARK_PAGE(1000, 1000))                                    \
    ROW(GET, "/v1/scores/{scoreId}", READ, agentmark_score,                   \
        ngx_av_query_handler, NULL,                                           \
        NGX_AV_PARAM(UUID, "scoreId", NGX_AV_PARAM_PATH))                     \
    ROW(DELETE, "/v1/scores/{scoreId}", WRITE, agentmark_delete_score,        \
        ngx_av_query_handler, NULL,                                           \
        NGX_AV_PARAM(UUID, "scoreId", NGX_AV_PARAM_PATH))                     \
    ROW(GET, "/v1/metrics", READ, agentmark_metrics,                          \
        ngx_av_query_handler, NULL,                                           \
        NGX_AV_AGENTMARK_DATES                                                \
        NGX_AV_WORD("granularity", NGX_AV_PARAM_DEFAULT,                      \
                    ngx_av_agentmark_granularities, 1)                        \
        NGX_AV_PARAM(TEXT, "model", 0)                                        \
        NGX_AV_PARAM(TEXT, "name", 0))                                        \
    ROW(GET, "/v1/runs/{runId}/traces", READ, agentmark_run_traces,           \
        ngx_av_query_handler, NULL,                                           \
        NGX_AV_PARAM(TEXT, "runId", NGX_AV_PARAM_PATH)                        \
        NGX_AV_AGENTMARK_PAGE(50, 200))                                       \
    ROW(GET, "/v1/health/ingestion", NONE, agentmark_health,                  \
        ngx_av_agentmark_health, NULL, )


/* Parameters that several rows have in common. */

#define NGX_AV_AGENTMARK_STATUS                                               \
    NGX_AV_WORD("status", 0, ngx_av_agentmark_statuses, 0)

#define NGX_AV_AGENTMARK_PAGE(value, max)                                     \
    NGX_AV_INTEGER("limit", NGX_AV_PARAM_DEFAULT, value, 1, max)              \
    NGX_AV_INTEGER("offset", NGX_AV_PARAM_DEFAULT, 0, 0, INT64_MAX / 2)

#define NGX_AV_AGENTMARK_DATES                                                \
    NGX_AV_PARAM(FROM, "startDate", 0)                                        \
    NGX_AV_PARAM(UNTIL, "endDate", 0)

#define NGX_AV_AGENTMARK_FILTERS                                              \
    NGX_AV_WORD("type", 0, ngx_av_agentmark_types, 0)                         \
    NGX_AV_AGENTMARK_STATUS                                                   \
    NGX_AV_PARAM(TEXT, "name", 0)                                             \
    NGX_AV_PARAM(TEXT, "model", 0)                                            \
    NGX_AV_INTEGER("minDuration", 0, 0, 0, INT64_MAX)                         \
    NGX_AV_INTEGER("maxDuration", 0, 0, 0, INT64_MAX)

/* two of them also by the names of the API's next generation */
#define NGX_AV_AGENTMARK_SCORE                                                \
    NGX_AV_TEXT("resourceId", NGX_AV_PARAM_BODY|NGX_AV_PARAM_REQUIRED,        \
                1, 1000)                                                      \
    NGX_AV_PARAM(TEXT, "resource_id",                                         \
                 NGX_AV_PARAM_BODY|NGX_AV_PARAM_ALIAS)                        \
    NGX_AV_TEXT("name", NGX_AV_PARAM_BODY|NGX_AV_PARAM_REQUIRED, 1, 1000)     \
    NGX_AV_PARAM(NUMBER, "score", NGX_AV_PARAM_BODY|NGX_AV_PARAM_REQUIRED)    \
    NGX_AV_PARAM(TEXT, "label", NGX_AV_PARAM_BODY)                            \
    NGX_AV_PARAM(TEXT, "reason", NGX_AV_PARAM_BODY)                           \
    NGX_AV_PARAM(TEXT, "type", NGX_AV_PARAM_BODY)                             \
    NGX_AV_PARAM(TEXT, "source", NGX_AV_PARAM_BODY|NGX_AV_PARAM_ALIAS)


extern const ngx_av_param_word_t  ngx_av_agentmark_types[];
extern const ngx_av_param_word_t  ngx_av_agentmark_export_types[];
extern const ngx_av_param_word_t  ngx_av_agentmark_statuses[];
extern const ngx_av_param_word_t  ngx_av_agentmark_formats[];
extern const ngx_av_param_word_t  ngx_av_agentmark_granularities[];


#endif /* _NGX_AV_AGENTMARK_ROUTES_H_INCLUDED_ */
