/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * probe-internal - what the parts of the probe share
 *
 * Every part adds to one struct probe. Functions return 0 or negative errno;
 * what is missing, or goes away while we look, is no error anywhere here.
 */
#include "model/gpu/facts.h"

#include <dirent.h>
#include <errno.h>

enum {
        PROBE_ATTR_SIZE = 128, /* no attribute that we read is longer */
        PROBE_MAX_GPUS = 256,  /* beyond that a directory is not believed any more */
        PROBE_MAX_CAPS = 1024,
};

struct probe {
        struct arena *arena;
        const char *root;
        int pci; /* directory /sys/bus/pci/devices, -1 on a host without PCI */
        struct facts facts;
};

/** is_gone() - whether error @r only says that a device left, or never had that attribute */
static inline bool is_gone(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -EISDIR || r == -ELOOP || r == -ENODEV ||
               r == -ENXIO;
}

static inline void cleanup_dir(DIR **d) {
        if (*d)
                closedir(*d);
}

/** probe_path() - @path, absolute, with the prefix in front */
const char *probe_path(struct probe *p, const char *path);

/** probe_dir() - open directory @path; *@ret_dir is NULL when there is none */
int probe_dir(struct probe *p, const char *path, DIR **ret_dir);

/** name_number() - whether @name is @prefix and a number: card1, but not card1-HDMI-A-1 */
bool name_number(const char *name, const char *prefix, uint32_t *ret_number);

/** is_pci_address() - 0000:c1:00.0, or with a longer domain behind Intel VMD: 10000:e1:00.0 */
bool is_pci_address(const char *name);

/**
 * attr_read() - read a sysfs attribute
 * @dir:      open directory
 * @name:     attribute, relative to @dir
 * @buf:      gets the content
 * @ret_text: the content in @buf without blanks around it
 */
int attr_read(int dir, const char *name, char buf[PROBE_ATTR_SIZE], struct bytes *ret_text);

/** attr_dev() - read an attribute that holds a device number: "226:128" */
int attr_dev(int dir, const char *name, uint32_t *ret_major, uint32_t *ret_minor);

/** attr_link() - last component of a link's target, such as the name of the bound driver */
int attr_link(struct probe *p, int dir, const char *name, const char **ret_target);

/**
 * probe_gpu() - the entry of a device, made when it is the first time we hear of it
 * @address: PCI address or the device's name
 * @ret_gpu: valid until the next call; NULL when there are too many
 */
int probe_gpu(struct probe *p, const char *address, bool pci, struct gpu **ret_gpu);

/**
 * probe_node() - add a node and look at what really is in /dev
 * @nodes, @n: list to add to, of a GPU or of the host
 * @path:      path in /dev, without prefix, allocated in the arena or static
 */
int probe_node(struct probe *p, struct node **nodes, size_t *n, enum node_kind kind,
               const char *path, uint32_t major, uint32_t minor);

/** gpu_add_node() - probe_node() for a GPU, which keeps only its lowest node of a kind */
int gpu_add_node(struct probe *p, struct gpu *g, enum node_kind kind, const char *path,
                 uint32_t major, uint32_t minor);

/** facts_major() - number of the character driver called @name, if the majors were read */
bool facts_major(const struct facts *f, const char *name, uint32_t *ret_major);

int probe_drm(struct probe *p);
int probe_accel(struct probe *p);
int probe_kfd(struct probe *p);
int probe_nvidia(struct probe *p);
