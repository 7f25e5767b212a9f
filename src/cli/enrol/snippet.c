/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * snippet - what hookscript: can name, and pct set
 *
 * hookscript: takes a volume, so the installed hook needs a name below a storage
 * of Proxmox: an executable file or a link to one. Debian's package makes a link, and sees to
 * it when the package goes. Without a package nobody would, and a container whose hookscript leads
 * nowhere does not start: there it is a script that runs the installed hook as long as it is
 * there. The line itself is set by pct, which knows about pending changes, permissions and the
 * lock.
 */
#include "cli/enrol/snippet.h"

#include "base/file.h"
#include "base/spawn.h"
#include "cli/output.h"
#include "pve/mapping.h"
#include "pve/storage.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#define PCT_MS (60 * 1000)
#define PMXCFS_MAX (1024 * 1024) /* pmxcfs has no larger file */

/* the second line as in debian/hook-stub: by it the package knows what it may replace */
static const char stub[] = "#!/bin/sh\n"
                           "# stand-in for gpuanchor-hook: without the program a container starts\n"
                           "[ ! -x " HOOK_PATH " ] || exec " HOOK_PATH " \"$@\"\n";

static const char *full_path(struct cli *c) {
        return storage_snippet_path(&c->host.pve, HOOK_VOLUME);
}

const char *snippet_path(struct cli *c) {
        const char *path = full_path(c);

        return path ? path + strlen(c->root) : "/var/lib/vz/snippets/" HOOK_NAME;
}

/* The target of the link, "" for no link. */
static const char *link_target(struct cli *c, const char *path) {
        char target[PATH_MAX];
        ssize_t n = readlink(path, target, sizeof(target) - 1);

        return n > 0 ? arena_strndup(&c->arena, target, (size_t)n) : "";
}

static bool is_our_link(const char *target) {
        const char *slash = strrchr(target, '/');

        return slash && streq(slash + 1, HOOK_NAME);
}

static bool is_executable(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int snippet_check(struct cli *c) {
        const char *path = full_path(c);
        struct stat st;

        if (!path)
                return cli_fail(c, MSG_DO_STORAGE_CFG, MSG_NO_SNIPPETS);
        if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode)) {
                if (S_ISREG(st.st_mode) && is_executable(path))
                        return EXIT_DONE;
                return cli_fail(c, MSG_DO_MOVE, MSG_LINK_NOT_HOOK, snippet_path(c));
        }
        if (*link_target(c, path) && !is_our_link(link_target(c, path)))
                return cli_fail(c, MSG_DO_MOVE, MSG_LINK_OTHER, snippet_path(c),
                                link_target(c, path));
        if (!is_executable(arena_printf(&c->arena, "%s" HOOK_PATH, c->root)))
                return cli_fail(c, MSG_DO_INSTALL, MSG_HOOK_NOT_INSTALLED, HOOK_PATH);
        return EXIT_DONE;
}

/* The content line of `dir: local`, NULL when Proxmox's own default holds. */
static const char *local_content(struct cli *c) {
        struct sectioncfg walk = { 0 };
        struct bytes name, value = { 0 };
        const char *content = NULL;
        enum sectioncfg_item item;
        bool local = false;

        if (file_read(&c->arena, arena_printf(&c->arena, "%s/etc/pve/storage.cfg", c->root),
                      PMXCFS_MAX, &walk.rest) < 0)
                return NULL;
        while ((item = sectioncfg_next(&walk, &name, &value)) != SECTIONCFG_END) {
                if (item == SECTIONCFG_HEADING) {
                        local = bytes_equal(name, BYTES("dir: local"));
                        if (local)
                                content = "images,rootdir"; /* PVE::Storage::DirPlugin */
                } else if (local && bytes_equal(name, BYTES("content"))) {
                        content = bytes_dup(&c->arena, value);
                }
        }
        return content;
}

void snippet_advise(struct cli *c, struct findings *f) {
        const char *content = local_content(c);

        if (content && !strstr(content, "snippets"))
                finding_add(f,
                            (struct finding){ .code = FINDING_SNIPPETS_OFF,
                                              .old = content,
                                              .new = arena_printf(&c->arena, "%s%ssnippets",
                                                                  content, *content ? "," : "") });
}

int snippet_install(struct cli *c) {
        const char *path = full_path(c), *folder;
        struct stat st;
        int r;

        if (lstat(path, &st) == 0 &&
            (!S_ISLNK(st.st_mode) || streq(link_target(c, path), HOOK_PATH)))
                return 0;
        folder = arena_strndup(&c->arena, path, (size_t)(strrchr(path, '/') - path));
        r = mkdir_parents(folder, 0755);
        return r < 0 ? r : file_replace(path, bytes_of(stub), 0755, 0);
}

int hookscript_set(struct cli *c, uint32_t vmid, const char *volume) {
        const char *id = arena_printf(&c->arena, "%u", vmid);
        const char *const set[] = { "pct", "set", id, "--hookscript", volume, NULL };
        const char *const delete[] = { "pct", "set", id, "--delete", "hookscript", NULL };
        const char *what = volume ? arena_printf(&c->arena, MSG_PCT_SET, vmid, volume)
                                  : arena_printf(&c->arena, MSG_PCT_DELETE, vmid);
        struct spawn_job job = { .argv = volume ? set : delete,
                                 .timeout_ms = PCT_MS,
                                 .max_output = 64 * 1024,
                                 .root = c->root };
        struct spawn_result result = { 0 };
        int r = spawn_run(&c->arena, &job, &result);

        if (r < 0)
                return cli_fail(c, MSG_DO_ON_PVE, MSG_PCT_NOT_RUN, what,
                                spawn_error(&c->arena, "pct", "pve-container", r));
        if (r == 0 && result.status == 0)
                return EXIT_DONE;
        spawn_show(&result);
        if (r == 0)
                return cli_fail(c, MSG_DO_SEE_REASON, MSG_PCT_FAILED, what, result.status);
        return cli_fail(c, "", MSG_PCT_LATE, what, PCT_MS / 1000);
}

bool hookscript_is_usable(struct cli *c, const char *volume) {
        const char *path = storage_snippet_path(&c->host.pve, volume);

        return path && is_executable(path);
}

bool hookscript_runs_hook(struct cli *c, const char *volume) {
        const char *path = storage_snippet_path(&c->host.pve, volume);
        const char *hook = arena_printf(&c->arena, "%s" HOOK_PATH, c->root);
        struct stat next, ours;
        struct bytes text;

        if (!path || stat(path, &next) < 0)
                return false;
        if (stat(hook, &ours) == 0 && next.st_dev == ours.st_dev && next.st_ino == ours.st_ino)
                return true;
        return file_read(&c->arena, path, PMXCFS_MAX, &text) == 0 &&
               bytes_contains(text, HOOK_NAME);
}
