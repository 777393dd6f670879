/* A span as AgentVista shows it (agentvista.md 5.2): null where not known. */

#include "ngx_av_span_row.h"

#include "ngx_av_columns.h"
#include "ngx_av_json.h"
#include "ngx_av_value.h"


static ngx_int_t ngx_av_span_vista_type(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_vista_status(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_vista_kind(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_vista_time(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_vista_ms(ngx_av_buf_t *b,
    const ngx_av_span_row_t *row, const ngx_av_span_field_t *field);
static ngx_int_t ngx_av_span_vista_word(ngx_av_buf_t *b,
    const ngx_str_t *words, ngx_uint_t nwords, int64_t n);


static const ngx_av_span_field_t  ngx_av_span_vista_fields[] = {
    NGX_AV_SPAN_FIELD("{\"span_id\":", ngx_av_span_write, SPAN_ID),
    NGX_AV_SPAN_FIELD(",\"trace_id\":", ngx_av_span_write, TRACE_ID),
    NGX_AV_SPAN_FIELD(",\"parent_span_id\":", ngx_av_span_write, PARENT_ID),
    NGX_AV_SPAN_FIELD(",\"type\":", ngx_av_span_vista_type, TYPE),
    NGX_AV_SPAN_FIELD(",\"name\":", ngx_av_span_write, NAME),
    NGX_AV_SPAN_FIELD(",\"status\":", ngx_av_span_vista_status, STATUS),
    NGX_AV_SPAN_FIELD(",\"started_at\":", ngx_av_span_vista_time, STARTED_AT),
    NGX_AV_SPAN_FIELD(",\"ended_at\":", ngx_av_span_vista_time, ENDED_AT),
    NGX_AV_SPAN_FIELD(",\"duration_ms\":", ngx_av_span_vista_ms, DURATION),
    NGX_AV_SPAN_FIELD(",\"service_name\":", ngx_av_span_write, SERVICE_NAME),
    NGX_AV_SPAN_FIELD(",\"kind\":", ngx_av_span_vista_kind, KIND),
    NGX_AV_SPAN_FIELD(",\"scope_id\":", ngx_av_span_write, SCOPE_ID),
    NGX_AV_SPAN_FIELD(",\"session_id\":", ngx_av_span_write, SESSION_ID),
    NGX_AV_SPAN_FIELD(",\"user_id\":", ngx_av_span_write, USER_ID),
    NGX_AV_SPAN_FIELD(",\"model\":", ngx_av_span_write, MODEL),
    NGX_AV_SPAN_FIELD(",\"input_tokens\":", ngx_av_span_write, INPUT_TOKENS),
    NGX_AV_SPAN_FIELD(",\"output_tokens\":", ngx_av_span_write, OUTPUT_TOKENS),
    NGX_AV_SPAN_FIELD(",\"total_tokens\":", ngx_av_span_write, TOTAL_TOKENS),
    NGX_AV_SPAN_FIELD(",\"cost_usd\":", ngx_av_span_write, COST),
    NGX_AV_SPAN_FIELD(",\"error_message\":", ngx_av_span_write, ERROR_MESSAGE),
    NGX_AV_SPAN_FIELD(",\"input\":", ngx_av_span_write, INPUT),
    NGX_AV_SPAN_FIELD(",\"output\":", ngx_av_span_write, OUTPUT),
    NGX_AV_SPAN_FIELD(",\"metadata\":", ngx_av_span_write, METADATA),
    NGX_AV_SPAN_FIELD(",\"details\":", ngx_av_span_write, DETAILS),
    NGX_AV_SPAN_FIELD(",\"events\":", ngx_av_span_write, EVENTS),
    NGX_AV_SPAN_FIELD(",\"links\":", ngx_av_span_write, LINKS),
    NGX_AV_SPAN_FIELD(",\"truncated\":", ngx_av_span_write, TRUNCATED)
};


const ngx_av_span_form_t  ngx_av_span_vista = {
    NGX_AV_SPAN_FIELDS(ngx_av_span_vista_fields),
    NULL, ngx_string("}"), 1, 1
};


/* Words are written with their quotes. */

static const ngx_str_t  ngx_av_span_vista_statuses[] = {
    [NGX_AV_STATUS_RUNNING] = ngx_string("\"running\""),
    [NGX_AV_STATUS_COMPLETED] = ngx_string("\"completed\""),
    [NGX_AV_STATUS_FAILED] = ngx_string("\"failed\""),
    [NGX_AV_STATUS_TIMED_OUT] = ngx_string("\"timed_out\"")
};

/* what the fine set of types is to AgentVista's clients; others are custom */
static const ngx_str_t  ngx_av_span_vista_types[] = {
    [NGX_AV_TYPE_AGENT] = ngx_string("\"agent\""),
    [NGX_AV_TYPE_LLM] = ngx_string("\"llm\""),
    [NGX_AV_TYPE_TOOL] = ngx_string("\"tool\""),
    [NGX_AV_TYPE_HTTP] = ngx_string("\"http\""),
    [NGX_AV_TYPE_DB] = ngx_string("\"db\""),
    [NGX_AV_TYPE_RETRIEVAL] = ngx_string("\"db\""),
    [NGX_AV_TYPE_EMBEDDING] = ngx_string("\"llm\""),
    [NGX_AV_TYPE_RPC] = ngx_string("\"http\""),
    [NGX_AV_TYPE_LLM_WEAK] = ngx_string("\"llm\"")
};

/* OTLP's, by their numbers */
static const ngx_str_t  ngx_av_span_vista_kinds[] = {
    ngx_string("\"unspecified\""),
    ngx_string("\"internal\""),
    ngx_string("\"server\""),
    ngx_string("\"client\""),
    ngx_string("\"producer\""),
    ngx_string("\"consumer\"")
};

#define NGX_AV_SPAN_VISTA_SERVER  2
#define NGX_AV_SPAN_VISTA_CLIENT  3

#define NGX_AV_SPAN_WORDS(words)  words, sizeof(words) / sizeof(words[0])


static ngx_int_t
ngx_av_span_vista_type(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    int64_t  type, kind;

    type = ngx_av_span_int(row, field->source);

    if (type == NGX_AV_TYPE_OTHER) {
        kind = ngx_av_span_int(row, NGX_AV_SPAN_ROW_KIND);

        if (kind == NGX_AV_SPAN_VISTA_SERVER
            || kind == NGX_AV_SPAN_VISTA_CLIENT)
        {
            type = NGX_AV_TYPE_HTTP;
        }
    }

    if (ngx_av_span_vista_word(b, NGX_AV_SPAN_WORDS(ngx_av_span_vista_types),
                               type)
        == NGX_DECLINED)
    {
        return ngx_av_buf_append(b, "\"custom\"", sizeof("\"custom\"") - 1);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_span_vista_status(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    return ngx_av_span_vista_word(b,
                                NGX_AV_SPAN_WORDS(ngx_av_span_vista_statuses),
                                ngx_av_span_int(row, field->source));
}


static ngx_int_t
ngx_av_span_vista_kind(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    if (ngx_av_span_is_null(row, field->source)) {
        return NGX_DECLINED;
    }

    return ngx_av_span_vista_word(b,
                                  NGX_AV_SPAN_WORDS(ngx_av_span_vista_kinds),
                                  ngx_av_span_int(row, field->source));
}


static ngx_int_t
ngx_av_span_vista_word(ngx_av_buf_t *b, const ngx_str_t *words,
    ngx_uint_t nwords, int64_t n)
{
    if (n < 0 || n >= (int64_t) nwords || words[n].len == 0) {
        return NGX_DECLINED;
    }

    return ngx_av_buf_append(b, words[n].data, words[n].len);
}


static ngx_int_t
ngx_av_span_vista_time(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    if (ngx_av_span_is_null(row, field->source)) {
        return NGX_DECLINED;
    }

    return ngx_av_value_write_time(b, ngx_av_span_time(row, field->source));
}


static ngx_int_t
ngx_av_span_vista_ms(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    if (ngx_av_span_is_null(row, field->source)) {
        return NGX_DECLINED;
    }

    return ngx_av_json_write_int(b, ngx_av_span_int(row, field->source)
                                    / 1000000);
}
