/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * snippet - our hook as a volume that a container's hookscript line can name
 */
#include "cli/verb.h"
#include "model/finding/finding.h"
#include "pve/guest.h"

/** snippet_path() - where the name of the hook in the storage is or will be, without the prefix */
const char *snippet_path(struct cli *c);

/**
 * snippet_check() - whether snippet_install() can succeed
 *
 * The hook must be installed, and what has the link's name must be ours: a link
 * to some gpuanchor-hook, or an executable file that somebody copied there.
 *
 * Return: EXIT_DONE, or EXIT_TROUBLE after telling.
 */
int snippet_check(struct cli *c);

/** snippet_advise() - add snippets-off when storage `local` does not offer snippets */
void snippet_advise(struct cli *c, struct findings *f);

/**
 * snippet_install() - make a script that runs the hook if it is installed, after snippet_check()
 *
 * Debian's package has made a link, where it could: that stays. Both stay when a container leaves.
 *
 * Return: 0 or negative errno.
 */
int snippet_install(struct cli *c);

/**
 * hookscript_set() - pct set VMID --hookscript VOLUME, or --delete hookscript
 * @volume: NULL to delete
 *
 * The caller does not hold the container's lock: pct takes it. What pct says on
 * stderr is passed on. Return: EXIT_DONE, or EXIT_TROUBLE after telling.
 */
int hookscript_set(struct cli *c, uint32_t vmid, const char *volume);

/** hookscript_is_usable() - whether @volume names an executable file, as Proxmox demands */
bool hookscript_is_usable(struct cli *c, const char *volume);

/**
 * hookscript_runs_hook() - whether a hookscript is gpuanchor-hook, or a program that names it
 *
 * As next-hook it would be run by the hook and run the hook again.
 */
bool hookscript_runs_hook(struct cli *c, const char *volume);
