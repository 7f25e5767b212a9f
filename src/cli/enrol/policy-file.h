/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * policy-file - a container's policy file, before and after a verb
 */
#include "cli/verb.h"
#include "model/finding/finding.h"
#include "pve/guest.h"

struct policy_file {
        const char *path, *name; /* with and without the prefix */
        bool present;
        struct bytes old, new;
        /* what a change begins with: @old, or nothing when that is an earlier container's */
        struct bytes base;
        const struct guest *earlier_of; /* the container that it is not of; NULL: it is */
        struct finding earlier;         /* what to say of it */
};

/**
 * policy_file_read() - fill all but @new
 * @g: container; kept
 *
 * Return: EXIT_DONE, or EXIT_TROUBLE after telling.
 */
int policy_file_read(struct cli *c, const struct guest *g, struct policy_file *ret);

/**
 * policy_file_write() - replace old by new, unless they are the same
 *
 * An earlier container's is set aside first.
 *
 * Return: EXIT_DONE, or EXIT_TROUBLE after telling; the old file is whole then.
 */
int policy_file_write(struct cli *c, const struct policy_file *p);

/** policy_file_remove() - take the file away, an earlier container's aside; EXIT_DONE, or EXIT_TROUBLE after telling */
int policy_file_remove(struct cli *c, const struct policy_file *p);

/** policy_file_set_aside() - the policy of container @g, which is gone; EXIT_DONE or EXIT_TROUBLE */
int policy_file_set_aside(struct cli *c, const struct guest *g, const struct policy_file *p);

/** policy_file_restore() - old again, after a later step failed; tells when that fails too */
void policy_file_restore(struct cli *c, const struct policy_file *p);
