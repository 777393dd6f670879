/*
 * What every handler of a request needs: the location's configuration, the
 * request's context, answers and errors as JSON.
 */

#ifndef _NGX_AV_HTTP_H_INCLUDED_
#define _NGX_AV_HTTP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_key.h"


extern ngx_module_t  ngx_agentvista_module;


typedef struct {
    ngx_flag_t   api;               /* "agentvista;" */
    ngx_uint_t   scopes;            /* of "agentvista_access", 0: none */

    size_t       body_limit;        /* as received */
    size_t       inflated_limit;    /* after decompression */
    size_t       attribute_limit;   /* longest single text of a span */
    size_t       span_limit;        /* all texts of one span */
    ngx_uint_t   depth;             /* nesting of JSON values */
    ngx_msec_t   timeout;           /* for a commit, and for a query */

    /*
     * For a location with "agentvista": finds the route, leaves it in the
     * context and says which scopes it needs (0: no key at all), or gives the
     * error's status.
     */
    ngx_int_t  (*route)(ngx_http_request_t *r, ngx_uint_t *scopes);
} ngx_av_http_loc_conf_t;


typedef struct {
    ngx_av_identity_t         identity;
    ngx_str_t                 detail;       /* of an error to come */
    ngx_int_t                 status;       /* which error it is about */
    ngx_uint_t                page_status;  /* error whose page the operator
                                               serves from this location */
    ngx_str_t                 page;         /* to be sent for nginx's page */
    const void               *route;        /* src/api's */
    void                     *data;         /* the content handler's */
    ngx_uint_t                route_index;  /* for the counters */
    ngx_str_t                 params[2];    /* of the route's path */
    ngx_uint_t                spans;        /* stored, for $agentvista_spans */
    ngx_uint_t                retry_after;  /* seconds, for the next
                                               ngx_av_http_error() */

    unsigned                  known:1;      /* identity is set */
    unsigned                  answered:1;   /* the answer is ours already */
    unsigned                  counted:1;    /* routed: counts in the stats */
} ngx_av_http_ctx_t;


/* The context, made on first use; NULL without memory. */
ngx_av_http_ctx_t *ngx_av_http_ctx(ngx_http_request_t *r);

/*
 * Notes the detail (format as ngx_sprintf) for an error answer and returns
 * status, to be returned by the handler or given to
 * ngx_http_finalize_request().  nginx makes the page, and our filter turns it
 * into {"detail": ...}, as it does with pages of nginx's own and of other
 * modules in such a location, with a text by status.  error_page still works.
 * Returns NGX_ERROR instead if a header has been sent already.
 */
ngx_int_t ngx_av_http_error(ngx_http_request_t *r, ngx_int_t status,
    const char *fmt, ...);

/* As above for 503, with Retry-After. */
ngx_int_t ngx_av_http_unavailable(ngx_http_request_t *r, ngx_uint_t seconds,
    const char *fmt, ...);

/*
 * Sends JSON; the text must live as long as the request.  Returns what is to
 * be given to ngx_http_finalize_request().
 */
ngx_int_t ngx_av_http_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *json);

/* As above for a chain of any type. */
ngx_int_t ngx_av_http_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_chain_t *out);

/* Adds a response header; the strings must live as long as the request. */
ngx_int_t ngx_av_http_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value);

/*
 * Ends a request from an event that is not its own: finalises with rc (what
 * ngx_av_http_send() or ngx_av_http_error() returned) and runs what that
 * posted.  The request is gone afterwards.
 */
void ngx_av_http_finish(ngx_http_request_t *r, ngx_int_t rc);

/*
 * For an event that is about to work on the request: error messages get its
 * context.
 */
void ngx_av_http_resume_log(ngx_http_request_t *r);

/*
 * The value of $request_id, for messages that an operator may want to trace
 * to a client's report; empty if there is none.
 */
ngx_str_t ngx_av_http_request_id(ngx_http_request_t *r);

/*
 * postconfiguration: installs the filters that turn error pages into JSON and
 * the rewrite phase handler that they need.
 */
ngx_int_t ngx_av_http_init_filters(ngx_conf_t *cf);


#endif /* _NGX_AV_HTTP_H_INCLUDED_ */
