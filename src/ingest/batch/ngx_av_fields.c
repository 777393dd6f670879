#include "ngx_av_fields.h"

#include "ngx_av_columns.h"
#include "ngx_av_text.h"


typedef struct {
    ngx_str_t    name;
    ngx_uint_t   value;
} ngx_av_word_t;


typedef ngx_int_t (*ngx_av_fields_decode_pt)(ngx_av_value_t *value,
    ngx_av_place_t *place);


static void ngx_av_fields_resolve(const ngx_av_table_t *table,
    ngx_av_value_t *values);
static ngx_int_t ngx_av_fields_uuid(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_trace_id(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_time(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_start(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_count(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_msec(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_integer(ngx_av_value_t *value, int64_t max,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_money(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_bool(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_status(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_type(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_agent(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_label(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_text(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_json(ngx_av_value_t *value,
    ngx_av_place_t *place);
static ngx_int_t ngx_av_fields_object(ngx_av_value_t *value,
    ngx_av_place_t *place);
static const ngx_av_word_t *ngx_av_fields_word(const ngx_av_word_t *words,
    yyjson_val *val);


/* by ngx_av_kind_e */
static const ngx_av_fields_decode_pt  ngx_av_fields_decoders[] = {
    ngx_av_fields_uuid,
    ngx_av_fields_trace_id,
    ngx_av_fields_time,
    ngx_av_fields_start,
    ngx_av_fields_count,
    ngx_av_fields_msec,
    ngx_av_fields_money,
    ngx_av_fields_bool,
    ngx_av_fields_status,
    ngx_av_fields_type,
    ngx_av_fields_agent,
    ngx_av_fields_label,
    ngx_av_fields_text,
    ngx_av_fields_json,
    ngx_av_fields_object,
    ngx_av_fields_object
};


static const ngx_av_word_t  ngx_av_fields_statuses[] = {
    { ngx_string("running"), NGX_AV_STATUS_RUNNING },
    { ngx_string("completed"), NGX_AV_STATUS_COMPLETED },
    { ngx_string("failed"), NGX_AV_STATUS_FAILED },
    { ngx_string("timed_out"), NGX_AV_STATUS_TIMED_OUT },
    { ngx_null_string, 0 }
};


static const ngx_av_word_t  ngx_av_fields_types[] = {
    { ngx_string("custom"), NGX_AV_TYPE_CUSTOM },
    { ngx_string("agent"), NGX_AV_TYPE_AGENT },
    { ngx_string("llm"), NGX_AV_TYPE_LLM },
    { ngx_string("tool"), NGX_AV_TYPE_TOOL },
    { ngx_string("http"), NGX_AV_TYPE_HTTP },
    { ngx_string("db"), NGX_AV_TYPE_DB },
    { ngx_null_string, 0 }
};


ngx_int_t
ngx_av_fields_error(ngx_av_place_t *place, const ngx_str_t *name,
    const char *fmt, ...)
{
    u_char   *p, *last;
    va_list   args;

    last = place->text + NGX_AV_FIELDS_DETAIL;

    p = ngx_slprintf(place->text, last, "traces[%ui]", place->element);

    if (place->span >= 0) {
        p = ngx_slprintf(p, last, ".spans[%i]", place->span);

    } else if (place->span == NGX_AV_PLACE_HEADER) {
        p = ngx_slprintf(p, last, ".trace");
    }

    if (name) {
        p = ngx_slprintf(p, last, ".%V", name);
    }

    p = ngx_slprintf(p, last, ": ");

    va_start(args, fmt);
    p = ngx_vslprintf(p, last, fmt, args);
    va_end(args);

    place->detail.data = place->text;
    place->detail.len = p - place->text;

    return NGX_DECLINED;
}


void
ngx_av_fields_read(const ngx_av_table_t *table, yyjson_val *object,
    ngx_av_value_t *values)
{
    size_t            len;
    ngx_uint_t        i;
    const char       *p;
    yyjson_val       *key, *val;
    const u_char     *number;
    yyjson_obj_iter   iter;
    const ngx_str_t  *name;

    for (i = 1; i <= table->last_alias; i++) {
        values[i].val = NULL;
    }

    yyjson_obj_iter_init(object, &iter);

    while ((key = yyjson_obj_iter_next(&iter))) {

        len = unsafe_yyjson_get_len(key);

        if (len > NGX_AV_FIELDS_MAX_LEN) {
            continue;
        }

        p = unsafe_yyjson_get_str(key);

        for (number = table->by_length[len]; *number; number++) {
            name = &table->fields[*number].name;

            if (*p == *name->data && ngx_memcmp(p, name->data, len) == 0) {
                val = yyjson_obj_iter_get_val(key);
                values[*number].val = unsafe_yyjson_is_null(val) ? NULL : val;
                break;
            }
        }
    }
}


ngx_int_t
ngx_av_fields_decode(const ngx_av_table_t *table, ngx_av_value_t *values,
    ngx_av_place_t *place)
{
    ngx_uint_t             i;
    ngx_av_value_t        *value;
    const ngx_av_field_t  *field;

    ngx_av_fields_resolve(table, values);

    for (i = 1; i <= table->last; i++) {
        field = &table->fields[i];
        value = &values[i];

        value->known = (value->val != NULL);

        if (value->known) {

            if (ngx_av_fields_decoders[field->kind](value, place) != NGX_OK) {
                return NGX_DECLINED;
            }

            continue;
        }

        if (field->required) {
            return ngx_av_fields_error(place, value->name, "field required");
        }
    }

    return NGX_OK;
}


/* An alias counts where the documented name is absent. */

static void
ngx_av_fields_resolve(const ngx_av_table_t *table, ngx_av_value_t *values)
{
    ngx_uint_t             i;
    const ngx_av_field_t  *field;

    for (i = 1; i <= table->last; i++) {
        values[i].name = &table->fields[i].name;
    }

    for ( /* void */ ; i <= table->last_alias; i++) {
        field = &table->fields[i];

        if (values[i].val && values[field->of].val == NULL) {
            values[field->of].val = values[i].val;
            values[field->of].name = &field->name;
        }
    }
}


static ngx_int_t
ngx_av_fields_uuid(ngx_av_value_t *value, ngx_av_place_t *place)
{
    if (!unsafe_yyjson_is_str(value->val)
        || ngx_av_uuid_parse((u_char *) unsafe_yyjson_get_str(value->val),
                             unsafe_yyjson_get_len(value->val),
                             &value->u.uuid)
           != NGX_OK)
    {
        return ngx_av_fields_error(place, value->name, "must be a UUID");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_trace_id(ngx_av_value_t *value, ngx_av_place_t *place)
{
    if (ngx_av_fields_uuid(value, place) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_memcmp(&value->u.uuid, &place->trace, sizeof(ngx_av_uuid_t)) != 0)
    {
        return ngx_av_fields_error(place, value->name,
                                   "must be the trace's trace_id");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_time(ngx_av_value_t *value, ngx_av_place_t *place)
{
    if (!unsafe_yyjson_is_str(value->val)
        || ngx_av_time_parse((u_char *) unsafe_yyjson_get_str(value->val),
                             unsafe_yyjson_get_len(value->val),
                             &value->u.number)
           != NGX_OK)
    {
        return ngx_av_fields_error(place, value->name,
                                   "must be an ISO 8601 date and time");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_start(ngx_av_value_t *value, ngx_av_place_t *place)
{
    size_t         len[3];
    u_char         text[3][NGX_AV_TIME_TEXT_LEN];
    ngx_av_time_t  t;

    if (ngx_av_fields_time(value, place) != NGX_OK) {
        return NGX_DECLINED;
    }

    t = value->u.number;

    if (t >= place->earliest && t <= place->latest) {
        return NGX_OK;
    }

    len[0] = ngx_av_time_format(text[0], t) - text[0];
    len[1] = ngx_av_time_format(text[1], place->earliest) - text[1];
    len[2] = ngx_av_time_format(text[2], place->latest) - text[2];

    return ngx_av_fields_error(place, value->name,
                               "%*s is outside the window that is kept "
                               "(%*s to %*s)", len[0], text[0],
                               len[1], text[1], len[2], text[2]);
}


static ngx_int_t
ngx_av_fields_count(ngx_av_value_t *value, ngx_av_place_t *place)
{
    return ngx_av_fields_integer(value, NGX_AV_FIELDS_MAX_COUNT, place);
}


static ngx_int_t
ngx_av_fields_msec(ngx_av_value_t *value, ngx_av_place_t *place)
{
    if (ngx_av_fields_integer(value, NGX_AV_FIELDS_MAX_MSEC, place)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    value->u.number *= 1000000;

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_integer(ngx_av_value_t *value, int64_t max,
    ngx_av_place_t *place)
{
    int64_t  n;

    if (!unsafe_yyjson_is_raw(value->val)
        || ngx_av_json_int64((u_char *) unsafe_yyjson_get_raw(value->val),
                             unsafe_yyjson_get_len(value->val), &n)
           != NGX_OK
        || n < 0 || n > max)
    {
        return ngx_av_fields_error(place, value->name,
                                   "must be an integer from 0 to %L", max);
    }

    value->u.number = n;

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_money(ngx_av_value_t *value, ngx_av_place_t *place)
{
    ngx_int_t  rc;

    /* a string and a number keep their text in the same way */

    if (unsafe_yyjson_is_str(value->val) || unsafe_yyjson_is_raw(value->val)) {
        rc = ngx_av_decimal_parse((u_char *) unsafe_yyjson_get_raw(value->val),
                                  unsafe_yyjson_get_len(value->val),
                                  &value->u.decimal);

    } else {
        rc = NGX_ERROR;
    }

    if (rc == NGX_ERROR) {
        return ngx_av_fields_error(place, value->name,
                                   "must be a decimal number");
    }

    if (rc == NGX_DECLINED) {
        return ngx_av_fields_error(place, value->name,
                                   "must have at most %d integer digits",
                                   NGX_AV_DECIMAL_INT_DIGITS);
    }

    if (value->u.decimal.units < 0) {
        return ngx_av_fields_error(place, value->name, "must not be negative");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_bool(ngx_av_value_t *value, ngx_av_place_t *place)
{
    if (!unsafe_yyjson_is_bool(value->val)) {
        return ngx_av_fields_error(place, value->name,
                                   "must be true or false");
    }

    value->u.number = unsafe_yyjson_get_bool(value->val);

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_status(ngx_av_value_t *value, ngx_av_place_t *place)
{
    const ngx_av_word_t  *word;

    word = ngx_av_fields_word(ngx_av_fields_statuses, value->val);

    if (word == NULL) {
        return ngx_av_fields_error(place, value->name,
                                   "must be one of running, completed, "
                                   "failed, timed_out");
    }

    value->u.number = word->value;

    return NGX_OK;
}


/* An unknown type is no error: -1. */

static ngx_int_t
ngx_av_fields_type(ngx_av_value_t *value, ngx_av_place_t *place)
{
    const ngx_av_word_t  *word;

    if (ngx_av_fields_text(value, place) != NGX_OK) {
        return NGX_DECLINED;
    }

    word = ngx_av_fields_word(ngx_av_fields_types, value->val);

    value->u.number = word ? (int64_t) word->value : -1;

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_agent(ngx_av_value_t *value, ngx_av_place_t *place)
{
    size_t         i, len, nuls;
    const u_char  *p;

    if (ngx_av_fields_label(value, place) != NGX_OK) {
        return NGX_DECLINED;
    }

    p = (u_char *) unsafe_yyjson_get_str(value->val);
    len = unsafe_yyjson_get_len(value->val);

    /* so short a text has not too many characters */

    if (len <= NGX_AV_FIELDS_AGENT_CHARS) {
        return NGX_OK;
    }

    for (i = 0, nuls = 0; i < len; i++) {
        nuls += (p[i] == '\0');
    }

    if (ngx_av_text_chars(p, len) - nuls > NGX_AV_FIELDS_AGENT_CHARS) {
        return ngx_av_fields_error(place, value->name,
                                   "must have at most %d characters",
                                   NGX_AV_FIELDS_AGENT_CHARS);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_label(ngx_av_value_t *value, ngx_av_place_t *place)
{
    if (ngx_av_fields_text(value, place) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_av_text_is_blank((u_char *) unsafe_yyjson_get_str(value->val),
                             unsafe_yyjson_get_len(value->val)))
    {
        return ngx_av_fields_error(place, value->name, "must not be blank");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_text(ngx_av_value_t *value, ngx_av_place_t *place)
{
    if (!unsafe_yyjson_is_str(value->val)) {
        return ngx_av_fields_error(place, value->name, "must be a string");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_json(ngx_av_value_t *value, ngx_av_place_t *place)
{
    /* any value will do; its depth is seen when it is written */

    (void) value;
    (void) place;

    return NGX_OK;
}


static ngx_int_t
ngx_av_fields_object(ngx_av_value_t *value, ngx_av_place_t *place)
{
    if (!unsafe_yyjson_is_obj(value->val)) {
        return ngx_av_fields_error(place, value->name, "must be an object");
    }

    return NGX_OK;
}


static const ngx_av_word_t *
ngx_av_fields_word(const ngx_av_word_t *words, yyjson_val *val)
{
    size_t                len;
    const char           *p;
    const ngx_av_word_t  *word;

    if (!unsafe_yyjson_is_str(val)) {
        return NULL;
    }

    p = unsafe_yyjson_get_str(val);
    len = unsafe_yyjson_get_len(val);

    for (word = words; word->name.len; word++) {
        if (word->name.len == len
            && ngx_memcmp(word->name.data, p, len) == 0)
        {
            return word;
        }
    }

    return NULL;
}
