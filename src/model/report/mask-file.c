/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mask-file - which settings of a file a report shows
 */
#include "model/report/mask-file.h"

#include "model/conf/recognise.h"
#include "model/conf/survey.h"

static const char conf_keys[] =
#define KEYS(names) names " "
#include "model/report/word.def"
        ;

static struct bytes each_line(struct mask *m, struct bytes text,
                              struct bytes (*one)(struct mask *m, struct bytes line)) {
        struct strbuf b = { .arena = m->arena };

        while (text.len > 0) {
                struct bytes line = bytes_line(&text);
                bool lf = bytes_take_suffix(&line, "\n"), cr = bytes_take_suffix(&line, "\r");
                struct bytes t = bytes_trim(line);

                if (t.len > 0 && (t.data[0] == '#' || t.data[0] == ';'))
                        line = BYTES("#masked");
                else if (t.len > 0)
                        line = one(m, line);
                strbuf_add_bytes(&b, line);
                strbuf_adds(&b, cr ? "\r" : "");
                strbuf_adds(&b, lf ? "\n" : "");
        }
        return strbuf_bytes(&b);
}

/* @line with @masked in place of @value, behind which it has only blanks */
static struct bytes with_value(struct mask *m, struct bytes line, struct bytes value,
                               struct bytes masked) {
        struct strbuf b = { .arena = m->arena };

        strbuf_add(&b, line.data, (size_t)(value.data - line.data));
        strbuf_add_bytes(&b, masked);
        strbuf_add_bytes(&b, bytes_from(line, (size_t)(value.data + value.len - line.data)));
        return strbuf_bytes(&b);
}

static bool is_heading(struct bytes line) {
        line = bytes_trim(line);
        return line.len > 2 && line.data[0] == '[' && line.data[line.len - 1] == ']';
}

/* [before-upgrade], [pin pve1]; those with a colon are Proxmox's own */
static struct bytes mask_heading(struct mask *m, struct bytes line) {
        struct bytes name = bytes_trim(line);
        struct strbuf b = { .arena = m->arena };
        bool pin;

        name = (struct bytes){ name.data + 1, name.len - 2 };
        pin = bytes_take_prefix(&name, "pin ");
        strbuf_adds(&b, pin ? "[pin " : "[");
        strbuf_add_bytes(&b, bytes_has_prefix(name, "pve:") ? mask_text(m, name)
                                                            : mask_of(m, bytes_trim(name)));
        strbuf_adds(&b, "]");
        return strbuf_bytes(&b);
}

/* A value up to a comment: LXC takes it for one, Proxmox for part of the value. */
static struct bytes mask_commented(struct mask *m, struct bytes value) {
        struct strbuf b = { .arena = m->arena };
        size_t n = 1;

        while (n < value.len &&
               (value.data[n] != '#' || (value.data[n - 1] != ' ' && value.data[n - 1] != '\t')))
                n++;
        if (n >= value.len)
                return mask_text(m, value);
        strbuf_add_bytes(&b, mask_text(m, (struct bytes){ value.data, n }));
        strbuf_adds(&b, "#masked");
        return strbuf_bytes(&b);
}

/* ---- container files ---- */

static bool is_shown(struct mask *m, const struct conf_line *l, const struct devline *d) {
        struct bytes rest = bytes_of(conf_keys), one, key = l->key;

        if (d->type != DEVLINE_NONE)
                return true;
        if (!mask_shows(m, key)) /* lxc.prlimit. of anything */
                return false;
        if (!bytes_has_prefix(key, "lxc."))
                while (key.len > 0 && ascii_is_digit(key.data[key.len - 1]))
                        key.len--;
        while ((one = bytes_word(&rest)).len > 0)
                if (bytes_equal(key, one) ||
                    (bytes_has_prefix(one, "lxc.") && key.len > one.len &&
                     memcmp(key.data, one.data, one.len) == 0))
                        return true;
        return false;
}

static struct bytes mask_conf_line(struct mask *m, struct bytes line) {
        const struct conf_line *l;
        struct pctconf c;
        struct devline d;

