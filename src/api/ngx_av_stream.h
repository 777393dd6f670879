/*
 * GET /dashboard/traces/stream: new and changed traces as server-sent events.
 *
 * A stream is one listener: its request (ngx_av_stream.c), what it is sent
 * (ngx_av_stream_output.c), its heartbeats (ngx_av_stream_beat.c).  Streams
 * with the same filters share a filter, and filters belong to an account
 * (ngx_av_stream_account.c).  While there is an account, a worker LISTENs to
 * agentvista_traces (ngx_av_stream_hear.c) and says at intervals that the
 * account is watched (ngx_av_stream_watch.c); the traces that it is told of it
 * fetches once for all its listeners (ngx_av_stream_fetch.c), in pages of
 * which src/sql/functions/stream.sql bounds the size.
 *
 * Every trace that changes is sent at least once.  Whatever may be lost (a
 * LISTEN connection, a notification that says "too many", a failed query) only
 * puts an account behind: it then reads what has changed since its cursor.  So
 * does a single stream (ngx_av_stream_resume.c) that begins with a
 * Last-Event-ID, or whose client reads too slowly for what is sent: nothing
 * waits for it any more but what it is told by the next page when it has read
 * the last.  The cursor in "id:" lags by some seconds, as notifications of what
 * its moment has seen may be under way.
 *
 * Private to ngx_av_stream*.c, but for the first functions.
 */

#ifndef _NGX_AV_STREAM_H_INCLUDED_
#define _NGX_AV_STREAM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_db.h"
#include "ngx_av_http.h"
#include "ngx_av_params.h"


/* For the route table. */
ngx_int_t ngx_av_stream_handler(ngx_http_request_t *r);

/* For the reader pool. */
#define NGX_AV_STREAM_NSTATEMENTS  2
extern const ngx_av_db_statement_t
    ngx_av_stream_statements[NGX_AV_STREAM_NSTATEMENTS];

ngx_int_t ngx_av_stream_init_process(ngx_cycle_t *cycle, ngx_av_db_conf_t *db,
    ngx_av_db_pool_t *readers);
void ngx_av_stream_exit_process(void);


#define NGX_AV_STREAM_CURSOR   32       /* characters */
#define NGX_AV_STREAM_FILTERS  19       /* parameters of NGX_AV_TRACE_FILTERS */

/* filters of one account in one worker, as each costs its query */
#define NGX_AV_STREAM_MAX_FILTERS  64

/* traces of an account that wait to be fetched */
#define NGX_AV_STREAM_PENDING  1000

/* fetches under way in one worker, of accounts and of streams that resume */
#define NGX_AV_STREAM_FETCHES  2

/* how often what has gathered is fetched */
#define NGX_AV_STREAM_TICK  100

/* how long hosts remember that an account is watched, in seconds */
#define NGX_AV_STREAM_WATCH  60

/* how often that is said, and that cursors of idle accounts move on */
#define NGX_AV_STREAM_RENEW  10000

/* until all hosts have heard of it, surely */
#define NGX_AV_STREAM_GRACE  1000

/* how far a cursor lags: more than any notification takes */
#define NGX_AV_STREAM_LAG  10000

/* no stream is older, so that no credential is good for ever */
#define NGX_AV_STREAM_LIFE  3600000

#define NGX_AV_STREAM_RETRY_AFTER  1

#define NGX_AV_STREAM_TIMEOUT  10000


typedef struct ngx_av_stream_s          ngx_av_stream_t;
typedef struct ngx_av_stream_filter_s   ngx_av_stream_filter_t;
typedef struct ngx_av_stream_account_s  ngx_av_stream_account_t;
typedef struct ngx_av_stream_page_s     ngx_av_stream_page_t;


typedef struct {
    u_char                    text[NGX_AV_STREAM_CURSOR];
} ngx_av_stream_cursor_t;


/* What several streams are sent, or traces: freed with the last reference. */
typedef struct {
    ngx_uint_t                refs;
    size_t                    len;
    u_char                    data[1];
} ngx_av_stream_text_t;


typedef struct {
    ngx_chain_t              *first;
    ngx_chain_t             **last;
} ngx_av_stream_chain_t;


