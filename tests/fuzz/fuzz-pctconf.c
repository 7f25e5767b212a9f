/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fuzz-pctconf - any bytes as a container file: every line is read, edits change what they name
 *
 * Both kinds of file come back byte for byte. Each line is read as one of a device, and what a
 * line says lies in that line. Then lines are dropped, changed, put in and parked, as the input's
 * bytes have it, and the file that is written is read again: it has those lines and no other ones,
 * and all that is behind the first section as it was. What a plan makes of a file is fuzz-plan's.
 */
#define SLICE_LONGEST "512" /* twenty lines: what one says depends on few others */
#include "fuzz/slice.h"
#include "model/conf/hostpci.h"
#include "model/conf/recognise.h"
#include "model/conf/survey.h"
#include "model/gpu/pci-address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
        if (!condition) {
                fprintf(stderr, "broken: %s\n", what);
                abort();
        }
}

static bool lies_in(struct bytes part, struct bytes whole) {
        return part.len == 0 ||
               (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static struct node nodes[] = {
        { .kind = NODE_CARD, .path = "/dev/dri/card0", .number = { 226, 0, false } },
        { .kind = NODE_RENDER, .path = "/dev/dri/renderD128", .number = { 226, 128, false } },
};
static struct gpu gpu = { .address = "0000:01:00.0", .pci = true, .nodes = nodes, .n_nodes = 2 };

static void read_lines(struct arena *a, const struct pctconf *c) {
        struct facts facts = { .gpus = &gpu, .n_gpus = 1 };
        const struct gpu **named;
        struct survey s;

        recognise_ask(a, c, &facts.sources);
        for (size_t i = 0; i < facts.sources.n; i++) {
                struct source *x = &facts.sources.items[i];
                size_t node = 0;

                while (node < ELEMENTS(nodes) && !streq(nodes[node].path, x->path))
                        node++;
                x->leads_to = x->path;
                x->kind = node < ELEMENTS(nodes) ? SOURCE_DEVICE : SOURCE_NOTHING;
                x->number = node < ELEMENTS(nodes) ? nodes[node].number : x->number;
        }
        require(facts.sources.n <= 4 * c->data.len + 1, "more paths than bytes");
        survey_make(a, &facts, c, &s);
        require(s.n_lines == c->n_lines, "lines were not read");
        for (size_t i = 1; i < c->n_lines; i++) {
                const struct conf_line *l = &c->lines[i];

                require(lies_in(l->text, c->data) && lies_in(l->eol, c->data), "a line from elsewhere");
                require(lies_in(l->key, l->text) && lies_in(l->value, l->text), "a value from elsewhere");
                require(!bytes_contains_char(l->text, '\n'), "two lines in one");
                require(l->number == c->lines[i - 1].number + (l->number > c->lines[i - 1].number),
                        "a line has another number"); /* a lone CR is no line of the file */
                require(devline_gpu(&facts, &s.lines[i]) == NULL ||
                                devline_gpu(&facts, &s.lines[i]) == &gpu,
                        "a GPU from elsewhere");
        }
        require(survey_named_gpus(a, &facts, &s, &named) <= 1, "more GPUs than there are");
}

/* What the file has to have after the edits, line by line. */
struct expected {
        struct arena *arena;
        struct bytes *lines;
        size_t n;
};

static void expect(struct expected *e, const char *text) {
        *ARENA_PUSH(e->arena, e->lines, e->n) = bytes_trim(bytes_of(text));
}

/* One edit for each line, by the input's own bytes. */
static struct expected edit(struct arena *a, struct pctconf *c, struct bytes seed) {
        struct expected e = { .arena = a };

        for (size_t i = 0; i < c->n_lines; i++) {
                unsigned what = seed.len ? (unsigned char)seed.data[i * 7 % seed.len] % 8 : 0;

                if (what == 1 && i > 0) {
                        pctconf_drop(c, i);
                } else if (what == 2 && i > 0 && c->lines[i].key.len > 0) {
                        pctconf_set(c, i, "none bind");
                        expect(&e, pctconf_line_text(c, i));
                } else if (i > 0) {
                        expect(&e, bytes_dup(a, c->lines[i].text));
                }
                if (what == 3) {
                        pctconf_insert(c, i, "lxc.idmap", "g 0 100000 1");
                        expect(&e, c->kind == PCTCONF_PVE ? "lxc.idmap: g 0 100000 1"
                                                          : "lxc.idmap = g 0 100000 1");
                }
        }
        return e;
}

/* LXC takes it for the end of a line and Proxmox does not: lines of one are edited together. */
static NOT_TRACED bool has_lone_cr(struct bytes file) {
        for (size_t i = 0; i < file.len; i++)
                if (file.data[i] == '\r' && (i + 1 == file.len || file.data[i + 1] != '\n'))
                        return true;
        return false;
}

static void check_edits(struct arena *a, enum pctconf_kind kind, struct bytes file) {
        struct pctconf c, after;
        struct expected e;
        struct bytes text;

        if (has_lone_cr(file))
                return;
        pctconf_parse(a, kind, file, &c);
        e = edit(a, &c, file);
        text = pctconf_write(&c);
        pctconf_parse(a, kind, text, &after);
        require(bytes_equal(after.tail, c.tail), "another section was touched");
        if (after.n_lines == e.n && e.n > 0 && e.lines[e.n - 1].len == 0)
                e.n--; /* a file whose last line has no end keeps none: a blank one is nothing there */
        require(after.n_lines == e.n + 1, "another number of lines");
        for (size_t i = 0; i < e.n; i++)
                require(bytes_equal(bytes_trim(after.lines[i + 1].text),
                                    bytes_trim(bytes_of(bytes_dup(a, e.lines[i])))) ||
                                memchr(after.lines[i + 1].text.data, 0, after.lines[i + 1].text.len),
                        "another line than was asked for");
}

static void check_parking(struct arena *a, struct bytes file) {
        struct parked_line p = { .line = "dev7: /dev/dri/card7", .number = (uint32_t)file.len % 9 };
        struct pctconf c;
        size_t n = 0;

        pctconf_parse(a, PCTCONF_PVE, file, &c);
        for (size_t i = 1; i < c.n_lines; i++)
                n += bytes_equal(c.lines[i].text, bytes_of(p.line));
        pctconf_park(&c, &p);
        for (size_t i = 1; i < c.n_lines; i++)
                require(n == 0 || !c.lines[i].parked, "a line of the file is remembered, too");
        for (size_t i = 1; i < c.n_lines; i++)
                if (c.lines[i].parked)
                        pctconf_drop(&c, i);
        require(bytes_equal(pctconf_write(&c), file), "a remembered line is in the file");
}

/* The same bytes as a virtual machine's file. */
static void check_vm(struct arena *a, struct bytes file) {
        struct hostpci *lines;
        size_t n = hostpci_parse(a, file, &lines);

        require(n <= file.len, "more lines than bytes");
        for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < i; j++)
                        require(!streq(lines[i].key, lines[j].key), "a key twice");
                require(bytes_contains(file, lines[i].key), "a key from nothing");
                for (size_t j = 0; j < lines[i].n_paths; j++) {
                        const char *path = lines[i].paths[j], *again;

                        again = pci_path_normalize(a, bytes_of(path));
                        require(again && streq(again, path), "an address is not in its long form");
                }
        }
}

static void check_lines(struct arena *a, enum pctconf_kind kind, struct bytes file) {
        struct pctconf c;

        pctconf_parse(a, kind, file, &c);
        require(bytes_equal(pctconf_write(&c), file), "not the same bytes");
        read_lines(a, &c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct arena a;
        struct bytes file = { (const char *)data, size };
        size_t one = slice_of(file, 6);

        for (size_t i = 0; i < 6; i++) {
                enum pctconf_kind kind = i % 2 ? PCTCONF_LXC : PCTCONF_PVE;

                if (!slice_has(one, i))
                        continue;
                if (i < 2)
                        check_lines(&a, kind, file);
                else if (i < 4)
                        check_edits(&a, kind, file);
                else if (i < 5)
                        check_parking(&a, file);
                else
                        check_vm(&a, file);
                arena_reset(&a);
        }
        return 0;
}
