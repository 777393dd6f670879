/* Conventions as an attacker, or a bug, would have them: nothing fails. */

#include "ngx_av_semconv_case.h"
#include "ngx_av_stub.h"

#include "ngx_av_json.h"


#define A(members)  "{'attributes':{" members "}}"
#define R           "\xef\xbf\xbd"

#define NGX_AV_TEST_MESSAGES  10000
#define NGX_AV_TEST_MUTANTS   20000

#define ngx_av_test_count(a)  (sizeof(a) / sizeof((a)[0]))


static const ngx_av_semconv_limits_t  ngx_av_test_limits = {
    65536, 16 * 1024 * 1024, 64
};

/* of texts, and of values' depth */
static const ngx_av_semconv_limits_t  ngx_av_test_narrow = { 32, 4096, 3 };


static const ngx_av_semconv_case_t  ngx_av_test_odd[] = {
    { "an index of many digits",
      A("'llm.input_messages.429496729599912345.message.content':'b',"
        "'llm.input_messages.4294967295.message.content':'a',"
        "'llm.input_messages.4294967295999123456789.message.content':'c',"
        "'llm.input_messages.00.message.content':'d'"),
      "other; input=[{'role':'user','content':'d'},{'role':'user',"
      "'content':'a'},{'role':'user','content':'b'}]" },
    { "NULs are removed",
      A("'llm.model_name':'a\\u0000b','session.id':'\\u0000',"
        "'input.value':'x\\u0000y','output.value':'\\u0000',"
        "'agentmark.metadata.k\\u0000':'v\\u0000',"
        "'gen_ai.tool.name':'\\u0000t\\u0000'"),
      "tool; model=ab; tool=t; input=xy; details={'tool_name':'t',"
      "'tool_calls':[{'type':'tool-call','toolName':'t','args':{'raw':'xy'}}"
      "],'metadata':{'k':'v'}}" },
    { "NULs in JSON text, in escapes",
      A("'gen_ai.input.messages':'[{\\'role\\':\\'user\\',\\'content\\':"
        "\\'a\\\\u0000b\\'}]','metadata':'{\\'a\\\\u0000\\':"
        "\\'\\\\u0000\\'}','agentmark.tags':'[\\'\\\\u0000a\\']'"),
      "other; input=[{'role':'user','content':'ab'}]; "
      "details={'tags':['a'],'metadata':{'a':''}}" },
    { "numbers in JSON text that jsonb would refuse",
      A("'metadata':'{\\'a\\':1e999999,\\'b\\':-1}'"),
      "other; details={'metadata':{'a':'1e999999','b':-1}}" },
    { "lone surrogates in JSON text",
      A("'gen_ai.input.messages':'[{\\'content\\':\\'\\\\ud800\\'}]'"),
      "other; input=[{'role':'user','content':'" R "'}]" },
    { "wrong types everywhere",
      A("'gen_ai.operation.name':['chat'],'openinference.span.kind':{'a':1},"
        "'gen_ai.request.model':[],'gen_ai.usage.input_tokens':[1],"
        "'llm.cost.total':{'a':1},'session.id':[1],'user.id':{},"
        "'gen_ai.tool.name':{'$bytes':'QUI='},'agentmark.tags':{'a':1},"
        "'metadata':5,'gen_ai.response.finish_reasons':[[1]],"
        "'gen_ai.input.messages':{'$double':'-Infinity'},"
        "'llm.invocation_parameters':true,'gen_ai.output.messages':{'a':1},"
        "'ai.response.toolCalls':7,'agentmark.span.kind':7"),
      "other; input=-Infinity; output={'a':1}; details={'settings':true,"
      "'tool_calls':7,'metadata':{'metadata':'5'}}" },
    { "messages of wrong types",
      A("'gen_ai.input.messages':[{'role':5,'parts':7,'content':'x'},"
        "{'role':{},'content':{'a':1}},{'role':'','parts':[5]},"
        "{'role':'r','parts':[{'type':'text'},{'type':5}],'x':null}]"),
      "other; input=[{'role':'user','content':7},{'role':'user',"
      "'content':{'a':1}},{'role':'user','content':[5]},"
      "{'role':'r','content':[{'type':'text'},{'type':5}]}]" },
    { "names of nothing but a prefix",
      A("'agentmark.metadata.':'a','llm.':1,'gen_ai.':1,'ai.':1,'':1,"
        "'db.vector.query.':1"), "other" },
    { "events without attributes",
      "{'status':2,'events':[{'name':'exception'},{'name':''},"
      "{'name':'gen_ai.choice'},{'name':'gen_ai.content.prompt'},"
      "{'name':'gen_ai.client.inference.operation.details'},"
      "{'name':'gen_ai.user.message','attributes':{'':1}}]}",
      "other; input=[{'role':'user','content':null}]; "
      "output=[{'role':'assistant','content':null}]" },
};


