/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-histories - random histories of a host, and an oracle that knows the silicon
 *
 * A host has slots with cards in them; containers were given a card each. Cards come, go,
 * change slots, lose their driver; buses shift; the host is looked at and containers start
 * in between. The oracle knows which piece of silicon each container was given, where it
 * sits, and what a look could see. It counts a wrong card, and "none" where what was seen
 * tells the card. It shares no code with the decision.
 *
 * In a quarter of the histories the cards are accelerators, at most two at a time, beside a GPU that
 * stays: the container was given the one that was there alone, or it has a line for one, which was
 * seen, and is managed later. The programs play none of these.
 *
 * test-histories [SEED [COUNT]]: in process, 10 000 of them: facts, container files, policies and
 * what the host remembers go through the decision, the files as texts
 * test-histories --programs HOOK MKHOST GPUANCHOR [SEED [COUNT]]: the hook on a folder, and the
 * verbs that an owner uses while containers run; seed 0 is GPUANCHOR_SEED, or else the time
 */
#include "start-stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 7, CARDS = 24, CONTAINERS = 4, MODELS = 2, FUNCTIONS = 3 }; /* model 0: AMD, 1: NVIDIA */

/* What kind of serial number a piece of silicon has. */
enum silicon_serial { WITHOUT, UNIQUE, BOGUS };

struct silicon {
        unsigned model;
        enum silicon_serial serial;
        int slot; /* -1: in the drawer */
        bool readable;
        bool held;         /* by vfio-pci: nobody gets it, and nothing can be read of it */
        unsigned functions; /* virtual ones */
        bool ever_read; /* by a look */
        int read_in;
        bool looked; /* the last look saw it */
        char text[32];
};

/* What a policy says of its card: it is written at a start, while looks follow the card. */
struct written {
        int card, slot, taken_for;
        const char *serial;
        bool bare;
        enum track_result result;
};

struct container {
        bool used, pinned;
        bool lined;   /* it has a line for its card, which was seen; starts are tried, and not done */
        bool stopped; /* no start: the host alone remembers what becomes of its card */
        bool lost, was_lost; /* which card is meant cannot be known; at the last judgement */
        bool unseen;        /* after an exchange that no look can see: another card is no mistake */
        bool lone; /* at the last look the only card of its model had gone, and one had come */
        bool unsure;        /* pinned while its serial number, known elsewhere, was not readable */
        unsigned function;  /* a virtual one of the card; 0: the card */
        int card, first;    /* the one that its owner means, now and at first */
        int slot;           /* where it was when it was given last */
        const char *serial; /* that it showed last; a card without one may sit in its place */
        int taken_for;      /* it showed nothing where this card had: its pin has that serial; -1: none */
        bool bare;          /* it was readable when it was given last, and showed none */
        enum track_result result, was; /* of the last judgement, of the one before */
        bool beside[CONTAINERS]; /* its card and that of the other one were given at one time */
        struct written written;
        struct stage_container stage;
};

struct world {
        struct arena arena;
        uint64_t random;
        unsigned bus, root, dock;
        bool accel; /* the cards are accelerators, which no selector names */
        struct silicon cards[CARDS];
        struct container containers[CONTAINERS];
        struct stage stage;
        struct stage_container *stage_containers[CONTAINERS];
        unsigned histories;
        bool bogus_shared[MODELS];
        bool forgotten;   /* the history, since the last look */
        bool new_history; /* or since the one before */
        int before_look[SLOTS];
        int looked[SLOTS]; /* which card a look saw in a slot last */
        int shown[SLOTS];  /* which one showed its serial number there last; nothing else since */
        unsigned looked_root, looked_dock;
        char log[16 * 1024];
        size_t logged;
};

static unsigned wrong, none, told, judged;

static unsigned pick(struct world *w, unsigned n) {
        w->random ^= w->random << 13;
        w->random ^= w->random >> 7;
        w->random ^= w->random << 17;
        return (unsigned)(w->random >> 33) % n;
}

static void note(struct world *w, const char *format, ...) _printf_(2, 3);
static void note(struct world *w, const char *format, ...) {
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(w->log + w->logged, sizeof(w->log) - w->logged, format, args);
        va_end(args);
        if (n > 0 && w->logged + (size_t)n < sizeof(w->log))
                w->logged += (size_t)n;
}

static int card_in(const struct world *w, int slot) {
        for (int i = 0; i < CARDS; i++)
                if (w->cards[i].slot == slot)
                        return i;
        return -1;
}

/* Slots 5 and 6 are in a dock. */
static const char *port_of(struct world *w, int slot) {
        return slot < 5 ? arena_printf(&w->arena, "pci%04x:00/%02x.1/00.0", w->root, 1 + slot)
                        : arena_printf(&w->arena, "pci%04x:00/07.%u/00.0/%02x.0/00.0", w->root,
                                       w->dock, slot);
}

/* ---- what a look sees ---- */

/* Its number among render nodes: another one after each shift of buses. */
static unsigned render_of(const struct world *w, int slot) {
        unsigned before = 0, all = 0;

        for (int i = 0; i < SLOTS; i++) {
                before += i < slot && card_in(w, i) >= 0;
                all += card_in(w, i) >= 0;
        }
        return 128 + (before + w->bus) % all;
}

static unsigned bus_of(const struct world *w, int slot) {
        unsigned bus = w->bus;

        for (int i = 0; i < slot; i++)
                bus += card_in(w, i) >= 0;
        return bus;
}

static struct node render_node(struct world *w, unsigned minor) {
        if (w->accel)
                return (struct node){ .kind = NODE_ACCEL,
                                      .path = arena_printf(&w->arena, "/dev/accel/accel%u",
                                                           minor - 128),
                                      .number = { 261, minor - 128, false },
                                      .state = NODE_CHAR,
                                      .gid = 104,
                                      .mode = 0660 };
        return (struct node){ .kind = NODE_RENDER,
                              .path = arena_printf(&w->arena, "/dev/dri/renderD%u", minor),
                              .number = { 226, minor, false },
                              .state = NODE_CHAR,
                              .gid = 104,
                              .mode = 0660 };
}

static const char *address_of(struct world *w, int slot, unsigned function) {
        return arena_printf(&w->arena, "0000:%02x:00.%u", bus_of(w, slot), function);
}

static unsigned function_render(const struct world *w, int slot, unsigned function) {
        return 140 + ((unsigned)slot * FUNCTIONS + function - 1 + w->bus) % (SLOTS * FUNCTIONS);
}

static const char *driver_of(const struct world *w, const struct silicon *s) {
        return s->held         ? "vfio-pci"
               : w->accel      ? "amdxdna"
               : s->model == 1 ? "nvidia"
               : s->readable   ? "amdgpu"
                               : "other";
}

static struct gpu function_in(struct world *w, const struct gpu *whole, int slot, unsigned function) {
        struct gpu g = { .address = address_of(w, slot, function),
                         .pci = true,
                         .ids = whole->ids,
                         .class = whole->class,
                         .driver = whole->driver,
                         .physfn = whole->address,
                         .function = function };

        *ARENA_PUSH(&w->arena, g.nodes, g.n_nodes) =
                render_node(w, function_render(w, slot, function));
        return g;
}

