/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * journal - findings as structured journal entries
 *
 * libsystemd is loaded when there is something to say, not linked: with its
 * compression and crypto libraries it doubles the start-up time of a hook that
 * mostly has nothing to say, and a library that cannot be loaded must not keep
 * a container from starting.
 */
#include "render/journal.h"

#include "render/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/uio.h>

typedef int (*sendv_fn)(const struct iovec *iov, int n);

static sendv_fn load_sendv(void) {
        static sendv_fn sendv;
        void *library;

        if (sendv)
                return sendv;
        library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
        if (library)
                *(void **)&sendv = dlsym(library, "sd_journal_sendv"); /* as dlsym(3) has it */
        return sendv;
}

struct fields {
        struct arena *a;
        struct iovec iov[16];
        int n;
};

static void add(struct fields *f, const char *name, const char *value) {
        char *field;

        if (!value || !*value)
                return;
        field = arena_printf(f->a, "%s=%s", name, value);
        f->iov[f->n++] = (struct iovec){ field, strlen(field) };
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
        struct fields fields = { .a = &a };
        sendv_fn sendv = load_sendv();

        if (!sendv)
                return -ENOSYS;
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
        return sendv(fields.iov, fields.n);
}

int journal_send(const char *identifier, const struct finding *f, uint32_t vmid) {
        return send_entry(identifier, f, vmid, false);
}

int journal_send_resolved(const char *identifier, const struct finding *f, uint32_t vmid) {
        return send_entry(identifier, f, vmid, true);
}
