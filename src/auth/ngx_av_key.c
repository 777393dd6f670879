#include "ngx_av_key.h"
#include "ngx_av_auth.h"
#include "ngx_av_quota.h"
#include "ngx_av_time.h"
#include "ngx_av_zone.h"

#include <openssl/evp.h>


/* of one lookup, queueing included */
#define NGX_AV_KEY_TIMEOUT  5000

/* a key's scopes in the database may repeat */
#define NGX_AV_KEY_SCOPES   16

#define NGX_AV_KEY_DIGITS   (NGX_AV_KEY_PREFIX_LEN - (sizeof("av_") - 1))


/* In the shared zone; 128 bytes on a 64-bit platform. */

typedef struct {
    ngx_av_zone_item_t   item;
    u_char               rest[NGX_AV_ZONE_REST(32)];

    ngx_av_uuid_t        account;
    int64_t              expires;       /* as ngx_av_time_pg_timestamp() */
    ngx_msec_t           read;          /* from the database, then */
    uint32_t             epoch;
    u_char               prefix[NGX_AV_KEY_DIGITS];
    u_char               scopes;
    u_char               known;
} ngx_av_key_node_t;


/* One question to the database, for all who want to know. */

typedef struct {
    ngx_queue_t          queue;
    ngx_queue_t          waiters;
    ngx_av_key_hash_t    hash;
    ngx_av_auth_read_t   read;
    int32_t              month;

    /* of the zone, when it was sent */
    uint32_t             epoch;
    ngx_uint_t           forgets;
    ngx_uint_t           settled;

    /* the answer */
    ngx_av_identity_t    id;
    int64_t              expires;
    int64_t              limit;
    int64_t              events;

    unsigned             known:1;
    unsigned             broken:1;
} ngx_av_key_query_t;


static ngx_av_key_query_t *ngx_av_key_query_find(ngx_av_key_hash_t *hash);
static ngx_av_key_query_t *ngx_av_key_query_send(ngx_av_key_hash_t *hash);
static void ngx_av_key_query_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static ngx_int_t ngx_av_key_query_row(ngx_av_key_query_t *query,
    const ngx_av_db_result_t *res);
static ngx_int_t ngx_av_key_query_scopes(ngx_uint_t *scopes,
    const ngx_av_db_result_t *res);
static void ngx_av_key_query_done(ngx_av_db_op_t *op);
static ngx_int_t ngx_av_key_query_outcome(ngx_av_key_query_t *query);
static void ngx_av_key_query_wake(ngx_av_key_query_t *query, ngx_int_t rc);
static void ngx_av_key_keep(ngx_av_key_query_t *query);
static ngx_av_key_node_t *ngx_av_key_node_find(ngx_av_key_hash_t *hash);
static ngx_av_key_node_t *ngx_av_key_node_alloc(ngx_uint_t known);
static void ngx_av_key_node_free(ngx_av_key_node_t *node);
static ngx_uint_t ngx_av_key_node_free_last(ngx_queue_t *lru);
static int64_t ngx_av_key_now(void);


static const uint32_t  ngx_av_key_types[] = {
    NGX_AV_DB_BYTEA, NGX_AV_DB_DATE
};

const ngx_av_db_statement_t  ngx_av_key_statement = {
    "api_key",
    "select account_id, prefix, scopes, expires_at, events_limit, events "
    "from agentvista.api_key($1, $2)",
    ngx_av_key_types, 2
};


static ngx_queue_t  ngx_av_key_queries = {
    &ngx_av_key_queries, &ngx_av_key_queries
};

static EVP_MD_CTX  *ngx_av_key_md;


ngx_int_t
ngx_av_key_hash(ngx_str_t *key, ngx_av_key_hash_t *hash)
{
    u_char      ch;
    ngx_uint_t  i;

    if (key->len != NGX_AV_KEY_LEN || ngx_memcmp(key->data, "av_", 3) != 0) {
        return NGX_DECLINED;
    }

    for (i = 3; i < NGX_AV_KEY_LEN; i++) {
        ch = key->data[i];

        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f'))) {
            return NGX_DECLINED;
        }
    }

    /*
     * One context for all: OpenSSL 3 looks an algorithm up by name each time
     * it starts with it, but not when it starts again.
     */

    if (ngx_av_key_md == NULL) {
        ngx_av_key_md = EVP_MD_CTX_new();

        if (ngx_av_key_md == NULL
            || EVP_DigestInit_ex(ngx_av_key_md, EVP_sha256(), NULL) != 1)
        {
            goto failed;
        }

    } else if (EVP_DigestInit_ex(ngx_av_key_md, NULL, NULL) != 1) {
        goto failed;
    }

    if (EVP_DigestUpdate(ngx_av_key_md, key->data, key->len) != 1
        || EVP_DigestFinal_ex(ngx_av_key_md, hash->bytes, NULL) != 1)
    {
        goto failed;
    }

    return NGX_OK;

