/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * inventory - the GPUs of a host and what is wrong with them, for printing
 */
#include "model/gpu/facts.h"
#include "model/finding/finding.h"
#include "model/plan/choose/usage.h"

struct inventory {
        const struct facts *facts;
        const char *node;   /* this cluster node, NULL outside of Proxmox */
        const struct usage *usage; /* who uses them */
        struct findings problems;  /* of inventory_check() */
};

/**
 * inventory_check() - find what would keep a GPU from being given to a container
 * @inv: facts filled in; gets problems, whose arena is set
 *
 * A finding about a GPU has its address in @gpu, one about a node its path in
 * @what.
 */
void inventory_check(struct inventory *inv);

/** inventory_codes() - the codes of the findings about @gpu or @node, each once, "fake-node"; "" when there
 * are none */
const char *inventory_codes(struct arena *a, const struct inventory *inv, const struct gpu *gpu,
                            const struct node *node);

/** inventory_users() - "ct/101,vm/200", "" without users, "?" at the end when not all could be read */
const char *inventory_users(struct arena *a, const struct inventory *inv, const struct gpu *gpu);

/** inventory_owner() - "root:render", numbers for who is neither root nor video nor render */
const char *inventory_owner(struct arena *a, const struct inventory *inv, const struct node *node);
