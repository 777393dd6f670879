#include "copy.h"

#include <arpa/inet.h>
#include <endian.h>


/*
 * Rows as the module has written them, over and over again, with new ids and
 * times where they have to differ.
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


static struct {
    unsigned char   *data;              /* rows, without the file's head */
    size_t           len;
    unsigned         nrows;
    copy_place_t    *places;
    size_t           nplaces;
} copy_sample;


static void
copy_read_sample(void)
{
    FILE    *f;
    size_t   size, n;

    f = fopen(copy.sample, "r");
    if (f == NULL) {
        bench_die("cannot open \"%s\": %s", copy.sample, strerror(errno));
    }

    size = 64 * 1024 * 1024;
    copy_sample.data = bench_alloc(size);
    n = fread(copy_sample.data, 1, size, f);

    fclose(f);

    /* a head, at least, and the two bytes of the end */

    if (n == size || n < COPY_HEAD + 2
        || memcmp(copy_sample.data, "PGCOPY\n\377\r\n", 11) != 0)
    {
        bench_die("\"%s\" is no sample", copy.sample);
    }

    copy_sample.data += COPY_HEAD;
    copy_sample.len = n - COPY_HEAD - 2;
}


/* What is to change in each column: a rule, or NULL. */

static unsigned
copy_find_rules(const copy_rule_t **rules, unsigned max)
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

    values[0] = copy.table;

    conn = copy_connect();
    res = PQexecParams(conn, sql, 1, NULL, values, NULL, NULL, 0);

    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        bench_die("Postgres: %s", PQerrorMessage(conn));
    }

    n = PQntuples(res);

    for (i = 0; i < n && i < max; i++) {
        rules[i] = NULL;

        for (rule = copy_rules; rule->table != NULL; rule++) {
            if (strcmp(rule->table, copy.table) == 0
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
copy_add_place(size_t at, size_t len, const copy_rule_t *rule)
{
    copy_place_t  *place;

    if (len != (rule->kind == COPY_TIME ? 8 : 16)) {
        bench_die("%s.%s has %zu bytes", copy.table, rule->column, len);
    }

    place = &copy_sample.places[copy_sample.nplaces++];

    place->offset = at;
    place->kind = rule->kind;
    memcpy(&place->value, copy_sample.data + at, len);

    return len;
}


void
copy_replay_prepare(void)
{
    size_t              at, end;
    uint16_t            n;
    uint32_t            len;
    unsigned            i, ncolumns;
    const copy_rule_t  *rules[64];

    copy_read_sample();
    ncolumns = copy_find_rules(rules, 64);

    /* no row is shorter than the lengths of its columns */

    copy_sample.places = bench_alloc((copy_sample.len / (4 * ncolumns) + 1)
                                     * COPY_PLACES * sizeof(copy_place_t));
    at = 0;
    end = copy_sample.len;

    while (at + 2 <= end) {
        memcpy(&n, copy_sample.data + at, 2);
        at += 2;

        if (ntohs(n) != ncolumns) {
            bench_die("\"%s\" has rows of %u columns, agentvista.%s has %u",
                      copy.sample, ntohs(n), copy.table, ncolumns);
        }

        for (i = 0; i < ncolumns && at + 4 <= end; i++) {
            memcpy(&len, copy_sample.data + at, 4);
            at += 4;
            len = ntohl(len);

            if (len == 0xffffffff) {
                continue;
            }

            if (len > end - at) {
                bench_die("\"%s\" is cut off", copy.sample);
            }

            if (rules[i] != NULL) {
                (void) copy_add_place(at, len, rules[i]);
            }

            at += len;
        }

        copy_sample.nrows++;
    }

    if (copy_sample.nrows == 0) {
        bench_die("\"%s\" is empty", copy.sample);
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
copy_new_pass(unsigned char *rows, uint64_t pass, const copy_uuid_t *own,
    bench_random_t *random)
{
    size_t         i;
    copy_uuid_t    mix;
    copy_place_t  *place;

    mix.id[0] = bench_random(random);
    mix.id[1] = bench_random(random);

    for (i = 0; i < copy_sample.nplaces; i++) {
        place = &copy_sample.places[i];

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


void
copy_replay(copy_result_t *result, unsigned conns)
{
    PGconn          *conn;
    uint64_t         pass;
    unsigned         rows;
    copy_uuid_t      own;
    unsigned char   *data, head[COPY_HEAD];
    bench_random_t   random;

    (void) conns;

    bench_random_seed(&random);

    own.id[0] = bench_random(&random);
    own.id[1] = bench_random(&random);
    pass = 0;

    conn = copy_connect();
    data = bench_alloc(copy_sample.len);
    memcpy(data, copy_sample.data, copy_sample.len);

    while (bench_now() < copy.end) {

        copy_begin(conn, copy.table, "");
        copy_data(conn, head, copy_header(head) - head);

        for (rows = 0; rows < copy.rows; rows += copy_sample.nrows) {
            copy_new_pass(data, pass++, &own, &random);
            copy_data(conn, data, copy_sample.len);
        }

        copy_end(conn);

        if (bench_now() < copy.end) {
            result->rows += rows;
            result->commits++;
        }
    }

    PQfinish(conn);
}