failed:

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "SHA-256 of OpenSSL failed");

    EVP_MD_CTX_free(ngx_av_key_md);
    ngx_av_key_md = NULL;

    return NGX_ERROR;
}


ngx_int_t
ngx_av_key_find(ngx_av_key_hash_t *hash, ngx_av_identity_t *id)
{
    int64_t             now;
    ngx_int_t           rc;
    ngx_msec_t          ttl;
    ngx_msec_int_t      age;
    ngx_av_key_node_t  *node;

    rc = NGX_AGAIN;
    now = ngx_av_key_now();
    ttl = ngx_av_zone_is_heard() ? ngx_av_auth_conf->key_ttl
                                 : ngx_av_auth_conf->unheard_ttl;

    ngx_av_zone_lock();

    node = ngx_av_key_node_find(hash);

    if (node == NULL || node->epoch != ngx_av_zone->epoch) {
        goto done;
    }

    if (!node->known) {
        ttl = ngx_av_auth_conf->unknown_ttl;
    }

    /* another worker's clock may be a little ahead of ours */
    age = (ngx_msec_int_t) (ngx_current_msec - node->read);

    if (age > 0 && (ngx_msec_t) age >= ttl) {
        goto done;
    }

    ngx_queue_remove(&node->item.queue);
    ngx_queue_insert_head(node->known ? &ngx_av_zone->keys_lru
                                      : &ngx_av_zone->unknown_lru,
                          &node->item.queue);

    if (!node->known || node->expires <= now) {
        rc = NGX_DECLINED;
        goto done;
    }

    id->account = node->account;
    id->scopes = node->scopes;

    ngx_memcpy(ngx_cpymem(id->prefix, "av_", 3), node->prefix,
               NGX_AV_KEY_DIGITS);

    rc = NGX_OK;

done:

    ngx_av_zone_unlock();

    ngx_av_stats_add(rc == NGX_OK ? NGX_AV_STATS_KEY_HITS
                     : rc == NGX_DECLINED ? NGX_AV_STATS_KEY_NEGATIVE
                     : NGX_AV_STATS_KEY_MISSES, 1);

    return rc;
}


ngx_int_t
ngx_av_key_lookup(ngx_av_key_hash_t *hash, ngx_av_key_lookup_t *lookup,
    ngx_log_t *log)
{
    ngx_av_key_query_t  *query;

    query = ngx_av_key_query_find(hash);

    if (query == NULL) {
        query = ngx_av_key_query_send(hash);
        if (query == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, log, 0,
                   "agentvista key lookup query:%p", query);

    ngx_queue_insert_tail(&query->waiters, &lookup->queue);
    lookup->waiting = 1;

    return NGX_OK;
}


void
ngx_av_key_lookup_cancel(ngx_av_key_lookup_t *lookup)
{
    if (lookup->waiting) {
        ngx_queue_remove(&lookup->queue);
        lookup->waiting = 0;
    }
}


/*
 * A query under way for the same key, unless some key has been forgotten since
 * it was sent: its answer may be older than a change of which our asker
 * already knows.
 */

static ngx_av_key_query_t *
ngx_av_key_query_find(ngx_av_key_hash_t *hash)
{
    ngx_queue_t         *q;
    ngx_av_key_query_t  *query;

    for (q = ngx_queue_head(&ngx_av_key_queries);
         q != ngx_queue_sentinel(&ngx_av_key_queries);
         q = ngx_queue_next(q))
    {
        query = ngx_queue_data(q, ngx_av_key_query_t, queue);

        if (query->epoch == ngx_av_zone->epoch
            && query->forgets == ngx_av_zone->forgets
            && ngx_memcmp(&query->hash, hash, sizeof(ngx_av_key_hash_t)) == 0)
        {
            return query;
        }
    }

    return NULL;
}


static ngx_av_key_query_t *
ngx_av_key_query_send(ngx_av_key_hash_t *hash)
{
    ngx_av_key_query_t  *query;

    query = ngx_calloc(sizeof(ngx_av_key_query_t), ngx_cycle->log);
    if (query == NULL) {
        return NULL;
    }

    ngx_queue_init(&query->waiters);
    ngx_queue_insert_tail(&ngx_av_key_queries, &query->queue);

    query->hash = *hash;
    query->month = ngx_av_auth_month(ngx_time());

    ngx_av_zone_lock();

    query->epoch = ngx_av_zone->epoch;
    query->forgets = ngx_av_zone->forgets;
    query->settled = ngx_av_zone->settled;

    ngx_av_zone_unlock();

    query->read.op.result = ngx_av_key_query_result;
    query->read.op.done = ngx_av_key_query_done;
    query->read.op.data = query;

    ngx_av_auth_read(&query->read, &ngx_av_key_statement, query->hash.bytes,
                     sizeof(query->hash.bytes), query->month, -1,
                     NGX_AV_KEY_TIMEOUT);

    return query;
}


static void
ngx_av_key_query_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_av_key_query_t  *query;

    query = op->data;

    if (ngx_av_db_nrows(res) == 0) {
        return;
    }

    if (ngx_av_key_query_row(query, res) != NGX_OK) {
        query->broken = 1;
        return;
    }

    query->known = 1;
}


