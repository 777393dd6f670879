#include "ngx_av_otlp_proto.h"

#include "ngx_av_otlp_signal.h"


#define NGX_AV_OTLP_PROTO_MAX_VARINT  10        /* bytes */
#define NGX_AV_OTLP_PROTO_MAX_GROUPS  64        /* inside each other */
#define NGX_AV_OTLP_PROTO_MAX_NUMBER  0x1fffffff

/* the tags of a usual attribute and of its value, and the longest of both */
#define NGX_AV_OTLP_PROTO_KEY         (1 << 3 | NGX_AV_OTLP_WIRE_LEN)
#define NGX_AV_OTLP_PROTO_VALUE       (2 << 3 | NGX_AV_OTLP_WIRE_LEN)
#define NGX_AV_OTLP_PROTO_STRING      (1 << 3 | NGX_AV_OTLP_WIRE_LEN)
#define NGX_AV_OTLP_PROTO_INT         (3 << 3 | NGX_AV_OTLP_WIRE_VARINT)
#define NGX_AV_OTLP_PROTO_DOUBLE      (4 << 3 | NGX_AV_OTLP_WIRE_I64)
#define NGX_AV_OTLP_PROTO_SHORT       127

#define NGX_AV_OTLP_PROTO_LINE        64        /* bytes of a cache's line */
#define NGX_AV_OTLP_PROTO_AHEAD       2048
#define NGX_AV_OTLP_PROTO_MOST        1024


static const u_char *ngx_av_otlp_proto_varint_slow(const u_char *p,
    const u_char *end, uint64_t *value);
static const u_char *ngx_av_otlp_proto_group(ngx_av_otlp_reader_t *r,
    const u_char *p, const u_char *end, ngx_uint_t number);
static const u_char *ngx_av_otlp_proto_no_varint(ngx_av_otlp_reader_t *r,
    const u_char *p, const u_char *end);
static ngx_uint_t ngx_av_otlp_proto_attribute(
    ngx_av_otlp_attribute_t *attribute, const u_char *p, const u_char *end);
static ngx_uint_t ngx_av_otlp_proto_value(ngx_av_otlp_value_t *value,
    const u_char *p, const u_char *end);
static ngx_int_t ngx_av_otlp_proto_set(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_field_t *field, const ngx_av_otlp_raw_t *raw,
    u_char *dst);
static ngx_int_t ngx_av_otlp_proto_packed(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_field_t *field, const u_char *p, size_t len,
    u_char *dst);
static ngx_int_t ngx_av_otlp_proto_fixed(ngx_av_otlp_reader_t *r,
    ngx_av_otlp_array_t *array, const u_char *p, size_t len);
static void ngx_av_otlp_proto_number(const ngx_av_otlp_field_t *field,
    uint64_t integer, u_char *place);
static void ngx_av_otlp_proto_id(ngx_av_otlp_id_t *id, const u_char *p,
    size_t len);
static ngx_int_t ngx_av_otlp_proto_tree(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *child, const u_char *p, size_t len);
static ngx_int_t ngx_av_otlp_proto_deliver(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message, const u_char *p, const u_char *end);
static ngx_int_t ngx_av_otlp_proto_stream(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message, const u_char *p, const u_char *end);
static ngx_int_t ngx_av_otlp_proto_data(ngx_av_otlp_decoder_t *d);


/* wire types */


static ngx_inline uint64_t
ngx_av_otlp_proto_i64(const u_char *p)
{
    uint64_t  n;

    ngx_memcpy(&n, p, sizeof(uint64_t));

#if !(NGX_HAVE_LITTLE_ENDIAN)
    n = __builtin_bswap64(n);
#endif

    return n;
}


static ngx_inline uint32_t
ngx_av_otlp_proto_i32(const u_char *p)
{
    uint32_t  n;

    ngx_memcpy(&n, p, sizeof(uint32_t));

#if !(NGX_HAVE_LITTLE_ENDIAN)
    n = __builtin_bswap32(n);
#endif

    return n;
}


