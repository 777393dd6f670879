/*
 * Semantic conventions: what a span's attributes, its events, its resource
 * and its scope's name say about it, whichever of the conventions they follow
 * (otlp.md 10, agentmark.md 6 to 8).  Each field is resolved by itself, by one
 * table of keys in the order of precedence: ngx_av_semconv_keys.c.
 */

#ifndef _NGX_AV_SEMCONV_H_INCLUDED_
#define _NGX_AV_SEMCONV_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_buf.h"
#include "ngx_av_decimal.h"
#include "ngx_av_otlp.h"
#include "ngx_av_prices.h"


/* Labels (names, ids, models) are cut here, at a character's boundary. */
#define NGX_AV_SEMCONV_LABEL_LIMIT  1024


/* bits of known */
#define NGX_AV_SEMCONV_HAS_INPUT_TOKENS   0x01
#define NGX_AV_SEMCONV_HAS_OUTPUT_TOKENS  0x02
#define NGX_AV_SEMCONV_HAS_TOTAL_TOKENS   0x04
#define NGX_AV_SEMCONV_HAS_COST           0x08


typedef struct {
    size_t                      text_limit;     /* bytes of error_message, and
                                                   of a text in details */
    size_t                      memory;         /* bytes that the document of
                                                   a JSON text may take */
    ngx_uint_t                  depth;          /* of values and JSON texts */
} ngx_av_semconv_limits_t;


typedef struct ngx_av_semconv_work_s  ngx_av_semconv_work_t;


/*
 * Texts are valid UTF-8 without NULs; data is NULL for what is not known.
 * They lie in the request or in memory that the next span uses again.
 */
typedef struct {
    ngx_uint_t                  type;           /* NGX_AV_TYPE_*, the fine set
                                                   of otlp.md 10.2 */
    ngx_uint_t                  known;          /* NGX_AV_SEMCONV_HAS_* */

    int64_t                     input_tokens;   /* each 0 to 2^53 - 1 */
    int64_t                     output_tokens;
    int64_t                     total_tokens;

    ngx_av_decimal_t            cost;           /* US dollars, not negative */

    ngx_str_t                   model;          /* labels */
    ngx_str_t                   session_id;
    ngx_str_t                   user_id;
    ngx_str_t                   trace_name;
    ngx_str_t                   tool_name;

    ngx_str_t                   error_message;  /* only of status 2 */

    ngx_str_t                   input;          /* of any length: plain text, */
    ngx_str_t                   output;         /* or an array of messages as
                                                   JSON text (10.4) */

    ngx_av_semconv_work_t      *work;           /* private */
} ngx_av_semconv_t;


/*
 * One for all spans of one decoding.  prices may be NULL: no cost is computed.
 * The first call in a process makes the table of keys ready, if that was not
 * done before (ngx_av_semconv_keys.h).  NULL without memory.
 */
ngx_av_semconv_t *ngx_av_semconv_create(ngx_pool_t *pool,
    const ngx_av_semconv_limits_t *limits, const ngx_av_prices_t *prices);

/*
 * Resolves a span; what there was of another span is void.  Nothing in a span
 * makes it fail: what cannot be understood is absent.  NGX_ERROR without
 * memory.
 */
ngx_int_t ngx_av_semconv_resolve(ngx_av_semconv_t *sc,
    const ngx_av_otlp_span_t *span, const ngx_av_otlp_scope_t *scope);

/*
 * Appends the rest of what is known of the span last resolved, as a JSON
 * object that jsonb accepts; nothing at all if there is no rest.  Members:
 *
 *     texts     provider, request_model, finish_reason, tool_name,
 *               tool_call_id, agent_name, workflow_name, prompt_name,
 *               session_name, trace_name, error_type, subtype ("rerank",
 *               "prompt"), commit_sha; props and output_object, which are
 *               JSON texts as they were sent
 *     numbers   cache_read_tokens, cache_write_tokens, reasoning_tokens
 *     settings  an object, or the text sent if that is none
 *     metadata  an object
 *     dataset   an object of texts: run_id, run_name, path, item_name,
 *               expected_output, input, experiment_key, source_tree_hash
 *     tags      an array of texts
 *     tool_calls  an array of {type, toolCallId, toolName, args, result}, or
 *               what was sent
 *
 * A value over text_limit becomes a string, the beginning of its JSON text.
 * NGX_ERROR without memory.
 */
ngx_int_t ngx_av_semconv_details(ngx_av_semconv_t *sc, ngx_av_buf_t *b);


#endif /* _NGX_AV_SEMCONV_H_INCLUDED_ */
