/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * local - what people and accidents left on a host
 *
 * Only doctor asks for it: files where device nodes belong, udev rules of the
 * administrator's own, scripts that change nodes, modules that are not loaded.
 * Everything here is read, nothing is run.
 */
#include "model/doctor/host.h"

/**
 * local_strays() - what lies in /dev where GPU nodes belong and is no device
 * @root: path prefix, "" for this machine
 * @f:    facts; what stands at the path of one of their nodes is known already
 * @ret:  paths without prefix, at most 256
 *
 * Return: 0, also without /dev/dri, or negative errno.
 */
int local_strays(struct arena *a, const char *root, const struct facts *f, const char ***ret,
                 size_t *ret_n);

/**
 * local_rules() - lines of /etc/udev/rules.d and /run/udev/rules.d of which
 * doctor_rule_opens() holds
 *
 * Return: 0, or negative errno when a folder or file that is there cannot be read.
 */
int local_rules(struct arena *a, const char *root, struct doctor_line **ret, size_t *ret_n);

/**
 * local_chmods() - append the lines of a script of which doctor_line_chmods() holds
 * @path: with the prefix
 * @name: without it, for people
 *
 * Return: 0, also when there is no such file or it is no text; negative errno.
 */
int local_chmods(struct arena *a, const char *path, const char *name, struct doctor_line **list,
                 size_t *n);

/** local_module_loaded() - whether the kernel has this module, loaded or built in */
bool local_module_loaded(struct arena *a, const char *root, const char *module);
