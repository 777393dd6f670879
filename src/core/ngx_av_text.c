#include "ngx_av_text.h"


#define NGX_AV_TEXT_ESCAPE_LEN   (sizeof("\\uXXXX") - 1)

#define NGX_AV_TEXT_HIGH_BITS    0x8080808080808080ULL
#define NGX_AV_TEXT_LOW_BITS     0x0101010101010101ULL

/* what ngx_av_text_escape() says of anything but a \uXXXX escape */
#define NGX_AV_TEXT_NO_ESCAPE    0x10000


static u_char *ngx_av_text_repair_escape(u_char *out, const u_char **pos,
    const u_char *end);
static ngx_uint_t ngx_av_text_escape(const u_char *p, const u_char *end);
static u_char *ngx_av_text_repair_char(u_char *out, const u_char **pos,
    const u_char *end);
static size_t ngx_av_text_utf8(const u_char *p, const u_char *end,
    ngx_uint_t *valid);


size_t
ngx_av_text_cut(const u_char *p, size_t len, size_t limit)
{
    if (len <= limit) {
        return len;
    }

    while (limit > 0 && (p[limit] & 0xc0) == 0x80) {
        limit--;
    }

    return limit;
}


ngx_int_t
ngx_av_text_append(ngx_av_buf_t *b, const u_char *p, size_t len)
{
    size_t         n;
    const u_char  *nul;

    if (ngx_av_buf_reserve(b, len) != NGX_OK) {
        return NGX_ERROR;
    }

    while (len) {
        nul = memchr(p, '\0', len);
        n = nul ? (size_t) (nul - p) : len;

        b->last = ngx_cpymem(b->last, p, n);

        if (nul == NULL) {
            break;
        }

        p += n + 1;
        len -= n + 1;
    }

    return NGX_OK;
}


size_t
ngx_av_text_chars(const u_char *p, size_t len)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {
        n += ((p[i] & 0xc0) != 0x80);
    }

    return n;
}


static ngx_inline uint64_t
ngx_av_text_word(const u_char *p)
{
    uint64_t  word;

    ngx_memcpy(&word, p, sizeof(uint64_t));

    return word;
}


/* One of eight bytes is not ASCII, or is 0 and borrows its top bit. */
static ngx_inline uint64_t
ngx_av_text_not_plain(uint64_t word)
{
    return (word | (word - NGX_AV_TEXT_LOW_BITS)) & NGX_AV_TEXT_HIGH_BITS;
}


ngx_uint_t
ngx_av_text_is_plain(const u_char *p, size_t len)
{
    size_t         i;
    uint64_t       found;
    const u_char  *last;

    found = 0;

    if (len < sizeof(uint64_t)) {

        for (i = 0; i < len; i++) {
            found |= (p[i] == '\0') | (p[i] & 0x80);
        }

        return !found;
    }

    /* the last word overlaps the one before it */

    last = p + len - sizeof(uint64_t);

    for ( /* void */ ; p < last; p += sizeof(uint64_t)) {

        if (ngx_av_text_not_plain(ngx_av_text_word(p))) {
            return 0;
        }
    }

    return !ngx_av_text_not_plain(ngx_av_text_word(last));
}


ngx_uint_t
ngx_av_text_is_blank(const u_char *p, size_t len)
{
    size_t  i;

    /* a NUL will be removed, so it cannot make text of blanks */

    for (i = 0; i < len; i++) {
        if (p[i] != ' ' && p[i] != '\0' && (p[i] < '\t' || p[i] > '\r')) {
            return 0;
        }
    }

    return 1;
}


size_t
ngx_av_text_repair_json(u_char *out, const u_char *p, size_t len)
{
    u_char        *last;
    const u_char  *end;

    last = out;
    end = p + len;

    while (p < end) {

        if (*p >= 0x80) {
            last = ngx_av_text_repair_char(last, &p, end);
            continue;
        }

        if (*p == '\\') {
            last = ngx_av_text_repair_escape(last, &p, end);
            continue;
        }

        *last++ = *p++;
    }

    return last - out;
}


/*
 * An escape begins with a backslash wherever the document is valid; where it
 * is not, the parser will say so.
 */

static u_char *
ngx_av_text_repair_escape(u_char *out, const u_char **pos, const u_char *end)
{
    ngx_uint_t     high, low;
    const u_char  *p;

    p = *pos;
    high = ngx_av_text_escape(p, end);

    if (high == NGX_AV_TEXT_NO_ESCAPE) {

        *out++ = *p++;

        /* what is escaped must not be taken for the start of an escape */

        if (p < end && *p == '\\') {
            *out++ = *p++;
        }

        *pos = p;
        return out;
    }

    *pos = p + NGX_AV_TEXT_ESCAPE_LEN;

    if (high < 0xd800 || high > 0xdfff) {
        return ngx_cpymem(out, p, NGX_AV_TEXT_ESCAPE_LEN);
    }

    low = ngx_av_text_escape(*pos, end);

    if (high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
        *pos += NGX_AV_TEXT_ESCAPE_LEN;
        return ngx_cpymem(out, p, 2 * NGX_AV_TEXT_ESCAPE_LEN);
    }

    return ngx_cpymem(out, "\\ufffd", NGX_AV_TEXT_ESCAPE_LEN);
}


