#include "ngx_av_ingest_kind.h"


/* A body beyond this takes more of the worker's time than others may wait. */
#define NGX_AV_INGEST_LONG_TEXT      (256 * 1024)
#define NGX_AV_INGEST_LONG_CODED     (8 * 1024)

/* So does one that so much comes out of: a thread begins with it again. */
#define NGX_AV_INGEST_LONG_INFLATED  (NGX_AV_INGEST_LONG_CODED * 1032)

/* How many bodies are decoded in threads of a worker at once. */
#define NGX_AV_INGEST_TASKS  2

/* milliseconds: a thread is not to be interrupted, only to be waited for */
#define NGX_AV_INGEST_GUARD  1000


static void ngx_av_ingest_work(ngx_av_ingest_t *in);
static void ngx_av_ingest_open_account(ngx_av_ingest_t *in, size_t len);
static ngx_int_t ngx_av_ingest_grant(ngx_av_memory_t *memory, size_t size);
static ngx_int_t ngx_av_ingest_text(ngx_av_ingest_t *in, ngx_pool_t *pool,
    ngx_str_t *text);
static ngx_int_t ngx_av_ingest_unframe(ngx_av_ingest_t *in, ngx_str_t *text,
    const ngx_av_coding_t **coding);
static ngx_int_t ngx_av_ingest_inflate(ngx_av_ingest_t *in,
    const ngx_av_coding_t *coding, ngx_pool_t *pool, ngx_str_t *text);
static ngx_int_t ngx_av_ingest_fail(ngx_av_ingest_t *in, ngx_uint_t status,
    const char *fmt, ...);

#if (NGX_THREADS)
static void ngx_av_ingest_put_off(ngx_av_ingest_t *in);
static ngx_int_t ngx_av_ingest_enqueue(ngx_av_ingest_t *in);
static ngx_int_t ngx_av_ingest_post(ngx_av_ingest_t *in);
static void ngx_av_ingest_thread(void *data, ngx_log_t *log);
static void ngx_av_ingest_task_done(ngx_event_t *ev);
static void ngx_av_ingest_resume_decoded(ngx_av_ingest_t *in);
static void ngx_av_ingest_guard(ngx_event_t *ev);


static ngx_uint_t   ngx_av_ingest_ntasks;
static ngx_queue_t  ngx_av_ingest_tasks;    /* waiting; NULL links at first */
static size_t       ngx_av_ingest_wanted;   /* memory, by those who wait */
#endif


ngx_int_t
ngx_av_ingest_decode(ngx_av_ingest_t *in)
{
#if (NGX_THREADS)
    if (in->body.len > (in->form.coding ? NGX_AV_INGEST_LONG_CODED
                                        : NGX_AV_INGEST_LONG_TEXT))
    {
        return ngx_av_ingest_enqueue(in);
    }

    in->inplace = 1;
#endif

    if (ngx_av_budget_cover(&in->taken, in->need) != NGX_OK) {
        return ngx_av_budget_refuse(in->request);
    }

    ngx_av_ingest_work(in);

#if (NGX_THREADS)
    in->inplace = 0;

    if (in->overlong) {
        ngx_av_ingest_put_off(in);
        return ngx_av_ingest_enqueue(in);
    }
#endif

    return NGX_OK;
}


/*
 * From the bytes of the body to the batch, or to in->status and detail.  May
 * run in a thread: it touches nothing but in, and no request.
 */

