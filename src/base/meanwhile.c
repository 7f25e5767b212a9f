/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/meanwhile.h"

#include <errno.h>

#define STEP_MS 50

static struct {
        void (*call)(void *user);
        void *user;
} meanwhile;

void meanwhile_set(void (*call)(void *user), void *user) {
        meanwhile.call = call;
        meanwhile.user = user;
}

int meanwhile_poll(struct pollfd *fds, nfds_t n, int timeout_ms) {
        int r = poll(fds, n, meanwhile.call && timeout_ms > STEP_MS ? STEP_MS : timeout_ms);
        int error = errno;

        if (meanwhile.call)
                meanwhile.call(meanwhile.user);
        errno = error;
        return r;
}
