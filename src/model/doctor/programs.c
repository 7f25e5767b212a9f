/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor-programs - what the container's own tools say about the GPU */
#include "model/doctor/running-nodes.h"
#include "model/guest/program-output.h"

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
