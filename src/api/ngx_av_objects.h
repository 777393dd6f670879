/*
 * Answers that are made of rows of any kind, by what Postgres tells of their
 * columns: to write JSON here takes a fraction of what it takes in SQL.
 */

#ifndef _NGX_AV_OBJECTS_H_INCLUDED_
#define _NGX_AV_OBJECTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_av_db.h"


/*
 * The JSON of an answer, in memory of the pool.  A row is either a part of it
 * as it is, which is in the first column, or, where that is null, an object:
 * its members are the other columns, by their names (ngx_av_value.h).  Objects
 * that follow each other have commas between them.  NGX_DECLINED if there are
 * no rows, NGX_ERROR without memory.
 */
ngx_int_t ngx_av_objects(ngx_pool_t *pool, const ngx_av_db_result_t *res,
    ngx_str_t *json);


#endif /* _NGX_AV_OBJECTS_H_INCLUDED_ */
