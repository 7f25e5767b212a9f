/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * input - everything that a plan is made from, and what the container's lines say of a node
 */
#include "model/conf/survey.h"
#include "model/identity/host-memory.h"
#include "model/identity/sighting.h"
#include "model/policy/policy.h"

/** struct plan_input - everything that a plan is made from */
struct plan_input {
        const struct facts *facts;
        const struct host_memory *memory; /* advanced to @facts; NULL: this host remembers nothing */
        const struct sightings *sightings; /* NULL: lines count as they are */
        uint32_t vmid;
        const struct policy *policy;
        const char *node; /* cluster node */
        const char *name; /* of the container file, for findings: "101.conf" */
        const struct pctconf *conf;
        const struct survey *survey;
        /* the container is moved to this form: what only the other one needed goes as well,
         * which a start leaves where it is; METHOD_AUTO: no such thing */
        enum method convert;
        /* a verb of the owner, no start: what came with a whole folder gets its holes, too */
        bool asked;
        /* whether a virtual machine of this node has the card; NULL: there is none. Asked seldom */
        bool (*is_taken)(void *user, const struct card *c);
        void *user;
};

/**
 * input_form() - the form that most of the lines have
 *
 * Without lines METHOD_IDMAP; for an application METHOD_DEV: whoever its process is, a private node
 * can be opened to it, where a bound one needs a group that no init of LXC 6 can be given.
 */
enum method input_form(const struct plan_input *in);

/** struct input_forms - by which kinds of line a node is given */
struct input_forms {
        bool dev, mount;
};

/** input_forms() - of the lines in the file, or of those that are @parked, that give @n by its name */
struct input_forms input_forms(const struct plan_input *in, const struct node *n, bool parked);

/** input_names() - whether a line, remembered ones too, gives @n by its name or with its folder */
bool input_names(const struct plan_input *in, const struct node *n);

/** input_is_hooked() - whether @n comes by NVIDIA's hook or another way, and no line gives it */
bool input_is_hooked(const struct plan_input *in, const struct node *n);

/**
 * input_is_elsewhere() - whether nodes of the kind of @n come by another way than lines, but not @n
 *
 * Such as a hook that has an old number. Its owner has to put it right: a line beside it would end a
 * start on the day when the number fits again (EEXIST).
 */
bool input_is_elsewhere(const struct plan_input *in, const struct node *n);

/** struct line_count - mount and devN lines for nodes of a kind */
struct line_count {
        size_t there, parked; /* in the file, remembered */
};

struct line_count input_count(const struct plan_input *in, enum node_kind kind);
