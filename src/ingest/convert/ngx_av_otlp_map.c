#include "ngx_av_otlp_map.h"


#define NGX_AV_OTLP_MAP_MIN     64
#define NGX_AV_OTLP_MAP_KEYS    2048        /* bytes */

/* splitmix64 */
#define NGX_AV_OTLP_MAP_GAMMA   0x9e3779b97f4a7c15ULL
#define NGX_AV_OTLP_MAP_MIX1    0xbf58476d1ce4e5b9ULL
#define NGX_AV_OTLP_MAP_MIX2    0x94d049bb133111ebULL


__extension__ typedef unsigned __int128  ngx_av_otlp_uint128_t;


static ngx_av_otlp_slot_t *ngx_av_otlp_map_find(const ngx_av_otlp_map_t *map,
    const void *key, size_t len, uint32_t hash);
static u_char *ngx_av_otlp_map_copy(ngx_av_otlp_map_t *map, const void *key,
    size_t len);
static ngx_int_t ngx_av_otlp_map_grow(ngx_av_otlp_map_t *map);


void
ngx_av_otlp_map_init(ngx_av_otlp_map_t *map, ngx_pool_t *pool, uint64_t seed)
{
    uint64_t    z;
    ngx_uint_t  i;

    map->slots = NULL;
    map->nslots = 0;
    map->nused = 0;
    map->pos = NULL;
    map->end = NULL;
    map->pool = pool;

    for (i = 0; i < 2; i++) {
        seed += NGX_AV_OTLP_MAP_GAMMA;
        z = (seed ^ (seed >> 30)) * NGX_AV_OTLP_MAP_MIX1;
        z = (z ^ (z >> 27)) * NGX_AV_OTLP_MAP_MIX2;
        map->secret[i] = z ^ (z >> 31);
    }
}


void **
ngx_av_otlp_map_get(ngx_av_otlp_map_t *map, const void *key, size_t len)
{
    uint32_t             hash;
    ngx_av_otlp_slot_t  *slot;

    if (2 * map->nused >= map->nslots && ngx_av_otlp_map_grow(map) != NGX_OK) {
        return NULL;
    }

    hash = (uint32_t) ngx_av_otlp_hash(map->secret, key, len);
    slot = ngx_av_otlp_map_find(map, key, len, hash);

    if (slot->key) {
        return &slot->value;
    }

    slot->key = ngx_av_otlp_map_copy(map, key, len);
    if (slot->key == NULL) {
        return NULL;
    }

    slot->len = len;
    slot->hash = hash;
    map->nused++;

    return &slot->value;
}


/* Keys are many and small: they share pieces of memory. */

static u_char *
ngx_av_otlp_map_copy(ngx_av_otlp_map_t *map, const void *key, size_t len)
{
    u_char  *p;
    size_t   size;

    /* not of length 0: its pointer is what says that a slot is taken */

    size = len + 1;

    if ((size_t) (map->end - map->pos) < size) {

        p = ngx_pnalloc(map->pool, ngx_max(size, NGX_AV_OTLP_MAP_KEYS));
        if (p == NULL) {
            return NULL;
        }

        map->pos = p;
        map->end = p + ngx_max(size, NGX_AV_OTLP_MAP_KEYS);
    }

    p = map->pos;
    map->pos += size;

    ngx_memcpy(p, key, len);

    return p;
}


static ngx_inline uint64_t
ngx_av_otlp_map_load(const u_char *p)
{
    uint64_t  word;

    ngx_memcpy(&word, p, sizeof(uint64_t));

    return word;
}


static ngx_inline uint64_t
ngx_av_otlp_map_mix(uint64_t a, uint64_t b)
{
    ngx_av_otlp_uint128_t  product;

    product = (ngx_av_otlp_uint128_t) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}


/* After wyhash: folded products.  The secrets keep factors from being zero. */

uint64_t
ngx_av_otlp_hash(const uint64_t secret[2], const void *data, size_t len)
{
    u_char         tail[16];
    uint64_t       hash;
    const u_char  *p = data;

    hash = secret[1] ^ len;

    while (len >= sizeof(tail)) {
        hash = ngx_av_otlp_map_mix(ngx_av_otlp_map_load(p) ^ secret[0],
                                   ngx_av_otlp_map_load(p + 8) ^ hash);
        p += sizeof(tail);
        len -= sizeof(tail);
    }

    if (len) {
        ngx_memzero(tail, sizeof(tail));
        ngx_memcpy(tail, p, len);

        hash = ngx_av_otlp_map_mix(ngx_av_otlp_map_load(tail) ^ secret[0],
                                   ngx_av_otlp_map_load(tail + 8) ^ hash);
    }

    return ngx_av_otlp_map_mix(hash ^ secret[0], secret[1]);
}


static ngx_av_otlp_slot_t *
ngx_av_otlp_map_find(const ngx_av_otlp_map_t *map, const void *key, size_t len,
    uint32_t hash)
{
    ngx_uint_t           i;
    ngx_av_otlp_slot_t  *slot;

    for (i = hash; /* void */ ; i++) {
        slot = &map->slots[i & (map->nslots - 1)];

        if (slot->key == NULL) {
            return slot;
        }

        if (slot->hash == hash && slot->len == len
            && ngx_memcmp(slot->key, key, len) == 0)
        {
            return slot;
        }
    }
}


static ngx_int_t
ngx_av_otlp_map_grow(ngx_av_otlp_map_t *map)
{
    ngx_uint_t           i, j, nslots;
    ngx_av_otlp_slot_t  *slots;

    nslots = map->nslots ? 4 * map->nslots : NGX_AV_OTLP_MAP_MIN;

    slots = ngx_pcalloc(map->pool, nslots * sizeof(ngx_av_otlp_slot_t));
    if (slots == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < map->nslots; i++) {

        if (map->slots[i].key == NULL) {
            continue;
        }

        for (j = map->slots[i].hash; slots[j & (nslots - 1)].key; j++) {
            /* void */
        }

        slots[j & (nslots - 1)] = map->slots[i];
    }

    map->slots = slots;
    map->nslots = nslots;

    return NGX_OK;
}
