/*
 * The same request as JSON and as protobuf is the same batch, to the byte; and
 * whatever a request is made of, what a batch must be it is.
 */

#include "ngx_av_otlp_case.h"
#include "ngx_av_otlp_random.h"
#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


#define REQUESTS  2000              /* of each signal */
#define DEPTH     4
#define FIELDS    300


static const char *const  random_names[] = { "traces", "metrics", "logs" };


static uint64_t
random_number(void *data)
{
    (void) data;

    return ngx_av_stub_random() * 0x9e3779b97f4a7c15ull >> 3;
}


static ngx_uint_t
random_same_columns(const ngx_av_buf_t *a, const ngx_av_buf_t *b,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ngx_av_buf_len(&a[i]) != ngx_av_buf_len(&b[i])
            || (ngx_av_buf_len(&a[i])
                && ngx_memcmp(a[i].start, b[i].start, ngx_av_buf_len(&a[i]))))
        {
            ngx_av_tap_diag("column %lu: %lu, %lu", i, ngx_av_buf_len(&a[i]),
                            ngx_av_buf_len(&b[i]));
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
random_same_refs(const ngx_array_t *a, const ngx_array_t *b)
{
    ngx_uint_t           i;
    ngx_av_batch_ref_t  *ref, *other;

    ref = a->elts;
    other = b->elts;

    if (a->nelts != b->nelts) {
        return 0;
    }

    for (i = 0; i < a->nelts; i++) {
        if (ngx_memcmp(&ref[i].id, &other[i].id, 16)
            || ref[i].doc.len != other[i].doc.len
            || ngx_memcmp(ref[i].doc.data, other[i].doc.data, ref[i].doc.len))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
random_same_errors(const ngx_array_t *a, const ngx_array_t *b)
{
    ngx_uint_t             i;
    ngx_av_batch_error_t  *error, *other;

    error = a->elts;
    other = b->elts;

    if (a->nelts != b->nelts) {
        return 0;
    }

    for (i = 0; i < a->nelts; i++) {
        if (error[i].element != other[i].element
            || error[i].detail.len != other[i].detail.len
            || ngx_memcmp(error[i].detail.data, other[i].detail.data,
                          error[i].detail.len))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
random_same(const ngx_av_batch_t *a, const ngx_av_batch_t *b)
{
    ngx_uint_t  i;

    if (a->nrows != b->nrows || a->nrejected != b->nrejected
        || a->ntraces != b->ntraces || a->parts.nelts != b->parts.nelts)
    {
        ngx_av_tap_diag("rows %lu, %lu; refused %lu, %lu", a->nrows, b->nrows,
                        a->nrejected, b->nrejected);
        return 0;
    }

    for (i = 0; i < NGX_AV_NREFS; i++) {
        if (!random_same_refs(&a->refs[i], &b->refs[i])) {
            ngx_av_tap_diag("refs of kind %lu", i);
            return 0;
        }
    }

    return random_same_errors(&a->errors, &b->errors)
           && random_same_columns(a->traces, b->traces, NGX_AV_TRACE_NCOLUMNS)
           && random_same_columns(a->spans, b->spans, NGX_AV_SPAN_NCOLUMNS)
           && random_same_columns(a->rows, b->rows, NGX_AV_BATCH_NCOLUMNS);
}


static void
random_requests(ngx_av_otlp_signal_e signal, const char *what)
{
    ngx_pool_t            *pool;
    ngx_uint_t             i, bad, rows, refused, parts;
    ngx_av_buf_t           json, proto;
    ngx_av_batch_t        *a, *b;
    ngx_av_otlp_random_t   rnd;

    bad = 0;
    rows = 0;
    parts = 0;
    refused = 0;

    for (i = 0; i < REQUESTS; i++) {
        pool = ngx_create_pool(4096, NULL);

        if (pool == NULL
            || ngx_av_buf_init(&json, pool, 0) != NGX_OK
            || ngx_av_buf_init(&proto, pool, 0) != NGX_OK)
        {
            abort();
        }

        rnd.random = random_number;
        rnd.data = NULL;
        rnd.pool = pool;
        rnd.depth = DEPTH;
        rnd.left = FIELDS;

        ngx_av_otlp_random(&rnd, signal, &json, &proto);

        a = ngx_av_case_decode(signal, NGX_AV_OTLP_JSON, json.start,
                               ngx_av_buf_len(&json));
        bad += (ngx_av_case_rc != NGX_OK);

        b = ngx_av_case_decode(signal, NGX_AV_OTLP_PROTOBUF, proto.start,
                               ngx_av_buf_len(&proto));
        bad += (ngx_av_case_rc != NGX_OK);

        rows += a->nrows;
        refused += a->nrejected;
        parts += a->parts.nelts;

        if (!random_same(a, b)) {
            ngx_av_tap_diag("request %lu: %.*s", i,
                            (int) ngx_min(ngx_av_buf_len(&json), 1500),
                            json.start);
            bad++;
        }

        ngx_av_batch_destroy(a);
        ngx_av_batch_destroy(b);
        ngx_destroy_pool(pool);
    }

    is(bad, 0, "%s, %s: %lu rows in %lu parts, %lu refused",
       random_names[signal], what, rows, parts, refused);
    ok(rows > REQUESTS / 4, "which is enough");
}


int
main(void)
{
    ngx_uint_t  signal;

    ngx_av_case_reset();

    /* random times: all of them are kept */

    ngx_av_case_options.limits.earliest = INT64_MIN;
    ngx_av_case_options.limits.latest = INT64_MAX;

    for (signal = 0; signal < 3; signal++) {
        random_requests(signal, "all that is sent");
    }

    ngx_av_case_options.limits.attribute_limit = 64;
    ngx_av_case_options.limits.span_limit = 1024;

    for (signal = 0; signal < 3; signal++) {
        random_requests(signal, "some of it cut");
    }

    ngx_av_case_options.limits.attribute_limit = 8;
    ngx_av_case_options.limits.span_limit = 60;

    for (signal = 0; signal < 3; signal++) {
        random_requests(signal, "most of it cut");
    }

    return ngx_av_tap_done();
}
