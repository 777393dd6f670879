#include "ngx_av_writer_sql.h"
#include "ngx_av_buf.h"
#include "ngx_av_columns.h"


/*
 * Texts hold {name} where a list made from a table of columns goes.
 *
 * How two reports of the same thing become one (agentvista.md 4.4, 7.2): the
 * first wins, but of a report that it runs and one that it has ended, each
 * value is the ended one's, where it has one; so the result does not depend on
 * which came first.  A header of another agent takes the trace over if it
 * started earlier, and is ignored otherwise.  A header that was sent replaces
 * one that was made of spans.  Of two that were made, the one of a root, or of
 * the earlier span, owns the trace; the trace reaches as far as both.
 */

#define NGX_AV_WRITER_ENDS(old, new)                                          \
    "(" old ".status = 0 and " new ".status <> 0)"

#define NGX_AV_WRITER_RAN(old, new)                                           \
    "(" old ".status <> 0 and " new ".status = 0)"

/* types llm and embedding */
#define NGX_AV_WRITER_COUNTS(type)  type " in (2, 8)"

/* sums of bigint are numeric, and may be more than a column holds */
#define NGX_AV_WRITER_MAX_BIGINT  "9223372036854775807"

#define NGX_AV_WRITER_BOTH_SENT                                               \
    "(t.header = 0 and excluded.header = 0)"

#define NGX_AV_WRITER_BOTH_MADE                                               \
    "(t.header <> 0 and excluded.header <> 0)"

/* a made header has nothing to say of a sent one */
#define NGX_AV_WRITER_KEEPS                                                   \
    "(t.header = 0 and excluded.header <> 0)"

#define NGX_AV_WRITER_REPLACES                                                \
    "(excluded.header = 0 and (t.header <> 0"                                 \
    " or t.agent_id <> excluded.agent_id"                                     \
    " and t.started_at > excluded.started_at))"

#define NGX_AV_WRITER_OWNS                                                    \
    "((excluded.header, excluded.header_ns, excluded.header_span)"            \
    " < (t.header, t.header_ns, t.header_span))"

/* whose values come first */
#define NGX_AV_WRITER_FIRST                                                   \
    "(case when t.header = 0 then t.status = 0"                               \
    " else " NGX_AV_WRITER_OWNS " end)"

#define NGX_AV_WRITER_NAMES                                                   \
    "(t.name is null and excluded.name is not null"                           \
    " or least(t.session_id, excluded.session_id)"                            \
    " is distinct from t.session_id"                                          \
    " or least(t.user_id, excluded.user_id) is distinct from t.user_id)"

#define NGX_AV_WRITER_EXTENDS                                                 \
    "(" NGX_AV_WRITER_OWNS                                                    \
    " or excluded.started_at < t.started_at"                                  \
    " or excluded.ended_at > t.ended_at"                                      \
    " or excluded.status > t.status)"

/* the latest time that a span is known at */
#define NGX_AV_WRITER_LAST(span)                                              \
    "agentvista.unix_ns(coalesce(" span "ended_at, " span "started_at),"      \
    " case when " span "ended_at is null then " span "started_nanos"          \
    " else " span "ended_nanos end)"


/* adds "points" of "gain", by series, to the metrics' counts */
#define NGX_AV_WRITER_ADD_POINTS(slot)                                        \
    " insert into agentvista.metric_counts as c"                              \
    " (account_id, name, slot, points)"                                       \
    " select g.account_id, s.metric, " slot "::smallint, sum(g.points)"       \
    " from gain g join agentvista.series s"                                   \
    " on s.account_id = g.account_id and s.id = g.series_id"                  \
    " group by g.account_id, s.metric order by g.account_id, s.metric"        \
    " on conflict (account_id, name, slot)"                                   \
    " do update set points = c.points + excluded.points"


