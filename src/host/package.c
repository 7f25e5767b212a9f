/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* package - what is installed, by dpkg's own list */
#include "host/package.h"

#include "base/file.h"
#include "base/number.h"

#define STATUS_MAX (64 * 1024 * 1024)

/* The paragraph of a package in the status file; they are parted by blank lines. */
static struct bytes paragraph(struct arena *a, struct bytes status, const char *name) {
        const char *heading = arena_printf(a, "Package: %s\n", name);
        const char *at = status.data, *end = status.data + status.len;

        while ((at = memmem(at, (size_t)(end - at), heading, strlen(heading)))) {
                const char *stop = memmem(at, (size_t)(end - at), "\n\n", 2);

                if (at == status.data || at[-1] == '\n')
                        return (struct bytes){ at, (size_t)((stop ? stop : end) - at) };
                at++;
        }
        return (struct bytes){ 0 };
}

/* the first "KEY: " of a paragraph, which is @key */
static const char *field(struct arena *a, struct bytes text, const char *key) {
        while (text.len > 0) {
                struct bytes line = bytes_cut(&text, '\n');

                if (bytes_take_prefix(&line, key))
                        return bytes_dup(a, line);
        }
        return NULL;
}

const char *package_version(struct arena *a, const char *root, const char *name) {
        _cleanup_arena_ struct arena scratch = { 0 };
        const char *path = arena_printf(&scratch, "%s/var/lib/dpkg/status", root);
        const char *state, *version;
        struct bytes status, text;

        if (file_read(&scratch, path, STATUS_MAX, &status) < 0)
                return NULL;
        text = paragraph(&scratch, status, name);
        if (text.len == 0)
                return NULL;
        state = field(&scratch, text, "Status: ");
        version = field(&scratch, text, "Version: ");
        if (!state || !version || !strstr(state, " installed"))
                return NULL;
        return arena_strdup(a, version);
}

static uint32_t number(const char **s) {
        uint32_t n = 0;

        for (; ascii_is_digit(**s); ++*s)
                n = n * 10 + (uint32_t)(**s - '0');
        return n;
}

bool version_at_least(const char *version, uint32_t major, uint32_t minor) {
        uint32_t x = number(&version), y;

        if (*version == '.')
                version++;
        y = number(&version);
        return x > major || (x == major && y >= minor);
}

enum { LIBLXC_OF_7 = 9 };

static bool read_minor(const char *path, uint32_t *ret) {
        char target[256];
        ssize_t n = readlink(path, target, sizeof(target));
        struct bytes text = { target, n > 0 ? (size_t)n : 0 };

        return bytes_take_prefix(&text, "liblxc.so.1.") && parse_u32(bytes_cut(&text, '.'), ret);
}

bool lxc_is_7(struct arena *a, const char *root) {
        static const char *const folders[] = { "x86_64-linux-gnu/", "aarch64-linux-gnu/", "" };
        uint32_t minor;

        for (size_t i = 0; i < ELEMENTS(folders); i++)
                if (read_minor(arena_printf(a, "%s/usr/lib/%sliblxc.so.1", root, folders[i]),
                               &minor))
                        return minor >= LIBLXC_OF_7;
        return false;
}
