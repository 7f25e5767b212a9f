/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * inside-probe - a container's nodes and groups, and what its programs print
 *
 * Files are read from the host, below the container's root (host/inside). Nodes are opened
 * by a child process (host/inside/try-open). Programs run inside, within limits (host/inside/attach);
 * those that want the GPU as an ordinary member of its group, because root of an
 * unprivileged container is not in it and may open less.
 */
#include "host/inside/gather.h"

#include "base/file.h"
#include "base/number.h"
#include "host/inside/attach.h"
#include "host/inside/helper.h"
#include "host/inside/libraries.h"
#include "host/inside/root-files.h"
#include "host/inside/processes.h"
#include "host/inside/try-open.h"
#include "model/guest/accounts.h"
#include "model/guest/unit.h"

#include <errno.h>

enum {
        ACCOUNTS_MAX = 1 << 20,
        OUTPUT_MAX = 256 * 1024,
        PROGRAM_MS = 10 * 1000,
        OPEN_MS = 2 * 1000,
        FILES_MS = 20 * 1000,
        PROGRAMS_MS = 90 * 1000, /* four programs, and what services can open */
        JOURNAL_LINES = 500,
};

/* ---- ids ---- */

/* "         0     100000      65536" */
struct idmap inside_id_map(struct arena *a, unsigned pid, const char *name) {
        struct idmap map = { 0 };
        struct bytes text;

        if (file_read(a, arena_printf(a, "/proc/%u/%s", pid, name), 64 * 1024, &text) < 0)
                return map;
        while (text.len > 0) {
                struct bytes line = bytes_cut(&text, '\n');
                struct extent e;

                if (parse_u32(bytes_word(&line), &e.inside) &&
                    parse_u32(bytes_word(&line), &e.outside) &&
                    parse_u32(bytes_word(&line), &e.count))
                        *ARENA_PUSH(a, map.extents, map.n_extents) = e;
        }
        return map;
}

/* A user that owns nothing: "nobody", else the last one that is mapped. */
static uint32_t ordinary_uid(const struct idmap *map) {
        uint32_t uid = 65534, host, last = 0;

        if (idmap_lookup(map, uid, &host))
                return uid;
        for (size_t i = 0; i < map->n_extents; i++)
                if (map->extents[i].inside + map->extents[i].count - 1 > last)
                        last = map->extents[i].inside + map->extents[i].count - 1;
        return last;
}

/* The gid that a member of the group of @kind has: the container's own, else the expected one. */
static uint32_t member_gid(const struct inside_facts *f, enum node_kind kind) {
        int group = gid_group_of(kind);
        uint32_t gid;

        return account_group(f->group, gid_group_name(group), &gid) ? gid : f->expected_gid[group];
}

/* ---- nodes ---- */

/* Who opens: the application, where init is that; else some member of the node's group. */
static struct inside_as opener(struct inside_facts *f, const struct inside_device *d,
                               const struct inside *in) {
        struct inside_as as;

        if (f->init && inside_init_ids(in->arena, in->pid, f, &as))
                return as;
        return (struct inside_as){ .uid = ordinary_uid(&f->uids), .gid = member_gid(f, d->kind) };
}

static void look_at(struct inside_facts *f, struct inside_device *d, const struct inside *in) {
        struct inside_as as = opener(f, d, in);
        struct inside_node n;
        int fd = inside_find(in->root_fd, d->path, &n);

        d->as_gid = as.gid;
        d->present = n.present;
        d->is_char = n.is_char;
        d->number = n.number;
        d->uid = n.uid;
        d->gid = n.gid;
        d->mode = n.mode;
        if (n.is_char && d->expected && devnum_equal(n.number, d->want))
                d->open = inside_try(in->pid, fd, &as, OPEN_MS);
        cleanup_close(&fd);
}

static const char *init_text(const struct inside *in, const struct inside_facts *f) {
        struct inside_as as;

        return inside_init_ids(in->arena, in->pid, f, &as)
                       ? arena_printf(in->arena, "%u:%u", as.uid, as.gid)
                       : NULL;
}

