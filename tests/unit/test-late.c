/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-late - random boots of a host whose driver makes its nodes late
 *
 * A container file is generated: lines for NVIDIA's nodes and kfd in every form that people
 * write them, between lines that are nobody's business. It goes through boots in which nodes
 * are there or not, modules loaded or not, the GPU itself without a driver, and dynamic majors
 * move, also to each other and to foreign drivers. The memory goes through the text of the policy
 * file each time. At each boot:
 *
 *   - a foreign line stays byte for byte;
 *   - no devN line and no mount entry without "optional" is left for what is not there;
 *   - no rule has a dynamic major that another driver has now;
 *   - what is named and not there is a warning;
 *   - applying twice changes nothing, nor does it change the memory.
 *
 * After the last boot, which has everything, the file is byte for byte what it was after the
 * first one, but for majors: it is the same as that of a container generated for them.
 *
 *     test-late [SEED [COUNT]]
 */
#include "model/conf/recognise.h"
#include "model/plan/edit/edit.h"
#include "model/plan/make.h"
#include "model/policy/memory.h"
#include "pve/settings.h"

#include <inttypes.h>

#define NODE "pve1"
#define MOST_LINES 64

enum { CARD0, CTL, MODESET, UVM, UVM_TOOLS, CAP1, CAP2, KFD, NAMES };
enum { DRIVER_UVM, DRIVER_CAPS, DRIVER_KFD, DRIVERS };

static const struct {
        const char *path;
        int driver; /* with a dynamic major, or -1 */
        uint32_t minor;
        bool optional_kind; /* one that a container may have or not */
} names[NAMES] = {
        [CARD0] = { "/dev/nvidia0", -1, 0, false },
        [CTL] = { "/dev/nvidiactl", -1, 255, false },
        [MODESET] = { "/dev/nvidia-modeset", -1, 254, true },
        [UVM] = { "/dev/nvidia-uvm", DRIVER_UVM, 0, true },
        [UVM_TOOLS] = { "/dev/nvidia-uvm-tools", DRIVER_UVM, 1, true },
        [CAP1] = { "/dev/nvidia-caps/nvidia-cap1", DRIVER_CAPS, 1, true },
        [CAP2] = { "/dev/nvidia-caps/nvidia-cap2", DRIVER_CAPS, 2, true },
        [KFD] = { "/dev/kfd", DRIVER_KFD, 0, true },
};
static const char *const drivers[DRIVERS] = { "nvidia-uvm", "nvidia-caps", "kfd" };

static uint64_t state;

static unsigned below(unsigned n) {
        uint64_t z = state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return (unsigned)((z ^ (z >> 31)) % n);
}

static bool chance(unsigned percent) {
        return below(100) < percent;
}

/* ---- the host ---- */

struct boot {
        uint32_t major[DRIVERS]; /* 0: not loaded */
        uint32_t foreign[2];     /* majors of other drivers */
        bool there[NAMES];
        bool driver; /* NVIDIA's has the card */
};

/* Neighbours, so that they often take each other's. */
static void draw_majors(struct boot *b) {
        uint32_t all[] = { 234, 235, 236, 237, 238, 510, 511 };
        size_t n = ELEMENTS(all);

        for (size_t i = 0; i < DRIVERS + ELEMENTS(b->foreign); i++) {
                size_t k = below((unsigned)n);

                *(i < DRIVERS ? &b->major[i] : &b->foreign[i - DRIVERS]) = all[k];
                all[k] = all[--n];
        }
}

static struct boot full_boot(void) {
        struct boot b = { .driver = true };

        draw_majors(&b);
        memset(b.there, true, sizeof(b.there));
        return b;
}

static struct boot any_boot(const struct boot *before) {
        struct boot b = *before;

        b.driver = chance(85);
        if (chance(50) || !before->major[0] || !before->major[1] || !before->major[2])
                draw_majors(&b);
        for (int i = 0; i < DRIVERS; i++)
                if (chance(30) || (i != DRIVER_KFD && !b.driver))
                        b.major[i] = 0;
        for (int i = 0; i < NAMES; i++)
                b.there[i] = chance(60) && (i == KFD || b.driver) &&
                             (names[i].driver < 0 || b.major[names[i].driver]);
        return b;
}

struct host {
        struct facts facts;
        struct gpu gpus[2];
        struct node card, shared[NAMES], render;
        struct char_major majors[8];
};

static struct node node_of(const struct boot *b, int i) {
        int driver = names[i].driver;

        return (struct node){ .kind = i == KFD ? NODE_KFD : NODE_NVIDIA,
                              .path = names[i].path,
                              .number = { driver < 0 ? 195 : b->major[driver], names[i].minor, false },
                              .state = b->there[i] ? NODE_CHAR : NODE_ABSENT,
                              .mode = 0666 };
}