        if (is_heading(line))
                return mask_heading(m, line);
        pctconf_parse(m->arena, PCTCONF_PVE, line, &c);
        l = &c.lines[c.n_lines - 1];
        if (c.n_lines != 2 || l->key.len == 0)
                return mask_of(m, bytes_trim(line));
        d = recognise_line(m->arena, NULL, l);
        if (BYTES_IN(l->key, "hostname", "nameserver", "parent", "searchdomain", "snapstate",
                     "tags", "lxc.uts.name"))
                return with_value(m, line, l->value, mask_names(m, l->value));
        if (is_shown(m, l, &d))
                return with_value(m, line, l->value, mask_commented(m, l->value));
        if (BYTES_IN(l->key, "entrypoint")) /* that there is one, and not its arguments */
                return with_value(m, line, l->value, mask_of(m, l->value));
        return mask_of(m, bytes_trim(line));
}

struct bytes mask_conf(struct mask *m, struct bytes conf) {
        return each_line(m, conf, mask_conf_line);
}

/* ---- policies and settings ---- */

enum shown {
        SHOW_text,
        SHOW_users = SHOW_text,
        SHOW_hook = SHOW_text,
        SHOW_variables = SHOW_text,
        SHOW_name, /* whatever it is, it is a name */
        SHOW_addresses = SHOW_name,
        SHOW_secret,
        SHOW_conf_line,
        SHOW_place,
};

static const struct {
        const char *key;
        enum shown shown;
} settings[] = {
#define SETTING(key, set, report, accepted) { key, SHOW_##report },
#define DAEMON_SETTING(key, field, min, max, normal) { key, SHOW_text },
#define MEMORY_GID(key, group, field) { key, SHOW_text },
#define MEMORY_ENTRY(key, report) { key, SHOW_##report },
#include "model/policy/key.def"
};

static struct bytes mask_setting(struct mask *m, struct bytes value, enum shown shown) {
        struct bytes rest = value;

        switch (shown) {
        case SHOW_name:
                return mask_names(m, value);
        case SHOW_secret:
                return mask_of(m, value);
        case SHOW_place: /* 12 net0: name=eth0,... */
                (void)bytes_word(&rest);
                rest = bytes_trim(rest);
                return with_value(m, value, rest, rest.len > 0 ? mask_conf_line(m, rest) : rest);
        case SHOW_conf_line:
                return value.len > 0 ? mask_conf_line(m, value) : value;
        default:
                return mask_text(m, value);
        }
}

static struct bytes mask_settings_line(struct mask *m, struct bytes line) {
        struct bytes value = line, key = bytes_trim(bytes_cut(&value, '='));
        bool heading = is_heading(line);

        if (heading && bytes_has_prefix(bytes_trim(line), "[pin "))
                return mask_heading(m, line);
        value = bytes_trim(value);
        for (size_t i = 0; i < ELEMENTS(settings) && value.data; i++)
                if (bytes_equal(key, bytes_of(settings[i].key)))
                        return with_value(m, line, value,
                                          mask_setting(m, value, settings[i].shown));
        return heading ? mask_text(m, line) : mask_of(m, bytes_trim(line));
}

struct bytes mask_settings(struct mask *m, struct bytes text) {
        return each_line(m, text, mask_settings_line);
}

/* ---- PCI devices of Proxmox ---- */

static struct bytes mask_sections_line(struct mask *m, struct bytes line) {
        struct bytes rest = line, key = bytes_word(&rest), all = bytes_trim(line);

        if (key.data == line.data || BYTES_IN(key, "map", "mdev", "live-migration-capable"))
                return mask_text(m, line);
        return with_value(m, line, all,
                          mask_of(m, all)); /* of a description not even that it is one */
}

struct bytes mask_sections(struct mask *m, struct bytes text) {
        return each_line(m, text, mask_sections_line);
}

struct bytes mask_hostpci(struct mask *m, struct bytes conf) {
        struct strbuf b = { .arena = m->arena };

        while (conf.len > 0) {
                struct bytes line = bytes_cut(&conf, '\n');

                if (is_heading(line))
                        break;
                if (!bytes_has_prefix(line, "hostpci"))
                        continue;
                strbuf_add_bytes(&b, mask_text(m, line));
                strbuf_adds(&b, "\n");
        }
        return strbuf_bytes(&b);
}
