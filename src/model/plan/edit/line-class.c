/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * line-class - the kinds of line that give a device
 *
 * For each: whether a line is right for a node as it stands, and how a line for
 * it is written, with what the old one's owner had chosen.
 */
#include "model/plan/edit/line-class.h"

#include "base/number.h"
#include "model/conf/recognise.h"

/* To what is not there yet a line leads by its name. */
static bool leads_to(const struct devline *d, const struct want *w) {
        return w->late ? d->path.scope == PATH_NODE &&
                                 bytes_equal(d->path.clean, bytes_of(w->pn->node->path))
                       : recognise_leads_to(d, w->pn->node);
}

/* ---- lxc.mount.entry ---- */

static bool mount_fits(const struct editor *e, size_t i, const struct want *w) {
        const struct devline *d = &e->lines[i];
        const char *path = w->pn->node->path;

        if (w->text && e->c->kind == PCTCONF_LXC) /* exactly what the container file says */
                return bytes_equal(e->c->lines[i].value, bytes_of(w->text));
        return !d->broken && leads_to(d, w) &&
               (bytes_equal(d->target, bytes_of(path + 1)) ||
                recognise_own_name(d, w->pn->node)) &&
               !bytes_contains(d->options, "create=dir");
}

static const char *mount_text(const struct editor *e, const struct devline *d,
                              const struct want *w) {
        const char *path = w->pn->node->path;
        struct token tokens[] = { { .new = path }, { .new = path + 1 }, { .new = "create=file" } };

        if (w->text)
                return w->text;
        if (!d || d->odd || d->path.scope == PATH_FOLDER)
                return devline_mount_value(e->a, bytes_of(path), path, (struct bytes){ 0 });
        if (!recognise_alias(d, w->pn->node))
                tokens[0].part = d->raw_path;
        tokens[1].part = d->target;
        tokens[2].part = devline_option(d, "create=dir");
        return devline_edit(e->a, e->c->lines[d - e->lines].value, tokens, ELEMENTS(tokens));
}

/* ---- devN ---- */

/*
 * The gid that a devN line of this node must have: what the policy says, or what
 * was learned since the line was written with a guess. -1: whatever it has.
 */
static int64_t forced_gid(const struct editor *e, const struct devline *d, const struct node *n) {
        const struct plan_gid *g = plan_gid_of(e->p, n);
        const struct policy_gid *policy = &e->in->policy->gid[g - e->p->gids];
        uint32_t own;

        if (n->gid == 0)
                return GID_AUTO;
        if (!e->in->survey->application && g->known && d && parse_u32(d->gid, &own) &&
            own == policy->guessed && own != g->inside)
                return g->inside;
        return policy->set;
}

static bool dev_fits(const struct editor *e, size_t i, const struct want *w) {
        const struct devline *d = &e->lines[i];
        int64_t forced = forced_gid(e, d, w->pn->node);
        uint32_t gid;

        return !d->broken && d->path.scope != PATH_ADDRESS &&
               leads_to(d, w) &&
               (forced < 0 || (parse_u32(d->gid, &gid) && gid == forced));
}

static const char *new_dev_text(const struct editor *e, const struct node *n) {
        const struct plan_gid *g = plan_gid_of(e->p, n);
        const char *mode = n->mode & 0004 ? arena_printf(e->a, ",mode=%04o", n->mode) : "";

        /* the container is the application: who in it may open the node is not the host's to know */
        if (e->in->survey->application && e->in->policy->gid[g - e->p->gids].set < 0)
                return devline_dev_value(e->a, n->path, GID_AUTO, ",mode=0666");
        /* without options Proxmox gives a node mode 0660 and root's gid */
        if (n->gid == 0)
                return devline_dev_value(e->a, n->path, GID_AUTO, mode);
        if (!g->known && !g->in_map)
                editor_report(e, (struct finding){ .code = FINDING_GID_GUESSED,
                                                   .what = g->name,
                                                   .new = arena_printf(e->a, "%u", g->inside) });
        return devline_dev_value(e->a, n->path, g->known || g->host_present ? g->inside : n->gid,
                                 "");
}

