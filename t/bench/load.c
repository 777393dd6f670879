/*
 * An HTTP/1.1 load generator that costs little CPU: it shares the machine
 * with what it measures.  A request is made once per connection and then only
 * patched (ids, times), so that a byte sent costs little more than its copy
 * into the socket.
 *
 *     load [options] HOST:PORT          batches of traces, or GETs (--paths)
 *     load [options] --dump N           N bodies, one a line, to stdout
 *
 * Closed loop: each connection sends as soon as it has its answer.  Open loop
 * (--rate): requests fall due at fixed times, wait for a free connection if
 * there is none, and their latency counts from when they were due.
 *
 * Prints one line of JSON.
 */

#include "bench.h"

#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>


#define LOAD_STATUSES     600
#define LOAD_RESPONSE     65536
#define LOAD_EVENTS       64
/* How long answers to what was sent or due are waited for at the end. */
#define LOAD_DRAIN        (10ull * 1000000000)
/* A closed loop tries a connection that failed again after that long. */
#define LOAD_RETRY        (10ull * 1000000)

#define load_literal(s)   s, sizeof(s) - 1


typedef enum {
    LOAD_TRACE_ID,                  /* a new id for trace n */
    LOAD_SPAN_ID,                   /* a new id for span n of the request */
    LOAD_PARENT_ID,                 /* the id of span n */
    LOAD_SECOND,                    /* 2026-01-31T12:00:00 */
    LOAD_AGENT                      /* two digits */
} load_patch_e;

typedef struct {
    size_t          offset;
    load_patch_e    kind;
    unsigned        n;
} load_patch_t;


/* A request with the places that differ from one to the next. */
typedef struct {
    char           *data;
    size_t          len;
    size_t          size;
    load_patch_t   *patches;
    size_t          npatches;
    size_t         *trace_at;       /* offset of the id of trace n */
    size_t         *span_at;
} load_template_t;


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
    size_t          expected;       /* 0: the header is not complete */
    unsigned        status;
    unsigned        chunked:1;
    unsigned        close:1;
} load_conn_t;


typedef struct {
    /* options */
    char           *host;
    char           *port;
    const char     *path;
    const char     *key;
    const char     *paths;
    const char     *acked;
    unsigned        conns;
    unsigned        traces;
    unsigned        spans;          /* of a trace */
    double          rate;
    double          duration;
    double          warmup;
    long            dump;

    /* state */
    struct addrinfo *addr;
    load_template_t template;
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
    time_t          second;         /* that second_text is for */
    char            second_text[20];

    /* results */
    bench_hist_t   *latency;
    uint64_t        requests;
    uint64_t        acked_spans;
    uint64_t        rejected;       /* traces in "rejected" of an answer */
    uint64_t        errors;
    uint64_t        unsent;
    uint64_t        bytes;
    uint64_t        status[LOAD_STATUSES];
} load_t;


static load_t  load;


/* The body of POST /traces/batch, and the request around it. */

static void
load_append(load_template_t *t, const char *p, size_t len)
{
    if (t->len + len > t->size) {
        t->size = (t->len + len) * 2;

        t->data = realloc(t->data, t->size);
        if (t->data == NULL) {
            bench_die("no memory for a request");
        }
    }

    memcpy(t->data + t->len, p, len);
    t->len += len;
}


static void
load_print(load_template_t *t, const char *fmt, ...)
{
    int      n;
    char     buf[1024];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    if (n < 0 || (size_t) n >= sizeof(buf)) {
        bench_die("too long a line in a request");
    }

    load_append(t, buf, n);
}


static void
load_mark(load_template_t *t, load_patch_e kind, unsigned n)
{
    static const char  *sample[] = {
        "00000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-000000000000",
        "2026-01-31T12:00:00",
        "00"
    };

    load_patch_t  *patch;

    patch = &t->patches[t->npatches++];

    patch->offset = t->len;
    patch->kind = kind;
    patch->n = n;

    if (kind == LOAD_TRACE_ID) {
        t->trace_at[n] = t->len;

    } else if (kind == LOAD_SPAN_ID) {
        t->span_at[n] = t->len;
    }

    load_append(t, sample[kind], strlen(sample[kind]));
}


