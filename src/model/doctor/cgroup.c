/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * cgroup - layer 2, the container's device cgroup
 *
 * Proxmox gives an unprivileged container "devices.allow = a": its own lines change nothing, and
 * it can use those GPUs whose nodes are bound. In a privileged container the lines are enforced.
 */
#include "model/conf/legacy.h"
#include "model/doctor/container.h"
#include "model/finding/reason.h"
#include "model/plan/open-rule.h"

static bool is_chosen(const struct doctor_guest *g, const struct gpu *gpu) {
        const struct gpu_list *chosen = &g->plan->choice.gpus;

        return chosen->n == 0 || gpu_list_has(chosen, gpu);
}

static const struct node *covered_node(const struct facts *f, const struct devline *d,
                                       const struct gpu **ret_gpu) {
        *ret_gpu = NULL;
        if (d->driver)
                return NULL;
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (devline_covers(d, &f->gpus[i].nodes[j])) {
                                *ret_gpu = &f->gpus[i];
                                return &f->gpus[i].nodes[j];
                        }
        for (size_t i = 0; i < f->n_shared; i++)
                if (devline_covers(d, &f->shared[i]))
                        return &f->shared[i];
        return NULL;
}

/* In an unprivileged container a line allows nothing more: only one for no device is wrong. */
static enum doctor_outcome outcome_of_rule(const struct doctor_guest *g, const struct devline *d,
                                           const struct node *n, const struct gpu *gpu) {
        bool gate = !g->plan->userns;

        if (d->any_major || devline_is_wide(g->facts, d))
                return gate ? OUTCOME_DEVICE_LINE_ALL : OUTCOME_DEVICE_LINE_ALL_UNUSED;
        if (!n)
                return OUTCOME_DEVICE_LINE_NO_DEVICE;
        if (gpu && !is_chosen(g, gpu))
                return gate ? OUTCOME_DEVICE_LINE_OTHER : OUTCOME_DEVICE_LINE_OTHER_UNUSED;
        return OUTCOME_DEVICE_LINE_NODE;
}

/* What a rule for every minor opens: capabilities are no GPUs. */
static const char *all_of(const struct facts *f, const struct devline *d) {
        const struct family *family = devline_rule_family(f, d);

        return family == &families[FAMILY_NVIDIA_CAPS] ? WHY_ALL_CAPS : WHY_ALL_GPUS;
}

/* Whether a rule allows @n: any one, or one that is not for every device. */
static bool is_allowed(const struct doctor_guest *g, const struct node *n, bool open) {
        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];

                if (d->type == DEVLINE_ALLOW && !d->broken && !d->legacy && !d->driver && d->device_type != 'b' &&
                    (d->any_major ? open
                                  : d->number.major == n->number.major &&
                                            (d->any_minor || d->number.minor == n->number.minor)))
                        return true;
        }
        return false;
}

/* A bound node that nothing else allows would be lost with the rule for every device. */
static bool lives_by_open_rule(const struct doctor_guest *g) {
        for (size_t i = 1; i < g->survey->n_lines && !g->plan->userns; i++) {
                const struct gpu *gpu;
                const struct devline *d = &g->survey->lines[i];
                const struct node *n =
                        d->type == DEVLINE_MOUNT ? devline_node(g->facts, d, &gpu) : NULL;

                if (n && !is_allowed(g, n, false))
                        return true;
        }
        return false;
}

static void check_rule(struct doctor_report *r, const struct doctor_guest *g, size_t line) {
        const struct devline *d = &g->survey->lines[line];
        struct bytes value = g->conf->lines[line].value;
        struct arena *a = r->arena;
        const struct gpu *gpu;
        const struct node *n = covered_node(g->facts, d, &gpu);
        struct doctor_item item = { .outcome = outcome_of_rule(g, d, n, gpu),
                                    .subject = doctor_where(a, g, line),
                                    .what = arena_strndup(a, value.data, value.len),
                                    .new = n ? n->path : NULL,
                                    .old = all_of(g->facts, d),
                                    .gpu = gpu ? gpu->address : NULL };

        if (doctor_outcomes[item.outcome].verdict == DOCTOR_OK) {
                doctor_add(r, item);
        } else if (d->any_major) { /* of all devices, so a start does not change it */
                struct open_rule_instead rules = open_rule_instead(a, g->conf, g->survey, g->plan);

                item.new = rules.text;
                if (rules.others || lives_by_open_rule(g))
                        item.outcome = OUTCOME_DEVICE_LINE_OPEN;
                else
                        item.remedy = REMEDY_FIX, item.edit.line = line;
                doctor_add(r, item);
        } else {
                doctor_add_lines(r, g, item);
        }
}

