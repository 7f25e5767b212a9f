/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* keys - the tables of settings and presets as text, for man.sh; fields are apart by tabs */
#include <stdio.h>

int main(void) {
#define SETTING(key, set, report, accepted) printf("setting\t%s\t%s\t\n", key, accepted);
#define SETTING_OPTION(key, set, report, accepted, opt, ...)                                       \
        printf("setting\t%s\t%s\t--%s\n", key, accepted, key);
#define DAEMON_SETTING(key, field, min, max, normal)                                               \
        printf("daemon\t%s\t%d\t%d\t%d\n", key, min, max, normal);
#include "model/policy/key.def"
#define PRESET(name, users, services) printf("preset\t%s\n", name);
#include "model/policy/preset.def"
        return 0;
}
