#include "ngx_av_semconv_work.h"

#include "ngx_av_columns.h"
#include "ngx_av_fields.h"


#define NGX_AV_SEMCONV_ENTRIES  16      /* a usual number, for a start */


static ngx_int_t ngx_av_semconv_collect(ngx_av_semconv_work_t *w);
static ngx_int_t ngx_av_semconv_resource(ngx_av_semconv_work_t *w);
static ngx_int_t ngx_av_semconv_resource_size(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_attribute_t *attribute, size_t *size);
static ngx_int_t ngx_av_semconv_attribute(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_attribute_t *attribute);
static ngx_int_t ngx_av_semconv_take(ngx_av_semconv_work_t *w, ngx_uint_t row,
    const ngx_av_otlp_attribute_t *attribute);
static ngx_int_t ngx_av_semconv_take_item(ngx_av_semconv_work_t *w,
    ngx_uint_t row, const ngx_av_otlp_attribute_t *attribute);
static void ngx_av_semconv_take_event(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_event_t *event);
static void ngx_av_semconv_entity(ngx_av_semconv_work_t *w);
static void ngx_av_semconv_numbers(ngx_av_semconv_t *sc);
static const ngx_av_price_t *ngx_av_semconv_price(ngx_av_semconv_work_t *w,
    const ngx_str_t *model);
static void ngx_av_semconv_cost(ngx_av_semconv_t *sc);
static ngx_int_t ngx_av_semconv_labels(ngx_av_semconv_t *sc);
static ngx_int_t ngx_av_semconv_error(ngx_av_semconv_t *sc);
static ngx_int_t ngx_av_semconv_error_text(ngx_av_semconv_work_t *w,
    ngx_str_t *text);
static ngx_int_t ngx_av_semconv_source(ngx_av_semconv_work_t *w,
    ngx_av_semconv_field_e field, ngx_av_buf_t *b, const ngx_str_t *role,
    ngx_str_t *text);


static const ngx_str_t  ngx_av_semconv_exception_message =
    ngx_string("exception.message");
static const ngx_str_t  ngx_av_semconv_exception_type =
    ngx_string("exception.type");


ngx_av_semconv_t *
ngx_av_semconv_create(ngx_pool_t *pool, const ngx_av_semconv_limits_t *limits,
    const ngx_av_prices_t *prices)
{
    ngx_av_semconv_t       *sc;
    ngx_av_semconv_work_t  *w;

    ngx_av_semconv_keys_init();

    sc = ngx_pcalloc(pool, sizeof(ngx_av_semconv_t));
    w = ngx_pcalloc(pool, sizeof(ngx_av_semconv_work_t));

    if (sc == NULL || w == NULL) {
        return NULL;
    }

    sc->work = w;

    w->pool = pool;
    w->limits = *limits;
    w->prices = prices;

    if (ngx_array_init(&w->entries, pool, NGX_AV_SEMCONV_ENTRIES,
                       sizeof(ngx_av_semconv_entry_t)) != NGX_OK
        || ngx_array_init(&w->items, pool, NGX_AV_SEMCONV_ENTRIES,
                          sizeof(ngx_av_semconv_item_t)) != NGX_OK)
    {
        return NULL;
    }

    /* buffers of no size allocate when they are first written to */

    w->model.pool = pool;
    w->session_id.pool = pool;
    w->user_id.pool = pool;
    w->trace_name.pool = pool;
    w->tool_name.pool = pool;
    w->error_message.pool = pool;
    w->input.pool = pool;
    w->output.pool = pool;
    w->json.pool = pool;
    w->joined.pool = pool;
    w->scalar.pool = pool;

    return sc;
}


