/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-live - what a running container holds, and what is done about it */
#include "host/live/gate.h"
#include "host/live/holdings.h"
#include "model/live/gate-program.h"
#include "model/live/refused.h"
#include "pve/record.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <cmocka.h>

/* ---- a container that is a folder ---- */

static char box[] = "/tmp/live-test-XXXXXX";

static int make_box(void **state) {
        return mkdtemp(box) ? 0 : -1;
}

static int remove_box(void **state) {
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", box);
        return system(command);
}

static const char *in_box(const char *path) {
        static char full[4][PATH_MAX];
        static int i;

        i = (i + 1) % 4;
        snprintf(full[i], sizeof(full[i]), "%s%s", box, path);
        return full[i];
}

static void make_node(const char *path, unsigned major, unsigned minor) {
        assert_int_equal(mknod(in_box(path), S_IFCHR | 0660, makedev(major, minor)), 0);
}

/* Two cards: 226:0 + 226:128, 226:1 + 226:129. */
static struct facts two_cards(struct arena *a) {
        struct facts f = { .gpus = arena_alloc(a, 2 * sizeof(*f.gpus)), .n_gpus = 2 };

        for (uint32_t i = 0; i < 2; i++) {
                struct node *n = arena_alloc(a, 2 * sizeof(*n));

                n[0] = (struct node){ .kind = NODE_CARD,
                                      .path = arena_printf(a, "/dev/dri/card%u", i),
                                      .number = { 226, i, false },
                                      .state = NODE_CHAR };
                n[1] = (struct node){ .kind = NODE_RENDER,
                                      .path = arena_printf(a, "/dev/dri/renderD%u", 128 + i),
                                      .number = { 226, 128 + i, false },
                                      .state = NODE_CHAR };
                f.gpus[i] = (struct gpu){ .address = arena_printf(a, "0000:0%u:00.0", i + 1),
                                          .pci = true,
                                          .nodes = n,
                                          .n_nodes = 2 };
        }
        return f;
}

/* ---- what it holds ---- */

static const struct held_node *held_at(const struct held *h, const char *path) {
        for (size_t i = 0; i < h->n_nodes; i++)
                if (streq(h->nodes[i].path, path))
                        return &h->nodes[i];
        return NULL;
}

