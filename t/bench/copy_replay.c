#include "copy.h"

#include <arpa/inet.h>
#include <endian.h>


/*
 * Rows as the module has written them, over and over again, with new ids and
 * times where they have to differ: of one table, or of several whose rows
 * belong together, all in one transaction.
 */

#define COPY_HEAD            19         /* of a file without extensions */
/* How far the times of points move from one pass to the next, us. */
#define COPY_STEP            2000
#define COPY_PLACES          4          /* of a row */


typedef enum {
    /* ids keep what they have in common: parents stay parents */
    COPY_ID,
    COPY_LOG_ID,                        /* 48 bits of ms, then any */
    COPY_SERIES,                        /* the same for the connection */
    COPY_TIME
} copy_place_e;

typedef struct {
    size_t           offset;
    copy_place_e     kind;
    copy_uuid_t      value;             /* in the sample */
} copy_place_t;

typedef struct {
    const char      *table;
    const char      *column;
    copy_place_e     kind;
} copy_rule_t;


static const copy_rule_t  copy_rules[] = {
    { "traces", "trace_id", COPY_ID },
    { "spans", "trace_id", COPY_ID },
    { "spans", "span_id", COPY_ID },
    { "spans", "parent_span_id", COPY_ID },
    { "logs", "id", COPY_LOG_ID },
    { "logs", "trace_id", COPY_ID },
    { "logs", "span_id", COPY_ID },
    { "metric_points", "series_id", COPY_SERIES },
    { "metric_points", "recorded_at", COPY_TIME },
    { NULL, NULL, 0 }
};


typedef struct {
    const char      *table;
    const char      *file;
    unsigned char   *data;              /* rows, without the file's head */
    size_t           len;
    unsigned         nrows;
    copy_place_t    *places;
    size_t           nplaces;
} copy_sample_t;


static copy_sample_t  copy_samples[COPY_TABLES];


static void
copy_read_sample(copy_sample_t *sample)
{
    FILE    *f;
    size_t   size, n;

    f = fopen(sample->file, "r");
    if (f == NULL) {
        bench_die("cannot open \"%s\": %s", sample->file, strerror(errno));
    }

    size = 64 * 1024 * 1024;
    sample->data = bench_alloc(size);
    n = fread(sample->data, 1, size, f);

    fclose(f);

    /* a head, at least, and the two bytes of the end */

    if (n == size || n < COPY_HEAD + 2
        || memcmp(sample->data, "PGCOPY\n\377\r\n", 11) != 0)
    {
        bench_die("\"%s\" is no sample", sample->file);
    }

    sample->data += COPY_HEAD;
    sample->len = n - COPY_HEAD - 2;
}


/* What is to change in each column: a rule, or NULL. */

static unsigned
copy_find_rules(const char *table, const copy_rule_t **rules, unsigned max)
{
    unsigned            i, n;
    PGconn             *conn;
    PGresult           *res;
    const char         *values[1];
    const copy_rule_t  *rule;

    static const char  *sql =
        "select attname from pg_attribute"
        " where attrelid = ('agentvista.' || $1)::regclass"
        " and attnum > 0 and not attisdropped order by attnum";

    values[0] = table;

    conn = copy_connect();
    res = PQexecParams(conn, sql, 1, NULL, values, NULL, NULL, 0);

    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        bench_die("Postgres: %s", PQerrorMessage(conn));
    }

    n = PQntuples(res);

    for (i = 0; i < n && i < max; i++) {
        rules[i] = NULL;

        for (rule = copy_rules; rule->table != NULL; rule++) {
            if (strcmp(rule->table, table) == 0
                && strcmp(rule->column, PQgetvalue(res, i, 0)) == 0)
            {
                rules[i] = rule;
            }
        }
    }

    PQclear(res);
    PQfinish(conn);

    return n;
}


static size_t
copy_add_place(copy_sample_t *sample, size_t at, size_t len,
    const copy_rule_t *rule)
{
    copy_place_t  *place;

    if (len != (rule->kind == COPY_TIME ? 8 : 16)) {
        bench_die("%s.%s has %zu bytes", sample->table, rule->column, len);
    }

    place = &sample->places[sample->nplaces++];

    place->offset = at;
    place->kind = rule->kind;
    memcpy(&place->value, sample->data + at, len);

    return len;
}


