/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * precondition - may this container be changed, and if not, why
 *
 * Every condition under which pct would refuse is one for us as well: a task
 * that holds the configuration, a `lock:` that an interrupted one left, a
 * template, a cluster without quorum.
 */
#include "cli/precondition.h"

#include "anchor/apply.h"
#include "cli/output.h"

#include <errno.h>
#include <glob.h>

bool target_vmid(struct cli *c, uint32_t *ret) {
        if (vmid_parse(c->args[0], ret))
                return true;
        cli_fail(c, MSG_DO_LIST, MSG_NO_VMID, c->args[0]);
        return false;
}

bool target_is_root(struct cli *c, const char *what) {
        if (geteuid() == 0)
                return true;
        cli_fail(c, MSG_DO_SUDO, MSG_NEEDS_ROOT, c->verb->name, what);
        return false;
}

int target_list(struct cli *c, uint32_t **ret, size_t *ret_n) {
        int r = guest_list(&c->host.pve, ret, ret_n);

        if (r == GUEST_E_NOT_MOUNTED)
                return cli_fail(c, MSG_DO_PVE_CLUSTER, MSG_NOT_MOUNTED);
        if (r < 0)
                return cli_fail(c, MSG_DO_ROOT, MSG_NO_LIST, strerror(-r));
        return EXIT_DONE;
}

const char *target_enrol(struct cli *c, uint32_t vmid) {
        struct check k;

        return anchor_check(&c->host, vmid, NULL, &k) == 0
                       ? check_enrol(&k)
                       : arena_printf(&c->arena, MSG_DO_ENABLE, vmid);
}

const char *target_elsewhere(struct cli *c, uint32_t vmid) {
        static const char *const kinds[] = { "lxc", "qemu-server" };
        const char *found = NULL;

        for (size_t i = 0; i < ELEMENTS(kinds) && !found; i++) {
                glob_t g;

                if (glob(arena_printf(&c->arena, "%s/etc/pve/nodes/*/%s/%u.conf", c->root, kinds[i],
                                      vmid),
                         GLOB_NOSORT, NULL, &g) != 0)
                        continue;
                found = arena_strdup(&c->arena, g.gl_pathv[0] + strlen(c->root));
                globfree(&g);
        }
        return found;
}

static int tell_none(struct cli *c, uint32_t vmid) {
        const char *path = target_elsewhere(c, vmid), *node;

        if (!path)
                return cli_fail(c, MSG_DO_LIST, MSG_GUEST_NONE, vmid);
        if (strstr(path, "/qemu-server/"))
                return cli_fail(c, MSG_DO_LIST_CONTAINERS, MSG_GUEST_VM, vmid);
        node = path + strlen("/etc/pve/nodes/");
        return cli_fail(c, MSG_DO_THERE, MSG_GUEST_ELSEWHERE, vmid, (int)strcspn(node, "/"), node);
}

int target_problem(struct cli *c, uint32_t vmid, int problem) {
        struct findings f = { .arena = &c->arena };
        struct guest g = { .vmid = vmid };

        if (problem == GUEST_E_NONE)
                return tell_none(c, vmid);
        if (problem == -EACCES && geteuid() != 0)
                return cli_fail(c, MSG_DO_SUDO, MSG_NEEDS_ROOT_TO_READ, c->verb->name, vmid, vmid,
                                vmid);
        anchor_tell_problem(&f, &g, problem);
        return cli_fail_findings(c, &f, vmid);
}

int target_open(struct cli *c, uint32_t vmid, struct guest *ret, int *ret_lock) {
        struct findings f = { .arena = &c->arena };
        _cleanup_(cleanup_close) int lock = -1;
        int r;

        /* first whether it is there: taking a lock would leave a file for any number */
        r = guest_load(&c->host.pve, vmid, ret);
        if (r == 0 && !c->opt[OPT_DRY_RUN]) {
                anchor_sweep(&c->host.pve, vmid);
                r = guest_lock(&c->host.pve, vmid, LOCK_TIMEOUT_MS, &lock);
                if (r == 0)
                        r = guest_load(&c->host.pve, vmid, ret);
        }
        if (r != 0)
                return target_problem(c, vmid, r);
        if (anchor_refuses(ret, &f))
                return cli_fail_findings(c, &f, vmid);
        *ret_lock = lock;
        lock = -1;
        return EXIT_DONE;
}

int target_store(struct cli *c, const struct guest *g, struct bytes content) {
        const char *where = g->conf_path + strlen(g->root);
        int r = backup_save(&c->arena, g, content);

        if (r < 0)
                return cli_fail(c, MSG_NOTHING_CHANGED, MSG_BACKUP_FAILED, g->vmid, strerror(-r));
        r = guest_store_conf(g, content);
        if (r == GUEST_E_CHANGED)
                return target_problem(c, g->vmid, r);
        if (r == -EACCES)
                return cli_fail(c, MSG_DO_PVECM, MSG_STORE_NO_QUORUM, where);
        if (r != 0)
                return cli_fail(c, "", MSG_STORE_FAILED, where,
                                r < 0 ? strerror(-r) : MSG_STORE_LARGE);
        return EXIT_DONE;
}
