/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * make-catalog - finding.def as a message catalog
 *
 * journalctl -x prints the entry below a message and fills @FIELD@ in from it.
 * Made at build time, so that the explanation of a message cannot part from the
 * message.
 */
#include "model/finding/finding.h"

static const struct {
        const char *place, *field;
} places[] = {
        { "{gpu}", "@GPUANCHOR_GPU@" },     { "{old}", "@GPUANCHOR_OLD@" },
        { "{new}", "@GPUANCHOR_NEW@" },     { "{what}", "@GPUANCHOR_WHAT@" },
        { "{where}", "@GPUANCHOR_WHERE@" }, { "{vmid}", "@GPUANCHOR_VMID@" },
};

/* Return: how much of @s the place at its beginning takes, 0 when there is none. */
static size_t print_place(const char *s) {
        for (size_t i = 0; i < ELEMENTS(places); i++)
                if (str_has_prefix(s, places[i].place)) {
                        fputs(places[i].field, stdout);
                        return strlen(places[i].place);
                }
        return 0;
}

static void print_filled(const char *template) {
        while (*template) {
                size_t n = print_place(template);

                if (n == 0)
                        putchar(*template);
                template += n ? n : 1;
        }
        putchar('\n');
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
               finding_is_event(code) ? ". It tells of something that happened, and is told once"
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
