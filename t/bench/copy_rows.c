#include "copy.h"

#include <endian.h>


#define COPY_COLUMNS      64
#define COPY_ROW          2048          /* bytes of one, at most */
#define COPY_EPOCH        946684800     /* 2000-01-01 */
#define COPY_DAY          86400

#define COPY_NULL         0xffffffff


/* The trace and the span whose rows are being written. */
typedef struct {
    copy_uuid_t       trace;
    copy_uuid_t       span[256];
    unsigned          nspan;            /* of the trace */
    int64_t           start;            /* of the trace, us since 2000 */
    int64_t           ordinal;
    bench_random_t    random;
} copy_state_t;

typedef struct copy_column_s  copy_column_t;

typedef u_char *(*copy_cell_pt)(u_char *p, copy_column_t *column,
    copy_state_t *s);

struct copy_column_s {
    char              name[64];
    char              type[64];
    copy_cell_pt      cell;
};

typedef struct {
    const char       *name;
    unsigned          ncolumns;
    copy_column_t     column[COPY_COLUMNS];
    char              columns[COPY_COLUMNS * 66];
} copy_table_t;


static copy_table_t  copy_span_table;
static copy_table_t  copy_trace_table;


/* Cells: a 32-bit length and the value in Postgres's binary format. */

static u_char *
copy_put_null(u_char *p)
{
    return copy_put32(p, COPY_NULL);
}


static u_char *
copy_put_int(u_char *p, copy_column_t *column, int64_t n)
{
    switch (column->type[3]) {

    case '2':
        return copy_put16(copy_put32(p, 2), n);

    case '4':
        return copy_put32(copy_put32(p, 4), n);

    default:
        return copy_put64(copy_put32(p, 8), n);
    }
}


static u_char *
copy_put_uuid(u_char *p, copy_uuid_t *uuid)
{
    p = copy_put32(p, 16);
    memcpy(p, uuid, 16);

    return p + 16;
}


static u_char *
copy_put_text(u_char *p, const char *text)
{
    size_t  len;

    len = strlen(text);

    p = copy_put32(p, len);
    memcpy(p, text, len);

    return p + len;
}


static u_char *
copy_put_json(u_char *p, copy_column_t *column, const char *text)
{
    size_t  len;

    if (strcmp(column->type, "json") == 0) {
        return copy_put_text(p, text);
    }

    /* jsonb: a version byte and the text */

    len = strlen(text);

    p = copy_put32(p, len + 1);
    *p++ = 1;
    memcpy(p, text, len);

    return p + len;
}


/* One digit to the base 10000 after the point, six decimals: 0.003200. */

static u_char *
copy_put_cost(u_char *p)
{
    p = copy_put32(p, 10);
    p = copy_put16(p, 1);
    p = copy_put16(p, -1);
    p = copy_put16(p, 0);
    p = copy_put16(p, 6);

    return copy_put16(p, 32);
}


static u_char *
copy_cell_null(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;
    (void) s;

    return copy_put_null(p);
}


static u_char *
copy_cell_account(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;
    (void) s;

    return copy_put_uuid(p, &copy.account);
}


static u_char *
copy_cell_trace(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    return copy_put_uuid(p, &s->trace);
}


static u_char *
copy_cell_span(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    return copy_put_uuid(p, &s->span[s->nspan]);
}


static u_char *
copy_cell_parent(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    if (s->nspan == 0) {
        return copy_put_null(p);
    }

    return copy_put_uuid(p, &s->span[bench_parent(s->nspan)]);
}


/* See copy_agents(). */

static u_char *
copy_cell_agent(u_char *p, copy_column_t *column, copy_state_t *s)
{
    copy_uuid_t  agent;

    (void) column;

    agent.id[0] = 0;
    agent.id[1] = htobe64(s->trace.id[0] % BENCH_AGENTS);

    return copy_put_uuid(p, &agent);
}


static u_char *
copy_cell_day(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    p = copy_put32(p, 4);

    return copy_put32(p, s->start / 1000000 / COPY_DAY);
}


