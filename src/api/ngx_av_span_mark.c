/*
 * A span as AgentMark shows it (agentmark.md 3.3), and as a line of its export
 * (4.1): what is not known is left out.
 */

#include "ngx_av_span_row.h"

#include "ngx_av_columns.h"
#include "ngx_av_json.h"
#include "ngx_av_json_scan.h"
#include "ngx_av_numeric.h"
#include "ngx_av_text.h"


/* Members of spans.details, and their names in there. */

#define NGX_AV_SPAN_MARK_DETAILS(X)                                           \
    X(SPAN_TEXT, "span_text")                                                 \
    X(PARENT_TEXT, "parent_text")                                             \
    X(TRACE_TEXT, "trace_text")                                               \
    X(TOOL_NAME, "tool_name")                                                 \
    X(REASONING_TOKENS, "reasoning_tokens")                                   \
    X(OUTPUT_OBJECT, "output_object")                                         \
    X(TOOL_CALLS, "tool_calls")                                               \
    X(SETTINGS, "settings")                                                   \
    X(PROPS, "props")                                                         \
    X(FINISH_REASON, "finish_reason")                                         \
    X(SESSION_NAME, "session_name")                                           \
    X(TRACE_NAME, "trace_name")                                               \
    X(PROMPT_NAME, "prompt_name")                                             \
    X(TAGS, "tags")                                                           \
    X(METADATA, "metadata")

typedef enum {
#define NGX_AV_SPAN_MARK_ENUM(id, name)  NGX_AV_SPAN_MARK_##id,
    NGX_AV_SPAN_MARK_DETAILS(NGX_AV_SPAN_MARK_ENUM)
    NGX_AV_SPAN_MARK_NDETAILS
} ngx_av_span_mark_detail_e;

_Static_assert(NGX_AV_SPAN_MARK_NDETAILS <= NGX_AV_SPAN_ROW_MAX_DETAILS,
               "NGX_AV_SPAN_ROW_MAX_DETAILS is too small");

static const ngx_str_t  ngx_av_span_mark_keys[] = {
#define NGX_AV_SPAN_MARK_KEY(id, name)  ngx_string("\"" name "\""),
    NGX_AV_SPAN_MARK_DETAILS(NGX_AV_SPAN_MARK_KEY)
    ngx_null_string
};


