/* What the parts of the load generator share. */

#ifndef _BENCH_LOAD_H_INCLUDED_
#define _BENCH_LOAD_H_INCLUDED_


#include "bodies.h"


#define LOAD_STATUSES     600
/* Bytes of an answer that there is room for. */
#define LOAD_RESPONSE     65536
/* What is kept of the end of a longer one. */
#define LOAD_TAIL         4096


typedef struct {
    const char     *name;
    void          (*body)(template_t *t, bodies_encoding_e encoding,
                          unsigned traces, unsigned spans);
    /* a connection's agent stays the same */
    unsigned        settled;
} load_signal_t;


typedef struct {
    int             fd;
    unsigned        busy:1;
    unsigned        connected:1;
    uint64_t        due;            /* sent, or in open loop to be sent */
    char           *request;
    size_t          len;
    size_t          sent;
    char           *response;
    size_t          received;
    size_t          dropped;        /* of the body: more than has room */
    size_t          head;           /* 0: the header is not complete */
    size_t          expected;
    unsigned        status;
    unsigned        chunked:1;
    unsigned        close:1;
    unsigned        number;
    uint64_t        time;           /* that its last request was about */
    uint64_t      (*ids)[2];        /* of the traces of its request */
} load_conn_t;


typedef struct {
    /* options */
    char           *host;
    char           *port;
    const char     *path;
    const char     *key;
    const char     *header;
    const char     *paths;
    const char     *follow;
    const char     *acked;
    bodies_encoding_e encoding;
    const load_signal_t *signal;    /* of OTLP */
    unsigned        conns;
    unsigned        traces;
    unsigned        spans;          /* of a trace */
    size_t          bytes;          /* of a body */
    double          rate;
    double          duration;
    double          warmup;
    long            dump;

    /* state */
    struct addrinfo *addr;
    template_t      template;
    load_conn_t    *conn;
    char          **path_list;
    size_t          npaths;
    FILE           *ack;
    int             epoll;
    int             timer;
    bench_random_t  random;
    uint64_t        start;          /* of what is counted */
    uint64_t        end;
    uint64_t        begin;          /* of the warm-up */
    uint64_t        next;           /* open loop: number of the next request */
    load_conn_t   **idle;
    unsigned        nidle;
    uint64_t        retry;          /* closed loop: when idle ones send */

    /* results */
    bench_hist_t   *latency;
    uint64_t        requests;
    uint64_t        acked_items;
    uint64_t        rejected;       /* traces in "rejected" of an answer */
    uint64_t        errors;
    uint64_t        unsent;
    uint64_t        received;
    uint64_t        lines;          /* with --follow: in all bodies */
    uint64_t        status[LOAD_STATUSES];
} load_t;


extern load_t               load;
extern const load_signal_t  load_signals[];


/* load_request.c: the body and the request of load.template */
void load_make_body(template_t *t);
void load_make_request(template_t *t);
/* Makes a connection's request a new one. */
void load_fill(load_conn_t *c);
void load_dump(void);

/* load_conn.c */
/* Sends a request that is, or was, due. */
void load_send(load_conn_t *c, uint64_t due);
void load_idle(load_conn_t *c);
/* What epoll has reported. */
void load_event(load_conn_t *c, uint32_t events);

/* load_answer.c: counts an answer, and goes on */
void load_complete(load_conn_t *c);


#endif /* _BENCH_LOAD_H_INCLUDED_ */
