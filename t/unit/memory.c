/* Accounts of memory, and what JSON and OTLP take from them. */

#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_json.h"
#include "ngx_av_otlp_case.h"


#define NGX_AV_TEST_MANY   100000
#define NGX_AV_TEST_LIMIT  (64 * 1024 * 1024)


static ngx_uint_t   ngx_av_test_asked;
static size_t       ngx_av_test_most;       /* that is ever granted */
static ngx_int_t    ngx_av_test_beyond;     /* what is said beyond that */


static ngx_int_t
ngx_av_test_grant(ngx_av_memory_t *memory, size_t size)
{
    ngx_av_test_asked++;

    if (size > ngx_av_test_most) {
        return ngx_av_test_beyond;
    }

    memory->granted = size;

    return NGX_OK;
}


static void
ngx_av_test_open(ngx_av_memory_t *memory, size_t most, ngx_int_t beyond)
{
    memory->used = 0;
    memory->granted = 0;
    memory->grant = ngx_av_test_grant;

    ngx_av_test_asked = 0;
    ngx_av_test_most = most;
    ngx_av_test_beyond = beyond;
}


static void
ngx_av_test_account(void)
{
    ngx_uint_t       i, bad;
    ngx_av_memory_t  memory;

    ngx_av_test_open(&memory, 2 * 1024 * 1024, NGX_BUSY);

    bad = 0;

    for (i = 0; i < 2 * 1024; i++) {
        bad += (ngx_av_memory_take(&memory, 1024) != NGX_OK);
    }

    ok(bad == 0 && ngx_av_test_asked == 2, "what is small is asked for once");
    is(ngx_av_memory_take(&memory, 1), NGX_BUSY, "more is not granted");
    is(memory.used, 2 * 1024 * 1024, "and not taken");

    ngx_av_memory_give(&memory, 1024);

    ok(ngx_av_memory_take(&memory, 1024) == NGX_OK
       && ngx_av_test_asked == 3, "what was given back is granted still");
    is(ngx_av_memory_take(&memory, NGX_MAX_SIZE_T_VALUE), NGX_ABORT,
       "more than there can be");
    is(ngx_av_memory_take(NULL, NGX_MAX_SIZE_T_VALUE), NGX_OK,
       "without an account nobody counts");
}


/* A document of many values, damaged or not. */

static void
ngx_av_test_json(const char *value, const char *name)
{
    char             *text;
    size_t            len, i, most, used;
    ngx_int_t         rc;
    ngx_uint_t        bad;
    ngx_av_json_t     json;
    ngx_av_memory_t   memory;

    text = malloc(3 + NGX_AV_TEST_MANY * strlen(value));
    len = sprintf(text, "[0");

    for (i = 0; i < NGX_AV_TEST_MANY; i++) {
        len += sprintf(text + len, "%s", value);
    }

    text[len++] = ']';

    bad = 0;
    used = 0;

    for (most = 0; used == 0 && most < NGX_AV_TEST_LIMIT;
         most += 512 * 1024)
    {
        ngx_av_test_open(&memory, most, NGX_BUSY);

        rc = ngx_av_json_parse_counted(&json, (u_char *) text, len,
                                       NGX_AV_TEST_LIMIT, &memory);
        if (rc == NGX_OK) {
            used = memory.used;
        }

        bad += (rc != NGX_OK && rc != NGX_BUSY);
        bad += (memory.used > most);

        ngx_av_json_free(&json);

        bad += (memory.used != 0);
    }

    is(bad, 0, "%s: never more than granted, and all given back", name);
    ok(used > NGX_AV_TEST_MANY * sizeof(yyjson_val) + len,
       "%s: its values and its text count: %lu", name, (unsigned long) used);

    free(text);
}


/*
 * A body that is a piece again and again, in field 2 of field 1, and in field 2
 * of that if it is of one record.
 */

static void
ngx_av_test_otlp(const char *piece, size_t size, ngx_uint_t levels,
    const char *name)
{
    u_char           *body, *p;
    size_t            len;
    ngx_uint_t        i, n;
    ngx_av_batch_t   *batch;
    ngx_av_memory_t   memory;

    len = NGX_AV_TEST_MANY * size;
    body = malloc(5 * levels + len);

    for (i = 0, p = body; i < levels; i++) {
        *p++ = (i == 0) ? 0x0a : 0x12;

        n = len + 5 * (levels - 1 - i);

        *p++ = n | 0x80;
        *p++ = n >> 7 | 0x80;
        *p++ = n >> 14 | 0x80;
        *p++ = n >> 21;
    }

    for (i = 0; i < NGX_AV_TEST_MANY; i++) {
        p = ngx_cpymem(p, piece, size);
    }

    ngx_av_test_open(&memory, 1024 * 1024, NGX_BUSY);
    ngx_av_case_options.limits.account = &memory;

    batch = ngx_av_case_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                               p - body);
    is(ngx_av_case_rc, NGX_BUSY, "%s: no more memory for now", name);
    ngx_av_batch_destroy(batch);

    ngx_av_test_open(&memory, 1024 * 1024, NGX_ABORT);

    batch = ngx_av_case_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                               p - body);
    is(ngx_av_case_rc, NGX_ABORT, "%s: or ever", name);
    ngx_av_batch_destroy(batch);

    ngx_av_test_open(&memory, NGX_AV_TEST_LIMIT, NGX_ABORT);

    batch = ngx_av_case_decode(NGX_AV_OTLP_LOGS, NGX_AV_OTLP_PROTOBUF, body,
                               p - body);
    is(ngx_av_case_rc, NGX_OK, "%s: with enough", name);
    ngx_av_batch_destroy(batch);

    free(body);
}


int
main(void)
{
    ngx_av_test_account();

    ngx_av_test_json(",{}", "small values");
    ngx_av_test_json(",\"\xff\"", "repaired texts");

    ngx_av_case_reset();

    ngx_av_test_otlp("\x12\0", 2, 2, "rows");
    ngx_av_test_otlp("\x32\0", 2, 3, "arrays");

    return ngx_av_tap_done();
}
