#include "ngx_av_otlp_random.h"

#include <math.h>

#include "ngx_av_otlp_base64.h"
#include "ngx_av_otlp_schema.h"


#define NGX_AV_RANDOM_TEXT  64


static void ngx_av_random_message(ngx_av_otlp_random_t *rnd,
    const ngx_av_otlp_message_t *message, ngx_av_buf_t *json,
    ngx_av_buf_t *proto);


static uint64_t
ngx_av_random(ngx_av_otlp_random_t *rnd, uint64_t n)
{
    return rnd->random(rnd->data) % n;
}


static void
ngx_av_random_buf(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *b)
{
    if (ngx_av_buf_init(b, rnd->pool, 0) != NGX_OK) {
        abort();
    }
}


static void
ngx_av_random_bytes(ngx_av_buf_t *b, const void *p, size_t len)
{
    if (ngx_av_buf_append(b, p, len) != NGX_OK) {
        abort();
    }
}


static void
ngx_av_random_put(ngx_av_buf_t *b, const char *fmt, ...)
{
    int      len;
    char     text[512];
    va_list  args;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    ngx_av_random_bytes(b, text, len);
}


/* protobuf */


static void
ngx_av_random_varint(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *b, uint64_t n)
{
    u_char      c;
    ngx_uint_t  len;

    for (len = 1; n >= 0x80; n >>= 7, len++) {
        c = (u_char) (n | 0x80);
        ngx_av_random_bytes(b, &c, 1);
    }

    c = (u_char) n;

    /* sometimes longer than it must be */

    if (len < 9 && ngx_av_random(rnd, 16) == 1) {
        c |= 0x80;
        ngx_av_random_bytes(b, &c, 1);
        c = 0;
    }

    ngx_av_random_bytes(b, &c, 1);
}


static void
ngx_av_random_tag(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *b,
    ngx_uint_t number, ngx_uint_t wire)
{
    ngx_av_random_varint(rnd, b, number << 3 | wire);
}


static void
ngx_av_random_slice(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *b,
    ngx_uint_t number, const void *p, size_t len)
{
    ngx_av_random_tag(rnd, b, number, NGX_AV_OTLP_WIRE_LEN);
    ngx_av_random_varint(rnd, b, len);
    ngx_av_random_bytes(b, p, len);
}


static void
ngx_av_random_number(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *b,
    ngx_uint_t wire, uint64_t n)
{
    if (wire == NGX_AV_OTLP_WIRE_VARINT) {
        ngx_av_random_varint(rnd, b, n);
        return;
    }

    /* a little-endian machine */

    ngx_av_random_bytes(b, &n, (wire == NGX_AV_OTLP_WIRE_I32) ? 4 : 8);
}


/* What readers of an older schema do not know. */
static void
ngx_av_random_unknown(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *json,
    ngx_av_buf_t *proto)
{
    static const char * const  jsons[] = {
        "\"unknown\":[{\"key\":1},null]", "\"\":{}", "\"trace__id\":\"x\"",
        "\"TraceId\":7", "\"droppedattributescount\":-1.5e3",
        "\"instrumentationLibrarySpans\":[true]"
    };
    static const ngx_str_t  protos[] = {
        ngx_string("\xf8\x01\x07"),                     /* 31: varint */
        ngx_string("\xa1\x06" "12345678"),              /* 100: I64 */
        ngx_string("\xc2\x3e\x03" "abc"),               /* 1000: LEN */
        ngx_string("\xfd\xff\xff\xff\x0f" "1234"),      /* the highest: I32 */
        ngx_string("\x93\x02\x0b\x0a\x01x\x0c\x94\x02") /* groups */
    };

    ngx_uint_t  i;

    i = ngx_av_random(rnd, sizeof(protos) / sizeof(protos[0]));

    if (ngx_av_random(rnd, 2)) {
        ngx_av_random_bytes(proto, protos[i].data, protos[i].len);
        return;
    }

    i = ngx_av_random(rnd, sizeof(jsons) / sizeof(jsons[0]));

    ngx_av_random_put(json, "%s,", jsons[i]);
}


/* JSON */


