/* JSON: otlp.md 5, and the documented examples. */

#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_otlp_dump.h"


#define NGX_AV_TEST_MEMORY  (16 * 1024 * 1024)
#define NGX_AV_TEST_DEPTH   4

#define NGX_AV_TEST_HEX     "5b8efff798038103d269b633813fc60c"


typedef struct {
    const char  *name;
    const char  *json;          /* what is in the record */
    const char  *expected;      /* its line, or the error; see below */
} ngx_av_test_t;


static ngx_pool_t            *ngx_av_test_pool;
static ngx_av_otlp_result_t   ngx_av_test_result;


static ngx_int_t
ngx_av_test_decode(ngx_av_buf_t *dump, ngx_av_otlp_signal_e signal,
    const char *body, size_t len)
{
    u_char                *copy;
    ngx_int_t              rc;
    ngx_av_otlp_limits_t   limits;

    limits.memory = NGX_AV_TEST_MEMORY;
    limits.account = NULL;
    limits.depth = NGX_AV_TEST_DEPTH;

    if (ngx_av_buf_init(dump, ngx_av_test_pool, 256) != NGX_OK) {
        abort();
    }

    copy = ngx_av_stub_copy(body, len);
    rc = ngx_av_otlp_dump(dump, signal, NGX_AV_OTLP_JSON, copy, len, &limits,
                          &ngx_av_test_result);
    free(copy);

    return rc;
}


