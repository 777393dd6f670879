/*
 * The table of all keys that mean something: private to ngx_av_semconv*.c.
 */

#ifndef _NGX_AV_SEMCONV_KEYS_H_INCLUDED_
#define _NGX_AV_SEMCONV_KEYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* What is to be known of a span, and some signs that lead there. */
typedef enum {
    NGX_AV_SEMCONV_MODEL = 0,
    NGX_AV_SEMCONV_REQUEST_MODEL,
    NGX_AV_SEMCONV_PROVIDER,

    NGX_AV_SEMCONV_INPUT_TOKENS,
    NGX_AV_SEMCONV_OUTPUT_TOKENS,
    NGX_AV_SEMCONV_TOTAL_TOKENS,
    NGX_AV_SEMCONV_CACHE_READ,
    NGX_AV_SEMCONV_CACHE_WRITE,
    NGX_AV_SEMCONV_REASONING,
    NGX_AV_SEMCONV_AI_TOKENS,               /* of embeddings by the AI SDK */

    NGX_AV_SEMCONV_COST,
    NGX_AV_SEMCONV_COST_INPUT,
    NGX_AV_SEMCONV_COST_OUTPUT,

    NGX_AV_SEMCONV_SESSION_ID,
    NGX_AV_SEMCONV_SESSION_NAME,
    NGX_AV_SEMCONV_USER_ID,
    NGX_AV_SEMCONV_TRACE_NAME,
    NGX_AV_SEMCONV_PROMPT_NAME,
    NGX_AV_SEMCONV_PROPS,
    NGX_AV_SEMCONV_COMMIT_SHA,

    NGX_AV_SEMCONV_DATASET_RUN_ID,          /* in the order of their names in */
    NGX_AV_SEMCONV_DATASET_RUN_NAME,        /* ngx_av_semconv_details.c */
    NGX_AV_SEMCONV_DATASET_PATH,
    NGX_AV_SEMCONV_DATASET_ITEM_NAME,
    NGX_AV_SEMCONV_DATASET_EXPECTED_OUTPUT,
    NGX_AV_SEMCONV_DATASET_INPUT,
    NGX_AV_SEMCONV_EXPERIMENT_KEY,
    NGX_AV_SEMCONV_SOURCE_TREE_HASH,

    NGX_AV_SEMCONV_TOOL_NAME,
    NGX_AV_SEMCONV_TOOL_CALL_ID,
    NGX_AV_SEMCONV_TOOL_ARGUMENTS,
    NGX_AV_SEMCONV_TOOL_RESULT,
    NGX_AV_SEMCONV_TOOL_CALLS,

    NGX_AV_SEMCONV_AGENT_NAME,
    NGX_AV_SEMCONV_WORKFLOW_NAME,
    NGX_AV_SEMCONV_ENTITY_NAME,             /* of traceloop.span.kind */

    NGX_AV_SEMCONV_FINISH_REASON,

    NGX_AV_SEMCONV_TEMPERATURE,             /* the settings, in the order of */
    NGX_AV_SEMCONV_TOP_P,                   /* their names, like the above */
    NGX_AV_SEMCONV_TOP_K,
    NGX_AV_SEMCONV_MAX_TOKENS,
    NGX_AV_SEMCONV_FREQUENCY_PENALTY,
    NGX_AV_SEMCONV_PRESENCE_PENALTY,
    NGX_AV_SEMCONV_SEED,
    NGX_AV_SEMCONV_STOP_SEQUENCES,
    NGX_AV_SEMCONV_STREAM,
    NGX_AV_SEMCONV_INVOCATION,              /* all settings in one */

    NGX_AV_SEMCONV_METADATA,
    NGX_AV_SEMCONV_METADATA_ITEM,           /* collected */
    NGX_AV_SEMCONV_TAGS,
    NGX_AV_SEMCONV_OLD_TAGS,

    NGX_AV_SEMCONV_ERROR_MESSAGE,
    NGX_AV_SEMCONV_ERROR_TYPE,
    NGX_AV_SEMCONV_EXCEPTION,               /* the last such event */

    NGX_AV_SEMCONV_AGENTMARK_KIND,          /* the signs of a type */
    NGX_AV_SEMCONV_OPENINFERENCE_KIND,
    NGX_AV_SEMCONV_OPERATION,
    NGX_AV_SEMCONV_TRACELOOP_KIND,
    NGX_AV_SEMCONV_REQUEST_TYPE,
    NGX_AV_SEMCONV_AI_OPERATION,
    NGX_AV_SEMCONV_MCP_METHOD,
    NGX_AV_SEMCONV_VECTOR,
    NGX_AV_SEMCONV_DB,
    NGX_AV_SEMCONV_MESSAGING,
    NGX_AV_SEMCONV_RPC,
    NGX_AV_SEMCONV_HTTP,

    NGX_AV_SEMCONV_SYSTEM_INSTRUCTIONS,
    NGX_AV_SEMCONV_INPUT,
    NGX_AV_SEMCONV_OUTPUT,
    NGX_AV_SEMCONV_OUTPUT_OBJECT,

    NGX_AV_SEMCONV_NFIELDS
} ngx_av_semconv_field_e;


