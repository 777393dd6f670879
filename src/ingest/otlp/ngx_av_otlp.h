/*
 * OTLP requests as records, whichever form they are sent in: JSON and
 * protobuf arrive at the handlers alike.  Knows no HTTP.
 *
 * What is handed to a handler is borrowed: strings lie in the body or in its
 * parsed document, arrays in memory that the next record uses again.  All of
 * it is valid until the handler returns, the resource and scope until the
 * next scope.  What is to last is copied.
 *
 * Everything handed over has been checked: a value's children can be iterated
 * without errors.  Strings may hold NULs and, in protobuf, bytes that are no
 * UTF-8: whoever stores them uses ngx_av_text_append_repaired(), or as JSON
 * ngx_av_json_write_bytes().
 */

#ifndef _NGX_AV_OTLP_H_INCLUDED_
#define _NGX_AV_OTLP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <yyjson.h>

#include "ngx_av_buf.h"
#include "ngx_av_memory.h"


typedef enum {
    NGX_AV_OTLP_TRACES = 0,
    NGX_AV_OTLP_METRICS,
    NGX_AV_OTLP_LOGS
} ngx_av_otlp_signal_e;

typedef enum {
    NGX_AV_OTLP_PROTOBUF = 0,
    NGX_AV_OTLP_JSON
} ngx_av_otlp_encoding_e;


/* Like ngx_array_t: elts is assigned to a pointer of the elements' type. */
typedef struct {
    void                    *elts;
    ngx_uint_t               nelts;
    ngx_uint_t               nalloc;        /* private */
} ngx_av_otlp_array_t;


typedef enum {
    NGX_AV_OTLP_NONE = 0,                   /* an AnyValue without a value */
    NGX_AV_OTLP_STRING,                     /* u.text */
    NGX_AV_OTLP_BOOL,                       /* u.boolean */
    NGX_AV_OTLP_INT,                        /* u.integer */
    NGX_AV_OTLP_DOUBLE,                     /* u.number, may be NaN or inf */
    NGX_AV_OTLP_BYTES,                      /* ngx_av_otlp_value_bytes() */
    NGX_AV_OTLP_ARRAY,                      /* ngx_av_otlp_iter_init() */
    NGX_AV_OTLP_KVLIST                      /* ngx_av_otlp_iter_init() */
} ngx_av_otlp_kind_e;


typedef struct {
    uint32_t                 kind;          /* ngx_av_otlp_kind_e */
    uint32_t                 encoding;      /* private: of bytes and trees,
                                               ngx_av_otlp_encoding_e */
    union {
        ngx_str_t            text;
        ngx_uint_t           boolean;
        int64_t              integer;
        double               number;
        struct {
            const void      *where;
            size_t           len;
        } tree;                             /* private */
    } u;
} ngx_av_otlp_value_t;


/* Keys may repeat, in the order sent: the last one counts. */
typedef struct {
    ngx_str_t                key;
    ngx_av_otlp_value_t      value;
} ngx_av_otlp_attribute_t;

typedef ngx_av_otlp_array_t  ngx_av_otlp_attributes_t;


/*
 * A trace or span id.  len is its size in bytes, whatever was sent, so 0 is
 * "not set", and anything but 16 or 8 is invalid; bytes has the first 16.  In
 * JSON text is what was sent; if that is not pairs of hex digits, len is
 * NGX_AV_OTLP_ID_TEXT.  In protobuf text is empty.
 */

#define NGX_AV_OTLP_ID_TEXT  NGX_MAX_SIZE_T_VALUE

typedef struct {
    size_t                   len;
    u_char                   bytes[16];
    ngx_str_t                text;
} ngx_av_otlp_id_t;


/* Where records come from: a resource and one of its scopes. */
typedef struct {
    ngx_uint_t               number;            /* counts scopes from 1 */
    ngx_uint_t               resource_number;   /* counts resources from 1 */

    ngx_av_otlp_attributes_t resource_attributes;
    uint32_t                 resource_dropped_attributes;
    ngx_str_t                resource_schema_url;

    ngx_str_t                name;
    ngx_str_t                version;
    ngx_av_otlp_attributes_t attributes;
    uint32_t                 dropped_attributes;
    ngx_str_t                schema_url;
} ngx_av_otlp_scope_t;


typedef struct {
    uint64_t                 time;
    ngx_str_t                name;
    ngx_av_otlp_attributes_t attributes;
    uint32_t                 dropped_attributes;
} ngx_av_otlp_event_t;


typedef struct {
    ngx_av_otlp_id_t         trace_id;
    ngx_av_otlp_id_t         span_id;
    ngx_str_t                trace_state;
    ngx_av_otlp_attributes_t attributes;
    uint32_t                 dropped_attributes;
    uint32_t                 flags;
} ngx_av_otlp_link_t;


