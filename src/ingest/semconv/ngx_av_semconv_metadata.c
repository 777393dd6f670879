#include "ngx_av_semconv_work.h"

#include "ngx_av_text.h"


/* agentmark.md 6 */
#define NGX_AV_SEMCONV_TAGS_MAX    20
#define NGX_AV_SEMCONV_TAG_CHARS   100

/* so many bytes that no hundred characters have more */
#define NGX_AV_SEMCONV_TAG_BYTES   (NGX_AV_SEMCONV_TAG_CHARS * 4)


/* The array of tags while it is written. */
typedef struct {
    ngx_av_buf_t   *b;
    size_t          first;          /* where it begins in b */
    ngx_uint_t      n;
    size_t          tags[NGX_AV_SEMCONV_TAGS_MAX + 1];
} ngx_av_semconv_tags_t;


static ngx_int_t ngx_av_semconv_put_all_metadata(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, size_t limit);
static ngx_int_t ngx_av_semconv_put_object(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *object, size_t limit);
static ngx_int_t ngx_av_semconv_put_member(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_str_t *name, const ngx_str_t *text,
    size_t limit);
static ngx_int_t ngx_av_semconv_add_tags(ngx_av_semconv_work_t *w,
    ngx_av_semconv_tags_t *tags, const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_split_tags(ngx_av_semconv_tags_t *tags,
    const ngx_str_t *text);
static ngx_int_t ngx_av_semconv_add_tag(ngx_av_semconv_tags_t *tags,
    const u_char *p, size_t len);
static ngx_uint_t ngx_av_semconv_is_repeated(ngx_av_semconv_tags_t *tags);


#define ngx_av_put(b, text)  ngx_av_buf_append(b, text, sizeof(text) - 1)


/*
 * What OpenInference sends as one, then the members sent by themselves: of
 * equal names the last counts in jsonb.  Always an object: what would make it
 * longer than the limit is left out.
 */

ngx_int_t
ngx_av_semconv_put_metadata(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    size_t                  start;
    ngx_av_semconv_work_t  *w;

    w = sc->work;

    start = ngx_av_buf_len(b);

    if (ngx_av_put(b, "{") != NGX_OK
        || ngx_av_semconv_put_all_metadata(w, b, start + w->limits.text_limit)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_buf_len(b) == start + 1) {
        return NGX_DECLINED;
    }

    /* in place of the last member's comma */

    b->last[-1] = '}';

    return NGX_OK;
}


static ngx_int_t
ngx_av_semconv_put_all_metadata(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    size_t limit)
{
    ngx_int_t                    rc;
    ngx_str_t                    name, text;
    ngx_uint_t                   i;
    ngx_av_json_t                json;
    const ngx_str_t             *prefix;
    const ngx_av_otlp_value_t   *value;
    const ngx_av_semconv_item_t *item;

    static const ngx_str_t  metadata = ngx_string("metadata");

    if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_METADATA)) {

        value = w->slots[NGX_AV_SEMCONV_METADATA].value;

        rc = ngx_av_semconv_parse_tree(w, value, &json);

        if (rc == NGX_OK) {
            rc = yyjson_is_obj(json.root)
                 ? ngx_av_semconv_put_object(w, b, json.root, limit)
                 : NGX_DECLINED;

            ngx_av_json_free(&json);
        }

        if (rc == NGX_DECLINED) {
            rc = ngx_av_semconv_text(w, &w->json, value, &text);

            if (rc == NGX_OK) {
                rc = ngx_av_semconv_put_member(w, b, &metadata, &text, limit);
            }
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    item = w->items.elts;

    for (i = 0; i < w->items.nelts; i++) {

        prefix = &ngx_av_semconv_rows[item[i].row].key;

        name.data = item[i].attribute->key.data + prefix->len;
        name.len = item[i].attribute->key.len - prefix->len;

        rc = ngx_av_semconv_text(w, &w->json, &item[i].attribute->value,
                                 &text);

        if (rc == NGX_OK) {
            rc = ngx_av_semconv_put_member(w, b, &name, &text, limit);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The members of an object of any values. */
static ngx_int_t
ngx_av_semconv_put_object(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *object, size_t limit)
{
    size_t            len;
    ngx_int_t         rc;
    yyjson_val       *key;
    yyjson_obj_iter   iter;

    yyjson_obj_iter_init(object, &iter);

    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {

        len = ngx_av_buf_len(b);

        if (ngx_av_semconv_put_json(w, b, key) != NGX_OK
            || ngx_av_put(b, ":") != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_av_semconv_put_json(w, b, yyjson_obj_iter_get_val(key));

        if (rc == NGX_OK) {
            rc = ngx_av_put(b, ",");
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED || ngx_av_buf_len(b) > limit) {
            b->last = b->start + len;
        }
    }

    return NGX_OK;
}


/* A member, and a comma. */
static ngx_int_t
ngx_av_semconv_put_member(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *text, size_t limit)
{
    size_t  len;

    len = ngx_av_buf_len(b);

    /* what cannot fit need not be escaped first */

    if (len > limit || name->len > limit - len) {
        return NGX_OK;
    }

    if (ngx_av_semconv_put_string(b, name, 0) != NGX_OK
        || ngx_av_put(b, ":") != NGX_OK
        || ngx_av_semconv_put_string(b, text, w->limits.text_limit) != NGX_OK
        || ngx_av_put(b, ",") != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_buf_len(b) > limit) {
        b->last = b->start + len;
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_semconv_put_tags(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    ngx_uint_t              i;
    ngx_av_semconv_tags_t   tags;
    ngx_av_semconv_work_t  *w;

    w = sc->work;

    tags.b = b;
    tags.n = 0;

    if (ngx_av_put(b, "[") != NGX_OK) {
        return NGX_ERROR;
    }

    tags.tags[0] = ngx_av_buf_len(b);

    for (i = NGX_AV_SEMCONV_TAGS; i <= NGX_AV_SEMCONV_OLD_TAGS; i++) {

        if (ngx_av_semconv_has(w, i)
            && ngx_av_semconv_add_tags(w, &tags, w->slots[i].value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (tags.n == 0) {
        return NGX_DECLINED;
    }

    /* in place of the last tag's comma */

    b->last[-1] = ']';

    return NGX_OK;
}


/* An array, the text of one, or tags between commas. */
static ngx_int_t
ngx_av_semconv_add_tags(ngx_av_semconv_work_t *w, ngx_av_semconv_tags_t *tags,
    const ngx_av_otlp_value_t *value)
{
    ngx_int_t         rc;
    yyjson_val       *item;
    ngx_av_json_t     json;
    yyjson_arr_iter   iter;

    rc = ngx_av_semconv_parse_tree(w, value, &json);

    if (rc == NGX_DECLINED && value->kind == NGX_AV_OTLP_STRING) {
        return ngx_av_semconv_split_tags(tags, &value->u.text);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
    }

    yyjson_arr_iter_init(json.root, &iter);

    while (rc == NGX_OK && (item = yyjson_arr_iter_next(&iter)) != NULL) {

        if (yyjson_is_str(item)) {
            rc = ngx_av_semconv_add_tag(tags, (u_char *) yyjson_get_str(item),
                                        yyjson_get_len(item));
        }
    }

    ngx_av_json_free(&json);

    return rc;
}


static ngx_int_t
ngx_av_semconv_split_tags(ngx_av_semconv_tags_t *tags, const ngx_str_t *text)
{
    const u_char  *p, *end, *comma;

    p = text->data;
    end = p + text->len;

    for ( ;; ) {
        comma = memchr(p, ',', end - p);

        if (comma == NULL) {
            return ngx_av_semconv_add_tag(tags, p, end - p);
        }

        if (ngx_av_semconv_add_tag(tags, p, comma - p) != NGX_OK) {
            return NGX_ERROR;
        }

        p = comma + 1;
    }
}


static ngx_int_t
ngx_av_semconv_add_tag(ngx_av_semconv_tags_t *tags, const u_char *p,
    size_t len)
{
    while (len && *p <= ' ') {
        p++;
        len--;
    }

    while (len && p[len - 1] <= ' ') {
        len--;
    }

    if (len == 0 || len > NGX_AV_SEMCONV_TAG_BYTES
        || ngx_av_text_chars(p, len) > NGX_AV_SEMCONV_TAG_CHARS
        || tags->n == NGX_AV_SEMCONV_TAGS_MAX)
    {
        return NGX_OK;
    }

    if (ngx_av_json_write_bytes(tags->b, p, len) != NGX_OK
        || ngx_av_put(tags->b, ",") != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_semconv_is_repeated(tags)) {
        tags->b->last = tags->b->start + tags->tags[tags->n];
        return NGX_OK;
    }

    tags->tags[++tags->n] = ngx_av_buf_len(tags->b);

    return NGX_OK;
}


/* What was written last is one of the tags written before. */
static ngx_uint_t
ngx_av_semconv_is_repeated(ngx_av_semconv_tags_t *tags)
{
    size_t      len;
    u_char     *last;
    ngx_uint_t  i;

    last = tags->b->start + tags->tags[tags->n];
    len = tags->b->last - last;

    for (i = 0; i < tags->n; i++) {

        if (tags->tags[i + 1] - tags->tags[i] == len
            && ngx_memcmp(tags->b->start + tags->tags[i], last, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
