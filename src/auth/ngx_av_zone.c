#include "ngx_av_zone.h"
#include "ngx_av_quota.h"

#include <ngx_event.h>


#define NGX_AV_ZONE_MAGIC   0x41565a31

/* The size tells zones apart that the version forgot to. */
#define NGX_AV_ZONE_LAYOUT  ((1u << 24) + (uint32_t) sizeof(ngx_av_zone_t))

/* the slab that entries of the trees are made to fit in */
#define NGX_AV_ZONE_ENTRY   128

#define NGX_AV_ZONE_MAX_UNKNOWN  4096

#define NGX_AV_ZONE_SEARCH  1000


static ngx_int_t ngx_av_zone_check(ngx_shm_zone_t *shm_zone,
    ngx_av_zone_t *zone);
static void ngx_av_zone_create(ngx_av_zone_t *zone, size_t size);
static void ngx_av_zone_init_tree(ngx_rbtree_t *tree,
    ngx_rbtree_node_t *sentinel);
static ngx_uint_t ngx_av_zone_free_place(ngx_av_zone_worker_t *worker);
static void ngx_av_zone_bury_dead(ngx_log_t *log);
static ngx_uint_t ngx_av_zone_is_dead(ngx_pid_t pid, uint64_t started);
static ngx_int_t ngx_av_zone_process_started(ngx_pid_t pid,
    uint64_t *started);
static void ngx_av_zone_search(ngx_event_t *ev);
static void ngx_av_zone_insert_item(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);


ngx_av_zone_t         *ngx_av_zone;
ngx_slab_pool_t       *ngx_av_zone_pool;
ngx_av_zone_worker_t  *ngx_av_zone_worker;

static ngx_event_t       ngx_av_zone_timer;
static ngx_connection_t  ngx_av_zone_dumb;


ngx_int_t
ngx_av_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_av_zone_t    *zone;
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data) {

        /*
         * A reload that keeps the zone.  One that changes its size gets here
         * with no data and begins anew: until the old workers are gone,
         * reservations of theirs are not seen.
         */

        shm_zone->data = data;

        return ngx_av_zone_check(shm_zone, data);
    }

    if (shm_zone->shm.exists) {
        shm_zone->data = pool->data;

        return ngx_av_zone_check(shm_zone, pool->data);
    }

    zone = ngx_slab_calloc(pool, sizeof(ngx_av_zone_t));
    if (zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "agentvista zone \"%V\" is too small",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    ngx_av_zone_create(zone, pool->end - pool->start);

    /* a full zone is normal: see ngx_av_key.c and ngx_av_quota.c */
    pool->log_nomem = 0;
    pool->data = zone;

    shm_zone->data = zone;

    return NGX_OK;
}


static ngx_int_t
ngx_av_zone_check(ngx_shm_zone_t *shm_zone, ngx_av_zone_t *zone)
{
    if (zone->magic == NGX_AV_ZONE_MAGIC
        && zone->layout == NGX_AV_ZONE_LAYOUT)
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                  "agentvista zone \"%V\" was made by another version of the "
                  "module: restart nginx instead of reloading it",
                  &shm_zone->shm.name);

    return NGX_ERROR;
}


static void
ngx_av_zone_create(ngx_av_zone_t *zone, size_t size)
{
    ngx_uint_t  i;

    zone->magic = NGX_AV_ZONE_MAGIC;
    zone->layout = NGX_AV_ZONE_LAYOUT;

    zone->max_keys = size / 8 * 5 / NGX_AV_ZONE_ENTRY;
    zone->max_unknown = ngx_min(size / 8 / NGX_AV_ZONE_ENTRY,
                                NGX_AV_ZONE_MAX_UNKNOWN);
    zone->max_accounts = size / 8 / NGX_AV_ZONE_ENTRY;

    ngx_av_zone_init_tree(&zone->keys, &zone->keys_sentinel);
    ngx_queue_init(&zone->keys_lru);
    ngx_queue_init(&zone->unknown_lru);

    ngx_av_zone_init_tree(&zone->accounts, &zone->accounts_sentinel);
    ngx_queue_init(&zone->accounts_lru);

    for (i = 0; i < NGX_AV_ZONE_WORKERS; i++) {
        ngx_queue_init(&zone->workers[i].holds);
    }
}


static void
ngx_av_zone_init_tree(ngx_rbtree_t *tree, ngx_rbtree_node_t *sentinel)
{
    /* insert is set by each insertion, see there */

    ngx_rbtree_init(tree, sentinel, NULL);
}


