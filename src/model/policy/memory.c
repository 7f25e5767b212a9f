/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * memory - what gpuanchor writes into a policy file, and reading it back
 *
 * The file belongs to the container's owner, who edits it; gpuanchor writes only
 * the sections [pin NODE] and [memory], and every other byte stays. Their form
 * follows from inih, which reads them: it cuts a value at " ;", trims both its
 * ends, and a line holds INI_LINE_MAX bytes.
 */
#include "model/policy/memory.h"

#include "base/number.h"
#include "model/gpu/majors.h"
#include "model/finding/reason.h"
#include "model/gpu/pci-address.h"
#include "model/policy/edit.h"
#include "model/policy/key.h"

#define PARKED_MAX (16 * 1024) /* leaves most of INI_FILE_MAX to the owner */
#define PARKED_LINE_MAX 4096   /* PATH_MAX; LXC has no longer path */
#define MORE "more"            /* key of what does not fit into the line before */
#define WORD_MAX 100           /* node or address, so that its line fits into INI_LINE_MAX */

/* a word that an INI line holds as it is */
static bool is_word(struct bytes s) {
        for (size_t i = 0; i < s.len; i++)
                if (s.data[i] <= ' ' || s.data[i] > '~' || s.data[i] == ';' || s.data[i] == ']')
                        return false;
        return s.len > 0 && s.len <= WORD_MAX;
}

bool policy_section_node(struct bytes section, struct bytes *ret_node) {
        struct bytes first = bytes_word(&section), node = bytes_word(&section);

        if (!bytes_equal(first, BYTES("pin")) || !is_word(node) || bytes_trim(section).len > 0)
                return false;
        *ret_node = node;
        return true;
}

static struct pin *pin_of(struct arena *a, struct policy *p, struct bytes node) {
        struct pin *pin;

        for (size_t i = 0; i < p->n_pins; i++)
                if (bytes_equal(bytes_of(p->pins[i].node), node))
                        return &p->pins[i];
        pin = ARENA_PUSH(a, p->pins, p->n_pins);
        pin->node = bytes_dup(a, node);
        return pin;
}

/* gpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:00/08.1/00.0 amd=1a2b3c4d5e6f7081 */
static bool parse_pin(struct arena *a, struct policy *p, const struct ini_entry *e) {
        const char *normal;
        struct bytes node;
        struct card card;
        struct pin *pin;

        if (!policy_section_node(bytes_of(e->section), &node) ||
            !BYTES_IN(bytes_of(e->key), "gpu", "twin") ||
            !card_parse(a, bytes_of(e->value), &card) || !is_word(bytes_of(card.address)))
                return false;
        normal = pci_address_normalize(a, bytes_of(card.address));
        card.address = normal ? normal : card.address;
        pin = pin_of(a, p, node);
        if (streq(e->key, "twin"))
                *ARENA_PUSH(a, pin->twins, pin->n_twins) = card;
        else
                *ARENA_PUSH(a, pin->gpus, pin->n_gpus) = card;
        return true;
}

/* how many bytes of @text fit into one line behind @key */
static size_t fitting(const char *key, const char *text, size_t len) {
        size_t n = 0, size = strlen(key) + strlen(" = ");

        /* a blank at the end of a piece takes four bytes as well */
        while (n < len && size + ini_escaped_size(text, n, n + 1) <= INI_LINE_MAX) {
                size += ini_escaped_size(text, n, len);
                n++;
        }
        return n;
}

static void add_piece(struct strbuf *b, const char *key, const char *text, size_t len) {
        strbuf_printf(b, "%s = ", key);
        ini_escape(b, text, len);
        strbuf_adds(b, "\n");
}

/* In as many lines as it takes: the first has @key, the others MORE. */
static void add_text(struct strbuf *b, const char *key, const char *text) {
        size_t len = strlen(text);

        while (len > 0) {
                size_t n = fitting(key, text, len);

                add_piece(b, key, text, n);
                key = MORE;
                text += n;
                len -= n;
        }
}

bool policy_can_park(const char *line) {
        return *line && strlen(line) <= PARKED_LINE_MAX;
}

static const struct {
        const char *key;
        size_t offset;
} memory_gids[] = {
#define MEMORY_GID(key, group, field) { key, offsetof(struct policy, gid[group].field) },
#include "model/policy/key.def"
};

static const char gid_keys[] =
#define MEMORY_GID(key, group, field) key ", "
#include "model/policy/key.def"
        ;

static int64_t *memory_gid(struct policy *p, size_t i) {
        return (int64_t *)((char *)p + memory_gids[i].offset);
}

