/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * survey - the present lines, read against the facts
 *
 * A node's name or number says which GPU it is only as long as nothing moved;
 * so this is believed once, when a container is first seen, and afterwards only
 * to tell which line has to be corrected.
 */
#include "model/conf/survey.h"

#include "model/conf/application.h"
#include "model/conf/legacy.h"
#include "model/conf/recognise.h"
#include "model/finding/reason.h"

#define DRM_KINDS (NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER))

/* the kinds of all nodes that have a major */
static uint32_t major_kinds(const char *owner, uint32_t major) {
        uint32_t kinds = 0;

        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (family_has_major(&families[i], owner, major))
                        kinds |= NODE_BIT(families[i].kind);
        return kinds;
}

const struct family *devline_rule_family(const struct facts *f, const struct devline *d) {
        if (d->device_type != 'c' || d->any_major)
                return NULL;
        if (d->by_path && (!d->at || d->at->kind != SOURCE_DEVICE))
                return d->path.family;
        return d->late ? family_of_owner(d->driver) : facts_family(f, d->number);
}

static uint32_t rule_kinds(const struct facts *f, const struct devline *d) {
        const struct family *family = devline_rule_family(f, d);
        uint32_t kinds = 0;

        if (family && d->any_minor && !d->late)
                kinds = major_kinds(facts_major_name(f, d->number.major), d->number.major);
        return family ? kinds | NODE_BIT(family->kind) : 0;
}

static uint32_t path_kinds(const struct devline *d) {
        switch (d->path.scope) {
        case PATH_FOLDER:
                return d->path.kinds;
        case PATH_NODE:
        case PATH_ADDRESS:
        case PATH_NUMBER:
                return NODE_BIT(d->path.kind);
        case PATH_ALL:
        case PATH_UNKNOWN:
        case PATH_OTHER:
                break;
        }
        return 0;
}

uint32_t devline_kinds(const struct facts *f, const struct devline *d) {
        switch (d->type) {
        case DEVLINE_MOUNT:
        case DEVLINE_DEV:
                return path_kinds(d);
        case DEVLINE_ALLOW:
        case DEVLINE_DENY:
                return rule_kinds(f, d);
        default:
                return 0;
        }
}

bool devline_covers(const struct devline *d, const struct node *n) {
        if (d->device_type != 'c' || d->any_major || d->late ||
            d->number.major != n->number.major || (d->by_path && !d->at))
                return false;
        /* a dynamic major is one family's alone */
        return d->any_minor ? !family_of_number(NULL, n->number) && !node_family(n)->several
                            : d->number.minor == n->number.minor;
}

bool devline_is_wide(const struct facts *f, const struct devline *d) {
        const char *owner = facts_major_name(f, d->number.major);

        if (d->type == DEVLINE_MOUNT || d->type == DEVLINE_DEV)
                return d->path.scope == PATH_FOLDER;
        for (size_t i = 0;
             i < NODE_FAMILIES && d->any_minor && !d->late && !d->any_major && !d->broken; i++)
                if ((!families[i].shared || i == FAMILY_NVIDIA_CAPS) &&
                    family_has_major(&families[i], owner, d->number.major))
                        return true;
        return false;
}

static bool names_node(const struct devline *d, const struct gpu *g, const struct node *n) {
        switch (d->type == DEVLINE_ALLOW ? PATH_NUMBER : d->path.scope) {
        case PATH_NUMBER:
                return d->type == DEVLINE_ALLOW ? devline_covers(d, n) && !d->any_minor
                                                : devnum_equal(d->number, n->number);
        case PATH_ADDRESS:
                return g && n->kind == d->path.kind &&
                       bytes_equal(d->path.address, bytes_of(g->address));
        case PATH_NODE:
                return bytes_equal(d->path.clean, bytes_of(n->path));
        default:
                return false;
        }
}

const struct node *devline_node(const struct facts *f, const struct devline *d,
                                const struct gpu **ret_gpu) {
        *ret_gpu = NULL;
        if (d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV && d->type != DEVLINE_ALLOW)
                return NULL;
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (names_node(d, &f->gpus[i], &f->gpus[i].nodes[j])) {
                                *ret_gpu = &f->gpus[i];
                                return &f->gpus[i].nodes[j];
                        }
        for (size_t i = 0; i < f->n_shared; i++)
                if (names_node(d, NULL, &f->shared[i])) {
                        *ret_gpu = node_card(f, &f->shared[i]);
                        return &f->shared[i];
                }
        return NULL;
}

const struct gpu *devline_gpu(const struct facts *f, const struct devline *d) {
        const struct gpu *gpu;

        (void)devline_node(f, d, &gpu);
        return gpu;
}

