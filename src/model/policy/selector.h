/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * selector - the words that choose a GPU
 */
#include "model/gpu/pci-ids.h"

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
        const char *text;   /* as written, for messages */
        const char *name;   /* PCI address in long form, driver, mapping or platform device */
        struct pci_ids ids; /* the model, without subsystem */
        uint32_t nth;       /* of SEL_ID: 1 is the first; 0 when not given */
        /*
         * of SEL_MAPPING, filled by mapping_resolve(): this node's paths in order of
         * preference, with or without a function ("0000:01:00" = all of them); a device
         * at one of them must have @ids
         */
        const char **paths;
        size_t n_paths;
        const char *problem; /* why the mapping cannot be used; NULL when it can */
        bool unread;         /* it cannot be read: nothing says whether it was changed */
};

/**
 * selector_parse() - read one selector
 * @a:    arena for what @ret keeps
 * @word: without blanks
 * @ret:  undefined on failure
 *
 * Return: NULL, or why it is none: "" when the list of what is accepted says it all.
 */
const char *selector_parse(struct arena *a, struct bytes word, struct gpu_sel *ret);

/**
 * selector_key() - what a pin remembers of the selector that made it
 *
 * Its text; of a mapping with a digest of this node's entry: a pin that was made by another one
 * is void. NULL for auto.
 */
const char *selector_key(struct arena *a, const struct gpu_sel *s);

/**
 * selector_made() - whether @s made a pin that remembers @by, which may be NULL
 *
 * Of a mapping that cannot be read, any entry: a pin is not void because of that.
 */
bool selector_made(struct arena *a, const struct gpu_sel *s, const char *by);
