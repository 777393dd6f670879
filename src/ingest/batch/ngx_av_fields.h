/*
 * Objects of a request, read by a table of their fields: which names there
 * are, what kind of value each takes, which column it goes to.  null is as
 * good as absent, unknown names are ignored, of a repeated name the last
 * value counts.
 */

#ifndef _NGX_AV_FIELDS_H_INCLUDED_
#define _NGX_AV_FIELDS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_decimal.h"
#include "ngx_av_json.h"
#include "ngx_av_time.h"
#include "ngx_av_uuid.h"


/*
 * Integers: the largest that every reader of JSON keeps exact (RFC 7493).  It
 * also leaves room in 64 bits for sums over a request.
 */
#define NGX_AV_FIELDS_MAX_COUNT    9007199254740991LL
#define NGX_AV_FIELDS_MAX_MSEC     (INT64_MAX / 1000000)

#define NGX_AV_FIELDS_AGENT_CHARS  255
#define NGX_AV_FIELDS_DETAIL       256


typedef enum {
    NGX_AV_KIND_UUID = 0,
    NGX_AV_KIND_TRACE_ID,       /* the id of the trace we are in */
    NGX_AV_KIND_TIME,
    NGX_AV_KIND_START,          /* a time inside the window that is kept */
    NGX_AV_KIND_COUNT,
    NGX_AV_KIND_MSEC,           /* becomes nanoseconds */
    NGX_AV_KIND_MONEY,
    NGX_AV_KIND_BOOL,
    NGX_AV_KIND_STATUS,
    NGX_AV_KIND_TYPE,
    NGX_AV_KIND_AGENT,          /* a name; becomes the id by its owner */
    NGX_AV_KIND_LABEL,          /* text that is not blank */
    NGX_AV_KIND_TEXT,
    NGX_AV_KIND_JSON,
    NGX_AV_KIND_OBJECT,         /* json */
    NGX_AV_KIND_OBJECT_JSONB,
    NGX_AV_KIND_ALIAS           /* of the field with the number "of" */
} ngx_av_kind_e;


typedef struct {
    ngx_str_t        name;
    ngx_av_kind_e    kind;
    ngx_uint_t       required;  /* unsigned required:1 */
    ngx_uint_t       column;
    ngx_uint_t       of;
} ngx_av_field_t;


/*
 * Fields are numbered from 1, aliases come last.  by_length lists, for each
 * length of a name, the numbers of the fields so long, ended by 0.
 */

#define NGX_AV_FIELDS_MAX_LEN      14
#define NGX_AV_FIELDS_SAME_LEN     4

typedef struct {
    const ngx_av_field_t  *fields;
    const u_char         (*by_length)[NGX_AV_FIELDS_SAME_LEN + 1];
    ngx_uint_t             last;        /* the field with the highest number */
    ngx_uint_t             last_alias;
} ngx_av_table_t;


typedef struct {
    yyjson_val            *val;         /* NULL: absent */
    const ngx_str_t       *name;        /* as the client calls it */
    ngx_uint_t             known;       /* it has a value, perhaps a derived
                                           one: unsigned known:1 */
    union {
        int64_t            number;      /* also times and enumerations */
        ngx_av_uuid_t      uuid;
        ngx_av_decimal_t   decimal;
        yyjson_val        *original;    /* what an object is to keep of a type
                                           that is unknown, or NULL */
    } u;
} ngx_av_value_t;


/* Where in the request we are, and what is wrong there. */

#define NGX_AV_PLACE_ELEMENT  -2        /* traces[i] */
#define NGX_AV_PLACE_HEADER   -1        /* traces[i].trace */

typedef struct {
    ngx_uint_t       element;
    ngx_int_t        span;              /* traces[i].spans[span], or above */
    ngx_av_uuid_t    trace;             /* its id, once the header is read */
    ngx_av_time_t    earliest;          /* the window of NGX_AV_KIND_START */
    ngx_av_time_t    latest;
    ngx_str_t        detail;
    u_char           text[NGX_AV_FIELDS_DETAIL];
} ngx_av_place_t;


/*
 * Says what is wrong: detail becomes the path of the place and of the name in
 * it, which may be NULL, and the message.  Always NGX_DECLINED.
 */
ngx_int_t ngx_av_fields_error(ngx_av_place_t *place, const ngx_str_t *name,
    const char *fmt, ...);

/* Finds the fields of an object; values are indexed by the field's number. */
void ngx_av_fields_read(const ngx_av_table_t *table, yyjson_val *object,
    ngx_av_value_t *values);

/*
 * Checks the values found, and decodes those that are not text or JSON.
 * NGX_OK, or NGX_DECLINED with place->detail.
 */
ngx_int_t ngx_av_fields_decode(const ngx_av_table_t *table,
    ngx_av_value_t *values, ngx_av_place_t *place);


#endif /* _NGX_AV_FIELDS_H_INCLUDED_ */
