/*
 * Random batches, written in random ways, against what their maker knows must
 * come of them.  Shares no code with the decoder but the reading of columns.
 */

#include "ngx_av_batch_check.h"
#include "ngx_av_stub.h"
#include "ngx_av_tap.h"


#define ROUNDS      1000
#define TEXT        4096
#define DEPTH       6

/* 2026-10-23T12:00:01.5Z */
#define NOW         1792756801500000000LL

#define random(n)   (ngx_av_stub_random() % (n))
#define chance(n)   (random(n) == 0)

#define COUNT(a)    (sizeof(a) / sizeof(a[0]))


/* What a field must come to. */
typedef struct {
    char          cell[TEXT];   /* "NULL" if it is absent */
    ngx_uint_t    known;
    int64_t       number;
    __int128      units;        /* of 10^-18 */
    ngx_uint_t    scale;
} made_t;


typedef struct {
    const char   *name;
    const char   *alias;
    void        (*make)(made_t *made, char *json, ngx_uint_t *bad);
    ngx_uint_t    required;
    ngx_uint_t    column;
} field_t;


typedef struct {
    made_t        fields[20];
    int64_t       ordinal;
} span_t;


typedef struct {
    made_t        fields[20];
    char          agent[TEXT];
    ngx_uint_t    bad;
    char          path[128];    /* what the error begins with */
    span_t       *rows[100];
    ngx_uint_t    nfirst;       /* rows of the first part */
    ngx_uint_t    nrows;        /* of both */
} trace_t;


static char          body[4 * 1024 * 1024];
static char         *last;
static span_t        spans[100];
static trace_t       traces[20];
static ngx_uint_t    ntraces;
static ngx_uint_t    nspans;
static made_t       *header;    /* of the trace being made */
static char          known_ids[8][40];


/* Blanks where JSON allows them. */

static void
put_blank(void)
{
    static const char *const  blanks[] = { "", "", "", "", " ", "\n\t", "\r" };

    last = stpcpy(last, blanks[random(COUNT(blanks))]);
}


static void
put_char(char **text, char **json, uint32_t c)
{
    char        utf8[5];
    ngx_uint_t  n;

    n = 0;

    if (c < 0x80) {
        utf8[n++] = c;

    } else if (c < 0x800) {
        utf8[n++] = 0xc0 | c >> 6;
        utf8[n++] = 0x80 | (c & 0x3f);

    } else if (c < 0x10000) {
        utf8[n++] = 0xe0 | c >> 12;
        utf8[n++] = 0x80 | (c >> 6 & 0x3f);
        utf8[n++] = 0x80 | (c & 0x3f);

    } else {
        utf8[n++] = 0xf0 | c >> 18;
        utf8[n++] = 0x80 | (c >> 12 & 0x3f);
        utf8[n++] = 0x80 | (c >> 6 & 0x3f);
        utf8[n++] = 0x80 | (c & 0x3f);
    }

    utf8[n] = '\0';

    if (c) {
        *text = stpcpy(*text, utf8);
    }

    if (c == '"' || c == '\\') {
        *json += sprintf(*json, chance(2) ? "\\%c" : "\\u%04x", (int) c);

    } else if (c < 0x20 || chance(8)) {

        if (c >= 0x10000) {
            c -= 0x10000;
            *json += sprintf(*json, "\\u%04x", (int) (0xd800 + (c >> 10)));
            c = 0xdc00 + (c & 0x3ff);
        }

        *json += sprintf(*json, chance(2) ? "\\u%04x" : "\\u%04X", (int) c);

    } else {
        *json = stpcpy(*json, utf8);
    }
}


/* Text, and a JSON string of it; NULs are in the latter only. */

static void
make_string(char *text, char *json, ngx_uint_t max)
{
    uint32_t    c;
    ngx_uint_t  n;

    *json++ = '"';
    *text = '\0';

    for (n = random(max + 1); n; n--) {

        switch (random(12)) {
        case 0:
            c = random(0x20);
            break;
        case 1:
            c = random(0x10ffff + 1);
            break;
        case 2:
            c = 0x80 + random(0x800);
            break;
        case 3:
            c = "\"\\/\x7f"[random(4)];
            break;
        default:
            c = 'a' + random(26);
        }

        if (c >= 0xd800 && c <= 0xdfff) {
            c = 0xfffd;
        }

        put_char(&text, &json, c);
    }

    *json++ = '"';
    *json = '\0';
}


