#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_time.h"

#include <regex.h>


#define NGX_AV_TEST_BAD  INT64_MIN      /* no case below means this instant */


typedef struct {
    const char     *text;
    ngx_av_time_t   t;
} ngx_av_test_time_t;


static const ngx_av_test_time_t  ngx_av_test_times[] = {

    /* forms */

    { "1970-01-01T00:00:00Z", 0 },
    { "1970-01-01t00:00:00z", 0 },
    { "1970-01-01 00:00:00", 0 },
    { "1970-01-01T00:00:00.1", 100000000 },
    { "1970-01-01T00:00:00.123456789Z", 123456789 },
    { "1970-01-01T00:00:00.1234567899999999999999999999Z", 123456789 },
    { "1970-01-01T00:00:00.000000001Z", 1 },
    { "1970-01-01T00:00:00.0000000009Z", 0 },
    { "1969-12-31T23:59:59.999999999Z", -1 },
    { "2026-03-01T12:00:00.123Z", 1772366400123000000 },

    { "1970-01-01T00:00:00+00:00", 0 },
    { "1970-01-01T00:00:00-00:00", 0 },
    { "1970-01-01T00:00:00+23:59", -86340000000000 },
    { "1970-01-01T00:00:00-23:59", 86340000000000 },
    { "1970-01-01T00:00:00.5+05:30", -19799500000000 },

    { "1970-01-01T00:00:00+24:00", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00+00:60", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00+0000", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00+00", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00+00:0", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00+00:000", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00+-1:00", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00Z ", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00ZZ", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00Z+00:00", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00 Z", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00.Z", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00.", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00,5Z", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:00.5.5Z", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00Z", NGX_AV_TEST_BAD },
    { "1970-01-01", NGX_AV_TEST_BAD },
    { "", NGX_AV_TEST_BAD },
    { "0", NGX_AV_TEST_BAD },
    { " 1970-01-01T00:00:00Z", NGX_AV_TEST_BAD },
    { "+1970-01-01T00:00:00Z", NGX_AV_TEST_BAD },
    { "1970-1-01T00:00:00Z", NGX_AV_TEST_BAD },
    { "1970-01-01T0:00:00Z", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:0", NGX_AV_TEST_BAD },

    /* clocks */

    { "1970-01-01T23:59:59Z", 86399000000000 },
    { "1970-01-01T24:00:00Z", NGX_AV_TEST_BAD },
    { "1970-01-01T00:60:00Z", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:61Z", NGX_AV_TEST_BAD },
    { "1970-01-01T00:00:99Z", NGX_AV_TEST_BAD },

    /* leap seconds */

    { "2016-12-31T23:59:60Z", 1483228800000000000 },
    { "2016-12-31T23:59:60.999999999Z", 1483228800000000000 },
    { "2017-01-01T05:29:60.5+05:30", 1483228800000000000 },
    { "1969-12-31T23:59:60.5Z", 0 },
    { "1969-12-30T23:59:60.5Z", -86400000000000 },

    /* leap years */

    { "2024-02-29T00:00:00Z", 1709164800000000000 },
    { "2000-02-29T00:00:00Z", 951782400000000000 },
    { "1900-02-28T00:00:00Z", -2203977600000000000 },
    { "1900-02-29T00:00:00Z", NGX_AV_TEST_BAD },
    { "2100-02-29T00:00:00Z", NGX_AV_TEST_BAD },
    { "2023-02-29T00:00:00Z", NGX_AV_TEST_BAD },
    { "2024-02-30T00:00:00Z", NGX_AV_TEST_BAD },
    { "2024-04-31T00:00:00Z", NGX_AV_TEST_BAD },
    { "2024-00-01T00:00:00Z", NGX_AV_TEST_BAD },
    { "2024-13-01T00:00:00Z", NGX_AV_TEST_BAD },
    { "2024-01-00T00:00:00Z", NGX_AV_TEST_BAD },
    { "2024-01-32T00:00:00Z", NGX_AV_TEST_BAD },

    /* the ends of the type */

    { "2262-04-11T23:47:16.854775807Z", INT64_MAX },
    { "2262-04-11T23:47:16.854775808Z", NGX_AV_TEST_BAD },
    { "2262-04-11T23:47:17Z", NGX_AV_TEST_BAD },
    { "2262-04-12T00:47:16.854775807+01:00", INT64_MAX },
    { "2262-04-11T23:47:16.854775807-00:01", NGX_AV_TEST_BAD },
    { "1677-09-21T00:12:43.145224193Z", INT64_MIN + 1 },
    { "1677-09-21T00:12:43.145224191Z", NGX_AV_TEST_BAD },
    { "1677-09-21T00:12:43Z", NGX_AV_TEST_BAD },
    { "1677-09-20T23:12:43.145224193-01:00", INT64_MIN + 1 },
    { "0000-01-01T00:00:00Z", NGX_AV_TEST_BAD },
    { "0000-03-01T00:00:00Z", NGX_AV_TEST_BAD },
    { "0001-01-01T00:00:00+23:59", NGX_AV_TEST_BAD },
    { "9999-12-31T23:59:59.999999999Z", NGX_AV_TEST_BAD },
    { "9999-12-31T23:59:60-23:59", NGX_AV_TEST_BAD },
    { "10000-01-01T00:00:00Z", NGX_AV_TEST_BAD }
};


/* From a block of its very length, so that reading past it is seen. */
static ngx_av_time_t
ngx_av_test_parse(const char *text, size_t len)
{
    u_char         *p;
    ngx_int_t       rc;
    ngx_av_time_t   t;

    p = ngx_av_stub_copy(text, len);
    rc = ngx_av_time_parse(p, len, &t);
    free(p);

    return (rc == NGX_OK) ? t : NGX_AV_TEST_BAD;
}


/* The same by a regular expression and the C library. */
static ngx_av_time_t
ngx_av_test_reference(const char *text, size_t len)
{
    char             copy[64], fraction[10];
    long             ns;
    regex_t         *re;
    __int128         t;
    struct tm        tm, date;
    regmatch_t       m[8];
    ngx_uint_t       i, hour, min, sec;
    static regex_t   compiled;

    re = &compiled;

    if (re->re_nsub == 0
        && regcomp(re, "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]"
                       "[0-9]{2}:[0-9]{2}:[0-9]{2}"
                       "(\\.([0-9]+))?([Zz]|([+-])([0-9]{2}):([0-9]{2}))?$",
                   REG_EXTENDED)
           != 0)
    {
        abort();
    }

    if (len >= sizeof(copy) || memchr(text, '\0', len)) {
        return NGX_AV_TEST_BAD;
    }

    ngx_memcpy(copy, text, len);
    copy[len] = '\0';

    if (regexec(re, copy, 8, m, 0) != 0) {
        return NGX_AV_TEST_BAD;
    }

    ngx_memzero(&tm, sizeof(tm));
    sscanf(copy, "%4d-%2d-%2d%*c%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
           &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec);

    tm.tm_year -= 1900;
    tm.tm_mon--;

    if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60) {
        return NGX_AV_TEST_BAD;
    }

    sec = tm.tm_sec;
    tm.tm_sec = 0;
    date = tm;
    t = (__int128) timegm(&tm) + sec;

    /* timegm() takes February 30 and makes it March */

    if (tm.tm_mday != date.tm_mday || tm.tm_mon != date.tm_mon) {
        return NGX_AV_TEST_BAD;
    }

    ngx_memcpy(fraction, "000000000", 10);

    for (i = 0; i < 9 && sec != 60 && m[2].rm_so + (int) i < m[2].rm_eo; i++) {
        fraction[i] = copy[m[2].rm_so + i];
    }

    ns = atol(fraction);

    if (m[4].rm_so != -1) {
        hour = atoi(&copy[m[5].rm_so]);
        min = atoi(&copy[m[6].rm_so]);

        if (hour > 23 || min > 59) {
            return NGX_AV_TEST_BAD;
        }

        t -= (copy[m[4].rm_so] == '-' ? -60 : 60)
             * (__int128) (hour * 60 + min);
    }

    t = t * 1000000000 + ns;

    return (t < INT64_MIN || t > INT64_MAX) ? NGX_AV_TEST_BAD
                                            : (ngx_av_time_t) t;
}


static void
ngx_av_test_table(void)
{
    size_t                     n;
    ngx_uint_t                 i;
    const ngx_av_test_time_t  *c;

    n = sizeof(ngx_av_test_times) / sizeof(ngx_av_test_times[0]);

    for (i = 0; i < n; i++) {
        c = &ngx_av_test_times[i];

        is(ngx_av_test_parse(c->text, strlen(c->text)), c->t,
           "parse \"%s\"", c->text);
    }

    {
        u_char         text[] = "1677-09-21T00:12:43.145224192Z";
        ngx_av_time_t  t;

        t = 0;
        is(ngx_av_time_parse(text, sizeof(text) - 1, &t), NGX_OK,
           "the first instant is parsed");
        is(t, INT64_MIN, "and is the first");
    }
}


static ngx_uint_t
ngx_av_test_compare(const char *text, size_t len)
{
    ngx_av_time_t  got, expected;

    got = ngx_av_test_parse(text, len);
    expected = ngx_av_test_reference(text, len);

    if (got == expected) {
        return 0;
    }

    ngx_av_tap_diag("\"%.*s\": got %lld, expected %lld", (int) len, text,
                    (long long) got, (long long) expected);

    return 1;
}


static void
ngx_av_test_mutations(void)
{
    char               text[32];
    size_t             len;
    ngx_uint_t         i, n, c, bad, good;
    static const char  seed[] = "2026-03-01T12:00:00.123+05:30";
    static const char  alphabet[] = "0123456789-:+.TtZz \0";

    bad = 0;
    len = sizeof(seed) - 1;

    for (i = 0; i < len; i++) {
        for (c = 0; c < 256; c++) {
            ngx_memcpy(text, seed, len);
            text[i] = (char) c;
            bad += ngx_av_test_compare(text, len);
        }
    }

    is(bad, 0, "every byte in every place, as by regex and timegm()");

    bad = 0;
    good = 0;

    for (n = 0; n < 100000; n++) {
        ngx_memcpy(text, seed, len);

        for (i = 0; i < 1 + n % 3; i++) {
            c = ngx_av_stub_random() % (sizeof(alphabet) - 1);
            text[ngx_av_stub_random() % len] = alphabet[c];
        }

        c = (n % 4) ? len : ngx_av_stub_random() % (len + 1);
        bad += ngx_av_test_compare(text, c);
        good += (ngx_av_test_reference(text, c) != NGX_AV_TEST_BAD);
    }

    is(bad, 0, "random damage, as by regex and timegm()");
    ok(good > 1000 && good < 90000, "of which %lu are valid",
       (unsigned long) good);

    bad = 0;

    for (i = 0; i <= len; i++) {
        bad += ngx_av_test_compare(seed, i);
    }

    is(bad, 0, "cut at every length");
}


static void
ngx_av_test_calendar(void)
{
    char          text[64];
    ngx_uint_t    bad;
    unsigned int  year, month, day;

    bad = 0;

    for (year = 1670; year <= 2270; year++) {
        for (month = 0; month <= 13; month++) {
            for (day = 0; day <= 32; day++) {
                sprintf(text, "%04u-%02u-%02uT13:14:15Z", year, month, day);
                bad += ngx_av_test_compare(text, strlen(text));
            }
        }
    }

    is(bad, 0, "every day of every year of the type, as by timegm()");

    bad = 0;

    for (year = 0; year <= 9999; year++) {
        sprintf(text, "%04u-02-29T00:00:00Z", year);
        bad += ngx_av_test_compare(text, strlen(text));
        sprintf(text, "%04u-12-31T23:59:60Z", year);
        bad += ngx_av_test_compare(text, strlen(text));
    }

    is(bad, 0, "leap days and leap seconds of all years");
}


/* What gmtime() and printf() make of t. */
static size_t
ngx_av_test_print(char *text, ngx_av_time_t t)
{
    long       ns;
    size_t     len;
    time_t     seconds;
    struct tm  tm;

    seconds = t / NGX_AV_TIME_SECOND;
    ns = t % NGX_AV_TIME_SECOND;

    if (ns < 0) {
        ns += NGX_AV_TIME_SECOND;
        seconds--;
    }

    gmtime_r(&seconds, &tm);
    len = strftime(text, 64, "%Y-%m-%dT%H:%M:%S", &tm);

    if (ns % 1000) {
        len += sprintf(text + len, ".%09ld", ns);

    } else if (ns % 1000000) {
        len += sprintf(text + len, ".%06ld", ns / 1000);

    } else if (ns) {
        len += sprintf(text + len, ".%03ld", ns / 1000000);
    }

    text[len++] = 'Z';

    return len;
}


static ngx_uint_t
ngx_av_test_format_one(ngx_av_time_t t)
{
    char           expected[64];
    size_t         len, expected_len;
    u_char        *text;
    ngx_av_time_t  back;

    text = ngx_av_stub_copy("012345678901234567890123456789",
                            NGX_AV_TIME_TEXT_LEN);
    len = ngx_av_time_format(text, t) - text;
    expected_len = ngx_av_test_print(expected, t);

    if (ngx_av_time_parse(text, len, &back) == NGX_OK
        && back == t
        && len == expected_len
        && ngx_memcmp(text, expected, len) == 0)
    {
        free(text);
        return 0;
    }

    ngx_av_tap_diag("%lld: got %.*s, expected %.*s", (long long) t,
                    (int) len, text, (int) expected_len, expected);
    free(text);

    return 1;
}


static void
ngx_av_test_format(void)
{
    ngx_uint_t     i, bad;
    ngx_av_time_t  t;

    static const ngx_av_time_t  units[] = {
        1, 1000, 1000000, NGX_AV_TIME_SECOND, NGX_AV_TIME_DAY
    };

    is(ngx_av_test_format_one(INT64_MIN), 0, "format the first instant");
    is(ngx_av_test_format_one(INT64_MAX), 0, "format the last instant");
    is(ngx_av_test_format_one(0), 0, "format the epoch");
    is(ngx_av_test_format_one(-1), 0, "format the instant before it");

    bad = 0;

    for (i = 0; i < 200000; i++) {
        t = (ngx_av_time_t) ngx_av_stub_random();
        t -= t % units[i % 5];
        bad += ngx_av_test_format_one(t);
    }

    is(bad, 0, "random instants, as by gmtime(), and parsed back");
}


static ngx_uint_t
ngx_av_test_pg_one(ngx_av_time_t t)
{
    int32_t    day, first, next;
    int64_t    us;
    time_t     seconds;
    __int128   ns;
    struct tm  tm;

    /* of positive numbers the quotient is rounded down */
    ns = (__int128) t + 400 * 366 * (__int128) NGX_AV_TIME_DAY;
    us = ns / 1000 - (400 * 366 + 10957) * (NGX_AV_TIME_DAY / 1000);

    seconds = t / NGX_AV_TIME_SECOND - (t % NGX_AV_TIME_SECOND < 0);
    gmtime_r(&seconds, &tm);

    tm.tm_hour = 0;
    tm.tm_min = 0;
    tm.tm_sec = 0;
    day = timegm(&tm) / 86400 - 10957;

    tm.tm_mday = 1;
    first = timegm(&tm) / 86400 - 10957;

    tm.tm_mon++;
    next = timegm(&tm) / 86400 - 10957;

    if (ngx_av_time_pg_timestamp(t) == us
        && ngx_av_time_pg_day(t) == day
        && ngx_av_time_pg_month(t) == first
        && ngx_av_time_pg_next_month(first) == next)
    {
        return 0;
    }

    ngx_av_tap_diag("%lld: timestamp %lld, day %d, month %d, next %d",
                    (long long) t, (long long) ngx_av_time_pg_timestamp(t),
                    ngx_av_time_pg_day(t), ngx_av_time_pg_month(t),
                    ngx_av_time_pg_next_month(first));

    return 1;
}


static void
ngx_av_test_pg(void)
{
    ngx_int_t   i;
    ngx_uint_t  bad;

    is(ngx_av_time_pg_timestamp(0), -946684800000000,
       "1970 is -946684800000000 us to Postgres");
    is(ngx_av_time_pg_timestamp(-1), -946684800000001, "rounded down");
    is(ngx_av_time_pg_timestamp(999), -946684800000000, "also above 0");
    is(ngx_av_time_pg_day(0), -10957, "1970-01-01 as a date");
    is(ngx_av_time_pg_day(-1), -10958, "the day before it");
    is(ngx_av_time_pg_day(946684800 * NGX_AV_TIME_SECOND), 0, "2000-01-01");
    is(ngx_av_time_pg_month(951782400 * NGX_AV_TIME_SECOND), 31,
       "2000-02-29 is of the month that begins on day 31");
    is(ngx_av_time_pg_next_month(31), 60, "which has 29 days");
    is(ngx_av_test_pg_one(INT64_MIN), 0, "the first instant");
    is(ngx_av_test_pg_one(INT64_MAX), 0, "the last instant");

    bad = 0;

    for (i = 0; i < 200000; i++) {
        bad += ngx_av_test_pg_one((ngx_av_time_t) ngx_av_stub_random());
    }

    is(bad, 0, "random instants, as by gmtime()");

    bad = 0;

    for (i = -106000; i < 106000; i++) {
        bad += ngx_av_test_pg_one(i * NGX_AV_TIME_DAY);
        bad += ngx_av_test_pg_one(i * NGX_AV_TIME_DAY - 1);
    }

    is(bad, 0, "both sides of every midnight");
}


int
main(void)
{
    ngx_av_test_table();
    ngx_av_test_mutations();
    ngx_av_test_calendar();
    ngx_av_test_format();
    ngx_av_test_pg();

    return ngx_av_tap_done();
}
