/*
 * Answers in chunks.  The next one is asked for when the client has taken the
 * last, so that a worker holds one chunk a client, and no connection to
 * Postgres while a client is slow.
 */

#include "ngx_av_chunks.h"

#include "ngx_av_http.h"


#define NGX_AV_CHUNKS_POOL_SIZE  1024


typedef struct ngx_av_chunks_step_s  ngx_av_chunks_step_t;

/* In the request's pool. */
typedef struct {
    ngx_http_request_t        *request;
    const ngx_av_span_form_t  *form;
    ngx_buf_t                 *buf;     /* what the client is being sent */
    ngx_pool_t                *pool;    /* of buf, if not the request's */
    ngx_str_t                  rest;    /* in there; len is 0 at the end */
    ngx_av_chunks_step_t      *step;    /* asked for and not there yet */
} ngx_av_chunks_stream_t;

/* A statement in a pool of its own, which its chunk then lives in. */
struct ngx_av_chunks_step_s {
    ngx_av_db_op_t             op;
    ngx_av_db_call_t           call;
    const char                *values[2];
    int                        lengths[2];
    ngx_av_uuid_t              account;
    ngx_pool_t                *pool;
    ngx_av_chunks_stream_t    *stream;  /* NULL: the client has left */
    ngx_av_span_chunk_t        chunk;
    ngx_int_t                  rc;      /* of ngx_av_span_rows() */
};


static ngx_int_t ngx_av_chunks_headers(ngx_http_request_t *r,
    ngx_av_span_chunk_t *chunk);
static ngx_int_t ngx_av_chunks_begin(ngx_http_request_t *r,
    const ngx_av_span_form_t *form, ngx_av_span_chunk_t *chunk);
static ngx_av_chunks_stream_t *ngx_av_chunks_stream(ngx_http_request_t *r);
static ngx_int_t ngx_av_chunks_output(ngx_av_chunks_stream_t *stream,
    ngx_av_span_chunk_t *chunk);
static ngx_int_t ngx_av_chunks_go_on(ngx_av_chunks_stream_t *stream);
static ngx_int_t ngx_av_chunks_wait(ngx_http_request_t *r);
static void ngx_av_chunks_writer(ngx_http_request_t *r);
static ngx_int_t ngx_av_chunks_ask(ngx_av_chunks_stream_t *stream);
static void ngx_av_chunks_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_chunks_done(ngx_av_db_op_t *op);
static ngx_int_t ngx_av_chunks_next(ngx_av_chunks_stream_t *stream,
    ngx_av_chunks_step_t *step);
static void ngx_av_chunks_leave(void *data);
static void ngx_av_chunks_free(void *data);


static ngx_av_db_pool_t             *ngx_av_chunks_readers;
static const ngx_av_db_statement_t  *ngx_av_chunks_more;


void
ngx_av_chunks_init_process(ngx_av_db_pool_t *readers,
    const ngx_av_db_statement_t *more)
{
    ngx_av_chunks_readers = readers;
    ngx_av_chunks_more = more;
}


