#include "ngx_av_otlp_rows.h"


#define NGX_AV_OTLP_DETAIL        256

/*
 * Rows may take as much as a document, and this: a thousand spans that say
 * next to nothing are legitimate, though their rows are much larger than they.
 */
#define NGX_AV_OTLP_MEMORY        (8 * 1024 * 1024)

/* agentmark.md 5.1 */
#define NGX_AV_OTLP_ID_TEXT_LEN   128


static ngx_int_t ngx_av_otlp_text_id(ngx_av_otlp_rows_t *rows,
    ngx_av_uuid_t *uuid, const ngx_str_t *text);


/* Clients know neither where our memory lies nor the time to the nanosecond. */

void
ngx_av_otlp_new_map(ngx_av_otlp_rows_t *rows, ngx_av_otlp_map_t *map)
{
    uint64_t  seed;

    seed = (uint64_t) (uintptr_t) rows->pool << 20;
    seed ^= (uint64_t) (uintptr_t) map;
    seed ^= (uint64_t) rows->options->now;

    ngx_av_otlp_map_init(map, rows->pool, seed);
}


ngx_int_t
ngx_av_otlp_charge(ngx_av_otlp_rows_t *rows, size_t size)
{
    if (rows->full) {
        return NGX_ABORT;
    }

    rows->memory += size;

    rows->full = (rows->memory > rows->options->limits.memory_limit
                                 + NGX_AV_OTLP_MEMORY)
                 ? NGX_ABORT
                 : ngx_av_memory_take(rows->options->limits.account, size);

    return rows->full ? NGX_ABORT : NGX_OK;
}


