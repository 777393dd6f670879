#include "ngx_av_semconv_work.h"

#include "ngx_av_text.h"


/* How a call of a tool is shown: its beginning and the names of its members. */
typedef struct {
    ngx_str_t   open;
    ngx_str_t   id;
    ngx_str_t   name;
    ngx_str_t   arguments;
    ngx_str_t   raw;            /* before arguments that are no JSON */
    ngx_str_t   raw_end;
} ngx_av_semconv_call_form_t;


static ngx_int_t ngx_av_semconv_ai_values(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *values, ngx_str_t *text);
static ngx_uint_t ngx_av_semconv_is_json_string(
    const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_put_ai_value(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_put_calls(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *value,
    const ngx_av_semconv_call_form_t *form);
static ngx_int_t ngx_av_semconv_put_call(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *call,
    const ngx_av_semconv_call_form_t *form);
static ngx_int_t ngx_av_semconv_put_call_arguments(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *val,
    const ngx_av_semconv_call_form_t *form);


#define ngx_av_put(b, text)  ngx_av_buf_append(b, text, sizeof(text) - 1)


/* as messages of the other conventions have it (otlp.md 10.4) */

static const ngx_av_semconv_call_form_t  ngx_av_semconv_message_call = {
    ngx_string("{"),
    ngx_string("\"id\":"),
    ngx_string("\"name\":"),
    ngx_string("\"arguments\":"),
    ngx_null_string,
    ngx_null_string
};


/* agentmark.md 6 */

static const ngx_av_semconv_call_form_t  ngx_av_semconv_detail_call = {
    ngx_string("{\"type\":\"tool-call\","),
    ngx_string("\"toolCallId\":"),
    ngx_string("\"toolName\":"),
    ngx_string("\"args\":"),
    ngx_string("{\"raw\":"),
    ngx_string("}")
};


/* The outer span repeats the tokens of its calls. */

void
ngx_av_semconv_ai_tokens(ngx_av_semconv_work_t *w)
{
    if (!ngx_av_semconv_has(w, NGX_AV_SEMCONV_AI_TOKENS)
        || ngx_av_semconv_has(w, NGX_AV_SEMCONV_INPUT_TOKENS)
        || !ngx_av_semconv_ai_embeds(w))
    {
        return;
    }

    ngx_av_semconv_set_row(w, NGX_AV_SEMCONV_INPUT_TOKENS,
                           w->row[NGX_AV_SEMCONV_AI_TOKENS]);
    w->slots[NGX_AV_SEMCONV_INPUT_TOKENS].count =
                                      w->slots[NGX_AV_SEMCONV_AI_TOKENS].count;
}


ngx_int_t
ngx_av_semconv_ai_value(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_str_t *text)
{
    ngx_int_t      rc;
    ngx_av_json_t  json;

    if (value->kind == NGX_AV_OTLP_ARRAY) {
        return ngx_av_semconv_ai_values(w, b, value, text);
    }

    if (!ngx_av_semconv_is_json_string(value)) {
        rc = ngx_av_semconv_text(w, b, value, text);

        return (rc == NGX_OK) ? ngx_av_semconv_clean(b, text, 0, text) : rc;
    }

    rc = ngx_av_semconv_parse(w, &value->u.text, &json);

    if (rc == NGX_DECLINED) {
        return ngx_av_semconv_clean(b, &value->u.text, 0, text);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_av_semconv_reset(b);

    rc = ngx_av_text_append_repaired(b, (u_char *) yyjson_get_str(json.root),
                                     yyjson_get_len(json.root));
    ngx_av_json_free(&json);

    text->data = b->start;
    text->len = ngx_av_buf_len(b);

    return (rc == NGX_OK && text->len == 0) ? NGX_DECLINED : rc;
}


static ngx_int_t
ngx_av_semconv_ai_values(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *values, ngx_str_t *text)
{
    u_char                    before;
    ngx_int_t                 rc;
    ngx_av_otlp_iter_t        iter;
    ngx_av_otlp_attribute_t   child;

    ngx_av_semconv_reset(b);

    ngx_av_otlp_iter_init(&iter, values);

    for (before = '['; ngx_av_otlp_iter_next(&iter, &child); before = ',') {

        if (ngx_av_buf_append(b, &before, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_av_semconv_put_ai_value(w, b, &child.value);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (before == '[') {
        return NGX_DECLINED;
    }

    if (ngx_av_put(b, "]") != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = b->start;
    text->len = ngx_av_buf_len(b);

    return NGX_OK;
}


static ngx_uint_t
ngx_av_semconv_is_json_string(const ngx_av_otlp_value_t *value)
{
    return value->kind == NGX_AV_OTLP_STRING && value->u.text.len >= 2
           && value->u.text.data[0] == '"';
}


static ngx_int_t
ngx_av_semconv_put_ai_value(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value)
{
    ngx_int_t      rc;
    ngx_av_json_t  json;

    if (!ngx_av_semconv_is_json_string(value)) {
        return ngx_av_semconv_put_value(w, b, value);
    }

    rc = ngx_av_semconv_parse(w, &value->u.text, &json);

    if (rc == NGX_OK) {
        rc = ngx_av_semconv_put_json(w, b, json.root);
        ngx_av_json_free(&json);
    }

    return (rc == NGX_DECLINED)
           ? ngx_av_semconv_put_string(b, &value->u.text, 0) : rc;
}


ngx_int_t
ngx_av_semconv_ai_calls(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_str_t *text)
{
    ngx_int_t  rc;

    ngx_av_semconv_reset(b);

    if (ngx_av_put(b, "[{\"role\":\"assistant\",\"content\":null,"
                      "\"tool_calls\":")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_semconv_put_calls(w, b, value, &ngx_av_semconv_message_call);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_put(b, "}]") != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = b->start;
    text->len = ngx_av_buf_len(b);

    return NGX_OK;
}


ngx_int_t
ngx_av_semconv_put_ai_calls(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value)
{
    return ngx_av_semconv_put_calls(w, b, value, &ngx_av_semconv_detail_call);
}


/*
 * Appends an array of calls.  NGX_DECLINED if there are none, or something
 * else is among them, b being as it was.
 */

static ngx_int_t
ngx_av_semconv_put_calls(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, const ngx_av_semconv_call_form_t *form)
{
    size_t            start;
    u_char            before;
    ngx_int_t         rc;
    yyjson_val       *call;
    ngx_av_json_t     json;
    yyjson_arr_iter   iter;

    rc = ngx_av_semconv_parse_tree(w, value, &json);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = NGX_DECLINED;
    start = ngx_av_buf_len(b);

    (void) yyjson_arr_iter_init(json.root, &iter);

    for (before = '[';
         (call = yyjson_arr_iter_next(&iter)) != NULL;
         before = ',')
    {
        rc = ngx_av_buf_append(b, &before, 1);

        if (rc == NGX_OK) {
            rc = ngx_av_semconv_put_call(w, b, call, form);
        }

        if (rc != NGX_OK) {
            break;
        }
    }

    ngx_av_json_free(&json);

    if (rc == NGX_DECLINED) {
        b->last = b->start + start;
    }

    return (rc == NGX_OK) ? ngx_av_put(b, "]") : rc;
}


static ngx_int_t
ngx_av_semconv_put_call(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *call, const ngx_av_semconv_call_form_t *form)
{
    ngx_int_t    rc;
    yyjson_val  *id, *name, *arguments;

    id = yyjson_obj_get(call, "toolCallId");
    name = yyjson_obj_get(call, "toolName");
    arguments = yyjson_obj_get(call, "input");

    if (arguments == NULL) {
        arguments = yyjson_obj_get(call, "args");   /* before version 5 */
    }

    if (!yyjson_is_str(name)) {
        return NGX_DECLINED;
    }

    if (ngx_av_buf_append(b, form->open.data, form->open.len) != NGX_OK) {
        return NGX_ERROR;
    }

    if (yyjson_is_str(id)
        && (ngx_av_buf_append(b, form->id.data, form->id.len) != NGX_OK
            || ngx_av_semconv_put_json(w, b, id) != NGX_OK
            || ngx_av_put(b, ",") != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (ngx_av_buf_append(b, form->name.data, form->name.len) != NGX_OK
        || ngx_av_semconv_put_json(w, b, name) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (arguments != NULL && !yyjson_is_null(arguments)) {

        if (ngx_av_put(b, ",") != NGX_OK
            || ngx_av_buf_append(b, form->arguments.data, form->arguments.len)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_av_semconv_put_call_arguments(w, b, arguments, form);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_av_put(b, "}");
}


/* The SDK has them as what they are, or as they came from the model: text. */

static ngx_int_t
ngx_av_semconv_put_call_arguments(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *val, const ngx_av_semconv_call_form_t *form)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    ngx_av_json_t  json;

    if (!yyjson_is_str(val)) {
        return ngx_av_semconv_put_json(w, b, val);
    }

    text.data = (u_char *) yyjson_get_str(val);
    text.len = yyjson_get_len(val);

    rc = ngx_av_semconv_parse(w, &text, &json);

    if (rc == NGX_OK) {
        rc = ngx_av_semconv_put_json(w, b, json.root);
        ngx_av_json_free(&json);
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_av_buf_append(b, form->raw.data, form->raw.len) != NGX_OK
        || ngx_av_semconv_put_json(w, b, val) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_buf_append(b, form->raw_end.data, form->raw_end.len);
}
