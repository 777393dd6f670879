#include "ngx_av_otlp_grpc.h"
#include "ngx_av_otlp_answer.h"


/* before a message: whether it is compressed, and its length */
#define NGX_AV_OTLP_GRPC_PREFIX   5

/* of a timeout; more than a day is not worth a distinction */
#define NGX_AV_OTLP_GRPC_DIGITS   8
#define NGX_AV_OTLP_GRPC_TIMEOUT  86400000


static ngx_int_t ngx_av_otlp_grpc_unsupported(ngx_http_request_t *r);
static ngx_msec_t ngx_av_otlp_grpc_timeout(ngx_http_request_t *r);
static ngx_int_t ngx_av_otlp_grpc_add_number(ngx_http_request_t *r,
    ngx_list_t *headers, ngx_uint_t code);
static ngx_int_t ngx_av_otlp_grpc_add_message(ngx_http_request_t *r,
    ngx_str_t *text);
static ngx_int_t ngx_av_otlp_grpc_add_details(ngx_http_request_t *r,
    ngx_av_otlp_status_t *st);
static ngx_int_t ngx_av_otlp_grpc_add(ngx_list_t *headers, ngx_str_t *name,
    ngx_str_t *value);


static ngx_str_t  ngx_av_otlp_grpc_type = ngx_string("application/grpc");
static ngx_str_t  ngx_av_otlp_grpc_proto_type =
    ngx_string("application/grpc+proto");


ngx_uint_t
ngx_av_otlp_grpc_is_call(ngx_http_request_t *r)
{
    ngx_table_elt_t  *type;

    type = r->headers_in.content_type;

    return r->http_version >= NGX_HTTP_VERSION_20
           && type != NULL
           && (ngx_av_http_is_type(&type->value, &ngx_av_otlp_grpc_type)
               || ngx_av_http_is_type(&type->value,
                                      &ngx_av_otlp_grpc_proto_type));
}


ngx_int_t
ngx_av_otlp_grpc_check(ngx_http_request_t *r, ngx_av_ingest_form_t *form)
{
    ngx_str_t  value;

    if (!ngx_av_otlp_grpc_is_call(r)) {
        return ngx_av_http_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                 "Content-Type must be application/grpc,"
                                 " over HTTP/2.");
    }

    form->encoding = NGX_AV_OTLP_PROTOBUF;
    form->framed = 1;
    form->timeout = ngx_av_otlp_grpc_timeout(r);

    if (ngx_av_http_header(r, "grpc-encoding", &value) == 0
        || ngx_av_coding_find(&value, &form->coding) == NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_av_otlp_grpc_unsupported(r);
}


