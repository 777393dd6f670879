/* Rows of a batch, out of fields that were found valid. */

#ifndef _NGX_AV_BATCH_ROWS_H_INCLUDED_
#define _NGX_AV_BATCH_ROWS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_batch.h"
#include "ngx_av_batch_fields.h"
#include "ngx_av_texts.h"


/*
 * What is known of all spans of a part: of tokens and costs those of type llm
 * count.
 */
typedef struct {
    ngx_av_time_t          start;       /* the earliest */
    ngx_av_time_t          end;         /* the latest, or start */
    int64_t                tokens;
    ngx_av_decimal_t       cost;
    unsigned               has_tokens:1;
    unsigned               has_cost:1;
    unsigned               has_times:1;
} ngx_av_batch_sums_t;


typedef struct {
    ngx_av_batch_t        *batch;
    ngx_av_place_t        *place;       /* the element, its trace, the span */
    ngx_av_texts_t         texts;
    int32_t                home_day;    /* of the trace and all its spans */
    ngx_av_batch_sums_t    sums;
} ngx_av_batch_rows_t;


/*
 * A part is begun, gets its spans, and is ended by its header.  NGX_OK;
 * NGX_DECLINED if a value is nested too deeply, with place->detail; NGX_ERROR
 * without memory.  A part that failed is to be rolled back.
 */
ngx_int_t ngx_av_batch_begin_part(ngx_av_batch_rows_t *rows);
ngx_int_t ngx_av_batch_put_span(ngx_av_batch_rows_t *rows,
    ngx_av_value_t *span, int64_t ordinal);
ngx_int_t ngx_av_batch_end_part(ngx_av_batch_rows_t *rows,
    ngx_av_value_t *header);

/* Leaves the first nparts parts. */
void ngx_av_batch_rollback(ngx_av_batch_t *batch, ngx_uint_t nparts);


#endif /* _NGX_AV_BATCH_ROWS_H_INCLUDED_ */
