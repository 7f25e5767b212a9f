/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * settings - the files that make a policy
 *
 * inih splits keys from values; the lines are ours. Debian's build of it holds
 * 200 bytes of a line and takes the rest for the next one, tells the handler no
 * line number, cuts a section's name after 49 bytes, and takes an indented line
 * for more of the value above it. So the reader below counts the lines, trims
 * them, keeps the section, swallows comments and headings, and refuses what
 * would not arrive whole.
 */
#include "pve/settings.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>

#include "base/file.h"
#include "model/policy/key.h"
#include "model/policy/memory.h"

#define HOST_FILE "/etc/gpuanchor/gpuanchor.conf"
#define CONTAINER_FILE "/etc/pve/gpuanchor/%u.conf"

/** struct reading - one file while it is read */
struct reading {
        struct arena *arena;
        enum settings_kind kind;
        const char *path;
        struct policy *policy;
        struct findings *findings;

        struct bytes rest;
        unsigned line;
        const char *section; /* NULL before the first one */
        bool section_known;  /* false: it was complained about, its entries are not read */
        const char *seen[16]; /* keys that this file has set */
        size_t n_seen;
        unsigned bad_line; /* the first that is no INI line or does not fit; 0 when none is */
        const char *bad;
};

const char *settings_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s" CONTAINER_FILE, pve->root, vmid);
}

const char *settings_name(struct arena *a, uint32_t vmid) {
        return arena_printf(a, CONTAINER_FILE, vmid);
}

static struct reading reading_of(struct settings *s, enum settings_kind kind, const char *path) {
        return (struct reading){
                .arena = s->problems.arena,
                .kind = kind,
                .path = path,
                .policy = &s->policy,
                .findings = &s->problems,
        };
}

/* text of the file goes to terminals: nothing in it may move a cursor there */
static const char *printable(struct arena *a, const char *text) {
        char *copy = arena_strdup(a, text);

        for (char *c = copy; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7f)
                        *c = '?';
        return copy;
}

static const char *place(struct reading *r, unsigned line) {
        return arena_printf(r->arena, "%s:%u", r->path, line);
}

/* somebody said which GPU, and we cannot tell what he said */
static void lose_gpu(struct reading *r, const char *where) {
        if (r->kind == SETTINGS_CONTAINER)
                r->policy->broken = true;
        else
                r->policy->doubt = where;
}

static void complain(struct reading *r, bool about_gpu, const char *what) {
        const char *where = place(r, r->line);
        bool broken = about_gpu && r->kind == SETTINGS_CONTAINER;

        finding_add(r->findings, (struct finding){
                .code = broken ? FINDING_POLICY_BROKEN : FINDING_POLICY_KEY,
                .where = where,
                .what = printable(r->arena, what),
        });
        if (about_gpu)
                lose_gpu(r, where);
}

static void set_bad(struct reading *r, unsigned line, const char *what) {
        if (r->bad_line == 0 || line < r->bad_line) {
                r->bad_line = line;
                r->bad = what;
        }
}

static const char *own_section(const struct reading *r) {
        return r->kind == SETTINGS_HOST ? "defaults" : "container";
}

/* the daemon's own, see settings-daemon.c; no container is any the wiser */
static bool is_daemon_section(const struct reading *r) {
        return r->kind == SETTINGS_HOST && streq(r->section, "daemon");
}

static const char *section_problem(struct reading *r) {
        if (r->kind == SETTINGS_HOST) {
                if (streq(r->section, "container"))
                        return "[container] belongs in /etc/pve/gpuanchor/VMID.conf; here it is "
                               "[defaults]";
                return arena_printf(r->arena, "unknown section [%s]; accepted: [defaults], [daemon]",
                                    r->section);
        }
        if (streq(r->section, "defaults"))
                return "[defaults] belongs in " HOST_FILE "; here it is [container]";
        return arena_printf(r->arena, "unknown section [%s]; accepted: [container], [pin NODE], "
                                      "[memory]", r->section);
}

