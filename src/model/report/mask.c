/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mask - the table of what was masked, and masking of any text
 */
#include "model/report/mask.h"

#include "base/number.h"
#include "model/gpu/family.h"
#include "model/report/scan.h"

#include <strings.h>

/* A password that is shorter is found where it is given, but not searched for. */
#define SECRET_MIN 6

/* Words of gpuanchor and of every host: a container of that name cannot be recognized by it. */
static const char *const common[] = {
        "all", "amdgpu", "auto", "config", "container", "debian", "default", "dev", "frigate",
        "gpu", "gpuanchor", "group", "host", "idmap", "immich", "intel", "jellyfin", "local",
        "lxc", "masked", "mount", "node", "none", "ollama", "path", "plex", "proxmox", "pve",
        "root", "server", "snapshot", "start", "status", "systemd", "test", "ubuntu", "unit",
        "usr", "var",
};

static bool is_common(struct bytes name) {
        uint32_t number;

        if (name.len < 3 || parse_u32(name, &number))
                return true;
        for (size_t i = 0; i < ELEMENTS(common); i++)
                if (bytes_equal_nocase(name, bytes_of(common[i])))
                        return true;
        for (int i = 0; i < NODE_KINDS; i++)
                if (bytes_equal_nocase(name, bytes_of(node_kind_name(i))))
                        return true;
        for (int i = 0; i < GID_GROUPS; i++)
                if (bytes_equal_nocase(name, bytes_of(gid_group_name(i))))
                        return true;
        return false;
}

/* in any case of letters */
static bool begins(struct bytes t, const char *prefix) {
        size_t n = strlen(prefix);

        return t.len >= n && strncasecmp(t.data, prefix, n) == 0;
}

/* Also addresses that every host has. */
static bool is_mask(enum mask_kind kind, struct bytes t) {
        switch (kind) {
        case MASK_PATH:
                return begins(t, "/masked-");
        case MASK_MAC:
                return begins(t, "02:00:00:");
        case MASK_IPV4:
                return begins(t, "240.") || begins(t, "127.") || begins(t, "255.") ||
                       begins(t, "0.0.0.0");
        case MASK_IPV6:
                return begins(t, "2001:db8::") || bytes_equal(t, BYTES("::1"));
        default:
                return begins(t, "masked-");
        }
}

static const char *make(struct mask *m, enum mask_kind kind, unsigned n) {
        switch (kind) {
        case MASK_NAME:
                return arena_printf(m->arena, "masked-name-%u", n);
        case MASK_PATH:
                return arena_printf(m->arena, "/masked-path-%u", n);
        case MASK_SECRET:
                return arena_printf(m->arena, "masked-secret-%u", n);
        case MASK_MAC:
                return arena_printf(m->arena, "02:00:00:%02x:%02x:%02x", n >> 16 & 0xff,
                                    n >> 8 & 0xff, n & 0xff);
        case MASK_IPV4:
                return arena_printf(m->arena, "240.%u.%u.%u", n >> 16 & 0xff, n >> 8 & 0xff,
                                    n & 0xff);
        case MASK_IPV6:
                return arena_printf(m->arena, "2001:db8::%x", n);
        default:
                return arena_printf(m->arena, "masked-value-%u", n);
        }
}

struct bytes mask_of(struct mask *m, enum mask_kind kind, struct bytes text) {
        struct mask_entry *e;

        if (text.len == 0 || is_mask(kind, text))
                return (struct bytes){ bytes_dup(m->arena, text), text.len };
        for (size_t i = 0; i < m->n; i++) {
                e = &m->entries[i];
                if (e->kind == kind && bytes_equal_nocase(e->text, text))
                        return e->mask;
        }
        e = ARENA_PUSH(m->arena, m->entries, m->n);
        e->kind = kind;
        e->text = (struct bytes){ bytes_dup(m->arena, text), text.len };
        e->mask = bytes_of(make(m, kind, ++m->count[kind]));
        return e->mask;
}

/* The longest of what was learned that stands at @at as a whole word. */
static const struct mask_entry *find_learned(const struct mask *m, struct bytes t, size_t at) {
        const struct mask_entry *best = NULL;

        if (at > 0 && ascii_is_alnum(t.data[at - 1]))
                return NULL;
        for (size_t i = 0; i < m->n; i++) {
                const struct mask_entry *e = &m->entries[i];
                size_t end = at + e->text.len;

                if ((best && e->text.len <= best->text.len) || end > t.len ||
                    strncasecmp(t.data + at, e->text.data, e->text.len) != 0 ||
                    (end < t.len && ascii_is_alnum(t.data[end]) && ascii_is_alnum(t.data[end - 1])))
                        continue;
                if (e->kind == MASK_NAME     ? !is_common(e->text)
                    : e->kind == MASK_SECRET ? e->text.len >= SECRET_MIN
                                             : e->kind == MASK_PATH)
                        best = e;
        }
        return best;
}

/* "masked-name-1" is passed over as one word: "name" may be the name of a host. */
static size_t mask_length(struct bytes t, size_t at) {
        size_t n = 0;

        if (!begins(bytes_from(t, at), "masked-") || (at > 0 && ascii_is_alnum(t.data[at - 1])))
                return 0;
        while (at + n < t.len && (ascii_is_alnum(t.data[at + n]) || t.data[at + n] == '-'))
                n++;
        return n;
}

static const enum mask_kind address_masks[] = {
        [ADDRESS_MAC] = MASK_MAC,
        [ADDRESS_IPV4] = MASK_IPV4,
        [ADDRESS_IPV6] = MASK_IPV6,
};

static struct bytes mask_any(struct mask *m, struct bytes t, bool words) {
        struct strbuf b = { .arena = m->arena };
        size_t i = 0;

        while (i < t.len) {
                const struct mask_entry *known;
                enum address_kind kind;
                size_t n, value;

                if ((n = mask_length(t, i)) > 0) {
                        strbuf_add(&b, t.data + i, n);
                } else if ((kind = scan_address(t, i, &n)) != ADDRESS_NONE) {
                        strbuf_add_bytes(&b, mask_of(m, address_masks[kind],
                                                     (struct bytes){ t.data + i, n }));
                } else if (words && (n = scan_secret(t, i, &value)) > 0) {
                        strbuf_add(&b, t.data + i, value - i);
                        strbuf_add_bytes(
                                &b, mask_of(m, MASK_SECRET, (struct bytes){ t.data + value, n }));
                        n += value - i;
                } else if (words && (known = find_learned(m, t, i))) {
                        n = known->text.len;
                        strbuf_add_bytes(&b, known->mask);
                } else {
                        n = 1;
                        strbuf_add(&b, t.data + i, n);
                }
                i += n;
        }
        return strbuf_bytes(&b);
}

struct bytes mask_text(struct mask *m, struct bytes text) {
        return mask_any(m, text, true);
}

struct bytes mask_addresses(struct mask *m, struct bytes text) {
        return mask_any(m, text, false);
}
