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

/** gpu_list_text() - "0000:c1:00.0 (1002:150e amdgpu card1 renderD128), ..."; "no GPU" */
const char *gpu_list_text(struct arena *a, const struct gpu_list *l);

/** gpu_list_selectors() - the same with selectors, ready to paste behind --gpu or `gpu =` */
const char *gpu_list_selectors(struct arena *a, const struct gpu_list *l);

/** gpu_describe() - "1002:150e amdgpu card1 renderD128" */
const char *gpu_describe(struct arena *a, const struct gpu *g);

/** gpu_selector() - the selector of @g alone: "pci:0000:c1:00.0", "platform:fb000000.gpu" */
const char *gpu_selector(struct arena *a, const struct gpu *g);