static void
make_text(made_t *made, char *json, ngx_uint_t *bad)
{
    static const char *const  wrong[] = { "1", "true", "[]", "{}", "-0.5" };

    if (chance(100)) {
        strcpy(json, wrong[random(COUNT(wrong))]);
        *bad = 1;
        return;
    }

    make_string(made->cell, json, 40);
}


static ngx_uint_t
is_blank(const char *p)
{
    return strspn(p, " \t\n\v\f\r") == strlen(p);
}


static void
make_label(made_t *made, char *json, ngx_uint_t *bad)
{
    make_text(made, json, bad);

    if (!*bad && is_blank(made->cell)) {
        *bad = 1;
    }
}


static void
make_agent(made_t *made, char *json, ngx_uint_t *bad)
{
    ngx_uint_t  n;

    static const char *const  names[] = { "a", "b c", "d\"", " " };

    if (chance(2)) {
        make_label(made, json, bad);
        return;
    }

    n = random(chance(50) ? 4 : 3);
    strcpy(made->cell, names[n]);
    strcpy(json, n == 2 ? "\"d\\\"\"" : n == 1 ? "\"b c\\u0000\""
                 : n ? "\" \"" : "\"a\"");

    if (n == 3) {
        *bad = 1;
    }
}


static void
make_id(char *cell, char *json)
{
    int         upper, hyphens;
    ngx_uint_t  i;

    upper = chance(4);
    hyphens = !chance(4);

    *json++ = '"';

    for (i = 0; i < 32; i++) {

        if (i == 8 || i == 12 || i == 16 || i == 20) {
            *cell++ = '-';

            if (hyphens) {
                *json++ = '-';
            }
        }

        *cell = "0123456789abcdef"[random(16)];
        *json++ = upper ? toupper(*cell) : *cell;
        cell++;
    }

    *cell = '\0';
    strcpy(json, "\"");
}


static void
make_uuid(made_t *made, char *json, ngx_uint_t *bad)
{
    ngx_uint_t  i;

    make_id(made->cell, json);

    if (chance(100)) {
        *bad = 1;
        json[1 + random(20)] = 'g';
        return;
    }

    /* so that some come again */

    i = random(COUNT(known_ids));

    if (chance(4) && known_ids[i][0]) {
        strcpy(made->cell, known_ids[i]);
        sprintf(json, "\"%s\"", known_ids[i]);
        return;
    }

    strcpy(known_ids[i], made->cell);
}


/* In a span: the header's, or none. */

static void
make_trace_id(made_t *made, char *json, ngx_uint_t *bad)
{
    if (chance(50)) {
        make_id(made->cell, json);
        *bad = 1;
        return;
    }

    strcpy(made->cell, header[0].cell);
    sprintf(json, "\"%s\"", made->cell);
}


static void
make_instant(made_t *made, char *json, int64_t t)
{
    char        fraction[16];
    int         digits, offset, ns;
    int64_t     seconds;
    time_t      local;
    struct tm   tm;

    digits = random(10);

    seconds = t / 1000000000;
    ns = t % 1000000000;

    sprintf(fraction, "%09d", ns);

    for (ns = digits; ns < 9; ns++) {
        fraction[ns] = '0';
    }

    ns = atoi(fraction);
    made->number = seconds * 1000000000 + ns;

    gmtime_r(&seconds, &tm);
    strftime(made->cell, TEXT, "%Y-%m-%dT%H:%M:%S", &tm);

    if (ns / 1000 % 1000) {
        sprintf(made->cell + 19, ".%06d", ns / 1000);

    } else if (ns / 1000) {
        sprintf(made->cell + 19, ".%03d", ns / 1000000);
    }

    strcat(made->cell, "Z");

    offset = chance(3) ? (int) random(2 * 1439) - 1439 : 0;
    local = seconds + offset * 60;

    gmtime_r(&local, &tm);
    json += strftime(json, TEXT, chance(8) ? "\"%Y-%m-%d %H:%M:%S"
                                           : "\"%Y-%m-%dT%H:%M:%S", &tm);

    if (digits) {
        json += sprintf(json, ".%.*s", digits, fraction);
    }

    if (offset) {
        sprintf(json, "%c%02d:%02d\"", offset < 0 ? '-' : '+',
                abs(offset) / 60, abs(offset) % 60);

    } else {
        strcpy(json, chance(3) ? "\"" : chance(2) ? "+00:00\"" : "Z\"");
    }
}


