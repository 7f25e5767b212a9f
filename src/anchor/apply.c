/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * apply - write what a check planned
 */
#include "anchor/apply.h"

#include "base/file.h"
#include "host/delegate.h"
#include "model/finding/reason.h"
#include "model/policy/memory.h"
#include "model/watch/status.h"
#include "pve/settings.h"

#include <errno.h>
#include <sys/stat.h>

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

/* So that it can be taken back: delegations_end(). */
static void remember_delegation(struct check *c, uint32_t gid) {
        const char *path;
        int r = host_delegations_set(&c->anchor->pve, gid, true, &path);

        if (r < 0)
                anchor_tell_write_failed(&c->findings, path + strlen(c->anchor->pve.root), r);
}

static int apply_delegations(struct check *c) {
        if (c->n_delegate > 0 && c->usermod_late) /* and was said */
                return ANCHOR_E_FAILED;
        for (size_t i = 0; i < c->n_delegate; i++) {
                const char *gid = arena_printf(c->arena, "%u", c->delegate[i]);
                const char *name = facts_gid_text(c->arena, &c->anchor->facts, c->delegate[i]);
                const char *why = delegate_subgid(c->arena, c->anchor->pve.root, c->delegate[i],
                                                  &c->usermod_late);

                if (!why) {
                        remember_delegation(c, c->delegate[i]);
                        finding_add(&c->findings,
                                    (struct finding){ .code = FINDING_SUBGID_ADDED,
                                                      .new = gid,
                                                      .name = name });
                        continue;
                }
                finding_add(&c->findings,
                            (struct finding){ .code = FINDING_SUBGID_FAILED,
                                              .new = gid,
                                              .name = name,
                                              .what = why });
                return ANCHOR_E_FAILED;
        }
        return 0;
}

int anchor_store_policy(struct anchor *an, uint32_t vmid, struct bytes seen,
                        struct bytes content) {
        struct file_edit e = { seen, content };
        int r = mkdir_parents(arena_printf(an->pve.arena, "%s/etc/pve/gpuanchor", an->pve.root),
                              0755);

        if (r == 0)
                r = file_edit(settings_path(&an->pve, vmid), &e, 0640, FILE_SYNC);
        return r == FILE_E_CHANGED ? GUEST_E_CHANGED : r;
}

static int store_memory(struct check *c, struct bytes policy) {
        int r;

        if (bytes_equal(policy, c->policy.file))
                return 0;
        r = anchor_store_policy(c->anchor, c->guest.vmid, c->policy.file, policy);
        if (r == 0)
                c->policy.file = policy;
        if (r == 0 || r == GUEST_E_CHANGED)
                return r;
        anchor_tell_write_failed(&c->findings, settings_name(c->arena, c->guest.vmid), r);
        return ANCHOR_E_FAILED;
}

static int apply_memory(struct check *c) {
        bool stays = bytes_equal(c->new_conf, c->guest.conf) &&
                     (!c->guest.has_config || bytes_equal(c->new_config, c->guest.config));
        bool done = bytes_equal(c->new_policy, c->policy.file); /* who calls us has written it */
        int r = done ? 0 : store_memory(c, stays ? c->new_policy : c->safe_policy);

        c->remembered = r == 0;
        return r;
}

/* The policy of an earlier container of this number, with the files kept of it. */
static int set_aside(struct check *c) {
        const char *where = settings_name(c->arena, c->guest.vmid), *folder = "";
        int r = anchor_set_aside(c->anchor, &c->guest, &folder);

        if (r < 0) {
                anchor_tell_write_failed(&c->findings, where, r);
                return ANCHOR_E_FAILED;
        }
        finding_add(&c->findings,
                    (struct finding){
                            .code = FINDING_POLICY_SET_ASIDE, .where = where, .new = folder });
        c->policy.file = (struct bytes){ 0 };
        return 0;
}

int anchor_store_pin(const struct check *c) {
        struct policy next = c->policy;
        struct bytes text;

        policy_set_pin(c->arena, &next, &c->plan.choice.pin);
        text = policy_remember(c->arena, c->policy.file, c->anchor->pve.node, &next);
        return anchor_store_policy(c->anchor, c->guest.vmid, c->policy.file, text);
}

static int apply_owner(struct check *c) {
        if (c->config_only)
                return 0;
        if (!c->running && (c->whose == OWNER_OTHER || c->whose == OWNER_ALIKE))
                record_clear(&c->anchor->pve, c->guest.vmid);
        return c->whose == OWNER_OTHER ? set_aside(c) : 0;
}

