#include "ngx_av_tap.h"
#include "ngx_av_stub.h"
#include "ngx_av_uuid.h"


#define NGX_AV_TEST_TEXT  "0123abcd-4567-89ef-FEDC-ba9876543210"


static ngx_int_t
ngx_av_test_parse(const char *text, size_t len, ngx_av_uuid_t *uuid)
{
    u_char     *p;
    ngx_int_t   rc;

    p = ngx_av_stub_copy(text, len);
    rc = ngx_av_uuid_parse(p, len, uuid);
    free(p);

    return rc;
}


static void
ngx_av_test_forms(void)
{
    ngx_av_uuid_t         uuid;
    static const u_char   bytes[] = {
        0x01, 0x23, 0xab, 0xcd, 0x45, 0x67, 0x89, 0xef,
        0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10
    };

    is(ngx_av_test_parse(NGX_AV_TEST_TEXT, 36, &uuid), NGX_OK,
       "the hyphenated form");
    ok(ngx_memcmp(uuid.bytes, bytes, 16) == 0, "and its bytes");

    ngx_memzero(&uuid, sizeof(uuid));

    is(ngx_av_test_parse("0123ABCD456789efFEDCba9876543210", 32, &uuid),
       NGX_OK, "32 digits");
    ok(ngx_memcmp(uuid.bytes, bytes, 16) == 0, "and its bytes");

    is(ngx_av_test_parse("{0123abcd-4567-89ef-fedc-ba9876543210}", 38, &uuid),
       NGX_ERROR, "no braces");
    is(ngx_av_test_parse("0123abcd4-567-89ef-fedc-ba9876543210", 36, &uuid),
       NGX_ERROR, "a hyphen in another place");
    is(ngx_av_test_parse("0123abcd456789effedcba9876543210    ", 36, &uuid),
       NGX_ERROR, "32 digits and blanks");
    is(ngx_av_test_parse("0123abcd-4567-89ef-fedcba987654", 32, &uuid),
       NGX_ERROR, "hyphens within 32 characters");
}


static void
ngx_av_test_lengths(void)
{
    size_t         len;
    ngx_uint_t     bad;
    ngx_av_uuid_t  uuid;

    static const char  digits[] = "0123456789012345678901234567890123456789";

    bad = 0;

    for (len = 0; len < sizeof(digits); len++) {
        bad += (ngx_av_test_parse(digits, len, &uuid)
                != (len == 32 ? NGX_OK : NGX_ERROR));
        bad += (len < 36 && ngx_av_test_parse(NGX_AV_TEST_TEXT, len, &uuid)
                            != NGX_ERROR);
    }

    is(bad, 0, "no other length");
}


static void
ngx_av_test_bytes(void)
{
    char           text[37];
    ngx_uint_t     i, c, bad, good;
    ngx_av_uuid_t  uuid;

    bad = 0;

    for (i = 0; i < 36; i++) {
        for (c = 0; c < 256; c++) {
            ngx_memcpy(text, NGX_AV_TEST_TEXT, 36);
            text[i] = (char) c;

            good = (NGX_AV_TEST_TEXT[i] == '-') ? c == '-'
                                                : isxdigit((int) c) != 0;

            bad += (ngx_av_test_parse(text, 36, &uuid)
                    != (good ? NGX_OK : NGX_ERROR));
        }
    }

    is(bad, 0, "every byte in every place, as by isxdigit()");
}


