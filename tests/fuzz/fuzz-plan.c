/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fuzz-plan - any bytes as a container file, on a host with four GPUs
 *
 * For several policies: what is not ours stays, applying twice is applying once, and no line
 * is left that names a GPU of the host which is not the container's. Variables stay but for those
 * of the policy and those that are a node's path; both files have the same.
 */
#include "fuzz/slice.h"
#include "model/conf/recognise.h"
#include "model/plan/edit/edit.h"
#include "model/plan/make.h"
#include "model/policy/key.h"
#include "model/policy/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NODE "pve1"

static void require(bool condition, const char *policy, const char *what, struct bytes shown) {
        if (condition)
                return;
        fprintf(stderr, "broken with policy %s: %s\n", policy, what);
        fwrite(shown.data ? shown.data : "", 1, shown.len, stderr);
        fputs("\n", stderr);
        abort();
}

/* ---- the host ---- */

#define NODE_OF(kind_, path_, major_, minor_, gid_)                                                \
        {                                                                                          \
                .kind = kind_, .path = path_, .number = { major_, minor_, false },                 \
                .state = NODE_CHAR, .gid = gid_, .mode = gid_ ? 0660 : 0666                        \
        }
#define GPU(address_, vendor_, device_, driver_, nodes_)                                           \
        {                                                                                          \
                .address = address_, .pci = true, .ids = { vendor_, device_, 0, 0 },               \
                .driver = driver_, .nodes = nodes_, .n_nodes = ELEMENTS(nodes_)                    \
        }

static struct node amd_1[] = { NODE_OF(NODE_CARD, "/dev/dri/card0", 226, 0, 44),
                               NODE_OF(NODE_RENDER, "/dev/dri/renderD129", 226, 129, 104) };
static struct node amd_2[] = { NODE_OF(NODE_CARD, "/dev/dri/card1", 226, 1, 44),
                               NODE_OF(NODE_RENDER, "/dev/dri/renderD128", 226, 128, 104) };
static struct node nvidia[] = { NODE_OF(NODE_CARD, "/dev/dri/card2", 226, 2, 44),
                                NODE_OF(NODE_RENDER, "/dev/dri/renderD130", 226, 130, 104),
                                NODE_OF(NODE_NVIDIA, "/dev/nvidia0", 195, 0, 0) };
static struct node npu[] = { NODE_OF(NODE_ACCEL, "/dev/accel/accel0", 261, 0, 104) };
static struct node shared[] = {
        NODE_OF(NODE_KFD, "/dev/kfd", 235, 0, 104),
        NODE_OF(NODE_NVIDIA, "/dev/nvidiactl", 195, 255, 0),
        { .kind = NODE_NVIDIA,
          .path = "/dev/nvidia-uvm",
          .number = { 508, 0, false },
          .state = NODE_ABSENT },
};
static struct gpu gpus[] = {
        GPU("0000:01:00.0", 0x1002, 0x73ff, "amdgpu", amd_1),
        GPU("0000:02:00.0", 0x1002, 0x73ff, "amdgpu", amd_2),
        GPU("0000:03:00.0", 0x10de, 0x2684, "nvidia", nvidia),
        GPU("0000:04:00.1", 0x1022, 0x17f0, "amdxdna", npu),
};
static struct char_major majors[] = { { 1, "mem" },         { 10, "misc" }, { 195, "nvidia" },
                                      { 226, "drm" },       { 235, "kfd" }, { 261, "accel" },
                                      { 508, "nvidia-uvm" } };
static struct facts facts = {
        .gpus = gpus,
        .n_gpus = ELEMENTS(gpus),
        .shared = shared,
        .n_shared = ELEMENTS(shared),
        .groups[GID_VIDEO] = { true, 44 },
        .groups[GID_RENDER] = { true, 104 },
        .majors = majors,
        .n_majors = ELEMENTS(majors),
};

/* ---- policies, "KEY=VALUE;..."; pin= is what was chosen on this node ---- */

static const char *const policies[] = {
        "",
        "gpu=pci:0000:01:00.0",
        "pin=0000:02:00.0 1002:73ff",
        "pin=0000:09:00.0 1002:744c", /* is away */
        "gpu=pci:0000:03:00.0",
        "gpu=pci:0000:03:00.0;method=dev;devices=render nvidia",
        "gpu=all",
        "gpu=pci:0000:02:00.0;method=dev",
        "gpu=pci:0000:01:00.0;method=idmap;video-gid=39;render-gid=992;devices=card kfd accel",
        "gpu=pci:0000:01:00.0;devices=card",
        ("gpu=pci:0000:02:00.0;guest-environment=NODE=/dev/dri/renderD129 "
         "A=1;follow-environment=yes"),
};

