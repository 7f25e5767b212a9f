/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * settings - what the entries of settings files mean
 *
 * The files that make a policy, and section [daemon] of the host's. Only the daemon reports what
 * is wrong in [daemon]; it does not concern a container.
 */
#include "pve/settings.h"

#include "base/file.h"
#include "base/number.h"
#include "model/finding/reason.h"
#include "model/policy/key.h"
#include "model/policy/memory.h"
#include "model/policy/salvage.h"
#include "pve/settings-file.h"

#include <errno.h>

#define CONTAINER_FILE "/etc/pve/gpuanchor/%u.conf"

/** struct taking - one file while it is taken over into a policy */
struct taking {
        struct settings *settings;
        struct arena *arena;
        enum settings_kind kind;
        const struct settings_file *file;
        const struct ini_entry *entry;
        bool section_known;   /* false: it was complained about, its entries are not read */
        const char *seen[16]; /* keys that this file has set */
        size_t n_seen;
};

const char *settings_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s" CONTAINER_FILE, pve->root, vmid);
}

const char *settings_name(struct arena *a, uint32_t vmid) {
        return arena_printf(a, CONTAINER_FILE, vmid);
}

/* text of the file goes to terminals: nothing in it may move a cursor there */
static const char *printable(struct arena *a, const char *text) {
        char *copy = arena_strdup(a, text);

        for (char *c = copy; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7f)
                        *c = '?';
        return copy;
}

/* somebody said which GPU, and we cannot tell what he said */
static void lose_gpu(struct taking *t, const char *where) {
        if (t->kind == SETTINGS_CONTAINER)
                t->settings->policy.broken = true;
        else
                t->settings->policy.doubt = where;
}

static void complain(struct taking *t, bool about_gpu, const char *what) {
        const char *where = arena_printf(t->arena, "%s:%u", t->file->path, t->entry->line);
        bool broken = about_gpu && t->kind == SETTINGS_CONTAINER;

        finding_add(&t->settings->problems, (struct finding){
                .code = broken ? FINDING_POLICY_BROKEN : FINDING_POLICY_KEY,
                .where = where,
                .what = printable(t->arena, what),
        });
        if (about_gpu)
                lose_gpu(t, where);
}

static const char *own_section(const struct taking *t) {
        return t->kind == SETTINGS_HOST ? "defaults" : "container";
}

static bool is_daemon_section(const struct taking *t) {
        return t->kind == SETTINGS_HOST && streq(t->entry->section, "daemon");
}

static const char *section_problem(const struct taking *t) {
        const char *section = t->entry->section;

        if (t->kind == SETTINGS_HOST) {
                if (streq(section, "container"))
                        return WHY_SECTION_CONTAINER;
                return arena_printf(t->arena, WHY_SECTION_HOST, section);
        }
        if (streq(section, "defaults"))
                return WHY_SECTION_DEFAULTS;
        return arena_printf(t->arena, WHY_SECTION_OWN, section);
}

static void take_heading(struct taking *t) {
        struct bytes section = bytes_of(t->entry->section), node;

        t->section_known = streq(t->entry->section, own_section(t)) || is_daemon_section(t);
        if (t->kind == SETTINGS_CONTAINER && !t->section_known)
                t->section_known = BYTES_IN(section, "memory") ||
                                   policy_section_node(section, &node);
        if (!t->section_known)
                complain(t, false, section_problem(t));
}

static void take_key(struct taking *t, const char *meant) {
        const char *key = t->entry->key;
        const char *problem = policy_set(t->arena, &t->settings->policy, key, t->entry->value);

        if (problem) {
                complain(t, meant && streq(meant, "gpu"), problem);
                return;
        }
        for (size_t i = 0; i < t->n_seen; i++)
                if (t->seen[i] == meant) {
                        complain(t, false, arena_printf(t->arena, WHY_KEY_TWICE, key));
                        return;
                }
        if (t->n_seen < ELEMENTS(t->seen))
                t->seen[t->n_seen++] = meant;
}

/* Asked only about what is not understood: it compares with every key. */
static bool is_about_gpu(const struct ini_entry *e) {
        const char *meant = policy_key_meant(e->key);

        return meant && streq(meant, "gpu");
}

static void take_entry(struct taking *t) {
        const struct ini_entry *e = t->entry;
        const char *problem;

        if (!e->section) {
                problem = arena_printf(t->arena, WHY_KEY_BEFORE, e->key, own_section(t));
                complain(t, is_about_gpu(e), problem);
        } else if (!t->section_known) {
                problem = arena_printf(t->arena, WHY_KEY_NOT_READ, e->key, e->section);
                if (is_about_gpu(e))
                        complain(t, true, problem);
        } else if (is_daemon_section(t)) {
                if (is_about_gpu(e))
                        complain(t, true, WHY_GPU_NOT_READ);
        } else if (streq(e->section, own_section(t))) {
                take_key(t, policy_key_meant(e->key));
        } else {
                problem = policy_parse_memory(t->arena, &t->settings->policy, e);
                if (problem)
                        complain(t, is_about_gpu(e), problem);
        }
}

/* the file as a whole is no settings file */
static void throw_away(struct taking *t) {
        const struct settings_file *f = t->file;
        const char *where = f->problem_line == 0
                                    ? f->path
                                    : arena_printf(t->arena, "%s:%u", f->path, f->problem_line);
        bool container = t->kind == SETTINGS_CONTAINER;

        finding_add(&t->settings->problems,
                    (struct finding){
                            .code = container ? FINDING_POLICY_BROKEN : FINDING_READ_FAILED,
                            .where = where,
                            .what = arena_printf(t->arena, WHY_FILE_NOTHING, f->problem),
                    });
        lose_gpu(t, where);
        if (container)
                policy_salvage(t->arena, f->content, &t->settings->policy);
}