/* In the request's pool. */
struct ngx_av_stream_s {
    ngx_http_request_t       *request;
    ngx_av_stream_filter_t   *filter;       /* NULL: it is over */
    ngx_queue_t               queue;        /* of the filter */
    ngx_queue_t               all;          /* of the worker */
    ngx_queue_t               dirty;        /* has something to send */

    ngx_queue_t               turn;         /* to fetch what it missed */
    ngx_av_stream_page_t     *page;         /* under way */
    ngx_av_stream_text_t     *rest;         /* traces to be fetched: a uuid[] */
    ngx_av_stream_cursor_t    since;        /* all before it has been sent */
    ngx_av_stream_cursor_t    caught;       /* will be so with the rest */

    ngx_event_t               beat;
    ngx_msec_t                period;
    ngx_msec_t                end;
    ngx_av_key_hash_t         key;
    ngx_av_key_lookup_t       lookup;

    ngx_av_stream_chain_t     out;          /* not given to nginx yet */
    ngx_av_stream_chain_t     held;         /* until it has what it missed */
    ngx_chain_t              *busy;         /* nginx has it */
    ngx_chain_t              *free;
    size_t                    queued;       /* bytes in all three */
    size_t                    limit;

    unsigned                  open:1;       /* the header is sent */
    unsigned                  behind:1;     /* what changed since "since" is
                                               to be looked up */
    unsigned                  resuming:1;   /* was, and is not all sent */
    unsigned                  missed:1;     /* some more in the meantime */
    unsigned                  failed:1;     /* no memory: to be cut off */
    unsigned                  is_dirty:1;
    unsigned                  is_waiting:1; /* for its turn */
    unsigned                  keyed:1;
};


struct ngx_av_stream_filter_s {
    ngx_queue_t               queue;        /* of the account */
    ngx_queue_t               streams;
    ngx_av_stream_account_t  *account;
    ngx_uint_t                number;       /* in the fetch under way, or 0 */
    const char               *values[NGX_AV_STREAM_FILTERS];
    int                       lengths[NGX_AV_STREAM_FILTERS];
    u_char                    bytes[1];     /* of the values */
};


struct ngx_av_stream_account_s {
    ngx_queue_t               queue;        /* of the worker */
    ngx_queue_t               turn;         /* to fetch */
    ngx_av_uuid_t             id;
    ngx_queue_t               filters;
    ngx_uint_t                nfilters;

    ngx_av_uuid_t            *pending;      /* NULL until there are any */
    ngx_uint_t                npending;
    ngx_av_stream_text_t     *rest;         /* of the last fetch: a uuid[] */

    ngx_av_stream_cursor_t    cursor;       /* all before it has been sent */
    ngx_av_stream_cursor_t    next;         /* will be so in a while */
    ngx_msec_t                next_at;
    ngx_av_stream_cursor_t    caught;       /* will be so with the rest */

    ngx_msec_t                renew_at;     /* the watch */
    ngx_msec_t                catch_at;

    unsigned                  open:1;       /* it has a cursor */
    unsigned                  behind:1;     /* is to catch up from there */
    unsigned                  catching:1;   /* caught is set */
    unsigned                  lagging:1;    /* next is set */
    unsigned                  fetching:1;
    unsigned                  is_waiting:1; /* for its turn */
    unsigned                  watching:1;   /* in the watch under way */
};


/* This worker's. */
typedef struct {
    ngx_cycle_t              *cycle;
    ngx_av_db_conf_t         *db;
    ngx_av_db_pool_t         *readers;
    ngx_queue_t               accounts;
    ngx_queue_t               streams;
    ngx_uint_t                nstreams;
    ngx_queue_t               dirty;
    ngx_event_t               kick;         /* posted: send_dirty() */

    ngx_queue_t               due;          /* accounts that are to fetch */
    ngx_uint_t                nfetching;
    ngx_queue_t               resuming;     /* streams that are to fetch */
    ngx_uint_t                nresuming;
} ngx_av_stream_worker_t;

extern ngx_av_stream_worker_t  ngx_av_stream_worker;


/* of ngx_av_stream.c */

/* The account has a cursor, or cannot get one. */
ngx_int_t ngx_av_stream_begin(ngx_av_stream_t *stream);

