#include "ngx_av_flush_plan.h"
#include "ngx_av_refs.h"


typedef struct {
    const ngx_av_uuid_t       *account;
    const ngx_av_batch_ref_t  *ref;
} ngx_av_flush_ref_t;


static ngx_int_t ngx_av_flush_refs_of_kind(ngx_av_flush_plan_t *plan,
    ngx_av_ref_e kind);
static ngx_int_t ngx_av_flush_find_refs(ngx_av_flush_plan_t *plan,
    ngx_av_ref_e kind, ngx_array_t *refs);
static ngx_int_t ngx_av_flush_new_refs(ngx_array_t *refs,
    ngx_av_batch_t *batch, ngx_av_ref_e kind);
static int ngx_av_flush_compare_refs(const void *one, const void *two);


/* The statements that store refs come in the order of their kinds. */

ngx_int_t
ngx_av_flush_refs(ngx_av_flush_plan_t *plan)
{
    ngx_uint_t  kind;

    for (kind = 0; kind < NGX_AV_NREFS; kind++) {
        if (ngx_av_flush_refs_of_kind(plan, kind) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_refs_of_kind(ngx_av_flush_plan_t *plan, ngx_av_ref_e kind)
{
    int                       *lengths;
    ngx_uint_t                 i;
    const char               **values;
    ngx_array_t                refs;
    ngx_av_buf_t               b[3];
    const uint32_t             types[3] = { NGX_AV_DB_UUID, NGX_AV_DB_UUID,
                                            NGX_AV_DB_TEXT };
    ngx_av_uuid_t             *id;
    ngx_av_flush_ref_t        *elts;
    const ngx_av_batch_ref_t  *ref;

    if (ngx_av_flush_find_refs(plan, kind, &refs) != NGX_OK) {
        return NGX_ERROR;
    }

    if (refs.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_av_flush_call(plan, NGX_AV_WRITER_AGENTS + kind, &values,
                          &lengths)
        == NULL)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < 3; i++) {
        if (ngx_av_buf_init(&b[i], plan->pool, 256) != NGX_OK) {
            return NGX_ERROR;
        }

        b[i].last += NGX_AV_DB_ARRAY_HEADER;
    }

    elts = refs.elts;

    for (i = 0; i < refs.nelts; i++) {
        ref = elts[i].ref;
        id = ngx_array_push(&plan->created);

        if (id == NULL
            || ngx_av_db_array_uuid(&b[0], elts[i].account) != NGX_OK
            || ngx_av_db_array_uuid(&b[1], &ref->id) != NGX_OK
            || ngx_av_db_array_text(&b[2], ref->doc.data, ref->doc.len)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        *id = ref->id;
    }

    for (i = 0; i < 3; i++) {
        (void) ngx_av_db_array_header(b[i].start, types[i], refs.nelts);
        values[i] = (char *) b[i].start;
        lengths[i] = ngx_av_buf_len(&b[i]);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_find_refs(ngx_av_flush_plan_t *plan, ngx_av_ref_e kind,
    ngx_array_t *refs)
{
    ngx_uint_t           i, n;
    ngx_av_batch_t      *batch, *prev;
    ngx_av_flush_ref_t  *elts;

    if (ngx_array_init(refs, plan->pool, 4, sizeof(ngx_av_flush_ref_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    prev = NULL;

    for (i = 0; i < plan->nparts; i++) {
        batch = plan->parts[i].write->batch;

        if (batch != prev && ngx_av_flush_new_refs(refs, batch, kind) != NGX_OK)
        {
            return NGX_ERROR;
        }

        prev = batch;
    }

    if (refs->nelts == 0) {
        return NGX_OK;
    }

    elts = refs->elts;

    ngx_qsort(elts, refs->nelts, sizeof(ngx_av_flush_ref_t),
              ngx_av_flush_compare_refs);

    n = 1;

    for (i = 1; i < refs->nelts; i++) {
        if (ngx_av_flush_compare_refs(&elts[n - 1], &elts[i]) != 0) {
            elts[n++] = elts[i];
        }
    }

    refs->nelts = n;

    return NGX_OK;
}


static ngx_int_t
ngx_av_flush_new_refs(ngx_array_t *refs, ngx_av_batch_t *batch,
    ngx_av_ref_e kind)
{
    ngx_uint_t           i;
    ngx_av_batch_ref_t  *ref;
    ngx_av_flush_ref_t  *new;

    ref = batch->refs[kind].elts;

    for (i = 0; i < batch->refs[kind].nelts; i++) {

        if (ngx_av_refs_known(&ref[i].id)) {
            continue;
        }

        new = ngx_array_push(refs);
        if (new == NULL) {
            return NGX_ERROR;
        }

        new->account = &batch->account;
        new->ref = &ref[i];
    }

    return NGX_OK;
}


static int
ngx_av_flush_compare_refs(const void *one, const void *two)
{
    const ngx_av_flush_ref_t  *a, *b;

    a = one;
    b = two;

    return ngx_av_flush_compare_keys(a->account, &a->ref->id,
                                     b->account, &b->ref->id);
}


void
ngx_av_flush_committed(ngx_av_flush_plan_t *plan)
{
    ngx_uint_t      i;
    ngx_av_uuid_t  *id;

    id = plan->created.elts;

    for (i = 0; i < plan->created.nelts; i++) {
        ngx_av_refs_remember(&id[i]);
    }
}
