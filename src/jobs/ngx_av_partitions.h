/* The job that makes and retires the days' partitions. */

#ifndef _NGX_AV_PARTITIONS_H_INCLUDED_
#define _NGX_AV_PARTITIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"


extern const ngx_av_db_statement_t  ngx_av_partitions_statement;


/*
 * Runs soon and then every hour in this host's first worker; hosts keep out of
 * each other's way by a lock in the database.  The pool must have prepared the
 * statement.
 */
ngx_int_t ngx_av_partitions_init_process(ngx_cycle_t *cycle,
    ngx_av_db_pool_t *pool, ngx_uint_t retention_days, ngx_uint_t ahead_days);


#endif /* _NGX_AV_PARTITIONS_H_INCLUDED_ */
