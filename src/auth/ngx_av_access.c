#include "ngx_av_access.h"
#include "ngx_av_drain.h"
#include "ngx_av_http.h"
#include "ngx_av_key.h"
#include "ngx_av_stats.h"


/* seconds, for Retry-After */
#define NGX_AV_ACCESS_RETRY  2


/*
 * A request that waits for the database, in the data of a cleanup: contexts
 * are cleared by redirects.
 */

typedef struct {
    ngx_av_key_lookup_t   lookup;
    ngx_http_request_t   *request;
    ngx_uint_t            scopes;
    ngx_int_t             rc;
    ngx_av_identity_t     id;
    unsigned              done:1;       /* rc is to be used, once */
} ngx_av_access_wait_t;


static ngx_int_t ngx_av_access_run(ngx_http_request_t *r,
    ngx_av_http_loc_conf_t *lcf);
static ngx_int_t ngx_av_access_check(ngx_http_request_t *r, ngx_uint_t scopes);
static ngx_int_t ngx_av_access_bearer(ngx_http_request_t *r,
    ngx_str_t *token);
static ngx_int_t ngx_av_access_wait(ngx_http_request_t *r,
    ngx_av_access_wait_t *wait, ngx_av_key_hash_t *hash, ngx_uint_t scopes);
static ngx_av_access_wait_t *ngx_av_access_find_wait(ngx_http_request_t *r);
static void ngx_av_access_done(ngx_av_key_lookup_t *lookup, ngx_int_t rc,
    ngx_av_identity_t *id);
static void ngx_av_access_cleanup(void *data);
static ngx_int_t ngx_av_access_decide(ngx_http_request_t *r, ngx_int_t rc,
    ngx_av_identity_t *id, ngx_uint_t scopes);
static ngx_int_t ngx_av_access_unauthorized(ngx_http_request_t *r,
    ngx_uint_t presented);
static ngx_int_t ngx_av_access_forbidden(ngx_http_request_t *r,
    ngx_uint_t scopes);
static ngx_int_t ngx_av_access_unavailable(ngx_http_request_t *r);
static ngx_int_t ngx_av_access_challenge(ngx_http_request_t *r,
    ngx_str_t *challenge);
static ngx_int_t ngx_av_access_satisfy(ngx_http_request_t *r, ngx_int_t rc);
static ngx_int_t ngx_av_access_account_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_av_access_prefix_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_av_access_spans_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_av_access_value(ngx_http_variable_value_t *v,
    u_char *start, u_char *last);


static ngx_str_t  ngx_av_access_challenge_plain = ngx_string("Bearer");

static ngx_str_t  ngx_av_access_challenge_invalid =
    ngx_string("Bearer error=\"invalid_token\"");

/* by the bits of the scopes that are needed */
static ngx_str_t  ngx_av_access_challenge_scope[] = {
    ngx_string("Bearer error=\"insufficient_scope\""),
    ngx_string("Bearer error=\"insufficient_scope\", scope=\"read\""),
    ngx_string("Bearer error=\"insufficient_scope\", scope=\"write\""),
    ngx_string("Bearer error=\"insufficient_scope\", scope=\"read write\"")
};


/* Not cacheable: a rewrite rule may ask before the key is known. */

static ngx_http_variable_t  ngx_av_access_variables[] = {

    { ngx_string("agentvista_account"), NULL,
      ngx_av_access_account_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("agentvista_key_prefix"), NULL,
      ngx_av_access_prefix_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("agentvista_spans"), NULL,
      ngx_av_access_spans_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_av_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_av_http_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);

    if (!lcf->api && lcf->scopes == 0) {
        return NGX_DECLINED;
    }

    rc = ngx_av_access_run(r, lcf);

    if (rc < NGX_HTTP_BAD_REQUEST || !lcf->api) {
        return rc;
    }

    rc = ngx_av_drain(r, rc);

    if (rc == NGX_DONE) {
        /* one reference was for the phases, which go no further */
        ngx_http_finalize_request(r, NGX_DONE);
    }

    return rc;
}


