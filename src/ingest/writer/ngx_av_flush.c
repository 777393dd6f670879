#include "ngx_av_flush_plan.h"


static const uint32_t  ngx_av_flush_trace_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_TRACE_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const uint32_t  ngx_av_flush_counted_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_COUNTED_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const ngx_av_trace_column_e  ngx_av_flush_counted[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  NGX_AV_TRACE_##name,
    NGX_AV_COUNTED_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const uint32_t  ngx_av_flush_span_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_SPAN_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const uint32_t  ngx_av_flush_log_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_LOG_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const uint32_t  ngx_av_flush_point_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_POINT_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};


/* by ngx_av_flush_table_e */
static const struct {
    ngx_uint_t       ncolumns;
    const uint32_t  *types;
} ngx_av_flush_tables[] = {
    { NGX_AV_TRACE_NCOLUMNS, ngx_av_flush_trace_types },
    { NGX_AV_COUNTED_NCOLUMNS, ngx_av_flush_counted_types },
    { NGX_AV_SPAN_NCOLUMNS, ngx_av_flush_span_types },
    { NGX_AV_LOG_NCOLUMNS, ngx_av_flush_log_types },
    { NGX_AV_POINT_NCOLUMNS, ngx_av_flush_point_types }
};


static ngx_int_t ngx_av_flush_init(ngx_av_flush_plan_t *plan, ngx_log_t *log);
static ngx_int_t ngx_av_flush_parts(ngx_av_flush_plan_t *plan,
    ngx_av_flush_item_t *items, ngx_uint_t nitems);
static ngx_uint_t ngx_av_flush_rounds(ngx_av_flush_plan_t *plan);
static int ngx_av_flush_compare(const void *one, const void *two);
static ngx_int_t ngx_av_flush_logs(ngx_av_flush_plan_t *plan,
    ngx_uint_t merge);
static ngx_int_t ngx_av_flush_points(ngx_av_flush_plan_t *plan,
    ngx_uint_t merge);
static ngx_uint_t ngx_av_flush_is_null(u_char *p, u_char *last, ngx_uint_t n);


