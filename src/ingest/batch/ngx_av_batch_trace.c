#include "ngx_av_batch_trace.h"

#include "ngx_av_text.h"


static ngx_int_t ngx_av_batch_trace_parts(ngx_av_batch_reader_t *reader,
    yyjson_val *header, yyjson_val *spans);
static ngx_int_t ngx_av_batch_header(ngx_av_batch_reader_t *reader,
    yyjson_val *header);
static ngx_int_t ngx_av_batch_agent(ngx_av_batch_reader_t *reader,
    ngx_av_value_t *value);
static ngx_int_t ngx_av_batch_add_agent(ngx_av_batch_reader_t *reader);
static ngx_int_t ngx_av_batch_spans(ngx_av_batch_reader_t *reader,
    yyjson_val *spans);
static ngx_int_t ngx_av_batch_span(ngx_av_batch_reader_t *reader,
    yyjson_val *span);
static ngx_int_t ngx_av_batch_see(ngx_av_batch_reader_t *reader,
    ngx_uint_t *repeated);
static ngx_int_t ngx_av_batch_put_later(ngx_av_batch_reader_t *reader);
static void ngx_av_batch_derive(ngx_av_batch_reader_t *reader,
    ngx_av_value_t *span);
static void ngx_av_batch_default(ngx_av_value_t *value, int64_t number);
static void ngx_av_batch_derive_duration(const ngx_av_value_t *started,
    const ngx_av_value_t *ended, ngx_av_value_t *duration);
static void ngx_av_batch_derive_tokens(const ngx_av_value_t *input,
    const ngx_av_value_t *output, ngx_av_value_t *total);


ngx_int_t
ngx_av_batch_trace(ngx_av_batch_reader_t *reader, yyjson_val *header,
    yyjson_val *spans)
{
    ngx_int_t   rc;
    ngx_uint_t  nparts;

    nparts = reader->batch->parts.nelts;

    rc = ngx_av_batch_trace_parts(reader, header, spans);

    if (rc == NGX_OK) {
        rc = ngx_av_batch_add_agent(reader);
    }

    if (rc != NGX_OK) {
        ngx_av_batch_rollback(reader->batch, nparts);
    }

    return rc;
}


