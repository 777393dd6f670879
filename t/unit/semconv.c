/* What fields there are, and which key of several is taken (otlp.md 10.1). */

#include "ngx_av_semconv_case.h"
#include "ngx_av_stub.h"

#include "ngx_av_semconv_keys.h"


#define A(members)  "{'attributes':{" members "}}"

#define ngx_av_test_count(a)  (sizeof(a) / sizeof((a)[0]))


static const ngx_av_semconv_limits_t  ngx_av_test_limits = {
    65536, 16 * 1024 * 1024, 64
};


static const ngx_av_semconv_case_t  ngx_av_test_models[] = {
    { "no attribute", A(""), "other" },

    { "model: what answered",
      A("'gen_ai.request.model':'a','gen_ai.response.model':'b'"),
      "weak; model=b; details={'request_model':'a'}" },
    { "model: the order of attributes does not matter",
      A("'gen_ai.response.model':'b','gen_ai.request.model':'a'"),
      "weak; model=b; details={'request_model':'a'}" },
    { "model: as requested",
      A("'gen_ai.request.model':'a'"), "weak; model=a" },
    { "model: the same twice is one",
      A("'gen_ai.request.model':'a','gen_ai.response.model':'a'"),
      "weak; model=a" },
    { "model: an empty one is absent",
      A("'gen_ai.response.model':'','gen_ai.request.model':'a'"),
      "weak; model=a" },
    { "model: null is absent",
      A("'gen_ai.response.model':null,'llm.model_name':'a'"),
      "weak; model=a" },
    { "model: an array is none",
      A("'gen_ai.response.model':['x'],'llm.model_name':'a'"),
      "weak; model=a" },
    { "model: llm.response.model_name before llm.model_name",
      A("'llm.model_name':'b','llm.response.model_name':'a'"),
      "weak; model=a" },
    { "model: llm.model_name before llm.request.model_name",
      A("'llm.request.model_name':'b','llm.model_name':'a'"),
      "weak; model=a; details={'request_model':'b'}" },
    { "model: llm.request.model_name before embedding.model_name",
      A("'embedding.model_name':'b','llm.request.model_name':'a'"),
      "weak; model=a" },
    { "model: embedding.model_name before reranker.model_name",
      A("'reranker.model_name':'b','embedding.model_name':'a'"),
      "weak; model=a" },
    { "model: reranker.model_name before ai.model.id",
      A("'ai.model.id':'b','reranker.model_name':'a'"),
      "weak; model=a; details={'request_model':'b'}" },
    { "model: ai.model.id", A("'ai.model.id':'a'"), "weak; model=a" },
    { "a repeated key counts once more: the last",
      A("'llm.model_name':'a','llm.model_name':'b'"), "weak; model=b" },
    { "but not with an empty value",
      A("'llm.model_name':'a','llm.model_name':''"), "weak; model=a" },

    { "provider: gen_ai.provider.name first",
      A("'gen_ai.system':'groq','gen_ai.provider.name':'openai'"),
      "other; details={'provider':'openai'}" },
    { "provider: gen_ai.system before llm.provider",
      A("'llm.provider':'groq','gen_ai.system':'OpenAI'"),
      "other; details={'provider':'openai'}" },
    { "provider: who hosts before whose API",
      A("'llm.system':'openai','llm.provider':'azure'"),
      "other; details={'provider':'azure.ai.openai'}" },
    { "provider: llm.system",
      A("'llm.system':'mistralai','ai.model.provider':'x'"),
      "other; details={'provider':'mistral_ai'}" },
    { "provider: ai.model.provider, kept as it is sent",
      A("'ai.model.provider':'My.Host'"),
      "other; details={'provider':'My.Host'}" },
};


