/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * running - a running container: its nodes, its groups, what can be opened, what programs see
 *
 * What is said first is what was tried; owner and groups explain it.
 */
#include "model/doctor/running.h"
#include "base/number.h"

#include "model/guest/accounts.h"
#include "model/guest/program-output.h"

#include <errno.h>

/* The command that gives a container its GPU by a new start. */
static const char *start_anew(struct arena *a, const struct inside_facts *f) {
        const char *enrol = f->managed ? "" : arena_printf(a, "gpuanchor enable %u && ", f->vmid);

        return arena_printf(a, "%spct reboot %u", enrol, f->vmid);
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
        return d->is_char &&
               (!d->expected || (devnum_equal(d->number, d->want)));
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
        struct doctor_item item = { .check = DOCTOR_INSIDE_NODE,
                                    .verdict = DOCTOR_FAILED,
                                    .subject = d->path,
                                    .mend = start_anew(r->arena, f) };

        if (!d->present) {
                item.evidence = "it is not there: the container was started without it";
        } else if (!d->is_char) {
                item.evidence =
                        "this is no device but what a start without the GPU leaves in its place";
        } else if (!is_right(d)) {
                item.evidence =
                        arena_printf(r->arena, "it is %s, another device; %s was meant",
                                     devnum_text(r->arena, d->number),
                                     devnum_text(r->arena, d->want));
        } else if (!group_is_mapped(f, d)) {
                item.evidence = arena_printf(
                        r->arena, "%s: its host gid %u has no place in the container's id map",
                        describe(r->arena, f, d), d->gid);
        } else if (!d->expected) {
                item.verdict = DOCTOR_WARNING;
                item.evidence = arena_printf(r->arena, "%s, and was not given by the policy",
                                             describe(r->arena, f, d));
                item.advice = "the next start takes lines that name it out, if it is managed";
                item.mend = NULL;
        } else {
                item.verdict = DOCTOR_OK;
                item.evidence = describe(r->arena, f, d);
                item.mend = NULL;
        }
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

static const char *add_group(struct arena *a, const struct inside_facts *f, enum gid_group group,
                             uint32_t gid) {
        const char *name = gid_group_name(group);

        if (f->has_groupadd && gid == f->expected_gid[group])
                return arena_printf(a,
                                    "gpuanchor enable %u --guest-groups ensure; gpuanchor apply %u",
                                    f->vmid, f->vmid);
        if (f->has_groupadd)
                return arena_printf(a, "pct exec %u -- groupadd -g %u %s", f->vmid, gid, name);
        return arena_printf(a, "pct exec %u -- sh -c 'echo %s:x:%u: >>/etc/group'", f->vmid, name,
                            gid);
}

/* Renumbering a group inside would leave files of its old number behind: the policy follows it. */
static const char *tell_gid(struct arena *a, const struct inside_facts *f, enum gid_group group,
                            uint32_t gid) {
        return arena_printf(a, "gpuanchor enable %u --%s-gid %u; pct reboot %u", f->vmid,
                            gid_group_name(group), gid, f->vmid);
}

static void judge_group(struct doctor_report *r, const struct inside_facts *f,
                        enum gid_group group) {
        struct doctor_item item = { .check = DOCTOR_INSIDE_GROUP,
                                    .verdict = DOCTOR_FAILED,
                                    .subject = gid_group_name(group) };
        uint32_t want, gid;

        if (!wanted_gid(f, group, &want))
                return;
        if (!account_group(f->group, item.subject, &gid)) {
                const char *other = account_name(r->arena, f->group, want);
                uint32_t number;

                item.evidence = arena_printf(r->arena, "the container has no group of that name");
                if (parse_u32(bytes_of(other), &number))
                        item.mend = add_group(r->arena, f, group, want);
                else
                        item.advice = arena_printf(
                                r->arena,
                                "its gid %u, that of the nodes, is %s's: give the nodes another "
                                "one with gpuanchor enable %u --%s-gid GID",
                                want, other, f->vmid, item.subject);
        } else if (gid != want) {
                item.evidence = arena_printf(
                        r->arena, "it is gid %u in the container, the nodes belong to gid %u there",
                        gid, want);
                item.mend = tell_gid(r->arena, f, group, gid);
        } else {
                item.verdict = DOCTOR_OK;
                item.evidence = arena_printf(r->arena, "gid %u, that of the nodes", gid);
        }
        doctor_add(r, item);
}

static void judge_groups(struct doctor_report *r, const struct inside_facts *f) {
        if (f->accounts_error) {
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_INSIDE_GROUP,
                                      .verdict = DOCTOR_SKIPPED,
                                      .evidence = "the container's /etc/group is no plain file "
                                                  "of a sane size" });
                return;
        }
        for (int group = 0; group < GID_GROUPS; group++)
                judge_group(r, f, group);
}