ngx_int_t
ngx_av_chunks_send(ngx_http_request_t *r, const ngx_av_span_form_t *form,
    ngx_av_span_chunk_t *chunk)
{
    ngx_int_t  rc;

    if (chunk->type.len == 0) {
        ngx_str_set(&chunk->type, "application/json");
    }

    if (ngx_av_chunks_headers(r, chunk) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (chunk->rest.len == 0) {
        return ngx_av_http_send_text(r, NGX_HTTP_OK, &chunk->type,
                                     &chunk->text);
    }

    rc = ngx_av_chunks_begin(r, form, chunk);

    if (rc == NGX_DONE) {
        r->main->count++;
    }

    return rc;
}


static ngx_int_t
ngx_av_chunks_headers(ngx_http_request_t *r, ngx_av_span_chunk_t *chunk)
{
    static ngx_str_t  cache_control = ngx_string("Cache-Control");
    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  next_cursor = ngx_string("X-Next-Cursor");

    if (ngx_av_http_add_header(r, &cache_control, &no_store) != NGX_OK) {
        return NGX_ERROR;
    }

    if (chunk->page.len == 0) {
        return NGX_OK;
    }

    return ngx_av_http_add_header(r, &next_cursor, &chunk->page);
}


/* The header and the first chunk; NGX_DONE if others have to follow. */

static ngx_int_t
ngx_av_chunks_begin(ngx_http_request_t *r, const ngx_av_span_form_t *form,
    ngx_av_span_chunk_t *chunk)
{
    ngx_int_t                rc;
    ngx_av_http_ctx_t       *ctx;
    ngx_av_chunks_stream_t  *stream;

    ctx = ngx_av_http_ctx(r);
    stream = ngx_av_chunks_stream(r);

    if (ctx == NULL || stream == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    stream->form = form;

    ctx->answered = 1;
    r->disable_not_modified = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = -1;
    r->headers_out.content_type = chunk->type;
    r->headers_out.content_type_len = chunk->type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    r->write_event_handler = ngx_av_chunks_writer;

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    return ngx_av_chunks_output(stream, chunk);
}


static ngx_av_chunks_stream_t *
ngx_av_chunks_stream(ngx_http_request_t *r)
{
    ngx_http_cleanup_t      *cln;
    ngx_pool_cleanup_t      *pcln;
    ngx_av_chunks_stream_t  *stream;

    /* the one when the client leaves, the other when all has been sent */

    pcln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_av_chunks_stream_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (pcln == NULL || cln == NULL) {
        return NULL;
    }

    stream = pcln->data;
    ngx_memzero(stream, sizeof(ngx_av_chunks_stream_t));

    stream->request = r;

    pcln->handler = ngx_av_chunks_free;

    cln->handler = ngx_av_chunks_leave;
    cln->data = stream;

    return stream;
}


/* Sends a chunk; NGX_DONE if others have to follow. */

static ngx_int_t
ngx_av_chunks_output(ngx_av_chunks_stream_t *stream,
    ngx_av_span_chunk_t *chunk)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = stream->request;

    /* one for all chunks: the last was taken when the next is asked for */

    if (stream->buf == NULL) {
        stream->buf = ngx_calloc_buf(r->pool);
        if (stream->buf == NULL) {
            return NGX_ERROR;
        }
    }

    b = stream->buf;

    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = chunk->text.data;
    b->pos = b->start;
    b->last = b->start + chunk->text.len;
    b->end = b->last;
    b->memory = (b->pos != b->last);

    stream->rest = chunk->rest;

    if (stream->rest.len) {
        b->flush = 1;

    } else {
        b->last_buf = (r == r->main);
        b->last_in_chain = 1;
    }

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    if (rc == NGX_ERROR || stream->rest.len == 0) {
        return rc;
    }

    return ngx_av_chunks_go_on(stream);
}


/* NGX_DONE, or NGX_ERROR */

static ngx_int_t
ngx_av_chunks_go_on(ngx_av_chunks_stream_t *stream)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = stream->request;
    c = r->connection;

    if (r->buffered || r->postponed || (r == r->main && c->buffered)
        || stream->buf->pos != stream->buf->last)
    {
        return ngx_av_chunks_wait(r);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    return ngx_av_chunks_ask(stream);
}


static ngx_int_t
ngx_av_chunks_wait(ngx_http_request_t *r)
{
    ngx_event_t               *wev;
    ngx_http_core_loc_conf_t  *clcf;

    wev = r->connection->write;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static void
ngx_av_chunks_writer(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_event_t             *wev;
    ngx_http_cleanup_t      *cln;
    ngx_av_chunks_stream_t  *stream;

    wev = r->connection->write;

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_av_chunks_leave) {
            break;
        }
    }

    stream = cln->data;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;

        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (stream->step) {
        return;
    }

    if (wev->delayed || r->aio) {
        rc = ngx_av_chunks_wait(r);

    } else {
        rc = ngx_http_output_filter(r, NULL);

        if (rc != NGX_ERROR) {
            rc = ngx_av_chunks_go_on(stream);
        }
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


static ngx_int_t
ngx_av_chunks_ask(ngx_av_chunks_stream_t *stream)
{
    ngx_pool_t              *pool;
    ngx_str_t                rest;
    ngx_av_http_ctx_t       *ctx;
    ngx_http_request_t      *r;
    ngx_av_chunks_step_t    *step;
    ngx_av_http_loc_conf_t  *lcf;

    r = stream->request;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    pool = ngx_create_pool(NGX_AV_CHUNKS_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    step = ngx_pcalloc(pool, sizeof(ngx_av_chunks_step_t));
    rest.data = ngx_pstrdup(pool, &stream->rest);

    if (step == NULL || rest.data == NULL) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    step->pool = pool;
    step->rc = NGX_ERROR;
    step->account = ctx->identity.account;

    step->values[0] = (char *) step->account.bytes;
    step->lengths[0] = sizeof(ngx_av_uuid_t);
    step->values[1] = (char *) rest.data;
    step->lengths[1] = (int) stream->rest.len;

    step->call.statement = ngx_av_chunks_more;
    step->call.values = step->values;
    step->call.lengths = step->lengths;

    step->op.calls = &step->call;
    step->op.ncalls = 1;
    step->op.result = ngx_av_chunks_result;
    step->op.done = ngx_av_chunks_done;
    step->op.data = step;
    step->op.timeout = lcf->timeout;
    step->op.log = ngx_cycle->log;

    /* the chunk is with the client */

    ngx_av_chunks_free(stream);

    step->stream = stream;
    stream->step = step;

    ngx_av_db_submit(ngx_av_chunks_readers, &step->op);

    return NGX_DONE;
}


static void
ngx_av_chunks_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_av_chunks_step_t  *step = op->data;

    if (step->stream) {
        step->rc = ngx_av_span_rows(step->pool, res, step->stream->form,
                                    &step->chunk);
    }
}


static void
ngx_av_chunks_done(ngx_av_db_op_t *op)
{
    ngx_int_t                rc;
    ngx_http_request_t      *r;
    ngx_av_chunks_step_t    *step = op->data;
    ngx_av_chunks_stream_t  *stream;

    stream = step->stream;

    if (stream == NULL) {
        ngx_destroy_pool(step->pool);
        return;
    }

    stream->step = NULL;
    stream->pool = step->pool;

    r = stream->request;

    ngx_av_http_resume_log(r);

    rc = ngx_av_chunks_next(stream, step);

    if (rc == NGX_DONE) {
        ngx_http_run_posted_requests(r->connection);
        return;
    }

    ngx_av_http_finish(r, rc);
}


/* The client has the header, so an error can only break the answer off. */

static ngx_int_t
ngx_av_chunks_next(ngx_av_chunks_stream_t *stream,
    ngx_av_chunks_step_t *step)
{
    ngx_str_t            id;
    ngx_http_request_t  *r;

    r = stream->request;

    if (step->op.status != NGX_AV_DB_OK || step->rc != NGX_OK) {
        id = ngx_av_http_request_id(r);

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "an answer was broken off, as \"%s\" failed with"
                      " status %d, SQLSTATE \"%s\", request id %V",
                      step->call.statement->name, (int) step->op.status,
                      step->op.sqlstate, &id);

        return NGX_ERROR;
    }

    return ngx_av_chunks_output(stream, &step->chunk);
}


/* The request is over, or its client is gone. */

static void
ngx_av_chunks_leave(void *data)
{
    ngx_av_chunks_stream_t  *stream = data;

    if (stream->step) {
        stream->step->stream = NULL;
        stream->step = NULL;
    }
}


static void
ngx_av_chunks_free(void *data)
{
    ngx_av_chunks_stream_t  *stream = data;

    if (stream->pool) {
        ngx_destroy_pool(stream->pool);
        stream->pool = NULL;
    }
}
