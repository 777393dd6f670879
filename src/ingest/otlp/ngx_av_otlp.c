#include "ngx_av_otlp.h"

#include "ngx_av_otlp_decoder.h"
#include "ngx_av_otlp_json.h"
#include "ngx_av_otlp_proto.h"
#include "ngx_av_otlp_signal.h"


static const char *ngx_av_otlp_signal_name(ngx_av_otlp_signal_e signal);
static u_char *ngx_av_otlp_error_place(ngx_av_otlp_reader_t *r);
static ngx_int_t ngx_av_otlp_error_end(ngx_av_otlp_reader_t *r, u_char *last);


ngx_int_t
ngx_av_otlp_decode(ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, const u_char *body, size_t len,
    const ngx_av_otlp_limits_t *limits, const ngx_av_otlp_sink_t *sink,
    ngx_av_otlp_result_t *result)
{
    ngx_int_t               rc;
    ngx_av_otlp_decoder_t   d;

    ngx_str_null(&result->error);
    result->offset = 0;
    result->present = 0;

    ngx_memzero(&d, sizeof(ngx_av_otlp_decoder_t));

    d.signal = signal;
    d.limits = limits;
    d.sink = sink;
    d.unsure = NGX_AV_OTLP_SIGNAL_RECORDS;

    d.reader.scratch = &d.scratch;
    d.reader.result = result;
    d.reader.body = body;
    d.reader.depth = limits->depth;

    ngx_av_otlp_scratch_init(&d.scratch, limits->memory, limits->account);

    rc = (encoding == NGX_AV_OTLP_JSON)
         ? ngx_av_otlp_json_request(&d, body, len)
         : ngx_av_otlp_proto_request(&d, body, len);

    ngx_av_otlp_scratch_free(&d.scratch);

    return (rc == NGX_DONE) ? NGX_OK : rc;
}


void *
ngx_av_otlp_begin(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message)
{
    ngx_uint_t            number, resource_number;
    ngx_av_otlp_scope_t  *scope;

    scope = &d->scope;

    switch (message->role) {

    case NGX_AV_OTLP_RESOURCE:

        number = scope->number;
        resource_number = scope->resource_number;

        ngx_memzero(scope, sizeof(ngx_av_otlp_scope_t));

        scope->number = number;
        scope->resource_number = resource_number + 1;

        return scope;

    case NGX_AV_OTLP_SCOPE:

        ngx_memzero(&scope->name, sizeof(ngx_av_otlp_scope_t)
                                  - offsetof(ngx_av_otlp_scope_t, name));
        scope->number++;

        return scope;

    case NGX_AV_OTLP_METRIC:

        ngx_memzero(&d->metric, sizeof(ngx_av_otlp_metric_t));

        return &d->metric;

    case NGX_AV_OTLP_METRIC_DATA:
        return &d->metric;

    case NGX_AV_OTLP_POINT:
    case NGX_AV_OTLP_SPAN:
    case NGX_AV_OTLP_LOG:

        ngx_memzero(&d->record, message->size);

        return &d->record;

    default: /* NGX_AV_OTLP_REQUEST, which has no fields to keep */
        return scope;
    }
}


ngx_int_t
ngx_av_otlp_deliver(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message)
{
    ngx_int_t                  rc;
    const ngx_av_otlp_sink_t  *sink;

    rc = NGX_OK;
    sink = d->sink;

    switch (message->role) {

    case NGX_AV_OTLP_SCOPE:

        if (sink->scope) {
            rc = sink->scope(sink->data, &d->scope);
        }

        break;

    case NGX_AV_OTLP_METRIC:
    case NGX_AV_OTLP_METRIC_DATA:

        /* a metric that has data is complete once that has been read */

        if (sink->metric
            && (message->role == NGX_AV_OTLP_METRIC_DATA
                || d->metric.type == NGX_AV_OTLP_NO_DATA))
        {
            rc = sink->metric(sink->data, &d->scope, &d->metric);
        }

        break;

    case NGX_AV_OTLP_POINT:

        if (d->metric.type == NGX_AV_OTLP_SUMMARY) {
            d->record.point.present = NGX_AV_OTLP_HAS_SUM;
        }

        if (sink->point) {
            rc = sink->point(sink->data, &d->scope, &d->metric,
                             &d->record.point);
        }

        break;

    case NGX_AV_OTLP_SPAN:

        if (sink->span) {
            rc = sink->span(sink->data, &d->scope, &d->record.span);
        }

        break;

    case NGX_AV_OTLP_LOG:

        if (sink->log) {
            rc = sink->log(sink->data, &d->scope, &d->record.log);
        }

        break;

    default:
        break;
    }

    return (rc == NGX_DECLINED) ? NGX_DONE : rc;
}


/* errors */


ngx_int_t
ngx_av_otlp_error(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    const char *text)
{
    u_char  *p, *last;

    last = r->result->text + NGX_AV_OTLP_ERROR_LEN;

    p = ngx_av_otlp_error_place(r);

    if (field) {
        p = ngx_slprintf(p, last, "%V.%V %s", &message->name, &field->name,
                         text);
    } else {
        p = ngx_slprintf(p, last, "%V %s", &message->name, text);
    }

    return ngx_av_otlp_error_end(r, p);
}


ngx_int_t
ngx_av_otlp_error_at(ngx_av_otlp_reader_t *r, const u_char *where,
    const char *text)
{
    u_char  *p;

    r->result->offset = where - r->body;

    p = ngx_av_otlp_error_place(r);
    p = ngx_slprintf(p, r->result->text + NGX_AV_OTLP_ERROR_LEN,
                     "%s at byte %ui", text, (ngx_uint_t) r->result->offset);

    return ngx_av_otlp_error_end(r, p);
}


ngx_int_t
ngx_av_otlp_error_signal(ngx_av_otlp_reader_t *r,
    ngx_av_otlp_signal_e expected, ngx_av_otlp_signal_e found)
{
    u_char  *p;

    p = r->result->text;
    p = ngx_slprintf(p, p + NGX_AV_OTLP_ERROR_LEN,
                     "the body has %s, not %s",
                     ngx_av_otlp_signal_name(found),
                     ngx_av_otlp_signal_name(expected));

    return ngx_av_otlp_error_end(r, p);
}


static const char *
ngx_av_otlp_signal_name(ngx_av_otlp_signal_e signal)
{
    static const char * const  names[] = { "traces", "metrics", "logs" };

    return names[signal];
}


/* Writes where the record is: resourceSpans[0].scopeSpans[0].spans[17]: */
static u_char *
ngx_av_otlp_error_place(ngx_av_otlp_reader_t *r)
{
    u_char                     *p, *last;
    ngx_uint_t                  i;
    const ngx_av_otlp_level_t  *level;

    p = r->result->text;
    last = p + NGX_AV_OTLP_ERROR_LEN;

    for (i = 0; i < r->nlevels; i++) {

        level = &r->levels[i];

        p = ngx_slprintf(p, last, i ? ".%V" : "%V", level->name);

        if (level->index != NGX_AV_OTLP_NO_INDEX) {
            p = ngx_slprintf(p, last, "[%ui]", level->index);
        }
    }

    return i ? ngx_slprintf(p, last, ": ") : p;
}


static ngx_int_t
ngx_av_otlp_error_end(ngx_av_otlp_reader_t *r, u_char *last)
{
    r->result->error.data = r->result->text;
    r->result->error.len = last - r->result->text;

    return NGX_DECLINED;
}