/* How a value is read. */
typedef enum {
    NGX_AV_SEMCONV_AS_LABEL = 0,    /* text, or a scalar as text */
    NGX_AV_SEMCONV_AS_COUNT,        /* an integer, or its text */
    NGX_AV_SEMCONV_AS_MONEY,        /* a number, or its text: not negative */
    NGX_AV_SEMCONV_AS_PRICE,        /* the same, and not 0 */
    NGX_AV_SEMCONV_AS_FIRST,        /* a label, or the first of an array */
    NGX_AV_SEMCONV_AS_ANY,          /* any value that is not empty */
    NGX_AV_SEMCONV_AS_OLD,          /* the same; a setting by its old name */
    NGX_AV_SEMCONV_AS_SIGN,         /* is there: that is all */

    /* sources of input and output */

    NGX_AV_SEMCONV_AS_TEXT,         /* text, or JSON as text */
    NGX_AV_SEMCONV_AS_MESSAGES,     /* messages, or JSON of them, or text */
    NGX_AV_SEMCONV_AS_INSTRUCTED,   /* the same, after the instructions */
    NGX_AV_SEMCONV_AS_AI_PROMPT,    /* JSON of {system, prompt, messages} */
    NGX_AV_SEMCONV_AS_AI_VALUE,     /* JSON, or an array of JSON texts */
    NGX_AV_SEMCONV_AS_AI_CALLS,     /* JSON of calls of tools */
    NGX_AV_SEMCONV_AS_OPENINFERENCE,    /* indexed */
    NGX_AV_SEMCONV_AS_TRACELOOP,        /* indexed */
    NGX_AV_SEMCONV_AS_DOCUMENTS,        /* indexed */
    NGX_AV_SEMCONV_AS_PROMPTS,          /* indexed */
    NGX_AV_SEMCONV_AS_CHOICES,          /* indexed */
    NGX_AV_SEMCONV_AS_CONTENT,      /* an event that has messages */
    NGX_AV_SEMCONV_AS_CHAT,         /* events, each a message */
    NGX_AV_SEMCONV_AS_CHOICE,       /* events, each a choice */
    NGX_AV_SEMCONV_AS_OPERATION,    /* the same, after the instructions */
    NGX_AV_SEMCONV_AS_RESULTS,      /* events, each a result */

    NGX_AV_SEMCONV_AS_EVENT,        /* an event */

    /* collected, all there are */

    NGX_AV_SEMCONV_AS_ITEM,         /* a member of metadata */
    NGX_AV_SEMCONV_AS_ALSO          /* a key that counts as one of its prefix
                                       although it has a meaning of its own */
} ngx_av_semconv_kind_e;


/* Where a key is found. */
typedef enum {
    NGX_AV_SEMCONV_IN_ATTRIBUTES = 0,
    NGX_AV_SEMCONV_IN_PREFIX,       /* the beginning of an attribute's key */
    NGX_AV_SEMCONV_IN_EVENTS        /* an event's name */
} ngx_av_semconv_place_e;


typedef struct {
    ngx_str_t      key;
    unsigned char  place;           /* ngx_av_semconv_place_e */
    unsigned char  field;           /* ngx_av_semconv_field_e */
    unsigned char  kind;            /* ngx_av_semconv_kind_e */
} ngx_av_semconv_row_t;


/* no row, and the lowest precedence */
#define NGX_AV_SEMCONV_NO_ROW  0xffff


/*
 * Among the rows of a field the first has precedence.
 */
extern const ngx_av_semconv_row_t  ngx_av_semconv_rows[];
extern const ngx_uint_t            ngx_av_semconv_nrows;


/*
 * Makes the table ready for what follows; to be called once at least, and
 * before there are threads.
 */
void ngx_av_semconv_keys_init(void);

/*
 * The first row of a key at that place, which is not IN_PREFIX, or
 * NGX_AV_SEMCONV_NO_ROW.
 */
ngx_uint_t ngx_av_semconv_row(ngx_av_semconv_place_e place,
    const ngx_str_t *key);

/* The next row of the same key. */
ngx_uint_t ngx_av_semconv_next_row(ngx_uint_t row);

/* The row whose prefix the key has. */
ngx_uint_t ngx_av_semconv_prefix_row(const ngx_str_t *key);


#endif /* _NGX_AV_SEMCONV_KEYS_H_INCLUDED_ */
