/* RFC 3339 by hand: timestamps are on the path of every span. */

#include "ngx_av_time.h"


#define NGX_AV_TIME_DATE_LEN   (sizeof("2026-01-01") - 1)
#define NGX_AV_TIME_CLOCK_LEN  (sizeof("00:00:00") - 1)

/* what ngx_av_time_two() says of two bytes that are not two digits */
#define NGX_AV_TIME_NO_DIGITS  1000

/* shifts the year to begin in March, so that the leap day is its last one */
#define NGX_AV_TIME_ERA_DAYS   146097
#define NGX_AV_TIME_ERA_SHIFT  719468


typedef struct {
    ngx_uint_t  year;
    ngx_uint_t  month;
    ngx_uint_t  day;
} ngx_av_time_date_t;


static ngx_int_t ngx_av_time_parse_date(const u_char *p, int64_t *days);
static ngx_int_t ngx_av_time_parse_clock(const u_char *p, int64_t *seconds);
static const u_char *ngx_av_time_parse_fraction(const u_char *p,
    const u_char *end, int64_t *ns);
static ngx_int_t ngx_av_time_parse_offset(const u_char *p, const u_char *end,
    int64_t *seconds);
static ngx_int_t ngx_av_time_compose(int64_t seconds, int64_t ns,
    ngx_av_time_t *t);
static ngx_uint_t ngx_av_time_month_days(ngx_uint_t year, ngx_uint_t month);
static int64_t ngx_av_time_days(const ngx_av_time_date_t *date);
static void ngx_av_time_date(int64_t days, ngx_av_time_date_t *date);
static u_char *ngx_av_time_digits(u_char *p, ngx_uint_t value, ngx_uint_t n);


static ngx_inline ngx_uint_t
ngx_av_time_two(const u_char *p)
{
    ngx_uint_t  a, b;

    a = (ngx_uint_t) p[0] - '0';
    b = (ngx_uint_t) p[1] - '0';

    return (a > 9 || b > 9) ? NGX_AV_TIME_NO_DIGITS : a * 10 + b;
}


static ngx_inline int64_t
ngx_av_time_floor(int64_t value, int64_t unit)
{
    return value / unit - (value % unit < 0);
}