static const ngx_av_semconv_case_t  ngx_av_test_tokens[] = {
    { "tokens: gen_ai.usage.*",
      A("'gen_ai.usage.input_tokens':1,'gen_ai.usage.output_tokens':2,"
        "'gen_ai.usage.prompt_tokens':3,'gen_ai.usage.completion_tokens':4"),
      "llm; in=1; out=2; total=3" },
    { "tokens: their names until 1.27",
      A("'gen_ai.usage.prompt_tokens':3,'gen_ai.usage.completion_tokens':4,"
        "'llm.token_count.prompt':5,'llm.token_count.completion':6"),
      "llm; in=3; out=4; total=7" },
    { "tokens: OpenInference",
      A("'llm.token_count.prompt':5,'llm.token_count.completion':6,"
        "'llm.usage.prompt_tokens':7,'llm.usage.completion_tokens':8"),
      "llm; in=5; out=6; total=11" },
    { "tokens: llm.usage.*",
      A("'llm.usage.prompt_tokens':7,'llm.usage.completion_tokens':8,"
        "'ai.usage.promptTokens':9,'ai.usage.completionTokens':10"),
      "llm; in=7; out=8; total=15" },
    { "tokens: Vercel AI SDK",
      A("'ai.usage.promptTokens':9,'ai.usage.completionTokens':10,"
        "'ai.usage.inputTokens':11,'ai.usage.outputTokens':12"),
      "llm; in=9; out=10; total=19" },
    { "tokens: Vercel AI SDK, version 5",
      A("'ai.usage.inputTokens':11,'ai.usage.outputTokens':12"),
      "llm; in=11; out=12; total=23" },

    { "tokens: a double", A("'gen_ai.usage.input_tokens':12.0"),
      "llm; in=12" },
    { "tokens: text", A("'gen_ai.usage.input_tokens':'12'"), "llm; in=12" },
    { "tokens: text with blanks and an exponent",
      A("'gen_ai.usage.input_tokens':' 12e1 '"), "llm; in=120" },
    { "tokens: 0 is known", A("'gen_ai.usage.input_tokens':0"), "llm; in=0" },
    { "tokens: 2^53 - 1 is the most",
      A("'gen_ai.usage.input_tokens':9007199254740991"),
      "llm; in=9007199254740991" },
    { "tokens: 2^53 is absent",
      A("'gen_ai.usage.input_tokens':9007199254740992"), "other" },
    { "tokens: a large double is absent",
      A("'gen_ai.usage.input_tokens':1e300"), "other" },
    { "tokens: a large text is absent",
      A("'gen_ai.usage.input_tokens':'1e300'"), "other" },
    { "tokens: a negative is absent",
      A("'gen_ai.usage.input_tokens':-1,'llm.token_count.prompt':2"),
      "llm; in=2" },
    { "tokens: negative double and text are absent",
      A("'gen_ai.usage.input_tokens':-1.5,'llm.token_count.prompt':'-2'"),
      "other" },
    { "tokens: NaN is absent",
      A("'gen_ai.usage.input_tokens':{'$double':'NaN'}"), "other" },
    { "tokens: infinity is absent",
      A("'gen_ai.usage.input_tokens':{'$double':'Infinity'},"
        "'llm.token_count.prompt':2"), "llm; in=2" },
    { "tokens: what is no number is absent",
      A("'gen_ai.usage.input_tokens':'many','llm.token_count.prompt':true,"
        "'llm.usage.prompt_tokens':[1],'ai.usage.promptTokens':{'a':1},"
        "'ai.usage.inputTokens':5"), "llm; in=5" },

    { "tokens: of the AI SDK's call of an embedding model",
      A("'ai.operationId':'ai.embed.doEmbed','ai.usage.tokens':5"),
      "embedding; in=5" },
    { "tokens: the same of many",
      A("'ai.operationId':'ai.embedMany.doEmbed','ai.usage.tokens':5"),
      "embedding; in=5" },
    { "tokens: the same, by the span's name",
      "{'scope':'ai','name':'ai.embed.doEmbed my-id','attributes':{"
      "'ai.usage.tokens':5}}", "embedding; in=5" },
    { "tokens: not of the span around the call",
      A("'ai.operationId':'ai.embed','ai.usage.tokens':5"), "embedding" },
    { "tokens: not of any other span", A("'ai.usage.tokens':5"), "other" },
    { "tokens: after all others",
      A("'ai.operationId':'ai.embed.doEmbed','ai.usage.tokens':5,"
        "'ai.usage.inputTokens':6"), "embedding; in=6" },

    { "total: gen_ai.usage.total_tokens first",
      A("'gen_ai.usage.total_tokens':9,'llm.usage.total_tokens':8,"
        "'llm.token_count.total':7,'gen_ai.usage.input_tokens':1,"
        "'gen_ai.usage.output_tokens':1"), "llm; in=1; out=1; total=9" },
    { "total: llm.usage.total_tokens next",
      A("'llm.token_count.total':7,'llm.usage.total_tokens':8"),
      "llm; total=8" },
    { "total: llm.token_count.total", A("'llm.token_count.total':7"),
      "llm; total=7" },
    { "total: unknown if one is", A("'llm.usage.completion_tokens':7"),
      "llm; out=7" },
    { "total: a sum beyond 2^53 - 1 is unknown",
      A("'gen_ai.usage.input_tokens':9007199254740991,"
        "'gen_ai.usage.output_tokens':1"),
      "llm; in=9007199254740991; out=1" },

    { "cache tokens are not added",
      A("'gen_ai.usage.input_tokens':10,'gen_ai.usage.output_tokens':1,"
        "'gen_ai.usage.cache_read.input_tokens':8,"
        "'gen_ai.usage.cache_creation.input_tokens':2"),
      "llm; in=10; out=1; total=11; "
      "details={'cache_read_tokens':8,'cache_write_tokens':2}" },
    { "cache tokens: older OpenLLMetry",
      A("'gen_ai.usage.cache_read_input_tokens':8,"
        "'gen_ai.usage.cache_creation_input_tokens':2,"
        "'llm.token_count.prompt_details.cache_read':1,"
        "'llm.token_count.prompt_details.cache_creation':1"),
      "llm; details={'cache_read_tokens':8,'cache_write_tokens':2}" },
    { "cache tokens: OpenInference",
      A("'llm.token_count.prompt_details.cache_read':8,"
        "'llm.token_count.prompt_details.cache_write':2"),
      "llm; details={'cache_read_tokens':8,'cache_write_tokens':2}" },

    { "reasoning: gen_ai.usage.reasoning.output_tokens",
      A("'gen_ai.usage.reasoning.output_tokens':1,"
        "'gen_ai.usage.reasoning_tokens':2"),
      "llm; details={'reasoning_tokens':1}" },
    { "reasoning: gen_ai.usage.reasoning_tokens",
      A("'gen_ai.usage.reasoning_tokens':2,'llm.usage.reasoning_tokens':3"),
      "llm; details={'reasoning_tokens':2}" },
    { "reasoning: llm.usage.reasoning_tokens",
      A("'llm.usage.reasoning_tokens':3,"
        "'llm.token_count.completion_details.reasoning':4"),
      "llm; details={'reasoning_tokens':3}" },
    { "reasoning: OpenInference",
      A("'llm.token_count.completion_details.reasoning':4"),
      "llm; details={'reasoning_tokens':4}" },
};


