/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * baseline - compare, advance, and the text it is kept as
 *
 * The text ends in a line "end": a file that was cut has none and is
 * thrown away, because half a baseline would report half the host as new.
 *
 *     gpuanchor-baseline 1
 *     group video 44
 *     driver nvidia 550.163.01
 *     gpu 0000:c1:00.0 1002:150e 1f66:0031 amdgpu here AMD Radeon 890M
 *     node card /dev/dri/card1 226:1 0660
 *     end
 */
#include "model/watch/baseline.h"

#include "base/number.h"
#include "model/finding/reason.h"

#define HEADER "gpuanchor-baseline 1"

static const struct gpu *find_here(const struct known_gpu *k, const struct facts *now) {
        const struct gpu *g = facts_find_gpu(now, k->address);

        return g && pci_ids_equal(&k->ids, &g->ids) ? g : NULL;
}

static const struct known_gpu *find_known(const struct baseline *b, const struct gpu *g) {
        for (size_t i = 0; i < b->n_gpus; i++)
                if (streq(b->gpus[i].address, g->address) &&
                    pci_ids_equal(&b->gpus[i].ids, &g->ids))
                        return &b->gpus[i];
        return NULL;
}

/* Where a GPU went: the only one with its ids at an address where none with them was known. */
static const struct gpu *find_moved(const struct baseline *b, const struct known_gpu *k,
                                    const struct facts *now) {
        const struct gpu *found = NULL;
        size_t homeless = 0, candidates = 0;

        if (!pci_ids_known(&k->ids))
                return NULL;
        for (size_t i = 0; i < b->n_gpus; i++) {
                const struct known_gpu *o = &b->gpus[i];

                homeless += pci_ids_equal(&o->ids, &k->ids) && !find_here(o, now);
        }
        for (size_t i = 0; i < now->n_gpus; i++)
                if (pci_ids_equal(&k->ids, &now->gpus[i].ids) && !find_known(b, &now->gpus[i])) {
                        candidates++;
                        found = &now->gpus[i];
                }
        return homeless == 1 && candidates == 1 ? found : NULL;
}

static struct known_gpu known_of(struct arena *a, const struct gpu *g) {
        struct known_gpu k = {
                .address = g->address, .ids = g->ids, .driver = g->driver, .name = g->name
        };

        for (size_t i = 0; i < g->n_nodes; i++) {
                const struct node *n = &g->nodes[i];

                *ARENA_PUSH(a, k.nodes, k.n_nodes) = (struct known_node){
                        .kind = n->kind,
                        .path = n->path,
                        .number = n->number,
                        .has_mode = n->state == NODE_CHAR,
                        .mode = n->state == NODE_CHAR ? n->mode : 0,
                };
        }
        return k;
}

static bool same_nodes(const struct known_gpu *a, const struct known_gpu *b) {
        for (size_t i = 0; i < a->n_nodes && i < b->n_nodes; i++)
                if (!devnum_equal(a->nodes[i].number, b->nodes[i].number) ||
                    !streq(a->nodes[i].path, b->nodes[i].path))
                        return false;
        return a->n_nodes == b->n_nodes;
}

/* "card1 (226:1) renderD128 (226:128)" */
static const char *describe_nodes(struct arena *a, const struct known_gpu *k) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < k->n_nodes; i++)
                strbuf_printf(&b, "%s%s (%s)", b.len ? " " : "",
                              strrchr(k->nodes[i].path, '/') + 1,
                              devnum_text(a, k->nodes[i].number));
        return b.len ? strbuf_str(&b) : WHY_NO_NODES;
}

static const char *describe(struct arena *a, const struct known_gpu *k) {
        return arena_printf(a, "%s %s", pci_ids_model(a, &k->ids),
                            k->driver ? k->driver : WHY_NO_DRIVER);
}

static const struct known_node *node_at(const struct known_gpu *k, const char *path) {
        for (size_t i = 0; i < k->n_nodes; i++)
                if (streq(k->nodes[i].path, path))
                        return &k->nodes[i];
        return NULL;
}

