/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysfs - plain reads, one system call each */
#include "host/probe/sysfs.h"

#include "base/number.h"

#include <fcntl.h>
#include <limits.h>

bool is_pci_address(const char *name) {
        size_t domain = strspn(name, "0123456789abcdef");
        const char *s = name + domain;
        uint32_t number;

        return domain >= 4 && domain <= 8 && strlen(s) == strlen(":00:00.0") && s[0] == ':' &&
               s[3] == ':' && s[6] == '.' && parse_hex((struct bytes){ s + 1, 2 }, 2, &number) &&
               parse_hex((struct bytes){ s + 4, 2 }, 2, &number) &&
               parse_hex((struct bytes){ s + 7, 1 }, 1, &number);
}

int attr_read(int dir, const char *name, char buf[SYSFS_ATTR_SIZE], struct bytes *ret_text) {
        _cleanup_(cleanup_close) int fd = -1;
        ssize_t n;

        fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        n = read(fd, buf, SYSFS_ATTR_SIZE);
        if (n < 0)
                return -errno;
        *ret_text = bytes_trim((struct bytes){ buf, (size_t)n });
        return 0;
}

int attr_hex(int dir, const char *name, uint32_t *ret_number) {
        char buf[SYSFS_ATTR_SIZE];
        struct bytes text = { 0 };
        int r;

        r = attr_read(dir, name, buf, &text);
        if (r < 0)
                return r;
        return parse_hex(text, 6, ret_number) ? 0 : -ENXIO;
}

int attr_dev(int dir, const char *name, struct devnum *ret) {
        char buf[SYSFS_ATTR_SIZE];
        struct bytes text = { 0 };
        int r;

        r = attr_read(dir, name, buf, &text);
        if (r < 0)
                return r;
        return devnum_parse(text, ret) ? 0 : -ENXIO;
}

int attr_link(struct arena *a, int dir, const char *name, const char **ret_target) {
        char target[PATH_MAX];
        const char *slash;
        ssize_t len;

        len = readlinkat(dir, name, target, sizeof(target) - 1);
        if (len < 0)
                return errno == EINVAL ? -ENOENT : -errno;
        target[len] = '\0';
        slash = strrchr(target, '/');
        *ret_target = arena_strdup(a, slash ? slash + 1 : target);
        return 0;
}
