/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * arena - blocks of 32 KiB, one behind the other
 */
#include "base/arena.h"

#include <errno.h>
#include <sys/mman.h>

#define BLOCK_SIZE (32 * 1024 - 64)

struct arena_block {
        struct arena_block *next;
        size_t used, size;
        bool mapped; /* of arena_share() */
        _Alignas(max_align_t) char data[];
};

static void *out_of_memory(void) {
        fputs("gpuanchor: out of memory\n", stderr);
        _exit(1);
}

/* @size bytes of any content: a block that is not used whole must not be touched whole */
static void *take(struct arena *a, size_t size) {
        const size_t align = _Alignof(max_align_t);
        struct arena_block *b = a->head;

        if (size > SIZE_MAX / 2)
                return out_of_memory();
        size = (size + align - 1) / align * align;
        if (!b || b->size - b->used < size) {
                size_t want = size > BLOCK_SIZE ? size : BLOCK_SIZE;

                b = a->fixed ? NULL : malloc(sizeof(*b) + want);
                if (!b)
                        return out_of_memory();
                *b = (struct arena_block){ .next = a->head, .size = want };
                a->head = b;
        }
        b->used += size;
        return b->data + b->used - size;
}

/** arena_alloc() - @size zeroed bytes, aligned for anything; never NULL */
void *arena_alloc(struct arena *a, size_t size) {
        return memset(take(a, size), 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
        char *copy = take(a, n + 1);

        if (n > 0)
                memcpy(copy, s, n);
        copy[n] = '\0';
        return copy;
}

char *arena_strdup(struct arena *a, const char *s) {
        return arena_strndup(a, s, strlen(s));
}

/* Printed where it will stand; again only if there was not enough room. */
char *arena_printf(struct arena *a, const char *format, ...) {
        struct arena_block *b = a->head;
        size_t room = b ? b->size - b->used : 0;
        va_list args;
        char *text;
        int n;

        va_start(args, format);
        n = vsnprintf(room ? b->data + b->used : NULL, room, format, args);
        va_end(args);
        if (n < 0)
                return out_of_memory();

        text = take(a, (size_t)n + 1);
        if (b && a->head == b)
                return text;
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

                if (a->head->mapped)
                        munmap(a->head, sizeof(*a->head) + a->head->size);
                else
                        free(a->head);
                a->head = next;
        }
}

/**
 * arena_share() - an arena that a child made by fork() shares with us
 * @size: bytes, of which only those cost anything that are used; more it will never have
 *
 * Both have it at the same address: what the one builds in it, pointers and all, is there for
 * the other. Return: 0 or negative errno.
 */
int arena_share(size_t size, struct arena *ret) {
        struct arena_block *b = mmap(NULL, sizeof(*b) + size, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (b == MAP_FAILED)
                return -errno;
        b->size = size;
        b->mapped = true;
        *ret = (struct arena){ .head = b, .fixed = true };
        return 0;
}

/** arena_take() - when @a is given back, what is in @from goes too, which is a shared arena */
void arena_take(struct arena *a, struct arena *from) {
        struct arena_block *b = from->head;

        b->next = a->head ? a->head->next : NULL;
        if (a->head)
                a->head->next = b;
        else
                a->head = b;
}

/** arena_reset() - forget everything, and keep room for the next one of many */
void arena_reset(struct arena *a) {
        struct arena_block *b = a->head;

        if (!b)
                return;
        a->head = b->next;
        b->next = NULL;
        arena_done(a);
        b->used = 0;
        a->head = b;
}
