/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-follow - the nodes of a container that runs, and whoever is hostile in it
 *
 * A child process in namespaces of its own stands for the container: its /dev is a tmpfs that this
 * host does not have mounted. /dev/null and /dev/zero stand for the nodes of two GPUs. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/spawn.h"
#include "host/live/change.h"
#include "model/live/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static char box[] = "/tmp/follow-test-XXXXXX";

/* ---- the plan ---- */

/** struct stage - a host with two cards, and a container that has the first one */
struct stage {
        struct arena a;
        struct facts facts;
        struct record record;
        struct held held;
        struct idmap gids;
        const struct node *shared[4]; /* that it shall have */
        size_t n_shared;
        struct follow plan;
        struct record after;
};

static bool ready = true;

static bool is_ready(void *user, const struct node *n) {
        return ready;
}

static struct gpu card_at(struct arena *a, const char *address, uint32_t minor) {
        struct node *n = arena_alloc(a, 2 * sizeof(*n));

        n[0] = (struct node){ .kind = NODE_CARD,
                              .path = arena_printf(a, "/dev/dri/card%u", minor),
                              .number = { 226, minor, false },
                              .state = NODE_CHAR,
                              .gid = 44,
                              .mode = 0660 };
        n[1] = (struct node){ .kind = NODE_RENDER,
                              .path = arena_printf(a, "/dev/dri/renderD%u", 128 + minor),
                              .number = { 226, 128 + minor, false },
                              .state = NODE_CHAR,
                              .gid = 104,
                              .mode = 0660 };
        return (struct gpu){ .address = address, .pci = true, .nodes = n, .n_nodes = 2 };
}

static void cards(struct stage *s, uint32_t first, uint32_t second) {
        s->facts.gpus = arena_alloc(&s->a, 2 * sizeof(*s->facts.gpus));
        s->facts.gpus[0] = card_at(&s->a, "0000:01:00.0", first);
        s->facts.gpus[1] = card_at(&s->a, "0000:02:00.0", second);
        s->facts.n_gpus = 2;
}

static void give_first(struct stage *s, bool bound) {
        struct record_node *r = arena_alloc(&s->a, 2 * sizeof(*r));
        struct held_node *h = arena_alloc(&s->a, 2 * sizeof(*h));
        struct card *card = arena_alloc(&s->a, sizeof(*card));

        for (int i = 0; i < 2; i++) {
                const struct node *n = &s->facts.gpus[0].nodes[i];

                r[i] = (struct record_node){ .path = n->path, .number = n->number, .gpu = "0000:01:00.0" };
                h[i] = (struct held_node){ .path = n->path, .number = n->number, .gpu = "0000:01:00.0",
                                           .mode = 0660, .uid = bound ? -1 : 0, .gid = i ? 110 : 44,
                                           .bound = bound };
        }
        *card = gpu_card(&s->facts, &s->facts.gpus[0]);
        s->record = (struct record){ .nodes = r, .n_nodes = 2, .cards = card, .n_cards = 1,
                                     .kinds = NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER),
                                     .form = bound ? METHOD_IDMAP : METHOD_DEV,
                                     .gids = { 44, 110 } };
        s->held = (struct held){ .nodes = h, .n_nodes = 2 };
        (void)follow_learn(&s->held, &s->record);
}

/* 44 -> 44, 110 -> 104, all else from 100000 on */
static void map(struct stage *s) {
        static struct extent extents[] = { { 0, 100000, 44 }, { 44, 44, 1 }, { 45, 100045, 65 },
                                           { 110, 104, 1 }, { 111, 100111, 65425 } };

        s->gids = (struct idmap){ .extents = extents, .n_extents = ELEMENTS(extents) };
}

