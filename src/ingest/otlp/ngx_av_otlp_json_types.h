/*
 * OTLP's types as JSON has them: 64-bit integers as strings or numbers, ids in
 * hex, bytes in base64.
 */

#ifndef _NGX_AV_OTLP_JSON_TYPES_H_INCLUDED_
#define _NGX_AV_OTLP_JSON_TYPES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <yyjson.h>

#include "ngx_av_otlp_schema.h"


/*
 * Reads a value of a type that has no children to its place.  NULL, or what
 * the value must be, to be said to people.
 */
const char *ngx_av_otlp_json_scalar(const ngx_av_otlp_field_t *field,
    yyjson_val *val, u_char *place);


#endif /* _NGX_AV_OTLP_JSON_TYPES_H_INCLUDED_ */
