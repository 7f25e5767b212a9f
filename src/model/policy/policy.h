/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * policy - what the owner of a container wants, and what we remember for him
 *
 * Keys, values and defaults are those of gpuanchor.conf(5). Read by
 * src/pve/settings with inih; here are the values and their meaning.
 */
#include "model/finding/finding.h"
#include "model/gpu/facts.h"

enum gpu_sel_kind {
        SEL_AUTO,
        SEL_ALL,      /* every GPU with a render node */
        SEL_PCI,      /* pci:0000:c1:00.0 */
        SEL_ID,       /* id:1002:150e, id:1002:150e#2 (the second by PCI address) */
        SEL_DRIVER,   /* driver:amdgpu */
        SEL_MAPPING,  /* mapping:NAME of /etc/pve/mapping/pci.cfg */
        SEL_PLATFORM, /* platform:fb000000.gpu, for a GPU that is not on PCI */
};

struct gpu_sel {
        enum gpu_sel_kind kind;
        const char *text; /* as written, for messages */
        const char *name; /* PCI address in long form, driver, mapping or platform device */
        struct pci_ids ids; /* the model, without subsystem */
        uint32_t nth; /* of SEL_ID: 1 is the first; 0 when not given */
        /*
         * of SEL_MAPPING, filled by mapping_resolve(): this node's paths in order of
         * preference, with or without a function ("0000:01:00" = all of them); a device
         * at one of them must have @ids
         */
        const char **paths;
        size_t n_paths;
        const char *problem; /* why the mapping cannot be used; NULL when it can */
};

enum method { METHOD_AUTO, METHOD_IDMAP, METHOD_DEV };
enum missing { MISSING_START, MISSING_REFUSE, MISSING_WAIT };

#define GID_AUTO (-1)
#define GUEST_TIMEOUT_DEFAULT 10

/** struct policy_gid - a container gid of one group; each GID_AUTO when there is none */
struct policy_gid {
        int64_t set;     /* by video-gid, render-gid */
        int64_t known;   /* remembered: the container's own */
        int64_t guessed; /* remembered: a hole was made for it without knowing better */
};

/** struct pin_gpu - what was chosen: an address and the ids that were there */
struct pin_gpu {
        const char *address;
        struct pci_ids ids;
};

/** struct pin - the choice of one cluster node */
struct pin {
        const char *node;
        struct pin_gpu *gpus;
        size_t n_gpus;
        /* others with the same ids that were there and were not meant: never follow to one */
        struct pin_gpu *twins;
        size_t n_twins;
};

struct policy {
        bool present;      /* the container has a policy file */
        struct bytes file; /* its bytes; empty when there is none, or it cannot be read */
        bool broken;       /* what was read cannot be believed: leave the container alone */
        /* FILE:LINE of a host default for gpu that could not be taken; NULL when there is none
         * or a later gpu was good. settings_load() makes it @broken. */
        const char *doubt;

        struct gpu_sel *gpus; /* never empty: SEL_AUTO by default */
        size_t n_gpus;
        bool devices_set; /* false: what the container has today */
        uint32_t devices; /* NODE_BIT()s when set */
        enum method method;
        struct policy_gid gid[GID_GROUPS];
        enum missing missing;
        uint32_t wait_seconds;
        bool refuse_on_error;
        const char *next_hook; /* NULL when none */

        /* the container's own side, carried out once it runs; see model/upkeep.h */
        bool guest_groups; /* create video and render when they are missing */
        const char **guest_users;
        size_t n_guest_users;
        const char **guest_services;
        size_t n_guest_services;
        const char **guest_environment; /* NAME=VALUE */
        size_t n_guest_environment;
        uint32_t guest_timeout; /* seconds */

        struct pin *pins; /* one per cluster node that has chosen */
        size_t n_pins;
        /* remembered, [memory]: the lines that were taken out because the GPU was missing, as
         * they stood in the file */
        const char **parked;
        size_t n_parked;
};

/** What inih of Debian can hold in a line, and what we read of a file. */
#define POLICY_LINE_MAX 199
#define POLICY_FILE_MAX (64 * 1024)