#define COSTLY  "'gen_ai.request.model':'m-1','gen_ai.usage.input_tokens':3," \
                "'gen_ai.usage.output_tokens':2"

static const ngx_av_semconv_case_t  ngx_av_test_costs[] = {
    { "cost: AgentMark's before all",
      A("'agentmark.usage.cost_usd':0.000032,'llm.cost.total':1"),
      "other; cost=0.000032" },
    { "cost: AgentMark's 0 is none",
      A("'agentmark.usage.cost_usd':0,'llm.cost.total':1"), "other; cost=1" },
    { "cost: AgentMark's negative is none",
      A("'agentmark.usage.cost_usd':-1.0"), "other" },
    { "cost: llm.cost.total before gen_ai.usage.cost",
      A("'gen_ai.usage.cost':2,'llm.cost.total':1"), "other; cost=1" },
    { "cost: gen_ai.usage.cost before the parts",
      A("'llm.cost.prompt':2,'llm.cost.completion':3,"
        "'gen_ai.usage.cost':'0.10'"), "other; cost=0.10" },
    { "cost: the sum of the parts",
      A("'llm.cost.prompt':0.1,'llm.cost.completion':0.2"),
      "other; cost=0.3" },
    { "cost: one part", A("'llm.cost.prompt':0.1"), "other; cost=0.1" },
    { "cost: 0 is known", A("'llm.cost.total':0"), "other; cost=0" },
    { "cost: of a double the shortest decimal",
      A("'llm.cost.total':0.1"), "other; cost=0.1" },
    { "cost: text keeps its digits",
      A("'llm.cost.total':'0.123456789012345678'"),
      "other; cost=0.123456789012345678" },
    { "cost: NaN, text that is none, a negative, and one too large are absent",
      A("'agentmark.usage.cost_usd':{'$double':'NaN'},'llm.cost.total':'$5',"
        "'gen_ai.usage.cost':-0.5,'llm.cost.prompt':1e40,"
        "'llm.cost.completion':true"), "other" },

    { "cost: computed", A(COSTLY),
      "llm; model=m-1; in=3; out=2; total=5; cost=0.0000155" },
    { "cost: reported, not computed", A(COSTLY ",'gen_ai.usage.cost':7"),
      "llm; model=m-1; in=3; out=2; total=5; cost=7" },
    { "cost: not computed of an error",
      "{'status':2,'attributes':{" COSTLY "}}",
      "llm; model=m-1; in=3; out=2; total=5" },
    { "cost: reported of an error",
      "{'status':2,'attributes':{" COSTLY ",'llm.cost.total':7}}",
      "llm; model=m-1; in=3; out=2; total=5; cost=7" },
    { "cost: computed of status ok",
      "{'status':1,'attributes':{" COSTLY "}}",
      "llm; model=m-1; in=3; out=2; total=5; cost=0.0000155" },
    { "cost: not computed without output tokens",
      A("'gen_ai.request.model':'m-1','gen_ai.usage.input_tokens':3"),
      "llm; model=m-1; in=3" },
    { "cost: computed of an embedding, which puts no tokens out",
      A("'gen_ai.operation.name':'embeddings','gen_ai.request.model':'m-1',"
        "'gen_ai.usage.input_tokens':3"),
      "embedding; model=m-1; in=3; cost=0.0000075" },
    { "cost: computed of output tokens that an embedding has",
      A("'gen_ai.operation.name':'embeddings'," COSTLY),
      "embedding; model=m-1; in=3; out=2; total=5; cost=0.0000155" },
    { "cost: not computed of an embedding without input tokens",
      A("'gen_ai.operation.name':'embeddings','gen_ai.request.model':'m-1'"),
      "embedding; model=m-1" },
    { "cost: not computed of an unknown model",
      A("'gen_ai.request.model':'x','gen_ai.usage.input_tokens':3,"
        "'gen_ai.usage.output_tokens':2"), "llm; model=x; in=3; out=2; "
      "total=5" },
    { "cost: computed by the requested model if that is known",
      A(COSTLY ",'gen_ai.response.model':'deployment-7'"),
      "llm; model=deployment-7; in=3; out=2; total=5; cost=0.0000155; "
      "details={'request_model':'m-1'}" },
};