ngx_int_t
ngx_av_flush_plan(ngx_av_flush_plan_t *plan, const ngx_av_db_statement_t *sql,
    ngx_av_flush_item_t *items, ngx_uint_t nitems, ngx_uint_t slot,
    ngx_uint_t *merge, ngx_log_t *log)
{
    ngx_memzero(plan, sizeof(ngx_av_flush_plan_t));

    plan->sql = sql;
    plan->slot = slot;

    if (ngx_av_flush_init(plan, log) != NGX_OK
        || ngx_av_flush_parts(plan, items, nitems) != NGX_OK
        || ngx_av_flush_refs(plan) != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (items->write->batch->kind) {

    case NGX_AV_BATCH_TRACES:
        *merge |= ngx_av_flush_rounds(plan);

        return *merge ? ngx_av_flush_merge_traces(plan)
                      : ngx_av_flush_new_traces(plan);

    case NGX_AV_BATCH_LOGS:
        return ngx_av_flush_logs(plan, *merge);

    default: /* NGX_AV_BATCH_POINTS */
        return ngx_av_flush_points(plan, *merge);
    }
}


static ngx_int_t
ngx_av_flush_init(ngx_av_flush_plan_t *plan, ngx_log_t *log)
{
    plan->pool = ngx_create_pool(16384, log);
    if (plan->pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&plan->calls, plan->pool, 4, sizeof(ngx_av_db_call_t))
        != NGX_OK
        || ngx_array_init(&plan->slices, plan->pool, 4,
                          sizeof(ngx_av_flush_slice_t))
        != NGX_OK
        || ngx_array_init(&plan->created, plan->pool, 4,
                          sizeof(ngx_av_uuid_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * All transactions take their locks in one order: refs, traces, spans, usage,
 * each by its key.  Hence no two of them wait for each other.
 */

static ngx_int_t
ngx_av_flush_parts(ngx_av_flush_plan_t *plan, ngx_av_flush_item_t *items,
    ngx_uint_t nitems)
{
    ngx_uint_t            i, j, n;
    ngx_av_flush_part_t  *part;

    n = 0;

    for (i = 0; i < nitems; i++) {
        n += items[i].nparts;
    }

    plan->parts = ngx_pcalloc(plan->pool, n * sizeof(ngx_av_flush_part_t));
    if (plan->parts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < nitems; i++) {
        for (j = 0; j < items[i].nparts; j++) {
            part = &plan->parts[plan->nparts];
            part->write = items[i].write;
            part->part = &items[i].parts[j];
            part->order = plan->nparts++;
            part->stored = part->part->nrows;
            plan->nrows += part->part->nrows;
        }
    }

    ngx_qsort(plan->parts, n, sizeof(ngx_av_flush_part_t),
              ngx_av_flush_compare);

    return NGX_OK;
}


/* Parts of one trace are told apart by rounds; whether there are any such. */

static ngx_uint_t
ngx_av_flush_rounds(ngx_av_flush_plan_t *plan)
{
    ngx_uint_t            i, more;
    ngx_av_flush_part_t  *part, *prev;

    more = 0;

    for (i = 1; i < plan->nparts; i++) {
        part = &plan->parts[i];
        prev = part - 1;

        if (ngx_av_flush_compare_keys(&part->write->batch->account,
                                      &part->part->trace,
                                      &prev->write->batch->account,
                                      &prev->part->trace)
            == 0)
        {
            part->round = prev->round + 1;
            more = 1;
        }
    }

    if (more) {
        ngx_qsort(plan->parts, plan->nparts, sizeof(ngx_av_flush_part_t),
                  ngx_av_flush_compare);
    }

    return more;
}


ngx_int_t
ngx_av_flush_compare_keys(const ngx_av_uuid_t *account1,
    const ngx_av_uuid_t *id1, const ngx_av_uuid_t *account2,
    const ngx_av_uuid_t *id2)
{
    ngx_int_t  rc;

    rc = ngx_memcmp(account1, account2, sizeof(ngx_av_uuid_t));

    return rc ? rc : ngx_memcmp(id1, id2, sizeof(ngx_av_uuid_t));
}


static int
ngx_av_flush_compare(const void *one, const void *two)
{
    ngx_int_t                   rc;
    const ngx_av_flush_part_t  *a, *b;

    a = one;
    b = two;

    if (a->round != b->round) {
        return a->round < b->round ? -1 : 1;
    }

    rc = ngx_av_flush_compare_keys(&a->write->batch->account, &a->part->trace,
                                   &b->write->batch->account, &b->part->trace);
    if (rc) {
        return rc < 0 ? -1 : 1;
    }

    return a->order < b->order ? -1 : 1;
}


static ngx_int_t
ngx_av_flush_logs(ngx_av_flush_plan_t *plan, ngx_uint_t merge)
{
    int         *lengths;
    const char **values;

    if (ngx_av_flush_columns(plan, merge ? NGX_AV_WRITER_MERGE_LOGS
                                         : NGX_AV_WRITER_LOGS,
                             NGX_AV_FLUSH_LOGS, plan->parts, plan->nparts,
                             &values, &lengths)
        == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Points are also counted: those of a merge by what was new. */

static ngx_int_t
ngx_av_flush_points(ngx_av_flush_plan_t *plan, ngx_uint_t merge)
{
    int         *lengths, *counted;
    u_char      *slot;
    const char **values, **ids;

    slot = ngx_pnalloc(plan->pool, 2);

    if (slot == NULL
        || ngx_av_flush_columns(plan, merge ? NGX_AV_WRITER_MERGE_POINTS
                                            : NGX_AV_WRITER_POINTS,
                                NGX_AV_FLUSH_POINTS, plan->parts,
                                plan->nparts, &values, &lengths)
           == NULL)
    {
        return NGX_ERROR;
    }

    (void) ngx_av_db_put16(slot, (uint16_t) plan->slot);

    if (merge) {
        values[NGX_AV_POINT_NCOLUMNS] = (char *) slot;
        lengths[NGX_AV_POINT_NCOLUMNS] = 2;

        return NGX_OK;
    }

    if (ngx_av_flush_call(plan, NGX_AV_WRITER_COUNT_POINTS, &ids, &counted)
        == NULL)
    {
        return NGX_ERROR;
    }

    ids[0] = values[NGX_AV_POINT_ACCOUNT];
    counted[0] = lengths[NGX_AV_POINT_ACCOUNT];
    ids[1] = values[NGX_AV_POINT_SERIES_ID];
    counted[1] = lengths[NGX_AV_POINT_SERIES_ID];
    ids[2] = (char *) slot;
    counted[2] = 2;

    return NGX_OK;
}


ngx_av_flush_slice_t *
ngx_av_flush_call(ngx_av_flush_plan_t *plan,
    ngx_av_writer_statement_e statement, const char ***values, int **lengths)
{
    ngx_av_db_call_t             *call;
    ngx_av_flush_slice_t         *slice;
    const ngx_av_db_statement_t  *sql;

    sql = &plan->sql[statement];

    call = ngx_array_push(&plan->calls);
    slice = ngx_array_push(&plan->slices);
    *values = ngx_palloc(plan->pool, sql->nparams * sizeof(char *));
    *lengths = ngx_palloc(plan->pool, sql->nparams * sizeof(int));

    if (call == NULL || slice == NULL || *values == NULL || *lengths == NULL) {
        return NULL;
    }

    ngx_memzero(slice, sizeof(ngx_av_flush_slice_t));

    call->statement = sql;
    call->values = *values;
    call->lengths = *lengths;

    return slice;
}


/* The elements of a column that belong to a part; none: all are null. */

static ngx_inline size_t
ngx_av_flush_elements(ngx_av_flush_part_t *row, ngx_av_flush_table_e table,
    ngx_uint_t c, u_char **p)
{
    uint32_t              start, end;
    ngx_av_buf_t         *b;
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part, *last;

    batch = row->write->batch;
    part = row->part;
    last = (ngx_av_batch_part_t *) batch->parts.elts + batch->parts.nelts - 1;

    switch (table) {

    case NGX_AV_FLUSH_COUNTED:
        c = ngx_av_flush_counted[c];
        /* fall through */

    case NGX_AV_FLUSH_TRACES:
        b = &batch->traces[c];
        start = part->trace_start[c];
        end = (part == last) ? ngx_av_buf_len(b) : part[1].trace_start[c];
        break;

    case NGX_AV_FLUSH_SPANS:
        b = &batch->spans[c];
        start = part->span_start[c];
        end = (part == last) ? ngx_av_buf_len(b) : part[1].span_start[c];
        break;

    default:
        b = &batch->rows[c];
        start = 0;
        end = ngx_av_buf_len(b);
    }

    *p = b->start + start;

    return end - start;
}


static ngx_inline ngx_uint_t
ngx_av_flush_nrows(ngx_av_flush_part_t *part, ngx_av_flush_table_e table)
{
    return (table == NGX_AV_FLUSH_TRACES || table == NGX_AV_FLUSH_COUNTED)
           ? 1 : part->part->nrows;
}


ngx_av_flush_slice_t *
ngx_av_flush_columns(ngx_av_flush_plan_t *plan,
    ngx_av_writer_statement_e statement, ngx_av_flush_table_e table,
    ngx_av_flush_part_t *parts, ngx_uint_t nparts, const char ***values,
    int **lengths)
{
    u_char                *p, *column, *elts;
    size_t                 size, len;
    ngx_uint_t             c, i, n, nrows, ncolumns;
    ngx_av_flush_slice_t  *slice;

    slice = ngx_av_flush_call(plan, statement, values, lengths);
    if (slice == NULL) {
        return NULL;
    }

    slice->parts = parts;
    slice->nparts = nparts;

    ncolumns = ngx_av_flush_tables[table].ncolumns;
    size = 0;
    n = 0;

    for (i = 0; i < nparts; i++) {
        n += ngx_av_flush_nrows(&parts[i], table);
    }

    for (c = 0; c < ncolumns; c++) {
        size += NGX_AV_DB_ARRAY_HEADER + 4 * n;

        for (i = 0; i < nparts; i++) {
            size += ngx_av_flush_elements(&parts[i], table, c, &elts);
        }
    }

    p = ngx_pnalloc(plan->pool, size);
    if (p == NULL) {
        return NULL;
    }

    for (c = 0; c < ncolumns; c++) {
        column = p;
        p = ngx_av_db_array_header(p, ngx_av_flush_tables[table].types[c], n);

        for (i = 0; i < nparts; i++) {
            len = ngx_av_flush_elements(&parts[i], table, c, &elts);

            if (len > 0) {
                p = ngx_cpymem(p, elts, len);
                continue;
            }

            nrows = ngx_av_flush_nrows(&parts[i], table);
            ngx_memset(p, 0xff, 4 * nrows);
            p += 4 * nrows;
        }

        (*values)[c] = (char *) column;
        (*lengths)[c] = p - column;

        if (ngx_av_flush_is_null(column + NGX_AV_DB_ARRAY_HEADER, p, n)) {

            /* unnest(null) has no rows: it is filled up with nulls, for less */

            (*values)[c] = NULL;
            (*lengths)[c] = 0;
            p = column;
        }
    }

    return slice;
}


/* All n elements are null: the length -1, and nothing else. */

static ngx_uint_t
ngx_av_flush_is_null(u_char *p, u_char *last, ngx_uint_t n)
{
    if ((size_t) (last - p) != 4 * n) {
        return 0;
    }

    while (p < last && *p == 0xff) {
        p++;
    }

    return p == last;
}


void
ngx_av_flush_result(ngx_av_flush_plan_t *plan, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_int_t              rc;
    ngx_str_t              account, trace;
    ngx_uint_t             i, lo, hi, mid;
    ngx_av_flush_part_t   *part;
    ngx_av_flush_slice_t  *slice;

    slice = (ngx_av_flush_slice_t *) plan->slices.elts + call;

    if (!slice->counts) {
        return;
    }

    /* those that are not in the answer had nothing new */

    for (i = 0; i < slice->nparts; i++) {
        slice->parts[i].stored = 0;
    }

    for (i = 0; i < ngx_av_db_nrows(res); i++) {
        account = ngx_av_db_value(res, i, 0);
        trace = ngx_av_db_value(res, i, 1);

        lo = 0;
        hi = slice->nparts;

        while (lo < hi) {
            mid = (lo + hi) / 2;
            part = &slice->parts[mid];

            rc = ngx_av_flush_compare_keys((ngx_av_uuid_t *) account.data,
                                           (ngx_av_uuid_t *) trace.data,
                                           &part->write->batch->account,
                                           &part->part->trace);
            if (rc == 0) {
                part->stored = ngx_av_db_int4(res, i, 2);
                break;
            }

            if (rc < 0) {
                hi = mid;

            } else {
                lo = mid + 1;
            }
        }
    }
}
