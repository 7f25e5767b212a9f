/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * gpu-word - a GPU as a person names it
 */
#include "cli/verb.h"

/**
 * gpu_words() - the value of --gpu with selectors in place of what names a node or an address
 * @value: words with blanks between them: selectors, "card1", "renderD129", any path that leads to
 *         a device, "c1:00.0"
 *
 * A node's name says which GPU is meant at this moment and nothing later, so the selector says
 * what the GPU is.
 *
 * Return: arena copy; NULL after a complaint, which lists the GPUs: a word is not understood, or no
 * GPU of this host is that now.
 */
const char *gpu_words(struct cli *c, const char *value);
