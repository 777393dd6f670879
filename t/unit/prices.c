/* The table of prices: its file, its lookup, its arithmetic. */

#include "ngx_av_tap.h"
#include "ngx_av_stub.h"

#include "ngx_av_prices.h"


#define NGX_AV_TEST_MODELS 5000

#define ngx_av_test_count(a)  (sizeof(a) / sizeof((a)[0]))


typedef struct {
    const char  *text;
    const char  *error;         /* NULL: none */
} ngx_av_test_file_t;


typedef struct {
    const char  *model;
    const char  *match;         /* NULL: none */
} ngx_av_test_match_t;


typedef struct {
    const char  *model;
    int64_t      input;
    int64_t      output;
    const char  *cost;          /* NULL: unknown */
} ngx_av_test_cost_t;


static ngx_str_t
ngx_av_test_str(const char *text)
{
    ngx_str_t  str;

    str.data = (u_char *) text;
    str.len = strlen(text);

    return str;
}


static const ngx_av_prices_t *
ngx_av_test_parse(ngx_pool_t *pool, const char *text)
{
    ngx_int_t               rc;
    const ngx_av_prices_t  *prices;
    ngx_av_prices_error_t   error;

    rc = ngx_av_prices_parse(pool, (const u_char *) text, strlen(text),
                             &prices, &error);
    if (rc != NGX_OK) {
        ok(0, "%.*s", (int) error.text.len, error.text.data);
        abort();
    }

    return prices;
}


static const ngx_av_test_file_t  ngx_av_test_files[] = {
    { "{}", NULL },
    { "{\"_comment\": \"text\", \"_\": [1], \"_x\": {\"input\": \"y\"}}",
      NULL },
    { "{\"m\": {\"input\": 1, \"output\": 2}}", NULL },
    { "{\"m\": {\"output\": \"2.50\", \"input\": \"1e-3\"}}", NULL },
    { "{\"m\": {\"input\": 0, \"output\": 1000000}}", NULL },
    { "{\"m\": {\"input\": 0.000000000001, \"output\": 0}}", NULL },
    { "{\"m\": {\"input\": 1, \"output\": 2, \"cache_read\": 0.1,"
      " \"cache_write\": 1.25}}", NULL },
    { "{\"m\": {\"input\": 1, \"output\": 2},"
      " \"M\": {\"input\": 1, \"output\": 2}}", NULL },

    { "", "line 1: the document is empty" },
    { "[]", "the file is no JSON object" },
    { "5", "the file is no JSON object" },
    { "{\"\": {}}", "a model's name must have 1 to 256 bytes" },
    { "{\"m\": 5}", "the prices of \"m\" are no object" },
    { "{\"m\": {}}", "\"m\" has no price \"input\"" },
    { "{\"m\": {\"input\": 5}}", "\"m\" has no price \"output\"" },
    { "{\"m\": {\"outputs\": 5}}", "unknown price \"outputs\" of \"m\"" },
    { "{\"m\": {\"input\": null}}",
      "the price \"input\" of \"m\" is no number from 0 to 1000000" },
    { "{\"m\": {\"input\": \"$5\"}}",
      "the price \"input\" of \"m\" is no number from 0 to 1000000" },
    { "{\"m\": {\"input\": -1}}",
      "the price \"input\" of \"m\" is no number from 0 to 1000000" },
    { "{\"m\": {\"output\": 1000000.1}}",
      "the price \"output\" of \"m\" is no number from 0 to 1000000" },
    { "{\"m\": {\"cache_read\": 1e99}}",
      "the price \"cache_read\" of \"m\" is no number from 0 to 1000000" },
    { "{\"m\": {\"input\": 0.0000000000001}}",
      "the price \"input\" of \"m\" has more than 12 decimal places" },
    { "{\"m\": {\"input\": 1, \"output\": 2},"
      " \"m\": {\"input\": 1, \"output\": 2}}", "\"m\" is duplicate" },
};


