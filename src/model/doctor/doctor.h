/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * doctor - the chain from the host's GPU to a program in the container, check by check
 *
 * A report is a list of items: what was looked at, whether it is right, the evidence, and
 * the command that mends it. The verdicts are decided in the doctor-*.c files of this room
 * from facts that others have gathered; src/render turns them into words.
 */
#include "model/finding/finding.h"

/** enum doctor_group - where in the chain a check stands; a report is told in this order */
enum doctor_group {
        DOCTOR_HOST,
        DOCTOR_FILE,    /* layer 1: permission of the node, seen through the id map */
        DOCTOR_CGROUP,  /* layer 2: the container's device cgroup */
        DOCTOR_CONF,    /* the container file, and what comes with it */
        DOCTOR_INSIDE,  /* the running container */
        DOCTOR_SERVICE, /* layer 3: its services, confined by its own systemd */
        DOCTOR_GROUPS,
};

enum doctor_check {
#define CHECK(symbol, name, group, title) DOCTOR_##symbol,
#include "model/doctor/doctor.def"
#undef CHECK
        DOCTOR_CHECKS,
};

enum doctor_verdict {
        DOCTOR_OK,
        DOCTOR_SKIPPED, /* could not be looked at, or has nothing to look at; @evidence says why */
        DOCTOR_WARNING, /* works today, and is not as it should be */
        DOCTOR_FAILED,  /* the chain is broken here */
};

struct doctor_check_kind {
        const char *name; /* "idmap-gid"; never changes */
        enum doctor_group group;
        const char *title;
};

extern const struct doctor_check_kind doctor_checks[DOCTOR_CHECKS];

/**
 * struct doctor_item - the answer of one check about one thing
 *
 * Strings may hold anything: they are escaped where they are printed. With @finding, its
 * text is the evidence and its remedy the advice, unless those are given here.
 */
struct doctor_item {
        enum doctor_check check;
        enum doctor_verdict verdict;
        const char *subject;  /* node, GPU, line or service that it is about; NULL: the whole */
        const char *evidence; /* what was seen */
        const char *advice;   /* what to do, where no command does it or one must be chosen */
        const char *mend;     /* command that mends it, runnable by sh as it is; NULL when ok */
        const struct finding *finding;
};

struct doctor_report {
        struct arena *arena;
        struct doctor_item *items;
        size_t n;
        size_t left_out;
};

#define DOCTOR_MAX_ALIKE 50

/**
 * doctor_add() - append an item; its strings and its finding are copied to the arena
 *
 * A container file of a megabyte can name a GPU on each line: of one check and verdict
 * DOCTOR_MAX_ALIKE are kept, the others are counted.
 */
void doctor_add(struct doctor_report *r, struct doctor_item item);

/** doctor_has() - whether this check has answered */
bool doctor_has(const struct doctor_report *r, enum doctor_check check);

/** doctor_sort() - bring the items into the order of the table, each check's as they were added */
void doctor_sort(struct doctor_report *r);

/** doctor_count() - items with this verdict */
size_t doctor_count(const struct doctor_report *r, enum doctor_verdict v);

/** doctor_first() - the first item that has @v; NULL when none has */
const struct doctor_item *doctor_first(const struct doctor_report *r, enum doctor_verdict v);

/** doctor_group_name() - "host", "layer 1", ...: a word for scripts */
const char *doctor_group_name(enum doctor_group g);

/** doctor_group_title() - a heading for people: "Layer 1: file permission" */
const char *doctor_group_title(enum doctor_group g);

/** doctor_verdict_name() - "ok", "skipped", "warning", "failed" */
const char *doctor_verdict_name(enum doctor_verdict v);

/** doctor_exit() - 0: all ok (or skipped), 1: a warning or a failure */
int doctor_exit(const struct doctor_report *r);
