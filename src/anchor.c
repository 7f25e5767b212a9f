/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * anchor - check and apply
 *
 * Two promises meet here. The right GPU or none: whatever could not be written,
 * the files that are on disk afterwards are judged once more, and lines that
 * name another GPU refuse the start. A container starts: everything else that
 * goes wrong is told, loudly, and does not become an outage.
 */
#include "anchor.h"

#include "base/file.h"
#include "host/delegate.h"
#include "host/groups.h"
#include "host/inside.h"
#include "host/probe.h"
#include "model/gids.h"
#include "pve/mapping.h"
#include "pve/record.h"
#include "pve/settings.h"

#include <errno.h>

#define POLICY_MAX (64 * 1024)
#define GROUP_FILE_MAX (1024 * 1024)
#define DRM_MAJOR 226

void anchor_tell_problem(struct findings *f, const struct guest *g, int problem) {
        struct finding item = { .where = arena_printf(f->arena, "/etc/pve/lxc/%u.conf", g->vmid) };

        switch (problem) {
        case GUEST_E_NOT_MOUNTED:
                item.code = FINDING_PVE_NOT_MOUNTED;
                item.where = "/etc/pve";
                break;
        case GUEST_E_NONE:
                item.code = FINDING_GUEST_NONE;
                break;
        case GUEST_E_CHANGED:
                item.code = FINDING_GUEST_CHANGED;
                break;
        case GUEST_E_BUSY:
                item.code = FINDING_GUEST_BUSY;
                break;
        default:
                item.code = FINDING_READ_FAILED;
                item.what = problem < 0 ? strerror(-problem) : "unexpected condition";
        }
        finding_add(f, item);
}

/* Why a write failed, in the words of somebody who has to mend it. */
static void tell_write_failed(struct findings *f, const char *where, int error) {
        struct finding item = { .code = FINDING_WRITE_FAILED, .where = where, .new = "" };

        if (error == GUEST_E_TOO_LARGE || error == -EFBIG) {
                item.what = "it would be larger than 1 MiB, the limit of /etc/pve";
                item.new = "shorten its notes or remove old snapshots";
        } else if (error == -EACCES) {
                item.what = "Permission denied: the cluster has no quorum";
                item.new = "pvecm status";
        } else {
                item.what = strerror(-error);
                if (error == -ENOSPC || error == -EDQUOT)
                        item.new = arena_printf(f->arena, "make room: df -h %s", where);
        }
        finding_add(f, item);
}

static struct plan_input input_of(const struct check *c, const struct pctconf *conf,
                                  const struct survey *s) {
        return (struct plan_input){
                .facts = &c->facts, .policy = &c->policy, .node = c->node, .conf = conf, .survey = s,
        };
}

/* Promise 1 over bytes that will stay: NULL, or the line that names another GPU. */
static const char *wrong_line(struct check *c, enum pctconf_kind kind, struct bytes data,
                              const char *name) {
        struct pctconf conf = { 0 };
        struct survey s = { 0 };
        struct plan_input in = input_of(c, &conf, &s);
        size_t line;

        pctconf_parse(c->arena, kind, data, &conf);
        survey_make(c->arena, &c->facts, &conf, &s);
        s.userns |= c->plan.userns;
        if (plan_lines_are_right(&c->plan, &in, &line))
                return NULL;
        return arena_printf(c->arena, "%s:%zu: %s", name, conf.lines[line].number,
                            arena_strndup(c->arena, conf.lines[line].text.data,
                                          conf.lines[line].text.len));
}

/* The files stay as they are on disk, for @why: may the container start with them? */
static void judge_unwritten(struct check *c, const char *why) {
        struct guest now;
        const char *line = NULL;

        if (guest_load(c->arena, c->root, c->guest.vmid, &now) != 0)
                return;
        line = wrong_line(c, PCTCONF_PVE, now.conf, c->guest.conf_name);
        if (!line && now.has_config)
                line = wrong_line(c, PCTCONF_LXC, now.config, now.config_path + strlen(c->root));
        if (line) {
                finding_add(&c->findings, (struct finding){ .code = FINDING_LINES_WRONG_GPU,
                                                            .where = c->guest.conf_name,
                                                            .what = line,
                                                            .old = why });
                c->refuse = arena_printf(c->arena, "%s names another GPU", line);
        } else if (c->policy.refuse_on_error) {
                c->refuse = arena_printf(c->arena, "%s (on-error = refuse)", why);
        }
}