static struct gpu gpu_in(struct world *w, int slot) {
        const struct silicon *s = &w->cards[card_in(w, slot)];
        struct gpu g = {
                .address = address_of(w, slot, 0),
                .pci = true,
                .ids = { 0x1002, 0x7300 + s->model, 0x1043, 0x0001 },
                .class = w->accel ? 0x120000 : 0x030000,
                .driver = driver_of(w, s),
                .port = port_of(w, slot),
                .none = s->model == 0 && s->readable && s->serial == WITHOUT
                                ? SERIAL_BIT(SERIAL_AMD)
                                : 0,
        };

        if (s->readable && s->serial != WITHOUT)
                g.serials[s->model == 0 ? SERIAL_AMD : SERIAL_NVIDIA] =
                        arena_strdup(&w->arena, s->text);
        if (!s->held)
                *ARENA_PUSH(&w->arena, g.nodes, g.n_nodes) = render_node(w, render_of(w, slot));
        return g;
}

/* Beside accelerators: what the policies name. */
static void observe_gpu(struct world *w, struct facts *f) {
        struct gpu g = { .address = "0000:00:02.0",
                         .pci = true,
                         .ids = { 0x8086, 0x46a6, 0x1043, 0x0001 },
                         .class = 0x030000,
                         .driver = "i915",
                         .port = "pci0000:00/02.0" };

        *ARENA_PUSH(&w->arena, g.nodes, g.n_nodes) = (struct node){ .kind = NODE_RENDER,
                                                                    .path = "/dev/dri/renderD128",
                                                                    .number = { 226, 128, false },
                                                                    .state = NODE_CHAR,
                                                                    .gid = 104,
                                                                    .mode = 0660 };
        *ARENA_PUSH(&w->arena, f->gpus, f->n_gpus) = g;
}

static struct facts observe(struct world *w) {
        struct facts f = { .groups[GID_RENDER] = { true, 104 } };

        if (w->accel)
                observe_gpu(w, &f);
        for (int slot = 0; slot < SLOTS; slot++) {
                const struct silicon *s = &w->cards[card_in(w, slot) < 0 ? 0 : card_in(w, slot)];
                struct gpu g;

                if (card_in(w, slot) < 0)
                        continue;
                g = gpu_in(w, slot);
                *ARENA_PUSH(&w->arena, f.gpus, f.n_gpus) = g;
                for (unsigned i = 1; i <= s->functions && !s->held; i++)
                        *ARENA_PUSH(&w->arena, f.gpus, f.n_gpus) = function_in(w, &g, slot, i);
        }
        return f;
}

/* ---- the real programs, on a folder ---- */

/*
 * Each look is a boot of a host of its own: tests/mkhost.sh makes it of what is in the slots, with
 * what /var and /etc/pve had before, and the hook starts each container. A card was given when the
 * container's file has a line for its render node.
 */
static struct { const char *folder, *mkhost, *hook, *gpuanchor; } programs;

struct outcome {
        enum track_result result;
        int given; /* piece of silicon, -1: none */
        unsigned function; /* of it */
};

static void run(const char *format, ...) _printf_(1, 2);
static void run(const char *format, ...) {
        char command[2048];
        va_list args;

        va_start(args, format);
        vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        if (system(command) != 0) {
                fprintf(stderr, "failed: %s\n", command);
                abort();
        }
}

/* A verb that may refuse, which is no mistake. */
static bool try(const char *format, ...) _printf_(1, 2);
static bool try(const char *format, ...) {
        char command[1024];
        va_list args;
        int n = snprintf(command, sizeof(command), "GPUANCHOR_ROOT=%s/host %s ", programs.folder,
                         programs.gpuanchor);

        va_start(args, format);
        n += vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
        va_end(args);
        snprintf(command + n, sizeof(command) - (size_t)n, " >%s/out 2>&1 </dev/null",
                 programs.folder);
        return system(command) == 0;
}

static FILE *create(const char *name) {
        char path[512];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", programs.folder, name);
        f = fopen(path, "w");
        if (!f)
                abort();
        return f;
}

static void describe_under(const struct world *w, FILE *f, int slot) {
        if (slot < 5)
                fprintf(f, "under=%04x:00:%02x.1\n", w->root, 1 + slot);
        else
                fprintf(f, "under=%04x:00:07.%u/%04x:e0:00.0/%04x:e1:%02x.0\n", w->root, w->dock,
                        w->root, w->root, slot);
}

static void describe_card(const struct world *w, FILE *f, int slot) {
        const struct silicon *s = &w->cards[card_in(w, slot)];
        unsigned bus = bus_of(w, slot), render = render_of(w, slot);
        unsigned vendor = s->model == 0 ? 0x1002 : 0x10de;
        bool amd = s->model == 0, has = s->serial != WITHOUT;

        fprintf(f, "pci 0000:%02x:00.0 class=030000 id=%04x:%04x sub=1043:0001 driver=%s ", bus,
                vendor, 0x7300 + s->model, driver_of(w, s));
        if (amd)
                fprintf(f, "unique_id=%s ", has ? s->text : "none");
        describe_under(w, f, slot);
        if (s->held)
                return;
        fprintf(f, "drm 0000:%02x:00.0 card=%u render=%u\n", bus, render - 128, render);
        if (!amd)
                fprintf(f, "nvidia 0000:%02x:00.0 %u uuid=GPU-%s\n", bus, render - 128,
                        has && s->readable ? s->text : "????????");
        for (unsigned i = 1; i <= s->functions; i++) {
                unsigned minor = function_render(w, slot, i);

                fprintf(f, "pci 0000:%02x:00.%u class=030000 id=%04x:%04x sub=1043:0001 driver=%s "
                           "physfn=0000:%02x:00.0 ",
                        bus, i, vendor, 0x7300 + s->model, driver_of(w, s), bus);
                describe_under(w, f, slot);
                fprintf(f, "drm 0000:%02x:00.%u card=%u render=%u\n", bus, i, minor - 128, minor);
        }
}

static void boot(const struct world *w, bool with_look) {
        FILE *f = create("this.host");

        fputs("pve pve1\ngroup video 44\ngroup render 104\nsubgid root:100000:65536\n"
              "major 195 nvidia\nnode /dev/nvidiactl c 195 255 root:root 0666\n"
              "file /etc/pve/lxc/199.conf\n| hostname: look\n| unprivileged: 1\n"
              "| hookscript: local:snippets/gpuanchor-hook\n"
              "file /etc/pve/gpuanchor/199.conf\n| [container]\n| gpu = all\n",
              f);
        for (int slot = 0; slot < SLOTS; slot++)
                if (card_in(w, slot) >= 0)
                        describe_card(w, f, slot);
        fclose(f);
        run("cd %s && rm -rf kept && if [ -d host ]; then mkdir kept && cp -R "
            "host/var/lib/gpuanchor "
            "kept && mkdir kept/lxc kept/policy && cp host/etc/pve/lxc/1*.conf kept/lxc && cp "
            "host/etc/pve/gpuanchor/1*.conf kept/policy; fi && rm -rf host && sh %s this.host host "
            "&& "
            "if [ -d kept ]; then rm -f kept/*/199.conf && cp -R kept/gpuanchor host/var/lib/ && "
            "cp -R "
            "kept/lxc/. host/etc/pve/lxc/ && cp -R kept/policy/. host/etc/pve/gpuanchor/; fi",
            programs.folder, programs.mkhost);
        run("cd %s/host && mkdir -p usr/libexec/gpuanchor usr/sbin var/lib/vz/snippets && "
            "cp %s usr/libexec/gpuanchor/gpuanchor-hook && ln -sf "
            "/usr/libexec/gpuanchor/gpuanchor-hook var/lib/vz/snippets && "
            "printf '#!/bin/sh\\necho \"hookscript: $4\" >>%s/host/etc/pve/lxc/$2.conf\\n' "
            ">usr/sbin/pct && chmod +x usr/sbin/pct",
            programs.folder, programs.hook, programs.folder);
        if (with_look)
                run("GPUANCHOR_ROOT=%s/host %s 199 pre-start >/dev/null", programs.folder,
                    programs.hook);
}

