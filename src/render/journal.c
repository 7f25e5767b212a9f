/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * journal - findings as structured journal entries
 *
 * Written to journald's socket in its own protocol (systemd's docs/JOURNAL_NATIVE_PROTOCOL.md),
 * not with libsystemd: with its compression and crypto libraries that doubles the start-up time
 * of a hook that mostly has nothing to say, and a library that cannot be loaded must not keep
 * a container from starting.
 */
#include "render/journal.h"

#include "render/text.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* What is too large for a datagram goes as a sealed file of memory. */
static int send_large(int fd, struct msghdr *message, struct bytes entry) {
        _cleanup_(cleanup_close) int memory =
                memfd_create("gpuanchor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof(int))];
        } control = { 0 };

        if (memory < 0)
                return -errno;
        if (write(memory, entry.data, entry.len) != (ssize_t)entry.len)
                return -EIO;
        if (fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) <
            0)
                return -errno;
        control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                                         .cmsg_level = SOL_SOCKET,
                                         .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.head), &memory, sizeof(memory));
        message->msg_iovlen = 0;
        message->msg_control = &control;
        message->msg_controllen = sizeof(control);
        return sendmsg(fd, message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_bytes(struct bytes entry) {
        struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
        struct iovec part = { (char *)entry.data, entry.len };
        struct msghdr message = { .msg_name = &to,
                                  .msg_namelen = sizeof(to),
                                  .msg_iov = &part,
                                  .msg_iovlen = 1 };
        _cleanup_(cleanup_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
                return 0;
        return errno == EMSGSIZE || errno == ENOBUFS ? send_large(fd, &message, entry) : -errno;
}

/* "NAME=value\n"; of several lines: "NAME\n", the length in 64 bits, little endian, "value\n" */
static void add(struct strbuf *entry, const char *name, const char *value) {
        uint64_t len = value ? strlen(value) : 0, length = htole64(len);

        if (len == 0)
                return;
        strbuf_adds(entry, name);
        if (strchr(value, '\n')) {
                strbuf_adds(entry, "\n");
                strbuf_add(entry, (const char *)&length, sizeof(length));
        } else {
                strbuf_adds(entry, "=");
        }
        strbuf_add(entry, value, len);
        strbuf_adds(entry, "\n");
}

const char *journal_message(struct arena *a, const struct finding *f, uint32_t vmid,
                            bool resolved) {
        const char *remedy = resolved ? "" : finding_remedy(a, f, vmid);

        return arena_printf(a, "%s%s%s%s%s", resolved ? "resolved: " : "",
                            vmid ? arena_printf(a, "container %u: ", vmid) : "",
                            finding_text(a, f, vmid), *remedy ? "; " : "", remedy);
}

static int send_entry(const char *identifier, const struct finding *f, uint32_t vmid,
                      bool resolved) {
        _cleanup_arena_ struct arena a = { 0 };
        const struct finding_kind *kind = &finding_kinds[f->code];
        struct strbuf fields = { .arena = &a };

        add(&fields, "MESSAGE", journal_message(&a, f, vmid, resolved));
        add(&fields, "MESSAGE_ID", kind->message_id);
        add(&fields, "PRIORITY",
            arena_printf(&a, "%d", resolved ? (int)SEV_NOTICE : (int)finding_severity(f)));
        add(&fields, "SYSLOG_IDENTIFIER", identifier);
        add(&fields, "GPUANCHOR_CODE", kind->code);
        add(&fields, "GPUANCHOR_VMID", vmid ? arena_printf(&a, "%u", vmid) : NULL);
        add(&fields, "GPUANCHOR_GPU", f->gpu);
        add(&fields, "GPUANCHOR_GPU_NAME", f->gpu ? f->name : NULL);
        add(&fields, "GPUANCHOR_OLD", f->old);
        add(&fields, "GPUANCHOR_NEW", f->new);
        add(&fields, "GPUANCHOR_WHAT", f->what);
        add(&fields, "GPUANCHOR_WHERE", f->where);
        add(&fields, "GPUANCHOR_RESOLVED", resolved ? "1" : NULL);
        add(&fields, "GPUANCHOR_REMEDY", resolved ? NULL : finding_remedy(&a, f, vmid));
        return send_bytes(strbuf_bytes(&fields));
}

int journal_send(const char *identifier, const struct finding *f, uint32_t vmid) {
        return send_entry(identifier, f, vmid, false);
}

int journal_send_resolved(const char *identifier, const struct finding *f, uint32_t vmid) {
        return send_entry(identifier, f, vmid, true);
}
