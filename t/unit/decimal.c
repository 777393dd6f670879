#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_decimal.h"


#define NGX_AV_TEST_INT   NGX_AV_DECIMAL_INT_DIGITS
#define NGX_AV_TEST_FRAC  NGX_AV_DECIMAL_FRAC_DIGITS

/* digits on either side of the point that the reference can hold */
#define NGX_AV_TEST_WIDE  100


typedef struct {
    const char  *text;
    const char  *hex;
} ngx_av_test_pg_t;


/* encode(numeric_send(text::numeric), 'hex'), as Postgres 15 answered it */
static const ngx_av_test_pg_t  ngx_av_test_pg[] = {
    { "0", "0000000000000000" },
    { "-0", "0000000000000000" },
    { "0.00", "0000000000000002" },
    { "0.000000000000000000", "0000000000000012" },
    { "1", "00010000000000000001" },
    { "-1", "00010000400000000001" },
    { "+5", "00010000000000000005" },
    { ".5", "0001ffff000000011388" },
    { "007.10", "0002000000000002000703e8" },
    { "0.1", "0001ffff0000000103e8" },
    { "0.10", "0001ffff0000000203e8" },
    { "1.50", "000200000000000200011388" },
    { "10000", "00010001000000000001" },
    { "9999", "0001000000000000270f" },
    { "10001", "000200010000000000010001" },
    { "100000000", "00010002000000000001" },
    { "999999999999", "0003000200000000270f270f270f" },
    { "999999999999.999999999999999999",
      "0008000200000012270f270f270f270f270f270f270f26ac" },
    { "-999999999999.999999999999999999",
      "0008000240000012270f270f270f270f270f270f270f26ac" },
    { "0.000000000000000001", "0001fffb000000120064" },
    { "-0.000000000000000001", "0001fffb400000120064" },
    { "0.0001", "0001ffff000000040001" },
    { "0.00001", "0001fffe0000000503e8" },
    { "0.00010000", "0001ffff000000080001" },
    { "12345.6789", "0003000100000004000109291a85" },
    { "120000.000012", "0004000100000006000c0000000004b0" },
    { "1e3", "000100000000000003e8" },
    { "1.50e1", "0001000000000001000f" },
    { "1e-3", "0001ffff00000003000a" },
    { "1.5e-17", "0001fffb0000001205dc" },
    { "0.30000000000000004", "0005ffff000000110bb80000000000000fa0" },
    { "100000000.00000000", "00010002000000080001" },
    { "0.9999", "0001ffff00000004270f" },
    { "0.99990001", "0002ffff00000008270f0001" },
    { "5e-10", "0001fffd0000000a01f4" },
    { "1e11", "000100020000000003e8" },
    { "40000.00004", "00040001000000050004000000000fa0" }
};


static ngx_int_t
ngx_av_test_parse(const char *text, size_t len, ngx_av_decimal_t *d)
{
    u_char     *p;
    ngx_int_t   rc;

    p = ngx_av_stub_copy(text, len);
    rc = ngx_av_decimal_parse(p, len, d);
    free(p);

    return rc;
}


/* "-12.50": all of the value, to its scale. */
static char *
ngx_av_test_print(char *text, const ngx_av_decimal_t *d)
{
    char             digits[64], *p;
    ngx_uint_t       i;
    ngx_av_int128_t  units;

    units = (d->units < 0) ? -d->units : d->units;
    p = digits + sizeof(digits);
    *--p = '\0';

    for (i = 0; i < NGX_AV_TEST_FRAC + 1 || units; i++) {

        if (i == NGX_AV_TEST_FRAC) {
            *--p = '.';
        }

        *--p = '0' + (int) (units % 10);
        units /= 10;
    }

    if (d->units < 0) {
        *--p = '-';
    }

    strcpy(text, p);
    text[strlen(text) - NGX_AV_TEST_FRAC + d->scale - (d->scale == 0)] = '\0';

    return text;
}


/*
 * The same by writing the digits into a wide row and rounding as on paper.
 * Returns NULL if the value is too large.
 */