/* Returns the end, or NULL. */
static ngx_inline const u_char *
ngx_av_otlp_proto_varint(const u_char *p, const u_char *end, uint64_t *value)
{
    if (p < end && *p < 0x80) {
        *value = *p;
        return p + 1;
    }

    return ngx_av_otlp_proto_varint_slow(p, end, value);
}


static const u_char *
ngx_av_otlp_proto_varint_slow(const u_char *p, const u_char *end,
    uint64_t *value)
{
    uint64_t    n;
    ngx_uint_t  i;

    n = 0;

    for (i = 0; i < NGX_AV_OTLP_PROTO_MAX_VARINT && p < end; i++) {

        /* of the tenth byte one bit has room: the others are lost, as ever */

        n |= (uint64_t) (*p & 0x7f) << (7 * i);

        if (*p++ < 0x80) {
            *value = n;
            return p;
        }
    }

    return NULL;
}


const u_char *
ngx_av_otlp_proto_field(ngx_av_otlp_reader_t *r, const u_char *p,
    const u_char *end, ngx_av_otlp_raw_t *raw)
{
    uint64_t       tag;
    const u_char  *start;

    start = p;

    p = ngx_av_otlp_proto_varint(p, end, &tag);
    if (p == NULL) {
        return ngx_av_otlp_proto_no_varint(r, start, end);
    }

    raw->wire = tag & 7;
    raw->number = tag >> 3;

    if (raw->number == 0 || raw->number > NGX_AV_OTLP_PROTO_MAX_NUMBER) {
        ngx_av_otlp_error_at(r, start, "no such field number");
        return NULL;
    }

    start = p;

    switch (raw->wire) {

    case NGX_AV_OTLP_WIRE_LEN:

        p = ngx_av_otlp_proto_varint(p, end, &tag);
        if (p == NULL) {
            return ngx_av_otlp_proto_no_varint(r, start, end);
        }

        if (tag > (uint64_t) (end - p)) {
            ngx_av_otlp_error_at(r, start, "a length is beyond the end");
            return NULL;
        }

        raw->data = p;
        raw->len = tag;

        return p + tag;

    case NGX_AV_OTLP_WIRE_VARINT:

        p = ngx_av_otlp_proto_varint(p, end, &raw->integer);

        return p ? p : ngx_av_otlp_proto_no_varint(r, start, end);

    case NGX_AV_OTLP_WIRE_I64:

        if (end - p < 8) {
            break;
        }

        raw->integer = ngx_av_otlp_proto_i64(p);

        return p + 8;

    case NGX_AV_OTLP_WIRE_I32:

        if (end - p < 4) {
            break;
        }

        raw->integer = ngx_av_otlp_proto_i32(p);

        return p + 4;

    case NGX_AV_OTLP_WIRE_START:

        raw->wire = NGX_AV_OTLP_WIRE_NONE;

        return ngx_av_otlp_proto_group(r, p, end, raw->number);

    default:
        ngx_av_otlp_error_at(r, start, "no such wire type");
        return NULL;
    }

    ngx_av_otlp_error_at(r, start, "a number is cut off");

    return NULL;
}


/* Skips a group: p is after its start.  Returns the end, or NULL. */
static const u_char *
ngx_av_otlp_proto_group(ngx_av_otlp_reader_t *r, const u_char *p,
    const u_char *end, ngx_uint_t number)
{
    uint64_t           tag;
    uint32_t           open[NGX_AV_OTLP_PROTO_MAX_GROUPS];
    ngx_uint_t         n;
    const u_char      *start;
    ngx_av_otlp_raw_t  raw;

    open[0] = number;
    n = 1;

    while (n) {

        start = p;

        p = ngx_av_otlp_proto_varint(start, end, &tag);
        if (p == NULL) {
            return ngx_av_otlp_proto_no_varint(r, start, end);
        }

        switch (tag & 7) {

        case NGX_AV_OTLP_WIRE_START:

            if (n == NGX_AV_OTLP_PROTO_MAX_GROUPS) {
                ngx_av_otlp_error_at(r, start, "groups nested too deeply");
                return NULL;
            }

            open[n++] = tag >> 3;
            break;

        case NGX_AV_OTLP_WIRE_END:

            if (tag >> 3 != open[--n]) {
                ngx_av_otlp_error_at(r, start, "a group has a wrong end");
                return NULL;
            }

            break;

        default:

            p = ngx_av_otlp_proto_field(r, start, end, &raw);
            if (p == NULL) {
                return NULL;
            }
        }
    }

    return p;
}


