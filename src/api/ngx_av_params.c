#include "ngx_av_params.h"
#include "ngx_av_json.h"
#include "ngx_av_text.h"


/* memory for the document of a body, a multiple of the text and some more */
#define NGX_AV_PARAMS_DOCUMENT  16
#define NGX_AV_PARAMS_SLACK     65536


/* What was sent for a parameter. */
typedef struct {
    ngx_str_t       text;           /* data is NULL if nothing was */
    unsigned        bad:1;          /* not text */
    unsigned        twice:1;
    unsigned        null:1;         /* of a body: null */
    unsigned        mistyped:1;     /* of a body: another type of JSON */
} ngx_av_params_slot_t;


static ngx_int_t ngx_av_params_args(ngx_av_params_t *ps,
    ngx_av_params_slot_t *slots);
static ngx_int_t ngx_av_params_arg(ngx_av_params_t *ps,
    ngx_av_params_slot_t *slots, u_char *p, u_char *last);
static ngx_int_t ngx_av_params_decode(ngx_av_params_t *ps, u_char *p,
    u_char *last, ngx_str_t *text);
static ngx_int_t ngx_av_params_body(ngx_av_params_t *ps,
    ngx_av_params_slot_t *slots);
static ngx_int_t ngx_av_params_members(ngx_av_params_t *ps,
    ngx_av_params_slot_t *slots, yyjson_val *root);
static ngx_int_t ngx_av_params_member(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_av_params_slot_t *slot, yyjson_val *val);
static ngx_int_t ngx_av_params_value(ngx_av_params_t *ps,
    const ngx_av_param_t *param, ngx_av_params_slot_t *slot, ngx_uint_t n);
static ngx_int_t ngx_av_params_pair(ngx_av_params_t *ps, ngx_uint_t i,
    ngx_av_params_slot_t *slots);
static ngx_int_t ngx_av_params_error(ngx_av_params_t *ps,
    const ngx_av_param_t *param, const char *message);


/* Errors of the body as a whole are about this. */
static const ngx_av_param_t  ngx_av_params_whole_body = {
    ngx_string("body"), NGX_AV_PARAM_OBJECT, NGX_AV_PARAM_BODY, 0, 0, 0, NULL
};


