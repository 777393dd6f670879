/* What the traces of accounts have become, for all of their streams at once. */

#include "ngx_av_stream_page.h"


static ngx_uint_t ngx_av_stream_fetch_is_due(ngx_av_stream_account_t *account);
static ngx_uint_t ngx_av_stream_fetch_catches(
    ngx_av_stream_account_t *account);
static void ngx_av_stream_fetch_wait(ngx_av_stream_account_t *account);
static ngx_int_t ngx_av_stream_fetch_account(ngx_av_stream_account_t *account);
static ngx_av_stream_page_t *ngx_av_stream_fetch_page(
    ngx_av_stream_account_t *account);
static void ngx_av_stream_fetch_done(ngx_av_stream_page_t *page);
static void ngx_av_stream_fetch_push(ngx_av_stream_account_t *account,
    ngx_av_stream_page_t *page);
static void ngx_av_stream_fetch_settle(ngx_av_stream_account_t *account,
    ngx_av_stream_page_t *page);


void
ngx_av_stream_fetch_due(void)
{
    ngx_queue_t              *q;
    ngx_av_stream_account_t  *account;

    for (q = ngx_queue_head(&ngx_av_stream_worker.accounts);
         q != ngx_queue_sentinel(&ngx_av_stream_worker.accounts);
         q = ngx_queue_next(q))
    {
        account = ngx_queue_data(q, ngx_av_stream_account_t, queue);

        if (ngx_av_stream_fetch_is_due(account)) {
            ngx_av_stream_fetch_wait(account);
        }
    }

    ngx_av_stream_fetch_next();
}


static ngx_uint_t
ngx_av_stream_fetch_is_due(ngx_av_stream_account_t *account)
{
    if (!account->open || account->nfilters == 0) {
        return 0;
    }

    return account->rest || account->npending
           || ngx_av_stream_fetch_catches(account);
}


/* What comes while nothing is heard would be missed again. */

static ngx_uint_t
ngx_av_stream_fetch_catches(ngx_av_stream_account_t *account)
{
    return account->behind && ngx_av_stream_hears()
           && (ngx_msec_int_t) (ngx_current_msec - account->catch_at) >= 0;
}


static void
ngx_av_stream_fetch_wait(ngx_av_stream_account_t *account)
{
    if (!account->is_waiting && !account->fetching) {
        account->is_waiting = 1;
        ngx_queue_insert_tail(&ngx_av_stream_worker.due, &account->turn);
    }
}


/* Queries have to be answered besides. */

void
ngx_av_stream_fetch_next(void)
{
    ngx_queue_t              *q;
    ngx_av_stream_account_t  *account;

    while (ngx_av_stream_worker.nfetching < NGX_AV_STREAM_FETCHES
           && !ngx_queue_empty(&ngx_av_stream_worker.due))
    {
        q = ngx_queue_head(&ngx_av_stream_worker.due);
        account = ngx_queue_data(q, ngx_av_stream_account_t, turn);

        ngx_queue_remove(q);
        account->is_waiting = 0;

        if (ngx_av_stream_fetch_is_due(account)
            && ngx_av_stream_fetch_account(account) != NGX_OK)
        {
            ngx_av_stream_account_behind(account, NGX_AV_STREAM_GRACE);
        }
    }
}


/* The rest of a page first: what comes then is newer. */

static ngx_int_t
ngx_av_stream_fetch_account(ngx_av_stream_account_t *account)
{
    ngx_av_stream_page_t  *page;

    page = ngx_av_stream_fetch_page(account);
    if (page == NULL) {
        return NGX_ERROR;
    }

    if (account->rest) {
        page->ids = account->rest;
        account->rest = NULL;

    } else if (ngx_av_stream_fetch_catches(account)) {
        account->behind = 0;
        account->catching = 1;
        account->npending = 0;

    } else {
        page->ids = ngx_av_stream_page_ids(account->pending,
                                           account->npending);
        if (page->ids == NULL) {
            ngx_av_stream_page_destroy(page);
            return NGX_ERROR;
        }

        account->npending = 0;
    }

    account->fetching = 1;
    ngx_av_stream_worker.nfetching++;

    ngx_av_stream_page_submit(page, ngx_av_stream_fetch_done, account);

    return NGX_OK;
}


static ngx_av_stream_page_t *
ngx_av_stream_fetch_page(ngx_av_stream_account_t *account)
{
    ngx_uint_t               n;
    ngx_queue_t             *q;
    ngx_av_stream_filter_t  *filters[NGX_AV_STREAM_MAX_FILTERS];

    n = 0;

    for (q = ngx_queue_head(&account->filters);
         q != ngx_queue_sentinel(&account->filters);
         q = ngx_queue_next(q))
    {
        filters[n] = ngx_queue_data(q, ngx_av_stream_filter_t, queue);
        filters[n]->number = n + 1;
        n++;
    }

    return ngx_av_stream_page_create(&account->id, &account->cursor, filters,
                                     n);
}


static void
ngx_av_stream_fetch_done(ngx_av_stream_page_t *page)
{
    ngx_av_stream_account_t  *account = page->data;

    account->fetching = 0;
    ngx_av_stream_worker.nfetching--;

    ngx_av_stream_fetch_push(account, page);
    ngx_av_stream_fetch_settle(account, page);

    ngx_av_stream_account_done(account);

    ngx_av_stream_fetch_next();
}


static void
ngx_av_stream_fetch_push(ngx_av_stream_account_t *account,
    ngx_av_stream_page_t *page)
{
    ngx_queue_t             *q, *s;
    ngx_av_stream_t         *stream;
    ngx_av_stream_text_t    *text;
    ngx_av_stream_filter_t  *filter;

    for (q = ngx_queue_head(&account->filters);
         q != ngx_queue_sentinel(&account->filters);
         q = ngx_queue_next(q))
    {
        filter = ngx_queue_data(q, ngx_av_stream_filter_t, queue);

        /* one that is newer has streams that begin after this */

        text = filter->number ? page->texts[filter->number - 1] : NULL;
        filter->number = 0;

        if (text == NULL || page->failed) {
            continue;
        }

        for (s = ngx_queue_head(&filter->streams);
             s != ngx_queue_sentinel(&filter->streams);
             s = ngx_queue_next(s))
        {
            stream = ngx_queue_data(s, ngx_av_stream_t, queue);

            if (stream->open) {
                ngx_av_stream_push_new(stream, text);
            }
        }
    }
}


static void
ngx_av_stream_fetch_settle(ngx_av_stream_account_t *account,
    ngx_av_stream_page_t *page)
{
    if (page->failed) {
        account->catching = 0;
        ngx_av_stream_account_behind(account, NGX_AV_STREAM_GRACE);
        return;
    }

    if (page->ids == NULL) {
        account->caught = page->cursor;
    }

    if (page->rest) {
        account->rest = page->rest;
        page->rest = NULL;

        ngx_av_stream_fetch_wait(account);
        return;
    }

    if (account->catching) {
        account->catching = 0;
        account->cursor = account->caught;
        return;
    }

    ngx_av_stream_account_advance(account, &page->cursor);
}
