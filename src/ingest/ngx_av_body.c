#include "ngx_av_body.h"
#include "ngx_av_http.h"
#include "ngx_av_inflate.h"
#include "ngx_av_stats.h"


static ngx_uint_t ngx_av_body_is_gzip(ngx_http_request_t *r);
static ngx_int_t ngx_av_body_plain(ngx_http_request_t *r, ngx_str_t *text,
    size_t *taken);
static ngx_int_t ngx_av_body_inflate(ngx_http_request_t *r, ngx_str_t *text,
    size_t *taken);


static size_t  ngx_av_budget_limit;
static size_t  ngx_av_budget_used;


void
ngx_av_budget_init(size_t limit)
{
    ngx_av_budget_limit = limit;
    ngx_av_budget_used = 0;
}


ngx_int_t
ngx_av_budget_take(size_t size)
{
    if (size > ngx_av_budget_left()) {
        ngx_av_stats_add(NGX_AV_STATS_MEMORY_REFUSALS, 1);
        return NGX_BUSY;
    }

    ngx_av_budget_used += size;
    ngx_av_stats_set(NGX_AV_STATS_QUEUE_BYTES, ngx_av_budget_used);

    return NGX_OK;
}


void
ngx_av_budget_give(size_t size)
{
    ngx_av_budget_used -= size;
    ngx_av_stats_set(NGX_AV_STATS_QUEUE_BYTES, ngx_av_budget_used);
}


size_t
ngx_av_budget_left(void)
{
    return ngx_av_budget_limit - ngx_av_budget_used;
}


static ngx_table_elt_t *
ngx_av_body_encoding(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == sizeof("Content-Encoding") - 1
            && ngx_strncasecmp(h[i].key.data, (u_char *) "Content-Encoding",
                               h[i].key.len)
               == 0)
        {
            return &h[i];
        }
    }
}


static ngx_uint_t
ngx_av_body_is_gzip(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = ngx_av_body_encoding(r);

    return h != NULL
           && ((h->value.len == 4
                && ngx_strncasecmp(h->value.data, (u_char *) "gzip", 4) == 0)
               || (h->value.len == 6
                   && ngx_strncasecmp(h->value.data, (u_char *) "x-gzip", 6)
                      == 0));
}


ngx_int_t
ngx_av_body_check_encoding(ngx_http_request_t *r)
{
    ngx_table_elt_t   *h;
    static ngx_str_t   name = ngx_string("Accept-Encoding");
    static ngx_str_t   gzip = ngx_string("gzip");

    h = ngx_av_body_encoding(r);

    if (h == NULL
        || ngx_av_body_is_gzip(r)
        || (h->value.len == 8
            && ngx_strncasecmp(h->value.data, (u_char *) "identity", 8) == 0))
    {
        return NGX_OK;
    }

    if (ngx_av_http_add_header(r, &name, &gzip) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                             "Content-Encoding is not supported:"
                             " send gzip or none.");
}


ngx_int_t
ngx_av_body_get(ngx_http_request_t *r, ngx_str_t *text, size_t *taken)
{
    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        ngx_str_null(text);
        return NGX_OK;
    }

    return ngx_av_body_is_gzip(r) ? ngx_av_body_inflate(r, text, taken)
                                  : ngx_av_body_plain(r, text, taken);
}


static ngx_int_t
ngx_av_body_plain(ngx_http_request_t *r, ngx_str_t *text, size_t *taken)
{
    u_char       *p;
    size_t        size;
    ssize_t       n;
    ngx_buf_t    *buf;
    ngx_chain_t  *cl;

    cl = r->request_body->bufs;

    if (cl->next == NULL && !cl->buf->in_file) {
        text->data = cl->buf->pos;
        text->len = cl->buf->last - cl->buf->pos;
        return NGX_OK;
    }

    text->len = 0;

    for ( /* void */ ; cl; cl = cl->next) {
        text->len += ngx_buf_size(cl->buf);
    }

    /* of a chunked body not all has been taken yet */

    if (text->len > *taken) {
        if (ngx_av_budget_take(text->len - *taken) != NGX_OK) {
            return ngx_av_http_unavailable(r, 1, "Too much data is in flight:"
                                           " send this again.");
        }

        *taken = text->len;
    }

    text->data = ngx_pnalloc(r->pool, text->len);
    if (text->data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = text->data;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        buf = cl->buf;

        if (!buf->in_file) {
            p = ngx_cpymem(p, buf->pos, buf->last - buf->pos);
            continue;
        }

        size = buf->file_last - buf->file_pos;
        n = ngx_read_file(buf->file, p, size, buf->file_pos);

        if (n == NGX_ERROR || (size_t) n != size) {
            ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                          "agentvista: could not read the request body from"
                          " \"%V\"", &buf->file->name);
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        p += size;
    }

    return NGX_OK;
}


/*
 * Inflates within the location's limit and what is left of the budget,
 * whichever is less; running into the latter is our trouble, not the
 * client's.
 */

static ngx_int_t
ngx_av_body_inflate(ngx_http_request_t *r, ngx_str_t *text, size_t *taken)
{
    size_t                   limit;
    ngx_int_t                rc;
    ngx_str_t                body;
    ngx_av_buf_t             out;
    ngx_av_inflate_t         inf;
    ngx_av_http_loc_conf_t  *lcf;

    rc = ngx_av_body_plain(r, &body, taken);
    if (rc != NGX_OK) {
        return rc;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    limit = ngx_min(lcf->inflated_limit, ngx_av_budget_left());

    if (ngx_av_inflate_init(&inf, limit) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_av_buf_init(&out, r->pool, ngx_min(4 * body.len, limit));

    if (rc == NGX_OK) {
        rc = ngx_av_inflate_feed(&inf, body.data, body.len, &out);
    }

    if (rc == NGX_OK) {
        rc = ngx_av_inflate_done(&inf);
    }

    ngx_av_inflate_end(&inf);

    switch (rc) {

    case NGX_OK:
        text->data = out.start;
        text->len = ngx_av_buf_len(&out);

        if (ngx_av_budget_take(text->len) != NGX_OK) {
            return ngx_av_http_unavailable(r, 1, "Too much data is in flight:"
                                           " send this again.");
        }

        *taken += text->len;
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_av_http_error(r, NGX_HTTP_BAD_REQUEST,
                                 "The body is not valid gzip,"
                                 " or it is truncated.");

    case NGX_ABORT:
        if (limit < lcf->inflated_limit) {
            ngx_av_stats_add(NGX_AV_STATS_MEMORY_REFUSALS, 1);
            return ngx_av_http_unavailable(r, 1, "Too much data is in flight:"
                                           " send this again.");
        }

        return ngx_av_http_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 "The body has more than %uz bytes after"
                                 " decompression.", limit);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}
