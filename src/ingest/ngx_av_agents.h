/*
 * Which agents are known to be stored, so that flushes need not create them
 * again.  Forgetful: a few slots, emptied now and then, so that agents removed
 * from the database come back.
 */

#ifndef _NGX_AV_AGENTS_H_INCLUDED_
#define _NGX_AV_AGENTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_uuid.h"


ngx_uint_t ngx_av_agents_known(const ngx_av_uuid_t *id);
void ngx_av_agents_remember(const ngx_av_uuid_t *id);


#endif /* _NGX_AV_AGENTS_H_INCLUDED_ */
