/*
 * Decoding by itself: the bodies of a file (one a line, see load --dump) from
 * bytes to column buffers, on one core.
 *
 *     decode [--duration S] FILE
 *
 * Prints one line of JSON.
 */

#include "bench.h"

#include <getopt.h>

#include "ngx_av_batch.h"


#define DECODE_DAY  (86400ll * 1000000000)


static uint64_t
decode_body(const char *body, size_t len)
{
    uint64_t               nspans;
    ngx_int_t              rc;
    ngx_str_t              detail;
    ngx_log_t              log;
    ngx_av_uuid_t          account;
    ngx_av_batch_t        *batch;
    ngx_av_batch_limits_t  limits;

    ngx_memzero(&log, sizeof(ngx_log_t));
    ngx_memzero(&account, sizeof(ngx_av_uuid_t));

    limits.attribute_limit = 64 * 1024;
    limits.span_limit = 256 * 1024;
    limits.depth = 64;
    limits.memory_limit = 64 * 1024 * 1024;
    limits.earliest = (ngx_av_time_t) bench_wall() - 7 * DECODE_DAY;
    limits.latest = (ngx_av_time_t) bench_wall() + DECODE_DAY;

    batch = ngx_av_batch_create(NGX_AV_BATCH_TRACES, &account, &log);
    if (batch == NULL) {
        bench_die("no memory for a batch");
    }

    rc = ngx_av_batch_decode(batch, (const u_char *) body, len, &limits,
                             (ngx_av_time_t) bench_wall(), &detail);

    if (rc != NGX_OK || batch->errors.nelts != 0) {
        bench_die("a body was refused");
    }

    nspans = batch->nrows;

    ngx_av_batch_destroy(batch);

    return nspans;
}


int
main(int argc, char **argv)
{
    int        c;
    char     **bodies;
    double     duration, seconds;
    size_t     i, n, *len;
    uint64_t   start, end, cpu, bytes, spans, count;

    static const struct option  options[] = {
        { "duration", required_argument, NULL, 'd' },
        { NULL, 0, NULL, 0 }
    };

    duration = 3;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c != 'd') {
            return 1;
        }

        duration = bench_number("duration", optarg, 0.01);
    }

    if (optind + 1 != argc) {
        bench_die("usage: decode [--duration S] FILE");
    }

    bodies = bench_lines(argv[optind], &n);
    len = bench_alloc(n * sizeof(size_t));

    for (i = 0; i < n; i++) {
        len[i] = strlen(bodies[i]);
    }

    bytes = 0;
    spans = 0;
    count = 0;

    start = bench_now();
    end = start + (uint64_t) (duration * 1e9);
    cpu = bench_cpu();

    do {
        for (i = 0; i < n; i++) {
            spans += decode_body(bodies[i], len[i]);
            bytes += len[i];
            count++;
        }
    } while (bench_now() < end);

    /* Of CPU time: others may use the core too. */

    seconds = (bench_cpu() - cpu) / 1e9;

    printf("{\"bodies\":%llu,\"bytes_per_body\":%.0f,\"cpu_s\":%.3f"
           ",\"mb_per_s\":%.1f,\"spans_per_s\":%.1f}\n",
           (unsigned long long) count, (double) bytes / count, seconds,
           bytes / 1e6 / seconds, spans / seconds);

    return 0;
}
