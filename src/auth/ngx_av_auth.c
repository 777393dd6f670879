#include "ngx_av_auth.h"
#include "ngx_av_db_listen.h"
#include "ngx_av_key.h"
#include "ngx_av_quota.h"
#include "ngx_av_time.h"
#include "ngx_av_watch.h"
#include "ngx_av_zone.h"


static void ngx_av_auth_connected(void *data);
static void ngx_av_auth_notified(void *data, ngx_str_t *payload);
static void ngx_av_auth_notified_key(ngx_str_t *hex);
static void ngx_av_auth_notified_account(ngx_str_t *text);
static void ngx_av_auth_alive(void *data, ngx_str_t *problems);
static void ngx_av_auth_lost(void *data);


ngx_av_auth_conf_t  *ngx_av_auth_conf;
ngx_av_db_pool_t    *ngx_av_auth_readers;

static ngx_av_db_listener_t  *ngx_av_auth_listener;


ngx_int_t
ngx_av_auth_init_process(ngx_cycle_t *cycle, ngx_av_auth_conf_t *conf,
    ngx_av_db_conf_t *db, ngx_av_db_pool_t *readers)
{
    ngx_av_db_listen_conf_t  listen_conf;

    ngx_av_auth_conf = conf;
    ngx_av_auth_readers = readers;

    if (ngx_process != NGX_PROCESS_SINGLE
        && (ngx_process != NGX_PROCESS_WORKER || ngx_worker != 0))
    {
        return NGX_OK;
    }

    ngx_memzero(&listen_conf, sizeof(ngx_av_db_listen_conf_t));

    listen_conf.listen = "listen agentvista";
    listen_conf.connected = ngx_av_auth_connected;
    listen_conf.notified = ngx_av_auth_notified;
    listen_conf.alive = ngx_av_auth_alive;
    listen_conf.lost = ngx_av_auth_lost;
    listen_conf.heartbeat = NGX_AV_ZONE_HEARTBEAT;

    ngx_av_auth_listener = ngx_av_db_listen_start(cycle, db, &listen_conf);

    return ngx_av_auth_listener != NULL ? NGX_OK : NGX_ERROR;
}


void
ngx_av_auth_exit_process(ngx_cycle_t *cycle)
{
    ngx_av_db_listener_t  *listener;

    listener = ngx_av_auth_listener;

    if (listener) {
        ngx_av_auth_listener = NULL;
        ngx_av_db_listen_stop(listener);
    }
}


void
ngx_av_auth_read(ngx_av_auth_read_t *read,
    const ngx_av_db_statement_t *statement, const void *value, size_t len,
    int32_t month, int64_t age, ngx_msec_t timeout)
{
    (void) ngx_av_db_put32(read->month, (uint32_t) month);
    (void) ngx_av_db_put64(read->age, (uint64_t) age);

    read->values[0] = value;
    read->lengths[0] = (int) len;

    read->values[1] = (char *) read->month;
    read->lengths[1] = sizeof(read->month);

    read->values[2] = (age < 0) ? NULL : (char *) read->age;
    read->lengths[2] = sizeof(read->age);

    read->call.statement = statement;
    read->call.values = read->values;
    read->call.lengths = read->lengths;

    read->op.calls = &read->call;
    read->op.ncalls = 1;
    read->op.timeout = timeout;

    /* an operation may outlive the request that asked for it */
    read->op.log = ngx_cycle->log;

    ngx_av_db_submit(ngx_av_auth_readers, &read->op);
}


int32_t
ngx_av_auth_month(time_t now)
{
    return ngx_av_time_pg_month((ngx_av_time_t) now * NGX_AV_TIME_SECOND);
}


static void
ngx_av_auth_connected(void *data)
{
    ngx_av_key_forget_all();
    ngx_av_quota_refresh_all();
    ngx_av_watch_ask();
}


static void
ngx_av_auth_notified(void *data, ngx_str_t *payload)
{
    ngx_str_t  name;

    if (payload->len > 4 && ngx_memcmp(payload->data, "key ", 4) == 0) {
        name.data = payload->data + 4;
        name.len = payload->len - 4;

        ngx_av_auth_notified_key(&name);
        return;
    }

    if (payload->len > 8 && ngx_memcmp(payload->data, "account ", 8) == 0) {
        name.data = payload->data + 8;
        name.len = payload->len - 8;

        ngx_av_auth_notified_account(&name);
        return;
    }

    if (ngx_av_watch_notified(payload) == NGX_OK) {
        return;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "agentvista notification ignored, length:%uz",
                   payload->len);
}


static void
ngx_av_auth_notified_key(ngx_str_t *hex)
{
    ngx_int_t          n;
    ngx_uint_t         i;
    ngx_av_key_hash_t  hash;

    if (hex->len != 2 * sizeof(hash.bytes)) {
        return;
    }

    for (i = 0; i < sizeof(hash.bytes); i++) {
        n = ngx_hextoi(&hex->data[2 * i], 2);
        if (n == NGX_ERROR) {
            return;
        }

        hash.bytes[i] = (u_char) n;
    }

    ngx_av_key_forget(&hash);
}


static void
ngx_av_auth_notified_account(ngx_str_t *text)
{
    ngx_av_uuid_t  account;

    if (ngx_av_uuid_parse(text->data, text->len, &account) == NGX_OK) {
        ngx_av_quota_refresh(&account);
    }
}


static void
ngx_av_auth_alive(void *data, ngx_str_t *problems)
{
    ngx_av_zone->heard = ngx_time();

    if (!ngx_av_zone_set_problems(problems)) {
        return;
    }

    if (problems->len) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "agentvista database: %V", problems);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "agentvista database: no problems any more");
    }
}


static void
ngx_av_auth_lost(void *data)
{
    /* the end of an old worker says nothing of the new one's connection */

    if (ngx_av_auth_listener == NULL || ngx_exiting || ngx_terminate) {
        return;
    }

    ngx_av_zone->heard = 0;
}