static struct held look(struct arena *a, const struct facts *f, const char *const *paths,
                        size_t n) {
        struct inside in = { .arena = a, .pid = (unsigned)getpid() };
        struct held h;

        in.root_fd = open(box, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(in.root_fd >= 0);
        holdings_look(&in, &(struct holdings_search){ f, paths, n }, &h);
        close(in.root_fd);
        return h;
}

static void holdings_are_known_by_number(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct facts f = two_cards(&a);
        const char *const paths[] = { "/srv/gpu" };
        struct held h;

        mkdir(in_box("/dev"), 0755);
        mkdir(in_box("/dev/dri"), 0755);
        mkdir(in_box("/srv"), 0755);
        make_node("/dev/dri/card0", 226, 1);    /* the name of one, the number of the other */
        make_node("/dev/dri/card7", 226, 7);    /* a card that is gone */
        make_node("/dev/anything", 226, 128);   /* whatever it is called */
        make_node("/dev/null", 1, 3);           /* no GPU's */
        make_node("/srv/gpu", 226, 129);        /* where a line of the container puts it */
        make_node("/dev/with blank", 226, 128); /* does not fit into a line */
        assert_int_equal(symlink("card0", in_box("/dev/dri/renderD128")), 0);
        assert_int_equal(mkfifo(in_box("/dev/dri/renderD129"), 0600), 0);
        h = look(&a, &f, paths, 1);
        assert_int_equal(h.n_nodes, 4);
        assert_string_equal(held_at(&h, "/dev/dri/card0")->gpu, "0000:02:00.0");
        assert_string_equal(held_at(&h, "/dev/dri/card7")->gpu, "none");
        assert_string_equal(held_at(&h, "/dev/anything")->gpu, "0000:01:00.0");
        assert_string_equal(held_at(&h, "/srv/gpu")->gpu, "0000:02:00.0");
        assert_int_equal(held_at(&h, "/srv/gpu")->uid, 0);
        assert_int_equal(held_at(&h, "/srv/gpu")->mode, 0660 & ~022);
        assert_int_equal(h.init.pid, getpid());
        assert_int_not_equal(h.init.mounts, 0);
}

static void held_comes_back_as_it_was(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct held_node nodes[] = {
                { "/dev/dri/card1", { 226, 1, false }, 0660, -1, 44, true, "0000:c1:00.0" },
                { "/dev/kfd", { 235, 0, false }, 0, 0, -1, false, "-" },
                { "/dev/dri/card2", { 226, 2, false }, 0660, 0, 44, false, "-", "0000:02:00.0" },
        };
        struct devnum refused[] = { { 226, 0, false }, { 226, 128, false } };
        struct held h = { .init = { 4711, 4026532741, 4026532738 },
                          .nodes = nodes,
                          .n_nodes = 3,
                          .libraries = { { .state = LIBRARY_FOUND,
                                           .path = "/usr/lib64/libcuda.so.1",
                                           .version = "550.163.01",
                                           .of_host = true },
                                         { .state = LIBRARY_NONE } },
                          .gate = GATE_CLOSED,
                          .refused = refused,
                          .n_refused = 2 },
                    back;
        struct pve pve = { .arena = &a, .root = in_box("") };

        assert_int_equal(held_load(&pve, 101, &back), -ENOENT);
        assert_int_equal(held_store(&pve, 101, &h), 0);
        assert_int_equal(held_load(&pve, 101, &back), 0);
        assert_true(bytes_equal(held_write(&a, &h), held_write(&a, &back)));
        assert_int_equal(back.n_nodes, 3);
        assert_string_equal(back.nodes[2].added, "0000:02:00.0");
        assert_null(back.nodes[1].added);
        assert_int_equal(back.nodes[0].uid, -1);
        assert_string_equal(back.libraries[LIBRARY_CUDA].version, "550.163.01");
        assert_true(back.libraries[LIBRARY_CUDA].of_host);
        assert_int_equal(back.libraries[LIBRARY_ML].state, LIBRARY_NONE);
        assert_int_equal(back.n_refused, 2);
        assert_true(held_init_equal(&h.init, &back.init));
        h = (struct held){ .gate = GATE_OPEN, .gate_why = "it has lxc.include" };
        held_read(&a, held_write(&a, &h), &back);
        assert_int_equal(back.gate, GATE_OPEN);
        assert_string_equal(back.gate_why, "it has lxc.include");
        record_clear(&pve, 101);
        assert_int_equal(held_load(&pve, 101, &back), -ENOENT);
}

/* The container chooses how many names its /dev has, and how long they are. */
static void the_largest_held_comes_back(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        enum { NODES = 256, LENGTH = 200 };
        struct held h = { .init = { 4711, 4026532741, 4026532738 }, .gate = GATE_CLOSED }, back;
        struct strbuf undone = { .arena = &a };
        struct pve pve = { .arena = &a, .root = in_box("") };

        for (uint32_t i = 0; i < NODES; i++) {
                char *path = arena_printf(&a, "/dev/dri/%0*u", LENGTH - 9, i);

                *ARENA_PUSH(&a, h.nodes, h.n_nodes) = (struct held_node){
                        path, { 4095, 1048575 - i, false }, 0777, 4294967294, 4294967294, false, "0000:c1:00.0", "0000:c1:00.0"
                };
                strbuf_printf(&undone, "%s: its /dev is not the one that LXC made, ", path);
        }
        for (uint32_t i = 0; i < GATE_MAX; i++)
                *ARENA_PUSH(&a, h.refused, h.n_refused) = (struct devnum){ 4095, 1048575 - i, false };
        h.asked = h.refused;
        h.n_asked = h.n_refused;
        h.undone = strbuf_str(&undone);
        assert_int_equal(held_store(&pve, 102, &h), 0);
        assert_int_equal(held_load(&pve, 102, &back), 0);
        assert_int_equal(back.n_nodes, NODES);
        assert_int_equal(back.n_asked, GATE_MAX);
        assert_true(held_init_equal(&h.init, &back.init));
        record_clear(&pve, 102);
}

static void damaged_lines_are_left_out(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct held h;

        held_read(&a,
                  BYTES("node\nnode /dev/x\nnode /dev/x 226:a 660 0 0 -\nnode /dev/x 226:1 999 0 0 "
                        "-\n"
                        "node /dev/x 226:1 660 0 -2 -\ninit 1 2\ngate what\n\xff\n"
                        "library libcuda.so.1 found\nlibrary libcuda.so.1 lost 1.2 - /x\nlibrary\n"
                        "node /dev/x 226:1 660 0 0\nnode /dev/ok 226:1 660 0 0 -"),
                  &h);
        assert_int_equal(h.n_nodes, 1);
        assert_string_equal(h.nodes[0].path, "/dev/ok");
        assert_int_equal(h.init.pid, 0);
        assert_int_equal(h.gate, GATE_UNKNOWN);
        assert_int_equal(h.libraries[LIBRARY_CUDA].state, LIBRARY_UNKNOWN);
}

/* ---- which numbers are refused ---- */

static struct devnum *refuses(struct arena *a, const struct facts *f, const struct record *r,
                              const struct held *held) {
        struct gate_input in = { .facts = f, .given = r->nodes, .n_given = r->n_nodes, .held = held };
        struct devnum *numbers;
        size_t n;

        given_gpus(a, f, r, &in.gpus);
        n = gate_refuses(a, &in, &numbers);
        *ARENA_PUSH(a, numbers, n) = (struct devnum){ 0 }; /* the end */
        return numbers;
}

static void assert_numbers(const struct devnum *numbers, const char *want) {
        _cleanup_arena_ struct arena a = { 0 };
        struct strbuf b = { .arena = &a };

        for (; numbers->major; numbers++)
                strbuf_printf(&b, "%u:%u ", numbers->major, numbers->minor);
        assert_string_equal(strbuf_str(&b), want);
}

static void other_cards_and_left_numbers_are_refused(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct facts f = two_cards(&a);
        struct record_node given[] = { { .path = "/dev/dri/card0", .number = { 226, 0, false }, .gpu = "0000:01:00.0" },
                                       { .path = "/dev/dri/renderD128", .number = { 226, 128, false }, .gpu = "0000:01:00.0" } };
        struct record r = { .nodes = given, .n_nodes = 2 };
        struct held_node kept[] = { { .path = "/dev/dri/card5", .number = { 226, 5, false } },
                                    { .path = "/dev/dri/tuner", .number = { 212, 5, false } } };
        struct held held = { .nodes = kept, .n_nodes = 2 };

        assert_numbers(refuses(&a, &f, &r, NULL), "226:1 226:129 ");
        /* a number that it holds and no GPU has; never one of a device that is no GPU's */
        assert_numbers(refuses(&a, &f, &r, &held), "226:1 226:5 226:129 ");
        /* its card is gone: its numbers are no one's until another card gets them */
        f.gpus++;
        f.n_gpus = 1;
        assert_numbers(refuses(&a, &f, &r, NULL), "226:0 226:1 226:128 226:129 ");
        /* it comes back, and the cards have changed their numbers */
        f = two_cards(&a);
        f.gpus[0].address = "0000:02:00.0";
        f.gpus[1].address = "0000:01:00.0";
        assert_numbers(refuses(&a, &f, &r, NULL), "226:0 226:128 ");
}

static void mig_instances_are_their_cards(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct node cards[] = {
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia0", .number = { 195, 0, false } },
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia1", .number = { 195, 1, false } },
        };
        struct gpu gpus[] = {
                { .address = "0000:01:00.0", .pci = true, .driver = "nvidia", .nodes = &cards[0], .n_nodes = 1 },
                { .address = "0000:41:00.0", .pci = true, .driver = "nvidia", .nodes = &cards[1], .n_nodes = 1 },
        };
        struct node caps[] = {
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia-caps/nvidia-cap2", .number = { 237, 2, false } },
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia-caps/nvidia-cap21", .number = { 237, 21, false },
                  .card = "0000:01:00.0", .instance = "gi2" },
                { .kind = NODE_NVIDIA, .path = "/dev/nvidia-caps/nvidia-cap156", .number = { 237, 156, false },
                  .card = "0000:41:00.0", .instance = "gi2" },
        };
        struct facts f = { .gpus = gpus, .n_gpus = 2, .shared = caps, .n_shared = 3 };
        struct record_node given[] = {
                { .path = "/dev/nvidia0", .number = { 195, 0, false }, .gpu = "0000:01:00.0" },
                { .path = "/dev/nvidia-caps/nvidia-cap21", .number = { 237, 21, false }, .gpu = "0000:01:00.0" },
        };
        struct record r = { .nodes = given, .n_nodes = 2 };

        assert_numbers(refuses(&a, &f, &r, NULL), "195:1 237:156 ");
        /* each card has the minor of the other, and so have its instances */
        cards[0].number.minor = 1;
        cards[1].number.minor = 0;
        caps[1].card = "0000:41:00.0";
        caps[2].card = "0000:01:00.0";
        assert_numbers(refuses(&a, &f, &r, NULL), "195:0 237:21 ");
}

