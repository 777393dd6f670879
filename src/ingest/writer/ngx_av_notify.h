/*
 * Tells whoever watches an account, on any host, which of its traces have
 * changed.  That is a transaction of its own after the flush's: NOTIFY holds
 * a lock of the whole database until its commit ends, which nobody shall wait
 * for while a disk does; so this commit waits for no disk.  What a crash
 * between the two loses, listeners find when they resume.
 */

#ifndef _NGX_AV_NOTIFY_H_INCLUDED_
#define _NGX_AV_NOTIFY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"
#include "ngx_av_flush.h"


/* pool: the writer's; timeout: of its operations. */
void ngx_av_notify_init_process(ngx_av_db_pool_t *pool,
    const ngx_av_db_statement_t *statement, ngx_msec_t timeout);

/* The flush has committed. */
void ngx_av_notify_flush(ngx_av_flush_plan_t *plan);


#endif /* _NGX_AV_NOTIFY_H_INCLUDED_ */
