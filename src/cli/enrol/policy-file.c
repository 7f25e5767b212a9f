/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * policy-file - whole or not at all, and back again
 *
 * The folder /etc/pve/gpuanchor is made by the first container that is enabled:
 * /etc/pve is a database, which no package can put a folder into.
 */
#include "cli/enrol/policy-file.h"

#include "anchor/check.h"
#include "base/file.h"
#include "cli/output.h"
#include "model/policy/ini.h"
#include "pve/settings.h"

#include <errno.h>

/* Whatever else is wrong with it. */
static void find_earlier(struct cli *c, const struct guest *g, struct policy_file *p) {
        struct owner now = owner_of(&c->arena, &g->lines, g->vmid);
        struct owner *then;
        struct settings own;

        anchor_policy(&c->host, g->vmid, NULL, &own);
        then = &own.policy.owner;
        if (anchor_whose(&c->host, g, then) != OWNER_OTHER)
                return;
        p->earlier_of = g;
        p->earlier = (struct finding){ .code = FINDING_POLICY_EARLIER,
                                       .where = p->name,
                                       .old = owner_text(&c->arena, then),
                                       .new = owner_text(&c->arena, &now) };
}

int policy_file_read(struct cli *c, const struct guest *g, struct policy_file *ret) {
        struct policy_file p = {
                .path = settings_path(&c->host.pve, g->vmid),
                .name = settings_name(&c->arena, g->vmid),
        };
        int r = file_read(&c->arena, p.path, INI_FILE_MAX, &p.old);

        if (r < 0 && r != -ENOENT)
                return cli_fail(c, r == -EACCES ? MSG_DO_ROOT : MSG_DO_MOVE, MSG_POLICY_UNREAD,
                                p.name, strerror(-r));
        p.present = r == 0;
        if (p.present)
                find_earlier(c, g, &p);
        if (!p.earlier_of)
                p.base = p.old;
        p.new = p.base;
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

int policy_file_set_aside(struct cli *c, const struct guest *g, const struct policy_file *p) {
        const char *folder;
        int r = anchor_set_aside(&c->host, g, &folder);
        struct findings f = { .arena = &c->arena };

        if (r < 0)
                return tell(c, p, MSG_POLICY_NOT_REMOVED, r);
        finding_add(&f, (struct finding){ .code = FINDING_POLICY_SET_ASIDE,
                                          .where = p->name,
                                          .new = folder });
        out_findings(c, &f, g->vmid, EDITS_TELL);
        return EXIT_DONE;
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

        bool aside = p->earlier_of;

        if (aside && policy_file_set_aside(c, p->earlier_of, p) != EXIT_DONE)
                return EXIT_TROUBLE;
        if (aside || !bytes_equal(p->old, p->new))
                r = store(c, p, aside ? (struct bytes){ 0 } : p->old, p->new);
        return r != 0 ? tell(c, p, MSG_POLICY_NOT_WRITTEN, r) : EXIT_DONE;
}

int policy_file_remove(struct cli *c, const struct policy_file *p) {
        if (p->earlier_of)
                return policy_file_set_aside(c, p->earlier_of, p);
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
