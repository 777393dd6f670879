/*
 * Random requests of OTLP, written as JSON and as protobuf at once: what is
 * decoded of both must be the same.  Each is spelled in one of the many ways
 * that are allowed: order of fields, snake_case names, numbers as strings,
 * nulls, unknown fields, packed or not.
 */

#ifndef _NGX_AV_OTLP_RANDOM_H_INCLUDED_
#define _NGX_AV_OTLP_RANDOM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"
#include "ngx_av_otlp.h"


typedef struct {
    uint64_t     (*random)(void *data);     /* zeros end it soon */
    void          *data;
    ngx_pool_t    *pool;
    ngx_uint_t     depth;                   /* of values */
    ngx_uint_t     left;                    /* fields to be written */
} ngx_av_otlp_random_t;


void ngx_av_otlp_random(ngx_av_otlp_random_t *rnd,
    ngx_av_otlp_signal_e signal, ngx_av_buf_t *json, ngx_av_buf_t *proto);


#endif /* _NGX_AV_OTLP_RANDOM_H_INCLUDED_ */
