/*
 * A hash table of byte strings, for what one request repeats.  Its hash is
 * keyed, since clients choose what goes in.
 */

#ifndef _NGX_AV_OTLP_MAP_H_INCLUDED_
#define _NGX_AV_OTLP_MAP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    u_char                    *key;         /* NULL: free */
    uint32_t                   len;
    uint32_t                   hash;
    void                      *value;
} ngx_av_otlp_slot_t;


typedef struct {
    ngx_av_otlp_slot_t        *slots;
    ngx_uint_t                 nslots;      /* a power of two, or 0 */
    ngx_uint_t                 nused;
    uint64_t                   secret[2];
    u_char                    *pos;         /* room for keys */
    u_char                    *end;
    ngx_pool_t                *pool;
} ngx_av_otlp_map_t;


/* Allocates nothing yet.  seed: what a client cannot tell. */
void ngx_av_otlp_map_init(ngx_av_otlp_map_t *map, ngx_pool_t *pool,
    uint64_t seed);

/*
 * The value of a key, to be read and set; NULL in a key that is new, and is
 * copied.  Valid until the next call.  NULL without memory.
 */
void **ngx_av_otlp_map_get(ngx_av_otlp_map_t *map, const void *key,
    size_t len);


/*
 * The hash by itself.  It is the same on all machines that store words alike;
 * who knows the secret can make collisions.
 */
uint64_t ngx_av_otlp_hash(const uint64_t secret[2], const void *p, size_t len);


#endif /* _NGX_AV_OTLP_MAP_H_INCLUDED_ */
