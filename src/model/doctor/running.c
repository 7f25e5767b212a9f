/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * running - a running container: its nodes, its groups, what can be opened, what programs see
 */
#include "model/doctor/running.h"
#include "base/number.h"

#include "model/guest/accounts.h"
#include "model/guest/program-output.h"

#include <errno.h>

/* A container gets its GPU at its next start. */
static enum doctor_remedy start_anew(const struct inside_facts *f) {
        if (f->missing)
                return REMEDY_SEE_CHOICE;
        if (!f->managed)
                return REMEDY_ENABLE_REBOOT;
        return f->stale ? REMEDY_APPLY_REBOOT : REMEDY_REBOOT; /* a devN path may be gone */
}

static const char *mode_text(struct arena *a, const struct inside_device *d) {
        char text[] = "crwxrwxrwx";

        for (int i = 0; i < 9; i++)
                if (!(d->mode & (0400U >> i)))
                        text[i + 1] = '-';
        return arena_strdup(a, text);
}

/* ---- the nodes ---- */

static bool is_right(const struct inside_device *d) {
        return d->is_char && !d->other && !d->dead &&
               (!d->expected || devnum_equal(d->number, d->want));
}

static bool group_is_mapped(const struct inside_facts *f, const struct inside_device *d) {
        uint32_t gid;

        return inside_gid(f, d->gid, &gid);
}

static const char *describe(struct arena *a, const struct inside_facts *f,
                            const struct inside_device *d) {
        return arena_printf(a, "%s %s %s", devnum_text(a, d->number), mode_text(a, d),
                            inside_owner(a, f, d));
}

static void judge_node(struct doctor_report *r, const struct inside_facts *f,
                       const struct inside_device *d) {
        struct arena *a = r->arena;
        struct doctor_item item = { .outcome = OUTCOME_INSIDE_NODE_RIGHT, .subject = d->path };

        if (!d->present) {
                item.outcome = OUTCOME_INSIDE_NODE_ABSENT;
        } else if (!d->is_char) {
                item.outcome = OUTCOME_INSIDE_NODE_NO_DEVICE;
        } else if (d->other || d->dead) {
                item.outcome = d->dead ? OUTCOME_INSIDE_NODE_DEAD : OUTCOME_INSIDE_NODE_OTHER_GPU;
                item.what = d->other;
                item.old = devnum_text(a, d->number);
        } else if (!is_right(d)) {
                item.outcome = OUTCOME_INSIDE_NODE_OTHER;
                item.old = devnum_text(a, d->number);
                item.new = devnum_text(a, d->want);
        } else {
                item.what = describe(a, f, d);
                item.old = arena_printf(a, "%u", d->gid);
                if (!group_is_mapped(f, d))
                        item.outcome = OUTCOME_INSIDE_NODE_NOT_MAPPED;
                else if (!d->expected)
                        item.outcome = OUTCOME_INSIDE_NODE_EXTRA;
        }
        if (doctor_outcomes[item.outcome].verdict == DOCTOR_FAILED)
                item.remedy = start_anew(f);
        doctor_add(r, item);
}

/* ---- the groups ---- */

/* The container gid that @group has to have: that of its nodes, else that of the plan. */
static bool wanted_gid(const struct inside_facts *f, enum gid_group group, uint32_t *ret) {
        for (size_t i = 0; i < f->n_devices; i++) {
                const struct inside_device *d = &f->devices[i];

                if (d->expected && is_right(d) && gid_group_of(d->kind) == group &&
                    inside_gid(f, d->gid, ret))
                        return true;
        }
        for (size_t i = 0; i < f->n_devices; i++)
                if (f->devices[i].expected && gid_group_of(f->devices[i].kind) == group) {
                        *ret = f->expected_gid[group];
                        return true;
                }
        return false;
}

static enum doctor_remedy add_group(const struct inside_facts *f, int group, uint32_t gid) {
        if (!f->has_groupadd)
                return REMEDY_GROUP_LINE;
        return gid == f->expected_gid[group] ? REMEDY_ENABLE_GROUPS : REMEDY_GROUPADD;
}

/* Renumbering a group inside would leave files of its old number behind: the policy follows it. */
static void judge_group(struct doctor_report *r, const struct inside_facts *f, int group) {
        struct arena *a = r->arena;
        struct doctor_item item = { .outcome = OUTCOME_INSIDE_GROUP_RIGHT,
                                    .subject = gid_group_name(group) };
        uint32_t want, gid, number;

        if (!wanted_gid(f, group, &want))
                return;
        item.new = arena_printf(a, "%u", want);
        if (!account_group(f->group, item.subject, &gid)) {
                item.what = account_name(a, f->group, want);
                item.outcome = OUTCOME_INSIDE_GROUP_GID_TAKEN;
                if (parse_u32(bytes_of(item.what), &number)) {
                        item.outcome = OUTCOME_INSIDE_GROUP_NONE;
                        item.remedy = add_group(f, group, want);
                }
        } else if (gid != want) {
                item.outcome = OUTCOME_INSIDE_GROUP_OTHER;
                item.old = arena_printf(a, "%u", gid);
        }
        doctor_add(r, item);
}

