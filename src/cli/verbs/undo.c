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
#include "cli/diff.h"
#include "cli/output.h"
#include "model/policy/edit.h"
#include "cli/enrol/policy-file.h"
#include "cli/precondition.h"
#include "model/conf/survey.h"
#include "model/doctor/container.h"
#include "pve/settings.h"

#include <errno.h>

/* drm, nvidia, accel, and those that the kernel gives out as drivers come (devices.txt) */
static bool is_gpu_major(uint32_t major) {
        return major == 226 || major == 195 || major == 261 || (major >= 234 && major <= 254) ||
               (major >= 384 && major <= 511);
}

/* Lines that we write, and the hookscript, do not count for what others changed. */
static bool is_ours(struct arena *a, const struct conf_line *l) {
        struct devline d = devline_parse(a, l);

        if (doctor_fixes(a, l))
                return true;
        switch (d.type) {
        case DEVLINE_ALLOW:
        case DEVLINE_DENY:
                return d.broken || d.any_major || is_gpu_major(d.number.major);
        case DEVLINE_IDMAP:
                return bytes_has_prefix(l->value, "g");
        case DEVLINE_MOUNT:
        case DEVLINE_DEV:
                return true;
        default:
                return bytes_equal(l->key, BYTES("hookscript"));
        }
}

/* The file without the lines that we write. */
static struct bytes without_ours(struct arena *a, struct bytes data) {
        struct pctconf conf;

        pctconf_parse(a, PCTCONF_PVE, data, &conf);
        for (size_t i = 1; i < conf.n_lines; i++)
                if (is_ours(a, &conf.lines[i]))
                        pctconf_drop(&conf, i);
        return pctconf_write(&conf);
}

static size_t find_key(const struct pctconf *conf, const char *key) {
        for (size_t i = conf->n_lines; i-- > 1;)
                if (bytes_equal(conf->lines[i].key, bytes_of(key)))
                        return i;
        return 0;
}

/* @old with the hookscript that @now has: without its snippet a container does not start */
static struct bytes keep_hookscript(struct arena *a, struct bytes old, struct bytes now) {
        struct pctconf conf, present;
        struct bytes value;
        const char *hook;
        size_t line;

        pctconf_parse(a, PCTCONF_PVE, old, &conf);
        pctconf_parse(a, PCTCONF_PVE, now, &present);
        line = find_key(&conf, "hookscript");
        if (!pctconf_get(&present, "hookscript", &value)) {
                if (line > 0)
                        pctconf_drop(&conf, line);
                return pctconf_write(&conf);
        }
        hook = arena_strndup(a, value.data, value.len);
        if (line == 0)
                pctconf_insert(&conf, pctconf_key_end(&conf), "hookscript", hook);
        else if (!bytes_equal(conf.lines[line].value, value))
                pctconf_set(&conf, line, hook);
        return pctconf_write(&conf);
}

/* The form of all its device lines; AUTO when it has none, or both. */
static enum method form_of(struct arena *a, struct bytes content) {
        struct facts nothing = { 0 };
        struct pctconf conf;
        struct survey s;

        pctconf_parse(a, PCTCONF_PVE, content, &conf);
        survey_make(a, &nothing, &conf, &s);
        if ((s.there.n_dev > 0) == (s.there.n_mount > 0))
                return METHOD_AUTO;
        return s.there.n_dev > 0 ? METHOD_DEV : METHOD_IDMAP;
}

/*
 * The file that comes back has lines of the other form than the policy asks for,
 * as before a convert: with that policy the next start would convert it again.
 */
static int undo_method(struct cli *c, uint32_t vmid, struct bytes content) {
        enum method form = form_of(&c->arena, content);
        struct setting method = { "method", form == METHOD_DEV ? "dev" : "idmap" };
        struct policy_file file;
        struct settings own;
        const struct policy *p = &own.policy;

        anchor_policy(&c->host, vmid, NULL, &own);
        if (form == METHOD_AUTO || !p->present || p->broken || p->method == METHOD_AUTO ||
            p->method == form)
                return EXIT_DONE;
        if (!c->opt[OPT_DRY_RUN]) {
                int r = policy_file_read(c, vmid, &file);

                file.new = r == EXIT_DONE ? policy_edit(&c->arena, file.old, &method, 1) : file.old;
                if (r != EXIT_DONE || policy_file_write(c, &file) != EXIT_DONE)
                        return EXIT_TROUBLE;
        }
        cli_say(c, "%s: method = %s%s", settings_name(&c->arena, vmid), method.value,
                c->opt[OPT_DRY_RUN] ? " would be set" : ", as in the restored file");
        return EXIT_DONE;
}

static int undo(struct cli *c, const struct guest *g) {
        const char *from, *diff, *name = g->conf_path + strlen(g->root);
        struct bytes original, content;
        int r = backup_last(&c->arena, g, &original, &from);

        if (r == -ENOENT)
                return cli_fail(c, "gpuanchor has not written this container's file on this node",
                                "%u: no original is kept", g->vmid);
        if (r < 0)
                return cli_fail(c, "", "/var/lib/gpuanchor/backup/%u cannot be read: %s", g->vmid,
                                strerror(-r));
        from += strlen(g->root);
        content = keep_hookscript(&c->arena, original, g->conf);
        if (bytes_equal(content, g->conf)) {
                cli_say(c, "%s is what %s says already", name, from);
                return EXIT_DONE;
        }
        r = diff_make(&c->arena, name, g->conf, content, &diff);
        if (r == 0)
                out_diff(c, diff);
        if (!c->opt[OPT_FORCE] &&
            !bytes_equal(without_ours(&c->arena, content), without_ours(&c->arena, g->conf)))
                return cli_fail(c, "take the device lines over by hand, or gpuanchor undo --force",
                                "%s: other lines were changed since then and "
                                "would be lost",
                                name);
        if (!c->opt[OPT_DRY_RUN]) {
                r = target_store(c, g, content);
                if (r != EXIT_DONE)
                        return r;
        }
        r = undo_method(c, g->vmid, content);
        if (r != EXIT_DONE || c->opt[OPT_DRY_RUN])
                return r == EXIT_DONE ? EXIT_ATTENTION : r;
        cli_say(c, "%s restored from %s; once more takes this back", name, from);
        if (guest_is_managed(&c->host.pve, g->vmid))
                cli_say(c, "the next start corrects the lines again, unless: gpuanchor disable %u",
                        g->vmid);
        return EXIT_DONE;
}

static int run(struct cli *c) {
        _cleanup_(cleanup_close) int lock = -1;
        struct guest g;
        uint32_t vmid;
        int r;

        if (!target_vmid(c, &vmid) || !target_is_root(c, "/etc/pve"))
                return EXIT_TROUBLE;
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