/* Of nodes that are what they were: a new node has the mode that it was made with. */
static void compare_modes(const struct known_gpu *k, const struct known_gpu *is,
                          struct findings *f) {
        for (size_t i = 0; i < k->n_nodes; i++) {
                const struct known_node *x = &k->nodes[i], *y = node_at(is, x->path);

                if (!y || !x->has_mode || !y->has_mode || x->mode == y->mode)
                        continue;
                finding_add(f, (struct finding){ .code = FINDING_NODE_MODE_CHANGED,
                                                 .gpu = is->address,
                                                 .what = y->path,
                                                 .old = arena_printf(f->arena, "%04o", x->mode),
                                                 .new = arena_printf(f->arena, "%04o", y->mode) });
        }
}

static void compare_known(const struct baseline *before, const struct known_gpu *k,
                          const struct facts *now, struct findings *f) {
        struct arena *a = f->arena;
        const struct gpu *g = find_here(k, now), *moved;
        struct finding item = { .gpu = k->address, .name = k->name, .what = describe(a, k) };
        struct known_gpu is;
        bool back;

        if (!g) {
                moved = find_moved(before, k, now);
                item.code = moved ? FINDING_GPU_MOVED : FINDING_GPU_GONE;
                item.old = k->address;
                item.new = moved ? moved->address : describe_nodes(a, k);
                finding_add(f, item);
                return;
        }
        is = known_of(a, g);
        item.what = describe(a, &is);
        item.old = describe_nodes(a, k);
        item.new = describe_nodes(a, &is);
        back = k->gone || (k->idle && k->n_nodes > 0 && is.n_nodes > 0);
        if (back) {
                item.code = FINDING_GPU_BACK;
                finding_add(f, item);
        } else if (is.n_nodes > 0 && !same_nodes(k, &is)) {
                item.code = FINDING_GPU_RENUMBERED;
                finding_add(f, item);
        }
        if ((!back || k->gone) &&
            (!k->driver != !is.driver || (k->driver && !streq(k->driver, is.driver)))) {
                item.code = FINDING_GPU_DRIVER_CHANGED;
                item.severity =
                        is.n_nodes > 0 ? SEV_NOTICE : 0; /* it came back to one that serves */
                item.old = k->driver ? k->driver : "none";
                item.new = is.driver ? is.driver : "none";
                finding_add(f, item);
        }
        if (!k->gone && !k->idle)
                compare_modes(k, &is, f);
}

static const char *describe_group(struct arena *a, struct host_group g) {
        return g.present ? arena_printf(a, "gid %u", g.gid) : WHY_NO_GID;
}

static void compare_group(const char *name, struct host_group before, struct host_group now,
                          struct findings *f) {
        if (before.present == now.present && before.gid == now.gid)
                return;
        finding_add(f, (struct finding){ .code = FINDING_GROUP_CHANGED,
                                         .what = name,
                                         .old = describe_group(f->arena, before),
                                         .new = describe_group(f->arena, now) });
}

void baseline_compare(const struct baseline *before, const struct facts *now, struct findings *f) {
        for (size_t i = 0; i < before->n_gpus; i++)
                compare_known(before, &before->gpus[i], now, f);
        for (size_t i = 0; i < now->n_gpus; i++) {
                const struct gpu *g = &now->gpus[i];
                struct known_gpu is = known_of(f->arena, g);
                bool moved_here = false;

                for (size_t j = 0; j < before->n_gpus; j++)
                        moved_here |= !find_here(&before->gpus[j], now) &&
                                      find_moved(before, &before->gpus[j], now) == g;
                if (!find_known(before, g) && !moved_here)
                        finding_add(f, (struct finding){ .code = FINDING_GPU_NEW,
                                                         .gpu = g->address,
                                                         .what = describe(f->arena, &is),
                                                         .new = describe_nodes(f->arena, &is) });
        }
        for (int i = 0; i < GID_GROUPS; i++)
                compare_group(gid_group_name(i), before->groups[i], now->groups[i], f);
        if (before->nvidia_version && now->nvidia_version &&
            !streq(before->nvidia_version, now->nvidia_version))
                finding_add(f, (struct finding){ .code = FINDING_DRIVER_VERSION_CHANGED,
                                                 .old = before->nvidia_version,
                                                 .new = now->nvidia_version });
}

