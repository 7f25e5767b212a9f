/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * guest - the container's files on disk
 *
 * /etc/pve is a FUSE file system with its own mind: modes are fixed, without a
 * quorum create and rename answer EACCES although access(W_OK) said yes, and
 * while its daemon is down it is an empty folder that looks like "no containers".
 */
#include "pve/guest.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/number.h"
#include "model/policy/ini.h"
#include "pve/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>

#define MAX_READ (16 * 1024 * 1024)
#define LOCK_LOOK_MS 20

bool vmid_parse(const char *text, uint32_t *ret) {
        uint32_t vmid;

        if (text[0] == '0' || !parse_u32(bytes_of(text), &vmid) || vmid < VMID_MIN ||
            vmid > VMID_MAX)
                return false;
        *ret = vmid;
        return true;
}

static const char *config_path(const struct pve *pve, uint32_t vmid, const char *suffix) {
        return arena_printf(pve->arena, "%s/var/lib/lxc/%u/config%s", pve->root, vmid, suffix);
}

static int unread(struct guest *ret, const struct guest *g, const char *path, int r) {
        ret->unread = path + strlen(g->root);
        return r;
}

int guest_load(const struct pve *pve, uint32_t vmid, struct guest *ret) {
        struct arena *a = pve->arena;
        struct guest g = {
                .vmid = vmid,
                .root = pve->root,
                .conf_name = arena_printf(a, "%u.conf", vmid),
                .conf_path = arena_printf(a, "%s/etc/pve/lxc/%u.conf", pve->root, vmid),
                .config_path = config_path(pve, vmid, ""),
        };
        int r;

        ret->unread = NULL;
        r = file_read(a, g.conf_path, MAX_READ, &g.conf);
        if (r == -ENOENT)
                return pve_node(pve) ? GUEST_E_NONE : guest_no_node(pve);
        if (r < 0)
                return unread(ret, &g, g.conf_path, r);
        r = file_read(a, g.config_path, MAX_READ, &g.config);
        /* the daemon may not look into /var/lib/lxc; for root that is an error like any other */
        if (r < 0 && r != -ENOENT && (r != -EACCES || geteuid() == 0))
                return unread(ret, &g, g.config_path, r);
        g.has_config = r == 0;
        *ret = guest_with(a, &g, g.conf, g.config);
        return 0;
}

struct guest guest_with(struct arena *a, const struct guest *g, struct bytes conf,
                        struct bytes config) {
        struct guest with = *g;

        with.conf = conf;
        with.config = config;
        pctconf_parse(a, PCTCONF_PVE, conf, &with.lines);
        pctconf_parse(a, PCTCONF_LXC, config, &with.config_lines);
        return with;
}

const char *guest_setting(struct arena *a, const struct guest *g, const char *key) {
        struct bytes value;

        return pctconf_get(&g->lines, key, &value) && value.len > 0 ? bytes_dup(a, value) : NULL;
}

bool guest_is_template(const struct guest *g) {
        return pctconf_is_template(&g->lines);
}

static bool has_hook(const struct pctconf *lines) {
        struct bytes hook;

        return pctconf_get(lines, "hookscript", &hook) && bytes_take_suffix(&hook, "/" HOOK_NAME);
}

bool guest_has_hook(const struct guest *g) {
        return has_hook(&g->lines);
}

static int store(const char *path, struct bytes seen, struct bytes content, unsigned flags) {
        int r = file_edit(path, &(struct file_edit){ seen, content }, 0644, flags);

        return r == FILE_E_CHANGED ? GUEST_E_CHANGED : r;
}

int guest_store_conf(const struct guest *g, struct bytes content) {
        if (content.len > PMXCFS_MAX)
                return GUEST_E_TOO_LARGE;
        return store(g->conf_path, g->conf, content, FILE_SYNC);
}

int guest_store_config(const struct guest *g, struct bytes content) {
        /* generated again at every start: worth no fsync() */
        return store(g->config_path, g->config, content, 0);
}

const char *guest_lock_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s/run/lock/lxc/pve-config-%u.lock", pve->root, vmid);
}

static int take_lock(const char *path, int timeout_ms, int *ret_fd) {
        _cleanup_(cleanup_close) int fd =
                open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        int r;

        if (fd < 0)
                return -errno;
        r = file_lock(fd, (unsigned)timeout_ms, LOCK_LOOK_MS);
        if (r < 0)
                return r == -ETIMEDOUT ? GUEST_E_BUSY : r;
        *ret_fd = fd;
        fd = -1;
        return 0;
}

