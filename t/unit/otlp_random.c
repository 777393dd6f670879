/* The same request as JSON and as protobuf is the same records. */

#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_otlp_dump.h"
#include "ngx_av_otlp_random.h"


#define NGX_AV_TEST_REQUESTS  4000      /* of each signal */
#define NGX_AV_TEST_DEPTH     4
#define NGX_AV_TEST_FIELDS    200


static const char * const  ngx_av_test_names[] = {
    "traces", "metrics", "logs"
};


static uint64_t
ngx_av_test_random(void *data)
{
    (void) data;

    /* the low bits of the next are those of this one, shifted */

    return ngx_av_stub_random() * 0x9e3779b97f4a7c15ull >> 3;
}


static size_t
ngx_av_test_decode(ngx_pool_t *pool, ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, ngx_av_buf_t *body, ngx_av_buf_t *dump)
{
    u_char                *copy;
    ngx_int_t              rc;
    ngx_av_otlp_limits_t   limits;
    ngx_av_otlp_result_t   result;

    limits.memory = 16 * 1024 * 1024;
    limits.account = NULL;
    limits.depth = NGX_AV_TEST_DEPTH;

    copy = ngx_av_stub_copy(body->start, ngx_av_buf_len(body));

    if (ngx_av_buf_init(dump, pool, 0) != NGX_OK) {
        abort();
    }

    rc = ngx_av_otlp_dump(dump, signal, encoding, copy, ngx_av_buf_len(body),
                          &limits, &result);

    if (rc != NGX_OK) {
        ngx_av_tap_diag("%d: %.*s", (int) rc, (int) result.error.len,
                        result.error.data);
    }

    free(copy);

    return (rc == NGX_OK) ? ngx_av_buf_len(dump) : (size_t) -1;
}


/* Returns whether the dumps differ. */
static ngx_uint_t
ngx_av_test_request(ngx_av_otlp_signal_e signal, size_t *bytes)
{
    size_t                len;
    ngx_uint_t            bad;
    ngx_av_buf_t          json, proto, dumps[2];
    ngx_av_otlp_random_t  rnd;

    ngx_memzero(&rnd, sizeof(ngx_av_otlp_random_t));

    rnd.random = ngx_av_test_random;
    rnd.pool = ngx_create_pool(1024, NULL);
    rnd.depth = NGX_AV_TEST_DEPTH;
    rnd.left = ngx_av_test_random(NULL) % NGX_AV_TEST_FIELDS;

    if (rnd.pool == NULL
        || ngx_av_buf_init(&json, rnd.pool, 0) != NGX_OK
        || ngx_av_buf_init(&proto, rnd.pool, 0) != NGX_OK)
    {
        abort();
    }

    ngx_av_otlp_random(&rnd, signal, &json, &proto);

    len = ngx_av_test_decode(rnd.pool, signal, NGX_AV_OTLP_PROTOBUF, &proto,
                             &dumps[0]);

    bad = (len == (size_t) -1
           || ngx_av_test_decode(rnd.pool, signal, NGX_AV_OTLP_JSON, &json,
                                 &dumps[1])
              != len
           || (len && ngx_memcmp(dumps[0].start, dumps[1].start, len) != 0));

    if (bad) {
        ngx_av_tap_diag("JSON: %.*s", (int) ngx_av_buf_len(&json), json.start);
        ngx_av_tap_diag("protobuf: %.*s", (int) ngx_av_buf_len(&dumps[0]),
                        dumps[0].start);
        ngx_av_tap_diag("JSON: %.*s", (int) ngx_av_buf_len(&dumps[1]),
                        dumps[1].start);
    }

    *bytes += len;

    ngx_destroy_pool(rnd.pool);

    return bad;
}


int
main(void)
{
    size_t      bytes;
    ngx_uint_t  i, bad, signal;

    for (signal = 0; signal <= NGX_AV_OTLP_LOGS; signal++) {

        bad = 0;
        bytes = 0;

        for (i = 0; i < NGX_AV_TEST_REQUESTS; i++) {
            bad += ngx_av_test_request(signal, &bytes);
        }

        is(bad, 0, "%s: JSON and protobuf are the same",
           ngx_av_test_names[signal]);
        ok(bytes > 100 * NGX_AV_TEST_REQUESTS, "and there is much of them");
    }

    return ngx_av_tap_done();
}