/* The plan as text: "-card0 +card1(226:1 bound 660 44)" */
static const char *planned(struct stage *s, bool revoke_only) {
        struct follow_input in = { .facts = &s->facts, .record = &s->record, .held = &s->held,
                                   .gids = &s->gids, .is_ready = is_ready, .revoke_only = revoke_only,
                                   .shared = s->shared, .n_shared = s->n_shared };
        struct strbuf b = { .arena = &s->a };

        for (size_t i = 0; i < s->held.n_nodes; i++) /* what a look would say of the same nodes */
                if (!streq(s->held.nodes[i].gpu, "none"))
                        s->held.nodes[i].gpu = held_identity(&s->facts, s->held.nodes[i].number);
        given_gpus(&s->a, &s->facts, &s->record, &in.gpus);
        follow_plan(&s->a, &in, &s->plan);
        for (size_t i = 0; i < s->plan.n; i++) {
                struct follow_step *f = &s->plan.steps[i];
                const char *name = strrchr(f->path, '/') + 1;

                f->done = true;
                if (f->kind == FOLLOW_REVOKE)
                        strbuf_printf(&b, "-%s ", name);
                else
                        strbuf_printf(&b, "+%s(%s %s %o %lld) ", name, devnum_text(&s->a, f->number),
                                      f->bound ? "bound" : "own", f->mode, (long long)f->gid);
        }
        s->after = follow_record(&s->a, &in, &s->plan);
        return b.len ? strbuf_str(&b) : "";
}

static void begin(struct stage *s, bool bound) {
        *s = (struct stage){ 0 };
        map(s);
        cards(s, 0, 1);
        give_first(s, bound);
        assert_string_equal(planned(s, false), ""); /* all is right */
}

static void swapped_cards_are_exchanged(void **state) {
        struct stage s;

        begin(&s, false);
        cards(&s, 1, 0);
        assert_string_equal(planned(&s, false),
                            "-card0 -renderD128 +card1(226:1 own 660 44) +renderD129(226:129 own 660 110) ");
        assert_int_equal(s.after.n_nodes, 2);
        assert_string_equal(s.after.nodes[0].path, "/dev/dri/card1");
        assert_int_equal(s.after.nodes[0].number.minor, 1);
        assert_string_equal(planned(&s, true), "-card0 -renderD128 ");
        arena_done(&s.a);

        begin(&s, true);
        cards(&s, 1, 0);
        assert_string_equal(planned(&s, false),
                            "-card0 -renderD128 +card1(226:1 bound 660 44) +renderD129(226:129 bound 660 110) ");
        arena_done(&s.a);
}

/* What an older version has written: addresses, no cards and no kinds. */
static void a_record_of_an_older_version(void **state) {
        struct stage s;

        begin(&s, false);
        s.record.n_cards = 0;
        s.record.kinds = 0;
        cards(&s, 1, 0);
        assert_string_equal(planned(&s, false),
                            "-card0 -renderD128 +card1(226:1 own 660 44) +renderD129(226:129 own 660 110) ");
        arena_done(&s.a);
}

/* As the first version left it, in a container whose bound nodes the host has removed. */
static void begin_after_a_swap(struct stage *s, bool bound) {
        begin(s, bound);
        s->record = (struct record){ .nodes = s->record.nodes, .n_nodes = 2 };
        for (int i = 0; i < 2; i++) {
                struct record_node *r = &s->record.nodes[i];

                *r = (struct record_node){ .path = r->path, .number = r->number, .gpu = r->gpu };
                if (!bound)
                        continue;
                s->held.nodes[i].gpu = "none"; /* devtmpfs: its owner is the host's root, its mode 0 */
                s->held.nodes[i].mode = 0;
                s->held.nodes[i].uid = s->held.nodes[i].gid = -1;
        }
}

/* The first look comes when the node in the container is none of the host's any more. */
static void a_record_of_an_older_version_after_a_swap(void **state) {
        struct stage s;

        begin_after_a_swap(&s, true);
        cards(&s, 1, 0);
        assert_string_equal(planned(&s, false),
                            "-card0 -renderD128 +card1(226:1 bound 660 44) +renderD129(226:129 bound 660 110) ");
        assert_int_equal(s.after.nodes[1].gid, 110);
        s.held.n_nodes = 0; /* nothing says any more how they were */
        assert_string_equal(planned(&s, false), "");
        arena_done(&s.a);
}

