#include "ngx_av_semconv_work.h"

#include "ngx_av_columns.h"


#define NGX_AV_SEMCONV_NO_TYPE  NGX_MAX_UINT32_VALUE


typedef struct {
    ngx_str_t    word;              /* in lower case */
    ngx_uint_t   type;
    ngx_str_t    subtype;
} ngx_av_semconv_word_t;


/* A rule of otlp.md 10.2 that looks one field up. */
typedef struct {
    ngx_uint_t                    field;
    const ngx_av_semconv_word_t  *words;    /* NULL: any value */
    ngx_uint_t                    type;     /* then */
} ngx_av_semconv_rule_t;


static ngx_uint_t ngx_av_semconv_rules(ngx_av_semconv_work_t *w,
    const ngx_av_semconv_rule_t *rule);
static ngx_uint_t ngx_av_semconv_word(ngx_av_semconv_work_t *w,
    const ngx_av_semconv_word_t *words, const ngx_str_t *text);
static ngx_uint_t ngx_av_semconv_ai_type(ngx_av_semconv_work_t *w);
static ngx_int_t ngx_av_semconv_ai_operation(ngx_av_semconv_work_t *w,
    ngx_str_t *operation);
static ngx_uint_t ngx_av_semconv_name_type(ngx_av_semconv_work_t *w);
static ngx_uint_t ngx_av_semconv_has_tokens(const ngx_av_semconv_work_t *w);


