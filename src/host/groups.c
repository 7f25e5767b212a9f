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
#include "host/groups.h"

#include "base/file.h"

#include <errno.h>

enum { GROUP_FILE_MAX = 16 * 1024 * 1024 };

/* cuts everything up to @separator off @rest */
static struct bytes field(struct bytes *rest, char separator) {
        const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
        struct bytes cut = *rest;

        if (!end) {
                *rest = (struct bytes){ rest->data + rest->len, 0 };
                return cut;
        }
        cut.len = (size_t)(end - rest->data);
        rest->data += cut.len + 1;
        rest->len -= cut.len + 1;
        return cut;
}

/* "render:x:104:alice,bob" */
struct host_group group_find(struct bytes text, const char *name) {
        struct host_group group = { 0 };

        while (text.len > 0) {
                struct bytes line = field(&text, '\n');

                if (!bytes_equal(field(&line, ':'), bytes_of(name)))
                        continue;
                field(&line, ':');
                if (parse_u32(field(&line, ':'), &group.gid)) {
                        group.present = true;
                        break;
                }
        }
        return group;
}

int groups_read(struct arena *a, const char *root, struct host_group *ret_video,
                struct host_group *ret_render) {
        struct bytes text = { 0 };
        int r;

        r = file_read(a, arena_printf(a, "%s/etc/group", root), GROUP_FILE_MAX, &text);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret_video = group_find(text, "video");
        *ret_render = group_find(text, "render");
        return 0;
}