static const ngx_av_semconv_case_t  ngx_av_test_limited[] = {
    { "error messages are cut between characters",
      "{'status':2,'message':'0123456789012345678901234567890\u00e9'}",
      "other; error=0123456789012345678901234567890" },
    { "texts in details are cut",
      A("'agentmark.props':'0123456789012345678901234567890123456789',"
        "'agentmark.dataset_path':'0123456789012345678901234567890123456789',"
        "'agentmark.input':'-'"),
      "other; input=-; "
      "details={'props':'01234567890123456789012345678901',"
      "'dataset':{'path':'01234567890123456789012345678901'}}" },
    { "values in details become the beginning of their text",
      A("'llm.invocation_parameters':'{\\'a\\':\\'0123456789012345678901234"
        "567890123456789\\'}'"),
      "other; details={'settings':"
      "'{\\'a\\':\\'01234567890123456789012345'}" },
    { "metadata stays an object: what does not fit is left out",
      A("'agentmark.metadata.a':'0123456789','agentmark.metadata.b':"
        "'0123456789','agentmark.metadata.c':'1'"),
      "other; details={'metadata':{'a':'0123456789','c':'1'}}" },
    { "an output that is JSON but too long is not kept twice",
      A("'gen_ai.response.output':'[0123456789,0123456789,0123456789,1]'"),
      "other; output=[0123456789,0123456789,0123456789,1]" },
    { "messages nested too deeply are text",
      A("'gen_ai.input.messages':'[{\\'role\\':\\'user\\',\\'content\\':"
        "[[[[1]]]]}]'"),
      "other; input=[{'role':'user','content':[[[[1]]]]}]" },
    { "values nested too deeply are absent",
      A("'input.value':[[[[1]]]],'output.value':[[[1]]],"
        "'agentmark.metadata.a':[[[[1]]]],'metadata':{'b':[[[1]]]},"
        "'agentmark.dataset_path':[[[[1]]]]"),
      "other; output=[[[1]]]; details={'dataset':{'path':null}}" },
    { "JSON text that takes too much memory is text",
      A("'gen_ai.prompt':'[{\\'role\\':\\'user\\'},0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
        "0,"
        "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
        "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]'"),
      "other; input=[{'role':'user'},0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
        "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
        "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]" },
};


/* U+0001 is sent as the byte 0xff. */
static void
ngx_av_test_encoding(void)
{
    char          *span, *expected;
    ngx_pool_t    *pool;
    ngx_av_buf_t   b;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    span = ngx_av_semconv_quoted(pool,
        "{'name':'\\u0001','scope':'\\u0001','status':2,'message':'m\\u0001',"
        "'attributes':{'llm.model_name':'a\\u0001b','session.id':'\\u0001',"
        "'gen_ai.provider.name':'p\\u0001',"
        "'gen_ai.input.messages':'[{\\'content\\':\\'c\\u0001\\'}]',"
        "'llm.output_messages.0.message.content':'o\\u0001',"
        "'llm.output_messages.0.message.role':'r\\u0001',"
        "'agentmark.metadata.k\\u0001':'v\\u0001','agentmark.tags':'t\\u0001',"
        "'gen_ai.response.finish_reasons':['f\\u0001'],"
        "'agentmark.props':'{\\u0001'}}");

    expected = ngx_av_semconv_quoted(pool,
        "weak; model=a" R "b; session=" R "; error=m" R "; input={" R "; "
        "output=[{'role':'r" R "','content':'o" R "'}]; "
        "details={'provider':'p" R "','finish_reason':'f" R "',"
        "'props':'{" R "','tags':['t" R "'],'metadata':{'k" R "':'v" R "'}}\n");

    (void) ngx_av_buf_init(&b, pool, 0);

    ngx_av_semconv_one(&b, pool, NGX_AV_OTLP_PROTOBUF, span,
                       &ngx_av_test_limits, NULL);

    is_text(b.start, ngx_av_buf_len(&b), expected, "bad UTF-8 is repaired");

    ngx_destroy_pool(pool);
}


