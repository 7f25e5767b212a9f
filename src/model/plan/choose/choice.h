/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * choice - the GPUs that a container shall have, and what of them is missing
 */
#include "model/gpu/gpu-list.h"
#include "model/identity/host-memory.h"
#include "model/policy/policy.h"

/** struct ambiguity - GPUs of which a person has to choose; none: nothing is ambiguous */
struct ambiguity {
        struct gpu_list gpus;
        const char *why;
        bool all; /* or every GPU of the host, which is what the container has now */
};

struct choice {
        struct gpu_list gpus;
        struct ambiguity ambiguity; /* the first, of several selectors */
        const char *missing; /* what was wanted and is not there or not decided; NULL when all is */
        bool undecided; /* before there is a pin: the files stay as they are; @gpus: the likely ones */
        const char *unread; /* a file without which it cannot be told, see struct sightings; NULL: none */
        bool repin;          /* @pin is new or has changed and wants to be remembered */
        struct pin pin;
        const struct card *followed; /* the first cards of @pin as they were in the policy */
        size_t n_followed;
        struct kept_pin *kept; /* all pins of the node as they are now */
        size_t n_kept;
};

/** choice_is_settled() - whether there are GPUs, and none is missing */
bool choice_is_settled(const struct choice *c);

/** missing_add() - "0000:c1:00.0, a GPU": @missing, which may be NULL, and @what */
const char *missing_add(struct arena *a, const char *missing, const char *what);
