/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mask - which words may be shown, and what stands for the others
 */
#include "model/report/mask.h"

#include "base/number.h"
#include "model/doctor/doctor.h"
#include "model/finding/finding.h"
#include "model/gpu/family.h"

#include <stdlib.h>
#include <strings.h>

#define MOST_NUMBERS 3 /* joined in one word: a version, a volume; an address has four */

/* ---- what may be shown ---- */

static bool is_hex(struct bytes t, size_t most) {
        for (size_t i = 0; i < t.len; i++)
                if (!ascii_is_digit(t.data[i]) && !strchr("abcdefABCDEF", t.data[i]))
                        return false;
        return t.len > 0 && t.len <= most;
}

/*
 * 0000:c1:00.0 1002:150e 226:128 100000:65536 pci:0000:c1:00.0 id:1002:150e#2 pci-0000:c1:00.0-render
 * pci0000:c0 08.1: two or three numbers with colons between them, where a MAC address has six
 */
static bool is_device(struct bytes t) {
        struct bytes part, function;
        unsigned colons = 0;

        if (!bytes_take_prefix(&t, "pci:") && !bytes_take_prefix(&t, "pci-") &&
            !bytes_take_prefix(&t, "id:") && !bytes_take_prefix(&t, "root:"))
                bytes_take_prefix(&t, "pci");
        if (!bytes_take_suffix(&t, "-render") && !bytes_take_suffix(&t, "-card") && t.len > 2 &&
            t.data[t.len - 2] == '#' && ascii_is_digit(t.data[t.len - 1]))
                t.len -= 2;
        for (size_t i = 0; i < t.len; i++)
                colons += t.data[i] == ':';
        for (unsigned i = 0; i < colons; i++)
                if (part = bytes_cut(&t, ':'), !is_hex(part, 8))
                        return false;
        function = t;
        part = bytes_cut(&function, '.');
        if (function.len > 0 ? !is_hex(part, 2) || !is_hex(function, 1)
                             : !is_hex(part, 10) && !bytes_equal(part, BYTES("*")))
                return false;
        return function.len > 0 ? colons <= 2 : colons == 1 || colons == 2;
}

/* 8G 10s 0x1002 */
static bool is_size(struct bytes t) {
        uint32_t number;

        if (bytes_take_prefix(&t, "0x"))
                return is_hex(t, 8);
        if (t.len > 1 && strchr("KMGTkms", t.data[t.len - 1]))
                t.len--;
        return parse_u32(t, &number);
}

static const char *const texts[] = {
#define KEYS(names) names,
#define OPTIONS(names) names,
#define WORDS(words) words,
#include "model/report/word.def"
#define REASON(symbol, text) text,
#include "model/finding/reason.def"
#undef REASON
#define SETTING(key, set, report, accepted) key, accepted,
#define DAEMON_SETTING(key, ...) key,
#define MEMORY_GID(key, group, field) key,
#define MEMORY_ENTRY(key, report) key,
#include "model/policy/key.def"
#define PRESET(name, users, services) name, users, services,
#include "model/policy/preset.def"
};

static const char options[] =
#define OPTIONS(names) names " "
#include "model/report/word.def"
        ;

static const char numbered[] =
#define NUMBERED(words) words " "
#include "model/report/word.def"
        ;

static const char folders[] =
#define FOLDERS(paths) paths " "
#include "model/report/word.def"
        ;

static bool is_listed(const char *list, struct bytes word) {
        struct bytes rest = bytes_of(list), one;

        while ((one = bytes_word(&rest)).len > 0)
                if (bytes_equal(one, word))
                        return true;
        return false;
}

static int compare(const void *x, const void *y) {
        const struct bytes *a = x, *b = y;
        int order = strncasecmp(a->data, b->data, a->len < b->len ? a->len : b->len);

        return order ? order : (a->len > b->len) - (a->len < b->len);
}

void mask_allow(struct mask *m, const char *text) {
        const char *end;

        for (; text && *text; text = end) {
                end = text;
                while (ascii_is_alnum(*end))
                        end++;
                if (end > text)
                        *ARENA_PUSH(m->arena, m->words, m->n_words) =
                                (struct bytes){ text, (size_t)(end - text) };
                end += !ascii_is_alnum(*end) && *end;
        }
        m->sorted = false;
}

