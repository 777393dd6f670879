#include "ngx_av_ingest_kind.h"


#define NGX_AV_INGEST_QUOTA_RETRY   10      /* milliseconds */


static void ngx_av_ingest_resume(ngx_av_ingest_t *in);
static void ngx_av_ingest_retry(ngx_event_t *ev);
static ngx_int_t ngx_av_ingest_count(ngx_av_ingest_t *in);
static void ngx_av_ingest_count_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_ingest_count_done(ngx_av_db_op_t *op);


const ngx_av_db_statement_t  ngx_av_ingest_count_statement = {
    "count_new_spans",
    "select agentvista.count_new_spans($1::uuid, $2::uuid[], $3::uuid[])",
    NULL,
    3
};


ngx_int_t
ngx_av_ingest_reserve(ngx_av_ingest_t *in)
{
    int32_t    month;
    ngx_int_t  rc;

    rc = ngx_av_quota_reserve(&in->batch->account, in->events, &in->hold,
                              &month);

    if (rc == NGX_DECLINED && !in->counted) {

        /* perhaps some of the spans are stored: those are free */

        rc = ngx_av_ingest_count(in);
        if (rc == NGX_OK) {
            return NGX_AGAIN;
        }
    }

    switch (rc) {

    case NGX_OK:
        ngx_av_ingest_write(in, month);
        return NGX_AGAIN;

    case NGX_DECLINED:
        return ngx_av_ingest_over_quota(in->request, in->kind);

    case NGX_BUSY:
        if ((ngx_msec_int_t) (in->deadline - ngx_current_msec) > 0) {
            in->retry.data = &in->dumb;
            in->retry.handler = ngx_av_ingest_retry;
            in->retry.log = ngx_cycle->log;

            ngx_add_timer(&in->retry, NGX_AV_INGEST_QUOTA_RETRY);
            return NGX_AGAIN;
        }

        /* fall through */

    default:
        return ngx_av_ingest_unavailable(in->request);
    }
}


/* Not from within the content handler: the request may be freed. */

static void
ngx_av_ingest_resume(ngx_av_ingest_t *in)
{
    ngx_int_t  rc;

    rc = ngx_av_ingest_reserve(in);

    if (rc != NGX_AGAIN) {
        ngx_av_ingest_finish(in, rc);
    }
}


static void
ngx_av_ingest_retry(ngx_event_t *ev)
{
    ngx_connection_t  *dumb = ev->data;
    ngx_av_ingest_t   *in = dumb->data;

    ngx_av_http_resume_log(in->request);
    ngx_av_ingest_resume(in);
}


static ngx_int_t
ngx_av_ingest_count(ngx_av_ingest_t *in)
{
    u_char               *p;
    size_t                len;
    ngx_uint_t            i;
    ngx_av_buf_t         *ids;
    static const uint8_t  columns[] = { NGX_AV_SPAN_TRACE_ID,
                                        NGX_AV_SPAN_ID };

    in->values[0] = (char *) in->batch->account.bytes;
    in->lengths[0] = sizeof(ngx_av_uuid_t);

    for (i = 0; i < 2; i++) {
        ids = &in->batch->spans[columns[i]];
        len = NGX_AV_DB_ARRAY_HEADER + ngx_av_buf_len(ids);

        p = ngx_pnalloc(in->batch->pool, len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        in->values[i + 1] = (char *) p;
        in->lengths[i + 1] = len;

        p = ngx_av_db_array_header(p, NGX_AV_DB_UUID, in->batch->nrows);
        ngx_memcpy(p, ids->start, ngx_av_buf_len(ids));
    }

    in->call.statement = &ngx_av_ingest_count_statement;
    in->call.values = in->values;
    in->call.lengths = in->lengths;

    in->count.calls = &in->call;
    in->count.ncalls = 1;
    in->count.result = ngx_av_ingest_count_result;
    in->count.done = ngx_av_ingest_count_done;
    in->count.data = in;
    in->count.timeout = ngx_av_ingest_time_left(in);
    in->count.log = ngx_cycle->log;

    in->busy = 1;
    ngx_av_db_submit(ngx_av_ingest_readers, &in->count);

    return NGX_OK;
}


static void
ngx_av_ingest_count_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_av_ingest_t  *in = op->data;

    in->events = ngx_av_db_int4(res, 0, 0);
    in->counted = 1;
}


static void
ngx_av_ingest_count_done(ngx_av_db_op_t *op)
{
    ngx_av_ingest_t  *in = op->data;

    in->busy = 0;

    if (in->request == NULL) {
        ngx_av_ingest_destroy(in);
        return;
    }

    ngx_av_http_resume_log(in->request);

    if (op->status != NGX_AV_DB_OK) {
        ngx_av_ingest_finish(in, ngx_av_ingest_unavailable(in->request));
        return;
    }

    ngx_av_ingest_resume(in);
}