static char *
ngx_av_test_reference(char *text, const char *number)
{
    char        row[2 * NGX_AV_TEST_WIDE + 1], *out;
    long        exponent, point, scale, i, last;
    size_t      n;
    ngx_uint_t  half;

    ngx_memset(row, '0', sizeof(row) - 1);
    row[sizeof(row) - 1] = '\0';

    out = text;
    n = strcspn(number, "eE");
    exponent = number[n] ? atol(number + n + 1) : 0;
    point = strcspn(number, ".eE");
    scale = (number[point] == '.' ? (long) n - point - 1 : 0) - exponent;
    scale = (scale < 0) ? 0 : (scale > NGX_AV_TEST_FRAC) ? NGX_AV_TEST_FRAC
                                                         : scale;

    for (i = 0; i < (long) n; i++) {
        if (isdigit(number[i])) {
            row[NGX_AV_TEST_WIDE - exponent + i - point - (i > point)]
                                                                  = number[i];
        }
    }

    last = NGX_AV_TEST_WIDE + NGX_AV_TEST_FRAC - 1;

    half = (row[last + 1] == '5' && row[last + 2 + strspn(&row[last + 2], "0")]
                                    == '\0');

    if (half ? (row[last] - '0') % 2 : row[last + 1] >= '5')
    {
        for (i = last; row[i] == '9'; i--) {
            row[i] = '0';
        }

        row[i]++;
    }

    for (i = 0; i < NGX_AV_TEST_WIDE - NGX_AV_TEST_INT; i++) {
        if (row[i] != '0') {
            return NULL;
        }
    }

    for ( /* void */ ; i < NGX_AV_TEST_WIDE - 1 && row[i] == '0'; i++) {
        /* void */
    }

    row[last + 1] = '\0';

    if (number[0] == '-' && strspn(row, "0") != strlen(row)) {
        *out++ = '-';
    }

    out += sprintf(out, "%.*s", (int) (NGX_AV_TEST_WIDE - i), &row[i]);

    if (scale) {
        sprintf(out, ".%.*s", (int) scale, &row[NGX_AV_TEST_WIDE]);
    }

    return text;
}


/* What Postgres prints: get_str_from_var() of what numeric_recv() reads. */
static char *
ngx_av_test_receive(char *text, const u_char *p, size_t len)
{
    char     *out;
    int16_t   head[4];
    long      i, k, n, digit, dscale;

    if (len < 8 || (len - 8) % 2) {
        return strcpy(text, "bad length");
    }

    for (i = 0; i < 4; i++) {
        head[i] = (int16_t) (p[2 * i] << 8 | p[2 * i + 1]);
    }

    n = head[0];
    dscale = head[3];

    if ((size_t) n != (len - 8) / 2 || (n == 0 && (head[1] || head[2]))) {
        return strcpy(text, "bad header");
    }

    /* neither leading nor trailing zero digits, as make_result() strips them */

    if (n && ((!p[8] && !p[9]) || (!p[len - 2] && !p[len - 1]))) {
        return strcpy(text, "not stripped");
    }

    out = text;

    if (head[2] == 0x4000) {
        *out++ = '-';

    } else if (head[2] != 0) {
        return strcpy(text, "bad sign");
    }

    out += sprintf(out, "%s", head[1] < 0 ? "0" : "");

    for (i = ngx_max(head[1], -1), k = 0; i > -8; i--, k++) {

        digit = head[1] - i;
        digit = (digit >= 0 && digit < n)
                ? p[8 + 2 * digit] << 8 | p[9 + 2 * digit] : 0;

        if (head[1] < 0 && k == 0 && i == -1) {
            *out++ = '.';
        }

        if (digit > 9999) {
            return strcpy(text, "bad digit");
        }

        out += sprintf(out, (k == 0 && head[1] >= 0) ? "%ld" : "%04ld", digit);

        if (i == 0) {
            *out++ = '.';
        }
    }

    out = strchr(text, '.');
    out[dscale ? dscale + 1 : 0] = '\0';

    return text;
}


static void
ngx_av_test_postgres(void)
{
    char              text[128], hex[128];
    u_char           *p;
    size_t            i, k, n, len;
    ngx_av_decimal_t  d;

    n = sizeof(ngx_av_test_pg) / sizeof(ngx_av_test_pg[0]);

    for (i = 0; i < n; i++) {
        p = malloc(NGX_AV_DECIMAL_PG_LEN);

        if (p == NULL
            || ngx_av_test_parse(ngx_av_test_pg[i].text,
                                 strlen(ngx_av_test_pg[i].text), &d)
               != NGX_OK)
        {
            abort();
        }

        len = ngx_av_decimal_pg_numeric(p, &d) - p;

        for (k = 0; k < len; k++) {
            sprintf(&hex[2 * k], "%02x", p[k]);
        }

        is_text((u_char *) hex, 2 * len, ngx_av_test_pg[i].hex,
                "%s is %s to Postgres", ngx_av_test_pg[i].text,
                ngx_av_test_receive(text, p, len));
        free(p);
    }
}