static const char *read_text(struct world *w, const char *name) {
        char path[512], *text = arena_alloc(&w->arena, 64 * 1024);
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", programs.folder, name);
        f = fopen(path, "r");
        if (!f)
                abort();
        text[fread(text, 1, 64 * 1024 - 1, f)] = '\0';
        fclose(f);
        return text;
}

static void find_given(const struct world *w, const char *conf, struct outcome *ret) {
        const char *name = w->accel ? "/dev/accel/accel" : "/dev/dri/renderD";
        const char *line = strstr(conf, name);
        unsigned render = line ? (unsigned)atoi(line + strlen(name)) + (w->accel ? 128 : 0) : 0;

        ret->given = -1;
        for (int slot = 0; line && slot < SLOTS; slot++) {
                int i = card_in(w, slot);

                if (i >= 0 && render == render_of(w, slot))
                        ret->given = i;
                for (unsigned n = 1; i >= 0 && n <= w->cards[i].functions; n++)
                        if (render == function_render(w, slot, n)) {
                                ret->given = i;
                                ret->function = n;
                        }
        }
}

/*
 * "pin 101 12 here 0000:c1:00.0 ...": what the host remembers of container @i; the pin of an
 * accelerator stands behind that of its GPU, which `gpu = all` has not.
 */
static const char *remembered_pin(struct world *w, const char *pins, int i) {
        const char *start = arena_printf(&w->arena, "pin %d ", 100 + i);
        const char *pin = strstr(pins, start);

        if (pin && w->accel && strstr(pin + 1, start))
                pin = strstr(pin + 1, start);
        return pin ? strchr(pin + strlen("pin 100 "), ' ') + 1 : "";
}

static enum track_result state_of(const char *pin) {
        return str_has_prefix(pin, "missing")     ? TRACK_MISSING
               : str_has_prefix(pin, "ambiguous") ? TRACK_AMBIGUOUS
                                                  : TRACK_HERE;
}

/* The card of a pin may be there, and nothing of it be given: it is held, or without that function. */
static void find_idle(struct world *w, int i, const char *pin, struct outcome *o) {
        unsigned function = w->containers[i].function;

        for (int slot = 0; slot < SLOTS && str_has_prefix(pin, "here "); slot++) {
                int at = card_in(w, slot);

                if (o->given < 0 && at >= 0 &&
                    str_has_prefix(pin + strlen("here "), address_of(w, slot, 0)) &&
                    (w->cards[at].held || w->cards[at].functions < function)) {
                        o->given = at;
                        o->function = function;
                }
        }
}

static struct outcome start(struct world *w, int i) {
        static const struct {
                const char *said;
                enum track_result result;
        } said[] = {
                { "lead to the card", TRACK_CONFLICT },
                { "has never seen it", TRACK_REPLACED },
        };
        struct outcome o = { 0 };
        const char *out, *pin;

        run("GPUANCHOR_ROOT=%s/host %s %d pre-start >%s/out 2>&1", programs.folder, programs.hook,
            100 + i, programs.folder);
        out = read_text(w, "out");
        pin = remembered_pin(w, read_text(w, "host/var/lib/gpuanchor/host/pins"), i);
        o.result = state_of(pin);
        for (size_t j = 0; j < ELEMENTS(said); j++)
                if (strstr(out, said[j].said))
                        o.result = said[j].result;
        find_given(w, read_text(w, arena_printf(&w->arena, "host/etc/pve/lxc/%d.conf", 100 + i)),
                   &o);
        find_idle(w, i, pin, &o);
        return o;
}

/*
 * A stopped container is judged by what the host remembers of its pin: that is what its next start
 * begins with.
 */
static struct outcome remembered(struct world *w, int i, const char *pins) {
        const char *pin = remembered_pin(w, pins, i), *end = strchr(pin, '\n');
        const char *function = strstr(pin, " function=");
        struct outcome o = { .result = state_of(pin), .given = -1 };

        if (function && end && function < end)
                o.function = (unsigned)atoi(function + strlen(" function="));
        for (int slot = 0; slot < SLOTS && str_has_prefix(pin, "here "); slot++)
                if (card_in(w, slot) >= 0 &&
                    str_has_prefix(pin + strlen("here "), address_of(w, slot, 0)))
                        o.given = card_in(w, slot);
        return o;
}

static void judge_by_programs(struct world *w, struct outcome *ret) {
        const char *pins;

        for (int i = 0; i < CONTAINERS; i++)
                if (w->containers[i].pinned && !w->containers[i].stopped)
                        ret[i] = start(w, i);
        pins = read_text(w, "host/var/lib/gpuanchor/host/pins");
        for (int i = 0; i < CONTAINERS; i++)
                if (w->containers[i].pinned && w->containers[i].stopped)
                        ret[i] = remembered(w, i, pins);
}

/* Of the card that a container is enrolled with, or of its virtual function. */
static unsigned wanted_render(const struct world *w, int i) {
        const struct container *c = &w->containers[i];
        int slot = w->cards[c->card].slot;

        return c->function ? function_render(w, slot, c->function) : render_of(w, slot);
}

static const char *wanted_address(struct world *w, int i) {
        return address_of(w, w->cards[w->containers[i].card].slot, w->containers[i].function);
}

/* With lines of any card, and perhaps while it runs with them; the owner names the one he means. */
static void enrol_by_verb(struct world *w, int i) {
        FILE *f = create(arena_printf(&w->arena, "host/etc/pve/lxc/%d.conf", 100 + i));
        unsigned minor = 128 + pick(w, SLOTS);

        fprintf(f,
                "hostname: c%d\nunprivileged: 1\nnet0: name=eth0,hwaddr=BC:24:11:00:00:%02d\n"
                "dev0: /dev/dri/renderD%u,gid=104\n",
                i, i, minor);
        fclose(f);
        run("rm -f %s/host/etc/pve/gpuanchor/%d.conf", programs.folder, 100 + i);
        if (!try("enable --devices render --gpu pci:%s %d", wanted_address(w, i), 100 + i)) {
                note(w, "%s", read_text(w, "out"));
                wrong++; /* a clear choice of a card that is there */
        }
}