/*
 * Times are nanoseconds since 1970, 0 if not set, up to UINT64_MAX.  Enums are
 * as sent: any number.
 */

typedef struct {
    ngx_av_otlp_id_t         trace_id;
    ngx_av_otlp_id_t         span_id;
    ngx_av_otlp_id_t         parent_span_id;
    ngx_str_t                trace_state;
    uint32_t                 flags;
    ngx_str_t                name;
    int32_t                  kind;              /* 0 unspecified, 1 internal,
                                                   2 server, 3 client,
                                                   4 producer, 5 consumer */
    uint64_t                 start;
    uint64_t                 end;
    ngx_av_otlp_attributes_t attributes;
    uint32_t                 dropped_attributes;
    ngx_av_otlp_array_t      events;            /* ngx_av_otlp_event_t */
    uint32_t                 dropped_events;
    ngx_av_otlp_array_t      links;             /* ngx_av_otlp_link_t */
    uint32_t                 dropped_links;
    int32_t                  status_code;       /* 0 unset, 1 ok, 2 error */
    ngx_str_t                status_message;
} ngx_av_otlp_span_t;


typedef struct {
    uint64_t                 time;
    uint64_t                 observed_time;
    int32_t                  severity_number;
    ngx_str_t                severity_text;
    ngx_av_otlp_value_t      body;
    ngx_av_otlp_attributes_t attributes;
    uint32_t                 dropped_attributes;
    uint32_t                 flags;
    ngx_av_otlp_id_t         trace_id;
    ngx_av_otlp_id_t         span_id;
    ngx_str_t                event_name;
} ngx_av_otlp_log_t;


typedef enum {
    NGX_AV_OTLP_NO_DATA = 0,                /* a metric without points */
    NGX_AV_OTLP_GAUGE,
    NGX_AV_OTLP_SUM,
    NGX_AV_OTLP_HISTOGRAM,
    NGX_AV_OTLP_EXP_HISTOGRAM,
    NGX_AV_OTLP_SUMMARY
} ngx_av_otlp_metric_e;


typedef struct {
    ngx_str_t                name;
    ngx_str_t                description;
    ngx_str_t                unit;
    uint32_t                 type;              /* ngx_av_otlp_metric_e */
    int32_t                  temporality;       /* 0 unspecified, 1 delta,
                                                   2 cumulative */
    ngx_uint_t               monotonic;
    ngx_av_otlp_attributes_t metadata;
    ngx_av_otlp_value_t      data;              /* private */
} ngx_av_otlp_metric_t;


typedef struct {
    uint64_t                 time;
    ngx_av_otlp_value_t      value;             /* NONE, INT or DOUBLE */
    ngx_av_otlp_id_t         trace_id;
    ngx_av_otlp_id_t         span_id;
    ngx_av_otlp_attributes_t attributes;        /* the filtered ones */
} ngx_av_otlp_exemplar_t;


typedef struct {
    int32_t                  offset;
    ngx_av_otlp_array_t      counts;            /* uint64_t */
} ngx_av_otlp_buckets_t;


typedef struct {
    double                   quantile;
    double                   value;
} ngx_av_otlp_quantile_t;


#define NGX_AV_OTLP_HAS_SUM  0x01
#define NGX_AV_OTLP_HAS_MIN  0x02
#define NGX_AV_OTLP_HAS_MAX  0x04

/* bits of flags */
#define NGX_AV_OTLP_NO_RECORDED_VALUE  0x01


/* A point of any of the five types; what a type does not have is zero. */
typedef struct {
    uint64_t                 start;
    uint64_t                 time;
    uint32_t                 flags;
    ngx_av_otlp_attributes_t attributes;
    ngx_av_otlp_array_t      exemplars;         /* ngx_av_otlp_exemplar_t */

    /* gauge, sum */
    ngx_av_otlp_value_t      value;             /* NONE, INT or DOUBLE */

    /* histograms, summary (which always has a sum) */
    uint32_t                 present;           /* NGX_AV_OTLP_HAS_* */
    uint64_t                 count;
    double                   sum;
    double                   min;
    double                   max;

    /* histogram: the numbers of both are not checked to match */
    ngx_av_otlp_array_t      bucket_counts;     /* uint64_t */
    ngx_av_otlp_array_t      explicit_bounds;   /* double */

    /* exponential histogram */
    int32_t                  scale;
    uint64_t                 zero_count;
    double                   zero_threshold;
    ngx_av_otlp_buckets_t    positive;
    ngx_av_otlp_buckets_t    negative;

    /* summary */
    ngx_av_otlp_array_t      quantiles;         /* ngx_av_otlp_quantile_t */
} ngx_av_otlp_point_t;


