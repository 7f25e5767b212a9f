/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * way-file - the files that bring lines or make nodes beside the lines of a container's file
 *
 *     lxc.include: /etc/lxc/gpu.d          every *.conf in it, and what those include
 *     lxc.mount.fstab: /var/lib/lxc/101/fstab
 *     lxc.hook.mount: sh /root/gpu.sh
 *
 * As LXC takes them (lxc.container.conf(5); confile.c, do_includedir(); utils.c, run_script_argv():
 * "exec " and the value, by sh -c).
 */
#include "model/conf/pctconf.h"
#include "model/gpu/source.h"

/** enum way_program - what a word of a hook's command is to the shell */
enum way_program {
        PROGRAM_NONE, /* anything */
        PROGRAM_RUN,  /* what it runs */
        PROGRAM_READ, /* what the shell or interpreter that it runs reads */
        PROGRAM_FIRST, /* the first of commands, which may go on without it */
};

/** struct way_file - a file that a line names */
struct way_file {
        const struct way_file *from;  /* that the line is in; NULL: the container's file */
        const struct conf_line *line; /* that names it */
        struct bytes path;
        const struct source *at; /* what is there; NULL: it was not asked for, and is not to be */
        struct pctconf conf;     /* its lines; of a script or what was not read: none */
        enum way_program program; /* of a hook, whose file has commands and no lines */
        const char *unread;      /* not all that it brings is known, for this reason; NULL: all is */
        bool ends;               /* and LXC ends the start for it */
};

/** struct way_walk - all files of a line, those that they include, too */
struct way_walk {
        struct arena *arena;
        const struct sources *sources; /* may grow meanwhile */
        void (*visit)(void *user, const struct way_file *file);
        void *user;
        size_t n; /* files so far */
};

/** way_is_hook() - whether @l runs a program; way_is() - whether it may bring nodes at all */
bool way_is_hook(const struct conf_line *l);
bool way_is(const struct conf_line *l);

/** way_files() - visit the files of @l; nothing for a line that is no such way */
void way_files(struct way_walk *w, const struct conf_line *l);

/** way_word() - cut the next word off a text in which any shell may be; empty when there is none */
struct bytes way_word(struct bytes *text);