static void
load_body_span(load_template_t *t, unsigned first, unsigned i)
{
    unsigned  ms;

    ms = i * BENCH_SPAN_STEP_MS % (1000 - BENCH_SPAN_MS);

    load_append(t, load_literal("{\"span_id\":\""));
    load_mark(t, LOAD_SPAN_ID, first + i);
    load_append(t, load_literal("\",\"parent_span_id\":"));

    if (i == 0) {
        load_append(t, load_literal("null"));

    } else {
        load_append(t, load_literal("\""));
        load_mark(t, LOAD_PARENT_ID, first + bench_parent(i));
        load_append(t, load_literal("\""));
    }

    load_print(t, ",\"type\":\"%s\",\"name\":\"%s\",\"status\":\"completed\""
               ",\"started_at\":\"", bench_span_type(i), bench_span_name(i));
    load_mark(t, LOAD_SECOND, 0);
    load_print(t, ".%03uZ\",\"ended_at\":\"", ms);
    load_mark(t, LOAD_SECOND, 0);
    load_print(t, ".%03uZ\",\"duration_ms\":%u", ms + BENCH_SPAN_MS,
               BENCH_SPAN_MS);

    if (bench_is_llm(i)) {
        load_print(t, ",\"model\":\"%s\",\"input_tokens\":%u"
                   ",\"output_tokens\":%u,\"total_tokens\":%u"
                   ",\"cost_usd\":\"%s\"",
                   BENCH_MODEL, BENCH_INPUT_TOKENS, BENCH_OUTPUT_TOKENS,
                   BENCH_INPUT_TOKENS + BENCH_OUTPUT_TOKENS, BENCH_COST);
    }

    load_append(t, load_literal(",\"metadata\":" BENCH_METADATA "}"));
}


static void
load_body_trace(load_template_t *t, unsigned n, unsigned spans)
{
    unsigned  i;

    load_append(t, load_literal("{\"trace\":{\"trace_id\":\""));
    load_mark(t, LOAD_TRACE_ID, n);
    load_append(t, load_literal("\",\"agent\":\"support-agent-"));
    load_mark(t, LOAD_AGENT, 0);
    load_append(t, load_literal("\",\"status\":\"completed\""
                                ",\"started_at\":\""));
    load_mark(t, LOAD_SECOND, 0);
    load_append(t, load_literal(".000Z\",\"ended_at\":\""));
    load_mark(t, LOAD_SECOND, 0);
    load_print(t, ".999Z\",\"duration_ms\":999,\"success\":true"
               ",\"outcome\":\"resolved\",\"total_tokens\":%u"
               ",\"total_cost_usd\":\"0.%06u\",\"metadata\":%s},\"spans\":[",
               spans / 2 * (BENCH_INPUT_TOKENS + BENCH_OUTPUT_TOKENS),
               spans / 2 * 3200, BENCH_TRACE_METADATA);

    for (i = 0; i < spans; i++) {
        if (i != 0) {
            load_append(t, load_literal(","));
        }

        load_body_span(t, n * spans, i);
    }

    load_append(t, load_literal("]}"));
}


static void
load_body(load_template_t *t, unsigned traces, unsigned spans)
{
    unsigned  n;

    memset(t, 0, sizeof(*t));

    /* of a trace 4, of a span 4 */
    t->patches = bench_alloc((traces + traces * spans) * 4
                             * sizeof(load_patch_t));
    t->trace_at = bench_alloc(traces * sizeof(size_t));
    t->span_at = bench_alloc((traces * spans + 1) * sizeof(size_t));

    load_append(t, load_literal("{\"traces\":["));

    for (n = 0; n < traces; n++) {
        if (n != 0) {
            load_append(t, load_literal(","));
        }

        load_body_trace(t, n, spans);
    }

    load_append(t, load_literal("]}"));
}