/* ---- open(2) ---- */

static const char *errno_words(struct arena *a, const struct inside_facts *f,
                               const struct inside_device *d) {
        switch (d->open.error) {
        case EACCES:
                return arena_printf(a, "permission denied (EACCES), layer 1: it is %s %s",
                                    mode_text(a, d), inside_owner(a, f, d));
        case EPERM:
                return arena_printf(
                        a, "not permitted (EPERM), layer 2 or 3: a device cgroup refuses %s",
                        devnum_text(a, d->number));
        case ENOENT:
                return "it went away meanwhile (ENOENT)";
        case ENXIO:
        case ENODEV:
                return "no driver answers to its number any more (ENXIO, ENODEV): the GPU was "
                       "renumbered or lost its driver after this start";
        case EBUSY:
                return "the driver lets one program in at a time, and another is (EBUSY)";
        case EIO:
                return "the driver fails (EIO): see dmesg on the host";
        default:
                return arena_printf(a, "error %d of open(2)", d->open.error);
        }
}

const char *doctor_open_words(struct arena *a, const struct inside_facts *f,
                              const struct inside_device *d) {
        switch (d->open.step) {
        case OPEN_DONE:
                return d->open.error ? errno_words(a, f, d) : "it opens";
        case OPEN_SLOW:
                return "the driver gives no answer: see dmesg on the host";
        case OPEN_IDS:
                return arena_printf(a, "not tried: gid %u is not mapped", d->as_gid);
        case OPEN_CGROUP:
                return "not tried: the container's cgroup cannot be entered";
        case OPEN_USERNS:
                return "not tried: the container's user namespace cannot be entered";
        case OPEN_NOT_TRIED:
        case OPEN_PREPARE:
                break;
        }
        return "not tried";
}

static void judge_open(struct doctor_report *r, const struct inside_facts *f,
                       const struct inside_device *d) {
        bool tried = d->open.step == OPEN_DONE || d->open.step == OPEN_SLOW;
        struct doctor_item item = { .check = DOCTOR_INSIDE_OPEN,
                                    .verdict = DOCTOR_SKIPPED,
                                    .subject = d->path };

        item.evidence = arena_printf(r->arena, "as a member of gid %u (%s): %s", d->as_gid,
                                     gid_group_name(gid_group_of(d->kind)),
                                     doctor_open_words(r->arena, f, d));
        if (tried && d->open.step == OPEN_DONE && d->open.error == 0)
                item.verdict = DOCTOR_OK;
        else if (tried)
                item.verdict = DOCTOR_FAILED;
        /* what layer 1 refuses is mended where its group is judged */
        if (item.verdict == DOCTOR_FAILED && d->open.error != EACCES && d->open.error != EBUSY)
                item.mend = start_anew(r->arena, f);
        doctor_add(r, item);
}

static void judge_holders(struct doctor_report *r, const struct inside_facts *f) {
        for (size_t i = 0; i < f->n_holders; i++)
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_HOLDER,
                                      .verdict = DOCTOR_OK,
                                      .subject = f->holders[i].path,
                                      .evidence = arena_printf(
                                              r->arena, "%s (process %u inside) has it open",
                                              f->holders[i].name, f->holders[i].pid) });
        if (f->n_holders == 0)
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_HOLDER,
                                                    .verdict = DOCTOR_SKIPPED,
                                                    .evidence = "no process in the container has "
                                                                "a GPU's node open now" });
}

