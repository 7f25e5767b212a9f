/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * sighting - since when a container's GPU lines are as they are, and what they named then
 *
 * Lines name a number, and a number is another card's after a renumbering. The time of the file
 * tells nothing: pct set --memory writes it, too. So root notes for every container of the node, at
 * boot and at each look, a digest of its GPU lines and the cards that they named when they were
 * first seen so.
 */
#include "model/identity/host-memory.h"

struct sighting {
        uint32_t vmid;
        const char *digest;  /* of the lines; NULL: the container was gone when it was looked for */
        bool came;           /* with the hookscript and without a pin: a clone, a restored one */
        uint32_t set;          /* of the history, when it was first seen so or last followed */
        struct card_set named; /* the cards that the lines named, as of that set; none: they do not tell */
};

struct sightings {
        struct sighting *items;
        size_t n;
        struct bytes text;  /* as it was read */
        const char *unread; /* the file that may hold more and cannot be read; NULL: it was read */
};

/** sightings_find() - of container @vmid, NULL when it was not seen */
struct sighting *sightings_find(const struct sightings *s, uint32_t vmid);

/** sightings_put() - in the place of what was known of that container */
void sightings_put(struct arena *a, struct sightings *s, const struct sighting *item);

/** sightings_drop() - what is known of container @vmid */
void sightings_drop(struct sightings *s, uint32_t vmid);

/** sightings_write() - as the text that sightings_read() reads; of history @id */
struct bytes sightings_write(struct arena *a, const struct sightings *s, const char *id);

/** sightings_read() - read it back; false, and nothing is in @s, when it is damaged or not of @id */
bool sightings_read(struct arena *a, struct bytes text, const char *id, struct sightings *s);

/** sighting_tracks() - what became of each card that the lines named, judged with all pins */
struct track *sighting_tracks(struct arena *a, const struct host_memory *m,
                              const struct sighting *s);

/**
 * sighting_follow() - the cards that the lines named, where they are now
 *
 * Return: one for each; NULL when one of them cannot be found again for certain.
 */
struct track *sighting_follow(struct arena *a, const struct host_memory *m,
                              const struct sighting *s);

/**
 * sighting_refresh() - as of now, with what cannot be told: the history does not keep all sets, nor all
 * that was seen in one of them
 */
void sighting_refresh(struct arena *a, const struct host_memory *m, struct sighting *s);

/**
 * sightings_refresh() - the same for all containers without a pin, which are followed by these
 *
 * Before the pins of @m are followed, and whenever that is stored: cards that others have pinned
 * are told apart only at the time at which both are known.
 */
void sightings_refresh(struct arena *a, const struct host_memory *m, struct sightings *s);
