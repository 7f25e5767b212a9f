/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * diff - what would change, in the form that everybody reads
 *
 * diff(1) is on every Debian. It gets the two contents through memory files of
 * ours, which leave nothing behind whatever kills us.
 */
#include "cli/diff.h"

#include "base/spawn.h"
#include "cli/output.h"
#include "render/text.h"

#include <errno.h>
#include <sys/mman.h>

#define MAX_OUTPUT (64 * 1024)

static int write_all(int fd, struct bytes content) {
        while (content.len > 0) {
                ssize_t n = write(fd, content.data, content.len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                content.data += n;
                content.len -= (size_t)n;
        }
        return 0;
}

/* A descriptor to read @content from, or negative errno. */
static int memory_file(struct bytes content) {
        int fd = memfd_create("gpuanchor-diff", MFD_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, content);
        if (r < 0) {
                close(fd);
                return r;
        }
        return fd;
}

/* Every line escaped, the line ends kept. */
static const char *escape_lines(struct arena *a, struct bytes text) {
        struct strbuf b = { .arena = a };

        while (text.len > 0) {
                struct bytes line = bytes_line(&text), part;
                bool ended = bytes_take_suffix(&line, "\n");

                while (bytes_split(line, '\0', &part, &line))
                        strbuf_printf(&b, "%s\\x00", text_escape(a, bytes_dup(a, part)));
                strbuf_printf(&b, "%s%s", text_escape(a, bytes_dup(a, line)), ended ? "\n" : "");
        }
        return strbuf_str(&b);
}

int diff_make(struct arena *a, const struct file_change *f, const char **ret) {
        _cleanup_(cleanup_close) int old_fd = -1, new_fd = -1;
        struct spawn_job job = { .timeout_ms = 60 * 1000, .max_output = MAX_OUTPUT };
        struct spawn_result result = { 0 };
        int r;

        *ret = "";
        if (bytes_equal(f->old, f->new))
                return 0;
        old_fd = memory_file(f->old);
        new_fd = memory_file(f->new);
        if (old_fd < 0 || new_fd < 0)
                return old_fd < 0 ? old_fd : new_fd;
        job.argv = (const char *const[]){ "diff",
                                          "-u",
                                          "-a",
                                          "--label",
                                          arena_printf(a, "a%s", f->path),
                                          "--label",
                                          arena_printf(a, "b%s", f->path),
                                          arena_printf(a, "/proc/%d/fd/%d", (int)getpid(), old_fd),
                                          arena_printf(a, "/proc/%d/fd/%d", (int)getpid(), new_fd),
                                          NULL };
        r = spawn_run(a, &job, &result);
        if (r < 0)
                return r;
        if (r != SPAWN_E_OUTPUT && (r != 0 || result.status > 1))
                return -EIO;
        *ret = escape_lines(a, result.output);
        if (r == SPAWN_E_OUTPUT)
                *ret = arena_printf(a, MSG_DIFF_CUT, *ret);
        return 0;
}
