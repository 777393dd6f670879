#include "ngx_av_stats.h"
#include "ngx_av_buf.h"
#include "ngx_av_zone.h"


#define NGX_AV_STATS_TEXT_SIZE  16384
#define NGX_AV_STATS_LINE       512


typedef struct {
    const char        *name;
    const char        *label;
    const char        *help;
} ngx_av_stats_metric_t;

typedef struct {
    const char        *name;
    const char        *help;
    ngx_uint_t         divisor;
    const ngx_uint_t  *bounds;
    ngx_uint_t         nbounds;
} ngx_av_stats_scale_t;


static ngx_int_t ngx_av_stats_text_counters(ngx_av_buf_t *b);
static ngx_int_t ngx_av_stats_text_gauges(ngx_av_buf_t *b);
static ngx_int_t ngx_av_stats_text_histograms(ngx_av_buf_t *b);
static ngx_int_t ngx_av_stats_text_histogram(ngx_av_buf_t *b,
    const ngx_av_stats_scale_t *scale, ngx_av_stats_histogram_t *h);
static ngx_int_t ngx_av_stats_text_requests(ngx_av_buf_t *b,
    const ngx_str_t *route_names, ngx_uint_t nroutes);
static ngx_int_t ngx_av_stats_text_zone(ngx_av_buf_t *b);
static ngx_int_t ngx_av_stats_head(ngx_av_buf_t *b, const char *name,
    const char *type, const char *help);
static ngx_int_t ngx_av_stats_sample(ngx_av_buf_t *b,
    const ngx_av_stats_metric_t *m, ngx_atomic_uint_t value);
static ngx_int_t ngx_av_stats_line(ngx_av_buf_t *b, const char *fmt, ...);
static u_char *ngx_av_stats_divide(u_char *p, ngx_uint_t n,
    ngx_uint_t divisor);


static const ngx_av_stats_metric_t  ngx_av_stats_counters[] = {
#define NGX_AV_STATS_METRIC(id, name, label, help)  { name, label, help },
    NGX_AV_STATS_COUNTERS(NGX_AV_STATS_METRIC)
};

static const ngx_av_stats_metric_t  ngx_av_stats_gauges[] = {
    NGX_AV_STATS_GAUGES(NGX_AV_STATS_METRIC)
#undef NGX_AV_STATS_METRIC
};


#define NGX_AV_STATS_BOUNDS(id, name, help, divisor, ...)                     \
    static const ngx_uint_t  ngx_av_stats_bounds_##id[] = { __VA_ARGS__ };

NGX_AV_STATS_HISTOGRAMS(NGX_AV_STATS_BOUNDS)