/* And when its card is not back yet. */
static void a_record_of_an_older_version_amid_a_swap(void **state) {
        struct stage s;

        for (int bound = 0; bound < 2; bound++) {
                begin_after_a_swap(&s, bound);
                s.facts.gpus++;
                s.facts.n_gpus = 1;
                assert_string_equal(planned(&s, false), "-card0 -renderD128 ");
                record_parse(&s.a, record_text(&s.a, &s.after), &s.record);
                s.held.n_nodes = 0;
                assert_string_equal(planned(&s, false), "");
                cards(&s, 3, 0);
                assert_string_equal(
                        planned(&s, false),
                        bound ? "+card3(226:3 bound 660 44) +renderD131(226:131 bound 660 110) "
                              : "+card3(226:3 own 660 44) +renderD131(226:131 own 660 110) ");
                arena_done(&s.a);
        }
        /* a privileged container shows the host's own ids */
        static struct extent all[] = { { 0, 0, UINT32_MAX } };

        begin_after_a_swap(&s, true);
        s.gids = (struct idmap){ .extents = all, .n_extents = 1 };
        s.held.nodes[0].gid = s.held.nodes[1].gid = 0;
        cards(&s, 1, 0);
        assert_string_equal(planned(&s, false),
                            "-card0 -renderD128 +card1(226:1 bound 660 44) +renderD129(226:129 bound 660 104) ");
        arena_done(&s.a);
}

static void a_card_that_went_comes_back(void **state) {
        struct stage s;

        begin(&s, false);
        s.facts.gpus++;
        s.facts.n_gpus = 1;
        assert_string_equal(planned(&s, false), "-card0 -renderD128 ");
        s.record = s.after;
        s.held.n_nodes = 0;
        assert_string_equal(planned(&s, false), ""); /* and no other one comes in meanwhile */
        cards(&s, 3, 1);
        assert_string_equal(planned(&s, false),
                            "+card3(226:3 own 660 44) +renderD131(226:131 own 660 110) ");
        assert_int_equal(s.after.n_nodes, 2);
        arena_done(&s.a);
}

static void a_removed_node_of_the_same_number_is_replaced(void **state) {
        struct stage s;

        begin(&s, true);
        s.held.nodes[0].gpu = s.held.nodes[1].gpu = "none"; /* devtmpfs removed them; the card has its old numbers again */
        assert_string_equal(planned(&s, false),
                            "-card0 -renderD128 +card0(226:0 bound 660 44) +renderD128(226:128 bound 660 110) ");
        arena_done(&s.a);
}

static void another_host_group_makes_an_own_node(void **state) {
        struct stage s;

        begin(&s, true);
        s.facts.gpus[0].nodes[1].gid = 1998; /* not in the map, and so seen as nobody's inside */
        s.held.nodes[1].gid = -1;
        assert_string_equal(planned(&s, false), "-renderD128 +renderD128(226:128 own 660 110) ");
        arena_done(&s.a);
}

static void a_node_without_its_group_waits(void **state) {
        struct stage s;

        begin(&s, false);
        cards(&s, 1, 0);
        ready = false;
        assert_string_equal(planned(&s, false), "-card0 -renderD128 ");
        assert_true(s.plan.wait);
        ready = true;
        arena_done(&s.a);
}

static void what_came_another_way_stays(void **state) {
        struct stage s;
        struct held_node more[3];

        begin(&s, false);
        more[0] = s.held.nodes[0];
        more[1] = s.held.nodes[1];
        more[2] = (struct held_node){ .path = "/dev/dri/card1", .number = { 226, 1, false }, .gpu = "0000:02:00.0" };
        s.held.nodes = more;
        s.held.n_nodes = 3;
        assert_string_equal(planned(&s, false), "");
        /* nor is anything put upon it */
        cards(&s, 1, 0);
        more[2].number.minor = 7;
        more[2].path = "/dev/dri/card1";
        assert_string_equal(planned(&s, false), "-card0 -renderD128 +renderD129(226:129 own 660 110) ");
        /* a number that the container had is another's now: taken out, but not what its owner added */
        more[2] = (struct held_node){ .path = "/dev/dri/other", .number = { 226, 0, false }, .gpu = "0000:02:00.0" };
        assert_string_equal(planned(&s, false), "-card0 -renderD128 -other +card1(226:1 own 660 44) +renderD129(226:129 own 660 110) ");
        more[2].added = "0000:02:00.0";
        assert_string_equal(planned(&s, false), "-card0 -renderD128 +card1(226:1 own 660 44) +renderD129(226:129 own 660 110) ");
        arena_done(&s.a);
}