/* Other cards than at the last look: what was seen is followed when the pins are. */
static int store_sightings(struct anchor *an, const char **ret_path) {
        if (an->memory.unread || an->sightings.n == 0)
                return 0;
        sightings_refresh(an->pve.arena, &an->memory, &an->sightings);
        return host_sightings_store(&an->pve, &an->sightings, an->memory.history.id, ret_path);
}

int anchor_store_memory(struct check *c) {
        struct host_memory m;
        const char *path;
        int r;

        if (!c->anchor->memory.same_cards)
                anchor_sightings(c->anchor);
        m = c->anchor->memory;
        if (m.unread)
                finding_add(&c->findings, (struct finding){ .code = FINDING_READ_FAILED,
                                                            .where = m.unread,
                                                            .what = m.unread_why });
        m.pins = c->plan.choice.kept;
        m.n_pins = c->plan.choice.n_kept;
        r = m.same_cards ? 0 : store_sightings(c->anchor, &path);
        if (r == 0)
                r = host_memory_store(&c->anchor->pve, &m, &path);
        for (size_t i = 0; i < m.n_damaged && r == 0; i++)
                finding_add(&c->findings, (struct finding){ .code = FINDING_MEMORY_DAMAGED,
                                                            .where = m.damaged[i] +
                                                                     strlen(c->anchor->pve.root) });
        if (r == 0 && c->anchor->has_majors)
                r = host_majors_store(&c->anchor->pve, &c->anchor->facts, &path);
        if (r < 0)
                anchor_tell_write_failed(&c->findings, path + strlen(c->anchor->pve.root), r);
        return r == FILE_E_CHANGED ? GUEST_E_CHANGED : 0;
}

/* devN and id map lines: what Proxmox reads in the container file after pre-start. */
static struct bytes boot_lines(struct arena *a, const struct pctconf *conf) {
        struct strbuf text = { .arena = a };
        bool any_dev = false;

        for (size_t i = 1; i < conf->n_lines; i++) {
                const struct conf_line *l = &conf->lines[i];
                bool dev = bytes_has_prefix(l->key, "dev");

                if (!dev && !bytes_equal(l->key, BYTES("lxc.idmap")))
                        continue;
                any_dev |= dev;
                strbuf_add_bytes(&text, l->text);
                strbuf_adds(&text, "\n");
        }
        return any_dev ? strbuf_bytes(&text) : (struct bytes){ 0 };
}

/*
 * Where the container file cannot be written the generated one alone makes this boot right,
 * unless Proxmox will make devN nodes by lines that should have been corrected.
 */
static bool config_is_enough(const struct check *c) {
        struct guest next = guest_with(c->arena, &c->guest, c->new_conf, c->guest.config);

        return bytes_equal(boot_lines(c->arena, &next.lines),
                           boot_lines(c->arena, &c->guest.lines));
}

static int apply_conf(struct check *c) {
        const char *name = arena_printf(c->arena, "/etc/pve/lxc/%u.conf", c->guest.vmid);
        int r;

        if (bytes_equal(c->new_conf, c->guest.conf))
                return 0;
        if (c->config_only) {
                finding_add(&c->findings,
                            (struct finding){ .code = FINDING_GUEST_BUSY, .where = name });
                return ANCHOR_E_FAILED;
        }
        if (c->parks && !c->remembered) /* they would be lost */
                return ANCHOR_E_FAILED;
        r = backup_save(c->arena, &c->guest, c->new_conf);
        if (r < 0)
                anchor_tell_write_failed(&c->findings, "/var/lib/gpuanchor/backup", r);
        r = guest_store_conf(&c->guest, c->new_conf);
        if (r == 0 || r == GUEST_E_CHANGED)
                return r;
        anchor_tell_write_failed(&c->findings, name, r);
        return ANCHOR_E_FAILED;
}

static int apply_config(struct check *c) {
        int r;

        if (!c->guest.has_config)
                return 0;
        if (bytes_equal(c->new_config, c->guest.config)) {
                /* a start after a killed one need not write it again */
                file_sweep(c->guest.config_path);
                return 0;
        }
        r = guest_store_config(&c->guest, c->new_config);
        if (r == 0 || r == GUEST_E_CHANGED)
                return r;
        anchor_tell_write_failed(&c->findings,
                                 c->guest.config_path + strlen(c->anchor->pve.root), r);
        return ANCHOR_E_FAILED;
}

