#include "ngx_av_otlp_json.h"

#include "ngx_av_json.h"
#include "ngx_av_otlp_json_types.h"


static ngx_int_t ngx_av_otlp_json_collect(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, yyjson_val *object,
    yyjson_val **vals);
static ngx_uint_t ngx_av_otlp_json_number(
    const ngx_av_otlp_message_t *message, yyjson_val *key, ngx_uint_t guess,
    ngx_uint_t *alias);
static ngx_uint_t ngx_av_otlp_json_is_alias(const ngx_str_t *name,
    const u_char *key, size_t len);
static ngx_int_t ngx_av_otlp_json_fields(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, yyjson_val **vals, u_char *dst);
static ngx_int_t ngx_av_otlp_json_list(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    yyjson_val *val, u_char *dst);
static ngx_int_t ngx_av_otlp_json_set(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    yyjson_val *val, u_char *place);
static ngx_int_t ngx_av_otlp_json_tree(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    yyjson_val *val, u_char *place);
static ngx_int_t ngx_av_otlp_json_children(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    yyjson_val *values);
static ngx_int_t ngx_av_otlp_json_root(ngx_av_otlp_decoder_t *d,
    yyjson_val *root);
static ngx_int_t ngx_av_otlp_json_deliver(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message, yyjson_val *object);
static ngx_int_t ngx_av_otlp_json_stream(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message, yyjson_val **vals);
static ngx_int_t ngx_av_otlp_json_data(ngx_av_otlp_decoder_t *d);


static ngx_str_t  ngx_av_otlp_json_values = ngx_string("values");


/* messages */


ngx_int_t
ngx_av_otlp_json_message(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, yyjson_val *object, u_char *dst)
{
    ngx_int_t    rc;
    yyjson_val  *vals[NGX_AV_OTLP_MAX_FIELD + 1];

    rc = ngx_av_otlp_json_collect(r, message, object, vals);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_av_otlp_json_fields(r, message, vals, dst);
}


/*
 * Finds the values of an object by their fields' numbers: NULL if absent or
 * null.  The last of several counts, of a oneof's members too, but none by its
 * snake_case name if there is one by the right name.
 */

static ngx_int_t
ngx_av_otlp_json_collect(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, yyjson_val *object,
    yyjson_val **vals)
{
    uint32_t          exact;
    ngx_uint_t        n, guess, alias, one;
    yyjson_val       *key, *val;
    yyjson_obj_iter   iter;

    ngx_memzero(vals, (message->last + 1) * sizeof(yyjson_val *));

    if (yyjson_is_null(object)) {
        return NGX_OK;
    }

    if (!yyjson_obj_iter_init(object, &iter)) {
        return ngx_av_otlp_error(r, message, NULL, "must be an object");
    }

    one = 0;
    exact = 0;
    guess = 1;

    while ((key = yyjson_obj_iter_next(&iter))) {

        val = yyjson_obj_iter_get_val(key);

        if (yyjson_is_null(val)) {
            continue;
        }

        n = ngx_av_otlp_json_number(message, key, guess, &alias);
        if (n == 0) {
            continue;
        }

        if (alias) {

            if (exact & ((uint32_t) 1 << n)) {
                continue;
            }

        } else {
            exact |= (uint32_t) 1 << n;
        }

        if (message->fields[n].one_of) {
            vals[one] = NULL;
            one = n;
        }

        vals[n] = val;
        guess = n + 1;
    }

    return NGX_OK;
}


/* The number of a field by its name, 0 if there is none. */
static ngx_uint_t
ngx_av_otlp_json_number(const ngx_av_otlp_message_t *message, yyjson_val *key,
    ngx_uint_t guess, ngx_uint_t *alias)
{
    size_t                      len;
    ngx_uint_t                  i, n;
    const u_char               *p;
    const ngx_av_otlp_field_t  *field;

    p = (u_char *) unsafe_yyjson_get_str(key);
    len = unsafe_yyjson_get_len(key);

    *alias = 0;

    if (len == 0) {
        return 0;
    }

    /* senders have a habit of writing fields in the schema's order */

    for (i = 0, n = guess; i <= message->last; i++, n++) {

        if (n > message->last) {
            n = 0;
        }

        field = &message->fields[n];

        if (field->name.len == len
            && ngx_memcmp(field->name.data, p, len) == 0)
        {
            return n;
        }
    }

    if (memchr(p, '_', len) == NULL) {
        return 0;
    }

    *alias = 1;

    for (n = 1; n <= message->last; n++) {
        if (ngx_av_otlp_json_is_alias(&message->fields[n].name, p, len)) {
            return n;
        }
    }

    return 0;
}


/* Whether a key is the snake_case form of a name. */
static ngx_uint_t
ngx_av_otlp_json_is_alias(const ngx_str_t *name, const u_char *key, size_t len)
{
    size_t         i;
    const u_char  *end;

    end = key + len;

    for (i = 0; i < name->len && key < end; i++, key++) {

        if (name->data[i] >= 'A' && name->data[i] <= 'Z') {

            if (*key++ != '_' || key == end
                || *key != (name->data[i] | 0x20))
            {
                return 0;
            }

            continue;
        }

        if (*key != name->data[i]) {
            return 0;
        }
    }

    return i != 0 && i == name->len && key == end;
}


