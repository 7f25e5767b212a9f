/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * upkeep-script - steps as a script, and its output as findings
 *
 * Names passed policy_set() and need no quoting; the text of a drop-in goes
 * through a quoted here-document whose end cannot be a line of it. The
 * container may print anything: a forged line is wrong in the container's own
 * task log and nowhere else.
 */
#include "model/guest/upkeep-script.h"

#include "base/number.h"
#include "model/finding/reason.h"

#define MARK "gpuanchor-step "
#define TEXT_END "GPUANCHOR_END"

/*
 * systemd has no socket in its first moments, later than a file that is written
 * now is read; so daemon-reload is tried until it works, or until time is up.
 */
static const char functions[] =
        "have() { command -v \"$1\" >/dev/null 2>&1; }\n"
        "group() { if have groupadd; then groupadd -g \"$2\" \"$1\"; "
        "else addgroup -g \"$2\" \"$1\"; fi; }\n"
        "member() { if have usermod; then usermod -a -G \"$2\" \"$1\"; "
        "else addgroup \"$1\" \"$2\"; fi; }\n"
        "write() { mkdir -p \"$1\" && cat >\"$1/.gpuanchor.tmp\" && chmod 644 "
        "\"$1/.gpuanchor.tmp\" "
        "&& mv -f \"$1/.gpuanchor.tmp\" \"$1/" UPKEEP_DROPIN "\"; }\n"
        "remove() { rm -f \"$1/" UPKEEP_DROPIN "\" \"$1/.gpuanchor.tmp\" && { rmdir \"$1\" 2>/dev/null || :; }; }\n"
        "reload() { have systemctl || return 0; "
        "until systemctl daemon-reload 2>/dev/null; do sleep 0.2; done; }\n"
        /* 5: there is no such unit, so nothing that would have to be restarted */
        "restart() { have systemctl || return 0; systemctl --no-block try-restart \"$1\"; "
        "s=$?; [ $s = 5 ] || return $s; }\n"
        "done_() { echo; echo \"" MARK "$1 $2\"; [ \"$2\" = 0 ] || exit 0; }\n";

static void add_command(struct strbuf *b, const struct upkeep_step *s, const char *unit_dir) {
        switch (s->kind) {
        case UPKEEP_GROUP:
                strbuf_printf(b, "group %s %u", s->name, s->gid);
                break;
        case UPKEEP_MEMBER:
                strbuf_printf(b, "member %s %s", s->name, s->group);
                break;
        case UPKEEP_WRITE:
                strbuf_printf(b, "write %s/%s.d <<'" TEXT_END "'\n", unit_dir, s->name);
                strbuf_add(b, s->text.data, s->text.len);
                strbuf_adds(b, TEXT_END);
                break;
        case UPKEEP_REMOVE:
                strbuf_printf(b, "remove %s/%s.d", unit_dir, s->name);
                break;
        case UPKEEP_RELOAD:
                strbuf_adds(b, "reload </dev/null");
                break;
        case UPKEEP_RESTART:
                strbuf_printf(b, "restart %s", s->name);
                break;
        }
}

struct bytes upkeep_script(struct arena *a, const struct upkeep *u, const char *unit_dir) {
        struct strbuf b = { .arena = a };

        /* sh reads the whole block before it runs it: no step can read the rest as its stdin */
        strbuf_adds(&b, "{\n");
        strbuf_adds(&b, functions);
        for (size_t i = 0; i < u->n; i++) {
                add_command(&b, &u->steps[i], unit_dir);
                strbuf_printf(&b, "\ndone_ %zu $?\n", i);
        }
        strbuf_adds(&b, "exit 0\n} 2>&1\n");
        return strbuf_bytes(&b);
}

/* ---- results ---- */

static void add_done(const struct upkeep_step *s, struct findings *f) {
        struct arena *a = f->arena;
        struct finding item = { .what = s->name };

        switch (s->kind) {
        case UPKEEP_GROUP:
                item.code = FINDING_GUEST_GROUP_ADDED;
                item.new = arena_printf(a, "%u", s->gid);
                break;
        case UPKEEP_MEMBER:
                item.code = FINDING_GUEST_MEMBER_ADDED;
                item.new = s->group;
                break;
        case UPKEEP_WRITE:
                item.code = FINDING_GUEST_DROPIN_WRITTEN;
                item.where = upkeep_path(a, s->name);
                break;
        case UPKEEP_REMOVE:
                item.code = FINDING_GUEST_DROPIN_REMOVED;
                item.where = upkeep_path(a, s->name);
                break;
        case UPKEEP_RELOAD:
        case UPKEEP_RESTART:
                return; /* a step of the two above */
        }
        finding_add(f, item);
}

static const char *step_text(struct arena *a, const struct upkeep_step *s) {
        switch (s->kind) {
        case UPKEEP_GROUP:
                return arena_printf(a, WHY_STEP_GROUP, s->name, s->gid);
        case UPKEEP_MEMBER:
                return arena_printf(a, WHY_STEP_MEMBER, s->name, s->group);
        case UPKEEP_WRITE:
                return arena_printf(a, WHY_STEP_WRITE, upkeep_path(a, s->name));
        case UPKEEP_REMOVE:
                return arena_printf(a, WHY_STEP_REMOVE, upkeep_path(a, s->name));
        case UPKEEP_RELOAD:
                return WHY_STEP_RELOAD;
        case UPKEEP_RESTART:
                return arena_printf(a, WHY_STEP_RESTART, s->name);
        }
        return "";
}

static void add_failed(const struct upkeep_step *s, const char *why, struct findings *f) {
        finding_add(f, (struct finding){ .code = FINDING_GUEST_STEP_FAILED,
                                         .what = step_text(f->arena, s),
                                         .old = why });
}

/* "gpuanchor-step 3 0" is the line for step 3 */
static bool is_mark(struct bytes line, size_t step, uint32_t *ret_status) {
        uint32_t n;

        return bytes_take_prefix(&line, MARK) && parse_u32(bytes_word(&line), &n) && n == step &&
               parse_u32(bytes_trim(line), ret_status);
}

void upkeep_results(const struct upkeep *u, struct bytes output, const char *problem,
                    struct findings *f) {
        struct bytes last = { 0 };
        uint32_t status = 0;
        size_t step = 0;

        while (output.len > 0 && step < u->n && status == 0) {
                struct bytes line = bytes_cut(&output, '\n');

                if (is_mark(line, step, &status)) {
                        if (status == 0)
                                add_done(&u->steps[step++], f);
                } else if (bytes_trim(line).len > 0) {
                        last = bytes_trim(line);
                }
        }
        if (step == u->n)
                return;
        if (last.len > 0 && (status != 0 || !problem))
                problem = arena_strndup(f->arena, last.data, last.len < 200 ? last.len : 200);
        else if (status != 0)
                problem = arena_printf(f->arena, WHY_STEP_STATUS, status);
        else if (!problem)
                problem = WHY_STEP_ENDED;
        add_failed(&u->steps[step], problem, f);
}
