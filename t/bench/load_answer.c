#include "load.h"

#include <unistd.h>


static unsigned
load_field(const char *body, const char *name, unsigned missing)
{
    const char  *p;

    p = strstr(body, name);
    if (p == NULL) {
        return missing;
    }

    p += strlen(name);

    return strtoul(p + strspn(p, " :"), NULL, 10);
}


/*
 * An OTLP answer that says anything is taken for one that refuses something:
 * all that we send is good.
 */

static unsigned
load_otlp_refused(const char *body, size_t len)
{
    static const char  *nothing[] = {
        "", "{}", "{\"partialSuccess\":{}}", "{\"success\":true}",
        "{\"partialSuccess\":null}", NULL
    };

    unsigned  i;

    for (i = 0; nothing[i] != NULL; i++) {
        if (len == strlen(nothing[i]) && memcmp(body, nothing[i], len) == 0) {
            return 0;
        }
    }

    return 1;
}


static void
load_acknowledged(load_conn_t *c)
{
    char         id[37];
    unsigned     i, accepted;
    const char  *body;

    body = c->response + c->head;

    if (load.encoding != BODIES_BATCH) {
        if (load_otlp_refused(body, c->response + c->received - body)) {
            load.rejected += load.traces;

        } else {
            load.acked_items += load.template.items;
        }

        return;
    }

    accepted = load_field(body, "\"accepted\"", 0);

    load.acked_items += (uint64_t) accepted * load.spans;
    load.rejected += load_field(body, "\"rejected\"", 0);

    if (load.ack == NULL || accepted != load.traces) {
        return;
    }

    for (i = 0; i < load.traces; i++) {
        id[36] = '\n';
        template_uuid(id, (const unsigned char *) c->ids[i]);
        fwrite(id, 1, 37, load.ack);
    }
}


/* The path of the page after the one that was answered; else that is all. */

static void
load_next_page(load_conn_t *c, uint64_t now)
{
    int           n;
    char          path[LOAD_TAIL], cursor[512];
    const char   *p, *end;

    static const char  name[] = "\"next_cursor\"";

    p = c->status == 200 ? strstr(c->response + c->head, name) : NULL;

    if (p != NULL) {
        p += sizeof(name) - 1;
        p += strspn(p, " :");
    }

    if (p == NULL || *p != '"') {
        load.end = now;
        return;
    }

    n = 0;

    for (end = p + 1; *end != '"' && *end != '\0'; end++) {
        n += snprintf(cursor + n, sizeof(cursor) - n, "%%%02x",
                      (unsigned char) *end);

        if ((size_t) n >= sizeof(cursor) - 4) {
            bench_die("too long a cursor");
        }
    }

    cursor[n] = '\0';

    snprintf(path, sizeof(path), "%s%ccursor=%s", load.follow,
             strchr(load.follow, '?') ? '&' : '?', cursor);

    free(load.path_list[0]);
    load.path_list[0] = strdup(path);
}


/*
 * The rate is that of answers between start and end.  An answer that comes
 * after the end has no part in it, but its latency counts.
 */

void
load_complete(load_conn_t *c)
{
    uint64_t  now;

    now = bench_now();

    if (c->due >= load.start) {
        bench_hist_add(load.latency, now - c->due);
    }

    if (now >= load.start && now < load.end) {
        load.requests++;
        load.status[c->status]++;

        if (c->status == 200 && load.path_list == NULL) {
            load_acknowledged(c);
        }

    } else if (load.ack != NULL && c->status == 200) {
        load_acknowledged(c);
    }

    if (c->close) {
        close(c->fd);
        c->fd = -1;
    }

    if (load.follow != NULL) {
        load_next_page(c, now);
    }

    if (load.rate == 0 && now < load.end) {
        load_send(c, now);
        return;
    }

    load_idle(c);
}
