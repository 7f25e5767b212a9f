/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ollama - does Ollama compute on the GPU, and if not, why */
#include "model/doctor/ollama.h"

#include "model/guest/program-output.h"

#define GIB (1ULL << 30)

/* The values that Ollama reads as false (envconfig, strconv.ParseBool), and none. */
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

/* The drop-in has the environment of the policy, which may not contain OLLAMA_VULKAN. */
static void use_vulkan(const struct service *s, struct doctor_item *item) {
        const struct policy *p = s->facts->policy;
        bool says = !p || p->n_guest_services == 0;

        for (size_t i = 0; p && i < p->n_guest_environment; i++)
                says |= is_set(bytes_of(p->guest_environment[i]), "OLLAMA_VULKAN");
        if (!says || !service_keep(s, item))
                service_set("Environment=OLLAMA_VULKAN=1\\n", item);
}

static enum doctor_outcome outcome_of_vulkan(const struct service *s,
                                             const struct ollama_log *log) {
        bool in_unit = is_set(s->unit->environment, "OLLAMA_VULKAN");
        bool in_process = s->main && is_set(s->main->environment, "OLLAMA_VULKAN");

        if (in_process || (in_unit && !s->main))
                return OUTCOME_OLLAMA_VULKAN_SET;
        if (in_unit)
                return OUTCOME_OLLAMA_VULKAN_NOT_IN_PROCESS;
        if (has_kind(s->facts, NODE_NVIDIA))
                return OUTCOME_OLLAMA_VULKAN_NVIDIA;
        if (log->compute == COMPUTE_GPU)
                return OUTCOME_OLLAMA_VULKAN_FOUND;
        if (has_kind(s->facts, NODE_KFD) && !log->vulkan_disabled)
                return OUTCOME_OLLAMA_VULKAN_ROCM;
        return OUTCOME_OLLAMA_VULKAN_UNSET;
}

static void judge_vulkan(struct doctor_report *r, const struct service *s,
                         const struct ollama_log *log) {
        struct doctor_item item = { .outcome = outcome_of_vulkan(s, log), .subject = s->name };

        if (item.outcome == OUTCOME_OLLAMA_VULKAN_UNSET)
                use_vulkan(s, &item);
        doctor_add(r, item);
}

static enum doctor_outcome outcome_of_layers(const struct ollama_log *log) {
        if (log->offloaded == 0)
                return OUTCOME_OLLAMA_LOG_NO_LAYERS;
        return log->offloaded < log->layers ? OUTCOME_OLLAMA_LOG_SOME_LAYERS
                                            : OUTCOME_OLLAMA_LOG_ALL_LAYERS;
}

static enum doctor_outcome outcome_of_start(const struct ollama_log *log) {
        if (log->software)
                return OUTCOME_OLLAMA_LOG_SOFTWARE;
        if (log->compute == COMPUTE_GPU)
                return log->device ? OUTCOME_OLLAMA_LOG_DEVICE : OUTCOME_OLLAMA_LOG_ANY_DEVICE;
        if (log->compute == COMPUTE_UNKNOWN)
                return OUTCOME_OLLAMA_LOG_SILENT;
        if (log->igpu_dropped)
                return OUTCOME_OLLAMA_LOG_INTEGRATED;
        return log->vulkan_disabled ? OUTCOME_OLLAMA_LOG_NO_VULKAN : OUTCOME_OLLAMA_LOG_CPU;
}

static void judge_log(struct doctor_report *r, const struct service *s,
                      const struct ollama_log *log) {
        struct arena *a = r->arena;
        struct doctor_item item = { .outcome = log->loaded ? outcome_of_layers(log)
                                                           : outcome_of_start(log),
                                    .subject = s->name,
                                    .what = log->device,
                                    .old = arena_printf(a, "%u", log->offloaded),
                                    .new = arena_printf(a, "%u", log->layers) };

        if (s->facts->journal.ran != RAN_DONE)
                item.outcome = OUTCOME_OLLAMA_LOG_UNREADABLE;
        else if (item.outcome == OUTCOME_OLLAMA_LOG_INTEGRATED)
                service_set("Environment=OLLAMA_IGPU_ENABLE=1\\n", &item);
        else if (item.outcome == OUTCOME_OLLAMA_LOG_NO_VULKAN)
                use_vulkan(s, &item);
        doctor_add(r, item);
        if (doctor_outcomes[item.outcome].verdict == DOCTOR_FAILED && log->denied)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_OLLAMA_LOG_DENIED,
                                                    .subject = s->name });
}

static void judge_memory(struct doctor_report *r, const struct service *s,
                         const struct ollama_log *log) {
        const struct inside_memory *m = &s->facts->memory;
        uint64_t left = m->limit > m->used ? m->limit - m->used : 0;
        struct doctor_item item = { .outcome = OUTCOME_OLLAMA_MEMORY_UNLIMITED,
                                    .subject = s->name,
                                    .old = arena_printf(r->arena, "%u", (unsigned)(left >> 20)),
                                    .new = arena_printf(r->arena, "%u",
                                                        (unsigned)(m->limit >> 20)) };

        if (m->known)
                item.outcome = OUTCOME_OLLAMA_MEMORY_FREE;
        if (m->known && left < 2 * GIB && log->loaded && log->offloaded < log->layers) {
                item.outcome = OUTCOME_OLLAMA_MEMORY_LOW;
                item.what = arena_printf(r->arena, "%u", (unsigned)(m->limit >> 20) * 2);
        }
        doctor_add(r, item);
}

void doctor_ollama(struct doctor_report *r, const struct service *s) {
        struct ollama_log log = ollama_parse(r->arena, s->facts->journal.output);

        judge_vulkan(r, s, &log);
        judge_log(r, s, &log);
        judge_memory(r, s, &log);
}
