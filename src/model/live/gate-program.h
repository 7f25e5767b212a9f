/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * gate-program - the device program that refuses numbers
 */
#include "model/gpu/devnum.h"

#include <linux/bpf.h>

#define GATE_MAX 4096 /* numbers; jumps of a program reach 32767 instructions */

/**
 * gate_program() - instructions of a BPF_PROG_TYPE_CGROUP_DEVICE program
 * @a:       arena of the result
 * @numbers: character devices that it refuses, at most GATE_MAX
 * @ret:     instructions
 *
 * Everything else passes: what this host does not know is not its to refuse. The kernel calls it
 * for open(2) and mknod(2) of each process of the control group, with the number and type of
 * the device (struct bpf_cgroup_dev_ctx, bpf.h), and each program on the way to the root has to
 * return 1.
 *
 * Return: how many instructions.
 */
size_t gate_program(struct arena *a, const struct devnum *numbers, size_t n, struct bpf_insn **ret);
