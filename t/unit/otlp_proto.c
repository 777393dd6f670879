/* Protobuf: otlp.md 6. */

#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_otlp_dump.h"


#define NGX_AV_TEST_MEMORY  (16 * 1024 * 1024)
#define NGX_AV_TEST_DEPTH   64

#define NGX_AV_TEST_REQUEST                                                   \
    "0a710a170a150a0c736572766963652e6e616d6512050a0373766312560a030a017312"  \
    "4f0a105b8efff798038103d269b633813fc60c1208eee19b7ec3c1b1742a026f703002"  \
    "39004859e3faeb6f15410012f41efbeb6f154a100a016e120b18ffffffffffffffffff"  \
    "017a0712036261641802"


typedef struct {
    const char  *name;
    const char  *hex;           /* of a record, or of the whole body */
    const char  *expected;      /* its line, or the error */
} ngx_av_test_t;


static ngx_pool_t            *ngx_av_test_pool;
static ngx_av_otlp_result_t   ngx_av_test_result;


static size_t
ngx_av_test_unhex(u_char *p, const char *hex)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; *hex; /* void */ ) {

        if (*hex == ' ') {
            hex++;
            continue;
        }

        if (sscanf(hex, "%2x", &byte) != 1) {
            abort();
        }

        p[n++] = (u_char) byte;
        hex += 2;
    }

    return n;
}


static ngx_int_t
ngx_av_test_decode(ngx_av_buf_t *dump, ngx_av_otlp_signal_e signal,
    const u_char *body, size_t len, ngx_uint_t depth)
{
    u_char                *copy;
    ngx_int_t              rc;
    ngx_av_otlp_limits_t   limits;

    limits.memory = NGX_AV_TEST_MEMORY;
    limits.account = NULL;
    limits.depth = depth;

    if (ngx_av_buf_init(dump, ngx_av_test_pool, 256) != NGX_OK) {
        abort();
    }

    copy = ngx_av_stub_copy(body, len);
    rc = ngx_av_otlp_dump(dump, signal, NGX_AV_OTLP_PROTOBUF, copy, len,
                          &limits, &ngx_av_test_result);
    free(copy);

    return rc;
}


/* Puts the bytes into a field 1 or 2 of so many messages. */
static size_t
ngx_av_test_wrap(u_char *p, size_t len, const char *numbers)
{
    u_char  head[6];
    size_t  n, rest;

    for ( /* void */ ; *numbers; numbers++) {

        n = 0;
        head[n++] = (u_char) ((*numbers - '0') << 3 | 2);

        for (rest = len; rest >= 0x80; rest >>= 7) {
            head[n++] = (u_char) (rest | 0x80);
        }

        head[n++] = (u_char) rest;

        ngx_memmove(p + n, p, len);
        ngx_memcpy(p, head, n);
        len += n;
    }

    return len;
}


/* The last line of what is decoded is the record. */
static void
ngx_av_test_records(ngx_av_otlp_signal_e signal, const char *wrap,
    const ngx_av_test_t *tests)
{
    u_char         body[1024], *p;
    size_t         len;
    ngx_int_t      rc;
    ngx_av_buf_t   dump;

    for ( /* void */ ; tests->name; tests++) {

        len = ngx_av_test_unhex(body, tests->hex);
        len = ngx_av_test_wrap(body, len, wrap);

        rc = ngx_av_test_decode(&dump, signal, body, len, NGX_AV_TEST_DEPTH);

        if (rc == NGX_DECLINED) {
            is_text(ngx_av_test_result.error.data,
                    ngx_av_test_result.error.len, tests->expected, "%s",
                    tests->name);
            continue;
        }

        if (rc != NGX_OK || ngx_av_buf_len(&dump) == 0) {
            ok(0, "%s: %d", tests->name, (int) rc);
            continue;
        }

        dump.last--;

        for (p = dump.last; p > dump.start && p[-1] != '\n'; p--) {
            /* void */
        }

        is_text(p, dump.last - p, tests->expected, "%s", tests->name);
    }
}


