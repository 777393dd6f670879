/*
 * Counters, gauges and histograms in the shared zone, for /metrics.  Counting
 * is one atomic addition; before the zone exists it does nothing.
 */

#ifndef _NGX_AV_STATS_H_INCLUDED_
#define _NGX_AV_STATS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* C name, Prometheus name, label or "", help */
#define NGX_AV_STATS_COUNTERS(X)                                              \
    X(SPANS_ACCEPTED, "agentvista_spans_total", "result=\"accepted\"",        \
      "Spans received, by what became of them")                               \
    X(SPANS_DUPLICATE, "agentvista_spans_total", "result=\"duplicate\"", "")  \
    X(SPANS_REJECTED, "agentvista_spans_total", "result=\"rejected\"", "")    \
    X(LOGS_ACCEPTED, "agentvista_logs_total", "result=\"accepted\"",          \
      "Log records received, by what became of them")                         \
    X(LOGS_DUPLICATE, "agentvista_logs_total", "result=\"duplicate\"", "")    \
    X(LOGS_REJECTED, "agentvista_logs_total", "result=\"rejected\"", "")      \
    X(POINTS_ACCEPTED, "agentvista_points_total", "result=\"accepted\"",      \
      "Metric points received, by what became of them")                       \
    X(POINTS_DUPLICATE, "agentvista_points_total",                            \
      "result=\"duplicate\"", "")                                             \
    X(POINTS_REJECTED, "agentvista_points_total", "result=\"rejected\"", "")  \
    X(TRACES_ACCEPTED, "agentvista_traces_total", "result=\"accepted\"",      \
      "Traces received, by what became of them")                              \
    X(TRACES_REJECTED, "agentvista_traces_total", "result=\"rejected\"", "")  \
    X(KEY_HITS, "agentvista_key_lookups_total", "result=\"hit\"",             \
      "API key checks, by where the answer came from")                        \
    X(KEY_NEGATIVE, "agentvista_key_lookups_total",                           \
      "result=\"negative_hit\"", "")                                          \
    X(KEY_MISSES, "agentvista_key_lookups_total", "result=\"miss\"", "")      \
    X(QUOTA_REFUSALS, "agentvista_refusals_total", "reason=\"quota\"",        \
      "Requests refused before their data was looked at or stored")           \
    X(MEMORY_REFUSALS, "agentvista_refusals_total", "reason=\"memory\"", "")  \
    X(TIMEOUT_REFUSALS, "agentvista_refusals_total",                          \
      "reason=\"unavailable\"", "")                                           \
    X(FLUSHES, "agentvista_flushes_total", "result=\"committed\"",            \
      "Group commits, by how they ended")                                     \
    X(FLUSHES_CONFLICT, "agentvista_flushes_total",                           \
      "result=\"conflict\"", "")                                              \
    X(FLUSHES_BAD_DATA, "agentvista_flushes_total",                           \
      "result=\"bad_data\"", "")                                              \
    X(FLUSHES_RETRIED, "agentvista_flushes_total", "result=\"retried\"", "")  \
    X(FLUSHES_LOST, "agentvista_flushes_total", "result=\"lost\"", "")

/* per worker; /metrics shows the sum over live workers */
#define NGX_AV_STATS_GAUGES(X)                                                \
    X(QUEUE_BATCHES, "agentvista_queue_batches", "",                          \
      "Batches waiting for their commit")                                     \
    X(QUEUE_BYTES, "agentvista_queue_bytes", "",                              \
      "Memory held by requests with telemetry in flight")                     \
    X(WRITERS_READY, "agentvista_pool_connections",                           \
      "pool=\"writer\",state=\"ready\"", "Database connections")              \
    X(WRITERS_IDLE, "agentvista_pool_connections",                            \
      "pool=\"writer\",state=\"idle\"", "")                                   \
    X(READERS_READY, "agentvista_pool_connections",                           \
      "pool=\"reader\",state=\"ready\"", "")                                  \
    X(READERS_IDLE, "agentvista_pool_connections",                            \
      "pool=\"reader\",state=\"idle\"", "")                                   \
    X(STREAMS, "agentvista_streams", "", "Open live streams of traces")       \
    X(READERS_QUEUED, "agentvista_pool_queued", "pool=\"reader\"",            \
      "Operations waiting for a connection")

/* C name, Prometheus name, help, unit divisor, upper bounds */
#define NGX_AV_STATS_HISTOGRAMS(X)                                            \
    X(FLUSH_SPANS, "agentvista_flush_spans",                                  \
      "Spans in one group commit", 1,                                         \
      1, 3, 10, 30, 100, 300, 1000, 3000, 10000)                              \
    X(FLUSH_TIME, "agentvista_flush_seconds",                                 \
      "Time from sending a group commit to its answer", 1000000,              \
      500, 1000, 2000, 5000, 10000, 25000, 50000, 100000, 250000, 1000000,    \
      5000000)

#define NGX_AV_STATS_MAX_BUCKETS  16
#define NGX_AV_STATS_ROUTES       96
#define NGX_AV_STATS_STATUSES     16


typedef enum {
#define NGX_AV_STATS_ENUM(name, metric, label, help)  NGX_AV_STATS_##name,
    NGX_AV_STATS_COUNTERS(NGX_AV_STATS_ENUM)
    NGX_AV_STATS_NCOUNTERS
#undef NGX_AV_STATS_ENUM
} ngx_av_stats_counter_e;

typedef enum {
#define NGX_AV_STATS_ENUM(name, metric, label, help)  NGX_AV_STATS_##name,
    NGX_AV_STATS_GAUGES(NGX_AV_STATS_ENUM)
    NGX_AV_STATS_NGAUGES
#undef NGX_AV_STATS_ENUM
} ngx_av_stats_gauge_e;

typedef enum {
#define NGX_AV_STATS_ENUM(name, ...)  NGX_AV_STATS_##name,
    NGX_AV_STATS_HISTOGRAMS(NGX_AV_STATS_ENUM)
    NGX_AV_STATS_NHISTOGRAMS
#undef NGX_AV_STATS_ENUM
} ngx_av_stats_histogram_e;


typedef ngx_atomic_t  ngx_av_stats_gauge_t;

typedef struct {
    ngx_atomic_t  buckets[NGX_AV_STATS_MAX_BUCKETS];    /* not cumulative */
    ngx_atomic_t  sum;
} ngx_av_stats_histogram_t;

typedef struct {
    ngx_atomic_t              counters[NGX_AV_STATS_NCOUNTERS];
    ngx_av_stats_histogram_t  histograms[NGX_AV_STATS_NHISTOGRAMS];
    ngx_atomic_t              requests[NGX_AV_STATS_ROUTES]
                                      [NGX_AV_STATS_STATUSES];
} ngx_av_stats_t;


void ngx_av_stats_add(ngx_av_stats_counter_e counter, ngx_uint_t n);
void ngx_av_stats_set(ngx_av_stats_gauge_e gauge, ngx_uint_t value);
void ngx_av_stats_observe(ngx_av_stats_histogram_e histogram, ngx_uint_t v);

/* A finished request; routes are numbered by the router. */
void ngx_av_stats_request(ngx_uint_t route, ngx_uint_t status);

/*
 * The whole in Prometheus's text format 0.0.4, in a chain of r's pool.
 * route_names[i] is the label of route i.
 */
ngx_chain_t *ngx_av_stats_text(ngx_pool_t *pool, const ngx_str_t *route_names,
    ngx_uint_t nroutes);


#endif /* _NGX_AV_STATS_H_INCLUDED_ */
