#include "ngx_av_agents.h"


#define NGX_AV_AGENTS_SLOTS     4096
#define NGX_AV_AGENTS_LIFETIME  60      /* seconds */


static ngx_av_uuid_t  ngx_av_agents_slots[NGX_AV_AGENTS_SLOTS];
static time_t         ngx_av_agents_expire;


/* UUIDv5 are hashes: any two bytes of them make an index. */

static ngx_av_uuid_t *
ngx_av_agents_slot(const ngx_av_uuid_t *id)
{
    ngx_uint_t  n;

    n = ((ngx_uint_t) id->bytes[0] << 8) | id->bytes[1];

    return &ngx_av_agents_slots[n % NGX_AV_AGENTS_SLOTS];
}


ngx_uint_t
ngx_av_agents_known(const ngx_av_uuid_t *id)
{
    if (ngx_time() >= ngx_av_agents_expire) {
        ngx_memzero(ngx_av_agents_slots, sizeof(ngx_av_agents_slots));
        ngx_av_agents_expire = ngx_time() + NGX_AV_AGENTS_LIFETIME;
        return 0;
    }

    return ngx_memcmp(ngx_av_agents_slot(id), id, sizeof(ngx_av_uuid_t)) == 0;
}


void
ngx_av_agents_remember(const ngx_av_uuid_t *id)
{
    *ngx_av_agents_slot(id) = *id;
}