static const char * const  ngx_av_test_before[] = {
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{",
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{",
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{"
};

static const char * const  ngx_av_test_places[] = {
    "resourceSpans[0].scopeSpans[0].spans[0]: ",
    "resourceMetrics[0].scopeMetrics[0].metrics[0]",
    "resourceLogs[0].scopeLogs[0].logRecords[0]: "
};


/* The lines after that of the scope; errors without the place. */
static void
ngx_av_test_records(ngx_av_otlp_signal_e signal, const ngx_av_test_t *tests)
{
    u_char        *p;
    size_t         n;
    ngx_int_t      rc;
    ngx_str_t      error;
    ngx_av_buf_t   body, dump;

    for ( /* void */ ; tests->name; tests++) {

        (void) ngx_av_buf_init(&body, ngx_av_test_pool, 0);
        (void) ngx_av_buf_append(&body, ngx_av_test_before[signal],
                                 strlen(ngx_av_test_before[signal]));
        (void) ngx_av_buf_append(&body, tests->json, strlen(tests->json));
        (void) ngx_av_buf_append(&body, "}]}]}]}", 7);

        rc = ngx_av_test_decode(&dump, signal, (char *) body.start,
                                ngx_av_buf_len(&body));

        if (rc == NGX_DECLINED) {

            error = ngx_av_test_result.error;
            n = strlen(ngx_av_test_places[signal]);

            if (error.len > n
                && ngx_memcmp(error.data, ngx_av_test_places[signal], n) == 0)
            {
                error.data += n;
                error.len -= n;
            }

            is_text(error.data, error.len, tests->expected, "%s",
                    tests->name);
            continue;
        }

        p = (rc == NGX_OK) ? (u_char *) memchr(dump.start, '\n',
                                               ngx_av_buf_len(&dump))
                           : NULL;

        if (p == NULL) {
            ok(0, "%s: %d", tests->name, (int) rc);
            continue;
        }

        p++;
        is_text(p, dump.last - p, tests->expected, "%s", tests->name);
    }
}


static const ngx_av_test_t  ngx_av_test_spans[] = {
    { "an empty span", "", "span\n" },
    { "ids in lower case", "\"traceId\":\"" NGX_AV_TEST_HEX "\","
      "\"spanId\":\"eee19b7ec3c1b174\"",
      "span trace=" NGX_AV_TEST_HEX " span=eee19b7ec3c1b174\n" },
    { "ids in upper case", "\"spanId\":\"EEE19B7EC3C1B174\"",
      "span span=eee19b7ec3c1b174\n" },
    { "ids that are empty", "\"traceId\":\"\",\"parentSpanId\":null",
      "span\n" },
    { "ids that are no hex, or half a byte",
      "\"traceId\":\"abc-def\",\"spanId\":\"abc\",\"parentSpanId\":\"0g\"",
      "span trace=invalid span=invalid parent=invalid\n" },
    { "ids of other lengths", "\"traceId\":\"0102\",\"spanId\":\""
      NGX_AV_TEST_HEX "00\"", "span trace=0102 span=" NGX_AV_TEST_HEX
      "...17\n" },
    { "ids are not base64", "\"spanId\":\"7uGbfsPBsXQ=\"",
      "span span=invalid\n" },
    { "an id that is no string", "\"traceId\":123",
      "Span.traceId must be a string of hex digits" },

    { "unknown keys, at any depth",
      "\"x\":{\"y\":[{\"z\":null}]},\"\":1,\"name\":\"n\",\"Name\":2",
      "span name=\"n\"\n" },
    { "null is absent", "\"traceId\":null,\"name\":null,\"kind\":null,"
      "\"startTimeUnixNano\":null,\"attributes\":null,\"status\":null,"
      "\"events\":null", "span\n" },
    { "nulls further inside", "\"status\":{\"code\":null},\"attributes\":"
      "[{\"key\":null,\"value\":null}],\"events\":[{\"attributes\":null}]",
      "span attributes{\"\"=-:null} event()\n" },
    { "an element that is null is empty",
      "\"attributes\":[null],\"links\":[null]",
      "span attributes{\"\"=-:null} link()\n" },

    { "snake_case", "\"trace_id\":\"01\",\"parent_span_id\":\"02\","
      "\"start_time_unix_nano\":3,\"dropped_attributes_count\":4,"
      "\"trace_state\":\"s\"",
      "span trace=01 parent=02 state=\"s\" start=3 dropped=4\n" },
    { "lowerCamelCase wins, second", "\"trace_id\":\"01\",\"traceId\":\"02\"",
      "span trace=02\n" },
    { "lowerCamelCase wins, first", "\"traceId\":\"02\",\"trace_id\":\"01\"",
      "span trace=02\n" },
    { "but not as null", "\"trace_id\":\"01\",\"traceId\":null",
      "span trace=01\n" },
    { "what does not win is not read", "\"trace_id\":1,\"traceId\":\"02\"",
      "span trace=02\n" },
    { "nearly snake_case", "\"trace__id\":1,\"trace_i\":1,\"trace_\":1,"
      "\"_trace_id\":1,\"trace_id_\":1,\"trace_Id\":1,\"_\":1", "span\n" },
    { "of a repeated key the last wins",
      "\"name\":\"a\",\"name\":\"b\",\"attributes\":[{},{}],\"attributes\":"
      "[{\"key\":\"k\"}],\"status\":{\"code\":1},\"status\":{}",
      "span name=\"b\" attributes{\"k\"=-:null}\n" },
    { "and what it repeats is not read", "\"name\":5,\"name\":\"b\"",
      "span name=\"b\"\n" },

    { "times as strings and as numbers",
      "\"startTimeUnixNano\":\"1544712660000000001\","
      "\"endTimeUnixNano\":1544712660000000003",
      "span start=1544712660000000001 end=1544712660000000003\n" },
    { "the largest of all",
      "\"startTimeUnixNano\":18446744073709551615,"
      "\"endTimeUnixNano\":\"9223372036854775808\"",
      "span start=18446744073709551615 end=9223372036854775808\n" },
    { "exponents and zero fractions",
      "\"startTimeUnixNano\":\"1.544712660000000001e18\","
      "\"endTimeUnixNano\":5.0,\"droppedAttributesCount\":\"1e2\"",
      "span start=1544712660000000001 end=5 dropped=100\n" },
    { "a time too large", "\"startTimeUnixNano\":18446744073709551616",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "a time too large in text",
      "\"startTimeUnixNano\":\"99999999999999999999\"",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "a negative time", "\"startTimeUnixNano\":-1",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "a time with a fraction", "\"startTimeUnixNano\":\"1.5\"",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "a time in words", "\"startTimeUnixNano\":\"now\"",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "an empty time", "\"startTimeUnixNano\":\"\"",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "a time with a blank", "\"startTimeUnixNano\":\" 1\"",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "a time with a NUL", "\"startTimeUnixNano\":\"1\\u0000\"",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "a time as an object", "\"startTimeUnixNano\":{}",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "uint32 as number and string",
      "\"droppedAttributesCount\":4294967295,\"droppedEventsCount\":\"7\","
      "\"flags\":\"257\"",
      "span flags=257 dropped=4294967295 dropped_events=7\n" },
    { "uint32 too large", "\"flags\":4294967296",
      "Span.flags must be an unsigned 32-bit integer" },
    { "uint32 as true", "\"flags\":true",
      "Span.flags must be an unsigned 32-bit integer" },

    { "enums by number", "\"kind\":3,\"status\":{\"code\":2}",
      "span kind=3 status=2\n" },
    { "unknown numbers are kept", "\"kind\":99,\"status\":{\"code\":-1}",
      "span kind=99 status=-1\n" },
    { "enums by name", "\"kind\":\"SPAN_KIND_CLIENT\","
      "\"status\":{\"code\":\"STATUS_CODE_ERROR\"}",
      "span kind=3 status=2\n" },
    { "an unknown name", "\"kind\":\"CLIENT\"",
      "Span.kind must be an integer or a name of the schema" },
    { "a name in another case", "\"kind\":\"span_kind_client\"",
      "Span.kind must be an integer or a name of the schema" },
    { "an enum beyond 32 bits", "\"kind\":2147483648",
      "Span.kind must be an integer or a name of the schema" },
    { "an enum as a fraction", "\"kind\":1.5",
      "Span.kind must be an integer or a name of the schema" },

    { "values of all kinds", "\"attributes\":["
      "{\"key\":\"s\",\"value\":{\"stringValue\":\"x\"}},"
      "{\"key\":\"b\",\"value\":{\"boolValue\":false}},"
      "{\"key\":\"i\",\"value\":{\"intValue\":\"-9223372036854775808\"}},"
      "{\"key\":\"j\",\"value\":{\"intValue\":9007199254740993}},"
      "{\"key\":\"d\",\"value\":{\"doubleValue\":-1.5}},"
      "{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":[{},null,"
      "{\"intValue\":1}]}}},"
      "{\"key\":\"k\",\"value\":{\"kvlistValue\":{\"values\":[{\"value\":"
      "{\"boolValue\":true},\"key\":\"t\"}]}}},"
      "{\"key\":\"x\",\"value\":{\"bytesValue\":\"AQID\"}},"
      "{\"key\":\"n\",\"value\":{}}]",
      "span attributes{\"s\"=s:\"x\" \"b\"=b:false"
      " \"i\"=i:-9223372036854775808 \"j\"=i:9007199254740993 \"d\"=d:-1.5"
      " \"a\"=a:[null,null,1] \"k\"=k:{\"t\":true} \"x\"=x:\"AQID\"3"
      " \"n\"=-:null}\n" },
    { "empty arrays and kvlists", "\"attributes\":["
      "{\"value\":{\"arrayValue\":{}}},{\"value\":{\"arrayValue\":"
      "{\"values\":null}}},{\"value\":{\"kvlistValue\":{\"values\":[]}}}]",
      "span attributes{\"\"=a:[] \"\"=a:[] \"\"=k:{}}\n" },
    { "doubles", "\"attributes\":["
      "{\"value\":{\"doubleValue\":5}},{\"value\":{\"doubleValue\":\"0.1\"}},"
      "{\"value\":{\"doubleValue\":\"NaN\"}},"
      "{\"value\":{\"doubleValue\":\"Infinity\"}},"
      "{\"value\":{\"doubleValue\":\"-Infinity\"}},"
      "{\"value\":{\"doubleValue\":1e-7}},"
      "{\"value\":{\"doubleValue\":123456789012345678901234567890}},"
      "{\"value\":{\"doubleValue\":null}}]",
      "span attributes{\"\"=d:5 \"\"=d:0.1 \"\"=d:\"NaN\" \"\"=d:\"Infinity\""
      " \"\"=d:\"-Infinity\" \"\"=d:1e-07 \"\"=d:1.2345678901234568e+29"
      " \"\"=-:null}\n" },
    { "a double in words", "\"attributes\":[{\"value\":{\"doubleValue\":"
      "\"nan\"}}]", "AnyValue.doubleValue must be a number" },
    { "a double out of range", "\"attributes\":[{\"value\":{\"doubleValue\":"
      "1e999}}]", "AnyValue.doubleValue must be a number" },
    { "a double with a tail", "\"attributes\":[{\"value\":{\"doubleValue\":"
      "\"1.5x\"}}]", "AnyValue.doubleValue must be a number" },
    { "an empty double", "\"attributes\":[{\"value\":{\"doubleValue\":\"\"}}]",
      "AnyValue.doubleValue must be a number" },
    { "integers beyond 64 bits are doubles", "\"attributes\":["
      "{\"value\":{\"intValue\":9223372036854775807}},"
      "{\"value\":{\"intValue\":9223372036854775808}},"
      "{\"value\":{\"intValue\":1e+300}},"
      "{\"value\":{\"intValue\":-9223372036854776000}},"
      "{\"value\":{\"intValue\":\"18446744073709552000\"}},"
      "{\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":1e30}]}}}]",
      "span attributes{\"\"=i:9223372036854775807"
      " \"\"=d:9.2233720368547758e+18 \"\"=d:1e+300"
      " \"\"=d:-9.2233720368547758e+18 \"\"=d:1.8446744073709552e+19"
      " \"\"=a:[1e+30]}\n" },
    { "an integer beyond doubles", "\"attributes\":[{\"value\":"
      "{\"intValue\":1e999}}]", "AnyValue.intValue must be a 64-bit integer" },
    { "an integer that is infinite", "\"attributes\":[{\"value\":"
      "{\"intValue\":\"Infinity\"}}]",
      "AnyValue.intValue must be a 64-bit integer" },
    { "an integer with a fraction", "\"attributes\":[{\"value\":"
      "{\"intValue\":1.5}}]", "AnyValue.intValue must be a 64-bit integer" },
    { "other integers are of 64 bits", "\"startTimeUnixNano\":1e300",
      "Span.startTimeUnixNano must be an unsigned 64-bit integer" },
    { "a bool as a string", "\"attributes\":[{\"value\":{\"boolValue\":"
      "\"true\"}}]", "AnyValue.boolValue must be true or false" },
    { "of a oneof the last that is not null wins", "\"attributes\":[{\"value\":"
      "{\"stringValue\":\"a\",\"intValue\":1,\"boolValue\":null}},{\"value\":"
      "{\"intValue\":1,\"string_value\":\"a\"}}]",
      "span attributes{\"\"=i:1 \"\"=s:\"a\"}\n" },
    { "and the others are not read", "\"attributes\":[{\"value\":"
      "{\"intValue\":{},\"stringValue\":\"a\"}}]",
      "span attributes{\"\"=s:\"a\"}\n" },
    { "base64 of every form", "\"attributes\":["
      "{\"value\":{\"bytesValue\":\"\"}},{\"value\":{\"bytesValue\":\"+/8=\"}},"
      "{\"value\":{\"bytesValue\":\"-_8\"}},{\"value\":{\"bytesValue\":"
      "\"AA==\"}},{\"value\":{\"bytesValue\":\"AA\"}}]",
      "span attributes{\"\"=x:\"\"0 \"\"=x:\"+/8=\"2 \"\"=x:\"+/8=\"2"
      " \"\"=x:\"AA==\"1 \"\"=x:\"AA==\"1}\n" },
    { "base64 with a digit too many", "\"attributes\":[{\"value\":"
      "{\"bytesValue\":\"AAAAA\"}}]",
      "AnyValue.bytesValue must be a string of base64" },
    { "base64 with too much padding", "\"attributes\":[{\"value\":"
      "{\"bytesValue\":\"AAA==\"}}]",
      "AnyValue.bytesValue must be a string of base64" },
    { "base64 with padding alone", "\"attributes\":[{\"value\":"
      "{\"bytesValue\":\"=\"}}]",
      "AnyValue.bytesValue must be a string of base64" },
    { "base64 with other characters", "\"attributes\":[{\"value\":"
      "{\"bytesValue\":\"AA A\"}}]",
      "AnyValue.bytesValue must be a string of base64" },
    { "as deep as allowed", "\"attributes\":[{\"value\":"
      "{\"arrayValue\":{\"values\":[{\"arrayValue\":{\"values\":["
      "{\"arrayValue\":{\"values\":[{\"kvlistValue\":{\"values\":[{}]}}"
      "]}}]}}]}}}]", "span attributes{\"\"=a:[[[{\"\":null}]]]}\n" },
    { "a level deeper", "\"attributes\":[{\"value\":"
      "{\"arrayValue\":{\"values\":[{\"arrayValue\":{\"values\":["
      "{\"arrayValue\":{\"values\":[{\"kvlistValue\":{\"values\":[{\"value\":"
      "{\"arrayValue\":{\"values\":[]}}}]}}]}}]}}]}}}]",
      "AnyValue.arrayValue is nested too deeply" },
    { "a value inside that is wrong", "\"attributes\":[{\"value\":"
      "{\"arrayValue\":{\"values\":[{\"intValue\":true}]}}}]",
      "AnyValue.intValue must be a 64-bit integer" },
    { "an array that is one", "\"attributes\":[{\"value\":"
      "{\"arrayValue\":[]}}]", "AnyValue.arrayValue must be an object" },
    { "values that are none", "\"attributes\":[{\"value\":"
      "{\"arrayValue\":{\"values\":{}}}}]",
      "AnyValue.arrayValue must have an array of values" },

    { "text that is damaged", "\"name\":\"a\\u0000\\ud800\xff" "b\"",
      "span name=\"a\xef\xbf\xbd\xef\xbf\xbd" "b\"\n" },
    { "numbers in a document that was repaired", "\"name\":\"\xff\","
      "\"kind\":3,\"startTimeUnixNano\":\"18\",\"attributes\":[{\"value\":"
      "{\"doubleValue\":0.5}},{\"value\":{\"doubleValue\":\"0.25\"}}]",
      "span name=\"\xef\xbf\xbd\" kind=3 start=18"
      " attributes{\"\"=d:0.5 \"\"=d:0.25}\n" },
    { "a name that is no string", "\"name\":1", "Span.name must be a string" },
    { "attributes that are no array", "\"attributes\":{}",
      "Span.attributes must be an array" },
    { "an attribute that is no object", "\"attributes\":[\"a\"]",
      "KeyValue must be an object" },
    { "a status that is no object", "\"status\":2",
      "Status must be an object" },
    { "keys in any order", "\"status\":{\"message\":\"m\",\"code\":2},"
      "\"attributes\":[{\"value\":{\"intValue\":2},\"key\":\"k\"}],"
      "\"name\":\"n\",\"traceId\":\"01\"",
      "span trace=01 name=\"n\" attributes{\"k\"=i:2} status=2"
      " message=\"m\"\n" },
    { "events and links", "\"events\":[{\"name\":\"e\",\"timeUnixNano\":"
      "\"7\",\"droppedAttributesCount\":1}],\"links\":[{\"spanId\":\"02\","
      "\"flags\":1,\"traceState\":\"s\"}]",
      "span event( time=7 name=\"e\" dropped=1) link( span=02 state=\"s\""
      " flags=1)\n" },
    { NULL, NULL, NULL }
};


