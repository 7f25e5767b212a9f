/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/finding/finding.h"
#include "model/policy/policy.h"
#include "pve/pve.h"

/**
 * mapping_resolve() - fill the mapping:NAME selectors of a policy in
 * @pve: @pve->node is known
 * @p:   policy; each SEL_MAPPING gets this node's paths and ids, or a problem
 *
 * Reads <root>/etc/pve/mapping/pci.cfg, and only when a selector needs it. A problem is,
 * for instance: no such mapping, no line for this node, the file cannot be read.
 *
 * Return: false if the file of the mappings could not be read.
 */
bool mapping_resolve(const struct pve *pve, struct policy *p);

/**
 * mapping_parse() - what pci.cfg says for one mapping on one node
 * @a:       arena for the paths
 * @content: bytes of pci.cfg; nothing is assumed about them
 * @node:    name of this cluster node
 * @sel:     @sel->name is the mapping; gets paths in long form and ids, or a problem
 *
 * Several `map` lines for the node are alternatives in their order. A selector has room
 * for the ids of one model, so that lines with other ids than the first are left out.
 */
void mapping_parse(struct arena *a, struct bytes content, const char *node, struct gpu_sel *sel);

/**
 * struct sectioncfg - a walk through a file in the form that pci.cfg and storage.cfg share
 *
 * A heading at the first column, indented `NAME VALUE` lines below it, and a blank line
 * at the end of the section; nothing else ends one.
 */
struct sectioncfg {
        struct bytes rest; /* what is still to be read */
        bool inside;       /* to be unset by who finds that a heading is none */
};

enum sectioncfg_item {
        SECTIONCFG_END,
        SECTIONCFG_HEADING,
        SECTIONCFG_PROPERTY,
};

/**
 * sectioncfg_next() - the next heading or property
 * @ret_name:  the whole heading, or the property's name
 * @ret_value: the property's value, perhaps empty; untouched for a heading
 */
enum sectioncfg_item sectioncfg_next(struct sectioncfg *s, struct bytes *ret_name,
                                     struct bytes *ret_value);