static int apply_files(struct check *c) {
        int conf = apply_conf(c), config = 0;

        if (conf == 0 || (conf != GUEST_E_CHANGED && config_is_enough(c)))
                config = apply_config(c);
        if (conf == 0 && c->remembered) /* whoever changed it meanwhile: the next start does it */
                conf = store_memory(c, c->new_policy) == ANCHOR_E_FAILED ? ANCHOR_E_FAILED : 0;
        return config ? config : conf;
}

/* What is remembered of container and host; nothing while another task may change the container. */
static int apply_memories(struct check *c) {
        int r;

        if (c->config_only)
                return 0;
        r = apply_owner(c);
        if (r == 0)
                r = apply_memory(c);
        if (r == GUEST_E_CHANGED)
                return r;
        return anchor_store_memory(c) == GUEST_E_CHANGED ? GUEST_E_CHANGED : r;
}

/* As the files are now; where they cannot be read, as they were when they could. */
static void judge_disk(struct check *c, const char *why) {
        struct guest now;

        if (guest_load(&c->anchor->pve, c->guest.vmid, &now) != 0)
                now = c->guest;
        anchor_sources(c->anchor, &now.lines, &now.config_lines);
        anchor_judge_boot(c, &now, why);
}

int anchor_apply(struct check *c) {
        int r, memory;

        if (c->left_alone)
                return apply_owner(c);
        r = apply_delegations(c);
        if (r == 0) {
                memory = apply_memories(c);
                r = memory == GUEST_E_CHANGED ? memory : apply_files(c);
                r = r ? r : memory;
        }
        if (r != 0 && r != GUEST_E_CHANGED)
                judge_disk(c, WHY_NOT_WRITTEN);
        return r;
}

void anchor_sweep_own(const struct pve *pve) {
        file_sweep(arena_printf(pve->arena, "%s/var/lib/gpuanchor/host/", pve->root));
        file_sweep(arena_printf(pve->arena, "%s/run/gpuanchor/", pve->root));
}

void anchor_sweep(const struct pve *pve, uint32_t vmid) {
        anchor_sweep_own(pve);
        file_sweep(arena_printf(pve->arena, "%s/var/lib/gpuanchor/backup/%u/", pve->root, vmid));
        file_sweep(arena_printf(pve->arena, "%s/etc/pve/lxc/%u.conf", pve->root, vmid));
        file_sweep(arena_printf(pve->arena, "%s/var/lib/lxc/%u/config", pve->root, vmid));
        file_sweep(settings_path(pve, vmid));
}

void anchor_tell_uncorrected(struct check *c) {
        struct guest now;

        if (c->left_alone || guest_load(&c->anchor->pve, c->guest.vmid, &now) != 0)
                return;
        if (bytes_equal(now.conf, c->new_conf) &&
            (!now.has_config || bytes_equal(now.config, c->new_config)))
                return;
        if (now.has_config && bytes_equal(now.config, c->new_config) && config_is_enough(c)) {
                finding_add(&c->findings,
                            (struct finding){ .code = FINDING_BOOT_ONLY,
                                              .where = c->guest.conf_name,
                                              .what = now.config_path + strlen(now.root) });
                record_owe(&c->anchor->pve, c->guest.vmid, true);
        } else {
                finding_add(&c->findings,
                            (struct finding){ .code = FINDING_START_UNCORRECTED,
                                              .what = status_edits_text(c->arena, &c->findings) });
        }
}

void anchor_give_up(struct check *c) {
        anchor_tell_problem(&c->findings, &c->guest, GUEST_E_CHANGED);
        judge_disk(c, WHY_BEING_CHANGED);
}

void anchor_record(const struct check *c) {
        if (!c->left_alone)
                (void)record_write(&c->anchor->pve, c->guest.vmid, &c->planned);
}

bool anchor_refuses(const struct guest *g, struct findings *f) {
        const char *where = g->conf_path + strlen(g->root);
        struct bytes value;
        size_t before = f->n;

        if (pctconf_get(&g->lines, "lock", &value))
                finding_add(f, (struct finding){ .code = FINDING_GUEST_LOCKED,
                                                 .where = where,
                                                 .what = bytes_dup(f->arena, value) });
        if (guest_is_template(g))
                finding_add(f, (struct finding){ .code = FINDING_GUEST_TEMPLATE, .where = where });
        if (access(g->conf_path, F_OK) == 0 && !pve_may_write(g->conf_path))
                finding_add(f, (struct finding){ .code = FINDING_NO_QUORUM, .where = where });
        return f->n > before;
}