/* As the probe sees it: a number is known as soon as its driver is loaded, a cap by its node. */
static void make_host(const struct boot *b, struct host *h) {
        size_t n = 0;

        *h = (struct host){
                .gpus = { { .address = "0000:01:00.0", .pci = true, .class = 0x030000,
                            .ids = { 0x10de, 0x2504, 0x1462, 0x397d },
                            .driver = b->driver ? "nvidia" : NULL },
                          { .address = "0000:02:00.0", .pci = true, .class = 0x030000,
                            .ids = { 0x1002, 0x744c, 0x1da2, 0x471e }, .driver = "amdgpu" } },
                .card = node_of(b, CARD0),
                .render = { NODE_RENDER, "/dev/dri/renderD128", { 226, 128, false }, NODE_CHAR,
                            0, 0, 0666 },
        };
        h->gpus[0].nodes = &h->card;
        h->gpus[0].n_nodes = b->driver;
        h->gpus[1].nodes = &h->render;
        h->gpus[1].n_nodes = 1;
        for (int i = CTL; i < NAMES; i++) {
                bool known = i == KFD ? b->major[DRIVER_KFD] != 0
                             : i == CTL || b->there[i] ? b->driver
                                                       : b->driver && names[i].driver == DRIVER_UVM &&
                                                                 b->major[DRIVER_UVM];

                if (known)
                        h->shared[h->facts.n_shared++] = node_of(b, i);
        }
        h->majors[n++] = (struct char_major){ 226, "drm" };
        if (b->driver)
                h->majors[n++] = (struct char_major){ 195, "nvidia" };
        for (int i = 0; i < DRIVERS; i++)
                if (b->major[i])
                        h->majors[n++] = (struct char_major){ b->major[i], drivers[i] };
        for (size_t i = 0; i < ELEMENTS(b->foreign); i++)
                h->majors[n++] = (struct char_major){ b->foreign[i], i ? "hailo" : "media" };
        h->facts.gpus = h->gpus;
        h->facts.n_gpus = 2;
        h->facts.shared = h->shared;
        h->facts.majors = h->majors;
        h->facts.n_majors = n;
}

/* ---- the container file, as a list of lines of which some have a major in it ---- */

struct line {
        char text[160]; /* "@" stands for the major of @driver */
        int driver, name; /* -1: none */
};

struct file {
        struct line lines[MOST_LINES];
        size_t n;
};

static void add(struct file *f, int name, int driver, const char *text) {
        struct line *l = &f->lines[f->n++];

        l->name = name;
        l->driver = driver;
        snprintf(l->text, sizeof(l->text), "%s", text);
}

