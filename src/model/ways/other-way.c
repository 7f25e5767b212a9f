/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * other-way - hooks, and files that bring lines of their own
 */
#include "model/ways/other-way.h"

#include "base/number.h"
#include "model/conf/recognise.h"
#include "model/finding/reason.h"
#include "model/gpu/majors.h"
#include "model/ways/way-file.h"

struct reader {
        struct arena *a;
        const struct facts *f;
        struct other_ways *ways;
        struct survey *survey;
        size_t line;
        const char *file;
        bool userns;
        bool can_make; /* what is done there is done to the container's /dev, with the right to */
};

/* ---- words ---- */

static bool is_pattern(struct bytes word) {
        return bytes_contains_char(word, '*') || bytes_contains_char(word, '?') ||
               bytes_contains_char(word, '[');
}

static bool is_path_character(char c) {
        return ascii_is_alnum(c) || c == '_' || c == '}';
}

/* "/dev/dri/card0" of "$LXC_ROOTFS_MOUNT/dev/dri/card0" */
static struct bytes without_variable(struct bytes word) {
        if (word.len > 0 && word.data[0] == '$')
                while (word.len > 0 && word.data[0] != '/')
                        word = bytes_from(word, 1);
        return word;
}

/* ---- what is to be looked up ---- */

struct asking {
        struct arena *arena;
        struct sources *sources;
        bool more;
};

static void ask(void *user, const struct way_file *f) {
        struct asking *x = user;

        if (!f->at && !f->unread)
                x->more |= sources_add_file(x->arena, x->sources, f->path);
        recognise_ask(x->arena, &f->conf, x->sources);
}

bool other_ways_ask(struct arena *a, const struct pctconf *c, struct sources *s) {
        struct asking x = { a, s, false };
        struct way_walk walk = { .arena = a, .sources = s, .visit = ask, .user = &x };

        for (size_t i = 1; i < c->n_lines; i++)
                way_files(&walk, &c->lines[i]);
        return x.more;
}

/* ---- what is named ---- */

static struct other_way *add(struct reader *r, const char *text, uint32_t kinds) {
        struct other_way *w = ARENA_PUSH(r->a, r->ways->items, r->ways->n);

        *w = (struct other_way){
                .line = r->line, .file = r->file, .text = text, .kinds = kinds
        };
        return w;
}

/* Whose number that is, only /proc/devices and the host's memory tell. */
static void ask_majors(struct reader *r, uint32_t major) {
        r->survey->needs_majors |= major != families[FAMILY_CARD].major;
}

/* A number that was a GPU driver's and is nobody's since; @ret_now: that driver's. */
static bool is_from_before(const struct facts *f, struct devnum number, struct devnum *ret_now) {
        bool sure;
        const char *driver = majors_then(f, number.major, &sure);

        *ret_now = number;
        return driver && sure && facts_major_of(f, driver, &ret_now->major) &&
               ret_now->major != number.major;
}

/* "c 226 0" */
static bool read_number(struct reader *r, struct bytes rest) {
        struct bytes major = way_word(&rest), minor = way_word(&rest);
        struct devnum number = { 0 }, now;
        const struct family *family;
        struct other_way *w;
        bool before;

        if (!parse_u32(major, &number.major) || !parse_u32(minor, &number.minor))
                return false;
        ask_majors(r, number.major);
        before = is_from_before(r->f, number, &now);
        family = facts_family(r->f, now);
        if (!family)
                return false;
        w = add(r, arena_printf(r->a, "c %u %u", number.major, number.minor),
                NODE_BIT(family->kind));
        if (before)
                w->now = now;
        else
                w->node = facts_node(r->f, number, &w->gpu);
        w->makes = r->can_make && !before;
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
        w->folder = w->all && makes;
}

/*
 * A command. Where it has numbers, as that of mknod has, names are those in the container and say
 * nothing more.
 */
static void read_command(struct reader *r, struct bytes text) {
        struct bytes rest = text, word, path = { 0 };
        bool numbers = false, mounts = false, changes = false;
        struct devline d, first;

        if (bytes_has_prefix(bytes_trim(text), "#"))
                return;
        while ((word = way_word(&rest)).len > 0) {
                mounts |= bytes_equal(word, BYTES("mount"));
                changes |= BYTES_IN(word, "chmod", "chown", "chgrp", "setfacl");
                word = without_variable(word);
                if (bytes_equal(word, BYTES("c")))
                        numbers |= read_number(r, rest);
                else if (path.len == 0 && !is_pattern(word) && is_node_path(r->a, word, &d))
                        path = word, first = d;
        }
        if (numbers || path.len == 0)
                return;
        add_path(r, &first, path, mounts && r->can_make);
        /* behind a variable it is the container's /dev */
        r->ways->items[r->ways->n - 1].changes =
                changes && (path.data == text.data || !is_path_character(path.data[-1]));
}

