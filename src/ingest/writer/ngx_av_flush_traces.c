#include "ngx_av_flush_plan.h"


static u_char *ngx_av_flush_month_slot(ngx_av_flush_plan_t *plan);
static ngx_int_t ngx_av_flush_merge_round(ngx_av_flush_plan_t *plan,
    ngx_av_flush_part_t *parts, ngx_uint_t nparts, u_char *month_slot);
static ngx_int_t ngx_av_flush_count(ngx_av_flush_plan_t *plan);
static ngx_int_t ngx_av_flush_charge(ngx_av_flush_plan_t *plan);


ngx_int_t
ngx_av_flush_new_traces(ngx_av_flush_plan_t *plan)
{
    int         *lengths;
    const char **values;

    if (ngx_av_flush_columns(plan, NGX_AV_WRITER_TRACES, NGX_AV_FLUSH_TRACES,
                             plan->parts, plan->nparts, &values, &lengths)
        == NULL
        || ngx_av_flush_count(plan) != NGX_OK)
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
 * How many parts from this one on are of its account; the parts are in one
 * round, by account.
 */

static ngx_uint_t
ngx_av_flush_of_account(ngx_av_flush_plan_t *plan, ngx_uint_t first)
{
    ngx_uint_t      i;
    ngx_av_uuid_t  *account;

    account = &plan->parts[first].write->batch->account;

    for (i = first + 1; i < plan->nparts; i++) {
        if (ngx_memcmp(account, &plan->parts[i].write->batch->account,
                       sizeof(ngx_av_uuid_t)) != 0)
        {
            break;
        }
    }

    return i - first;
}


/* For the statistics, an account after the other. */

static ngx_int_t
ngx_av_flush_count(ngx_av_flush_plan_t *plan)
{
    int                  *lengths;
    ngx_uint_t            i, n;
    const char          **values;
    ngx_av_flush_part_t  *part;

    for (i = 0; i < plan->nparts; i += n) {
        n = ngx_av_flush_of_account(plan, i);
        part = &plan->parts[i];

        if (ngx_av_flush_columns(plan, NGX_AV_WRITER_COUNT_TRACES,
                                 NGX_AV_FLUSH_COUNTED, part, n, &values,
                                 &lengths)
            == NULL)
        {
            return NGX_ERROR;
        }

        values[NGX_AV_COUNTED_NCOLUMNS] = (char *) &part->write->batch->account;
        lengths[NGX_AV_COUNTED_NCOLUMNS] = sizeof(ngx_av_uuid_t);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_charge(ngx_av_flush_plan_t *plan)
{
    int          *lengths;
    u_char       *month_slot, *events;
    int64_t       nrows;
    ngx_uint_t    i, j, n;
    const char  **values;

    month_slot = ngx_av_flush_month_slot(plan);
    if (month_slot == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < plan->nparts; i += n) {
        n = ngx_av_flush_of_account(plan, i);
        nrows = 0;

        for (j = i; j < i + n; j++) {
            nrows += plan->parts[j].part->nrows;
        }

        if (nrows == 0) {
            continue;
        }

        events = ngx_pnalloc(plan->pool, 8);

        if (events == NULL
            || ngx_av_flush_call(plan, NGX_AV_WRITER_CHARGE, &values, &lengths)
               == NULL)
        {
            return NGX_ERROR;
        }

        (void) ngx_av_db_put64(events, (uint64_t) nrows);

        values[0] = (char *) &plan->parts[i].write->batch->account;
        lengths[0] = sizeof(ngx_av_uuid_t);
        values[1] = (char *) month_slot;
        lengths[1] = 4;
        values[2] = (char *) month_slot + 4;
        lengths[2] = 2;
        values[3] = (char *) events;
        lengths[3] = 8;
    }

    return NGX_OK;
}
