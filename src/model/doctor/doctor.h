/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * doctor - the chain from the host's GPU to a program in the container, check by check
 *
 * A report is a list of items: which outcome a check had, about what, with which values. The
 * outcomes are decided in this room from facts that src/anchor/doctor.c collects. Every
 * sentence stands in doctor.def; src/render/doctor-item.c fills in its places.
 */
#include "model/finding/finding.h"

/** enum doctor_group - the part of the chain that a check is about; the order of a report */
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
        DOCTOR_CHECKS,
};

enum doctor_outcome {
        OUTCOME_NONE,
#define OUTCOME(check, symbol, verdict, evidence, advice, command) OUTCOME_##check##_##symbol,
#define SHARED(symbol, verdict, evidence, advice, command) OUTCOME_##symbol,
#include "model/doctor/doctor.def"
        DOCTOR_OUTCOMES,
};

/** enum doctor_remedy - a remedy that the code chooses, for outcomes with several */
enum doctor_remedy {
        REMEDY_OWN, /* advice and command of the outcome */
#define REMEDY(symbol, advice, command) REMEDY_##symbol,
#include "model/doctor/doctor.def"
        DOCTOR_REMEDIES,
};

/** enum doctor_reason - why an open(2) failed: the place {reason} of an outcome's texts */
enum doctor_reason {
        REASON_NONE,
#define REASON(symbol, text) REASON_##symbol,
#include "model/doctor/doctor.def"
        DOCTOR_REASONS,
};

enum doctor_verdict {
        DOCTOR_OK,
        DOCTOR_SKIPPED, /* not checked, or there is nothing to check; the evidence says why */
        DOCTOR_WARNING, /* works now, but is not right */
        DOCTOR_FAILED,  /* the chain is broken here */
};

struct doctor_check_kind {
        const char *name; /* "idmap-gid"; never changes */
        enum doctor_group group;
        const char *title;
};

extern const struct doctor_check_kind doctor_checks[DOCTOR_CHECKS];

struct doctor_outcome_kind {
        enum doctor_check check; /* DOCTOR_CHECKS: several have it */
        enum doctor_verdict verdict;
        const char *evidence; /* what was seen; "": the finding's text, else the check's title */
        const char *advice;   /* what to do, where no command does it or one must be chosen */
        const char *command;  /* corrects it, runnable by sh as it is; "" when none does */
};

extern const struct doctor_outcome_kind doctor_outcomes[DOCTOR_OUTCOMES];

struct doctor_remedy_kind {
        const char *advice, *command;
};

extern const struct doctor_remedy_kind doctor_remedies[DOCTOR_REMEDIES];

extern const char *const doctor_reasons[DOCTOR_REASONS];

/** struct doctor_edit - what `gpuanchor fix` does about an item, see REMEDY_FIX */
struct doctor_edit {
        size_t line;       /* index into the lines of the container file; 0: nothing */
        const char *value; /* put before it, with its key; NULL: the line is removed */
        const char *key;   /* @value has this key and replaces the line */
};

/**
 * struct doctor_item - the answer of one check about one thing
 *
 * Strings may hold anything: they are escaped where they are printed. One that becomes part of
 * a command is a word of the shell already, see doctor_shell_word().
 */
struct doctor_item {
        enum doctor_outcome outcome;
        enum doctor_remedy remedy;
        enum doctor_reason reason;
        enum doctor_check check;     /* to be given where several checks have the outcome */
        enum doctor_verdict verdict; /* the outcome's */
        const char *subject; /* node, GPU, line or service that it is about; NULL: the whole */
        const char *gpu, *old, *new, *what, *where; /* for the places of the texts */
        const char *arg;                            /* what the chosen remedy's command takes */
        struct doctor_edit edit;
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

/** struct doctor_said - the outcome for what a start says, too */
struct doctor_said {
        enum finding_code code;
        enum doctor_outcome outcome;
};

/** doctor_add_said() - append an outcome for each of @findings that is in the table @said of @n */
void doctor_add_said(struct doctor_report *r, const struct findings *findings,
                     const struct doctor_said *said, size_t n);

/** doctor_add_if_silent() - add an outcome of a check that has none so far */
void doctor_add_if_silent(struct doctor_report *r, enum doctor_outcome outcome);

/** doctor_has() - whether this check has an outcome */
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