static void enrol_by_programs(struct world *w, int i) {
        FILE *f;

        if (pick(w, 2)) {
                enrol_by_verb(w, i);
                return;
        }
        f = create(arena_printf(&w->arena, "host/etc/pve/lxc/%d.conf", 100 + i));
        fprintf(f,
                "hookscript: local:snippets/gpuanchor-hook\nhostname: c%d\nunprivileged: 1\n"
                "net0: name=eth0,hwaddr=BC:24:11:00:00:%02d\n"
                "lxc.mount.entry: /dev/dri/renderD%u dev/dri/renderD%u none "
                "bind,optional,create=file\n",
                i, i, wanted_render(w, i), wanted_render(w, i));
        fclose(f);
        f = create(arena_printf(&w->arena, "host/etc/pve/gpuanchor/%d.conf", 100 + i));
        fprintf(f, "[container]\ndevices = render\ngpu = pci:%s\n", wanted_address(w, i));
        fclose(f);
        (void)start(w, i);
}

/* ---- the oracle ---- */

static bool bogus_twins(const struct world *w, unsigned model) {
        unsigned n = 0;

        for (int i = 0; i < CARDS; i++)
                n += w->cards[i].slot >= 0 && w->cards[i].model == model &&
                     w->cards[i].serial == BOGUS && w->cards[i].readable;
        return n > 1;
}

static bool serial_tells(const struct world *w, int i) {
        const struct silicon *s = &w->cards[i];

        return s->serial == UNIQUE || (s->serial == BOGUS && !w->bogus_shared[s->model]);
}

/* Whether a look can take what is in @slot now for card @i, which showed its serial number there.
 */
static bool may_still_be(const struct world *w, int i, int slot) {
        int is = card_in(w, slot);

        return i >= 0 && is >= 0 && w->cards[is].model == w->cards[i].model &&
               !(w->cards[i].slot >= 0 && w->cards[i].slot != slot && w->cards[i].readable) &&
               (is == i || !w->cards[is].readable ||
                (w->cards[is].model == 1 && w->cards[is].serial == WITHOUT));
}

/* Whether card @i, once its serial number is readable, is one that this host saw elsewhere. */
static bool may_have_come(const struct world *w, int i) {
        const struct silicon *s = &w->cards[i];
        bool bogus = false;

        for (int j = 0; j < CARDS; j++)
                bogus |= w->cards[j].serial == BOGUS && w->cards[j].model == s->model &&
                         w->cards[j].ever_read;
        return s->serial == BOGUS ? bogus : s->ever_read && w->shown[s->slot] != i;
}

/*
 * After a change of the host, what is known of the card that @c means. Its port tells as long
 * as cards of its model only came or only went since the last look.
 */
static void oracle_look(struct world *w, struct container *c) {
        const struct silicon *own = &w->cards[c->card];
        unsigned before = 0, outside = 0, gone = 0, come = 0;
        bool moved = false, exchanged = false,
             rearranged = w->looked_root != w->root || w->looked_dock != w->dock;

        for (int slot = 0; slot < SLOTS; slot++) {
                int was = w->looked[slot], is = card_in(w, slot);
                bool was_one = was >= 0 && w->cards[was].model == own->model;
                bool is_one = is >= 0 && w->cards[is].model == own->model;

                before += was_one;
                outside += was_one && slot < 5;
                exchanged |= was_one && is_one && was != is;
                exchanged |= is_one && w->cards[is].readable && w->shown[slot] >= 0 &&
                             w->shown[slot] != is;
                gone += was_one && !is_one;
                come += is_one && !was_one;
        }
        for (int i = 0; i < CARDS; i++) {
                const struct silicon *s = &w->cards[i];

                if (s->model != own->model || s->slot < 0)
                        continue;
                exchanged |= s->ever_read && s->read_in != s->slot;
                /* nothing was read at its port since ports were other ones: it may have come */
                exchanged |= s->serial == UNIQUE && s->readable && may_have_come(w, i);
                moved |= s->looked && w->looked[s->slot] != i;
        }
        if (moved || (gone > 0 && come > 0))
                c->lost = true;
        /* it was away, and is back elsewhere; or its port was renumbered meanwhile */
        if ((!own->looked && own->slot >= 0 && own->slot != c->slot) ||
            (rearranged && !own->looked))
                c->lost = true;
        /* another one in its place: whoever exchanged them knew */
        if (c->slot != own->slot && card_in(w, c->slot) >= 0 &&
            w->cards[card_in(w, c->slot)].model == own->model)
                c->lost = c->unseen = true;
        /* the serial number of many cards, while no look saw two of them that showed it */
        for (int i = 0; i < CARDS; i++)
                if (i != c->card && own->serial == BOGUS && !w->bogus_shared[own->model] &&
                    w->cards[i].serial == BOGUS && w->cards[i].model == own->model &&
                    (w->cards[i].slot >= 0 || w->cards[i].looked))
                        c->lost = c->unseen = true;
        /* the only one left, and the only one come: it looks like one that has moved */
        /* the only one, elsewhere now: or it is that of a pin whose card is not here */
        for (int i = 0; i < CONTAINERS; i++)
                if (rearranged && before == 1 && w->containers[i].used &&
                    w->containers[i].result != TRACK_HERE &&
                    w->cards[w->containers[i].card].model == own->model)
                        c->lost = true;
        c->lone = before == 1 && gone == 1 && come == 1;
        c->unseen |= c->lone;
        /* nothing but the root bus was numbered anew, or all of these cards are in the dock */
        if (rearranged && (exchanged || gone > 0 || come > 0))
                c->lost = c->unseen = true;
        if (w->looked_dock != w->dock && before > 1 && (outside > 0 || w->looked_root != w->root))
                c->lost = true;
}

/* ---- the program ---- */

static bool all_readable(const struct world *w, unsigned model) {
        for (int i = 0; i < CARDS; i++)
                if (w->cards[i].slot >= 0 && w->cards[i].model == model && !w->cards[i].readable)
                        return false;
        return true;
}

/*
 * Another card, or nothing says that it is this one. By their serial numbers; because it was
 * there while the pinned one was missing; or because another container has it, and both were
 * seen side by side.
 */
static bool is_known_other(const struct world *w, const struct container *c, int given) {
        const struct silicon *own = &w->cards[c->card], *s = &w->cards[given];
        bool shows = s->serial == UNIQUE && s->readable;
        bool known = own->serial == UNIQUE && c->serial && streq(c->serial, own->text);

        /* row 7: nothing but a card that this host never saw replaces one whose serial it knows */
        if (known && s->readable && (s->serial != WITHOUT || s->model == 0) &&
            (c->result != TRACK_REPLACED || !serial_tells(w, given) || s->ever_read ||
             !all_readable(w, own->model)))
                return true;
        /* it had none, or none could be read, and this one was seen elsewhere */
        if (shows && !c->serial && s->ever_read && (c->bare ||
                                                   (w->shown[s->slot] != given && c->taken_for != given)))
                return true;
        if (c->was == TRACK_MISSING && w->before_look[s->slot] == given)
                return true;
        /* what was not known is told by a serial number, or by its owner, and by nothing else */
        if (c->was == TRACK_AMBIGUOUS && !(s->readable && c->serial && streq(s->text, c->serial)))
                return true;
        /* a spare that had not shown its serial number is no new card */
        if (c->result == TRACK_REPLACED && s->looked && !w->new_history &&
            w->before_look[s->slot] != given)
                return true;
        for (int i = 0; i < CONTAINERS; i++) {
                const struct container *o = &w->containers[i];

                if (o == c || !o->used || o->card != given)
                        continue;
                /* a replacement that is another pin's, which does not know where its card is */
                if (c->result == TRACK_REPLACED && o->result >= TRACK_MISSING && !o->serial)
                        return true;
                if (!c->beside[i])
                        continue;
                if (c->lone ||
                    (o->first == given && !o->lost && !o->unseen && o->result == TRACK_HERE))
                        return true;
        }
        return false;
}

