/*
 * OTLP requests in JSON with ' for ", decoded into batches, for the tests of
 * their rows.
 */

#ifndef _NGX_AV_OTLP_CASE_H_INCLUDED_
#define _NGX_AV_OTLP_CASE_H_INCLUDED_


#include "ngx_av_batch_check.h"
#include "ngx_av_otlp_batch.h"


/* arrival, 2026-10-23T12:00:01.000001999Z, and some times before it */
#define NGX_AV_CASE_NOW   1792756801000001999LL
#define T0                "1792756800000000000"
#define T0_TEXT           "2026-10-23T12:00:00Z"
#define T0_DAY            "9792"

#define ACCOUNT           "01020304-0000-0000-0000-000000000000"

#define STR(key, text)                                                        \
    "{'key':'" key "','value':{'stringValue':'" text "'}}"

#define ENVELOPE(resources, scopes, records, service, list)                   \
    "{'" resources "':[{'resource':{'attributes':["                           \
    STR("service.name", service) "]},'" scopes "':[{'scope':{'name':'lib'}"   \
    ",'" records "':[" list "]}]}]}"

#define ngx_av_case_count(a)  (sizeof(a) / sizeof((a)[0]))


/* limits of 1024 and 4096 bytes and 4 levels, October 2026, no prices */
extern ngx_av_otlp_options_t  ngx_av_case_options;

/* what the last decoding said */
extern ngx_int_t              ngx_av_case_rc;
extern ngx_str_t              ngx_av_case_detail;


/* As before any test. */
void ngx_av_case_reset(void);

/*
 * Decodes a body, also when it cannot be, and checks what must always hold.
 * The caller destroys the batch.
 */
ngx_av_batch_t *ngx_av_case_decode(ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, const void *body, size_t len);

/* The same of JSON text. */
ngx_av_batch_t *ngx_av_case_json(ngx_av_otlp_signal_e signal,
    const char *text);

/*
 * A cell of the batch's main columns (spans, logs or points), " for ' undone.
 */
const char *ngx_av_case_cell(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_uint_t column);
const char *ngx_av_case_trace(const ngx_av_batch_t *batch, ngx_uint_t row,
    ngx_uint_t column);

/* A ref's text, likewise; "" if there is no such. */
const char *ngx_av_case_ref(const ngx_av_batch_t *batch, ngx_av_ref_e kind,
    ngx_uint_t i);

/* The reason of an error; "" if there is no such. */
const char *ngx_av_case_error(const ngx_av_batch_t *batch, ngx_uint_t i);


#endif /* _NGX_AV_OTLP_CASE_H_INCLUDED_ */
