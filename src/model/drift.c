/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * drift - edits, line by line
 *
 * The same code goes over the container file and over the configuration that
 * Proxmox generated from it. The first pass settles the text of every line, the
 * second one writes that text, so that the two cannot come to say different things.
 */
#include "model/drift.h"
#include "model/gids.h"

#define NVIDIA_MAJOR 195

/** struct want - a line that shall be there; @text is settled in the container file */
struct want {
        const struct plan_node *pn;
        const char *text;
        bool required; /* added when it is not there */
        bool deny_write;
        bool done;
};

struct wants {
        struct want *items;
        size_t n;
};

struct editor {
        struct arena *a;
        const struct plan_input *in;
        const struct plan *p;
        struct pctconf *c;
        const struct devline *lines; /* of @c, same index */
        size_t n_lines;
        const char *name;
        struct findings *f; /* NULL: say nothing, the other file has said it */
        struct drift *drift;
};

/** struct line_class - what differs between the kinds of line that give a device */
struct line_class {
        enum devline_type type;
        bool legacy;
        bool exclusive; /* two lines for one node make the start fail */
        const char *key; /* of an added line; NULL: the next free devN */
        bool (*fits)(const struct editor *e, size_t i, const struct want *w);
        const char *(*text)(const struct editor *e, const struct devline *d, const struct want *w);
};

/* ---- telling ---- */

static void tell(const struct editor *e, struct finding item) {
        if (e->f)
                finding_add(e->f, item);
}

static const char *where(const struct editor *e, size_t i) {
        /* a parked line is not in the file, so it has no number there */
        return e->c->lines[i].parked
                       ? e->name
                       : arena_printf(e->a, "%s:%zu", e->name, e->c->lines[i].number);
}

static const char *text_of(const struct editor *e, struct bytes b) {
        return arena_strndup(e->a, b.data, b.len);
}

static void tell_why(const struct editor *e, size_t i) {
        const struct devline *d = &e->lines[i];
        struct finding item = { .where = where(e, i), .old = text_of(e, e->c->lines[i].text) };

        if (e->c->lines[i].parked)
                return;
        if (d->broken) {
                item.code = FINDING_LINE_BROKEN;
                item.what = d->broken;
                tell(e, item);
        } else if (devline_is_wide(e->in->facts, d)) {
                item.code = FINDING_ACCESS_WIDE;
                tell(e, item);
        }
}

/* The name inside the container changes: whoever was told the old one must know. */
static void tell_renamed(const struct editor *e, size_t i, const struct want *w) {
        const struct devline *d = &e->lines[i];
        struct bytes source = d->path.clean;
        struct bytes inside = d->type == DEVLINE_MOUNT ? d->target_path.clean : source;

        if ((d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV) || d->broken ||
            (d->path.scope == PATH_NODE && bytes_equal(inside, source)) ||
            bytes_equal(inside, bytes_of(w->pn->node->path)))
                return;
        tell(e, (struct finding){ .code = FINDING_NODE_RENAMED,
                                  .where = where(e, i),
                                  .old = text_of(e, inside),
                                  .new = w->pn->node->path });
}

/* ---- the four edits ---- */

static const char *free_dev_key(const struct editor *e) {
        for (unsigned n = 0;; n++) {
                const char *key = arena_printf(e->a, "dev%u", n);
                const char *start = arena_printf(e->a, "%s: ", key);
                bool taken = false;

                for (size_t i = 0; i < e->c->n_lines; i++) {
                        const struct conf_line *l = &e->c->lines[i];

                        taken |= !l->dropped && bytes_equal(l->key, bytes_of(key));
                        for (size_t j = 0; j < l->n_behind; j++)
                                taken |= str_has_prefix(l->behind[j], start);
                }
                if (!taken)
                        return key;
        }
}

/* A remembered devN whose number somebody has given to another device since. */
static bool key_is_taken(const struct editor *e, size_t i) {
        for (size_t j = 1; j < e->c->n_lines; j++) {
                const struct conf_line *l = &e->c->lines[j];

                if (j != i && !l->dropped && (!l->parked || l->new_value) &&
                    bytes_equal(l->key, e->c->lines[i].key))
                        return true;
        }
        return false;
}

static void add(const struct editor *e, size_t behind, const char *key, const char *value) {
        pctconf_insert(e->c, behind, key, value);
        tell(e, (struct finding){ .code = FINDING_LINE_ADDED,
                                  .where = e->name,
                                  .new = arena_printf(e->a, "%s: %s", key, value) });
}

