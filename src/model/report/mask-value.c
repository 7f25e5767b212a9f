/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mask-value - masking of the settings of a container's file, one by one
 *
 * What a setting means decides, not what its value looks like: of one that is
 * not known here the whole value is masked, so that those of a later Proxmox VE
 * are masked, too.
 */
#include "model/report/mask-value.h"

#include "base/number.h"

/* Folders of the kernel, and what LXC takes for them in a mount: their names are on every host. */
static bool is_in_kernel_folder(struct bytes path) {
        static const char *const folders[] = { "/dev", "/proc", "/sys", "dev", "./dev" };

        for (size_t i = 0; i < ELEMENTS(folders); i++)
                if (bytes_take_prefix(&path, folders[i]))
                        return path.len == 0 || path.data[0] == '/';
        return false;
}

struct bytes mask_path(struct mask *m, struct bytes path) {
        if (path.len < 2 ||
            (is_in_kernel_folder(path) &&
             (!bytes_contains(path, "/by-") || bytes_contains(path, "/by-path/"))))
                return path;
        return mask_of(m, MASK_PATH, path);
}

static size_t digits(struct bytes *t) {
        size_t n = 0;

        while (n < t->len && ascii_is_digit(t->data[n]))
                n++;
        *t = bytes_from(*t, n);
        return n;
}

/* vm-101-disk-0, 101/base-9000-disk-1.raw: Proxmox's own names */
static bool is_plain_volume(struct bytes t) {
        if (digits(&t) > 0 && !bytes_take_prefix(&t, "/"))
                return false;
        return (bytes_take_prefix(&t, "vm-") || bytes_take_prefix(&t, "subvol-") ||
                bytes_take_prefix(&t, "basevol-") || bytes_take_prefix(&t, "base-")) &&
               digits(&t) > 0 && bytes_take_prefix(&t, "-disk-") && digits(&t) > 0 &&
               BYTES_IN(t, "", ".raw", ".qcow2", ".vmdk", ".subvol");
}

static struct bytes mask_volid(struct mask *m, struct bytes volid) {
        struct strbuf b = { .arena = m->arena };
        struct bytes storage = volid, volume = volid;

        if (volid.len == 0 || volid.data[0] == '/')
                return mask_path(m, volid);
        storage = bytes_cut(&volume, ':');
        if (storage.len == volid.len)
                return BYTES_IN(volid, "none", "cdrom") ? volid : mask_of(m, MASK_VALUE, volid);
        strbuf_add_bytes(&b, BYTES_IN(storage, "local", "local-lvm", "local-zfs", "local-btrfs")
                                     ? storage
                                     : mask_of(m, MASK_NAME, storage));
        strbuf_adds(&b, ":");
        if (bytes_take_prefix(&volume, "snippets/")) {
                strbuf_adds(&b, "snippets/");
                strbuf_add_bytes(&b, BYTES_IN(volume, "gpuanchor-hook")
                                             ? volume
                                             : mask_of(m, MASK_NAME, volume));
        } else {
                strbuf_add_bytes(&b,
                                 is_plain_volume(volume) ? volume : mask_of(m, MASK_VALUE, volume));
        }
        return strbuf_bytes(&b);
}

struct bytes mask_options(struct mask *m, struct bytes value, mask_option_fn one) {
        struct strbuf b = { .arena = m->arena };

        while (value.len > 0) {
                struct bytes rest = value, part = bytes_cut(&rest, ',');
                struct bytes key = { "", 0 }, v = part;

                bytes_split(part, '=', &key, &v);
                strbuf_add_bytes(&b, key);
                strbuf_adds(&b, key.len > 0 ? "=" : "");
                strbuf_add_bytes(&b, one(m, key, v));
                strbuf_adds(&b, part.len < value.len ? "," : "");
                value = rest;
        }
        return strbuf_bytes(&b);
}

static struct bytes volume_option(struct mask *m, struct bytes key, struct bytes v) {
        if (key.len == 0 || BYTES_IN(key, "volume"))
                return mask_volid(m, v);
        if (BYTES_IN(key, "mp"))
                return mask_path(m, v);
        return BYTES_IN(key, "size", "backup", "ro", "acl", "quota", "replicate", "shared",
                        "mountoptions", "keepattrs", "idmap")
                       ? v
                       : mask_of(m, MASK_VALUE, v);
}

struct bytes mask_volume(struct mask *m, struct bytes value) {
        return mask_options(m, value, volume_option);
}

static struct bytes net_option(struct mask *m, struct bytes key, struct bytes v) {
        if (BYTES_IN(key, "ip", "ip6", "gw", "gw6", "hwaddr"))
                return mask_addresses(m, v);
        if (BYTES_IN(key, "name") ? bytes_has_prefix(v, "eth") : bytes_has_prefix(v, "vmbr"))
                return v;
        return BYTES_IN(key, "firewall", "tag", "rate", "mtu", "trunks", "type", "link_down",
                        "host-managed")
                       ? v
                       : mask_of(m, MASK_NAME, v);
}

