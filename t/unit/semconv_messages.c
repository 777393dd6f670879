/* Input and output of each of the sources there are (otlp.md 10.4). */

#include "ngx_av_semconv_case.h"
#include "ngx_av_stub.h"


#define A(members)    "{'attributes':{" members "}}"
#define E(events)     "{'events':[" events "]}"

#define ngx_av_test_count(a)  (sizeof(a) / sizeof((a)[0]))


static const ngx_av_semconv_limits_t  ngx_av_test_limits = {
    65536, 16 * 1024 * 1024, 64
};


/* Rows 1 to 3: messages. */
static const ngx_av_semconv_case_t  ngx_av_test_messages[] = {
    { "row 1: structured",
      A("'gen_ai.input.messages':[{'role':'user','parts':[{'type':'text',"
        "'content':'Hi'},{'type':'text','content':'you'}],'name':'n'}],"
        "'gen_ai.output.messages':[{'role':'assistant','parts':[{'type':"
        "'text','content':'Hello'}],'finish_reason':'stop'}]"),
      "other; input=[{'role':'user','content':'Hi\\nyou','name':'n'}]; "
      "output=[{'role':'assistant','content':'Hello',"
      "'finish_reason':'stop'}]" },
    { "row 1: JSON text, and the system's instructions",
      A("'gen_ai.system_instructions':'[{\\'type\\':\\'text\\',"
        "\\'content\\':\\'Be kind\\'}]',"
        "'gen_ai.input.messages':'[{\\'role\\':\\'user\\',\\'parts\\':"
        "[{\\'type\\':\\'text\\',\\'content\\':\\'Hi\\'}]}]'"),
      "other; input=[{'role':'system','content':'Be kind'},"
      "{'role':'user','content':'Hi'}]" },
    { "row 1: instructions as plain text",
      A("'gen_ai.system_instructions':'Be kind',"
        "'gen_ai.input.messages':[{'role':'user','content':'Hi'}]"),
      "other; input=[{'role':'system','content':'Be kind'},"
      "{'role':'user','content':'Hi'}]" },
    { "row 1: instructions before plain text",
      A("'gen_ai.system_instructions':'Be kind',"
        "'gen_ai.input.messages':'Hi'"),
      "other; input=[{'role':'system','content':'Be kind'},"
      "{'role':'user','content':'Hi'}]" },
    { "row 1: instructions alone are no input",
      A("'gen_ai.system_instructions':'Be kind','input.value':'x'"),
      "other; input=x" },
    { "row 1: plain text stays plain",
      A("'gen_ai.input.messages':'Hi','gen_ai.output.messages':'[no JSON'"),
      "other; input=Hi; output=[no JSON" },
    { "row 1: other parts stay as they are",
      A("'gen_ai.input.messages':[{'role':'user','parts':[{'type':'text',"
        "'content':'Hi'},{'type':'blob','modality':'image','content':'QQ=='}"
        "]},{'role':'assistant','parts':[{'type':'tool_call','id':'c',"
        "'name':'f','arguments':{'x':1}}]},{'role':'tool','parts':[{'type':"
        "'tool_call_response','id':'c','response':'ok'}]}]"),
      "other; input=[{'role':'user','content':[{'type':'text',"
      "'content':'Hi'},{'type':'blob','modality':'image','content':'QQ=='}]},"
      "{'role':'assistant','content':[{'type':'tool_call','id':'c',"
      "'name':'f','arguments':{'x':1}}]},{'role':'tool','content':[{'type':"
      "'tool_call_response','id':'c','response':'ok'}]}]" },
    { "row 1: a missing role",
      A("'gen_ai.input.messages':[{'parts':[]}],"
        "'gen_ai.output.messages':[{'content':null}]"),
      "other; input=[{'role':'user','content':''}]; "
      "output=[{'role':'assistant','content':null}]" },
    { "row 1: one message",
      A("'gen_ai.input.messages':{'role':'user','content':'Hi'}"),
      "other; input=[{'role':'user','content':'Hi'}]" },
    { "row 1: texts", A("'gen_ai.input.messages':['a','b']"),
      "other; input=[{'role':'user','content':'a'},"
      "{'role':'user','content':'b'}]" },
    { "row 1: numbers are no messages", A("'gen_ai.input.messages':[1,2]"),
      "other; input=[1,2]" },
    { "row 1: null and empty are absent",
      A("'gen_ai.input.messages':null,'gen_ai.output.messages':'',"
        "'input.value':'a','output.value':'b'"), "other; input=a; output=b" },

    { "row 2: by number, with gaps",
      A("'llm.input_messages.10.message.role':'user',"
        "'llm.input_messages.10.message.content':'c',"
        "'llm.input_messages.2.message.content':'b',"
        "'llm.input_messages.2.message.role':'assistant',"
        "'llm.input_messages.0.message.content':'a',"
        "'llm.input_messages.0.message.role':'system',"
        "'llm.output_messages.0.message.content':'d'"),
      "other; input=[{'role':'system','content':'a'},{'role':'assistant',"
      "'content':'b'},{'role':'user','content':'c'}]; "
      "output=[{'role':'assistant','content':'d'}]" },
    { "row 2: parts that are text",
      A("'llm.input_messages.0.message.contents.1.message_content.text':'b',"
        "'llm.input_messages.0.message.contents.1.message_content.type':"
        "'text',"
        "'llm.input_messages.0.message.contents.0.message_content.type':"
        "'text',"
        "'llm.input_messages.0.message.contents.0.message_content.text':'a'"),
      "other; input=[{'role':'user','content':'a\\nb'}]" },
    { "row 2: parts of which one is no text",
      A("'llm.input_messages.0.message.role':'user',"
        "'llm.input_messages.0.message.contents.0.message_content.type':"
        "'text',"
        "'llm.input_messages.0.message.contents.0.message_content.text':'a',"
        "'llm.input_messages.0.message.contents.1.message_content.type':"
        "'image',"
        "'llm.input_messages.0.message.contents.1.message_content.image."
        "image.url':'u'"),
      "other; input=[{'role':'user','content':[{'type':'text','text':'a'},"
      "{'type':'image','image.url':'u'}]}]" },
    { "row 2: calls of tools",
      A("'llm.output_messages.0.message.tool_calls.1.tool_call.id':'c2',"
        "'llm.output_messages.0.message.tool_calls.1.tool_call.function.name'"
        ":'g',"
        "'llm.output_messages.0.message.tool_calls.0.tool_call.id':'c1',"
        "'llm.output_messages.0.message.tool_calls.0.tool_call.function.name'"
        ":'f',"
        "'llm.output_messages.0.message.tool_calls.0.tool_call.function."
        "arguments':'{\\'x\\': 1}',"
        "'llm.output_messages.0.message.tool_calls.1.tool_call.function."
        "arguments':'{x',"
        "'llm.output_messages.0.message.role':'assistant'"),
      "other; output=[{'role':'assistant','content':null,'tool_calls':["
      "{'id':'c1','name':'f','arguments':{'x':1}},"
      "{'id':'c2','name':'g','arguments':'{x'}]}]" },
    { "row 2: nothing but calls",
      A("'llm.output_messages.0.message.tool_calls.0.tool_call.id':'c1'"),
      "other; output=[{'role':'assistant','content':null,'tool_calls':["
      "{'id':'c1'}]}]" },
    { "row 2: results of tools",
      A("'llm.input_messages.0.message.role':'tool',"
        "'llm.input_messages.0.message.name':'f',"
        "'llm.input_messages.0.message.tool_call_id':'c1',"
        "'llm.input_messages.0.message.content':'7'"),
      "other; input=[{'role':'tool','content':'7','name':'f',"
      "'tool_call_id':'c1'}]" },
    { "row 2: the old call of a function",
      A("'llm.output_messages.0.message.function_call_name':'f',"
        "'llm.output_messages.0.message.function_call_arguments_json':"
        "'{\\'x\\':1}'"),
      "other; output=[{'role':'assistant','content':null,'tool_calls':["
      "{'name':'f','arguments':{'x':1}}]}]" },
    { "row 2: redacted content is kept",
      A("'llm.input_messages.0.message.content':'__REDACTED__'"),
      "other; input=[{'role':'user','content':'__REDACTED__'}]" },
    { "row 2: what is none of a message",
      A("'llm.input_messages.x.message.content':'a',"
        "'llm.input_messages.':'a','llm.input_messages.1':'a',"
        "'llm.input_messages.1.':'a','llm.input_messages..message.role':'a',"
        "'llm.input_messages.0.message.else':'a',"
        "'llm.input_messages.0.message.contents.0.else':'a',"
        "'llm.input_messages.0.message.tool_calls.y.tool_call.id':'a',"
        "'llm.input_messages.-1.message.content':'a','input.value':'v'"),
      "other; input=v" },

    { "row 3: prompts and completions",
      A("'gen_ai.prompt.0.role':'system','gen_ai.prompt.0.content':'a',"
        "'gen_ai.prompt.1.role':'user','gen_ai.prompt.1.content':"
        "'[{\\'type\\':\\'text\\',\\'text\\':\\'b\\'}]',"
        "'gen_ai.prompt.prompt_filter_results':'[]',"
        "'gen_ai.completion.0.role':'assistant',"
        "'gen_ai.completion.0.content':'c',"
        "'gen_ai.completion.0.finish_reason':'stop',"
        "'gen_ai.completion.0.refusal':'r',"
        "'gen_ai.completion.1.content_filter_results':'{}'"),
      "other; input=[{'role':'system','content':'a'},{'role':'user',"
      "'content':'b'}]; output=[{'role':'assistant','content':'c',"
      "'finish_reason':'stop','refusal':'r'}]; "
      "details={'finish_reason':'stop'}" },
    { "row 3: parts of which one is no text",
      A("'gen_ai.prompt.0.content':'[{\\'type\\':\\'text\\',\\'text\\':"
        "\\'b\\'},{\\'type\\':\\'image_url\\'}]'"),
      "other; input=[{'role':'user','content':[{'type':'text','text':'b'},"
      "{'type':'image_url'}]}]" },
    { "row 3: text that happens to be JSON",
      A("'gen_ai.prompt.0.content':'[1, 2]'"),
      "other; input=[{'role':'user','content':'[1, 2]'}]" },
    { "row 3: calls of tools",
      A("'gen_ai.completion.0.tool_calls.0.id':'c1',"
        "'gen_ai.completion.0.tool_calls.0.name':'f',"
        "'gen_ai.completion.0.tool_calls.0.arguments':'{\\'x\\':1}',"
        "'gen_ai.prompt.2.tool_call_id':'c0','gen_ai.prompt.2.role':'tool',"
        "'gen_ai.prompt.2.content':'7'"),
      "other; input=[{'role':'tool','content':'7','tool_call_id':'c0'}]; "
      "output=[{'role':'assistant','content':null,'tool_calls':["
      "{'id':'c1','name':'f','arguments':{'x':1}}]}]" },
    { "row 3: content filters alone are no messages",
      A("'gen_ai.prompt.prompt_filter_results':'[]',"
        "'gen_ai.completion.0.content_filter_results':'{}'"), "other" },

    { "AgentMark's before all rows",
      A("'gen_ai.input.messages':'x','gen_ai.output.messages':'y',"
        "'agentmark.request.input':'b','gen_ai.request.input':'a',"
        "'agentmark.response.output':'d','gen_ai.response.output':'c'"),
      "other; input=a; output=c" },
    { "AgentMark's own names",
      A("'agentmark.input':'x','agentmark.output':'y',"
        "'agentmark.request.input':'b','agentmark.response.output':'d'"),
      "other; input=b; output=d" },
    { "AgentMark's input and output",
      A("'agentmark.props':'{}','agentmark.input':{'a':[1,true,null]},"
        "'agentmark.output':'o','gen_ai.output.messages':'y'"),
      "other; input={'a':[1,true,null]}; output=o; details={'props':'{}'}" },
    { "row 1 before row 2",
      A("'llm.input_messages.0.message.content':'b',"
        "'llm.output_messages.0.message.content':'b',"
        "'gen_ai.input.messages':'a','gen_ai.output.messages':'a'"),
      "other; input=a; output=a" },
    { "row 2 before row 3",
      A("'gen_ai.prompt.0.content':'b','gen_ai.completion.0.content':'b',"
        "'llm.input_messages.0.message.content':'a',"
        "'llm.output_messages.0.message.content':'a'"),
      "other; input=[{'role':'user','content':'a'}]; "
      "output=[{'role':'assistant','content':'a'}]" },
    { "row 3 before row 4",
      A("'gen_ai.tool.call.arguments':'b','gen_ai.tool.call.result':'b',"
        "'gen_ai.prompt.0.content':'a','gen_ai.completion.0.content':'a'"),
      "other; input=[{'role':'user','content':'a'}]; "
      "output=[{'role':'assistant','content':'a'}]" },
};