#define at  "resourceSpans[0].scopeSpans[0].spans[0]: "

static const ngx_av_test_t  ngx_av_test_spans[] = {
    { "an empty span", "", "span" },
    { "ids of 16 and 8 bytes",
      "0a10 5b8efff798038103d269b633813fc60c 1208 eee19b7ec3c1b174",
      "span trace=5b8efff798038103d269b633813fc60c span=eee19b7ec3c1b174" },
    { "ids of other lengths", "0a00 1203010203 2211"
      "0102030405060708090a0b0c0d0e0f1011",
      "span span=010203 parent=0102030405060708090a0b0c0d0e0f10...17" },
    { "explicit zeros", "5000 6000 7000 390000000000000000 850100000000",
      "span" },
    { "the last of a repeated scalar wins", "2a0161 2a0162 3001 3002",
      "span name=\"b\" kind=2" },
    { "a repeated message is merged", "7a021801 7a0312016d",
      "span status=1 message=\"m\"" },
    { "fields in reverse order",
      "7a021802 4a080a016112030a0162 3002 2a016f",
      "span name=\"o\" kind=2 attributes{\"a\"=s:\"b\"} status=2" },
    { "negative enum of ten bytes", "30ffffffffffffffffff01", "span kind=-1" },
    { "an enum is cut to 32 bits", "308280808010", "span kind=2" },
    { "a varint longer than it must be", "3082808000", "span kind=2" },
    { "uint32 to its end", "50ffffffff0f", "span dropped=4294967295" },
    { "flags are fixed32", "8501 03010000", "span flags=259" },
    { "a wrong wire type is unknown: varint for fixed64", "3805 2a016f",
      "span name=\"o\"" },
    { "a wrong wire type is unknown: bytes for varint", "320101 2a016f",
      "span name=\"o\"" },
    { "a wrong wire type is unknown: fixed32 for a string",
      "2d01020304 3002", "span kind=2" },
    { "unknown fields of every wire type",
      "8801 07 9101 0102030405060708 9a01 03616263 a501 01020304"
      " faffffff0f 00 2a016f", "span name=\"o\"" },
    { "a group", "930a 0801 120161 940a 2a016f", "span name=\"o\"" },
    { "groups inside each other", "2b 33 0801 34 2c 2a016f",
      "span name=\"o\"" },
    { "a group of a known field's number", "7b 1802 7c", "span" },
    { "events and links", "5a0c 09 0700000000000000 120165"
      " 6a0d 0a00 12020102 22030a016b 2801 6a07 35 01000000 2805",
      "span event( time=7 name=\"e\") link( span=0102"
      " attributes{\"k\"=-:null} dropped=1) link( dropped=5 flags=1)" },
    { "an attribute's value before its key", "4a08 12030a0162 0a0161",
      "span attributes{\"a\"=s:\"b\"}" },
    { "repeated keys are kept", "4a030a0161 4a030a0161",
      "span attributes{\"a\"=-:null \"a\"=-:null}" },
    { "values of all kinds", "4a04 12020a00 4a04 12021001 4a04 12021805"
      " 4a0b 120921 000000000000e0bf 4a04 12022a00 4a04 12023200"
      " 4a05 12033a01ff 4a02 1200",
      "span attributes{\"\"=s:\"\" \"\"=b:true \"\"=i:5 \"\"=d:-0.5 \"\"=a:[]"
      " \"\"=k:{} \"\"=x:\"/w==\"1 \"\"=-:null}" },
    { "the last member of a oneof wins", "4a09 1207 0a0161 1802 1000",
      "span attributes{\"\"=b:false}" },
    { "true is whatever is not 0", "4a04 12021002",
      "span attributes{\"\"=b:true}" },
    { "usual attributes", "4a08 0a016b 12030a0176 4a07 0a016b 12021805"
      " 4a0e 0a016b 1209 21 000000000000e0bf",
      "span attributes{\"k\"=s:\"v\" \"k\"=i:5 \"k\"=d:-0.5}" },
    { "an integer of ten bytes", "4a10 0a016b 120b 18ffffffffffffffffff01",
      "span attributes{\"k\"=i:-1}" },
    { "what is nearly a usual attribute: more after it",
      "4a0a 0a016b 12030a0176 7805 4a0b 0a016b 12030a0176 0a0162"
      " 4a0c 0a016b 12030a0176 12021802 4a0a 0a016b 12050a01763801",
      "span attributes{\"k\"=s:\"v\" \"b\"=s:\"v\" \"k\"=i:2"
      " \"k\"=s:\"v\"}" },
    { "two members of a oneof, the string first",
      "4a0a 0a016b 12050a01761805 4a0c 0a016b 1207 1805 0a0176 1806",
      "span attributes{\"k\"=i:5 \"k\"=i:6}" },
    { "an attribute without a value, and with an empty one",
      "4a03 0a016b 4a05 0a016b 1200", "span attributes{\"k\"=-:null"
      " \"k\"=-:null}" },
    { "values inside values", "4a18 1216 2a14 0a04 2a02 0a00 0a0c"
      " 320a 0a08 0a016b 1203 0a0176",
      "span attributes{\"\"=a:[[null],{\"k\":\"v\"}]}" },
    { "what is no UTF-8, and a NUL", "2a04 61ff0062",
      "span name=\"a\xef\xbf\xbd" "b\"" },
    { "a profile's string index is unknown", "4a04 12024005",
      "span attributes{\"\"=-:null}" },

    { "field number 0", "0005", at "no such field number at byte 6" },
    { "field number 0, bytes", "0200", at "no such field number at byte 6" },
    { "a field number of 30 bits", "8080808010 00",
      at "no such field number at byte 6" },
    { "wire type 6", "2e", at "no such wire type at byte 7" },
    { "wire type 7", "2f00", at "no such wire type at byte 7" },
    { "the end of a group that did not begin", "2c",
      at "no such wire type at byte 7" },
    { "a group with a wrong end", "2b 34", at "a group has a wrong end"
      " at byte 7" },
    { "a group without an end", "2b", at "a number is cut off at byte 7" },
    { "a varint of eleven bytes", "30 ffffffffffffffffffffff01",
      at "a number has more than ten bytes at byte 7" },
    { "a tag of eleven bytes", "ffffffffffffffffffffff01",
      at "a number has more than ten bytes at byte 6" },
    { "a length of eleven bytes", "2a ffffffffffffffffffffff01",
      at "a number has more than ten bytes at byte 7" },
    { "a length beyond the end", "2a0261", at "a length is beyond the end"
      " at byte 7" },
    { "a key beyond the end of its attribute", "4a05 0a046b0000 3002",
      at "a length is beyond the end at byte 9" },
    { "a value beyond the end of its attribute", "4a08 0a016b 12040a0176 3002",
      at "a length is beyond the end at byte 12" },
    { "a text beyond the end of its value", "4a08 0a016b 12030a0276 3002",
      at "a length is beyond the end at byte 14" },
    { "an integer beyond the end of its value", "4a07 0a016b 12021880 3002",
      at "a number is cut off at byte 14" },
    { "a double beyond the end of its value",
      "4a0d 0a016b 1208 21 000000000000e0 3002",
      at "a number is cut off at byte 14" },
    { "a length beyond the end of a child", "4a020a01 2a0161",
      at "a length is beyond the end at byte 9" },
    { "an enormous length", "2a ffffffffffffffffff01",
      at "a length is beyond the end at byte 7" },
    { "a fixed64 cut off", "3901020304050607",
      at "a number is cut off at byte 7" },
    { "a fixed32 cut off", "8501010203", at "a number is cut off at byte 8" },
    { "a bad value inside a value", "4a08 1206 2a04 0a02 1280",
      at "a number is cut off at byte 15" },
    { NULL, NULL, NULL }
};