static void enter_section(struct reading *r, struct bytes name) {
        struct bytes node;

        r->section = arena_strndup(r->arena, name.data, name.len);
        r->section_known = streq(r->section, own_section(r)) || is_daemon_section(r);
        if (r->kind == SETTINGS_CONTAINER && !r->section_known)
                r->section_known = streq(r->section, "memory") || policy_section_node(name, &node);
        if (!r->section_known)
                complain(r, false, section_problem(r));
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
            (line.text.len > INI_LINE_MAX || line.text.len >= (size_t)num))
                set_bad(r, r->line, "the line is longer than 199 bytes");
        else if (line.kind == INI_HEADING)
                enter_section(r, line.text);
        else if (line.kind == INI_ENTRY && line.text.data[0] == '[')
                set_bad(r, r->line, "the section's name does not end in ]");
        else if (line.kind == INI_ENTRY)
                *(char *)mempcpy(str, line.text.data, line.text.len) = '\0';
        return str;
}

static void set_key(struct reading *r, const char *key, const char *meant, const char *value) {
        const char *problem = policy_set(r->arena, r->policy, key, value);

        if (problem) {
                complain(r, meant && streq(meant, "gpu"), problem);
                return;
        }
        for (size_t i = 0; i < r->n_seen; i++)
                if (r->seen[i] == meant) {
                        complain(r, false, arena_printf(r->arena, "%s is set twice in this file; "
                                                                  "the last one counts", key));
                        return;
                }
        if (r->n_seen < ELEMENTS(r->seen))
                r->seen[r->n_seen++] = meant;
}

/* inih's handler; its @section is cut after 49 bytes, ours is not. 0 would be a syntax error. */
static int handle_entry(void *user, const char *section, const char *key, const char *value) {
        struct reading *r = user;
        const char *meant = policy_key_meant(key), *problem;
        bool about_gpu = meant && streq(meant, "gpu");

        if (!r->section) {
                problem = arena_printf(r->arena, "%s stands before the first section; put [%s] "
                                                 "above it", key, own_section(r));
                complain(r, about_gpu, problem);
        } else if (!r->section_known) {
                problem = arena_printf(r->arena, "%s in [%s] is not read", key, r->section);
                if (about_gpu)
                        complain(r, true, problem);
        } else if (is_daemon_section(r)) {
                if (about_gpu)
                        complain(r, true, "gpu in [daemon] is not read; it belongs in [defaults]");
        } else if (streq(r->section, own_section(r))) {
                set_key(r, key, meant, value);
        } else {
                problem = policy_parse_memory(r->arena, r->policy,
                                              &(struct ini_entry){ r->section, key, value });
                if (problem)
                        complain(r, about_gpu, problem);
        }
        return 1;
}

/* the file as a whole is no settings file */
static bool throw_away(struct reading *r, unsigned line, const char *what) {
        const char *where = line > 0 ? place(r, line) : r->path;
        bool container = r->kind == SETTINGS_CONTAINER;

        finding_add(r->findings, (struct finding){
                .code = container ? FINDING_POLICY_BROKEN : FINDING_READ_FAILED,
                .where = where,
                .what = arena_printf(r->arena, "%s; nothing in this file counts", what),
        });
        lose_gpu(r, where);
        return false;
}

static unsigned line_of(struct bytes content, const char *p) {
        unsigned line = 1;

        for (const char *c = content.data; c < p; c++)
                line += *c == '\n';
        return line;
}

bool settings_parse(struct settings *s, enum settings_kind kind, const char *path,
                    struct bytes content) {
        const char *nul = content.len > 0 ? memchr(content.data, '\0', content.len) : NULL;
        struct policy draft = s->policy;
        size_t n_findings = s->problems.n;
        struct reading r = reading_of(s, kind, path);
        int syntax;

        r.rest = content;
        if (content.len > INI_FILE_MAX)
                return throw_away(&r, 0, "more than 64 KiB");
        if (nul)
                return throw_away(&r, line_of(content, nul), "the line has a NUL byte");
        ini_take_mark(&r.rest);

        r.policy = &draft;
        syntax = ini_parse_stream(read_line, &r, handle_entry, &r);
        if (syntax != 0)
                set_bad(&r, syntax > 0 ? (unsigned)syntax : r.line,
                        "the line is no [section], KEY = VALUE or comment");
        r.policy = &s->policy;
        if (r.bad_line > 0) {
                s->problems.n = n_findings;
                return throw_away(&r, r.bad_line, r.bad);
        }
        s->policy = draft;
        return true;
}

