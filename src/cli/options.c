/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * options - the command line, and the help that describes it
 *
 * One table of options for all verbs: an option that two verbs have means the
 * same in both, and a verb says with a bit that it takes it; those that are
 * settings stand in model/policy/key.def. getopt_long() does
 * the reading; its messages name no cure and are replaced.
 */
#include "cli/options.h"

#include "cli/output.h"
#include "pve/guest.h"
#include "render/text.h"

#include <getopt.h>

static const struct cli_option {
        const char *name;
        char letter;
        const char *arg;  /* NULL: takes none */
        const char *help; /* lines behind the first are indented by help_print() */
} options[OPTS] = {
        [OPT_HELP] = { "help", 'h', NULL, "show this and exit" },
        [OPT_VERSION] = { "version", 'V', NULL, "show the version and exit" },
        [OPT_QUIET] = { "quiet", 'q', NULL, "say only what is wrong" },
        [OPT_VERBOSE] = { "verbose", 'v', NULL, "say also what is merely good to know" },
        [OPT_JSON] = { "json", 0, NULL, "one JSON object on stdout, see gpuanchor(1)" },
        [OPT_PLAIN] = { "plain", 0, NULL, "lines of fields separated by tabs, see gpuanchor(1)" },
        [OPT_PROMETHEUS] = { "prometheus", 0, NULL, "metrics in Prometheus' text format" },
        [OPT_CLUSTER] = { "cluster", 0, NULL, "all nodes of the cluster" },
        [OPT_DRY_RUN] = { "dry-run", 'n', NULL, "show what would be done, change nothing" },
        [OPT_ALL] = { "all", 'a', NULL, "every managed container of this node" },
        [OPT_BOOT] = { "boot", 0, NULL,
                       "for the boot service: never fail for a container's\ntrouble, never wait "
                       "long" },
        [OPT_FORCE] = { "force", 'f', NULL, "also take back what others changed since then" },
        [OPT_NOW] = { "now", 0, NULL, "in the running container, too" },
        [OPT_KEEP_POLICY] = { "keep-policy", 0, NULL, "leave the policy file, for a later enable" },
        [OPT_TO] = { "to", 0, "METHOD", "dev or idmap" },
        [OPT_OUTPUT] = { "output", 'o', "FILE",
                         "where to; default:\ngpuanchor-report-<date>.tar in this folder" },
        [OPT_PRESET] = { "preset", 'p', "NAME",
                         "the four below as a service needs them: ollama,\n"
                         "jellyfin, plex, frigate; they win over it" },
#define SETTING_OPTION(key, set, report, accepted, opt, letter, arg, help)                         \
        [OPT_##opt] = { key, letter, arg, help },
#include "model/policy/key.def"
};

/* Whether @candidate is what @word may have been meant to be, and nearer than *best. */
static bool is_nearer(const char *word, const char *candidate, unsigned *best) {
        unsigned d = *word && str_has_prefix(candidate, word) ? 0 : str_distance(word, candidate);

        if (d > 3 || d > strlen(candidate) / 2 || d >= *best)
                return false;
        *best = d;
        return true;
}

static unsigned allowed(const struct verb *v) {
        return v ? v->options | OPT_EVERYWHERE : OPT_EVERYWHERE | OPT_BIT(OPT_VERSION);
}

static const char *nearest_option(const char *word, unsigned mask) {
        const char *nearest = NULL;
        unsigned best = UINT_MAX;

        for (size_t i = 0; i < OPTS; i++)
                if ((mask & OPT_BIT(i)) && is_nearer(word, options[i].name, &best))
                        nearest = options[i].name;
        return nearest;
}

static const char *nearest_verb(const char *word) {
        const char *nearest = NULL;
        unsigned best = UINT_MAX;

        for (size_t i = 0; verbs[i]; i++)
                if (is_nearer(word, verbs[i]->name, &best))
                        nearest = verbs[i]->name;
        return nearest;
}

/* "gpuanchor" or "gpuanchor plan": what to put before --help */
static const char *command(struct cli *c) {
        return c->verb && c->verb != &verb_help ? arena_printf(&c->arena, "gpuanchor %s", c->verb->name)
                                            : "gpuanchor";
}

static bool usage(struct cli *c, const char *what, const char *meant) {
        fprintf(stderr, "gpuanchor: %s; ", text_escape(&c->arena, what));
        if (meant)
                fprintf(stderr, MSG_MEANT, meant);
        else
                fprintf(stderr, MSG_SEE_HELP, command(c));
        return false;
}

static bool unknown_option(struct cli *c, int code, const char *word) {
        const char *meant = NULL;

        if (code == ':')
                return usage(c, arena_printf(&c->arena, MSG_NEEDS_VALUE, word), NULL);
        if (optopt == 0 || optopt >= 256) { /* a long one */
                const char *name = arena_strndup(&c->arena, word + 2, strcspn(word + 2, "="));

                for (size_t i = 0; i < OPTS; i++)
                        if (streq(name, options[i].name) && (allowed(c->verb) & OPT_BIT(i)))
                                return usage(c, arena_printf(&c->arena, MSG_NO_VALUE, name), NULL);
                meant = nearest_option(name, allowed(c->verb));
        } else {
                word = arena_printf(&c->arena, "-%c", optopt);
        }
        return usage(c, arena_printf(&c->arena, MSG_UNKNOWN_OPTION, word),
                     meant ? arena_printf(&c->arena, "--%s", meant) : NULL);
}

/* The tables of getopt_long() for the options of @mask. */
static void make_tables(unsigned mask, char *letters, struct option *longs) {
        for (int i = 0; i < OPTS; i++) {
                const struct cli_option *o = &options[i];

                if (!(mask & OPT_BIT(i)))
                        continue;
                *longs++ = (struct option){ o->name, o->arg ? required_argument : no_argument, NULL,
                                            256 + i };
                if (o->letter)
                        *letters++ = o->letter;
                if (o->letter && o->arg)
                        *letters++ = ':';
        }
        *letters = '\0';
        *longs = (struct option){ 0 };
}

static enum cli_opt option_of(int code) {
        int i = 0;

        if (code >= 256)
                return (enum cli_opt)(code - 256);
        while (i < OPTS - 1 && options[i].letter != code)
                i++;
        return (enum cli_opt)i;
}

/* Options of @c->verb, or before the verb those of the command, which end at it. */
static bool read_options(struct cli *c, int argc, char **argv) {
        char letters[2 * OPTS + 3] = "+:";
        struct option longs[OPTS + 1];
        enum cli_opt opt;
        int code;

        if (c->verb)
                strcpy(letters, ":");
        make_tables(allowed(c->verb), letters + strlen(letters), longs);
        opterr = 0;
        optind = 0;
        while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
                if (code == '?' || code == ':')
                        return unknown_option(c, code, argv[optind - 1]);
                opt = option_of(code);
                c->opt[opt] = optarg ? optarg : "";
                if (optarg && !optarg[strspn(optarg, " \t\r\n,")]) /* also a list of nothing */
                        return usage(c, arena_printf(&c->arena, MSG_EMPTY_VALUE, options[opt].name), NULL);
        }
        return true;
}

