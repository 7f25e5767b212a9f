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
        MASK_IPV4,   /* 240.0.0.1, of a net that is nobody's */
        MASK_IPV6,   /* 2001:db8::1, of the net for documentation */
        MASK_KINDS,
};

/** struct mask - what was masked so far; zero but for the arena is a new one */
struct mask {
        struct arena *arena;
        struct mask_entry {
                enum mask_kind kind;
                struct bytes text;
                const char *mask;
        } * entries;
        size_t n;
        unsigned count[MASK_KINDS];
};

/** mask_of() - the mask of @text, learned if it is new; "" and masks come back as they are */
const char *mask_of(struct mask *m, enum mask_kind kind, struct bytes text);

/**
 * mask_text() - any text: addresses, passwords, and the names learned so far
 *
 * A name is masked as a whole word, in any case of letters. Names that are
 * words of ours ("gpu", "ollama"), numbers, or shorter than three characters stay.
 */
struct bytes mask_text(struct mask *m, struct bytes text);

/** mask_addresses() - MAC, IPv4 and IPv6 addresses, and nothing else */
struct bytes mask_addresses(struct mask *m, struct bytes text);

/** mask_path() - a path, unless it is one below /dev, /proc or /sys that names no serial number */
struct bytes mask_path(struct mask *m, struct bytes path);

/** mask_volume() - "STORAGE:VOLUME" or a path, and the options behind it */
struct bytes mask_volume(struct mask *m, struct bytes value);

/**
 * mask_conf() - a container's file, or the configuration that LXC reads
 *
 * Lines about devices and id maps stay, all sections; what nobody needs to know is
 * masked as a whole. Learns names: to have those of one file masked in the notes
 * of another, go through all of them twice.
 */
struct bytes mask_conf(struct mask *m, struct bytes conf);

/** mask_settings() - a policy file or the host's settings */
struct bytes mask_settings(struct mask *m, struct bytes text);

/** mask_sections() - pci.cfg: descriptions and the names of nodes */
struct bytes mask_sections(struct mask *m, struct bytes text);

/** mask_hostpci() - of a virtual machine's file only the hostpci lines of its current section */
struct bytes mask_hostpci(struct mask *m, struct bytes conf);

/** conf_names_gpu() - whether any line of any section of a container's file is about a GPU */
bool conf_names_gpu(struct arena *a, struct bytes conf);
