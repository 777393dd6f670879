#include "ngx_av_stub.h"
#include "ngx_av_semconv_case.h"

#include "ngx_av_columns.h"
#include "ngx_av_json.h"
#include "ngx_av_otlp_base64.h"


#define NGX_AV_CASE_MEMORY  ((size_t) 1 << 30)


typedef struct {
    ngx_av_semconv_t  *sc;
    ngx_av_buf_t      *b;
    ngx_pool_t        *pool;
} ngx_av_case_sink_t;


static const char  *ngx_av_case_types[] = {
    "custom", "agent", "llm", "tool", "http", "db", "chain", "retrieval",
    "embedding", "guardrail", "evaluator", "messaging", "rpc", "other", "weak"
};


static void
ngx_av_case_put(ngx_av_buf_t *b, const void *p, size_t len)
{
    if (ngx_av_buf_append(b, p, len) != NGX_OK) {
        abort();
    }
}


static void
ngx_av_case_puts(ngx_av_buf_t *b, const char *text)
{
    ngx_av_case_put(b, text, strlen(text));
}


/* JSON */


static void
ngx_av_case_json_string(ngx_av_buf_t *b, yyjson_val *val)
{
    if (ngx_av_json_write_string(b, (u_char *) yyjson_get_str(val),
                                 yyjson_get_len(val)) != NGX_OK)
    {
        abort();
    }
}


static void
ngx_av_case_json_value(ngx_av_buf_t *b, yyjson_val *val)
{
    size_t            len;
    const char       *raw, *before;
    yyjson_val       *key;
    yyjson_arr_iter   items;
    yyjson_obj_iter   members;

    if (yyjson_is_str(val)) {
        ngx_av_case_puts(b, "{\"stringValue\":");
        ngx_av_case_json_string(b, val);

    } else if (yyjson_is_bool(val)) {
        ngx_av_case_puts(b, "{\"boolValue\":");
        ngx_av_case_puts(b, yyjson_get_bool(val) ? "true" : "false");

    } else if (yyjson_is_raw(val)) {
        raw = yyjson_get_raw(val);
        len = yyjson_get_len(val);

        ngx_av_case_puts(b, strcspn(raw, ".eE") < len ? "{\"doubleValue\":"
                                                      : "{\"intValue\":");
        ngx_av_case_put(b, raw, len);

    } else if (yyjson_obj_get(val, "$bytes")) {
        ngx_av_case_puts(b, "{\"bytesValue\":");
        ngx_av_case_json_string(b, yyjson_obj_get(val, "$bytes"));

    } else if (yyjson_obj_get(val, "$double")) {
        ngx_av_case_puts(b, "{\"doubleValue\":");
        ngx_av_case_json_string(b, yyjson_obj_get(val, "$double"));

    } else if (yyjson_is_arr(val)) {
        before = "{\"arrayValue\":{\"values\":[";

        if (yyjson_arr_size(val) == 0) {
            ngx_av_case_puts(b, before);
        }

        yyjson_arr_iter_init(val, &items);

        while ((val = yyjson_arr_iter_next(&items)) != NULL) {
            ngx_av_case_puts(b, before);
            ngx_av_case_json_value(b, val);
            before = ",";
        }

        ngx_av_case_puts(b, "]}");

    } else if (yyjson_is_obj(val)) {
        before = "{\"kvlistValue\":{\"values\":[";

        if (yyjson_obj_size(val) == 0) {
            ngx_av_case_puts(b, before);
        }

        yyjson_obj_iter_init(val, &members);

        while ((key = yyjson_obj_iter_next(&members)) != NULL) {
            ngx_av_case_puts(b, before);
            ngx_av_case_puts(b, "{\"key\":");
            ngx_av_case_json_string(b, key);
            ngx_av_case_puts(b, ",\"value\":");
            ngx_av_case_json_value(b, yyjson_obj_iter_get_val(key));
            ngx_av_case_puts(b, "}");
            before = ",";
        }

        ngx_av_case_puts(b, "]}");

    } else {
        ngx_av_case_puts(b, "{");
    }

    ngx_av_case_puts(b, "}");
}


