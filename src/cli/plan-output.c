/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * plan-output - a check of a container, for a person or for a program
 *
 * Used by plan, by every --dry-run, and by enable, so that all of them say the
 * same thing in the same words.
 */
#include "cli/plan-output.h"

#include "cli/diff.h"
#include "cli/output.h"
#include "pve/settings.h"
#include "render/json.h"
#include "render/text.h"

enum { FILE_CONF, FILE_CONFIG, FILE_POLICY, FILES };

int show_attention(const struct findings *f) {
        return findings_worst(f) <= SEV_WARNING ? EXIT_ATTENTION : EXIT_DONE;
}

static int make_files(struct cli *c, const struct check *k, struct json_file files[FILES]) {
        const struct guest *g = &k->guest;
        size_t skip = strlen(c->root);
        const struct file_change changes[FILES] = {
                [FILE_CONF] = { g->conf_path + skip, g->conf, k->new_conf },
                [FILE_CONFIG] = { g->config_path + skip, g->config, k->new_config },
                [FILE_POLICY] = { settings_name(&c->arena, g->vmid), k->policy.file,
                                  k->new_policy },
        };
        int r = 0;

        for (size_t i = 0; i < FILES && r == 0; i++) {
                files[i] = (struct json_file){
                        .path = changes[i].path,
                        .changes = !bytes_equal(changes[i].old, changes[i].new),
                };
                r = diff_make(&c->arena, &changes[i], &files[i].diff);
        }
        if (r < 0)
                cli_fail(c, MSG_DO_DIFFUTILS, MSG_DIFF_FAILED, strerror(-r));
        return r;
}

static void print_json(struct cli *c, const struct check *k, const struct json_file files[FILES]) {
        struct json_plan p = {
                .vmid = k->guest.vmid,
                .node = k->anchor->pve.node,
                .managed = guest_is_managed(&c->host.pve, k->guest.vmid),
                .left_alone = k->left_alone,
                .refuse = k->refuse,
                .plan = &k->plan,
                .findings = &k->findings,
                .delegate = k->delegate,
                .n_delegate = k->n_delegate,
                .files = files,
                .n_files = FILES,
        };

        fputs(json_plan(&c->arena, &p), stdout);
}

static void print_text(struct cli *c, const struct check *k, const struct json_file files[FILES],
                       bool changes) {
        uint32_t vmid = k->guest.vmid;

        cli_say(c, "%u: %s%s", vmid, gpu_list_text(&c->arena, &k->plan.choice.gpus),
                k->left_alone ? MSG_PLAN_LEFT_ALONE
                : changes     ? ""
                              : MSG_PLAN_NOTHING);
        out_findings(c, &k->findings, vmid, c->opt[OPT_VERBOSE] ? EDITS_TELL : EDITS_HIDE);
        if (k->refuse)
                cli_say(c, MSG_PLAN_REFUSED, k->refuse);
        for (size_t i = 0; i < FILES; i++)
                out_diff(c, files[i].diff);
        for (size_t i = 0; i < k->n_delegate; i++)
                cli_say(c, MSG_PLAN_SUBGID, k->delegate[i]);
        if (!guest_is_managed(&c->host.pve, vmid))
                cli_say(c, MSG_PLAN_NOT_MANAGED, vmid, vmid);
}

int show_plan(struct cli *c, const struct check *k) {
        struct json_file files[FILES] = { 0 };
        bool changes = k->n_delegate > 0;

        if (make_files(c, k, files) < 0)
                return EXIT_TROUBLE;
        for (size_t i = 0; i < FILES; i++)
                changes |= files[i].changes;
        if (c->opt[OPT_JSON])
                print_json(c, k, files);
        else
                print_text(c, k, files, changes);
        return changes || k->refuse || k->left_alone ? EXIT_ATTENTION
                                                     : show_attention(&k->findings);
}
