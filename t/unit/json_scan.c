#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_json_scan.h"


typedef struct {
    const char  *json;
    const char  *members;   /* "key=value;" of each */
} ngx_av_test_scan_t;


static const ngx_av_test_scan_t  ngx_av_test_scans[] = {
    { "{}", "" },
    { " { } ", "" },
    { "[1, 2]", "" },
    { "\"a\"", "" },
    { "null", "" },
    { "", "" },
    { "{\"a\": 1}", "\"a\"=1;" },
    { "{\"a\":1,\"b\":2}", "\"a\"=1;\"b\"=2;" },
    { " {\n \"a\" :\t1 ,\r\n \"b\" : 2 } ", "\"a\"=1;\"b\"=2;" },
    { "{\"\": \"\", \"b\": null}", "\"\"=\"\";\"b\"=null;" },
    { "{\"a\": \"x, y: }{\", \"b\": true}",
      "\"a\"=\"x, y: }{\";\"b\"=true;" },
    { "{\"a\\\"b\": \"\\\\\", \"c\": \"\\\"\"}",
      "\"a\\\"b\"=\"\\\\\";\"c\"=\"\\\"\";" },
    { "{\"a\": {\"b\": [1, {\"c\": \"]\"}]}, \"d\": [], \"e\": -1.5e3}",
      "\"a\"={\"b\": [1, {\"c\": \"]\"}]};\"d\"=[];\"e\"=-1.5e3;" },
};

/* what ends too early is read to its end, and no further */
static const char  ngx_av_test_whole[] =
    "{\"a\\\"\": {\"b\": [1, \"\\\\\"]}, \"c\": \"d\", \"e\": null}";


static void
ngx_av_test_scan(const char *json, size_t len, u_char *out)
{
    u_char     *copy;
    ngx_str_t   rest, key, value;

    /* of just that size, for the sanitizer */

    copy = malloc(len ? len : 1);
    ngx_memcpy(copy, json, len);

    rest.data = copy;
    rest.len = len;

    while (ngx_av_json_member(&rest, &key, &value) == NGX_OK) {
        out = ngx_cpymem(out, key.data, key.len);
        *out++ = '=';
        out = ngx_cpymem(out, value.data, value.len);
        *out++ = ';';
    }

    *out = '\0';

    free(copy);
}


int
main(void)
{
    size_t      len;
    u_char      out[256];
    ngx_str_t   text = ngx_string(" \r\n\t[ 1 ]"), blank = ngx_string("  ");
    ngx_uint_t  i;

    for (i = 0;
         i < sizeof(ngx_av_test_scans) / sizeof(ngx_av_test_scan_t);
         i++)
    {
        ngx_av_test_scan(ngx_av_test_scans[i].json,
                         ngx_strlen(ngx_av_test_scans[i].json), out);
        is_text(out, ngx_strlen(out), ngx_av_test_scans[i].members, "%s",
                ngx_av_test_scans[i].json);
    }

    for (len = 0; len < sizeof(ngx_av_test_whole); len++) {
        ngx_av_test_scan(ngx_av_test_whole, len, out);
    }

    ok(1, "texts that were cut off");

    text = ngx_av_json_trim(text);
    is_text(text.data, text.len, "[ 1 ]", "blanks before a value");

    blank = ngx_av_json_trim(blank);
    is(blank.len, 0, "nothing but blanks");

    return ngx_av_tap_done();
}