static ngx_int_t
ngx_av_key_query_row(ngx_av_key_query_t *query, const ngx_av_db_result_t *res)
{
    ngx_str_t  account, prefix;

    account = ngx_av_db_value(res, 0, 0);
    prefix = ngx_av_db_value(res, 0, 1);

    if (account.len != sizeof(ngx_av_uuid_t)
        || prefix.len != NGX_AV_KEY_PREFIX_LEN
        || ngx_av_key_query_scopes(&query->id.scopes, res) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(&query->id.account, account.data, account.len);
    ngx_memcpy(query->id.prefix, prefix.data, prefix.len);

    query->expires = ngx_av_db_is_null(res, 0, 3) ? INT64_MAX
                                                  : ngx_av_db_int8(res, 0, 3);
    query->limit = ngx_av_db_is_null(res, 0, 4) ? -1
                                                : ngx_av_db_int8(res, 0, 4);
    query->events = ngx_av_db_int8(res, 0, 5);

    return NGX_OK;
}


static ngx_int_t
ngx_av_key_query_scopes(ngx_uint_t *scopes, const ngx_av_db_result_t *res)
{
    ngx_str_t   elts[NGX_AV_KEY_SCOPES];
    ngx_uint_t  i, n;

    *scopes = 0;

    if (ngx_av_db_text_array(res, 0, 2, elts, NGX_AV_KEY_SCOPES, &n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        if (elts[i].len == 4 && ngx_memcmp(elts[i].data, "read", 4) == 0) {
            *scopes |= NGX_AV_SCOPE_READ;

        } else if (elts[i].len == 5
                   && ngx_memcmp(elts[i].data, "write", 5) == 0)
        {
            *scopes |= NGX_AV_SCOPE_WRITE;
        }
    }

    return NGX_OK;
}


static void
ngx_av_key_query_done(ngx_av_db_op_t *op)
{
    ngx_int_t            rc;
    ngx_av_key_query_t  *query;

    query = op->data;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "agentvista key lookup query:%p done:%d",
                   query, (int) op->status);

    rc = ngx_av_key_query_outcome(query);

    ngx_queue_remove(&query->queue);

    if (rc != NGX_ERROR) {
        ngx_av_key_keep(query);

        if (query->known) {
            ngx_av_quota_learn(&query->id.account, query->limit, query->events,
                               query->month, query->settled);
        }
    }

    ngx_av_key_query_wake(query, rc);

    ngx_free(query);
}


static ngx_int_t
ngx_av_key_query_outcome(ngx_av_key_query_t *query)
{
    ngx_av_db_op_t  *op;

    op = &query->read.op;

    if (op->status == NGX_AV_DB_FAILED) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "API key lookup failed, SQLSTATE %s", op->sqlstate);
        return NGX_ERROR;
    }

    if (op->status != NGX_AV_DB_OK) {
        /* the pool logs its losses, the requests their refusal */
        return NGX_ERROR;
    }

    if (query->broken) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "API key lookup brought an impossible row");
        return NGX_ERROR;
    }

    if (!query->known || query->expires <= ngx_av_key_now()) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_av_key_query_wake(ngx_av_key_query_t *query, ngx_int_t rc)
{
    ngx_queue_t          *q;
    ngx_av_key_lookup_t  *lookup;

    /* what one of them does may cancel others: never look ahead */

    while (!ngx_queue_empty(&query->waiters)) {
        q = ngx_queue_head(&query->waiters);
        ngx_queue_remove(q);

        lookup = ngx_queue_data(q, ngx_av_key_lookup_t, queue);
        lookup->waiting = 0;

        lookup->done(lookup, rc, &query->id);
    }
}