static void
make_start(made_t *made, char *json, ngx_uint_t *bad)
{
    int64_t  t;

    t = NOW - 20 * NGX_AV_TIME_DAY + random(21 * NGX_AV_TIME_DAY);

    if (chance(100)) {
        *bad = 1;
        t += 100 * NGX_AV_TIME_DAY;
    }

    make_instant(made, json, t);
}


static void
make_end(made_t *made, char *json, ngx_uint_t *bad)
{
    static const char *const  wrong[] = {
        "1792756801", "\"\"", "\"now\"", "\"2026-13-01T00:00:00Z\"", "[]"
    };

    if (chance(100)) {
        *bad = 1;
        strcpy(json, wrong[random(COUNT(wrong))]);
        return;
    }

    make_instant(made, json, chance(10) ? random(5000000000LL) * 1000000000
                                        : NOW - random(NGX_AV_TIME_DAY));
}


static void
make_integer(made_t *made, char *json, ngx_uint_t *bad, int64_t max)
{
    int64_t  n;

    static const char *const  wrong[] = {
        "-1", "0.5", "\"1\"", "true", "{}", "99999999999999999999", "1e19",
        "-1e-1", "9223372036854775807"
    };

    if (chance(100)) {
        *bad = 1;
        strcpy(json, wrong[random(COUNT(wrong))]);
        return;
    }

    n = chance(20) ? max : chance(10) ? 0 : (int64_t) random(1000000);

    made->number = n;
    sprintf(made->cell, "%lld", (long long) n);

    switch (n ? random(8) : 3) {
    case 0:
        sprintf(json, "%lld.000", (long long) n);
        break;
    case 1:
        sprintf(json, "%llde0", (long long) n);
        break;
    case 2:
        sprintf(json, "%lld0E-1", (long long) n);
        break;
    default:
        sprintf(json, "%lld", (long long) n);
    }
}


static void
make_count(made_t *made, char *json, ngx_uint_t *bad)
{
    make_integer(made, json, bad, 9007199254740991LL);
}


static void
make_msec(made_t *made, char *json, ngx_uint_t *bad)
{
    make_integer(made, json, bad, 9223372036854LL);

    made->number *= 1000000;
    sprintf(made->cell, "%lld", (long long) made->number);
}


static void
print_units(char *cell, __int128 units, ngx_uint_t scale)
{
    long long  frac;
    char       digits[32];

    frac = units % 1000000000000000000LL;
    cell += sprintf(cell, "%lld", (long long) (units / 1000000000000000000LL));

    sprintf(digits, "%018lld", frac);

    if (scale) {
        sprintf(cell, ".%.*s", (int) scale, digits);
    }
}


static void
make_money(made_t *made, char *json, ngx_uint_t *bad)
{
    int         quoted;
    ngx_uint_t  i;

    static const char *const  wrong[] = {
        "-1", "\"\"", "\"1,5\"", "true", "1e12", "\"-0.000001\"", "[]"
    };

    if (chance(100)) {
        *bad = 1;
        strcpy(json, wrong[random(COUNT(wrong))]);
        return;
    }

    made->scale = random(19);
    made->units = chance(10) ? 999999999999LL : random(100);

    for (i = 0; i < 18; i++) {
        made->units = made->units * 10 + (i < made->scale ? random(10) : 0);
    }

    print_units(made->cell, made->units, made->scale);

    quoted = chance(2);
    sprintf(json, "%s%s%s%s", quoted ? "\"" : "", made->cell,
            chance(4) ? "e0" : "", quoted ? "\"" : "");
}


static void
make_bool(made_t *made, char *json, ngx_uint_t *bad)
{
    static const char *const  wrong[] = { "0", "1", "\"true\"", "[]" };

    if (chance(100)) {
        *bad = 1;
        strcpy(json, wrong[random(COUNT(wrong))]);
        return;
    }

    made->number = random(2);
    strcpy(made->cell, made->number ? "t" : "f");
    strcpy(json, made->number ? "true" : "false");
}


static void
make_status(made_t *made, char *json, ngx_uint_t *bad)
{
    static const char *const  words[] = {
        "running", "completed", "failed", "timed_out", "Failed", "", "ok"
    };

    made->number = random(chance(50) ? 7 : 4);
    sprintf(made->cell, "%d", (int) made->number);
    sprintf(json, "\"%s\"", words[made->number]);

    *bad = (made->number > 3);
}


/* An unknown one leaves its text in cell, and -1. */

static void
make_type(made_t *made, char *json, ngx_uint_t *bad)
{
    static const char *const  words[] = {
        "custom", "agent", "llm", "tool", "http", "db"
    };

    if (chance(8)) {
        make_text(made, json, bad);
        made->number = -1;
        return;
    }

    made->number = chance(2) ? 2 : random(6);
    sprintf(made->cell, "%d", (int) made->number);
    sprintf(json, "\"%s\"", words[made->number]);
}