static const ngx_av_semconv_case_t  ngx_av_test_identity[] = {
    { "session: AgentMark's before all",
      A("'session.id':'b','agentmark.session_id':'a'"), "other; session=a" },
    { "session: AgentMark's metadata if that is absent, and not as metadata",
      A("'session.id':'b','agentmark.metadata.session_id':'a'"),
      "other; session=a" },
    { "session: session.id before gen_ai.conversation.id",
      A("'gen_ai.conversation.id':'b','session.id':'a'"),
      "other; session=a" },
    { "session: gen_ai.conversation.id before Traceloop's",
      A("'traceloop.association.properties.session_id':'b',"
        "'gen_ai.conversation.id':'a'"), "other; session=a" },
    { "session: Traceloop's before langfuse's",
      A("'langfuse.session.id':'b',"
        "'traceloop.association.properties.session_id':'a'"),
      "other; session=a" },
    { "session: langfuse's before Vercel's",
      A("'ai.telemetry.metadata.session_id':'b','langfuse.session.id':'a'"),
      "other; session=a" },
    { "session: Vercel's, in snake_case only",
      A("'ai.telemetry.metadata.session_id':'a',"
        "'ai.telemetry.metadata.sessionId':'b'"),
      "other; session=a; details={'metadata':{'sessionId':'b'}}" },
    { "session: a number is text", A("'session.id':42"), "other; session=42" },

    { "user: AgentMark's before all",
      A("'user.id':'b','agentmark.user_id':'a'"), "other; user=a" },
    { "user: AgentMark's metadata",
      A("'user.id':'b','agentmark.metadata.user_id':'a'"), "other; user=a" },
    { "user: user.id before enduser.id",
      A("'enduser.id':'b','user.id':'a'"), "other; user=a" },
    { "user: enduser.id before Traceloop's",
      A("'traceloop.association.properties.user_id':'b','enduser.id':'a'"),
      "other; user=a" },
    { "user: Traceloop's before gen_ai.user",
      A("'gen_ai.user':'b','traceloop.association.properties.user_id':'a'"),
      "other; user=a" },
    { "user: gen_ai.user before llm.user",
      A("'llm.user':'b','gen_ai.user':'a'"), "other; user=a" },
    { "user: llm.user before gen_ai.request.user",
      A("'gen_ai.request.user':'b','llm.user':'a'"), "other; user=a" },
    { "user: gen_ai.request.user before langfuse's",
      A("'langfuse.user.id':'b','gen_ai.request.user':'a'"), "other; user=a" },
    { "user: langfuse's before Vercel's",
      A("'ai.telemetry.metadata.user_id':'b','langfuse.user.id':'a'"),
      "other; user=a" },
    { "user: Vercel's", A("'ai.telemetry.metadata.user_id':'a'"),
      "other; user=a" },

    { "AgentMark's names",
      A("'agentmark.session_name':'s','agentmark.trace_name':'t',"
        "'agentmark.prompt_name':'p','agentmark.prompt_path':'p/p',"
        "'agentmark.metadata.trace_name':'x'"),
      "other; trace=t; details={'prompt_name':'p','session_name':'s',"
      "'trace_name':'t'}" },
    { "AgentMark's names as metadata",
      A("'agentmark.metadata.session_name':'s',"
        "'agentmark.metadata.trace_name':'t',"
        "'agentmark.metadata.prompt_name':'p','agentmark.metadata.props':'{}'"),
      "other; trace=t; details={'prompt_name':'p','props':'{}',"
      "'session_name':'s','trace_name':'t'}" },
    { "the same as Vercel's metadata",
      A("'ai.telemetry.metadata.session_name':'s',"
        "'ai.telemetry.metadata.trace_name':'t',"
        "'ai.telemetry.metadata.prompt_name':'p',"
        "'ai.telemetry.metadata.props':'{}'"),
      "other; trace=t; details={'prompt_name':'p','props':'{}',"
      "'session_name':'s','trace_name':'t'}" },
    { "a commit is in metadata as well",
      A("'agentmark.metadata.commit_sha':'abc','agentmark.metadata.a':1"),
      "other; details={'metadata':{'commit_sha':'abc','a':'1'},"
      "'commit_sha':'abc'}" },
    { "datasets",
      A("'agentmark.dataset_run_id':'1','agentmark.dataset_run_name':'2',"
        "'agentmark.dataset_path':'3','agentmark.dataset_item_name':'4',"
        "'agentmark.dataset_expected_output':{'a':5},"
        "'agentmark.dataset_input':6,'agentmark.experiment_key':'7',"
        "'agentmark.source_tree_hash':'8'"),
      "other; details={'dataset':{'run_id':'1','run_name':'2','path':'3',"
      "'item_name':'4','expected_output':'{\\'a\\':5}','input':'6',"
      "'experiment_key':'7','source_tree_hash':'8'}}" },
    { "datasets as metadata",
      A("'agentmark.metadata.dataset_run_id':'1',"
        "'agentmark.metadata.dataset_run_name':'2',"
        "'agentmark.metadata.dataset_path':'3',"
        "'agentmark.metadata.dataset_item_name':'4',"
        "'agentmark.metadata.dataset_expected_output':'5',"
        "'agentmark.metadata.dataset_input':'6'"),
      "other; details={'dataset':{'run_id':'1','run_name':'2','path':'3',"
      "'item_name':'4','expected_output':'5','input':'6'}}" },

    { "the resource counts, the span more",
      "{'resource':{'session.id':'r','user.id':'r','service.name':'s'},"
      "'attributes':{'user.id':'s'}}", "other; session=r; user=s" },
    { "the resource by the order of keys",
      "{'resource':{'agentmark.session_id':'r'},"
      "'attributes':{'session.id':'s'}}", "other; session=r" },
    { "the resource's metadata and tags",
      "{'resource':{'agentmark.metadata.a':'r','agentmark.metadata.b':'r',"
      "'agentmark.tags':['t']},'attributes':{'agentmark.metadata.b':'s'}}",
      "other; details={'tags':['t'],"
      "'metadata':{'a':'r','b':'r','b':'s'}}" },
};


