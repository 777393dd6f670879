/*
 * Base64 as protobuf's JSON has it: both alphabets, padding or none.
 */

#ifndef _NGX_AV_OTLP_BASE64_H_INCLUDED_
#define _NGX_AV_OTLP_BASE64_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The bytes that len characters decode to at most, and those that len bytes
 * become.
 */
#define ngx_av_otlp_base64_bytes(len)  ((len) / 4 * 3 + 3)
#define ngx_av_otlp_base64_chars(len)  (((len) + 2) / 3 * 4)

/* NGX_OK or NGX_ERROR. */
ngx_int_t ngx_av_otlp_base64_check(const u_char *p, size_t len);

/* Decodes what has been checked; returns the end of what is written. */
u_char *ngx_av_otlp_base64_decode(u_char *out, const u_char *p, size_t len);

/* Encodes: the standard alphabet, padded; returns the end. */
u_char *ngx_av_otlp_base64_encode(u_char *out, const u_char *p, size_t len);


#endif /* _NGX_AV_OTLP_BASE64_H_INCLUDED_ */
