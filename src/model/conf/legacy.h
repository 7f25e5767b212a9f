/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * legacy - keys of cgroup v1
 *
 * Under cgroup v2 they have no effect, and upstream LXC 7 does not start a container that has
 * one, whatever it is about (confile.c: lxc.cgroup.* is no key any more).
 */
#include "model/conf/devline.h"

/** struct legacy - what is to be put in the place of a line */
struct legacy {
        const char *key, *value; /* the line that replaces it; NULL: none does */
        const char *why;         /* without @key: that it can go, and what to set instead */
};

/** legacy_is_key() - whether @key is one; lxc.cgroup.dir and lxc.cgroup.relative are not */
bool legacy_is_key(struct bytes key);

/**
 * legacy_replacement() - for a line with such a key
 * @f: the host, with its majors; NULL: by the line alone
 */
struct legacy legacy_replacement(struct arena *a, const struct facts *f,
                                 const struct conf_line *l);