/* Says what is wrong with a varint; always NULL. */
static const u_char *
ngx_av_otlp_proto_no_varint(ngx_av_otlp_reader_t *r, const u_char *p,
    const u_char *end)
{
    ngx_av_otlp_error_at(r, p,
                         (end - p < NGX_AV_OTLP_PROTO_MAX_VARINT)
                         ? "a number is cut off"
                         : "a number has more than ten bytes");
    return NULL;
}


/* messages */


/* The same for what most fields are: up to 127 bytes, with a small number. */
static ngx_inline const u_char *
ngx_av_otlp_proto_next(ngx_av_otlp_reader_t *r, const u_char *p,
    const u_char *end, ngx_av_otlp_raw_t *raw)
{
    if (end - p >= 2
        && (p[0] & 0x87) == NGX_AV_OTLP_WIRE_LEN
        && p[0] > NGX_AV_OTLP_WIRE_LEN
        && p[1] < 0x80
        && p[1] <= end - p - 2)
    {
        raw->wire = NGX_AV_OTLP_WIRE_LEN;
        raw->number = p[0] >> 3;
        raw->data = p + 2;
        raw->len = p[1];

        return raw->data + raw->len;
    }

    return ngx_av_otlp_proto_field(r, p, end, raw);
}


/*
 * Records are first passed by, from the length of one to that of the next: the
 * processor cannot tell where it goes, and would wait for memory each time.
 */
static ngx_inline void
ngx_av_otlp_proto_ahead(const u_char *p, const u_char *end, size_t len)
{
    size_t  i;

    if (end - p < NGX_AV_OTLP_PROTO_AHEAD + NGX_AV_OTLP_PROTO_MOST) {
        return;
    }

    p += NGX_AV_OTLP_PROTO_AHEAD;

    for (i = 0; i < ngx_min(len, NGX_AV_OTLP_PROTO_MOST);
         i += NGX_AV_OTLP_PROTO_LINE)
    {
        __builtin_prefetch(p + i);
    }
}


