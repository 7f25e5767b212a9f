/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * card-set - the cards of a host at one time
 */
#include "model/gpu/card.h"

struct card_set {
        struct card *cards;
        size_t n;
};

/** card_set_at() - the card at @port, which may be NULL; NULL when there is none */
const struct card *card_set_at(const struct card_set *set, const char *port);

/**
 * card_set_find_serial() - the cards with a serial number of @c, and none that differs
 * @ret_at: index of one of them
 *
 * Return: how many there are.
 */
size_t card_set_find_serial(const struct card_set *set, const struct card *c, size_t *ret_at);

/** card_set_has_ports() - whether the port of every card is known */
bool card_set_has_ports(const struct card_set *set);

/** card_set_gone() - how many cards of @before sit at a port where @after has none */
size_t card_set_gone(const struct card_set *before, const struct card_set *after);

/** card_set_take_out() - remove card @i; another one comes into its place */
void card_set_take_out(struct card_set *set, size_t i);
