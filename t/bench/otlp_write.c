#include "otlp_write.h"


#define OTLP_VARINT   0
#define OTLP_FIXED64  1
#define OTLP_BYTES    2


static size_t
otlp_encode_varint(unsigned char *p, uint64_t n)
{
    size_t  len;

    for (len = 0; n >= 0x80; n >>= 7) {
        p[len++] = (unsigned char) (n | 0x80);
    }

    p[len++] = (unsigned char) n;

    return len;
}


static void
otlp_varint(otlp_writer_t *w, uint64_t n)
{
    unsigned char  buf[10];

    template_append(w->t, buf, otlp_encode_varint(buf, n));
}


static void
otlp_raw64(otlp_writer_t *w, uint64_t n)
{
    unsigned       i;
    unsigned char  buf[8];

    for (i = 0; i < 8; i++) {
        buf[i] = (unsigned char) (n >> (8 * i));
    }

    template_append(w->t, buf, 8);
}


static uint64_t
otlp_bits(double n)
{
    uint64_t  bits;

    memcpy(&bits, &n, 8);

    return bits;
}


/* A comma if need be, and the name. */

static void
otlp_name(otlp_writer_t *w, const char *name)
{
    char  last;

    last = w->t->len ? w->t->data[w->t->len - 1] : '{';

    if (last != '{' && last != '[' && last != ':') {
        template_literal(w->t, ",");
    }

    if (name != NULL) {
        template_print(w->t, "\"%s\":", name);
    }
}


static void
otlp_field(otlp_writer_t *w, const char *name, unsigned number, unsigned wire)
{
    if (w->json) {
        otlp_name(w, name);

    } else {
        otlp_varint(w, number << 3 | wire);
    }
}


void
otlp_begin(otlp_writer_t *w, const char *name, unsigned number)
{
    if (w->json) {
        otlp_name(w, name);
        template_literal(w->t, "{");
        return;
    }

    if (w->depth == OTLP_DEPTH) {
        bench_die("messages are too deep");
    }

    if (number != 0) {
        otlp_varint(w, number << 3 | OTLP_BYTES);
    }

    w->start[w->depth++] = w->t->len;
}


/* A message's length stands before it, and is known only now. */

void
otlp_end(otlp_writer_t *w)
{
    size_t         start;
    unsigned char  buf[10];

    if (w->json) {
        template_literal(w->t, "}");
        return;
    }

    start = w->start[--w->depth];

    if (w->depth > 0) {
        template_insert(w->t, start, buf,
                        otlp_encode_varint(buf, w->t->len - start));
    }
}


void
otlp_list(otlp_writer_t *w, const char *name)
{
    if (w->json) {
        otlp_name(w, name);
        template_literal(w->t, "[");
    }
}


void
otlp_end_list(otlp_writer_t *w)
{
    if (w->json) {
        template_literal(w->t, "]");
    }
}


static void
otlp_characters(otlp_writer_t *w, const char *text)
{
    for ( /* void */ ; *text; text++) {

        if (w->json && (*text == '"' || *text == '\\')) {
            template_literal(w->t, "\\");
        }

        template_append(w->t, text, 1);
    }
}


void
otlp_text(otlp_writer_t *w, const char *name, unsigned number,
    const char *text)
{
    otlp_field(w, name, number, OTLP_BYTES);

    if (w->json) {
        template_literal(w->t, "\"");
        otlp_characters(w, text);
        template_literal(w->t, "\"");

    } else {
        otlp_varint(w, strlen(text));
        otlp_characters(w, text);
    }
}


void
otlp_marked_text(otlp_writer_t *w, const char *name, unsigned number,
    const char *text, size_t len, template_form_e form, int64_t n)
{
    otlp_field(w, name, number, OTLP_BYTES);

    if (w->json) {
        template_literal(w->t, "\"");

    } else {
        otlp_varint(w, strlen(text) + len);
    }

    otlp_characters(w, text);
    template_mark(w->t, form, n);

    if (w->json) {
        template_literal(w->t, "\"");
    }
}


void
otlp_number(otlp_writer_t *w, const char *name, unsigned number, uint64_t n)
{
    otlp_field(w, name, number, OTLP_VARINT);

    if (w->json) {
        template_print(w->t, "%llu", (unsigned long long) n);

    } else {
        otlp_varint(w, n);
    }
}


void
otlp_integer(otlp_writer_t *w, const char *name, unsigned number, uint64_t n)
{
    otlp_field(w, name, number, OTLP_VARINT);

    if (w->json) {
        template_print(w->t, "\"%llu\"", (unsigned long long) n);

    } else {
        otlp_varint(w, n);
    }
}


void
otlp_bool(otlp_writer_t *w, const char *name, unsigned number)
{
    otlp_field(w, name, number, OTLP_VARINT);

    if (w->json) {
        template_literal(w->t, "true");

    } else {
        otlp_varint(w, 1);
    }
}


