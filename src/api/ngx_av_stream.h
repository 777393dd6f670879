/*
 * GET /dashboard/traces/stream: new and changed traces as server-sent events.
 *
 * A stream is one listener: its request and what it is still to be sent
 * (ngx_av_stream.c).  Streams with the same filters share a filter, and filters
 * belong to an account (ngx_av_stream_account.c).  While there is an account, a
 * worker LISTENs to agentvista_traces and says at intervals that the account is
 * watched (ngx_av_stream_watch.c); the traces that it is told of it fetches
 * once for all its listeners (ngx_av_stream_fetch.c).
 *
 * Every trace that changes is sent at least once.  Whatever may be lost (a
 * LISTEN connection, a notification that says "too many", a failed query) only
 * puts an account behind: it then reads what has changed since its cursor, as
 * does a stream that begins with a Last-Event-ID.  The cursor in "id:" lags by
 * some seconds, as notifications of what its moment has seen may be under way.
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

/* how often what has gathered is fetched */
#define NGX_AV_STREAM_TICK  100

/* how long hosts remember that an account is watched, in seconds */
#define NGX_AV_STREAM_WATCH  60

/* until all hosts have heard of it, surely */
#define NGX_AV_STREAM_GRACE  1000

/* how far a cursor lags: more than any notification takes */
#define NGX_AV_STREAM_LAG  10000

/* no stream is older, so that no credential is good for ever */
#define NGX_AV_STREAM_LIFE  3600000

#define NGX_AV_STREAM_TIMEOUT  10000


typedef struct ngx_av_stream_s          ngx_av_stream_t;
typedef struct ngx_av_stream_filter_s   ngx_av_stream_filter_t;
typedef struct ngx_av_stream_account_s  ngx_av_stream_account_t;
typedef struct ngx_av_stream_fetch_s    ngx_av_stream_fetch_t;


typedef struct {
    u_char                    text[NGX_AV_STREAM_CURSOR];
} ngx_av_stream_cursor_t;


/* What several streams are sent: freed with the last reference. */
typedef struct {
    ngx_uint_t                refs;
    size_t                    len;
    u_char                    data[1];
} ngx_av_stream_text_t;


/* In the request's pool. */
struct ngx_av_stream_s {
    ngx_http_request_t       *request;
    ngx_av_stream_filter_t   *filter;       /* NULL: it is over */
    ngx_queue_t               queue;        /* of the filter */
    ngx_queue_t               all;          /* of the worker */
    ngx_queue_t               dirty;        /* has something to send */
    ngx_queue_t               resuming;     /* waits for its turn */
    ngx_av_stream_fetch_t    *fetch;        /* of what it resumes with */
    ngx_av_stream_cursor_t    since;        /* its Last-Event-ID */

    ngx_event_t               beat;
    ngx_msec_t                period;
    ngx_msec_t                end;
    size_t                    limit;
    ngx_av_key_hash_t         key;
    ngx_av_key_lookup_t       lookup;
    ngx_uint_t                forgets;      /* of the zone, when last asked */
    uint32_t                  epoch;

    ngx_chain_t              *out;          /* not given to nginx yet */
    ngx_chain_t             **last_out;
    ngx_chain_t              *busy;         /* nginx has it */
    ngx_chain_t              *free;
    size_t                    queued;       /* bytes in both */

    unsigned                  open:1;       /* the header is sent */
    unsigned                  resumes:1;    /* since is set */
    unsigned                  held:1;       /* what it missed comes first */
    unsigned                  over:1;       /* the limit: to be cut off */
    unsigned                  is_dirty:1;
    unsigned                  is_waiting:1; /* in "resuming" */
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
    ngx_av_uuid_t             id;
    ngx_queue_t               filters;
    ngx_uint_t                nfilters;

    ngx_av_uuid_t            *pending;      /* NULL until there are any */
    ngx_uint_t                npending;

    ngx_av_stream_cursor_t    cursor;       /* all before it has been sent */
    ngx_av_stream_cursor_t    next;         /* will be so in a while */
    ngx_msec_t                next_at;

    ngx_msec_t                renew_at;     /* the watch */
    ngx_msec_t                catch_at;

    unsigned                  open:1;       /* it has a cursor */
    unsigned                  behind:1;     /* is to catch up from there */
    unsigned                  lagging:1;    /* next is set */
    unsigned                  fetching:1;
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
    ngx_queue_t               resuming;
    ngx_uint_t                nresuming;    /* fetches under way */
} ngx_av_stream_worker_t;

extern ngx_av_stream_worker_t  ngx_av_stream_worker;


/* of ngx_av_stream.c */

/*
 * Queues a text, which stays the caller's and may be NULL; front: before what
 * was held.  What was queued is sent by ngx_av_stream_send_dirty(), in which
 * streams begin, too, and any stream may come to its end.
 */
ngx_av_stream_text_t *ngx_av_stream_text(size_t len);
void ngx_av_stream_release(ngx_av_stream_text_t *text);
void ngx_av_stream_push(ngx_av_stream_t *stream, ngx_av_stream_text_t *text,
    ngx_uint_t front);
void ngx_av_stream_send_dirty(void);

/* Cuts it off; its client resumes. */
void ngx_av_stream_cut(ngx_av_stream_t *stream);

/* The worker quits: all end. */
void ngx_av_stream_end_all(void);


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


/* of ngx_av_stream_watch.c */

/* The worker's first stream has come; its last one has gone. */
void ngx_av_stream_watch_start(void);
void ngx_av_stream_watch_idle(void);

/* Says so of the accounts for which it is time. */
void ngx_av_stream_watch(void);


/* of ngx_av_stream_fetch.c */

/* What is pending, or what has changed since the cursor. */
void ngx_av_stream_fetch_account(ngx_av_stream_account_t *account,
    ngx_uint_t changed);

/* What the stream resumes with is to be fetched in its turn; now perhaps. */
void ngx_av_stream_resume(ngx_av_stream_t *stream);
void ngx_av_stream_resume_next(void);

/* The stream is over. */
void ngx_av_stream_fetch_detach(ngx_av_stream_t *stream);


#endif /* _NGX_AV_STREAM_H_INCLUDED_ */
