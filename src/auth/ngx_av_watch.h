/*
 * Which accounts somebody watches, on any host: only of those do writers tell
 * what they change (see src/sql/functions/stream.sql).  The zone remembers
 * them by a hash: that two accounts share one costs a needless notification.
 */

#ifndef _NGX_AV_WATCH_H_INCLUDED_
#define _NGX_AV_WATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"
#include "ngx_av_uuid.h"


/* The account is watched now. */
ngx_uint_t ngx_av_watch_is_on(const ngx_av_uuid_t *account);

/*
 * Worker 0: a payload of channel "agentvista".  NGX_DECLINED if it is about
 * something else.
 */
ngx_int_t ngx_av_watch_notified(ngx_str_t *payload);

/*
 * Worker 0: notifications may have been lost, so whoever watches, on any host,
 * is asked to say so again.
 */
void ngx_av_watch_ask(void);

/* Changes when that has been asked. */
ngx_uint_t ngx_av_watch_asked(void);


/* For the reader pool. */
extern const ngx_av_db_statement_t  ngx_av_watch_statement;


#endif /* _NGX_AV_WATCH_H_INCLUDED_ */