static const char *const  ngx_av_writer_sql_texts[] = {

    /* NGX_AV_WRITER_AGENTS */

    "insert into agentvista.agents (account_id, id, name)"
    " select unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::text[])"
    " on conflict do nothing",

    /* NGX_AV_WRITER_SCOPES */

    "insert into agentvista.scopes (account_id, id, service_name, resource,"
    " resource_schema_url, name, version, attributes, schema_url)"
    " select account_id, id, doc->>'service_name',"
    " coalesce(doc->'resource', jsonb_build_object()),"
    " doc->>'resource_schema_url', doc->>'name', doc->>'version',"
    " coalesce(doc->'attributes', jsonb_build_object()),"
    " doc->>'schema_url'"
    " from (select unnest($1::uuid[]) as account_id, unnest($2::uuid[]) as id,"
    " unnest($3::text[])::jsonb as doc) as r"
    " on conflict do nothing",

    /* NGX_AV_WRITER_METRICS: the latest report counts */

    "insert into agentvista.metrics as m"
    " (account_id, name, type, unit, description)"
    " select distinct on (account_id, name) account_id, name, type, unit,"
    " description"
    " from (select account_id, doc->>'name' as name,"
    " (doc->>'type')::smallint as type, coalesce(doc->>'unit', '') as unit,"
    " coalesce(doc->>'description', '') as description"
    " from (select unnest($1::uuid[]) as account_id, unnest($2::uuid[]),"
    " unnest($3::text[])::jsonb as doc) as r) as n"
    " order by account_id, name"
    " on conflict (account_id, name) do update set type = excluded.type,"
    " unit = excluded.unit, description = excluded.description"
    " where (m.type, m.unit, m.description)"
    " <> (excluded.type, excluded.unit, excluded.description)",

    /* NGX_AV_WRITER_SERIES */

    "insert into agentvista.series"
    " (account_id, id, metric, type, temporality, monotonic, labels, scope_id)"
    " select account_id, id, doc->>'metric', (doc->>'type')::smallint,"
    " (doc->>'temporality')::smallint, (doc->>'monotonic')::boolean,"
    " doc->'labels', (doc->>'scope_id')::uuid"
    " from (select unnest($1::uuid[]) as account_id, unnest($2::uuid[]) as id,"
    " unnest($3::text[])::jsonb as doc) as r"
    " on conflict do nothing",

    /* NGX_AV_WRITER_TRACES */

    "insert into agentvista.traces ({trace columns}) select {trace rows}",

    /* NGX_AV_WRITER_COUNT_TRACES */

    "insert into agentvista.agent_changes ({counted columns}, account_id)"
    " values ({counted arrays}, {counted account}::uuid)",

    /* NGX_AV_WRITER_SPANS */

    "insert into agentvista.spans ({span columns}) select {span rows}",

    /* NGX_AV_WRITER_CHARGE */

    "insert into agentvista.usage as u (account_id, month, slot, events)"
    " values ($1::uuid, $2::date, $3::smallint, $4::bigint)"
    " on conflict (account_id, month, slot)"
    " do update set events = u.events + excluded.events",

    /*
     * NGX_AV_WRITER_MERGE_TRACES: the sums are left to MERGE_SPANS, which
     * knows what was new.  DO UPDATE locks the row also where its condition is
     * false, and leaves the lock in xmax: it is 0 in rows that are new.
     */

    "with m as ("
    "insert into agentvista.traces as t ({trace columns})"
    " select {trace columns but sums}, 0, null, null, null, null"
    " from (select {trace rows}) as h"
    " on conflict (account_id, trace_id) do update set {trace merge}"
    " where " NGX_AV_WRITER_REPLACES
    " or " NGX_AV_WRITER_BOTH_SENT " and t.agent_id = excluded.agent_id"
    " and (" NGX_AV_WRITER_ENDS("t", "excluded")
    " or " NGX_AV_WRITER_RAN("t", "excluded") ")"
    " or " NGX_AV_WRITER_BOTH_MADE " and " NGX_AV_WRITER_EXTENDS
    " or excluded.header <> 0 and " NGX_AV_WRITER_NAMES
    " returning t.*, t.xmax = 0 as is_new)"
    " insert into agentvista.agent_changes (account_id, {counted columns})"
    " select account_id, {counted aggregates}"
    " from m where is_new group by account_id",

    /*
     * NGX_AV_WRITER_MERGE_RUNNING: s stands apart from the join with spans, so
     * that this can only go by all three columns of their index.
     */

    "with s as materialized ("
    "select {span columns at home}"
    " from (select {span rows}) as s join agentvista.traces t"
    " on t.account_id = s.account_id and t.trace_id = s.trace_id),"
    " pair as ("
    "select o.account_id, o.home_day, o.trace_id, o.span_id,"
    " {span merge},"
    " o.type as o_type, o.total_tokens as o_tokens, o.cost_usd as o_cost"
    " from s join agentvista.spans o"
    " on o.account_id = s.account_id and o.home_day = s.home_day"
    " and o.trace_id = s.trace_id and o.span_id = s.span_id"
    " where (o.status = 0) <> (s.status = 0)),"
    " merged as ("
    "update agentvista.spans o set {span set}"
    " from pair p"
    " where o.account_id = p.account_id and o.home_day = p.home_day"
    " and o.trace_id = p.trace_id and o.span_id = p.span_id),"
    " gain as ("
    "select p.account_id, p.trace_id,"
    " min(agentvista.unix_ns(p.started_at, p.started_nanos)) as span_start,"
    " max(" NGX_AV_WRITER_LAST("p.") ") as span_end,"
    " sum(case when " NGX_AV_WRITER_COUNTS("p.type")
    " then p.total_tokens end) as new_tokens,"
    " sum(case when " NGX_AV_WRITER_COUNTS("p.o_type")
    " then p.o_tokens end) as old_tokens,"
    " sum(case when " NGX_AV_WRITER_COUNTS("p.type")
    " then p.cost_usd end) as new_cost,"
    " sum(case when " NGX_AV_WRITER_COUNTS("p.o_type")
    " then p.o_cost end) as old_cost"
    " from pair p group by p.account_id, p.trace_id)"
    " update agentvista.traces t set"
    " span_tokens = case when g.new_tokens is null then t.span_tokens"
    " else least(coalesce(t.span_tokens, 0) + g.new_tokens"
    " - coalesce(g.old_tokens, 0), "
    NGX_AV_WRITER_MAX_BIGINT ") end,"
    " span_cost_usd = case when g.new_cost is null then t.span_cost_usd"
    " else coalesce(t.span_cost_usd, 0) + g.new_cost"
    " - coalesce(g.old_cost, 0) end,"
    " span_start_ns = least(t.span_start_ns, g.span_start),"
    " span_end_ns = greatest(t.span_end_ns, g.span_end)"
    " from gain g"
    " where t.account_id = g.account_id and t.trace_id = g.trace_id",

    /* NGX_AV_WRITER_MERGE_SPANS */

    "with s as (select {span rows}),"
    " fresh as ("
    "insert into agentvista.spans ({span columns})"
    " select {span columns at home}"
    " from s join agentvista.traces t"
    " on t.account_id = s.account_id and t.trace_id = s.trace_id"
    " on conflict do nothing"
    " returning account_id, trace_id, type, total_tokens, cost_usd,"
    " started_at, started_nanos, ended_at, ended_nanos),"
    " gain as ("
    "select account_id, trace_id, count(*)::integer as spans,"
    " min(agentvista.unix_ns(started_at, started_nanos)) as span_start,"
    " max(" NGX_AV_WRITER_LAST("") ") as span_end,"
    " sum(total_tokens) filter (where " NGX_AV_WRITER_COUNTS("type")
    ") as tokens,"
    " sum(cost_usd) filter (where " NGX_AV_WRITER_COUNTS("type") ") as cost"
    " from fresh group by account_id, trace_id),"
    " summed as ("
    "update agentvista.traces t set"
    " span_count = t.span_count + g.spans,"
    " span_tokens = case when g.tokens is null then t.span_tokens"
    " else least(coalesce(t.span_tokens, 0) + g.tokens, "
    NGX_AV_WRITER_MAX_BIGINT ") end,"
    " span_cost_usd = case when g.cost is null then t.span_cost_usd"
    " else coalesce(t.span_cost_usd, 0) + g.cost end,"
    " span_start_ns = least(t.span_start_ns, g.span_start),"
    " span_end_ns = greatest(t.span_end_ns, g.span_end),"
    " duration_ns = case when t.header = 0 then t.duration_ns"
    " else greatest(greatest(t.span_end_ns, g.span_end)"
    " - least(t.span_start_ns, g.span_start), 0) end"
    " from gain g"
    " where t.account_id = g.account_id and t.trace_id = g.trace_id),"
    " charged as ("
    "insert into agentvista.usage as u (account_id, month, slot, events)"
    " select account_id, {month}::date, {slot}::smallint, sum(spans)"
    " from gain group by account_id order by account_id"
    " on conflict (account_id, month, slot)"
    " do update set events = u.events + excluded.events)"
    " select account_id, trace_id, spans from gain",

    /* NGX_AV_WRITER_LOGS, NGX_AV_WRITER_MERGE_LOGS */

    "insert into agentvista.logs ({log columns}) select {log rows}",

    "insert into agentvista.logs ({log columns}) select {log rows}"
    " on conflict do nothing",

    /* NGX_AV_WRITER_POINTS */

    "insert into agentvista.metric_points ({point columns})"
    " select {point rows}",

    /* NGX_AV_WRITER_COUNT_POINTS */

    "with gain as ("
    "select account_id, series_id, count(*) as points"
    " from (select unnest($1::uuid[]) as account_id,"
    " unnest($2::uuid[]) as series_id) as p"
    " group by account_id, series_id)"
    NGX_AV_WRITER_ADD_POINTS("$3"),

    /* NGX_AV_WRITER_MERGE_POINTS */

    "with fresh as ("
    "insert into agentvista.metric_points ({point columns})"
    " select {point rows} on conflict do nothing"
    " returning account_id, series_id),"
    " gain as ("
    "select account_id, series_id, count(*) as points"
    " from fresh group by account_id, series_id)"
    NGX_AV_WRITER_ADD_POINTS("{point slot}"),

    /* NGX_AV_WRITER_NOTIFY: need not survive a crash, as listeners do not */

    "select set_config('synchronous_commit', 'off', true),"
    " agentvista.notify_traces($1, $2)",

    /* NGX_AV_WRITER_FOLD: what a crash undoes is folded later */

    "select set_config('synchronous_commit', 'off', true),"
    " agentvista.fold_statistics()"
};


