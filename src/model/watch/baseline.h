/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * baseline - the host as it was, against the host as it is
 *
 * Kept across reboots, because that is when GPUs are renumbered. A GPU that went
 * away stays in it, so that its return is noticed.
 */
#include "model/gpu/facts.h"
#include "model/finding/finding.h"

/** struct known_node - a node's last name, number and mode */
struct known_node {
        enum node_kind kind;
        const char *path;
        struct devnum number;
        bool has_mode; /* false: it was not there, or no device */
        uint32_t mode; /* permission bits */
};

struct known_gpu {
        const char *address;
        struct pci_ids ids;
        const char *driver; /* NULL: none */
        const char *name;   /* for people; NULL: not known */
        struct known_node *nodes;
        size_t n_nodes;
        bool idle; /* it is here without nodes: @nodes are those that it had */
        bool gone;
};

struct baseline {
        struct known_gpu *gpus;
        size_t n_gpus;
        struct host_group groups[GID_GROUPS];
        const char *nvidia_version; /* that was loaded last; NULL: none was yet */
};

/**
 * baseline_compare() - what changed on the host
 * @before: the last baseline
 * @now:    facts
 * @f:      gets gpu-renumbered, gpu-gone, gpu-back, gpu-driver-changed, gpu-new, gpu-moved,
 *          group-changed, driver-version-changed, node-mode-changed; all but gpu-gone are about a
 * change that baseline_next() takes over, so that they are found once
 */
void baseline_compare(const struct baseline *before, const struct facts *now, struct findings *f);

/**
 * baseline_next() - the baseline that follows
 * @before: the last one, NULL when there is none
 *
 * GPUs that are here as they are, and those of @before that are not, as gone. One that
 * moved is here, not gone. Strings point into @now and @before.
 */
void baseline_next(struct arena *a, const struct baseline *before, const struct facts *now,
                   struct baseline *ret);

/**
 * baseline_forget() - take out GPUs that are gone and that no policy names
 * @named:   addresses that stay, because a policy names them
 * @n_named: number of @named
 */
void baseline_forget(struct baseline *b, const char *const *named, size_t n_named);

/** baseline_write() - as text, one thing a line; the same baseline gives the same bytes */
struct bytes baseline_write(struct arena *a, const struct baseline *b);

/**
 * baseline_read() - the baseline in @text
 *
 * Return: false when @text is no whole baseline; @ret is untouched then.
 */
bool baseline_read(struct arena *a, struct bytes text, struct baseline *ret);
