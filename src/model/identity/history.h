/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * history - which cards this host had, set after set
 *
 * Written as root at boot, at every start of a container and when devices change. A new set
 * begins when a card comes or goes, and when a serial is shown first, lost or another one; bus
 * numbers, drivers and names of nodes do not begin one. A card that a pin remembers is followed
 * from the set in which it was seen last through all later ones (model/identity/track.h).
 */
#include "model/identity/card-set.h"

#define HISTORY_SETS_MAX 64 /* the oldest goes; of a pin that is older only a serial number tells */

/** struct seen_serial - a serial number, and the first set that had it */
struct seen_serial {
        enum serial_kind kind;
        const char *value;
        uint32_t set;
        bool shared; /* two cards had it at one time: never believed again */
};

struct history {
        const char *id;        /* made once for a host; another one: the host was installed anew */
        uint32_t first;        /* number of sets[0]; 1 is the first of a host */
        struct card_set *sets; /* oldest first */
        size_t n;
        struct seen_serial *seen; /* each once */
        size_t n_seen;
};

/** history_last() - number of the newest set, 0 without any */
uint32_t history_last(const struct history *h);

/** history_set() - set number @number, NULL when it is not kept */
const struct card_set *history_set(const struct history *h, uint32_t number);

/**
 * history_advance() - add what is seen now
 * @a:   arena of what is added
 * @h:   history, possibly empty
 * @now: cards of this moment, with every serial that can be read now
 *
 * A serial that cannot be read now stays as it was for a card at the same port; one that
 * two cards have is not believed from then on and leaves the cards.
 *
 * Return: whether @h has changed and is to be written.
 */
bool history_advance(struct arena *a, struct history *h, const struct card_set *now);

/** history_knew() - whether a serial of @c was seen on this host before set @number */
bool history_knew(const struct history *h, const struct card *c, uint32_t number);

/** history_has() - whether a serial number was seen on this host */
bool history_has(const struct history *h, enum serial_kind kind, const char *serial);

/** history_know() - a serial number that @h does not have was seen on this host before @h begins */
void history_know(struct arena *a, struct history *h, enum serial_kind kind, const char *serial);

/** history_believed() - @c without the serials that two cards had at one time */
struct card history_believed(const struct history *h, struct card c);

/** history_write() - as the text that history_read() reads */
struct bytes history_write(struct arena *a, const struct history *h);

/**
 * history_read() - read the text back
 *
 * Return: false when it is damaged; @ret is untouched then.
 */
bool history_read(struct arena *a, struct bytes text, struct history *ret);