/* Rows 4 to 9, and 13. */
static const ngx_av_semconv_case_t  ngx_av_test_texts[] = {
    { "row 4 before row 5",
      A("'gen_ai.retrieval.query.text':'b','gen_ai.retrieval.documents':'b',"
        "'gen_ai.tool.call.arguments':'a','gen_ai.tool.call.result':'a'"),
      "other; input=a; output=a" },
    { "row 5: retrieval",
      A("'gen_ai.retrieval.query.text':'q','reranker.query':'r',"
        "'gen_ai.retrieval.documents':[{'id':1}],"
        "'retrieval.documents.0.document.content':'x'"),
      "other; input=q; output=[{'id':1}]" },
    { "row 5: documents",
      A("'reranker.query':'r',"
        "'retrieval.documents.1.document.content':'b',"
        "'retrieval.documents.0.document.id':'i',"
        "'retrieval.documents.0.document.content':'a',"
        "'retrieval.documents.0.document.score':0.5,"
        "'retrieval.documents.0.document.metadata':'{\\'m\\':1}',"
        "'reranker.output_documents.0.document.content':'x'"),
      "other; input=r; output=[{'id':'i','content':'a','score':0.5,"
      "'metadata':{'m':1}},{'content':'b'}]" },
    { "row 5: reranked documents",
      A("'reranker.output_documents.0.document.content':'x',"
        "'reranker.output_documents.0.document.score':1"),
      "other; output=[{'content':'x','score':1}]" },
    { "row 5: results of a query",
      "{'attributes':{'output.value':'x'},'events':["
      "{'name':'db.query.result','attributes':{'db.query.result.id':'1',"
      "'db.query.result.metadata':'{\\'a\\':2}','other':3}},"
      "{'name':'exception'},{'name':'db.query.result',"
      "'attributes':{'db.query.result.id':'2'}}]}",
      "retrieval; output=[{'id':'1','metadata':{'a':2},'other':3},"
      "{'id':'2'}]" },
    { "row 5 before row 6",
      A("'input.value':'b','output.value':'b','reranker.query':'a',"
        "'gen_ai.retrieval.documents':'a'"), "other; input=a; output=a" },
    { "row 6: text and JSON alike",
      A("'input.value':'{ \\'a\\' : 1 }','input.mime_type':"
        "'application/json','output.value':'b'"),
      "other; input={ 'a' : 1 }; output=b" },
    { "row 6: a number, a flag", A("'input.value':5,'output.value':false"),
      "other; input=5; output=false" },
    { "row 6: NaN, bytes",
      A("'input.value':{'$double':'NaN'},'output.value':{'$bytes':'QUI='}"),
      "other; input=NaN; output=QUI=" },
    { "row 6 before row 7",
      A("'traceloop.entity.input':'b','traceloop.entity.output':'b',"
        "'input.value':'a','output.value':'a'"), "other; input=a; output=a" },
    { "row 7 before row 8",
      A("'llm.prompts.0.prompt.text':'b','llm.choices.0.completion.text':'b',"
        "'traceloop.entity.input':'{\\'a\\':1}',"
        "'traceloop.entity.output':'a'"),
      "other; input={'a':1}; output=a" },
    { "row 8: one is plain text",
      A("'llm.prompts.0.prompt.text':'a','llm.choices.0.completion.text':'b'"),
      "other; input=a; output=b" },
    { "row 8: several are messages",
      A("'llm.prompts.1.prompt.text':'b','llm.prompts.0.prompt.text':'a'"),
      "other; input=[{'role':'user','content':'a'},"
      "{'role':'user','content':'b'}]" },
    { "row 8 before row 9",
      A("'gen_ai.prompt':'b','gen_ai.completion':'b',"
        "'llm.prompts.0.prompt.text':'a','llm.choices.0.completion.text':'a'"),
      "other; input=a; output=a" },
    { "row 9: text", A("'gen_ai.prompt':'a','gen_ai.completion':'b'"),
      "other; input=a; output=b" },
    { "row 9: JSON of messages",
      A("'gen_ai.prompt':'[{\\'role\\':\\'user\\',\\'content\\':\\'a\\'}]'"),
      "other; input=[{'role':'user','content':'a'}]" },
    { "row 9: other JSON", A("'gen_ai.prompt':'{ \\'a\\':1}'"),
      "other; input={ 'a':1}" },
    { "row 9 before row 13",
      A("'ai.prompt':'b','ai.response.text':'b','gen_ai.prompt':'a',"
        "'gen_ai.completion':'a'"), "other; input=a; output=a" },

    { "row 13: messages",
      A("'ai.prompt.messages':'[{\\'role\\':\\'user\\',\\'content\\':"
        "[{\\'type\\':\\'text\\',\\'text\\':\\'a\\'}]}]','ai.prompt':'b',"
        "'ai.response.text':'c','ai.response.object':'{}'"),
      "other; input=[{'role':'user','content':'a'}]; output=c; "
      "details={'output_object':'{}'}" },
    { "row 13: a prompt and the system's",
      A("'ai.prompt':'{\\'system\\':\\'s\\',\\'prompt\\':\\'p\\'}',"
        "'ai.response.object':'{\\'a\\':1}'"),
      "other; input=[{'role':'system','content':'s'},"
      "{'role':'user','content':'p'}]; output={'a':1}; "
      "details={'output_object':'{\\'a\\':1}'}" },
    { "row 13: messages and the system's",
      A("'ai.prompt':'{\\'messages\\':[{\\'role\\':\\'user\\',\\'content\\':"
        "\\'p\\'}],\\'system\\':\\'s\\'}'"),
      "other; input=[{'role':'system','content':'s'},"
      "{'role':'user','content':'p'}]" },
    { "row 13: a prompt alone", A("'ai.prompt':'{\\'prompt\\':\\'p\\'}'"),
      "other; input=[{'role':'user','content':'p'}]" },
    { "row 13: a prompt of messages",
      A("'ai.prompt':'{\\'prompt\\':[{\\'role\\':\\'user\\',\\'content\\':"
        "\\'p\\'}]}'"), "other; input=[{'role':'user','content':'p'}]" },
    { "row 13: text", A("'ai.prompt':'p'"), "other; input=p" },
    { "row 13: other JSON", A("'ai.prompt':'{\\'a\\':1}'"),
      "other; input={'a':1}" },
    { "row 13: older results", A("'ai.result.text':'a'"), "other; output=a" },
    { "row 13: what is embedded", A("'ai.value':'a'"), "other; input=a" },
    { "row 13: what is embedded, as JSON",
      A("'ai.value':'\\'a\\\\nb\\''"), "other; input=a\nb" },
    { "row 13: nothing is embedded", A("'ai.value':'\\'\\''"), "other" },
    { "row 13: what is embedded and no string",
      A("'ai.value':'{\\'a\\':1}'"), "other; input={'a':1}" },
    { "row 13: what is embedded and half a string", A("'ai.value':'\\'a'"),
      "other; input='a" },
    { "row 13: several are embedded",
      A("'ai.values':['\\'a\\'','\\'b\\\\n\\'','{\\'c\\': 1}',"
        "'\\'d','e',5]"),
      "other; input=['a','b\\n',{'c':1},'\\'d','e',5]" },
    { "row 13: no values", A("'ai.values':[]"), "other" },
};


