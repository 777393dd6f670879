#include "ngx_av_decimal.h"


/* no sum of a length and this overflows */
#define NGX_AV_DECIMAL_EXPONENT  ((int64_t) 1 << 60)

/* numeric.c: NBASE is 10^4, NUMERIC_NEG */
#define NGX_AV_DECIMAL_PG_BASE   10000
#define NGX_AV_DECIMAL_PG_NEG    0x4000

/* units in 1: 10^NGX_AV_DECIMAL_FRAC_DIGITS */
#define NGX_AV_DECIMAL_ONE       1000000000000000000ULL

/* base-10000 digits of the fraction, and the most that an int128 leaves for
   the integer part */
#define NGX_AV_DECIMAL_PG_FRAC   5
#define NGX_AV_DECIMAL_PG_INT    6
#define NGX_AV_DECIMAL_PG_ALL    (NGX_AV_DECIMAL_PG_INT                       \
                                  + NGX_AV_DECIMAL_PG_FRAC)


static const u_char *ngx_av_decimal_skip_digits(const u_char *p,
    const u_char *end, size_t *len);
static const u_char *ngx_av_decimal_scan_exponent(const u_char *p,
    const u_char *end, int64_t *exponent);
static size_t ngx_av_decimal_first(const ngx_av_decimal_text_t *text,
    size_t len);
static ngx_uint_t ngx_av_decimal_rounds_up(const ngx_av_decimal_text_t *text,
    size_t len, int64_t keep, ngx_uint_t odd);
static ngx_uint_t ngx_av_decimal_scale(const ngx_av_decimal_text_t *text);
static void ngx_av_decimal_pg_digits(uint16_t *digits, ngx_av_int128_t units);
static u_char *ngx_av_decimal_int16(u_char *p, ngx_uint_t value);


static ngx_inline ngx_av_int128_t
ngx_av_decimal_power(ngx_uint_t n)
{
    ngx_av_int128_t  value;

    for (value = 1; n > 0; n--) {
        value *= 10;
    }

    return value;
}


ngx_int_t
ngx_av_decimal_scan(const u_char *p, size_t len, ngx_av_decimal_text_t *text)
{
    const u_char  *end;

    end = p + len;

    text->negative = (p < end && *p == '-');
    text->exponent = 0;

    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }

    text->integer = p;
    p = ngx_av_decimal_skip_digits(p, end, &text->integer_len);

    text->fraction = p;
    text->fraction_len = 0;

    if (p < end && *p == '.') {
        text->fraction = ++p;
        p = ngx_av_decimal_skip_digits(p, end, &text->fraction_len);

        if (text->fraction_len == 0) {
            return NGX_ERROR;
        }
    }

    if (text->integer_len + text->fraction_len == 0) {
        return NGX_ERROR;
    }

    if (p < end && (*p == 'e' || *p == 'E')) {
        p = ngx_av_decimal_scan_exponent(p + 1, end, &text->exponent);
    }

    return (p == end) ? NGX_OK : NGX_ERROR;
}


static const u_char *
ngx_av_decimal_skip_digits(const u_char *p, const u_char *end, size_t *len)
{
    const u_char  *first;

    first = p;

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }

    *len = p - first;

    return p;
}


/* Returns NULL, which is no end of a text, if there is no exponent. */
static const u_char *
ngx_av_decimal_scan_exponent(const u_char *p, const u_char *end,
    int64_t *exponent)
{
    int64_t        value;
    ngx_uint_t     negative;
    const u_char  *first;

    negative = (p < end && *p == '-');

    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }

    first = p;
    value = 0;

    for ( /* void */ ; p < end && *p >= '0' && *p <= '9'; p++) {

        if (value < NGX_AV_DECIMAL_EXPONENT / 10) {
            value = value * 10 + (*p - '0');
        }
    }

    *exponent = negative ? -value : value;

    return (p == first) ? NULL : p;
}