/* A rule's number that no GPU has for ever, or a private node whose number no node has. */
static bool needs_majors(const struct facts *f, const struct devline *d) {
        const struct gpu *gpu;

        if (d->type == DEVLINE_ALLOW || d->type == DEVLINE_DENY)
                return d->device_type == 'c' && !d->any_major &&
                       d->number.major != families[FAMILY_CARD].major;
        return d->type != DEVLINE_NONE && d->at && d->at->kind == SOURCE_DEVICE &&
               !d->at->number.block && !facts_node(f, d->at->number, &gpu) &&
               !facts_family(f, d->at->number);
}

static bool has_rule_of_today(const struct survey *s, const struct devline *d) {
        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *o = &s->lines[i];

                if (o->type == d->type && !o->any_major && !o->driver &&
                    o->number.major == d->number.major)
                        return true;
        }
        return false;
}

/*
 * A major that is another driver's now, and was a GPU driver's once: meant is the GPU if the
 * container has nodes of that kind and no rule for them.
 */
static void settle_doubts(const struct facts *f, struct survey *s) {
        for (size_t i = 1; i < s->n_lines; i++) {
                struct devline *d = &s->lines[i];

                if (!d->doubtful || ((s->given & rule_kinds(f, d)) && !has_rule_of_today(s, d)))
                        continue;
                d->number.major = d->written;
                d->driver = NULL;
                d->late = false;
        }
}

/* A folder or "226:*" speaks for the kinds of which nothing smaller does. */
static uint32_t narrowed(uint32_t wide, uint32_t narrow, uint32_t hints) {
        if ((wide & DRM_KINDS) != DRM_KINDS)
                return wide | narrow;
        if (!(narrow & DRM_KINDS))
                narrow |= hints & DRM_KINDS ? hints & DRM_KINDS : DRM_KINDS;
        return narrow | (wide & ~DRM_KINDS);
}

/* What the container was meant to have: never more than its lines gave. */
static void find_kinds(const struct facts *f, struct survey *s) {
        uint32_t folders = 0, nodes = 0, wide = 0, rules = 0;

        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *d = &s->lines[i];

                if (d->type == DEVLINE_ALLOW)
                        *(d->any_minor ? &wide : &rules) |= rule_kinds(f, d);
                else if (d->type == DEVLINE_MOUNT || d->type == DEVLINE_DEV)
                        *(d->path.scope == PATH_FOLDER ? &folders : &nodes) |= path_kinds(d);
        }
        s->given = narrowed(folders, nodes, rules);
        s->nodes = nodes;
        s->folders = folders;
        s->allowed = narrowed(wide, rules, 0);
        s->open = ((folders | wide) & DRM_KINDS) == DRM_KINDS && !((nodes | rules) & DRM_KINDS);
}

/* Of two dev0 lines Proxmox keeps the later one in mind. */
static bool is_overridden(const struct pctconf *c, size_t line) {
        for (size_t i = line + 1; i < c->n_lines; i++)
                if (!c->lines[i].parked && bytes_equal(c->lines[i].key, c->lines[line].key))
                        return true;
        return false;
}

void survey_make(struct arena *a, const struct facts *f, const struct pctconf *c,
                 struct survey *ret) {
        struct survey s = { .n_lines = c->n_lines, .nvidia_hook = nvidia_hook_find(c) };
        struct bytes unprivileged;

        s.lines = arena_alloc(a, s.n_lines * sizeof(*s.lines));
        for (size_t i = 1; i < s.n_lines; i++) {
                struct devline *d = &s.lines[i];
                struct forms *forms = c->lines[i].parked ? &s.parked : &s.there;

                *d = recognise_line(a, f, &c->lines[i]);
                s.needs_majors |= needs_majors(f, d);
                if (d->type == DEVLINE_MOUNT) {
                        forms->as_mount |= path_kinds(d);
                        forms->n_mount++;
                } else if (d->type == DEVLINE_DEV) {
                        d->twice = !c->lines[i].parked && is_overridden(c, i);
                        if (d->twice && !d->broken)
                                d->broken = WHY_DEV_TWICE;
                        forms->as_dev |= path_kinds(d);
                        forms->n_dev++;
                } else if (legacy_is_key(c->lines[i].key)) {
                        s.has_legacy = true;
                } else if (d->type == DEVLINE_IDMAP) {
                        s.userns = true;
                } else if (d->type == DEVLINE_NONE && d->at && d->at->kind == SOURCE_NOTHING &&
                           d->path.scope == PATH_UNKNOWN) {
                        s.lost = i;
                }
        }
        s.given = s.there.as_mount | s.there.as_dev | s.parked.as_mount | s.parked.as_dev;
        s.nvidia_named = s.given & NODE_BIT(NODE_NVIDIA);
        settle_doubts(f, &s);
        find_kinds(f, &s);
        if (pctconf_get(c, "unprivileged", &unprivileged) && bytes_equal(unprivileged, BYTES("1")))
                s.userns = true;
        s.application = conf_application(c).len > 0;
        *ret = s;
}

