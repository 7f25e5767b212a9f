/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* all - every container that has GPU lines and no one who keeps them right */
#include "cli/enrol/all.h"

#include "anchor/check.h"
#include "cli/hwdb.h"
#include "cli/output.h"
#include "cli/precondition.h"

/* Whether @vmid has lines of a GPU and nobody who keeps them right. */
static bool is_to_enable(struct cli *c, uint32_t vmid) {
        struct check k;
        bool found = false;

        if (guest_is_managed(&c->host.pve, vmid) || anchor_check(&c->host, vmid, NULL, &k) != 0 ||
            guest_is_template(&k.guest))
                return false;
        for (size_t i = 0; i < k.survey.n_lines; i++)
                found |= k.survey.lines[i].type == DEVLINE_MOUNT ||
                         k.survey.lines[i].type == DEVLINE_DEV;
        return found;
}

int enable_all(struct cli *c, int (*enable_one)(struct cli *c, uint32_t vmid)) {
        uint32_t *vmids = NULL;
        size_t n = 0, found = 0;
        int r = guest_list(&c->host.pve, &vmids, &n), status = EXIT_DONE;

        if (r != 0)
                return target_problem(c, 0, r);
        for (size_t i = 0; i < n; i++) {
                c->host = host_open(&c->arena, c->root);
                if (!is_to_enable(c, vmids[i]))
                        continue;
                found++;
                if (enable_one(c, vmids[i]) != EXIT_DONE)
                        status = EXIT_ATTENTION;
        }
        if (found == 0)
                cli_say(c, MSG_ENABLE_ALL_NONE);
        return status;
}
