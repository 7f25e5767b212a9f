/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "anchor/check.h"
#include "cli/verb.h"

/** ask_possible() - whether a person is there: stdin and stdout are terminals */
bool ask_possible(const struct cli *c);

/** ask_show_lines() - what the container has of GPUs, for who has to say which one it is about */
void ask_show_lines(struct cli *c, const struct check *k);

/**
 * ask_gpu() - let a person choose one of several GPUs
 * @vmid:    container that it is for
 * @choice:  among GPUs of @c->host; one that its lines name, or that alone is free, is shown first
 *
 * Takes the number of a line; asks again after anything else. No lock may be
 * held: people take their time.
 *
 * Return: a selector, or NULL for an empty line or the end of input.
 */
const char *ask_gpu(struct cli *c, uint32_t vmid, const struct choice *choice);
