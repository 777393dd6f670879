/*
 * Parameters of a query, as its row in the route table declares them: taken
 * from the path, the query string and a small JSON body, checked, and made
 * into binary parameters of the prepared statement that answers it.  Private
 * to src/api.
 */

#ifndef _NGX_AV_PARAMS_H_INCLUDED_
#define _NGX_AV_PARAMS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"


/* What a value must be, and the type that the SQL function gets. */

typedef enum {
    NGX_AV_PARAM_TEXT = 0,      /* text, of min to max characters if max is
                                   not 0; an empty one is as if absent */
    NGX_AV_PARAM_UUID,          /* uuid */
    NGX_AV_PARAM_TIME,          /* timestamptz */
    NGX_AV_PARAM_INTEGER,       /* int8, from min to max */
    NGX_AV_PARAM_NUMBER,        /* numeric */
    NGX_AV_PARAM_BOOLEAN,       /* bool */
    NGX_AV_PARAM_WORD,          /* int2: the number of one of the words */
    NGX_AV_PARAM_OBJECT,        /* jsonb: a JSON object of scalars */
    NGX_AV_PARAM_CURSOR,        /* timestamptz and uuid, as printed by
                                   agentvista.cursor() */
    NGX_AV_PARAM_FROM,          /* timestamptz: a time, or a day's beginning */
    NGX_AV_PARAM_UNTIL,         /* the same, or a day's end */
    NGX_AV_PARAM_AFTER,         /* timestamptz and uuid: "TIME" or
                                   "TIME~UUID" */
    NGX_AV_PARAM_END            /* of a table */
} ngx_av_param_kind_e;


/* Where a value comes from (the query string by default), and its rules. */

#define NGX_AV_PARAM_PATH      0x01   /* the next {segment}; 404 if malformed */
#define NGX_AV_PARAM_BODY      0x02   /* a member of the JSON body */
#define NGX_AV_PARAM_REQUIRED  0x04
#define NGX_AV_PARAM_DEFAULT   0x08   /* absent: the default */
#define NGX_AV_PARAM_CLAMP     0x10   /* out of range: the nearest in it */
#define NGX_AV_PARAM_LENIENT   0x20   /* malformed: as if absent */
#define NGX_AV_PARAM_TELL      0x40   /* of a body, may be null: one more
                                         parameter, bool, is true if it was
                                         there at all */
#define NGX_AV_PARAM_ALIAS     0x80   /* another name of the one before */
#define NGX_AV_PARAM_PAIR      0x100  /* only together with the one before */


typedef struct {
    ngx_str_t                    word;
    int16_t                      number;
} ngx_av_param_word_t;


typedef struct {
    ngx_str_t                    name;
    ngx_av_param_kind_e          kind;
    ngx_uint_t                   flags;

    int64_t                      value;     /* default of an INTEGER or WORD */
    int64_t                      min;       /* of an INTEGER or TEXT */
    int64_t                      max;

    const ngx_av_param_word_t   *words;     /* of a WORD; an empty one ends */
} ngx_av_param_t;


/* For rows of the route table: each ends with its comma. */

#define NGX_AV_PARAM(kind, name, flags)                                       \
    { ngx_string(name), NGX_AV_PARAM_##kind, flags, 0, 0, 0, NULL },

#define NGX_AV_TEXT(name, flags, min, max)                                    \
    { ngx_string(name), NGX_AV_PARAM_TEXT, flags, 0, min, max, NULL },

#define NGX_AV_INTEGER(name, flags, value, min, max)                          \
    { ngx_string(name), NGX_AV_PARAM_INTEGER, flags, value, min, max, NULL },

#define NGX_AV_WORD(name, flags, words, value)                                \
    { ngx_string(name), NGX_AV_PARAM_WORD, flags, value, 0, 0, words },

#define NGX_AV_PARAM_LAST                                                     \
    { ngx_null_string, NGX_AV_PARAM_END, 0, 0, 0, 0, NULL }


typedef struct {
    const ngx_av_param_t        *param;
    ngx_str_t                    message;   /* what it must be, for people */
} ngx_av_param_error_t;


typedef struct {
    /* filled in by the caller */
    ngx_pool_t                  *pool;      /* of the values */
    ngx_log_t                   *log;
    const ngx_av_param_t        *params;    /* the table */
    ngx_str_t                   *segments;  /* of the path, in its order */
    ngx_str_t                    args;      /* the query string */
    ngx_str_t                    body;
    ngx_uint_t                   strict;    /* empty numbers, words, times...
                                               are malformed, not absent */

    /* the statement's parameters; those before first are the caller's */
    const char                 **values;
    int                         *lengths;
    ngx_uint_t                   first;

    /* NGX_DECLINED: of each parameter at most one */
    ngx_array_t                  errors;    /* ngx_av_param_error_t */
} ngx_av_params_t;


/*
 * NGX_OK; NGX_DECLINED with errors; NGX_ABORT if a parameter of the path is
 * malformed, so that there can be no such thing; NGX_ERROR without memory.
 */
ngx_int_t ngx_av_params_read(ngx_av_params_t *ps);

/* Some parameter is a member of the body. */
ngx_uint_t ngx_av_params_want_body(const ngx_av_param_t *params);

/*
 * The statement "select agentvista.<function>(<account>, <parameters>)", or
 * "select * from" it if it returns rows; st->name is the function's name.
 * NGX_ERROR without memory.
 */
ngx_int_t ngx_av_params_statement(ngx_pool_t *pool,
    ngx_av_db_statement_t *st, const char *function, ngx_uint_t rows,
    const ngx_av_param_t *params);


/* of ngx_av_param_kinds.c */

/* Statement parameters that a parameter makes, with their types. */
ngx_uint_t ngx_av_param_types(const ngx_av_param_t *param, uint32_t *types);

#define NGX_AV_PARAM_MAX_TYPES  3

/*
 * Makes values[0..] and lengths[0..] of a text.  NGX_DECLINED with a message
 * if it is malformed.
 */
ngx_int_t ngx_av_param_convert(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths, ngx_str_t *message);

/* The default, or null. */
ngx_int_t ngx_av_param_absent(ngx_av_params_t *ps,
    const ngx_av_param_t *param, const char **values, int *lengths);


#endif /* _NGX_AV_PARAMS_H_INCLUDED_ */
