/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * record - what was given, so that a renumbering under a running container shows
 *
 * A running container keeps the old major:minor, which may be another GPU's by
 * now; only what was written down at its start can tell.
 */
#include "pve/record.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/number.h"

#include <errno.h>
#include <time.h>

#define MAX_READ (512 * 1024) /* a container with the most and longest names in its /dev */
#define HELD ".held"

static const char *record_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s/run/gpuanchor/%u", pve->root, vmid);
}

static const char *held_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s" HELD, record_path(pve, vmid));
}

static const char *owed_path(const struct pve *pve, uint32_t vmid) {
        return arena_printf(pve->arena, "%s.owed", record_path(pve, vmid));
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
        return store(pve, record_path(pve, vmid), record_text(pve->arena, r));
}

int record_read(const struct pve *pve, uint32_t vmid, struct record *ret) {
        struct bytes text;
        int e = file_read(pve->arena, record_path(pve, vmid), MAX_READ, &text);

        if (e == 0)
                record_parse(pve->arena, text, ret);
        return e;
}

void record_clear(const struct pve *pve, uint32_t vmid) {
        (void)unlink(record_path(pve, vmid));
        (void)unlink(held_path(pve, vmid));
        (void)unlink(owed_path(pve, vmid));
}

void record_owe(const struct pve *pve, uint32_t vmid, bool owed) {
        if (owed)
                (void)store(pve, owed_path(pve, vmid), BYTES("file\n"));
        else
                (void)unlink(owed_path(pve, vmid));
}

bool record_is_owed(const struct pve *pve, uint32_t vmid) {
        return access(owed_path(pve, vmid), F_OK) == 0;
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

int held_list(const struct pve *pve, uint32_t **ret, size_t *ret_n) {
        struct names names = { 0 };
        int e = folder_names(pve->arena, arena_printf(pve->arena, "%s/run/gpuanchor", pve->root),
                             HELD, &names);

        *ret = NULL;
        *ret_n = 0;
        for (size_t i = 0; i < names.n; i++) {
                struct bytes name = bytes_of(names.items[i]);
                uint32_t vmid;

                if (bytes_take_suffix(&name, HELD) && parse_u32(name, &vmid))
                        *ARENA_PUSH(pve->arena, *ret, *ret_n) = vmid;
        }
        return e;
}

static const char *look_path(const struct pve *pve) {
        return arena_printf(pve->arena, "%s/run/gpuanchor/look", pve->root);
}

/* /run is empty after a boot, as this clock begins with it; that of the day is set at times. */
static int64_t clock_now(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec;
}

void held_looked(const struct pve *pve) {
        const char *text = arena_printf(pve->arena, "%lld\n", (long long)clock_now());

        (void)mkdir_parents(arena_printf(pve->arena, "%s/run/gpuanchor", pve->root), 0755);
        (void)file_replace(look_path(pve), bytes_of(text), 0644, 0);
}

int64_t held_look_age(const struct pve *pve) {
        struct bytes text;
        uint32_t then;
        int r = file_read(pve->arena, look_path(pve), MAX_READ, &text);

        if (r < 0)
                return r == -ENOENT ? LOOK_NEVER : LOOK_UNKNOWN;
        if (!parse_u32(bytes_trim(text), &then) || then > clock_now())
                return LOOK_UNKNOWN;
        return clock_now() - then;
}
