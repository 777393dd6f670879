#include "ngx_av_json.h"

#include "ngx_av_decimal.h"
#include "ngx_av_text.h"


/* numeric would hold more, but nobody computes with that */
#define NGX_AV_JSON_NUMBER_LEN       400
#define NGX_AV_JSON_NUMBER_EXPONENT  400

#define NGX_AV_JSON_HIGH_BITS        0x8080808080808080ULL

/* the most that one byte becomes: \u001f */
#define NGX_AV_JSON_ESCAPE_LEN       (sizeof("\\u001f") - 1)


static ngx_int_t ngx_av_json_read(ngx_av_json_t *json, u_char *text,
    size_t len, yyjson_read_flag flags, yyjson_read_code *code);
static ngx_int_t ngx_av_json_repair(ngx_av_json_t *json, const u_char *text,
    size_t len);
static ngx_int_t ngx_av_json_take(ngx_av_json_t *json, size_t size);
static void ngx_av_json_give(ngx_av_json_t *json, size_t size);
static void *ngx_av_json_malloc(void *ctx, size_t size);
static void *ngx_av_json_realloc(void *ctx, void *p, size_t old_size,
    size_t size);
static void ngx_av_json_release(void *ctx, void *p);
static ngx_int_t ngx_av_json_write_value(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style, ngx_uint_t depth);
static ngx_int_t ngx_av_json_write_array(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style, ngx_uint_t depth);
static ngx_int_t ngx_av_json_write_object(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style, ngx_uint_t depth);
static ngx_int_t ngx_av_json_write_number(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style);
static ngx_int_t ngx_av_json_write_text(ngx_av_buf_t *b, const u_char *p,
    size_t len, ngx_av_json_style_t *style);
static size_t ngx_av_json_cut(const u_char *p, size_t len,
    ngx_av_json_style_t *style);
static u_char *ngx_av_json_copy_plain(u_char *last, const u_char *p,
    size_t len);
static ngx_int_t ngx_av_json_write_chars(ngx_av_buf_t *b, const u_char *p,
    size_t len);
static u_char *ngx_av_json_escape(u_char *p, u_char c);
static ngx_int_t ngx_av_json_integer(const u_char *p, size_t len,
    uint64_t *value, ngx_uint_t *negative);
static ngx_int_t ngx_av_json_scale(uint64_t *value, int64_t power);


/* what stops the copying of a string: controls, the quote, the backslash */
static const u_char  ngx_av_json_special[256] = {
    [0x00 ... 0x1f] = 1, ['"'] = 1, ['\\'] = 1
};


/* Sixteen bytes at once; the compiler knows how, or does it in pieces. */
typedef int8_t    ngx_av_json_block_t __attribute__((vector_size(16)));
typedef uint64_t  ngx_av_json_words_t __attribute__((vector_size(16)));


/*
 * One of the bytes is such, or is not ASCII: as a signed one that is less than
 * a space, too.
 */

static ngx_inline ngx_uint_t
ngx_av_json_is_special(ngx_av_json_words_t words)
{
    ngx_av_json_block_t  block;

    block = (ngx_av_json_block_t) words;
    words = (ngx_av_json_words_t) ((block < 0x20) | (block == '"')
                                   | (block == '\\'));

    return (words[0] | words[1]) != 0;
}


/*
 * How many of eight bytes come before the first that is special: a byte less
 * than n, or 0, borrows its top bit.
 */

static ngx_inline ngx_uint_t
ngx_av_json_plain(uint64_t word)
{
    uint64_t        quote, backslash, found;
    const uint64_t  each = 0x0101010101010101ULL;

#if !(NGX_HAVE_LITTLE_ENDIAN)
    word = __builtin_bswap64(word);
#endif

    quote = word ^ ('"' * each);
    backslash = word ^ ('\\' * each);

    found = (((word - 0x20 * each) & ~word)
             | ((quote - each) & ~quote)
             | ((backslash - each) & ~backslash)) & NGX_AV_JSON_HIGH_BITS;

    return found ? (ngx_uint_t) __builtin_ctzll(found) / 8 : sizeof(word);
}


static ngx_inline uint64_t
ngx_av_json_word(const u_char *p)
{
    uint64_t  word;

    ngx_memcpy(&word, p, sizeof(uint64_t));

    return word;
}


static ngx_inline uint32_t
ngx_av_json_half(const u_char *p)
{
    uint32_t  half;

    ngx_memcpy(&half, p, sizeof(uint32_t));

    return half;
}