static u_char *
copy_cell_ordinal(u_char *p, copy_column_t *column, copy_state_t *s)
{
    return copy_put_int(p, column, s->ordinal);
}


static u_char *
copy_cell_type(u_char *p, copy_column_t *column, copy_state_t *s)
{
    return copy_put_int(p, column, bench_is_llm(s->nspan) ? 2 : 3);
}


static u_char *
copy_cell_status(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) s;

    return copy_put_int(p, column, 1);
}


static u_char *
copy_cell_name(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    return copy_put_text(p, bench_span_name(s->nspan));
}


static u_char *
copy_cell_started(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    p = copy_put32(p, 8);

    return copy_put64(p, s->start + s->nspan * BENCH_SPAN_STEP_MS * 1000);
}


static u_char *
copy_cell_ended(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    p = copy_put32(p, 8);

    return copy_put64(p, s->start + s->nspan * BENCH_SPAN_STEP_MS * 1000
                         + BENCH_SPAN_MS * 1000);
}


static u_char *
copy_cell_duration(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) s;

    return copy_put_int(p, column, BENCH_SPAN_MS * 1000000);
}


static u_char *
copy_cell_model(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    if (!bench_is_llm(s->nspan)) {
        return copy_put_null(p);
    }

    return copy_put_text(p, BENCH_MODEL);
}


static u_char *
copy_cell_tokens(u_char *p, copy_column_t *column, copy_state_t *s)
{
    int64_t  n;

    if (!bench_is_llm(s->nspan)) {
        return copy_put_null(p);
    }

    n = BENCH_INPUT_TOKENS + BENCH_OUTPUT_TOKENS;

    if (column->name[0] == 'i') {
        n = BENCH_INPUT_TOKENS;

    } else if (column->name[0] == 'o') {
        n = BENCH_OUTPUT_TOKENS;
    }

    return copy_put_int(p, column, n);
}


static u_char *
copy_cell_cost(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;

    if (!bench_is_llm(s->nspan)) {
        return copy_put_null(p);
    }

    return copy_put_cost(p);
}


static u_char *
copy_cell_metadata(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) s;

    return copy_put_json(p, column, BENCH_METADATA);
}


/* Of traces. */

static u_char *
copy_cell_trace_metadata(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) s;

    return copy_put_json(p, column, BENCH_TRACE_METADATA);
}


static u_char *
copy_cell_success(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;
    (void) s;

    p = copy_put32(p, 1);
    *p++ = 1;

    return p;
}


static u_char *
copy_cell_outcome(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;
    (void) s;

    return copy_put_text(p, "resolved");
}


static u_char *
copy_cell_trace_tokens(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) s;

    return copy_put_int(p, column, copy.spans / 2
                                   * (BENCH_INPUT_TOKENS
                                      + BENCH_OUTPUT_TOKENS));
}


static u_char *
copy_cell_trace_cost(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) column;
    (void) s;

    return copy_put_cost(p);
}


static u_char *
copy_cell_span_count(u_char *p, copy_column_t *column, copy_state_t *s)
{
    (void) s;

    return copy_put_int(p, column, copy.spans);
}


/* The first row that fits wins; types are those the cell can write. */