void baseline_next(struct arena *a, const struct baseline *before, const struct facts *now,
                   struct baseline *ret) {
        struct baseline b = { 0 };

        memcpy(b.groups, now->groups, sizeof(b.groups));
        b.nvidia_version = now->nvidia_version ? now->nvidia_version
                           : before            ? before->nvidia_version
                                               : NULL;
        for (size_t i = 0; i < now->n_gpus; i++) {
                const struct known_gpu *was = before ? find_known(before, &now->gpus[i]) : NULL;
                struct known_gpu k = known_of(a, &now->gpus[i]);

                /* without its driver it has none; what it had says that it is back, or renumbered */
                k.idle = k.n_nodes == 0;
                if (was && k.idle)
                        k.nodes = was->nodes, k.n_nodes = was->n_nodes;
                *ARENA_PUSH(a, b.gpus, b.n_gpus) = k;
        }
        for (size_t i = 0; before && i < before->n_gpus; i++) {
                const struct known_gpu *k = &before->gpus[i];

                if (find_here(k, now) || find_moved(before, k, now))
                        continue;
                *ARENA_PUSH(a, b.gpus, b.n_gpus) = *k;
                b.gpus[b.n_gpus - 1].gone = true;
        }
        *ret = b;
}

static bool is_named(const char *address, const char *const *named, size_t n_named) {
        for (size_t i = 0; i < n_named; i++)
                if (streq(address, named[i]))
                        return true;
        return false;
}

void baseline_forget(struct baseline *b, const char *const *named, size_t n_named) {
        size_t n = 0;

        for (size_t i = 0; i < b->n_gpus; i++)
                if (!b->gpus[i].gone || is_named(b->gpus[i].address, named, n_named))
                        b->gpus[n++] = b->gpus[i];
        b->n_gpus = n;
}

static void write_node(struct strbuf *t, const struct known_node *n) {
        strbuf_printf(t, "node %s %s %s ", node_kind_name(n->kind), n->path,
                      devnum_text(t->arena, n->number));
        if (n->has_mode)
                strbuf_printf(t, "%04o\n", n->mode);
        else
                strbuf_adds(t, "-\n");
}

struct bytes baseline_write(struct arena *a, const struct baseline *b) {
        struct strbuf t = { .arena = a };

        strbuf_adds(&t, HEADER "\n");
        for (int i = 0; i < GID_GROUPS; i++)
                if (b->groups[i].present)
                        strbuf_printf(&t, "group %s %u\n", gid_group_name(i), b->groups[i].gid);
        if (b->nvidia_version)
                strbuf_printf(&t, "driver nvidia %s\n", b->nvidia_version);
        for (size_t i = 0; i < b->n_gpus; i++) {
                const struct known_gpu *k = &b->gpus[i];

                strbuf_printf(&t, "gpu %s %s %s %s %s%s%s\n", k->address, pci_ids_model(a, &k->ids),
                              pci_ids_subsystem(a, &k->ids), k->driver ? k->driver : "-",
                              k->gone ? "gone" : k->idle ? "idle" : "here", k->name ? " " : "",
                              k->name ? k->name : "");
                for (size_t j = 0; j < k->n_nodes; j++)
                        write_node(&t, &k->nodes[j]);
        }
        strbuf_adds(&t, "end\n");
        return strbuf_bytes(&t);
}

static const char *word(struct arena *a, struct bytes *rest) {
        struct bytes w = bytes_word(rest);

        return arena_strndup(a, w.data ? w.data : "", w.len);
}

