#include "ngx_av_watch.h"
#include "ngx_av_auth.h"
#include "ngx_av_zone.h"


/* nobody watches for longer without saying so again */
#define NGX_AV_WATCH_MAX  300

#define NGX_AV_WATCH_TIMEOUT  5000


const ngx_av_db_statement_t  ngx_av_watch_statement = {
    "watchers", "select pg_notify('agentvista', 'watchers')", NULL, 0
};


static void ngx_av_watch_done(ngx_av_db_op_t *op);


static ngx_av_db_op_t    ngx_av_watch_op;
static ngx_av_db_call_t  ngx_av_watch_call;


/* No lock: a slot is one word, and an error is mended by the next watch. */

static ngx_atomic_t *
ngx_av_watch_slot(const ngx_av_uuid_t *account)
{
    uint32_t  hash;

    hash = ngx_murmur_hash2((u_char *) account->bytes, sizeof(ngx_av_uuid_t));

    return &ngx_av_zone->watched[hash % NGX_AV_ZONE_WATCHED];
}


ngx_uint_t
ngx_av_watch_is_on(const ngx_av_uuid_t *account)
{
    return (time_t) *ngx_av_watch_slot(account) > ngx_time();
}


ngx_int_t
ngx_av_watch_notified(ngx_str_t *payload)
{
    u_char         *p;
    size_t          len;
    time_t          until;
    ngx_int_t       seconds;
    ngx_atomic_t   *slot;
    ngx_av_uuid_t   account;

    if (payload->len == sizeof("watchers") - 1
        && ngx_memcmp(payload->data, "watchers", payload->len) == 0)
    {
        (void) ngx_atomic_fetch_add(&ngx_av_zone->watch_asked, 1);
        return NGX_OK;
    }

    len = sizeof("watch ") - 1 + NGX_AV_UUID_TEXT_LEN;

    if (payload->len <= len + 1
        || ngx_memcmp(payload->data, "watch ", sizeof("watch ") - 1) != 0)
    {
        return NGX_DECLINED;
    }

    p = payload->data + sizeof("watch ") - 1;

    if (ngx_av_uuid_parse(p, NGX_AV_UUID_TEXT_LEN, &account) != NGX_OK) {
        return NGX_DECLINED;
    }

    seconds = ngx_atoi(payload->data + len + 1, payload->len - len - 1);

    if (payload->data[len] != ' ' || seconds == NGX_ERROR) {
        return NGX_DECLINED;
    }

    until = ngx_time() + ngx_min(seconds, NGX_AV_WATCH_MAX);
    slot = ngx_av_watch_slot(&account);

    if ((time_t) *slot < until) {
        *slot = (ngx_atomic_t) until;
    }

    return NGX_OK;
}


void
ngx_av_watch_ask(void)
{
    ngx_av_db_op_t  *op;

    op = &ngx_av_watch_op;

    if (op->active) {
        return;
    }

    ngx_av_watch_call.statement = &ngx_av_watch_statement;

    op->calls = &ngx_av_watch_call;
    op->ncalls = 1;
    op->done = ngx_av_watch_done;
    op->timeout = NGX_AV_WATCH_TIMEOUT;
    op->log = ngx_cycle->log;
    op->background = 1;

    ngx_av_db_submit(ngx_av_auth_readers, op);
}


static void
ngx_av_watch_done(ngx_av_db_op_t *op)
{
    if (op->status != NGX_AV_DB_OK && op->status != NGX_AV_DB_CLOSED) {
        ngx_log_error(NGX_LOG_WARN, op->log, 0,
                      "agentvista: other hosts could not be asked for the"
                      " accounts that are watched");
    }
}


ngx_uint_t
ngx_av_watch_asked(void)
{
    return ngx_av_zone->watch_asked;
}
