/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * edit-idmap - one line for each extent of the map
 */
#include "model/plan/edit/edit-idmap.h"

static bool is_gid_line(const struct editor *e, size_t i) {
        return e->lines[i].type == DEVLINE_IDMAP && e->c->lines[i].value.len > 0 &&
               e->c->lines[i].value.data[0] == 'g';
}

/* Without a line of its own the container has Proxmox's map, and one line replaces all of it. */
static size_t find_map(const struct editor *e, struct idmap *ret_map) {
        size_t last = 0;
        bool any = false;

        for (size_t i = 1; i < e->n_lines; i++) {
                struct extent x;
                char type;

                any |= e->lines[i].type == DEVLINE_IDMAP;
                if (!is_gid_line(e, i) ||
                    idmap_parse_line(e->c->lines[i].value, &type, &x) != IDMAP_OK)
                        continue;
                last = i;
                *ARENA_PUSH(e->a, ret_map->extents, ret_map->n_extents) = x;
        }
        if (!any)
                *ARENA_PUSH(e->a, ret_map->extents, ret_map->n_extents) = idmap_default();
        return last;
}

void edit_idmap(struct editor *e) {
        struct findings *f = e->f;
        struct idmap now = { 0 };
        const struct idmap *map = &e->p->map;
        struct extent base = idmap_default();
        size_t last = find_map(e, &now), next = 0;

        if (!e->p->userns || idmap_equal(e->a, &now, map))
                return;
        e->f = NULL; /* the findings about holes say it already */
        if (last == 0) {
                last = pctconf_last(e->c);
                if (now.n_extents > 0 && !e->p->has_map)
                        pctconf_insert(e->c, last, "lxc.idmap", idmap_line(e->a, 'u', &base));
        }
        for (size_t i = 1; i < e->n_lines; i++) {
                if (!is_gid_line(e, i))
                        continue;
                if (next < map->n_extents)
                        editor_change(e, i, idmap_line(e->a, 'g', &map->extents[next++]));
                else
                        pctconf_drop(e->c, i);
        }
        for (; next < map->n_extents; next++)
                pctconf_insert(e->c, last, "lxc.idmap", idmap_line(e->a, 'g', &map->extents[next]));
        e->f = f;
}
