/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * watcher-stage - a sample host with the daemon's manager on it, for test-watcher*
 *
 * What is told is written down as "CODE VMID", "-CODE VMID" when resolved. The
 * hosts have real device nodes, so without root the tests are skipped.
 */
#include "daemon/manager.h"

#include <limits.h>

#define SECOND UINT64_C(1000000)

struct stage {
        struct arena arena;
        char root[PATH_MAX];
        struct manager *m;
        uint64_t now;
        struct strbuf told;   /* since the last look */
        struct strbuf log;    /* every message since the last look, as the journal has it */
        char last_text[1024]; /* of the newest finding */
        enum severity last_severity;
};

/** shell() - run a command that has to succeed */
void shell(const char *format, ...) _printf_(1, 2);

/** write_file() - replace @path below @root, as editors and Proxmox do */
void write_file(const char *root, const char *path, const char *content);

/** new_stage() - sample host @host with container 101 of the guide, which is right there */
struct stage *new_stage(const char *host);
void end_stage(struct stage *s);

/** open_manager() - start the daemon's manager anew */
void open_manager(struct stage *s);

/** look() - look once, long after the last time; what was told */
const char *look(struct stage *s);

/** set_up_stages(), tear_down_stages() - for cmocka: a folder, and a network of our own */
int set_up_stages(void **state);
int tear_down_stages(void **state);
