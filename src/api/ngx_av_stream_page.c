#include "ngx_av_stream_page.h"
#include "ngx_av_router.h"


static ngx_int_t ngx_av_stream_page_filters(ngx_av_stream_page_t *page,
    ngx_av_stream_filter_t **filters);
static ngx_int_t ngx_av_stream_page_column(ngx_av_stream_page_t *page,
    ngx_av_stream_filter_t **filters, ngx_uint_t column);
static void ngx_av_stream_page_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_stream_page_done(ngx_av_db_op_t *op);


static const ngx_av_param_t  ngx_av_stream_page_params[] = {
    NGX_AV_TRACE_FILTERS
    NGX_AV_PARAM_LAST
};

_Static_assert(sizeof(ngx_av_stream_page_params) / sizeof(ngx_av_param_t)
               == NGX_AV_STREAM_FILTERS + 1,
               "agentvista.stream_page() has other filters");


static const uint32_t  ngx_av_stream_watch_types[] = {
    2951, /* uuid[] */ NGX_AV_DB_INT4
};

const ngx_av_db_statement_t
    ngx_av_stream_statements[NGX_AV_STREAM_NSTATEMENTS] = {

    { "watch", "select agentvista.watch($1, $2)",
      ngx_av_stream_watch_types, 2 },

    { "stream_page",
      "select summary, matched, rest from agentvista.stream_page($1, $2, $3,"
      " $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
      " $19, $20, $21, $22, $23)", NULL, NGX_AV_STREAM_PARAMS }
};


ngx_av_stream_page_t *
ngx_av_stream_page_create(const ngx_av_uuid_t *account,
    const ngx_av_stream_cursor_t *since, ngx_av_stream_filter_t **filters,
    ngx_uint_t nfilters)
{
    ngx_pool_t            *pool;
    ngx_av_stream_page_t  *page;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    page = ngx_pcalloc(pool, sizeof(ngx_av_stream_page_t));
    if (page == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    page->pool = pool;
    page->account = *account;
    page->since = *since;
    page->nfilters = nfilters;

    if (ngx_av_stream_page_filters(page, filters) != NGX_OK) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    return page;
}


void
ngx_av_stream_page_destroy(ngx_av_stream_page_t *page)
{
    ngx_uint_t  i;

    for (i = 0; i < page->nfilters; i++) {
        if (page->texts[i]) {
            ngx_av_stream_release(page->texts[i]);
        }
    }

    if (page->ids) {
        ngx_av_stream_release(page->ids);
    }

    if (page->rest) {
        ngx_av_stream_release(page->rest);
    }

    ngx_destroy_pool(page->pool);
}


ngx_av_stream_text_t *
ngx_av_stream_page_ids(const ngx_av_uuid_t *ids, ngx_uint_t n)
{
    u_char                *p;
    ngx_uint_t             i;
    ngx_av_stream_text_t  *text;

    text = ngx_av_stream_text(NGX_AV_DB_ARRAY_HEADER
                              + n * (4 + sizeof(ngx_av_uuid_t)));
    if (text == NULL) {
        return NULL;
    }

    p = ngx_av_db_array_header(text->data, NGX_AV_DB_UUID, n);

    for (i = 0; i < n; i++) {
        p = ngx_av_db_put32(p, sizeof(ngx_av_uuid_t));
        p = ngx_cpymem(p, ids[i].bytes, sizeof(ngx_av_uuid_t));
    }

    return text;
}


/* Their numbers, and an array for each parameter that some of them have. */

static ngx_int_t
ngx_av_stream_page_filters(ngx_av_stream_page_t *page,
    ngx_av_stream_filter_t **filters)
{
    ngx_uint_t    i;
    ngx_av_buf_t  b;

    if (ngx_av_buf_init(&b, page->pool,
                        NGX_AV_DB_ARRAY_HEADER + 8 * page->nfilters)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b.last = ngx_av_db_array_header(b.last, NGX_AV_DB_INT4, page->nfilters);

    for (i = 0; i < page->nfilters; i++) {
        if (ngx_av_db_array_int4(&b, (int32_t) i + 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    page->values[3] = (char *) b.start;
    page->lengths[3] = ngx_av_buf_len(&b);

    for (i = 0; i < NGX_AV_STREAM_FILTERS; i++) {
        if (ngx_av_stream_page_column(page, filters, i) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_stream_page_column(ngx_av_stream_page_t *page,
    ngx_av_stream_filter_t **filters, ngx_uint_t column)
{
    uint32_t      types[NGX_AV_PARAM_MAX_TYPES];
    ngx_int_t     rc;
    ngx_uint_t    i, n;
    ngx_av_buf_t  b;

    n = 0;

    for (i = 0; i < page->nfilters; i++) {
        n += (filters[i]->values[column] != NULL);
    }

    if (n == 0) {
        return NGX_OK;
    }

    if (ngx_av_buf_init(&b, page->pool, 256) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_av_param_types(&ngx_av_stream_page_params[column], types);

    b.last = ngx_av_db_array_header(b.last, types[0], page->nfilters);

    for (i = 0; i < page->nfilters; i++) {

        if (filters[i]->values[column]) {
            rc = ngx_av_db_array_text(&b,
                                      (u_char *) filters[i]->values[column],
                                      filters[i]->lengths[column]);
        } else {
            rc = ngx_av_db_array_null(&b);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    page->values[4 + column] = (char *) b.start;
    page->lengths[4 + column] = ngx_av_buf_len(&b);

    return NGX_OK;
}


void
ngx_av_stream_page_submit(ngx_av_stream_page_t *page,
    ngx_av_stream_page_pt done, void *data)
{
    ngx_av_db_op_t  *op;

    page->done = done;
    page->data = data;

    page->values[0] = (char *) page->account.bytes;
    page->lengths[0] = sizeof(ngx_av_uuid_t);

    if (page->ids) {
        page->values[1] = (char *) page->ids->data;
        page->lengths[1] = (int) page->ids->len;

    } else {
        page->values[2] = (char *) page->since.text;
        page->lengths[2] = NGX_AV_STREAM_CURSOR;
    }

    page->call.statement = &ngx_av_stream_statements[1];
    page->call.values = page->values;
    page->call.lengths = page->lengths;

    op = &page->op;

    op->calls = &page->call;
    op->ncalls = 1;
    op->result = ngx_av_stream_page_result;
    op->done = ngx_av_stream_page_done;
    op->data = page;
    op->timeout = NGX_AV_STREAM_TIMEOUT;
    op->log = ngx_cycle->log;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, op->log, 0,
                   "agentvista stream page: %ui filters, changed:%d",
                   page->nfilters, page->ids == NULL);

    ngx_av_db_submit(ngx_av_stream_worker.readers, op);
}


static void
ngx_av_stream_page_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_av_stream_page_t  *page = op->data;

    if (ngx_av_stream_page_read(page, res) != NGX_OK) {
        page->failed = 1;
    }
}


static void
ngx_av_stream_page_done(ngx_av_db_op_t *op)
{
    ngx_av_stream_page_t  *page = op->data;

    if (op->status != NGX_AV_DB_OK) {
        page->failed = 1;

        if (op->status == NGX_AV_DB_FAILED) {
            ngx_log_error(NGX_LOG_ERR, op->log, 0,
                          "query \"%s\" failed with SQLSTATE %s",
                          page->call.statement->name, op->sqlstate);
        }
    }

    page->done(page);

    ngx_av_stream_page_destroy(page);

    ngx_av_stream_send_dirty();
}
