/*
 * Requests that are made once and then only patched: the places of ids and
 * times, and what is written there.
 */

#ifndef _BENCH_TEMPLATE_H_INCLUDED_
#define _BENCH_TEMPLATE_H_INCLUDED_


#include "bench.h"


#define template_literal(t, s)  template_append(t, s, sizeof(s) - 1)


typedef enum {
    /* the id of that number */
    TEMPLATE_UUID,              /* 36 characters, version 4 */
    TEMPLATE_HEX,               /* 32 digits */
    TEMPLATE_SHORT_HEX,         /* 16 digits: its second half */
    TEMPLATE_RAW,               /* 16 bytes */
    TEMPLATE_SHORT_RAW,         /* 8 bytes */

    /* the time of the request and so many nanoseconds */
    TEMPLATE_SECOND,            /* 2026-01-31T12:00:00 */
    TEMPLATE_DIGITS,            /* of nanoseconds since 1970 */
    TEMPLATE_FIXED64,           /* the same, little-endian */

    /* two digits */
    TEMPLATE_AGENT,
    TEMPLATE_INSTANCE
} template_form_e;

typedef struct {
    size_t            offset;
    template_form_e   form;
    int64_t           n;        /* number of the id, or nanoseconds */
} template_patch_t;

typedef struct {
    char             *data;
    size_t            len;
    size_t            size;
    template_patch_t *patches;
    size_t            npatches;
    size_t            max_patches;
    uint64_t        (*ids)[2];  /* of the request last filled */
    size_t            nids;
    size_t            items;    /* spans, log records or points in it */
} template_t;

/* What a request is about. */
typedef struct {
    uint64_t          time;     /* ns since 1970 */
    unsigned          agent;
    unsigned          instance;
} template_values_t;


void template_append(template_t *t, const void *p, size_t len);
void template_print(template_t *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends a place of that form. */
void template_mark(template_t *t, template_form_e form, int64_t n);

/* Number of an id that is new in each request. */
size_t template_new_id(template_t *t);

/* Inserts bytes before what begins at an offset. */
void template_insert(template_t *t, size_t at, const void *p, size_t len);

/* Writes the places of a copy of t->data, with new ids. */
void template_fill(template_t *t, char *request,
    const template_values_t *values, bench_random_t *random);

/* 16 bytes as the 36 characters of an id of version 4. */
void template_uuid(char *p, const unsigned char *bytes);


#endif /* _BENCH_TEMPLATE_H_INCLUDED_ */
