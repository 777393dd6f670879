#include "ngx_av_flush_plan.h"


static ngx_int_t ngx_av_flush_arrays(ngx_av_flush_plan_t *plan,
    ngx_av_buf_t *b, ngx_uint_t n);
static u_char *ngx_av_flush_month_slot(ngx_av_flush_plan_t *plan);
static ngx_int_t ngx_av_flush_merge_round(ngx_av_flush_plan_t *plan,
    ngx_av_flush_part_t *parts, ngx_uint_t nparts, u_char *month_slot);
static ngx_int_t ngx_av_flush_count(ngx_av_flush_plan_t *plan,
    const char **traces, int *traces_lengths);
static ngx_int_t ngx_av_flush_charge(ngx_av_flush_plan_t *plan);
static ngx_int_t ngx_av_flush_charges(ngx_av_flush_plan_t *plan,
    ngx_av_buf_t *b, ngx_uint_t *n);


ngx_int_t
ngx_av_flush_new_traces(ngx_av_flush_plan_t *plan)
{
    int         *lengths;
    const char **values;

    if (ngx_av_flush_columns(plan, NGX_AV_WRITER_TRACES, NGX_AV_FLUSH_TRACES,
                             plan->parts, plan->nparts, &values, &lengths)
        == NULL
        || ngx_av_flush_count(plan, values, lengths) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (plan->nrows == 0) {
        return NGX_OK;
    }

    if (ngx_av_flush_columns(plan, NGX_AV_WRITER_SPANS, NGX_AV_FLUSH_SPANS,
                             plan->parts, plan->nparts, &values, &lengths)
        == NULL)
    {
        return NGX_ERROR;
    }

    return ngx_av_flush_charge(plan);
}


ngx_int_t
ngx_av_flush_merge_traces(ngx_av_flush_plan_t *plan)
{
    u_char      *month_slot;
    ngx_uint_t   i, n;

    month_slot = ngx_av_flush_month_slot(plan);
    if (month_slot == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < plan->nparts; i = n) {

        n = i;

        while (n < plan->nparts
               && plan->parts[n].round == plan->parts[i].round)
        {
            n++;
        }

        if (ngx_av_flush_merge_round(plan, &plan->parts[i], n - i, month_slot)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_merge_round(ngx_av_flush_plan_t *plan, ngx_av_flush_part_t *parts,
    ngx_uint_t nparts, u_char *month_slot)
{
    int                   *lengths;
    const char           **values;
    ngx_av_flush_slice_t  *slice;

    if (ngx_av_flush_columns(plan, NGX_AV_WRITER_MERGE_TRACES,
                             NGX_AV_FLUSH_TRACES, parts, nparts, &values,
                             &lengths)
        == NULL
        || ngx_av_flush_columns(plan, NGX_AV_WRITER_MERGE_RUNNING,
                                NGX_AV_FLUSH_SPANS, parts, nparts, &values,
                                &lengths)
        == NULL)
    {
        return NGX_ERROR;
    }

    slice = ngx_av_flush_columns(plan, NGX_AV_WRITER_MERGE_SPANS,
                                 NGX_AV_FLUSH_SPANS, parts, nparts, &values,
                                 &lengths);
    if (slice == NULL) {
        return NGX_ERROR;
    }

    values[NGX_AV_SPAN_NCOLUMNS] = (char *) month_slot;
    lengths[NGX_AV_SPAN_NCOLUMNS] = 4;
    values[NGX_AV_SPAN_NCOLUMNS + 1] = (char *) month_slot + 4;
    lengths[NGX_AV_SPAN_NCOLUMNS + 1] = 2;

    slice->counts = 1;

    return NGX_OK;
}


/* Buffers with room for the header of an array. */

static ngx_int_t
ngx_av_flush_arrays(ngx_av_flush_plan_t *plan, ngx_av_buf_t *b, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ngx_av_buf_init(&b[i], plan->pool, 256) != NGX_OK) {
            return NGX_ERROR;
        }

        b[i].last += NGX_AV_DB_ARRAY_HEADER;
    }

    return NGX_OK;
}


/* The month's first day and the slot, as binary date and smallint. */

static u_char *
ngx_av_flush_month_slot(ngx_av_flush_plan_t *plan)
{
    u_char  *p;

    p = ngx_pnalloc(plan->pool, 4 + 2);

    if (p != NULL) {
        (void) ngx_av_db_put16(ngx_av_db_put32(p, plan->parts->write->month),
                               (uint16_t) plan->slot);
    }

    return p;
}


/*
 * Whether the part is the last one of its account; the parts are in one round,
 * by account.
 */

static ngx_uint_t
ngx_av_flush_ends_account(ngx_av_flush_plan_t *plan, ngx_uint_t i)
{
    ngx_av_flush_part_t  *part;

    part = &plan->parts[i];

    return i + 1 == plan->nparts
           || ngx_memcmp(&part->write->batch->account,
                         &part[1].write->batch->account,
                         sizeof(ngx_av_uuid_t)) != 0;
}


/* For the statistics: columns of the traces as they were sent to be stored. */

static ngx_int_t
ngx_av_flush_count(ngx_av_flush_plan_t *plan, const char **traces,
    int *traces_lengths)
{
    int               *lengths;
    ngx_uint_t         i, n, first;
    const char       **values;
    ngx_av_buf_t       b[3];
    const uint32_t     types[3] = { NGX_AV_DB_UUID, NGX_AV_DB_INT4,
                                    NGX_AV_DB_INT4 };

    static const ngx_av_trace_column_e  counted[] = {
#define NGX_AV_COLUMN(name, column, type)  NGX_AV_TRACE_##name,
        NGX_AV_COUNTED_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
    };

    if (ngx_av_flush_call(plan, NGX_AV_WRITER_COUNT_TRACES, &values, &lengths)
        == NULL
        || ngx_av_flush_arrays(plan, b, 3) != NGX_OK)
    {
        return NGX_ERROR;
    }

    first = 0;
    n = 0;

    for (i = 0; i < plan->nparts; i++) {

        if (!ngx_av_flush_ends_account(plan, i)) {
            continue;
        }

        if (ngx_av_db_array_uuid(&b[0], &plan->parts[i].write->batch->account)
            != NGX_OK
            || ngx_av_db_array_int4(&b[1], first + 1) != NGX_OK
            || ngx_av_db_array_int4(&b[2], i + 1) != NGX_OK)
        {
            return NGX_ERROR;
        }

        first = i + 1;
        n++;
    }

    for (i = 0; i < 3; i++) {
        (void) ngx_av_db_array_header(b[i].start, types[i], n);
        values[i] = (char *) b[i].start;
        lengths[i] = ngx_av_buf_len(&b[i]);
    }

    for (i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
        values[3 + i] = traces[counted[i]];
        lengths[3 + i] = traces_lengths[counted[i]];
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_charge(ngx_av_flush_plan_t *plan)
{
    int               *lengths;
    u_char            *month_slot;
    ngx_uint_t         i, n;
    const char       **values;
    ngx_av_buf_t       b[3];
    const uint32_t     types[3] = { NGX_AV_DB_UUID, NGX_AV_DB_DATE,
                                    NGX_AV_DB_INT8 };
    const ngx_uint_t   params[3] = { 0, 1, 3 };

    month_slot = ngx_av_flush_month_slot(plan);

    if (month_slot == NULL
        || ngx_av_flush_call(plan, NGX_AV_WRITER_CHARGE, &values, &lengths)
           == NULL
        || ngx_av_flush_arrays(plan, b, 3) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_flush_charges(plan, b, &n) != NGX_OK) {
        return NGX_ERROR;
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


/* Account, month, events. */

static ngx_int_t
ngx_av_flush_charges(ngx_av_flush_plan_t *plan, ngx_av_buf_t *b,
    ngx_uint_t *n)
{
    int64_t               events;
    ngx_uint_t            i;
    ngx_av_flush_part_t  *part;

    *n = 0;
    events = 0;

    for (i = 0; i < plan->nparts; i++) {
        part = &plan->parts[i];
        events += part->part->nrows;

        if (!ngx_av_flush_ends_account(plan, i)) {
            continue;
        }

        if (events > 0) {
            if (ngx_av_db_array_uuid(&b[0], &part->write->batch->account)
                != NGX_OK
                || ngx_av_db_array_date(&b[1], part->write->month) != NGX_OK
                || ngx_av_db_array_int8(&b[2], events) != NGX_OK)
            {
                return NGX_ERROR;
            }

            (*n)++;
        }

        events = 0;
    }

    return NGX_OK;
}
