/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * watcher-stage - a sample host with the daemon's manager on it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "render/journal.h"
#include "render/text.h"
#include "watcher-stage.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char scratch[PATH_MAX];

void shell(const char *format, ...) {
        char command[2 * PATH_MAX];
        va_list args;

        va_start(args, format);
        vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        assert_int_equal(system(command), 0);
}

void write_file(const char *root, const char *path, const char *content) {
        _cleanup_arena_ struct arena a = { 0 };

        assert_int_equal(
                file_replace(arena_printf(&a, "%s%s", root, path), bytes_of(content), 0644, 0), 0);
}

static void note(void *user, const struct finding *f, bool resolved) {
        struct stage *s = user;
        _cleanup_arena_ struct arena a = { 0 };

        strbuf_printf(&s->told, "%s%s%s %u", s->told.len ? "\n" : "", resolved ? "-" : "",
                      finding_kinds[f->code].code, f->vmid);
        strbuf_printf(&s->log, "%s%s %d gpu=%s old=%s new=%s: %s\n", resolved ? "-" : "",
                      finding_kinds[f->code].code, (int)finding_severity(f), f->gpu ? f->gpu : "",
                      f->old ? f->old : "", f->new ? f->new : "",
                      journal_message(&a, f, f->vmid, resolved));
        snprintf(s->last_text, sizeof(s->last_text), "%s", finding_text(&a, f, f->vmid));
        s->last_severity = finding_severity(f);
}

void open_manager(struct stage *s) {
        manager_free(s->m);
        assert_int_equal(manager_new(s->root, NULL, (struct teller){ note, s }, &s->m), 0);
}

struct stage *new_stage(const char *host) {
        const char *source = getenv("GPUANCHOR_SOURCE_ROOT");
        static unsigned count;
        struct stage *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        snprintf(s->root, sizeof(s->root), "%.64s/%u", scratch, count++);
        shell("sh '%s/tests/mkhost.sh' '%s/tests/fixtures/hosts/%s.host' '%s'", source, source,
              host, s->root);
        shell("mkdir -p %s/etc/pve/nodes/pve1/lxc %s/etc/pve/gpuanchor %s/var/lib/vz/snippets "
              "%s/run/gpuanchor &&"
              "ln -sfn nodes/pve1 %s/etc/pve/local && ln -sfn nodes/pve1/lxc %s/etc/pve/lxc &&"
              "install -m 755 /dev/null %s/var/lib/vz/snippets/gpuanchor-hook",
              s->root, s->root, s->root, s->root, s->root, s->root, s->root);
        shell("cp '%s/tests/fixtures/guide-101.conf' '%s/etc/pve/lxc/101.conf'", source, s->root);
        s->told.arena = s->log.arena = &s->arena;
        s->now = 1000 * SECOND;
        open_manager(s);
        return s;
}

void end_stage(struct stage *s) {
        manager_free(s->m);
        arena_done(&s->arena);
        free(s);
}

const char *look(struct stage *s) {
        s->told.len = s->log.len = 0;
        s->now += 100 * SECOND;
        assert_int_equal(manager_check(s->m, s->now), 0);
        if (s->told.len == 0)
                return "";
        return strbuf_str(&s->told);
}

/* libudev listens only where a udevd seems to run: /run/udev/control, or a devtmpfs on /dev.
 * A container where packages are built has neither. */
static void pretend_udevd(void) {
        if (access("/run/udev/control", F_OK) == 0 ||
            mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                return;
        assert_int_equal(mkdir("/run/udev", 0755), 0);
        assert_int_equal(mknod("/run/udev/control", S_IFREG | 0600, 0), 0);
}

int set_up_stages(void **state) {
        const char *tmp = getenv("TMPDIR");

        if (geteuid() != 0)
                exit(77);
        /* events and mounts of other tests, and of a busy host, are none of this one's */
        if (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
                pretend_udevd();
        snprintf(scratch, sizeof(scratch), "%.40s/watcher.XXXXXX", tmp ? tmp : "/tmp");
        return mkdtemp(scratch) ? 0 : -1;
}

int tear_down_stages(void **state) {
        char command[PATH_MAX + 16];

        snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
        return system(command);
}