static void
ngx_av_ingest_work(ngx_av_ingest_t *in)
{
    ngx_int_t    rc;
    ngx_str_t    text;
    ngx_pool_t  *pool;

    pool = in->pool;

    if (pool == NULL) {
        pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    }

    in->pool = NULL;

    if (pool == NULL) {
        in->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return;
    }

    if (ngx_av_ingest_text(in, pool, &text) == NGX_OK) {

        ngx_av_ingest_open_account(in, text.len);

        rc = in->kind->decode(in, &text, &in->detail);

        switch (rc) {

        case NGX_OK:
            break;

        case NGX_DECLINED:
            in->status = NGX_HTTP_BAD_REQUEST;
            break;

        case NGX_BUSY:
            in->status = NGX_HTTP_SERVICE_UNAVAILABLE;
            break;

        case NGX_ABORT:
            (void) ngx_av_ingest_fail(in, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                      "%s", NGX_AV_INGEST_TOO_MANY);
            break;

        default:
            in->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    /* what the batch keeps it has copied */

    ngx_destroy_pool(pool);
}


/*
 * What was taken for the body is enough unless it has many small values.  The
 * texts in rows are not counted one by one: they take what the text does.
 */

static void
ngx_av_ingest_open_account(ngx_av_ingest_t *in, size_t len)
{
    in->len = len;

    in->memory.used = 0;
    in->memory.granted = in->taken - ngx_min(in->taken, 2 * len);
    in->memory.grant = ngx_av_ingest_grant;

    in->limits.account = &in->memory;
}


static ngx_int_t
ngx_av_ingest_grant(ngx_av_memory_t *memory, size_t size)
{
    ngx_av_ingest_t  *in;

    in = (ngx_av_ingest_t *) ((u_char *) memory
                              - offsetof(ngx_av_ingest_t, memory));

    if (2 * in->len + size > ngx_av_ingest_conf->queue_memory) {
        return NGX_ABORT;
    }

    if (ngx_av_budget_cover(&in->taken, 2 * in->len + size) != NGX_OK) {
        return NGX_BUSY;
    }

    memory->granted = size;

    return NGX_OK;
}


/* NGX_OK, or NGX_ERROR with in->status set. */

static ngx_int_t
ngx_av_ingest_text(ngx_av_ingest_t *in, ngx_pool_t *pool, ngx_str_t *text)
{
    const ngx_av_coding_t  *coding;

    if (ngx_av_body_read(&in->body, pool, text) != NGX_OK) {
        in->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NGX_ERROR;
    }

    coding = in->form.coding;

    if (in->form.framed
        && ngx_av_ingest_unframe(in, text, &coding) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* in protobuf nothing is a request, too, however it was encoded */

    if (coding == NULL
        || (text->len == 0 && in->form.encoding == NGX_AV_OTLP_PROTOBUF))
    {
        return NGX_OK;
    }

    return ngx_av_ingest_inflate(in, coding, pool, text);
}


/* gRPC: one message, after whether it is compressed and its length. */

static ngx_int_t
ngx_av_ingest_unframe(ngx_av_ingest_t *in, ngx_str_t *text,
    const ngx_av_coding_t **coding)
{
    size_t   len;
    u_char  *p;

    p = text->data;

    if (text->len < 5) {
        return ngx_av_ingest_fail(in, NGX_HTTP_BAD_REQUEST,
                                  "The request has no message.");
    }

    len = (size_t) p[1] << 24 | (size_t) p[2] << 16 | (size_t) p[3] << 8
          | (size_t) p[4];

    text->data += 5;
    text->len -= 5;

    if (text->len < len) {
        return ngx_av_ingest_fail(in, NGX_HTTP_BAD_REQUEST,
                                  "The message is truncated.");
    }

    if (text->len > len) {
        return ngx_av_ingest_fail(in, NGX_HTTP_BAD_REQUEST,
                                  "The request has more than one message.");
    }

    if (p[0] > 1 || (p[0] == 1 && *coding == NULL)) {
        return ngx_av_ingest_fail(in, NGX_HTTP_BAD_REQUEST,
                                  "The message is compressed, but grpc-encoding"
                                  " does not say how.");
    }

    if (p[0] == 0) {
        *coding = NULL;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_ingest_inflate(ngx_av_ingest_t *in, const ngx_av_coding_t *coding,
    ngx_pool_t *pool, ngx_str_t *text)
{
    size_t     limit;
    ngx_int_t  rc;

    limit = in->inflated_limit;

    if (in->inplace) {
        limit = ngx_min(limit, NGX_AV_INGEST_LONG_INFLATED);
    }

    rc = ngx_av_body_inflate(coding, pool, limit, NGX_AV_INGEST_FACTOR,
                             &in->taken, text);

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_av_ingest_fail(in, NGX_HTTP_BAD_REQUEST, "%s",
                                  coding->invalid);

    case NGX_ABORT:

        if (limit < in->inflated_limit) {
            in->overlong = 1;
            return NGX_ERROR;
        }

        return ngx_av_ingest_fail(in, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                  NGX_AV_BODY_INFLATED, in->inflated_limit);

    case NGX_BUSY:
        in->status = NGX_HTTP_SERVICE_UNAVAILABLE;
        return NGX_ERROR;

    default:
        in->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_av_ingest_fail(ngx_av_ingest_t *in, ngx_uint_t status, const char *fmt,
    ...)
{
    u_char   *p;
    va_list   args;
    u_char    buf[128];

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args);
    va_end(args);

    in->status = status;
    in->detail.len = p - buf;
    in->detail.data = ngx_pnalloc(in->batch->pool, in->detail.len);

    if (in->detail.data == NULL) {
        in->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NGX_ERROR;
    }

    ngx_memcpy(in->detail.data, buf, in->detail.len);

    return NGX_ERROR;
}


#if (NGX_THREADS)

/* It waits for the memory that it is known to need at least. */

static void
ngx_av_ingest_put_off(ngx_av_ingest_t *in)
{
    size_t  least;

    least = in->body.len + NGX_AV_INGEST_LONG_INFLATED * NGX_AV_INGEST_FACTOR;

    in->need = ngx_max(in->need, least);

    (void) ngx_av_budget_settle(&in->taken, 0);
}


/*
 * Large bodies wait in their files until there is memory for them, though not
 * more of them than would fit then.
 */

static ngx_int_t
ngx_av_ingest_enqueue(ngx_av_ingest_t *in)
{
    if (ngx_av_ingest_wanted + in->need > ngx_av_ingest_conf->queue_memory) {
        return ngx_av_budget_refuse(in->request);
    }

    in->pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);

    if (in->pool == NULL
        || ngx_av_body_detach(&in->body, in->pool) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_av_ingest_tasks.next == NULL) {
        ngx_queue_init(&ngx_av_ingest_tasks);
    }

    ngx_queue_insert_tail(&ngx_av_ingest_tasks, &in->queue);
    ngx_av_ingest_wanted += in->need;
    in->queued = 1;

    /* not cancelable: a worker that quits must not leave without the answer */

    in->guard.data = &in->dumb;
    in->guard.handler = ngx_av_ingest_guard;
    in->guard.log = ngx_cycle->log;

    ngx_add_timer(&in->guard, ngx_av_ingest_time_left(in));

    ngx_av_ingest_next_task();

    return NGX_AGAIN;
}


void
ngx_av_ingest_dequeue(ngx_av_ingest_t *in)
{
    ngx_queue_remove(&in->queue);
    ngx_av_ingest_wanted -= in->need;
    in->queued = 0;
}


void
ngx_av_ingest_next_task(void)
{
    ngx_queue_t      *q;
    ngx_av_ingest_t  *in;

    if (ngx_av_ingest_tasks.next == NULL) {
        return;
    }

    while (ngx_av_ingest_ntasks < NGX_AV_INGEST_TASKS
           && !ngx_queue_empty(&ngx_av_ingest_tasks))
    {
        q = ngx_queue_head(&ngx_av_ingest_tasks);
        in = ngx_queue_data(q, ngx_av_ingest_t, queue);

        if (ngx_av_budget_cover(&in->taken, in->need) != NGX_OK
            || ngx_av_ingest_post(in) != NGX_OK)
        {
            /* memory given back, or the guard, will go on */
            return;
        }
    }
}


static ngx_int_t
ngx_av_ingest_post(ngx_av_ingest_t *in)
{
    ngx_thread_task_t  *task;

    task = ngx_thread_task_alloc(in->batch->pool, 0);
    if (task == NULL) {
        return NGX_ERROR;
    }

    task->ctx = in;
    task->handler = ngx_av_ingest_thread;
    task->event.data = in;
    task->event.handler = ngx_av_ingest_task_done;

    if (ngx_thread_task_post(ngx_av_ingest_conf->threads, task) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_av_ingest_dequeue(in);

    in->busy = 1;
    ngx_av_ingest_ntasks++;

    return NGX_OK;
}


static void
ngx_av_ingest_thread(void *data, ngx_log_t *log)
{
    ngx_av_ingest_work(data);
}


static void
ngx_av_ingest_task_done(ngx_event_t *ev)
{
    ngx_av_ingest_t  *in = ev->data;

    ngx_del_timer(&in->guard);

    in->busy = 0;

    ngx_av_ingest_ntasks--;
    ngx_av_ingest_next_task();

    if (in->request == NULL) {
        ngx_av_ingest_destroy(in);
        return;
    }

    ngx_av_http_resume_log(in->request);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, in->request->connection->log, 0,
                   "agentvista body decoded: %ui", in->status);

    ngx_av_ingest_resume_decoded(in);
}


static void
ngx_av_ingest_resume_decoded(ngx_av_ingest_t *in)
{
    ngx_int_t  rc;

    rc = ngx_av_ingest_decoded(in);

    if (rc != NGX_AGAIN) {
        ngx_av_ingest_finish(in, rc);
    }
}


static void
ngx_av_ingest_guard(ngx_event_t *ev)
{
    ngx_connection_t  *dumb = ev->data;
    ngx_av_ingest_t   *in = dumb->data;

    if (in->busy) {
        ngx_add_timer(&in->guard, NGX_AV_INGEST_GUARD);
        return;
    }

    ngx_av_ingest_dequeue(in);

    ngx_av_http_resume_log(in->request);

    ngx_av_ingest_finish(in, ngx_av_ingest_unavailable(in->request));
}

#else

void
ngx_av_ingest_dequeue(ngx_av_ingest_t *in)
{
    /* nothing is ever queued */
}


void
ngx_av_ingest_next_task(void)
{
}

#endif