/* Two cards of NVIDIA's with an instance each: nodes that GPUs share, and that of an instance. */
static void mig_instances_follow_their_card(void **state) {
        struct node cards[] = {
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia0", .number = { 195, 0, false }, .state = NODE_CHAR },
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia1", .number = { 195, 1, false }, .state = NODE_CHAR },
        };
        struct gpu gpus[] = {
                { .address = "0000:01:00.0", .pci = true, .driver = "nvidia", .nodes = &cards[0], .n_nodes = 1 },
                { .address = "0000:41:00.0", .pci = true, .driver = "nvidia", .nodes = &cards[1], .n_nodes = 1 },
        };
        struct node shared[] = {
                { .kind = NODE_NVIDIA, .path = "/dev/nvidiactl", .number = { 195, 255, false }, .state = NODE_CHAR },
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia-caps/nvidia-cap21", .number = { 237, 21, false },
                  .card = "0000:01:00.0", .instance = "gi2", .state = NODE_CHAR },
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia-caps/nvidia-cap156", .number = { 237, 156, false },
                  .card = "0000:41:00.0", .instance = "gi2", .state = NODE_CHAR },
        };
        struct record_node given[] = {
                { .path = "/dev/nvidia0", .number = { 195, 0, false }, .gpu = "0000:01:00.0" },
                { .path = "/dev/nvidiactl", .number = { 195, 255, false }, .gpu = "-" },
                { .path = "/dev/nvidia-caps/nvidia-cap21", .number = { 237, 21, false }, .gpu = "-" },
        };
        struct held_node held[3];
        struct stage s = { .facts = { .gpus = gpus, .n_gpus = 2, .shared = shared, .n_shared = 3 } };
        struct card card = gpu_card(&s.facts, &gpus[0]);

        map(&s);
        for (int i = 0; i < 3; i++)
                held[i] = (struct held_node){ .path = given[i].path, .number = given[i].number, .mode = 0666,
                                              .gpu = "-" };
        s.held = (struct held){ .nodes = held, .n_nodes = 3 };
        s.record = (struct record){ .nodes = given, .n_nodes = 3, .cards = &card, .n_cards = 1, .form = METHOD_DEV,
                                    .kinds = NODE_BIT(NODE_NVIDIA) };
        s.shared[s.n_shared++] = &shared[0];
        s.shared[s.n_shared++] = &shared[1];
        assert_string_equal(planned(&s, false), ""); /* all is right */
        /* each card has the minor of the other, and so have its instances */
        cards[0] = (struct node){ .kind = NODE_NVIDIA, .path = "/dev/nvidia1", .number = { 195, 1, false }, .state = NODE_CHAR };
        cards[1] = (struct node){ .kind = NODE_NVIDIA, .path = "/dev/nvidia0", .number = { 195, 0, false }, .state = NODE_CHAR };
        shared[1].card = "0000:41:00.0";
        shared[2].card = "0000:01:00.0";
        s.shared[1] = &shared[2];
        assert_string_equal(planned(&s, false), "-nvidia0 -nvidia-cap21 +nvidia1(195:1 own 666 0) "
                                                "+nvidia-cap156(237:156 own 666 0) ");
        assert_int_equal(s.after.n_nodes, 4); /* and that nvidia-cap21 was the container's, which has left */
        /* two instances of one card */
        s.record = s.after;
        held[0] = (struct held_node){ .path = "/dev/nvidia1", .gpu = "-", .number = { 195, 1, false }, .mode = 0666 };
        held[2] = (struct held_node){ .path = "/dev/nvidia-caps/nvidia-cap156", .gpu = "-", .number = { 237, 156, false }, .mode = 0666 };
        assert_string_equal(planned(&s, false), "");
        shared[1].card = "0000:01:00.0";
        s.shared[s.n_shared++] = &shared[1];
        assert_string_equal(planned(&s, false), "+nvidia-cap21(237:21 own 666 0) ");
        assert_int_equal(s.after.n_nodes, 4);
        arena_done(&s.a);
}

static void started_without_its_card(void **state) {
        struct stage s;

        begin(&s, false);
        s.record.n_nodes = 0;
        s.held.n_nodes = 0;
        assert_string_equal(planned(&s, false), "+card0(226:0 own 660 44) +renderD128(226:128 own 660 110) ");
        s.record.kinds = NODE_BIT(NODE_RENDER);
        assert_string_equal(planned(&s, false), "+renderD128(226:128 own 660 110) ");
        arena_done(&s.a);
}

