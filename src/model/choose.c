/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * choose - from a policy to GPUs
 *
 * An address alone is not enough (a new NVMe drive shifts PCI bus numbers and
 * another card may sit there now), ids alone are not either (two identical
 * cards). A pin has both, and is followed only where one reading is left.
 */
#include "model/choose.h"

struct chooser {
        struct arena *a;
        const struct facts *facts;
        struct findings *f;
        struct choice *c;
};

const char *gpu_describe(struct arena *a, const struct gpu *g) {
        struct strbuf b = { .arena = a };

        if (g->has_ids)
                strbuf_printf(&b, "%04x:%04x ", g->vendor, g->device);
        strbuf_adds(&b, g->driver ? g->driver : "no driver");
        for (size_t i = 0; i < g->n_nodes; i++)
                strbuf_printf(&b, " %s", strrchr(g->nodes[i].path, '/') + 1);
        return strbuf_str(&b);
}

const char *gpu_selector(struct arena *a, const struct gpu *g) {
        return arena_printf(a, "%s:%s", g->pci ? "pci" : "platform", g->address);
}

static bool chosen(const struct choice *c, const struct gpu *g) {
        for (size_t i = 0; i < c->n_gpus; i++)
                if (c->gpus[i] == g)
                        return true;
        return false;
}

static void take(struct chooser *x, const struct gpu *g) {
        size_t i;

        if (chosen(x->c, g))
                return;
        ARENA_PUSH(x->a, x->c->gpus, x->c->n_gpus);
        for (i = x->c->n_gpus - 1; i > 0 && x->c->gpus[i - 1] > g; i--)
                x->c->gpus[i] = x->c->gpus[i - 1];
        x->c->gpus[i] = g;
}

static void miss(struct chooser *x, const char *what) {
        x->c->missing = x->c->missing ? arena_printf(x->a, "%s, %s", x->c->missing, what) : what;
}

/* The choices, ready to paste behind --gpu or `gpu =`. */
static const char *choices(struct chooser *x, const struct gpu *const *of, size_t n) {
        struct strbuf b = { .arena = x->a };

        for (size_t i = 0; i < n; i++)
                strbuf_printf(&b, "%s%s (%s)", i ? ", " : "", gpu_selector(x->a, of[i]),
                              gpu_describe(x->a, of[i]));
        return n > 0 ? strbuf_str(&b) : "none, this host has no GPU that can be given";
}

static void ambiguous(struct chooser *x, const char *why, const char *what,
                      const struct gpu *const *of, size_t n) {
        finding_add(x->f, (struct finding){ .code = FINDING_GPU_AMBIGUOUS,
                                            .what = why,
                                            .new = choices(x, of, n) });
        miss(x, what);
}

static size_t usable_gpus(struct chooser *x, const struct gpu ***ret) {
        size_t n = 0;

        *ret = NULL;
        for (size_t i = 0; i < x->facts->n_gpus; i++)
                /* vgem and its like are no hardware and have no driver */
                if (gpu_is_usable(&x->facts->gpus[i]) &&
                    (x->facts->gpus[i].pci || x->facts->gpus[i].driver))
                        *ARENA_PUSH(x->a, *ret, n) = &x->facts->gpus[i];
        return n;
}

/* A GPU that is there but has nothing to give: vfio-pci, or no driver at all. */
static bool gpu_is_held(struct chooser *x, const struct gpu *g, const char *wanted_as) {
        if (g->n_nodes > 0)
                return false;
        finding_add(x->f, (struct finding){ .code = FINDING_GPU_HELD,
                                            .gpu = g->address,
                                            .what = g->driver ? g->driver : "no driver" });
        miss(x, wanted_as);
        return true;
}

static void take_or_held(struct chooser *x, const struct gpu *g, const char *wanted_as) {
        if (!gpu_is_held(x, g, wanted_as))
                take(x, g);
}

static void gpu_not_here(struct chooser *x, const char *address, const char *what) {
        finding_add(x->f, (struct finding){
                                  .code = FINDING_GPU_MISSING, .gpu = address, .what = what });
        miss(x, address);
}