static const ngx_av_semconv_case_t  ngx_av_test_tools[] = {
    { "tool: gen_ai.tool.name before tool.name",
      A("'tool.name':'b','gen_ai.tool.name':'a'"),
      "tool; tool=a; details={'tool_name':'a',"
      "'tool_calls':[{'type':'tool-call','toolName':'a'}]}" },
    { "tool: tool.name before ai.toolCall.name",
      A("'ai.toolCall.name':'b','tool.name':'a'"),
      "tool; tool=a; details={'tool_name':'a',"
      "'tool_calls':[{'type':'tool-call','toolName':'a'}]}" },
    { "tool: ai.toolCall.name before the entity",
      A("'traceloop.span.kind':'tool','traceloop.entity.name':'b',"
        "'ai.toolCall.name':'a'"),
      "tool; tool=a; details={'tool_name':'a',"
      "'tool_calls':[{'type':'tool-call','toolName':'a'}]}" },
    { "tool: the entity of a tool",
      A("'traceloop.entity.name':'a','traceloop.span.kind':'tool'"),
      "tool; tool=a; details={'tool_name':'a',"
      "'tool_calls':[{'type':'tool-call','toolName':'a'}]}" },
    { "tool: the entity of a workflow is none",
      A("'traceloop.entity.name':'a','traceloop.span.kind':'workflow'"),
      "chain" },
    { "tool: the target of a call by MCP",
      A("'mcp.method.name':'tools/call','gen_ai.tool.name':'a'"),
      "tool; tool=a; details={'tool_name':'a',"
      "'tool_calls':[{'type':'tool-call','toolName':'a'}]}" },

    { "tool call: GenAI",
      A("'gen_ai.operation.name':'execute_tool','gen_ai.tool.name':'a',"
        "'gen_ai.tool.call.id':'c1','gen_ai.tool.call.arguments':{'x':1},"
        "'gen_ai.tool.call.result':'fine'"),
      "tool; tool=a; input={'x':1}; output=fine; details={'tool_name':'a',"
      "'tool_call_id':'c1','tool_calls':[{'type':'tool-call',"
      "'toolCallId':'c1','toolName':'a','args':{'x':1},'result':'fine'}]}" },
    { "tool call: Vercel AI SDK",
      "{'scope':'ai','name':'ai.toolCall','attributes':{"
      "'ai.operationId':'ai.toolCall','ai.toolCall.name':'a',"
      "'ai.toolCall.id':'c1','ai.toolCall.args':'{\\'x\\':1}',"
      "'ai.toolCall.result':'[1,2]'}}",
      "tool; tool=a; input={'x':1}; output=[1,2]; details={'tool_name':'a',"
      "'tool_call_id':'c1','tool_calls':[{'type':'tool-call',"
      "'toolCallId':'c1','toolName':'a','args':{'x':1},'result':[1,2]}]}" },
    { "tool call: arguments that are no JSON",
      A("'gen_ai.tool.name':'a','gen_ai.tool.call.arguments':'x = 1'"),
      "tool; tool=a; input=x = 1; details={'tool_name':'a','tool_calls':"
      "[{'type':'tool-call','toolName':'a','args':{'raw':'x = 1'}}]}" },
    { "tool call: of input and output",
      A("'openinference.span.kind':'TOOL','tool.name':'a',"
        "'input.value':'{\\'x\\':1}','output.value':'y'"),
      "tool; tool=a; input={'x':1}; output=y; details={'tool_name':'a',"
      "'tool_calls':[{'type':'tool-call','toolName':'a','args':{'x':1},"
      "'result':'y'}]}" },
    { "tool calls that a model asked for",
      A("'ai.operationId':'ai.generateText.doGenerate',"
        "'ai.response.toolCalls':'[{\\'toolName\\':\\'a\\'}]'"),
      "llm; output=[{'role':'assistant','content':null,'tool_calls':["
      "{'name':'a'}]}]; details={'tool_calls':[{'type':'tool-call',"
      "'toolName':'a'}]}" },
    { "tool calls: input as text, as an object, args, what is no JSON",
      A("'ai.response.toolCalls':'[{\\'toolCallId\\':\\'c1\\',"
        "\\'toolName\\':\\'a\\',\\'input\\':\\'{\\\\\\'x\\\\\\':1}\\'},"
        "{\\'toolName\\':\\'b\\',\\'input\\':{\\'y\\':2}},"
        "{\\'toolName\\':\\'c\\',\\'args\\':\\'z\\'}]'"),
      "other; output=[{'role':'assistant','content':null,'tool_calls':["
      "{'id':'c1','name':'a','arguments':{'x':1}},"
      "{'name':'b','arguments':{'y':2}},{'name':'c','arguments':'z'}]}]; "
      "details={'tool_calls':["
      "{'type':'tool-call','toolCallId':'c1','toolName':'a','args':{'x':1}},"
      "{'type':'tool-call','toolName':'b','args':{'y':2}},"
      "{'type':'tool-call','toolName':'c','args':{'raw':'z'}}]}" },
    { "tool calls: after the text",
      A("'ai.response.toolCalls':'[{\\'toolName\\':\\'a\\'}]',"
        "'ai.response.text':'t'"),
      "other; output=t; details={'tool_calls':[{'type':'tool-call',"
      "'toolName':'a'}]}" },
    { "tool calls: none", A("'ai.response.toolCalls':'[]'"),
      "other; details={'tool_calls':[]}" },
    { "tool calls: what is none stays as it is sent",
      A("'ai.response.toolCalls':'[{\\'toolName\\':\\'a\\'},1]'"),
      "other; details={'tool_calls':[{'toolName':'a'},1]}" },

    { "agent: gen_ai.agent.name, agent.name",
      A("'agent.name':'b','gen_ai.agent.name':'a'"),
      "other; details={'agent_name':'a'}" },
    { "agent: the entity of an agent",
      A("'traceloop.entity.name':'a','traceloop.span.kind':'Agent'"),
      "agent; details={'agent_name':'a'}" },
    { "agent: agent.name before the entity",
      A("'traceloop.entity.name':'b','traceloop.span.kind':'agent',"
        "'agent.name':'a'"), "agent; details={'agent_name':'a'}" },
    { "workflow",
      A("'traceloop.workflow.name':'b','gen_ai.workflow.name':'a'"),
      "other; details={'workflow_name':'a'}" },
    { "workflow: Traceloop's", A("'traceloop.workflow.name':'b'"),
      "other; details={'workflow_name':'b'}" },
};


