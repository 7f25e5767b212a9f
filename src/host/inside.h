/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * inside - a running container's files, seen from the host
 *
 * Every byte and every link in there belongs to the container's root, who may
 * be hostile: no link is followed, nothing that blocks or acts is opened.
 */
#include "base/base.h"

struct inside_node {
        bool present, is_char;
        uint32_t major, minor;
};

/** inside_open() - descriptor of the root folder of process @pid; close it; negative errno */
int inside_open(unsigned pid);

/**
 * inside_look() - what is at @path ("/dev/dri/card1") below @root_fd
 *
 * A link anywhere in the path counts as absent.
 */
struct inside_node inside_look(int root_fd, const char *path);

/** inside_read() - a regular file of at most @max bytes; 0, -ELOOP for a link, negative errno */
int inside_read(struct arena *a, int root_fd, const char *path, size_t max, struct bytes *ret);

/** inside_list() - names in folder @path, at most 256; 0 or negative errno */
int inside_list(struct arena *a, int root_fd, const char *path, const char ***ret, size_t *ret_n);

/** inside_init_pid() - init process of container @vmid, asked from lxc-info; 0 when it does not run */
unsigned inside_init_pid(struct arena *a, uint32_t vmid);
