/*
 * What Postgres can do without nginx: the bounds that the module is measured
 * against, by synchronous libpq, one process per connection.
 *
 *     copy rows         binary COPY into agentvista.spans: spans per second
 *     copy replay       binary COPY of the rows of a sample: rows per second
 *     copy fill         traces and their spans, to read from: --total
 *     copy commit       one small row, one durable commit: latency
 *     copy prepared     a statement with parameters from a file: latency
 *
 * Of rows and fill, columns are taken from the catalog, so that rows follow
 * the schema: a column is filled by its name, in the format of its type, or
 * left null or to its default.
 *
 * Prints one line of JSON.
 */

#include "copy.h"

#include <arpa/inet.h>
#include <endian.h>
#include <getopt.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>


#define COPY_PARAMS       16


copy_t  copy;


/* Connections. */

PGconn *
copy_connect(void)
{
    PGconn  *conn;

    conn = PQconnectdb(copy.conninfo);

    if (PQstatus(conn) != CONNECTION_OK) {
        bench_die("cannot connect: %s", PQerrorMessage(conn));
    }

    return conn;
}


void
copy_check(PGconn *conn, PGresult *res, ExecStatusType expected)
{
    if (PQresultStatus(res) != expected) {
        bench_die("Postgres: %s", PQerrorMessage(conn));
    }

    PQclear(res);
}


void
copy_command(PGconn *conn, const char *sql)
{
    copy_check(conn, PQexec(conn, sql), PGRES_COMMAND_OK);
}


void
copy_begin(PGconn *conn, const char *table, const char *columns)
{
    char  sql[8192];

    snprintf(sql, sizeof(sql), "copy agentvista.%s %s from stdin binary",
             table, columns);

    copy_check(conn, PQexec(conn, sql), PGRES_COPY_IN);
}


void
copy_data(PGconn *conn, const void *data, size_t len)
{
    if (PQputCopyData(conn, data, len) != 1) {
        bench_die("Postgres: %s", PQerrorMessage(conn));
    }
}


void
copy_end(PGconn *conn)
{
    u_char     end[2];
    PGresult  *res;

    (void) copy_put16(end, -1);

    copy_data(conn, end, sizeof(end));

    if (PQputCopyEnd(conn, NULL) != 1) {
        bench_die("Postgres: %s", PQerrorMessage(conn));
    }

    copy_check(conn, PQgetResult(conn), PGRES_COMMAND_OK);

    res = PQgetResult(conn);
    if (res != NULL) {
        bench_die("Postgres: %s", PQerrorMessage(conn));
    }
}


/* The protocol's numbers. */

u_char *
copy_put16(u_char *p, uint16_t n)
{
    n = htons(n);
    memcpy(p, &n, 2);

    return p + 2;
}


u_char *
copy_put32(u_char *p, uint32_t n)
{
    n = htonl(n);
    memcpy(p, &n, 4);

    return p + 4;
}


u_char *
copy_put64(u_char *p, uint64_t n)
{
    n = htobe64(n);
    memcpy(p, &n, 8);

    return p + 8;
}


u_char *
copy_header(u_char *p)
{
    static const char  signature[] = "PGCOPY\n\377\r\n";

    memcpy(p, signature, 11);
    p = copy_put32(p + 11, 0);

    return copy_put32(p, 0);
}


static void
copy_commit(copy_result_t *result, unsigned conns)
{
    int          lengths[2], formats[2];
    PGconn      *conn;
    uint64_t     n, key, start;
    const char  *values[2];

    (void) conns;

    conn = copy_connect();

    copy_command(conn, "create table if not exists bench_commit"
                       " (id bigint not null, value text not null)");
    copy_check(conn, PQprepare(conn, "commit",
                               "insert into bench_commit values ($1, $2)",
                               0, NULL),
               PGRES_COMMAND_OK);

    values[0] = (char *) &key;
    values[1] = "completed";
    lengths[0] = sizeof(key);
    lengths[1] = strlen(values[1]);
    formats[0] = 1;
    formats[1] = 1;

    for (n = 0; (start = bench_now()) < copy.end; n++) {
        key = htobe64(n);

        copy_check(conn, PQexecPrepared(conn, "commit", 2, values, lengths,
                                        formats, 0),
                   PGRES_COMMAND_OK);

        bench_hist_add(&result->latency, bench_now() - start);
        result->commits++;
    }

    PQfinish(conn);
}


