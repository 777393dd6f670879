#include "ngx_av_otlp_http.h"
#include "ngx_av_app.h"
#include "ngx_av_ingest_kind.h"
#include "ngx_av_json.h"
#include "ngx_av_otlp_answer.h"
#include "ngx_av_otlp_grpc.h"
#include "ngx_av_stats.h"


/*
 * Seconds.  Clients take a spent quota for something that passes, and send
 * again; it does so next month, or when the operator raises it.
 */
#define NGX_AV_OTLP_QUOTA_RETRY  300

/*
 * Of the parsed document and the columns, for each byte of text; small spans,
 * each of its own trace, make ten times their size of columns.
 */
#define NGX_AV_OTLP_MEMORY       12
#define NGX_AV_OTLP_LEAST_MEMORY (4 * 1024 * 1024)

/* seconds, where nothing better is known */
#define NGX_AV_OTLP_RETRY        1


static ngx_int_t ngx_av_otlp_http_check(ngx_http_request_t *r,
    ngx_av_ingest_form_t *form);
static ngx_int_t ngx_av_otlp_http_check_app(ngx_http_request_t *r,
    ngx_av_ingest_form_t *form);
static ngx_int_t ngx_av_otlp_http_check_type(ngx_http_request_t *r,
    ngx_av_ingest_form_t *form);
static ngx_int_t ngx_av_otlp_http_find_encoding(ngx_http_request_t *r,
    ngx_av_otlp_encoding_e *encoding);
static ngx_int_t ngx_av_otlp_http_decode(ngx_av_ingest_t *in,
    const ngx_str_t *text, ngx_str_t *detail);
static ngx_int_t ngx_av_otlp_http_answer(ngx_av_ingest_t *in);
static ngx_int_t ngx_av_otlp_http_answer_text(ngx_av_ingest_t *in,
    ngx_av_buf_t *b, ngx_uint_t rejected, ngx_str_t *reasons);
static ngx_int_t ngx_av_otlp_http_answer_counts(ngx_av_ingest_t *in,
    ngx_av_buf_t *b);
static ngx_uint_t ngx_av_otlp_http_accepted_traces(ngx_av_ingest_t *in);
static ngx_int_t ngx_av_otlp_http_native_page(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *detail, ngx_uint_t retry_after,
    ngx_av_http_page_t *page);
static ngx_int_t ngx_av_otlp_http_standard_page(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *detail, ngx_uint_t retry_after,
    ngx_av_http_page_t *page);
static ngx_int_t ngx_av_otlp_http_grpc_or_standard_page(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *detail, ngx_uint_t retry_after,
    ngx_av_http_page_t *page);
static ngx_int_t ngx_av_otlp_http_page(ngx_http_request_t *r,
    ngx_av_otlp_status_t *st, const char *alias, ngx_av_http_page_t *page);
static ngx_int_t ngx_av_otlp_http_retry_after(ngx_http_request_t *r,
    ngx_uint_t status, ngx_uint_t *seconds);


const ngx_av_http_style_t  ngx_av_otlp_native_style = {
    ngx_av_otlp_http_native_page, 0, NULL, 1
};

const ngx_av_http_style_t  ngx_av_otlp_standard_style = {
    ngx_av_otlp_http_standard_page, 1, NULL, 1
};

const ngx_av_http_style_t  ngx_av_otlp_grpc_style = {
    ngx_av_otlp_http_grpc_or_standard_page, 0, NULL, 1
};


/* By ngx_av_otlp_signal_e. */

static const ngx_av_ingest_kind_t  ngx_av_otlp_kinds[] = {

    { NGX_AV_BATCH_TRACES, NGX_AV_OTLP_TRACES,
      NGX_AV_INGEST_MAX_BODY, NGX_AV_OTLP_QUOTA_RETRY,
      ngx_av_otlp_http_check, ngx_av_otlp_http_decode,
      ngx_av_otlp_http_answer },

    { NGX_AV_BATCH_POINTS, NGX_AV_OTLP_METRICS,
      NGX_AV_INGEST_MAX_BODY, NGX_AV_OTLP_QUOTA_RETRY,
      ngx_av_otlp_http_check, ngx_av_otlp_http_decode,
      ngx_av_otlp_http_answer },

    { NGX_AV_BATCH_LOGS, NGX_AV_OTLP_LOGS,
      NGX_AV_INGEST_MAX_BODY, NGX_AV_OTLP_QUOTA_RETRY,
      ngx_av_otlp_http_check, ngx_av_otlp_http_decode,
      ngx_av_otlp_http_answer }
};


