#include "ngx_av_body.h"
#include "ngx_av_http.h"
#include "ngx_av_stats.h"


/* Output after which the budget is asked again. */
#define NGX_AV_BODY_STEP   (1024 * 1024)

/* What a body says of its size is believed up to here: deflate's best. */
#define NGX_AV_BODY_RATIO  1032

/* what a small body may inflate to */
#define NGX_AV_BODY_SMALL  (16 * 1024 * 1024)


typedef struct {
    u_char       *data;         /* NULL: in the file */
    size_t        len;
    ngx_file_t    file;
    off_t         offset;
} ngx_av_body_piece_t;


static ngx_int_t ngx_av_body_find_coding(ngx_http_request_t *r,
    const ngx_av_coding_t **coding);
static size_t ngx_av_body_guess(const ngx_av_coding_t *coding,
    const u_char *p, size_t n, size_t len, size_t limit);


static size_t        ngx_av_budget_limit;
static ngx_atomic_t  ngx_av_budget_used;


void
ngx_av_budget_init(size_t limit)
{
    ngx_av_budget_limit = limit;
    ngx_av_budget_used = 0;
}


ngx_int_t
ngx_av_budget_take(size_t size)
{
    size_t  used;

    if (size > ngx_av_budget_limit) {
        return NGX_BUSY;
    }

    used = ngx_atomic_fetch_add(&ngx_av_budget_used, size) + size;

    if (used > ngx_av_budget_limit) {
        ngx_av_budget_give(size);
        return NGX_BUSY;
    }

    ngx_av_stats_set(NGX_AV_STATS_QUEUE_BYTES, used);

    return NGX_OK;
}


ngx_int_t
ngx_av_budget_cover(size_t *taken, size_t size)
{
    if (size <= *taken) {
        return NGX_OK;
    }

    if (ngx_av_budget_take(size - *taken) != NGX_OK) {
        return NGX_BUSY;
    }

    *taken = size;

    return NGX_OK;
}


ngx_int_t
ngx_av_budget_settle(size_t *taken, size_t size)
{
    if (size < *taken) {
        ngx_av_budget_give(*taken - size);
        *taken = size;
    }

    return ngx_av_budget_cover(taken, size);
}


ngx_int_t
ngx_av_budget_refuse(ngx_http_request_t *r)
{
    ngx_av_stats_add(NGX_AV_STATS_MEMORY_REFUSALS, 1);

    return ngx_av_http_unavailable(r, 1, "Too much data is in flight: send"
                                         " this again.");
}


void
ngx_av_budget_give(size_t size)
{
    size_t  used;

    used = ngx_atomic_fetch_add(&ngx_av_budget_used,
                                - (ngx_atomic_int_t) size)
           - size;

    ngx_av_stats_set(NGX_AV_STATS_QUEUE_BYTES, used);
}


ngx_int_t
ngx_av_body_check_encoding(ngx_http_request_t *r,
    const ngx_av_coding_t **coding)
{
    static ngx_str_t  name = ngx_string("Accept-Encoding");
    static ngx_str_t  accepted = ngx_string("gzip, zstd");

    if (ngx_av_body_find_coding(r, coding) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_av_http_add_header(r, &name, &accepted) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                             "Content-Encoding is not supported:"
                             " send gzip, zstd or none.");
}


/* NGX_DECLINED if there are several, or it is none of ours. */

static ngx_int_t
ngx_av_body_find_coding(ngx_http_request_t *r, const ngx_av_coding_t **coding)
{
    ngx_str_t  value;

    switch (ngx_av_http_header(r, "Content-Encoding", &value)) {

    case 0:
        *coding = NULL;
        return NGX_OK;

    case 1:
        return ngx_av_coding_find(&value, coding);

    default:
        return NGX_DECLINED;
    }
}


