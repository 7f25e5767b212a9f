/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * preset - sets of values for services that are often installed
 */
#include "model/policy/preset.h"

static const struct preset presets[] = {
#define PRESET(name, users, services) { name, users, services },
#include "model/policy/preset.def"
};

static const struct variable {
        const char *preset, *driver;
        const char *model; /* NULL: any */
        const char *variable;
} variables[] = {
#define PRESET_VARIABLE(preset, driver, model, variable) { preset, driver, model, variable },
#include "model/policy/preset.def"
};

const struct preset *preset_find(const char *name) {
        for (size_t i = 0; i < ELEMENTS(presets); i++)
                if (streq(name, presets[i].name))
                        return &presets[i];
        return NULL;
}

const struct preset *preset_for(const char *unit) {
        for (size_t i = 0; i < ELEMENTS(presets); i++)
                if (streq(unit, presets[i].services))
                        return &presets[i];
        return NULL;
}

static bool is_for(struct arena *a, const struct variable *v, const struct gpu_list *gpus) {
        bool any = false;

        for (size_t i = 0; i < gpus->n; i++) {
                const struct gpu *g = gpus->items[i];

                if (!g->driver || !streq(g->driver, v->driver))
                        continue;
                if (v->model && !streq(v->model, pci_ids_model(a, &g->ids)))
                        return false;
                any = true;
        }
        return any;
}

/* A variable of several drivers is there once. */
static bool is_in(const char *list, const char *variable) {
        struct bytes rest = bytes_of(list), word;

        while ((word = bytes_word(&rest)).len > 0)
                if (bytes_equal(word, bytes_of(variable)))
                        return true;
        return false;
}

const char *preset_environment(struct arena *a, const struct preset *p,
                               const struct gpu_list *gpus) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < ELEMENTS(variables); i++) {
                const struct variable *v = &variables[i];

                if (streq(v->preset, p->name) && is_for(a, v, gpus) &&
                    !is_in(strbuf_str(&b), v->variable))
                        strbuf_printf(&b, "%s%s", b.len ? " " : "", v->variable);
        }
        return strbuf_str(&b);
}

const char *preset_names(struct arena *a) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < ELEMENTS(presets); i++)
                strbuf_printf(&b, "%s%s", i ? ", " : "", presets[i].name);
        return strbuf_str(&b);
}
