/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ollama - does Ollama compute on the GPU, and if not, why */
#include "model/doctor/ollama.h"

#include "model/guest/program-output.h"

#define GIB (1ULL << 30)

/* What Ollama's own reader of booleans takes for no. */
static bool is_off(struct bytes value) {
        const char *const off[] = { "", "0", "f", "F", "false", "False", "FALSE" };

        for (size_t i = 0; i < ELEMENTS(off); i++)
                if (bytes_equal(value, bytes_of(off[i])))
                        return true;
        return false;
}

static bool has_kind(const struct inside_facts *f, enum node_kind kind) {
        for (size_t i = 0; i < f->n_devices; i++)
                if (f->devices[i].kind == kind && f->devices[i].is_char)
                        return true;
        return false;
}

static bool is_set(struct bytes environment, const char *name) {
        struct bytes value;

        return environment_value(environment, name, &value) && !is_off(value);
}

/* The drop-in has what the policy says, which may be nothing of this. */
static const char *use_vulkan(struct arena *a, const struct service *s) {
        const struct policy *p = s->facts->policy;
        const char *keep = service_keep(a, s);
        bool says = !p || p->n_guest_services == 0;

        for (size_t i = 0; p && i < p->n_guest_environment; i++)
                says |= is_set(bytes_of(p->guest_environment[i]), "OLLAMA_VULKAN");
        return keep && says ? keep : service_setting(a, s, "Environment=OLLAMA_VULKAN=1\\n");
}

static void judge_vulkan(struct doctor_report *r, const struct service *s,
                         const struct ollama_log *log) {
        bool in_unit = is_set(s->unit->environment, "OLLAMA_VULKAN");
        bool in_process = s->main && is_set(s->main->environment, "OLLAMA_VULKAN");
        struct doctor_item item = { .check = DOCTOR_OLLAMA_VULKAN,
                                    .verdict = DOCTOR_OK,
                                    .subject = s->name };

        if (in_process || (in_unit && !s->main)) {
                item.evidence = "OLLAMA_VULKAN is set";
        } else if (in_unit) {
                item.verdict = DOCTOR_WARNING;
                item.evidence = "OLLAMA_VULKAN is set, but not for the process that runs";
                item.mend = service_restart(r->arena, s);
        } else if (has_kind(s->facts, NODE_NVIDIA)) {
                item.evidence = "OLLAMA_VULKAN is not set; NVIDIA's GPUs do not need it";
        } else if (log->compute == COMPUTE_GPU) {
                item.evidence = "OLLAMA_VULKAN is not set, and Ollama found the GPU without it";
        } else if (has_kind(s->facts, NODE_KFD) && !log->vulkan_disabled) {
                item.evidence = "OLLAMA_VULKAN is not set; with /dev/kfd Ollama may use ROCm";
        } else {
                item.verdict = DOCTOR_FAILED;
                item.evidence = "OLLAMA_VULKAN is not set: Ollama does not try Vulkan";
                item.mend = use_vulkan(r->arena, s);
        }
        doctor_add(r, item);
}

static void judge_layers(struct doctor_report *r, const struct service *s,
                         const struct ollama_log *log, struct doctor_item *item) {
        item->evidence = arena_printf(r->arena, "offloaded %u/%u layers to the GPU", log->offloaded,
                                      log->layers);
        if (log->offloaded == 0) {
                item->verdict = DOCTOR_FAILED;
                item->evidence = arena_printf(r->arena, "%s: the CPU computes all", item->evidence);
                item->mend = service_restart(r->arena, s);
        } else if (log->offloaded < log->layers) {
                item->verdict = DOCTOR_WARNING;
                item->evidence = arena_printf(
                        r->arena, "%s, the rest is computed by the CPU and slow", item->evidence);
                item->advice =
                        "the model is larger than the GPU's memory: take a smaller one, or for a "
                        "GPU that shares the container's memory give that more";
        } else {
                item->verdict = DOCTOR_OK;
        }
}

static void judge_start(struct doctor_report *r, const struct service *s,
                        const struct ollama_log *log, struct doctor_item *item) {
        item->verdict = DOCTOR_FAILED;
        if (log->software) {
                item->evidence =
                        arena_printf(r->arena, "it found only %s, which is the CPU", log->device);
                item->advice = "the checks above say why the GPU is not among the devices";
        } else if (log->compute == COMPUTE_GPU) {
                item->verdict = DOCTOR_OK;
                item->evidence = arena_printf(r->arena, "it found %s; no model was loaded yet",
                                              log->device ? log->device : "a GPU");
        } else if (log->compute == COMPUTE_UNKNOWN) {
                item->verdict = DOCTOR_SKIPPED;
                item->evidence = "its last lines do not speak of a GPU";
        } else if (log->igpu_dropped) {
                item->evidence =
                        "it found the GPU and leaves it out because it is an integrated one";
                item->mend = service_setting(r->arena, s, "Environment=OLLAMA_IGPU_ENABLE=1\\n");
        } else if (log->vulkan_disabled) {
                item->evidence = "it found no GPU and did not try Vulkan";
                item->mend = use_vulkan(r->arena, s);
        } else {
                item->evidence = "it found no GPU and computes on the CPU";
                item->mend = service_restart(r->arena, s);
        }
}

static void judge_log(struct doctor_report *r, const struct service *s,
                      const struct ollama_log *log) {
        struct doctor_item item = { .check = DOCTOR_OLLAMA_LOG, .subject = s->name };

        if (s->facts->journal.ran != RAN_DONE) {
                item.verdict = DOCTOR_SKIPPED;
                item.evidence = "its journal could not be read";
        } else if (log->loaded) {
                judge_layers(r, s, log, &item);
        } else {
                judge_start(r, s, log, &item);
        }
        if (item.verdict == DOCTOR_FAILED && log->denied)
                item.evidence = arena_printf(r->arena, "%s; it was denied a node of the GPU",
                                             item.evidence);
        doctor_add(r, item);
}

static void judge_memory(struct doctor_report *r, const struct service *s,
                         const struct ollama_log *log) {
        const struct inside_memory *m = &s->facts->memory;
        uint64_t left = m->limit > m->used ? m->limit - m->used : 0;
        struct doctor_item item = { .check = DOCTOR_OLLAMA_MEMORY,
                                    .verdict = DOCTOR_OK,
                                    .subject = s->name };

        if (!m->known) {
                item.verdict = DOCTOR_SKIPPED;
                item.evidence = "the container's memory is not limited";
        } else {
                item.evidence = arena_printf(r->arena, "%u of %u MiB are free",
                                             (unsigned)(left >> 20), (unsigned)(m->limit >> 20));
        }
        if (m->known && left < 2 * GIB && log->loaded && log->offloaded < log->layers) {
                item.verdict = DOCTOR_WARNING;
                item.mend = arena_printf(r->arena, "pct set %u --memory %u", s->facts->vmid,
                                         (unsigned)(m->limit >> 20) * 2);
        }
        doctor_add(r, item);
}

void doctor_ollama(struct doctor_report *r, const struct service *s) {
        struct ollama_log log = ollama_parse(r->arena, s->facts->journal.output);

        judge_vulkan(r, s, &log);
        judge_log(r, s, &log);
        judge_memory(r, s, &log);
}
