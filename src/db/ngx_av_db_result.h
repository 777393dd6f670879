/* What is behind a result; private to src/db. */

#ifndef _NGX_AV_DB_RESULT_H_INCLUDED_
#define _NGX_AV_DB_RESULT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <libpq-fe.h>

#include "ngx_av_db.h"


struct ngx_av_db_result_s {
    const PGresult  *pg;
};


#endif /* _NGX_AV_DB_RESULT_H_INCLUDED_ */
