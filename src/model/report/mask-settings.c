/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mask-settings - masking of policies, of the host's settings, and of what Proxmox
 * says about PCI devices
 */
#include "model/report/mask-settings.h"

#include "model/report/mask-conf.h"
#include "model/report/mask-value.h"

/* The users that a preset names are known without us. */
static const char *const known_users[] = { "none", "ollama",  "jellyfin", "plex",
                                           "frigate", "root", NULL };

static struct bytes mask_policy_value(struct mask *m, struct bytes key, struct bytes value) {
        if (BYTES_IN(key, "next-hook"))
                return BYTES_IN(value, "none") ? value : mask_volume(m, value);
        if (BYTES_IN(key, "guest-users"))
                return mask_names(m, value, " ,", known_users);
        if (BYTES_IN(key, "guest-environment"))
                return BYTES_IN(value, "none") ? value : mask_environment(m, value);
        if (BYTES_IN(key, "line"))
                return mask_conf_line(m, value);
        return BYTES_IN(key, "gpu", "devices", "method", "video-gid", "render-gid", "missing",
                        "on-error", "guest-groups", "guest-service", "twin", "guest-timeout",
                        "video-gid-guess", "render-gid-guess", "interval", "quiet",
                        "messages-per-minute")
                       ? mask_text(m, value)
                       : mask_of(m, MASK_VALUE, value);
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
        strbuf_add_bytes(&b, mask_policy_value(m, bytes_trim(key), value));
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