static void
copy_prepare_sample(copy_sample_t *sample)
{
    size_t              at, end;
    uint16_t            n;
    uint32_t            len;
    unsigned            i, ncolumns;
    const copy_rule_t  *rules[64];

    copy_read_sample(sample);
    ncolumns = copy_find_rules(sample->table, rules, 64);

    /* no row is shorter than the lengths of its columns */

    sample->places = bench_alloc((sample->len / (4 * ncolumns) + 1)
                                     * COPY_PLACES * sizeof(copy_place_t));
    at = 0;
    end = sample->len;

    while (at + 2 <= end) {
        memcpy(&n, sample->data + at, 2);
        at += 2;

        if (ntohs(n) != ncolumns) {
            bench_die("\"%s\" has rows of %u columns, agentvista.%s has %u",
                      sample->file, ntohs(n), sample->table, ncolumns);
        }

        for (i = 0; i < ncolumns && at + 4 <= end; i++) {
            memcpy(&len, sample->data + at, 4);
            at += 4;
            len = ntohl(len);

            if (len == 0xffffffff) {
                continue;
            }

            if (len > end - at) {
                bench_die("\"%s\" is cut off", sample->file);
            }

            if (rules[i] != NULL) {
                (void) copy_add_place(sample, at, len, rules[i]);
            }

            at += len;
        }

        sample->nrows++;
    }

    if (sample->nrows == 0) {
        bench_die("\"%s\" is empty", sample->file);
    }
}


void
copy_replay_prepare(void)
{
    unsigned  i;

    for (i = 0; i < copy.ntables; i++) {
        copy_samples[i].table = copy.table[i];
        copy_samples[i].file = copy.sample[i];

        copy_prepare_sample(&copy_samples[i]);
    }
}


/* 16-digit ids of OTLP have eight zeros before them, and keep them. */

static void
copy_put_id(unsigned char *p, const copy_uuid_t *value, const copy_uuid_t *mix)
{
    copy_uuid_t  id;

    id.id[0] = value->id[0] ? value->id[0] ^ mix->id[0] : 0;
    id.id[1] = value->id[1] ^ mix->id[1];

    memcpy(p, &id, 16);
}


static void
copy_put_log_id(unsigned char *p, const copy_uuid_t *value,
    const copy_uuid_t *mix)
{
    uint64_t  ms, low;

    ms = bench_wall() / 1000000;
    low = be64toh(value->id[1]) ^ (be64toh(mix->id[1]) >> 2);

    p = copy_put64(p, ms << 16 | (be64toh(value->id[0]) & 0xffff));
    (void) copy_put64(p, low);
}


static void
copy_new_pass(copy_sample_t *sample, uint64_t pass, const copy_uuid_t *own,
    bench_random_t *random)
{
    size_t          i;
    copy_uuid_t     mix;
    copy_place_t   *place;
    unsigned char  *rows;

    rows = sample->data;

    mix.id[0] = bench_random(random);
    mix.id[1] = bench_random(random);

    for (i = 0; i < sample->nplaces; i++) {
        place = &sample->places[i];

        switch (place->kind) {

        case COPY_ID:
            copy_put_id(rows + place->offset, &place->value, &mix);
            break;

        case COPY_LOG_ID:
            copy_put_log_id(rows + place->offset, &place->value, &mix);
            break;

        case COPY_SERIES:
            copy_put_id(rows + place->offset, &place->value, own);
            break;

        case COPY_TIME:
            (void) copy_put64(rows + place->offset,
                              be64toh(place->value.id[0])
                              + pass * COPY_STEP);
            break;
        }
    }
}


/* The tables' rows of one pass get the same new ids. */

static unsigned
copy_replay_table(PGconn *conn, copy_sample_t *sample, unsigned passes,
    uint64_t pass, const copy_uuid_t *own, bench_random_t random)
{
    unsigned       n;
    unsigned char  head[COPY_HEAD];

    copy_begin(conn, sample->table, "");
    copy_data(conn, head, copy_header(head) - head);

    for (n = 0; n < passes; n++) {
        copy_new_pass(sample, pass + n, own, &random);
        copy_data(conn, sample->data, sample->len);
    }

    copy_end(conn);

    return passes * sample->nrows;
}


void
copy_replay(copy_result_t *result, unsigned conns)
{
    PGconn          *conn;
    uint64_t         pass;
    unsigned         i, rows, passes;
    copy_uuid_t      own;
    bench_random_t   random;

    (void) conns;

    bench_random_seed(&random);

    own.id[0] = bench_random(&random);
    own.id[1] = bench_random(&random);
    rows = 0;

    /* what is counted is the rows of the last table */

    passes = (copy.rows - 1) / copy_samples[copy.ntables - 1].nrows + 1;

    conn = copy_connect();

    for (pass = 0; bench_now() < copy.end; pass += passes) {

        if (copy.ntables > 1) {
            copy_command(conn, "begin");
        }

        for (i = 0; i < copy.ntables; i++) {
            rows = copy_replay_table(conn, &copy_samples[i], passes, pass,
                                     &own, random);
        }

        if (copy.ntables > 1) {
            copy_command(conn, "commit");
        }

        bench_random_seed(&random);

        if (bench_now() < copy.end) {
            result->rows += rows;
            result->commits++;
        }
    }

    PQfinish(conn);
}