/* "101 102" */
static const char *list_args(struct cli *c) {
        struct strbuf b = { .arena = &c->arena };

        for (int i = 0; i < c->n_args; i++)
                strbuf_printf(&b, "%s%s", i > 0 ? " " : "", c->args[i]);
        return strbuf_str(&b);
}

static bool check_args(struct cli *c) {
        const struct verb *v = c->verb;
        uint32_t vmid;

        if (c->n_args > v->max_args)
                return usage(c,
                             arena_printf(&c->arena, MSG_TOO_MUCH, v->name,
                                          v->max_args == 0 ? MSG_TAKES_NOTHING : MSG_TAKES_ONE,
                                          list_args(c)),
                             NULL);
        if (!!c->opt[OPT_JSON] + !!c->opt[OPT_PLAIN] + !!c->opt[OPT_PROMETHEUS] > 1)
                return usage(c, MSG_TWO_FORMS, NULL);
        if (c->n_args == 1 && v->min_args == 2 && vmid_parse(c->args[0], &vmid))
                return usage(c, arena_printf(&c->arena, MSG_NEEDS_CHECK, v->name, v->args, *c->args),
                             NULL);
        if (c->n_args < v->min_args && !c->opt[OPT_ALL])
                return usage(c, arena_printf(&c->arena, MSG_NEEDS_ARGUMENT, v->name, v->args),
                             NULL);
        if (c->n_args > 0 && c->opt[OPT_ALL])
                return usage(c, MSG_ALL_AND_VMID, NULL);
        return true;
}

