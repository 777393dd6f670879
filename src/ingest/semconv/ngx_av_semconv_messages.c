#include "ngx_av_semconv_work.h"


static ngx_int_t ngx_av_semconv_put_system(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *system);
static ngx_int_t ngx_av_semconv_put_messages(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *val, const ngx_str_t *role);
static ngx_int_t ngx_av_semconv_put_array(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *array, const ngx_str_t *role);
static ngx_int_t ngx_av_semconv_put_plain(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *value,
    const ngx_av_otlp_value_t *system, const ngx_str_t *role,
    ngx_str_t *text);
static ngx_int_t ngx_av_semconv_put_role(ngx_av_buf_t *b,
    const ngx_str_t *role);
static ngx_int_t ngx_av_semconv_put_prompt(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *prompt);
static ngx_int_t ngx_av_semconv_put_others(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *message);
static yyjson_val *ngx_av_semconv_part_text(yyjson_val *part);
static ngx_uint_t ngx_av_semconv_all_text(yyjson_val *parts);
static ngx_int_t ngx_av_semconv_close(ngx_av_buf_t *b, ngx_str_t *text);


static const ngx_str_t  ngx_av_semconv_system = ngx_string("system");
static const ngx_str_t  ngx_av_semconv_user = ngx_string("user");


#define ngx_av_put(b, text)  ngx_av_buf_append(b, text, sizeof(text) - 1)