/* A serial number that two cards had at one time is no pin's any more. */
static void drop_shared(const struct world *w, struct container *c) {
        for (int i = 0; c->serial && i < CARDS; i++)
                if (streq(c->serial, w->cards[i].text) && !serial_tells(w, i))
                        c->serial = NULL;
}

/* What a pin knows of its card: it was read where it is now. */
static void remember_serial(const struct world *w, struct container *c) {
        const struct silicon *s = &w->cards[c->card];

        if (serial_tells(w, c->card) && s->readable)
                c->serial = s->text;
        if (w->shown[s->slot] >= 0)
                c->taken_for = w->shown[s->slot];
        c->bare = s->model == 0 && s->serial == WITHOUT && s->readable;
}

/* A start that gives no card leaves what it says of the card as it was. */
static void write_policy(struct container *c, int given) {
        c->written.result = c->result;
        if (given < 0)
                return;
        c->written =
                (struct written){ c->card, c->slot, c->taken_for, c->serial, c->bare, c->result };
}

/* Another container's pin leads to this card as well, because cards changed places unseen. */
static bool is_disputed(const struct world *w, const struct container *c) {
        const struct silicon *own = &w->cards[c->card];

        for (int i = 0; i < CONTAINERS; i++) {
                const struct container *o = &w->containers[i];

                if (o->used && o->card != c->card && o->serial && own->serial != WITHOUT &&
                    streq(o->serial, own->text))
                        return true;
                /* its pin did not know where the card is, so to it this one was another */
                if (o != c && o->used && o->was_lost && o->card == c->card)
                        return true;
                if (o->used && o->first != c->first && o->result == TRACK_CONFLICT)
                        return true;
        }
        return false;
}

static bool check(struct world *w, struct container *c, int given) {
        const struct silicon *own = &w->cards[c->card];
        bool shown = own->serial == UNIQUE && own->ever_read && own->readable && c->serial &&
                     streq(c->serial, own->text);
        bool tells = (shown || (!c->lost && !c->serial)) && !is_disputed(w, c);

        c->unsure |= own->slot >= 0 && may_have_come(w, c->card) && !c->serial;
        tells = tells && !c->unsure;
        judged++;
        note(w, "  %ld means %d in %d%s: %d given %d\n", (long)(c - w->containers), c->card,
             own->slot, c->lost ? " (lost)" : "", c->result, given);
        if (given >= 0 && c->serial && w->cards[given].serial != WITHOUT &&
            w->cards[given].readable && streq(w->cards[given].text, c->serial))
                c->card = given;
        if (given >= 0 && given != c->card && (!c->unseen || is_known_other(w, c, given))) {
                wrong++;
                return false;
        }
        if (given < 0 && own->slot >= 0 && !own->held && own->functions >= c->function && tells &&
            c->card == c->first) {
                none++;
                return false;
        }
        c->lost |= given < 0 && is_disputed(w, c);
        told += given >= 0;
        if (given >= 0) { /* from here on it is the one that is meant */
                c->card = given;
                c->lost = c->unseen = false;
                c->slot = w->cards[given].slot;
                remember_serial(w, c);
        }
        return true;
}

/* Pins that know one and the same serial number. */
static bool are_of_one_card(const struct container *a, const struct container *b) {
        return a->serial && b->serial && streq(a->serial, b->serial);
}

/*
 * Pins of cards that were given side by side never come out on one card, and pins of one serial
 * number never on two.
 */
static bool check_conflicts(struct world *w, const int *given) {
        for (int i = 0; i < CONTAINERS; i++)
                for (int j = 0; j < CONTAINERS; j++) {
                        bool *beside = &w->containers[i].beside[j];
                        bool one = are_of_one_card(&w->containers[i], &w->containers[j]);

                        if (given[i] >= 0 && given[j] >= 0 &&
                            (one ? given[i] != given[j] : *beside && given[i] == given[j])) {
                                note(w, "  %d and %d\n", i, j);
                                wrong++;
                                return false;
                        }
                        *beside |= given[i] >= 0 && given[j] >= 0 && given[i] != given[j];
                }
        return true;
}

static void judge_in_process(struct world *w, struct outcome *ret) {
        for (int i = 0; i < CONTAINERS; i++)
                if (w->containers[i].pinned && !w->containers[i].stopped) {
                        struct container *c = &w->containers[i];
                        struct stage trial = w->stage, *stage = c->lined ? &trial : &w->stage;
                        struct stage_container tried = c->stage, *s = c->lined ? &tried : &c->stage;

                        stage_start(&w->arena, stage, s);
                        ret[i].result = s->result;
                        find_given(w, bytes_dup(&w->arena, s->conf), &ret[i]);
                        find_idle(w, i, remembered_pin(w, bytes_dup(&w->arena, stage->pins), i),
                                  &ret[i]);
                }
        for (int i = 0; i < CONTAINERS; i++)
                if (w->containers[i].pinned && w->containers[i].stopped)
                        ret[i] = remembered(w, i, bytes_dup(&w->arena, w->stage.pins));
}

static void write_accel_policy(struct world *w, struct stage_container *c) {
        static const char *const gpus[] = { "pci:0000:00:02.0", "id:8086:46a6", "driver:i915",
                                            "auto", "all" };

        c->policy = bytes_of(arena_printf(&w->arena,
                                          "[container]\ndevices = render accel\ngpu = %s\n",
                                          gpus[pick(w, ELEMENTS(gpus))]));
}

static void enrol_accel(struct world *w, int i) {
        struct stage_container *c = &w->containers[i].stage;
        const char *line = "";

        if (w->containers[i].lined) {
                stage_disable(&w->arena, &w->stage, c);
                line = arena_printf(&w->arena, "dev1: /dev/accel/accel%u,gid=104\n",
                                    wanted_render(w, i) - 128);
        }
        write_accel_policy(w, c);
        c->conf = bytes_of(arena_printf(&w->arena, "dev0: /dev/dri/renderD128,gid=104\n%s", line));
}

/* Its owner enrols it, whatever has become of the card that its line named. */
static void enrol_late(struct world *w) {
        for (int i = 0; i < CONTAINERS; i++) {
                struct container *c = &w->containers[i];

                if (!c->lined || pick(w, 5))
                        continue;
                c->lined = false;
                note(w, "%d is enrolled late: %.*s", i, (int)c->stage.policy.len,
                     c->stage.policy.data);
        }
}