/*
 * Who takes the records.  Handlers return NGX_OK; NGX_DECLINED to stop, which
 * is no error: the rest is neither delivered nor checked; or NGX_ERROR.  Those
 * that are NULL are not called.
 *
 * A scope comes before its records, also if it has none.  A metric comes
 * before its points, also if it has none, and each point comes with it.
 */
typedef struct {
    void                    *data;

    ngx_int_t              (*scope)(void *data,
                                    const ngx_av_otlp_scope_t *scope);
    ngx_int_t              (*span)(void *data,
                                   const ngx_av_otlp_scope_t *scope,
                                   const ngx_av_otlp_span_t *span);
    ngx_int_t              (*log)(void *data,
                                  const ngx_av_otlp_scope_t *scope,
                                  const ngx_av_otlp_log_t *log);
    ngx_int_t              (*metric)(void *data,
                                     const ngx_av_otlp_scope_t *scope,
                                     const ngx_av_otlp_metric_t *metric);
    ngx_int_t              (*point)(void *data,
                                    const ngx_av_otlp_scope_t *scope,
                                    const ngx_av_otlp_metric_t *metric,
                                    const ngx_av_otlp_point_t *point);
} ngx_av_otlp_sink_t;


typedef struct {
    size_t                   memory;    /* bytes, of a JSON document and of
                                           the records' arrays */
    ngx_av_memory_t         *account;   /* where these count, or NULL */
    ngx_uint_t               depth;     /* arrays and kvlists inside each
                                           other in a value; each takes some
                                           400 bytes of stack */
} ngx_av_otlp_limits_t;


#define NGX_AV_OTLP_ERROR_LEN  256

typedef struct {
    ngx_str_t                error;     /* what is wrong, for people: ASCII,
                                           no input in it, in text */
    size_t                   offset;    /* and where: bytes into the body, of
                                           JSON only if it does not parse,
                                           else 0 */
    ngx_uint_t               present;   /* JSON: the top level has the
                                           signal's key, and it is not null;
                                           protobuf: the body is not empty */
    u_char                   text[NGX_AV_OTLP_ERROR_LEN];   /* private */
} ngx_av_otlp_result_t;


/*
 * Decodes an ExportTraceServiceRequest, ...Metrics... or ...Logs..., and hands
 * its records to the sink in the order sent (otlp.md 5, 6).
 *
 * NGX_OK; NGX_DECLINED with result->error and offset if the body cannot be
 * decoded or is another signal's: records handed over before are void;
 * NGX_ABORT if it needs more than limits->memory; NGX_BUSY or NGX_ABORT as
 * limits->account says; NGX_ERROR without memory or by the sink.
 */
ngx_int_t ngx_av_otlp_decode(ngx_av_otlp_signal_e signal,
    ngx_av_otlp_encoding_e encoding, const u_char *body, size_t len,
    const ngx_av_otlp_limits_t *limits, const ngx_av_otlp_sink_t *sink,
    ngx_av_otlp_result_t *result);


/*
 * The bytes of a value of that kind: as they are, or decoded from base64 into
 * scratch, which is appended to.  NGX_ERROR without memory.
 */
ngx_int_t ngx_av_otlp_value_bytes(const ngx_av_otlp_value_t *value,
    ngx_av_buf_t *scratch, ngx_str_t *bytes);

/*
 * Appends a value as JSON text (otlp.md 9): integers with all digits, NaN and
 * infinities as strings, bytes as base64, no value as null, strings repaired
 * and without NULs, repeated keys as sent (readers take the last).
 * NGX_DECLINED if arrays and kvlists are nested deeper than depth: the buffer
 * is left as it was; NGX_ERROR without memory.
 */
ngx_int_t ngx_av_otlp_value_json(ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value, ngx_uint_t depth);


/* The children of a value; a value of another kind has none. */

typedef struct {
    uint32_t                 kind;          /* private, all of it */
    uint32_t                 encoding;
    const u_char            *pos;
    const u_char            *end;
    yyjson_arr_iter          items;
} ngx_av_otlp_iter_t;

void ngx_av_otlp_iter_init(ngx_av_otlp_iter_t *iter,
    const ngx_av_otlp_value_t *value);

/*
 * The next child: 1, or 0 at the end.  The key of an ARRAY's child is empty.
 */
ngx_uint_t ngx_av_otlp_iter_next(ngx_av_otlp_iter_t *iter,
    ngx_av_otlp_attribute_t *child);


#endif /* _NGX_AV_OTLP_H_INCLUDED_ */
