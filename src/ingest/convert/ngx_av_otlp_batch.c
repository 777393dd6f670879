#include "ngx_av_otlp_rows.h"

#include "ngx_av_semconv_keys.h"

#if (NGX_LINUX)
#include <malloc.h>
#endif


/*
 * Offsets in column buffers have 32 bits, and six bytes may come of one: a
 * control character in JSON.
 */
#define NGX_AV_OTLP_MAX_LEN  (512 * 1024 * 1024)

#define NGX_AV_OTLP_POOL     16384

/* of freed memory, the largest piece and what a process keeps at hand */
#define NGX_AV_OTLP_PIECE    (4 * 1024 * 1024)
#define NGX_AV_OTLP_KEEP     (16 * 1024 * 1024)

/* JSON is so much longer than protobuf */
#define NGX_AV_OTLP_JSON_RATE  2

/* room for the bulk: so often the length of protobuf, and for small bodies */
#define NGX_AV_OTLP_BULK       2
#define NGX_AV_OTLP_PAGE       512


static ngx_int_t ngx_av_otlp_batch_rows(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_signal_e signal, ngx_av_otlp_encoding_e encoding,
    const u_char *body, ngx_str_t *detail);
static void ngx_av_otlp_batch_init(ngx_av_otlp_rows_t *rows);
static ngx_int_t ngx_av_otlp_batch_reserve(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_signal_e signal, ngx_av_otlp_encoding_e encoding);
static ngx_int_t ngx_av_otlp_batch_refuse(ngx_av_otlp_rows_t *rows,
    ngx_str_t *detail, const char *fmt, ...);


/* by signal */

static const ngx_av_otlp_kind_t *const  ngx_av_otlp_kinds[] = {
    &ngx_av_otlp_kind_traces,
    &ngx_av_otlp_kind_metrics,
    &ngx_av_otlp_kind_logs
};

static const char *const  ngx_av_otlp_keys[] = {
    "resourceSpans",
    "resourceMetrics",
    "resourceLogs"
};


/*
 * Columns that every row fills, or nearly, and what their elements take; of
 * texts, roughly.  The last has the bulk of the body.
 */

typedef struct {
    ngx_uint_t       column;
    size_t           width;
} ngx_av_otlp_width_t;

static const ngx_av_otlp_width_t  ngx_av_otlp_span_widths[] = {
    { NGX_AV_SPAN_ACCOUNT, 20 },
    { NGX_AV_SPAN_HOME_DAY, 8 },
    { NGX_AV_SPAN_TRACE_ID, 20 },
    { NGX_AV_SPAN_ID, 20 },
    { NGX_AV_SPAN_PARENT_ID, 20 },
    { NGX_AV_SPAN_ORDINAL, 12 },
    { NGX_AV_SPAN_TYPE, 6 },
    { NGX_AV_SPAN_STATUS, 6 },
    { NGX_AV_SPAN_NAME, 36 },
    { NGX_AV_SPAN_STARTED_AT, 12 },
    { NGX_AV_SPAN_ENDED_AT, 12 },
    { NGX_AV_SPAN_DURATION, 12 },
    { NGX_AV_SPAN_KIND, 6 },
    { NGX_AV_SPAN_OTLP_STATUS, 6 },
    { NGX_AV_SPAN_SCOPE_ID, 20 },
    { NGX_AV_SPAN_STARTED_NANOS, 6 },
    { NGX_AV_SPAN_ENDED_NANOS, 6 },
    { NGX_AV_SPAN_METADATA, 0 }
};

static const ngx_av_otlp_width_t  ngx_av_otlp_point_widths[] = {
    { NGX_AV_POINT_ACCOUNT, 20 },
    { NGX_AV_POINT_DAY, 8 },
    { NGX_AV_POINT_SERIES_ID, 20 },
    { NGX_AV_POINT_RECORDED_AT, 12 },
    { NGX_AV_POINT_RECORDED_NANOS, 6 },
    { NGX_AV_POINT_STARTED_AT, 12 },
    { NGX_AV_POINT_VALUE, 12 },
    { NGX_AV_POINT_INTEGER_VALUE, 12 },
    { NGX_AV_POINT_BUCKETS, 0 }
};

