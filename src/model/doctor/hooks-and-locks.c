/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hooks-and-locks - hooks, locks, snapshots: what hangs on a container file
 */
#include "model/doctor/container.h"

/* ---- hookscript ---- */

static void check_hook(struct doctor_report *r, const struct doctor_guest *g) {
        struct arena *a = r->arena;
        struct finding missing = { .code = FINDING_HOOK_MISSING,
                                   .what = arena_printf(a, "%s has no hookscript line for it",
                                                        g->name) };
        struct doctor_item item = { .check = DOCTOR_HOOKSCRIPT, .subject = g->hook.volume };

        if (g->hook.problem) {
                item.verdict = DOCTOR_FAILED;
                item.evidence = arena_printf(a, "%s: every start fails", g->hook.problem);
                item.mend = g->ours ? arena_printf(a, "gpuanchor enable %u", g->vmid)
                                    : arena_printf(a, "pct set %u --delete hookscript", g->vmid);
        } else if (g->managed && !g->ours) {
                item.verdict = DOCTOR_WARNING;
                item.finding = &missing;
                item.mend = arena_printf(a, "gpuanchor enable %u", g->vmid);
        } else if (!g->hook.volume) {
                item.verdict = DOCTOR_SKIPPED;
                item.evidence = "it has none";
        } else {
                item.evidence = !g->ours ? "not gpuanchor's"
                                : g->next.volume
                                        ? arena_printf(a, "gpuanchor's, then %s", g->next.volume)
                                        : "gpuanchor's";
        }
        doctor_add(r, item);
        if (g->next.volume && g->next.problem)
                doctor_add(r,
                           (struct doctor_item){
                                   .check = DOCTOR_HOOKSCRIPT,
                                   .verdict = DOCTOR_FAILED,
                                   .subject = g->next.volume,
                                   .evidence = g->next.problem,
                                   .mend = arena_printf(a, "gpuanchor enable %u --next-hook none",
                                                        g->vmid) });
}

static void add_chmod(struct doctor_report *r, const struct doctor_line *l, const char *mend) {
        struct arena *a = r->arena;

        doctor_add(r,
                   (struct doctor_item){
                           .check = DOCTOR_CHMOD,
                           .verdict = DOCTOR_WARNING,
                           .subject = arena_printf(a, "%s:%zu", l->file, l->number),
                           .evidence = arena_printf(a,
                                                    "changes nodes of the host, for everybody and "
                                                    "until the next boot: %s",
                                                    l->text),
                           .mend = mend });
}

/* A line of the container file that is commented out would become its description. */
static void check_chmod(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 1; i < g->conf->n_lines; i++) {
                const struct conf_line *l = &g->conf->lines[i];
                struct doctor_line line = { .file = g->path, .number = l->number };

                if (l->key.len <= 9 || memcmp(l->key.data, "lxc.hook.", 9) != 0 ||
                    !doctor_line_chmods(l->value))
                        continue;
                line.text = arena_strndup(r->arena, l->text.data, l->text.len);
                add_chmod(r, &line, arena_printf(r->arena, "sed -i '%zud' %s", l->number, g->path));
        }
        for (size_t i = 0; i < g->n_chmods; i++)
                add_chmod(r, &g->chmods[i], doctor_comment_out(r->arena, &g->chmods[i]));
        if (!doctor_has(r, DOCTOR_CHMOD))
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_CHMOD, .verdict = DOCTOR_OK });
}

/* ---- state of the container ---- */

static void check_lock(struct doctor_report *r, const struct doctor_guest *g) {
        struct finding f = { .where = g->path };
        struct doctor_item item = { .check = DOCTOR_LOCK };
        struct bytes value;

        if (pctconf_get(g->conf, "lock", &value)) {
                f.code = FINDING_GUEST_LOCKED;
                f.what = arena_strndup(r->arena, value.data, value.len);
                item.verdict = DOCTOR_WARNING;
                item.finding = &f;
                item.advice = "wait for the task that holds the lock; only when there is none:";
                item.mend = arena_printf(r->arena, "pct unlock %u", g->vmid);
        } else if (pctconf_get(g->conf, "template", &value) && bytes_equal(value, BYTES("1"))) {
                f.code = FINDING_GUEST_TEMPLATE;
                item.verdict = DOCTOR_SKIPPED;
                item.finding = &f;
                item.advice = "it never starts, and a clone of it takes its lines along";
        }
        doctor_add(r, item);
}

