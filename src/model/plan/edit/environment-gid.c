/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * environment-gid - variables with the groups that an application is to have
 *
 *     lxc.environment.runtime: SUP_GROUP_IDS=44,104
 *
 * What starts the application takes them as they are. Where the group of a node is another one
 * now, the list names a group that no node has and lacks the one that opens it.
 */
#include "model/plan/edit/environment-gid.h"

#include "base/number.h"
#include "model/conf/application.h"

/* Names for groups of devices; GROUP_ID and PGID are the application's own group. */
static bool is_about_groups(struct bytes name) {
        return bytes_contains(name, "SUP_GROUP") || bytes_contains(name, "GROUP_IDS") ||
               ((bytes_contains(name, "GID") || bytes_contains(name, "GROUP")) &&
                (bytes_contains(name, "RENDER") || bytes_contains(name, "VIDEO") ||
                 bytes_contains(name, "GPU")));
}

/** struct numbers - gids */
struct numbers {
        uint32_t *items;
        size_t n;
};

static bool has(const struct numbers *list, uint32_t gid) {
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i] == gid)
                        return true;
        return false;
}

static void add(const struct editor *e, struct numbers *list, uint32_t gid) {
        if (!has(list, gid))
                *ARENA_PUSH(e->a, list->items, list->n) = gid;
}

/* A devN line as it is after this edit; a node that all may open asks for no group. */
static bool dev_gid(const struct editor *e, size_t i, uint32_t *ret) {
        struct conf_line l = e->c->lines[i];
        struct devline d;
        uint32_t mode = 0;
        const char *at;

        if (l.new_value)
                l.value = bytes_of(l.new_value);
        d = devline_parse(e->a, &l);
        at = strstr(d.rest, ",mode=");
        if (at && !parse_u32((struct bytes){ at + 6, strcspn(at + 6, ",") }, &mode))
                return false;
        return !l.dropped && mode % 10 != 6 && parse_u32(d.gid, ret);
}

/* The container's gids of the nodes that it is given and not everybody may open. */
static struct numbers node_gids(const struct editor *e) {
        struct numbers list = { 0 };
        uint32_t gid;

        for (size_t i = 1; i < e->n_lines; i++)
                if (e->lines[i].type == DEVLINE_DEV && dev_gid(e, i, &gid))
                        add(e, &list, gid);
        for (size_t i = 0; i < e->p->n_nodes; i++) {
                const struct plan_node *pn = &e->p->nodes[i];

                gid = pn->node->gid;
                if (pn->required && pn->form == METHOD_IDMAP && gid != 0 &&
                    (pn->node->mode & 06) != 06 &&
                    (!e->p->userns || idmap_lookup_outside(&e->p->map, gid, &gid)))
                        add(e, &list, gid);
        }
        return list;
}

/*
 * "44,104" with the one number renewed that is no node's: of a group that is given out
 * dynamically, as render is. NULL where that, or what ought to be there, is not one.
 */
static const char *renewed(const struct editor *e, struct bytes text, const struct numbers *nodes) {
        struct bytes rest = text, stale = { 0 };
        struct numbers listed = { 0 }, lacking = { 0 };
        size_t n_stale = 0;

        while (rest.len > 0) {
                struct bytes word = bytes_trim(bytes_cut_any(&rest, ", "));
                uint32_t gid;

                if (word.len == 0)
                        continue;
                if (!parse_u32(word, &gid))
                        return NULL;
                add(e, &listed, gid);
                if (gid <= LAST_STATIC_GID || gid >= FIRST_USER_GID || has(nodes, gid))
                        continue;
                stale = word;
                n_stale++;
        }
        for (size_t i = 0; i < nodes->n; i++)
                if (!has(&listed, nodes->items[i]) && nodes->items[i] > LAST_STATIC_GID)
                        add(e, &lacking, nodes->items[i]);
        return n_stale == 1 && lacking.n == 1
                       ? devline_replace(e->a, text, stale,
                                         arena_printf(e->a, "%u", lacking.items[0]))
                       : NULL;
}

void environment_gids_report(const struct editor *e) {
        struct numbers nodes = { 0 };
        bool asked = false;

        for (size_t i = 1; i < e->n_lines; i++) {
                struct bytes name, value;
                const char *now;

                if (environment_parse(&e->c->lines[i], &name, &value) == ENVIRONMENT_NONE ||
                    !is_about_groups(name))
                        continue;
                if (!asked)
                        nodes = node_gids(e);
                asked = true;
                now = renewed(e, value, &nodes);
                if (now)
                        editor_report(e, (struct finding){ .code = FINDING_ENVIRONMENT_GID,
                                                           .where = editor_where(e, i),
                                                           .what = editor_text(e, name),
                                                           .old = editor_text(e, value),
                                                           .new = now });
        }
}