static const ngx_av_semconv_word_t  ngx_av_semconv_agentmark_kinds[] = {
    { ngx_string("function"), NGX_AV_TYPE_CHAIN, ngx_null_string },
    { ngx_string("llm"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("tool"), NGX_AV_TYPE_TOOL, ngx_null_string },
    { ngx_string("agent"), NGX_AV_TYPE_AGENT, ngx_null_string },
    { ngx_string("retrieval"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("embedding"), NGX_AV_TYPE_EMBEDDING, ngx_null_string },
    { ngx_string("guardrail"), NGX_AV_TYPE_GUARDRAIL, ngx_null_string },
    { ngx_null_string, 0, ngx_null_string }
};


static const ngx_av_semconv_word_t  ngx_av_semconv_openinference_kinds[] = {
    { ngx_string("llm"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("embedding"), NGX_AV_TYPE_EMBEDDING, ngx_null_string },
    { ngx_string("chain"), NGX_AV_TYPE_CHAIN, ngx_null_string },
    { ngx_string("retriever"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("reranker"), NGX_AV_TYPE_RETRIEVAL, ngx_string("rerank") },
    { ngx_string("tool"), NGX_AV_TYPE_TOOL, ngx_null_string },
    { ngx_string("agent"), NGX_AV_TYPE_AGENT, ngx_null_string },
    { ngx_string("guardrail"), NGX_AV_TYPE_GUARDRAIL, ngx_null_string },
    { ngx_string("evaluator"), NGX_AV_TYPE_EVALUATOR, ngx_null_string },
    { ngx_string("prompt"), NGX_AV_TYPE_CHAIN, ngx_string("prompt") },
    { ngx_null_string, 0, ngx_null_string }
};


static const ngx_av_semconv_word_t  ngx_av_semconv_operations[] = {
    { ngx_string("chat"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("text_completion"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("generate_content"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("completion"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("generate"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("embeddings"), NGX_AV_TYPE_EMBEDDING, ngx_null_string },
    { ngx_string("retrieval"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("execute_tool"), NGX_AV_TYPE_TOOL, ngx_null_string },
    { ngx_string("invoke_agent"), NGX_AV_TYPE_AGENT, ngx_null_string },
    { ngx_string("create_agent"), NGX_AV_TYPE_AGENT, ngx_null_string },
    { ngx_string("invoke_workflow"), NGX_AV_TYPE_CHAIN, ngx_null_string },
    { ngx_null_string, 0, ngx_null_string }
};


static const ngx_av_semconv_word_t  ngx_av_semconv_traceloop_kinds[] = {
    { ngx_string("workflow"), NGX_AV_TYPE_CHAIN, ngx_null_string },
    { ngx_string("task"), NGX_AV_TYPE_CHAIN, ngx_null_string },
    { ngx_string("agent"), NGX_AV_TYPE_AGENT, ngx_null_string },
    { ngx_string("tool"), NGX_AV_TYPE_TOOL, ngx_null_string },
    { ngx_null_string, 0, ngx_null_string }
};


static const ngx_av_semconv_word_t  ngx_av_semconv_request_types[] = {
    { ngx_string("chat"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("completion"), NGX_AV_TYPE_LLM, ngx_null_string },
    { ngx_string("embedding"), NGX_AV_TYPE_EMBEDDING, ngx_null_string },
    { ngx_string("rerank"), NGX_AV_TYPE_RETRIEVAL, ngx_string("rerank") },
    { ngx_null_string, 0, ngx_null_string }
};


static const ngx_av_semconv_word_t  ngx_av_semconv_mcp_methods[] = {
    { ngx_string("tools/call"), NGX_AV_TYPE_TOOL, ngx_null_string },
    { ngx_null_string, 0, ngx_null_string }
};


static const ngx_av_semconv_word_t  ngx_av_semconv_vector_stores[] = {
    { ngx_string("pinecone"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("qdrant"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("weaviate"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("milvus"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("chroma"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("chromadb"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("marqo"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_string("lancedb"), NGX_AV_TYPE_RETRIEVAL, ngx_null_string },
    { ngx_null_string, 0, ngx_null_string }
};


/* Rules 1 to 5. */
static const ngx_av_semconv_rule_t  ngx_av_semconv_kind_rules[] = {
    { NGX_AV_SEMCONV_AGENTMARK_KIND, ngx_av_semconv_agentmark_kinds, 0 },
    { NGX_AV_SEMCONV_OPENINFERENCE_KIND,
      ngx_av_semconv_openinference_kinds, 0 },
    { NGX_AV_SEMCONV_OPERATION, ngx_av_semconv_operations, 0 },
    { NGX_AV_SEMCONV_TRACELOOP_KIND, ngx_av_semconv_traceloop_kinds, 0 },
    { NGX_AV_SEMCONV_REQUEST_TYPE, ngx_av_semconv_request_types, 0 },
    { NGX_AV_SEMCONV_NFIELDS, NULL, 0 }
};


/* Rules 7 and 8. */
static const ngx_av_semconv_rule_t  ngx_av_semconv_system_rules[] = {
    { NGX_AV_SEMCONV_MCP_METHOD, ngx_av_semconv_mcp_methods, 0 },
    { NGX_AV_SEMCONV_DB, ngx_av_semconv_vector_stores, 0 },
    { NGX_AV_SEMCONV_VECTOR, NULL, NGX_AV_TYPE_RETRIEVAL },
    { NGX_AV_SEMCONV_NFIELDS, NULL, 0 }
};


/* Rules 11 to 15. */
static const ngx_av_semconv_rule_t  ngx_av_semconv_sign_rules[] = {
    { NGX_AV_SEMCONV_TOOL_NAME, NULL, NGX_AV_TYPE_TOOL },
    { NGX_AV_SEMCONV_DB, NULL, NGX_AV_TYPE_DB },
    { NGX_AV_SEMCONV_MESSAGING, NULL, NGX_AV_TYPE_MESSAGING },
    { NGX_AV_SEMCONV_RPC, NULL, NGX_AV_TYPE_RPC },
    { NGX_AV_SEMCONV_HTTP, NULL, NGX_AV_TYPE_HTTP },
    { NGX_AV_SEMCONV_NFIELDS, NULL, 0 }
};


ngx_uint_t
ngx_av_semconv_type(ngx_av_semconv_work_t *w)
{
    ngx_uint_t  type;

    w->subtype = NULL;

    type = ngx_av_semconv_rules(w, ngx_av_semconv_kind_rules);

    if (type == NGX_AV_SEMCONV_NO_TYPE) {
        type = ngx_av_semconv_ai_type(w);
    }

    if (type == NGX_AV_SEMCONV_NO_TYPE) {
        type = ngx_av_semconv_rules(w, ngx_av_semconv_system_rules);
    }

    /* before tokens: spans of agents carry the sums of their children */

    if (type == NGX_AV_SEMCONV_NO_TYPE && w->genai) {
        type = ngx_av_semconv_name_type(w);
    }

    if (type == NGX_AV_SEMCONV_NO_TYPE && ngx_av_semconv_has_tokens(w)) {
        return NGX_AV_TYPE_LLM;
    }

    if (type == NGX_AV_SEMCONV_NO_TYPE) {
        type = ngx_av_semconv_rules(w, ngx_av_semconv_sign_rules);
    }

    if (type == NGX_AV_SEMCONV_NO_TYPE && !w->genai) {
        type = ngx_av_semconv_name_type(w);
    }

    if (type != NGX_AV_SEMCONV_NO_TYPE) {
        return type;
    }

    return ngx_av_semconv_has(w, NGX_AV_SEMCONV_MODEL)
           ? NGX_AV_TYPE_LLM_WEAK : NGX_AV_TYPE_OTHER;
}


static ngx_uint_t
ngx_av_semconv_rules(ngx_av_semconv_work_t *w,
    const ngx_av_semconv_rule_t *rule)
{
    ngx_str_t   text;
    ngx_uint_t  type;

    for ( /* void */ ; rule->field != NGX_AV_SEMCONV_NFIELDS; rule++) {

        if (!ngx_av_semconv_has(w, rule->field)) {
            continue;
        }

        if (rule->words == NULL) {
            return rule->type;
        }

        text = w->slots[rule->field].text;
        type = ngx_av_semconv_word(w, rule->words, &text);

        if (type != NGX_AV_SEMCONV_NO_TYPE) {
            return type;
        }
    }

    return NGX_AV_SEMCONV_NO_TYPE;
}


static ngx_uint_t
ngx_av_semconv_word(ngx_av_semconv_work_t *w,
    const ngx_av_semconv_word_t *words, const ngx_str_t *text)
{
    for ( /* void */ ; words->word.len; words++) {

        if (!ngx_av_semconv_is(text, &words->word)) {
            continue;
        }

        if (words->subtype.len) {
            w->subtype = &words->subtype;
        }

        return words->type;
    }

    return NGX_AV_SEMCONV_NO_TYPE;
}


static ngx_inline ngx_uint_t
ngx_av_semconv_starts(const ngx_str_t *text, const char *with, size_t len)
{
    return text->len >= len && ngx_memcmp(text->data, with, len) == 0;
}


static ngx_inline ngx_uint_t
ngx_av_semconv_ends(const ngx_str_t *text, const char *with, size_t len)
{
    return text->len >= len
           && ngx_memcmp(text->data + text->len - len, with, len) == 0;
}


/* The span's name up to the first space. */
static ngx_inline ngx_str_t
ngx_av_semconv_first_word(const ngx_str_t *name)
{
    ngx_str_t   word;
    u_char     *space;

    word = *name;

    space = word.len ? memchr(word.data, ' ', word.len) : NULL;
    if (space) {
        word.len = space - word.data;
    }

    return word;
}


#define ngx_av_starts(with)                                                   \
    ngx_av_semconv_starts(&operation, with, sizeof(with) - 1)

#define ngx_av_ends(with)                                                     \
    ngx_av_semconv_ends(&operation, with, sizeof(with) - 1)


/* Rule 6, the Vercel AI SDK. */
static ngx_uint_t
ngx_av_semconv_ai_type(ngx_av_semconv_work_t *w)
{
    ngx_str_t  operation;

    if (ngx_av_semconv_ai_operation(w, &operation) != NGX_OK) {
        return NGX_AV_SEMCONV_NO_TYPE;
    }

    if (ngx_av_starts("ai.embed")) {
        return NGX_AV_TYPE_EMBEDDING;
    }

    if (ngx_av_ends(".doGenerate") || ngx_av_ends(".doStream")) {
        return NGX_AV_TYPE_LLM;
    }

    if (ngx_av_starts("ai.toolCall")) {
        return NGX_AV_TYPE_TOOL;
    }

    if (ngx_av_starts("ai.generate") || ngx_av_starts("ai.stream")) {
        return NGX_AV_TYPE_CHAIN;
    }

    return NGX_AV_SEMCONV_NO_TYPE;
}


ngx_uint_t
ngx_av_semconv_ai_embeds(ngx_av_semconv_work_t *w)
{
    ngx_str_t  operation;

    return ngx_av_semconv_ai_operation(w, &operation) == NGX_OK
           && (ngx_av_ends(".doEmbed") || ngx_av_ends(".doEmbedMany"));
}


#undef ngx_av_starts
#undef ngx_av_ends


/* Spans are named like their operation: the name will do in the SDK's scope. */
static ngx_int_t
ngx_av_semconv_ai_operation(ngx_av_semconv_work_t *w, ngx_str_t *operation)
{
    if (ngx_av_semconv_has(w, NGX_AV_SEMCONV_AI_OPERATION)) {
        *operation = w->slots[NGX_AV_SEMCONV_AI_OPERATION].text;
        return NGX_OK;
    }

    if (w->scope->name.len == 2
        && ngx_memcmp(w->scope->name.data, "ai", 2) == 0)
    {
        *operation = ngx_av_semconv_first_word(&w->span->name);
        return NGX_OK;
    }

    return NGX_DECLINED;
}


/*
 * Rules 9 and 16.  Pydantic AI's names are words of everyday language, which
 * mean that only beside attributes of the conventions.
 */

static ngx_uint_t
ngx_av_semconv_name_type(ngx_av_semconv_work_t *w)
{
    ngx_str_t  name, word;

    static const ngx_str_t  agent_run = ngx_string("agent run");
    static const ngx_str_t  running = ngx_string("running");

    name = w->span->name;
    word = ngx_av_semconv_first_word(&name);

    if (w->genai && ngx_av_semconv_is(&name, &agent_run)) {
        return NGX_AV_TYPE_AGENT;
    }

    if (w->genai && word.len < name.len && ngx_av_semconv_is(&word, &running))
    {
        return NGX_AV_TYPE_TOOL;
    }

    return ngx_av_semconv_word(w, ngx_av_semconv_operations, &word);
}


static ngx_uint_t
ngx_av_semconv_has_tokens(const ngx_av_semconv_work_t *w)
{
    return (w->found & ngx_av_semconv_range(NGX_AV_SEMCONV_INPUT_TOKENS,
                                            NGX_AV_SEMCONV_REASONING))
           != 0;
}
