/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fuzz-mapping - any pci.cfg gives normal addresses and ids, or a problem
 *
 * The input's first line is "NAME NODE", the rest the file. storage.cfg has the same form,
 * so that each input is one of these, too.
 */
#include "model/gpu/pci-address.h"
#include "pve/mapping.h"
#include "pve/storage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
        if (!condition) {
                fprintf(stderr, "broken: %s\n", what);
                abort();
        }
}

static void require_path(struct arena *a, const char *path) {
        const char *whole = strchr(path, '.') ? path : arena_printf(a, "%s.0", path);
        const char *normal = pci_address_normalize(a, bytes_of(whole));

        require(normal && streq(normal, whole), "a path is not in its long form");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena a _cleanup_arena_ = { 0 };
        struct bytes rest = { (const char *)data, size }, name, node;
        const char *lf = size > 0 ? memchr(data, '\n', size) : NULL;
        struct gpu_sel sel = { .kind = SEL_MAPPING };
        const char *dir;

        if (!lf)
                return 0;
        rest.len = (size_t)(lf - rest.data);
        name = bytes_word(&rest);
        node = bytes_word(&rest);
        rest = (struct bytes){ lf + 1, size - (size_t)(lf + 1 - (const char *)data) };

        sel.name = arena_strndup(&a, name.data, name.len);
        mapping_parse(&a, rest, arena_strndup(&a, node.data, node.len), &sel);
        require((sel.n_paths == 0) == (sel.problem != NULL), "neither paths nor a problem");
        require(sel.ids.vendor <= 0xffff && sel.ids.device <= 0xffff, "ids of more than 16 bits");
        for (size_t i = 0; i < sel.n_paths; i++)
                require_path(&a, sel.paths[i]);

        dir = storage_snippet_dir(&a, rest, name);
        require(!dir || (dir[0] == '/' && !strstr(dir, "/../")), "a snippet leaves its storage");
        return 0;
}
