/* Points of OTLP into rows, series and metrics (agentvista.md 7.3). */

#include "ngx_av_otlp_case.h"
#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


#define METRICS(list)                                                         \
    ENVELOPE("resourceMetrics", "scopeMetrics", "metrics", "svc", list)

#define GAUGE(points)                                                         \
    "{'name':'m','gauge':{'dataPoints':[" points "]}}"
#define SUM(points)                                                           \
    "{'name':'m','sum':{'aggregationTemporality':2,'isMonotonic':true,"       \
    "'dataPoints':[" points "]}}"
#define HISTOGRAM(points)                                                     \
    "{'name':'m','histogram':{'aggregationTemporality':1,"                    \
    "'dataPoints':[" points "]}}"
#define EXPONENTIAL(points)                                                   \
    "{'name':'m','exponentialHistogram':{'aggregationTemporality':1,"         \
    "'dataPoints':[" points "]}}"
#define SUMMARY(points)                                                       \
    "{'name':'m','summary':{'dataPoints':[" points "]}}"

#define TIME      "'timeUnixNano':'" T0 "'"
#define ATTR(a)   ",'attributes':[" a "]"
#define TRACE     "11111111111111111111111111111111"


typedef struct {
    const char  *what;
    const char  *metric;
    ngx_uint_t   column;
    const char  *expected;
} metrics_case_t;