/* An application needs no group: what counts is whether its init opens the nodes. */
static void judge_groups(struct doctor_report *r, const struct inside_facts *f) {
        if (f->init)
                return;
        if (f->accounts_error) {
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_INSIDE_GROUP_UNREADABLE });
                return;
        }
        for (int group = 0; group < GID_GROUPS; group++)
                judge_group(r, f, group);
}

/* ---- open(2) ---- */

static enum doctor_reason reason_of_errno(int error) {
        switch (error) {
        case 0:
                return REASON_OPENS;
        case EACCES:
                return REASON_EACCES;
        case EPERM:
                return REASON_EPERM;
        case ENOENT:
                return REASON_ENOENT;
        case ENXIO:
        case ENODEV:
                return REASON_ENXIO;
        case EBUSY:
                return REASON_EBUSY;
        case EIO:
                return REASON_EIO;
        default:
                return REASON_ERRNO;
        }
}

static enum doctor_reason reason_of(const struct open_result *o) {
        switch (o->step) {
        case OPEN_DONE:
                return reason_of_errno(o->error);
        case OPEN_SLOW:
                return REASON_SLOW;
        case OPEN_IDS:
                return REASON_NOT_MAPPED;
        case OPEN_CGROUP:
                return REASON_NO_CGROUP;
        case OPEN_USERNS:
                return REASON_NO_USERNS;
        case OPEN_NOT_TRIED:
        case OPEN_PREPARE:
                break;
        }
        return REASON_NOT_TRIED;
}

void doctor_open_reason(struct arena *a, const struct inside_facts *f,
                        const struct inside_device *d, struct doctor_item *item) {
        item->reason = reason_of(&d->open);
        if (item->reason == REASON_EACCES)
                item->old = arena_printf(a, "%s %s", mode_text(a, d), inside_owner(a, f, d));
        else if (item->reason == REASON_EPERM)
                item->old = devnum_text(a, d->number);
        else if (item->reason == REASON_NOT_MAPPED)
                item->old = arena_printf(a, "%u", d->as_gid);
        else
                item->old = arena_printf(a, "%d", d->open.error);
}

static void judge_open(struct doctor_report *r, const struct inside_facts *f,
                       const struct inside_device *d) {
        struct doctor_item item = { .outcome = OUTCOME_INSIDE_OPEN_REFUSED,
                                    .subject = d->path,
                                    .what = arena_printf(r->arena, "%u", d->as_gid),
                                    .where = gid_group_name(gid_group_of(d->kind)) };

        doctor_open_reason(r->arena, f, d, &item);
        if (f->init)
                item.what = f->init;
        if (item.reason == REASON_OPENS)
                item.outcome =
                        f->init ? OUTCOME_INSIDE_OPEN_INIT_OPENS : OUTCOME_INSIDE_OPEN_OPENS;
        else if (d->open.step != OPEN_DONE && d->open.step != OPEN_SLOW)
                item.outcome = OUTCOME_INSIDE_OPEN_NOT_TRIED;
        else if (f->init)
                item.outcome = OUTCOME_INSIDE_OPEN_INIT_REFUSED; /* see application */
        /* EACCES is corrected with the group */
        else if (item.reason != REASON_EACCES && item.reason != REASON_EBUSY)
                item.remedy = start_anew(f);
        doctor_add(r, item);
}

static void judge_holders(struct doctor_report *r, const struct inside_facts *f) {
        for (size_t i = 0; i < f->n_holders; i++)
                doctor_add(r, (struct doctor_item){
                                      .outcome = OUTCOME_HOLDER_PROCESS,
                                      .subject = f->holders[i].path,
                                      .what = f->holders[i].name,
                                      .new = arena_printf(r->arena, "%u", f->holders[i].pid) });
        doctor_add_if_silent(r, OUTCOME_HOLDER_NONE);
}

void doctor_inside(struct doctor_report *r, const struct inside_facts *f) {
        for (size_t i = 0; i < f->n_devices; i++)
                judge_node(r, f, &f->devices[i]);
        if (f->n_devices == 0)
                doctor_add(r, (struct doctor_item){
                                      .outcome = f->no_gpu ? OUTCOME_INSIDE_NODE_NOT_MEANT
                                                           : OUTCOME_INSIDE_NODE_NONE,
                                      .remedy = f->no_gpu ? REMEDY_OWN : start_anew(f) });
        judge_groups(r, f);
        for (size_t i = 0; i < f->n_devices; i++)
                if (f->devices[i].expected && is_right(&f->devices[i]))
                        judge_open(r, f, &f->devices[i]);
        judge_holders(r, f);
}

/* ---- libraries of NVIDIA's driver ---- */

