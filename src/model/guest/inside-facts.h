/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * inside-facts - what a running container has, as it was found
 *
 * Plain data, filled by src/host/inside-probe and by tests. Everything in it that is text
 * comes from the container and may be a lie: it is parsed with care, escaped before a
 * person sees it, and never becomes part of a command.
 */
#include "model/gpu/facts.h"
#include "model/guest/driver-library.h"
#include "model/idmap/idmap.h"
#include "model/policy/policy.h"

/** enum open_step - how far an attempt to open a node got */
enum open_step {
        OPEN_NOT_TRIED,
        OPEN_PREPARE, /* no process could be made for it */
        OPEN_CGROUP,  /* it could not enter the container's cgroup */
        OPEN_USERNS,  /* ... its user namespace */
        OPEN_IDS,     /* ... become that user: an id is not mapped */
        OPEN_DONE,    /* open(2) was called; @error is its errno, 0 for success */
        OPEN_SLOW,    /* it gave no answer in time */
};

struct open_result {
        enum open_step step;
        int error;
};

/** struct inside_device - one path that is, or should be, a GPU's node inside */
struct inside_device {
        const char *path;
        enum node_kind kind;
        bool expected; /* given at the last start, or by the plan; @want holds */
        struct devnum want;
        bool present, is_char;
        struct devnum number;
        const char *other;       /* what has its number now: of a GPU that is none of its own */
        bool dead;               /* removed with its device: nobody in it can open it any more */
        uint32_t uid, gid, mode; /* host ids */
        uint32_t as_gid;         /* container gid of the member that tried */
        struct open_result open;
};

/** enum ran - what became of a program inside */
enum ran {
        RAN_NOT,     /* not tried, or it could not be started */
        RAN_ABSENT,  /* the container has no such program */
        RAN_DONE,    /* it ended by itself */
        RAN_TIMEOUT, /* ended by us */
        RAN_ENDLESS, /* ended by us: it printed too much */
};

struct inside_program {
        enum ran ran;
        int status;
        struct bytes output;
};

/** struct inside_holder - a process of the container that has a GPU's node open */
struct inside_holder {
        const char *name; /* as the process calls itself */
        uint32_t pid;     /* as the container counts it */
        const char *path;
};

/** struct inside_main - the main process of a service that runs, and what it can open */
struct inside_main {
        uint32_t pid; /* as the container counts it */
        struct bytes environment;
        struct inside_device *devices; /* as it sees them, opened with its ids in its cgroup */
        size_t n_devices;
};

struct inside_memory {
        bool known;
        uint64_t limit, used; /* bytes; @used without what the kernel can drop */
};

struct inside_facts {
        uint32_t vmid;
        bool managed;
        bool stale;   /* a start would correct the container's file */
        bool missing; /* its GPU is not there: a start gives it nothing */
        bool no_gpu;  /* not managed, and no line names one */
        const struct policy *policy; /* NULL: none; says what gpuanchor does inside */
        struct idmap uids, gids;     /* in force now */
        int accounts_error;          /* negative errno: its /etc/group could not be read */
        struct bytes passwd, group;
        bool has_groupadd;
        const char *init; /* "1000:1000": the container is an application, and nodes were opened as its
                             init; NULL: as a member of their group */
        const char
                *nvidia_version; /* of the host's loaded module; NULL: the libraries are nothing */
        struct driver_library libraries[DRIVER_LIBRARIES];
        uint32_t expected_gid[GID_GROUPS]; /* container gid by plan, for a group with no node */
        struct inside_device *devices;
        size_t n_devices;
        const char *drivers;  /* of its GPUs, blank-separated: "amdgpu" */
        int64_t busy_percent; /* -1: the driver does not say */
        const char *busy_gpu;
        struct inside_program vulkan, vaapi;

        bool systemd;
        const char **units; /* asked for; the first @n_named of them by the policy */
        size_t n_units, n_named;
        struct inside_program show;    /* systemctl show */
        struct inside_program journal; /* of ollama.service */
        struct inside_main *mains;
        size_t n_mains;
        struct inside_holder *holders;
        size_t n_holders;
        struct inside_memory memory;
};

/** inside_owner() - "nobody:render" of @d as the container sees it; a name, else the number */
const char *inside_owner(struct arena *a, const struct inside_facts *f,
                         const struct inside_device *d);

/** inside_gid() - container gid of host gid @host; false when it is not mapped */
bool inside_gid(const struct inside_facts *f, uint32_t host, uint32_t *ret);
