/*
 * What operators ask, at locations of their choice: is the process alive, can
 * it serve, what has it done.  Nothing here waits for the database.
 */

#include "ngx_av_router.h"
#include "ngx_av_api.h"
#include "ngx_av_buf.h"
#include "ngx_av_json.h"
#include "ngx_av_stats.h"
#include "ngx_av_writer.h"
#include "ngx_av_zone.h"


#define NGX_AV_STATUS_INTERVAL     1000

/* seconds */
#define NGX_AV_STATUS_RETRY_AFTER  "5"


typedef struct {
    ngx_event_t        event;
    ngx_connection_t   dumb;        /* debug logging reads its fd */
    ngx_av_db_pool_t  *readers;
} ngx_av_status_timer_t;


static ngx_int_t ngx_av_status_handler(ngx_http_request_t *r,
    ngx_http_handler_pt answer);
static ngx_int_t ngx_av_status_health(ngx_http_request_t *r);
static ngx_int_t ngx_av_status_readiness(ngx_http_request_t *r);
static ngx_int_t ngx_av_status_counters(ngx_http_request_t *r);
static ngx_int_t ngx_av_status_problem(ngx_av_buf_t *b, const char *prefix,
    ngx_str_t *problem);
static ngx_int_t ngx_av_status_zone_problems(ngx_av_buf_t *b);
static ngx_int_t ngx_av_status_not_ready(ngx_http_request_t *r,
    const char *status, ngx_av_buf_t *problems);
static void ngx_av_status_tick(ngx_event_t *ev);


static ngx_av_status_timer_t  ngx_av_status_timer;

static ngx_str_t  ngx_av_status_ok = ngx_string("{\"status\":\"ok\"}");
static ngx_str_t  ngx_av_status_text =
    ngx_string("text/plain; version=0.0.4; charset=utf-8");


ngx_int_t
ngx_av_status_healthz(ngx_http_request_t *r)
{
    return ngx_av_status_handler(r, ngx_av_status_health);
}


ngx_int_t
ngx_av_status_readyz(ngx_http_request_t *r)
{
    return ngx_av_status_handler(r, ngx_av_status_readiness);
}


ngx_int_t
ngx_av_status_metrics(ngx_http_request_t *r)
{
    return ngx_av_status_handler(r, ngx_av_status_counters);
}


static ngx_int_t
ngx_av_status_handler(ngx_http_request_t *r, ngx_http_handler_pt answer)
{
    ngx_int_t         rc;
    static ngx_str_t  name = ngx_string("Allow");
    static ngx_str_t  value = ngx_string("GET, HEAD");
    static ngx_str_t  json = ngx_string(
                "{\"detail\":\"Method not allowed. Allowed: GET, HEAD.\"}");

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return answer(r);
    }

    if (ngx_av_http_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_send(r, NGX_HTTP_NOT_ALLOWED, &json);
}


static ngx_int_t
ngx_av_status_health(ngx_http_request_t *r)
{
    return ngx_av_http_send(r, NGX_HTTP_OK, &ngx_av_status_ok);
}


/*
 * 503 says that this server should get no traffic now: "unavailable" if it
 * cannot do its work, "degraded" if it can but its database does not keep what
 * a 200 promises.  A load balancer must treat the two alike: sending agents'
 * data where it may be lost is the worse failure, because it is not seen.
 */

