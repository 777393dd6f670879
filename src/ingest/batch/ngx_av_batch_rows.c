#include "ngx_av_batch_rows.h"


static ngx_int_t ngx_av_batch_put_sums(ngx_av_batch_rows_t *rows);
static void ngx_av_batch_add_sums(ngx_av_batch_sums_t *sums,
    const ngx_av_value_t *span);
static ngx_int_t ngx_av_batch_put_values(ngx_av_batch_rows_t *rows,
    const ngx_av_table_t *table, ngx_av_value_t *values,
    ngx_av_buf_t *columns);
static ngx_int_t ngx_av_batch_put_value(ngx_av_batch_rows_t *rows,
    const ngx_av_field_t *field, ngx_av_value_t *value, ngx_av_buf_t *b);


ngx_int_t
ngx_av_batch_begin_part(ngx_av_batch_rows_t *rows)
{
    ngx_uint_t            i;
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part;

    batch = rows->batch;

    part = ngx_array_push(&batch->parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->element = rows->place->element;
    part->trace = rows->place->trace;
    part->nrows = 0;
    part->settled = 0;

    for (i = 0; i < NGX_AV_TRACE_NCOLUMNS; i++) {
        part->trace_start[i] = ngx_av_buf_len(&batch->traces[i]);
    }

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        part->span_start[i] = ngx_av_buf_len(&batch->spans[i]);
    }

    ngx_memzero(&rows->sums, sizeof(ngx_av_batch_sums_t));

    return NGX_OK;
}


/* The header's row comes last, when the sums over the spans are known. */

ngx_int_t
ngx_av_batch_end_part(ngx_av_batch_rows_t *rows, ngx_av_value_t *header)
{
    ngx_int_t             rc;
    ngx_av_buf_t         *columns;
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part;

    batch = rows->batch;
    columns = batch->traces;

    part = batch->parts.elts;
    part += batch->parts.nelts - 1;

    rows->place->span = NGX_AV_PLACE_HEADER;
    ngx_av_texts_begin(&rows->texts);

    rc = ngx_av_batch_put_values(rows, &ngx_av_header_table, header, columns);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_db_array_uuid(&columns[NGX_AV_TRACE_ACCOUNT], &batch->account)
        != NGX_OK
        || ngx_av_db_array_int2(&columns[NGX_AV_TRACE_HEADER],
                                NGX_AV_HEADER_SENT)
           != NGX_OK
        || ngx_av_db_array_date(&columns[NGX_AV_TRACE_HOME_DAY],
                                rows->home_day)
           != NGX_OK
        || ngx_av_db_array_int4(&columns[NGX_AV_TRACE_SPAN_COUNT],
                                part->nrows)
           != NGX_OK
        || ngx_av_texts_put_truncated(&rows->texts,
                                      &columns[NGX_AV_TRACE_TRUNCATED])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_batch_put_sums(rows);
}


static ngx_int_t
ngx_av_batch_put_sums(ngx_av_batch_rows_t *rows)
{
    ngx_int_t             rc;
    ngx_av_buf_t         *tokens, *cost, *start, *end;
    ngx_av_batch_sums_t  *sums;

    sums = &rows->sums;
    tokens = &rows->batch->traces[NGX_AV_TRACE_SPAN_TOKENS];
    cost = &rows->batch->traces[NGX_AV_TRACE_SPAN_COST];
    start = &rows->batch->traces[NGX_AV_TRACE_SPAN_START];
    end = &rows->batch->traces[NGX_AV_TRACE_SPAN_END];

    rc = sums->has_tokens ? ngx_av_db_array_int8(tokens, sums->tokens)
                          : ngx_av_db_array_null(tokens);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    rc = sums->has_cost ? ngx_av_db_array_numeric(cost, &sums->cost)
                        : ngx_av_db_array_null(cost);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (!sums->has_times) {
        rc = ngx_av_db_array_null(start);
        return (rc == NGX_OK) ? ngx_av_db_array_null(end) : NGX_ERROR;
    }

    rc = ngx_av_db_array_int8(start, sums->start);
    return (rc == NGX_OK) ? ngx_av_db_array_int8(end, sums->end) : NGX_ERROR;
}


ngx_int_t
ngx_av_batch_put_span(ngx_av_batch_rows_t *rows, ngx_av_value_t *span,
    int64_t ordinal)
{
    ngx_int_t             rc;
    ngx_av_buf_t         *columns;
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part;

    batch = rows->batch;
    columns = batch->spans;

    ngx_av_texts_begin(&rows->texts);

    rc = ngx_av_batch_put_values(rows, &ngx_av_span_table, span, columns);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_db_array_uuid(&columns[NGX_AV_SPAN_ACCOUNT], &batch->account)
        != NGX_OK
        || ngx_av_db_array_date(&columns[NGX_AV_SPAN_HOME_DAY],
                                rows->home_day)
           != NGX_OK
        || ngx_av_db_array_int8(&columns[NGX_AV_SPAN_ORDINAL], ordinal)
           != NGX_OK
        || ngx_av_texts_put_truncated(&rows->texts,
                                      &columns[NGX_AV_SPAN_TRUNCATED])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_batch_add_sums(&rows->sums, span);

    part = batch->parts.elts;
    part[batch->parts.nelts - 1].nrows++;
    batch->nrows++;

    return NGX_OK;
}


