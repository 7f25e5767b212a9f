/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * base - bricks without domain knowledge
 *
 * Cleanup attributes, a byte view, and an arena. One check of one container is
 * one arena: everything that the check derives is allocated from it and goes in
 * one call, so that no module frees strings one by one and a daemon that has
 * checked ten thousand times holds what it held after the first.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define ELEMENTS(x) (sizeof(x) / sizeof((x)[0]))

/** struct bytes - a view of @len bytes that may contain anything, NUL included; owns nothing */
struct bytes {
        const char *data;
        size_t len;
};

#define BYTES(literal) ((struct bytes){ "" literal, sizeof(literal) - 1 })

static inline struct bytes bytes_of(const char *s) {
        return (struct bytes){ s, strlen(s) };
}

static inline bool bytes_equal(struct bytes a, struct bytes b) {
        return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

static inline bool str_has_prefix(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

/**
 * str_distance() - how many letters differ between what was typed and @word
 *
 * Levenshtein distance; '_' is '-' and capitals are small letters in @typed. UINT_MAX for a
 * @word of more than 31 bytes.
 */
unsigned str_distance(const char *typed, const char *word);

static inline void cleanup_close(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static inline void cleanup_file(FILE **f) {
        if (*f)
                fclose(*f);
}

static inline void cleanup_free(void *p) {
        free(*(void **)p);
}

/**
 * struct arena - memory that is given back all at once
 *
 * Zero-initialised is empty and ready. When the machine has no memory left the
 * process ends with a message: nothing has been written at that point that is
 * not whole, and a derivation that lost half its facts must not go on.
 */
struct arena {
        struct arena_block *head;
};

void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) _printf_(2, 3);
void *arena_grow(struct arena *a, void *array, size_t n, size_t item_size);
void arena_reset(struct arena *a);
void arena_done(struct arena *a);

#define _cleanup_arena_ _cleanup_(arena_done)

/**
 * ARENA_PUSH() - append one item to an array of @n items
 * @a:     arena that holds the array
 * @array: lvalue, pointer to the items, NULL when empty
 * @n:     lvalue, number of items, counted up
 *
 * The array doubles whenever its length is a power of two, so no capacity is
 * kept beside it. Return: a pointer to the new, zeroed item.
 */
#define ARENA_PUSH(a, array, n)                                                       \
        ((array) = arena_grow((a), (array), (n), sizeof(*(array))), &(array)[(n)++])

/**
 * struct strbuf - a growing string in an arena
 *
 * @data is NUL-terminated whenever @len > 0 was appended; start from {}.
 */
struct strbuf {
        struct arena *arena;
        char *data;
        size_t len, size;
};

void strbuf_add(struct strbuf *b, const char *data, size_t len);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_printf(struct strbuf *b, const char *format, ...) _printf_(2, 3);
struct bytes strbuf_bytes(const struct strbuf *b);
const char *strbuf_str(struct strbuf *b);

/**
 * parse_u32() - a whole decimal number, nothing else
 * @s:   text, need not be NUL-terminated
 * @ret: untouched on failure
 *
 * No sign, no blanks, no empty text, nothing above 4294967295.
 * Return: true if all of @s is one number.
 */
bool parse_u32(struct bytes s, uint32_t *ret);

/** parse_hex() - like parse_u32() for 1 to @digits hexadecimal digits, with or without 0x */
bool parse_hex(struct bytes s, unsigned digits, uint32_t *ret);

/** bytes_trim() - @s without blanks (space, tab, CR, LF) at both ends */
struct bytes bytes_trim(struct bytes s);

/**
 * bytes_word() - cut the first blank-separated word off
 * @rest: moved behind the word
 *
 * Return: the word, empty when there is none left.
 */
struct bytes bytes_word(struct bytes *rest);

/**
 * bytes_cut() - cut everything up to the first @separator off, a line or a field
 * @rest: moved behind the separator, empty when there was none
 */
struct bytes bytes_cut(struct bytes *rest, char separator);