static void change(const struct editor *e, size_t i, const char *value) {
        const struct conf_line *l = &e->c->lines[i];
        struct finding item = { .code = l->parked ? FINDING_LINE_ADDED : FINDING_LINE_CHANGED,
                                .where = where(e, i),
                                .old = l->parked ? NULL : text_of(e, bytes_trim(l->text)) };

        if (!l->parked && bytes_equal(l->value, bytes_of(value)))
                return;
        if (l->parked && e->lines[i].type == DEVLINE_DEV && key_is_taken(e, i)) {
                pctconf_drop(e->c, i);
                add(e, i, free_dev_key(e), value);
                return;
        }
        pctconf_set(e->c, i, value);
        item.new = l->parked ? pctconf_line_text(e->c, i) : value;
        tell(e, item);
}

static void keep(const struct editor *e, size_t i) {
        if (e->c->lines[i].parked)
                change(e, i, text_of(e, e->c->lines[i].value));
}

static void drop(const struct editor *e, size_t i) {
        const char *text = text_of(e, bytes_trim(e->c->lines[i].text));

        pctconf_drop(e->c, i);
        if (e->p->incomplete && e->c->kind == PCTCONF_PVE)
                *ARENA_PUSH(e->a, e->drift->parked, e->drift->n_parked) = text;
        if (!e->c->lines[i].parked)
                tell(e, (struct finding){ .code = FINDING_LINE_REMOVED,
                                          .where = where(e, i),
                                          .old = text,
                                          .what = "" });
}

/* ---- lxc.mount.entry ---- */

static bool has_option(struct bytes options, const char *option) {
        return memmem(options.data, options.len, option, strlen(option)) != NULL;
}

static bool mount_fits(const struct editor *e, size_t i, const struct want *w) {
        const struct devline *d = &e->lines[i];
        const char *path = w->pn->node->path;

        if (w->text) /* the generated file: exactly what the container file says */
                return bytes_equal(e->c->lines[i].value, bytes_of(w->text));
        return !d->broken && d->path.scope == PATH_NODE &&
               bytes_equal(d->path.clean, bytes_of(path)) &&
               bytes_equal(d->target, bytes_of(path + 1)) && !has_option(d->options, "create=dir");
}

static const char *mount_text(const struct editor *e, const struct devline *d, const struct want *w) {
        bool usable = d && !d->broken && d->path.scope != PATH_FOLDER &&
                      has_option(d->options, "bind") && !has_option(d->options, "create=dir");

        if (w->text)
                return w->text;
        return devline_mount_value(e->a, w->pn->node->path,
                                   usable ? d->options : (struct bytes){ 0 });
}

/* ---- devN ---- */

/*
 * The gid that a devN line of this node must have: what the policy says, or what
 * was learned since the line was written with a guess. -1: whatever it has.
 */
static int64_t forced_gid(const struct editor *e, const struct devline *d, const struct node *n) {
        const struct plan_gid *g = gids_of_node(e->p, n);
        const struct policy *policy = e->in->policy;
        bool video = g == &e->p->gids[GID_VIDEO];
        int64_t guessed = video ? policy->guessed_video_gid : policy->guessed_render_gid;
        uint32_t own;

        if (n->gid == 0)
                return GID_AUTO;
        if (g->known && d && parse_u32(d->gid, &own) && own == guessed && own != g->inside)
                return g->inside;
        return video ? policy->video_gid : policy->render_gid;
}

static bool dev_fits(const struct editor *e, size_t i, const struct want *w) {
        const struct devline *d = &e->lines[i];
        int64_t forced = forced_gid(e, d, w->pn->node);
        uint32_t gid;

        return !d->broken && d->path.scope == PATH_NODE &&
               bytes_equal(d->path.clean, bytes_of(w->pn->node->path)) &&
               (forced < 0 || (parse_u32(d->gid, &gid) && gid == forced));
}

static const char *new_dev_text(const struct editor *e, const struct node *n) {
        const struct plan_gid *g = gids_of_node(e->p, n);
        bool open_to_all = (n->mode & 0006) == 0006;

        /* Proxmox gives a node mode 0660 and root's gid unless told otherwise */
        if (n->gid == 0)
                return devline_dev_value(e->a, n->path, GID_AUTO, open_to_all ? ",mode=0666" : "");
        if (!g->known && !g->in_map)
                tell(e, (struct finding){ .code = FINDING_GID_GUESSED,
                                          .what = g->name,
                                          .new = arena_printf(e->a, "%u", g->inside) });
        return devline_dev_value(e->a, n->path, g->known || g->host_present ? g->inside : n->gid, "");
}

