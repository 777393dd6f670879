#include "ngx_av_batch.h"

#include "ngx_av_batch_trace.h"
#include "ngx_av_text.h"


/*
 * Offsets in column buffers have 32 bits, and three bytes may come of a bad
 * one.
 */
#define NGX_AV_BATCH_MAX_LEN  (1024 * 1024 * 1024)

#define NGX_AV_BATCH_POOL     4096
#define NGX_AV_BATCH_SCRATCH  1024

/* of an id that is sent back in an error */
#define NGX_AV_BATCH_ID_LEN   64

/* of a text whose length is not known yet */
#define NGX_AV_BATCH_TEXT     32

/* an element's bytes by its type, length included */
#define NGX_AV_BATCH_WIDTH_bool         5
#define NGX_AV_BATCH_WIDTH_int2         6
#define NGX_AV_BATCH_WIDTH_int4         8
#define NGX_AV_BATCH_WIDTH_int8         12
#define NGX_AV_BATCH_WIDTH_date         8
#define NGX_AV_BATCH_WIDTH_timestamptz  12
#define NGX_AV_BATCH_WIDTH_uuid         20
#define NGX_AV_BATCH_WIDTH_numeric      24
#define NGX_AV_BATCH_WIDTH_text         (4 + NGX_AV_BATCH_TEXT)
#define NGX_AV_BATCH_WIDTH_json         4
#define NGX_AV_BATCH_WIDTH_jsonb        4
#define NGX_AV_BATCH_WIDTH_float8       12


/* An element of "traces"; what it has not is NULL. */
typedef struct {
    yyjson_val  *header;
    yyjson_val  *spans;
    ngx_uint_t   nspans;
    ngx_uint_t   is_object;     /* unsigned is_object:1 */
} ngx_av_batch_element_t;


static ngx_int_t ngx_av_batch_decode_document(ngx_av_batch_t *batch,
    ngx_pool_t *pool, yyjson_val *root, size_t len,
    const ngx_av_batch_limits_t *limits, ngx_av_time_t now,
    ngx_str_t *detail);
static ngx_int_t ngx_av_batch_find_elements(ngx_av_batch_t *batch,
    yyjson_val *root, ngx_array_t *elements, ngx_str_t *detail);
static ngx_int_t ngx_av_batch_push_elements(yyjson_val *traces,
    ngx_array_t *elements);
static yyjson_val *ngx_av_batch_member(yyjson_val *object, const char *name);
static ngx_int_t ngx_av_batch_reserve(ngx_av_batch_t *batch,
    ngx_uint_t ntraces, ngx_uint_t nspans, size_t len);
static ngx_int_t ngx_av_batch_carve(ngx_pool_t *pool, ngx_av_buf_t *columns,
    ngx_uint_t n, const size_t *sizes);
static ngx_av_batch_reader_t *ngx_av_batch_create_reader(
    ngx_av_batch_t *batch, ngx_pool_t *pool,
    const ngx_av_batch_limits_t *limits);
static ngx_int_t ngx_av_batch_read_element(ngx_av_batch_reader_t *reader,
    const ngx_av_batch_element_t *element);
static ngx_int_t ngx_av_batch_reject_element(ngx_av_batch_reader_t *reader,
    yyjson_val *header);
static ngx_int_t ngx_av_batch_add_error(ngx_av_batch_t *batch,
    ngx_uint_t element, const ngx_str_t *trace_id, const ngx_str_t *detail);
static ngx_int_t ngx_av_batch_copy(ngx_pool_t *pool, ngx_str_t *copy,
    const ngx_str_t *str);
static ngx_int_t ngx_av_batch_refuse(ngx_av_batch_t *batch,
    ngx_str_t *detail, const char *fmt, ...);


static const size_t  ngx_av_batch_trace_widths[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_BATCH_WIDTH_##type,
    NGX_AV_TRACE_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};


static const size_t  ngx_av_batch_span_widths[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_BATCH_WIDTH_##type,
    NGX_AV_SPAN_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};


