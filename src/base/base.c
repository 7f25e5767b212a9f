/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * base - arena, string buffer, strict numbers
 *
 * strtoul() accepts signs, blanks and wraps quietly; a gid that wrapped would
 * be somebody else's group, so numbers are read here and nowhere else.
 */
#include "base/base.h"

#define BLOCK_SIZE (32 * 1024 - 64)

struct arena_block {
        struct arena_block *next;
        size_t used, size;
        _Alignas(max_align_t) char data[];
};

static void *out_of_memory(void) {
        fputs("gpuanchor: out of memory\n", stderr);
        _exit(1);
}

/** arena_alloc() - @size zeroed bytes, aligned for anything; never NULL */
void *arena_alloc(struct arena *a, size_t size) {
        const size_t align = _Alignof(max_align_t);
        struct arena_block *b = a->head;

        if (size > SIZE_MAX / 2)
                return out_of_memory();
        size = (size + align - 1) / align * align;
        if (!b || b->size - b->used < size) {
                size_t want = size > BLOCK_SIZE ? size : BLOCK_SIZE;

                b = calloc(1, sizeof(*b) + want);
                if (!b)
                        return out_of_memory();
                b->size = want;
                b->next = a->head;
                a->head = b;
        }
        b->used += size;
        return b->data + b->used - size;
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
        char *copy = arena_alloc(a, n + 1);

        if (n > 0)
                memcpy(copy, s, n);
        return copy;
}

char *arena_strdup(struct arena *a, const char *s) {
        return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *format, ...) {
        va_list args;
        char *text;
        int n;

        va_start(args, format);
        n = vsnprintf(NULL, 0, format, args);
        va_end(args);
        if (n < 0)
                return out_of_memory();

        text = arena_alloc(a, (size_t)n + 1);
        va_start(args, format);
        vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
        return text;
}

/** arena_grow() - make room for item number @n; see ARENA_PUSH() */
void *arena_grow(struct arena *a, void *array, size_t n, size_t item_size) {
        void *bigger;

        if (n > 0 && (n & (n - 1)) != 0)
                return array;
        if (n > SIZE_MAX / 4 / item_size)
                return out_of_memory();
        bigger = arena_alloc(a, (n ? 2 * n : 1) * item_size);
        if (n > 0)
                memcpy(bigger, array, n * item_size);
        return bigger;
}

/** arena_done() - give everything back; the arena is empty and usable again */
void arena_done(struct arena *a) {
        while (a->head) {
                struct arena_block *next = a->head->next;

                free(a->head);
                a->head = next;
        }
}

/** arena_reset() - forget everything, and keep room for the next one of many */
void arena_reset(struct arena *a) {
        struct arena_block *b = a->head;

        if (!b)
                return;
        a->head = b->next;
        b->next = NULL;
        arena_done(a);
        memset(b->data, 0, b->used);
        b->used = 0;
        a->head = b;
}

void strbuf_add(struct strbuf *b, const char *data, size_t len) {
        if (b->size - b->len <= len) {
                size_t size = (b->len + len + 1) * 2;
                char *bigger = arena_alloc(b->arena, size);

                if (b->len > 0)
                        memcpy(bigger, b->data, b->len);
                b->data = bigger;
                b->size = size;
        }
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
        char *text = NULL;
        int n;

        va_start(args, format);
        n = vasprintf(&text, format, args);
        va_end(args);
        if (n < 0) {
                out_of_memory();
                return;
        }
        strbuf_add(b, text, (size_t)n);
        free(text);
}

struct bytes strbuf_bytes(const struct strbuf *b) {
        return (struct bytes){ b->data, b->len };
}

/** strbuf_str() - the text so far as a C string, "" when nothing was added */
const char *strbuf_str(struct strbuf *b) {
        return b->data ? b->data : "";
}

bool parse_u32(struct bytes s, uint32_t *ret) {
        uint64_t value = 0;

        if (s.len == 0)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                if (s.data[i] < '0' || s.data[i] > '9')
                        return false;
                value = value * 10 + (uint64_t)(s.data[i] - '0');
                if (value > UINT32_MAX)
                        return false;
        }
        *ret = (uint32_t)value;
        return true;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

bool parse_hex(struct bytes s, unsigned digits, uint32_t *ret) {
        uint32_t value = 0;

        if (s.len > 2 && s.data[0] == '0' && (s.data[1] == 'x' || s.data[1] == 'X')) {
                s.data += 2;
                s.len -= 2;
        }
        if (s.len == 0 || s.len > digits || s.len > 8)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                int d = hex_digit(s.data[i]);

                if (d < 0)
                        return false;
                value = value << 4 | (uint32_t)d;
        }
        *ret = value;
        return true;
}

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