#undef at


static const ngx_av_test_t  ngx_av_test_numbers[] = {
    { "as_int", "19 0100000000000000 31 fbffffffffffffff",
      "point of 1 time=1 value=i:-5" },
    { "as_double", "21 000000000000f83f", "point of 1 value=d:1.5" },
    { "the last of both", "31 0500000000000000 21 0000000000000040",
      "point of 1 value=d:2" },
    { "no value", "4001", "point of 1 flags=1" },
    { "an exemplar", "2a2f 11 0900000000000000 19 0000000000000840"
      " 2208 eee19b7ec3c1b174 2a08 0102030405060708 3a06 0a016b 1201 00",
      "resourceMetrics[0].scopeMetrics[0].metrics[0].Gauge.dataPoints[0]:"
      " a length is beyond the end at byte 11" },
    { "another exemplar", "2a2e 11 0900000000000000 19 0000000000000840"
      " 2208 eee19b7ec3c1b174 2a08 0102030405060708 3a06 0a016b 120110",
      "resourceMetrics[0].scopeMetrics[0].metrics[0].Gauge.dataPoints[0]:"
      " a number is cut off at byte 58" },
    { "a sound exemplar", "2a2d 11 0900000000000000 19 0000000000000840"
      " 2208 eee19b7ec3c1b174 2a08 0102030405060708 3a05 0a016b 1200",
      "point of 1 exemplar( time=9 value=d:3 trace=0102030405060708"
      " span=eee19b7ec3c1b174 attributes{\"k\"=-:null})" },
    { NULL, NULL, NULL }
};


