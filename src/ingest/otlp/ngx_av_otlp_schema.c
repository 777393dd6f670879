#include "ngx_av_otlp_schema.h"


/* how each type travels */

#define NGX_AV_OTLP_BOOLEAN_WIRE   NGX_AV_OTLP_WIRE_VARINT
#define NGX_AV_OTLP_ENUM_WIRE      NGX_AV_OTLP_WIRE_VARINT
#define NGX_AV_OTLP_UINT32_WIRE    NGX_AV_OTLP_WIRE_VARINT
#define NGX_AV_OTLP_SINT32_WIRE    NGX_AV_OTLP_WIRE_VARINT
#define NGX_AV_OTLP_INT64_WIRE     NGX_AV_OTLP_WIRE_VARINT
#define NGX_AV_OTLP_UINT64_WIRE    NGX_AV_OTLP_WIRE_VARINT
#define NGX_AV_OTLP_FIXED32_WIRE   NGX_AV_OTLP_WIRE_I32
#define NGX_AV_OTLP_FIXED64_WIRE   NGX_AV_OTLP_WIRE_I64
#define NGX_AV_OTLP_SFIXED64_WIRE  NGX_AV_OTLP_WIRE_I64
#define NGX_AV_OTLP_FLOAT64_WIRE   NGX_AV_OTLP_WIRE_I64
#define NGX_AV_OTLP_TEXT_WIRE      NGX_AV_OTLP_WIRE_LEN
#define NGX_AV_OTLP_ID_WIRE        NGX_AV_OTLP_WIRE_LEN
#define NGX_AV_OTLP_BLOB_WIRE      NGX_AV_OTLP_WIRE_LEN
#define NGX_AV_OTLP_TREE_WIRE      NGX_AV_OTLP_WIRE_LEN
#define NGX_AV_OTLP_DATA_WIRE      NGX_AV_OTLP_WIRE_LEN


/* A plain field: its name, type and place. */
#define ngx_av_otlp_field(str, kind, at)                                      \
    { .name = ngx_string(str), .type = NGX_AV_OTLP_##kind,                    \
      .wire = NGX_AV_OTLP_##kind##_WIRE,                                      \
      .offset = offsetof(NGX_AV_OTLP_STRUCT, at) }

#define ngx_av_otlp_enum(str, at, values)                                     \
    { .name = ngx_string(str), .type = NGX_AV_OTLP_ENUM,                      \
      .wire = NGX_AV_OTLP_ENUM_WIRE, .names = values,                         \
      .offset = offsetof(NGX_AV_OTLP_STRUCT, at) }

/* Numbers, packed or not. */
#define ngx_av_otlp_list(str, kind, at)                                       \
    { .name = ngx_string(str), .type = NGX_AV_OTLP_##kind,                    \
      .wire = NGX_AV_OTLP_##kind##_WIRE, .count = NGX_AV_OTLP_MANY,           \
      .offset = offsetof(NGX_AV_OTLP_STRUCT, at) }

/* An optional field: its bit goes to "present". */
#define ngx_av_otlp_optional(str, kind, at, bit)                              \
    { .name = ngx_string(str), .type = NGX_AV_OTLP_##kind,                    \
      .wire = NGX_AV_OTLP_##kind##_WIRE, .mark = NGX_AV_OTLP_HAS_##bit,       \
      .mark_offset = offsetof(NGX_AV_OTLP_STRUCT, present),                   \
      .offset = offsetof(NGX_AV_OTLP_STRUCT, at) }

/* A member of a oneof: which it is goes to the other place. */
#define ngx_av_otlp_one_of(str, kind, at, which, value, ...)                  \
    { .name = ngx_string(str), .type = NGX_AV_OTLP_##kind,                    \
      .wire = NGX_AV_OTLP_##kind##_WIRE, .mark = NGX_AV_OTLP_##value,         \
      .mark_offset = offsetof(NGX_AV_OTLP_STRUCT, which), .one_of = 1,        \
      .offset = offsetof(NGX_AV_OTLP_STRUCT, at), __VA_ARGS__ }

