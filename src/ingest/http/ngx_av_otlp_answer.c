#include "ngx_av_otlp_answer.h"
#include "ngx_av_json.h"
#include "ngx_av_text.h"


/* bytes of an error message: otlp.md 3 wants a few KiB at most */
#define NGX_AV_OTLP_ANSWER_REASONS  2048

#define NGX_AV_OTLP_RETRY_INFO  "type.googleapis.com/google.rpc.RetryInfo"

#define NGX_AV_OTLP_VARINT_LEN  10


static ngx_uint_t ngx_av_otlp_answer_same(const ngx_av_batch_t *batch,
    ngx_uint_t first);
static ngx_int_t ngx_av_otlp_answer_count(ngx_av_buf_t *b, const char *fmt,
    ngx_uint_t n);
static ngx_int_t ngx_av_otlp_answer_status_proto(ngx_av_buf_t *b,
    const ngx_av_otlp_status_t *status);
static ngx_int_t ngx_av_otlp_answer_retry_proto(ngx_av_buf_t *b,
    ngx_uint_t seconds);
static ngx_int_t ngx_av_otlp_answer_status_json(ngx_av_buf_t *b,
    const ngx_av_otlp_status_t *status);
static ngx_int_t ngx_av_otlp_answer_number(ngx_av_buf_t *b, ngx_uint_t field,
    uint64_t n);
static ngx_int_t ngx_av_otlp_answer_bytes(ngx_av_buf_t *b, ngx_uint_t field,
    const void *p, size_t len);
static u_char *ngx_av_otlp_answer_varint(u_char *p, uint64_t n);


ngx_uint_t
ngx_av_otlp_answer_code(ngx_uint_t status)
{
    ngx_uint_t  i;

    static const struct {
        ngx_uint_t  status;
        ngx_uint_t  code;
    } codes[] = {
        { 200, NGX_AV_RPC_OK },
        { 400, NGX_AV_RPC_INVALID_ARGUMENT },
        { 401, NGX_AV_RPC_UNAUTHENTICATED },
        { 403, NGX_AV_RPC_PERMISSION_DENIED },
        { 404, NGX_AV_RPC_UNIMPLEMENTED },
        { 405, NGX_AV_RPC_UNIMPLEMENTED },
        { 408, NGX_AV_RPC_DEADLINE_EXCEEDED },
        { 411, NGX_AV_RPC_INVALID_ARGUMENT },
        { 413, NGX_AV_RPC_RESOURCE_EXHAUSTED },
        { 414, NGX_AV_RPC_INVALID_ARGUMENT },
        { 415, NGX_AV_RPC_INVALID_ARGUMENT },
        { 429, NGX_AV_RPC_UNAVAILABLE },
        { 501, NGX_AV_RPC_UNIMPLEMENTED },
        { 502, NGX_AV_RPC_UNAVAILABLE },
        { 503, NGX_AV_RPC_UNAVAILABLE },
        { 504, NGX_AV_RPC_UNAVAILABLE }
    };

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].status == status) {
            return codes[i].code;
        }
    }

    return NGX_AV_RPC_INTERNAL;
}


