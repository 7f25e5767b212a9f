/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * leftovers - what people and accidents left on a host
 */
#include "host/leftovers.h"

#include "base/file.h"
#include "base/folder.h"

#include <errno.h>
#include <sys/stat.h>

enum {
        MAX_STRAYS = 256,
        MAX_LINES = 256,
        TEXT_MAX = 1024 * 1024, /* of a script or a file of rules */
};

/* ---- /dev ---- */

static bool is_at_a_node(const struct facts *f, const char *path) {
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (streq(f->gpus[i].nodes[j].path, path))
                                return true;
        for (size_t i = 0; i < f->n_shared; i++)
                if (streq(f->shared[i].path, path))
                        return true;
        return false;
}

/* Folders (by-path) and links belong there; a link to nothing is udev's to clear up. */
static int add_strays(struct leftovers *l, const char *folder, const struct facts *f) {
        _cleanup_(cleanup_dir) DIR *dir = opendir(arena_printf(l->arena, "%s%s", l->root, folder));

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        for (struct dirent *d; (d = readdir(dir)) && l->n_strays < MAX_STRAYS;) {
                const char *path = arena_printf(l->arena, "%s/%s", folder, d->d_name);
                struct stat st;

                if (!path_is_gpu(bytes_of(path)) || is_at_a_node(f, path) ||
                    lstat(arena_printf(l->arena, "%s%s", l->root, path), &st) < 0 ||
                    S_ISCHR(st.st_mode) || S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))
                        continue;
                *ARENA_PUSH(l->arena, l->strays, l->n_strays) = path;
        }
        return 0;
}

int leftovers_strays(struct leftovers *l, const struct facts *f) {
        const char *folders[NODE_FAMILIES];
        size_t n = family_folders(folders);
        int r = add_strays(l, "/dev", f);

        for (size_t i = 0; i < n && r == 0; i++)
                r = add_strays(l, folders[i], f);
        return r;
}

/* ---- lines of text files ---- */

/* A line with those that a backslash makes part of it. A comment ends with its own line. */
static struct bytes cut_joined(struct arena *a, struct bytes *text, size_t *ret_lines) {
        struct bytes line = bytes_cut(text, '\n');
        bool comment = bytes_has_prefix(bytes_trim(line), "#");
        struct strbuf all = { .arena = a };

        *ret_lines = 1;
        while (!comment && text->len > 0 && bytes_take_suffix(&line, "\\")) {
                strbuf_add_bytes(&all, line);
                line = bytes_cut(text, '\n');
                ++*ret_lines;
        }
        if (*ret_lines == 1)
                return line;
        strbuf_add_bytes(&all, line);
        return strbuf_bytes(&all);
}

static void add_lines(struct leftovers *l, struct bytes text, const char *name,
                      bool (*wanted)(struct bytes line)) {
        size_t lines;

        for (size_t number = 1; text.len > 0 && l->n_lines < MAX_LINES; number += lines) {
                struct bytes line = cut_joined(l->arena, &text, &lines);

                if (!wanted(line))
                        continue;
                line = bytes_trim(line);
                *ARENA_PUSH(l->arena, l->lines, l->n_lines) =
                        (struct doctor_line){ .file = name,
                                              .number = number,
                                              .last = number + lines - 1,
                                              .text = bytes_dup(l->arena, line) };
        }
}

/* What is no text file or is too large for one has no such lines. */
static int add_file(struct leftovers *l, const char *name, bool (*wanted)(struct bytes line)) {
        struct bytes text;
        int r = file_read(l->arena, arena_printf(l->arena, "%s%s", l->root, name), TEXT_MAX, &text);

        if (r == 0)
                add_lines(l, text, name, wanted);
        return r == -EACCES || r == -EPERM || r == -EIO ? r : 0;
}

int leftovers_chmods(struct leftovers *l, const char *name) {
        return add_file(l, name, doctor_line_chmods);
}

static int add_rules(struct leftovers *l, const char *folder) {
        struct names names;
        int r = folder_names(l->arena, arena_printf(l->arena, "%s%s", l->root, folder), ".rules",
                             &names);

        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        for (size_t i = 0; i < names.n && r == 0; i++)
                r = add_file(l, arena_printf(l->arena, "%s/%s", folder, names.items[i]),
                             doctor_rule_opens);
        return r;
}

int leftovers_rules(struct leftovers *l) {
        int r = add_rules(l, "/etc/udev/rules.d");

        return r == 0 ? add_rules(l, "/run/udev/rules.d") : r;
}

bool module_is_loaded(struct arena *a, const char *root, const char *module) {
        return access(arena_printf(a, "%s/sys/module/%s", root, module), F_OK) == 0;
}
