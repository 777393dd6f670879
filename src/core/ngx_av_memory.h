/*
 * An account of memory that work takes as it goes on, which it cannot tell
 * beforehand: beyond what was granted it asks for more.
 */

#ifndef _NGX_AV_MEMORY_H_INCLUDED_
#define _NGX_AV_MEMORY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_av_memory_s  ngx_av_memory_t;

struct ngx_av_memory_s {
    size_t       used;
    size_t       granted;

    /*
     * Asks for more, so many bytes in all.  NGX_OK with granted raised;
     * NGX_BUSY: not now; NGX_ABORT: never.
     */
    ngx_int_t  (*grant)(ngx_av_memory_t *memory, size_t size);
};


/*
 * NGX_OK: size bytes more may be allocated; else as grant().  Where memory is
 * NULL nobody counts.
 */
ngx_int_t ngx_av_memory_take(ngx_av_memory_t *memory, size_t size);

void ngx_av_memory_give(ngx_av_memory_t *memory, size_t size);


#endif /* _NGX_AV_MEMORY_H_INCLUDED_ */
