#include "ngx_av_numeric.h"

#include "ngx_av_text.h"


/* ndigits, weight, sign and dscale, two bytes each; then the digits */
#define NGX_AV_NUMERIC_HEADER  8

#define NGX_AV_NUMERIC_NEG     0x4000


/*
 * Digits are of base 10000: the first one counts 10000^weight.  scale is how
 * many decimal ones there are after the point.
 */
typedef struct {
    const u_char  *digits;
    ngx_int_t      ndigits;
    ngx_int_t      weight;
    ngx_int_t      scale;
    ngx_uint_t     sign;
} ngx_av_numeric_t;


static ngx_int_t ngx_av_numeric_read(ngx_av_numeric_t *n, const u_char *p,
    size_t len);
static u_char *ngx_av_numeric_format(u_char *p, const ngx_av_numeric_t *n);
static u_char *ngx_av_numeric_group(u_char *p, const ngx_av_numeric_t *n,
    ngx_int_t i);


static ngx_inline ngx_uint_t
ngx_av_numeric_get16(const u_char *p)
{
    return p[0] << 8 | p[1];
}


ngx_int_t
ngx_av_numeric_write(ngx_av_buf_t *b, const u_char *p, size_t len,
    ngx_uint_t trimmed)
{
    u_char            *last;
    ngx_av_numeric_t   n;

    if (ngx_av_numeric_read(&n, p, len) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* a sign and a point; the last group may have more than is shown */

    if (ngx_av_buf_reserve(b, 4 * (ngx_max(n.weight, 0) + 1) + n.scale + 5)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    last = ngx_av_numeric_format(b->last, &n);

    if (trimmed && n.scale) {

        while (last[-1] == '0') {
            last--;
        }

        if (last[-1] == '.') {
            last--;
        }
    }

    b->last = last;

    return NGX_OK;
}


static ngx_int_t
ngx_av_numeric_read(ngx_av_numeric_t *n, const u_char *p, size_t len)
{
    if (len < NGX_AV_NUMERIC_HEADER) {
        return NGX_ERROR;
    }

    n->ndigits = ngx_av_numeric_get16(p);
    n->weight = (int16_t) ngx_av_numeric_get16(p + 2);
    n->sign = ngx_av_numeric_get16(p + 4);
    n->scale = ngx_av_numeric_get16(p + 6);
    n->digits = p + NGX_AV_NUMERIC_HEADER;

    /* other signs are NaN and infinities */

    if ((n->sign != 0 && n->sign != NGX_AV_NUMERIC_NEG)
        || len != NGX_AV_NUMERIC_HEADER + 2 * (size_t) n->ndigits)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static u_char *
ngx_av_numeric_format(u_char *p, const ngx_av_numeric_t *n)
{
    u_char     *end;
    ngx_int_t   i;

    if (n->sign) {
        *p++ = '-';
    }

    if (n->weight < 0 || n->ndigits == 0) {
        *p++ = '0';

    } else {
        p = ngx_av_text_uint64(p, ngx_av_numeric_get16(n->digits));
    }

    for (i = 1; i <= n->weight; i++) {
        p = ngx_av_numeric_group(p, n, i);
    }

    if (n->scale == 0) {
        return p;
    }

    *p++ = '.';

    end = p + n->scale;

    for (i = n->weight + 1; p < end; i++) {
        p = ngx_av_numeric_group(p, n, i);
    }

    return end;
}


/* Four decimal digits; zeros where none are stored. */

static u_char *
ngx_av_numeric_group(u_char *p, const ngx_av_numeric_t *n, ngx_int_t i)
{
    ngx_uint_t  value;

    value = (i >= 0 && i < n->ndigits)
            ? ngx_av_numeric_get16(n->digits + 2 * i) : 0;

    p[0] = '0' + value / 1000 % 10;
    p[1] = '0' + value / 100 % 10;
    p[2] = '0' + value / 10 % 10;
    p[3] = '0' + value % 10;

    return p + 4;
}
