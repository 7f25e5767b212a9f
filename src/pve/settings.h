/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/finding/finding.h"
#include "model/policy/policy.h"

/** settings_path() - <root>/etc/pve/gpuanchor/<vmid>.conf, the container's policy file */
const char *settings_path(struct arena *a, const char *root, uint32_t vmid);

/**
 * settings_load() - the policy of one container
 * @a:    arena that holds the policy
 * @root: path prefix, "" for this machine
 * @vmid: container; 0 reads the host's defaults only
 * @ret:  policy, always usable; @ret->broken when it must not be acted on
 * @f:    gets a policy-key or policy-broken finding per problem, with file:line
 *
 * Reads /etc/gpuanchor/gpuanchor.conf, /etc/gpuanchor/gpuanchor.conf.d by name
 * (section [defaults]), then the container's file ([container], [pin NODE], [memory]);
 * later wins. A wrong key or value costs that line; a file that is no INI file at all
 * (a line without "=", an entry over 199 bytes, a NUL byte, more than 64 KiB) is thrown
 * away whole.
 *
 * The policy is broken when somebody said which GPU and we cannot tell what he said: the
 * container's own file cannot be read or was thrown away, its `gpu` (or a [pin NODE] line) is
 * wrong, misspelt or in a wrong section; or one of these holds for the host's files and no
 * good `gpu` comes after it.
 *
 * Return: 0; negative errno only when the arena's owner must give up (never for content).
 */
int settings_load(struct arena *a, const char *root, uint32_t vmid, struct policy *ret,
                  struct findings *f);

/** struct host_settings - what the host's own files say, for many containers */
struct host_settings {
        struct policy policy;
        struct findings problems;
};

/** settings_load_host() - the first half of settings_load() */
void settings_load_host(struct arena *a, const char *root, struct host_settings *ret);

/** settings_load_own() - the second half; @host may be in another arena, which lives longer */
void settings_load_own(struct arena *a, const char *root, uint32_t vmid,
                       const struct host_settings *host, struct policy *ret, struct findings *f);

enum settings_kind {
        SETTINGS_HOST,      /* section [defaults] */
        SETTINGS_CONTAINER, /* sections [container], [pin NODE], [memory] */
};

/**
 * settings_parse() - what one settings file says
 * @a:       arena that holds the policy
 * @content: bytes of the file; nothing is assumed about them
 * @kind:    whose file it is
 * @path:    its path for findings
 * @p:       policy that the file changes; @p->broken or @p->doubt tell that it must not be
 *           acted on, or only when a good `gpu` comes later
 * @f:       gets the findings
 *
 * Return: whether the file counts; false when it was thrown away whole.
 */
bool settings_parse(struct arena *a, struct bytes content, enum settings_kind kind,
                    const char *path, struct policy *p, struct findings *f);
