/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * collect - what a bug report needs to have, collected and masked
 */
#include "cli/verb.h"
#include "model/gpu/facts.h"
#include "model/report/mask.h"

/** struct report_file - a file of the host, to be masked */
struct report_file {
        const char *path;  /* on the host, without prefix */
        const char *place; /* in the description of the host; NULL: @path */
        /* NULL: only that it exists is reported */
        struct bytes (*mask)(struct mask *m, struct bytes content);
        struct bytes content;
};

struct report {
        struct cli *c;
        struct mask mask;
        bool watched; /* gpuanchord runs */
        struct report_file *files;
        size_t n_files;
        const char **unread; /* "PATH: why" */
        size_t n_unread;
        uint32_t *managed; /* containers of this node */
        size_t n_managed;
        size_t n_written;
        struct strbuf tar;
        int64_t now;
};

/** report_collect() - read all that goes into a report, and learn its names */
void report_collect(struct report *r);

/** report_host() - the host as a description for tests/mkhost.sh, all files in it */
struct bytes report_host(struct report *r);

/** report_versions() - "gpuanchor 0.1.0" and so on, one line each */
struct bytes report_versions(struct report *r);

/** report_unread() - note that something is not in it */
void report_unread(struct report *r, const char *path, const char *why);