static ngx_int_t
ngx_av_access_run(ngx_http_request_t *r, ngx_av_http_loc_conf_t *lcf)
{
    ngx_int_t              rc;
    ngx_uint_t             scopes;
    ngx_av_access_wait_t  *wait;

    wait = ngx_av_access_find_wait(r);

    if (wait && wait->lookup.waiting) {
        return NGX_AGAIN;
    }

    if (wait && wait->done) {
        wait->done = 0;

        rc = ngx_av_access_decide(r, wait->rc, &wait->id, wait->scopes);

        return ngx_av_access_satisfy(r, rc);
    }

    scopes = lcf->scopes;

    if (lcf->api) {
        rc = lcf->route(r, &scopes);

        if (rc != NGX_OK) {
            return rc;
        }

        if (scopes == 0) {
            /* public as far as we are concerned; others may object */
            return NGX_DECLINED;
        }
    }

    return ngx_av_access_satisfy(r, ngx_av_access_check(r, scopes));
}


static ngx_int_t
ngx_av_access_check(ngx_http_request_t *r, ngx_uint_t scopes)
{
    ngx_int_t           rc;
    ngx_str_t           token;
    ngx_av_identity_t   id;
    ngx_av_key_hash_t   hash;

    if (ngx_av_access_bearer(r, &token) != NGX_OK) {
        return ngx_av_access_unauthorized(r, 0);
    }

    rc = ngx_av_key_hash(&token, &hash);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_OK) {
        rc = ngx_av_key_find(&hash, &id);
    }

    if (rc == NGX_AGAIN) {
        return ngx_av_access_wait(r, ngx_av_access_find_wait(r), &hash,
                                  scopes);
    }

    return ngx_av_access_decide(r, rc, &id, scopes);
}


ngx_int_t
ngx_av_access_key(ngx_http_request_t *r, ngx_av_key_hash_t *hash)
{
    ngx_str_t  token;

    if (ngx_av_access_bearer(r, &token) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_av_key_hash(&token, hash);
}


/* nginx itself refuses requests with two Authorization headers: 400. */

static ngx_int_t
ngx_av_access_bearer(ngx_http_request_t *r, ngx_str_t *token)
{
    u_char     *p, *last;
    ngx_str_t  *value;

    if (r->headers_in.authorization == NULL) {
        return NGX_DECLINED;
    }

    value = &r->headers_in.authorization->value;

    p = value->data;
    last = p + value->len;

    if (value->len >= sizeof("Bearer ") - 1
        && ngx_strncasecmp(p, (u_char *) "Bearer ", sizeof("Bearer ") - 1)
           == 0)
    {
        p += sizeof("Bearer ") - 1;

    } else if (!ngx_av_http_style(r)->bare_keys
               || ngx_strlchr(p, last, ' ') != NULL)
    {
        return NGX_DECLINED;
    }

    while (p < last && *p == ' ') { p++; }
    while (p < last && last[-1] == ' ') { last--; }

    if (p == last) {
        return NGX_DECLINED;
    }

    token->data = p;
    token->len = last - p;

    return NGX_OK;
}


static ngx_int_t
ngx_av_access_wait(ngx_http_request_t *r, ngx_av_access_wait_t *wait,
    ngx_av_key_hash_t *hash, ngx_uint_t scopes)
{
    ngx_event_t         *rev;
    ngx_http_cleanup_t  *cln;

    if (wait == NULL) {
        cln = ngx_http_cleanup_add(r, sizeof(ngx_av_access_wait_t));
        if (cln == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        wait = cln->data;
        ngx_memzero(wait, sizeof(ngx_av_access_wait_t));

        wait->request = r;
        wait->lookup.done = ngx_av_access_done;
        wait->lookup.data = wait;

        cln->handler = ngx_av_access_cleanup;
    }

    wait->scopes = scopes;

    if (ngx_av_key_lookup(hash, &wait->lookup, r->connection->log)
        != NGX_OK)
    {
        return ngx_av_access_unavailable(r);
    }

    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;

    return NGX_AGAIN;
}


static ngx_av_access_wait_t *
ngx_av_access_find_wait(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *cln;

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_av_access_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


static void
ngx_av_access_done(ngx_av_key_lookup_t *lookup, ngx_int_t rc,
    ngx_av_identity_t *id)
{
    ngx_connection_t      *c;
    ngx_http_request_t    *r;
    ngx_av_access_wait_t  *wait;

    wait = lookup->data;

    wait->rc = rc;
    wait->id = *id;
    wait->done = 1;

    r = wait->request;
    c = r->connection;

    ngx_av_http_resume_log(r);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "agentvista key lookup done: %i", rc);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


static void
ngx_av_access_cleanup(void *data)
{
    ngx_av_access_wait_t  *wait = data;

    ngx_av_key_lookup_cancel(&wait->lookup);
}


static ngx_int_t
ngx_av_access_decide(ngx_http_request_t *r, ngx_int_t rc,
    ngx_av_identity_t *id, ngx_uint_t scopes)
{
    ngx_av_http_ctx_t          *ctx;
    const ngx_av_http_style_t  *style;

    if (rc == NGX_ERROR) {
        return ngx_av_access_unavailable(r);
    }

    if (rc != NGX_OK) {
        return ngx_av_access_unauthorized(r, 1);
    }

    ctx = ngx_av_http_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* known to the log even if its scope is not enough */

    ctx->identity = *id;
    ctx->known = 1;

    style = ngx_av_http_style(r);

    if (style->admit) {
        rc = style->admit(r, &id->account);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if ((id->scopes & scopes) != scopes) {
        return ngx_av_access_forbidden(r, scopes);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_access_unauthorized(ngx_http_request_t *r, ngx_uint_t presented)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  presented ? "invalid API key" : "no API key was provided");

    if (ngx_av_access_challenge(r, presented ? &ngx_av_access_challenge_invalid
                                             : &ngx_av_access_challenge_plain)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_error(r, NGX_HTTP_UNAUTHORIZED,
                             "Invalid or missing API key.");
}


static ngx_int_t
ngx_av_access_forbidden(ngx_http_request_t *r, ngx_uint_t scopes)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "API key lacks the required scope");

    if (ngx_av_access_challenge(r, &ngx_av_access_challenge_scope[scopes & 3])
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_av_http_error(r, NGX_HTTP_FORBIDDEN,
                             "API key does not have the required scope.");
}


static ngx_int_t
ngx_av_access_unavailable(ngx_http_request_t *r)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "API key cannot be checked: no answer from the database");

    ngx_av_stats_add(NGX_AV_STATS_TIMEOUT_REFUSALS, 1);

    return ngx_av_http_unavailable(r, NGX_AV_ACCESS_RETRY,
                                   "The database is not available.");
}


static ngx_int_t
ngx_av_access_challenge(ngx_http_request_t *r, ngx_str_t *challenge)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "WWW-Authenticate");
    h->value = *challenge;
#if (nginx_version >= 1023000)
    h->next = r->headers_out.www_authenticate;
#endif

    /* where nginx looks for it if "satisfy any" makes the request pass */
    r->headers_out.www_authenticate = h;

    return NGX_OK;
}


