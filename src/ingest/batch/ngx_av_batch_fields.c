#include "ngx_av_batch_fields.h"
#include "ngx_av_columns.h"


/*
 * In the order of the contract.  Texts come as they share the limit of all
 * texts: the short and telling ones first.
 */

static const ngx_av_field_t  ngx_av_header_fields[] = {
    { ngx_null_string, 0, 0, 0, 0 },
    { ngx_string("trace_id"), NGX_AV_KIND_UUID, 1, NGX_AV_TRACE_ID, 0 },
    { ngx_string("agent"), NGX_AV_KIND_AGENT, 1, NGX_AV_TRACE_AGENT_ID, 0 },
    { ngx_string("status"), NGX_AV_KIND_STATUS, 0, NGX_AV_TRACE_STATUS, 0 },
    { ngx_string("started_at"), NGX_AV_KIND_START, 1,
      NGX_AV_TRACE_STARTED_AT, 0 },
    { ngx_string("ended_at"), NGX_AV_KIND_TIME, 0, NGX_AV_TRACE_ENDED_AT, 0 },
    { ngx_string("duration_ms"), NGX_AV_KIND_MSEC, 0,
      NGX_AV_TRACE_DURATION, 0 },
    { ngx_string("success"), NGX_AV_KIND_BOOL, 0, NGX_AV_TRACE_SUCCESS, 0 },
    { ngx_string("outcome"), NGX_AV_KIND_TEXT, 0, NGX_AV_TRACE_OUTCOME, 0 },
    { ngx_string("total_tokens"), NGX_AV_KIND_COUNT, 0,
      NGX_AV_TRACE_TOTAL_TOKENS, 0 },
    { ngx_string("total_cost_usd"), NGX_AV_KIND_MONEY, 0,
      NGX_AV_TRACE_TOTAL_COST, 0 },
    { ngx_string("error_message"), NGX_AV_KIND_TEXT, 0,
      NGX_AV_TRACE_ERROR_MESSAGE, 0 },
    { ngx_string("metadata"), NGX_AV_KIND_OBJECT_JSONB, 0,
      NGX_AV_TRACE_METADATA, 0 },
    { ngx_string("agent_name"), NGX_AV_KIND_ALIAS, 0, 0,
      NGX_AV_HEADER_AGENT },
    { ngx_string("attributes"), NGX_AV_KIND_ALIAS, 0, 0,
      NGX_AV_HEADER_METADATA }
};


static const u_char
    ngx_av_header_by_length[NGX_AV_FIELDS_MAX_LEN + 1]
                           [NGX_AV_FIELDS_SAME_LEN + 1] =
{
    [5] = { NGX_AV_HEADER_AGENT },
    [6] = { NGX_AV_HEADER_STATUS },
    [7] = { NGX_AV_HEADER_SUCCESS, NGX_AV_HEADER_OUTCOME },
    [8] = { NGX_AV_HEADER_TRACE_ID, NGX_AV_HEADER_ENDED_AT,
            NGX_AV_HEADER_METADATA },
    [10] = { NGX_AV_HEADER_STARTED_AT, NGX_AV_HEADER_AGENT_NAME,
             NGX_AV_HEADER_ATTRIBUTES },
    [11] = { NGX_AV_HEADER_DURATION_MS },
    [12] = { NGX_AV_HEADER_TOTAL_TOKENS },
    [13] = { NGX_AV_HEADER_ERROR_MESSAGE },
    [14] = { NGX_AV_HEADER_TOTAL_COST_USD }
};


const ngx_av_table_t  ngx_av_header_table = {
    ngx_av_header_fields,
    ngx_av_header_by_length,
    NGX_AV_HEADER_METADATA,
    NGX_AV_HEADER_ATTRIBUTES
};