static void
load_request(load_template_t *t)
{
    size_t           i, head;
    load_template_t  body;

    body = *t;

    t->data = NULL;
    t->len = 0;
    t->size = 0;

    load_print(t, "POST %s HTTP/1.1\r\nHost: %s\r\n", load.path, load.host);
    load_print(t, "Content-Type: application/json\r\n"
               "Content-Length: %zu\r\n", body.len);

    if (load.key != NULL) {
        load_print(t, "Authorization: Bearer %s\r\n", load.key);
    }

    load_append(t, load_literal("\r\n"));

    head = t->len;

    load_append(t, body.data, body.len);
    free(body.data);

    for (i = 0; i < t->npatches; i++) {
        t->patches[i].offset += head;
    }

    for (i = 0; i < load.traces; i++) {
        t->trace_at[i] += head;
    }

    for (i = 0; i < load.traces * load.spans; i++) {
        t->span_at[i] += head;
    }
}


static void
load_uuid(char *p)
{
    int                   i;
    uint64_t              r[2];
    const unsigned char  *byte;

    static char  hex[256][2];

    if (hex[0][0] == '\0') {
        for (i = 0; i < 256; i++) {
            hex[i][0] = "0123456789abcdef"[i >> 4];
            hex[i][1] = "0123456789abcdef"[i & 15];
        }
    }

    r[0] = bench_random(&load.random);
    r[1] = bench_random(&load.random);
    byte = (unsigned char *) r;

    for (i = 0; i < 16; i++) {
        memcpy(p, hex[byte[i]], 2);
        p += 2;

        if (i == 3 || i == 5 || i == 7 || i == 9) {
            *p++ = '-';
        }
    }

    /* version 4, variant 1 */
    p[14 - 36] = '4';
    p[19 - 36] = '8';
}


static void
load_fill(char *request)
{
    char          *p;
    time_t         now;
    size_t         i;
    unsigned       agent;
    struct tm      tm;
    load_patch_t  *patch;

    /* A trace takes a second: the last one that is over. */

    now = time(NULL) - 1;

    if (now != load.second) {
        gmtime_r(&now, &tm);
        strftime(load.second_text, sizeof(load.second_text),
                 "%Y-%m-%dT%H:%M:%S", &tm);
        load.second = now;
    }

    for (i = 0; i < load.template.npatches; i++) {
        patch = &load.template.patches[i];
        p = request + patch->offset;

        switch (patch->kind) {

        case LOAD_TRACE_ID:
        case LOAD_SPAN_ID:
            load_uuid(p);
            break;

        case LOAD_PARENT_ID:
            memcpy(p, request + load.template.span_at[patch->n], 36);
            break;

        case LOAD_SECOND:
            memcpy(p, load.second_text, 19);
            break;

        case LOAD_AGENT:
            agent = bench_random(&load.random) % BENCH_AGENTS;
            p[0] = '0' + agent / 10;
            p[1] = '0' + agent % 10;
            break;
        }
    }
}


static void
load_dump(void)
{
    long  i;

    for (i = 0; i < load.dump; i++) {
        load_fill(load.template.data);
        fwrite(load.template.data, 1, load.template.len, stdout);
        putchar('\n');
    }
}


/* Connections. */

static void load_write(load_conn_t *c);
static void load_complete(load_conn_t *c);


static void
load_connect(load_conn_t *c)
{
    int                 fd, on;
    struct epoll_event  ev;

    fd = socket(load.addr->ai_family, SOCK_STREAM|SOCK_NONBLOCK, 0);
    if (fd == -1) {
        bench_die("socket() failed: %s", strerror(errno));
    }

    on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    if (connect(fd, load.addr->ai_addr, load.addr->ai_addrlen) == -1
        && errno != EINPROGRESS)
    {
        bench_die("cannot connect to %s:%s: %s", load.host, load.port,
                  strerror(errno));
    }

    /* Edge-triggered: registered once, never changed. */

    ev.events = EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET;
    ev.data.ptr = c;

    if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd, &ev) == -1) {
        bench_die("epoll_ctl() failed: %s", strerror(errno));
    }

    c->fd = fd;
    c->connected = 0;
}


static void
load_reset(load_conn_t *c)
{
    c->received = 0;
    c->expected = 0;
    c->status = 0;
    c->chunked = 0;
    c->close = 0;
    c->sent = 0;
}