static ngx_int_t
ngx_av_status_readiness(ngx_http_request_t *r)
{
    size_t         troubles;
    ngx_str_t      trouble;
    ngx_av_buf_t   problems;

    if (ngx_av_buf_init(&problems, r->pool, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    trouble = ngx_av_db_pool_trouble(ngx_av_status_timer.readers);

    if (ngx_av_status_problem(&problems, "cannot read: ", &trouble)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    trouble = ngx_av_writer_trouble();

    if (ngx_av_status_problem(&problems, "cannot write: ", &trouble)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    troubles = ngx_av_buf_len(&problems);

    if (ngx_av_status_zone_problems(&problems) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (troubles) {
        return ngx_av_status_not_ready(r, "unavailable", &problems);
    }

    if (ngx_av_buf_len(&problems)) {
        return ngx_av_status_not_ready(r, "degraded", &problems);
    }

    return ngx_av_http_send(r, NGX_HTTP_OK, &ngx_av_status_ok);
}


static ngx_int_t
ngx_av_status_counters(ngx_http_request_t *r)
{
    ngx_chain_t  *out;

    out = ngx_av_stats_text(r->pool, ngx_av_router_names,
                            ngx_av_router_nnames);
    if (out == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_send_chain(r, NGX_HTTP_OK, &ngx_av_status_text, out);
}


/* Appends to the elements of a JSON array; an empty problem is none. */

static ngx_int_t
ngx_av_status_problem(ngx_av_buf_t *b, const char *prefix,
    ngx_str_t *problem)
{
    u_char  *text, *last;

    if (problem->len == 0) {
        return NGX_OK;
    }

    if (ngx_av_buf_len(b) && ngx_av_buf_append(b, ",", 1) != NGX_OK) {
        return NGX_ERROR;
    }

    text = ngx_pnalloc(b->pool, ngx_strlen(prefix) + problem->len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(text, "%s%V", prefix, problem);

    return ngx_av_json_write_string(b, text, last - text);
}


/* What agentvista.health() said, joined by "; ". */

static ngx_int_t
ngx_av_status_zone_problems(ngx_av_buf_t *b)
{
    u_char     *p, *last;
    u_char      buf[NGX_AV_ZONE_PROBLEMS];
    ngx_str_t   problems, problem;

    if (ngx_av_zone->heard == 0) {

        /* at the start, or the connection that asks for it is lost */

        ngx_str_set(&problem, "the state of the database is not known");

        if (ngx_av_status_problem(b, "", &problem) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    problems = ngx_av_zone_problems(buf);

    p = problems.data;
    last = p + problems.len;

    while (p < last) {
        problem.data = p;

        while (p < last && !(p[0] == ';' && last - p > 1 && p[1] == ' ')) {
            p++;
        }

        problem.len = p - problem.data;

        if (ngx_av_status_problem(b, "", &problem) != NGX_OK) {
            return NGX_ERROR;
        }

        while (p < last && (*p == ';' || *p == ' ')) {
            p++;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_status_not_ready(ngx_http_request_t *r, const char *status,
    ngx_av_buf_t *problems)
{
    size_t            len;
    ngx_str_t         json;
    static ngx_str_t  name = ngx_string("Retry-After");
    static ngx_str_t  value = ngx_string(NGX_AV_STATUS_RETRY_AFTER);

    if (ngx_av_http_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    len = sizeof("{\"status\":\"\",\"problems\":[]}") - 1 + ngx_strlen(status)
          + ngx_av_buf_len(problems);

    json.data = ngx_pnalloc(r->pool, len);
    if (json.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json.len = ngx_sprintf(json.data, "{\"status\":\"%s\",\"problems\":[%*s]}",
                           status, ngx_av_buf_len(problems), problems->start)
               - json.data;

    return ngx_av_http_send(r, NGX_HTTP_SERVICE_UNAVAILABLE, &json);
}


ngx_int_t
ngx_av_status_init_process(ngx_cycle_t *cycle, ngx_av_db_pool_t *readers)
{
    ngx_event_t  *ev;

    ngx_av_status_timer.readers = readers;
    ngx_av_status_timer.dumb.fd = (ngx_socket_t) -1;

    ev = &ngx_av_status_timer.event;

    ev->handler = ngx_av_status_tick;
    ev->data = &ngx_av_status_timer.dumb;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_AV_STATUS_INTERVAL);

    return NGX_OK;
}


/* Publishes this worker's gauges of the reader pool. */

static void
ngx_av_status_tick(ngx_event_t *ev)
{
    ngx_av_db_pool_t  *readers;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    readers = ngx_av_status_timer.readers;

    ngx_av_stats_set(NGX_AV_STATS_READERS_READY,
                     ngx_av_db_pool_ready(readers));
    ngx_av_stats_set(NGX_AV_STATS_READERS_IDLE, ngx_av_db_pool_idle(readers));
    ngx_av_stats_set(NGX_AV_STATS_READERS_QUEUED,
                     ngx_av_db_pool_queued(readers));

    ngx_add_timer(ev, NGX_AV_STATUS_INTERVAL);
}
