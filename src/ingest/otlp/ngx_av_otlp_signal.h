/*
 * Requests of different signals have the same field numbers, so that spans can
 * be read as if they were log records.  A record shows that if it does not fit
 * its own message, but another signal's from end to end, and has what makes
 * one of those.
 */

#ifndef _NGX_AV_OTLP_SIGNAL_H_INCLUDED_
#define _NGX_AV_OTLP_SIGNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp_decoder.h"


/* after so many records that fit nothing the request is read as it is */
#define NGX_AV_OTLP_SIGNAL_RECORDS  8

/*
 * Looks at a record in protobuf.  NGX_OK; NGX_DECLINED with an error if it is
 * another signal's.  d->unsure counts down, to 0 once a record does fit.
 */
ngx_int_t ngx_av_otlp_signal_check(ngx_av_otlp_decoder_t *d,
    const u_char *p, const u_char *end);


#endif /* _NGX_AV_OTLP_SIGNAL_H_INCLUDED_ */