static bool concerns_gpus(struct bytes key) {
        static const char *const keys[] = { "dev", "hookscript", "unprivileged", "delete", "lxc" };

        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (key.len >= strlen(keys[i]) && memcmp(key.data, keys[i], strlen(keys[i])) == 0)
                        return true;
        return false;
}

static void check_pending(struct doctor_report *r, const struct doctor_guest *g) {
        struct bytes tail = g->conf->tail, title = BYTES("[pve:pending]");
        struct strbuf keys = { .arena = r->arena };
        struct doctor_item item = { .check = DOCTOR_PENDING };
        struct pctconf c = { 0 };

        if (tail.len > title.len && memcmp(tail.data, title.data, title.len) == 0) {
                const char *nl = memchr(tail.data, '\n', tail.len);
                size_t skip = nl ? (size_t)(nl - tail.data) + 1 : tail.len;

                pctconf_parse(r->arena, PCTCONF_PVE,
                              (struct bytes){ tail.data + skip, tail.len - skip }, &c);
        }
        for (size_t i = 1; i < c.n_lines; i++) {
                struct bytes key = c.lines[i].key;

                if (key.len > 0 && concerns_gpus(key) && keys.len < 200)
                        strbuf_printf(&keys, "%s%.*s", keys.len ? ", " : "", (int)key.len,
                                      key.data);
        }
        if (keys.len) {
                item.verdict = DOCTOR_WARNING;
                item.evidence =
                        arena_printf(r->arena,
                                     "%s: in effect at the next start; the answers here are "
                                     "about what is in effect now",
                                     strbuf_str(&keys));
                item.mend = arena_printf(r->arena, "pct reboot %u", g->vmid);
        }
        doctor_add(r, item);
}

/* gpuanchor corrects what a rollback brings back, where it is asked to. */
static void check_snapshots(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 0; i < g->snapshots->n; i++)
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_SNAPSHOT,
                                      .verdict = g->managed ? DOCTOR_OK : DOCTOR_WARNING,
                                      .subject = g->snapshots->items[i].what,
                                      .finding = &g->snapshots->items[i],
                                      .mend = g->managed ? NULL
                                                         : arena_printf(r->arena,
                                                                        "gpuanchor enable %u",
                                                                        g->vmid) });
        if (g->snapshots->n == 0)
                doctor_add(r,
                           (struct doctor_item){ .check = DOCTOR_SNAPSHOT, .verdict = DOCTOR_OK });
}

/* ---- the next start ---- */

static bool is_named_above(const struct doctor_report *r) {
        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].verdict >= DOCTOR_WARNING && r->items[i].check != DOCTOR_CHMOD &&
                    r->items[i].check != DOCTOR_SNAPSHOT && r->items[i].check != DOCTOR_HOOKSCRIPT)
                        return true;
        return false;
}

static void check_next_start(struct doctor_report *r, const struct doctor_guest *g) {
        struct finding stale = { .code = FINDING_CONTAINER_STALE,
                                 .where = g->name,
                                 .what = g->edits };
        struct doctor_item item = { .check = DOCTOR_NEXT_START };

        if (g->refuse && g->managed) {
                item.verdict = DOCTOR_FAILED;
                item.evidence = arena_printf(r->arena, "refused: %s", g->refuse);
        } else if (g->edits && is_named_above(r)) {
                item.verdict = DOCTOR_SKIPPED;
                item.evidence = arena_printf(r->arena, "see above; %s", g->edits);
        } else if (g->edits) {
                item.verdict = DOCTOR_WARNING;
                item.finding = &stale;
                doctor_mend_lines(r->arena, g, &item);
        } else {
                item.evidence = g->managed ? "changes nothing" : "nothing to correct";
        }
        doctor_add(r, item);
}

void doctor_check_conf(struct doctor_report *r, const struct doctor_guest *g) {
        doctor_check_lines(r, g);
        check_hook(r, g);
        check_chmod(r, g);
        check_lock(r, g);
        check_pending(r, g);
        check_snapshots(r, g);
        check_next_start(r, g);
}