static const ngx_av_test_t  ngx_av_test_metrics[] = {
    { "data before the name, points before the temporality",
      "\"sum\":{\"dataPoints\":[{\"asInt\":\"5\"},{\"asInt\":5},"
      "{\"asDouble\":5},{\"asDouble\":\"5\"},{}],\"isMonotonic\":true,"
      "\"aggregationTemporality\":\"AGGREGATION_TEMPORALITY_DELTA\"},"
      "\"name\":\"m\"",
      "metric name=\"m\" type=2 temporality=1 monotonic=1\n"
      "point of 2 value=i:5\npoint of 2 value=i:5\npoint of 2 value=d:5\n"
      "point of 2 value=d:5\npoint of 2\n" },
    { "no data", "\"name\":\"m\",\"gauge\":null", "metric name=\"m\"\n" },
    { "the last data wins", "\"gauge\":{\"dataPoints\":5},\"histogram\":{},"
      "\"sum\":null", "metric type=3\n" },
    { "data that is no object", "\"gauge\":[]", ".Gauge: Gauge must be an"
      " object" },
    { "a summary", "\"summary\":{\"dataPoints\":[{\"count\":3,"
      "\"quantileValues\":[{\"quantile\":0.5,\"value\":\"Infinity\"}]}]}",
      "metric type=5\npoint of 5 count=3 sum=0 quantile=0.5 is=inf\n" },
    { "a histogram", "\"histogram\":{\"dataPoints\":[{\"bucketCounts\":"
      "[\"1\",2,9007199254740993],\"explicitBounds\":[1,\"2\"],\"count\":"
      "\"3\",\"sum\":0,\"min\":null}]}",
      "metric type=3\npoint of 3 count=3 sum=0 count[0]=1 count[1]=2"
      " count[2]=9007199254740993 bound=1 bound=2\n" },
    { "a null among counts", "\"histogram\":{\"dataPoints\":[{"
      "\"bucketCounts\":[null]}]}", ".Histogram.dataPoints[0]:"
      " HistogramDataPoint.bucketCounts must be an unsigned 64-bit integer" },
    { "an exponential histogram", "\"exponential_histogram\":{\"data_points\":"
      "[{\"scale\":-1,\"zeroCount\":1,\"positive\":{\"offset\":\"-2\","
      "\"bucketCounts\":[0,\"2\"]},\"zeroThreshold\":0.5}]}",
      "metric type=4\npoint of 4 scale=-1 zero=1 threshold=0.5 positive@-2"
      " positive[0]=0 positive[1]=2\n" },
    { "an exemplar", "\"gauge\":{\"dataPoints\":[{\"exemplars\":[{"
      "\"filteredAttributes\":[{\"key\":\"k\"}],\"asInt\":-1,\"spanId\":\"02\","
      "\"traceId\":\"01\",\"timeUnixNano\":9}]}]}",
      "metric type=1\npoint of 1 exemplar( time=9 value=i:-1 trace=01 span=02"
      " attributes{\"k\"=-:null})\n" },
    { "a point in error", "\"gauge\":{\"dataPoints\":[{},{\"asInt\":1.5}]}",
      ".Gauge.dataPoints[1]: NumberDataPoint.asInt must be a 64-bit integer" },
    { NULL, NULL, NULL }
};


