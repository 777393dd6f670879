#include "ngx_av_otlp_scratch.h"


/* holds what most records have: larger ones get a block of their own */
#define NGX_AV_OTLP_SCRATCH_BLOCK  (16 * 1024)

#define NGX_AV_OTLP_SCRATCH_FIRST  8        /* elements of an array */


static ngx_int_t ngx_av_otlp_scratch_alloc(ngx_av_otlp_scratch_t *scratch,
    size_t size, u_char **p);
static ngx_int_t ngx_av_otlp_scratch_block(ngx_av_otlp_scratch_t *scratch,
    size_t size);
static void ngx_av_otlp_scratch_drop(ngx_av_otlp_scratch_t *scratch,
    ngx_av_otlp_block_t *block);


static ngx_inline size_t
ngx_av_otlp_scratch_size(const ngx_av_otlp_block_t *block)
{
    return block->end - (u_char *) block;
}


void
ngx_av_otlp_scratch_init(ngx_av_otlp_scratch_t *scratch, size_t limit,
    ngx_av_memory_t *account)
{
    ngx_memzero(scratch, sizeof(ngx_av_otlp_scratch_t));

    scratch->left = limit;
    scratch->account = account;
}


void
ngx_av_otlp_scratch_free(ngx_av_otlp_scratch_t *scratch)
{
    ngx_av_otlp_mark_t  bottom;

    ngx_memzero(&bottom, sizeof(ngx_av_otlp_mark_t));

    ngx_av_otlp_scratch_release(scratch, bottom);

    if (scratch->spare) {
        ngx_av_otlp_scratch_drop(scratch, scratch->spare);
        scratch->spare = NULL;
    }
}


void
ngx_av_otlp_scratch_release(ngx_av_otlp_scratch_t *scratch,
    ngx_av_otlp_mark_t mark)
{
    ngx_av_otlp_block_t  *block, *previous;

    for (block = scratch->top.block; block != mark.block; block = previous) {

        previous = block->previous;

        if (scratch->spare == NULL) {
            scratch->spare = block;
            continue;
        }

        if (ngx_av_otlp_scratch_size(scratch->spare)
            < ngx_av_otlp_scratch_size(block))
        {
            ngx_av_otlp_scratch_drop(scratch, scratch->spare);
            scratch->spare = block;
            continue;
        }

        ngx_av_otlp_scratch_drop(scratch, block);
    }

    scratch->top = mark;
}


ngx_int_t
ngx_av_otlp_scratch_grow(ngx_av_otlp_scratch_t *scratch,
    ngx_av_otlp_array_t *array, ngx_uint_t n, size_t size)
{
    u_char      *p;
    size_t       old, new;
    ngx_int_t    rc;
    ngx_uint_t   nalloc;

    if (n > NGX_MAX_SIZE_T_VALUE / 4 / size - array->nelts) {
        return NGX_ABORT;
    }

    nalloc = ngx_max(2 * array->nalloc, NGX_AV_OTLP_SCRATCH_FIRST);
    nalloc = ngx_max(nalloc, array->nelts + n);

    old = ngx_align(array->nalloc * size, sizeof(uint64_t));
    new = ngx_align(nalloc * size, sizeof(uint64_t));

    /* mostly nothing was allocated since: then it grows where it is */

    if (array->nalloc != 0
        && (u_char *) array->elts + old == scratch->top.pos
        && (size_t) (scratch->top.block->end - scratch->top.pos) >= new - old)
    {
        scratch->top.pos += new - old;
        array->nalloc = nalloc;

        return NGX_OK;
    }

    rc = ngx_av_otlp_scratch_alloc(scratch, new, &p);
    if (rc != NGX_OK) {
        return rc;
    }

    if (array->nelts) {
        ngx_memcpy(p, array->elts, array->nelts * size);
    }

    array->elts = p;
    array->nalloc = nalloc;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_scratch_alloc(ngx_av_otlp_scratch_t *scratch, size_t size,
    u_char **p)
{
    ngx_int_t  rc;

    if (scratch->top.block == NULL
        || (size_t) (scratch->top.block->end - scratch->top.pos) < size)
    {
        rc = ngx_av_otlp_scratch_block(scratch, size);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    *p = scratch->top.pos;
    scratch->top.pos += size;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_scratch_block(ngx_av_otlp_scratch_t *scratch, size_t size)
{
    ngx_int_t             rc;
    ngx_av_otlp_block_t  *block;

    size += sizeof(ngx_av_otlp_block_t);
    block = scratch->spare;

    if (block && ngx_av_otlp_scratch_size(block) >= size) {
        scratch->spare = NULL;

    } else {

        if (block) {
            ngx_av_otlp_scratch_drop(scratch, block);
            scratch->spare = NULL;
        }

        if (size > scratch->left) {
            return NGX_ABORT;
        }

        size = ngx_max(size, ngx_min(scratch->left,
                                     NGX_AV_OTLP_SCRATCH_BLOCK));

        rc = ngx_av_memory_take(scratch->account, size);
        if (rc != NGX_OK) {
            return rc;
        }

        block = malloc(size);
        if (block == NULL) {
            ngx_av_memory_give(scratch->account, size);
            return NGX_ERROR;
        }

        scratch->left -= size;
        block->end = (u_char *) block + size;
    }

    block->previous = scratch->top.block;

    scratch->top.block = block;
    scratch->top.pos = (u_char *) (block + 1);

    return NGX_OK;
}


static void
ngx_av_otlp_scratch_drop(ngx_av_otlp_scratch_t *scratch,
    ngx_av_otlp_block_t *block)
{
    scratch->left += ngx_av_otlp_scratch_size(block);
    ngx_av_memory_give(scratch->account, ngx_av_otlp_scratch_size(block));

    free(block);
}