static void enrol_in_process(struct world *w, int i) {
        struct stage_container *c = &w->containers[i].stage;

        if (c->vmid == 0)
                w->stage_containers[w->stage.n_containers++] = c;
        c->vmid = (uint32_t)(100 + i);
        c->conf = bytes_of(arena_printf(&w->arena, "dev0: /dev/dri/renderD%u,gid=104\n",
                                        wanted_render(w, i)));
        c->policy = bytes_of(arena_printf(&w->arena,
                                          "[container]\ndevices = render\ngpu = pci:%s\n",
                                          wanted_address(w, i)));
        if (w->accel)
                enrol_accel(w, i);
        if (w->containers[i].lined)
                stage_see(&w->arena, &w->stage, c);
        else
                stage_start(&w->arena, &w->stage, c);
}

/*
 * Taken as the replacement: only so is a pin with a serial number given another one. A start says
 * so, but not where its policy is older than the serial number of the one before.
 */
static bool is_quiet_replacement(const struct world *w, const struct container *c, int given) {
        const struct silicon *s = &w->cards[given >= 0 ? given : 0];

        return given >= 0 && (c->stopped || !c->written.serial) && c->serial && s->readable &&
               s->serial != WITHOUT && !streq(c->serial, s->text);
}

static bool judge_all(struct world *w) {
        struct outcome outcomes[CONTAINERS] = { 0 };
        int given[CONTAINERS] = { -1, -1, -1, -1 };
        bool good = true;

        if (programs.folder)
                judge_by_programs(w, outcomes);
        else
                judge_in_process(w, outcomes);
        for (int i = 0; i < CONTAINERS; i++)
                if (w->containers[i].pinned) {
                        drop_shared(w, &w->containers[i]);
                        w->containers[i].was = w->containers[i].result;
                        w->containers[i].result = outcomes[i].result;
                        w->containers[i].was_lost = w->containers[i].lost;
                        given[i] = outcomes[i].given;
                        if (is_quiet_replacement(w, &w->containers[i], given[i]))
                                w->containers[i].result = TRACK_REPLACED;
                        if (given[i] >= 0 && outcomes[i].function != w->containers[i].function) {
                                note(w, "  %d is given function %u\n", i, outcomes[i].function);
                                wrong++;
                                good = false;
                        }
                }
        for (int i = CONTAINERS - 1; i >= 0; i--)
                if (w->containers[i].pinned) {
                        good = check(w, &w->containers[i], given[i]) && good;
                        if (!w->containers[i].stopped)
                                write_policy(&w->containers[i], given[i]);
                }
        return check_conflicts(w, given) && good;
}

/* The pin of a container knows the serial number of @card. */
static bool is_remembered(const struct world *w, int card) {
        for (int i = 0; i < CONTAINERS; i++) {
                const struct container *c = &w->containers[i];

                if (c->used && c->serial && streq(c->serial, w->cards[card].text))
                        return true;
        }
        return false;
}

/* No history of the host any more, but for what pins know. */
static void forget_seen(struct world *w) {
        for (int i = 0; i < CARDS; i++)
                w->cards[i].ever_read = w->cards[i].ever_read && is_remembered(w, i);
        for (int slot = 0; slot < SLOTS; slot++)
                w->shown[slot] = -1;
        for (unsigned model = 0; model < MODELS; model++)
                w->bogus_shared[model] = bogus_twins(w, model);
}

/*
 * The first version ran until now: pins, of gpu = auto alone, are addresses and ids, and nothing is
 * remembered of the host.
 * The look after the upgrade completes them while they fit, and each start gives what it gave.
 */
static bool upgrade(struct world *w) {
        struct outcome before[CONTAINERS] = { 0 }, after[CONTAINERS] = { 0 };
        bool good = true;

        for (int i = 0; i < CONTAINERS; i++) /* a policy of before has what it had at a start */
                if (w->containers[i].stopped)
                        return true;
        judge_by_programs(w, before);
        for (int i = 0; i < CONTAINERS; i++) /* of cards, and written anew, neighbours and all */
                if (w->containers[i].pinned &&
                    (before[i].given < 0 || before[i].result != TRACK_HERE ||
                     w->containers[i].function > 0 || w->cards[before[i].given].held))
                        return true;
        run("cd %s/host && rm -rf var/lib/gpuanchor/host && for f in etc/pve/gpuanchor/10*.conf; "
            "do [ ! -e $f ] || sed -i -e 's/^gpu = pci:.*/gpu = auto/' "
            "-e 's/^\\(\\(gpu\\|twin\\) = [^ ]* [^ ]* [^ ]*\\) .*/\\1/' $f; done",
            programs.folder);
        if (!try("look"))
                abort();
        judge_by_programs(w, after);
        for (int i = 0; i < CONTAINERS; i++) {
                struct container *c = &w->containers[i];

                if (!c->pinned)
                        continue;
                if (after[i].given != before[i].given || after[i].function != before[i].function) {
                        note(w, "  upgraded: %d given %d instead of %d\n", i, after[i].given,
                             before[i].given);
                        after[i].given >= 0 ? wrong++ : none++;
                        good = false;
                }
                c->serial = NULL;
                remember_serial(w, c);
                write_policy(c, c->card);
        }
        forget_seen(w);
        note(w, "  upgraded\n");
        return good;
}

/* What an owner does to a container that runs. Its next start gives what the last one gave. */
static bool use_verbs(struct world *w) {
        static const struct {
                const char *verb;
                bool of_all;
        } verbs[] = {
                { "convert --to dev", false },       { "convert --to idmap", false },
                { "enable --missing start", false }, { "apply", false },
                { "apply --all", true },             { "look", true },
        };
        int i = (int)pick(w, CONTAINERS), vmid = 100 + i;
        unsigned v = pick(w, ELEMENTS(verbs));
        struct outcome before, after;
        bool done;

        if (!programs.folder || !w->containers[i].pinned || w->containers[i].stopped)
                return true;
        if (pick(w, 6) == 0)
                return upgrade(w);
        before = start(w, i);
        done = verbs[v].of_all ? try("%s", verbs[v].verb) : try("%s %d", verbs[v].verb, vmid);
        note(w, "  %d: %s%s\n", i, verbs[v].verb, done ? "" : " (refused)");
        find_given(w, read_text(w, arena_printf(&w->arena, "host/etc/pve/lxc/%d.conf", vmid)),
                   &after);
        if (after.given >= 0 && after.given != before.given) {
                note(w, "  at once %d instead of %d: %s\n", after.given, before.given,
                     read_text(w, "out"));
                wrong++;
        }
        after = start(w, i);
        if (after.given == before.given && after.function == before.function)
                return wrong == 0;
        note(w, "  then %d/%u instead of %d/%u\n", after.given, after.function, before.given,
             before.function);
        after.given >= 0 ? wrong++ : none++;
        return false;
}

/* A start looks, too: then the look before it may be missing. */
static bool is_looked_at(struct world *w) {
        for (int i = 0; i < CONTAINERS; i++)
                if (w->containers[i].pinned && !w->containers[i].stopped && !w->containers[i].lined)
                        return pick(w, 3) > 0;
        return true;
}

/* Nothing between the root bus and the slot is another one than at the last look. */
static bool has_same_port(const struct world *w, int slot) {
        return w->looked_root == w->root && (slot < 5 || w->looked_dock == w->dock);
}

/*
 * Pins are all that knows a serial number, and what shows it where such a pin has it tells nothing
 * to another pin of that port: two policies may be of different times.
 */