/* A name as it is or in snake_case. */
static void
ngx_av_random_name(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *json,
    const ngx_str_t *name)
{
    u_char      c;
    size_t      i;
    ngx_uint_t  snake;

    snake = (ngx_av_random(rnd, 4) == 1);

    ngx_av_random_bytes(json, "\"", 1);

    for (i = 0; i < name->len; i++) {

        c = name->data[i];

        if (snake && c >= 'A' && c <= 'Z') {
            ngx_av_random_bytes(json, "_", 1);
            c |= 0x20;
        }

        ngx_av_random_bytes(json, &c, 1);
    }

    ngx_av_random_bytes(json, "\":", 2);
}


static void
ngx_av_random_json_integer(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *json,
    ngx_uint_t negative, uint64_t n)
{
    const char  *quote, *tail;

    static const char * const  tails[] = { "", "", "", ".0", "e0", "0e-1" };

    quote = ngx_av_random(rnd, 2) ? "\"" : "";
    tail = tails[ngx_av_random(rnd, sizeof(tails) / sizeof(tails[0]))];

    if (n == 0 && tail[0] == '0') {
        tail = "";
    }

    ngx_av_random_put(json, "%s%s%llu%s%s", quote, negative ? "-" : "",
                      (unsigned long long) n, tail, quote);
}


static void
ngx_av_random_json_signed(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *json,
    int64_t n)
{
    ngx_av_random_json_integer(rnd, json, n < 0,
                               (n < 0) ? -(uint64_t) n : (uint64_t) n);
}


static void
ngx_av_random_json_double(ngx_av_otlp_random_t *rnd, ngx_av_buf_t *json,
    double n)
{
    const char  *quote;

    if (isnan(n)) {
        ngx_av_random_put(json, "\"NaN\"");
        return;
    }

    if (isinf(n)) {
        ngx_av_random_put(json, "\"%sInfinity\"", (n < 0) ? "-" : "");
        return;
    }

    quote = ngx_av_random(rnd, 4) ? "" : "\"";

    ngx_av_random_put(json, "%s%.17g%s", quote, n, quote);
}


/* scalars of both forms */


static uint64_t
ngx_av_random_integer(ngx_av_otlp_random_t *rnd)
{
    static const uint64_t  edges[] = {
        0, 1, 127, 128, 9, 10, INT32_MAX, (uint64_t) INT32_MAX + 1,
        UINT32_MAX, (1ull << 53) + 1, 1544712660000000001ull, INT64_MAX,
        (uint64_t) INT64_MAX + 1, UINT64_MAX, UINT64_MAX - 1, 1000000
    };

    switch (ngx_av_random(rnd, 3)) {

    case 0:
        return ngx_av_random(rnd, 100);

    case 1:
        return edges[ngx_av_random(rnd, sizeof(edges) / sizeof(edges[0]))];

    default:
        return rnd->random(rnd->data);
    }
}


static double
ngx_av_random_double(ngx_av_otlp_random_t *rnd)
{
    double    n;
    uint64_t  bits;

    static const double  edges[] = {
        0, 1, -1, 0.1, 1e300, -1e-300, 5e-324, 637.704, NAN, INFINITY,
        -INFINITY, 9007199254740993.0, 1.7976931348623157e308, -0.25
    };

    if (ngx_av_random(rnd, 2)) {
        return edges[ngx_av_random(rnd, sizeof(edges) / sizeof(edges[0]))];
    }

    bits = rnd->random(rnd->data);
    ngx_memcpy(&n, &bits, sizeof(double));

    return n;
}