/* ---- a container ---- */

static struct extent whole = { 0, 0, UINT32_MAX }, shifted = { 0, 100000, 65536 };

struct jail {
        pid_t pid;
        struct idmap map;
        struct held_init init;
};

static void must(bool good) {
        if (!good)
                _exit(errno ? errno : 1);
}

static void write_map(pid_t pid, const char *name, const char *text) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        fd = open(path, O_WRONLY);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

/* The container: @furnish makes its /dev, below its root. */
static void live_in(int go, int done, bool users, void (*furnish)(void)) {
        char byte;

        alarm(60);
        must(unshare(CLONE_NEWNS | (users ? CLONE_NEWUSER : 0)) == 0);
        must(write(done, "", 1) == 1 && read(go, &byte, 1) == 1);
        must(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* other ids clear it */
        must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        must(mount("root", box, "tmpfs", 0, NULL) == 0 && chdir(box) == 0);
        must(mkdir("dev", 0755) == 0 && mkdir("etc", 0755) == 0);
        furnish();
        must(chroot(".") == 0 && chdir("/") == 0);
        must(write(done, "", 1) == 1);
        for (;;)
                pause();
}

static uint64_t namespace_of(pid_t pid, const char *kind) {
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
        assert_int_equal(stat(path, &st), 0);
        return st.st_ino;
}

static struct jail start(bool users, void (*furnish)(void)) {
        struct jail j = { .map = { .extents = users ? &shifted : &whole, .n_extents = 1 } };
        int go[2], done[2];
        char byte;

        assert_int_equal(pipe(go), 0);
        assert_int_equal(pipe(done), 0);
        j.pid = fork();
        if (j.pid == 0)
                live_in(go[0], done[1], users, furnish);
        close(done[1]);
        close(go[0]);
        assert_int_equal(read(done[0], &byte, 1), 1);
        if (users) {
                write_map(j.pid, "uid_map", "0 100000 65536");
                write_map(j.pid, "gid_map", "0 100000 65536");
        }
        assert_int_equal(write(go[1], "", 1), 1);
        assert_int_equal(read(done[0], &byte, 1), 1);
        close(done[0]);
        close(go[1]);
        j.init = (struct held_init){ (uint32_t)j.pid, namespace_of(j.pid, "mnt"), namespace_of(j.pid, "user") };
        return j;
}

static void end(struct jail *j) {
        kill(j->pid, SIGKILL);
        waitpid(j->pid, NULL, 0);
}

/* errno of an open(2) of @path in it, by a process that has this gid of it */
static int opens(const struct jail *j, const char *path, bool users, gid_t gid) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                char ns[64], root[64];
                int mounts, owner;

                snprintf(ns, sizeof(ns), "/proc/%d/ns/mnt", (int)j->pid);
                snprintf(root, sizeof(root), "/proc/%d/ns/user", (int)j->pid);
                mounts = open(ns, O_RDONLY);
                owner = open(root, O_RDONLY);
                snprintf(root, sizeof(root), "/proc/%d/root", (int)j->pid);
                status = open(root, O_PATH);
                must(!users || setns(owner, CLONE_NEWUSER) == 0);
                must(setns(mounts, CLONE_NEWNS) == 0 && fchdir(status) == 0 && chroot(".") == 0);
                must(setresuid(0, 0, 0) == 0); /* leaving it is what drops the capabilities */
                must(setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
                     setresuid(1000, 1000, 1000) == 0);
                _exit(open(path, O_RDWR) < 0 ? errno : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WEXITSTATUS(status);
}

static const char *lstat_in(const struct jail *j, const char *path, struct stat *ret) {
        static char full[PATH_MAX];

        snprintf(full, sizeof(full), "/proc/%d/root%s", (int)j->pid, path);
        return lstat(full, ret) == 0 ? full : NULL;
}

static struct follow_step give_null(const char *path, bool bound) {
        return (struct follow_step){ .kind = FOLLOW_GIVE, .path = path, .number = { 1, 3, false }, .gpu = "x",
                                     .bound = bound, .source = "/dev/null", .mode = 0660, .gid = 110 };
}

static struct follow_step take(const char *path) {
        return (struct follow_step){ .kind = FOLLOW_REVOKE, .path = path, .number = { 1, 5, false }, .gpu = "x" };
}

/* Carries out up to two steps; the reason of the last one, NULL: it is done. */
static const char *change(struct arena *a, const struct jail *j, struct follow_step first,
                          const struct follow_step *second) {
        struct change_place at = { j->init, &j->map, &j->map };
        struct follow f = { .steps = arena_alloc(a, 2 * sizeof(*f.steps)), .n = second ? 2 : 1 };
        struct follow_step *last = &f.steps[f.n - 1];

        f.steps[0] = first;
        if (second)
                f.steps[1] = *second;
        change_nodes(a, &at, &f);
        last = &f.steps[f.n - 1];
        assert_true(last->done == !last->why);
        return last->why;
}

/** struct errand - as a look does it: the change is made by the child of a helper */
struct errand {
        const struct jail *jail;
        struct follow_step step;
};

static void run_errand(struct arena *a, void *user, const void **ret) {
        const struct errand *e = user;
        struct change_place at = { e->jail->init, &e->jail->map, &e->jail->map };
        struct follow *f = arena_alloc(a, sizeof(*f));

        f->steps = arena_alloc(a, sizeof(*f->steps));
        f->steps[0] = e->step;
        f->n = 1;
        change_nodes(a, &at, f);
        (void)arena_strdup(a, "what comes after it is in the same memory");
        *ret = f;
}

/* ---- ways to furnish it ---- */

static void own_dev(void) {
        must(mount("dev", "dev", "tmpfs", MS_NOEXEC, "mode=755") == 0);
        must(mkdir("dev/dri", 0755) == 0);
}

/* a node as LXC makes one: mounted on an empty file */
static void dev_with_zero(void) {
        int fd;

        own_dev();
        fd = open("dev/dri/card0", O_CREAT | O_WRONLY, 0644);
        must(fd >= 0);
        close(fd);
        must(mount("/dev/zero", "dev/dri/card0", NULL, MS_BIND, NULL) == 0);
}

static void stacked(void) {
        dev_with_zero();
        for (int i = 0; i < 40; i++)
                must(mount("/dev/zero", "dev/dri/card0", NULL, MS_BIND, NULL) == 0);
}

static void host_folder(void) {
        must(mount("/etc", "dev", NULL, MS_BIND, NULL) == 0);
}

static void host_tmpfs(void) {
        must(mount("/dev", "dev", NULL, MS_BIND | MS_REC, NULL) == 0);
}

static void no_tmpfs(void) {
        must(mkdir("dev/dri", 0755) == 0);
        must(mount("proc", "dev", "sysfs", 0, NULL) == 0 || mount("/sys", "dev", NULL, MS_BIND | MS_REC, NULL) == 0);
}

static void dev_is_link(void) {
        must(rmdir("dev") == 0 && symlink("/etc", "dev") == 0);
}

static void folder_is_link(void) {
        must(mount("dev", "dev", "tmpfs", 0, NULL) == 0 && symlink("/etc", "dev/dri") == 0);
}

static void folder_is_mount(void) {
        own_dev();
        must(mount("/etc", "dev/dri", NULL, MS_BIND, NULL) == 0);
}

static void target_is_link(void) {
        own_dev();
        must(symlink("/etc/made", "dev/dri/card1") == 0);
}

static void target_is_fifo(void) {
        own_dev();
        must(mkfifo("dev/dri/card1", 0600) == 0);
}

static void target_is_file(void) {
        int fd;

        own_dev();
        fd = open("dev/dri/card1", O_CREAT | O_WRONLY, 0644);
        must(fd >= 0 && write(fd, "data", 4) == 4);
        close(fd);
}

/* ---- what is done in it ---- */

static void nodes_are_exchanged(void **state) {
        for (int users = 0; users < 2; users++)
                for (int bound = 0; bound < 2; bound++) {
                        _cleanup_arena_ struct arena a = { 0 };
                        struct jail j = start(users, dev_with_zero);
                        struct follow_step give = give_null("/dev/dri/card1", bound);
                        struct stat st;
                        const char *why;

                        assert_int_equal(opens(&j, "/dev/dri/card0", users, 110), 0);
                        why = change(&a, &j, take("/dev/dri/card0"), &give);
                        if (why)
                                fail_msg("%s", why);
                        assert_null(lstat_in(&j, "/dev/dri/card0", &st));
                        assert_non_null(lstat_in(&j, "/dev/dri/card1", &st));
                        assert_true(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
                        assert_int_equal(opens(&j, "/dev/dri/card1", users, 110), 0);
                        if (!bound) { /* its own owner and mode, for its own group alone */
                                assert_int_equal(st.st_gid, users ? 100110 : 110);
                                assert_int_equal(st.st_mode & 07777, 0660);
                                assert_int_equal(opens(&j, "/dev/dri/card1", users, 111), EACCES);
                        }
                        end(&j);
                }
}

/* What a helper leaves is read by its caller, which has none of the helper's own memory. */
static void a_helper_tells_what_was_done(void **state) {
        struct jail j = start(true, target_is_fifo);
        struct errand errands[] = { { &j, give_null("/dev/dri/card0", false) },
                                    { &j, give_null("/dev/dri/card1", false) } };

        for (size_t i = 0; i < ELEMENTS(errands); i++) {
                _cleanup_arena_ struct arena a = { 0 };
                struct spawn_result result = { 0 };
                const struct follow *f;

                assert_int_equal(spawn_call(&a, &(struct spawn_call){ run_errand, &errands[i], 20000 }, &result), 0);
                f = result.result;
                assert_non_null(f);
                assert_int_equal(f->n, 1);
                assert_true(f->steps[0].done == (i == 0));
                if (i == 1)
                        assert_string_equal(f->steps[0].why, "another file is in that place");
        }
        end(&j);
}

/* A folder that was not there is made; nothing of it is seen on the host. */
static void a_folder_is_made(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct jail j = start(true, own_dev);
        struct bytes before, after;

        assert_int_equal(file_read(&a, "/proc/self/mountinfo", 1 << 20, &before), 0);
        assert_null(change(&a, &j, give_null("/dev/accel/accel0", false), NULL));
        assert_null(change(&a, &j, give_null("/dev/kfd", false), NULL));
        assert_int_equal(opens(&j, "/dev/accel/accel0", true, 110), 0);
        assert_int_equal(opens(&j, "/dev/kfd", true, 110), 0);
        assert_int_equal(file_read(&a, "/proc/self/mountinfo", 1 << 20, &after), 0);
        assert_true(bytes_equal(before, after));
        assert_int_equal(access("/dev/accel/accel0", F_OK), -1);
        end(&j);
}

/* Every change again and again: nothing is added up. */
static void a_hundred_rounds_leave_nothing(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct jail j = start(true, dev_with_zero);
        char path[64];
        struct bytes before, after;

        snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)j.pid);
        assert_null(change(&a, &j, take("/dev/dri/card0"), NULL));
        assert_int_equal(file_read(&a, path, 1 << 20, &before), 0);
        for (int i = 0; i < 30; i++) {
                assert_null(change(&a, &j, give_null("/dev/dri/card1", i % 2), NULL));
                assert_null(change(&a, &j, take("/dev/dri/card1"), NULL));
        }
        assert_int_equal(file_read(&a, path, 1 << 20, &after), 0);
        assert_true(bytes_equal(before, after));
        end(&j);
}

