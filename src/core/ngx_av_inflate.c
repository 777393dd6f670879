#include "ngx_av_inflate.h"


/* zlib's code for "gzip only", added to the largest window */
#define NGX_AV_INFLATE_GZIP   16

/* the first guess of what comes out; the buffer doubles from there */
#define NGX_AV_INFLATE_ROOM   4096

/* zlib counts in unsigned int */
#define NGX_AV_INFLATE_PIECE  ((size_t) 1 << 30)


static ngx_int_t ngx_av_inflate_piece(ngx_av_inflate_t *inf,
    ngx_av_buf_t *out);
static ngx_int_t ngx_av_inflate_begin_member(ngx_av_inflate_t *inf);
static ngx_int_t ngx_av_inflate_step(ngx_av_inflate_t *inf,
    ngx_av_buf_t *out);


ngx_int_t
ngx_av_inflate_init(ngx_av_inflate_t *inf, size_t limit)
{
    ngx_memzero(inf, sizeof(ngx_av_inflate_t));

    inf->limit = limit;
    inf->member = 1;

    if (inflateInit2(&inf->stream, MAX_WBITS + NGX_AV_INFLATE_GZIP) != Z_OK) {
        return NGX_ERROR;
    }

    inf->ready = 1;

    return NGX_OK;
}


ngx_int_t
ngx_av_inflate_feed(ngx_av_inflate_t *inf, const u_char *p, size_t len,
    ngx_av_buf_t *out)
{
    size_t     n;
    ngx_int_t  rc;

    while (len) {
        n = ngx_min(len, NGX_AV_INFLATE_PIECE);

        inf->stream.next_in = (u_char *) p;
        inf->stream.avail_in = n;

        rc = ngx_av_inflate_piece(inf, out);
        if (rc != NGX_OK) {
            return rc;
        }

        p += n;
        len -= n;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_inflate_piece(ngx_av_inflate_t *inf, ngx_av_buf_t *out)
{
    ngx_int_t  rc;

    do {
        if (!inf->member) {
            rc = ngx_av_inflate_begin_member(inf);

            if (rc != NGX_AGAIN) {
                return rc;
            }
        }

        rc = ngx_av_inflate_step(inf, out);

    } while (rc == NGX_AGAIN);

    return rc;
}


/* NGX_AGAIN if one begins, NGX_OK if only padding is left of the input. */
static ngx_int_t
ngx_av_inflate_begin_member(ngx_av_inflate_t *inf)
{
    z_stream  *z;

    z = &inf->stream;

    while (z->avail_in && *z->next_in == 0) {
        z->next_in++;
        z->avail_in--;
    }

    if (z->avail_in == 0) {
        return NGX_OK;
    }

    if (inflateReset(z) != Z_OK) {
        return NGX_ERROR;
    }

    inf->member = 1;

    return NGX_AGAIN;
}


/* NGX_AGAIN if there may be more to do before more input comes. */
static ngx_int_t
ngx_av_inflate_step(ngx_av_inflate_t *inf, ngx_av_buf_t *out)
{
    int        rc;
    size_t     room, n;
    z_stream  *z;

    if (out->last == out->end
        && ngx_av_buf_grow(out, NGX_AV_INFLATE_ROOM) != NGX_OK)
    {
        return NGX_ERROR;
    }

    room = ngx_min((size_t) (out->end - out->last), NGX_AV_INFLATE_PIECE);

    if (room > inf->limit) {
        /* the byte too many proves that the limit is passed */
        room = inf->limit + 1;
    }

    z = &inf->stream;
    z->next_out = out->last;
    z->avail_out = room;

    rc = inflate(z, Z_NO_FLUSH);

    n = room - z->avail_out;

    if (n > inf->limit) {
        return NGX_ABORT;
    }

    out->last += n;
    inf->limit -= n;

    switch (rc) {

    case Z_STREAM_END:
        inf->member = 0;
        return NGX_AGAIN;

    case Z_OK:
        /* what zlib holds back of its output comes with the trailer at last */
        return z->avail_in ? NGX_AGAIN : NGX_OK;

    case Z_BUF_ERROR:
        return NGX_OK;

    case Z_MEM_ERROR:
        return NGX_ERROR;

    default:
        return NGX_DECLINED;
    }
}


ngx_int_t
ngx_av_inflate_done(ngx_av_inflate_t *inf)
{
    return inf->member ? NGX_DECLINED : NGX_OK;
}


void
ngx_av_inflate_end(ngx_av_inflate_t *inf)
{
    if (inf->ready) {
        (void) inflateEnd(&inf->stream);
        inf->ready = 0;
    }
}
