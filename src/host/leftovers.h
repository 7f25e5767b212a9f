/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * leftovers - what people and accidents left on a host
 *
 * Only doctor asks for it: files where device nodes belong, udev rules of the
 * administrator's own, scripts that change nodes, modules that are not loaded.
 * Everything here is read, nothing is run.
 */
#include "model/doctor/host.h"

/** struct leftovers - what was found so far; zero but for arena and root is nothing */
struct leftovers {
        struct arena *arena;
        const char *root;    /* path prefix, "" for this machine; in no path below */
        const char **strays; /* at most 256 */
        size_t n_strays;
        struct doctor_line *lines; /* at most 256 */
        size_t n_lines;
};

/**
 * leftovers_strays() - what lies in /dev where GPU nodes belong and is no device
 * @f: facts; what stands at the path of one of their nodes is known already
 *
 * Return: 0, also without /dev/dri, or negative errno.
 */
int leftovers_strays(struct leftovers *l, const struct facts *f);

/**
 * leftovers_rules() - lines of /etc/udev/rules.d and /run/udev/rules.d of which
 * doctor_rule_opens() holds
 *
 * Return: 0, or negative errno when a folder or file that is there cannot be read.
 */
int leftovers_rules(struct leftovers *l);

/**
 * leftovers_chmods() - the lines of script @name of which doctor_line_chmods() holds
 *
 * Return: 0, also when there is no such file or it is no text; negative errno.
 */
int leftovers_chmods(struct leftovers *l, const char *name);

/** module_is_loaded() - whether the kernel has this module, loaded or built in */
bool module_is_loaded(struct arena *a, const char *root, const char *module);