static const ngx_av_otlp_width_t  ngx_av_otlp_log_widths[] = {
    { NGX_AV_LOG_ACCOUNT, 20 },
    { NGX_AV_LOG_DAY, 8 },
    { NGX_AV_LOG_ID, 20 },
    { NGX_AV_LOG_LOGGED_AT, 12 },
    { NGX_AV_LOG_OBSERVED_AT, 12 },
    { NGX_AV_LOG_SEVERITY, 6 },
    { NGX_AV_LOG_SEVERITY_NUMBER, 6 },
    { NGX_AV_LOG_SEVERITY_TEXT, 9 },
    { NGX_AV_LOG_SERVICE_NAME, 24 },
    { NGX_AV_LOG_BODY, 100 },
    { NGX_AV_LOG_TRACE_ID, 20 },
    { NGX_AV_LOG_SPAN_ID, 20 },
    { NGX_AV_LOG_SCOPE_ID, 20 },
    { NGX_AV_LOG_ATTRIBUTES, 0 }
};


/* by signal: bytes of a body, in protobuf, that make a row */

typedef struct {
    size_t                       row;
    ngx_uint_t                   nwidths;
    const ngx_av_otlp_width_t   *widths;
} ngx_av_otlp_estimate_t;

#define NGX_AV_OTLP_NWIDTHS(a)  (sizeof(a) / sizeof(a[0]))

static const ngx_av_otlp_estimate_t  ngx_av_otlp_estimates[] = {
    { 400, NGX_AV_OTLP_NWIDTHS(ngx_av_otlp_span_widths),
      ngx_av_otlp_span_widths },
    { 60, NGX_AV_OTLP_NWIDTHS(ngx_av_otlp_point_widths),
      ngx_av_otlp_point_widths },
    { 150, NGX_AV_OTLP_NWIDTHS(ngx_av_otlp_log_widths),
      ngx_av_otlp_log_widths }
};


/*
 * A request takes some pieces of memory as large as its body, or several times
 * that, and soon frees them all.  By default glibc gives such memory back to
 * the kernel at once, and clearing the pages that it gets anew for the next
 * request took as long as decoding it.
 */

void
ngx_av_otlp_batch_init_process(void)
{
    ngx_av_semconv_keys_init();

#ifdef M_MMAP_THRESHOLD
    (void) mallopt(M_MMAP_THRESHOLD, NGX_AV_OTLP_PIECE);
    (void) mallopt(M_TRIM_THRESHOLD, NGX_AV_OTLP_KEEP);
#endif
}