/* id: and driver: - one match, or the one that #n names */
static void choose_matching(struct chooser *x, const struct gpu_sel *s) {
        const struct gpu **found = NULL;
        size_t n = 0;

        for (size_t i = 0; i < x->facts->n_gpus; i++) {
                const struct gpu *g = &x->facts->gpus[i];

                if (s->kind == SEL_ID ? g->has_ids && g->vendor == s->vendor && g->device == s->device
                                      : g->driver && streq(g->driver, s->name))
                        *ARENA_PUSH(x->a, found, n) = g;
        }
        if (s->nth > 0 && s->nth <= n)
                take_or_held(x, found[s->nth - 1], s->text);
        else if (n == 1 && s->nth == 0)
                take_or_held(x, found[0], s->text);
        else if (n > 1 && s->nth == 0)
                ambiguous(x, arena_printf(x->a, "%s matches %zu GPUs", s->text, n), s->text, found, n);
        else
                gpu_not_here(x, s->text, "chosen by the policy");
}

/* "0000:01:00" is all functions of a device, "0000:01:00.0" one */
static bool path_matches(const char *path, const char *address) {
        size_t n = strlen(path);

        return strncmp(path, address, n) == 0 && (address[n] == '\0' || address[n] == '.');
}

static const struct gpu *mapped_gpu(struct chooser *x, const struct gpu_sel *s) {
        for (size_t i = 0; i < s->n_paths; i++)
                for (size_t j = 0; j < x->facts->n_gpus; j++) {
                        const struct gpu *g = &x->facts->gpus[j];

                        if (g->pci && path_matches(s->paths[i], g->address) &&
                            (!s->has_ids || (g->vendor == s->vendor && g->device == s->device)))
                                return g;
                }
        return NULL;
}

static void choose_mapped(struct chooser *x, const struct gpu_sel *s) {
        const struct gpu *g = mapped_gpu(x, s);

        if (s->problem) {
                finding_add(x->f, (struct finding){ .code = FINDING_MAPPING_BROKEN,
                                                    .what = s->name,
                                                    .old = s->problem });
                miss(x, s->text);
        } else if (!g) {
                gpu_not_here(x, s->text, "no device of the mapping with its ids");
        } else {
                take_or_held(x, g, s->text);
        }
}

static void choose_all(struct chooser *x, const struct gpu_sel *s) {
        const struct gpu **all;
        size_t n = usable_gpus(x, &all);

        for (size_t i = 0; i < n; i++)
                take(x, all[i]);
        if (n == 0)
                gpu_not_here(x, s->text, "no GPU with a render node");
}

static void choose_selected(struct chooser *x, const struct gpu_sel *s) {
        const struct gpu *g;

        switch (s->kind) {
        case SEL_AUTO:
                break;
        case SEL_ALL:
                choose_all(x, s);
                break;
        case SEL_PCI:
        case SEL_PLATFORM:
                g = facts_find_gpu(x->facts, s->name);
                if (g)
                        take_or_held(x, g, s->text);
                else
                        gpu_not_here(x, s->name, "chosen by the policy");
                break;
        case SEL_ID:
        case SEL_DRIVER:
                choose_matching(x, s);
                break;
        case SEL_MAPPING:
                choose_mapped(x, s);
                break;
        }
}

static bool same_ids(const struct pin_gpu *p, const struct gpu *g, bool subsystem) {
        return p->vendor == g->vendor && p->device == g->device &&
               (!subsystem || (p->subvendor == g->subvendor && p->subdevice == g->subdevice));
}

static struct pin_gpu pin_of(struct arena *a, const struct gpu *g) {
        return (struct pin_gpu){
                .address = arena_strdup(a, g->address),
                .vendor = g->vendor,
                .device = g->device,
                .subvendor = g->subvendor,
                .subdevice = g->subdevice,
        };
}

