#include "ngx_av_otlp_traces.h"

#include "ngx_av_text.h"


static ngx_int_t ngx_av_otlp_put_what(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_put_when(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_put_usage(ngx_av_otlp_rows_t *rows);
static ngx_int_t ngx_av_otlp_put_labels(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_put_label(ngx_av_otlp_rows_t *rows,
    ngx_uint_t column, const ngx_str_t *name, const ngx_str_t *text,
    size_t *at);
static ngx_int_t ngx_av_otlp_put_error(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_put_payloads(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_put_payload(ngx_av_otlp_rows_t *rows,
    ngx_uint_t column, const ngx_str_t *name, const ngx_str_t *text);
static ngx_int_t ngx_av_otlp_put_list(ngx_av_otlp_rows_t *rows,
    ngx_uint_t column, const ngx_av_otlp_array_t *array,
    ngx_int_t (*write)(ngx_av_texts_t *texts, ngx_av_buf_t *b,
                       const ngx_av_otlp_array_t *array));
static ngx_int_t ngx_av_otlp_put_details(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_add_details(ngx_av_buf_t *b,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_add_member(ngx_av_buf_t *b, const char *name,
    const ngx_str_t *text);
static ngx_int_t ngx_av_otlp_add_count(ngx_av_buf_t *b, const char *name,
    uint32_t count);
static ngx_int_t ngx_av_otlp_begin_member(ngx_av_buf_t *b, const char *name);
static ngx_int_t ngx_av_otlp_limit_details(ngx_av_otlp_rows_t *rows,
    ngx_av_buf_t *b);


static const ngx_str_t  ngx_av_otlp_details_name = ngx_string("details");


/* The texts share one limit, so the short and telling ones come first. */

ngx_int_t
ngx_av_otlp_put_span(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    ngx_av_texts_begin(&rows->texts);

    if (ngx_av_otlp_put_what(rows, item) != NGX_OK
        || ngx_av_otlp_put_when(rows, item) != NGX_OK
        || ngx_av_otlp_put_usage(rows) != NGX_OK
        || ngx_av_otlp_put_labels(rows, item) != NGX_OK
        || ngx_av_otlp_put_payloads(rows, item) != NGX_OK
        || ngx_av_otlp_put_details(rows, item) != NGX_OK
        || ngx_av_otlp_put_truncated(rows, &rows->table,
                                     NGX_AV_SPAN_TRUNCATED)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_end_row(&rows->table);
}


static ngx_int_t
ngx_av_otlp_put_what(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    int64_t               ordinal;
    ngx_uint_t            status;
    ngx_av_otlp_table_t  *table;

    table = &rows->table;
    ordinal = rows->options->now / 1000 + (int64_t) rows->index;
    status = (item->span->status_code == 2) ? NGX_AV_STATUS_FAILED
                                            : NGX_AV_STATUS_COMPLETED;

    if (ngx_av_otlp_put_uuid(table, NGX_AV_SPAN_ID, &item->id) != NGX_OK
        || ngx_av_otlp_put_int8(table, NGX_AV_SPAN_ORDINAL, ordinal) != NGX_OK
        || ngx_av_otlp_put_int2(table, NGX_AV_SPAN_TYPE,
                                rows->u.traces->sc->type)
           != NGX_OK
        || ngx_av_otlp_put_int2(table, NGX_AV_SPAN_STATUS, status) != NGX_OK
        || ngx_av_otlp_put_enum(table, NGX_AV_SPAN_KIND, item->span->kind)
           != NGX_OK
        || ngx_av_otlp_put_enum(table, NGX_AV_SPAN_OTLP_STATUS,
                                item->span->status_code)
           != NGX_OK
        || ngx_av_otlp_put_uuid(table, NGX_AV_SPAN_SCOPE_ID,
                                &rows->origin->scope)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return item->root ? NGX_OK
                      : ngx_av_otlp_put_uuid(table, NGX_AV_SPAN_PARENT_ID,
                                             &item->parent);
}


/* An end before the start comes of clocks that differ: no duration. */

static ngx_int_t
ngx_av_otlp_put_when(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    ngx_av_otlp_table_t  *table;

    table = &rows->table;

    if (ngx_av_otlp_put_time(table, NGX_AV_SPAN_STARTED_AT,
                             NGX_AV_SPAN_STARTED_NANOS, item->start)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!item->ended) {
        return NGX_OK;
    }

    if (ngx_av_otlp_put_time(table, NGX_AV_SPAN_ENDED_AT,
                             NGX_AV_SPAN_ENDED_NANOS, item->end)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_put_int8(table, NGX_AV_SPAN_DURATION,
                                ngx_max(item->end - item->start, 0));
}


static ngx_int_t
ngx_av_otlp_put_usage(ngx_av_otlp_rows_t *rows)
{
    ngx_av_semconv_t     *sc;
    ngx_av_otlp_table_t  *table;

    sc = rows->u.traces->sc;
    table = &rows->table;

    if ((sc->known & NGX_AV_SEMCONV_HAS_INPUT_TOKENS)
        && ngx_av_otlp_put_int8(table, NGX_AV_SPAN_INPUT_TOKENS,
                                sc->input_tokens)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((sc->known & NGX_AV_SEMCONV_HAS_OUTPUT_TOKENS)
        && ngx_av_otlp_put_int8(table, NGX_AV_SPAN_OUTPUT_TOKENS,
                                sc->output_tokens)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((sc->known & NGX_AV_SEMCONV_HAS_TOTAL_TOKENS)
        && ngx_av_otlp_put_int8(table, NGX_AV_SPAN_TOTAL_TOKENS,
                                sc->total_tokens)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!(sc->known & NGX_AV_SEMCONV_HAS_COST)) {
        return NGX_OK;
    }

    return ngx_av_otlp_put_numeric(table, NGX_AV_SPAN_COST, &sc->cost);
}


static ngx_int_t
ngx_av_otlp_put_labels(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    size_t             model;
    ngx_av_semconv_t  *sc;

    static const ngx_str_t  name_name = ngx_string("name");
    static const ngx_str_t  model_name = ngx_string("model");
    static const ngx_str_t  session_name = ngx_string("session_id");
    static const ngx_str_t  user_name = ngx_string("user_id");

    sc = rows->u.traces->sc;

    item->name = ngx_av_buf_len(&rows->batch->spans[NGX_AV_SPAN_NAME]);

    if (ngx_av_otlp_put_text(rows, &rows->table, NGX_AV_SPAN_NAME, &name_name,
                             &item->span->name)
        != NGX_OK
        || ngx_av_otlp_put_label(rows, NGX_AV_SPAN_MODEL, &model_name,
                                 &sc->model, &model)
           != NGX_OK
        || ngx_av_otlp_put_label(rows, NGX_AV_SPAN_SESSION_ID, &session_name,
                                 &sc->session_id, &item->session)
           != NGX_OK
        || ngx_av_otlp_put_label(rows, NGX_AV_SPAN_USER_ID, &user_name,
                                 &sc->user_id, &item->user)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_put_error(rows, item);
}


/*
 * A text of ngx_av_semconv_t, which is valid, or unknown; at is where the
 * column has it.
 */

static ngx_int_t
ngx_av_otlp_put_label(ngx_av_otlp_rows_t *rows, ngx_uint_t column,
    const ngx_str_t *name, const ngx_str_t *text, size_t *at)
{
    ngx_av_buf_t  *b;

    *at = NGX_AV_OTLP_NOWHERE;

    if (text->data == NULL) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(&rows->table, column);
    if (b == NULL) {
        return NGX_ERROR;
    }

    *at = ngx_av_buf_len(b);

    return ngx_av_texts_put_clean(&rows->texts, b, name, text);
}


/* The message comes cut; of the status's own we know how long it was. */

static ngx_int_t
ngx_av_otlp_put_error(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    size_t                  limit;
    const ngx_str_t        *text;
    static const ngx_str_t  name = ngx_string("error_message");

    text = &rows->u.traces->sc->error_message;
    limit = rows->texts.attribute_limit;

    if (text->len <= limit && text->len + 4 > limit
        && item->span->status_message.len > limit
        && ngx_av_texts_note(&rows->texts, &name, NULL,
                             item->span->status_message.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_put_label(rows, NGX_AV_SPAN_ERROR_MESSAGE, &name, text,
                                 &item->error);
}


static ngx_int_t
ngx_av_otlp_put_payloads(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    ngx_av_semconv_t  *sc;

    static const ngx_str_t  input = ngx_string("input");
    static const ngx_str_t  output = ngx_string("output");
    static const ngx_str_t  metadata = ngx_string("metadata");

    sc = rows->u.traces->sc;

    if (ngx_av_otlp_put_payload(rows, NGX_AV_SPAN_INPUT, &input, &sc->input)
        != NGX_OK
        || ngx_av_otlp_put_payload(rows, NGX_AV_SPAN_OUTPUT, &output,
                                   &sc->output)
           != NGX_OK
        || ngx_av_otlp_put_attributes(rows, NGX_AV_SPAN_METADATA, &metadata,
                                      &item->span->attributes)
           != NGX_OK
        || ngx_av_otlp_put_list(rows, NGX_AV_SPAN_EVENTS, &item->span->events,
                                ngx_av_otlp_write_events)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_put_list(rows, NGX_AV_SPAN_LINKS, &item->span->links,
                                ngx_av_otlp_write_links);
}


static ngx_int_t
ngx_av_otlp_put_payload(ngx_av_otlp_rows_t *rows, ngx_uint_t column,
    const ngx_str_t *name, const ngx_str_t *text)
{
    ngx_av_buf_t  *b;

    if (text->data == NULL) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(&rows->table, column);
    if (b == NULL) {
        return NGX_ERROR;
    }

    return ngx_av_texts_put_json_clean(&rows->texts, b, name, text);
}


static ngx_int_t
ngx_av_otlp_put_list(ngx_av_otlp_rows_t *rows, ngx_uint_t column,
    const ngx_av_otlp_array_t *array,
    ngx_int_t (*write)(ngx_av_texts_t *texts, ngx_av_buf_t *b,
                       const ngx_av_otlp_array_t *array))
{
    size_t         mark;
    ngx_av_buf_t  *b;

    if (array->nelts == 0) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(&rows->table, column);

    if (b == NULL
        || ngx_av_db_array_begin(b, NGX_AV_DB_JSON, &mark) != NGX_OK
        || write(&rows->texts, b, array) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_db_array_end(b, mark);

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_put_details(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    size_t         len;
    ngx_av_buf_t  *b, *details;

    details = &rows->u.traces->details;
    details->last = details->start;

    if (ngx_av_semconv_details(rows->u.traces->sc, details) != NGX_OK
        || ngx_av_otlp_add_details(details, item) != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = ngx_av_buf_len(details);

    if (len == 0) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(&rows->table, NGX_AV_SPAN_DETAILS);
    if (b == NULL) {
        return NGX_ERROR;
    }

    if (len > rows->texts.left) {
        return ngx_av_otlp_limit_details(rows, b);
    }

    rows->texts.left -= len;

    if (ngx_av_buf_reserve(b, 4 + 1 + len) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_av_db_array_begin(b, NGX_AV_DB_JSONB, &len);
    (void) ngx_av_buf_append(b, details->start, ngx_av_buf_len(details));
    ngx_av_db_array_end(b, len);

    return NGX_OK;
}


/* What OTLP has besides attributes, and no column is for. */

static ngx_int_t
ngx_av_otlp_add_details(ngx_av_buf_t *b, ngx_av_otlp_item_t *item)
{
    const ngx_av_otlp_span_t  *span;

    span = item->span;

    if (item->free_trace
        && ngx_av_otlp_add_member(b, "trace_text", &span->trace_id.text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (item->free_id
        && ngx_av_otlp_add_member(b, "span_text", &span->span_id.text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (item->free_parent && !item->root
        && ngx_av_otlp_add_member(b, "parent_text",
                                  &span->parent_span_id.text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (span->trace_state.len
        && ngx_av_otlp_add_member(b, "trace_state", &span->trace_state)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_otlp_add_count(b, "dropped_attributes_count",
                              span->dropped_attributes)
        != NGX_OK
        || ngx_av_otlp_add_count(b, "dropped_events_count",
                                 span->dropped_events)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_add_count(b, "dropped_links_count",
                                 span->dropped_links);
}


static ngx_int_t
ngx_av_otlp_add_member(ngx_av_buf_t *b, const char *name,
    const ngx_str_t *text)
{
    if (ngx_av_otlp_begin_member(b, name) != NGX_OK
        || ngx_av_json_write_bytes(b, text->data, text->len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_buf_append(b, "}", 1);
}


static ngx_int_t
ngx_av_otlp_add_count(ngx_av_buf_t *b, const char *name, uint32_t count)
{
    if (count == 0) {
        return NGX_OK;
    }

    if (ngx_av_otlp_begin_member(b, name) != NGX_OK
        || ngx_av_buf_reserve(b, NGX_INT32_LEN) != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->last = ngx_av_text_uint64(b->last, count);

    return ngx_av_buf_append(b, "}", 1);
}


/* The object is closed after each member: a comma takes the brace's place. */

static ngx_int_t
ngx_av_otlp_begin_member(ngx_av_buf_t *b, const char *name)
{
    size_t  len;

    len = ngx_strlen(name);

    if (ngx_av_buf_reserve(b, len + sizeof("{\"\":") - 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (b->last == b->start) {
        *b->last++ = '{';

    } else {
        b->last[-1] = ',';
    }

    *b->last++ = '"';
    b->last = ngx_cpymem(b->last, name, len);
    *b->last++ = '"';
    *b->last++ = ':';

    return NGX_OK;
}


/* Rare: takes the document apart again, to leave out what does not fit. */

static ngx_int_t
ngx_av_otlp_limit_details(ngx_av_otlp_rows_t *rows, ngx_av_buf_t *b)
{
    ngx_int_t       rc;
    ngx_av_buf_t   *details;
    ngx_av_json_t   json;

    details = &rows->u.traces->details;

    rc = ngx_av_json_parse(&json, details->start, ngx_av_buf_len(details),
                           rows->options->limits.memory_limit);

    if (rc == NGX_OK) {
        rc = ngx_av_texts_put_object(&rows->texts, b, NGX_AV_DB_JSONB,
                                     &ngx_av_otlp_details_name, json.root,
                                     NULL);
    }

    ngx_av_json_free(&json);

    /* too deep, or too large to parse */

    if (rc == NGX_DECLINED || rc == NGX_ABORT) {
        rc = ngx_av_texts_note(&rows->texts, &ngx_av_otlp_details_name, NULL,
                               ngx_av_buf_len(details));
        return (rc == NGX_OK) ? ngx_av_db_array_null(b) : NGX_ERROR;
    }

    return rc;
}
