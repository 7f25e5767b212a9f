/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * arena - memory that is given back in one call
 *
 * One check of one container is one arena: everything that the check derives is
 * allocated from it and goes in one call, so that no module frees strings one by
 * one, and a daemon that has checked ten thousand times holds what it held after
 * the first. Here too: the attributes and the libc headers that every file needs.
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
        bool fixed; /* one block, and no other one */
};

void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) _printf_(2, 3);
void *arena_grow(struct arena *a, void *array, size_t n, size_t item_size);
void arena_reset(struct arena *a);
void arena_done(struct arena *a);
int arena_share(size_t size, struct arena *ret);
void arena_take(struct arena *a, struct arena *from);

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
