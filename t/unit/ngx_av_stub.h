/*
 * A stand-in for what src/core needs of nginx.  Every allocation from a pool
 * is its own malloc(), so that ASan and valgrind see it overrun.
 */

#ifndef _NGX_AV_STUB_H_INCLUDED_
#define _NGX_AV_STUB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Lets n allocations succeed, by the pool or by malloc() and realloc() in
 * src/core (the tests are linked with --wrap for them), and no more.
 */
void ngx_av_stub_fail_after(ngx_uint_t n);
void ngx_av_stub_fail_never(void);

/* Allocations asked for since one of the above. */
ngx_uint_t ngx_av_stub_allocations(void);

/* The same sequence in every run: xorshift64. */
uint64_t ngx_av_stub_random(void);

/* A copy that ends where its block ends; to be freed. */
u_char *ngx_av_stub_copy(const void *p, size_t len);


#endif /* _NGX_AV_STUB_H_INCLUDED_ */
