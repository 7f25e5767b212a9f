/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/**
 * describe_host() - facts in the format of tests/mkhost.sh
 * @b:       gets one line per thing
 * @f:       facts, with the list of majors
 * @subuids: of root
 * @n:       their number
 *
 * The host that mkhost.sh makes of it has the same facts, as far as a folder can: the
 * number of a node that has a wrong one is another wrong one. What no fact speaks of
 * - bridges, connectors, other devices - is not in it.
 */
void describe_host(struct strbuf *b, const struct facts *f, const struct subid_range *subuids,
                   size_t n);

/** describe_file() - the lines that make a file with this content; an open last line is ended */
void describe_file(struct strbuf *b, const char *path, unsigned mode, struct bytes content);