static void a_recorded_card_is_found_by_serial_and_port(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct facts f = two_cards(&a);
        struct card cards[] = { { .address = "0000:09:00.0", .port = "pci0000:00/03.1/00.0" } };
        struct record r = { .cards = cards, .n_cards = 1 }, back;
        struct gpu_list l;

        f.gpus[1].port = "pci0000:00/03.1/00.0"; /* another address: a bus was added */
        given_gpus(&a, &f, &r, &l);
        assert_int_equal(l.n, 1);
        assert_ptr_equal(l.items[0], &f.gpus[1]);
        /* another card in that port */
        cards[0].serials[SERIAL_AMD] = "1111222233334444";
        f.gpus[1].serials[SERIAL_AMD] = "5555666677778888";
        given_gpus(&a, &f, &r, &l);
        assert_int_equal(l.n, 0);
        /* and itself, in another one */
        f.gpus[0].serials[SERIAL_AMD] = "1111222233334444";
        record_parse(&a, record_text(&a, &r), &back);
        given_gpus(&a, &f, &back, &l);
        assert_int_equal(l.n, 1);
        assert_ptr_equal(l.items[0], &f.gpus[0]);
}

static void a_record_comes_back_as_it_was(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct record_node nodes[] = {
                { "/dev/dri/card1", { 226, 1, false }, "0000:c1:00.0", true, true, 0660, -1, 44 },
                { "/dev/kfd", { 235, 0, false }, "-", true, false, 0666, 0, -1 },
                { "/dev/new", { 235, 0, false }, "-", false, false, 0, 0, 0 },
        };
        struct record r = { .nodes = nodes,
                            .n_nodes = 3,
                            .kinds = NODE_BIT(NODE_CARD) | NODE_BIT(NODE_KFD),
                            .form = METHOD_DEV,
                            .gids = { 44, 104 } },
                      back;

        record_parse(&a, record_text(&a, &r), &back);
        assert_true(bytes_equal(record_text(&a, &r), record_text(&a, &back)));
        assert_int_equal(back.n_nodes, 3);
        assert_true(back.nodes[0].bound && back.nodes[0].seen && !back.nodes[2].seen);
        assert_int_equal(back.nodes[1].gid, -1);
        assert_int_equal(back.kinds, r.kinds);
        assert_int_equal(back.gids[GID_RENDER], 104);
}