ngx_int_t
ngx_av_json_parse(ngx_av_json_t *json, const u_char *text, size_t len,
    size_t memory_limit)
{
    return ngx_av_json_parse_counted(json, text, len, memory_limit, NULL);
}


ngx_int_t
ngx_av_json_parse_counted(ngx_av_json_t *json, const u_char *text, size_t len,
    size_t memory_limit, ngx_av_memory_t *memory)
{
    ngx_int_t         rc;
    yyjson_read_code  code;

    ngx_memzero(json, sizeof(ngx_av_json_t));

    json->memory = memory;
    json->left = memory_limit;

    if (len == 0) {
        ngx_str_set(&json->error, "the document is empty");
        return NGX_DECLINED;
    }

    /* without YYJSON_READ_INSITU the text is copied, not written to */

    rc = ngx_av_json_read(json, (u_char *) text, len,
                          YYJSON_READ_NUMBER_AS_RAW, &code);

    if (rc == NGX_DECLINED && code == YYJSON_READ_ERROR_INVALID_STRING) {
        return ngx_av_json_repair(json, text, len);
    }

    return rc;
}


static ngx_int_t
ngx_av_json_read(ngx_av_json_t *json, u_char *text, size_t len,
    yyjson_read_flag flags, yyjson_read_code *code)
{
    size_t           left, taken;
    yyjson_alc       alc;
    yyjson_read_err  err;

    alc.malloc = ngx_av_json_malloc;
    alc.realloc = ngx_av_json_realloc;
    alc.free = ngx_av_json_release;
    alc.ctx = json;

    left = json->left;
    taken = json->taken;

    json->doc = yyjson_read_opts((char *) text, len, flags, &alc, &err);

    if (json->doc) {
        json->root = yyjson_doc_get_root(json->doc);
        return NGX_OK;
    }

    /* what it had is free again, though not by its size */

    ngx_av_json_give(json, json->taken - taken);
    json->left = left;

    if (err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        return json->refused ? json->refused : NGX_ERROR;
    }

    *code = err.code;

    if (err.code == YYJSON_READ_ERROR_EMPTY_CONTENT) {
        ngx_str_set(&json->error, "the document is empty");
        return NGX_DECLINED;
    }

    json->error.data = (u_char *) err.msg;
    json->error.len = ngx_strlen(err.msg);
    json->offset = err.pos;

    return NGX_DECLINED;
}


/* The strings of the document lie in the repaired text. */
static ngx_int_t
ngx_av_json_repair(ngx_av_json_t *json, const u_char *text, size_t len)
{
    size_t            n, size;
    u_char           *p;
    ngx_int_t         rc;
    yyjson_read_code  code;

    ngx_str_null(&json->error);
    json->offset = 0;

    if (len > (NGX_MAX_SIZE_T_VALUE - YYJSON_PADDING_SIZE) / 3) {
        return NGX_ERROR;
    }

    /* for a moment that may be more than the limit, which the result is not */

    size = 3 * len + YYJSON_PADDING_SIZE;

    rc = ngx_av_memory_take(json->memory, size);
    if (rc != NGX_OK) {
        return rc;
    }

    json->taken += size;

    json->repaired = malloc(size);
    if (json->repaired == NULL) {
        return NGX_ERROR;
    }

    n = ngx_av_text_repair_json(json->repaired, text, len);

    if (n + YYJSON_PADDING_SIZE > json->left) {
        return NGX_ABORT;
    }

    p = realloc(json->repaired, n + YYJSON_PADDING_SIZE);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_av_json_give(json, 3 * len - n);
    json->left -= n + YYJSON_PADDING_SIZE;

    ngx_memzero(p + n, YYJSON_PADDING_SIZE);

    json->repaired = p;

    return ngx_av_json_read(json, p, n,
                            YYJSON_READ_NUMBER_AS_RAW|YYJSON_READ_INSITU,
                            &code);
}


void
ngx_av_json_free(ngx_av_json_t *json)
{
    yyjson_doc_free(json->doc);
    free(json->repaired);

    ngx_av_json_give(json, json->taken);

    json->doc = NULL;
    json->root = NULL;
    json->repaired = NULL;
}


static ngx_int_t
ngx_av_json_take(ngx_av_json_t *json, size_t size)
{
    json->refused = (size > json->left) ? NGX_ABORT
                                        : ngx_av_memory_take(json->memory,
                                                             size);
    if (json->refused) {
        return json->refused;
    }

    json->left -= size;
    json->taken += size;

    return NGX_OK;
}


static void
ngx_av_json_give(ngx_av_json_t *json, size_t size)
{
    ngx_av_memory_give(json->memory, size);

    json->taken -= size;
}