static int by_place(const void *x, const void *y) {
        const struct token *a = x, *b = y;

        return a->part.data < b->part.data ? -1 : a->part.data > b->part.data;
}

/* Path and gid in their places, without what Proxmox would not take, whatever stands around them. */
static const char *edit_dev(const struct editor *e, const struct devline *d, const char *path,
                            int64_t gid) {
        const char *number = arena_printf(e->a, "%lld", (long long)gid), *text;
        struct token *tokens = NULL;
        size_t n = 0;

        *ARENA_PUSH(e->a, tokens, n) = (struct token){ d->raw_path, path };
        if (gid >= 0 && d->raw_gid.len > 0)
                *ARENA_PUSH(e->a, tokens, n) = (struct token){ d->raw_gid, number };
        for (size_t i = 0; i < d->n_wrong; i++)
                *ARENA_PUSH(e->a, tokens, n) = d->wrong[i];
        qsort(tokens, n, sizeof(*tokens), by_place);
        text = devline_edit(e->a, d->clean, tokens, n);
        while (*text == ',') /* of what stood before the path */
                text++;
        return gid < 0 || d->raw_gid.len > 0 ? text : arena_printf(e->a, "%s,gid=%s", text, number);
}

static const char *dev_text(const struct editor *e, const struct devline *d, const struct want *w) {
        int64_t gid = forced_gid(e, d, w->pn->node);
        const char *path;
        uint32_t own;

        if (!d)
                return new_dev_text(e, w->pn->node);
        path = recognise_own_name(d, w->pn->node) ? d->source : w->pn->node->path;
        if (gid < 0 && parse_u32(d->gid, &own))
                gid = own;
        else if (gid < 0 && d->broken &&
                 w->pn->node->gid != 0) /* "gid=video": it was to have one */
                gid = plan_gid_of(e->p, w->pn->node)->inside;
        return edit_dev(e, d, path, gid);
}

/* ---- lxc.cgroup2.devices.allow, .deny ---- */

static bool rule_fits(const struct editor *e, size_t i, const struct want *w) {
        return !e->lines[i].broken && !e->lines[i].legacy && !e->lines[i].driver &&
               devline_covers(&e->lines[i], w->pn->node);
}

static const char *rule_text(const struct editor *e, const struct devline *d,
                             const struct want *w) {
        const struct node *n = w->pn->node;

        if (d && d->by_path && d->access.len > 0)
                return devline_replace(e->a, e->c->lines[d - e->lines].value, d->raw_path, n->path);
        if (d && !d->broken)
                return devline_replace(e->a, e->c->lines[d - e->lines].value, d->raw_number,
                                       devnum_text(e->a, n->number));
        if (w->text)
                return w->text;
        if (w->pn->form == METHOD_DEV) /* as Proxmox generates it */
                return arena_printf(e->a, "%s %s", devnum_rule(e->a, n->number),
                                    w->deny_write ? "r" : "rw");
        return arena_printf(e->a, "%s rwm", devnum_rule(e->a, n->number));
}

static const char *deny_text(const struct editor *e, const struct devline *d,
                             const struct want *w) {
        return arena_printf(e->a, "%s w", devnum_rule(e->a, w->pn->node->number));
}

const struct line_class class_mount = {
        DEVLINE_MOUNT, true, "lxc.mount.entry", mount_fits, mount_text,
};
const struct line_class class_dev = { DEVLINE_DEV, true, NULL, dev_fits, dev_text };
const struct line_class class_allow = {
        DEVLINE_ALLOW, false, "lxc.cgroup2.devices.allow", rule_fits, rule_text,
};
const struct line_class class_deny = {
        DEVLINE_DENY, false, "lxc.cgroup2.devices.deny", rule_fits, deny_text,
};
