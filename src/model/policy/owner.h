/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * owner - which container a policy was written for
 *
 * A number is used again: pct destroy leaves foreign files alone, and the next container may get
 * the same VMID, and with it the same name of its root volume.
 */
#include "model/conf/pctconf.h"

/** struct owner - what a container is known by; each absent when its file does not say it */
struct owner {
        const char **macs; /* hwaddr of all netN */
        size_t n_macs;
        const char *name; /* hostname: */
        const char *root; /* volume of rootfs: */
};

enum owner_match {
        OWNER_SAME,    /* a common MAC, or without any the same name and root volume */
        OWNER_ALIKE,   /* the same name, and nothing else */
        OWNER_UNKNOWN, /* nothing that could be compared */
        OWNER_OTHER,
};

/**
 * owner_of() - what the container of this file is known by
 * @vmid: its number; the name CT<vmid> that Proxmox gives by itself counts as none
 */
struct owner owner_of(struct arena *a, const struct pctconf *conf, uint32_t vmid);

/** owner_is_known() - whether there is anything to know it by */
bool owner_is_known(const struct owner *o);

/** owner_compare() - whether @then, of a policy or of a kept file, is the container that @now is */
enum owner_match owner_compare(const struct owner *then, const struct owner *now);

/** owner_text() - "MAC BC:24:11:00:00:01, name media", for messages */
const char *owner_text(struct arena *a, const struct owner *o);