static void set_policy(struct arena *a, const char *text, struct policy *p) {
        char *copy = arena_strdup(a, text), *save = NULL;
        const char *problem = NULL;

        policy_init(a, p);
        for (char *entry = strtok_r(copy, ";", &save); entry; entry = strtok_r(NULL, ";", &save)) {
                char *value = strchr(entry, '=');

                *value++ = '\0';
                if (streq(entry, "pin"))
                        problem = policy_parse_memory(
                                a, p,
                                &(struct ini_entry){ "pin " NODE, "gpu",
                                                     arena_printf(a, "%s -", value) });
                else
                        problem = policy_set(a, p, entry, value);
                require(!problem, text, "not a policy", (struct bytes){ 0 });
        }
}

/* ---- one pass, with what anchor.c remembers of it ---- */

struct pass {
        struct bytes conf, config;
        struct plan plan;
        struct policy next;
        bool userns;
};

static void remember(struct arena *a, const struct edit_memory *m, struct pass *x) {
        const struct choice *c = &x->plan.choice;

        if (c->repin) {
                x->next.pins = arena_alloc(a, sizeof(*x->next.pins));
                x->next.pins[0] = c->pin;
                x->next.n_pins = 1;
        }
        plan_remember_gids(&x->plan, &x->next);
        x->next.parked = m->parked;
        x->next.majors = m->majors;
}

/* What Proxmox makes of the container file: its lxc lines, as "key = value". */
static struct bytes generate(struct arena *a, const struct pctconf *c) {
        struct strbuf b = { .arena = a };

        strbuf_adds(&b, "lxc.arch = amd64\n");
        for (size_t i = 1; i < c->n_lines; i++) {
                const struct conf_line *l = &c->lines[i];

                if (l->key.len <= 4 || memcmp(l->key.data, "lxc.", 4) != 0 || l->parked)
                        continue;
                strbuf_add(&b, l->key.data, l->key.len);
                strbuf_adds(&b, " = ");
                strbuf_add(&b, l->value.data, l->value.len);
                strbuf_adds(&b, "\n");
        }
        return strbuf_bytes(&b);
}

/* False: the plan failed, nothing would be written. */
static void is_node(const struct node *n, struct source *s) {
        if (n->state == NODE_ABSENT || !streq(n->path, s->path))
                return;
        s->kind = SOURCE_DEVICE;
        s->number = n->number;
}

/* The host of the facts: what has the name of a node is that node, all else is not there. */
static void look_up(struct arena *a, const struct pctconf *conf, const struct pctconf *config) {
        facts.sources = (struct sources){ 0 };
        recognise_ask(a, conf, &facts.sources);
        recognise_ask(a, config, &facts.sources);
        for (size_t i = 0; i < facts.sources.n; i++) {
                struct source *s = &facts.sources.items[i];

                s->kind = SOURCE_NOTHING;
                s->leads_to = s->path;
                for (size_t j = 0; j < facts.n_gpus; j++)
                        for (size_t k = 0; k < facts.gpus[j].n_nodes; k++)
                                is_node(&facts.gpus[j].nodes[k], s);
                for (size_t j = 0; j < facts.n_shared; j++)
                        is_node(&facts.shared[j], s);
        }
}

static bool run(struct arena *a, struct bytes file, const struct policy *p, struct pass *ret) {
        struct findings f = { .arena = a };
        struct pctconf conf, config;
        struct survey s, config_survey;
        struct plan_input in = { .facts = &facts,
                                 .policy = p,
                                 .asked = true, /* no policy file remembers what was narrowed */
                                 .node = NODE,
                                 .name = "101.conf",
                                 .conf = &conf,
                                 .survey = &s };
        struct edit edit = { .in = &in,
                             .plan = &ret->plan,
                             .conf = &conf,
                             .config = &config,
                             .config_survey = &config_survey };
        struct edit_memory memory;

        *ret = (struct pass){ .next = *p };
        facts.then = p->majors;
        pctconf_parse(a, PCTCONF_PVE, file, &conf);
        pctconf_parse(a, PCTCONF_LXC, generate(a, &conf), &config);
        for (size_t i = 0; i < p->parked.n; i++)
                pctconf_park(&conf, &p->parked.lines[i]);
        look_up(a, &conf, &config);
        survey_make(a, &facts, &conf, &s);
        survey_make(a, &facts, &config, &config_survey);
        ret->userns = s.userns;
        plan_make(a, &in, &f, &ret->plan);
        if (ret->plan.failed || ret->plan.choice.undecided) /* the files stay as they are */
                return false;
        edit_apply(a, &edit, &f, &memory);
        ret->conf = pctconf_write(&conf);
        ret->config = pctconf_write(&config);
        remember(a, &memory, ret);
        return true;
}

