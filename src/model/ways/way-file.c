/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * way-file - which files, and what keeps them from being read
 */
#include "model/ways/way-file.h"

#include "model/finding/reason.h"

enum {
        MAX_DEPTH = 8,  /* files that include each other; LXC has no limit but its memory */
        MAX_FILES = 64, /* of all lines together */
};

/* ---- words ---- */

static bool is_word(char c) {
        return ascii_is_alnum(c) || (c != '\0' && strchr("/-_.:@+%*?[]$", c));
}

struct bytes way_word(struct bytes *text) {
        size_t n = 0;

        /* quotes and signs part words as blanks do */
        while (text->len > 0 && !is_word(text->data[0]))
                *text = bytes_from(*text, 1);
        while (n < text->len && is_word(text->data[n]))
                n++;
        *text = bytes_from(*text, n);
        return (struct bytes){ text->data - n, n };
}

static bool is_file(struct bytes word) {
        return word.len > 1 && word.data[0] == '/' && !bytes_has_prefix(word, "/dev/") &&
               !bytes_contains_char(word, '*') && !bytes_contains_char(word, '?') &&
               !bytes_contains_char(word, '[') && !bytes_contains_char(word, '$');
}

/* "sh" of "/bin/sh", without its options: what it runs is the next word. */
static bool is_interpreter(struct bytes word) {
        struct bytes name = word;

        for (size_t i = 0; i < word.len; i++)
                if (word.data[i] == '/')
                        name = bytes_from(word, i + 1);
        return BYTES_IN(name, "sh", "bash", "dash", "env", "busybox", "exec", "perl", "python3");
}

/* As LXC takes a value: without the quotes around it. */
static struct bytes unquoted(struct bytes value) {
        if (value.len > 1 && (value.data[0] == '"' || value.data[0] == '\'') &&
            value.data[value.len - 1] == value.data[0])
                value = (struct bytes){ value.data + 1, value.len - 2 };
        return value;
}

/* ---- lines ---- */

bool way_is_hook(const struct conf_line *l) {
        return bytes_has_prefix(l->key, "lxc.hook.") &&
               !bytes_equal(l->key, BYTES("lxc.hook.version"));
}

static bool is_include(const struct conf_line *l) {
        return bytes_equal(l->key, BYTES("lxc.include"));
}

bool way_is(const struct conf_line *l) {
        return way_is_hook(l) || is_include(l) || bytes_equal(l->key, BYTES("lxc.mount.fstab"));
}

/* The others run in the container, when it has stopped, or never for one of Proxmox. */
static bool runs_at_start(const struct conf_line *l) {
        return BYTES_IN(l->key, "lxc.hook.pre-start", "lxc.hook.start-host", "lxc.hook.pre-mount",
                        "lxc.hook.mount", "lxc.hook.autodev");
}

/* ---- one file ---- */

static bool is_in_itself(const struct way_file *f) {
        for (const struct way_file *x = f->from; x; x = x->from)
                if (x->at && streq(x->at->leads_to, f->at->leads_to))
                        return true;
        return false;
}

static size_t depth(const struct way_file *f) {
        size_t n = 0;

        while ((f = f->from))
                n++;
        return n;
}

static bool is_folder_by_name(struct bytes path) {
        return path.data[path.len - 1] == '/';
}

/* What cannot be opened ends the start; a folder may be missing, if a slash says that it is one. */
static void judge_configuration(struct way_file *f) {
        const struct source *at = f->at;

        if (at->kind == SOURCE_NOTHING && is_folder_by_name(f->path))
                return;
        f->unread = at->unread;
        f->ends = at->kind == SOURCE_NOTHING || (at->kind == SOURCE_FILE && !at->regular);
        if (at->kind == SOURCE_FOLDER && f->from && f->from->at->kind == SOURCE_FOLDER) {
                f->unread = WHY_WAY_NO_FILE; /* "x.conf" in an included folder is read as a file */
                f->ends = true;
        } else if (is_in_itself(f)) {
                f->unread = WHY_WAY_ITSELF;
                f->ends = true;
        } else if (depth(f) > MAX_DEPTH) {
                f->unread = WHY_WAY_DEEP;
        }
}

/* The shell ends with 126 or 127 where there is nothing that it can run; from a FIFO it waits. */
static void judge_program(struct way_file *f) {
        const struct source *at = f->at;
        bool needed = f->program == PROGRAM_RUN || f->program == PROGRAM_READ;

        f->unread = at->kind == SOURCE_FOLDER ? WHY_WAY_NO_FILE : at->unread;
        if (f->program == PROGRAM_RUN && at->regular && !at->executable)
                f->unread = WHY_WAY_NO_PROGRAM;
        f->ends = needed && runs_at_start(f->line) && at->kind != SOURCE_UNKNOWN &&
                  (!at->regular || f->unread == WHY_WAY_NO_PROGRAM);
}

