/*
 * JSON in and out.  In: yyjson, with every number kept as the text it was sent
 * in (no digit is lost).  Out: compact text that json and jsonb accept,
 * whatever came in.
 */

#ifndef _NGX_AV_JSON_H_INCLUDED_
#define _NGX_AV_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <yyjson.h>

#include "ngx_av_buf.h"
#include "ngx_av_memory.h"


typedef struct {
    yyjson_doc        *doc;
    yyjson_val        *root;
    ngx_str_t          error;       /* why parsing failed, static text */
    size_t             offset;      /* and where, in the text after any
                                       repair */

    /* private */
    u_char            *repaired;    /* the text the document points to */
    ngx_av_memory_t   *memory;
    size_t             taken;       /* from it */
    size_t             left;        /* of the limit */
    ngx_int_t          refused;     /* why memory was, or NGX_OK */
} ngx_av_json_t;


/*
 * Parses text, which stays untouched and must outlive the document.  Strings
 * with bad encoding are repaired (ngx_av_text.h) instead of refused.  The
 * document takes at most memory_limit bytes.  NGX_OK; NGX_DECLINED with error
 * and offset set if the text is no JSON; NGX_ABORT if the document would pass
 * memory_limit; NGX_ERROR without memory.  The caller frees it with
 * ngx_av_json_free(), also after a failure.
 */
ngx_int_t ngx_av_json_parse(ngx_av_json_t *json, const u_char *text,
    size_t len, size_t memory_limit);

/*
 * The same of a document that counts in an account while it is there: before
 * it is parsed for what documents of its length ordinarily take, then for what
 * it takes beyond that.  Also NGX_BUSY or NGX_ABORT as ngx_av_memory_take().
 */
ngx_int_t ngx_av_json_parse_counted(ngx_av_json_t *json, const u_char *text,
    size_t len, size_t memory_limit, ngx_av_memory_t *memory);

void ngx_av_json_free(ngx_av_json_t *json);


typedef struct {
    size_t      string_limit;   /* bytes a string may have before it is cut */
    ngx_uint_t  depth;          /* levels of arrays and objects allowed; each
                                   takes some 200 bytes of stack */
    size_t      cut;            /* in and out: raised to the size in bytes,
                                   NULs not counted, of the longest string that
                                   was cut; set to 0 by the caller */
} ngx_av_json_style_t;

/*
 * Appends the compact text of a value of such a document: NULs removed,
 * strings cut at string_limit, numbers that a numeric cannot sensibly hold
 * (over 400 characters or an exponent beyond +-400) as strings.  NGX_DECLINED
 * if it is nested deeper than style->depth (the buffer is left as it was),
 * NGX_ERROR without memory.
 */
ngx_int_t ngx_av_json_write(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style);

/*
 * Appends a number.  NGX_ERROR without memory.
 */
ngx_int_t ngx_av_json_write_int(ngx_av_buf_t *b, int64_t n);

/*
 * Appends a JSON string, quotes included, of valid UTF-8 text, NULs removed.
 */
ngx_int_t ngx_av_json_write_string(ngx_av_buf_t *b, const u_char *p,
    size_t len);

/*
 * The same of bytes of unknown encoding, repaired as ngx_av_text.h says.
 */
ngx_int_t ngx_av_json_write_bytes(ngx_av_buf_t *b, const u_char *p,
    size_t len);

/*
 * Writes a JSON string of text in which nothing is to be repaired or escaped:
 * last has room for len + 2 bytes.  Returns its end; NULL if the text is not
 * such.
 */
u_char *ngx_av_json_put_plain(u_char *last, const u_char *p, size_t len);

/*
 * A number as int64: NGX_OK; NGX_DECLINED if it is no integer that fits (a
 * fraction of zeros and an exponent are fine: 1e3, 5.0); the value is given by
 * its text, read as by ngx_av_decimal_scan().
 */
ngx_int_t ngx_av_json_int64(const u_char *p, size_t len, int64_t *n);

/* The same as uint64; -0 is 0. */
ngx_int_t ngx_av_json_uint64(const u_char *p, size_t len, uint64_t *n);


#endif /* _NGX_AV_JSON_H_INCLUDED_ */
