/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * legacy - keys of cgroup v1
 *
 * Replaced one for one is what has the same meaning and the same unit in cgroup v2. For other
 * limits Proxmox has settings of its own, which write the v2 keys.
 */
#include "model/conf/legacy.h"

#include "model/finding/reason.h"

#define V1 "lxc.cgroup."
#define V2 "lxc.cgroup2."

bool legacy_is_key(struct bytes key) {
        return bytes_take_prefix(&key, V1) && !bytes_equal(key, BYTES("relative")) &&
               !bytes_equal(key, BYTES("dir")) && !bytes_has_prefix(key, "dir.");
}

/* The numbers are in decimal now; a rule for the device of a driver that is not there goes. */
static struct legacy rule_replacement(struct arena *a, const struct facts *f,
                                      const struct conf_line *l) {
        struct devline d = devline_parse(a, l);
        struct legacy r = { V2 "devices.allow", bytes_dup(a, l->value), NULL };

        if (d.broken || d.by_path || d.any_major)
                return r;
        if (f && d.device_type == 'c' && !facts_family(f, d.number) &&
            !facts_major_name(f, d.number.major))
                return (struct legacy){ .why = arena_printf(a, WHY_V1_NOBODY, d.number.major) };
        r.value = arena_printf(a, "%c %u:%s %s", d.device_type, d.number.major,
                               d.any_minor ? "*" : arena_printf(a, "%u", d.number.minor),
                               bytes_dup(a, d.access));
        return r;
}

struct legacy legacy_replacement(struct arena *a, const struct facts *f,
                                 const struct conf_line *l) {
        static const char *const same[] = { "devices.deny", "cpuset.cpus", "cpuset.mems",
                                            "pids.max" };
        static const struct {
                const char *key, *setting;
        } settings[] = {
                { "memory.limit_in_bytes", "memory" }, { "memory.memsw.limit_in_bytes", "swap" },
                { "cpu.shares", "cpuunits" },          { "cpu.cfs_quota_us", "cpulimit" },
        };
        struct bytes key = l->key;

        bytes_take_prefix(&key, V1);
        if (bytes_equal(key, BYTES("devices.allow")))
                return rule_replacement(a, f, l);
        for (size_t i = 0; i < ELEMENTS(same); i++)
                if (bytes_equal(key, bytes_of(same[i])))
                        return (struct legacy){ arena_printf(a, V2 "%s", same[i]),
                                                bytes_dup(a, l->value), NULL };
        for (size_t i = 0; i < ELEMENTS(settings); i++)
                if (bytes_equal(key, bytes_of(settings[i].key)))
                        return (struct legacy){ .why = arena_printf(a, WHY_V1_SETTING,
                                                                    settings[i].setting) };
        return (struct legacy){ .why = WHY_V1_REMOVE };
}