static void
ngx_av_case_json_attributes(ngx_av_buf_t *b, yyjson_val *attributes)
{
    const char       *before;
    yyjson_val       *key;
    yyjson_obj_iter   iter;

    ngx_av_case_puts(b, "\"attributes\":[");

    yyjson_obj_iter_init(attributes, &iter);

    for (before = ""; (key = yyjson_obj_iter_next(&iter)); before = ",") {
        ngx_av_case_puts(b, before);
        ngx_av_case_puts(b, "{\"key\":");
        ngx_av_case_json_string(b, key);
        ngx_av_case_puts(b, ",\"value\":");
        ngx_av_case_json_value(b, yyjson_obj_iter_get_val(key));
        ngx_av_case_puts(b, "}");
    }

    ngx_av_case_puts(b, "]");
}


static void
ngx_av_case_json_member(ngx_av_buf_t *b, const char *name, yyjson_val *val)
{
    ngx_av_case_puts(b, name);

    if (yyjson_is_str(val)) {
        ngx_av_case_json_string(b, val);

    } else if (yyjson_is_raw(val)) {
        ngx_av_case_put(b, yyjson_get_raw(val), yyjson_get_len(val));

    } else {
        ngx_av_case_puts(b, "null");
    }
}


static void
ngx_av_case_json_span(ngx_av_buf_t *b, yyjson_val *span)
{
    const char       *before;
    yyjson_val       *event;
    yyjson_arr_iter   iter;

    ngx_av_case_puts(b, "{\"resource\":{");
    ngx_av_case_json_attributes(b, yyjson_obj_get(span, "resource"));
    ngx_av_case_json_member(b, "},\"scopeSpans\":[{\"scope\":{\"name\":",
                            yyjson_obj_get(span, "scope"));
    ngx_av_case_puts(b, "},\"spans\":[{"
                     "\"traceId\":\"5b8efff798038103d269b633813fc60c\""
                     ",\"spanId\":\"eee19b7ec3c1b174\"");
    ngx_av_case_json_member(b, ",\"name\":", yyjson_obj_get(span, "name"));
    ngx_av_case_json_member(b, ",\"status\":{\"code\":",
                            yyjson_obj_get(span, "status"));
    ngx_av_case_json_member(b, ",\"message\":",
                            yyjson_obj_get(span, "message"));
    ngx_av_case_puts(b, "},");
    ngx_av_case_json_attributes(b, yyjson_obj_get(span, "attributes"));

    ngx_av_case_puts(b, ",\"events\":[");

    yyjson_arr_iter_init(yyjson_obj_get(span, "events"), &iter);

    for (before = ""; (event = yyjson_arr_iter_next(&iter)); before = ",") {
        ngx_av_case_puts(b, before);
        ngx_av_case_json_member(b, "{\"name\":", yyjson_obj_get(event, "name"));
        ngx_av_case_puts(b, ",");
        ngx_av_case_json_attributes(b, yyjson_obj_get(event, "attributes"));
        ngx_av_case_puts(b, "}");
    }

    ngx_av_case_puts(b, "]}]}]}");
}


/* Protobuf: a message is written where it belongs, then its length inserted. */


static void
ngx_av_case_varint(ngx_av_buf_t *b, uint64_t n)
{
    u_char  c;

    do {
        c = (n & 0x7f) | (n > 0x7f ? 0x80 : 0);
        ngx_av_case_put(b, &c, 1);
        n >>= 7;
    } while (n);
}


static size_t
ngx_av_case_open(ngx_av_buf_t *b, ngx_uint_t field)
{
    ngx_av_case_varint(b, field << 3 | 2);

    return ngx_av_buf_len(b);
}


static void
ngx_av_case_close(ngx_av_buf_t *b, size_t start)
{
    size_t        len, n;
    u_char        length[16];
    ngx_av_buf_t  prefix;

    len = ngx_av_buf_len(b) - start;

    prefix.start = length;
    prefix.last = length;
    prefix.end = length + sizeof(length);
    prefix.pool = NULL;

    ngx_av_case_varint(&prefix, len);
    n = ngx_av_buf_len(&prefix);

    ngx_av_case_put(b, length, n);
    ngx_memmove(b->start + start + n, b->start + start, len);
    ngx_memcpy(b->start + start, length, n);
}