struct bytes mask_names(struct mask *m, struct bytes value, const char *between,
                        const char *const *known) {
        struct strbuf b = { .arena = m->arena };

        while (value.len > 0) {
                struct bytes rest = value, name = bytes_cut_any(&rest, between);

                strbuf_add_bytes(&b, bytes_in(name, known) ? name : mask_of(m, MASK_NAME, name));
                strbuf_add(&b, value.data + name.len, value.len - rest.len - name.len);
                value = rest;
        }
        return strbuf_bytes(&b);
}

static struct bytes dev_option(struct mask *m, struct bytes key, struct bytes v) {
        if (key.len == 0 || BYTES_IN(key, "path"))
                return mask_path(m, v);
        return BYTES_IN(key, "gid", "uid", "mode", "deny-write") ? v : mask_of(m, MASK_VALUE, v);
}

/* "SOURCE TARGET TYPE OPTIONS..." of a mount that is about no GPU */
static struct bytes mask_mount(struct mask *m, struct bytes value) {
        struct strbuf b = { .arena = m->arena };

        for (unsigned i = 0; value.len > 0; i++) {
                struct bytes rest = value, word = bytes_word(&rest);
                const char *path;

                strbuf_add(&b, value.data, (size_t)(word.data - value.data));
                if (i == 0) {
                        strbuf_add_bytes(&b, mask_path(m, word));
                } else if (i == 1 && word.len > 0 && !is_in_kernel_folder(word)) {
                        path = word.data[0] == '/'
                                       ? bytes_dup(m->arena, word)
                                       : arena_printf(m->arena, "/%.*s", (int)word.len, word.data);
                        strbuf_add_bytes(&b, bytes_from(mask_of(m, MASK_PATH, bytes_of(path)),
                                                        word.data[0] != '/'));
                } else {
                        strbuf_add_bytes(&b, word);
                }
                if (word.len == 0)
                        break;
                value = rest;
        }
        return strbuf_bytes(&b);
}

struct bytes mask_environment(struct mask *m, struct bytes value) {
        struct strbuf b = { .arena = m->arena };
        struct bytes rest = value, word;

        while ((word = bytes_word(&rest)).len > 0) {
                struct bytes v = word, name = bytes_cut(&v, '=');
                uint32_t number;

                strbuf_adds(&b, b.len > 0 ? " " : "");
                strbuf_add_bytes(&b, name);
                strbuf_adds(&b, name.len < word.len ? "=" : "");
                strbuf_add_bytes(
                        &b, parse_u32(v, &number) && v.len < 4 ? v : mask_of(m, MASK_VALUE, v));
        }
        return strbuf_bytes(&b);
}

static bool is_harmless(struct bytes key) {
        static const char *const lxc[] = { "lxc.apparmor.", "lxc.autodev",    "lxc.cap.",
                                           "lxc.cgroup",    "lxc.mount.auto", "lxc.prlimit.",
                                           "lxc.pty.",      "lxc.signal.",    "lxc.tty.",
                                           "lxc.arch" };

        for (size_t i = 0; i < ELEMENTS(lxc); i++)
                if (bytes_has_prefix(key, lxc[i]))
                        return true;
        return BYTES_IN(key, "arch", "cmode", "console", "cores", "cpulimit", "cpuunits", "debug",
                        "features", "lock", "memory", "onboot", "ostype", "protection", "snaptime",
                        "startup", "swap", "template", "tty", "unprivileged");
}

struct bytes mask_value(struct mask *m, struct bytes key, struct bytes value) {
        if (is_harmless(key))
                return value;
        if (BYTES_IN(key, "hostname", "parent", "snapstate", "lxc.uts.name"))
                return mask_of(m, MASK_NAME, value);
        if (BYTES_IN(key, "nameserver"))
                return mask_text(m, value);
        if (BYTES_IN(key, "searchdomain", "tags"))
                return mask_names(m, value, " ,;", (const char *const[]){ NULL });
        if (BYTES_IN(key, "hookscript", "rootfs") || bytes_has_prefix(key, "mp") ||
            bytes_has_prefix(key, "unused"))
                return mask_volume(m, value);
        if (bytes_has_prefix(key, "net"))
                return mask_options(m, value, net_option);
        if (bytes_has_prefix(key, "dev"))
                return mask_options(m, value, dev_option);
        if (BYTES_IN(key, "lxc.mount.entry"))
                return mask_mount(m, value);
        if (BYTES_IN(key, "lxc.environment", "lxc.environment.runtime", "lxc.environment.hooks"))
                return mask_environment(m, value);
        if (bytes_has_prefix(key, "lxc.net."))
                return bytes_contains(key, "address") || bytes_contains(key, "gateway")
                               ? mask_addresses(m, value)
                               : mask_of(m, MASK_VALUE, value);
        return mask_of(m, MASK_VALUE, value);
}
