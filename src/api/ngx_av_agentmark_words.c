/* Words of AgentMark's parameters, and the numbers that SQL knows them by. */

#include "ngx_av_agentmark_routes.h"


const ngx_av_param_word_t  ngx_av_agentmark_types[] = {
    { ngx_string("SPAN"), 0 },
    { ngx_string("GENERATION"), 1 },
    { ngx_string("EVENT"), 2 },
    { ngx_null_string, 0 }
};

const ngx_av_param_word_t  ngx_av_agentmark_export_types[] = {
    { ngx_string("SPAN"), 0 },
    { ngx_string("GENERATION"), 1 },
    { ngx_string("EVENT"), 2 },
    { ngx_string("all"), 3 },
    { ngx_null_string, 0 }
};

/* as OTLP's Status.code; neighbouring endpoints spell it differently */
const ngx_av_param_word_t  ngx_av_agentmark_statuses[] = {
    { ngx_string("0"), 0 },
    { ngx_string("1"), 1 },
    { ngx_string("2"), 2 },
    { ngx_string("UNSET"), 0 },
    { ngx_string("OK"), 1 },
    { ngx_string("ERROR"), 2 },
    { ngx_string("STATUS_CODE_UNSET"), 0 },
    { ngx_string("STATUS_CODE_OK"), 1 },
    { ngx_string("STATUS_CODE_ERROR"), 2 },
    { ngx_null_string, 0 }
};

const ngx_av_param_word_t  ngx_av_agentmark_formats[] = {
    { ngx_string("jsonl"), 0 },
    { ngx_string("csv"), 1 },
    { ngx_string("openai"), 2 },
    { ngx_null_string, 0 }
};

const ngx_av_param_word_t  ngx_av_agentmark_granularities[] = {
    { ngx_string("hour"), 0 },
    { ngx_string("day"), 1 },
    { ngx_string("week"), 2 },
    { ngx_null_string, 0 }
};