static void
ngx_av_case_string(ngx_av_buf_t *b, ngx_uint_t field, yyjson_val *val)
{
    size_t   i, start;
    u_char  *p;

    if (!yyjson_is_str(val)) {
        return;
    }

    start = ngx_av_case_open(b, field);

    ngx_av_case_put(b, yyjson_get_str(val), yyjson_get_len(val));

    p = b->start + start;

    for (i = 0; i < yyjson_get_len(val); i++) {
        if (p[i] == 1) {
            p[i] = 0xff;
        }
    }

    ngx_av_case_close(b, start);
}


static void ngx_av_case_attributes(ngx_av_buf_t *b, ngx_uint_t field,
    yyjson_val *attributes);


static void
ngx_av_case_double(ngx_av_buf_t *b, const char *text)
{
    double  n;

    n = strtod(text, NULL);

    ngx_av_case_varint(b, 4 << 3 | 1);
    ngx_av_case_put(b, &n, sizeof(double));
}


static void
ngx_av_case_value(ngx_av_buf_t *b, ngx_uint_t field, yyjson_val *val)
{
    size_t            len, start, array;
    u_char            bytes[256];
    const char       *raw;
    yyjson_val       *inner;
    yyjson_arr_iter   items;

    start = ngx_av_case_open(b, field);

    if (yyjson_is_str(val)) {
        ngx_av_case_string(b, 1, val);

    } else if (yyjson_is_bool(val)) {
        ngx_av_case_varint(b, 2 << 3);
        ngx_av_case_varint(b, yyjson_get_bool(val));

    } else if (yyjson_is_raw(val)) {
        raw = yyjson_get_raw(val);
        len = yyjson_get_len(val);

        if (strcspn(raw, ".eE") < len) {
            ngx_av_case_double(b, raw);

        } else {
            ngx_av_case_varint(b, 3 << 3);
            ngx_av_case_varint(b, (uint64_t) strtoll(raw, NULL, 10));
        }

    } else if ((inner = yyjson_obj_get(val, "$bytes")) != NULL) {
        array = ngx_av_case_open(b, 7);
        len = ngx_av_otlp_base64_decode(bytes,
                                        (u_char *) yyjson_get_str(inner),
                                        yyjson_get_len(inner)) - bytes;
        ngx_av_case_put(b, bytes, len);
        ngx_av_case_close(b, array);

    } else if ((inner = yyjson_obj_get(val, "$double")) != NULL) {
        ngx_av_case_double(b, yyjson_get_str(inner));

    } else if (yyjson_is_arr(val)) {
        array = ngx_av_case_open(b, 5);
        yyjson_arr_iter_init(val, &items);

        while ((inner = yyjson_arr_iter_next(&items)) != NULL) {
            ngx_av_case_value(b, 1, inner);
        }

        ngx_av_case_close(b, array);

    } else if (yyjson_is_obj(val)) {
        array = ngx_av_case_open(b, 6);
        ngx_av_case_attributes(b, 1, val);
        ngx_av_case_close(b, array);
    }

    ngx_av_case_close(b, start);
}


static void
ngx_av_case_attributes(ngx_av_buf_t *b, ngx_uint_t field,
    yyjson_val *attributes)
{
    size_t            start;
    yyjson_val       *key;
    yyjson_obj_iter   iter;

    yyjson_obj_iter_init(attributes, &iter);

    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
        start = ngx_av_case_open(b, field);
        ngx_av_case_string(b, 1, key);
        ngx_av_case_value(b, 2, yyjson_obj_iter_get_val(key));
        ngx_av_case_close(b, start);
    }
}


