#include "ngx_av_inflate.h"

#include <zstd_errors.h>


/*
 * The largest window, and what a decoder allocates because a header says so:
 * 8 MiB, as RFC 9659 has it for Content-Encoding.
 */
#define NGX_AV_ZSTD_WINDOW_LOG   23

/* the same in a frame's header, whose exponent counts from 10 */
#define NGX_AV_ZSTD_WINDOW       ((NGX_AV_ZSTD_WINDOW_LOG - 10) << 3)
#define NGX_AV_ZSTD_SINGLE       0x20    /* segment: there is no window */

/* what telemetry is compressed to, for frames that do not say their size */
#define NGX_AV_ZSTD_USUAL_RATIO  8


static size_t ngx_av_zstd_size(const u_char *p, size_t n, size_t len);
static ngx_int_t ngx_av_zstd_init(ngx_av_inflate_t *inf);
static void ngx_av_zstd_end(ngx_av_inflate_t *inf);
static ngx_int_t ngx_av_zstd_begin(ngx_av_inflate_t *inf);
static ngx_int_t ngx_av_zstd_inflate(ngx_av_inflate_t *inf, u_char *p,
    size_t *n);


const ngx_av_coding_t  ngx_av_coding_zstd = {
    "The body is not valid zstd with a window of up to 8 MiB and no dictionary,"
    " or it is truncated.",
    NGX_AV_CODING_HINT, 0, ngx_av_zstd_size,
    ngx_av_zstd_init, ngx_av_zstd_end, ngx_av_zstd_begin, ngx_av_zstd_inflate
};


/* How long the first frame is, and most often that is all. */

static size_t
ngx_av_zstd_size(const u_char *p, size_t n, size_t len)
{
    unsigned long long  size;

    size = ZSTD_getFrameContentSize(p, n);

    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) {
        return NGX_AV_ZSTD_USUAL_RATIO * len;
    }

    return size;
}


static ngx_int_t
ngx_av_zstd_init(ngx_av_inflate_t *inf)
{
    inf->u.zstd = ZSTD_createDCtx();

    if (inf->u.zstd == NULL) {
        return NGX_ERROR;
    }

    (void) ZSTD_DCtx_setParameter(inf->u.zstd, ZSTD_d_windowLogMax,
                                  NGX_AV_ZSTD_WINDOW_LOG);

    return NGX_OK;
}


static void
ngx_av_zstd_end(ngx_av_inflate_t *inf)
{
    (void) ZSTD_freeDCtx(inf->u.zstd);
}


/*
 * The library may know frames from before zstd had its format, whose windows
 * nothing limits; and it takes any window of a frame that it can decode at
 * once, which depends on the room that is left.
 */

static ngx_int_t
ngx_av_zstd_begin(ngx_av_inflate_t *inf)
{
    uint32_t       magic;
    const u_char  *p;

    p = inf->pos;

    if (inf->last - p < 4) {
        return NGX_DECLINED;
    }

    magic = (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16
            | (uint32_t) p[3] << 24;

    if ((magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) {
        return NGX_OK;
    }

    if (magic != ZSTD_MAGICNUMBER) {
        return NGX_DECLINED;
    }

    if (inf->last - p >= 6
        && (p[4] & NGX_AV_ZSTD_SINGLE) == 0
        && p[5] > NGX_AV_ZSTD_WINDOW)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_zstd_inflate(ngx_av_inflate_t *inf, u_char *p, size_t *n)
{
    size_t          rc;
    ZSTD_inBuffer   in;
    ZSTD_outBuffer  out;

    in.src = inf->pos;
    in.size = inf->last - inf->pos;
    in.pos = 0;

    out.dst = p;
    out.size = *n;
    out.pos = 0;

    rc = ZSTD_decompressStream(inf->u.zstd, &out, &in);

    *n = out.pos;
    inf->pos += in.pos;

    if (ZSTD_isError(rc)) {
        return ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation
               ? NGX_ERROR : NGX_DECLINED;
    }

    if (rc == 0) {
        return NGX_OK;
    }

    /* what does not fill the room, although more is to come, is truncated */

    return (inf->pos < inf->last || out.pos == out.size) ? NGX_AGAIN
                                                         : NGX_DECLINED;
}