/* The beginning of one, which a damaged file may have, is no other container's. */
static bool take_mac(struct arena *a, struct policy *p, const char *text) {
        size_t len = strlen(text);

        if (strspn(text, "0123456789abcdefABCDEF:") == len && len != strlen("BC:24:11:00:00:01"))
                return false;
        *ARENA_PUSH(a, p->owner.macs, p->owner.n_macs) = text;
        return true;
}

static bool take_major(struct arena *a, struct policy *p, const char *text) {
        return majors_parse(a, bytes_of(text), &p->majors);
}

static bool take_variable(struct arena *a, struct policy *p, const char *text) {
        return named_node_parse(a, bytes_of(text), &p->named_nodes);
}

static bool take_narrowed(struct arena *a, struct policy *p, const char *text) {
        (void)a;
        p->narrowed = node_kinds_parse(bytes_of(text));
        return p->narrowed != 0;
}

/* 12 net0: name=eth0,...: where the lines stood that follow */
static bool take_behind(struct arena *a, struct policy *p, const char *text) {
        struct bytes rest = bytes_of(text), number = bytes_word(&rest);

        /* with the blanks at its end, which are written, too */
        p->parked.next.behind =
                bytes_dup(a, bytes_from(rest, (size_t)(bytes_trim(rest).data - rest.data)));
        return parse_u32(number, &p->parked.next.number);
}

static bool take_driver(struct arena *a, struct policy *p, const char *text) {
        (void)a;
        p->parked.next.driver = text;
        return majors_is_dynamic(text);
}

static bool take_line(struct arena *a, struct policy *p, const char *text) {
        p->parked.next.line = text;
        *ARENA_PUSH(a, p->parked.lines, p->parked.n) = p->parked.next;
        p->parked.next.driver = NULL;
        return true;
}

/* of the line before it: only lines are ever that long */
static bool take_more(struct arena *a, struct policy *p, const char *text) {
        struct parked_line *last = p->parked.n > 0 ? &p->parked.lines[p->parked.n - 1] : NULL;

        if (last)
                last->line = arena_printf(a, "%s%s", last->line, text);
        return last;
}

#define PLAIN(field) NULL, offsetof(struct policy, field)

static const struct {
        const char *key;
        bool (*take)(struct arena *a, struct policy *p, const char *text);
        size_t plain; /* where the text itself goes */
} texts[] = {
        { "mac", take_mac },
        { "hostname", PLAIN(owner.name) },
        { "rootfs", PLAIN(owner.root) },
        { "hookscript", PLAIN(caller) },
        { "open-rule", PLAIN(open_rule) },
        { "converting", PLAIN(converting) },
        { "narrowed", take_narrowed },
        { "major", take_major },
        { "behind", take_behind },
        { "driver", take_driver },
        { "variable", take_variable },
        { "line", take_line },
        { MORE, take_more },
};

static bool take_text(struct arena *a, struct policy *p, size_t i, const char *text) {
        if (texts[i].take)
                return text && texts[i].take(a, p, text);
        if (text)
                *(const char **)((char *)p + texts[i].plain) = text;
        return text;
}

static const char *parse_memory(struct arena *a, struct policy *p, const struct ini_entry *e) {
        struct policy scratch = { 0 };
        const char *problem;

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                if (streq(e->key, texts[i].key))
                        return take_text(a, p, i, ini_unescape(a, e->value))
                                       ? NULL
                                       : arena_printf(a, WHY_MEMORY_TEXT, e->key, e->value);
        for (size_t i = 0; i < ELEMENTS(memory_gids); i++)
                if (streq(e->key, memory_gids[i].key)) {
                        problem = policy_set(a, &scratch, "render-gid", e->value);
                        if (!problem)
                                *memory_gid(p, i) = scratch.gid[GID_RENDER].set;
                        return problem;
                }
        return arena_printf(a, WHY_MEMORY_KEY, e->key, gid_keys);
}

const char *policy_parse_memory(struct arena *a, struct policy *p, const struct ini_entry *e) {
        if (streq(e->section, "memory"))
                return parse_memory(a, p, e);
        return parse_pin(a, p, e) ? NULL
                                  : arena_printf(a, WHY_MEMORY_PIN, e->key, e->value, e->section);
}

static bool is_line(const struct card *c) {
        bool good = is_word(bytes_of(c->address)) && (!c->port || is_word(bytes_of(c->port))) &&
                    (!c->by || is_word(bytes_of(c->by)));

        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                good = good && (!c->serials[kind] || is_word(bytes_of(c->serials[kind])));
        return good;
}

