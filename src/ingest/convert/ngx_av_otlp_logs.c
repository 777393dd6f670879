#include "ngx_av_otlp_rows.h"


/* a row without its texts, and its place among those of the same moment */
#define NGX_AV_OTLP_LOG_MEMORY     320

/* of a record among those of the same moment; all beyond get the last */
#define NGX_AV_OTLP_LOG_PLACES     0x3fff

/* never changed, or a record sent again would be stored again */
#define NGX_AV_OTLP_LOG_SECRET1    0xa0761d6478bd642fULL
#define NGX_AV_OTLP_LOG_SECRET2    0xe7037ed1a0b428dbULL

/* what an id is made of besides texts */
#define NGX_AV_OTLP_LOG_HEAD       (3 * sizeof(ngx_av_uuid_t) + 2 * 8 + 2 * 4 \
                                    + NGX_AV_OTLP_LOG_TEXTS * 4)

#define NGX_AV_OTLP_LOG_TEXTS      5


struct ngx_av_otlp_logs_s {
    uint64_t                    secret[2];  /* of the account */
    ngx_av_otlp_map_t           moments;    /* how many records, by the time
                                               in their ids */
};


/* A record that was found valid. */
typedef struct {
    const ngx_av_otlp_log_t    *log;
    ngx_av_time_t               time;
    ngx_uint_t                  severity;
    ngx_av_uuid_t               trace;
    ngx_av_uuid_t               span;
    ngx_uint_t                  has_trace;  /* unsigned has_trace:1 */
    ngx_uint_t                  has_span;   /* unsigned has_span:1 */
    size_t                      starts[NGX_AV_OTLP_LOG_TEXTS];
} ngx_av_otlp_line_t;


typedef struct {
    ngx_str_t                   word;
    ngx_uint_t                  severity;
} ngx_av_otlp_severity_t;


static ngx_int_t ngx_av_otlp_logs_init(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_sink_t *sink);
static ngx_int_t ngx_av_otlp_logs_log(void *data,
    const ngx_av_otlp_scope_t *scope, const ngx_av_otlp_log_t *log);
static ngx_int_t ngx_av_otlp_logs_take(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_scope_t *scope, const ngx_av_otlp_log_t *log);
static ngx_int_t ngx_av_otlp_logs_times(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_line_t *line);
static ngx_uint_t ngx_av_otlp_logs_severity(const ngx_av_otlp_log_t *log);
static ngx_int_t ngx_av_otlp_logs_put(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_line_t *line);
static ngx_int_t ngx_av_otlp_logs_put_optional(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_line_t *line);
static ngx_int_t ngx_av_otlp_logs_put_texts(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_line_t *line);
static ngx_int_t ngx_av_otlp_logs_put_event(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_log_t *log);
static ngx_int_t ngx_av_otlp_logs_put_body(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_value_t *body);
static ngx_int_t ngx_av_otlp_logs_cut_body(ngx_av_otlp_rows_t *rows,
    ngx_av_buf_t *b, const ngx_str_t *name, const ngx_av_otlp_value_t *body);
static ngx_int_t ngx_av_otlp_logs_put_id(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_line_t *line);
static uint64_t ngx_av_otlp_logs_hash(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_line_t *line);
static ngx_int_t ngx_av_otlp_logs_place(ngx_av_otlp_rows_t *rows,
    uint64_t moment, uint64_t *place);
static uint64_t ngx_av_otlp_logs_moment(ngx_av_time_t time);


/* the columns whose elements tell records apart, besides those of numbers */

static const ngx_uint_t  ngx_av_otlp_log_texts[NGX_AV_OTLP_LOG_TEXTS] = {
    NGX_AV_LOG_SEVERITY_TEXT, NGX_AV_LOG_EVENT_NAME, NGX_AV_LOG_BODY,
    NGX_AV_LOG_ATTRIBUTES, NGX_AV_LOG_TRUNCATED
};


const ngx_av_otlp_kind_t  ngx_av_otlp_kind_logs = {
    ngx_av_otlp_logs_init,
    ngx_av_otlp_one_part
};