/* Caches an answer, unless it may be older than what has been forgotten. */

static void
ngx_av_key_keep(ngx_av_key_query_t *query)
{
    ngx_av_key_node_t  *node;

    ngx_av_zone_lock();

    if (query->epoch != ngx_av_zone->epoch
        || query->forgets != ngx_av_zone->forgets)
    {
        goto done;
    }

    node = ngx_av_key_node_find(&query->hash);

    if (node) {
        ngx_av_key_node_free(node);
    }

    node = ngx_av_key_node_alloc(query->known);
    if (node == NULL) {
        goto done;
    }

    node->epoch = query->epoch;
    node->read = ngx_current_msec;

    if (query->known) {
        node->account = query->id.account;
        node->expires = query->expires;
        node->scopes = (u_char) query->id.scopes;

        ngx_memcpy(node->prefix, query->id.prefix + 3, NGX_AV_KEY_DIGITS);
    }

    ngx_av_zone_insert(&ngx_av_zone->keys, &node->item, query->hash.bytes,
                       sizeof(query->hash.bytes));

done:

    ngx_av_zone_unlock();
}


void
ngx_av_key_forget(ngx_av_key_hash_t *hash)
{
    ngx_av_key_node_t  *node;

    ngx_av_zone_lock();

    ngx_av_zone->forgets++;

    node = ngx_av_key_node_find(hash);

    if (node) {
        ngx_av_key_node_free(node);
    }

    ngx_av_zone_unlock();
}


void
ngx_av_key_forget_all(void)
{
    ngx_av_zone_lock();

    ngx_av_zone->epoch++;

    ngx_av_zone_unlock();
}


static ngx_av_key_node_t *
ngx_av_key_node_find(ngx_av_key_hash_t *hash)
{
    return (ngx_av_key_node_t *)
               ngx_av_zone_find(&ngx_av_zone->keys, hash->bytes,
                                sizeof(hash->bytes));
}


/*
 * A node in its LRU, not in the tree yet.  Unknown keys take only each other's
 * place, so that no flood of guesses can evict a known key.  NULL if there is
 * no place: then the answer is not cached, and everything else works.
 */

static ngx_av_key_node_t *
ngx_av_key_node_alloc(ngx_uint_t known)
{
    ngx_av_zone_t      *zone;
    ngx_av_key_node_t  *node;

    zone = ngx_av_zone;

    if (known ? zone->nkeys >= zone->max_keys
              : zone->nunknown >= zone->max_unknown)
    {
        (void) ngx_av_key_node_free_last(known ? &zone->keys_lru
                                               : &zone->unknown_lru);
    }

    node = ngx_slab_calloc_locked(ngx_av_zone_pool, sizeof(ngx_av_key_node_t));

    if (node == NULL) {
        if (!ngx_av_key_node_free_last(&zone->unknown_lru)
            && !(known && ngx_av_key_node_free_last(&zone->keys_lru)))
        {
            return NULL;
        }

        node = ngx_slab_calloc_locked(ngx_av_zone_pool,
                                      sizeof(ngx_av_key_node_t));
        if (node == NULL) {
            return NULL;
        }
    }

    node->known = known ? 1 : 0;

    if (known) {
        zone->nkeys++;
        ngx_queue_insert_head(&zone->keys_lru, &node->item.queue);

    } else {
        zone->nunknown++;
        ngx_queue_insert_head(&zone->unknown_lru, &node->item.queue);
    }

    return node;
}


static void
ngx_av_key_node_free(ngx_av_key_node_t *node)
{
    if (node->known) {
        ngx_av_zone->nkeys--;

    } else {
        ngx_av_zone->nunknown--;
    }

    ngx_queue_remove(&node->item.queue);
    ngx_rbtree_delete(&ngx_av_zone->keys, &node->item.node);

    ngx_slab_free_locked(ngx_av_zone_pool, node);
}


static ngx_uint_t
ngx_av_key_node_free_last(ngx_queue_t *lru)
{
    ngx_queue_t         *q;
    ngx_av_zone_item_t  *item;

    if (ngx_queue_empty(lru)) {
        return 0;
    }

    q = ngx_queue_last(lru);
    item = ngx_queue_data(q, ngx_av_zone_item_t, queue);

    ngx_av_key_node_free((ngx_av_key_node_t *) item);

    return 1;
}


static int64_t
ngx_av_key_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return ngx_av_time_pg_timestamp((ngx_av_time_t) tp->sec
                                    * NGX_AV_TIME_SECOND
                                    + (ngx_av_time_t) tp->msec * 1000000);
}
