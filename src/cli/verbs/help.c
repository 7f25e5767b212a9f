/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * help, version - what --help and --version print, for who types a verb
 */
#include "cli/options.h"

static int run_help(struct cli *c) {
        if (c->n_args == 0) {
                c->verb = NULL;
        } else {
                c->verb = options_verb(c, c->args[0]);
                if (!c->verb)
                        return EXIT_TROUBLE;
        }
        help_print(c);
        return EXIT_DONE;
}

static int run_version(struct cli *c) {
        version_print();
        return EXIT_DONE;
}

const struct verb verb_help = {
        .name = "help",
        .args = "[VERB]",
        .summary = "what gpuanchor, or a verb, can do",
        .example = "gpuanchor help enable",
        .about = "The same as --help.\n",
        .exits = { "shown", NULL, "no such verb" },
        .max_args = 1,
        .run = run_help,
};

const struct verb verb_version = {
        .name = "version",
        .args = "",
        .summary = "the version",
        .example = "gpuanchor version",
        .about = "The same as --version.\n",
        .exits = { "shown" },
        .run = run_version,
};