static const char *dev_text(const struct editor *e, const struct devline *d, const struct want *w) {
        int64_t gid = forced_gid(e, d, w->pn->node);
        uint32_t own;

        if (!d)
                return new_dev_text(e, w->pn->node);
        if (gid < 0 && parse_u32(d->gid, &own))
                gid = own;
        else if (gid < 0 && d->broken && w->pn->node->gid != 0) /* "gid=video": it was to have one */
                gid = gids_of_node(e->p, w->pn->node)->inside;
        return devline_dev_value(e->a, w->pn->node->path, gid, d->rest);
}

/* ---- lxc.cgroup2.devices.allow, .deny ---- */

static bool rule_fits(const struct editor *e, size_t i, const struct want *w) {
        return !e->lines[i].broken && devline_covers(&e->lines[i], w->pn->node);
}

static const char *rule_text(const struct editor *e, const struct devline *d, const struct want *w) {
        const struct node *n = w->pn->node;

        if (d && !d->broken)
                return arena_printf(e->a, "c %u:%u %.*s", n->major, n->minor, (int)d->access.len,
                                    d->access.data);
        if (w->text)
                return w->text;
        if (w->pn->form == METHOD_DEV) /* as Proxmox generates it */
                return arena_printf(e->a, "c %u:%u %s", n->major, n->minor, w->deny_write ? "r" : "rw");
        return arena_printf(e->a, "c %u:%u rwm", n->major, n->minor);
}

static const char *deny_text(const struct editor *e, const struct devline *d, const struct want *w) {
        return arena_printf(e->a, "c %u:%u w", w->pn->node->major, w->pn->node->minor);
}

static const struct line_class mount_class = {
        DEVLINE_MOUNT, false, true, "lxc.mount.entry", mount_fits, mount_text,
};
static const struct line_class dev_class = { DEVLINE_DEV, false, true, NULL, dev_fits, dev_text };
static const struct line_class allow_class = {
        DEVLINE_ALLOW, false, false, "lxc.cgroup2.devices.allow", rule_fits, rule_text,
};
static const struct line_class legacy_class = {
        DEVLINE_ALLOW, true, false, "lxc.cgroup.devices.allow", rule_fits, rule_text,
};
static const struct line_class deny_class = {
        DEVLINE_DENY, false, false, "lxc.cgroup2.devices.deny", rule_fits, deny_text,
};

/* ---- one class of lines against its wants ---- */

/* Families beside DRM are ours only when devices = covers them. */
static bool is_ours(const struct editor *e, const struct line_class *k, size_t i) {
        const struct devline *d = &e->lines[i];
        uint32_t drm = NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER), kinds;

        if (d->type != k->type || d->legacy != k->legacy)
                return false;
        kinds = devline_kinds(e->in->facts, d, e->p->devices);
        if (kinds == 0 || (kinds & drm) || (kinds & e->p->devices))
                return kinds != 0;
        if (!e->c->lines[i].parked)
                tell(e, (struct finding){ .code = FINDING_UNCOVERED,
                                          .where = where(e, i),
                                          .old = text_of(e, e->c->lines[i].text) });
        return false;
}

/* First the lines that are right as they are; true when line @i needs nothing more. */
static bool settle_right(const struct editor *e, const struct line_class *k, size_t i,
                         struct wants *wants) {
        struct want *first = NULL;
        bool fresh = false;

        for (size_t j = 0; j < wants->n; j++) {
                struct want *w = &wants->items[j];

                if (!k->fits(e, i, w))
                        continue;
                first = first ? first : w;
                fresh |= !w->done;
                if (!w->done) {
                        w->done = true;
                        w->deny_write = e->lines[i].deny_write;
                        if (!w->text)
                                w->text = text_of(e, e->c->lines[i].value);
                }
        }
        if (!first)
                return false;
        if (fresh || !k->exclusive) {
                keep(e, i);
                return true;
        }
        if (!e->c->lines[i].parked)
                tell(e, (struct finding){ .code = FINDING_TARGET_TWICE,
                                          .where = where(e, i),
                                          .what = first->pn->node->path });
        drop(e, i);
        return true;
}

/*
 * Whether a stale NVIDIA line is one for such a node. /dev/nvidiactl has that name on every
 * host, so a line for it can only be right or go; a rule for a dynamic major stays one.
 */
