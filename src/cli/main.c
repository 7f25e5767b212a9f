/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gpuanchor - the operator's tool
 *
 * Finds the verb and runs it. Everything that decides is elsewhere; a verb
 * reads, asks src/anchor, and prints. GPUANCHOR_ROOT=DIR looks at the host that
 * lies in DIR, for tests and bug reports.
 */
#include "cli/hwdb.h"
#include "cli/options.h"
#include "cli/output.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>

static bool wants_color(void) {
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

        return !(no && *no) && term && !streq(term, "dumb");
}

static int run(struct cli *c, int argc, char **argv) {
        int status = EXIT_DONE;

        if (!options_parse(c, argc, argv))
                return EXIT_TROUBLE;
        if (c->opt[OPT_HELP])
                help_print(c);
        else if (c->opt[OPT_VERSION])
                version_print();
        else
                status = c->verb->run(c);
        if (argc == 1)
                cli_say(c, MSG_HELP_IS_THERE);
        return status;
}

int main(int argc, char **argv) {
        const char *root = getenv("GPUANCHOR_ROOT");
        struct cli c = { .root = root ? root : "", .prefix = "" };
        int status;

        signal(SIGXFSZ, SIG_IGN); /* write(2) then fails instead, which can be said */
        setlocale(LC_CTYPE, "");
        c.host = host_open(&c.arena, c.root);
        c.terminal = isatty(STDOUT_FILENO);
        c.color = c.terminal && wants_color();
        c.width = c.terminal ? cli_width() : 0;
        status = run(&c, argc, argv);
        if (fflush(stdout) != 0 || ferror(stdout)) {
                fprintf(stderr, MSG_OUTPUT_FAILED, strerror(errno));
                status = EXIT_TROUBLE;
        }
        arena_done(&c.arena);
        return status;
}
