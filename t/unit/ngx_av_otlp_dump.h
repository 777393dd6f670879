/*
 * Records of OTLP as text, one a line, so that they can be compared: with what
 * is expected, and those of one encoding with those of the other.
 */

#ifndef _NGX_AV_OTLP_DUMP_H_INCLUDED_
#define _NGX_AV_OTLP_DUMP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp.h"


/*
 * Decodes and appends what is delivered.  The members that are not set are
 * left out, the texts of ids always.
 */
ngx_int_t ngx_av_otlp_dump(ngx_av_buf_t *b, ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, const void *body, size_t len,
    const ngx_av_otlp_limits_t *limits, ngx_av_otlp_result_t *result);


#endif /* _NGX_AV_OTLP_DUMP_H_INCLUDED_ */