static const char *doubt_with(struct arena *a, const struct facts *f, const char *conf, const char *config,
                              const struct held *held) {
        struct pctconf lines, config_lines;
        struct survey survey, config_survey;
        struct record_node given[] = { { .path = "/dev/dri/renderD128", .number = { 226, 128, false } } };
        struct gate_input in = { .facts = f, .lines = &lines, .conf = &survey, .config = &config_survey,
                                 .given = given, .n_given = 1, .held = held };

        pctconf_parse(a, PCTCONF_PVE, bytes_of(conf), &lines);
        pctconf_parse(a, PCTCONF_LXC, bytes_of(config), &config_lines);
        survey_make(a, f, &lines, &survey);
        survey_make(a, f, &config_lines, &config_survey);
        gpu_list_add(a, &in.gpus, &f->gpus[0]);
        return gate_doubt(a, &in);
}

static const char *doubt(struct arena *a, const struct facts *f, const char *conf, const char *config) {
        return doubt_with(a, f, conf, config, NULL);
}

static void what_cannot_be_listed_keeps_it_open(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct facts f = two_cards(&a);

        assert_null(doubt(&a, &f, "arch: amd64\nhookscript: local:snippets/gpuanchor-hook\n",
                          "lxc.include = /usr/share/lxc/config/debian.common.conf\n"));
        assert_null(doubt(&a, &f, "dev0: /dev/dri/renderD128,gid=104\n", ""));
        assert_non_null(doubt(&a, &f, "lxc.include: /root/my.conf\n", ""));
        assert_non_null(doubt(&a, &f, "lxc.mount.fstab: /root/fstab\n", ""));
        assert_non_null(doubt(&a, &f, "lxc.mount.entry: /dev dev none rbind\n", ""));
        assert_non_null(doubt(&a, &f, "mp0: /dev/dri,mp=/dev/dri\n", ""));
        assert_non_null(doubt(&a, &f, "lxc.hook.mount: /usr/share/lxc/hooks/nvidia\n", ""));
        assert_non_null(doubt(&a, &f, "", "lxc.mount.entry = /dev/dri dev/dri none bind,create=dir\n"));
        /* a line that was there at the start and means another GPU since: the gate is for that */
        f.gpus[0].nodes[1].path = "/dev/dri/renderD129";
        f.gpus[1].nodes[1].path = "/dev/dri/renderD128";
        assert_null(doubt(&a, &f, "dev0: /dev/dri/renderD128,gid=104\n", ""));
}

