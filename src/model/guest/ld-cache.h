/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * ld-cache - where the loader of glibc looks for a library
 */
#include "base/bytes.h"

/** struct ld_search - what decides where a library is looked for */
struct ld_search {
        struct bytes cache;        /* /etc/ld.so.cache; empty: none */
        const char *library_path;  /* LD_LIBRARY_PATH of the process; NULL: none */
};

/**
 * ld_candidates() - the paths that the loader tries for @soname ("libcuda.so.1"), in its order
 *
 * LD_LIBRARY_PATH, the cache, then the folders that distributions build into their loader
 * (ld.so(8)). A program's own RPATH is not known here. An empty or relative folder of
 * LD_LIBRARY_PATH is left out: it depends on where the program stands.
 *
 * Return: number of paths, in the arena; 0 and @ret NULL for none.
 */
size_t ld_candidates(struct arena *a, const struct ld_search *s, const char *soname,
                     const char ***ret);
