/*
 * Decoding by itself: the bodies of a file (see load --dump) from bytes to
 * column buffers, on one core.
 *
 *     decode [--duration S] FILE                 of POST /traces/batch
 *     decode [--duration S] --otlp ENCODING [--signal NAME] FILE
 *                    [--prices FILE]             what models cost
 *                    [--records]                 only to records, which
 *                                                nobody looks at
 *
 * Prints one line of JSON.
 */

#include "bench.h"

#include <arpa/inet.h>
#include <getopt.h>

#include "ngx_av_batch.h"
#include "ngx_av_otlp_batch.h"


#define DECODE_DAY  (86400ll * 1000000000)


typedef struct {
    u_char                  *data;
    size_t                   len;
} decode_body_t;


static struct {
    double                   duration;
    int                      encoding;      /* of OTLP, or -1 */
    ngx_av_otlp_signal_e     signal;
    const char              *prices_file;
    int                      records;

    ngx_log_t                log;
    ngx_av_otlp_options_t    options;
    decode_body_t           *bodies;
    size_t                   nbodies;
} decode;


/* What nginx's pools are linked with. */

volatile ngx_cycle_t  *ngx_cycle;


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    (void) level;
    (void) log;
    (void) err;

    bench_die("nginx: %s", fmt);
}


static void
decode_init(void)
{
    ngx_str_t               path;
    ngx_pool_t             *pool;
    ngx_av_batch_limits_t  *limits;
    ngx_av_prices_error_t   error;

    ngx_pagesize = getpagesize();       /* as nginx does at its start */
    ngx_av_otlp_batch_init_process();

    decode.options.now = (ngx_av_time_t) bench_wall();
    limits = &decode.options.limits;

    limits->attribute_limit = 64 * 1024;
    limits->span_limit = 256 * 1024;
    limits->depth = 64;
    limits->memory_limit = 64 * 1024 * 1024;
    limits->earliest = decode.options.now - 7 * DECODE_DAY;
    limits->latest = decode.options.now + DECODE_DAY;

    if (decode.prices_file == NULL) {
        return;
    }

    path.data = (u_char *) decode.prices_file;
    path.len = strlen(decode.prices_file);

    pool = ngx_create_pool(4096, &decode.log);

    if (pool == NULL
        || ngx_av_prices_load(pool, &path, &decode.options.prices, &error)
           != NGX_OK)
    {
        bench_die("cannot read \"%s\"", decode.prices_file);
    }
}


/* Returns how many rows a body has. */

static uint64_t
decode_batch(const decode_body_t *body)
{
    uint64_t         nrows;
    ngx_int_t        rc;
    ngx_str_t        detail;
    ngx_av_uuid_t    account;
    ngx_av_batch_t  *batch;

    static const ngx_av_batch_kind_e  kinds[] = {
        NGX_AV_BATCH_TRACES, NGX_AV_BATCH_POINTS, NGX_AV_BATCH_LOGS
    };

    ngx_memzero(&account, sizeof(ngx_av_uuid_t));

    batch = ngx_av_batch_create(kinds[decode.signal], &account, &decode.log);
    if (batch == NULL) {
        bench_die("no memory for a batch");
    }

    ngx_str_null(&detail);

    if (decode.encoding == -1) {
        rc = ngx_av_batch_decode(batch, body->data, body->len,
                                 &decode.options.limits, decode.options.now,
                                 &detail);

    } else {
        rc = ngx_av_otlp_batch_decode(batch, decode.signal, decode.encoding,
                                      body->data, body->len, &decode.options,
                                      &detail);
    }

    if (rc != NGX_OK || batch->errors.nelts != 0) {
        bench_die("a body was refused: %.*s", (int) detail.len, detail.data);
    }

    nrows = batch->nrows;

    ngx_av_batch_destroy(batch);

    return nrows;
}


static ngx_int_t
decode_span(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_span_t *span)
{
    uint64_t  *nrows = data;

    (*nrows)++;

    return NGX_OK;
}


static ngx_int_t
decode_log(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_log_t *log)
{
    uint64_t  *nrows = data;

    (*nrows)++;

    return NGX_OK;
}


static ngx_int_t
decode_point(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_metric_t *metric, const ngx_av_otlp_point_t *point)
{
    uint64_t  *nrows = data;

    (*nrows)++;

    return NGX_OK;
}