void doctor_inside(struct doctor_report *r, const struct inside_facts *f) {
        for (size_t i = 0; i < f->n_devices; i++)
                judge_node(r, f, &f->devices[i]);
        if (f->n_devices == 0)
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_INSIDE_NODE,
                                                    .verdict = DOCTOR_FAILED,
                                                    .evidence = "the container has no GPU's node",
                                                    .mend = start_anew(r->arena, f) });
        judge_groups(r, f);
        for (size_t i = 0; i < f->n_devices; i++)
                if (f->devices[i].expected && is_right(&f->devices[i]))
                        judge_open(r, f, &f->devices[i]);
        judge_holders(r, f);
}

/* ---- what the container's own tools say ---- */

/* Mesa's package of Vulkan drivers serves all of these; NVIDIA's driver brings its own. */
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

/* Whether @p has an output to read; else the verdict is made here. */
static bool has_output(struct doctor_report *r, const struct inside_program *p,
                       struct doctor_item *item, const char *program) {
        switch (p->ran) {
        case RAN_DONE:
                return true;
        case RAN_ABSENT:
                item->verdict = DOCTOR_SKIPPED;
                item->evidence =
                        arena_printf(r->arena, "%s is not installed in the container", program);
                break;
        case RAN_TIMEOUT:
                item->verdict = DOCTOR_WARNING;
                item->evidence = arena_printf(r->arena, "%s did not end and was killed", program);
                break;
        case RAN_ENDLESS:
                item->verdict = DOCTOR_WARNING;
                item->evidence =
                        arena_printf(r->arena, "%s printed without end and was killed", program);
                break;
        case RAN_NOT:
                item->verdict = DOCTOR_SKIPPED;
                item->evidence = arena_printf(r->arena, "%s could not be run", program);
                break;
        }
        doctor_add(r, *item);
        return false;
}

static void judge_vulkan(struct doctor_report *r, const struct inside_facts *f) {
        struct doctor_item item = { .check = DOCTOR_VULKAN, .verdict = DOCTOR_FAILED };
        struct vulkan_summary v;

        if (!has_output(r, &f->vulkan, &item, "vulkaninfo"))
                return;
        v = vulkan_parse(r->arena, f->vulkan.output);
        if (v.gpu) {
                item.verdict = DOCTOR_OK;
                item.evidence = v.gpu;
        } else {
                item.evidence =
                        v.software ? arena_printf(r->arena, "only %s, which is the CPU", v.software)
                                   : "no device at all";
                if (nothing_opens(f))
                        item.advice = "the render node does not open, see above";
                else if (mesa_has_driver(f))
                        item.mend = arena_printf(
                                r->arena, "pct exec %u -- apt-get install -y mesa-vulkan-drivers",
                                f->vmid);
                else
                        item.advice = "the GPU's Vulkan driver is missing in the container";
        }
        doctor_add(r, item);
}

static void judge_vaapi(struct doctor_report *r, const struct inside_facts *f) {
        struct doctor_item item = { .check = DOCTOR_VAAPI, .verdict = DOCTOR_WARNING };
        struct vaapi_summary v;

        if (!has_output(r, &f->vaapi, &item, "vainfo"))
                return;
        v = vaapi_parse(r->arena, f->vaapi.output);
        if (v.driver && v.profiles > 0) {
                item.verdict = DOCTOR_OK;
                item.evidence = arena_printf(r->arena, "%s, %u profiles", v.driver, v.profiles);
        } else {
                item.evidence = "no video driver takes the GPU";
                item.advice = nothing_opens(f) ? "the render node does not open, see above"
                                               : "install its VA-API driver in the container: "
                                                 "mesa-va-drivers for AMD, intel-media-va-driver "
                                                 "for Intel";
        }
        doctor_add(r, item);
}

static void judge_busy(struct doctor_report *r, const struct inside_facts *f) {
        if (f->busy_percent < 0)
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_BUSY,
                                                    .verdict = DOCTOR_SKIPPED,
                                                    .evidence =
                                                            "the driver has no gpu_busy_percent" });
        else
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_BUSY,
                                      .verdict = DOCTOR_OK,
                                      .subject = f->busy_gpu,
                                      .evidence = arena_printf(r->arena, "%d %% at this moment",
                                                               (int)f->busy_percent) });
}

void doctor_programs(struct doctor_report *r, const struct inside_facts *f) {
        judge_vulkan(r, f);
        judge_vaapi(r, f);
        judge_busy(r, f);
}
