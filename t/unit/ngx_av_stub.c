#include "ngx_av_stub.h"


void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);


static ngx_uint_t   ngx_av_stub_limit = NGX_MAX_UINT32_VALUE;
static ngx_uint_t   ngx_av_stub_count;


void
ngx_av_stub_fail_after(ngx_uint_t n)
{
    ngx_av_stub_limit = n;
    ngx_av_stub_count = 0;
}


void
ngx_av_stub_fail_never(void)
{
    ngx_av_stub_fail_after(NGX_MAX_UINT32_VALUE);
}


ngx_uint_t
ngx_av_stub_allocations(void)
{
    return ngx_av_stub_count;
}


void *
__wrap_malloc(size_t size)
{
    return (ngx_av_stub_count++ < ngx_av_stub_limit) ? __real_malloc(size)
                                                     : NULL;
}


void *
__wrap_realloc(void *p, size_t size)
{
    return (ngx_av_stub_count++ < ngx_av_stub_limit) ? __real_realloc(p, size)
                                                     : NULL;
}


uint64_t
ngx_av_stub_random(void)
{
    static uint64_t  state = 88172645463325252ULL;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return state;
}


u_char *
ngx_av_stub_copy(const void *p, size_t len)
{
    u_char  *copy;

    copy = __real_malloc(len);
    if (copy == NULL) {
        abort();
    }

    if (len) {
        ngx_memcpy(copy, p, len);
    }

    return copy;
}


ngx_pool_t *
ngx_create_pool(size_t size, ngx_log_t *log)
{
    ngx_pool_t  *pool;

    (void) size;

    pool = calloc(1, sizeof(ngx_pool_t));
    if (pool) {
        pool->log = log;
    }

    return pool;
}


void
ngx_destroy_pool(ngx_pool_t *pool)
{
    ngx_pool_large_t  *l, *next;

    for (l = pool->large; l; l = next) {
        next = l->next;
        free(l->alloc);
        free(l);
    }

    free(pool);
}


void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
    void              *p;
    ngx_pool_large_t  *l;

    p = __wrap_malloc(size);
    if (p == NULL) {
        return NULL;
    }

    l = __real_malloc(sizeof(ngx_pool_large_t));
    if (l == NULL) {
        free(p);
        return NULL;
    }

    l->alloc = p;
    l->next = pool->large;
    pool->large = l;

    return p;
}


void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    return ngx_palloc(pool, size);
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_palloc(pool, size);

    if (p) {
        ngx_memzero(p, size);
    }

    return p;
}


ngx_int_t
ngx_pfree(ngx_pool_t *pool, void *p)
{
    ngx_pool_large_t  *l;

    for (l = pool->large; l; l = l->next) {

        if (l->alloc == p) {
            free(p);
            l->alloc = NULL;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_hextoi(u_char *line, size_t n)
{
    char   text[2 * sizeof(ngx_int_t)];
    char  *end;
    long   value;

    if (n == 0 || n >= sizeof(text) || !isxdigit(line[0])) {
        return NGX_ERROR;
    }

    ngx_memcpy(text, line, n);
    text[n] = '\0';

    value = strtol(text, &end, 16);

    /* strtol() also knows a prefix "0x" */

    if (end != text + n || strpbrk(text, "xX")) {
        return NGX_ERROR;
    }

    return value;
}
