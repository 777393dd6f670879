#include "ngx_av_texts.h"

#include "ngx_av_db_array.h"
#include "ngx_av_text.h"


/* bytes of a member's name that "truncated" shows */
#define NGX_AV_TEXTS_KEY_LEN     255

/* the most that JSON makes of one byte: \u001f */
#define NGX_AV_TEXTS_ESCAPE_LEN  6


static const u_char *ngx_av_texts_strip(ngx_av_texts_t *texts,
    const u_char *p, size_t *len);
static ngx_int_t ngx_av_texts_put_text(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_str_t *name, const u_char *p, size_t len);
static ngx_int_t ngx_av_texts_write_string(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_str_t *name, yyjson_val *val);
static ngx_int_t ngx_av_texts_write_text(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_str_t *name, const u_char *p, size_t len);
static ngx_int_t ngx_av_texts_write_value(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_str_t *name, yyjson_val *val);
static ngx_int_t ngx_av_texts_write_head(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const u_char *p, size_t len);
static ngx_int_t ngx_av_texts_write_object(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_str_t *name, yyjson_val *val,
    yyjson_val *original);
static ngx_int_t ngx_av_texts_write_members(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_str_t *name, yyjson_val *val,
    yyjson_val *original);
static ngx_int_t ngx_av_texts_write_member(ngx_av_texts_t *texts,
    ngx_av_buf_t *b, const ngx_str_t *name, const ngx_str_t *key,
    yyjson_val *val);
static size_t ngx_av_texts_size(yyjson_val *val, size_t string_limit);
static size_t ngx_av_texts_fit(const u_char *p, size_t len, size_t limit);


void
ngx_av_texts_init(ngx_av_texts_t *texts, ngx_pool_t *pool,
    size_t attribute_limit, size_t span_limit, ngx_uint_t depth)
{
    texts->attribute_limit = attribute_limit;
    texts->span_limit = span_limit;
    texts->depth = depth;

    /* of size 0: cannot fail */

    (void) ngx_av_buf_init(&texts->cut, pool, 0);
    (void) ngx_av_buf_init(&texts->scratch, pool, 0);
}


void
ngx_av_texts_begin(ngx_av_texts_t *texts)
{
    texts->left = texts->span_limit;
    texts->cut.last = texts->cut.start;
}


ngx_int_t
ngx_av_texts_put(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, yyjson_val *val)
{
    size_t         len;
    const u_char  *p;

    len = unsafe_yyjson_get_len(val);
    p = ngx_av_texts_strip(texts, (u_char *) unsafe_yyjson_get_str(val), &len);

    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_av_texts_put_text(texts, b, name, p, len);
}