struct mask mask_open(struct arena *a) {
        struct mask m = { .arena = a };

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                mask_allow(&m, texts[i]);
        for (size_t i = 0; i < FINDING_CODES; i++) {
                mask_allow(&m, finding_kinds[i].code);
                mask_allow(&m, finding_kinds[i].text);
                mask_allow(&m, finding_kinds[i].remedy);
        }
        for (size_t i = 0; i < DOCTOR_CHECKS; i++)
                mask_allow(&m, doctor_checks[i].title);
        for (size_t i = 0; i < DOCTOR_OUTCOMES; i++) {
                mask_allow(&m, doctor_outcomes[i].evidence);
                mask_allow(&m, doctor_outcomes[i].advice);
                mask_allow(&m, doctor_outcomes[i].command);
        }
        for (size_t i = 0; i < DOCTOR_REMEDIES; i++) {
                mask_allow(&m, doctor_remedies[i].advice);
                mask_allow(&m, doctor_remedies[i].command);
        }
        for (size_t i = 0; i < DOCTOR_REASONS; i++)
                mask_allow(&m, doctor_reasons[i]);
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                mask_allow(&m, families[i].path);
        return m;
}

static bool is_word(struct mask *m, struct bytes part) {
        struct bytes stem = part;

        if (!m->sorted)
                qsort(m->words, m->n_words, sizeof(*m->words), compare);
        m->sorted = true;
        if (bsearch(&part, m->words, m->n_words, sizeof(*m->words), compare))
                return true;
        while (stem.len > 0 && ascii_is_digit(stem.data[stem.len - 1]))
                stem.len--;
        return part.len - stem.len <= 4 && stem.len < part.len && is_listed(numbered, stem);
}

/* "renderD128", "gpuanchor-hook", "vm-101-disk-0.raw", "11.0.3"; not "10.0.0.7" */
static bool is_words(struct mask *m, struct bytes word) {
        unsigned numbers = 0;

        for (size_t i = 0, n; i < word.len; i += n + 1) {
                struct bytes part = { word.data + i, 0 };

                for (n = 0; i + n < word.len && ascii_is_alnum(word.data[i + n]); n++)
                        part.len++;
                if (is_size(part))
                        numbers++;
                else if (part.len > 0 && !is_word(m, part))
                        return false;
                if (i + n < word.len && !memchr("-._+@*~%$\\", word.data[i + n], 10))
                        return false;
        }
        return numbers <= MOST_NUMBERS;
}

bool mask_shows(struct mask *m, struct bytes word) {
        return is_device(word) || is_words(m, word);
}

/* ---- masks ---- */

static bool is_mask(struct bytes t) {
        bytes_take_prefix(&t, "/");
        if (!bytes_take_prefix(&t, "masked_")) /* may be a variable's name, too */
                return false;
        for (size_t i = 0; i < t.len; i++)
                if (!ascii_is_digit(t.data[i]))
                        return false;
        return t.len > 0;
}

static const struct mask_entry *find(const struct mask *m, struct bytes text) {
        for (size_t i = 0; i < m->n; i++)
                if (bytes_equal_nocase(m->entries[i].text, text))
                        return &m->entries[i];
        return NULL;
}

struct bytes mask_of(struct mask *m, struct bytes text) {
        const struct mask_entry *known = find(m, text);
        struct mask_entry *e;
        const char *slash = text.len > 0 && text.data[0] == '/' ? "/" : "";

        if (text.len == 0 || is_mask(text))
                return text;
        if (known)
                return known->mask;
        e = ARENA_PUSH(m->arena, m->entries, m->n);
        e->text = (struct bytes){ bytes_dup(m->arena, text), text.len };
        e->mask = bytes_of(arena_printf(m->arena, "%smasked_%zu", slash, m->n));
        return e->mask;
}

static bool is_separator(char c) {
        return c == '\0' || strchr(" \t\r\n,;=()[]{}<>|&!?\"'`", c);
}

