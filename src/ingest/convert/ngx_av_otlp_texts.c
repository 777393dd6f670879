#include "ngx_av_otlp_texts.h"

#include "ngx_av_text.h"


/* the most that one byte becomes, repaired */
#define NGX_AV_OTLP_TEXTS_REPAIR  3

/* a number, true, null */
#define NGX_AV_OTLP_TEXTS_SCALAR  8


/* What is being written; if it gets too long it will be taken back. */
typedef struct {
    ngx_av_texts_t      *texts;
    ngx_av_buf_t        *buf;
    size_t               start;         /* offset in buf */
    size_t               cut;           /* size of the longest string cut */
} ngx_av_otlp_writer_t;


/* An element of an array of objects: NGX_AV_OTLP_SKIP to leave it out. */
typedef ngx_int_t (*ngx_av_otlp_write_pt)(ngx_av_otlp_writer_t *w,
    const void *element);

#define NGX_AV_OTLP_SKIP  NGX_BUSY


typedef struct {
    ngx_str_t                name;
    size_t                   size;      /* of an element */
    ngx_av_otlp_write_pt     write;
} ngx_av_otlp_list_t;


static ngx_int_t ngx_av_otlp_write_plain(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_av_otlp_attribute_t *attribute);
static ngx_int_t ngx_av_otlp_write_member(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_str_t *name,
    const ngx_av_otlp_attribute_t *attribute);
static ngx_int_t ngx_av_otlp_write_any(ngx_av_otlp_writer_t *w,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth);
static ngx_int_t ngx_av_otlp_write_tree(ngx_av_otlp_writer_t *w,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth);
static ngx_int_t ngx_av_otlp_write_text(ngx_av_otlp_writer_t *w,
    const ngx_str_t *bytes);