static void
load_send(load_conn_t *c, uint64_t due)
{
    const char  *path;

    load_reset(c);

    c->busy = 1;
    c->due = due;

    if (load.paths == NULL) {
        load_fill(c->request);

    } else {
        path = load.path_list[bench_random(&load.random) % load.npaths];

        c->len = snprintf(c->request, LOAD_RESPONSE,
                          "GET %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n",
                          path, load.host,
                          load.key ? "Authorization: Bearer " : "",
                          load.key ? load.key : "", load.key ? "\r\n" : "");

        if (c->len >= LOAD_RESPONSE) {
            bench_die("too long a path in \"%s\"", load.paths);
        }
    }

    if (c->fd == -1) {
        load_connect(c);
        return;
    }

    load_write(c);
}


static void
load_idle(load_conn_t *c)
{
    c->busy = 0;
    load.idle[load.nidle++] = c;
}


/* The connection broke, or its answer makes no sense. */

static void
load_fail(load_conn_t *c)
{
    if (c->fd != -1) {
        close(c->fd);
        c->fd = -1;
    }

    if (!c->busy) {
        return;
    }

    load.errors++;
    load_idle(c);
}


static void
load_write(load_conn_t *c)
{
    ssize_t  n;

    while (c->sent < c->len) {
        n = send(c->fd, c->request + c->sent, c->len - c->sent, MSG_NOSIGNAL);

        if (n == -1) {
            if (errno == EAGAIN || errno == ENOTCONN) {
                return;
            }

            load_fail(c);
            return;
        }

        c->sent += n;
    }
}


/* The value of a header, NULL if there is none; the response ends in '\0'. */

static const char *
load_header(const char *head, const char *name)
{
    size_t       len;
    const char  *p;

    len = strlen(name);

    for (p = strstr(head, "\r\n"); p != NULL; p = strstr(p, "\r\n")) {
        p += 2;

        if (strncasecmp(p, name, len) == 0 && p[len] == ':') {
            p += len + 1;
            return p + strspn(p, " ");
        }
    }

    return NULL;
}


/* Returns 1 when the whole answer is there, -1 if it is none. */

static int
load_parse(load_conn_t *c)
{
    char        *end;
    const char  *value;

    c->response[c->received] = '\0';

    if (c->expected == 0) {
        end = strstr(c->response, "\r\n\r\n");
        if (end == NULL) {
            return 0;
        }

        end[2] = '\0';

        if (sscanf(c->response, "HTTP/1.%*1[01] %3u", &c->status) != 1
            || c->status < 100 || c->status >= LOAD_STATUSES)
        {
            return -1;
        }

        c->expected = end + 4 - c->response;

        value = load_header(c->response, "Content-Length");
        if (value != NULL) {
            c->expected += strtoul(value, NULL, 10);
        }

        value = load_header(c->response, "Transfer-Encoding");
        c->chunked = (value != NULL);

        value = load_header(c->response, "Connection");
        c->close = (value != NULL && strncasecmp(value, "close", 5) == 0);

        end[2] = '\r';

        if (c->expected > LOAD_RESPONSE) {
            bench_die("an answer of %zu bytes is too long", c->expected);
        }
    }

    if (c->chunked) {
        return c->received >= 5
               && memcmp(c->response + c->received - 5, "0\r\n\r\n", 5) == 0;
    }

    return c->received >= c->expected;
}


static void
load_read(load_conn_t *c)
{
    int      rc;
    size_t   room;
    ssize_t  n;

    for ( ;; ) {
        room = LOAD_RESPONSE - c->received;

        if (room == 0) {
            bench_die("an answer is longer than %d bytes", LOAD_RESPONSE);
        }

        n = recv(c->fd, c->response + c->received, room, 0);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0) {
            load_fail(c);
            return;
        }

        c->received += n;
        load.bytes += n;

        if (!c->busy) {
            load_fail(c);
            return;
        }

        rc = load_parse(c);

        if (rc == -1) {
            load_fail(c);
            return;
        }

        if (rc == 1) {
            load_complete(c);
            return;
        }

        /* A short read: epoll tells when there is more. */

        if ((size_t) n < room) {
            return;
        }
    }
}


