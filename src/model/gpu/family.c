/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* family - the table, and what is looked up in it */
#include "model/gpu/family.h"

#include "base/number.h"

enum { PER_GPU, SHARED };
enum { ONE, SEVERAL };

const struct family families[NODE_FAMILIES] = {
#define FAMILY(symbol, kind_, path_, class_, owner_, major_, minor_, group_, belongs, count, drv) \
        [FAMILY_##symbol] = { .kind = NODE_##kind_,                                                \
                              .path = (path_),                                                     \
                              .class = (class_),                                                   \
                              .owner = (owner_),                                                   \
                              .major = (major_),                                                   \
                              .minor = (minor_),                                                   \
                              .group = GID_##group_,                                               \
                              .shared = belongs == SHARED,                                          \
                              .several = count == SEVERAL,                                           \
                              .driver = (drv) },
#include "model/gpu/family.def"
};

/* "%u" in @pattern is a number, "*" whatever follows; both are at its end */
static bool fits(const char *pattern, struct bytes text) {
        size_t n = strcspn(pattern, "%*");
        uint32_t number;

        if (text.len < n || memcmp(text.data, pattern, n) != 0)
                return false;
        text = bytes_from(text, n);
        return pattern[n] == '*' || (pattern[n] == '%' ? parse_u32(text, &number) : text.len == 0);
}

const char *family_path(struct arena *a, const struct family *f, uint32_t number) {
        return arena_printf(a, "%.*s%u", (int)strcspn(f->path, "%"), f->path, number);
}

bool family_path_number(const struct family *f, struct bytes path, uint32_t *ret_number) {
        size_t n = strcspn(f->path, "%");

        return f->path[n] && fits(f->path, path) && parse_u32(bytes_from(path, n), ret_number);
}

const struct family *family_of_path(struct bytes path) {
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (fits(families[i].path, path))
                        return &families[i];
        return NULL;
}

const struct family *family_of_entry(const char *class, const char *name) {
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (families[i].class && streq(families[i].class, class) &&
                    fits(strrchr(families[i].path, '/') + 1, bytes_of(name)))
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

struct bytes family_folder(const struct family *f) {
        return (struct bytes){ f->path, (size_t)(strrchr(f->path, '/') - f->path) };
}

struct bytes family_stem(const struct family *f) {
        const char *name = strrchr(f->path, '/') + 1;

        return (struct bytes){ name, strcspn(name, "%*") };
}

size_t family_classes(const char *ret[NODE_FAMILIES]) {
        size_t n = 0;

        for (size_t i = 0; i < NODE_FAMILIES; i++) {
                const char *class = families[i].class;

                for (size_t j = 0; class && j < n; j++)
                        if (streq(ret[j], class))
                                class = NULL;
                if (class)
                        ret[n++] = class;
        }
        return n;
}

bool family_was_seen(enum node_kind kind, uint32_t major) {
        static const struct {
                enum node_kind kind;
                uint32_t first, last;
        } seen[] = {
#define FAMILY_SEEN(kind_, first_, last_) { NODE_##kind_, first_, last_ },
#include "model/gpu/family.def"
        };

        for (size_t i = 0; i < ELEMENTS(seen); i++)
                if (seen[i].kind == kind && major >= seen[i].first && major <= seen[i].last)
                        return true;
        return false;
}

enum gid_group gid_group_of(enum node_kind kind) {
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (families[i].kind == kind && families[i].group != GID_NONE)
                        return families[i].group;
        return GID_RENDER;
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
