/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * storage - from a hookscript's volume id to its file
 *
 * `hookscript:` and next-hook name "local:snippets/NAME". Which directory that
 * is says /etc/pve/storage.cfg; asking pvesm would cost each start half a second.
 *
 *     nfs: nas
 *             path /mnt/pve/nas
 *             content snippets,iso
 *             content-dirs snippets=scripts/hooks
 *
 * Proxmox insists on `local`: an entry of that name which is no directory storage
 * at /var/lib/vz is replaced by one that is.
 */
#include "pve/storage.h"

#include "base/file.h"
#include "pve/mapping.h"

#define STORAGE_FILE "/etc/pve/storage.cfg"
#define STORAGE_MAX (1024 * 1024)
#define LOCAL_PATH "/var/lib/vz"

/** struct storage - what an entry says of its files */
struct storage {
        bool found;
        struct bytes type, path, snippets;
};

static bool is_one_of(struct bytes type, const char *const *types, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (bytes_equal_nocase(type, bytes_of(types[i])))
                        return true;
        return false;
}

static bool is_directory_kind(struct bytes type) {
        static const char *const types[] = { "dir", "btrfs" };

        return is_one_of(type, types, ELEMENTS(types));
}

static bool is_mounted_kind(struct bytes type) {
        static const char *const types[] = { "nfs", "cifs", "cephfs", "glusterfs" };

        return is_one_of(type, types, ELEMENTS(types));
}

/* whether a part of the path is "..", which would lead out of the storage, or cannot be in one */
static bool leads_astray(struct bytes path) {
        if (bytes_contains_char(path, '\0'))
                return true;
        while (path.len > 0)
                if (bytes_equal(bytes_cut(&path, '/'), BYTES("..")))
                        return true;
        return false;
}

/* content-dirs iso=a,snippets=b */
static struct bytes snippets_of(struct bytes dirs) {
        while (dirs.len > 0) {
                struct bytes part = bytes_cut_any(&dirs, ",; \t");

                if (bytes_take_prefix(&part, "snippets=") && part.len > 0)
                        return part;
        }
        return dirs;
}

/* "dir: local" */
static bool split_heading(struct bytes heading, struct bytes *ret_type, struct bytes *ret_id) {
        struct bytes type, rest;

        if (!bytes_split(heading, ':', &type, &rest) || type.len == 0)
                return false;
        *ret_type = type;
        *ret_id = bytes_word(&rest);
        return ret_id->len > 0 && rest.len == 0;
}

static struct storage find_storage(struct bytes content, struct bytes wanted) {
        struct sectioncfg walk = { .rest = content };
        struct bytes name, value = { 0 }, type, id;
        struct storage s = { 0 };
        enum sectioncfg_item item;
        bool ours = false;

        while ((item = sectioncfg_next(&walk, &name, &value)) != SECTIONCFG_END) {
                if (item == SECTIONCFG_HEADING) {
                        walk.inside = split_heading(name, &type, &id);
                        ours = walk.inside && bytes_equal(id, wanted);
                        if (ours)
                                s = (struct storage){ .found = true, .type = type };
                } else if (ours && bytes_equal(name, BYTES("path"))) {
                        s.path = value;
                } else if (ours && bytes_equal(name, BYTES("content-dirs"))) {
                        s.snippets = snippets_of(value);
                }
        }
        return s;
}

/* as Proxmox does it: only a directory at its own place may be `local` */
static struct storage local_storage(struct storage s) {
        bool dir = s.found && bytes_equal_nocase(s.type, BYTES("dir"));

        if (!dir || (s.path.len > 0 && !bytes_equal(s.path, BYTES(LOCAL_PATH))))
                s.snippets = (struct bytes){ 0 };
        s.found = true;
        s.type = BYTES("dir");
        s.path = BYTES(LOCAL_PATH);
        return s;
}

const char *storage_snippet_dir(struct arena *a, struct bytes content, struct bytes storage) {
        struct storage s = find_storage(content, storage);

        if (bytes_equal(storage, BYTES("local")))
                s = local_storage(s);
        if (!s.found || (!is_mounted_kind(s.type) && !is_directory_kind(s.type)))
                return NULL;
        if (s.path.len == 0 && is_mounted_kind(s.type))
                s.path = bytes_of(arena_printf(a, "/mnt/pve/%.*s", (int)storage.len,
                                               storage.data));
        if (s.snippets.len == 0)
                s.snippets = BYTES("snippets");
        if (s.path.len == 0 || s.path.data[0] != '/' || leads_astray(s.path) ||
            leads_astray(s.snippets))
                return NULL;
        return arena_printf(a, "%.*s/%.*s", (int)s.path.len, s.path.data, (int)s.snippets.len,
                            s.snippets.data);
}

const char *storage_snippet_path(const struct pve *pve, const char *volid) {
        const char *colon = strchr(volid, ':'), *root = pve->root, *name, *dir;
        struct arena *a = pve->arena;
        struct bytes content = { 0 };

        if (volid[0] == '/')
                return leads_astray(bytes_of(volid)) ? NULL : arena_printf(a, "%s%s", root, volid);
        if (!colon || !str_has_prefix(colon + 1, "snippets/"))
                return NULL;
        name = colon + 1 + strlen("snippets/");
        if (*name == '\0' || strchr(name, '/') || streq(name, ".") || streq(name, ".."))
                return NULL;

        /* what cannot be read is like what is not there: `local` is known all the same */
        (void)file_read(a, arena_printf(a, "%s" STORAGE_FILE, root), STORAGE_MAX, &content);
        dir = storage_snippet_dir(a, content, (struct bytes){ volid, (size_t)(colon - volid) });
        return dir ? arena_printf(a, "%s%s/%s", root, dir, name) : NULL;
}