static const ngx_av_test_t  ngx_av_test_histograms[] = {
    { "packed", "210300000000000000 3210 0100000000000000 0200000000000000"
      " 3a08 000000000000f03f",
      "point of 3 count=3 count[0]=1 count[1]=2 bound=1" },
    { "not packed", "31 0100000000000000 31 0200000000000000"
      " 39 000000000000f03f", "point of 3 count[0]=1 count[1]=2 bound=1" },
    { "both", "31 0100000000000000 3208 0200000000000000",
      "point of 3 count[0]=1 count[1]=2" },
    { "an empty block", "3200 3a00", "point of 3" },
    { "a block of broken size", "3207 01020304050607",
      "resourceMetrics[0].scopeMetrics[0].metrics[0].Histogram.dataPoints[0]:"
      " a number is cut off at byte 12" },
    { "zero is not absent", "29 0000000000000000 59 0000000000000000",
      "point of 3 sum=0 min=0" },
    { "absent is not zero", "61 0000000000000080", "point of 3 max=-0" },
    { NULL, NULL, NULL }
};


static const ngx_av_test_t  ngx_av_test_exponentials[] = {
    { "the documented point", "21 0300000000000000 29 0000000000002440 3001"
      " 39 0100000000000000 4206 0803 1202 0002 61 0000000000000000",
      "point of 4 count=3 sum=10 min=0 scale=-1 zero=1 positive@-2"
      " positive[0]=0 positive[1]=2" },
    { "counts not packed", "4a07 1001 10ac02 0801",
      "point of 4 negative@-1 negative[0]=1 negative[1]=300" },
    { "sint32 at its ends", "30feffffff0f 4206 08ffffffff0f",
      "point of 4 scale=2147483647 positive@-2147483648" },
    { "a packed varint cut off", "4203 120180",
      "resourceMetrics[0].scopeMetrics[0].metrics[0].ExponentialHistogram"
      ".dataPoints[0]: a number is cut off at byte 14" },
    { NULL, NULL, NULL }
};


static const ngx_av_test_t  ngx_av_test_summaries[] = {
    { "a summary has a sum", "21 0200000000000000 3212 09 000000000000e03f"
      " 11 0000000000000840 3200",
      "point of 5 count=2 sum=0 quantile=0.5 is=3 quantile=0 is=0" },
    { NULL, NULL, NULL }
};


static const ngx_av_test_t  ngx_av_test_metrics[] = {
    { "its data before its name", "3a06 0a00 1002 1801 0a016e 1a0131",
      "point of 2" },
    { "a metric without data", "0a016e", "metric name=\"n\"" },
    { "the last data wins", "2a00 5a00 0a016e", "metric name=\"n\" type=5" },
    { "broken data", "3a05 0a00 1801 10",
      "resourceMetrics[0].scopeMetrics[0].metrics[0].Sum: a number is cut off"
      " at byte 13" },
    { "a broken oneof member that does not win is not read", "2a0108 5a00",
      "metric type=5" },
    { "metadata", "62030a016b 2a00", "metric type=1"
      " metadata{\"k\"=-:null}" },
    { NULL, NULL, NULL }
};