static ngx_int_t ngx_av_otlp_write_base64(ngx_av_otlp_writer_t *w,
    const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_otlp_write_list(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_av_otlp_array_t *array,
    const ngx_av_otlp_list_t *list);
static ngx_int_t ngx_av_otlp_write_event(ngx_av_otlp_writer_t *w,
    const void *element);
static ngx_int_t ngx_av_otlp_write_link(ngx_av_otlp_writer_t *w,
    const void *element);
static ngx_int_t ngx_av_otlp_write_exemplar(ngx_av_otlp_writer_t *w,
    const void *element);
static ngx_int_t ngx_av_otlp_write_object(ngx_av_otlp_writer_t *w,
    const ngx_av_otlp_attributes_t *attributes);
static ngx_int_t ngx_av_otlp_write_id(ngx_av_otlp_writer_t *w,
    const char *before, const ngx_av_otlp_id_t *id);
static ngx_int_t ngx_av_otlp_write_format(ngx_av_otlp_writer_t *w,
    const char *fmt, uint64_t number);
static size_t ngx_av_otlp_text_size(const ngx_str_t *text);
static size_t ngx_av_otlp_attributes_size(
    const ngx_av_otlp_attributes_t *attributes, ngx_uint_t depth);


static const ngx_av_otlp_list_t  ngx_av_otlp_events = {
    ngx_string("events"), sizeof(ngx_av_otlp_event_t), ngx_av_otlp_write_event
};

static const ngx_av_otlp_list_t  ngx_av_otlp_links = {
    ngx_string("links"), sizeof(ngx_av_otlp_link_t), ngx_av_otlp_write_link
};

static const ngx_av_otlp_list_t  ngx_av_otlp_exemplars = {
    ngx_string("exemplars"), sizeof(ngx_av_otlp_exemplar_t),
    ngx_av_otlp_write_exemplar
};


static ngx_inline ngx_int_t
ngx_av_otlp_write_char(ngx_av_buf_t *b, u_char c)
{
    if (ngx_av_buf_reserve(b, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    *b->last++ = c;

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_write_attributes(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_av_otlp_attributes_t *attributes)
{
    ngx_int_t                 rc;
    ngx_uint_t                i, dropped;
    ngx_av_otlp_attribute_t  *attribute;

    if (ngx_av_otlp_write_char(b, '{') != NGX_OK) {
        return NGX_ERROR;
    }

    attribute = attributes->elts;
    dropped = 0;

    for (i = 0; i < attributes->nelts; i++) {

        rc = ngx_av_otlp_write_plain(texts, b, &attribute[i]);

        if (rc == NGX_DECLINED) {
            rc = ngx_av_otlp_write_member(texts, b, name, &attribute[i]);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        dropped |= (rc == NGX_DECLINED);
    }

    /* the brace takes the place of the last comma */

    if (b->last[-1] == ',') {
        b->last--;
    }

    if (ngx_av_otlp_write_char(b, '}') != NGX_OK) {
        return NGX_ERROR;
    }

    if (!dropped) {
        return NGX_OK;
    }

    return ngx_av_texts_note(texts, name, NULL,
                             ngx_av_otlp_attributes_size(attributes,
                                                         texts->depth));
}


/*
 * What nearly all members are, at once: a key and a text without anything to
 * repair, escape or cut, or an integer.  NGX_DECLINED if it may be another.
 */

static ngx_int_t
ngx_av_otlp_write_plain(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_av_otlp_attribute_t *attribute)
{
    size_t                      size;
    u_char                     *last;
    const ngx_str_t            *key, *text;
    const ngx_av_otlp_value_t  *value;

    key = &attribute->key;
    value = &attribute->value;
    text = &value->u.text;

    switch (value->kind) {

    case NGX_AV_OTLP_STRING:
        if (text->len > texts->attribute_limit) {
            return NGX_DECLINED;
        }

        size = text->len + 2;
        break;

    case NGX_AV_OTLP_INT:
        size = NGX_INT64_LEN;
        break;

    default:
        return NGX_DECLINED;
    }

    if (key->len > texts->attribute_limit) {
        return NGX_DECLINED;
    }

    size += key->len + sizeof("\"\":,") - 1;

    if (size > texts->left) {
        return NGX_DECLINED;
    }

    if (ngx_av_buf_reserve(b, size) != NGX_OK) {
        return NGX_ERROR;
    }

    last = ngx_av_json_put_plain(b->last, key->data, key->len);

    if (last) {
        *last++ = ':';
        last = (value->kind == NGX_AV_OTLP_STRING)
               ? ngx_av_json_put_plain(last, text->data, text->len)
               : ngx_av_text_int64(last, value->u.integer);
    }

    if (last == NULL) {
        return NGX_DECLINED;
    }

    *last++ = ',';

    texts->left -= last - b->last;
    b->last = last;

    return NGX_OK;
}


/* A member and a comma; NGX_DECLINED if it does not fit. */

static ngx_int_t
ngx_av_otlp_write_member(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_av_otlp_attribute_t *attribute)
{
    size_t                 n;
    ngx_int_t              rc;
    ngx_str_t              key;
    ngx_av_otlp_writer_t   w;

    key = attribute->key;

    if (key.len > texts->attribute_limit / NGX_AV_OTLP_TEXTS_REPAIR) {

        if (ngx_av_texts_repair(texts, &key) != NGX_OK) {
            return NGX_ERROR;
        }

        if (key.len > texts->attribute_limit) {
            return NGX_DECLINED;
        }
    }

    w.texts = texts;
    w.buf = b;
    w.start = ngx_av_buf_len(b);
    w.cut = 0;

    if (ngx_av_json_write_bytes(b, key.data, key.len) != NGX_OK
        || ngx_av_otlp_write_char(b, ':') != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_otlp_write_any(&w, &attribute->value, texts->depth);

    if (rc == NGX_ERROR || ngx_av_otlp_write_char(b, ',') != NGX_OK) {
        return NGX_ERROR;
    }

    n = ngx_av_buf_len(b) - w.start;

    if (rc == NGX_DECLINED || n > texts->left) {
        b->last = b->start + w.start;
        return NGX_DECLINED;
    }

    texts->left -= n;

    return w.cut ? ngx_av_texts_note(texts, name, &attribute->key, w.cut)
                 : NGX_OK;
}


ngx_int_t
ngx_av_otlp_write_value(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_av_otlp_value_t *value)
{
    size_t                 n;
    ngx_int_t              rc;
    ngx_av_otlp_writer_t   w;

    w.texts = texts;
    w.buf = b;
    w.start = ngx_av_buf_len(b);
    w.cut = 0;

    rc = ngx_av_otlp_write_any(&w, value, texts->depth);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    n = ngx_av_buf_len(b) - w.start;

    if (rc == NGX_DECLINED || n > texts->left) {
        b->last = b->start + w.start;
        return NGX_DECLINED;
    }

    texts->left -= n;

    return w.cut ? ngx_av_texts_note(texts, name, NULL, w.cut) : NGX_OK;
}


/* NGX_DECLINED once it is clear that it does not fit. */

static ngx_int_t
ngx_av_otlp_write_any(ngx_av_otlp_writer_t *w,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth)
{
    switch (value->kind) {

    case NGX_AV_OTLP_STRING:
        return ngx_av_otlp_write_text(w, &value->u.text);

    case NGX_AV_OTLP_ARRAY:
    case NGX_AV_OTLP_KVLIST:
        return ngx_av_otlp_write_tree(w, value, depth);

    case NGX_AV_OTLP_BYTES:
        return ngx_av_otlp_write_base64(w, value);

    default: /* scalars: short, and none of them nested */
        return ngx_av_otlp_value_json(w->buf, value, 0);
    }
}


static ngx_int_t
ngx_av_otlp_write_tree(ngx_av_otlp_writer_t *w,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth)
{
    u_char                   before;
    ngx_int_t                rc;
    ngx_uint_t               keys;
    ngx_av_otlp_iter_t       iter;
    ngx_av_otlp_attribute_t  child;

    keys = (value->kind == NGX_AV_OTLP_KVLIST);
    before = keys ? '{' : '[';

    ngx_av_otlp_iter_init(&iter, value);

    for ( /* void */ ; ngx_av_otlp_iter_next(&iter, &child); before = ',') {

        /* one that is empty is as deep as a scalar */

        if (depth == 0) {
            return NGX_DECLINED;
        }

        if (ngx_av_otlp_write_char(w->buf, before) != NGX_OK) {
            return NGX_ERROR;
        }

        if (keys && (ngx_av_otlp_write_text(w, &child.key) != NGX_OK
                     || ngx_av_otlp_write_char(w->buf, ':') != NGX_OK))
        {
            return NGX_ERROR;
        }

        rc = ngx_av_otlp_write_any(w, &child.value, depth - 1);
        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_av_buf_len(w->buf) - w->start > w->texts->left) {
            return NGX_DECLINED;
        }
    }

    if (before != ',' && ngx_av_otlp_write_char(w->buf, before) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_otlp_write_char(w->buf, keys ? '}' : ']');
}


static ngx_int_t
ngx_av_otlp_write_text(ngx_av_otlp_writer_t *w, const ngx_str_t *bytes)
{
    size_t     n;
    ngx_str_t  text;

    text = *bytes;

    if (text.len <= w->texts->attribute_limit / NGX_AV_OTLP_TEXTS_REPAIR) {
        return ngx_av_json_write_bytes(w->buf, text.data, text.len);
    }

    if (ngx_av_texts_repair(w->texts, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    n = ngx_av_text_cut(text.data, text.len, w->texts->attribute_limit);

    if (n < text.len) {
        w->cut = ngx_max(w->cut, text.len);
    }

    return ngx_av_json_write_string(w->buf, text.data, n);
}


static ngx_int_t
ngx_av_otlp_write_base64(ngx_av_otlp_writer_t *w,
    const ngx_av_otlp_value_t *value)
{
    size_t  start, n;

    start = ngx_av_buf_len(w->buf);

    if (ngx_av_otlp_value_json(w->buf, value, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    n = ngx_av_buf_len(w->buf) - start - 2;

    if (n > w->texts->attribute_limit) {
        w->cut = ngx_max(w->cut, n);
        w->buf->last = w->buf->start + start + 1 + w->texts->attribute_limit;
        *w->buf->last++ = '"';
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_write_events(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_av_otlp_array_t *events)
{
    return ngx_av_otlp_write_list(texts, b, events, &ngx_av_otlp_events);
}


ngx_int_t
ngx_av_otlp_write_links(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_av_otlp_array_t *links)
{
    return ngx_av_otlp_write_list(texts, b, links, &ngx_av_otlp_links);
}


ngx_int_t
ngx_av_otlp_write_exemplars(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_av_otlp_array_t *exemplars)
{
    return ngx_av_otlp_write_list(texts, b, exemplars,
                                  &ngx_av_otlp_exemplars);
}


static ngx_int_t
ngx_av_otlp_write_list(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_av_otlp_array_t *array, const ngx_av_otlp_list_t *list)
{
    size_t                 n, size;
    ngx_int_t              rc;
    ngx_uint_t             i, dropped;
    const u_char          *element;
    ngx_av_otlp_writer_t   w;

    w.texts = texts;
    w.buf = b;
    w.cut = 0;

    if (ngx_av_otlp_write_char(b, '[') != NGX_OK) {
        return NGX_ERROR;
    }

    element = array->elts;
    dropped = 0;
    size = 0;

    for (i = 0; i < array->nelts; i++, element += list->size) {

        w.start = ngx_av_buf_len(b);

        rc = list->write(&w, element);

        if (rc == NGX_ERROR || ngx_av_otlp_write_char(b, ',') != NGX_OK) {
            return NGX_ERROR;
        }

        n = ngx_av_buf_len(b) - w.start;
        size += n;

        if (rc != NGX_OK || n > texts->left) {
            b->last = b->start + w.start;
            dropped |= (rc != NGX_AV_OTLP_SKIP);
            continue;
        }

        texts->left -= n;
    }

    if (b->last[-1] == ',') {
        b->last--;
    }

    if (ngx_av_otlp_write_char(b, ']') != NGX_OK) {
        return NGX_ERROR;
    }

    /* of an element given up halfway the size is what it was then */

    if (dropped) {
        return ngx_av_texts_note(texts, &list->name, NULL, size);
    }

    return w.cut ? ngx_av_texts_note(texts, &list->name, NULL, w.cut)
                 : NGX_OK;
}


static ngx_int_t
ngx_av_otlp_write_event(ngx_av_otlp_writer_t *w, const void *element)
{
    ngx_int_t                   rc;
    const ngx_av_otlp_event_t  *event = element;

    if (ngx_av_otlp_write_format(w, "{\"time_unix_nano\":\"%uL\",\"name\":",
                                 event->time)
        != NGX_OK
        || ngx_av_otlp_write_text(w, &event->name) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_otlp_write_object(w, &event->attributes);
    if (rc != NGX_OK) {
        return rc;
    }

    if (event->dropped_attributes
        && ngx_av_otlp_write_format(w, ",\"dropped_attributes_count\":%uL",
                                    event->dropped_attributes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_write_char(w->buf, '}');
}


static ngx_int_t
ngx_av_otlp_write_link(ngx_av_otlp_writer_t *w, const void *element)
{
    ngx_int_t                  rc;
    const ngx_av_otlp_link_t  *link = element;

    if (ngx_av_otlp_write_id(w, "{\"trace_id\":", &link->trace_id) != NGX_OK
        || ngx_av_otlp_write_id(w, ",\"span_id\":", &link->span_id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (link->trace_state.len
        && (ngx_av_buf_append(w->buf, ",\"trace_state\":", 15) != NGX_OK
            || ngx_av_otlp_write_text(w, &link->trace_state) != NGX_OK))
    {
        return NGX_ERROR;
    }

    rc = ngx_av_otlp_write_object(w, &link->attributes);
    if (rc != NGX_OK) {
        return rc;
    }

    if (link->dropped_attributes
        && ngx_av_otlp_write_format(w, ",\"dropped_attributes_count\":%uL",
                                    link->dropped_attributes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (link->flags
        && ngx_av_otlp_write_format(w, ",\"flags\":%uL", link->flags)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_write_char(w->buf, '}');
}


static ngx_int_t
ngx_av_otlp_write_exemplar(ngx_av_otlp_writer_t *w, const void *element)
{
    ngx_int_t                      rc;
    const ngx_av_otlp_exemplar_t  *exemplar = element;

    if (exemplar->trace_id.len == 0) {
        return NGX_AV_OTLP_SKIP;
    }

    if (ngx_av_otlp_write_format(w, "{\"time_unix_nano\":\"%uL\",\"value\":",
                                 exemplar->time)
        != NGX_OK
        || ngx_av_otlp_value_json(w->buf, &exemplar->value, 0) != NGX_OK
        || ngx_av_otlp_write_id(w, ",\"trace_id\":", &exemplar->trace_id)
           != NGX_OK
        || ngx_av_otlp_write_id(w, ",\"span_id\":", &exemplar->span_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_otlp_write_object(w, &exemplar->attributes);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_av_otlp_write_char(w->buf, '}');
}


/* The member "attributes", which does not come first. */

static ngx_int_t
ngx_av_otlp_write_object(ngx_av_otlp_writer_t *w,
    const ngx_av_otlp_attributes_t *attributes)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_av_otlp_attribute_t  *attribute;

    if (ngx_av_buf_append(w->buf, ",\"attributes\":{", 15) != NGX_OK) {
        return NGX_ERROR;
    }

    attribute = attributes->elts;

    for (i = 0; i < attributes->nelts; i++) {
        if ((i && ngx_av_otlp_write_char(w->buf, ',') != NGX_OK)
            || ngx_av_otlp_write_text(w, &attribute[i].key) != NGX_OK
            || ngx_av_otlp_write_char(w->buf, ':') != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_av_otlp_write_any(w, &attribute[i].value, w->texts->depth);
        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_av_buf_len(w->buf) - w->start > w->texts->left) {
            return NGX_DECLINED;
        }
    }

    return ngx_av_otlp_write_char(w->buf, '}');
}


/* In hex, or as it was sent if it is no hex. */

static ngx_int_t
ngx_av_otlp_write_id(ngx_av_otlp_writer_t *w, const char *before,
    const ngx_av_otlp_id_t *id)
{
    u_char      *p;
    u_char       text[2 + 2 * sizeof(id->bytes)];
    ngx_uint_t   i, n;

    static const u_char  hex[] = "0123456789abcdef";

    if (ngx_av_buf_append(w->buf, before, ngx_strlen(before)) != NGX_OK) {
        return NGX_ERROR;
    }

    if (id->len == NGX_AV_OTLP_ID_TEXT) {
        return ngx_av_otlp_write_text(w, &id->text);
    }

    n = ngx_min(id->len, sizeof(id->bytes));
    p = text;

    *p++ = '"';

    for (i = 0; i < n; i++) {
        *p++ = hex[id->bytes[i] >> 4];
        *p++ = hex[id->bytes[i] & 0xf];
    }

    *p++ = '"';

    return ngx_av_buf_append(w->buf, text, p - text);
}


static ngx_int_t
ngx_av_otlp_write_format(ngx_av_otlp_writer_t *w, const char *fmt,
    uint64_t number)
{
    if (ngx_av_buf_reserve(w->buf, ngx_strlen(fmt) + NGX_INT64_LEN)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    w->buf->last = ngx_sprintf(w->buf->last, fmt, number);

    return NGX_OK;
}


size_t
ngx_av_otlp_value_size(const ngx_av_otlp_value_t *value, ngx_uint_t depth)
{
    size_t                   size;
    ngx_av_otlp_iter_t       iter;
    ngx_av_otlp_attribute_t  child;

    switch (value->kind) {

    case NGX_AV_OTLP_STRING:
        return ngx_av_otlp_text_size(&value->u.text) + 2;

    case NGX_AV_OTLP_ARRAY:
    case NGX_AV_OTLP_KVLIST:
    case NGX_AV_OTLP_BYTES:
        break;

    default:
        return NGX_AV_OTLP_TEXTS_SCALAR;
    }

    size = 2;

    if (depth == 0) {
        return size;
    }

    ngx_av_otlp_iter_init(&iter, value);

    while (ngx_av_otlp_iter_next(&iter, &child)) {
        size += ngx_av_otlp_value_size(&child.value, depth - 1) + 1;

        if (value->kind == NGX_AV_OTLP_KVLIST) {
            size += ngx_av_otlp_text_size(&child.key) + 3;
        }
    }

    /* there is no comma after the last */

    return (size > 2) ? size - 1 : size;
}


/* Without its NULs, and repaired: as it would be written. */

static size_t
ngx_av_otlp_text_size(const ngx_str_t *text)
{
    size_t         i, n, len, bad, size;
    const u_char  *p;

    p = text->data;
    len = text->len;
    size = 0;

    do {
        n = ngx_av_text_valid(p, len, &bad);

        for (i = 0; i < n; i++) {
            size += (p[i] != '\0');
        }

        if (bad) {
            size += sizeof(NGX_AV_TEXT_REPLACEMENT) - 1;
        }

        p += n + bad;
        len -= n + bad;

    } while (bad);

    return size;
}


static size_t
ngx_av_otlp_attributes_size(const ngx_av_otlp_attributes_t *attributes,
    ngx_uint_t depth)
{
    size_t                    size;
    ngx_uint_t                i;
    ngx_av_otlp_attribute_t  *attribute;

    size = 2;
    attribute = attributes->elts;

    for (i = 0; i < attributes->nelts; i++) {
        size += ngx_av_otlp_text_size(&attribute[i].key) + 3
                + ngx_av_otlp_value_size(&attribute[i].value, depth) + 1;
    }

    return (size > 2) ? size - 1 : size;
}