static const ngx_av_test_t  ngx_av_test_logs[] = {
    { "severity by name", "\"severityNumber\":\"SEVERITY_NUMBER_WARN2\","
      "\"body\":{\"stringValue\":\"b\"}",
      "log severity=14 body=s:\"b\"\n" },
    { "a body without a value", "\"body\":{},\"eventName\":\"e\","
      "\"observedTimeUnixNano\":\"2\"",
      "log observed=2 body=-:null event=\"e\"\n" },
    { NULL, NULL, NULL }
};


/* whole bodies; "present" is 2 for those that are refused */
static const struct {
    const char  *json;
    ngx_uint_t   present;
    const char  *expected;
} ngx_av_test_bodies[] = {
    { "{}", 0, "" },
    { " {} ", 0, "" },
    { "{\"x\":1}", 0, "" },
    { "{\"resourceSpans\":null}", 0, "" },
    { "{\"resourceSpans\":[]}", 1, "" },
    { "{\"resource_spans\":[]}", 1, "" },
    { "{\"resourceSpans\":[],\"resourceLogs\":[{}]}", 1, "" },
    { "{\"resourceSpans\":[{}]}", 1, "" },
    { "{\"resourceSpans\":[{\"instrumentationLibrarySpans\":[{}]}]}", 1, "" },
    { "{\"resourceSpans\":[{\"scopeSpans\":[{}]}]}", 1, "scope 1 of 1\n" },
    { "{\"resourceSpans\":[{\"schemaUrl\":\"u\",\"scopeSpans\":[{\"spans\":"
      "[{}],\"schemaUrl\":\"v\",\"scope\":{\"name\":\"s\"}},{}],\"resource\":"
      "{\"droppedAttributesCount\":1}},{\"scopeSpans\":[{}]}]}", 1,
      "scope 1 of 1 resource_dropped=1 resource_schema=\"u\" name=\"s\""
      " schema=\"v\"\nspan\nscope 2 of 1 resource_dropped=1"
      " resource_schema=\"u\"\nscope 3 of 2\n" },

    { "", 2, "invalid JSON: the document is empty at byte 0" },
    { "  ", 2, "invalid JSON: the document is empty at byte 0" },
    { "[]", 2, "ExportTraceServiceRequest must be an object" },
    { "null", 2, "ExportTraceServiceRequest must be an object" },
    { "\"x\"", 2, "ExportTraceServiceRequest must be an object" },
    { "{}x", 2, "invalid JSON: unexpected content after document at byte 2" },
    { "{} {}", 2, "invalid JSON: unexpected content after document"
      " at byte 3" },
    { "{\"resourceLogs\":[]}", 2, "the body has logs, not traces" },
    { "{\"resourceSpans\":null,\"resource_metrics\":[]}", 2,
      "the body has metrics, not traces" },
    { "{\"resourceSpans\":{}}", 2,
      "ExportTraceServiceRequest.resourceSpans must be an array" },
    { "{\"resourceSpans\":[[]]}", 2,
      "resourceSpans[0]: ResourceSpans must be an object" },
    { "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{},7]}]}]}", 2,
      "resourceSpans[0].scopeSpans[0].spans[1]: Span must be an object" }
};