typedef struct {
    const char          *name;
    const char          *type;
    ngx_uint_t           number;    /* of the parameter, 1-based */
} ngx_av_writer_sql_column_t;

typedef ngx_int_t (*ngx_av_writer_sql_column_pt)(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);

typedef struct {
    const char                        *marker;
    const ngx_av_writer_sql_column_t  *columns;
    ngx_uint_t                         ncolumns;
    ngx_av_writer_sql_column_pt        write;
} ngx_av_writer_sql_list_t;


static ngx_int_t ngx_av_writer_sql_name(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);
static ngx_int_t ngx_av_writer_sql_row(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);
static ngx_int_t ngx_av_writer_sql_at_home(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);
static ngx_int_t ngx_av_writer_sql_array(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);
static ngx_int_t ngx_av_writer_sql_aggregate(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);
static const char *ngx_av_writer_sql_feedback(
    const ngx_av_writer_sql_column_t *c);
static ngx_int_t ngx_av_writer_sql_trace_merge(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);
static ngx_int_t ngx_av_writer_sql_span_merge(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);
static ngx_int_t ngx_av_writer_sql_span_set(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c);


static const ngx_av_writer_sql_column_t  ngx_av_writer_sql_trace[] = {
#define NGX_AV_COLUMN(name, column, type, oid)                                \
    { #column, #type, NGX_AV_TRACE_##name + 1 },
    NGX_AV_TRACE_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const ngx_av_writer_sql_column_t  ngx_av_writer_sql_span[] = {
#define NGX_AV_COLUMN(name, column, type, oid)                                \
    { #column, #type, NGX_AV_SPAN_##name + 1 },
    NGX_AV_SPAN_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const ngx_av_writer_sql_column_t  ngx_av_writer_sql_log[] = {
#define NGX_AV_COLUMN(name, column, type, oid)                                \
    { #column, #type, NGX_AV_LOG_##name + 1 },
    NGX_AV_LOG_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const ngx_av_writer_sql_column_t  ngx_av_writer_sql_point[] = {
#define NGX_AV_COLUMN(name, column, type, oid)                                \
    { #column, #type, NGX_AV_POINT_##name + 1 },
    NGX_AV_POINT_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

static const ngx_av_writer_sql_column_t  ngx_av_writer_sql_counted[] = {
#define NGX_AV_COLUMN(name, column, type, oid)                                \
    { #column, #type, NGX_AV_COUNTED_##name + 1 },
    NGX_AV_COUNTED_COLUMNS(NGX_AV_COLUMN)
#undef NGX_AV_COLUMN
};

/* what a repeated span can change: not its ids, place and order */
#define NGX_AV_WRITER_SPAN_FIXED  NGX_AV_SPAN_PARENT_ID

/* likewise of a trace, between its ids and the sums */
#define NGX_AV_WRITER_TRACE_FIXED  NGX_AV_TRACE_AGENT_ID


static const ngx_av_writer_sql_list_t  ngx_av_writer_sql_lists[] = {

    { "{trace columns}", ngx_av_writer_sql_trace,
      NGX_AV_TRACE_NCOLUMNS, ngx_av_writer_sql_name },

    { "{trace columns but sums}", ngx_av_writer_sql_trace,
      NGX_AV_TRACE_SPAN_COUNT, ngx_av_writer_sql_name },

    { "{trace rows}", ngx_av_writer_sql_trace,
      NGX_AV_TRACE_NCOLUMNS, ngx_av_writer_sql_row },

    { "{trace merge}",
      &ngx_av_writer_sql_trace[NGX_AV_WRITER_TRACE_FIXED],
      NGX_AV_TRACE_SPAN_COUNT - NGX_AV_WRITER_TRACE_FIXED,
      ngx_av_writer_sql_trace_merge },

    { "{span columns}", ngx_av_writer_sql_span,
      NGX_AV_SPAN_NCOLUMNS, ngx_av_writer_sql_name },

    { "{span columns at home}", ngx_av_writer_sql_span,
      NGX_AV_SPAN_NCOLUMNS, ngx_av_writer_sql_at_home },

    { "{span rows}", ngx_av_writer_sql_span,
      NGX_AV_SPAN_NCOLUMNS, ngx_av_writer_sql_row },

    { "{span merge}", &ngx_av_writer_sql_span[NGX_AV_WRITER_SPAN_FIXED],
      NGX_AV_SPAN_NCOLUMNS - NGX_AV_WRITER_SPAN_FIXED,
      ngx_av_writer_sql_span_merge },

    { "{span set}", &ngx_av_writer_sql_span[NGX_AV_WRITER_SPAN_FIXED],
      NGX_AV_SPAN_NCOLUMNS - NGX_AV_WRITER_SPAN_FIXED,
      ngx_av_writer_sql_span_set },

    { "{month}", NULL, NGX_AV_SPAN_NCOLUMNS + 1, NULL },
    { "{slot}", NULL, NGX_AV_SPAN_NCOLUMNS + 2, NULL },

    { "{log columns}", ngx_av_writer_sql_log,
      NGX_AV_LOG_NCOLUMNS, ngx_av_writer_sql_name },

    { "{log rows}", ngx_av_writer_sql_log,
      NGX_AV_LOG_NCOLUMNS, ngx_av_writer_sql_row },

    { "{point columns}", ngx_av_writer_sql_point,
      NGX_AV_POINT_NCOLUMNS, ngx_av_writer_sql_name },

    { "{point rows}", ngx_av_writer_sql_point,
      NGX_AV_POINT_NCOLUMNS, ngx_av_writer_sql_row },

    { "{point slot}", NULL, NGX_AV_POINT_NCOLUMNS + 1, NULL },

    { "{counted columns}", ngx_av_writer_sql_counted,
      NGX_AV_COUNTED_NCOLUMNS, ngx_av_writer_sql_name },

    { "{counted arrays}", ngx_av_writer_sql_counted,
      NGX_AV_COUNTED_NCOLUMNS, ngx_av_writer_sql_array },

    { "{counted aggregates}", ngx_av_writer_sql_counted,
      NGX_AV_COUNTED_NCOLUMNS, ngx_av_writer_sql_aggregate },

    { "{counted account}", NULL, NGX_AV_COUNTED_NCOLUMNS + 1, NULL }
};


static const struct {
    const char  *name;
    ngx_uint_t   nparams;
} ngx_av_writer_sql_statements[] = {
    { "agents", 3 },
    { "scopes", 3 },
    { "metrics", 3 },
    { "series", 3 },
    { "traces", NGX_AV_TRACE_NCOLUMNS },
    { "count_traces", NGX_AV_COUNTED_NCOLUMNS + 1 },
    { "spans", NGX_AV_SPAN_NCOLUMNS },
    { "charge", 4 },
    { "merge_traces", NGX_AV_TRACE_NCOLUMNS },
    { "merge_running", NGX_AV_SPAN_NCOLUMNS },
    { "merge_spans", NGX_AV_SPAN_NCOLUMNS + 2 },
    { "logs", NGX_AV_LOG_NCOLUMNS },
    { "merge_logs", NGX_AV_LOG_NCOLUMNS },
    { "points", NGX_AV_POINT_NCOLUMNS },
    { "count_points", 3 },
    { "merge_points", NGX_AV_POINT_NCOLUMNS + 1 },
    { "notify", 2 },
    { "fold", 0 }
};


static ngx_int_t
ngx_av_writer_sql_print(ngx_av_buf_t *b, const char *fmt, ...)
{
    va_list  args;

    /* a fragment of one column; the longest is trace_merge's */

    if (ngx_av_buf_reserve(b, 2048) != NGX_OK) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    b->last = ngx_vslprintf(b->last, b->last + 2048, fmt, args);
    va_end(args);

    return NGX_OK;
}


static ngx_int_t
ngx_av_writer_sql_name(ngx_av_buf_t *b, const ngx_av_writer_sql_column_t *c)
{
    return ngx_av_writer_sql_print(b, "%s", c->name);
}


/*
 * unnest() in the target list goes row by row; in FROM it would first fill a
 * tuple store for each column (measured: 12 % slower).
 */

static ngx_int_t
ngx_av_writer_sql_row(ngx_av_buf_t *b, const ngx_av_writer_sql_column_t *c)
{
    return ngx_av_writer_sql_print(b, "unnest($%ui::%s[]) as %s", c->number,
                                   c->type, c->name);
}


/* A span lives where its trace lives, whatever day its sender thinks it is. */

static ngx_int_t
ngx_av_writer_sql_at_home(ngx_av_buf_t *b, const ngx_av_writer_sql_column_t *c)
{
    return ngx_av_writer_sql_print(b, "%c.%s",
                           c->number - 1 == NGX_AV_SPAN_HOME_DAY ? 't' : 's',
                           c->name);
}


static ngx_int_t
ngx_av_writer_sql_array(ngx_av_buf_t *b, const ngx_av_writer_sql_column_t *c)
{
    return ngx_av_writer_sql_print(b, "$%ui::%s[]", c->number, c->type);
}


static ngx_int_t
ngx_av_writer_sql_aggregate(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c)
{
    return ngx_av_writer_sql_print(b, "array_agg(%s)", c->name);
}


/* What PATCH outcome has set stays, whatever is ingested. */

static const char *
ngx_av_writer_sql_feedback(const ngx_av_writer_sql_column_t *c)
{
    switch (c->number - 1) {

    case NGX_AV_TRACE_SUCCESS:
        return " when t.feedback & 1 <> 0 then t.success";

    case NGX_AV_TRACE_OUTCOME:
        return " when t.feedback & 2 <> 0 then t.outcome";

    default:
        return "";
    }
}


static ngx_int_t
ngx_av_writer_sql_trace_merge(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c)
{
    switch (c->number - 1) {

    case NGX_AV_TRACE_STARTED_AT:
        return ngx_av_writer_sql_print(b,
                         "%s = case when " NGX_AV_WRITER_REPLACES
                         " then excluded.%s"
                         " when " NGX_AV_WRITER_KEEPS " then t.%s"
                         " else least(t.%s, excluded.%s) end",
                         c->name, c->name, c->name, c->name, c->name);

    case NGX_AV_TRACE_STATUS:

        /* running, completed, failed, unless there is a root to tell */

        return ngx_av_writer_sql_print(b,
                         "%s = case when " NGX_AV_WRITER_REPLACES
                         " then excluded.%s"
                         " when " NGX_AV_WRITER_KEEPS " then t.%s"
                         " when t.header <> 1 and excluded.header <> 1"
                         " then greatest(t.%s, excluded.%s)"
                         " when " NGX_AV_WRITER_OWNS " then excluded.%s"
                         " else t.%s end",
                         c->name, c->name, c->name, c->name, c->name,
                         c->name, c->name);

    case NGX_AV_TRACE_SESSION_ID:
    case NGX_AV_TRACE_USER_ID:

        /*
         * What only spans say, whoever owns the trace; nearly always the same,
         * and otherwise not what came first.
         */

        return ngx_av_writer_sql_print(b, "%s = least(t.%s, excluded.%s)",
                                       c->name, c->name, c->name);

    case NGX_AV_TRACE_NAME:

        return ngx_av_writer_sql_print(b,
                         "%s = case when " NGX_AV_WRITER_BOTH_MADE
                         " and " NGX_AV_WRITER_OWNS
                         " then coalesce(excluded.%s, t.%s)"
                         " else coalesce(t.%s, excluded.%s) end",
                         c->name, c->name, c->name, c->name, c->name);

    default:
        return ngx_av_writer_sql_print(b,
                         "%s = case%s when " NGX_AV_WRITER_REPLACES
                         " then excluded.%s"
                         " when " NGX_AV_WRITER_KEEPS " then t.%s"
                         "%s"
                         " when " NGX_AV_WRITER_FIRST
                         " then coalesce(excluded.%s, t.%s)"
                         " else coalesce(t.%s, excluded.%s) end",
                         c->name, ngx_av_writer_sql_feedback(c), c->name,
                         c->name,
                         c->number - 1 == NGX_AV_TRACE_ENDED_AT
                         ? " when " NGX_AV_WRITER_BOTH_MADE
                           " then greatest(t.ended_at, excluded.ended_at)"
                         : "",
                         c->name, c->name, c->name, c->name);
    }
}


static ngx_int_t
ngx_av_writer_sql_span_merge(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c)
{
    switch (c->number - 1) {

    case NGX_AV_SPAN_STATUS:
        return ngx_av_writer_sql_print(b, "greatest(o.%s, s.%s) as %s",
                                       c->name, c->name, c->name);

    case NGX_AV_SPAN_STARTED_AT:
        return ngx_av_writer_sql_print(b, "least(o.%s, s.%s) as %s",
                                       c->name, c->name, c->name);

    case NGX_AV_SPAN_TYPE:

        /* "custom" is also what a span has that states none */

        return ngx_av_writer_sql_print(b,
                         "case when o.status = 0"
                         " then coalesce(nullif(s.%s, 0), o.%s)"
                         " else coalesce(nullif(o.%s, 0), s.%s) end as %s",
                         c->name, c->name, c->name, c->name, c->name);

    default:
        return ngx_av_writer_sql_print(b,
                         "case when o.status = 0"
                         " then coalesce(s.%s, o.%s)"
                         " else coalesce(o.%s, s.%s) end as %s",
                         c->name, c->name, c->name, c->name, c->name);
    }
}


static ngx_int_t
ngx_av_writer_sql_span_set(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c)
{
    return ngx_av_writer_sql_print(b, "%s = p.%s", c->name, c->name);
}


static ngx_int_t
ngx_av_writer_sql_list(ngx_av_buf_t *b, const ngx_av_writer_sql_list_t *list)
{
    ngx_uint_t  i;

    if (list->columns == NULL) {
        return ngx_av_writer_sql_print(b, "$%ui", list->ncolumns);
    }

    for (i = 0; i < list->ncolumns; i++) {

        if (i > 0 && ngx_av_buf_append(b, ", ", 2) != NGX_OK) {
            return NGX_ERROR;
        }

        if (list->write(b, &list->columns[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static const ngx_av_writer_sql_list_t *
ngx_av_writer_sql_find(const char *p)
{
    ngx_uint_t                       i, n;
    const ngx_av_writer_sql_list_t  *list;

    list = ngx_av_writer_sql_lists;
    n = sizeof(ngx_av_writer_sql_lists) / sizeof(ngx_av_writer_sql_list_t);

    for (i = 0; i < n; i++) {
        if (ngx_strncmp(p, list[i].marker, ngx_strlen(list[i].marker)) == 0) {
            return &list[i];
        }
    }

    return NULL;
}


static const char *
ngx_av_writer_sql_expand(ngx_pool_t *pool, const char *text)
{
    const char                      *brace;
    ngx_av_buf_t                     b;
    const ngx_av_writer_sql_list_t  *list;

    if (ngx_av_buf_init(&b, pool, 4096) != NGX_OK) {
        return NULL;
    }

    for ( ;; ) {
        brace = ngx_strchr(text, '{');
        if (brace == NULL) {
            break;
        }

        if (ngx_av_buf_append(&b, text, brace - text) != NGX_OK) {
            return NULL;
        }

        list = ngx_av_writer_sql_find(brace);

        if (list == NULL || ngx_av_writer_sql_list(&b, list) != NGX_OK) {
            return NULL;
        }

        text = brace + ngx_strlen(list->marker);
    }

    if (ngx_av_buf_append(&b, text, ngx_strlen(text) + 1) != NGX_OK) {
        return NULL;
    }

    return (const char *) b.start;
}


const ngx_av_db_statement_t *
ngx_av_writer_sql(ngx_pool_t *pool)
{
    ngx_uint_t              i;
    ngx_av_db_statement_t  *st;

    st = ngx_pcalloc(pool, NGX_AV_WRITER_NSTATEMENTS
                           * sizeof(ngx_av_db_statement_t));
    if (st == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_AV_WRITER_NSTATEMENTS; i++) {
        st[i].name = ngx_av_writer_sql_statements[i].name;
        st[i].nparams = ngx_av_writer_sql_statements[i].nparams;

        st[i].text = ngx_av_writer_sql_expand(pool,
                                              ngx_av_writer_sql_texts[i]);
        if (st[i].text == NULL) {
            return NULL;
        }
    }

    return st;
}
