/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * host - the host as a description that tests/mkhost.sh makes a folder of
 *
 * With the masked files in it, gpuanchor says there what it said on the host.
 */
#include "anchor/status.h"
#include "cli/report/collect.h"
#include "host/mounts.h"
#include "host/probe/subid.h"
#include "pve/guest.h"
#include "model/report/host-text.h"
#include "model/report/mask-file.h"

/* The stand-in of a hookscript that is there; that of a storage which is not local needs an entry.
 */
static void add_snippet(struct report *r, struct strbuf *b, const char *volume,
                        const char *masked) {
        const char *name = strstr(masked, ":snippets/");

        if (anchor_hook_problem(&r->c->host, volume))
                return;
        if (!name) {
                describe_file(b, masked, 0755, BYTES("#!/bin/sh\n"));
                return;
        }
        describe_file(b, arena_printf(&r->c->arena, "/var/lib/vz/%s", name + 1), 0755,
                      BYTES("#!/bin/sh\n"));
        if (!str_has_prefix(masked, "local:"))
                describe_file(b, "/etc/pve/storage.cfg", 0644,
                              bytes_of(arena_printf(&r->c->arena,
                                                    "dir: %.*s\n\tpath /var/lib/vz\n"
                                                    "\tcontent snippets\n",
                                                    (int)(name - masked), masked)));
}

static void add_hookscript(struct report *r, struct strbuf *b, const struct report_file *f) {
        struct arena *a = &r->c->arena;
        struct guest g = guest_with(a, &(struct guest){ 0 }, f->content, (struct bytes){ 0 });
        const char *volume = guest_setting(a, &g, "hookscript");
        struct bytes masked;

        if (!volume)
                return;
        masked = mask_text(&r->mask, bytes_of(volume));
        add_snippet(r, b, volume, bytes_dup(a, masked));
}

static void add_file(struct report *r, struct strbuf *b, const struct report_file *f) {
        struct bytes content = f->mask ? f->mask(&r->mask, f->content) : (struct bytes){ 0 };

        if (!f->mask)
                strbuf_adds(b, "# a container without a GPU\n");
        describe_file(b, f->place ? f->place : f->path, 0644, content);
        if (f->mask == mask_conf && f->place)
                add_hookscript(r, b, f);
}

struct bytes report_host(struct report *r) {
        struct strbuf b = { .arena = &r->c->arena };
        struct subid_range *subuids = NULL;
        size_t n = 0;

        strbuf_adds(&b,
                    "# Recorded by gpuanchor report. A folder that is this host, as root:\n"
                    "#   sh tests/mkhost.sh host.host DIR && GPUANCHOR_ROOT=DIR gpuanchor gpus\n");
        (void)subuids_read(&r->c->arena, r->c->root, &subuids, &n);
        describe_host(&b, &r->c->host.facts, subuids, n);
        if (r->c->host.pve.node)
                strbuf_printf(&b, "pve %s\n",
                              mask_of(&r->mask, bytes_of(r->c->host.pve.node)).data);
        if (r->watched)
                strbuf_adds(&b, "dir /sys/fs/cgroup/system.slice/gpuanchord.service\n");
        if (cgroups_look(&r->c->arena, r->c->root) == CGROUPS_V1)
                strbuf_adds(&b, "dir " CGROUPS_SYSTEMD "\n");
        for (size_t i = 0; i < r->n_files; i++)
                add_file(r, &b, &r->files[i]);
        return strbuf_bytes(&b);
}
