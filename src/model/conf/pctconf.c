/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pctconf - lossless line model of a container's files
 *
 * Proxmox's own writer sorts keys, drops blank lines and moves comments; a tool
 * that did so on a file edited by hand would be blamed for the difference. So
 * bytes are kept, and only what Proxmox would read as a setting gets a key.
 */
#include "model/conf/pctconf.h"

#include <strings.h>

#define PLACE_MIN 40 /* the beginning of a line that tells it from others */

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool is_space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

static char to_lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* [pve:pending], [snapshot-name]: PVE::LXC::Config::parse_pct_config, both /i */
static bool is_section(struct bytes t) {
        size_t i = 2;

        while (t.len > 0 && is_space(t.data[t.len - 1]))
                t.len--;
        if (t.len < 4 || t.data[0] != '[' || t.data[t.len - 1] != ']')
                return false;
        if (t.len == 13 && strncasecmp(t.data, "[pve:pending]", 13) == 0)
                return true;
        if (!is_lower(to_lower(t.data[1])))
                return false;
        for (; i < t.len - 1; i++) {
                char c = to_lower(t.data[i]);

                if (!is_lower(c) && !ascii_is_digit(c) && c != '_' && c != '-')
                        return false;
        }
        return true;
}

/* Length of the key at the start of @t, and where its value begins; 0 when there is none. */
static size_t lxc_key(struct bytes t, size_t *ret_value) {
        size_t n = 4, v;

        if (t.len < 5 || !bytes_has_prefix(t, "lxc."))
                return 0;
        while (n < t.len && (is_lower(t.data[n]) || ascii_is_digit(t.data[n]) || t.data[n] == '_' ||
                             t.data[n] == '-' || t.data[n] == '.'))
                n++;
        v = n;
        while (v < t.len && is_space(t.data[v]))
                v++;
        if (v >= t.len || !(t.data[v] == '=' || (t.data[v] == ':' && v == n)))
                return 0;
        *ret_value = v + 1;
        return n;
}

static size_t pve_key(struct bytes t, size_t *ret_value) {
        size_t n = 0;

        while (n < t.len && (is_lower(t.data[n]) || (n > 0 && t.data[n] == '_')))
                n++;
        if (n == 0)
                return 0;
        while (n < t.len && ascii_is_digit(t.data[n]))
                n++;
        if (n >= t.len || t.data[n] != ':')
                return 0;
        *ret_value = n + 1;
        return n;
}

static void line_split(enum pctconf_kind kind, struct conf_line *l) {
        struct bytes t = l->text;
        size_t skip = 0, n, value = 0;

        /* what a C program downstream would see cut short is not ours to judge */
        if (t.len == 0 || bytes_contains_char(t, '\0'))
                return;
        if (kind == PCTCONF_LXC) /* LXC skips blanks before a key, Proxmox does not */
                while (skip < t.len && is_space(t.data[skip]))
                        skip++;
        t = bytes_from(t, skip);

        n = lxc_key(t, &value);
        if (n == 0 && kind == PCTCONF_PVE)
                n = pve_key(t, &value);
        if (n == 0)
                return;
        l->key = (struct bytes){ t.data, n };
        l->value = bytes_trim(bytes_from(t, value));
}

static bool is_lone_cr(struct bytes eol) {
        return bytes_equal(eol, BYTES("\r"));
}

/*
 * LXC ends a line at CR as well as at LF, and Proxmox copies a CR in the value of an lxc.* key into
 * the file that LXC reads: what follows is a line there. @part: such a one.
 */
static void line_cut(enum pctconf_kind kind, struct bytes *rest, bool part, struct conf_line *l) {
        struct bytes all = *rest, line = bytes_line(rest);
        const char *cr;
        size_t value;

        l->text = line;
        if (bytes_take_suffix(&l->text, "\n"))
                bytes_take_suffix(&l->text, "\r");
        cr = l->text.len > 0 ? memchr(l->text.data, '\r', l->text.len) : NULL;
        if (cr && (kind == PCTCONF_LXC || part || lxc_key(l->text, &value) > 0)) {
                l->text.len = (size_t)(cr - l->text.data);
                line.len = l->text.len + 1;
                *rest = bytes_from(all, line.len);
        }
        l->eol = bytes_from(line, l->text.len);
}