static void take_lines(struct way_walk *w, struct way_file *f) {
        pctconf_parse(w->arena, PCTCONF_LXC, f->at->text, &f->conf);
        for (size_t i = 1; i < f->conf.n_lines && !is_include(f->line); i++) {
                struct conf_line *l = &f->conf.lines[i];

                l->key = BYTES("lxc.mount.entry"); /* a line of an fstab has the same form */
                l->value = bytes_trim(l->text);
        }
}

static void walk_line(struct way_walk *w, const struct way_file *from, const struct conf_line *l);
static void walk_folder(struct way_walk *w, const struct way_file *folder);

static void walk_file(struct way_walk *w, struct way_file f) {
        f.at = sources_find(w->sources, f.path);
        if (f.at && !f.at->is_asked)
                f.at = NULL;
        if (++w->n > MAX_FILES + 1) /* said once */
                return;
        if (w->n > MAX_FILES)
                f.unread = WHY_WAY_MANY;
        else if (f.at && way_is_hook(f.line))
                judge_program(&f);
        else if (f.at)
                judge_configuration(&f);
        if (f.at && f.at->kind == SOURCE_NOTHING && f.program == PROGRAM_NONE &&
            way_is_hook(f.line))
                return; /* any word of a command */
        if (f.at && f.at->text.data && !f.unread && !way_is_hook(f.line))
                take_lines(w, &f);
        w->visit(w->user, &f);
        if (f.unread || !f.at || !is_include(f.line))
                return;
        walk_folder(w, &f);
        for (size_t i = 1; i < f.conf.n_lines; i++)
                walk_line(w, &f, &f.conf.lines[i]);
}

static void walk_folder(struct way_walk *w, const struct way_file *folder) {
        for (size_t i = 0; i < folder->at->n_names; i++)
                walk_file(w, (struct way_file){
                                     .from = folder,
                                     .line = folder->line,
                                     .path = bytes_of(arena_printf(w->arena, "%s/%s",
                                                                   folder->at->leads_to,
                                                                   folder->at->names[i])) });
}

/* ---- the files of a line ---- */

/* Known without a look. */
static void visit_unread(struct way_walk *w, struct way_file f, const char *why) {
        f.unread = why;
        w->visit(w->user, &f);
}

static void walk_word(struct way_walk *w, struct way_file f) {
        bool file = is_file(f.path) && !bytes_has_prefix(f.path, "/usr/share/lxc/hooks/");

        if (file && bytes_equal(f.line->key, BYTES("lxc.hook.start")))
                visit_unread(w, f, WHY_WAY_INSIDE);
        else if (file)
                walk_file(w, f);
        else if (f.program == PROGRAM_RUN && f.path.data[0] != '/')
                visit_unread(w, f,
                             bytes_contains_char(f.path, '$') ? WHY_WAY_SHELL : WHY_WAY_PROGRAM);
}

/* Whether the shell takes exactly @word of @value, and no longer word of which it is part. */
static bool is_whole(struct bytes value, struct bytes word) {
        const char *end = word.data + word.len;

        return (word.data == value.data || word.data[-1] == ' ' || word.data[-1] == '\t') &&
               (end == value.data + value.len || *end == ' ' || *end == '\t');
}

static void walk_command(struct way_walk *w, struct way_file f) {
        struct bytes value = f.path, rest = value;
        enum way_program next = PROGRAM_RUN;

        while ((f.path = way_word(&rest)).len > 0) {
                if ((next == PROGRAM_RUN || next == PROGRAM_READ) && is_interpreter(f.path)) {
                        next = PROGRAM_READ;
                } else if (next == PROGRAM_READ && f.path.data[0] == '-') {
                        next = bytes_contains_char(f.path, 'c') ? PROGRAM_FIRST : next;
                } else {
                        f.program = next == PROGRAM_NONE || is_whole(value, f.path) ? next
                                                                                   : PROGRAM_FIRST;
                        next = PROGRAM_NONE;
                        walk_word(w, f);
                }
        }
}

static void walk_line(struct way_walk *w, const struct way_file *from, const struct conf_line *l) {
        struct way_file f = { .from = from, .line = l, .path = unquoted(l->value) };

        if (!way_is(l) || f.path.len == 0)
                return;
        if (way_is_hook(l))
                walk_command(w, f);
        else if (f.path.data[0] != '/')
                visit_unread(w, f, WHY_WAY_RELATIVE);
        else
                walk_file(w, f);
}

void way_files(struct way_walk *w, const struct conf_line *l) {
        walk_line(w, NULL, l);
}
