/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * verb - one thing that the gpuanchor command can do
 *
 * One verb, one file, one struct verb. What --help says, what getopt accepts
 * and what the man page is checked against all come from these tables.
 */
#include "anchor/anchor.h"

enum cli_exit {
        EXIT_DONE = 0,      /* all is as it should be */
        EXIT_ATTENTION = 1, /* done, and there is something to look at */
        EXIT_TROUBLE = 2,   /* usage, refused, failed */
};

enum cli_opt {
        OPT_HELP,
        OPT_VERSION,
        OPT_QUIET,
        OPT_VERBOSE,
        OPT_JSON,
        OPT_PLAIN,
        OPT_PROMETHEUS,
        OPT_CLUSTER,
        OPT_DRY_RUN,
        OPT_ALL,
        OPT_BOOT,
        OPT_FORCE,
        OPT_KEEP_POLICY,
        OPT_NOW,
        OPT_GPU,
        OPT_METHOD,
        OPT_DEVICES,
        OPT_MISSING,
        OPT_EXCLUSIVE,
        OPT_VIDEO_GID,
        OPT_RENDER_GID,
        OPT_NEXT_HOOK,
        OPT_TO,
        OPT_OUTPUT,
        OPT_PRESET,
        OPT_GUEST_GROUPS,
        OPT_GUEST_USERS,
        OPT_GUEST_SERVICE,
        OPT_GUEST_ENVIRONMENT,
        OPTS,
};

#define OPT_BIT(opt) (1U << (opt))
_Static_assert(OPTS <= 32, "a verb's options are the bits of an unsigned");
#define OPT_EVERYWHERE (OPT_BIT(OPT_HELP) | OPT_BIT(OPT_QUIET) | OPT_BIT(OPT_VERBOSE))

/** struct cli - one run of the command */
struct cli {
        struct arena arena;
        const char *root;   /* path prefix, "" for this machine */
        struct anchor host; /* of @arena and @root */
        const struct verb *verb;
        const char *opt[OPTS]; /* NULL when not given, "" for one without a value */
        char **args;           /* behind the verb, without options */
        int n_args;
        bool terminal;      /* stdout is one */
        bool color;         /* stdout may be coloured */
        const char *prefix; /* before every result line, "101: ", "" for none */
        size_t width;       /* findings are wrapped at this column, 0: not at all */
};

struct verb {
        const char *name;
        const char *args;    /* "VMID", "" for none */
        const char *summary; /* one line of the list of verbs */
        const char *example;
        const char *about; /* paragraph for its own --help, lines under 80 columns */
        const char *exits[3];
        unsigned options; /* OPT_BIT()s besides those that go everywhere */
        int min_args, max_args;
        int (*run)(struct cli *c); /* returns an enum cli_exit */
};

extern const struct verb verb_gpus, verb_plan, verb_apply, verb_enable, verb_disable, verb_undo,
        verb_status, verb_doctor, verb_fix, verb_convert, verb_report, verb_look, verb_help,
        verb_version;

extern const struct verb *const verbs[]; /* NULL behind the last */