static void look_for_remembered(struct world *w) {
        for (int i = 0; i < CARDS; i++) {
                struct silicon *s = &w->cards[i];
                bool elsewhere = false;

                for (int j = 0; j < CONTAINERS; j++) {
                        const struct container *c = &w->containers[j];

                        elsewhere |= c->used && c->serial && streq(c->serial, s->text) &&
                                     !(c->result < TRACK_MISSING && s->slot >= 0 &&
                                       c->slot == s->slot && s->readable &&
                                       has_same_port(w, s->slot));
                }
                s->ever_read = s->ever_read && elsewhere;
        }
        w->forgotten = false;
}

static bool look(struct world *w) {
        bool good, rearranged = w->looked_root != w->root || w->looked_dock != w->dock;
        bool with_look = is_looked_at(w);

        note(w, with_look ? "look:" : "starts:");
        for (int slot = 0; slot < SLOTS; slot++) {
                const struct silicon *s = &w->cards[card_in(w, slot) < 0 ? 0 : card_in(w, slot)];

                if (card_in(w, slot) >= 0)
                        note(w, " %d:%d/%c%c%s", slot, card_in(w, slot), 'A' + (char)s->model,
                             "-ub"[s->serial], s -> readable ? "" : "?");
        }
        note(w, "\n");

        w->new_history = w->forgotten;
        if (w->forgotten)
                look_for_remembered(w);
        for (unsigned model = 0; model < MODELS; model++)
                w->bogus_shared[model] |= bogus_twins(w, model);
        for (int i = 0; i < CONTAINERS; i++)
                if (w->containers[i].used)
                        oracle_look(w, &w->containers[i]);
        memcpy(w->before_look, w->looked, sizeof(w->looked));
        for (int slot = 0; slot < SLOTS; slot++)
                w->looked[slot] = card_in(w, slot);
        w->looked_root = w->root;
        w->looked_dock = w->dock;
        if (programs.folder) {
                boot(w, with_look);
        } else {
                w->stage.facts = observe(w);
                if (with_look)
                        stage_look(&w->arena, &w->stage, pick(w, 4) == 0);
                enrol_late(w);
        }
        for (int slot = 0; slot < SLOTS; slot++)
                if (rearranged || !may_still_be(w, w->shown[slot], slot))
                        w->shown[slot] = -1;
        good = judge_all(w) && use_verbs(w);
        for (int i = 0; i < CARDS; i++) {
                struct silicon *s = &w->cards[i];

                s->looked = s->slot >= 0;
                if (s->slot < 0 || !s->readable)
                        continue;
                s->ever_read = true;
                if (s->serial == UNIQUE)
                        w->shown[s->slot] = i;
                s->read_in = s->slot;
        }
        return good;
}

/* ---- events ---- */

static int any_card(struct world *w, bool inserted) {
        for (int tries = 0; tries < 40; tries++) {
                int i = (int)pick(w, CARDS);

                if ((w->cards[i].slot >= 0) == inserted)
                        return i;
        }
        return -1;
}

static int any_free_slot(struct world *w) {
        for (int tries = 0; tries < 20; tries++) {
                int slot = (int)pick(w, SLOTS);

                if (card_in(w, slot) < 0)
                        return slot;
        }
        return -1;
}

static unsigned count_cards(const struct world *w, bool held) {
        unsigned n = 0;

        for (int i = 0; i < CARDS; i++)
                n += w->cards[i].slot >= 0 && (held || !w->cards[i].held);
        return n;
}

/* Also one that has a card already: its owner chooses again. */
static bool enrol(struct world *w) {
        int n = (int)pick(w, CONTAINERS), i = any_card(w, true);
        struct container *c = &w->containers[n];
        bool lined = w->accel && pick(w, 2);

        if (!look(w))
                return false;
        if ((c->used && pick(w, 3)) || i < 0 || w->cards[i].held ||
            (w->accel && !lined && count_cards(w, false) != 1))
                return true;
        *c = (struct container){ .used = true, .pinned = true, .lined = lined, .card = i, .first = i,
                                 .slot = w->cards[i].slot, .taken_for = -1,
                                 .stage = c->stage };
        if (w->cards[i].functions > 0 && pick(w, 2))
                c->function = 1 + pick(w, w->cards[i].functions);
        for (int j = 0; j < CONTAINERS; j++)
                w->containers[j].beside[n] = false;
        remember_serial(w, c);
        /* its serial number was read elsewhere: it may have changed places before this or after */
        c->unsure = !w->cards[i].readable && may_have_come(w, i);
        if (programs.folder)
                enrol_by_programs(w, n);
        else
                enrol_in_process(w, n);
        write_policy(c, i);
        note(w, "%s %d with %d, function %u\n", lined ? "line in" : "enrol", n, i, c->function);
        return true;
}

/* Disabled, or destroyed; its number may be enrolled again. */
static void disable(struct world *w) {
        int n = (int)pick(w, CONTAINERS);
        struct container *c = &w->containers[n];

        if (!c->used)
                return;
        if (programs.folder)
                run("rm -f %s/host/etc/pve/lxc/%d.conf %s/host/etc/pve/gpuanchor/%d.conf",
                    programs.folder, 100 + n, programs.folder, 100 + n);
        else
                stage_disable(&w->arena, &w->stage, &c->stage);
        *c = (struct container){ .stage = c->stage };
        for (int i = 0; i < CONTAINERS; i++)
                w->containers[i].beside[n] = false;
        note(w, "%d is disabled\n", n);
}

static void stop_or_start(struct world *w) {
        int n = (int)pick(w, CONTAINERS);
        struct container *c = &w->containers[n];

        c->stopped = c->pinned && !c->lined && !c->stopped;
        if (c->pinned)
                note(w, "%d is %s\n", n, c->stopped ? "stopped" : "started again");
}

/* What looks have followed since its last start goes with the history. */
static void recall_policy(struct world *w, int i) {
        struct container *c = &w->containers[i];
        const struct written *p = &c->written;

        for (int j = 0; j < CONTAINERS && (p->slot != c->slot || p->result != c->result); j++)
                c->beside[j] = w->containers[j].beside[i] = false;
        c->card = p->card;
        c->slot = p->slot;
        c->taken_for = p->taken_for;
        c->serial = p->serial;
        c->bare = p->bare;
        c->result = p->result;
}

/* The file is damaged, or /var is new: pins have what they remember themselves. */
static void forget(struct world *w) {
        for (int i = 0; i < CONTAINERS; i++)
                recall_policy(w, i);
        forget_seen(w);
        w->forgotten = true;
        w->stage.id = arena_printf(&w->arena, "%u", ++w->histories);
        w->stage.cards = w->stage.pins = w->stage.sightings = (struct bytes){ 0 };
        for (int i = 0; i < CONTAINERS; i++)
                if (w->containers[i].lined) /* nothing tells any more what its line meant */
                        w->containers[i] = (struct container){ .stage = w->containers[i].stage };
        for (int i = 0; i < MODELS; i++)
                w->bogus_shared[i] = false;
        for (int i = 0; i < CONTAINERS; i++)
                w->containers[i].lost = w->containers[i].unseen = true;
        if (programs.folder)
                run("rm -rf %s/kept/gpuanchor/host %s/host/var/lib/gpuanchor/host", programs.folder,
                    programs.folder);
        note(w, "the history is lost\n");
}

