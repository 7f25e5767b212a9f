/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mask-settings - masking of policies, of the host's settings, and of what Proxmox
 * says about PCI devices
 */
#include "model/report/mask-settings.h"

#include "model/report/mask-conf.h"
#include "model/report/mask-value.h"

/* Presets are documented: their names are on every host. */
static struct bytes mask_users(struct mask *m, struct bytes value) {
        static const char *const known[] = {
#define PRESET(name, users, services) name,
#include "model/policy/preset.def"
                "none", "root", NULL
        };

        return mask_names(m, value, " ,", known);
}

static struct bytes mask_secret(struct mask *m, struct bytes value) {
        return mask_of(m, MASK_VALUE, value);
}

static struct bytes mask_name(struct mask *m, struct bytes value) {
        return mask_of(m, MASK_NAME, value);
}

static struct bytes mask_hook(struct mask *m, struct bytes value) {
        return BYTES_IN(value, "none") ? value : mask_volume(m, value);
}

static struct bytes mask_variables(struct mask *m, struct bytes value) {
        return BYTES_IN(value, "none") ? value : mask_environment(m, value);
}

/* 12 net0: name=eth0,... */
static struct bytes mask_place(struct mask *m, struct bytes value) {
        struct strbuf b = { .arena = m->arena };
        struct bytes number = bytes_word(&value);

        strbuf_add_bytes(&b, number);
        strbuf_adds(&b, " ");
        strbuf_add_bytes(&b, mask_conf_line(m, bytes_trim(value)));
        return strbuf_bytes(&b);
}

static const struct {
        const char *key;
        struct bytes (*mask)(struct mask *m, struct bytes value);
} keys[] = {
#define SETTING(key, set, report, accepted) { key, mask_##report },
#define DAEMON_SETTING(key, field, min, max, normal) { key, mask_text },
#define MEMORY_GID(key, group, field) { key, mask_text },
#define MEMORY_ENTRY(key, report) { key, mask_##report },
#include "model/policy/key.def"
};

static struct bytes mask_setting(struct mask *m, struct bytes key, struct bytes value) {
        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (bytes_equal(key, bytes_of(keys[i].key)))
                        return keys[i].mask(m, value);
        return mask_of(m, MASK_VALUE, value);
}

static struct bytes mask_settings_line(struct mask *m, struct bytes line) {
        struct bytes key = line, value = line, t = bytes_trim(line);
        struct strbuf b = { .arena = m->arena };

        if (t.len == 0)
                return line;
        if (t.data[0] == '#' || t.data[0] == ';')
                return BYTES("#masked");
        if (is_heading(line))
                return bytes_has_prefix(t, "[pin ") ? mask_heading(m, line) : line;
        key = bytes_cut(&value, '=');
        if (key.len == line.len)
                return mask_of(m, MASK_VALUE, t);
        value = bytes_trim(value);
        strbuf_add(&b, line.data, (size_t)(value.data - line.data));
        strbuf_add_bytes(&b, mask_setting(m, bytes_trim(key), value));
        return strbuf_bytes(&b);
}

struct bytes mask_settings(struct mask *m, struct bytes text) {
        return mask_lines(m, text, mask_settings_line);
}

static struct bytes map_option(struct mask *m, struct bytes key, struct bytes v) {
        return BYTES_IN(key, "node") ? mask_of(m, MASK_NAME, v) : v;
}

static struct bytes mask_sections_line(struct mask *m, struct bytes line) {
        struct bytes rest = line, name = bytes_word(&rest), value = bytes_trim(rest);
        struct strbuf b = { .arena = m->arena };

        if (value.len == 0 || name.data == line.data)
                return mask_text(m, line);
        strbuf_add(&b, line.data, (size_t)(value.data - line.data));
        strbuf_add_bytes(&b, BYTES_IN(name, "map") ? mask_options(m, value, map_option)
                             : BYTES_IN(name, "mdev", "live-migration-capable")
                                     ? value
                                     : mask_of(m, MASK_VALUE, value));
        return strbuf_bytes(&b);
}

struct bytes mask_sections(struct mask *m, struct bytes text) {
        return mask_lines(m, text, mask_sections_line);
}

static struct bytes hostpci_option(struct mask *m, struct bytes key, struct bytes v) {
        return BYTES_IN(key, "romfile") ? mask_of(m, MASK_VALUE, v) : v;
}

struct bytes mask_hostpci(struct mask *m, struct bytes conf) {
        struct strbuf b = { .arena = m->arena };

        while (conf.len > 0) {
                struct bytes line = bytes_cut(&conf, '\n'), value = line;

                if (is_heading(line))
                        break;
                if (!bytes_has_prefix(line, "hostpci"))
                        continue;
                strbuf_add_bytes(&b, bytes_cut(&value, ':'));
                strbuf_adds(&b, ":");
                strbuf_add_bytes(&b, mask_options(m, value, hostpci_option));
                strbuf_adds(&b, "\n");
        }
        return strbuf_bytes(&b);
}