void
otlp_fixed64(otlp_writer_t *w, const char *name, unsigned number, uint64_t n)
{
    otlp_field(w, name, number, OTLP_FIXED64);

    if (w->json) {
        template_print(w->t, "\"%llu\"", (unsigned long long) n);

    } else {
        otlp_raw64(w, n);
    }
}


void
otlp_double(otlp_writer_t *w, const char *name, unsigned number, double n)
{
    otlp_field(w, name, number, OTLP_FIXED64);

    if (w->json) {
        template_print(w->t, "%.6g", n);

    } else {
        otlp_raw64(w, otlp_bits(n));
    }
}


void
otlp_fixed64s(otlp_writer_t *w, const char *name, unsigned number,
    const uint64_t *n, unsigned count)
{
    unsigned  i;

    otlp_field(w, name, number, OTLP_BYTES);

    if (!w->json) {
        otlp_varint(w, 8 * count);

        for (i = 0; i < count; i++) {
            otlp_raw64(w, n[i]);
        }

        return;
    }

    for (i = 0; i < count; i++) {
        template_print(w->t, "%s\"%llu\"", i ? "," : "[",
                       (unsigned long long) n[i]);
    }

    template_literal(w->t, "]");
}


void
otlp_doubles(otlp_writer_t *w, const char *name, unsigned number,
    const double *n, unsigned count)
{
    unsigned  i;

    otlp_field(w, name, number, OTLP_BYTES);

    if (!w->json) {
        otlp_varint(w, 8 * count);

        for (i = 0; i < count; i++) {
            otlp_raw64(w, otlp_bits(n[i]));
        }

        return;
    }

    for (i = 0; i < count; i++) {
        template_print(w->t, "%s%.6g", i ? "," : "[", n[i]);
    }

    template_literal(w->t, "]");
}


void
otlp_id(otlp_writer_t *w, const char *name, unsigned number, size_t len,
    size_t id)
{
    otlp_field(w, name, number, OTLP_BYTES);

    if (w->json) {
        template_literal(w->t, "\"");
        template_mark(w->t, len == 16 ? TEMPLATE_HEX : TEMPLATE_SHORT_HEX, id);
        template_literal(w->t, "\"");

    } else {
        otlp_varint(w, len);
        template_mark(w->t, len == 16 ? TEMPLATE_RAW : TEMPLATE_SHORT_RAW, id);
    }
}


void
otlp_time(otlp_writer_t *w, const char *name, unsigned number, int64_t ns)
{
    otlp_field(w, name, number, OTLP_FIXED64);

    if (w->json) {
        template_literal(w->t, "\"");
        template_mark(w->t, TEMPLATE_DIGITS, ns);
        template_literal(w->t, "\"");

    } else {
        template_mark(w->t, TEMPLATE_FIXED64, ns);
    }
}


/* Key 1, value 2; in that: text 1, integer 3, double 4, array 5. */

static void
otlp_begin_attribute(otlp_writer_t *w, unsigned number, const char *key)
{
    otlp_begin(w, NULL, number);
    otlp_text(w, "key", 1, key);
    otlp_begin(w, "value", 2);
}


static void
otlp_end_attribute(otlp_writer_t *w)
{
    otlp_end(w);
    otlp_end(w);
}


void
otlp_attribute(otlp_writer_t *w, unsigned number, const char *key,
    const char *text)
{
    otlp_begin_attribute(w, number, key);
    otlp_text(w, "stringValue", 1, text);
    otlp_end_attribute(w);
}


void
otlp_attribute_integer(otlp_writer_t *w, unsigned number, const char *key,
    uint64_t n)
{
    otlp_begin_attribute(w, number, key);
    otlp_integer(w, "intValue", 3, n);
    otlp_end_attribute(w);
}


void
otlp_attribute_double(otlp_writer_t *w, unsigned number, const char *key,
    double n)
{
    otlp_begin_attribute(w, number, key);
    otlp_double(w, "doubleValue", 4, n);
    otlp_end_attribute(w);
}


void
otlp_attribute_array(otlp_writer_t *w, unsigned number, const char *key,
    const char *text)
{
    otlp_begin_attribute(w, number, key);
    otlp_begin(w, "arrayValue", 5);
    otlp_list(w, "values");
    otlp_begin(w, NULL, 1);
    otlp_text(w, "stringValue", 1, text);
    otlp_end(w);
    otlp_end_list(w);
    otlp_end(w);
    otlp_end_attribute(w);
}


void
otlp_attribute_marked(otlp_writer_t *w, unsigned number, const char *key,
    const char *text, size_t len, template_form_e form, int64_t n)
{
    otlp_begin_attribute(w, number, key);
    otlp_marked_text(w, "stringValue", 1, text, len, form, n);
    otlp_end_attribute(w);
}
