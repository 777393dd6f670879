/* The rows of a page as events: one text for each filter. */

#include "ngx_av_stream_page.h"


#define NGX_AV_STREAM_ID     "id: "
#define NGX_AV_STREAM_EVENT  "\nevent: trace\ndata: "
#define NGX_AV_STREAM_END    "\n\n"
#define NGX_AV_STREAM_GAP                                                     \
    "event: gap\ndata: {\"detail\":\"More has changed than is shown: "        \
    "read the list again.\"}\n\n"


static ngx_int_t ngx_av_stream_events_size(ngx_av_stream_page_t *page,
    const ngx_av_db_result_t *res, ngx_uint_t last);
static void ngx_av_stream_events_write(ngx_av_stream_page_t *page,
    const ngx_av_db_result_t *res, ngx_uint_t last);
static ngx_uint_t ngx_av_stream_events_matched(const ngx_av_db_result_t *res,
    ngx_uint_t row, u_char **p);
static ngx_uint_t ngx_av_stream_events_filter(ngx_av_stream_page_t *page,
    u_char *p);


/*
 * The last row has the cursor, whether there is a gap, and what is left for
 * another page; the others a trace each.
 */

ngx_int_t
ngx_av_stream_page_read(ngx_av_stream_page_t *page,
    const ngx_av_db_result_t *res)
{
    ngx_str_t   value;
    ngx_uint_t  last;

    if (ngx_av_db_nrows(res) == 0) {
        return NGX_ERROR;
    }

    last = ngx_av_db_nrows(res) - 1;

    value = ngx_av_db_value(res, last, 0);

    if (value.len != NGX_AV_STREAM_CURSOR) {
        return NGX_ERROR;
    }

    ngx_memcpy(page->cursor.text, value.data, value.len);

    if (!ngx_av_db_is_null(res, last, 2)) {
        value = ngx_av_db_value(res, last, 2);

        page->rest = ngx_av_stream_text_of(value.data, value.len);
        if (page->rest == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_av_stream_events_size(page, res, last) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_av_stream_events_write(page, res, last);

    return NGX_OK;
}


static ngx_int_t
ngx_av_stream_events_size(ngx_av_stream_page_t *page,
    const ngx_av_db_result_t *res, ngx_uint_t last)
{
    u_char      *p;
    size_t       sizes[NGX_AV_STREAM_MAX_FILTERS], len;
    ngx_uint_t   i, n, row, gap;

    gap = ngx_av_stream_events_matched(res, last, &p);

    for (i = 0; i < page->nfilters; i++) {
        sizes[i] = gap ? sizeof(NGX_AV_STREAM_GAP) - 1 : 0;
    }

    for (row = 0; row < last; row++) {
        n = ngx_av_stream_events_matched(res, row, &p);
        len = sizeof(NGX_AV_STREAM_ID NGX_AV_STREAM_EVENT NGX_AV_STREAM_END)
              - 1 + NGX_AV_STREAM_CURSOR + ngx_av_db_value(res, row, 0).len;

        for (i = 0; i < n; i++, p += 8) {
            sizes[ngx_av_stream_events_filter(page, p)] += len;
        }
    }

    for (i = 0; i < page->nfilters; i++) {

        if (sizes[i] == 0) {
            continue;
        }

        page->texts[i] = ngx_av_stream_text(sizes[i]);
        if (page->texts[i] == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_av_stream_events_write(ngx_av_stream_page_t *page,
    const ngx_av_db_result_t *res, ngx_uint_t last)
{
    u_char      *p, *ends[NGX_AV_STREAM_MAX_FILTERS];
    ngx_str_t    summary;
    ngx_uint_t   i, k, n, row, gap;

    gap = ngx_av_stream_events_matched(res, last, &p);

    for (i = 0; i < page->nfilters; i++) {
        ends[i] = page->texts[i] ? page->texts[i]->data : NULL;

        if (gap) {
            ends[i] = ngx_cpymem(ends[i], NGX_AV_STREAM_GAP,
                                 sizeof(NGX_AV_STREAM_GAP) - 1);
        }
    }

    for (row = 0; row < last; row++) {
        summary = ngx_av_db_value(res, row, 0);
        n = ngx_av_stream_events_matched(res, row, &p);

        for (i = 0; i < n; i++, p += 8) {
            k = ngx_av_stream_events_filter(page, p);

            ends[k] = ngx_sprintf(ends[k], NGX_AV_STREAM_ID "%*s"
                                  NGX_AV_STREAM_EVENT "%V" NGX_AV_STREAM_END,
                                  (size_t) NGX_AV_STREAM_CURSOR,
                                  page->since.text, &summary);
        }
    }
}


/* The elements of a binary int4[] without nulls: a length and a number each. */

static ngx_uint_t
ngx_av_stream_events_matched(const ngx_av_db_result_t *res, ngx_uint_t row,
    u_char **p)
{
    ngx_str_t   value;
    ngx_uint_t  n;

    value = ngx_av_db_value(res, row, 1);

    if (value.len < NGX_AV_DB_ARRAY_HEADER) {
        return 0;
    }

    n = ngx_av_db_get32(value.data + 12);
    *p = value.data + NGX_AV_DB_ARRAY_HEADER;

    return ngx_min(n, (value.len - NGX_AV_DB_ARRAY_HEADER) / 8);
}


/* The database only gives back numbers that it was given: from 1 on. */

static ngx_uint_t
ngx_av_stream_events_filter(ngx_av_stream_page_t *page, u_char *p)
{
    return (ngx_av_db_get32(p + 4) - 1) % page->nfilters;
}
