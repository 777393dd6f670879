#include "ngx_av_inflate.h"


/* zlib's code for "gzip only", added to the largest window */
#define NGX_AV_GZIP_ONLY   16

/* zlib counts in unsigned int */
#define NGX_AV_GZIP_PIECE  ((size_t) 1 << 30)

/* of a member: its length, at its end, and the shortest there is */
#define NGX_AV_GZIP_TAIL   4
#define NGX_AV_GZIP_LEAST  18


static size_t ngx_av_gzip_size(const u_char *p, size_t n, size_t len);
static ngx_int_t ngx_av_gzip_init(ngx_av_inflate_t *inf);
static void ngx_av_gzip_end(ngx_av_inflate_t *inf);
static ngx_int_t ngx_av_gzip_begin(ngx_av_inflate_t *inf);
static ngx_int_t ngx_av_gzip_inflate(ngx_av_inflate_t *inf, u_char *p,
    size_t *n);


const ngx_av_coding_t  ngx_av_coding_gzip = {
    "The body is not valid gzip, or it is truncated.",
    NGX_AV_GZIP_TAIL, 1, ngx_av_gzip_size,
    ngx_av_gzip_init, ngx_av_gzip_end, ngx_av_gzip_begin, ngx_av_gzip_inflate
};


/* How long the last member is, and most often that is all. */

static size_t
ngx_av_gzip_size(const u_char *p, size_t n, size_t len)
{
    if (len < NGX_AV_GZIP_LEAST) {
        return 0;
    }

    if (n < NGX_AV_GZIP_TAIL) {
        return (size_t) -1;
    }

    return (size_t) p[0] | (size_t) p[1] << 8 | (size_t) p[2] << 16
           | (size_t) p[3] << 24;
}


static ngx_int_t
ngx_av_gzip_init(ngx_av_inflate_t *inf)
{
    return inflateInit2(&inf->u.gzip, MAX_WBITS + NGX_AV_GZIP_ONLY) == Z_OK
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_av_gzip_end(ngx_av_inflate_t *inf)
{
    (void) inflateEnd(&inf->u.gzip);
}


static ngx_int_t
ngx_av_gzip_begin(ngx_av_inflate_t *inf)
{
    return inflateReset(&inf->u.gzip) == Z_OK ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_av_gzip_inflate(ngx_av_inflate_t *inf, u_char *p, size_t *n)
{
    int        rc;
    size_t     room;
    z_stream  *z;

    room = ngx_min(*n, NGX_AV_GZIP_PIECE);

    z = &inf->u.gzip;
    z->next_in = (u_char *) inf->pos;
    z->avail_in = ngx_min((size_t) (inf->last - inf->pos), NGX_AV_GZIP_PIECE);
    z->next_out = p;
    z->avail_out = room;

    rc = inflate(z, Z_NO_FLUSH);

    *n = room - z->avail_out;
    inf->pos = z->next_in;

    switch (rc) {

    case Z_STREAM_END:

        /* padding */

        while (inf->pos < inf->last && *inf->pos == 0) {
            inf->pos++;
        }

        return NGX_OK;

    case Z_OK:
        return NGX_AGAIN;

    case Z_MEM_ERROR:
        return NGX_ERROR;

    default: /* also Z_BUF_ERROR: there is no more input */
        return NGX_DECLINED;
    }
}