static void
ngx_av_case_span(ngx_av_buf_t *b, yyjson_val *val)
{
    size_t            start, event, status;
    yyjson_val       *item;
    yyjson_arr_iter   iter;

    start = ngx_av_case_open(b, 2);

    ngx_av_case_put(b, "\x0a\x10" "0123456789abcdef" "\x12\x08" "01234567",
                    2 + 16 + 2 + 8);
    ngx_av_case_string(b, 5, yyjson_obj_get(val, "name"));
    ngx_av_case_attributes(b, 9, yyjson_obj_get(val, "attributes"));

    yyjson_arr_iter_init(yyjson_obj_get(val, "events"), &iter);

    while ((item = yyjson_arr_iter_next(&iter)) != NULL) {
        event = ngx_av_case_open(b, 11);
        ngx_av_case_string(b, 2, yyjson_obj_get(item, "name"));
        ngx_av_case_attributes(b, 3, yyjson_obj_get(item, "attributes"));
        ngx_av_case_close(b, event);
    }

    status = ngx_av_case_open(b, 15);
    ngx_av_case_string(b, 2, yyjson_obj_get(val, "message"));

    item = yyjson_obj_get(val, "status");
    if (item) {
        ngx_av_case_varint(b, 3 << 3);
        ngx_av_case_varint(b, atoi(yyjson_get_raw(item)));
    }

    ngx_av_case_close(b, status);
    ngx_av_case_close(b, start);
}


static void
ngx_av_case_proto(ngx_av_buf_t *b, yyjson_val *val)
{
    size_t  start, inner, scope;

    start = ngx_av_case_open(b, 1);

    inner = ngx_av_case_open(b, 1);
    ngx_av_case_attributes(b, 1, yyjson_obj_get(val, "resource"));
    ngx_av_case_close(b, inner);

    scope = ngx_av_case_open(b, 2);
    inner = ngx_av_case_open(b, 1);
    ngx_av_case_string(b, 1, yyjson_obj_get(val, "scope"));
    ngx_av_case_close(b, inner);
    ngx_av_case_span(b, val);
    ngx_av_case_close(b, scope);

    ngx_av_case_close(b, start);
}


void
ngx_av_semconv_body(ngx_av_buf_t *b, ngx_av_otlp_encoding_e encoding,
    const char *spans, size_t len)
{
    const char       *before;
    yyjson_val       *val;
    ngx_av_json_t     json;
    yyjson_arr_iter   iter;

    if (ngx_av_json_parse(&json, (u_char *) spans, len, NGX_AV_CASE_MEMORY)
        != NGX_OK)
    {
        printf("# %.*s at %lu of %.200s\n", (int) json.error.len,
               json.error.data, (unsigned long) json.offset, spans);
        abort();
    }

    yyjson_arr_iter_init(json.root, &iter);
    val = yyjson_is_arr(json.root) ? yyjson_arr_iter_next(&iter) : json.root;
    before = "{\"resourceSpans\":[";

    while (val) {

        if (encoding == NGX_AV_OTLP_JSON) {
            ngx_av_case_puts(b, before);
            ngx_av_case_json_span(b, val);

        } else {
            ngx_av_case_proto(b, val);
        }

        before = ",";
        val = yyjson_is_arr(json.root) ? yyjson_arr_iter_next(&iter) : NULL;
    }

    if (encoding == NGX_AV_OTLP_JSON) {
        ngx_av_case_puts(b, "]}");
    }

    ngx_av_json_free(&json);
}


/* What is resolved */


static void
ngx_av_case_number(ngx_av_buf_t *b, const char *name, ngx_uint_t known,
    int64_t n)
{
    char  text[64];

    if (known) {
        sprintf(text, "; %s=%lld", name, (long long) n);
        ngx_av_case_puts(b, text);
    }
}


static void
ngx_av_case_cost(ngx_av_buf_t *b, ngx_av_decimal_t *cost)
{
    char             text[64], *dot;
    ngx_av_int128_t  one;

    one = 1000000000000000000LL;

    sprintf(text, "; cost=%lld.%018lld", (long long) (cost->units / one),
            (long long) (cost->units % one));

    dot = strchr(text, '.');
    dot[cost->scale ? 1 + cost->scale : 0] = '\0';

    ngx_av_case_puts(b, text);
}


static void
ngx_av_case_text(ngx_av_buf_t *b, const char *name, ngx_str_t *text)
{
    if (text->data) {
        ngx_av_case_puts(b, "; ");
        ngx_av_case_puts(b, name);
        ngx_av_case_puts(b, "=");
        ngx_av_case_put(b, text->data, text->len);
    }
}