#define EVENT(name, members)  "{'name':'" name "','attributes':{" members "}}"

/* Rows 10 to 12. */
static const ngx_av_semconv_case_t  ngx_av_test_events[] = {
    { "row 10",
      E(EVENT("gen_ai.content.prompt", "'gen_ai.prompt':'[{\\'role\\':"
              "\\'user\\',\\'content\\':\\'a\\'}]'") ","
        EVENT("gen_ai.content.completion", "'gen_ai.completion':'b'")),
      "other; input=[{'role':'user','content':'a'}]; output=b" },
    { "row 10 without its attribute",
      E(EVENT("gen_ai.content.prompt", "'x':1") ","
        EVENT("gen_ai.user.message", "'content':'a'")),
      "other; input=[{'role':'user','content':'a'}]" },
    { "row 11",
      E(EVENT("gen_ai.system.message", "'content':'s'") ","
        EVENT("gen_ai.user.message", "'content':'u','role':'user'") ","
        EVENT("gen_ai.assistant.message", "'tool_calls':'[{\\'id\\':"
              "\\'c\\'}]'") ","
        EVENT("gen_ai.tool.message", "'content':'t','id':'c'") ","
        EVENT("gen_ai.choice", "'index':0,'finish_reason':'stop',"
              "'message':'{\\'content\\':\\'o\\'}'")),
      "other; input=[{'role':'system','content':'s'},{'role':'user',"
      "'content':'u'},{'role':'assistant','content':null,'tool_calls':"
      "[{'id':'c'}]},{'role':'tool','content':'t','tool_call_id':'c'}]; "
      "output=[{'role':'assistant','content':'o','finish_reason':'stop'}]" },
    { "row 11: the body in one attribute",
      E(EVENT("gen_ai.user.message",
              "'gen_ai.event.content':'{\\'content\\':\\'u\\'}'") ","
        EVENT("gen_ai.choice", "'gen_ai.event.content':'{\\'message\\':"
              "{\\'content\\':\\'o\\'},\\'finish_reason\\':\\'stop\\'}'") ","
        EVENT("gen_ai.choice", "'content':'p','finish_reason':'length'")),
      "other; input=[{'role':'user','content':'u'}]; "
      "output=[{'role':'assistant','content':'o','finish_reason':'stop'},"
      "{'role':'assistant','content':'p','finish_reason':'length'}]" },
    { "row 11: a message that is text",
      E(EVENT("gen_ai.choice", "'message':'o'")),
      "other; output=[{'role':'assistant','content':'o'}]" },
    { "row 12",
      E(EVENT("gen_ai.client.inference.operation.details",
              "'gen_ai.system_instructions':'s','gen_ai.input.messages':"
              "[{'role':'user','parts':[{'type':'text','content':'a'}]}],"
              "'gen_ai.output.messages':[{'role':'assistant','parts':"
              "[{'type':'text','content':'b'}]}]")),
      "other; input=[{'role':'system','content':'s'},{'role':'user',"
      "'content':'a'}]; output=[{'role':'assistant','content':'b'}]" },
    { "row 12 before row 13, row 11 before row 12",
      "{'attributes':{'ai.prompt':'c','ai.response.text':'c'},'events':["
      EVENT("gen_ai.client.inference.operation.details",
            "'gen_ai.input.messages':'b','gen_ai.output.messages':'b'") ","
      EVENT("gen_ai.user.message", "'content':'a'") "]}",
      "other; input=[{'role':'user','content':'a'}]; output=b" },
    { "row 9 before row 10",
      "{'attributes':{'gen_ai.prompt':'a','gen_ai.completion':'a'},'events':["
      EVENT("gen_ai.content.prompt", "'gen_ai.prompt':'b'") ","
      EVENT("gen_ai.content.completion", "'gen_ai.completion':'b'") "]}",
      "other; input=a; output=a" },
};


