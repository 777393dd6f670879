/* Kinds of parameters: a text becomes a binary value, or is refused. */

#include "ngx_av_params.h"
#include "ngx_av_json.h"
#include "ngx_av_time.h"


/* digits of a cursor: 64 bits of time, 128 of an id */
#define NGX_AV_CURSOR_LEN   48

/* what agentvista.cursor() can have printed: the times of ngx_av_time.h */
#define NGX_AV_CURSOR_MAX   (INT64_MAX / 1000)

#define NGX_AV_OBJECT_MEMORY  1048576


typedef ngx_int_t (*ngx_av_param_convert_pt)(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);

typedef struct {
    uint32_t                  types[2];
    ngx_uint_t                ntypes;
    ngx_av_param_convert_pt   convert;
    const char               *message;
} ngx_av_param_type_t;


static ngx_int_t ngx_av_param_text(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_uuid(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_time(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_integer(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_number(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_boolean(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_word(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_object(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_cursor(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_from(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_until(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_day(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char *time,
    const char **values, int *lengths);
static ngx_int_t ngx_av_param_after(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *text, const char **values,
    int *lengths);
static ngx_int_t ngx_av_param_put64(ngx_av_params_t *ps, int64_t n,
    const char **values, int *lengths);
static ngx_int_t ngx_av_param_message(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_str_t *message);


/* in the order of ngx_av_param_kind_e */

static const ngx_av_param_type_t  ngx_av_param_kinds[] = {

    { { NGX_AV_DB_TEXT, 0 }, 1, ngx_av_param_text, "must be a string" },

    { { NGX_AV_DB_UUID, 0 }, 1, ngx_av_param_uuid, "must be a UUID" },

    { { NGX_AV_DB_TIMESTAMPTZ, 0 }, 1, ngx_av_param_time,
      "must be an ISO 8601 time" },

    { { NGX_AV_DB_INT8, 0 }, 1, ngx_av_param_integer, "must be an integer" },

    { { NGX_AV_DB_NUMERIC, 0 }, 1, ngx_av_param_number, "must be a number" },

    { { NGX_AV_DB_BOOL, 0 }, 1, ngx_av_param_boolean,
      "must be true or false" },

    { { NGX_AV_DB_INT2, 0 }, 1, ngx_av_param_word, "must be one of" },

    { { NGX_AV_DB_JSONB, 0 }, 1, ngx_av_param_object,
      "must be a JSON object of strings" },

    { { NGX_AV_DB_TIMESTAMPTZ, NGX_AV_DB_UUID }, 2, ngx_av_param_cursor,
      "must be a next_cursor of this list" },

    { { NGX_AV_DB_TIMESTAMPTZ, 0 }, 1, ngx_av_param_from,
      "must be an ISO 8601 time or date" },

    { { NGX_AV_DB_TIMESTAMPTZ, 0 }, 1, ngx_av_param_until,
      "must be an ISO 8601 time or date" },

    { { NGX_AV_DB_TIMESTAMPTZ, NGX_AV_DB_UUID }, 2, ngx_av_param_after,
      "must be a next_cursor of this list, or an ISO 8601 time" }
};


ngx_uint_t
ngx_av_param_types(const ngx_av_param_t *param, uint32_t *types)
{
    ngx_uint_t                  i;
    const ngx_av_param_type_t  *type;

    if (param->flags & NGX_AV_PARAM_ALIAS) {
        return 0;
    }

    type = &ngx_av_param_kinds[param->kind];

    for (i = 0; i < type->ntypes; i++) {
        types[i] = type->types[i];
    }

    if (param->flags & NGX_AV_PARAM_TELL) {
        types[i++] = NGX_AV_DB_BOOL;
    }

    return i;
}


ngx_int_t
ngx_av_param_convert(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths, ngx_str_t *message)
{
    ngx_int_t  rc;

    rc = NGX_DECLINED;

    if (text->data) {
        rc = ngx_av_param_kinds[param->kind].convert(ps, param, text, values,
                                                     lengths);
    }

    if (rc == NGX_DECLINED
        && ngx_av_param_message(ps, param, message) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return rc;
}


ngx_int_t
ngx_av_param_absent(ngx_av_params_t *ps, const ngx_av_param_t *param,
    const char **values, int *lengths)
{
    u_char  *p;

    values[0] = NULL;
    lengths[0] = 0;

    if (ngx_av_param_kinds[param->kind].ntypes == 2) {
        values[1] = NULL;
        lengths[1] = 0;
    }

    if (!(param->flags & NGX_AV_PARAM_DEFAULT)) {
        return NGX_OK;
    }

    if (param->kind == NGX_AV_PARAM_INTEGER) {
        return ngx_av_param_put64(ps, param->value, values, lengths);
    }

    p = ngx_pnalloc(ps->pool, 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_av_db_put16(p, (uint16_t) param->value);

    values[0] = (char *) p;
    lengths[0] = 2;

    return NGX_OK;
}


static ngx_int_t
ngx_av_param_text(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    int64_t  n;

    n = (int64_t) ngx_utf8_length(text->data, text->len);

    if (param->max && (n < param->min || n > param->max)) {
        return NGX_DECLINED;
    }

    values[0] = (char *) text->data;
    lengths[0] = text->len;

    return NGX_OK;
}


static ngx_int_t
ngx_av_param_uuid(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    ngx_av_uuid_t  *uuid;

    uuid = ngx_palloc(ps->pool, sizeof(ngx_av_uuid_t));
    if (uuid == NULL) {
        return NGX_ERROR;
    }

    if (ngx_av_uuid_parse(text->data, text->len, uuid) != NGX_OK) {
        return NGX_DECLINED;
    }

    values[0] = (char *) uuid->bytes;
    lengths[0] = sizeof(ngx_av_uuid_t);

    return NGX_OK;
}


static ngx_int_t
ngx_av_param_time(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    ngx_av_time_t  t;

    /* of an offset that was not encoded, the "+" has become a blank */

    if (text->len > sizeof("2026-01-01T00:00 01:00") - 1
        && text->data[text->len - 6] == ' ')
    {
        text->data[text->len - 6] = '+';
    }

    if (ngx_av_time_parse(text->data, text->len, &t) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_av_param_put64(ps, ngx_av_time_pg_timestamp(t), values,
                              lengths);
}


static ngx_int_t
ngx_av_param_integer(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    u_char      *p, *last;
    int64_t      n;
    ngx_uint_t   negative;

    p = text->data;
    last = p + text->len;
    negative = 0;

    if (p < last && (*p == '-' || *p == '+')) {
        negative = (*p++ == '-');
    }

    if (p == last) {
        return NGX_DECLINED;
    }

    for (n = 0; p < last; p++) {

        if (*p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        if (__builtin_mul_overflow(n, 10, &n)
            || __builtin_add_overflow(n, *p - '0', &n))
        {
            n = INT64_MAX;

            /* the rest must be digits all the same */

            while (p + 1 < last && p[1] >= '0' && p[1] <= '9') {
                p++;
            }
        }
    }

    if (negative) {
        n = -n;
    }

    if (n < param->min || n > param->max) {

        if (!(param->flags & NGX_AV_PARAM_CLAMP)) {
            return NGX_DECLINED;
        }

        n = (n < param->min) ? param->min : param->max;
    }

    return ngx_av_param_put64(ps, n, values, lengths);
}


static ngx_int_t
ngx_av_param_number(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    u_char            *p;
    ngx_av_decimal_t   d;

    if (ngx_av_decimal_parse(text->data, text->len, &d) != NGX_OK) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(ps->pool, NGX_AV_DECIMAL_PG_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    values[0] = (char *) p;
    lengths[0] = ngx_av_decimal_pg_numeric(p, &d) - p;

    return NGX_OK;
}


static ngx_int_t
ngx_av_param_boolean(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    static const char  yes[] = "\1", no[] = "\0";

    if (text->len == 4
        && ngx_strncasecmp(text->data, (u_char *) "true", 4) == 0)
    {
        values[0] = yes;

    } else if (text->len == 5
               && ngx_strncasecmp(text->data, (u_char *) "false", 5) == 0)
    {
        values[0] = no;

    } else {
        return NGX_DECLINED;
    }

    lengths[0] = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_av_param_word(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    u_char                     *p;
    const ngx_av_param_word_t  *word;

    for (word = param->words; word->word.len; word++) {

        if (word->word.len != text->len
            || ngx_memcmp(word->word.data, text->data, text->len) != 0)
        {
            continue;
        }

        p = ngx_pnalloc(ps->pool, 2);
        if (p == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_av_db_put16(p, (uint16_t) word->number);

        values[0] = (char *) p;
        lengths[0] = 2;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* Written anew, so that jsonb takes it whatever the client thought of. */

static ngx_int_t
ngx_av_param_object(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    ngx_int_t             rc;
    yyjson_val           *key, *val;
    ngx_av_buf_t          b;
    ngx_av_json_t         json;
    yyjson_obj_iter       iter;
    ngx_av_json_style_t   style;

    rc = ngx_av_json_parse(&json, text->data, text->len, NGX_AV_OBJECT_MEMORY);

    if (rc == NGX_OK && !yyjson_is_obj(json.root)) {
        rc = NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        yyjson_obj_iter_init(json.root, &iter);

        while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
            val = yyjson_obj_iter_get_val(key);

            if (yyjson_is_ctn(val) || yyjson_is_null(val)) {
                rc = NGX_DECLINED;
            }
        }
    }

    if (rc == NGX_OK) {
        style.string_limit = text->len;
        style.depth = 2;
        style.cut = 0;

        rc = ngx_av_buf_init(&b, ps->pool, text->len + 64);

        if (rc == NGX_OK) {
            rc = ngx_av_buf_append(&b, "\1", 1);    /* jsonb's version */
        }

        if (rc == NGX_OK) {
            rc = ngx_av_json_write(&b, json.root, &style);
        }
    }

    ngx_av_json_free(&json);

    if (rc == NGX_ABORT) {
        return NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        values[0] = (char *) b.start;
        lengths[0] = ngx_av_buf_len(&b);
    }

    return rc;
}


static ngx_int_t
ngx_av_param_cursor(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    u_char      *p;
    int64_t      t;
    ngx_int_t    n;
    ngx_uint_t   i;

    if (text->len != NGX_AV_CURSOR_LEN) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(ps->pool, NGX_AV_CURSOR_LEN / 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_AV_CURSOR_LEN / 2; i++) {
        n = ngx_hextoi(&text->data[2 * i], 2);

        if (n == NGX_ERROR) {
            return NGX_DECLINED;
        }

        p[i] = (u_char) n;
    }

    t = (int64_t) ngx_av_db_get64(p);

    if (t < -NGX_AV_CURSOR_MAX || t > NGX_AV_CURSOR_MAX) {
        return NGX_DECLINED;
    }

    values[0] = (char *) p;
    lengths[0] = 8;

    values[1] = (char *) p + 8;
    lengths[1] = sizeof(ngx_av_uuid_t);

    return NGX_OK;
}


static ngx_int_t
ngx_av_param_from(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    return ngx_av_param_day(ps, param, text, "T00:00:00Z", values, lengths);
}


static ngx_int_t
ngx_av_param_until(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    return ngx_av_param_day(ps, param, text, "T23:59:59.999999Z", values,
                            lengths);
}


/* A day alone is completed by a time of it. */

static ngx_int_t
ngx_av_param_day(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char *time, const char **values, int *lengths)
{
    u_char     *p;
    ngx_str_t   whole;

    if (text->len != sizeof("2026-01-31") - 1) {
        return ngx_av_param_time(ps, param, text, values, lengths);
    }

    whole.len = text->len + ngx_strlen(time);

    whole.data = ngx_pnalloc(ps->pool, whole.len);
    if (whole.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(whole.data, text->data, text->len);
    ngx_memcpy(p, time, ngx_strlen(time));

    return ngx_av_param_time(ps, param, &whole, values, lengths);
}


static ngx_int_t
ngx_av_param_after(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *text, const char **values, int *lengths)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   time, uuid;

    p = ngx_strlchr(text->data, text->data + text->len, '~');

    time.data = text->data;
    time.len = (p ? p : text->data + text->len) - text->data;

    values[1] = NULL;
    lengths[1] = 0;

    rc = ngx_av_param_from(ps, param, &time, values, lengths);

    if (rc != NGX_OK || p == NULL) {
        return rc;
    }

    uuid.data = p + 1;
    uuid.len = text->data + text->len - uuid.data;

    return ngx_av_param_uuid(ps, param, &uuid, &values[1], &lengths[1]);
}


static ngx_int_t
ngx_av_param_put64(ngx_av_params_t *ps, int64_t n, const char **values,
    int *lengths)
{
    u_char  *p;

    p = ngx_pnalloc(ps->pool, 8);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_av_db_put64(p, (uint64_t) n);

    values[0] = (char *) p;
    lengths[0] = 8;

    return NGX_OK;
}


/* What a value must be; of integers and words with their bounds. */

static ngx_int_t
ngx_av_param_message(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_str_t *message)
{
    u_char                     *p;
    size_t                      len;
    const char                 *text;
    const ngx_av_param_word_t  *word;

    text = ngx_av_param_kinds[param->kind].message;
    len = ngx_strlen(text) + sizeof(" from  to  characters")
          + 2 * NGX_INT64_LEN;

    if (param->kind == NGX_AV_PARAM_WORD) {
        for (word = param->words; word->word.len; word++) {
            len += word->word.len + 2;
        }
    }

    p = ngx_pnalloc(ps->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    message->data = p;
    p = ngx_cpymem(p, text, ngx_strlen(text));

    if (param->kind == NGX_AV_PARAM_INTEGER
        && !(param->flags & NGX_AV_PARAM_CLAMP))
    {
        p = ngx_sprintf(p, " from %L to %L", param->min, param->max);
    }

    if (param->kind == NGX_AV_PARAM_TEXT && param->max) {
        p = ngx_sprintf(p, " of %L to %L characters", param->min, param->max);
    }

    if (param->kind == NGX_AV_PARAM_WORD) {
        for (word = param->words; word->word.len; word++) {
            p = ngx_sprintf(p, "%s%V", word == param->words ? " " : ", ",
                            &word->word);
        }
    }

    message->len = p - message->data;

    return NGX_OK;
}