static const ngx_av_test_t  ngx_av_test_logs[] = {
    { "a record", "09 0100000000000000 1009 1a0149 2a03 0a0162 32030a016b 3802"
      " 45 01000000 4a00 5208 eee19b7ec3c1b174 59 0200000000000000 620165",
      "log time=1 observed=2 severity=9 severity_text=\"I\" body=s:\"b\""
      " attributes{\"k\"=-:null} dropped=2 flags=1 span=eee19b7ec3c1b174"
      " event=\"e\"" },
    { "no body", "1009", "log severity=9 body=-:null" },
    { NULL, NULL, NULL }
};


/* resource, scope, then records, however they are ordered */
static const ngx_av_test_t  ngx_av_test_envelopes[] = {
    { "no resource",
      "1202 1200", "scope 1 of 1\nspan\n" },
    { "the resource and the scope come last",
      "1a0175 120a 1200 0a03 0a0173 1a0176 0a02 1003",
      "scope 1 of 1 resource_dropped=3 resource_schema=\"u\" name=\"s\""
      " schema=\"v\"\nspan\n" },
    { "two scopes", "1202 1200 0a00 1203 1a0176",
      "scope 1 of 1\nspan\nscope 2 of 1 schema=\"v\"\n" },
    { "the old libraries' form is unknown", "c23e02 1200", "" },
    { NULL, NULL, NULL }
};


static void
ngx_av_test_wraps(void)
{
    u_char                body[256];
    size_t                len;
    ngx_int_t             rc;
    ngx_av_buf_t          dump;
    const ngx_av_test_t  *test;

    for (test = ngx_av_test_envelopes; test->name; test++) {

        len = ngx_av_test_unhex(body, test->hex);
        len = ngx_av_test_wrap(body, len, "1");

        rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, body, len, 0);

        is(rc, NGX_OK, "%s: can be decoded", test->name);
        is_text(dump.start, ngx_av_buf_len(&dump), test->expected, "%s",
                test->name);
    }

    rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_METRICS, body, 0, 0);

    is(rc, NGX_OK, "an empty body is an empty request");
    is(ngx_av_test_result.present, 0, "which has nothing in it");
}


/* The documented request; and all that is left of it when cut. */
static void
ngx_av_test_truncated(void)
{
    u_char         body[256];
    size_t         i, len;
    ngx_int_t      rc;
    ngx_uint_t     bad;
    ngx_av_buf_t   dump;

    len = ngx_av_test_unhex(body, NGX_AV_TEST_REQUEST);

    is(len, 115, "the documented request has 115 bytes");

    rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, body, len, 0);

    is(rc, NGX_OK, "it can be decoded");
    is(ngx_av_test_result.present, 1, "and has something in it");

    is_text(dump.start, ngx_av_buf_len(&dump),
            "scope 1 of 1 resource{\"service.name\"=s:\"svc\"} name=\"s\"\n"
            "span trace=5b8efff798038103d269b633813fc60c"
            " span=eee19b7ec3c1b174 name=\"op\" kind=2"
            " start=1544712660000000000 end=1544712661000000000"
            " attributes{\"n\"=i:-1} status=2 message=\"bad\"\n",
            "to what is documented");

    bad = 0;

    for (i = 1; i < len; i++) {
        rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, body, i, 0);
        bad += (rc != NGX_DECLINED || ngx_av_test_result.error.len == 0
                || ngx_av_test_result.offset > i);
    }

    is(bad, 0, "cut anywhere, it cannot be decoded");

    bad = 0;

    for (i = 0; i < 8 * len; i++) {
        body[i / 8] ^= (u_char) (1 << (i % 8));

        rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, body, len, 4);
        bad += (rc != NGX_OK && rc != NGX_DECLINED);

        body[i / 8] ^= (u_char) (1 << (i % 8));
    }

    is(bad, 0, "whichever bit is wrong, it is decoded or refused");
}