/* A part's sums fit: NGX_AV_FIELDS_MAX_COUNT sees to that. */

static void
ngx_av_batch_add_sums(ngx_av_batch_sums_t *sums, const ngx_av_value_t *span)
{
    ngx_av_time_t          start, end;
    const ngx_av_value_t  *tokens, *cost;

    start = span[NGX_AV_SPAN_FIELD_STARTED_AT].u.number;
    end = span[NGX_AV_SPAN_FIELD_ENDED_AT].known
          ? span[NGX_AV_SPAN_FIELD_ENDED_AT].u.number : start;

    sums->start = sums->has_times ? ngx_min(sums->start, start) : start;
    sums->end = sums->has_times ? ngx_max(sums->end, end) : end;
    sums->has_times = 1;

    if (span[NGX_AV_SPAN_FIELD_TYPE].u.number != NGX_AV_TYPE_LLM) {
        return;
    }

    tokens = &span[NGX_AV_SPAN_FIELD_TOTAL_TOKENS];
    cost = &span[NGX_AV_SPAN_FIELD_COST_USD];

    if (tokens->known) {
        sums->tokens += tokens->u.number;
        sums->has_tokens = 1;
    }

    if (cost->known) {
        ngx_av_decimal_add(&sums->cost, &cost->u.decimal);
        sums->has_cost = 1;
    }
}


static ngx_int_t
ngx_av_batch_put_values(ngx_av_batch_rows_t *rows,
    const ngx_av_table_t *table, ngx_av_value_t *values,
    ngx_av_buf_t *columns)
{
    ngx_int_t              rc;
    ngx_uint_t             i;
    const ngx_av_field_t  *field;

    for (i = 1; i <= table->last; i++) {
        field = &table->fields[i];

        rc = ngx_av_batch_put_value(rows, field, &values[i],
                                    &columns[field->column]);

        if (rc == NGX_DECLINED) {
            return ngx_av_fields_error(rows->place, values[i].name,
                                       "nested deeper than %ui levels",
                                       rows->texts.depth);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_batch_put_value(ngx_av_batch_rows_t *rows,
    const ngx_av_field_t *field, ngx_av_value_t *value, ngx_av_buf_t *b)
{
    if (!value->known) {
        return ngx_av_db_array_null(b);
    }

    switch (field->kind) {

    case NGX_AV_KIND_UUID:
    case NGX_AV_KIND_TRACE_ID:
    case NGX_AV_KIND_AGENT:
        return ngx_av_db_array_uuid(b, &value->u.uuid);

    case NGX_AV_KIND_TIME:
    case NGX_AV_KIND_START:
        return ngx_av_db_array_timestamptz(b, value->u.number);

    case NGX_AV_KIND_COUNT:
    case NGX_AV_KIND_MSEC:
        return ngx_av_db_array_int8(b, value->u.number);

    case NGX_AV_KIND_MONEY:
        return ngx_av_db_array_numeric(b, &value->u.decimal);

    case NGX_AV_KIND_BOOL:
        return ngx_av_db_array_bool(b, value->u.number);

    case NGX_AV_KIND_STATUS:
    case NGX_AV_KIND_TYPE:
        return ngx_av_db_array_int2(b, value->u.number);

    case NGX_AV_KIND_LABEL:
    case NGX_AV_KIND_TEXT:
        return ngx_av_texts_put(&rows->texts, b, &field->name, value->val);

    case NGX_AV_KIND_JSON:
        return ngx_av_texts_put_json(&rows->texts, b, &field->name,
                                     value->val);

    case NGX_AV_KIND_OBJECT:
        return ngx_av_texts_put_object(&rows->texts, b, NGX_AV_DB_JSON,
                                       &field->name, value->val,
                                       value->u.original);

    case NGX_AV_KIND_OBJECT_JSONB:
        return ngx_av_texts_put_object(&rows->texts, b, NGX_AV_DB_JSONB,
                                       &field->name, value->val,
                                       value->u.original);

    default: /* NGX_AV_KIND_ALIAS, never */
        return NGX_ERROR;
    }
}


void
ngx_av_batch_rollback(ngx_av_batch_t *batch, ngx_uint_t nparts)
{
    ngx_uint_t            i;
    ngx_av_batch_part_t  *part;

    if (nparts == batch->parts.nelts) {
        return;
    }

    part = batch->parts.elts;

    for (i = nparts; i < batch->parts.nelts; i++) {
        batch->nrows -= part[i].nrows;
    }

    part += nparts;

    for (i = 0; i < NGX_AV_TRACE_NCOLUMNS; i++) {
        batch->traces[i].last = batch->traces[i].start + part->trace_start[i];
    }

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        batch->spans[i].last = batch->spans[i].start + part->span_start[i];
    }

    batch->parts.nelts = nparts;
}
