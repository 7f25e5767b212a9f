/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * evidence - the lines against the host, and against what the host remembers of them
 */
#include "model/plan/choose/evidence.h"

#include "model/finding/reason.h"
#include "model/idmap/idmap.h"
#include "model/plan/choose/pin.h"

/* ---- digest ---- */

const char *evidence_digest(struct arena *a, const struct pctconf *conf) {
        uint64_t sum = 0;

        /* by key alone: what a line leads to changes with the host */
        for (size_t i = 1; i < conf->n_lines; i++) {
                const struct conf_line *l = &conf->lines[i];
                struct devline d = devline_parse(a, l);

                if (!l->parked && d.type != DEVLINE_IDMAP &&
                    (d.type != DEVLINE_NONE || bytes_has_prefix(l->key, "lxc.environment") ||
                     bytes_has_prefix(l->key, "lxc.hook.")))
                        sum += bytes_hash(bytes_hash(BYTES_HASH, l->key), l->value);
        }
        return arena_printf(a, "%016llx", (unsigned long long)sum);
}

/* ---- what is remembered ---- */

struct card_set evidence_named(struct arena *a, const struct facts *f, const struct survey *s) {
        struct gpu_list named = { 0 }, hooked;
        struct card_set set = { 0 };
        const char *unknown;

        named.n = survey_named_gpus(a, f, s, &named.items);
        hooked = nvidia_hook_gpus(a, f, &s->nvidia_hook, &unknown);
        for (size_t i = 0; i < hooked.n; i++)
                gpu_list_add(a, &named, hooked.items[i]);
        for (size_t i = 0; i < named.n; i++) {
                struct card *c = ARENA_PUSH(a, set.cards, set.n);

                *c = gpu_card(f, named.items[i]);
                if (gpu_node(named.items[i], NODE_ACCEL))
                        c->by = CHOSEN_BY_ACCEL;
        }
        return set;
}

const struct sighting *evidence_sighting(struct chooser *x) {
        const struct sighting *s =
                x->in->sightings ? sightings_find(x->in->sightings, x->in->vmid) : NULL;

        return s && s->digest && s->named.n > 0 &&
                               streq(s->digest, evidence_digest(x->a, x->in->conf))
                       ? s
                       : NULL;
}

/* ---- in the file itself ---- */

/* Of a system group: the gid of a user's files is nobody's by name on the host, and tells nothing. */
static const char *lost_gid(struct chooser *x) {
        const struct pctconf *conf = x->in->conf;
        struct extent e;
        char type;

        for (size_t i = 1; i < conf->n_lines; i++)
                if (x->in->survey->lines[i].type == DEVLINE_IDMAP &&
                    idmap_parse_line(conf->lines[i].value, &type, &e) == IDMAP_OK && type == 'g' &&
                    e.count == 1 && e.outside < FIRST_USER_GID &&
                    !facts_has_gid(x->in->facts, e.outside))
                        return arena_printf(x->a, WHY_DOUBT_GID, e.outside);
        return NULL;
}

static const char *lost_number(struct chooser *x) {
        for (size_t i = 1; i < x->in->survey->n_lines; i++) {
                const struct devline *d = &x->in->survey->lines[i];
                const struct gpu *gpu;

                if (d->type == DEVLINE_ALLOW && !x->in->conf->lines[i].parked && !d->late &&
                    !d->any_minor && devline_kinds(x->in->facts, d) &&
                    !devline_node(x->in->facts, d, &gpu))
                        return arena_printf(x->a, WHY_DOUBT_NUMBER,
                                            devnum_text(x->a, d->number));
        }
        return NULL;
}

/* ---- what the host remembers ---- */

/* The cards that the lines named first, where they are now; false when that cannot be told. */
static bool follow(struct chooser *x, const struct sighting *s, struct gpu_list *ret) {
        struct track *tracks = sighting_follow(x->a, x->in->memory, s);

        for (size_t i = 0; tracks && i < s->named.n; i++) {
                const struct gpu *g = facts_gpu_of(x->in->facts, tracks[i].card,
                                                   tracks[i].next.card.function);

                if (!g)
                        return false;
                gpu_list_add(x->a, ret, g);
        }
        return tracks;
}

