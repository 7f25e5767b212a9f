/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* unit - what `systemctl show` prints about services */
#include "base/bytes.h"

/** The properties to ask for, for --property= */
#define UNIT_PROPERTIES                                                                            \
        "Id,LoadState,ActiveState,MainPID,User,Group,SupplementaryGroups,DeviceAllow,"             \
        "DevicePolicy,PrivateDevices,Environment,DropInPaths"

struct unit_device {
        const char *path;   /* "/dev/dri/card1", "char-drm" */
        const char *access; /* "rw" */
};

struct unit {
        const char *id; /* "ollama.service" */
        bool loaded, active;
        uint32_t main_pid;          /* 0: none */
        const char *user, *group;   /* "" when not set: root */
        const char **supplementary; /* groups */
        size_t n_supplementary;
        const char *device_policy; /* "auto", "closed", "strict" */
        bool private_devices;
        bool kept; /* the drop-in that gpuanchor keeps is among those that it was loaded with */
        struct unit_device *devices; /* DeviceAllow= */
        size_t n_devices;
        struct bytes environment; /* blank-separated, quoted as systemctl does */
};

/**
 * unit_parse() - all units of one output
 * @text: blocks of KEY=VALUE lines with an empty line between them
 *
 * Return: number of units; a block without an Id is left out.
 */
size_t unit_parse(struct arena *a, struct bytes text, struct unit **ret);

/** unit_allows() - whether DeviceAllow= and DevicePolicy= let the unit have a node, if enforced */
bool unit_allows(const struct unit *u, const char *path);

/**
 * environment_value() - the value of variable @name
 * @text: assignments, with a blank or a NUL byte between them
 *
 * Return: true and the value up to the next blank, NUL or quote.
 */
bool environment_value(struct bytes text, const char *name, struct bytes *ret);