static bool same_nvidia(const struct devline *d, const struct plan_node *pn) {
        struct bytes path = d->path.clean;
        uint32_t number;

        if (d->type == DEVLINE_ALLOW || d->type == DEVLINE_DENY)
                return (d->major == NVIDIA_MAJOR) == (pn->node->major == NVIDIA_MAJOR);
        return d->path.scope == PATH_NODE && pn->gpu && path.len > 11 &&
               parse_u32((struct bytes){ path.data + 11, path.len - 11 }, &number);
}

/* A line that names its GPU by address gets that GPU's node or none. */
static struct want *want_for(const struct editor *e, const struct devline *d, struct wants *wants) {
        const struct gpu *named = d->path.scope == PATH_ADDRESS ? devline_gpu(e->in->facts, d) : NULL;
        uint32_t kinds = devline_kinds(e->in->facts, d, e->p->devices);
        struct want *tolerated = NULL;

        if (devline_is_wide(e->in->facts, d))
                return NULL;
        for (size_t i = 0; i < wants->n; i++) {
                struct want *w = &wants->items[i];

                if (w->done || !(kinds & NODE_BIT(w->pn->node->kind)) || (named && w->pn->gpu != named))
                        continue;
                if (w->pn->node->kind == NODE_NVIDIA && !same_nvidia(d, w->pn))
                        continue;
                if (w->required)
                        return w;
                tolerated = tolerated ? tolerated : w;
        }
        return tolerated;
}

/* Then the stale ones: corrected in their place for a want of their kind, or taken out. */
static void settle_stale(const struct editor *e, const struct line_class *k, size_t i,
                         struct wants *wants) {
        const struct devline *d = &e->lines[i];
        struct want *w = want_for(e, d, wants);

        tell_why(e, i);
        if (!w) {
                drop(e, i);
                return;
        }
        tell_renamed(e, i, w);
        w->done = true;
        w->deny_write = d->deny_write;
        if (!w->text || k->type != DEVLINE_MOUNT)
                w->text = k->text(e, d, w);
        change(e, i, w->text);
}

static void add_rest(const struct editor *e, const struct line_class *k, size_t anchor,
                     struct wants *wants) {
        if (anchor == 0)
                anchor = k->key ? pctconf_last(e->c) : pctconf_key_end(e->c);
        for (size_t j = 0; j < wants->n; j++) {
                struct want *w = &wants->items[j];

                if (w->done || !w->required)
                        continue;
                w->done = true;
                if (!w->text)
                        w->text = k->text(e, NULL, w);
                add(e, anchor, k->key ? k->key : free_dev_key(e), w->text);
        }
}

static void edit_class(const struct editor *e, const struct line_class *k, struct wants *wants) {
        bool *stale = arena_alloc(e->a, e->n_lines);
        size_t anchor = 0;

        for (size_t j = 0; j < wants->n; j++)
                wants->items[j].done = false;
        for (size_t i = 1; i < e->n_lines; i++) {
                if (!is_ours(e, k, i))
                        continue;
                anchor = i;
                stale[i] = !settle_right(e, k, i, wants);
        }
        for (size_t i = 1; i < e->n_lines; i++)
                if (stale[i])
                        settle_stale(e, k, i, wants);
        add_rest(e, k, anchor, wants);
}

/* ---- lxc.idmap ---- */

static const char *map_value(const struct editor *e, const struct extent *x) {
        return arena_printf(e->a, "g %u %u %u", x->inside, x->outside, x->count);
}

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
                *ARENA_PUSH(e->a, ret_map->extents, ret_map->n_extents) =
                        (struct extent){ 0, 100000, 65536 };
        return last;
}

static void edit_map(struct editor *e) {
        struct findings *f = e->f;
        struct idmap now = { 0 };
        const struct idmap *map = &e->p->map;
        size_t last = find_map(e, &now), next = 0;

        if (!e->p->userns || idmap_equal(e->a, &now, map))
                return;
        e->f = NULL; /* the holes are told, their lines say nothing more */
        if (last == 0) {
                last = pctconf_last(e->c);
                if (now.n_extents > 0 && !e->p->has_map)
                        pctconf_insert(e->c, last, "lxc.idmap", "u 0 100000 65536");
        }
        for (size_t i = 1; i < e->n_lines; i++) {
                if (!is_gid_line(e, i))
                        continue;
                if (next < map->n_extents)
                        change(e, i, map_value(e, &map->extents[next++]));
                else
                        pctconf_drop(e->c, i);
        }
        for (; next < map->n_extents; next++)
                pctconf_insert(e->c, last, "lxc.idmap", map_value(e, &map->extents[next]));
        e->f = f;
}

