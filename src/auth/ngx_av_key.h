/*
 * API keys: from a bearer token to the account that it speaks for, by way of
 * the shared cache or the database.
 */

#ifndef _NGX_AV_KEY_H_INCLUDED_
#define _NGX_AV_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"
#include "ngx_av_uuid.h"


#define NGX_AV_SCOPE_NONE   0
#define NGX_AV_SCOPE_READ   0x01
#define NGX_AV_SCOPE_WRITE  0x02

#define NGX_AV_KEY_PREFIX_LEN  (sizeof("av_") - 1 + 8)
#define NGX_AV_KEY_LEN         (sizeof("av_") - 1 + 64)

typedef struct {
    u_char  bytes[32];          /* SHA-256 of the key's text */
} ngx_av_key_hash_t;

typedef struct {
    ngx_av_uuid_t  account;
    ngx_uint_t     scopes;
    u_char         prefix[NGX_AV_KEY_PREFIX_LEN];
} ngx_av_identity_t;


/*
 * NGX_OK; NGX_DECLINED if it is not "av_" and 64 lower-case hex digits;
 * NGX_ERROR if OpenSSL fails.
 */
ngx_int_t ngx_av_key_hash(ngx_str_t *key, ngx_av_key_hash_t *hash);

/*
 * Asks the shared cache: NGX_OK with the identity; NGX_DECLINED if the key is
 * known not to be valid (unknown, revoked, expired); NGX_AGAIN if the database
 * must be asked.
 */
ngx_int_t ngx_av_key_find(ngx_av_key_hash_t *hash, ngx_av_identity_t *id);

/*
 * Asks the database, once for all who ask for the same key at the same time in
 * this worker, and fills the cache.  done() gets NGX_OK, NGX_DECLINED as
 * above, or NGX_ERROR if the database did not answer; it is not called after
 * the lookup is cancelled.  NGX_ERROR without memory.
 */
typedef struct ngx_av_key_lookup_s  ngx_av_key_lookup_t;

struct ngx_av_key_lookup_s {
    ngx_queue_t         queue;
    void              (*done)(ngx_av_key_lookup_t *lookup, ngx_int_t rc,
                              ngx_av_identity_t *id);
    void               *data;
    unsigned            waiting:1;
};

ngx_int_t ngx_av_key_lookup(ngx_av_key_hash_t *hash,
    ngx_av_key_lookup_t *lookup, ngx_log_t *log);
void ngx_av_key_lookup_cancel(ngx_av_key_lookup_t *lookup);

/* A notification, or this worker itself, says that the key has changed. */
void ngx_av_key_forget(ngx_av_key_hash_t *hash);

/* Everything cached must be read again: notifications may have been lost. */
void ngx_av_key_forget_all(void);


/* Statements that the reader pool must prepare. */
extern const ngx_av_db_statement_t  ngx_av_key_statement;


#endif /* _NGX_AV_KEY_H_INCLUDED_ */
