/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * policy-file - whole or not at all, and back again
 *
 * The folder /etc/pve/gpuanchor is made by the first container that is enabled:
 * /etc/pve is a database, which no package can put a folder into.
 */
#include "cli/enrol/policy-file.h"

#include "base/file.h"
#include "cli/output.h"
#include "model/policy/ini.h"
#include "pve/settings.h"

#include <errno.h>

int policy_file_read(struct cli *c, uint32_t vmid, struct policy_file *ret) {
        struct policy_file p = {
                .path = settings_path(&c->host.pve, vmid),
                .name = settings_name(&c->arena, vmid),
        };
        int r = file_read(&c->arena, p.path, INI_FILE_MAX, &p.old);

        if (r < 0 && r != -ENOENT)
                return cli_fail(c, r == -EACCES ? MSG_DO_ROOT : MSG_DO_MOVE, MSG_POLICY_UNREAD,
                                p.name, strerror(-r));
        p.present = r == 0;
        p.new = p.old;
        *ret = p;
        return EXIT_DONE;
}

static int tell(struct cli *c, const struct policy_file *p, const char *not_done, int error) {
        bool quorum = error == -EACCES;

        if (error == FILE_E_CHANGED)
                return cli_fail(c, MSG_DO_AGAIN, MSG_POLICY_CHANGED,
                                p->name, not_done);
        return cli_fail(c, quorum ? MSG_DO_PVECM : "", "%s: %s: %s", p->name, not_done,
                        quorum ? MSG_NO_QUORUM : strerror(-error));
}

static int store(struct cli *c, const struct policy_file *p, struct bytes seen,
                 struct bytes content) {
        const char *folder =
                arena_strndup(&c->arena, p->path, (size_t)(strrchr(p->path, '/') - p->path));
        int r = mkdir_parents(folder, 0755);

        return r < 0 ? r
                     : file_edit(p->path, &(struct file_edit){ seen, content }, 0640, FILE_SYNC);
}

int policy_file_write(struct cli *c, const struct policy_file *p) {
        int r = 0;

        if (!bytes_equal(p->old, p->new))
                r = store(c, p, p->old, p->new);
        return r != 0 ? tell(c, p, MSG_POLICY_NOT_WRITTEN, r) : EXIT_DONE;
}

int policy_file_remove(struct cli *c, const struct policy_file *p) {
        if (unlink(p->path) < 0 && errno != ENOENT)
                return tell(c, p, MSG_POLICY_NOT_REMOVED, -errno);
        return EXIT_DONE;
}

void policy_file_restore(struct cli *c, const struct policy_file *p) {
        int r = 0;

        if (p->present)
                r = store(c, p, p->new, p->old);
        else if (unlink(p->path) < 0 && errno != ENOENT)
                r = -errno;
        if (r != 0)
                tell(c, p, MSG_POLICY_NOT_RESTORED, r);
}
