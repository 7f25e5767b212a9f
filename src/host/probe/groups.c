/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * groups - video and render, from the group file
 *
 * NSS is not asked. getgrnam() looks at the running machine, never at a folder
 * with a prefix; it loads whatever modules nsswitch.conf names into a program
 * that stands in the way of a container start, and one of them may wait for an
 * LDAP server. udev resolves GROUP= when it loads its rules, at boot, and wants
 * system groups in the file for the same reason.
 */
#include "host/probe/groups.h"

#include "base/file.h"
#include "model/guest/accounts.h"

#include <errno.h>

enum { GROUP_FILE_MAX = 16 * 1024 * 1024 };

int groups_read(struct arena *a, const char *root, struct facts *ret) {
        struct bytes text = { 0 };
        struct account found;
        int r;

        r = file_read(a, arena_printf(a, "%s/etc/group", root), GROUP_FILE_MAX, &text);
        if (r < 0 && r != -ENOENT)
                return r;
        for (int i = 0; i < GID_GROUPS; i++)
                ret->groups[i] = account_find(text, gid_group_name(i), &found)
                                 ? (struct host_group){ .present = true, .gid = found.id }
                                 : (struct host_group){ 0 };
        while (account_next(&text, &found))
                *ARENA_PUSH(a, ret->gids, ret->n_gids) = found.id;
        return 0;
}