static void
ngx_av_test_signals(void)
{
    u_char         body[256];
    size_t         len;
    ngx_int_t      rc;
    ngx_uint_t     i, signal;
    ngx_av_buf_t   dump;

    static const struct {
        ngx_av_otlp_signal_e   signal;
        const char            *hex;     /* a record */
    } records[] = {
        { NGX_AV_OTLP_TRACES, "0a105b8efff798038103d269b633813fc60c1208"
          "eee19b7ec3c1b1742a026f70300239004859e3faeb6f15410012f41efbeb6f15" },
        { NGX_AV_OTLP_TRACES, "0a105b8efff798038103d269b633813fc60c1208"
          "eee19b7ec3c1b1742a026f70" },
        { NGX_AV_OTLP_LOGS, "09 0100000000000000 2a030a0162" },
        { NGX_AV_OTLP_LOGS, "59 0100000000000000 2a030a0162 3200" },
        /* gauge; a gauge whose name is as long as an id; sum; summary */
        { NGX_AV_OTLP_METRICS, "0a03637075 2a0b 0a09 19 0000001817161514" },
        { NGX_AV_OTLP_METRICS, "0a1061616161616161616161616161616161"
          "1208 6161616161616161 2a0b 0a09 19 0000001817161514" },
        { NGX_AV_OTLP_METRICS, "0a03637075 3a0f 0a09 19 0000001817161514"
          " 1002 1801" },
        { NGX_AV_OTLP_METRICS, "0a03637075 5a0b 0a09 19 0000001817161514" },
        { NGX_AV_OTLP_METRICS, "0a03637075 4a0d 0a09 19 0000001817161514"
          " 1002" }
    };

    for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {

        len = ngx_av_test_unhex(body, records[i].hex);
        len = ngx_av_test_wrap(body, len, "221");

        for (signal = 0; signal <= NGX_AV_OTLP_LOGS; signal++) {

            rc = ngx_av_test_decode(&dump, signal, body, len, 0);

            is(rc, (signal == records[i].signal) ? NGX_OK : NGX_DECLINED,
               "record %lu as signal %lu: %.*s", (unsigned long) i,
               (unsigned long) signal, (int) ngx_av_test_result.error.len,
               ngx_av_test_result.error.data);
        }
    }
}


/* An attribute's value, so many levels deep. */
static size_t
ngx_av_test_nested(u_char *p, ngx_uint_t levels)
{
    size_t  len;

    len = 0;

    for ( /* void */ ; levels; levels--) {
        len = ngx_av_test_wrap(p, len, "5");

        if (levels > 1) {
            len = ngx_av_test_wrap(p, len, "1");
        }
    }

    return ngx_av_test_wrap(p, len, "29221");
}


static void
ngx_av_test_depth(void)
{
    u_char        *body;
    size_t         len;
    ngx_int_t      rc;
    ngx_av_buf_t   dump;

    body = ngx_palloc(ngx_av_test_pool, 1 << 20);

    len = ngx_av_test_nested(body, NGX_AV_TEST_DEPTH);
    rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, body, len,
                            NGX_AV_TEST_DEPTH);
    is(rc, NGX_OK, "a value as deep as allowed");

    len = ngx_av_test_nested(body, NGX_AV_TEST_DEPTH + 1);
    rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, body, len,
                            NGX_AV_TEST_DEPTH);
    is(rc, NGX_DECLINED, "a value one level deeper");

    len = ngx_av_test_nested(body, 20000);
    rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, body, len,
                            NGX_AV_TEST_DEPTH);
    is(rc, NGX_DECLINED, "a value of 20,000 levels");

    /* the same of groups */

    ngx_memset(body, 0x2b, 100000);
    rc = ngx_av_test_decode(&dump, NGX_AV_OTLP_TRACES, body, 100000,
                            NGX_AV_TEST_DEPTH);
    is(rc, NGX_DECLINED, "groups of 100,000 levels");
}