#define ngx_av_otlp_message(str, many, at, message)                           \
    { .name = ngx_string(str), .type = NGX_AV_OTLP_MESSAGE,                   \
      .wire = NGX_AV_OTLP_WIRE_LEN, .count = NGX_AV_OTLP_##many,              \
      .child = &message, .offset = at }

#define ngx_av_otlp_one(str, at, message)                                     \
    ngx_av_otlp_message(str, ONE, offsetof(NGX_AV_OTLP_STRUCT, at), message)
#define ngx_av_otlp_many(str, at, message)                                    \
    ngx_av_otlp_message(str, MANY, offsetof(NGX_AV_OTLP_STRUCT, at), message)
#define ngx_av_otlp_stream(str, message)                                      \
    ngx_av_otlp_message(str, STREAM, 0, message)

#define ngx_av_otlp_attributes(str, at)                                       \
    ngx_av_otlp_many(str, at, ngx_av_otlp_key_value)

#define ngx_av_otlp_define(str, table, mean)                                  \
    { .name = ngx_string(str), .fields = table,                               \
      .last = sizeof(table) / sizeof(table[0]) - 1,                           \
      .size = sizeof(NGX_AV_OTLP_STRUCT), .role = NGX_AV_OTLP_##mean }


/* Enumerations, for JSON that has names in place of numbers. */

static const ngx_av_otlp_enum_t  ngx_av_otlp_span_kinds[] = {
    { ngx_string("SPAN_KIND_UNSPECIFIED"), 0 },
    { ngx_string("SPAN_KIND_INTERNAL"), 1 },
    { ngx_string("SPAN_KIND_SERVER"), 2 },
    { ngx_string("SPAN_KIND_CLIENT"), 3 },
    { ngx_string("SPAN_KIND_PRODUCER"), 4 },
    { ngx_string("SPAN_KIND_CONSUMER"), 5 },
    { ngx_null_string, 0 }
};


static const ngx_av_otlp_enum_t  ngx_av_otlp_status_codes[] = {
    { ngx_string("STATUS_CODE_UNSET"), 0 },
    { ngx_string("STATUS_CODE_OK"), 1 },
    { ngx_string("STATUS_CODE_ERROR"), 2 },
    { ngx_null_string, 0 }
};


static const ngx_av_otlp_enum_t  ngx_av_otlp_temporalities[] = {
    { ngx_string("AGGREGATION_TEMPORALITY_UNSPECIFIED"), 0 },
    { ngx_string("AGGREGATION_TEMPORALITY_DELTA"), 1 },
    { ngx_string("AGGREGATION_TEMPORALITY_CUMULATIVE"), 2 },
    { ngx_null_string, 0 }
};


#define ngx_av_otlp_severity(name, first)                                     \
    { ngx_string("SEVERITY_NUMBER_" name), first },                           \
    { ngx_string("SEVERITY_NUMBER_" name "2"), first + 1 },                   \
    { ngx_string("SEVERITY_NUMBER_" name "3"), first + 2 },                   \
    { ngx_string("SEVERITY_NUMBER_" name "4"), first + 3 }

static const ngx_av_otlp_enum_t  ngx_av_otlp_severities[] = {
    { ngx_string("SEVERITY_NUMBER_UNSPECIFIED"), 0 },
    ngx_av_otlp_severity("TRACE", 1),
    ngx_av_otlp_severity("DEBUG", 5),
    ngx_av_otlp_severity("INFO", 9),
    ngx_av_otlp_severity("WARN", 13),
    ngx_av_otlp_severity("ERROR", 17),
    ngx_av_otlp_severity("FATAL", 21),
    { ngx_null_string, 0 }
};


/* Values.  Members of AnyValue that profiles alone have are not known. */

#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_value_t

static const ngx_av_otlp_field_t  ngx_av_otlp_any_value_fields[] = {
    [1] = ngx_av_otlp_one_of("stringValue", TEXT, u.text, kind, STRING),
    [2] = ngx_av_otlp_one_of("boolValue", BOOLEAN, u.boolean, kind, BOOL),
    [3] = ngx_av_otlp_one_of("intValue", INT64, u.integer, kind, INT),
    [4] = ngx_av_otlp_one_of("doubleValue", FLOAT64, u.number, kind, DOUBLE),
    [5] = ngx_av_otlp_one_of("arrayValue", TREE, u.tree, kind, ARRAY,
                             .child = &ngx_av_otlp_any_value),
    [6] = ngx_av_otlp_one_of("kvlistValue", TREE, u.tree, kind, KVLIST,
                             .child = &ngx_av_otlp_key_value),
    [7] = ngx_av_otlp_one_of("bytesValue", BLOB, u.text, kind, BYTES)
};

const ngx_av_otlp_message_t  ngx_av_otlp_any_value =
    ngx_av_otlp_define("AnyValue", ngx_av_otlp_any_value_fields, PART);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_attribute_t

static const ngx_av_otlp_field_t  ngx_av_otlp_key_value_fields[] = {
    [1] = ngx_av_otlp_field("key", TEXT, key),
    [2] = ngx_av_otlp_one("value", value, ngx_av_otlp_any_value)
};

const ngx_av_otlp_message_t  ngx_av_otlp_key_value =
    ngx_av_otlp_define("KeyValue", ngx_av_otlp_key_value_fields, PART);


/* Where records come from: resource and scope share one struct. */

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_scope_t

static const ngx_av_otlp_field_t  ngx_av_otlp_resource_fields[] = {
    [1] = ngx_av_otlp_attributes("attributes", resource_attributes),
    [2] = ngx_av_otlp_field("droppedAttributesCount", UINT32,
                            resource_dropped_attributes)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_resource =
    ngx_av_otlp_define("Resource", ngx_av_otlp_resource_fields, PART);

static const ngx_av_otlp_field_t  ngx_av_otlp_instrumentation_fields[] = {
    [1] = ngx_av_otlp_field("name", TEXT, name),
    [2] = ngx_av_otlp_field("version", TEXT, version),
    [3] = ngx_av_otlp_attributes("attributes", attributes),
    [4] = ngx_av_otlp_field("droppedAttributesCount", UINT32,
                            dropped_attributes)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_instrumentation =
    ngx_av_otlp_define("InstrumentationScope",
                       ngx_av_otlp_instrumentation_fields, PART);

/* The three envelopes of a signal: they differ in names only. */
#define ngx_av_otlp_envelopes(signal, record, records, scopes, resources,     \
    scope_name, resource_name, request_name)                                  \
                                                                              \
static const ngx_av_otlp_field_t  ngx_av_otlp_##signal##_scope_fields[] = {   \
    [1] = ngx_av_otlp_message("scope", ONE, 0, ngx_av_otlp_instrumentation),  \
    [2] = ngx_av_otlp_stream(records, record),                                \
    [3] = ngx_av_otlp_field("schemaUrl", TEXT, schema_url)                    \
};                                                                            \
                                                                              \
static const ngx_av_otlp_message_t  ngx_av_otlp_##signal##_scope =            \
    ngx_av_otlp_define(scope_name, ngx_av_otlp_##signal##_scope_fields,       \
                       SCOPE);                                                \
                                                                              \
static const ngx_av_otlp_field_t                                              \
    ngx_av_otlp_##signal##_resource_fields[] = {                              \
    [1] = ngx_av_otlp_message("resource", ONE, 0, ngx_av_otlp_resource),      \
    [2] = ngx_av_otlp_stream(scopes, ngx_av_otlp_##signal##_scope),           \
    [3] = ngx_av_otlp_field("schemaUrl", TEXT, resource_schema_url)           \
};                                                                            \
                                                                              \
static const ngx_av_otlp_message_t  ngx_av_otlp_##signal##_resource =         \
    ngx_av_otlp_define(resource_name, ngx_av_otlp_##signal##_resource_fields, \
                       RESOURCE);                                             \
                                                                              \
static const ngx_av_otlp_field_t  ngx_av_otlp_##signal##_fields[] = {         \
    [1] = ngx_av_otlp_stream(resources, ngx_av_otlp_##signal##_resource)      \
};                                                                            \
                                                                              \
static const ngx_av_otlp_message_t  ngx_av_otlp_##signal =                    \
    ngx_av_otlp_define(request_name, ngx_av_otlp_##signal##_fields, REQUEST)


/* Traces */

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_event_t

static const ngx_av_otlp_field_t  ngx_av_otlp_event_fields[] = {
    [1] = ngx_av_otlp_field("timeUnixNano", FIXED64, time),
    [2] = ngx_av_otlp_field("name", TEXT, name),
    [3] = ngx_av_otlp_attributes("attributes", attributes),
    [4] = ngx_av_otlp_field("droppedAttributesCount", UINT32,
                            dropped_attributes)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_event =
    ngx_av_otlp_define("Event", ngx_av_otlp_event_fields, PART);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_link_t

static const ngx_av_otlp_field_t  ngx_av_otlp_link_fields[] = {
    [1] = ngx_av_otlp_field("traceId", ID, trace_id),
    [2] = ngx_av_otlp_field("spanId", ID, span_id),
    [3] = ngx_av_otlp_field("traceState", TEXT, trace_state),
    [4] = ngx_av_otlp_attributes("attributes", attributes),
    [5] = ngx_av_otlp_field("droppedAttributesCount", UINT32,
                            dropped_attributes),
    [6] = ngx_av_otlp_field("flags", FIXED32, flags)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_link =
    ngx_av_otlp_define("Link", ngx_av_otlp_link_fields, PART);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_span_t

static const ngx_av_otlp_field_t  ngx_av_otlp_status_fields[] = {
    [2] = ngx_av_otlp_field("message", TEXT, status_message),
    [3] = ngx_av_otlp_enum("code", status_code, ngx_av_otlp_status_codes)
};

/* a part of the span's struct, not one of its own */
static const ngx_av_otlp_message_t  ngx_av_otlp_status =
    ngx_av_otlp_define("Status", ngx_av_otlp_status_fields, PART);

static const ngx_av_otlp_field_t  ngx_av_otlp_span_fields[] = {
    [1] = ngx_av_otlp_field("traceId", ID, trace_id),
    [2] = ngx_av_otlp_field("spanId", ID, span_id),
    [3] = ngx_av_otlp_field("traceState", TEXT, trace_state),
    [4] = ngx_av_otlp_field("parentSpanId", ID, parent_span_id),
    [5] = ngx_av_otlp_field("name", TEXT, name),
    [6] = ngx_av_otlp_enum("kind", kind, ngx_av_otlp_span_kinds),
    [7] = ngx_av_otlp_field("startTimeUnixNano", FIXED64, start),
    [8] = ngx_av_otlp_field("endTimeUnixNano", FIXED64, end),
    [9] = ngx_av_otlp_attributes("attributes", attributes),
    [10] = ngx_av_otlp_field("droppedAttributesCount", UINT32,
                             dropped_attributes),
    [11] = ngx_av_otlp_many("events", events, ngx_av_otlp_event),
    [12] = ngx_av_otlp_field("droppedEventsCount", UINT32, dropped_events),
    [13] = ngx_av_otlp_many("links", links, ngx_av_otlp_link),
    [14] = ngx_av_otlp_field("droppedLinksCount", UINT32, dropped_links),
    [15] = ngx_av_otlp_message("status", ONE, 0, ngx_av_otlp_status),
    [16] = ngx_av_otlp_field("flags", FIXED32, flags)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_span =
    ngx_av_otlp_define("Span", ngx_av_otlp_span_fields, SPAN);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_scope_t

ngx_av_otlp_envelopes(traces, ngx_av_otlp_span, "spans", "scopeSpans",
                      "resourceSpans", "ScopeSpans", "ResourceSpans",
                      "ExportTraceServiceRequest");


/* Metrics */

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_exemplar_t

static const ngx_av_otlp_field_t  ngx_av_otlp_exemplar_fields[] = {
    [2] = ngx_av_otlp_field("timeUnixNano", FIXED64, time),
    [3] = ngx_av_otlp_one_of("asDouble", FLOAT64, value.u.number, value.kind,
                             DOUBLE),
    [4] = ngx_av_otlp_field("spanId", ID, span_id),
    [5] = ngx_av_otlp_field("traceId", ID, trace_id),
    [6] = ngx_av_otlp_one_of("asInt", SFIXED64, value.u.integer, value.kind,
                             INT),
    [7] = ngx_av_otlp_attributes("filteredAttributes", attributes)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_exemplar =
    ngx_av_otlp_define("Exemplar", ngx_av_otlp_exemplar_fields, PART);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_buckets_t

static const ngx_av_otlp_field_t  ngx_av_otlp_buckets_fields[] = {
    [1] = ngx_av_otlp_field("offset", SINT32, offset),
    [2] = ngx_av_otlp_list("bucketCounts", UINT64, counts)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_buckets =
    ngx_av_otlp_define("Buckets", ngx_av_otlp_buckets_fields, PART);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_quantile_t

static const ngx_av_otlp_field_t  ngx_av_otlp_quantile_fields[] = {
    [1] = ngx_av_otlp_field("quantile", FLOAT64, quantile),
    [2] = ngx_av_otlp_field("value", FLOAT64, value)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_quantile =
    ngx_av_otlp_define("ValueAtQuantile", ngx_av_otlp_quantile_fields, PART);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_point_t

static const ngx_av_otlp_field_t  ngx_av_otlp_number_fields[] = {
    [2] = ngx_av_otlp_field("startTimeUnixNano", FIXED64, start),
    [3] = ngx_av_otlp_field("timeUnixNano", FIXED64, time),
    [4] = ngx_av_otlp_one_of("asDouble", FLOAT64, value.u.number, value.kind,
                             DOUBLE),
    [5] = ngx_av_otlp_many("exemplars", exemplars, ngx_av_otlp_exemplar),
    [6] = ngx_av_otlp_one_of("asInt", SFIXED64, value.u.integer, value.kind,
                             INT),
    [7] = ngx_av_otlp_attributes("attributes", attributes),
    [8] = ngx_av_otlp_field("flags", UINT32, flags)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_number =
    ngx_av_otlp_define("NumberDataPoint", ngx_av_otlp_number_fields, POINT);

static const ngx_av_otlp_field_t  ngx_av_otlp_histogram_fields[] = {
    [2] = ngx_av_otlp_field("startTimeUnixNano", FIXED64, start),
    [3] = ngx_av_otlp_field("timeUnixNano", FIXED64, time),
    [4] = ngx_av_otlp_field("count", FIXED64, count),
    [5] = ngx_av_otlp_optional("sum", FLOAT64, sum, SUM),
    [6] = ngx_av_otlp_list("bucketCounts", FIXED64, bucket_counts),
    [7] = ngx_av_otlp_list("explicitBounds", FLOAT64, explicit_bounds),
    [8] = ngx_av_otlp_many("exemplars", exemplars, ngx_av_otlp_exemplar),
    [9] = ngx_av_otlp_attributes("attributes", attributes),
    [10] = ngx_av_otlp_field("flags", UINT32, flags),
    [11] = ngx_av_otlp_optional("min", FLOAT64, min, MIN),
    [12] = ngx_av_otlp_optional("max", FLOAT64, max, MAX)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_histogram =
    ngx_av_otlp_define("HistogramDataPoint", ngx_av_otlp_histogram_fields,
                       POINT);

static const ngx_av_otlp_field_t  ngx_av_otlp_exponential_fields[] = {
    [1] = ngx_av_otlp_attributes("attributes", attributes),
    [2] = ngx_av_otlp_field("startTimeUnixNano", FIXED64, start),
    [3] = ngx_av_otlp_field("timeUnixNano", FIXED64, time),
    [4] = ngx_av_otlp_field("count", FIXED64, count),
    [5] = ngx_av_otlp_optional("sum", FLOAT64, sum, SUM),
    [6] = ngx_av_otlp_field("scale", SINT32, scale),
    [7] = ngx_av_otlp_field("zeroCount", FIXED64, zero_count),
    [8] = ngx_av_otlp_one("positive", positive, ngx_av_otlp_buckets),
    [9] = ngx_av_otlp_one("negative", negative, ngx_av_otlp_buckets),
    [10] = ngx_av_otlp_field("flags", UINT32, flags),
    [11] = ngx_av_otlp_many("exemplars", exemplars, ngx_av_otlp_exemplar),
    [12] = ngx_av_otlp_optional("min", FLOAT64, min, MIN),
    [13] = ngx_av_otlp_optional("max", FLOAT64, max, MAX),
    [14] = ngx_av_otlp_field("zeroThreshold", FLOAT64, zero_threshold)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_exponential =
    ngx_av_otlp_define("ExponentialHistogramDataPoint",
                       ngx_av_otlp_exponential_fields, POINT);

static const ngx_av_otlp_field_t  ngx_av_otlp_summary_fields[] = {
    [2] = ngx_av_otlp_field("startTimeUnixNano", FIXED64, start),
    [3] = ngx_av_otlp_field("timeUnixNano", FIXED64, time),
    [4] = ngx_av_otlp_field("count", FIXED64, count),
    [5] = ngx_av_otlp_field("sum", FLOAT64, sum),
    [6] = ngx_av_otlp_many("quantileValues", quantiles, ngx_av_otlp_quantile),
    [7] = ngx_av_otlp_attributes("attributes", attributes),
    [8] = ngx_av_otlp_field("flags", UINT32, flags)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_summary =
    ngx_av_otlp_define("SummaryDataPoint", ngx_av_otlp_summary_fields, POINT);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_metric_t

/* The data of the five types: what they have besides points. */

static const ngx_av_otlp_field_t  ngx_av_otlp_gauge_data_fields[] = {
    [1] = ngx_av_otlp_stream("dataPoints", ngx_av_otlp_number)
};

static const ngx_av_otlp_field_t  ngx_av_otlp_sum_data_fields[] = {
    [1] = ngx_av_otlp_stream("dataPoints", ngx_av_otlp_number),
    [2] = ngx_av_otlp_enum("aggregationTemporality", temporality,
                           ngx_av_otlp_temporalities),
    [3] = ngx_av_otlp_field("isMonotonic", BOOLEAN, monotonic)
};

static const ngx_av_otlp_field_t  ngx_av_otlp_histogram_data_fields[] = {
    [1] = ngx_av_otlp_stream("dataPoints", ngx_av_otlp_histogram),
    [2] = ngx_av_otlp_enum("aggregationTemporality", temporality,
                           ngx_av_otlp_temporalities)
};

static const ngx_av_otlp_field_t  ngx_av_otlp_exponential_data_fields[] = {
    [1] = ngx_av_otlp_stream("dataPoints", ngx_av_otlp_exponential),
    [2] = ngx_av_otlp_enum("aggregationTemporality", temporality,
                           ngx_av_otlp_temporalities)
};

static const ngx_av_otlp_field_t  ngx_av_otlp_summary_data_fields[] = {
    [1] = ngx_av_otlp_stream("dataPoints", ngx_av_otlp_summary)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_gauge_data =
    ngx_av_otlp_define("Gauge", ngx_av_otlp_gauge_data_fields, METRIC_DATA);
static const ngx_av_otlp_message_t  ngx_av_otlp_sum_data =
    ngx_av_otlp_define("Sum", ngx_av_otlp_sum_data_fields, METRIC_DATA);
static const ngx_av_otlp_message_t  ngx_av_otlp_histogram_data =
    ngx_av_otlp_define("Histogram", ngx_av_otlp_histogram_data_fields,
                       METRIC_DATA);
static const ngx_av_otlp_message_t  ngx_av_otlp_exponential_data =
    ngx_av_otlp_define("ExponentialHistogram",
                       ngx_av_otlp_exponential_data_fields, METRIC_DATA);
static const ngx_av_otlp_message_t  ngx_av_otlp_summary_data =
    ngx_av_otlp_define("Summary", ngx_av_otlp_summary_data_fields,
                       METRIC_DATA);

#define ngx_av_otlp_metric_data(str, is, message)                             \
    ngx_av_otlp_one_of(str, DATA, data.u, type, is, .child = &message)

static const ngx_av_otlp_field_t  ngx_av_otlp_metric_fields[] = {
    [1] = ngx_av_otlp_field("name", TEXT, name),
    [2] = ngx_av_otlp_field("description", TEXT, description),
    [3] = ngx_av_otlp_field("unit", TEXT, unit),
    [5] = ngx_av_otlp_metric_data("gauge", GAUGE, ngx_av_otlp_gauge_data),
    [7] = ngx_av_otlp_metric_data("sum", SUM, ngx_av_otlp_sum_data),
    [9] = ngx_av_otlp_metric_data("histogram", HISTOGRAM,
                                  ngx_av_otlp_histogram_data),
    [10] = ngx_av_otlp_metric_data("exponentialHistogram", EXP_HISTOGRAM,
                                   ngx_av_otlp_exponential_data),
    [11] = ngx_av_otlp_metric_data("summary", SUMMARY,
                                   ngx_av_otlp_summary_data),
    [12] = ngx_av_otlp_attributes("metadata", metadata)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_metric =
    ngx_av_otlp_define("Metric", ngx_av_otlp_metric_fields, METRIC);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_scope_t

ngx_av_otlp_envelopes(metrics, ngx_av_otlp_metric, "metrics", "scopeMetrics",
                      "resourceMetrics", "ScopeMetrics", "ResourceMetrics",
                      "ExportMetricsServiceRequest");


/* Logs */

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_log_t

static const ngx_av_otlp_field_t  ngx_av_otlp_log_fields[] = {
    [1] = ngx_av_otlp_field("timeUnixNano", FIXED64, time),
    [2] = ngx_av_otlp_enum("severityNumber", severity_number,
                           ngx_av_otlp_severities),
    [3] = ngx_av_otlp_field("severityText", TEXT, severity_text),
    [5] = ngx_av_otlp_one("body", body, ngx_av_otlp_any_value),
    [6] = ngx_av_otlp_attributes("attributes", attributes),
    [7] = ngx_av_otlp_field("droppedAttributesCount", UINT32,
                            dropped_attributes),
    [8] = ngx_av_otlp_field("flags", FIXED32, flags),
    [9] = ngx_av_otlp_field("traceId", ID, trace_id),
    [10] = ngx_av_otlp_field("spanId", ID, span_id),
    [11] = ngx_av_otlp_field("observedTimeUnixNano", FIXED64, observed_time),
    [12] = ngx_av_otlp_field("eventName", TEXT, event_name)
};

static const ngx_av_otlp_message_t  ngx_av_otlp_log =
    ngx_av_otlp_define("LogRecord", ngx_av_otlp_log_fields, LOG);

#undef NGX_AV_OTLP_STRUCT
#define NGX_AV_OTLP_STRUCT  ngx_av_otlp_scope_t

ngx_av_otlp_envelopes(logs, ngx_av_otlp_log, "logRecords", "scopeLogs",
                      "resourceLogs", "ScopeLogs", "ResourceLogs",
                      "ExportLogsServiceRequest");


const ngx_av_otlp_message_t * const  ngx_av_otlp_requests[] = {
    &ngx_av_otlp_traces, &ngx_av_otlp_metrics, &ngx_av_otlp_logs
};


const ngx_av_otlp_message_t * const  ngx_av_otlp_records[] = {
    &ngx_av_otlp_span, &ngx_av_otlp_metric, &ngx_av_otlp_log
};


const ngx_av_otlp_message_t * const  ngx_av_otlp_data[] = {
    [NGX_AV_OTLP_GAUGE] = &ngx_av_otlp_gauge_data,
    [NGX_AV_OTLP_SUM] = &ngx_av_otlp_sum_data,
    [NGX_AV_OTLP_HISTOGRAM] = &ngx_av_otlp_histogram_data,
    [NGX_AV_OTLP_EXP_HISTOGRAM] = &ngx_av_otlp_exponential_data,
    [NGX_AV_OTLP_SUMMARY] = &ngx_av_otlp_summary_data
};
