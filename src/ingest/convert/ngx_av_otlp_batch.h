/*
 * OTLP requests into batches: traces, logs, metrics, in JSON or protobuf.
 * Knows no HTTP.
 */

#ifndef _NGX_AV_OTLP_BATCH_H_INCLUDED_
#define _NGX_AV_OTLP_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_batch.h"
#include "ngx_av_otlp.h"
#include "ngx_av_prices.h"


/* reasons that a batch keeps of items refused; all are counted */
#define NGX_AV_OTLP_MAX_ERRORS  20


typedef struct {
    ngx_av_batch_limits_t    limits;        /* memory_limit: also of arrays
                                               in records, and of rows, to
                                               which 8 MiB are granted more */
    ngx_av_time_t            now;           /* of arrival */
    const ngx_av_prices_t   *prices;        /* NULL: no cost is computed */
    unsigned                 require_key:1; /* JSON must have "resourceSpans"
                                               etc. (agentvista.md 7.1) */
    unsigned                 any_ids:1;     /* JSON: ids may be any text
                                               (agentmark.md 5.1) */
} ngx_av_otlp_options_t;


/*
 * To be called once in a process before anything is decoded, be it a native
 * batch or OTLP.
 */
void ngx_av_otlp_batch_init_process(void);

/*
 * Decodes a body into a batch of the signal's kind.  Of what is refused
 * nrejected counts the spans, records or points, and errors has the first
 * reasons, with the item's place in the request as element; both trace_id and
 * detail are as in ngx_av_batch.h.  A repeated item counts once and is not
 * refused (otlp.md 8).  Of traces, ntraces counts those that the request names
 * and the spans that name none, so that ntraces less the number of parts is
 * how many traces nothing could be stored of.
 *
 * NGX_OK; NGX_DECLINED with detail (batch's pool) if the body cannot be
 * decoded; NGX_ABORT if it is larger, or needs more memory, than is allowed,
 * and NGX_BUSY if its account has no more now; NGX_ERROR without memory.
 * After a failure the batch is only good for ngx_av_batch_destroy().
 *
 * May run in a thread: it touches only its arguments and the batch's pool.
 */
ngx_int_t ngx_av_otlp_batch_decode(ngx_av_batch_t *batch,
    ngx_av_otlp_signal_e signal, ngx_av_otlp_encoding_e encoding,
    const u_char *body, size_t len, const ngx_av_otlp_options_t *options,
    ngx_str_t *detail);


#endif /* _NGX_AV_OTLP_BATCH_H_INCLUDED_ */
