#include "ngx_av_semconv_work.h"


static const ngx_av_otlp_event_t *ngx_av_semconv_last_event(
    const ngx_av_otlp_span_t *span, ngx_uint_t row);
static ngx_int_t ngx_av_semconv_event_list(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, ngx_uint_t row, const ngx_str_t *role, ngx_str_t *text);
static ngx_int_t ngx_av_semconv_put_event(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_event_t *event, ngx_uint_t row,
    const ngx_str_t *role);
static ngx_int_t ngx_av_semconv_put_chat(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_event_t *event, const ngx_str_t *role);
static ngx_int_t ngx_av_semconv_put_body(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_event_t *event,
    const ngx_av_otlp_value_t *body, const ngx_str_t *role);
static ngx_int_t ngx_av_semconv_put_reason(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_event_t *event, yyjson_val *body,
    yyjson_val *message);
static ngx_int_t ngx_av_semconv_put_attributes(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_event_t *event, const ngx_str_t *role);
static ngx_int_t ngx_av_semconv_put_result(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_event_t *event);
static ngx_str_t ngx_av_semconv_event_role(const ngx_str_t *name,
    const ngx_str_t *role);


#define ngx_av_put(b, text)  ngx_av_buf_append(b, text, sizeof(text) - 1)


/* The attributes that make an event a source: of input, and of output. */

static const ngx_str_t  ngx_av_semconv_contents[] = {
    ngx_string("gen_ai.prompt"),
    ngx_string("gen_ai.completion")
};

static const ngx_str_t  ngx_av_semconv_operation_messages[] = {
    ngx_string("gen_ai.input.messages"),
    ngx_string("gen_ai.output.messages")
};


/* The attribute of the event that the row is about. */
static ngx_inline const ngx_av_otlp_value_t *
ngx_av_semconv_event_value(const ngx_av_otlp_event_t *event, ngx_uint_t row)
{
    ngx_uint_t                   output;
    const ngx_av_semconv_row_t  *r;

    r = &ngx_av_semconv_rows[row];
    output = (r->field == NGX_AV_SEMCONV_OUTPUT);

    return ngx_av_semconv_find(&event->attributes,
                               r->kind == NGX_AV_SEMCONV_AS_CONTENT
                               ? &ngx_av_semconv_contents[output]
                               : &ngx_av_semconv_operation_messages[output]);
}


ngx_uint_t
ngx_av_semconv_is_source(const ngx_av_otlp_event_t *event, ngx_uint_t row)
{
    switch (ngx_av_semconv_rows[row].kind) {

    case NGX_AV_SEMCONV_AS_CONTENT:
    case NGX_AV_SEMCONV_AS_OPERATION:
        return ngx_av_semconv_event_value(event, row) != NULL;

    default:
        return 1;
    }
}


ngx_int_t
ngx_av_semconv_events(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    ngx_uint_t row, const ngx_str_t *role, ngx_str_t *text)
{
    const ngx_av_otlp_event_t  *event;
    const ngx_av_otlp_value_t  *system;

    static const ngx_str_t  instructions =
        ngx_string("gen_ai.system_instructions");

    switch (ngx_av_semconv_rows[row].kind) {

    case NGX_AV_SEMCONV_AS_CONTENT:
        event = ngx_av_semconv_last_event(w->span, row);

        return ngx_av_semconv_messages(w, b,
                                       ngx_av_semconv_event_value(event, row),
                                       NULL, role, text);

    case NGX_AV_SEMCONV_AS_OPERATION:
        event = ngx_av_semconv_last_event(w->span, row);
        system = NULL;

        if (ngx_av_semconv_rows[row].field == NGX_AV_SEMCONV_INPUT) {
            system = ngx_av_semconv_find(&event->attributes, &instructions);
        }

        return ngx_av_semconv_messages(w, b,
                                       ngx_av_semconv_event_value(event, row),
                                       system, role, text);

    default:
        return ngx_av_semconv_event_list(w, b, row, role, text);
    }
}


/* The event has the same meaning for the row's field as the row. */
static ngx_inline ngx_uint_t
ngx_av_semconv_is_like(const ngx_av_otlp_event_t *event, ngx_uint_t row)
{
    ngx_uint_t  r;

    r = ngx_av_semconv_row(NGX_AV_SEMCONV_IN_EVENTS, &event->name);

    for ( /* void */ ;
         r != NGX_AV_SEMCONV_NO_ROW;
         r = ngx_av_semconv_next_row(r))
    {
        if (ngx_av_semconv_rows[r].field == ngx_av_semconv_rows[row].field
            && ngx_av_semconv_rows[r].kind == ngx_av_semconv_rows[row].kind)
        {
            return ngx_av_semconv_is_source(event, r);
        }
    }

    return 0;
}


