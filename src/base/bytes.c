/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bytes - trimming, splitting, comparing, and the string buffer
 */
#include "base/bytes.h"

#include <strings.h>

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool bytes_equal_nocase(struct bytes a, struct bytes b) {
        return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

struct bytes bytes_trim(struct bytes s) {
        while (s.len > 0 && is_blank(s.data[0])) {
                s.data++;
                s.len--;
        }
        while (s.len > 0 && is_blank(s.data[s.len - 1]))
                s.len--;
        return s;
}

struct bytes bytes_word(struct bytes *rest) {
        struct bytes word;

        while (rest->len > 0 && is_blank(rest->data[0])) {
                rest->data++;
                rest->len--;
        }
        word = (struct bytes){ rest->data, 0 };
        while (word.len < rest->len && !is_blank(word.data[word.len]))
                word.len++;
        *rest = bytes_from(*rest, word.len);
        return word;
}

/* position of the first @c, the length of @s when there is none */
static size_t find(struct bytes s, char c) {
        const char *at = s.len > 0 ? memchr(s.data, c, s.len) : NULL;

        return at ? (size_t)(at - s.data) : s.len;
}

struct bytes bytes_cut(struct bytes *rest, char separator) {
        struct bytes head = { rest->data, find(*rest, separator) };

        *rest = bytes_from(*rest, head.len + (head.len < rest->len));
        return head;
}

struct bytes bytes_cut_any(struct bytes *rest, const char *separators) {
        struct bytes head = { rest->data, 0 };

        while (head.len < rest->len &&
               !memchr(separators, head.data[head.len], strlen(separators)))
                head.len++;
        *rest = bytes_from(*rest, head.len + (head.len < rest->len));
        return head;
}

struct bytes bytes_line(struct bytes *rest) {
        struct bytes line = *rest;

        bytes_cut(rest, '\n');
        line.len -= rest->len;
        return line;
}

bool bytes_split(struct bytes s, char separator, struct bytes *ret_head, struct bytes *ret_tail) {
        size_t n = find(s, separator);

        if (n == s.len)
                return false;
        *ret_head = (struct bytes){ s.data, n };
        *ret_tail = bytes_from(s, n + 1);
        return true;
}

bool bytes_take_suffix(struct bytes *s, const char *suffix) {
        size_t n = strlen(suffix);

        if (s->len < n || !bytes_equal(bytes_from(*s, s->len - n), (struct bytes){ suffix, n }))
                return false;
        s->len -= n;
        return true;
}

bool bytes_contains(struct bytes s, const char *part) {
        return s.len > 0 && memmem(s.data, s.len, part, strlen(part));
}

bool bytes_contains_char(struct bytes s, char c) {
        return find(s, c) < s.len;
}

bool bytes_is_name(struct bytes s, const char *others) {
        for (size_t i = 0; i < s.len; i++)
                if (!ascii_is_alnum(s.data[i]) && !bytes_contains_char(bytes_of(others), s.data[i]))
                        return false;
        return s.len > 0;
}

bool bytes_in(struct bytes s, const char *const *list) {
        for (; *list; list++)
                if (bytes_equal(s, bytes_of(*list)))
                        return true;
        return false;
}

static char fold(char c) {
        return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

unsigned str_distance(const char *typed, const char *word) {
        unsigned row[32];
        size_t width = strlen(word);

        if (width >= ELEMENTS(row))
                return UINT_MAX;
        for (size_t j = 0; j <= width; j++)
                row[j] = (unsigned)j;
        for (size_t i = 0; typed[i]; i++) {
                unsigned diagonal = row[0];

                row[0] = (unsigned)i + 1;
                for (size_t j = 1; j <= width; j++) {
                        unsigned best = diagonal + (fold(typed[i]) != word[j - 1]);

                        diagonal = row[j];
                        best = row[j] + 1 < best ? row[j] + 1 : best;
                        row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
                }
        }
        return row[width];
}

static void make_room(struct strbuf *b, size_t len) {
        size_t size = (b->len + len + 1) * 2;
        char *bigger;

        if (b->size - b->len > len)
                return;
        bigger = arena_alloc(b->arena, size);
        if (b->len > 0)
                memcpy(bigger, b->data, b->len);
        b->data = bigger;
        b->size = size;
}

void strbuf_add(struct strbuf *b, const char *data, size_t len) {
        make_room(b, len);
        if (len > 0)
                memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = '\0';
}

void strbuf_adds(struct strbuf *b, const char *s) {
        strbuf_add(b, s, strlen(s));
}

void strbuf_printf(struct strbuf *b, const char *format, ...) {
        va_list args;
        size_t room;
        int n;

        make_room(b, 64); /* most pieces fit, and are printed once */
        room = b->size - b->len;
        va_start(args, format);
        n = vsnprintf(b->data + b->len, room, format, args);
        va_end(args);
        if (n > 0 && (size_t)n >= room) {
                make_room(b, (size_t)n);
                va_start(args, format);
                vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
                va_end(args);
        }
        b->len += n > 0 ? (size_t)n : 0;
}

uint64_t bytes_hash(uint64_t h, struct bytes s) {
        for (size_t i = 0; i < s.len; i++)
                h = (h ^ (unsigned char)s.data[i]) * 0x100000001b3;
        return h;
}

struct bytes strbuf_bytes(const struct strbuf *b) {
        return (struct bytes){ b->data, b->len };
}

/** strbuf_str() - the text so far as a C string, "" when nothing was added */
const char *strbuf_str(struct strbuf *b) {
        return b->data ? b->data : "";
}
