/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * source - what a path that a container's file names leads to on this host
 *
 * A name says nothing about a device: a udev link, /dev/char/226:129 and a node that
 * mknod made elsewhere are the same GPU. src/host follows the paths; what it found is data,
 * so that reading a container's lines stays free of system calls.
 */
#include "model/gpu/devnum.h"

enum source_kind {
        SOURCE_UNKNOWN, /* not looked up; @why says for what reason */
        SOURCE_NOTHING, /* there is nothing, or the kernel would not get there */
        SOURCE_DEVICE,
        SOURCE_FOLDER,
        SOURCE_FILE, /* anything else */
};

struct source {
        const char *path; /* as the container's file spells it */
        enum source_kind kind;
        struct devnum number; /* of DEVICE */
        /*
         * Where @path ends: absolute, without links, "." and "..", without any prefix. Of NOTHING
         * and UNKNOWN: where it would end as far as it could be followed. NULL: not looked up yet.
         */
        const char *leads_to;
        const char *why; /* of UNKNOWN */
        bool failed;     /* UNKNOWN by an error of the system, which may be over a moment later */
        bool regular;    /* of FILE: no socket, no FIFO */
        bool executable; /* of FILE: to somebody */

        bool is_asked;      /* for its content, too */
        struct bytes text;  /* then of a FILE; without data: see @unread */
        const char **names; /* then of a FOLDER: what is in it and ends with ".conf", sorted */
        size_t n_names;
        const char *unread; /* then: why the content is not known; NULL: it is */
};

/** A container's file names some ten; a file that names more than this is not worth the time. */
#define SOURCES_MAX 1024

struct sources {
        struct source *items;
        size_t n;
};

/**
 * sources_add() - ask for a path
 * @a:    arena of the list and of the copy of @path
 * @path: as it stands in the file
 *
 * No empty path, none that is there already, none with a NUL in it, no more than SOURCES_MAX.
 */
void sources_add(struct arena *a, struct sources *s, struct bytes path);

/** sources_add_file() - ask for a path, and for its content; whether there was no answer yet */
bool sources_add_file(struct arena *a, struct sources *s, struct bytes path);

/** sources_failed() - whether one could not be looked up by an error of the system */
bool sources_failed(const struct sources *s);

/** sources_find() - the answer for a path, NULL when it was not asked for */
const struct source *sources_find(const struct sources *s, struct bytes path);
