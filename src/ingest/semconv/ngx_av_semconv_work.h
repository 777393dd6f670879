/*
 * What ngx_av_semconv*.c share while a span is resolved: private to them.
 */

#ifndef _NGX_AV_SEMCONV_WORK_H_INCLUDED_
#define _NGX_AV_SEMCONV_WORK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_json.h"
#include "ngx_av_semconv.h"
#include "ngx_av_semconv_keys.h"


/*
 * A text that is JSON is taken as plain text beyond this: nobody reads so many
 * messages, and parsing them would hold up the worker.
 */
#define NGX_AV_SEMCONV_PARSE_LIMIT     (1024 * 1024)

#define NGX_AV_SEMCONV_SCALAR_LEN      32

/*
 * A resource counts for each of its spans, so there is a limit to what it may
 * add to them: attributes that mean something, and bytes in all of them.
 */
#define NGX_AV_SEMCONV_RESOURCE_MAX    32
#define NGX_AV_SEMCONV_RESOURCE_BYTES  4096


/* A set of fields, as bits; aligned as pools align. */
__extension__ typedef unsigned __int128  ngx_av_semconv_set_t
    __attribute__((aligned(NGX_ALIGNMENT)));

#define ngx_av_semconv_range(first, last)                                     \
    (((ngx_av_semconv_set_t) 2 << (last))                                     \
     - ((ngx_av_semconv_set_t) 1 << (first)))


/* The best value found for a field. */
typedef struct {
    const ngx_av_otlp_value_t   *value;
    const ngx_av_otlp_event_t   *event;     /* AS_EVENT */

    ngx_str_t                    text;      /* AS_LABEL, AS_FIRST */
    int64_t                      count;     /* AS_COUNT */
    ngx_av_decimal_t             money;     /* AS_MONEY, AS_PRICE */

    u_char                       scalar[NGX_AV_SEMCONV_SCALAR_LEN];
} ngx_av_semconv_slot_t;


/* A member of metadata; the prefix of its row is no part of its name. */
typedef struct {
    ngx_uint_t                   row;
    const ngx_av_otlp_attribute_t  *attribute;
} ngx_av_semconv_item_t;


/* Which part of an indexed message an attribute is. */
typedef enum {
    NGX_AV_SEMCONV_GROUP_MESSAGE = 0,
    NGX_AV_SEMCONV_GROUP_PART,              /* of its content */
    NGX_AV_SEMCONV_GROUP_CALL               /* of a tool */
} ngx_av_semconv_group_e;


typedef struct {
    uint64_t                     index;     /* of the message */
    uint64_t                     sub;       /* of the part or call */
    ngx_uint_t                   order;     /* as sent */
    uint16_t                     row;
    u_char                       group;     /* ngx_av_semconv_group_e */
    u_char                       leaf;      /* private to *_indexed.c */
    ngx_str_t                    path;      /* of a part */
    const ngx_av_otlp_value_t   *value;
} ngx_av_semconv_entry_t;


struct ngx_av_semconv_work_s {
    ngx_pool_t                  *pool;
    ngx_av_semconv_limits_t      limits;
    const ngx_av_prices_t       *prices;

    const ngx_av_otlp_span_t    *span;
    const ngx_av_otlp_scope_t   *scope;

    /* what the resource of the scope numbered so has for its spans */
    ngx_uint_t                   number;
    ngx_uint_t                   nresource;
    const ngx_av_otlp_attribute_t
                                *resource[NGX_AV_SEMCONV_RESOURCE_MAX];

    /* of the span: what was found, and the row of each field, or
       NGX_AV_SEMCONV_NO_ROW; slots are void but for what was found */
    ngx_av_semconv_set_t         found;
    uint16_t                     row[NGX_AV_SEMCONV_NFIELDS];
    ngx_av_semconv_slot_t        slots[NGX_AV_SEMCONV_NFIELDS];
    ngx_uint_t                   genai;     /* has an attribute gen_ai.*,
                                               llm.* or ai.* */
    const ngx_str_t             *subtype;   /* or NULL */
    ngx_uint_t                   order;     /* of what was indexed last */
    ngx_array_t                  entries;   /* ngx_av_semconv_entry_t */
    ngx_array_t                  items;     /* ngx_av_semconv_item_t, members
                                               of metadata */

