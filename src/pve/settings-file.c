/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * settings-file - the one reader of settings files
 *
 * inih splits keys from values, and nothing else. Debian's build of it holds
 * 200 bytes of a line and takes the rest for the next one, tells the handler no
 * line number, cuts a section's name after 49 bytes, and takes an indented line
 * for more of the value above it. So the reader below counts the lines, trims
 * them, keeps the section, swallows comments and headings, and refuses what
 * would not arrive whole.
 */
#include "pve/settings-file.h"

#include <errno.h>
#include <ini.h>

#include "base/file.h"
#include "base/folder.h"
#include "model/finding/reason.h"


/** struct reading - a file while inih reads it */
struct reading {
        struct arena *arena;
        struct settings_file *file;
        struct bytes rest;
        unsigned line;
        const char *section; /* NULL before the first one */
};

/* the first of several is reported */
static void set_problem(struct settings_file *f, unsigned line, const char *what) {
        if (f->problem && f->problem_line <= line)
                return;
        f->problem_line = line;
        f->problem = what;
}

static void add_entry(struct reading *r, const char *key, const char *value) {
        *ARENA_PUSH(r->arena, r->file->entries, r->file->n) =
                (struct ini_entry){ r->section, key, value, r->line };
}

/* inih's reader: one line into @str as fgets() would, NULL at the end */
static char *read_line(char *str, int num, void *stream) {
        struct reading *r = stream;
        struct ini_line line;

        if (r->rest.len == 0)
                return NULL;
        line = ini_line(bytes_line(&r->rest));
        r->line++;
        *str = '\0';
        if (line.kind != INI_NONE &&
            (line.text.len > INI_LINE_MAX || line.text.len >= (size_t)num)) {
                set_problem(r->file, r->line, arena_printf(r->arena, WHY_LINE_LONG, INI_LINE_MAX));
        } else if (line.kind == INI_HEADING) {
                r->section = bytes_dup(r->arena, line.text);
                add_entry(r, NULL, NULL);
        } else if (line.kind == INI_ENTRY && line.text.data[0] == '[') {
                set_problem(r->file, r->line, WHY_SECTION_END);
        } else if (line.kind == INI_ENTRY) {
                *(char *)mempcpy(str, line.text.data, line.text.len) = '\0';
        }
        return str;
}

/* inih's handler; its @section, cut after 49 bytes, is not used. 0 would be a syntax error. */
static int take_entry(void *user, const char *section, const char *key, const char *value) {
        struct reading *r = user;

        add_entry(r, arena_strdup(r->arena, key), arena_strdup(r->arena, value));
        return 1;
}

static unsigned line_of_nul(struct bytes content) {
        struct bytes rest = content;
        unsigned line = 1;

        while (!bytes_contains_char(bytes_line(&rest), '\0'))
                line++;
        return line;
}

static void read_lines(struct arena *a, struct settings_file *f) {
        struct reading r = { .arena = a, .file = f, .rest = f->content };
        int syntax;

        ini_take_mark(&r.rest);
        syntax = ini_parse_stream(read_line, &r, take_entry, &r);
        if (syntax != 0)
                set_problem(f, syntax > 0 ? (unsigned)syntax : r.line, WHY_LINE_UNKNOWN);
        if (f->problem)
                f->n = 0;
}

struct settings_file settings_file_parse(struct arena *a, const char *path, struct bytes content) {
        struct settings_file f = { .path = path, .content = content };

        if (content.len > INI_FILE_MAX)
                f.problem = WHY_FILE_LARGE;
        else if (bytes_contains_char(content, '\0'))
                set_problem(&f, line_of_nul(content), WHY_FILE_NUL);
        else
                read_lines(a, &f);
        return f;
}

bool settings_file_read(const struct pve *pve, const char *path, struct settings_file *ret) {
        const char *full = arena_printf(pve->arena, "%s%s", pve->root, path);
        struct bytes content;
        int r = file_read(pve->arena, full, INI_FILE_MAX, &content);

        if (r == 0)
                *ret = settings_file_parse(pve->arena, path, content);
        else
                *ret = (struct settings_file){
                        .path = path,
                        .problem = r == -EFBIG    ? WHY_FILE_LARGE
                                   : r == -EINVAL ? WHY_FILE_NOT_REGULAR
                                                  : strerror(-r),
                };
        if (r == -EFBIG)
                (void)file_read(pve->arena, full, PMXCFS_MAX, &ret->content);
        return r != -ENOENT;
}

int settings_host_files(const struct pve *pve, const char ***ret, size_t *ret_n) {
        struct arena *a = pve->arena;
        struct names found;
        int r = folder_names(a, arena_printf(a, "%s" SETTINGS_HOST_FILE ".d", pve->root), ".conf",
                             &found);

        for (size_t i = 0; i < found.n; i++)
                found.items[i] = arena_printf(a, SETTINGS_HOST_FILE ".d/%s", found.items[i]);
        *ret = found.items;
        *ret_n = found.n;
        return r == -ENOENT ? 0 : r;
}
