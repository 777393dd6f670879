/*
 * Runs a query: one statement, and one JSON text, passed through untouched; or
 * rows of which the answer is made.
 */

#include "ngx_av_router.h"
#include "ngx_av_api.h"
#include "ngx_av_body.h"
#include "ngx_av_chunks.h"
#include "ngx_av_objects.h"


#define NGX_AV_QUERY_CANCELED   "57014"
#define NGX_AV_QUERY_POOL_SIZE  2048

/* seconds */
#define NGX_AV_QUERY_RETRY_AFTER  1

/* of JSON, which is small here: telemetry goes another way */
#define NGX_AV_QUERY_MAX_BODY  262144


typedef struct ngx_av_query_s  ngx_av_query_t;

/* In the request's pool; whichever side ends first cuts the other off. */
typedef struct {
    ngx_http_request_t            *request;
    ngx_av_query_t                *query;   /* NULL: it has ended */
} ngx_av_query_wait_t;

/* In a pool of its own: it is not over when the client leaves. */
struct ngx_av_query_s {
    ngx_av_db_op_t                 op;
    ngx_av_db_call_t               call;
    ngx_pool_t                    *pool;
    ngx_av_query_wait_t           *wait;    /* NULL: the client has left */
    const ngx_av_route_t          *route;
    ngx_av_span_chunk_t            chunk;   /* in the request's pool */
    ngx_int_t                      rc;      /* NGX_DECLINED: nothing came */
};


static ngx_int_t ngx_av_query_read_body(ngx_http_request_t *r);
static ngx_int_t ngx_av_query_check_type(ngx_http_request_t *r);
static void ngx_av_query_body(ngx_http_request_t *r);
static ngx_int_t ngx_av_query_start(ngx_http_request_t *r, ngx_str_t *body);
static ngx_int_t ngx_av_query_prepare(ngx_http_request_t *r,
    ngx_av_query_t *query, ngx_str_t *body);
static ngx_int_t ngx_av_query_wait(ngx_http_request_t *r,
    ngx_av_query_t *query);
static void ngx_av_query_detach(void *data);
static void ngx_av_query_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static ngx_int_t ngx_av_query_text(ngx_pool_t *pool,
    const ngx_av_db_result_t *res, ngx_str_t *text);
static void ngx_av_query_done(ngx_av_db_op_t *op);
static ngx_int_t ngx_av_query_answer(ngx_http_request_t *r,
    ngx_av_query_t *query);
static ngx_int_t ngx_av_query_send(ngx_http_request_t *r, ngx_str_t *json);
static ngx_int_t ngx_av_query_failed(ngx_http_request_t *r,
    ngx_av_query_t *query);
static ngx_int_t ngx_av_query_unavailable(ngx_http_request_t *r,
    ngx_av_query_t *query, const char *detail);


static ngx_av_db_pool_t  *ngx_av_query_readers;


void
ngx_av_query_init_process(ngx_av_db_pool_t *readers)
{
    ngx_av_query_readers = readers;
}


ngx_int_t
ngx_av_query_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_str_t              body;
    ngx_av_http_ctx_t     *ctx;
    const ngx_av_route_t  *route;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);
    route = ctx->route;

    if (ngx_av_params_want_body(route->params)) {
        return ngx_av_query_read_body(r);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_null(&body);

    rc = ngx_av_query_start(r, &body);

    if (rc == NGX_DONE) {
        r->main->count++;
    }

    return rc;
}


