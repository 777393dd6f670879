/*
 * Tests that speak TAP, for prove(1).  A loop over many inputs counts what is
 * bad, tells some of it by ngx_av_tap_diag(), and is one test: is(bad, 0, ...).
 */

#ifndef _NGX_AV_TAP_H_INCLUDED_
#define _NGX_AV_TAP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* a condition; two integers; bytes and the C string they must be */
#define ok(cond, ...)                                                         \
    ngx_av_tap_ok((cond) ? 1 : 0, __FILE__, __LINE__, __VA_ARGS__)

#define is(got, expected, ...)                                                \
    ngx_av_tap_is((long long) (got), (long long) (expected),                  \
                  __FILE__, __LINE__, __VA_ARGS__)

#define is_text(p, len, expected, ...)                                        \
    ngx_av_tap_is_text(p, len, expected, ngx_strlen(expected),                \
                       __FILE__, __LINE__, __VA_ARGS__)


#define NGX_AV_TAP_DIAGS  20

static ngx_uint_t  ngx_av_tap_count;
static ngx_uint_t  ngx_av_tap_failed;
static ngx_uint_t  ngx_av_tap_diags;


__attribute__((format(printf, 1, 2))) static ngx_inline void
ngx_av_tap_diag(const char *fmt, ...)
{
    va_list  args;

    /* a loop gone wrong must not fill the terminal */

    if (ngx_av_tap_diags++ >= NGX_AV_TAP_DIAGS) {
        return;
    }

    fputs("# ", stdout);

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);

    putchar('\n');
}


static ngx_inline void
ngx_av_tap_result(ngx_uint_t passed, const char *file, int line,
    const char *fmt, va_list args)
{
    printf("%s %lu - ", passed ? "ok" : "not ok",
           (unsigned long) ++ngx_av_tap_count);

    vprintf(fmt, args);
    putchar('\n');

    if (!passed) {
        ngx_av_tap_failed++;
        printf("#   at %s line %d\n", file, line);
    }

    ngx_av_tap_diags = 0;

    /* a crash must not take the results with it */
    fflush(stdout);
}


__attribute__((format(printf, 4, 5))) static ngx_inline ngx_uint_t
ngx_av_tap_ok(ngx_uint_t passed, const char *file, int line, const char *fmt,
    ...)
{
    va_list  args;

    va_start(args, fmt);
    ngx_av_tap_result(passed, file, line, fmt, args);
    va_end(args);

    return passed;
}


__attribute__((format(printf, 5, 6))) static ngx_inline ngx_uint_t
ngx_av_tap_is(long long got, long long expected, const char *file, int line,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    ngx_av_tap_result(got == expected, file, line, fmt, args);
    va_end(args);

    if (got != expected) {
        ngx_av_tap_diag("  got: %lld, expected: %lld", got, expected);
    }

    return got == expected;
}


static ngx_inline void
ngx_av_tap_bytes(const char *name, const u_char *p, size_t len)
{
    size_t  i;

    printf("#   %s, %lu bytes: ", name, (unsigned long) len);

    for (i = 0; i < len && i < 200; i++) {
        printf((p[i] < 0x20 || p[i] > 0x7e) ? "\\x%02x" : "%c", p[i]);
    }

    puts(i < len ? "..." : "");
}


__attribute__((format(printf, 7, 8))) static ngx_inline ngx_uint_t
ngx_av_tap_is_text(const u_char *p, size_t len, const char *expected,
    size_t expected_len, const char *file, int line, const char *fmt, ...)
{
    va_list     args;
    ngx_uint_t  passed;

    passed = (len == expected_len
              && (len == 0 || ngx_memcmp(p, expected, len) == 0));

    va_start(args, fmt);
    ngx_av_tap_result(passed, file, line, fmt, args);
    va_end(args);

    if (!passed) {
        ngx_av_tap_bytes("got", p, len);
        ngx_av_tap_bytes("expected", (const u_char *) expected, expected_len);
    }

    return passed;
}


/* The plan, and what main() returns. */
static ngx_inline int
ngx_av_tap_done(void)
{
    printf("1..%lu\n", (unsigned long) ngx_av_tap_count);

    return ngx_av_tap_failed ? 1 : 0;
}


#endif /* _NGX_AV_TAP_H_INCLUDED_ */
