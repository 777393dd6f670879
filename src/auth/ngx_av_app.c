#include "ngx_av_app.h"
#include "ngx_av_http.h"


#define NGX_AV_APP_PREFIX  "app_"


ngx_int_t
ngx_av_app_check(ngx_http_request_t *r, const ngx_av_uuid_t *account)
{
    size_t         len;
    ngx_str_t      id;
    ngx_uint_t     n;
    ngx_av_uuid_t  uuid;

    n = ngx_av_http_header(r, "X-Agentmark-App-Id", &id);

    if (n == 0) {
        n = ngx_av_http_header(r, "X-Puzzlet-App-Id", &id);
    }

    if (n == 0) {
        return NGX_DECLINED;
    }

    len = sizeof(NGX_AV_APP_PREFIX) - 1;

    if (id.len > len && ngx_strncmp(id.data, NGX_AV_APP_PREFIX, len) == 0) {
        id.data += len;
        id.len -= len;
    }

    if (n > 1
        || ngx_av_uuid_parse(id.data, id.len, &uuid) != NGX_OK
        || ngx_memcmp(uuid.bytes, account->bytes, sizeof(uuid.bytes)) != 0)
    {
        return NGX_ABORT;
    }

    return NGX_OK;
}