static ngx_int_t
ngx_av_query_read_body(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    const ngx_av_coding_t  *coding;

    rc = ngx_av_query_check_type(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_body_check_encoding(r, &coding);
    if (rc != NGX_OK) {
        return rc;
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_av_query_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_av_query_check_type(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *type;

    if (r->headers_in.content_length_n > NGX_AV_QUERY_MAX_BODY) {
        return ngx_av_http_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 "Request body too large.");
    }

    if (r->headers_in.content_type == NULL
        || r->headers_in.content_type->value.len == 0)
    {
        return NGX_OK;
    }

    type = &r->headers_in.content_type->value;
    len = sizeof("application/json") - 1;

    if (type->len >= len
        && ngx_strncasecmp(type->data, (u_char *) "application/json", len)
           == 0
        && (type->len == len || ngx_strchr("; \t", type->data[len])))
    {
        return NGX_OK;
    }

    return ngx_av_http_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                             "Content-Type must be application/json.");
}


static void
ngx_av_query_body(ngx_http_request_t *r)
{
    size_t     taken;
    ngx_int_t  rc;
    ngx_str_t  body;

    taken = 0;

    rc = ngx_av_body_get(r, &body, &taken);

    ngx_av_budget_give(taken);

    if (rc == NGX_OK && body.len > NGX_AV_QUERY_MAX_BODY) {
        rc = ngx_av_http_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                               "Request body too large.");
    }

    if (rc == NGX_OK) {
        rc = ngx_av_query_start(r, &body);
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/* NGX_DONE: the answer is on its way, by the reference that it was given. */

static ngx_int_t
ngx_av_query_start(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                rc;
    ngx_pool_t              *pool;
    ngx_av_query_t          *query;
    ngx_av_http_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    pool = ngx_create_pool(NGX_AV_QUERY_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    query = ngx_pcalloc(pool, sizeof(ngx_av_query_t));
    if (query == NULL) {
        ngx_destroy_pool(pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    query->pool = pool;

    rc = ngx_av_query_prepare(r, query, body);

    if (rc == NGX_OK && ngx_av_query_wait(r, query) != NGX_OK) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_destroy_pool(pool);
        return rc;
    }

    query->op.calls = &query->call;
    query->op.ncalls = 1;
    query->op.result = ngx_av_query_result;
    query->op.done = ngx_av_query_done;
    query->op.data = query;
    query->op.timeout = alcf->timeout;
    query->op.log = ngx_cycle->log;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "agentvista query: %s", query->call.statement->name);

    ngx_av_db_submit(ngx_av_query_readers, &query->op);

    return NGX_DONE;
}


/* The statement and its parameters; or what the request is to end with. */

static ngx_int_t
ngx_av_query_prepare(ngx_http_request_t *r, ngx_av_query_t *query,
    ngx_str_t *body)
{
    ngx_int_t                     rc;
    ngx_av_uuid_t                *account;
    ngx_av_params_t               ps;
    ngx_av_http_ctx_t            *ctx;
    const ngx_av_route_t         *route;
    const ngx_av_db_statement_t  *statement;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);
    route = ctx->route;

    statement = ngx_av_router_statement(route);

    ngx_memzero(&ps, sizeof(ngx_av_params_t));

    ps.pool = query->pool;
    ps.body = *body;
    ps.values = ngx_palloc(query->pool, statement->nparams * sizeof(char *));
    ps.lengths = ngx_palloc(query->pool, statement->nparams * sizeof(int));
    ps.first = 1;

    account = ngx_palloc(query->pool, sizeof(ngx_av_uuid_t));

    if (ps.values == NULL || ps.lengths == NULL || account == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *account = ctx->identity.account;

    ps.values[0] = (char *) account->bytes;
    ps.lengths[0] = sizeof(ngx_av_uuid_t);

    rc = ngx_av_query_params(r, &ps, route);
    if (rc != NGX_OK) {
        return rc;
    }

    query->route = route;
    query->rc = NGX_DECLINED;
    query->call.statement = statement;
    query->call.values = ps.values;
    query->call.lengths = ps.lengths;

    return NGX_OK;
}


ngx_int_t
ngx_av_query_params(ngx_http_request_t *r, ngx_av_params_t *ps,
    const ngx_av_route_t *route)
{
    ngx_int_t           rc;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    ps->log = r->connection->log;
    ps->params = route->params;
    ps->segments = ctx->params;
    ps->args = r->args;
    ps->strict = route->style->strict;

    rc = ngx_av_params_read(ps);

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return route->style->invalid(r, ps);

    case NGX_ABORT:
        return ngx_av_http_error(r, NGX_HTTP_NOT_FOUND, "Not found.");

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* Joins the two, and watches for the client leaving. */

static ngx_int_t
ngx_av_query_wait(ngx_http_request_t *r, ngx_av_query_t *query)
{
    ngx_event_t          *rev;
    ngx_http_cleanup_t   *cln;
    ngx_av_query_wait_t  *wait;

    cln = ngx_http_cleanup_add(r, sizeof(ngx_av_query_wait_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    wait = cln->data;
    wait->request = r;
    wait->query = NULL;
    cln->handler = ngx_av_query_detach;

    /* a body that is still being discarded has its own handler */

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
        rev = r->connection->read;

        if (rev->ready) {
            ngx_post_event(rev, &ngx_posted_events);

        } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    wait->query = query;
    query->wait = wait;

    return NGX_OK;
}


static void
ngx_av_query_detach(void *data)
{
    ngx_av_query_wait_t  *wait = data;

    if (wait->query) {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, wait->request->connection->log, 0,
                       "agentvista query detached: %s",
                       wait->query->call.statement->name);

        wait->query->wait = NULL;
    }
}


static void
ngx_av_query_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_pool_t            *pool;
    ngx_av_query_t        *query = op->data;
    const ngx_av_route_t  *route;

    if (query->wait == NULL) {
        return;
    }

    pool = query->wait->request->pool;
    route = query->route;

    if (route->form) {
        query->rc = ngx_av_span_rows(pool, res, route->form, &query->chunk);

    } else if (route->objects) {
        query->rc = ngx_av_objects(pool, res, &query->chunk.text);

    } else {
        query->rc = ngx_av_query_text(pool, res, &query->chunk.text);
    }
}


static ngx_int_t
ngx_av_query_text(ngx_pool_t *pool, const ngx_av_db_result_t *res,
    ngx_str_t *text)
{
    ngx_str_t  value;

    if (ngx_av_db_nrows(res) == 0 || ngx_av_db_is_null(res, 0, 0)) {
        return NGX_DECLINED;
    }

    value = ngx_av_db_value(res, 0, 0);

    text->len = value.len;
    text->data = ngx_pstrdup(pool, &value);

    return text->data ? NGX_OK : NGX_ERROR;
}


static void
ngx_av_query_done(ngx_av_db_op_t *op)
{
    ngx_int_t             rc;
    ngx_av_query_t       *query = op->data;
    ngx_http_request_t   *r;
    ngx_av_query_wait_t  *wait;

    wait = query->wait;

    if (wait == NULL) {
        ngx_destroy_pool(query->pool);
        return;
    }

    wait->query = NULL;
    r = wait->request;

    ngx_av_http_resume_log(r);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "agentvista query done: %s, status %ui",
                   query->call.statement->name, (ngx_uint_t) op->status);

    rc = ngx_av_query_answer(r, query);

    ngx_destroy_pool(query->pool);

    ngx_av_http_finish(r, rc);
}


static ngx_int_t
ngx_av_query_answer(ngx_http_request_t *r, ngx_av_query_t *query)
{
    switch (query->op.status) {

    case NGX_AV_DB_OK:
        break;

    case NGX_AV_DB_FAILED:
        return ngx_av_query_failed(r, query);

    case NGX_AV_DB_BUSY:
        return ngx_av_query_unavailable(r, query,
                                        "Too many queries are waiting.");

    case NGX_AV_DB_CLOSED:
        return ngx_av_query_unavailable(r, query,
                                        "The server is shutting down.");

    case NGX_AV_DB_LOST:
        return ngx_av_query_unavailable(r, query,
                                        "The database did not answer.");

    default: /* NGX_AV_DB_TIMEOUT */

        if (ngx_av_db_pool_ready(ngx_av_query_readers) == 0) {
            return ngx_av_query_unavailable(r, query,
                                            "The database is not available.");
        }

        return ngx_av_query_unavailable(r, query, "The database is too busy.");
    }

    switch (query->rc) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_av_http_error(r, NGX_HTTP_NOT_FOUND, "Not found.");

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (query->route->form) {
        return ngx_av_chunks_send(r, query->route->form, &query->chunk);
    }

    return ngx_av_query_send(r, &query->chunk.text);
}


static ngx_int_t
ngx_av_query_send(ngx_http_request_t *r, ngx_str_t *json)
{
    ngx_uint_t  status;

    switch (r->method) {

    case NGX_HTTP_POST:
        status = NGX_HTTP_CREATED;
        break;

    case NGX_HTTP_DELETE:
        status = NGX_HTTP_NO_CONTENT;
        json->len = 0;
        break;

    default:
        status = NGX_HTTP_OK;
    }

    return ngx_av_router_send(r, status, json);
}


static ngx_int_t
ngx_av_query_failed(ngx_http_request_t *r, ngx_av_query_t *query)
{
    ngx_str_t    id;
    const char  *sqlstate;

    sqlstate = query->op.sqlstate;

    if (ngx_strcmp(sqlstate, NGX_AV_QUERY_CANCELED) == 0) {
        return ngx_av_query_unavailable(r, query,
                            "The query took too long and was cancelled.");
    }

    if (ngx_av_db_blame(sqlstate) == NGX_AV_DB_RETRY) {
        return ngx_av_query_unavailable(r, query,
                                        "The database cannot answer now.");
    }

    /* what is known to be no value of its type was refused before */

    id = ngx_av_http_request_id(r);

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "query \"%s\" failed with SQLSTATE %s, request id %V",
                  query->call.statement->name, sqlstate, &id);

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_av_query_unavailable(ngx_http_request_t *r, ngx_av_query_t *query,
    const char *detail)
{
    ngx_str_t  id;

    id = ngx_av_http_request_id(r);

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "query \"%s\" was not answered: %s Request id %V",
                  query->call.statement->name, detail, &id);

    return ngx_av_http_unavailable(r, NGX_AV_QUERY_RETRY_AFTER, "%s", detail);
}
