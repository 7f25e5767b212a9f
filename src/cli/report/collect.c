/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * collect - reading what goes into a bug report
 *
 * Reads only, takes no lock. Of containers that have nothing to do with a GPU no
 * more is reported than that they are there, and of virtual machines which PCI
 * devices they take.
 */
#include "cli/report/collect.h"

#include "anchor/status.h"
#include "base/file.h"
#include "cli/output.h"
#include "host/package.h"
#include "model/conf/survey.h"
#include "model/report/mask-file.h"
#include "model/watch/state.h"
#include "pve/settings.h"
#include "pve/vm.h"

#include <errno.h>
#include <glob.h>

#define MAX_READ (8 * 1024 * 1024)
#define SETTINGS "/etc/gpuanchor/gpuanchor.conf"

void report_unread(struct report *r, const char *path, const char *why) {
        *ARENA_PUSH(&r->c->arena, r->unread, r->n_unread) =
                arena_printf(&r->c->arena, "%s: %s", path, why);
}

static struct report_file *add_file(struct report *r, const char *path, struct bytes content,
                                    struct bytes (*mask)(struct mask *m, struct bytes content)) {
        struct report_file *f = ARENA_PUSH(&r->c->arena, r->files, r->n_files);

        *f = (struct report_file){ path, NULL, mask, content };
        return f;
}

/* NULL when there is no such file, or it cannot be read, which is noted */
static struct report_file *read_file(struct report *r, const char *path,
                                     struct bytes (*mask)(struct mask *m, struct bytes content)) {
        struct bytes content;
        int e = file_read(&r->c->arena, arena_printf(&r->c->arena, "%s%s", r->c->root, path),
                          MAX_READ, &content);

        if (e == 0)
                return add_file(r, path, content, mask);
        if (e != -ENOENT && e != -ENOTDIR)
                report_unread(r, path, strerror(-e));
        return NULL;
}

/* ---- containers and virtual machines ---- */

static void add_container(struct report *r, uint32_t vmid) {
        struct arena *a = &r->c->arena;
        bool managed = guest_is_managed(&r->c->host.pve, vmid);
        struct report_file *f;

        f = read_file(r, arena_printf(a, "/etc/pve/lxc/%u.conf", vmid), mask_conf);
        if (!f)
                return;
        f->place = arena_printf(a, "/etc/pve/nodes/%s/lxc/%u.conf",
                                mask_of(&r->mask, bytes_of(r->c->host.pve.node)).data,
                                vmid);
        if (!managed && !conf_names_gpu(a, &r->c->host.facts, f->content)) {
                f->mask = NULL;
                return;
        }
        if (managed)
                *ARENA_PUSH(a, r->managed, r->n_managed) = vmid;
        (void)read_file(r, arena_printf(a, "/etc/pve/gpuanchor/%u.conf", vmid), mask_settings);
        (void)read_file(r, arena_printf(a, "/var/lib/lxc/%u/config", vmid), mask_conf);
        if (anchor_runs(&r->c->host, vmid))
                (void)read_file(r, arena_printf(a, "/run/gpuanchor/%u", vmid), mask_text);
}

static void add_guests(struct report *r) {
        struct arena *a = &r->c->arena;
        uint32_t *vmids = NULL;
        size_t n = 0;
        int e = guest_list(&r->c->host.pve, &vmids, &n);

        if (e != 0)
                report_unread(r, "/etc/pve/lxc", e < 0 ? strerror(-e) : MSG_REPORT_NOT_MOUNTED);
        for (size_t i = 0; e == 0 && i < n; i++)
                add_container(r, vmids[i]);
        e = vm_list(&r->c->host.pve, &vmids, &n);
        if (e < 0)
                report_unread(r, "/etc/pve/qemu-server", strerror(-e));
        for (size_t i = 0; e == 0 && i < n; i++)
                (void)read_file(r, arena_printf(a, "/etc/pve/qemu-server/%u.conf", vmids[i]),
                                mask_hostpci);
}

/* ---- all ---- */

