/*
 * OTLP's records on their way into the columns of a batch.  Private to
 * ngx_av_otlp_batch.c, _rows.c, _scope.c, _traces.c, _spans.c, _parts.c,
 * _logs.c, _metrics.c, _series.c, _points.c.
 */

#ifndef _NGX_AV_OTLP_ROWS_H_INCLUDED_
#define _NGX_AV_OTLP_ROWS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db_array.h"
#include "ngx_av_otlp_batch.h"
#include "ngx_av_otlp_map.h"
#include "ngx_av_otlp_texts.h"
#include "ngx_av_semconv.h"


/* UTF-8: one character; what is indexed has few of them */
#define NGX_AV_OTLP_LABEL_CHARS  255


/*
 * Columns that get their elements row by row: first those that the row has,
 * each by ngx_av_otlp_cell(), then ngx_av_otlp_end_row().  A column that no
 * row has stays without a byte (ngx_av_batch.h).
 */
typedef struct {
    ngx_av_buf_t            *columns;
    ngx_uint_t               nrows;
    uint64_t                 used;      /* columns with elements, as bits */
    uint64_t                 written;   /* those that the row has */
} ngx_av_otlp_table_t;


/* What a resource and its scope make of themselves. */
typedef struct {
    ngx_uint_t               resource_number;
    ngx_uint_t               scope_number;
    ngx_str_t                service;   /* 1 to 255 characters */
    ngx_uint_t               named;     /* the resource has service.name:
                                           unsigned named:1 */
    ngx_av_uuid_t            agent;     /* by the service */
    ngx_av_uuid_t            scope;
    ngx_uint_t               index;     /* counts scopes that differ */
} ngx_av_otlp_origin_t;


typedef struct ngx_av_otlp_traces_s   ngx_av_otlp_traces_t;
typedef struct ngx_av_otlp_logs_s     ngx_av_otlp_logs_t;
typedef struct ngx_av_otlp_metrics_s  ngx_av_otlp_metrics_t;


/* State that lives as long as one request is being decoded. */
typedef struct {
    ngx_av_batch_t                *batch;
    const ngx_av_otlp_options_t   *options;
    ngx_pool_t                    *pool;        /* gone at the end */
    size_t                         len;         /* of the body */
    ngx_uint_t                     any_ids;     /* unsigned any_ids:1 */
    ngx_uint_t                     index;       /* of the item, from 0 */
    size_t                         memory;      /* charged so far */
    ngx_int_t                      full;        /* there is no more: NGX_ABORT
                                                   or NGX_BUSY, or NGX_OK */

    ngx_av_otlp_table_t            table;       /* of spans, logs or points */
    ngx_av_texts_t                 texts;

    ngx_av_otlp_origin_t          *origin;      /* of the item before */
    ngx_av_buf_t                   resource;    /* its attributes as JSON */
    ngx_av_buf_t                   doc;         /* of a ref */
    size_t                         docs;        /* bytes of all scopes' docs */
    ngx_av_otlp_map_t              refs;        /* by their ids */

    union {                                     /* by the batch's kind */
        ngx_av_otlp_traces_t      *traces;
        ngx_av_otlp_logs_t        *logs;
        ngx_av_otlp_metrics_t     *metrics;
    } u;
} ngx_av_otlp_rows_t;


/* What each signal has of its own; finish() may be NULL. */
typedef struct {
    ngx_int_t              (*init)(ngx_av_otlp_rows_t *rows,
                                   ngx_av_otlp_sink_t *sink);
    ngx_int_t              (*finish)(ngx_av_otlp_rows_t *rows);
} ngx_av_otlp_kind_t;

extern const ngx_av_otlp_kind_t  ngx_av_otlp_kind_traces;
extern const ngx_av_otlp_kind_t  ngx_av_otlp_kind_metrics;
extern const ngx_av_otlp_kind_t  ngx_av_otlp_kind_logs;


/*
 * ngx_av_otlp_rows.c.  NGX_ERROR, or NULL, is always: without memory.
 * NGX_DECLINED: the item has been refused.  NGX_ABORT: the request needs more
 * memory than is allowed.
 */

/*
 * Counts memory that grows with the number of items, however small they are:
 * NGX_OK or NGX_ABORT.
 */
ngx_int_t ngx_av_otlp_charge(ngx_av_otlp_rows_t *rows, size_t size);

/* A map for this request. */
void ngx_av_otlp_new_map(ngx_av_otlp_rows_t *rows, ngx_av_otlp_map_t *map);

/* The slow part of ngx_av_otlp_cell(). */
ngx_int_t ngx_av_otlp_backfill(ngx_av_otlp_table_t *table, ngx_uint_t column);

ngx_int_t ngx_av_otlp_end_row(ngx_av_otlp_table_t *table);

/* A column that has the same element n times more. */
ngx_int_t ngx_av_otlp_repeat(ngx_av_buf_t *b, const void *element, size_t len,
    ngx_uint_t n);

/* One part with all rows of the table. */
ngx_int_t ngx_av_otlp_one_part(ngx_av_otlp_rows_t *rows);

/*
 * Refuses the item we are at, for a reason; trace may be NULL.  The item is
 * counted, and the reason kept if it is among the first.  Never NGX_OK.
 */
ngx_int_t ngx_av_otlp_refuse(ngx_av_otlp_rows_t *rows,
    const ngx_av_uuid_t *trace, const char *fmt, ...);

/*
 * A time as sent, which must be one that can be stored, or even within the
 * window of the limits, or the item is refused.
 */
ngx_int_t ngx_av_otlp_check_time(ngx_av_otlp_rows_t *rows,
    const ngx_av_uuid_t *trace, const char *name, uint64_t time);