ngx_int_t
ngx_av_time_parse(const u_char *p, size_t len, ngx_av_time_t *t)
{
    int64_t        days, clock, ns, offset;
    ngx_uint_t     leap;
    const u_char  *end;

    if (len < NGX_AV_TIME_DATE_LEN + 1 + NGX_AV_TIME_CLOCK_LEN) {
        return NGX_ERROR;
    }

    end = p + len;

    if (ngx_av_time_parse_date(p, &days) != NGX_OK) {
        return NGX_ERROR;
    }

    p += NGX_AV_TIME_DATE_LEN;

    if (*p != 'T' && *p != 't' && *p != ' ') {
        return NGX_ERROR;
    }

    p++;

    if (ngx_av_time_parse_clock(p, &clock) != NGX_OK) {
        return NGX_ERROR;
    }

    leap = (p[6] == '6');

    p = ngx_av_time_parse_fraction(p + NGX_AV_TIME_CLOCK_LEN, end, &ns);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (leap) {
        /* all of it is the next second's start, which sorts after :59.9 */
        ns = 0;
    }

    if (ngx_av_time_parse_offset(p, end, &offset) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_time_compose(days * 86400 + clock - offset, ns, t);
}


static ngx_int_t
ngx_av_time_parse_date(const u_char *p, int64_t *days)
{
    ngx_uint_t          high, low;
    ngx_av_time_date_t  date;

    high = ngx_av_time_two(p);
    low = ngx_av_time_two(p + 2);

    date.year = high * 100 + low;
    date.month = ngx_av_time_two(p + 5);
    date.day = ngx_av_time_two(p + 8);

    if (high == NGX_AV_TIME_NO_DIGITS
        || low == NGX_AV_TIME_NO_DIGITS
        || p[4] != '-'
        || date.month < 1 || date.month > 12
        || p[7] != '-'
        || date.day < 1
        || date.day > ngx_av_time_month_days(date.year, date.month))
    {
        return NGX_ERROR;
    }

    *days = ngx_av_time_days(&date);

    return NGX_OK;
}


static ngx_int_t
ngx_av_time_parse_clock(const u_char *p, int64_t *seconds)
{
    ngx_uint_t  hour, min, sec;

    hour = ngx_av_time_two(p);
    min = ngx_av_time_two(p + 3);
    sec = ngx_av_time_two(p + 6);

    if (hour > 23 || p[2] != ':' || min > 59 || p[5] != ':' || sec > 60) {
        return NGX_ERROR;
    }

    *seconds = hour * 3600 + min * 60 + sec;

    return NGX_OK;
}


/* Returns where the fraction ends, which may be where it would begin. */
static const u_char *
ngx_av_time_parse_fraction(const u_char *p, const u_char *end, int64_t *ns)
{
    int64_t        value, unit;
    const u_char  *first;

    *ns = 0;

    if (p == end || *p != '.') {
        return p;
    }

    first = ++p;
    value = 0;
    unit = NGX_AV_TIME_SECOND;

    for ( /* void */ ; p < end && *p >= '0' && *p <= '9'; p++) {

        if (unit > 1) {
            value = value * 10 + (*p - '0');
            unit /= 10;
        }
    }

    if (p == first) {
        return NULL;
    }

    *ns = value * unit;

    return p;
}


static ngx_int_t
ngx_av_time_parse_offset(const u_char *p, const u_char *end, int64_t *seconds)
{
    ngx_uint_t  hour, min;

    *seconds = 0;

    if (p == end) {
        return NGX_OK;
    }

    if (*p == 'Z' || *p == 'z') {
        return (p + 1 == end) ? NGX_OK : NGX_ERROR;
    }

    if (end - p != sizeof("+00:00") - 1 || (*p != '+' && *p != '-')) {
        return NGX_ERROR;
    }

    hour = ngx_av_time_two(p + 1);
    min = ngx_av_time_two(p + 4);

    if (hour > 23 || p[3] != ':' || min > 59) {
        return NGX_ERROR;
    }

    *seconds = hour * 3600 + min * 60;

    if (*p == '-') {
        *seconds = -*seconds;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_time_compose(int64_t seconds, int64_t ns, ngx_av_time_t *t)
{
    /*
     * Before 1970 both parts are brought below zero: the type's first instant
     * lies within a second whose start is outside the type.
     */

    if (seconds < 0 && ns > 0) {
        seconds++;
        ns -= NGX_AV_TIME_SECOND;
    }

    if (__builtin_mul_overflow(seconds, NGX_AV_TIME_SECOND, &seconds)
        || __builtin_add_overflow(seconds, ns, t))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_av_time_month_days(ngx_uint_t year, ngx_uint_t month)
{
    static const u_char  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (month == 2
        && year % 4 == 0
        && (year % 100 != 0 || year % 400 == 0))
    {
        return 29;
    }

    return days[month - 1];
}


/*
 * Days since 1970-01-01 and back: the civil calendar in eras of 400 years, as
 * in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
 */

static int64_t
ngx_av_time_days(const ngx_av_time_date_t *date)
{
    int64_t  year, era, year_of_era, day_of_year, day_of_era;

    year = (int64_t) date->year - (date->month <= 2);
    era = ngx_av_time_floor(year, 400);
    year_of_era = year - era * 400;

    day_of_year = (153 * ((date->month + 9) % 12) + 2) / 5 + date->day - 1;
    day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100
                 + day_of_year;

    return era * NGX_AV_TIME_ERA_DAYS + day_of_era - NGX_AV_TIME_ERA_SHIFT;
}


static void
ngx_av_time_date(int64_t days, ngx_av_time_date_t *date)
{
    int64_t  era, day_of_era, year_of_era, day_of_year, month;

    days += NGX_AV_TIME_ERA_SHIFT;
    era = ngx_av_time_floor(days, NGX_AV_TIME_ERA_DAYS);

    day_of_era = days - era * NGX_AV_TIME_ERA_DAYS;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524
                   - day_of_era / 146096) / 365;
    day_of_year = day_of_era
                  - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month = (5 * day_of_year + 2) / 153;

    date->day = day_of_year - (153 * month + 2) / 5 + 1;
    date->month = (month < 10) ? month + 3 : month - 9;
    date->year = year_of_era + era * 400 + (date->month <= 2);
}


int64_t
ngx_av_time_pg_timestamp(ngx_av_time_t t)
{
    return ngx_av_time_floor(t, 1000)
           - NGX_AV_TIME_PG_EPOCH_DAYS * (NGX_AV_TIME_DAY / 1000);
}


int32_t
ngx_av_time_pg_day(ngx_av_time_t t)
{
    return ngx_av_time_floor(t, NGX_AV_TIME_DAY) - NGX_AV_TIME_PG_EPOCH_DAYS;
}


int32_t
ngx_av_time_pg_month(ngx_av_time_t t)
{
    int64_t             days;
    ngx_av_time_date_t  date;

    days = ngx_av_time_floor(t, NGX_AV_TIME_DAY);
    ngx_av_time_date(days, &date);

    return days - (date.day - 1) - NGX_AV_TIME_PG_EPOCH_DAYS;
}


int32_t
ngx_av_time_pg_next_month(int32_t month)
{
    int64_t             days;
    ngx_av_time_date_t  date;

    days = (int64_t) month + NGX_AV_TIME_PG_EPOCH_DAYS;
    ngx_av_time_date(days, &date);

    return month + ngx_av_time_month_days(date.year, date.month);
}


u_char *
ngx_av_time_format(u_char *p, ngx_av_time_t t)
{
    int64_t             seconds, days, clock, ns;
    ngx_av_time_date_t  date;

    seconds = ngx_av_time_floor(t, NGX_AV_TIME_SECOND);
    ns = t % NGX_AV_TIME_SECOND;
    days = ngx_av_time_floor(seconds, 86400);
    clock = seconds - days * 86400;

    if (ns < 0) {
        ns += NGX_AV_TIME_SECOND;
    }

    ngx_av_time_date(days, &date);

    p = ngx_av_time_digits(p, date.year, 4);
    *p++ = '-';
    p = ngx_av_time_digits(p, date.month, 2);
    *p++ = '-';
    p = ngx_av_time_digits(p, date.day, 2);
    *p++ = 'T';
    p = ngx_av_time_digits(p, clock / 3600, 2);
    *p++ = ':';
    p = ngx_av_time_digits(p, clock / 60 % 60, 2);
    *p++ = ':';
    p = ngx_av_time_digits(p, clock % 60, 2);

    if (ns) {
        *p++ = '.';
        p = ngx_av_time_digits(p, ns / 1000000, 3);
    }

    if (ns % 1000000) {
        p = ngx_av_time_digits(p, ns / 1000 % 1000, 3);
    }

    if (ns % 1000) {
        p = ngx_av_time_digits(p, ns % 1000, 3);
    }

    *p++ = 'Z';

    return p;
}


static u_char *
ngx_av_time_digits(u_char *p, ngx_uint_t value, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = n; i > 0; i--) {
        p[i - 1] = '0' + value % 10;
        value /= 10;
    }

    return p + n;
}