ngx_int_t
ngx_av_decimal_parse(const u_char *p, size_t len, ngx_av_decimal_t *d)
{
    size_t                 n, first;
    int64_t                i, point, keep;
    ngx_av_int128_t        units;
    ngx_av_decimal_text_t  text;

    if (ngx_av_decimal_scan(p, len, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    d->units = 0;
    d->scale = ngx_av_decimal_scale(&text);

    n = text.integer_len + text.fraction_len;
    first = ngx_av_decimal_first(&text, n);

    if (first == n) {
        return NGX_OK;
    }

    /* digits before the decimal point, and digits that are not rounded away */
    point = (int64_t) text.integer_len + text.exponent;
    keep = point + NGX_AV_DECIMAL_FRAC_DIGITS;

    if (point - (int64_t) first > NGX_AV_DECIMAL_INT_DIGITS) {
        return NGX_DECLINED;
    }

    units = 0;

    for (i = first; i < keep; i++) {
        units *= 10;

        if (i < (int64_t) n) {
            units += ngx_av_decimal_digit(&text, i);
        }
    }

    units += ngx_av_decimal_rounds_up(&text, n, keep, units & 1);

    if (units >= ngx_av_decimal_power(NGX_AV_DECIMAL_INT_DIGITS
                                      + NGX_AV_DECIMAL_FRAC_DIGITS))
    {
        return NGX_DECLINED;
    }

    d->units = text.negative ? -units : units;

    return NGX_OK;
}


/* The first digit that is not zero, or len. */
static size_t
ngx_av_decimal_first(const ngx_av_decimal_text_t *text, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (ngx_av_decimal_digit(text, i) != 0) {
            break;
        }
    }

    return i;
}


/* Half to even, of len digits the first keep ones being kept. */
static ngx_uint_t
ngx_av_decimal_rounds_up(const ngx_av_decimal_text_t *text, size_t len,
    int64_t keep, ngx_uint_t odd)
{
    size_t      i;
    ngx_uint_t  digit;

    if (keep < 0 || keep >= (int64_t) len) {
        return 0;
    }

    digit = ngx_av_decimal_digit(text, keep);

    if (digit != 5) {
        return digit > 5;
    }

    for (i = keep + 1; i < len; i++) {
        if (ngx_av_decimal_digit(text, i) != 0) {
            return 1;
        }
    }

    return odd;
}


static ngx_uint_t
ngx_av_decimal_scale(const ngx_av_decimal_text_t *text)
{
    int64_t  scale;

    scale = (int64_t) text->fraction_len - text->exponent;

    if (scale < 0) {
        return 0;
    }

    return ngx_min(scale, NGX_AV_DECIMAL_FRAC_DIGITS);
}


void
ngx_av_decimal_add(ngx_av_decimal_t *sum, const ngx_av_decimal_t *d)
{
    sum->units += d->units;
    sum->scale = ngx_max(sum->scale, d->scale);
}


u_char *
ngx_av_decimal_pg_numeric(u_char *p, const ngx_av_decimal_t *d)
{
    uint16_t    digits[NGX_AV_DECIMAL_PG_ALL];
    ngx_int_t   weight;
    ngx_uint_t  i, first, last;

    ngx_av_decimal_pg_digits(digits, d->units < 0 ? -d->units : d->units);

    first = 0;
    last = NGX_AV_DECIMAL_PG_ALL;

    while (first < last && digits[first] == 0) {
        first++;
    }

    while (last > first && digits[last - 1] == 0) {
        last--;
    }

    weight = 0;

    if (first < last) {
        weight = NGX_AV_DECIMAL_PG_INT - 1 - (ngx_int_t) first;
    }

    p = ngx_av_decimal_int16(p, last - first);
    p = ngx_av_decimal_int16(p, weight);
    p = ngx_av_decimal_int16(p, (d->units < 0) ? NGX_AV_DECIMAL_PG_NEG : 0);
    p = ngx_av_decimal_int16(p, d->scale);

    for (i = first; i < last; i++) {
        p = ngx_av_decimal_int16(p, digits[i]);
    }

    return p;
}


static void
ngx_av_decimal_pg_digits(uint16_t *digits, ngx_av_int128_t units)
{
    uint64_t         fraction;
    ngx_uint_t       i;
    ngx_av_int128_t  integer;

    /* what fits 64 bits, as most money does, is divided much faster */

    if (units <= UINT64_MAX) {
        integer = (uint64_t) units / NGX_AV_DECIMAL_ONE;
        fraction = (uint64_t) units % NGX_AV_DECIMAL_ONE;

    } else {
        integer = units / NGX_AV_DECIMAL_ONE;
        fraction = (uint64_t) (units % NGX_AV_DECIMAL_ONE);
    }

    /* the fraction's last digit has two places more than the units */

    i = NGX_AV_DECIMAL_PG_ALL - 1;
    digits[i] = fraction % 100 * 100;
    fraction /= 100;

    while (i > NGX_AV_DECIMAL_PG_INT) {
        digits[--i] = fraction % NGX_AV_DECIMAL_PG_BASE;
        fraction /= NGX_AV_DECIMAL_PG_BASE;
    }

    while (i > 0) {
        digits[--i] = integer ? integer % NGX_AV_DECIMAL_PG_BASE : 0;
        integer = integer ? integer / NGX_AV_DECIMAL_PG_BASE : 0;
    }
}


static u_char *
ngx_av_decimal_int16(u_char *p, ngx_uint_t value)
{
    *p++ = (u_char) (value >> 8);
    *p++ = (u_char) value;

    return p;
}
