#include "ngx_av_otlp_case.h"

#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


#define NGX_AV_CASE_TEXTS  8


ngx_av_otlp_options_t  ngx_av_case_options;
ngx_int_t              ngx_av_case_rc;
ngx_str_t              ngx_av_case_detail;

static ngx_log_t       ngx_av_case_log;


void
ngx_av_case_reset(void)
{
    ngx_av_otlp_options_t  *options;

    options = &ngx_av_case_options;

    ngx_memzero(options, sizeof(ngx_av_otlp_options_t));

    options->limits.attribute_limit = 1024;
    options->limits.span_limit = 4096;
    options->limits.depth = 4;
    options->limits.memory_limit = 64 * 1024 * 1024;
    options->limits.earliest = 1790812800LL * NGX_AV_TIME_SECOND;
    options->limits.latest = 1793491200LL * NGX_AV_TIME_SECOND;
    options->now = NGX_AV_CASE_NOW;
}


/* ids are made of the account and what the ref says */

static const char *
ngx_av_case_check_refs(const ngx_av_batch_t *batch)
{
    u_char               text[4096];
    size_t               len;
    ngx_uint_t           kind, i, j;
    ngx_av_uuid_t        id;
    ngx_av_batch_ref_t  *ref;

    for (kind = 0; kind < NGX_AV_NREFS; kind++) {
        ref = batch->refs[kind].elts;

        for (i = 0; i < batch->refs[kind].nelts; i++) {

            for (j = 0; j < i; j++) {
                if (ngx_memcmp(&ref[i].id, &ref[j].id, 16) == 0) {
                    return "a ref is there twice";
                }
            }

            if (ref[i].doc.len > sizeof(text) - 7) {
                continue;
            }

            len = (kind == NGX_AV_REF_METRIC) ? 7 : 0;

            ngx_memcpy(text, "metric ", len);
            ngx_memcpy(text + len, ref[i].doc.data, ref[i].doc.len);

            ngx_av_uuid_v5(&id, &batch->account, text, len + ref[i].doc.len);

            if (ngx_memcmp(&ref[i].id, &id, 16) != 0) {
                return "a ref's id is not made of what it says";
            }
        }
    }

    return NULL;
}


ngx_av_batch_t *
ngx_av_case_decode(ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, const void *body, size_t len)
{
    u_char          *copy;
    const char      *error;
    ngx_uint_t       kind;
    ngx_av_uuid_t    account;
    ngx_av_batch_t  *batch;

    if (ngx_av_uuid_parse((u_char *) ACCOUNT, sizeof(ACCOUNT) - 1, &account)
        != NGX_OK)
    {
        abort();
    }

    kind = (signal == NGX_AV_OTLP_TRACES)    ? NGX_AV_BATCH_TRACES
           : (signal == NGX_AV_OTLP_METRICS) ? NGX_AV_BATCH_POINTS
                                             : NGX_AV_BATCH_LOGS;

    batch = ngx_av_batch_create(kind, &account, &ngx_av_case_log);
    if (batch == NULL) {
        return NULL;
    }

    /* bytes read beyond the end would be found */

    copy = ngx_av_stub_copy(body, len);

    ngx_str_null(&ngx_av_case_detail);

    ngx_av_case_rc = ngx_av_otlp_batch_decode(batch, signal, encoding, copy,
                                              len, &ngx_av_case_options,
                                              &ngx_av_case_detail);
    free(copy);

    if (ngx_av_case_rc != NGX_OK) {
        return batch;
    }

    error = ngx_av_batch_check_otlp(batch);
    error = error ? error : ngx_av_case_check_refs(batch);

    if (error) {
        ngx_av_tap_diag("%s", error);
        abort();
    }

    return batch;
}


ngx_av_batch_t *
ngx_av_case_json(ngx_av_otlp_signal_e signal, const char *text)
{
    char            *json, *p;
    size_t           len;
    ngx_av_batch_t  *batch;

    len = strlen(text);
    json = (char *) ngx_av_stub_copy(text, len + 1);

    for (p = json; *p; p++) {
        *p = (*p == '\'') ? '"' : *p;
    }

    batch = ngx_av_case_decode(signal, NGX_AV_OTLP_JSON, json, len);

    free(json);

    return batch;
}


static const char *
ngx_av_case_text(const void *p, size_t len)
{
    char              *text;
    size_t             i;
    static char       *texts[NGX_AV_CASE_TEXTS];
    static ngx_uint_t  next;

    next = (next + 1) % NGX_AV_CASE_TEXTS;

    free(texts[next]);

    text = malloc(len + 1);
    if (text == NULL) {
        abort();
    }

    for (i = 0; i < len; i++) {
        text[i] = ((char *) p)[i];
        text[i] = (text[i] == '"') ? '\'' : text[i];
    }

    text[len] = '\0';
    texts[next] = text;

    return text;
}


const char *
ngx_av_case_cell(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_uint_t column)
{
    size_t       len;
    const char  *text;

    switch (batch->kind) {

    case NGX_AV_BATCH_TRACES:
        text = ngx_av_batch_span_cell(batch, row, column, &len);
        break;

    case NGX_AV_BATCH_LOGS:
        text = ngx_av_batch_log_cell(batch, row, column, &len);
        break;

    default:
        text = ngx_av_batch_point_cell(batch, row, column, &len);
    }

    return ngx_av_case_text(text, len);
}


const char *
ngx_av_case_trace(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_uint_t column)
{
    size_t       len;
    const char  *text;

    text = ngx_av_batch_trace_cell(batch, row, column, &len);

    return ngx_av_case_text(text, len);
}


const char *
ngx_av_case_ref(const ngx_av_batch_t *batch, ngx_av_ref_e kind, ngx_uint_t i)
{
    ngx_av_batch_ref_t  *ref;

    ref = batch->refs[kind].elts;

    if (i >= batch->refs[kind].nelts) {
        return "";
    }

    return ngx_av_case_text(ref[i].doc.data, ref[i].doc.len);
}


const char *
ngx_av_case_error(const ngx_av_batch_t *batch, ngx_uint_t i)
{
    ngx_av_batch_error_t  *error;

    error = batch->errors.elts;

    if (i >= batch->errors.nelts) {
        return "";
    }

    return ngx_av_case_text(error[i].detail.data, error[i].detail.len);
}