/* There is one, or the row would not have been chosen. */
static const ngx_av_otlp_event_t *
ngx_av_semconv_last_event(const ngx_av_otlp_span_t *span, ngx_uint_t row)
{
    ngx_uint_t                  i;
    const ngx_av_otlp_event_t  *events;

    events = span->events.elts;

    for (i = span->events.nelts - 1; i > 0; i--) {
        if (ngx_av_semconv_is_like(&events[i], row)) {
            break;
        }
    }

    return &events[i];
}


/* An array of what each of the events says. */
static ngx_int_t
ngx_av_semconv_event_list(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    ngx_uint_t row, const ngx_str_t *role, ngx_str_t *text)
{
    u_char                      before;
    ngx_uint_t                  i;
    const ngx_av_otlp_event_t  *events;

    ngx_av_semconv_reset(b);

    events = w->span->events.elts;
    before = '[';

    for (i = 0; i < w->span->events.nelts; i++) {

        if (!ngx_av_semconv_is_like(&events[i], row)) {
            continue;
        }

        if (ngx_av_buf_append(b, &before, 1) != NGX_OK
            || ngx_av_semconv_put_event(w, b, &events[i], row, role) != NGX_OK)
        {
            return NGX_ERROR;
        }

        before = ',';
    }

    if (ngx_av_put(b, "]") != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = b->start;
    text->len = ngx_av_buf_len(b);

    return NGX_OK;
}


static ngx_int_t
ngx_av_semconv_put_event(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_event_t *event, ngx_uint_t row, const ngx_str_t *role)
{
    ngx_str_t  own;

    if (ngx_av_semconv_rows[row].kind == NGX_AV_SEMCONV_AS_RESULTS) {
        return ngx_av_semconv_put_result(w, b, event);
    }

    own = ngx_av_semconv_event_role(&event->name, role);

    return ngx_av_semconv_put_chat(w, b, event, &own);
}


/*
 * A message, or a choice with one in it.  Most put the event's body into one
 * attribute, which the conventions once named gen_ai.event.content; others
 * have its members as attributes.
 */

static ngx_int_t
ngx_av_semconv_put_chat(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_event_t *event, const ngx_str_t *role)
{
    size_t                      len;
    ngx_int_t                   rc;
    const ngx_av_otlp_value_t  *body;

    static const ngx_str_t  content = ngx_string("gen_ai.event.content");

    body = ngx_av_semconv_find(&event->attributes, &content);

    if (body == NULL) {
        return ngx_av_semconv_put_attributes(w, b, event, role);
    }

    len = ngx_av_buf_len(b);

    rc = ngx_av_semconv_put_body(w, b, event, body, role);

    if (rc == NGX_DECLINED) {
        b->last = b->start + len;
        return ngx_av_semconv_put_attributes(w, b, event, role);
    }

    return rc;
}


static ngx_int_t
ngx_av_semconv_put_body(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_event_t *event, const ngx_av_otlp_value_t *body,
    const ngx_str_t *role)
{
    ngx_int_t      rc;
    yyjson_val    *message;
    ngx_av_json_t  json;

    rc = ngx_av_semconv_parse_tree(w, body, &json);
    if (rc != NGX_OK) {
        return rc;
    }

    message = yyjson_obj_get(json.root, "message");

    if (!yyjson_is_obj(message)) {
        message = json.root;
    }

    rc = yyjson_is_obj(message)
         ? ngx_av_semconv_put_message(w, b, message, role) : NGX_DECLINED;

    if (rc == NGX_OK) {
        rc = ngx_av_semconv_put_reason(w, b, event, json.root, message);
    }

    ngx_av_json_free(&json);

    return (rc == NGX_OK) ? ngx_av_put(b, "}") : rc;
}


/* Why a choice ended stands beside its message, there or in the event. */
static ngx_int_t
ngx_av_semconv_put_reason(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_event_t *event, yyjson_val *body, yyjson_val *message)
{
    yyjson_val                 *reason;
    const ngx_av_otlp_value_t  *value;

    static const ngx_str_t  key = ngx_string("finish_reason");

    if (yyjson_obj_get(message, "finish_reason")) {
        return NGX_OK;
    }

    reason = yyjson_obj_get(body, "finish_reason");
    value = ngx_av_semconv_find(&event->attributes, &key);

    if (!yyjson_is_str(reason) && value == NULL) {
        return NGX_OK;
    }

    if (ngx_av_put(b, ",\"finish_reason\":") != NGX_OK) {
        return NGX_ERROR;
    }

    if (yyjson_is_str(reason)) {
        return ngx_av_semconv_put_json(w, b, reason);
    }

    return ngx_av_otlp_value_json(b, value, w->limits.depth);
}


/* How a message's members are called, in it and in an event's attributes. */
static const struct {
    ngx_str_t  attribute;
    ngx_str_t  member;
} ngx_av_semconv_members[] = {
    { ngx_string("tool_calls"), ngx_string(",\"tool_calls\":") },
    { ngx_string("id"), ngx_string(",\"tool_call_id\":") },
    { ngx_string("name"), ngx_string(",\"name\":") },
    { ngx_string("finish_reason"), ngx_string(",\"finish_reason\":") }
};

#define NGX_AV_SEMCONV_NMEMBERS                                               \
    (sizeof(ngx_av_semconv_members) / sizeof(ngx_av_semconv_members[0]))


static ngx_int_t
ngx_av_semconv_put_attributes(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_event_t *event, const ngx_str_t *role)
{
    size_t                      len;
    ngx_int_t                   rc;
    ngx_str_t                   own;
    ngx_uint_t                  i;
    const ngx_str_t            *member;
    const ngx_av_otlp_value_t  *value;

    static const ngx_str_t  role_key = ngx_string("role");
    static const ngx_str_t  content_key = ngx_string("content");
    static const ngx_str_t  message_key = ngx_string("message");

    value = ngx_av_semconv_find(&event->attributes, &message_key);

    if (value) {
        len = ngx_av_buf_len(b);

        rc = ngx_av_semconv_put_body(w, b, event, value, role);
        if (rc != NGX_DECLINED) {
            return rc;
        }

        b->last = b->start + len;
    }

    own = *role;
    value = ngx_av_semconv_find(&event->attributes, &role_key);

    if (value && value->kind == NGX_AV_OTLP_STRING) {
        own = value->u.text;
    }

    if (ngx_av_put(b, "{\"role\":") != NGX_OK
        || ngx_av_semconv_put_string(b, &own, 0) != NGX_OK
        || ngx_av_put(b, ",\"content\":") != NGX_OK)
    {
        return NGX_ERROR;
    }

    value = ngx_av_semconv_find(&event->attributes, &content_key);

    if (value == NULL) {
        value = ngx_av_semconv_find(&event->attributes, &message_key);
    }

    rc = value ? ngx_av_semconv_put_value(w, b, value) : ngx_av_put(b, "null");
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < NGX_AV_SEMCONV_NMEMBERS; i++) {

        value = ngx_av_semconv_find(&event->attributes,
                                    &ngx_av_semconv_members[i].attribute);
        if (value == NULL) {
            continue;
        }

        member = &ngx_av_semconv_members[i].member;

        if (ngx_av_buf_append(b, member->data, member->len) != NGX_OK
            || ngx_av_semconv_put_value(w, b, value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_av_put(b, "}");
}


/* All attributes; in their names that of the event goes without saying. */
static ngx_int_t
ngx_av_semconv_put_result(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_event_t *event)
{
    u_char                          before;
    ngx_str_t                       key;
    ngx_uint_t                      i;
    const ngx_av_otlp_attribute_t  *attributes;

    attributes = event->attributes.elts;
    before = '{';

    for (i = 0; i < event->attributes.nelts; i++) {

        key = attributes[i].key;

        if (key.len > event->name.len + 1
            && key.data[event->name.len] == '.'
            && ngx_memcmp(key.data, event->name.data, event->name.len) == 0)
        {
            key.data += event->name.len + 1;
            key.len -= event->name.len + 1;
        }

        if (ngx_av_buf_append(b, &before, 1) != NGX_OK
            || ngx_av_semconv_put_string(b, &key, 0) != NGX_OK
            || ngx_av_put(b, ":") != NGX_OK
            || ngx_av_semconv_put_value(w, b, &attributes[i].value) != NGX_OK)
        {
            return NGX_ERROR;
        }

        before = ',';
    }

    return (before == '{') ? ngx_av_put(b, "{}") : ngx_av_put(b, "}");
}


/* gen_ai.<role>.message says who speaks; gen_ai.choice does not. */
static ngx_str_t
ngx_av_semconv_event_role(const ngx_str_t *name, const ngx_str_t *role)
{
    ngx_str_t  own;

    static const ngx_str_t  before = ngx_string("gen_ai.");
    static const ngx_str_t  after = ngx_string(".message");

    if (name->len <= before.len + after.len
        || ngx_memcmp(name->data + name->len - after.len, after.data,
                      after.len) != 0)
    {
        return *role;
    }

    own.data = name->data + before.len;
    own.len = name->len - before.len - after.len;

    return own;
}
