/*
 * Values of a result as JSON.
 */

#ifndef _NGX_AV_VALUE_H_INCLUDED_
#define _NGX_AV_VALUE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"
#include "ngx_av_db.h"


/*
 * Appends a value as the type of its column asks for: numbers as Postgres
 * prints them, times by ISO 8601 in UTC, json and jsonb as they are, uuid and
 * text as strings.  NGX_DECLINED if it is null, NGX_ERROR without memory or of
 * another type.
 */
ngx_int_t ngx_av_value_write(ngx_av_buf_t *b, const ngx_av_db_result_t *res,
    ngx_uint_t row, ngx_uint_t column);

/* A time, in nanoseconds since 1970, in quotes. */
ngx_int_t ngx_av_value_write_time(ngx_av_buf_t *b, ngx_av_time_t t);


#endif /* _NGX_AV_VALUE_H_INCLUDED_ */