static void
ngx_av_test_syntax(void)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_pool_t                *pool;
    const ngx_av_prices_t     *prices;
    ngx_av_prices_error_t      error;
    const ngx_av_test_file_t  *file;

    static const u_char  broken[] = "{\n\n\"m\": x}";

    for (i = 0; i < ngx_av_test_count(ngx_av_test_files); i++) {

        file = &ngx_av_test_files[i];
        pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

        rc = ngx_av_prices_parse(pool, (const u_char *) file->text,
                                 strlen(file->text), &prices, &error);

        if (file->error == NULL) {
            is(rc, NGX_OK, "%s", file->text);

        } else {
            is_text(rc == NGX_ERROR ? error.text.data : (u_char *) "",
                    rc == NGX_ERROR ? error.text.len : 0, file->error,
                    "%s", file->text);
        }

        ngx_destroy_pool(pool);
    }

    /* what else is said there is the parser's */

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    rc = ngx_av_prices_parse(pool, broken, sizeof(broken) - 1, &prices,
                             &error);

    ok(rc == NGX_ERROR && error.err == 0
       && ngx_strncmp(error.text.data, "line 3: ", 8) == 0,
       "a syntax error has a line");

    ngx_destroy_pool(pool);
}


static const char  ngx_av_test_table[] =
    "{\"gpt-4o\": {\"input\": 2.5, \"output\": 10},"
    " \"gpt-4o-2024-05-13\": {\"input\": 5, \"output\": 15},"
    " \"gpt-4o-mini\": {\"input\": 0.15, \"output\": 0.6},"
    " \"o1\": {\"input\": 15, \"output\": 60},"
    " \"abc\": {\"input\": 1, \"output\": 1},"
    " \"claude-3-5-sonnet\": {\"input\": 3, \"output\": 15},"
    " \"claude\": {\"input\": 1, \"output\": 1},"
    " \"gemini-1.5-pro\": {\"input\": 1, \"output\": 1},"
    " \"Case-Model\": {\"input\": 1, \"output\": 1},"
    " \"case-model\": {\"input\": 2, \"output\": 1},"
    " \"mistral-large\": {\"input\": 2, \"output\": 6},"
    " \"chat-latest\": {\"input\": 2, \"output\": 6},"
    " \"host/own\": {\"input\": 2, \"output\": 6}}";


static const ngx_av_test_match_t  ngx_av_test_matches[] = {
    { "gpt-4o", "gpt-4o" },
    { "gpt-4o-2024-05-13", "gpt-4o-2024-05-13" },
    { "gpt-4o-2024-08-06", "gpt-4o" },
    { "gpt-4o-mini-2024-07-18", "gpt-4o-mini" },
    { "openai/gpt-4o", "gpt-4o" },
    { "models/gemini-1.5-pro", "gemini-1.5-pro" },
    { "openrouter/openai/gpt-4o-mini", "gpt-4o-mini" },
    { "host/own", "host/own" },
    { "host/own-2", "host/own" },
    { "ft:gpt-4o-mini-2024-07-18:org::id", "gpt-4o-mini" },
    { "ft:gpt-4o", "gpt-4o" },
    { "us.anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet" },
    { "eu.claude-3-5-sonnet-20241022", "claude-3-5-sonnet" },
    { "anthropic.claude-3-5-sonnet-20240620-v1:0", "claude-3-5-sonnet" },
    { "claude-3-5-sonnet@20241022", "claude-3-5-sonnet" },
    { "gemini-1.5-pro@001", "gemini-1.5-pro" },
    { "gemini-1.5-pro-002", "gemini-1.5-pro" },
    { "mistral-large-latest", "mistral-large" },
    { "mistral-large-2024-01-01-latest", "mistral-large" },
    { "chat-latest", "chat-latest" },
    { "GPT-4O", "gpt-4o" },
    { "OpenAI/GPT-4o-2024-08-06", "gpt-4o" },
    { "Mistral-Large-LATEST", "mistral-large" },
    { "Case-Model", "Case-Model" },
    { "case-model", "case-model" },
    { "gpt-4o-mini-audio", "gpt-4o-mini" },
    { "gpt-4o:free", "gpt-4o" },
    { "gpt-4o_x", "gpt-4o" },
    { "gpt-4o.1", "gpt-4o" },
    { "gpt-4o/x", "gpt-4o" },
    { "claude-4", "claude" },
    { "claude-3-5-sonnet-x", "claude-3-5-sonnet" },

    { "gpt-4omni", NULL },
    { "gpt-4", NULL },
    { "gpt", NULL },
    { "o1", "o1" },
    { "o1-2024-12-17", "o1" },
    { "o1-mini", NULL },
    { "abc-2", NULL },
    { "", NULL },
    { "/", NULL },
    { "ft:", NULL },
    { "@1", NULL },
    { "-latest", NULL },
    { "-2024-08-06", NULL },
    { "-20240806", NULL },
    { "us.", NULL },
    { "us.anthropic.", NULL },
    { "gpt-4o\xff", NULL },
};