static void
ngx_av_test_requests(void)
{
    ngx_int_t      rc;
    ngx_uint_t     i;
    const char    *json;
    ngx_av_buf_t   dump;

    for (i = 0;
         i < sizeof(ngx_av_test_bodies) / sizeof(ngx_av_test_bodies[0]);
         i++)
    {
        json = ngx_av_test_bodies[i].json;
        rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, json,
                                strlen(json));

        if (ngx_av_test_bodies[i].present == 2) {
            is(rc, NGX_DECLINED, "%s: refused", json);
            is_text(ngx_av_test_result.error.data,
                    ngx_av_test_result.error.len,
                    ngx_av_test_bodies[i].expected, "%s: why", json);
            continue;
        }

        is(rc, NGX_OK, "%s: decoded", json);
        is(ngx_av_test_result.present, ngx_av_test_bodies[i].present,
           "%s: whether the key is there", json);
        is_text(dump.start, ngx_av_buf_len(&dump),
                ngx_av_test_bodies[i].expected, "%s: to what it is", json);
    }
}


static const struct {
    const char            *file;
    ngx_av_otlp_signal_e   signal;
    const char            *expected;
} ngx_av_test_files[] = {
    { NGX_AV_TEST_DATA "otlp/trace.json", NGX_AV_OTLP_TRACES,
      "span trace=5b8efff798038103d269b633813fc60c span=eee19b7ec3c1b174"
      " parent=eee19b7ec3c1b173 name=\"I'm a server span\" kind=2"
      " start=1544712660000000000 end=1544712661000000000"
      " attributes{\"my.span.attr\"=s:\"some value\"}\n" },
    { NGX_AV_TEST_DATA "otlp/metrics.json", NGX_AV_OTLP_METRICS,
      "metric name=\"my.counter\" description=\"I am a Counter\" unit=\"1\""
      " type=2 temporality=1 monotonic=1\n"
      "point of 2 start=1544712660300000000 time=1544712660300000000"
      " attributes{\"my.counter.attr\"=s:\"some value\"} value=d:5\n"
      "metric name=\"my.gauge\" description=\"I am a Gauge\" unit=\"1\""
      " type=1\n"
      "point of 1 time=1544712660300000000"
      " attributes{\"my.gauge.attr\"=s:\"some value\"} value=d:10\n"
      "metric name=\"my.histogram\" description=\"I am a Histogram\""
      " unit=\"1\" type=3 temporality=1\n"
      "point of 3 start=1544712660300000000 time=1544712660300000000"
      " attributes{\"my.histogram.attr\"=s:\"some value\"} count=2 sum=2 min=0"
      " max=2 count[0]=1 count[1]=1 bound=1\n"
      "metric name=\"my.exponential.histogram\""
      " description=\"I am an Exponential Histogram\" unit=\"1\" type=4"
      " temporality=1\n"
      "point of 4 start=1544712660300000000 time=1544712660300000000"
      " attributes{\"my.exponential.histogram.attr\"=s:\"some value\"}"
      " count=3 sum=10 min=0 max=5 zero=1 positive@1 positive[0]=0"
      " positive[1]=2\n" },
    { NGX_AV_TEST_DATA "otlp/logs.json", NGX_AV_OTLP_LOGS,
      "log time=1544712660300000000 observed=1544712660300000000 severity=10"
      " severity_text=\"Information\" body=s:\"Example log record\""
      " attributes{\"string.attribute\"=s:\"some string\""
      " \"boolean.attribute\"=b:true \"int.attribute\"=i:10"
      " \"double.attribute\"=d:637.704"
      " \"array.attribute\"=a:[\"many\",\"values\"]"
      " \"map.attribute\"=k:{\"some.map.key\":\"some value\"}}"
      " trace=5b8efff798038103d269b633813fc60c span=eee19b7ec3c1b174\n" },
    { NGX_AV_TEST_DATA "otlp/events.json", NGX_AV_OTLP_LOGS,
      "log time=1544712660300000000 observed=1544712660300000000 severity=9"
      " severity_text=\"test severity text\" body=k:{\"type\":0,\"url\":"
      "\"https://www.guidgenerator.com/online-guid-generator.aspx\","
      "\"referrer\":\"https://wwww.google.com\","
      "\"title\":\"Free Online GUID Generator\"}"
      " attributes{\"event.attribute\"=s:\"some event attribute\"}"
      " event=\"browser.page_view\"\n" }
};


