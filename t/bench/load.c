/*
 * An HTTP/1.1 load generator that costs little CPU: it shares the machine
 * with what it measures.  A request is made once per connection and then only
 * patched (ids, times), so that a byte sent costs little more than its copy
 * into the socket.
 *
 *     load [options] HOST:PORT          batches of traces
 *     load --otlp ENCODING ...          spans, points or log records by OTLP
 *     load --paths FILE ...             GETs
 *     load --follow PATH ...            GETs page after page of a list
 *     load [options] --dump N           N bodies to stdout
 *
 * Closed loop: each connection sends as soon as it has its answer.  Open loop
 * (--rate): requests fall due at fixed times, wait for a free connection if
 * there is none, and their latency counts from when they were due.
 *
 * Prints one line of JSON.
 */

#include "load.h"

#include <getopt.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>


#define LOAD_EVENTS       64
/* How long answers to what was sent or due are waited for at the end. */
#define LOAD_DRAIN        (10ull * 1000000000)
/* A closed loop tries a connection that failed again after that long. */
#define LOAD_RETRY        (10ull * 1000000)


load_t  load;


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
    int          i, comma;
    double       seconds;
    const char  *items;

    items = (load.signal == &load_signals[0]) ? "spans" : "rows";
    seconds = (load.end - load.start) / 1e9;

    printf("{\"connections\":%u,\"seconds\":%.3f,\"requests\":%llu"
           ",\"requests_per_s\":%.1f",
           load.conns, seconds, (unsigned long long) load.requests,
           load.requests / seconds);

    if (load.path_list == NULL) {
        printf(",\"%s\":%llu,\"%s_per_s\":%.1f,\"rejected_traces\":%llu"
               ",\"request_bytes\":%zu",
               items, (unsigned long long) load.acked_items, items,
               load.acked_items / seconds,
               (unsigned long long) load.rejected, load.template.len);
    }

    if (load.follow != NULL) {
        printf(",\"lines\":%llu", (unsigned long long) load.lines);
    }

    if (load.rate > 0) {
        printf(",\"rate\":%.1f,\"unsent\":%llu", load.rate,
               (unsigned long long) load.unsent);
    }

    bench_hist_print(load.latency);

    printf(",\"errors\":%llu,\"received_bytes\":%llu,\"wall_s\":%.3f"
           ",\"cpu_s\":%.3f,\"status\":{",
           (unsigned long long) load.errors,
           (unsigned long long) load.received,
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

    if (load.follow != NULL) {
        load.path_list = bench_alloc(sizeof(char *));
        load.path_list[0] = strdup(load.follow);
        load.npaths = 1;

    } else if (load.paths != NULL) {
        load.path_list = bench_lines(load.paths, &load.npaths);

    } else {
        load_make_request(&load.template);
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
        load.conn[i].number = i;
        load.conn[i].response = bench_alloc(LOAD_RESPONSE + 1);

        if (load.path_list != NULL) {
            load.conn[i].request = bench_alloc(LOAD_RESPONSE);

        } else {
            load.conn[i].ids = bench_alloc(load.traces
                                           * sizeof(load.conn[i].ids[0]));
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
              "  --otlp ENCODING   json or protobuf, instead of batches\n"
              "  --signal NAME     of OTLP: traces, metrics (--traces series,"
              " --spans\n"
              "                    points) or logs (--spans records of a"
              " trace); traces\n"
              "  --path PATH       of the requests; /api/v1/traces/batch,"
              " /v1/SIGNAL\n"
              "  --paths FILE      GET a random line of FILE instead\n"
              "  --follow PATH     GET PATH, then with each answer's"
              " next_cursor\n"
              "  --key KEY         bearer token\n"
              "  --header LINE     of GETs\n"
              "  --connections N   32\n"
              "  --duration S      10\n"
              "  --warmup S        not counted; 0\n"
              "  --traces N        of a request; 10\n"
              "  --spans N         of a trace; 10\n"
              "  --bytes N         of a body, instead of --traces\n"
              "  --rate N          requests per second: open loop\n"
              "  --acked FILE      append the ids of acknowledged traces\n"
              "  --dump N          write N bodies to stdout and exit: one"
              " a line, by\n"
              "                    OTLP after 4 bytes of length");
}


static void
load_encoding(const char *name)
{
    if (strcmp(name, "json") == 0) {
        load.encoding = BODIES_JSON;

    } else if (strcmp(name, "protobuf") == 0) {
        load.encoding = BODIES_PROTOBUF;

    } else {
        bench_die("invalid value \"%s\" of --otlp", name);
    }
}


static void
load_find_signal(const char *name)
{
    const load_signal_t  *signal;

    for (signal = load_signals; signal->name != NULL; signal++) {
        if (strcmp(signal->name, name) == 0) {
            load.signal = signal;
            return;
        }
    }

    bench_die("invalid value \"%s\" of --signal", name);
}


static void
load_default_path(void)
{
    static char  path[64];

    if (load.path != NULL) {
        return;
    }

    if (load.encoding == BODIES_BATCH) {
        load.path = "/api/v1/traces/batch";
        return;
    }

    snprintf(path, sizeof(path), "/v1/%s", load.signal->name);
    load.path = path;
}


static void
load_options(int argc, char **argv)
{
    int          c, i;
    char        *colon;
    const char  *name;

    static const struct option  options[] = {
        { "otlp",        required_argument, NULL, 'o' },
        { "signal",      required_argument, NULL, 'S' },
        { "follow",      required_argument, NULL, 'f' },
        { "bytes",       required_argument, NULL, 'b' },
        { "path",        required_argument, NULL, 'p' },
        { "paths",       required_argument, NULL, 'P' },
        { "key",         required_argument, NULL, 'k' },
        { "header",      required_argument, NULL, 'H' },
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

    load.signal = &load_signals[0];
    load.conns = 32;
    load.traces = 10;
    load.spans = 10;
    load.duration = 10;

    while ((c = getopt_long(argc, argv, "", options, &i)) != -1) {

        name = (c == '?') ? NULL : options[i].name;

        switch (c) {

        case 'o':
            load_encoding(optarg);
            break;

        case 'S':
            load_find_signal(optarg);
            break;

        case 'f':
            load.follow = optarg;
            load.conns = 1;
            break;

        case 'b':
            load.bytes = bench_number(name, optarg, 1);
            break;

        case 'p':
            load.path = optarg;
            break;

        case 'P':
            load.paths = optarg;
            break;

        case 'H':
            load.header = optarg;
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

    load_default_path();

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
    load_make_body(&load.template);

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