ngx_int_t
ngx_av_semconv_messages(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, const ngx_av_otlp_value_t *system,
    const ngx_str_t *role, ngx_str_t *text)
{
    ngx_int_t      rc;
    ngx_av_json_t  json;

    ngx_av_semconv_reset(b);

    if (ngx_av_put(b, "[") != NGX_OK) {
        return NGX_ERROR;
    }

    if (system && ngx_av_semconv_put_system(w, b, system) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_av_semconv_parse_tree(w, value, &json);

    if (rc == NGX_OK) {
        rc = ngx_av_semconv_put_messages(w, b, json.root, role);
        ngx_av_json_free(&json);
    }

    if (rc == NGX_DECLINED) {
        return ngx_av_semconv_put_plain(w, b, value, system, role, text);
    }

    return (rc == NGX_OK) ? ngx_av_semconv_close(b, text) : rc;
}


/* What is no messages: one message of it after the system's, or the text. */
static ngx_int_t
ngx_av_semconv_put_plain(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, const ngx_av_otlp_value_t *system,
    const ngx_str_t *role, ngx_str_t *text)
{
    ngx_int_t  rc;
    ngx_str_t  plain;

    if (system == NULL) {
        rc = ngx_av_semconv_text(w, b, value, &plain);

        return (rc == NGX_OK) ? ngx_av_semconv_clean(b, &plain, 0, text) : rc;
    }

    rc = ngx_av_semconv_text(w, &w->json, value, &plain);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_semconv_put_role(b, role) != NGX_OK
        || ngx_av_put(b, ",\"content\":") != NGX_OK
        || ngx_av_semconv_put_string(b, &plain, 0) != NGX_OK
        || ngx_av_put(b, "},") != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_semconv_close(b, text);
}


/* The instructions are text, or parts of a message. */
static ngx_int_t
ngx_av_semconv_put_system(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *system)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    ngx_av_json_t  json;

    if (ngx_av_semconv_put_role(b, &ngx_av_semconv_system) != NGX_OK
        || ngx_av_put(b, ",\"content\":") != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_semconv_parse_tree(w, system, &json);

    if (rc == NGX_OK) {
        rc = ngx_av_semconv_put_content(w, b, json.root);
        ngx_av_json_free(&json);
    }

    if (rc == NGX_DECLINED) {
        ngx_str_null(&text);

        if (ngx_av_semconv_text(w, &w->json, system, &text) == NGX_ERROR) {
            return NGX_ERROR;
        }

        rc = ngx_av_semconv_put_string(b, &text, 0);
    }

    return (rc == NGX_OK) ? ngx_av_put(b, "},") : rc;
}


/*
 * An array of messages, one message, or {"messages": ...}; each ends with a
 * comma.  NGX_DECLINED if it is none, or is nested too deeply: b is as it was.
 */

static ngx_int_t
ngx_av_semconv_put_messages(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *val, const ngx_str_t *role)
{
    size_t      len;
    ngx_int_t   rc;
    yyjson_val  *messages;

    len = ngx_av_buf_len(b);

    messages = yyjson_obj_get(val, "messages");

    if (yyjson_is_arr(messages)) {
        val = messages;
    }

    if (yyjson_is_arr(val)) {
        rc = ngx_av_semconv_put_array(w, b, val, role);

    } else if (yyjson_obj_get(val, "role") || yyjson_obj_get(val, "parts")) {
        rc = ngx_av_semconv_put_message(w, b, val, role);

        if (rc == NGX_OK) {
            rc = ngx_av_put(b, "},");
        }

    } else {
        rc = NGX_DECLINED;
    }

    if (rc == NGX_DECLINED) {
        b->last = b->start + len;
    }

    return rc;
}


/*
 * Texts are messages of the role.  An array of anything else, say of numbers
 * or of parts, is none of messages.
 */

static ngx_int_t
ngx_av_semconv_put_array(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *array, const ngx_str_t *role)
{
    ngx_int_t         rc;
    yyjson_val       *item;
    yyjson_arr_iter   iter;

    yyjson_arr_iter_init(array, &iter);

    while ((item = yyjson_arr_iter_next(&iter)) != NULL) {

        if (yyjson_is_obj(item)
            && (yyjson_obj_get(item, "role") || yyjson_obj_get(item, "parts")
                || yyjson_obj_get(item, "content")))
        {
            rc = ngx_av_semconv_put_message(w, b, item, role);

        } else if (yyjson_is_str(item)) {

            if (ngx_av_semconv_put_role(b, role) != NGX_OK
                || ngx_av_put(b, ",\"content\":") != NGX_OK)
            {
                return NGX_ERROR;
            }

            rc = ngx_av_semconv_put_json(w, b, item);

        } else {
            return NGX_DECLINED;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_av_put(b, "},") != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_semconv_put_message(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *message, const ngx_str_t *role)
{
    ngx_int_t    rc;
    ngx_str_t    own;
    yyjson_val  *val;

    own = *role;
    val = yyjson_obj_get(message, "role");

    if (yyjson_is_str(val) && yyjson_get_len(val)) {
        own.data = (u_char *) yyjson_get_str(val);
        own.len = yyjson_get_len(val);
    }

    if (ngx_av_semconv_put_role(b, &own) != NGX_OK
        || ngx_av_put(b, ",\"content\":") != NGX_OK)
    {
        return NGX_ERROR;
    }

    val = yyjson_obj_get(message, "parts");

    if (val == NULL) {
        val = yyjson_obj_get(message, "content");
    }

    rc = ngx_av_semconv_put_content(w, b, val);

    return (rc == NGX_OK) ? ngx_av_semconv_put_others(w, b, message) : rc;
}


static ngx_int_t
ngx_av_semconv_put_others(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *message)
{
    ngx_int_t         rc;
    ngx_uint_t        parts;
    yyjson_val       *key, *val;
    yyjson_obj_iter   iter;

    parts = (yyjson_obj_get(message, "parts") != NULL);

    yyjson_obj_iter_init(message, &iter);

    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {

        val = yyjson_obj_iter_get_val(key);

        if (yyjson_equals_str(key, "role") || yyjson_equals_str(key, "parts")
            || yyjson_equals_str(key, "content"))
        {
            continue;
        }

        /* parts are content: a null beside them says nothing */

        if (parts && yyjson_is_null(val)) {
            continue;
        }

        if (ngx_av_put(b, ",") != NGX_OK
            || ngx_av_semconv_put_json(w, b, key) != NGX_OK
            || ngx_av_put(b, ":") != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_av_semconv_put_json(w, b, val);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_semconv_put_role(ngx_av_buf_t *b, const ngx_str_t *role)
{
    if (ngx_av_put(b, "{\"role\":") != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_av_semconv_put_string(b, role, 0);
}


/* Parts that are all text become one; anything else stays as it is. */
ngx_int_t
ngx_av_semconv_put_content(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *val)
{
    ngx_str_t         text;
    yyjson_val       *part, *content;
    yyjson_arr_iter   iter;

    if (val == NULL) {
        return ngx_av_put(b, "null");
    }

    if (!yyjson_is_arr(val) || !ngx_av_semconv_all_text(val)) {
        return ngx_av_semconv_put_json(w, b, val);
    }

    ngx_av_semconv_reset(&w->joined);

    yyjson_arr_iter_init(val, &iter);

    while ((part = yyjson_arr_iter_next(&iter)) != NULL) {

        content = ngx_av_semconv_part_text(part);

        if (ngx_av_buf_append(&w->joined, yyjson_get_str(content),
                              yyjson_get_len(content)) != NGX_OK
            || ngx_av_put(&w->joined, "\n") != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    text.data = w->joined.start;
    text.len = ngx_av_buf_len(&w->joined);
    text.len -= (text.len != 0);

    return ngx_av_semconv_put_string(b, &text, 0);
}


/* The text of a part of type text, or NULL. */
static yyjson_val *
ngx_av_semconv_part_text(yyjson_val *part)
{
    yyjson_val  *text;

    if (!yyjson_equals_str(yyjson_obj_get(part, "type"), "text")) {
        return NULL;
    }

    text = yyjson_obj_get(part, "content");

    if (!yyjson_is_str(text)) {
        text = yyjson_obj_get(part, "text");
    }

    return yyjson_is_str(text) ? text : NULL;
}


static ngx_uint_t
ngx_av_semconv_all_text(yyjson_val *parts)
{
    yyjson_val       *part;
    yyjson_arr_iter   iter;

    yyjson_arr_iter_init(parts, &iter);

    while ((part = yyjson_arr_iter_next(&iter)) != NULL) {
        if (ngx_av_semconv_part_text(part) == NULL) {
            return 0;
        }
    }

    return 1;
}


/* Ends the array, each of whose elements ends with a comma. */
static ngx_int_t
ngx_av_semconv_close(ngx_av_buf_t *b, ngx_str_t *text)
{
    if (b->last[-1] == ',') {
        b->last--;
    }

    if (ngx_av_put(b, "]") != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = b->start;
    text->len = ngx_av_buf_len(b);

    return NGX_OK;
}


ngx_int_t
ngx_av_semconv_ai_prompt(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_str_t *text)
{
    ngx_int_t      rc;
    ngx_av_json_t  json;

    ngx_av_semconv_reset(b);

    rc = ngx_av_semconv_parse_tree(w, value, &json);

    if (rc == NGX_OK) {
        rc = ngx_av_semconv_put_prompt(w, b, json.root);
        ngx_av_json_free(&json);
    }

    if (rc == NGX_DECLINED) {
        return ngx_av_semconv_messages(w, b, value, NULL, &ngx_av_semconv_user,
                                       text);
    }

    return (rc == NGX_OK) ? ngx_av_semconv_close(b, text) : rc;
}


/* {"system", "prompt" or "messages"}, either of which may be messages. */
static ngx_int_t
ngx_av_semconv_put_prompt(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *prompt)
{
    ngx_int_t    rc;
    yyjson_val  *system, *messages;

    system = yyjson_obj_get(prompt, "system");
    messages = yyjson_obj_get(prompt, "messages");

    if (messages == NULL || yyjson_is_null(messages)) {
        messages = yyjson_obj_get(prompt, "prompt");
    }

    if (!yyjson_is_str(system) && messages == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_av_put(b, "[") != NGX_OK) {
        return NGX_ERROR;
    }

    if (yyjson_is_str(system)) {

        if (ngx_av_semconv_put_role(b, &ngx_av_semconv_system) != NGX_OK
            || ngx_av_put(b, ",\"content\":") != NGX_OK
            || ngx_av_semconv_put_json(w, b, system) != NGX_OK
            || ngx_av_put(b, "},") != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (messages == NULL) {
        return NGX_OK;
    }

    if (!yyjson_is_str(messages)) {
        return ngx_av_semconv_put_messages(w, b, messages,
                                           &ngx_av_semconv_user);
    }

    if (ngx_av_semconv_put_role(b, &ngx_av_semconv_user) != NGX_OK
        || ngx_av_put(b, ",\"content\":") != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_av_semconv_put_json(w, b, messages);

    return (rc == NGX_OK) ? ngx_av_put(b, "},") : rc;
}