static const ngx_av_semconv_case_t  ngx_av_test_details[] = {
    { "finish reason: the first of an array",
      A("'gen_ai.response.finish_reasons':['stop','length'],"
        "'llm.finish_reason':'x'"), "other; details={'finish_reason':'stop'}" },
    { "finish reason: an array as JSON text",
      A("'gen_ai.response.finish_reasons':'[\\'stop\\']'"),
      "other; details={'finish_reason':'stop'}" },
    { "finish reason: an array as text",
      A("'gen_ai.response.finish_reasons':'stop'"),
      "other; details={'finish_reason':'stop'}" },
    { "finish reason: an empty array is none",
      A("'gen_ai.response.finish_reasons':[],'llm.finish_reason':'x'"),
      "other; details={'finish_reason':'x'}" },
    { "finish reason: an empty array as text is none",
      A("'gen_ai.response.finish_reasons':'[]','llm.finish_reason':'x'"),
      "other; details={'finish_reason':'x'}" },
    { "finish reason: llm.finish_reason before gen_ai's in the singular",
      A("'gen_ai.response.finish_reason':'y','llm.finish_reason':'x'"),
      "other; details={'finish_reason':'x'}" },
    { "finish reason: in the singular before the completion's",
      A("'gen_ai.completion.0.finish_reason':'z',"
        "'gen_ai.response.finish_reason':'y'"),
      "other; output=[{'role':'assistant','content':null,"
      "'finish_reason':'z'}]; details={'finish_reason':'y'}" },
    { "finish reason: Vercel's", A("'ai.response.finishReason':'tool-calls'"),
      "other; details={'finish_reason':'tool-calls'}" },

    { "settings: GenAI",
      A("'gen_ai.request.temperature':0.5,'gen_ai.request.top_p':1,"
        "'gen_ai.request.top_k':40,'gen_ai.request.max_tokens':100,"
        "'gen_ai.request.frequency_penalty':0.0,"
        "'gen_ai.request.presence_penalty':0,'gen_ai.request.seed':7,"
        "'gen_ai.request.stop_sequences':['a','b'],"
        "'gen_ai.request.stream':true,'llm.top_k':1,"
        "'llm.invocation_parameters':'{\\'x\\':1}'"),
      "other; details={'settings':{'temperature':0.5,'top_p':1,'top_k':40,"
      "'max_tokens':100,'frequency_penalty':0,'presence_penalty':0,'seed':7,"
      "'stop_sequences':['a','b'],'stream':true}}" },
    { "settings: OpenInference",
      A("'llm.invocation_parameters':'{\\'temperature\\': 1.0}','llm.top_k':1"),
      "other; details={'settings':{'temperature':1.0}}" },
    { "settings: OpenInference, no JSON",
      A("'llm.invocation_parameters':'{temperature'"),
      "other; details={'settings':'{temperature'}" },
    { "settings: old names",
      A("'llm.top_k':1,'llm.frequency_penalty':0.5,'llm.presence_penalty':2,"
        "'gen_ai.openai.request.seed':'7'"),
      "other; details={'settings':{'top_k':1,'frequency_penalty':0.5,"
      "'presence_penalty':2,'seed':'7'}}" },
    { "settings: an old name beside a new one",
      A("'llm.top_k':1,'gen_ai.request.top_p':0.1"),
      "other; details={'settings':{'top_p':0.1,'top_k':1}}" },

    { "metadata: OpenInference",
      A("'metadata':'{\\'a\\': [1, {\\'b\\': null}]}'"),
      "other; details={'metadata':{'a':[1,{'b':null}]}}" },
    { "metadata: structured", A("'metadata':{'a':1}"),
      "other; details={'metadata':{'a':1}}" },
    { "metadata: no object",
      A("'metadata':'some'"), "other; details={'metadata':{'metadata':'some'}}"
      },
    { "metadata: an empty object is none", A("'metadata':'{}'"), "other" },
    { "metadata: all of them, the later over the earlier",
      A("'agentmark.metadata.a':true,'ai.telemetry.metadata.b':{'c':1},"
        "'traceloop.association.properties.d':2.5,'metadata':'{\\'e\\':1}',"
        "'agentmark.metadata.f':'','agentmark.metadata.':'g'"),
      "other; details={'metadata':{'e':1,'a':'true','b':'{\\'c\\':1}',"
      "'d':'2.5'}}" },

    { "tags: an array", A("'agentmark.tags':['a',' b ','','a',1]"),
      "other; details={'tags':['a','b']}" },
    { "tags: an array as JSON text",
      A("'agentmark.tags':'[\\'a\\',\\'b\\']'"),
      "other; details={'tags':['a','b']}" },
    { "tags: between commas", A("'agentmark.tags':' a, b,,c ,'"),
      "other; details={'tags':['a','b','c']}" },
    { "tags: of both kinds", A("'tag.tags':['b','a'],'agentmark.tags':'a'"),
      "other; details={'tags':['a','b']}" },
    { "tags: none longer than 100 characters",
      A("'tag.tags':["
        "'\u00e9123456789\u00e9123456789\u00e9123456789\u00e9123456789"
        "\u00e9123456789\u00e9123456789\u00e9123456789\u00e9123456789"
        "\u00e9123456789\u00e9123456789',"
        "'x0123456789012345678901234567890123456789012345678901234567890"
        "123456789012345678901234567890123456789']"),
      "other; details={'tags':["
        "'\u00e9123456789\u00e9123456789\u00e9123456789\u00e9123456789"
        "\u00e9123456789\u00e9123456789\u00e9123456789\u00e9123456789"
        "\u00e9123456789\u00e9123456789']}" },
    { "tags: 20 at most",
      A("'agentmark.tags':'1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,"
        "21'"), "other; details={'tags':['1','2','3','4','5','6','7','8','9',"
      "'10','11','12','13','14','15','16','17','18','19','20']}" },
    { "tags: none", A("'agentmark.tags':' , ','tag.tags':[]"), "other" },
    { "tags: of no use", A("'agentmark.tags':7"), "other" },

    { "props are the text sent",
      A("'agentmark.props':'{ \\'a\\': 1 }'"),
      "other; input={ 'a': 1 }; details={'props':'{ \\'a\\': 1 }'}" },
    { "an output that is JSON",
      A("'gen_ai.response.output':'{ \\'a\\': 1 }'"),
      "other; output={ 'a': 1 }; details={'output_object':'{ \\'a\\': 1 }'}" },
    { "an output that looks like JSON",
      A("'gen_ai.response.output':'{ a }'"), "other; output={ a }" },
    { "an output that is structured",
      A("'agentmark.response.output':{'a':1}"),
      "other; output={'a':1}; details={'output_object':'{\\'a\\':1}'}" },
};


