/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * family - which nodes GPUs have, and what is the same for all nodes of a family
 *
 * A family is known by the path of a node, by its number, or by the name that its
 * driver has in /proc/devices. A kind is what an owner names in `devices =`: one
 * family, or all of NVIDIA's driver.
 */
#include "model/gpu/devnum.h"

enum node_kind {
#define NODE_KIND(symbol, name) NODE_##symbol,
#include "model/gpu/family.def"
        NODE_KINDS,
};

#define NODE_BIT(kind) (1U << (kind))
#define NODE_ANY (NODE_BIT(NODE_KINDS) - 1)
#define DRM_KINDS (NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER))

enum node_family {
#define FAMILY(symbol, ...) FAMILY_##symbol,
#include "model/gpu/family.def"
        NODE_FAMILIES,
};

/** enum gid_group - the two groups that own GPU nodes, on the host and in a container */
enum gid_group { GID_VIDEO, GID_RENDER, GID_GROUPS, GID_NONE = GID_GROUPS };

/** struct family - a row of family.def, where its fields are described */
struct family {
        enum node_kind kind;
        const char *folder, *name, *path; /* @path: both */
        const char *class;
        const char *owner;
        uint32_t major, minor;
        enum gid_group group;
        bool shared, several;
        const char *driver;
};

extern const struct family families[NODE_FAMILIES];

/** family_path() - the path of node @number of a family that has numbers, "/dev/nvidia0" */
const char *family_path(struct arena *a, const struct family *f, uint32_t number);

/** family_path_number() - the number in the path of a node of family @f, false for another path */
bool family_path_number(const struct family *f, struct bytes path, uint32_t *ret_number);

/** family_of_path() - the family of a node by its name, "/dev/dri/card1"; NULL for another path */
const struct family *family_of_path(struct bytes path);

/**
 * family_of_link() - the same for a name that udev makes from the GPU's address
 * @path:        "/dev/dri/by-path/pci-0000:c7:00.0-card"
 * @ret_address: "0000:c7:00.0", part of @path; untouched for another path
 */
const struct family *family_of_link(struct bytes path, struct bytes *ret_address);

/** family_near() - of a path below the folder of a family ("/dev/dri/gpu0"), its likeliest; or NULL */
const struct family *family_near(struct bytes path);

/** path_is_gpu() - whether a path is a node of a family, or below its folder */
bool path_is_gpu(struct bytes path);

/** family_is_mentioned() - whether a path of nodes is anywhere in @text */
bool family_is_mentioned(struct bytes text);

/** family_of_entry() - the family that has an entry of that name in /sys/class/@class; or NULL */
const struct family *family_of_entry(const char *class, const char *name);

/**
 * family_of_number() - the family of a character device by its number
 * @owner: who has the major by /proc/devices; NULL when no one has it, or it is not known
 *
 * Return: NULL when it is no GPU's.
 */
const struct family *family_of_number(const char *owner, struct devnum number);

/** family_of_owner() - the first family whose nodes are of @owner, a name in /proc/devices; or NULL */
const struct family *family_of_owner(const char *owner);

/**
 * family_has_major() - whether nodes of family @f may have @major
 * @owner: as for family_of_number()
 */
bool family_has_major(const struct family *f, const char *owner, uint32_t major);

/** family_is_in_rule() - whether a line of udev rules names a class, folder or node that it makes */
bool family_is_in_rule(struct bytes line);

/** family_has_folder() - whether it has a folder of its own below /dev */
bool family_has_folder(const struct family *f);

/** family_classes() - the classes that list nodes, each once; their number */
size_t family_classes(const char *ret[NODE_FAMILIES]);

/** family_folders() - the folders below /dev that are a family's own, each once; their number */
size_t family_folders(const char *ret[NODE_FAMILIES]);

/** family_shared_kinds() - NODE_BIT()s of the kinds of which GPUs share a node */
uint32_t family_shared_kinds(void);

/** node_kind_has_group() - whether nodes of this kind belong to a group; else everyone may open them */
bool node_kind_has_group(enum node_kind kind);

/** gid_group_of() - the group that owns nodes of this kind; render where none does */
enum gid_group gid_group_of(enum node_kind kind);

/** gid_group_name() - "video", "render" */
const char *gid_group_name(enum gid_group group);

/** node_kind_name() - "card", "render", "kfd", "accel", "nvidia" */
const char *node_kind_name(enum node_kind kind);

/** node_kind_parse() - the kind of that name; false, @ret untouched, when there is none */
bool node_kind_parse(struct bytes name, enum node_kind *ret);

/** node_kinds_text() - "card render" of NODE_BIT()s */
const char *node_kinds_text(struct arena *a, uint32_t kinds);

/** node_kinds_option() - "card,render", as the option --devices takes it */
const char *node_kinds_option(struct arena *a, uint32_t kinds);

/** node_kinds_parse() - NODE_BIT()s of such a text; a name of no kind is none */
uint32_t node_kinds_parse(struct bytes text);