static const struct {
    ngx_str_t                type;
    ngx_av_otlp_encoding_e   encoding;
} ngx_av_otlp_types[] = {
    { ngx_string("application/x-protobuf"), NGX_AV_OTLP_PROTOBUF },
    { ngx_string("application/json"), NGX_AV_OTLP_JSON },
    { ngx_string("application/protobuf"), NGX_AV_OTLP_PROTOBUF }
};

#define NGX_AV_OTLP_NTYPES                                                    \
    (sizeof(ngx_av_otlp_types) / sizeof(ngx_av_otlp_types[0]))


static ngx_str_t  ngx_av_otlp_json_type = ngx_string("application/json");

static ngx_str_t  ngx_av_otlp_proto_type =
    ngx_string("application/x-protobuf");


ngx_int_t
ngx_av_otlp_traces(ngx_http_request_t *r)
{
    return ngx_av_ingest_receive(r, &ngx_av_otlp_kinds[NGX_AV_OTLP_TRACES]);
}


ngx_int_t
ngx_av_otlp_metrics(ngx_http_request_t *r)
{
    return ngx_av_ingest_receive(r, &ngx_av_otlp_kinds[NGX_AV_OTLP_METRICS]);
}


ngx_int_t
ngx_av_otlp_logs(ngx_http_request_t *r)
{
    return ngx_av_ingest_receive(r, &ngx_av_otlp_kinds[NGX_AV_OTLP_LOGS]);
}


static ngx_int_t
ngx_av_otlp_http_check(ngx_http_request_t *r, ngx_av_ingest_form_t *form)
{
    ngx_int_t                   rc;
    const ngx_av_http_style_t  *style;

    style = ngx_av_http_style(r);

    form->native = (style == &ngx_av_otlp_native_style);

    rc = ngx_av_otlp_http_check_app(r, form);
    if (rc != NGX_OK) {
        return rc;
    }

    if (style == &ngx_av_otlp_grpc_style) {
        return ngx_av_otlp_grpc_check(r, form);
    }

    rc = ngx_av_otlp_http_check_type(r, form);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_av_body_check_encoding(r, &form->coding);
}


static ngx_int_t
ngx_av_otlp_http_check_app(ngx_http_request_t *r, ngx_av_ingest_form_t *form)
{
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    switch (ngx_av_app_check(r, &ctx->identity.account)) {

    case NGX_OK:
        form->app = !form->native;
        return NGX_OK;

    case NGX_DECLINED:
        return NGX_OK;

    default: /* NGX_ABORT */
        return ngx_av_http_error(r, NGX_HTTP_FORBIDDEN,
                                 "The API key is not for this app.");
    }
}


static ngx_int_t
ngx_av_otlp_http_check_type(ngx_http_request_t *r, ngx_av_ingest_form_t *form)
{
    ngx_int_t  rc;

    rc = ngx_av_otlp_http_find_encoding(r, &form->encoding);

    /* agentvista.md 1.1: without a type it is JSON */

    if (rc == NGX_OK || (rc == NGX_DECLINED && form->native)) {
        return NGX_OK;
    }

    return ngx_av_http_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                             "Content-Type must be application/json or"
                             " application/x-protobuf.");
}


/*
 * NGX_OK; NGX_DECLINED if there is no type, NGX_ABORT if it is another one,
 * and encoding is JSON.
 */

static ngx_int_t
ngx_av_otlp_http_find_encoding(ngx_http_request_t *r,
    ngx_av_otlp_encoding_e *encoding)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *type;

    *encoding = NGX_AV_OTLP_JSON;

    type = r->headers_in.content_type;

    if (type == NULL || type->value.len == 0) {
        return NGX_DECLINED;
    }

    for (i = 0; i < NGX_AV_OTLP_NTYPES; i++) {

        if (ngx_av_http_is_type(&type->value, &ngx_av_otlp_types[i].type)) {
            *encoding = ngx_av_otlp_types[i].encoding;
            return NGX_OK;
        }
    }

    return NGX_ABORT;
}


