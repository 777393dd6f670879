#include "ngx_av_quota.h"
#include "ngx_av_auth.h"


/* of one read, queueing included */
#define NGX_AV_QUOTA_TIMEOUT  5000

/* an account in use learns this often what other hosts have charged */
#define NGX_AV_QUOTA_REFRESH  5000

/* after a read that failed */
#define NGX_AV_QUOTA_RETRY    100

/*
 * What was sent over a connection that was lost may still be on its way into
 * the server; once it has begun there, the server is asked.
 */
#define NGX_AV_QUOTA_GRACE    1000

/* by now it has begun and ended */
#define NGX_AV_QUOTA_OVER     60000

/* how many of the least recently used accounts are looked at for eviction */
#define NGX_AV_QUOTA_EVICT    16

/* why a node is stale: its usage must be read, */
#define NGX_AV_QUOTA_UNSURE   1

/* and before that, transactions that may be charging must be over */
#define NGX_AV_QUOTA_OPEN     2

/* limits that are none */
#define NGX_AV_QUOTA_NONE     -1
#define NGX_AV_QUOTA_UNREAD   -2


/*
 * What this host knows of an account, in the shared zone; 128 bytes on a
 * 64-bit platform.
 *
 * committed is a lower bound of what the database has charged for the month
 * without what is reserved here; it is exact as long as only this host
 * charges.  While stale is set even that is not sure, and nothing is admitted.
 */

typedef struct {
    ngx_av_zone_item_t   item;
    u_char               rest[NGX_AV_ZONE_REST(16)];

    int64_t              limit;
    int64_t              committed;
    int64_t              reserved;      /* by holds of this month */
    ngx_msec_t           loaded;        /* when limit was read; while OPEN:
                                           when grace ends */
    ngx_msec_t           next_read;     /* none is sent before: one may be
                                           under way */
    int32_t              month;
    uint32_t             holds;         /* of any month */
    uint32_t             seq;           /* of reservations and settlements */
    uint32_t             asked;         /* of reads */
    uint32_t             epoch;         /* of limit */
    u_char               stale;         /* UNSURE or OPEN */
} ngx_av_quota_node_t;


struct ngx_av_quota_hold_s {
    ngx_queue_t           queue;
    ngx_av_quota_node_t  *node;
    uint32_t              events;
    int32_t               month;
};


/* What a node was like when a read was sent. */

typedef struct {
    int32_t               month;
    uint32_t              seq;
    uint32_t              asked;
    uint32_t              epoch;
    ngx_uint_t            stale;
    ngx_uint_t            quiet;        /* nothing was reserved */
    int64_t               age;          /* while OPEN: for how long */
} ngx_av_quota_then_t;


typedef struct {
    ngx_av_auth_read_t    read;
    ngx_av_uuid_t         account;
    ngx_av_quota_then_t   then;

    /* the answer */
    int64_t               limit;
    int64_t               events;
    ngx_uint_t            over;         /* of what was OPEN */
} ngx_av_quota_query_t;


static ngx_av_quota_node_t *ngx_av_quota_find(ngx_av_uuid_t *account,
    ngx_uint_t use);
static ngx_av_quota_node_t *ngx_av_quota_add(ngx_av_uuid_t *account,
    int32_t month);
static ngx_uint_t ngx_av_quota_evict(void);
static void ngx_av_quota_turn_month(ngx_av_quota_node_t *node, time_t now);
static ngx_int_t ngx_av_quota_admit(ngx_av_quota_node_t *node,
    ngx_uint_t events, ngx_av_quota_hold_t **hold);
static void ngx_av_quota_settle_locked(ngx_av_quota_hold_t *hold,
    ngx_int_t stored);
static ngx_uint_t ngx_av_quota_is_due(ngx_av_quota_node_t *node,
    ngx_uint_t heard);
static void ngx_av_quota_note(ngx_av_quota_node_t *node,
    ngx_av_quota_then_t *then);
static void ngx_av_quota_send(ngx_av_uuid_t *account,
    ngx_av_quota_then_t *then);
static void ngx_av_quota_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_quota_done(ngx_av_db_op_t *op);
static void ngx_av_quota_failed(ngx_av_uuid_t *account, uint32_t asked);
static void ngx_av_quota_apply(ngx_av_quota_node_t *node,
    ngx_av_quota_query_t *query);
