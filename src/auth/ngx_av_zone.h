/*
 * The shared zone: what all workers of a host know together.  It survives
 * reloads, and workers of the old and the new configuration use it side by
 * side, so its layout carries a version and nothing in it points to a
 * process's own memory.
 */

#ifndef _NGX_AV_ZONE_H_INCLUDED_
#define _NGX_AV_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_stats.h"


#define NGX_AV_ZONE_MIN_SIZE  (1024 * 1024)

/* workers that may live at once: two generations during a reload */
#define NGX_AV_ZONE_WORKERS   128

#define NGX_AV_ZONE_PROBLEMS  1024

/* accounts that are watched, by a hash */
#define NGX_AV_ZONE_WATCHED   1024

/* how often the LISTEN connection proves to be alive */
#define NGX_AV_ZONE_HEARTBEAT  3000


/*
 * A worker's place.  The queue holds its quota reservations; when its process
 * is found dead, whoever notices settles them as unknown.
 */
typedef struct {
    ngx_pid_t             pid;          /* 0: free */
    uint64_t              started;      /* tells it from a later process of
                                           the same pid; 0: not known */
    ngx_queue_t           holds;
    ngx_av_stats_gauge_t  gauges[NGX_AV_STATS_NGAUGES];
} ngx_av_zone_worker_t;


typedef struct {
    uint32_t              magic;
    uint32_t              layout;

    /*
     * Known keys, unknown keys and accounts have a share of the zone each, in
     * entries, and reservations have the rest: none can crowd out another.
     */
    ngx_uint_t            max_keys;
    ngx_uint_t            max_unknown;
    ngx_uint_t            max_accounts;

    ngx_rbtree_t          keys;         /* ngx_av_key.c */
    ngx_rbtree_node_t     keys_sentinel;
    ngx_queue_t           keys_lru;     /* known keys */
    ngx_queue_t           unknown_lru;  /* negative answers */
    ngx_uint_t            nkeys;
    ngx_uint_t            nunknown;
    uint32_t              epoch;        /* entries of older ones are re-read */
    ngx_uint_t            forgets;      /* keys forgotten so far */

    ngx_rbtree_t          accounts;     /* ngx_av_quota.c */
    ngx_rbtree_node_t     accounts_sentinel;
    ngx_queue_t           accounts_lru;
    ngx_uint_t            naccounts;
    uint32_t              quota_epoch;  /* accounts of older ones: re-read */
    ngx_uint_t            settled;      /* reservations settled so far */

    /* ngx_time() at which the LISTEN connection last proved to be alive */
    ngx_atomic_t          heard;

    /* ngx_current_msec of the last search for dead workers */
    ngx_atomic_t          searched;

    /* ngx_av_watch.c */
    ngx_atomic_t          watched[NGX_AV_ZONE_WATCHED];
    ngx_atomic_t          watch_asked;

    /* what agentvista.health() said last, NUL-terminated */
    u_char                problems[NGX_AV_ZONE_PROBLEMS];

    ngx_av_stats_t        stats;
    ngx_av_zone_worker_t  workers[NGX_AV_ZONE_WORKERS];
} ngx_av_zone_t;


/*
 * An entry of one of the trees: the first bytes of its name, which is random
 * (a hash or a UUID) and has a fixed length in its tree, are the node's key;
 * the others follow the item.
 */
typedef struct {
    ngx_rbtree_node_t     node;
    ngx_queue_t           queue;        /* in an LRU */
} ngx_av_zone_item_t;

#define NGX_AV_ZONE_REST(len)  ((len) - sizeof(ngx_rbtree_key_t))


/* This process's view of the zone. */
extern ngx_av_zone_t    *ngx_av_zone;
extern ngx_slab_pool_t  *ngx_av_zone_pool;

/* This worker's place; NULL outside workers. */
extern ngx_av_zone_worker_t  *ngx_av_zone_worker;


/* shm_zone->init; shm_zone->data is unused before the first call. */
ngx_int_t ngx_av_zone_init(ngx_shm_zone_t *shm_zone, void *data);

/*
 * init_process: takes a place, first freeing those of dead workers, and looks
 * for newly dead ones every second from then on.  NGX_ERROR if all are taken.
 */
ngx_int_t ngx_av_zone_attach(ngx_cycle_t *cycle, ngx_shm_zone_t *shm_zone);

/*
 * exit_process, after the pools are stopped: settles what is still reserved as
 * unknown and gives the place back.
 */
void ngx_av_zone_detach(void);

void ngx_av_zone_lock(void);
void ngx_av_zone_unlock(void);

/* Under the lock. */
ngx_av_zone_item_t *ngx_av_zone_find(ngx_rbtree_t *tree, const void *name,
    size_t len);
void ngx_av_zone_insert(ngx_rbtree_t *tree, ngx_av_zone_item_t *item,
    const void *name, size_t len);

/* The LISTEN connection works: changes are being told. */
ngx_uint_t ngx_av_zone_is_heard(void);

/*
 * /readyz: keeps or clears what is wrong with the database.  Returns 1 if that
 * is news.
 */
ngx_uint_t ngx_av_zone_set_problems(ngx_str_t *problems);

/* Copies the problems to buf of NGX_AV_ZONE_PROBLEMS bytes. */
ngx_str_t ngx_av_zone_problems(u_char *buf);


#endif /* _NGX_AV_ZONE_H_INCLUDED_ */
