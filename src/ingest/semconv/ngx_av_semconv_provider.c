#include "ngx_av_semconv_work.h"


/* otlp.md 10.3: what is seen, and the canonical name. */
typedef struct {
    ngx_str_t  seen;
    ngx_str_t  name;
} ngx_av_semconv_provider_t;


static const ngx_av_semconv_provider_t  ngx_av_semconv_providers[] = {
    { ngx_string("openai"), ngx_string("openai") },
    { ngx_string("azure.ai.openai"), ngx_string("azure.ai.openai") },
    { ngx_string("azure.ai.inference"), ngx_string("azure.ai.inference") },
    { ngx_string("anthropic"), ngx_string("anthropic") },
    { ngx_string("aws.bedrock"), ngx_string("aws.bedrock") },
    { ngx_string("gcp.gemini"), ngx_string("gcp.gemini") },
    { ngx_string("gcp.vertex_ai"), ngx_string("gcp.vertex_ai") },
    { ngx_string("gcp.gen_ai"), ngx_string("gcp.gen_ai") },
    { ngx_string("cohere"), ngx_string("cohere") },
    { ngx_string("mistral_ai"), ngx_string("mistral_ai") },
    { ngx_string("groq"), ngx_string("groq") },
    { ngx_string("deepseek"), ngx_string("deepseek") },
    { ngx_string("x_ai"), ngx_string("x_ai") },
    { ngx_string("perplexity"), ngx_string("perplexity") },
    { ngx_string("ibm.watsonx.ai"), ngx_string("ibm.watsonx.ai") },

    { ngx_string("az.ai.openai"), ngx_string("azure.ai.openai") },
    { ngx_string("azure"), ngx_string("azure.ai.openai") },
    { ngx_string("azure_openai"), ngx_string("azure.ai.openai") },
    { ngx_string("az.ai.inference"), ngx_string("azure.ai.inference") },
    { ngx_string("aws"), ngx_string("aws.bedrock") },
    { ngx_string("amazon"), ngx_string("aws.bedrock") },
    { ngx_string("bedrock"), ngx_string("aws.bedrock") },
    { ngx_string("gemini"), ngx_string("gcp.gemini") },
    { ngx_string("vertex_ai"), ngx_string("gcp.vertex_ai") },
    { ngx_string("vertexai"), ngx_string("gcp.vertex_ai") },
    { ngx_string("google_vertexai"), ngx_string("gcp.vertex_ai") },
    { ngx_string("google"), ngx_string("gcp.gen_ai") },
    { ngx_string("mistralai"), ngx_string("mistral_ai") },
    { ngx_string("mistral"), ngx_string("mistral_ai") },
    { ngx_string("xai"), ngx_string("x_ai") },
    { ngx_string("watsonx"), ngx_string("ibm.watsonx.ai") },
    { ngx_string("ibm.watson.ai"), ngx_string("ibm.watsonx.ai") },

    /* the AI SDK's, not in the specification's list */
    { ngx_string("azure-openai"), ngx_string("azure.ai.openai") },
    { ngx_string("amazon-bedrock"), ngx_string("aws.bedrock") },
    { ngx_string("google.vertex"), ngx_string("gcp.vertex_ai") },

    { ngx_null_string, ngx_null_string }
};


/* What the Vercel AI SDK appends: what its model does. */
static const ngx_str_t  ngx_av_semconv_provider_suffixes[] = {
    ngx_string("chat"),
    ngx_string("completion"),
    ngx_string("responses"),
    ngx_string("messages"),
    ngx_string("embedding"),
    ngx_string("textembedding"),
    ngx_string("generative-ai"),
    ngx_string("image"),
    ngx_string("speech"),
    ngx_string("transcription"),
    ngx_null_string
};


static const ngx_str_t *ngx_av_semconv_canonical(const ngx_str_t *text);
static ngx_str_t ngx_av_semconv_bare_provider(const ngx_str_t *text);


ngx_str_t
ngx_av_semconv_provider(const ngx_str_t *text)
{
    ngx_str_t         bare;
    const ngx_str_t  *name;

    bare = *text;
    name = ngx_av_semconv_canonical(&bare);

    if (name == NULL) {
        bare = ngx_av_semconv_bare_provider(text);
        name = ngx_av_semconv_canonical(&bare);
    }

    return name ? *name : bare;
}


static const ngx_str_t *
ngx_av_semconv_canonical(const ngx_str_t *text)
{
    const ngx_av_semconv_provider_t  *p;

    for (p = ngx_av_semconv_providers; p->seen.len; p++) {
        if (ngx_av_semconv_is(text, &p->seen)) {
            return &p->name;
        }
    }

    return NULL;
}


static ngx_str_t
ngx_av_semconv_bare_provider(const ngx_str_t *text)
{
    size_t            n;
    ngx_str_t         bare, suffix;
    const ngx_str_t  *known;

    for (n = text->len; n > 1 && text->data[n - 1] != '.'; n--) { /* void */ }

    if (n <= 1) {
        return *text;
    }

    bare.data = text->data;
    bare.len = n - 1;

    suffix.data = text->data + n;
    suffix.len = text->len - n;

    for (known = ngx_av_semconv_provider_suffixes; known->len; known++) {
        if (ngx_av_semconv_is(&suffix, known)) {
            return bare;
        }
    }

    return *text;
}
