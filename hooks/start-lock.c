/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * start-lock - whose is the configuration lock while a container starts
 *
 * Proxmox takes it before it generates the configuration and keeps it until post-start is
 * through (PVE::API2::LXC::Status, vm_start). To take it again would wait for ourselves; to
 * write without it loses what `pct set` writes meanwhile. So pre-start notes the process whose
 * lock it runs under, in /run/gpuanchor/<vmid>.start:
 *
 *     PID STARTTIME DIGEST WAITED SAID... [usermod-late]
 *
 * DIGEST is of the container file, WAITED milliseconds, each SAID the digest of a message. The last
 * word is there if usermod did not answer: it is not waited for twice in one start.
 */
#include "hooks/start-lock.h"

#include "base/file.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#define LOCK_MS (10 * 1000) /* like Proxmox */
#define CONF_MAX (16 * 1024 * 1024)
#define MOST_ANCESTORS 32
#define USERMOD_LATE "usermod-late"

static const char *note_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s/run/gpuanchor/%u.start", pve->root, vmid);
}

/* From now on it is held here, too: what the other process does, nobody else comes between. */
static bool share(const struct pve *pve, uint32_t vmid, pid_t pid, struct start_lock *ret) {
        char path[PATH_MAX];

        if (!realpath(guest_lock_path(pve, vmid), path))
                return false;
        ret->fd = process_share_flock(pid, path);
        return ret->fd != PROCESS_LOCK_NONE;
}

/* Against an accident: whoever can write the file needs no trick. */
static uint64_t digest(struct bytes s) {
        return bytes_hash(BYTES_HASH, s);
}

static bool conf_digest(const struct pve *pve, uint32_t vmid, uint64_t *ret) {
        struct bytes conf;

        if (file_read(pve->arena,
                      arena_printf(pve->arena, "%s/etc/pve/lxc/%u.conf", pve->root, vmid), CONF_MAX,
                      &conf) < 0)
                return false;
        *ret = digest(conf);
        return true;
}

static bool of_ancestor(const struct pve *pve, uint32_t vmid, struct start_lock *ret) {
        pid_t pid = getppid();

        for (int i = 0; i < MOST_ANCESTORS && process_find(pid, &ret->holder); i++) {
                if (share(pve, vmid, pid, ret))
                        return true;
                pid = ret->holder.parent;
        }
        return false;
}

static bool read_note(const struct pve *pve, uint32_t vmid, struct start_lock *ret) {
        uint64_t seen, now;
        uint32_t waited;
        struct bytes text, word;

        if (file_read(pve->arena, note_path(pve, vmid), 4096, &text) < 0 ||
            !process_take(&text, &ret->holder) || !parse_u64(bytes_word(&text), &seen) ||
            !parse_u32(bytes_word(&text), &waited))
                return false;
        ret->waited_ms = waited;
        while ((word = bytes_word(&text)).len > 0)
                if (bytes_equal(word, BYTES(USERMOD_LATE)))
                        ret->usermod_late = true;
                else if (ret->n_said < START_LOCK_SAID &&
                         parse_u64(word, &ret->said[ret->n_said]))
                        ret->n_said++;
        return process_lives(&ret->holder) && share(pve, vmid, ret->holder.pid, ret) &&
               conf_digest(pve, vmid, &now) && now == seen;
}

static void take(const struct pve *pve, uint32_t vmid,
                 bool (*of_start)(const struct pve *pve, uint32_t vmid, struct start_lock *ret),
                 struct start_lock *ret) {
        struct start_lock l = { .fd = -1 };
        int r = guest_lock(pve, vmid, 0, &l.fd);

        if (r == GUEST_E_BUSY && of_start(pve, vmid, &l)) {
                l.state = START_LOCK_START;
        } else {
                l.waited_ms = 0;
                l.usermod_late = false;
                l.n_said = 0;
                if (r == GUEST_E_BUSY) {
                        cleanup_close(&l.fd); /* shared, but not of this start */
                        l.fd = -1;
                        r = guest_lock(pve, vmid, LOCK_MS, &l.fd);
                }
                l.state = r == 0 ? START_LOCK_OWN : START_LOCK_OTHER;
        }
        *ret = l;
}

void start_lock_pre(const struct pve *pve, uint32_t vmid, struct start_lock *ret) {
        take(pve, vmid, of_ancestor, ret);
}

void start_lock_unit(const struct pve *pve, uint32_t vmid, struct start_lock *ret) {
        take(pve, vmid, read_note, ret);
}

bool start_lock_said(struct start_lock *l, const char *text) {
        uint64_t d = digest(bytes_of(text));

        for (size_t i = 0; i < l->n_said; i++)
                if (l->said[i] == d)
                        return true;
        if (l->n_said < START_LOCK_SAID)
                l->said[l->n_said++] = d;
        return false;
}

void start_lock_note(const struct pve *pve, uint32_t vmid, const struct start_lock *l) {
        _cleanup_(cleanup_close) int fd = -1;
        struct strbuf text = { .arena = pve->arena };
        uint64_t now;

        if (l->state != START_LOCK_START || !conf_digest(pve, vmid, &now) ||
            mkdir_parents(arena_printf(pve->arena, "%s/run/gpuanchor", pve->root), 0755) < 0)
                return;
        /* half a note is none */
        fd = open(note_path(pve, vmid), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                  0644);
        if (fd < 0)
                return;
        strbuf_printf(&text, "%d %llu %llu %u", (int)l->holder.pid,
                      (unsigned long long)l->holder.start, (unsigned long long)now, l->waited_ms);
        for (size_t i = 0; i < l->n_said; i++)
                strbuf_printf(&text, " %llu", (unsigned long long)l->said[i]);
        if (l->usermod_late)
                strbuf_adds(&text, " " USERMOD_LATE);
        (void)dprintf(fd, "%s\n", strbuf_str(&text));
}

void start_lock_forget(const struct pve *pve, uint32_t vmid) {
        (void)unlink(note_path(pve, vmid));
}
