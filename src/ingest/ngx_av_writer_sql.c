#include "ngx_av_writer_sql.h"
#include "ngx_av_buf.h"
#include "ngx_av_columns.h"


/*
 * Texts hold {name} where a list made from a table of columns goes.
 *
 * How two reports of the same thing become one (agentvista.md 4.4): the first
 * wins, but of a report that it runs and one that it has ended, each value is
 * the ended one's, where it has one; so the result does not depend on which
 * came first.  A header of another agent takes the trace over if it started
 * earlier, and is ignored otherwise.
 */

#define NGX_AV_WRITER_ENDS(old, new)                                          \
    "(" old ".status = 0 and " new ".status <> 0)"

#define NGX_AV_WRITER_RAN(old, new)                                           \
    "(" old ".status <> 0 and " new ".status = 0)"

/* sums of bigint are numeric, and may be more than a column holds */
#define NGX_AV_WRITER_MAX_BIGINT  "9223372036854775807"

#define NGX_AV_WRITER_SAME_AGENT  "(t.agent_id = excluded.agent_id)"

#define NGX_AV_WRITER_TAKES_OVER                                              \
    "(t.agent_id <> excluded.agent_id"                                        \
    " and t.started_at > excluded.started_at)"


static const char *const  ngx_av_writer_sql_texts[] = {

    /* NGX_AV_WRITER_AGENTS */

    "insert into agentvista.agents (account_id, id, name)"
    " select unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::text[])"
    " on conflict do nothing",

    /* NGX_AV_WRITER_TRACES */

    "insert into agentvista.traces ({trace columns}) select {trace rows}",

    /* NGX_AV_WRITER_SPANS */

    "insert into agentvista.spans ({span columns}) select {span rows}",

    /* NGX_AV_WRITER_CHARGE */

    "insert into agentvista.usage as u (account_id, month, slot, events)"
    " select unnest($1::uuid[]), unnest($2::date[]), $3::smallint,"
    " unnest($4::bigint[])"
    " on conflict (account_id, month, slot)"
    " do update set events = u.events + excluded.events",

    /*
     * NGX_AV_WRITER_MERGE_TRACES: the sums are left to MERGE_SPANS, which
     * knows what was new.  DO UPDATE locks the row also where its condition is
     * false.
     */

    "insert into agentvista.traces as t ({trace columns})"
    " select {trace columns but sums}, 0, null, null"
    " from (select {trace rows}) as h"
    " on conflict (account_id, trace_id) do update set {trace merge}"
    " where " NGX_AV_WRITER_TAKES_OVER
    " or " NGX_AV_WRITER_SAME_AGENT
    " and (" NGX_AV_WRITER_ENDS("t", "excluded")
    " or " NGX_AV_WRITER_RAN("t", "excluded") ")",

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
    " sum(case when p.type = 2 then p.total_tokens end) as new_tokens,"
    " sum(case when p.o_type = 2 then p.o_tokens end) as old_tokens,"
    " sum(case when p.type = 2 then p.cost_usd end) as new_cost,"
    " sum(case when p.o_type = 2 then p.o_cost end) as old_cost"
    " from pair p group by p.account_id, p.trace_id)"
    " update agentvista.traces t set"
    " span_tokens = case when g.new_tokens is null then t.span_tokens"
    " else least(coalesce(t.span_tokens, 0) + g.new_tokens"
    " - coalesce(g.old_tokens, 0), "
    NGX_AV_WRITER_MAX_BIGINT ") end,"
    " span_cost_usd = case when g.new_cost is null then t.span_cost_usd"
    " else coalesce(t.span_cost_usd, 0) + g.new_cost"
    " - coalesce(g.old_cost, 0) end"
    " from gain g"
    " where t.account_id = g.account_id and t.trace_id = g.trace_id"
    " and (g.new_tokens is not null or g.new_cost is not null)",

    /* NGX_AV_WRITER_MERGE_SPANS */

    "with s as (select {span rows}),"
    " fresh as ("
    "insert into agentvista.spans ({span columns})"
    " select {span columns at home}"
    " from s join agentvista.traces t"
    " on t.account_id = s.account_id and t.trace_id = s.trace_id"
    " on conflict do nothing"
    " returning account_id, trace_id, type, total_tokens, cost_usd),"
    " gain as ("
    "select account_id, trace_id, count(*)::integer as spans,"
    " sum(total_tokens) filter (where type = 2) as tokens,"
    " sum(cost_usd) filter (where type = 2) as cost"
    " from fresh group by account_id, trace_id),"
    " summed as ("
    "update agentvista.traces t set"
    " span_count = t.span_count + g.spans,"
    " span_tokens = case when g.tokens is null then t.span_tokens"
    " else least(coalesce(t.span_tokens, 0) + g.tokens, "
    NGX_AV_WRITER_MAX_BIGINT ") end,"
    " span_cost_usd = case when g.cost is null then t.span_cost_usd"
    " else coalesce(t.span_cost_usd, 0) + g.cost end"
    " from gain g"
    " where t.account_id = g.account_id and t.trace_id = g.trace_id),"
    " charged as ("
    "insert into agentvista.usage as u (account_id, month, slot, events)"
    " select account_id, {month}::date, {slot}::smallint, sum(spans)"
    " from gain group by account_id order by account_id"
    " on conflict (account_id, month, slot)"
    " do update set events = u.events + excluded.events)"
    " select account_id, trace_id, spans from gain"
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

/* what a repeated span can change: not its ids, place and order */
#define NGX_AV_WRITER_SPAN_FIXED  NGX_AV_SPAN_TYPE

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
    { "{slot}", NULL, NGX_AV_SPAN_NCOLUMNS + 2, NULL }
};


static const struct {
    const char  *name;
    ngx_uint_t   nparams;
} ngx_av_writer_sql_statements[] = {
    { "agents", 3 },
    { "traces", NGX_AV_TRACE_NCOLUMNS },
    { "spans", NGX_AV_SPAN_NCOLUMNS },
    { "charge", 4 },
    { "merge_traces", NGX_AV_TRACE_NCOLUMNS },
    { "merge_running", NGX_AV_SPAN_NCOLUMNS },
    { "merge_spans", NGX_AV_SPAN_NCOLUMNS + 2 }
};


static ngx_int_t
ngx_av_writer_sql_print(ngx_av_buf_t *b, const char *fmt, ...)
{
    va_list  args;

    /* a fragment of one column; the longest is trace_merge's */

    if (ngx_av_buf_reserve(b, 1024) != NGX_OK) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    b->last = ngx_vslprintf(b->last, b->last + 1024, fmt, args);
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
ngx_av_writer_sql_trace_merge(ngx_av_buf_t *b,
    const ngx_av_writer_sql_column_t *c)
{
    switch (c->number - 1) {

    case NGX_AV_TRACE_STARTED_AT:
        return ngx_av_writer_sql_print(b, "%s = least(t.%s, excluded.%s)",
                                       c->name, c->name, c->name);

    case NGX_AV_TRACE_STATUS:
        return ngx_av_writer_sql_print(b,
                         "%s = case when " NGX_AV_WRITER_TAKES_OVER
                         " then excluded.%s"
                         " else greatest(t.%s, excluded.%s) end",
                         c->name, c->name, c->name, c->name);

    default:
        return ngx_av_writer_sql_print(b,
                         "%s = case when " NGX_AV_WRITER_TAKES_OVER
                         " then excluded.%s"
                         " when t.status = 0"
                         " then coalesce(excluded.%s, t.%s)"
                         " else coalesce(t.%s, excluded.%s) end",
                         c->name, c->name, c->name, c->name, c->name,
                         c->name);
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