/* the files, or folders, that a pattern matches; without prefix */
static void each(struct report *r, const char *pattern,
                 void (*one)(struct report *r, const char *p)) {
        glob_t g;

        if (glob(arena_printf(&r->c->arena, "%s%s", r->c->root, pattern), 0, NULL, &g) != 0)
                return;
        for (size_t i = 0; i < g.gl_pathc; i++)
                one(r, arena_strdup(&r->c->arena, g.gl_pathv[i] + strlen(r->c->root)));
        globfree(&g);
}

static void learn_node(struct report *r, const char *path) {
        (void)mask_of(&r->mask, bytes_of(strrchr(path, '/') + 1));
}

static void add_settings(struct report *r, const char *path) {
        if (strpbrk(path, " \t\n"))
                report_unread(r, path, MSG_REPORT_NAME_BLANK);
        else
                (void)read_file(r, path, mask_settings);
}

static void learn_host(struct report *r) {
        struct bytes name;
        const char *path = arena_printf(&r->c->arena, "%s/etc/hostname", r->c->root);

        if (r->c->host.pve.node)
                (void)mask_of(&r->mask, bytes_of(r->c->host.pve.node));
        each(r, "/etc/pve/nodes/*", learn_node);
        if (file_read(&r->c->arena, path, 4096, &name) == 0)
                (void)mask_of(&r->mask, bytes_trim(name));
}

void report_collect(struct report *r) {
        learn_host(r);
        if (r->c->host.pve.node)
                add_guests(r);
        else
                report_unread(r, "/etc/pve", MSG_REPORT_NOT_MOUNTED);
        add_settings(r, SETTINGS);
        each(r, SETTINGS ".d/*.conf", add_settings);
        (void)read_file(r, "/etc/pve/mapping/pci.cfg", mask_sections);
        (void)read_file(r, WATCH_STATE_FOLDER "/" WATCH_STATE_FILE, mask_text);
        /* now all names are known that a later text may hold */
        for (size_t i = 0; i < r->n_files; i++)
                if (r->files[i].mask)
                        (void)r->files[i].mask(&r->mask, r->files[i].content);
}

/* ---- versions ---- */

/* "deb13-amd64" of Debian's kernels, "pve" of Proxmox's; what somebody built may have any name. */
static bool is_known_build(struct bytes text) {
        while (text.len > 0) {
                struct bytes word = bytes_cut(&text, '-');

                if (!BYTES_IN(word, "pve", "amd64", "arm64", "cloud", "rt", "deb12", "deb13"))
                        return false;
        }
        return true;
}

static void add_first_line(struct report *r, struct strbuf *b, const char *what, const char *path) {
        struct bytes text, number;

        if (file_read(&r->c->arena, arena_printf(&r->c->arena, "%s%s", r->c->root, path), 4096,
                      &text) < 0)
                return;
        text = bytes_trim(bytes_cut(&text, '\n'));
        number = text;
        while (number.len > 0 && (ascii_is_digit(number.data[0]) || strchr(".-+", number.data[0])))
                number = bytes_from(number, 1);
        strbuf_printf(b, "%s %.*s", what, (int)(text.len - number.len), text.data);
        strbuf_add_bytes(b, is_known_build(number) ? number : mask_text(&r->mask, number));
        strbuf_adds(b, "\n");
}

struct bytes report_versions(struct report *r) {
        static const char *const packages[] = { "gpuanchor", "pve-manager", "pve-container",
                                                "lxc-pve",   "lxc",         "systemd",
                                                "udev" };
        struct strbuf b = { .arena = &r->c->arena };

        strbuf_adds(&b, "this gpuanchor " GPUANCHOR_VERSION "\n");
        add_first_line(r, &b, "kernel", "/proc/sys/kernel/osrelease");
        add_first_line(r, &b, "Debian", "/etc/debian_version");
        for (size_t i = 0; i < ELEMENTS(packages); i++) {
                const char *v = package_version(&r->c->arena, r->c->root, packages[i]);

                if (v)
                        strbuf_printf(&b, "package %s %s\n", packages[i], v);
        }
        return strbuf_bytes(&b);
}
