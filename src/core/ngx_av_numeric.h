/* Postgres's binary numeric (numeric_send) as text. */

#ifndef _NGX_AV_NUMERIC_H_INCLUDED_
#define _NGX_AV_NUMERIC_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"


/*
 * Appends a number as Postgres prints it: never with an exponent; trimmed:
 * without zeros at the end of a fraction.  NGX_DECLINED if the value is no
 * finite number, NGX_ERROR without memory.
 */
ngx_int_t ngx_av_numeric_write(ngx_av_buf_t *b, const u_char *p, size_t len,
    ngx_uint_t trimmed);


#endif /* _NGX_AV_NUMERIC_H_INCLUDED_ */
