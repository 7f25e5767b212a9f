/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

#define TAR_NAME_MAX 99

/**
 * tar_add() - append one file to an archive in the ustar format of POSIX
 * @b:       archive so far
 * @name:    at most TAR_NAME_MAX bytes
 * @content: at most 8 GiB
 * @mtime:   seconds since 1970
 *
 * Mode 0644, owner 0:0 without a name.
 */
void tar_add(struct strbuf *b, const char *name, struct bytes content, int64_t mtime);

/** tar_end() - the two empty blocks that end an archive */
void tar_end(struct strbuf *b);