static uint64_t
decode_records(const decode_body_t *body)
{
    uint64_t              nrows;
    ngx_av_otlp_sink_t    sink;
    ngx_av_otlp_limits_t  limits;
    ngx_av_otlp_result_t  result;

    nrows = 0;

    ngx_memzero(&sink, sizeof(ngx_av_otlp_sink_t));
    sink.data = &nrows;
    sink.span = decode_span;
    sink.log = decode_log;
    sink.point = decode_point;

    limits.memory = decode.options.limits.memory_limit;
    limits.account = NULL;
    limits.depth = decode.options.limits.depth;

    if (ngx_av_otlp_decode(decode.signal, decode.encoding, body->data,
                           body->len, &limits, &sink, &result)
        != NGX_OK)
    {
        bench_die("a body was refused");
    }

    return nrows;
}


/* Bodies of batches are lines; others have their length before them. */

static void
decode_lines(const char *path)
{
    char    **lines;
    size_t    i;

    lines = bench_lines(path, &decode.nbodies);
    decode.bodies = bench_alloc(decode.nbodies * sizeof(decode_body_t));

    for (i = 0; i < decode.nbodies; i++) {
        decode.bodies[i].data = (u_char *) lines[i];
        decode.bodies[i].len = strlen(lines[i]);
    }
}


static void
decode_frames(const char *path)
{
    FILE           *f;
    uint32_t        len;
    decode_body_t  *body;

    f = fopen(path, "r");
    if (f == NULL) {
        bench_die("cannot open \"%s\": %s", path, strerror(errno));
    }

    while (fread(&len, sizeof(len), 1, f) == 1) {
        decode.bodies = realloc(decode.bodies, (decode.nbodies + 1)
                                               * sizeof(decode_body_t));
        if (decode.bodies == NULL) {
            bench_die("no memory for the bodies of \"%s\"", path);
        }

        body = &decode.bodies[decode.nbodies++];
        body->len = ntohl(len);
        body->data = bench_alloc(body->len);

        if (fread(body->data, body->len, 1, f) != 1) {
            bench_die("\"%s\" is cut off", path);
        }
    }

    fclose(f);

    if (decode.nbodies == 0) {
        bench_die("\"%s\" is empty", path);
    }
}


static void
decode_run(void)
{
    double    seconds;
    size_t    i;
    uint64_t  end, cpu, bytes, rows, count;

    bytes = 0;
    rows = 0;
    count = 0;

    end = bench_now() + (uint64_t) (decode.duration * 1e9);
    cpu = bench_cpu();

    do {
        for (i = 0; i < decode.nbodies; i++) {
            rows += decode.records ? decode_records(&decode.bodies[i])
                                   : decode_batch(&decode.bodies[i]);
            bytes += decode.bodies[i].len;
            count++;
        }
    } while (bench_now() < end);

    /* Of CPU time: others may use the core too. */

    seconds = (bench_cpu() - cpu) / 1e9;

    printf("{\"bodies\":%llu,\"bytes_per_body\":%.0f,\"cpu_s\":%.3f"
           ",\"mb_per_s\":%.1f,\"rows_per_s\":%.1f}\n",
           (unsigned long long) count, (double) bytes / count, seconds,
           bytes / 1e6 / seconds, rows / seconds);
}


/* The index of a word in a list that ends in NULL. */

static int
decode_word(const char *option, const char *word, const char **words)
{
    int  i;

    for (i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }

    bench_die("invalid value \"%s\" of --%s", word, option);
}


int
main(int argc, char **argv)
{
    int  c;

    static const struct option  options[] = {
        { "duration", required_argument, NULL, 'd' },
        { "otlp",     required_argument, NULL, 'o' },
        { "signal",   required_argument, NULL, 's' },
        { "prices",   required_argument, NULL, 'p' },
        { "records",  no_argument,       NULL, 'r' },
        { NULL, 0, NULL, 0 }
    };

    /* in the order of the enumerations */
    static const char  *encodings[] = { "protobuf", "json", NULL };
    static const char  *signals[] = { "traces", "metrics", "logs", NULL };

    decode.duration = 3;
    decode.encoding = -1;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {

        switch (c) {

        case 'd':
            decode.duration = bench_number("duration", optarg, 0.01);
            break;

        case 'o':
            decode.encoding = decode_word("otlp", optarg, encodings);
            break;

        case 's':
            decode.signal = decode_word("signal", optarg, signals);
            break;

        case 'p':
            decode.prices_file = optarg;
            break;

        case 'r':
            decode.records = 1;
            break;

        default:
            return 1;
        }
    }

    if (optind + 1 != argc) {
        bench_die("usage: decode [options] FILE");
    }

    decode_init();

    if (decode.encoding == -1) {
        decode_lines(argv[optind]);

    } else {
        decode_frames(argv[optind]);
    }

    decode_run();

    return 0;
}