static void ngx_av_quota_raise(ngx_av_quota_node_t *node, int64_t charged);


static const uint32_t  ngx_av_quota_types[] = {
    NGX_AV_DB_UUID, NGX_AV_DB_DATE, NGX_AV_DB_INT8
};

/*
 * The last column says that no transaction of this module's is left from $3
 * milliseconds ago.  One that ends while this is asked may be missing in
 * events: only the next read counts.
 */

const ngx_av_db_statement_t  ngx_av_quota_statement = {
    "account_quota",
    "select events_limit, events, "
        "($3 is not null and exists ("
            "select from pg_stat_activity a "
            "where a.pid <> pg_backend_pid() "
            "and a.usename = current_user "
            "and a.application_name = current_setting('application_name') "
            "and a.xact_start < clock_timestamp() - $3 * interval '1 ms'"
        "))::integer "
    "from agentvista.account_quota($1, $2)",
    ngx_av_quota_types, 3
};


ngx_uint_t
ngx_av_quota_is_spent(ngx_av_uuid_t *account)
{
    ngx_uint_t            spent, ask, heard;
    ngx_av_quota_node_t  *node;
    ngx_av_quota_then_t   then;

    spent = 0;
    ask = 0;
    heard = ngx_av_zone_is_heard();

    ngx_av_zone_lock();

    node = ngx_av_quota_find(account, 1);

    if (node) {
        ngx_av_quota_turn_month(node, ngx_time());

        spent = !node->stale && node->limit >= 0
                && node->committed >= node->limit;

        ask = spent && ngx_av_quota_is_due(node, heard);

        if (ask) {
            ngx_av_quota_note(node, &then);
        }
    }

    ngx_av_zone_unlock();

    if (ask) {
        ngx_av_quota_send(account, &then);
    }

    return spent;
}


ngx_int_t
ngx_av_quota_reserve(ngx_av_uuid_t *account, ngx_uint_t events,
    ngx_av_quota_hold_t **hold, int32_t *month)
{
    ngx_int_t             rc;
    ngx_uint_t            ask, heard;
    ngx_av_quota_node_t  *node;
    ngx_av_quota_then_t   then;

    *hold = NULL;
    *month = ngx_av_auth_month(ngx_time());

    heard = ngx_av_zone_is_heard();

    ngx_av_zone_lock();

    node = ngx_av_quota_find(account, 1);

    if (node == NULL) {
        node = ngx_av_quota_add(account, *month);
        if (node == NULL) {
            ngx_av_zone_unlock();
            return NGX_ERROR;
        }
    }

    ngx_av_quota_turn_month(node, ngx_time());
    *month = node->month;

    rc = ngx_av_quota_admit(node, events, hold);

    ask = ngx_av_quota_is_due(node, heard);

    if (ask) {
        ngx_av_quota_note(node, &then);
    }

    ngx_av_zone_unlock();

    if (ask) {
        ngx_av_quota_send(account, &then);
    }

    return rc;
}


static ngx_int_t
ngx_av_quota_admit(ngx_av_quota_node_t *node, ngx_uint_t events,
    ngx_av_quota_hold_t **hold)
{
    ngx_av_quota_hold_t  *h;

    if (node->limit == NGX_AV_QUOTA_NONE) {

        /*
         * What is in flight when an account is given its first limit is not
         * counted before the next refresh.
         */

        return NGX_OK;
    }

    if (node->stale) {
        return NGX_BUSY;
    }

    if ((int64_t) events > node->limit - node->committed) {
        return NGX_DECLINED;
    }

    if ((int64_t) events > node->limit - node->committed - node->reserved) {
        return NGX_BUSY;
    }

    h = ngx_slab_alloc_locked(ngx_av_zone_pool, sizeof(ngx_av_quota_hold_t));
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->node = node;
    h->events = (uint32_t) events;
    h->month = node->month;

    ngx_queue_insert_tail(&ngx_av_zone_worker->holds, &h->queue);

    node->reserved += events;
    node->holds++;
    node->seq++;

    *hold = h;

    return NGX_OK;
}


void
ngx_av_quota_settle(ngx_av_quota_hold_t *hold, ngx_int_t stored)
{
    if (hold == NULL) {
        return;
    }

    ngx_av_zone_lock();

    ngx_av_quota_settle_locked(hold, stored);

    ngx_av_zone_unlock();
}


