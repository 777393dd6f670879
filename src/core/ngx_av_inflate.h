/*
 * gzip bodies (RFC 1952), also of several members, with a limit on what comes
 * out: the answer to a decompression bomb.
 */

#ifndef _NGX_AV_INFLATE_H_INCLUDED_
#define _NGX_AV_INFLATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <zlib.h>

#include "ngx_av_buf.h"


typedef struct {
    z_stream    stream;
    size_t      limit;      /* bytes that may come out */
    unsigned    member:1;   /* inside a member */
    unsigned    ready:1;    /* the stream is initialised */
} ngx_av_inflate_t;


/* NGX_ERROR without memory.  Ended by ngx_av_inflate_end(), always. */
ngx_int_t ngx_av_inflate_init(ngx_av_inflate_t *inf, size_t limit);

/*
 * Inflates a piece of input, appending to out.  NGX_OK: the input is used up;
 * NGX_DECLINED: not gzip, or damaged; NGX_ABORT: over the limit; NGX_ERROR:
 * no memory.
 */
ngx_int_t ngx_av_inflate_feed(ngx_av_inflate_t *inf, const u_char *p,
    size_t len, ngx_av_buf_t *out);

/* NGX_OK if the input ended where a member ends, NGX_DECLINED if truncated. */
ngx_int_t ngx_av_inflate_done(ngx_av_inflate_t *inf);

void ngx_av_inflate_end(ngx_av_inflate_t *inf);


#endif /* _NGX_AV_INFLATE_H_INCLUDED_ */
