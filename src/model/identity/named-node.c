/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * named-node - four words each
 */
#include "model/identity/named-node.h"

const char *card_place(struct arena *a, const struct card *c) {
        const char *place = c->port ? c->port : c->address;

        return c->function > 0 ? arena_printf(a, "%s#%u", place, c->function) : place;
}

const struct named_node *named_nodes_find(const struct named_nodes *list,
                                          const struct named_node *key) {
        for (size_t i = 0; i < list->n; i++) {
                const struct named_node *n = &list->items[i];

                if (streq(n->digest, key->digest) && streq(n->path, key->path) &&
                    streq(n->host, key->host))
                        return n;
        }
        return NULL;
}

void named_nodes_add(struct arena *a, struct named_nodes *list, const struct named_node *item) {
        if (list->n < NAMED_NODES_MAX && !named_nodes_find(list, item))
                *ARENA_PUSH(a, list->items, list->n) = *item;
}

const char *named_node_write(struct arena *a, const struct named_node *item) {
        return arena_printf(a, "%s %s %s %s", item->host, item->digest, item->path, item->place);
}

bool named_node_parse(struct arena *a, struct bytes text, struct named_nodes *list) {
        const char *words[4];

        for (size_t i = 0; i < 4; i++) {
                struct bytes word = bytes_word(&text);

                words[i] = bytes_dup(a, word);
                if (word.len == 0)
                        return false;
        }
        if (bytes_trim(text).len > 0)
                return false;
        named_nodes_add(a, list, &(struct named_node){ words[0], words[1], words[2], words[3] });
        return true;
}
