/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fuzz-settings - any file, any memory: what is remembered comes back, all else stays
 *
 * The input is a policy file and, behind a line "====", the memory to write into it: the node,
 * then one thing per line: "v GID", "r GID", "p ADDRESS IDS IDS", anything else is a parked line.
 */
#include "model/policy/memory.h"
#include "pve/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEPARATOR "\n====\n"

static void require(bool condition, const char *what) {
        if (!condition) {
                fprintf(stderr, "broken: %s\n", what);
                abort();
        }
}

static void take(struct arena *a, struct policy *p, struct ini_entry e) {
        policy_parse_memory(a, p, &e);
}

static const char *make_memory(struct arena *a, struct bytes spec, struct policy *p) {
        struct bytes line = bytes_cut(&spec, '\n');
        const char *node = line.len > 0 ? arena_strndup(a, line.data, line.len) : NULL;
        const char *section = arena_printf(a, "pin %s", node ? node : "x");

        policy_init(a, p);
        while (spec.len > 0) {
                const char *text;

                line = bytes_cut(&spec, '\n');
                text = arena_strndup(a, line.data, line.len);
                if (str_has_prefix(text, "v "))
                        take(a, p, (struct ini_entry){ "memory", "video-gid", text + 2 });
                else if (str_has_prefix(text, "r "))
                        take(a, p, (struct ini_entry){ "memory", "render-gid", text + 2 });
                else if (str_has_prefix(text, "p "))
                        take(a, p, (struct ini_entry){ section, "gpu", text + 2 });
                else
                        *ARENA_PUSH(a, p->parked.lines, p->parked.n) = (struct parked_line){ text };
        }
        return node;
}

static bool parse(struct arena *a, struct bytes file, struct policy *p) {
        struct settings s = { .problems = { .arena = a } };
        bool good;

        policy_init(a, &s.policy);
        good = settings_parse(&s, SETTINGS_CONTAINER, "FILE", file);
        *p = s.policy;
        require(good || p->broken, "a file that was thrown away leaves a policy to act on");
        require(good || s.problems.n == 1, "a file that was thrown away has one finding");
        return good;
}

/* the lines that policy_remember() must not touch; blank ones are not compared */
static struct bytes foreign_lines(struct arena *a, struct bytes file, const char *node) {
        struct strbuf out = { .arena = a };
        struct bytes name;
        bool ours = false;

        ini_take_mark(&file);
        while (file.len > 0) {
                struct ini_line line = ini_line(bytes_line(&file));

                if (line.kind == INI_HEADING)
                        ours = bytes_equal(line.text, BYTES("memory")) ||
                               (node && policy_section_node(line.text, &name) &&
                                bytes_equal(name, bytes_of(node)));
                if (bytes_trim(line.raw).len == 0 || (ours && line.kind != INI_NONE))
                        continue;
                strbuf_add_bytes(&out, line.raw);
                if (line.raw.data[line.raw.len - 1] != '\n')
                        strbuf_adds(&out, "\n");
        }
        return strbuf_bytes(&out);
}

static void require_same_pin(const struct pin *a, const struct pin *b) {
        size_t n_a = a ? a->n_gpus : 0, n_b = b ? b->n_gpus : 0;

        require(n_a == n_b, "a pin has another number of GPUs");
        for (size_t i = 0; i < n_a; i++) {
                const struct card *x = &a->gpus[i], *y = &b->gpus[i];

                require(streq(x->address, y->address), "a pin has another address");
                require(pci_ids_equal(&x->ids, &y->ids), "a pin has other ids");
        }
}

static void require_memory(const struct policy *after, const struct policy *memory) {
        size_t n = 0;

        require(after->gid[GID_VIDEO].known == memory->gid[GID_VIDEO].known, "video-gid");
        require(after->gid[GID_RENDER].known == memory->gid[GID_RENDER].known, "render-gid");
        for (size_t i = 0; i < memory->parked.n; i++) {
                if (!policy_can_park(memory->parked.lines[i].line))
                        continue;
                if (n == after->parked.n)
                        return; /* beyond what is kept in total */
                require(streq(after->parked.lines[n++].line, memory->parked.lines[i].line), "a parked line");
        }
        require(n == after->parked.n, "a parked line too many");
}

static void require_wishes(const struct policy *after, const struct policy *before) {
        require(after->n_gpus == before->n_gpus, "number of selectors");
        for (size_t i = 0; i < after->n_gpus; i++)
                require(after->gpus[i].kind == before->gpus[i].kind, "selector");
        require(after->devices == before->devices && after->method == before->method, "a key");
        require(after->gid[GID_VIDEO].set == before->gid[GID_VIDEO].set, "a gid");
        require(after->wait_seconds == before->wait_seconds, "missing");
        require(!after->broken || before->broken, "the file is broken now");
}

static void check(struct arena *a, struct bytes file, struct bytes spec) {
        struct policy before, after, memory;
        const char *node = make_memory(a, spec, &memory);
        bool good = parse(a, file, &before);
        struct bytes once = policy_remember(a, file, node, &memory);

        require(bytes_equal(policy_remember(a, once, node, &memory), once), "twice is not once");
        require(file.len == 0 || bytes_equal(foreign_lines(a, file, node),
                                             foreign_lines(a, once, node)), "foreign lines");
        if (!good || once.len > INI_FILE_MAX)
                return;
        require(parse(a, once, &after), "the file is thrown away now");
        require_memory(&after, &memory);
        require_wishes(&after, &before);
        for (size_t i = 0; i < before.n_pins; i++)
                if (!node || !streq(before.pins[i].node, node))
                        require_same_pin(policy_pin(&after, before.pins[i].node), &before.pins[i]);
        if (node)
                require_same_pin(policy_pin(&after, node), policy_pin(&memory, node));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena a _cleanup_arena_ = { 0 };
        struct bytes file = { (const char *)data, size }, spec = { 0 };
        const char *separator = size > 0 ? memmem(data, size, SEPARATOR, strlen(SEPARATOR)) : NULL;
        struct settings s = { .problems = { .arena = &a } };

        if (separator) {
                file.len = (size_t)(separator + 1 - file.data);
                spec.data = separator + strlen(SEPARATOR);
                spec.len = size - (size_t)(spec.data - (const char *)data);
        }
        policy_init(&a, &s.policy);
        settings_parse(&s, SETTINGS_HOST, "FILE", file);
        require(s.policy.n_pins == 0 && !s.policy.broken, "a host's file pins or breaks");
        check(&a, file, spec);
        return 0;
}
