/*
 * OTLP's values as JSON, held within the limits of ngx_av_texts.h: what is
 * over a limit is cut or left out, and noted.
 */

#ifndef _NGX_AV_OTLP_TEXTS_H_INCLUDED_
#define _NGX_AV_OTLP_TEXTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp.h"
#include "ngx_av_texts.h"


/*
 * Each appends JSON to a buffer.  name is what it is called in "truncated".
 * NGX_ERROR without memory.
 */

/*
 * An object of attributes: each is limited by itself, and those that do not
 * fit are left out.  Of repeated keys all are written (readers take the last).
 */
ngx_int_t ngx_av_otlp_write_attributes(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_av_otlp_attributes_t *attributes);

/*
 * A value of any kind, strings in it cut like text.  NGX_DECLINED if it does
 * not fit: nothing is written, and nothing noted.
 */
ngx_int_t ngx_av_otlp_write_value(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_av_otlp_value_t *value);

/*
 * Arrays of a span's events and links and of a point's exemplars, of the last
 * only those that name a trace; those that do not fit are left out.
 */
ngx_int_t ngx_av_otlp_write_events(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_av_otlp_array_t *events);
ngx_int_t ngx_av_otlp_write_links(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_av_otlp_array_t *links);
ngx_int_t ngx_av_otlp_write_exemplars(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_av_otlp_array_t *exemplars);

/*
 * Bytes of a value's compact JSON text, roughly, without what escapes add.
 */
size_t ngx_av_otlp_value_size(const ngx_av_otlp_value_t *value,
    ngx_uint_t depth);


#endif /* _NGX_AV_OTLP_TEXTS_H_INCLUDED_ */