ngx_uint_t
ngx_av_params_want_body(const ngx_av_param_t *params)
{
    for ( /* void */ ; params->kind != NGX_AV_PARAM_END; params++) {
        if (params->flags & NGX_AV_PARAM_BODY) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_av_params_statement(ngx_pool_t *pool, ngx_av_db_statement_t *st,
    const char *function, ngx_uint_t rows, const ngx_av_param_t *params)
{
    u_char      *p, *text;
    size_t       len;
    uint32_t    *types;
    ngx_uint_t   i, n;

    n = 1;

    for (i = 0; params[i].kind != NGX_AV_PARAM_END; i++) {
        n += NGX_AV_PARAM_MAX_TYPES;
    }

    len = sizeof("select * from agentvista.()") + ngx_strlen(function)
          + n * sizeof(", $999");

    types = ngx_palloc(pool, n * sizeof(uint32_t));
    text = ngx_pnalloc(pool, len);

    if (types == NULL || text == NULL) {
        return NGX_ERROR;
    }

    types[0] = NGX_AV_DB_UUID;
    n = 1;

    for (i = 0; params[i].kind != NGX_AV_PARAM_END; i++) {
        n += ngx_av_param_types(&params[i], &types[n]);
    }

    p = ngx_sprintf(text, "select %sagentvista.%s($1", rows ? "* from " : "",
                    function);

    for (i = 2; i <= n; i++) {
        p = ngx_sprintf(p, ", $%ui", i);
    }

    *p++ = ')';
    *p = '\0';

    st->name = function;
    st->text = (char *) text;
    st->types = types;
    st->nparams = n;

    return NGX_OK;
}


ngx_int_t
ngx_av_params_read(ngx_av_params_t *ps)
{
    uint32_t               types[NGX_AV_PARAM_MAX_TYPES];
    size_t                 bad;
    ngx_int_t              rc;
    ngx_uint_t             i, n, segment;
    ngx_av_params_slot_t  *slots;

    for (n = 0; ps->params[n].kind != NGX_AV_PARAM_END; n++) { /* void */ }

    if (n == 0) {
        return NGX_OK;
    }

    slots = ngx_pcalloc(ps->pool, n * sizeof(ngx_av_params_slot_t));

    if (slots == NULL
        || ngx_array_init(&ps->errors, ps->pool, 4,
                          sizeof(ngx_av_param_error_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    segment = 0;

    for (i = 0; i < n; i++) {
        if (ps->params[i].flags & NGX_AV_PARAM_PATH) {
            slots[i].text = ps->segments[segment++];

            if (ngx_av_text_valid(slots[i].text.data, slots[i].text.len, &bad)
                != slots[i].text.len)
            {
                return NGX_ABORT;
            }
        }
    }

    if (ngx_av_params_args(ps, slots) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_av_params_want_body(ps->params)) {
        rc = ngx_av_params_body(ps, slots);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    n = ps->first;

    for (i = 0; ps->params[i].kind != NGX_AV_PARAM_END; i++) {

        if (ps->params[i].flags & NGX_AV_PARAM_ALIAS) {
            continue;
        }

        rc = ngx_av_params_value(ps, &ps->params[i], &slots[i], n);

        if (rc == NGX_OK && (ps->params[i].flags & NGX_AV_PARAM_PAIR)) {
            rc = ngx_av_params_pair(ps, i, slots);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        n += ngx_av_param_types(&ps->params[i], types);
    }

    return ps->errors.nelts ? NGX_DECLINED : NGX_OK;
}


static ngx_int_t
ngx_av_params_args(ngx_av_params_t *ps, ngx_av_params_slot_t *slots)
{
    u_char  *p, *last, *next;

    p = ps->args.data;
    last = p + ps->args.len;

    while (p < last) {
        next = ngx_strlchr(p, last, '&');

        if (next == NULL) {
            next = last;
        }

        if (ngx_av_params_arg(ps, slots, p, next) != NGX_OK) {
            return NGX_ERROR;
        }

        p = next + 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_params_arg(ngx_av_params_t *ps, ngx_av_params_slot_t *slots, u_char *p,
    u_char *last)
{
    size_t                 bad;
    u_char                *eq;
    ngx_str_t              name, text;
    ngx_av_params_slot_t  *slot;
    const ngx_av_param_t  *param;

    eq = ngx_strlchr(p, last, '=');

    if (eq == NULL) {
        eq = last;
    }

    if (ngx_av_params_decode(ps, p, eq, &name) != NGX_OK
        || ngx_av_params_decode(ps, ngx_min(eq + 1, last), last, &text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (param = ps->params; param->kind != NGX_AV_PARAM_END;
         param++, slots++)
    {
        if ((param->flags & (NGX_AV_PARAM_PATH|NGX_AV_PARAM_BODY))
            || param->name.len != name.len
            || ngx_memcmp(param->name.data, name.data, name.len) != 0)
        {
            continue;
        }

        slot = (param->flags & NGX_AV_PARAM_ALIAS) ? slots - 1 : slots;

        if (slot->text.data) {
            slot->twice = 1;
        }

        if (ngx_av_text_valid(text.data, text.len, &bad) != text.len
            || (text.len && ngx_strlchr(text.data, text.data + text.len,
                                        '\0')))
        {
            slot->bad = 1;
        }

        slot->text = text;
        break;
    }

    return NGX_OK;
}


/* A "%" that no two digits follow stands for itself. */

static ngx_int_t
ngx_av_params_decode(ngx_av_params_t *ps, u_char *p, u_char *last,
    ngx_str_t *text)
{
    u_char     *d;
    ngx_int_t   n;

    d = ngx_pnalloc(ps->pool, last - p + 1);
    if (d == NULL) {
        return NGX_ERROR;
    }

    text->data = d;

    while (p < last) {

        if (*p == '%' && last - p > 2) {
            n = ngx_hextoi(p + 1, 2);

            if (n != NGX_ERROR) {
                *d++ = (u_char) n;
                p += 3;
                continue;
            }
        }

        *d++ = (*p == '+') ? ' ' : *p;
        p++;
    }

    text->len = d - text->data;

    return NGX_OK;
}


static ngx_int_t
ngx_av_params_body(ngx_av_params_t *ps, ngx_av_params_slot_t *slots)
{
    ngx_int_t       rc;
    const char     *message;
    ngx_av_json_t   json;

    rc = ngx_av_json_parse(&json, ps->body.data, ps->body.len,
                           NGX_AV_PARAMS_DOCUMENT * ps->body.len
                           + NGX_AV_PARAMS_SLACK);
    message = NULL;

    if (rc == NGX_ABORT) {
        message = "has too many values for its size";

    } else if (rc == NGX_DECLINED || (rc == NGX_OK
                                      && !yyjson_is_obj(json.root)))
    {
        message = "must be a JSON object";
    }

    if (message) {
        rc = ngx_av_params_error(ps, &ngx_av_params_whole_body, message);

        if (rc == NGX_OK) {
            rc = NGX_DECLINED;
        }

    } else if (rc == NGX_OK) {
        rc = ngx_av_params_members(ps, slots, json.root);
    }

    ngx_av_json_free(&json);

    return rc;
}


/* Of members that are repeated the last one counts, as in jsonb. */

static ngx_int_t
ngx_av_params_members(ngx_av_params_t *ps, ngx_av_params_slot_t *slots,
    yyjson_val *root)
{
    ngx_uint_t             i;
    yyjson_val            *key;
    yyjson_obj_iter        iter;
    ngx_av_params_slot_t  *slot;
    const ngx_av_param_t  *param;

    yyjson_obj_iter_init(root, &iter);

    for ( ;; ) {
        key = yyjson_obj_iter_next(&iter);
        if (key == NULL) {
            return NGX_OK;
        }

        for (i = 0; ps->params[i].kind != NGX_AV_PARAM_END; i++) {
            param = &ps->params[i];

            if (!(param->flags & NGX_AV_PARAM_BODY)
                || !yyjson_equals_strn(key, (char *) param->name.data,
                                       param->name.len))
            {
                continue;
            }

            slot = &slots[i];

            if ((param->flags & NGX_AV_PARAM_ALIAS) && (--slot)->text.data) {
                continue;
            }

            ngx_memzero(slot, sizeof(ngx_av_params_slot_t));

            if (ngx_av_params_member(ps, param, slot,
                                     yyjson_obj_iter_get_val(key))
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }
}


/* The text of a member that is of the type its kind asks for. */

static ngx_int_t
ngx_av_params_member(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_av_params_slot_t *slot, yyjson_val *val)
{
    ngx_int_t            rc;
    ngx_av_buf_t         b;
    ngx_av_json_style_t  style;

    if (yyjson_is_null(val)) {
        slot->null = 1;
        return NGX_OK;
    }

    if (ngx_av_buf_init(&b, ps->pool, yyjson_get_len(val) + 8) != NGX_OK) {
        return NGX_ERROR;
    }

    switch (param->kind) {

    case NGX_AV_PARAM_BOOLEAN:
        slot->mistyped = !yyjson_is_bool(val);
        rc = ngx_av_buf_append(&b, yyjson_get_bool(val) ? "true" : "false",
                               yyjson_get_bool(val) ? 4 : 5);
        break;

    case NGX_AV_PARAM_INTEGER:
    case NGX_AV_PARAM_NUMBER:
        slot->mistyped = !yyjson_is_raw(val);
        rc = ngx_av_buf_append(&b, yyjson_is_raw(val) ? yyjson_get_raw(val)
                                                      : "",
                               yyjson_is_raw(val) ? yyjson_get_len(val) : 0);
        break;

    case NGX_AV_PARAM_OBJECT:
        slot->mistyped = !yyjson_is_obj(val);
        style.string_limit = ps->body.len;
        style.depth = 2;
        style.cut = 0;

        rc = ngx_av_json_write(&b, val, &style);

        if (rc == NGX_DECLINED) {
            slot->mistyped = 1;
            rc = NGX_OK;
        }

        break;

    default:
        slot->mistyped = !yyjson_is_str(val);
        rc = ngx_av_text_append(&b, (u_char *) yyjson_get_str(val),
                                yyjson_is_str(val) ? yyjson_get_len(val) : 0);
    }

    slot->text.data = b.start;
    slot->text.len = ngx_av_buf_len(&b);

    return rc;
}


static ngx_int_t
ngx_av_params_value(ngx_av_params_t *ps, const ngx_av_param_t *param,
    ngx_av_params_slot_t *slot, ngx_uint_t n)
{
    ngx_int_t               rc;
    ngx_str_t               message;
    ngx_uint_t              told;
    ngx_av_param_error_t   *error;

    static const char       yes[] = "\1", no[] = "\0";

    told = (param->flags & NGX_AV_PARAM_TELL)
           && (slot->text.data || slot->null);

    if (param->flags & NGX_AV_PARAM_TELL) {
        ps->values[n + 1] = told ? yes : no;
        ps->lengths[n + 1] = 1;
    }

    if ((param->flags & NGX_AV_PARAM_LENIENT) && (slot->twice || slot->bad)) {
        return ngx_av_param_absent(ps, param, &ps->values[n],
                                   &ps->lengths[n]);
    }

    if (slot->twice) {
        return ngx_av_params_error(ps, param, "must be given once");
    }

    if (slot->bad) {
        return ngx_av_params_error(ps, param,
                                   "must be UTF-8 text without NUL");
    }

    if (slot->text.len == 0
        && !(param->flags & (NGX_AV_PARAM_PATH|NGX_AV_PARAM_BODY))
        && (param->kind == NGX_AV_PARAM_TEXT || !ps->strict))
    {
        /* "name=" asks for no name in particular */
        slot->text.data = NULL;
    }

    if (slot->text.data == NULL) {

        if ((param->flags & NGX_AV_PARAM_REQUIRED)) {
            return ngx_av_params_error(ps, param, slot->null
                                                  ? "must not be null"
                                                  : "field required");
        }

        return ngx_av_param_absent(ps, param, &ps->values[n],
                                   &ps->lengths[n]);
    }

    if (slot->mistyped) {
        slot->text.len = 0;
        slot->text.data = NULL;
    }

    rc = ngx_av_param_convert(ps, param, &slot->text, &ps->values[n],
                              &ps->lengths[n], &message);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (param->flags & NGX_AV_PARAM_PATH) {
        return NGX_ABORT;
    }

    if (param->flags & NGX_AV_PARAM_LENIENT) {
        return ngx_av_param_absent(ps, param, &ps->values[n],
                                   &ps->lengths[n]);
    }

    error = ngx_array_push(&ps->errors);
    if (error == NULL) {
        return NGX_ERROR;
    }

    error->param = param;
    error->message = message;

    return NGX_OK;
}


static ngx_int_t
ngx_av_params_pair(ngx_av_params_t *ps, ngx_uint_t i,
    ngx_av_params_slot_t *slots)
{
    if ((slots[i].text.data == NULL) == (slots[i - 1].text.data == NULL)) {
        return NGX_OK;
    }

    if (slots[i].text.data) {
        i--;
    }

    return ngx_av_params_error(ps, &ps->params[i], "field required");
}


static ngx_int_t
ngx_av_params_error(ngx_av_params_t *ps, const ngx_av_param_t *param,
    const char *message)
{
    ngx_av_param_error_t  *error;

    error = ngx_array_push(&ps->errors);
    if (error == NULL) {
        return NGX_ERROR;
    }

    error->param = param;
    error->message.data = (u_char *) message;
    error->message.len = ngx_strlen(message);

    return NGX_OK;
}
