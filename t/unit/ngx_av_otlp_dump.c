#include "ngx_av_otlp_dump.h"

#include <math.h>

#include "ngx_av_json.h"


#define NGX_AV_DUMP_DEPTH  1000


static void
ngx_av_otlp_dump_put(ngx_av_buf_t *b, const char *fmt, ...)
{
    int      len;
    char     text[256];
    va_list  args;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    if (ngx_av_buf_append(b, text, len) != NGX_OK) {
        abort();
    }
}


static void
ngx_av_otlp_dump_text(ngx_av_buf_t *b, const char *name, const ngx_str_t *text)
{
    if (text->len == 0) {
        return;
    }

    ngx_av_otlp_dump_put(b, " %s=", name);

    if (ngx_av_json_write_bytes(b, text->data, text->len) != NGX_OK) {
        abort();
    }
}


static void
ngx_av_otlp_dump_integer(ngx_av_buf_t *b, const char *name, uint64_t n)
{
    if (n) {
        ngx_av_otlp_dump_put(b, " %s=%llu", name, (unsigned long long) n);
    }
}


static void
ngx_av_otlp_dump_signed(ngx_av_buf_t *b, const char *name, int64_t n)
{
    if (n) {
        ngx_av_otlp_dump_put(b, " %s=%lld", name, (long long) n);
    }
}


static void
ngx_av_otlp_dump_double(ngx_av_buf_t *b, const char *name, double n)
{
    if (isnan(n)) {
        ngx_av_otlp_dump_put(b, " %s=nan", name);

    } else {
        ngx_av_otlp_dump_put(b, " %s=%.17g", name, n);
    }
}


static void
ngx_av_otlp_dump_id(ngx_av_buf_t *b, const char *name,
    const ngx_av_otlp_id_t *id)
{
    size_t  i;

    if (id->len == 0) {
        return;
    }

    if (id->len == NGX_AV_OTLP_ID_TEXT) {
        ngx_av_otlp_dump_put(b, " %s=invalid", name);
        return;
    }

    ngx_av_otlp_dump_put(b, " %s=", name);

    for (i = 0; i < id->len && i < sizeof(id->bytes); i++) {
        ngx_av_otlp_dump_put(b, "%02x", id->bytes[i]);
    }

    if (id->len > i) {
        ngx_av_otlp_dump_put(b, "...%lu", (unsigned long) id->len);
    }
}


static void
ngx_av_otlp_dump_value(ngx_av_buf_t *b, const ngx_av_otlp_value_t *value)
{
    ngx_str_t            bytes;
    static const char    kinds[] = "-sbidxak";

    ngx_av_otlp_dump_put(b, "%c:", kinds[value->kind]);

    if (ngx_av_otlp_value_json(b, value, NGX_AV_DUMP_DEPTH) != NGX_OK) {
        abort();
    }

    if (value->kind == NGX_AV_OTLP_BYTES) {

        if (ngx_av_otlp_value_bytes(value, b, &bytes) != NGX_OK) {
            abort();
        }

        if (bytes.data + bytes.len == b->last) {
            b->last -= bytes.len;
        }

        ngx_av_otlp_dump_put(b, "%lu", (unsigned long) bytes.len);
    }
}


static void
ngx_av_otlp_dump_attributes(ngx_av_buf_t *b, const char *name,
    const ngx_av_otlp_attributes_t *attributes)
{
    ngx_uint_t                i;
    ngx_av_otlp_attribute_t  *attr;

    if (attributes->nelts == 0) {
        return;
    }

    attr = attributes->elts;

    ngx_av_otlp_dump_put(b, " %s{", name);

    for (i = 0; i < attributes->nelts; i++) {

        if (i) {
            ngx_av_otlp_dump_put(b, " ");
        }

        if (ngx_av_json_write_bytes(b, attr[i].key.data, attr[i].key.len)
            != NGX_OK)
        {
            abort();
        }

        ngx_av_otlp_dump_put(b, "=");
        ngx_av_otlp_dump_value(b, &attr[i].value);
    }

    ngx_av_otlp_dump_put(b, "}");
}


static void
ngx_av_otlp_dump_integers(ngx_av_buf_t *b, const char *name,
    const ngx_av_otlp_array_t *array)
{
    uint64_t    *n;
    ngx_uint_t   i;

    n = array->elts;

    for (i = 0; i < array->nelts; i++) {
        ngx_av_otlp_dump_put(b, " %s[%lu]=%llu", name, (unsigned long) i,
                             (unsigned long long) n[i]);
    }
}


static void
ngx_av_otlp_dump_doubles(ngx_av_buf_t *b, const char *name,
    const ngx_av_otlp_array_t *array)
{
    double      *n;
    ngx_uint_t   i;

    n = array->elts;

    for (i = 0; i < array->nelts; i++) {
        ngx_av_otlp_dump_double(b, name, n[i]);
    }
}