void pctconf_parse(struct arena *a, enum pctconf_kind kind, struct bytes data,
                   struct pctconf *ret) {
        struct pctconf c = { .arena = a, .kind = kind, .data = data, .eol = "\n" };
        struct bytes rest = data;
        size_t number = 0;
        bool part = false;

        ARENA_PUSH(a, c.lines, c.n_lines);
        while (rest.len > 0) {
                struct conf_line l = { .number = part ? number : ++number };
                struct bytes here = rest;

                line_cut(kind, &rest, part, &l);
                if (kind == PCTCONF_PVE && !part && is_section(l.text)) {
                        c.tail = here;
                        break;
                }
                line_split(part ? PCTCONF_LXC : kind, &l);
                part = is_lone_cr(l.eol);
                c.open_end = l.eol.len == 0;
                if (c.n_lines == 1 && l.eol.len == 2)
                        c.eol = "\r\n";
                *ARENA_PUSH(a, c.lines, c.n_lines) = l;
        }
        *ret = c;
}

struct pctconf pctconf_copy(const struct pctconf *c) {
        struct pctconf copy = *c;

        copy.lines = NULL;
        copy.n_lines = 0;
        for (size_t i = 0; i < c->n_lines; i++)
                *ARENA_PUSH(c->arena, copy.lines, copy.n_lines) = c->lines[i];
        return copy;
}

bool pctconf_get(const struct pctconf *c, const char *key, struct bytes *ret) {
        for (size_t i = c->n_lines; i-- > 1;)
                if (bytes_equal(c->lines[i].key, bytes_of(key))) {
                        *ret = c->lines[i].value;
                        return true;
                }
        return false;
}

bool pctconf_is_template(const struct pctconf *c) {
        struct bytes value;

        return pctconf_get(c, "template", &value) && bytes_equal(value, BYTES("1"));
}

void pctconf_set(struct pctconf *c, size_t i, const char *value) {
        c->lines[i].new_value = arena_strdup(c->arena, value);
}

void pctconf_drop(struct pctconf *c, size_t i) {
        c->lines[i].dropped = true;
}

void pctconf_insert(struct pctconf *c, size_t i, const char *key, const char *value) {
        struct conf_line *l = &c->lines[i];

        *ARENA_PUSH(c->arena, l->behind, l->n_behind) =
                arena_printf(c->arena, "%s%s%s", key, c->kind == PCTCONF_PVE ? ": " : " = ", value);
}

size_t pctconf_last(const struct pctconf *c) {
        size_t i = c->n_lines - 1;

        while (i > 0 && bytes_trim(c->lines[i].text).len == 0)
                i--;
        return i;
}

size_t pctconf_key_end(const struct pctconf *c) {
        size_t end = 0;

        for (size_t i = 1; i < c->n_lines; i++) {
                struct bytes key = c->lines[i].key;

                if (key.len > 0 && !bytes_has_prefix(key, "lxc."))
                        end = i;
        }
        return end;
}

/* @behind may be the beginning of a long line. */
static bool is_line(const struct conf_line *l, struct bytes behind) {
        struct bytes text = bytes_trim(l->text);

        return !l->parked && (bytes_equal(text, behind) ||
                              (behind.len >= PLACE_MIN && text.len > behind.len &&
                               bytes_equal((struct bytes){ text.data, behind.len }, behind)));
}

/* Of equal lines the one that is nearest to where it was; 0: none. */
static size_t find_behind(const struct pctconf *c, const struct parked_line *p) {
        struct bytes behind = bytes_trim(bytes_of(p->behind));
        size_t best = 0, distance = SIZE_MAX;

        for (size_t i = 1; i < c->n_lines; i++) {
                size_t n = c->lines[i].number;
                size_t d = n > p->number ? n - p->number : p->number - n;

                if (d < distance && is_line(&c->lines[i], behind)) {
                        distance = d;
                        best = i;
                }
        }
        return best;
}

