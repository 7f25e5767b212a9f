/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * settings-daemon - section [daemon] of gpuanchor.conf
 *
 * Apart from settings.c, which runs in every start of a container: what is
 * wrong here is told by the daemon and by nobody else. Where a section or an
 * entry begins is asked from the same ini_line().
 */
#include "pve/daemon-settings.h"

#include "base/file.h"
#include "base/number.h"
#include "model/policy/ini.h"

#include <glob.h>

#define HOST_FILE "/etc/gpuanchor/gpuanchor.conf"

struct key {
        const char *name;
        size_t offset;
        uint32_t min, max, normal;
};

static const struct key keys[] = {
#define DAEMON_SETTING(key, field, min, max, normal)                                               \
        { key, offsetof(struct daemon_settings, field), min, max, normal },
#include "model/policy/key.def"
};

static uint32_t *value_of(struct daemon_settings *s, const struct key *k) {
        return (uint32_t *)(void *)((char *)s + k->offset);
}

static const struct key *find_key(struct bytes name) {
        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (bytes_equal(name, bytes_of(keys[i].name)))
                        return &keys[i];
        return NULL;
}

/* "quiet = 2 ; comment" */
static void split_entry(struct bytes entry, struct bytes *ret_key, struct bytes *ret_value) {
        size_t n = 0, end;

        while (n < entry.len && entry.data[n] != '=' && entry.data[n] != ':')
                n++;
        *ret_key = bytes_trim((struct bytes){ entry.data, n });
        end = n += n < entry.len;
        while (end < entry.len && entry.data[end] != ';')
                end++;
        *ret_value = bytes_trim((struct bytes){ entry.data + n, end - n });
}

/* Return: NULL, or what is wrong with the entry. */
static const char *set_entry(struct arena *a, struct bytes entry, struct daemon_settings *s) {
        struct bytes name, value;
        const struct key *k;
        uint32_t number;

        split_entry(entry, &name, &value);
        k = find_key(name);
        if (!k)
                return arena_printf(a,
                                    "unknown key %.*s in [daemon]; accepted: interval, quiet, "
                                    "messages-per-minute",
                                    (int)name.len, name.data);
        if (value.len == 0) {
                *value_of(s, k) = k->normal;
                return NULL;
        }
        if (!parse_u32(value, &number) || number < k->min || number > k->max)
                return arena_printf(a, "%s is a whole number from %u to %u", k->name, k->min,
                                    k->max);
        *value_of(s, k) = number;
        return NULL;
}

static void read_text(struct arena *a, struct bytes rest, const char *path,
                      struct daemon_settings *s, struct findings *f) {
        bool inside = false;

        for (unsigned line = 1; rest.len > 0; line++) {
                struct ini_line item = ini_line(bytes_line(&rest));
                const char *problem = NULL;

                if (item.kind == INI_HEADING)
                        inside = bytes_equal(item.text, BYTES("daemon"));
                else if (item.kind == INI_ENTRY && inside)
                        problem = set_entry(a, item.text, s);
                if (problem)
                        finding_add(f,
                                    (struct finding){ .code = FINDING_POLICY_KEY,
                                                      .where = arena_printf(a, "%s:%u", path, line),
                                                      .what = problem });
        }
}

static void read_one(struct arena *a, const char *root, const char *path, struct daemon_settings *s,
                     struct findings *f) {
        struct bytes content;

        /* a file that cannot be read is told of by whoever wants its [defaults] */
        if (file_read(a, path, INI_FILE_MAX, &content) == 0)
                read_text(a, content, path + strlen(root), s, f);
}

void settings_load_daemon(struct arena *a, const char *root, struct daemon_settings *ret,
                          struct findings *f) {
        struct daemon_settings s = { 0 };
        glob_t g;

        for (size_t i = 0; i < ELEMENTS(keys); i++)
                *value_of(&s, &keys[i]) = keys[i].normal;
        read_one(a, root, arena_printf(a, "%s" HOST_FILE, root), &s, f);
        if (glob(arena_printf(a, "%s" HOST_FILE ".d/*.conf", root), 0, NULL, &g) == 0) {
                for (size_t i = 0; i < g.gl_pathc; i++)
                        read_one(a, root, g.gl_pathv[i], &s, f);
                globfree(&g);
        }
        *ret = s;
}