/* A canonical JSON string of text. */

static char *
put_quoted(char *p, const char *text)
{
    *p++ = '"';

    for ( /* void */ ; *text; text++) {

        if (*text == '"' || *text == '\\') {
            *p++ = '\\';
            *p++ = *text;

        } else if ((u_char) *text >= 0x20) {
            *p++ = *text;

        } else if (*text && strchr("\b\t\n\f\r", *text)) {
            *p++ = '\\';
            *p++ = "btn fr"[*text - '\b'];

        } else {
            p += sprintf(p, "\\u%04x", *text);
        }
    }

    *p++ = '"';
    *p = '\0';

    return p;
}


static void
make_value(char **cell, char **json, ngx_uint_t depth)
{
    char        text[TEXT], end, comma[4];
    ngx_uint_t  n, object;

    static const char *const  scalars[] = {
        "true", "false", "null", "0", "-0", "1.50", "1E+5", "-2.5e-300",
        "123456789012345678901234567890"
    };

    n = random(depth ? 8 : 4);

    if (n < 2) {
        *json = stpcpy(*json, scalars[random(COUNT(scalars))]);
        /* the same again: find its start */
        return;
    }

    if (n < 4) {
        make_string(text, *json, 20);
        *json += strlen(*json);
        *cell = put_quoted(*cell, text);
        return;
    }

    object = (n < 6);
    end = object ? '}' : ']';
    comma[0] = '\0';

    *(*cell)++ = *(*json)++ = object ? '{' : '[';

    for (n = random(4); n; n--) {

        *json += sprintf(*json, "%s%s", comma, chance(3) ? "\n " : "");
        *cell = stpcpy(*cell, comma);
        strcpy(comma, ",");

        if (object) {
            make_string(text, *json, 6);
            *json += strlen(*json);
            *cell = put_quoted(*cell, text);

            *json = stpcpy(*json, chance(3) ? " : " : ":");
            *cell = stpcpy(*cell, ":");
        }

        {
            char  *before = *json, *written = *cell;

            make_value(cell, json, depth - 1);

            if (*cell == written) {
                *cell = stpcpy(*cell, before);
            }
        }
    }

    *(*cell)++ = *(*json)++ = end;
    **cell = **json = '\0';
}


static void
make_json(made_t *made, char *json, ngx_uint_t *bad)
{
    char  *cell, *start;

    (void) bad;

    cell = made->cell;
    start = json;

    do {
        json = start;
        make_value(&cell, &json, DEPTH - 1);

        if (cell == made->cell) {
            cell = stpcpy(cell, start);
        }

        /* a null would be none */

    } while (strcmp(made->cell, "null") == 0 && (cell = made->cell));
}


static void
make_object(made_t *made, char *json, ngx_uint_t *bad)
{
    char  *cell, *p;

    static const char *const  wrong[] = { "[]", "\"{}\"", "0", "true" };

    if (chance(100)) {
        *bad = 1;
        strcpy(json, wrong[random(COUNT(wrong))]);
        return;
    }

    do {
        cell = made->cell;
        p = json;
        make_value(&cell, &p, DEPTH - 1);
    } while (cell == made->cell || made->cell[0] != '{');
}


static const field_t  header_fields[] = {
    { "trace_id", NULL, make_uuid, 1, NGX_AV_TRACE_ID },
    { "agent", "agent_name", make_agent, 1, NGX_AV_TRACE_NCOLUMNS },
    { "status", NULL, make_status, 0, NGX_AV_TRACE_STATUS },
    { "started_at", NULL, make_start, 1, NGX_AV_TRACE_STARTED_AT },
    { "ended_at", NULL, make_end, 0, NGX_AV_TRACE_ENDED_AT },
    { "duration_ms", NULL, make_msec, 0, NGX_AV_TRACE_DURATION },
    { "success", NULL, make_bool, 0, NGX_AV_TRACE_SUCCESS },
    { "outcome", NULL, make_text, 0, NGX_AV_TRACE_OUTCOME },
    { "total_tokens", NULL, make_count, 0, NGX_AV_TRACE_TOTAL_TOKENS },
    { "total_cost_usd", NULL, make_money, 0, NGX_AV_TRACE_TOTAL_COST },
    { "error_message", NULL, make_text, 0, NGX_AV_TRACE_ERROR_MESSAGE },
    { "metadata", "attributes", make_object, 0, NGX_AV_TRACE_METADATA }
};


