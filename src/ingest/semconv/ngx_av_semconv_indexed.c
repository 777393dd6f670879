#include "ngx_av_semconv_work.h"


/* more digits are no index of anything */
#define NGX_AV_SEMCONV_INDEX_DIGITS  18


/* What an attribute says of its message, part, call or document. */
typedef enum {
    NGX_AV_SEMCONV_LEAF_ROLE = 0,       /* of a message */
    NGX_AV_SEMCONV_LEAF_CONTENT,
    NGX_AV_SEMCONV_LEAF_NAME,
    NGX_AV_SEMCONV_LEAF_TOOL_CALL_ID,
    NGX_AV_SEMCONV_LEAF_FINISH_REASON,
    NGX_AV_SEMCONV_LEAF_REFUSAL,
    NGX_AV_SEMCONV_LEAF_FUNCTION_NAME,
    NGX_AV_SEMCONV_LEAF_FUNCTION_ARGUMENTS,

    NGX_AV_SEMCONV_LEAF_ID,             /* of a call or a document */
    NGX_AV_SEMCONV_LEAF_ARGUMENTS,
    NGX_AV_SEMCONV_LEAF_SCORE,
    NGX_AV_SEMCONV_LEAF_METADATA,

    NGX_AV_SEMCONV_LEAF_PATH,           /* of a part: any */

    NGX_AV_SEMCONV_NLEAVES
} ngx_av_semconv_leaf_e;


typedef struct {
    ngx_str_t       path;
    unsigned char   kind;               /* of the row: ngx_av_semconv_kind_e */
    unsigned char   group;
    unsigned char   leaf;
} ngx_av_semconv_path_t;


/* How a group's indices begin within the path, and what follows them. */
typedef struct {
    ngx_str_t       before;
    ngx_str_t       after;
    unsigned char   kind;
    unsigned char   group;
} ngx_av_semconv_list_t;


/* A member to write, if there is such a leaf. */
typedef struct {
    ngx_str_t       member;
    unsigned char   leaf;
    unsigned char   tree;               /* perhaps sent as its JSON text */
} ngx_av_semconv_member_t;


typedef const ngx_av_otlp_value_t  *ngx_av_semconv_leaves_t
    [NGX_AV_SEMCONV_NLEAVES];


static ngx_int_t ngx_av_semconv_locate(ngx_av_semconv_entry_t *entry,
    ngx_uint_t kind, ngx_str_t path);
static ngx_int_t ngx_av_semconv_number(ngx_str_t *path, uint64_t *number);
static int ngx_libc_cdecl ngx_av_semconv_compare(const void *one,
    const void *two);
static void ngx_av_semconv_sort(ngx_av_semconv_work_t *w);
static ngx_int_t ngx_av_semconv_put_chats(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, ngx_uint_t kind, const ngx_av_semconv_entry_t *entry,
    const ngx_av_semconv_entry_t *end, const ngx_str_t *role);
static const ngx_av_semconv_entry_t *ngx_av_semconv_leaves(
    const ngx_av_semconv_entry_t *entry, const ngx_av_semconv_entry_t *end,
    ngx_uint_t group, ngx_av_semconv_leaves_t leaves);
static ngx_int_t ngx_av_semconv_put_indexed(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, ngx_av_semconv_leaves_t leaves,
    const ngx_av_semconv_entry_t *rest, const ngx_av_semconv_entry_t *end,
    const ngx_str_t *role);
static ngx_int_t ngx_av_semconv_put_parts(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_semconv_entry_t *entry,
    const ngx_av_semconv_entry_t *end);
static ngx_uint_t ngx_av_semconv_parts_are_text(
    const ngx_av_semconv_entry_t *entry, const ngx_av_semconv_entry_t *end);
static ngx_int_t ngx_av_semconv_put_joined(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_semconv_entry_t *entry,
    const ngx_av_semconv_entry_t *end);
static ngx_int_t ngx_av_semconv_put_calls(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_semconv_entry_t *entry,
    const ngx_av_semconv_entry_t *end);
static ngx_int_t ngx_av_semconv_put_function(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, ngx_av_semconv_leaves_t leaves);
static ngx_int_t ngx_av_semconv_put_text_or_parts(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *value);
static ngx_int_t ngx_av_semconv_put_scalar(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, const ngx_av_otlp_value_t *value);
static ngx_str_t ngx_av_semconv_part_name(const ngx_str_t *path);
static ngx_int_t ngx_av_semconv_put_members(ngx_av_semconv_work_t *w,
    ngx_av_buf_t *b, u_char before, const ngx_av_semconv_member_t *members,
    ngx_av_semconv_leaves_t leaves);