static void refused(void (*furnish)(void), struct follow_step step, const char *why) {
        for (int users = 0; users < 2; users++) {
                _cleanup_arena_ struct arena a = { 0 };
                struct jail j;
                const char *got;

                if (users && (furnish == no_tmpfs || furnish == host_tmpfs))
                        continue; /* such a namespace may not mount that */
                j = start(users, furnish);
                got = change(&a, &j, step, NULL);
                if (!got || (why && !streq(got, why)))
                        fail_msg("%s, not %s", got ? got : "done", why);
                end(&j);
        }
}

static void a_hostile_root_gets_nothing_made_elsewhere(void **state) {
        const char *not_own = "its /dev is not the one that LXC made";
        const char *other = "another file is in that place";
        struct stat st;

        refused(host_folder, give_null("/dev/gpuanchor-test", false), not_own);
        refused(host_tmpfs, give_null("/dev/gpuanchor-test", false), not_own);
        refused(no_tmpfs, give_null("/dev/dri/card1", false), not_own);
        refused(dev_is_link, give_null("/dev/gpuanchor-test", false), NULL);
        refused(folder_is_link, give_null("/dev/dri/gpuanchor-test", false), NULL);
        refused(folder_is_mount, give_null("/dev/dri/gpuanchor-test", false), NULL);
        refused(target_is_link, give_null("/dev/dri/card1", false), NULL);
        refused(target_is_fifo, give_null("/dev/dri/card1", false), other);
        refused(target_is_file, give_null("/dev/dri/card1", true), other);
        refused(target_is_file, take("/dev/dri/card1"), other);
        refused(target_is_fifo, take("/dev/dri/card1"), other);
        refused(own_dev, give_null("/dev/../etc/made", false), NULL);
        refused(own_dev, give_null("/etc/made", false), not_own);
        refused(own_dev, give_null("/dev/a/b/c", false), NULL);
        assert_int_equal(lstat("/etc/gpuanchor-test", &st), -1);
        assert_int_equal(lstat("/dev/gpuanchor-test", &st), -1);
        assert_int_equal(lstat("/etc/made", &st), -1);
}

