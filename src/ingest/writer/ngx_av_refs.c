#include "ngx_av_refs.h"


#define NGX_AV_REFS_SLOTS     65536
#define NGX_AV_REFS_LIFETIME  60      /* seconds */


static ngx_av_uuid_t  ngx_av_refs_slots[NGX_AV_REFS_SLOTS];
static time_t         ngx_av_refs_expire;


/* UUIDv5 are hashes: any two bytes of them make an index. */

static ngx_av_uuid_t *
ngx_av_refs_slot(const ngx_av_uuid_t *id)
{
    ngx_uint_t  n;

    n = ((ngx_uint_t) id->bytes[0] << 8) | id->bytes[1];

    return &ngx_av_refs_slots[n % NGX_AV_REFS_SLOTS];
}


ngx_uint_t
ngx_av_refs_known(const ngx_av_uuid_t *id)
{
    if (ngx_time() >= ngx_av_refs_expire) {
        ngx_memzero(ngx_av_refs_slots, sizeof(ngx_av_refs_slots));
        ngx_av_refs_expire = ngx_time() + NGX_AV_REFS_LIFETIME;
        return 0;
    }

    return ngx_memcmp(ngx_av_refs_slot(id), id, sizeof(ngx_av_uuid_t)) == 0;
}


void
ngx_av_refs_remember(const ngx_av_uuid_t *id)
{
    *ngx_av_refs_slot(id) = *id;
}
