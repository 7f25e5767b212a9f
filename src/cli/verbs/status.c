/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * status - the node at a glance
 *
 * The same look that the daemon takes, taken now; of the daemon it needs
 * nothing but, where it can be read, what the host was like before.
 */
#include "anchor/check.h"
#include "cli/views.h"
#include "cli/output.h"
#include "cli/precondition.h"
#include "model/gpu/gpu-list.h"
#include "render/json.h"

#include <errno.h>

/* Whether a conflict says of the same container and GPU for whom it is held, and what to do. */
static bool is_said_better(struct cli *c, const struct findings *all, const struct finding *f) {
        const char *vmid = arena_printf(&c->arena, "%u", f->vmid);

        for (size_t i = 0; f->code == FINDING_GPU_HELD && f->gpu && i < all->n; i++) {
                const struct finding *x = &all->items[i];

                if (x->code == FINDING_GPU_CONFLICT && streq(x->gpu, f->gpu) &&
                    streq(x->what, vmid))
                        return true;
        }
        return false;
}

/* What makes the exit status 1 is said, --quiet or not. */
static void print_findings(struct cli *c, const struct status_view *v) {
        const struct findings *all = &v->st->findings;

        for (size_t i = 0; i < all->n; i++) {
                struct findings one = { &c->arena, &all->items[i], 1 };
                uint32_t vmid = all->items[i].vmid;

                if (!status_shows(v, &all->items[i]) || is_said_better(c, all, &all->items[i]))
                        continue;
                c->prefix = vmid ? arena_printf(&c->arena, "%u: ", vmid) : "";
                if (status_is_open(&all->items[i]))
                        out_finding(c, &all->items[i], vmid);
                else
                        out_findings(c, &one, vmid, EDITS_TELL);
        }
        c->prefix = "";
}

static bool is_managed(const struct host_status *st, uint32_t vmid) {
        for (size_t i = 0; i < st->n_containers; i++)
                if (st->containers[i].vmid == vmid)
                        return true;
        return false;
}

static const char *name_of(struct cli *c, uint32_t vmid) {
        struct guest g;
        const char *name = guest_load(&c->host.pve, vmid, &g) == 0
                                   ? guest_setting(&c->arena, &g, "hostname")
                                   : NULL;

        return name ? name : "";
}

/* What one line of a virtual machine takes, told once: its first GPU, and how many more. */
static void print_vm(struct cli *c, const struct usage *usage, size_t at) {
        const struct gpu_user *u = &usage->users[at];
        const char *label = gpu_label(&c->arena, u->gpu->name, u->gpu->address);
        size_t more = 0;

        for (size_t i = 0; i < usage->n; i++) {
                const struct gpu_user *x = &usage->users[i];

                if (x->kind != USER_VM || x->vmid != u->vmid || !streq(x->by, u->by))
                        continue;
                if (i < at)
                        return;
                more += i > at;
        }
        if (more > 0)
                label = arena_printf(&c->arena, MSG_STATUS_AND_MORE, label, more);
        cli_say(c, u->mediated ? MSG_STATUS_VM_SLICE : MSG_STATUS_VM, u->vmid, label, u->by);
}

/* Who uses a GPU and is not in the table: containers without gpuanchor, and virtual machines. */
static void print_others(struct cli *c, const struct status_view *v) {
        for (size_t i = 0; i < v->usage->n; i++) {
                const struct gpu_user *u = &v->usage->users[i];

                if (v->only && u->vmid != v->only)
                        continue;
                if (u->kind == USER_VM)
                        print_vm(c, v->usage, i);
                else if (!is_managed(v->st, u->vmid))
                        cli_say(c, MSG_STATUS_UNMANAGED, u->vmid, name_of(c, u->vmid),
                                gpu_label(&c->arena, u->gpu->name, u->gpu->address),
                                target_enrol(c, u->vmid));
        }
        for (size_t i = 0; i < v->usage->n_seekers; i++) {
                const struct gpu_seeker *s = &v->usage->seekers[i];

                if (!v->only || s->vmid == v->only)
                        cli_say(c, MSG_STATUS_SEEKER, s->vmid, name_of(c, s->vmid), s->path,
                                target_enrol(c, s->vmid));
        }
}

static int print_text(struct cli *c, const struct status_view *v) {
        size_t n = v->st->n_containers;
        int r = 0;

        if (c->opt[OPT_PLAIN]) {
                status_plain(&c->arena, v);
                return 0;
        }
        cli_say(c, MSG_STATUS_SUMMARY, v->st->facts.n_gpus, v->st->facts.n_gpus == 1 ? "" : "s", n,
                n == 1 ? "" : "s",
                v->st->looked ? arena_printf(&c->arena, MSG_STATUS_LOOKED, v->st->looked) : "",
                v->watched ? "" : MSG_STATUS_NO_WATCHER);
        if (n > 0 && !c->opt[OPT_QUIET])
                r = status_table(&c->arena, v, c->color);
        print_others(c, v);
        c->width = cli_width();
        print_findings(c, v);
        return r;
}