static void an_added_device_is_known_by_its_node(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct facts f = two_cards(&a);
        struct node kfd = { .kind = NODE_KFD, .path = "/dev/kfd", .number = { 235, 0, false }, .state = NODE_CHAR };
        struct held_node node = { .path = "/dev/dri/renderD129", .number = { 226, 129, false }, .added = "0000:02:00.0" };
        struct held held = { .nodes = &node, .n_nodes = 1 };
        const char *const line = "dev5: /dev/dri/renderD129,gid=104\n", *const kfd_line = "dev5: /dev/kfd,gid=104\n";

        assert_non_null(doubt_with(&a, &f, line, "", &held)); /* pct set */
        /* lines alone: gpuanchor corrects them while it runs, and only devN is plugged */
        assert_null(doubt(&a, &f, line, ""));
        assert_null(doubt_with(&a, &f, "", "", &held));
        assert_null(doubt_with(&a, &f, "lxc.mount.entry: /dev/dri/renderD129 dev/dri/renderD129 none bind\n", "", &held));
        node.added = NULL;
        assert_null(doubt_with(&a, &f, line, "", &held));
        node.added = "0000:03:00.0"; /* the cards have changed places: that one was not added */
        assert_null(doubt_with(&a, &f, line, "", &held));
        /* what GPUs share, and none of its own does */
        node.path = "/dev/kfd";
        node.number = kfd.number;
        node.added = "-";
        assert_null(doubt_with(&a, &f, kfd_line, "", &held)); /* no device has the number */
        f.shared = &kfd;
        f.n_shared = 1;
        assert_non_null(doubt_with(&a, &f, kfd_line, "", &held));
        f.gpus[0].driver = "amdgpu";
        assert_null(doubt_with(&a, &f, kfd_line, "", &held)); /* the gate lets it through */
}