ngx_int_t
ngx_av_body_get(ngx_http_request_t *r, ngx_str_t *text, size_t *taken)
{
    size_t                   limit;
    ngx_int_t                rc;
    ngx_av_body_t            body;
    const ngx_av_coding_t   *coding;
    ngx_av_http_loc_conf_t  *lcf;

    rc = ngx_av_body_check_encoding(r, &coding);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_av_body_find(r, r->pool, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    limit = 0;
    rc = ngx_av_budget_cover(taken, body.len);

    if (rc == NGX_OK) {
        rc = ngx_av_body_read(&body, r->pool, text);
    }

    if (rc == NGX_OK && text->len && coding) {

        lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

        limit = (lcf->inflated_limit != NGX_CONF_UNSET_SIZE)
                ? lcf->inflated_limit : NGX_AV_BODY_SMALL;

        rc = ngx_av_body_inflate(coding, r->pool, limit, 1, taken, text);
    }

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_av_http_error(r, NGX_HTTP_BAD_REQUEST, "%s",
                                 coding->invalid);

    case NGX_ABORT:
        return ngx_av_http_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 NGX_AV_BODY_INFLATED, limit);

    case NGX_BUSY:
        return ngx_av_budget_refuse(r);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


ngx_int_t
ngx_av_body_find(ngx_http_request_t *r, ngx_pool_t *pool, ngx_av_body_t *body)
{
    ngx_buf_t            *buf;
    ngx_chain_t          *cl;
    ngx_av_body_piece_t  *piece;

    body->len = 0;

    if (ngx_array_init(&body->pieces, pool, 1, sizeof(ngx_av_body_piece_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        buf = cl->buf;

        if (ngx_buf_size(buf) == 0) {
            continue;
        }

        piece = ngx_array_push(&body->pieces);
        if (piece == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(piece, sizeof(ngx_av_body_piece_t));

        piece->len = ngx_buf_size(buf);
        body->len += piece->len;

        if (!buf->in_file) {
            piece->data = buf->pos;
            continue;
        }

        piece->file.fd = buf->file->fd;
        piece->file.name = buf->file->name;
        piece->file.log = r->connection->log;
        piece->offset = buf->file_pos;
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_body_detach(ngx_av_body_t *body, ngx_pool_t *pool)
{
    u_char                   *p;
    ngx_uint_t                i;
    ngx_av_body_piece_t      *piece;
    ngx_pool_cleanup_t       *cln;
    ngx_pool_cleanup_file_t  *clnf;

    piece = body->pieces.elts;

    for (i = 0; i < body->pieces.nelts; i++) {

        if (piece[i].data) {
            p = ngx_pnalloc(pool, piece[i].len);
            if (p == NULL) {
                return NGX_ERROR;
            }

            ngx_memcpy(p, piece[i].data, piece[i].len);
            piece[i].data = p;
            continue;
        }

        cln = ngx_pool_cleanup_add(pool, sizeof(ngx_pool_cleanup_file_t));
        if (cln == NULL) {
            return NGX_ERROR;
        }

        piece[i].file.fd = dup(piece[i].file.fd);
        if (piece[i].file.fd == NGX_INVALID_FILE) {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                          "agentvista: dup() failed");
            return NGX_ERROR;
        }

        clnf = cln->data;
        clnf->fd = piece[i].file.fd;
        clnf->name = (u_char *) "request body";
        clnf->log = ngx_cycle->log;
        cln->handler = ngx_pool_cleanup_file;

        ngx_str_set(&piece[i].file.name, "request body");
        piece[i].file.log = ngx_cycle->log;
    }

    return NGX_OK;
}


size_t
ngx_av_body_inflated(ngx_av_body_t *body, const ngx_av_coding_t *coding,
    size_t limit)
{
    off_t                 skip;
    size_t                n;
    u_char                hint[NGX_AV_CODING_HINT];
    ngx_av_body_piece_t  *piece;

    if (body->pieces.nelts == 0) {
        return 0;
    }

    piece = body->pieces.elts;

    if (coding->hint_last) {
        piece += body->pieces.nelts - 1;
    }

    n = ngx_min(coding->hint, piece->len);
    skip = coding->hint_last ? piece->len - n : 0;

    if (piece->data) {
        return ngx_av_body_guess(coding, piece->data + skip, n, body->len,
                                 limit);
    }

    /* what was written just now does not come from the disk */

    if (ngx_read_file(&piece->file, hint, n, piece->offset + skip)
        != (ssize_t) n)
    {
        return limit;
    }

    return ngx_av_body_guess(coding, hint, n, body->len, limit);
}


ngx_int_t
ngx_av_body_read(ngx_av_body_t *body, ngx_pool_t *pool, ngx_str_t *text)
{
    u_char               *p;
    ssize_t               n;
    ngx_uint_t            i;
    ngx_av_body_piece_t  *piece;

    piece = body->pieces.elts;

    if (body->pieces.nelts == 0) {
        ngx_str_set(text, "");
        return NGX_OK;
    }

    text->len = body->len;

    if (body->pieces.nelts == 1 && piece->data) {
        text->data = piece->data;
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, text->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < body->pieces.nelts; i++, p += piece->len, piece++) {

        if (piece->data) {
            ngx_memcpy(p, piece->data, piece->len);
            continue;
        }

        n = ngx_read_file(&piece->file, p, piece->len, piece->offset);

        if (n == NGX_ERROR || (size_t) n != piece->len) {
            ngx_log_error(NGX_LOG_CRIT, piece->file.log, 0,
                          "agentvista: could not read the request body from"
                          " \"%V\"", &piece->file.name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_body_inflate(const ngx_av_coding_t *coding, ngx_pool_t *pool,
    size_t limit, ngx_uint_t factor, size_t *taken, ngx_str_t *text)
{
    size_t             n, size;
    u_char            *hint;
    ngx_int_t          rc;
    ngx_av_buf_t       out;
    ngx_av_inflate_t   inf;

    n = ngx_min(coding->hint, text->len);
    hint = text->data + (coding->hint_last ? text->len - n : 0);
    size = ngx_av_body_guess(coding, hint, n, text->len, limit);

    /* and for the byte that proves there is no more */

    if (ngx_av_buf_init(&out, pool, size + 1) != NGX_OK
        || ngx_av_inflate_init(&inf, coding, text->data, text->len, limit)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* zstd's window is not counted: it holds no more than what came out */

    do {
        rc = ngx_av_inflate_step(&inf, &out, NGX_AV_BODY_STEP);

        if ((rc == NGX_OK || rc == NGX_AGAIN)
            && ngx_av_budget_cover(taken, text->len
                                          + factor * ngx_av_buf_len(&out))
               != NGX_OK)
        {
            rc = NGX_BUSY;
        }

    } while (rc == NGX_AGAIN);

    ngx_av_inflate_end(&inf);

    text->data = out.start;
    text->len = ngx_av_buf_len(&out);

    return rc;
}


static size_t
ngx_av_body_guess(const ngx_av_coding_t *coding, const u_char *p, size_t n,
    size_t len, size_t limit)
{
    size_t  size;

    size = coding->size(p, n, len);
    size = ngx_min(size, limit);

    return ngx_min(size, NGX_AV_BODY_RATIO * len);
}