/* The documented examples; and all that is left of them when cut. */
static void
ngx_av_test_examples(void)
{
    char           body[8192];
    FILE          *file;
    size_t         j, len;
    ngx_int_t      rc;
    ngx_uint_t     i, bad;
    ngx_av_buf_t   dump, expected;

    static const char  scope[] =
        "scope 1 of 1 resource{\"service.name\"=s:\"my.service\"}"
        " name=\"my.library\" version=\"1.0.0\""
        " attributes{\"my.scope.attribute\"=s:\"some scope attribute\"}\n";

    for (i = 0;
         i < sizeof(ngx_av_test_files) / sizeof(ngx_av_test_files[0]);
         i++)
    {
        file = fopen(ngx_av_test_files[i].file, "r");

        if (!ok(file != NULL, "%s is there", ngx_av_test_files[i].file)) {
            continue;
        }

        len = fread(body, 1, sizeof(body), file);
        fclose(file);

        rc = ngx_av_test_decode(&dump, ngx_av_test_files[i].signal, body,
                                len);
        is(rc, NGX_OK, "it can be decoded");

        (void) ngx_av_buf_init(&expected, ngx_av_test_pool, 0);
        (void) ngx_av_buf_append(&expected, scope, sizeof(scope) - 1);
        (void) ngx_av_buf_append(&expected, ngx_av_test_files[i].expected,
                                 strlen(ngx_av_test_files[i].expected) + 1);

        is_text(dump.start, ngx_av_buf_len(&dump), (char *) expected.start,
                "to what it says");

        while (len && body[len - 1] != '}') {
            len--;
        }

        bad = 0;

        for (j = 0; j < len; j++) {
            rc = ngx_av_test_decode(&dump, ngx_av_test_files[i].signal, body,
                                    j);
            bad += (rc != NGX_DECLINED);
        }

        is(bad, 0, "cut anywhere, it cannot be decoded");
    }
}