enum {
    SPAN_ID = 0, SPAN_TRACE_ID, SPAN_PARENT, SPAN_TYPE, SPAN_NAME, SPAN_STATUS,
    SPAN_START, SPAN_END, SPAN_DURATION, SPAN_MODEL, SPAN_INPUT_TOKENS,
    SPAN_OUTPUT_TOKENS, SPAN_TOTAL_TOKENS, SPAN_COST, SPAN_ERROR, SPAN_INPUT,
    SPAN_OUTPUT, SPAN_METADATA
};


static const field_t  span_fields[] = {
    { "span_id", NULL, make_uuid, 1, NGX_AV_SPAN_ID },
    { "trace_id", NULL, make_trace_id, 0, NGX_AV_SPAN_TRACE_ID },
    { "parent_span_id", NULL, make_uuid, 0, NGX_AV_SPAN_PARENT_ID },
    { "type", NULL, make_type, 0, NGX_AV_SPAN_TYPE },
    { "name", NULL, make_label, 1, NGX_AV_SPAN_NAME },
    { "status", NULL, make_status, 0, NGX_AV_SPAN_STATUS },
    { "started_at", NULL, make_start, 1, NGX_AV_SPAN_STARTED_AT },
    { "ended_at", NULL, make_end, 0, NGX_AV_SPAN_ENDED_AT },
    { "duration_ms", NULL, make_msec, 0, NGX_AV_SPAN_DURATION },
    { "model", NULL, make_text, 0, NGX_AV_SPAN_MODEL },
    { "input_tokens", NULL, make_count, 0, NGX_AV_SPAN_INPUT_TOKENS },
    { "output_tokens", NULL, make_count, 0, NGX_AV_SPAN_OUTPUT_TOKENS },
    { "total_tokens", NULL, make_count, 0, NGX_AV_SPAN_TOTAL_TOKENS },
    { "cost_usd", NULL, make_money, 0, NGX_AV_SPAN_COST },
    { "error_message", NULL, make_text, 0, NGX_AV_SPAN_ERROR_MESSAGE },
    { "input", NULL, make_json, 0, NGX_AV_SPAN_INPUT },
    { "output", NULL, make_json, 0, NGX_AV_SPAN_OUTPUT },
    { "metadata", "attributes", make_object, 0, NGX_AV_SPAN_METADATA }
};


static void
put_member(const char *name, const char *json, ngx_uint_t *n)
{
    if ((*n)++) {
        *last++ = ',';
    }

    put_blank();
    last += sprintf(last, "\"%s\"", name);
    put_blank();
    *last++ = ':';
    put_blank();
    last = stpcpy(last, json);
    put_blank();
}


/*
 * An object with its fields in any order; the number of the first bad one, in
 * the order of the table, or n, and the name it has.
 */

static ngx_uint_t
make_fields(const field_t *fields, ngx_uint_t n, made_t *made,
    const char **name)
{
    ngx_uint_t          i, j, k, bad, first, order[20], written;
    const char         *names[20];
    static made_t       scrap;
    static char         json[20][TEXT], junk[TEXT];

    static const char *const  unknown[] = {
        "x", "Status", "spanid", "total", "tokens_total", "metadatas",
        "a_much_longer_name_than_any", ""
    };

    first = n;

    for (i = 0; i < n; i++) {

        bad = 0;
        names[i] = fields[i].name;
        json[i][0] = '\0';
        ngx_memzero(&made[i], sizeof(made_t));

        if (chance(fields[i].required ? 100 : 2)) {
            strcpy(json[i], chance(4) ? "null" : "");
            bad = fields[i].required;
            strcpy(made[i].cell, "NULL");

        } else {
            fields[i].make(&made[i], json[i], &bad);
            made[i].known = 1;

            if (fields[i].alias && chance(4)) {
                names[i] = fields[i].alias;
            }
        }

        if (bad && first == n) {
            first = i;
            *name = names[i];
        }

        order[i] = i;
    }

    for (i = n - 1; i > 0; i--) {
        j = random(i + 1);
        k = order[i];
        order[i] = order[j];
        order[j] = k;
    }

    *last++ = '{';
    written = 0;

    for (i = 0; i < n; i++) {

        if (chance(20)) {
            bad = 0;
            make_object(&scrap, junk, &bad);
            put_member(unknown[random(COUNT(unknown))], junk, &written);
        }

        k = order[i];

        if (json[k][0] == '\0') {
            continue;
        }

        /* an earlier value, of another field's kind, does not count */

        if (chance(30)) {
            j = random(n);
            put_member(names[k], json[j][0] ? json[j] : "7", &written);
        }

        put_member(names[k], json[k], &written);
    }

    *last++ = '}';

    return first;
}


