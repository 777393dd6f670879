#include "ngx_av_otlp_traces.h"


static ngx_int_t ngx_av_otlp_gather_rows(ngx_av_otlp_rows_t *rows);
static ngx_int_t ngx_av_otlp_put_part(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_trace_t *trace);
static ngx_int_t ngx_av_otlp_put_header(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_trace_t *trace);
static ngx_int_t ngx_av_otlp_put_owner(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_trace_t *trace);
static ngx_int_t ngx_av_otlp_put_sums(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_trace_t *trace);
static ngx_int_t ngx_av_otlp_put_names(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_trace_t *trace);
static ngx_int_t ngx_av_otlp_copy_text(ngx_av_otlp_rows_t *rows,
    ngx_uint_t column, ngx_uint_t from, size_t at);
static ngx_int_t ngx_av_otlp_gather(ngx_av_otlp_rows_t *rows,
    ngx_av_buf_t *b, ngx_av_buf_t *copy);
static ngx_int_t ngx_av_otlp_put_keys(ngx_av_otlp_rows_t *rows);
static void ngx_av_otlp_put_starts(ngx_av_otlp_rows_t *rows);
static size_t ngx_av_otlp_skip(const ngx_av_buf_t *b, ngx_uint_t nrows,
    size_t size, size_t start, ngx_uint_t n);


/* elements that all have the same size, length included; 0 for others */
#define NGX_AV_OTLP_SIZE_bool         5
#define NGX_AV_OTLP_SIZE_int2         6
#define NGX_AV_OTLP_SIZE_int4         8
#define NGX_AV_OTLP_SIZE_int8         12
#define NGX_AV_OTLP_SIZE_date         8
#define NGX_AV_OTLP_SIZE_timestamptz  12
#define NGX_AV_OTLP_SIZE_uuid         20
#define NGX_AV_OTLP_SIZE_numeric      0
#define NGX_AV_OTLP_SIZE_text         0
#define NGX_AV_OTLP_SIZE_json         0
#define NGX_AV_OTLP_SIZE_jsonb        0