/* A policy that cannot be believed: its pin is all that is left to tell right from wrong. */
static void check_broken_policy(struct check *c, const struct pctconf *conf,
                                const struct survey *s) {
        struct findings quiet = { .arena = c->arena };
        struct policy pin_only = c->policy;
        struct gpu_sel automatic = { .kind = SEL_AUTO, .text = "auto" };
        struct plan_input in = input_of(c, conf, s);

        c->left_alone = true;
        pin_only.gpus = &automatic;
        pin_only.n_gpus = 1;
        in.policy = &pin_only;
        if (policy_pin(&c->policy, c->node)) {
                plan_make(c->arena, &in, &quiet, &c->plan);
                judge_unwritten(c, "its policy cannot be read");
        } else if (c->policy.refuse_on_error) {
                c->refuse = "its policy cannot be read (on-error = refuse)";
        }
}

static bool uses_group(const struct plan *plan, const struct plan_gid *g) {
        for (size_t i = 0; i < plan->n_nodes; i++)
                if (plan->nodes[i].required && plan->nodes[i].node->gid != 0 &&
                    gids_of_node(plan, plan->nodes[i].node) == g)
                        return true;
        return false;
}

static void remember_gid(const struct plan *plan, const struct plan_gid *g, int64_t policy,
                         int64_t *known, int64_t *guessed) {
        if (policy >= 0)
                return;
        if (g->known)
                *known = g->inside;
        else if (uses_group(plan, g))
                *guessed = g->inside;
}

static void set_pin(struct arena *a, struct policy *p, const struct pin *pin) {
        struct pin *pins = arena_alloc(a, (p->n_pins + 1) * sizeof(*pins));
        size_t n = 0;

        for (size_t i = 0; i < p->n_pins; i++)
                if (!streq(p->pins[i].node, pin->node))
                        pins[n++] = p->pins[i];
        pins[n++] = *pin;
        p->pins = pins;
        p->n_pins = n;
}

static void plan_memory(struct check *c, const struct drift *d) {
        struct policy next = c->policy;

        if (c->plan.choice.repin)
                set_pin(c->arena, &next, &c->plan.choice.pin);
        if (c->plan.userns) {
                remember_gid(&c->plan, &c->plan.gids[GID_VIDEO], next.video_gid,
                             &next.known_video_gid, &next.guessed_video_gid);
                remember_gid(&c->plan, &c->plan.gids[GID_RENDER], next.render_gid,
                             &next.known_render_gid, &next.guessed_render_gid);
        }
        next.parked = d->parked;
        next.n_parked = d->n_parked;
        c->new_policy = policy_remember(c->arena, c->policy_file,
                                        c->plan.choice.repin ? c->node : NULL, &next);
}

static void plan_delegations(struct check *c) {
        for (size_t i = 0; i < c->plan.n_pairs; i++) {
                uint32_t gid = c->plan.pairs[i].outside;

                if (!facts_subgid_delegated(&c->facts, gid))
                        *ARENA_PUSH(c->arena, c->delegate, c->n_delegate) = gid;
        }
}

static void plan_edits(struct check *c, struct pctconf *conf, const struct survey *s) {
        struct plan_input in = input_of(c, conf, s);
        struct pctconf config;
        struct drift d;

        if (c->guest.has_config)
                pctconf_parse(c->arena, PCTCONF_LXC, c->guest.config, &config);
        drift_apply(c->arena, &in, &c->plan, conf, c->guest.has_config ? &config : NULL,
                    c->guest.conf_name, &c->findings, &d);
        c->new_conf = pctconf_write(conf);
        if (c->guest.has_config)
                c->new_config = pctconf_write(&config);
        plan_memory(c, &d);
        plan_delegations(c);
}

/* /proc/devices costs as much as all other facts together and is seldom needed. */
static int find_majors(struct check *c, const struct pctconf *conf) {
        struct pctconf config = { 0 };

        if (c->guest.has_config)
                pctconf_parse(c->arena, PCTCONF_LXC, c->guest.config, &config);
        return survey_needs_majors(c->arena, conf) || survey_needs_majors(c->arena, &config)
                       ? probe_majors(c->arena, c->root, &c->facts)
                       : 0;
}

static int check_lines(struct check *c) {
        struct pctconf conf = { 0 };
        struct survey s = { 0 };
        struct plan_input in = input_of(c, &conf, &s);
        int r;

        pctconf_parse(c->arena, PCTCONF_PVE, c->guest.conf, &conf);
        r = find_majors(c, &conf);
        if (r < 0)
                return r;
        if (!c->policy.broken)
                for (size_t i = 0; i < c->policy.n_parked; i++)
                        pctconf_park(&conf, c->policy.parked[i]);
        survey_make(c->arena, &c->facts, &conf, &s);
        if (c->policy.broken) {
                check_broken_policy(c, &conf, &s);
                return 0;
        }
        plan_make(c->arena, &in, &c->findings, &c->plan);
        if (c->plan.failed) {
                c->left_alone = true;
                judge_unwritten(c, "its id map cannot be changed safely");
                return 0;
        }
        plan_edits(c, &conf, &s);
        if (c->plan.missing && c->policy.missing == MISSING_REFUSE)
                c->refuse = arena_printf(c->arena, "%s is not there (missing = refuse)",
                                         c->plan.missing);
        return 0;
}