static unsigned
copy_split(char *line, const char **values)
{
    unsigned  n;

    for (n = 0; n < COPY_PARAMS && line != NULL; n++) {
        values[n] = strsep(&line, "\t");
    }

    return n;
}


static void
copy_prepared(copy_result_t *result, unsigned conns)
{
    char           **lines, *line;
    PGconn          *conn;
    size_t           nlines;
    unsigned         n;
    uint64_t         start;
    const char      *values[COPY_PARAMS];
    bench_random_t   random;

    (void) conns;

    bench_random_seed(&random);

    line = NULL;
    lines = NULL;
    nlines = 0;
    n = 0;

    if (copy.params != NULL) {
        lines = bench_lines(copy.params, &nlines);
    }

    conn = copy_connect();
    copy_check(conn, PQprepare(conn, "prepared", copy.sql, 0, NULL),
               PGRES_COMMAND_OK);

    while ((start = bench_now()) < copy.end) {

        if (nlines > 0) {
            line = strdup(lines[bench_random(&random) % nlines]);
            n = copy_split(line, values);
        }

        /* binary results, as the module asks for them */

        copy_check(conn, PQexecPrepared(conn, "prepared", n, values, NULL,
                                        NULL, 1),
                   PGRES_TUPLES_OK);

        if (start >= copy.end - (uint64_t) (copy.duration * 1e9)) {
            bench_hist_add(&result->latency, bench_now() - start);
            result->commits++;
        }

        free(line);
        line = NULL;
    }

    PQfinish(conn);
}


static void
copy_run(void (*mode)(copy_result_t *result, unsigned conns),
    copy_result_t *total)
{
    int             status;
    pid_t           pid;
    unsigned        i;
    copy_result_t  *results;

    results = bench_alloc_shared(copy.conns * sizeof(copy_result_t));

    copy.start = bench_now();
    copy.end = copy.start
               + (uint64_t) ((copy.warmup + copy.duration) * 1e9);

    for (i = 0; i < copy.conns; i++) {
        pid = fork();

        if (pid == -1) {
            bench_die("fork() failed: %s", strerror(errno));
        }

        if (pid == 0) {
            mode(&results[i], copy.conns);
            _exit(0);
        }
    }

    for (i = 0; i < copy.conns; i++) {
        if (wait(&status) == -1 || status != 0) {
            bench_die("a client failed");
        }
    }

    for (i = 0; i < copy.conns; i++) {
        total->rows += results[i].rows;
        total->commits += results[i].commits;
        bench_hist_merge(&total->latency, &results[i].latency);
    }
}


static void
copy_usage(void)
{
    bench_die("usage: copy rows|replay|fill|commit|prepared [options]\n"
              "  --conninfo S      of libpq\n"
              "  --account UUID    of the rows; zeros\n"
              "  --connections N   2\n"
              "  --duration S      of rows, replay, commit, prepared; 5\n"
              "  --warmup S        of prepared: not counted; 0\n"
              "  --rows N          of a transaction; 1000\n"
              "  --spans N         of a trace, at most 256; 10\n"
              "  --traces          of rows: the rows of traces too\n"
              "  --days N          of fill: spread over that many; 1\n"
              "  --total N         of fill: spans\n"
              "  --sample TABLE=FILE   of replay: whole rows as COPY BINARY"
              " writes them;\n"
              "                    again for a second table, which is the one"
              " that counts\n"
              "  --sql S           of prepared\n"
              "  --params FILE     of prepared: a line is picked at random,"
              " tabs between values");
}


static void
copy_account(const char *s)
{
    int       i, digit;
    char      c[2];
    u_char   *p;

    p = (u_char *) &copy.account;
    c[1] = '\0';

    for (i = 0; i < 32; s++) {
        if (*s == '-') {
            continue;
        }

        c[0] = *s;

        if (*s == '\0' || strspn(c, "0123456789abcdef") == 0) {
            bench_die("invalid --account");
        }

        digit = (*s <= '9') ? *s - '0' : *s - 'a' + 10;
        p[i / 2] = p[i / 2] << 4 | digit;
        i++;
    }
}


static void
copy_add_sample(char *s)
{
    char  *file;

    file = strchr(s, '=');

    if (file == NULL || copy.ntables == COPY_TABLES) {
        bench_die("invalid --sample");
    }

    *file++ = '\0';

    copy.table[copy.ntables] = s;
    copy.sample[copy.ntables++] = file;
}


