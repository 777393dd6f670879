/* The examples published with the schema, and the same span in protobuf. */

#include "ngx_av_otlp_case.h"
#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


typedef struct {
    const char  *file;
    ngx_uint_t   signal;
    ngx_uint_t   row;
    ngx_uint_t   nrows;
    ngx_uint_t   column;
    const char  *expected;
} fixtures_case_t;


static const fixtures_case_t  fixtures_cases[] = {
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_TRACE_ID,
      "5b8efff7-9803-8103-d269-b633813fc60c" },
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_ID,
      "00000000-0000-0000-eee1-9b7ec3c1b174" },
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_PARENT_ID,
      "00000000-0000-0000-eee1-9b7ec3c1b173" },
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_NAME,
      "I'm a server span" },
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_STARTED_AT,
      "2018-12-13T14:51:00Z" },
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_DURATION,
      "1000000000" },
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_KIND, "2" },
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_OTLP_STATUS, "0" },
    { "trace.json", NGX_AV_OTLP_TRACES, 0, 1, NGX_AV_SPAN_METADATA,
      "{'my.span.attr':'some value'}" },

    { "metrics.json", NGX_AV_OTLP_METRICS, 0, 4, NGX_AV_POINT_VALUE, "5" },
    { "metrics.json", NGX_AV_OTLP_METRICS, 1, 4, NGX_AV_POINT_VALUE, "10" },
    { "metrics.json", NGX_AV_OTLP_METRICS, 1, 4, NGX_AV_POINT_STARTED_AT,
      "NULL" },
    { "metrics.json", NGX_AV_OTLP_METRICS, 2, 4, NGX_AV_POINT_BUCKETS,
      "{'bounds':[1],'counts':[1,1]}" },
    { "metrics.json", NGX_AV_OTLP_METRICS, 2, 4, NGX_AV_POINT_MAX, "2" },
    { "metrics.json", NGX_AV_OTLP_METRICS, 3, 4, NGX_AV_POINT_BUCKETS,
      "{'scale':0,'zero_count':1,'zero_threshold':0,"
      "'positive':{'offset':1,'counts':[0,2]},"
      "'negative':{'offset':0,'counts':[]}}" },
    { "metrics.json", NGX_AV_OTLP_METRICS, 3, 4, NGX_AV_POINT_COUNT, "3" },

    { "logs.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_SEVERITY, "3" },
    { "logs.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_SEVERITY_NUMBER,
      "10" },
    { "logs.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_BODY,
      "Example log record" },
    { "logs.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_SERVICE_NAME,
      "my.service" },
    { "logs.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_ATTRIBUTES,
      "{'string.attribute':'some string','boolean.attribute':true,"
      "'int.attribute':10,'double.attribute':637.704,"
      "'array.attribute':['many','values'],"
      "'map.attribute':{'some.map.key':'some value'}}" },
    { "logs.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_TRACE_ID,
      "5b8efff7-9803-8103-d269-b633813fc60c" },

    { "events.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_EVENT_NAME,
      "browser.page_view" },
    { "events.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_STRUCTURED, "t" },
    { "events.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_TRACE_ID, "NULL" },
    { "events.json", NGX_AV_OTLP_LOGS, 0, 1, NGX_AV_LOG_BODY,
      "{'type':0,'url':"
      "'https://www.guidgenerator.com/online-guid-generator.aspx',"
      "'referrer':'https://wwww.google.com',"
      "'title':'Free Online GUID Generator'}" }
};


static ngx_av_batch_t *
fixtures_decode(const char *name, ngx_uint_t signal)
{
    char             path[1024];
    FILE            *file;
    size_t           len;
    ngx_av_batch_t  *batch;

    static char      text[16384];

    snprintf(path, sizeof(path), NGX_AV_TEST_DATA "otlp/%s", name);

    file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }

    len = fread(text, 1, sizeof(text), file);
    fclose(file);

    batch = ngx_av_case_decode(signal, NGX_AV_OTLP_JSON, text, len);

    return batch;
}


static void
fixtures_table(void)
{
    ngx_uint_t              i;
    const char             *cell;
    ngx_av_batch_t         *batch;
    const fixtures_case_t  *test;

    for (i = 0; i < ngx_av_case_count(fixtures_cases); i++) {
        test = &fixtures_cases[i];
        batch = fixtures_decode(test->file, test->signal);

        if (batch == NULL || ngx_av_case_rc != NGX_OK
            || batch->nrows != test->nrows || batch->nrejected)
        {
            ok(0, "%s decodes", test->file);
            continue;
        }

        cell = ngx_av_case_cell(batch, test->row, test->column);
        is_text((u_char *) cell, strlen(cell), test->expected, "%s, row %lu",
                test->file, test->row);

        ngx_av_batch_destroy(batch);
    }
}


/* otlp.md 6.2 */

static void
fixtures_vector(void)
{
    u_char           body[115];
    size_t           i;
    unsigned         byte;
    const char      *cell;
    ngx_av_batch_t  *batch;

    static const char  hex[] =
        "0a710a170a150a0c736572766963652e6e616d6512050a0373766312560a030a0173"
        "124f0a105b8efff798038103d269b633813fc60c1208eee19b7ec3c1b1742a026f70"
        "300239004859e3faeb6f15410012f41efbeb6f154a100a016e120b18ffffffffffff"
        "ffffff017a0712036261641802";

    for (i = 0; i < sizeof(body); i++) {
        if (sscanf(&hex[2 * i], "%2x", &byte) != 1) {
            abort();
        }

        body[i] = byte;
    }

    batch = ngx_av_case_decode(NGX_AV_OTLP_TRACES, NGX_AV_OTLP_PROTOBUF, body,
                               sizeof(body));

    is(batch->nrows, 1, "the vector of a whole request");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_METADATA);
    is_text((u_char *) cell, strlen(cell), "{'n':-1}", "its attribute");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_SPAN_ERROR_MESSAGE);
    is_text((u_char *) cell, strlen(cell), "bad", "its error");

    cell = ngx_av_case_trace(batch, 0, NGX_AV_TRACE_HEADER);
    is_text((u_char *) cell, strlen(cell), "1", "it is a root");

    cell = ngx_av_case_trace(batch, 0, NGX_AV_TRACE_STATUS);
    is_text((u_char *) cell, strlen(cell), "2", "which failed");

    ngx_av_batch_destroy(batch);

    /* half of it, and the half of that */

    for (i = 1; i < sizeof(body); i++) {
        batch = ngx_av_case_decode(NGX_AV_OTLP_TRACES, NGX_AV_OTLP_PROTOBUF,
                                   body, i);

        if (ngx_av_case_rc != NGX_DECLINED || ngx_av_case_detail.len == 0) {
            break;
        }

        ngx_av_batch_destroy(batch);
    }

    is(i, sizeof(body), "cut anywhere it is refused");
}


int
main(void)
{
    ngx_av_case_reset();

    /* the examples are of 2018 */

    ngx_av_case_options.limits.earliest = 0;

    fixtures_table();
    fixtures_vector();

    return ngx_av_tap_done();
}
