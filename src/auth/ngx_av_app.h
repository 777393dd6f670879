/* AgentMark's application header (agentmark.md 2.1). */

#ifndef _NGX_AV_APP_H_INCLUDED_
#define _NGX_AV_APP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_av_uuid.h"


/*
 * X-Agentmark-App-Id, or X-Puzzlet-App-Id if that is absent.  An application
 * is an account: its UUID, also with "app_" in front.  NGX_OK if it is this
 * account; NGX_DECLINED if there is no such header; NGX_ABORT if it is another
 * one or nobody's.
 */
ngx_int_t ngx_av_app_check(ngx_http_request_t *r,
    const ngx_av_uuid_t *account);


#endif /* _NGX_AV_APP_H_INCLUDED_ */