static void
ngx_av_test_put(ngx_av_buf_t *b, const char *fmt, ...)
{
    int      n;
    char     text[256];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    if (ngx_av_buf_append(b, text, n) != NGX_OK) {
        abort();
    }
}


/* As many messages as one likes, sent backwards. */
static void
ngx_av_test_many(void)
{
    ngx_uint_t     i, bad;
    ngx_pool_t    *pool;
    yyjson_val    *item;
    ngx_av_buf_t   span, b;
    ngx_av_json_t  json;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    (void) ngx_av_buf_init(&span, pool, 0);
    (void) ngx_av_buf_init(&b, pool, 0);

    ngx_av_test_put(&span, "{\"attributes\":{");

    for (i = NGX_AV_TEST_MESSAGES; i > 0; i--) {
        ngx_av_test_put(&span, "\"llm.input_messages.%lu.message.content\":"
                        "\"%lu\",", (unsigned long) i, (unsigned long) i);
    }

    ngx_av_test_put(&span, "\"x\":1}}%c", '\0');

    ngx_av_semconv_one(&b, pool, NGX_AV_OTLP_PROTOBUF, (char *) span.start,
                       &ngx_av_test_limits, NULL);

    is(ngx_strncmp(b.start, "other; input=[", 14), 0, "many messages");

    is(ngx_av_json_parse(&json, b.start + 13, ngx_av_buf_len(&b) - 14,
                         (size_t) 1 << 30),
       NGX_OK, "many messages are valid JSON");

    bad = (yyjson_arr_size(json.root) != NGX_AV_TEST_MESSAGES);

    for (i = 0; i < NGX_AV_TEST_MESSAGES && bad == 0; i++) {
        item = yyjson_obj_get(yyjson_arr_get(json.root, i), "content");
        bad += ((ngx_uint_t) atoi(yyjson_get_str(item)) != i + 1);

        /* the array is long to walk through each time */
        i += 96;
    }

    is(bad, 0, "many messages come in the order of their indices");

    ngx_av_json_free(&json);
    ngx_destroy_pool(pool);
}


/* What of a resource goes to its spans is bounded. */
static void
ngx_av_test_resource(void)
{
    char          *p;
    ngx_uint_t     i, n;
    ngx_pool_t    *pool;
    ngx_av_buf_t   span, b;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    (void) ngx_av_buf_init(&span, pool, 0);
    (void) ngx_av_buf_init(&b, pool, 0);

    ngx_av_test_put(&span, "{\"resource\":{\"input.value\":\"");

    for (i = 0; i < 100; i++) {
        ngx_av_test_put(&span, "%099d", 0);
    }

    ngx_av_test_put(&span, "\"");

    for (i = 0; i < 1000; i++) {
        ngx_av_test_put(&span, ",\"agentmark.metadata.%lu\":\"v\"",
                        (unsigned long) i);
    }

    ngx_av_test_put(&span, "}}%c", '\0');

    ngx_av_semconv_one(&b, pool, NGX_AV_OTLP_PROTOBUF, (char *) span.start,
                       &ngx_av_test_limits, NULL);

    ngx_av_test_put(&b, "%c", '\0');

    n = 0;

    for (p = (char *) b.start; (p = strstr(p, ":\"v\"")) != NULL; p++) {
        n++;
    }

    is(n, 32, "a resource gives its spans a limited number of attributes");
    ok(strstr((char *) b.start, "input") == NULL,
       "a resource gives its spans no long value");

    ngx_destroy_pool(pool);
}


/* A text that is too long to be parsed is taken as it is. */
static void
ngx_av_test_long(void)
{
    ngx_uint_t     i;
    ngx_pool_t    *pool;
    ngx_av_buf_t   span, b;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    (void) ngx_av_buf_init(&span, pool, 0);
    (void) ngx_av_buf_init(&b, pool, 0);

    ngx_av_test_put(&span, "{\"attributes\":{\"gen_ai.prompt\":\"[0");

    for (i = 0; i < 1024 * 1024 / 16; i++) {
        ngx_av_test_put(&span, ",%015d", 0);
    }

    ngx_av_test_put(&span, "]\",\"gen_ai.completion\":\"");

    for (i = 0; i < 100000; i++) {
        ngx_av_test_put(&span, "[");
    }

    ngx_av_test_put(&span, "\"}}%c", '\0');

    ngx_av_semconv_one(&b, pool, NGX_AV_OTLP_PROTOBUF, (char *) span.start,
                       &ngx_av_test_limits, NULL);

    is(ngx_av_buf_len(&b), 1024 * 1024 + 100000 + 3
       + sizeof("other; input=; output=\n") - 1,
       "long texts, and deep ones, stay whole");

    ngx_destroy_pool(pool);
}