static ngx_int_t
ngx_av_batch_trace_parts(ngx_av_batch_reader_t *reader, yyjson_val *header,
    yyjson_val *spans)
{
    ngx_int_t  rc;

    rc = ngx_av_batch_header(reader, header);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_batch_begin_part(&reader->rows) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_av_batch_spans(reader, spans);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_batch_end_part(&reader->rows, reader->header);

    if (rc != NGX_OK || reader->nlater == 0) {
        return rc;
    }

    if (ngx_av_batch_begin_part(&reader->rows) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_av_batch_put_later(reader);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_av_batch_end_part(&reader->rows, reader->header);
}


static ngx_int_t
ngx_av_batch_header(ngx_av_batch_reader_t *reader, yyjson_val *header)
{
    ngx_av_value_t          *values;
    static const ngx_str_t   name = ngx_string("trace");

    reader->place.span = NGX_AV_PLACE_ELEMENT;

    if (header == NULL) {
        return ngx_av_fields_error(&reader->place, &name, "field required");
    }

    if (!unsafe_yyjson_is_obj(header)) {
        return ngx_av_fields_error(&reader->place, &name,
                                   "must be an object");
    }

    reader->place.span = NGX_AV_PLACE_HEADER;

    values = reader->header;

    ngx_av_fields_read(&ngx_av_header_table, header, values);

    if (ngx_av_fields_decode(&ngx_av_header_table, values, &reader->place)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_av_batch_default(&values[NGX_AV_HEADER_STATUS],
                         NGX_AV_STATUS_COMPLETED);

    ngx_av_batch_derive_duration(&values[NGX_AV_HEADER_STARTED_AT],
                                 &values[NGX_AV_HEADER_ENDED_AT],
                                 &values[NGX_AV_HEADER_DURATION_MS]);

    values[NGX_AV_HEADER_METADATA].u.original = NULL;

    reader->place.trace = values[NGX_AV_HEADER_TRACE_ID].u.uuid;

    reader->rows.home_day =
        ngx_av_time_pg_day(values[NGX_AV_HEADER_STARTED_AT].u.number);

    return ngx_av_batch_agent(reader, &values[NGX_AV_HEADER_AGENT]);
}


/* Sets the id by the name: most batches have only one agent. */

static ngx_int_t
ngx_av_batch_agent(ngx_av_batch_reader_t *reader, ngx_av_value_t *value)
{
    size_t               len;
    u_char              *p;
    ngx_av_buf_t         name;
    ngx_av_batch_ref_t  *agent;

    p = (u_char *) unsafe_yyjson_get_str(value->val);
    len = unsafe_yyjson_get_len(value->val);

    agent = &reader->agent;

    if (len != agent->doc.len || ngx_memcmp(p, agent->doc.data, len) != 0) {

        if (ngx_av_buf_init(&name, reader->batch->pool, len) != NGX_OK
            || ngx_av_text_append(&name, p, len) != NGX_OK)
        {
            return NGX_ERROR;
        }

        agent->doc.data = name.start;
        agent->doc.len = ngx_av_buf_len(&name);

        ngx_av_uuid_v5(&agent->id, &reader->batch->account, agent->doc.data,
                       agent->doc.len);

        reader->agent_added = 0;
    }

    value->u.uuid = agent->id;

    return NGX_OK;
}


static ngx_int_t
ngx_av_batch_add_agent(ngx_av_batch_reader_t *reader)
{
    ngx_uint_t           i;
    ngx_array_t         *agents;
    ngx_av_batch_ref_t  *agent;

    if (reader->agent_added) {
        return NGX_OK;
    }

    reader->agent_added = 1;

    agents = &reader->batch->refs[NGX_AV_REF_AGENT];
    agent = agents->elts;

    for (i = 0; i < agents->nelts; i++) {
        if (ngx_memcmp(&agent[i].id, &reader->agent.id, sizeof(ngx_av_uuid_t))
            == 0)
        {
            return NGX_OK;
        }
    }

    agent = ngx_array_push(agents);
    if (agent == NULL) {
        return NGX_ERROR;
    }

    *agent = reader->agent;

    return NGX_OK;
}


static ngx_int_t
ngx_av_batch_spans(ngx_av_batch_reader_t *reader, yyjson_val *spans)
{
    ngx_int_t               rc;
    yyjson_val             *span;
    yyjson_arr_iter         iter;
    static const ngx_str_t  name = ngx_string("spans");

    reader->nseen = 0;
    reader->nlater = 0;

    if (spans == NULL) {
        return NGX_OK;
    }

    if (!unsafe_yyjson_is_arr(spans)) {
        reader->place.span = NGX_AV_PLACE_ELEMENT;
        return ngx_av_fields_error(&reader->place, &name, "must be an array");
    }

    reader->place.span = 0;

    yyjson_arr_iter_init(spans, &iter);

    while ((span = yyjson_arr_iter_next(&iter))) {

        rc = ngx_av_batch_span(reader, span);
        if (rc != NGX_OK) {
            return rc;
        }

        reader->place.span++;
        reader->ordinal++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_batch_span(ngx_av_batch_reader_t *reader, yyjson_val *span)
{
    ngx_uint_t       repeated;
    ngx_av_value_t  *values;

    if (!unsafe_yyjson_is_obj(span)) {
        return ngx_av_fields_error(&reader->place, NULL, "must be an object");
    }

    values = reader->span;

    ngx_av_fields_read(&ngx_av_span_table, span, values);

    if (ngx_av_fields_decode(&ngx_av_span_table, values, &reader->place)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_av_batch_derive(reader, values);

    if (ngx_av_batch_see(reader, &repeated) != NGX_OK) {
        return NGX_ERROR;
    }

    if (repeated) {
        return NGX_OK;
    }

    return ngx_av_batch_put_span(&reader->rows, values, reader->ordinal);
}


/*
 * Of the spans with the same id only two can matter (agentvista.md 4.4): the
 * first that is running, and the first that has ended.  The one that comes
 * second waits for a part of its own; all others are duplicates and go.
 */

static ngx_int_t
ngx_av_batch_see(ngx_av_batch_reader_t *reader, ngx_uint_t *repeated)
{
    ngx_uint_t             i, running, *known;
    ngx_av_value_t        *values;
    ngx_av_batch_seen_t   *seen;
    ngx_av_batch_later_t  *later;

    values = reader->span;
    seen = reader->seen;

    for (i = 0; i < reader->nseen; i++) {
        if (ngx_memcmp(&seen[i].id, &values[NGX_AV_SPAN_FIELD_SPAN_ID].u.uuid,
                       sizeof(ngx_av_uuid_t))
            == 0)
        {
            break;
        }
    }

    *repeated = (i < reader->nseen);

    if (!*repeated) {
        seen[i].id = values[NGX_AV_SPAN_FIELD_SPAN_ID].u.uuid;
        seen[i].running = 0;
        seen[i].ended = 0;
        reader->nseen++;
    }

    running = (values[NGX_AV_SPAN_FIELD_STATUS].u.number
               == NGX_AV_STATUS_RUNNING);

    known = running ? &seen[i].running : &seen[i].ended;

    if (*known) {
        return NGX_OK;
    }

    *known = 1;

    if (!*repeated) {
        return NGX_OK;
    }

    later = ngx_palloc(reader->batch->pool, sizeof(ngx_av_batch_later_t));
    if (later == NULL) {
        return NGX_ERROR;
    }

    later->span = reader->place.span;
    later->ordinal = reader->ordinal;
    ngx_memcpy(later->values, values, sizeof(later->values));

    reader->later[reader->nlater++] = later;

    return NGX_OK;
}


static ngx_int_t
ngx_av_batch_put_later(ngx_av_batch_reader_t *reader)
{
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_av_batch_later_t  *later;

    for (i = 0; i < reader->nlater; i++) {
        later = reader->later[i];
        reader->place.span = later->span;

        rc = ngx_av_batch_put_span(&reader->rows, later->values,
                                   later->ordinal);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* What a span does not say. */

static void
ngx_av_batch_derive(ngx_av_batch_reader_t *reader, ngx_av_value_t *span)
{
    ngx_av_value_t  *type, *metadata;

    span[NGX_AV_SPAN_FIELD_TRACE_ID] = reader->header[NGX_AV_HEADER_TRACE_ID];

    type = &span[NGX_AV_SPAN_FIELD_TYPE];
    metadata = &span[NGX_AV_SPAN_FIELD_METADATA];

    ngx_av_batch_default(type, NGX_AV_TYPE_CUSTOM);
    metadata->u.original = NULL;

    if (type->u.number == -1) {
        type->u.number = NGX_AV_TYPE_CUSTOM;
        metadata->u.original = type->val;
        metadata->known = 1;
    }

    ngx_av_batch_default(&span[NGX_AV_SPAN_FIELD_STATUS],
                         NGX_AV_STATUS_COMPLETED);

    ngx_av_batch_derive_duration(&span[NGX_AV_SPAN_FIELD_STARTED_AT],
                                 &span[NGX_AV_SPAN_FIELD_ENDED_AT],
                                 &span[NGX_AV_SPAN_FIELD_DURATION_MS]);

    ngx_av_batch_derive_tokens(&span[NGX_AV_SPAN_FIELD_INPUT_TOKENS],
                               &span[NGX_AV_SPAN_FIELD_OUTPUT_TOKENS],
                               &span[NGX_AV_SPAN_FIELD_TOTAL_TOKENS]);
}


static void
ngx_av_batch_default(ngx_av_value_t *value, int64_t number)
{
    if (!value->known) {
        value->known = 1;
        value->u.number = number;
    }
}


/* An end before the start comes of clocks that differ: no duration. */

static void
ngx_av_batch_derive_duration(const ngx_av_value_t *started,
    const ngx_av_value_t *ended, ngx_av_value_t *duration)
{
    uint64_t  ns;

    if (!ended->known) {
        return;
    }

    ns = 0;

    if (ended->u.number > started->u.number) {
        /* the two may be further apart than int64_t reaches */
        ns = (uint64_t) ended->u.number - (uint64_t) started->u.number;
        ns = ngx_min(ns, INT64_MAX);
    }

    ngx_av_batch_default(duration, ns);
}


/*
 * Calls that have only one side, as those for embeddings, report only one
 * count: it is the total.
 */

static void
ngx_av_batch_derive_tokens(const ngx_av_value_t *input,
    const ngx_av_value_t *output, ngx_av_value_t *total)
{
    int64_t  sum;

    if (!input->known && !output->known) {
        return;
    }

    sum = input->known ? input->u.number : 0;
    sum += output->known ? output->u.number : 0;

    ngx_av_batch_default(total, sum);
}


