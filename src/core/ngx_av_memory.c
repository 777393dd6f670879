#include "ngx_av_memory.h"


/* What is small is asked for together. */
#define NGX_AV_MEMORY_STEP  (1024 * 1024)


ngx_int_t
ngx_av_memory_take(ngx_av_memory_t *memory, size_t size)
{
    size_t     used;
    ngx_int_t  rc;

    if (memory == NULL) {
        return NGX_OK;
    }

    if (size > NGX_MAX_SIZE_T_VALUE / 2 - memory->used) {
        return NGX_ABORT;
    }

    used = memory->used + size;

    if (used > memory->granted) {
        rc = memory->grant(memory, ngx_align(used, NGX_AV_MEMORY_STEP));
        if (rc != NGX_OK) {
            return rc;
        }
    }

    memory->used = used;

    return NGX_OK;
}


void
ngx_av_memory_give(ngx_av_memory_t *memory, size_t size)
{
    if (memory) {
        memory->used -= size;
    }
}