static void
ngx_av_test_lookup(void)
{
    u_char                     *copy;
    ngx_str_t                   model;
    ngx_uint_t                  i;
    ngx_pool_t                 *pool;
    const ngx_str_t            *match;
    const ngx_av_prices_t      *prices;
    const ngx_av_test_match_t  *m;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);
    prices = ngx_av_test_parse(pool, ngx_av_test_table);

    for (i = 0; i < ngx_av_test_count(ngx_av_test_matches); i++) {

        m = &ngx_av_test_matches[i];

        model = ngx_av_test_str(m->model);
        copy = ngx_av_stub_copy(model.data, model.len);
        model.data = copy;

        match = ngx_av_prices_match(prices, &model);

        is_text(match ? match->data : NULL, match ? match->len : 0,
                m->match ? m->match : "", "\"%s\"", m->model);

        free(copy);
    }

    /* a name beyond what names can be */

    model.len = 257;
    model.data = ngx_pcalloc(pool, model.len);
    ngx_memset(model.data, '-', model.len);
    ngx_memcpy(model.data, "gpt-4o", 6);

    ok(ngx_av_prices_match(prices, &model) == NULL, "a name of 257 bytes");

    model.len--;

    ok(ngx_av_prices_match(prices, &model) != NULL, "a name of 256 bytes");

    ngx_destroy_pool(pool);
}


#define NGX_AV_TEST_MOST  9007199254740991LL

static const ngx_av_test_cost_t  ngx_av_test_costs[] = {
    { "a", 0, 0, "0" },
    { "a", 1000000, 0, "2.5" },
    { "a", 0, 1000000, "10" },
    { "a", 120, 330, "0.0036" },
    { "a", 1, 0, "0.0000025" },
    { "a", 1, 1, "0.0000125" },
    { "b", 1, 0, "0.000000000000000001" },
    { "b", 1000000, 3, "0.000000000001000003" },
    { "b", NGX_AV_TEST_MOST, 0, "0.009007199254740991" },
    { "c", 0, 0, "0" },
    { "c", 999999999999, 0, "999999999999" },
    { "c", 1000000000000, 0, NULL },
    { "c", NGX_AV_TEST_MOST, NGX_AV_TEST_MOST, NULL },
    { "c", INT64_MAX, INT64_MAX, NULL },
    { "d", 1, 1, NULL },
};


static void
ngx_av_test_money(void)
{
    char                       text[64], *dot;
    ngx_str_t                  model;
    ngx_uint_t                 i;
    ngx_pool_t                *pool;
    ngx_av_int128_t            one;
    ngx_av_decimal_t           cost;
    const ngx_av_prices_t     *prices;
    const ngx_av_test_cost_t  *c;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    prices = ngx_av_test_parse(pool,
        "{\"a\": {\"input\": 2.5, \"output\": 10},"
        " \"b\": {\"input\": 1e-12, \"output\": \"0.000000000001\"},"
        " \"c\": {\"input\": 1000000, \"output\": 1000000}}");

    one = 1000000000000000000LL;

    for (i = 0; i < ngx_av_test_count(ngx_av_test_costs); i++) {

        c = &ngx_av_test_costs[i];
        model = ngx_av_test_str(c->model);
        text[0] = '\0';

        if (ngx_av_prices_cost(ngx_av_prices_lookup(prices, &model),
                               c->input, c->output, &cost)
            == NGX_OK)
        {
            sprintf(text, "%lld.%018lld", (long long) (cost.units / one),
                    (long long) (cost.units % one));

            dot = strchr(text, '.');
            dot[cost.scale ? 1 + cost.scale : 0] = '\0';
        }

        is_text((u_char *) text, strlen(text), c->cost ? c->cost : "",
                "%s: %lld and %lld tokens", c->model, (long long) c->input,
                (long long) c->output);
    }

    ngx_destroy_pool(pool);
}


