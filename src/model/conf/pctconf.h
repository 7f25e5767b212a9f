/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pctconf - a container's files as lines that come back byte for byte
 *
 * One model for /etc/pve/lxc/<vmid>.conf and for the /var/lib/lxc/<vmid>/config
 * that Proxmox generates from it. A line is kept, given another value, or
 * dropped, and new ones are put behind it; nothing else is possible.
 */
#include "base/bytes.h"

enum pctconf_kind {
        PCTCONF_PVE, /* "key: value", sections, only the first of them is ours to edit */
        PCTCONF_LXC, /* "key = value", no sections */
};

/** struct parked_line - a line that is remembered, and behind which line it stood */
struct parked_line {
        const char *line;
        const char *behind; /* that line or, of a long one, its beginning; NULL: not known */
        uint32_t number;    /* of that line; 0: there was none before it */
        const char *driver; /* whose the major in it is, which the kernel chose; or NULL */
};

struct conf_line {
        struct bytes text;  /* without its line end; may contain anything */
        struct bytes eol;   /* its own line end, empty on an open last line; "\r": see pctconf_parse() */
        struct bytes key;   /* of a setting as its reader would take it, else empty */
        struct bytes value; /* trimmed; points into @text */
        size_t number;      /* in the file, from 1 */
        bool parked;        /* not in the file: remembered, comes in unless it is dropped */
        const char *driver; /* of a parked line, as struct parked_line has it */

        bool dropped;
        bool remember;         /* dropped, and to be parked */
        const char *new_value; /* NULL: as it was */
        const char **behind;   /* whole lines that follow it */
        size_t n_behind;
};

struct pctconf {
        struct arena *arena;
        enum pctconf_kind kind;
        struct bytes data;
        const char *eol; /* what new lines end in: "\n", or "\r\n" in a file that does */
        bool open_end;   /* the last line has no line end */
        /* the current section; item 0 is an empty place before the first line */
        struct conf_line *lines;
        size_t n_lines;
        struct bytes tail; /* all other sections, never looked into */
};

/**
 * pctconf_parse() - split a file into lines
 * @a:    arena for the line table; @data must live as long
 * @kind: which of the two files it is
 * @data: whole content
 * @ret:  the model
 *
 * Never fails: what cannot be understood is a line without a key. Keys, the
 * separator and section headers are taken as PVE::LXC::Config's parser takes
 * them (a header has at least two characters; an indented line is no setting).
 * A CR in the value of an lxc.* key ends a line, as it does for LXC.
 */
void pctconf_parse(struct arena *a, enum pctconf_kind kind, struct bytes data, struct pctconf *ret);

/** pctconf_copy() - the same lines, to be edited apart from @c, which must live as long */
struct pctconf pctconf_copy(const struct pctconf *c);

/** pctconf_is_template() - whether the container is a template, which never starts */
bool pctconf_is_template(const struct pctconf *c);

/** pctconf_get() - value of the last @key of the current section, as Proxmox does; false if none */
bool pctconf_get(const struct pctconf *c, const char *key, struct bytes *ret);

/**
 * pctconf_park() - add a remembered line to the current section, as if it stood there
 * @p: its strings must live as long as @c
 *
 * Where it stood, if the line before it is still there, else behind its like. Before any edit:
 * indexes of lines move. A line that is there already is not added.
 */
void pctconf_park(struct pctconf *c, const struct parked_line *p);

/** pctconf_place() - @ret->behind and @ret->number of line @i, which is taken out, after all edits */
void pctconf_place(const struct pctconf *c, size_t i, struct parked_line *ret);

/** pctconf_key_end() - index of the last line before the lxc.* lines, where a new devN goes */
size_t pctconf_key_end(const struct pctconf *c);

/** pctconf_set() - give line @i another value; everything around it stays */
void pctconf_set(struct pctconf *c, size_t i, const char *value);

/** pctconf_drop() - take line @i out */
void pctconf_drop(struct pctconf *c, size_t i);

/** pctconf_insert() - put a new setting behind line @i (0: before the first) */
void pctconf_insert(struct pctconf *c, size_t i, const char *key, const char *value);

/** pctconf_last() - index of the last line of the current section that is not blank, 0 if none */
size_t pctconf_last(const struct pctconf *c);

/** pctconf_line_text() - the line with its new value, for messages */
const char *pctconf_line_text(const struct pctconf *c, size_t i);

/** pctconf_write() - the file with all edits; the same bytes as before when there are none */
struct bytes pctconf_write(const struct pctconf *c);
