# Makes a text of C of openapi.json: see config.make.
1i\
#include "ngx_av_openapi.h"\
\
\
const char  ngx_av_openapi_text[] =
s/^ *//
s/[\\"]/\\&/g
s/.*/"&"/
$a\
;\
\
const size_t  ngx_av_openapi_size = sizeof(ngx_av_openapi_text) - 1;
