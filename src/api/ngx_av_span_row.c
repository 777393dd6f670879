#include "ngx_av_span_row.h"

#include "ngx_av_json_scan.h"
#include "ngx_av_value.h"


/*
 * What the JSON of a span takes beyond its row in memory: more for keys, less
 * for what is null.
 */
#define NGX_AV_SPAN_ROW_KEYS  256

#define NGX_AV_SPAN_ROW_MORE_PARTS  3


static ngx_int_t ngx_av_span_more(ngx_pool_t *pool,
    const ngx_av_db_result_t *result, ngx_av_span_chunk_t *chunk);
static ngx_int_t ngx_av_span_row(ngx_av_buf_t *b, ngx_av_span_row_t *row,
    const ngx_av_span_form_t *form, ngx_uint_t *spans);
static ngx_int_t ngx_av_span_fields(ngx_av_buf_t *b, ngx_av_span_row_t *row,
    const ngx_av_span_form_t *form);
static void ngx_av_span_details(ngx_av_span_row_t *row,
    const ngx_str_t *keys);


ngx_int_t
ngx_av_span_rows(ngx_pool_t *pool, const ngx_av_db_result_t *result,
    const ngx_av_span_form_t *form, ngx_av_span_chunk_t *chunk)
{
    ngx_uint_t         n, spans;
    ngx_av_buf_t       b;
    ngx_av_span_row_t  row;

    ngx_memzero(chunk, sizeof(ngx_av_span_chunk_t));

    n = ngx_av_db_nrows(result);

    if (n == 0) {
        return NGX_DECLINED;
    }

    if (ngx_av_span_more(pool, result, chunk) != NGX_OK
        || ngx_av_buf_init(&b, pool, ngx_av_db_size(result)
                                     + n * NGX_AV_SPAN_ROW_KEYS)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    row.result = result;
    spans = 0;

    for (row.number = 0; row.number < n; row.number++) {
        if (ngx_av_span_row(&b, &row, form, &spans) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    chunk->text.data = b.start;
    chunk->text.len = ngx_av_buf_len(&b);

    return NGX_OK;
}


/* What the first row tells of the whole. */

static ngx_int_t
ngx_av_span_more(ngx_pool_t *pool, const ngx_av_db_result_t *result,
    ngx_av_span_chunk_t *chunk)
{
    ngx_str_t   parts[NGX_AV_SPAN_ROW_MORE_PARTS], *copies;
    ngx_uint_t  i, n;

    if (ngx_av_db_is_null(result, 0, NGX_AV_SPAN_ROW_MORE)) {
        return NGX_OK;
    }

    if (ngx_av_db_text_array(result, 0, NGX_AV_SPAN_ROW_MORE, parts,
                             NGX_AV_SPAN_ROW_MORE_PARTS, &n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    copies = &chunk->rest;

    for (i = 0; i < n; i++) {
        copies[i].len = parts[i].len;
        copies[i].data = ngx_pstrdup(pool, &parts[i]);

        if (copies[i].data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* *spans: how many there were since the last text. */

static ngx_int_t
ngx_av_span_row(ngx_av_buf_t *b, ngx_av_span_row_t *row,
    const ngx_av_span_form_t *form, ngx_uint_t *spans)
{
    ngx_str_t  text;

    text = ngx_av_span_value(row, NGX_AV_SPAN_ROW_TEXT);

    if (text.data) {
        *spans = 0;

    } else if (form->list && *spans) {
        ngx_str_set(&text, ",");
    }

    if (ngx_av_buf_append(b, text.data, text.len) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_av_span_is_null(row, NGX_AV_SPAN_ROW_SPAN_ID)) {
        return NGX_OK;
    }

    (*spans)++;

    return ngx_av_span_fields(b, row, form);
}


static ngx_int_t
ngx_av_span_fields(ngx_av_buf_t *b, ngx_av_span_row_t *row,
    const ngx_av_span_form_t *form)
{
    size_t                      len;
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    const ngx_av_span_field_t  *field;

    if (form->details) {
        ngx_av_span_details(row, form->details);
    }

    for (i = 0; i < form->nfields; i++) {
        field = &form->fields[i];
        len = ngx_av_buf_len(b);

        if (ngx_av_buf_append(b, field->before.data, field->before.len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = field->write(b, row, field);

        if (rc == NGX_DECLINED) {

            if (!form->nulls) {
                b->last = b->start + len;
                continue;
            }

            rc = ngx_av_buf_append(b, "null", 4);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_av_buf_append(b, form->last.data, form->last.len);
}


/* Members that are null are as if they were not there. */

static void
ngx_av_span_details(ngx_av_span_row_t *row, const ngx_str_t *keys)
{
    ngx_str_t   rest, key, value;
    ngx_uint_t  i;

    for (i = 0; keys[i].len; i++) {
        ngx_str_null(&row->details[i]);
    }

    rest = ngx_av_span_jsonb(row, NGX_AV_SPAN_ROW_DETAILS);

    while (ngx_av_json_member(&rest, &key, &value) == NGX_OK) {

        if (value.data[0] == 'n') {
            continue;
        }

        for (i = 0; keys[i].len; i++) {
            if (keys[i].len == key.len
                && ngx_memcmp(keys[i].data, key.data, key.len) == 0)
            {
                row->details[i] = value;
                break;
            }
        }
    }
}


ngx_av_time_t
ngx_av_span_time(const ngx_av_span_row_t *row, ngx_uint_t column)
{
    return ngx_av_span_int(row, column) * 1000
           + ngx_av_span_int(row, column + 1)
           + NGX_AV_TIME_PG_EPOCH_DAYS * NGX_AV_TIME_DAY;
}


ngx_int_t
ngx_av_span_write(ngx_av_buf_t *b, const ngx_av_span_row_t *row,
    const ngx_av_span_field_t *field)
{
    return ngx_av_value_write(b, row->result, row->number, field->source);
}