static bool pinned_here(const struct facts *facts, const struct pin_gpu *p) {
        const struct gpu *g = facts_find_gpu(facts, p->address);

        return g && same_ids(p, g, true);
}

static bool same_pinned_ids(const struct pin_gpu *a, const struct pin_gpu *b) {
        return a->vendor == b->vendor && a->device == b->device && a->subvendor == b->subvendor &&
               a->subdevice == b->subdevice;
}

static bool is_at(const struct pin_gpu *list, size_t n, const struct gpu *g) {
        for (size_t i = 0; i < n; i++)
                if (streq(list[i].address, g->address) && same_ids(&list[i], g, true))
                        return true;
        return false;
}

static size_t count_homeless(const struct facts *facts, const struct pin_gpu *list, size_t n,
                             const struct pin_gpu *like) {
        size_t homeless = 0;

        for (size_t i = 0; i < n; i++)
                homeless += same_pinned_ids(&list[i], like) && !pinned_here(facts, &list[i]);
        return homeless;
}

/*
 * GPUs with the ids of @p at an address where none was known. As many of them
 * as entries without their GPU means that all moved together; which is which
 * does not matter, they are alike and go to one container. A twin that was not
 * meant is no candidate, and one that left its place, too, makes it a guess.
 */
static const struct gpu *follow(struct chooser *x, const struct pin *pin, const struct pin_gpu *p) {
        const struct gpu *free_gpu = NULL;
        size_t homeless = count_homeless(x->facts, pin->gpus, pin->n_gpus, p), candidates = 0;

        if ((p->vendor == 0 && p->device == 0) ||
            count_homeless(x->facts, pin->twins, pin->n_twins, p) > 0)
                return NULL;
        for (size_t i = 0; i < x->facts->n_gpus; i++) {
                const struct gpu *g = &x->facts->gpus[i];

                if (!same_ids(p, g, true) || is_at(pin->gpus, pin->n_gpus, g) ||
                    is_at(pin->twins, pin->n_twins, g))
                        continue;
                candidates++;
                if (!free_gpu && !chosen(x->c, g))
                        free_gpu = g;
        }
        return candidates == homeless ? free_gpu : NULL;
}

/* Remember with a new pin which GPUs of the same ids are here and not meant. */
static void find_twins(struct chooser *x) {
        struct pin *pin = &x->c->pin;

        for (size_t i = 0; i < x->facts->n_gpus; i++) {
                const struct gpu *g = &x->facts->gpus[i];
                bool alike = false;

                for (size_t j = 0; j < pin->n_gpus; j++)
                        alike |= g->has_ids && same_ids(&pin->gpus[j], g, true);
                if (alike && !is_at(pin->gpus, pin->n_gpus, g))
                        *ARENA_PUSH(x->a, pin->twins, pin->n_twins) = pin_of(x->a, g);
        }
}

static void choose_pinned(struct chooser *x, const struct pin *pin) {
        struct choice *c = x->c;

        c->pin.node = pin->node;
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct pin_gpu *p = &pin->gpus[i];
                const struct gpu *g = NULL;
                const char *ids = arena_printf(x->a, "%04x:%04x", p->vendor, p->device);

                if (pinned_here(x->facts, p))
                        g = facts_find_gpu(x->facts, p->address);
                else if ((g = follow(x, pin, p)))
                        finding_add(x->f, (struct finding){ .code = FINDING_GPU_MOVED,
                                                            .gpu = g->address,
                                                            .what = ids,
                                                            .old = p->address,
                                                            .new = g->address });
                *ARENA_PUSH(x->a, c->pin.gpus, c->pin.n_gpus) = g ? pin_of(x->a, g) : *p;
                if (!g) {
                        gpu_not_here(x, p->address, arena_printf(x->a, "pinned %s", ids));
                        continue;
                }
                c->repin |= !streq(g->address, p->address);
                take_or_held(x, g, p->address);
        }
}