enum policy_line {
        POLICY_LINE_NONE,    /* blank or a comment */
        POLICY_LINE_HEADING, /* [section], perhaps with a comment behind it */
        POLICY_LINE_ENTRY,   /* anything else */
};

/**
 * policy_line() - what kind of line this is
 * @line:     one line, with or without its end
 * @ret_text: name of a section, or an entry; without blanks at both ends
 *
 * One answer for the reader and for policy_remember(): they must not disagree on where a
 * section ends.
 */
enum policy_line policy_line(struct bytes line, struct bytes *ret_text);

/** policy_section_node() - whether section "pin NODE" is well written, and its node */
bool policy_section_node(struct bytes section, struct bytes *ret_node);

/** policy_init() - every key at its default */
void policy_init(struct arena *a, struct policy *p);

/** policy_pin() - the pin of cluster node @node, NULL when it has not chosen */
const struct pin *policy_pin(const struct policy *p, const char *node);

/** policy_set_pin() - @pin is the pin of its node from now on */
void policy_set_pin(struct arena *a, struct policy *p, const struct pin *pin);

/**
 * policy_set() - give one key of [defaults] or [container] a value
 * @a:     arena for what @p keeps
 * @p:     policy
 * @key:   "gpu" or another one of gpuanchor.conf(5)
 * @value: text, blanks at both ends already cut
 * @ret_problem: on failure one sentence that says what is wrong and what is accepted;
 *         lives in @a
 *
 * On failure @p is unchanged. An empty value sets the key back to its default.
 *
 * Return: true, or false for an unknown key or a wrong value.
 */
bool policy_set(struct arena *a, struct policy *p, const char *key, const char *value,
                const char **ret_problem);

/** policy_key_meant() - the key that @key is or is most likely meant to be; NULL when none is */
const char *policy_key_meant(const char *key);

/**
 * policy_can_park() - whether [memory] can hold @line of a container file
 *
 * A line that does not fit into POLICY_LINE_MAX once it is escaped, or an empty one, cannot
 * be remembered; policy_remember() leaves it out.
 */
bool policy_can_park(const char *line);

/**
 * policy_remember() - the bytes of a policy file with this memory in it
 * @a:    arena for the result
 * @file: present content of the container's policy file, empty when there is none
 * @node: cluster node whose [pin NODE] is replaced; NULL to leave pins as they are
 * @p:    policy whose pin for @node, known gids and parked lines are written
 *
 * Sections [pin NODE] and [memory] are replaced where they stand or appended; one that has
 * nothing to say goes. Theirs are the heading, the entries and one blank line before the
 * heading; every other byte, comments inside them included, comes back. A missing line
 * end is added before what is appended. The same memory gives the same bytes.
 *
 * Left out: parked lines that policy_can_park() refuses or beyond 16 KiB in total, gids
 * that are no container gid, and a pin whose node or address is no plain word.
 */
struct bytes policy_remember(struct arena *a, struct bytes file, const char *node,
                             const struct policy *p);

/**
 * policy_parse_memory() - take one line of a [pin NODE] or [memory] section back in
 * @section: "pin pve1" or "memory"
 *
 * Lines: in [pin NODE] `gpu = 0000:c1:00.0 1002:150e 1f66:0031` (`-` for absent ids), one per
 * GPU, `twin = ...` for one like it that is not meant; in [memory] `video-gid = 44`, `render-gid = 110`, `line = dev0: /dev/dri/...`. In `line`
 * a backslash is `\\`; `;`, control bytes and a blank at either end are `\xHH`, because inih
 * would cut there.
 *
 * Return: true, or false with @ret_problem as policy_set().
 */
bool policy_parse_memory(struct arena *a, struct policy *p, const char *section, const char *key,
                         const char *value, const char **ret_problem);

/** pci_address_normalize() - "c1:00.0" or "0000:C1:00.0" to "0000:c1:00.0"; NULL if it is none */
const char *pci_address_normalize(struct arena *a, struct bytes text);

/** pci_path_normalize() - the same, or of "c1:00" (all functions of a device) "0000:c1:00" */
const char *pci_path_normalize(struct arena *a, struct bytes text);
