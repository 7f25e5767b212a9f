/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mounts - which file system a path would enter, without asking that file system
 *
 * Whoever crosses a mount point of NFS, even with O_PATH, has the kernel ask the server
 * whether its root is still the same (d_weak_revalidate), and a dead server answers never.
 * So the type has to be known before, and the only place that has it is mountinfo.
 */
#include "host/mounts.h"

#include "base/file.h"
#include "base/number.h"

#include <linux/magic.h>
#include <sys/vfs.h>

enum { MOUNTINFO_MAX = 16 * 1024 * 1024 };

/* "/mnt/my\040disk": the kernel writes blank, tab, line feed and backslash so */
static const char *unescape(struct arena *a, struct bytes s) {
        char *text = bytes_dup(a, s), *to = text;

        for (const char *p = text; *p;) {
                if (p[0] == '\\' && p[1] && p[2] && p[3]) {
                        *to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
                        p += 4;
                } else {
                        *to++ = *p++;
                }
        }
        *to = '\0';
        return text;
}

/* 36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue */
static bool parse_line(struct arena *a, struct bytes line, struct mount *ret) {
        struct bytes id = bytes_cut(&line, ' '), parent = bytes_cut(&line, ' '), type;
        struct mount m;

        if (!parse_u32(id, &m.id) || !parse_u32(parent, &m.parent))
                return false;
        bytes_cut(&line, ' ');
        m.root = unescape(a, bytes_cut(&line, ' '));
        m.point = unescape(a, bytes_cut(&line, ' '));
        while (line.len > 0 && !bytes_equal(bytes_cut(&line, ' '), BYTES("-")))
                ;
        type = bytes_cut(&line, ' ');
        m.type = bytes_dup(a, type);
        *ret = m;
        return type.len > 0;
}

void mounts_parse(struct arena *a, struct bytes text, struct mounts *ret) {
        struct mounts m = { 0 };
        struct mount one;

        while (text.len > 0)
                if (parse_line(a, bytes_cut(&text, '\n'), &one))
                        *ARENA_PUSH(a, m.items, m.n) = one;
        *ret = m;
}

int mounts_read(struct arena *a, struct mounts *ret) {
        struct bytes text;
        int r;

        r = file_read(a, "/proc/self/mountinfo", MOUNTINFO_MAX, &text);
        if (r < 0)
                return r;
        mounts_parse(a, text, ret);
        return 0;
}

const struct mount *mounts_find(const struct mounts *m, uint64_t id) {
        for (size_t i = 0; i < m->n; i++)
                if (m->items[i].id == id)
                        return &m->items[i];
        return NULL;
}

/*
 * A list of what may be entered, not of what may not: a type that is too new for it costs an
 * answer, not a start. Overlays are not in it, because their layers may lie anywhere.
 */
bool mount_is_local(const struct mount *m) {
        static const char *const local[] = {
                "ext4",   "xfs",  "btrfs",    "zfs",      "tmpfs", "devtmpfs", "proc",   "sysfs",
                "devpts", "vfat", "ext3",     "ext2",     "f2fs",  "bcachefs", "exfat",  "ntfs3",
                "ramfs",  "jfs",  "squashfs", "reiserfs", "erofs", "iso9660",  "rootfs", "udf",
        };

        for (size_t i = 0; i < ELEMENTS(local); i++)
                if (streq(m->type, local[i]))
                        return true;
        return false;
}

static const struct mount *mounted_on(const struct mounts *m, uint32_t parent, const char *path) {
        for (size_t i = 0; i < m->n; i++)
                if (m->items[i].parent == parent && m->items[i].id != parent &&
                    streq(m->items[i].point, path))
                        return &m->items[i];
        return NULL;
}

const struct mount *mounts_barrier(const struct mounts *m, uint32_t parent, const char *path) {
        const struct mount *on = mounted_on(m, parent, path);

        for (size_t i = 0; on && i < m->n; i++) { /* never more than there are */
                if (!mount_is_local(on))
                        return on;
                on = mounted_on(m, on->id, path);
        }
        return NULL;
}

enum cgroups cgroups_look(struct arena *a, const char *root) {
        struct statfs fs;

        if (statfs(arena_printf(a, "%s/sys/fs/cgroup", root), &fs) < 0)
                return CGROUPS_UNKNOWN;
        if (fs.f_type == CGROUP2_SUPER_MAGIC)
                return CGROUPS_V2;
        return access(arena_printf(a, "%s" CGROUPS_SYSTEMD, root), F_OK) == 0 ? CGROUPS_V1
                                                                              : CGROUPS_UNKNOWN;
}
