/*
 * One page of what streams show: summaries of traces that are named or have
 * changed since a cursor, for up to NGX_AV_STREAM_MAX_FILTERS filters.
 */

#ifndef _NGX_AV_STREAM_PAGE_H_INCLUDED_
#define _NGX_AV_STREAM_PAGE_H_INCLUDED_


#include "ngx_av_stream.h"


/* account, ids, since, numbers, filters */
#define NGX_AV_STREAM_PARAMS  (4 + NGX_AV_STREAM_FILTERS)


typedef void (*ngx_av_stream_page_pt)(ngx_av_stream_page_t *page);


/* In a pool of its own: nobody may be left when it comes. */
struct ngx_av_stream_page_s {
    ngx_av_db_op_t             op;
    ngx_av_db_call_t           call;
    const char                *values[NGX_AV_STREAM_PARAMS];
    int                        lengths[NGX_AV_STREAM_PARAMS];
    ngx_pool_t                *pool;

    ngx_av_stream_page_pt      done;
    void                      *data;        /* of done */

    ngx_av_uuid_t              account;
    ngx_av_stream_cursor_t     since;       /* in the events' "id:" */
    ngx_av_stream_text_t      *ids;         /* the parameter; NULL: changed */
    ngx_uint_t                 nfilters;

    /* what has come */
    ngx_av_stream_text_t      *texts[NGX_AV_STREAM_MAX_FILTERS];
    ngx_av_stream_text_t      *rest;        /* ids for the next page, or NULL */
    ngx_av_stream_cursor_t     cursor;      /* of that moment */
    unsigned                   failed:1;
};


/* NULL without memory. */
ngx_av_stream_page_t *ngx_av_stream_page_create(const ngx_av_uuid_t *account,
    const ngx_av_stream_cursor_t *since, ngx_av_stream_filter_t **filters,
    ngx_uint_t nfilters);
void ngx_av_stream_page_destroy(ngx_av_stream_page_t *page);

/* Asks for it; done() is called once, later, and need not destroy it. */
void ngx_av_stream_page_submit(ngx_av_stream_page_t *page,
    ngx_av_stream_page_pt done, void *data);

/* A uuid[] for the parameter.  NULL without memory. */
ngx_av_stream_text_t *ngx_av_stream_page_ids(const ngx_av_uuid_t *ids,
    ngx_uint_t n);

/* NGX_ERROR: an odd answer, or no memory. */
ngx_int_t ngx_av_stream_page_read(ngx_av_stream_page_t *page,
    const ngx_av_db_result_t *res);


#endif /* _NGX_AV_STREAM_PAGE_H_INCLUDED_ */