static ngx_int_t
ngx_av_case_resolve(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_span_t *span)
{
    ngx_av_case_sink_t  *sink = data;

    ngx_av_buf_t        *b, details;
    ngx_av_semconv_t    *sc;

    b = sink->b;
    sc = sink->sc;

    if (ngx_av_semconv_resolve(sc, span, scope) != NGX_OK
        || ngx_av_buf_init(&details, sink->pool, 0) != NGX_OK
        || ngx_av_semconv_details(sc, &details) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_case_puts(b, ngx_av_case_types[sc->type]);

    ngx_av_case_text(b, "model", &sc->model);
    ngx_av_case_number(b, "in", sc->known & NGX_AV_SEMCONV_HAS_INPUT_TOKENS,
                       sc->input_tokens);
    ngx_av_case_number(b, "out", sc->known & NGX_AV_SEMCONV_HAS_OUTPUT_TOKENS,
                       sc->output_tokens);
    ngx_av_case_number(b, "total", sc->known & NGX_AV_SEMCONV_HAS_TOTAL_TOKENS,
                       sc->total_tokens);

    if (sc->known & NGX_AV_SEMCONV_HAS_COST) {
        ngx_av_case_cost(b, &sc->cost);
    }

    ngx_av_case_text(b, "session", &sc->session_id);
    ngx_av_case_text(b, "user", &sc->user_id);
    ngx_av_case_text(b, "trace", &sc->trace_name);
    ngx_av_case_text(b, "tool", &sc->tool_name);
    ngx_av_case_text(b, "error", &sc->error_message);
    ngx_av_case_text(b, "input", &sc->input);
    ngx_av_case_text(b, "output", &sc->output);

    if (ngx_av_buf_len(&details)) {
        ngx_av_case_puts(b, "; details=");
        ngx_av_case_put(b, details.start, ngx_av_buf_len(&details));
    }

    ngx_av_case_puts(b, "\n");

    return NGX_OK;
}


ngx_int_t
ngx_av_semconv_run(ngx_av_buf_t *b, ngx_pool_t *pool,
    ngx_av_otlp_encoding_e encoding, const u_char *body, size_t len,
    const ngx_av_semconv_limits_t *limits, const ngx_av_prices_t *prices)
{
    ngx_int_t              rc;
    ngx_av_otlp_sink_t     sink;
    ngx_av_case_sink_t     data;
    ngx_av_otlp_limits_t   decode;
    ngx_av_otlp_result_t   result;

    data.b = b;
    data.pool = pool;
    data.sc = ngx_av_semconv_create(pool, limits, prices);

    if (data.sc == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&sink, sizeof(ngx_av_otlp_sink_t));

    sink.data = &data;
    sink.span = ngx_av_case_resolve;

    decode.memory = NGX_AV_CASE_MEMORY;
    decode.account = NULL;
    decode.depth = 64;

    rc = ngx_av_otlp_decode(NGX_AV_OTLP_TRACES, encoding, body, len, &decode,
                            &sink, &result);

    if (rc == NGX_DECLINED) {
        ngx_av_case_text(b, "refused", &result.error);
    }

    return rc;
}


void
ngx_av_semconv_one(ngx_av_buf_t *b, ngx_pool_t *pool,
    ngx_av_otlp_encoding_e encoding, const char *span,
    const ngx_av_semconv_limits_t *limits, const ngx_av_prices_t *prices)
{
    size_t         len;
    u_char        *copy;
    ngx_int_t      rc;
    ngx_av_buf_t   body;

    (void) ngx_av_buf_init(&body, pool, 0);

    ngx_av_semconv_body(&body, encoding, span, strlen(span));

    /* a copy that ends where its block ends */

    len = ngx_av_buf_len(&body);
    copy = ngx_av_stub_copy(body.start, len);

    rc = ngx_av_semconv_run(b, pool, encoding, copy, len, limits, prices);

    free(copy);

    if (rc != NGX_OK) {
        ngx_av_case_puts(b, "failed\n");
    }
}


char *
ngx_av_semconv_quoted(ngx_pool_t *pool, const char *text)
{
    char    *copy, *p;

    copy = ngx_palloc(pool, strlen(text) + 1);
    if (copy == NULL) {
        abort();
    }

    strcpy(copy, text);

    for (p = copy; *p; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }

    return copy;
}
