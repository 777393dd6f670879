/*
 * Text on its way into Postgres.  One treatment everywhere: U+0000 is removed
 * (text and jsonb cannot hold it), a lone surrogate escape and every maximal
 * invalid UTF-8 sequence become U+FFFD, and text over its limit is cut at a
 * character boundary.
 */

#ifndef _NGX_AV_TEXT_H_INCLUDED_
#define _NGX_AV_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"


#define NGX_AV_TEXT_REPLACEMENT  "\xef\xbf\xbd"         /* U+FFFD in UTF-8 */


/*
 * The longest prefix of valid UTF-8 text that has at most limit bytes and does
 * not split a character.
 */
size_t ngx_av_text_cut(const u_char *p, size_t len, size_t limit);

/*
 * Appends text that is valid UTF-8, without its NULs.
 */
ngx_int_t ngx_av_text_append(ngx_av_buf_t *b, const u_char *p, size_t len);

/* Length in characters of valid UTF-8 text. */
size_t ngx_av_text_chars(const u_char *p, size_t len);

/* The text is ASCII without NULs: there is nothing to be repaired. */
ngx_uint_t ngx_av_text_is_plain(const u_char *p, size_t len);

/* The text has nothing but blanks (or nothing at all). */
ngx_uint_t ngx_av_text_is_blank(const u_char *p, size_t len);

/*
 * Repairs a JSON document that a strict parser refuses for its encoding:
 * writes to out, which has room for 3 * len bytes, the document with invalid
 * UTF-8 bytes replaced by U+FFFD and lone "\uD800".."\uDFFF" escapes by
 * "\ufffd".  Returns the new length.  Anything else is left as it is.
 */
size_t ngx_av_text_repair_json(u_char *out, const u_char *p, size_t len);


/*
 * Bytes of unknown encoding: the length of the longest prefix that is valid
 * UTF-8.  What follows it is a maximal invalid sequence of *bad bytes, none if
 * the text is at its end.
 */
size_t ngx_av_text_valid(const u_char *p, size_t len, size_t *bad);

/*
 * Appends bytes of unknown encoding: every maximal invalid sequence as U+FFFD,
 * NULs removed.  NGX_ERROR without memory.
 */
ngx_int_t ngx_av_text_append_repaired(ngx_av_buf_t *b, const u_char *p,
    size_t len);

/*
 * Write a number's digits and return their end; at most NGX_INT64_LEN bytes.
 * ngx_sprintf() takes several times as long to find out what it is to write.
 */
u_char *ngx_av_text_int64(u_char *p, int64_t n);
u_char *ngx_av_text_uint64(u_char *p, uint64_t n);


#endif /* _NGX_AV_TEXT_H_INCLUDED_ */