static const ngx_av_otlp_severity_t  ngx_av_otlp_severities[] = {
    { ngx_string("trace"), NGX_AV_SEVERITY_TRACE },
    { ngx_string("debug"), NGX_AV_SEVERITY_DEBUG },
    { ngx_string("info"), NGX_AV_SEVERITY_INFO },
    { ngx_string("information"), NGX_AV_SEVERITY_INFO },
    { ngx_string("notice"), NGX_AV_SEVERITY_INFO },
    { ngx_string("warn"), NGX_AV_SEVERITY_WARN },
    { ngx_string("warning"), NGX_AV_SEVERITY_WARN },
    { ngx_string("error"), NGX_AV_SEVERITY_ERROR },
    { ngx_string("err"), NGX_AV_SEVERITY_ERROR },
    { ngx_string("fatal"), NGX_AV_SEVERITY_FATAL },
    { ngx_string("critical"), NGX_AV_SEVERITY_FATAL },
    { ngx_null_string, 0 }
};


static ngx_int_t
ngx_av_otlp_logs_init(ngx_av_otlp_rows_t *rows, ngx_av_otlp_sink_t *sink)
{
    ngx_av_otlp_logs_t  *logs;

    logs = ngx_palloc(rows->pool, sizeof(ngx_av_otlp_logs_t));
    if (logs == NULL) {
        return NGX_ERROR;
    }

    ngx_av_otlp_new_map(rows, &logs->moments);

    ngx_memcpy(logs->secret, rows->batch->account.bytes, 16);

    logs->secret[0] ^= NGX_AV_OTLP_LOG_SECRET1;
    logs->secret[1] ^= NGX_AV_OTLP_LOG_SECRET2;

    rows->u.logs = logs;
    rows->table.columns = rows->batch->rows;

    sink->log = ngx_av_otlp_logs_log;

    return NGX_OK;
}


static ngx_int_t
ngx_av_otlp_logs_log(void *data, const ngx_av_otlp_scope_t *scope,
    const ngx_av_otlp_log_t *log)
{
    ngx_int_t            rc;
    ngx_av_otlp_rows_t  *rows = data;

    rc = ngx_av_otlp_logs_take(rows, scope, log);

    rows->index++;

    return ngx_av_otlp_next(rc);
}


static ngx_int_t
ngx_av_otlp_logs_take(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_scope_t *scope, const ngx_av_otlp_log_t *log)
{
    ngx_int_t           rc;
    ngx_uint_t          free;
    ngx_av_otlp_line_t  line;

    line.log = log;

    rc = ngx_av_otlp_charge(rows, NGX_AV_OTLP_LOG_MEMORY);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_otlp_logs_times(rows, &line);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_av_otlp_enter(rows, scope);
    if (rc != NGX_OK) {
        return rc;
    }

    /* ids that are not valid are as good as none */

    line.has_trace = (ngx_av_otlp_id(rows, &line.trace, &log->trace_id, 16,
                                     &free)
                      == NGX_OK);
    line.has_span = (ngx_av_otlp_id(rows, &line.span, &log->span_id, 8, &free)
                     == NGX_OK);

    line.severity = ngx_av_otlp_logs_severity(log);

    return ngx_av_otlp_logs_put(rows, &line);
}


static ngx_int_t
ngx_av_otlp_logs_times(ngx_av_otlp_rows_t *rows, ngx_av_otlp_line_t *line)
{
    uint64_t                  time;
    ngx_int_t                 rc;
    const ngx_av_otlp_log_t  *log;

    log = line->log;

    rc = ngx_av_otlp_check_time(rows, NULL, "observedTimeUnixNano",
                                log->observed_time);
    if (rc != NGX_OK) {
        return rc;
    }

    time = log->time ? log->time : log->observed_time;
    time = time ? time : (uint64_t) rows->options->now;

    line->time = (ngx_av_time_t) time;

    return ngx_av_otlp_check_window(rows, NULL, "timeUnixNano", time);
}


/* agentvista.md 7.4 */