static bool is_known(const struct inside_facts *f, const char *path) {
        for (size_t i = 0; i < f->n_devices; i++)
                if (streq(f->devices[i].path, path))
                        return true;
        return false;
}

static void find_others(const struct inside *in, struct inside_facts *f) {
        struct inside_drm *nodes = NULL;
        size_t n = inside_drm_nodes(in, &nodes);

        for (size_t i = 0; i < n; i++)
                if (!is_known(f, nodes[i].path))
                        *ARENA_PUSH(in->arena, f->devices, f->n_devices) = (struct inside_device){
                                .path = nodes[i].path,
                                .kind = nodes[i].kind
                        };
}

static void look_at_nodes(struct inside *in, const struct inside_request *q,
                          struct inside_facts *f) {
        for (size_t i = 0; i < q->n_wants; i++)
                *ARENA_PUSH(in->arena, f->devices, f->n_devices) =
                        (struct inside_device){ .path = q->wants[i].path,
                                                .kind = q->wants[i].kind,
                                                .expected = q->wants[i].expected,
                                                .want = q->wants[i].number };
        find_others(in, f);
        for (size_t i = 0; i < f->n_devices; i++)
                look_at(f, &f->devices[i], in);
}

/* ---- programs ---- */

static struct inside_program came_to(int r, const struct spawn_result *result) {
        struct inside_program p = { .ran = RAN_NOT,
                                    .status = result->status,
                                    .output = result->output };

        if (r == 0)
                p.ran = result->status == 127 ? RAN_ABSENT : RAN_DONE;
        else if (r > 0)
                p.ran = r == SPAWN_E_OUTPUT ? RAN_ENDLESS : RAN_TIMEOUT;
        return p;
}

static struct inside_program run(struct arena *a, const struct attach *to,
                                 const char *const argv[]) {
        struct spawn_result result = { 0 };
        struct spawn_job job = { .argv = argv, .timeout_ms = PROGRAM_MS, .max_output = OUTPUT_MAX };

        return came_to(attach_run(a, to, &job, &result), &result);
}

static void ask_tools(struct arena *a, struct inside_facts *f) {
        const char *const vulkan[] = { "vulkaninfo", "--summary", NULL };
        const char *vaapi[] = { "vainfo", "--display", "drm", "--device", NULL, NULL };
        const struct attach member = { .vmid = f->vmid,
                                       .as_user = true,
                                       .uid = ordinary_uid(&f->uids),
                                       .gid = member_gid(f, NODE_RENDER) };

        f->vulkan = run(a, &member, vulkan);
        for (size_t i = 0; i < f->n_devices && !vaapi[4]; i++)
                if (f->devices[i].kind == NODE_RENDER && f->devices[i].expected)
                        vaapi[4] = f->devices[i].path;
        if (vaapi[4])
                f->vaapi = run(a, &member, vaapi);
}

/* ---- systemd ---- */

static void ask_systemd(struct inside *in, const struct inside_request *q, struct inside_facts *f) {
        struct arena *a = in->arena;
        const char *const first[] = { "systemctl", "show", "--no-pager",
                                      "--property=" UNIT_PROPERTIES, "--" };
        const char *const journal[] = { "journalctl",
                                        "--no-pager",
                                        "--unit=ollama.service",
                                        "--output=cat",
                                        arena_printf(a, "--lines=%d", JOURNAL_LINES),
                                        NULL };
        const char **argv = arena_alloc(a, (ELEMENTS(first) + q->n_units + 1) * sizeof(*argv));
        const struct attach root = { .vmid = in->vmid };
        struct process_search search = { .init = in->pid };
        struct unit *units = NULL;

        f->systemd = inside_look(in->root_fd, "/run/systemd/system").present;
        if (!f->systemd)
                return;
        memcpy(argv, first, sizeof(first));
        memcpy(argv + ELEMENTS(first), q->units, q->n_units * sizeof(*argv));
        argv[ELEMENTS(first) + q->n_units] = NULL;
        f->show = run(a, &root, argv);
        search.n_units = f->show.ran == RAN_DONE ? unit_parse(a, f->show.output, &units) : 0;
        search.units = units;
        for (size_t i = 0; i < search.n_units; i++)
                if (units[i].loaded && streq(units[i].id, "ollama.service"))
                        f->journal = run(a, &root, journal);
        inside_processes(a, &search, f);
}