static int print(struct cli *c, const struct status_view *v) {
        if (c->opt[OPT_PROMETHEUS])
                fputs(status_prometheus(&c->arena, v), stdout);
        else if (c->opt[OPT_JSON])
                fputs(json_status(&c->arena, v), stdout);
        else
                return print_text(c, v);
        return 0;
}

/* The container that was asked for, when it is not managed: EXIT_DONE if all was printed. */
static int look_for(struct cli *c, const struct host_status *st, uint32_t vmid) {
        struct guest g;
        int r;

        if (is_managed(st, vmid) || guest_is_managed(&c->host.pve, vmid))
                return EXIT_DONE;
        r = guest_load(&c->host.pve, vmid, &g);
        if (r != 0)
                return target_problem(c, vmid, r);
        cli_say(c, MSG_NOT_MANAGED, vmid);
        return EXIT_DONE;
}

static int exit_status(const struct status_view *v) {
        if (v->st->blind)
                return EXIT_TROUBLE;
        for (size_t i = 0; i < v->st->findings.n; i++)
                if (status_shows(v, &v->st->findings.items[i]) &&
                    status_is_open(&v->st->findings.items[i]))
                        return EXIT_ATTENTION;
        return EXIT_DONE;
}

/* Whether all that is to be shown may be read; the node's own right says nothing of its files'. */
static bool may_read(struct cli *c, uint32_t only) {
        const struct pve *pve = &c->host.pve;
        uint32_t *vmids = NULL;
        size_t n = 0;
        int r = guest_list(pve, &vmids, &n);

        for (size_t i = 0; r == 0 && i < n; i++)
                if ((only == 0 || vmids[i] == only) &&
                    access(arena_printf(&c->arena, "%s/etc/pve/lxc/%u.conf", pve->root, vmids[i]),
                           R_OK) < 0 &&
                    errno == EACCES)
                        r = -EACCES;
        return r != -EACCES || geteuid() == 0;
}

/* Where a file of another node cannot be understood, something is to be looked at. */
static int cluster_exit(const struct cluster_view *v) {
        for (size_t i = 0; i < v->n_nodes; i++)
                if (v->nodes[i].problem && streq(v->nodes[i].problem, MSG_CLUSTER_DAMAGED))
                        return EXIT_ATTENTION;
        return EXIT_DONE;
}

static int run_cluster(struct cli *c, uint32_t only) {
        struct cluster_view v;
        int r;

        if (c->opt[OPT_PROMETHEUS])
                return cli_fail(c, MSG_DO_CLUSTER, MSG_CLUSTER_ALONE);
        r = look_cluster(c, only, &v);
        if (r != 0)
                return target_problem(c, 0, r);
        if (c->opt[OPT_JSON])
                fputs(cluster_json(&c->arena, &v), stdout);
        else if (c->opt[OPT_PLAIN])
                cluster_plain(&c->arena, &v);
        else
                r = cluster_tables(&c->arena, &v);
        return r < 0 ? cli_fail(c, "", MSG_STATUS_FAILED, strerror(-r)) : cluster_exit(&v);
}

static int run(struct cli *c) {
        struct status_view v = { 0 };
        int r;

        if (c->n_args > 0 && !target_vmid(c, &v.only))
                return EXIT_TROUBLE;
        if (!may_read(c, v.only))
                return cli_fail(c, MSG_DO_SUDO, MSG_NEEDS_ROOT_TO_LIST, c->verb->name);
        if (c->opt[OPT_CLUSTER])
                return run_cluster(c, v.only);
        r = look_status(c, &v);
        if (r < 0)
                return cli_fail(c, "", MSG_HOST_UNREAD, strerror(-r));
        if (v.only && !v.st->blind && look_for(c, v.st, v.only) != EXIT_DONE)
                return EXIT_TROUBLE;
        r = print(c, &v);
        if (r < 0)
                return cli_fail(c, "", MSG_STATUS_FAILED, strerror(-r));
        return exit_status(&v);
}

const struct verb verb_status = {
        .name = "status",
        .args = "[VMID]",
        .summary = "GPUs, managed containers, and what is wrong",
        .example = "gpuanchor status",
        .about = "Looks now, whether or not gpuanchord runs; what changed since gpuanchord last\n"
                 "looked is reported as well. A stale snapshot is shown but is no finding.\n"
                 "--cluster: the GPUs of all nodes, and on which of them the policy of each\n"
                 "managed container would find one.\n",
        .exits = { "nothing is open", "something is to be looked at",
                   "wrong usage, or the containers cannot be looked at" },
        .options = OPT_BIT(OPT_JSON) | OPT_BIT(OPT_PLAIN) | OPT_BIT(OPT_PROMETHEUS) |
                   OPT_BIT(OPT_CLUSTER),
        .min_args = 0,
        .max_args = 1,
        .run = run,
};
