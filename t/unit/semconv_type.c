/* The type of a span, and the names of providers (otlp.md 10.2, 10.3). */

#include "ngx_av_semconv_case.h"
#include "ngx_av_stub.h"


#define A(members)        "{'attributes':{" members "}}"
#define N(name, members)  "{'name':'" name "','attributes':{" members "}}"
#define V(name, members)  "{'scope':'ai','name':'" name "','attributes':{"    \
                          members "}}"

#define ngx_av_test_count(a)  (sizeof(a) / sizeof((a)[0]))

#define ngx_av_test_word(key, word, type)                                     \
    { key " " word, A("'" key "':'" word "'"), type }


static const ngx_av_semconv_limits_t  ngx_av_test_limits = {
    65536, 16 * 1024 * 1024, 64
};


static const ngx_av_semconv_case_t  ngx_av_test_types[] = {
    ngx_av_test_word("agentmark.span.kind", "function", "chain"),
    ngx_av_test_word("agentmark.span.kind", "llm", "llm"),
    ngx_av_test_word("agentmark.span.kind", "tool", "tool"),
    ngx_av_test_word("agentmark.span.kind", "agent", "agent"),
    ngx_av_test_word("agentmark.span.kind", "retrieval", "retrieval"),
    ngx_av_test_word("agentmark.span.kind", "embedding", "embedding"),
    ngx_av_test_word("agentmark.span.kind", "Guardrail", "guardrail"),
    ngx_av_test_word("agentmark.span.kind", "something", "other"),

    ngx_av_test_word("openinference.span.kind", "LLM", "llm"),
    ngx_av_test_word("openinference.span.kind", "EMBEDDING", "embedding"),
    ngx_av_test_word("openinference.span.kind", "CHAIN", "chain"),
    ngx_av_test_word("openinference.span.kind", "RETRIEVER", "retrieval"),
    ngx_av_test_word("openinference.span.kind", "RERANKER",
                     "retrieval; details={'subtype':'rerank'}"),
    ngx_av_test_word("openinference.span.kind", "TOOL", "tool"),
    ngx_av_test_word("openinference.span.kind", "AGENT", "agent"),
    ngx_av_test_word("openinference.span.kind", "GUARDRAIL", "guardrail"),
    ngx_av_test_word("openinference.span.kind", "EVALUATOR", "evaluator"),
    ngx_av_test_word("openinference.span.kind", "PROMPT",
                     "chain; details={'subtype':'prompt'}"),
    ngx_av_test_word("openinference.span.kind", "llm", "llm"),
    ngx_av_test_word("openinference.span.kind", "UNKNOWN", "other"),

    ngx_av_test_word("gen_ai.operation.name", "chat", "llm"),
    ngx_av_test_word("gen_ai.operation.name", "text_completion", "llm"),
    ngx_av_test_word("gen_ai.operation.name", "generate_content", "llm"),
    ngx_av_test_word("gen_ai.operation.name", "completion", "llm"),
    ngx_av_test_word("gen_ai.operation.name", "generate", "llm"),
    ngx_av_test_word("gen_ai.operation.name", "embeddings", "embedding"),
    ngx_av_test_word("gen_ai.operation.name", "retrieval", "retrieval"),
    ngx_av_test_word("gen_ai.operation.name", "execute_tool", "tool"),
    ngx_av_test_word("gen_ai.operation.name", "invoke_agent", "agent"),
    ngx_av_test_word("gen_ai.operation.name", "create_agent", "agent"),
    ngx_av_test_word("gen_ai.operation.name", "invoke_workflow", "chain"),
    ngx_av_test_word("gen_ai.operation.name", "dance", "other"),

    ngx_av_test_word("traceloop.span.kind", "workflow", "chain"),
    ngx_av_test_word("traceloop.span.kind", "task", "chain"),
    ngx_av_test_word("traceloop.span.kind", "agent", "agent"),
    ngx_av_test_word("traceloop.span.kind", "tool", "tool"),
    ngx_av_test_word("traceloop.span.kind", "unknown", "other"),

    ngx_av_test_word("llm.request.type", "chat", "llm"),
    ngx_av_test_word("llm.request.type", "completion", "llm"),
    ngx_av_test_word("llm.request.type", "embedding", "embedding"),
    ngx_av_test_word("llm.request.type", "rerank",
                     "retrieval; details={'subtype':'rerank'}"),
    ngx_av_test_word("llm.request.type", "unknown", "other"),

    ngx_av_test_word("ai.operationId", "ai.embed", "embedding"),
    ngx_av_test_word("ai.operationId", "ai.embedMany.doEmbed", "embedding"),
    ngx_av_test_word("ai.operationId", "ai.generateText.doGenerate", "llm"),
    ngx_av_test_word("ai.operationId", "ai.streamText.doStream", "llm"),
    ngx_av_test_word("ai.operationId", "ai.generateObject.doGenerate", "llm"),
    ngx_av_test_word("ai.operationId", "ai.streamObject.doStream", "llm"),
    ngx_av_test_word("ai.operationId", "ai.toolCall", "tool"),
    ngx_av_test_word("ai.operationId", "ai.generateText", "chain"),
    ngx_av_test_word("ai.operationId", "ai.streamObject", "chain"),
    ngx_av_test_word("ai.operationId", "ai.else", "other"),
    { "scope ai: the name will do", V("ai.generateText.doGenerate my-id", ""),
      "llm" },
    { "scope ai: a wrapper is a chain, with tokens as well",
      V("ai.generateText", "'ai.usage.promptTokens':1"), "chain; in=1" },
    { "scope ai: anything else", V("x", ""), "other" },
    { "the name in another scope does not do",
      N("ai.generateText.doGenerate", ""), "other" },

    ngx_av_test_word("mcp.method.name", "tools/call", "tool"),
    ngx_av_test_word("mcp.method.name", "tools/list", "other"),

    ngx_av_test_word("db.system", "pinecone", "retrieval"),
    ngx_av_test_word("db.system", "qdrant", "retrieval"),
    ngx_av_test_word("db.system", "weaviate", "retrieval"),
    ngx_av_test_word("db.system.name", "Milvus", "retrieval"),
    ngx_av_test_word("db.system.name", "chroma", "retrieval"),
    ngx_av_test_word("db.system.name", "chromadb", "retrieval"),
    ngx_av_test_word("db.system.name", "marqo", "retrieval"),
    ngx_av_test_word("db.system.name", "lancedb", "retrieval"),
    { "a query of vectors", A("'db.system':'postgresql',"
                              "'db.vector.query.top_k':3"), "retrieval" },
    { "results of a query as events",
      "{'events':[{'name':'db.query.result'}]}", "retrieval; output=[{}]" },
    { "results of a search as events",
      "{'events':[{'name':'db.search.result',"
      "'attributes':{'db.search.result.id':1}}]}",
      "retrieval; output=[{'id':1}]" },

    { "an operation as the name's first word",
      N("chat gpt-4o", "'gen_ai.request.model':'m'"), "llm; model=m" },
    { "the name before tokens: an agent's are sums",
      N("invoke_agent planner", "'gen_ai.usage.input_tokens':9"),
      "agent; in=9" },
    { "the name: execute_tool", N("execute_tool f", "'llm.x':1"), "tool" },
    { "the name: alone", N("embeddings", "'ai.x':1"), "embedding" },
    { "the name: agent run", N("agent run", "'gen_ai.usage.input_tokens':9"),
      "agent; in=9" },
    { "the name: running", N("running 2 tools",
                             "'gen_ai.usage.input_tokens':9"), "tool; in=9" },
    { "the name: no running", N("running", "'gen_ai.x':1"), "other" },

    { "any count of tokens", A("'gen_ai.usage.reasoning_tokens':1"),
      "llm; details={'reasoning_tokens':1}" },
    { "tokens before a tool's name",
      A("'gen_ai.usage.input_tokens':9,'tool.name':'t'"),
      "llm; in=9; tool=t; details={'tool_name':'t'}" },
    { "a tool's name before db", A("'tool.name':'t','db.system':'x'"),
      "tool; tool=t; details={'tool_name':'t',"
      "'tool_calls':[{'type':'tool-call','toolName':'t'}]}" },
    { "db before messaging", A("'messaging.system':'m','db.system':'x'"),
      "db" },
    { "messaging before rpc",
      A("'rpc.system':'m','messaging.system':'x'"), "messaging" },
    { "rpc before http", A("'http.request.method':'GET','rpc.system':'m'"),
      "rpc" },
    ngx_av_test_word("rpc.system.name", "grpc", "rpc"),
    ngx_av_test_word("http.request.method", "GET", "http"),
    ngx_av_test_word("http.method", "GET", "http"),
    ngx_av_test_word("url.full", "http://x/", "http"),
    ngx_av_test_word("http.url", "http://x/", "http"),
    { "http before the name", N("chat x", "'http.method':'POST'"), "http" },
    { "the name without attributes", N("invoke_agent a", ""), "agent" },
    { "everyday words without attributes", N("running late", ""), "other" },
    { "agent run without attributes", N("agent run", ""), "other" },
    { "a model's name is a weak sign", N("x", "'llm.model_name':'m'"),
      "weak; model=m" },
    { "nothing", N("GET /", ""), "other" },

    { "AgentMark's kind before OpenInference's",
      A("'openinference.span.kind':'LLM','agentmark.span.kind':'tool'"),
      "tool" },
    { "OpenInference's kind before the operation",
      A("'gen_ai.operation.name':'chat','openinference.span.kind':'CHAIN'"),
      "chain" },
    { "an unknown kind leaves it to the operation",
      A("'gen_ai.operation.name':'chat','openinference.span.kind':'X'"),
      "llm" },
    { "the operation before Traceloop's kind",
      A("'traceloop.span.kind':'task','gen_ai.operation.name':'chat'"),
      "llm" },
    { "Traceloop's kind before the request's type",
      A("'llm.request.type':'chat','traceloop.span.kind':'agent'"), "agent" },
    { "the request's type before Vercel's operation",
      A("'ai.operationId':'ai.toolCall','llm.request.type':'chat'"), "llm" },
    { "an embedding with a count of tokens stays one",
      A("'openinference.span.kind':'EMBEDDING','llm.token_count.prompt':5"),
      "embedding; in=5" },
    { "what is stamped on all spans of a workflow is no sign",
      A("'traceloop.workflow.name':'w','traceloop.entity.path':'p',"
        "'traceloop.association.properties.x':1,'gen_ai.agent.name':'a',"
        "'http.method':'GET'"),
      "http; details={'agent_name':'a','workflow_name':'w',"
      "'metadata':{'x':'1'}}" },
    { "a kind in the resource counts",
      "{'resource':{'agentmark.span.kind':'agent'}}", "agent" },
};