ngx_int_t
ngx_av_semconv_resolve(ngx_av_semconv_t *sc, const ngx_av_otlp_span_t *span,
    const ngx_av_otlp_scope_t *scope)
{
    ngx_av_semconv_work_t  *w;

    static const ngx_str_t  user = ngx_string("user");
    static const ngx_str_t  assistant = ngx_string("assistant");

    w = sc->work;

    w->span = span;
    w->scope = scope;

    if (ngx_av_semconv_collect(w) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_av_semconv_entity(w);
    ngx_av_semconv_ai_tokens(w);

    sc->type = ngx_av_semconv_type(w);

    ngx_av_semconv_numbers(sc);
    ngx_av_semconv_cost(sc);

    if (ngx_av_semconv_labels(sc) != NGX_OK
        || ngx_av_semconv_error(sc) != NGX_OK
        || ngx_av_semconv_source(w, NGX_AV_SEMCONV_INPUT, &w->input, &user,
                                 &sc->input) != NGX_OK
        || ngx_av_semconv_source(w, NGX_AV_SEMCONV_OUTPUT, &w->output,
                                 &assistant, &sc->output) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Finds the best value of each field. */
static ngx_int_t
ngx_av_semconv_collect(ngx_av_semconv_work_t *w)
{
    ngx_uint_t                      i;
    const ngx_av_otlp_event_t      *events;
    const ngx_av_otlp_attribute_t  *attributes;

    w->found = 0;
    ngx_memset(w->row, 0xff, sizeof(w->row));
    w->entries.nelts = 0;
    w->items.nelts = 0;
    w->order = 0;

    if (w->number != w->scope->number) {

        if (ngx_av_semconv_resource(w) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* the resource's first: of the same key the span's counts */

    for (i = 0; i < w->nresource; i++) {
        if (ngx_av_semconv_attribute(w, w->resource[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    w->genai = 0;

    attributes = w->span->attributes.elts;

    for (i = 0; i < w->span->attributes.nelts; i++) {
        if (ngx_av_semconv_attribute(w, &attributes[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    events = w->span->events.elts;

    for (i = 0; i < w->span->events.nelts; i++) {
        ngx_av_semconv_take_event(w, &events[i]);
    }

    return NGX_OK;
}


/* Picks what a new scope's resource has for the spans. */
static ngx_int_t
ngx_av_semconv_resource(ngx_av_semconv_work_t *w)
{
    size_t                          size, left;
    ngx_uint_t                      i;
    const ngx_av_otlp_attribute_t  *attribute;

    w->number = w->scope->number;
    w->nresource = 0;

    left = NGX_AV_SEMCONV_RESOURCE_BYTES;
    attribute = w->scope->resource_attributes.elts;

    for (i = 0; i < w->scope->resource_attributes.nelts; i++, attribute++) {

        if (ngx_av_semconv_row(NGX_AV_SEMCONV_IN_ATTRIBUTES, &attribute->key)
            == NGX_AV_SEMCONV_NO_ROW
            && ngx_av_semconv_prefix_row(&attribute->key)
               == NGX_AV_SEMCONV_NO_ROW)
        {
            continue;
        }

        if (ngx_av_semconv_resource_size(w, attribute, &size) != NGX_OK) {
            return NGX_ERROR;
        }

        if (size > left) {
            continue;
        }

        left -= size;
        w->resource[w->nresource++] = attribute;

        if (w->nresource == NGX_AV_SEMCONV_RESOURCE_MAX) {
            break;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_semconv_resource_size(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_attribute_t *attribute, size_t *size)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_av_semconv_text(w, &w->json, &attribute->value, &text);

    *size = (rc == NGX_OK) ? attribute->key.len + text.len
                           : NGX_MAX_SIZE_T_VALUE;

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static ngx_inline ngx_uint_t
ngx_av_semconv_is_genai(const ngx_str_t *key)
{
    return (key->len > 7 && ngx_memcmp(key->data, "gen_ai.", 7) == 0)
           || (key->len > 4 && ngx_memcmp(key->data, "llm.", 4) == 0)
           || (key->len > 3 && ngx_memcmp(key->data, "ai.", 3) == 0);
}


static ngx_int_t
ngx_av_semconv_attribute(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_attribute_t *attribute)
{
    ngx_uint_t  row, prefix;

    if (!w->genai) {
        w->genai = ngx_av_semconv_is_genai(&attribute->key);
    }

    row = ngx_av_semconv_row(NGX_AV_SEMCONV_IN_ATTRIBUTES, &attribute->key);

    prefix = (row == NGX_AV_SEMCONV_NO_ROW);

    for ( /* void */ ;
         row != NGX_AV_SEMCONV_NO_ROW;
         row = ngx_av_semconv_next_row(row))
    {
        if (ngx_av_semconv_rows[row].kind == NGX_AV_SEMCONV_AS_ALSO) {
            prefix = 1;
            continue;
        }

        if (ngx_av_semconv_take(w, row, attribute) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (prefix) {
        row = ngx_av_semconv_prefix_row(&attribute->key);

        if (row != NGX_AV_SEMCONV_NO_ROW) {
            return ngx_av_semconv_take(w, row, attribute);
        }
    }

    return NGX_OK;
}


/* Keeps the value if no better one of its field is known. */
static ngx_int_t
ngx_av_semconv_take(ngx_av_semconv_work_t *w, ngx_uint_t row,
    const ngx_av_otlp_attribute_t *attribute)
{
    ngx_int_t                    rc;
    const ngx_av_semconv_row_t  *r;

    r = &ngx_av_semconv_rows[row];

    if (r->kind == NGX_AV_SEMCONV_AS_ITEM) {
        return ngx_av_semconv_take_item(w, row, attribute);
    }

    if (row > w->row[r->field]) {
        return NGX_OK;
    }

    if (r->place == NGX_AV_SEMCONV_IN_PREFIX
        && r->kind != NGX_AV_SEMCONV_AS_SIGN)
    {
        rc = ngx_av_semconv_index(w, row, attribute);

    } else {
        rc = ngx_av_semconv_read(w, &w->slots[r->field], r->kind,
                                 &attribute->value);
    }

    if (rc == NGX_OK) {
        ngx_av_semconv_set_row(w, r->field, row);
    }

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_av_semconv_take_item(ngx_av_semconv_work_t *w, ngx_uint_t row,
    const ngx_av_otlp_attribute_t *attribute)
{
    ngx_av_semconv_item_t  *item;

    if (ngx_av_semconv_is_empty(&attribute->value)) {
        return NGX_OK;
    }

    item = ngx_array_push(&w->items);
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->row = row;
    item->attribute = attribute;

    ngx_av_semconv_set_row(w, NGX_AV_SEMCONV_METADATA_ITEM, row);

    return NGX_OK;
}


static void
ngx_av_semconv_take_event(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_event_t *event)
{
    ngx_uint_t  row, field;

    row = ngx_av_semconv_row(NGX_AV_SEMCONV_IN_EVENTS, &event->name);

    for ( /* void */ ;
         row != NGX_AV_SEMCONV_NO_ROW;
         row = ngx_av_semconv_next_row(row))
    {
        field = ngx_av_semconv_rows[row].field;

        if (row <= w->row[field]
            && ngx_av_semconv_is_source(event, row))
        {
            ngx_av_semconv_set_row(w, field, row);
            w->slots[field].event = event;
        }
    }
}


/* Traceloop's entity has the name of what the span's kind says. */
static void
ngx_av_semconv_entity(ngx_av_semconv_work_t *w)
{
    ngx_uint_t  i, field;

    static const struct {
        ngx_str_t   kind;
        ngx_uint_t  field;
    } entities[] = {
        { ngx_string("tool"), NGX_AV_SEMCONV_TOOL_NAME },
        { ngx_string("agent"), NGX_AV_SEMCONV_AGENT_NAME }
    };

    if (!ngx_av_semconv_has(w, NGX_AV_SEMCONV_ENTITY_NAME)
        || !ngx_av_semconv_has(w, NGX_AV_SEMCONV_TRACELOOP_KIND))
    {
        return;
    }

    for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {

        field = entities[i].field;

        if (ngx_av_semconv_has(w, field)
            || !ngx_av_semconv_is(&w->slots[NGX_AV_SEMCONV_TRACELOOP_KIND].text,
                                  &entities[i].kind))
        {
            continue;
        }

        ngx_av_semconv_set_row(w, field, w->row[NGX_AV_SEMCONV_ENTITY_NAME]);
        w->slots[field].text = w->slots[NGX_AV_SEMCONV_ENTITY_NAME].text;
    }
}


static void
ngx_av_semconv_numbers(ngx_av_semconv_t *sc)
{
    ngx_av_semconv_work_t  *w;

    w = sc->work;

    sc->known = 0;

    if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_INPUT_TOKENS)) {
        sc->input_tokens = w->slots[NGX_AV_SEMCONV_INPUT_TOKENS].count;
        sc->known |= NGX_AV_SEMCONV_HAS_INPUT_TOKENS;
    }

    if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_OUTPUT_TOKENS)) {
        sc->output_tokens = w->slots[NGX_AV_SEMCONV_OUTPUT_TOKENS].count;
        sc->known |= NGX_AV_SEMCONV_HAS_OUTPUT_TOKENS;
    }

    if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_TOTAL_TOKENS)) {
        sc->total_tokens = w->slots[NGX_AV_SEMCONV_TOTAL_TOKENS].count;
        sc->known |= NGX_AV_SEMCONV_HAS_TOTAL_TOKENS;
        return;
    }

    if ((sc->known & NGX_AV_SEMCONV_HAS_INPUT_TOKENS)
        && (sc->known & NGX_AV_SEMCONV_HAS_OUTPUT_TOKENS)
        && sc->input_tokens <= NGX_AV_FIELDS_MAX_COUNT - sc->output_tokens)
    {
        sc->total_tokens = sc->input_tokens + sc->output_tokens;
        sc->known |= NGX_AV_SEMCONV_HAS_TOTAL_TOKENS;
    }
}


static const ngx_av_price_t *
ngx_av_semconv_price(ngx_av_semconv_work_t *w, const ngx_str_t *model)
{
    if (model->len > NGX_AV_PRICES_NAME_LIMIT) {
        return NULL;
    }

    if (w->model_len != model->len
        || ngx_memcmp(w->model_name, model->data, model->len) != 0)
    {
        w->price = ngx_av_prices_lookup(w->prices, model);
        w->model_len = model->len;
        ngx_memcpy(w->model_name, model->data, model->len);
    }

    return w->price;
}


/*
 * As reported, in one or in two parts, else by the prices.  Models that make
 * embeddings put nothing out: where the number is missing, it is 0.
 */
static void
ngx_av_semconv_cost(ngx_av_semconv_t *sc)
{
    int64_t                 output;
    ngx_str_t               model;
    ngx_uint_t              i;
    ngx_av_semconv_work_t  *w;

    static const ngx_uint_t  models[] = {
        NGX_AV_SEMCONV_MODEL,
        NGX_AV_SEMCONV_REQUEST_MODEL
    };

    w = sc->work;

    ngx_memzero(&sc->cost, sizeof(ngx_av_decimal_t));

    if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_COST)) {
        sc->cost = w->slots[NGX_AV_SEMCONV_COST].money;
        sc->known |= NGX_AV_SEMCONV_HAS_COST;
        return;
    }

    for (i = NGX_AV_SEMCONV_COST_INPUT; i <= NGX_AV_SEMCONV_COST_OUTPUT; i++) {

        if (ngx_av_semconv_has(w, i)) {
            ngx_av_decimal_add(&sc->cost, &w->slots[i].money);
            sc->known |= NGX_AV_SEMCONV_HAS_COST;
        }
    }

    if ((sc->known & NGX_AV_SEMCONV_HAS_COST)
        || !(sc->known & NGX_AV_SEMCONV_HAS_INPUT_TOKENS)
        || w->span->status_code == 2
        || w->prices == NULL)
    {
        return;
    }

    if (sc->known & NGX_AV_SEMCONV_HAS_OUTPUT_TOKENS) {
        output = sc->output_tokens;

    } else if (sc->type == NGX_AV_TYPE_EMBEDDING) {
        output = 0;

    } else {
        return;
    }

    /* what answered may be called by a name that the table does not have */

    for (i = 0; i < 2; i++) {

        model = ngx_av_semconv_label(w, models[i]);

        if (model.len
            && ngx_av_prices_cost(ngx_av_semconv_price(w, &model),
                                  sc->input_tokens, output, &sc->cost)
               == NGX_OK)
        {
            sc->known |= NGX_AV_SEMCONV_HAS_COST;
            return;
        }
    }
}


#define ngx_av_label(field, member)                                           \
    { NGX_AV_SEMCONV_##field, offsetof(ngx_av_semconv_t, member),             \
      offsetof(ngx_av_semconv_work_t, member) }


/* A field, where its text goes, and the memory for that. */
static const struct {
    ngx_uint_t  field;
    size_t      text;
    size_t      buf;
} ngx_av_semconv_texts[] = {
    ngx_av_label(MODEL, model),
    ngx_av_label(SESSION_ID, session_id),
    ngx_av_label(USER_ID, user_id),
    ngx_av_label(TRACE_NAME, trace_name),
    ngx_av_label(TOOL_NAME, tool_name)
};


static ngx_int_t
ngx_av_semconv_labels(ngx_av_semconv_t *sc)
{
    ngx_str_t      label, *text;
    ngx_uint_t     i;
    ngx_av_buf_t  *b;

    for (i = 0;
         i < sizeof(ngx_av_semconv_texts) / sizeof(ngx_av_semconv_texts[0]);
         i++)
    {
        text = (ngx_str_t *) ((u_char *) sc + ngx_av_semconv_texts[i].text);
        b = (ngx_av_buf_t *) ((u_char *) sc->work
                              + ngx_av_semconv_texts[i].buf);

        label = ngx_av_semconv_label(sc->work, ngx_av_semconv_texts[i].field);

        if (ngx_av_semconv_clean(b, &label, NGX_AV_SEMCONV_LABEL_LIMIT, text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_semconv_error(ngx_av_semconv_t *sc)
{
    ngx_str_t               text;
    ngx_av_semconv_work_t  *w;

    w = sc->work;

    ngx_str_null(&sc->error_message);

    if (w->span->status_code != 2) {
        return NGX_OK;
    }

    text = w->span->status_message;

    if (text.len == 0 && ngx_av_semconv_error_text(w, &text) == NGX_ERROR) {
        return NGX_ERROR;
    }

    return ngx_av_semconv_clean(&w->error_message, &text,
                                w->limits.text_limit, &sc->error_message);
}


static ngx_int_t
ngx_av_semconv_error_text(ngx_av_semconv_work_t *w, ngx_str_t *text)
{
    const ngx_av_otlp_event_t  *event;
    const ngx_av_otlp_value_t  *value;

    value = NULL;

    if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_EXCEPTION)) {
        event = w->slots[NGX_AV_SEMCONV_EXCEPTION].event;

        value = ngx_av_semconv_find(&event->attributes,
                                    &ngx_av_semconv_exception_message);
        if (value == NULL) {
            value = ngx_av_semconv_find(&event->attributes,
                                        &ngx_av_semconv_exception_type);
        }
    }

    if (value == NULL && ngx_av_semconv_has(w, NGX_AV_SEMCONV_ERROR_MESSAGE)) {
        value = w->slots[NGX_AV_SEMCONV_ERROR_MESSAGE].value;
    }

    if (value == NULL && ngx_av_semconv_has(w, NGX_AV_SEMCONV_ERROR_TYPE)) {
        value = w->slots[NGX_AV_SEMCONV_ERROR_TYPE].value;
    }

    return value ? ngx_av_semconv_text(w, &w->error_message, value, text)
                 : NGX_DECLINED;
}


/* Input or output, from the best of the sources there are. */
static ngx_int_t
ngx_av_semconv_source(ngx_av_semconv_work_t *w, ngx_av_semconv_field_e field,
    ngx_av_buf_t *b, const ngx_str_t *role, ngx_str_t *text)
{
    ngx_int_t                   rc;
    ngx_uint_t                  row;
    const ngx_av_otlp_value_t  *value, *system;

    ngx_str_null(text);

    if (!ngx_av_semconv_has(w, field)) {
        return NGX_OK;
    }

    row = w->row[field];

    value = w->slots[field].value;
    system = NULL;

    switch (ngx_av_semconv_rows[row].kind) {

    case NGX_AV_SEMCONV_AS_TEXT:
        rc = ngx_av_semconv_text(w, b, value, text);

        if (rc == NGX_OK) {
            rc = ngx_av_semconv_clean(b, text, 0, text);
        }

        break;

    case NGX_AV_SEMCONV_AS_INSTRUCTED:

        if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_SYSTEM_INSTRUCTIONS)) {
            system = w->slots[NGX_AV_SEMCONV_SYSTEM_INSTRUCTIONS].value;
        }

        /* fall through */

    case NGX_AV_SEMCONV_AS_MESSAGES:
        rc = ngx_av_semconv_messages(w, b, value, system, role, text);
        break;

    case NGX_AV_SEMCONV_AS_AI_PROMPT:
        rc = ngx_av_semconv_ai_prompt(w, b, value, text);
        break;

    case NGX_AV_SEMCONV_AS_AI_VALUE:
        rc = ngx_av_semconv_ai_value(w, b, value, text);
        break;

    case NGX_AV_SEMCONV_AS_AI_CALLS:
        rc = ngx_av_semconv_ai_calls(w, b, value, text);
        break;

    case NGX_AV_SEMCONV_AS_CONTENT:
    case NGX_AV_SEMCONV_AS_CHAT:
    case NGX_AV_SEMCONV_AS_CHOICE:
    case NGX_AV_SEMCONV_AS_OPERATION:
    case NGX_AV_SEMCONV_AS_RESULTS:
        rc = ngx_av_semconv_events(w, b, row, role, text);
        break;

    default: /* indexed */
        rc = ngx_av_semconv_indexed(w, b, row, role, text);
    }

    if (rc == NGX_DECLINED) {
        ngx_str_null(text);
    }

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}
