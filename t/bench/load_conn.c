#include "load.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>


static void load_write(load_conn_t *c);


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
    c->dropped = 0;
    c->head = 0;
    c->expected = 0;
    c->status = 0;
    c->chunked = 0;
    c->close = 0;
    c->sent = 0;
}


void
load_send(load_conn_t *c, uint64_t due)
{
    const char  *path;

    load_reset(c);

    c->busy = 1;
    c->due = due;

    if (load.path_list == NULL) {
        load_fill(c);

    } else {
        path = load.path_list[bench_random(&load.random) % load.npaths];

        c->len = snprintf(c->request, LOAD_RESPONSE,
                          "GET %s HTTP/1.1\r\nHost: %s\r\n%s%s%s%s%s\r\n",
                          path, load.host,
                          load.key ? "Authorization: Bearer " : "",
                          load.key ? load.key : "", load.key ? "\r\n" : "",
                          load.header ? load.header : "",
                          load.header ? "\r\n" : "");

        if (c->len >= LOAD_RESPONSE) {
            bench_die("too long a path: \"%s\"", path);
        }
    }

    if (c->fd == -1) {
        load_connect(c);
        return;
    }

    load_write(c);
}


void
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


/* The header of an answer: 1, or 0 if it is not all there; -1: it is none. */

static int
load_parse_head(load_conn_t *c)
{
    char        *end;
    const char  *value;

    end = strstr(c->response, "\r\n\r\n");
    if (end == NULL) {
        return c->received < LOAD_RESPONSE ? 0 : -1;
    }

    end[2] = '\0';

    if (sscanf(c->response, "HTTP/1.%*1[01] %3u", &c->status) != 1
        || c->status < 100 || c->status >= LOAD_STATUSES)
    {
        return -1;
    }

    c->head = end + 4 - c->response;
    c->expected = c->head;

    value = load_header(c->response, "Content-Length");
    if (value != NULL) {
        c->expected += strtoul(value, NULL, 10);
    }

    value = load_header(c->response, "Transfer-Encoding");
    c->chunked = (value != NULL);

    value = load_header(c->response, "Connection");
    c->close = (value != NULL && strncasecmp(value, "close", 5) == 0);

    end[2] = '\r';

    return 1;
}


/* Returns 1 when the whole answer is there, -1 if it is none. */

static int
load_parse(load_conn_t *c)
{
    int  rc;

    c->response[c->received] = '\0';

    if (c->head == 0) {
        rc = load_parse_head(c);
        if (rc != 1) {
            return rc;
        }
    }

    if (c->chunked) {
        return c->received >= c->head + 5
               && memcmp(c->response + c->received - 5, "0\r\n\r\n", 5) == 0;
    }

    return c->received + c->dropped >= c->expected;
}


/* Room for more: of a long answer the header and the end are kept. */

static size_t
load_room(load_conn_t *c)
{
    size_t  drop;

    if (c->received == LOAD_RESPONSE) {
        drop = c->received - c->head - LOAD_TAIL;

        memmove(c->response + c->head, c->response + c->head + drop,
                LOAD_TAIL);

        c->received -= drop;
        c->dropped += drop;
    }

    return LOAD_RESPONSE - c->received;
}


/*
 * Of the last n bytes received.  Lines of a header and of chunks' lengths end
 * in CR LF, those of a body do not.
 */

static void
load_count_lines(load_conn_t *c, size_t n)
{
    char  *p, *end;

    end = c->response + c->received;

    for (p = end - n; (p = memchr(p, '\n', end - p)) != NULL; p++) {
        if (p == c->response || p[-1] != '\r') {
            load.lines++;
        }
    }
}


static void
load_read(load_conn_t *c)
{
    int      rc;
    size_t   room;
    ssize_t  n;

    for ( ;; ) {
        room = load_room(c);

        n = recv(c->fd, c->response + c->received, room, 0);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0) {
            load_fail(c);
            return;
        }

        c->received += n;
        load.received += n;

        if (!c->busy) {
            load_fail(c);
            return;
        }

        if (load.follow != NULL) {
            load_count_lines(c, n);
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


void
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
