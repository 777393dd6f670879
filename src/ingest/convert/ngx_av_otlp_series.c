#include "ngx_av_otlp_metrics.h"


/* of a series, its ref and its place among the series, without its labels */
#define NGX_AV_OTLP_SERIES_MEMORY  512

#define NGX_AV_OTLP_METRIC_NS      "metric "
#define NGX_AV_OTLP_SERVICE        "service.name"


/* An attribute, its key repaired, and its place among those sent. */
typedef struct {
    ngx_str_t                       key;
    const ngx_av_otlp_value_t      *value;
    ngx_uint_t                      place;
} ngx_av_otlp_label_t;


static ngx_int_t ngx_av_otlp_enter_metric(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric);
static ngx_int_t ngx_av_otlp_add_metric(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric);
static ngx_int_t ngx_av_otlp_doc_member(ngx_av_otlp_rows_t *rows,
    const char *before, const ngx_str_t *text);
static ngx_int_t ngx_av_otlp_key_attributes(ngx_av_buf_t *key,
    const ngx_av_otlp_attributes_t *attributes, ngx_uint_t depth);
static ngx_int_t ngx_av_otlp_key_bytes(ngx_av_buf_t *key, const void *p,
    size_t len);
static ngx_int_t ngx_av_otlp_key_value(ngx_av_buf_t *key,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth);
static ngx_int_t ngx_av_otlp_new_series(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_attributes_t *attributes, ngx_av_otlp_series_t *series);
static ngx_int_t ngx_av_otlp_series_doc(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_attributes_t *attributes);
static ngx_int_t ngx_av_otlp_doc_labels(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_attributes_t *attributes);
static ngx_int_t ngx_av_otlp_sort_labels(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_attributes_t *attributes,
    const ngx_av_otlp_value_t *service, ngx_av_otlp_label_t *labels,
    ngx_uint_t *nlabels);
static ngx_int_t ngx_av_otlp_label_key(ngx_av_otlp_rows_t *rows,
    ngx_str_t *key);
static int ngx_av_otlp_compare_labels(const void *one, const void *two);
static ngx_int_t ngx_av_otlp_compare_keys(const ngx_str_t *a,
    const ngx_str_t *b);
static ngx_int_t ngx_av_otlp_doc_label(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_label_t *label);


/*
 * What a series is made of is written as bytes, in the order sent, and looked
 * up: only a series that is new to the request is rendered.
 */

const ngx_av_otlp_series_t *
ngx_av_otlp_find_series(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric, const ngx_av_otlp_point_t *point)
{
    void                   **value;
    ngx_av_buf_t            *key;
    ngx_av_otlp_series_t    *series;
    ngx_av_otlp_metrics_t   *metrics;

    metrics = rows->u.metrics;
    key = &metrics->key;

    if (!metrics->entered && ngx_av_otlp_enter_metric(rows, metric) != NGX_OK)
    {
        return NULL;
    }

    key->last = key->start + metrics->prefix;

    if (ngx_av_otlp_key_attributes(key, &point->attributes, rows->texts.depth)
        != NGX_OK)
    {
        return NULL;
    }

    value = ngx_av_otlp_map_get(&metrics->series, key->start,
                                ngx_av_buf_len(key));
    if (value == NULL) {
        return NULL;
    }

    if (*value) {
        return *value;
    }

    series = ngx_palloc(rows->pool, sizeof(ngx_av_otlp_series_t));

    if (series == NULL
        || ngx_av_otlp_new_series(rows, metric, &point->attributes, series)
           != NGX_OK)
    {
        return NULL;
    }

    *value = series;

    return series;
}