static void a_pile_of_mounts_is_left(void **state) {
        refused(stacked, take("/dev/dri/card0"), "too many mounts lie upon each other there");
}

/* Another process of that number, or an init that has gone to another namespace. */
static void another_init_is_not_entered(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct jail j = start(true, own_dev), other = start(true, own_dev);
        struct jail mixed = j;

        mixed.init.mounts = other.init.mounts;
        assert_non_null(change(&a, &mixed, give_null("/dev/dri/card1", false), NULL));
        mixed = j;
        mixed.init.users = other.init.users;
        assert_non_null(change(&a, &mixed, give_null("/dev/dri/card1", false), NULL));
        end(&j);
        assert_non_null(change(&a, &j, give_null("/dev/dri/card1", false), NULL)); /* it has ended */
        end(&other);
}

/* The host's node is another device than it was a moment ago. */
static void a_source_that_changed_is_not_given(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct jail j = start(true, own_dev);
        struct follow_step s = give_null("/dev/dri/card1", true);

        s.number.minor = 5;
        assert_string_equal(change(&a, &j, s, NULL), "the host has changed again");
        s = give_null("/dev/dri/card1", true);
        s.source = "/dev/gpuanchor-test";
        assert_non_null(change(&a, &j, s, NULL));
        end(&j);
}

