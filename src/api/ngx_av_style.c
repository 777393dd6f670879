/* How the errors of AgentVista's and AgentMark's routes look. */

#include "ngx_av_router.h"
#include "ngx_av_json.h"


static ngx_int_t ngx_av_style_vista_invalid(ngx_http_request_t *r,
    const ngx_av_params_t *ps);
static ngx_int_t ngx_av_style_mark_invalid(ngx_http_request_t *r,
    const ngx_av_params_t *ps);
static ngx_int_t ngx_av_style_mark_details(ngx_av_buf_t *b,
    const ngx_av_params_t *ps);


const ngx_av_style_t  ngx_av_style_vista = { 0, ngx_av_style_vista_invalid };

const ngx_av_style_t  ngx_av_style_mark = { 1, ngx_av_style_mark_invalid };


/* agentvista.md 1.4: one text, which begins with the name */

static ngx_int_t
ngx_av_style_vista_invalid(ngx_http_request_t *r, const ngx_av_params_t *ps)
{
    ngx_av_param_error_t  *error;

    error = ps->errors.elts;

    return ngx_av_http_error(r, NGX_HTTP_BAD_REQUEST, "%V: %V",
                             &error->param->name, &error->message);
}


/* agentmark.md 2.3: all of them, a detail each */

static ngx_int_t
ngx_av_style_mark_invalid(ngx_http_request_t *r, const ngx_av_params_t *ps)
{
    ngx_av_buf_t        b;
    ngx_av_http_ctx_t  *ctx;

    if (ngx_av_buf_init(&b, r->pool, 256) != NGX_OK
        || ngx_av_style_mark_details(&b, ps) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    ctx->details.data = b.start;
    ctx->details.len = ngx_av_buf_len(&b);

    return ngx_av_http_error(r, NGX_HTTP_BAD_REQUEST, "Validation failed");
}


static ngx_int_t
ngx_av_style_mark_details(ngx_av_buf_t *b, const ngx_av_params_t *ps)
{
    ngx_uint_t             i;
    ngx_av_param_error_t  *error;

    if (ngx_av_buf_append(b, "[", 1) != NGX_OK) {
        return NGX_ERROR;
    }

    error = ps->errors.elts;

    for (i = 0; i < ps->errors.nelts; i++) {

        if (ngx_av_buf_append(b, i ? ",{\"field\":" : "{\"field\":",
                              sizeof("{\"field\":") - 1 + (i ? 1 : 0))
            != NGX_OK
            || ngx_av_json_write_string(b, error[i].param->name.data,
                                        error[i].param->name.len)
               != NGX_OK
            || ngx_av_buf_append(b, ",\"message\":",
                                 sizeof(",\"message\":") - 1)
               != NGX_OK
            || ngx_av_json_write_string(b, error[i].message.data,
                                        error[i].message.len)
               != NGX_OK
            || ngx_av_buf_append(b, "}", 1) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_av_buf_append(b, "]", 1);
}
