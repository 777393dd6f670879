/*
 * Memory for what is needed while a record is handled: a stack.  What was
 * taken since a mark is given back at once, and its block is used again for
 * the next record.
 */

#ifndef _NGX_AV_OTLP_SCRATCH_H_INCLUDED_
#define _NGX_AV_OTLP_SCRATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp.h"


typedef struct ngx_av_otlp_block_s  ngx_av_otlp_block_t;

struct ngx_av_otlp_block_s {
    ngx_av_otlp_block_t  *previous;
    u_char               *end;
};


typedef struct {
    ngx_av_otlp_block_t  *block;
    u_char               *pos;
} ngx_av_otlp_mark_t;


typedef struct {
    ngx_av_otlp_mark_t    top;
    ngx_av_otlp_block_t  *spare;    /* the largest one given back, or NULL */
    size_t                left;     /* bytes that may still be allocated */
    ngx_av_memory_t      *account;  /* where they count, or NULL */
} ngx_av_otlp_scratch_t;


void ngx_av_otlp_scratch_init(ngx_av_otlp_scratch_t *scratch, size_t limit,
    ngx_av_memory_t *account);
void ngx_av_otlp_scratch_free(ngx_av_otlp_scratch_t *scratch);

/* Gives back all that was taken since scratch->top was copied to mark. */
void ngx_av_otlp_scratch_release(ngx_av_otlp_scratch_t *scratch,
    ngx_av_otlp_mark_t mark);

/*
 * Makes room for n more elements of so many bytes, which are not added yet.
 * NGX_ABORT: over the limit; NGX_BUSY or NGX_ABORT as the account says;
 * NGX_ERROR without memory.
 */
ngx_int_t ngx_av_otlp_scratch_grow(ngx_av_otlp_scratch_t *scratch,
    ngx_av_otlp_array_t *array, ngx_uint_t n, size_t size);


#endif /* _NGX_AV_OTLP_SCRATCH_H_INCLUDED_ */
