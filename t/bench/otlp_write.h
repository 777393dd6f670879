/*
 * Writes OTLP messages into a template, in JSON or protobuf.  A field is given
 * by its name and its number; one without a name is an element of a list,
 * whose name otlp_list() has given.
 */

#ifndef _BENCH_OTLP_WRITE_H_INCLUDED_
#define _BENCH_OTLP_WRITE_H_INCLUDED_


#include "bodies.h"


#define OTLP_DEPTH  16

typedef struct {
    template_t  *t;
    unsigned     json;
    unsigned     depth;
    size_t       start[OTLP_DEPTH];     /* protobuf: of the messages' bytes */
} otlp_writer_t;


/* The whole request is a message too: number 0. */
void otlp_begin(otlp_writer_t *w, const char *name, unsigned number);
void otlp_end(otlp_writer_t *w);
void otlp_list(otlp_writer_t *w, const char *name);
void otlp_end_list(otlp_writer_t *w);

void otlp_text(otlp_writer_t *w, const char *name, unsigned number,
    const char *text);
/* An enum, a bool in JSON's numbers, or a 32-bit integer. */
void otlp_number(otlp_writer_t *w, const char *name, unsigned number,
    uint64_t n);
/* A 64-bit integer: text in JSON. */
void otlp_integer(otlp_writer_t *w, const char *name, unsigned number,
    uint64_t n);
void otlp_bool(otlp_writer_t *w, const char *name, unsigned number);
void otlp_fixed64(otlp_writer_t *w, const char *name, unsigned number,
    uint64_t n);
void otlp_double(otlp_writer_t *w, const char *name, unsigned number,
    double n);
/* Repeated and packed. */
void otlp_fixed64s(otlp_writer_t *w, const char *name, unsigned number,
    const uint64_t *n, unsigned count);
void otlp_doubles(otlp_writer_t *w, const char *name, unsigned number,
    const double *n, unsigned count);

/* Places to be filled: ids of 16 or 8 bytes, times. */
void otlp_id(otlp_writer_t *w, const char *name, unsigned number, size_t len,
    size_t id);
void otlp_time(otlp_writer_t *w, const char *name, unsigned number,
    int64_t ns);
/* Text that ends in what is to be filled, of so many characters. */
void otlp_marked_text(otlp_writer_t *w, const char *name, unsigned number,
    const char *text, size_t len, template_form_e form, int64_t n);


/* An attribute of the list we are in, field so-and-so. */
void otlp_attribute(otlp_writer_t *w, unsigned number, const char *key,
    const char *text);
void otlp_attribute_integer(otlp_writer_t *w, unsigned number,
    const char *key, uint64_t n);
void otlp_attribute_double(otlp_writer_t *w, unsigned number, const char *key,
    double n);
/* An array of one text. */
void otlp_attribute_array(otlp_writer_t *w, unsigned number, const char *key,
    const char *text);
void otlp_attribute_marked(otlp_writer_t *w, unsigned number, const char *key,
    const char *text, size_t len, template_form_e form, int64_t n);


#endif /* _BENCH_OTLP_WRITE_H_INCLUDED_ */
