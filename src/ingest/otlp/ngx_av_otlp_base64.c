#include "ngx_av_otlp_base64.h"


#define NGX_AV_OTLP_BASE64_DIGITS                                             \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


static size_t ngx_av_otlp_base64_digits(const u_char *p, size_t len);
static ngx_int_t ngx_av_otlp_base64_digit(u_char c);


ngx_int_t
ngx_av_otlp_base64_check(const u_char *p, size_t len)
{
    size_t  i, n;

    n = ngx_av_otlp_base64_digits(p, len);

    /* if there is padding it is complete; one digit alone is no byte */

    if (n % 4 == 1 || (n != len && len % 4 != 0)) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        if (ngx_av_otlp_base64_digit(p[i]) < 0) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


u_char *
ngx_av_otlp_base64_decode(u_char *out, const u_char *p, size_t len)
{
    size_t      i, n;
    uint32_t    bits;

    n = ngx_av_otlp_base64_digits(p, len);
    bits = 0;

    for (i = 0; i < n; i++) {

        bits = (bits << 6) | (uint32_t) ngx_av_otlp_base64_digit(p[i]);

        /* each digit but the first of four completes a byte */

        if (i % 4 != 0) {
            *out++ = (u_char) (bits >> (6 - 2 * (i % 4)));
        }
    }

    return out;
}


u_char *
ngx_av_otlp_base64_encode(u_char *out, const u_char *p, size_t len)
{
    size_t               i, n;
    uint32_t             bits;
    static const u_char  digits[] = NGX_AV_OTLP_BASE64_DIGITS;

    for ( /* void */ ; len; p += n, len -= n) {

        n = ngx_min(len, 3);
        bits = (uint32_t) p[0] << 16;
        bits |= (n > 1) ? (uint32_t) p[1] << 8 : 0;
        bits |= (n > 2) ? p[2] : 0;

        for (i = 0; i < 4; i++) {
            *out++ = (i <= n) ? digits[(bits >> (18 - 6 * i)) & 0x3f] : '=';
        }
    }

    return out;
}


/* The length without padding. */
static size_t
ngx_av_otlp_base64_digits(const u_char *p, size_t len)
{
    ngx_uint_t  i;

    for (i = 0; i < 2 && len && p[len - 1] == '='; i++) {
        len--;
    }

    return len;
}


static ngx_int_t
ngx_av_otlp_base64_digit(u_char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    switch (c) {

    case '+':
    case '-':
        return 62;

    case '/':
    case '_':
        return 63;

    default:
        return -1;
    }
}