static void
derive(made_t *start, made_t *end, made_t *duration, made_t *status)
{
    int64_t  ns;

    if (!status->known) {
        status->known = 1;
        status->number = 1;
        strcpy(status->cell, "1");
    }

    if (end->known && !duration->known) {
        ns = end->number - start->number;
        sprintf(duration->cell, "%lld", (long long) (ns > 0 ? ns : 0));
    }
}


static void
derive_span(made_t *f)
{
    char     merged[TEXT + 64], *p;
    made_t  *type, *metadata, *total;

    derive(&f[SPAN_START], &f[SPAN_END], &f[SPAN_DURATION], &f[SPAN_STATUS]);

    strcpy(f[SPAN_TRACE_ID].cell, header[0].cell);

    total = &f[SPAN_TOTAL_TOKENS];

    if (!total->known
        && (f[SPAN_INPUT_TOKENS].known || f[SPAN_OUTPUT_TOKENS].known))
    {
        total->known = 1;
        total->number = f[SPAN_INPUT_TOKENS].number
                        + f[SPAN_OUTPUT_TOKENS].number;
        sprintf(total->cell, "%lld", (long long) total->number);
    }

    type = &f[SPAN_TYPE];
    metadata = &f[SPAN_METADATA];

    if (!type->known) {
        strcpy(type->cell, "0");
    }

    if (type->known && type->number == -1) {
        p = stpcpy(merged, "{\"agentvista.original_type\":");
        p = put_quoted(p, type->cell);

        if (metadata->known && strcmp(metadata->cell, "{}")) {
            sprintf(p, ",%s", metadata->cell + 1);

        } else {
            strcpy(p, "}");
        }

        strcpy(metadata->cell, merged);
        strcpy(type->cell, "0");
    }
}


static void
make_spans(trace_t *trace, ngx_uint_t element, ngx_uint_t n)
{
    span_t       *span, *later[100];
    ngx_uint_t    i, j, bad, running, repeated, nlater;
    const char   *name;

    nlater = 0;

    for (i = 0; i < n; i++) {
        span = &spans[nspans];
        span->ordinal = NOW / 1000 + nspans++;

        if (i) {
            *last++ = ',';
        }

        bad = make_fields(span_fields, COUNT(span_fields), span->fields,
                          &name);

        if (bad < COUNT(span_fields)) {

            if (!trace->bad) {
                trace->bad = 1;
                sprintf(trace->path, "traces[%lu].spans[%lu].%s: ", element, i,
                        name);
            }

            continue;
        }

        derive_span(span->fields);

        running = (span->fields[SPAN_STATUS].number == 0);
        repeated = 0;

        for (j = 0; j < trace->nrows + nlater; j++) {
            span_t  *old = (j < trace->nrows) ? trace->rows[j]
                                              : later[j - trace->nrows];

            if (strcmp(old->fields[0].cell, span->fields[0].cell) == 0) {
                repeated |= 1;
                repeated |= ((old->fields[SPAN_STATUS].number == 0) == running)
                            ? 2 : 0;
            }
        }

        if (repeated == 0) {
            trace->rows[trace->nrows++] = span;

        } else if (repeated == 1) {
            later[nlater++] = span;
        }
    }

    trace->nfirst = trace->nrows;

    for (i = 0; i < nlater; i++) {
        trace->rows[trace->nrows++] = later[i];
    }
}


static void
make_batch(void)
{
    trace_t      *trace;
    ngx_uint_t    i, bad;
    const char   *name;

    last = body;
    nspans = 0;
    ntraces = random(COUNT(traces));

    put_blank();
    *last++ = '{';
    last = stpcpy(last, chance(10) ? "\"version\":[1,{}],\"traces\":["
                                   : "\"traces\":[");

    for (i = 0; i < ntraces; i++) {

        if (i) {
            *last++ = ',';
        }

        put_blank();

        trace = &traces[i];
        ngx_memzero(trace, sizeof(trace_t));
        header = trace->fields;

        last = stpcpy(last, "{\"trace\":");
        bad = make_fields(header_fields, COUNT(header_fields), header, &name);

        if (bad < COUNT(header_fields)) {
            trace->bad = 1;
            sprintf(trace->path, "traces[%lu].trace.%s: ", i, name);

        } else {
            derive(&header[3], &header[4], &header[5], &header[2]);
        }

        last = stpcpy(last, ",\"spans\":[");
        make_spans(trace, i, random(6));
        last = stpcpy(last, "]}");
    }

    last = stpcpy(last, "]}");
    put_blank();
}


