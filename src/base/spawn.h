/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/base.h"

/**
 * spawn_wait() - run a program and wait for it
 * @argv:       NULL-terminated; argv[0] is looked up in the standard system PATH
 * @ret_status: exit status, 128 + N for signal N
 *
 * The child gets stdin and stdout from /dev/null, our stderr, and no other
 * descriptor: those that leaked in from our own parent stay with us. When this
 * returns the child is gone.
 *
 * Return: 0 when it ran, negative errno when it could not be started.
 */
int spawn_wait(const char *const argv[], int *ret_status);

/**
 * spawn_read() - the same, and what the program printed
 * @a:   arena
 * @ret: at most 64 KiB of its standard output
 */
int spawn_read(struct arena *a, const char *const argv[], int *ret_status, struct bytes *ret);