static unsigned
load_field(const char *body, const char *name, unsigned missing)
{
    const char  *p;

    p = strstr(body, name);
    if (p == NULL) {
        return missing;
    }

    p += strlen(name);

    return strtoul(p + strspn(p, " :"), NULL, 10);
}


static void
load_acknowledged(load_conn_t *c)
{
    unsigned     i, accepted;
    const char  *body;

    body = strstr(c->response, "\r\n\r\n");

    accepted = load_field(body, "\"accepted\"", 0);

    load.acked_spans += (uint64_t) accepted * load.spans;
    load.rejected += load_field(body, "\"rejected\"", 0);

    if (load.ack == NULL || accepted != load.traces) {
        return;
    }

    for (i = 0; i < load.traces; i++) {
        fwrite(c->request + load.template.trace_at[i], 1, 36, load.ack);
        putc('\n', load.ack);
    }
}


/*
 * The rate is that of answers between start and end.  An answer that comes
 * after the end has no part in it, but its latency counts.
 */

static void
load_complete(load_conn_t *c)
{
    uint64_t  now;

    now = bench_now();

    if (c->due >= load.start) {
        bench_hist_add(load.latency, now - c->due);
    }

    if (now >= load.start && now < load.end) {
        load.requests++;
        load.status[c->status]++;

        if (c->status == 200 && load.paths == NULL) {
            load_acknowledged(c);
        }

    } else if (load.ack != NULL && c->status == 200) {
        load_acknowledged(c);
    }

    if (c->close) {
        close(c->fd);
        c->fd = -1;
    }

    if (load.rate == 0 && now < load.end) {
        load_send(c, now);
        return;
    }

    load_idle(c);
}


/* Open loop. */

static uint64_t
load_due(uint64_t n)
{
    return load.begin + (uint64_t) (n * 1e9 / load.rate);
}


/* Sends what is due and sets the timer for what is next. */

static void
load_pace(void)
{
    uint64_t           due, now;
    struct itimerspec  it;

    now = bench_now();

    while (load.nidle > 0) {
        due = load_due(load.next);

        if (due >= load.end) {
            return;
        }

        if (due > now) {
            memset(&it, 0, sizeof(it));
            it.it_value.tv_sec = due / 1000000000;
            it.it_value.tv_nsec = due % 1000000000;

            timerfd_settime(load.timer, TFD_TIMER_ABSTIME, &it, NULL);
            return;
        }

        load.next++;
        load_send(load.idle[--load.nidle], due);
    }
}


/*
 * In closed loop only what has not begun, or has failed, is idle before the
 * end.
 */

static void
load_resume(uint64_t now)
{
    unsigned      n;
    load_conn_t  *c;

    if (load.nidle == 0 || now < load.retry) {
        return;
    }

    load.retry = now + LOAD_RETRY;

    /* One that fails at once joins the end again. */

    for (n = load.nidle; n > 0; n--) {
        c = load.idle[0];

        load.nidle--;
        memmove(load.idle, load.idle + 1, load.nidle * sizeof(c));

        load_send(c, now);
    }
}


static int
load_finished(uint64_t now)
{
    if (now < load.end) {
        return 0;
    }

    if (now > load.end + LOAD_DRAIN) {
        return 1;
    }

    return load.nidle == load.conns
           && (load.rate == 0 || load_due(load.next) >= load.end);
}


static void
load_event(load_conn_t *c, uint32_t events)
{
    if (c->fd == -1) {
        return;
    }

    if (!c->connected && (events & EPOLLOUT)) {
        c->connected = 1;
    }

    if (c->busy && c->connected && c->sent < c->len) {
        load_write(c);
    }

    if (c->fd != -1 && (events & (EPOLLIN|EPOLLRDHUP|EPOLLERR|EPOLLHUP))) {
        load_read(c);
    }
}