static ngx_uint_t
differs(const char *got, const char *expected, const char *what,
    ngx_uint_t element)
{
    if (strcmp(got, expected) == 0) {
        return 0;
    }

    ngx_av_tap_diag("traces[%lu] %s: got %s, expected %s", element, what, got,
                    expected);

    return 1;
}


static ngx_uint_t
check_span(ngx_av_batch_t *batch, ngx_uint_t row, ngx_uint_t element,
    span_t *span)
{
    char         ordinal[32];
    ngx_uint_t   i, bad;
    const char  *got;

    bad = 0;

    for (i = 0; i < COUNT(span_fields); i++) {
        got = ngx_av_batch_span_cell(batch, row, span_fields[i].column, NULL);
        bad += differs(got, span->fields[i].cell, span_fields[i].name,
                       element);
    }

    sprintf(ordinal, "%lld", (long long) span->ordinal);
    got = ngx_av_batch_span_cell(batch, row, NGX_AV_SPAN_ORDINAL, NULL);
    bad += differs(got, ordinal, "ordinal", element);

    got = ngx_av_batch_span_cell(batch, row, NGX_AV_SPAN_TRUNCATED, NULL);

    return bad + differs(got, "NULL", "truncated", element);
}


static ngx_uint_t
check_header(ngx_av_batch_t *batch, ngx_uint_t row, ngx_uint_t element,
    trace_t *trace, span_t **rows, ngx_uint_t n)
{
    char                   text[64];
    int64_t                tokens;
    __int128               cost;
    ngx_uint_t             i, bad, scale, has_tokens, has_cost;
    const char            *got;
    const u_char          *id;
    ngx_av_batch_ref_t  *agent;

    bad = 0;

    for (i = 0; i < COUNT(header_fields); i++) {
        if (header_fields[i].column < NGX_AV_TRACE_NCOLUMNS) {
            got = ngx_av_batch_trace_cell(batch, row, header_fields[i].column,
                                          NULL);
            bad += differs(got, trace->fields[i].cell, header_fields[i].name,
                           element);
        }
    }

    id = batch->traces[NGX_AV_TRACE_AGENT_ID].start + 20 * row + 4;
    agent = batch->refs[NGX_AV_REF_AGENT].elts;

    for (i = 0; i < batch->refs[NGX_AV_REF_AGENT].nelts; i++) {
        if (ngx_memcmp(&agent[i].id, id, 16) == 0) {
            break;
        }
    }

    if (i == batch->refs[NGX_AV_REF_AGENT].nelts
        || agent[i].doc.len != strlen(trace->fields[1].cell)
        || ngx_memcmp(agent[i].doc.data, trace->fields[1].cell,
                      agent[i].doc.len))
    {
        bad += differs("another", trace->fields[1].cell, "agent", element);
    }

    tokens = 0;
    cost = 0;
    scale = 0;
    has_tokens = 0;
    has_cost = 0;

    for (i = 0; i < n; i++) {

        if (strcmp(rows[i]->fields[SPAN_TYPE].cell, "2") != 0) {
            continue;
        }

        if (rows[i]->fields[SPAN_TOTAL_TOKENS].known) {
            has_tokens = 1;
            tokens += rows[i]->fields[SPAN_TOTAL_TOKENS].number;
        }

        if (rows[i]->fields[SPAN_COST].known) {
            has_cost = 1;
            cost += rows[i]->fields[SPAN_COST].units;
            scale = ngx_max(scale, rows[i]->fields[SPAN_COST].scale);
        }
    }

    sprintf(text, has_tokens ? "%lld" : "NULL", (long long) tokens);
    got = ngx_av_batch_trace_cell(batch, row, NGX_AV_TRACE_SPAN_TOKENS, NULL);
    bad += differs(got, text, "span_tokens", element);

    print_units(text, cost, scale);
    got = ngx_av_batch_trace_cell(batch, row, NGX_AV_TRACE_SPAN_COST, NULL);
    bad += differs(got, has_cost ? text : "NULL", "span_cost_usd", element);

    sprintf(text, "%d", (int) n);
    got = ngx_av_batch_trace_cell(batch, row, NGX_AV_TRACE_SPAN_COUNT, NULL);

    return bad + differs(got, text, "span_count", element);
}