static ngx_uint_t
ngx_av_text_escape(const u_char *p, const u_char *end)
{
    ngx_int_t  value;

    if ((size_t) (end - p) < NGX_AV_TEXT_ESCAPE_LEN
        || p[0] != '\\' || p[1] != 'u')
    {
        return NGX_AV_TEXT_NO_ESCAPE;
    }

    value = ngx_hextoi((u_char *) p + 2, 4);

    return (value == NGX_ERROR) ? NGX_AV_TEXT_NO_ESCAPE : (ngx_uint_t) value;
}


static u_char *
ngx_av_text_repair_char(u_char *out, const u_char **pos, const u_char *end)
{
    size_t         n;
    ngx_uint_t     valid;
    const u_char  *p;

    p = *pos;
    n = ngx_av_text_utf8(p, end, &valid);
    *pos = p + n;

    if (valid) {
        return ngx_cpymem(out, p, n);
    }

    return ngx_cpymem(out, NGX_AV_TEXT_REPLACEMENT,
                      sizeof(NGX_AV_TEXT_REPLACEMENT) - 1);
}


/*
 * The length of the character at p, which is not ASCII, or of what can be
 * read of it: Unicode's "maximal subpart" of an ill-formed sequence, that is
 * the longest prefix some character begins with, and one byte at least.
 */

static size_t
ngx_av_text_utf8(const u_char *p, const u_char *end, ngx_uint_t *valid)
{
    u_char  low, high;
    size_t  i, n;

    *valid = 0;

    if (*p < 0xc2 || *p > 0xf4) {
        return 1;
    }

    n = (*p < 0xe0) ? 2 : (*p < 0xf0) ? 3 : 4;

    /* the second byte tells overlong, surrogate and too large from the rest */

    low = (*p == 0xe0) ? 0xa0 : (*p == 0xf0) ? 0x90 : 0x80;
    high = (*p == 0xed) ? 0x9f : (*p == 0xf4) ? 0x8f : 0xbf;

    for (i = 1; i < n; i++) {

        if (p + i == end || p[i] < low || p[i] > high) {
            return i;
        }

        low = 0x80;
        high = 0xbf;
    }

    *valid = 1;

    return n;
}


size_t
ngx_av_text_valid(const u_char *p, size_t len, size_t *bad)
{
    size_t         n;
    uint64_t       word;
    ngx_uint_t     valid;
    const u_char  *start, *end;

    *bad = 0;

    if (len == 0) {
        return 0;
    }

    start = p;
    end = p + len;

    while (p < end) {

        /* nearly all text is ASCII, and nearly all of that in long runs */

        while ((size_t) (end - p) >= sizeof(uint64_t)) {

            ngx_memcpy(&word, p, sizeof(uint64_t));

            if (word & NGX_AV_TEXT_HIGH_BITS) {
                break;
            }

            p += sizeof(uint64_t);
        }

        while (p < end && *p < 0x80) {
            p++;
        }

        if (p == end) {
            break;
        }

        n = ngx_av_text_utf8(p, end, &valid);

        if (!valid) {
            *bad = n;
            return p - start;
        }

        p += n;
    }

    return len;
}


ngx_int_t
ngx_av_text_append_repaired(ngx_av_buf_t *b, const u_char *p, size_t len)
{
    size_t  n, bad;

    for ( ;; ) {

        n = ngx_av_text_valid(p, len, &bad);

        if (ngx_av_text_append(b, p, n) != NGX_OK) {
            return NGX_ERROR;
        }

        if (bad == 0) {
            return NGX_OK;
        }

        if (ngx_av_buf_append(b, NGX_AV_TEXT_REPLACEMENT,
                              sizeof(NGX_AV_TEXT_REPLACEMENT) - 1)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        p += n + bad;
        len -= n + bad;
    }
}


u_char *
ngx_av_text_int64(u_char *p, int64_t n)
{
    if (n >= 0) {
        return ngx_av_text_uint64(p, (uint64_t) n);
    }

    *p++ = '-';

    return ngx_av_text_uint64(p, -(uint64_t) n);
}


u_char *
ngx_av_text_uint64(u_char *p, uint64_t n)
{
    u_char  *first;
    u_char   digits[NGX_INT64_LEN];

    first = digits + sizeof(digits);

    do {
        *--first = '0' + n % 10;
        n /= 10;
    } while (n);

    return ngx_cpymem(p, first, digits + sizeof(digits) - first);
}