void doctor_driver(struct doctor_report *r, const struct inside_facts *f) {
        static const enum doctor_outcome outcomes[] = {
                [VERDICT_UNTOLD] = OUTCOME_DRIVER_MATCH_UNTOLD,
                [VERDICT_SAME] = OUTCOME_DRIVER_MATCH_SAME,
                [VERDICT_DIFFERS] = OUTCOME_DRIVER_MATCH_DIFFERS,
                [VERDICT_COMPAT] = OUTCOME_DRIVER_MATCH_COMPAT,
                [VERDICT_COMPAT_OLD] = OUTCOME_DRIVER_MATCH_COMPAT_OLD,
                [VERDICT_DANGLING] = OUTCOME_DRIVER_MATCH_DANGLING,
                [VERDICT_NONE] = OUTCOME_DRIVER_MATCH_NONE,
        };

        for (int i = 0; f->nvidia_version && i < DRIVER_LIBRARIES; i++) {
                const struct driver_library *l = &f->libraries[i];
                enum library_verdict verdict = library_judge(l, f->nvidia_version);
                struct doctor_item item = { .outcome = outcomes[verdict],
                                            .subject = driver_library_names[i],
                                            .what = l->path,
                                            .where = l->others,
                                            .old = l->version,
                                            .new = f->nvidia_version };

                if (l->of_host) /* refused as it is on the host itself: driver-loaded */
                        item.outcome = OUTCOME_DRIVER_MATCH_OF_HOST;
                else if (verdict == VERDICT_SAME && *l->others)
                        item.outcome = OUTCOME_DRIVER_MATCH_OTHERS;
                else if (verdict == VERDICT_DIFFERS || verdict == VERDICT_DANGLING ||
                         verdict == VERDICT_NONE)
                        item.remedy = REMEDY_DRIVER_LIBRARIES;
                doctor_add(r, item);
        }
}

/* ---- what the container's own tools say ---- */

/* mesa-vulkan-drivers has the Vulkan driver for all but NVIDIA's own driver. */
static bool mesa_has_driver(const struct inside_facts *f) {
        return f->drivers && !strstr(f->drivers, "nvidia") && *f->drivers;
}

static bool nothing_opens(const struct inside_facts *f) {
        for (size_t i = 0; i < f->n_devices; i++)
                if (f->devices[i].kind == NODE_RENDER && f->devices[i].open.step == OPEN_DONE &&
                    f->devices[i].open.error == 0)
                        return false;
        return true;
}

/* The outcome of a program without an output to read. */
static enum doctor_outcome outcome_of_run(enum ran ran) {
        switch (ran) {
        case RAN_ABSENT:
                return OUTCOME_PROGRAM_ABSENT;
        case RAN_TIMEOUT:
                return OUTCOME_PROGRAM_TIMEOUT;
        case RAN_ENDLESS:
                return OUTCOME_PROGRAM_ENDLESS;
        case RAN_DONE:
        case RAN_NOT:
                break;
        }
        return OUTCOME_PROGRAM_NOT_RUN;
}

static void judge_vulkan(struct doctor_report *r, const struct inside_facts *f) {
        struct doctor_item item = { .check = DOCTOR_VULKAN, .what = "vulkaninfo" };
        struct vulkan_summary v = { 0 };

        if (f->vulkan.ran == RAN_DONE)
                v = vulkan_parse(r->arena, f->vulkan.output);
        if (f->vulkan.ran != RAN_DONE) {
                item.outcome = outcome_of_run(f->vulkan.ran);
        } else if (v.gpu) {
                item.outcome = OUTCOME_VULKAN_GPU;
                item.what = v.gpu;
        } else {
                item.outcome = v.software ? OUTCOME_VULKAN_SOFTWARE : OUTCOME_VULKAN_NONE;
                item.what = v.software;
                if (nothing_opens(f))
                        item.remedy = REMEDY_SEE_RENDER;
                else if (mesa_has_driver(f))
                        item.remedy = REMEDY_MESA_VULKAN;
        }
        doctor_add(r, item);
}

static void judge_vaapi(struct doctor_report *r, const struct inside_facts *f) {
        struct doctor_item item = { .check = DOCTOR_VAAPI, .what = "vainfo" };
        struct vaapi_summary v = { 0 };

        if (f->vaapi.ran == RAN_DONE)
                v = vaapi_parse(r->arena, f->vaapi.output);
        if (f->vaapi.ran != RAN_DONE) {
                item.outcome = outcome_of_run(f->vaapi.ran);
        } else if (v.driver && v.profiles > 0) {
                item.outcome = OUTCOME_VAAPI_DRIVER;
                item.what = v.driver;
                item.new = arena_printf(r->arena, "%u", v.profiles);
        } else {
                item.outcome = OUTCOME_VAAPI_NONE;
                if (nothing_opens(f))
                        item.remedy = REMEDY_SEE_RENDER;
        }
        doctor_add(r, item);
}

static void judge_busy(struct doctor_report *r, const struct inside_facts *f) {
        bool known = f->busy_percent >= 0;

        doctor_add(r, (struct doctor_item){
                              .outcome = known ? OUTCOME_BUSY_PERCENT : OUTCOME_BUSY_UNKNOWN,
                              .subject = known ? f->busy_gpu : NULL,
                              .what = arena_printf(r->arena, "%d", (int)f->busy_percent) });
}

void doctor_programs(struct doctor_report *r, const struct inside_facts *f) {
        judge_vulkan(r, f);
        judge_vaapi(r, f);
        judge_busy(r, f);
}
