/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * devline - what one line of a container's file says about a device
 *
 * Pure syntax: a line names a path or a number, and which GPU that is today is
 * asked elsewhere. All spellings that people published are read; only one is
 * written.
 */
#include "model/gpu/facts.h"
#include "model/conf/pctconf.h"

enum devline_type {
        DEVLINE_NONE,  /* says nothing about a GPU's node */
        DEVLINE_ALLOW, /* lxc.cgroup2.devices.allow: c 226:128 rwm */
        DEVLINE_DENY,  /* lxc.cgroup2.devices.deny = c 226:128 w, generated for deny-write */
        DEVLINE_MOUNT, /* lxc.mount.entry: /dev/dri/card1 dev/dri/card1 none bind,... */
        DEVLINE_DEV,   /* dev0: /dev/dri/renderD128,gid=104 */
        DEVLINE_IDMAP, /* lxc.idmap: g 44 44 1 */
        DEVLINE_WHOLE, /* brings every GPU at once: all of /dev, mp0 of a folder of nodes */
        DEVLINE_MENTION, /* another setting that names a GPU's node: a hook, a mount point */
};

enum path_scope {
        PATH_OTHER, /* no node's name, and not below the folders of the GPU families */
        PATH_NODE,  /* one node by its name: /dev/dri/card1, /dev/kfd */
        PATH_ADDRESS, /* one node by its GPU's address: /dev/dri/by-path/pci-...-card */
        PATH_FOLDER,  /* all of them: /dev/dri */
        PATH_UNKNOWN, /* below such a folder, but no name that a node has */
        PATH_ALL,     /* all nodes of all families: /dev, / */
        PATH_NUMBER,  /* one node by what the path leads to: a link, a node that mknod made */
};

/** struct gpu_path - what a path below /dev names */
struct gpu_path {
        enum path_scope scope;
        const struct family *family; /* of one node, else NULL */
        enum node_kind kind;  /* of one node; of FOLDER the first kind in it */
        uint32_t kinds;       /* NODE_BIT()s of what a FOLDER holds */
        struct bytes address; /* of ADDRESS */
        struct bytes clean;   /* without ".", ".." and needless slashes; in the arena */
};

/** struct token - a part of a value, and what comes in its place */
struct token {
        struct bytes part; /* empty: nothing is done */
        const char *new;
};

struct devline {
        enum devline_type type;
        const char *broken; /* not NULL: recognised, but Proxmox or LXC would not take it; why */
        bool odd; /* MOUNT: broken in its target or options, which are not kept as they are */

        struct gpu_path path; /* MOUNT: source; DEV: path */
        struct bytes raw_path;   /* the same as it stands in the value */
        const char *source;      /* the same as it is looked up; NULL: it is no path of the host */
        const struct source *at; /* what it leads to; NULL: not asked */
        struct bytes target;  /* MOUNT: without leading slash */
        struct bytes options; /* MOUNT: everything behind the target */
        struct gpu_path target_path; /* MOUNT: what "/" + target names */

        char device_type; /* ALLOW, DENY: 'c', 'b', 'a' */
        struct devnum number; /* ALLOW, DENY; of PATH_NUMBER */
        bool any_major, any_minor;
        struct bytes raw_number; /* ALLOW, DENY: "226:128", part of the value */
        const char *driver; /* ALLOW, DENY: has today's @number, and had the written one then */
        uint32_t written;   /* the major as it stands in the value */
        bool late;          /* @driver has no major now */
        bool doubtful;      /* the written major is another driver's now */
        bool by_path; /* ALLOW: of @path, not of a number; @number is what it leads to */
        struct bytes access; /* ALLOW, DENY: "rwm" and what follows */
        bool legacy;         /* ALLOW: the cgroup v1 spelling of the key */

        uint32_t index;      /* DEV: 0 of dev0 */
        struct bytes path_option; /* DEV: @raw_path, with "path=" where it has that */
        struct bytes clean;  /* DEV: the value without a comment */
        struct bytes gid;    /* DEV: digits, empty when not given */
        struct bytes raw_gid; /* DEV: the same as it stands in the value, digits or not */
        bool twice;          /* DEV: a later line of the same index takes its place */
        bool deny_write;     /* DEV */
        struct token *wrong; /* DEV: options that Proxmox would not take, with what they ought to be */
        size_t n_wrong;
        const char *rest;    /* DEV: the other options that Proxmox takes, ",uid=0", "" when none */
};

/** gpu_path_parse() - classify a path; "/dev/dri//card1/" is /dev/dri/card1 */
struct gpu_path gpu_path_parse(struct arena *a, struct bytes path);

/**
 * devline_parse() - what line @l says
 * @a:  arena for derived strings
 * @l:  line of the current section; its value as read, edits are not looked at
 *
 * ALLOW, DENY, MOUNT and DEV lines come back whatever they name: see recognise_line().
 */
struct devline devline_parse(struct arena *a, const struct conf_line *l);

/** devline_edit() - @text with each part replaced, in the order in which they stand in it */
const char *devline_edit(struct arena *a, struct bytes text, const struct token *tokens, size_t n);

/** devline_replace() - the same for one part */
static inline const char *devline_replace(struct arena *a, struct bytes text, struct bytes part,
                                          const char *new) {
        return devline_edit(a, text, &(struct token){ part, new }, 1);
}

/** devline_option() - option @name of a MOUNT line, part of its value; empty when it has none */
struct bytes devline_option(const struct devline *d, const char *name);

/** devline_mount_value() - "/dev/dri/card1 dev/dri/card1 OPTIONS"; @path: of the node inside */
const char *devline_mount_value(struct arena *a, struct bytes source, const char *path,
                                struct bytes options);

/** devline_dev_value() - "/dev/dri/card1,gid=44" and @rest; no gid when it is negative */
const char *devline_dev_value(struct arena *a, const char *path, int64_t gid, const char *rest);
