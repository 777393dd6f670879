/*
 * Money: decimals with up to twelve integer digits, exact to eighteen
 * fractional ones.  Never a binary float.
 */

#ifndef _NGX_AV_DECIMAL_H_INCLUDED_
#define _NGX_AV_DECIMAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_AV_DECIMAL_INT_DIGITS   12
#define NGX_AV_DECIMAL_FRAC_DIGITS  18

/* aligned as pools align: a structure may hold it and lie in a pool */
__extension__ typedef __int128  ngx_av_int128_t
    __attribute__((aligned(NGX_ALIGNMENT)));

typedef struct {
    ngx_av_int128_t  units;     /* of 10^-18 */
    ngx_uint_t       scale;     /* fractional digits to show */
} ngx_av_decimal_t;


/*
 * A number's text in its parts: integer and fraction are digits, either may
 * be empty, the exponent is clamped (far beyond what any text can outweigh).
 */
typedef struct {
    const u_char  *integer;
    const u_char  *fraction;
    size_t         integer_len;
    size_t         fraction_len;
    int64_t        exponent;
    unsigned       negative:1;
} ngx_av_decimal_text_t;


/* The syntax of the next function, without its limits; NGX_ERROR. */
ngx_int_t ngx_av_decimal_scan(const u_char *p, size_t len,
    ngx_av_decimal_text_t *text);


/* A digit of both parts, which are counted through. */
static ngx_inline ngx_uint_t
ngx_av_decimal_digit(const ngx_av_decimal_text_t *text, size_t i)
{
    if (i < text->integer_len) {
        return text->integer[i] - '0';
    }

    return text->fraction[i - text->integer_len] - '0';
}


/*
 * Reads JSON's number syntax, also with a leading "+", "." or zeros, blanks
 * around it refused.  Digits past the eighteenth fractional one are rounded
 * half to even (clients print floats).  NGX_DECLINED if more than twelve
 * integer digits are needed, NGX_ERROR if it is no number.
 */
ngx_int_t ngx_av_decimal_parse(const u_char *p, size_t len,
    ngx_av_decimal_t *d);

/* sum += d; the scale becomes the larger one. */
void ngx_av_decimal_add(ngx_av_decimal_t *sum, const ngx_av_decimal_t *d);

/*
 * Writes Postgres's binary numeric (src/backend/utils/adt/numeric.c,
 * numeric_recv): ndigits, weight, sign, dscale, base-10000 digits, all 16-bit
 * big-endian.  Returns the end; at most NGX_AV_DECIMAL_PG_LEN bytes.
 */
#define NGX_AV_DECIMAL_PG_LEN  (8 + 2 * 16)

u_char *ngx_av_decimal_pg_numeric(u_char *p, const ngx_av_decimal_t *d);


#endif /* _NGX_AV_DECIMAL_H_INCLUDED_ */
