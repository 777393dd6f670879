/* What the files of this room share of the worker's set-up. */

#ifndef _NGX_AV_AUTH_H_INCLUDED_
#define _NGX_AV_AUTH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_access.h"
#include "ngx_av_db.h"


/* set by ngx_av_auth_init_process() */
extern ngx_av_auth_conf_t  *ngx_av_auth_conf;
extern ngx_av_db_pool_t    *ngx_av_auth_readers;


/*
 * What the reads of keys and of quotas have in common: a statement whose
 * parameters are something, a month and, if it has three, an age in
 * milliseconds; -1 is null.
 */
typedef struct {
    ngx_av_db_op_t     op;
    ngx_av_db_call_t   call;
    const char        *values[3];
    int                lengths[3];
    u_char             month[4];
    u_char             age[8];
} ngx_av_auth_read_t;

void ngx_av_auth_read(ngx_av_auth_read_t *read,
    const ngx_av_db_statement_t *statement, const void *value, size_t len,
    int32_t month, int64_t age, ngx_msec_t timeout);

/* The month it is, as by ngx_av_time_pg_month(). */
int32_t ngx_av_auth_month(time_t now);


#endif /* _NGX_AV_AUTH_H_INCLUDED_ */
