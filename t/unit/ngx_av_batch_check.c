#include "ngx_av_batch_check.h"

#include <yyjson.h>


/* quotes of input and output, braces of metadata */
#define NGX_AV_BATCH_CHECK_SLACK   8

#define NGX_AV_BATCH_CHECK_DETAIL  256
#define NGX_AV_BATCH_CHECK_CELLS   8

#define ngx_av_batch_must(cond)                                               \
    if (!(cond)) {                                                            \
        return #cond;                                                         \
    }


typedef struct {
    const u_char  *p;
    size_t         len;
    ngx_uint_t     null;
} ngx_av_batch_cell_t;


static const uint32_t  ngx_av_batch_trace_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_TRACE_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const uint32_t  ngx_av_batch_span_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_SPAN_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const uint32_t  ngx_av_batch_log_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_LOG_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const uint32_t  ngx_av_batch_point_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_POINT_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

const char *const  ngx_av_batch_trace_names[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  #column,
    NGX_AV_TRACE_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

const char *const  ngx_av_batch_span_names[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  #column,
    NGX_AV_SPAN_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};


/* columns that are never null */

static const ngx_uint_t  ngx_av_batch_trace_required[] = {
    NGX_AV_TRACE_ACCOUNT, NGX_AV_TRACE_ID, NGX_AV_TRACE_HOME_DAY,
    NGX_AV_TRACE_AGENT_ID, NGX_AV_TRACE_STATUS, NGX_AV_TRACE_STARTED_AT,
    NGX_AV_TRACE_HEADER, NGX_AV_TRACE_SPAN_COUNT, NGX_AV_TRACE_NCOLUMNS
};

static const ngx_uint_t  ngx_av_batch_span_required[] = {
    NGX_AV_SPAN_ACCOUNT, NGX_AV_SPAN_HOME_DAY, NGX_AV_SPAN_TRACE_ID,
    NGX_AV_SPAN_ID, NGX_AV_SPAN_ORDINAL, NGX_AV_SPAN_TYPE, NGX_AV_SPAN_STATUS,
    NGX_AV_SPAN_NAME, NGX_AV_SPAN_STARTED_AT, NGX_AV_SPAN_NCOLUMNS
};

static const ngx_uint_t  ngx_av_batch_log_required[] = {
    NGX_AV_LOG_ACCOUNT, NGX_AV_LOG_DAY, NGX_AV_LOG_ID, NGX_AV_LOG_LOGGED_AT,
    NGX_AV_LOG_SEVERITY, NGX_AV_LOG_SERVICE_NAME, NGX_AV_LOG_SCOPE_ID,
    NGX_AV_LOG_NCOLUMNS
};

static const ngx_uint_t  ngx_av_batch_point_required[] = {
    NGX_AV_POINT_ACCOUNT, NGX_AV_POINT_DAY, NGX_AV_POINT_SERIES_ID,
    NGX_AV_POINT_RECORDED_AT, NGX_AV_POINT_RECORDED_NANOS, NGX_AV_POINT_VALUE,
    NGX_AV_POINT_NCOLUMNS
};


static const char *ngx_av_batch_check_one(const ngx_av_batch_t *batch,
    ngx_uint_t ncolumns, const uint32_t *types, const ngx_uint_t *required);


/* The next element; its value, or NULL if it reaches beyond the end. */

static const u_char *
ngx_av_batch_check_next(const u_char *p, const u_char *end,
    ngx_av_batch_cell_t *cell)
{
    if (end - p < 4) {
        return NULL;
    }

    cell->len = ngx_av_db_get32(p);
    cell->null = (cell->len == 0xffffffff);
    cell->p = p + 4;

    if (cell->null) {
        cell->len = 0;
    }

    if ((size_t) (end - cell->p) < cell->len) {
        return NULL;
    }

    return cell->p + cell->len;
}


static ngx_av_batch_cell_t
ngx_av_batch_check_get(const ngx_av_buf_t *b, ngx_uint_t row)
{
    const u_char         *p;
    ngx_av_batch_cell_t   cell;

    /* a column without a byte is null in all rows */

    if (ngx_av_buf_len(b) == 0) {
        ngx_memzero(&cell, sizeof(ngx_av_batch_cell_t));
        cell.null = 1;
        return cell;
    }

    p = b->start;

    /* a column without a byte is null in all rows */

    if (p == b->last) {
        ngx_memzero(&cell, sizeof(ngx_av_batch_cell_t));
        cell.null = 1;

        return cell;
    }

    do {
        p = ngx_av_batch_check_next(p, b->last, &cell);
        if (p == NULL) {
            abort();
        }
    } while (row--);

    return cell;
}


/* UTF-8 as Postgres has it: RFC 3629, and no NUL. */

static ngx_uint_t
ngx_av_batch_check_utf8(const u_char *p, size_t len)
{
    size_t    i, n;
    uint32_t  c;

    while (len) {

        if (*p == 0 || (*p >= 0x80 && *p < 0xc0) || *p > 0xf7) {
            return 0;
        }

        n = (*p < 0x80) ? 1 : (*p < 0xe0) ? 2 : (*p < 0xf0) ? 3 : 4;

        if (n > len) {
            return 0;
        }

        c = (n == 1) ? *p : *p & (0x7f >> n);

        for (i = 1; i < n; i++) {
            if ((p[i] & 0xc0) != 0x80) {
                return 0;
            }

            c = c << 6 | (p[i] & 0x3f);
        }

        if ((n == 2 && c < 0x80) || (n == 3 && c < 0x800)
            || (n == 4 && c < 0x10000) || c > 0x10ffff
            || (c >= 0xd800 && c <= 0xdfff))
        {
            return 0;
        }

        p += n;
        len -= n;
    }

    return 1;
}


/*
 * A string that holds a NUL, or a number that numeric has trouble with, makes
 * a document unacceptable.
 */

static ngx_uint_t
ngx_av_batch_check_json(const u_char *p, size_t len, ngx_uint_t object)
{
    yyjson_doc  *doc;
    yyjson_val  *val, *end;
    ngx_uint_t   good;

    if (!ngx_av_batch_check_utf8(p, len)) {
        return 0;
    }

    doc = yyjson_read((const char *) p, len, YYJSON_READ_NUMBER_AS_RAW);
    if (doc == NULL) {
        return 0;
    }

    val = yyjson_doc_get_root(doc);
    good = !object || yyjson_is_obj(val);

    for (end = unsafe_yyjson_get_next(val); val < end; val++) {

        if (yyjson_is_str(val)
            && memchr(yyjson_get_str(val), 0, yyjson_get_len(val)))
        {
            good = 0;
        }

        if (yyjson_is_raw(val) && yyjson_get_len(val) > 400) {
            good = 0;
        }
    }

    yyjson_doc_free(doc);

    return good;
}


/* numeric_recv() */

static ngx_uint_t
ngx_av_batch_check_numeric(const u_char *p, size_t len)
{
    ngx_uint_t  i, n;

    if (len < 8) {
        return 0;
    }

    n = p[0] << 8 | p[1];

    if (len != 8 + 2 * n
        || (p[4] << 8 | p[5]) != 0          /* all are positive */
        || (p[6] << 8 | p[7]) > 18)
    {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if ((p[8 + 2 * i] << 8 | p[9 + 2 * i]) > 9999) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_av_batch_check_value(uint32_t type, const u_char *p, size_t len)
{
    switch (type) {

    case NGX_AV_DB_BOOL:
        return len == 1 && *p <= 1;

    case NGX_AV_DB_INT2:
        return len == 2;

    case NGX_AV_DB_INT4:
    case NGX_AV_DB_DATE:
        return len == 4;

    case NGX_AV_DB_INT8:
    case NGX_AV_DB_FLOAT8:
    case NGX_AV_DB_TIMESTAMPTZ:
        return len == 8;

    case NGX_AV_DB_UUID:
        return len == 16;

    case NGX_AV_DB_NUMERIC:
        return ngx_av_batch_check_numeric(p, len);

    case NGX_AV_DB_TEXT:
        return ngx_av_batch_check_utf8(p, len);

    case NGX_AV_DB_JSON:
        return ngx_av_batch_check_json(p, len, 0);

    case NGX_AV_DB_JSONB:
        return len > 1 && *p == 1
               && ngx_av_batch_check_json(p + 1, len - 1, 1);

    default:
        return 0;
    }
}


static const char *
ngx_av_batch_check_columns(const ngx_av_buf_t *columns, ngx_uint_t ncolumns,
    const uint32_t *types, const ngx_uint_t *required, ngx_uint_t nrows)
{
    ngx_uint_t            i, n;
    const u_char         *p;
    ngx_av_batch_cell_t   cell;

    for (i = 0; i < ncolumns; i++) {

        if (ngx_av_buf_len(&columns[i]) == 0 && i != *required) {
            continue;
        }

        p = columns[i].start;

        for (n = 0; p < columns[i].last; n++) {
            p = ngx_av_batch_check_next(p, columns[i].last, &cell);

            ngx_av_batch_must(p != NULL);
            ngx_av_batch_must(!cell.null || i != *required);

            ngx_av_batch_must(cell.null
                              || ngx_av_batch_check_value(types[i], cell.p,
                                                          cell.len));
        }

        /* without a byte it is null in all rows */

        ngx_av_batch_must(n == nrows || (n == 0 && i != *required));

        required += (i == *required);
    }

    return NULL;
}


static const char *
ngx_av_batch_check_starts(const ngx_av_buf_t *columns, ngx_uint_t ncolumns,
    const uint32_t *start, const uint32_t *next, ngx_uint_t n)
{
    size_t      len;
    ngx_uint_t  i;

    for (i = 0; i < ncolumns; i++) {
        if (ngx_av_buf_len(&columns[i]) == 0) {
            continue;
        }

        len = next ? next[i] : ngx_av_buf_len(&columns[i]);

        if (ngx_av_buf_len(&columns[i]) == 0) {
            ngx_av_batch_must(start[i] == 0 && len == 0);
            continue;
        }

        ngx_av_batch_must(start[i] <= len);
        ngx_av_batch_must(
            ngx_av_db_array_skip(columns[i].start + start[i], n)
            == columns[i].start + len);
    }

    return NULL;
}


static const char *
ngx_av_batch_check_ids(const ngx_av_batch_t *batch, ngx_uint_t row,
    const ngx_av_batch_part_t *part)
{
    ngx_uint_t     i, j;
    const u_char  *p;

    /* 4 + 16 bytes each, as was checked */

    p = batch->spans[NGX_AV_SPAN_ID].start + 20 * row + 4;

    for (i = 0; i < part->nrows; i++) {
        for (j = 0; j < i; j++) {
            ngx_av_batch_must(ngx_memcmp(p + 20 * i, p + 20 * j, 16));
        }
    }

    p = batch->spans[NGX_AV_SPAN_TRACE_ID].start + 20 * row + 4;

    for (i = 0; i < part->nrows; i++) {
        ngx_av_batch_must(ngx_memcmp(p + 20 * i, &part->trace, 16) == 0);
    }

    return NULL;
}


static const char *
ngx_av_batch_check_shares(const ngx_av_batch_t *batch)
{
    ngx_uint_t                  i, row;
    const char                 *error;
    const u_char               *id;
    const ngx_av_batch_part_t  *part, *next;

    part = batch->parts.elts;
    row = 0;

    for (i = 0; i < batch->parts.nelts; i++, part++) {

        next = (i + 1 < batch->parts.nelts) ? part + 1 : NULL;

        ngx_av_batch_must(part->element < batch->ntraces);
        ngx_av_batch_must(i == 0 || part->element >= part[-1].element);
        ngx_av_batch_must(part->settled == 0);

        error = ngx_av_batch_check_starts(batch->traces, NGX_AV_TRACE_NCOLUMNS,
                                          part->trace_start,
                                          next ? next->trace_start : NULL, 1);
        if (error) {
            return error;
        }

        error = ngx_av_batch_check_starts(batch->spans, NGX_AV_SPAN_NCOLUMNS,
                                          part->span_start,
                                          next ? next->span_start : NULL,
                                          part->nrows);
        if (error) {
            return error;
        }

        id = batch->traces[NGX_AV_TRACE_ID].start + 20 * i + 4;
        ngx_av_batch_must(ngx_memcmp(id, &part->trace, 16) == 0);

        error = ngx_av_batch_check_ids(batch, row, part);
        if (error) {
            return error;
        }

        row += part->nrows;
    }

    ngx_av_batch_must(row == batch->nrows);

    return NULL;
}


static const char *
ngx_av_batch_check_parts(const ngx_av_batch_t *batch)
{
    ngx_uint_t                  i, elements;
    const char                 *error;
    const ngx_av_batch_part_t  *part;

    error = ngx_av_batch_check_shares(batch);
    if (error) {
        return error;
    }

    part = batch->parts.elts;
    elements = 0;

    for (i = 0; i < batch->parts.nelts; i++, part++) {
        elements += (i == 0 || part->element != part[-1].element);
    }

    ngx_av_batch_must(elements + batch->errors.nelts == batch->ntraces);
    ngx_av_batch_must(batch->nrows + batch->nrejected
                      <= NGX_AV_BATCH_MAX_SPANS);

    return NULL;
}


static const char *
ngx_av_batch_check_errors(const ngx_av_batch_t *batch)
{
    ngx_uint_t                   i;
    const ngx_av_batch_error_t  *error;

    error = batch->errors.elts;

    for (i = 0; i < batch->errors.nelts; i++, error++) {

        ngx_av_batch_must(error->element < batch->ntraces);
        ngx_av_batch_must(i == 0 || error->element > error[-1].element);

        ngx_av_batch_must(error->trace_id.len <= 6 * 64 + 2);
        ngx_av_batch_must(
            ngx_av_batch_check_json(error->trace_id.data, error->trace_id.len,
                                    0));

        ngx_av_batch_must(error->detail.len > 0);
        ngx_av_batch_must(error->detail.len < NGX_AV_BATCH_CHECK_DETAIL);
        ngx_av_batch_must(
            ngx_av_batch_check_utf8(error->detail.data, error->detail.len));
    }

    return NULL;
}


static const char *
ngx_av_batch_check_agents(const ngx_av_batch_t *batch)
{
    ngx_uint_t                   i, j, n;
    const u_char                *id;
    const ngx_av_batch_ref_t  *agent;

    agent = batch->refs[NGX_AV_REF_AGENT].elts;
    id = batch->traces[NGX_AV_TRACE_AGENT_ID].start + 4;

    for (i = 0; i < batch->refs[NGX_AV_REF_AGENT].nelts; i++) {

        ngx_av_batch_must(agent[i].doc.len > 0);
        ngx_av_batch_must(
            ngx_av_batch_check_utf8(agent[i].doc.data, agent[i].doc.len));

        for (j = 0; j < i; j++) {
            ngx_av_batch_must(ngx_memcmp(&agent[i].id, &agent[j].id, 16));
        }

        n = 0;

        for (j = 0; j < batch->parts.nelts; j++) {
            n += (ngx_memcmp(id + 20 * j, &agent[i].id, 16) == 0);
        }

        ngx_av_batch_must(n > 0);
    }

    for (j = 0; j < batch->parts.nelts; j++) {
        n = 0;

        for (i = 0; i < batch->refs[NGX_AV_REF_AGENT].nelts; i++) {
            n += (ngx_memcmp(id + 20 * j, &agent[i].id, 16) == 0);
        }

        ngx_av_batch_must(n == 1);
    }

    return NULL;
}


static const char *
ngx_av_batch_check_texts(const ngx_av_buf_t *columns,
    const ngx_uint_t *texts, ngx_uint_t nrows,
    const ngx_av_batch_limits_t *limits, const uint32_t *types)
{
    size_t                size;
    ngx_uint_t            i, row;
    const u_char         *p[NGX_AV_SPAN_NCOLUMNS];
    ngx_av_batch_cell_t   cell;

    for (i = 0; texts[i]; i++) {
        p[i] = columns[texts[i]].start;
    }

    for (row = 0; row < nrows; row++) {
        size = 0;

        for (i = 0; texts[i]; i++) {
            p[i] = ngx_av_batch_check_next(p[i], columns[texts[i]].last,
                                           &cell);

            ngx_av_batch_must(p[i] != NULL);
            ngx_av_batch_must(types[texts[i]] != NGX_AV_DB_TEXT
                              || cell.len <= limits->attribute_limit);

            size += cell.len;
        }

        ngx_av_batch_must(size <= limits->span_limit
                                  + NGX_AV_BATCH_CHECK_SLACK);
    }

    return NULL;
}


const char *
ngx_av_batch_check(const ngx_av_batch_t *batch,
    const ngx_av_batch_limits_t *limits)
{
    const char               *error;
    static const ngx_uint_t   trace_texts[] = {
        NGX_AV_TRACE_OUTCOME, NGX_AV_TRACE_ERROR_MESSAGE,
        NGX_AV_TRACE_METADATA, 0
    };
    static const ngx_uint_t   span_texts[] = {
        NGX_AV_SPAN_NAME, NGX_AV_SPAN_MODEL, NGX_AV_SPAN_ERROR_MESSAGE,
        NGX_AV_SPAN_INPUT, NGX_AV_SPAN_OUTPUT, NGX_AV_SPAN_METADATA, 0
    };

    error = ngx_av_batch_check_columns(batch->traces, NGX_AV_TRACE_NCOLUMNS,
                                       ngx_av_batch_trace_types,
                                       ngx_av_batch_trace_required,
                                       batch->parts.nelts);
    if (error) {
        return error;
    }

    error = ngx_av_batch_check_columns(batch->spans, NGX_AV_SPAN_NCOLUMNS,
                                       ngx_av_batch_span_types,
                                       ngx_av_batch_span_required,
                                       batch->nrows);
    if (error) {
        return error;
    }

    error = ngx_av_batch_check_parts(batch);
    if (error) {
        return error;
    }

    error = ngx_av_batch_check_errors(batch);
    if (error) {
        return error;
    }

    error = ngx_av_batch_check_agents(batch);
    if (error) {
        return error;
    }

    error = ngx_av_batch_check_texts(batch->traces, trace_texts,
                                     batch->parts.nelts, limits,
                                     ngx_av_batch_trace_types);
    if (error) {
        return error;
    }

    return ngx_av_batch_check_texts(batch->spans, span_texts, batch->nrows,
                                    limits, ngx_av_batch_span_types);
}


const char *
ngx_av_batch_check_otlp(const ngx_av_batch_t *batch)
{
    const char  *error;

    switch (batch->kind) {

    case NGX_AV_BATCH_LOGS:
        return ngx_av_batch_check_one(batch, NGX_AV_LOG_NCOLUMNS,
                                      ngx_av_batch_log_types,
                                      ngx_av_batch_log_required);

    case NGX_AV_BATCH_POINTS:
        return ngx_av_batch_check_one(batch, NGX_AV_POINT_NCOLUMNS,
                                      ngx_av_batch_point_types,
                                      ngx_av_batch_point_required);
    }

    error = ngx_av_batch_check_columns(batch->traces, NGX_AV_TRACE_NCOLUMNS,
                                       ngx_av_batch_trace_types,
                                       ngx_av_batch_trace_required,
                                       batch->parts.nelts);
    if (error) {
        return error;
    }

    error = ngx_av_batch_check_columns(batch->spans, NGX_AV_SPAN_NCOLUMNS,
                                       ngx_av_batch_span_types,
                                       ngx_av_batch_span_required,
                                       batch->nrows);
    if (error) {
        return error;
    }

    error = ngx_av_batch_check_shares(batch);

    return error ? error : ngx_av_batch_check_agents(batch);
}


/* Logs and points: all rows in one part. */

static const char *
ngx_av_batch_check_one(const ngx_av_batch_t *batch, ngx_uint_t ncolumns,
    const uint32_t *types, const ngx_uint_t *required)
{
    ngx_av_batch_part_t  *part;

    part = batch->parts.elts;

    ngx_av_batch_must(batch->parts.nelts == (batch->nrows != 0));
    ngx_av_batch_must(batch->nrows == 0 || part->nrows == batch->nrows);

    if (batch->nrows == 0) {
        return NULL;
    }

    return ngx_av_batch_check_columns(batch->rows, ncolumns, types, required,
                                      batch->nrows);
}


static void
ngx_av_batch_print_numeric(char *text, const u_char *p)
{
    int   i, n, weight, scale, digit;
    char  four[12];

    n = p[0] << 8 | p[1];
    weight = (int16_t) (p[2] << 8 | p[3]);
    scale = p[6] << 8 | p[7];

    text += sprintf(text, "%d", (weight >= 0 && n > 0) ? p[8] << 8 | p[9] : 0);

    for (i = 1; i <= weight; i++) {
        digit = (i < n) ? p[8 + 2 * i] << 8 | p[9 + 2 * i] : 0;
        text += sprintf(text, "%04d", digit);
    }

    if (scale == 0) {
        return;
    }

    *text++ = '.';

    for (i = weight + 1; scale > 0; i++) {
        digit = (i >= 0 && i < n) ? p[8 + 2 * i] << 8 | p[9 + 2 * i] : 0;

        sprintf(four, "%04d", digit);
        text += sprintf(text, "%.*s", scale < 4 ? scale : 4, four);
        scale -= 4;
    }
}


static const char *
ngx_av_batch_print(uint32_t type, ngx_av_batch_cell_t cell, size_t *len)
{
    char               *text;
    double              number;
    size_t              size;
    uint64_t            bits;
    ngx_av_time_t       t;
    ngx_av_uuid_t       uuid;
    static char        *texts[NGX_AV_BATCH_CHECK_CELLS];
    static ngx_uint_t   next;

    next = (next + 1) % NGX_AV_BATCH_CHECK_CELLS;

    text = realloc(texts[next], cell.len + 128);
    if (text == NULL) {
        abort();
    }

    texts[next] = text;

    if (cell.null) {
        strcpy(text, "NULL");

    } else switch (type) {

    case NGX_AV_DB_BOOL:
        strcpy(text, *cell.p ? "t" : "f");
        break;

    case NGX_AV_DB_INT2:
        sprintf(text, "%d", (int16_t) (cell.p[0] << 8 | cell.p[1]));
        break;

    case NGX_AV_DB_INT4:
    case NGX_AV_DB_DATE:
        sprintf(text, "%d", (int32_t) ngx_av_db_get32(cell.p));
        break;

    case NGX_AV_DB_INT8:
        sprintf(text, "%lld", (long long) ngx_av_db_get64(cell.p));
        break;

    case NGX_AV_DB_FLOAT8:
        bits = ngx_av_db_get64(cell.p);
        ngx_memcpy(&number, &bits, sizeof(double));
        sprintf(text, "%.17g", number);
        break;

    case NGX_AV_DB_TIMESTAMPTZ:
        t = (int64_t) ngx_av_db_get64(cell.p) * 1000
            + NGX_AV_TIME_PG_EPOCH_DAYS * NGX_AV_TIME_DAY;
        *ngx_av_time_format((u_char *) text, t) = '\0';
        break;

    case NGX_AV_DB_UUID:
        ngx_memcpy(&uuid, cell.p, 16);
        *ngx_av_uuid_format((u_char *) text, &uuid) = '\0';
        break;

    case NGX_AV_DB_NUMERIC:
        ngx_av_batch_print_numeric(text, cell.p);
        break;

    default:
        size = (type == NGX_AV_DB_JSONB);
        ngx_memcpy(text, cell.p + size, cell.len - size);
        text[cell.len - size] = '\0';

        if (len) {
            *len = cell.len - size;
        }

        return text;
    }

    if (len) {
        *len = strlen(text);
    }

    return text;
}


const char *
ngx_av_batch_trace_cell(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_av_trace_column_e column, size_t *len)
{
    return ngx_av_batch_print(ngx_av_batch_trace_types[column],
                              ngx_av_batch_check_get(&batch->traces[column],
                                                     row),
                              len);
}


const char *
ngx_av_batch_span_cell(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_av_span_column_e column, size_t *len)
{
    return ngx_av_batch_print(ngx_av_batch_span_types[column],
                              ngx_av_batch_check_get(&batch->spans[column],
                                                     row),
                              len);
}


const char *
ngx_av_batch_log_cell(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_av_log_column_e column, size_t *len)
{
    return ngx_av_batch_print(ngx_av_batch_log_types[column],
                              ngx_av_batch_check_get(&batch->rows[column],
                                                     row),
                              len);
}


const char *
ngx_av_batch_point_cell(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_av_point_column_e column, size_t *len)
{
    return ngx_av_batch_print(ngx_av_batch_point_types[column],
                              ngx_av_batch_check_get(&batch->rows[column],
                                                     row),
                              len);
}
