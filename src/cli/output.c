/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * output - lines, colours, and what --quiet and --verbose mean
 */
#include "cli/output.h"

#include "render/journal.h"
#include "render/text.h"

#include <sys/ioctl.h>

int cli_fail(struct cli *c, const char *remedy, const char *format, ...) {
        _cleanup_(cleanup_free) char *text = NULL;
        va_list args;
        int n;

        va_start(args, format);
        n = vasprintf(&text, format, args);
        va_end(args);
        if (n < 0)
                text = NULL;
        fflush(stdout);
        fprintf(stderr, "gpuanchor: %s%s%s\n",
                text_escape(&c->arena, text ? text : MSG_OUT_OF_MEMORY), *remedy ? "; " : "",
                text_escape(&c->arena, remedy));
        return EXIT_TROUBLE;
}

int cli_fail_findings(struct cli *c, const struct findings *f, uint32_t vmid) {
        for (size_t i = 0; i < f->n; i++)
                if (finding_severity(&f->items[i]) <= SEV_WARNING)
                        cli_fail(c, finding_remedy(&c->arena, &f->items[i], vmid), "%s",
                                 finding_text(&c->arena, &f->items[i], vmid));
        return EXIT_TROUBLE;
}

void cli_say(struct cli *c, const char *format, ...) {
        _cleanup_(cleanup_free) char *text = NULL;
        va_list args;
        int n;

        if (c->opt[OPT_QUIET] || c->opt[OPT_JSON])
                return;
        va_start(args, format);
        n = vasprintf(&text, format, args);
        va_end(args);
        if (n >= 0)
                printf("%s%s\n", c->prefix, text_escape(&c->arena, text));
        else
                text = NULL;
}

static const char *severity_color(enum severity s) {
        return s <= SEV_ERROR ? TEXT_RED : s == SEV_WARNING ? TEXT_YELLOW : "";
}

void out_finding(struct cli *c, const struct finding *f, uint32_t vmid) {
        enum severity s = finding_severity(f);
        const char *color = c->color ? severity_color(s) : "";
        const char *remedy = finding_remedy(&c->arena, f, vmid);

        if ((c->opt[OPT_BOOT] || c->verb == &verb_look) && !*c->root && getenv("JOURNAL_STREAM") &&
            journal_send("gpuanchor", f, vmid) == 0)
                return;
        printf("%s%s%s%s", c->prefix, color, severity_label(s), *color ? TEXT_RESET : "");
        text_wrap(finding_text(&c->arena, f, vmid), strlen(c->prefix) + strlen(severity_label(s)),
                  strlen(c->prefix) + 2, c->width ? c->width : SIZE_MAX);
        if (*remedy)
                printf("%s  -> %s\n", c->prefix, remedy);
}

void out_findings(struct cli *c, const struct findings *f, uint32_t vmid, enum out_edits edits) {
        enum severity least = c->opt[OPT_QUIET]     ? SEV_WARNING
                              : c->opt[OPT_VERBOSE] ? SEV_INFO
                                                    : SEV_NOTICE;

        for (size_t i = 0; i < f->n; i++)
                if ((finding_severity(&f->items[i]) <= least ||
                     (finding_is_way(f->items[i].code) && !c->opt[OPT_QUIET])) &&
                    (edits == EDITS_TELL || !finding_is_change(f->items[i].code)))
                        out_finding(c, &f->items[i], vmid);
}

size_t cli_width(void) {
        struct winsize w;

        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40 ? w.ws_col : 80;
}

static const char *diff_color(const char *line) {
        if (str_has_prefix(line, "---") || str_has_prefix(line, "+++"))
                return TEXT_BOLD;
        return *line == '-' ? TEXT_RED : *line == '+' ? TEXT_GREEN : *line == '@' ? TEXT_CYAN : "";
}

void out_diff(struct cli *c, const char *diff) {
        if (c->opt[OPT_QUIET])
                return;
        for (struct bytes rest = bytes_of(diff); rest.len > 0;) {
                struct bytes line = bytes_cut(&rest, '\n');
                const char *color = c->color ? diff_color(line.data) : "";

                printf("%s%.*s%s\n", color, (int)line.len, line.data, *color ? TEXT_RESET : "");
        }
}