/* What the families' instrumentations send. */
static const ngx_av_semconv_case_t  ngx_av_test_families[] = {
    { "OpenInference, OpenAI",
      "{'name':'ChatCompletion','scope':'openinference.instrumentation.openai'"
      ",'attributes':{'openinference.span.kind':'LLM','llm.provider':'openai',"
      "'llm.system':'openai','input.value':'{\\'messages\\': []}',"
      "'input.mime_type':'application/json',"
      "'llm.invocation_parameters':'{\\'model\\': \\'gpt-4o-mini\\'}',"
      "'llm.input_messages.0.message.role':'user',"
      "'llm.input_messages.0.message.content':'Hi',"
      "'output.value':'{}','output.mime_type':'application/json',"
      "'llm.model_name':'gpt-4o-mini-2024-07-18',"
      "'llm.token_count.total':12,'llm.token_count.prompt':8,"
      "'llm.token_count.completion':4,"
      "'llm.token_count.prompt_details.cache_read':0,"
      "'llm.output_messages.0.message.role':'assistant',"
      "'llm.output_messages.0.message.content':'Hello',"
      "'session.id':'s','user.id':'u','metadata':'{\\'k\\': \\'v\\'}',"
      "'tag.tags':['x']}}",
      "llm; model=gpt-4o-mini-2024-07-18; in=8; out=4; total=12; session=s; "
      "user=u; input=[{'role':'user','content':'Hi'}]; "
      "output=[{'role':'assistant','content':'Hello'}]; "
      "details={'provider':'openai','cache_read_tokens':0,"
      "'settings':{'model':'gpt-4o-mini'},'tags':['x'],"
      "'metadata':{'k':'v'}}" },
    { "OpenLLMetry, OpenAI",
      "{'name':'openai.chat','scope':'opentelemetry.instrumentation.openai.v1'"
      ",'attributes':{'llm.request.type':'chat','gen_ai.system':'OpenAI',"
      "'gen_ai.request.model':'gpt-4o','llm.headers':'None',"
      "'llm.is_streaming':false,'gen_ai.openai.api_base':'http://x/',"
      "'gen_ai.prompt.0.role':'user','gen_ai.prompt.0.content':'Hi',"
      "'gen_ai.response.model':'gpt-4o-2024-08-06',"
      "'llm.usage.total_tokens':12,'gen_ai.usage.completion_tokens':4,"
      "'gen_ai.usage.prompt_tokens':8,"
      "'gen_ai.completion.0.finish_reason':'stop',"
      "'gen_ai.completion.0.role':'assistant',"
      "'gen_ai.completion.0.content':'Hello',"
      "'traceloop.workflow.name':'w','traceloop.entity.path':'e',"
      "'traceloop.association.properties.session_id':'s',"
      "'traceloop.association.properties.plan':'pro'}}",
      "llm; model=gpt-4o-2024-08-06; in=8; out=4; total=12; session=s; "
      "input=[{'role':'user','content':'Hi'}]; "
      "output=[{'role':'assistant','content':'Hello',"
      "'finish_reason':'stop'}]; details={'provider':'openai',"
      "'request_model':'gpt-4o','finish_reason':'stop',"
      "'workflow_name':'w','metadata':{'plan':'pro'}}" },
    { "Vercel AI SDK, the model's call",
      "{'name':'ai.generateText.doGenerate','scope':'ai','attributes':{"
      "'operation.name':'ai.generateText.doGenerate f',"
      "'ai.operationId':'ai.generateText.doGenerate',"
      "'ai.telemetry.functionId':'f',"
      "'ai.telemetry.metadata.session_id':'s',"
      "'ai.telemetry.metadata.plan':'pro','ai.model.provider':'openai.chat',"
      "'ai.model.id':'gpt-4o','ai.settings.maxRetries':2,"
      "'ai.prompt.format':'prompt','ai.prompt.messages':"
      "'[{\\'role\\':\\'user\\',\\'content\\':[{\\'type\\':\\'text\\',"
      "\\'text\\':\\'Hi\\'}]}]','gen_ai.system':'openai.chat',"
      "'gen_ai.request.model':'gpt-4o','gen_ai.request.temperature':0,"
      "'ai.response.finishReason':'stop','ai.response.text':'Hello',"
      "'ai.usage.promptTokens':8,'ai.usage.completionTokens':4,"
      "'gen_ai.response.finish_reasons':['stop'],"
      "'gen_ai.response.model':'gpt-4o-2024-08-06',"
      "'gen_ai.usage.input_tokens':8,'gen_ai.usage.output_tokens':4}}",
      "llm; model=gpt-4o-2024-08-06; in=8; out=4; total=12; session=s; "
      "input=[{'role':'user','content':'Hi'}]; output=Hello; "
      "details={'provider':'openai','request_model':'gpt-4o',"
      "'finish_reason':'stop','settings':{'temperature':0},"
      "'metadata':{'plan':'pro'}}" },
    { "GenAI 1.41, an agent",
      "{'name':'invoke_agent planner','attributes':{"
      "'gen_ai.operation.name':'invoke_agent','gen_ai.agent.name':'planner',"
      "'gen_ai.provider.name':'aws.bedrock','gen_ai.conversation.id':'c',"
      "'gen_ai.request.model':'m','gen_ai.usage.input_tokens':100,"
      "'gen_ai.usage.output_tokens':50,"
      "'gen_ai.usage.cache_read.input_tokens':60,"
      "'gen_ai.output.messages':[{'role':'assistant','parts':[{'type':'text',"
      "'content':'done'}],'finish_reason':'stop'}]}}",
      "agent; model=m; in=100; out=50; total=150; session=c; "
      "output=[{'role':'assistant','content':'done','finish_reason':'stop'}]; "
      "details={'provider':'aws.bedrock','cache_read_tokens':60,"
      "'agent_name':'planner'}" },
    { "GenAI 1.28, the content in events",
      "{'name':'chat gpt-4','attributes':{'gen_ai.operation.name':'chat',"
      "'gen_ai.system':'openai','gen_ai.request.model':'gpt-4',"
      "'gen_ai.response.model':'gpt-4-0613',"
      "'gen_ai.response.finish_reasons':['stop'],"
      "'gen_ai.usage.input_tokens':52,'gen_ai.usage.output_tokens':7},"
      "'events':[" EVENT("gen_ai.user.message",
                         "'gen_ai.system':'openai','content':'Hi'") ","
      EVENT("gen_ai.choice", "'gen_ai.system':'openai','index':0,"
            "'finish_reason':'stop','message':{'content':'Hello'}") "]}",
      "llm; model=gpt-4-0613; in=52; out=7; total=59; "
      "input=[{'role':'user','content':'Hi'}]; "
      "output=[{'role':'assistant','content':'Hello',"
      "'finish_reason':'stop'}]; "
      "details={'provider':'openai','request_model':'gpt-4',"
      "'finish_reason':'stop'}" },
};


int
main(void)
{
#define ngx_av_test_all(cases)                                                \
    ngx_av_semconv_cases(&ngx_av_test_limits, NULL, cases,                    \
                         ngx_av_test_count(cases))

    ngx_av_test_all(ngx_av_test_messages);
    ngx_av_test_all(ngx_av_test_texts);
    ngx_av_test_all(ngx_av_test_events);
    ngx_av_test_all(ngx_av_test_families);

    return ngx_av_tap_done();
}