static void
ngx_av_random_text(ngx_av_otlp_random_t *rnd, ngx_uint_t number,
    ngx_av_buf_t *json, ngx_av_buf_t *proto)
{
    ngx_uint_t    i, n;
    ngx_av_buf_t  text;

    static const struct {
        const char  *json;
        ngx_str_t    bytes;
    } pieces[] = {
        { "service.name", ngx_string("service.name") },
        { "\xc3\xa9", ngx_string("\xc3\xa9") },
        { "\\u00e9\\ud83d\\ude00", ngx_string("\xc3\xa9\xf0\x9f\x98\x80") },
        { "\\\"\\\\\\/\\n", ngx_string("\"\\/\n") },
        { "\\u0000", ngx_string("\0") },
        { "\xff", ngx_string("\xff") },
        { "\xe2\x82", ngx_string("\xe2\x82") },
        { "\\ud800", ngx_string("\xef\xbf\xbd") },
        { "0123456789", ngx_string("0123456789") },
        { " ", ngx_string(" ") }
    };

    ngx_av_random_buf(rnd, &text);
    ngx_av_random_bytes(json, "\"", 1);

    for (n = ngx_av_random(rnd, 4); n; n--) {
        i = ngx_av_random(rnd, sizeof(pieces) / sizeof(pieces[0]));

        ngx_av_random_put(json, "%s", pieces[i].json);
        ngx_av_random_bytes(&text, pieces[i].bytes.data, pieces[i].bytes.len);

        /* pieces must not join into one sequence */

        ngx_av_random_put(json, ".");
        ngx_av_random_bytes(&text, ".", 1);
    }

    ngx_av_random_bytes(json, "\"", 1);
    ngx_av_random_slice(rnd, proto, number, text.start, ngx_av_buf_len(&text));
}


static void
ngx_av_random_id(ngx_av_otlp_random_t *rnd, ngx_uint_t number,
    ngx_av_buf_t *json, ngx_av_buf_t *proto)
{
    u_char      id[20];
    size_t      i, len;
    ngx_uint_t  upper, few, same;

    static const size_t  lens[] = { 16, 8, 0, 1, 15, 17, 20, 7 };

    len = lens[ngx_av_random(rnd, sizeof(lens) / sizeof(lens[0]))];

    /* most are as long as they must be, of traces and of spans */

    if (ngx_av_random(rnd, 8)) {
        len = (number == 1 || number == 5 || number == 9) ? 16 : 8;
    }

    upper = ngx_av_random(rnd, 2);

    /* and many are the same */

    few = ngx_av_random(rnd, 4);
    same = few ? ngx_av_random(rnd, 4) : 0;

    ngx_av_random_bytes(json, "\"", 1);

    for (i = 0; i < len; i++) {
        id[i] = (u_char) (few ? same : rnd->random(rnd->data));
        ngx_av_random_put(json, upper ? "%02X" : "%02x", id[i]);
    }

    ngx_av_random_bytes(json, "\"", 1);
    ngx_av_random_slice(rnd, proto, number, id, len);
}


static void
ngx_av_random_blob(ngx_av_otlp_random_t *rnd, ngx_uint_t number,
    ngx_av_buf_t *json, ngx_av_buf_t *proto)
{
    u_char      bytes[NGX_AV_RANDOM_TEXT];
    u_char      text[ngx_av_otlp_base64_chars(NGX_AV_RANDOM_TEXT)];
    size_t      i, len, n;
    ngx_uint_t  url, bare;

    len = ngx_av_random(rnd, sizeof(bytes));
    url = ngx_av_random(rnd, 2);
    bare = ngx_av_random(rnd, 2);

    for (i = 0; i < len; i++) {
        bytes[i] = (u_char) rnd->random(rnd->data);
    }

    n = ngx_av_otlp_base64_encode(text, bytes, len) - text;

    while (bare && n && text[n - 1] == '=') {
        n--;
    }

    for (i = 0; url && i < n; i++) {
        text[i] = (text[i] == '+') ? '-' : (text[i] == '/') ? '_' : text[i];
    }

    ngx_av_random_put(json, "\"%.*s\"", (int) n, text);
    ngx_av_random_slice(rnd, proto, number, bytes, len);
}


