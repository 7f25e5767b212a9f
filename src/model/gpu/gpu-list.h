/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * gpu-list - some of a host's GPUs, and how a GPU is written for people
 */
#include "model/gpu/facts.h"

struct gpu_list {
        const struct gpu **items; /* of facts.gpus */
        size_t n;
};

bool gpu_list_has(const struct gpu_list *l, const struct gpu *g);

/** gpu_list_add() - put @g in once, in the order of facts.gpus */
void gpu_list_add(struct arena *a, struct gpu_list *l, const struct gpu *g);

/** gpu_list_text() - "AMD Radeon 890M, 0000:c1:00.0 (1002:150e amdgpu card1), ..."; "no GPU" */
const char *gpu_list_text(struct arena *a, const struct gpu_list *l);

/** gpu_list_selectors() - the same with selectors, ready to paste behind --gpu or `gpu =` */
const char *gpu_list_selectors(struct arena *a, const struct gpu_list *l);

/** gpu_describe() - "1002:150e amdgpu card1 renderD128" */
const char *gpu_describe(struct arena *a, const struct gpu *g);

/** gpu_choice() - what tells @g from others: "AMD Radeon 890M, 1002:150e amdgpu card1 renderD128" */
const char *gpu_choice(struct arena *a, const struct gpu *g);

/** gpu_label() - "AMD Radeon 890M, 0000:c1:00.0"; the address alone without @name */
const char *gpu_label(struct arena *a, const char *name, const char *address);

/**
 * gpu_name() - a name for people, of what a database of PCI devices says
 * @vendor: PCI vendor
 * @model:  "Strix [Radeon 880M / 890M]": the brand, where there is one, is in the last brackets
 *
 * Return: "AMD Radeon 880M / 890M".
 */
const char *gpu_name(struct arena *a, uint32_t vendor, const char *model);

/** gpu_selector() - the selector of @g alone: "pci:0000:c1:00.0", "platform:fb000000.gpu" */
const char *gpu_selector(struct arena *a, const struct gpu *g);
