/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * undo - the container file as it was before gpuanchor wrote it last
 *
 * The present content is kept first, as the newest original: a second undo takes
 * the first one back. A file in which somebody else changed other lines since -
 * memory, network, a snapshot - is not put back without --force, since those
 * changes would be lost with it. The hookscript is enable's and disable's
 * business and stays as it is now.
 */
#include "anchor/check.h"
#include "cli/diff.h"
#include "cli/output.h"
#include "model/policy/edit.h"
#include "cli/enrol/policy-file.h"
#include "cli/precondition.h"
#include "model/conf/legacy.h"
#include "model/conf/recognise.h"
#include "model/doctor/container.h"
#include "pve/settings.h"

#include <errno.h>

/* Lines that we write, and the hookscript, do not count for what others changed. */
static bool is_ours(struct cli *c, const struct conf_line *l) {
        struct devline d = recognise_line(&c->arena, NULL, l);

        if (doctor_fixes(&c->arena, l))
                return true;
        switch (d.type) {
        case DEVLINE_ALLOW:
        case DEVLINE_DENY:
                d = recognise_line(&c->arena, &c->host.facts, l);
                return d.broken || d.any_major || devline_kinds(&c->host.facts, &d);
        case DEVLINE_IDMAP:
                return bytes_has_prefix(l->value, "g") ||
                       bytes_equal(l->value, BYTES("u 0 100000 65536")); /* beside the first g */
        case DEVLINE_MOUNT:
        case DEVLINE_DEV:
                return true;
        default:
                return bytes_equal(l->key, BYTES("hookscript"));
        }
}

/* The file without the lines that we write, and with the keys that `gpuanchor fix` gives others. */
static struct bytes without_ours(struct cli *c, const struct guest *g) {
        struct pctconf conf = pctconf_copy(&g->lines);

        for (size_t i = 1; i < conf.n_lines; i++) {
                const struct conf_line *l = &conf.lines[i];
                struct legacy with = { 0 };

                if (legacy_is_key(l->key))
                        with = legacy_replacement(&c->arena, &c->host.facts, l);
                if (is_ours(c, l)) {
                        pctconf_drop(&conf, i);
                } else if (with.key) {
                        pctconf_insert(&conf, i, with.key, with.value);
                        pctconf_drop(&conf, i);
                }
        }
        return pctconf_write(&conf);
}

static size_t find_key(const struct pctconf *conf, const char *key) {
        for (size_t i = conf->n_lines; i-- > 1;)
                if (bytes_equal(conf->lines[i].key, bytes_of(key)))
                        return i;
        return 0;
}

/* @old with the hookscript that @now has: without its snippet a container does not start */
static struct bytes keep_hookscript(struct arena *a, const struct guest *old,
                                    const struct guest *now) {
        struct pctconf conf = pctconf_copy(&old->lines);
        size_t line = find_key(&conf, "hookscript");
        struct bytes value;
        const char *hook;

        if (!pctconf_get(&now->lines, "hookscript", &value)) {
                if (line > 0)
                        pctconf_drop(&conf, line);
                return pctconf_write(&conf);
        }
        hook = bytes_dup(a, value);
        if (line == 0)
                pctconf_insert(&conf, pctconf_key_end(&conf), "hookscript", hook);
        else if (!bytes_equal(conf.lines[line].value, value))
                pctconf_set(&conf, line, hook);
        return pctconf_write(&conf);
}

static int compare_lines(const void *a, const void *b) {
        const struct bytes *x = a, *y = b;
        int r = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

        return r ? r : (x->len > y->len) - (x->len < y->len);
}

/* What the file says, in the form and in the order in which nothing but that counts. */
static struct bytes said_by(struct arena *a, const struct pctconf *conf) {
        struct bytes *lines = arena_alloc(a, conf->n_lines * sizeof(*lines));
        struct strbuf all = { .arena = a };
        size_t n = 0;

        for (size_t i = 1; i < conf->n_lines; i++) {
                const struct conf_line *l = &conf->lines[i];
                struct strbuf line = { .arena = a };

                strbuf_add_bytes(&line, l->key);
                strbuf_adds(&line, l->key.len > 0 ? ": " : "");
                strbuf_add_bytes(&line, l->key.len > 0 ? l->value : bytes_trim(l->text));
                strbuf_adds(&line, "\n");
                lines[n++] = strbuf_bytes(&line);
        }
        if (n > 1)
                qsort(lines, n, sizeof(*lines), compare_lines);
        for (size_t i = 0; i < n; i++)
                if (lines[i].len > 1) /* Proxmox drops empty lines */
                        strbuf_add_bytes(&all, lines[i]);
        strbuf_add_bytes(&all, bytes_trim(conf->tail));
        return strbuf_bytes(&all);
}

/*
 * Whether all that changed since the original is what gpuanchor wrote. The file as it was written
 * then is kept, too, and Proxmox may have sorted it since. Where it is not kept, by what the other
 * lines say.
 */
