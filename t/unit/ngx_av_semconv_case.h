/*
 * Spans for the tests of semantic conventions, written briefly:
 *
 *     {"name": ..., "scope": ..., "status": 2, "message": ...,
 *      "resource": {...}, "attributes": {...},
 *      "events": [{"name": ..., "attributes": {...}}]}
 *
 * Attributes are plain JSON.  Numbers with a point or an exponent are doubles;
 * {"$double": "NaN"} is one, too; {"$bytes": "..."} are bytes, as base64;
 * in a string U+0001 stands for the byte 0xff, which is no UTF-8, in protobuf.
 * In a case, and in what is expected of it, ' stands for a quotation mark.
 */

#ifndef _NGX_AV_SEMCONV_CASE_H_INCLUDED_
#define _NGX_AV_SEMCONV_CASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_semconv.h"
#include "ngx_av_tap.h"


/* A span, and what it is to be resolved to, in the form of the next function */
typedef struct {
    const char  *title;
    const char  *span;
    const char  *expected;
} ngx_av_semconv_case_t;


/* Writes a request of such spans, an array of them or one, in an encoding. */
void ngx_av_semconv_body(ngx_av_buf_t *b, ngx_av_otlp_encoding_e encoding,
    const char *spans, size_t len);

/*
 * Decodes and resolves a body's spans.  Appends for each what is known of it,
 * "type; name=value; ...; details={...}", and a newline.
 */
ngx_int_t ngx_av_semconv_run(ngx_av_buf_t *b, ngx_pool_t *pool,
    ngx_av_otlp_encoding_e encoding, const u_char *body, size_t len,
    const ngx_av_semconv_limits_t *limits, const ngx_av_prices_t *prices);

/* The same of one span, written as above, in this pool. */
void ngx_av_semconv_one(ngx_av_buf_t *b, ngx_pool_t *pool,
    ngx_av_otlp_encoding_e encoding, const char *span,
    const ngx_av_semconv_limits_t *limits, const ngx_av_prices_t *prices);

/* A copy with quotation marks for apostrophes. */
char *ngx_av_semconv_quoted(ngx_pool_t *pool, const char *text);


/* Each case in both encodings is a test. */
static ngx_inline void
ngx_av_semconv_cases(const ngx_av_semconv_limits_t *limits,
    const ngx_av_prices_t *prices, const ngx_av_semconv_case_t *cases,
    ngx_uint_t n)
{
    char          *span, *expected;
    ngx_uint_t     i, encoding;
    ngx_pool_t    *pool;
    ngx_av_buf_t   b;

    for (i = 0; i < 2 * n; i++) {

        pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

        span = ngx_av_semconv_quoted(pool, cases[i / 2].span);
        expected = ngx_av_semconv_quoted(pool, cases[i / 2].expected);
        encoding = (i % 2) ? NGX_AV_OTLP_JSON : NGX_AV_OTLP_PROTOBUF;

        (void) ngx_av_buf_init(&b, pool, 0);

        ngx_av_semconv_one(&b, pool, encoding, span, limits, prices);

        is_text(b.start, ngx_av_buf_len(&b) - 1, expected, "%s, %s",
                cases[i / 2].title,
                (encoding == NGX_AV_OTLP_JSON) ? "JSON" : "protobuf");

        ngx_destroy_pool(pool);
    }
}


#endif /* _NGX_AV_SEMCONV_CASE_H_INCLUDED_ */
