#include "ngx_av_otlp_rows.h"

#include "ngx_av_text.h"


#define NGX_AV_OTLP_UNKNOWN   "unknown_service"

/*
 * A resource is stored with each of its scopes.  What is over so many bytes,
 * and so many for each byte of the body, is stored without its resource's
 * attributes: a small body must not become a large one.
 */
#define NGX_AV_OTLP_DOCS       (1024 * 1024)
#define NGX_AV_OTLP_DOCS_RATE  8


static ngx_int_t ngx_av_otlp_enter_resource(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_origin_t *origin, const ngx_av_otlp_scope_t *scope);
static ngx_int_t ngx_av_otlp_service(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_origin_t *origin, const ngx_av_otlp_scope_t *scope);
static ngx_int_t ngx_av_otlp_enter_scope(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_origin_t *origin, const ngx_av_otlp_scope_t *scope);
static ngx_int_t ngx_av_otlp_scope_doc(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_origin_t *origin, const ngx_av_otlp_scope_t *scope);
static ngx_int_t ngx_av_otlp_doc_text(ngx_av_otlp_rows_t *rows,
    const char *before, const ngx_str_t *text);


ngx_int_t
ngx_av_otlp_enter(ngx_av_otlp_rows_t *rows, const ngx_av_otlp_scope_t *scope)
{
    ngx_av_otlp_origin_t  *origin, *before;

    before = rows->origin;

    if (before && before->scope_number == scope->number) {
        return NGX_OK;
    }

    origin = ngx_palloc(rows->pool, sizeof(ngx_av_otlp_origin_t));
    if (origin == NULL) {
        return NGX_ERROR;
    }

    if (before && before->resource_number == scope->resource_number) {
        *origin = *before;

    } else if (ngx_av_otlp_enter_resource(rows, origin, scope) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_av_otlp_enter_scope(rows, origin, scope) != NGX_OK) {
        return NGX_ERROR;
    }

    rows->origin = origin;

    return ngx_av_otlp_charge(rows, sizeof(ngx_av_otlp_origin_t)
                                    + ngx_av_buf_len(&rows->doc));
}