/* "gpu = 0000:c1:00.0 ..."; false when it cannot be a line. */
static bool add_pinned(struct strbuf *b, const char *key, const struct card *c) {
        struct card known = *c;

        for (size_t kind = 0; kind <= SERIAL_KINDS; kind++) {
                struct strbuf line = { .arena = b->arena };

                strbuf_printf(&line, "%s = ", key);
                card_write(b->arena, &line, &known);
                if (is_line(&known) && line.len <= INI_LINE_MAX) {
                        strbuf_add(b, line.data, line.len);
                        strbuf_adds(b, "\n");
                        return true;
                }
                /* too long for a line: one serial number less */
                if (kind < SERIAL_KINDS)
                        known.serials[kind] = NULL;
        }
        return false;
}

/* entries of [pin NODE]; empty when nothing is pinned */
static struct bytes pin_entries(struct arena *a, const struct pin *pin) {
        struct strbuf b = { .arena = a };
        bool whole = true;

        for (size_t i = 0; pin && i < pin->n_gpus; i++)
                whole &= add_pinned(&b, "gpu", &pin->gpus[i]);
        for (size_t i = 0; pin && pin->n_gpus > 0 && i < pin->n_twins; i++)
                whole &= add_pinned(&b, "twin", &pin->twins[i]);
        /* half a pin would be another wish */
        return whole ? strbuf_bytes(&b) : (struct bytes){ 0 };
}

static void add_gid(struct strbuf *b, const char *key, int64_t gid) {
        if (gid > 0 && gid < UINT32_MAX)
                strbuf_printf(b, "%s = %u\n", key, (unsigned)gid);
}

/* nothing, when there is none or it does not fit: only lines may be that long */
static void add_short(struct strbuf *b, const char *key, const char *text) {
        if (text && *text && fitting(key, text, strlen(text)) == strlen(text))
                add_piece(b, key, text, strlen(text));
}

static void add_place(struct strbuf *b, const struct parked_line *p) {
        const char *key = arena_printf(b->arena, "behind = %u", p->number);

        strbuf_adds(b, key);
        if (p->number > 0 && *p->behind) {
                strbuf_adds(b, " ");
                ini_escape(b, p->behind, fitting(key, p->behind, strlen(p->behind)));
        }
        strbuf_adds(b, "\n");
}

static void add_parked(struct strbuf *b, const struct parked *list) {
        const struct parked_line *last = NULL;

        for (size_t i = 0; i < list->n; i++) {
                const struct parked_line *p = &list->lines[i];
                struct strbuf text = { .arena = b->arena };

                if (!policy_can_park(p->line))
                        continue;
                if (p->behind &&
                    (!last || last->number != p->number || !streq(last->behind, p->behind)))
                        add_place(&text, p);
                if (p->driver)
                        strbuf_printf(&text, "driver = %s\n", p->driver);
                add_text(&text, "line", p->line);
                if (b->len + text.len > PARKED_MAX)
                        continue;
                strbuf_add_bytes(b, strbuf_bytes(&text));
                last = p->behind ? p : last;
        }
}

static struct bytes memory_entries(struct arena *a, const struct policy *p) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < ELEMENTS(memory_gids); i++)
                add_gid(&b, memory_gids[i].key, *memory_gid((struct policy *)p, i));
        for (size_t i = 0; i < p->owner.n_macs; i++)
                add_short(&b, "mac", p->owner.macs[i]);
        add_short(&b, "hostname", p->owner.name);
        add_short(&b, "rootfs", p->owner.root);
        add_short(&b, "hookscript", p->caller);
        add_short(&b, "open-rule", p->open_rule);
        add_short(&b, "converting", p->converting);
        add_short(&b, "narrowed", p->narrowed ? node_kinds_text(a, p->narrowed) : NULL);
        strbuf_add_bytes(&b, majors_write(a, "major = ", &p->majors));
        for (size_t i = 0; i < p->named_nodes.n; i++)
                add_short(&b, "variable", named_node_write(a, &p->named_nodes.items[i]));
        add_parked(&b, &p->parked);
        return strbuf_bytes(&b);
}

struct bytes policy_remember(struct arena *a, struct bytes file, const char *node,
                             const struct policy *p) {
        struct ini_section sections[2];
        struct ini ini;
        size_t n = 0;

        if (node && is_word(bytes_of(node)))
                sections[n++] = (struct ini_section){ arena_printf(a, "pin %s", node),
                                                      pin_entries(a, policy_pin(p, node)) };
        sections[n++] = (struct ini_section){ "memory", memory_entries(a, p) };
        if (file.len == 0 && sections[0].entries.len + sections[n - 1].entries.len == 0)
                return file;
        policy_ini(a, file, &ini);
        ini_replace(&ini, sections, n);
        return ini_bytes(&ini);
}
