/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * make-catalog - finding.def as a message catalog
 *
 * journalctl -x prints the entry below a message and fills @FIELD@ in from it.
 * Made at build time, so that the explanation of a message cannot part from the
 * message.
 */
#include "render/text.h"

static void print_filled(const char *template) {
        static const struct text_place fields[] = {
                { "gpu", "@GPUANCHOR_GPU@" },     { "old", "@GPUANCHOR_OLD@" },
                { "new", "@GPUANCHOR_NEW@" },     { "what", "@GPUANCHOR_WHAT@" },
                { "where", "@GPUANCHOR_WHERE@" }, { "vmid", "@GPUANCHOR_VMID@" },
                { "name", "" }, /* its address says which */
                { "would", "" },
                { NULL, NULL },
        };
        _cleanup_arena_ struct arena a = { 0 };

        puts(text_fill(&a, template, fields));
}

static const char *severity_phrase(enum severity s) {
        return s <= SEV_ERROR     ? "an error"
               : s == SEV_WARNING ? "a warning"
               : s == SEV_NOTICE  ? "a notice"
                                  : "for information";
}

static void print_kind(enum finding_code code) {
        const struct finding_kind *kind = &finding_kinds[code];

        printf("-- %s\nSubject: %s\nDefined-By: gpuanchor\n"
               "Documentation: man:gpuanchord(8)\n\n",
               kind->message_id, kind->code);
        print_filled(kind->text);
        printf("\nThis is %s%s.\n", severity_phrase(kind->severity),
               finding_is_event(code) ? ". It reports an event, once"
                                      : "");
        if (*kind->remedy) {
                printf("What to do next:\n    ");
                print_filled(kind->remedy);
        } else {
                puts("Nothing is to be done.");
        }
        puts("What is open now:\n    gpuanchor status\n");
}

int main(void) {
        puts("# Made from src/model/finding/finding.def. See "
             "https://www.freedesktop.org/wiki/Software/systemd/catalog/\n");
        for (size_t i = 0; i < FINDING_CODES; i++)
                print_kind((enum finding_code)i);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
