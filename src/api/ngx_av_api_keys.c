#include "ngx_av_router.h"


/* GET /me/api-keys/ping/ (agentvista.md 3.4): the access phase was the test */

ngx_int_t
ngx_av_api_keys_ping(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    static ngx_str_t  json = ngx_string("{\"status\":\"ok\"}");

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_av_router_send(r, NGX_HTTP_OK, &json);
}
