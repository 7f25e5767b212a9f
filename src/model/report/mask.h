/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mask - take out of a report what tells who and where somebody is
 *
 * The same thing is the same mask within one struct mask, so that relations stay
 * visible; the number of lines stays, and what speaks of devices, id maps and
 * group ids is left alone. What is masked already comes back as it is.
 */
#include "base/bytes.h"

enum mask_kind {
        MASK_NAME,   /* masked-name-1: of a host, container, snapshot, storage, user, script */
        MASK_PATH,   /* /masked-path-1 */
        MASK_VALUE,  /* masked-value-1: of a setting that we know nothing about */
        MASK_SECRET, /* masked-secret-1: looks like a password */
        MASK_MAC,    /* 02:00:00:00:00:01 */
        MASK_IPV4,   /* 240.0.0.1, of a network that is not in use */
        MASK_IPV6,   /* 2001:db8::1, of the net for documentation */
        MASK_KINDS,
};

/** struct mask - what was masked so far; zero but for the arena is a new one */
struct mask {
        struct arena *arena;
        struct mask_entry {
                enum mask_kind kind;
                struct bytes text;
                struct bytes mask;
        } * entries;
        size_t n;
        unsigned count[MASK_KINDS];
};

/**
 * mask_of() - the mask of @text, learned if it is new
 *
 * "" and masks come back as they are. Return: what stands for it, with a NUL behind it.
 */
struct bytes mask_of(struct mask *m, enum mask_kind kind, struct bytes text);

/**
 * mask_text() - any text: addresses, passwords, and the names learned so far
 *
 * A name is masked as a whole word, in any case of letters. Names that are
 * words of gpuanchor ("gpu", "ollama"), numbers, or shorter than three characters stay.
 */
struct bytes mask_text(struct mask *m, struct bytes text);

/** mask_addresses() - MAC, IPv4 and IPv6 addresses, and nothing else */
struct bytes mask_addresses(struct mask *m, struct bytes text);
