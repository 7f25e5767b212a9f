/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bytes - trimming, splitting, comparing, and the string buffer
 */
#include "base/bytes.h"

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
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
        rest->data += word.len;
        rest->len -= word.len;
        return word;
}

struct bytes bytes_cut(struct bytes *rest, char separator) {
        const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
        struct bytes head = *rest;
        size_t past;

        head.len = end ? (size_t)(end - rest->data) : rest->len;
        past = end ? head.len + 1 : head.len;
        rest->data += past;
        rest->len -= past;
        return head;
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
        int n;

        va_start(args, format);
        n = vsnprintf(NULL, 0, format, args);
        va_end(args);
        if (n <= 0)
                return;
        make_room(b, (size_t)n);
        va_start(args, format);
        vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
        va_end(args);
        b->len += (size_t)n;
}

struct bytes strbuf_bytes(const struct strbuf *b) {
        return (struct bytes){ b->data, b->len };
}

/** strbuf_str() - the text so far as a C string, "" when nothing was added */
const char *strbuf_str(struct strbuf *b) {
        return b->data ? b->data : "";
}
