/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * policy-file - a container's policy file, before and after a verb
 */
#include "cli/verb.h"

struct policy_file {
        const char *path, *name; /* with and without the prefix */
        bool present;
        struct bytes old, new;
};

/** policy_file_read() - fill all but @new; EXIT_DONE, or EXIT_TROUBLE after telling */
int policy_file_read(struct cli *c, uint32_t vmid, struct policy_file *ret);

/**
 * policy_file_write() - replace old by new, unless they are the same
 *
 * Return: EXIT_DONE, or EXIT_TROUBLE after telling; the old file is whole then.
 */
int policy_file_write(struct cli *c, const struct policy_file *p);

/** policy_file_remove() - take the file away; EXIT_DONE, or EXIT_TROUBLE after telling */
int policy_file_remove(struct cli *c, const struct policy_file *p);

/** policy_file_restore() - old again, after a later step failed; tells when that fails too */
void policy_file_restore(struct cli *c, const struct policy_file *p);
