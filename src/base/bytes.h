/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * bytes - a byte view, and text that grows in an arena
 */
#include "base/arena.h"

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

#define BYTES_HASH 0xcbf29ce484222325 /* of nothing */

/** bytes_hash() - FNV-1a of @s behind what @h is of: against an accident, not against a person */
uint64_t bytes_hash(uint64_t h, struct bytes s);

/** bytes_dup() - a copy in the arena, with a NUL behind it */
static inline char *bytes_dup(struct arena *a, struct bytes s) {
        return arena_strndup(a, s.data, s.len);
}

/** bytes_equal_nocase() - the same without regard to the case of ASCII letters */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* without the locale, which decides in libc's own */
static inline bool ascii_is_digit(char c) {
        return c >= '0' && c <= '9';
}

static inline bool ascii_is_alnum(char c) {
        return ascii_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

static inline bool str_has_prefix(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

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

/** bytes_cut_any() - the same for a separator that is any of the characters of @separators */
struct bytes bytes_cut_any(struct bytes *rest, const char *separators);

/**
 * bytes_line() - cut the first line off, its line end included
 * @rest: moved behind it
 *
 * bytes_cut() with '\n' gives the line without its end, and does not tell whether it had one.
 * Return: the line, empty when there is none left.
 */
struct bytes bytes_line(struct bytes *rest);

/**
 * bytes_split() - what is before and what is behind the first @separator
 *
 * Return: false when there is no separator in @s; then both are untouched.
 */
bool bytes_split(struct bytes s, char separator, struct bytes *ret_head, struct bytes *ret_tail);

/** bytes_from() - @s without its first @n bytes, of which it has at least that many */
static inline struct bytes bytes_from(struct bytes s, size_t n) {
        return n > 0 ? (struct bytes){ s.data + n, s.len - n } : s; /* NULL has no + 0 */
}

static inline bool bytes_has_prefix(struct bytes s, const char *prefix) {
        size_t n = strlen(prefix);

        return s.len >= n && (n == 0 || memcmp(s.data, prefix, n) == 0);
}

/** bytes_begins() - whether @s is the beginning of @whole, and not all of it */
static inline bool bytes_begins(struct bytes s, const char *whole) {
        return s.len > 0 && s.len < strlen(whole) && memcmp(s.data, whole, s.len) == 0;
}

/** bytes_take_prefix() - whether @s begins with @prefix, which is then cut off */
static inline bool bytes_take_prefix(struct bytes *s, const char *prefix) {
        if (!bytes_has_prefix(*s, prefix))
                return false;
        *s = bytes_from(*s, strlen(prefix));
        return true;
}

/** bytes_take_suffix() - whether @s ends with @suffix, which is then cut off */
bool bytes_take_suffix(struct bytes *s, const char *suffix);

bool bytes_contains(struct bytes s, const char *part);
bool bytes_contains_char(struct bytes s, char c);

/** bytes_is_name() - whether @s is ASCII letters, digits and what is in @others, at least one */
bool bytes_is_name(struct bytes s, const char *others);

/** BYTES_IN() - whether @s is one of the strings that follow */
#define BYTES_IN(s, ...) bytes_in((s), (const char *const[]){ __VA_ARGS__, NULL })

/** bytes_in() - whether @s is one of the strings in @list, which ends with NULL */
bool bytes_in(struct bytes s, const char *const *list);

/**
 * str_distance() - how many letters differ between what was typed and @word
 *
 * Levenshtein distance; '_' is '-' and capitals are small letters in @typed. UINT_MAX for a
 * @word of more than 31 bytes.
 */
unsigned str_distance(const char *typed, const char *word);

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

static inline void strbuf_add_bytes(struct strbuf *b, struct bytes s) {
        strbuf_add(b, s.data, s.len);
}

void strbuf_printf(struct strbuf *b, const char *format, ...) _printf_(2, 3);
struct bytes strbuf_bytes(const struct strbuf *b);
const char *strbuf_str(struct strbuf *b);