ngx_int_t
ngx_av_texts_put_bytes(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *bytes)
{
    ngx_str_t  text;

    text = *bytes;

    if (ngx_av_texts_repair(texts, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_texts_put_text(texts, b, name, text.data, text.len);
}


ngx_int_t
ngx_av_texts_put_clean(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *text)
{
    return ngx_av_texts_put_text(texts, b, name, text->data, text->len);
}


static ngx_int_t
ngx_av_texts_put_text(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const u_char *p, size_t len)
{
    size_t  n;

    n = ngx_av_text_cut(p, len, ngx_min(texts->attribute_limit, texts->left));

    if (n < len && ngx_av_texts_note(texts, name, NULL, len) != NGX_OK) {
        return NGX_ERROR;
    }

    texts->left -= n;

    return ngx_av_db_array_text(b, p, n);
}


/* The text without its NULs, in scratch if there are any. */

static const u_char *
ngx_av_texts_strip(ngx_av_texts_t *texts, const u_char *p, size_t *len)
{
    if (memchr(p, '\0', *len) == NULL) {
        return p;
    }

    texts->scratch.last = texts->scratch.start;

    if (ngx_av_text_append(&texts->scratch, p, *len) != NGX_OK) {
        return NULL;
    }

    *len = ngx_av_buf_len(&texts->scratch);

    return texts->scratch.start;
}


ngx_int_t
ngx_av_texts_repair(ngx_av_texts_t *texts, ngx_str_t *bytes)
{
    size_t         bad;
    ngx_av_buf_t  *scratch;

    if (ngx_av_text_is_plain(bytes->data, bytes->len)) {
        return NGX_OK;
    }

    if (memchr(bytes->data, '\0', bytes->len) == NULL) {

        (void) ngx_av_text_valid(bytes->data, bytes->len, &bad);

        if (bad == 0) {
            return NGX_OK;
        }
    }

    scratch = &texts->scratch;
    scratch->last = scratch->start;

    if (ngx_av_text_append_repaired(scratch, bytes->data, bytes->len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    bytes->data = scratch->start;
    bytes->len = ngx_av_buf_len(scratch);

    return NGX_OK;
}


ngx_int_t
ngx_av_texts_put_json(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, yyjson_val *val)
{
    size_t     start, mark;
    ngx_int_t  rc;

    start = ngx_av_buf_len(b);

    if (ngx_av_db_array_begin(b, NGX_AV_DB_JSON, &mark) != NGX_OK) {
        return NGX_ERROR;
    }

    if (unsafe_yyjson_is_str(val)) {
        rc = ngx_av_texts_write_string(texts, b, name, val);

    } else {
        rc = ngx_av_texts_write_value(texts, b, name, val);
    }

    if (rc != NGX_OK) {
        b->last = b->start + start;
        return rc;
    }

    ngx_av_db_array_end(b, mark);

    return NGX_OK;
}


ngx_int_t
ngx_av_texts_put_json_bytes(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *bytes)
{
    ngx_str_t  text;

    text = *bytes;

    if (ngx_av_texts_repair(texts, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_texts_put_json_clean(texts, b, name, &text);
}


ngx_int_t
ngx_av_texts_put_json_clean(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *text)
{
    size_t  mark;

    if (ngx_av_db_array_begin(b, NGX_AV_DB_JSON, &mark) != NGX_OK
        || ngx_av_texts_write_text(texts, b, name, text->data, text->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_db_array_end(b, mark);

    return NGX_OK;
}


static ngx_int_t
ngx_av_texts_write_string(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, yyjson_val *val)
{
    size_t         len;
    const u_char  *p;

    len = unsafe_yyjson_get_len(val);
    p = ngx_av_texts_strip(texts, (u_char *) unsafe_yyjson_get_str(val), &len);

    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_av_texts_write_text(texts, b, name, p, len);
}


static ngx_int_t
ngx_av_texts_write_text(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const u_char *p, size_t len)
{
    size_t  n;

    n = ngx_av_text_cut(p, len, ngx_min(texts->attribute_limit, texts->left));

    if (n > texts->left / NGX_AV_TEXTS_ESCAPE_LEN) {
        n = ngx_av_texts_fit(p, n, texts->left);
    }

    if (n < len && ngx_av_texts_note(texts, name, NULL, len) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_texts_write_head(texts, b, p, n);
}


/*
 * What is known to be too long is written into scratch, or a few such values
 * would make the column's buffer far larger than what it holds in the end.
 */

static ngx_int_t
ngx_av_texts_write_value(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, yyjson_val *val)
{
    size_t                start, n, size;
    ngx_int_t             rc;
    ngx_av_buf_t         *out, *scratch;
    ngx_av_json_style_t   style;

    scratch = &texts->scratch;
    scratch->last = scratch->start;

    size = ngx_av_texts_size(val, texts->attribute_limit);
    out = (size <= texts->left) ? b : scratch;

    style.string_limit = texts->attribute_limit;
    style.depth = texts->depth;
    style.cut = 0;

    start = ngx_av_buf_len(out);

    rc = ngx_av_json_write(out, val, &style);
    if (rc != NGX_OK) {
        return rc;
    }

    n = ngx_av_buf_len(out) - start;

    if (n > texts->left) {

        if (out == b) {
            if (ngx_av_buf_append(scratch, b->start + start, n) != NGX_OK) {
                return NGX_ERROR;
            }

            b->last = b->start + start;
        }

        size = ngx_max(n, ngx_av_texts_size(val, NGX_MAX_SIZE_T_VALUE));

        if (ngx_av_texts_note(texts, name, NULL, size) != NGX_OK) {
            return NGX_ERROR;
        }

        n = ngx_av_texts_fit(scratch->start, n, texts->left);

        return ngx_av_texts_write_head(texts, b, scratch->start, n);
    }

    if (out == scratch
        && ngx_av_buf_append(b, scratch->start, n) != NGX_OK)
    {
        return NGX_ERROR;
    }

    texts->left -= n;

    return style.cut ? ngx_av_texts_note(texts, name, NULL, style.cut)
                     : NGX_OK;
}


static ngx_int_t
ngx_av_texts_write_head(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const u_char *p, size_t len)
{
    size_t  start, n;

    start = ngx_av_buf_len(b);

    if (ngx_av_json_write_string(b, p, len) != NGX_OK) {
        return NGX_ERROR;
    }

    n = ngx_av_buf_len(b) - start;
    texts->left -= ngx_min(texts->left, n);

    return NGX_OK;
}


ngx_int_t
ngx_av_texts_put_object(ngx_av_texts_t *texts, ngx_av_buf_t *b, uint32_t type,
    const ngx_str_t *name, yyjson_val *val, yyjson_val *original)
{
    size_t     start, mark;
    ngx_int_t  rc;

    start = ngx_av_buf_len(b);

    if (ngx_av_db_array_begin(b, type, &mark) != NGX_OK) {
        return NGX_ERROR;
    }

    if (val && original
        && yyjson_obj_getn(val, NGX_AV_TEXTS_ORIGINAL_TYPE,
                           sizeof(NGX_AV_TEXTS_ORIGINAL_TYPE) - 1))
    {
        original = NULL;
    }

    rc = ngx_av_texts_write_object(texts, b, name, val, original);

    if (rc != NGX_OK) {
        b->last = b->start + start;
        return rc;
    }

    ngx_av_db_array_end(b, mark);

    return NGX_OK;
}


static ngx_int_t
ngx_av_texts_write_object(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, yyjson_val *val, yyjson_val *original)
{
    size_t                start, n;
    ngx_int_t             rc;
    ngx_av_buf_t         *out;
    ngx_av_json_style_t   style;

    if (val) {

        /* the usual: all of it fits; and it tells if it is too deep */

        style.string_limit = texts->attribute_limit;
        style.depth = texts->depth;
        style.cut = 0;

        out = &texts->scratch;
        out->last = out->start;

        if (original == NULL
            && ngx_av_texts_size(val, texts->attribute_limit) <= texts->left)
        {
            out = b;
        }

        start = ngx_av_buf_len(out);

        rc = ngx_av_json_write(out, val, &style);
        if (rc != NGX_OK) {
            return rc;
        }

        n = ngx_av_buf_len(out) - start;

        if (out == b && n <= texts->left && style.cut == 0) {
            texts->left -= n;
            return NGX_OK;
        }

        out->last = out->start + start;
    }

    return ngx_av_texts_write_members(texts, b, name, val, original);
}


static ngx_int_t
ngx_av_texts_write_members(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, yyjson_val *val, yyjson_val *original)
{
    size_t            size;
    ngx_int_t         rc;
    ngx_str_t         key;
    ngx_uint_t        dropped;
    yyjson_val       *k;
    yyjson_obj_iter   iter;

    if (ngx_av_buf_append(b, "{", 1) != NGX_OK) {
        return NGX_ERROR;
    }

    dropped = 0;

    if (original) {
        ngx_str_set(&key, NGX_AV_TEXTS_ORIGINAL_TYPE);

        rc = ngx_av_texts_write_member(texts, b, name, &key, original);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        dropped |= (rc == NGX_DECLINED);
    }

    /* without an object there is nothing to iterate over */

    yyjson_obj_iter_init(val, &iter);

    while ((k = yyjson_obj_iter_next(&iter))) {
        key.data = (u_char *) unsafe_yyjson_get_str(k);
        key.len = unsafe_yyjson_get_len(k);

        rc = ngx_av_texts_write_member(texts, b, name, &key,
                                       yyjson_obj_iter_get_val(k));
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        dropped |= (rc == NGX_DECLINED);
    }

    /* the brace takes the place of the last comma */

    if (b->last[-1] == ',') {
        b->last--;
    }

    if (ngx_av_buf_append(b, "}", 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!dropped) {
        return NGX_OK;
    }

    size = ngx_av_texts_size(val ? val : original, NGX_MAX_SIZE_T_VALUE);

    return ngx_av_texts_note(texts, name, NULL, size);
}


/* A member and a comma; NGX_DECLINED if it does not fit. */

static ngx_int_t
ngx_av_texts_write_member(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *key, yyjson_val *val)
{
    size_t               start, n;
    ngx_av_json_style_t  style;

    if (key->len > texts->attribute_limit
        || key->len > texts->left
        || ngx_av_texts_size(val, texts->attribute_limit)
           > texts->left - key->len)
    {
        return NGX_DECLINED;
    }

    /* the object as a whole is known not to be too deep */

    style.string_limit = texts->attribute_limit;
    style.depth = texts->depth;
    style.cut = 0;

    start = ngx_av_buf_len(b);

    if (ngx_av_json_write_string(b, key->data, key->len) != NGX_OK
        || ngx_av_buf_append(b, ":", 1) != NGX_OK
        || ngx_av_json_write(b, val, &style) != NGX_OK
        || ngx_av_buf_append(b, ",", 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = ngx_av_buf_len(b) - start;

    if (n > texts->left) {
        b->last = b->start + start;
        return NGX_DECLINED;
    }

    texts->left -= n;

    return style.cut ? ngx_av_texts_note(texts, name, key, style.cut) : NGX_OK;
}


/*
 * The size of a value's compact text, without what escapes add, if strings are
 * cut at a limit.  The values below one follow it in memory.
 */

static size_t
ngx_av_texts_size(yyjson_val *val, size_t string_limit)
{
    size_t       size, len;
    yyjson_val  *end;

    size = 0;
    end = unsafe_yyjson_get_next(val);

    for ( /* void */ ; val < end; val++) {
        len = unsafe_yyjson_get_len(val);

        switch (unsafe_yyjson_get_type(val)) {

        case YYJSON_TYPE_STR:
            size += ngx_min(len, string_limit) + 2;
            break;

        case YYJSON_TYPE_RAW:
            size += len;
            break;

        case YYJSON_TYPE_ARR:
        case YYJSON_TYPE_OBJ:
            /* the last value inside is counted with a separator too many */
            size += len ? 1 : 2;
            break;

        default: /* true, false, null */
            size += unsafe_yyjson_is_false(val) ? 5 : 4;
        }

        /* the separator */
        size++;
    }

    return size - 1;
}


/* The longest prefix whose JSON, quotes apart, takes at most limit bytes. */

static size_t
ngx_av_texts_fit(const u_char *p, size_t len, size_t limit)
{
    size_t  i, n, used;

    used = 0;

    for (i = 0; i < len; i++) {

        if (p[i] == '"' || p[i] == '\\') {
            n = 2;

        } else {
            n = (p[i] < 0x20) ? NGX_AV_TEXTS_ESCAPE_LEN : 1;
        }

        if (n > limit - used) {
            break;
        }

        used += n;
    }

    return ngx_av_text_cut(p, len, i);
}


ngx_int_t
ngx_av_texts_note(ngx_av_texts_t *texts, const ngx_str_t *name,
    const ngx_str_t *key, size_t size)
{
    size_t         start, n;
    u_char        *p;
    ngx_av_buf_t  *b;
    u_char         text[64 + NGX_AV_TEXTS_KEY_LEN];

    p = ngx_cpymem(text, name->data, ngx_min(name->len, 32));

    b = &texts->cut;

    if (key && key->len) {

        /* the end of the buffer serves to repair it */

        start = ngx_av_buf_len(b);

        if (ngx_av_text_append_repaired(b, key->data, key->len) != NGX_OK) {
            return NGX_ERROR;
        }

        n = ngx_av_text_cut(b->start + start, ngx_av_buf_len(b) - start,
                            NGX_AV_TEXTS_KEY_LEN);

        *p++ = '.';
        p = ngx_cpymem(p, b->start + start, n);

        b->last = b->start + start;
    }

    if ((ngx_av_buf_len(b) && ngx_av_buf_append(b, ",", 1) != NGX_OK)
        || ngx_av_json_write_string(b, text, p - text) != NGX_OK
        || ngx_av_buf_reserve(b, NGX_SIZE_T_LEN + 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last, ":%uz", size);

    return NGX_OK;
}


ngx_int_t
ngx_av_texts_put_truncated(ngx_av_texts_t *texts, ngx_av_buf_t *b)
{
    size_t  mark, len;

    len = ngx_av_buf_len(&texts->cut);

    if (len == 0) {
        return ngx_av_db_array_null(b);
    }

    if (ngx_av_db_array_begin(b, NGX_AV_DB_JSONB, &mark) != NGX_OK
        || ngx_av_buf_append(b, "{", 1) != NGX_OK
        || ngx_av_buf_append(b, texts->cut.start, len) != NGX_OK
        || ngx_av_buf_append(b, "}", 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_db_array_end(b, mark);

    return NGX_OK;
}