#define EXCEPTION(message)                                                    \
    "{'name':'exception','attributes':{'exception.type':'E'," message "}}"

static const ngx_av_semconv_case_t  ngx_av_test_errors[] = {
    { "error: the status's message",
      "{'status':2,'message':'m','events':["
      EXCEPTION("'exception.message':'x'") "],"
      "'attributes':{'error.message':'y','error.type':'T'}}",
      "other; error=m; details={'error_type':'T'}" },
    { "error: the last exception's message",
      "{'status':2,'events':[" EXCEPTION("'exception.message':'1'") ","
      EXCEPTION("'exception.message':'2'") ",{'name':'other'}],"
      "'attributes':{'error.message':'y'}}",
      "other; error=2; details={'error_type':'E'}" },
    { "error: else its type",
      "{'status':2,'events':[" EXCEPTION("'exception.message':''") "],"
      "'attributes':{'error.message':'y'}}",
      "other; error=E; details={'error_type':'E'}" },
    { "error: error.message",
      "{'status':2,'attributes':{'error.type':'T','error.message':'y'}}",
      "other; error=y; details={'error_type':'T'}" },
    { "error: error.type",
      "{'status':2,'attributes':{'error.type':'T'}}",
      "other; error=T; details={'error_type':'T'}" },
    { "error: nothing known", "{'status':2}", "other" },
    { "error: none if the status is unset",
      "{'message':'m','events':[" EXCEPTION("'exception.message':'x'") "]}",
      "other; details={'error_type':'E'}" },
    { "error: none if the status is ok",
      "{'status':1,'message':'m','attributes':{'error.type':'T'}}",
      "other; details={'error_type':'T'}" },
    { "error type: exception.type",
      A("'exception.type':'X'"), "other; details={'error_type':'X'}" },
};