static const char *one_of(const char *const *list, size_t n) {
        return list[below((unsigned)n)];
}
#define ONE_OF(...)                                                                                \
        one_of((const char *const[]){ __VA_ARGS__ },                                               \
               sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void add_foreign(struct arena *a, struct file *f) {
        add(f, -1, -1,
            ONE_OF("", "lxc.cgroup2.devices.allow: c 10:200 rwm", "lxc.apparmor.profile: unconfined",
                   "lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file",
                   "lxc.cgroup2.devices.allow: c 189:* rwm # usb", "lxc.cap.drop:",
                   arena_printf(a, "lxc.environment: A=%u", below(9))));
}

static void add_dev(struct arena *a, struct file *f, int i) {
        const char *path = names[i].path;

        add(f, i, -1,
            arena_printf(a, "dev%u:%s%s", (unsigned)f->n, ONE_OF(" ", "  "),
                         ONE_OF(arena_printf(a, "%s,mode=0666", path),
                                arena_printf(a, "mode=0660,path=%s,uid=1000", path),
                                arena_printf(a, "path=%s", path), path)));
}

static void add_mount(struct arena *a, struct file *f, int i) {
        add(f, i, -1,
            arena_printf(a, "lxc.mount.entry: %s%s%s none%s%s%s", names[i].path, ONE_OF(" ", "\t", "  "),
                         names[i].path + 1, ONE_OF(" ", "   "),
                         ONE_OF("bind,optional,create=file", "create=file,optional,rw,bind",
                                "bind,create=file", "bind,optional,create=file"),
                         ONE_OF("", "", " 0 0", "\t0  0")));
}

static void add_rule(struct arena *a, struct file *f, int i, bool wide) {
        const char *access = ONE_OF("rwm", "rw", "rwm # guide");

        if (names[i].driver < 0)
                add(f, i, -1,
                    arena_printf(a, "lxc.cgroup2.devices.allow: c 195:%u %s", names[i].minor, access));
        else if (wide && names[i].driver != DRIVER_CAPS)
                add(f, i, names[i].driver,
                    arena_printf(a, "lxc.cgroup2.devices.allow: c @:* %s", access));
        else
                add(f, i, names[i].driver,
                    arena_printf(a, "lxc.cgroup2.devices.allow:%sc @:%u %s", ONE_OF(" ", "  "),
                                 names[i].minor, access));
}

/* devN lines first, as Proxmox has them; a rule for a mount stands before or behind it. */
static void make_file(struct arena *a, struct file *f) {
        bool have[NAMES], dev[NAMES];

        f->n = 0;
        for (int i = 0; i < NAMES; i++) {
                have[i] = !names[i].optional_kind || chance(70);
                dev[i] = chance(40);
                if (have[i] && dev[i])
                        add_dev(a, f, i);
        }
        add(f, -1, -1, "hostname: cuda");
        if (chance(50))
                add(f, -1, -1, "unprivileged: 1");
        for (int i = 0; i < NAMES; i++) {
                bool before = chance(50), wide = chance(40);

                if (chance(30))
                        add_foreign(a, f);
                if (!have[i] || (dev[i] && chance(70)))
                        continue;
                if (before)
                        add_rule(a, f, i, wide);
                if (chance(20))
                        add_foreign(a, f);
                if (!dev[i])
                        add_mount(a, f, i);
                if (!before)
                        add_rule(a, f, i, wide);
        }
}

static struct bytes write_file(struct arena *a, const struct file *f, const struct boot *b) {
        struct strbuf out = { .arena = a };

        for (size_t i = 0; i < f->n; i++) {
                for (const char *c = f->lines[i].text; *c; c++)
                        if (*c == '@' && f->lines[i].driver >= 0)
                                strbuf_printf(&out, "%u", b->major[f->lines[i].driver]);
                        else
                                strbuf_add(&out, c, 1);
                strbuf_adds(&out, "\n");
        }
        return strbuf_bytes(&out);
}

/* ---- a start ---- */

struct container {
        struct bytes conf, policy;
        struct findings said;
};

static void look_up(struct arena *a, struct host *h, const struct pctconf *conf) {
        h->facts.sources = (struct sources){ 0 };
        recognise_ask(a, conf, &h->facts.sources);
        for (size_t i = 0; i < h->facts.sources.n; i++) {
                struct source *s = &h->facts.sources.items[i];

                s->kind = SOURCE_NOTHING;
                s->leads_to = s->path;
                for (size_t j = 0; j < h->facts.n_shared; j++)
                        if (streq(h->shared[j].path, s->path) && h->shared[j].state == NODE_CHAR)
                                *s = (struct source){ s->path, SOURCE_DEVICE, h->shared[j].number,
                                                      s->path };
                if (h->gpus[0].n_nodes > 0 && h->card.state == NODE_CHAR && streq(s->path, h->card.path))
                        *s = (struct source){ s->path, SOURCE_DEVICE, h->card.number, s->path };
        }
}

/* What src/anchor does, without a disk. */
static void start(struct arena *a, struct host *h, struct container *c) {
        struct settings own = { .problems.arena = a };
        struct pctconf conf;
        struct survey s;
        struct plan plan;
        struct plan_input in = { .facts = &h->facts, .policy = &own.policy, .node = NODE, .vmid = 101,
                                 .name = "101.conf", .conf = &conf, .survey = &s };
        struct edit edit = { .in = &in, .plan = &plan, .conf = &conf };
        struct edit_memory memory;

        policy_init(a, &own.policy);
        settings_parse(&own, SETTINGS_CONTAINER, "101.conf", c->policy);
        if (own.problems.n > 0) {
                printf("# policy: %s\n", own.problems.items[0].what);
                abort();
        }
        /* kfd is amdgpu's: a container of both cards */
        own.policy.gpus = (struct gpu_sel[]){ { .kind = SEL_PCI, .text = "pci:a", .name = "0000:01:00.0" },
                                              { .kind = SEL_PCI, .text = "pci:b", .name = "0000:02:00.0" } };
        own.policy.n_gpus = 2;
        h->facts.then = own.policy.majors;
        c->said = (struct findings){ .arena = a };
        pctconf_parse(a, PCTCONF_PVE, c->conf, &conf);
        for (size_t i = 0; i < own.policy.parked.n; i++)
                pctconf_park(&conf, &own.policy.parked.lines[i]);
        look_up(a, h, &conf);
        survey_make(a, &h->facts, &conf, &s);
        plan_make(a, &in, &c->said, &plan);
        edit_apply(a, &edit, &c->said, &memory);
        c->conf = pctconf_write(&conf);
        own.policy.parked = memory.parked;
        own.policy.majors = memory.majors;
        c->policy = policy_remember(a, c->policy, NULL, &own.policy);
}

/* ---- properties ---- */

static bool has_line(struct bytes conf, const char *line) {
        while (conf.len > 0)
                if (bytes_equal(bytes_cut(&conf, '\n'), bytes_of(line)))
                        return true;
        return false;
}

static bool names_path(struct bytes line, const char *path) {
        const char *found = memmem(line.data, line.len, path, strlen(path));
        const char *end = found ? found + strlen(path) : NULL;

        return found && (end == line.data + line.len || strchr(" \t,", *end));
}

static const char *wrong_line(struct arena *a, const struct boot *b, struct bytes line) {
        for (int i = 0; i < NAMES; i++)
                if (names_path(line, names[i].path) && !b->there[i] &&
                    (bytes_has_prefix(line, "dev") || !bytes_contains(line, "optional")))
                        return "ends the start";
        for (size_t i = 0; i < ELEMENTS(b->foreign); i++)
                if (bytes_contains(line, arena_printf(a, "c %u:", b->foreign[i])))
                        return "opens a foreign device";
        return NULL;
}

static bool is_said(const struct container *c, const char *path) {
        for (size_t i = 0; i < c->said.n; i++)
                if (c->said.items[i].what && streq(c->said.items[i].what, path) &&
                    finding_severity(&c->said.items[i]) <= SEV_WARNING)
                        return true;
        return false;
}

static const char *wrong(struct arena *a, const struct file *f, const struct boot *b,
                         const struct container *c) {
        struct bytes rest = c->conf;

        for (size_t i = 0; i < f->n; i++) {
                const struct line *l = &f->lines[i];

                if (l->name < 0 && !has_line(c->conf, l->text))
                        return arena_printf(a, "a foreign line is gone: %s", l->text);
                if (l->name >= 0 && !b->there[l->name] && (b->driver || l->name == KFD) &&
                    !str_has_prefix(l->text, "lxc.cgroup2") && !is_said(c, names[l->name].path))
                        return arena_printf(a, "nothing is said of %s", names[l->name].path);
        }
        while (rest.len > 0) {
                struct bytes line = bytes_cut(&rest, '\n');
                const char *why = wrong_line(a, b, line);

                if (why)
                        return arena_printf(a, "%s: %.*s", why, (int)line.len, line.data);
        }
        return NULL;
}

static const char *boot(struct arena *a, const struct file *f, const struct boot *b,
                        struct container *c) {
        struct container again;
        struct host h;
        const char *why;

        make_host(b, &h);
        start(a, &h, c);
        why = wrong(a, f, b, c);
        if (why)
                return why;
        again = *c;
        start(a, &h, &again);
        if (!bytes_equal(again.conf, c->conf))
                return arena_printf(a, "a second start changes the file:\n%.*s", (int)again.conf.len,
                                    again.conf.data);
        return bytes_equal(again.policy, c->policy)
                       ? NULL
                       : arena_printf(a, "a second start changes the memory:\n%.*s",
                                      (int)again.policy.len, again.policy.data);
}

static const char *play(struct arena *a, struct container *c) {
        struct boot b = full_boot();
        struct file f;
        struct container fresh;
        const char *why;
        unsigned n = 1 + below(5);

        make_file(a, &f);
        *c = (struct container){ .conf = write_file(a, &f, &b) };
        why = boot(a, &f, &b, c);
        for (unsigned i = 0; i < n && !why; i++) {
                b = any_boot(&b);
                why = boot(a, &f, &b, c);
        }
        if (why)
                return why;
        b = full_boot();
        why = boot(a, &f, &b, c);
        if (why)
                return why;
        fresh = (struct container){ .conf = write_file(a, &f, &b) };
        why = boot(a, &f, &b, &fresh);
        return why ? why
               : bytes_equal(fresh.conf, c->conf)
                       ? NULL
                       : arena_printf(a, "the last file is not the first one, which is:\n%.*s",
                                      (int)fresh.conf.len, fresh.conf.data);
}

int main(int argc, char **argv) {
        uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
        uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 2000, bad = 0;

        for (uint64_t seed = first; seed < first + count; seed++) {
                struct arena a = { 0 };
                struct container c = { 0 };
                const char *why;

                state = seed;
                why = play(&a, &c);
                if (why && bad++ < 3)
                        printf("seed %" PRIu64 ": %s\n--- the file\n%.*s--- the policy\n%.*s\n", seed,
                               why, (int)c.conf.len, c.conf.data, (int)c.policy.len, c.policy.data);
                arena_done(&a);
        }
        printf("%" PRIu64 " containers from seed %" PRIu64 ", %" PRIu64 " wrong\n", count, first, bad);
        return bad > 0;
}