static void read_rule(struct reader *r, const struct devline *d) {
        struct devnum number = d->number, now;
        const struct family *family;
        struct other_way *w;
        bool before;

        if (d->device_type != 'c')
                return;
        number.major = d->driver ? d->written : number.major;
        ask_majors(r, number.major);
        before = is_from_before(r->f, number, &now);
        family = facts_family(r->f, now);
        if (!family)
                return;
        w = add(r, arena_printf(r->a, "c %.*s", (int)d->raw_number.len, d->raw_number.data),
                NODE_BIT(family->kind));
        w->allows = true;
        w->number = number;
        w->all = d->any_minor && !before;
        if (before)
                w->now = now;
        else if (!w->all)
                w->node = facts_node(r->f, number, &w->gpu);
}

static void add_unread(struct reader *r, const char *path, const char *why, bool ends) {
        *ARENA_PUSH(r->a, r->ways->unread, r->ways->n_unread) =
                (struct unread_way){ .line = r->line, .path = path, .why = why, .ends = ends };
}

/* A mount of /dev, of an overlay of it: nothing there is where programs look for it. */
static void add_whole(struct reader *r, const struct conf_line *l) {
        struct other_way *w = add(r, bytes_dup(r->a, l->value), NODE_ANY);

        w->all = w->folder = true;
}

/* LXC's hook for NVIDIA is no line that is followed, where it is another file's. */
static void add_nvidia_hook(struct reader *r, const struct conf_line *l) {
        struct other_way *w = add(r, bytes_dup(r->a, l->value), NODE_BIT(NODE_NVIDIA));

        w->all = w->makes = bytes_equal(l->key, BYTES("lxc.hook.mount"));
}

/* What a hook does to the container's /dev it can do when that is there; no user namespace may
 * mknod. */
static void take_hook(struct reader *r, const struct conf_line *l) {
        r->can_make = !r->userns &&
                      BYTES_IN(l->key, "lxc.hook.mount", "lxc.hook.autodev", "lxc.hook.start");
}

/* A line of a configuration: mounts bring nodes, rules only name numbers. */
static void read_setting(struct reader *r, const struct conf_line *l) {
        struct devline d = recognise_line(r->a, r->f, l);

        if (d.type == DEVLINE_WHOLE)
                add_whole(r, l);
        else if (d.type == DEVLINE_MOUNT)
                add_path(r, &d, d.raw_path, true);
        else if (way_is_hook(l) && bytes_contains(l->value, "/hooks/nvidia"))
                add_nvidia_hook(r, l);
        else if (d.type == DEVLINE_ALLOW && !d.any_major && !d.broken)
                read_rule(r, &d);
        if (way_is_hook(l)) {
                take_hook(r, l);
                read_command(r, l->value);
        }
        if ((d.at && d.at->kind == SOURCE_UNKNOWN) || (d.type == DEVLINE_ALLOW && d.any_major))
                add_unread(r, r->file, d.at ? d.at->why : WHY_ALLOWS_ALL, false);
}

/* ---- files ---- */

static void read_script(struct reader *r, const struct way_file *f) {
        struct bytes text = f->at->text;

        take_hook(r, f->line);
        for (size_t number = 1; text.len > 0; number++) {
                r->file = arena_printf(r->a, "%s:%zu", f->at->leads_to, number);
                read_command(r, bytes_cut(&text, '\n'));
        }
}

static const char *path_text(struct reader *r, const struct way_file *f) {
        const char *path = bytes_dup(r->a, f->path);

        return f->from ? arena_printf(r->a, WHY_IN_FILE, path, f->from->at->leads_to) : path;
}

static void read_file(void *user, const struct way_file *f) {
        struct reader *r = user;

        if (f->unread || !f->at)
                add_unread(r, path_text(r, f), f->unread ? f->unread : WHY_WAY_MANY, f->ends);
        if (way_is_hook(f->line) && f->at && f->at->text.data)
                read_script(r, f);
        for (size_t i = 1; i < f->conf.n_lines && !f->unread; i++) {
                r->file = arena_printf(r->a, "%s:%zu", f->at->leads_to, f->conf.lines[i].number);
                read_setting(r, &f->conf.lines[i]);
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
        struct reader r = {
                .a = a, .f = f, .ways = &s->other_ways, .survey = s, .userns = s->userns
        };
        struct way_walk walk = {
                .arena = a, .sources = &f->sources, .visit = read_file, .user = &r
        };
        uint32_t kinds;

        for (size_t i = 1; i < c->n_lines; i++) {
                const struct conf_line *l = &c->lines[i];

                if (l->parked || !way_is(l))
                        continue;
                r.line = i;
                r.file = NULL;
                if (way_is_hook(l)) {
                        take_hook(&r, l);
                        read_command(&r, l->value);
                }
                way_files(&walk, l);
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

/* No program may make a node in a user namespace: what comes into one is bound. */
bool other_ways_mount(const struct other_ways *w, const struct node *n) {
        for (size_t i = 0; i < w->n; i++)
                if (w->items[i].makes && w->items[i].node == n)
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
