/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * edit - settings into a file that somebody else may have written
 *
 * The [container] section belongs to the owner of the container, with its
 * comments and its order; a setting from the command line changes its own lines
 * and nothing else.
 */
#include "model/policy/edit.h"

#include "model/finding/reason.h"
#include "model/policy/key.h"

#define NEW_FILE                                                                                   \
        "# Policy of one container for gpuanchor: settings go under [container], see\n"            \
        "# gpuanchor.conf(5). The sections [pin NODE] and [memory] are written by gpuanchor.\n"

void policy_ini(struct arena *a, struct bytes file, struct ini *ret) {
        ini_split(a, file.len > 0 ? file : BYTES(NEW_FILE), ret);
}

const char *setting_problem(struct arena *a, const struct setting *s) {
        struct policy scratch;

        for (const char *c = s->value; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7f || *c == ';')
                        return arena_printf(a, WHY_VALUE_CHARACTERS, s->key);
        if (strlen(s->key) + strlen(" = ") + strlen(s->value) > INI_LINE_MAX)
                return arena_printf(a, WHY_VALUE_LONG, s->key, INI_LINE_MAX);
        policy_init(a, &scratch);
        return policy_set(a, &scratch, s->key, s->value);
}

struct bytes policy_edit(struct arena *a, struct bytes file, const struct setting *settings,
                         size_t n_settings) {
        struct ini ini;

        if (n_settings == 0)
                return file;
        policy_ini(a, file, &ini);
        for (size_t i = 0; i < n_settings; i++)
                ini_set(&ini, "container", settings[i].key, settings[i].value);
        return ini_bytes(&ini);
}

const char *policy_value(struct arena *a, struct bytes file, const char *key) {
        struct ini ini;

        ini_split(a, file, &ini);
        return ini_get(&ini, "container", key);
}
