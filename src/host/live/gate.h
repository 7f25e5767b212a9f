/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * gate - the device program on the control group of a container
 *
 * Beside LXC's own: both must let a device through. What a process has open stays open.
 */
#include "base/bytes.h"

#include <linux/bpf.h>

/** gate_cgroup() - the control group of container @vmid, whether it is there or not */
const char *gate_cgroup(struct arena *a, uint32_t vmid);

/**
 * gate_set() - have this program on a control group, and no other one of gpuanchor
 * @cgroup:  folder of the control group; nothing is done if it is not there
 * @program: see gate_program()
 *
 * A program of ours that is there is found by its name and exchanged in one step, so that there
 * is no moment without; an equal one stays. Needs CAP_BPF and CAP_NET_ADMIN to load, and
 * CAP_SYS_ADMIN to find (kernel/bpf/syscall.c).
 *
 * Return: 1 if it was exchanged or is new, 0 if it was there, negative errno.
 */
int gate_set(const char *cgroup, const struct bpf_insn *program, size_t n);

/** gate_clear() - take it off; 1 if there was one, 0 if not, negative errno */
int gate_clear(const char *cgroup);

/** gate_is_set() - whether there is one; 1, 0, negative errno */
int gate_is_set(const char *cgroup);
