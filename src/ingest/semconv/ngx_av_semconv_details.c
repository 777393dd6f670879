#include "ngx_av_semconv_work.h"

#include "ngx_av_columns.h"


/*
 * Each appends a value: NGX_OK; NGX_DECLINED if there is none, what was
 * appended being void; NGX_ERROR without memory.
 */
typedef ngx_int_t (*ngx_av_semconv_put_pt)(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);


/*
 * A member of details: if one of these fields is known, by the function, or of
 * the first of them if that is NULL.
 */
typedef struct {
    ngx_str_t              name;
    ngx_uint_t             first;
    ngx_av_semconv_set_t   fields;
    ngx_av_semconv_put_pt  put;
} ngx_av_semconv_detail_t;


static ngx_int_t ngx_av_semconv_put_detail(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b, const ngx_av_semconv_detail_t *detail);
static ngx_int_t ngx_av_semconv_close(ngx_av_buf_t *b, size_t start);
static ngx_int_t ngx_av_semconv_put_field(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b, ngx_uint_t field);
static ngx_int_t ngx_av_semconv_put_text(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_limit(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, size_t start);
static ngx_int_t ngx_av_semconv_put_provider(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_request_model(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_settings(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_each_setting(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_tool_calls(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_own_call(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_arguments(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_put_output_object(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_error_type(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_subtype(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);
static ngx_int_t ngx_av_semconv_put_dataset(ngx_av_semconv_t *sc,
    ngx_av_buf_t *b);


#define ngx_av_put(b, text)  ngx_av_buf_append(b, text, sizeof(text) - 1)

#define ngx_av_detail(name, field)                                            \
    { ngx_string(",\"" name "\":"), NGX_AV_SEMCONV_##field,                   \
      ngx_av_semconv_range(NGX_AV_SEMCONV_##field, NGX_AV_SEMCONV_##field),   \
      NULL }

#define ngx_av_detail_by(name, first, last)                                   \
    { ngx_string(",\"" #name "\":"), NGX_AV_SEMCONV_##first,                  \
      ngx_av_semconv_range(NGX_AV_SEMCONV_##first, NGX_AV_SEMCONV_##last),    \
      ngx_av_semconv_put_##name }


static const ngx_av_semconv_detail_t  ngx_av_semconv_detail_members[] = {
    ngx_av_detail_by(provider, PROVIDER, PROVIDER),
    ngx_av_detail_by(request_model, REQUEST_MODEL, REQUEST_MODEL),
    ngx_av_detail("cache_read_tokens", CACHE_READ),
    ngx_av_detail("cache_write_tokens", CACHE_WRITE),
    ngx_av_detail("reasoning_tokens", REASONING),
    ngx_av_detail("finish_reason", FINISH_REASON),
    ngx_av_detail_by(settings, TEMPERATURE, INVOCATION),
    ngx_av_detail("tool_name", TOOL_NAME),
    ngx_av_detail("tool_call_id", TOOL_CALL_ID),
    ngx_av_detail_by(tool_calls, TOOL_NAME, TOOL_CALLS),
    ngx_av_detail("agent_name", AGENT_NAME),
    ngx_av_detail("workflow_name", WORKFLOW_NAME),
    ngx_av_detail("prompt_name", PROMPT_NAME),
    ngx_av_detail("props", PROPS),
    ngx_av_detail("session_name", SESSION_NAME),
    ngx_av_detail("trace_name", TRACE_NAME),
    ngx_av_detail_by(tags, TAGS, OLD_TAGS),
    ngx_av_detail_by(metadata, METADATA, METADATA_ITEM),
    ngx_av_detail_by(output_object, OUTPUT_OBJECT, OUTPUT_OBJECT),
    ngx_av_detail_by(error_type, ERROR_TYPE, EXCEPTION),
    ngx_av_detail_by(subtype, OPENINFERENCE_KIND, REQUEST_TYPE),
    ngx_av_detail("commit_sha", COMMIT_SHA),
    ngx_av_detail_by(dataset, DATASET_RUN_ID, SOURCE_TREE_HASH),
    { ngx_null_string, 0, 0, NULL }
};


static const ngx_str_t  ngx_av_semconv_setting_names[] = {
    ngx_string(",\"temperature\":"),
    ngx_string(",\"top_p\":"),
    ngx_string(",\"top_k\":"),
    ngx_string(",\"max_tokens\":"),
    ngx_string(",\"frequency_penalty\":"),
    ngx_string(",\"presence_penalty\":"),
    ngx_string(",\"seed\":"),
    ngx_string(",\"stop_sequences\":"),
    ngx_string(",\"stream\":")
};


static const ngx_str_t  ngx_av_semconv_dataset_names[] = {
    ngx_string(",\"run_id\":"),
    ngx_string(",\"run_name\":"),
    ngx_string(",\"path\":"),
    ngx_string(",\"item_name\":"),
    ngx_string(",\"expected_output\":"),
    ngx_string(",\"input\":"),
    ngx_string(",\"experiment_key\":"),
    ngx_string(",\"source_tree_hash\":")
};


ngx_int_t
ngx_av_semconv_details(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    size_t                          start;
    const ngx_av_semconv_detail_t  *detail;

    start = ngx_av_buf_len(b);

    for (detail = ngx_av_semconv_detail_members; detail->name.len; detail++) {

        if ((sc->work->found & detail->fields)
            && ngx_av_semconv_put_detail(sc, b, detail) == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    return (ngx_av_buf_len(b) == start) ? NGX_OK
                                        : ngx_av_semconv_close(b, start);
}


static ngx_int_t
ngx_av_semconv_put_detail(ngx_av_semconv_t *sc, ngx_av_buf_t *b,
    const ngx_av_semconv_detail_t *detail)
{
    size_t     len;
    ngx_int_t  rc;

    len = ngx_av_buf_len(b);

    if (ngx_av_buf_append(b, detail->name.data, detail->name.len) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = detail->put ? detail->put(sc, b)
                     : ngx_av_semconv_put_field(sc, b, detail->first);

    if (rc == NGX_DECLINED) {
        b->last = b->start + len;
    }

    return rc;
}


/* Makes an object of the members since start, each with a comma before it. */
static ngx_int_t
ngx_av_semconv_close(ngx_av_buf_t *b, size_t start)
{
    b->start[start] = '{';

    return ngx_av_put(b, "}");
}


static ngx_int_t
ngx_av_semconv_put_field(ngx_av_semconv_t *sc, ngx_av_buf_t *b,
    ngx_uint_t field)
{
    ngx_av_semconv_work_t        *w;
    const ngx_av_semconv_slot_t  *slot;

    w = sc->work;
    slot = &w->slots[field];

    switch (ngx_av_semconv_rows[w->row[field]].kind) {

    case NGX_AV_SEMCONV_AS_COUNT:
        return ngx_av_json_write_int(b, slot->count);

    case NGX_AV_SEMCONV_AS_LABEL:
    case NGX_AV_SEMCONV_AS_FIRST:
        return ngx_av_semconv_put_string(b, &slot->text,
                                         NGX_AV_SEMCONV_LABEL_LIMIT);

    default:
        return ngx_av_semconv_put_text(w, b, slot->value);
    }
}


/* A JSON string: of text, or of the JSON text of what is none. */
static ngx_int_t
ngx_av_semconv_put_text(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_av_semconv_text(w, &w->json, value, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_av_semconv_put_string(b, &text, w->limits.text_limit);
}


/* Makes a value that is too long a string of its beginning. */
static ngx_int_t
ngx_av_semconv_limit(ngx_av_semconv_work_t *w, ngx_av_buf_t *b, size_t start)
{
    ngx_str_t  text;

    if (ngx_av_buf_len(b) - start <= w->limits.text_limit) {
        return NGX_OK;
    }

    ngx_av_semconv_reset(&w->json);

    if (ngx_av_buf_append(&w->json, b->start + start, w->limits.text_limit + 1)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    text.data = w->json.start;
    text.len = ngx_av_buf_len(&w->json);

    b->last = b->start + start;

    return ngx_av_semconv_put_string(b, &text, w->limits.text_limit);
}


static ngx_int_t
ngx_av_semconv_put_provider(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    ngx_str_t  text;

    text = ngx_av_semconv_label(sc->work, NGX_AV_SEMCONV_PROVIDER);

    if (text.len == 0) {
        return NGX_DECLINED;
    }

    text = ngx_av_semconv_provider(&text);

    return ngx_av_semconv_put_string(b, &text, NGX_AV_SEMCONV_LABEL_LIMIT);
}


/* Only what differs from the model. */
static ngx_int_t
ngx_av_semconv_put_request_model(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    ngx_str_t  model, request;

    model = ngx_av_semconv_label(sc->work, NGX_AV_SEMCONV_MODEL);
    request = ngx_av_semconv_label(sc->work, NGX_AV_SEMCONV_REQUEST_MODEL);

    if (request.len == 0
        || (request.len == model.len
            && ngx_memcmp(request.data, model.data, model.len) == 0))
    {
        return NGX_DECLINED;
    }

    return ngx_av_semconv_put_string(b, &request, NGX_AV_SEMCONV_LABEL_LIMIT);
}


/* By today's names, else all in one, else by old names. */
static ngx_int_t
ngx_av_semconv_put_settings(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    size_t                        start;
    ngx_int_t                     rc;
    ngx_uint_t                    i, old;
    ngx_av_semconv_work_t        *w;
    const ngx_av_semconv_slot_t  *slot;

    w = sc->work;
    old = 0;

    start = ngx_av_buf_len(b);

    for (i = NGX_AV_SEMCONV_TEMPERATURE; i <= NGX_AV_SEMCONV_STREAM; i++) {

        if (!ngx_av_semconv_has(w, i)) {
            continue;
        }

        if (ngx_av_semconv_rows[w->row[i]].kind == NGX_AV_SEMCONV_AS_ANY) {
            return ngx_av_semconv_put_each_setting(sc, b);
        }

        old = 1;
    }

    if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_INVOCATION)) {

        slot = &w->slots[NGX_AV_SEMCONV_INVOCATION];
        rc = ngx_av_semconv_put_value(w, b, slot->value);

        return (rc == NGX_OK) ? ngx_av_semconv_limit(w, b, start) : rc;
    }

    return old ? ngx_av_semconv_put_each_setting(sc, b) : NGX_DECLINED;
}


static ngx_int_t
ngx_av_semconv_put_each_setting(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    size_t                  start;
    ngx_uint_t              i;
    const ngx_str_t        *name;
    ngx_av_semconv_work_t  *w;

    w = sc->work;

    start = ngx_av_buf_len(b);

    for (i = NGX_AV_SEMCONV_TEMPERATURE; i <= NGX_AV_SEMCONV_STREAM; i++) {

        if (!ngx_av_semconv_has(w, i)) {
            continue;
        }

        name = &ngx_av_semconv_setting_names[i - NGX_AV_SEMCONV_TEMPERATURE];

        if (ngx_av_buf_append(b, name->data, name->len) != NGX_OK
            || ngx_av_semconv_put_value(w, b, w->slots[i].value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_av_semconv_close(b, start) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_semconv_limit(w, b, start);
}


/* Those a model asked for, or the one that the span is. */
static ngx_int_t
ngx_av_semconv_put_tool_calls(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    size_t                        start;
    ngx_int_t                     rc;
    ngx_av_semconv_work_t        *w;
    const ngx_av_semconv_slot_t  *slot;

    w = sc->work;

    start = ngx_av_buf_len(b);

    if (sc->type == NGX_AV_TYPE_TOOL && sc->tool_name.len) {
        rc = ngx_av_semconv_put_own_call(sc, b);

    } else if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_TOOL_CALLS)) {
        slot = &w->slots[NGX_AV_SEMCONV_TOOL_CALLS];
        rc = ngx_av_semconv_put_ai_calls(w, b, slot->value);

        if (rc == NGX_DECLINED) {
            rc = ngx_av_semconv_put_value(w, b, slot->value);
        }

    } else {
        return NGX_DECLINED;
    }

    return (rc == NGX_OK) ? ngx_av_semconv_limit(w, b, start) : rc;
}


/* agentmark.md 6; arguments and result may be just input and output. */
static ngx_int_t
ngx_av_semconv_put_own_call(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    ngx_str_t                   id;
    ngx_av_otlp_value_t         input, output;
    const ngx_av_otlp_value_t  *arguments, *result;
    ngx_av_semconv_work_t      *w;

    w = sc->work;

    input.kind = NGX_AV_OTLP_STRING;
    input.u.text = sc->input;

    output.kind = NGX_AV_OTLP_STRING;
    output.u.text = sc->output;

    arguments = ngx_av_semconv_has(w, NGX_AV_SEMCONV_TOOL_ARGUMENTS)
                ? w->slots[NGX_AV_SEMCONV_TOOL_ARGUMENTS].value : &input;
    result = ngx_av_semconv_has(w, NGX_AV_SEMCONV_TOOL_RESULT)
             ? w->slots[NGX_AV_SEMCONV_TOOL_RESULT].value : &output;

    id = ngx_av_semconv_label(w, NGX_AV_SEMCONV_TOOL_CALL_ID);

    if (ngx_av_put(b, "[{\"type\":\"tool-call\"") != NGX_OK) {
        return NGX_ERROR;
    }

    if (id.len
        && (ngx_av_put(b, ",\"toolCallId\":") != NGX_OK
            || ngx_av_semconv_put_string(b, &id, NGX_AV_SEMCONV_LABEL_LIMIT)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (ngx_av_put(b, ",\"toolName\":") != NGX_OK
        || ngx_av_semconv_put_string(b, &sc->tool_name, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_av_semconv_is_empty(arguments)
        && (ngx_av_put(b, ",\"args\":") != NGX_OK
            || ngx_av_semconv_put_arguments(w, b, arguments) != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (!ngx_av_semconv_is_empty(result)
        && (ngx_av_put(b, ",\"result\":") != NGX_OK
            || ngx_av_semconv_put_value(w, b, result) != NGX_OK))
    {
        return NGX_ERROR;
    }

    return ngx_av_put(b, "}]");
}


static ngx_int_t
ngx_av_semconv_put_arguments(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value)
{
    ngx_int_t      rc;
    ngx_av_json_t  json;

    if (value->kind != NGX_AV_OTLP_STRING) {
        return ngx_av_semconv_put_value(w, b, value);
    }

    rc = ngx_av_semconv_parse(w, &value->u.text, &json);

    if (rc == NGX_OK) {
        rc = ngx_av_semconv_put_json(w, b, json.root);
        ngx_av_json_free(&json);
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_av_put(b, "{\"raw\":") != NGX_OK
        || ngx_av_semconv_put_string(b, &value->u.text, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_put(b, "}");
}


/* The output once more if it is JSON, whole: half of it would be none. */
static ngx_int_t
ngx_av_semconv_put_output_object(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_av_json_t               json;
    ngx_av_semconv_work_t      *w;
    const ngx_av_otlp_value_t  *value;

    w = sc->work;

    if (!ngx_av_semconv_has(w, NGX_AV_SEMCONV_OUTPUT_OBJECT)) {
        return NGX_DECLINED;
    }

    value = w->slots[NGX_AV_SEMCONV_OUTPUT_OBJECT].value;

    if (value->kind == NGX_AV_OTLP_STRING) {

        if (value->u.text.len > w->limits.text_limit) {
            return NGX_DECLINED;
        }

        rc = ngx_av_semconv_parse_tree(w, value, &json);
        if (rc != NGX_OK) {
            return rc;
        }

        ngx_av_json_free(&json);

        return ngx_av_semconv_put_string(b, &value->u.text, 0);
    }

    if (value->kind != NGX_AV_OTLP_KVLIST && value->kind != NGX_AV_OTLP_ARRAY)
    {
        return NGX_DECLINED;
    }

    rc = ngx_av_semconv_text(w, &w->json, value, &text);

    if (rc != NGX_OK || text.len > w->limits.text_limit) {
        return (rc == NGX_OK) ? NGX_DECLINED : rc;
    }

    return ngx_av_semconv_put_string(b, &text, 0);
}


static ngx_int_t
ngx_av_semconv_put_error_type(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    ngx_str_t                   text;
    ngx_av_semconv_work_t      *w;
    const ngx_av_otlp_event_t  *event;
    const ngx_av_otlp_value_t  *value;

    static const ngx_str_t  type = ngx_string("exception.type");

    w = sc->work;

    text = ngx_av_semconv_label(w, NGX_AV_SEMCONV_ERROR_TYPE);

    if (text.len == 0 && ngx_av_semconv_has(w, NGX_AV_SEMCONV_EXCEPTION)) {

        event = w->slots[NGX_AV_SEMCONV_EXCEPTION].event;
        value = ngx_av_semconv_find(&event->attributes, &type);

        if (value && value->kind == NGX_AV_OTLP_STRING) {
            text = value->u.text;
        }
    }

    if (text.len == 0) {
        return NGX_DECLINED;
    }

    return ngx_av_semconv_put_string(b, &text, NGX_AV_SEMCONV_LABEL_LIMIT);
}


static ngx_int_t
ngx_av_semconv_put_subtype(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    if (sc->work->subtype == NULL) {
        return NGX_DECLINED;
    }

    return ngx_av_semconv_put_string(b, sc->work->subtype, 0);
}


static ngx_int_t
ngx_av_semconv_put_dataset(ngx_av_semconv_t *sc, ngx_av_buf_t *b)
{
    size_t                  start;
    ngx_int_t               rc;
    ngx_uint_t              i;
    const ngx_str_t        *name;
    ngx_av_semconv_work_t  *w;

    w = sc->work;
    start = ngx_av_buf_len(b);

    for (i = NGX_AV_SEMCONV_DATASET_RUN_ID;
         i <= NGX_AV_SEMCONV_SOURCE_TREE_HASH;
         i++)
    {
        if (!ngx_av_semconv_has(w, i)) {
            continue;
        }

        name = &ngx_av_semconv_dataset_names[i - NGX_AV_SEMCONV_DATASET_RUN_ID];

        if (ngx_av_buf_append(b, name->data, name->len) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_av_semconv_put_text(w, b, w->slots[i].value);

        if (rc == NGX_DECLINED) {
            rc = ngx_av_put(b, "null");
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return (ngx_av_buf_len(b) == start) ? NGX_DECLINED
                                        : ngx_av_semconv_close(b, start);
}