static void *
ngx_av_json_malloc(void *ctx, size_t size)
{
    return (ngx_av_json_take(ctx, size) == NGX_OK) ? malloc(size) : NULL;
}


static void *
ngx_av_json_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    if (size > old_size && ngx_av_json_take(ctx, size - old_size) != NGX_OK) {
        return NULL;
    }

    return realloc(p, size);
}


/* What is freed counts until the document is, as its size is not told. */

static void
ngx_av_json_release(void *ctx, void *p)
{
    (void) ctx;

    free(p);
}


ngx_int_t
ngx_av_json_write(ngx_av_buf_t *b, yyjson_val *val, ngx_av_json_style_t *style)
{
    size_t     len;
    ngx_int_t  rc;

    len = ngx_av_buf_len(b);

    rc = ngx_av_json_write_value(b, val, style, style->depth);

    if (rc == NGX_DECLINED) {
        b->last = b->start + len;
    }

    return rc;
}


static ngx_int_t
ngx_av_json_write_value(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style, ngx_uint_t depth)
{
    switch (yyjson_get_type(val)) {

    case YYJSON_TYPE_STR:
        return ngx_av_json_write_text(b, (u_char *) yyjson_get_str(val),
                                      yyjson_get_len(val), style);

    case YYJSON_TYPE_RAW:
        return ngx_av_json_write_number(b, val, style);

    case YYJSON_TYPE_BOOL:
        return yyjson_get_bool(val) ? ngx_av_buf_append(b, "true", 4)
                                    : ngx_av_buf_append(b, "false", 5);

    case YYJSON_TYPE_ARR:
        return ngx_av_json_write_array(b, val, style, depth);

    case YYJSON_TYPE_OBJ:
        return ngx_av_json_write_object(b, val, style, depth);

    default: /* YYJSON_TYPE_NULL */
        return ngx_av_buf_append(b, "null", 4);
    }
}


