#include "ngx_av_json_scan.h"


static u_char *ngx_av_json_skip_blanks(u_char *p, u_char *last);
static u_char *ngx_av_json_skip_string(u_char *p, u_char *last);
static u_char *ngx_av_json_skip_value(u_char *p, u_char *last);


ngx_str_t
ngx_av_json_trim(ngx_str_t text)
{
    u_char  *p;

    p = ngx_av_json_skip_blanks(text.data, text.data + text.len);

    text.len -= p - text.data;
    text.data = p;

    return text;
}


ngx_int_t
ngx_av_json_member(ngx_str_t *rest, ngx_str_t *key, ngx_str_t *value)
{
    u_char  *p, *last;

    last = rest->data + rest->len;

    p = ngx_av_json_skip_blanks(rest->data, last);

    /* at the beginning, or past a value */

    if (p == last || (*p != '{' && *p != ',')) {
        return NGX_DONE;
    }

    p = ngx_av_json_skip_blanks(p + 1, last);

    if (p == last || *p != '"') {
        return NGX_DONE;
    }

    key->data = p;
    p = ngx_av_json_skip_string(p, last);
    key->len = p - key->data;

    p = ngx_av_json_skip_blanks(p, last);

    if (p == last || *p != ':') {
        return NGX_DONE;
    }

    p = ngx_av_json_skip_blanks(p + 1, last);

    value->data = p;
    p = ngx_av_json_skip_value(p, last);
    value->len = p - value->data;

    rest->data = p;
    rest->len = last - p;

    return value->len ? NGX_OK : NGX_DONE;
}


static u_char *
ngx_av_json_skip_blanks(u_char *p, u_char *last)
{
    while (p < last
           && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
    {
        p++;
    }

    return p;
}


/* From its opening quote to past the closing one. */

static u_char *
ngx_av_json_skip_string(u_char *p, u_char *last)
{
    for (p++; p < last; p++) {

        if (*p == '"') {
            return p + 1;
        }

        if (*p == '\\' && last - p > 1) {
            p++;
        }
    }

    return last;
}


static u_char *
ngx_av_json_skip_value(u_char *p, u_char *last)
{
    ngx_uint_t  depth;

    depth = 0;

    while (p < last) {

        switch (*p) {

        case '"':
            p = ngx_av_json_skip_string(p, last);
            break;

        case '{':
        case '[':
            depth++;
            p++;
            break;

        case '}':
        case ']':
            if (depth == 0) {
                return p;
            }

            depth--;
            p++;
            break;

        case ',':
        case ' ':
        case '\n':
        case '\t':
        case '\r':
            if (depth == 0) {
                return p;
            }

            /* fall through */

        default:
            p++;
            continue;
        }

        if (depth == 0) {
            return p;
        }
    }

    return last;
}