ngx_uint_t
ngx_av_quota_abandon(ngx_av_zone_worker_t *worker)
{
    ngx_uint_t            n;
    ngx_queue_t          *q;
    ngx_av_quota_hold_t  *hold;

    for (n = 0; !ngx_queue_empty(&worker->holds); n++) {
        q = ngx_queue_head(&worker->holds);
        hold = ngx_queue_data(q, ngx_av_quota_hold_t, queue);

        ngx_av_quota_settle_locked(hold, NGX_AV_QUOTA_UNKNOWN);
    }

    return n;
}


static void
ngx_av_quota_settle_locked(ngx_av_quota_hold_t *hold, ngx_int_t stored)
{
    ngx_av_quota_node_t  *node;

    node = hold->node;

    if (hold->month == node->month) {
        node->reserved -= hold->events;

        if (stored == NGX_AV_QUOTA_UNKNOWN) {
            node->stale = NGX_AV_QUOTA_OPEN;
            node->loaded = ngx_current_msec + NGX_AV_QUOTA_GRACE;

        } else {
            node->committed += stored;
        }
    }

    node->holds--;
    node->seq++;

    ngx_av_zone->settled++;

    ngx_queue_remove(&hold->queue);
    ngx_slab_free_locked(ngx_av_zone_pool, hold);
}


void
ngx_av_quota_refresh(ngx_av_uuid_t *account)
{
    ngx_av_quota_node_t  *node;
    ngx_av_quota_then_t   then;

    ngx_av_zone_lock();

    /* a key's lookup under way may hold the old limit: see learn() */
    ngx_av_zone->settled++;

    node = ngx_av_quota_find(account, 0);

    if (node) {
        /* if this read fails, the next use of the account asks again */
        node->epoch = ngx_av_zone->quota_epoch - 1;
        ngx_av_quota_note(node, &then);
    }

    ngx_av_zone_unlock();

    if (node) {
        ngx_av_quota_send(account, &then);
    }
}


void
ngx_av_quota_refresh_all(void)
{
    ngx_av_zone_lock();

    ngx_av_zone->settled++;
    ngx_av_zone->quota_epoch++;

    ngx_av_zone_unlock();
}


void
ngx_av_quota_learn(ngx_av_uuid_t *account, int64_t limit, int64_t committed,
    int32_t month, ngx_uint_t settled)
{
    ngx_av_quota_node_t  *node;

    ngx_av_zone_lock();

    node = ngx_av_quota_find(account, 1);

    if (node) {

        /* its limit may be newer than ours */

        if (node->month == month) {
            ngx_av_quota_raise(node, committed);
        }

        goto done;
    }

    node = ngx_av_quota_add(account, month);
    if (node == NULL) {
        goto done;
    }

    node->limit = limit;
    node->committed = committed;
    node->epoch = ngx_av_zone->quota_epoch;

    /*
     * Had the account a node meanwhile, which was evicted again, then what was
     * settled may be missing in committed.
     */
    node->stale = (ngx_av_zone->settled != settled) ? NGX_AV_QUOTA_UNSURE : 0;

done:

    ngx_av_zone_unlock();
}


ngx_uint_t
ngx_av_quota_settled(void)
{
    return ngx_av_zone->settled;
}


static ngx_av_quota_node_t *
ngx_av_quota_find(ngx_av_uuid_t *account, ngx_uint_t use)
{
    ngx_av_zone_item_t  *item;

    item = ngx_av_zone_find(&ngx_av_zone->accounts, account->bytes,
                            sizeof(account->bytes));

    if (item && use) {
        ngx_queue_remove(&item->queue);
        ngx_queue_insert_head(&ngx_av_zone->accounts_lru, &item->queue);
    }

    return (ngx_av_quota_node_t *) item;
}


