/*
 * The bodies of OTLP's answers (otlp.md 4): responses and google.rpc.Status, as
 * JSON and as protobuf.  Knows no HTTP.
 */

#ifndef _NGX_AV_OTLP_ANSWER_H_INCLUDED_
#define _NGX_AV_OTLP_ANSWER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_batch.h"
#include "ngx_av_buf.h"
#include "ngx_av_otlp.h"


/* google.rpc.Code */

#define NGX_AV_RPC_OK                   0
#define NGX_AV_RPC_INVALID_ARGUMENT     3
#define NGX_AV_RPC_DEADLINE_EXCEEDED    4
#define NGX_AV_RPC_PERMISSION_DENIED    7
#define NGX_AV_RPC_RESOURCE_EXHAUSTED   8
#define NGX_AV_RPC_UNIMPLEMENTED       12
#define NGX_AV_RPC_INTERNAL            13
#define NGX_AV_RPC_UNAVAILABLE         14
#define NGX_AV_RPC_UNAUTHENTICATED     16

/* The code for a status of HTTP (otlp.md 4.2). */
ngx_uint_t ngx_av_otlp_answer_code(ngx_uint_t status);


typedef struct {
    ngx_uint_t   code;
    ngx_str_t    message;       /* plain text, repaired if need be */
    ngx_uint_t   retry_after;   /* seconds of a RetryInfo; 0: none */

    /* more members of JSON, for clients of other APIs; empty: none */
    ngx_str_t    extra;         /* such as  ,"detail":"..." */
    ngx_str_t    word;          /* for "code" instead of its number */
} ngx_av_otlp_status_t;


/* All of these append to b; NGX_ERROR without memory. */

/*
 * An Export...ServiceResponse in protobuf: nothing if nothing was rejected.
 * Reasons may be empty.
 */
ngx_int_t ngx_av_otlp_answer_proto(ngx_av_buf_t *b, ngx_uint_t rejected,
    const ngx_str_t *reasons);

/* Its member "partialSuccess" in JSON: nothing if nothing was rejected. */
ngx_int_t ngx_av_otlp_answer_json(ngx_av_buf_t *b,
    ngx_av_otlp_signal_e signal, ngx_uint_t rejected,
    const ngx_str_t *reasons);

/*
 * The text for it: what is wrong with the first items, each reason once, with
 * how many of those have it; rejected counts all.
 */
ngx_int_t ngx_av_otlp_answer_reasons(ngx_av_buf_t *b,
    const ngx_av_batch_t *batch, ngx_uint_t rejected);

/* A google.rpc.Status. */
ngx_int_t ngx_av_otlp_answer_status(ngx_av_buf_t *b,
    ngx_av_otlp_encoding_e encoding, const ngx_av_otlp_status_t *status);


#endif /* _NGX_AV_OTLP_ANSWER_H_INCLUDED_ */
