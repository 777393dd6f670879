#include "ngx_av_semconv_keys.h"


/* a power of two, several times the number of rows */
#define NGX_AV_SEMCONV_SLOTS     1024
#define NGX_AV_SEMCONV_SHIFT     (64 - 10)

#define NGX_AV_SEMCONV_PREFIXES  16
#define NGX_AV_SEMCONV_WORD      sizeof(uint64_t)


#define ngx_av_key(field, kind, key)                                          \
    { ngx_string(key), NGX_AV_SEMCONV_IN_ATTRIBUTES,                          \
      NGX_AV_SEMCONV_##field, NGX_AV_SEMCONV_AS_##kind }

#define ngx_av_prefix(field, kind, key)                                       \
    { ngx_string(key), NGX_AV_SEMCONV_IN_PREFIX,                              \
      NGX_AV_SEMCONV_##field, NGX_AV_SEMCONV_AS_##kind }

#define ngx_av_event(field, kind, key)                                        \
    { ngx_string(key), NGX_AV_SEMCONV_IN_EVENTS,                              \
      NGX_AV_SEMCONV_##field, NGX_AV_SEMCONV_AS_##kind }


const ngx_av_semconv_row_t  ngx_av_semconv_rows[] = {

    ngx_av_key(MODEL, LABEL, "gen_ai.response.model"),
    ngx_av_key(MODEL, LABEL, "gen_ai.request.model"),
    ngx_av_key(MODEL, LABEL, "llm.response.model_name"),
    ngx_av_key(MODEL, LABEL, "llm.model_name"),
    ngx_av_key(MODEL, LABEL, "llm.request.model_name"),
    ngx_av_key(MODEL, LABEL, "embedding.model_name"),
    ngx_av_key(MODEL, LABEL, "reranker.model_name"),
    ngx_av_key(MODEL, LABEL, "ai.model.id"),

    ngx_av_key(REQUEST_MODEL, LABEL, "gen_ai.request.model"),
    ngx_av_key(REQUEST_MODEL, LABEL, "llm.request.model_name"),
    ngx_av_key(REQUEST_MODEL, LABEL, "ai.model.id"),

    ngx_av_key(PROVIDER, LABEL, "gen_ai.provider.name"),
    ngx_av_key(PROVIDER, LABEL, "gen_ai.system"),
    ngx_av_key(PROVIDER, LABEL, "llm.provider"),
    ngx_av_key(PROVIDER, LABEL, "llm.system"),
    ngx_av_key(PROVIDER, LABEL, "ai.model.provider"),

    ngx_av_key(INPUT_TOKENS, COUNT, "gen_ai.usage.input_tokens"),
    ngx_av_key(INPUT_TOKENS, COUNT, "gen_ai.usage.prompt_tokens"),
    ngx_av_key(INPUT_TOKENS, COUNT, "llm.token_count.prompt"),
    ngx_av_key(INPUT_TOKENS, COUNT, "llm.usage.prompt_tokens"),
    ngx_av_key(INPUT_TOKENS, COUNT, "ai.usage.promptTokens"),
    ngx_av_key(INPUT_TOKENS, COUNT, "ai.usage.inputTokens"),

    ngx_av_key(OUTPUT_TOKENS, COUNT, "gen_ai.usage.output_tokens"),
    ngx_av_key(OUTPUT_TOKENS, COUNT, "gen_ai.usage.completion_tokens"),
    ngx_av_key(OUTPUT_TOKENS, COUNT, "llm.token_count.completion"),
    ngx_av_key(OUTPUT_TOKENS, COUNT, "llm.usage.completion_tokens"),
    ngx_av_key(OUTPUT_TOKENS, COUNT, "ai.usage.completionTokens"),
    ngx_av_key(OUTPUT_TOKENS, COUNT, "ai.usage.outputTokens"),

    ngx_av_key(TOTAL_TOKENS, COUNT, "gen_ai.usage.total_tokens"),
    ngx_av_key(TOTAL_TOKENS, COUNT, "llm.usage.total_tokens"),
    ngx_av_key(TOTAL_TOKENS, COUNT, "llm.token_count.total"),

    ngx_av_key(CACHE_READ, COUNT, "gen_ai.usage.cache_read.input_tokens"),
    ngx_av_key(CACHE_READ, COUNT, "gen_ai.usage.cache_read_input_tokens"),
    ngx_av_key(CACHE_READ, COUNT,
               "llm.token_count.prompt_details.cache_read"),

    ngx_av_key(CACHE_WRITE, COUNT,
               "gen_ai.usage.cache_creation.input_tokens"),
    ngx_av_key(CACHE_WRITE, COUNT,
               "gen_ai.usage.cache_creation_input_tokens"),
    ngx_av_key(CACHE_WRITE, COUNT,
               "llm.token_count.prompt_details.cache_creation"),
    ngx_av_key(CACHE_WRITE, COUNT,
               "llm.token_count.prompt_details.cache_write"),

    ngx_av_key(REASONING, COUNT, "gen_ai.usage.reasoning.output_tokens"),
    ngx_av_key(REASONING, COUNT, "gen_ai.usage.reasoning_tokens"),
    ngx_av_key(REASONING, COUNT, "llm.usage.reasoning_tokens"),
    ngx_av_key(REASONING, COUNT,
               "llm.token_count.completion_details.reasoning"),

    ngx_av_key(AI_TOKENS, COUNT, "ai.usage.tokens"),

    ngx_av_key(COST, PRICE, "agentmark.usage.cost_usd"),
    ngx_av_key(COST, MONEY, "llm.cost.total"),
    ngx_av_key(COST, MONEY, "gen_ai.usage.cost"),
    ngx_av_key(COST_INPUT, MONEY, "llm.cost.prompt"),
    ngx_av_key(COST_OUTPUT, MONEY, "llm.cost.completion"),

    ngx_av_key(SESSION_ID, LABEL, "agentmark.session_id"),
    ngx_av_key(SESSION_ID, LABEL, "agentmark.metadata.session_id"),
    ngx_av_key(SESSION_ID, LABEL, "session.id"),
    ngx_av_key(SESSION_ID, LABEL, "gen_ai.conversation.id"),
    ngx_av_key(SESSION_ID, LABEL,
               "traceloop.association.properties.session_id"),
    ngx_av_key(SESSION_ID, LABEL, "langfuse.session.id"),
    ngx_av_key(SESSION_ID, LABEL, "ai.telemetry.metadata.session_id"),

    ngx_av_key(SESSION_NAME, LABEL, "agentmark.session_name"),
    ngx_av_key(SESSION_NAME, LABEL, "agentmark.metadata.session_name"),
    ngx_av_key(SESSION_NAME, LABEL, "ai.telemetry.metadata.session_name"),

    ngx_av_key(USER_ID, LABEL, "agentmark.user_id"),
    ngx_av_key(USER_ID, LABEL, "agentmark.metadata.user_id"),
    ngx_av_key(USER_ID, LABEL, "user.id"),
    ngx_av_key(USER_ID, LABEL, "enduser.id"),
    ngx_av_key(USER_ID, LABEL, "traceloop.association.properties.user_id"),
    ngx_av_key(USER_ID, LABEL, "gen_ai.user"),
    ngx_av_key(USER_ID, LABEL, "llm.user"),
    ngx_av_key(USER_ID, LABEL, "gen_ai.request.user"),
    ngx_av_key(USER_ID, LABEL, "langfuse.user.id"),
    ngx_av_key(USER_ID, LABEL, "ai.telemetry.metadata.user_id"),

    ngx_av_key(TRACE_NAME, LABEL, "agentmark.trace_name"),
    ngx_av_key(TRACE_NAME, LABEL, "agentmark.metadata.trace_name"),
    ngx_av_key(TRACE_NAME, LABEL, "ai.telemetry.metadata.trace_name"),

    ngx_av_key(PROMPT_NAME, LABEL, "agentmark.prompt_name"),
    ngx_av_key(PROMPT_NAME, LABEL, "agentmark.metadata.prompt_name"),
    ngx_av_key(PROMPT_NAME, LABEL, "ai.telemetry.metadata.prompt_name"),

    ngx_av_key(PROPS, ANY, "agentmark.props"),
    ngx_av_key(PROPS, ANY, "agentmark.metadata.props"),
    ngx_av_key(PROPS, ANY, "ai.telemetry.metadata.props"),

    ngx_av_key(COMMIT_SHA, LABEL, "agentmark.metadata.commit_sha"),
    ngx_av_key(COMMIT_SHA, LABEL, "ai.telemetry.metadata.commit_sha"),

    ngx_av_key(DATASET_RUN_ID, ANY, "agentmark.dataset_run_id"),
    ngx_av_key(DATASET_RUN_ID, ANY, "agentmark.metadata.dataset_run_id"),
    ngx_av_key(DATASET_RUN_ID, ANY, "ai.telemetry.metadata.dataset_run_id"),
    ngx_av_key(DATASET_RUN_NAME, ANY, "agentmark.dataset_run_name"),
    ngx_av_key(DATASET_RUN_NAME, ANY, "agentmark.metadata.dataset_run_name"),
    ngx_av_key(DATASET_RUN_NAME, ANY,
               "ai.telemetry.metadata.dataset_run_name"),
    ngx_av_key(DATASET_PATH, ANY, "agentmark.dataset_path"),
    ngx_av_key(DATASET_PATH, ANY, "agentmark.metadata.dataset_path"),
    ngx_av_key(DATASET_PATH, ANY, "ai.telemetry.metadata.dataset_path"),
    ngx_av_key(DATASET_ITEM_NAME, ANY, "agentmark.dataset_item_name"),
    ngx_av_key(DATASET_ITEM_NAME, ANY, "agentmark.metadata.dataset_item_name"),
    ngx_av_key(DATASET_ITEM_NAME, ANY,
               "ai.telemetry.metadata.dataset_item_name"),
    ngx_av_key(DATASET_EXPECTED_OUTPUT, ANY,
               "agentmark.dataset_expected_output"),
    ngx_av_key(DATASET_EXPECTED_OUTPUT, ANY,
               "agentmark.metadata.dataset_expected_output"),
    ngx_av_key(DATASET_EXPECTED_OUTPUT, ANY,
               "ai.telemetry.metadata.dataset_expected_output"),
    ngx_av_key(DATASET_INPUT, ANY, "agentmark.dataset_input"),
    ngx_av_key(DATASET_INPUT, ANY, "agentmark.metadata.dataset_input"),
    ngx_av_key(DATASET_INPUT, ANY, "ai.telemetry.metadata.dataset_input"),
    ngx_av_key(EXPERIMENT_KEY, ANY, "agentmark.experiment_key"),
    ngx_av_key(SOURCE_TREE_HASH, ANY, "agentmark.source_tree_hash"),

    ngx_av_key(TOOL_NAME, LABEL, "gen_ai.tool.name"),
    ngx_av_key(TOOL_NAME, LABEL, "tool.name"),
    ngx_av_key(TOOL_NAME, LABEL, "ai.toolCall.name"),

    ngx_av_key(TOOL_CALL_ID, LABEL, "gen_ai.tool.call.id"),
    ngx_av_key(TOOL_CALL_ID, LABEL, "tool_call.id"),
    ngx_av_key(TOOL_CALL_ID, LABEL, "ai.toolCall.id"),

    ngx_av_key(TOOL_ARGUMENTS, ANY, "gen_ai.tool.call.arguments"),
    ngx_av_key(TOOL_ARGUMENTS, ANY, "ai.toolCall.args"),

    ngx_av_key(TOOL_RESULT, ANY, "gen_ai.tool.call.result"),
    ngx_av_key(TOOL_RESULT, ANY, "ai.toolCall.result"),

    ngx_av_key(TOOL_CALLS, ANY, "ai.response.toolCalls"),
    ngx_av_key(TOOL_CALLS, ANY, "ai.result.toolCalls"),

    ngx_av_key(AGENT_NAME, LABEL, "gen_ai.agent.name"),
    ngx_av_key(AGENT_NAME, LABEL, "agent.name"),

    ngx_av_key(WORKFLOW_NAME, LABEL, "gen_ai.workflow.name"),
    ngx_av_key(WORKFLOW_NAME, LABEL, "traceloop.workflow.name"),

    ngx_av_key(ENTITY_NAME, LABEL, "traceloop.entity.name"),

    ngx_av_key(FINISH_REASON, FIRST, "gen_ai.response.finish_reasons"),
    ngx_av_key(FINISH_REASON, FIRST, "llm.finish_reason"),
    ngx_av_key(FINISH_REASON, FIRST, "gen_ai.response.finish_reason"),
    ngx_av_key(FINISH_REASON, FIRST, "gen_ai.completion.0.finish_reason"),
    ngx_av_key(FINISH_REASON, FIRST, "ai.response.finishReason"),

    ngx_av_key(TEMPERATURE, ANY, "gen_ai.request.temperature"),
    ngx_av_key(TOP_P, ANY, "gen_ai.request.top_p"),
    ngx_av_key(TOP_K, ANY, "gen_ai.request.top_k"),
    ngx_av_key(TOP_K, OLD, "llm.top_k"),
    ngx_av_key(MAX_TOKENS, ANY, "gen_ai.request.max_tokens"),
    ngx_av_key(FREQUENCY_PENALTY, ANY, "gen_ai.request.frequency_penalty"),
    ngx_av_key(FREQUENCY_PENALTY, OLD, "llm.frequency_penalty"),
    ngx_av_key(PRESENCE_PENALTY, ANY, "gen_ai.request.presence_penalty"),
    ngx_av_key(PRESENCE_PENALTY, OLD, "llm.presence_penalty"),
    ngx_av_key(SEED, ANY, "gen_ai.request.seed"),
    ngx_av_key(SEED, OLD, "gen_ai.openai.request.seed"),
    ngx_av_key(STOP_SEQUENCES, ANY, "gen_ai.request.stop_sequences"),
    ngx_av_key(STREAM, ANY, "gen_ai.request.stream"),
    ngx_av_key(INVOCATION, ANY, "llm.invocation_parameters"),

    ngx_av_key(METADATA, ANY, "metadata"),
    ngx_av_prefix(METADATA_ITEM, ITEM, "traceloop.association.properties."),
    ngx_av_prefix(METADATA_ITEM, ITEM, "ai.telemetry.metadata."),
    ngx_av_prefix(METADATA_ITEM, ITEM, "agentmark.metadata."),
    ngx_av_key(METADATA_ITEM, ALSO, "agentmark.metadata.commit_sha"),
    ngx_av_key(METADATA_ITEM, ALSO, "ai.telemetry.metadata.commit_sha"),

    ngx_av_key(TAGS, ANY, "agentmark.tags"),
    ngx_av_key(OLD_TAGS, ANY, "tag.tags"),

    ngx_av_key(ERROR_MESSAGE, ANY, "error.message"),
    ngx_av_key(ERROR_TYPE, LABEL, "error.type"),
    ngx_av_key(ERROR_TYPE, LABEL, "exception.type"),
    ngx_av_event(EXCEPTION, EVENT, "exception"),

    ngx_av_key(AGENTMARK_KIND, LABEL, "agentmark.span.kind"),
    ngx_av_key(OPENINFERENCE_KIND, LABEL, "openinference.span.kind"),
    ngx_av_key(OPERATION, LABEL, "gen_ai.operation.name"),
    ngx_av_key(TRACELOOP_KIND, LABEL, "traceloop.span.kind"),
    ngx_av_key(REQUEST_TYPE, LABEL, "llm.request.type"),
    ngx_av_key(AI_OPERATION, LABEL, "ai.operationId"),
    ngx_av_key(MCP_METHOD, LABEL, "mcp.method.name"),
    ngx_av_prefix(VECTOR, SIGN, "db.vector.query."),
    ngx_av_event(VECTOR, SIGN, "db.query.result"),
    ngx_av_event(VECTOR, SIGN, "db.search.result"),
    ngx_av_key(DB, LABEL, "db.system.name"),
    ngx_av_key(DB, LABEL, "db.system"),
    ngx_av_key(MESSAGING, SIGN, "messaging.system"),
    ngx_av_key(RPC, SIGN, "rpc.system.name"),
    ngx_av_key(RPC, SIGN, "rpc.system"),
    ngx_av_key(HTTP, SIGN, "http.request.method"),
    ngx_av_key(HTTP, SIGN, "http.method"),
    ngx_av_key(HTTP, SIGN, "url.full"),
    ngx_av_key(HTTP, SIGN, "http.url"),

    ngx_av_key(SYSTEM_INSTRUCTIONS, ANY, "gen_ai.system_instructions"),

    ngx_av_key(INPUT, TEXT, "gen_ai.request.input"),
    ngx_av_key(INPUT, TEXT, "agentmark.request.input"),
    ngx_av_key(INPUT, TEXT, "agentmark.input"),
    ngx_av_key(INPUT, TEXT, "agentmark.props"),
    ngx_av_key(INPUT, INSTRUCTED, "gen_ai.input.messages"),
    ngx_av_prefix(INPUT, OPENINFERENCE, "llm.input_messages."),
    ngx_av_prefix(INPUT, TRACELOOP, "gen_ai.prompt."),
    ngx_av_key(INPUT, TEXT, "gen_ai.tool.call.arguments"),
    ngx_av_key(INPUT, TEXT, "gen_ai.retrieval.query.text"),
    ngx_av_key(INPUT, TEXT, "reranker.query"),
    ngx_av_key(INPUT, TEXT, "input.value"),
    ngx_av_key(INPUT, TEXT, "traceloop.entity.input"),
    ngx_av_prefix(INPUT, PROMPTS, "llm.prompts."),
    ngx_av_key(INPUT, MESSAGES, "gen_ai.prompt"),
    ngx_av_event(INPUT, CONTENT, "gen_ai.content.prompt"),
    ngx_av_event(INPUT, CHAT, "gen_ai.system.message"),
    ngx_av_event(INPUT, CHAT, "gen_ai.user.message"),
    ngx_av_event(INPUT, CHAT, "gen_ai.assistant.message"),
    ngx_av_event(INPUT, CHAT, "gen_ai.tool.message"),
    ngx_av_event(INPUT, OPERATION,
                 "gen_ai.client.inference.operation.details"),
    ngx_av_key(INPUT, MESSAGES, "ai.prompt.messages"),
    ngx_av_key(INPUT, AI_PROMPT, "ai.prompt"),
    ngx_av_key(INPUT, TEXT, "ai.toolCall.args"),
    ngx_av_key(INPUT, AI_VALUE, "ai.value"),
    ngx_av_key(INPUT, AI_VALUE, "ai.values"),

    ngx_av_key(OUTPUT, TEXT, "gen_ai.response.output"),
    ngx_av_key(OUTPUT, TEXT, "agentmark.response.output"),
    ngx_av_key(OUTPUT, TEXT, "agentmark.output"),
    ngx_av_key(OUTPUT, MESSAGES, "gen_ai.output.messages"),
    ngx_av_prefix(OUTPUT, OPENINFERENCE, "llm.output_messages."),
    ngx_av_prefix(OUTPUT, TRACELOOP, "gen_ai.completion."),
    ngx_av_key(OUTPUT, ALSO, "gen_ai.completion.0.finish_reason"),
    ngx_av_key(OUTPUT, TEXT, "gen_ai.tool.call.result"),
    ngx_av_key(OUTPUT, TEXT, "gen_ai.retrieval.documents"),
    ngx_av_prefix(OUTPUT, DOCUMENTS, "retrieval.documents."),
    ngx_av_prefix(OUTPUT, DOCUMENTS, "reranker.output_documents."),
    ngx_av_event(OUTPUT, RESULTS, "db.query.result"),
    ngx_av_event(OUTPUT, RESULTS, "db.search.result"),
    ngx_av_key(OUTPUT, TEXT, "output.value"),
    ngx_av_key(OUTPUT, TEXT, "traceloop.entity.output"),
    ngx_av_prefix(OUTPUT, CHOICES, "llm.choices."),
    ngx_av_key(OUTPUT, MESSAGES, "gen_ai.completion"),
    ngx_av_event(OUTPUT, CONTENT, "gen_ai.content.completion"),
    ngx_av_event(OUTPUT, CHOICE, "gen_ai.choice"),
    ngx_av_event(OUTPUT, OPERATION,
                 "gen_ai.client.inference.operation.details"),
    ngx_av_key(OUTPUT, TEXT, "ai.response.text"),
    ngx_av_key(OUTPUT, TEXT, "ai.response.object"),
    ngx_av_key(OUTPUT, TEXT, "ai.result.text"),
    ngx_av_key(OUTPUT, TEXT, "ai.result.object"),
    ngx_av_key(OUTPUT, AI_CALLS, "ai.response.toolCalls"),
    ngx_av_key(OUTPUT, AI_CALLS, "ai.result.toolCalls"),
    ngx_av_key(OUTPUT, TEXT, "ai.toolCall.result"),

    ngx_av_key(OUTPUT_OBJECT, ANY, "gen_ai.response.output"),
    ngx_av_key(OUTPUT_OBJECT, ANY, "agentmark.response.output"),
    ngx_av_key(OUTPUT_OBJECT, ANY, "ai.response.object"),
    ngx_av_key(OUTPUT_OBJECT, ANY, "ai.result.object")
};

#define NGX_AV_SEMCONV_NROWS                                                  \
    (sizeof(ngx_av_semconv_rows) / sizeof(ngx_av_semconv_rows[0]))

const ngx_uint_t  ngx_av_semconv_nrows = NGX_AV_SEMCONV_NROWS;


/*
 * A key in words, its first, middle and last eight bytes: of most, these are
 * all, and a key is found without a look at the table.  A shorter key is one
 * word.
 */
typedef struct {
    uint64_t   words[3];
    uint16_t   len;
    uint16_t   place;
    uint16_t   row;
} ngx_av_semconv_name_t;


typedef struct {
    uint64_t   word;                            /* its first eight bytes */
    uint16_t   row;
} ngx_av_semconv_prefix_t;


/*
 * Derived from the table alone, hence the same in all processes and through
 * every reload.
 */

static struct {
    ngx_uint_t               ready;             /* unsigned ready:1 */
    size_t                   longest;           /* key */
    ngx_uint_t               nprefixes;
    ngx_av_semconv_prefix_t  prefixes[NGX_AV_SEMCONV_PREFIXES];
    u_char                   first[256];        /* bytes that begin a prefix */
    ngx_uint_t               nnames;
    ngx_av_semconv_name_t    names[NGX_AV_SEMCONV_NROWS];
    uint16_t                 next[NGX_AV_SEMCONV_NROWS];
    uint16_t                 slots[NGX_AV_SEMCONV_SLOTS];   /* in names */
} ngx_av_semconv_index;


static void ngx_av_semconv_index_key(ngx_uint_t row);
static void ngx_av_semconv_index_prefix(ngx_uint_t row);


static ngx_inline uint64_t
ngx_av_semconv_word(const u_char *p)
{
    uint64_t  word;

    ngx_memcpy(&word, p, NGX_AV_SEMCONV_WORD);

    return word;
}


static ngx_inline void
ngx_av_semconv_name(ngx_av_semconv_name_t *name, ngx_av_semconv_place_e place,
    const ngx_str_t *key)
{
    size_t         i, last;
    const u_char  *p;

    p = key->data;

    name->len = key->len;
    name->place = place;

    if (key->len < NGX_AV_SEMCONV_WORD) {
        name->words[0] = 0;

        for (i = 0; i < key->len; i++) {
            name->words[0] = name->words[0] << 8 | p[i];
        }

        name->words[1] = name->words[0];
        name->words[2] = name->words[0];

        return;
    }

    last = key->len - NGX_AV_SEMCONV_WORD;

    name->words[0] = ngx_av_semconv_word(p);
    name->words[1] = ngx_av_semconv_word(p + last / 2);
    name->words[2] = ngx_av_semconv_word(p + last);
}


/* Products that need not wait for each other. */

static ngx_inline ngx_uint_t
ngx_av_semconv_hash(const ngx_av_semconv_name_t *name)
{
    uint64_t  hash;

    hash = name->len + 64 * name->place
           + name->words[0] * 0x9e3779b97f4a7c15ULL
           + name->words[1] * 0xbf58476d1ce4e5b9ULL
           + name->words[2] * 0xd6e8feb86659fd93ULL;

    hash ^= hash >> 32;
    hash *= 0x94d049bb133111ebULL;

    return hash >> NGX_AV_SEMCONV_SHIFT;
}


static ngx_inline ngx_uint_t
ngx_av_semconv_same(const ngx_av_semconv_name_t *a,
    const ngx_av_semconv_name_t *b)
{
    return ((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1])
            | (a->words[2] ^ b->words[2]) | (a->len ^ b->len)
            | (a->place ^ b->place))
           == 0;
}


void
ngx_av_semconv_keys_init(void)
{
    ngx_uint_t  i;

    if (ngx_av_semconv_index.ready) {
        return;
    }

    ngx_memset(ngx_av_semconv_index.slots, 0xff,
               sizeof(ngx_av_semconv_index.slots));
    ngx_memset(ngx_av_semconv_index.next, 0xff,
               sizeof(ngx_av_semconv_index.next));

    for (i = 0; i < NGX_AV_SEMCONV_NROWS; i++) {

        if (ngx_av_semconv_rows[i].place == NGX_AV_SEMCONV_IN_PREFIX) {
            ngx_av_semconv_index_prefix(i);

        } else {
            ngx_av_semconv_index_key(i);
        }
    }

    ngx_av_semconv_index.ready = 1;
}


static void
ngx_av_semconv_index_key(ngx_uint_t row)
{
    ngx_uint_t                   i, last;
    ngx_av_semconv_name_t       *name;
    const ngx_av_semconv_row_t  *r;

    r = &ngx_av_semconv_rows[row];

    ngx_av_semconv_index.longest = ngx_max(ngx_av_semconv_index.longest,
                                           r->key.len);

    last = ngx_av_semconv_row(r->place, &r->key);

    if (last != NGX_AV_SEMCONV_NO_ROW) {

        while (ngx_av_semconv_index.next[last] != NGX_AV_SEMCONV_NO_ROW) {
            last = ngx_av_semconv_index.next[last];
        }

        ngx_av_semconv_index.next[last] = row;
        return;
    }

    name = &ngx_av_semconv_index.names[ngx_av_semconv_index.nnames];

    ngx_av_semconv_name(name, r->place, &r->key);
    name->row = row;

    i = ngx_av_semconv_hash(name);

    while (ngx_av_semconv_index.slots[i] != NGX_AV_SEMCONV_NO_ROW) {
        i = (i + 1) % NGX_AV_SEMCONV_SLOTS;
    }

    ngx_av_semconv_index.slots[i] = ngx_av_semconv_index.nnames++;
}


static void
ngx_av_semconv_index_prefix(ngx_uint_t row)
{
    const u_char             *p;
    ngx_av_semconv_prefix_t  *prefix;

    /* a prefix too many would not be found, which the unit test sees */

    if (ngx_av_semconv_index.nprefixes == NGX_AV_SEMCONV_PREFIXES) {
        return;
    }

    p = ngx_av_semconv_rows[row].key.data;

    prefix = &ngx_av_semconv_index.prefixes[ngx_av_semconv_index.nprefixes++];

    prefix->word = ngx_av_semconv_word(p);
    prefix->row = row;

    ngx_av_semconv_index.first[p[0]] = 1;
}


ngx_uint_t
ngx_av_semconv_row(ngx_av_semconv_place_e place, const ngx_str_t *key)
{
    ngx_uint_t                    i, n;
    ngx_av_semconv_name_t         name;
    const ngx_av_semconv_name_t  *known;

    if (key->len > ngx_av_semconv_index.longest || key->len == 0) {
        return NGX_AV_SEMCONV_NO_ROW;
    }

    ngx_av_semconv_name(&name, place, key);

    for (i = ngx_av_semconv_hash(&name); /* void */ ;
         i = (i + 1) % NGX_AV_SEMCONV_SLOTS)
    {
        n = ngx_av_semconv_index.slots[i];

        if (n == NGX_AV_SEMCONV_NO_ROW) {
            return NGX_AV_SEMCONV_NO_ROW;
        }

        known = &ngx_av_semconv_index.names[n];

        if (ngx_av_semconv_same(known, &name)
            && (key->len <= sizeof(name.words)
                || ngx_memcmp(ngx_av_semconv_rows[known->row].key.data,
                              key->data, key->len)
                   == 0))
        {
            return known->row;
        }
    }
}


ngx_uint_t
ngx_av_semconv_next_row(ngx_uint_t row)
{
    return ngx_av_semconv_index.next[row];
}


ngx_uint_t
ngx_av_semconv_prefix_row(const ngx_str_t *key)
{
    uint64_t                        word;
    ngx_uint_t                      i;
    const ngx_str_t                *prefix;
    const ngx_av_semconv_prefix_t  *p;

    if (key->len <= NGX_AV_SEMCONV_WORD
        || !ngx_av_semconv_index.first[key->data[0]])
    {
        return NGX_AV_SEMCONV_NO_ROW;
    }

    word = ngx_av_semconv_word(key->data);

    for (i = 0; i < ngx_av_semconv_index.nprefixes; i++) {
        p = &ngx_av_semconv_index.prefixes[i];

        if (p->word != word) {
            continue;
        }

        prefix = &ngx_av_semconv_rows[p->row].key;

        if (key->len > prefix->len
            && ngx_memcmp(key->data, prefix->data, prefix->len) == 0)
        {
            return p->row;
        }
    }

    return NGX_AV_SEMCONV_NO_ROW;
}
