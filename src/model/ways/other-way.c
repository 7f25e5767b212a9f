/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * other-way - hooks, and files that bring lines of their own
 */
#include "model/ways/other-way.h"

#include "base/number.h"

struct reader {
        struct arena *a;
        const struct facts *f;
        struct other_ways *ways;
        size_t line;
        const char *file;
        bool can_make; /* what is done there is done to the container's /dev, with the right to */
};

/* ---- words ---- */

static bool is_word(char c) {
        return ascii_is_alnum(c) || (c != '\0' && strchr("/-_.:*?[]$", c));
}

/* The next word of a text in which any shell may be: quotes and signs part words as blanks do. */
static struct bytes next_word(struct bytes *text) {
        size_t n = 0;

        while (text->len > 0 && !is_word(text->data[0]))
                *text = bytes_from(*text, 1);
        while (n < text->len && is_word(text->data[n]))
                n++;
        *text = bytes_from(*text, n);
        return (struct bytes){ text->data - n, n };
}

static bool is_pattern(struct bytes word) {
        return bytes_contains_char(word, '*') || bytes_contains_char(word, '?') ||
               bytes_contains_char(word, '[');
}

/* "/dev/dri/card0" of "$LXC_ROOTFS_MOUNT/dev/dri/card0" */
static struct bytes without_variable(struct bytes word) {
        if (word.len > 0 && word.data[0] == '$')
                while (word.len > 0 && word.data[0] != '/')
                        word = bytes_from(word, 1);
        return word;
}

/* ---- keys ---- */

static bool is_hook(const struct conf_line *l) {
        return bytes_has_prefix(l->key, "lxc.hook.");
}

bool other_way_is(const struct conf_line *l) {
        return is_hook(l) || BYTES_IN(l->key, "lxc.include", "lxc.mount.fstab");
}

/* The next word of @text that names a file which may be read; LXC's own bring no node. */
static struct bytes next_file(struct bytes *text) {
        struct bytes word;

        while ((word = next_word(text)).len > 0)
                if (word.data[0] == '/' && !bytes_has_prefix(word, "/dev/") &&
                    !bytes_has_prefix(word, "/usr/share/lxc/") && !is_pattern(word) &&
                    !bytes_contains_char(word, '$'))
                        break;
        return word;
}

void other_ways_ask(struct arena *a, const struct pctconf *c, struct sources *s) {
        for (size_t i = 1; i < c->n_lines; i++) {
                struct bytes rest = c->lines[i].value, word;

                while (other_way_is(&c->lines[i]) && (word = next_file(&rest)).len > 0)
                        sources_add_file(a, s, word);
        }
}

/* Whether a line of an included file says itself which nodes it brings: nothing is looked up for it. */
static bool says_all(struct arena *a, const struct conf_line *l) {
        struct devline d = devline_parse(a, l);
        struct bytes rest = l->value;

        if (other_way_is(l))
                return next_file(&rest).len == 0;
        if (d.type == DEVLINE_ALLOW)
                return !d.any_major && !d.by_path;
        return d.type != DEVLINE_MOUNT || d.path.scope == PATH_NODE ||
               d.path.scope == PATH_FOLDER ||
               (d.path.scope == PATH_OTHER && d.target_path.scope == PATH_OTHER);
}

static bool is_all_said(struct arena *a, struct pctconf c, bool fstab) {
        for (size_t i = 1; i < c.n_lines; i++) {
                struct conf_line l = c.lines[i];

                if (fstab) {
                        l.key = BYTES("lxc.mount.entry");
                        l.value = bytes_trim(l.text);
                }
                if (!says_all(a, &l))
                        return false;
        }
        return true;
}

bool other_way_is_read(struct arena *a, const struct facts *f, const struct conf_line *l) {
        struct bytes rest = l->value, word;

        while ((word = next_file(&rest)).len > 0) {
                const struct source *at = sources_find(&f->sources, word);
                struct pctconf c;

                if (!at || !at->text.data)
                        return false;
                pctconf_parse(a, PCTCONF_LXC, at->text, &c);
                if (!is_hook(l) && !is_all_said(a, c, !bytes_equal(l->key, BYTES("lxc.include"))))
                        return false;
        }
        return true;
}

/* ---- what is named ---- */

static struct other_way *add(struct reader *r, const char *text, uint32_t kinds) {
        struct other_way *w = ARENA_PUSH(r->a, r->ways->items, r->ways->n);

        *w = (struct other_way){
                .line = r->line, .file = r->file, .text = text, .kinds = kinds
        };
        return w;
}

/* "c 226 0" */
static bool read_number(struct reader *r, struct bytes rest) {
        struct bytes major = next_word(&rest), minor = next_word(&rest);
        struct devnum number = { 0 };
        const struct family *family;
        struct other_way *w;

        if (!parse_u32(major, &number.major) || !parse_u32(minor, &number.minor) ||
            !(family = facts_family(r->f, number)))
                return false;
        w = add(r, arena_printf(r->a, "c %u %u", number.major, number.minor),
                NODE_BIT(family->kind));
        w->node = facts_node(r->f, number, &w->gpu);
        w->makes = r->can_make;
        return true;
}

static bool is_node_path(struct arena *a, struct bytes word, struct devline *d) {
        *d = (struct devline){ .type = DEVLINE_MOUNT };
        d->path = gpu_path_parse(a, word);
        return d->path.scope == PATH_NODE;
}