const struct verb *options_verb(struct cli *c, const char *word) {
        uint32_t vmid;

        for (size_t i = 0; verbs[i]; i++)
                if (streq(word, verbs[i]->name))
                        return verbs[i];
        usage(c, arena_printf(&c->arena, MSG_UNKNOWN_VERB, *word ? word : "''"),
              vmid_parse(word, &vmid) ? arena_printf(&c->arena, MSG_MEANT_STATUS, vmid)
                                      : nearest_verb(word));
        return NULL;
}

bool options_parse(struct cli *c, int argc, char **argv) {
        if (!read_options(c, argc, argv))
                return false;
        argv += optind;
        argc -= optind;
        if (c->opt[OPT_VERSION] || (c->opt[OPT_HELP] && argc == 0))
                return true;
        if (argc == 0) {
                c->verb = &verb_status;
                return true;
        }
        c->verb = options_verb(c, argv[0]);
        if (!c->verb)
                return false;
        if (c->opt[OPT_HELP]) /* "--help status" */
                return true;
        if (!read_options(c, argc, argv))
                return false;
        c->args = argv + optind;
        c->n_args = argc - optind;
        return c->opt[OPT_HELP] || check_args(c);
}

static void print_options(unsigned mask) {
        puts(MSG_HELP_OPTIONS);
        for (size_t i = 0; i < OPTS; i++) {
                const struct cli_option *o = &options[i];
                /* what enable manages is not managed yet */
                const char *help =
                        i == OPT_ALL && (mask & OPT_BIT(OPT_GPU)) ? MSG_HELP_ALL_LINES : o->help;
                char left[32];

                if (!(mask & OPT_BIT(i)))
                        continue;
                snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "",
                         o->arg ? o->arg : "");
                printf("  %c%c%c %-19s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                       o->letter ? ',' : ' ', left, strlen(left) > 19 ? "\n" : " ");
                if (strlen(left) > 19)
                        printf("%26s", "");
                for (const char *s = help; *s; s++)
                        if (*s == '\n')
                                printf("\n%26s", "");
                        else
                                putchar(*s);
                putchar('\n');
        }
}

static void print_exits(const char *const exits[3]) {
        puts(MSG_HELP_EXITS);
        for (int i = 0; i < 3; i++)
                if (exits[i])
                        printf("  %d  %s\n", i, exits[i]);
}

static void print_verb(const struct verb *v) {
        printf(MSG_HELP_VERB, v->example, v->name, *v->args ? " " : "", v->args,
               v->summary[0] & ~0x20, v->summary + 1, v->about);
        print_options(allowed(v));
        print_exits(v->exits);
        printf(MSG_HELP_VERB_END);
}

void version_print(void) {
        puts("gpuanchor " GPUANCHOR_VERSION);
}

void help_print(const struct cli *c) {
        static const char *const exits[3] = {
                MSG_EXIT_0,
                MSG_EXIT_1,
                MSG_EXIT_2,
        };

        if (c->verb) {
                print_verb(c->verb);
                return;
        }
        puts(MSG_HELP);
        for (size_t i = 0; verbs[i]; i++)
                printf("  %-8s %-13s %s\n", verbs[i]->name, verbs[i]->args, verbs[i]->summary);
        print_options(allowed(NULL));
        print_exits(exits);
        puts(MSG_HELP_END);
}