static const metrics_case_t  metrics_cases[] = {
    { "account", GAUGE("{" TIME ",'asInt':1}"), NGX_AV_POINT_ACCOUNT,
      ACCOUNT },
    { "day", GAUGE("{" TIME ",'asInt':1}"), NGX_AV_POINT_DAY, T0_DAY },
    { "time", GAUGE("{" TIME ",'asInt':1}"), NGX_AV_POINT_RECORDED_AT,
      T0_TEXT },
    { "nanoseconds, if there are none",
      GAUGE("{" TIME ",'asInt':1}"), NGX_AV_POINT_RECORDED_NANOS, "0" },
    { "nanoseconds",
      GAUGE("{'timeUnixNano':'1792756800000001234','asInt':1}"),
      NGX_AV_POINT_RECORDED_NANOS, "234" },
    { "without a time: arrival", GAUGE("{'asInt':1}"),
      NGX_AV_POINT_RECORDED_AT, "2026-10-23T12:00:01.000001Z" },
    { "no start", GAUGE("{" TIME ",'asInt':1}"), NGX_AV_POINT_STARTED_AT,
      "NULL" },
    { "start", GAUGE("{" TIME ",'asInt':1,'startTimeUnixNano':"
                     "'1544712660000000005'}"),
      NGX_AV_POINT_STARTED_AT, "2018-12-13T14:51:00Z" },
    { "start: nanoseconds",
      GAUGE("{" TIME ",'asInt':1,'startTimeUnixNano':"
            "'1544712660000000005'}"),
      NGX_AV_POINT_STARTED_NANOS, "5" },

    { "double", GAUGE("{" TIME ",'asDouble':0.25}"), NGX_AV_POINT_VALUE,
      "0.25" },
    { "double: no integer", GAUGE("{" TIME ",'asDouble':5}"),
      NGX_AV_POINT_INTEGER_VALUE, "NULL" },
    { "double: NaN", GAUGE("{" TIME ",'asDouble':'NaN'}"),
      NGX_AV_POINT_VALUE, "nan" },
    { "double: infinite", GAUGE("{" TIME ",'asDouble':'-Infinity'}"),
      NGX_AV_POINT_VALUE, "-inf" },
    { "integer", SUM("{" TIME ",'asInt':'-5'}"), NGX_AV_POINT_VALUE, "-5" },
    { "integer: all digits",
      SUM("{" TIME ",'asInt':'9007199254740993'}"),
      NGX_AV_POINT_INTEGER_VALUE, "9007199254740993" },
    { "no count", SUM("{" TIME ",'asInt':'1'}"), NGX_AV_POINT_COUNT,
      "NULL" },
    { "no buckets", SUM("{" TIME ",'asInt':'1'}"), NGX_AV_POINT_BUCKETS,
      "NULL" },

    { "histogram: the mean",
      HISTOGRAM("{" TIME ",'count':'4','sum':10}"), NGX_AV_POINT_VALUE,
      "2.5" },
    { "histogram: of nothing",
      HISTOGRAM("{" TIME ",'count':'0','sum':10}"), NGX_AV_POINT_VALUE,
      "0" },
    { "histogram: without a sum",
      HISTOGRAM("{" TIME ",'count':'4'}"), NGX_AV_POINT_VALUE, "0" },
    { "histogram: no sum is not 0",
      HISTOGRAM("{" TIME ",'count':'4'}"), NGX_AV_POINT_SUM, "NULL" },
    { "histogram: count", HISTOGRAM("{" TIME ",'count':'4','sum':10}"),
      NGX_AV_POINT_COUNT, "4" },
    { "histogram: sum", HISTOGRAM("{" TIME ",'count':'4','sum':10}"),
      NGX_AV_POINT_SUM, "10" },
    { "histogram: min", HISTOGRAM("{" TIME ",'count':'4','min':0}"),
      NGX_AV_POINT_MIN, "0" },
    { "histogram: max", HISTOGRAM("{" TIME ",'count':'4','max':-1.5}"),
      NGX_AV_POINT_MAX, "-1.5" },
    { "histogram: buckets",
      HISTOGRAM("{" TIME ",'count':'4','bucketCounts':['1','12',3],"
                "'explicitBounds':[0.5,10]}"),
      NGX_AV_POINT_BUCKETS, "{'bounds':[0.5,10],'counts':[1,12,3]}" },
    { "histogram: counts of all sizes",
      HISTOGRAM("{" TIME ",'bucketCounts':['18446744073709551615']}"),
      NGX_AV_POINT_BUCKETS,
      "{'bounds':[],'counts':[18446744073709551615]}" },
    { "histogram: an infinite bound",
      HISTOGRAM("{" TIME ",'bucketCounts':[1,2],"
                "'explicitBounds':['Infinity']}"),
      NGX_AV_POINT_BUCKETS, "{'bounds':['Infinity'],'counts':[1,2]}" },
    { "histogram: no buckets", HISTOGRAM("{" TIME ",'count':'4'}"),
      NGX_AV_POINT_BUCKETS, "NULL" },

    { "exponential: buckets",
      EXPONENTIAL("{" TIME ",'count':3,'sum':10,'scale':-1,'zeroCount':'1',"
                  "'zeroThreshold':0.001,'positive':{'offset':-2,"
                  "'bucketCounts':['0','2']}}"),
      NGX_AV_POINT_BUCKETS,
      "{'scale':-1,'zero_count':1,'zero_threshold':0.001,"
      "'positive':{'offset':-2,'counts':[0,2]},"
      "'negative':{'offset':0,'counts':[]}}" },
    { "exponential: the mean",
      EXPONENTIAL("{" TIME ",'count':4,'sum':10}"), NGX_AV_POINT_VALUE,
      "2.5" },

    { "summary: quantiles",
      SUMMARY("{" TIME ",'count':2,'sum':3,'quantileValues':["
              "{'quantile':0.5,'value':1},{'quantile':0.99,'value':2.5}]}"),
      NGX_AV_POINT_BUCKETS,
      "{'quantiles':[{'quantile':0.5,'value':1},"
      "{'quantile':0.99,'value':2.5}]}" },
    { "summary: the mean", SUMMARY("{" TIME ",'count':2,'sum':3}"),
      NGX_AV_POINT_VALUE, "1.5" },
    { "summary: it has a sum", SUMMARY("{" TIME ",'count':2}"),
      NGX_AV_POINT_SUM, "0" },
    { "summary: no quantiles", SUMMARY("{" TIME ",'count':2}"),
      NGX_AV_POINT_BUCKETS, "NULL" },

    { "no exemplars", GAUGE("{" TIME ",'asInt':1}"),
      NGX_AV_POINT_EXEMPLARS, "NULL" },
    { "exemplars: those that name a trace",
      GAUGE("{" TIME ",'asInt':1,'exemplars':[{'asInt':2},"
            "{'timeUnixNano':'5','asDouble':0.5,'traceId':'" TRACE "',"
            "'spanId':'aaaaaaaaaaaaaaaa','filteredAttributes':["
            STR("a", "b") "]}]}"),
      NGX_AV_POINT_EXEMPLARS,
      "[{'time_unix_nano':'5','value':0.5,'trace_id':'" TRACE "',"
      "'span_id':'aaaaaaaaaaaaaaaa','attributes':{'a':'b'}}]" },
    { "exemplars: none that names a trace",
      GAUGE("{" TIME ",'asInt':1,'exemplars':[{'asInt':2}]}"),
      NGX_AV_POINT_EXEMPLARS, "NULL" },
    { "flags", GAUGE("{" TIME ",'asInt':1,'flags':2}"), NGX_AV_POINT_FLAGS,
      "2" },
    { "no flags", GAUGE("{" TIME ",'asInt':1}"), NGX_AV_POINT_FLAGS,
      "NULL" }
};


