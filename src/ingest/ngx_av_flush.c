#include "ngx_av_flush.h"
#include "ngx_av_agents.h"


/* the rows that a call is about: those of one round */
typedef struct {
    ngx_av_flush_row_t     *rows;
    ngx_uint_t              nrows;
    ngx_uint_t              counts;     /* its answer tells what was new */
} ngx_av_flush_slice_t;


typedef struct {
    const ngx_av_uuid_t    *account;
    ngx_av_batch_agent_t   *agent;
} ngx_av_flush_agent_t;


static const uint32_t  ngx_av_flush_trace_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_TRACE_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const uint32_t  ngx_av_flush_span_types[] = {
#define NGX_AV_COLUMN(name, column, type, oid)  oid,
    NGX_AV_SPAN_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};


static ngx_int_t ngx_av_flush_rows(ngx_av_flush_plan_t *plan,
    ngx_av_flush_item_t *items, ngx_uint_t nitems, ngx_uint_t *merge);
static int ngx_av_flush_compare(const void *one, const void *two);
static ngx_uint_t ngx_av_flush_is_null(u_char *p, u_char *last, ngx_uint_t n);
static ngx_int_t ngx_av_flush_new(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql, ngx_uint_t slot);
static ngx_int_t ngx_av_flush_merge(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql, ngx_uint_t slot);
static ngx_int_t ngx_av_flush_agents(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql);
static int ngx_av_flush_compare_agents(const void *one, const void *two);
static ngx_int_t ngx_av_flush_charge(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql, ngx_uint_t slot);