static void add_path(struct reader *r, const struct devline *d, struct bytes text, bool makes) {
        struct other_way *w = add(r, bytes_dup(r->a, text), devline_kinds(r->f, d));

        w->all = d->path.scope == PATH_FOLDER;
        w->node = devline_node(r->f, d, &w->gpu);
        w->makes = makes;
}

/*
 * A command. Where it has numbers, as that of mknod has, names are those in the container and say
 * nothing more.
 */
static void read_command(struct reader *r, struct bytes text) {
        struct bytes rest = text, word, path = { 0 };
        bool numbers = false, mounts = false;
        struct devline d, first;

        if (bytes_has_prefix(bytes_trim(text), "#"))
                return;
        while ((word = next_word(&rest)).len > 0) {
                mounts |= bytes_equal(word, BYTES("mount"));
                word = without_variable(word);
                if (bytes_equal(word, BYTES("c")))
                        numbers |= read_number(r, rest);
                else if (path.len == 0 && !is_pattern(word) && is_node_path(r->a, word, &d))
                        path = word, first = d;
        }
        if (!numbers && path.len > 0)
                add_path(r, &first, path, mounts && r->can_make);
}

static void read_rule(struct reader *r, const struct devline *d) {
        const struct family *family = facts_family(r->f, d->number);
        struct other_way *w;

        if (!family || d->device_type != 'c')
                return;
        w = add(r, arena_printf(r->a, "c %.*s", (int)d->raw_number.len, d->raw_number.data),
                NODE_BIT(family->kind));
        w->allows = true;
        w->all = d->any_minor;
        w->number = d->number;
        w->node = w->all ? NULL : facts_node(r->f, d->number, &w->gpu);
}

/* A line of a configuration: mounts bring nodes, rules only name numbers. */
static void read_setting(struct reader *r, const struct conf_line *l) {
        struct devline d = devline_parse(r->a, l);

        if (d.type == DEVLINE_MOUNT && (d.path.scope == PATH_NODE || d.path.scope == PATH_FOLDER))
                add_path(r, &d, d.raw_path, true);
        else if (is_hook(l))
                read_command(r, l->value);
        else if (d.type == DEVLINE_ALLOW && !d.by_path && !d.any_major && !d.broken)
                read_rule(r, &d);
}

/* ---- files ---- */

static void read_lines(struct reader *r, const struct source *at, const char *key) {
        struct bytes text = at->text;

        for (size_t number = 1; text.len > 0; number++) {
                struct bytes line = bytes_cut(&text, '\n');
                struct conf_line l = { .text = line,
                                       .key = bytes_of(key),
                                       .value = bytes_trim(line) };

                r->file = arena_printf(r->a, "%s:%zu", at->leads_to, number);
                if (*key)
                        read_setting(r, &l);
                else
                        read_command(r, line);
        }
}

static void read_configuration(struct reader *r, const struct source *at) {
        struct pctconf c;

        pctconf_parse(r->a, PCTCONF_LXC, at->text, &c);
        for (size_t i = 1; i < c.n_lines; i++) {
                r->file = arena_printf(r->a, "%s:%zu", at->leads_to, c.lines[i].number);
                read_setting(r, &c.lines[i]);
        }
}

static void read_files(struct reader *r, const struct conf_line *l) {
        struct bytes rest = l->value, word;

        while ((word = next_file(&rest)).len > 0) {
                const struct source *at = sources_find(&r->f->sources, word);

                if (!at || !at->text.data)
                        continue;
                if (is_hook(l))
                        read_lines(r, at, "");
                else if (bytes_equal(l->key, BYTES("lxc.include")))
                        read_configuration(r, at);
                else
                        read_lines(r, at, "lxc.mount.entry");
        }
}

static uint32_t kinds_made(const struct other_ways *w) {
        uint32_t kinds = 0;

        for (size_t i = 0; i < w->n; i++)
                kinds |= w->items[i].makes ? w->items[i].kinds : 0;
        return kinds;
}

void other_ways_find(struct arena *a, const struct facts *f, const struct pctconf *c,
                     struct survey *s) {
        uint32_t kinds;

        for (size_t i = 1; i < c->n_lines; i++) {
                const struct conf_line *l = &c->lines[i];
                struct reader r = { .a = a, .f = f, .ways = &s->other_ways, .line = i };

                if (l->parked || !other_way_is(l))
                        continue;
                /* others are run before the container has a /dev; no user namespace may mknod */
                r.can_make = !s->userns && BYTES_IN(l->key, "lxc.hook.mount", "lxc.hook.autodev",
                                                    "lxc.hook.start", "lxc.include");
                if (is_hook(l))
                        read_command(&r, l->value);
                read_files(&r, l);
        }
        kinds = kinds_made(&s->other_ways);
        s->ways_only = kinds & ~s->given;
        s->given |= kinds;
        s->nvidia_named |= (kinds & NODE_BIT(NODE_NVIDIA)) != 0;
}

bool other_ways_make(const struct other_ways *w, const struct node *n) {
        for (size_t i = 0; i < w->n; i++)
                if (w->items[i].makes &&
                    (w->items[i].node == n ||
                     (w->items[i].all && (w->items[i].kinds & NODE_BIT(n->kind)))))
                        return true;
        return false;
}

bool other_ways_allow(const struct other_ways *w, const struct node *n) {
        for (size_t i = 0; i < w->n; i++)
                if (w->items[i].allows && w->items[i].number.major == n->number.major &&
                    (w->items[i].all || w->items[i].number.minor == n->number.minor))
                        return true;
        return false;
}