/*
 * "satisfy any" offers an address instead of a key.  But a key also says whose
 * data the API is to work on, so there a refusal is final; in front of other
 * handlers nginx decides.
 */

static ngx_int_t
ngx_av_access_satisfy(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_av_http_loc_conf_t    *lcf;
    ngx_http_core_loc_conf_t  *clcf;

    if (rc != NGX_HTTP_UNAUTHORIZED && rc != NGX_HTTP_FORBIDDEN) {
        return rc;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_agentvista_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (lcf->api && clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        ngx_http_finalize_request(r, rc);
        return NGX_DONE;
    }

    return rc;
}


ngx_int_t
ngx_av_access_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_av_access_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_av_access_account_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char             *last;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx == NULL || !ctx->known) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(r->pool, NGX_AV_UUID_TEXT_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    last = ngx_av_uuid_format(v->data, &ctx->identity.account);

    return ngx_av_access_value(v, v->data, last);
}


static ngx_int_t
ngx_av_access_prefix_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx == NULL || !ctx->known) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_av_access_value(v, ctx->identity.prefix,
                               ctx->identity.prefix + NGX_AV_KEY_PREFIX_LEN);
}


/* Spans that the request has newly stored. */

static ngx_int_t
ngx_av_access_spans_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char             *last;
    ngx_av_http_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_agentvista_module);

    if (ctx == NULL || !ctx->known) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(v->data, "%ui", ctx->spans);

    return ngx_av_access_value(v, v->data, last);
}


static ngx_int_t
ngx_av_access_value(ngx_http_variable_value_t *v, u_char *start, u_char *last)
{
    v->data = start;
    v->len = last - start;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