static void
ngx_av_test_round_trips(void)
{
    char           expected[40];
    u_char        *text, *last;
    ngx_uint_t     i, k, n, bad;
    ngx_av_uuid_t  uuid, back;

    bad = 0;

    for (k = 0; k < 20000; k++) {

        for (i = 0; i < 16; i++) {
            uuid.bytes[i] = (u_char) (ngx_av_stub_random() >> 20);
        }

        for (i = 0, n = 0; i < 16; i++) {
            n += sprintf(expected + n, "%s%02x",
                         (i >= 4 && i <= 10 && i % 2 == 0) ? "-" : "",
                         uuid.bytes[i]);
        }

        text = ngx_av_stub_copy(expected, NGX_AV_UUID_TEXT_LEN);
        ngx_memzero(text, NGX_AV_UUID_TEXT_LEN);
        last = ngx_av_uuid_format(text, &uuid);

        bad += (last - text != NGX_AV_UUID_TEXT_LEN
                || ngx_memcmp(text, expected, NGX_AV_UUID_TEXT_LEN) != 0
                || ngx_av_uuid_parse(text, NGX_AV_UUID_TEXT_LEN, &back)
                   != NGX_OK
                || ngx_memcmp(&uuid, &back, sizeof(uuid)) != 0);

        free(text);
    }

    is(bad, 0, "random UUIDs, as by printf(), and parsed back");
}


static void
ngx_av_test_v5_one(const char *ns, const char *name, size_t len,
    const char *expected)
{
    u_char         text[NGX_AV_UUID_TEXT_LEN];
    ngx_av_uuid_t  uuid, space;

    if (ngx_av_test_parse(ns, strlen(ns), &space) != NGX_OK) {
        abort();
    }

    ngx_av_uuid_v5(&uuid, &space, (const u_char *) name, len);
    ngx_av_uuid_format(text, &uuid);

    is_text(text, sizeof(text), expected, "version 5 of %.20s, %lu bytes",
            name, (unsigned long) len);
}


/* The expected ones are by Python's uuid.uuid5(). */
static void
ngx_av_test_v5(void)
{
    char  name[1000];

    ngx_av_test_v5_one("6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                       "www.example.com", 15,
                       "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    ngx_av_test_v5_one("6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                       "агент ☂", 14,
                       "10477335-9701-5b3e-9d80-a82c66137b8a");
    ngx_av_test_v5_one("6ba7b811-9dad-11d1-80b4-00c04fd430c8", "", 0,
                       "1b4db7eb-4057-5ddf-91e0-36dec72071f5");

    ngx_memset(name, 'a', sizeof(name));

    ngx_av_test_v5_one("00000000000000000000000000000000", name, 47,
                       "53aa9004-1128-50bc-b15a-e5273c178998");
    ngx_av_test_v5_one("00000000000000000000000000000000", name, 48,
                       "367210b0-e8c5-59db-8dc7-fa4c699b9f4d");
    ngx_av_test_v5_one("00000000000000000000000000000000", name, 103,
                       "341b378e-0687-5cbe-a54f-50c3b0b857c6");
    ngx_av_test_v5_one("00000000000000000000000000000000", name, 104,
                       "d0c8b2b4-fc24-5988-aa4d-a9c2b21e4095");

    ngx_memset(name, 'x', sizeof(name));

    ngx_av_test_v5_one("6ba7b812-9dad-11d1-80b4-00c04fd430c8", name, 1000,
                       "0ee7e31f-a49b-55bf-a896-2c72533f360c");
}


static void
ngx_av_test_nil(void)
{
    ngx_uint_t     i, bad;
    ngx_av_uuid_t  uuid;

    ngx_memzero(&uuid, sizeof(uuid));
    ok(ngx_av_uuid_is_nil(&uuid), "zeros are nil");

    bad = 0;

    for (i = 0; i < 128; i++) {
        ngx_memzero(&uuid, sizeof(uuid));
        uuid.bytes[i / 8] = 1 << (i % 8);
        bad += ngx_av_uuid_is_nil(&uuid);
    }

    is(bad, 0, "any bit set is not");
}


int
main(void)
{
    ngx_av_test_forms();
    ngx_av_test_lengths();
    ngx_av_test_bytes();
    ngx_av_test_round_trips();
    ngx_av_test_v5();
    ngx_av_test_nil();

    return ngx_av_tap_done();
}