static void
load_run(void)
{
    int                  i, n;
    uint64_t             now, expired;
    struct epoll_event   events[LOAD_EVENTS];

    for ( ;; ) {
        now = bench_now();

        if (load_finished(now)) {
            return;
        }

        if (load.rate > 0) {
            load_pace();

        } else if (now < load.end) {
            load_resume(now);
        }

        n = epoll_wait(load.epoll, events, LOAD_EVENTS,
                       load.nidle > 0 ? 10 : 100);

        for (i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                if (read(load.timer, &expired, sizeof(expired)) == -1
                    && errno != EAGAIN)
                {
                    bench_die("read() of a timer failed: %s",
                              strerror(errno));
                }

                continue;
            }

            load_event(events[i].data.ptr, events[i].events);
        }
    }
}


/* What was due but not answered has waited for at least as long as we did. */

static void
load_count_unanswered(void)
{
    unsigned  i;
    uint64_t  due, now;

    now = bench_now();

    for (i = 0; i < load.conns; i++) {
        if (load.conn[i].busy) {
            load.errors++;
            bench_hist_add(load.latency, now - load.conn[i].due);
        }
    }

    if (load.rate == 0) {
        return;
    }

    for ( ;; ) {
        due = load_due(load.next++);

        if (due >= load.end) {
            return;
        }

        load.unsent++;
        bench_hist_add(load.latency, now - due);
    }
}


static void
load_report(void)
{
    int     i, comma;
    double  seconds;

    seconds = (load.end - load.start) / 1e9;

    printf("{\"connections\":%u,\"seconds\":%.3f,\"requests\":%llu"
           ",\"requests_per_s\":%.1f",
           load.conns, seconds, (unsigned long long) load.requests,
           load.requests / seconds);

    if (load.paths == NULL) {
        printf(",\"spans\":%llu,\"spans_per_s\":%.1f,\"rejected_traces\":%llu"
               ",\"request_bytes\":%zu",
               (unsigned long long) load.acked_spans,
               load.acked_spans / seconds,
               (unsigned long long) load.rejected, load.template.len);
    }

    if (load.rate > 0) {
        printf(",\"rate\":%.1f,\"unsent\":%llu", load.rate,
               (unsigned long long) load.unsent);
    }

    bench_hist_print(load.latency);

    printf(",\"errors\":%llu,\"received_bytes\":%llu,\"wall_s\":%.3f"
           ",\"cpu_s\":%.3f,\"status\":{",
           (unsigned long long) load.errors, (unsigned long long) load.bytes,
           (bench_now() - load.begin) / 1e9, bench_cpu() / 1e9);

    comma = 0;

    for (i = 0; i < LOAD_STATUSES; i++) {
        if (load.status[i]) {
            printf("%s\"%d\":%llu", comma ? "," : "", i,
                   (unsigned long long) load.status[i]);
            comma = 1;
        }
    }

    printf("}}\n");
}


static void
load_prepare(void)
{
    int                 rc;
    unsigned            i;
    struct addrinfo     hints;
    struct epoll_event  ev;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;

    rc = getaddrinfo(load.host, load.port, &hints, &load.addr);
    if (rc != 0) {
        bench_die("cannot resolve \"%s\": %s", load.host, gai_strerror(rc));
    }

    if (load.paths != NULL) {
        load.path_list = bench_lines(load.paths, &load.npaths);

    } else {
        load_request(&load.template);
    }

    if (load.acked != NULL) {
        load.ack = fopen(load.acked, "a");
        if (load.ack == NULL) {
            bench_die("cannot open \"%s\": %s", load.acked, strerror(errno));
        }
    }

    load.epoll = epoll_create1(0);
    load.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

    ev.events = EPOLLIN;
    ev.data.ptr = NULL;

    if (load.epoll == -1 || load.timer == -1
        || epoll_ctl(load.epoll, EPOLL_CTL_ADD, load.timer, &ev) == -1)
    {
        bench_die("epoll failed: %s", strerror(errno));
    }

    load.latency = bench_alloc(sizeof(bench_hist_t));
    load.conn = bench_alloc(load.conns * sizeof(load_conn_t));
    load.idle = bench_alloc(load.conns * sizeof(load_conn_t *));

    for (i = 0; i < load.conns; i++) {
        load.conn[i].fd = -1;
        load.conn[i].response = bench_alloc(LOAD_RESPONSE + 1);

        if (load.paths != NULL) {
            load.conn[i].request = bench_alloc(LOAD_RESPONSE);

        } else {
            load.conn[i].len = load.template.len;
            load.conn[i].request = bench_alloc(load.template.len);
            memcpy(load.conn[i].request, load.template.data,
                   load.template.len);
        }

        load_idle(&load.conn[i]);
    }
}


