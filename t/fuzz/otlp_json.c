/* Decodes anything as a request in JSON, of each signal. */

#include "ngx_av_otlp_dump.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_int_t              rc;
    ngx_uint_t             signal;
    ngx_pool_t            *pool;
    ngx_av_buf_t           dump;
    ngx_av_otlp_limits_t   limits;
    ngx_av_otlp_result_t   result;

    limits.memory = 1024 * 1024;
    limits.account = NULL;
    limits.depth = 8;

    pool = ngx_create_pool(1024, NULL);

    if (pool == NULL || ngx_av_buf_init(&dump, pool, 65536) != NGX_OK) {
        abort();
    }

    for (signal = 0; signal <= NGX_AV_OTLP_LOGS; signal++) {

        rc = ngx_av_otlp_dump(&dump, signal, NGX_AV_OTLP_JSON, data, size,
                              &limits, &result);

        if (rc != NGX_OK && rc != NGX_DECLINED && rc != NGX_ABORT) {
            abort();
        }

        if (rc == NGX_DECLINED
            && (result.error.len == 0
                || result.error.len > NGX_AV_OTLP_ERROR_LEN
                || result.offset > 3 * size))
        {
            abort();
        }
    }

    ngx_destroy_pool(pool);

    return 0;
}
