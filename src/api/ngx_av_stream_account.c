/* Accounts that are watched, and the filters of their streams. */

#include "ngx_av_stream.h"


static ngx_av_stream_account_t *ngx_av_stream_account_create(
    const ngx_av_uuid_t *id);
static ngx_av_stream_filter_t *ngx_av_stream_filter_find(
    ngx_av_stream_account_t *account, const char **values, int *lengths);
static ngx_av_stream_filter_t *ngx_av_stream_filter_create(
    ngx_av_stream_account_t *account, const char **values, int *lengths);


ngx_av_stream_worker_t  ngx_av_stream_worker;


/* Few of the many accounts have listeners in one worker. */

ngx_av_stream_account_t *
ngx_av_stream_account_find(const ngx_av_uuid_t *id)
{
    ngx_queue_t              *q;
    ngx_av_stream_account_t  *account;

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts);
         q = ngx_queue_next(q))
    {
        account = ngx_queue_data(q, ngx_av_stream_account_t, queue);

        if (ngx_memcmp(&account->id, id, sizeof(ngx_av_uuid_t)) == 0) {
            return account;
        }
    }

    return NULL;
}


ngx_int_t
ngx_av_stream_join(ngx_av_stream_t *stream, const ngx_av_uuid_t *id,
    const char **values, int *lengths)
{
    ngx_av_stream_filter_t   *filter;
    ngx_av_stream_account_t  *account;

    account = ngx_av_stream_account_find(id);

    if (account == NULL) {
        account = ngx_av_stream_account_create(id);
        if (account == NULL) {
            return NGX_ERROR;
        }
    }

    filter = ngx_av_stream_filter_find(account, values, lengths);

    if (filter == NULL) {

        if (account->nfilters == NGX_AV_STREAM_MAX_FILTERS) {
            return NGX_DECLINED;
        }

        filter = ngx_av_stream_filter_create(account, values, lengths);

        if (filter == NULL) {
            ngx_av_stream_account_done(account);
            return NGX_ERROR;
        }
    }

    stream->filter = filter;
    ngx_queue_insert_tail(&filter->streams, &stream->queue);
    ngx_queue_insert_tail(&ngx_av_stream_worker.streams, &stream->all);

    if (ngx_av_stream_worker.nstreams++ == 0) {
        ngx_av_stream_hear_start();
    }

    return NGX_OK;
}


void
ngx_av_stream_leave(ngx_av_stream_t *stream)
{
    ngx_av_stream_filter_t   *filter;
    ngx_av_stream_account_t  *account;

    filter = stream->filter;
    account = filter->account;

    stream->filter = NULL;
    ngx_queue_remove(&stream->queue);
    ngx_queue_remove(&stream->all);

    if (ngx_queue_empty(&filter->streams)) {
        ngx_queue_remove(&filter->queue);
        account->nfilters--;
        ngx_free(filter);

        ngx_av_stream_account_done(account);
    }

    if (--ngx_av_stream_worker.nstreams == 0) {
        ngx_av_stream_hear_idle();
    }
}


static ngx_av_stream_account_t *
ngx_av_stream_account_create(const ngx_av_uuid_t *id)
{
    ngx_av_stream_account_t  *account;

    account = ngx_calloc(sizeof(ngx_av_stream_account_t), ngx_cycle->log);
    if (account == NULL) {
        return NULL;
    }

    account->id = *id;
    account->renew_at = ngx_current_msec;
    ngx_queue_init(&account->filters);

    ngx_queue_insert_tail(&ngx_av_stream_worker.accounts, &account->queue);

    return account;
}


void
ngx_av_stream_account_done(ngx_av_stream_account_t *account)
{
    if (account->nfilters || account->fetching || account->watching) {
        return;
    }

    ngx_queue_remove(&account->queue);

    if (account->is_waiting) {
        ngx_queue_remove(&account->turn);
    }

    if (account->rest) {
        ngx_av_stream_release(account->rest);
    }

    if (account->pending) {
        ngx_free(account->pending);
    }

    ngx_free(account);
}


void
ngx_av_stream_account_behind(ngx_av_stream_account_t *account,
    ngx_msec_t delay)
{
    account->behind = 1;
    account->lagging = 0;
    account->catch_at = ngx_current_msec + delay;
}


void
ngx_av_stream_account_advance(ngx_av_stream_account_t *account,
    const ngx_av_stream_cursor_t *cursor)
{
    if (account->behind) {
        return;
    }

    if (account->lagging) {

        if (ngx_current_msec - account->next_at < NGX_AV_STREAM_LAG) {
            return;
        }

        account->cursor = account->next;
    }

    account->lagging = 1;
    account->next = *cursor;
    account->next_at = ngx_current_msec;
}


void
ngx_av_stream_account_wake(ngx_av_stream_account_t *account)
{
    ngx_queue_t             *q, *s;
    ngx_av_stream_filter_t  *filter;

    for (q = ngx_queue_head(&account->filters);
         q != ngx_queue_sentinel(&account->filters);
         q = ngx_queue_next(q))
    {
        filter = ngx_queue_data(q, ngx_av_stream_filter_t, queue);

        for (s = ngx_queue_head(&filter->streams);
             s != ngx_queue_sentinel(&filter->streams);
             s = ngx_queue_next(s))
        {
            ngx_av_stream_push(ngx_queue_data(s, ngx_av_stream_t, queue),
                               NULL);
        }
    }
}


/* Equal values are equal bytes: there is one way to write each. */

static ngx_av_stream_filter_t *
ngx_av_stream_filter_find(ngx_av_stream_account_t *account,
    const char **values, int *lengths)
{
    ngx_uint_t               i;
    ngx_queue_t             *q;
    ngx_av_stream_filter_t  *filter;

    for (q = ngx_queue_head(&account->filters);
         q != ngx_queue_sentinel(&account->filters);
         q = ngx_queue_next(q))
    {
        filter = ngx_queue_data(q, ngx_av_stream_filter_t, queue);

        for (i = 0; i < NGX_AV_STREAM_FILTERS; i++) {

            if ((values[i] == NULL) != (filter->values[i] == NULL)) {
                break;
            }

            if (values[i]
                && (lengths[i] != filter->lengths[i]
                    || ngx_memcmp(values[i], filter->values[i], lengths[i])
                       != 0))
            {
                break;
            }
        }

        if (i == NGX_AV_STREAM_FILTERS) {
            return filter;
        }
    }

    return NULL;
}


static ngx_av_stream_filter_t *
ngx_av_stream_filter_create(ngx_av_stream_account_t *account,
    const char **values, int *lengths)
{
    u_char                  *p;
    size_t                   size;
    ngx_uint_t               i;
    ngx_av_stream_filter_t  *filter;

    size = sizeof(ngx_av_stream_filter_t);

    for (i = 0; i < NGX_AV_STREAM_FILTERS; i++) {
        size += values[i] ? lengths[i] : 0;
    }

    filter = ngx_alloc(size, ngx_cycle->log);
    if (filter == NULL) {
        return NULL;
    }

    p = filter->bytes;

    for (i = 0; i < NGX_AV_STREAM_FILTERS; i++) {
        filter->values[i] = NULL;
        filter->lengths[i] = 0;

        if (values[i]) {
            filter->values[i] = (char *) p;
            filter->lengths[i] = lengths[i];
            p = ngx_cpymem(p, values[i], lengths[i]);
        }
    }

    filter->account = account;
    filter->number = 0;
    ngx_queue_init(&filter->streams);

    ngx_queue_insert_tail(&account->filters, &filter->queue);
    account->nfilters++;

    return filter;
}
