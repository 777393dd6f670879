/*
 * The table of prices as its reader fills it and its lookup uses it: private
 * to ngx_av_prices*.c.
 */

#ifndef _NGX_AV_PRICES_TABLE_H_INCLUDED_
#define _NGX_AV_PRICES_TABLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_prices.h"


struct ngx_av_price_s {
    ngx_str_t             model;        /* data is NULL: a free slot */
    uint32_t              hash;
    ngx_av_int128_t       input;        /* 10^-18 dollars per token */
    ngx_av_int128_t       output;
};


struct ngx_av_prices_s {
    ngx_av_price_t       *slots;
    ngx_uint_t            mask;         /* their number less one */
};


#define NGX_AV_PRICES_HASH  2166136261u


/* FNV-1a, byte by byte, of letters in lower case. */
static ngx_inline uint32_t
ngx_av_prices_hash(uint32_t hash, u_char c)
{
    return (hash ^ ngx_tolower(c)) * 16777619u;
}


/*
 * The entry of a name with that hash, in that very case or in any; NULL if
 * there is none.
 */
const ngx_av_price_t *ngx_av_prices_find(const ngx_av_prices_t *prices,
    const u_char *name, size_t len, uint32_t hash, ngx_uint_t any_case);


#endif /* _NGX_AV_PRICES_TABLE_H_INCLUDED_ */
