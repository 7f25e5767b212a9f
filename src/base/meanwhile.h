/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * meanwhile - what is done while this process waits for something else
 *
 * A container can hold whoever looks into it for seconds. What may not wait for that is called
 * from within the wait: there is no second thread, and so no state that two have to share.
 */
#include "base/bytes.h"

#include <poll.h>

/** meanwhile_set() - call @call while we wait; NULL: nothing. It starts no child and waits for nothing */
void meanwhile_set(void (*call)(void *user), void *user);

/**
 * meanwhile_poll() - poll(2), for at most 50 ms where something is set, which is called then
 *
 * Return: as poll(2); 0 also when @timeout_ms are not over yet.
 */
int meanwhile_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