/* ---- properties ---- */

static struct bytes other_sections(struct arena *a, struct bytes file) {
        struct pctconf c;

        pctconf_parse(a, PCTCONF_PVE, file, &c);
        return c.tail;
}

static bool ends_with(struct bytes file, struct bytes tail) {
        return tail.len <= file.len &&
               bytes_equal((struct bytes){ file.data + file.len - tail.len, tail.len }, tail);
}

static bool is_chosen(const struct plan *p, const struct gpu *g) {
        for (size_t i = 0; i < p->choice.gpus.n; i++)
                if (p->choice.gpus.items[i] == g)
                        return true;
        return false;
}

/* What is bound from the host; "relative": from the container's own disk. */
static bool is_bound(struct bytes options) {
        bool bound = false;

        while (options.len > 0) {
                struct bytes option = bytes_cut(&options, ',');

                if (bytes_equal(option, BYTES("relative")))
                        return false;
                bound |= bytes_equal(option, BYTES("bind")) || bytes_equal(option, BYTES("rbind"));
        }
        return bound;
}

/* The first word of a mount entry, the path of a devN; split apart from devline.c. */
static struct bytes source_of(struct arena *a, const struct conf_line *l) {
        struct bytes rest = l->value;

        if (rest.len >= 2 && (rest.data[0] == '"' || rest.data[0] == '\'') &&
            rest.data[rest.len - 1] == rest.data[0]) {
                rest.data++;
                rest.len -= 2;
        }
        if (bytes_equal(l->key, BYTES("lxc.mount.entry"))) {
                struct bytes source = bytes_word(&rest);

                bytes_word(&rest);
                bytes_word(&rest);
                return is_bound(bytes_word(&rest)) ? gpu_path_parse(a, source).clean
                                                   : (struct bytes){ 0 };
        }
        if (l->key.len < 4 || memcmp(l->key.data, "dev", 3) != 0 ||
            strspn(arena_strndup(a, l->key.data + 3, l->key.len - 3), "0123456789") !=
                    l->key.len - 3)
                return (struct bytes){ 0 };
        while (rest.len > 0) {
                const char *comma = memchr(rest.data, ',', rest.len);
                struct bytes option = { rest.data, comma ? (size_t)(comma - rest.data) : rest.len };

                rest.data += option.len + (comma != NULL);
                rest.len -= option.len + (comma != NULL);
                option = bytes_trim(option);
                if (option.len > 5 && memcmp(option.data, "path=", 5) == 0)
                        return gpu_path_parse(a, (struct bytes){ option.data + 5, option.len - 5 })
                                .clean;
                if (option.len > 0 && !memchr(option.data, '=', option.len))
                        return gpu_path_parse(a, option).clean;
        }
        return (struct bytes){ 0 };
}

/* Families beside DRM are ours only when devices = covers them. */
static bool names(struct bytes source, const struct gpu *g, uint32_t ours) {
        for (size_t i = 0; i < g->n_nodes; i++)
                if ((ours & NODE_BIT(g->nodes[i].kind)) &&
                    bytes_equal(source, bytes_of(g->nodes[i].path)))
                        return true;
        return false;
}

static void require_right_gpus(struct arena *a, const char *policy, const struct pass *x) {
        uint32_t ours = x->plan.devices | NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER);
        struct pctconf c;

        pctconf_parse(a, PCTCONF_PVE, x->conf, &c);
        for (size_t i = 1; i < c.n_lines; i++) {
                struct bytes source = source_of(a, &c.lines[i]);

                require(!bytes_equal(source, BYTES("/dev/dri")), policy, "all GPUs are left",
                        x->conf);
                for (size_t j = 0; j < facts.n_gpus; j++)
                        require(!names(source, &facts.gpus[j], ours) ||
                                        is_chosen(&x->plan, &facts.gpus[j]),
                                policy, "another GPU is left", x->conf);
        }
}

/* In a privileged container the rules are the gate. */
static void require_right_rules(struct arena *a, const char *policy, const struct pass *x) {
        struct pctconf c;
        struct survey s;

        pctconf_parse(a, PCTCONF_PVE, x->conf, &c);
        survey_make(a, &facts, &c, &s);
        for (size_t i = 1; i < s.n_lines; i++) {
                const struct devline *d = &s.lines[i];

                if (x->userns || d->type != DEVLINE_ALLOW || d->device_type != 'c' || d->any_major)
                        continue;
                require(d->number.major != 226 || !d->any_minor, policy, "226:* is left", x->conf);
                for (size_t j = 0; j < facts.n_gpus; j++)
                        for (size_t k = 0; k < facts.gpus[j].n_nodes; k++)
                                if (facts.gpus[j].nodes[k].number.major == 226 &&
                                    devline_covers(d, &facts.gpus[j].nodes[k]))
                                        require(is_chosen(&x->plan, &facts.gpus[j]), policy,
                                                "a rule for another GPU is left", x->conf);
        }
}

