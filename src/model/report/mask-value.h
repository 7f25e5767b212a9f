/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mask-value - masking of the settings of a container's file, one by one
 */
#include "model/report/mask.h"

/** mask_path() - a path, unless it is one below /dev, /proc or /sys that names no serial number */
struct bytes mask_path(struct mask *m, struct bytes path);

/** mask_volume() - "STORAGE:VOLUME" or a path, and the options behind it */
struct bytes mask_volume(struct mask *m, struct bytes value);

/** mask_value() - the value of a setting of a container's file that is about no GPU */
struct bytes mask_value(struct mask *m, struct bytes key, struct bytes value);

typedef struct bytes (*mask_option_fn)(struct mask *m, struct bytes key, struct bytes value);

/** mask_options() - "a,key=value,...": @one masks a value; a part without key has the key "" */
struct bytes mask_options(struct mask *m, struct bytes value, mask_option_fn one);

/**
 * mask_names() - names with one of the characters of @between between them
 * @known: names that stay, and NULL
 */
struct bytes mask_names(struct mask *m, struct bytes value, const char *between,
                        const char *const *known);

/** mask_environment() - "A=1 B=x"; numbers of up to three digits stay */
struct bytes mask_environment(struct mask *m, struct bytes value);
