/*
 * The content handlers of ingestion: read the body, decode it, reserve quota,
 * wait for the writer, answer.
 */

#ifndef _NGX_AV_INGEST_H_INCLUDED_
#define _NGX_AV_INGEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"
#include "ngx_av_otlp_batch.h"


typedef struct {
    size_t                  queue_memory;   /* of one worker, for all
                                               requests */
    ngx_uint_t              retention_days; /* how old a trace may be */
    ngx_uint_t              ahead_days;     /* and how far in the future */
    const ngx_av_prices_t  *prices;         /* NULL: none */
#if (NGX_THREADS)
    ngx_thread_pool_t      *threads;        /* that decode large bodies */
#endif
} ngx_av_ingest_conf_t;


/* The largest of the limits that bodies have unless they are configured. */
#define NGX_AV_INGEST_MAX_BODY  (64 * 1024 * 1024)

/*
 * What a byte of a body takes of queue_memory while it is decoded: the text,
 * the document that JSON is parsed to (a copy, and 2.7 bytes for values), and
 * rows, which make up for the document where there is none.
 */
#define NGX_AV_INGEST_FACTOR    6

/* And what a byte of rows does until it is stored: libpq copies it. */
#define NGX_AV_INGEST_ROWS      2


/* POST /traces/batch (agentvista.md 4) */
ngx_int_t ngx_av_ingest_traces_batch(ngx_http_request_t *r);

/* At the end of configuration: finds the threads. */
ngx_int_t ngx_av_ingest_init_conf(ngx_conf_t *cf, ngx_av_ingest_conf_t *conf);

ngx_int_t ngx_av_ingest_init_process(ngx_cycle_t *cycle,
    ngx_av_ingest_conf_t *conf, ngx_av_db_pool_t *readers);


/* Counts the spans of a request that are not stored yet; for the reader pool */
extern const ngx_av_db_statement_t  ngx_av_ingest_count_statement;


#endif /* _NGX_AV_INGEST_H_INCLUDED_ */