ngx_int_t
ngx_av_otlp_backfill(ngx_av_otlp_table_t *table, ngx_uint_t column)
{
    size_t         size;
    ngx_av_buf_t  *b;

    b = &table->columns[column];
    size = 4 * table->nrows;

    if (ngx_av_buf_reserve(b, size) != NGX_OK) {
        return NGX_ERROR;
    }

    /* nulls: the length -1 */

    if (size) {
        ngx_memset(b->last, 0xff, size);
        b->last += size;
    }

    table->used |= (uint64_t) 1 << column;

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_end_row(ngx_av_otlp_table_t *table)
{
    uint64_t  missing;

    missing = table->used & ~table->written;

    while (missing) {
        if (ngx_av_db_array_null(&table->columns[__builtin_ctzll(missing)])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        missing &= missing - 1;
    }

    table->written = 0;
    table->nrows++;

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_repeat(ngx_av_buf_t *b, const void *element, size_t len,
    ngx_uint_t n)
{
    if (ngx_av_buf_reserve(b, n * (4 + len)) != NGX_OK) {
        return NGX_ERROR;
    }

    while (n--) {
        b->last = ngx_av_db_put32(b->last, len);
        b->last = ngx_cpymem(b->last, element, len);
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_one_part(ngx_av_otlp_rows_t *rows)
{
    ngx_av_batch_t       *batch;
    ngx_av_batch_part_t  *part;

    batch = rows->batch;
    batch->nrows = rows->table.nrows;

    if (batch->nrows == 0) {
        return NGX_OK;
    }

    part = ngx_array_push(&batch->parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(part, sizeof(ngx_av_batch_part_t));
    part->nrows = batch->nrows;

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_refuse(ngx_av_otlp_rows_t *rows, const ngx_av_uuid_t *trace,
    const char *fmt, ...)
{
    u_char          *p;
    va_list          args;
    ngx_int_t        rc;
    ngx_str_t        id;
    ngx_av_batch_t  *batch;
    u_char           text[NGX_AV_OTLP_DETAIL];
    u_char           quoted[NGX_AV_UUID_TEXT_LEN + 2];

    batch = rows->batch;
    batch->nrejected++;

    if (batch->errors.nelts >= NGX_AV_OTLP_MAX_ERRORS) {
        return NGX_DECLINED;
    }

    va_start(args, fmt);
    p = ngx_vslprintf(text, text + sizeof(text) - 1, fmt, args);
    va_end(args);

    *p = '\0';

    if (trace == NULL) {
        rc = ngx_av_batch_reject(batch, rows->index, NULL, (char *) text);
        return (rc == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
    }

    id.data = quoted;
    id.len = sizeof(quoted);

    quoted[0] = '"';
    p = ngx_av_uuid_format(quoted + 1, trace);
    *p = '"';

    rc = ngx_av_batch_reject(batch, rows->index, &id, (char *) text);

    return (rc == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
}


ngx_int_t
ngx_av_otlp_check_time(ngx_av_otlp_rows_t *rows, const ngx_av_uuid_t *trace,
    const char *name, uint64_t time)
{
    if (time <= INT64_MAX) {
        return NGX_OK;
    }

    return ngx_av_otlp_refuse(rows, trace, "%s: out of range", name);
}


ngx_int_t
ngx_av_otlp_check_window(ngx_av_otlp_rows_t *rows, const ngx_av_uuid_t *trace,
    const char *name, uint64_t time)
{
    ngx_int_t                     rc;
    const ngx_av_batch_limits_t  *limits;

    limits = &rows->options->limits;

    rc = ngx_av_otlp_check_time(rows, trace, name, time);

    if (rc != NGX_OK
        || ((int64_t) time >= limits->earliest
            && (int64_t) time <= limits->latest))
    {
        return rc;
    }

    return ngx_av_otlp_refuse(rows, trace, "%s: outside the time that is kept",
                              name);
}


ngx_int_t
ngx_av_otlp_id(ngx_av_otlp_rows_t *rows, ngx_av_uuid_t *uuid,
    const ngx_av_otlp_id_t *id, size_t len, ngx_uint_t *free)
{
    *free = 0;

    if (id->len == 0 && id->text.len == 0) {
        return NGX_DONE;
    }

    /* any text goes, but 32 digits are the id they spell */

    if (id->len != len && (id->len != sizeof(uuid->bytes) || !rows->any_ids)) {
        *free = 1;
        return ngx_av_otlp_text_id(rows, uuid, &id->text);
    }

    if (id->len == sizeof(uuid->bytes)) {
        ngx_memcpy(uuid->bytes, id->bytes, sizeof(uuid->bytes));

    } else {
        ngx_memzero(uuid->bytes, 8);
        ngx_memcpy(uuid->bytes + 8, id->bytes, 8);
    }

    return ngx_av_uuid_is_nil(uuid) ? NGX_DONE : NGX_OK;
}


static ngx_int_t
ngx_av_otlp_text_id(ngx_av_otlp_rows_t *rows, ngx_av_uuid_t *uuid,
    const ngx_str_t *text)
{
    size_t  i;

    if (!rows->any_ids || text->len == 0
        || text->len > NGX_AV_OTLP_ID_TEXT_LEN)
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < text->len; i++) {
        if (text->data[i] < 0x20 || text->data[i] == 0x7f) {
            return NGX_DECLINED;
        }
    }

    ngx_av_uuid_v5(uuid, &rows->batch->account, text->data, text->len);

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_add_ref(ngx_av_otlp_rows_t *rows, ngx_av_ref_e kind,
    const ngx_av_uuid_t *id, const u_char *doc, size_t len)
{
    void                **value;
    ngx_av_batch_ref_t   *ref;

    value = ngx_av_otlp_map_get(&rows->refs, id, sizeof(ngx_av_uuid_t));
    if (value == NULL) {
        return NGX_ERROR;
    }

    /* the names that ids are made of tell the kinds apart */

    if (*value) {
        return NGX_OK;
    }

    *value = rows;

    ref = ngx_array_push(&rows->batch->refs[kind]);
    if (ref == NULL) {
        return NGX_ERROR;
    }

    ref->id = *id;
    ref->doc.len = len;
    ref->doc.data = ngx_pnalloc(rows->batch->pool, len + 1);

    if (ref->doc.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ref->doc.data, doc, len);

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_put_text(ngx_av_otlp_rows_t *rows, ngx_av_otlp_table_t *table,
    ngx_uint_t column, const ngx_str_t *name, const ngx_str_t *text)
{
    ngx_av_buf_t  *b;

    b = ngx_av_otlp_cell(table, column);
    if (b == NULL) {
        return NGX_ERROR;
    }

    return ngx_av_texts_put_bytes(&rows->texts, b, name, text);
}


ngx_int_t
ngx_av_otlp_put_enum(ngx_av_otlp_table_t *table, ngx_uint_t column,
    int32_t number)
{
    if (number < 0 || number > INT16_MAX) {
        return NGX_OK;
    }

    return ngx_av_otlp_put_int2(table, column, number);
}


ngx_int_t
ngx_av_otlp_put_time(ngx_av_otlp_table_t *table, ngx_uint_t column,
    ngx_uint_t nanos, ngx_av_time_t time)
{
    ngx_av_buf_t  *b;

    b = ngx_av_otlp_cell(table, column);

    if (b == NULL || ngx_av_db_array_timestamptz(b, time) != NGX_OK) {
        return NGX_ERROR;
    }

    /* times as sent are not negative */

    if (time % 1000 == 0) {
        return NGX_OK;
    }

    return ngx_av_otlp_put_int2(table, nanos, time % 1000);
}


ngx_int_t
ngx_av_otlp_put_attributes(ngx_av_otlp_rows_t *rows, ngx_uint_t column,
    const ngx_str_t *name, const ngx_av_otlp_attributes_t *attributes)
{
    size_t         mark;
    ngx_av_buf_t  *b;

    if (attributes->nelts == 0) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(&rows->table, column);

    if (b == NULL
        || ngx_av_db_array_begin(b, NGX_AV_DB_JSON, &mark) != NGX_OK
        || ngx_av_otlp_write_attributes(&rows->texts, b, name, attributes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_av_db_array_end(b, mark);

    return NGX_OK;
}


ngx_int_t
ngx_av_otlp_put_truncated(ngx_av_otlp_rows_t *rows, ngx_av_otlp_table_t *table,
    ngx_uint_t column)
{
    ngx_av_buf_t  *b;

    if (ngx_av_buf_len(&rows->texts.cut) == 0) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(table, column);

    return b ? ngx_av_texts_put_truncated(&rows->texts, b) : NGX_ERROR;
}
