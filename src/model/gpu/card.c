/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * card - comparing what cards are known by
 */
#include "model/gpu/card.h"

#include "base/number.h"

#define NONE "-" /* in place of ids or a port that are not known */

const char *serial_kind_name(enum serial_kind kind) {
        static const char *const names[SERIAL_KINDS] = {
                [SERIAL_AMD] = "amd",
                [SERIAL_NVIDIA] = "nvidia",
                [SERIAL_PCI] = "pci",
                [SERIAL_XE] = "xe",
        };

        return names[kind];
}

bool serial_kind_parse(struct bytes name, enum serial_kind *ret) {
        for (enum serial_kind kind = 0; kind < SERIAL_KINDS; kind++)
                if (bytes_equal(name, bytes_of(serial_kind_name(kind)))) {
                        *ret = kind;
                        return true;
                }
        return false;
}

static bool is_hex_digit(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool serial_is_plausible(const char *serial) {
        char first = '\0';
        bool varies = false;
        size_t digits = 0;

        for (const char *c = serial; *c; c++) {
                if (c - serial == SERIAL_MAX || *c == '?' || *c <= ' ' || *c > '~')
                        return false;
                if (!is_hex_digit(*c))
                        continue;
                first = first ? first : *c;
                varies |= *c != first;
                digits++;
        }
        return varies && digits >= 8;
}

enum serial_match card_compare_serials(const struct card *a, const struct card *b) {
        enum serial_match match = SERIAL_UNKNOWN;

        for (size_t kind = 0; kind < SERIAL_KINDS; kind++) {
                if (!a->serials[kind] || !b->serials[kind])
                        continue;
                if (!streq(a->serials[kind], b->serials[kind]))
                        return SERIAL_OTHER;
                match = SERIAL_EQUAL;
        }
        return match;
}

bool card_has_serial(const struct card *c) {
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                if (c->serials[kind])
                        return true;
        return false;
}

struct card card_shown(struct card c) {
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                if (c.kept & SERIAL_BIT(kind))
                        c.serials[kind] = NULL;
        c.kept = 0;
        return c;
}

bool card_is_at(const struct card *c, const char *port) {
        return c->port && port && streq(c->port, port);
}

/* "03.1" of "0000:00:03.1"; NULL when @name is no PCI address */
static const char *device_function(const char *name, size_t len) {
        const char *tail = name + len - strlen("03.1");

        return len >= strlen("0000:00:03.1") && name[len - 5] == ':' && name[len - 8] == ':' &&
                               is_hex_digit(tail[0]) && is_hex_digit(tail[1]) && tail[2] == '.' &&
                               is_hex_digit(tail[3])
                       ? tail
                       : NULL;
}

const char *card_port(struct arena *a, const char *path) {
        struct strbuf b = { .arena = a };
        size_t steps = 0;

        while (*path) {
                size_t len = strcspn(path, "/");
                const char *step = device_function(path, len);

                if (b.len == 0 && len > 3 && str_has_prefix(path, "pci") && !step)
                        strbuf_add(&b, path, len);
                else if (b.len > 0 && step && ++steps)
                        strbuf_printf(&b, "/%.4s", step);
                path += len + (path[len] == '/');
        }
        return steps > 0 ? strbuf_str(&b) : NULL;
}

void card_write(struct arena *a, struct strbuf *b, const struct card *c) {
        bool ids = pci_ids_known(&c->ids), subsystem = c->ids.subvendor || c->ids.subdevice;

        strbuf_printf(b, "%s %s %s", c->address, ids ? pci_ids_model(a, &c->ids) : NONE,
                      subsystem ? pci_ids_subsystem(a, &c->ids) : NONE);
        if (c->port || card_has_serial(c) || c->function || c->none || c->by ||
            c->state)
                strbuf_printf(b, " %s", c->port ? c->port : NONE);
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                if (c->serials[kind] || (c->none & SERIAL_BIT(kind)))
                        strbuf_printf(b, " %s%s=%s", serial_kind_name(kind),
                                      c->kept & SERIAL_BIT(kind) ? "?" : "",
                                      c->serials[kind] ? c->serials[kind] : NONE);
        if (c->function)
                strbuf_printf(b, " function=%u", c->function);
        if (c->by)
                strbuf_printf(b, " by=%s", c->by);
        if (c->state)
                strbuf_printf(b, " state=%s", c->state);
}

static const char *word_str(struct arena *a, struct bytes *rest) {
        struct bytes word = bytes_word(rest);

        return word.len > 0 ? bytes_dup(a, word) : NULL;
}

static bool parse_ids(struct bytes text, uint32_t *ret_vendor, uint32_t *ret_device) {
        return bytes_equal(text, BYTES(NONE)) || pci_ids_parse(text, ret_vendor, ret_device);
}

/* function=2, amd=1a2b3c4d5e6f7081, amd?=1a2b3c4d5e6f7081 (kept), amd=- (none) */
static bool parse_field(struct arena *a, struct bytes field, struct card *c) {
        struct bytes name = bytes_cut(&field, '=');
        enum serial_kind kind;
        bool kept = name.len > 0 && name.data[name.len - 1] == '?';

        if (bytes_equal(name, BYTES("function")))
                return parse_u32(field, &c->function);
        if (bytes_equal(name, BYTES("by"))) {
                c->by = field.len > 0 ? bytes_dup(a, field) : NULL;
                return c->by;
        }
        if (bytes_equal(name, BYTES("state"))) {
                c->state = bytes_dup(a, field);
                return BYTES_IN(field, "missing", "ambiguous");
        }
        name.len -= kept;
        if (!serial_kind_parse(name, &kind) || field.len == 0)
                return false;
        if (bytes_equal(field, BYTES(NONE))) {
                c->none |= SERIAL_BIT(kind);
                return !kept;
        }
        c->serials[kind] = bytes_dup(a, field);
        c->kept |= kept ? SERIAL_BIT(kind) : 0;
        return true;
}

/* Nothing else is ever written: the text is damaged. */
static bool is_ascii(struct bytes text) {
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] != '\t' && (text.data[i] < ' ' || text.data[i] > '~'))
                        return false;
        return true;
}

bool card_parse(struct arena *a, struct bytes text, struct card *ret) {
        struct card c = { 0 };
        struct bytes model, subsystem, field;

        if (!is_ascii(text))
                return false;
        c.address = word_str(a, &text);
        model = bytes_word(&text);
        subsystem = bytes_word(&text);
        c.port = word_str(a, &text);
        if (subsystem.len == 0)
                return false;
        if (c.port && streq(c.port, NONE))
                c.port = NULL;
        if (c.port && !str_has_prefix(c.port, "pci"))
                return false;
        if (!parse_ids(model, &c.ids.vendor, &c.ids.device) ||
            !parse_ids(subsystem, &c.ids.subvendor, &c.ids.subdevice))
                return false;
        while ((field = bytes_word(&text)).len > 0)
                if (!parse_field(a, field, &c))
                        return false;
        *ret = c;
        return true;
}