/* Every key is found where it is, and no prefix is forgotten. */
static void
ngx_av_test_table(void)
{
    ngx_str_t                    key;
    ngx_uint_t                   i, n, row, bad;
    u_char                       text[128];
    const ngx_av_semconv_row_t  *r;

    ngx_av_semconv_keys_init();

    bad = 0;

    for (i = 0; i < ngx_av_semconv_nrows; i++) {

        r = &ngx_av_semconv_rows[i];

        ngx_memcpy(text, r->key.data, r->key.len);
        ngx_memcpy(text + r->key.len, "0.x", 3);

        key.data = text;
        key.len = r->key.len;

        if (r->place == NGX_AV_SEMCONV_IN_PREFIX) {
            key.len += 3;
            row = ngx_av_semconv_prefix_row(&key);

        } else {
            row = ngx_av_semconv_row(r->place, &key);

            while (row != i && row != NGX_AV_SEMCONV_NO_ROW) {
                row = ngx_av_semconv_next_row(row);
            }
        }

        if (row != i) {
            ngx_av_tap_diag("%.*s", (int) r->key.len, r->key.data);
            bad++;
        }

        /* a byte less or more is another key */

        if (r->place != NGX_AV_SEMCONV_IN_PREFIX) {

            for (n = 0; n < r->key.len; n++) {
                text[n] ^= 0x80;
                row = ngx_av_semconv_row(r->place, &key);
                text[n] ^= 0x80;
                bad += (row != NGX_AV_SEMCONV_NO_ROW);
            }
        }
    }

    is(bad, 0, "every key of the table is found, and nothing like it");
}


int
main(void)
{
    ngx_pool_t             *pool;
    const ngx_av_prices_t  *prices;
    ngx_av_prices_error_t   error;

    static const u_char  table[] =
        "{\"m-1\": {\"input\": 2.5, \"output\": \"4\"}}";

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    ngx_av_test_table();

    is(ngx_av_prices_parse(pool, table, sizeof(table) - 1, &prices, &error),
       NGX_OK, "prices");

#define ngx_av_test_all(cases)                                                \
    ngx_av_semconv_cases(&ngx_av_test_limits, prices, cases,                  \
                         ngx_av_test_count(cases))

    ngx_av_test_all(ngx_av_test_models);
    ngx_av_test_all(ngx_av_test_tokens);
    ngx_av_test_all(ngx_av_test_costs);
    ngx_av_test_all(ngx_av_test_identity);
    ngx_av_test_all(ngx_av_test_tools);
    ngx_av_test_all(ngx_av_test_details);
    ngx_av_test_all(ngx_av_test_errors);

    ngx_destroy_pool(pool);

    return ngx_av_tap_done();
}
