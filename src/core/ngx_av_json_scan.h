/*
 * Walks JSON text that is known to be valid, as Postgres prints it, without
 * reading it into anything: values come as slices of the text.
 */

#ifndef _NGX_AV_JSON_SCAN_H_INCLUDED_
#define _NGX_AV_JSON_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Without the blanks at its beginning. */
ngx_str_t ngx_av_json_trim(ngx_str_t text);

/*
 * The next member of an object.  *rest is the object's text at first, and is
 * cut to what follows; key is a string with its quotes.  NGX_DONE if there is
 * none, or the text is no object; nothing outside of it is ever read.
 */
ngx_int_t ngx_av_json_member(ngx_str_t *rest, ngx_str_t *key,
    ngx_str_t *value);


#endif /* _NGX_AV_JSON_SCAN_H_INCLUDED_ */
