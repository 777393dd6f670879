/*
 * What both decoders share: where they are in the request, what they have of
 * it, and how a message becomes a call of a handler.  They walk the envelopes
 * alike: a message begins, its own fields are read, it is delivered, and then
 * come the messages that are streamed from it.
 */

#ifndef _NGX_AV_OTLP_DECODER_H_INCLUDED_
#define _NGX_AV_OTLP_DECODER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp.h"
#include "ngx_av_otlp_schema.h"
#include "ngx_av_otlp_scratch.h"


/* resource, scope, record; metrics also have data and points */
#define NGX_AV_OTLP_LEVELS    5

#define NGX_AV_OTLP_NO_INDEX  NGX_MAX_SIZE_T_VALUE

typedef struct {
    const ngx_str_t                 *name;
    ngx_uint_t                       index;
} ngx_av_otlp_level_t;


/*
 * For reading one message.  A value's children are read to check them, unless
 * it is shallow: then they have been.
 */
typedef struct {
    ngx_av_otlp_scratch_t           *scratch;
    ngx_av_otlp_result_t            *result;
    const u_char                    *body;      /* offsets count from here */
    ngx_uint_t                       depth;     /* levels left in a value */
    ngx_uint_t                       nlevels;
    ngx_av_otlp_level_t              levels[NGX_AV_OTLP_LEVELS];
    unsigned                         shallow:1;
} ngx_av_otlp_reader_t;


typedef struct {
    ngx_av_otlp_reader_t             reader;
    ngx_av_otlp_scratch_t            scratch;
    ngx_av_otlp_signal_e             signal;
    const ngx_av_otlp_limits_t      *limits;
    const ngx_av_otlp_sink_t        *sink;
    ngx_uint_t                       unsure;    /* records that may still be
                                                   another signal's */

    ngx_av_otlp_scope_t              scope;
    ngx_av_otlp_metric_t             metric;

    union {
        ngx_av_otlp_span_t           span;
        ngx_av_otlp_log_t            log;
        ngx_av_otlp_point_t          point;
    } record;
} ngx_av_otlp_decoder_t;


/* Empties and returns the struct that the fields of a message go to. */
void *ngx_av_otlp_begin(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message);

/*
 * Tells the sink of a message whose fields were read.  Returns what the
 * handler does, NGX_DONE for "stop".
 */
ngx_int_t ngx_av_otlp_deliver(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message);

/*
 * Says what is wrong: result->error becomes the place, the message and its
 * field, which may be NULL, and the text.  Always NGX_DECLINED.
 */
ngx_int_t ngx_av_otlp_error(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    const char *text);

/* As above; where counts in the body. */
ngx_int_t ngx_av_otlp_error_at(ngx_av_otlp_reader_t *r, const u_char *where,
    const char *text);

/* The body is of another signal. */
ngx_int_t ngx_av_otlp_error_signal(ngx_av_otlp_reader_t *r,
    ngx_av_otlp_signal_e expected, ngx_av_otlp_signal_e found);


/* A level of the place, while what is streamed from a message is read. */
static ngx_inline ngx_av_otlp_level_t *
ngx_av_otlp_enter(ngx_av_otlp_reader_t *r, const ngx_str_t *name,
    ngx_uint_t index)
{
    ngx_av_otlp_level_t  *level;

    level = &r->levels[r->nlevels++];
    level->name = name;
    level->index = index;

    return level;
}


static ngx_inline void
ngx_av_otlp_leave(ngx_av_otlp_reader_t *r)
{
    r->nlevels--;
}


/* The number of the field that is streamed from an envelope. */
static ngx_inline ngx_uint_t
ngx_av_otlp_streamed(const ngx_av_otlp_message_t *message)
{
    ngx_uint_t  number;

    number = 1;

    while (message->fields[number].count != NGX_AV_OTLP_STREAM) {
        number++;
    }

    return number;
}


/* Leaves a field's mark, if it has one, in the struct it belongs to. */
static ngx_inline void
ngx_av_otlp_set_mark(const ngx_av_otlp_field_t *field, u_char *dst)
{
    uint32_t  *mark;

    if (field->mark == 0) {
        return;
    }

    mark = (uint32_t *) (dst + field->mark_offset);
    *mark = field->one_of ? field->mark : (*mark | field->mark);
}


/*
 * Where the next value of a field goes: for one of many a new element of so
 * many bytes, which are zero (but for numbers, behind some that were packed).
 * NGX_OK, or as ngx_av_otlp_scratch_grow().
 */
static ngx_inline ngx_int_t
ngx_av_otlp_place(ngx_av_otlp_reader_t *r, const ngx_av_otlp_field_t *field,
    u_char *dst, size_t size, u_char **place)
{
    ngx_int_t             rc;
    ngx_av_otlp_array_t  *array;

    dst += field->offset;

    if (field->count != NGX_AV_OTLP_MANY) {
        *place = dst;
        return NGX_OK;
    }

    array = (ngx_av_otlp_array_t *) dst;

    if (array->nelts == array->nalloc) {
        rc = ngx_av_otlp_scratch_grow(r->scratch, array, 1, size);
        if (rc != NGX_OK) {
            return rc;
        }

        ngx_memzero((u_char *) array->elts + size * array->nelts,
                    size * (array->nalloc - array->nelts));
    }

    *place = (u_char *) array->elts + size * array->nelts++;

    return NGX_OK;
}


#endif /* _NGX_AV_OTLP_DECODER_H_INCLUDED_ */