static const ngx_av_field_t  ngx_av_span_fields[] = {
    { ngx_null_string, 0, 0, 0, 0 },
    { ngx_string("span_id"), NGX_AV_KIND_UUID, 1, NGX_AV_SPAN_ID, 0 },
    { ngx_string("trace_id"), NGX_AV_KIND_TRACE_ID, 0,
      NGX_AV_SPAN_TRACE_ID, 0 },
    { ngx_string("parent_span_id"), NGX_AV_KIND_UUID, 0,
      NGX_AV_SPAN_PARENT_ID, 0 },
    { ngx_string("type"), NGX_AV_KIND_TYPE, 0, NGX_AV_SPAN_TYPE, 0 },
    { ngx_string("name"), NGX_AV_KIND_LABEL, 1, NGX_AV_SPAN_NAME, 0 },
    { ngx_string("status"), NGX_AV_KIND_STATUS, 0, NGX_AV_SPAN_STATUS, 0 },
    { ngx_string("started_at"), NGX_AV_KIND_START, 1,
      NGX_AV_SPAN_STARTED_AT, 0 },
    { ngx_string("ended_at"), NGX_AV_KIND_TIME, 0, NGX_AV_SPAN_ENDED_AT, 0 },
    { ngx_string("duration_ms"), NGX_AV_KIND_MSEC, 0,
      NGX_AV_SPAN_DURATION, 0 },
    { ngx_string("model"), NGX_AV_KIND_TEXT, 0, NGX_AV_SPAN_MODEL, 0 },
    { ngx_string("input_tokens"), NGX_AV_KIND_COUNT, 0,
      NGX_AV_SPAN_INPUT_TOKENS, 0 },
    { ngx_string("output_tokens"), NGX_AV_KIND_COUNT, 0,
      NGX_AV_SPAN_OUTPUT_TOKENS, 0 },
    { ngx_string("total_tokens"), NGX_AV_KIND_COUNT, 0,
      NGX_AV_SPAN_TOTAL_TOKENS, 0 },
    { ngx_string("cost_usd"), NGX_AV_KIND_MONEY, 0, NGX_AV_SPAN_COST, 0 },
    { ngx_string("error_message"), NGX_AV_KIND_TEXT, 0,
      NGX_AV_SPAN_ERROR_MESSAGE, 0 },
    { ngx_string("input"), NGX_AV_KIND_JSON, 0, NGX_AV_SPAN_INPUT, 0 },
    { ngx_string("output"), NGX_AV_KIND_JSON, 0, NGX_AV_SPAN_OUTPUT, 0 },
    { ngx_string("metadata"), NGX_AV_KIND_OBJECT, 0,
      NGX_AV_SPAN_METADATA, 0 },
    { ngx_string("attributes"), NGX_AV_KIND_ALIAS, 0, 0,
      NGX_AV_SPAN_FIELD_METADATA }
};


static const u_char
    ngx_av_span_by_length[NGX_AV_FIELDS_MAX_LEN + 1]
                         [NGX_AV_FIELDS_SAME_LEN + 1] =
{
    [4] = { NGX_AV_SPAN_FIELD_TYPE, NGX_AV_SPAN_FIELD_NAME },
    [5] = { NGX_AV_SPAN_FIELD_MODEL, NGX_AV_SPAN_FIELD_INPUT },
    [6] = { NGX_AV_SPAN_FIELD_STATUS, NGX_AV_SPAN_FIELD_OUTPUT },
    [7] = { NGX_AV_SPAN_FIELD_SPAN_ID },
    [8] = { NGX_AV_SPAN_FIELD_TRACE_ID, NGX_AV_SPAN_FIELD_ENDED_AT,
            NGX_AV_SPAN_FIELD_COST_USD, NGX_AV_SPAN_FIELD_METADATA },
    [10] = { NGX_AV_SPAN_FIELD_STARTED_AT, NGX_AV_SPAN_FIELD_ATTRIBUTES },
    [11] = { NGX_AV_SPAN_FIELD_DURATION_MS },
    [12] = { NGX_AV_SPAN_FIELD_INPUT_TOKENS, NGX_AV_SPAN_FIELD_TOTAL_TOKENS },
    [13] = { NGX_AV_SPAN_FIELD_OUTPUT_TOKENS,
             NGX_AV_SPAN_FIELD_ERROR_MESSAGE },
    [14] = { NGX_AV_SPAN_FIELD_PARENT_SPAN_ID }
};


const ngx_av_table_t  ngx_av_span_table = {
    ngx_av_span_fields,
    ngx_av_span_by_length,
    NGX_AV_SPAN_FIELD_METADATA,
    NGX_AV_SPAN_FIELD_ATTRIBUTES
};