static ngx_int_t
ngx_av_otlp_enter_metric(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric)
{
    u_char                 *p;
    ngx_av_buf_t           *key;
    ngx_av_otlp_metrics_t  *metrics;
    u_char                  head[sizeof(ngx_av_uuid_t) + 3 * 4];

    metrics = rows->u.metrics;
    key = &metrics->key;
    key->last = key->start;

    p = ngx_cpymem(head, &rows->origin->scope, sizeof(ngx_av_uuid_t));
    p = ngx_av_db_put32(p, metric->type);
    p = ngx_av_db_put32(p, metric->temporality);
    p = ngx_av_db_put32(p, metric->monotonic);

    if (ngx_av_buf_append(key, head, p - head) != NGX_OK
        || ngx_av_otlp_key_bytes(key, metric->name.data, metric->name.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    metrics->prefix = ngx_av_buf_len(key);
    metrics->entered = 1;

    return ngx_av_otlp_add_metric(rows, metric);
}


static ngx_int_t
ngx_av_otlp_add_metric(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric)
{
    u_char             *p;
    ngx_av_buf_t       *doc;
    ngx_av_uuid_t       id;
    static const char   format[] = ",\"type\":%uD}";

    doc = &rows->doc;
    doc->last = doc->start;

    ngx_av_texts_begin(&rows->texts);

    if (ngx_av_otlp_doc_member(rows, NGX_AV_OTLP_METRIC_NS "{\"name\":",
                               &metric->name)
        != NGX_OK
        || ngx_av_otlp_doc_member(rows, ",\"unit\":", &metric->unit)
           != NGX_OK
        || ngx_av_otlp_doc_member(rows, ",\"description\":",
                                  &metric->description)
           != NGX_OK
        || ngx_av_buf_reserve(doc, sizeof(format) + NGX_INT32_LEN) != NGX_OK)
    {
        return NGX_ERROR;
    }

    doc->last = ngx_sprintf(doc->last, format, metric->type);

    ngx_av_uuid_v5(&id, &rows->batch->account, doc->start,
                   ngx_av_buf_len(doc));

    p = doc->start + sizeof(NGX_AV_OTLP_METRIC_NS) - 1;

    return ngx_av_otlp_add_ref(rows, NGX_AV_REF_METRIC, &id, p,
                               doc->last - p);
}


/* A text that is there even if it is empty, or does not fit. */

static ngx_int_t
ngx_av_otlp_doc_member(ngx_av_otlp_rows_t *rows, const char *before,
    const ngx_str_t *text)
{
    ngx_int_t               rc;
    ngx_av_otlp_value_t     value;
    static const ngx_str_t  name = ngx_string("metric");

    if (ngx_av_buf_append(&rows->doc, before, ngx_strlen(before)) != NGX_OK) {
        return NGX_ERROR;
    }

    value.kind = NGX_AV_OTLP_STRING;
    value.u.text = *text;

    rc = ngx_av_otlp_write_value(&rows->texts, &rows->doc, &name, &value);

    return (rc == NGX_DECLINED) ? ngx_av_buf_append(&rows->doc, "\"\"", 2)
                                : rc;
}


static ngx_int_t
ngx_av_otlp_key_attributes(ngx_av_buf_t *key,
    const ngx_av_otlp_attributes_t *attributes, ngx_uint_t depth)
{
    ngx_uint_t                i;
    ngx_av_otlp_attribute_t  *attribute;

    attribute = attributes->elts;

    for (i = 0; i < attributes->nelts; i++) {
        if (ngx_av_otlp_key_bytes(key, attribute[i].key.data,
                                  attribute[i].key.len)
            != NGX_OK
            || ngx_av_otlp_key_value(key, &attribute[i].value, depth)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_key_bytes(ngx_av_buf_t *key, const void *p, size_t len)
{
    if (ngx_av_buf_reserve(key, 4 + len) != NGX_OK) {
        return NGX_ERROR;
    }

    key->last = ngx_av_db_put32(key->last, len);

    if (len) {
        key->last = ngx_cpymem(key->last, p, len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_key_value(ngx_av_buf_t *key, const ngx_av_otlp_value_t *value,
    ngx_uint_t depth)
{
    size_t     start;
    ngx_int_t  rc;

    if (ngx_av_buf_reserve(key, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    *key->last++ = (u_char) value->kind;

    switch (value->kind) {

    case NGX_AV_OTLP_STRING:
        return ngx_av_otlp_key_bytes(key, value->u.text.data,
                                     value->u.text.len);

    case NGX_AV_OTLP_INT:
    case NGX_AV_OTLP_DOUBLE:
        return ngx_av_otlp_key_bytes(key, &value->u, sizeof(int64_t));

    default:

        if (ngx_av_otlp_key_bytes(key, "", 0) != NGX_OK) {
            return NGX_ERROR;
        }

        start = ngx_av_buf_len(key);

        rc = ngx_av_otlp_value_json(key, value, depth);

        (void) ngx_av_db_put32(key->start + start - 4,
                               ngx_av_buf_len(key) - start);

        /* nested too deeply: refused later on */

        return (rc == NGX_DECLINED) ? NGX_OK : rc;
    }
}


static ngx_int_t
ngx_av_otlp_new_series(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_attributes_t *attributes, ngx_av_otlp_series_t *series)
{
    size_t         len;
    ngx_int_t      rc;
    ngx_av_buf_t  *doc;

    doc = &rows->doc;

    rc = ngx_av_otlp_series_doc(rows, metric, attributes);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* cut labels would make one series of several */

    series->refused = (rc == NGX_DECLINED
                       || ngx_av_buf_len(&rows->texts.cut) != 0);

    if (series->refused) {
        return NGX_OK;
    }

    len = ngx_av_buf_len(doc);

    /* if that is too much, the next point is the last */

    (void) ngx_av_otlp_charge(rows, NGX_AV_OTLP_SERIES_MEMORY + len);

    ngx_av_uuid_v5(&series->id, &rows->batch->account, doc->start, len);

    return ngx_av_otlp_add_ref(rows, NGX_AV_REF_SERIES, &series->id,
                               doc->start, len);
}


static ngx_int_t
ngx_av_otlp_series_doc(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_metric_t *metric,
    const ngx_av_otlp_attributes_t *attributes)
{
    u_char               *p;
    ngx_int_t             rc, temporality;
    ngx_av_buf_t         *doc;
    static const char     format[] = ",\"type\":%uD,\"temporality\":%i,"
                                     "\"monotonic\":%s,\"scope_id\":\"";

    doc = &rows->doc;
    doc->last = doc->start;

    temporality = metric->temporality;

    if (temporality < 0 || temporality > INT16_MAX) {
        temporality = 0;
    }

    ngx_av_texts_begin(&rows->texts);

    if (ngx_av_buf_append(doc, "{\"metric\":", 10) != NGX_OK
        || ngx_av_json_write_bytes(doc, metric->name.data, metric->name.len)
           != NGX_OK
        || ngx_av_buf_append(doc, ",\"labels\":", 10) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_otlp_doc_labels(rows, attributes);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_buf_reserve(doc, sizeof(format) + 2 * NGX_INT_T_LEN
                                + NGX_AV_UUID_TEXT_LEN + 2)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_sprintf(doc->last, format, metric->type, temporality,
                    metric->monotonic ? "true" : "false");

    p = ngx_av_uuid_format(p, &rows->origin->scope);

    *p++ = '"';
    *p++ = '}';

    doc->last = p;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_doc_labels(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_attributes_t *attributes)
{
    ngx_int_t             rc;
    ngx_uint_t            i, n;
    ngx_av_buf_t         *doc;
    ngx_av_otlp_label_t  *labels;
    ngx_av_otlp_value_t   service;

    doc = &rows->doc;

    labels = ngx_palloc(rows->pool, (attributes->nelts + 1)
                                    * sizeof(ngx_av_otlp_label_t));
    if (labels == NULL) {
        return NGX_ERROR;
    }

    service.kind = NGX_AV_OTLP_STRING;
    service.u.text = rows->origin->service;

    if (ngx_av_otlp_sort_labels(rows, attributes, &service, labels, &n)
        != NGX_OK
        || ngx_av_buf_append(doc, "{", 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        /* of a repeated key the last counts */

        if (i + 1 < n
            && ngx_av_otlp_compare_keys(&labels[i].key, &labels[i + 1].key)
               == 0)
        {
            continue;
        }

        rc = ngx_av_otlp_doc_label(rows, &labels[i]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (doc->last[-1] == ',') {
        doc->last--;
    }

    return ngx_av_buf_append(doc, "}", 1);
}


/* The service comes before all others, so that it gives way to them. */

static ngx_int_t
ngx_av_otlp_sort_labels(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_attributes_t *attributes,
    const ngx_av_otlp_value_t *service, ngx_av_otlp_label_t *labels,
    ngx_uint_t *nlabels)
{
    ngx_uint_t                i, n;
    ngx_av_otlp_attribute_t  *attribute;

    attribute = attributes->elts;
    n = 0;

    if (rows->origin->named) {
        ngx_str_set(&labels[n].key, NGX_AV_OTLP_SERVICE);
        labels[n].value = service;
        labels[n].place = 0;
        n++;
    }

    for (i = 0; i < attributes->nelts; i++) {
        labels[n].key = attribute[i].key;
        labels[n].value = &attribute[i].value;
        labels[n].place = i + 1;

        if (ngx_av_otlp_label_key(rows, &labels[n].key) != NGX_OK) {
            return NGX_ERROR;
        }

        n++;
    }

    qsort(labels, n, sizeof(ngx_av_otlp_label_t), ngx_av_otlp_compare_labels);

    *nlabels = n;

    return NGX_OK;
}


/* Copies a key that had to be repaired, which is rare. */

static ngx_int_t
ngx_av_otlp_label_key(ngx_av_otlp_rows_t *rows, ngx_str_t *key)
{
    u_char     *p;
    ngx_str_t   text;

    text = *key;

    if (ngx_av_texts_repair(&rows->texts, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (text.data == key->data) {
        return NGX_OK;
    }

    p = ngx_pnalloc(rows->pool, text.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text.data, text.len);

    key->data = p;
    key->len = text.len;

    return NGX_OK;
}


static int
ngx_av_otlp_compare_labels(const void *one, const void *two)
{
    ngx_int_t                   rc;
    const ngx_av_otlp_label_t  *a, *b;

    a = one;
    b = two;

    rc = ngx_av_otlp_compare_keys(&a->key, &b->key);

    if (rc == 0) {
        return (a->place < b->place) ? -1 : 1;
    }

    return (rc < 0) ? -1 : 1;
}


static ngx_int_t
ngx_av_otlp_compare_keys(const ngx_str_t *a, const ngx_str_t *b)
{
    size_t     len;
    ngx_int_t  rc;

    len = ngx_min(a->len, b->len);
    rc = len ? ngx_memcmp(a->data, b->data, len) : 0;

    if (rc == 0 && a->len != b->len) {
        return (a->len < b->len) ? -1 : 1;
    }

    return rc;
}


/* A member and a comma. */

static ngx_int_t
ngx_av_otlp_doc_label(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_label_t *label)
{
    ngx_int_t               rc;
    ngx_av_buf_t           *doc;
    static const ngx_str_t  name = ngx_string("labels");

    doc = &rows->doc;

    if (label->key.len > rows->texts.attribute_limit) {
        return NGX_DECLINED;
    }

    if (ngx_av_json_write_bytes(doc, label->key.data, label->key.len)
        != NGX_OK
        || ngx_av_buf_append(doc, ":", 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_otlp_write_value(&rows->texts, doc, &name, label->value);

    return (rc == NGX_OK) ? ngx_av_buf_append(doc, ",", 1) : rc;
}