int anchor_check(struct arena *a, const char *root, uint32_t vmid, struct check *ret) {
        return anchor_check_with(a, root, vmid, NULL, ret);
}

int anchor_check_with(struct arena *a, const char *root, uint32_t vmid, const struct facts *facts,
                      struct check *ret) {
        struct check *c = ret;
        int r;

        *c = (struct check){ .arena = a, .root = root, .findings = { .arena = a } };
        c->guest.vmid = vmid;
        r = guest_load(a, root, vmid, &c->guest);
        if (r == 0 && !(c->node = pve_node(a, root)))
                r = GUEST_E_NOT_MOUNTED;
        if (r == 0)
                r = settings_load(a, root, vmid, &c->policy, &c->findings);
        if (r == 0) {
                mapping_resolve(a, root, c->node, &c->policy);
                if (facts)
                        c->facts = *facts;
                else
                        r = probe_gpus(a, root, &c->facts);
        }
        if (r == 0 && file_read(a, settings_path(a, root, vmid), POLICY_MAX, &c->policy_file) < 0)
                c->policy_file = (struct bytes){ 0 };
        c->new_conf = c->guest.conf;
        c->new_config = c->guest.config;
        c->new_policy = c->policy_file;
        if (r == 0)
                r = check_lines(c);
        if (r != 0)
                anchor_tell_problem(&c->findings, &c->guest, r);
        return r;
}

bool anchor_would_change(const struct check *c) {
        return !bytes_equal(c->new_conf, c->guest.conf) || c->n_delegate > 0 ||
               (c->guest.has_config && !bytes_equal(c->new_config, c->guest.config));
}

/* ---- apply ---- */

static int apply_delegations(struct check *c) {
        for (size_t i = 0; i < c->n_delegate; i++) {
                int r = delegate_subgid(c->arena, c->root, c->delegate[i]);
                const char *gid = arena_printf(c->arena, "%u", c->delegate[i]);

                if (r == 0) {
                        finding_add(&c->findings,
                                    (struct finding){ .code = FINDING_SUBGID_ADDED, .new = gid });
                        continue;
                }
                finding_add(&c->findings, (struct finding){
                                                  .code = FINDING_SUBGID_FAILED,
                                                  .new = gid,
                                                  .what = r < 0 ? strerror(-r)
                                                                : arena_printf(c->arena, "usermod: exit status %d", r) });
                return ANCHOR_E_FAILED;
        }
        return 0;
}

static int store_policy(struct arena *a, const char *root, uint32_t vmid, struct bytes content) {
        int r = mkdir_parents(arena_printf(a, "%s/etc/pve/gpuanchor", root), 0755);

        return r < 0 ? r : file_replace(settings_path(a, root, vmid), content, 0640, FILE_SYNC);
}

static int apply_memory(struct check *c) {
        int r;

        c->remembered = bytes_equal(c->new_policy, c->policy_file);
        if (c->remembered)
                return 0;
        r = store_policy(c->arena, c->root, c->guest.vmid, c->new_policy);
        c->remembered = r == 0;
        if (r == 0)
                return 0;
        tell_write_failed(&c->findings, settings_path(c->arena, "", c->guest.vmid), r);
        return ANCHOR_E_FAILED;
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
                        tell_write_failed(&c->findings, "/var/lib/gpuanchor/backup", r);
                conf = guest_store_conf(&c->guest, c->new_conf);
        }
        if (conf == GUEST_E_CHANGED)
                return conf;
        if (conf != 0)
                tell_write_failed(&c->findings,
                                  arena_printf(c->arena, "/etc/pve/lxc/%u.conf", c->guest.vmid), conf);
        if (c->guest.has_config && !bytes_equal(c->new_config, c->guest.config) &&
            (conf == 0 || !gives_dev_nodes(c)))
                config = guest_store_config(&c->guest, c->new_config);
        if (config == GUEST_E_CHANGED)
                return config;
        if (config != 0)
                tell_write_failed(&c->findings, c->guest.config_path + strlen(c->root), config);
        return conf || config ? ANCHOR_E_FAILED : 0;
}

static void apply_record(struct check *c) {
        struct record r = { 0 };

        for (size_t i = 0; i < c->plan.n_nodes; i++) {
                const struct plan_node *pn = &c->plan.nodes[i];

                if (pn->required)
                        *ARENA_PUSH(c->arena, r.nodes, r.n_nodes) = (struct record_node){
                                .path = pn->node->path,
                                .major = pn->node->major,
                                .minor = pn->node->minor,
                                .gpu = pn->gpu ? pn->gpu->address : "-",
                        };
        }
        (void)record_write(c->arena, c->root, c->guest.vmid, &r);
}