/* ---- the program ---- */

/* What the kernel would answer: a machine for the instructions that the program has. */
static uint64_t execute(const struct bpf_insn *p, size_t n, struct bpf_cgroup_dev_ctx c) {
        uint64_t r[11] = { 0 };

        for (size_t i = 0; i < n; i++) {
                uint32_t word;

                switch (p[i].code) {
                case BPF_LDX | BPF_MEM | BPF_W:
                        memcpy(&word, (char *)&c + p[i].off, 4);
                        r[p[i].dst_reg] = word;
                        break;
                case BPF_ALU64 | BPF_AND | BPF_K:
                        r[p[i].dst_reg] &= (uint64_t)(int64_t)p[i].imm;
                        break;
                case BPF_ALU64 | BPF_MOV | BPF_K:
                        r[p[i].dst_reg] = (uint64_t)(int64_t)p[i].imm;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        i += r[p[i].dst_reg] == (uint64_t)(int64_t)p[i].imm ? (size_t)p[i].off : 0;
                        break;
                case BPF_JMP | BPF_JNE | BPF_K:
                        i += r[p[i].dst_reg] != (uint64_t)(int64_t)p[i].imm ? (size_t)p[i].off : 0;
                        break;
                case BPF_JMP | BPF_EXIT:
                        return r[0];
                default:
                        fail_msg("instruction %02x", p[i].code);
                }
        }
        fail_msg("it runs over its end");
        return 0;
}

static void the_program_refuses_exactly_the_numbers(void **state) {
        for (unsigned round = 0; round < 300; round++) {
                _cleanup_arena_ struct arena a = { 0 };
                struct devnum *numbers = NULL;
                struct bpf_insn *program;
                size_t n = 0, len;

                srand(round);
                for (int k = rand() % (round == 7 ? GATE_MAX : 12); k > 0; k--)
                        *ARENA_PUSH(&a, numbers, n) = (struct devnum){ (uint32_t)rand() % 4 + 224,
                                                                      (uint32_t)rand() % 6, false };
                len = gate_program(&a, numbers, n, &program);
                for (uint32_t major = 222; major < 230; major++)
                        for (uint32_t minor = 0; minor < 8; minor++)
                                for (uint32_t type = 1; type <= 2; type++) {
                                        bool refused = false;
                                        struct bpf_cgroup_dev_ctx c = {
                                                (uint32_t)(rand() % 8) << 16 | type, major, minor
                                        };

                                        for (size_t i = 0; i < n; i++)
                                                refused |= type == BPF_DEVCG_DEV_CHAR &&
                                                           numbers[i].major == major &&
                                                           numbers[i].minor == minor;
                                        assert_int_equal(execute(program, len, c), !refused);
                                }
        }
}

/* ---- on a control group ---- */

static char group[PATH_MAX]; /* empty: this kernel does not let us */

static int make_group(void **state) {
        snprintf(group, sizeof(group), "%s/cgroup", box);
        if (mkdir(group, 0755) < 0 || mount("none", group, "cgroup2", 0, NULL) < 0) {
                group[0] = '\0';
                return 0;
        }
        snprintf(group, sizeof(group), "%s/cgroup/gpuanchor-test-%d", box, (int)getpid());
        return mkdir(group, 0755);
}

static int remove_group(void **state) {
        if (*group) {
                assert_int_equal(rmdir(group), 0);
                snprintf(group, sizeof(group), "%s/cgroup", box);
                umount2(group, MNT_DETACH);
                rmdir(group);
        }
        return 0;
}

