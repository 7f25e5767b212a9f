/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * root-files - a running container's files, seen from the host
 *
 * Every byte and every link in there belongs to the container's root, who may
 * be hostile: no link leads out of the container, nothing that blocks or acts is
 * opened, nothing is read without a limit. What comes back is text that is
 * escaped before a person sees it.
 */
#include "model/gpu/family.h"

/** struct inside - a running container, as its helper has it (host/inside/helper) */
struct inside {
        struct arena *arena; /* of what is found */
        uint32_t vmid;
        unsigned pid; /* of its init, in the PID namespace of the host */
        int root_fd;  /* its root folder, O_PATH */

        int pidfd; /* these two are for inside_keep() */
        struct found *found;
};

struct inside_node {
        bool present, is_char;
        struct devnum number;
        uint32_t uid, gid; /* host ids */
        uint32_t mode;     /* permission bits */
        uint64_t device;   /* of the file system that it is on */
        bool removed;      /* its name is gone: devtmpfs removes the node of a device that goes */
};

/** inside_open() - descriptor of the root folder of process @pid; close it; negative errno */
int inside_open(unsigned pid);

/** inside_namespace() - the number of its init's namespace of a kind: "mnt", "user"; 0: unknown */
uint64_t inside_namespace(const struct inside *in, const char *kind);

/**
 * inside_look() - what is at @path ("/dev/dri/card1") below @root_fd
 *
 * A link anywhere in the path counts as absent.
 */
struct inside_node inside_look(int root_fd, const char *path);

/** inside_find() - the same, and a descriptor (O_PATH) of it; close it; negative errno */
int inside_find(int root_fd, const char *path, struct inside_node *ret);

/**
 * inside_read() - a regular file of at most @max bytes
 *
 * Links are followed as a process inside would follow them, except those of
 * /proc that lead elsewhere. Only the root folder's own file system is read:
 * -EXDEV for what is mounted on it.
 *
 * Return: 0, -EINVAL for what is no regular file, -EFBIG, another negative errno.
 */
int inside_read(const struct inside *in, const char *path, size_t max, struct bytes *ret);

/** inside_list() - names in folder @path, no link on the way, at most 256; 0 or negative errno */
int inside_list(const struct inside *in, const char *path, const char ***ret, size_t *ret_n);

/** struct inside_file - what a path leads to */
struct inside_file {
        const char *name; /* of the file at the end of all links, without folder */
        uint64_t device, inode;
};

/**
 * inside_resolve() - the regular file that @path leads to, as a process inside would follow it
 *
 * Over links and, other than inside_read(), over mounts: a server that never answers may be at
 * the end of it. Return: descriptor (O_PATH), close it; -EINVAL for no regular file, another
 * negative errno.
 */
int inside_resolve(const struct inside *in, const char *path, struct inside_file *ret);

/** inside_is_link() - whether @path itself is a link, wherever it leads */
bool inside_is_link(const struct inside *in, const char *path);

/** inside_open_folder() - descriptor of the folder that @path leads to, to list it; negative errno
 */
int inside_open_folder(const struct inside *in, const char *path);

struct inside_drm {
        const char *path;    /* "/dev/dri/card1" */
        enum node_kind kind; /* by its number */
        struct inside_node node;
};

/** inside_drm_nodes() - device nodes of DRM in /dev/dri, at most 256; their number */
size_t inside_drm_nodes(const struct inside *in, struct inside_drm **ret);
