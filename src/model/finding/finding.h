/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * finding - everything that gpuanchor can tell a person
 *
 * Data, never an error code: the hook prints it to the task log, the CLI as
 * table or JSON, the daemon to the journal. All kinds are in finding.def.
 */
#include "base/bytes.h"

/** syslog's numbers, so that they go to the journal as they are */
enum severity { SEV_ERROR = 3, SEV_WARNING = 4, SEV_NOTICE = 5, SEV_INFO = 6 };

/** severity_name() - "error", "warning", "notice", "info" */
const char *severity_name(enum severity s);

/** severity_label() - what stands before a line for people: "error: ", "warning: ", else "" */
const char *severity_label(enum severity s);

enum finding_code {
#define FINDING(symbol, code, severity, id, text, remedy) FINDING_##symbol,
#include "model/finding/finding.def"
#undef FINDING
        FINDING_CODES,
};

struct finding_kind {
        const char *code; /* "gpu-missing" */
        enum severity severity;
        const char *message_id; /* 128 bit, hex; journalctl MESSAGE_ID= */
        const char *text;       /* with {gpu} {old} {new} {what} {where} */
        const char *remedy;     /* what the operator does next, with {vmid} too; "" when nothing */
};

extern const struct finding_kind finding_kinds[FINDING_CODES];

/** struct finding - one thing to tell; any string may be NULL, text places then read "?" */
struct finding {
        enum finding_code code;
        enum severity severity; /* 0: the kind's own, see finding_severity() */
        uint32_t vmid;          /* container it is about; 0: the host, or the one at hand */
        const char *gpu;   /* address */
        /* for people only, neither compared nor kept: of that GPU; without one the gid of {old} or
         * {new} with its group, facts_gid_text() */
        const char *name;
        bool planned;      /* nothing is written: "would be"; neither compared nor kept */
        const char *old;
        const char *new;
        const char *what;  /* the node, group, key, line ... it is about */
        const char *where; /* file, or file:line */
        uint64_t hash;     /* finding_add()'s */
};

struct findings {
        struct arena *arena;
        struct finding *items;
        size_t n;
};

/**
 * finding_add() - append a finding, its strings copied
 * @f: list; its arena holds the copies
 *
 * The same finding (all fields equal) is kept once.
 */
void finding_add(struct findings *f, struct finding item);

/** finding_severity() - its own severity, or its kind's */
enum severity finding_severity(const struct finding *f);

/** finding_equal() - whether two say the same about the same */
bool finding_equal(const struct finding *a, const struct finding *b);

/** findings_worst() - the most severe of the list, SEV_INFO + 1 when it is empty */
int findings_worst(const struct findings *f);

/** finding_is_change() - whether it tells of an edit, which is only true once it was written */
bool finding_is_change(enum finding_code code);

/** finding_is_edit() - whether it is about a line that a start changes, said before or after */
bool finding_is_edit(enum finding_code code);

/** finding_is_way() - whether it tells what else gives the container its GPU; a start does not */
bool finding_is_way(enum finding_code code);

/**
 * finding_is_event() - whether it reports an event, which is over once it was reported
 *
 * All others tell how something is; they are open until it is no longer so.
 */
bool finding_is_event(enum finding_code code);
