#include "template.h"


static const char  *template_samples[] = {
    "00000000-0000-4000-8000-000000000000",
    "00000000000000000000000000000000",
    "0000000000000000",
    "0000000000000000",
    "00000000",
    "2026-01-31T12:00:00",
    "1700000000000000000",
    "00000000",
    "00",
    "00"
};


static void *
template_grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (p == NULL) {
        bench_die("no memory for a request");
    }

    return p;
}


void
template_append(template_t *t, const void *p, size_t len)
{
    if (t->len + len > t->size) {
        t->size = (t->len + len) * 2;
        t->data = template_grow(t->data, t->size);
    }

    memcpy(t->data + t->len, p, len);
    t->len += len;
}


void
template_print(template_t *t, const char *fmt, ...)
{
    int      n;
    char     buf[1024];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    if (n < 0 || (size_t) n >= sizeof(buf)) {
        bench_die("too long a line in a request");
    }

    template_append(t, buf, n);
}


void
template_mark(template_t *t, template_form_e form, int64_t n)
{
    template_patch_t  *patch;

    if (t->npatches == t->max_patches) {
        t->max_patches = t->npatches * 2 + 64;
        t->patches = template_grow(t->patches, t->max_patches
                                               * sizeof(template_patch_t));
    }

    patch = &t->patches[t->npatches++];

    patch->offset = t->len;
    patch->form = form;
    patch->n = n;

    template_append(t, template_samples[form],
                    strlen(template_samples[form]));
}


size_t
template_new_id(template_t *t)
{
    t->ids = template_grow(t->ids, (t->nids + 1) * sizeof(t->ids[0]));

    return t->nids++;
}


void
template_insert(template_t *t, size_t at, const void *p, size_t len)
{
    size_t  i, tail;

    tail = t->len - at;

    template_append(t, p, len);
    memmove(t->data + at + len, t->data + at, tail);
    memcpy(t->data + at, p, len);

    /* patches are in order of their offsets */

    for (i = t->npatches; i > 0 && t->patches[i - 1].offset >= at; i--) {
        t->patches[i - 1].offset += len;
    }
}


static char *
template_hex(char *p, const unsigned char *bytes, size_t n)
{
    size_t  i;

    static char  hex[256][2];

    if (hex[0][0] == '\0') {
        for (i = 0; i < 256; i++) {
            hex[i][0] = "0123456789abcdef"[i >> 4];
            hex[i][1] = "0123456789abcdef"[i & 15];
        }
    }

    for (i = 0; i < n; i++) {
        memcpy(p, hex[bytes[i]], 2);
        p += 2;
    }

    return p;
}


void
template_uuid(char *p, const unsigned char *bytes)
{
    char  *start;

    start = p;

    p = template_hex(p, bytes, 4);
    *p++ = '-';
    p = template_hex(p, bytes + 4, 2);
    *p++ = '-';
    p = template_hex(p, bytes + 6, 2);
    *p++ = '-';
    p = template_hex(p, bytes + 8, 2);
    *p++ = '-';
    template_hex(p, bytes + 10, 6);

    start[14] = '4';
    start[19] = '8';
}


static const char *
template_second(uint64_t ns)
{
    time_t     now;
    struct tm  tm;

    static time_t  second;
    static char    text[20];

    now = ns / 1000000000;

    if (now != second) {
        gmtime_r(&now, &tm);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
        second = now;
    }

    return text;
}


static void
template_digits(char *p, uint64_t n, unsigned width)
{
    while (width > 0) {
        p[--width] = '0' + n % 10;
        n /= 10;
    }
}


static void
template_patch(char *p, const template_patch_t *patch,
    const unsigned char *id, const template_values_t *values)
{
    unsigned  i;
    uint64_t  ns;

    ns = values->time + patch->n;

    switch (patch->form) {

    case TEMPLATE_UUID:
        template_uuid(p, id);
        break;

    case TEMPLATE_HEX:
        template_hex(p, id, 16);
        break;

    case TEMPLATE_SHORT_HEX:
        template_hex(p, id + 8, 8);
        break;

    case TEMPLATE_RAW:
        memcpy(p, id, 16);
        break;

    case TEMPLATE_SHORT_RAW:
        memcpy(p, id + 8, 8);
        break;

    case TEMPLATE_SECOND:
        memcpy(p, template_second(ns), 19);
        break;

    case TEMPLATE_DIGITS:
        template_digits(p, ns, 19);
        break;

    case TEMPLATE_FIXED64:
        for (i = 0; i < 8; i++) {
            p[i] = (char) (ns >> (8 * i));
        }
        break;

    case TEMPLATE_AGENT:
        template_digits(p, values->agent, 2);
        break;

    case TEMPLATE_INSTANCE:
        template_digits(p, values->instance, 2);
        break;
    }
}


void
template_fill(template_t *t, char *request, const template_values_t *values,
    bench_random_t *random)
{
    size_t               i, n;
    const unsigned char  *id;

    for (i = 0; i < t->nids; i++) {
        t->ids[i][0] = bench_random(random);
        t->ids[i][1] = bench_random(random);
    }

    for (i = 0; i < t->npatches; i++) {
        n = t->patches[i].n;
        id = (t->patches[i].form <= TEMPLATE_SHORT_RAW)
             ? (unsigned char *) t->ids[n] : NULL;

        template_patch(request + t->patches[i].offset, &t->patches[i], id,
                       values);
    }
}