static ngx_int_t
ngx_av_otlp_dump_scope(void *data, const ngx_av_otlp_scope_t *scope)
{
    ngx_av_buf_t  *b = data;

    ngx_av_otlp_dump_put(b, "scope %lu of %lu",
                         (unsigned long) scope->number,
                         (unsigned long) scope->resource_number);

    ngx_av_otlp_dump_attributes(b, "resource", &scope->resource_attributes);
    ngx_av_otlp_dump_integer(b, "resource_dropped",
                             scope->resource_dropped_attributes);
    ngx_av_otlp_dump_text(b, "resource_schema", &scope->resource_schema_url);
    ngx_av_otlp_dump_text(b, "name", &scope->name);
    ngx_av_otlp_dump_text(b, "version", &scope->version);
    ngx_av_otlp_dump_attributes(b, "attributes", &scope->attributes);
    ngx_av_otlp_dump_integer(b, "dropped", scope->dropped_attributes);
    ngx_av_otlp_dump_text(b, "schema", &scope->schema_url);
    ngx_av_otlp_dump_put(b, "\n");

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_dump_span(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_span_t *span)
{
    ngx_uint_t            i;
    ngx_av_buf_t         *b = data;
    ngx_av_otlp_link_t   *link;
    ngx_av_otlp_event_t  *event;

    ngx_av_otlp_dump_put(b, "span");
    ngx_av_otlp_dump_id(b, "trace", &span->trace_id);
    ngx_av_otlp_dump_id(b, "span", &span->span_id);
    ngx_av_otlp_dump_id(b, "parent", &span->parent_span_id);
    ngx_av_otlp_dump_text(b, "state", &span->trace_state);
    ngx_av_otlp_dump_integer(b, "flags", span->flags);
    ngx_av_otlp_dump_text(b, "name", &span->name);
    ngx_av_otlp_dump_signed(b, "kind", span->kind);
    ngx_av_otlp_dump_integer(b, "start", span->start);
    ngx_av_otlp_dump_integer(b, "end", span->end);
    ngx_av_otlp_dump_attributes(b, "attributes", &span->attributes);
    ngx_av_otlp_dump_integer(b, "dropped", span->dropped_attributes);

    event = span->events.elts;

    for (i = 0; i < span->events.nelts; i++) {
        ngx_av_otlp_dump_put(b, " event(");
        ngx_av_otlp_dump_integer(b, "time", event[i].time);
        ngx_av_otlp_dump_text(b, "name", &event[i].name);
        ngx_av_otlp_dump_attributes(b, "attributes", &event[i].attributes);
        ngx_av_otlp_dump_integer(b, "dropped", event[i].dropped_attributes);
        ngx_av_otlp_dump_put(b, ")");
    }

    ngx_av_otlp_dump_integer(b, "dropped_events", span->dropped_events);

    link = span->links.elts;

    for (i = 0; i < span->links.nelts; i++) {
        ngx_av_otlp_dump_put(b, " link(");
        ngx_av_otlp_dump_id(b, "trace", &link[i].trace_id);
        ngx_av_otlp_dump_id(b, "span", &link[i].span_id);
        ngx_av_otlp_dump_text(b, "state", &link[i].trace_state);
        ngx_av_otlp_dump_attributes(b, "attributes", &link[i].attributes);
        ngx_av_otlp_dump_integer(b, "dropped", link[i].dropped_attributes);
        ngx_av_otlp_dump_integer(b, "flags", link[i].flags);
        ngx_av_otlp_dump_put(b, ")");
    }

    ngx_av_otlp_dump_integer(b, "dropped_links", span->dropped_links);
    ngx_av_otlp_dump_signed(b, "status", span->status_code);
    ngx_av_otlp_dump_text(b, "message", &span->status_message);
    ngx_av_otlp_dump_put(b, "\n");

    (void) scope;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_dump_log(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_log_t *log)
{
    ngx_av_buf_t  *b = data;

    ngx_av_otlp_dump_put(b, "log");
    ngx_av_otlp_dump_integer(b, "time", log->time);
    ngx_av_otlp_dump_integer(b, "observed", log->observed_time);
    ngx_av_otlp_dump_signed(b, "severity", log->severity_number);
    ngx_av_otlp_dump_text(b, "severity_text", &log->severity_text);
    ngx_av_otlp_dump_put(b, " body=");
    ngx_av_otlp_dump_value(b, &log->body);
    ngx_av_otlp_dump_attributes(b, "attributes", &log->attributes);
    ngx_av_otlp_dump_integer(b, "dropped", log->dropped_attributes);
    ngx_av_otlp_dump_integer(b, "flags", log->flags);
    ngx_av_otlp_dump_id(b, "trace", &log->trace_id);
    ngx_av_otlp_dump_id(b, "span", &log->span_id);
    ngx_av_otlp_dump_text(b, "event", &log->event_name);
    ngx_av_otlp_dump_put(b, "\n");

    (void) scope;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_dump_metric(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_metric_t *metric)
{
    ngx_av_buf_t  *b = data;

    ngx_av_otlp_dump_put(b, "metric");
    ngx_av_otlp_dump_text(b, "name", &metric->name);
    ngx_av_otlp_dump_text(b, "description", &metric->description);
    ngx_av_otlp_dump_text(b, "unit", &metric->unit);
    ngx_av_otlp_dump_integer(b, "type", metric->type);
    ngx_av_otlp_dump_signed(b, "temporality", metric->temporality);
    ngx_av_otlp_dump_integer(b, "monotonic", metric->monotonic);
    ngx_av_otlp_dump_attributes(b, "metadata", &metric->metadata);
    ngx_av_otlp_dump_put(b, "\n");

    (void) scope;

    return NGX_OK;
}


static void
ngx_av_otlp_dump_exemplars(ngx_av_buf_t *b, const ngx_av_otlp_array_t *array)
{
    ngx_uint_t               i;
    ngx_av_otlp_exemplar_t  *exemplar;

    exemplar = array->elts;

    for (i = 0; i < array->nelts; i++) {
        ngx_av_otlp_dump_put(b, " exemplar(");
        ngx_av_otlp_dump_integer(b, "time", exemplar[i].time);
        ngx_av_otlp_dump_put(b, " value=");
        ngx_av_otlp_dump_value(b, &exemplar[i].value);
        ngx_av_otlp_dump_id(b, "trace", &exemplar[i].trace_id);
        ngx_av_otlp_dump_id(b, "span", &exemplar[i].span_id);
        ngx_av_otlp_dump_attributes(b, "attributes",
                                    &exemplar[i].attributes);
        ngx_av_otlp_dump_put(b, ")");
    }
}


static void
ngx_av_otlp_dump_buckets(ngx_av_buf_t *b, const char *name,
    const ngx_av_otlp_buckets_t *buckets)
{
    if (buckets->offset || buckets->counts.nelts) {
        ngx_av_otlp_dump_put(b, " %s@%d", name, (int) buckets->offset);
        ngx_av_otlp_dump_integers(b, name, &buckets->counts);
    }
}


static ngx_int_t
ngx_av_otlp_dump_point(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_metric_t *metric, const ngx_av_otlp_point_t *point)
{
    ngx_uint_t               i;
    ngx_av_buf_t            *b = data;
    ngx_av_otlp_quantile_t  *quantile;

    ngx_av_otlp_dump_put(b, "point of %lu", (unsigned long) metric->type);
    ngx_av_otlp_dump_integer(b, "start", point->start);
    ngx_av_otlp_dump_integer(b, "time", point->time);
    ngx_av_otlp_dump_integer(b, "flags", point->flags);
    ngx_av_otlp_dump_attributes(b, "attributes", &point->attributes);
    ngx_av_otlp_dump_exemplars(b, &point->exemplars);

    if (point->value.kind) {
        ngx_av_otlp_dump_put(b, " value=");
        ngx_av_otlp_dump_value(b, &point->value);
    }

    ngx_av_otlp_dump_integer(b, "count", point->count);

    if (point->present & NGX_AV_OTLP_HAS_SUM) {
        ngx_av_otlp_dump_double(b, "sum", point->sum);
    }

    if (point->present & NGX_AV_OTLP_HAS_MIN) {
        ngx_av_otlp_dump_double(b, "min", point->min);
    }

    if (point->present & NGX_AV_OTLP_HAS_MAX) {
        ngx_av_otlp_dump_double(b, "max", point->max);
    }

    ngx_av_otlp_dump_integers(b, "count", &point->bucket_counts);
    ngx_av_otlp_dump_doubles(b, "bound", &point->explicit_bounds);
    ngx_av_otlp_dump_signed(b, "scale", point->scale);
    ngx_av_otlp_dump_integer(b, "zero", point->zero_count);

    if (point->zero_threshold != 0) {
        ngx_av_otlp_dump_double(b, "threshold", point->zero_threshold);
    }

    ngx_av_otlp_dump_buckets(b, "positive", &point->positive);
    ngx_av_otlp_dump_buckets(b, "negative", &point->negative);

    quantile = point->quantiles.elts;

    for (i = 0; i < point->quantiles.nelts; i++) {
        ngx_av_otlp_dump_double(b, "quantile", quantile[i].quantile);
        ngx_av_otlp_dump_double(b, "is", quantile[i].value);
    }

    ngx_av_otlp_dump_put(b, "\n");

    (void) scope;

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_dump(ngx_av_buf_t *b, ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, const void *body, size_t len,
    const ngx_av_otlp_limits_t *limits, ngx_av_otlp_result_t *result)
{
    ngx_av_otlp_sink_t  sink;

    sink.data = b;
    sink.scope = ngx_av_otlp_dump_scope;
    sink.span = ngx_av_otlp_dump_span;
    sink.log = ngx_av_otlp_dump_log;
    sink.metric = ngx_av_otlp_dump_metric;
    sink.point = ngx_av_otlp_dump_point;

    return ngx_av_otlp_decode(signal, encoding, body, len, limits, &sink,
                              result);
}