static void
ngx_av_test_memory(void)
{
    u_char                *body;
    size_t                 i, len;
    ngx_int_t              rc;
    ngx_uint_t             bad;
    ngx_av_buf_t           dump;
    ngx_av_otlp_limits_t   limits;

    /* a span of 100,000 attributes, each two bytes: 4 MB of records */

    body = ngx_palloc(ngx_av_test_pool, 1 << 20);

    for (i = 0; i < 100000; i++) {
        body[2 * i] = 0x4a;
        body[2 * i + 1] = 0;
    }

    len = ngx_av_test_wrap(body, 200000, "221");

    limits.depth = 0;
    limits.memory = 1024 * 1024;
    limits.account = NULL;

    (void) ngx_av_buf_init(&dump, ngx_av_test_pool, 4 << 20);

    rc = ngx_av_otlp_dump(&dump, NGX_AV_OTLP_TRACES, NGX_AV_OTLP_PROTOBUF,
                          body, len, &limits, &ngx_av_test_result);
    is(rc, NGX_ABORT, "attributes over the limit of memory");

    limits.memory = 16 * 1024 * 1024;
    rc = ngx_av_otlp_dump(&dump, NGX_AV_OTLP_TRACES, NGX_AV_OTLP_PROTOBUF,
                          body, len, &limits, &ngx_av_test_result);
    is(rc, NGX_OK, "and under it");

    bad = 0;

    for (i = 0; i < 100; i++) {

        dump.last = dump.start;
        ngx_av_stub_fail_after(i);

        rc = ngx_av_otlp_dump(&dump, NGX_AV_OTLP_TRACES,
                              NGX_AV_OTLP_PROTOBUF, body, len, &limits,
                              &ngx_av_test_result);
        ngx_av_stub_fail_never();

        if (rc == NGX_OK) {
            break;
        }

        bad += (rc != NGX_ERROR);
    }

    ok(bad == 0 && i > 2 && i < 100, "without memory it is an error");
}


/* Attributes and events by turns, so that neither array can grow in place. */

#define NGX_AV_TEST_MANY  3000

static ngx_int_t
ngx_av_test_many_span(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_span_t *span)
{
    ngx_uint_t                i, *bad = data;
    ngx_av_otlp_event_t      *event;
    ngx_av_otlp_attribute_t  *attr, *inner;

    (void) scope;

    if (span->attributes.nelts != NGX_AV_TEST_MANY
        || span->events.nelts != NGX_AV_TEST_MANY)
    {
        *bad += 1;
        return NGX_OK;
    }

    attr = span->attributes.elts;
    event = span->events.elts;

    for (i = 0; i < NGX_AV_TEST_MANY; i++) {

        inner = event[i].attributes.elts;

        *bad += (attr[i].key.len != 1
                 || attr[i].value.kind != NGX_AV_OTLP_INT
                 || attr[i].value.u.integer != (int64_t) (i % 128)
                 || event[i].attributes.nelts != 1
                 || inner->value.u.integer != (int64_t) (i % 128));
    }

    return NGX_OK;
}


static void
ngx_av_test_many(void)
{
    u_char                *body, *p;
    size_t                 len;
    ngx_int_t              rc;
    ngx_uint_t             i, bad;
    ngx_av_otlp_sink_t     sink;
    ngx_av_otlp_limits_t   limits;

    static const u_char  attr[] = "\x4a\x07\x0a\x01k\x12\x02\x18\x00";
    static const u_char  event[] = "\x5a\x09\x1a\x07\x0a\x01k\x12\x02"
                                   "\x18\x00";

    body = ngx_palloc(ngx_av_test_pool, 1 << 20);
    p = body;

    for (i = 0; i < NGX_AV_TEST_MANY; i++) {
        p = ngx_cpymem(p, attr, sizeof(attr) - 1);
        p[-1] = (u_char) (i % 128);
        p = ngx_cpymem(p, event, sizeof(event) - 1);
        p[-1] = (u_char) (i % 128);
    }

    len = ngx_av_test_wrap(body, p - body, "2");
    ngx_memcpy(body + len, body, len);
    len = ngx_av_test_wrap(body, 2 * len, "21");

    bad = 0;
    limits.depth = 0;
    limits.memory = NGX_AV_TEST_MEMORY;
    limits.account = NULL;

    ngx_memzero(&sink, sizeof(ngx_av_otlp_sink_t));
    sink.data = &bad;
    sink.span = ngx_av_test_many_span;

    rc = ngx_av_otlp_decode(NGX_AV_OTLP_TRACES, NGX_AV_OTLP_PROTOBUF, body,
                            len, &limits, &sink, &ngx_av_test_result);
    is(rc, NGX_OK, "two spans of thousands of attributes and events");
    is(bad, 0, "all of them are as sent");
}


