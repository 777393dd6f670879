/*
 * Which agents, scopes, metrics and series are known to be stored, so that
 * flushes need not create them again.  Forgetful: a number of slots, emptied
 * now and then, so that what was removed from the database comes back.
 */

#ifndef _NGX_AV_REFS_H_INCLUDED_
#define _NGX_AV_REFS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_uuid.h"


ngx_uint_t ngx_av_refs_known(const ngx_av_uuid_t *id);
void ngx_av_refs_remember(const ngx_av_uuid_t *id);


#endif /* _NGX_AV_REFS_H_INCLUDED_ */
