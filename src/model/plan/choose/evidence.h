/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * evidence - do a container's lines say which GPU is meant?
 *
 * Before there is a pin the lines are all there is, and they may be older than the last
 * renumbering. The one rule for a start, enable and doctor.
 */
#include "model/identity/sighting.h"
#include "model/plan/choose/chooser.h"

/** evidence_digest() - of the lines of @conf that give devices, in any order; the same ever after */
const char *evidence_digest(struct arena *a, const struct pctconf *conf);

/**
 * evidence_named() - the cards that the lines name today, as a sighting keeps them
 *
 * None unless they name them with one voice. Those of accelerators have CHOSEN_BY_ACCEL.
 */
struct card_set evidence_named(struct arena *a, const struct facts *f, const struct survey *s);

/** evidence_sighting() - of the lines as they are; NULL when they were not seen so */
const struct sighting *evidence_sighting(struct chooser *x);

/**
 * evidence_doubt() - why the lines do not count, NULL when they do
 * @named:       the GPUs that they name now
 * @ret_against: something contradicts them; else nothing is known of their age
 *
 * Against them: a hole in the id map for a host gid that no group has; a device rule for a number
 * that no device has; other cards when they were first seen so. Asked where the host
 * has several; where no other can have nodes of those kinds, only what the host remembers counts.
 */
const char *evidence_doubt(struct chooser *x, const struct gpu_list *named, bool *ret_against);

/** evidence_all() - whether the lines give every GPU of the host: a folder, a wildcard, each */
bool evidence_all(const struct plan_input *in, const struct gpu_list *named,
                  const struct gpu_list *usable);
