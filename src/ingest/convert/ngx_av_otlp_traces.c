#include "ngx_av_otlp_traces.h"


/* of a trace and its part; of a span's row without its texts; maps included */
#define NGX_AV_OTLP_TRACE_MEMORY  (sizeof(ngx_av_otlp_trace_t)                \
                                   + sizeof(ngx_av_batch_part_t) + 384)
#define NGX_AV_OTLP_SPAN_MEMORY   384


static ngx_int_t ngx_av_otlp_traces_init(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_sink_t *sink);
static ngx_int_t ngx_av_otlp_traces_span(void *data,
    const ngx_av_otlp_scope_t *scope, const ngx_av_otlp_span_t *span);
static ngx_int_t ngx_av_otlp_traces_take(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_scope_t *scope, const ngx_av_otlp_span_t *span);
static ngx_int_t ngx_av_otlp_traces_ids(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_traces_times(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_traces_find(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_traces_seen(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static ngx_int_t ngx_av_otlp_traces_run(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_trace_t *trace);
static ngx_int_t ngx_av_otlp_traces_add(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);
static void ngx_av_otlp_traces_sum(ngx_av_otlp_trace_t *trace,
    const ngx_av_semconv_t *sc);
static ngx_int_t ngx_av_otlp_traces_label(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_trace_t *trace, ngx_av_otlp_item_t *item);
static ngx_uint_t ngx_av_otlp_traces_pick(ngx_av_otlp_pick_t *pick,
    const ngx_av_otlp_item_t *item, size_t at);


const ngx_av_otlp_kind_t  ngx_av_otlp_kind_traces = {
    ngx_av_otlp_traces_init,
    ngx_av_otlp_put_parts
};


static ngx_int_t
ngx_av_otlp_traces_init(ngx_av_otlp_rows_t *rows, ngx_av_otlp_sink_t *sink)
{
    ngx_av_otlp_traces_t           *traces;
    ngx_av_semconv_limits_t         limits;
    const ngx_av_otlp_options_t    *options;

    traces = ngx_pcalloc(rows->pool, sizeof(ngx_av_otlp_traces_t));
    if (traces == NULL) {
        return NGX_ERROR;
    }

    options = rows->options;

    limits.text_limit = options->limits.attribute_limit;
    limits.memory = options->limits.memory_limit;
    limits.depth = options->limits.depth;

    traces->sc = ngx_av_semconv_create(rows->pool, &limits, options->prices);

    if (traces->sc == NULL
        || ngx_array_init(&traces->runs, rows->pool, 64,
                          sizeof(ngx_av_otlp_run_t))
           != NGX_OK
        || ngx_av_buf_init(&traces->details, rows->pool, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_otlp_new_map(rows, &traces->by_id);
    ngx_av_otlp_new_map(rows, &traces->spans);

    traces->last = &traces->first;
    traces->headers.columns = rows->batch->traces;

    rows->u.traces = traces;
    rows->table.columns = rows->batch->spans;

    sink->span = ngx_av_otlp_traces_span;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_traces_span(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_span_t *span)
{
    ngx_int_t            rc;
    ngx_av_otlp_rows_t  *rows = data;

    rc = ngx_av_otlp_traces_take(rows, scope, span);

    rows->index++;

    return ngx_av_otlp_next(rc);
}


static ngx_int_t
ngx_av_otlp_traces_take(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_scope_t *scope, const ngx_av_otlp_span_t *span)
{
    ngx_int_t           rc;
    ngx_av_otlp_item_t  item;

    item.span = span;

    rc = ngx_av_otlp_traces_ids(rows, &item);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_otlp_traces_times(rows, &item);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_otlp_traces_seen(rows, &item);
    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    rc = ngx_av_otlp_enter(rows, scope);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_semconv_resolve(rows->u.traces->sc, span, scope) != NGX_OK
        || ngx_av_otlp_put_span(rows, &item) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_traces_add(rows, &item);
}


static ngx_int_t
ngx_av_otlp_traces_ids(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    ngx_int_t                  rc;
    const ngx_av_otlp_span_t  *span;

    span = item->span;

    if (ngx_av_otlp_id(rows, &item->trace, &span->trace_id, 16,
                       &item->free_trace)
        != NGX_OK)
    {
        rows->batch->ntraces++;

        return ngx_av_otlp_refuse(rows, NULL, "traceId: must be 16 bytes, "
                                  "not all zero");
    }

    rc = ngx_av_otlp_traces_find(rows, item);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_otlp_id(rows, &item->id, &span->span_id, 8, &item->free_id)
        != NGX_OK)
    {
        return ngx_av_otlp_refuse(rows, &item->trace, "spanId: must be "
                                  "8 bytes, not all zero");
    }

    rc = ngx_av_otlp_id(rows, &item->parent, &span->parent_span_id, 8,
                        &item->free_parent);

    if (rc == NGX_DECLINED) {
        return ngx_av_otlp_refuse(rows, &item->trace, "parentSpanId: must be "
                                  "8 bytes");
    }

    item->root = (rc == NGX_DONE);

    return NGX_OK;
}


/* A span that does not say when it started did so when it ended, or came. */

static ngx_int_t
ngx_av_otlp_traces_times(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    uint64_t                   start;
    ngx_int_t                  rc;
    const ngx_av_otlp_span_t  *span;

    span = item->span;

    rc = ngx_av_otlp_check_time(rows, &item->trace, "endTimeUnixNano",
                                span->end);
    if (rc != NGX_OK) {
        return rc;
    }

    item->ended = (span->end != 0);

    start = span->start ? span->start : span->end;
    start = start ? start : (uint64_t) rows->options->now;

    rc = ngx_av_otlp_check_window(rows, &item->trace, "startTimeUnixNano",
                                  start);

    item->start = (ngx_av_time_t) start;
    item->end = item->ended ? (ngx_av_time_t) span->end : item->start;

    return rc;
}


/* Sets the item's owner; also a trace whose spans are all refused is one. */

static ngx_int_t
ngx_av_otlp_traces_find(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    void                 **value;
    ngx_av_otlp_trace_t   *trace;
    ngx_av_otlp_traces_t  *traces;

    traces = rows->u.traces;
    trace = traces->trace;

    if (trace && ngx_memcmp(&trace->id, &item->trace, sizeof(ngx_av_uuid_t))
                 == 0)
    {
        item->owner = trace;
        return NGX_OK;
    }

    value = ngx_av_otlp_map_get(&traces->by_id, &item->trace,
                                sizeof(ngx_av_uuid_t));
    if (value == NULL) {
        return NGX_ERROR;
    }

    item->owner = *value;

    if (item->owner) {
        return NGX_OK;
    }

    trace = ngx_pcalloc(rows->pool, sizeof(ngx_av_otlp_trace_t));
    if (trace == NULL) {
        return NGX_ERROR;
    }

    trace->id = item->trace;
    item->owner = trace;
    *value = trace;

    *traces->last = trace;
    traces->last = &trace->next;
    rows->batch->ntraces++;

    return ngx_av_otlp_charge(rows, NGX_AV_OTLP_TRACE_MEMORY);
}


/* NGX_DONE if the trace has that span already. */

static ngx_int_t
ngx_av_otlp_traces_seen(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    void    **value;
    u_char    key[sizeof(ngx_av_uuid_t) + sizeof(void *)];

    ngx_memcpy(key, &item->id, sizeof(ngx_av_uuid_t));
    ngx_memcpy(key + sizeof(ngx_av_uuid_t), &item->owner, sizeof(void *));

    value = ngx_av_otlp_map_get(&rows->u.traces->spans, key, sizeof(key));
    if (value == NULL) {
        return NGX_ERROR;
    }

    if (*value) {
        return NGX_DONE;
    }

    *value = rows;

    return ngx_av_otlp_charge(rows, NGX_AV_OTLP_SPAN_MEMORY);
}


static ngx_int_t
ngx_av_otlp_traces_add(ngx_av_otlp_rows_t *rows, ngx_av_otlp_item_t *item)
{
    ngx_uint_t            failed;
    ngx_av_otlp_trace_t  *trace;

    trace = item->owner;

    if (ngx_av_otlp_traces_run(rows, trace) != NGX_OK) {
        return NGX_ERROR;
    }

    trace->start = trace->nrows ? ngx_min(trace->start, item->start)
                                : item->start;
    trace->end = trace->nrows ? ngx_max(trace->end, item->end) : item->end;

    if (item->ended) {
        trace->ended_at = trace->ended ? ngx_max(trace->ended_at, item->end)
                                       : item->end;
        trace->ended = 1;
    }

    failed = (item->span->status_code == 2);
    trace->failed |= failed;

    if (ngx_av_otlp_traces_pick(&trace->head, item, item->name)) {
        trace->head_failed = failed;
        trace->head_error = item->error;
        trace->head_origin = rows->origin;
    }

    (void) ngx_av_otlp_traces_pick(&trace->error, item, item->error);
    (void) ngx_av_otlp_traces_pick(&trace->session, item, item->session);
    (void) ngx_av_otlp_traces_pick(&trace->user, item, item->user);

    trace->nrows++;

    ngx_av_otlp_traces_sum(trace, rows->u.traces->sc);

    return ngx_av_otlp_traces_label(rows, trace, item);
}


static ngx_int_t
ngx_av_otlp_traces_run(ngx_av_otlp_rows_t *rows, ngx_av_otlp_trace_t *trace)
{
    ngx_uint_t             n;
    ngx_av_otlp_run_t     *run;
    ngx_av_otlp_traces_t  *traces;

    traces = rows->u.traces;
    run = traces->runs.elts;

    if (traces->trace == trace) {
        run[traces->runs.nelts - 1].nrows++;
        return NGX_OK;
    }

    traces->trace = trace;
    n = traces->runs.nelts;

    run = ngx_array_push(&traces->runs);
    if (run == NULL) {
        return NGX_ERROR;
    }

    run->nrows = 1;
    run->next = 0;

    run = traces->runs.elts;

    if (trace->nrows == 0) {
        trace->first_run = n;
        traces->ntraces++;

    } else {
        run[trace->last_run].next = n;
        traces->mixed = 1;
    }

    trace->last_run = n;

    return NGX_OK;
}


/* As SQL does it when it adds up batches: see ngx_av_writer_sql.c. */

static void
ngx_av_otlp_traces_sum(ngx_av_otlp_trace_t *trace, const ngx_av_semconv_t *sc)
{
    if (sc->type != NGX_AV_TYPE_LLM && sc->type != NGX_AV_TYPE_EMBEDDING) {
        return;
    }

    if (sc->known & NGX_AV_SEMCONV_HAS_TOTAL_TOKENS) {
        trace->tokens += ngx_min(sc->total_tokens, INT64_MAX - trace->tokens);
        trace->has_tokens = 1;
    }

    if (sc->known & NGX_AV_SEMCONV_HAS_COST) {
        ngx_av_decimal_add(&trace->cost, &sc->cost);
        trace->has_cost = 1;
    }
}


static ngx_int_t
ngx_av_otlp_traces_label(ngx_av_otlp_rows_t *rows, ngx_av_otlp_trace_t *trace,
    ngx_av_otlp_item_t *item)
{
    const ngx_str_t  *label;

    label = &rows->u.traces->sc->trace_name;

    if (!item->root || label->data == NULL
        || !ngx_av_otlp_traces_pick(&trace->label, item, 0))
    {
        return NGX_OK;
    }

    trace->label_text.len = label->len;
    trace->label_text.data = ngx_pnalloc(rows->pool, label->len + 1);

    if (trace->label_text.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(trace->label_text.data, label->data, label->len);

    return NGX_OK;
}


/* The item becomes the pick if it comes first of those that are somewhere. */

static ngx_uint_t
ngx_av_otlp_traces_pick(ngx_av_otlp_pick_t *pick,
    const ngx_av_otlp_item_t *item, size_t at)
{
    if (at == NGX_AV_OTLP_NOWHERE) {
        return 0;
    }

    if (pick->known) {

        if (pick->root != item->root) {
            if (pick->root) {
                return 0;
            }

        } else if (pick->start != item->start) {
            if (pick->start < item->start) {
                return 0;
            }

        } else if (ngx_memcmp(pick->id.bytes, item->id.bytes,
                              sizeof(pick->id.bytes))
                   < 0)
        {
            return 0;
        }
    }

    pick->known = 1;
    pick->root = item->root;
    pick->start = item->start;
    pick->id = item->id;
    pick->at = at;

    return 1;
}