    /* the model looked up last, which the next span likely has again */
    size_t                       model_len;
    u_char                       model_name[NGX_AV_PRICES_NAME_LIMIT];
    const ngx_av_price_t        *price;

    /* memory for results, each used again by the next span */
    ngx_av_buf_t                 model;
    ngx_av_buf_t                 session_id;
    ngx_av_buf_t                 user_id;
    ngx_av_buf_t                 trace_name;
    ngx_av_buf_t                 tool_name;
    ngx_av_buf_t                 error_message;
    ngx_av_buf_t                 input;
    ngx_av_buf_t                 output;

    /* and for what a function needs on its way: used by no other it calls */
    ngx_av_buf_t                 json;      /* ngx_av_semconv_parse() */
    ngx_av_buf_t                 joined;    /* ngx_av_semconv_put_content() */
    ngx_av_buf_t                 scalar;    /* ngx_av_semconv_values.c */
};


static ngx_inline ngx_uint_t
ngx_av_semconv_has(const ngx_av_semconv_work_t *w,
    ngx_av_semconv_field_e field)
{
    return w->row[field] != NGX_AV_SEMCONV_NO_ROW;
}


static ngx_inline void
ngx_av_semconv_set_row(ngx_av_semconv_work_t *w, ngx_av_semconv_field_e field,
    ngx_uint_t row)
{
    w->found |= (ngx_av_semconv_set_t) 1 << field;
    w->row[field] = row;
}


/* The label or first text found, empty if none. */
static ngx_inline ngx_str_t
ngx_av_semconv_label(const ngx_av_semconv_work_t *w,
    ngx_av_semconv_field_e field)
{
    static const ngx_str_t  none = ngx_null_string;

    return ngx_av_semconv_has(w, field) ? w->slots[field].text : none;
}


static ngx_inline void
ngx_av_semconv_reset(ngx_av_buf_t *b)
{
    b->last = b->start;
}


/* Text equals a word of lower case letters, but for case. */
static ngx_inline ngx_uint_t
ngx_av_semconv_is(const ngx_str_t *text, const ngx_str_t *word)
{
    size_t  i;

    if (text->len != word->len) {
        return 0;
    }

    for (i = 0; i < text->len; i++) {
        if (ngx_tolower(text->data[i]) != word->data[i]) {
            return 0;
        }
    }

    return 1;
}


/* ngx_av_semconv_values.c */

/*
 * Reads a value into a slot by a kind up to AS_SIGN: NGX_OK; NGX_DECLINED if
 * it is of no use, and the slot is as it was; NGX_ERROR without memory.
 */
ngx_int_t ngx_av_semconv_read(ngx_av_semconv_work_t *w,
    ngx_av_semconv_slot_t *slot, ngx_av_semconv_kind_e kind,
    const ngx_av_otlp_value_t *value);

/* Absent, or as good as: no value, or an empty string. */
ngx_uint_t ngx_av_semconv_is_empty(const ngx_av_otlp_value_t *value);

/* The last value of a key that is not empty, or NULL. */
const ngx_av_otlp_value_t *ngx_av_semconv_find(
    const ngx_av_otlp_attributes_t *attributes, const ngx_str_t *key);

/*
 * Makes text of at most limit bytes (0: any length) valid: as it is, or
 * repaired in b, whose content is replaced.  Empty text becomes NULL.
 */
ngx_int_t ngx_av_semconv_clean(ngx_av_buf_t *b, const ngx_str_t *text,
    size_t limit, ngx_str_t *clean);

/*
 * A value as text of any length: a string as it is, anything else as JSON in b,
 * whose content is replaced.  NGX_DECLINED if it is nested too deeply.
 */
ngx_int_t ngx_av_semconv_text(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_str_t *text);

/* Appends a JSON string of bytes, cut at limit if that is not 0. */
ngx_int_t ngx_av_semconv_put_string(ngx_av_buf_t *b, const ngx_str_t *text,
    size_t limit);

/*
 * Appends a value as JSON: an array or object also if it is sent as its text,
 * a string if that does not parse or anything is nested too deeply.
 */
ngx_int_t ngx_av_semconv_put_value(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value);