static ngx_uint_t
check_batch(ngx_av_batch_t *batch)
{
    trace_t               *trace;
    ngx_uint_t             i, j, n, bad, part, row;
    ngx_av_batch_part_t   *parts;
    ngx_av_batch_error_t  *error;

    parts = batch->parts.elts;
    error = batch->errors.elts;
    part = 0;
    row = 0;
    bad = 0;
    n = 0;

    for (i = 0; i < ntraces; i++) {
        trace = &traces[i];

        if (trace->bad) {

            if (n == batch->errors.nelts || error[n].element != i
                || strncmp((char *) error[n].detail.data, trace->path,
                           strlen(trace->path))
                   != 0)
            {
                ngx_av_tap_diag("traces[%lu]: no error %s", i, trace->path);
                return bad + 1;
            }

            n++;
            continue;
        }

        if (part == batch->parts.nelts || parts[part].element != i
            || parts[part].nrows != trace->nfirst)
        {
            ngx_av_tap_diag("traces[%lu]: its part is not there", i);
            return bad + 1;
        }

        bad += check_header(batch, part++, i, trace, trace->rows,
                            trace->nfirst);

        for (j = 0; j < trace->nrows; j++) {
            bad += check_span(batch, row++, i, trace->rows[j]);
        }

        if (trace->nfirst == trace->nrows) {
            continue;
        }

        if (part == batch->parts.nelts || parts[part].element != i) {
            ngx_av_tap_diag("traces[%lu]: its second part is not there", i);
            return bad + 1;
        }

        bad += check_header(batch, part++, i, trace,
                            &trace->rows[trace->nfirst],
                            trace->nrows - trace->nfirst);
    }

    return bad + (n != batch->errors.nelts) + (part != batch->parts.nelts);
}


int
main(void)
{
    u_char                 *copy;
    ngx_int_t               rc;
    ngx_str_t               detail;
    ngx_uint_t              i, k, bad, unsound, second, rejected, accepted;
    const char             *error;
    ngx_av_uuid_t           account;
    ngx_av_batch_t         *batch;
    ngx_av_batch_limits_t  *l;

    static ngx_av_batch_limits_t  limits[] = {
        { 65536, 262144, DEPTH, 64 * 1024 * 1024, NULL, 0, 0 },
        { 11, 40, 4, 64 * 1024 * 1024, NULL, 0, 0 },
        { 40, 17, 2, 64 * 1024 * 1024, NULL, 0, 0 },
        { 200, 150, 9, 64 * 1024 * 1024, NULL, 0, 0 }
    };

    ngx_memzero(&account, sizeof(ngx_av_uuid_t));

    bad = 0;
    unsound = 0;
    second = 0;
    rejected = 0;
    accepted = 0;

    for (i = 0; i < ROUNDS; i++) {
        make_batch();

        for (k = 0; k < COUNT(limits); k++) {

            l = &limits[k];
            l->earliest = NOW - 30 * NGX_AV_TIME_DAY;
            l->latest = NOW + 7 * NGX_AV_TIME_DAY;

            batch = ngx_av_batch_create(NGX_AV_BATCH_TRACES, &account, NULL);
            copy = ngx_av_stub_copy(body, last - body);

            rc = ngx_av_batch_decode(batch, copy, last - body, l, NOW,
                                     &detail);
            free(copy);

            error = (rc == NGX_OK) ? ngx_av_batch_check(batch, l)
                                   : "it is refused";

            if (error) {
                ngx_av_tap_diag("round %lu, limits %lu: %s %.*s", i, k, error,
                                rc == NGX_OK ? 0 : (int) detail.len,
                                detail.data);
                unsound++;

            } else if (k == 0) {
                bad += check_batch(batch);
                accepted += batch->ntraces - batch->errors.nelts;
                rejected += batch->errors.nelts;
                second += batch->parts.nelts + batch->errors.nelts
                          - batch->ntraces;
            }

            ngx_av_batch_destroy(batch);
        }
    }

    is(unsound, 0, "%d random batches, within each of %d limits: are sound",
       ROUNDS, (int) COUNT(limits));
    is(bad, 0, "%lu traces: every cell, error and part is what was made",
       accepted + rejected);

    ok(accepted > ROUNDS && rejected > ROUNDS && second > ROUNDS / 20,
       "among them are enough to accept, to reject, and in two parts"
       " (%lu, %lu, %lu)", accepted, rejected, second);

    return ngx_av_tap_done();
}