static bool read_gpu(struct arena *a, struct bytes rest, struct baseline *b) {
        struct known_gpu k = { .address = word(a, &rest) };
        struct bytes model = bytes_word(&rest), subsystem = bytes_word(&rest);
        const char *driver = word(a, &rest), *where = word(a, &rest);

        if (!*k.address || !pci_ids_parse(model, &k.ids.vendor, &k.ids.device) ||
            !pci_ids_parse(subsystem, &k.ids.subvendor, &k.ids.subdevice) || !*driver ||
            (!streq(where, "here") && !streq(where, "idle") && !streq(where, "gone")))
                return false;
        k.driver = streq(driver, "-") ? NULL : driver;
        k.idle = streq(where, "idle");
        k.gone = streq(where, "gone");
        rest = bytes_trim(rest);
        k.name = rest.len > 0 ? arena_strndup(a, rest.data, rest.len) : NULL;
        *ARENA_PUSH(a, b->gpus, b->n_gpus) = k;
        return true;
}

/* "0660", or "-" for a node that was not there */
static bool read_mode(const char *text, struct known_node *n) {
        n->has_mode = !streq(text, "-");
        for (const char *c = text; n->has_mode && *c; c++) {
                if (*c < '0' || *c > '7' || c - text >= 4)
                        return false;
                n->mode = n->mode * 8 + (uint32_t)(*c - '0');
        }
        return *text != '\0';
}

static bool read_node(struct arena *a, struct bytes rest, struct baseline *b) {
        struct bytes kind = bytes_word(&rest);
        struct known_node n = { .path = word(a, &rest) };
        struct known_gpu *g;

        if (b->n_gpus == 0 || !node_kind_parse(kind, &n.kind) || n.path[0] != '/' || !devnum_parse(bytes_word(&rest), &n.number) ||
            !read_mode(word(a, &rest), &n))
                return false;
        g = &b->gpus[b->n_gpus - 1];
        *ARENA_PUSH(a, g->nodes, g->n_nodes) = n;
        return true;
}

static bool read_group(struct arena *a, struct bytes rest, struct baseline *b) {
        const char *name = word(a, &rest);
        struct host_group g = { .present = true };

        if (!parse_u32(bytes_word(&rest), &g.gid))
                return false;
        for (int i = 0; i < GID_GROUPS; i++)
                if (streq(name, gid_group_name(i))) {
                        b->groups[i] = g;
                        return true;
                }
        return false;
}

static bool read_driver(struct arena *a, struct bytes rest, struct baseline *b) {
        bool known = bytes_equal(bytes_word(&rest), BYTES("nvidia"));
        struct bytes version = bytes_word(&rest);

        if (known && version.len > 0)
                b->nvidia_version = bytes_dup(a, version);
        return known && version.len > 0;
}

static bool read_entry(struct arena *a, const char *first, struct bytes rest, struct baseline *b) {
        if (streq(first, "gpu"))
                return read_gpu(a, rest, b);
        if (streq(first, "node"))
                return read_node(a, rest, b);
        if (streq(first, "driver"))
                return read_driver(a, rest, b);
        return streq(first, "group") && read_group(a, rest, b);
}

bool baseline_read(struct arena *a, struct bytes text, struct baseline *ret) {
        struct baseline b = { 0 };
        bool header = false, end = false;

        while (text.len > 0 && !end) {
                struct bytes line = bytes_line(&text), rest;
                const char *first;

                if (!bytes_take_suffix(&line, "\n"))
                        return false;
                if (!header) {
                        if (!bytes_equal(line, BYTES(HEADER)))
                                return false;
                        header = true;
                        continue;
                }
                rest = line;
                first = word(a, &rest);
                if (streq(first, "end"))
                        end = true;
                else if (!read_entry(a, first, rest, &b))
                        return false;
        }
        if (!end || text.len > 0)
                return false;
        *ret = b;
        return true;
}