static ngx_int_t
ngx_av_json_write_array(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style, ngx_uint_t depth)
{
    u_char            before;
    ngx_int_t         rc;
    yyjson_val       *item;
    yyjson_arr_iter   iter;

    if (depth == 0) {
        return NGX_DECLINED;
    }

    yyjson_arr_iter_init(val, &iter);

    for (before = '['; (item = yyjson_arr_iter_next(&iter)); before = ',') {

        if (ngx_av_buf_append(b, &before, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_av_json_write_value(b, item, style, depth - 1);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return (before == '[') ? ngx_av_buf_append(b, "[]", 2)
                           : ngx_av_buf_append(b, "]", 1);
}


static ngx_int_t
ngx_av_json_write_object(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style, ngx_uint_t depth)
{
    u_char            before;
    ngx_int_t         rc;
    yyjson_val       *key;
    yyjson_obj_iter   iter;

    if (depth == 0) {
        return NGX_DECLINED;
    }

    yyjson_obj_iter_init(val, &iter);

    for (before = '{'; (key = yyjson_obj_iter_next(&iter)); before = ',') {

        if (ngx_av_buf_append(b, &before, 1) != NGX_OK
            || ngx_av_json_write_value(b, key, style, 0) != NGX_OK
            || ngx_av_buf_append(b, ":", 1) != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_av_json_write_value(b, yyjson_obj_iter_get_val(key), style,
                                     depth - 1);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return (before == '{') ? ngx_av_buf_append(b, "{}", 2)
                           : ngx_av_buf_append(b, "}", 1);
}


static ngx_int_t
ngx_av_json_write_number(ngx_av_buf_t *b, yyjson_val *val,
    ngx_av_json_style_t *style)
{
    size_t                 len;
    const u_char          *p;
    ngx_av_decimal_text_t  text;

    p = (u_char *) yyjson_get_raw(val);
    len = yyjson_get_len(val);

    if (len > NGX_AV_JSON_NUMBER_LEN
        || ngx_av_decimal_scan(p, len, &text) != NGX_OK
        || text.exponent > NGX_AV_JSON_NUMBER_EXPONENT
        || text.exponent < -NGX_AV_JSON_NUMBER_EXPONENT)
    {
        return ngx_av_json_write_text(b, p, len, style);
    }

    return ngx_av_buf_append(b, p, len);
}


static ngx_int_t
ngx_av_json_write_text(ngx_av_buf_t *b, const u_char *p, size_t len,
    ngx_av_json_style_t *style)
{
    if (len > style->string_limit) {
        len = ngx_av_json_cut(p, len, style);
    }

    return ngx_av_json_write_string(b, p, len);
}


/* As ngx_av_text_cut() with the limit meant for what is left without NULs. */
static size_t
ngx_av_json_cut(const u_char *p, size_t len, ngx_av_json_style_t *style)
{
    size_t  i, n, size;

    n = 0;
    size = 0;

    for (i = 0; i < len; i++) {

        if (p[i] != '\0') {
            size++;
        }

        if (size <= style->string_limit) {
            n = i + 1;
        }
    }

    if (n == len) {
        return len;
    }

    style->cut = ngx_max(style->cut, size);

    return ngx_av_text_cut(p, len, n);
}


ngx_int_t
ngx_av_json_write_int(ngx_av_buf_t *b, int64_t n)
{
    if (ngx_av_buf_reserve(b, NGX_INT64_LEN) != NGX_OK) {
        return NGX_ERROR;
    }

    b->last = ngx_av_text_int64(b->last, n);

    return NGX_OK;
}


ngx_int_t
ngx_av_json_write_string(ngx_av_buf_t *b, const u_char *p, size_t len)
{
    /* room for the text as it is and its quotes */

    if (len > NGX_MAX_SIZE_T_VALUE - 2
        || ngx_av_buf_reserve(b, len + 2) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *b->last++ = '"';

    if (ngx_av_json_write_chars(b, p, len) != NGX_OK) {
        return NGX_ERROR;
    }

    *b->last++ = '"';

    return NGX_OK;
}


/*
 * Copies text that JSON has as it is, which is nearly all there is: ASCII
 * without anything special.  NULL if it is not such.  The last piece of a text
 * overlaps the one before it.
 */

static u_char *
ngx_av_json_copy_plain(u_char *last, const u_char *p, size_t len)
{
    size_t               i;
    uint32_t             half[2];
    uint64_t             word[2];
    ngx_av_json_words_t  words;

    if (len >= sizeof(words)) {

        for (i = 0; /* void */ ; i += sizeof(words)) {

            i = ngx_min(i, len - sizeof(words));

            ngx_memcpy(&words, p + i, sizeof(words));
            ngx_memcpy(last + i, &words, sizeof(words));

            if (ngx_av_json_is_special(words)) {
                return NULL;
            }

            if (i + sizeof(words) == len) {
                return last + len;
            }
        }
    }

    if (len >= sizeof(uint64_t)) {
        word[0] = ngx_av_json_word(p);
        word[1] = ngx_av_json_word(p + len - sizeof(uint64_t));

        ngx_memcpy(last, &word[0], sizeof(uint64_t));
        ngx_memcpy(last + len - sizeof(uint64_t), &word[1], sizeof(uint64_t));

        words[0] = word[0];
        words[1] = word[1];

        return ngx_av_json_is_special(words) ? NULL : last + len;
    }

    if (len >= sizeof(uint32_t)) {
        half[0] = ngx_av_json_half(p);
        half[1] = ngx_av_json_half(p + len - sizeof(uint32_t));

        ngx_memcpy(last, &half[0], sizeof(uint32_t));
        ngx_memcpy(last + len - sizeof(uint32_t), &half[1], sizeof(uint32_t));

        words[0] = (uint64_t) half[0] << 32 | half[1];
        words[1] = words[0];

        return ngx_av_json_is_special(words) ? NULL : last + len;
    }

    for (i = 0; i < len; i++) {
        if (ngx_av_json_special[p[i]] | (p[i] & 0x80)) {
            return NULL;
        }

        last[i] = p[i];
    }

    return last + len;
}


u_char *
ngx_av_json_put_plain(u_char *last, const u_char *p, size_t len)
{
    *last++ = '"';

    last = ngx_av_json_copy_plain(last, p, len);

    if (last) {
        *last++ = '"';
    }

    return last;
}


ngx_int_t
ngx_av_json_write_bytes(ngx_av_buf_t *b, const u_char *p, size_t len)
{
    size_t   n, bad;
    u_char  *last;

    if (len > NGX_MAX_SIZE_T_VALUE - 2
        || ngx_av_buf_reserve(b, len + 2) != NGX_OK)
    {
        return NGX_ERROR;
    }

    last = ngx_av_json_put_plain(b->last, p, len);

    if (last) {
        b->last = last;
        return NGX_OK;
    }

    n = ngx_av_text_valid(p, len, &bad);

    if (bad == 0) {
        return ngx_av_json_write_string(b, p, len);
    }

    if (ngx_av_buf_append(b, "\"", 1) != NGX_OK) {
        return NGX_ERROR;
    }

    for ( ;; ) {

        if (ngx_av_json_write_chars(b, p, n) != NGX_OK) {
            return NGX_ERROR;
        }

        if (bad == 0) {
            break;
        }

        if (ngx_av_buf_append(b, NGX_AV_TEXT_REPLACEMENT,
                              sizeof(NGX_AV_TEXT_REPLACEMENT) - 1)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        p += n + bad;
        len -= n + bad;

        n = ngx_av_text_valid(p, len, &bad);
    }

    return ngx_av_buf_append(b, "\"", 1);
}


/*
 * Writes what is between the quotes, and leaves room for the closing one.
 */

static ngx_int_t
ngx_av_json_write_chars(ngx_av_buf_t *b, const u_char *p, size_t len)
{
    u_char        *last;
    ngx_uint_t     n;
    const u_char  *end;

    /* An escape asks for room of its own, for few strings have any. */

    if (len == NGX_MAX_SIZE_T_VALUE
        || ngx_av_buf_reserve(b, len + 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (len == 0) {
        return NGX_OK;
    }

    end = p + len;
    last = b->last;

    for ( ;; ) {

        n = sizeof(uint64_t);

        while (n == sizeof(uint64_t) && end - p >= (ptrdiff_t) n) {
            ngx_memcpy(last, p, sizeof(uint64_t));

            n = ngx_av_json_plain(ngx_av_json_word(p));
            last += n;
            p += n;
        }

        while (p < end && !ngx_av_json_special[*p]) {
            *last++ = *p++;
        }

        b->last = last;

        if (p == end) {
            return NGX_OK;
        }

        /* the closing quote is counted in place of the character escaped */

        if (ngx_av_buf_reserve(b, NGX_AV_JSON_ESCAPE_LEN + (end - p))
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        last = ngx_av_json_escape(b->last, *p++);
    }
}


static u_char *
ngx_av_json_escape(u_char *p, u_char c)
{
    static const u_char  hex[] = "0123456789abcdef";
    static const u_char  letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
    };

    if (c == '\0') {
        return p;
    }

    *p++ = '\\';

    if (c == '"' || c == '\\') {
        *p++ = c;
        return p;
    }

    if (letters[c]) {
        *p++ = letters[c];
        return p;
    }

    *p++ = 'u';
    *p++ = '0';
    *p++ = '0';
    *p++ = hex[c >> 4];
    *p++ = hex[c & 0xf];

    return p;
}


ngx_int_t
ngx_av_json_int64(const u_char *p, size_t len, int64_t *n)
{
    uint64_t    value;
    ngx_uint_t  negative;

    if (ngx_av_json_integer(p, len, &value, &negative) != NGX_OK
        || value > (uint64_t) INT64_MAX + negative)
    {
        return NGX_DECLINED;
    }

    *n = negative ? (int64_t) -value : (int64_t) value;

    return NGX_OK;
}


ngx_int_t
ngx_av_json_uint64(const u_char *p, size_t len, uint64_t *n)
{
    uint64_t    value;
    ngx_uint_t  negative;

    if (ngx_av_json_integer(p, len, &value, &negative) != NGX_OK
        || (negative && value != 0))
    {
        return NGX_DECLINED;
    }

    *n = value;

    return NGX_OK;
}


static ngx_int_t
ngx_av_json_integer(const u_char *p, size_t len, uint64_t *value,
    ngx_uint_t *negative)
{
    size_t                 i;
    int64_t                zeros;
    ngx_uint_t             digit;
    ngx_av_decimal_text_t  text;

    if (ngx_av_decimal_scan(p, len, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    /*
     * The value is taken without its trailing zeros, which count as exponent:
     * 5.0 and 50e-1 are integers, and only they outweigh a negative one.
     */

    *value = 0;
    *negative = text.negative;

    zeros = 0;

    for (i = 0; i < text.integer_len + text.fraction_len; i++) {

        digit = ngx_av_decimal_digit(&text, i);

        if (digit == 0) {
            zeros++;
            continue;
        }

        if (ngx_av_json_scale(value, zeros + 1) != NGX_OK
            || __builtin_add_overflow(*value, digit, value))
        {
            return NGX_DECLINED;
        }

        zeros = 0;
    }

    zeros += text.exponent - (int64_t) text.fraction_len;

    return ngx_av_json_scale(value, zeros);
}


/* value *= 10^power, if that is an integer which fits. */
static ngx_int_t
ngx_av_json_scale(uint64_t *value, int64_t power)
{
    if (*value == 0) {
        return NGX_OK;
    }

    if (power < 0) {
        return NGX_DECLINED;
    }

    for ( /* void */ ; power > 0; power--) {
        if (__builtin_mul_overflow(*value, (uint64_t) 10, value)) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}
