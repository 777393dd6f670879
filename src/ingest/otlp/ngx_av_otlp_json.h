/*
 * The JSON form (otlp.md 5).
 */

#ifndef _NGX_AV_OTLP_JSON_H_INCLUDED_
#define _NGX_AV_OTLP_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <yyjson.h>

#include "ngx_av_otlp_decoder.h"


/*
 * Reads a request and delivers what is in it: as ngx_av_otlp_decode(), with
 * NGX_DONE for "stopped by the sink".
 */
ngx_int_t ngx_av_otlp_json_request(ngx_av_otlp_decoder_t *d,
    const u_char *p, size_t len);

/*
 * Reads an object, or null, into the struct of its message, which is not
 * emptied before; what it streams is left out.  NGX_OK; NGX_DECLINED with an
 * error; NGX_ABORT and NGX_ERROR as ngx_av_otlp_scratch_grow().
 */
ngx_int_t ngx_av_otlp_json_message(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, yyjson_val *object, u_char *dst);


#endif /* _NGX_AV_OTLP_JSON_H_INCLUDED_ */