/*
 * The card of a container takes the place of another one of its model: a spare, a card out of the
 * drawer, one whose serial number could not be read until now.
 */
static void take_place(struct world *w) {
        const struct container *c = &w->containers[pick(w, CONTAINERS)];
        struct silicon *own;

        for (int i = 0; i < CONTAINERS && pick(w, 2); i++) /* rather one whose card is away */
                if (w->containers[i].used && w->containers[i].result >= TRACK_MISSING)
                        c = &w->containers[i];
        own = &w->cards[c->card];

        for (int tries = 0; c->used && tries < 10; tries++) {
                int i = any_card(w, true);

                if (i < 0 || i == c->card || w->cards[i].model != own->model)
                        continue;
                note(w, "card %d takes the place of %d in %d\n", c->card, i, w->cards[i].slot);
                own->slot = w->cards[i].slot;
                own->readable |= !own->held && pick(w, 2);
                w->cards[i].slot = -1;
                return;
        }
}

static void change(struct world *w) {
        int i = any_card(w, true), j = any_card(w, false), slot = any_free_slot(w);

        switch (pick(w, 13)) {
        case 0:
                w->bus = 1 + pick(w, 4);
                note(w, "buses begin at %u\n", w->bus);
                break;
        case 1:
        case 2:
                if (j >= 0 && slot >= 0 && !(w->accel && count_cards(w, true) > 1)) {
                        w->cards[j].slot = slot;
                        note(w, "card %d comes into %d\n", j, slot);
                }
                break;
        case 3:
                if (i >= 0) {
                        note(w, "card %d leaves %d\n", i, w->cards[i].slot);
                        w->cards[i].slot = -1;
                }
                break;
        case 4:
                if (i >= 0 && slot >= 0) {
                        note(w, "card %d moves %d -> %d\n", i, w->cards[i].slot, slot);
                        w->cards[i].slot = slot;
                }
                break;
        case 5:
                if (i >= 0 && j >= 0) {
                        note(w, "card %d replaces %d in %d\n", j, i, w->cards[i].slot);
                        w->cards[j].slot = w->cards[i].slot;
                        w->cards[i].slot = -1;
                }
                break;
        case 6:
                j = any_card(w, true);
                if (i >= 0 && j >= 0 && i != j) {
                        int other = w->cards[i].slot;

                        note(w, "cards %d and %d change places\n", i, j);
                        w->cards[i].slot = w->cards[j].slot;
                        w->cards[j].slot = other;
                }
                break;
        case 7:
                if (i >= 0 && !w->cards[i].held) {
                        w->cards[i].readable = !w->cards[i].readable;
                        note(w, "card %d is %sreadable\n", i, w->cards[i].readable ? "" : "not ");
                }
                break;
        case 8:
                if (pick(w, 2))
                        w->root = w->root ? 0 : 0x1000;
                else
                        w->dock = !w->dock;
                note(w, "root %x dock %u\n", w->root, w->dock);
                break;
        case 9:
                if (i >= 0) {
                        w->cards[i].held = !w->cards[i].held;
                        w->cards[i].readable = !w->cards[i].held;
                        note(w, "card %d is %sheld\n", i, w->cards[i].held ? "" : "not ");
                }
                break;
        case 10:
                if (i >= 0 && !w->accel) {
                        w->cards[i].functions = pick(w, FUNCTIONS + 1);
                        note(w, "card %d has %u functions\n", i, w->cards[i].functions);
                }
                break;
        case 11:
                take_place(w);
                break;
        case 12:
                forget(w);
                break;
        }
}

static bool play(struct world *w, uint64_t seed) {
        memset(w, 0, sizeof(*w));
        w->random = seed * 0x9e3779b97f4a7c15U + 1;
        w->bus = 1;
        w->accel = !programs.folder && seed % 4 == 0;
        w->stage.id = "a";
        w->stage.containers = w->stage_containers;
        for (int slot = 0; slot < SLOTS; slot++)
                w->looked[slot] = w->shown[slot] = -1;
        for (int i = 0; i < CARDS; i++) {
                struct silicon *s = &w->cards[i];

                *s = (struct silicon){ .model = pick(w, MODELS), .slot = -1, .readable = true };
                s->serial = pick(w, 3);
                if (s->serial == BOGUS)
                        snprintf(s->text, sizeof(s->text), "00112233%08x", s->model);
                else
                        snprintf(s->text, sizeof(s->text), "%08x%08x",
                                 0x1234567U * (unsigned)(i + 1), i);
        }
        for (unsigned n = w->accel ? pick(w, 3) : 1 + pick(w, 4); n > 0; n--) {
                int i = any_card(w, false), slot = any_free_slot(w);

                if (i >= 0 && slot >= 0)
                        w->cards[i].slot = slot;
        }
        for (int n = 0; n < (programs.folder ? 25 : 40); n++) {
                unsigned what = pick(w, 10);

                if (pick(w, 6) == 0)
                        stop_or_start(w);
                if (pick(w, 30) == 0)
                        disable(w);
                if (what < 2 ? !enrol(w) : what >= 6 && !look(w))
                        return false;
                if (what >= 2 && what < 6)
                        change(w);
        }
        return true;
}

/* test-histories --programs HOOK MKHOST GPUANCHOR [SEED [COUNT]] */
static bool prepare_programs(char **argv) {
        static char folder[] = "/dev/shm/gpuanchor-histories.XXXXXX";
        char *mkhost = realpath(argv[3], NULL), *hook = realpath(argv[2], NULL);
        char *gpuanchor = realpath(argv[4], NULL);

        if (!mkhost || !hook || !gpuanchor || !mkdtemp(folder))
                return false;
        programs.gpuanchor = gpuanchor;
        programs.mkhost = mkhost;
        programs.hook = hook;
        programs.folder = folder;
        return true;
}

int main(int argc, char **argv) {
        bool by_programs = argc > 4 && streq(argv[1], "--programs");
        int at = by_programs ? 5 : 1;
        uint64_t first = argc > at ? strtoull(argv[at], NULL, 10) : 1;
        uint64_t count = argc > at + 1 ? strtoull(argv[at + 1], NULL, 10) : 10000;
        static struct world w;

        if (by_programs && (getuid() != 0 || !prepare_programs(argv))) {
                fprintf(stderr, "needs root, the hook, mkhost.sh and gpuanchor\n");
                return 77;
        }
        if (first == 0)
                first = getenv("GPUANCHOR_SEED") ? strtoull(getenv("GPUANCHOR_SEED"), NULL, 10)
                                                 : (uint64_t)time(NULL);
        for (uint64_t seed = first; seed < first + count; seed++) {
                bool good;

                if (by_programs)
                        run("rm -rf %s/host %s/kept", programs.folder, programs.folder);
                good = play(&w, seed);
                arena_done(&w.arena);
                if (!good) {
                        printf("seed %llu:\n%s", (unsigned long long)seed, w.log);
                        break;
                }
        }
        if (by_programs && wrong + none == 0)
                run("rm -rf %s", programs.folder);
        printf("%llu histories from seed %llu, %u judgements, %u with a card, %u wrong cards, "
               "%u times none although it could be told\n",
               (unsigned long long)count, (unsigned long long)first, judged, told, wrong, none);
        return wrong + none > 0;
}