/* Writes a number to JSON; returns how it travels. */
static uint64_t
ngx_av_random_scalar(ngx_av_otlp_random_t *rnd,
    const ngx_av_otlp_field_t *field, ngx_av_buf_t *json)
{
    double      d;
    uint64_t    n;
    ngx_uint_t  i;

    n = ngx_av_random_integer(rnd);

    switch (field->type) {

    case NGX_AV_OTLP_BOOLEAN:

        ngx_av_random_put(json, n ? "true" : "false");

        return n;

    case NGX_AV_OTLP_ENUM:

        for (i = 0; field->names[i].name.len; i++) {
            if ((uint64_t) field->names[i].number == n
                && ngx_av_random(rnd, 2))
            {
                ngx_av_random_put(json, "\"%s\"", field->names[i].name.data);
                return n;
            }
        }

        ngx_av_random_put(json, "%d", (int32_t) n);

        return (uint64_t) (int64_t) (int32_t) n;

    case NGX_AV_OTLP_UINT32:
    case NGX_AV_OTLP_FIXED32:

        ngx_av_random_json_integer(rnd, json, 0, (uint32_t) n);

        return (uint32_t) n;

    case NGX_AV_OTLP_SINT32:

        ngx_av_random_json_signed(rnd, json, (int32_t) n);

        return (uint32_t) ((uint32_t) n << 1) ^ (((int32_t) n < 0)
                                                 ? UINT32_MAX : 0);

    case NGX_AV_OTLP_INT64:
    case NGX_AV_OTLP_SFIXED64:

        ngx_av_random_json_signed(rnd, json, (int64_t) n);

        return n;

    case NGX_AV_OTLP_FLOAT64:

        d = ngx_av_random_double(rnd);
        ngx_av_random_json_double(rnd, json, d);
        ngx_memcpy(&n, &d, sizeof(double));

        return n;

    default: /* NGX_AV_OTLP_UINT64, NGX_AV_OTLP_FIXED64 */

        ngx_av_random_json_integer(rnd, json, 0, n);

        return n;
    }
}


/* fields and messages */


static void
ngx_av_random_tree(ngx_av_otlp_random_t *rnd,
    const ngx_av_otlp_field_t *field, ngx_av_buf_t *json, ngx_av_buf_t *proto)
{
    ngx_uint_t    n;
    ngx_av_buf_t  item;

    if (ngx_av_random(rnd, 8) == 1) {
        ngx_av_random_put(json, "{}");
        return;
    }

    ngx_av_random_put(json, "{\"values\":[");

    rnd->depth--;

    for (n = ngx_av_random(rnd, 4); n; n--) {

        ngx_av_random_buf(rnd, &item);

        /* an element without a value is sent as null, too */

        if (ngx_av_random(rnd, 8) == 1) {
            ngx_av_random_put(json, "null");
        } else {
            ngx_av_random_message(rnd, field->child, json, &item);
        }

        ngx_av_random_slice(rnd, proto, 1, item.start, ngx_av_buf_len(&item));
        ngx_av_random_put(json, (n > 1) ? "," : "");
    }

    rnd->depth++;

    ngx_av_random_put(json, "]}");
}


/* One value: its JSON, and its tag and value in protobuf. */
static void
ngx_av_random_value(ngx_av_otlp_random_t *rnd,
    const ngx_av_otlp_field_t *field, ngx_uint_t number, ngx_av_buf_t *json,
    ngx_av_buf_t *proto)
{
    uint64_t      n;
    ngx_av_buf_t  inner;

    switch (field->type) {

    case NGX_AV_OTLP_TEXT:
        ngx_av_random_text(rnd, number, json, proto);
        return;

    case NGX_AV_OTLP_ID:
        ngx_av_random_id(rnd, number, json, proto);
        return;

    case NGX_AV_OTLP_BLOB:
        ngx_av_random_blob(rnd, number, json, proto);
        return;

    case NGX_AV_OTLP_TREE:
    case NGX_AV_OTLP_DATA:
    case NGX_AV_OTLP_MESSAGE:

        ngx_av_random_buf(rnd, &inner);

        if (field->type == NGX_AV_OTLP_TREE) {
            ngx_av_random_tree(rnd, field, json, &inner);
        } else {
            ngx_av_random_message(rnd, field->child, json, &inner);
        }

        ngx_av_random_slice(rnd, proto, number, inner.start,
                            ngx_av_buf_len(&inner));
        return;

    default:
        n = ngx_av_random_scalar(rnd, field, json);

        ngx_av_random_tag(rnd, proto, number, field->wire);
        ngx_av_random_number(rnd, proto, field->wire, n);
    }
}