static int make_box(void **state) {
        return mkdtemp(box) ? 0 : -1;
}

static int remove_box(void **state) {
        return rmdir(box);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(swapped_cards_are_exchanged),
                cmocka_unit_test(a_record_of_an_older_version),
                cmocka_unit_test(a_record_of_an_older_version_after_a_swap),
                cmocka_unit_test(a_record_of_an_older_version_amid_a_swap),
                cmocka_unit_test(a_card_that_went_comes_back),
                cmocka_unit_test(a_removed_node_of_the_same_number_is_replaced),
                cmocka_unit_test(another_host_group_makes_an_own_node),
                cmocka_unit_test(a_node_without_its_group_waits),
                cmocka_unit_test(what_came_another_way_stays),
                cmocka_unit_test(mig_instances_follow_their_card),
                cmocka_unit_test(started_without_its_card),
                cmocka_unit_test(nodes_are_exchanged),
                cmocka_unit_test(a_helper_tells_what_was_done),
                cmocka_unit_test(a_folder_is_made),
                cmocka_unit_test(a_hundred_rounds_leave_nothing),
                cmocka_unit_test(a_hostile_root_gets_nothing_made_elsewhere),
                cmocka_unit_test(a_pile_of_mounts_is_left),
                cmocka_unit_test(another_init_is_not_entered),
                cmocka_unit_test(a_source_that_changed_is_not_given),
        };

        /* what others mount meanwhile is none of the host's here; in a chroot / is no mount point */
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                puts("needs root and a mount namespace: it makes device nodes and mounts");
                return 77;
        }
        return cmocka_run_group_tests(tests, make_box, remove_box);
}