static void take_file(struct settings *s, enum settings_kind kind, const struct settings_file *f) {
        struct taking t = {
                .settings = s,
                .arena = s->problems.arena,
                .kind = kind,
                .file = f,
        };

        if (f->problem)
                throw_away(&t);
        for (size_t i = 0; i < f->n; i++) {
                t.entry = &f->entries[i];
                if (t.entry->key)
                        take_entry(&t);
                else
                        take_heading(&t);
        }
}

bool settings_parse(struct settings *s, enum settings_kind kind, const char *path,
                    struct bytes content) {
        struct settings_file f = settings_file_parse(s->problems.arena, path, content);

        take_file(s, kind, &f);
        return !f.problem;
}

void settings_load_host(const struct pve *pve, struct settings *ret) {
        struct settings_file f;
        const char **paths;
        size_t n;
        int r;

        *ret = (struct settings){ .problems = { .arena = pve->arena } };
        policy_init(pve->arena, &ret->policy);
        if (settings_file_read(pve, SETTINGS_HOST_FILE, &f))
                take_file(ret, SETTINGS_HOST, &f);
        r = settings_host_files(pve, &paths, &n);
        if (r < 0)
                take_file(ret, SETTINGS_HOST,
                          &(struct settings_file){ .path = SETTINGS_HOST_FILE ".d",
                                                   .problem = strerror(-r) });
        for (size_t i = 0; i < n; i++)
                if (settings_file_read(pve, paths[i], &f))
                        take_file(ret, SETTINGS_HOST, &f);
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
        finding_add(&s->problems, (struct finding){
                                          .code = FINDING_POLICY_BROKEN,
                                          .where = s->policy.doubt,
                                          .what = WHY_DEFAULT_UNKNOWN,
                                  });
}

void settings_load_own(const struct pve *pve, uint32_t vmid, struct settings *s) {
        struct settings_file f;

        s->policy.present = settings_file_read(pve, settings_name(pve->arena, vmid), &f);
        if (s->policy.present)
                take_file(s, SETTINGS_CONTAINER, &f);
        s->policy.file = f.content;
        check_doubt(s);
}

void settings_try_own(const struct pve *pve, uint32_t vmid, struct bytes text, struct settings *s) {
        (void)file_read(pve->arena, settings_path(pve, vmid), INI_FILE_MAX, &s->policy.file);
        s->policy.present = true;
        settings_parse(s, SETTINGS_CONTAINER, settings_name(pve->arena, vmid), text);
        check_doubt(s);
}

static const struct daemon_key {
        const char *name;
        size_t offset;
        uint32_t min, max, normal;
} daemon_keys[] = {
#define DAEMON_SETTING(key, field, min, max, normal)                                               \
        { key, offsetof(struct daemon_settings, field), min, max, normal },
#include "model/policy/key.def"
};

static const char daemon_names[] =
#define DAEMON_SETTING(key, field, min, max, normal) ", " key
#include "model/policy/key.def"
        ;

static uint32_t *value_of(struct daemon_settings *s, const struct daemon_key *k) {
        return (uint32_t *)(void *)((char *)s + k->offset);
}

/* Return: NULL, or what is wrong with the entry. */
static const char *set_daemon_key(struct arena *a, const struct ini_entry *e,
                                  struct daemon_settings *s) {
        const struct daemon_key *k = daemon_keys;
        uint32_t number;

        while (k < daemon_keys + ELEMENTS(daemon_keys) && !streq(e->key, k->name))
                k++;
        if (k == daemon_keys + ELEMENTS(daemon_keys))
                return arena_printf(a, WHY_DAEMON_KEY, e->key, daemon_names + strlen(", "));
        number = k->normal;
        if (*e->value &&
            (!parse_u32(bytes_of(e->value), &number) || number < k->min || number > k->max))
                return arena_printf(a, WHY_DAEMON_NUMBER, k->name, k->min, k->max);
        *value_of(s, k) = number;
        return NULL;
}

/* a file that cannot be read is reported where its [defaults] are used */
static void read_daemon(const struct pve *pve, const char *path, struct daemon_settings *s,
                        struct findings *f) {
        struct settings_file file;

        settings_file_read(pve, path, &file);
        for (size_t i = 0; i < file.n; i++) {
                const struct ini_entry *e = &file.entries[i];
                const char *problem = NULL;

                if (e->key && e->section && streq(e->section, "daemon"))
                        problem = set_daemon_key(pve->arena, e, s);
                if (problem)
                        finding_add(f, (struct finding){
                                .code = FINDING_POLICY_KEY,
                                .where = arena_printf(pve->arena, "%s:%u", path, e->line),
                                .what = problem,
                        });
        }
}

void settings_load_daemon(const struct pve *pve, struct daemon_settings *ret, struct findings *f) {
        const char **paths;
        size_t n;

        for (size_t i = 0; i < ELEMENTS(daemon_keys); i++)
                *value_of(ret, &daemon_keys[i]) = daemon_keys[i].normal;
        read_daemon(pve, SETTINGS_HOST_FILE, ret, f);
        settings_host_files(pve, &paths, &n);
        for (size_t i = 0; i < n; i++)
                read_daemon(pve, paths[i], ret, f);
}