static const struct {
    const char  *what;
    const char  *metric;
    const char  *reason;
} metrics_refused[] = {
    { "no recorded value", GAUGE("{" TIME ",'asInt':1,'flags':1}"),
      "flags: no recorded value" },
    { "no value", GAUGE("{" TIME "}"),
      "asDouble or asInt: field required" },
    { "null", GAUGE("{" TIME ",'asDouble':null}"),
      "asDouble or asInt: field required" },
    { "no name", "{'gauge':{'dataPoints':[{" TIME ",'asInt':1}]}}",
      "name: field required" },
    { "too old", GAUGE("{'timeUnixNano':'1544712660000000000','asInt':1}"),
      "timeUnixNano: outside the time that is kept" },
    { "a time beyond all",
      GAUGE("{'timeUnixNano':'9223372036854775808','asInt':1}"),
      "timeUnixNano: out of range" },
    { "a start beyond all",
      GAUGE("{" TIME ",'startTimeUnixNano':'9223372036854775808',"
            "'asInt':1}"),
      "startTimeUnixNano: out of range" },
    { "a count beyond all",
      HISTOGRAM("{" TIME ",'count':'9223372036854775808'}"),
      "count: out of range" }
};


static void
metrics_tables(void)
{
    char             json[4096];
    ngx_uint_t       i;
    const char      *cell;
    ngx_av_batch_t  *batch;

    for (i = 0; i < ngx_av_case_count(metrics_cases); i++) {
        snprintf(json, sizeof(json), METRICS("%s"), metrics_cases[i].metric);

        batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, json);

        if (ngx_av_case_rc != NGX_OK || batch->nrows != 1) {
            ok(0, "%s: decoded (%.*s%s)", metrics_cases[i].what,
               (int) ngx_av_case_detail.len, ngx_av_case_detail.data,
               ngx_av_case_error(batch, 0));

        } else {
            cell = ngx_av_case_cell(batch, 0, metrics_cases[i].column);
            is_text((u_char *) cell, strlen(cell), metrics_cases[i].expected,
                    "%s", metrics_cases[i].what);
        }

        ngx_av_batch_destroy(batch);
    }

    for (i = 0; i < ngx_av_case_count(metrics_refused); i++) {
        snprintf(json, sizeof(json), METRICS("%s,"
                 GAUGE("{" TIME ",'asInt':7}")), metrics_refused[i].metric);

        batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, json);

        ok(batch->nrows == 1 && batch->nrejected == 1,
           "%s: its neighbour is kept", metrics_refused[i].what);

        cell = ngx_av_case_error(batch, 0);
        is_text((u_char *) cell, strlen(cell), metrics_refused[i].reason,
                "%s: the reason", metrics_refused[i].what);

        ngx_av_batch_destroy(batch);
    }
}