/* ---- memory ---- */

/* false for "max" */
static bool read_number(struct arena *a, const char *path, uint64_t *ret) {
        struct bytes text;

        return file_read(a, path, 4096, &text) == 0 && parse_u64(bytes_trim(text), ret);
}

static struct inside_memory read_memory(struct arena *a, uint32_t vmid) {
        const char *folder = arena_printf(a, "/sys/fs/cgroup/lxc/%u", vmid);
        struct inside_memory m = { 0 };

        m.known = read_number(a, arena_printf(a, "%s/memory.max", folder), &m.limit) &&
                  read_number(a, arena_printf(a, "%s/memory.current", folder), &m.used);
        return m;
}

/* ---- all ---- */

struct probing {
        const struct inside_request *request;
        struct inside_facts *facts; /* what is known until now */
        const char *why;
};

static void look_at_files(struct inside *in, void *user) {
        const struct inside_request *q = ((struct probing *)user)->request;
        struct inside_facts *f = arena_alloc(in->arena, sizeof(*f));
        int r;

        *f = (struct inside_facts){ .vmid = q->vmid,
                                    .uids = inside_id_map(in->arena, in->pid, "uid_map"),
                                    .gids = inside_id_map(in->arena, in->pid, "gid_map"),
                                    .units = q->units,
                                    .n_units = q->n_units,
                                    .n_named = q->n_named,
                                    .busy_percent = -1,
                                    .memory = read_memory(in->arena, q->vmid) };
        memcpy(f->expected_gid, q->expected_gid, sizeof(f->expected_gid));
        r = inside_read(in, "/etc/group", ACCOUNTS_MAX, &f->group);
        f->accounts_error = r < 0 ? r : 0;
        (void)inside_read(in, "/etc/passwd", ACCOUNTS_MAX, &f->passwd);
        f->init = q->application ? init_text(in, f) : NULL;
        f->has_groupadd = inside_look(in->root_fd, "/usr/sbin/groupadd").present;
        look_at_nodes(in, q, f);
        f->nvidia_version = q->nvidia_version;
        inside_keep(in, f); /* what is bound over a library may not answer */
        if (f->nvidia_version)
                libraries_look(in, q->libraries, f->libraries);
        inside_keep(in, f);
}

static void look_at_programs(struct inside *in, void *user) {
        const struct probing *p = user;
        struct inside_facts *f = arena_alloc(in->arena, sizeof(*f));

        *f = *p->facts;
        ask_tools(in->arena, f);
        ask_systemd(in, p->request, f);
        if (!f->systemd)
                inside_processes(in->arena, &(struct process_search){ .init = in->pid }, f);
        inside_keep(in, f);
}

static int probe(struct arena *a, void (*look)(struct inside *in, void *user), unsigned timeout_ms,
                 struct probing *p) {
        struct inside_job job = { "", p->request->vmid, timeout_ms, look, p };
        struct inside_answer answer;
        int r = inside_call(a, &job, &answer);

        p->why = answer.why;
        if (r == 0)
                *p->facts = *(const struct inside_facts *)answer.result;
        return r;
}

int inside_probe_files(struct arena *a, const struct inside_request *q, struct inside_facts *ret,
                       const char **ret_why) {
        struct probing p = { q, ret };
        int r = probe(a, look_at_files, FILES_MS, &p);

        *ret_why = p.why;
        return r;
}

int inside_probe_programs(struct arena *a, const struct inside_request *q, struct inside_facts *f,
                          const char **ret_why) {
        struct probing p = { q, f };
        int r = probe(a, look_at_programs, PROGRAMS_MS, &p);

        *ret_why = p.why;
        return r;
}
