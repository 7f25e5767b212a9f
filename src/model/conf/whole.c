/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * whole - lines that bring every GPU of the host at once
 *
 *     lxc.mount.entry: /dev host/dev none rbind,create=dir
 *     lxc.mount.entry: udev dev devtmpfs defaults
 *     lxc.mount.entry: overlay dev overlay lowerdir=/dev,upperdir=/srv/up,workdir=/srv/work
 *     mp0: /dev,mp=/host/dev
 *
 * There is one devtmpfs, however often and wherever it is mounted. A device node in a layer of
 * an overlay is the device, too.
 */
#include "model/conf/whole.h"

#include "base/number.h"
#include "model/finding/reason.h"

/* The layers of "overlay lowerdir=/a:/b,upperdir=/c"; 0 for what is no overlay. */
static size_t find_layers(struct arena *a, const struct devline *d, const char ***ret) {
        struct bytes options = d->options, type = bytes_word(&options);
        struct bytes flags = bytes_word(&options);
        size_t n = 0;

        if (!BYTES_IN(type, "overlay", "overlayfs"))
                return 0;
        while (flags.len > 0) {
                struct bytes flag = bytes_cut(&flags, ',');

                if (!bytes_take_prefix(&flag, "lowerdir=") &&
                    !bytes_take_prefix(&flag, "upperdir="))
                        continue;
                while (flag.len > 0)
                        *ARENA_PUSH(a, *ret, n) = bytes_dup(a, bytes_cut(&flag, ':'));
        }
        return n;
}

/* "/dev" of "mp0: /dev,mp=/host/dev"; NULL for a volume of a storage and for other keys. */
static const char *mount_point_source(struct arena *a, const struct conf_line *l) {
        struct bytes key = l->key, value = l->value;
        uint32_t ignored;

        if (!bytes_take_prefix(&key, "mp") || !parse_u32(key, &ignored))
                return NULL;
        while (value.len > 0) {
                struct bytes part = bytes_cut(&value, ',');

                if (bytes_take_prefix(&part, "volume=") || !bytes_contains_char(part, '='))
                        return part.len > 0 && part.data[0] == '/' ? bytes_dup(a, part) : NULL;
        }
        return NULL;
}

void whole_ask(struct arena *a, const struct conf_line *l, const struct devline *d,
               struct sources *s) {
        const char *point = mount_point_source(a, l);
        const char **layers = NULL;
        size_t n = d->type == DEVLINE_MOUNT ? find_layers(a, d, &layers) : 0;

        for (size_t i = 0; i < n; i++)
                sources_add(a, s, bytes_of(layers[i]));
        if (point)
                sources_add(a, s, bytes_of(point));
}

/* What @path leads to; @ret_at: the answer about it, NULL when it was not asked for. */
static struct gpu_path follow(struct arena *a, const struct facts *f, const char *path,
                              const struct source **ret_at) {
        const struct source *at = f ? sources_find(&f->sources, bytes_of(path)) : NULL;

        *ret_at = at;
        return gpu_path_parse(a, bytes_of(at && at->leads_to ? at->leads_to : path));
}

/* What is there, as far as its name or number tells; 0 of all of /dev. */
static uint32_t kinds_at(const struct facts *f, const struct gpu_path *p, const struct source *at) {
        const struct family *family =
                at && at->kind == SOURCE_DEVICE ? facts_family(f, at->number) : NULL;

        if (family)
                return NODE_BIT(family->kind);
        if (p->scope == PATH_NODE || p->scope == PATH_ADDRESS)
                return NODE_BIT(p->kind);
        return p->scope == PATH_FOLDER ? p->kinds : 0;
}

static bool is_no_folder(const struct source *at) {
        return at && (at->kind == SOURCE_DEVICE || at->kind == SOURCE_FILE);
}

static bool is_whole_mount(struct arena *a, const struct facts *f, const struct devline *d) {
        struct bytes options = d->options;
        const struct source *at;
        const char **layers = NULL;
        size_t n = find_layers(a, d, &layers);

        if (bytes_equal(bytes_word(&options), BYTES("devtmpfs")))
                return true;
        for (size_t i = 0; i < n; i++) {
                enum path_scope scope = follow(a, f, layers[i], &at).scope;

                if (!is_no_folder(at) && (scope == PATH_ALL || scope == PATH_FOLDER))
                        return true;
        }
        return d->source && follow(a, f, d->source, &at).scope == PATH_ALL && !is_no_folder(at);
}

/*
 * Proxmox binds folders, and mounts what is below /dev as a block device, which ends the start
 * for anything else (PVE::LXC::Config, classify_mountpoint).
 */
static bool is_whole_point(struct arena *a, const struct facts *f, const char *path,
                           struct devline *d) {
        const struct source *at;
        struct gpu_path p = follow(a, f, path, &at);

        d->path.kinds = kinds_at(f, &p, at);
        if (!str_has_prefix(path, "/dev/"))
                return (p.scope == PATH_ALL || p.scope == PATH_FOLDER) && !is_no_folder(at);
        d->broken = WHY_POINT_DEVICE;
        if (at && at->kind == SOURCE_DEVICE)
                return !at->number.block && facts_family(f, at->number);
        return p.scope != PATH_OTHER;
}

bool whole_recognise(struct arena *a, const struct facts *f, const struct conf_line *l,
                     struct devline *d) {
        const char *point = mount_point_source(a, l);
        struct devline whole = { .type = DEVLINE_WHOLE, .rest = "", .path.scope = PATH_ALL };

        if (point ? !is_whole_point(a, f, point, &whole)
                  : d->type != DEVLINE_MOUNT || !is_whole_mount(a, f, d))
                return false;
        *d = whole;
        return true;
}
