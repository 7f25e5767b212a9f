/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fuzz-host - any sysfs, /proc and /etc is a host without surprises, or none
 *
 * The input is cut at form feeds: the first line of a part is a path, the rest is what the file
 * holds; "-> TARGET" makes it a link. Whatever is in there, the probe ends, the GPUs are each there
 * once and in order, nodes are below /dev, and a second look sees the same. What it has found can
 * be kept in the host's memory. Runs in a folder of its own in memory, which it empties.
 */
#include "base/bytes.h"
#include "host/probe/probe.h"
#include "host/probe/serials.h"
#include "model/identity/history.h"
#include "model/identity/host-memory.h"
#include "model/report/host-text.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[64];

static void require(bool condition, const char *what) {
        if (!condition) {
                fprintf(stderr, "broken: %s\n", what);
                abort();
        }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
        return at->level > 0 ? remove(path) : 0;
}

static void empty(void) {
        require(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0, "cannot empty the folder");
}

static void finish(void) {
        empty();
        rmdir(root);
}

/* Only names that stay below the folder; a link is relative and leads to what may not be there. */
static bool is_inside(const char *path) {
        return *path && *path != '/' && !strstr(path, "..") && !strstr(path, "//") && strlen(path) < 200;
}

static void make_folders(const char *path) {
        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                char folder[256];

                snprintf(folder, sizeof(folder), "%s/%.*s", root, (int)(slash - path), path);
                (void)mkdir(folder, 0755);
        }
}

static void make_part(struct arena *a, struct bytes part) {
        const char *path = bytes_dup(a, bytes_trim(bytes_cut(&part, '\n'))), *whole, *target;
        int fd;

        if (!is_inside(path))
                return;
        make_folders(path);
        whole = arena_printf(a, "%s/%s", root, path);
        if (bytes_take_prefix(&part, "-> ")) {
                target = bytes_dup(a, bytes_trim(part));
                if (*target && *target != '/' && !strstr(target, "../../../../../../.."))
                        (void)!symlink(target, whole);
                return;
        }
        fd = open(whole, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return;
        (void)!write(fd, part.data, part.len);
        close(fd);
}

/* 1000:00:02.0 is before 10000:00:02.0 */
static bool is_before(const struct gpu *x, const struct gpu *y) {
        size_t x_len = x->pci ? strlen(x->address) : 0, y_len = y->pci ? strlen(y->address) : 0;

        return x_len == y_len ? strcmp(x->address, y->address) < 0 : x_len < y_len;
}

static void check_gpus(const struct facts *f) {
        for (size_t i = 0; i < f->n_gpus; i++) {
                const struct gpu *g = &f->gpus[i];

                require(g->address && *g->address, "a GPU without an address");
                for (size_t j = 0; j < i; j++)
                        require(!streq(f->gpus[j].address, g->address), "a GPU twice");
                require(i == 0 || g->pci != f->gpus[i - 1].pci || is_before(&f->gpus[i - 1], g),
                        "GPUs are not in order");
                require(i == 0 || f->gpus[i - 1].pci || !g->pci, "PCI does not come first");
                for (size_t j = 0; j < g->n_nodes; j++)
                        require(str_has_prefix(g->nodes[j].path, "/dev/") && node_family(&g->nodes[j]),
                                "a node elsewhere");
        }
        for (size_t i = 0; i < f->n_shared; i++)
                require(str_has_prefix(f->shared[i].path, "/dev/") && node_family(&f->shared[i]),
                        "a shared node elsewhere");
        for (size_t i = 0; i < f->n_majors; i++)
                require(f->majors[i].name && *f->majors[i].name, "a major of nobody");
}

static bool has_twins(const struct card_set *set) {
        for (size_t i = 0; i < set->n; i++)
                for (size_t j = 0; j < i; j++)
                        if (card_is_at(&set->cards[i], set->cards[j].port))
                                return true;
        return false;
}

static void check_memory(struct arena *a, const struct facts *f) {
        struct card_set now = facts_cards(a, f);
        struct history h = { .id = "09b9afe880ff03a7" }, again;

        (void)history_advance(a, &h, &now);
        require(history_read(a, history_write(a, &h), &again), "these cards cannot be kept");
        require(has_twins(&now) || !history_advance(a, &again, &now), "kept cards are others");
}

static void probe(struct arena *a) {
        struct strbuf once = { .arena = a }, twice = { .arena = a };
        struct facts f = { 0 }, again = { 0 };
        int r = probe_facts(a, root, &f);

        require(r <= 0, "neither facts nor an error");
        require(probe_facts(a, root, &again) == r, "a second look ends otherwise");
        if (r < 0)
                return;
        check_gpus(&f);
        describe_host(&once, &f, NULL, 0);
        describe_host(&twice, &again, NULL, 0);
        require(bytes_equal(strbuf_bytes(&once), strbuf_bytes(&twice)), "a second look sees something else");
        check_memory(a, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct arena a;
        struct bytes rest = { (const char *)data, size };

        if (!*root) {
                snprintf(root, sizeof(root), "%s/fuzz-host.XXXXXX",
                         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
                require(mkdtemp(root) != NULL, "no folder to work in");
                atexit(finish);
        }
        for (int i = 0; i < 200 && rest.len > 0; i++)
                make_part(&a, bytes_cut(&rest, '\f'));
        probe(&a);
        empty();
        arena_reset(&a);
        return 0;
}
