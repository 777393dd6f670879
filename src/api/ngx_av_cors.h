/*
 * CORS: which pages of other origins may use the API from a browser.
 */

#ifndef _NGX_AV_CORS_H_INCLUDED_
#define _NGX_AV_CORS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * The value of "agentvista_cors", for ngx_av_http_loc_conf_t.cors: origins as
 * browsers send them, or "*" alone; NULL of "off".  Returns NGX_CONF_OK or as
 * a directive's handler does.
 */
char *ngx_av_cors_parse(ngx_conf_t *cf, ngx_array_t **origins);

/*
 * postconfiguration: installs the header filter that adds the headers to all
 * answers of locations with "agentvista", errors too.
 */
ngx_int_t ngx_av_cors_init_filter(ngx_conf_t *cf);

/*
 * The request is a preflight of an origin that is allowed: to be answered
 * before a key is asked for, since browsers send none with it.
 */
ngx_uint_t ngx_av_cors_is_preflight(ngx_http_request_t *r);

/* Answers it. methods: those of the path, as in Allow. */
ngx_int_t ngx_av_cors_preflight(ngx_http_request_t *r, ngx_str_t *methods);


#endif /* _NGX_AV_CORS_H_INCLUDED_ */
