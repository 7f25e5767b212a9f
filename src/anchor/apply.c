/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * apply - write what a check planned
 */
#include "anchor/apply.h"

#include "base/file.h"
#include "host/delegate.h"
#include "model/finding/reason.h"
#include "pve/settings.h"

#include <errno.h>

void anchor_tell_write_failed(struct findings *f, const char *where, int error) {
        struct finding item = { .code = FINDING_WRITE_FAILED, .where = where };

        if (error == GUEST_E_TOO_LARGE)
                item.code = FINDING_WRITE_TOO_LARGE;
        else if (error == -EACCES && str_has_prefix(where, "/etc/pve/"))
                item.code = FINDING_NO_QUORUM;
        else if (error == -ENOSPC || error == -EDQUOT)
                item.code = FINDING_WRITE_NO_SPACE;
        if (error < 0 && item.code != FINDING_NO_QUORUM)
                item.what = strerror(-error);
        finding_add(f, item);
}

static int apply_delegations(struct check *c) {
        for (size_t i = 0; i < c->n_delegate; i++) {
                const char *gid = arena_printf(c->arena, "%u", c->delegate[i]);
                const char *why = delegate_subgid(c->arena, c->anchor->pve.root, c->delegate[i]);

                if (!why) {
                        finding_add(&c->findings,
                                    (struct finding){ .code = FINDING_SUBGID_ADDED, .new = gid });
                        continue;
                }
                finding_add(&c->findings,
                            (struct finding){
                                    .code = FINDING_SUBGID_FAILED, .new = gid, .what = why });
                return ANCHOR_E_FAILED;
        }
        return 0;
}

int anchor_store_policy(struct anchor *an, uint32_t vmid, struct bytes content) {
        int r = mkdir_parents(arena_printf(an->pve.arena, "%s/etc/pve/gpuanchor", an->pve.root),
                              0755);

        return r < 0 ? r : file_replace(settings_path(&an->pve, vmid), content, 0640, FILE_SYNC);
}

static int apply_memory(struct check *c) {
        int r;

        c->remembered = bytes_equal(c->new_policy, c->policy.file);
        if (c->remembered)
                return 0;
        r = anchor_store_policy(c->anchor, c->guest.vmid, c->new_policy);
        c->remembered = r == 0;
        if (r == 0)
                return 0;
        anchor_tell_write_failed(&c->findings, settings_name(c->arena, c->guest.vmid), r);
        return ANCHOR_E_FAILED;
}

/* A start that could not remember is judged by the pin's own memory the next time. */
static void apply_host_memory(struct check *c) {
        struct host_memory m = c->anchor->memory;
        const char *path;
        int r;

        if (c->plan.choice.kept) {
                m.pins = c->plan.choice.kept;
                m.n_pins = c->plan.choice.n_kept;
        }
        r = host_memory_store(&c->anchor->pve, &m, &path);
        if (r < 0)
                anchor_tell_write_failed(&c->findings, path + strlen(c->anchor->pve.root), r);
}

static bool gives_dev_nodes(const struct check *c) {
        for (size_t i = 0; i < c->plan.n_nodes; i++)
                if (c->plan.nodes[i].required && c->plan.nodes[i].form == METHOD_DEV)
                        return true;
        return false;
}

/*
 * Where the container file cannot be written the generated one alone makes this
 * boot right, unless Proxmox will make devN nodes from the old container file.
 */
static int apply_files(struct check *c) {
        int conf = 0, config = 0;

        if (!bytes_equal(c->new_conf, c->guest.conf)) {
                int r = backup_save(c->arena, &c->guest);

                if (r < 0)
                        anchor_tell_write_failed(&c->findings, "/var/lib/gpuanchor/backup", r);
                conf = guest_store_conf(&c->guest, c->new_conf);
        }
        if (conf == GUEST_E_CHANGED)
                return conf;
        if (conf != 0)
                anchor_tell_write_failed(
                        &c->findings, arena_printf(c->arena, "/etc/pve/lxc/%u.conf", c->guest.vmid),
                        conf);
        if (c->guest.has_config && !bytes_equal(c->new_config, c->guest.config) &&
            (conf == 0 || !gives_dev_nodes(c)))
                config = guest_store_config(&c->guest, c->new_config);
        if (config == GUEST_E_CHANGED)
                return config;
        if (config != 0)
                anchor_tell_write_failed(
                        &c->findings, c->guest.config_path + strlen(c->anchor->pve.root), config);
        return conf || config ? ANCHOR_E_FAILED : 0;
}

/* Also where nothing is written this time. */
static void sweep_files(const struct check *c) {
        file_sweep(c->guest.conf_path);
        file_sweep(c->guest.config_path);
        file_sweep(settings_path(&c->anchor->pve, c->guest.vmid));
}

int anchor_apply(struct check *c) {
        struct guest now;
        int r;

        sweep_files(c);
        if (c->left_alone)
                return 0;
        r = apply_delegations(c);
        if (r == 0) {
                int memory = apply_memory(c);

                apply_host_memory(c);
                r = apply_files(c);
                if (r == GUEST_E_CHANGED)
                        return r;
                r = r ? r : memory;
        }
        if (r != 0 && guest_load(&c->anchor->pve, c->guest.vmid, &now) == 0)
                anchor_judge(c, &now, WHY_NOT_WRITTEN);
        return r;
}

void anchor_record(const struct check *c) {
        if (!c->left_alone)
                (void)record_write(&c->anchor->pve, c->guest.vmid, &c->planned);
}
