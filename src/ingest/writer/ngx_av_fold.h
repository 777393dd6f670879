/*
 * Folds the changes of statistics that flushes have noted, now and then, in a
 * transaction of its own that nobody waits for: so that readers have few to
 * add up, and no flush is the slower for it.  What a worker leaves when it
 * ends, the next to fold takes.
 */

#ifndef _NGX_AV_FOLD_H_INCLUDED_
#define _NGX_AV_FOLD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"
#include "ngx_av_flush.h"


void ngx_av_fold_init_process(ngx_av_db_pool_t *pool,
    const ngx_av_db_statement_t *statement, ngx_msec_t timeout);

/* A flush has committed. */
void ngx_av_fold_flush(ngx_av_flush_plan_t *plan);


#endif /* _NGX_AV_FOLD_H_INCLUDED_ */
