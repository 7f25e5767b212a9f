/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * record - what was given, so that a renumbering under a running container shows
 *
 * A running container keeps the old major:minor, which may be another GPU's by
 * now; only what was written down at its start can tell. One line per node:
 *
 *     node = /dev/dri/card1 226:1 0000:c1:00.0
 */
#include "pve/record.h"

#include "base/file.h"

#include <errno.h>
#include <ini.h>
#include <sys/stat.h>

#define MAX_READ (64 * 1024)

static const char *record_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s/run/gpuanchor/%u", pve->root, vmid);
}

static const char *held_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s.held", record_path(pve, vmid));
}

/* Who watches the folder is woken by a change only. */
static int store(const struct pve *pve, const char *path, struct bytes text) {
        struct bytes now;
        int e;

        if (file_read(pve->arena, path, MAX_READ, &now) == 0 && bytes_equal(now, text))
                return 0;
        e = mkdir_parents(arena_printf(pve->arena, "%s/run/gpuanchor", pve->root), 0755);
        return e < 0 ? e : file_replace(path, text, 0644, 0);
}

int record_write(const struct pve *pve, uint32_t vmid, const struct record *r) {
        struct strbuf text = { .arena = pve->arena };

        strbuf_adds(&text, "[given]\n");
        for (size_t i = 0; i < r->n_nodes; i++)
                strbuf_printf(&text, "node = %s %s %s\n", r->nodes[i].path,
                              devnum_text(pve->arena, r->nodes[i].number), r->nodes[i].gpu);
        return store(pve, record_path(pve, vmid), strbuf_bytes(&text));
}

struct reader {
        struct arena *a;
        struct record record;
};

static int read_line(void *user, const char *section, const char *key, const char *value) {
        struct reader *r = user;
        struct bytes rest = bytes_of(value), path = bytes_word(&rest);
        struct bytes number = bytes_word(&rest), gpu = bytes_word(&rest);
        struct record_node n = { 0 };

        if (!streq(section, "given") || !streq(key, "node") || gpu.len == 0 ||
            !devnum_parse(number, &n.number))
                return 1;
        n.path = bytes_dup(r->a, path);
        n.gpu = bytes_dup(r->a, gpu);
        *ARENA_PUSH(r->a, r->record.nodes, r->record.n_nodes) = n;
        return 1;
}

int record_read(const struct pve *pve, uint32_t vmid, struct record *ret) {
        struct reader r = { .a = pve->arena };
        struct bytes text;
        int e = file_read(pve->arena, record_path(pve, vmid), MAX_READ, &text);

        if (e < 0)
                return e;
        ini_parse_string(text.len ? text.data : "", read_line, &r);
        *ret = r.record;
        return 0;
}

void record_clear(const struct pve *pve, uint32_t vmid) {
        (void)unlink(record_path(pve, vmid));
        (void)unlink(held_path(pve, vmid));
}

int held_store(const struct pve *pve, uint32_t vmid, const struct held *h) {
        return store(pve, held_path(pve, vmid), held_write(pve->arena, h));
}

int held_load(const struct pve *pve, uint32_t vmid, struct held *ret) {
        struct bytes text;
        int e = file_read(pve->arena, held_path(pve, vmid), MAX_READ, &text);

        if (e == 0)
                held_read(pve->arena, text, ret);
        return e;
}

static const char *look_path(const struct pve *pve) {
        return arena_printf(pve->arena, "%s/run/gpuanchor/look", pve->root);
}

void held_looked(const struct pve *pve) {
        (void)mkdir_parents(arena_printf(pve->arena, "%s/run/gpuanchor", pve->root), 0755);
        (void)file_replace(look_path(pve), (struct bytes){ 0 }, 0644, 0);
}

int64_t held_look_time(const struct pve *pve) {
        struct stat st;

        return stat(look_path(pve), &st) == 0 ? (int64_t)st.st_mtime : 0;
}