static void
ngx_av_test_syntax(void)
{
    ngx_uint_t        i;
    ngx_av_decimal_t  d;

    static const char  *bad[] = {
        "", "-", "+", ".", "-.", "e", "e5", ".e5", "1e", "1e+", "1e-", "1e5.0",
        "1.", "1.e5", "-.e1", "+-1", "--1", "1-", "1 ", " 1", "1\n", "1,5",
        "1_000", "0x10", "1f", "NaN", "nan", "Infinity", "-inf", "1..5",
        "1.5.5", "1e5e5", "1e 5", "1.5 e5", "\"1\"", "null"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is(ngx_av_test_parse(bad[i], strlen(bad[i]), &d), NGX_ERROR,
           "\"%s\" is no number", ngx_strcmp(bad[i], "1\n") ? bad[i] : "1\\n");
    }

    is(ngx_av_test_parse("1\0" "5", 3, &d), NGX_ERROR, "nor is one with a NUL");
}


static void
ngx_av_test_one(const char *number, const char *expected)
{
    char              text[128];
    ngx_av_decimal_t  d;

    if (ngx_av_test_parse(number, strlen(number), &d) != NGX_OK) {
        ok(0, "%.40s is a decimal", number);
        return;
    }

    ngx_av_test_print(text, &d);

    is_text((u_char *) text, strlen(text), expected, "%.40s (%lu) is %s",
            number, (unsigned long) strlen(number), expected);
}


static void
ngx_av_test_values(void)
{
    char  text[600];

    ngx_av_test_one("1", "1");
    ngx_av_test_one("-0.0", "0.0");
    ngx_av_test_one("1E+2", "100");
    ngx_av_test_one("1.25e1", "12.5");
    ngx_av_test_one("1.25e2", "125");
    ngx_av_test_one("1.25e3", "1250");
    ngx_av_test_one("00012.5000", "12.5000");
    ngx_av_test_one("1e-18", "0.000000000000000001");
    ngx_av_test_one("1e-0000000000000000000000018", "0.000000000000000001");

    /* half to even */

    ngx_av_test_one("0.0000000000000000005", "0.000000000000000000");
    ngx_av_test_one("0.0000000000000000015", "0.000000000000000002");
    ngx_av_test_one("0.0000000000000000025", "0.000000000000000002");
    ngx_av_test_one("0.00000000000000000250", "0.000000000000000002");
    ngx_av_test_one("0.00000000000000000250001", "0.000000000000000003");
    ngx_av_test_one("-0.0000000000000000025", "-0.000000000000000002");
    ngx_av_test_one("-0.0000000000000000035", "-0.000000000000000004");
    ngx_av_test_one("0.00000000000000000249999", "0.000000000000000002");
    ngx_av_test_one("5e-19", "0.000000000000000000");
    ngx_av_test_one("6e-19", "0.000000000000000001");
    ngx_av_test_one("9e-20", "0.000000000000000000");
    ngx_av_test_one("99e-20", "0.000000000000000001");
    ngx_av_test_one("0.9999999999999999999", "1.000000000000000000");
    ngx_av_test_one("999999999999.9999999999999999994",
                    "999999999999.999999999999999999");

    /* exponents beyond any number */

    ngx_av_test_one("1e-999999999999999999999999", "0.000000000000000000");
    ngx_av_test_one("0e999999999999999999999999", "0");
    ngx_av_test_one("0.000e2", "0.0");
    ngx_av_test_one("0e-999999999999999999999999", "0.000000000000000000");
    ngx_av_test_one("-9e-9223372036854775808", "0.000000000000000000");

    /* long ones */

    memset(text, '0', sizeof(text));
    strcpy(&text[499], "7");
    ngx_av_test_one(text, "7");

    memset(text, '0', sizeof(text));
    memcpy(text, "0.", 2);
    strcpy(&text[500], "1e499");
    ngx_av_test_one(text, "1");

    memset(text, '0', sizeof(text));
    text[0] = '1';
    strcpy(&text[500], "e-500");
    ngx_av_test_one(text, "0.100000000000000000");

    memset(text, '9', sizeof(text));
    strcpy(&text[500], "e-500");
    ngx_av_test_one(text, "1.000000000000000000");
}


static void
ngx_av_test_too_large(void)
{
    char              text[501];
    ngx_uint_t        i;
    ngx_av_decimal_t  d;

    static const char  *large[] = {
        "1000000000000", "-1000000000000", "1e12", "1000000000000e0",
        "0.001e15", "999999999999.9999999999999999995",
        "999999999999.9999999999999999999", "-999999999999.9999999999999999996",
        "1e400", "1e131071", "-1e999999999999999999999999",
        "1e9223372036854775807", "1e9223372036854775808"
    };

    for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        is(ngx_av_test_parse(large[i], strlen(large[i]), &d), NGX_DECLINED,
           "%s is too large", large[i]);
    }

    memset(text, '1', 500);
    text[500] = '\0';
    is(ngx_av_test_parse(text, 500, &d), NGX_DECLINED, "so are 500 digits");
}


