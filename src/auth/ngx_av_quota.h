/*
 * The monthly quota.  The truth is table usage, charged in the transaction
 * that stores the spans; admission is decided here, in shared memory, so that
 * committed + reserved + new never passes the limit, whatever happens at once
 * on this host.  Accounts without a limit cost nothing.
 */

#ifndef _NGX_AV_QUOTA_H_INCLUDED_
#define _NGX_AV_QUOTA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"
#include "ngx_av_uuid.h"
#include "ngx_av_zone.h"


#define NGX_AV_QUOTA_UNKNOWN  -1

/* A reservation, in the shared zone, listed in its worker's place. */
typedef struct ngx_av_quota_hold_s  ngx_av_quota_hold_t;


/*
 * The account's committed usage has reached its limit: nothing new can be
 * stored this month.
 */
ngx_uint_t ngx_av_quota_is_spent(ngx_av_uuid_t *account);

/*
 * Reserves room for events spans.  NGX_OK, *hold NULL if the account has no
 * limit; NGX_DECLINED: they would pass the limit even if nothing else were in
 * flight; NGX_BUSY: others' reservations are in the way, or the usage is being
 * read from the database: ask again in some milliseconds; NGX_ERROR: the zone
 * is full.  *month is the month to charge, as by ngx_av_time_pg_month().
 */
ngx_int_t ngx_av_quota_reserve(ngx_av_uuid_t *account, ngx_uint_t events,
    ngx_av_quota_hold_t **hold, int32_t *month);

/*
 * Ends a reservation (NULL is allowed): stored spans were charged; or
 * NGX_AV_QUOTA_UNKNOWN if that cannot be told, which makes the account's usage
 * be read again before anything else is admitted.  A batch of which any
 * attempt was lost is unknown, even if a later attempt succeeded: that one
 * counts what the lost one had stored as duplicates.
 */
void ngx_av_quota_settle(ngx_av_quota_hold_t *hold, ngx_int_t stored);

/* Under the lock: settles all of a dead worker's; returns how many. */
ngx_uint_t ngx_av_quota_abandon(ngx_av_zone_worker_t *worker);

/* A notification says that the account's limit has changed. */
void ngx_av_quota_refresh(ngx_av_uuid_t *account);

/* Notifications may have been lost: every limit must be read again. */
void ngx_av_quota_refresh_all(void);

/*
 * From a key's lookup: what the database says, settled being the count from
 * before the query was sent.  limit -1: none.
 */
void ngx_av_quota_learn(ngx_av_uuid_t *account, int64_t limit,
    int64_t committed, int32_t month, ngx_uint_t settled);

/* The zone's count of settled reservations, to be read before a query. */
ngx_uint_t ngx_av_quota_settled(void);


extern const ngx_av_db_statement_t  ngx_av_quota_statement;


#endif /* _NGX_AV_QUOTA_H_INCLUDED_ */
