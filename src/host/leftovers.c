/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * local - what people and accidents left on a host
 */
#include "host/leftovers.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

enum {
        MAX_STRAYS = 256,
        MAX_LINES = 256,
        TEXT_MAX = 1024 * 1024, /* of a script or a file of rules */
};

static inline void cleanup_dir(DIR **d) {
        if (*d)
                closedir(*d);
}

/* 0 and NULL when there is no such folder */
static int open_folder(struct arena *a, const char *root, const char *path, DIR **ret) {
        *ret = opendir(arena_printf(a, "%s%s", root, path));
        return *ret || errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

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

static bool is_gpu_name(const char *folder, const char *name) {
        return !streq(folder, "/dev") || streq(name, "kfd") || str_has_prefix(name, "nvidia");
}

/* Folders (by-path) and links belong there; a link to nothing is udev's to clear up. */
static int add_strays(struct arena *a, const char *root, const char *folder, const struct facts *f,
                      const char ***list, size_t *n) {
        _cleanup_(cleanup_dir) DIR *dir = NULL;
        int r = open_folder(a, root, folder, &dir);

        for (struct dirent *d; dir && (d = readdir(dir)) && *n < MAX_STRAYS;) {
                const char *path = arena_printf(a, "%s/%s", folder, d->d_name);
                struct stat st;

                if (!is_gpu_name(folder, d->d_name) || is_at_a_node(f, path) ||
                    lstat(arena_printf(a, "%s%s", root, path), &st) < 0 || S_ISCHR(st.st_mode) ||
                    S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))
                        continue;
                *ARENA_PUSH(a, *list, *n) = path;
        }
        return r;
}

int local_strays(struct arena *a, const char *root, const struct facts *f, const char ***ret,
                 size_t *ret_n) {
        static const char *const folders[] = { "/dev", "/dev/dri", "/dev/accel" };
        const char **list = NULL;
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; i < ELEMENTS(folders) && r == 0; i++)
                r = add_strays(a, root, folders[i], f, &list, &n);
        *ret = list;
        *ret_n = n;
        return r;
}

/* ---- lines of text files ---- */

static bool is_continued(struct bytes line) {
        return line.len > 0 && line.data[line.len - 1] == '\\';
}

/* A line with those that a backslash makes part of it. A comment ends with its own line. */
static struct bytes cut_joined(struct arena *a, struct bytes *text, size_t *ret_lines) {
        struct bytes line = bytes_cut(text, '\n'), first = bytes_trim(line);
        struct strbuf all = { .arena = a };

        *ret_lines = 1;
        if (!is_continued(line) || (first.len > 0 && first.data[0] == '#'))
                return line;
        while (is_continued(line) && text->len > 0) {
                strbuf_add(&all, line.data, line.len - 1);
                line = bytes_cut(text, '\n');
                ++*ret_lines;
        }
        strbuf_add(&all, line.data, line.len);
        return strbuf_bytes(&all);
}

static void add_lines(struct arena *a, struct bytes text, const char *name,
                      bool (*wanted)(struct bytes line), struct doctor_line **list, size_t *n) {
        size_t lines;

        for (size_t number = 1; text.len > 0 && *n < MAX_LINES; number += lines) {
                struct bytes line = cut_joined(a, &text, &lines);

                if (!wanted(line))
                        continue;
                line = bytes_trim(line);
                *ARENA_PUSH(a, *list, *n) =
                        (struct doctor_line){ .file = name,
                                              .number = number,
                                              .last = number + lines - 1,
                                              .text = arena_strndup(a, line.data, line.len) };
        }
}

/* What is no text file or is too large for one has no such lines. */
static int add_file(struct arena *a, const char *path, const char *name,
                    bool (*wanted)(struct bytes line), struct doctor_line **list, size_t *n) {
        struct bytes text;
        int r = file_read(a, path, TEXT_MAX, &text);

        if (r == 0)
                add_lines(a, text, name, wanted, list, n);
        return r == -EACCES || r == -EPERM || r == -EIO ? r : 0;
}

int local_chmods(struct arena *a, const char *path, const char *name, struct doctor_line **list,
                 size_t *n) {
        return add_file(a, path, name, doctor_line_chmods, list, n);
}

static int compare_names(const void *x, const void *y) {
        return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int add_rules(struct arena *a, const char *root, const char *folder,
                     struct doctor_line **list, size_t *n) {
        _cleanup_(cleanup_dir) DIR *dir = NULL;
        const char **names = NULL;
        size_t n_names = 0;
        int r = open_folder(a, root, folder, &dir);

        for (struct dirent *d; dir && (d = readdir(dir));) {
                size_t len = strlen(d->d_name);

                if (len > 6 && streq(d->d_name + len - 6, ".rules"))
                        *ARENA_PUSH(a, names, n_names) =
                                arena_printf(a, "%s/%s", folder, d->d_name);
        }
        if (n_names > 0)
                qsort(names, n_names, sizeof(*names), compare_names);
        for (size_t i = 0; i < n_names && r == 0; i++)
                r = add_file(a, arena_printf(a, "%s%s", root, names[i]), names[i],
                             doctor_rule_opens, list, n);
        return r;
}

int local_rules(struct arena *a, const char *root, struct doctor_line **ret, size_t *ret_n) {
        struct doctor_line *list = NULL;
        size_t n = 0;
        int r = add_rules(a, root, "/etc/udev/rules.d", &list, &n);

        if (r == 0)
                r = add_rules(a, root, "/run/udev/rules.d", &list, &n);
        *ret = list;
        *ret_n = n;
        return r;
}

bool local_module_loaded(struct arena *a, const char *root, const char *module) {
        return access(arena_printf(a, "%s/sys/module/%s", root, module), F_OK) == 0;
}
