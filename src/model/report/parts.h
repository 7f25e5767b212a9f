/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* mask-parts - what the files that know the form of other files share */
#include "model/report/scan.h"

static inline void add(struct strbuf *b, struct bytes t) {
        strbuf_add(b, t.data, t.len);
}

static inline bool begins(struct bytes t, const char *prefix) {
        size_t n = strlen(prefix);

        return t.len >= n && memcmp(t.data, prefix, n) == 0;
}

static inline bool holds(struct bytes t, const char *part) {
        return t.len > 0 && memmem(t.data, t.len, part, strlen(part));
}

static inline bool one_of(struct bytes t, const char *const *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (bytes_equal(t, bytes_of(list[i])))
                        return true;
        return false;
}

#define IS_ONE_OF(t, ...)                                                                          \
        one_of((t), (const char *const[]){ __VA_ARGS__ },                                          \
               ELEMENTS(((const char *const[]){ __VA_ARGS__ })))

static inline struct bytes all_of(struct mask *m, enum mask_kind kind, struct bytes value) {
        return bytes_of(mask_of(m, kind, value));
}

typedef struct bytes (*mask_option_fn)(struct mask *m, struct bytes key, struct bytes value);

/** mask_options() - "a,key=value,...": @one masks a value; a part without key has the key "" */
struct bytes mask_options(struct mask *m, struct bytes value, mask_option_fn one);

/** mask_names() - words with one of @between between them, each of them a name */
struct bytes mask_names(struct mask *m, struct bytes value, const char *between);

/** mask_value() - the value of a setting of a container's file that is about no GPU */
struct bytes mask_value(struct mask *m, struct bytes key, struct bytes value);

/** mask_environment() - "A=1 B=x"; numbers of up to three digits tell nothing */
struct bytes mask_environment(struct mask *m, struct bytes value);

/** is_heading() - whether a line is [one] */
bool is_heading(struct bytes line);

/** mask_heading() - [before-upgrade], [pin pve1]; those with a colon are Proxmox's own */
struct bytes mask_heading(struct mask *m, struct bytes line);

/** mask_conf_line() - one line of a container's file */
struct bytes mask_conf_line(struct mask *m, struct bytes line);

/** mask_lines() - every line by itself; line ends stay as they are */
struct bytes mask_lines(struct mask *m, struct bytes text,
                        struct bytes (*one)(struct mask *m, struct bytes line));