ngx_int_t
ngx_av_otlp_batch_decode(ngx_av_batch_t *batch, ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, const u_char *body, size_t len,
    const ngx_av_otlp_options_t *options, ngx_str_t *detail)
{
    ngx_int_t           rc;
    ngx_av_otlp_rows_t  rows;

    if (len > NGX_AV_OTLP_MAX_LEN) {
        return NGX_ABORT;
    }

    ngx_memzero(&rows, sizeof(ngx_av_otlp_rows_t));

    rows.batch = batch;
    rows.options = options;
    rows.len = len;
    rows.any_ids = (options->any_ids && encoding == NGX_AV_OTLP_JSON);

    /* what is needed no longer than the request is being decoded */

    rows.pool = ngx_create_pool(NGX_AV_OTLP_POOL, batch->pool->log);
    if (rows.pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_av_otlp_batch_rows(&rows, signal, encoding, body, detail);

    ngx_destroy_pool(rows.pool);

    return rc;
}


static ngx_int_t
ngx_av_otlp_batch_rows(ngx_av_otlp_rows_t *rows, ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, const u_char *body, ngx_str_t *detail)
{
    ngx_int_t              rc;
    ngx_av_otlp_sink_t     sink;
    ngx_av_otlp_limits_t   limits;
    ngx_av_otlp_result_t   result;

    ngx_memzero(&sink, sizeof(ngx_av_otlp_sink_t));

    sink.data = rows;

    ngx_av_otlp_batch_init(rows);

    if (ngx_av_otlp_kinds[signal]->init(rows, &sink) != NGX_OK
        || ngx_av_otlp_batch_reserve(rows, signal, encoding) != NGX_OK)
    {
        return NGX_ERROR;
    }

    limits.memory = rows->options->limits.memory_limit;
    limits.account = rows->options->limits.account;
    limits.depth = rows->options->limits.depth;

    rc = ngx_av_otlp_decode(signal, encoding, body, rows->len, &limits, &sink,
                            &result);

    if (rc == NGX_DECLINED) {
        return ngx_av_otlp_batch_refuse(rows, detail, "%V", &result.error);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (rows->full) {
        return rows->full;
    }

    if (encoding == NGX_AV_OTLP_JSON && rows->options->require_key
        && !result.present)
    {
        return ngx_av_otlp_batch_refuse(rows, detail, "%s: field required",
                                        ngx_av_otlp_keys[signal]);
    }

    return ngx_av_otlp_kinds[signal]->finish(rows);
}


static void
ngx_av_otlp_batch_init(ngx_av_otlp_rows_t *rows)
{
    ngx_uint_t                    i;
    ngx_av_batch_t               *batch;
    const ngx_av_batch_limits_t  *limits;

    batch = rows->batch;
    limits = &rows->options->limits;

    ngx_av_texts_init(&rows->texts, rows->pool, limits->attribute_limit,
                      limits->span_limit, limits->depth);

    ngx_av_otlp_new_map(rows, &rows->refs);

    /* of size 0: cannot fail */

    (void) ngx_av_buf_init(&rows->resource, rows->pool, 0);
    (void) ngx_av_buf_init(&rows->doc, rows->pool, 0);

    for (i = 0; i < NGX_AV_TRACE_NCOLUMNS; i++) {
        (void) ngx_av_buf_init(&batch->traces[i], batch->pool, 0);
    }

    for (i = 0; i < NGX_AV_SPAN_NCOLUMNS; i++) {
        (void) ngx_av_buf_init(&batch->spans[i], batch->pool, 0);
    }

    for (i = 0; i < (ngx_uint_t) NGX_AV_BATCH_NCOLUMNS; i++) {
        (void) ngx_av_buf_init(&batch->rows[i], batch->pool, 0);
    }
}


/*
 * Room for the columns in one piece.  What is not written to costs nothing,
 * and the allocator, once a piece so large was freed, keeps as much at hand:
 * without that, the pages of each request would come from the kernel anew.
 */

static ngx_int_t
ngx_av_otlp_batch_reserve(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_signal_e signal, ngx_av_otlp_encoding_e encoding)
{
    size_t                         len, size;
    u_char                        *p;
    ngx_uint_t                     i, nrows;
    ngx_av_buf_t                  *b;
    const ngx_av_otlp_estimate_t  *estimate;

    estimate = &ngx_av_otlp_estimates[signal];

    len = rows->len;

    if (encoding == NGX_AV_OTLP_JSON) {
        len /= NGX_AV_OTLP_JSON_RATE;
    }

    nrows = len / estimate->row + 1;
    len += NGX_AV_OTLP_PAGE;
    size = NGX_AV_OTLP_BULK * len;

    for (i = 0; i < estimate->nwidths; i++) {
        size += nrows * estimate->widths[i].width;
    }

    p = ngx_pnalloc(rows->batch->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < estimate->nwidths; i++) {

        size = estimate->widths[i].width ? nrows * estimate->widths[i].width
                                         : NGX_AV_OTLP_BULK * len;

        b = &rows->table.columns[estimate->widths[i].column];

        b->start = p;
        b->last = p;
        b->end = p + size;

        p += size;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_batch_refuse(ngx_av_otlp_rows_t *rows, ngx_str_t *detail,
    const char *fmt, ...)
{
    va_list  args;
    u_char   text[NGX_AV_OTLP_ERROR_LEN + 64];

    va_start(args, fmt);
    detail->len = ngx_vslprintf(text, text + sizeof(text), fmt, args) - text;
    va_end(args);

    detail->data = ngx_pnalloc(rows->batch->pool, detail->len + 1);
    if (detail->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(detail->data, text, detail->len);

    return NGX_DECLINED;
}