void pctconf_park(struct pctconf *c, const struct parked_line *p) {
        struct conf_line parked = { .text = bytes_of(p->line),
                                    .parked = true,
                                    .driver = p->driver };
        bool lxc = str_has_prefix(p->line, "lxc."), known = p->behind != NULL;
        size_t at = known && p->number > 0 ? find_behind(c, p) : 0;

        for (size_t i = 1; i < c->n_lines; i++)
                if (!p->driver && !c->lines[i].parked &&
                    bytes_equal(bytes_trim(c->lines[i].text), bytes_trim(parked.text)))
                        return;
        line_split(c->kind, &parked);
        if (at > 0 || (known && p->number == 0))
                while (at + 1 < c->n_lines && c->lines[at + 1].parked)
                        at++;
        else
                at = lxc ? pctconf_last(c) : pctconf_key_end(c);
        at++;
        ARENA_PUSH(c->arena, c->lines, c->n_lines);
        memmove(&c->lines[at + 1], &c->lines[at], (c->n_lines - 1 - at) * sizeof(*c->lines));
        c->lines[at] = parked;
}

static bool is_written(const struct conf_line *l) {
        return !l->dropped && (!l->parked || l->new_value);
}

void pctconf_place(const struct pctconf *c, size_t i, struct parked_line *ret) {
        ret->behind = "";
        ret->number = 0;
        for (size_t j = 0; j < i; j++) {
                const struct conf_line *l = &c->lines[j];

                if (j > 0 && is_written(l)) {
                        ret->behind = pctconf_line_text(c, j);
                        ret->number++;
                }
                if (l->n_behind > 0)
                        ret->behind = l->behind[l->n_behind - 1];
                ret->number += (uint32_t)l->n_behind;
        }
}

const char *pctconf_line_text(const struct pctconf *c, size_t i) {
        const struct conf_line *l = &c->lines[i];
        struct strbuf b = { .arena = c->arena };
        const char *value_end;

        if (!l->new_value)
                return bytes_dup(c->arena, l->text);
        value_end = l->value.data + l->value.len;
        strbuf_add(&b, l->text.data, (size_t)(l->value.data - l->text.data));
        strbuf_adds(&b, l->new_value);
        strbuf_add(&b, value_end, (size_t)(l->text.data + l->text.len - value_end));
        return strbuf_str(&b);
}

struct writer {
        struct strbuf out;
        struct bytes eol; /* of the line before, written once another line follows */
        bool blank;       /* the line before: without its end it would be no line */
};

static void write_line(struct writer *w, struct bytes text, struct bytes eol) {
        strbuf_add_bytes(&w->out, w->eol);
        strbuf_add_bytes(&w->out, text);
        w->eol = eol;
        w->blank = text.len == 0;
}

/* What follows is no part of the line before any more, as it was behind a CR. */
static void end_line(struct writer *w, struct bytes eol) {
        if (is_lone_cr(w->eol))
                w->eol = eol;
}

struct bytes pctconf_write(const struct pctconf *c) {
        struct writer w = { .out = { .arena = c->arena } };
        struct bytes eol = bytes_of(c->eol);

        for (size_t i = 0; i < c->n_lines; i++) {
                const struct conf_line *l = &c->lines[i];

                if (l->parked && !l->dropped)
                        end_line(&w, eol);
                if (i > 0 && !l->dropped)
                        write_line(&w,
                                   l->new_value ? bytes_of(pctconf_line_text(c, i)) : l->text,
                                   l->eol.len > 0 ? l->eol : eol);
                if (l->n_behind > 0 || (l->dropped && !l->parked && !is_lone_cr(l->eol)))
                        end_line(&w, eol);
                for (size_t j = 0; j < l->n_behind; j++)
                        write_line(&w, bytes_of(l->behind[j]), eol);
        }
        if (!c->open_end || c->tail.len > 0 || w.blank)
                strbuf_add_bytes(&w.out, w.eol);
        strbuf_add_bytes(&w.out, c->tail);
        return strbuf_bytes(&w.out);
}