/*
 * Parses text: NGX_OK, the caller frees the document; NGX_DECLINED if it is
 * no JSON or too long, nothing is to be freed; NGX_ERROR without memory.
 */
ngx_int_t ngx_av_semconv_parse(ngx_av_semconv_work_t *w,
    const ngx_str_t *text, ngx_av_json_t *json);

/* The same of text that is an array or an object, and of such a value. */
ngx_int_t ngx_av_semconv_parse_tree(ngx_av_semconv_work_t *w,
    const ngx_av_otlp_value_t *value, ngx_av_json_t *json);

/*
 * Appends a parsed value: NGX_DECLINED if it is nested too deeply, b being as
 * it was.
 */
ngx_int_t ngx_av_semconv_put_json(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    yyjson_val *val);


/* ngx_av_semconv_messages.c: each replaces the content of b */

/*
 * Messages of row 1 and of the like, as 10.4 has them.  system may be NULL.
 * What is no messages becomes the text it is.
 */
ngx_int_t ngx_av_semconv_messages(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, const ngx_av_otlp_value_t *system,
    const ngx_str_t *role, ngx_str_t *text);

/* The Vercel AI SDK's prompt. */
ngx_int_t ngx_av_semconv_ai_prompt(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_str_t *text);

/* Appends a message's content: text, or an array of parts. */
ngx_int_t ngx_av_semconv_put_content(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *val);

/*
 * Appends the members of a message, with {"role": and "content" before the
 * others, without the closing brace.
 */
ngx_int_t ngx_av_semconv_put_message(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, yyjson_val *message, const ngx_str_t *role);


/* ngx_av_semconv_ai.c: the Vercel AI SDK's own forms */

/* Makes the tokens of an embedding those of input, unless there are any. */
void ngx_av_semconv_ai_tokens(ngx_av_semconv_work_t *w);

/*
 * Replaces the content of b: what is embedded, without the JSON around each
 * text; and calls of tools as a message.  NGX_DECLINED if there is nothing.
 */
ngx_int_t ngx_av_semconv_ai_value(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_str_t *text);
ngx_int_t ngx_av_semconv_ai_calls(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_str_t *text);

/*
 * Appends the calls as details have them; NGX_DECLINED if they are none, b
 * being as it was.
 */
ngx_int_t ngx_av_semconv_put_ai_calls(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *value);


/* ngx_av_semconv_events.c: the source is that row of INPUT or OUTPUT */

/* The event is a source of that kind. */
ngx_uint_t ngx_av_semconv_is_source(const ngx_av_otlp_event_t *event,
    ngx_uint_t row);

ngx_int_t ngx_av_semconv_events(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    ngx_uint_t row, const ngx_str_t *role, ngx_str_t *text);


/* ngx_av_semconv_indexed.c */

/*
 * Takes an attribute by the row of its prefix: NGX_OK; NGX_DECLINED if it is
 * none of the prefix's; NGX_ERROR without memory.
 */
ngx_int_t ngx_av_semconv_index(ngx_av_semconv_work_t *w, ngx_uint_t row,
    const ngx_av_otlp_attribute_t *attribute);

/* Replaces the content of b by the messages, or documents, of that row. */
ngx_int_t ngx_av_semconv_indexed(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    ngx_uint_t row, const ngx_str_t *role, ngx_str_t *text);


/* ngx_av_semconv_type.c */

ngx_uint_t ngx_av_semconv_type(ngx_av_semconv_work_t *w);

/* The span is the Vercel AI SDK's call of a model that makes embeddings. */
ngx_uint_t ngx_av_semconv_ai_embeds(ngx_av_semconv_work_t *w);


/* ngx_av_semconv_provider.c */

/* The canonical name, or the text itself, without a suffix of the AI SDK's. */
ngx_str_t ngx_av_semconv_provider(const ngx_str_t *text);


/* ngx_av_semconv_metadata.c: as in ngx_av_semconv_details.c, each appends a
   value; NGX_DECLINED if there is none, what was appended being void */

ngx_int_t ngx_av_semconv_put_metadata(ngx_av_semconv_t *sc, ngx_av_buf_t *b);

ngx_int_t ngx_av_semconv_put_tags(ngx_av_semconv_t *sc, ngx_av_buf_t *b);


#endif /* _NGX_AV_SEMCONV_WORK_H_INCLUDED_ */