static bool only_ours(struct cli *c, const struct guest *old, const struct guest *now) {
        struct guest written;
        struct bytes text;

        if (!backup_written(&c->arena, now, &text))
                return bytes_equal(without_ours(c, old), without_ours(c, now));
        written = guest_with(&c->arena, now, text, now->config);
        text = keep_hookscript(&c->arena, &written, now);
        written = guest_with(&c->arena, now, text, now->config);
        return bytes_equal(said_by(&c->arena, &written.lines), said_by(&c->arena, &now->lines));
}

/* The form of all device lines; AUTO when there are none, or of both. */
static enum method form_of(const struct forms *f) {
        if ((f->n_dev > 0) == (f->n_mount > 0))
                return METHOD_AUTO;
        return f->n_dev > 0 ? METHOD_DEV : METHOD_IDMAP;
}

/*
 * The file that comes back has lines of the other form than the policy asks for,
 * as before a convert: with that policy the next start would convert it again.
 */
static int undo_method(struct cli *c, const struct guest *restored) {
        struct check_options o = { .guest = restored };
        uint32_t vmid = restored->vmid;
        struct setting method = { .key = "method" };
        struct policy_file file;
        const struct policy *p;
        enum method form;
        struct check k;
        int r = anchor_check(&c->host, vmid, &o, &k);

        if (r != 0)
                return target_problem(c, vmid, r);
        p = &k.policy;
        form = form_of(&k.survey.there);
        if (form == METHOD_AUTO || !p->present || p->broken || p->method == METHOD_AUTO ||
            p->method == form)
                return EXIT_DONE;
        method.value = form == METHOD_DEV ? "dev" : "idmap";
        if (!c->opt[OPT_DRY_RUN]) {
                r = policy_file_read(c, restored, &file);
                file.new =
                        r == EXIT_DONE ? policy_edit(&c->arena, file.base, &method, 1) : file.old;
                if (r != EXIT_DONE || policy_file_write(c, &file) != EXIT_DONE)
                        return EXIT_TROUBLE;
        }
        cli_say(c, MSG_UNDO_METHOD, settings_name(&c->arena, vmid), method.value,
                c->opt[OPT_DRY_RUN] ? MSG_UNDO_METHOD_WOULD : MSG_UNDO_METHOD_DONE);
        return EXIT_DONE;
}

static int undo(struct cli *c, const struct guest *g) {
        const char *from, *diff, *name = g->conf_path + strlen(g->root);
        struct bytes original;
        struct guest old, new;
        int r = backup_last(&c->arena, g, &original, &from);

        if (r == -ENOENT)
                return cli_fail(c, MSG_DO_NOT_ON_NODE, MSG_UNDO_NO_ORIGINAL, g->vmid);
        if (r < 0)
                return cli_fail(c, "", MSG_BACKUP_UNREAD, g->vmid, strerror(-r));
        from += strlen(g->root);
        old = guest_with(&c->arena, g, original, g->config);
        new = guest_with(&c->arena, g, keep_hookscript(&c->arena, &old, g), g->config);
        if (bytes_equal(new.conf, g->conf)) {
                cli_say(c, MSG_UNDO_SAME, name, from);
                return EXIT_DONE;
        }
        r = diff_make(&c->arena, &(struct file_change){ name, g->conf, new.conf }, &diff);
        if (r == 0)
                out_diff(c, diff);
        if (!c->opt[OPT_FORCE] && !only_ours(c, &new, g))
                return cli_fail(c, arena_printf(&c->arena, MSG_DO_FORCE, g->vmid), MSG_UNDO_OTHERS,
                                name);
        if (!c->opt[OPT_DRY_RUN]) {
                r = target_store(c, g, new.conf);
                if (r != EXIT_DONE)
                        return r;
        }
        r = undo_method(c, &new);
        if (r != EXIT_DONE || c->opt[OPT_DRY_RUN])
                return r == EXIT_DONE ? EXIT_ATTENTION : r;
        cli_say(c, MSG_UNDONE, name, from, g->vmid);
        if (guest_is_managed(&c->host.pve, g->vmid))
                cli_say(c, MSG_UNDO_NEXT_START, g->vmid);
        return EXIT_DONE;
}

static int run(struct cli *c) {
        _cleanup_(cleanup_close) int lock = -1;
        struct guest g;
        uint32_t vmid;
        int r;

        if (!target_vmid(c, &vmid) || !target_is_root(c, "/etc/pve"))
                return EXIT_TROUBLE;
        r = anchor_majors(&c->host);
        if (r < 0)
                return cli_fail(c, "", MSG_DEVICES_UNREAD, strerror(-r));
        r = target_open(c, vmid, &g, &lock);
        return r == EXIT_DONE ? undo(c, &g) : r;
}

const struct verb verb_undo = {
        .name = "undo",
        .args = "VMID",
        .summary = "restore the container file that gpuanchor wrote last",
        .example = "gpuanchor undo 101",
        .about = "The last original comes back; what is there now is kept in its place, so that\n"
                 "a second undo takes the first one back. Refuses when other lines were changed\n"
                 "since then. The hookscript stays as it is: see gpuanchor disable.\n",
        .exits = { "restored, or the same already", "with --dry-run: something would change",
                   "no original, refused or failed; nothing was changed" },
        .options = OPT_BIT(OPT_FORCE) | OPT_BIT(OPT_DRY_RUN),
        .min_args = 1,
        .max_args = 1,
        .run = run,
};