ngx_int_t
ngx_av_otlp_answer_proto(ngx_av_buf_t *b, ngx_uint_t rejected,
    const ngx_str_t *reasons)
{
    size_t        len;
    u_char        count[1 + NGX_AV_OTLP_VARINT_LEN], *last;
    ngx_av_buf_t  message;

    if (rejected == 0) {
        return NGX_OK;
    }

    last = count;
    *last++ = 1 << 3;
    last = ngx_av_otlp_answer_varint(last, rejected);

    len = last - count;

    if (ngx_av_buf_init(&message, b->pool, len + 16 + reasons->len) != NGX_OK
        || ngx_av_buf_append(&message, count, len) != NGX_OK
        || ngx_av_otlp_answer_bytes(&message, 2, reasons->data, reasons->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_answer_bytes(b, 1, message.start,
                                    ngx_av_buf_len(&message));
}


ngx_int_t
ngx_av_otlp_answer_json(ngx_av_buf_t *b, ngx_av_otlp_signal_e signal,
    ngx_uint_t rejected, const ngx_str_t *reasons)
{
    /* by ngx_av_otlp_signal_e */

    static const char  *names[] = {
        "rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"
    };

    if (rejected == 0) {
        return NGX_OK;
    }

    if (ngx_av_buf_reserve(b, 128) != NGX_OK) {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last, "\"partialSuccess\":{\"%s\":\"%ui\"",
                          names[signal], rejected);

    if (reasons->len) {

        b->last = ngx_cpymem(b->last, ",\"errorMessage\":",
                             sizeof(",\"errorMessage\":") - 1);

        if (ngx_av_json_write_bytes(b, reasons->data, reasons->len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_av_buf_append(b, "}", 1);
}


ngx_int_t
ngx_av_otlp_answer_reasons(ngx_av_buf_t *b, const ngx_av_batch_t *batch,
    ngx_uint_t rejected)
{
    size_t                 start;
    ngx_uint_t             i, n, told;
    ngx_av_batch_error_t  *error;

    told = 0;
    start = ngx_av_buf_len(b);
    error = batch->errors.elts;

    for (i = 0; i < batch->errors.nelts; i++) {

        n = ngx_av_otlp_answer_same(batch, i);

        if (n == 0) {
            continue;
        }

        if (ngx_av_buf_len(b) - start + error[i].detail.len
            > NGX_AV_OTLP_ANSWER_REASONS)
        {
            break;
        }

        if (told && ngx_av_buf_append(b, "; ", 2) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_av_text_append_repaired(b, error[i].detail.data,
                                        error[i].detail.len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (n > 1 && ngx_av_otlp_answer_count(b, " (%ui times)", n) != NGX_OK) {
            return NGX_ERROR;
        }

        told += n;
    }

    if (told >= rejected) {
        return NGX_OK;
    }

    return ngx_av_otlp_answer_count(b, told ? "; and %ui more" : "%ui items",
                                    rejected - told);
}


/* How many errors are like this, which is the first of them; else 0. */
static ngx_uint_t
ngx_av_otlp_answer_same(const ngx_av_batch_t *batch, ngx_uint_t first)
{
    ngx_uint_t             i, n;
    ngx_str_t             *detail;
    ngx_av_batch_error_t  *error;

    n = 0;
    error = batch->errors.elts;
    detail = &error[first].detail;

    for (i = 0; i < batch->errors.nelts; i++) {

        if (error[i].detail.len != detail->len
            || ngx_memcmp(error[i].detail.data, detail->data, detail->len)
               != 0)
        {
            continue;
        }

        if (i < first) {
            return 0;
        }

        n++;
    }

    return n;
}


static ngx_int_t
ngx_av_otlp_answer_count(ngx_av_buf_t *b, const char *fmt, ngx_uint_t n)
{
    if (ngx_av_buf_reserve(b, 32 + NGX_INT_T_LEN) != NGX_OK) {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last, fmt, n);

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_answer_status(ngx_av_buf_t *b, ngx_av_otlp_encoding_e encoding,
    const ngx_av_otlp_status_t *status)
{
    return (encoding == NGX_AV_OTLP_PROTOBUF)
           ? ngx_av_otlp_answer_status_proto(b, status)
           : ngx_av_otlp_answer_status_json(b, status);
}


static ngx_int_t
ngx_av_otlp_answer_status_proto(ngx_av_buf_t *b,
    const ngx_av_otlp_status_t *status)
{
    ngx_av_buf_t  message;

    if (ngx_av_buf_init(&message, b->pool, status->message.len) != NGX_OK
        || ngx_av_text_append_repaired(&message, status->message.data,
                                       status->message.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_otlp_answer_number(b, 1, status->code) != NGX_OK
        || ngx_av_otlp_answer_bytes(b, 2, message.start,
                                    ngx_av_buf_len(&message))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (status->retry_after == 0) {
        return NGX_OK;
    }

    return ngx_av_otlp_answer_retry_proto(b, status->retry_after);
}


/*
 * details { type_url: RetryInfo, value: RetryInfo { retry_delay: Duration {
 * seconds } } }
 */

static ngx_int_t
ngx_av_otlp_answer_retry_proto(ngx_av_buf_t *b, ngx_uint_t seconds)
{
    ngx_av_buf_t  duration, info, any;

    if (ngx_av_buf_init(&duration, b->pool, 16) != NGX_OK
        || ngx_av_buf_init(&info, b->pool, 32) != NGX_OK
        || ngx_av_buf_init(&any, b->pool, 96) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_otlp_answer_number(&duration, 1, seconds) != NGX_OK
        || ngx_av_otlp_answer_bytes(&info, 1, duration.start,
                                    ngx_av_buf_len(&duration))
           != NGX_OK
        || ngx_av_otlp_answer_bytes(&any, 1, NGX_AV_OTLP_RETRY_INFO,
                                    sizeof(NGX_AV_OTLP_RETRY_INFO) - 1)
           != NGX_OK
        || ngx_av_otlp_answer_bytes(&any, 2, info.start,
                                    ngx_av_buf_len(&info))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_answer_bytes(b, 3, any.start, ngx_av_buf_len(&any));
}


static ngx_int_t
ngx_av_otlp_answer_status_json(ngx_av_buf_t *b,
    const ngx_av_otlp_status_t *status)
{
    if (ngx_av_buf_reserve(b, 64 + NGX_INT_T_LEN + status->word.len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (status->word.len) {
        b->last = ngx_sprintf(b->last, "{\"code\":\"%V\",\"message\":",
                              &status->word);

    } else {
        b->last = ngx_sprintf(b->last, "{\"code\":%ui,\"message\":",
                              status->code);
    }

    if (ngx_av_json_write_bytes(b, status->message.data, status->message.len)
        != NGX_OK
        || ngx_av_buf_reserve(b, 128 + NGX_INT_T_LEN + status->extra.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (status->retry_after) {
        b->last = ngx_sprintf(b->last, ",\"details\":[{\"@type\":\""
                              NGX_AV_OTLP_RETRY_INFO "\",\"retryDelay\":"
                              "\"%uis\"}]", status->retry_after);
    }

    b->last = ngx_sprintf(b->last, "%V}", &status->extra);

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_answer_number(ngx_av_buf_t *b, ngx_uint_t field, uint64_t n)
{
    if (ngx_av_buf_reserve(b, 1 + NGX_AV_OTLP_VARINT_LEN) != NGX_OK) {
        return NGX_ERROR;
    }

    *b->last++ = field << 3;
    b->last = ngx_av_otlp_answer_varint(b->last, n);

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_answer_bytes(ngx_av_buf_t *b, ngx_uint_t field, const void *p,
    size_t len)
{
    if (ngx_av_buf_reserve(b, 1 + NGX_AV_OTLP_VARINT_LEN + len) != NGX_OK) {
        return NGX_ERROR;
    }

    *b->last++ = field << 3 | 2;
    b->last = ngx_av_otlp_answer_varint(b->last, len);
    b->last = ngx_cpymem(b->last, p, len);

    return NGX_OK;
}


static u_char *
ngx_av_otlp_answer_varint(u_char *p, uint64_t n)
{
    while (n >= 0x80) {
        *p++ = (u_char) (n | 0x80);
        n >>= 7;
    }

    *p++ = (u_char) n;

    return p;
}
