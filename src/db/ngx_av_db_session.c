/*
 * What a connection does before it serves, in one round trip: settings, the
 * version of the schema, and what its owner needs.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <libpq-fe.h>

#include "ngx_av_db.h"
#include "ngx_av_db_conn.h"
#include "ngx_av_db_result.h"


#define NGX_AV_DB_SESSION_SETTINGS  0
#define NGX_AV_DB_SESSION_HEALTH    1

#define NGX_AV_DB_PROBLEMS_MAX      16


static ngx_int_t ngx_av_db_session_error(ngx_av_db_conn_t *conn,
    const PGresult *res);


static const char  ngx_av_db_session_settings[] =
    "select set_config('statement_timeout', $1, false),"
    " set_config('TimeZone', 'UTC', false)";

static const char  ngx_av_db_session_question[] =
    "select version, problems from agentvista.health()";


ngx_int_t
ngx_av_db_session_start(ngx_av_db_conn_t *conn)
{
    u_char       timeout[NGX_INT_T_LEN + 1];
    const char  *values[1];

    conn->step = NGX_AV_DB_SESSION_SETTINGS;

    (void) ngx_sprintf(timeout, "%M%Z", conn->statement_timeout);
    values[0] = (char *) timeout;

    if (PQsendQueryParams(conn->pg, ngx_av_db_session_settings, 1, NULL,
                          values, NULL, NULL, 0)
        != 1)
    {
        return NGX_ERROR;
    }

    if (ngx_av_db_session_ask(conn) != NGX_OK) {
        return NGX_ERROR;
    }

    if (conn->owner->session(conn) != NGX_OK) {
        return NGX_ERROR;
    }

    return PQpipelineSync(conn->pg) == 1 ? NGX_OK : NGX_ERROR;
}


/* NGX_OK: the session is ready; NGX_AGAIN: more is to come. */

ngx_int_t
ngx_av_db_session_input(ngx_av_db_conn_t *conn)
{
    PGresult   *res;
    ngx_int_t   rc;

    while (!PQisBusy(conn->pg)) {

        res = PQgetResult(conn->pg);

        if (res == NULL) {

            if (PQstatus(conn->pg) == CONNECTION_BAD) {
                return NGX_ERROR;
            }

            /* the end of one statement */

            conn->step++;
            continue;
        }

        rc = NGX_AGAIN;

        switch (PQresultStatus(res)) {

        case PGRES_PIPELINE_SYNC:
            rc = NGX_OK;
            break;

        case PGRES_COMMAND_OK:
            break;

        case PGRES_TUPLES_OK:
            if (conn->step == NGX_AV_DB_SESSION_HEALTH
                && ngx_av_db_session_health(conn, res) != NGX_OK)
            {
                ngx_av_db_conn_tell(conn, (char *) conn->problems);
                rc = NGX_ERROR;
            }

            break;

        default:
            rc = ngx_av_db_session_error(conn, res);
        }

        PQclear(res);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

    return NGX_AGAIN;
}


ngx_int_t
ngx_av_db_session_ask(ngx_av_db_conn_t *conn)
{
    if (PQsendQueryParams(conn->pg, ngx_av_db_session_question, 0, NULL, NULL,
                          NULL, NULL, 1)
        != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_av_db_session_health(ngx_av_db_conn_t *conn, const PGresult *res)
{
    u_char              *p, *last;
    int32_t              version;
    ngx_str_t            problems[NGX_AV_DB_PROBLEMS_MAX];
    ngx_uint_t           i, n;
    ngx_av_db_result_t   result;

    result.pg = res;

    p = conn->problems;
    last = p + NGX_AV_DB_PROBLEMS_LEN - 1;

    version = ngx_av_db_int4(&result, 0, 0);

    if (version == NGX_AV_DB_SCHEMA_VERSION) {

        /* what does not fit is left out */

        (void) ngx_av_db_text_array(&result, 0, 1, problems,
                                    NGX_AV_DB_PROBLEMS_MAX, &n);

        for (i = 0; i < n; i++) {
            p = ngx_slprintf(p, last, "%s%V", i ? "; " : "", &problems[i]);
        }

    } else {
        p = ngx_slprintf(p, last,
                         "the database schema is version %D and this module "
                         "needs %d: %s", version, NGX_AV_DB_SCHEMA_VERSION,
                         (version < NGX_AV_DB_SCHEMA_VERSION)
                         ? "run scripts/migrate"
                         : "install its newer version");
    }

    *p = '\0';
    conn->problems_len = p - conn->problems;

    return (version == NGX_AV_DB_SCHEMA_VERSION) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_av_db_session_error(ngx_av_db_conn_t *conn, const PGresult *res)
{
    const char  *sqlstate, *message;

    sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    /* no such schema, function or table */

    if (conn->step == NGX_AV_DB_SESSION_HEALTH && sqlstate
        && (ngx_strcmp(sqlstate, "3F000") == 0
            || ngx_strcmp(sqlstate, "42883") == 0
            || ngx_strcmp(sqlstate, "42P01") == 0))
    {
        message = "the database has no schema \"agentvista\": "
                  "run scripts/migrate";
    }

    ngx_av_db_conn_tell(conn, message ? message : PQerrorMessage(conn->pg));

    return NGX_ERROR;
}

