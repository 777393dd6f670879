/*
 * Compressed bodies: gzip (RFC 1952) and zstd (RFC 8878), also of several
 * members or frames, with a limit on what comes out: the answer to a
 * decompression bomb.
 */

#ifndef _NGX_AV_INFLATE_H_INCLUDED_
#define _NGX_AV_INFLATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <zlib.h>
#include <zstd.h>

#include "ngx_av_buf.h"


typedef struct ngx_av_coding_s  ngx_av_coding_t;

/* the most bytes that say how much comes out of a body: a header of zstd */
#define NGX_AV_CODING_HINT  18


typedef struct {
    const ngx_av_coding_t  *coding;
    const u_char           *pos;        /* input that is not used yet */
    const u_char           *last;
    size_t                  limit;      /* bytes that may still come out */
    unsigned                member:1;   /* inside a member, or a frame */

    union {                             /* the coding's */
        z_stream            gzip;
        ZSTD_DCtx          *zstd;
    } u;
} ngx_av_inflate_t;


struct ngx_av_coding_s {
    const char  *invalid;       /* what is said of a body that is not */

    /*
     * How much comes out of a body of len bytes, as it says itself by its
     * first or last few, of which n are at p; or what that is most often.
     */
    size_t       hint;
    ngx_uint_t   hint_last;
    size_t     (*size)(const u_char *p, size_t n, size_t len);

    /* Of an inflater.  NGX_ERROR without memory; end() only after NGX_OK. */
    ngx_int_t  (*init)(ngx_av_inflate_t *inf);
    void       (*end)(ngx_av_inflate_t *inf);

    /* Of each member, at inf->pos.  NGX_DECLINED: there is none. */
    ngx_int_t  (*begin)(ngx_av_inflate_t *inf);

    /*
     * Inflates into the *n bytes at p, and sets *n to how many came.
     * NGX_AGAIN: there may be more; NGX_OK: the member ended; NGX_DECLINED: it
     * is damaged or truncated; NGX_ERROR: no memory.
     */
    ngx_int_t  (*inflate)(ngx_av_inflate_t *inf, u_char *p, size_t *n);
};


extern const ngx_av_coding_t  ngx_av_coding_gzip;
extern const ngx_av_coding_t  ngx_av_coding_zstd;


/*
 * By a name of HTTP or gRPC; *coding is NULL for that of no coding at all.
 * NGX_DECLINED: there is none of that name.
 */
ngx_int_t ngx_av_coding_find(const ngx_str_t *name,
    const ngx_av_coding_t **coding);

/*
 * All the input at p, which stays where it is.  NGX_ERROR without memory; if
 * NGX_OK, it is ended by ngx_av_inflate_end().
 */
ngx_int_t ngx_av_inflate_init(ngx_av_inflate_t *inf,
    const ngx_av_coding_t *coding, const u_char *p, size_t len, size_t limit);

/*
 * Appends up to size bytes to out.  NGX_AGAIN: there may be more; NGX_OK: that
 * was all; NGX_DECLINED: not in the coding, damaged or truncated; NGX_ABORT:
 * over the limit; NGX_ERROR: no memory.
 */
ngx_int_t ngx_av_inflate_step(ngx_av_inflate_t *inf, ngx_av_buf_t *out,
    size_t size);

void ngx_av_inflate_end(ngx_av_inflate_t *inf);


#endif /* _NGX_AV_INFLATE_H_INCLUDED_ */