/*
 * Changes bytes of a request that has everything: whatever is decoded, all
 * of it is resolved.  What matters is that ASan and valgrind see it.
 */

static void
ngx_av_test_mutants(void)
{
    size_t          len, n;
    u_char         *copy;
    ngx_int_t       rc;
    ngx_uint_t      i, j, bad;
    ngx_pool_t     *pool, *each;
    ngx_av_buf_t    body, b;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    (void) ngx_av_buf_init(&body, pool, 0);

    for (i = 0; i < ngx_av_test_count(ngx_av_test_odd); i++) {
        copy = (u_char *) ngx_av_semconv_quoted(pool, ngx_av_test_odd[i].span);
        ngx_av_semconv_body(&body, NGX_AV_OTLP_PROTOBUF, (char *) copy,
                            strlen((char *) copy));
    }

    len = ngx_av_buf_len(&body);
    bad = 0;

    for (i = 0; i < NGX_AV_TEST_MUTANTS; i++) {

        each = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);
        copy = ngx_av_stub_copy(body.start, len);

        for (j = 0; j < 1 + ngx_av_stub_random() % 4; j++) {
            n = ngx_av_stub_random() % len;
            copy[n] = (ngx_av_stub_random() & 1) ? copy[n] ^ 1
                                                 : ngx_av_stub_random();
        }

        (void) ngx_av_buf_init(&b, each, 0);

        rc = ngx_av_semconv_run(&b, each, NGX_AV_OTLP_PROTOBUF, copy, len,
                                (i & 1) ? &ngx_av_test_narrow
                                        : &ngx_av_test_limits, NULL);
        bad += (rc != NGX_OK && rc != NGX_DECLINED);

        free(copy);
        ngx_destroy_pool(each);
    }

    is(bad, 0, "requests with bytes changed are resolved or refused");

    ngx_destroy_pool(pool);
}


/* Memory that runs out anywhere is an error, and no more. */
static void
ngx_av_test_memory(void)
{
    u_char         *span;
    ngx_int_t       rc;
    ngx_uint_t      i, j, bad, last;
    ngx_pool_t     *pool, *each;
    ngx_av_buf_t    body, b;

    bad = 0;
    last = 0;

    for (i = 0; i < ngx_av_test_count(ngx_av_test_odd); i++) {

        pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

        (void) ngx_av_buf_init(&body, pool, 0);
        span = (u_char *) ngx_av_semconv_quoted(pool, ngx_av_test_odd[i].span);
        ngx_av_semconv_body(&body, NGX_AV_OTLP_PROTOBUF, (char *) span,
                            strlen((char *) span));

        for (j = 0; j < 1000; j++) {
            each = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

            /* the output's own growth would abort */
            (void) ngx_av_buf_init(&b, each, 4096);

            ngx_av_stub_fail_after(j);
            rc = ngx_av_semconv_run(&b, each, NGX_AV_OTLP_PROTOBUF,
                                    body.start, ngx_av_buf_len(&body),
                                    &ngx_av_test_limits, NULL);
            ngx_av_stub_fail_never();

            ngx_destroy_pool(each);

            if (rc == NGX_OK) {
                last = ngx_max(last, j);
                break;
            }

            bad += (rc != NGX_ERROR);
        }

        bad += (j == 1000);

        ngx_destroy_pool(pool);
    }

    is(bad, 0, "without memory it is an error");
    ok(last > 3, "memory was asked for");
}


int
main(void)
{
    ngx_av_semconv_cases(&ngx_av_test_limits, NULL, ngx_av_test_odd,
                         ngx_av_test_count(ngx_av_test_odd));
    ngx_av_semconv_cases(&ngx_av_test_narrow, NULL, ngx_av_test_limited,
                         ngx_av_test_count(ngx_av_test_limited));

    ngx_av_test_encoding();
    ngx_av_test_many();
    ngx_av_test_resource();
    ngx_av_test_long();
    ngx_av_test_mutants();
    ngx_av_test_memory();

    return ngx_av_tap_done();
}
