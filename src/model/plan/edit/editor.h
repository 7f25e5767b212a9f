/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * drift-editor - one file while it is edited, for drift's own files
 */
#include "model/plan/edit/edit.h"

/** struct want - a line that shall be there; @text is settled in the container file */
struct want {
        const struct plan_node *pn;
        const char *text;
        bool required; /* added when it is not there */
        bool deny_write;
        bool done;
};

struct wants {
        struct want *items;
        size_t n;
};

/** struct editor - a file, what it shall give, and who is told */
struct editor {
        struct arena *a;
        const struct plan_input *in;
        const struct plan *p;
        struct pctconf *c;
        const struct devline *lines; /* of @c, same index */
        size_t n_lines;
        const char *name;
        struct findings *f; /* NULL: say nothing, the other file has said it */
        struct drift *drift;
};

/** struct line_class - what differs between the kinds of line that give a device */
struct line_class {
        enum devline_type type;
        bool legacy;
        bool exclusive;  /* two lines for one node make the start fail */
        const char *key; /* of an added line; NULL: the next free devN */
        bool (*fits)(const struct editor *e, size_t i, const struct want *w);
        const char *(*text)(const struct editor *e, const struct devline *d, const struct want *w);
};

extern const struct line_class class_mount, class_dev, class_allow, class_legacy, class_deny;

/** editor_tell() - add a finding, unless this file is one that says nothing */
void editor_tell(const struct editor *e, struct finding item);

/** editor_where() - "101.conf:12", for line @i */
const char *editor_where(const struct editor *e, size_t i);

/** editor_text() - a string of @b */
const char *editor_text(const struct editor *e, struct bytes b);

/* ---- the four edits; each says what it did ---- */

void editor_add(const struct editor *e, size_t behind, const char *key, const char *value);
void editor_change(const struct editor *e, size_t i, const char *value);
void editor_keep(const struct editor *e, size_t i); /* a remembered line comes in, others are */
void editor_drop(const struct editor *e, size_t i);

/** editor_free_dev_key() - the lowest devN that nobody has */
const char *editor_free_dev_key(const struct editor *e);

/** editor_settle() - the lines of one class against what they shall give */
void editor_settle(const struct editor *e, const struct line_class *k, struct wants *wants);

/** editor_set_map() - the lxc.idmap lines against the plan's map */
void editor_set_map(struct editor *e);
