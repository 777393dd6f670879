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


/* An error's body. */
typedef struct {
    ngx_str_t    type;              /* Content-Type */
    ngx_str_t    text;              /* may be empty, but data is not NULL */
} ngx_av_http_page_t;


/* How a family of endpoints wants its keys and tells errors. */
typedef struct {

    /*
     * Makes the page of an error from what it is about, in words and, if not
     * 0, the seconds of its Retry-After; may change r->headers_out.
     */
    ngx_int_t  (*page)(ngx_http_request_t *r, ngx_uint_t status,
                       ngx_str_t *detail, ngx_uint_t retry_after,
                       ngx_av_http_page_t *page);

    ngx_uint_t   bare_keys;         /* "Authorization: KEY" will do */

    /*
     * What else must be right of a request with a valid key, before its scopes
     * are looked at: NGX_OK or an error's status.  May be NULL.
     */
    ngx_int_t  (*admit)(ngx_http_request_t *r, const ngx_av_uuid_t *account);

    ngx_uint_t   drains;            /* see ngx_av_drain() */
} ngx_av_http_style_t;


typedef struct {
    ngx_flag_t   api;               /* "agentvista;" */
    ngx_uint_t   scopes;            /* of "agentvista_access", 0: none */

    size_t       body_limit;        /* as received; NGX_CONF_UNSET_SIZE: as */
    size_t       inflated_limit;    /* after decompression;     is usual */
    size_t       attribute_limit;   /* longest single text of a span */
    size_t       span_limit;        /* all texts of one span */
    ngx_uint_t   depth;             /* nesting of JSON values */
    ngx_msec_t   timeout;           /* for a commit, and for a query */
    ngx_array_t *cors;              /* origins, ngx_str_t; NULL: none */
    ngx_msec_t   stream_heartbeat;  /* of a live stream */
    size_t       stream_buffer;     /* that its client may leave unread */

    /*
     * For a location with "agentvista": finds the route, leaves it in the
     * context and says which scopes it needs (0: no key at all), or gives the
     * error's status.
     */
    ngx_int_t  (*route)(ngx_http_request_t *r, ngx_uint_t *scopes);

    /*
     * And the style of the path, also of one without a route; NULL: not known.
     * A server with such locations has it, too, for what nginx refuses before
     * it knows the location.
     */
    const ngx_av_http_style_t  *(*style)(ngx_http_request_t *r);
} ngx_av_http_loc_conf_t;


typedef struct {
    ngx_av_identity_t         identity;
    ngx_str_t                 detail;       /* of an error to come */
    ngx_str_t                 details;      /* more of it, if its style's page
                                               has such */
    ngx_int_t                 status;       /* which error it is about */
    ngx_uint_t                page_status;  /* error whose page the operator
                                               serves from this location */
    ngx_str_t                 page;         /* to be sent for nginx's page */
    const ngx_av_http_style_t  *style;      /* see ngx_av_http_style() */
    const void               *route;        /* src/api's */
    void                     *data;         /* the content handler's */
    ngx_uint_t                route_index;  /* for the counters */
    ngx_str_t                 params[2];    /* of the route's path */
    ngx_uint_t                spans;        /* stored, for $agentvista_spans */
    ngx_uint_t                retry_after;  /* seconds, for the next
                                               ngx_av_http_error() */
    ngx_uint_t                retry_sent;   /* seconds of its Retry-After */
    ngx_int_t                 refusal;      /* the status, after draining */
    size_t                    drain;        /* bytes that may still be read */

    unsigned                  known:1;      /* identity is set */
    unsigned                  answered:1;   /* the answer is ours already */
    unsigned                  counted:1;    /* routed: counts in the stats */
    unsigned                  over_quota:1; /* what the error is about */
    unsigned                  ingests:1;    /* what fails here may pass */
} ngx_av_http_ctx_t;


/* The context, made on first use; NULL without memory. */
ngx_av_http_ctx_t *ngx_av_http_ctx(ngx_http_request_t *r);

/* The style of the request: of its route, its path, or {"detail": ...}. */
const ngx_av_http_style_t *ngx_av_http_style(ngx_http_request_t *r);

/*
 * Notes the detail (format as ngx_sprintf) for an error answer and returns
 * status, to be returned by the handler or given to
 * ngx_http_finalize_request().  nginx makes the page, and our filter turns it
 * into one of the request's style, as it does with pages of nginx's own and of
 * other modules in such a location, with a text by status.  error_page still
 * works.  Returns NGX_ERROR instead if a header has been sent already.
 */
ngx_int_t ngx_av_http_error(ngx_http_request_t *r, ngx_int_t status,
    const char *fmt, ...);

/* As above with Retry-After; the second one for 503. */
ngx_int_t ngx_av_http_retry(ngx_http_request_t *r, ngx_int_t status,
    ngx_uint_t seconds, const char *fmt, ...);
ngx_int_t ngx_av_http_unavailable(ngx_http_request_t *r, ngx_uint_t seconds,
    const char *fmt, ...);

/*
 * Sends JSON; the text must live as long as the request.  Returns what is to
 * be given to ngx_http_finalize_request().
 */
ngx_int_t ngx_av_http_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *json);

/* As above for a text of any type; it may be empty. */
ngx_int_t ngx_av_http_send_text(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *text);

/* As above for a chain of any type. */
ngx_int_t ngx_av_http_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_chain_t *out);

/* Adds a response header; the strings must live as long as the request. */
ngx_int_t ngx_av_http_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value);

/*
 * The value of the first request header of that name.  Returns how many of
 * them there are.
 */
ngx_uint_t ngx_av_http_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

/* The media type, whatever its case, and parameters are ignored. */
ngx_uint_t ngx_av_http_is_type(const ngx_str_t *value, const ngx_str_t *type);

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
 * postconfiguration: installs the filters that turn error pages into ours and
 * the rewrite phase handler that they need.
 */
ngx_int_t ngx_av_http_init_filters(ngx_conf_t *cf);


#endif /* _NGX_AV_HTTP_H_INCLUDED_ */
