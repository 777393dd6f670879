/*
 * Answers that are made of rows of agentvista.span_row: texts that SQL has
 * made, and spans, whose JSON is written here by a table of fields for each
 * form, as Postgres would take several times as long.  Private to src/api.
 */

#ifndef _NGX_AV_SPAN_ROW_H_INCLUDED_
#define _NGX_AV_SPAN_ROW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"
#include "ngx_av_db.h"


/* The columns of agentvista.span_row, in its order. */
typedef enum {
    NGX_AV_SPAN_ROW_TEXT = 0,
    NGX_AV_SPAN_ROW_MORE,
    NGX_AV_SPAN_ROW_TRACE_ID,
    NGX_AV_SPAN_ROW_SPAN_ID,
    NGX_AV_SPAN_ROW_PARENT_ID,
    NGX_AV_SPAN_ROW_TYPE,
    NGX_AV_SPAN_ROW_KIND,
    NGX_AV_SPAN_ROW_STATUS,
    NGX_AV_SPAN_ROW_OTLP_STATUS,
    NGX_AV_SPAN_ROW_NAME,
    NGX_AV_SPAN_ROW_STARTED_AT,
    NGX_AV_SPAN_ROW_STARTED_NANOS,
    NGX_AV_SPAN_ROW_ENDED_AT,
    NGX_AV_SPAN_ROW_ENDED_NANOS,
    NGX_AV_SPAN_ROW_DURATION,
    NGX_AV_SPAN_ROW_SERVICE_NAME,
    NGX_AV_SPAN_ROW_SCOPE_ID,
    NGX_AV_SPAN_ROW_SESSION_ID,
    NGX_AV_SPAN_ROW_USER_ID,
    NGX_AV_SPAN_ROW_MODEL,
    NGX_AV_SPAN_ROW_INPUT_TOKENS,
    NGX_AV_SPAN_ROW_OUTPUT_TOKENS,
    NGX_AV_SPAN_ROW_TOTAL_TOKENS,
    NGX_AV_SPAN_ROW_COST,
    NGX_AV_SPAN_ROW_ERROR_MESSAGE,
    NGX_AV_SPAN_ROW_INPUT,
    NGX_AV_SPAN_ROW_OUTPUT,
    NGX_AV_SPAN_ROW_METADATA,
    NGX_AV_SPAN_ROW_DETAILS,
    NGX_AV_SPAN_ROW_EVENTS,
    NGX_AV_SPAN_ROW_LINKS,
    NGX_AV_SPAN_ROW_TRUNCATED
} ngx_av_span_row_column_e;


#define NGX_AV_SPAN_ROW_MAX_DETAILS  16

typedef struct {
    const ngx_av_db_result_t   *result;
    ngx_uint_t                  number;

    /* JSON values of the members of details that the form names */
    ngx_str_t                   details[NGX_AV_SPAN_ROW_MAX_DETAILS];
} ngx_av_span_row_t;


typedef struct ngx_av_span_field_s  ngx_av_span_field_t;

/* Appends a value; NGX_DECLINED if there is none. */
typedef ngx_int_t (*ngx_av_span_write_pt)(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);

struct ngx_av_span_field_s {
    ngx_str_t                   before;     /* what is written first: its key,
                                               with what leads to it */
    ngx_av_span_write_pt        write;
    ngx_uint_t                  source;     /* a column, or a detail */
};

#define NGX_AV_SPAN_FIELD(before, write, column)                              \
    { ngx_string(before), write, NGX_AV_SPAN_ROW_##column }

/* An array of them, and how many there are. */
#define NGX_AV_SPAN_FIELDS(fields)                                            \
    fields, sizeof(fields) / sizeof(fields[0])

typedef struct {
    const ngx_av_span_field_t  *fields;
    ngx_uint_t                  nfields;
    const ngx_str_t            *details;    /* keys with their quotes, or NULL;
                                               an empty one ends */
    ngx_str_t                   last;       /* after the fields */
    unsigned                    nulls:1;    /* what is not there is null, else
                                               it is left out */
    unsigned                    list:1;     /* commas between spans */
} ngx_av_span_form_t;

/* AgentVista's, AgentMark's, and those of AgentMark's export, line by line. */
extern const ngx_av_span_form_t  ngx_av_span_vista;
extern const ngx_av_span_form_t  ngx_av_span_mark;
extern const ngx_av_span_form_t  ngx_av_span_line;


/* A part of an answer, in memory of a pool; what is not known is empty. */
typedef struct {
    ngx_str_t                   text;
    ngx_str_t                   rest;       /* for what follows */
    ngx_str_t                   type;       /* of the whole answer */
    ngx_str_t                   page;       /* where the next one begins */
} ngx_av_span_chunk_t;

/* NGX_DECLINED if there are no rows, NGX_ERROR without memory. */
ngx_int_t ngx_av_span_rows(ngx_pool_t *pool, const ngx_av_db_result_t *result,
    const ngx_av_span_form_t *form, ngx_av_span_chunk_t *chunk);


/* A column's value; data is NULL if it is null. */
static ngx_inline ngx_str_t
ngx_av_span_value(const ngx_av_span_row_t *row, ngx_uint_t column)
{
    ngx_str_t  value;

    value = ngx_av_db_value(row->result, row->number, column);

    if (value.len == 0
        && ngx_av_db_is_null(row->result, row->number, column))
    {
        value.data = NULL;
    }

    return value;
}


/* The text of a jsonb column, which comes after a version. */
static ngx_inline ngx_str_t
ngx_av_span_jsonb(const ngx_av_span_row_t *row, ngx_uint_t column)
{
    ngx_str_t  value;

    value = ngx_av_db_value(row->result, row->number, column);

    if (value.len == 0) {
        value.data = NULL;
        return value;
    }

    value.data++;
    value.len--;

    return value;
}


/* A number's; 0 if it is null. */
static ngx_inline int64_t
ngx_av_span_int(const ngx_av_span_row_t *row, ngx_uint_t column)
{
    return ngx_av_db_int8(row->result, row->number, column);
}


static ngx_inline ngx_uint_t
ngx_av_span_is_null(const ngx_av_span_row_t *row, ngx_uint_t column)
{
    return ngx_av_db_is_null(row->result, row->number, column);
}


/* Nanoseconds since 1970: of a time, and the column after it. */
ngx_av_time_t ngx_av_span_time(const ngx_av_span_row_t *row,
    ngx_uint_t column);


/* A value that is written as what its column is. */
ngx_int_t ngx_av_span_write(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field);


#endif /* _NGX_AV_SPAN_ROW_H_INCLUDED_ */