static void
load_usage(void)
{
    bench_die("usage: load [options] HOST:PORT\n"
              "       load [--traces N] [--spans N] --dump N\n"
              "  --path PATH       of the batches; /api/v1/traces/batch\n"
              "  --paths FILE      GET a random line of FILE instead\n"
              "  --key KEY         bearer token\n"
              "  --connections N   32\n"
              "  --duration S      10\n"
              "  --warmup S        not counted; 0\n"
              "  --traces N        of a request; 10\n"
              "  --spans N         of a trace; 10\n"
              "  --rate N          requests per second: open loop\n"
              "  --acked FILE      append the ids of acknowledged traces\n"
              "  --dump N          write N bodies to stdout and exit");
}


static void
load_options(int argc, char **argv)
{
    int          c, i;
    char        *colon;
    const char  *name;

    static const struct option  options[] = {
        { "path",        required_argument, NULL, 'p' },
        { "paths",       required_argument, NULL, 'P' },
        { "key",         required_argument, NULL, 'k' },
        { "connections", required_argument, NULL, 'c' },
        { "duration",    required_argument, NULL, 'd' },
        { "warmup",      required_argument, NULL, 'w' },
        { "traces",      required_argument, NULL, 't' },
        { "spans",       required_argument, NULL, 's' },
        { "rate",        required_argument, NULL, 'r' },
        { "acked",       required_argument, NULL, 'a' },
        { "dump",        required_argument, NULL, 'D' },
        { NULL, 0, NULL, 0 }
    };

    load.path = "/api/v1/traces/batch";
    load.conns = 32;
    load.traces = 10;
    load.spans = 10;
    load.duration = 10;

    while ((c = getopt_long(argc, argv, "", options, &i)) != -1) {

        name = (c == '?') ? NULL : options[i].name;

        switch (c) {

        case 'p':
            load.path = optarg;
            break;

        case 'P':
            load.paths = optarg;
            break;

        case 'k':
            load.key = optarg;
            break;

        case 'c':
            load.conns = bench_number(name, optarg, 1);
            break;

        case 'd':
            load.duration = bench_number(name, optarg, 0.01);
            break;

        case 'w':
            load.warmup = bench_number(name, optarg, 0);
            break;

        case 't':
            load.traces = bench_number(name, optarg, 1);
            break;

        case 's':
            load.spans = bench_number(name, optarg, 0);
            break;

        case 'r':
            load.rate = bench_number(name, optarg, 0.001);
            break;

        case 'a':
            load.acked = optarg;
            break;

        case 'D':
            load.dump = bench_number(name, optarg, 1);
            break;

        default:
            load_usage();
        }
    }

    if (load.dump) {
        return;
    }

    if (optind + 1 != argc) {
        load_usage();
    }

    load.host = argv[optind];

    colon = strrchr(load.host, ':');
    if (colon == NULL) {
        load_usage();
    }

    *colon = '\0';
    load.port = colon + 1;
}


int
main(int argc, char **argv)
{
    load_options(argc, argv);

    bench_random_seed(&load.random);
    load_body(&load.template, load.traces, load.spans);

    if (load.dump) {
        load_dump();
        return 0;
    }

    load_prepare();

    load.begin = bench_now();
    load.start = load.begin + (uint64_t) (load.warmup * 1e9);
    load.end = load.start + (uint64_t) (load.duration * 1e9);

    load_run();
    load_count_unanswered();

    if (load.ack != NULL && fclose(load.ack) != 0) {
        bench_die("cannot write \"%s\": %s", load.acked, strerror(errno));
    }

    load_report();

    return 0;
}
