#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"
#include "ngx_av_db_result.h"


ngx_uint_t
ngx_av_db_nrows(const ngx_av_db_result_t *res)
{
    return PQntuples(res->pg);
}


ngx_uint_t
ngx_av_db_ncolumns(const ngx_av_db_result_t *res)
{
    return PQnfields(res->pg);
}


const char *
ngx_av_db_column_name(const ngx_av_db_result_t *res, ngx_uint_t column)
{
    return PQfname(res->pg, column);
}


uint32_t
ngx_av_db_column_type(const ngx_av_db_result_t *res, ngx_uint_t column)
{
    return PQftype(res->pg, column);
}


size_t
ngx_av_db_size(const ngx_av_db_result_t *res)
{
    return PQresultMemorySize(res->pg);
}


ngx_uint_t
ngx_av_db_is_null(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column)
{
    return PQgetisnull(res->pg, row, column);
}


ngx_str_t
ngx_av_db_value(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column)
{
    ngx_str_t  value;

    value.len = PQgetlength(res->pg, row, column);
    value.data = (u_char *) PQgetvalue(res->pg, row, column);

    return value;
}


int64_t
ngx_av_db_int8(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column)
{
    ngx_str_t  value;

    value = ngx_av_db_value(res, row, column);

    switch (value.len) {

    case 8:
        return (int64_t) ngx_av_db_get64(value.data);

    case 4:
        return (int32_t) ngx_av_db_get32(value.data);

    case 2:
        return (int16_t) (value.data[0] << 8 | value.data[1]);

    case 1:
        /* bool */
        return value.data[0];

    default:
        /* null */
        return 0;
    }
}


int32_t
ngx_av_db_int4(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column)
{
    return (int32_t) ngx_av_db_int8(res, row, column);
}


ngx_int_t
ngx_av_db_text_array(const ngx_av_db_result_t *res, ngx_uint_t row,
    ngx_uint_t column, ngx_str_t *elts, ngx_uint_t max, ngx_uint_t *n)
{
    ngx_str_t  value;

    value = ngx_av_db_value(res, row, column);

    return ngx_av_db_parse_text_array(&value, elts, max, n);
}


ngx_int_t
ngx_av_db_parse_text_array(const ngx_str_t *value, ngx_str_t *elts,
    ngx_uint_t max, ngx_uint_t *n)
{
    u_char      *p, *last;
    uint32_t     ndim, count, len;
    ngx_uint_t   i;

    *n = 0;

    p = value->data;
    last = p + value->len;

    if (value->len < 12) {
        return NGX_ERROR;
    }

    ndim = ngx_av_db_get32(p);

    if (ndim == 0) {
        return NGX_OK;
    }

    if (ndim != 1 || value->len < NGX_AV_DB_ARRAY_HEADER) {
        return NGX_ERROR;
    }

    count = ngx_av_db_get32(p + 12);

    if (count > max) {
        return NGX_ERROR;
    }

    p += NGX_AV_DB_ARRAY_HEADER;

    for (i = 0; i < count; i++) {

        if (last - p < 4) {
            return NGX_ERROR;
        }

        len = ngx_av_db_get32(p);
        p += 4;

        /* the length of a null is larger than any value too */

        if (len > (size_t) (last - p)) {
            return NGX_ERROR;
        }

        elts[i].data = p;
        elts[i].len = len;

        p += len;
    }

    *n = count;

    return NGX_OK;
}


/*
 * Class 21 is a set of rows that a statement cannot take at once: halves of
 * it may do.  Class 54 is a program limit, which a value has hit: too large
 * for its index, nested too deep.
 */

static const char  *ngx_av_db_blame_data[] = { "21", "22", "23", "54", NULL };

/*
 * Connections, transactions that met one another, resources, operators'
 * intervention, the system's errors.  Among the single states: a server that
 * has become read-only after a failover, locks not to be had, statements that
 * have to be prepared again (their connection is closed for that), and
 * internal errors, of which concurrent changes of the schema are the usual
 * kind.
 */

static const char  *ngx_av_db_blame_server[] = {
    "08", "40", "53", "57", "58",
    "0A000", "25006", "25P02", "25P03", "25P04", "26000", "55006", "55P03",
    "72000", "XX000",
    NULL
};


static ngx_uint_t
ngx_av_db_blame_match(const char *sqlstate, const char **states)
{
    ngx_uint_t  i;

    for (i = 0; states[i]; i++) {
        if (ngx_strncmp(sqlstate, states[i], ngx_strlen(states[i])) == 0) {
            return 1;
        }
    }

    return 0;
}


ngx_av_db_blame_e
ngx_av_db_blame(const char *sqlstate)
{
    if (ngx_av_db_blame_match(sqlstate, ngx_av_db_blame_data)) {
        return NGX_AV_DB_BAD_DATA;
    }

    if (ngx_av_db_blame_match(sqlstate, ngx_av_db_blame_server)) {
        return NGX_AV_DB_RETRY;
    }

    return NGX_AV_DB_BROKEN;
}