/* Another node chose @pin: its addresses mean nothing here, its ids do. */
static bool choose_alike(struct chooser *x, const struct pin *pin) {
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct pin_gpu *p = &pin->gpus[i];
                size_t alike = 0, wanted = 0;

                for (size_t j = 0; j < pin->n_gpus; j++)
                        wanted += pin->gpus[j].vendor == p->vendor && pin->gpus[j].device == p->device;
                for (size_t j = 0; j < x->facts->n_gpus; j++)
                        alike += same_ids(p, &x->facts->gpus[j], false);
                if (p->vendor == 0 || alike != wanted)
                        return false;
        }
        for (size_t i = 0; i < pin->n_gpus; i++)
                for (size_t j = 0; j < x->facts->n_gpus; j++)
                        if (same_ids(&pin->gpus[i], &x->facts->gpus[j], false))
                                take_or_held(x, &x->facts->gpus[j], x->facts->gpus[j].address);
        return true;
}

/* Whether nothing but an NPU is meant, which has no render node. */
static bool only_accel(const struct policy *p, const struct survey *s) {
        uint32_t kinds = p->devices_set ? p->devices : s->given ? s->given : s->allowed;

        return kinds == NODE_BIT(NODE_ACCEL);
}

static size_t accels(struct chooser *x, const struct gpu ***ret) {
        size_t n = 0;

        *ret = NULL;
        for (size_t i = 0; i < x->facts->n_gpus; i++)
                if (gpu_node(&x->facts->gpus[i], NODE_ACCEL))
                        *ARENA_PUSH(x->a, *ret, n) = &x->facts->gpus[i];
        return n;
}

static void choose_first(struct chooser *x, const struct policy *p, const struct survey *s) {
        const struct gpu **named = NULL, **usable;
        size_t n_named = p->n_pins == 0 ? survey_named_gpus(x->a, x->facts, s, &named) : 0;
        size_t n_usable = only_accel(p, s) ? accels(x, &usable) : usable_gpus(x, &usable);

        if (n_named > 0) {
                for (size_t i = 0; i < n_named; i++)
                        take(x, named[i]);
        } else if (p->n_pins > 0 && choose_alike(x, &p->pins[0])) {
                ;
        } else if (n_usable == 1) {
                take(x, usable[0]);
        } else if (n_usable == 0) {
                gpu_not_here(x, "auto", only_accel(p, s) ? "none has an accel node"
                                                         : "none has a render node");
        } else {
                const char *why = p->n_pins > 0
                                          ? "chosen on another cluster node, and this one has no single match"
                                          : "the container's lines do not tell which GPU is meant";

                ambiguous(x, why, "a GPU", usable, n_usable);
        }
}

static void choose_auto(struct chooser *x, const struct policy *p, const char *node,
                        const struct survey *s) {
        const struct pin *pin = policy_pin(p, node);
        struct choice *c = x->c;

        if (pin) {
                choose_pinned(x, pin);
                return;
        }
        choose_first(x, p, s);
        if (c->n_gpus == 0)
                return;
        c->pin.node = node;
        c->repin = true;
        for (size_t i = 0; i < c->n_gpus; i++) {
                *ARENA_PUSH(x->a, c->pin.gpus, c->pin.n_gpus) = pin_of(x->a, c->gpus[i]);
                finding_add(x->f, (struct finding){ .code = FINDING_GPU_PINNED,
                                                    .gpu = c->gpus[i]->address,
                                                    .what = gpu_describe(x->a, c->gpus[i]),
                                                    .where = node });
        }
}

void choose_gpus(struct arena *a, const struct facts *facts, const struct policy *p,
                 const char *node, const struct survey *s, struct findings *f, struct choice *ret) {
        struct choice c = { 0 };
        struct chooser x = { a, facts, f, &c };

        for (size_t i = 0; i < p->n_gpus; i++) {
                if (p->gpus[i].kind == SEL_AUTO)
                        choose_auto(&x, p, node, s);
                else
                        choose_selected(&x, &p->gpus[i]);
        }
        if (c.repin)
                find_twins(&x);
        *ret = c;
}
