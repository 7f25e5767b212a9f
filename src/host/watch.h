/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * watch - descriptors that become readable when the host may have changed
 *
 * What an event says is never used: it only means "look again". So nothing is
 * lost when events are, and forging one gains nothing.
 */
#include "base/bytes.h"

/** struct watch_folder - a folder, and which names in it are of interest */
struct watch_folder {
        const char *path;
        const char *names; /* shell patterns with blanks between them: "group subgid", "*.conf" */
        bool noted;        /* what is written there says what was done, and asks for nothing */
};

struct watch;

/**
 * watch_open() - begin to watch devices and mounts
 * @ret: close with watch_close()
 *
 * Return: 0 or negative errno.
 */
int watch_open(struct watch **ret);
void watch_close(struct watch *w);

/**
 * watch_folders() - watch these folders and no others
 * @folders: copied
 *
 * To be called at every look: a folder that was not there, or is another one by
 * now because a file system was mounted over it, is watched from then on. One
 * that is not there is no error.
 *
 * Return: 0; negative errno when the kernel has no watch left for us, and the
 *         timer must do.
 */
int watch_folders(struct watch *w, const struct watch_folder *folders, size_t n);

enum watch_source {
        WATCH_KERNEL,  /* a device comes or goes; udev's rules have not run */
        WATCH_DEVICES, /* they have */
        WATCH_FILES,
        WATCH_MOUNTS,
        WATCH_SOURCES
};

/** watch_fd() - descriptor to poll: for input, WATCH_MOUNTS for EPOLLPRI; -1 when there is none */
int watch_fd(const struct watch *w, enum watch_source source);

/** enum watch_news - what has happened, the weightier the higher */
enum watch_news {
        WATCH_NOTHING,
        WATCH_NOTED, /* in a folder that is @noted, and nowhere else */
        WATCH_CHANGED,
};

/**
 * watch_drain() - read all that is there
 *
 * Return: the weightiest of what happened. An overrun of the kernel's
 * queue is of interest: what was in it is lost.
 */
enum watch_news watch_drain(struct watch *w, enum watch_source source);
