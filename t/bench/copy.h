/* What the modes of copy share. */

#ifndef _BENCH_COPY_H_INCLUDED_
#define _BENCH_COPY_H_INCLUDED_


#include "bench.h"

#include <libpq-fe.h>


typedef struct {
    uint64_t          id[2];
} copy_uuid_t;

#define COPY_TABLES  2

typedef struct {
    const char       *conninfo;
    const char       *sql;
    const char       *params;
    const char       *table[COPY_TABLES];       /* of replay */
    const char       *sample[COPY_TABLES];
    unsigned          ntables;
    copy_uuid_t       account;
    unsigned          conns;
    unsigned          rows;             /* of a transaction */
    unsigned          spans;            /* of a trace */
    unsigned          traces;           /* their rows are copied too */
    unsigned          days;
    double            duration;
    double            warmup;           /* of prepared: not counted */
    double            total;

    uint64_t          start;
    uint64_t          end;
} copy_t;

typedef struct {
    uint64_t          rows;
    uint64_t          commits;
    bench_hist_t      latency;
} copy_result_t;


extern copy_t  copy;


PGconn *copy_connect(void);
void copy_check(PGconn *conn, PGresult *res, ExecStatusType expected);
void copy_command(PGconn *conn, const char *sql);

/* Begin and end COPY agentvista.table FROM STDIN, in binary; columns may be "",
   or "(...)". */
void copy_begin(PGconn *conn, const char *table, const char *columns);
void copy_data(PGconn *conn, const void *data, size_t len);
void copy_end(PGconn *conn);

/* Of the protocol, big-endian; return the end. */
unsigned char *copy_put16(unsigned char *p, uint16_t n);
unsigned char *copy_put32(unsigned char *p, uint32_t n);
unsigned char *copy_put64(unsigned char *p, uint64_t n);

/* The bytes that a COPY begins with. */
unsigned char *copy_header(unsigned char *p);


/*
 * Modes.  A prepare function runs once; the others in a process of its own for
 * each connection.
 */

void copy_rows_prepare(void);
void copy_rows(copy_result_t *result, unsigned conns);
void copy_fill(copy_result_t *result, unsigned conns);

void copy_replay_prepare(void);
void copy_replay(copy_result_t *result, unsigned conns);


#endif /* _BENCH_COPY_H_INCLUDED_ */
