#include "ngx_av_uuid.h"

/*
 * OpenSSL's SHA-1 uses what processors have for it; nginx's took a third of
 * the time that decoding metrics takes.  EVP, which is recommended, looks up
 * and allocates for each digest as long as such a short one takes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>


/* what the table says of a byte that is no hex digit: not a nibble */
#define NGX_AV_UUID_NO_HEX  0x80
#define X                   NGX_AV_UUID_NO_HEX

static const u_char  ngx_av_uuid_hex[256] = {
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, X, X, X, X, X, X,
    X, 10, 11, 12, 13, 14, 15, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, 10, 11, 12, 13, 14, 15, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X
};

#undef X


static ngx_inline ngx_uint_t
ngx_av_uuid_group_ends(ngx_uint_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}


ngx_int_t
ngx_av_uuid_parse(const u_char *p, size_t len, ngx_av_uuid_t *uuid)
{
    u_char      high, low, bad;
    ngx_uint_t  i, hyphens;

    if (len != NGX_AV_UUID_TEXT_LEN && len != 2 * sizeof(uuid->bytes)) {
        return NGX_ERROR;
    }

    hyphens = (len == NGX_AV_UUID_TEXT_LEN);
    bad = 0;

    for (i = 0; i < sizeof(uuid->bytes); i++) {

        if (hyphens && ngx_av_uuid_group_ends(i) && *p++ != '-') {
            return NGX_ERROR;
        }

        high = ngx_av_uuid_hex[*p++];
        low = ngx_av_uuid_hex[*p++];
        bad |= high | low;

        uuid->bytes[i] = high << 4 | low;
    }

    return (bad & NGX_AV_UUID_NO_HEX) ? NGX_ERROR : NGX_OK;
}


u_char *
ngx_av_uuid_format(u_char *p, const ngx_av_uuid_t *uuid)
{
    ngx_uint_t           i;
    static const u_char  hex[] = "0123456789abcdef";

    for (i = 0; i < sizeof(uuid->bytes); i++) {

        if (ngx_av_uuid_group_ends(i)) {
            *p++ = '-';
        }

        *p++ = hex[uuid->bytes[i] >> 4];
        *p++ = hex[uuid->bytes[i] & 0xf];
    }

    return p;
}


void
ngx_av_uuid_v5(ngx_av_uuid_t *uuid, const ngx_av_uuid_t *ns,
    const u_char *name, size_t len)
{
    u_char   digest[SHA_DIGEST_LENGTH];
    SHA_CTX  sha1;

    (void) SHA1_Init(&sha1);
    (void) SHA1_Update(&sha1, ns->bytes, sizeof(ns->bytes));
    (void) SHA1_Update(&sha1, name, len);
    (void) SHA1_Final(digest, &sha1);

    ngx_memcpy(uuid->bytes, digest, sizeof(uuid->bytes));

    uuid->bytes[6] = (uuid->bytes[6] & 0x0f) | 0x50;
    uuid->bytes[8] = (uuid->bytes[8] & 0x3f) | 0x80;
}