#define ngx_av_test_provider(seen, name)                                      \
    { "provider " seen, A("'gen_ai.provider.name':'" seen "'"),               \
      "other; details={'provider':'" name "'}" }

static const ngx_av_semconv_case_t  ngx_av_test_providers[] = {
    ngx_av_test_provider("OpenAI", "openai"),
    ngx_av_test_provider("azure.ai.openai", "azure.ai.openai"),
    ngx_av_test_provider("azure.ai.inference", "azure.ai.inference"),
    ngx_av_test_provider("Anthropic", "anthropic"),
    ngx_av_test_provider("aws.bedrock", "aws.bedrock"),
    ngx_av_test_provider("gcp.gemini", "gcp.gemini"),
    ngx_av_test_provider("gcp.vertex_ai", "gcp.vertex_ai"),
    ngx_av_test_provider("gcp.gen_ai", "gcp.gen_ai"),
    ngx_av_test_provider("Cohere", "cohere"),
    ngx_av_test_provider("mistral_ai", "mistral_ai"),
    ngx_av_test_provider("groq", "groq"),
    ngx_av_test_provider("deepseek", "deepseek"),
    ngx_av_test_provider("x_ai", "x_ai"),
    ngx_av_test_provider("perplexity", "perplexity"),
    ngx_av_test_provider("ibm.watsonx.ai", "ibm.watsonx.ai"),

    ngx_av_test_provider("az.ai.openai", "azure.ai.openai"),
    ngx_av_test_provider("azure", "azure.ai.openai"),
    ngx_av_test_provider("azure_openai", "azure.ai.openai"),
    ngx_av_test_provider("az.ai.inference", "azure.ai.inference"),
    ngx_av_test_provider("AWS", "aws.bedrock"),
    ngx_av_test_provider("amazon", "aws.bedrock"),
    ngx_av_test_provider("bedrock", "aws.bedrock"),
    ngx_av_test_provider("gemini", "gcp.gemini"),
    ngx_av_test_provider("vertex_ai", "gcp.vertex_ai"),
    ngx_av_test_provider("vertexai", "gcp.vertex_ai"),
    ngx_av_test_provider("google_vertexai", "gcp.vertex_ai"),
    ngx_av_test_provider("google", "gcp.gen_ai"),
    ngx_av_test_provider("mistralai", "mistral_ai"),
    ngx_av_test_provider("mistral", "mistral_ai"),
    ngx_av_test_provider("xai", "x_ai"),
    ngx_av_test_provider("watsonx", "ibm.watsonx.ai"),
    ngx_av_test_provider("ibm.watson.ai", "ibm.watsonx.ai"),
    ngx_av_test_provider("Ollama", "Ollama"),
    ngx_av_test_provider("openai.chat", "openai"),
    ngx_av_test_provider("openai.responses", "openai"),
    ngx_av_test_provider("openai.embedding", "openai"),
    ngx_av_test_provider("anthropic.messages", "anthropic"),
    ngx_av_test_provider("google.generative-ai", "gcp.gen_ai"),
    ngx_av_test_provider("google.vertex.chat", "gcp.vertex_ai"),
    ngx_av_test_provider("azure-openai.chat", "azure.ai.openai"),
    ngx_av_test_provider("amazon-bedrock", "aws.bedrock"),
    ngx_av_test_provider("cohere.textEmbedding", "cohere"),
    ngx_av_test_provider("Fireworks.chat", "Fireworks"),
    ngx_av_test_provider("My.Host", "My.Host"),
    ngx_av_test_provider(".chat", ".chat"),
    ngx_av_test_provider("x.", "x."),
};


int
main(void)
{
    ngx_av_semconv_cases(&ngx_av_test_limits, NULL, ngx_av_test_types,
                         ngx_av_test_count(ngx_av_test_types));
    ngx_av_semconv_cases(&ngx_av_test_limits, NULL, ngx_av_test_providers,
                         ngx_av_test_count(ngx_av_test_providers));

    return ngx_av_tap_done();
}