static void
copy_options(int argc, char **argv)
{
    int          c, i;
    const char  *name;

    static const struct option  options[] = {
        { "conninfo",    required_argument, NULL, 'C' },
        { "account",     required_argument, NULL, 'a' },
        { "connections", required_argument, NULL, 'c' },
        { "warmup",      required_argument, NULL, 'w' },
        { "duration",    required_argument, NULL, 'd' },
        { "rows",        required_argument, NULL, 'r' },
        { "spans",       required_argument, NULL, 's' },
        { "traces",      no_argument,       NULL, 'R' },
        { "days",        required_argument, NULL, 'D' },
        { "total",       required_argument, NULL, 't' },
        { "sample",      required_argument, NULL, 'f' },
        { "sql",         required_argument, NULL, 'q' },
        { "params",      required_argument, NULL, 'p' },
        { NULL, 0, NULL, 0 }
    };

    copy.conninfo = "";
    copy.conns = 2;
    copy.duration = 5;
    copy.rows = 1000;
    copy.spans = 10;
    copy.days = 1;

    while ((c = getopt_long(argc, argv, "", options, &i)) != -1) {

        name = (c == '?') ? NULL : options[i].name;

        switch (c) {

        case 'C':
            copy.conninfo = optarg;
            break;

        case 'a':
            copy_account(optarg);
            break;

        case 'c':
            copy.conns = bench_number(name, optarg, 1);
            break;

        case 'w':
            copy.warmup = bench_number(name, optarg, 0);
            break;

        case 'd':
            copy.duration = bench_number(name, optarg, 0.01);
            break;

        case 'r':
            copy.rows = bench_number(name, optarg, 1);
            break;

        case 's':
            copy.spans = bench_number(name, optarg, 1);
            break;

        case 'R':
            copy.traces = 1;
            break;

        case 'D':
            copy.days = bench_number(name, optarg, 1);
            break;

        case 't':
            copy.total = bench_number(name, optarg, 1);
            break;

        case 'f':
            copy_add_sample(optarg);
            break;

        case 'q':
            copy.sql = optarg;
            break;

        case 'p':
            copy.params = optarg;
            break;

        default:
            copy_usage();
        }
    }

    if (copy.spans > 256 || optind + 1 != argc) {
        copy_usage();
    }
}


static void
copy_report(copy_result_t *total)
{
    double         cpu;
    struct rusage  ru;

    getrusage(RUSAGE_CHILDREN, &ru);

    cpu = ru.ru_utime.tv_sec + ru.ru_stime.tv_sec
          + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;

    printf("{\"connections\":%u,\"wall_s\":%.3f,\"cpu_s\":%.3f"
           ",\"commits\":%llu",
           copy.conns, (bench_now() - copy.start) / 1e9, cpu,
           (unsigned long long) total->commits);

    if (total->rows > 0) {
        printf(",\"rows_per_commit\":%u,\"rows\":%llu", copy.rows,
               (unsigned long long) total->rows);
    }
}


int
main(int argc, char **argv)
{
    const char     *mode;
    copy_result_t  *total;

    copy_options(argc, argv);

    mode = argv[optind];
    total = bench_alloc(sizeof(copy_result_t));

    if (strcmp(mode, "rows") == 0) {
        copy_rows_prepare();
        copy_run(copy_rows, total);
        copy_report(total);
        printf(",\"spans_per_s\":%.1f}\n", total->rows / copy.duration);

    } else if (strcmp(mode, "fill") == 0) {
        copy_rows_prepare();
        copy_run(copy_fill, total);
        copy_report(total);
        printf(",\"spans_per_s\":%.1f}\n",
               total->rows / ((bench_now() - copy.start) / 1e9));

    } else if (strcmp(mode, "replay") == 0 && copy.ntables > 0) {
        copy_replay_prepare();
        copy_run(copy_replay, total);
        copy_report(total);
        printf(",\"rows_per_s\":%.1f}\n", total->rows / copy.duration);

    } else if (strcmp(mode, "commit") == 0) {
        copy_run(copy_commit, total);
        copy_report(total);
        bench_hist_print(&total->latency);
        printf("}\n");

    } else if (strcmp(mode, "prepared") == 0 && copy.sql != NULL) {
        copy_run(copy_prepared, total);
        copy_report(total);
        printf(",\"requests_per_s\":%.1f", total->commits / copy.duration);
        bench_hist_print(&total->latency);
        printf("}\n");

    } else {
        copy_usage();
    }

    return 0;
}
