/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* judge - the lines of both files against a plan */
#include "anchor/judge.h"

static const char *wrong_line(const struct anchor *an, const struct plan *p,
                              const struct pctconf *conf, const char *name) {
        struct survey s = { 0 };
        struct plan_input in = { .facts = &an->facts, .conf = conf, .survey = &s };
        struct bytes text;
        size_t line;

        survey_make(an->pve.arena, &an->facts, conf, &s);
        s.userns |= p->userns;
        if (plan_lines_are_right(p, &in, &line))
                return NULL;
        text = conf->lines[line].text;
        return arena_printf(an->pve.arena, "%s:%zu: %s", name, conf->lines[line].number,
                            bytes_dup(an->pve.arena, text));
}

/* Proxmox generates the other file before pre-start, and makes devN nodes from this one after it. */
static struct pctconf dev_lines(const struct pctconf *conf) {
        struct pctconf dev = pctconf_copy(conf);

        for (size_t i = 1; i < dev.n_lines; i++)
                dev.lines[i].parked |= !bytes_has_prefix(dev.lines[i].key, "dev");
        return dev;
}

/* Where there is such a line, the first one of the container file is what a person corrects. */
const char *judge_boot(const struct anchor *an, const struct plan *p, const struct guest *g) {
        struct guest boot = *g;

        if (g->has_config)
                boot.lines = dev_lines(&g->lines);
        return judge_files(an, p, &boot) ? judge_files(an, p, g) : NULL;
}

const char *judge_files(const struct anchor *an, const struct plan *p, const struct guest *g) {
        const char *line = wrong_line(an, p, &g->lines, g->conf_name);

        return line || !g->has_config
                       ? line
                       : wrong_line(an, p, &g->config_lines, g->config_path + strlen(g->root));
}