static ngx_av_quota_node_t *
ngx_av_quota_add(ngx_av_uuid_t *account, int32_t month)
{
    ngx_av_quota_node_t  *node;

    if (ngx_av_zone->naccounts >= ngx_av_zone->max_accounts) {

        /* all in use: then they may be more, while there is memory */

        (void) ngx_av_quota_evict();
    }

    node = ngx_slab_calloc_locked(ngx_av_zone_pool,
                                  sizeof(ngx_av_quota_node_t));

    if (node == NULL && ngx_av_quota_evict()) {
        node = ngx_slab_calloc_locked(ngx_av_zone_pool,
                                      sizeof(ngx_av_quota_node_t));
    }

    if (node == NULL) {
        return NULL;
    }

    node->limit = NGX_AV_QUOTA_UNREAD;
    node->month = month;
    node->stale = NGX_AV_QUOTA_UNSURE;
    node->loaded = ngx_current_msec;
    node->next_read = ngx_current_msec;

    ngx_av_zone->naccounts++;
    ngx_queue_insert_head(&ngx_av_zone->accounts_lru, &node->item.queue);

    ngx_av_zone_insert(&ngx_av_zone->accounts, &node->item, account->bytes,
                       sizeof(account->bytes));

    return node;
}


/* What is in use is counted: it must not be forgotten. */

static ngx_uint_t
ngx_av_quota_evict(void)
{
    ngx_uint_t            i;
    ngx_queue_t          *q;
    ngx_av_zone_item_t   *item;
    ngx_av_quota_node_t  *node;

    q = ngx_queue_last(&ngx_av_zone->accounts_lru);

    for (i = 0; i < NGX_AV_QUOTA_EVICT; i++) {

        if (q == ngx_queue_sentinel(&ngx_av_zone->accounts_lru)) {
            break;
        }

        item = ngx_queue_data(q, ngx_av_zone_item_t, queue);
        node = (ngx_av_quota_node_t *) item;

        q = ngx_queue_prev(q);

        if (node->holds
            || (node->stale == NGX_AV_QUOTA_OPEN
                && (ngx_msec_int_t) (ngx_current_msec - node->loaded)
                   < NGX_AV_QUOTA_OVER))
        {
            continue;
        }

        ngx_av_zone->naccounts--;
        ngx_queue_remove(&item->queue);
        ngx_rbtree_delete(&ngx_av_zone->accounts, &item->node);
        ngx_slab_free_locked(ngx_av_zone_pool, node);

        return 1;
    }

    return 0;
}


/*
 * At the turn of the month, UTC, everybody starts anew: from zero, if it were
 * not for other hosts, which may have begun the month before us, and for clocks
 * that are set back and reach the turn twice.  So the database is asked.
 */

static void
ngx_av_quota_turn_month(ngx_av_quota_node_t *node, time_t now)
{
    int32_t  month;

    month = ngx_av_auth_month(now);

    if (month == node->month) {
        return;
    }

    if (month < node->month
        && ngx_av_auth_month(now + 60) == node->month)
    {
        /* our cached clock is a little behind another worker's */
        return;
    }

    node->stale = NGX_AV_QUOTA_UNSURE;
    node->month = month;
    node->committed = 0;
    node->reserved = 0;
    node->next_read = ngx_current_msec;
}


/*
 * A read is worth while: now, not while another one is under way (or its
 * worker has died over it), and of a stale account only if it can settle the
 * matter.
 */

static ngx_uint_t
ngx_av_quota_is_due(ngx_av_quota_node_t *node, ngx_uint_t heard)
{
    if ((ngx_msec_int_t) (node->next_read - ngx_current_msec) > 0) {
        return 0;
    }

    if (node->stale) {
        return node->holds == 0
               && (node->stale == NGX_AV_QUOTA_UNSURE
                   || (ngx_msec_int_t) (node->loaded - ngx_current_msec) <= 0);
    }

    if (node->epoch != ngx_av_zone->quota_epoch) {
        return 1;
    }

    if (node->limit == NGX_AV_QUOTA_NONE && heard) {
        return 0;
    }

    return (ngx_msec_int_t) (ngx_current_msec - node->loaded)
           >= NGX_AV_QUOTA_REFRESH;
}


/* Under the lock, before a read is sent. */

static void
ngx_av_quota_note(ngx_av_quota_node_t *node, ngx_av_quota_then_t *then)
{
    node->asked++;
    node->next_read = ngx_current_msec + NGX_AV_QUOTA_TIMEOUT + 1000;

    then->month = node->month;
    then->seq = node->seq;
    then->asked = node->asked;
    then->epoch = ngx_av_zone->quota_epoch;
    then->stale = node->stale;
    then->quiet = (node->holds == 0);

    then->age = -1;

    if (node->stale == NGX_AV_QUOTA_OPEN) {
        then->age = (ngx_msec_int_t) (ngx_current_msec - node->loaded)
                    + NGX_AV_QUOTA_GRACE;
    }
}