static const u_char  ngx_av_otlp_trace_sizes[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_OTLP_SIZE_##type,
    NGX_AV_TRACE_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const u_char  ngx_av_otlp_span_sizes[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_OTLP_SIZE_##type,
    NGX_AV_SPAN_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};


/*
 * Rows were written in the order of arrival, which is nearly always that of
 * traces already.
 */

ngx_int_t
ngx_av_otlp_put_parts(ngx_av_otlp_rows_t *rows)
{
    ngx_av_batch_t        *batch;
    ngx_av_otlp_trace_t   *trace;
    ngx_av_otlp_traces_t  *traces;

    batch = rows->batch;
    traces = rows->u.traces;

    if (traces->ntraces == 0) {
        return NGX_OK;
    }

    if (ngx_array_init(&batch->parts, batch->pool, traces->ntraces,
                       sizeof(ngx_av_batch_part_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (trace = traces->first; trace; trace = trace->next) {
        if (trace->nrows && ngx_av_otlp_put_part(rows, trace) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* headers took texts from where spans had them */

    if (traces->mixed && ngx_av_otlp_gather_rows(rows) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_av_otlp_put_keys(rows) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_av_otlp_put_starts(rows);

    batch->nrows = rows->table.nrows;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_put_part(ngx_av_otlp_rows_t *rows, ngx_av_otlp_trace_t *trace)
{
    ngx_uint_t            n;
    ngx_array_t          *parts;
    ngx_av_batch_part_t  *part;

    parts = &rows->batch->parts;
    n = parts->nelts;

    part = ngx_array_push(parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(part, sizeof(ngx_av_batch_part_t));

    part->element = n;
    part->trace = trace->id;
    part->nrows = trace->nrows;

    if (ngx_av_otlp_put_header(rows, trace) != NGX_OK
        || ngx_av_otlp_put_owner(rows, trace) != NGX_OK
        || ngx_av_otlp_put_sums(rows, trace) != NGX_OK
        || ngx_av_otlp_put_names(rows, trace) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_end_row(&rows->u.traces->headers);
}


/* What a trace is while none of its spans has ended is left open. */

static ngx_int_t
ngx_av_otlp_put_header(ngx_av_otlp_rows_t *rows, ngx_av_otlp_trace_t *trace)
{
    ngx_uint_t            failed;
    ngx_av_buf_t         *b;
    ngx_av_otlp_table_t  *table;

    table = &rows->u.traces->headers;
    failed = trace->head.root ? trace->head_failed : trace->failed;

    if (ngx_av_otlp_put_uuid(table, NGX_AV_TRACE_ACCOUNT,
                             &rows->batch->account)
        != NGX_OK
        || ngx_av_otlp_put_uuid(table, NGX_AV_TRACE_ID, &trace->id) != NGX_OK
        || ngx_av_otlp_put_int4(table, NGX_AV_TRACE_HOME_DAY,
                                ngx_av_time_pg_day(trace->start))
           != NGX_OK
        || ngx_av_otlp_put_int2(table, NGX_AV_TRACE_STATUS,
                                failed ? NGX_AV_STATUS_FAILED
                                       : NGX_AV_STATUS_COMPLETED)
           != NGX_OK
        || ngx_av_otlp_put_int8(table, NGX_AV_TRACE_DURATION,
                                ngx_max(trace->end - trace->start, 0))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    b = ngx_av_otlp_cell(table, NGX_AV_TRACE_STARTED_AT);

    if (b == NULL || ngx_av_db_array_timestamptz(b, trace->start) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!trace->ended) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(table, NGX_AV_TRACE_ENDED_AT);

    return b ? ngx_av_db_array_timestamptz(b, trace->ended_at) : NGX_ERROR;
}


static ngx_int_t
ngx_av_otlp_put_owner(ngx_av_otlp_rows_t *rows, ngx_av_otlp_trace_t *trace)
{
    ngx_av_otlp_table_t   *table;
    ngx_av_otlp_origin_t  *origin;

    table = &rows->u.traces->headers;
    origin = trace->head_origin;

    if (ngx_av_otlp_add_ref(rows, NGX_AV_REF_AGENT, &origin->agent,
                            origin->service.data, origin->service.len)
        != NGX_OK
        || ngx_av_otlp_put_uuid(table, NGX_AV_TRACE_AGENT_ID, &origin->agent)
           != NGX_OK
        || ngx_av_otlp_put_int2(table, NGX_AV_TRACE_HEADER,
                                trace->head.root ? NGX_AV_HEADER_ROOT
                                                 : NGX_AV_HEADER_EARLIEST)
           != NGX_OK
        || ngx_av_otlp_put_int8(table, NGX_AV_TRACE_HEADER_NS,
                                trace->head.start)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_put_uuid(table, NGX_AV_TRACE_HEADER_SPAN,
                                &trace->head.id);
}


static ngx_int_t
ngx_av_otlp_put_sums(ngx_av_otlp_rows_t *rows, ngx_av_otlp_trace_t *trace)
{
    ngx_av_otlp_table_t  *table;

    table = &rows->u.traces->headers;

    if (ngx_av_otlp_put_int4(table, NGX_AV_TRACE_SPAN_COUNT, trace->nrows)
        != NGX_OK
        || ngx_av_otlp_put_int8(table, NGX_AV_TRACE_SPAN_START, trace->start)
           != NGX_OK
        || ngx_av_otlp_put_int8(table, NGX_AV_TRACE_SPAN_END, trace->end)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (trace->has_tokens
        && ngx_av_otlp_put_int8(table, NGX_AV_TRACE_SPAN_TOKENS,
                                trace->tokens)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!trace->has_cost) {
        return NGX_OK;
    }

    return ngx_av_otlp_put_numeric(table, NGX_AV_TRACE_SPAN_COST,
                                   &trace->cost);
}


/* Only a root names the trace. */

static ngx_int_t
ngx_av_otlp_put_names(ngx_av_otlp_rows_t *rows, ngx_av_otlp_trace_t *trace)
{
    size_t         error;
    ngx_int_t      rc;
    ngx_av_buf_t  *b;

    if (trace->label.known) {
        b = ngx_av_otlp_cell(&rows->u.traces->headers, NGX_AV_TRACE_NAME);

        rc = b ? ngx_av_db_array_text(b, trace->label_text.data,
                                      trace->label_text.len)
               : NGX_ERROR;

    } else {
        rc = ngx_av_otlp_copy_text(rows, NGX_AV_TRACE_NAME, NGX_AV_SPAN_NAME,
                                   trace->head.root ? trace->head.at
                                                    : NGX_AV_OTLP_NOWHERE);
    }

    if (trace->head.root) {
        error = trace->head_error;

    } else {
        error = trace->error.known ? trace->error.at : NGX_AV_OTLP_NOWHERE;
    }

    if (rc != NGX_OK
        || ngx_av_otlp_copy_text(rows, NGX_AV_TRACE_ERROR_MESSAGE,
                                 NGX_AV_SPAN_ERROR_MESSAGE, error)
           != NGX_OK
        || ngx_av_otlp_copy_text(rows, NGX_AV_TRACE_SESSION_ID,
                                 NGX_AV_SPAN_SESSION_ID,
                                 trace->session.known ? trace->session.at
                                                      : NGX_AV_OTLP_NOWHERE)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_copy_text(rows, NGX_AV_TRACE_USER_ID,
                                 NGX_AV_SPAN_USER_ID,
                                 trace->user.known ? trace->user.at
                                                   : NGX_AV_OTLP_NOWHERE);
}


/* An element of the spans' column, as it is. */

static ngx_int_t
ngx_av_otlp_copy_text(ngx_av_otlp_rows_t *rows, ngx_uint_t column,
    ngx_uint_t from, size_t at)
{
    u_char        *p;
    ngx_av_buf_t  *b;

    if (at == NGX_AV_OTLP_NOWHERE) {
        return NGX_OK;
    }

    p = rows->batch->spans[from].start + at;
    b = ngx_av_otlp_cell(&rows->u.traces->headers, column);

    return b ? ngx_av_buf_append(b, p, 4 + ngx_av_db_get32(p)) : NGX_ERROR;
}


static ngx_int_t
ngx_av_otlp_gather_rows(ngx_av_otlp_rows_t *rows)
{
    size_t         size;
    ngx_uint_t     i;
    ngx_av_buf_t  *spans, copy;

    spans = rows->batch->spans;
    size = 0;

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        size = ngx_max(size, ngx_av_buf_len(&spans[i]));
    }

    if (ngx_av_buf_init(&copy, rows->pool, size) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        if ((rows->table.used & ((uint64_t) 1 << i))
            && ngx_av_otlp_gather(rows, &spans[i], &copy) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Puts the runs of each trace together. */

static ngx_int_t
ngx_av_otlp_gather(ngx_av_otlp_rows_t *rows, ngx_av_buf_t *b,
    ngx_av_buf_t *copy)
{
    ngx_uint_t             i, n;
    const u_char          *p, *end;
    ngx_av_otlp_run_t     *run;
    ngx_av_otlp_trace_t   *trace;
    ngx_av_otlp_traces_t  *traces;

    traces = rows->u.traces;
    run = traces->runs.elts;

    copy->last = copy->start;

    if (ngx_av_buf_append(copy, b->start, ngx_av_buf_len(b)) != NGX_OK) {
        return NGX_ERROR;
    }

    p = copy->start;

    for (i = 0; i < traces->runs.nelts; i++) {
        end = ngx_av_db_array_skip(p, run[i].nrows);

        run[i].at = p - copy->start;
        run[i].len = end - p;

        p = end;
    }

    b->last = b->start;

    for (trace = traces->first; trace; trace = trace->next) {

        if (trace->nrows == 0) {
            continue;
        }

        n = trace->first_run;

        do {
            b->last = ngx_cpymem(b->last, copy->start + run[n].at,
                                 run[n].len);
            n = run[n].next;
        } while (n);
    }

    return NGX_OK;
}


/* The columns that are the same in all rows, or all rows of a part. */

static ngx_int_t
ngx_av_otlp_put_keys(ngx_av_otlp_rows_t *rows)
{
    u_char                day[4];
    ngx_uint_t            i;
    ngx_av_buf_t         *spans;
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part;
    ngx_av_otlp_trace_t  *trace;

    batch = rows->batch;
    spans = batch->spans;
    part = batch->parts.elts;
    trace = rows->u.traces->first;

    if (ngx_av_otlp_repeat(&spans[NGX_AV_SPAN_ACCOUNT], &batch->account,
                           sizeof(ngx_av_uuid_t), rows->table.nrows)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < batch->parts.nelts; i++, trace = trace->next) {

        while (trace->nrows == 0) {
            trace = trace->next;
        }

        (void) ngx_av_db_put32(day, ngx_av_time_pg_day(trace->start));

        if (ngx_av_otlp_repeat(&spans[NGX_AV_SPAN_HOME_DAY], day, sizeof(day),
                               part[i].nrows)
            != NGX_OK
            || ngx_av_otlp_repeat(&spans[NGX_AV_SPAN_TRACE_ID],
                                  &part[i].trace, sizeof(ngx_av_uuid_t),
                                  part[i].nrows)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_av_otlp_put_starts(ngx_av_otlp_rows_t *rows)
{
    size_t                start;
    ngx_uint_t            i, n, nparts;
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part;

    batch = rows->batch;
    part = batch->parts.elts;
    nparts = batch->parts.nelts;

    for (i = 0; i < NGX_AV_TRACE_NCOLUMNS; i++) {
        start = 0;

        for (n = 0; n < nparts; n++) {
            part[n].trace_start[i] = start;
            start = ngx_av_otlp_skip(&batch->traces[i], nparts,
                                     ngx_av_otlp_trace_sizes[i], start, 1);
        }
    }

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        start = 0;

        for (n = 0; n < nparts; n++) {
            part[n].span_start[i] = start;
            start = ngx_av_otlp_skip(&batch->spans[i], rows->table.nrows,
                                     ngx_av_otlp_span_sizes[i], start,
                                     part[n].nrows);
        }
    }
}


/*
 * Where a column of nrows elements goes on n elements after start.  In one
 * that was never used that is 0; in one of numbers without nulls, as most are,
 * nothing need be read.
 */

static size_t
ngx_av_otlp_skip(const ngx_av_buf_t *b, ngx_uint_t nrows, size_t size,
    size_t start, ngx_uint_t n)
{
    size_t  len;

    len = ngx_av_buf_len(b);

    if (len == 0) {
        return 0;
    }

    if (size && len == nrows * size) {
        return start + n * size;
    }

    return ngx_av_db_array_skip(b->start + start, n) - b->start;
}
