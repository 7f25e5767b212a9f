/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/finding/finding.h"
#include "model/policy/policy.h"
#include "pve/pve.h"

/** settings_path() - <root>/etc/pve/gpuanchor/<vmid>.conf, the container's policy file */
const char *settings_path(const struct pve *pve, uint32_t vmid);

/** settings_name() - the same without the prefix, for messages */
const char *settings_name(struct arena *a, uint32_t vmid);

/** struct settings - what settings files say, and what is wrong with them */
struct settings {
        struct policy policy;
        struct findings problems; /* policy-key and policy-broken, with file:line */
};

/**
 * settings_load_host() - the host's defaults
 *
 * Reads /etc/gpuanchor/gpuanchor.conf, then /etc/gpuanchor/gpuanchor.conf.d by name (section
 * [defaults]); later wins.
 */
void settings_load_host(const struct pve *pve, struct settings *ret);

/** settings_copy() - the host's, for one container to change; @host may be in another arena */
struct settings settings_copy(struct arena *a, const struct settings *host);

/**
 * settings_load_own() - the policy of one container
 * @s: settings_copy() of the defaults; gets a policy that is always usable, policy.broken when
 *     it must not be acted on
 *
 * Reads the container's file ([container], [pin NODE], [memory]) over the defaults. A wrong key
 * or value costs that line; a file that is no INI file at all (a line without "=", an entry
 * over INI_LINE_MAX bytes, a NUL byte, more than 64 KiB) is thrown away whole.
 *
 * The policy is broken when somebody said which GPU and we cannot tell what he said: the
 * container's own file cannot be read or was thrown away, its `gpu` (or a [pin NODE] line) is
 * wrong, misspelt or in a wrong section; or one of these holds for the host's files and no
 * good `gpu` comes after it.
 */
void settings_load_own(const struct pve *pve, uint32_t vmid, struct settings *s);

/** settings_try_own() - the same with @text instead of what the file holds, which is policy.file */
void settings_try_own(const struct pve *pve, uint32_t vmid, struct bytes text, struct settings *s);

enum settings_kind {
        SETTINGS_HOST,      /* section [defaults] */
        SETTINGS_CONTAINER, /* sections [container], [pin NODE], [memory] */
};

/**
 * settings_parse() - what one settings file says
 * @s:       what the files before it say; problems.arena holds what is added. policy.broken or
 *           policy.doubt tell that the policy must not be acted on, or only when a good `gpu`
 *           comes later
 * @kind:    whose file it is
 * @path:    its path for findings
 * @content: bytes of the file; nothing is assumed about them
 *
 * Return: whether the file counts; false when it was thrown away whole.
 */
bool settings_parse(struct settings *s, enum settings_kind kind, const char *path,
                    struct bytes content);

/** struct daemon_settings - section [daemon] of the host's settings files */
struct daemon_settings {
        uint32_t interval; /* seconds between looks that no event asks for */
        uint32_t quiet;    /* seconds without an event before a look */
        uint32_t messages; /* at most so many a minute */
};

/**
 * settings_load_daemon() - section [daemon] of the files of settings_load_host()
 * @ret: what is not set or wrong is at its default
 * @f:   gets a policy-key finding per wrong line
 */
void settings_load_daemon(const struct pve *pve, struct daemon_settings *ret, struct findings *f);