/* errno of an open in the control group; of mknod where @make */
static int try_in_group(const char *path, unsigned major, unsigned minor) {
        int status;
        pid_t child = fork();

        if (child == 0) {
                char procs[PATH_MAX + 16];
                int fd, made;

                snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
                fd = open(procs, O_WRONLY);
                if (fd < 0 || write(fd, "0", 1) != 1)
                        _exit(99);
                if (!path) {
                        made = mknod(in_box("/made"), S_IFCHR | 0600, makedev(major, minor));
                        status = made < 0 ? errno : 0;
                        unlink(in_box("/made"));
                        _exit(status);
                }
                _exit(open(path, O_RDWR) < 0 ? errno : 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        return WEXITSTATUS(status);
}

static int close_gate(const struct devnum *numbers, size_t n) {
        _cleanup_arena_ struct arena a = { 0 };
        struct bpf_insn *program;
        size_t len = gate_program(&a, numbers, n, &program);

        return gate_set(group, program, len);
}

static void the_gate_shuts_what_is_refused(void **state) {
        const struct devnum null = { 1, 3, false }, zero = { 1, 5, false };
        int r;

        if (!*group)
                skip();
        r = close_gate(&zero, 1);
        if (r == -EPERM || r == -ENOSYS)
                skip();
        assert_int_equal(r, 1);
        assert_int_equal(try_in_group("/dev/zero", 0, 0), EPERM);
        assert_int_equal(try_in_group("/dev/null", 0, 0), 0);
        assert_int_equal(try_in_group(NULL, 1, 5), EPERM);
        assert_int_equal(try_in_group(NULL, 1, 3), 0);
        assert_int_equal(close_gate(&zero, 1), 0); /* it is there */
        assert_int_equal(close_gate(&null, 1), 1);
        assert_int_equal(try_in_group("/dev/zero", 0, 0), 0);
        assert_int_equal(try_in_group("/dev/null", 0, 0), EPERM);
        assert_int_equal(gate_clear(group), 1);
        assert_int_equal(gate_clear(group), 0); /* there never was a second one */
        assert_int_equal(try_in_group("/dev/null", 0, 0), 0);
}

/* A hundred changes leave one program, which a process of the group feels at once. */
static void a_gate_is_exchanged_not_added(void **state) {
        if (!*group || close_gate(&(struct devnum){ 1, 5, false }, 1) < 0)
                skip();
        for (uint32_t i = 0; i < 100; i++)
                assert_int_equal(close_gate(&(struct devnum){ 226, i, false }, 1), 1);
        assert_int_equal(gate_clear(group), 1);
        assert_int_equal(gate_clear(group), 0);
}

static void no_group_no_gate(void **state) {
        struct bpf_insn *program;
        _cleanup_arena_ struct arena a = { 0 };
        size_t n = gate_program(&a, NULL, 0, &program);

        assert_int_equal(gate_set("/sys/fs/cgroup/no/such/group", program, n), -ENOENT);
        assert_int_equal(gate_clear("/sys/fs/cgroup/no/such/group"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(holdings_are_known_by_number),
                cmocka_unit_test(held_comes_back_as_it_was),
                cmocka_unit_test(the_largest_held_comes_back),
                cmocka_unit_test(damaged_lines_are_left_out),
                cmocka_unit_test(other_cards_and_left_numbers_are_refused),
                cmocka_unit_test(mig_instances_are_their_cards),
                cmocka_unit_test(a_recorded_card_is_found_by_serial_and_port),
                cmocka_unit_test(a_record_comes_back_as_it_was),
                cmocka_unit_test(what_cannot_be_listed_keeps_it_open),
                cmocka_unit_test(an_added_device_is_known_by_its_node),
                cmocka_unit_test(the_program_refuses_exactly_the_numbers),
                cmocka_unit_test_setup_teardown(the_gate_shuts_what_is_refused, make_group, remove_group),
                cmocka_unit_test_setup_teardown(a_gate_is_exchanged_not_added, make_group, remove_group),
                cmocka_unit_test(no_group_no_gate),
        };

        if (geteuid() != 0) {
                puts("needs root: it makes device nodes");
                return 77;
        }
        umask(0022);
        return cmocka_run_group_tests(tests, make_box, remove_box);
}