static ngx_int_t
ngx_av_otlp_enter_resource(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_origin_t *origin, const ngx_av_otlp_scope_t *scope)
{
    static const ngx_str_t  name = ngx_string("resource");

    origin->resource_number = scope->resource_number;

    if (ngx_av_otlp_service(rows, origin, scope) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_av_uuid_v5(&origin->agent, &rows->batch->account,
                   origin->service.data, origin->service.len);

    rows->resource.last = rows->resource.start;

    ngx_av_texts_begin(&rows->texts);

    return ngx_av_otlp_write_attributes(&rows->texts, &rows->resource, &name,
                                        &scope->resource_attributes);
}


static ngx_int_t
ngx_av_otlp_service(ngx_av_otlp_rows_t *rows, ngx_av_otlp_origin_t *origin,
    const ngx_av_otlp_scope_t *scope)
{
    size_t                      n, chars;
    ngx_str_t                   text;
    ngx_av_buf_t                b;
    const ngx_av_otlp_value_t  *value;

    ngx_str_set(&origin->service, NGX_AV_OTLP_UNKNOWN);
    origin->named = 0;

    value = ngx_av_otlp_find(&scope->resource_attributes, "service.name",
                             sizeof("service.name") - 1);

    if (value == NULL || value->kind != NGX_AV_OTLP_STRING) {
        return NGX_OK;
    }

    text = value->u.text;

    if (ngx_av_texts_repair(&rows->texts, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    chars = 0;

    for (n = 0; n < text.len; n++) {

        chars += ((text.data[n] & 0xc0) != 0x80);

        if (chars > NGX_AV_OTLP_LABEL_CHARS) {
            break;
        }
    }

    if (ngx_av_text_is_blank(text.data, n)) {
        return NGX_OK;
    }

    if (ngx_av_buf_init(&b, rows->pool, n) != NGX_OK) {
        return NGX_ERROR;
    }

    origin->service.data = b.start;
    origin->service.len = n;
    origin->named = 1;

    return ngx_av_buf_append(&b, text.data, n);
}


static ngx_int_t
ngx_av_otlp_enter_scope(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_origin_t *origin, const ngx_av_otlp_scope_t *scope)
{
    ngx_av_buf_t  *doc;

    origin->scope_number = scope->number;

    if (ngx_av_otlp_scope_doc(rows, origin, scope) != NGX_OK) {
        return NGX_ERROR;
    }

    doc = &rows->doc;
    rows->docs += ngx_av_buf_len(doc);

    ngx_av_uuid_v5(&origin->scope, &rows->batch->account, doc->start,
                   ngx_av_buf_len(doc));

    return ngx_av_otlp_add_ref(rows, NGX_AV_REF_SCOPE, &origin->scope,
                               doc->start, ngx_av_buf_len(doc));
}


static ngx_int_t
ngx_av_otlp_scope_doc(ngx_av_otlp_rows_t *rows, ngx_av_otlp_origin_t *origin,
    const ngx_av_otlp_scope_t *scope)
{
    size_t                  len;
    ngx_av_buf_t           *doc;
    static const ngx_str_t  name = ngx_string("attributes");

    doc = &rows->doc;
    doc->last = doc->start;

    ngx_av_texts_begin(&rows->texts);

    if (ngx_av_otlp_doc_text(rows, "{\"service_name\":", &origin->service)
        != NGX_OK
        || ngx_av_otlp_doc_text(rows, ",\"name\":", &scope->name) != NGX_OK
        || ngx_av_otlp_doc_text(rows, ",\"version\":", &scope->version)
           != NGX_OK
        || ngx_av_otlp_doc_text(rows, ",\"schema_url\":", &scope->schema_url)
           != NGX_OK
        || ngx_av_otlp_doc_text(rows, ",\"resource_schema_url\":",
                                &scope->resource_schema_url)
           != NGX_OK
        || ngx_av_buf_append(doc, ",\"attributes\":", 14) != NGX_OK
        || ngx_av_otlp_write_attributes(&rows->texts, doc, &name,
                                        &scope->attributes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = ngx_av_buf_len(&rows->resource);

    if (rows->docs + len
        > NGX_AV_OTLP_DOCS + NGX_AV_OTLP_DOCS_RATE * rows->len)
    {
        return ngx_av_buf_append(doc, ",\"resource\":{}}", 15);
    }

    if (ngx_av_buf_append(doc, ",\"resource\":", 12) != NGX_OK
        || ngx_av_buf_append(doc, rows->resource.start, len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_buf_append(doc, "}", 1);
}


/* A member of the document, unless the text is empty. */

static ngx_int_t
ngx_av_otlp_doc_text(ngx_av_otlp_rows_t *rows, const char *before,
    const ngx_str_t *text)
{
    ngx_int_t               rc;
    ngx_av_otlp_value_t     value;
    static const ngx_str_t  name = ngx_string("scope");

    if (text->len == 0) {
        return NGX_OK;
    }

    if (ngx_av_buf_append(&rows->doc, before, ngx_strlen(before)) != NGX_OK) {
        return NGX_ERROR;
    }

    value.kind = NGX_AV_OTLP_STRING;
    value.u.text = *text;

    rc = ngx_av_otlp_write_value(&rows->texts, &rows->doc, &name, &value);

    return (rc == NGX_DECLINED) ? ngx_av_buf_append(&rows->doc, "null", 4)
                                : rc;
}


const ngx_av_otlp_value_t *
ngx_av_otlp_find(const ngx_av_otlp_attributes_t *attributes, const char *key,
    size_t len)
{
    ngx_uint_t                i;
    ngx_av_otlp_attribute_t  *attribute;

    attribute = attributes->elts;

    for (i = attributes->nelts; i > 0; i--) {
        if (attribute[i - 1].key.len == len
            && ngx_memcmp(attribute[i - 1].key.data, key, len) == 0)
        {
            return &attribute[i - 1].value;
        }
    }

    return NULL;
}
