/* A request's spans by trace.  Private to ngx_av_otlp_traces.c, _spans.c and
   _parts.c. */

#ifndef _NGX_AV_OTLP_TRACES_H_INCLUDED_
#define _NGX_AV_OTLP_TRACES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp_rows.h"


#define NGX_AV_OTLP_NOWHERE  NGX_MAX_SIZE_T_VALUE


typedef struct ngx_av_otlp_trace_s  ngx_av_otlp_trace_t;


/* A span that was found valid, and where its row has what the header needs. */
typedef struct {
    const ngx_av_otlp_span_t   *span;
    ngx_av_otlp_trace_t        *owner;
    ngx_av_uuid_t               trace;
    ngx_av_uuid_t               id;
    ngx_av_uuid_t               parent;
    ngx_uint_t                  root;           /* unsigned root:1 */
    ngx_uint_t                  ended;          /* unsigned ended:1 */
    ngx_uint_t                  free_trace;     /* ids made of free text, */
    ngx_uint_t                  free_id;        /* unsigned :1 each */
    ngx_uint_t                  free_parent;
    ngx_av_time_t               start;
    ngx_av_time_t               end;            /* start, if it has not ended */

    /* offsets of elements, or NGX_AV_OTLP_NOWHERE */
    size_t                      name;
    size_t                      error;
    size_t                      session;
    size_t                      user;
} ngx_av_otlp_item_t;


/* The span of a trace that comes first: roots do, then the earliest. */
typedef struct {
    ngx_uint_t                  known;          /* unsigned known:1 */
    ngx_uint_t                  root;           /* unsigned root:1 */
    ngx_av_time_t               start;
    ngx_av_uuid_t               id;
    size_t                      at;             /* an offset, as above */
} ngx_av_otlp_pick_t;


struct ngx_av_otlp_trace_s {
    ngx_av_uuid_t               id;
    ngx_av_otlp_trace_t        *next;
    ngx_uint_t                  nrows;
    ngx_uint_t                  first_run;
    ngx_uint_t                  last_run;

    ngx_av_time_t               start;          /* the earliest */
    ngx_av_time_t               end;            /* the latest, or start */
    ngx_av_time_t               ended_at;       /* the latest that is known */
    int64_t                     tokens;
    ngx_av_decimal_t            cost;
    unsigned                    ended:1;
    unsigned                    failed:1;       /* any of them */
    unsigned                    has_tokens:1;
    unsigned                    has_cost:1;
    unsigned                    head_failed:1;

    ngx_av_otlp_pick_t          head;           /* its name */
    size_t                      head_error;
    ngx_av_otlp_origin_t       *head_origin;

    ngx_av_otlp_pick_t          error;          /* of those that have one */
    ngx_av_otlp_pick_t          session;
    ngx_av_otlp_pick_t          user;
    ngx_av_otlp_pick_t          label;          /* of roots: a trace's name */
    ngx_str_t                   label_text;
};


/* Consecutive rows of one trace. */
typedef struct {
    ngx_uint_t                  nrows;
    ngx_uint_t                  next;           /* of the same trace, or 0 */
    size_t                      at;             /* in the column at hand */
    size_t                      len;
} ngx_av_otlp_run_t;


struct ngx_av_otlp_traces_s {
    ngx_av_semconv_t           *sc;
    ngx_av_otlp_table_t         headers;
    ngx_av_otlp_map_t           by_id;          /* ngx_av_otlp_trace_t */
    ngx_av_otlp_map_t           spans;          /* by trace and id */
    ngx_av_otlp_trace_t        *first;
    ngx_av_otlp_trace_t       **last;
    ngx_av_otlp_trace_t        *trace;          /* of the span before */
    ngx_array_t                 runs;           /* of ngx_av_otlp_run_t */
    ngx_uint_t                  ntraces;        /* that have rows */
    ngx_uint_t                  mixed;          /* a trace has several runs:
                                                   unsigned mixed:1 */
    ngx_av_buf_t                details;
};


/* ngx_av_otlp_spans.c: the row of a span; fills in the item's offsets. */
ngx_int_t ngx_av_otlp_put_span(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_item_t *item);

/* ngx_av_otlp_parts.c: the parts, once all spans have their rows. */
ngx_int_t ngx_av_otlp_put_parts(ngx_av_otlp_rows_t *rows);


#endif /* _NGX_AV_OTLP_TRACES_H_INCLUDED_ */