static bool is_below_folder(struct bytes path) {
        struct bytes rest = bytes_of(folders), one;

        while ((one = bytes_word(&rest)).len > 0)
                if (path.len >= one.len && memcmp(path.data, one.data, one.len) == 0 &&
                    (path.len == one.len || path.data[one.len] == '/'))
                        return true;
        return false;
}

static void add_word(struct mask *m, struct strbuf *b, struct bytes word);

/* "/dev/dri/card0" name by name, "local:snippets/x" the two sides of it */
static void add_parts(struct mask *m, struct strbuf *b, struct bytes word, char between) {
        while (word.len > 0) {
                struct bytes rest = word, part = bytes_cut(&rest, between);

                if (part.len > 0)
                        add_word(m, b, part);
                strbuf_add(b, &between, part.len < word.len);
                word = rest;
        }
}

static void add_word(struct mask *m, struct strbuf *b, struct bytes word) {
        struct bytes after = word, before = bytes_cut(&after, ':');

        if (is_mask(word) || is_device(word))
                strbuf_add_bytes(b, word);
        else if (word.data[0] == '/' && word.len > 1 && !is_below_folder(word))
                strbuf_add_bytes(b, mask_of(m, word));
        else if (bytes_contains_char(word, '/'))
                add_parts(m, b, word, '/');
        else if (before.len < word.len && !bytes_contains_char(after, ':'))
                add_parts(m, b, word, ':');
        else if (is_words(m, word) && (is_word(m, word) || !find(m, word)))
                strbuf_add_bytes(b, word);
        else
                strbuf_add_bytes(b, mask_of(m, word));
}

/* The value behind an unknown NAME= is masked as a whole, of a quoted one what is quoted. */
static struct bytes value_at(struct bytes t) {
        struct bytes rest = t, line = bytes_cut_any(&rest, "\r\n");
        size_t n = 0;

        if (line.len > 0 && strchr("\"'", line.data[0])) {
                rest = bytes_from(line, 1);
                return bytes_cut(&rest, line.data[0]);
        }
        while (n < line.len && (!is_separator(line.data[n]) || line.data[n] == '='))
                n++;
        return (struct bytes){ line.data, n };
}

struct bytes mask_text(struct mask *m, struct bytes t) {
        struct strbuf b = { .arena = m->arena };
        size_t n, end;

        for (size_t i = 0; i < t.len; i += n) {
                struct bytes word = { t.data + i, 0 };

                for (n = 0; i + n < t.len && !is_separator(t.data[i + n]); n++)
                        word.len++;
                if (n == 0 || memchr(".:", word.data[0], 2)) {
                        strbuf_add(&b, t.data + i, n = 1);
                        continue;
                }
                if (word.data[0] == '#' && i > 0 &&
                    t.data[i - 1] == ' ') { /* a comment of a quoted line */
                        struct bytes rest = bytes_from(t, i);

                        n = bytes_cut_any(&rest, ";\r\n").len;
                        strbuf_adds(&b, "#masked");
                        continue;
                }
                for (end = word.len; end > 0 && memchr(".:", word.data[end - 1], 2);)
                        end--;
                if (end > 0)
                        add_word(m, &b, (struct bytes){ word.data, end });
                strbuf_add(&b, word.data + end, word.len - end);
                if (i + n < t.len && t.data[i + n] == '=' && !is_listed(options, word)) {
                        struct bytes value = value_at(bytes_from(t, i + n + 1));

                        strbuf_add(&b, t.data + i + n, (size_t)(value.data - t.data) - i - n);
                        strbuf_add_bytes(&b, mask_of(m, value));
                        n = (size_t)(value.data - t.data) - i + value.len;
                }
        }
        return strbuf_bytes(&b);
}

struct bytes mask_names(struct mask *m, struct bytes text) {
        struct strbuf b = { .arena = m->arena };

        while (text.len > 0) {
                struct bytes rest = text, name = bytes_cut_any(&rest, " \t,;");

                strbuf_add_bytes(&b, mask_of(m, name));
                strbuf_add(&b, text.data + name.len, text.len - rest.len - name.len);
                text = rest;
        }
        return strbuf_bytes(&b);
}

struct bytes mask_name(struct mask *m, struct bytes text) {
        const struct mask_entry *known = find(m, text);

        return known ? known->mask : mask_text(m, text);
}