ngx_av_batch_t *
ngx_av_batch_create(ngx_av_batch_kind_e kind, ngx_av_uuid_t *account,
    ngx_log_t *log)
{
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    ngx_av_batch_t  *batch;

    pool = ngx_create_pool(NGX_AV_BATCH_POOL, log);
    if (pool == NULL) {
        return NULL;
    }

    batch = ngx_pcalloc(pool, sizeof(ngx_av_batch_t));

    if (batch == NULL
        || ngx_array_init(&batch->parts, pool, 1, sizeof(ngx_av_batch_part_t))
           != NGX_OK
        || ngx_array_init(&batch->errors, pool, 1,
                          sizeof(ngx_av_batch_error_t))
           != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    for (i = 0; i < NGX_AV_NREFS; i++) {
        if (ngx_array_init(&batch->refs[i], pool, 1,
                           sizeof(ngx_av_batch_ref_t))
            != NGX_OK)
        {
            ngx_destroy_pool(pool);
            return NULL;
        }
    }

    batch->pool = pool;
    batch->kind = kind;
    batch->account = *account;

    return batch;
}


void
ngx_av_batch_destroy(ngx_av_batch_t *batch)
{
    ngx_destroy_pool(batch->pool);
}


ngx_int_t
ngx_av_batch_decode(ngx_av_batch_t *batch, const u_char *body, size_t len,
    const ngx_av_batch_limits_t *limits, ngx_av_time_t now, ngx_str_t *detail)
{
    ngx_int_t       rc;
    ngx_pool_t     *pool;
    ngx_av_json_t   json;

    if (len > NGX_AV_BATCH_MAX_LEN) {
        return NGX_ABORT;
    }

    /* what is needed no longer than the document */

    pool = ngx_create_pool(NGX_AV_BATCH_SCRATCH, batch->pool->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_av_json_parse_counted(&json, body, len, limits->memory_limit,
                                   limits->account);

    if (rc == NGX_OK) {
        rc = ngx_av_batch_decode_document(batch, pool, json.root, len, limits,
                                          now, detail);

    } else if (rc == NGX_DECLINED) {
        rc = ngx_av_batch_refuse(batch, detail, "malformed JSON at byte %uz: "
                                 "%V", json.offset, &json.error);
    }

    ngx_av_json_free(&json);
    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_av_batch_decode_document(ngx_av_batch_t *batch, ngx_pool_t *pool,
    yyjson_val *root, size_t len, const ngx_av_batch_limits_t *limits,
    ngx_av_time_t now, ngx_str_t *detail)
{
    ngx_int_t                rc;
    ngx_uint_t               i, nspans;
    ngx_array_t              elements;
    ngx_av_batch_reader_t   *reader;
    ngx_av_batch_element_t  *element;

    if (ngx_array_init(&elements, pool, 1, sizeof(ngx_av_batch_element_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_batch_find_elements(batch, root, &elements, detail);
    if (rc != NGX_OK) {
        return rc;
    }

    element = elements.elts;
    nspans = 0;

    for (i = 0; i < elements.nelts; i++) {
        nspans += element[i].nspans;
    }

    if (nspans > NGX_AV_BATCH_MAX_SPANS) {
        return ngx_av_batch_refuse(batch, detail, "traces: at most %d spans "
                                   "in one request, got %ui",
                                   NGX_AV_BATCH_MAX_SPANS, nspans);
    }

    batch->ntraces = elements.nelts;

    if (ngx_av_batch_reserve(batch, elements.nelts, nspans, len) != NGX_OK) {
        return NGX_ERROR;
    }

    reader = ngx_av_batch_create_reader(batch, pool, limits);
    if (reader == NULL) {
        return NGX_ERROR;
    }

    nspans = 0;

    for (i = 0; i < elements.nelts; i++) {
        reader->place.element = i;
        reader->ordinal = now / 1000 + nspans;

        if (ngx_av_batch_read_element(reader, &element[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        nspans += element[i].nspans;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_batch_find_elements(ngx_av_batch_t *batch, yyjson_val *root,
    ngx_array_t *elements, ngx_str_t *detail)
{
    size_t       n;
    yyjson_val  *traces;

    if (!yyjson_is_obj(root)) {
        return ngx_av_batch_refuse(batch, detail,
                                   "body must be a JSON object");
    }

    traces = ngx_av_batch_member(root, "traces");

    if (traces == NULL) {
        return ngx_av_batch_refuse(batch, detail, "traces: field required");
    }

    if (!yyjson_is_arr(traces)) {
        return ngx_av_batch_refuse(batch, detail, "traces: must be an array");
    }

    n = yyjson_arr_size(traces);

    if (n > NGX_AV_BATCH_MAX_TRACES) {
        return ngx_av_batch_refuse(batch, detail, "traces: at most %d traces "
                                   "in one request, got %uz",
                                   NGX_AV_BATCH_MAX_TRACES, n);
    }

    return ngx_av_batch_push_elements(traces, elements);
}


static ngx_int_t
ngx_av_batch_push_elements(yyjson_val *traces, ngx_array_t *elements)
{
    yyjson_val              *val;
    yyjson_arr_iter          iter;
    ngx_av_batch_element_t  *element;

    yyjson_arr_iter_init(traces, &iter);

    while ((val = yyjson_arr_iter_next(&iter))) {

        element = ngx_array_push(elements);
        if (element == NULL) {
            return NGX_ERROR;
        }

        element->is_object = yyjson_is_obj(val);
        element->header = ngx_av_batch_member(val, "trace");
        element->spans = ngx_av_batch_member(val, "spans");

        /* 0 unless it is an array */
        element->nspans = yyjson_arr_size(element->spans);
    }

    return NGX_OK;
}


/* The last of that name; null is as good as absent, and so is no object. */

static yyjson_val *
ngx_av_batch_member(yyjson_val *object, const char *name)
{
    size_t            len;
    yyjson_val       *key, *val;
    yyjson_obj_iter   iter;

    val = NULL;
    len = ngx_strlen(name);

    yyjson_obj_iter_init(object, &iter);

    while ((key = yyjson_obj_iter_next(&iter))) {
        if (unsafe_yyjson_equals_strn(key, name, len)) {
            val = yyjson_obj_iter_get_val(key);
        }
    }

    return yyjson_is_null(val) ? NULL : val;
}


/*
 * Buffers large enough for nearly every request, out of two allocations; what
 * is not written to costs no memory.
 */

static ngx_int_t
ngx_av_batch_reserve(ngx_av_batch_t *batch, ngx_uint_t ntraces,
    ngx_uint_t nspans, size_t len)
{
    size_t      traces[NGX_AV_TRACE_NCOLUMNS], spans[NGX_AV_SPAN_NCOLUMNS];
    ngx_uint_t  i;

    for (i = 0; i < NGX_AV_TRACE_NCOLUMNS; i++) {
        traces[i] = ntraces * ngx_av_batch_trace_widths[i];
    }

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        spans[i] = nspans * ngx_av_batch_span_widths[i];
    }

    /* the rest of the columns is OTLP's */

    ngx_memzero(&spans[NGX_AV_SPAN_STARTED_NANOS],
                (NGX_AV_SPAN_NCOLUMNS - NGX_AV_SPAN_STARTED_NANOS)
                * sizeof(size_t));

    spans[NGX_AV_SPAN_INPUT] += len / 4;
    spans[NGX_AV_SPAN_OUTPUT] += len / 4;
    spans[NGX_AV_SPAN_METADATA] += len / 2;

    if (ngx_array_init(&batch->parts, batch->pool, ntraces + 1,
                       sizeof(ngx_av_batch_part_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_batch_carve(batch->pool, batch->traces, NGX_AV_TRACE_NCOLUMNS,
                           traces)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_batch_carve(batch->pool, batch->spans, NGX_AV_SPAN_NCOLUMNS,
                              spans);
}


static ngx_int_t
ngx_av_batch_carve(ngx_pool_t *pool, ngx_av_buf_t *columns, ngx_uint_t n,
    const size_t *sizes)
{
    size_t       size;
    u_char      *p;
    ngx_uint_t   i;

    size = 0;

    for (i = 0; i < n; i++) {
        size += sizes[i];
    }

    p = ngx_pnalloc(pool, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        columns[i].start = p;
        columns[i].last = p;
        columns[i].end = p + sizes[i];
        columns[i].pool = pool;

        p += sizes[i];
    }

    return NGX_OK;
}


static ngx_av_batch_reader_t *
ngx_av_batch_create_reader(ngx_av_batch_t *batch, ngx_pool_t *pool,
    const ngx_av_batch_limits_t *limits)
{
    ngx_av_batch_reader_t  *reader;

    reader = ngx_palloc(pool, sizeof(ngx_av_batch_reader_t));
    if (reader == NULL) {
        return NULL;
    }

    reader->batch = batch;
    reader->place.earliest = limits->earliest;
    reader->place.latest = limits->latest;

    ngx_str_null(&reader->agent.doc);
    reader->agent_added = 0;

    reader->rows.batch = batch;
    reader->rows.place = &reader->place;

    ngx_av_texts_init(&reader->rows.texts, pool, limits->attribute_limit,
                      limits->span_limit, limits->depth);

    return reader;
}


/* NGX_OK also if it is rejected. */

static ngx_int_t
ngx_av_batch_read_element(ngx_av_batch_reader_t *reader,
    const ngx_av_batch_element_t *element)
{
    ngx_int_t  rc;

    if (element->is_object) {
        rc = ngx_av_batch_trace(reader, element->header, element->spans);

    } else {
        reader->place.span = NGX_AV_PLACE_ELEMENT;
        rc = ngx_av_fields_error(&reader->place, NULL, "must be an object");
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    reader->batch->nrejected += element->nspans;

    return ngx_av_batch_reject_element(reader, element->header);
}


static ngx_int_t
ngx_av_batch_reject_element(ngx_av_batch_reader_t *reader, yyjson_val *header)
{
    size_t         len;
    u_char        *p;
    ngx_str_t      trace_id;
    yyjson_val    *id;
    ngx_av_buf_t   b;

    id = ngx_av_batch_member(header, "trace_id");

    if (!yyjson_is_str(id)) {
        ngx_str_set(&trace_id, "null");

    } else {
        p = (u_char *) yyjson_get_str(id);
        len = ngx_av_text_cut(p, yyjson_get_len(id), NGX_AV_BATCH_ID_LEN);

        if (ngx_av_buf_init(&b, reader->batch->pool, len + 2) != NGX_OK
            || ngx_av_json_write_string(&b, p, len) != NGX_OK)
        {
            return NGX_ERROR;
        }

        trace_id.data = b.start;
        trace_id.len = ngx_av_buf_len(&b);
    }

    return ngx_av_batch_add_error(reader->batch, reader->place.element,
                                  &trace_id, &reader->place.detail);
}


ngx_int_t
ngx_av_batch_reject(ngx_av_batch_t *batch, ngx_uint_t element,
    const ngx_str_t *trace_id, const char *detail)
{
    ngx_str_t  id, text;

    if (trace_id == NULL) {
        ngx_str_set(&id, "null");

    } else if (ngx_av_batch_copy(batch->pool, &id, trace_id) != NGX_OK) {
        return NGX_ERROR;
    }

    text.data = (u_char *) detail;
    text.len = ngx_strlen(detail);

    return ngx_av_batch_add_error(batch, element, &id, &text);
}


static ngx_int_t
ngx_av_batch_add_error(ngx_av_batch_t *batch, ngx_uint_t element,
    const ngx_str_t *trace_id, const ngx_str_t *detail)
{
    ngx_av_batch_error_t  *error;

    error = ngx_array_push(&batch->errors);
    if (error == NULL) {
        return NGX_ERROR;
    }

    error->element = element;
    error->trace_id = *trace_id;

    return ngx_av_batch_copy(batch->pool, &error->detail, detail);
}


static ngx_int_t
ngx_av_batch_copy(ngx_pool_t *pool, ngx_str_t *copy, const ngx_str_t *str)
{
    copy->len = 0;
    copy->data = ngx_pnalloc(pool, str->len + 1);

    if (copy->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy->data, str->data, str->len);
    copy->len = str->len;

    return NGX_OK;
}


static ngx_int_t
ngx_av_batch_refuse(ngx_av_batch_t *batch, ngx_str_t *detail, const char *fmt,
    ...)
{
    u_char     text[NGX_AV_FIELDS_DETAIL];
    va_list    args;
    ngx_str_t  str;

    va_start(args, fmt);
    str.len = ngx_vslprintf(text, text + sizeof(text), fmt, args) - text;
    va_end(args);

    str.data = text;

    if (ngx_av_batch_copy(batch->pool, detail, &str) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_DECLINED;
}


size_t
ngx_av_batch_size(const ngx_av_batch_t *batch)
{
    size_t      size;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < NGX_AV_TRACE_NCOLUMNS; i++) {
        size += ngx_av_buf_len(&batch->traces[i]);
    }

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        size += ngx_av_buf_len(&batch->spans[i]);
    }

    for (i = 0; i < (ngx_uint_t) NGX_AV_BATCH_NCOLUMNS; i++) {
        size += ngx_av_buf_len(&batch->rows[i]);
    }

    return size;
}
