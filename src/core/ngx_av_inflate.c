#include "ngx_av_inflate.h"


/* the first guess of what comes out; the buffer doubles from there */
#define NGX_AV_INFLATE_ROOM  4096


ngx_int_t
ngx_av_coding_find(const ngx_str_t *name, const ngx_av_coding_t **coding)
{
    ngx_uint_t  i;

    static const struct {
        ngx_str_t               name;
        const ngx_av_coding_t  *coding;
    } codings[] = {
        { ngx_string("gzip"), &ngx_av_coding_gzip },
        { ngx_string("x-gzip"), &ngx_av_coding_gzip },
        { ngx_string("zstd"), &ngx_av_coding_zstd },
        { ngx_string("identity"), NULL },
        { ngx_string(""), NULL }
    };

    for (i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {

        if (name->len == codings[i].name.len
            && ngx_strncasecmp(name->data, codings[i].name.data, name->len)
               == 0)
        {
            *coding = codings[i].coding;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_av_inflate_init(ngx_av_inflate_t *inf, const ngx_av_coding_t *coding,
    const u_char *p, size_t len, size_t limit)
{
    ngx_memzero(inf, sizeof(ngx_av_inflate_t));

    inf->coding = coding;
    inf->pos = p;
    inf->last = p + len;
    inf->limit = limit;

    return coding->init(inf);
}


ngx_int_t
ngx_av_inflate_step(ngx_av_inflate_t *inf, ngx_av_buf_t *out, size_t size)
{
    size_t     n;
    ngx_int_t  rc;

    if (!inf->member) {
        rc = inf->coding->begin(inf);

        if (rc != NGX_OK) {
            return rc;
        }

        inf->member = 1;
    }

    if (out->last == out->end
        && ngx_av_buf_grow(out, NGX_AV_INFLATE_ROOM) != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = ngx_min((size_t) (out->end - out->last), size);

    if (n > inf->limit) {
        /* the byte too many proves that the limit is passed */
        n = inf->limit + 1;
    }

    rc = inf->coding->inflate(inf, out->last, &n);

    if (n > inf->limit) {
        return NGX_ABORT;
    }

    out->last += n;
    inf->limit -= n;

    if (rc == NGX_OK && inf->pos < inf->last) {
        inf->member = 0;
        return NGX_AGAIN;
    }

    return rc;
}


void
ngx_av_inflate_end(ngx_av_inflate_t *inf)
{
    inf->coding->end(inf);
}
