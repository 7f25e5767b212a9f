/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* family - the table, and what is looked up in it */
#include "model/gpu/family.h"

#include "base/number.h"

enum { PER_GPU, SHARED };
enum { ONE, SEVERAL };

const struct family families[NODE_FAMILIES] = {
#define FAMILY(symbol, kind_, folder_, name_, class_, owner_, major_, minor_, group_, belongs,     \
               count, drv)                                                                         \
        [FAMILY_##symbol] = { .kind = NODE_##kind_,                                                \
                              .folder = (folder_),                                                 \
                              .name = (name_),                                                     \
                              .path = folder_ "/" name_,                                           \
                              .class = (class_),                                                   \
                              .owner = (owner_),                                                   \
                              .major = (major_),                                                   \
                              .minor = (minor_),                                                   \
                              .group = GID_##group_,                                               \
                              .shared = belongs == SHARED,                                         \
                              .several = count == SEVERAL,                                         \
                              .driver = (drv) },
#include "model/gpu/family.def"
};

/* whether @text begins as @pattern does before "%u" or "*", and then what is in their place */
static bool take_stem(const char *pattern, struct bytes *text) {
        size_t n = 0;

        for (; pattern[n] && pattern[n] != '%' && pattern[n] != '*'; n++)
                if (n == text->len || text->data[n] != pattern[n])
                        return false;
        *text = bytes_from(*text, n);
        return true;
}

/* "%u" in @pattern is a number, "*" whatever follows; both are at its end */
static bool fits(const char *pattern, struct bytes text) {
        char end = pattern[strcspn(pattern, "%*")];
        uint32_t number;

        return take_stem(pattern, &text) &&
               (end == '*' || (end == '%' ? parse_u32(text, &number) : text.len == 0));
}

const char *family_path(struct arena *a, const struct family *f, uint32_t number) {
        return arena_printf(a, "%.*s%u", (int)strcspn(f->path, "%"), f->path, number);
}

bool family_path_number(const struct family *f, struct bytes path, uint32_t *ret_number) {
        return strchr(f->path, '%') && take_stem(f->path, &path) && parse_u32(path, ret_number);
}

const struct family *family_of_path(struct bytes path) {
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (fits(families[i].path, path))
                        return &families[i];
        return NULL;
}

/* 60-drm.rules of systemd: SYMLINK+="dri/by-path/$env{ID_PATH}-card", and -render */
const struct family *family_of_link(struct bytes path, struct bytes *ret_address) {
        if (!bytes_take_prefix(&path, "/dev/dri/by-path/") ||
            (!bytes_take_prefix(&path, "pci-") && !bytes_take_prefix(&path, "platform-")))
                return NULL;
        for (int i = FAMILY_CARD; i <= FAMILY_RENDER; i++)
                if (bytes_take_suffix(&path, node_kind_name(families[i].kind)) &&
                    bytes_take_suffix(&path, "-")) {
                        *ret_address = path;
                        return &families[i];
                }
        return NULL;
}

bool family_has_folder(const struct family *f) {
        return !streq(f->folder, "/dev");
}

const struct family *family_near(struct bytes path) {
        const struct family *first = NULL;

        for (size_t i = 0; i < NODE_FAMILIES; i++) {
                const struct family *f = &families[i];
                struct bytes name = path;

                if (!family_has_folder(f) || !bytes_take_prefix(&name, f->folder) ||
                    !bytes_take_prefix(&name, "/"))
                        continue;
                if (take_stem(f->name, &name))
                        return f;
                first = first ? first : f;
        }
        return first;
}

bool path_is_gpu(struct bytes path) {
        return family_of_path(path) || family_near(path);
}

bool family_is_mentioned(struct bytes text) {
        if (!bytes_contains(text, "/dev/"))
                return false;
        for (size_t i = 0; i < NODE_FAMILIES; i++) {
                const struct family *f = &families[i];
                size_t n = family_has_folder(f) ? strlen(f->folder) : strcspn(f->path, "%*");

                if (memmem(text.data, text.len, f->path, n))
                        return true;
        }
        return false;
}

