/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * plan-output - a check of a container, for a person or for a program
 *
 * Used by plan, by every --dry-run, and by enable, so that all of them say the
 * same thing in the same words.
 */
#include "cli/plan-output.h"

#include "anchor/live/running.h"
#include "anchor/status.h"
#include "cli/diff.h"
#include "cli/output.h"
#include "host/file-owners.h"
#include "host/inside/helper.h"
#include "model/plan/moved-gids.h"
#include "pve/settings.h"
#include "render/json.h"
#include "render/text.h"

#define OWNERS_MS (15 * 1000) /* owners_find() itself takes no more than ten seconds */

enum { FILE_CONF, FILE_CONFIG, FILE_POLICY, FILES };

int show_attention(const struct findings *f) {
        return findings_worst(f) <= SEV_WARNING ? EXIT_ATTENTION : EXIT_DONE;
}

/** struct shown - what would change */
struct shown {
        struct json_file files[FILES];
        struct follow live; /* in the container that runs */
        bool changes;
};

static void find_live(const struct cli *c, const struct check *k, struct shown *s) {
        struct check now = *k;

        if (!guest_is_managed(&c->host.pve, k->guest.vmid) && !c->opt[OPT_NOW])
                return;
        (void)running_preview(&now, &s->live);
        s->changes |= s->live.n > 0;
}

void show_live(struct cli *c, const struct follow *live) {
        for (size_t i = 0; i < live->n; i++) {
                const struct follow_step *s = &live->steps[i];

                cli_say(c, s->kind == FOLLOW_GIVE ? MSG_PLAN_LIVE_GIVE : MSG_PLAN_LIVE_REVOKE,
                        s->path, devnum_text(&c->arena, s->number));
        }
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

static void print_json(struct cli *c, const struct check *k, const struct shown *s) {
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
                .files = s->files,
                .n_files = FILES,
                .live = &s->live,
        };

        fputs(json_plan(&c->arena, &p), stdout);
}

static void print_text(struct cli *c, const struct check *k, const struct shown *s) {
        uint32_t vmid = k->guest.vmid;

        cli_say(c, "%u: %s%s", vmid, gpu_list_text(&c->arena, &k->plan.choice.gpus),
                k->left_alone ? MSG_PLAN_LEFT_ALONE
                : s->changes  ? ""
                              : MSG_PLAN_NOTHING);
        out_findings(c, &k->findings, vmid, c->opt[OPT_VERBOSE] ? EDITS_TELL : EDITS_HIDE);
        if (k->refuse)
                cli_say(c, MSG_PLAN_REFUSED, k->refuse);
        for (size_t i = 0; i < FILES; i++)
                out_diff(c, s->files[i].diff);
        for (size_t i = 0; i < k->n_delegate; i++)
                cli_say(c, MSG_PLAN_SUBGID,
                        facts_gid_text(&c->arena, &k->anchor->facts, k->delegate[i]));
        show_live(c, &s->live);
        if (c->verb != &verb_enable && !guest_is_managed(&c->host.pve, vmid))
                cli_say(c, MSG_PLAN_NOT_MANAGED, vmid, check_enrol(k));
}

int show_plan(struct cli *c, const struct check *given) {
        struct check with_start = *given, *k = &with_start;
        struct shown s = { .changes = k->n_delegate > 0 };

        status_no_start(k, &k->findings);
        for (size_t i = 0; i < k->findings.n; i++)
                k->findings.items[i].planned = true;
        if (make_files(c, k, s.files) < 0)
                return EXIT_TROUBLE;
        for (size_t i = 0; i < FILES; i++)
                s.changes |= s.files[i].changes;
        find_live(c, k, &s);
        if (c->opt[OPT_JSON])
                print_json(c, k, &s);
        else
                print_text(c, k, &s);
        return s.changes || k->refuse || k->left_alone ? EXIT_ATTENTION
                                                       : show_attention(&k->findings);
}

/* ---- files that lose their group ---- */

static const char *describe_files(struct arena *a, const struct owners *o, bool all) {
        struct strbuf b = { .arena = a };

        if (o->n == 0)
                return all ? MSG_OWNS_NOTHING : MSG_OWNS_NOTHING_SEEN;
        strbuf_printf(&b, MSG_OWNS, all ? "" : MSG_OWNS_AT_LEAST, o->n, o->n == 1 ? "" : "s",
                      o->n == 1 ? "s" : "");
        for (size_t i = 0; i < o->n_names; i++)
                strbuf_printf(&b, "%s%s", i ? ", " : "", o->names[i]);
        if (o->n > o->n_names)
                strbuf_printf(&b, MSG_OWNS_MORE, o->n - o->n_names);
        return strbuf_str(&b);
}

static void tell_files(struct check *k, const struct moved_gid *r, enum severity severity,
                       const char *what) {
        const struct facts *facts = &k->anchor->facts;
        uint32_t named = facts_group_name(facts, r->after) ? r->after : r->before;

        finding_add(&k->findings,
                    (struct finding){ .code = FINDING_GID_FILES,
                                      .severity = severity,
                                      .what = arena_printf(k->arena, "%u", r->inside),
                                      .old = arena_printf(k->arena, "%u", r->before),
                                      .new = arena_printf(k->arena, "%u", r->after),
                                      .name = facts_gid_text(k->arena, facts, named),
                                      .where = what });
}

/** struct search - for the helper; what it leaves is one of these, too */
struct search {
        struct owners *owners;
        size_t n;
        bool all;
};

static void search(struct inside *in, void *user) {
        const struct search *asked = user;
        struct search *found = arena_alloc(in->arena, sizeof(*found));

        found->owners = arena_alloc(in->arena, asked->n * sizeof(*found->owners));
        memcpy(found->owners, asked->owners, asked->n * sizeof(*found->owners));
        found->all = owners_find(in->arena, in->root_fd, found->owners, asked->n);
        inside_keep(in, found);
}

/* NULL, or why nothing could be found. */
static const char *look_inside(struct check *k, struct search *s) {
        struct inside_job job = { "", k->guest.vmid, OWNERS_MS, search, s };
        struct inside_answer answer;
        int r = *k->anchor->pve.root ? INSIDE_E_STOPPED : inside_call(k->arena, &job, &answer);

        if (r == 0)
                *s = *(const struct search *)answer.result;
        if (r == 0)
                return NULL;
        return arena_printf(k->arena, MSG_OWNS_NOT_LOOKED,
                            r == INSIDE_E_STOPPED ? MSG_OWNS_STOPPED : ": ",
                            r == INSIDE_E_STOPPED ? "" : answer.why);
}

void plan_find_files(struct check *k, bool all) {
        struct moved_gid *moved = NULL;
        size_t found = k->plan.userns ? moved_gids_find(k->arena, &k->plan, &moved) : 0, n = 0;
        struct search s = { arena_alloc(k->arena, (found + 1) * sizeof(*s.owners)), 0, false };
        const char *not_looked;

        for (size_t i = 0; i < found; i++)
                if (all || idmap_is_hole(&k->plan.map_now, moved[i].inside))
                        moved[n++] = moved[i];
        if (n == 0)
                return;
        s.n = n;
        for (size_t i = 0; i < n; i++)
                s.owners[i].gid = moved[i].before;
        not_looked = look_inside(k, &s);
        for (size_t i = 0; i < n; i++) {
                enum severity severity = s.owners[i].n == 0 ? SEV_INFO : SEV_WARNING;

                tell_files(k, &moved[i], not_looked ? SEV_NOTICE : severity,
                           not_looked ? not_looked : describe_files(k->arena, &s.owners[i], s.all));
        }
}