ngx_int_t ngx_av_otlp_check_window(ngx_av_otlp_rows_t *rows,
    const ngx_av_uuid_t *trace, const char *name, uint64_t time);

/*
 * An id of 16 bytes, or, of a span, 8: NGX_OK, and free is set if it is made
 * of free text; NGX_DECLINED if it is not valid (nothing is refused yet);
 * NGX_DONE if it is not set or zero.
 */
ngx_int_t ngx_av_otlp_id(ngx_av_otlp_rows_t *rows, ngx_av_uuid_t *uuid,
    const ngx_av_otlp_id_t *id, size_t len, ngx_uint_t *free);

/*
 * Adds to the batch what rows refer to: doc (copied) by an id of the account
 * and name, unless it is there already.
 */
ngx_int_t ngx_av_otlp_add_ref(ngx_av_otlp_rows_t *rows, ngx_av_ref_e kind,
    const ngx_av_uuid_t *id, const u_char *doc, size_t len);

/* A text column, and an int2 if the number is one, else null. */
ngx_int_t ngx_av_otlp_put_text(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_table_t *table, ngx_uint_t column, const ngx_str_t *name,
    const ngx_str_t *text);
ngx_int_t ngx_av_otlp_put_enum(ngx_av_otlp_table_t *table, ngx_uint_t column,
    int32_t number);

/* A time in two columns: of microseconds, and, unless 0, of what remains. */
ngx_int_t ngx_av_otlp_put_time(ngx_av_otlp_table_t *table, ngx_uint_t column,
    ngx_uint_t nanos, ngx_av_time_t time);

/* json: an object of attributes, null if there are none. */
ngx_int_t ngx_av_otlp_put_attributes(ngx_av_otlp_rows_t *rows,
    ngx_uint_t column, const ngx_str_t *name,
    const ngx_av_otlp_attributes_t *attributes);

/* What was cut in the row, if anything was. */
ngx_int_t ngx_av_otlp_put_truncated(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_table_t *table, ngx_uint_t column);


/* ngx_av_otlp_scope.c */

/* Where the record comes from: sets rows->origin, and adds the scope's ref. */
ngx_int_t ngx_av_otlp_enter(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_scope_t *scope);

/* The last attribute of that key, or NULL. */
const ngx_av_otlp_value_t *ngx_av_otlp_find(
    const ngx_av_otlp_attributes_t *attributes, const char *key, size_t len);


/*
 * A column's buffer, which is to get exactly one element for the row.  NULL
 * without memory.
 */
static ngx_inline ngx_av_buf_t *
ngx_av_otlp_cell(ngx_av_otlp_table_t *table, ngx_uint_t column)
{
    uint64_t  bit;

    bit = (uint64_t) 1 << column;

    if (!(table->used & bit)
        && ngx_av_otlp_backfill(table, column) != NGX_OK)
    {
        return NULL;
    }

    table->written |= bit;

    return &table->columns[column];
}


/* Where a column's next element starts. */

static ngx_inline size_t
ngx_av_otlp_end(ngx_av_otlp_table_t *table, ngx_uint_t column)
{
    if (table->used & ((uint64_t) 1 << column)) {
        return ngx_av_buf_len(&table->columns[column]);
    }

    return 4 * table->nrows;
}


/*
 * What a handler returns for an item: one that was refused has been counted,
 * and beyond the limit of memory there is nothing to go on for.
 */

static ngx_inline ngx_int_t
ngx_av_otlp_next(ngx_int_t rc)
{
    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    return (rc == NGX_ABORT) ? NGX_DECLINED : rc;
}


static ngx_inline ngx_int_t
ngx_av_otlp_put_int2(ngx_av_otlp_table_t *table, ngx_uint_t column,
    int16_t value)
{
    ngx_av_buf_t  *b;

    b = ngx_av_otlp_cell(table, column);

    return b ? ngx_av_db_array_int2(b, value) : NGX_ERROR;
}


static ngx_inline ngx_int_t
ngx_av_otlp_put_int4(ngx_av_otlp_table_t *table, ngx_uint_t column,
    int32_t value)
{
    ngx_av_buf_t  *b;

    b = ngx_av_otlp_cell(table, column);

    return b ? ngx_av_db_array_int4(b, value) : NGX_ERROR;
}


static ngx_inline ngx_int_t
ngx_av_otlp_put_int8(ngx_av_otlp_table_t *table, ngx_uint_t column,
    int64_t value)
{
    ngx_av_buf_t  *b;

    b = ngx_av_otlp_cell(table, column);

    return b ? ngx_av_db_array_int8(b, value) : NGX_ERROR;
}


static ngx_inline ngx_int_t
ngx_av_otlp_put_float8(ngx_av_otlp_table_t *table, ngx_uint_t column,
    double value)
{
    ngx_av_buf_t  *b;

    b = ngx_av_otlp_cell(table, column);

    return b ? ngx_av_db_array_float8(b, value) : NGX_ERROR;
}


static ngx_inline ngx_int_t
ngx_av_otlp_put_uuid(ngx_av_otlp_table_t *table, ngx_uint_t column,
    const ngx_av_uuid_t *value)
{
    ngx_av_buf_t  *b;

    b = ngx_av_otlp_cell(table, column);

    return b ? ngx_av_db_array_uuid(b, value) : NGX_ERROR;
}


static ngx_inline ngx_int_t
ngx_av_otlp_put_numeric(ngx_av_otlp_table_t *table, ngx_uint_t column,
    const ngx_av_decimal_t *value)
{
    ngx_av_buf_t  *b;

    b = ngx_av_otlp_cell(table, column);

    return b ? ngx_av_db_array_numeric(b, value) : NGX_ERROR;
}


#endif /* _NGX_AV_OTLP_ROWS_H_INCLUDED_ */