int anchor_apply(struct check *c) {
        int r;

        if (c->left_alone)
                return 0;
        r = apply_delegations(c);
        if (r == 0) {
                int memory = apply_memory(c);

                r = apply_files(c);
                if (r == GUEST_E_CHANGED)
                        return r;
                r = r ? r : memory;
        }
        if (r != 0)
                judge_unwritten(c, "the new lines could not be written");
        apply_record(c);
        return r;
}

/* ---- a running container ---- */

static void compare_nodes(struct arena *a, const struct record *r, int root_fd, struct findings *f) {
        for (size_t i = 0; i < r->n_nodes; i++) {
                const struct record_node *n = &r->nodes[i];
                struct inside_node in = inside_look(root_fd, n->path);
                const char *number = arena_printf(a, "%u:%u", n->major, n->minor);

                if (in.is_char && in.major == n->major && in.minor == n->minor)
                        continue;
                finding_add(f, (struct finding){
                                       .code = in.present ? FINDING_INSIDE_WRONG : FINDING_INSIDE_MISSING,
                                       .what = n->path,
                                       .new = number,
                                       .old = in.is_char ? arena_printf(a, "%u:%u", in.major, in.minor)
                                                         : "not a device" });
        }
}

static bool recorded(const struct record *r, struct inside_node in) {
        for (size_t i = 0; i < r->n_nodes; i++)
                if (r->nodes[i].major == in.major && r->nodes[i].minor == in.minor)
                        return true;
        return false;
}

static void find_extra_nodes(struct arena *a, const struct record *r, int root_fd, struct findings *f) {
        const char **names = NULL;
        size_t n = 0;

        if (inside_list(a, root_fd, "/dev/dri", &names, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                const char *path = arena_printf(a, "/dev/dri/%s", names[i]);
                struct inside_node in = inside_look(root_fd, path);

                if (in.is_char && in.major == DRM_MAJOR && !recorded(r, in))
                        finding_add(f, (struct finding){
                                               .code = FINDING_INSIDE_EXTRA,
                                               .what = path,
                                               .old = arena_printf(a, "%u:%u", in.major, in.minor) });
        }
}

static void learn_gid(struct arena *a, struct bytes groups, const char *name, int64_t policy,
                      int64_t guessed, int64_t *known, struct findings *f) {
        struct host_group g = group_find(groups, name);

        if (policy >= 0 || *known >= 0 || !g.present || g.gid == 0)
                return;
        *known = g.gid;
        if (guessed >= 0 && guessed != g.gid)
                finding_add(f, (struct finding){ .code = FINDING_GID_LEARNED,
                                                 .what = name,
                                                 .new = arena_printf(a, "%u", g.gid),
                                                 .old = arena_printf(a, ", not %lld", (long long)guessed) });
}

static int learn_gids(struct arena *a, const char *root, uint32_t vmid, int root_fd,
                      struct findings *f) {
        struct findings quiet = { .arena = a };
        struct bytes groups, file = { 0 }, next;
        struct policy p;
        int r;

        r = inside_read(a, root_fd, "/etc/group", GROUP_FILE_MAX, &groups);
        if (r < 0)
                return 0; /* a container without a group file has nothing to teach */
        r = settings_load(a, root, vmid, &p, &quiet);
        if (r < 0 || p.broken)
                return r;
        r = file_read(a, settings_path(a, root, vmid), POLICY_MAX, &file);
        if (r < 0 && r != -ENOENT)
                return r;
        learn_gid(a, groups, "video", p.video_gid, p.guessed_video_gid, &p.known_video_gid, f);
        learn_gid(a, groups, "render", p.render_gid, p.guessed_render_gid, &p.known_render_gid, f);
        next = policy_remember(a, file, NULL, &p);
        return bytes_equal(next, file) ? 0 : store_policy(a, root, vmid, next);
}

int anchor_learn(struct arena *a, const char *root, uint32_t vmid, unsigned pid, struct findings *f) {
        _cleanup_(cleanup_close) int root_fd = inside_open(pid);
        struct record record = { 0 };
        int r;

        if (root_fd < 0)
                return root_fd;
        r = record_read(a, root, vmid, &record);
        if (r == 0) {
                compare_nodes(a, &record, root_fd, f);
                find_extra_nodes(a, &record, root_fd, f);
        }
        r = learn_gids(a, root, vmid, root_fd, f);
        if (r < 0)
                tell_write_failed(f, settings_path(a, "", vmid), r);
        return 0;
}