static const struct {
    const char    *table;               /* NULL: any */
    const char    *column;
    const char    *types;
    copy_cell_pt   cell;
} copy_cells[] = {
    { NULL, "account_id", "uuid", copy_cell_account },
    { NULL, "home_day", "date", copy_cell_day },
    { NULL, "trace_id", "uuid", copy_cell_trace },
    { NULL, "span_id", "uuid", copy_cell_span },
    { NULL, "parent_span_id", "uuid", copy_cell_parent },
    { NULL, "agent_id", "uuid", copy_cell_agent },
    { NULL, "ordinal", "int2 int4 int8", copy_cell_ordinal },
    { NULL, "type", "int2 int4 int8", copy_cell_type },
    { NULL, "status", "int2 int4 int8", copy_cell_status },
    { "traces", "name", "text", copy_cell_null },
    { NULL, "name", "text", copy_cell_name },
    { NULL, "started_at", "timestamptz", copy_cell_started },
    { NULL, "ended_at", "timestamptz", copy_cell_ended },
    { NULL, "duration_ns", "int8", copy_cell_duration },
    { NULL, "model", "text", copy_cell_model },
    { NULL, "input_tokens", "int4 int8", copy_cell_tokens },
    { NULL, "output_tokens", "int4 int8", copy_cell_tokens },
    { "traces", "total_tokens", "int4 int8", copy_cell_trace_tokens },
    { NULL, "total_tokens", "int4 int8", copy_cell_tokens },
    { NULL, "cost_usd", "numeric", copy_cell_cost },
    { "traces", "metadata", "json jsonb", copy_cell_trace_metadata },
    { NULL, "metadata", "json jsonb", copy_cell_metadata },
    { NULL, "success", "bool", copy_cell_success },
    { NULL, "outcome", "text", copy_cell_outcome },
    { NULL, "total_cost_usd", "numeric", copy_cell_trace_cost },
    { NULL, "span_count", "int4 int8", copy_cell_span_count },
    { NULL, "span_tokens", "int4 int8", copy_cell_trace_tokens },
    { NULL, "span_cost_usd", "numeric", copy_cell_trace_cost },
    { NULL, NULL, NULL, NULL }
};


static copy_cell_pt
copy_find_cell(const char *table, const char *column, const char *type)
{
    int  i;

    for (i = 0; copy_cells[i].column != NULL; i++) {
        if (strcmp(copy_cells[i].column, column) == 0
            && strstr(copy_cells[i].types, type) != NULL
            && (copy_cells[i].table == NULL
                || strcmp(copy_cells[i].table, table) == 0))
        {
            return copy_cells[i].cell;
        }
    }

    return NULL;
}


static void
copy_table(PGconn *conn, copy_table_t *table, const char *name)
{
    int             i;
    PGresult       *res;
    copy_column_t  *column;
    const char     *values[1];

    static const char  *sql =
        "select a.attname, t.typname, a.attnotnull, a.atthasdef"
        " from pg_attribute a join pg_type t on t.oid = a.atttypid"
        " where a.attrelid = ('agentvista.' || $1)::regclass"
        " and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''"
        " order by a.attnum";

    values[0] = name;

    res = PQexecParams(conn, sql, 1, NULL, values, NULL, NULL, 0);

    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        bench_die("Postgres: %s", PQerrorMessage(conn));
    }

    table->name = name;

    for (i = 0; i < PQntuples(res); i++) {

        column = &table->column[table->ncolumns];

        snprintf(column->name, sizeof(column->name), "%s",
                 PQgetvalue(res, i, 0));
        snprintf(column->type, sizeof(column->type), "%s",
                 PQgetvalue(res, i, 1));

        column->cell = copy_find_cell(name, column->name, column->type);

        if (column->cell == NULL) {
            if (PQgetvalue(res, i, 3)[0] == 't') {
                continue;
            }

            if (PQgetvalue(res, i, 2)[0] == 't') {
                bench_die("no values for agentvista.%s.%s of type %s", name,
                          column->name, column->type);
            }

            column->cell = copy_cell_null;
        }

        strcat(table->columns, table->ncolumns ? "," : "(");
        strcat(table->columns, column->name);

        if (++table->ncolumns == COPY_COLUMNS) {
            bench_die("agentvista.%s has too many columns", name);
        }
    }

    strcat(table->columns, ")");

    PQclear(res);
}


/* Rows. */

static void
copy_next_trace(copy_state_t *s)
{
    int64_t  now;

    now = (int64_t) (bench_wall() / 1000) - (int64_t) COPY_EPOCH * 1000000;

    s->trace.id[0] = bench_random(&s->random);
    s->trace.id[1] = bench_random(&s->random);
    s->nspan = 0;
    s->start = now - 1000000;

    if (copy.days > 1) {
        s->start -= bench_random(&s->random) % copy.days * COPY_DAY * 1000000;
    }
}