const char *survey_name(struct arena *a, const struct survey *s, const struct node *n) {
        struct bytes own = { 0 };

        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *d = &s->lines[i];

                if ((d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV) || d->broken ||
                    !recognise_leads_to(d, n))
                        continue;
                if (!recognise_own_name(d, n))
                        return n->path;
                if (own.len == 0)
                        own = recognise_inside(d);
        }
        return own.len > 0 ? arena_strndup(a, own.data, own.len) : n->path;
}

struct named {
        bool *of[NODE_KINDS]; /* by lines for a kind of node, one flag per GPU of the facts */
        bool any, stranger;   /* @stranger: a line names a node that no GPU has */
};

static void name_one(const struct facts *f, const struct devline *d, uint32_t kinds,
                     struct named *n) {
        const struct gpu *g = devline_gpu(f, d);

        if (!g) {
                /* kfd and the NVIDIA control nodes belong to no single GPU; a folder to all */
                if (kinds & ~family_shared_kinds())
                        n->stranger |= d->path.scope != PATH_FOLDER && !d->any_minor;
                return;
        }
        n->any = true;
        for (int kind = 0; kind < NODE_KINDS; kind++)
                if (kinds & NODE_BIT(kind))
                        n->of[kind][g - f->gpus] = true;
}

static void name_other_way(const struct facts *f, const struct other_way *w, struct named *n) {
        if (!w->makes || w->all)
                return;
        n->any |= w->gpu != NULL;
        n->stranger |= !w->gpu && (w->kinds & ~family_shared_kinds());
        for (int kind = 0; kind < NODE_KINDS && w->gpu; kind++)
                if (w->kinds & NODE_BIT(kind))
                        n->of[kind][w->gpu - f->gpus] = true;
}

/*
 * Whether two kinds of lines name the same GPUs, of those that have both kinds of node.
 * A GPU that has a card node only does not speak for the lines of render nodes: a card0
 * that the management controller or a USB display took is no partner of renderD128.
 */
static bool agree(const struct facts *f, const struct named *n, enum node_kind x,
                  enum node_kind y) {
        bool any_x = false, any_y = false, same = true, drm = x == NODE_CARD && y == NODE_RENDER;

        for (size_t i = 0; i < f->n_gpus; i++) {
                bool both = gpu_node(&f->gpus[i], x) && gpu_node(&f->gpus[i], y);

                any_x |= n->of[x][i] && (both || drm);
                any_y |= n->of[y][i] && (both || drm);
                same &= !both || n->of[x][i] == n->of[y][i];
        }
        return same || !any_x || !any_y;
}

/* An iGPU's DRM nodes beside an NVIDIA card's own are two GPUs and no contradiction. */
static bool one_voice(const struct facts *f, const struct named *n) {
        return n->any && !n->stranger &&
               agree(f, n, NODE_CARD, NODE_RENDER) && agree(f, n, NODE_NVIDIA, NODE_RENDER) &&
               agree(f, n, NODE_NVIDIA, NODE_CARD);
}

size_t survey_named_gpus(struct arena *a, const struct facts *f, const struct survey *s,
                         const struct gpu ***ret_gpus) {
        bool by_number = s->given == 0;
        struct named n = { 0 };
        size_t count = 0;

        for (int kind = 0; kind < NODE_KINDS; kind++)
                n.of[kind] = arena_alloc(a, f->n_gpus);
        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *d = &s->lines[i];

                if (by_number ? d->type == DEVLINE_ALLOW
                              : d->type == DEVLINE_MOUNT || d->type == DEVLINE_DEV)
                        name_one(f, d, devline_kinds(f, d), &n);
        }
        for (size_t i = 0; i < s->other_ways.n; i++)
                name_other_way(f, &s->other_ways.items[i], &n);
        *ret_gpus = NULL;
        if (!one_voice(f, &n))
                return 0;
        for (size_t i = 0; i < f->n_gpus; i++)
                for (int kind = 0; kind < NODE_KINDS; kind++)
                        if (n.of[kind][i]) {
                                *ARENA_PUSH(a, *ret_gpus, count) = &f->gpus[i];
                                break;
                        }
        return count;
}

static bool names_gpu(const struct facts *f, const struct devline *d) {
        if (d->type == DEVLINE_ALLOW || d->type == DEVLINE_DENY)
                return d->any_major || devline_kinds(f, d);
        return d->type != DEVLINE_NONE && d->type != DEVLINE_IDMAP;
}

bool conf_names_gpu(struct arena *a, const struct facts *f, struct bytes conf) {
        while (conf.len > 0) {
                struct bytes line = bytes_cut(&conf, '\n');
                struct pctconf c;
                struct devline d;

                pctconf_parse(a, PCTCONF_PVE, line, &c);
                if (c.n_lines < 2)
                        continue;
                d = recognise_line(a, f, &c.lines[1]);
                if (names_gpu(f, &d))
                        return true;
        }
        return false;
}