#define ngx_av_put(b, text)  ngx_av_buf_append(b, text, sizeof(text) - 1)

#define ngx_av_path(kind, group, leaf, path)                                  \
    { ngx_string(path), NGX_AV_SEMCONV_AS_##kind,                             \
      NGX_AV_SEMCONV_GROUP_##group, NGX_AV_SEMCONV_LEAF_##leaf }


static const ngx_av_semconv_path_t  ngx_av_semconv_paths[] = {
    ngx_av_path(OPENINFERENCE, MESSAGE, ROLE, "message.role"),
    ngx_av_path(OPENINFERENCE, MESSAGE, CONTENT, "message.content"),
    ngx_av_path(OPENINFERENCE, MESSAGE, NAME, "message.name"),
    ngx_av_path(OPENINFERENCE, MESSAGE, TOOL_CALL_ID, "message.tool_call_id"),
    ngx_av_path(OPENINFERENCE, MESSAGE, FINISH_REASON,
                "message.finish_reason"),
    ngx_av_path(OPENINFERENCE, MESSAGE, FUNCTION_NAME,
                "message.function_call_name"),
    ngx_av_path(OPENINFERENCE, MESSAGE, FUNCTION_ARGUMENTS,
                "message.function_call_arguments_json"),
    ngx_av_path(OPENINFERENCE, CALL, ID, "id"),
    ngx_av_path(OPENINFERENCE, CALL, NAME, "function.name"),
    ngx_av_path(OPENINFERENCE, CALL, ARGUMENTS, "function.arguments"),

    ngx_av_path(TRACELOOP, MESSAGE, ROLE, "role"),
    ngx_av_path(TRACELOOP, MESSAGE, CONTENT, "content"),
    ngx_av_path(TRACELOOP, MESSAGE, NAME, "name"),
    ngx_av_path(TRACELOOP, MESSAGE, TOOL_CALL_ID, "tool_call_id"),
    ngx_av_path(TRACELOOP, MESSAGE, FINISH_REASON, "finish_reason"),
    ngx_av_path(TRACELOOP, MESSAGE, REFUSAL, "refusal"),
    ngx_av_path(TRACELOOP, MESSAGE, FUNCTION_NAME, "function_call.name"),
    ngx_av_path(TRACELOOP, MESSAGE, FUNCTION_ARGUMENTS,
                "function_call.arguments"),
    ngx_av_path(TRACELOOP, CALL, ID, "id"),
    ngx_av_path(TRACELOOP, CALL, NAME, "name"),
    ngx_av_path(TRACELOOP, CALL, ARGUMENTS, "arguments"),

    ngx_av_path(DOCUMENTS, MESSAGE, ID, "document.id"),
    ngx_av_path(DOCUMENTS, MESSAGE, CONTENT, "document.content"),
    ngx_av_path(DOCUMENTS, MESSAGE, SCORE, "document.score"),
    ngx_av_path(DOCUMENTS, MESSAGE, METADATA, "document.metadata"),

    ngx_av_path(PROMPTS, MESSAGE, CONTENT, "prompt.text"),
    ngx_av_path(CHOICES, MESSAGE, CONTENT, "completion.text"),

    { ngx_null_string, 0, 0, 0 }
};


static const ngx_av_semconv_list_t  ngx_av_semconv_lists[] = {
    { ngx_string("message.contents."), ngx_string("message_content."),
      NGX_AV_SEMCONV_AS_OPENINFERENCE, NGX_AV_SEMCONV_GROUP_PART },
    { ngx_string("message.tool_calls."), ngx_string("tool_call."),
      NGX_AV_SEMCONV_AS_OPENINFERENCE, NGX_AV_SEMCONV_GROUP_CALL },
    { ngx_string("tool_calls."), ngx_null_string,
      NGX_AV_SEMCONV_AS_TRACELOOP, NGX_AV_SEMCONV_GROUP_CALL },
    { ngx_null_string, ngx_null_string, 0, 0 }
};


#define ngx_av_member(leaf, tree, member)                                     \
    { ngx_string("\"" member "\":"), NGX_AV_SEMCONV_LEAF_##leaf, tree }


static const ngx_av_semconv_member_t  ngx_av_semconv_message_members[] = {
    ngx_av_member(NAME, 0, "name"),
    ngx_av_member(TOOL_CALL_ID, 0, "tool_call_id"),
    ngx_av_member(FINISH_REASON, 0, "finish_reason"),
    ngx_av_member(REFUSAL, 0, "refusal"),
    { ngx_null_string, 0, 0 }
};

static const ngx_av_semconv_member_t  ngx_av_semconv_call_members[] = {
    ngx_av_member(ID, 0, "id"),
    ngx_av_member(NAME, 0, "name"),
    ngx_av_member(ARGUMENTS, 1, "arguments"),
    { ngx_null_string, 0, 0 }
};

static const ngx_av_semconv_member_t  ngx_av_semconv_function_members[] = {
    ngx_av_member(FUNCTION_NAME, 0, "name"),
    ngx_av_member(FUNCTION_ARGUMENTS, 1, "arguments"),
    { ngx_null_string, 0, 0 }
};

static const ngx_av_semconv_member_t  ngx_av_semconv_document_members[] = {
    ngx_av_member(ID, 0, "id"),
    ngx_av_member(CONTENT, 0, "content"),
    ngx_av_member(SCORE, 0, "score"),
    ngx_av_member(METADATA, 1, "metadata"),
    { ngx_null_string, 0, 0 }
};


static ngx_inline ngx_uint_t
ngx_av_semconv_begins(const ngx_str_t *text, const ngx_str_t *with)
{
    return with->len == 0
           || (text->len >= with->len
               && ngx_memcmp(text->data, with->data, with->len) == 0);
}


ngx_int_t
ngx_av_semconv_index(ngx_av_semconv_work_t *w, ngx_uint_t row,
    const ngx_av_otlp_attribute_t *attribute)
{
    ngx_str_t                    path;
    ngx_av_semconv_entry_t       found, *entry;
    const ngx_av_semconv_row_t  *r;

    r = &ngx_av_semconv_rows[row];

    path.data = attribute->key.data + r->key.len;
    path.len = attribute->key.len - r->key.len;

    found.sub = 0;

    if (ngx_av_semconv_is_empty(&attribute->value)
        || ngx_av_semconv_number(&path, &found.index) != NGX_OK
        || ngx_av_semconv_locate(&found, r->kind, path) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    entry = ngx_array_push(&w->entries);
    if (entry == NULL) {
        return NGX_ERROR;
    }

    *entry = found;

    entry->row = row;
    entry->order = w->order++;
    entry->value = &attribute->value;

    return NGX_OK;
}


/* Which part of the message: by the path after its index and a dot. */
static ngx_int_t
ngx_av_semconv_locate(ngx_av_semconv_entry_t *entry, ngx_uint_t kind,
    ngx_str_t path)
{
    const ngx_av_semconv_list_t  *list;
    const ngx_av_semconv_path_t  *p;

    entry->group = NGX_AV_SEMCONV_GROUP_MESSAGE;

    for (list = ngx_av_semconv_lists; list->before.len; list++) {

        if (list->kind != kind
            || !ngx_av_semconv_begins(&path, &list->before))
        {
            continue;
        }

        path.data += list->before.len;
        path.len -= list->before.len;

        if (ngx_av_semconv_number(&path, &entry->sub) != NGX_OK
            || !ngx_av_semconv_begins(&path, &list->after))
        {
            return NGX_DECLINED;
        }

        path.data += list->after.len;
        path.len -= list->after.len;

        entry->group = list->group;
        break;
    }

    if (entry->group == NGX_AV_SEMCONV_GROUP_PART) {
        entry->leaf = NGX_AV_SEMCONV_LEAF_PATH;
        entry->path = path;

        return path.len ? NGX_OK : NGX_DECLINED;
    }

    for (p = ngx_av_semconv_paths; p->path.len; p++) {

        if (p->kind == kind && p->group == entry->group
            && p->path.len == path.len
            && ngx_memcmp(p->path.data, path.data, path.len) == 0)
        {
            entry->leaf = p->leaf;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* Digits and a dot, which path is left without. */
static ngx_int_t
ngx_av_semconv_number(ngx_str_t *path, uint64_t *number)
{
    size_t  i;

    *number = 0;

    for (i = 0; i < path->len && path->data[i] != '.'; i++) {

        if (i == NGX_AV_SEMCONV_INDEX_DIGITS
            || path->data[i] < '0' || path->data[i] > '9')
        {
            return NGX_DECLINED;
        }

        *number = *number * 10 + (path->data[i] - '0');
    }

    if (i == 0 || i == path->len) {
        return NGX_DECLINED;
    }

    path->data += i + 1;
    path->len -= i + 1;

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_av_semconv_compare(const void *one, const void *two)
{
    const ngx_av_semconv_entry_t  *a = one;
    const ngx_av_semconv_entry_t  *b = two;

    if (a->row != b->row) {
        return (a->row < b->row) ? -1 : 1;
    }

    if (a->index != b->index) {
        return (a->index < b->index) ? -1 : 1;
    }

    if (a->group != b->group) {
        return (a->group < b->group) ? -1 : 1;
    }

    if (a->sub != b->sub) {
        return (a->sub < b->sub) ? -1 : 1;
    }

    return (a->order > b->order) - (a->order < b->order);
}


/* Most are sent in order, and for the output it is done already. */
static void
ngx_av_semconv_sort(ngx_av_semconv_work_t *w)
{
    ngx_uint_t                     i;
    const ngx_av_semconv_entry_t  *entry;

    entry = w->entries.elts;

    for (i = 1; i < w->entries.nelts; i++) {

        if (ngx_av_semconv_compare(&entry[i - 1], &entry[i]) > 0) {
            ngx_qsort(w->entries.elts, w->entries.nelts,
                      sizeof(ngx_av_semconv_entry_t), ngx_av_semconv_compare);
            return;
        }
    }
}


ngx_int_t
ngx_av_semconv_indexed(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    ngx_uint_t row, const ngx_str_t *role, ngx_str_t *text)
{
    ngx_int_t                      rc;
    ngx_uint_t                     kind, one;
    const ngx_av_semconv_entry_t  *entry, *end;

    ngx_av_semconv_sort(w);

    entry = w->entries.elts;
    end = entry + w->entries.nelts;

    while (entry->row != row) {
        entry++;
    }

    while (end[-1].row != row) {
        end--;
    }

    kind = ngx_av_semconv_rows[row].kind;

    one = (entry->index == end[-1].index
           && (kind == NGX_AV_SEMCONV_AS_PROMPTS
               || kind == NGX_AV_SEMCONV_AS_CHOICES));

    if (one) {

        /* plain text stays plain */

        rc = ngx_av_semconv_text(w, b, end[-1].value, text);
        return (rc == NGX_OK) ? ngx_av_semconv_clean(b, text, 0, text) : rc;
    }

    ngx_av_semconv_reset(b);

    if (ngx_av_semconv_put_chats(w, b, kind, entry, end, role) != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = b->start;
    text->len = ngx_av_buf_len(b);

    return NGX_OK;
}


static ngx_int_t
ngx_av_semconv_put_chats(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    ngx_uint_t kind, const ngx_av_semconv_entry_t *entry,
    const ngx_av_semconv_entry_t *end, const ngx_str_t *role)
{
    u_char                         before;
    ngx_int_t                      rc;
    ngx_av_semconv_leaves_t        leaves;
    const ngx_av_semconv_entry_t  *next, *rest;

    for (before = '['; entry < end; entry = next) {

        next = entry;

        while (next < end && next->index == entry->index) {
            next++;
        }

        if (ngx_av_buf_append(b, &before, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        before = ',';

        rest = ngx_av_semconv_leaves(entry, next,
                                     NGX_AV_SEMCONV_GROUP_MESSAGE, leaves);

        if (kind == NGX_AV_SEMCONV_AS_DOCUMENTS) {
            rc = ngx_av_semconv_put_members(w, b, '{',
                                            ngx_av_semconv_document_members,
                                            leaves);
        } else {
            rc = ngx_av_semconv_put_indexed(w, b, leaves, rest, next, role);
        }

        if (rc != NGX_OK || ngx_av_put(b, "}") != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_av_put(b, "]");
}


/*
 * Spreads the entries of a message, or of one of its calls.  Returns the first
 * that belongs to another group or call, or the end.
 */

static const ngx_av_semconv_entry_t *
ngx_av_semconv_leaves(const ngx_av_semconv_entry_t *entry,
    const ngx_av_semconv_entry_t *end, ngx_uint_t group,
    ngx_av_semconv_leaves_t leaves)
{
    uint64_t  sub;

    ngx_memzero(leaves, sizeof(ngx_av_semconv_leaves_t));

    for (sub = entry->sub;
         entry < end && entry->group == group && entry->sub == sub;
         entry++)
    {
        leaves[entry->leaf] = entry->value;
    }

    return entry;
}


static ngx_int_t
ngx_av_semconv_put_indexed(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    ngx_av_semconv_leaves_t leaves, const ngx_av_semconv_entry_t *rest,
    const ngx_av_semconv_entry_t *end, const ngx_str_t *role)
{
    ngx_int_t                      rc;
    ngx_str_t                      own;
    const ngx_av_otlp_value_t     *value;
    const ngx_av_semconv_entry_t  *calls;

    own = *role;
    value = leaves[NGX_AV_SEMCONV_LEAF_ROLE];

    if (value && value->kind == NGX_AV_OTLP_STRING) {
        own = value->u.text;
    }

    if (ngx_av_put(b, "{\"role\":") != NGX_OK
        || ngx_av_semconv_put_string(b, &own, 0) != NGX_OK
        || ngx_av_put(b, ",\"content\":") != NGX_OK)
    {
        return NGX_ERROR;
    }

    calls = rest;

    while (calls < end && calls->group == NGX_AV_SEMCONV_GROUP_PART) {
        calls++;
    }

    value = leaves[NGX_AV_SEMCONV_LEAF_CONTENT];

    if (value) {
        rc = ngx_av_semconv_put_text_or_parts(w, b, value);

    } else if (calls > rest) {
        rc = ngx_av_semconv_put_parts(w, b, rest, calls);

    } else {
        rc = ngx_av_put(b, "null");
    }

    if (rc != NGX_OK
        || ngx_av_semconv_put_members(w, b, ',',
                                      ngx_av_semconv_message_members, leaves)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (calls < end) {
        return ngx_av_semconv_put_calls(w, b, calls, end);
    }

    if (leaves[NGX_AV_SEMCONV_LEAF_FUNCTION_NAME]) {
        return ngx_av_semconv_put_function(w, b, leaves);
    }

    return NGX_OK;
}


/* Text, or the JSON of an array of parts with types. */
static ngx_int_t
ngx_av_semconv_put_text_or_parts(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value)
{
    ngx_int_t      rc;
    yyjson_val    *first;
    ngx_av_json_t  json;

    rc = ngx_av_semconv_parse_tree(w, value, &json);

    if (rc == NGX_OK) {
        rc = NGX_DECLINED;
        first = yyjson_arr_get_first(json.root);

        if (yyjson_obj_get(first, "type")) {
            rc = ngx_av_semconv_put_content(w, b, json.root);
        }

        ngx_av_json_free(&json);
    }

    return (rc == NGX_DECLINED) ? ngx_av_semconv_put_scalar(w, b, value) : rc;
}


static ngx_int_t
ngx_av_semconv_put_scalar(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_otlp_value_t *value)
{
    ngx_int_t  rc;

    rc = ngx_av_otlp_value_json(b, value, w->limits.depth);

    return (rc == NGX_DECLINED) ? ngx_av_put(b, "null") : rc;
}


static ngx_int_t
ngx_av_semconv_put_parts(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_semconv_entry_t *entry, const ngx_av_semconv_entry_t *end)
{
    uint64_t    sub;
    ngx_str_t   name;
    ngx_uint_t  first;

    if (ngx_av_semconv_parts_are_text(entry, end)) {
        return ngx_av_semconv_put_joined(w, b, entry, end);
    }

    sub = entry->sub;
    first = 1;

    if (ngx_av_put(b, "[{") != NGX_OK) {
        return NGX_ERROR;
    }

    for ( /* void */ ; entry < end; entry++) {

        name = ngx_av_semconv_part_name(&entry->path);

        if (entry->sub != sub) {
            sub = entry->sub;

            if (ngx_av_put(b, "},{") != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (!first && ngx_av_put(b, ",") != NGX_OK) {
            return NGX_ERROR;
        }

        first = 0;

        if (ngx_av_semconv_put_string(b, &name, 0) != NGX_OK
            || ngx_av_put(b, ":") != NGX_OK
            || ngx_av_semconv_put_scalar(w, b, entry->value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_av_put(b, "}]");
}


static ngx_inline ngx_uint_t
ngx_av_semconv_is_part(const ngx_av_semconv_entry_t *entry, const char *path,
    size_t len)
{
    return entry->path.len == len
           && entry->value->kind == NGX_AV_OTLP_STRING
           && ngx_memcmp(entry->path.data, path, len) == 0;
}


static ngx_uint_t
ngx_av_semconv_parts_are_text(const ngx_av_semconv_entry_t *entry,
    const ngx_av_semconv_entry_t *end)
{
    const ngx_str_t  *text;

    for ( /* void */ ; entry < end; entry++) {

        text = &entry->value->u.text;

        if (ngx_av_semconv_is_part(entry, "text", 4)) {
            continue;
        }

        if (!ngx_av_semconv_is_part(entry, "type", 4)
            || text->len != 4 || ngx_memcmp(text->data, "text", 4) != 0)
        {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_av_semconv_put_joined(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_semconv_entry_t *entry, const ngx_av_semconv_entry_t *end)
{
    ngx_str_t         text;
    const ngx_str_t  *part;

    ngx_av_semconv_reset(&w->joined);

    for ( /* void */ ; entry < end; entry++) {

        if (!ngx_av_semconv_is_part(entry, "text", 4)) {
            continue;
        }

        part = &entry->value->u.text;

        if (ngx_av_buf_append(&w->joined, part->data, part->len) != NGX_OK
            || ngx_av_put(&w->joined, "\n") != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    text.data = w->joined.start;
    text.len = ngx_av_buf_len(&w->joined);
    text.len -= (text.len != 0);

    return ngx_av_semconv_put_string(b, &text, 0);
}


/* image.image.url says "image" twice: the second is the attribute's own. */
static ngx_str_t
ngx_av_semconv_part_name(const ngx_str_t *path)
{
    size_t      n;
    u_char     *dot;
    ngx_str_t   name;

    name = *path;

    dot = memchr(path->data, '.', path->len);
    if (dot == NULL) {
        return name;
    }

    n = dot + 1 - path->data;

    if (path->len > 2 * n && ngx_memcmp(path->data, path->data + n, n) == 0) {
        name.data += n;
        name.len -= n;
    }

    return name;
}


static ngx_int_t
ngx_av_semconv_put_calls(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    const ngx_av_semconv_entry_t *entry, const ngx_av_semconv_entry_t *end)
{
    u_char                   before;
    ngx_av_semconv_leaves_t  leaves;

    if (ngx_av_put(b, ",\"tool_calls\":") != NGX_OK) {
        return NGX_ERROR;
    }

    for (before = '['; entry < end; before = ',') {

        entry = ngx_av_semconv_leaves(entry, end, NGX_AV_SEMCONV_GROUP_CALL,
                                      leaves);

        if (ngx_av_buf_append(b, &before, 1) != NGX_OK
            || ngx_av_semconv_put_members(w, b, '{',
                                          ngx_av_semconv_call_members, leaves)
               != NGX_OK
            || ngx_av_put(b, "}") != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_av_put(b, "]");
}


/* The call of a time when there was only one: calls of tools as above. */
static ngx_int_t
ngx_av_semconv_put_function(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    ngx_av_semconv_leaves_t leaves)
{
    if (ngx_av_put(b, ",\"tool_calls\":[") != NGX_OK
        || ngx_av_semconv_put_members(w, b, '{',
                                      ngx_av_semconv_function_members, leaves)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_av_put(b, "}]");
}


/* before: what precedes the first member; others follow a comma. */
static ngx_int_t
ngx_av_semconv_put_members(ngx_av_semconv_work_t *w, ngx_av_buf_t *b,
    u_char before, const ngx_av_semconv_member_t *members,
    ngx_av_semconv_leaves_t leaves)
{
    ngx_int_t                   rc;
    const ngx_av_otlp_value_t  *value;

    for ( /* void */ ; members->member.len; members++) {

        value = leaves[members->leaf];

        if (value == NULL) {
            continue;
        }

        if (ngx_av_buf_append(b, &before, 1) != NGX_OK
            || ngx_av_buf_append(b, members->member.data, members->member.len)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = members->tree ? ngx_av_semconv_put_value(w, b, value)
                           : ngx_av_semconv_put_scalar(w, b, value);
        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        before = ',';
    }

    return NGX_OK;
}
