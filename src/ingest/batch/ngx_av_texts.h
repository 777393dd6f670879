/*
 * The texts of one span, or of one header, on their way into columns, held
 * within two limits: of one text, and of all of them together.  What is over a
 * limit is cut, never refused, and noted with its original size.
 */

#ifndef _NGX_AV_TEXTS_H_INCLUDED_
#define _NGX_AV_TEXTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"
#include "ngx_av_json.h"


/* where metadata keeps a span's type that is none of the documented ones */
#define NGX_AV_TEXTS_ORIGINAL_TYPE  "agentvista.original_type"


typedef struct {
    size_t         attribute_limit;
    size_t         span_limit;
    ngx_uint_t     depth;

    size_t         left;            /* of span_limit */
    ngx_av_buf_t   cut;             /* members of "truncated", no braces */
    ngx_av_buf_t   scratch;
} ngx_av_texts_t;


/* The pool is for scratch: it should be gone soon after. */
void ngx_av_texts_init(ngx_av_texts_t *texts, ngx_pool_t *pool,
    size_t attribute_limit, size_t span_limit, ngx_uint_t depth);

/* Before each span or header. */
void ngx_av_texts_begin(ngx_av_texts_t *texts);

/*
 * Each appends one element to a column.  name is what the text is called in
 * "truncated".  NGX_ERROR without memory; those of JSON also NGX_DECLINED: it
 * is nested too deeply, and the column is as it was.
 */

/*
 * Text: cut at the smaller of the limits.
 */
ngx_int_t ngx_av_texts_put(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, yyjson_val *val);

/*
 * The same of bytes of any encoding, which are repaired.
 */
ngx_int_t ngx_av_texts_put_bytes(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *bytes);

/*
 * The same of text that Postgres accepts as it is.
 */
ngx_int_t ngx_av_texts_put_clean(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *text);

/*
 * json of any kind.  A string is cut like text.  In an array or object each
 * string is; if the whole still does not fit it is replaced by a string: the
 * beginning of its text.
 */
ngx_int_t ngx_av_texts_put_json(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, yyjson_val *val);

/*
 * json: a string of bytes of any encoding, which are repaired; or of text that
 * Postgres accepts as it is.
 */
ngx_int_t ngx_av_texts_put_json_bytes(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *bytes);
ngx_int_t ngx_av_texts_put_json_clean(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_str_t *text);

/*
 * An object, of type NGX_AV_DB_JSON or NGX_AV_DB_JSONB: its members are
 * limited each by itself, and those that do not fit are left out.  original, a
 * string, is added as the member NGX_AV_TEXTS_ORIGINAL_TYPE unless there is
 * one.  One of val and original may be NULL.
 */
ngx_int_t ngx_av_texts_put_object(ngx_av_texts_t *texts, ngx_av_buf_t *b,
    uint32_t type, const ngx_str_t *name, yyjson_val *val,
    yyjson_val *original);

/*
 * jsonb: what was cut since ngx_av_texts_begin(), an object of sizes in bytes
 * by name; null if nothing was.  The size of text, and of a string, is without
 * its NULs; where strings were cut inside a value it is that of the longest;
 * where that was not enough, it is that of the whole as compact JSON, escapes
 * apart.  A member of an object goes by both names, "metadata.key".
 */
ngx_int_t ngx_av_texts_put_truncated(ngx_av_texts_t *texts, ngx_av_buf_t *b);


/*
 * For those who write texts of their own, and keep count of what is left.
 */

/*
 * Bytes of any encoding as text that Postgres accepts: as they are, or
 * repaired in texts->scratch.  NGX_ERROR without memory.
 */
ngx_int_t ngx_av_texts_repair(ngx_av_texts_t *texts, ngx_str_t *bytes);

/*
 * Notes for "truncated" that name, or its member key if that is not NULL, had
 * this size.  The key is of any encoding.  NGX_ERROR without memory.
 */
ngx_int_t ngx_av_texts_note(ngx_av_texts_t *texts, const ngx_str_t *name,
    const ngx_str_t *key, size_t size);


#endif /* _NGX_AV_TEXTS_H_INCLUDED_ */