ngx_int_t
ngx_av_zone_attach(ngx_cycle_t *cycle, ngx_shm_zone_t *shm_zone)
{
    uint64_t               started;
    ngx_uint_t             i;
    ngx_event_t           *ev;
    ngx_av_zone_worker_t  *worker;

    ngx_av_zone = shm_zone->data;
    ngx_av_zone_pool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    ngx_av_zone_bury_dead(cycle->log);

    if (ngx_av_zone_process_started(ngx_pid, &started) != NGX_OK) {
        started = 0;
    }

    ngx_av_zone_lock();

    for (i = 0; i < NGX_AV_ZONE_WORKERS; i++) {
        worker = &ngx_av_zone->workers[i];

        if (worker->pid == 0) {
            worker->pid = ngx_pid;
            worker->started = started;
            ngx_av_zone_worker = worker;
            break;
        }
    }

    ngx_av_zone_unlock();

    if (ngx_av_zone_worker == NULL) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "more than %d workers use agentvista zone \"%V\"",
                      NGX_AV_ZONE_WORKERS, &shm_zone->shm.name);
        return NGX_ERROR;
    }

    ngx_av_zone_dumb.fd = (ngx_socket_t) -1;

    ev = &ngx_av_zone_timer;
    ev->handler = ngx_av_zone_search;
    ev->data = &ngx_av_zone_dumb;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_AV_ZONE_SEARCH);

    return NGX_OK;
}


void
ngx_av_zone_detach(void)
{
    ngx_uint_t             n;
    ngx_av_zone_worker_t  *worker;

    worker = ngx_av_zone_worker;

    if (worker == NULL) {
        return;
    }

    if (ngx_av_zone_timer.timer_set) {
        ngx_del_timer(&ngx_av_zone_timer);
    }

    ngx_av_zone_lock();

    n = ngx_av_zone_free_place(worker);

    ngx_av_zone_unlock();

    ngx_av_zone_worker = NULL;

    if (n) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "exiting with %ui quota reservations open", n);
    }
}


static ngx_uint_t
ngx_av_zone_free_place(ngx_av_zone_worker_t *worker)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_AV_STATS_NGAUGES; i++) {
        worker->gauges[i] = 0;
    }

    worker->pid = 0;

    return ngx_av_quota_abandon(worker);
}


/* Settles what dead workers had reserved, and frees their places. */

static void
ngx_av_zone_bury_dead(ngx_log_t *log)
{
    uint64_t               started;
    ngx_pid_t              pid;
    ngx_uint_t             i, n;
    ngx_av_zone_worker_t  *worker;

    for (i = 0; i < NGX_AV_ZONE_WORKERS; i++) {
        worker = &ngx_av_zone->workers[i];

        if (worker == ngx_av_zone_worker) {
            continue;
        }

        /* looked at without the lock, checked again under it */

        pid = worker->pid;
        started = worker->started;

        if (pid == 0 || !ngx_av_zone_is_dead(pid, started)) {
            continue;
        }

        n = 0;

        ngx_av_zone_lock();

        if (worker->pid == pid && worker->started == started) {
            n = ngx_av_zone_free_place(worker);
        }

        ngx_av_zone_unlock();

        if (n) {
            ngx_log_error(NGX_LOG_NOTICE, log, 0,
                          "worker process %P died with %ui quota "
                          "reservations open", pid, n);
        }
    }
}


static ngx_uint_t
ngx_av_zone_is_dead(ngx_pid_t pid, uint64_t started)
{
    uint64_t  now_started;

    if (pid == ngx_pid) {
        /* a worker that had our pid before us: its place is not ours */
        return 1;
    }

    if (kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH) {
        return 1;
    }

    switch (ngx_av_zone_process_started(pid, &now_started)) {

    case NGX_OK:
        return started != 0 && started != now_started;

    case NGX_DONE:
        return 1;

    default:
        return 0;
    }
}


/*
 * The start of a process in the kernel's clock ticks; NGX_DONE if it is a
 * zombie, NGX_DECLINED if the system does not tell.
 */

static ngx_int_t
ngx_av_zone_process_started(ngx_pid_t pid, uint64_t *started)
{
    u_char      *p, *last, *end;
    ssize_t      n;
    ngx_fd_t     fd;
    ngx_uint_t   field;
    u_char       name[sizeof("/proc//stat") + NGX_INT64_LEN];
    u_char       buf[1024];

    (void) ngx_sprintf(name, "/proc/%P/stat%Z", pid);

    fd = ngx_open_file(name, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_DECLINED;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));

    (void) ngx_close_file(fd);

    if (n <= 0) {
        return NGX_DECLINED;
    }

    /* "1 (name) S 2 ...": the name may hold anything, the rest numbers */

    end = buf + n;

    for (p = end; p > buf && p[-1] != ')'; p--) { /* void */ }

    if (p == buf || end - p < 2) {
        return NGX_DECLINED;
    }

    if (p[1] == 'Z' || p[1] == 'X') {
        return NGX_DONE;
    }

    /* p is at the blank before the third field */

    for (field = 3; field < 22; field++) {
        p = ngx_strlchr(p + 1, end, ' ');
        if (p == NULL) {
            return NGX_DECLINED;
        }
    }

    p++;

    last = ngx_strlchr(p, end, ' ');
    if (last == NULL) {
        return NGX_DECLINED;
    }

    n = (ssize_t) ngx_atoof(p, last - p);
    if (n == NGX_ERROR) {
        return NGX_DECLINED;
    }

    *started = (uint64_t) n;

    return NGX_OK;
}


