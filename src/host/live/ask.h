/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * ask - how a look is asked for
 *
 * gpuanchor-look.path starts the look while there is the file /run/gpuanchor-look/wanted. The
 * folder is made by tmpfiles, so that it outlives the daemon, and everybody who may ask may do no
 * more than that: the look believes nothing that it finds there. Which containers are
 * starting is root's to say, in /run/gpuanchor.
 */
#include "base/bytes.h"

/** ask_look() - ask for a look; what cannot be asked for is done by the timer */
void ask_look(const char *root);

/** ask_look_at_start() - the same, because container @vmid starts; root only */
void ask_look_at_start(const char *root, uint32_t vmid);

/**
 * ask_take() - a look begins: whoever asks from now on asks for the next one
 *
 * Return: whether it was asked for.
 */
bool ask_take(const char *root);

/** ask_is_wanted() - whether another look was asked for */
bool ask_is_wanted(const char *root);

/** ask_starting() - containers that are starting and were not looked at yet; their number */
size_t ask_starting(struct arena *a, const char *root, uint32_t **ret);

/** ask_started() - container @vmid was looked at */
void ask_started(const char *root, uint32_t vmid);
