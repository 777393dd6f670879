#include "bench.h"

#include <sys/mman.h>
#include <unistd.h>


static uint64_t bench_hist_value(size_t index);


void
bench_die(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);
    exit(1);
}


void *
bench_alloc(size_t size)
{
    void  *p;

    p = calloc(1, size);
    if (p == NULL) {
        bench_die("no memory for %zu bytes", size);
    }

    return p;
}


void *
bench_alloc_shared(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
             -1, 0);
    if (p == MAP_FAILED) {
        bench_die("no shared memory for %zu bytes", size);
    }

    return p;
}


static uint64_t
bench_clock(clockid_t clock)
{
    struct timespec  ts;

    clock_gettime(clock, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


uint64_t
bench_now(void)
{
    return bench_clock(CLOCK_MONOTONIC);
}


uint64_t
bench_wall(void)
{
    return bench_clock(CLOCK_REALTIME);
}


uint64_t
bench_cpu(void)
{
    return bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}


void
bench_random_seed(bench_random_t *rnd)
{
    int  i;

    rnd->s[0] = bench_wall() * 0x9e3779b97f4a7c15;
    rnd->s[1] = bench_now() ^ ((uint64_t) getpid() << 32);

    for (i = 0; i < 32; i++) {
        (void) bench_random(rnd);
    }
}


/*
 * Values below 64 have a bucket each; above, a power of two is divided into
 * 64 buckets.
 */

void
bench_hist_add(bench_hist_t *h, uint64_t ns)
{
    int     shift;
    size_t  index;

    if (ns < BENCH_HIST_SUB) {
        index = ns;

    } else {
        shift = 63 - __builtin_clzll(ns) - BENCH_HIST_BITS;
        index = (size_t) shift * BENCH_HIST_SUB + (ns >> shift);
    }

    h->bucket[index]++;
    h->count++;
    h->sum += ns;

    if (ns > h->max) {
        h->max = ns;
    }
}


/* The middle of a bucket. */

static uint64_t
bench_hist_value(size_t index)
{
    int       shift;
    uint64_t  v;

    if (index < BENCH_HIST_SUB) {
        return index;
    }

    shift = index / BENCH_HIST_SUB - 1;
    v = (uint64_t) (index % BENCH_HIST_SUB + BENCH_HIST_SUB) << shift;

    return v + ((1ull << shift) >> 1);
}


void
bench_hist_merge(bench_hist_t *to, const bench_hist_t *from)
{
    size_t  i;

    for (i = 0; i < BENCH_HIST_SIZE; i++) {
        to->bucket[i] += from->bucket[i];
    }

    to->count += from->count;
    to->sum += from->sum;

    if (from->max > to->max) {
        to->max = from->max;
    }
}


double
bench_hist_ms(const bench_hist_t *h, double q)
{
    size_t    i;
    uint64_t  rank, seen;

    rank = (uint64_t) (q * h->count + 0.999999);
    seen = 0;

    for (i = 0; i < BENCH_HIST_SIZE; i++) {
        seen += h->bucket[i];

        if (seen >= rank && seen != 0) {
            return bench_hist_value(i) / 1e6;
        }
    }

    return 0;
}


void
bench_hist_print(const bench_hist_t *h)
{
    printf(",\"mean_ms\":%.4f,\"p50_ms\":%.4f,\"p90_ms\":%.4f"
           ",\"p99_ms\":%.4f,\"p999_ms\":%.4f,\"max_ms\":%.4f",
           h->count ? h->sum / 1e6 / h->count : 0,
           bench_hist_ms(h, 0.5), bench_hist_ms(h, 0.9),
           bench_hist_ms(h, 0.99), bench_hist_ms(h, 0.999), h->max / 1e6);
}


double
bench_number(const char *option, const char *s, double min)
{
    char    *end;
    double   n;

    n = strtod(s, &end);

    if (end == s || *end != '\0' || !(n >= min)) {
        bench_die("invalid value \"%s\" of --%s", s, option);
    }

    return n;
}


char **
bench_lines(const char *path, size_t *n)
{
    FILE     *f;
    char     *line, **lines;
    size_t    size, cap;
    ssize_t   len;

    f = fopen(path, "r");
    if (f == NULL) {
        bench_die("cannot open \"%s\": %s", path, strerror(errno));
    }

    cap = 0;
    line = NULL;
    lines = NULL;
    size = 0;
    *n = 0;

    while ((len = getline(&line, &size, f)) > 0) {
        if (line[len - 1] == '\n') {
            line[len - 1] = '\0';
        }

        if (*n == cap) {
            cap = cap ? cap * 2 : 1024;
            lines = realloc(lines, cap * sizeof(char *));
            if (lines == NULL) {
                bench_die("no memory for the lines of \"%s\"", path);
            }
        }

        lines[(*n)++] = line;

        line = NULL;
        size = 0;
    }

    free(line);
    fclose(f);

    if (*n == 0) {
        bench_die("\"%s\" is empty", path);
    }

    return lines;
}