static u_char *
copy_row(u_char *p, copy_table_t *table, copy_state_t *s)
{
    unsigned        i;
    u_char         *start;
    copy_column_t  *column;

    start = p;

    p = copy_put16(p, table->ncolumns);

    for (i = 0; i < table->ncolumns; i++) {
        column = &table->column[i];
        p = column->cell(p, column, s);
    }

    if (p - start > COPY_ROW) {
        bench_die("a row is too long");
    }

    return p;
}


static u_char *
copy_span_row(u_char *p, copy_state_t *s)
{
    s->span[s->nspan].id[0] = bench_random(&s->random);
    s->span[s->nspan].id[1] = bench_random(&s->random);
    s->ordinal++;

    p = copy_row(p, &copy_span_table, s);

    s->nspan++;

    return p;
}


static void
copy_send(PGconn *conn, copy_table_t *table, u_char *start, u_char *last)
{
    copy_begin(conn, table->name, table->columns);
    copy_data(conn, start, last - start);
    copy_end(conn);
}


/* One transaction: spans, and their traces if those are wanted. */

typedef struct {
    u_char        *spans;
    u_char        *traces;
    copy_state_t   state;
} copy_batch_t;


static void
copy_batch_init(copy_batch_t *batch)
{
    memset(batch, 0, sizeof(*batch));
    bench_random_seed(&batch->state.random);

    batch->spans = bench_alloc(copy.rows * COPY_ROW + 64);
    batch->traces = bench_alloc(copy.rows * COPY_ROW + 64);
}


static void
copy_batch_send(copy_batch_t *batch, PGconn *conn, unsigned traces)
{
    u_char        *p, *q;
    unsigned       i;
    copy_state_t  *s;

    s = &batch->state;
    p = copy_header(batch->spans);
    q = copy_header(batch->traces);

    for (i = 0; i < copy.rows; i++) {
        if (i == 0 || s->nspan == copy.spans) {
            copy_next_trace(s);
            q = copy_row(q, &copy_trace_table, s);
        }

        p = copy_span_row(p, s);
    }

    if (!traces) {
        copy_send(conn, &copy_span_table, batch->spans, p);
        return;
    }

    copy_command(conn, "begin");
    copy_send(conn, &copy_trace_table, batch->traces, q);
    copy_send(conn, &copy_span_table, batch->spans, p);
    copy_command(conn, "commit");
}


void
copy_rows(copy_result_t *result, unsigned conns)
{
    PGconn        *conn;
    copy_batch_t   batch;

    (void) conns;

    copy_batch_init(&batch);
    conn = copy_connect();

    while (bench_now() < copy.end) {

        copy_batch_send(&batch, conn, copy.traces);

        if (bench_now() < copy.end) {
            result->rows += copy.rows;
            result->commits++;
        }
    }

    PQfinish(conn);
}


static void
copy_agents(PGconn *conn)
{
    char  sql[512];

    snprintf(sql, sizeof(sql),
             "insert into agentvista.agents (account_id, id, name)"
             " select '%016llx%016llx', lpad(to_hex(n), 32, '0')::uuid,"
             " 'support-agent-' || lpad(n::text, 2, '0')"
             " from generate_series(0, %u) n on conflict do nothing",
             (unsigned long long) be64toh(copy.account.id[0]),
             (unsigned long long) be64toh(copy.account.id[1]),
             BENCH_AGENTS - 1);

    copy_command(conn, sql);
}


void
copy_fill(copy_result_t *result, unsigned conns)
{
    PGconn        *conn;
    uint64_t       total;
    copy_batch_t   batch;

    copy_batch_init(&batch);
    conn = copy_connect();
    total = copy.total / conns;

    copy_agents(conn);

    while (result->rows < total) {
        copy_batch_send(&batch, conn, 1);

        result->rows += copy.rows;
        result->commits++;
    }

    PQfinish(conn);
}


void
copy_rows_prepare(void)
{
    PGconn  *conn;

    conn = copy_connect();

    copy_table(conn, &copy_span_table, "spans");
    copy_table(conn, &copy_trace_table, "traces");

    PQfinish(conn);
}