static void
metrics_refs(void)
{
    const char      *doc;
    char             expected[512];
    ngx_av_uuid_t    scope;
    ngx_av_batch_t  *batch;

    batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, METRICS(
        "{'sum':{'dataPoints':[{" TIME ",'asInt':1"
        ATTR(STR("b", "2") "," STR("a", "1") "," STR("a", "0")) "},"
        "{'timeUnixNano':'1792756800000000001','asInt':1"
        ATTR(STR("a", "0") "," STR("b", "2")) "},"
        "{" TIME ",'asInt':1" ATTR(STR("a", "1")) "}],"
        "'aggregationTemporality':2,'isMonotonic':true},'name':'m',"
        "'unit':'ms','description':'d'},"
        "{'name':'n','gauge':{'dataPoints':[{" TIME ",'asInt':1"
        ATTR(STR("service.name", "own")) "},{" TIME ",'asInt':1"
        ATTR("{'key':'k','value':{'arrayValue':{'values':[{'intValue':1}]}}},"
             "{'key':'i','value':{'intValue':1}},"
             "{'key':'d','value':{'doubleValue':1}}") "}]}},"
        "{'name':'empty','gauge':{}}"));

    is(batch->nrows, 5, "points");
    is(batch->refs[NGX_AV_REF_METRIC].nelts, 2,
       "a metric without points is none");

    doc = ngx_av_case_ref(batch, NGX_AV_REF_METRIC, 0);
    is_text((u_char *) doc, strlen(doc),
            "{'name':'m','unit':'ms','description':'d','type':2}",
            "a metric");

    doc = ngx_av_case_ref(batch, NGX_AV_REF_METRIC, 1);
    is_text((u_char *) doc, strlen(doc),
            "{'name':'n','unit':'','description':'','type':1}",
            "a metric with nothing but its name");

    is(batch->refs[NGX_AV_REF_SERIES].nelts, 4, "series");

    scope = ((ngx_av_batch_ref_t *) batch->refs[NGX_AV_REF_SCOPE].elts)->id;

    sprintf(expected, "{'metric':'m','labels':{'a':'0','b':'2',"
            "'service.name':'svc'},'type':2,'temporality':2,"
            "'monotonic':true,'scope_id':'");
    *ngx_av_uuid_format((u_char *) expected + strlen(expected), &scope)
        = '\0';
    strcpy(expected + strlen(expected), "'}");

    doc = ngx_av_case_ref(batch, NGX_AV_REF_SERIES, 0);
    is_text((u_char *) doc, strlen(doc), expected,
            "labels in order, of a repeated one the last");

    doc = ngx_av_case_cell(batch, 0, NGX_AV_POINT_SERIES_ID);
    is_text((u_char *) doc, strlen(doc),
            ngx_av_case_cell(batch, 1, NGX_AV_POINT_SERIES_ID),
            "the order of labels does not matter");

    doc = ngx_av_case_ref(batch, NGX_AV_REF_SERIES, 2);
    ok(strstr(doc, "'labels':{'service.name':'own'}"),
       "a service of its own");

    doc = ngx_av_case_ref(batch, NGX_AV_REF_SERIES, 3);
    ok(strstr(doc, "'labels':{'d':1,'i':1,'k':[1],'service.name':'svc'}"),
       "labels of all kinds");

    ngx_av_batch_destroy(batch);
}


static void
metrics_series_differ(void)
{
    ngx_uint_t       i, bad;
    const char      *ids[2];
    char             json[4096];
    ngx_av_batch_t  *batch;

    static const char  *const metrics[] = {
        "{'name':'m','gauge':{'dataPoints':[{" TIME ",'asInt':1}]}}",
        "{'name':'m2','gauge':{'dataPoints':[{" TIME ",'asInt':1}]}}",
        "{'name':'m','sum':{'dataPoints':[{" TIME ",'asInt':1}]}}",
        "{'name':'m','sum':{'isMonotonic':true,'dataPoints':[{" TIME
        ",'asInt':1}]}}",
        "{'name':'m','sum':{'aggregationTemporality':1,'dataPoints':[{" TIME
        ",'asInt':1}]}}",
        "{'name':'m','gauge':{'dataPoints':[{" TIME ",'asInt':1"
        ATTR(STR("a", "1")) "}]}}",
        "{'name':'m','gauge':{'dataPoints':[{" TIME ",'asInt':1"
        ATTR("{'key':'a','value':{'intValue':1}}") "}]}}",
        "{'name':'m','gauge':{'dataPoints':[{" TIME ",'asInt':1"
        ATTR("{'key':'a','value':{'boolValue':true}}") "}]}}"
    };

    bad = 0;

    for (i = 0; i + 1 < ngx_av_case_count(metrics); i++) {
        snprintf(json, sizeof(json), METRICS("%s,%s"), metrics[i],
                 metrics[i + 1]);

        batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, json);

        ids[0] = ngx_av_case_cell(batch, 0, NGX_AV_POINT_SERIES_ID);
        ids[1] = ngx_av_case_cell(batch, 1, NGX_AV_POINT_SERIES_ID);

        if (batch->nrows != 2 || strcmp(ids[0], ids[1]) == 0) {
            ngx_av_tap_diag("%s", json);
            bad++;
        }

        ngx_av_batch_destroy(batch);
    }

    is(bad, 0, "name, type, temporality, monotonicity, labels tell series "
       "apart");

    batch = ngx_av_case_json(NGX_AV_OTLP_METRICS,
        "{'resourceMetrics':[{'scopeMetrics':[{'metrics':["
        GAUGE("{" TIME ",'asInt':1}") "]},{'scope':{'name':'x'},'metrics':["
        GAUGE("{" TIME ",'asInt':1}") "]}]}]}");

    is(batch->refs[NGX_AV_REF_SERIES].nelts, 2, "scopes do too");
    is(batch->refs[NGX_AV_REF_METRIC].nelts, 1, "but not metrics");
    ngx_av_batch_destroy(batch);
}