static ngx_int_t
ngx_av_otlp_json_fields(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, yyjson_val **vals, u_char *dst)
{
    ngx_int_t                   rc;
    ngx_uint_t                  n;
    const ngx_av_otlp_field_t  *field;

    for (n = 1; n <= message->last; n++) {

        field = &message->fields[n];

        if (vals[n] == NULL || field->count == NGX_AV_OTLP_STREAM) {
            continue;
        }

        ngx_av_otlp_set_mark(field, dst);

        rc = (field->count == NGX_AV_OTLP_MANY)
             ? ngx_av_otlp_json_list(r, message, field, vals[n], dst)
             : ngx_av_otlp_json_set(r, message, field, vals[n],
                                    dst + field->offset);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_json_list(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    yyjson_val *val, u_char *dst)
{
    u_char           *place;
    size_t            size;
    ngx_int_t         rc;
    yyjson_val       *item;
    yyjson_arr_iter   iter;

    if (!yyjson_arr_iter_init(val, &iter)) {
        return ngx_av_otlp_error(r, message, field, "must be an array");
    }

    size = field->child ? field->child->size : sizeof(uint64_t);

    while ((item = yyjson_arr_iter_next(&iter))) {

        rc = ngx_av_otlp_place(r, field, dst, size, &place);
        if (rc != NGX_OK) {
            return rc;
        }

        rc = ngx_av_otlp_json_set(r, message, field, item, place);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_json_set(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    yyjson_val *val, u_char *place)
{
    const char  *must;

    switch (field->type) {

    case NGX_AV_OTLP_MESSAGE:
        return ngx_av_otlp_json_message(r, field->child, val, place);

    case NGX_AV_OTLP_TREE:
        return ngx_av_otlp_json_tree(r, message, field, val, place);

    case NGX_AV_OTLP_DATA:

        ((ngx_av_otlp_value_t *)
                (place - offsetof(ngx_av_otlp_value_t, u)))->u.tree.where = val;
        return NGX_OK;

    default:

        must = ngx_av_otlp_json_scalar(field, val, place);

        return must ? ngx_av_otlp_error(r, message, field, must) : NGX_OK;
    }
}


/* ArrayValue and KeyValueList: {"values":[]} */
static ngx_int_t
ngx_av_otlp_json_tree(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    yyjson_val *val, u_char *place)
{
    yyjson_val           *key, *item, *values;
    yyjson_obj_iter       iter;
    ngx_av_otlp_value_t  *value;

    value = (ngx_av_otlp_value_t *) (place - offsetof(ngx_av_otlp_value_t, u));

    if (!yyjson_obj_iter_init(val, &iter)) {
        return ngx_av_otlp_error(r, message, field, "must be an object");
    }

    values = NULL;

    while ((key = yyjson_obj_iter_next(&iter))) {

        item = yyjson_obj_iter_get_val(key);

        if (!yyjson_is_null(item)
            && yyjson_equals_strn(key, (char *) ngx_av_otlp_json_values.data,
                                  ngx_av_otlp_json_values.len))
        {
            values = item;
        }
    }

    value->encoding = NGX_AV_OTLP_JSON;
    value->u.tree.where = values;
    value->u.tree.len = 0;

    if (values == NULL || r->shallow) {
        return NGX_OK;
    }

    return ngx_av_otlp_json_children(r, message, field, values);
}


/* Checks the children of an array or a kvlist, and theirs. */
static ngx_int_t
ngx_av_otlp_json_children(ngx_av_otlp_reader_t *r,
    const ngx_av_otlp_message_t *message, const ngx_av_otlp_field_t *field,
    yyjson_val *values)
{
    ngx_int_t                 rc;
    yyjson_val               *item;
    yyjson_arr_iter           iter;
    ngx_av_otlp_attribute_t   ignored;

    if (!yyjson_arr_iter_init(values, &iter)) {
        return ngx_av_otlp_error(r, message, field,
                                 "must have an array of values");
    }

    if (r->depth == 0) {
        return ngx_av_otlp_error(r, message, field, "is nested too deeply");
    }

    ngx_memzero(&ignored, sizeof(ngx_av_otlp_attribute_t));

    r->depth--;

    while ((item = yyjson_arr_iter_next(&iter))) {

        rc = ngx_av_otlp_json_message(r, field->child, item,
                                      (u_char *) &ignored);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    r->depth++;

    return NGX_OK;
}


/* requests */


ngx_int_t
ngx_av_otlp_json_request(ngx_av_otlp_decoder_t *d, const u_char *p,
    size_t len)
{
    ngx_int_t              rc;
    ngx_av_json_t          json;
    ngx_av_otlp_result_t  *result;

    rc = ngx_av_json_parse_counted(&json, p, len, d->limits->memory,
                                   d->limits->account);

    if (rc == NGX_OK) {
        rc = ngx_av_otlp_json_root(d, json.root);

    } else if (rc == NGX_DECLINED) {

        result = d->reader.result;
        result->offset = json.offset;
        result->error.data = result->text;
        result->error.len = ngx_slprintf(result->text,
                                         result->text + NGX_AV_OTLP_ERROR_LEN,
                                         "invalid JSON: %V at byte %ui",
                                         &json.error, (ngx_uint_t) json.offset)
                            - result->text;
    }

    ngx_av_json_free(&json);

    return rc;
}


static ngx_int_t
ngx_av_otlp_json_root(ngx_av_otlp_decoder_t *d, yyjson_val *root)
{
    ngx_int_t     rc;
    ngx_uint_t    signal;
    yyjson_val   *vals[NGX_AV_OTLP_MAX_FIELD + 1];

    if (!yyjson_is_obj(root)) {
        return ngx_av_otlp_error(&d->reader, ngx_av_otlp_requests[d->signal],
                                 NULL, "must be an object");
    }

    rc = ngx_av_otlp_json_collect(&d->reader, ngx_av_otlp_requests[d->signal],
                                  root, vals);
    if (rc != NGX_OK) {
        return rc;
    }

    d->reader.result->present = (vals[1] != NULL);

    for (signal = 0;
         signal <= NGX_AV_OTLP_LOGS && !d->reader.result->present;
         signal++)
    {
        rc = ngx_av_otlp_json_collect(&d->reader,
                                      ngx_av_otlp_requests[signal], root,
                                      vals);
        if (rc != NGX_OK) {
            return rc;
        }

        if (vals[1]) {
            return ngx_av_otlp_error_signal(&d->reader, d->signal, signal);
        }
    }

    return ngx_av_otlp_json_deliver(d, ngx_av_otlp_requests[d->signal], root);
}


static ngx_int_t
ngx_av_otlp_json_deliver(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message, yyjson_val *object)
{
    u_char              *dst;
    ngx_int_t            rc;
    yyjson_val          *vals[NGX_AV_OTLP_MAX_FIELD + 1];
    ngx_av_otlp_mark_t   mark;

    rc = ngx_av_otlp_json_collect(&d->reader, message, object, vals);
    if (rc != NGX_OK) {
        return rc;
    }

    mark = d->scratch.top;
    dst = ngx_av_otlp_begin(d, message);

    rc = ngx_av_otlp_json_fields(&d->reader, message, vals, dst);

    if (rc == NGX_OK) {
        rc = ngx_av_otlp_deliver(d, message);
    }

    if (rc == NGX_OK) {

        switch (message->role) {

        case NGX_AV_OTLP_REQUEST:
        case NGX_AV_OTLP_RESOURCE:
        case NGX_AV_OTLP_SCOPE:
        case NGX_AV_OTLP_METRIC_DATA:
            rc = ngx_av_otlp_json_stream(d, message, vals);
            break;

        case NGX_AV_OTLP_METRIC:
            rc = ngx_av_otlp_json_data(d);
            break;

        default:
            break;
        }
    }

    ngx_av_otlp_scratch_release(&d->scratch, mark);

    return rc;
}


static ngx_int_t
ngx_av_otlp_json_stream(ngx_av_otlp_decoder_t *d,
    const ngx_av_otlp_message_t *message, yyjson_val **vals)
{
    ngx_int_t                   rc;
    ngx_uint_t                  number;
    yyjson_val                 *item;
    yyjson_arr_iter             iter;
    ngx_av_otlp_level_t        *level;
    const ngx_av_otlp_field_t  *field;

    number = ngx_av_otlp_streamed(message);
    field = &message->fields[number];

    if (vals[number] == NULL) {
        return NGX_OK;
    }

    if (!yyjson_arr_iter_init(vals[number], &iter)) {
        return ngx_av_otlp_error(&d->reader, message, field,
                                 "must be an array");
    }

    level = ngx_av_otlp_enter(&d->reader, &field->name, 0);

    while ((item = yyjson_arr_iter_next(&iter))) {

        rc = ngx_av_otlp_json_deliver(d, field->child, item);
        if (rc != NGX_OK) {
            return rc;
        }

        level->index++;
    }

    ngx_av_otlp_leave(&d->reader);

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_json_data(ngx_av_otlp_decoder_t *d)
{
    ngx_int_t                     rc;
    const ngx_av_otlp_message_t  *message;

    message = ngx_av_otlp_data[d->metric.type];

    if (message == NULL) {
        return NGX_OK;
    }

    (void) ngx_av_otlp_enter(&d->reader, &message->name, NGX_AV_OTLP_NO_INDEX);

    rc = ngx_av_otlp_json_deliver(d, message,
                                  (yyjson_val *) d->metric.data.u.tree.where);
    ngx_av_otlp_leave(&d->reader);

    return rc;
}