/* Lines of the file whose source is @path, by key; two make Proxmox refuse the start. */
static size_t count_source(struct arena *a, const struct pctconf *c, const char *path) {
        size_t n = 0;

        for (size_t i = 1; i < c->n_lines; i++)
                n += bytes_equal(source_of(a, &c->lines[i]), bytes_of(path));
        return n;
}

static void require_nodes(struct arena *a, const char *policy, const struct pass *x) {
        struct pctconf c, config;

        pctconf_parse(a, PCTCONF_PVE, x->conf, &c);
        pctconf_parse(a, PCTCONF_LXC, x->config, &config);
        for (size_t i = 0; i < x->plan.n_nodes; i++) {
                const struct plan_node *pn = &x->plan.nodes[i];
                size_t mounts = count_source(a, &config, pn->node->path);

                if (!pn->required)
                        continue;
                require(count_source(a, &c, pn->node->path) == 1, policy,
                        "a node is not given once", x->conf);
                require(mounts == (pn->form == METHOD_IDMAP), policy,
                        "the generated configuration says something else", x->config);
        }
}

/* "KEY NAME=VALUE\n"... of a file's variables; without those that may be changed or added. */
static struct bytes variables(struct arena *a, const struct pctconf *c, bool all) {
        struct strbuf b = { .arena = a };

        for (size_t i = 1; i < c->n_lines; i++) {
                struct bytes value = c->lines[i].value;
                const char *equals = value.len ? memchr(value.data, '=', value.len) : NULL;
                size_t name = equals ? (size_t)(equals - value.data) : value.len;

                if (!BYTES_IN(c->lines[i].key, "lxc.environment", "lxc.environment.runtime",
                              "lxc.environment.hooks"))
                        continue;
                if (!all && equals &&
                    ((name == 1 && value.data[0] == 'A') ||
                     (name == 4 && memcmp(value.data, "NODE", 4) == 0) ||
                     (value.len > name + 6 && memcmp(equals + 1, "/dev/", 5) == 0)))
                        continue;
                strbuf_printf(&b, "%.*s ", (int)c->lines[i].key.len, c->lines[i].key.data);
                strbuf_add(&b, value.data, value.len);
                strbuf_adds(&b, "\n");
        }
        return strbuf_bytes(&b);
}

static void require_variables(struct arena *a, struct bytes file, const char *policy,
                              const struct pass *x) {
        struct pctconf before, conf, config;

        pctconf_parse(a, PCTCONF_PVE, file, &before);
        pctconf_parse(a, PCTCONF_PVE, x->conf, &conf);
        pctconf_parse(a, PCTCONF_LXC, x->config, &config);
        require(bytes_equal(variables(a, &before, !strstr(policy, "environment")),
                            variables(a, &conf, !strstr(policy, "environment"))),
                policy, "another variable was touched", x->conf);
        require(bytes_equal(variables(a, &conf, true), variables(a, &config, true)), policy,
                "the generated configuration has other variables", x->config);
}

static void check_policy(struct arena *a, struct bytes file, const char *text) {
        struct bytes tail = other_sections(a, file);
        struct policy p;
        struct pass once, twice;

        set_policy(a, text, &p);
        if (!run(a, file, &p, &once))
                return;
        require(ends_with(once.conf, tail), text, "another section was touched", once.conf);
        require(bytes_equal(other_sections(a, once.conf), tail), text, "sections have moved",
                once.conf);
        require_right_gpus(a, text, &once);
        require_right_rules(a, text, &once);
        require_nodes(a, text, &once);
        require_variables(a, file, text, &once);

        require(run(a, once.conf, &once.next, &twice), text, "the second plan failed", once.conf);
        require(bytes_equal(once.conf, twice.conf), text, "twice is not once", twice.conf);
        require(twice.next.parked.n <= once.next.parked.n, text, "more lines are parked",
                once.conf);
        require(!twice.plan.choice.repin, text, "pinned twice", once.conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct arena a;
        struct bytes file = { (const char *)data, size };
        size_t one = slice_of(file, ELEMENTS(policies));

        for (size_t i = 0; i < ELEMENTS(policies); i++) {
                if (!slice_has(one, i))
                        continue;
                check_policy(&a, file, policies[i]);
                arena_reset(&a);
        }
        return 0;
}