ngx_int_t
ngx_av_flush_plan(ngx_av_flush_plan_t *plan, const ngx_av_db_statement_t *sql,
    ngx_av_flush_item_t *items, ngx_uint_t nitems, ngx_uint_t slot,
    ngx_uint_t *merge, ngx_log_t *log)
{
    ngx_memzero(plan, sizeof(ngx_av_flush_plan_t));

    plan->pool = ngx_create_pool(16384, log);
    if (plan->pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&plan->calls, plan->pool, 4, sizeof(ngx_av_db_call_t))
        != NGX_OK
        || ngx_array_init(&plan->slices, plan->pool, 4,
                          sizeof(ngx_av_flush_slice_t))
        != NGX_OK
        || ngx_array_init(&plan->agents, plan->pool, 4,
                          sizeof(ngx_av_flush_agent_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_flush_rows(plan, items, nitems, merge) != NGX_OK
        || ngx_av_flush_agents(plan, sql) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return *merge ? ngx_av_flush_merge(plan, sql, slot)
                  : ngx_av_flush_new(plan, sql, slot);
}


/*
 * All transactions take their locks in one order: agents, traces, spans,
 * usage, each by its key.  Hence no two of them wait for each other.
 */

static ngx_int_t
ngx_av_flush_rows(ngx_av_flush_plan_t *plan, ngx_av_flush_item_t *items,
    ngx_uint_t nitems, ngx_uint_t *merge)
{
    ngx_uint_t           i, j, n;
    ngx_av_flush_row_t  *row, *prev;

    n = 0;

    for (i = 0; i < nitems; i++) {
        n += items[i].nparts;
    }

    plan->rows = ngx_pcalloc(plan->pool, n * sizeof(ngx_av_flush_row_t));
    if (plan->rows == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < nitems; i++) {
        for (j = 0; j < items[i].nparts; j++) {
            row = &plan->rows[plan->nrows];
            row->write = items[i].write;
            row->part = &items[i].parts[j];
            row->order = plan->nrows++;
            plan->nspans += row->part->nspans;
        }
    }

    ngx_qsort(plan->rows, n, sizeof(ngx_av_flush_row_t), ngx_av_flush_compare);

    j = 0;

    for (i = 1; i < n; i++) {
        row = &plan->rows[i];
        prev = row - 1;

        if (ngx_memcmp(&row->part->trace, &prev->part->trace,
                       sizeof(ngx_av_uuid_t)) == 0
            && ngx_memcmp(&row->write->batch->account,
                          &prev->write->batch->account,
                          sizeof(ngx_av_uuid_t)) == 0)
        {
            row->round = prev->round + 1;
            j = 1;
        }
    }

    if (j) {
        *merge = 1;
        ngx_qsort(plan->rows, n, sizeof(ngx_av_flush_row_t),
                  ngx_av_flush_compare);
    }

    return NGX_OK;
}


static ngx_int_t
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
    ngx_int_t                  rc;
    const ngx_av_flush_row_t  *a, *b;

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


static const char **
ngx_av_flush_call(ngx_av_flush_plan_t *plan, const ngx_av_db_statement_t *sql,
    int **lengths, ngx_av_flush_slice_t **slice)
{
    const char        **values;
    ngx_av_db_call_t   *call;

    call = ngx_array_push(&plan->calls);
    *slice = ngx_array_push(&plan->slices);
    values = ngx_palloc(plan->pool, sql->nparams * sizeof(char *));
    *lengths = ngx_palloc(plan->pool, sql->nparams * sizeof(int));

    if (call == NULL || *slice == NULL || values == NULL || *lengths == NULL) {
        return NULL;
    }

    ngx_memzero(*slice, sizeof(ngx_av_flush_slice_t));

    call->statement = sql;
    call->values = values;
    call->lengths = *lengths;

    return values;
}


/* The elements of a column that belong to a row. */

static ngx_inline size_t
ngx_av_flush_elements(ngx_av_flush_row_t *row, ngx_uint_t spans, ngx_uint_t c,
    u_char **p)
{
    uint32_t              start, end;
    ngx_av_buf_t         *b;
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part, *last;

    batch = row->write->batch;
    part = row->part;
    last = (ngx_av_batch_part_t *) batch->parts.elts + batch->parts.nelts - 1;

    b = spans ? &batch->spans[c] : &batch->traces[c];
    start = spans ? part->span_start[c] : part->trace_start[c];

    if (part == last) {
        end = ngx_av_buf_len(b);

    } else {
        end = spans ? part[1].span_start[c] : part[1].trace_start[c];
    }

    *p = b->start + start;

    return end - start;
}


/* The columns of some rows as the first parameters of a call. */

static const char **
ngx_av_flush_columns(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql, ngx_av_flush_row_t *rows,
    ngx_uint_t nrows, ngx_uint_t spans, int **lengths)
{
    u_char                *p, *column, *elts;
    size_t                 size, len;
    ngx_uint_t             c, i, n, ncolumns;
    const char           **values;
    const uint32_t        *types;
    ngx_av_flush_slice_t  *slice;

    values = ngx_av_flush_call(plan, sql, lengths, &slice);
    if (values == NULL) {
        return NULL;
    }

    slice->rows = rows;
    slice->nrows = nrows;

    types = spans ? ngx_av_flush_span_types : ngx_av_flush_trace_types;
    ncolumns = spans ? NGX_AV_SPAN_NCOLUMNS : NGX_AV_TRACE_NCOLUMNS;
    size = 0;
    n = 0;

    for (i = 0; i < nrows; i++) {
        n += spans ? rows[i].part->nspans : 1;
    }

    for (c = 0; c < ncolumns; c++) {
        len = NGX_AV_DB_ARRAY_HEADER;

        for (i = 0; i < nrows; i++) {
            len += ngx_av_flush_elements(&rows[i], spans, c, &elts);
        }

        (*lengths)[c] = len;
        size += len;
    }

    p = ngx_pnalloc(plan->pool, size);
    if (p == NULL) {
        return NULL;
    }

    for (c = 0; c < ncolumns; c++) {
        column = p;
        p = ngx_av_db_array_header(p, types[c], n);

        for (i = 0; i < nrows; i++) {
            len = ngx_av_flush_elements(&rows[i], spans, c, &elts);
            p = ngx_cpymem(p, elts, len);
        }

        values[c] = (char *) column;

        if (ngx_av_flush_is_null(column + NGX_AV_DB_ARRAY_HEADER, p, n)) {

            /* unnest(null) has no rows: it is filled up with nulls, for less */

            values[c] = NULL;
            (*lengths)[c] = 0;
            p = column;
        }
    }

    return values;
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


static ngx_int_t
ngx_av_flush_new(ngx_av_flush_plan_t *plan, const ngx_av_db_statement_t *sql,
    ngx_uint_t slot)
{
    int         *lengths;
    ngx_uint_t   i;

    for (i = 0; i < plan->nrows; i++) {
        plan->rows[i].stored = plan->rows[i].part->nspans;
    }

    if (ngx_av_flush_columns(plan, &sql[NGX_AV_WRITER_TRACES], plan->rows,
                             plan->nrows, 0, &lengths)
        == NULL)
    {
        return NGX_ERROR;
    }

    if (plan->nspans == 0) {
        return NGX_OK;
    }

    if (ngx_av_flush_columns(plan, &sql[NGX_AV_WRITER_SPANS], plan->rows,
                             plan->nrows, 1, &lengths)
        == NULL)
    {
        return NGX_ERROR;
    }

    return ngx_av_flush_charge(plan, sql, slot);
}


/* The month's first day and the slot, as binary date and smallint. */

static u_char *
ngx_av_flush_month_slot(ngx_av_flush_plan_t *plan, ngx_uint_t slot)
{
    u_char  *p;

    p = ngx_pnalloc(plan->pool, 4 + 2);

    if (p != NULL) {
        (void) ngx_av_db_put16(ngx_av_db_put32(p, plan->rows->write->month),
                               (uint16_t) slot);
    }

    return p;
}


static ngx_int_t
ngx_av_flush_merge_round(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql, ngx_av_flush_row_t *rows,
    ngx_uint_t nrows, u_char *month_slot)
{
    int                   *lengths;
    const char           **values;
    ngx_av_flush_slice_t  *slices;

    if (ngx_av_flush_columns(plan, &sql[NGX_AV_WRITER_MERGE_TRACES], rows,
                             nrows, 0, &lengths)
        == NULL
        || ngx_av_flush_columns(plan, &sql[NGX_AV_WRITER_MERGE_RUNNING], rows,
                                nrows, 1, &lengths)
        == NULL)
    {
        return NGX_ERROR;
    }

    values = ngx_av_flush_columns(plan, &sql[NGX_AV_WRITER_MERGE_SPANS], rows,
                                  nrows, 1, &lengths);
    if (values == NULL) {
        return NGX_ERROR;
    }

    values[NGX_AV_SPAN_NCOLUMNS] = (char *) month_slot;
    lengths[NGX_AV_SPAN_NCOLUMNS] = 4;
    values[NGX_AV_SPAN_NCOLUMNS + 1] = (char *) month_slot + 4;
    lengths[NGX_AV_SPAN_NCOLUMNS + 1] = 2;

    slices = plan->slices.elts;
    slices[plan->slices.nelts - 1].counts = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_merge(ngx_av_flush_plan_t *plan, const ngx_av_db_statement_t *sql,
    ngx_uint_t slot)
{
    u_char      *month_slot;
    ngx_uint_t   i, n;

    month_slot = ngx_av_flush_month_slot(plan, slot);
    if (month_slot == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < plan->nrows; i = n) {

        n = i;

        while (n < plan->nrows && plan->rows[n].round == plan->rows[i].round) {
            n++;
        }

        if (ngx_av_flush_merge_round(plan, sql, &plan->rows[i], n - i,
                                     month_slot)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_charge(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql, ngx_uint_t slot)
{
    int                   *lengths;
    u_char                *month_slot;
    int64_t                events;
    ngx_uint_t             i, n;
    const char           **values;
    ngx_av_buf_t           b[3];
    const uint32_t         types[3] = { NGX_AV_DB_UUID, NGX_AV_DB_DATE,
                                        NGX_AV_DB_INT8 };
    const ngx_uint_t       params[3] = { 0, 1, 3 };
    ngx_av_flush_row_t    *row;
    ngx_av_flush_slice_t  *slice;

    values = ngx_av_flush_call(plan, &sql[NGX_AV_WRITER_CHARGE], &lengths,
                               &slice);
    month_slot = ngx_av_flush_month_slot(plan, slot);

    if (values == NULL || month_slot == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 3; i++) {
        if (ngx_av_buf_init(&b[i], plan->pool, 256) != NGX_OK) {
            return NGX_ERROR;
        }

        b[i].last += NGX_AV_DB_ARRAY_HEADER;
    }

    n = 0;
    events = 0;

    /* the rows are in one round, by account */

    for (i = 0; i < plan->nrows; i++) {
        row = &plan->rows[i];
        events += row->part->nspans;

        if (i + 1 < plan->nrows
            && ngx_memcmp(&row->write->batch->account,
                          &row[1].write->batch->account,
                          sizeof(ngx_av_uuid_t)) == 0)
        {
            continue;
        }

        if (events > 0) {
            if (ngx_av_db_array_uuid(&b[0], &row->write->batch->account)
                != NGX_OK
                || ngx_av_db_array_date(&b[1], row->write->month) != NGX_OK
                || ngx_av_db_array_int8(&b[2], events) != NGX_OK)
            {
                return NGX_ERROR;
            }

            n++;
        }

        events = 0;
    }

    for (i = 0; i < 3; i++) {
        (void) ngx_av_db_array_header(b[i].start, types[i], n);
        values[params[i]] = (char *) b[i].start;
        lengths[params[i]] = ngx_av_buf_len(&b[i]);
    }

    values[2] = (char *) month_slot + 4;
    lengths[2] = 2;

    return NGX_OK;
}


/* Agents that may be new, each once. */

static ngx_int_t
ngx_av_flush_find_agents(ngx_av_flush_plan_t *plan)
{
    ngx_uint_t             i, j, n;
    ngx_av_batch_t        *batch, *prev;
    ngx_av_flush_agent_t  *agent, *agents;
    ngx_av_batch_agent_t  *named;

    prev = NULL;

    for (i = 0; i < plan->nrows; i++) {
        batch = plan->rows[i].write->batch;

        if (batch == prev) {
            continue;
        }

        prev = batch;
        named = batch->agents.elts;

        for (j = 0; j < batch->agents.nelts; j++) {

            if (ngx_av_agents_known(&named[j].id)) {
                continue;
            }

            agent = ngx_array_push(&plan->agents);
            if (agent == NULL) {
                return NGX_ERROR;
            }

            agent->account = &batch->account;
            agent->agent = &named[j];
        }
    }

    if (plan->agents.nelts == 0) {
        return NGX_OK;
    }

    agents = plan->agents.elts;

    ngx_qsort(agents, plan->agents.nelts, sizeof(ngx_av_flush_agent_t),
              ngx_av_flush_compare_agents);

    n = 1;

    for (i = 1; i < plan->agents.nelts; i++) {
        if (ngx_av_flush_compare_agents(&agents[n - 1], &agents[i]) != 0) {
            agents[n++] = agents[i];
        }
    }

    plan->agents.nelts = n;

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_agents(ngx_av_flush_plan_t *plan,
    const ngx_av_db_statement_t *sql)
{
    int                   *lengths;
    ngx_str_t             *name;
    ngx_uint_t             i;
    const char           **values;
    ngx_av_buf_t           b[3];
    const uint32_t         types[3] = { NGX_AV_DB_UUID, NGX_AV_DB_UUID,
                                        NGX_AV_DB_TEXT };
    ngx_av_flush_agent_t  *agents;
    ngx_av_flush_slice_t  *slice;

    if (ngx_av_flush_find_agents(plan) != NGX_OK) {
        return NGX_ERROR;
    }

    if (plan->agents.nelts == 0) {
        return NGX_OK;
    }

    values = ngx_av_flush_call(plan, &sql[NGX_AV_WRITER_AGENTS], &lengths,
                               &slice);
    if (values == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 3; i++) {
        if (ngx_av_buf_init(&b[i], plan->pool, 256) != NGX_OK) {
            return NGX_ERROR;
        }

        b[i].last += NGX_AV_DB_ARRAY_HEADER;
    }

    agents = plan->agents.elts;

    for (i = 0; i < plan->agents.nelts; i++) {
        name = &agents[i].agent->name;

        if (ngx_av_db_array_uuid(&b[0], agents[i].account) != NGX_OK
            || ngx_av_db_array_uuid(&b[1], &agents[i].agent->id) != NGX_OK
            || ngx_av_db_array_text(&b[2], name->data, name->len) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < 3; i++) {
        (void) ngx_av_db_array_header(b[i].start, types[i],
                                      plan->agents.nelts);
        values[i] = (char *) b[i].start;
        lengths[i] = ngx_av_buf_len(&b[i]);
    }

    return NGX_OK;
}


static int
ngx_av_flush_compare_agents(const void *one, const void *two)
{
    const ngx_av_flush_agent_t  *a, *b;

    a = one;
    b = two;

    return ngx_av_flush_compare_keys(a->account, &a->agent->id,
                                     b->account, &b->agent->id);
}


void
ngx_av_flush_result(ngx_av_flush_plan_t *plan, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_int_t              rc;
    ngx_str_t              account, trace;
    ngx_uint_t             i, lo, hi, mid;
    ngx_av_flush_row_t    *row;
    ngx_av_flush_slice_t  *slice;

    slice = (ngx_av_flush_slice_t *) plan->slices.elts + call;

    if (!slice->counts) {
        return;
    }

    for (i = 0; i < ngx_av_db_nrows(res); i++) {
        account = ngx_av_db_value(res, i, 0);
        trace = ngx_av_db_value(res, i, 1);

        lo = 0;
        hi = slice->nrows;

        while (lo < hi) {
            mid = (lo + hi) / 2;
            row = &slice->rows[mid];

            rc = ngx_av_flush_compare_keys((ngx_av_uuid_t *) account.data,
                                           (ngx_av_uuid_t *) trace.data,
                                           &row->write->batch->account,
                                           &row->part->trace);
            if (rc == 0) {
                row->stored = ngx_av_db_int4(res, i, 2);
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


void
ngx_av_flush_committed(ngx_av_flush_plan_t *plan)
{
    ngx_uint_t             i;
    ngx_av_flush_agent_t  *agents;

    agents = plan->agents.elts;

    for (i = 0; i < plan->agents.nelts; i++) {
        ngx_av_agents_remember(&agents[i].agent->id);
    }
}