static void
ngx_av_random_list(ngx_av_otlp_random_t *rnd,
    const ngx_av_otlp_field_t *field, ngx_uint_t number, ngx_av_buf_t *json,
    ngx_av_buf_t *proto)
{
    uint64_t      value;
    ngx_uint_t    n, packed;
    ngx_av_buf_t  block;

    packed = (field->wire != NGX_AV_OTLP_WIRE_LEN && ngx_av_random(rnd, 4));

    ngx_av_random_buf(rnd, &block);
    ngx_av_random_put(json, "[");

    for (n = ngx_av_random(rnd, 5); n; n--) {

        if (packed) {
            value = ngx_av_random_scalar(rnd, field, json);
            ngx_av_random_number(rnd, &block, field->wire, value);

        } else {
            ngx_av_random_value(rnd, field, number, json, proto);
        }

        ngx_av_random_put(json, (n > 1) ? "," : "");
    }

    ngx_av_random_put(json, "]");

    if (packed) {
        ngx_av_random_slice(rnd, proto, number, block.start,
                            ngx_av_buf_len(&block));
    }
}


static ngx_uint_t
ngx_av_random_is_wanted(ngx_av_otlp_random_t *rnd,
    const ngx_av_otlp_field_t *field, ngx_uint_t one_of)
{
    if (field->type == NGX_AV_OTLP_UNKNOWN
        || (field->type == NGX_AV_OTLP_TREE && rnd->depth == 0)
        || (field->one_of && !one_of)
        || rnd->left == 0)
    {
        return 0;
    }

    /* what is streamed is what it is about */

    return ngx_av_random(rnd, (field->count == NGX_AV_OTLP_STREAM) ? 8 : 2)
           != 0;
}


/* Fields in any order, other ones in each form; of a oneof one. */
static void
ngx_av_random_message(ngx_av_otlp_random_t *rnd,
    const ngx_av_otlp_message_t *message, ngx_av_buf_t *json,
    ngx_av_buf_t *proto)
{
    ngx_uint_t                  i, n, one_of, step, start;
    ngx_av_buf_t                value, fields[NGX_AV_OTLP_MAX_FIELD + 1];
    const ngx_av_otlp_field_t  *field;

    /* a step that shares no divisor with the 17 visits all of them */

    step = 1 + ngx_av_random(rnd, NGX_AV_OTLP_MAX_FIELD);
    start = ngx_av_random(rnd, NGX_AV_OTLP_MAX_FIELD + 1);
    one_of = 1;

    ngx_av_random_put(json, "{");

    for (i = 0; i <= NGX_AV_OTLP_MAX_FIELD; i++) {

        n = (start + i * step) % (NGX_AV_OTLP_MAX_FIELD + 1);
        ngx_av_random_buf(rnd, &fields[n]);

        if (n == 0 || n > message->last) {
            continue;
        }

        field = &message->fields[n];

        if (!ngx_av_random_is_wanted(rnd, field, one_of)) {

            if (field->name.len && ngx_av_random(rnd, 16) == 1) {
                ngx_av_random_name(rnd, json, &field->name);
                ngx_av_random_put(json, "null,");
            }

            continue;
        }

        rnd->left--;

        if (field->one_of) {
            one_of = 0;
        }

        ngx_av_random_buf(rnd, &value);

        if (field->count == NGX_AV_OTLP_ONE) {
            ngx_av_random_value(rnd, field, n, &value, &fields[n]);
        } else {
            ngx_av_random_list(rnd, field, n, &value, &fields[n]);
        }

        ngx_av_random_name(rnd, json, &field->name);
        ngx_av_random_bytes(json, value.start, ngx_av_buf_len(&value));
        ngx_av_random_put(json, ",");

        if (ngx_av_random(rnd, 16) == 1) {
            ngx_av_random_unknown(rnd, json, proto);
        }
    }

    if (json->last[-1] == ',') {
        json->last--;
    }

    ngx_av_random_put(json, "}");

    step = 1 + ngx_av_random(rnd, NGX_AV_OTLP_MAX_FIELD);

    for (i = 0; i <= NGX_AV_OTLP_MAX_FIELD; i++) {
        n = (start + i * step) % (NGX_AV_OTLP_MAX_FIELD + 1);
        ngx_av_random_bytes(proto, fields[n].start,
                            ngx_av_buf_len(&fields[n]));
    }
}


void
ngx_av_otlp_random(ngx_av_otlp_random_t *rnd, ngx_av_otlp_signal_e signal,
    ngx_av_buf_t *json, ngx_av_buf_t *proto)
{
    ngx_av_random_message(rnd, ngx_av_otlp_requests[signal], json, proto);
}
