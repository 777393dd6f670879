/*
 * Instants as nanoseconds since 1970-01-01T00:00:00Z in an int64_t, which
 * covers 1677-09-21 to 2262-04-11: every clock a client can sensibly have.
 */

#ifndef _NGX_AV_TIME_H_INCLUDED_
#define _NGX_AV_TIME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef int64_t  ngx_av_time_t;

#define NGX_AV_TIME_SECOND   1000000000LL
#define NGX_AV_TIME_DAY      (86400LL * NGX_AV_TIME_SECOND)

/* days from 1970-01-01 to 2000-01-01, the epoch of Postgres */
#define NGX_AV_TIME_PG_EPOCH_DAYS  10957


/*
 * Reads an RFC 3339 date-time: "T", "t" or a blank between date and time, any
 * number of fractional digits (those past the ninth are dropped), "Z" or an
 * offset; without an offset the value is taken as UTC.  Seconds may be 60 (a
 * leap second counts as the next second's start).  NGX_ERROR for anything
 * else, for dates that do not exist, and for instants outside the type.
 */
ngx_int_t ngx_av_time_parse(const u_char *p, size_t len, ngx_av_time_t *t);

/* Microseconds since 2000-01-01, rounded down: a binary timestamptz. */
int64_t ngx_av_time_pg_timestamp(ngx_av_time_t t);

/* Days since 2000-01-01 of the UTC day that holds t: a binary date. */
int32_t ngx_av_time_pg_day(ngx_av_time_t t);

/* Days since 2000-01-01 of the first day of t's UTC month. */
int32_t ngx_av_time_pg_month(ngx_av_time_t t);

/* The first day of the month after one given as by ngx_av_time_pg_month(). */
int32_t ngx_av_time_pg_next_month(int32_t month);

/*
 * Writes "YYYY-MM-DDTHH:MM:SSZ" with three, six or nine fractional digits when
 * they are needed to show all of t.  Returns the end; at most
 * NGX_AV_TIME_TEXT_LEN bytes.
 */
#define NGX_AV_TIME_TEXT_LEN  (sizeof("2026-01-01T00:00:00.000000000Z") - 1)

u_char *ngx_av_time_format(u_char *p, ngx_av_time_t t);


#endif /* _NGX_AV_TIME_H_INCLUDED_ */
