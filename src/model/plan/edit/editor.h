/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * editor - one file while it is edited
 */
#include "model/plan/plan.h"

/** struct edit_memory - what is to be remembered of a container's lines */
struct edit_memory {
        struct parked parked;
        struct named_nodes named_nodes; /* whose the nodes in its variables are */
        struct majors majors; /* under which its rules are right now */
};

/** struct editor - a file, what it shall give, and where findings go */
struct editor {
        struct arena *a;
        const struct plan_input *in;
        const struct plan *p;
        struct pctconf *c;
        const struct devline *lines; /* of @c, same index */
        size_t n_lines;
        const char *name;
        struct findings *f; /* NULL: none, those about the container file say the same */
        struct edit_memory *memory;
};

/** struct want - a line that shall be there; @text is settled in the container file */
struct want {
        const struct plan_node *pn;
        const char *text;
        bool required; /* added when it is not there */
        bool deny_write;
        bool done;
        bool late; /* not there yet: none is added */
        struct bytes alias; /* of a line that is kept: its name in the container, which is no node's */
        bool has_alias;     /* there is such a line: none need be added */
};

struct wants {
        struct want *items;
        size_t n;
};

/** struct line_class - what differs between the kinds of line that give a device */
struct line_class {
        enum devline_type type;
        bool exclusive;  /* two lines for one node make the start fail */
        const char *key; /* of an added line; NULL: the next free devN */
        bool (*fits)(const struct editor *e, size_t i, const struct want *w);
        const char *(*text)(const struct editor *e, const struct devline *d, const struct want *w);
};

/** editor_report() - add a finding, unless this file has none */
void editor_report(const struct editor *e, struct finding item);

/** editor_selectors_with() - the container's GPUs and @others, as --gpu takes them */
const char *editor_selectors_with(const struct editor *e, const struct gpu_list *others);

/** editor_where() - "101.conf:12", for line @i */
const char *editor_where(const struct editor *e, size_t i);

/** editor_text() - a string of @b */
const char *editor_text(const struct editor *e, struct bytes b);

/* ---- the edits; each says what it did ---- */

void editor_add(const struct editor *e, size_t behind, const char *key, const char *value);
void editor_change(const struct editor *e, size_t i, const char *value);
void editor_replace(const struct editor *e, size_t i, const char *key, const char *value);
void editor_keep(const struct editor *e, size_t i); /* a remembered line comes in, others are */
void editor_drop(const struct editor *e, size_t i);
/* a line that is for a GPU which is not the container's: taken out and remembered */
void editor_park(const struct editor *e, size_t i, const struct gpu *other);

/** editor_free_dev_key() - the lowest devN that is free */
const char *editor_free_dev_key(const struct editor *e);
