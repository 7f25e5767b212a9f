/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * facts - what this host has right now
 *
 * Plain data, filled by src/host and by tests, read by everything else. A GPU
 * is known by its address and ids; names and numbers of nodes are only what
 * the kernel gave it this time.
 */
#include "model/finding/finding.h"
#include "model/gpu/card.h"
#include "model/gpu/family.h"
#include "model/gpu/pci-ids.h"
#include "model/gpu/source.h"

#define FIRST_USER_GID 1000 /* Debian: below are system groups, where render is */
#define DEBIAN_VIDEO_GID 44 /* static in Debian and Ubuntu, base-passwd */
#define LAST_STATIC_GID 100 /* "users"; render is allocated behind it */

enum node_state {
        NODE_ABSENT,       /* the kernel has the device, /dev has no such name */
        NODE_CHAR,         /* a character device of the right number */
        NODE_WRONG_NUMBER, /* a character device of another number */
        NODE_FAKE,         /* something else, such as the empty file LXC leaves behind */
};

struct node {
        enum node_kind kind;
        const char *path;     /* "/dev/dri/renderD128", without any prefix */
        struct devnum number; /* what the kernel says; sysfs or /proc, not stat() */
        enum node_state state;
        uint32_t uid, gid; /* host ids of what is at @path; 0 when absent */
        uint32_t mode;     /* permission bits */
        /* of a MIG instance: its card's address, and which, "gi1/ci0"; NULL for all other nodes */
        const char *card, *instance;
};

struct gpu {
        const char *address; /* "0000:c1:00.0"; without PCI the device's name, "fb000000.gpu" */
        bool pci;
        struct pci_ids ids;
        uint32_t class;     /* PCI class, 0x030000 = VGA; 0 without PCI */
        const char *driver; /* "amdgpu", NULL when none is bound */
        const char *name;   /* for people, see gpu_name(); NULL: not known */
        const char *physfn; /* of an SR-IOV function: address of its card */
        uint32_t function;  /* the same: 1 is the first of its card; 0: not known */
        const char *port;   /* see card_port(); NULL: not known */
        const char *serials[SERIAL_KINDS];
        uint32_t none;      /* SERIAL_BIT()s of those that can be read and are none */
        struct node *nodes; /* by kind and minor; of a family that has ONE only the first */
        size_t n_nodes;
};

struct host_group {
        bool present;
        uint32_t gid;
};

/** struct subid_range - one line of /etc/subgid that counts for root */
struct subid_range {
        uint32_t start, count;
};

/** struct char_major - one character device line of /proc/devices */
struct char_major {
        uint32_t major;
        const char *name;
        const char *only; /* remembered: for the lines with this digest; NULL: for any others */
};

struct majors {
        struct char_major *items;
        size_t n;
};

struct facts {
        /* the first file that could not be read, and why; NULL: all could. The GPUs are known. */
        const char *unread, *unread_why;
        struct gpu *gpus; /* PCI by address, then the others by name */
        size_t n_gpus;
        struct node *shared; /* kfd and nvidia nodes that belong to no single GPU */
        size_t n_shared;
        struct host_group groups[GID_GROUPS];
        uint32_t *gids; /* of all groups of the host */
        size_t n_gids;
        struct subid_range *subgids;
        size_t n_subgids;
        struct char_major *majors;
        size_t n_majors;
        struct majors seen; /* of GPU drivers, on this host at any time, the newest first */
        struct devnum *bound; /* other devices that the container at hand has, with their numbers now */
        size_t n_bound;
        struct majors then; /* when the rules of the container at hand were last right */
        const char *nvidia_version; /* of NVIDIA's loaded module; NULL: none, or not asked for */
        bool lxc_is_7;      /* it refuses keys of cgroup v1; read where a file has one */
        struct sources sources; /* what the paths lead to that the containers' files name */
};

/** node_family() - the family of a node of the facts; never NULL */
const struct family *node_family(const struct node *n);

/** gpu_node() - the @kind node of @g, NULL when it has none */
const struct node *gpu_node(const struct gpu *g, enum node_kind kind);

/** gpu_is_usable() - whether a program can compute or render on it: it has a render or NVIDIA node */
bool gpu_is_usable(const struct gpu *g);

/** facts_find_gpu() - the GPU at @address, NULL when there is none */
const struct gpu *facts_find_gpu(const struct facts *f, const char *address);

/** facts_name() - put the GPU's name beside its address in all findings of @list that have none */
void facts_name(const struct facts *f, struct findings *list);

/** facts_group_name() - "root", "video" or "render" of host gid @gid, NULL for another */
const char *facts_group_name(const struct facts *f, uint32_t gid);

/** facts_gid_text() - "993 (render)" of host gid @gid; the number alone of a group that is none of these */
const char *facts_gid_text(struct arena *a, const struct facts *f, uint32_t gid);

/** facts_major_name() - the driver that owns character @major now, NULL when none does */
const char *facts_major_name(const struct facts *f, uint32_t major);

/** facts_major_of() - number of the character driver called @name, if the majors were read */
bool facts_major_of(const struct facts *f, const char *name, uint32_t *ret_major);

/** node_card() - the GPU of which a shared node is a part; NULL: it is all GPUs' */
const struct gpu *node_card(const struct facts *f, const struct node *n);

/**
 * facts_node() - the node that has a number on this host, NULL when none has
 * @ret_gpu: its GPU, NULL when it is shared
 */
const struct node *facts_node(const struct facts *f, struct devnum number,
                              const struct gpu **ret_gpu);

/** facts_family() - the family of a device number on this host, NULL when it is no GPU's */
const struct family *facts_family(const struct facts *f, struct devnum number);

/** facts_has_gid() - whether @gid is of a group of this host, or of a node of a GPU */
bool facts_has_gid(const struct facts *f, uint32_t gid);

/** subids_delegated() - whether the ranges hold all of @start .. @start + @count - 1 */
bool subids_delegated(const struct subid_range *ranges, size_t n, uint32_t start, uint32_t count);

/** facts_subgid_delegated() - whether root may map host gid @gid, by /etc/subgid */
bool facts_subgid_delegated(const struct facts *f, uint32_t gid);
