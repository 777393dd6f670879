/* UUIDs (RFC 9562) as 16 bytes in network order. */

#ifndef _NGX_AV_UUID_H_INCLUDED_
#define _NGX_AV_UUID_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_AV_UUID_TEXT_LEN  36

typedef struct {
    u_char  bytes[16];
} ngx_av_uuid_t;


/*
 * Reads the hyphenated form or 32 hex digits, either case.  NGX_ERROR for
 * anything else.
 */
ngx_int_t ngx_av_uuid_parse(const u_char *p, size_t len, ngx_av_uuid_t *uuid);

/* Writes the 36 characters, lower case; returns the end. */
u_char *ngx_av_uuid_format(u_char *p, const ngx_av_uuid_t *uuid);

/* Version 5: named by SHA-1 of the name space and the name. */
void ngx_av_uuid_v5(ngx_av_uuid_t *uuid, const ngx_av_uuid_t *ns,
    const u_char *name, size_t len);


static ngx_inline ngx_uint_t
ngx_av_uuid_is_nil(const ngx_av_uuid_t *uuid)
{
    uint64_t  halves[2];

    ngx_memcpy(halves, uuid->bytes, sizeof(uuid->bytes));

    return (halves[0] | halves[1]) == 0;
}


#endif /* _NGX_AV_UUID_H_INCLUDED_ */
