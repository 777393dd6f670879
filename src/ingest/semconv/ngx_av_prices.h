/*
 * What models cost: a table read from a file when nginx reads its
 * configuration, and looked up by the rules of agentmark.md 8.
 *
 * The file is a JSON object: {"<model>": {"input": N, "output": N}, ...}, each
 * price in US dollars per 1,000,000 tokens, as a number or as the text of one,
 * exact to twelve decimal places.  "cache_read" and "cache_write" may stand
 * there too: they are checked, but cost is input and output alone.  Names that
 * begin with "_" are comments.
 */

#ifndef _NGX_AV_PRICES_H_INCLUDED_
#define _NGX_AV_PRICES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_decimal.h"


typedef struct ngx_av_prices_s  ngx_av_prices_t;
typedef struct ngx_av_price_s   ngx_av_price_t;


/* A model's name that is longer is none. */
#define NGX_AV_PRICES_NAME_LIMIT  256


#define NGX_AV_PRICES_ERROR_LEN  512

typedef struct {
    ngx_err_t         err;          /* of the system, or 0 */
    ngx_str_t         text;         /* what is wrong, and where: in data */
    u_char            data[NGX_AV_PRICES_ERROR_LEN];
} ngx_av_prices_error_t;


/*
 * Reads a file, whose name is NUL-terminated, into a table that lives in the
 * pool: as long as the configuration.  NGX_OK; NGX_ERROR with error.
 */
ngx_int_t ngx_av_prices_load(ngx_pool_t *pool, const ngx_str_t *path,
    const ngx_av_prices_t **prices, ngx_av_prices_error_t *error);

/* The same of the file's text. */
ngx_int_t ngx_av_prices_parse(ngx_pool_t *pool, const u_char *text,
    size_t len, const ngx_av_prices_t **prices, ngx_av_prices_error_t *error);

/* What a model costs; NULL if it is not in the table. */
const ngx_av_price_t *ngx_av_prices_lookup(const ngx_av_prices_t *prices,
    const ngx_str_t *model);

/*
 * The cost of so many tokens, neither of them negative, exactly and without
 * trailing zeros: NGX_OK; NGX_DECLINED if the price is NULL, or the sum is
 * beyond ngx_av_decimal_t.
 */
ngx_int_t ngx_av_prices_cost(const ngx_av_price_t *price, int64_t input,
    int64_t output, ngx_av_decimal_t *cost);

/*
 * The name in the table whose prices a model has, for tests and diagnosis;
 * NULL if there is none.
 */
const ngx_str_t *ngx_av_prices_match(const ngx_av_prices_t *prices,
    const ngx_str_t *model);


#endif /* _NGX_AV_PRICES_H_INCLUDED_ */
