/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * variable - the paths of nodes in a variable, and what those nodes are called now
 *
 * Which card a path is for is remembered from the first time on that the variable is read
 * (model/identity/named-node.h), until its owner changes it.
 */
#include "model/plan/edit/editor.h"

/** struct node_names - what the nodes of a plan are called in the container, same index */
struct node_names {
        const struct editor *e;
        const char **names;
};

struct node_names variable_names(const struct editor *e);

/** variable_path() - the next path below /dev in @text from @from on; empty when there is none */
struct bytes variable_path(struct bytes text, size_t from);

/**
 * variable_renewed() - "NAME=VALUE" with the nodes of today
 *
 * Each path by itself, so that two cards may have changed names. Return: @text itself when nothing
 * in it is stale, or it cannot be told.
 */
struct bytes variable_renewed(const struct node_names *v, struct bytes text);

/** variable_remember() - whose the nodes in @text are, which is what the file says from now on */
void variable_remember(const struct node_names *v, struct bytes text);
