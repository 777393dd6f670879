/*
 * The messages of OTLP, each described once: for every field its name in JSON,
 * its number in protobuf, its type, and where a record keeps it.  Both
 * decoders are driven by these tables and know no message by name.
 */

#ifndef _NGX_AV_OTLP_SCHEMA_H_INCLUDED_
#define _NGX_AV_OTLP_SCHEMA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_otlp.h"


/* Protobuf's types as far as OTLP has them, and what they are kept as. */
typedef enum {
    NGX_AV_OTLP_UNKNOWN = 0,
    NGX_AV_OTLP_BOOLEAN,        /* ngx_uint_t */
    NGX_AV_OTLP_ENUM,           /* int32_t */
    NGX_AV_OTLP_UINT32,         /* uint32_t */
    NGX_AV_OTLP_SINT32,         /* int32_t */
    NGX_AV_OTLP_INT64,          /* u.integer of a value, or in JSON, beyond
                                   64 bits, its u.number */
    NGX_AV_OTLP_UINT64,         /* uint64_t */
    NGX_AV_OTLP_FIXED32,        /* uint32_t */
    NGX_AV_OTLP_FIXED64,        /* uint64_t */
    NGX_AV_OTLP_SFIXED64,       /* int64_t */
    NGX_AV_OTLP_FLOAT64,        /* double */
    NGX_AV_OTLP_TEXT,           /* ngx_str_t */
    NGX_AV_OTLP_ID,             /* ngx_av_otlp_id_t */
    NGX_AV_OTLP_BLOB,           /* bytes: u.text of a value */
    NGX_AV_OTLP_TREE,           /* ArrayValue, KeyValueList: u.tree of a value,
                                   its children of the type "child" */
    NGX_AV_OTLP_DATA,           /* a metric's data: u.tree of a value, decoded
                                   after the metric's name is known */
    NGX_AV_OTLP_MESSAGE         /* the struct of "child" */
} ngx_av_otlp_type_e;

typedef enum {
    NGX_AV_OTLP_ONE = 0,
    NGX_AV_OTLP_MANY,           /* ngx_av_otlp_array_t */
    NGX_AV_OTLP_STREAM          /* not kept: records, and what they are in */
} ngx_av_otlp_count_e;

/* what a message means to the one who decodes (ngx_av_otlp_decoder.h) */
typedef enum {
    NGX_AV_OTLP_PART = 0,       /* a part of another */
    NGX_AV_OTLP_REQUEST,
    NGX_AV_OTLP_RESOURCE,
    NGX_AV_OTLP_SCOPE,
    NGX_AV_OTLP_METRIC,
    NGX_AV_OTLP_METRIC_DATA,
    NGX_AV_OTLP_POINT,
    NGX_AV_OTLP_SPAN,
    NGX_AV_OTLP_LOG
} ngx_av_otlp_role_e;

/* protobuf's wire types */
typedef enum {
    NGX_AV_OTLP_WIRE_VARINT = 0,
    NGX_AV_OTLP_WIRE_I64,
    NGX_AV_OTLP_WIRE_LEN,
    NGX_AV_OTLP_WIRE_START,
    NGX_AV_OTLP_WIRE_END,
    NGX_AV_OTLP_WIRE_I32,
    NGX_AV_OTLP_WIRE_NONE = 0xff
} ngx_av_otlp_wire_e;


typedef struct ngx_av_otlp_message_s  ngx_av_otlp_message_t;

typedef struct {
    ngx_str_t                     name;
    int32_t                       number;
} ngx_av_otlp_enum_t;


/*
 * The name is lowerCamelCase; its snake_case form follows from it.  A field
 * with a mark leaves it in a uint32_t of the same struct: members of a oneof
 * put it there, optional fields add it as a bit.
 */
typedef struct {
    ngx_str_t                     name;     /* empty: no such number */
    u_char                        type;     /* ngx_av_otlp_type_e */
    u_char                        wire;     /* ngx_av_otlp_wire_e */
    u_char                        count;    /* ngx_av_otlp_count_e */
    u_char                        mark;
    u_char                        one_of;   /* unsigned one_of:1 */
    uint16_t                      mark_offset;
    uint16_t                      offset;
    const ngx_av_otlp_message_t  *child;
    const ngx_av_otlp_enum_t     *names;    /* ended by an empty one */
} ngx_av_otlp_field_t;


/* the highest number of a field that is known */
#define NGX_AV_OTLP_MAX_FIELD  16

/* Fields are indexed by their numbers. */
struct ngx_av_otlp_message_s {
    ngx_str_t                     name;
    const ngx_av_otlp_field_t    *fields;
    ngx_uint_t                    last;     /* the highest number */
    size_t                        size;     /* of its struct */
    ngx_av_otlp_role_e            role;
};


/* By signal: the request, and the message of its records. */
extern const ngx_av_otlp_message_t * const
    ngx_av_otlp_requests[NGX_AV_OTLP_LOGS + 1];
extern const ngx_av_otlp_message_t * const
    ngx_av_otlp_records[NGX_AV_OTLP_LOGS + 1];

/* By ngx_av_otlp_metric_e: the message of a metric's data; NULL for none. */
extern const ngx_av_otlp_message_t * const
    ngx_av_otlp_data[NGX_AV_OTLP_SUMMARY + 1];

/* of values and their children */
extern const ngx_av_otlp_message_t  ngx_av_otlp_any_value;
extern const ngx_av_otlp_message_t  ngx_av_otlp_key_value;


#endif /* _NGX_AV_OTLP_SCHEMA_H_INCLUDED_ */
