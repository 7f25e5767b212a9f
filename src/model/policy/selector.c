/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * selector - the words that choose a GPU
 */
#include "model/policy/selector.h"

#include "base/number.h"
#include "model/finding/reason.h"
#include "model/gpu/pci-address.h"

static const char *sel_pci(struct arena *a, struct bytes rest, struct gpu_sel *s) {
        s->kind = SEL_PCI;
        s->name = pci_address_normalize(a, rest);
        if (s->name)
                return NULL;
        if (pci_address_normalize(a, bytes_of(arena_printf(a, "%s.0", s->text + strlen("pci:")))))
                return WHY_SELECTOR_FUNCTION;
        return WHY_SELECTOR_PCI;
}

static const char *sel_id(struct bytes rest, struct gpu_sel *s) {
        struct bytes ids;

        s->kind = SEL_ID;
        if (bytes_split(rest, '#', &ids, &rest)) {
                if (!parse_u32(rest, &s->nth) || s->nth == 0)
                        return WHY_SELECTOR_COUNT;
                rest = ids;
        }
        return pci_ids_parse(rest, &s->ids.vendor, &s->ids.device) ? NULL : WHY_SELECTOR_ID;
}

static const char *sel_name(struct arena *a, struct bytes rest, struct gpu_sel *s) {
        bool good = bytes_is_name(rest, "_-");

        if (s->kind == SEL_PLATFORM)
                good = bytes_is_name(rest, "._-:,@+~=");
        if (s->kind == SEL_MAPPING) /* as Proxmox has it: a letter, and at least one more */
                good = good && rest.len >= 2 && bytes_is_name((struct bytes){ rest.data, 1 }, "") &&
                       !ascii_is_digit(rest.data[0]);
        s->name = bytes_dup(a, rest);
        return good ? NULL : WHY_SELECTOR_NAME;
}

const char *selector_parse(struct arena *a, struct bytes word, struct gpu_sel *s) {
        struct bytes type, rest = word;

        s->text = bytes_dup(a, word);
        if (BYTES_IN(word, "auto", "all")) {
                s->kind = streq(s->text, "all") ? SEL_ALL : SEL_AUTO;
                return NULL;
        }
        if (pci_address_normalize(a, word))
                return arena_printf(a, WHY_SELECTOR_ADDRESS, s->text);
        if (!bytes_split(rest, ':', &type, &rest))
                return "";
        if (bytes_equal(type, BYTES("pci")))
                return sel_pci(a, rest, s);
        if (bytes_equal(type, BYTES("id")))
                return sel_id(rest, s);
        if (bytes_equal(type, BYTES("driver")))
                s->kind = SEL_DRIVER;
        else if (bytes_equal(type, BYTES("mapping")))
                s->kind = SEL_MAPPING;
        else if (bytes_equal(type, BYTES("platform")))
                s->kind = SEL_PLATFORM;
        else
                return "";
        return sel_name(a, rest, s);
}

/* FNV-1a, 32 bits */
static uint32_t digest(const char *text) {
        uint32_t hash = 0x811c9dc5;

        for (; *text; text++)
                hash = (hash ^ (unsigned char)*text) * 0x01000193;
        return hash;
}

const char *selector_key(struct arena *a, const struct gpu_sel *s) {
        struct strbuf entry = { .arena = a };

        if (s->kind == SEL_AUTO)
                return NULL;
        if (s->kind == SEL_PCI)
                return arena_printf(a, "pci:%s", s->name);
        if (s->kind != SEL_MAPPING)
                return s->text;
        strbuf_adds(&entry, pci_ids_model(a, &s->ids));
        for (size_t i = 0; i < s->n_paths; i++)
                strbuf_printf(&entry, " %s", s->paths[i]);
        return arena_printf(a, "%s#%08x", s->text, digest(strbuf_str(&entry)));
}

bool selector_made(struct arena *a, const struct gpu_sel *s, const char *by) {
        const char *key = selector_key(a, s);

        if (s->unread)
                return by && str_has_prefix(by, s->text) && by[strlen(s->text)] == '#';
        return by && key ? streq(by, key) : by == key;
}