/*
 * Every worker has this timer, so that it does not matter which of them lives;
 * who comes first in a second does the work.
 */

static void
ngx_av_zone_search(ngx_event_t *ev)
{
    ngx_msec_t         now;
    ngx_atomic_uint_t  searched;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    ngx_add_timer(ev, NGX_AV_ZONE_SEARCH);

    now = ngx_current_msec;
    searched = ngx_av_zone->searched;

    if ((ngx_msec_int_t) (now - (ngx_msec_t) searched)
        < NGX_AV_ZONE_SEARCH / 10 * 9
        && (ngx_msec_int_t) (now - (ngx_msec_t) searched) >= 0)
    {
        return;
    }

    if (ngx_atomic_cmp_set(&ngx_av_zone->searched, searched,
                           (ngx_atomic_uint_t) now))
    {
        ngx_av_zone_bury_dead(ev->log);
    }
}


void
ngx_av_zone_lock(void)
{
    ngx_shmtx_lock(&ngx_av_zone_pool->mutex);
}


void
ngx_av_zone_unlock(void)
{
    ngx_shmtx_unlock(&ngx_av_zone_pool->mutex);
}


ngx_av_zone_item_t *
ngx_av_zone_find(ngx_rbtree_t *tree, const void *name, size_t len)
{
    ngx_int_t           rc;
    ngx_rbtree_key_t    key;
    ngx_rbtree_node_t  *node;

    /*
     * An early exit on names of keys tells nothing: they are hashes, and who
     * does not know the key cannot choose the hash.
     */

    ngx_memcpy(&key, name, sizeof(ngx_rbtree_key_t));

    node = tree->root;

    while (node != tree->sentinel) {

        if (key != node->key) {
            node = (key < node->key) ? node->left : node->right;
            continue;
        }

        rc = ngx_memcmp((u_char *) name + sizeof(ngx_rbtree_key_t),
                        ((ngx_av_zone_item_t *) node + 1),
                        NGX_AV_ZONE_REST(len));

        if (rc == 0) {
            return (ngx_av_zone_item_t *) node;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


void
ngx_av_zone_insert(ngx_rbtree_t *tree, ngx_av_zone_item_t *item,
    const void *name, size_t len)
{
    ngx_memcpy(&item->node.key, name, sizeof(ngx_rbtree_key_t));
    ngx_memcpy(item + 1, (u_char *) name + sizeof(ngx_rbtree_key_t),
               NGX_AV_ZONE_REST(len));

    item->node.data = (u_char) NGX_AV_ZONE_REST(len);

    /*
     * Workers of a reload that replaced the module's file have the function at
     * another address: the pointer is good under this lock only.
     */

    tree->insert = ngx_av_zone_insert_item;

    ngx_rbtree_insert(tree, &item->node);
}


static void
ngx_av_zone_insert_item(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_uint_t           left;
    ngx_rbtree_node_t  **p;

    for ( ;; ) {

        if (node->key != temp->key) {
            left = (node->key < temp->key);

        } else {
            left = (ngx_memcmp(((ngx_av_zone_item_t *) node + 1),
                               ((ngx_av_zone_item_t *) temp + 1), node->data)
                    < 0);
        }

        p = left ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


ngx_uint_t
ngx_av_zone_is_heard(void)
{
    time_t  heard;

    heard = (time_t) ngx_av_zone->heard;

    return heard != 0
           && ngx_time() - heard <= 3 * NGX_AV_ZONE_HEARTBEAT / 1000;
}


ngx_uint_t
ngx_av_zone_set_problems(ngx_str_t *problems)
{
    size_t      len;
    u_char     *p;
    ngx_uint_t  news;

    p = ngx_av_zone->problems;
    len = ngx_min(problems->len, NGX_AV_ZONE_PROBLEMS - 1);

    ngx_av_zone_lock();

    news = (ngx_strlen(p) != len || ngx_memcmp(p, problems->data, len) != 0);

    if (news) {
        ngx_memcpy(p, problems->data, len);
        p[len] = '\0';
    }

    ngx_av_zone_unlock();

    return news;
}


ngx_str_t
ngx_av_zone_problems(u_char *buf)
{
    ngx_str_t  problems;

    ngx_av_zone_lock();

    problems.len = ngx_strlen(ngx_av_zone->problems);
    ngx_memcpy(buf, ngx_av_zone->problems, problems.len);

    ngx_av_zone_unlock();

    problems.data = buf;

    return problems;
}
