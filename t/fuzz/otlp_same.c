/*
 * The input decides what a random request is like: as JSON and as protobuf it
 * must be the same records.
 */

#include "ngx_av_otlp_dump.h"
#include "ngx_av_otlp_random.h"


#define OTLP_DEPTH   4
#define OTLP_FIELDS  200


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Numbers of one byte or, after 0xff, of eight. */
static uint64_t
otlp_next(void *data)
{
    size_t      i, n;
    uint64_t    value;
    ngx_str_t  *left = data;

    if (left->len == 0) {
        return 0;
    }

    n = (left->data[0] == 0xff) ? 9 : 1;
    value = 0;

    for (i = (n > 1); i < n && i < left->len; i++) {
        value = value << 8 | left->data[i];
    }

    left->data += i;
    left->len -= i;

    return value;
}


static void
otlp_decode(ngx_av_otlp_signal_e signal, ngx_av_otlp_encoding_e encoding,
    const ngx_av_buf_t *body, ngx_av_buf_t *dump)
{
    ngx_int_t              rc;
    ngx_av_otlp_limits_t   limits;
    ngx_av_otlp_result_t   result;

    limits.memory = 16 * 1024 * 1024;
    limits.account = NULL;
    limits.depth = OTLP_DEPTH;

    rc = ngx_av_otlp_dump(dump, signal, encoding, body->start,
                          ngx_av_buf_len(body), &limits, &result);

    if (rc != NGX_OK) {
        fprintf(stderr, "%d: %.*s\n", (int) rc, (int) result.error.len,
                result.error.data);
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t              left;
    ngx_uint_t             signal;
    ngx_av_buf_t           json, proto, dumps[2];
    ngx_av_otlp_random_t   rnd;

    left.data = (u_char *) data;
    left.len = size;

    rnd.random = otlp_next;
    rnd.data = &left;
    rnd.pool = ngx_create_pool(1024, NULL);
    rnd.depth = OTLP_DEPTH;
    rnd.left = OTLP_FIELDS;

    if (rnd.pool == NULL
        || ngx_av_buf_init(&json, rnd.pool, 4096) != NGX_OK
        || ngx_av_buf_init(&proto, rnd.pool, 4096) != NGX_OK
        || ngx_av_buf_init(&dumps[0], rnd.pool, 4096) != NGX_OK
        || ngx_av_buf_init(&dumps[1], rnd.pool, 4096) != NGX_OK)
    {
        abort();
    }

    signal = otlp_next(&left) % (NGX_AV_OTLP_LOGS + 1);

    ngx_av_otlp_random(&rnd, signal, &json, &proto);

    otlp_decode(signal, NGX_AV_OTLP_PROTOBUF, &proto, &dumps[0]);
    otlp_decode(signal, NGX_AV_OTLP_JSON, &json, &dumps[1]);

    if (ngx_av_buf_len(&dumps[0]) != ngx_av_buf_len(&dumps[1])
        || ngx_memcmp(dumps[0].start, dumps[1].start,
                      ngx_av_buf_len(&dumps[0]))
           != 0)
    {
        fprintf(stderr, "%.*s\n%.*s\n%.*s\n",
                (int) ngx_av_buf_len(&json), json.start,
                (int) ngx_av_buf_len(&dumps[0]), dumps[0].start,
                (int) ngx_av_buf_len(&dumps[1]), dumps[1].start);
        abort();
    }

    ngx_destroy_pool(rnd.pool);

    return 0;
}
