/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mask - a report shows what is known to be harmless, and nothing else
 *
 * Shown are numbers, device numbers, PCI addresses and ids, names of nodes, and the words of
 * gpuanchor, Proxmox and LXC that the tables name (word.def). Whatever is none of these is "masked_1", a
 * path "/masked_1": within one struct mask the same text is the same mask, so that one still sees what
 * belongs together. The number of lines stays, and what is masked already comes back as it is.
 */
#include "base/bytes.h"

/** struct mask - what was masked so far, and what may be shown; mask_open() makes one */
struct mask {
        struct arena *arena;
        struct mask_entry {
                struct bytes text;
                struct bytes mask;
        } * entries;
        size_t n;
        struct bytes *words; /* sorted, unless one was added */
        size_t n_words;
        bool sorted;
};

/** mask_open() - nothing is masked yet, the words of the tables may be shown */
struct mask mask_open(struct arena *a);

/** mask_allow() - the words of a text may be shown, too: what a host's GPUs are called, for example */
void mask_allow(struct mask *m, const char *text);

/** mask_of() - the mask of a whole text; "" and masks come back as they are */
struct bytes mask_of(struct mask *m, struct bytes text);

/** mask_text() - any text, word by word; behind NAME= a value only if word.def has the name */
struct bytes mask_text(struct mask *m, struct bytes text);

/** mask_names() - every word of a list of names is masked, whatever it is */
struct bytes mask_names(struct mask *m, struct bytes text);

/** mask_name() - a name as mask_names() masks it, if it was masked before; else as mask_text() */
struct bytes mask_name(struct mask *m, struct bytes text);

/** mask_shows() - whether a word may be shown as it is */
bool mask_shows(struct mask *m, struct bytes word);
