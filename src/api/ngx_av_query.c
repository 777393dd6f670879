/* Runs a read: one statement, one JSON text, passed through untouched. */

#include "ngx_av_router.h"
#include "ngx_av_api.h"


#define NGX_AV_QUERY_CANCELED   "57014"
#define NGX_AV_QUERY_POOL_SIZE  1024

/* seconds */
#define NGX_AV_QUERY_RETRY_AFTER  1

/* the account, and what the path of a route can have */
#define NGX_AV_QUERY_MAX_PARAMS                                               \
    (1 + sizeof(((ngx_av_http_ctx_t *) 0)->params) / sizeof(ngx_str_t))


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
    const char                    *values[NGX_AV_QUERY_MAX_PARAMS];
    int                            lengths[NGX_AV_QUERY_MAX_PARAMS];
    ngx_av_uuid_t                  uuids[NGX_AV_QUERY_MAX_PARAMS];
    ngx_pool_t                    *pool;
    ngx_av_query_wait_t           *wait;    /* NULL: the client has left */
    ngx_str_t                      json;    /* in the request's pool */
    unsigned                       failed:1;
};


static ngx_int_t ngx_av_query_params(ngx_av_query_t *query,
    ngx_av_http_ctx_t *ctx, const ngx_av_db_statement_t *statement);
static ngx_int_t ngx_av_query_wait(ngx_http_request_t *r,
    ngx_av_query_t *query);
static void ngx_av_query_detach(void *data);
static void ngx_av_query_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_query_done(ngx_av_db_op_t *op);
static ngx_int_t ngx_av_query_answer(ngx_http_request_t *r,
    ngx_av_query_t *query);
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
    ngx_int_t                rc;
    ngx_pool_t              *pool;
    ngx_av_query_t          *query;
    ngx_av_http_ctx_t       *ctx;
    const ngx_av_route_t    *route;
    ngx_av_http_loc_conf_t  *alcf;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);
    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);
    route = ctx->route;

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

    rc = ngx_av_query_params(query, ctx, route->statement);

    if (rc == NGX_OK) {
        rc = ngx_av_query_wait(r, query);
    }

    if (rc != NGX_OK) {
        ngx_destroy_pool(pool);

        if (rc == NGX_DECLINED) {
            return ngx_av_http_error(r, NGX_HTTP_NOT_FOUND, "Not found.");
        }

        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    query->call.statement = route->statement;
    query->call.values = query->values;
    query->call.lengths = query->lengths;

    query->op.calls = &query->call;
    query->op.ncalls = 1;
    query->op.result = ngx_av_query_result;
    query->op.done = ngx_av_query_done;
    query->op.data = query;
    query->op.timeout = alcf->timeout;
    query->op.log = ngx_cycle->log;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "agentvista query: %s", route->statement->name);

    r->main->count++;

    ngx_av_db_submit(ngx_av_query_readers, &query->op);

    return NGX_DONE;
}


/*
 * Binary parameters of the statement's types, from the account and the path.
 * NGX_DECLINED if one is not of its type: there is no such thing then.
 */

static ngx_int_t
ngx_av_query_params(ngx_av_query_t *query, ngx_av_http_ctx_t *ctx,
    const ngx_av_db_statement_t *statement)
{
    ngx_str_t   *param;
    ngx_uint_t   i;

    query->uuids[0] = ctx->identity.account;

    for (i = 1; i < statement->nparams; i++) {
        param = &ctx->params[i - 1];

        /* all of them are NGX_AV_DB_UUID so far */

        if (ngx_av_uuid_parse(param->data, param->len, &query->uuids[i])
            != NGX_OK)
        {
            return NGX_DECLINED;
        }
    }

    for (i = 0; i < statement->nparams; i++) {
        query->values[i] = (const char *) query->uuids[i].bytes;
        query->lengths[i] = sizeof(ngx_av_uuid_t);
    }

    return NGX_OK;
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
    ngx_str_t        json;
    ngx_av_query_t  *query = op->data;

    if (query->wait == NULL
        || ngx_av_db_nrows(res) == 0
        || ngx_av_db_is_null(res, 0, 0))
    {
        return;
    }

    json = ngx_av_db_value(res, 0, 0);

    query->json.len = json.len;
    query->json.data = ngx_pstrdup(query->wait->request->pool, &json);

    if (query->json.data == NULL) {
        query->failed = 1;
    }
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

    if (query->failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (query->json.data == NULL) {
        return ngx_av_http_error(r, NGX_HTTP_NOT_FOUND, "Not found.");
    }

    return ngx_av_router_send(r, &query->json);
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