static const char *error_text(int r) {
        if (r == -EFBIG)
                return "more than 64 KiB";
        return r == -EINVAL ? "not a regular file" : strerror(-r);
}

/* whether the file is there; its @path is behind the prefix */
static bool load_file(const struct pve *pve, struct settings *s, enum settings_kind kind,
                      const char *path) {
        struct reading r = reading_of(s, kind, path);
        struct bytes content;
        int error;

        error = file_read(pve->arena, arena_printf(pve->arena, "%s%s", pve->root, path),
                          INI_FILE_MAX, &content);

        if (error == -ENOENT)
                return false;
        if (error < 0) {
                throw_away(&r, 0, error_text(error));
                return true;
        }
        settings_parse(s, kind, path, content);
        if (kind == SETTINGS_CONTAINER)
                s->policy.file = content;
        return true;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void cleanup_dir(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

static void load_directory(const struct pve *pve, struct settings *s) {
        struct arena *a = pve->arena;
        _cleanup_(cleanup_dir) DIR *dir = opendir(arena_printf(a, "%s" HOST_FILE ".d", pve->root));
        struct reading r = reading_of(s, SETTINGS_HOST, HOST_FILE ".d");
        const char **names = NULL;
        struct dirent *entry;
        size_t n = 0;

        if (!dir) {
                if (errno != ENOENT)
                        throw_away(&r, 0, strerror(errno));
                return;
        }
        for (errno = 0; (entry = readdir(dir)); errno = 0) {
                size_t len = strlen(entry->d_name);

                if (len > 5 && entry->d_name[0] != '.' && streq(entry->d_name + len - 5, ".conf"))
                        *ARENA_PUSH(a, names, n) = arena_strdup(a, entry->d_name);
        }
        if (errno != 0)
                throw_away(&r, 0, strerror(errno));
        if (n > 1)
                qsort(names, n, sizeof(*names), compare_names);
        for (size_t i = 0; i < n; i++)
                load_file(pve, s, SETTINGS_HOST, arena_printf(a, HOST_FILE ".d/%s", names[i]));
}

void settings_load_host(const struct pve *pve, struct settings *ret) {
        *ret = (struct settings){ .problems = { .arena = pve->arena } };
        policy_init(pve->arena, &ret->policy);
        load_file(pve, ret, SETTINGS_HOST, HOST_FILE);
        load_directory(pve, ret);
}

struct settings settings_copy(struct arena *a, const struct settings *host) {
        struct settings s = { .policy = host->policy, .problems = { .arena = a } };
        size_t size = host->policy.n_gpus * sizeof(*host->policy.gpus);

        s.policy.gpus = arena_alloc(a, size);
        memcpy(s.policy.gpus, host->policy.gpus, size);
        for (size_t i = 0; i < host->problems.n; i++)
                finding_add(&s.problems, host->problems.items[i]);
        return s;
}

static void check_doubt(struct settings *s) {
        if (!s->policy.doubt)
                return;
        s->policy.broken = true;
        finding_add(&s->problems,
                    (struct finding){
                            .code = FINDING_POLICY_BROKEN,
                            .where = s->policy.doubt,
                            .what = "the default for gpu is not known, and no gpu = of the "
                                    "container's own replaces it",
                    });
}

void settings_load_own(const struct pve *pve, uint32_t vmid, struct settings *s) {
        s->policy.present = load_file(pve, s, SETTINGS_CONTAINER, settings_name(pve->arena, vmid));
        check_doubt(s);
}

void settings_try_own(const struct pve *pve, uint32_t vmid, struct bytes text, struct settings *s) {
        (void)file_read(pve->arena, settings_path(pve, vmid), INI_FILE_MAX, &s->policy.file);
        s->policy.present = true;
        settings_parse(s, SETTINGS_CONTAINER, settings_name(pve->arena, vmid), text);
        check_doubt(s);
}
