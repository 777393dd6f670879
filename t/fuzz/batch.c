/* Decodes anything as POST /traces/batch: the batch must be sound. */

#include "ngx_av_batch_check.h"


/* the usual limits, and some that everything is over */

static ngx_av_batch_limits_t  limits[] = {
    { 65536, 262144, 64, 16 * 1024 * 1024, NULL, 0, 0 },
    { 5, 16, 3, 16 * 1024 * 1024, NULL, 0, 0 },
    { 64, 40, 8, 65536, NULL, 0, 0 }
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_int_t              rc;
    ngx_str_t              detail;
    ngx_uint_t             i;
    const char            *error;
    ngx_av_batch_t        *batch;
    static ngx_av_uuid_t   account;
    static ngx_av_time_t   now = 1792756800 * NGX_AV_TIME_SECOND;

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {

        limits[i].earliest = now - 30 * NGX_AV_TIME_DAY;
        limits[i].latest = now + NGX_AV_TIME_DAY;

        batch = ngx_av_batch_create(NGX_AV_BATCH_TRACES, &account, NULL);
        ngx_str_null(&detail);

        rc = ngx_av_batch_decode(batch, data, size, &limits[i], now, &detail);

        switch (rc) {

        case NGX_OK:
            error = ngx_av_batch_check(batch, &limits[i]);

            if (error) {
                fprintf(stderr, "limits %d: %s\n", (int) i, error);
                abort();
            }

            break;

        case NGX_DECLINED:
            if (detail.len == 0 || detail.len > 256) {
                abort();
            }

            break;

        case NGX_ABORT:
            break;

        default:
            abort();
        }

        ngx_av_batch_destroy(batch);
    }

    return 0;
}
