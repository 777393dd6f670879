#include "ngx_av_otlp_signal.h"

#include "ngx_av_otlp_proto.h"


#define ngx_av_otlp_bit(number)  ((uint32_t) 1 << (number))

#define NGX_AV_OTLP_SIGNAL_IDS     (ngx_av_otlp_bit(1)|ngx_av_otlp_bit(2))
#define NGX_AV_OTLP_SIGNAL_TIMES   (ngx_av_otlp_bit(1)|ngx_av_otlp_bit(11))
#define NGX_AV_OTLP_SIGNAL_NAME    ngx_av_otlp_bit(1)
#define NGX_AV_OTLP_SIGNAL_POINTS                                             \
    (ngx_av_otlp_bit(5)|ngx_av_otlp_bit(7)|ngx_av_otlp_bit(9)                 \
     |ngx_av_otlp_bit(10)|ngx_av_otlp_bit(11))


static ngx_uint_t ngx_av_otlp_signal_shows(ngx_av_otlp_signal_e signal,
    const u_char *p, const u_char *end);
static ngx_uint_t ngx_av_otlp_signal_fits(const ngx_av_otlp_message_t *message,
    const u_char *p, const u_char *end);
static ngx_uint_t ngx_av_otlp_signal_fits_field(
    const ngx_av_otlp_field_t *field, const ngx_av_otlp_raw_t *raw);
static ngx_uint_t ngx_av_otlp_signal_is_text(const u_char *p, size_t len);


/* For looking only: its errors go nowhere. */
static ngx_inline void
ngx_av_otlp_signal_reader(ngx_av_otlp_reader_t *r,
    ngx_av_otlp_result_t *ignored, const u_char *p)
{
    ngx_memzero(r, sizeof(ngx_av_otlp_reader_t));

    r->result = ignored;
    r->body = p;
}


ngx_int_t
ngx_av_otlp_signal_check(ngx_av_otlp_decoder_t *d, const u_char *p,
    const u_char *end)
{
    ngx_uint_t  signal;

    if (p == end) {
        return NGX_OK;
    }

    if (ngx_av_otlp_signal_fits(ngx_av_otlp_records[d->signal], p, end)) {
        d->unsure = 0;
        return NGX_OK;
    }

    for (signal = 0; signal <= NGX_AV_OTLP_LOGS; signal++) {

        if (signal != d->signal
            && ngx_av_otlp_signal_shows(signal, p, end)
            && ngx_av_otlp_signal_fits(ngx_av_otlp_records[signal], p, end))
        {
            return ngx_av_otlp_error_signal(&d->reader, d->signal, signal);
        }
    }

    d->unsure--;

    return NGX_OK;
}


/*
 * Whether a record has what a record of the signal is nothing without, and
 * those of the other two cannot have: a span's ids, a log record's time, a
 * metric's name and points.
 */

static ngx_uint_t
ngx_av_otlp_signal_shows(ngx_av_otlp_signal_e signal, const u_char *p,
    const u_char *end)
{
    uint32_t               bit, ids, fixed, filled;
    ngx_av_otlp_raw_t      raw;
    ngx_av_otlp_reader_t   reader;
    ngx_av_otlp_result_t   ignored;

    ngx_av_otlp_signal_reader(&reader, &ignored, p);

    ids = 0;
    fixed = 0;
    filled = 0;

    while (p < end) {

        p = ngx_av_otlp_proto_field(&reader, p, end, &raw);
        if (p == NULL || raw.number > NGX_AV_OTLP_MAX_FIELD) {
            return 0;
        }

        bit = ngx_av_otlp_bit(raw.number);

        if (raw.wire == NGX_AV_OTLP_WIRE_I64) {
            fixed |= bit;
        }

        if (raw.wire == NGX_AV_OTLP_WIRE_LEN && raw.len) {
            filled |= bit;
            ids |= (raw.len == (raw.number == 1 ? 16 : 8)) ? bit : 0;
        }
    }

    switch (signal) {

    case NGX_AV_OTLP_TRACES:
        return (ids & NGX_AV_OTLP_SIGNAL_IDS) == NGX_AV_OTLP_SIGNAL_IDS;

    case NGX_AV_OTLP_METRICS:
        return (filled & NGX_AV_OTLP_SIGNAL_NAME)
               && (filled & NGX_AV_OTLP_SIGNAL_POINTS);

    default: /* NGX_AV_OTLP_LOGS */
        return (fixed & NGX_AV_OTLP_SIGNAL_TIMES) != 0;
    }
}


/*
 * A message fits if all of its fields are known and of the right kind.  The
 * recursion is bounded by the schema: values are not followed.
 */

static ngx_uint_t
ngx_av_otlp_signal_fits(const ngx_av_otlp_message_t *message, const u_char *p,
    const u_char *end)
{
    ngx_av_otlp_raw_t           raw;
    ngx_av_otlp_reader_t        reader;
    ngx_av_otlp_result_t        ignored;
    const ngx_av_otlp_field_t  *field;

    ngx_av_otlp_signal_reader(&reader, &ignored, p);

    while (p < end) {

        p = ngx_av_otlp_proto_field(&reader, p, end, &raw);
        if (p == NULL || raw.number > message->last) {
            return 0;
        }

        field = &message->fields[raw.number];

        if (field->type == NGX_AV_OTLP_UNKNOWN) {
            return 0;
        }

        if (!ngx_av_otlp_signal_fits_field(field, &raw)) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_av_otlp_signal_fits_field(const ngx_av_otlp_field_t *field,
    const ngx_av_otlp_raw_t *raw)
{
    if (field->wire != raw->wire) {

        return field->count == NGX_AV_OTLP_MANY
               && field->wire != NGX_AV_OTLP_WIRE_LEN
               && raw->wire == NGX_AV_OTLP_WIRE_LEN;
    }

    switch (field->type) {

    case NGX_AV_OTLP_MESSAGE:
    case NGX_AV_OTLP_DATA:

        return ngx_av_otlp_signal_fits(field->child, raw->data,
                                       raw->data + raw->len);
    case NGX_AV_OTLP_ID:

        return raw->len == 0 || raw->len == 8 || raw->len == 16;

    case NGX_AV_OTLP_TEXT:

        /* names and keys, that is; a string as value may be anything */

        return field->one_of
               || ngx_av_otlp_signal_is_text(raw->data, raw->len);

    default:
        return 1;
    }
}


/* What is no text, such as a message, nearly always has control characters. */
static ngx_uint_t
ngx_av_otlp_signal_is_text(const u_char *p, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (p[i] < 0x20) {
            return 0;
        }
    }

    return 1;
}
