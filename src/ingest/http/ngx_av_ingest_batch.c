#include "ngx_av_ingest_kind.h"
#include "ngx_av_json.h"
#include "ngx_av_stats.h"


/* of the parsed document, for each byte of text: 2 to 4 ordinarily */
#define NGX_AV_INGEST_DOCUMENT  8


static ngx_int_t ngx_av_ingest_batch_check(ngx_http_request_t *r,
    ngx_av_ingest_form_t *form);
static ngx_int_t ngx_av_ingest_batch_decode(ngx_av_ingest_t *in,
    const ngx_str_t *text, ngx_str_t *detail);
static ngx_int_t ngx_av_ingest_batch_answer(ngx_av_ingest_t *in);


static const ngx_av_ingest_kind_t  ngx_av_ingest_batch_kind = {
    NGX_AV_BATCH_TRACES,
    NGX_AV_OTLP_TRACES,
    16 * 1024 * 1024,
    0,
    ngx_av_ingest_batch_check,
    ngx_av_ingest_batch_decode,
    ngx_av_ingest_batch_answer
};


ngx_int_t
ngx_av_ingest_traces_batch(ngx_http_request_t *r)
{
    return ngx_av_ingest_receive(r, &ngx_av_ingest_batch_kind);
}


static ngx_int_t
ngx_av_ingest_batch_check(ngx_http_request_t *r, ngx_av_ingest_form_t *form)
{
    ngx_table_elt_t  *type;

    static ngx_str_t  json = ngx_string("application/json");

    type = r->headers_in.content_type;

    if (type && type->value.len
        && !ngx_av_http_is_type(&type->value, &json))
    {
        return ngx_av_http_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                 "Content-Type must be application/json.");
    }

    form->encoding = NGX_AV_OTLP_JSON;

    return ngx_av_body_check_encoding(r, &form->coding);
}


static ngx_int_t
ngx_av_ingest_batch_decode(ngx_av_ingest_t *in, const ngx_str_t *text,
    ngx_str_t *detail)
{
    in->limits.memory_limit = NGX_AV_INGEST_DOCUMENT * text->len + 65536;

    return ngx_av_batch_decode(in->batch, text->data, text->len, &in->limits,
                               in->now, detail);
}


/* agentvista.md 4.3 */

static ngx_int_t
ngx_av_ingest_batch_answer(ngx_av_ingest_t *in)
{
    ngx_str_t     json;
    ngx_uint_t    rejected;
    ngx_av_buf_t  b;

    rejected = in->batch->errors.nelts;

    ngx_av_stats_add(NGX_AV_STATS_TRACES_ACCEPTED,
                     in->batch->ntraces - rejected);
    ngx_av_stats_add(NGX_AV_STATS_TRACES_REJECTED, rejected);

    if (ngx_av_buf_init(&b, in->request->pool, 128 + rejected * 256) != NGX_OK
        || ngx_av_ingest_counts(in, &b, in->batch->ntraces - rejected,
                                rejected)
           != NGX_OK
        || ngx_av_buf_append(&b, "}", 1) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json.data = b.start;
    json.len = ngx_av_buf_len(&b);

    return ngx_av_http_send(in->request, NGX_HTTP_OK, &json);
}


ngx_int_t
ngx_av_ingest_counts(ngx_av_ingest_t *in, ngx_av_buf_t *b,
    ngx_uint_t accepted, ngx_uint_t rejected)
{
    ngx_uint_t             i, n;
    ngx_av_batch_error_t  *error;

    n = in->batch->errors.nelts;
    error = in->batch->errors.elts;

    if (ngx_av_buf_reserve(b, 64 + 2 * NGX_INT_T_LEN) != NGX_OK) {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last,
                          "{\"accepted\":%ui,\"rejected\":%ui,\"errors\":[",
                          accepted, rejected);

    for (i = 0; i < n; i++) {

        if (ngx_av_buf_reserve(b, 64 + NGX_INT_T_LEN + error[i].trace_id.len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        b->last = ngx_sprintf(b->last, "%s{\"index\":%ui,\"trace_id\":%V,"
                              "\"detail\":", i ? "," : "", error[i].element,
                              &error[i].trace_id);

        if (ngx_av_json_write_string(b, error[i].detail.data,
                                     error[i].detail.len)
            != NGX_OK
            || ngx_av_buf_append(b, "}", 1) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_av_buf_append(b, "]", 1);
}
