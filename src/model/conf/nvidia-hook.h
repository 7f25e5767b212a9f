/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * nvidia-hook - GPUs that LXC's hook for NVIDIA's container tools gives
 */
#include "model/conf/pctconf.h"
#include "model/gpu/gpu-list.h"

struct nvidia_hook {
        size_t line;          /* lxc.hook.mount: .../hooks/nvidia; 0: there is none */
        size_t env;           /* the line that says which GPUs; 0: none does */
        struct bytes devices; /* part of that line's value: "0,1", "all", "GPU-..." */
        bool runs;            /* it is told something, and so does not end at once */
        bool gives;           /* a GPU */
        bool all;             /* every GPU */
};

/** nvidia_hook_find() - the hook and its variables in the current section */
struct nvidia_hook nvidia_hook_find(const struct pctconf *c);

/** nvidia_hook_gpu() - the GPU that one word of the list names on this host, NULL if none */
const struct gpu *nvidia_hook_gpu(struct arena *a, const struct facts *f, struct bytes word);

/** nvidia_hook_gpus() - all that it gives; @ret_unknown: the first word that names none, or NULL */
struct gpu_list nvidia_hook_gpus(struct arena *a, const struct facts *f,
                                 const struct nvidia_hook *h, const char **ret_unknown);

/** nvidia_hook_has_index() - whether a GPU is named by its place, which another card may have later */
bool nvidia_hook_has_index(const struct nvidia_hook *h);

/** nvidia_hook_uuid() - the word that names @g whatever its number is; NULL when it is not known */
const char *nvidia_hook_uuid(struct arena *a, const struct gpu *g);