static ngx_int_t ngx_av_span_mark_span_id(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_parent_id(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_trace_id(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_name(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_ms(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_timestamp(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_status(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_type(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_kind(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_cost(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_json(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_attributes(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_metadata(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_detail(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_raw_detail(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_mark_string(ngx_av_buf_t *b,
    const ngx_str_t *value);
static ngx_int_t ngx_av_span_mark_id(ngx_av_buf_t *b, const ngx_str_t *id,
    const ngx_str_t *sent, ngx_uint_t may_be_short);


#define NGX_AV_SPAN_MARK_DETAIL(before, id)                                   \
    { ngx_string(before), ngx_av_span_mark_detail, NGX_AV_SPAN_MARK_##id }

#define NGX_AV_SPAN_MARK_RAW(before, id)                                      \
    { ngx_string(before), ngx_av_span_mark_raw_detail, NGX_AV_SPAN_MARK_##id }

/* Fields that the forms have in common. */

#define NGX_AV_SPAN_MARK_PARENT                                               \
    NGX_AV_SPAN_FIELD(",\"parentId\":", ngx_av_span_mark_parent_id, PARENT_ID)

#define NGX_AV_SPAN_MARK_TOKENS                                               \
    NGX_AV_SPAN_FIELD(",\"model\":", ngx_av_span_write, MODEL),               \
    NGX_AV_SPAN_FIELD(",\"inputTokens\":", ngx_av_span_write,                 \
                      INPUT_TOKENS),                                          \
    NGX_AV_SPAN_FIELD(",\"outputTokens\":", ngx_av_span_write,                \
                      OUTPUT_TOKENS),                                         \
    NGX_AV_SPAN_FIELD(",\"totalTokens\":", ngx_av_span_write,                 \
                      TOTAL_TOKENS)

#define NGX_AV_SPAN_MARK_COST                                                 \
    NGX_AV_SPAN_FIELD(",\"cost\":", ngx_av_span_mark_cost, COST)

#define NGX_AV_SPAN_MARK_TEXTS                                                \
    NGX_AV_SPAN_FIELD(",\"input\":", ngx_av_span_mark_json, INPUT),           \
    NGX_AV_SPAN_FIELD(",\"output\":", ngx_av_span_mark_json, OUTPUT),         \
    NGX_AV_SPAN_MARK_DETAIL(",\"outputObject\":", OUTPUT_OBJECT),             \
    NGX_AV_SPAN_MARK_DETAIL(",\"toolCalls\":", TOOL_CALLS)


static const ngx_av_span_field_t  ngx_av_span_mark_fields[] = {
    NGX_AV_SPAN_FIELD("{\"id\":", ngx_av_span_mark_span_id, SPAN_ID),
    NGX_AV_SPAN_FIELD(",\"name\":", ngx_av_span_mark_name, NAME),
    NGX_AV_SPAN_FIELD(",\"duration\":", ngx_av_span_mark_ms, DURATION),
    NGX_AV_SPAN_MARK_PARENT,
    NGX_AV_SPAN_FIELD(",\"timestamp\":", ngx_av_span_mark_timestamp,
                      STARTED_AT),
    NGX_AV_SPAN_FIELD(",\"traceId\":", ngx_av_span_mark_trace_id, TRACE_ID),
    NGX_AV_SPAN_FIELD(",\"status\":", ngx_av_span_mark_status, STATUS),
    NGX_AV_SPAN_FIELD(",\"data\":{\"type\":", ngx_av_span_mark_type, TYPE),
    NGX_AV_SPAN_MARK_TOKENS,
    NGX_AV_SPAN_MARK_RAW(",\"reasoningTokens\":", REASONING_TOKENS),
    NGX_AV_SPAN_MARK_COST,
    NGX_AV_SPAN_MARK_TEXTS,
    NGX_AV_SPAN_MARK_DETAIL(",\"settings\":", SETTINGS),
    NGX_AV_SPAN_MARK_DETAIL(",\"props\":", PROPS),
    NGX_AV_SPAN_MARK_DETAIL(",\"finishReason\":", FINISH_REASON),
    NGX_AV_SPAN_FIELD(",\"sessionId\":", ngx_av_span_write, SESSION_ID),
    NGX_AV_SPAN_MARK_DETAIL(",\"sessionName\":", SESSION_NAME),
    NGX_AV_SPAN_FIELD(",\"userId\":", ngx_av_span_write, USER_ID),
    NGX_AV_SPAN_MARK_DETAIL(",\"traceName\":", TRACE_NAME),
    NGX_AV_SPAN_MARK_DETAIL(",\"promptName\":", PROMPT_NAME),
    NGX_AV_SPAN_FIELD(",\"statusMessage\":", ngx_av_span_write, ERROR_MESSAGE),
    NGX_AV_SPAN_FIELD(",\"status\":", ngx_av_span_mark_status, STATUS),
    NGX_AV_SPAN_FIELD(",\"spanKind\":", ngx_av_span_mark_kind, KIND),
    NGX_AV_SPAN_FIELD(",\"serviceName\":", ngx_av_span_write, SERVICE_NAME),
    NGX_AV_SPAN_FIELD(",\"duration\":", ngx_av_span_mark_ms, DURATION),
    NGX_AV_SPAN_FIELD(",\"attributes\":", ngx_av_span_mark_attributes,
                      METADATA),
    NGX_AV_SPAN_FIELD(",\"metadata\":", ngx_av_span_mark_metadata, METADATA)
};

const ngx_av_span_form_t  ngx_av_span_mark = {
    NGX_AV_SPAN_FIELDS(ngx_av_span_mark_fields),
    ngx_av_span_mark_keys, ngx_string("}}"), 0, 1
};


static const ngx_av_span_field_t  ngx_av_span_line_fields[] = {
    NGX_AV_SPAN_FIELD("{\"id\":", ngx_av_span_mark_span_id, SPAN_ID),
    NGX_AV_SPAN_FIELD(",\"traceId\":", ngx_av_span_mark_trace_id, TRACE_ID),
    NGX_AV_SPAN_MARK_PARENT,
    NGX_AV_SPAN_FIELD(",\"name\":", ngx_av_span_mark_name, NAME),
    NGX_AV_SPAN_FIELD(",\"type\":", ngx_av_span_mark_type, TYPE),
    NGX_AV_SPAN_FIELD(",\"status\":", ngx_av_span_mark_status, STATUS),
    NGX_AV_SPAN_FIELD(",\"statusMessage\":", ngx_av_span_write, ERROR_MESSAGE),
    NGX_AV_SPAN_FIELD(",\"timestamp\":", ngx_av_span_mark_timestamp,
                      STARTED_AT),
    NGX_AV_SPAN_FIELD(",\"duration\":", ngx_av_span_mark_ms, DURATION),
    NGX_AV_SPAN_MARK_TOKENS,
    NGX_AV_SPAN_MARK_COST,
    NGX_AV_SPAN_FIELD(",\"sessionId\":", ngx_av_span_write, SESSION_ID),
    NGX_AV_SPAN_FIELD(",\"userId\":", ngx_av_span_write, USER_ID),
    NGX_AV_SPAN_FIELD(",\"serviceName\":", ngx_av_span_write, SERVICE_NAME),
    NGX_AV_SPAN_MARK_DETAIL(",\"promptName\":", PROMPT_NAME),
    NGX_AV_SPAN_MARK_RAW(",\"tags\":", TAGS),
    NGX_AV_SPAN_FIELD(",\"metadata\":", ngx_av_span_mark_metadata, METADATA),
    NGX_AV_SPAN_MARK_TEXTS
};

const ngx_av_span_form_t  ngx_av_span_line = {
    NGX_AV_SPAN_FIELDS(ngx_av_span_line_fields),
    ngx_av_span_mark_keys, ngx_string("}\n"), 0, 0
};


static ngx_int_t
ngx_av_span_mark_span_id(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    ngx_str_t  id;

    id = ngx_av_span_value(row, field->source);

    return ngx_av_span_mark_id(b, &id,
                               &row->details[NGX_AV_SPAN_MARK_SPAN_TEXT], 1);
}


static ngx_int_t
ngx_av_span_mark_parent_id(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    ngx_str_t  id;

    id = ngx_av_span_value(row, field->source);

    return ngx_av_span_mark_id(b, &id,
                               &row->details[NGX_AV_SPAN_MARK_PARENT_TEXT],
                               1);
}


static ngx_int_t
ngx_av_span_mark_trace_id(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    ngx_str_t  id;

    id = ngx_av_span_value(row, field->source);

    return ngx_av_span_mark_id(b, &id,
                               &row->details[NGX_AV_SPAN_MARK_TRACE_TEXT], 0);
}


/* The text that was sent, else 32 digits, or 16 if OTLP sent so many. */

static ngx_int_t
ngx_av_span_mark_id(ngx_av_buf_t *b, const ngx_str_t *id,
    const ngx_str_t *sent, ngx_uint_t may_be_short)
{
    u_char               *p;
    size_t                len;

    static const u_char   zeros[sizeof(ngx_av_uuid_t) / 2];

    if (id->len != sizeof(ngx_av_uuid_t)) {
        return NGX_DECLINED;
    }

    if (sent->len) {
        return ngx_av_span_mark_string(b, sent);
    }

    p = id->data;
    len = id->len;

    if (may_be_short && ngx_memcmp(p, zeros, sizeof(zeros)) == 0) {
        p += sizeof(zeros);
        len -= sizeof(zeros);
    }

    if (ngx_av_buf_reserve(b, 2 * len + 2) != NGX_OK) {
        return NGX_ERROR;
    }

    *b->last++ = '"';
    b->last = ngx_hex_dump(b->last, p, len);
    *b->last++ = '"';

    return NGX_OK;
}


/* A tool's span is shown by the tool's name. */

static ngx_int_t
ngx_av_span_mark_name(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    const ngx_str_t  *tool;

    tool = &row->details[NGX_AV_SPAN_MARK_TOOL_NAME];

    if (ngx_av_span_int(row, NGX_AV_SPAN_ROW_TYPE) == NGX_AV_TYPE_TOOL
        && tool->len > sizeof("\"\"") - 1)
    {
        return ngx_av_span_mark_string(b, tool);
    }

    return ngx_av_span_write(b, row, field);
}


/* Milliseconds with what is left of them; 0 if not known. */

static ngx_int_t
ngx_av_span_mark_ms(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    u_char      *p;
    int64_t      ns;
    ngx_uint_t   i, rest;

    ns = ngx_max(ngx_av_span_int(row, field->source), 0);

    if (ngx_av_buf_reserve(b, NGX_INT64_LEN + sizeof(".999999")) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_av_text_int64(b->last, ns / 1000000);
    rest = ns % 1000000;

    if (rest) {
        *p++ = '.';

        for (i = 100000; rest; i /= 10) {
            *p++ = '0' + rest / i;
            rest %= i;
        }
    }

    b->last = p;

    return NGX_OK;
}


static ngx_int_t
ngx_av_span_mark_timestamp(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    ngx_av_time_t  t;

    t = ngx_av_span_time(row, field->source);

    return ngx_av_json_write_int(b, t / 1000000 - (t % 1000000 < 0));
}


/* 0 unset, 1 ok, 2 error: as sent by OTLP, else by our own status. */

static ngx_int_t
ngx_av_span_mark_status(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    u_char   text[3] = "\"0\"";
    int64_t  n;

    static const u_char  statuses[] = {
        [NGX_AV_STATUS_RUNNING] = 0,
        [NGX_AV_STATUS_COMPLETED] = 1,
        [NGX_AV_STATUS_FAILED] = 2,
        [NGX_AV_STATUS_TIMED_OUT] = 2
    };

    if (!ngx_av_span_is_null(row, NGX_AV_SPAN_ROW_OTLP_STATUS)) {
        n = ngx_av_span_int(row, NGX_AV_SPAN_ROW_OTLP_STATUS);

    } else {
        n = statuses[ngx_av_span_int(row, field->source) & 3];
    }

    text[1] += n;

    return ngx_av_buf_append(b, text, sizeof(text));
}


static ngx_int_t
ngx_av_span_mark_type(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    switch (ngx_av_span_int(row, field->source)) {

    case NGX_AV_TYPE_LLM:
    case NGX_AV_TYPE_EMBEDDING:
        return ngx_av_buf_append(b, "\"GENERATION\"",
                                 sizeof("\"GENERATION\"") - 1);

    default:
        return ngx_av_buf_append(b, "\"SPAN\"", sizeof("\"SPAN\"") - 1);
    }
}


static ngx_int_t
ngx_av_span_mark_kind(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    int64_t  kind;

    kind = ngx_av_span_int(row, field->source);

    if (kind == 0) {
        return NGX_DECLINED;
    }

    if (ngx_av_buf_reserve(b, NGX_INT64_LEN + 2) != NGX_OK) {
        return NGX_ERROR;
    }

    *b->last++ = '"';
    b->last = ngx_av_text_int64(b->last, kind);
    *b->last++ = '"';

    return NGX_OK;
}


static ngx_int_t
ngx_av_span_mark_cost(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    ngx_str_t  value;

    value = ngx_av_span_value(row, field->source);

    return ngx_av_numeric_write(b, value.data, value.len, 1);
}


/* Input and output are strings on the wire, whatever they hold. */

static ngx_int_t
ngx_av_span_mark_json(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    ngx_str_t  value, trimmed;

    value = ngx_av_span_value(row, field->source);
    trimmed = ngx_av_json_trim(value);

    if (trimmed.len == 0 || trimmed.data[0] == 'n') {
        return NGX_DECLINED;
    }

    if (trimmed.data[0] == '"') {
        return ngx_av_buf_append(b, trimmed.data, trimmed.len);
    }

    return ngx_av_json_write_string(b, value.data, value.len);
}


/* All of them, as the text of an object. */

static ngx_int_t
ngx_av_span_mark_attributes(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    ngx_str_t  value;

    value = ngx_av_span_value(row, field->source);

    if (value.data == NULL) {
        return NGX_DECLINED;
    }

    return ngx_av_json_write_string(b, value.data, value.len);
}


/* What a sender calls metadata, every value as a string. */

static ngx_int_t
ngx_av_span_mark_metadata(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    ngx_str_t   rest, key, value;
    ngx_uint_t  n;

    rest = row->details[NGX_AV_SPAN_MARK_METADATA];

    if (rest.len == 0 && ngx_av_span_is_null(row, NGX_AV_SPAN_ROW_KIND)) {
        rest = ngx_av_span_value(row, field->source);
    }

    n = 0;

    while (ngx_av_json_member(&rest, &key, &value) == NGX_OK) {

        if (value.data[0] == 'n') {
            continue;
        }

        if (ngx_av_buf_append(b, n++ ? "," : "{", 1) != NGX_OK
            || ngx_av_buf_append(b, key.data, key.len) != NGX_OK
            || ngx_av_buf_append(b, ":", 1) != NGX_OK
            || ngx_av_span_mark_string(b, &value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return n ? ngx_av_buf_append(b, "}", 1) : NGX_DECLINED;
}


static ngx_int_t
ngx_av_span_mark_detail(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    if (row->details[field->source].len == 0) {
        return NGX_DECLINED;
    }

    return ngx_av_span_mark_string(b, &row->details[field->source]);
}


static ngx_int_t
ngx_av_span_mark_raw_detail(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    const ngx_str_t  *value;

    value = &row->details[field->source];

    if (value->len == 0) {
        return NGX_DECLINED;
    }

    return ngx_av_buf_append(b, value->data, value->len);
}


/* A JSON value as a string: what is one already, else its text. */

static ngx_int_t
ngx_av_span_mark_string(ngx_av_buf_t *b, const ngx_str_t *value)
{
    if (value->data[0] == '"') {
        return ngx_av_buf_append(b, value->data, value->len);
    }

    return ngx_av_json_write_string(b, value->data, value->len);
}
