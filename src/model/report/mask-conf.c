/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mask-conf - masking of a container's files, line by line
 *
 * The lines that a report is about come through as they are, all else is
 * masked by what it means.
 */
#include "model/report/mask-conf.h"

#include "model/conf/recognise.h"
#include "model/conf/survey.h"
#include "model/report/mask-value.h"

static bool is_about_gpu(const struct devline *d) {
        switch (d->type) {
        case DEVLINE_MOUNT:
                return d->path.scope != PATH_OTHER || d->target_path.scope != PATH_OTHER;
        case DEVLINE_ALLOW:
        case DEVLINE_DENY:
        case DEVLINE_DEV:
        case DEVLINE_IDMAP:
        case DEVLINE_WHOLE:
                return true;
        default:
                return false;
        }
}

/* up to a comment, which LXC takes for one and Proxmox for part of the value */
static struct bytes mask_comment(struct mask *m, struct bytes line) {
        struct bytes rest = line, before = bytes_cut(&rest, '#');
        struct strbuf b = { .arena = m->arena };

        strbuf_add_bytes(&b, before);
        strbuf_add_bytes(&b, mask_text(m, bytes_from(line, before.len)));
        return strbuf_bytes(&b);
}

bool is_heading(struct bytes line) {
        line = bytes_trim(line);
        return line.len > 2 && line.data[0] == '[' && line.data[line.len - 1] == ']';
}

struct bytes mask_heading(struct mask *m, struct bytes line) {
        struct bytes name = bytes_trim(line);
        struct strbuf b = { .arena = m->arena };
        bool pin;

        name = (struct bytes){ name.data + 1, name.len - 2 };
        pin = bytes_take_prefix(&name, "pin ");
        if (bytes_contains(name, ":"))
                return line;
        strbuf_adds(&b, pin ? "[pin " : "[");
        strbuf_add_bytes(&b, mask_of(m, MASK_NAME, pin ? bytes_trim(name) : name));
        strbuf_adds(&b, "]");
        return strbuf_bytes(&b);
}

static struct bytes mask_setting(struct mask *m, struct bytes line, const struct conf_line *l) {
        struct devline d = recognise_line(m->arena, NULL, l);
        struct strbuf b = { .arena = m->arena };

        if (is_about_gpu(&d))
                return mask_comment(m, line);
        strbuf_add(&b, line.data, (size_t)(l->value.data - line.data));
        if (d.type == DEVLINE_MENTION && bytes_has_prefix(l->key, "lxc.hook."))
                strbuf_add_bytes(&b, mask_text(m, l->value));
        else
                strbuf_add_bytes(&b, mask_value(m, l->key, l->value));
        return strbuf_bytes(&b);
}

struct bytes mask_conf_line(struct mask *m, struct bytes line) {
        struct pctconf c;

        if (bytes_trim(line).len == 0)
                return line;
        if (line.data[0] == '#')
                return BYTES("#masked");
        if (is_heading(line))
                return mask_heading(m, line);
        pctconf_parse(m->arena, PCTCONF_PVE, line, &c);
        if (c.n_lines == 2 && c.lines[1].key.len > 0)
                return mask_setting(m, line, &c.lines[1]);
        return mask_of(m, MASK_VALUE, bytes_trim(line));
}

struct bytes mask_lines(struct mask *m, struct bytes text,
                        struct bytes (*one)(struct mask *m, struct bytes line)) {
        struct strbuf b = { .arena = m->arena };

        while (text.len > 0) {
                struct bytes line = bytes_line(&text);
                bool lf = bytes_take_suffix(&line, "\n"), cr = bytes_take_suffix(&line, "\r");

                strbuf_add_bytes(&b, one(m, line));
                strbuf_adds(&b, cr ? "\r" : "");
                strbuf_adds(&b, lf ? "\n" : "");
        }
        return strbuf_bytes(&b);
}

struct bytes mask_conf(struct mask *m, struct bytes conf) {
        return mask_lines(m, conf, mask_conf_line);
}

static bool names_gpu(const struct facts *f, const struct devline *d) {
        if (d->type == DEVLINE_ALLOW || d->type == DEVLINE_DENY)
                return d->any_major || devline_kinds(f, d);
        return d->type != DEVLINE_NONE && d->type != DEVLINE_IDMAP;
}

bool conf_names_gpu(struct arena *a, const struct facts *f, struct bytes conf) {
        while (conf.len > 0) {
                struct bytes line = bytes_cut(&conf, '\n');
                struct pctconf c;
                struct devline d;

                pctconf_parse(a, PCTCONF_PVE, line, &c);
                if (c.n_lines < 2)
                        continue;
                d = recognise_line(a, f, &c.lines[1]);
                if (names_gpu(f, &d))
                        return true;
        }
        return false;
}