static ngx_int_t
ngx_av_test_span(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_span_t *span)
{
    (void) data;
    (void) scope;

    is_text(span->trace_id.text.data, span->trace_id.text.len,
            "abc\xef\xbf\xbd", "the text of an id is kept");
    is(span->trace_id.len, NGX_AV_OTLP_ID_TEXT, "and said to be no hex");

    return NGX_OK;
}


static void
ngx_av_test_text(void)
{
    ngx_int_t              rc;
    ngx_av_otlp_sink_t     sink;
    ngx_av_otlp_limits_t   limits;

    static const char  body[] = "{\"resourceSpans\":[{\"scopeSpans\":[{"
                                "\"spans\":[{\"traceId\":\"abc\\ud800\"}]}]}]}";

    limits.memory = 65536;
    limits.account = NULL;
    limits.depth = 1;

    ngx_memzero(&sink, sizeof(ngx_av_otlp_sink_t));
    sink.span = ngx_av_test_span;

    rc = ngx_av_otlp_decode(NGX_AV_OTLP_TRACES, NGX_AV_OTLP_JSON,
                            (u_char *) body, sizeof(body) - 1, &limits, &sink,
                            &ngx_av_test_result);
    is(rc, NGX_OK, "a free-text id is no error");
}


static void
ngx_av_test_memory(void)
{
    size_t                 i;
    ngx_int_t              rc;
    ngx_uint_t             bad;
    ngx_av_buf_t           body, dump;
    ngx_av_otlp_limits_t   limits;

    (void) ngx_av_buf_init(&body, ngx_av_test_pool, 1 << 20);
    (void) ngx_av_buf_init(&dump, ngx_av_test_pool, 4 << 20);

    (void) ngx_av_buf_append(&body, ngx_av_test_before[0],
                             strlen(ngx_av_test_before[0]));
    (void) ngx_av_buf_append(&body, "\"attributes\":[{}", 16);

    for (i = 0; i < 20000; i++) {
        (void) ngx_av_buf_append(&body, ",{}", 3);
    }

    (void) ngx_av_buf_append(&body, "]}]}]}]}", 8);

    limits.depth = 1;
    limits.memory = 200000;
    limits.account = NULL;
    rc = ngx_av_otlp_dump(&dump, NGX_AV_OTLP_TRACES, NGX_AV_OTLP_JSON,
                          body.start, ngx_av_buf_len(&body), &limits,
                          &ngx_av_test_result);
    is(rc, NGX_ABORT, "a document over the limit of memory");

    limits.memory = 16 * 1024 * 1024;
    bad = 0;

    for (i = 0; i < 100; i++) {

        dump.last = dump.start;
        ngx_av_stub_fail_after(i);

        rc = ngx_av_otlp_dump(&dump, NGX_AV_OTLP_TRACES, NGX_AV_OTLP_JSON,
                              body.start, ngx_av_buf_len(&body), &limits,
                              &ngx_av_test_result);
        ngx_av_stub_fail_never();

        if (rc == NGX_OK) {
            break;
        }

        bad += (rc != NGX_ERROR);
    }

    ok(bad == 0 && i > 2 && i < 100, "without memory it is an error");
}


int
main(void)
{
    ngx_av_test_pool = ngx_create_pool(1024, NULL);

    ngx_av_test_records(NGX_AV_OTLP_TRACES, ngx_av_test_spans);
    ngx_av_test_records(NGX_AV_OTLP_METRICS, ngx_av_test_metrics);
    ngx_av_test_records(NGX_AV_OTLP_LOGS, ngx_av_test_logs);
    ngx_av_test_requests();
    ngx_av_test_examples();
    ngx_av_test_text();
    ngx_av_test_memory();

    ngx_destroy_pool(ngx_av_test_pool);

    return ngx_av_tap_done();
}
