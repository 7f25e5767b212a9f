/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * card-set - looking for a card among others
 */
#include "model/identity/card-set.h"

const struct card *card_set_at(const struct card_set *set, const char *port) {
        for (size_t i = 0; i < set->n; i++)
                if (card_is_at(&set->cards[i], port))
                        return &set->cards[i];
        return NULL;
}

size_t card_set_find_serial(const struct card_set *set, const struct card *c, size_t *ret_at) {
        size_t found = 0;

        for (size_t i = 0; i < set->n; i++)
                if (card_compare_serials(c, &set->cards[i]) == SERIAL_EQUAL) {
                        *ret_at = i;
                        found++;
                }
        return found;
}

bool card_set_has_ports(const struct card_set *set) {
        for (size_t i = 0; i < set->n; i++)
                if (!set->cards[i].port)
                        return false;
        return true;
}

size_t card_set_gone(const struct card_set *before, const struct card_set *after) {
        size_t gone = 0;

        for (size_t i = 0; i < before->n; i++)
                gone += !card_set_at(after, before->cards[i].port);
        return gone;
}

void card_set_take_out(struct card_set *set, size_t i) {
        set->cards[i] = set->cards[--set->n];
}