static void
metrics_duplicates(void)
{
    const char      *cell;
    ngx_av_batch_t  *batch;

    batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, METRICS(
        GAUGE("{" TIME ",'asInt':1" ATTR(STR("a", "1") "," STR("b", "2"))
              "},{" TIME ",'asInt':2" ATTR(STR("b", "2") "," STR("a", "1"))
              "},{" TIME ",'asInt':3}") ","
        GAUGE("{" TIME ",'asInt':4}")));

    ok(batch->nrows == 2 && batch->nrejected == 0,
       "a point sent twice is one, and none is refused");

    cell = ngx_av_case_cell(batch, 0, NGX_AV_POINT_VALUE);
    is_text((u_char *) cell, strlen(cell), "1", "the first counts");

    ngx_av_batch_destroy(batch);
}


/* What is over the limits is refused: half of it would be something else. */

static void
metrics_limits(void)
{
    char             json[32768], *p;
    ngx_uint_t       i;
    const char      *cell;
    ngx_av_batch_t  *batch;

    snprintf(json, sizeof(json), METRICS(
             GAUGE("{" TIME ",'asInt':1" ATTR(STR("a", "%01500d")) "},"
                   "{" TIME ",'asInt':2}")), 0);

    batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, json);

    ok(batch->nrows == 1 && batch->nrejected == 1, "labels too long");
    cell = ngx_av_case_error(batch, 0);
    is_text((u_char *) cell, strlen(cell),
            "attributes: larger than is allowed", "labels: the reason");
    ngx_av_batch_destroy(batch);

    p = json + sprintf(json, "{'resourceMetrics':[{'scopeMetrics':[{"
                       "'metrics':[{'name':'m','histogram':{'dataPoints':[{"
                       TIME ",'bucketCounts':[");

    for (i = 0; i < 1000; i++) {
        p += sprintf(p, "%s'123456'", i ? "," : "");
    }

    sprintf(p, "]},{" TIME ",'bucketCounts':[1]}]}}]}]}]}");

    batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, json);

    ok(batch->nrows == 1 && batch->nrejected == 1, "buckets too many");
    cell = ngx_av_case_error(batch, 0);
    is_text((u_char *) cell, strlen(cell), "buckets: larger than is allowed",
            "buckets: the reason");
    ngx_av_batch_destroy(batch);

    snprintf(json, sizeof(json), METRICS(
             "{'name':'%01025d','gauge':{'dataPoints':[{" TIME ",'asInt':1}]"
             "}}"), 0);

    batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, json);
    ok(batch->nrows == 0 && batch->nrejected == 1, "a name too long");
    ngx_av_batch_destroy(batch);
}


static void
metrics_no_memory(void)
{
    ngx_uint_t       n, bad;
    ngx_av_batch_t  *batch;

    bad = 0;

    for (n = 0; n < 100000; n++) {
        ngx_av_stub_fail_after(n);

        batch = ngx_av_case_json(NGX_AV_OTLP_METRICS, METRICS(
            GAUGE("{" TIME ",'asInt':1" ATTR(STR("a", "1")) "},{}") ","
            HISTOGRAM("{" TIME ",'bucketCounts':[1,2],'explicitBounds':[1],"
                      "'exemplars':[{'traceId':'" TRACE "'}]}") ","
            EXPONENTIAL("{" TIME "}") "," SUMMARY("{" TIME "}")));

        if (batch == NULL) {
            continue;
        }

        if (ngx_av_case_rc == NGX_OK) {
            ngx_av_batch_destroy(batch);
            break;
        }

        bad += (ngx_av_case_rc != NGX_ERROR);

        ngx_av_batch_destroy(batch);
    }

    ngx_av_stub_fail_never();

    ok(n > 20 && n < 100000, "every allocation failed once (%lu)", n);
    is(bad, 0, "which is an error each time");
}


int
main(void)
{
    ngx_av_case_reset();

    metrics_tables();
    metrics_refs();
    metrics_series_differ();
    metrics_duplicates();
    metrics_limits();
    metrics_no_memory();

    return ngx_av_tap_done();
}