static void check_gate(struct doctor_report *r, const struct doctor_guest *g,
                       const struct doctor_given *given, size_t n) {
        struct arena *a = r->arena;

        for (size_t i = 0; i < n && !g->plan->userns; i++) {
                const struct node *node = given[i].node;

                if (!node || given[i].d->type != DEVLINE_MOUNT || is_allowed(g, node, true))
                        continue;
                doctor_add_lines(r, g,
                                 (struct doctor_item){ .outcome = OUTCOME_DEVICE_GATE_REFUSED,
                                                       .subject = node->path,
                                                       .what = devnum_text(a, node->number) });
        }
        doctor_add_if_silent(r, g->plan->userns ? OUTCOME_DEVICE_GATE_OPEN
                                                : OUTCOME_DEVICE_GATE_ENFORCED);
}

/* "226 (drm), 235 (kfd)" */
static const char *gpu_majors(struct arena *a, const struct facts *f) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < f->n_majors; i++)
                if (family_of_owner(f->majors[i].name))
                        strbuf_printf(&b, "%s%u (%s)", b.len > 0 ? ", " : "", f->majors[i].major,
                                      f->majors[i].name);
        return b.len > 0 ? strbuf_str(&b) : NULL;
}

/* Reserved for devices that containers are given beside a GPU (the kernel's devices.txt). */
static bool is_reserved(uint32_t major) {
        static const uint8_t majors[] = {
                1,   4,   5,   7,   10,  13,  14,  21, /* mem, tty, vcs, misc, input, sound, sg */
                29,  81,  89,  108, 116, 136, 153, 166, /* fb, video, i2c, ppp, alsa, pts, spi, ttyACM */
                180, 188, 189, 204, 212,                /* usb, ttyUSB, usb_device, ttyAMA, dvb */
        };

        return major <= UINT8_MAX && memchr(majors, (int)major, sizeof(majors));
}

/* c 266:0: a typing mistake, or a device whose driver is not there. */
static bool has_no_driver(const struct doctor_guest *g, const struct devline *d) {
        return d->type == DEVLINE_ALLOW && !d->broken && !d->late && !d->by_path &&
               d->device_type == 'c' && !d->any_major && !is_reserved(d->number.major) &&
               (g->facts->n_majors > 0 || !devline_rule_family(g->facts, d)) &&
               !facts_major_name(g->facts, d->number.major);
}

static void add_no_driver(struct doctor_report *r, const struct doctor_guest *g, size_t i) {
        struct arena *a = r->arena;

        doctor_add(r, (struct doctor_item){
                              .outcome = OUTCOME_DEVICE_LINE_NO_DRIVER,
                              .subject = doctor_where(a, g, i),
                              .what = bytes_dup(a, g->conf->lines[i].value),
                              .old = arena_printf(a, "%u", g->survey->lines[i].number.major),
                              .new = gpu_majors(a, g->facts) });
}

/* Rules for GPUs are gpuanchor's to rewrite; others have the same number in cgroup v2, or go. */
static void check_legacy(struct doctor_report *r, const struct doctor_guest *g, size_t i) {
        const struct conf_line *l = &g->conf->lines[i];
        bool rule = (devline_kinds(g->facts, &g->survey->lines[i]) & g->plan->devices) != 0;
        bool ends = g->facts->lxc_is_7;
        struct legacy with = legacy_replacement(r->arena, g->facts, l);
        struct doctor_item item = { .subject = doctor_where(r->arena, g, i),
                                    .what = bytes_dup(r->arena, l->text),
                                    .new = with.why ? with.why : "" };

        if (rule) {
                item.outcome = ends ? OUTCOME_LEGACY_KEY_RULE_ENDS : OUTCOME_LEGACY_KEY_RULE;
                doctor_add_lines(r, g, item);
                return;
        }
        item.outcome = ends ? OUTCOME_LEGACY_KEY_KEY_ENDS : OUTCOME_LEGACY_KEY_KEY;
        item.edit = (struct doctor_edit){ i, with.value, with.key };
        doctor_add(r, item);
}

void doctor_check_cgroup(struct doctor_report *r, const struct doctor_guest *g) {
        struct doctor_given *given;
        size_t n = doctor_given(r->arena, g, &given);

        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];

                if (legacy_is_key(g->conf->lines[i].key))
                        check_legacy(r, g, i);
                else if (has_no_driver(g, d))
                        add_no_driver(r, g, i);
                else if (d->type == DEVLINE_ALLOW && !d->broken && !d->late &&
                         d->device_type != 'b' &&
                         (d->any_major || devline_kinds(g->facts, d)))
                        check_rule(r, g, i);
        }
        doctor_add_if_silent(r, OUTCOME_LEGACY_KEY_NONE);
        check_gate(r, g, given, n);
}