typedef struct {
    ngx_int_t    answer;
    ngx_uint_t   calls;
    ngx_uint_t   stop;
} ngx_av_test_sink_t;


static ngx_int_t
ngx_av_test_handle(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_log_t *log)
{
    ngx_av_test_sink_t  *sink = data;

    (void) scope;
    (void) log;

    return (++sink->calls == sink->stop) ? sink->answer : NGX_OK;
}


static void
ngx_av_test_sink(void)
{
    u_char                 body[] = "\x0a\x0c\x12\x0a\x12\x02\x10\x01\x12\x02"
                                    "\x10\x02\x12\x00";
    ngx_int_t              rc;
    ngx_av_test_sink_t     test;
    ngx_av_otlp_sink_t     sink;
    ngx_av_otlp_limits_t   limits;

    limits.depth = 0;
    limits.memory = 65536;
    limits.account = NULL;

    ngx_memzero(&sink, sizeof(ngx_av_otlp_sink_t));
    sink.data = &test;

    rc = ngx_av_otlp_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                            sizeof(body) - 1, &limits, &sink,
                            &ngx_av_test_result);
    is(rc, NGX_OK, "nobody needs to listen");

    sink.log = ngx_av_test_handle;

    test.calls = 0;
    test.stop = 0;
    rc = ngx_av_otlp_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                            sizeof(body) - 1, &limits, &sink,
                            &ngx_av_test_result);
    ok(rc == NGX_OK && test.calls == 3, "all records are delivered");

    test.calls = 0;
    test.stop = 2;
    test.answer = NGX_DECLINED;
    rc = ngx_av_otlp_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                            sizeof(body) - 1, &limits, &sink,
                            &ngx_av_test_result);
    ok(rc == NGX_OK && test.calls == 2, "until the sink has enough");

    test.calls = 0;
    test.answer = NGX_ERROR;
    rc = ngx_av_otlp_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                            sizeof(body) - 1, &limits, &sink,
                            &ngx_av_test_result);
    ok(rc == NGX_ERROR && test.calls == 2, "or fails");
}


int
main(void)
{
    ngx_av_test_pool = ngx_create_pool(1024, NULL);

    ngx_av_test_records(NGX_AV_OTLP_TRACES, "221", ngx_av_test_spans);
    ngx_av_test_records(NGX_AV_OTLP_METRICS, "15221", ngx_av_test_numbers);
    ngx_av_test_records(NGX_AV_OTLP_METRICS, "19221",
                        ngx_av_test_histograms);
    ngx_av_test_records(NGX_AV_OTLP_METRICS, "1:221",
                        ngx_av_test_exponentials);
    ngx_av_test_records(NGX_AV_OTLP_METRICS, "1;221", ngx_av_test_summaries);
    ngx_av_test_records(NGX_AV_OTLP_METRICS, "221", ngx_av_test_metrics);
    ngx_av_test_records(NGX_AV_OTLP_LOGS, "221", ngx_av_test_logs);
    ngx_av_test_wraps();
    ngx_av_test_truncated();
    ngx_av_test_signals();
    ngx_av_test_depth();
    ngx_av_test_memory();
    ngx_av_test_many();
    ngx_av_test_sink();

    ngx_destroy_pool(ngx_av_test_pool);

    return ngx_av_tap_done();
}
