/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * service - the commands that change a service of the container
 *
 * A unit's name is one of those that were asked for, never what came back.
 */
#include "model/doctor/service.h"

#include "model/policy/preset.h"

const char *service_restart(struct arena *a, const struct service *s) {
        return arena_printf(a, "pct exec %u -- systemctl restart %s", s->facts->vmid, s->name);
}

const char *service_setting(struct arena *a, const struct service *s, const char *lines) {
        const char *folder = arena_printf(a, "/etc/systemd/system/%s.d", s->name);

        return arena_printf(a,
                            "pct exec %u -- sh -c 'mkdir -p %s && printf \"[Service]\\n%s\" "
                            ">>%s/zz-gpu.conf && systemctl daemon-reload && systemctl restart %s'",
                            s->facts->vmid, folder, lines, folder, s->name);
}

static bool asks_for_services(const struct policy *p) {
        return p && p->n_guest_services + p->n_guest_users + p->n_guest_environment > 0;
}

/* NULL where gpuanchor would not: no preset is made for the service, or the policy asks for
 * something else inside already, which a preset would take away. */
static const char *upkeep(struct arena *a, const struct inside_facts *f, const char *unit) {
        const struct preset *preset = preset_for(unit);

        for (size_t i = 0; f->policy && i < f->policy->n_guest_services; i++)
                if (streq(f->policy->guest_services[i], unit))
                        return arena_printf(a, "gpuanchor apply %u", f->vmid);
        if (!preset || asks_for_services(f->policy))
                return NULL;
        return arena_printf(a, "gpuanchor enable %u --preset %s; gpuanchor apply %u", f->vmid,
                            preset->name, f->vmid);
}

const char *service_keep(struct arena *a, const struct service *s) {
        return s->unit->kept ? NULL : upkeep(a, s->facts, s->name);
}