/* Many models: each is found, and those between them are not. */
static void
ngx_av_test_many(void)
{
    char                   *text, *p, name[32];
    ngx_str_t               model;
    ngx_uint_t              i, bad;
    ngx_pool_t             *pool;
    const ngx_str_t        *match;
    const ngx_av_prices_t  *prices;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    text = ngx_palloc(pool, NGX_AV_TEST_MODELS * 64);
    p = text;

    for (i = 0; i < NGX_AV_TEST_MODELS; i++) {
        p += sprintf(p, "%c\"model%lu\":{\"input\":1,\"output\":1}",
                     i ? ',' : '{', (unsigned long) i * 2);
    }

    strcpy(p, "}");

    prices = ngx_av_test_parse(pool, text);
    bad = 0;

    for (i = 0; i < 2 * NGX_AV_TEST_MODELS; i++) {
        sprintf(name, "MODEL%lu-x", (unsigned long) i);

        model = ngx_av_test_str(name);
        match = ngx_av_prices_match(prices, &model);

        bad += ((match != NULL) != (i % 2 == 0))
               || (match && match->len != model.len - 2);
    }

    is(bad, 0, "all of many models are found");

    ngx_destroy_pool(pool);
}


/* The tests run in one of several directories. */
static ngx_str_t
ngx_av_test_path(void)
{
    ngx_uint_t  i;

    static const char  *paths[] = {
        "conf/prices.json", "../../conf/prices.json", "../conf/prices.json"
    };

    for (i = 0; i < 2; i++) {
        if (access(paths[i], R_OK) == 0) {
            break;
        }
    }

    return ngx_av_test_str(paths[i]);
}


static void
ngx_av_test_load(void)
{
    ngx_int_t               rc;
    ngx_str_t               path, model;
    ngx_uint_t              i, bad;
    ngx_pool_t             *pool;
    ngx_av_decimal_t        cost;
    const ngx_av_prices_t  *prices;
    ngx_av_prices_error_t   error;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    path = ngx_av_test_path();
    rc = ngx_av_prices_load(pool, &path, &prices, &error);

    is(rc, NGX_OK, "the file that comes with the module");

    if (rc == NGX_OK) {
        model = ngx_av_test_str("gpt-4o-mini-2024-07-18");

        is(ngx_av_prices_cost(ngx_av_prices_lookup(prices, &model),
                              1000000, 1000000, &cost),
           NGX_OK, "a model of it");
        ok(cost.units == 750000000000000000LL, "and what it costs");

    } else {
        ngx_av_tap_diag("%.*s", (int) error.text.len, error.text.data);
    }

    path = ngx_av_test_str("/nowhere/prices.json");

    is(ngx_av_prices_load(pool, &path, &prices, &error), NGX_ERROR,
       "a file that does not exist");
    is(error.err, NGX_ENOENT, "by the system's error");
    is_text(error.text.data, error.text.len,
            "cannot open \"/nowhere/prices.json\"", "and its name");

    path = ngx_av_test_str("/");

    is(ngx_av_prices_load(pool, &path, &prices, &error), NGX_ERROR,
       "a directory");
    is_text(error.text.data, error.text.len, "it is no regular file",
            "and so it is called");

    ngx_destroy_pool(pool);

    /* without memory */

    path = ngx_av_test_path();
    bad = 0;
    rc = NGX_ERROR;

    for (i = 0; i < 1000 && rc != NGX_OK; i++) {
        pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

        ngx_av_stub_fail_after(i);
        rc = ngx_av_prices_load(pool, &path, &prices, &error);
        ngx_av_stub_fail_never();

        bad += (rc != NGX_OK
                && (error.text.len != 9
                    || ngx_memcmp(error.text.data, "no memory", 9) != 0));

        ngx_destroy_pool(pool);
    }

    is(bad, 0, "without memory it is an error");
    ok(rc == NGX_OK && i > 3, "memory was asked for");
}


int
main(void)
{
    ngx_av_test_syntax();
    ngx_av_test_lookup();
    ngx_av_test_money();
    ngx_av_test_many();
    ngx_av_test_load();

    return ngx_av_tap_done();
}