static ngx_int_t
ngx_av_otlp_http_decode(ngx_av_ingest_t *in, const ngx_str_t *text,
    ngx_str_t *detail)
{
    ngx_av_otlp_options_t  options;

    ngx_memzero(&options, sizeof(ngx_av_otlp_options_t));

    options.limits = in->limits;
    options.limits.memory_limit = NGX_AV_OTLP_LEAST_MEMORY
                                  + NGX_AV_OTLP_MEMORY * text->len;
    options.now = in->now;
    options.prices = in->prices;
    options.require_key = in->form.native;
    options.any_ids = in->form.app;

    return ngx_av_otlp_batch_decode(in->batch, in->kind->signal,
                                    in->form.encoding, text->data, text->len,
                                    &options, detail);
}


static ngx_int_t
ngx_av_otlp_http_answer(ngx_av_ingest_t *in)
{
    ngx_str_t            reasons, text;
    ngx_uint_t           accepted, rejected;
    ngx_av_buf_t         b;
    ngx_http_request_t  *r;

    r = in->request;

    if (in->kind->batch == NGX_AV_BATCH_TRACES) {
        accepted = ngx_av_otlp_http_accepted_traces(in);

        ngx_av_stats_add(NGX_AV_STATS_TRACES_ACCEPTED, accepted);
        ngx_av_stats_add(NGX_AV_STATS_TRACES_REJECTED,
                         in->batch->ntraces - accepted);
    }

    rejected = in->batch->nrejected + in->write.rejected;

    if (ngx_av_buf_init(&b, r->pool, 64) != NGX_OK
        || (rejected && ngx_av_otlp_answer_reasons(&b, in->batch, rejected)
                        != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    reasons.data = b.start;
    reasons.len = ngx_av_buf_len(&b);

    if (ngx_av_buf_init(&b, r->pool, 256 + reasons.len) != NGX_OK
        || ngx_av_otlp_http_answer_text(in, &b, rejected, &reasons) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = b.start;
    text.len = ngx_av_buf_len(&b);

    if (in->form.framed) {
        return ngx_av_otlp_grpc_send(r, &text);
    }

    return ngx_av_http_send_text(r, NGX_HTTP_OK,
                                 in->form.encoding == NGX_AV_OTLP_PROTOBUF
                                 ? &ngx_av_otlp_proto_type
                                 : &ngx_av_otlp_json_type, &text);
}


static ngx_int_t
ngx_av_otlp_http_answer_text(ngx_av_ingest_t *in, ngx_av_buf_t *b,
    ngx_uint_t rejected, ngx_str_t *reasons)
{
    if (in->form.encoding == NGX_AV_OTLP_PROTOBUF) {
        return ngx_av_otlp_answer_proto(b, rejected, reasons);
    }

    if (ngx_av_otlp_http_answer_counts(in, b) != NGX_OK
        || (rejected && b->last[-1] != '{'
            && ngx_av_buf_append(b, ",", 1) != NGX_OK)
        || ngx_av_otlp_answer_json(b, in->kind->signal, rejected, reasons)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_buf_append(b, "}", 1);
}


/* The begin of an answer in JSON: what one of the APIs has in it. */

static ngx_int_t
ngx_av_otlp_http_answer_counts(ngx_av_ingest_t *in, ngx_av_buf_t *b)
{
    ngx_uint_t       accepted;
    ngx_av_batch_t  *batch;

    if (in->form.app) {
        return ngx_av_buf_append(b, "{\"success\":true",
                                 sizeof("{\"success\":true") - 1);
    }

    if (!in->form.native) {
        return ngx_av_buf_append(b, "{", 1);
    }

    batch = in->batch;

    if (in->kind->batch == NGX_AV_BATCH_TRACES) {
        accepted = ngx_av_otlp_http_accepted_traces(in);

        return ngx_av_ingest_counts(in, b, accepted,
                                    batch->ntraces - accepted);
    }

    return ngx_av_ingest_counts(in, b, batch->nrows - in->write.rejected,
                                batch->nrejected + in->write.rejected);
}


/* A part is a trace, and an error of the writer's a part. */

static ngx_uint_t
ngx_av_otlp_http_accepted_traces(ngx_av_ingest_t *in)
{
    return in->batch->parts.nelts - (in->batch->errors.nelts - in->nerrors);
}


/* Clients of AgentVista read "detail". */

static ngx_int_t
ngx_av_otlp_http_native_page(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *detail, ngx_uint_t retry_after, ngx_av_http_page_t *page)
{
    ngx_av_otlp_status_t  st;

    ngx_memzero(&st, sizeof(ngx_av_otlp_status_t));

    st.code = ngx_av_otlp_answer_code(status);
    st.message = *detail;
    st.retry_after = retry_after;

    if (ngx_av_otlp_http_retry_after(r, status, &st.retry_after) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_otlp_http_page(r, &st, "detail", page);
}


/* Those of AgentMark, if it is one, "error" (agentmark.md 2.3). */

static ngx_int_t
ngx_av_otlp_http_standard_page(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *detail, ngx_uint_t retry_after, ngx_av_http_page_t *page)
{
    ngx_str_t              id;
    const char            *alias;
    ngx_av_http_ctx_t     *ctx;
    ngx_av_otlp_status_t   st;

    ngx_memzero(&st, sizeof(ngx_av_otlp_status_t));

    st.code = ngx_av_otlp_answer_code(status);
    st.message = *detail;
    st.retry_after = retry_after;

    if (ngx_av_otlp_http_retry_after(r, status, &st.retry_after) != NGX_OK) {
        return NGX_ERROR;
    }

    alias = NULL;
    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ngx_av_http_header(r, "X-Agentmark-App-Id", &id)
        || ngx_av_http_header(r, "X-Puzzlet-App-Id", &id))
    {
        alias = "error";

        if (ctx->over_quota) {
            ngx_str_set(&st.word, "SPAN_LIMIT_EXCEEDED");
        }
    }

    return ngx_av_otlp_http_page(r, &st, alias, page);
}


/* A call of gRPC has its own; what only came to its path does not. */

static ngx_int_t
ngx_av_otlp_http_grpc_or_standard_page(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *detail, ngx_uint_t retry_after, ngx_av_http_page_t *page)
{
    if (!ngx_av_otlp_grpc_is_call(r)) {
        return ngx_av_otlp_http_standard_page(r, status, detail, retry_after,
                                              page);
    }

    if (ngx_av_otlp_http_retry_after(r, status, &retry_after) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_otlp_grpc_page(r, status, detail, retry_after, page);
}


/* In the request's encoding, in JSON with the message once more. */

static ngx_int_t
ngx_av_otlp_http_page(ngx_http_request_t *r, ngx_av_otlp_status_t *st,
    const char *alias, ngx_av_http_page_t *page)
{
    ngx_av_buf_t            b;
    ngx_av_otlp_encoding_e  encoding;

    (void) ngx_av_otlp_http_find_encoding(r, &encoding);

    if (encoding == NGX_AV_OTLP_JSON && alias) {

        if (ngx_av_buf_init(&b, r->pool, 64 + st->message.len) != NGX_OK) {
            return NGX_ERROR;
        }

        b.last = ngx_sprintf(b.last, ",\"%s\":", alias);

        if (ngx_av_json_write_bytes(&b, st->message.data, st->message.len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        st->extra.data = b.start;
        st->extra.len = ngx_av_buf_len(&b);
    }

    if (ngx_av_buf_init(&b, r->pool, 256 + st->message.len + st->extra.len)
        != NGX_OK
        || ngx_av_otlp_answer_status(&b, encoding, st) != NGX_OK)
    {
        return NGX_ERROR;
    }

    page->type = (encoding == NGX_AV_OTLP_PROTOBUF) ? ngx_av_otlp_proto_type
                                                    : ngx_av_otlp_json_type;
    page->text.data = b.start;
    page->text.len = ngx_av_buf_len(&b);

    return NGX_OK;
}


/*
 * Clients wait longer and longer where nothing tells them how long, as in the
 * answers of limit_req.
 */

static ngx_int_t
ngx_av_otlp_http_retry_after(ngx_http_request_t *r, ngx_uint_t status,
    ngx_uint_t *seconds)
{
    static ngx_str_t  name = ngx_string("Retry-After");
    static ngx_str_t  value = ngx_string("1");

    if (*seconds
        || (status != NGX_HTTP_TOO_MANY_REQUESTS
            && status != NGX_HTTP_SERVICE_UNAVAILABLE))
    {
        return NGX_OK;
    }

    *seconds = NGX_AV_OTLP_RETRY;

    return ngx_av_http_add_header(r, &name, &value);
}