static bool same_gpus(const struct gpu_list *a, const struct gpu_list *b) {
        bool same = a->n == b->n;

        for (size_t i = 0; i < a->n && same; i++)
                same = gpu_list_has(b, a->items[i]);
        return same;
}

/* An address does not change with the numbers of the nodes, nor do a UUID and "all". */
static bool all_by_identity(const struct plan_input *in) {
        bool any = in->survey->nvidia_hook.gives;

        if (nvidia_hook_has_index(&in->survey->nvidia_hook))
                return false;

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct devline *d = &in->survey->lines[i];

                if ((d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV) ||
                    !devline_kinds(in->facts, d))
                        continue;
                if (d->path.scope != PATH_ADDRESS)
                        return false;
                any = true;
        }
        return any;
}

/*
 * Whether @g can have nodes of @kinds: it has some, or its driver would make them. One of the same
 * vendor has them with the same driver, and any GPU that has no driver now may be one of DRM.
 */
static bool may_have(const struct gpu *g, uint32_t kinds, const struct gpu *like) {
        if (g->ids.vendor == like->ids.vendor || (g->n_nodes == 0 && (kinds & DRM_KINDS)))
                return true;
        for (size_t i = 0; i < g->n_nodes; i++)
                if (kinds & NODE_BIT(g->nodes[i].kind))
                        return true;
        return false;
}

/* No other GPU can have nodes of the kinds that the lines give, whatever their numbers were. */
static bool is_only_one(const struct plan_input *in, const struct gpu_list *named) {
        const struct survey *s = in->survey;
        uint32_t kinds = s->given | s->folders | (s->userns ? 0 : s->allowed) |
                         (s->nvidia_hook.gives ? NODE_BIT(NODE_NVIDIA) : 0);

        if (kinds == 0 || named->n != 1)
                return false;
        for (size_t i = 0; i < in->facts->n_gpus; i++)
                if (&in->facts->gpus[i] != named->items[0] &&
                    may_have(&in->facts->gpus[i], kinds, named->items[0]))
                        return false;
        return true;
}

const char *evidence_doubt(struct chooser *x, const struct gpu_list *named, bool *ret_against) {
        const struct sighting *s = evidence_sighting(x);
        bool sure = all_by_identity(x->in), only = is_only_one(x->in, named);
        const char *why = only ? NULL : lost_gid(x);
        struct gpu_list then = { 0 };

        if (!why && !only)
                why = lost_number(x);
        *ret_against = true;
        if (why)
                return why;
        if (x->in->sightings->unread)
                return arena_printf(x->a, WHY_UNREAD, x->in->sightings->unread);
        if (!s) {
                *ret_against = false;
                return sure || only ? NULL : WHY_DOUBT_UNSEEN;
        }
        if (!follow(x, s, &then))
                return WHY_DOUBT_LOST;
        if (!same_gpus(&then, named))
                return arena_printf(x->a, WHY_DOUBT_MOVED, gpu_list_text(x->a, &then));
        *ret_against = false;
        return s->came && !sure ? WHY_DOUBT_CAME : NULL;
}

bool evidence_all(const struct plan_input *in, const struct gpu_list *named,
                  const struct gpu_list *usable) {
        bool all = named->n > 1 && named->n >= usable->n;

        for (size_t i = 1; i < in->survey->n_lines && !all; i++) {
                const struct devline *d = &in->survey->lines[i];
                bool binds = d->type == DEVLINE_MOUNT || d->type == DEVLINE_WHOLE ||
                             (d->type == DEVLINE_ALLOW && !in->survey->userns);

                all = binds && (d->type == DEVLINE_WHOLE || devline_is_wide(in->facts, d));
        }
        return all;
}