static void
ngx_av_quota_send(ngx_av_uuid_t *account, ngx_av_quota_then_t *then)
{
    ngx_av_quota_query_t  *query;

    query = ngx_calloc(sizeof(ngx_av_quota_query_t), ngx_cycle->log);
    if (query == NULL) {
        ngx_av_quota_failed(account, then->asked);
        return;
    }

    query->account = *account;
    query->then = *then;

    /* an account that is gone stores nothing more */
    query->limit = 0;
    query->over = 1;

    query->read.op.result = ngx_av_quota_result;
    query->read.op.done = ngx_av_quota_done;
    query->read.op.data = query;

    ngx_av_auth_read(&query->read, &ngx_av_quota_statement,
                     query->account.bytes, sizeof(query->account.bytes),
                     then->month, then->age, NGX_AV_QUOTA_TIMEOUT);
}


static void
ngx_av_quota_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_av_quota_query_t  *query;

    query = op->data;

    if (ngx_av_db_nrows(res)) {
        query->limit = ngx_av_db_is_null(res, 0, 0)
                           ? NGX_AV_QUOTA_NONE : ngx_av_db_int8(res, 0, 0);
        query->events = ngx_av_db_int8(res, 0, 1);
        query->over = !ngx_av_db_int4(res, 0, 2);
    }
}


static void
ngx_av_quota_done(ngx_av_db_op_t *op)
{
    ngx_av_quota_node_t   *node;
    ngx_av_quota_query_t  *query;

    query = op->data;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "agentvista quota query:%p done:%d",
                   query, (int) op->status);

    if (op->status == NGX_AV_DB_OK) {
        ngx_av_zone_lock();

        node = ngx_av_quota_find(&query->account, 0);

        if (node) {
            ngx_av_quota_apply(node, query);
        }

        ngx_av_zone_unlock();

    } else {
        ngx_av_quota_failed(&query->account, query->then.asked);

        if (op->status == NGX_AV_DB_FAILED) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "read of an account's usage failed, SQLSTATE %s",
                          op->sqlstate);
        }
    }

    ngx_free(query);
}


static void
ngx_av_quota_failed(ngx_av_uuid_t *account, uint32_t asked)
{
    ngx_av_quota_node_t  *node;

    ngx_av_zone_lock();

    node = ngx_av_quota_find(account, 0);

    if (node && node->asked == asked) {
        node->next_read = ngx_current_msec + NGX_AV_QUOTA_RETRY;
    }

    ngx_av_zone_unlock();
}


static void
ngx_av_quota_apply(ngx_av_quota_node_t *node, ngx_av_quota_query_t *query)
{
    ngx_uint_t            quiet, latest;
    ngx_av_quota_then_t  *then;

    then = &query->then;

    latest = (then->asked == node->asked);

    /* nothing of ours was under way from the question to the answer */
    quiet = (latest && then->quiet && then->seq == node->seq
             && then->month == node->month);

    if (quiet && then->stale != NGX_AV_QUOTA_OPEN) {
        node->committed = query->events;
        node->reserved = 0;
        node->stale = 0;

    } else if (then->month == node->month) {
        ngx_av_quota_raise(node, query->events);
    }

    if (!latest) {
        return;
    }

    node->limit = query->limit;
    node->epoch = then->epoch;
    node->next_read = ngx_current_msec;

    if (!node->stale) {
        node->loaded = ngx_current_msec;

    } else if (quiet) {

        if (query->over && then->age >= NGX_AV_QUOTA_GRACE) {
            node->stale = NGX_AV_QUOTA_UNSURE;

        } else {
            node->next_read += NGX_AV_QUOTA_RETRY;
        }
    }
}


/*
 * What the database has charged for the month, at any time until now, holds
 * what was settled before, what other hosts charged, and perhaps some of what
 * is still reserved here, which must not count twice.
 */

static void
ngx_av_quota_raise(ngx_av_quota_node_t *node, int64_t charged)
{
    charged -= node->reserved;

    if (charged > node->committed) {
        node->committed = charged;
    }
}