static ngx_int_t
ngx_av_otlp_grpc_unsupported(ngx_http_request_t *r)
{
    static ngx_str_t  name = ngx_string("grpc-accept-encoding");
    static ngx_str_t  value = ngx_string("identity,gzip,zstd");

    if (ngx_av_http_add_header(r, &name, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_error(r, NGX_HTTP_NOT_IMPLEMENTED,
                             "grpc-encoding is not supported: use gzip, zstd or"
                             " none.");
}


/* "grpc-timeout: 10S"; 0 if there is none, or it is not understood. */

static ngx_msec_t
ngx_av_otlp_grpc_timeout(ngx_http_request_t *r)
{
    ngx_int_t   n;
    ngx_str_t   value;
    ngx_uint_t  i;
    uint64_t    msec;

    /* in microseconds, but for the nanosecond */

    static const struct {
        u_char    unit;
        uint64_t  usec;
    } units[] = {
        { 'H', 3600000000 },
        { 'M', 60000000 },
        { 'S', 1000000 },
        { 'm', 1000 },
        { 'u', 1 },
        { 'n', 0 }
    };

    if (ngx_av_http_header(r, "grpc-timeout", &value) != 1
        || value.len < 2
        || value.len > NGX_AV_OTLP_GRPC_DIGITS + 1)
    {
        return 0;
    }

    n = ngx_atoi(value.data, value.len - 1);

    if (n == NGX_ERROR) {
        return 0;
    }

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {

        if (value.data[value.len - 1] == units[i].unit) {
            msec = (uint64_t) n * units[i].usec / 1000;
            msec = ngx_min(msec, NGX_AV_OTLP_GRPC_TIMEOUT);

            return ngx_max(msec, 1);
        }
    }

    return 0;
}


ngx_int_t
ngx_av_otlp_grpc_send(ngx_http_request_t *r, ngx_str_t *message)
{
    u_char     *p;
    ngx_str_t   text;

    text.len = NGX_AV_OTLP_GRPC_PREFIX + message->len;

    p = ngx_pnalloc(r->pool, text.len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;

    *p++ = 0;
    *p++ = (u_char) (message->len >> 24);
    *p++ = (u_char) (message->len >> 16);
    *p++ = (u_char) (message->len >> 8);
    *p++ = (u_char) message->len;

    ngx_memcpy(p, message->data, message->len);

    if (ngx_av_otlp_grpc_add_number(r, &r->headers_out.trailers,
                                    NGX_AV_RPC_OK)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->expect_trailers = 1;

    return ngx_av_http_send_text(r, NGX_HTTP_OK, &ngx_av_otlp_grpc_type,
                                 &text);
}


/*
 * An answer without a body may have its status in the headers.  What HTTP
 * would have said stays in err_status, for the log.
 */

ngx_int_t
ngx_av_otlp_grpc_page(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *detail, ngx_uint_t retry_after, ngx_av_http_page_t *page)
{
    ngx_av_otlp_status_t  st;

    ngx_memzero(&st, sizeof(ngx_av_otlp_status_t));

    st.code = ngx_av_otlp_answer_code(status);
    st.message = *detail;
    st.retry_after = retry_after;

    if (ngx_av_otlp_grpc_add_number(r, &r->headers_out.headers, st.code)
        != NGX_OK
        || ngx_av_otlp_grpc_add_message(r, detail) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (retry_after && ngx_av_otlp_grpc_add_details(r, &st) != NGX_OK) {
        return NGX_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.status_line.len = 0;

    page->type = ngx_av_otlp_grpc_type;
    ngx_str_set(&page->text, "");

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_grpc_add_number(ngx_http_request_t *r, ngx_list_t *headers,
    ngx_uint_t code)
{
    ngx_str_t         value;
    static ngx_str_t  name = ngx_string("grpc-status");

    value.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%ui", code) - value.data;

    return ngx_av_otlp_grpc_add(headers, &name, &value);
}


/* Percent-encoded: all but printable ASCII without "%". */

static ngx_int_t
ngx_av_otlp_grpc_add_message(ngx_http_request_t *r, ngx_str_t *text)
{
    size_t            i;
    u_char           *p, c;
    ngx_str_t         value;
    static ngx_str_t  name = ngx_string("grpc-message");

    p = ngx_pnalloc(r->pool, 3 * text->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c >= ' ' && c <= '~' && c != '%') {
            *p++ = c;

        } else {
            p = ngx_sprintf(p, "%%%02Xi", (ngx_int_t) c);
        }
    }

    value.len = p - value.data;

    return ngx_av_otlp_grpc_add(&r->headers_out.headers, &name, &value);
}


static ngx_int_t
ngx_av_otlp_grpc_add_details(ngx_http_request_t *r, ngx_av_otlp_status_t *st)
{
    ngx_str_t         text, value;
    ngx_av_buf_t      b;
    static ngx_str_t  name = ngx_string("grpc-status-details-bin");

    if (ngx_av_buf_init(&b, r->pool, 256 + st->message.len) != NGX_OK
        || ngx_av_otlp_answer_status(&b, NGX_AV_OTLP_PROTOBUF, st) != NGX_OK)
    {
        return NGX_ERROR;
    }

    text.data = b.start;
    text.len = ngx_av_buf_len(&b);

    value.data = ngx_pnalloc(r->pool, ngx_base64_encoded_length(text.len));
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64(&value, &text);

    /* not padded */

    while (value.len && value.data[value.len - 1] == '=') {
        value.len--;
    }

    return ngx_av_otlp_grpc_add(&r->headers_out.headers, &name, &value);
}


static ngx_int_t
ngx_av_otlp_grpc_add(ngx_list_t *headers, ngx_str_t *name, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key = *name;
    h->value = *value;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}
