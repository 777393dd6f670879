/* Says at intervals which accounts are watched, to all hosts. */

#include "ngx_av_stream.h"


/* accounts in one statement */
#define NGX_AV_STREAM_WATCH_MAX  1000


typedef struct {
    ngx_av_db_op_t           op;
    ngx_av_db_call_t         call;
    const char              *values[2];
    int                      lengths[2];
    u_char                   seconds[4];
    ngx_pool_t              *pool;          /* of the values; NULL: idle */
    ngx_av_stream_cursor_t   cursor;
    unsigned                 answered:1;
} ngx_av_stream_watch_t;


static ngx_int_t ngx_av_stream_watch_values(void);
static void ngx_av_stream_watch_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res);
static void ngx_av_stream_watch_done(ngx_av_db_op_t *op);
static void ngx_av_stream_watch_answered(ngx_av_stream_account_t *account);


static ngx_av_stream_watch_t  ngx_av_stream_watcher;


/* Some host does not know what is watched: all accounts are told anew. */

void
ngx_av_stream_watch_again(void)
{
    ngx_queue_t              *q;
    ngx_av_stream_account_t  *account;

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts);
         q = ngx_queue_next(q))
    {
        account = ngx_queue_data(q, ngx_av_stream_account_t, queue);
        account->renew_at = ngx_current_msec;
    }
}


void
ngx_av_stream_watch(void)
{
    ngx_av_db_op_t         *op;
    ngx_av_stream_watch_t  *w;

    w = &ngx_av_stream_watcher;

    if (w->pool || ngx_av_stream_watch_values() != NGX_OK) {
        return;
    }

    w->answered = 0;
    w->call.statement = &ngx_av_stream_statements[0];
    w->call.values = w->values;
    w->call.lengths = w->lengths;

    op = &w->op;

    op->calls = &w->call;
    op->ncalls = 1;
    op->result = ngx_av_stream_watch_result;
    op->done = ngx_av_stream_watch_done;
    op->timeout = NGX_AV_STREAM_TIMEOUT;
    op->log = ngx_cycle->log;

    ngx_av_db_submit(ngx_av_stream_worker.readers, op);
}


/* NGX_DECLINED: there is nothing to say. */

static ngx_int_t
ngx_av_stream_watch_values(void)
{
    ngx_uint_t                n;
    ngx_pool_t               *pool;
    ngx_queue_t              *q;
    ngx_av_buf_t              b;
    ngx_av_stream_watch_t    *w;
    ngx_av_stream_account_t  *account;

    w = &ngx_av_stream_watcher;
    pool = NULL;
    n = 0;

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts)
         && n < NGX_AV_STREAM_WATCH_MAX;
         q = ngx_queue_next(q))
    {
        account = ngx_queue_data(q, ngx_av_stream_account_t, queue);

        if ((ngx_msec_int_t) (ngx_current_msec - account->renew_at) < 0
            || account->nfilters == 0)
        {
            continue;
        }

        if (pool == NULL) {
            pool = ngx_create_pool(1024, ngx_cycle->log);

            if (pool == NULL || ngx_av_buf_init(&b, pool, 512) != NGX_OK) {
                break;
            }

            b.last += NGX_AV_DB_ARRAY_HEADER;
        }

        if (ngx_av_db_array_uuid(&b, &account->id) != NGX_OK) {
            break;
        }

        account->watching = 1;
        account->renew_at = ngx_current_msec + NGX_AV_STREAM_RENEW;
        n++;
    }

    if (n == 0) {
        if (pool) {
            ngx_destroy_pool(pool);
        }

        return NGX_DECLINED;
    }

    (void) ngx_av_db_array_header(b.start, NGX_AV_DB_UUID, n);

    w->values[0] = (char *) b.start;
    w->lengths[0] = ngx_av_buf_len(&b);
    (void) ngx_av_db_put32(w->seconds, NGX_AV_STREAM_WATCH);
    w->values[1] = (char *) w->seconds;
    w->lengths[1] = sizeof(w->seconds);
    w->pool = pool;

    return NGX_OK;
}


static void
ngx_av_stream_watch_result(ngx_av_db_op_t *op, ngx_uint_t call,
    const ngx_av_db_result_t *res)
{
    ngx_str_t  value;

    if (ngx_av_db_nrows(res) == 0) {
        return;
    }

    value = ngx_av_db_value(res, 0, 0);

    if (value.len == NGX_AV_STREAM_CURSOR) {
        ngx_memcpy(ngx_av_stream_watcher.cursor.text, value.data, value.len);
        ngx_av_stream_watcher.answered = 1;
    }
}


static void
ngx_av_stream_watch_done(ngx_av_db_op_t *op)
{
    ngx_queue_t              *q, *next;
    ngx_av_stream_watch_t    *w;
    ngx_av_stream_account_t  *account;

    w = &ngx_av_stream_watcher;

    ngx_destroy_pool(w->pool);
    w->pool = NULL;

    if (op->status != NGX_AV_DB_OK) {
        w->answered = 0;
    }

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts);
         q = next)
    {
        next = ngx_queue_next(q);
        account = ngx_queue_data(q, ngx_av_stream_account_t, queue);

        if (account->watching) {
            ngx_av_stream_watch_answered(account);

            account->watching = 0;
            ngx_av_stream_account_done(account);
        }
    }

    ngx_av_stream_send_dirty();

    if (op->status == NGX_AV_DB_OK) {
        ngx_av_stream_watch();
    }
}


static void
ngx_av_stream_watch_answered(ngx_av_stream_account_t *account)
{
    ngx_av_stream_watch_t  *w;

    w = &ngx_av_stream_watcher;

    if (!w->answered) {
        account->renew_at = ngx_current_msec + NGX_AV_STREAM_GRACE;

        if (!account->open) {
            ngx_av_stream_account_wake(account);
        }

        return;
    }

    if (!account->open) {
        account->open = 1;
        account->cursor = w->cursor;

        ngx_av_stream_account_behind(account, NGX_AV_STREAM_GRACE);
        ngx_av_stream_account_wake(account);

    } else if (ngx_av_stream_hears()) {
        ngx_av_stream_account_advance(account, &w->cursor);
    }
}