/* ---- both files ---- */

static void tell_foreign(const struct editor *e) {
        for (size_t i = 1; i < e->n_lines; i++) {
                const struct devline *d = &e->lines[i];
                struct bytes key = e->c->lines[i].key;
                const char *why = NULL;

                if (d->type == DEVLINE_MENTION && key.len > 2 && memcmp(key.data, "mp", 2) == 0)
                        tell(e, (struct finding){ .code = FINDING_UNCOVERED,
                                                  .where = where(e, i),
                                                  .old = text_of(e, e->c->lines[i].text) });
                else if (d->type == DEVLINE_MENTION)
                        why = "it names a GPU's node";
                else if (d->type == DEVLINE_ALLOW && d->device_type != 'b' && d->any_major)
                        why = d->broken ? d->broken : "it allows every device";
                if (why)
                        tell(e, (struct finding){ .code = FINDING_LINE_FOREIGN,
                                                  .where = where(e, i),
                                                  .what = text_of(e, e->c->lines[i].text),
                                                  .old = why });
        }
}

/* The nodes of one form; METHOD_AUTO: rules for all of them, which only bound ones need. */
static struct wants make_wants(struct arena *a, const struct plan *p, enum method form) {
        struct wants w = { 0 };

        for (size_t i = 0; i < p->n_nodes; i++) {
                const struct plan_node *pn = &p->nodes[i];

                if (form == METHOD_AUTO || (pn->required && pn->form == form))
                        *ARENA_PUSH(a, w.items, w.n) = (struct want){
                                .pn = pn,
                                .required = pn->required && (form != METHOD_AUTO || pn->form == METHOD_IDMAP),
                        };
        }
        return w;
}

static void edit_legacy(const struct editor *e) {
        struct wants w = make_wants(e->a, e->p, METHOD_AUTO);

        for (size_t i = 0; i < w.n; i++)
                w.items[i].required = false;
        edit_class(e, &legacy_class, &w);
}

static void edit_config(struct editor *e, struct wants *mounts, struct wants *devs,
                        struct wants *allows) {
        struct survey s;
        struct wants denials = { 0 };

        survey_make(e->a, e->in->facts, e->c, &s);
        e->lines = s.lines;
        e->n_lines = s.n_lines;
        edit_map(e);
        for (size_t i = 0; i < devs->n; i++) {
                struct want *w = &devs->items[i];

                if (w->deny_write)
                        *ARENA_PUSH(e->a, denials.items, denials.n) = *w;
                for (size_t j = 0; j < allows->n; j++)
                        if (allows->items[j].pn == w->pn) {
                                allows->items[j].required = true;
                                allows->items[j].deny_write = w->deny_write;
                        }
        }
        if (denials.n > 0)
                edit_class(e, &deny_class, &denials);
        edit_legacy(e);
        edit_class(e, &allow_class, allows);
        edit_class(e, &mount_class, mounts);
}

/* A remembered line comes in because a node is given by it, and for no other reason. */
static void drop_unused(const struct editor *e) {
        for (size_t i = 1; i < e->n_lines; i++) {
                const struct conf_line *l = &e->c->lines[i];

                if (l->parked && !l->dropped && !l->new_value)
                        drop(e, i);
        }
}

void drift_apply(struct arena *a, const struct plan_input *in, const struct plan *p,
                 struct pctconf *conf, struct pctconf *config, const char *name,
                 struct findings *f, struct drift *ret) {
        struct drift d = { 0 };
        struct wants mounts = make_wants(a, p, METHOD_IDMAP), devs = make_wants(a, p, METHOD_DEV);
        struct wants allows = make_wants(a, p, METHOD_AUTO);
        struct editor e = {
                .a = a, .in = in, .p = p, .c = conf, .lines = in->survey->lines,
                .n_lines = in->survey->n_lines, .name = name, .f = f, .drift = &d,
        };

        tell_foreign(&e);
        edit_map(&e);
        edit_class(&e, &dev_class, &devs);
        edit_legacy(&e);
        edit_class(&e, &allow_class, &allows);
        edit_class(&e, &mount_class, &mounts);
        drop_unused(&e);
        if (config) {
                e.c = config;
                e.f = NULL;
                edit_config(&e, &mounts, &devs, &allows);
        }
        *ret = d;
}
