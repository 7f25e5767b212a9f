/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ld-cache - the table that ldconfig writes, and the folders behind it
 *
 * Format as in sysdeps/generic/dl-cache.h of glibc. Until 2.31 ldconfig writes the table behind
 * one of an older format, since 2.32 alone:
 *
 *     0   "glibc-ld.so.cache1.1"
 *     20  number of entries
 *     48  entries of 24 bytes: flags, offset of the name, offset of the path, 4 bytes, 8 bytes
 *         hwcap; offsets count from the start of this table
 *
 * The file is the container's: every number in it is checked against its size.
 */
#include "model/guest/ld-cache.h"

enum {
        OLD_HEADER = 16, /* "ld.so-1.7.0", one byte, number of entries */
        OLD_ENTRY = 12,
        HEADER = 48,
        ENTRY = 24,
        MAX_PATHS = 64,
};

/* glibc's _DL_CACHE_DEFAULT_ID: an ELF library of this machine's 64-bit ABI */
#if defined(__aarch64__)
#define MACHINE_FLAGS 0x0a03
#define MULTIARCH "aarch64-linux-gnu"
#else
#define MACHINE_FLAGS 0x0303
#define MULTIARCH "x86_64-linux-gnu"
#endif

/* Debian and Ubuntu; Fedora, SUSE; Arch */
static const char *const folders[] = { "/lib/" MULTIARCH, "/usr/lib/" MULTIARCH, "/lib64",
                                       "/usr/lib64",      "/lib",                "/usr/lib" };

struct paths {
        struct arena *arena;
        const char **items;
        size_t n;
};

static void add(struct paths *p, const char *path) {
        for (size_t i = 0; i < p->n; i++)
                if (streq(p->items[i], path))
                        return;
        if (p->n < MAX_PATHS)
                *ARENA_PUSH(p->arena, p->items, p->n) = path;
}

/* The caller has made sure that @offset + 4 is inside. */
static uint32_t number_at(struct bytes s, size_t offset) {
        uint32_t n;

        memcpy(&n, s.data + offset, sizeof(n));
        return n;
}

/* The text at @offset up to its NUL; empty when there is none as far as a path may go. */
static struct bytes text_at(struct bytes s, uint32_t offset) {
        struct bytes rest;
        const char *end;

        if (offset >= s.len)
                return (struct bytes){ 0 };
        rest = bytes_from(s, offset);
        end = memchr(rest.data, '\0', rest.len < PATH_MAX ? rest.len : PATH_MAX);
        return end ? (struct bytes){ rest.data, (size_t)(end - rest.data) } : (struct bytes){ 0 };
}

/* The table itself, without what may stand before it; empty when there is none. */
static struct bytes table_of(struct bytes cache) {
        if (bytes_has_prefix(cache, "ld.so-1.7.0") && cache.len >= OLD_HEADER) {
                uint64_t end = OLD_HEADER + (uint64_t)number_at(cache, 12) * OLD_ENTRY;

                end = (end + 7) & ~7ULL;
                cache = end < cache.len ? bytes_from(cache, (size_t)end) : (struct bytes){ 0 };
        }
        return bytes_has_prefix(cache, "glibc-ld.so.cache1.1") && cache.len >= HEADER
                       ? cache
                       : (struct bytes){ 0 };
}

/*
 * In the order of the table, which is that of the folders in /etc/ld.so.conf. What is for
 * processors with certain features (hwcap) is left out: NVIDIA has no such libraries.
 */
static void add_cached(struct paths *p, struct bytes cache, const char *soname) {
        struct bytes table = table_of(cache);
        size_t n = table.len > 0 ? number_at(table, 20) : 0;

        for (size_t at = HEADER; n > 0 && at + ENTRY <= table.len; n--, at += ENTRY) {
                struct bytes path;

                if (number_at(table, at) != MACHINE_FLAGS || number_at(table, at + 16) != 0 ||
                    number_at(table, at + 20) != 0 ||
                    !bytes_equal(text_at(table, number_at(table, at + 4)), bytes_of(soname)))
                        continue;
                path = text_at(table, number_at(table, at + 8));
                if (bytes_has_prefix(path, "/"))
                        add(p, bytes_dup(p->arena, path));
        }
}

static void add_folder(struct paths *p, struct bytes folder, const char *soname) {
        if (bytes_has_prefix(folder, "/"))
                add(p, arena_printf(p->arena, "%.*s/%s", (int)folder.len, folder.data, soname));
}

size_t ld_candidates(struct arena *a, const struct ld_search *s, const char *soname,
                     const char ***ret) {
        struct paths p = { .arena = a };
        struct bytes rest = bytes_of(s->library_path ? s->library_path : "");

        while (rest.len > 0)
                add_folder(&p, bytes_cut_any(&rest, ":;"), soname);
        add_cached(&p, s->cache, soname);
        for (size_t i = 0; i < ELEMENTS(folders); i++)
                add_folder(&p, bytes_of(folders[i]), soname);
        *ret = p.items;
        return p.n;
}
