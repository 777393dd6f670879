/*
 * What the kinds of ingestion have in common, and what each does its own way.
 * Private to ingestion.
 */

#ifndef _NGX_AV_INGEST_KIND_H_INCLUDED_
#define _NGX_AV_INGEST_KIND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_batch.h"
#include "ngx_av_body.h"
#include "ngx_av_http.h"
#include "ngx_av_ingest.h"
#include "ngx_av_otlp_batch.h"
#include "ngx_av_quota.h"
#include "ngx_av_writer.h"


typedef struct ngx_av_ingest_s  ngx_av_ingest_t;


/* What is said of a body that could never be taken. */
#define NGX_AV_INGEST_TOO_MANY                                                \
    "The body has too many values for its size: send fewer at once."


/* What a request's path and headers say about its body and its answer. */
typedef struct {
    ngx_av_otlp_encoding_e   encoding;
    ngx_msec_t               timeout;       /* the client's, or 0 */
    const ngx_av_coding_t   *coding;        /* of the body, or of a framed
                                               message; or NULL */
    unsigned                 framed:1;      /* gRPC */
    unsigned                 native:1;      /* AgentVista's path */
    unsigned                 app:1;         /* AgentMark's header is there */
} ngx_av_ingest_form_t;


typedef struct {
    ngx_av_batch_kind_e      batch;
    ngx_av_otlp_signal_e     signal;
    size_t                   limit;         /* of a body as received and
                                               inflated, unless configured */
    ngx_uint_t               quota_retry;   /* seconds, with 429; 0: not sent */

    /*
     * Before the body is read: fills in form, which is zeroed.  NGX_OK, or the
     * status of an error that has been prepared.
     */
    ngx_int_t              (*check)(ngx_http_request_t *r,
                                    ngx_av_ingest_form_t *form);

    /*
     * The decoder, as ngx_av_batch_decode(), from in->limits, now, form and
     * prices into in->batch.  It may run in a thread: it touches nothing else.
     */
    ngx_int_t              (*decode)(ngx_av_ingest_t *in,
                                     const ngx_str_t *text,
                                     ngx_str_t *detail);

    /* Sends the answer to what has been stored, or is empty. */
    ngx_int_t              (*answer)(ngx_av_ingest_t *in);
} ngx_av_ingest_kind_t;


struct ngx_av_ingest_s {
    const ngx_av_ingest_kind_t  *kind;
    ngx_av_ingest_form_t         form;

    ngx_http_request_t          *request;   /* NULL: the client has left */
    void                       **cleanup;   /* points to the cleanup's data */
    ngx_av_batch_t              *batch;
    size_t                       taken;     /* from the budget */
    size_t                       need;      /* of it, to begin decoding */
    ngx_msec_t                   deadline;  /* as ngx_current_msec */

    /* decoding */
    ngx_av_body_t                body;
    ngx_pool_t                  *pool;      /* of a body that waits for a
                                               thread */
    size_t                       len;       /* of the text */
    ngx_av_memory_t              memory;    /* what is made of the text takes
                                               from the budget */
    size_t                       inflated_limit;
    ngx_av_batch_limits_t        limits;
    ngx_av_time_t                now;
    const ngx_av_prices_t       *prices;
    ngx_uint_t                   status;    /* of the error, or 0 */
    ngx_str_t                    detail;
    ngx_uint_t                   nerrors;   /* of the batch, from decoding */
    ngx_queue_t                  queue;     /* waiting for a thread */
    ngx_event_t                  guard;     /* timer: while waiting or there */

    /* quota */
    ngx_av_quota_hold_t         *hold;
    ngx_uint_t                   events;    /* spans to reserve quota for */
    ngx_event_t                  retry;     /* timer: ask for quota again */
    ngx_connection_t             dumb;
    ngx_av_db_op_t               count;     /* of spans that are new */
    ngx_av_db_call_t             call;
    const char                  *values[3];
    int                          lengths[3];

    ngx_av_write_t               write;

    unsigned                     inplace:1; /* decoding in the event loop */
    unsigned                     overlong:1;/* more comes out than may there */
    unsigned                     counted:1;
    unsigned                     queued:1;  /* is in a queue */
    unsigned                     busy:1;    /* an operation has it */
};


/* A content handler: reads the body and does the rest. */
ngx_int_t ngx_av_ingest_receive(ngx_http_request_t *r,
    const ngx_av_ingest_kind_t *kind);

/* The configured limit of a body of that kind. */
size_t ngx_av_ingest_limit(const ngx_av_ingest_kind_t *kind,
    size_t configured);

/* Gives back what it holds, and frees it. */
void ngx_av_ingest_destroy(ngx_av_ingest_t *in);

/*
 * Ends the request with rc, which has been prepared, and frees the batch.  Not
 * from within the content handler.
 */
void ngx_av_ingest_finish(ngx_av_ingest_t *in, ngx_int_t rc);


/*
 * Reads and decodes the body, in a thread if that takes long.  NGX_OK; the
 * status of an error that has been prepared; or NGX_AGAIN, and
 * ngx_av_ingest_decoded() will be called later.
 */
ngx_int_t ngx_av_ingest_decode(ngx_av_ingest_t *in);

/* It is queued for a thread, and must not wait any longer. */
void ngx_av_ingest_dequeue(ngx_av_ingest_t *in);

/* Memory was given back, for which others may be queued. */
void ngx_av_ingest_next_task(void);

/*
 * What comes after decoding: NGX_AGAIN if the batch is on its way, or what the
 * request is to end with.
 */
ngx_int_t ngx_av_ingest_decoded(ngx_av_ingest_t *in);


/* Reserves quota: NGX_AGAIN, or an error's status that has been prepared. */
ngx_int_t ngx_av_ingest_reserve(ngx_av_ingest_t *in);

/* Hands the batch to the writer. */
void ngx_av_ingest_write(ngx_av_ingest_t *in, int32_t month);

/* Prepares the answers to a spent quota and to a database that is away. */
ngx_int_t ngx_av_ingest_over_quota(ngx_http_request_t *r,
    const ngx_av_ingest_kind_t *kind);
ngx_int_t ngx_av_ingest_unavailable(ngx_http_request_t *r);

/* The time that is left until the deadline, at least 1. */
ngx_msec_t ngx_av_ingest_time_left(ngx_av_ingest_t *in);


/*
 * The answer of AgentVista's endpoints (agentvista.md 4.3), without its closing
 * brace: {"accepted":n,"rejected":n,"errors":[...].  In b, which is begun.
 */
ngx_int_t ngx_av_ingest_counts(ngx_av_ingest_t *in, ngx_av_buf_t *b,
    ngx_uint_t accepted, ngx_uint_t rejected);


extern ngx_av_ingest_conf_t  *ngx_av_ingest_conf;
extern ngx_av_db_pool_t      *ngx_av_ingest_readers;


#endif /* _NGX_AV_INGEST_KIND_H_INCLUDED_ */
