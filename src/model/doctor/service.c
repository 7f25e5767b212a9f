/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* service - how a service of the container is corrected */
#include "model/doctor/service.h"

#include "model/policy/preset.h"

static bool asks_for_services(const struct policy *p) {
        return p && p->n_guest_services + p->n_guest_users + p->n_guest_environment > 0;
}

bool service_keep(const struct service *s, struct doctor_item *item) {
        const struct policy *p = s->facts->policy;
        const struct preset *preset = preset_for(s->name);

        if (s->unit->kept)
                return false;
        for (size_t i = 0; p && i < p->n_guest_services; i++)
                if (streq(p->guest_services[i], s->name)) {
                        item->remedy = REMEDY_APPLY;
                        return true;
                }
        if (!preset || asks_for_services(p))
                return false;
        item->remedy = REMEDY_ENABLE_PRESET;
        item->arg = preset->name;
        return true;
}

void service_set(const char *lines, struct doctor_item *item) {
        item->remedy = REMEDY_UNIT_SETTING;
        item->arg = lines;
}