static void
ngx_av_test_make(char *number)
{
    ngx_uint_t  i, n;

    static const char  digits[] = "0123456789000000055559999";

    n = ngx_av_stub_random() % 3;
    number += sprintf(number, "%s", n == 0 ? "-" : n == 1 ? "+" : "");

    n = ngx_av_stub_random() % 16;

    for (i = 0; i < n; i++) {
        *number++ = digits[ngx_av_stub_random() % 25];
    }

    if (n == 0 || ngx_av_stub_random() % 4) {
        *number++ = '.';
        n = 1 + ngx_av_stub_random() % 26;

        for (i = 0; i < n; i++) {
            *number++ = digits[ngx_av_stub_random() % 25];
        }
    }

    *number = '\0';

    if (ngx_av_stub_random() % 2) {
        n = ngx_av_stub_random() % 61;
        sprintf(number, "%c%s%d", (n % 2) ? 'e' : 'E',
                (n > 30 && n % 3) ? "+" : "", (int) n - 30);
    }
}


static void
ngx_av_test_random(void)
{
    char              number[128], expected[256], got[256], pg[256];
    u_char           *p, *last;
    ngx_int_t         rc;
    ngx_uint_t        i, bad, large;
    ngx_av_decimal_t  d;

    bad = 0;
    large = 0;

    for (i = 0; i < 100000; i++) {
        ngx_av_test_make(number);

        rc = ngx_av_test_parse(number, strlen(number), &d);

        if (ngx_av_test_reference(expected, number) == NULL) {
            large++;
            bad += (rc != NGX_DECLINED);
            continue;
        }

        if (rc != NGX_OK) {
            ngx_av_tap_diag("%s: rc %d, expected %s", number, (int) rc,
                            expected);
            bad++;
            continue;
        }

        p = malloc(NGX_AV_DECIMAL_PG_LEN);
        if (p == NULL) {
            abort();
        }

        last = ngx_av_decimal_pg_numeric(p, &d);
        ngx_av_test_receive(pg, p, last - p);
        ngx_av_test_print(got, &d);
        free(p);

        if (strcmp(got, expected) != 0 || strcmp(pg, expected) != 0) {
            ngx_av_tap_diag("%s: got %s, Postgres %s, expected %s", number,
                            got, pg, expected);
            bad++;
        }
    }

    is(bad, 0, "random numbers, as on paper and as Postgres will read them");
    ok(large > 10000 && large < 80000, "of which %lu are too large",
       (unsigned long) large);
}


static void
ngx_av_test_sums(void)
{
    char              text[256], pg[256];
    u_char            p[NGX_AV_DECIMAL_PG_LEN];
    size_t            len;
    ngx_uint_t        i;
    ngx_av_decimal_t  sum, d;

    ngx_memzero(&sum, sizeof(sum));

    (void) ngx_av_test_parse("0.1", 3, &d);
    ngx_av_decimal_add(&sum, &d);
    (void) ngx_av_test_parse("0.20", 4, &d);
    ngx_av_decimal_add(&sum, &d);
    (void) ngx_av_test_parse("1", 1, &d);
    ngx_av_decimal_add(&sum, &d);

    ngx_av_test_print(text, &sum);
    is_text((u_char *) text, strlen(text), "1.30",
            "0.1 + 0.20 + 1, to the largest scale");

    (void) ngx_av_test_parse("-1.300", 6, &d);
    ngx_av_decimal_add(&sum, &d);

    ngx_av_test_print(text, &sum);
    is_text((u_char *) text, strlen(text), "0.000", "less 1.300");

    (void) ngx_av_test_parse("-999999999999.999999999999999999", 32, &d);

    for (i = 0; i < 1000000; i++) {
        ngx_av_decimal_add(&sum, &d);
    }

    ngx_av_test_print(text, &sum);
    is_text((u_char *) text, strlen(text),
            "-999999999999999999.999999999999000000",
            "a million of the largest ones");

    len = ngx_av_decimal_pg_numeric(p, &sum) - p;
    ngx_av_test_receive(pg, p, len);
    is_text((u_char *) pg, strlen(pg), text, "the same to Postgres");

    /* the most that the type holds */

    sum.units = ((ngx_av_int128_t) 1 << 126) - 1
                + ((ngx_av_int128_t) 1 << 126);
    len = ngx_av_decimal_pg_numeric(p, &sum) - p;
    ngx_av_test_receive(pg, p, len);
    is_text((u_char *) pg, strlen(pg),
            "170141183460469231731.687303715884105727", "2^127 - 1 units");
}


int
main(void)
{
    ngx_av_test_postgres();
    ngx_av_test_syntax();
    ngx_av_test_values();
    ngx_av_test_too_large();
    ngx_av_test_random();
    ngx_av_test_sums();

    return ngx_av_tap_done();
}