bool family_is_in_rule(struct bytes line) {
        for (size_t i = 0; i < NODE_FAMILIES; i++) {
                const struct family *f = &families[i];
                struct bytes folder = { f->path + strlen("/dev/"),
                                        strlen(f->folder) - 4 }; /* dri/ */

                if (f->class && (bytes_contains(line, f->class) ||
                                 memmem(line.data, line.len, f->name, strcspn(f->name, "%*")) ||
                                 (family_has_folder(f) &&
                                  memmem(line.data, line.len, folder.data, folder.len))))
                        return true;
        }
        return false;
}

const struct family *family_of_entry(const char *class, const char *name) {
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (families[i].class && streq(families[i].class, class) &&
                    fits(families[i].name, bytes_of(name)))
                        return &families[i];
        return NULL;
}

const struct family *family_of_owner(const char *owner) {
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (fits(families[i].owner, bytes_of(owner)))
                        return &families[i];
        return NULL;
}

bool family_has_major(const struct family *f, const char *owner, uint32_t major) {
        if (f->major != 0 && f->major == major)
                return !owner || family_of_owner(owner);
        return owner && fits(f->owner, bytes_of(owner));
}

const struct family *family_of_number(const char *owner, struct devnum number) {
        const struct family *best = NULL;

        for (size_t i = 0; i < NODE_FAMILIES && !number.block; i++) {
                const struct family *f = &families[i];

                if (f->minor <= number.minor && (!best || f->minor > best->minor) &&
                    family_has_major(f, owner, number.major))
                        best = f;
        }
        return best;
}

static size_t add_once(const char **list, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (streq(list[i], s))
                        return n;
        list[n] = s;
        return n + 1;
}

size_t family_classes(const char *ret[NODE_FAMILIES]) {
        size_t n = 0;

        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (families[i].class)
                        n = add_once(ret, n, families[i].class);
        return n;
}

size_t family_folders(const char *ret[NODE_FAMILIES]) {
        size_t n = 0;

        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (family_has_folder(&families[i]))
                        n = add_once(ret, n, families[i].folder);
        return n;
}

uint32_t family_shared_kinds(void) {
        uint32_t kinds = 0;

        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (families[i].shared)
                        kinds |= NODE_BIT(families[i].kind);
        return kinds;
}

static enum gid_group group_of(enum node_kind kind) {
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (families[i].kind == kind)
                        return families[i].group;
        return GID_NONE;
}

bool node_kind_has_group(enum node_kind kind) {
        return group_of(kind) != GID_NONE;
}

enum gid_group gid_group_of(enum node_kind kind) {
        return node_kind_has_group(kind) ? group_of(kind) : GID_RENDER;
}

const char *gid_group_name(enum gid_group group) {
        return group == GID_VIDEO ? "video" : "render";
}

const char *node_kind_name(enum node_kind kind) {
        static const char *const names[NODE_KINDS] = {
#define NODE_KIND(symbol, name) [NODE_##symbol] = (name),
#include "model/gpu/family.def"
        };

        return names[kind];
}

bool node_kind_parse(struct bytes name, enum node_kind *ret) {
        for (int kind = 0; kind < NODE_KINDS; kind++)
                if (bytes_equal(name, bytes_of(node_kind_name(kind)))) {
                        *ret = kind;
                        return true;
                }
        return false;
}

static const char *join_kinds(struct arena *a, uint32_t kinds, const char *between) {
        struct strbuf b = { .arena = a };

        for (int kind = 0; kind < NODE_KINDS; kind++)
                if (kinds & NODE_BIT(kind))
                        strbuf_printf(&b, "%s%s", b.len > 0 ? between : "", node_kind_name(kind));
        return strbuf_str(&b);
}

const char *node_kinds_text(struct arena *a, uint32_t kinds) {
        return join_kinds(a, kinds, " ");
}

const char *node_kinds_option(struct arena *a, uint32_t kinds) {
        return join_kinds(a, kinds, ",");
}

uint32_t node_kinds_parse(struct bytes text) {
        uint32_t kinds = 0;
        enum node_kind kind;

        for (struct bytes word = bytes_word(&text); word.len > 0; word = bytes_word(&text))
                if (node_kind_parse(word, &kind))
                        kinds |= NODE_BIT(kind);
        return kinds;
}
