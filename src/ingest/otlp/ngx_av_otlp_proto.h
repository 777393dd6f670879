/*
 * The protobuf form (otlp.md 6).  Fields come in any order, unknown ones and
 * those of an unexpected wire type are skipped, every length is bounded by the
 * message it is in.
 */

#ifndef _NGX_AV_OTLP_PROTO_H_INCLUDED_
#define _NGX_AV_OTLP_PROTO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp_decoder.h"


/* The fields of a message as they lie there. */
typedef struct {
    ngx_uint_t     number;
    ngx_uint_t     wire;        /* ngx_av_otlp_wire_e, never START or END */
    uint64_t       integer;     /* VARINT, I64, I32 */
    const u_char  *data;        /* LEN */
    size_t         len;
} ngx_av_otlp_raw_t;


/*
 * Reads a request and delivers what is in it: as ngx_av_otlp_decode(), with
 * NGX_DONE for "stopped by the sink".
 */
ngx_int_t ngx_av_otlp_proto_request(ngx_av_otlp_decoder_t *d,
    const u_char *p, size_t len);

/*
 * Reads a message into its struct, which is not emptied before; what it
 * streams is only skipped.  NGX_OK; NGX_DECLINED with an error; NGX_ABORT and
 * NGX_ERROR as ngx_av_otlp_scratch_grow().
 */
ngx_int_t ngx_av_otlp_proto_message(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const u_char *p, const u_char *end,
    u_char *dst);

/*
 * Reads the next field of a message that is not at its end, groups skipped
 * (then the wire is NGX_AV_OTLP_WIRE_NONE).  Returns the end of the field;
 * NULL with an error.
 */
const u_char *ngx_av_otlp_proto_field(ngx_av_otlp_reader_t *r,
    const u_char *p, const u_char *end, ngx_av_otlp_raw_t *raw);


#endif /* _NGX_AV_OTLP_PROTO_H_INCLUDED_ */
