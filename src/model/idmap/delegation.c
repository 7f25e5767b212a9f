/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* delegation - what may be taken back without a container missing it */
#include "model/idmap/delegation.h"

#include "base/number.h"
#include "model/idmap/idmap.h"

void delegations_set(struct arena *a, struct delegations *d, uint32_t gid, bool have) {
        size_t n = 0;

        for (size_t i = 0; i < d->n; i++)
                if (d->gids[i] != gid)
                        d->gids[n++] = d->gids[i];
        d->n = n;
        if (have)
                *ARENA_PUSH(a, d->gids, d->n) = gid;
}

void delegations_parse(struct arena *a, struct bytes text, struct delegations *ret) {
        uint32_t gid;

        *ret = (struct delegations){ 0 };
        while (text.len > 0)
                if (parse_u32(bytes_cut(&text, '\n'), &gid))
                        delegations_set(a, ret, gid, true);
}

struct bytes delegations_write(struct arena *a, const struct delegations *d) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < d->n; i++)
                strbuf_printf(&b, "%u\n", d->gids[i]);
        return strbuf_bytes(&b);
}

static bool range_has(uint32_t start, uint32_t count, uint32_t id) {
        return id >= start && id - start < count;
}

bool delegation_is_alone(const struct facts *f, uint32_t gid) {
        size_t n = 0;

        for (size_t i = 0; i < f->n_subgids; i++) {
                const struct subid_range *r = &f->subgids[i];

                if (!range_has(r->start, r->count, gid))
                        continue;
                if (r->count != 1 || ++n > 1)
                        return false;
        }
        return n == 1;
}

static bool nodes_have(const struct node *nodes, size_t n, uint32_t gid) {
        for (size_t i = 0; i < n; i++)
                if (nodes[i].gid == gid)
                        return true;
        return false;
}

bool delegation_is_current(const struct facts *f, uint32_t gid) {
        for (int i = 0; i < GID_GROUPS; i++)
                if (f->groups[i].present && f->groups[i].gid == gid)
                        return true;
        for (size_t i = 0; i < f->n_gpus; i++)
                if (nodes_have(f->gpus[i].nodes, f->gpus[i].n_nodes, gid))
                        return true;
        return nodes_have(f->shared, f->n_shared, gid);
}

/* The lines of another file may map anything; those of LXC's own do not. */
static bool includes(struct bytes key, struct bytes value) {
        return bytes_equal(key, BYTES("lxc.include")) && value.len > 0 &&
               !bytes_has_prefix(value, "/usr/share/lxc/");
}

/* Without a value, as in "lxc.idmap =", a line takes back those before it. */
static bool line_maps(struct bytes line, uint32_t gid) {
        struct bytes key = bytes_trim(bytes_cut_any(&line, ":=")), value = bytes_trim(line);
        struct extent e;
        char type;

        if (!BYTES_IN(key, "lxc.idmap", "lxc.id_map") || value.len == 0)
                return includes(key, value);
        return idmap_parse_line(value, &type, &e) != IDMAP_OK ||
               (type == 'g' && range_has(e.outside, e.count, gid));
}

bool delegation_in_lines(struct bytes text, uint32_t gid) {
        while (text.len > 0)
                if (line_maps(bytes_cut(&text, '\n'), gid))
                        return true;
        return false;
}

bool delegation_in_map(struct bytes text, uint32_t gid) {
        while (text.len > 0) {
                struct bytes line = bytes_cut(&text, '\n');
                struct bytes inside = bytes_word(&line), outside = bytes_word(&line);
                uint32_t start, first, count;

                if (!parse_u32(inside, &start) || !parse_u32(outside, &first) ||
                    !parse_u32(bytes_trim(line), &count))
                        continue;
                if (!(start == 0 && first == 0 && count == UINT32_MAX) &&
                    range_has(first, count, gid))
                        return true;
        }
        return false;
}
