/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * preset - sets of values for services that are often installed
 */
#include "model/policy/preset.h"

static const struct preset presets[] = {
#define PRESET(name, users, services, environment) { name, users, services, environment },
#include "model/policy/preset.def"
#undef PRESET
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

const char *preset_names(struct arena *a) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < ELEMENTS(presets); i++)
                strbuf_printf(&b, "%s%s", i ? ", " : "", presets[i].name);
        return strbuf_str(&b);
}
