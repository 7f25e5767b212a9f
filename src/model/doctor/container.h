/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * container - what is known of a container, and the checks of its file
 */
#include "model/doctor/host.h"
#include "model/plan/choose/enrol.h"
#include "model/plan/plan.h"

/** enum hook_problem - why a hookscript cannot be run */
enum hook_problem {
        HOOK_OK, /* or the file cannot be accessed */
        HOOK_NO_STORAGE,
        HOOK_ABSENT,
        HOOK_NOT_EXECUTABLE,
};

/** struct doctor_hook - the hookscript of a container, or the one that gpuanchor's runs */
struct doctor_hook {
        const char *volume; /* "local:snippets/my-hook", NULL: none */
        enum hook_problem problem;
        bool wrapper; /* not the link that `gpuanchor enable` makes */
};

struct doctor_guest {
        uint32_t vmid;
        const char *name; /* "101.conf" */
        const char *path; /* "/etc/pve/lxc/101.conf" */
        bool managed, has_policy;
        bool exclusive; /* its policy wants its GPU for itself */
        bool devices_set; /* its policy says which kinds of nodes */
        bool left_alone; /* its policy or its id map is broken: no edits are planned */
        const struct facts *facts;
        const struct plan *plan;
        const struct pctconf *conf;      /* the file, without parked lines */
        const struct survey *survey;     /* of @conf */
        const struct findings *findings; /* of the check that made @plan */
        const struct findings *snapshots;
        const struct subid_range *subuids;
        size_t n_subuids;
        struct doctor_hook hook, next;
        const struct doctor_line *chmods; /* lines of its hooks, see doctor_line_chmods() */
        size_t n_chmods;
        const char *edits;  /* what the next start would change, in words; NULL: nothing */
        const char *taken; /* why the GPU cannot be had now, see exclusive_judge(); NULL: it can */
        const char *refuse; /* why it would be refused; NULL: it would not */
        bool too_large;     /* with these changes the file is larger than /etc/pve takes */
};

/** struct doctor_given - a line of the container file that gives it a node */
struct doctor_given {
        size_t line; /* index into conf->lines */
        const struct devline *d;
        const struct node *node; /* NULL: no such node on this host, or a whole folder */
        const struct gpu *gpu;   /* whose node it is; NULL for a shared one */
};

/** doctor_check_file() - the group FILE */
void doctor_check_file(struct doctor_report *r, const struct doctor_guest *g);

/** doctor_enrolment() - of the container at hand */
struct enrolment doctor_enrolment(const struct doctor_guest *g);

/** doctor_enrol() - the remedy of @item is to enrol the container, in whatever way that goes */
void doctor_enrol(struct arena *a, const struct doctor_guest *g, struct doctor_item *item);

/** map_is_too_long() - whether a range begins among the ids of unprivileged containers and ends beyond */
bool map_is_too_long(const struct extent *e);

/** map_check_lines() - of the check idmap what is wrong with single lines */
void map_check_lines(struct doctor_report *r, const struct doctor_guest *g);

/** doctor_check_cgroup() - the group CGROUP */
void doctor_check_cgroup(struct doctor_report *r, const struct doctor_guest *g);

/** doctor_check_lines() - of the group CONF what is about single lines */
void doctor_check_lines(struct doctor_report *r, const struct doctor_guest *g);

/** doctor_check_conf() - the group CONF; after all others, whose outcomes it needs */
void doctor_check_conf(struct doctor_report *r, const struct doctor_guest *g);

/**
 * doctor_fix() - carry out the edits that the items of one check have
 * @conf: the container file that the report is about
 *
 * Return: number of edits.
 */
size_t doctor_fix(const struct doctor_report *r, enum doctor_check check, struct pctconf *conf);

/** doctor_fixes() - whether @l may be a line that doctor_fix() added or removed */
bool doctor_fixes(struct arena *a, const struct conf_line *l);

/** doctor_given() - mount and devN lines in the order of the file */
size_t doctor_given(struct arena *a, const struct doctor_guest *g, struct doctor_given **ret);

/** doctor_read_uids() - the uid side of the id map; the gid side is in the plan */
void doctor_read_uids(struct arena *a, const struct doctor_guest *g, struct idmap *ret);

/** doctor_where() - "101.conf:12" */
const char *doctor_where(struct arena *a, const struct doctor_guest *g, size_t line);

/**
 * doctor_correct_lines() - have gpuanchor correct the container's lines
 *
 * @item gets the remedy: the command where it does that, else the advice to see what says why not
 * and what a person has to decide.
 */
void doctor_correct_lines(const struct doctor_guest *g, struct doctor_item *item);

/**
 * doctor_judge_hole() - whether a hole that is not delegated leads to no group of the host
 *
 * It is of another host, or of an earlier number of a group: to delegate it starts the container and
 * gives it nothing. @item gets the outcome then, and the remedy where it is of a GPU's group.
 */
void doctor_judge_hole(const struct doctor_guest *g, const struct extent *hole,
                       struct doctor_item *item);

/** doctor_add_lines() - doctor_add() of an item whose remedy is doctor_correct_lines()'s */
void doctor_add_lines(struct doctor_report *r, const struct doctor_guest *g,
                      struct doctor_item item);
