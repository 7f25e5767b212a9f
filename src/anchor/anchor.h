/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * anchor - this machine, as one run sees it
 *
 * Each part is read once, when it is first needed: all containers of one run are compared with
 * the same host. To read the machine again, open it again.
 */
#include "model/conf/pctconf.h"
#include "model/guest/driver-library.h"
#include "model/gpu/facts.h"
#include "pve/host-files.h"
#include "pve/settings.h"

struct anchor {
        struct pve pve;
        struct facts facts;        /* after anchor_facts() */
        struct settings host;      /* of all containers; after anchor_policy() */
        struct driver_library libraries[DRIVER_LIBRARIES]; /* of the host; after anchor_driver() */
        struct host_memory memory; /* advanced to the facts; after anchor_memory() */
        struct sightings sightings; /* after anchor_sightings() */
        /* adds names of GPUs where the probe has none; NULL: those that are kept must do */
        void (*name)(struct arena *a, const char *root, struct facts *f);
        bool vms_unread; /* a virtual machine could not be read: each card may be one's */
        bool has_sightings;
        bool has_facts, has_host, has_memory, has_majors;
};

/** anchor_open() - nothing read yet but the node's name; @a and @root must live as long */
struct anchor anchor_open(struct arena *a, const char *root);

/**
 * anchor_for_one() - the same host for one of many containers
 * @host: with facts
 * @a:    arena of what is read of this container; may go before @host
 */
struct anchor anchor_for_one(struct anchor *host, struct arena *a);

/**
 * anchor_facts() - have @an->facts
 *
 * Without the list of majors, which anchor_majors() adds: it costs as much as all the rest and
 * is needed only for device rules whose major is not one of a GPU's node. Return: 0 or negative
 * errno.
 */
int anchor_facts(struct anchor *an);

/**
 * anchor_memory() - have @an->memory, and facts; 0 or negative errno
 *
 * The policies of all containers are read where the host has no list of their pins.
 */
int anchor_memory(struct anchor *an);

/** anchor_follow() - the pins of @an->memory, as the cards of this moment tell; after anchor_memory() */
void anchor_follow(struct anchor *an);

/**
 * anchor_vm_has() - whether a virtual machine of this node takes the card @c as a whole
 * @user: struct anchor
 *
 * Reads the files of all of them. What cannot be read may be one that has it.
 */
bool anchor_vm_has(void *user, const struct card *c);

/**
 * anchor_sightings() - have @an->sightings; after anchor_memory()
 *
 * When they cannot be read @an->memory.unread says so, and nothing of both is stored.
 */
void anchor_sightings(struct anchor *an);

/** anchor_sources() - have in @an->facts what the paths lead to that @x and @y name; @y may be NULL */
void anchor_sources(struct anchor *an, const struct pctconf *x, const struct pctconf *y);

/** anchor_snapshot_sources() - the same for all snapshots of a container file, pctconf.tail */
void anchor_snapshot_sources(struct anchor *an, struct bytes tail);

/** anchor_majors() - have @an->facts with the majors of now and before; 0 or negative errno */
int anchor_majors(struct anchor *an);

/**
 * anchor_driver() - have in @an->facts which version of NVIDIA's driver is loaded
 *
 * And, where one is, in @an->libraries what a program of the host would load of it.
 */
void anchor_driver(struct anchor *an);

/**
 * anchor_policy() - the policy of container @vmid
 * @text: of its policy file, see settings_try_own(); NULL: what the file holds
 */
void anchor_policy(struct anchor *an, uint32_t vmid, const struct bytes *text,
                   struct settings *ret);
