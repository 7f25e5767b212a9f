/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * next-hook - whether a next-hook runs gpuanchor-hook
 *
 * Before it is run in our place it is marked twice: by a variable of its environment, which costs
 * nothing to ask for, and by a line "PID STARTTIME PHASE" in /run/gpuanchor/<vmid>.next, which a
 * program on the way cannot take away. execve(2) changes neither number. What has ended is
 * nobody's parent; such a line only counts how often that was lately.
 */
#include "hooks/next-hook.h"

#include "base/file.h"
#include "base/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define MARK "GPUANCHOR_CHAIN"
enum {
        NOTE_MAX = 4096,
        MOST_ANCESTORS = 1024, /* it ends at init; a wrapper may put dozens of shells between */
        MOST_RUNS = 8,         /* of one phase, within */
        LATELY_TICKS = 1000,   /* 10 s: clock ticks of proc_pid_stat(5) */
};

static const char *mark(const struct pve *pve, uint32_t vmid, const char *phase) {
        return arena_printf(pve->arena, "%u %s", vmid, phase);
}

static const char *note_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s/run/gpuanchor/%u.next", pve->root, vmid);
}

bool next_hook_marked(const struct pve *pve, uint32_t vmid, const char *phase) {
        const char *set = getenv(MARK);

        return set && streq(set, mark(pve, vmid, phase));
}

/* The next line of the note that names a process; @line becomes what follows in it. */
static bool next_line(struct bytes *text, struct bytes *line, struct process *ret) {
        while (text->len > 0) {
                *line = bytes_line(text);
                if (process_take(line, ret))
                        return true;
        }
        return false;
}

static bool is_lately(const struct process *self, const struct process *p) {
        return p->start <= self->start && self->start - p->start < LATELY_TICKS;
}

static bool is_above(struct process p, const struct process *noted) {
        for (int i = 0; i < MOST_ANCESTORS; i++) {
                if (p.pid == noted->pid && p.start == noted->start)
                        return true;
                if (!process_find(p.parent, &p))
                        return false;
        }
        return false;
}

bool next_hook_above(const struct pve *pve, uint32_t vmid, const char *phase) {
        struct process self, noted;
        struct bytes text, line;
        unsigned n_lately = 0;

        if (file_read(pve->arena, note_path(pve, vmid), NOTE_MAX, &text) < 0 ||
            !process_find(getpid(), &self))
                return false;
        while (next_line(&text, &line, &noted)) {
                if (is_above(self, &noted))
                        return true;
                n_lately += is_lately(&self, &noted) &&
                            bytes_equal(bytes_trim(line), bytes_of(phase));
        }
        return n_lately >= MOST_RUNS;
}

bool next_hook_is_us(const char *path) {
        struct stat self, next;

        return stat("/proc/self/exe", &self) == 0 && stat(path, &next) == 0 &&
               self.st_dev == next.st_dev && self.st_ino == next.st_ino;
}

void next_hook_mark(const struct pve *pve, uint32_t vmid, const char *phase) {
        const char *path = note_path(pve, vmid);
        _cleanup_(cleanup_close) int fd = -1;
        struct bytes text = { 0 }, line;
        struct process self, noted;

        setenv(MARK, mark(pve, vmid, phase), 1);
        if (!process_find(getpid(), &self) ||
            mkdir_parents(arena_printf(pve->arena, "%s/run/gpuanchor", pve->root), 0755) < 0)
                return;
        (void)file_read(pve->arena, path, NOTE_MAX, &text);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return;
        (void)dprintf(fd, "%d %" PRIu64 " %s\n", (int)self.pid, self.start, phase);
        while (next_line(&text, &line, &noted))
                if (is_lately(&self, &noted) || process_lives(&noted))
                        (void)dprintf(fd, "%d %" PRIu64 " %.*s\n", (int)noted.pid, noted.start,
                                      (int)bytes_trim(line).len, bytes_trim(line).data);
}