static const ngx_av_stats_scale_t  ngx_av_stats_scales[] = {
#define NGX_AV_STATS_SCALE(id, name, help, divisor, ...)                      \
    { name, help, divisor, ngx_av_stats_bounds_##id,                          \
      sizeof(ngx_av_stats_bounds_##id) / sizeof(ngx_uint_t) },
    NGX_AV_STATS_HISTOGRAMS(NGX_AV_STATS_SCALE)
#undef NGX_AV_STATS_SCALE
};


/* The last place is for all others. */

static const ngx_uint_t  ngx_av_stats_statuses[NGX_AV_STATS_STATUSES - 1] = {
    200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 429, 499, 500, 503
};


void
ngx_av_stats_add(ngx_av_stats_counter_e counter, ngx_uint_t n)
{
    if (ngx_av_zone) {
        (void) ngx_atomic_fetch_add(&ngx_av_zone->stats.counters[counter], n);
    }
}


void
ngx_av_stats_set(ngx_av_stats_gauge_e gauge, ngx_uint_t value)
{
    if (ngx_av_zone_worker) {
        ngx_av_zone_worker->gauges[gauge] = value;
    }
}


void
ngx_av_stats_observe(ngx_av_stats_histogram_e histogram, ngx_uint_t v)
{
    ngx_uint_t                   i;
    ngx_av_stats_histogram_t    *h;
    const ngx_av_stats_scale_t  *scale;

    if (ngx_av_zone == NULL) {
        return;
    }

    h = &ngx_av_zone->stats.histograms[histogram];
    scale = &ngx_av_stats_scales[histogram];

    for (i = 0; i < scale->nbounds; i++) {
        if (v <= scale->bounds[i]) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&h->buckets[i], 1);
    (void) ngx_atomic_fetch_add(&h->sum, v);
}


void
ngx_av_stats_request(ngx_uint_t route, ngx_uint_t status)
{
    ngx_uint_t  i;

    if (ngx_av_zone == NULL || route >= NGX_AV_STATS_ROUTES) {
        return;
    }

    for (i = 0; i < NGX_AV_STATS_STATUSES - 1; i++) {
        if (ngx_av_stats_statuses[i] == status) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&ngx_av_zone->stats.requests[route][i], 1);
}


ngx_chain_t *
ngx_av_stats_text(ngx_pool_t *pool, const ngx_str_t *route_names,
    ngx_uint_t nroutes)
{
    ngx_buf_t     *buf;
    ngx_chain_t   *cl;
    ngx_av_buf_t   b;

    cl = ngx_alloc_chain_link(pool);
    buf = ngx_calloc_buf(pool);

    if (cl == NULL || buf == NULL
        || ngx_av_buf_init(&b, pool, NGX_AV_STATS_TEXT_SIZE) != NGX_OK)
    {
        return NULL;
    }

    if (ngx_av_zone) {
        if (ngx_av_stats_text_requests(&b, route_names, nroutes) != NGX_OK
            || ngx_av_stats_text_counters(&b) != NGX_OK
            || ngx_av_stats_text_gauges(&b) != NGX_OK
            || ngx_av_stats_text_histograms(&b) != NGX_OK
            || ngx_av_stats_text_zone(&b) != NGX_OK)
        {
            return NULL;
        }
    }

    buf->start = b.start;
    buf->pos = b.start;
    buf->last = b.last;
    buf->end = b.end;
    buf->temporary = 1;

    cl->buf = buf;
    cl->next = NULL;

    return cl;
}


static ngx_int_t
ngx_av_stats_text_counters(ngx_av_buf_t *b)
{
    ngx_uint_t                    i;
    const char                   *last;
    const ngx_av_stats_metric_t  *m;

    last = "";

    for (i = 0; i < NGX_AV_STATS_NCOUNTERS; i++) {
        m = &ngx_av_stats_counters[i];

        if (ngx_strcmp(m->name, last) != 0
            && ngx_av_stats_head(b, m->name, "counter", m->help) != NGX_OK)
        {
            return NGX_ERROR;
        }

        last = m->name;

        if (ngx_av_stats_sample(b, m, ngx_av_zone->stats.counters[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_stats_text_gauges(ngx_av_buf_t *b)
{
    ngx_uint_t                    i, n;
    const char                   *last;
    ngx_atomic_uint_t             sum;
    const ngx_av_stats_metric_t  *m;

    last = "";

    for (i = 0; i < NGX_AV_STATS_NGAUGES; i++) {
        m = &ngx_av_stats_gauges[i];

        if (ngx_strcmp(m->name, last) != 0
            && ngx_av_stats_head(b, m->name, "gauge", m->help) != NGX_OK)
        {
            return NGX_ERROR;
        }

        last = m->name;
        sum = 0;

        /* a place without a worker has zeros */

        for (n = 0; n < NGX_AV_ZONE_WORKERS; n++) {
            sum += ngx_av_zone->workers[n].gauges[i];
        }

        if (ngx_av_stats_sample(b, m, sum) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_stats_text_histograms(ngx_av_buf_t *b)
{
    ngx_uint_t                   i;
    const ngx_av_stats_scale_t  *scale;

    for (i = 0; i < NGX_AV_STATS_NHISTOGRAMS; i++) {
        scale = &ngx_av_stats_scales[i];

        if (ngx_av_stats_head(b, scale->name, "histogram", scale->help)
            != NGX_OK
            || ngx_av_stats_text_histogram(b, scale,
                                           &ngx_av_zone->stats.histograms[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_stats_text_histogram(ngx_av_buf_t *b, const ngx_av_stats_scale_t *scale,
    ngx_av_stats_histogram_t *h)
{
    u_char             *p;
    ngx_uint_t          i;
    ngx_atomic_uint_t   n;
    u_char              number[NGX_INT64_LEN + 2];

    n = 0;

    for (i = 0; i < scale->nbounds; i++) {
        n += h->buckets[i];
        p = ngx_av_stats_divide(number, scale->bounds[i], scale->divisor);

        if (ngx_av_stats_line(b, "%s_bucket{le=\"%*s\"} %uA\n", scale->name,
                              (size_t) (p - number), number, n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    n += h->buckets[i];
    p = ngx_av_stats_divide(number, h->sum, scale->divisor);

    return ngx_av_stats_line(b, "%s_bucket{le=\"+Inf\"} %uA\n"
                             "%s_sum %*s\n"
                             "%s_count %uA\n",
                             scale->name, n,
                             scale->name, (size_t) (p - number), number,
                             scale->name, n);
}


static ngx_int_t
ngx_av_stats_text_requests(ngx_av_buf_t *b, const ngx_str_t *route_names,
    ngx_uint_t nroutes)
{
    u_char             *p;
    ngx_uint_t          i, n;
    ngx_atomic_uint_t   count;
    u_char              status[NGX_INT_T_LEN];

    if (ngx_av_stats_head(b, "agentvista_requests_total", "counter",
                          "Requests by route and status")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    nroutes = ngx_min(nroutes, NGX_AV_STATS_ROUTES);

    for (i = 0; i < nroutes; i++) {
        for (n = 0; n < NGX_AV_STATS_STATUSES; n++) {

            count = ngx_av_zone->stats.requests[i][n];

            if (count == 0) {
                continue;
            }

            if (n < NGX_AV_STATS_STATUSES - 1) {
                p = ngx_sprintf(status, "%ui", ngx_av_stats_statuses[n]);

            } else {
                p = ngx_cpymem(status, "other", sizeof("other") - 1);
            }

            if (ngx_av_stats_line(b, "agentvista_requests_total"
                                  "{route=\"%V\",status=\"%*s\"} %uA\n",
                                  &route_names[i],
                                  (size_t) (p - status), status, count)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_stats_text_zone(ngx_av_buf_t *b)
{
    if (ngx_av_stats_head(b, "agentvista_zone_free_bytes", "gauge",
                          "Whole free pages of the shared zone")
        != NGX_OK
        || ngx_av_stats_line(b, "agentvista_zone_free_bytes %uz\n",
                             ngx_av_zone_pool->pfree * ngx_pagesize)
           != NGX_OK
        || ngx_av_stats_head(b, "agentvista_cached_keys", "gauge",
                             "API keys in the shared zone")
           != NGX_OK
        || ngx_av_stats_line(b, "agentvista_cached_keys{kind=\"known\"} %ui\n"
                             "agentvista_cached_keys{kind=\"unknown\"} %ui\n",
                             ngx_av_zone->nkeys, ngx_av_zone->nunknown)
           != NGX_OK
        || ngx_av_stats_head(b, "agentvista_database_listening", "gauge",
                             "1 if changes of keys and limits are told by "
                             "the database")
           != NGX_OK
        || ngx_av_stats_line(b, "agentvista_database_listening %ui\n",
                             ngx_av_zone_is_heard())
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_stats_head(ngx_av_buf_t *b, const char *name, const char *type,
    const char *help)
{
    return ngx_av_stats_line(b, "# HELP %s %s\n# TYPE %s %s\n", name, help,
                             name, type);
}


static ngx_int_t
ngx_av_stats_sample(ngx_av_buf_t *b, const ngx_av_stats_metric_t *m,
    ngx_atomic_uint_t value)
{
    if (m->label[0] == '\0') {
        return ngx_av_stats_line(b, "%s %uA\n", m->name, value);
    }

    return ngx_av_stats_line(b, "%s{%s} %uA\n", m->name, m->label, value);
}


static ngx_int_t
ngx_av_stats_line(ngx_av_buf_t *b, const char *fmt, ...)
{
    va_list  args;

    if (ngx_av_buf_reserve(b, NGX_AV_STATS_LINE) != NGX_OK) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    b->last = ngx_vslprintf(b->last, b->last + NGX_AV_STATS_LINE, fmt, args);
    va_end(args);

    return NGX_OK;
}


/* Writes n / divisor, a power of ten, without trailing zeros. */

static u_char *
ngx_av_stats_divide(u_char *p, ngx_uint_t n, ngx_uint_t divisor)
{
    ngx_uint_t  rest;

    p = ngx_sprintf(p, "%ui", n / divisor);
    rest = n % divisor;

    if (rest == 0) {
        return p;
    }

    *p++ = '.';

    do {
        divisor /= 10;
        *p++ = (u_char) ('0' + rest / divisor);
        rest %= divisor;
    } while (rest);

    return p;
}