/* Ends it in order, if its client has read everything. */
void ngx_av_stream_end(ngx_av_stream_t *stream);

/* Finalises its request, which may live on until nginx has sent what it has. */
void ngx_av_stream_finish(ngx_av_stream_t *stream, ngx_int_t rc);

/* The worker quits: all end. */
void ngx_av_stream_end_all(void);

/* Of a request that has one. */
ngx_av_stream_t *ngx_av_stream_of(ngx_http_request_t *r);


/* of ngx_av_stream_output.c */

/* NULL without memory. */
ngx_av_stream_text_t *ngx_av_stream_text(size_t len);
ngx_av_stream_text_t *ngx_av_stream_text_of(const void *p, size_t len);
void ngx_av_stream_release(ngx_av_stream_text_t *text);

/*
 * Queues a text, which stays the caller's and may be NULL: whatever the stream
 * has waiting, or what is new, which a stream that is behind gets later.  What
 * was queued is sent by ngx_av_stream_send_dirty(), in which streams begin,
 * too, and any stream may come to its end.
 */
void ngx_av_stream_push(ngx_av_stream_t *stream, ngx_av_stream_text_t *text);
void ngx_av_stream_push_new(ngx_av_stream_t *stream,
    ngx_av_stream_text_t *text);
void ngx_av_stream_send_dirty(void);

/* What was held comes now. */
void ngx_av_stream_unhold(ngx_av_stream_t *stream);

ngx_int_t ngx_av_stream_send(ngx_av_stream_t *stream);
void ngx_av_stream_writer(ngx_http_request_t *r);

/* Gives back what nginx has sent; everything. */
void ngx_av_stream_sent(ngx_av_stream_t *stream);
void ngx_av_stream_discard(ngx_av_stream_t *stream);


/* of ngx_av_stream_beat.c */

void ngx_av_stream_beat(ngx_event_t *ev);

/* All before it has been sent to the stream. */
const ngx_av_stream_cursor_t *ngx_av_stream_cursor(ngx_av_stream_t *stream);

/* "id: " and the cursor, in a block that is no event. */
void ngx_av_stream_push_id(ngx_av_stream_t *stream,
    const ngx_av_stream_cursor_t *cursor);


/* of ngx_av_stream_account.c */

/* NGX_DECLINED: too many filters. */
ngx_int_t ngx_av_stream_join(ngx_av_stream_t *stream,
    const ngx_av_uuid_t *account, const char **values, int *lengths);
void ngx_av_stream_leave(ngx_av_stream_t *stream);

ngx_av_stream_account_t *ngx_av_stream_account_find(const ngx_av_uuid_t *id);

/* Frees it if nothing is left of it. */
void ngx_av_stream_account_done(ngx_av_stream_account_t *account);

/* A moment of which everything will have been sent in a while. */
void ngx_av_stream_account_advance(ngx_av_stream_account_t *account,
    const ngx_av_stream_cursor_t *cursor);

/* It may have missed something. */
void ngx_av_stream_account_behind(ngx_av_stream_account_t *account,
    ngx_msec_t delay);

/* Its streams may begin or, if it has no cursor, end. */
void ngx_av_stream_account_wake(ngx_av_stream_account_t *account);


/* of ngx_av_stream_hear.c */

/* The worker's first stream has come; its last one has gone. */
void ngx_av_stream_hear_start(void);
void ngx_av_stream_hear_idle(void);

/* Notifications are being heard. */
ngx_uint_t ngx_av_stream_hears(void);


/* of ngx_av_stream_watch.c */

/* Says so of the accounts for which it is time; which it is of all. */
void ngx_av_stream_watch(void);
void ngx_av_stream_watch_again(void);


/* of ngx_av_stream_fetch.c */

/* The accounts for which it is time are to fetch; in their turn. */
void ngx_av_stream_fetch_due(void);
void ngx_av_stream_fetch_next(void);


/* of ngx_av_stream_resume.c */

/* The stream is behind and its client has read all: it waits for its turn. */
void ngx_av_stream_resume(ngx_av_stream_t *stream);
void ngx_av_stream_resume_next(void);

/* The stream is over. */
void ngx_av_stream_resume_stop(ngx_av_stream_t *stream);


#endif /* _NGX_AV_STREAM_H_INCLUDED_ */
