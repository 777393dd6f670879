/* What src/ingest needs besides: arrays, and the formats it uses. */

#include "ngx_av_stub.h"


static u_char *ngx_av_stub_put(u_char *buf, u_char *last, const void *p,
    size_t len);


u_char *
ngx_vslprintf(u_char *buf, u_char *last, const char *fmt, va_list args)
{
    char        number[32], *cstr;
    size_t      len;
    ngx_str_t  *str;

    for ( /* void */ ; *fmt; fmt++) {

        if (*fmt != '%') {
            buf = ngx_av_stub_put(buf, last, fmt, 1);
            continue;
        }

        fmt++;

        if (*fmt == '*' && fmt[1] == 's') {
            fmt++;
            len = va_arg(args, size_t);
            buf = ngx_av_stub_put(buf, last, va_arg(args, u_char *), len);
            continue;
        }

        switch (*fmt) {

        case 'V':
            str = va_arg(args, ngx_str_t *);
            buf = ngx_av_stub_put(buf, last, str->data, str->len);
            continue;

        case 's':
            cstr = va_arg(args, char *);
            buf = ngx_av_stub_put(buf, last, cstr, strlen(cstr));
            continue;

        case 'd':
        case 'D':
            sprintf(number, "%d", va_arg(args, int));
            break;

        case 'L':
            sprintf(number, "%lld", (long long) va_arg(args, int64_t));
            break;

        case 'i':
            sprintf(number, "%ld", (long) va_arg(args, ngx_int_t));
            break;

        case 'u':
            /* %ui, %uz and %uL are as wide */
            fmt++;

            if (*fmt == 'D') {
                sprintf(number, "%u", va_arg(args, uint32_t));
                break;
            }

            if (*fmt != 'i' && *fmt != 'z' && *fmt != 'L') {
                abort();
            }

            sprintf(number, "%lu", (unsigned long) va_arg(args, ngx_uint_t));
            break;

        default:
            abort();
        }

        buf = ngx_av_stub_put(buf, last, number, strlen(number));
    }

    return buf;
}


static u_char *
ngx_av_stub_put(u_char *buf, u_char *last, const void *p, size_t len)
{
    return ngx_cpymem(buf, p, ngx_min(len, (size_t) (last - buf)));
}


u_char *
ngx_slprintf(u_char *buf, u_char *last, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    buf = ngx_vslprintf(buf, last, fmt, args);
    va_end(args);

    return buf;
}


u_char *
ngx_sprintf(u_char *buf, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    buf = ngx_vslprintf(buf, (u_char *) -1, fmt, args);
    va_end(args);

    return buf;
}


void *
ngx_array_push(ngx_array_t *a)
{
    void  *elts;

    if (a->nelts == a->nalloc) {

        elts = ngx_palloc(a->pool, 2 * a->nalloc * a->size);
        if (elts == NULL) {
            return NULL;
        }

        ngx_memcpy(elts, a->elts, a->nelts * a->size);

        a->elts = elts;
        a->nalloc *= 2;
    }

    return (u_char *) a->elts + a->size * a->nelts++;
}


ngx_int_t
ngx_strncasecmp(u_char *s1, u_char *s2, size_t n)
{
    return strncasecmp((char *) s1, (char *) s2, n);
}