ngx_int_t
ngx_av_otlp_proto_message(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const u_char *p, const u_char *end,
    u_char *dst)
{
    u_char                     *place;
    ngx_int_t                   rc;
    ngx_av_otlp_raw_t           raw;
    const ngx_av_otlp_field_t  *field;

    while (p < end) {

        p = ngx_av_otlp_proto_next(r, p, end, &raw);
        if (p == NULL) {
            return NGX_DECLINED;
        }

        if (raw.number > message->last) {
            continue;
        }

        field = &message->fields[raw.number];

        if (field->count == NGX_AV_OTLP_STREAM) {
            ngx_av_otlp_proto_ahead(p, end,
                                    raw.wire == NGX_AV_OTLP_WIRE_LEN ? raw.len
                                                                     : 0);
            continue;
        }

        if (field->type == NGX_AV_OTLP_MESSAGE
            && raw.wire == NGX_AV_OTLP_WIRE_LEN)
        {
            rc = ngx_av_otlp_place(r, field, dst, field->child->size, &place);
            if (rc != NGX_OK) {
                return rc;
            }

            if (field->child == &ngx_av_otlp_key_value
                && ngx_av_otlp_proto_attribute(
                                          (ngx_av_otlp_attribute_t *) place,
                                          raw.data, p))
            {
                continue;
            }

            ngx_av_otlp_set_mark(field, dst);

            /* the last part of a message is read in its place */

            if (p == end) {
                message = field->child;
                dst = place;
                p = raw.data;

                continue;
            }

            rc = ngx_av_otlp_proto_message(r, field->child, raw.data, p,
                                           place);

        } else if (field->wire == raw.wire) {
            rc = ngx_av_otlp_proto_set(r, field, &raw, dst);

        } else if (field->count == NGX_AV_OTLP_MANY
                   && raw.wire == NGX_AV_OTLP_WIRE_LEN)
        {
            rc = ngx_av_otlp_proto_packed(r, field, raw.data, raw.len, dst);

        } else {
            continue;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/*
 * Attributes are most of what there is, and nearly all are a short key and a
 * short scalar, in this order: such ones are read at once, without the tables.
 * 0 if it is another, and nothing has been read.
 */

static ngx_uint_t
ngx_av_otlp_proto_attribute(ngx_av_otlp_attribute_t *attribute,
    const u_char *p, const u_char *end)
{
    const u_char  *key, *value;

    if (end - p < 4
        || p[0] != NGX_AV_OTLP_PROTO_KEY || p[1] > NGX_AV_OTLP_PROTO_SHORT
        || end - p < 4 + p[1])
    {
        return 0;
    }

    key = p + 2;
    value = key + p[1];

    if (value[0] != NGX_AV_OTLP_PROTO_VALUE
        || value[1] > NGX_AV_OTLP_PROTO_SHORT
        || value[1] != end - value - 2
        || !ngx_av_otlp_proto_value(&attribute->value, value + 2, end))
    {
        return 0;
    }

    attribute->key.data = (u_char *) key;
    attribute->key.len = p[1];

    return 1;
}


/* A value that is one scalar and nothing else. */

static ngx_uint_t
ngx_av_otlp_proto_value(ngx_av_otlp_value_t *value, const u_char *p,
    const u_char *end)
{
    uint64_t       integer;
    const u_char  *last;

    if (end - p < 2) {
        return 0;
    }

    switch (p[0]) {

    case NGX_AV_OTLP_PROTO_STRING:

        if (p[1] != end - p - 2) {
            return 0;
        }

        value->kind = NGX_AV_OTLP_STRING;
        value->u.text.data = (u_char *) p + 2;
        value->u.text.len = p[1];

        return 1;

    case NGX_AV_OTLP_PROTO_INT:

        last = ngx_av_otlp_proto_varint(p + 1, end, &integer);
        if (last == NULL || last != end) {
            return 0;
        }

        value->kind = NGX_AV_OTLP_INT;
        value->u.integer = integer;

        return 1;

    case NGX_AV_OTLP_PROTO_DOUBLE:

        if (end - p != 1 + sizeof(uint64_t)) {
            return 0;
        }

        integer = ngx_av_otlp_proto_i64(p + 1);

        value->kind = NGX_AV_OTLP_DOUBLE;
        ngx_memcpy(&value->u.number, &integer, sizeof(double));

        return 1;

    default:
        return 0;
    }
}


/* A field that is no message. */

static ngx_int_t
ngx_av_otlp_proto_set(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_field_t *field, const ngx_av_otlp_raw_t *raw,
    u_char *dst)
{
    u_char               *place;
    ngx_int_t             rc;
    ngx_str_t            *text;
    ngx_av_otlp_value_t  *value;

    rc = ngx_av_otlp_place(r, field, dst, sizeof(uint64_t), &place);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_av_otlp_set_mark(field, dst);

    switch (field->type) {

    case NGX_AV_OTLP_TEXT:

        text = (ngx_str_t *) place;
        text->data = (u_char *) raw->data;
        text->len = raw->len;

        return NGX_OK;

    case NGX_AV_OTLP_ID:

        ngx_av_otlp_proto_id((ngx_av_otlp_id_t *) place, raw->data, raw->len);

        return NGX_OK;

    case NGX_AV_OTLP_BLOB:
    case NGX_AV_OTLP_TREE:
    case NGX_AV_OTLP_DATA:

        value = (ngx_av_otlp_value_t *)
                              (place - offsetof(ngx_av_otlp_value_t, u));

        value->encoding = NGX_AV_OTLP_PROTOBUF;

        if (field->type == NGX_AV_OTLP_BLOB) {
            value->u.text.data = (u_char *) raw->data;
            value->u.text.len = raw->len;

            return NGX_OK;
        }

        value->u.tree.where = raw->data;
        value->u.tree.len = raw->len;

        return (field->type == NGX_AV_OTLP_TREE && !r->shallow)
               ? ngx_av_otlp_proto_tree(r, field->child, raw->data, raw->len)
               : NGX_OK;

    default:
        ngx_av_otlp_proto_number(field, raw->integer, place);

        return NGX_OK;
    }
}


static void
ngx_av_otlp_proto_number(const ngx_av_otlp_field_t *field, uint64_t integer,
    u_char *place)
{
    uint32_t  n;

    switch (field->type) {

    case NGX_AV_OTLP_BOOLEAN:

        *(ngx_uint_t *) place = (integer != 0);

        return;

    case NGX_AV_OTLP_ENUM:
    case NGX_AV_OTLP_UINT32:
    case NGX_AV_OTLP_FIXED32:

        *(uint32_t *) place = (uint32_t) integer;

        return;

    case NGX_AV_OTLP_SINT32:

        n = (uint32_t) integer;
        *(uint32_t *) place = (n >> 1) ^ -(n & 1);

        return;

    case NGX_AV_OTLP_INT64:
    case NGX_AV_OTLP_UINT64:
    case NGX_AV_OTLP_FIXED64:
    case NGX_AV_OTLP_SFIXED64:

        *(uint64_t *) place = integer;

        return;

    case NGX_AV_OTLP_FLOAT64:

        ngx_memcpy(place, &integer, sizeof(double));

        return;
    }
}


static void
ngx_av_otlp_proto_id(ngx_av_otlp_id_t *id, const u_char *p, size_t len)
{
    id->len = len;

    if (len == sizeof(id->bytes)) {
        ngx_memcpy(id->bytes, p, sizeof(id->bytes));
        return;
    }

    ngx_memzero(id->bytes, sizeof(id->bytes));

    if (len) {
        ngx_memcpy(id->bytes, p, ngx_min(len, sizeof(id->bytes)));
    }
}


/* A block of numbers. */
static ngx_int_t
ngx_av_otlp_proto_packed(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_field_t *field, const u_char *p, size_t len,
    u_char *dst)
{
    uint64_t       integer;
    u_char        *place;
    ngx_int_t      rc;
    const u_char  *end, *start;

    switch (field->wire) {

    case NGX_AV_OTLP_WIRE_I64:

        return ngx_av_otlp_proto_fixed(r,
                        (ngx_av_otlp_array_t *) (dst + field->offset), p, len);

    case NGX_AV_OTLP_WIRE_VARINT:
        break;

    default:
        return NGX_OK;
    }

    end = p + len;

    while (p < end) {

        start = p;

        p = ngx_av_otlp_proto_varint(start, end, &integer);
        if (p == NULL) {
            (void) ngx_av_otlp_proto_no_varint(r, start, end);
            return NGX_DECLINED;
        }

        rc = ngx_av_otlp_place(r, field, dst, sizeof(uint64_t), &place);
        if (rc != NGX_OK) {
            return rc;
        }

        ngx_av_otlp_proto_number(field, integer, place);
    }

    return NGX_OK;
}


/* Of eight bytes each: all such types are kept as they travel. */
static ngx_int_t
ngx_av_otlp_proto_fixed(ngx_av_otlp_reader_t *r, ngx_av_otlp_array_t *array,
    const u_char *p, size_t len)
{
    uint64_t    *last;
    ngx_int_t    rc;
    ngx_uint_t   i, n;

    n = len / sizeof(uint64_t);

    if (len % sizeof(uint64_t) != 0) {
        return ngx_av_otlp_error_at(r, p, "a number is cut off");
    }

    if (n == 0) {
        return NGX_OK;
    }

    if (n > array->nalloc - array->nelts) {
        rc = ngx_av_otlp_scratch_grow(r->scratch, array, n, sizeof(uint64_t));
        if (rc != NGX_OK) {
            return rc;
        }
    }

    last = (uint64_t *) array->elts + array->nelts;

    for (i = 0; i < n; i++) {
        last[i] = ngx_av_otlp_proto_i64(p + i * sizeof(uint64_t));
    }

    array->nelts += n;

    return NGX_OK;
}


/* Checks the children of an array or a kvlist, and theirs. */
static ngx_int_t
ngx_av_otlp_proto_tree(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *child, const u_char *p, size_t len)
{
    ngx_int_t                 rc;
    const u_char             *end;
    ngx_av_otlp_raw_t         item;
    ngx_av_otlp_attribute_t   ignored;

    if (r->depth == 0) {
        return ngx_av_otlp_error_at(r, p, "a value is nested too deeply");
    }

    ngx_memzero(&ignored, sizeof(ngx_av_otlp_attribute_t));

    end = p + len;

    r->depth--;

    while (p < end) {

        p = ngx_av_otlp_proto_next(r, p, end, &item);
        if (p == NULL) {
            return NGX_DECLINED;
        }

        if (item.number != 1 || item.wire != NGX_AV_OTLP_WIRE_LEN) {
            continue;
        }

        rc = ngx_av_otlp_proto_message(r, child, item.data,
                                       item.data + item.len,
                                       (u_char *) &ignored);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    r->depth++;

    return NGX_OK;
}


/* requests */


ngx_int_t
ngx_av_otlp_proto_request(ngx_av_otlp_decoder_t *d, const u_char *p,
    size_t len)
{
    if (len == 0) {
        return NGX_OK;
    }

    d->reader.result->present = 1;

    return ngx_av_otlp_proto_deliver(d, ngx_av_otlp_requests[d->signal],
                                     p, p + len);
}


static ngx_int_t
ngx_av_otlp_proto_deliver(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message, const u_char *p, const u_char *end)
{
    u_char              *dst;
    ngx_int_t            rc;
    ngx_av_otlp_mark_t   mark;

    if (d->unsure && message == ngx_av_otlp_records[d->signal]) {
        rc = ngx_av_otlp_signal_check(d, p, end);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    mark = d->scratch.top;
    dst = ngx_av_otlp_begin(d, message);

    rc = ngx_av_otlp_proto_message(&d->reader, message, p, end, dst);

    if (rc == NGX_OK) {
        rc = ngx_av_otlp_deliver(d, message);
    }

    if (rc == NGX_OK) {

        switch (message->role) {

        case NGX_AV_OTLP_REQUEST:
        case NGX_AV_OTLP_RESOURCE:
        case NGX_AV_OTLP_SCOPE:
        case NGX_AV_OTLP_METRIC_DATA:
            rc = ngx_av_otlp_proto_stream(d, message, p, end);
            break;

        case NGX_AV_OTLP_METRIC:
            rc = ngx_av_otlp_proto_data(d);
            break;

        default:
            break;
        }
    }

    ngx_av_otlp_scratch_release(&d->scratch, mark);

    return rc;
}


/*
 * Reads a message a second time, for what is streamed from it: only now all
 * that comes with it is known.
 */

static ngx_int_t
ngx_av_otlp_proto_stream(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message, const u_char *p, const u_char *end)
{
    ngx_int_t                   rc;
    ngx_uint_t                  number;
    ngx_av_otlp_raw_t           raw;
    ngx_av_otlp_level_t        *level;
    const ngx_av_otlp_field_t  *field;

    number = ngx_av_otlp_streamed(message);
    field = &message->fields[number];
    level = ngx_av_otlp_enter(&d->reader, &field->name, 0);

    while (p < end) {

        p = ngx_av_otlp_proto_next(&d->reader, p, end, &raw);
        if (p == NULL) {
            return NGX_DECLINED;
        }

        if (raw.number != number || raw.wire != NGX_AV_OTLP_WIRE_LEN) {
            continue;
        }

        rc = ngx_av_otlp_proto_deliver(d, field->child, raw.data,
                                       raw.data + raw.len);
        if (rc != NGX_OK) {
            return rc;
        }

        level->index++;
    }

    ngx_av_otlp_leave(&d->reader);

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_proto_data(ngx_av_otlp_decoder_t *d)
{
    ngx_int_t                     rc;
    const u_char                 *p;
    const ngx_av_otlp_message_t  *message;

    message = ngx_av_otlp_data[d->metric.type];

    if (message == NULL) {
        return NGX_OK;
    }

    p = d->metric.data.u.tree.where;

    (void) ngx_av_otlp_enter(&d->reader, &message->name, NGX_AV_OTLP_NO_INDEX);

    rc = ngx_av_otlp_proto_deliver(d, message, p,
                                   p + d->metric.data.u.tree.len);
    ngx_av_otlp_leave(&d->reader);

    return rc;
}
