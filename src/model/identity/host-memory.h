/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * host-memory - what a host remembers of its cards, and which container has pinned which
 *
 * Both are root's, below /var/lib/gpuanchor/host. A pin stands in its container's policy, too;
 * here it is as the last look left it, so that all pins of the node are judged together by
 * reading one file.
 */
#include "model/gpu/facts.h"
#include "model/identity/track.h"

/** struct kept_pin - a pin as its policy has it, and where its card was seen last */
struct kept_pin {
        struct card source;
        struct pinned pinned;
};

struct host_memory {
        struct history history;
        struct kept_pin *pins;
        size_t n_pins;
        struct bytes cards_text, pins_text; /* as they were read */
        bool same_cards;                    /* @history is still what @cards_text says */
        bool has_pins;                      /* there was a list of them, perhaps an empty one */
        bool partial;       /* something is not known: only rows that need no neighbours apply */
        bool (*is_taken)(void *user, const struct card *c); /* by a virtual machine, see track.h; or NULL */
        void *user;
        const char *unread; /* a file that could not be read, and why; NULL: none */
        const char *unread_why;
        const char *damaged[2]; /* files that hold no such text: set aside when it is stored */
        size_t n_damaged;
};

/** track_state_name() - "here", "missing", "ambiguous" of a pin */
const char *track_state_name(enum track_result state);

/** track_state_of() - read it back; HERE for any other text, and for NULL */
enum track_result track_state_of(const char *name);

/** gpu_card() - what the card of @g is known by; of a virtual function its card and its number */
struct card gpu_card(const struct facts *f, const struct gpu *g);

/** facts_cards() - all whole cards of this host */
struct card_set facts_cards(struct arena *a, const struct facts *f);

/** facts_gpu_of() - the GPU that @now, of this host's cards, and a function's number stand for */
const struct gpu *facts_gpu_of(const struct facts *f, const struct card *now, uint32_t function);

/** card_same() - whether two cards are the same in every word */
bool card_same(const struct card *a, const struct card *b);

/** host_memory_has_pin() - whether container @owner has pinned a card on this host */
bool host_memory_has_pin(const struct host_memory *m, uint32_t owner);

/** host_memory_forget() - drop the pins of container @owner */
void host_memory_forget(struct arena *a, struct host_memory *m, uint32_t owner);

/**
 * host_memory_know_pins() - this host knows the serial numbers that pins of @m remember
 * @now: cards of this moment, to be added to the history next
 *
 * Where the history began after a serial number was seen (/var was lost), a pin may be all that
 * knows it. What shows it later at another port than that pin's, or at one where it cannot be
 * read now, may have come from elsewhere: a pin without the number does not take it.
 */
void host_memory_know_pins(struct arena *a, struct host_memory *m, const struct card_set *now);

/** pins_write() - the pins as the text that pins_read() reads */
struct bytes pins_write(struct arena *a, const struct host_memory *m);

/** pins_unfollowed() - the pins are of another history: each is judged by its own neighbours */
void pins_unfollowed(struct host_memory *m);

/** pins_read() - read the text into @m; false when it is damaged, @m has no pins then */
bool pins_read(struct arena *a, struct bytes text, struct host_memory *m);