int guest_lock(const struct pve *pve, uint32_t vmid, int timeout_ms, int *ret_fd) {
        const char *path = guest_lock_path(pve, vmid);
        int r = take_lock(path, timeout_ms, ret_fd);

        if (r != -ENOENT)
                return r;
        r = mkdir_parents(arena_printf(pve->arena, "%s/run/lock/lxc", pve->root), 0755);
        return r < 0 ? r : take_lock(path, timeout_ms, ret_fd);
}

static const char *announcement(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s/run/gpuanchor/%u.enrol", pve->root, vmid);
}

int guest_announce(const struct pve *pve, uint32_t vmid) {
        int fd = -1;

        if (mkdir_parents(arena_printf(pve->arena, "%s/run/gpuanchor", pve->root), 0755) == 0)
                (void)take_lock(announcement(pve, vmid), 1000, &fd);
        return fd; /* who has it otherwise is announcing, too */
}

void guest_announce_end(const struct pve *pve, uint32_t vmid, int fd) {
        if (fd < 0)
                return;
        (void)unlink(announcement(pve, vmid));
        close(fd);
}

bool guest_is_announced(const struct pve *pve, uint32_t vmid) {
        _cleanup_(cleanup_close) int fd =
                open(announcement(pve, vmid), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int guest_block(const struct pve *pve, uint32_t vmid) {
        if (rename(config_path(pve, vmid, ""), config_path(pve, vmid, ".refused")) < 0)
                return errno == ENOENT ? 0 : -errno;
        return 0;
}

void guest_unblock(const struct pve *pve, uint32_t vmid) {
        const char *config = config_path(pve, vmid, "");

        if (access(config, F_OK) < 0 && errno == ENOENT)
                (void)rename(config_path(pve, vmid, ".refused"), config);
}

static int compare_u32(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

int vmids_in(struct arena *a, const char *folder, uint32_t **ret, size_t *ret_n) {
        uint32_t *vmids = NULL;
        size_t n = 0;
        _cleanup_(cleanup_dir) DIR *dir = opendir(folder);
        struct dirent *d;
        int r;

        if (!dir)
                return -errno;
        while ((r = folder_next(dir, &d)) > 0) {
                struct bytes name = bytes_of(d->d_name);
                uint32_t vmid;

                if (!bytes_take_suffix(&name, ".conf"))
                        continue;
                d->d_name[name.len] = '\0';
                if (vmid_parse(d->d_name, &vmid))
                        *ARENA_PUSH(a, vmids, n) = vmid;
        }
        if (r < 0)
                return r;
        if (n > 0)
                qsort(vmids, n, sizeof(*vmids), compare_u32);
        *ret = vmids;
        *ret_n = n;
        return 0;
}

int guest_no_node(const struct pve *pve) {
        errno = 0;
        return !pve_node(pve) && errno == EACCES ? -EACCES : GUEST_E_NOT_MOUNTED;
}

int guest_list(const struct pve *pve, uint32_t **ret, size_t *ret_n) {
        return pve_node(pve)
                       ? vmids_in(pve->arena, arena_printf(pve->arena, "%s/etc/pve/lxc", pve->root),
                                  ret, ret_n)
                       : guest_no_node(pve);
}

/* Nobody reads scripts: a wrapper is known by having called the hook once. */
static bool calls_hook(const struct pve *pve, uint32_t vmid, struct bytes hookscript) {
        struct bytes policy;
        struct ini ini;
        const char *caller;
        int r = file_read(pve->arena, settings_path(pve, vmid), INI_FILE_MAX, &policy);

        if (r < 0)
                return r != -ENOENT; /* as below */
        ini_split(pve->arena, policy, &ini);
        caller = ini_get(&ini, "memory", "hookscript");
        return caller && bytes_equal(hookscript, bytes_of(caller));
}

bool guest_conf_is_managed(const struct pve *pve, uint32_t vmid, struct bytes conf) {
        struct pctconf lines;
        struct bytes hookscript;

        if (!bytes_contains(conf, "hookscript"))
                return false;
        pctconf_parse(pve->arena, PCTCONF_PVE, conf, &lines);
        return pctconf_get(&lines, "hookscript", &hookscript) && hookscript.len > 0 &&
               (has_hook(&lines) || calls_hook(pve, vmid, hookscript));
}

bool guest_is_managed(const struct pve *pve, uint32_t vmid) {
        const char *path = arena_printf(pve->arena, "%s/etc/pve/lxc/%u.conf", pve->root, vmid);
        struct bytes conf;
        int r = file_read(pve->arena, path, MAX_READ, &conf);

        /* who asks for more is told why it cannot be read */
        return r < 0 ? r != -ENOENT : guest_conf_is_managed(pve, vmid, conf);
}