static ngx_uint_t
ngx_av_otlp_logs_severity(const ngx_av_otlp_log_t *log)
{
    ngx_uint_t        i;
    const ngx_str_t  *word, *text;

    if (log->severity_number >= 1 && log->severity_number <= 24) {
        return (log->severity_number - 1) / 4 + NGX_AV_SEVERITY_TRACE;
    }

    text = &log->severity_text;

    for (i = 0; ngx_av_otlp_severities[i].severity; i++) {
        word = &ngx_av_otlp_severities[i].word;

        if (word->len == text->len
            && ngx_strncasecmp(word->data, text->data, text->len) == 0)
        {
            return ngx_av_otlp_severities[i].severity;
        }
    }

    return NGX_AV_SEVERITY_INFO;
}


static ngx_int_t
ngx_av_otlp_logs_put(ngx_av_otlp_rows_t *rows, ngx_av_otlp_line_t *line)
{
    ngx_av_otlp_table_t  *table;

    table = &rows->table;

    if (ngx_av_otlp_put_uuid(table, NGX_AV_LOG_ACCOUNT, &rows->batch->account)
        != NGX_OK
        || ngx_av_otlp_put_int4(table, NGX_AV_LOG_DAY,
                                ngx_av_time_pg_day(line->time))
           != NGX_OK
        || ngx_av_otlp_put_time(table, NGX_AV_LOG_LOGGED_AT,
                                NGX_AV_LOG_LOGGED_NANOS, line->time)
           != NGX_OK
        || ngx_av_otlp_put_int2(table, NGX_AV_LOG_SEVERITY, line->severity)
           != NGX_OK
        || ngx_av_otlp_put_uuid(table, NGX_AV_LOG_SCOPE_ID,
                                &rows->origin->scope)
           != NGX_OK
        || ngx_av_otlp_logs_put_optional(rows, line) != NGX_OK
        || ngx_av_otlp_logs_put_texts(rows, line) != NGX_OK
        || ngx_av_otlp_logs_put_id(rows, line) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_end_row(table);
}


static ngx_int_t
ngx_av_otlp_logs_put_optional(ngx_av_otlp_rows_t *rows,
    ngx_av_otlp_line_t *line)
{
    ngx_av_buf_t             *b;
    ngx_av_otlp_table_t      *table;
    const ngx_av_otlp_log_t  *log;

    log = line->log;
    table = &rows->table;

    if (log->severity_number
        && ngx_av_otlp_put_enum(table, NGX_AV_LOG_SEVERITY_NUMBER,
                                log->severity_number)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (log->observed_time) {
        b = ngx_av_otlp_cell(table, NGX_AV_LOG_OBSERVED_AT);

        if (b == NULL || ngx_av_db_array_timestamptz(b, log->observed_time)
                         != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (line->has_trace
        && ngx_av_otlp_put_uuid(table, NGX_AV_LOG_TRACE_ID, &line->trace)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (line->has_span
        && ngx_av_otlp_put_uuid(table, NGX_AV_LOG_SPAN_ID, &line->span)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (log->flags == 0) {
        return NGX_OK;
    }

    return ngx_av_otlp_put_int8(table, NGX_AV_LOG_FLAGS, log->flags);
}


static ngx_int_t
ngx_av_otlp_logs_put_texts(ngx_av_otlp_rows_t *rows, ngx_av_otlp_line_t *line)
{
    ngx_uint_t                i;
    ngx_av_buf_t             *b;
    ngx_av_otlp_table_t      *table;
    const ngx_av_otlp_log_t  *log;

    static const ngx_str_t  severity_name = ngx_string("severity_text");
    static const ngx_str_t  attributes_name = ngx_string("attributes");

    log = line->log;
    table = &rows->table;

    for (i = 0; i < NGX_AV_OTLP_LOG_TEXTS; i++) {
        line->starts[i] = ngx_av_otlp_end(table, ngx_av_otlp_log_texts[i]);
    }

    ngx_av_texts_begin(&rows->texts);

    b = ngx_av_otlp_cell(table, NGX_AV_LOG_SERVICE_NAME);

    if (b == NULL || ngx_av_db_array_text(b, rows->origin->service.data,
                                          rows->origin->service.len)
                     != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (log->severity_text.len
        && ngx_av_otlp_put_text(rows, table, NGX_AV_LOG_SEVERITY_TEXT,
                                &severity_name, &log->severity_text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_av_otlp_logs_put_event(rows, log) != NGX_OK
        || ngx_av_otlp_logs_put_body(rows, &log->body) != NGX_OK
        || ngx_av_otlp_put_attributes(rows, NGX_AV_LOG_ATTRIBUTES,
                                      &attributes_name, &log->attributes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_otlp_put_truncated(rows, table, NGX_AV_LOG_TRUNCATED);
}


/* Older senders have the name among the attributes (otlp.md 10.4). */

static ngx_int_t
ngx_av_otlp_logs_put_event(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_log_t *log)
{
    const ngx_str_t            *text;
    const ngx_av_otlp_value_t  *value;

    static const ngx_str_t  name = ngx_string("event_name");

    text = &log->event_name;

    if (text->len == 0) {
        value = ngx_av_otlp_find(&log->attributes, "event.name",
                                 sizeof("event.name") - 1);

        if (value == NULL || value->kind != NGX_AV_OTLP_STRING
            || value->u.text.len == 0)
        {
            return NGX_OK;
        }

        text = &value->u.text;
    }

    return ngx_av_otlp_put_text(rows, &rows->table, NGX_AV_LOG_EVENT_NAME,
                                &name, text);
}


static ngx_int_t
ngx_av_otlp_logs_put_body(ngx_av_otlp_rows_t *rows,
    const ngx_av_otlp_value_t *body)
{
    size_t                  mark;
    ngx_int_t               rc;
    ngx_av_buf_t           *b;
    static const ngx_str_t  name = ngx_string("body");

    if (body->kind == NGX_AV_OTLP_NONE) {
        return NGX_OK;
    }

    b = ngx_av_otlp_cell(&rows->table, NGX_AV_LOG_BODY);
    if (b == NULL) {
        return NGX_ERROR;
    }

    if (body->kind == NGX_AV_OTLP_STRING) {
        return ngx_av_texts_put_bytes(&rows->texts, b, &name, &body->u.text);
    }

    if (ngx_av_db_array_begin(b, NGX_AV_DB_TEXT, &mark) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_av_otlp_write_value(&rows->texts, b, &name, body);

    if (rc == NGX_DECLINED) {
        b->last = b->start + mark;
        return ngx_av_otlp_logs_cut_body(rows, b, &name, body);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_av_db_array_end(b, mark);

    b = ngx_av_otlp_cell(&rows->table, NGX_AV_LOG_STRUCTURED);

    return b ? ngx_av_db_array_bool(b, 1) : NGX_ERROR;
}


/* The beginning of a value that does not fit: JSON no more, but text. */

static ngx_int_t
ngx_av_otlp_logs_cut_body(ngx_av_otlp_rows_t *rows, ngx_av_buf_t *b,
    const ngx_str_t *name, const ngx_av_otlp_value_t *body)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    ngx_av_buf_t  *whole;

    whole = &rows->doc;
    whole->last = whole->start;

    rc = ngx_av_otlp_value_json(whole, body, rows->texts.depth);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* nothing of what is nested too deeply */

    text.data = whole->start;
    text.len = ngx_av_buf_len(whole);

    return ngx_av_texts_put_bytes(&rows->texts, b, name, &text);
}


/*
 * A UUID of version 8 (RFC 9562): milliseconds, 12 bits of what is below them,
 * 14 bits of the record's place, 48 bits of the hash.  So ids are in the order
 * of time and, where clocks are coarse, records of one request in its order.
 *
 * The same record sent again must get the same id, so it is made of what the
 * request says and nothing else.  A retry repeats its request.  Who sends
 * records of one moment again in other company, without some that came before
 * them, gives them other places: those are stored again.
 */

static ngx_int_t
ngx_av_otlp_logs_put_id(ngx_av_otlp_rows_t *rows, ngx_av_otlp_line_t *line)
{
    uint64_t       hash, moment, place, key[2];
    ngx_av_uuid_t  id;

    hash = ngx_av_otlp_logs_hash(rows, line);
    moment = ngx_av_otlp_logs_moment(line->time);

    if (ngx_av_otlp_logs_place(rows, moment, &place) != NGX_OK) {
        return NGX_ERROR;
    }

    if (place >= NGX_AV_OTLP_LOG_PLACES) {

        /* records that are the same may be here: nothing else differs */

        key[0] = hash;
        key[1] = place;
        hash = ngx_av_otlp_hash(rows->u.logs->secret, key, sizeof(key));

        place = NGX_AV_OTLP_LOG_PLACES;
    }

    (void) ngx_av_db_put64(id.bytes, moment);
    (void) ngx_av_db_put64(id.bytes + 8, (uint64_t) 1 << 63 | place << 48
                                         | hash >> 16);

    return ngx_av_otlp_put_uuid(&rows->table, NGX_AV_LOG_ID, &id);
}


/*
 * SHA-1 would take longer than all the rest.  Who finds a collision loses a
 * record of their own.
 */

static uint64_t
ngx_av_otlp_logs_hash(ngx_av_otlp_rows_t *rows, ngx_av_otlp_line_t *line)
{
    u_char                   *p;
    size_t                    len[NGX_AV_OTLP_LOG_TEXTS];
    uint64_t                  secret[2];
    ngx_uint_t                i;
    ngx_av_buf_t             *columns;
    const ngx_av_otlp_log_t  *log;
    u_char                    head[NGX_AV_OTLP_LOG_HEAD];

    log = line->log;
    columns = rows->table.columns;

    ngx_memzero(head, sizeof(head));

    p = ngx_cpymem(head, &rows->origin->scope, sizeof(ngx_av_uuid_t));

    if (line->has_trace) {
        ngx_memcpy(p, &line->trace, sizeof(ngx_av_uuid_t));
    }

    p += sizeof(ngx_av_uuid_t);

    if (line->has_span) {
        ngx_memcpy(p, &line->span, sizeof(ngx_av_uuid_t));
    }

    p += sizeof(ngx_av_uuid_t);

    p = ngx_av_db_put64(p, line->time);
    p = ngx_av_db_put64(p, log->observed_time);
    p = ngx_av_db_put32(p, log->severity_number);
    p = ngx_av_db_put32(p, log->flags);

    for (i = 0; i < NGX_AV_OTLP_LOG_TEXTS; i++) {
        len[i] = ngx_av_otlp_end(&rows->table, ngx_av_otlp_log_texts[i])
                 - line->starts[i];
        p = ngx_av_db_put32(p, len[i]);
    }

    secret[0] = rows->u.logs->secret[0];
    secret[1] = rows->u.logs->secret[1];

    secret[1] = ngx_av_otlp_hash(secret, head, sizeof(head));

    for (i = 0; i < NGX_AV_OTLP_LOG_TEXTS; i++) {
        if (len[i]) {
            p = columns[ngx_av_otlp_log_texts[i]].start + line->starts[i];
            secret[1] = ngx_av_otlp_hash(secret, p, len[i]);
        }
    }

    return secret[1];
}


/* How many records of the same moment came before. */

static ngx_int_t
ngx_av_otlp_logs_place(ngx_av_otlp_rows_t *rows, uint64_t moment,
    uint64_t *place)
{
    void       **value;
    uintptr_t    n;

    value = ngx_av_otlp_map_get(&rows->u.logs->moments, &moment,
                                sizeof(moment));
    if (value == NULL) {
        return NGX_ERROR;
    }

    n = (uintptr_t) *value;
    *value = (void *) (n + 1);
    *place = n;

    return NGX_OK;
}


/* The first half of an id. */

static uint64_t
ngx_av_otlp_logs_moment(ngx_av_time_t time)
{
    uint64_t  fraction;

    fraction = (uint64_t) (time % 1000000) * 4096 / 1000000;

    return ((uint64_t) (time / 1000000) << 16) | 0x8000 | fraction;
}
