/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * named-node - which card's node a path in a variable was, when it was read first
 *
 *     lxc.environment.runtime: ENCODER=/dev/dri/renderD128
 *
 * The name alone does not tell it any more once a container has several GPUs and their nodes have
 * changed names: each name is then the node of another one of them.
 */
#include "model/gpu/card.h"

#define NAMED_NODES_MAX 64 /* that are remembered of a container */

/** struct named_node - one path in a variable */
struct named_node {
        const char *host;   /* cluster node on which it was that card's */
        const char *digest; /* of the variable: its name and all paths in it, in their order */
        const char *path;
        const char *place; /* card_place() */
};

struct named_nodes {
        struct named_node *items;
        size_t n;
};

/** card_place() - one word for where a card is: its port, else its address, and "#2" of a function */
const char *card_place(struct arena *a, const struct card *c);

/** named_nodes_find() - NULL when that is not remembered */
const struct named_node *named_nodes_find(const struct named_nodes *list,
                                          const struct named_node *key);

/** named_nodes_add() - unless @item is in @list, or that is full */
void named_nodes_add(struct arena *a, struct named_nodes *list, const struct named_node *item);

/** named_node_write() - "pve1 00ff00ff00ff00ff /dev/dri/renderD128 pci0000:00/02.0" */
const char *named_node_write(struct arena *a, const struct named_node *item);

/** named_node_parse() - read it back into @list; false when it is none */
bool named_node_parse(struct arena *a, struct bytes text, struct named_nodes *list);
